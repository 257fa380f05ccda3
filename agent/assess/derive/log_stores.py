"""Whether a log store has room for the days that must be kept, by what its logs took so far; pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from agent.model.calendar import local_day, parse_day
from agent.model.logs import parse_days

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.assess.derive.log_copies import Copy
    from agent.assess.derive.told import Told
    from agent.model.base import Digest

__all__ = ["Room", "percentile_95", "room"]

FEWEST_DAYS: Final = 7
"""Less of a log says nothing of how fast it grows: a week has all its days."""


@dataclass(frozen=True, slots=True)
class Room:
    """Whether there is room."""

    enough: bool
    sources: tuple[Digest, ...]


def room(copy: Copy, told: Told) -> Room | None:
    """Return whether the store of the copy has room; None where it does not tell.

    A store that holds as many days as are asked for has had room for them. Else its logs are taken to grow by what they
    took so far per day, times the 95th percentile of a day's records over the mean.

    Raises:
        MalformedError: a reading of the store is not what its metric says.
    """
    by_day, sources = _records(copy.store, told)
    if not by_day:
        return None
    wanted, first = told.setting["capacity_days"], min(by_day)
    last = max(by_day)
    length = (parse_day(last) - parse_day(first)).days + 1
    if length >= wanted:
        return Room(enough=True, sources=sources)
    subject = f"asset:{copy.store}"
    free, used = (told.whole(metric, subject, "By") for metric in ("log.store.free", "log.store.used"))
    if free is None or used is None or length < FEWEST_DAYS:
        return None
    mean = Fraction(sum(by_day.values()), length)
    daily = Fraction(used, length) * percentile_95(list(by_day.values())) / mean
    cited = [reading for name in ("free", "used") if (reading := told.last(f"log.store.{name}", subject)) is not None]
    return Room(
        enough=daily * wanted <= free + used,
        sources=tuple(dict.fromkeys([*sources, *(each for reading in cited for each in reading.sources)])),
    )


def _records(store: str, told: Told) -> tuple[Counter[str], tuple[Digest, ...]]:
    """Return the records by day of all sources that the campus file places on the store; today's are not complete."""
    total: Counter[str] = Counter()
    cited: list[Digest] = []
    for source in told.campus.log_sources:
        reading = told.last("log.days", f"log:{store}/{source.id}")
        if reading is None or not any(stored.store == store for stored in source.stored):
            continue
        today = local_day(reading.at, told.campus.timezone).isoformat()
        total.update({day: count for day, count in parse_days(reading.value).items() if day < today})
        cited += reading.sources
    return total, tuple(dict.fromkeys(cited))


def percentile_95(counts: Sequence[int]) -> Fraction:
    """Return the 95th percentile by nearest rank; 0 of nothing."""
    ranked = sorted(counts)
    return Fraction(ranked[-(-len(ranked) * 95 // 100) - 1]) if ranked else Fraction(0)
