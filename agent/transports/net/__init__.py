"""Knocking at hosts: names, TCP, TLS and the first octets of an answer, in each family of addresses apart.

Courtesy: one connection at a time, two addresses of a name at most, one request that only asks (HTTP GET, RTSP or SIP
OPTIONS), no body is read beyond what comes with the head and none is kept, redirections are followed to the same host
only. No credential is ever sent. ICMP needs privileges that the agent does not have; TCP is also what users need.

What a host does is an answer. A gap means that the agent's own server could not ask: it has no route.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Literal
from urllib.parse import urljoin, urlsplit

from agent.errors import GapError
from agent.language import N_
from agent.model.exchange import GapReason, NetAddresses, NetLookup, NetProbe, NetProbed
from agent.transports.net.hop import Hop, Target
from agent.transports.net.names import Looked, Resolver, has_route, is_literal

if TYPE_CHECKING:
    from agent.model.exchange import Request, Response
    from agent.model.net import NetFamily
    from agent.transports.net.names import Address

__all__ = ["NetTransport"]

_TRIES = 2
"""Addresses of a name that are tried at most."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LOOKUP_SECONDS = 5.0
"""For the host that a redirection names."""
_FAMILIES: tuple[NetFamily, ...] = ("ipv4", "ipv6")
_INSIDE = frozenset({"private", "unique-local", "link-local", "loopback"})
"""Scopes of addresses that no host of the Internet has: who is sent there is sent to the campus itself."""
_PORTS = {"http": 80, "https": 443}
_Points = Literal["", "same-host", "public", "private", "unknown"]


class NetTransport:
    """Knocks at one host.

    Args:
        host: name, IPv4 or IPv6 address.
    """

    def __init__(self, host: str) -> None:
        self._host = host
        self._resolver = Resolver()
        self._looked: dict[NetFamily, Looked] = {}
        self._one_at_a_time = asyncio.Lock()

    def __repr__(self) -> str:
        return f"NetTransport({self._host!r})"

    async def exchange(self, request: Request) -> Response:
        """Look the host up, or knock at one of its ports.

        Raises:
            GapError: this server has no route to it, or the request is another.
        """
        async with self._one_at_a_time:
            if isinstance(request, NetLookup):
                return await self._look_up(request)
            if isinstance(request, NetProbe):
                return await self._probe(request)
        raise GapError(
            GapReason.UNSUPPORTED,
            "a host is not knocked at by {op}",
            where=self._host,
            todo="Ask it of an asset whose family has another transport",
            op=request.op,
        )

    async def close(self) -> None:
        """Nothing stays open between requests."""
        self._resolver.close()

    # --- names ---

    async def _look_up(self, request: NetLookup) -> NetAddresses:
        found = [await self._resolver.look_up(self._host, family, request.seconds) for family in _FAMILIES]
        self._looked = {looked.family: looked for looked in found}
        self._must_be_connected([looked.state for looked in found])
        words = [looked.word() for looked in found]
        if any(word.state == "found" for word in words):  # the name exists, whatever the resolver calls the rest
            words = [word.model_copy(update={"state": "none"}) if word.state == "unknown" else word for word in words]
        return NetAddresses(found=tuple(words), literal=is_literal(self._host))

    def _must_be_connected(self, states: list[str]) -> None:
        """Refuse to call it the name's fault where this server has no network at all.

        Raises:
            GapError: a lookup failed, and there is no route to anywhere.
        """
        if "found" not in states and "failed" in states and not any(has_route(family) for family in _FAMILIES):
            raise self._no_route(
                N_("this server has no route to anywhere, so no name can be looked up"),
                N_("Connect the server, and give it a default route"),
            )

    def _no_route(self, what: str, todo: str, **values: object) -> GapError:
        return GapError(GapReason.UNSUPPORTED, what, where=self._host, todo=todo, **values)

    async def _known(self, family: NetFamily, seconds: float) -> tuple[Looked, bool]:
        """Return the lookup of a family, and whether it was done now."""
        if family in self._looked:
            return self._looked[family], False
        self._looked[family] = await self._resolver.look_up(self._host, family, seconds)
        return self._looked[family], not is_literal(self._host)

    # --- probes ---

    async def _probe(self, request: NetProbe) -> NetProbed:
        until = time.monotonic() + request.seconds
        families = (request.family,) if request.family else _FAMILIES
        addresses: list[Address] = []
        states: list[str] = []
        lookup_us: int | None = None
        for family in families:
            looked, now = await self._known(family, until - time.monotonic())
            states.append(looked.state)
            addresses += looked.addresses
            lookup_us = (lookup_us or 0) + looked.elapsed_us if now else lookup_us
        if not addresses:
            self._must_be_connected(states)
            return NetProbed(outcome=_nameless(states), family=request.family, lookup_us=lookup_us)
        addresses = [address for address in addresses if has_route(address.family, address)]
        if not addresses:
            raise self._no_route(
                N_("this server has no {family} route to the host; nothing was sent"),
                N_(
                    "Give the server an address and a default route of this family, or move the probe to where they are"
                ),
                family=request.family or "IP",
            )
        return await self._knock(request, addresses[:_TRIES], lookup_us, until)

    async def _knock(
        self, request: NetProbe, addresses: list[Address], lookup_us: int | None, until: float
    ) -> NetProbed:
        target = Target(self._host, request.port, request.tls, request.verify, request.speak, request.path)
        for tried, address in enumerate(addresses, start=1):
            hop = Hop(target, address)
            left = until - time.monotonic()
            await hop.run(max(0.0, left / (len(addresses) - tried + 1)))
            if hop.connect_us is not None:
                break
        last, hops, redirect = await self._follow(request, hop, until)
        return NetProbed(
            outcome=last.outcome,
            family=hop.address.family,
            scope=hop.address.scope,
            tried=tried,
            lookup_us=lookup_us,
            connect_us=hop.connect_us,
            tls_us=hop.tls_us,
            first_byte_us=hop.first_byte_us,
            tls=last.tls or hop.tls,
            service=last.heard.service,
            status=last.heard.status,
            hops=hops,
            redirect=redirect,
        )

    # --- redirections ---

    async def _follow(self, request: NetProbe, first: Hop, until: float) -> tuple[Hop, int, _Points]:
        """Return the last hop, how many were followed, and where the last one points."""
        hop, hops = first, 0
        while hop.heard.status in _REDIRECTS and hop.heard.location:
            target = _next(hop.target, hop.heard.location)
            if target is None:
                return hop, hops, await self._points(hop)
            left = until - time.monotonic()
            if hops == request.redirects or left <= 0:
                return hop, hops, "same-host"
            hop, hops = Hop(target, first.address), hops + 1
            await hop.run(left)
        return hop, hops, ""

    async def _points(self, hop: Hop) -> _Points:
        """Return whether the host that an answer points to is inside the campus or outside."""
        host = _host_of(_url(hop.target), hop.heard.location)
        if not host:
            return "unknown"
        looked = [await self._resolver.look_up(host, family, _LOOKUP_SECONDS) for family in _FAMILIES]
        scopes = {address.scope for each in looked for address in each.addresses}
        if not scopes:
            return "unknown"
        return "private" if scopes <= _INSIDE else "public"


def _nameless(states: list[str]) -> Literal["no-address", "name-unknown", "name-failed"]:
    if "failed" in states:
        return "name-failed"
    return "name-unknown" if "none" not in states else "no-address"


def _url(target: Target) -> str:
    name = f"[{target.host}]" if ":" in target.host else target.host
    return f"{'https' if target.tls else 'http'}://{name}:{target.port}{target.path}"


def _host_of(url: str, location: str) -> str:
    try:
        return urlsplit(urljoin(url, location)).hostname or ""
    except ValueError:  # brackets that hold no address
        return ""


def _next(target: Target, location: str) -> Target | None:
    """Return the next hop if it is on the same host and a port of its own scheme; None if it leads elsewhere."""
    try:
        parts = urlsplit(urljoin(_url(target), location))
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    if port is None or (parts.hostname or "") != target.host.lower() or parts.scheme not in _PORTS:
        return None
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(target.host, port, parts.scheme == "https", target.verify, target.speak, path)
