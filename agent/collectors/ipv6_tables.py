"""Where devices keep IPv6 addresses, prefixes, default route, traffic and neighbours, and what the rows mean; pure.

Addresses: IP-MIB ipAddressTable (RFC 4293); where that shows none, IPV6-MIB ipv6AddrTable (RFC 2465) and the tables of
H3C and TP-Link. Their indexes are read by `model.inet`: exactly one shape, or no address.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from ipaddress import IPv6Address, IPv6Network
from typing import TYPE_CHECKING

from agent.model import inet, snmp
from agent.model.exchange import IndexPart, SnmpColumn, SnmpTable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agent.ber import VarBind

    Rows = Mapping[str, Mapping[str, VarBind]]

__all__ = [
    "FALLBACKS",
    "IP_MIB",
    "KEPT_SCOPES",
    "NEIGHBOURS",
    "OCTETS",
    "PREFIXES",
    "ROUTES",
    "STATISTICS",
    "Address",
    "Source",
    "default_routes",
    "neighbours",
    "prefixes",
    "with_lengths",
]

KEPT_SCOPES = ("global", "unique-local", "link-local")
IP = "1.3.6.1.2.1.4"
IPV6_MIB = "1.3.6.1.2.1.55.1"
H3C = "1.3.6.1.4.1.25506.2.71.1.1.2.1"
TP_LINK = "1.3.6.1.4.1.11863.6.50.1.1.1"
ZERO = ".".join(["0"] * 16)
MOST_NEIGHBOURS = 100_000
_UNUSABLE = {3: "invalid", 4: "inaccessible", 6: "tentative", 7: "duplicate"}
"""IpAddressStatusTC (RFC 4293): an address in these states cannot be communicated with."""
_NO_ROUTE = {2, 5}
"""inetCidrRouteType reject and blackhole: a default route that leads nowhere."""


@dataclass(frozen=True, slots=True)
class Address:
    """An IPv6 address of the device."""

    found: inet.Inet
    interface: str
    """ifIndex; empty where the device does not give it."""
    prefix_length: int | None
    status: str
    """`usable`, or why not."""

    @property
    def spelled(self) -> str:
        """The address, with its prefix length where known."""
        return self.found.text if self.prefix_length is None else f"{self.found.text}/{self.prefix_length}"

    @property
    def network(self) -> str | None:
        """The prefix that the address belongs to; None without a length, or for a single address."""
        if not self.prefix_length or self.prefix_length >= 128:
            return None
        return str(_network(self.found.address, self.prefix_length))


@dataclass(frozen=True)
class Source:
    """A table of addresses."""

    name: str
    table: SnmpTable
    read: Callable[[tuple[int, ...], Mapping[str, VarBind]], tuple[str, inet.Inet | None] | None]
    """Index and cells to ifIndex and address; None for a row that is not IPv6, no address for one that is not read."""
    length: str = ""
    """Column of the prefix length."""
    pointer: str = ""
    """Column that points to the row of the prefix."""
    status: str = ""

    def addresses(self, rows: Rows) -> tuple[list[Address], int]:
        """Return the addresses of a walk, and how many rows were not to be read."""
        found, unread = [], 0
        for index, cells in rows.items():
            row = self.read(tuple(map(int, index.split("."))), cells)
            if row is None:
                continue
            interface, address = row
            if address is None or len(address.address) != 16:
                unread += 1
                continue
            found.append(self.described(address, interface, cells))
        return found, unread

    def described(self, address: inet.Inet, interface: str, cells: Mapping[str, VarBind]) -> Address:
        """Return the address with the length and status that its row gives."""
        return Address(address, interface, self._length(cells), self._status(cells))

    def _length(self, cells: Mapping[str, VarBind]) -> int | None:
        length = snmp.number(cells.get(self.length))
        if length is None and (pointer := snmp.oid(cells.get(self.pointer))) is not None:
            length = _pointed(pointer)
        return length if length is not None and 0 <= length <= 128 else None

    def _status(self, cells: Mapping[str, VarBind]) -> str:
        return _UNUSABLE.get(snmp.number(cells.get(self.status)) or 0, "usable")


def _pointed(pointer: str) -> int | None:
    """Return the prefix length of a RowPointer into ipAddressPrefixTable, its last sub-identifier."""
    prefix = f"{IP}.32.1."
    return int(pointer.rsplit(".", 1)[1]) if pointer.startswith(prefix) else None


def _table(*columns: str, index: tuple[IndexPart, ...] = (), holds: bool = False, rows: int = 20_000) -> SnmpTable:
    kept = tuple(SnmpColumn(oid=oid, holds="mac" if holds else None) for oid in columns)
    return SnmpTable(columns=kept, index=index, max_rows=rows)


def _ip_mib_row(index: tuple[int, ...], cells: Mapping[str, VarBind]) -> tuple[str, inet.Inet | None] | None:
    if index[0] not in (2, 4):
        return None
    interface = snmp.number(cells.get(f"{IP}.34.1.3"))
    return "" if interface is None else str(interface), inet.decode(index)


def _ipv6_mib_row(index: tuple[int, ...], _: Mapping[str, VarBind]) -> tuple[str, inet.Inet | None] | None:
    return str(index[0]), inet.decode_ip6(index[1:])


def _h3c_row(index: tuple[int, ...], _: Mapping[str, VarBind]) -> tuple[str, inet.Inet | None] | None:
    return str(index[0]), inet.decode(index[1:])


def _tp_link_row(index: tuple[int, ...], _: Mapping[str, VarBind]) -> tuple[str, inet.Inet | None] | None:
    """The index has the way in which the address came about between its type and its octets."""
    return str(index[0]), inet.decode((*index[1:2], *index[3:]))


IP_MIB = Source(
    "ip-mib",
    _table(*(f"{IP}.34.1.{column}" for column in (3, 4, 5, 6, 7))),
    _ip_mib_row,
    pointer=f"{IP}.34.1.5",
    status=f"{IP}.34.1.7",
)
"""ipAddressIfIndex, Type, Prefix, Origin, Status."""
FALLBACKS = (
    Source(
        "ipv6-mib",
        _table(f"{IPV6_MIB}.8.1.2", f"{IPV6_MIB}.8.1.5"),
        _ipv6_mib_row,
        length=f"{IPV6_MIB}.8.1.2",
        status=f"{IPV6_MIB}.8.1.5",
    ),
    Source("h3c", _table(f"{H3C}.4"), _h3c_row, length=f"{H3C}.4"),
    Source("tp-link", _table(f"{TP_LINK}.5"), _tp_link_row, length=f"{TP_LINK}.5"),
)

PREFIXES = _table(f"{IP}.32.1.5")
"""ipAddressPrefixOrigin."""
ROUTE_TYPE, ROUTE_INTERFACE = f"{IP}.24.7.1.8.2.16.{ZERO}.0", f"{IP}.24.7.1.7.2.16.{ZERO}.0"
OLD_ROUTE_TYPE, OLD_ROUTE_INTERFACE = f"{IPV6_MIB}.11.1.6.{ZERO}.0", f"{IPV6_MIB}.11.1.4.{ZERO}.0"
ROUTER = f"{IP}.37.1.4"
ROUTES = _table(ROUTE_TYPE, ROUTE_INTERFACE, OLD_ROUTE_TYPE, OLD_ROUTE_INTERFACE, ROUTER, rows=1_000)
"""Of inetCidrRouteTable and ipv6RouteTable only what stands under ::/0: a router may have a million other routes."""

OCTETS = {
    "packets.in": (f"{IP}.31.1.1.4", f"{IP}.31.3.1.4", "1"),
    "octets.in": (f"{IP}.31.1.1.6", f"{IP}.31.3.1.6", "By"),
    "octets.out": (f"{IP}.31.1.1.33", f"{IP}.31.3.1.33", "By"),
}
"""ipSystemStatsHC and ipIfStatsHC InReceives, InOctets, OutOctets: columns of the system and of interfaces, unit."""
STATISTICS = _table(*(column for pair in OCTETS.values() for column in pair[:2]))

ND, OLD_ND = f"{IP}.35.1.4", f"{IPV6_MIB}.12.1.2"
NEIGHBOURS = (
    _table(ND, index=(IndexPart(at=1, length=0, holds="inet"),), holds=True, rows=MOST_NEIGHBOURS),
    _table(OLD_ND, index=(IndexPart(at=1, length=0, holds="ip6"),), holds=True, rows=MOST_NEIGHBOURS),
)
"""ipNetToPhysicalPhysAddress, and ipv6NetToMediaPhysAddress for devices that do not have it."""


def prefixes(rows: Rows) -> list[tuple[str, IPv6Network]]:
    """Return ifIndex and network of the IPv6 rows of ipAddressPrefixTable; not of single addresses and ::/0."""
    found = []
    for text in rows:
        index = tuple(map(int, text.split(".")))
        address = inet.decode(index[1:-1]) if len(index) > 2 and index[1] in (2, 4) else None
        if address is not None and len(address.address) == 16 and 0 < index[-1] < 128:
            found.append((str(index[0]), _network(address.address, index[-1])))
    return found


def with_lengths(found: Sequence[Address], networks: Sequence[tuple[str, IPv6Network]]) -> list[Address]:
    """Return the addresses, those without a length with that of the longest listed prefix around them.

    Some agents leave ipAddressPrefix at 0.0 although ipAddressPrefixTable lists the prefix of the same interface.
    """
    completed = []
    for address in found:
        around = [
            network.prefixlen
            for index, network in networks
            if index == address.interface and IPv6Address(address.found.address) in network
        ]
        known = address.prefix_length is not None or not around
        completed.append(address if known else replace(address, prefix_length=max(around)))
    return completed


def _network(address: bytes, length: int) -> IPv6Network:
    return IPv6Network((address, length), strict=False)


def default_routes(rows: Rows) -> list[str]:
    """Return the ifIndex of each default route that leads somewhere; `0` where the device does not say."""
    found = []
    for text, cells in rows.items():
        index = tuple(map(int, text.split(".")))
        for kind, interface in ((ROUTE_TYPE, ROUTE_INTERFACE), (OLD_ROUTE_TYPE, OLD_ROUTE_INTERFACE)):
            if (kind in cells or interface in cells) and snmp.number(cells.get(kind)) not in _NO_ROUTE:
                found.append(str(snmp.number(cells.get(interface)) or 0))
        router = inet.decode(index[:-1]) if ROUTER in cells else None
        if router is not None and len(router.address) == 16 and snmp.number(cells[ROUTER]) != 0:
            found.append(str(index[-1]))
    return sorted(set(found), key=int)


def neighbours(rows: Rows) -> tuple[Counter[str], int]:
    """Return how many IPv6 neighbours there are by scope, and how many rows were not to be read.

    An entry without a hardware address is a question that nobody answered, and a group is no neighbour.
    """
    scopes: Counter[str] = Counter()
    unread = 0
    for text, cells in rows.items():
        index = tuple(map(int, text.split(".")))
        address = inet.decode(index[1:]) if ND in cells else inet.decode_ip6(index[1:])
        hardware = cells.get(ND) or cells[OLD_ND]
        if address is None:
            unread += 1
        elif len(address.address) == 16 and address.scope in KEPT_SCOPES and any(hardware.value):
            scopes[address.scope] += 1
    return scopes, unread
