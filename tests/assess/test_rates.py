"""Counters into rates: nothing invented, nothing lost, nothing spread over what was not seen."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.assess.rates import LINE_RATE_LIMIT, UPTIME_WRAP, Rates, Sample, rates

if TYPE_CHECKING:
    import random

POLL = 60_000
START = 1_790_000_000_000

DELTAS = st.lists(st.integers(0, 10**10), min_size=1, max_size=30)
JITTER = st.lists(st.integers(-1500, 1500), min_size=31, max_size=31)


def counted(deltas: list[int], jitter: list[int] | None = None, **fields: object) -> list[Sample]:
    """Samples of a counter that grows by the deltas, polled every minute with jitter in ms on both clocks."""
    moved = jitter or [0] * (len(deltas) + 1)
    octets = 10**15
    samples = []
    for n, delta in enumerate([0, *deltas]):
        octets += delta
        at = n * POLL + moved[n]
        sample = Sample(START + at, octets, 10**6 + at // 10, discontinuity=0, identity="eth0")
        samples.append(replace(sample, **fields))  # type: ignore[arg-type]  # fields of the sample, by name
    return samples


def reasons(found: Rates) -> list[str]:
    return [exclusion.reason for exclusion in found.excluded]


@given(DELTAS, JITTER)
def test_an_undisturbed_counter_loses_no_octet(deltas: list[int], jitter: list[int]) -> None:
    """The octets of all intervals are what the counter moved, no rate is negative, and the time is covered once."""
    found = rates(counted(deltas, jitter), POLL)
    assert found.excluded == ()
    assert sum(interval.octets for interval in found.intervals) == sum(deltas)
    assert all(interval.rate >= 0 for interval in found.intervals)
    ends = [interval.until for interval in found.intervals]
    assert [interval.since for interval in found.intervals] == [START + jitter[0], *ends[:-1]]
    assert len(found.intervals) + found.stale == len(deltas)


@given(DELTAS, JITTER, st.randoms(use_true_random=False), st.data())
def test_the_order_and_repetition_of_samples_do_not_matter(
    deltas: list[int], jitter: list[int], dice: random.Random, data: st.DataObject
) -> None:
    """Readings from several files in any order give the same rates."""
    samples = counted(deltas, jitter)
    again = samples + data.draw(st.lists(st.sampled_from(samples), max_size=5))
    dice.shuffle(again)
    assert rates(again, POLL) == rates(samples, POLL)


@given(
    st.lists(st.tuples(st.integers(0, 10**9), st.booleans()), min_size=2, max_size=30),
    st.booleans(),
    st.integers(0, 10**18),
)
def test_restarts_never_make_a_spike(steps: list[tuple[int, bool]], tells: bool, before: int) -> None:
    """Whatever the counter was before a restart, no rate exceeds what the port really carried in one interval."""
    octets, uptime, epoch = before, 10**7, 0
    samples = [Sample(START, octets, uptime, 0)]
    for n, (delta, restart) in enumerate(steps, start=1):
        octets, uptime = (delta, 3000) if restart else (octets + delta, uptime + POLL // 10)
        epoch = uptime if restart and tells else epoch
        samples.append(Sample(START + n * POLL, octets, uptime, epoch))
    top = max(delta for delta, _ in steps) * 8 * 1000 / Fraction(POLL)
    found = rates(samples, POLL)
    assert all(0 <= interval.rate <= top for interval in found.intervals)
    assert len(found.excluded) == sum(restart for _, restart in steps)


@given(DELTAS, st.integers(1, 10**9))
def test_nothing_above_the_line_rate_is_used(deltas: list[int], speed: int) -> None:
    """A port cannot carry more than its speed: such intervals are left out and counted."""
    found = rates(counted(deltas, speed=Fraction(speed)), POLL)
    assert all(interval.rate <= speed * LINE_RATE_LIMIT for interval in found.intervals)
    assert set(reasons(found)) <= {"over-line-rate"}
    assert len(found.intervals) + len(found.excluded) + found.stale == len(deltas)


@given(st.lists(st.integers(0, 75_000_000), min_size=1, max_size=20), st.integers(0, 2**32 - 1))
def test_a_32_bit_counter_gives_the_same_rates_where_it_can(deltas: list[int], start: int) -> None:
    """At 10 Mbit/s and one poll a minute each wrap is certain, so the narrow counter equals the wide one."""
    wide = counted(deltas, speed=Fraction(10**7))
    narrow = [replace(s, octets=(s.octets - 10**15 + start) % 2**32, bits=32) for s in wide]
    assert rates(narrow, POLL) == rates(wide, POLL)


def test_a_32_bit_counter_on_a_fast_line_is_not_trusted() -> None:
    """At 1 Gbit/s a 32-bit counter wraps in 34 s: a minute between polls could hide any number of wraps."""
    samples = counted([1000, 1000], speed=Fraction(10**9), bits=32)
    assert reasons(rates(samples, POLL)) == ["ambiguous-wrap"] * 2
    assert reasons(rates(counted([1000], speed=None, bits=32), POLL)) == ["ambiguous-wrap"]


def test_a_64_bit_counter_never_wraps() -> None:
    """A wide counter that goes down was reset, also when uptime went on."""
    samples = counted([1000, 1000])
    samples[1] = replace(samples[1], octets=samples[0].octets - 1)
    assert reasons(rates(samples[:2], POLL)) == ["reset"]


def test_uptime_that_wraps_is_not_a_restart() -> None:
    """After 497 days sysUpTime starts again at 0; the counters go on."""
    samples = [replace(s, uptime=((s.uptime or 0) + UPTIME_WRAP - 10**6 - 6000) % UPTIME_WRAP) for s in counted([5, 7])]
    assert [s.uptime for s in samples] == [UPTIME_WRAP - 6000, 0, 6000]
    assert [i.octets for i in rates(samples, POLL).intervals] == [5, 7]


def test_a_restart_just_before_the_wrap_is_a_restart() -> None:
    """Uptime that falls back without the time for a wrap having come is a restart."""
    samples = [replace(s, uptime=u) for s, u in zip(counted([5]), (UPTIME_WRAP - 10**6, 3000), strict=True)]
    assert reasons(rates(samples, POLL)) == ["reset"]


def test_a_restart_between_two_early_samples_is_found() -> None:
    """A device that restarts twice within minutes shows growing uptime, but less than the time that passed."""
    samples = [replace(s, uptime=u) for s, u in zip(counted([5]), (1000, 2000), strict=True)]
    assert reasons(rates(samples, POLL)) == ["reset"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"discontinuity": 500}, "discontinuity"),
        ({"identity": "eth7"}, "reindex"),
        ({"uptime": None}, "no-uptime"),
        ({"at": START + 3 * POLL + 1, "uptime": 10**6 + 18000}, "gap"),
    ],
)
def test_what_breaks_the_series_is_named(change: dict[str, object], reason: str) -> None:
    """Each break is left out under its own name."""
    first, second = counted([1000])
    assert reasons(rates([first, replace(second, **change)], POLL)) == [reason]  # type: ignore[arg-type]  # by name


def test_three_poll_intervals_are_bridged_and_more_are_not() -> None:
    """One or two lost polls leave an average; a longer silence leaves nothing."""
    samples = counted([100, 100, 100, 100])
    assert [i.octets for i in rates([samples[0], samples[3]], POLL).intervals] == [300]
    assert reasons(rates([samples[0], samples[4]], POLL)) == ["gap"]


def test_what_is_not_known_does_not_break_the_series() -> None:
    """Many devices have no discontinuity time; that alone is no reason to distrust them."""
    first, second = counted([1000])
    found = rates([replace(first, discontinuity=None, identity=None), second], POLL)
    assert [interval.octets for interval in found.intervals] == [1000]


def test_a_counter_that_the_device_refreshes_late_is_merged() -> None:
    """A still interval between busy ones belongs to the next one: no false pause, no false spike."""
    found = rates(counted([600, 0, 1200, 600]), POLL)
    assert [interval.octets for interval in found.intervals] == [600, 1200, 600]
    assert [interval.ticks for interval in found.intervals] == [6000, 12000, 6000]
    assert found.stale == 1


def test_a_real_pause_stays() -> None:
    """An idle hour is idle: silence at the ends, or longer than three polls, is not merged."""
    quiet = rates(counted([0, 0, 600, 0, 0, 0, 600, 0]), POLL)
    assert [interval.octets for interval in quiet.intervals] == [0, 0, 600, 0, 0, 0, 600, 0]
    assert quiet.stale == 0


def test_the_rate_is_exact_and_by_the_device_clock() -> None:
    """Rates use the device's own clock, as a fraction: 7 octets in 3 s are 56/3 bit/s."""
    samples = [Sample(START, 0, 1000), Sample(START + 3100, 7, 1300)]
    (interval,) = rates(samples, 3000).intervals
    assert interval.rate == Fraction(56, 3)


def test_sources_of_both_ends_are_kept_once() -> None:
    """A rate cites the two answers that it came from."""
    first, second = counted([1])
    one, two = "sha256:" + "1" * 64, "sha256:" + "2" * 64
    found = rates([replace(first, sources=(one,)), replace(second, sources=(one, two))], POLL)
    assert found.intervals[0].sources == (one, two)


def test_too_few_samples_give_no_rate() -> None:
    """One reading of a counter says nothing about traffic."""
    assert rates([], POLL) == Rates((), ())
    assert rates(counted([])[:1], POLL) == Rates((), ())
