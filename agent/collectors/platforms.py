"""Whether a platform can be used from here: name, connection, TLS, first octet of its page, in IPv6 and IPv4 apart.

One page is asked for in each family that the name has addresses of, once, as nobody: no login, no cookie. Redirections
are followed on the same host only. A page succeeds if the platform itself answers with a status from 200 to 399, or
with 429: then it was reached, and asks for patience. Where the server of the agent has no route in a family, nothing is
said about that family.

A page asked for without TLS also shows whether a login portal stands in between (`portal.redirected`): a public host
that sends to an address inside the campus, or status 511 (RFC 6585 §6), is no word of the host. Where a terminal that
has logged in nowhere is meant to be stopped, the probe must stand where such a terminal would.

Readings: under `probe:<asset>/ipv4` and `probe:<asset>/ipv6` `platform.success` (1 or 0), `platform.outcome`,
`platform.status`, `platform.dns`, `platform.connect`, `platform.tls`, `platform.first_byte`, and `platform.elapsed`,
their sum, all in ms; `platform.certificate` and `platform.issuer`. Under `asset:<id>` `platform.success`, 1 if either
family succeeds, `platform.outcome` where the name gives nothing to probe, `platform.aaaa` and `portal.redirected`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from agent.collectors.answers import measured
from agent.collectors.probes import milliseconds, probed
from agent.errors import GapError, MalformedError
from agent.model.exchange import NetAddresses, NetLookup, NetProbe

if TYPE_CHECKING:
    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.model.exchange import Answer, NetProbed, Session
    from agent.model.net import NetFamily, NetFound
    from agent.model.reading import Reading

__all__ = ["collect"]

LOOKUP_SECONDS: Final = 8
PROBE_SECONDS: Final = 20
"""For one page; both families and their lookups stay within the usual deadline of a minute."""
REDIRECTS: Final = 3
_FAMILIES: Final[tuple[NetFamily, ...]] = ("ipv6", "ipv4")
"""IPv4 last: where a server has no IPv6, the last word of the conversation is still an answer."""
_PORTS: Final = {"http": 80, "https": 443}
_URL: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[^\]]+\]|[^:/?#]+)(?::(?P<port>\d{1,5}))?(?P<path>[/?][^#\s]*)?(?:#\S*)?"
)
_PATIENCE: Final = 429
_PORTAL: Final = 511


class _Page(NamedTuple):
    """What is asked for."""

    port: int
    tls: bool
    path: str


@dataclass(frozen=True)
class _Probe:
    """A page in one family."""

    family: NetFamily
    answer: Answer
    told: NetProbed
    portal: str
    """State of `portal.redirected`; empty where it says nothing."""

    @property
    def success(self) -> bool:
        status = self.told.status or 0
        served = self.told.outcome == "ok" and self.told.service == "http"
        return served and (200 <= status < 400 or status == _PATIENCE) and self.portal != "portal"


async def collect(asset: Asset, campus: Campus, session: Session) -> list[Reading]:
    """Look the name up and ask for the page once in each family.

    Raises:
        GapError: the agent's own server has no route to the platform in any family.
        MalformedError: an answer is not one to what was asked.
    """
    page = _page(asset, campus)
    looked = await session.ask(NetLookup(seconds=LOOKUP_SECONDS))
    if not isinstance(looked.response, NetAddresses):
        raise MalformedError("a lookup was answered by {op}", where=asset.id, op=looked.response.op)
    found = {one.family: one for one in looked.response.found}
    probes: list[_Probe] = []
    gap: GapError | None = None
    for family in _FAMILIES:
        if family in found and found[family].state == "found":
            try:
                probes.append(await _ask(family, page, asset, session))
            except GapError as error:
                gap = error
    if gap is not None and not probes:
        raise gap
    return _readings(asset, looked, looked.response, probes)


def _page(asset: Asset, campus: Campus) -> _Page:
    """Return what is asked for: the page that a platform of the campus file gives for this host, else its root."""
    for platform in campus.platforms:
        match = _URL.fullmatch(platform.url) if asset.id in platform.assets else None
        if match is not None and match["host"].strip("[]").lower() == asset.address.lower():
            scheme = asset.scheme or match["scheme"]
            usual = int(match["port"]) if match["port"] and scheme == match["scheme"] else _PORTS[scheme]
            return _Page(asset.port or usual, scheme == "https", _encoded(match["path"] or ""))
    scheme = asset.scheme or "https"
    return _Page(asset.port or _PORTS[scheme], scheme == "https", "/")


def _encoded(path: str) -> str:
    """Return the path from its first slash on, all other letters than ASCII percent-encoded (RFC 3987 §3.1)."""
    path = path if path.startswith("/") else f"/{path}"
    return "".join(each if each.isascii() else "".join(f"%{octet:02X}" for octet in each.encode()) for each in path)


async def _ask(family: NetFamily, page: _Page, asset: Asset, session: Session) -> _Probe:
    wanted = {"family": family, "port": page.port, "tls": page.tls, "path": page.path}
    usual = {"op": "net.probe", "verify": True, "speak": "http", "redirects": REDIRECTS, "seconds": PROBE_SECONDS}
    answer = await session.ask(NetProbe.from_json({**usual, **wanted}, where=asset.id))
    told = probed(answer, asset)
    return _Probe(family, answer, told, "" if page.tls else _portal(told))


def _portal(told: NetProbed) -> str:
    """Return who answered a page without TLS: the host, a portal in between, or a host that sends elsewhere."""
    if told.outcome != "ok" or told.service != "http" or told.tls is not None:
        return ""
    if told.status == _PORTAL or (told.redirect == "private" and told.scope == "global"):
        return "portal"
    return "elsewhere" if told.redirect in {"private", "public", "unknown"} else "none"


def _readings(asset: Asset, looked: Answer, names: NetAddresses, probes: list[_Probe]) -> list[Reading]:
    subject = f"asset:{asset.id}"
    success = any(probe.success for probe in probes)
    cited = (looked, *(probe.answer for probe in probes))
    readings = [measured("platform.success", subject, str(int(success)), "1", *cited)]
    found = {one.family: one for one in names.found}
    aaaa = found.get("ipv6")
    if aaaa is not None and not names.literal and aaaa.state != "failed":
        readings.append(measured("platform.aaaa", subject, str(int(aaaa.state == "found")), "1", looked))
    if not probes:
        readings.append(measured("platform.outcome", subject, _nameless(names), "", looked))
    for probe in probes:
        readings += _of_probe(asset, probe, None if names.literal else found[probe.family], looked)
    if portals := {probe.portal for probe in probes} - {""}:
        state = next(each for each in ("portal", "elsewhere", "none") if each in portals)
        readings.append(measured("portal.redirected", subject, state, "", *(probe.answer for probe in probes)))
    return readings


def _nameless(names: NetAddresses) -> str:
    """Return why no family has an address: no answer leaves it open; an empty one proves that there is the name."""
    states = {one.state for one in names.found}
    return "name-failed" if "failed" in states else "no-address" if "none" in states else "name-unknown"


def _of_probe(asset: Asset, probe: _Probe, name: NetFound | None, looked: Answer) -> list[Reading]:
    subject, told, answer = f"probe:{asset.id}/{probe.family}", probe.told, probe.answer
    readings = [
        measured("platform.success", subject, str(int(probe.success)), "1", answer),
        measured("platform.outcome", subject, told.outcome, "", answer),
    ]
    if told.status is not None:
        readings.append(measured("platform.status", subject, str(told.status), "", answer))
    steps = {"connect": told.connect_us, "tls": told.tls_us, "first_byte": told.first_byte_us}
    readings += [
        measured(f"platform.{step}", subject, milliseconds(taken), "ms", answer)
        for step, taken in steps.items()
        if taken is not None
    ]
    if name is not None:
        readings.append(measured("platform.dns", subject, milliseconds(name.elapsed_us), "ms", looked))
    if probe.success and told.first_byte_us is not None:
        whole = sum(taken for taken in steps.values() if taken is not None)
        whole += name.elapsed_us if name is not None else 0
        readings.append(measured("platform.elapsed", subject, milliseconds(whole), "ms", looked, answer))
    if told.tls is not None:
        readings.append(measured("platform.certificate", subject, told.tls.trust, "", answer))
        readings.append(measured("platform.issuer", subject, told.tls.issuer, "", answer))
    return readings
