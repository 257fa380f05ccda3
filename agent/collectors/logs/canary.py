"""Canaries: one harmless event of our own for each source and day, sent as logs are sent, and looked up again later.

What is found shows how long the store really keeps what it receives, whatever is configured. A day without any record
of a source of which the canary is there was quiet; if the canary was lost as well, the store has a gap. Nothing is sent
unless the campus file has an asset of the family `syslog-canary`. Graded `measured`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.collectors.logs.files import layout_of, place_of
from agent.collectors.logs.interface import wanted
from agent.errors import GapError
from agent.model.calendar import parse_day
from agent.model.exchange import GapReason
from agent.model.logs import CanaryFound, CanarySeek, CanarySend, CanarySent, days_text
from agent.model.reading import Grade, Reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.model.exchange import Answer, Session

__all__ = ["collect"]


async def collect(asset: Asset, campus: Campus, session: Session) -> list[Reading]:
    """Send today's canaries, then look which earlier ones are still there.

    A store that is not files of this machine cannot be looked into: its canaries are sent, for people to look up.

    Raises:
        GapError: the asset names no store of the campus file, or the collector or the files cannot be reached.
    """
    store = _store(asset, campus)
    sources = tuple(dict.fromkeys(one.source.id for one in wanted(store, campus)))
    if not sources:
        return []
    protocol = (asset.logs.protocol if asset.logs is not None else "") or "udp"
    request = CanarySend(store=store.id, sources=sources, protocol=protocol, timezone=campus.timezone)
    sending = await session.ask(request)
    sent = sending.response
    if not isinstance(sent, CanarySent):
        raise GapError(GapReason.MALFORMED, "a canary was answered by {op}", op=sent.op)
    readings = [_reading("canary.sent", store, each.source, sent.day, "", sending) for each in sent.sources]
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
        readings += _found(store, sending, sent, looking)
    return readings


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


def _found(store: Asset, sending: Answer, sent: CanarySent, looking: Answer) -> Iterator[Reading]:
    found = looking.response
    if not isinstance(found, CanaryFound):
        raise GapError(GapReason.MALFORMED, "a search for canaries was answered by {op}", op=found.op)
    known = {each.source: each.days for each in sent.sources}
    whole = found.unread == 0 and found.unreadable == 0
    for each in found.sources:
        earlier = [day for day in each.days if day < sent.day]
        yield _reading("canary.days", store, each.source, days_text(dict.fromkeys(each.days, 1)), "", looking)
        if earlier:
            age = (parse_day(sent.day) - parse_day(earlier[0])).days
            yield _reading("canary.found_age", store, each.source, str(age), "d", sending, looking)
        if whole:  # what could not be read may hold those that are missing
            # before the oldest that is there the store deletes, or canaries had not begun
            since = earlier[0] if earlier else ""
            lost = [day for day in known.get(each.source, ()) if since <= day < sent.day and day not in each.days]
            yield _reading("canary.missing", store, each.source, str(len(lost)), "1", sending, looking)


def _reading(metric: str, store: Asset, source: str, value: str, unit: str, *answers: Answer) -> Reading:
    return Reading(
        metric=metric,
        subject=f"log:{store.id}/{source}",
        value=value,
        unit=unit,
        at=answers[-1].at,
        grade=Grade.MEASURED,
        sources=tuple(dict.fromkeys(answer.source for answer in answers)),
    )
