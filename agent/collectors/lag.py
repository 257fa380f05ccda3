"""Link aggregation of one device: which ports make up which aggregator, and which of them carry traffic.

IEEE8023-LAG-MIB (IEEE 802.1AX) tells the aggregator of each port and the LACP state of the port. Where it has no rows,
ifStackTable (RFC 2863) tells which interface runs on which others; it does so for VLANs and bridges too, so only
interfaces of type ieee8023adLag, or that are called like an aggregator, count.

Readings per member port, under the subject that `interfaces` uses: `lag.aggregator`, `lag.state`; per asset
`lag.source` and `lag.count`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from agent.collectors.answers import reported, varbinds
from agent.collectors.ports import INTERFACES, interfaces_of
from agent.model import snmp
from agent.model.exchange import SnmpColumn, SnmpTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.ber import VarBind
    from agent.collectors.ports import Interfaces
    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.model.exchange import Answer, Session
    from agent.model.reading import Reading

__all__ = ["collect"]

AGG_PORT = "1.2.840.10006.300.43.1.2.1.1"
"""dot3adAggPortEntry, indexed by the ifIndex of the port."""
SELECTED, ATTACHED, ACTOR_STATE = f"{AGG_PORT}.12", f"{AGG_PORT}.13", f"{AGG_PORT}.21"
AGG_PORTS = SnmpTable(columns=tuple(SnmpColumn(oid=oid) for oid in (SELECTED, ATTACHED, ACTOR_STATE)), max_rows=4_096)
STACK = SnmpTable(columns=(SnmpColumn(oid="1.3.6.1.2.1.31.1.2.1.3"),))
"""ifStackStatus, indexed by the higher and the lower interface; 0 stands for none."""
TYPES = SnmpTable(columns=(SnmpColumn(oid="1.3.6.1.2.1.2.2.1.3"),))
"""ifType."""
ACTIVE = 1
"""RowStatus."""
IEEE8023AD_LAG = 161
"""IANAifType."""
RUNNING = 0x3C
"""LacpState: aggregation, synchronization, collecting and distributing are all set. These are the four bits in the
middle, so agents that number bits from the other end mean the same."""
AGGREGATOR_NAME = re.compile(
    r"(Po|port-?channel|Eth-Trunk|Bridge-Aggregation|Route-Aggregation|Aggregate-?Port|smartgroup|link-?aggregation"
    r"|lag|bond|trk|ae|ag|team)[ _-]?\d+",
    re.IGNORECASE,
)
"""How makers call aggregators whose ifType says propVirtual, ethernetCsmacd or other."""


class _Member(NamedTuple):
    """A port and the aggregator that it belongs to, by ifIndex."""

    port: str
    aggregator: str
    state: str


async def collect(asset: Asset, campus: Campus, session: Session) -> list[Reading]:  # noqa: ARG001 (the protocol)
    """Read the aggregators of the asset.

    Raises:
        GapError: the device does not answer, or refuses. One without both tables is no gap: `lag.source` is `none`.
    """
    walked = await session.ask(AGG_PORTS)
    members, source = _by_lacp(walked), "ieee8023-lag"
    shown = bool(varbinds(walked).varbinds)
    answers = [walked]
    if not members:
        stacked = await session.ask(STACK)
        answers.append(stacked)
        pairs = _pairs(stacked)
        shown = shown or bool(varbinds(stacked).varbinds)
        members, source = [_Member(low, high, "attached") for high, low in pairs], "ifstack"
    if not members:
        return _counted(asset, "none" if not shown else source, 0, answers)
    named = await session.ask(INTERFACES)
    interfaces = interfaces_of(_rows(named, INTERFACES))
    answers.append(named)
    if source == "ifstack":
        typed = await session.ask(TYPES)
        answers.append(typed)
        aggregators = _aggregators(interfaces, typed)
        # what runs upon an aggregator, a VLAN or a tunnel, is none
        members = [one for one in members if one.aggregator in aggregators and one.port not in aggregators]
    known = interfaces.by_index
    members = [one for one in members if one.port in known and one.aggregator in known]
    readings = _counted(asset, source, len({one.aggregator for one in members}), answers)
    for one in members:
        subject = f"interface:{asset.id}/{known[one.port].key}"
        readings.append(reported("lag.aggregator", subject, known[one.aggregator].key, "", *answers))
        readings.append(reported("lag.state", subject, one.state, "", *answers))
    return readings


def _counted(asset: Asset, source: str, count: int, answers: list[Answer]) -> list[Reading]:
    subject = f"asset:{asset.id}"
    readings = [reported("lag.source", subject, source, "", *answers)]
    if source != "none":
        readings.append(reported("lag.count", subject, str(count), "1", *answers))
    return readings


def _by_lacp(answer: Answer) -> list[_Member]:
    """Return the members that the MIB of link aggregation names; a port that is its own aggregator is none."""
    members = []
    for port, row in _rows(answer, AGG_PORTS).items():
        attached, selected = snmp.number(row.get(ATTACHED)) or 0, snmp.number(row.get(SELECTED)) or 0
        aggregator = attached or selected
        if aggregator > 0 and str(aggregator) != port:
            members.append(_Member(port, str(aggregator), _state(attached, row)))
    return members


def _state(attached: int, row: Mapping[str, VarBind]) -> str:
    """Return `distributing`, `standby`, or `attached` where the device does not tell the port's LACP state."""
    if not attached:
        return "standby"
    cell = row.get(ACTOR_STATE)
    octets = cell.value if cell is not None else b""
    if not any(octets):
        return "attached"
    return "distributing" if octets[0] & RUNNING == RUNNING else "standby"


def _pairs(answer: Answer) -> list[tuple[str, str]]:
    """Return higher and lower interface of each active row of the stack."""
    pairs = []
    for index, row in _rows(answer, STACK).items():
        higher, _, lower = index.partition(".")
        active = snmp.number(row.get(STACK.columns[0].oid)) == ACTIVE
        if active and lower.isdigit() and "0" not in (higher, lower):
            pairs.append((higher, lower))
    return pairs


def _aggregators(interfaces: Interfaces, typed: Answer) -> frozenset[str]:
    """Return the interfaces that are aggregators, by type or else by name; a name with a dot is a VLAN."""
    types = {index: snmp.number(row.get(TYPES.columns[0].oid)) for index, row in _rows(typed, TYPES).items()}
    return frozenset(
        index
        for index, interface in interfaces.by_index.items()
        if "." not in interface.name
        and (
            types.get(index) == IEEE8023AD_LAG
            or any(AGGREGATOR_NAME.fullmatch(name.strip()) for name in (interface.name, interface.descr))
        )
    )


def _rows(answer: Answer, table: SnmpTable) -> dict[str, dict[str, VarBind]]:
    return snmp.rows(varbinds(answer), table)
