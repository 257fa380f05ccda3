"""ClickHouse: one statement that counts records by source and civil day; sent with GET, which the server reads only.

The account should have `readonly = 1`: no setting travels with a statement, so none is needed. Days without records are
absent; `WITH FILL` would only spell them out. A server that cuts results (`result_overflow_mode = 'break'`) cuts
silently: the totals of the same statement show it. Retention is the TTL of the table's engine, cut out by the server,
since a table's definition may hold passwords of other systems.

Sources: ClickHouse documentation (HTTP interface, GROUP BY WITH TOTALS, TTL, system.tables, system.parts,
system.disks).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from agent.collectors.logs.counting import Counted, kept_of, portions, total
from agent.collectors.logs.interface import Store, search_window, wanted
from agent.collectors.logs.lookup import Carried
from agent.collectors.logs.replies import (
    by_place,
    document,
    items,
    matching,
    member,
    must_answer,
    quoted,
    reply_of,
    whole,
)
from agent.errors import MalformedError
from agent.model.exchange import HttpRequest
from agent.model.log_forms import LOG_FORMS, LogForm
from agent.model.logs import LogStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.collectors.logs.lookup import CanaryPlace, Search
    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.model.exchange import Answer, Session

__all__ = ["lookup", "read", "ttl_days"]

_FORMS: Final = LOG_FORMS["clickhouse"]
_ZONE: Final = LogForm("timezone", r"[A-Za-z_]+(?:/[A-Za-z_]+)?", "Asia/Shanghai")
_UNITS: Final = r"(hour|day|week|month|quarter|year)"
_INTERVAL: Final = re.compile(rf"(?i)toInterval{_UNITS}\((\d{{1,6}})\)|INTERVAL (\d{{1,6}}) {_UNITS}")
_HOURS: Final = {"hour": 1, "day": 24, "week": 168, "month": 31 * 24, "quarter": 92 * 24, "year": 366 * 24}
"""The longest that each can be: a setting bounds what can be kept from above."""


@dataclass(frozen=True, slots=True)
class _Ask:
    asset: Asset
    session: Session
    time: str
    source: str
    zone: str

    async def select(self, statement: str, seconds: int = 120) -> Answer:
        path = f"/?query={quoted(statement + ' FORMAT JSONCompact')}"
        return await self.session.ask(HttpRequest(path=path, form="json", seconds=seconds))

    def day(self, day: date) -> str:
        """Return the beginning of a civil day as an expression."""
        return f"toDateTime('{day.isoformat()} 00:00:00', '{self.zone}')"

    def between(self, since: date, until: date) -> str:
        end = until + timedelta(days=1)
        return f"{self.time} >= {self.day(since)} AND {self.time} < {self.day(end)}"


async def read(asset: Asset, campus: Campus, session: Session) -> Store:
    """Count the records of each wanted source by day, and read TTL, size and free space.

    Raises:
        GapError: the store does not answer or let us in, or a name of the campus file cannot be asked for.
        MalformedError: it answers with something that is no such reply.
    """
    ask = _asking(asset, campus, session)
    about = await ask.select("SELECT version()", 30)
    first, last = search_window(about, campus)
    sources = wanted(asset, campus)
    counted: dict[str, Counted] = {}
    sizes: list[int | None] = []
    policies: list[int | None] = []
    for where, names in by_place(asset, sources).items():
        table = matching(asset, _FORMS["where"], where)
        for name in names:
            matching(asset, _FORMS["name"], name)
        counted[where] = await _count(ask, table, names, (first, last))
        counted[where].distinct = await _sources(ask, table, (first, last))
        sizes.append(await _size(ask, table))
        policies.append(await _ttl(ask, table))
    others = [each.others() for each in counted.values()]
    return Store(
        answer=about,
        kept=kept_of(asset, sources, counted, about),
        searched=(first.isoformat(), last.isoformat()),
        free=await _number(ask, "SELECT toString(sum(free_space)) FROM system.disks WHERE lower(type) = 'local'"),
        used=total(sizes),
        policy_days=min((days for days in policies if days is not None), default=None),
        others=total(others),
    )


def _asking(asset: Asset, campus: Campus, session: Session) -> _Ask:
    logs = asset.logs or LogStore()
    return _Ask(
        asset,
        session,
        matching(asset, _FORMS["time_field"], logs.time_field),
        matching(asset, _FORMS["source_field"], logs.source_field),
        matching(asset, _ZONE, campus.timezone),
    )


async def lookup(asset: Asset, campus: Campus, session: Session, place: CanaryPlace) -> Search:
    """Make ready to count the rows that carry nonces; of their text the server gives back the nonce alone.

    Raises:
        GapError: a name of the campus file cannot be asked for.
    """
    ask = _asking(asset, campus, session)
    table = matching(asset, _FORMS["where"], place.where)
    host = matching(asset, _FORMS["name"], place.host)
    text = matching(asset, _FORMS["text_field"], place.text)

    async def search(nonces: Sequence[str], since: date, until: date) -> Carried:
        listed = ", ".join(f"'{nonce}'" for nonce in nonces)
        answer = await ask.select(
            f"SELECT extract(toString({text}), 'nonce=([0-9a-f]{{32}})') AS c_, toString(count()) AS n_ FROM {table}"  # noqa: S608 - names checked by `matching`
            f" WHERE {ask.between(since, until)} AND toString({ask.source}) = '{host}' AND c_ IN ({listed})"
            " GROUP BY c_ WITH TOTALS ORDER BY c_"
        )
        must_answer(asset, answer)
        found = document(answer)
        records = dict(_carried(row) for row in items(member(found, "data")))
        totals = items(member(found, "totals"))
        whole_answer = not totals or _carried(totals)[1] == sum(records.values())
        return Carried(records, (answer,), whole_answer)

    return search


def _carried(row: Any) -> tuple[str, int]:
    cells = items(row)
    if len(cells) != 2 or not isinstance(cells[0], str):
        raise MalformedError("a row of the log store's answer has not the two cells that were asked for")
    return cells[0], whole(cells[1]) or 0


async def _count(ask: _Ask, table: str, names: tuple[str, ...], days: tuple[date, date]) -> Counted:
    counted = Counted()
    for part in portions(names) if names else ():
        listed = ", ".join(f"'{name}'" for name in part)
        answer = await ask.select(
            f"SELECT toString({ask.source}) AS s_, toString(toDate({ask.time}, '{ask.zone}')) AS d_,"  # noqa: S608 - names checked by `matching`
            f" toString(count()) AS n_, toString(toUnixTimestamp(min({ask.time}))) AS a_,"
            f" toString(toUnixTimestamp(max({ask.time}))) AS z_ FROM {table}"
            f" WHERE {ask.between(*days)} AND toString({ask.source}) IN ({listed})"
            " GROUP BY s_, d_ WITH TOTALS ORDER BY s_, d_"
        )
        if counted.told(ask.asset, part, answer):
            _take(counted, part, answer)
    return counted


def _take(counted: Counted, names: Sequence[str], answer: Answer) -> None:
    found, seen = document(answer), 0
    for row in items(member(found, "data")):
        name, day, records, since, until = _row(row)
        if name not in counted.days:
            raise MalformedError("the log store's answer names a source that was not asked for")
        counted.add(name, day, records)
        counted.first[name] = min(counted.first.get(name, since * 1000), since * 1000)
        counted.last[name] = max(counted.last.get(name, until * 1000), until * 1000)
        seen += records
    totals = items(member(found, "totals"))
    if totals and whole(totals[2] if len(totals) == 5 else None) != seen:
        counted.partial.update(names)


def _row(row: Any) -> tuple[str, str, int, int, int]:
    cells = items(row)
    if len(cells) != 5 or not all(isinstance(cell, str) for cell in cells):
        raise MalformedError("a row of the log store's answer has not the five cells that were asked for")
    name, day, *numbers = cells
    records, since, until = (whole(number) or 0 for number in numbers)
    return name, day, records, since, until


async def _sources(ask: _Ask, table: str, days: tuple[date, date]) -> int | None:
    statement = f"SELECT toString(uniq({ask.source})) FROM {table} WHERE {ask.between(*days)}"  # noqa: S608 - names checked by `matching`
    return await _number(ask, statement)


async def _size(ask: _Ask, table: str) -> int | None:
    database, name = table.split(".")
    return await _number(
        ask,
        "SELECT toString(sum(bytes_on_disk)) FROM system.parts"  # noqa: S608 - names checked by `matching`
        f" WHERE active AND database = '{database}' AND table = '{name}'",
    )


async def _ttl(ask: _Ask, table: str) -> int | None:
    """Return after how many days the table drops rows; None where it keeps them or does not tell."""
    database, name = table.split(".")
    text = await _cell(
        ask,
        "SELECT extract(engine_full, ' TTL (.+?)(?: SETTINGS |$)') FROM system.tables"  # noqa: S608 - names checked by `matching`
        f" WHERE database = '{database}' AND name = '{name}'",
    )
    return ttl_days(text) if isinstance(text, str) else None


def ttl_days(text: str) -> int | None:
    """Return after how many days a TTL deletes; None where it only moves or recompresses, or says it in other words.

    A month counts as 31 days: the setting is read as the most that can be kept.
    """
    found = []
    for part in re.split(r",(?![^()]*\))", text):
        match = _INTERVAL.search(part)
        if match and not re.search(r"(?i) TO (?:DISK|VOLUME) | RECOMPRESS | GROUP BY ", f" {part} "):
            unit, count = (match[1] or match[4]).lower(), match[2] or match[3]
            found.append(int(count) * _HOURS[unit] // 24)
    return min(found, default=None)


async def _number(ask: _Ask, statement: str) -> int | None:
    return whole(await _cell(ask, statement))


async def _cell(ask: _Ask, statement: str) -> Any:
    """Return the only cell of an answer; None where the account may not see it or there is none."""
    answer = await ask.select(statement, 60)
    if reply_of(answer).status != 200:
        return None
    rows = items(member(document(answer), "data"))
    cells = items(rows[0]) if rows else []
    return cells[0] if cells else None
