"""The two LLDP MIBs as data, and what their rows mean (IEEE 802.1AB-2005 and -2009); pure.

LLDP-MIB indexes a neighbour by lldpRemTimeMark, lldpRemLocalPortNum, lldpRemIndex; LLDP-V2-MIB by time mark, ifIndex,
destination and index. Agents in use leave the time mark out, or even the port; and an agent that implements the time
filter by the letter repeats a row under several time marks.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.model import snmp
from agent.model.exchange import SnmpColumn, SnmpTable

if TYPE_CHECKING:
    from agent.ber import VarBind

__all__ = [
    "LLDP",
    "LLDP_V2",
    "MAC",
    "NETWORK_ADDRESS",
    "PORT_ADDRESS",
    "PORT_MAC",
    "Mib",
    "Remote",
    "addresses",
    "capabilities_of",
    "kind_of",
    "remotes",
    "spelled",
]

CAPABILITIES = (
    *("other", "repeater", "bridge", "access-point", "router", "telephone", "docsis", "station"),
    *("c-vlan", "s-vlan", "two-port-relay"),
)
"""lldpRemSysCapEnabled, bit 0 first; bits 8 to 10 since the second version."""
MAC, NETWORK_ADDRESS = 4, 5
"""LldpChassisIdSubtype."""
PORT_MAC, PORT_ADDRESS = 3, 4
"""LldpPortIdSubtype."""
MOST_NEIGHBOURS = 2_000


@dataclass(frozen=True, slots=True)
class Mib:
    """Where one of the MIBs keeps what is asked."""

    name: str
    entry: str
    """lldpRemEntry; its columns keep their order, `first` is lldpRemChassisIdSubtype."""
    first: int
    enabled: int
    """lldpRemSysCapEnabled."""
    index: int
    """Sub-identifiers of a complete index."""
    local: str
    """lldpLocalSystemData."""
    management: str
    """lldpRemManAddrIfSubtype."""
    local_ports: bool
    """Ports have numbers of their own, in lldpLocPortTable; else they are ifIndexes."""

    def column(self, offset: int) -> str:
        """Return a column: 0 chassis subtype, 1 chassis, 2 port subtype, 3 port, 4 port description, 5 system name."""
        return f"{self.entry}.{self.first + offset}"

    @property
    def capabilities(self) -> str:
        """Column of the enabled capabilities."""
        return f"{self.entry}.{self.enabled}"

    @property
    def kinds(self) -> SnmpTable:
        """The walk that finds the neighbours: subtypes and capabilities, nothing that identifies anyone."""
        columns = (self.column(0), self.column(2), self.capabilities)
        return SnmpTable(columns=tuple(SnmpColumn(oid=oid) for oid in columns), max_rows=MOST_NEIGHBOURS)


LLDP = Mib(
    name="lldp",
    entry="1.0.8802.1.1.2.1.4.1.1",
    first=4,
    enabled=12,
    index=3,
    local="1.0.8802.1.1.2.1.3",
    management="1.0.8802.1.1.2.1.4.2.1.3",
    local_ports=True,
)
LLDP_V2 = Mib(
    name="lldp-v2",
    entry="1.3.111.2.802.1.1.13.1.4.1.1",
    first=5,
    enabled=13,
    index=4,
    local="1.3.111.2.802.1.1.13.1.3",
    management="1.3.111.2.802.1.1.13.1.4.2.1.3",
    local_ports=False,
)


@dataclass(frozen=True, slots=True)
class Remote:
    """A row of lldpRemTable."""

    index: str
    port: str
    """lldpRemLocalPortNum, or the ifIndex of the second version."""
    chassis_kind: int | None
    port_kind: int | None
    capabilities: tuple[str, ...]

    @property
    def kind(self) -> str:
        """`network`, `access-point`, `telephone`, `station` or `unknown`."""
        return kind_of(self.capabilities)

    @property
    def is_terminal(self) -> bool:
        """Something that a person uses: its names stay unasked."""
        return self.kind in {"telephone", "station"}


def kind_of(capabilities: tuple[str, ...]) -> str:
    """Return what a neighbour is by its enabled capabilities.

    A telephone bridges for the computer behind it and stays a telephone; a voice gateway that routes is network.
    """
    found = set(capabilities)
    if "access-point" in found:
        return "access-point"
    if "telephone" in found and "router" not in found:
        return "telephone"
    if found & {"bridge", "router", "repeater", "docsis", "c-vlan", "s-vlan", "two-port-relay"}:
        return "network"
    return "station" if "station" in found else "unknown"


def remotes(table: dict[str, dict[str, VarBind]], mib: Mib) -> list[Remote]:
    """Return the neighbours of a walk of `mib.kinds`; of a row under several time marks the newest."""
    newest: dict[tuple[str, ...], tuple[int, Remote]] = {}
    for index, cells in table.items():
        parts = index.split(".")
        complete = len(parts) == mib.index
        mark, rest = (int(parts[0]), parts[1:]) if complete else (0, parts)
        remote = Remote(
            index=index,
            port=rest[0],
            chassis_kind=snmp.number(cells.get(mib.column(0))),
            port_kind=snmp.number(cells.get(mib.column(2))),
            capabilities=capabilities_of(cells.get(mib.capabilities)),
        )
        known = newest.get(tuple(rest))
        if known is None or mark >= known[0]:
            newest[tuple(rest)] = (mark, remote)
    return [remote for _, remote in newest.values()]


def addresses(table: dict[str, dict[str, VarBind]]) -> dict[str, list[str]]:
    """Return the management addresses by column as asked.

    Columns end after lldpRemManAddrSubtype, so what is left of the index is the address, with its length before it or,
    from some agents, without.
    """
    found: dict[str, list[str]] = {}
    for index, cells in table.items():
        octets = [int(part) for part in index.split(".")]
        for column in cells:
            size = 4 if column.endswith(".1") else 16
            rest = octets[1:] if len(octets) == size + 1 and octets[0] == size else octets
            if len(rest) == size and max(rest) <= 255:
                found.setdefault(column, []).append(str(ipaddress.ip_address(bytes(rest))))
    return found


def spelled(kind: int | None, value: bytes, *, mac: int, address: int) -> str:
    """Return a chassis or port identifier as text: MACs with colons, network addresses in their usual form."""
    if len(value) == 6 and (kind == mac or not _printable(value)):
        return value.hex(":")
    if kind == address and value[:1] in (b"\x01", b"\x02") and len(value) in (5, 17):
        return str(ipaddress.ip_address(value[1:]))
    return snmp.text(value)


def _printable(value: bytes) -> bool:
    return value.isascii() and value.decode("ascii").isprintable()


def capabilities_of(varbind: VarBind | None) -> tuple[str, ...]:
    """Return the names of the capabilities in lldpRemSysCapEnabled or lldpLocSysCapEnabled."""
    if varbind is None:
        return ()
    value = varbind.value
    return tuple(
        name for bit, name in enumerate(CAPABILITIES) if bit // 8 < len(value) and value[bit // 8] & (0x80 >> (bit % 8))
    )
