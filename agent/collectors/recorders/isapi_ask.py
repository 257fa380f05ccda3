"""One request to a Hikvision device over ISAPI, and what its status means (recorders-and-logs 1.2.1).

403 with `notSupport` is firmware that lacks the node, other 403 a user that may not; 503 says "busy" and often means
"no such node"; a refusal may come with status 200. Namespaces differ within one document: local names count alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from agent.collectors.markup import Element, json_value, parse
from agent.collectors.recorders.asking import asked
from agent.errors import MalformedError
from agent.model.cli import received
from agent.model.http import HttpField, HttpRequest

if TYPE_CHECKING:
    from agent.model.asset import Asset
    from agent.model.exchange import Answer, Session
    from agent.model.http import HttpReply

__all__ = ["FIELDS", "Isapi", "State", "Told", "state_of"]

FIELDS = (
    *(HttpField(name=name, holds="name") for name in ("deviceName", "name", "channelName", "deviceDescription")),
    *(HttpField(name=name, holds="name") for name in ("deviceLocation", "systemContact", "hostName", "domainName")),
    *(HttpField(name=name, holds="serial") for name in ("serialNumber", "subSerialNumber", "deviceID", "devIndex")),
    *(HttpField(name=name, holds="serial") for name in ("telecontrolID", "hddSerialNumber", "UUID", "TrackGUID")),
    *(HttpField(name=name, holds="mac") for name in ("macAddress", "MACAddress")),
    *(HttpField(name=name, holds="inet") for name in ("ipAddress", "ipv6Address", "clientIpAddress", "ipV4Address")),
)
"""Names of people, places and devices wherever they stand, in XML and JSON alike."""
_SUPPORT = frozenset({"notsupport", "methodnotallowed", "invalidoperation", "notimplemented", "invalidurl", "badurl"})
_DENIED = frozenset({"lowprivilege", "noprivilege", "nopermission", "unauthorized", "notactivated", "riskpassword"})

State = Literal["ok", "unsupported", "denied", "busy", "bad", "broken"]
"""Answered; the firmware lacks it; this user may not; try later, or no such node; the request was not understood;
the reply was not."""


@dataclass(frozen=True, slots=True)
class Told:
    """A reply and what it means."""

    answer: Answer
    state: State
    root: Element = field(default_factory=lambda: Element("", {}))
    """Above the document's root; empty where the state is not `ok`."""
    value: Any = None
    """Of a JSON reply."""
    why: str = ""
    """The device's own word for a refusal."""


@dataclass(slots=True)
class Isapi:
    """A device that is asked."""

    asset: Asset
    session: Session
    denied: set[str] = field(default_factory=set)
    """Paths that this user may not read."""

    async def get(self, path: str, *, json: bool = False, omit: tuple[str, ...] = ()) -> Told | None:
        """Ask a path below /ISAPI; None for a reply whose framing is broken, or a path that is not allowed.

        Raises:
            GapError: the device is silent or does not let us in.
        """
        form: Literal["xml", "json"] = "json" if json else "xml"
        return await self._ask(HttpRequest(path=f"/ISAPI/{path}", form=form, fields=FIELDS, omit=omit))

    async def post(self, path: str, body: str, *, omit: tuple[str, ...] = (), seconds: int = 60) -> Told | None:
        """Ask a question that needs a document; what it asks only reads.

        Raises:
            GapError: the device is silent or does not let us in.
        """
        return await self._ask(
            HttpRequest(
                method="POST",
                path=f"/ISAPI/{path}",
                headers={"Content-Type": "application/xml"},
                body=f'<?xml version="1.0" encoding="utf-8"?>{body}',
                form="xml",
                omit=omit,
                seconds=seconds,
            )
        )

    async def _ask(self, request: HttpRequest) -> Told | None:
        found = await asked(self.asset, self.session, request)
        if found is None:
            return None
        told = _told(*found, json=request.form == "json")
        if told.state == "denied":
            self.denied.add(request.path.removeprefix("/ISAPI/").partition("?")[0])
        return told


def _told(answer: Answer, reply: HttpReply, *, json: bool) -> Told:
    body = received(reply.body)
    if json and reply.status == 200 and not reply.truncated:
        try:
            return _of_json(answer, json_value(body))
        except MalformedError:
            pass  # an XML refusal of a JSON question
    try:
        root = parse(body)
    except MalformedError:
        return Told(answer, state_of(reply.status, "") if reply.status != 200 else "broken")
    status = root.child("ResponseStatus")
    if status is not None:
        code, why = status.own("statusCode"), status.own("subStatusCode") or status.own("statusString")
        if reply.status == 200 and code in {"1", "0"}:
            return Told(answer, "ok", root)
        return Told(answer, state_of(reply.status, why), why=why)
    if reply.status != 200:
        return Told(answer, state_of(reply.status, ""))
    return Told(answer, "broken" if reply.truncated or json else "ok", root)


def _of_json(answer: Answer, value: Any) -> Told:
    if isinstance(value, dict) and value.get("statusCode") not in {None, 0, 1}:
        why = str(value.get("subStatusCode", ""))
        return Told(answer, state_of(200, why), why=why)
    return Told(answer, "ok", value=value)


def state_of(status: int, why: str) -> State:
    """Return what a refusal means, by its status and the device's own word."""
    word = why.replace(" ", "").lower()
    if word in _SUPPORT or status in {404, 405, 501}:
        return "unsupported"
    if word in _DENIED or status == 403:
        return "denied"
    if status == 503 or word in {"devicebusy", "busy"}:
        return "busy"
    if status in {200, 400}:
        return "bad"
    return "broken"
