"""Logs in files: one count for each directory (`LogTally`), made where the files are. Graded `measured`.

A source with files of its own is complete when those could be read; one that shares files, when all could.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from agent.collectors.logs.interface import Kept, Store, wanted
from agent.errors import GapError
from agent.model.calendar import local_day
from agent.model.exchange import GapReason
from agent.model.logs import LogDays, LogTally
from agent.model.reading import Grade

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.collectors.logs.interface import Wanted
    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.model.exchange import Answer, Session
    from agent.model.logs import SourceDays

__all__ = ["layout_of", "place_of", "read"]


async def read(asset: Asset, campus: Campus, session: Session) -> Store:
    """Count each directory of the store once, with all sources that are wanted of it.

    Raises:
        GapError: the asset has no directory, or it cannot be read at all.
    """
    names = wanted(asset, campus)
    places = dict.fromkeys([place_of(asset, one) for one in names] or [place_of(asset)])
    kept: list[Kept] = []
    told: list[tuple[Answer, LogDays]] = []
    for place in places:
        here = [one for one in names if place_of(asset, one) == place]
        sources = tuple(dict.fromkeys(one.stored.name for one in here))
        request = LogTally(where=place, layout=layout_of(asset), sources=sources, timezone=campus.timezone)
        answer = await session.ask(request)
        found = answer.response
        if not isinstance(found, LogDays):
            raise GapError(GapReason.MALFORMED, "a count of files was answered by {op}", op=found.op)
        told.append((answer, found))
        kept += _kept(here, answer, found)
    return _store(kept, told, campus)


def layout_of(asset: Asset) -> Literal["syslog", "journal"]:
    """Return what the files of a store are: as the campus file says, else as the family does."""
    if asset.logs is not None and asset.logs.layout:
        return asset.logs.layout
    return "journal" if asset.family.startswith("journal") else "syslog"


def place_of(asset: Asset, one: Wanted | None = None) -> str:
    """Return the directory of a source, or of the store.

    Raises:
        GapError: the campus file says none.
    """
    if one is not None and one.stored.where:
        return one.stored.where
    if asset.logs is None or not asset.logs.where:
        raise GapError(
            GapReason.UNSUPPORTED,
            "the campus file does not say in which directory the logs are",
            where=asset.id,
            todo="Write the directory into logs.where of this asset, for example /var/log/remote",
        )
    return asset.logs.where


def _kept(here: Sequence[Wanted], answer: Answer, found: LogDays) -> list[Kept]:
    by_name = {one.source: one for one in found.sources}
    return [_one(each.source.id, answer, found, by_name.get(each.stored.name)) for each in here]


def _one(source: str, answer: Answer, found: LogDays, one: SourceDays | None) -> Kept:
    if one is None:
        return Kept(source=source, answers=(answer,), complete=False)
    return Kept(
        source=source,
        answers=(answer,),
        days={each.day: int(each.records) for each in one.days},
        complete=one.unreadable == 0 and found.unread == 0,
        first=one.first or "",
        last=one.last or "",
        octets=None if one.octets is None else int(one.octets),
        unreadable=one.unreadable,
        undated=int(one.undated) + int(one.yearless),
    )


def _store(kept: Sequence[Kept], told: Sequence[tuple[Answer, LogDays]], campus: Campus) -> Store:
    last = told[-1][0]
    return Store(
        answer=last,
        kept=tuple(kept),
        searched=("", local_day(last.at, campus.timezone).isoformat()),
        free=min((int(found.free_octets) for _, found in told if found.free_octets is not None), default=None),
        used=sum(int(found.stored_octets) for _, found in told),
        others=sum(found.others for _, found in told),
        grade=Grade.MEASURED,
        answers=tuple(each for each, _ in told),
    )
