"""Arithmetic of logged days: which days hold, how far back they reach without a gap, how long the longest gap is; pure.

A day holds when it has a share of the median of its kind (days with school, days without), at least one record. Days on
which a source need not write, and days of which a canary shows that nothing was lost, break nothing and prove nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from agent.model.calendar import days_between, months_before, school_days, whole_months

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from agent.model.calendar import SchoolCalendar

__all__ = ["Kept", "Log", "kept", "longest_gap", "school_day_rule"]

_SATURDAY: Final = 5
_A_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Log:
    """A source's records on one store, and what is asked of it."""

    records: Mapping[date, int]
    """By civil day; the last one is over."""
    searched: date | None
    """The first day that was searched; None: from the beginning."""
    end: date
    """The day after the last one that counts."""
    school: Callable[[date], bool]
    """Whether there is school on a day: days with and without have medians of their own."""
    every_day: bool = True
    """Whether it must have written on days without school too."""
    quiet: Collection[date] = ()
    """Days of which a canary shows that nothing was lost."""
    day_share: Fraction = Fraction(1, 10)
    least: Fraction = Fraction(1)

    @property
    def first(self) -> date | None:
        """The first day with a record."""
        return min((day for day, count in self.records.items() if count and day < self.end), default=None)

    def begin(self, holding: Collection[date]) -> date | None:
        """Return the first day that is whole: a log, or what is left of it, may begin in the middle of a day."""
        first = self.first
        return first + _A_DAY if first is not None and first not in holding else first

    def required(self, day: date) -> bool:
        """Tell whether it must have written on that day."""
        return self.every_day or self.school(day)

    def holding(self) -> frozenset[date]:
        """Return the days that have enough records for their kind."""
        medians = {kind: self._median(kind) for kind in (True, False)}
        return frozenset(
            day
            for day, count in self.records.items()
            if day < self.end and count >= max(self.least, self.day_share * medians[self.school(day)])
        )

    def _median(self, kind: bool) -> Fraction:  # noqa: FBT001 - a kind of day
        """Return the median of the days of a kind that have records at all: lost days must not lower it."""
        counts = sorted(
            count for day, count in self.records.items() if count and day < self.end and self.school(day) == kind
        )
        if not counts:
            return Fraction(0)
        middle = counts[(len(counts) - 1) // 2 : len(counts) // 2 + 1]
        return Fraction(sum(middle), len(middle))


def school_day_rule(calendar: SchoolCalendar | None, first: date, last: date) -> Callable[[date], bool]:
    """Return what tells school days: those of the calendar; without one, Monday to Friday."""
    if calendar is None:
        return lambda day: day.weekday() < _SATURDAY
    return frozenset(school_days(calendar, first, last)).__contains__


@dataclass(frozen=True, slots=True)
class Kept:
    """How far back a log reaches without a gap."""

    since: date | None
    """The first day of the unbroken stretch; None where the newest required day already fails."""
    months: int
    """Whole calendar months from there to the end."""
    days: int
    """Days of the stretch that hold."""
    broken: bool
    """There are older records beyond a gap: the stretch is not the beginning of the log."""
    whole: bool
    """The stretch reaches the first day that was searched, so that the log may be kept longer still."""


def kept(log: Log, allowed: int = 0) -> Kept:
    """Return the stretch that ends with the last day.

    Args:
        log: what the store holds.
        allowed: consecutive required days that may fail.
    """
    holding = log.holding()
    first = log.begin(holding)
    since: date | None = None
    day, failed = log.end - _A_DAY, 0
    while first is not None and day >= first:
        if day in holding:
            since, failed = day, 0
        elif log.required(day) and day not in log.quiet:
            failed += 1
            if failed > allowed:
                break
        day -= _A_DAY
    ran_out = first is None or day < first
    whole = ran_out and log.searched is not None and since is not None and since <= _first_required(log)
    if since is not None and whole and log.searched is not None:
        since = log.searched
    return Kept(
        since=since,
        months=whole_months(since, log.end) if since is not None else 0,
        days=sum(1 for each in holding if since is not None and each >= since),
        broken=not ran_out,
        whole=whole,
    )


def _first_required(log: Log) -> date:
    """Return the first searched day on which the source must have written."""
    day = log.searched or log.end
    while day < log.end and not log.required(day):
        day += _A_DAY
    return day


def longest_gap(log: Log, months: int, *, from_first: bool) -> int:
    """Return the longest run of required days that fail, in the calendar months before the end.

    Args:
        log: what the store holds.
        months: how far back.
        from_first: what lies before the first record is no gap: the log is young.
    """
    since = months_before(log.end, months)
    holding = log.holding()
    begin = log.begin(holding)
    if from_first and begin is not None:
        since = max(since, begin)
    longest = run = 0
    for day in days_between(since, log.end - _A_DAY):
        if day in holding:
            run = 0
        elif log.required(day) and day not in log.quiet:
            run += 1
            longest = max(longest, run)
    return longest
