"""What one MIB of a device said: the cells that were read, each with the answer that it came from."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.collectors.answers import varbinds
from agent.collectors.dates import date_in, date_of_octets
from agent.errors import GapError
from agent.model import snmp
from agent.model.exchange import SnmpColumn, SnmpGet, SnmpTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agent.ber import VarBind
    from agent.collectors.security.words import Amount, Cell, Licences, LicenceState, Mib
    from agent.model.asset import SecurityFunction
    from agent.model.exchange import Answer, Session

__all__ = ["Granted", "Told", "read"]

MOST_ROWS = 2000
"""Virtual domains, zones, licences or kinds of attack of one device."""


@dataclass(frozen=True, slots=True)
class Granted:
    """A licence in a table."""

    function: SecurityFunction
    state: LicenceState | None
    expiry: str | None
    days: int | None
    answer: Answer


@dataclass(slots=True)
class Told:
    """What one MIB said.

    Attributes:
        mib: its description.
        cells: the varbinds of each cell that the device has; several of a column.
        licences: rows of its tables of licences whose function is known.
        gap: what ended the reading early.
    """

    mib: Mib
    cells: dict[Cell, tuple[list[VarBind], Answer]] = field(default_factory=dict)
    licences: list[Granted] = field(default_factory=list)
    gap: GapError | None = None

    def amount(self, amount: Amount | None) -> tuple[int, Answer] | None:
        """Return the sum of the first alternative that the device has; None where it has none."""
        for alternative in amount.alternatives if amount is not None else ():
            found = [(number, answer) for cell in alternative for number, answer in self._numbers(cell)]
            if found:
                return sum(number for number, _ in found), found[-1][1]
        return None

    def text(self, cell: Cell | None) -> tuple[str, Answer] | None:
        """Return the text of an instance, a number in figures; None where the device has none or an empty one."""
        texts = self.texts(cell)
        return texts[0] if texts else None

    def texts(self, cell: Cell | None) -> list[tuple[str, Answer]]:
        """Return the texts of all rows of a column."""
        if cell is None or cell not in self.cells:
            return []
        found, answer = self.cells[cell]
        return [(text, answer) for varbind in found if (text := _text(varbind))]

    def _numbers(self, cell: Cell) -> Iterator[tuple[int, Answer]]:
        found, answer = self.cells.get(cell, ([], None))
        for varbind in found:
            number = snmp.number(varbind)
            if number is not None and number >= 0 and answer is not None:
                yield number, answer


async def read(mib: Mib, session: Session) -> Told:
    """Read everything that a MIB describes; a gap ends it with what was read so far."""
    told = Told(mib)
    try:
        await _instances(told, session)
        await _columns(told, session)
        for licences in mib.licences:
            await _licences(told, licences, session)
    except GapError as gap:
        told.gap = gap
    return told


async def _instances(told: Told, session: Session) -> None:
    cells = {cell.oid: cell for cell in told.mib.cells() if not cell.column}
    if not cells:
        return
    request = SnmpGet(oids=tuple(cells))
    answer = await session.ask(request)
    for oid, varbind in snmp.scalars(varbinds(answer), request.oids).items():
        if varbind is not None:
            told.cells[cells[oid]] = ([varbind], answer)


async def _columns(told: Told, session: Session) -> None:
    """Walk the columns, those of one table together."""
    tables: dict[str, dict[str, Cell]] = defaultdict(dict)
    for cell in told.mib.cells():
        if cell.column:
            tables[cell.oid.rpartition(".")[0]][cell.oid] = cell
    for columns in tables.values():
        request = SnmpTable(columns=tuple(SnmpColumn(oid=oid) for oid in columns), max_rows=MOST_ROWS)
        answer = await session.ask(request)
        for oid, _, varbind in snmp.cells(varbinds(answer), request):
            told.cells.setdefault(columns[oid], ([], answer))[0].append(varbind)


async def _licences(told: Told, table: Licences, session: Session) -> None:
    request = SnmpTable(columns=tuple(SnmpColumn(oid=oid) for oid in table.columns()), max_rows=MOST_ROWS)
    answer = await session.ask(request)
    for row in snmp.rows(varbinds(answer), request).values():
        named = _text(row[table.name]).lower() if table.name in row else ""
        functions = dict.fromkeys(function for form, function in table.functions if re.search(form, named))
        for function in functions:
            told.licences.append(_granted(function, table, row, answer))


def _granted(function: SecurityFunction, table: Licences, row: Mapping[str, VarBind], answer: Answer) -> Granted:
    state = row.get(table.state or "")
    expiry = row.get(table.expiry or "")
    return Granted(
        function=function,
        state=table.states.get(_text(state)) if state is not None else None,
        expiry=(date_of_octets(expiry.value) or date_in(_text(expiry))) if expiry is not None else None,
        days=snmp.number(row.get(table.days or "")),
        answer=answer,
    )


def _text(varbind: VarBind) -> str:
    number = snmp.number(varbind)
    return str(number) if number is not None else snmp.text(varbind.value)
