"""VictoriaLogs: hits by source and civil day; a filter without pipes, grouped by the field that names the source.

Buckets are of as many hours as divide both the day and the zone's distance to UTC (8 h in China), so that no offset is
asked for: which sign an offset has is not the same in all versions. An empty bucket is absent.

The default retention is seven days, and a limit on disk space may drop days earlier; both stand in `/metrics` among the
flags, whose passwords the store masks.

Sources: VictoriaLogs documentation (querying hits stats, LogsQL, retention, metrics).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from math import gcd
from typing import TYPE_CHECKING, Any, Final

from agent.clock import parse_time
from agent.collectors.logs.counting import Counted, kept_of, portions, stretches, total
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
    whole,
    zone_of,
)
from agent.errors import MalformedError
from agent.model.calendar import local_day
from agent.model.exchange import HttpRequest
from agent.model.log_forms import LOG_FORMS
from agent.model.logs import LogStore

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.collectors.logs.lookup import CanaryPlace, Search
    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.model.exchange import Answer, Session

__all__ = ["lookup", "read"]

DAYS_AT_ONCE: Final = 31
_FORMS: Final = LOG_FORMS["victorialogs"]
_METRIC: Final = re.compile(r"(\w+)(?:\{([^}]*)\})? +(\S+)")
_RETENTION: Final = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)([hdwy]?)")
_SIZE: Final = re.compile(r"(\d{1,18})([KMGT]i?B)?")
_DAYS: Final = {"h": Decimal(1) / 24, "d": Decimal(1), "w": Decimal(7), "y": Decimal(365), "": Decimal(31)}
"""A retention without unit is in months of 31 days."""


@dataclass(frozen=True, slots=True)
class _Ask:
    asset: Asset
    campus: Campus
    session: Session
    source: str
    headers: Mapping[str, str]

    async def get(self, path: str, seconds: int = 30) -> Answer:
        return await self.session.ask(HttpRequest(path=path, headers=dict(self.headers), form="json", seconds=seconds))


@dataclass(frozen=True, slots=True)
class _Facts:
    policy: int | None = None
    free: int | None = None
    used: int | None = None


async def read(asset: Asset, campus: Campus, session: Session) -> Store:
    """Count the records of each wanted source by day, and read retention, size and free space.

    Raises:
        GapError: the store does not answer or let us in, or a name of the campus file cannot be asked for.
        MalformedError: it answers with something that is no such reply.
    """
    ask = _asking(asset, campus, session)
    about = await session.ask(HttpRequest(path="/metrics", form="lines"))
    facts = _facts(text_of(about)) if reply_of(about).status == 200 else _Facts()
    first, last = search_window(about, campus)
    sources = wanted(asset, campus)
    counted: dict[str, Counted] = {}
    for where, names in by_place(asset, sources).items():
        inside = matching(asset, _FORMS["where"], where)
        for name in names:
            matching(asset, _FORMS["name"], name)
        counted[where] = await _count(ask, inside, names, (first, last))
        counted[where].distinct = await _sources(ask, inside, last)
    others = [each.others(last - timedelta(days=1)) for each in counted.values()]
    return Store(
        answer=about,
        kept=kept_of(asset, sources, counted, about),
        searched=(first.isoformat(), last.isoformat()),
        free=facts.free,
        used=facts.used,
        policy_days=facts.policy,
        others=total(others),
    )


def _asking(asset: Asset, campus: Campus, session: Session) -> _Ask:
    logs = asset.logs or LogStore()
    source = matching(asset, _FORMS["source_field"], logs.source_field)
    return _Ask(asset, campus, session, source, _tenant(asset, logs.tenant))


def _tenant(asset: Asset, tenant: str) -> dict[str, str]:
    account, _, project = matching(asset, _FORMS["tenant"], tenant).partition(":")
    if not account:
        return {}
    return {"AccountID": account, "ProjectID": project}


async def _count(ask: _Ask, inside: str, names: tuple[str, ...], days: tuple[date, date]) -> Counted:
    counted = Counted()
    step = gcd(24, zone_of(ask.campus, ask.asset) // 3600)
    for part in portions(names) if names else ():
        values = ",".join(f'"{name}"' for name in part)
        query = quoted(f"({inside}) {ask.source}:in({values})")
        for since, until in stretches(*days, DAYS_AT_ONCE):
            path = f"/select/logsql/hits?query={query}&{_between(ask, since, until)}&step={step}h&field={ask.source}"
            answer = await ask.get(path, 120)
            if counted.told(ask.asset, part, answer):
                _take(ask, counted, part, answer)
    return counted


def _between(ask: _Ask, since: date, until: date) -> str:
    """Return start and end in nanoseconds; the end is the last one of the day, whether it counts or not."""
    start, end = midnight(since, ask.campus, ask.asset), midnight(until + timedelta(days=1), ask.campus, ask.asset)
    return f"start={start}000000000&end={end - 1}999999999"


def _take(ask: _Ask, counted: Counted, names: Sequence[str], answer: Answer) -> None:
    for series in items(member(document(answer), "hits")):
        name = member(member(series, "fields"), ask.source)
        if name not in names:
            continue
        total = 0
        times, values = items(member(series, "timestamps")), items(member(series, "values"))
        if len(times) != len(values):
            raise MalformedError("a series of the log store's answer has not as many times as values")
        for at, value in zip(times, values, strict=True):
            records = whole(value) or 0
            counted.add(name, _day_of(at, ask.campus), records)
            total += records
        if whole(member(series, "total")) not in (None, total):
            counted.partial.add(name)


def _day_of(at: Any, campus: Campus) -> str:
    if not isinstance(at, str):
        raise MalformedError("a bucket of the log store's answer has no time")
    parse_time(at)
    return local_day(at, campus.timezone).isoformat()


async def _sources(ask: _Ask, inside: str, last: date) -> int | None:
    """Return how many sources have records on the day before the last; None where the store does not tell."""
    day = last - timedelta(days=1)
    query = quoted(f"({inside}) | stats count_uniq({ask.source}) n")
    answer = await ask.get(f"/select/logsql/stats_query?query={query}&{_between(ask, day, day)}", 120)
    if reply_of(answer).status != 200:
        return None
    values = [items(member(one, "value")) for one in items(member(document(answer), "data", "result"))]
    return max((whole(value[-1]) or 0 for value in values if value), default=0)


async def lookup(asset: Asset, campus: Campus, session: Session, place: CanaryPlace) -> Search:
    """Make ready to count the messages that carry nonces: one number for each, of those that a filter finds.

    Raises:
        GapError: a name of the campus file cannot be asked for.
    """
    ask = _asking(asset, campus, session)
    inside = matching(asset, _FORMS["where"], place.where)
    host = matching(asset, _FORMS["name"], place.host)

    async def search(nonces: Sequence[str], since: date, until: date) -> Carried:
        counts = ", ".join(f'count() if ("{nonce}") n{number}' for number, nonce in enumerate(nonces))
        query = quoted(f'({inside}) {ask.source}:="{host}" | stats {counts}')
        answer = await ask.get(f"/select/logsql/stats_query?query={query}&{_between(ask, since, until)}", 120)
        must_answer(asset, answer)
        told = {
            member(one, "metric", "__name__"): whole(items(member(one, "value"))[-1])
            for one in items(member(document(answer), "data", "result"))
            if items(member(one, "value"))
        }
        records = {nonce: told.get(f"n{number}") for number, nonce in enumerate(nonces)}
        if None in records.values():
            raise MalformedError("the log store's answer has no count for a canary that was asked for")
        return Carried({nonce: count or 0 for nonce, count in records.items()}, (answer,))

    return search


def _facts(text: str) -> _Facts:
    """Read retention, size and free space from the metrics page."""
    flags: dict[str, str] = {}
    sums: dict[str, Decimal] = {}
    for line in text.splitlines():
        match = _METRIC.fullmatch(line.strip())
        if match is None:
            continue
        if match[1] == "flag":
            labels = dict(re.findall(r'(\w+)="([^"]*)"', match[2] or ""))
            flags[labels.get("name", "")] = labels.get("value", "")
        elif match[1] in ("vl_free_disk_space_bytes", "vl_data_size_bytes", "vl_compressed_data_size_bytes"):
            value = re.fullmatch(r"\d{1,20}(\.\d{1,9})?(e\+?\d{1,2})?", match[3])
            sums[match[1]] = sums.get(match[1], Decimal(0)) + (Decimal(match[3]) if value else 0)
    used = sums.get("vl_data_size_bytes", sums.get("vl_compressed_data_size_bytes"))
    free = sums.get("vl_free_disk_space_bytes")
    cap = _octets(flags.get("retention.maxDiskSpaceUsageBytes", ""))
    if cap and used is not None:
        room = max(Decimal(0), cap - used)
        free = room if free is None else min(free, room)
    return _Facts(
        _retention(flags.get("retentionPeriod", "")),
        None if free is None else int(free),
        None if used is None else int(used),
    )


def _retention(text: str) -> int | None:
    match = _RETENTION.fullmatch(text)
    return int(Decimal(match[1]) * _DAYS[match[2]] + Decimal("1e-9")) if match else None


def _octets(text: str) -> int:
    match = _SIZE.fullmatch(text)
    if match is None:
        return 0
    unit = match[2] or ""
    base = 1024 if "i" in unit else 1000
    return int(match[1]) * int(base ** ("KMGT".index(unit[0]) + 1 if unit else 0))
