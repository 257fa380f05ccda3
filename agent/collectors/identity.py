"""What a device is: sysObjectID, sysDescr, its SNMP engine, and the chassis of ENTITY-MIB (RFC 6933).

A device has thousands of physical entities; only their classes are walked, and the rest is asked of the chassis and
stacks alone. Where no entity has a class, the ones that nothing contains stand for the chassis, and where containment
is missing too, those with a serial number.

Many makers keep serial number, firmware and model in objects of their own (`identity_objects`); where sysObjectID names
such a maker, they are asked too, as `identity.serial`, `identity.firmware`, `identity.model`. A device of one board may
have its serial number on the board alone; then that is `identity.serial`.

The name that people gave the device (sysName) is not asked. Serial numbers and the engine ID, which mostly holds a
MAC address, arrive as pseudonyms: two devices that share one still show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent import ber
from agent.collectors.answers import reported, unsupported, varbinds
from agent.collectors.identity_objects import objects_of
from agent.language import N_
from agent.model import snmp
from agent.model.exchange import Answer, SnmpColumn, SnmpGet, SnmpTable

if TYPE_CHECKING:
    from agent.ber import VarBind
    from agent.errors import GapError
    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.model.exchange import Holds, Session
    from agent.model.reading import Reading

__all__ = ["collect"]

SYS_DESCR = "1.3.6.1.2.1.1.1.0"
SYS_OBJECT_ID = "1.3.6.1.2.1.1.2.0"
ENGINE_ID = "1.3.6.1.6.3.10.2.1.1.0"
ENGINE_BOOTS = "1.3.6.1.6.3.10.2.1.2.0"
ENGINE_TIME = "1.3.6.1.6.3.10.2.1.3.0"
SYSTEM = SnmpGet(
    oids=(SYS_DESCR, SYS_OBJECT_ID, ENGINE_ID, ENGINE_BOOTS, ENGINE_TIME), holds=(None, None, "serial", None, None)
)

ENT_PHYSICAL_ENTRY = "1.3.6.1.2.1.47.1.1.1.1"
CONTAINED_IN = f"{ENT_PHYSICAL_ENTRY}.4"
CLASS = f"{ENT_PHYSICAL_ENTRY}.5"
SERIAL = f"{ENT_PHYSICAL_ENTRY}.11"
CLASSES = {3: "chassis", 11: "stack"}
CONTAINER, MODULE = 5, 9
STRUCTURE = SnmpTable(columns=(SnmpColumn(oid=CLASS), SnmpColumn(oid=CONTAINED_IN)))
SERIALS = SnmpTable(columns=(SnmpColumn(oid=SERIAL, holds="serial"),), max_rows=64)
FACTS: dict[str, tuple[str, Holds | None]] = {
    "chassis.description": (f"{ENT_PHYSICAL_ENTRY}.2", "identifier"),
    "chassis.name": (f"{ENT_PHYSICAL_ENTRY}.7", "identifier"),
    "chassis.hardware": (f"{ENT_PHYSICAL_ENTRY}.8", None),
    "chassis.firmware": (f"{ENT_PHYSICAL_ENTRY}.9", None),
    "chassis.software": (f"{ENT_PHYSICAL_ENTRY}.10", None),
    "chassis.serial": (SERIAL, "serial"),
    "chassis.manufacturer": (f"{ENT_PHYSICAL_ENTRY}.12", None),
    "chassis.model": (f"{ENT_PHYSICAL_ENTRY}.13", None),
}
MOST_CHASSIS = 64
"""A stack has at most some tens of members; more is a device that calls every part a chassis."""


async def collect(asset: Asset, campus: Campus, session: Session) -> list[Reading]:  # noqa: ARG001 (the protocol)
    """Read the identity of the asset and of each chassis in it.

    Raises:
        GapError: the device does not answer, refuses, or shows neither a system group nor entities.
    """
    answer = await session.ask(SYSTEM)
    readings = _system(asset, answer)
    readings += await _of_maker(asset, readings, session)
    structure = await session.ask(STRUCTURE)
    kinds = _chosen(structure)
    if not kinds:
        serials = await session.ask(SERIALS)
        kinds = dict.fromkeys(snmp.rows(varbinds(serials), SERIALS), "")
    if kinds:
        readings += await _chassis(asset, dict(list(kinds.items())[:MOST_CHASSIS]), session)
    if not any(reading.metric in {"identity.serial", "chassis.serial"} for reading in readings):
        readings += await _board(asset, _boards(structure, kinds), session)
    if not readings:
        raise _nothing(asset, answer)
    return readings


def _system(asset: Asset, answer: Answer) -> list[Reading]:
    found = snmp.scalars(varbinds(answer), SYSTEM.oids)
    subject = f"asset:{asset.id}"
    readings = []
    for metric, oid in (("identity.description", SYS_DESCR), ("identity.engine", ENGINE_ID)):
        if text := _text(found[oid]):
            readings.append(reported(metric, subject, text, "", answer))
    if (object_id := snmp.oid(found[SYS_OBJECT_ID])) is not None:
        readings.append(reported("identity.object_id", subject, object_id, "", answer))
    for metric, oid, unit in (
        ("identity.engine_boots", ENGINE_BOOTS, "1"),
        ("identity.engine_time", ENGINE_TIME, "s"),
    ):
        if (number := snmp.number(found[oid])) is not None:
            readings.append(reported(metric, subject, str(number), unit, answer))
    return readings


async def _of_maker(asset: Asset, known: list[Reading], session: Session) -> list[Reading]:
    """Ask the objects of the maker that sysObjectID names; the first that has a value counts."""
    object_id = next((reading.value for reading in known if reading.metric == "identity.object_id"), "")
    asked: list[tuple[str, str, Holds | None]] = []
    for objects in objects_of(object_id):
        asked += [
            ("identity.serial", objects.serial, "serial"),
            ("identity.firmware", objects.firmware, None),
            ("identity.model", objects.model, None),
        ]
    asked = [one for one in asked if one[1]]
    if not asked:
        return []
    oids = tuple(oid for _, oid, _ in asked)
    answer = await session.ask(SnmpGet(oids=oids, holds=tuple(holds for _, _, holds in asked)))
    found = snmp.scalars(varbinds(answer), oids)
    values: dict[str, str] = {}
    for metric, oid, _ in asked:
        cell = found[oid]
        if cell is not None and cell.tag == ber.OCTET_STRING and (text := snmp.text(cell.value)):
            values.setdefault(metric, text)
    return [reported(metric, f"asset:{asset.id}", value, "", answer) for metric, value in values.items()]


def _chosen(answer: Answer) -> dict[str, str]:
    """Return the entities to ask about, with their class; those that nothing contains where none has a class."""
    rows = snmp.rows(varbinds(answer), STRUCTURE)
    classes = {index: CLASSES.get(snmp.number(cells.get(CLASS)) or 0, "") for index, cells in rows.items()}
    named = {index: kind for index, kind in classes.items() if kind}
    return named or {index: "" for index, cells in rows.items() if snmp.number(cells.get(CONTAINED_IN)) == 0}


async def _chassis(asset: Asset, kinds: dict[str, str], session: Session) -> list[Reading]:
    asked = [(index, metric, f"{column}.{index}") for index in kinds for metric, (column, _) in FACTS.items()]
    oids = tuple(oid for _, _, oid in asked)
    answer = await session.ask(SnmpGet(oids=oids, holds=tuple(FACTS[metric][1] for _, metric, _ in asked)))
    found = snmp.scalars(varbinds(answer), oids)
    readings = []
    for index, metric, oid in asked:
        subject = f"chassis:{asset.id}/{index}"
        if metric == "chassis.description" and kinds[index]:
            readings.append(reported("chassis.class", subject, kinds[index], "", answer))
        if text := _text(found[oid]):
            readings.append(reported(metric, subject, text, "", answer))
    return readings


def _boards(answer: Answer, chassis: dict[str, str]) -> list[str]:
    """Return the modules that are in a chassis or in a slot of it."""
    rows = snmp.rows(varbinds(answer), STRUCTURE)
    kinds = {index: snmp.number(cells.get(CLASS)) for index, cells in rows.items()}
    within = {index: str(snmp.number(cells.get(CONTAINED_IN))) for index, cells in rows.items()}

    def holder(index: str) -> str:
        outer = within[index]
        return within.get(outer, "") if kinds.get(outer) == CONTAINER else outer

    return [index for index, kind in kinds.items() if kind == MODULE and holder(index) in chassis][:MOST_CHASSIS]


async def _board(asset: Asset, boards: list[str], session: Session) -> list[Reading]:
    """Ask the boards where the chassis has no serial number: the first that has one tells the device's."""
    if not boards:
        return []
    oids = tuple(f"{SERIAL}.{index}" for index in boards)
    answer = await session.ask(SnmpGet(oids=oids, holds=tuple("serial" for _ in oids)))
    found = snmp.scalars(varbinds(answer), oids)
    serial = next((text for oid in oids if (text := _text(found[oid]))), "")
    return [reported("identity.serial", f"asset:{asset.id}", serial, "", answer)] if serial else []


def _text(varbind: VarBind | None) -> str:
    return snmp.text(varbind.value) if varbind is not None else ""


def _nothing(asset: Asset, answer: Answer) -> GapError:
    return unsupported(
        asset,
        answer,
        N_("the device answers but does not say what it is (no system group, no ENTITY-MIB)"),
        N_("Allow the view 1.3.6.1.2.1 for this community or user on the device"),
    )
