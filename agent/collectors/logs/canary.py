"""Canaries: one harmless event of our own for each source and day, sent as logs are sent, and looked up again later.

What is found shows how long the store really keeps what it receives, whatever is configured. A day without any record
of a source of which the canary is there was quiet; if the canary was lost as well, the store has a gap. Nothing is sent
unless the campus file has an asset of the family `syslog-canary`. Graded `measured`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.collectors.answers import measured
from agent.collectors.logs import clickhouse, elasticsearch, graylog, loki, victorialogs
from agent.collectors.logs.files import layout_of, place_of
from agent.collectors.logs.interface import named, wanted
from agent.collectors.logs.lookup import LookedUp, look_up
from agent.errors import GapError
from agent.model.calendar import local_day, parse_day
from agent.model.canary import CanaryFound, CanarySeek, CanarySend, CanarySent
from agent.model.exchange import GapReason
from agent.model.logs import days_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agent.collectors.logs.lookup import Lookup
    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.model.exchange import Answer, Session
    from agent.model.reading import Reading

__all__ = ["LOOKUPS", "collect"]

LOOKUPS: Mapping[str, Lookup] = {
    "clickhouse": clickhouse.lookup,
    "elasticsearch": elasticsearch.lookup,
    "graylog": graylog.lookup,
    "loki": loki.lookup,
    "victorialogs": victorialogs.lookup,
}
"""Of stores that are searched over HTTP, with their own login; by the family, or what stands before its hyphen."""


async def collect(asset: Asset, campus: Campus, session: Session) -> list[Reading]:
    """Send today's canaries and look them up in files; of a store over HTTP, look up what was sent to it.

    Raises:
        GapError: the asset names no store of the campus file, or the collector, the files or the store cannot be
            reached.
        MalformedError: the store answers with something that cannot be understood.
    """
    lookup = named(asset.family, LOOKUPS)
    return await (_send(asset, campus, session) if lookup is None else _search(lookup, asset, campus, session))


async def _send(asset: Asset, campus: Campus, session: Session) -> list[Reading]:
    store = _store(asset, campus)
    sources = _sources(store, campus)
    if not sources:
        return []
    protocol = (asset.logs.protocol if asset.logs is not None else "") or "udp"
    request = CanarySend(store=store.id, sources=sources, protocol=protocol, timezone=campus.timezone)
    sending = await session.ask(request)
    sent = sending.response
    if not isinstance(sent, CanarySent):
        raise GapError(GapReason.MALFORMED, "a canary was answered by {op}", op=sent.op)
    readings = [
        measured("canary.sent", f"log:{store.id}/{each.source}", sent.day, "", sending) for each in sent.sources
    ]
    if store.family.startswith(("log-files", "journal-files")):
        looking = await session.ask(
            CanarySeek(
                store=store.id,
                where=place_of(store),
                layout=layout_of(store),
                sources=sources,
                timezone=campus.timezone,
            )
        )
        readings += _found_in_files(store, sending, sent, looking)
    return readings


async def _search(lookup: Lookup, store: Asset, campus: Campus, session: Session) -> list[Reading]:
    canary = next((one for one in campus.assets if one.logs is not None and one.logs.canary_of == store.id), None)
    sources = _sources(store, campus)
    if canary is None or not sources:
        return []
    looked = await look_up(lookup, store, canary, campus, session, sources)
    return [
        reading
        for source, one in looked.items()
        for reading in _compared(
            f"log:{store.id}/{source}", local_day(one.answers[0].at, campus.timezone).isoformat(), one
        )
    ]


def _sources(store: Asset, campus: Campus) -> tuple[str, ...]:
    """Return the ids of the sources that the campus file places on the store, each once."""
    return tuple(dict.fromkeys(one.source.id for one in wanted(store, campus)))


def _store(asset: Asset, campus: Campus) -> Asset:
    store = campus.asset(asset.logs.canary_of) if asset.logs is not None else None
    if store is None:
        raise GapError(
            GapReason.UNSUPPORTED,
            "the campus file does not say whose canary this is",
            where=asset.id,
            todo="Write the id of the log store into logs.canary_of of this asset",
        )
    return store


def _found_in_files(store: Asset, sending: Answer, sent: CanarySent, looking: Answer) -> Iterator[Reading]:
    found = looking.response
    if not isinstance(found, CanaryFound):
        raise GapError(GapReason.MALFORMED, "a search for canaries was answered by {op}", op=found.op)
    known = {each.source: each.days for each in sent.sources}
    whole = found.unread == 0 and found.unreadable == 0
    for each in found.sources:
        looked = LookedUp(known.get(each.source, ()), [sending, looking], set(each.days), whole)
        yield from _compared(f"log:{store.id}/{each.source}", sent.day, looked)


def _compared(subject: str, today: str, looked: LookedUp) -> Iterator[Reading]:
    """Yield what the canaries that are there say, beside those that were sent."""
    earlier = sorted(day for day in looked.found if day < today)
    yield measured("canary.days", subject, days_text(dict.fromkeys(looked.found, 1)), "", *looked.answers[1:])
    if earlier:
        age = (parse_day(today) - parse_day(earlier[0])).days
        yield measured("canary.found_age", subject, str(age), "d", *looked.answers)
    if looked.complete:  # what could not be read may hold those that are missing
        # before the oldest that is there the store deletes, or canaries had not begun
        since = earlier[0] if earlier else ""
        lost = [day for day in looked.sent if since <= day < today and day not in looked.found]
        yield measured("canary.missing", subject, str(len(lost)), "1", *looked.answers)
