"""Calendar arithmetic: months back from a day, the campus's civil days, school days.

"Six months" in a clause are calendar months, 181 to 184 days (STANDARDS.md, what the texts leave open). Civil time is a
table and not the system's zone files, which are no part of the evidence: a recomputation gives the same days anywhere.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import AfterValidator, model_validator

from agent.clock import parse_time
from agent.errors import MalformedError
from agent.language import N_
from agent.model.base import Word

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "Day",
    "SchoolCalendar",
    "Term",
    "days_between",
    "local_day",
    "months_before",
    "parse_day",
    "school_days",
    "utc_offset",
    "whole_months",
]

_EAST_8 = ("Asia/Shanghai", "Asia/Chongqing", "Asia/Harbin", "Asia/Hong_Kong", "Asia/Macau", "Asia/Taipei", "PRC")
_OFFSETS = {**dict.fromkeys(_EAST_8, timedelta(hours=8)), "Asia/Urumqi": timedelta(hours=6), "UTC": timedelta(0)}
"""Civil times without daylight saving since 1992."""
_SATURDAY = 5


def _day(text: str) -> str:
    try:
        parse_day(text)
    except MalformedError as error:
        raise ValueError(str(error)) from error
    return text


Day = Annotated[str, AfterValidator(_day)]
"""A civil day as `YYYY-MM-DD`."""


class Term(Word):
    """A stretch in which school is held, both ends included."""

    since: Day
    until: Day

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.until < self.since:
            raise ValueError(N_("a term ends after it begins"))
        return self


class SchoolCalendar(Word):
    """When the school is in session: `calendar:` in the campus file."""

    terms: tuple[Term, ...]
    holidays: tuple[Day, ...] = ()
    """Days inside terms without school, beside Saturdays and Sundays."""
    make_up_days: tuple[Day, ...] = ()
    """Saturdays and Sundays with school; they count outside terms too, and even where a holiday says otherwise."""


def parse_day(text: str) -> date:
    """Read `YYYY-MM-DD`, and no other of ISO 8601's spellings.

    Raises:
        MalformedError: the text is not such a day.
    """
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise MalformedError("{text!r} is not a day of the form 2026-11-22", text=text[:40]) from error
    if day.isoformat() != text:
        raise MalformedError("{text!r} is not a day of the form 2026-11-22", text=text[:40])
    return day


def months_before(day: date, months: int) -> date:
    """Return the same day of the month that many months earlier (later, if negative).

    Where that month is shorter, its last day: six months before 31 August is 28 or 29 February. So going back and
    forth again need not end where it began, and several days may share one answer; it never skips a month.

    Raises:
        MalformedError: that is before year 1 or after year 9999.
    """
    years, month0 = divmod(day.year * 12 + day.month - 1 - months, 12)
    if not date.min.year <= years <= date.max.year:
        raise MalformedError("{months} months from {day} no calendar has a day", months=months, day=day)
    return date(years, month0 + 1, min(day.day, monthrange(years, month0 + 1)[1]))


def whole_months(since: date, until: date) -> int:
    """Return how many whole calendar months lie between: the largest n with `months_before(until, n) >= since`.

    0 where `until` is not after `since`.
    """
    months = max(0, (until.year - since.year) * 12 + until.month - since.month)
    return months if months == 0 or months_before(until, months) >= since else months - 1


def days_between(since: date, until: date) -> Iterator[date]:
    """Yield the days from `since` to `until`, both included; none if they are not in order."""
    for number in range(since.toordinal(), until.toordinal() + 1):
        yield date.fromordinal(number)


def school_days(calendar: SchoolCalendar, since: date, until: date) -> tuple[date, ...]:
    """Return the days of the stretch, both ends included, on which there is school.

    Monday to Friday inside a term but for holidays, and make-up days wherever they lie.
    """
    terms = [(parse_day(term.since), parse_day(term.until)) for term in calendar.terms]
    holidays, made_up = set(calendar.holidays), set(calendar.make_up_days)
    return tuple(
        day
        for day in days_between(since, until)
        if (text := day.isoformat()) in made_up
        or (text not in holidays and day.weekday() < _SATURDAY and any(low <= day <= high for low, high in terms))
    )


def utc_offset(timezone: str) -> timedelta | None:
    """Return how far the civil time of a zone is ahead of UTC; None for a zone that is not in the table."""
    return _OFFSETS.get(timezone)


def local_day(at: str, timezone: str) -> date:
    """Return the civil day of a moment, in UTC for a zone that the table does not know.

    Args:
        at: RFC 3339 text.
        timezone: the campus's.

    Raises:
        MalformedError: the text is not a time.
    """
    moment: datetime = parse_time(at).astimezone(UTC)
    try:
        return (moment + (utc_offset(timezone) or timedelta(0))).date()
    except OverflowError as error:
        raise MalformedError("{text!r} is not a time", text=at) from error
