"""Neighbours of one device as LLDP tells: who, at which of its ports, of what kind (LLDP-MIB, LLDP-V2-MIB).

The conversation asks only what it may keep. First subtypes and capabilities, which identify no one; then, with the
subtype known, each identifier under a declaration that fits it. Of telephones and stations it asks no name, port or
address: they are people's. Of everything else MAC addresses become pseudonyms, in names too, and only management
addresses of the IPv4 and IPv6 kinds are walked, so that no MAC arrives in an index.

Readings: per neighbour under `neighbour:<asset>/<port>@<chassis>`, per asset `neighbours.*`. The local port is found
by the ladder in `ports`, and `neighbour.port_rule` says by which rule.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.collectors.answers import reported, unsupported, varbinds
from agent.collectors.lldp import (
    LLDP,
    LLDP_V2,
    MAC,
    NETWORK_ADDRESS,
    PORT_ADDRESS,
    PORT_MAC,
    Mib,
    Remote,
    addresses,
    remotes,
    spelled,
)
from agent.collectors.ports import INTERFACES, LocalPort, interfaces_of, resolve
from agent.language import N_
from agent.model import snmp
from agent.model.exchange import Answer, SnmpColumn, SnmpGet, SnmpTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.ber import VarBind
    from agent.collectors.ports import Interface, Interfaces
    from agent.errors import GapError
    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.model.exchange import Holds, Session
    from agent.model.reading import Reading

__all__ = ["collect"]

BRIDGE_PORTS = SnmpTable(columns=(SnmpColumn(oid="1.3.6.1.2.1.17.1.4.1.2"),))
"""dot1dBasePortIfIndex."""
LOCAL_PORT = "1.0.8802.1.1.2.1.3.7.1"
"""lldpLocPortEntry: 2 subtype, 3 identifier, 4 description."""
CHASSIS, PORT, PORT_DESCRIPTION, SYSTEM_NAME = 1, 3, 4, 5
"""Columns of lldpRemEntry, as `Mib.column` counts them."""
IPV4, IPV6 = 1, 2
"""AddressFamilyNumbers."""
MOST_ADDRESSES = 16
"""Management addresses of one neighbour and family."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What the device said of its neighbours, and in which answers."""

    walked: Answer
    identifiers: Mapping[str, VarBind | None]
    identified: Answer
    ports: Mapping[str, tuple[Interface | None, str]]
    """By local port number: the interface, and the rule that found it."""
    port_answers: tuple[Answer, ...]
    managed: Mapping[str, Sequence[str]]
    """Management addresses by column as asked."""
    managed_answer: Answer | None

    def text(self, oid: str) -> str:
        """Return an identifier that is plain text."""
        return snmp.text(self.octets(oid))

    def octets(self, oid: str) -> bytes:
        """Return the octets of an identifier; none where the device gives none."""
        found = self.identifiers.get(oid)
        return found.value if found is not None else b""


async def collect(asset: Asset, campus: Campus, session: Session) -> list[Reading]:  # noqa: ARG001 (the protocol)
    """Read the neighbours of the asset.

    Raises:
        GapError: the device does not answer, refuses, or shows no LLDP at all.
    """
    for mib in (LLDP, LLDP_V2):
        walked = await session.ask(mib.kinds)
        found = remotes(snmp.rows(varbinds(walked), mib.kinds), mib)
        chassis = await _own_chassis(asset, mib, session)
        if found or chassis:
            break
    else:
        raise _no_lldp(asset, walked)
    readings = [*chassis, *_summary(asset, mib, found, walked)]
    if found:
        readings += await _neighbours(asset, mib, found, walked, session)
    return readings


async def _own_chassis(asset: Asset, mib: Mib, session: Session) -> list[Reading]:
    """Return how the device calls itself to its neighbours."""
    kind_oid, id_oid = f"{mib.local}.1.0", f"{mib.local}.2.0"
    asked = await session.ask(SnmpGet(oids=(kind_oid,)))
    kind = snmp.number(snmp.scalars(varbinds(asked), (kind_oid,))[kind_oid])
    if kind is None:
        return []
    answer = await session.ask(SnmpGet(oids=(id_oid,), holds=(_holds(kind, mac=MAC),)))
    own = snmp.scalars(varbinds(answer), (id_oid,))[id_oid]
    if own is None or not own.value:
        return []
    text = spelled(kind, own.value, mac=MAC, address=NETWORK_ADDRESS)
    return [reported("neighbours.chassis", f"asset:{asset.id}", text, "", asked, answer)]


def _summary(asset: Asset, mib: Mib, found: Sequence[Remote], walked: Answer) -> list[Reading]:
    subject = f"asset:{asset.id}"
    state = "partial" if varbinds(walked).partial else "complete"
    kinds = Counter(remote.kind for remote in found)
    return [
        reported("neighbours.protocol", subject, mib.name, "", walked),
        reported("neighbours.table", subject, state, "", walked),
        reported("neighbours.count", subject, str(len(found)), "1", walked),
        reported("neighbours.network", subject, str(kinds["network"]), "1", walked),
        reported("neighbours.terminals", subject, str(kinds["telephone"] + kinds["station"]), "1", walked),
    ]


async def _neighbours(
    asset: Asset, mib: Mib, found: Sequence[Remote], walked: Answer, session: Session
) -> list[Reading]:
    told = await _told(mib, found, walked, session)
    taken: Counter[str] = Counter()
    readings: list[Reading] = []
    for remote in found:
        interface, _ = told.ports[remote.port]
        key = interface.key if interface is not None else f"lldp:{remote.port}"
        name = f"neighbour:{asset.id}/{key}@{_chassis(mib, remote, told) or '?'}"
        taken[name] += 1
        subject = name if taken[name] == 1 else f"{name}#{taken[name]}"
        readings += _neighbour(mib, remote, subject, key, told)
    return readings


def _neighbour(mib: Mib, remote: Remote, subject: str, key: str, told: _Told) -> list[Reading]:
    walked, identified = told.walked, told.identified
    port = told.octets(_cell(mib, remote, PORT))
    values = (
        ("neighbour.kind", remote.kind, (walked,)),
        ("neighbour.port", key, (walked, *told.port_answers)),
        ("neighbour.port_rule", told.ports[remote.port][1], (walked, *told.port_answers)),
        ("neighbour.capabilities", " ".join(remote.capabilities), (walked,)),
        ("neighbour.chassis", _chassis(mib, remote, told), (walked, identified)),
        ("neighbour.remote_port", spelled(remote.port_kind, port, mac=PORT_MAC, address=PORT_ADDRESS), (identified,)),
        ("neighbour.remote_port_description", told.text(_cell(mib, remote, PORT_DESCRIPTION)), (identified,)),
        ("neighbour.name", told.text(_cell(mib, remote, SYSTEM_NAME)), (identified,)),
    )
    readings = [reported(metric, subject, value, "", *answers) for metric, value, answers in values if value]
    shown = [address for column in _managed_columns(mib, remote) for address in told.managed.get(column, ())]
    if shown and told.managed_answer is not None:
        readings.append(reported("neighbour.address", subject, " ".join(shown), "", told.managed_answer))
    return readings


def _chassis(mib: Mib, remote: Remote, told: _Told) -> str:
    octets = told.octets(_cell(mib, remote, CHASSIS))
    return spelled(remote.chassis_kind, octets, mac=MAC, address=NETWORK_ADDRESS)


# --- asking -------------------------------------------------------------------------------------------------------


async def _told(mib: Mib, found: Sequence[Remote], walked: Answer, session: Session) -> _Told:
    asked = [pair for remote in found for pair in _identifying(mib, remote)]
    oids = tuple(oid for oid, _ in asked)
    identified = await session.ask(SnmpGet(oids=oids, holds=tuple(holds for _, holds in asked)))
    ports, port_answers = await _ports(mib, found, session)
    columns = tuple(column for remote in found for column in _managed_columns(mib, remote))
    managed: dict[str, list[str]] = {}
    answer = None
    if columns:
        table = SnmpTable(columns=tuple(SnmpColumn(oid=oid) for oid in columns), max_rows=MOST_ADDRESSES)
        answer = await session.ask(table)
        managed = addresses(snmp.rows(varbinds(answer), table))
    return _Told(walked, snmp.scalars(varbinds(identified), oids), identified, ports, port_answers, managed, answer)


def _identifying(mib: Mib, remote: Remote) -> list[tuple[str, Holds]]:
    """Return what is asked of a neighbour, and what each answer holds."""
    if remote.is_terminal:
        return [(_cell(mib, remote, CHASSIS), "mac" if remote.chassis_kind == MAC else "name")]
    return [
        (_cell(mib, remote, CHASSIS), _holds(remote.chassis_kind, mac=MAC)),
        (_cell(mib, remote, PORT), _holds(remote.port_kind, mac=PORT_MAC)),
        (_cell(mib, remote, PORT_DESCRIPTION), "identifier"),
        (_cell(mib, remote, SYSTEM_NAME), "identifier"),
    ]


async def _ports(
    mib: Mib, found: Sequence[Remote], session: Session
) -> tuple[dict[str, tuple[Interface | None, str]], tuple[Answer, ...]]:
    """Find the interface of each local port number; the bridge's numbers are asked only where they would decide."""
    numbers = list(dict.fromkeys(remote.port for remote in found))
    walked = await session.ask(INTERFACES)
    interfaces = interfaces_of(snmp.rows(varbinds(walked), INTERFACES))
    answers = [walked]
    local: dict[str, LocalPort] = {}
    if mib is LLDP:
        local, asked = await _local_ports(numbers, session)
        answers += asked
    ports = _resolved(numbers, local, interfaces, {})
    if mib is LLDP and any(rule in {"ifIndex", "none"} for _, rule in ports.values()):
        bridge = await session.ask(BRIDGE_PORTS)
        rows = snmp.rows(varbinds(bridge), BRIDGE_PORTS)
        cells = {number: snmp.number(row.get(BRIDGE_PORTS.columns[0].oid)) for number, row in rows.items()}
        ports = _resolved(numbers, local, interfaces, {number: str(index) for number, index in cells.items()})
        answers.append(bridge)
    return ports, tuple(answers)


def _resolved(
    numbers: Sequence[str], local: Mapping[str, LocalPort], interfaces: Interfaces, bridge: Mapping[str, str]
) -> dict[str, tuple[Interface | None, str]]:
    nothing = LocalPort(None, b"", "")
    return {number: resolve(number, local.get(number, nothing), interfaces, bridge) for number in numbers}


async def _local_ports(numbers: Sequence[str], session: Session) -> tuple[dict[str, LocalPort], list[Answer]]:
    """Return the rows of lldpLocPortTable for these ports: the subtypes first, they say what the identifiers hold."""
    about = tuple(f"{LOCAL_PORT}.{column}.{number}" for number in numbers for column in (2, 4))
    first = await session.ask(SnmpGet(oids=about, holds=(None, "identifier") * len(numbers)))
    known = snmp.scalars(varbinds(first), about)
    kinds = {number: snmp.number(known[f"{LOCAL_PORT}.2.{number}"]) for number in numbers}
    ids = tuple(f"{LOCAL_PORT}.3.{number}" for number in numbers)
    holds = tuple(_holds(kinds[number], mac=PORT_MAC) for number in numbers)
    second = await session.ask(SnmpGet(oids=ids, holds=holds))
    found = snmp.scalars(varbinds(second), ids)
    local = {}
    for number in numbers:
        own, described = found[f"{LOCAL_PORT}.3.{number}"], known[f"{LOCAL_PORT}.4.{number}"]
        local[number] = LocalPort(
            kinds[number], own.value if own else b"", snmp.text(described.value) if described else ""
        )
    return local, [first, second]


def _managed_columns(mib: Mib, remote: Remote) -> tuple[str, ...]:
    """Return the prefixes under which the IPv4 and IPv6 management addresses of a neighbour stand."""
    if remote.is_terminal:
        return ()
    return tuple(f"{mib.management}.{remote.index}.{family}" for family in (IPV4, IPV6))


def _cell(mib: Mib, remote: Remote, offset: int) -> str:
    return f"{mib.column(offset)}.{remote.index}"


def _holds(kind: int | None, *, mac: int) -> Holds:
    return "mac" if kind == mac else "identifier"


# --- building -----------------------------------------------------------------------------------------------------


def _no_lldp(asset: Asset, answer: Answer) -> GapError:
    return unsupported(
        asset,
        answer,
        N_("the device answers but shows no LLDP"),
        N_("Enable LLDP on the device, and allow the view 1.0.8802.1.1.2 for this community or user"),
    )
