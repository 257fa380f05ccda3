"""Elasticsearch and OpenSearch: records by source and civil day, counted by aggregations; `_search` without hits.

What makes a count wrong is looked for, and makes it partial: shards that failed, a search that ran out of time, indices
that are closed or frozen and so left out of searches. The source field must be one that is not analysed, or an exact
name finds nothing; of a text field its `keyword` field is taken. Days without records need no empty buckets: a day that
is absent has none, whatever `min_doc_count` and `extended_bounds` would make of it.

Sources are named in filters, so that the store returns no name that the campus file does not have; all others are a
count of distinct sources. Buckets are kept below 10 000 a request, the limit of 7.0; a store that allows fewer is asked
again with fewer sources.

Sources: Elasticsearch and OpenSearch references (search aggregations, field capabilities, cat indices, ILM, data stream
lifecycle, index state management). Snapshots count for nothing: what must be restored first cannot be searched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from agent import canonical
from agent.collectors.logs.counting import Counted, kept_of, portions, total
from agent.collectors.logs.elasticsearch_policy import policy_days
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
    text_of,
    unusable,
    whole,
)
from agent.errors import MalformedError
from agent.language import N_
from agent.model.exchange import HttpRequest
from agent.model.log_forms import LOG_FORMS
from agent.model.logs import LogStore

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from agent.collectors.logs.lookup import CanaryPlace, Search
    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.model.exchange import Answer, Session

__all__ = ["lookup", "read"]

_FORMS: Final = LOG_FORMS["elasticsearch"]
_COUNTS: Final = (
    "timed_out,_shards.total,_shards.failed,hits.total.value,aggregations.*.value,aggregations.*.doc_count,"
    "aggregations.*.*.value,aggregations.*.days.buckets.key_as_string,aggregations.*.days.buckets.doc_count"
)
_CARRIED: Final = "timed_out,_shards.failed,aggregations.*.buckets.*.doc_count"
_LENIENT: Final = "ignore_unavailable=true&allow_no_indices=true"


@dataclass(frozen=True, slots=True)
class _Place:
    """An index pattern and what the searches on it have in common."""

    where: str
    time: str
    source: str
    since: str
    until: str
    timezone: str


async def read(asset: Asset, campus: Campus, session: Session) -> Store:
    """Count the records of each wanted source by day, and read size, free space and retention.

    Raises:
        GapError: the store does not answer or let us in, or has not the fields that the campus file names.
        MalformedError: it answers with something that is no such reply.
    """
    about = await session.ask(_get("/?filter_path=version.number,version.distribution"))
    distribution = member(document(about), "version", "distribution") if reply_of(about).status == 200 else None
    first, last = search_window(about, campus)
    sources = wanted(asset, campus)
    places = by_place(asset, sources)
    counted: dict[str, Counted] = {}
    for where, names in places.items():
        pattern = matching(asset, _FORMS["where"], where)
        place = await _place(asset, session, pattern, (first.isoformat(), last.isoformat()), campus.timezone)
        counted[where] = await _count(asset, session, place, names)
    answer, used, closed = await _indices(asset, session, tuple(places))
    free = await _free(session)
    days = await policy_days(session, tuple(places), opensearch=distribution == "opensearch")
    return Store(
        answer=answer,
        kept=kept_of(asset, sources, counted, answer, hidden=closed),
        searched=(first.isoformat(), last.isoformat()),
        free=free,
        used=used,
        policy_days=days,
        others=total(each.others() for each in counted.values()),
    )


def _get(path: str) -> HttpRequest:
    return HttpRequest(path=path, form="json")


async def _place(asset: Asset, session: Session, where: str, days: tuple[str, str], timezone: str) -> _Place:
    """Find out which field names the source so that an exact name can be asked for."""
    logs = asset.logs or LogStore()
    time = matching(asset, _FORMS["time_field"], logs.time_field)
    source = matching(asset, _FORMS["source_field"], logs.source_field)
    answer, kinds = await _kinds(asset, session, where, (time, source, f"{source}.keyword"))
    if not kinds[time] & {"date", "date_nanos"}:
        raise unusable(
            asset,
            answer,
            N_("the log store has no field {field!r} with times"),
            N_("Name the field in the campus file (logs: time_field), and check that the index pattern matches"),
            field=time,
        )
    if kinds[source] & {"text", "match_only_text"} or not kinds[source]:
        source = f"{source}.keyword"
        if not kinds[source]:
            raise unusable(
                asset,
                answer,
                N_("the log store has no field {field!r} by which sources can be told apart exactly"),
                N_("Name a field of type keyword or ip in the campus file (logs: source_field)"),
                field=source.removesuffix(".keyword"),
            )
    return _Place(where, time, source, *days, timezone)


async def _kinds(
    asset: Asset, session: Session, where: str, fields: Sequence[str]
) -> tuple[Answer, dict[str, set[str]]]:
    """Ask which types the fields have in the indices."""
    named = quoted(",".join(fields))
    answer = await session.ask(
        _get(f"/{quoted(where)}/_field_caps?fields={named}&{_LENIENT}&filter_path=fields.*.*.type")
    )
    must_answer(asset, answer)
    return answer, {name: set(member(document(answer), "fields", name) or ()) for name in fields}


async def _count(asset: Asset, session: Session, place: _Place, names: tuple[str, ...]) -> Counted:
    counted = Counted()
    parts = portions(names)
    while parts:
        part = parts.pop(0)
        body = _body(place, part, distinct=counted.distinct is None)
        answer = await session.ask(_search(place.where, _COUNTS, body))
        if len(part) > 1 and reply_of(answer).status in (400, 503) and "too_many_buckets" in text_of(answer):
            parts[:0] = [part[: len(part) // 2], part[len(part) // 2 :]]
            continue
        if counted.told(asset, part, answer):
            _take(counted, part, answer)
    return counted


def _search(where: str, paths: str, body: str) -> HttpRequest:
    return HttpRequest(
        method="POST",
        path=f"/{quoted(where)}/_search?{_LENIENT}&filter_path={paths}",
        headers={"Content-Type": "application/json"},
        body=body,
        form="json",
        seconds=90,
    )


def _body(place: _Place, names: Sequence[str], *, distinct: bool) -> str:
    """Return a search of counts alone; the family's allow-list knows exactly this form."""
    days = {
        "calendar_interval": "day",
        "field": place.time,
        "format": "yyyy-MM-dd",
        "min_doc_count": 1,
        "time_zone": place.timezone,
    }
    below = {
        "days": {"date_histogram": days},
        "first": {"min": {"field": place.time}},
        "last": {"max": {"field": place.time}},
    }
    aggs: dict[str, Any] = {
        f"s{number}": {"aggs": below, "filter": {"term": {place.source: name}}} for number, name in enumerate(names)
    }
    if distinct:
        aggs["distinct"] = {"cardinality": {"field": place.source, "precision_threshold": 10_000}}
    between = {"gte": place.since, "lt": f"{place.until}||+1d", "time_zone": place.timezone}
    body = {
        "aggs": aggs,
        "query": {"range": {place.time: between}},
        "size": 0,
        "timeout": "60s",
        "track_total_hits": True,
    }
    return canonical.dumps(body).decode()


def _take(counted: Counted, names: Sequence[str], answer: Answer) -> None:
    found = document(answer)
    failed = whole(member(found, "_shards", "failed")) or 0
    counted.unreadable = max(counted.unreadable, failed)
    cut = failed > 0 or member(found, "timed_out") is True
    distinct = whole(member(found, "aggregations", "distinct", "value"))
    counted.distinct = counted.distinct if distinct is None else distinct
    nothing = whole(member(found, "hits", "total", "value")) == 0
    for number, name in enumerate(names):
        source = member(found, "aggregations", f"s{number}")
        if source is None and not nothing:
            raise MalformedError("the log store's answer has no count for a source that was asked for")
        counted.days[name] = _days(source)
        for told, where in (("first", counted.first), ("last", counted.last)):
            at = whole(member(source, told, "value"))
            if at is not None and counted.days[name]:
                where[name] = at
        if cut or (whole(member(source, "doc_count")) or 0) != sum(counted.days[name].values()):
            counted.partial.add(name)


def _days(source: Any) -> dict[str, int]:
    found: dict[str, int] = {}
    for bucket in items(member(source, "days", "buckets")):
        day, records = member(bucket, "key_as_string"), whole(member(bucket, "doc_count"))
        if not isinstance(day, str) or records is None:
            raise MalformedError("a bucket of the log store's answer has no day or no count")
        if records:
            found[day] = records
    return found


async def _indices(asset: Asset, session: Session, places: Sequence[str]) -> tuple[Answer, int | None, int]:
    """Return the size of the indices, and how many of them searches leave out: closed, or frozen (`search.throttled`).

    No column of names is asked for.
    """
    pattern = quoted(",".join(places))
    answer = await session.ask(
        _get(f"/_cat/indices/{pattern}?format=json&h=status,sth,pri.store.size&bytes=b&expand_wildcards=all")
    )
    if reply_of(answer).status == 404:
        return answer, None, 0
    must_answer(asset, answer)
    sizes, closed = [], 0
    for row in items(document(answer)):
        closed += member(row, "status") != "open" or member(row, "sth") in ("true", True)
        sizes.append(whole(member(row, "pri.store.size")))
    return answer, total(sizes), closed


async def _free(session: Session) -> int | None:
    answer = await session.ask(_get("/_cluster/stats?filter_path=nodes.fs.available_in_bytes"))
    if reply_of(answer).status != 200:
        return None
    return whole(member(document(answer), "nodes", "fs", "available_in_bytes"))


async def lookup(asset: Asset, campus: Campus, session: Session, place: CanaryPlace) -> Search:
    """Make ready to count the records that carry nonces; a nonce is one term of a text that is analysed.

    Raises:
        GapError: the store does not answer or let us in, or the text is not in a field that is analysed.
        MalformedError: it answers with something that is no such reply.
    """
    logs = asset.logs or LogStore()
    where = matching(asset, _FORMS["where"], place.where)
    time = matching(asset, _FORMS["time_field"], logs.time_field)
    text = matching(asset, _FORMS["text_field"], place.text)
    told, kinds = await _kinds(asset, session, where, (time, text))
    if not kinds[text] & {"text", "match_only_text"}:
        raise unusable(
            asset,
            told,
            N_("the log store has no field {field!r} whose words can be searched"),
            N_("Name a field of type text in the campus file (logs: text_field)"),
            field=text,
        )

    async def search(nonces: Sequence[str], since: date, until: date) -> Carried:
        between = {"gte": since.isoformat(), "lt": f"{until.isoformat()}||+1d", "time_zone": campus.timezone}
        body = {
            "aggs": {"canaries": {"filters": {"filters": {each: {"match_phrase": {text: each}} for each in nonces}}}},
            "query": {"range": {time: between}},
            "size": 0,
            "timeout": "60s",
            "track_total_hits": False,
        }
        answer = await session.ask(_search(where, _CARRIED, canonical.dumps(body).decode()))
        must_answer(asset, answer)
        found = document(answer)
        buckets = member(found, "aggregations", "canaries", "buckets")
        records = {each: whole(member(buckets, each, "doc_count")) for each in nonces}
        whole_answer = not whole(member(found, "_shards", "failed")) and member(found, "timed_out") is not True
        complete = whole_answer and None not in records.values()
        return Carried({each: count or 0 for each, count in records.items()}, (answer,), complete)

    return search
