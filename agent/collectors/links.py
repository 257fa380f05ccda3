"""Watched links of the campus file: status, speed and octet counters of their ports (IF-MIB, RFC 2863), and no others.

A link is asked for every minute or few, so this walks no whole table: the names of all ports, to find the one that is
meant, and then that port alone. It is found by ifName, then ifAlias, then ifDescr: the first rule that matches decides,
and must match one port only. Its counters are read with sysUpTime and the port's names in one PDU, under
`<role>:<link>`: rates have an exact time base, and a device that renumbered its ports since the names were read gives
no counters of another port.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.collectors.answers import reported, varbinds
from agent.collectors.interfaces import (
    ALIAS,
    DESCR,
    DISCONTINUITY,
    HC_IN_OCTETS,
    HC_OUT_OCTETS,
    HIGH_SPEED,
    IN_OCTETS,
    NAME,
    OPER_STATES,
    OPER_STATUS,
    OUT_OCTETS,
    PHYS_ADDRESS,
    SPEED,
    SYS_UP_TIME,
    Port,
    no_table,
    speed_mbps,
)
from agent.errors import GapError
from agent.model import snmp
from agent.model.exchange import SnmpColumn, SnmpGet, SnmpTable

if TYPE_CHECKING:
    from agent.ber import VarBind
    from agent.model.asset import Asset
    from agent.model.campus import Campus, Link
    from agent.model.exchange import Answer, Holds, Session
    from agent.model.reading import Reading

__all__ = ["collect"]

RULES: Final = (("ifName", NAME), ("ifAlias", ALIAS), ("ifDescr", DESCR))
COLUMNS: Final = (
    *(HC_IN_OCTETS, HC_OUT_OCTETS, IN_OCTETS, OUT_OCTETS, DISCONTINUITY, OPER_STATUS, HIGH_SPEED, SPEED),
    *(NAME, DESCR, ALIAS, PHYS_ADDRESS),
)


class _Names:
    """The names of all ports, by the column that has them; a column is read when a link needs it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._columns: dict[str, tuple[dict[str, str], Answer]] = {}

    async def of(self, column: str) -> tuple[dict[str, str], Answer]:
        """Return the names by ifIndex, and the answer that they come from."""
        if column not in self._columns:
            table = SnmpTable(columns=(SnmpColumn(oid=column),))
            answer = await self._session.ask(table)
            cells = snmp.rows(varbinds(answer), table)
            self._columns[column] = {index: snmp.text(row[column].value) for index, row in cells.items()}, answer
        return self._columns[column]


async def collect(asset: Asset, campus: Campus, session: Session) -> list[Reading]:
    """Read the watched links that end on the asset.

    Raises:
        GapError: the device does not answer, refuses, or has no interface table. Once a link was read, a gap ends the
            collector without an error: nothing that was read is lost.
    """
    readings: list[Reading] = []
    names = _Names(session)
    for link in campus.links_of(asset.id):
        try:
            readings += await _link(asset, link, names, session)
        except GapError:  # on record, and what `measure` says of this collector; the links before it stay known
            if not readings:
                raise
            break
    return readings


async def _link(asset: Asset, link: Link, names: _Names, session: Session) -> list[Reading]:
    subject = f"{link.role}:{link.id}"
    rule, column, index, answers = await _match(asset, link, names)
    if column is None:
        return [reported("link.match", subject, rule, "", *answers)]
    oids = (SYS_UP_TIME, *(f"{each}.{index}" for each in COLUMNS))
    holds: tuple[Holds | None, ...] = tuple("mac" if oid.startswith(PHYS_ADDRESS) else None for oid in oids)
    answer = await session.ask(SnmpGet(oids=oids, holds=holds))
    found = snmp.scalars(varbinds(answer), oids)
    port = Port(index, "", {each: cell for each in COLUMNS if (cell := found[f"{each}.{index}"])})
    if column not in port.cells:  # a module that was pulled meanwhile
        return [reported("link.match", subject, rule, "", *answers)]
    if port.text(column) != link.port:
        return [reported("link.match", subject, "renumbered", "", *answers, answer)]
    wide = port.number(HC_IN_OCTETS) is not None and port.number(HC_OUT_OCTETS) is not None
    return [
        reported("link.match", subject, rule, "", *answers),
        reported("link.identity", subject, port.identity(), "", answer),
        reported("link.counter_bits", subject, "64" if wide else "32", "1", answer),
        *_readings(subject, port, wide=wide, uptime=found[SYS_UP_TIME], answer=answer),
    ]


async def _match(asset: Asset, link: Link, names: _Names) -> tuple[str, str | None, str, list[Answer]]:
    """Return the rule that found the port, the column and the ifIndex; or why none did, and no column."""
    answers, seen = [], False
    for rule, column in RULES:
        known, answer = await names.of(column)
        answers.append(answer)
        seen |= bool(known)
        found = [index for index, name in known.items() if name == link.port]
        if len(found) == 1:
            return rule, column, found[0], [answer]
        if found:
            return f"ambiguous {rule}", None, "", [answer]
    if not seen:
        raise no_table(asset, answers[-1])
    return "not found", None, "", answers


def _readings(subject: str, port: Port, *, wide: bool, uptime: VarBind | None, answer: Answer) -> list[Reading]:
    octets = (HC_IN_OCTETS, HC_OUT_OCTETS) if wide else (IN_OCTETS, OUT_OCTETS)
    readings = []
    if (state := OPER_STATES.get(port.number(OPER_STATUS) or 0)) is not None:
        readings.append(reported("link.status", subject, state, "", answer))
    if (speed := speed_mbps(port.number(HIGH_SPEED), port.number(SPEED))) is not None:
        readings.append(reported("link.speed", subject, speed, "Mbit/s", answer))
    for metric, number, unit in (
        ("link.octets.in", port.number(octets[0]), "By"),
        ("link.octets.out", port.number(octets[1]), "By"),
        ("link.uptime", snmp.number(uptime), "cs"),
        ("link.discontinuity", port.number(DISCONTINUITY), "cs"),
    ):
        if number is not None:
            readings.append(reported(metric, subject, str(number), unit, answer))
    return readings
