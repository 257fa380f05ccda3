"""Graylog: records by source and civil day, from pivots of its search API; never messages.

Each day is a query of its own with an absolute range, since the days of a time pivot are those of the account's zone.
Source names are analysed: the store gives them in lower case, and finds them in any. Ranges of indices are evidence of
nothing where they begin in 1970: such an index is active or its range was never calculated; they are not asked for
more than that, and never rebuilt. Where the index sets say so, retention is number of indices times rotation period, or
the lifetime of an index.

Sources: Graylog REST API (views search, indices ranges, index sets).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from agent import canonical
from agent.collectors.logs.counting import SOURCES_AT_ONCE, Counted, kept_of, portions, stretches, total
from agent.collectors.logs.interface import Store, search_window, wanted
from agent.collectors.logs.lookup import Carried
from agent.collectors.logs.replies import (
    by_place,
    document,
    items,
    matching,
    member,
    midnight,
    must_answer,
    reply_of,
    time_of,
    whole,
)
from agent.model.exchange import HttpRequest
from agent.model.log_forms import LOG_FORMS
from agent.model.logs import LogStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.collectors.logs.lookup import CanaryPlace, Search
    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.model.exchange import Answer, Session

__all__ = ["lookup", "period_days", "read"]

DAYS_AT_ONCE: Final = 16
_FORMS: Final = LOG_FORMS["graylog"]
_PERIOD: Final = re.compile(r"P(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,5})D)?(?:T(\d{1,6})H)?")
_ASKED_BY: Final = {"X-Requested-By": "campus-agent"}
"""Without it, Graylog takes a POST for a forged request."""


@dataclass(frozen=True, slots=True)
class _Ask:
    asset: Asset
    campus: Campus
    session: Session
    source: str

    async def get(self, path: str) -> Answer:
        return await self.session.ask(HttpRequest(path=path, headers=_ASKED_BY, form="json"))

    async def search(self, body: str) -> Answer:
        headers = {**_ASKED_BY, "Content-Type": "application/json"}
        path = "/api/views/search/sync?timeout=60000"
        request = HttpRequest(method="POST", path=path, headers=headers, body=body, form="json", seconds=90)
        return await self.session.ask(request)

    def range(self, since: date, until: date) -> dict[str, str]:
        """Return a range of whole days; both ends are part of it."""
        start, end = (midnight(day, self.campus, self.asset) for day in (since, until + timedelta(days=1)))
        return {"from": time_of(start * 1000), "to": time_of(end * 1000 - 1), "type": "absolute"}


async def read(asset: Asset, campus: Campus, session: Session) -> Store:
    """Count the records of each wanted source by day, and read size and retention of the index sets.

    Raises:
        GapError: the store does not answer or let us in, or a name of the campus file cannot be asked for.
        MalformedError: it answers with something that is no such reply.
    """
    source = matching(asset, _FORMS["source_field"], (asset.logs or LogStore()).source_field)
    ask = _Ask(asset, campus, session, source)
    about = await ask.get("/api/system/indices/index_sets?skip=0&limit=0&stats=true")
    first, last = search_window(about, campus)
    policy, used = _index_sets(about)
    sources = wanted(asset, campus)
    counted: dict[str, Counted] = {}
    for where, names in by_place(asset, sources).items():
        stream = matching(asset, _FORMS["where"], where)
        for name in names:
            matching(asset, _FORMS["name"], name)
        counted[where] = await _count(ask, stream, names, (first, last))
    others = [each.others(last - timedelta(days=1)) for each in counted.values()]
    return Store(
        answer=about,
        kept=kept_of(asset, sources, counted, about),
        searched=(first.isoformat(), last.isoformat()),
        used=used,
        policy_days=policy,
        others=total(others),
    )


async def _count(ask: _Ask, stream: str, names: tuple[str, ...], days: tuple[date, date]) -> Counted:
    counted = Counted()
    for part in portions(names):
        for since, until in stretches(*days, DAYS_AT_ONCE):
            body = _body(ask, stream, part, since, until, distinct=days[1] - timedelta(days=1))
            answer = await ask.search(body)
            if counted.told(ask.asset, part, answer):
                _take(counted, part, answer, since, until)
    return counted


def _body(ask: _Ask, stream: str, names: Sequence[str], since: date, until: date, *, distinct: date) -> str:
    """Return a search of counts alone, one query a day; the family's allow-list knows exactly this form."""
    named = " OR ".join(f'"{name}"' for name in names)
    pivot: dict[str, Any] = {
        "id": "n",
        "rollup": False,
        "row_groups": [{"fields": [ask.source], "limit": SOURCES_AT_ONCE, "type": "values"}],
        "series": [{"id": "count()", "type": "count"}],
        "sort": [],
        "type": "pivot",
    }
    card = {
        "id": "c",
        "rollup": True,
        "row_groups": [],
        "series": [{"field": ask.source, "id": "card()", "type": "card"}],
        "sort": [],
        "type": "pivot",
    }
    queries = []
    for day in _days(since, until):
        timerange = ask.range(day, day)
        chosen = _chosen(stream)
        if names:
            text = f"{ask.source}:({named})"
            queries.append(_query(f"d{day:%Y%m%d}", text, timerange, chosen, pivot))
        if day == distinct:
            queries.append(_query("all", "*", timerange, chosen, card))
    return canonical.dumps({"queries": queries}).decode()


def _chosen(stream: str) -> dict[str, Any] | None:
    return {"filters": [{"id": stream, "type": "stream"}], "type": "or"} if stream else None


def _query(name: str, text: str, timerange: Any, chosen: Any, pivot: Any) -> dict[str, Any]:
    query = {
        "id": name,
        "query": {"query_string": text, "type": "elasticsearch"},
        "search_types": [pivot],
        "timerange": timerange,
    }
    return {**query, "filter": chosen} if chosen else query


def _days(since: date, until: date) -> list[date]:
    return [since + timedelta(days=number) for number in range((until - since).days + 1)]


def _take(counted: Counted, names: Sequence[str], answer: Answer, since: date, until: date) -> None:
    found = document(answer)
    by_name = {name.lower(): name for name in names}
    for day in _days(since, until):
        result = member(found, "results", f"d{day:%Y%m%d}")
        if names and (items(member(result, "errors")) or member(result, "search_types", "n") is None):
            counted.partial.update(names)
        for row in items(member(result, "search_types", "n", "rows")):
            key, records = items(member(row, "key")), _value(row)
            known = by_name.get(str(key[0]).lower()) if key else None
            if known is not None:
                counted.add(known, day.isoformat(), records)
    for row in items(member(found, "results", "all", "search_types", "c", "rows")):
        counted.distinct = max(counted.distinct or 0, _value(row))


def _value(row: Any) -> int:
    values = items(member(row, "values"))
    return (whole(member(values[0], "value")) or 0) if values else 0


async def lookup(asset: Asset, campus: Campus, session: Session, place: CanaryPlace) -> Search:
    """Make ready to count the messages that carry nonces: a query of its own for each nonce.

    Raises:
        GapError: a name of the campus file cannot be asked for.
    """
    source = matching(asset, _FORMS["source_field"], (asset.logs or LogStore()).source_field)
    ask = _Ask(asset, campus, session, source)
    chosen = _chosen(matching(asset, _FORMS["where"], place.where))
    text = matching(asset, _FORMS["text_field"], place.text)
    pivot = {
        "id": "n",
        "rollup": True,
        "row_groups": [],
        "series": [{"id": "count()", "type": "count"}],
        "sort": [],
        "type": "pivot",
    }

    async def search(nonces: Sequence[str], since: date, until: date) -> Carried:
        timerange = ask.range(since, until)
        queries = [_query(nonce, f'{text}:"{nonce}"', timerange, chosen, pivot) for nonce in nonces]
        answer = await ask.search(canonical.dumps({"queries": queries}).decode())
        must_answer(asset, answer)
        results, records = member(document(answer), "results"), {}
        for nonce in nonces:
            result = member(results, nonce)
            told = member(result, "search_types", "n")
            if not items(member(result, "errors")) and told is not None:
                records[nonce] = sum(_value(row) for row in items(member(told, "rows")))
        return Carried(records, (answer,), len(records) == len(nonces))

    return search


def _index_sets(answer: Answer) -> tuple[int | None, int | None]:
    """Return retention in days and size in octets: of the sets that messages are written to, the shortest."""
    if reply_of(answer).status != 200:
        return None, None
    found = document(answer)
    days: list[int | None] = []
    sizes: list[int | None] = []
    stats = member(found, "stats")
    for one in items(member(found, "index_sets")):
        if str(member(one, "index_prefix")).startswith("gl-"):
            continue  # Graylog's own events
        days.append(_retention(one))
        sizes.append(whole(member(stats, str(member(one, "id")), "size")))
    return min((each for each in days if each is not None), default=None), total(sizes)


def _retention(index_set: Any) -> int | None:
    """Return after how many days an index set deletes; None where it does not delete, or by size or count alone."""
    tiering, legacy = member(index_set, "data_tiering"), member(index_set, "use_legacy_rotation")
    if tiering is not None and legacy is False:
        return period_days(member(tiering, "index_lifetime_max"))
    kind = str(member(index_set, "retention_strategy", "type"))
    if "Deletion" not in kind:
        return None
    lifetime = period_days(member(index_set, "rotation_strategy", "index_lifetime_max"))
    if lifetime is not None:
        return lifetime
    each = period_days(member(index_set, "rotation_strategy", "rotation_period"))
    count = whole(member(index_set, "retention_strategy", "max_number_of_indices"))
    return each * count if each is not None and count else None


def period_days(text: Any) -> int | None:
    """Return an ISO 8601 period in whole days, a month as 31; None for another spelling."""
    match = _PERIOD.fullmatch(text) if isinstance(text, str) else None
    if match is None or text in ("P", "PT"):
        return None
    years, months, weeks, days, hours = (int(part or 0) for part in match.groups())
    return years * 366 + months * 31 + weeks * 7 + days + hours // 24
