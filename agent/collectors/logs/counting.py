"""What the HTTP stores share while they count: what was found so far per source, and in which portions to ask."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from agent.collectors.logs.interface import Kept
from agent.collectors.logs.replies import must_answer, time_of
from agent.errors import GapError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from agent.collectors.logs.interface import Wanted
    from agent.model.asset import Asset
    from agent.model.exchange import Answer

__all__ = ["SOURCES_AT_ONCE", "Counted", "kept_of", "portions", "stretches", "total"]

SOURCES_AT_ONCE: Final = 40
"""Sources of one request: times 216 days, below the 10 000 buckets of Elasticsearch and the 500 series of Loki."""


@dataclass
class Counted:
    """What was found so far in one place of a store, by the name of the source."""

    days: dict[str, dict[str, int]] = field(default_factory=dict)
    """Records by civil day; a source that is absent was not told of."""
    first: dict[str, int] = field(default_factory=dict)
    """Milliseconds since 1970 of the first record, where the store tells it."""
    last: dict[str, int] = field(default_factory=dict)
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    partial: set[str] = field(default_factory=set)
    unreadable: int = 0
    """Shards that failed."""
    distinct: int | None = None
    """How many sources there are, wanted or not."""

    def told(self, asset: Asset, names: Sequence[str], answer: Answer) -> bool:
        """Note an answer, and tell whether it is one; a refusal in the middle leaves its sources partial.

        Raises:
            GapError: the first answer of a place is none.
        """
        first = not self.answers
        for name in names:
            self.answers.setdefault(name, []).append(answer)
        try:
            must_answer(asset, answer)
        except GapError:
            if first:
                raise
            self.partial.update(names)
            return False
        for name in names:
            self.days.setdefault(name, {})
        return True

    def add(self, name: str, day: str, records: int) -> None:
        """Add records of a day; none are no day."""
        if records:
            self.days[name][day] = self.days[name].get(day, 0) + records

    def others(self, day: date | None = None) -> int | None:
        """Return how many sources there are beside those found; None where the store did not tell.

        Args:
            day: on which day sources were counted; None for all days.
        """
        if self.distinct is None:
            return None
        found = sum(1 for days in self.days.values() if (days if day is None else day.isoformat() in days))
        return max(0, self.distinct - found)


def portions(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the names in portions for one request each; one empty portion where there are none."""
    step = SOURCES_AT_ONCE
    return [tuple(names[start : start + step]) for start in range(0, len(names), step)] or [()]


def stretches(first: date, last: date, days: int) -> Iterator[tuple[date, date]]:
    """Yield stretches of at most so many days, both ends included."""
    while first <= last:
        end = min(last, first + timedelta(days=days - 1))
        yield first, end
        first = end + timedelta(days=1)


def kept_of(
    asset: Asset, wanted: Sequence[Wanted], counted: Mapping[str, Counted], about: Answer, *, hidden: int = 0
) -> tuple[Kept, ...]:
    """Return what is kept of every wanted name.

    Args:
        asset: the store.
        wanted: the names.
        counted: by place.
        about: the exchange to cite beside, and for a name that nothing was asked of.
        hidden: how many parts of the store searches leave out, so that no search is complete.
    """
    usual = asset.logs.where if asset.logs is not None else ""
    found = []
    for one in wanted:
        place, name = counted[one.stored.where or usual], one.stored.name
        unreadable = place.unreadable + hidden
        found.append(
            Kept(
                source=one.source.id,
                answers=(about, *place.answers.get(name, ())),
                days=place.days.get(name),
                complete=name not in place.partial and not unreadable,
                first=time_of(place.first.get(name)),
                last=time_of(place.last.get(name)),
                unreadable=unreadable or None,
            )
        )
    return tuple(found)


def total(numbers: Iterable[int | None]) -> int | None:
    """Return the sum of what is known; None where nothing is."""
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None
