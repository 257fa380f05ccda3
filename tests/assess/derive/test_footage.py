"""How far back footage reaches: days that hold, days that do not, and the first day, which counts from its begin."""

from __future__ import annotations

import itertools
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.assess.derive.footage import DAY, covered, kept, longest_gap, merged

ZONE = 8 * 3_600_000
NOW = 20_000 * DAY + 2 * 3_600_000
"""10:00 in China."""
HOUR = 3_600_000
NINE_TENTHS = Fraction(9, 10)

Spans = list[tuple[int, int]]


def back(days: str, until: str = "0") -> tuple[int, int]:
    """Return a span from that many days before NOW."""
    return NOW - int(Fraction(days) * DAY), NOW - int(Fraction(until) * DAY)


def reach(*spans: tuple[int, int], share: Fraction = NINE_TENTHS, searched: int = NOW - 100 * DAY) -> Fraction:
    """Return the days kept."""
    found = kept(merged(spans), NOW, zone=ZONE, share=share, planned=Fraction(1), searched=searched)
    return Fraction(found.length, DAY)


@pytest.mark.parametrize("days", ["29.9", "30", "90", "0.3", "1", "0.001"])
def test_an_unbroken_stretch_counts_from_its_first_picture(days: str) -> None:
    """To the millisecond: 29.9 days are not 30."""
    assert reach(back(days)) == Fraction(days)


def test_a_day_without_footage_ends_the_stretch() -> None:
    """What is older does not count, and the stretch is known to be broken."""
    spans = merged([back("60", "11"), back("10")])
    found = kept(spans, NOW, zone=ZONE, share=NINE_TENTHS, planned=Fraction(1), searched=NOW - 100 * DAY)
    assert (Fraction(found.length, DAY), found.broken) == (Fraction(10), True)


@pytest.mark.parametrize(("hours", "whole"), [("2.3", True), ("2.5", False)])
def test_a_day_needs_nine_tenths_of_its_minutes(hours: str, whole: bool) -> None:
    """A restart is no gap, an evening is."""
    midday = NOW - 9 * DAY + 4 * HOUR
    broken = [(NOW - 40 * DAY, midday), (midday + int(Fraction(hours) * HOUR), NOW)]
    assert (reach(*broken) == 40) is whole


def test_a_camera_that_records_on_events_needs_some_footage_each_day() -> None:
    """With a share of 0 a minute a day is enough, and a day without one is not."""
    minutes = [(NOW - n * DAY, NOW - n * DAY + 60_000) for n in range(20) if n != 7]
    assert 6 <= reach(*minutes, share=Fraction(0)) < 7


def test_footage_that_ended_yesterday_counts_to_its_end() -> None:
    """And footage that ended before yesterday is nothing now."""
    assert reach(back("50", "0.45")) == Fraction("49.55")
    assert reach(back("50", "1.5")) == 0


def test_the_stretch_reaches_no_further_than_the_search() -> None:
    """Whatever spans begin earlier."""
    assert reach(back("200"), searched=NOW - 50 * DAY) == 50


@st.composite
def recordings(draw: st.DrawFn) -> Spans:
    """Return spans in the last 40 days, in any order, overlapping or not."""
    found = draw(st.lists(st.tuples(st.integers(0, 40 * DAY), st.integers(0, 3 * DAY)), max_size=30))
    return [(NOW - back, min(NOW, NOW - back + length)) for back, length in found]


@given(recordings())
def test_what_is_kept_lies_within_the_footage(spans: Spans) -> None:
    """Never longer than from the first picture on; each full day of it holds; more footage never shortens it."""
    clean = merged(spans)
    found = kept(clean, NOW, zone=ZONE, share=NINE_TENTHS, planned=Fraction(1), searched=NOW - 100 * DAY)
    if found.since is None:
        return
    assert clean[0][0] <= found.since <= found.until <= NOW
    first = found.since + DAY - (found.since + ZONE) % DAY
    for day in range(first, NOW - DAY, DAY):
        assert covered(clean, day, day + DAY) >= NINE_TENTHS * DAY
    more = merged([*clean, (NOW - 5 * DAY, NOW)])
    longer = kept(more, NOW, zone=ZONE, share=NINE_TENTHS, planned=Fraction(1), searched=NOW - 100 * DAY)
    assert longer.since is not None
    assert longer.since <= found.since


@given(recordings())
def test_gaps_and_footage_make_up_the_whole(spans: Spans) -> None:
    """Merged spans are in order and apart; the longest gap is no longer than what is not covered."""
    clean = merged(spans)
    assert all(before[1] < after[0] for before, after in itertools.pairwise(clean))
    since = NOW - 30 * DAY
    free = 30 * DAY - covered(clean, since, NOW)
    assert longest_gap(clean, since, NOW) <= free
    assert (longest_gap(clean, since, NOW) == 0) is (free == 0)
