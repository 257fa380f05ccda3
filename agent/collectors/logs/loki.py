"""Loki: records by source and civil day, from `count_over_time` over selectors of labels; never log lines.

A sample counts the day that ends at its time, so the samples are asked for at local midnights. A day without records
has no sample. Queries reach over four weeks at most, below the usual limit of 30 days and an hour, and half as much
where a store allows less. Labels come from the campus file, and only wanted values of them: others are one count.

Loki deletes nothing unless its compactor is told to; the retention period that it shows is the setting, and it may
apply to nothing. A look-back limit hides what is still stored: days before it are not told, so the search is partial.
Configuration pages hold passwords and are not asked for.

Sources: Grafana Loki HTTP API, LogQL metric queries, retention, limits_config.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
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
    midnight,
    must_answer,
    quoted,
    reply_of,
    text_of,
    unusable,
    whole,
    zone_of,
)
from agent.errors import MalformedError
from agent.language import N_
from agent.model.exchange import HttpRequest
from agent.model.log_forms import LOG_FORMS
from agent.model.logs import LogStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agent.collectors.logs.lookup import CanaryPlace, Search
    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.model.exchange import Answer, Session

__all__ = ["duration_seconds", "lookup", "read"]

DAYS_AT_ONCE: Final = 28
_FORMS: Final = LOG_FORMS["loki"]
_DURATION: Final = re.compile(r"(\d{1,9})(ms|y|w|d|h|m|s)")
_SECONDS: Final = {"y": 31_536_000, "w": 604_800, "d": 86_400, "h": 3600, "m": 60, "s": 1, "ms": 0}
_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class _Ask:
    """What all queries share."""

    asset: Asset
    campus: Campus
    session: Session
    label: str
    headers: Mapping[str, str]

    async def get(self, path: str, seconds: int = 30) -> Answer:
        return await self.session.ask(HttpRequest(path=path, headers=dict(self.headers), form="json", seconds=seconds))


async def read(asset: Asset, campus: Campus, session: Session) -> Store:
    """Count the records of each wanted source by day, and read the retention period and the size.

    Raises:
        GapError: the store does not answer or let us in, or a name of the campus file cannot be asked for.
        MalformedError: it answers with something that is no such reply.
    """
    ask = _asking(asset, campus, session)
    about = await ask.get("/loki/api/v1/status/buildinfo")
    first, last = search_window(about, campus)
    limits = await _limits(ask)
    sources = wanted(asset, campus)
    counted: dict[str, Counted] = {}
    used = 0
    for where, names in by_place(asset, sources).items():
        selector = matching(asset, _FORMS["where"], where)
        for name in names:
            matching(asset, _FORMS["name"], name)
        counted[where] = await _count(ask, selector, names, (first, last))
        counted[where].distinct = await _sources(ask, selector, last)
        used += await _used(ask, selector, (first, last)) or 0
    hidden = limits.lookback is not None and first < last - timedelta(days=limits.lookback)
    others = [each.others(last - timedelta(days=1)) for each in counted.values()]
    return Store(
        answer=about,
        kept=kept_of(asset, sources, counted, about, hidden=int(hidden)),
        searched=(first.isoformat(), last.isoformat()),
        used=used or None,
        policy_days=limits.retention,
        others=total(others),
    )


def _asking(asset: Asset, campus: Campus, session: Session) -> _Ask:
    logs = asset.logs or LogStore()
    label = matching(asset, _FORMS["source_field"], logs.source_field)
    return _Ask(asset, campus, session, label, {"X-Scope-OrgID": logs.tenant} if logs.tenant else {})


@dataclass(frozen=True, slots=True)
class _Limits:
    retention: int | None = None
    """Days."""
    lookback: int | None = None
    """Days."""


async def _limits(ask: _Ask) -> _Limits:
    """Return the limits that Loki shows to Grafana's drill-down page (3.5 and later); nothing where it shows none."""
    answer = await ask.get("/loki/api/v1/drilldown-limits")
    if reply_of(answer).status != 200:
        return _Limits()
    limits = member(document(answer), "limits")
    return _Limits(_days(member(limits, "retention_period")), _days(member(limits, "max_query_lookback")))


def _days(text: Any) -> int | None:
    seconds = duration_seconds(text) if isinstance(text, str) else None
    return seconds // _DAY if seconds else None


def duration_seconds(text: str) -> int | None:
    """Return a duration of Prometheus (`744h`, `4w3d`, `744h0m0s`) in seconds; None for another spelling."""
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum(int(number) * _SECONDS[unit] for number, unit in parts)


async def _count(ask: _Ask, selector: str, names: tuple[str, ...], days: tuple[date, date]) -> Counted:
    counted, length = Counted(), DAYS_AT_ONCE
    for part in portions(names) if names else ():
        query = f"sum by ({ask.label}) (count_over_time({_with(selector, ask.label, part)}[1d]))"
        since = days[0]
        while since <= days[1]:
            until = min(days[1], since + timedelta(days=length - 1))
            answer = await ask.get(_range_path(ask, query, since, until), 120)
            if since < until and _too_long(answer):
                length = max(1, length // 2)
                continue
            if counted.told(ask.asset, part, answer):
                _take(ask, counted, part, answer)
            since = until + timedelta(days=1)
    return counted


def _too_long(answer: Answer) -> bool:
    """Tell whether the store refuses the length of the query (`max_query_length`)."""
    reply = reply_of(answer)
    return reply.status in (400, 422) and "query time range exceeds the limit" in text_of(answer)


def _with(selector: str, label: str, names: Sequence[str]) -> str:
    """Return the selector with a matcher of the wanted values; a dot matches itself alone."""
    inside = selector[1:-1].strip().rstrip(",")
    values = "|".join(name.replace(".", "[.]") for name in names)
    return f'{{{inside}{"," if inside else ""}{label}=~"{values}"}}'


def _range_path(ask: _Ask, query: str, since: date, until: date) -> str:
    """Return the path of a query with a sample at the end of each day."""
    start, end = (midnight(day + timedelta(days=1), ask.campus, ask.asset) for day in (since, until))
    return f"/loki/api/v1/query_range?query={quoted(query)}&start={start}&end={end}&step={_DAY}"


def _take(ask: _Ask, counted: Counted, names: Sequence[str], answer: Answer) -> None:
    found = document(answer)
    if member(found, "status") != "success" or member(found, "data", "resultType") != "matrix":
        raise unusable(
            ask.asset,
            answer,
            N_("the log store does not answer a query for counts with a matrix"),
            N_("Check that the address is that of Loki's query API"),
        )
    if member(found, "warnings"):
        counted.partial.update(names)
    for series in items(member(found, "data", "result")):
        name = member(series, "metric", ask.label)
        if name in names:
            for day, records in _samples(ask, series):
                counted.add(name, day, records)


def _samples(ask: _Ask, series: Any) -> Iterator[tuple[str, int]]:
    zone = zone_of(ask.campus, ask.asset)
    for sample in items(member(series, "values")):
        at, value = sample if isinstance(sample, list) and len(sample) == 2 else (None, None)
        if not isinstance(at, int | Decimal) or isinstance(at, bool):
            raise MalformedError("a sample of the log store's answer has no time")
        ends = whole(at)
        if ends is None or (ends + zone) % _DAY or not _DAY <= ends < 253_402_300_800:
            raise MalformedError("a sample of the log store's answer does not lie at the end of a day")
        records = whole(value)
        if records:
            yield date.fromordinal(date(1970, 1, 1).toordinal() + (ends + zone) // _DAY - 1).isoformat(), records


async def _sources(ask: _Ask, selector: str, last: date) -> int | None:
    """Return how many sources have records on the day before the last; None where the store does not tell."""
    inside = selector if selector.strip("{} ") else f'{{{ask.label}=~".+"}}'
    query = f"count(sum by ({ask.label}) (count_over_time({inside}[1d])))"
    day = last - timedelta(days=1)
    answer = await ask.get(_range_path(ask, query, day, day), 120)
    if reply_of(answer).status != 200:
        return None
    series = items(member(document(answer), "data", "result"))
    counts = [whole(sample[-1]) for one in series for sample in items(member(one, "values")) if sample]
    return max((count for count in counts if count is not None), default=0)


async def _used(ask: _Ask, selector: str, days: tuple[date, date]) -> int | None:
    """Return the octets of the log, before compression, that the index knows of the days searched."""
    inside = selector if selector.strip("{} ") else f'{{{ask.label}=~".+"}}'
    start, end = (midnight(day, ask.campus, ask.asset) for day in days)
    answer = await ask.get(f"/loki/api/v1/index/stats?query={quoted(inside)}&start={start}&end={end}")
    return whole(member(document(answer), "bytes")) if reply_of(answer).status == 200 else None


async def lookup(asset: Asset, campus: Campus, session: Session, place: CanaryPlace) -> Search:
    """Make ready to count the lines that carry nonces; a line becomes a label only by a nonce that is asked for.

    Raises:
        GapError: a name of the campus file cannot be asked for.
    """
    ask = _asking(asset, campus, session)
    selector = matching(asset, _FORMS["where"], place.where)
    inside = _with(selector, ask.label, [matching(asset, _FORMS["name"], place.host)])

    async def search(nonces: Sequence[str], since: date, until: date) -> Carried:
        query = (
            f'sum by (canary) (count_over_time({inside} |~ "nonce=({"|".join(nonces)})"'
            ' | regexp "nonce=(?P<canary>[0-9a-f]{32})"'
        )
        records: Counter[str] = Counter()
        answers, pieces, complete = [], [(since, until)], True
        while pieces:
            begin, end = pieces.pop()
            answer = await ask.get(_moment_path(ask, query, begin, end), 120)
            if begin < end and _too_long(answer):
                middle = begin + (end - begin) // 2
                pieces += [(begin, middle), (middle + timedelta(days=1), end)]
                continue
            must_answer(asset, answer)
            answers.append(answer)
            complete &= not member(document(answer), "warnings")
            records.update(dict(_carried(answer)))
        return Carried(records, tuple(answers), complete)

    return search


def _moment_path(ask: _Ask, query: str, since: date, until: date) -> str:
    """Return the path of a query that has one sample, of whole days, at the end of the last of them."""
    days = (until - since).days + 1
    end = midnight(until + timedelta(days=1), ask.campus, ask.asset)
    return f"/loki/api/v1/query?query={quoted(f'{query} [{days}d]))')}&time={end}"


def _carried(answer: Answer) -> Iterator[tuple[str, int]]:
    """Yield how many lines carry each nonce."""
    found = document(answer)
    if member(found, "data", "resultType") != "vector":
        raise MalformedError("the log store does not answer a query for counts with a vector")
    for series in items(member(found, "data", "result")):
        nonce, value = member(series, "metric", "canary"), items(member(series, "value"))
        if isinstance(nonce, str) and len(value) == 2:
            yield nonce, whole(value[1]) or 0
