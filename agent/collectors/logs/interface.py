"""What every kind of log store tells, in one shape (`Store`), and the readings that are made of it (`readings`).

A module for a kind of store asks about the sources that the campus file places on it (`wanted`) and nothing else: names
of other hosts never leave the store, they are one count. Days are civil days of the campus.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol, TypeVar

from agent.canonical import decimal_text
from agent.collectors.answers import graded
from agent.model.calendar import local_day, months_before
from agent.model.logs import days_text
from agent.model.reading import Grade

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date
    from decimal import Decimal

    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.model.exchange import Answer, Session
    from agent.model.logs import LogSource, StoredLog
    from agent.model.reading import Reading

__all__ = ["Kept", "Reader", "Store", "Wanted", "named", "readings", "search_window", "wanted"]

_Kind = TypeVar("_Kind")
SEARCHED_MONTHS = 7
"""Six calendar months are judged; the month before them shows whether a store deletes earlier."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A source that the campus file places on the store, and under which name."""

    source: LogSource
    stored: StoredLog


@dataclass(frozen=True, slots=True)
class Kept:
    """What the store keeps of one wanted name; a source with several names on one store is summed up."""

    source: str
    """Id of the `LogSource`."""
    answers: tuple[Answer, ...]
    """The exchanges that it comes from."""
    days: Mapping[str, int] | None = None
    """Records by civil day (`YYYY-MM-DD`); days without any may be absent. None where the store did not tell, which is
    not the same as no records."""
    complete: bool = True
    """False: the search was not followed to its end, a shard failed, or files could not be read."""
    first: str = ""
    """Time of the first and the last record, RFC 3339 in UTC; empty where there is none or the store did not tell."""
    last: str = ""
    octets: int | None = None
    unreadable: int | None = None
    """Files, shards, chunks that could not be read."""
    undated: int | None = None
    """Records without a time that can be read."""


@dataclass(frozen=True, slots=True)
class Store:
    """A log store as it told about itself."""

    answer: Answer
    """The exchange of the facts below; several, where `answers` says so."""
    kept: tuple[Kept, ...]
    """One for every wanted name, also of those that have nothing."""
    searched: tuple[str, str]
    """First and last civil day that was searched; an empty first day: from the beginning."""
    free: int | None = None
    """Octets that the store may still use."""
    used: int | None = None
    """Octets that the logs take on it."""
    policy_days: Decimal | int | None = None
    """Days after which the store deletes, as configured; None where it does not tell, or never deletes."""
    others: int | None = None
    """Sources on the store that the campus file does not place there."""
    grade: Grade = Grade.REPORTED
    """`measured` where the agent counted the records itself, `reported` where the store did."""
    answers: tuple[Answer, ...] = field(default=())


class Reader(Protocol):
    """What the module of every kind of store has: `read`."""

    async def __call__(self, asset: Asset, campus: Campus, session: Session) -> Store:
        """Ask everything, one request at a time.

        Raises:
            GapError: the store does not answer or let us in.
            MalformedError: it answers with something that cannot be understood at all.
        """
        ...


def named(family: str, kinds: Mapping[str, _Kind]) -> _Kind | None:
    """Return what stands under a family's name, or under what stands before one of its hyphens; None for nothing."""
    return next((kinds[name] for name in kinds if f"{family}-".startswith(f"{name}-")), None)


def wanted(asset: Asset, campus: Campus) -> tuple[Wanted, ...]:
    """Return the sources that the campus file places on this store, in its order."""
    return tuple(
        Wanted(source, stored) for source in campus.log_sources for stored in source.stored if stored.store == asset.id
    )


def search_window(answer: Answer, campus: Campus) -> tuple[date, date]:
    """Return the first and the last civil day to search, from the time of an answer: collectors have no clock.

    The last is the day of the answer itself, which is not over; the first lies seven calendar months before it.
    """
    today = local_day(answer.at, campus.timezone)
    return months_before(today, SEARCHED_MONTHS) - timedelta(days=1), today


def readings(asset: Asset, store: Store) -> list[Reading]:
    """Return the readings of a store: per source on it (subject `log:<store>/<source>`) and of the store itself."""
    found = list(_store_readings(asset, store))
    for source in dict.fromkeys(kept.source for kept in store.kept):
        found += _source_readings(asset, store, source, [kept for kept in store.kept if kept.source == source])
    return found


def _store_readings(asset: Asset, store: Store) -> Iterator[Reading]:
    answers = store.answers or (store.answer,)
    values = (
        ("log.store.free", store.free, "By"),
        ("log.store.used", store.used, "By"),
        ("log.store.policy", store.policy_days, "d"),
        ("log.store.others", store.others, "1"),
    )
    for metric, value, unit in values:
        if value is not None:
            yield graded(metric, f"asset:{asset.id}", decimal_text(value), unit, store.grade, *answers)


def _source_readings(asset: Asset, store: Store, source: str, names: Sequence[Kept]) -> Iterator[Reading]:
    answers = tuple(answer for kept in names for answer in kept.answers)
    told = [kept.days for kept in names if kept.days is not None]
    first = min((kept.first for kept in names if kept.first), default="")
    last = max((kept.last for kept in names if kept.last), default="")
    texts = [
        ("log.search", _search(names)),
        ("log.searched", f"{store.searched[0] or '..'}/{store.searched[1]}"),
        *((metric, value) for metric, value in (("log.first", first), ("log.last", last)) if value),
    ]
    if told:
        texts.append(("log.days", days_text(_sum(told))))
    numbers = (
        ("log.octets", _total(kept.octets for kept in names), "By"),
        ("log.unreadable", _total(kept.unreadable for kept in names), "1"),
        ("log.undated", _total(kept.undated for kept in names), "1"),
    )
    subject = f"log:{asset.id}/{source}"
    for metric, text in texts:
        yield graded(metric, subject, text, "", store.grade, *answers)
    for metric, number, unit in numbers:
        if number is not None:
            yield graded(metric, subject, str(number), unit, store.grade, *answers)


def _search(names: Sequence[Kept]) -> str:
    if all(kept.days is None for kept in names):
        return "unsupported"
    return "complete" if all(kept.complete and kept.days is not None for kept in names) else "partial"


def _sum(told: Iterable[Mapping[str, int]]) -> Mapping[str, int]:
    total: Counter[str] = Counter()
    for days in told:
        total.update(days)
    return total


def _total(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
