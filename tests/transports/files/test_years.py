"""Years of times that have none: from the end of a file backwards, and no year where nothing shows its end."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import groupby

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.transports.files.stamps import Stamp
from agent.transports.files.years import Placed, Run, latest, matches, place

NOON = b"12:00:00"


def runs(*days: date, records: int = 1) -> list[Run]:
    """Return the runs of a file whose lines were written on these days."""
    stamps = [Stamp(0, day.month, day.day) for day in days]
    return [Run(stamp, records * len(list(same)), NOON, NOON) for stamp, same in groupby(stamps)]


def stretch(since: date, days: int) -> list[date]:
    return [since + timedelta(days=n) for n in range(days)]


def days_of(placed: Placed) -> list[date]:
    return sorted(day for day, _ in placed.days)


def test_a_new_year_begins_within_a_file() -> None:
    """December belongs to the year before the January that follows it."""
    written = stretch(date(2025, 12, 20), 30)
    assert days_of(place(runs(*written), date(2026, 1, 18))) == written


def test_a_leap_day_is_of_a_leap_year() -> None:
    """The last 29 February before the end, however long ago; its neighbours follow it."""
    written = stretch(date(2024, 2, 26), 6)
    assert days_of(place(runs(*written), date(2024, 3, 4))) == written
    assert latest(Stamp(0, 2, 29), date(2026, 11, 22)) == date(2024, 2, 29)
    assert latest(Stamp(0, 2, 29), date(1903, 1, 1)) == date(1896, 2, 29)
    assert latest(Stamp(0, 2, 29), date(3, 1, 1)) is None


def test_a_file_of_years_without_rotation_keeps_its_years() -> None:
    """A quiet switch that nobody rotates: three years in one file, half a year of silence in it."""
    written = [*stretch(date(2023, 11, 1), 100), *stretch(date(2024, 7, 1), 400), *stretch(date(2026, 1, 1), 300)]
    assert days_of(place(runs(*written), written[-1])) == written


@settings(deadline=None)
@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.lists(st.integers(0, 170), max_size=40), st.integers(0, 3))
def test_any_log_without_half_a_year_of_silence_gets_its_own_days(end: date, steps: list[int], late: int) -> None:
    """Whatever the days were, they come back; also where the end is known a little late."""
    written = [end]
    for step in steps:
        written.insert(0, written[0] - timedelta(days=step))
    placed = place(runs(*written), end + timedelta(days=late))
    assert days_of(placed) == sorted(set(written))
    assert (placed.strays, placed.yearless) == (0, 0)


def test_lines_a_little_out_of_order_are_no_year_apart() -> None:
    """Senders whose clocks or zones differ by a day write into one file."""
    day = date(2026, 1, 1)
    before = day - timedelta(days=1)
    placed = place(runs(before, day, before, day, before), day)
    assert set(days_of(placed)) == {before, day}


def test_a_clock_that_was_wrong_for_a_moment_leaves_strays() -> None:
    """A switch that starts with the first of January until it hears of the time: no year is lost, no day invented."""
    written = stretch(date(2026, 11, 1), 20)
    placed = place(runs(*written[:10], date(1970, 1, 1), *written[10:], records=5), written[-1])
    assert days_of(placed) == written
    assert (placed.strays, placed.yearless) == (5, 0)


def test_a_clock_that_was_wrong_for_long_leaves_no_year_before_it() -> None:
    """Five days in January between November and November: was it silent for ten months, or wrong? Nobody knows."""
    before, wrong, after = stretch(date(2026, 11, 1), 3), stretch(date(2000, 1, 1), 5), stretch(date(2026, 11, 9), 3)
    placed = place(runs(*before, *wrong, *after), after[-1])
    assert days_of(placed) == after
    assert placed.yearless == 8


def test_a_long_silence_is_a_silence() -> None:
    """Nothing contradicts a file that simply has nothing for ten months."""
    written = [*stretch(date(2026, 1, 2), 3), *stretch(date(2026, 11, 20), 2)]
    assert days_of(place(runs(*written), written[-1])) == written


def test_without_an_end_there_is_no_year() -> None:
    """Nothing is guessed, and what has no year is counted."""
    placed = place(runs(*stretch(date(2026, 11, 1), 3), records=4), None)
    assert (placed.days, placed.yearless) == ([], 12)


def test_a_29_february_that_no_year_fits_is_a_stray() -> None:
    """A file that was last modified before there was a leap year."""
    placed = place(runs(date(2024, 2, 29)), date(3, 3, 2))
    assert (placed.days, placed.strays) == ([], 1)


def test_the_time_of_modification_counts_if_something_was_written_then() -> None:
    """A tree that was copied has another time; then it says nothing."""
    written = runs(*stretch(date(2026, 5, 1), 10))
    assert matches(written, date(2026, 5, 10))
    assert matches(written, date(2026, 5, 11))
    assert not matches(written, date(2026, 11, 22))
    assert not matches([], date(2026, 11, 22))
