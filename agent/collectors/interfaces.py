"""Interfaces of one device: identity, speed, status and octet counters (IF-MIB, RFC 2863); links are `links`.

Every row of ifTable/ifXTable gives readings under `interface:<asset>/<name>`; ifIndex is only a transport detail,
so the name is ifName, else ifDescr, and a name that is empty or taken twice gets its ifIndex, so that two ports
never merge. A watched link of the campus file is found by ifName, then ifAlias, then ifDescr: the first rule that
matches decides, and must match one port only. Its counters are read with sysUpTime and the port's names in one PDU,
under `<role>:<link>`: rates have an exact time base, and a device that renumbered its ports since the table was read
gives no counters of another port.

Speed rule (oids.md 2): ifHighSpeed when it is above 0 and at most 1.6 Tbit/s, else ifSpeed when it is neither 0 nor
saturated, else none: unknown is never 0.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from agent.canonical import decimal_text
from agent.collectors.answers import reported, unsupported, varbinds
from agent.language import N_
from agent.model import snmp
from agent.model.exchange import Answer, SnmpColumn, SnmpGet, SnmpTable

if TYPE_CHECKING:
    from agent.ber import VarBind
    from agent.errors import GapError
    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.model.exchange import Session
    from agent.model.reading import Reading

__all__ = ["collect", "speed_mbps"]

SYS_DESCR = "1.3.6.1.2.1.1.1.0"
SYS_OBJECT_ID = "1.3.6.1.2.1.1.2.0"
SYS_UP_TIME = "1.3.6.1.2.1.1.3.0"

IF_ENTRY = "1.3.6.1.2.1.2.2.1"
IF_X_ENTRY = "1.3.6.1.2.1.31.1.1.1"
DESCR = f"{IF_ENTRY}.2"
TYPE = f"{IF_ENTRY}.3"
SPEED = f"{IF_ENTRY}.5"
PHYS_ADDRESS = f"{IF_ENTRY}.6"
ADMIN_STATUS = f"{IF_ENTRY}.7"
OPER_STATUS = f"{IF_ENTRY}.8"
IN_OCTETS = f"{IF_ENTRY}.10"
OUT_OCTETS = f"{IF_ENTRY}.16"
NAME = f"{IF_X_ENTRY}.1"
HC_IN_OCTETS = f"{IF_X_ENTRY}.6"
HC_OUT_OCTETS = f"{IF_X_ENTRY}.10"
HIGH_SPEED = f"{IF_X_ENTRY}.15"
ALIAS = f"{IF_X_ENTRY}.18"
DISCONTINUITY = f"{IF_X_ENTRY}.19"

TABLE = SnmpTable(
    columns=tuple(
        SnmpColumn(oid=oid, holds="mac" if oid == PHYS_ADDRESS else None)
        for oid in (
            *(DESCR, TYPE, SPEED, PHYS_ADDRESS, ADMIN_STATUS, OPER_STATUS),
            *(NAME, HC_IN_OCTETS, HC_OUT_OCTETS, HIGH_SPEED, ALIAS, DISCONTINUITY),
        )
    )
)

ADMIN_STATES = {1: "up", 2: "down", 3: "testing"}
OPER_STATES = {
    1: "up",
    2: "down",
    3: "testing",
    4: "unknown",
    5: "dormant",
    6: "notPresent",
    7: "lowerLayerDown",
}
HIGHEST_MBPS = 1_600_000
"""1.6 Tbit/s: more is a device that gives bit/s, or nonsense (oids.md 9.2)."""
SATURATED = 4_294_967_295
"""ifSpeed of an interface that is faster than a Gauge32 can say (RFC 2863 §3.1.8)."""


@dataclass(frozen=True, slots=True)
class Port:
    """One row of the interface table."""

    index: str
    key: str
    cells: dict[str, VarBind]

    def text(self, column: str) -> str:
        """Return a text cell, decoded late; empty where the device has none."""
        cell = self.cells.get(column)
        return snmp.text(cell.value) if cell else ""

    def number(self, column: str) -> int | None:
        """Return a numeric cell; None where the device has none."""
        cell = self.cells.get(column)
        return snmp.number(cell) if cell else None

    def identity(self) -> str:
        """Return the fingerprint whose change means that counters belong to another port."""
        mac = self.cells.get(PHYS_ADDRESS)
        parts = (self.index, self.text(NAME), self.text(DESCR), self.text(ALIAS), mac.value.hex() if mac else "")
        return "|".join(parts)


async def collect(asset: Asset, _campus: Campus, session: Session) -> list[Reading]:
    """Read all interfaces of the asset.

    Raises:
        GapError: the device does not answer, refuses, or has no interface table.
    """
    readings = await _identity(asset, session)
    answer = await session.ask(TABLE)
    ports = _ports(answer)
    if not ports:
        raise no_table(asset, answer)
    for port in ports:
        readings += _port_readings(f"interface:{asset.id}/{port.key}", port, answer)
    return readings


def speed_mbps(high_speed: int | None, speed: int | None) -> str | None:
    """Return the speed in Mbit/s as decimal text, or None when the device does not say."""
    if high_speed is not None and 0 < high_speed <= HIGHEST_MBPS:
        return str(high_speed)
    if speed is not None and 0 < speed < SATURATED:
        return decimal_text(Decimal(speed) / 1_000_000)
    return None


async def _identity(asset: Asset, session: Session) -> list[Reading]:
    oids = (SYS_DESCR, SYS_OBJECT_ID, SYS_UP_TIME)
    answer = await session.ask(SnmpGet(oids=oids))
    found = snmp.scalars(varbinds(answer), oids)
    subject = f"asset:{asset.id}"
    readings = []
    if (description := found[SYS_DESCR]) is not None:
        readings.append(reported("device.description", subject, snmp.text(description.value), "", answer))
    if (object_id := found[SYS_OBJECT_ID]) is not None and (oid := snmp.oid(object_id)) is not None:
        readings.append(reported("device.object_id", subject, oid, "", answer))
    if (uptime := found[SYS_UP_TIME]) is not None and (ticks := snmp.number(uptime)) is not None:
        readings.append(reported("device.uptime", subject, str(ticks), "cs", answer))
    return readings


def _ports(answer: Answer) -> list[Port]:
    rows = snmp.rows(varbinds(answer), TABLE)
    plain = [Port(index, "", cells) for index, cells in rows.items()]
    names = [port.text(NAME) or port.text(DESCR) for port in plain]
    taken = {name for name, count in Counter(names).items() if count > 1}
    ports = []
    for port, name in zip(plain, names, strict=True):
        unique = name and name not in taken and "#" not in name  # "#" would let a name look like the key of another
        key = name if unique else f"{name}#{port.index}"
        ports.append(Port(port.index, key, port.cells))
    return ports


def _port_readings(subject: str, port: Port, answer: Answer) -> list[Reading]:
    readings = [
        reported("interface.name", subject, port.text(NAME) or port.text(DESCR), "", answer),
        reported("interface.identity", subject, port.identity(), "", answer),
    ]
    for metric, column in (("interface.alias", ALIAS), ("interface.description", DESCR)):
        if text := port.text(column):
            readings.append(reported(metric, subject, text, "", answer))
    for metric, column, states in (
        ("interface.admin_status", ADMIN_STATUS, ADMIN_STATES),
        ("interface.oper_status", OPER_STATUS, OPER_STATES),
    ):
        if (state := states.get(port.number(column) or 0)) is not None:
            readings.append(reported(metric, subject, state, "", answer))
    if (kind := port.number(TYPE)) is not None:
        readings.append(reported("interface.type", subject, str(kind), "1", answer))
    if (speed := speed_mbps(port.number(HIGH_SPEED), port.number(SPEED))) is not None:
        readings.append(reported("interface.speed", subject, speed, "Mbit/s", answer))
    for metric, column, unit in (
        ("interface.octets.in", HC_IN_OCTETS, "By"),
        ("interface.octets.out", HC_OUT_OCTETS, "By"),
        ("interface.discontinuity", DISCONTINUITY, "cs"),
    ):
        if (value := port.number(column)) is not None:
            readings.append(reported(metric, subject, str(value), unit, answer))
    return readings


def no_table(asset: Asset, answer: Answer) -> GapError:
    """Return the gap of a device that answers and has no interface table; it cites the answer."""
    return unsupported(
        asset,
        answer,
        N_("the device answers but has no interface table (IF-MIB)"),
        N_("Allow the view 1.3.6.1.2.1 for this community or user on the device"),
    )
