"""Which interface a local port number of LLDP means: the ladder of rules, and the rule that decided; pure.

lldpRemLocalPortNum is not promised to be an ifIndex. The rules, first match wins, each must match one interface only:

    ifName, ifDescr, ifAlias   lldpLocPortId names the interface
    mac                        lldpLocPortId is its ifPhysAddress
    local ifIndex              lldpLocPortId is local text that is an ifIndex
    description                lldpLocPortDesc is its ifName, ifDescr or ifAlias
    bridge port                the number is a dot1dBasePort
    ifIndex                    the number is an ifIndex
    none                       nothing matches: the port keeps its LLDP number

Interfaces have the names that `interfaces` gives them, so that readings of both collectors meet.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.collectors.interfaces import ALIAS, DESCR, NAME, PHYS_ADDRESS
from agent.model import snmp
from agent.model.exchange import SnmpColumn, SnmpTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from agent.ber import VarBind

__all__ = ["INTERFACES", "Interface", "Interfaces", "LocalPort", "interfaces_of", "resolve"]

INTERFACES = SnmpTable(
    columns=tuple(
        SnmpColumn(oid=oid, holds="mac" if oid == PHYS_ADDRESS else None) for oid in (DESCR, PHYS_ADDRESS, NAME, ALIAS)
    )
)
IF_ALIAS, MAC, LOCAL = 1, 3, 7
"""LldpPortIdSubtype."""


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface: its ifIndex, the name that readings use, and what can be matched."""

    index: str
    key: str
    name: str
    descr: str
    alias: str
    mac: bytes


@dataclass(frozen=True, slots=True)
class LocalPort:
    """A row of lldpLocPortTable; what the device does not give is None or empty."""

    kind: int | None
    id: bytes
    description: str


@dataclass(frozen=True)
class Interfaces:
    """The interfaces of a device, found by ifIndex or by a value that only one of them has."""

    by_index: Mapping[str, Interface]
    _unique: Mapping[str, Mapping[str | bytes, Interface]] = field(repr=False)

    def only(self, rule: str, value: str | bytes) -> Interface | None:
        """Return the one interface whose `ifName`, `ifDescr`, `ifAlias` or `mac` is the value; None for several."""
        return self._unique[rule].get(value) if value else None


def interfaces_of(table: Mapping[str, Mapping[str, VarBind]]) -> Interfaces:
    """Return the interfaces of a walk of `INTERFACES`; names that are empty or taken twice get `#ifIndex`."""
    cells = {index: {column: snmp.text(cell.value) for column, cell in row.items()} for index, row in table.items()}
    names = {index: row.get(NAME) or row.get(DESCR, "") for index, row in cells.items()}
    taken = Counter(names.values())
    found = {}
    for index, row in cells.items():
        name = names[index]
        unique = name and taken[name] == 1 and "#" not in name
        mac = table[index].get(PHYS_ADDRESS)
        found[index] = Interface(
            index=index,
            key=name if unique else f"{name}#{index}",
            name=row.get(NAME, ""),
            descr=row.get(DESCR, ""),
            alias=row.get(ALIAS, ""),
            mac=mac.value if mac is not None else b"",
        )
    every = found.values()
    unique_values = {
        "ifName": _unique((port.name, port) for port in every),
        "ifDescr": _unique((port.descr, port) for port in every),
        "ifAlias": _unique((port.alias, port) for port in every),
        "mac": _unique((port.mac, port) for port in every),
    }
    return Interfaces(found, unique_values)


def resolve(
    number: str, local: LocalPort, interfaces: Interfaces, bridge_ports: Mapping[str, str]
) -> tuple[Interface | None, str]:
    """Return the interface and the rule that found it.

    Args:
        number: lldpRemLocalPortNum.
        local: its row of lldpLocPortTable.
        interfaces: of the device.
        bridge_ports: dot1dBasePort -> ifIndex.
    """
    by_index = interfaces.by_index
    text = snmp.text(local.id)
    for rule in _rules(local.kind):
        if (found := interfaces.only(rule, local.id if rule == "mac" else text)) is not None:
            return found, rule
    if local.kind == LOCAL and text in by_index:
        return by_index[text], "local ifIndex"
    for rule in _TEXTS:
        if (found := interfaces.only(rule, local.description)) is not None:
            return found, "description"
    if (index := bridge_ports.get(number, "")) in by_index:
        return by_index[index], "bridge port"
    if number in by_index:
        return by_index[number], "ifIndex"
    return None, "none"


_TEXTS = ("ifName", "ifDescr", "ifAlias")


def _rules(kind: int | None) -> tuple[str, ...]:
    """Return what lldpLocPortId may be by its subtype; anything where the device does not give the subtype."""
    if kind is None:
        return (*_TEXTS, "mac")
    if kind == MAC:
        return ("mac",)
    return ("ifAlias", "ifName", "ifDescr") if kind == IF_ALIAS else _TEXTS


def _unique(pairs: Iterable[tuple[str | bytes, Interface]]) -> dict[str | bytes, Interface]:
    every = list(pairs)
    counts = Counter(value for value, _ in every)
    return {value: interface for value, interface in every if counts[value] == 1}
