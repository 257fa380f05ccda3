"""Asks a device for what `WifiTables` names and makes an `Inventory` of the answers.

One GET for all scalars, one walk for the access points, one for the radios; sums and tables of lost ones only where
the mapping has them. What was read is kept when a later table brings a gap.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from agent.collectors.answers import varbinds
from agent.collectors.wifi import cells
from agent.collectors.wifi.indexes import redacted, split
from agent.collectors.wifi.inventory import AccessPoint, Inventory, Radio, Total, with_keys
from agent.errors import GapError
from agent.model import snmp
from agent.model.exchange import Answer, SnmpColumn, SnmpGet, SnmpTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from agent.ber import VarBind
    from agent.model.exchange import Holds, Session
    from agent.model.wifi import IndexKind, WifiAps, WifiCell, WifiRadios, WifiSingle, WifiTables, WifiTotal

__all__ = ["read"]

MOST_APS = 5_000
MOST_RADIOS = 20_000

Rows = dict[str, "Mapping[str, VarBind]"]


async def read(tables: WifiTables, session: Session, *, itself: str) -> Inventory:
    """Return what the device tells.

    Args:
        tables: where it keeps it.
        session: to ask.
        itself: name of the access point if the device is one and has no name for itself.

    Raises:
        GapError: before anything was told.
    """
    scalars, asked = await _scalars(tables, session)
    inventory = Inventory(tables.mib, () if asked is None else (asked,))
    try:
        inventory = await _totals(tables, inventory, scalars, session)
        inventory = await _access_points(tables, inventory, scalars, session, itself)
    except GapError:
        if inventory.is_empty:
            raise
        return replace(inventory, aps=with_keys(inventory.aps), partial=True)
    return replace(inventory, aps=with_keys(inventory.aps))


async def _scalars(tables: WifiTables, session: Session) -> tuple[dict[str, VarBind], Answer | None]:
    totals = (tables.joined, tables.configured, tables.clients)
    wanted: dict[str, Holds | None] = {oid: None for total in totals if total is not None for oid in total.scalars}
    if tables.single is not None:
        for name, cell in _facts(tables.single):
            wanted |= dict.fromkeys(cell.oids, _HOLDS.get(name))
    if not wanted:
        return {}, None
    oids = tuple(f"{oid}.0" for oid in wanted)
    answer = await session.ask(SnmpGet(oids=oids, holds=tuple(wanted.values())))
    found = snmp.scalars(varbinds(answer), oids)
    return {oid.removesuffix(".0"): cell for oid, cell in found.items() if cell is not None}, answer


async def _totals(
    tables: WifiTables, inventory: Inventory, scalars: Mapping[str, VarBind], session: Session
) -> Inventory:
    for name, total in (("joined", tables.joined), ("configured", tables.configured), ("clients", tables.clients)):
        if total is not None:
            found = await _total(total, inventory, scalars, session)
            inventory = replace(inventory, **{name: found})  # type: ignore[arg-type]  # a field of that type each
    return inventory


async def _total(
    total: WifiTotal, inventory: Inventory, scalars: Mapping[str, VarBind], session: Session
) -> Total | None:
    for oid in total.scalars:
        number = snmp.number(scalars.get(oid))
        if number is not None and number >= 0:
            return Total(number, inventory.answers[0])
    if not total.columns:
        return None
    answer, rows = await _walk(total.columns, total.index, session, most=MOST_APS)
    numbers = [snmp.number(cell) for row in rows.values() for cell in row.values()]
    known = [number for number in numbers if number is not None and number >= 0]
    return Total(sum(known), answer) if known else None


async def _access_points(
    tables: WifiTables, inventory: Inventory, scalars: Mapping[str, VarBind], session: Session, itself: str
) -> Inventory:
    if tables.single is not None:
        inventory = _single(tables.single, inventory, scalars, itself)
    elif tables.aps is not None:
        inventory = await _listed(tables.aps, inventory, session)
    if tables.radios is None:
        return inventory
    try:
        return await _with_radios(tables.radios, inventory, session, itself)
    except GapError:
        if not inventory.aps:
            raise
        return replace(inventory, partial=True)


def _single(single: WifiSingle, inventory: Inventory, scalars: Mapping[str, VarBind], itself: str) -> Inventory:
    if not any(oid in scalars for _, cell in _facts(single) for oid in cell.oids):
        return inventory
    ap = AccessPoint("", inventory.answers, name=cells.text(single.name, scalars) or itself, state="up")
    return replace(inventory, aps=(_described(ap, single, scalars),))


async def _listed(table: WifiAps, inventory: Inventory, session: Session) -> Inventory:
    facts = _facts(table)
    columns = {oid: _HOLDS.get(name) for name, cell in facts for oid in cell.oids}
    answer, rows = await _walk(columns, table.index, session, most=MOST_APS)
    aps = []
    for index, row in rows.items():
        name = cells.text(table.name, row) or split(index, table.index).name
        ap = AccessPoint(index, (answer,), name=name, state=cells.spelling(table.state, row), group="")
        aps.append(replace(_described(ap, table, row), group=cells.text(table.group, row)))
    answers = (*inventory.answers, answer)
    partial = bool(varbinds(answer).partial)
    inventory = replace(inventory, aps=tuple(aps), answers=answers, partial=partial, has_table=bool(rows))
    return await _with_lost(table, inventory, session) if table.lost is not None else inventory


async def _with_lost(table: WifiAps, inventory: Inventory, session: Session) -> Inventory:
    """Add those that only the table of lost access points still knows."""
    column = table.lost or ""
    answer, rows = await _walk({column: "identifier"}, table.index, session, most=MOST_APS)
    known = {ap.index for ap in inventory.aps}
    lost = [
        AccessPoint(index, (answer,), name=snmp.text(row[column].value), state="down")
        for index, row in rows.items()
        if index not in known
    ]
    return replace(
        inventory,
        aps=(*inventory.aps, *lost),
        answers=(*inventory.answers, answer),
        has_table=inventory.has_table or bool(lost),
    )


async def _with_radios(table: WifiRadios, inventory: Inventory, session: Session, itself: str) -> Inventory:
    """Give each access point its radios; a radio whose access point no table lists makes it known."""
    columns = {oid: "identifier" if name == "ap" else None for name, cell in _facts(table) for oid in cell.oids}
    answer, rows = await _walk(columns, table.index, session, most=MOST_RADIOS)
    names = await _names(table, session) if rows else {}
    by_name = {ap.name: ap.index for ap in inventory.aps}
    aps = {ap.index: ap for ap in inventory.aps}
    radios: dict[str, dict[str, Radio]] = {}
    for index, row in rows.items():
        place = split(index, table.index)
        name = names.get(place.access_point, "") or cells.text(table.ap, row)
        home = by_name.get(name, place.access_point) if table.names is not None else place.access_point
        if home not in aps:
            state = None if table.index else "up"
            aps[home] = AccessPoint(home, (answer,), name=name or ("" if table.index else itself), state=state)
        radio = _radio(table, place.rest, row, answer)
        known = radios.setdefault(home, {})
        known[radio.key] = known[radio.key].merged(radio) if radio.key in known else radio
    listed = tuple(replace(ap, radios=tuple(radios.get(index, {}).values())) for index, ap in aps.items())
    return replace(
        inventory,
        aps=listed,
        answers=(*inventory.answers, answer),
        partial=inventory.partial or bool(varbinds(answer).partial),
        has_table=inventory.has_table or bool(rows),
    )


async def _names(table: WifiRadios, session: Session) -> dict[str, str]:
    """Return the names of access points under the index that the radios use."""
    if table.names is None:
        return {}
    _, rows = await _walk({table.names: "identifier"}, table.index, session, most=MOST_APS)
    return {index: snmp.text(row[table.names].value) for index, row in rows.items()}


def _radio(table: WifiRadios, rest: str, row: Mapping[str, VarBind], answer: Answer) -> Radio:
    channel, by_frequency = cells.channel(table.channel, row)
    band = cells.spelling(table.band, row)
    return Radio(
        key=cells.text(table.key, row) or rest,
        answers=(answer,),
        channel=channel,
        band=(band if band != cells.UNKNOWN else None) or by_frequency or cells.band_of(channel),
        state=cells.spelling(table.state, row),
        clients=cells.count(table.clients, row),
        signal=cells.signal(table.signal, row),
    )


def _described(ap: AccessPoint, facts: WifiAps | WifiSingle, row: Mapping[str, VarBind]) -> AccessPoint:
    return replace(
        ap,
        clients=cells.count(facts.clients, row),
        location=cells.text(facts.location, row),
        model=cells.text(facts.model, row),
        serial=cells.text(facts.serial, row),
    )


# --- asking -------------------------------------------------------------------------------------------------------

_HOLDS: dict[str, Holds] = {
    "name": "identifier",
    "location": "identifier",
    "group": "identifier",
    "serial": "serial",
}
"""An access point's name may be, or hold, its MAC address."""


def _facts(table: WifiAps | WifiSingle | WifiRadios) -> list[tuple[str, WifiCell]]:
    """Return the cells that the mapping names, by fact."""
    return [(name, cell) for name in type(table).model_fields if (cell := _cell(table, name)) is not None]


def _cell(table: WifiAps | WifiSingle | WifiRadios, name: str) -> WifiCell | None:
    found = getattr(table, name)
    return found if hasattr(found, "oids") else None


async def _walk(
    columns: Mapping[str, Holds | None] | Iterable[str], index: tuple[IndexKind, ...], session: Session, *, most: int
) -> tuple[Answer, dict[str, dict[str, VarBind]]]:
    holds = columns if isinstance(columns, dict) else dict.fromkeys(columns)
    request = SnmpTable(
        columns=tuple(SnmpColumn(oid=oid, holds=holds[oid]) for oid in holds), index=redacted(index), max_rows=most
    )
    answer = await session.ask(request)
    return answer, snmp.rows(varbinds(answer), request)
