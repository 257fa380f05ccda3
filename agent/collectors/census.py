"""Terminals at one device: the forwarding table (which port), and ARP and ND (which addresses), by pseudonym.

Forwarding: Q-BRIDGE-MIB dot1qTpFdbTable, which holds all VLANs; where there is none, BRIDGE-MIB dot1dTpFdbTable, which
on some devices shows one VLAN only and the others under another community. Those are not asked for: a community of
one's own making is a guess at a password. `census.coverage` says what was seen: `all-vlans`, `one-context`, or `none`
of a bridge without any such table.

A MAC address is a pseudonym before it comes here; what it keeps is its maker's OUI or, for a randomised address, the
bit that says so. The same terminal has the same pseudonym at every switch, so readings that list pseudonyms can be
joined over devices, and nothing else can. They are bounded: ports with more than `MOST_AT_A_PORT` terminals lead to
other switches and only give their count, and an interface with more than `MOST_LISTED` neighbours gives counts.
Whatever the size of the table, a device gives a few readings per port and VLAN.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.collectors.answers import unsupported, varbinds
from agent.collectors.ports import INTERFACES, interfaces_of
from agent.errors import GapError
from agent.language import N_
from agent.model import inet, snmp
from agent.model.exchange import Answer, IndexPart, SnmpColumn, SnmpTable, VarBinds
from agent.model.reading import Grade, Reading

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.model.exchange import Holds, Session

__all__ = ["MOST_AT_A_PORT", "MOST_LISTED", "collect"]

MOST_AT_A_PORT = 8
"""More terminals than this at one port: another switch or an access point is behind it."""
MOST_LISTED = 2_048
"""Neighbours of one interface that are listed: 40 kB. A /21 of IPv4 has no more."""
MOST_ROWS = 200_000
"""Of one column; a large core switch learns some 100 000 addresses."""

BRIDGE = "1.3.6.1.2.1.17"
BRIDGE_PORTS = SnmpTable(columns=(SnmpColumn(oid=f"{BRIDGE}.1.4.1.2"),))
"""dot1dBasePortIfIndex."""
FDB_PORT, FDB_STATUS = f"{BRIDGE}.7.1.2.2.1.2", f"{BRIDGE}.7.1.2.2.1.3"
FDB = SnmpTable(
    columns=(SnmpColumn(oid=FDB_PORT), SnmpColumn(oid=FDB_STATUS)),
    index=(IndexPart(at=1, length=0, holds="mac"),),
    max_rows=MOST_ROWS,
)
OLD_FDB_PORT, OLD_FDB_STATUS = f"{BRIDGE}.4.3.1.2", f"{BRIDGE}.4.3.1.3"
OLD_FDB = SnmpTable(
    columns=(SnmpColumn(oid=OLD_FDB_PORT), SnmpColumn(oid=OLD_FDB_STATUS)),
    index=(IndexPart(at=0, length=0, holds="mac"),),
    max_rows=MOST_ROWS,
)
VLANS = SnmpTable(columns=(SnmpColumn(oid=f"{BRIDGE}.7.1.4.2.1.3"),))
"""dot1qVlanFdbId, index time mark and VLAN."""
NOT_LEARNED = {2, 4}
"""Status invalid and self: no terminal."""

ND, ARP, OLD_ND = "1.3.6.1.2.1.4.35.1.4", "1.3.6.1.2.1.4.22.1.2", "1.3.6.1.2.1.55.1.12.1.2"
_NEIGHBOURS: tuple[tuple[str, Holds], ...] = ((ND, "inet"), (ARP, "ip4"), (OLD_ND, "ip6"))
NEIGHBOUR_TABLES = tuple(
    SnmpTable(
        columns=(SnmpColumn(oid=oid, holds="mac"),),
        index=(IndexPart(at=1, length=0, holds=holds),),
        max_rows=MOST_ROWS,
    )
    for oid, holds in _NEIGHBOURS
)
"""ipNetToPhysicalPhysAddress, ipNetToMediaPhysAddress, ipv6NetToMediaPhysAddress: a device may have any of them."""
RULES = ("bridge-port", "bridge-order", "if-index", "none")
"""How a port of the forwarding table becomes an interface: see `_placed`."""
FLAGS = {"ipv4": "4", "link-local": "l", "unique-local": "u", "global": "g"}
"""How `census.neighbours` marks what addresses a terminal has."""
VIRTUAL_ROUTER = bytes.fromhex("00005e")
"""The OUI of IANA: addresses that routers share (RFC 5798 §7.3), no terminal's."""


@dataclass
class _Forwarding:
    """What the forwarding table says, gathered row by row."""

    at_port: dict[int, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    in_table: dict[int, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    """Filtering database -> addresses; empty for BRIDGE-MIB."""
    unread: int = 0
    """Rows whose index is no MAC address."""
    unplaced: int = 0
    """Rows that name no port."""

    def add(self, database: int | None, port: int, mac: bytes) -> None:
        """Take an address; a port of 0 means that it was not learned at one."""
        if port <= 0:
            self.unplaced += 1
            return
        self.at_port[port].add(mac)
        if database is not None:
            self.in_table[database].add(mac)


async def collect(asset: Asset, campus: Campus, session: Session) -> list[Reading]:  # noqa: ARG001 (the protocol)
    """Count the terminals that the asset has learned, by port and VLAN, and note which addresses they use.

    Raises:
        GapError: the device does not answer, refuses, or has neither a forwarding nor a neighbour table. Once one is
            there, a gap ends the collector without an error: nothing that was read is lost.
    """
    interfaces = await session.ask(INTERFACES)
    readings = _Readings(asset, interfaces)
    try:
        await _forwarding(readings, session)
        await _neighbours(readings, session)
    except GapError:  # on record, and what `measure` says of this collector; what was read stays
        if not readings.done:
            raise
    if not readings.done:
        raise _nothing(asset, interfaces)
    return readings.done


async def _forwarding(readings: _Readings, session: Session) -> None:
    answer, table, coverage = await session.ask(FDB), FDB, "all-vlans"
    if not varbinds(answer).varbinds:
        answer, table, coverage = await session.ask(OLD_FDB), OLD_FDB, "one-context"
    ports = await session.ask(BRIDGE_PORTS)
    if not varbinds(answer).varbinds:  # empty, or not shown: no one can tell, so there is no count
        if varbinds(ports).varbinds:
            readings.uncovered(answer, ports)
        return
    found = _learned(varbinds(answer), table, readings.own)
    readings.forwarding(found, coverage, answer, ports)
    if table is FDB:
        readings.vlans(found, answer, await session.ask(VLANS))


def _learned(answer: VarBinds, table: SnmpTable, own: frozenset[bytes]) -> _Forwarding:
    """Return the addresses that were learned at ports, without the device's own and those that routers share."""
    port_column = table.columns[0].oid
    ports: dict[tuple[int, ...], int] = {}
    skipped = set()
    for column, index, cell in snmp.cells(answer, table):
        number = snmp.number(cell) or 0
        if column == port_column:
            ports[index] = number
        elif number in NOT_LEARNED:
            skipped.add(index)
    found = _Forwarding()
    for index, port in ports.items():
        mac = _mac(index[1:] if table is FDB else index)
        if mac is None:
            found.unread += 1
        elif index not in skipped and mac not in own and not _is_shared(mac):
            found.add(index[0] if table is FDB else None, port, mac)
    return found


async def _neighbours(readings: _Readings, session: Session) -> None:
    """Merge what the tables say: interface -> terminal -> what kinds of addresses it has."""
    merged: dict[str, dict[bytes, set[str]]] = defaultdict(lambda: defaultdict(set))
    unread, answers = 0, []
    for table in NEIGHBOUR_TABLES:
        answer = await session.ask(table)
        if not varbinds(answer).varbinds:
            continue
        answers.append(answer)
        for column, index, cell in snmp.cells(varbinds(answer), table):
            address = _address(column, index[1:])
            if address is None:
                unread += 1
                continue
            flag = FLAGS.get("ipv4" if len(address) == 4 else inet.scope_of(address))
            mac = _octets(cell.value)
            if flag and mac is not None and any(mac) and mac not in readings.own and not _is_shared(mac):
                merged[str(index[0])][mac].add(flag)
    if answers:
        readings.neighbours(merged, unread, *answers)


def _address(column: str, index: tuple[int, ...]) -> bytes | None:
    if column == ND:
        found = inet.decode(index)
        return found.address if found else None
    if column == OLD_ND:
        found = inet.decode_ip6(index)
        return found.address if found else None
    return bytes(index) if len(index) == 4 and max(index) <= 255 else None


class _Readings:
    """The readings of one device while they come together."""

    def __init__(self, asset: Asset, interfaces: Answer) -> None:
        self._asset = asset
        self._interfaces = interfaces
        every = interfaces_of(snmp.rows(varbinds(interfaces), INTERFACES)).by_index
        self._names = {index: interface.key for index, interface in every.items()}
        self.own = frozenset(interface.mac for interface in every.values() if len(interface.mac) == 6)
        self.done: list[Reading] = []

    def uncovered(self, *answers: Answer) -> None:
        """Say that a bridge shows no forwarding table."""
        self._add("census.coverage", "", "none", "", *answers)

    def forwarding(self, found: _Forwarding, coverage: str, answer: Answer, bridge: Answer) -> None:
        """Counts per port, the pseudonyms of ports with few terminals, and how ports were found."""
        rows = snmp.rows(varbinds(bridge), BRIDGE_PORTS)
        indexes = {int(number): str(snmp.number(cells[BRIDGE_PORTS.columns[0].oid])) for number, cells in rows.items()}
        placed = _placed(set(found.at_port), indexes, self._names)
        every: set[bytes] = set().union(*found.at_port.values())
        rules: Counter[str] = Counter()
        self._add("census.coverage", "", coverage, "", answer)
        self._table("census.table", answer)
        self._counts("", every, answer)
        merged: dict[str, set[bytes]] = defaultdict(set)
        for number, macs in sorted(found.at_port.items()):
            index, rule = placed[number]
            name = (
                f"interface:{self._asset.id}/{self._names[index]}"
                if index
                else f"bridge-port:{self._asset.id}/{number}"
            )
            rules[rule] += 1
            merged[name] |= macs
        for name, macs in merged.items():
            self._counts(name, macs, self._interfaces, answer, bridge)
            if len(macs) <= MOST_AT_A_PORT:
                text = " ".join(sorted(mac.hex() for mac in macs))
                self._add("census.terminals", name, text, "", self._interfaces, answer, bridge)
        for rule in RULES:
            metric = f"census.ports.{rule.replace('-', '_')}"
            self._add(metric, "", str(rules[rule]), "1", self._interfaces, answer, bridge)
        self._add("census.unplaced", "", str(found.unplaced), "1", answer)
        self._add("census.unread", "", str(found.unread), "1", answer)

    def vlans(self, found: _Forwarding, answer: Answer, vlans: Answer) -> None:
        """Counts per VLAN; a filtering database that several VLANs share, or none, counts under its own number."""
        by_table: dict[int, set[int]] = defaultdict(set)
        for index, cells in snmp.rows(varbinds(vlans), VLANS).items():
            table = snmp.number(cells[VLANS.columns[0].oid])
            if table is not None:
                by_table[table].add(int(index.rsplit(".", 1)[-1]))
        for table, macs in sorted(found.in_table.items()):
            names = by_table.get(table, set())
            name = f"vlan:{self._asset.id}/{names.pop()}" if len(names) == 1 else f"fdb:{self._asset.id}/{table}"
            self._counts(name, macs, answer, vlans)

    def neighbours(self, merged: Mapping[str, Mapping[bytes, set[str]]], unread: int, *answers: Answer) -> None:
        """Of each interface: terminals with an address, with a global IPv6 address, and, if not too many, which."""
        self._table("census.neighbour_table", *answers)
        for index, terminals in sorted(merged.items()):
            name = self._names.get(index, f"#{index}")
            subject = f"interface:{self._asset.id}/{name}"
            world = sum("g" in flags for flags in terminals.values())
            self._add("census.addressed", subject, str(len(terminals)), "1", self._interfaces, *answers)
            self._add("census.addressed.ipv6_global", subject, str(world), "1", self._interfaces, *answers)
            if len(terminals) <= MOST_LISTED:
                texts = (f"{mac.hex()}={''.join(sorted(flags))}" for mac, flags in terminals.items())
                self._add("census.neighbours", subject, " ".join(sorted(texts)), "", self._interfaces, *answers)
        self._add("census.neighbours.unread", "", str(unread), "1", *answers)

    def _counts(self, subject: str, macs: set[bytes], *answers: Answer) -> None:
        randomised = sum(bool(mac[0] & 2) for mac in macs)
        self._add("census.macs", subject, str(len(macs)), "1", *answers)
        self._add("census.macs.universal", subject, str(len(macs) - randomised), "1", *answers)
        self._add("census.macs.randomised", subject, str(randomised), "1", *answers)

    def _table(self, metric: str, *answers: Answer) -> None:
        partial = any(varbinds(answer).partial for answer in answers)
        self._add(metric, "", "partial" if partial else "complete", "", *answers)

    def _add(self, metric: str, subject: str, value: str, unit: str, *answers: Answer) -> None:
        self.done.append(
            Reading(
                metric=metric,
                subject=subject or f"asset:{self._asset.id}",
                value=value,
                unit=unit,
                at=answers[-1].at,
                grade=Grade.REPORTED,
                sources=tuple(answer.source for answer in answers),
            )
        )


def _placed(numbers: set[int], bridge: Mapping[int, str], interfaces: Mapping[str, str]) -> dict[int, tuple[str, str]]:
    """Return the ifIndex of each port number of the forwarding table (empty: not known), and the rule that found it.

    A number is a dot1dBasePort. Some switches (TP-Link) count 1, 2, 3 here and by ifIndex there: where no number of
    the forwarding table is a bridge port and all are possible positions, it is the n-th of them. An equal ifIndex means
    something only on a device without bridge ports: ifIndex 1 of those switches is a VLAN.
    """
    ordered = [bridge[number] for number in sorted(bridge)]
    by_order = bool(ordered) and not numbers & set(bridge) and max(numbers, default=0) <= len(ordered)
    found = {}
    for number in numbers:
        rule, index = "bridge-port", bridge.get(number, "")
        if by_order:
            rule, index = "bridge-order", ordered[number - 1]
        elif not bridge:
            rule, index = "if-index", str(number)
        found[number] = (index, rule) if index in interfaces else ("", "none")
    return found


def _mac(index: tuple[int, ...]) -> bytes | None:
    """Return the MAC address of an index part, with or without its length in front."""
    octets = index[1:] if len(index) == 7 and index[0] == 6 else index
    return bytes(octets) if len(octets) == 6 and max(octets) <= 255 else None


def _octets(value: bytes) -> bytes | None:
    """Return the MAC address of a value: six octets, or text with one or two digits between colons or hyphens."""
    if len(value) == 6:
        return value
    try:
        found = bytes(int(part, 16) for part in value.decode("ascii").replace("-", ":").split(":"))
    except ValueError:
        return None
    return found if len(found) == 6 else None


def _is_shared(mac: bytes) -> bool:
    """Tell whether an address is a group's or of a virtual router."""
    return bool(mac[0] & 1) or mac[:3] == VIRTUAL_ROUTER


def _nothing(asset: Asset, answer: Answer) -> GapError:
    return unsupported(
        asset,
        answer,
        N_("the device answers but has neither a forwarding table nor a neighbour table (BRIDGE-MIB, IP-MIB)"),
        N_("Allow the view 1.3.6.1.2.1 for this community or user on the device"),
    )
