"""Calendar months, civil days and school days."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from agent.errors import MalformedError
from agent.model.calendar import (
    SchoolCalendar,
    Term,
    days_between,
    local_day,
    months_before,
    parse_day,
    school_days,
    whole_months,
)

DAYS = st.dates(date(1990, 1, 1), date(2090, 12, 31))
MONTHS = st.integers(0, 600)


@pytest.mark.parametrize(
    ("day", "months", "before"),
    [
        (date(2026, 11, 22), 6, date(2026, 5, 22)),
        (date(2026, 8, 31), 6, date(2026, 2, 28)),
        (date(2024, 8, 31), 6, date(2024, 2, 29)),
        (date(2026, 8, 29), 6, date(2026, 2, 28)),
        (date(2026, 5, 31), 1, date(2026, 4, 30)),
        (date(2026, 1, 15), 1, date(2025, 12, 15)),
        (date(2024, 2, 29), 12, date(2023, 2, 28)),
        (date(2026, 1, 31), -1, date(2026, 2, 28)),
    ],
)
def test_the_same_day_of_an_earlier_month_or_its_last(day: date, months: int, before: date) -> None:
    """Where the month is too short its last day stands for the one that it lacks."""
    assert months_before(day, months) == before


@given(DAYS, MONTHS)
def test_months_are_never_skipped(day: date, months: int) -> None:
    """The result lies in exactly that month, and on that day unless the month is too short."""
    found = months_before(day, months)
    assert (day.year - found.year) * 12 + day.month - found.month == months
    assert found.day == day.day or (found.day < day.day and (found + timedelta(days=1)).day == 1)


@given(DAYS, DAYS, MONTHS)
def test_earlier_days_give_no_later_results(one: date, other: date, months: int) -> None:
    """The order of days is kept."""
    low, high = sorted((one, other))
    assert months_before(low, months) <= months_before(high, months)


@given(DAYS, st.integers(0, 4000))
def test_whole_months_are_the_most_that_fit(until: date, days: int) -> None:
    """One month more would reach further back than the beginning."""
    since = until - timedelta(days=days)
    months = whole_months(since, until)
    assert months_before(until, months) >= since
    assert months_before(until, months + 1) < since


@pytest.mark.parametrize(
    ("since", "until", "months"),
    [
        (date(2026, 5, 22), date(2026, 11, 22), 6),
        (date(2026, 5, 23), date(2026, 11, 22), 5),
        (date(2026, 2, 28), date(2026, 8, 31), 6),
        (date(2026, 3, 1), date(2026, 8, 31), 5),
        (date(2026, 11, 22), date(2026, 11, 22), 0),
        (date(2026, 11, 23), date(2026, 11, 22), 0),
    ],
)
def test_six_months_are_six_months_to_the_day(since: date, until: date, months: int) -> None:
    """One day less is a month less."""
    assert whole_months(since, until) == months


@pytest.mark.parametrize("months", [12 * 3000, -12 * 9000])
def test_before_the_calendar_there_is_nothing(months: int) -> None:
    """A number that leads out of the calendar is an error of ours."""
    with pytest.raises(MalformedError, match="months"):
        months_before(date(2026, 11, 22), months)


CALENDAR = SchoolCalendar(
    terms=(Term(since="2026-09-01", until="2027-01-15"),),
    holidays=("2026-10-01", "2026-10-02", "2026-10-05", "2026-10-06", "2026-10-07"),
    make_up_days=("2026-09-27", "2026-10-10"),
)


def test_school_days_are_weekdays_of_terms_without_holidays_and_with_make_up_days() -> None:
    """The week of the national holiday of 2026, and the Sunday and Saturday that make up for it."""
    found = school_days(CALENDAR, date(2026, 9, 26), date(2026, 10, 12))
    assert [day.isoformat() for day in found] == [
        "2026-09-27",
        "2026-09-28",
        "2026-09-29",
        "2026-09-30",
        "2026-10-08",
        "2026-10-09",
        "2026-10-10",
        "2026-10-12",
    ]


def test_there_is_no_school_outside_terms() -> None:
    """August has none, and the first of September has."""
    assert school_days(CALENDAR, date(2026, 8, 1), date(2026, 9, 1)) == (date(2026, 9, 1),)


@given(DAYS, st.integers(0, 90), st.lists(DAYS, max_size=5), st.lists(DAYS, max_size=5))
def test_every_school_day_has_a_reason(since: date, length: int, holidays: list[date], made_up: list[date]) -> None:
    """A day is a school day exactly if it is made up, or a weekday of a term and no holiday; in order, none twice."""
    until = since + timedelta(days=length)
    calendar = SchoolCalendar(
        terms=(Term(since=since.isoformat(), until=until.isoformat()),),
        holidays=tuple(day.isoformat() for day in holidays),
        make_up_days=tuple(day.isoformat() for day in made_up),
    )
    low, high = since - timedelta(days=20), until + timedelta(days=20)
    found = school_days(calendar, low, high)
    assert list(found) == sorted(set(found))
    for day in days_between(low, high):
        weekday = since <= day <= until and day.weekday() < 5 and day not in holidays
        assert (day in found) == (day in made_up or weekday)


def test_a_term_ends_after_it_begins() -> None:
    """A calendar with its days the wrong way round is refused."""
    with pytest.raises(ValidationError, match="a term ends after it begins"):
        Term(since="2026-09-02", until="2026-09-01")


@pytest.mark.parametrize("text", ["20260901", "2026-W10-1", "2026-9-1", "2026-02-29", "2026-09-01T00:00", "", "x"])
def test_a_day_has_one_spelling(text: str) -> None:
    """Other spellings of ISO 8601, and days that do not exist, are refused."""
    with pytest.raises(MalformedError, match="is not a day"):
        parse_day(text)


@pytest.mark.parametrize(
    ("at", "timezone", "day"),
    [
        ("2026-11-21T15:59:59.999Z", "Asia/Shanghai", "2026-11-21"),
        ("2026-11-21T16:00:00Z", "Asia/Shanghai", "2026-11-22"),
        ("2026-11-22T00:30:00+08:00", "Asia/Shanghai", "2026-11-22"),
        ("2026-11-21T17:30:00Z", "Asia/Urumqi", "2026-11-21"),
        ("2026-11-21T23:59:59Z", "Europe/Nowhere", "2026-11-21"),
    ],
)
def test_a_civil_day_is_the_schools_own(at: str, timezone: str, day: str) -> None:
    """Midnight is the school's; a zone that the table does not know counts as UTC, as the report shows it."""
    assert local_day(at, timezone).isoformat() == day


def test_the_last_moment_of_time_is_an_error_of_ours() -> None:
    """A clock at the end of the calendar has no next day."""
    with pytest.raises(MalformedError):
        local_day("9999-12-31T23:00:00Z", "Asia/Shanghai")
