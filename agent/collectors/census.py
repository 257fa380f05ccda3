"""Terminals at one device: the forwarding table (which port), and ARP and ND (which addresses), by pseudonym.

Forwarding: Q-BRIDGE-MIB dot1qTpFdbTable, which holds all VLANs; where there is none, BRIDGE-MIB dot1dTpFdbTable. Cisco
keeps one copy of that for each VLAN, under `community@vlan` or the context `vlan-<number>`: they are asked where the
device lists such VLANs (CISCO-VTP-MIB), up to `MOST_VLANS`, and no further once one is not answered. Nothing else gets
a community of our own making, which would be a guess at a password. `census.coverage` says what was seen: `all-vlans`,
`one-context`, or `none` of a bridge without any such table.

A MAC address is a pseudonym before it comes here; what it keeps is its maker's OUI or, for a randomised address, the
bit that says so. The same terminal has the same pseudonym at every switch, so readings that list pseudonyms can be
joined over devices, and nothing else can. They are bounded: ports with more than `MOST_AT_A_PORT` terminals lead to
other switches and only give their count, and an interface with more than `MOST_LISTED` neighbours gives counts.
Whatever the size of the table, a device gives a few readings per port and VLAN.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from agent.collectors.answers import reported, unsupported, varbinds
from agent.collectors.forwarding import (
    BRIDGE_PORTS,
    FDB,
    MOST_AT_A_PORT,
    MOST_ROWS,
    MOST_VLANS,
    OLD_FDB,
    RESERVED_VLANS,
    RULES,
    VLANS,
    VTP_STATE,
    VTP_VLANS,
    Forwarding,
    VlanCopy,
    is_shared,
    learned,
    placed,
)
from agent.collectors.ports import INTERFACES, interfaces_of
from agent.errors import GapError
from agent.language import N_
from agent.model import inet, snmp
from agent.model.exchange import Answer, IndexPart, SnmpColumn, SnmpTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.ber import VarBind
    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.model.exchange import Holds, Session
    from agent.model.reading import Reading

__all__ = ["MOST_LISTED", "collect"]

MOST_LISTED = 2_048
"""Neighbours of one interface that are listed: 40 kB. A /21 of IPv4 has no more."""
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
FLAGS = {"ipv4": "4", "link-local": "l", "unique-local": "u", "global": "g"}
"""How `census.neighbours` marks what addresses a terminal has."""


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
        if await _by_vlan(readings, session):
            return
    ports = await session.ask(BRIDGE_PORTS)
    if not varbinds(answer).varbinds:  # empty, or not shown: no one can tell, so there is no count
        if varbinds(ports).varbinds:
            readings.uncovered(answer, ports)
        return
    found = learned(varbinds(answer), table, readings.own)
    readings.forwarding(found, coverage, answer, ports)
    if table is FDB:
        readings.vlans(found, answer, await session.ask(VLANS))


async def _by_vlan(readings: _Readings, session: Session) -> bool:
    """Read the copy of each VLAN of a switch that lists them; False where it lists none, or gives none."""
    listed = await session.ask(VTP_VLANS)
    rows = snmp.rows(varbinds(listed), VTP_VLANS)
    numbers = sorted({int(index.rsplit(".", 1)[-1]) for index, cells in rows.items() if _operates(cells)})
    vlans = [number for number in numbers if 1 <= number <= 4094 and number not in RESERVED_VLANS]
    copies: list[VlanCopy] = []
    for vlan in vlans[:MOST_VLANS]:
        try:
            answer = await session.ask(OLD_FDB.model_copy(update={"vlan": vlan}))
            ports = await session.ask(BRIDGE_PORTS.model_copy(update={"vlan": vlan}))
        except GapError:  # on record; a device that does not answer one such community answers none
            break
        copies.append(VlanCopy(vlan, learned(varbinds(answer), OLD_FDB, readings.own), answer, ports))
    if any(copy.found.at_port for copy in copies):
        readings.copies(copies, listed, complete=len(copies) == len(vlans))
        return True
    return False


def _operates(cells: Mapping[str, VarBind]) -> bool:
    return snmp.number(cells.get(VTP_STATE)) == 1


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
            if flag and mac is not None and any(mac) and mac not in readings.own and not is_shared(mac):
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

    def forwarding(self, found: Forwarding, coverage: str, answer: Answer, bridge: Answer) -> None:
        """Counts per port, the pseudonyms of ports with few terminals, and how ports were found."""
        merged, rules = self._at_ports(found, bridge)
        every: set[bytes] = set().union(*found.at_port.values())
        self._add("census.coverage", "", coverage, "", answer)
        self._table("census.table", answer)
        self._counts("", every, answer)
        self._ports(merged, rules, answer, bridge)
        self._add("census.unplaced", "", str(found.unplaced), "1", answer)
        self._add("census.unread", "", str(found.unread), "1", answer)

    def copies(self, copies: Sequence[VlanCopy], listed: Answer, *, complete: bool) -> None:
        """Do the same with one table for each VLAN; bridge ports are numbered anew in each."""
        answers = [listed, *(answer for copy in copies for answer in (copy.answer, copy.ports))]
        merged: dict[str, set[bytes]] = defaultdict(set)
        rule_of: dict[str, str] = {}
        for copy in copies:
            at_ports, _ = self._at_ports(copy.found, copy.ports, rule_of)
            for name, macs in at_ports.items():
                merged[name] |= macs
        self._add("census.coverage", "", "all-vlans" if complete else "one-context", "", *answers)
        self._table("census.table", *answers)
        self._counts("", set().union(*merged.values()), *answers)
        self._ports(merged, Counter(rule_of.values()), *answers)
        self._add("census.unplaced", "", str(sum(copy.found.unplaced for copy in copies)), "1", *answers)
        self._add("census.unread", "", str(sum(copy.found.unread for copy in copies)), "1", *answers)
        for copy in copies:
            macs = set().union(*copy.found.at_port.values())
            self._counts(f"vlan:{self._asset.id}/{copy.vlan}", macs, copy.answer)

    def _at_ports(
        self, found: Forwarding, bridge: Answer, rule_of: dict[str, str] | None = None
    ) -> tuple[dict[str, set[bytes]], Counter[str]]:
        """Return the addresses by subject of their port, and how many ports were found by which rule."""
        rows = snmp.rows(varbinds(bridge), BRIDGE_PORTS)
        indexes = {int(number): str(snmp.number(cells[BRIDGE_PORTS.columns[0].oid])) for number, cells in rows.items()}
        places = placed(set(found.at_port), indexes, self._names)
        merged: dict[str, set[bytes]] = defaultdict(set)
        rules: Counter[str] = Counter()
        for number, macs in sorted(found.at_port.items()):
            index, rule = places[number]
            name = (
                f"interface:{self._asset.id}/{self._names[index]}"
                if index
                else f"bridge-port:{self._asset.id}/{number}"
            )
            rules[rule] += 1
            merged[name] |= macs
            if rule_of is not None:
                rule_of[name] = rule
        return merged, rules

    def _ports(self, merged: Mapping[str, set[bytes]], rules: Mapping[str, int], *answers: Answer) -> None:
        for name, macs in merged.items():
            self._counts(name, macs, self._interfaces, *answers)
            if len(macs) <= MOST_AT_A_PORT:
                text = " ".join(sorted(mac.hex() for mac in macs))
                self._add("census.terminals", name, text, "", self._interfaces, *answers)
        for rule in RULES:
            metric = f"census.ports.{rule.replace('-', '_')}"
            self._add(metric, "", str(rules.get(rule, 0)), "1", self._interfaces, *answers)

    def vlans(self, found: Forwarding, answer: Answer, vlans: Answer) -> None:
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
        self.done.append(reported(metric, subject or f"asset:{self._asset.id}", value, unit, *answers))


def _octets(value: bytes) -> bytes | None:
    """Return the MAC address of a value: six octets, or text with one or two digits between colons or hyphens."""
    if len(value) == 6:
        return value
    try:
        found = bytes(int(part, 16) for part in value.decode("ascii").replace("-", ":").split(":"))
    except ValueError:
        return None
    return found if len(found) == 6 else None


def _nothing(asset: Asset, answer: Answer) -> GapError:
    return unsupported(
        asset,
        answer,
        N_("the device answers but has neither a forwarding table nor a neighbour table (BRIDGE-MIB, IP-MIB)"),
        N_("Allow the view 1.3.6.1.2.1 for this community or user on the device"),
    )
