"""Forwarding tables: where bridges keep them, and which addresses were learned at which port; pure.

Q-BRIDGE-MIB dot1qTpFdbTable holds all VLANs, BRIDGE-MIB dot1dTpFdbTable one context. Port numbers are those of the
bridge and mostly not ifIndex: `placed` finds the interface by a rule that it names.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.model import snmp
from agent.model.exchange import Answer, IndexPart, SnmpColumn, SnmpTable, VarBinds

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "BRIDGE_PORTS",
    "FDB",
    "FDB_PORT",
    "FDB_STATUS",
    "MOST_AT_A_PORT",
    "MOST_ROWS",
    "MOST_VLANS",
    "OLD_FDB",
    "RESERVED_VLANS",
    "RULES",
    "VLANS",
    "VTP_STATE",
    "VTP_VLANS",
    "Forwarding",
    "VlanCopy",
    "is_shared",
    "learned",
    "mac_of",
    "placed",
]

MOST_AT_A_PORT = 8
"""More terminals than this at one port: another switch or an access point is behind it."""
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
VTP_STATE = "1.3.6.1.4.1.9.9.46.1.3.1.1.2"
VTP_VLANS = SnmpTable(columns=(SnmpColumn(oid=VTP_STATE),))
"""vtpVlanState of CISCO-VTP-MIB, index management domain and VLAN; operational(1)."""
RESERVED_VLANS = range(1002, 1006)
"""Of FDDI and token ring, which every such switch lists."""
MOST_VLANS = 128
"""VLANs of one switch that are asked: each takes three exchanges at least."""
NOT_LEARNED = {2, 4}
"""Status invalid and self: no terminal."""

RULES = ("bridge-port", "bridge-order", "if-index", "none")
"""How a port of the forwarding table becomes an interface: see `placed`."""
VIRTUAL_ROUTER = bytes.fromhex("00005e")
"""The OUI of IANA: addresses that routers share (RFC 5798 §7.3), no terminal's."""


@dataclass
class Forwarding:
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


@dataclass(frozen=True)
class VlanCopy:
    """The forwarding table of one VLAN."""

    vlan: int
    found: Forwarding
    answer: Answer
    ports: Answer


def learned(answer: VarBinds, table: SnmpTable, own: frozenset[bytes]) -> Forwarding:
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
    found = Forwarding()
    for index, port in ports.items():
        mac = mac_of(index[1:] if table is FDB else index)
        if mac is None:
            found.unread += 1
        elif index not in skipped and mac not in own and not is_shared(mac):
            found.add(index[0] if table is FDB else None, port, mac)
    return found


def placed(numbers: set[int], bridge: Mapping[int, str], interfaces: Mapping[str, str]) -> dict[int, tuple[str, str]]:
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


def mac_of(index: tuple[int, ...]) -> bytes | None:
    """Return the MAC address of an index part, with or without its length in front."""
    octets = index[1:] if len(index) == 7 and index[0] == 6 else index
    return bytes(octets) if len(octets) == 6 and max(octets) <= 255 else None


def is_shared(mac: bytes) -> bool:
    """Tell whether an address is a group's or of a virtual router."""
    return bool(mac[0] & 1) or mac[:3] == VIRTUAL_ROUTER
