"""Neighbours of one device: who, at which of its ports, of what kind; by LLDP, by CDP, or by a maker's own table.

LLDP-MIB comes first, then LLDP-V2-MIB, then CDP, whose neighbours count at ports where LLDP tells of nobody: a switch
that hears both protocols at a port hears one device twice. A maker's table is asked where nothing else is there.

The conversation asks only what it may keep. Of telephones and stations it asks no name, port or address: they are
people's. Of everything else MAC addresses become pseudonyms, in names too.

Readings: per neighbour under `neighbour:<asset>/<port>@<chassis>`, per asset `neighbours.*`. The local port is found
by the ladder in `ports`, and `neighbour.port_rule` says by which rule.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.collectors import cdp, lldp_table, tplink_lldp
from agent.collectors.answers import reported, unsupported, varbinds
from agent.collectors.lldp import LLDP, LLDP_V2
from agent.collectors.ports import INTERFACES, LocalPort, interfaces_of, resolve
from agent.language import N_
from agent.model import snmp
from agent.model.exchange import Answer, SnmpColumn, SnmpTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from agent.collectors.heard import Heard, Hearing
    from agent.collectors.ports import Interface, Interfaces
    from agent.errors import GapError
    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.model.exchange import Session
    from agent.model.reading import Reading

__all__ = ["collect"]

BRIDGE_PORTS = SnmpTable(columns=(SnmpColumn(oid="1.3.6.1.2.1.17.1.4.1.2"),))
"""dot1dBasePortIfIndex."""
NO_PORT = LocalPort(None, b"", "")


@dataclass(frozen=True, slots=True)
class _Neighbour:
    """A neighbour at its port."""

    hearing: Hearing
    heard: Heard
    key: str
    """Of the interface, or the protocol's number where no rule finds one."""
    rule: str
    port_answers: tuple[Answer, ...]


async def collect(asset: Asset, campus: Campus, session: Session) -> list[Reading]:  # noqa: ARG001 (the protocol)
    """Read the neighbours of the asset.

    Raises:
        GapError: the device does not answer, refuses, or shows no neighbour table at all.
    """
    hearings = await _hearings(session)
    spoken = [hearing for hearing in hearings if hearing.spoken]
    if not spoken:
        raise _nothing(asset, hearings[-1].walked)
    neighbours = await _placed(spoken, session)
    readings = [*_own(asset, spoken), *_summary(asset, spoken, neighbours)]
    taken: Counter[str] = Counter()
    for neighbour in neighbours:
        name = f"neighbour:{asset.id}/{neighbour.key}@{neighbour.heard.chassis or '?'}"
        taken[name] += 1
        readings += _neighbour(name if taken[name] == 1 else f"{name}#{taken[name]}", neighbour)
    return readings


async def _hearings(session: Session) -> list[Hearing]:
    """Ask protocol after protocol; the first of them come first."""
    hearings = []
    for mib in (LLDP, LLDP_V2):
        hearings.append(await lldp_table.hear(mib, session))
        if hearings[-1].spoken:
            break
    hearings.append(await cdp.hear(session, alone=not hearings[-1].spoken))
    if not any(hearing.spoken for hearing in hearings):
        hearings.append(await tplink_lldp.hear(session))
    return hearings


# --- ports --------------------------------------------------------------------------------------------------------


async def _placed(spoken: Sequence[Hearing], session: Session) -> list[_Neighbour]:
    """Return all neighbours with their ports; at a port that an earlier protocol knows, a later one is not heard."""
    if not any(hearing.heard for hearing in spoken):
        return []
    walked = await session.ask(INTERFACES)
    interfaces = interfaces_of(snmp.rows(varbinds(walked), INTERFACES))
    neighbours: list[_Neighbour] = []
    known: frozenset[str] = frozenset()
    for hearing in spoken:
        ports, answers = await _ports(hearing, interfaces, session)
        scheme = "cdp" if hearing.protocol == "cdp" else "lldp"
        for heard in hearing.heard:
            interface, rule = ports[heard.number]
            key = interface.key if interface is not None else f"{scheme}:{heard.number}"
            if key not in known:
                neighbours.append(_Neighbour(hearing, heard, key, rule, (walked, *answers)))
        known |= {neighbour.key for neighbour in neighbours}
    return neighbours


async def _ports(
    hearing: Hearing, interfaces: Interfaces, session: Session
) -> tuple[dict[str, tuple[Interface | None, str]], tuple[Answer, ...]]:
    """Find the interface of each port number; what would not decide is not asked."""
    numbers = list(dict.fromkeys(heard.number for heard in hearing.heard))
    ports = _resolved(numbers, hearing.local, interfaces, {})
    answers = hearing.local_answers
    if hearing.bridge_ports and any(rule in {"ifIndex", "none"} for _, rule in ports.values()):
        bridge = await session.ask(BRIDGE_PORTS)
        rows = snmp.rows(varbinds(bridge), BRIDGE_PORTS)
        cells = {number: snmp.number(row.get(BRIDGE_PORTS.columns[0].oid)) for number, row in rows.items()}
        indexes = {number: str(index) for number, index in cells.items()}
        ports = _resolved(numbers, hearing.local, interfaces, indexes)
        answers = (*answers, bridge)
    lost = [number for number, (_, rule) in ports.items() if rule == "none"]
    if hearing.protocol == "cdp" and lost:
        local, named = await cdp.names(lost, session)
        ports |= _resolved(lost, local, interfaces, {})
        answers = (*answers, named)
    return ports, answers


def _resolved(
    numbers: Iterable[str], local: Mapping[str, LocalPort], interfaces: Interfaces, bridge: Mapping[str, str]
) -> dict[str, tuple[Interface | None, str]]:
    return {number: resolve(number, local.get(number, NO_PORT), interfaces, bridge) for number in numbers}


# --- readings -----------------------------------------------------------------------------------------------------


def _own(asset: Asset, spoken: Sequence[Hearing]) -> list[Reading]:
    """Return how the device announces itself; the first protocol that says so counts."""
    own: dict[str, tuple[str, tuple[Answer, ...]]] = {}
    for hearing in spoken:
        own = {**hearing.own, **own}
    return [reported(metric, f"asset:{asset.id}", value, "", *answers) for metric, (value, answers) in own.items()]


def _summary(asset: Asset, spoken: Sequence[Hearing], neighbours: Sequence[_Neighbour]) -> list[Reading]:
    subject = f"asset:{asset.id}"
    walked = [hearing.walked for hearing in spoken]
    state = "complete" if all(hearing.complete for hearing in spoken) else "partial"
    kinds = Counter(neighbour.heard.kind for neighbour in neighbours)
    return [
        reported("neighbours.protocol", subject, " ".join(hearing.protocol for hearing in spoken), "", *walked),
        reported("neighbours.table", subject, state, "", *walked),
        reported("neighbours.count", subject, str(len(neighbours)), "1", *walked),
        reported("neighbours.network", subject, str(kinds["network"]), "1", *walked),
        reported("neighbours.terminals", subject, str(kinds["telephone"] + kinds["station"]), "1", *walked),
    ]


def _neighbour(subject: str, neighbour: _Neighbour) -> list[Reading]:
    heard, walked = neighbour.heard, neighbour.hearing.walked
    identified = neighbour.hearing.identified or walked
    managed = neighbour.hearing.managed or identified
    values = (
        ("neighbour.kind", heard.kind, (walked,)),
        ("neighbour.protocol", neighbour.hearing.protocol, (walked,)),
        ("neighbour.port", neighbour.key, (walked, *neighbour.port_answers)),
        ("neighbour.port_rule", neighbour.rule, (walked, *neighbour.port_answers)),
        ("neighbour.capabilities", " ".join(heard.capabilities), (walked,)),
        ("neighbour.chassis", heard.chassis, (walked, identified)),
        ("neighbour.remote_port", heard.remote_port, (identified,)),
        ("neighbour.remote_port_description", heard.remote_description, (identified,)),
        ("neighbour.name", heard.name, (identified,)),
        ("neighbour.address", " ".join(heard.addresses), (managed,)),
    )
    return [reported(metric, subject, value, "", *answers) for metric, value, answers in values if value]


def _nothing(asset: Asset, answer: Answer) -> GapError:
    return unsupported(
        asset,
        answer,
        N_("the device answers but shows neighbours by neither LLDP nor CDP"),
        N_("Enable LLDP on the device, and allow the view 1.0.8802.1.1.2 for this community or user"),
    )
