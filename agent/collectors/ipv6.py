"""IPv6 of one device: forwarding, addresses, prefixes, default route, traffic by version, neighbours.

Facts, no verdict: `ipv6.scope` says how far the best usable address reaches, and a device with nothing but link-local
addresses stays `link-local`. Loopback, multicast, documentation, IPv4-mapped and tunnel (6to4, Teredo) addresses are
counted and listed as rejected. Each address keeps its shape: `ipv6.shapes` says by which rule indexes were read.

Addresses are the device's own, which is infrastructure, and stay as they are. Addresses of neighbours are people's:
they arrive with a keyed interface identifier and are only counted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from agent.collectors.answers import reported, unsupported, varbinds
from agent.collectors.ipv6_tables import (
    FALLBACKS,
    IP_MIB,
    KEPT_SCOPES,
    NEIGHBOURS,
    OCTETS,
    PREFIXES,
    ROUTES,
    STATISTICS,
    default_routes,
    neighbours,
    prefixes,
    with_lengths,
)
from agent.collectors.ipv6_v4 import FORWARDING_V4, OLD_ADDRESSES, networks, old_networks
from agent.collectors.ports import INTERFACES, interfaces_of
from agent.errors import GapError
from agent.language import N_
from agent.model import snmp
from agent.model.exchange import Answer, SnmpGet
from agent.model.inet import scope_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from ipaddress import IPv6Network

    from agent.ber import VarBind
    from agent.collectors.ipv6_tables import Address, Source
    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.model.exchange import Session
    from agent.model.reading import Reading

__all__ = ["collect"]

UPTIME = "1.3.6.1.2.1.1.3.0"
FORWARDING = {
    "1.3.6.1.2.1.4.25.0": {1: "forwarding", 2: "not-forwarding"},
    "1.3.6.1.2.1.55.1.1.0": {1: "forwarding", 2: "not-forwarding"},
    "1.3.6.1.4.1.11863.6.50.2.1.0": {1: "forwarding", 0: "not-forwarding"},
}
"""ipv6IpForwarding, ipv6Forwarding, tpIpv6Routing; the first that the device has."""
STATES_V4 = {1: "forwarding", 2: "not-forwarding"}
ROUTE_COUNTS = ("1.3.6.1.2.1.4.24.6.0", "1.3.6.1.2.1.55.1.9.0")
"""inetCidrRouteNumber, ipv6RouteNumber: with one of them, a missing ::/0 means that there is none."""
SYSTEM = SnmpGet(oids=(UPTIME, FORWARDING_V4, *FORWARDING, *ROUTE_COUNTS))


async def collect(asset: Asset, campus: Campus, session: Session) -> list[Reading]:  # noqa: ARG001 (the protocol)
    """Read what the asset says about IPv6.

    Raises:
        GapError: the device does not answer, refuses, or has none of the tables. Once addresses are there, a gap ends
            the collector without an error: nothing that was read is lost.
    """
    system = await session.ask(SYSTEM)
    source, found, unread, answer, first = await _addresses(session)
    readings = _Readings(asset, *await _names(session))
    readings.system(system)
    readings.visible(system, answer)
    if not found and not readings.known and not readings.tells:
        raise _nothing(asset, system)
    try:
        listed = await session.ask(PREFIXES)
    except GapError:  # on record, and what `measure` says of this collector; what was read stays
        readings.addresses(source, found, unread, answer)
        return readings.done
    listed_networks = prefixes(snmp.rows(varbinds(listed), PREFIXES))
    found = with_lengths(found, listed_networks)
    readings.addresses(source, found, unread, answer, listed)
    readings.prefixes(found, listed_networks, answer, listed)
    try:
        await _beside(readings, first, session)
        readings.routes(system, await session.ask(ROUTES))
        readings.statistics(await session.ask(STATISTICS))
        await _neighbours(readings, session)
    except GapError:  # as above
        return readings.done
    return readings.done


async def _addresses(session: Session) -> tuple[Source, list[Address], int, Answer, Answer]:
    """Return the first table that shows a real address, IP-MIB's where none does; and the answer to IP-MIB's."""
    answer = await session.ask(IP_MIB.table)
    found, unread = IP_MIB.addresses(snmp.rows(varbinds(answer), IP_MIB.table))
    if any(address.found.scope in KEPT_SCOPES for address in found):
        return IP_MIB, found, unread, answer, answer
    for source in FALLBACKS:
        other = await session.ask(source.table)
        addresses, not_read = source.addresses(snmp.rows(varbinds(other), source.table))
        if any(address.found.scope in KEPT_SCOPES for address in addresses):
            return source, addresses, not_read, other, answer
    return IP_MIB, found, unread, answer, answer


async def _names(session: Session) -> tuple[dict[str, str], Answer]:
    """Return ifIndex -> the name under which the other collectors know the interface."""
    answer = await session.ask(INTERFACES)
    every = interfaces_of(snmp.rows(varbinds(answer), INTERFACES)).by_index
    return {index: interface.key for index, interface in every.items()}, answer


async def _beside(readings: _Readings, first: Answer, session: Session) -> None:
    """Read which interfaces have IPv4 networks, from the table that the device keeps them in."""
    found = networks(snmp.rows(varbinds(first), IP_MIB.table))
    if found is None:
        first = await session.ask(OLD_ADDRESSES)
        found = old_networks(snmp.rows(varbinds(first), OLD_ADDRESSES))
    if found is not None:
        readings.beside(found, first)


async def _neighbours(readings: _Readings, session: Session) -> None:
    for table in NEIGHBOURS:
        answer = await session.ask(table)
        rows = snmp.rows(varbinds(answer), table)
        if rows:
            readings.neighbours(rows, answer)
            return


class _Readings:
    """The readings of one device while they come together.

    Args:
        asset: the device.
        known: ifIndex -> name.
        named: the answer that says so.
    """

    def __init__(self, asset: Asset, known: Mapping[str, str], named: Answer) -> None:
        self._asset = asset
        self._named = named
        self.known = known
        self.tells = False
        """Whether the device said anything about IP by itself."""
        self.done: list[Reading] = []

    def system(self, answer: Answer) -> None:
        """Forwarding and the time base of the counters."""
        found = snmp.scalars(varbinds(answer), SYSTEM.oids)
        for oid, states in FORWARDING.items():
            number = snmp.number(found[oid])
            if number is not None and number in states:
                self._add("ipv6.forwarding", self._device, states[number], "", answer)
                break
        if (state := STATES_V4.get(snmp.number(found[FORWARDING_V4]) or 0)) is not None:
            self._add("ipv6.v4.forwarding", self._device, state, "", answer)
        if (uptime := snmp.number(found[UPTIME])) is not None:
            self._add("ipv6.uptime", self._device, str(uptime), "cs", answer)

    def visible(self, system: Answer, table: Answer) -> None:
        """Whether the device could show IPv6 at all: silence of one without these tables says nothing.

        `ipv6.scope` is `none` in both cases.
        """
        self.tells = bool(self.done)
        counted = snmp.scalars(varbinds(system), SYSTEM.oids)
        scalars = any(snmp.number(counted[oid]) is not None for oid in FORWARDING)
        shown = scalars or bool(varbinds(table).varbinds)
        self._add("ipv6.visible", self._device, "yes" if shown else "no", "", system, table)

    def addresses(self, source: Source, found: Sequence[Address], unread: int, answer: Answer, *listed: Answer) -> None:
        """What addresses there are, and how they were read; `listed` is the answer that completed their lengths."""
        scopes = [address.found.scope for address in found]
        usable = Counter(address.found.scope for address in found if address.status == "usable")
        reach = next((scope for scope in KEPT_SCOPES if usable[scope]), "none")
        state = "partial" if varbinds(answer).partial else "complete"
        self._add("ipv6.source", self._device, source.name, "", answer)
        self._add("ipv6.table", self._device, state, "", answer)
        if shapes := " ".join(sorted({address.found.shape for address in found})):
            self._add("ipv6.shapes", self._device, shapes, "", answer)
        self._add("ipv6.scope", self._device, reach, "", answer)
        unusable = sum(
            scope in KEPT_SCOPES and one.status != "usable" for scope, one in zip(scopes, found, strict=True)
        )
        counts = {
            **{f"ipv6.addresses.{scope}": usable[scope] for scope in KEPT_SCOPES},
            "ipv6.addresses.unusable": unusable,
            "ipv6.addresses.rejected": sum(scope not in KEPT_SCOPES for scope in scopes),
            "ipv6.addresses.unread": unread,
        }
        for metric, count in counts.items():
            self._add(metric.replace("-", "_"), self._device, str(count), "1", answer)
        kept = [one for one in found if one.found.scope in KEPT_SCOPES]
        self._listed("ipv6.addresses", kept, answer, *listed)
        self._listed("ipv6.rejected", [one for one in found if one not in kept], answer, *listed)

    def prefixes(self, found: Sequence[Address], networks: Sequence[tuple[str, IPv6Network]], *answers: Answer) -> None:
        """The global and unique-local prefixes of each interface, by its addresses and its prefix table."""
        by_interface: dict[str, set[str]] = defaultdict(set)
        for index, network in networks:
            if scope_of(network.network_address.packed) in ("global", "unique-local"):
                by_interface[index].add(str(network))
        for address in found:
            if address.found.scope in ("global", "unique-local") and address.network and address.status == "usable":
                by_interface[address.interface].add(address.network)
        for index, texts in by_interface.items():
            text = " ".join(sorted(texts))
            self._add("ipv6.prefixes", self._interface(index), text, "", self._named, *answers)

    def beside(self, found: Counter[str], answer: Answer) -> None:
        """How many IPv4 networks for terminals the device and each of its interfaces have."""
        self._add("ipv6.v4.networks", self._device, str(found.total()), "1", answer)
        for index, count in found.items():
            self._add("ipv6.v4.networks", self._interface(index), str(count), "1", self._named, answer)

    def routes(self, system: Answer, answer: Answer) -> None:
        """The default route; absent only where the device has a table that could show it."""
        through = default_routes(snmp.rows(varbinds(answer), ROUTES))
        counted = snmp.scalars(varbinds(system), SYSTEM.oids)
        if through:
            self._add("ipv6.default_route", self._device, "present", "", answer)
            named = " ".join(self.known.get(index, f"#{index}") for index in through if index != "0")
            if named:
                self._add("ipv6.default_route.interface", self._device, named, "", self._named, answer)
        elif not varbinds(answer).partial and any(snmp.number(counted[oid]) is not None for oid in ROUTE_COUNTS):
            self._add("ipv6.default_route", self._device, "absent", "", system, answer)

    def statistics(self, answer: Answer) -> None:
        """Counters by version, of the whole device and of its interfaces; IPv4 beside IPv6, for the share."""
        versions = {1: "v4", 2: "v6"}
        for text, cells in snmp.rows(varbinds(answer), STATISTICS).items():
            version, _, index = text.partition(".")
            name = versions.get(int(version))
            for metric, (system, interface, unit) in OCTETS.items():
                value = snmp.number(cells.get(interface if index else system))
                if name is not None and value is not None and "." not in index:
                    subject = self._interface(index) if index else self._device
                    answers = (self._named, answer) if index else (answer,)
                    self._add(f"ipv6.{name}.{metric}", subject, str(value), unit, *answers)

    def neighbours(self, rows: Mapping[str, Mapping[str, VarBind]], answer: Answer) -> None:
        """How many neighbours of each scope the device has seen."""
        scopes, unread = neighbours(rows)
        for scope in KEPT_SCOPES:
            self._add(f"ipv6.neighbours.{scope.replace('-', '_')}", self._device, str(scopes[scope]), "1", answer)
        self._add("ipv6.neighbours.unread", self._device, str(unread), "1", answer)

    def _listed(self, metric: str, found: Sequence[Address], *answers: Answer) -> None:
        by_interface: dict[str, set[str]] = defaultdict(set)
        for address in found:
            why = "" if address.status == "usable" else f"({address.status})"
            rejected = "" if address.found.scope in KEPT_SCOPES else f"({address.found.scope})"
            by_interface[address.interface].add(f"{address.spelled}{rejected or why}")
        for index, texts in by_interface.items():
            self._add(metric, self._interface(index), " ".join(sorted(texts)), "", self._named, *answers)

    @property
    def _device(self) -> str:
        return f"asset:{self._asset.id}"

    def _interface(self, index: str) -> str:
        if not index:  # the device does not say on which interface
            return self._device
        return f"interface:{self._asset.id}/{self.known.get(index, f'#{index}')}"

    def _add(self, metric: str, subject: str, value: str, unit: str, *answers: Answer) -> None:
        self.done.append(reported(metric, subject, value, unit, *answers))


def _nothing(asset: Asset, answer: Answer) -> GapError:
    return unsupported(
        asset,
        answer,
        N_("the device answers but shows neither interfaces nor IPv6 (IF-MIB, IP-MIB, IPV6-MIB)"),
        N_("Allow the view 1.3.6.1.2.1 for this community or user on the device"),
    )
