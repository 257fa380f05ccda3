"""The plan in time: slots are countable by anyone, none is measured twice, and no silence goes uncounted."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.collectors import COLLECTORS
from agent.journal.slots import SlotState
from agent.model.campus import Link
from agent.model.evidence import EntryKind, TargetResult
from agent.packs.load import config_directory, load_families, parse_campus
from agent.runtime.schedule import (
    DAY,
    EPOCH,
    MAX_PAUSE,
    MOST_SLOTS,
    Patience,
    due_between,
    first_slot,
    jobs_of,
    planned,
    slot_before,
)
from agent.runtime.service import Service
from agent.runtime.wiring import open_agent
from tests.runtime.world import SetClock, school

if TYPE_CHECKING:
    from pathlib import Path

    from agent.model.campus import Campus

MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone
INTERVALS = st.integers(1, 86_400)


@given(MOMENTS, INTERVALS)
def test_a_slot_is_a_whole_multiple_since_the_epoch(moment: datetime, every: int) -> None:
    """Two agents and a reviewer count the same slots: the newest multiple that is not after the moment."""
    slot = slot_before(moment, every)
    assert (slot - EPOCH) % timedelta(seconds=every) == timedelta(0)
    assert timedelta(0) <= moment - slot < timedelta(seconds=every)


@given(MOMENTS, st.timedeltas(timedelta(days=-3), timedelta(days=3)), INTERVALS)
def test_every_slot_between_is_counted_once(last: datetime, span: timedelta, every: int) -> None:
    """Listed and left-out slots together are all multiples in (last, moment], and none when the clock went back."""
    moment = last + span
    listed, left_out = due_between(last, moment, every)
    step = timedelta(seconds=every)
    assert len(listed) + left_out == max(0, (slot_before(moment, every) - slot_before(last, every)) // step)
    assert len(listed) <= MOST_SLOTS
    assert listed == [slot_before(moment, every) - step * n for n in reversed(range(len(listed)))]
    assert all(slot_before(last, every) < slot <= moment for slot in listed)
    assert left_out == 0 or len(listed) == MOST_SLOTS


@given(MOMENTS, st.lists(st.integers(1, 500_000), max_size=6), INTERVALS)
def test_no_slot_is_due_twice(start: datetime, steps: list[int], every: int) -> None:
    """However often one looks, every slot is due exactly once."""
    now, last, seen = start, start, Counter[datetime]()
    skipped = 0
    for step in steps:
        now += timedelta(seconds=step)
        listed, left_out = due_between(last, now, every)
        seen.update(listed)
        skipped += left_out
        last = now
    assert set(seen.values()) <= {1}
    assert len(seen) + skipped == (slot_before(now, every) - slot_before(start, every)) // timedelta(seconds=every)


@given(
    MOMENTS, st.sampled_from([DAY, 7 * DAY]), st.sampled_from([("Asia/Shanghai", 8), ("Asia/Urumqi", 6), ("UTC", 0)])
)
def test_what_is_asked_once_a_day_is_asked_at_night(moment: datetime, every: int, zone: tuple[str, int]) -> None:
    """At two in the morning of the campus: recorders and log stores are not asked while classes are held."""
    place = campus().model_copy(update={"timezone": zone[0]})
    slot = slot_before(moment, every, first_slot(place, every))
    assert (slot + timedelta(hours=zone[1])).time() == time(2)
    assert timedelta(0) <= moment - slot < timedelta(seconds=every)
    assert due_between(slot, slot + timedelta(seconds=3 * every), every, first_slot(place, every)) == (
        [slot + timedelta(seconds=every) * n for n in (1, 2, 3)],
        0,
    )


@pytest.mark.parametrize("every", [1, 300, 3600, 7 * 3600, DAY + 1])
def test_what_is_asked_oftener_counts_from_the_epoch(every: int) -> None:
    """Only whole days begin at night; everything else keeps the round times."""
    assert first_slot(campus(), every) == EPOCH


# --- what a slot asks -----------------------------------------------------------------------------------------------

CAMPUS = b"""
version: "1"
school: {id: s, name: s}
assets:
  - {id: sw1, family: generic-snmp, address: 192.0.2.1}
  - {id: sw2, family: generic-snmp, address: 192.0.2.2}
  - {id: broker, family: mqtt-broker, address: 192.0.2.3, topics: [{kind: light, filter: a/+, device_level: 1}]}
plan:
  - {collector: interfaces, every_seconds: 60, deadline_seconds: 7}
"""


def campus() -> Campus:
    """Return a campus of two switches and a broker."""
    return parse_campus(CAMPUS, "campus.yaml").value


def test_only_collectors_that_some_device_needs_are_planned() -> None:
    """The rhythm of each collector is the file's, else five minutes; what nothing needs is not run."""
    told = planned(campus(), load_families(config_directory(), collectors=COLLECTORS))
    assert told["interfaces"] == 60
    assert told["mqtt"] == 300
    assert "links" not in told, "no link is watched"


def test_a_watched_link_is_asked_for_oftener_than_the_rest_of_its_device() -> None:
    """Every five minutes the watched ports alone, of those devices that have one; whole devices once an hour."""
    families = load_families(config_directory(), collectors=COLLECTORS)
    link = Link(id="telecom", role="egress", asset="sw2", port="GE0/1")
    place = campus().model_copy(update={"plan": (), "links": (link,)})
    told = planned(place, families)
    assert (told["links"], told["interfaces"], told["neighbours"]) == (300, 3600, 3600)
    jobs = jobs_of(place, families, ["links", "interfaces"])
    assert [(job.asset.id, job.collectors) for job in jobs] == [
        ("sw1", ("interfaces",)),
        ("sw2", ("links", "interfaces")),
    ]


def test_a_slot_asks_each_device_that_its_family_reads_so() -> None:
    """Jobs carry the collectors of the slot that fit the family, with the time that the plan allows."""
    families = load_families(config_directory(), collectors=COLLECTORS)
    jobs = jobs_of(campus(), families, ["interfaces"], skip=frozenset({"sw2"}))
    assert [(job.asset.id, job.collectors, job.deadline_seconds) for job in jobs] == [("sw1", ("interfaces",), 7)]


def result(name: str, state: str) -> TargetResult:
    """Return how a device did."""
    return TargetResult(id=name, result=state)


@given(st.integers(1, 3600), st.integers(1, 12))
def test_a_failing_device_is_left_in_peace_ever_longer_but_not_for_ever(every: int, failures: int) -> None:
    """After each failure the pause grows, up to 15 minutes, and one answer ends it."""
    patience, now = Patience(), datetime(2026, 11, 22, tzinfo=UTC)
    for _ in range(failures):
        patience.note([result("dead", "unreachable"), result("good", "ok")], now, every)
    assert patience.resting(now + MAX_PAUSE) == frozenset()
    assert patience.resting(now) == (frozenset({"dead"}) if failures > 1 else frozenset())
    patience.note([result("dead", "partial")], now, every)
    assert patience.resting(now) == frozenset()


@pytest.mark.parametrize(("state", "rests"), [("refused", True), ("deadline", True), ("unsupported", False)])
def test_a_device_that_answers_is_not_failing(state: str, rests: bool) -> None:
    """A device that says no to one table goes on being asked; one that refuses us is spared."""
    patience, now = Patience(), datetime(2026, 11, 22, tzinfo=UTC)
    for _ in range(3):
        patience.note([result("x", state)], now, 60)
    assert bool(patience.resting(now)) is rests


# --- the service's bookkeeping, by a clock that is set ---------------------------------------------------------------

EVERY = 60
START = datetime(2026, 11, 22, 2, 0, 0, tzinfo=UTC)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from([60, 60, 61, 59, 5, 180, 600, 3600, -60, -180, -600, -3]), min_size=1, max_size=10))
def test_whatever_the_clock_does_every_slot_has_one_end(
    tmp_path_factory: pytest.TempPathFactory, device: int, steps: list[int]
) -> None:
    """Forward, back, held up, begun anew within one slot: no slot is run twice, none in between is forgotten."""

    async def live() -> None:
        await service._slot("interfaces", EVERY)
        for step in steps:
            clock.wall += timedelta(seconds=step)
            await service._slot("interfaces", EVERY)

    place = school(tmp_path_factory.mktemp("slots"), {"sw1": device}, every=EVERY, deadline=1)
    clock = SetClock(START)
    with closing(open_agent(place.campus, place.state, clock=clock)) as agent:
        service = Service(agent, lambda: None)
        asyncio.run(live())
        slots = agent.journal.slots.since(EPOCH)
    ended = {slot.due: slot.state for slot in slots}
    newest = max(ended)
    wanted = {START + timedelta(seconds=EVERY) * n for n in range((newest - START) // timedelta(seconds=EVERY) + 1)}
    assert wanted <= set(ended), "a slot was forgotten"
    assert set(ended.values()) <= {SlotState.DONE, SlotState.MISSED}
    done = sum(state is SlotState.DONE for state in ended.values())
    kinds = place.kinds()
    assert kinds["run"] >= done, "a slot is done without a run"
    missed = sum(one.predicate.missed or 0 for one in place.statements() if one.predicate.kind is EntryKind.GAP)
    assert missed == sum(state is SlotState.MISSED for state in ended.values())
    place.check_chain()


def test_time_that_is_lived_twice_is_measured_twice(tmp_path: Path, device: int) -> None:
    """After the clock was set back an hour the agent does not wait an hour: it measures beside the old slots."""

    async def live() -> None:
        for step in (0, 60, 60, -3600, 60, 60):
            clock.wall += timedelta(seconds=step)
            await service._slot("interfaces", EVERY)

    place = school(tmp_path, {"sw1": device}, every=EVERY, deadline=1)
    clock = SetClock(START)
    clock.wall = START + timedelta(hours=1)
    with closing(open_agent(place.campus, place.state, clock=clock)) as agent:
        for back in range(60):
            agent.journal.slots.expect("interfaces", START + timedelta(minutes=back))
        agent.journal.slots.missed_before(clock.wall)
        service = Service(agent, lambda: None)
        asyncio.run(live())
    assert place.kinds()["run"] == 6


def test_a_rhythm_that_is_begun_anew_within_a_slot_measures_it_once(tmp_path: Path, device: int) -> None:
    """A reload, or a clock set back by three seconds, does not measure the same slot again."""

    async def live() -> None:
        for step in (0, 5, 5, -8):
            clock.wall += timedelta(seconds=step)
            await service._slot("interfaces", EVERY)

    place = school(tmp_path, {"sw1": device}, every=EVERY, deadline=1)
    clock = SetClock(START)
    with closing(open_agent(place.campus, place.state, clock=clock)) as agent:
        service = Service(agent, lambda: None)
        asyncio.run(live())
    assert place.kinds()["run"] == 1


def test_what_passed_while_the_agent_was_off_is_one_gap(tmp_path: Path, device: int) -> None:
    """At a start every slot since the last one is missed, the one that had begun is failed, and the chain says so."""
    place = school(tmp_path, {"sw1": device}, every=EVERY, deadline=1)
    clock = SetClock(START)
    with closing(open_agent(place.campus, place.state, clock=clock)) as agent:
        agent.journal.slots.expect("interfaces", START)
        agent.journal.slots.start("interfaces", START)
        clock.wall += timedelta(minutes=10, seconds=30)
        service = Service(agent, lambda: None)
        service._recover()
        service._recover()
        states = Counter(slot.state for slot in agent.journal.slots.since(EPOCH))
    assert states == {SlotState.FAILED: 1, SlotState.MISSED: 10}
    gaps = [one.predicate for one in place.statements() if one.predicate.kind is EntryKind.GAP]
    assert [(gap.missed, gap.reason) for gap in gaps] == [(10, "the agent was not running")]
    assert gaps[0].time.started == "2026-11-22T02:01:00.000Z"


def test_a_slot_that_comes_while_its_collector_is_busy_is_skipped(tmp_path: Path, device: int) -> None:
    """Two runs of one collector never overlap; the second slot says why it was left out."""

    async def live() -> None:
        first = asyncio.create_task(service._slot("interfaces", EVERY))
        await asyncio.sleep(0)
        clock.wall += timedelta(seconds=60)
        await service._slot("interfaces", EVERY)
        await first

    place = school(tmp_path, {"sw1": device}, every=EVERY, deadline=1)
    clock = SetClock(START)
    with closing(open_agent(place.campus, place.state, clock=clock)) as agent:
        service = Service(agent, lambda: None)
        asyncio.run(live())
        slots = agent.journal.slots.since(EPOCH)
    assert [(slot.state, slot.reason) for slot in slots] == [
        (SlotState.DONE, None),
        (SlotState.SKIPPED, "the run before it was still going on"),
    ]
