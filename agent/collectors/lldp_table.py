"""Asks a device for what it has heard by LLDP (LLDP-MIB, LLDP-V2-MIB), and how it announces itself.

First subtypes and capabilities, which identify no one; then, with the subtype known, each identifier under a
declaration that fits it. Of telephones and stations no name, port or address is asked. Only management addresses of the
IPv4 and IPv6 kinds are walked, so that no MAC address arrives in an index.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.collectors.answers import varbinds
from agent.collectors.heard import Heard, Hearing
from agent.collectors.lldp import (
    MAC,
    NETWORK_ADDRESS,
    PORT_ADDRESS,
    PORT_MAC,
    Mib,
    Remote,
    addresses,
    capabilities_of,
    kind_of,
    remotes,
    spelled,
)
from agent.collectors.ports import LocalPort
from agent.model import snmp
from agent.model.exchange import Answer, SnmpColumn, SnmpGet, SnmpTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.ber import VarBind
    from agent.model.exchange import Holds, Session

__all__ = ["hear"]

LOCAL_PORT = "1.0.8802.1.1.2.1.3.7.1"
"""lldpLocPortEntry: 2 subtype, 3 identifier, 4 description."""
CHASSIS, PORT, PORT_DESCRIPTION, SYSTEM_NAME = 1, 3, 4, 5
"""Columns of lldpRemEntry, as `Mib.column` counts them."""
IPV4, IPV6 = 1, 2
"""AddressFamilyNumbers."""
MOST_ADDRESSES = 16
"""Management addresses of one neighbour and family."""


async def hear(mib: Mib, session: Session) -> Hearing:
    """Return the neighbours in the tables of one MIB; nothing is `spoken` where the device does not have it.

    Raises:
        GapError: the device does not answer, or refuses.
    """
    walked = await session.ask(mib.kinds)
    found = remotes(snmp.rows(varbinds(walked), mib.kinds), mib)
    own = await _own(mib, session)
    complete = not varbinds(walked).partial
    if not found:
        return Hearing(mib.name, walked, complete=complete, own=own)
    asked = [pair for remote in found for pair in _identifying(mib, remote)]
    oids = tuple(oid for oid, _ in asked)
    identified = await session.ask(SnmpGet(oids=oids, holds=tuple(holds for _, holds in asked)))
    cells = snmp.scalars(varbinds(identified), oids)
    local, local_answers = await _local_ports(mib, found, session)
    managed, addressed = await _managed(mib, found, session)
    heard = tuple(_heard(mib, remote, cells, addressed) for remote in found)
    return Hearing(
        protocol=mib.name,
        walked=walked,
        complete=complete,
        heard=heard,
        identified=identified,
        managed=managed,
        local=local,
        local_answers=local_answers,
        bridge_ports=mib.local_ports,
        own=own,
    )


async def _own(mib: Mib, session: Session) -> dict[str, tuple[str, tuple[Answer, ...]]]:
    """Return how the device announces itself, by metric."""
    kind_oid, id_oid, name_oid, caps_oid = (f"{mib.local}.{column}.0" for column in (1, 2, 3, 6))
    oids = (kind_oid, name_oid, caps_oid)
    asked = await session.ask(SnmpGet(oids=oids, holds=(None, "identifier", None)))
    found = snmp.scalars(varbinds(asked), oids)
    kind = snmp.number(found[kind_oid])
    if kind is None:
        return {}
    own: dict[str, tuple[str, tuple[Answer, ...]]] = {}
    answer = await session.ask(SnmpGet(oids=(id_oid,), holds=(_holds(kind, mac=MAC),)))
    chassis = snmp.scalars(varbinds(answer), (id_oid,))[id_oid]
    if chassis is not None and chassis.value:
        text = spelled(kind, chassis.value, mac=MAC, address=NETWORK_ADDRESS)
        own["neighbours.chassis"] = (text, (asked, answer))
    if name := _text(found[name_oid]):
        own["neighbours.name"] = (name, (asked,))
    if capabilities := capabilities_of(found[caps_oid]):
        own["neighbours.kind"] = (kind_of(capabilities), (asked,))
    return own


def _heard(
    mib: Mib, remote: Remote, cells: Mapping[str, VarBind | None], addressed: Mapping[str, Sequence[str]]
) -> Heard:
    def octets(offset: int) -> bytes:
        found = cells.get(f"{mib.column(offset)}.{remote.index}")
        return found.value if found is not None else b""

    return Heard(
        number=remote.port,
        kind=remote.kind,
        capabilities=remote.capabilities,
        chassis=spelled(remote.chassis_kind, octets(CHASSIS), mac=MAC, address=NETWORK_ADDRESS),
        remote_port=spelled(remote.port_kind, octets(PORT), mac=PORT_MAC, address=PORT_ADDRESS),
        remote_description=snmp.text(octets(PORT_DESCRIPTION)),
        name=snmp.text(octets(SYSTEM_NAME)),
        addresses=tuple(one for column in _managed_columns(mib, remote) for one in addressed.get(column, ())),
    )


def _identifying(mib: Mib, remote: Remote) -> list[tuple[str, Holds]]:
    """Return what is asked of a neighbour, and what each answer holds."""
    chassis = f"{mib.column(CHASSIS)}.{remote.index}"
    if remote.is_terminal:
        return [(chassis, "mac" if remote.chassis_kind == MAC else "name")]
    return [
        (chassis, _holds(remote.chassis_kind, mac=MAC)),
        (f"{mib.column(PORT)}.{remote.index}", _holds(remote.port_kind, mac=PORT_MAC)),
        (f"{mib.column(PORT_DESCRIPTION)}.{remote.index}", "identifier"),
        (f"{mib.column(SYSTEM_NAME)}.{remote.index}", "identifier"),
    ]


async def _local_ports(
    mib: Mib, found: Sequence[Remote], session: Session
) -> tuple[dict[str, LocalPort], tuple[Answer, ...]]:
    """Return the rows of lldpLocPortTable for these ports: the subtypes first, they say what the identifiers hold."""
    if not mib.local_ports:
        return {}, ()
    numbers = list(dict.fromkeys(remote.port for remote in found))
    about = tuple(f"{LOCAL_PORT}.{column}.{number}" for number in numbers for column in (2, 4))
    first = await session.ask(SnmpGet(oids=about, holds=(None, "identifier") * len(numbers)))
    known = snmp.scalars(varbinds(first), about)
    kinds = {number: snmp.number(known[f"{LOCAL_PORT}.2.{number}"]) for number in numbers}
    ids = tuple(f"{LOCAL_PORT}.3.{number}" for number in numbers)
    holds = tuple(_holds(kinds[number], mac=PORT_MAC) for number in numbers)
    second = await session.ask(SnmpGet(oids=ids, holds=holds))
    told = snmp.scalars(varbinds(second), ids)
    local = {}
    for number in numbers:
        own = told[f"{LOCAL_PORT}.3.{number}"]
        described = _text(known[f"{LOCAL_PORT}.4.{number}"])
        local[number] = LocalPort(kinds[number], own.value if own else b"", described)
    return local, (first, second)


async def _managed(
    mib: Mib, found: Sequence[Remote], session: Session
) -> tuple[Answer | None, Mapping[str, Sequence[str]]]:
    columns = tuple(column for remote in found for column in _managed_columns(mib, remote))
    if not columns:
        return None, {}
    table = SnmpTable(columns=tuple(SnmpColumn(oid=oid) for oid in columns), max_rows=MOST_ADDRESSES)
    answer = await session.ask(table)
    return answer, addresses(snmp.rows(varbinds(answer), table))


def _managed_columns(mib: Mib, remote: Remote) -> tuple[str, ...]:
    """Return the prefixes under which the IPv4 and IPv6 management addresses of a neighbour stand."""
    if remote.is_terminal:
        return ()
    return tuple(f"{mib.management}.{remote.index}.{family}" for family in (IPV4, IPV6))


def _holds(kind: int | None, *, mac: int) -> Holds:
    return "mac" if kind == mac else "identifier"


def _text(varbind: VarBind | None) -> str:
    return snmp.text(varbind.value) if varbind is not None else ""
