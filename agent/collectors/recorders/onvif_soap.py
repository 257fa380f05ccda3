"""ONVIF's SOAP 1.2: one operation, its reply by local names, and the change from HTTP digest to a UsernameToken.

A device that knows only tokens answers digest's first, anonymous request with a fault instead of a challenge (ONVIF
Core, authentication); every call is then made with a token, whose time must be the device's. A token that is refused is
the end: a second try of a wrong password locks accounts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from agent.collectors.markup import parse
from agent.collectors.recorders.asking import asked
from agent.errors import GapError, MalformedError
from agent.language import N_
from agent.model.cli import received
from agent.model.exchange import GapReason
from agent.model.http import HttpField, HttpRequest

if TYPE_CHECKING:
    from agent.collectors.markup import Element
    from agent.model.asset import Asset
    from agent.model.exchange import Answer, Session
    from agent.model.http import HttpReply, Login

__all__ = ["DEVICE", "RECORDING", "REPLAY", "SEARCH", "SERVICE", "Soap", "Told", "xml_text"]

DEVICE = "http://www.onvif.org/ver10/device/wsdl"
SEARCH = "http://www.onvif.org/ver10/search/wsdl"
RECORDING = "http://www.onvif.org/ver10/recording/wsdl"
REPLAY = "http://www.onvif.org/ver10/replay/wsdl"
SERVICE = "/onvif/device_service"
"""Where every ONVIF device has its device service (Core, 5.3)."""
_NAMESPACES = {DEVICE: "tds", SEARCH: "tse", RECORDING: "trc", REPLAY: "trp"}
FIELDS = (
    HttpField(name="SerialNumber", holds="serial"),
    HttpField(name="HardwareId", holds="serial"),
    HttpField(name="Address", holds="ip4"),
    HttpField(name="SourceId", holds="identifier"),
)
OMIT = ("Name", "Location", "Description")
"""What people call a camera and where it hangs."""
MOST_OCTETS = 8_388_608

State = Literal["ok", "unsupported", "invalid", "busy"]
"""Answered; the device does not have the operation; it does not know the token or argument; try later."""


@dataclass(frozen=True, slots=True)
class Told:
    """A reply: its body, or why there is none."""

    answer: Answer
    state: State
    body: Element | None = None


@dataclass(slots=True)
class Soap:
    """A conversation with one device, which remembers how the device wants us to log in."""

    asset: Asset
    session: Session
    ahead_ms: int = 0
    login: Login | None = field(default=None)
    """None: digest, as the family says."""

    async def call(self, service: str, path: str, operation: str, inner: str = "", *, seconds: int = 30) -> Told | None:
        """Call an operation.

        Args:
            service: namespace of the service.
            path: where it is.
            operation: name without prefix.
            inner: elements inside, with the prefixes tds, tse, trc, trp, tt, wsnt and tns1.
            seconds: how long it may take.

        Returns:
            The reply; None for one that does not decode.

        Raises:
            GapError: the device is silent or does not let us in.
        """
        told = await self._once(service, path, operation, inner, seconds)
        if told is not None and told.state == "refused":
            if self.login == "token":
                raise self._refused(told.answer)
            self.login = "token"
            told = await self._once(service, path, operation, inner, seconds)
            if told is not None and told.state == "refused":
                raise self._refused(told.answer)
        return Told(told.answer, told.state, told.body) if told is not None and told.state != "refused" else None

    async def _once(self, service: str, path: str, operation: str, inner: str, seconds: int) -> _Reply | None:
        request = HttpRequest(
            method="POST",
            path=path,
            headers={"Content-Type": f'application/soap+xml; charset=utf-8; action="{service}/{operation}"'},
            body=_envelope(f"{_NAMESPACES[service]}:{operation}", inner),
            form="xml",
            fields=FIELDS,
            omit=OMIT,
            login=self.login,
            ahead_ms=self.ahead_ms if self.login == "token" else 0,
            seconds=seconds,
            max_octets=MOST_OCTETS,
        )
        found = await asked(self.asset, self.session, request)
        return _read(*found) if found is not None else None

    def _refused(self, answer: Answer) -> GapError:
        gap = GapError(
            GapReason.REFUSED,
            N_("the recorder takes neither an HTTP digest nor a token of this user"),
            where=self.asset.id,
            todo=N_("Check the ONVIF user (often one of its own) and that the recorder's clock is right"),
        )
        gap.source, gap.at = answer.source, answer.at
        return gap


@dataclass(frozen=True, slots=True)
class _Reply:
    answer: Answer
    state: Literal["ok", "unsupported", "invalid", "busy", "refused"]
    body: Element | None = None


def xml_text(text: str) -> str:
    """Return text as it stands inside an element."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _envelope(operation: str, inner: str) -> str:
    names = " ".join(f'xmlns:{prefix}="{name}"' for name, prefix in _NAMESPACES.items())
    return (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" {names}'
        ' xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2"'
        ' xmlns:tns1="http://www.onvif.org/ver10/topics">'
        f"<s:Header/><s:Body><{operation}>{inner}</{operation}></s:Body></s:Envelope>"
    )


def _read(answer: Answer, reply: HttpReply) -> _Reply | None:
    if reply.status == 503:
        return _Reply(answer, "busy")
    try:
        root = parse(received(reply.body))
    except MalformedError:
        return _Reply(answer, "unsupported") if reply.status != 200 else None
    fault = root.first("Fault")
    if fault is not None:
        # Subcode values are qualified names, with whatever prefix (SOAP 1.2 part 1, 5.4.1).
        codes = {code.text.rpartition(":")[2] for code in fault.all("Value")}
        if "NotAuthorized" in codes or "FailedAuthentication" in codes:
            return _Reply(answer, "refused")
        invalid = codes & {"InvalidArgVal", "InvalidToken", "NoRecording", "KeepAliveTimeout"}
        return _Reply(answer, "invalid" if invalid else "unsupported")
    body = root.first("Body")
    if reply.status != 200 or body is None or reply.truncated:
        return _Reply(answer, "unsupported") if reply.status != 200 else None
    return _Reply(answer, "ok", body)
