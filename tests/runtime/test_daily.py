"""The service judges once a day: after the day's measurements, in a process beside it, whatever happens there."""

from __future__ import annotations

import asyncio
import os
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import psutil
import pytest

from agent.errors import JournalError, UsageError
from agent.evidence.bundle import write_bundle
from agent.journal.slots import SlotState
from agent.model.evidence import EntryKind, Statement, TargetResult
from agent.runtime.assessment import assess_window, export, judge_window, late_runs, latest_assessment, sign_judgement
from agent.runtime.daily import JOB, Daily
from agent.runtime.judging import judge_apart
from agent.runtime.schedule import EPOCH, planned
from agent.runtime.service import Service
from agent.runtime.wiring import open_agent
from agent.verify.bundle import verify_bundle
from tests.runtime.world import School, SetClock, school

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START = datetime(2026, 11, 22, 2, 0, 0, tzinfo=UTC)
BOZHOU = "applications: [{standard: bozhou-school-2024}]\n"


class Days:
    """A service whose days a test lives through."""

    def __init__(self, place: School) -> None:
        self.place = place
        self.clock = SetClock(START)
        self.agent = open_agent(place.campus, place.state, clock=self.clock)
        self.service = Service(self.agent, lambda: None)

    async def measure(self) -> None:
        """Live through one slot of everything that is planned."""
        for collector, every in planned(self.agent.campus, self.agent.families).items():
            await self.service._slot(collector, every)

    def slots(self) -> list[tuple[SlotState, str | None]]:
        """Return how the assessments of each day ended."""
        return [(slot.state, slot.reason) for slot in self.agent.journal.slots.since(EPOCH, job=JOB)]


@pytest.fixture
def days(tmp_path: Path, device: int) -> Iterator[Days]:
    """Return a school that applies for one standard, with a device that answers."""
    made = Days(school(tmp_path, {"sw1": device}, more=BOZHOU))
    with closing(made.agent):
        yield made


def test_each_day_has_one_assessment_and_it_holds(days: Days, tmp_path: Path) -> None:
    """Asked again on the same day nothing happens, the next day is judged anew, and a stranger accepts the bundle."""

    async def live() -> None:
        for hours in (0, 1, 24):
            days.clock.wall = START + timedelta(hours=hours)
            await days.measure()
            await days.service._assess()

    asyncio.run(live())
    assert days.slots() == [(SlotState.DONE, None), (SlotState.DONE, None)]
    assert days.place.kinds()["assessment"] == 2
    entries = list(days.agent.journal.entries(kind=EntryKind.ASSESSMENT))
    newest = latest_assessment(days.agent.journal, ["bozhou-school-2024"])
    assert newest == Statement.from_bytes(entries[-1].payload)
    assert latest_assessment(days.agent.journal, ["wuhan-2020"]) is None
    contents = export(days.agent.journal, entries[-1], days.agent.signer.public_pem, None, None)
    write_bundle(tmp_path / "bundle.zip", contents)
    verified = verify_bundle((tmp_path / "bundle.zip").read_bytes()).result
    assert verified.ok, [f"{check.name}: {check.detail}" for check in verified.failed()]


def held(days: Days, directory: Path) -> list[str]:
    """Return what fails in the bundle of the newest assessment."""
    newest = list(days.agent.journal.entries(kind=EntryKind.ASSESSMENT))[-1]
    contents = export(days.agent.journal, newest, days.agent.signer.public_pem, None, None)
    write_bundle(directory / "bundle.zip", contents)
    verified = verify_bundle((directory / "bundle.zip").read_bytes()).result
    return [f"{check.name}: {check.detail}" for check in verified.failed()]


def test_a_bundle_begins_before_its_window_and_holds_where_older_judgements_lie_between(
    days: Days, tmp_path: Path
) -> None:
    """After forty days the window no longer reaches the first runs; what was judged then is history, and holds."""

    async def live() -> None:
        for day in (0, 20, 40):
            days.clock.wall = START + timedelta(days=day)
            await days.measure()
            await days.service._assess()

    asyncio.run(live())
    assert days.place.kinds()["assessment"] == 3
    assert held(days, tmp_path) == []


def test_a_campus_file_that_nothing_was_measured_by_is_named_in_the_chain(days: Days, tmp_path: Path) -> None:
    """Who judges by an edited file says so with an entry of its own; without it the bundle would not hold."""
    asyncio.run(days.measure())
    before = days.place.kinds()
    days.agent.campus_bytes += b"# edited since\n"
    until = days.clock.now()
    assess_window(days.agent, ["bozhou-school-2024"], until - timedelta(days=1), until)
    assert {kind: count - before[kind] for kind, count in days.place.kinds().items() if count != before[kind]} == {
        "config": 1,
        "assessment": 1,
    }
    assert held(days, tmp_path) == []


def test_a_restart_asks_nothing_twice(days: Days) -> None:
    """What an hour or a day has done already stays done for the process that comes next; the next hour is due again."""
    seldom = [(name, every) for name, every in planned(days.agent.campus, days.agent.families).items() if every >= 3600]

    def left(service: Service) -> list[str]:
        return [name for name, every in seldom if not service._done(name, every)]

    assert left(days.service) == [name for name, _ in seldom]
    asyncio.run(days.measure())
    days.clock.wall += timedelta(minutes=3)
    again = Service(days.agent, lambda: None)
    assert left(again) == []
    days.clock.wall += timedelta(hours=1)
    assert left(again) == [name for name, every in seldom if every == 3600]


def test_a_device_that_failed_just_before_is_asked_at_its_hour(days: Days) -> None:
    """Who was away at five to two is left in peace by what comes every minute, not by what comes once a day."""
    away = [TargetResult(id="sw1", result="unreachable")]
    for _ in range(3):
        days.service._patience.note(away, days.clock.now(), 300)

    async def live() -> dict[str, int]:
        await days.service._slot("interfaces", 300)
        often = days.place.kinds()["run"]
        await days.service._slot("ipv6", 86_400)
        return {"often": often, "daily": days.place.kinds()["run"] - often}

    assert asyncio.run(live()) == {"often": 0, "daily": 1}


def test_what_is_judged_apart_is_what_is_judged_here(days: Days) -> None:
    """The process beside the service names the same runs and packs and comes to the same findings, byte for byte."""
    asyncio.run(days.measure())
    until = days.clock.now()
    window = (until - timedelta(days=1), until)
    here = judge_window(days.agent.journal, days.agent.campus_bytes, ["bozhou-school-2024"], *window)
    there = asyncio.run(
        judge_apart(days.agent.journal.directory, days.agent.campus_bytes, ["bozhou-school-2024"], *window)
    )
    assert (there.files, there.head, there.window) == (here.files, here.head, here.window)
    assert (there.campus, there.campus_digest) == (here.campus, here.campus_digest)


def test_the_day_is_judged_after_it_was_measured(days: Days) -> None:
    """Until every collector has had its slot of the day, the assessment waits, and then begins by itself."""

    async def live() -> None:
        waiting = asyncio.create_task(days.service._assess())
        collectors = list(planned(days.agent.campus, days.agent.families).items())
        assert len(collectors) > 1
        for collector, every in collectors:
            await days.service._slot(collector, every)
            assert days.slots() == []
        await waiting

    asyncio.run(live())
    assert days.slots() == [(SlotState.DONE, None)]


def test_a_failed_assessment_says_why_and_is_made_up_for(days: Days, caplog: pytest.LogCaptureFixture) -> None:
    """Without anything to judge the slot is failed, with the reason in the log; asked again, the day is judged."""

    async def live(daily: Daily) -> None:
        assert await daily.run() is None
        await days.measure()
        assert await daily.run() is not None
        assert await daily.run() is None, "the day has its assessment, though not in its slot"

    asyncio.run(live(Daily(days.agent, lambda _: True)))
    (slot,) = days.slots()
    assert slot[0] is SlotState.FAILED
    assert "no finished run" in (slot[1] or "")
    assert "assessment: " in caplog.text
    assert "no finished run" in caplog.text
    assert days.place.kinds()["assessment"] == 1


def test_a_school_that_applies_for_nothing_is_not_judged(tmp_path: Path, device: int) -> None:
    """Without `applications` there is no standard to judge by: no slot, no entry, no error."""
    made = Days(school(tmp_path, {"sw1": device}))
    with closing(made.agent):
        asyncio.run(made.measure())
        asyncio.run(made.service._assess())
        assert made.slots() == []
    assert made.place.kinds()["assessment"] == 0


def test_a_run_that_comes_in_late_is_not_left_out(days: Days) -> None:
    """A statement that would not name a run of its window is refused; the service judges such a window again."""
    asyncio.run(days.measure())
    until = days.clock.now()
    made = judge_window(
        days.agent.journal, days.agent.campus_bytes, ["bozhou-school-2024"], until - timedelta(days=1), until
    )
    assert late_runs(days.agent.journal, made) == 0
    days.clock.wall -= timedelta(minutes=30)
    asyncio.run(days.service._slot("interfaces", 300))
    assert late_runs(days.agent.journal, made) == 1
    with pytest.raises(JournalError, match="1 runs of this window came in"):
        sign_judgement(days.agent, made)
    assert days.place.kinds()["assessment"] == 0


# --- the process ----------------------------------------------------------------------------------------------------


@pytest.fixture
def stuck(tmp_path: Path) -> Path:
    """Return a journal that nobody can ever finish opening."""
    (tmp_path / "journal").mkdir(mode=0o700)
    os.mkfifo(tmp_path / "journal" / "journal.db", 0o600)
    return tmp_path / "journal"


def children() -> list[psutil.Process]:
    """Return the processes that judge."""
    found = []
    for one in psutil.Process().children():
        with suppress(psutil.Error):  # it has ended meanwhile
            if "agent.runtime.judging" in one.cmdline():
                found.append(one)
    return found


async def judged(journal: Path, standard: str, campus: bytes = b"", seconds: float = 60) -> None:
    """Judge a day."""
    await judge_apart(journal, campus, [standard], START - timedelta(days=1), START, seconds)


def test_judging_that_takes_too_long_is_ended(stuck: Path) -> None:
    """After its time the process is killed, and the error says what to do."""
    with pytest.raises(JournalError, match=r"longer than 1 s.*fewer standards"):
        asyncio.run(judged(stuck, "bozhou-school-2024", seconds=1))
    assert children() == []


def test_a_service_that_stops_ends_the_judging(stuck: Path) -> None:
    """What is cancelled leaves no process behind."""

    async def live() -> None:
        task = asyncio.create_task(judged(stuck, "bozhou-school-2024"))
        while not children() and not task.done():
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(live())
    assert children() == []


def test_a_process_that_dies_is_an_error(stuck: Path) -> None:
    """Killed from outside, as the kernel does where memory is short, it is told with what the number means."""

    async def live() -> None:
        task = asyncio.create_task(judged(stuck, "bozhou-school-2024"))
        while not children() and not task.done():
            await asyncio.sleep(0.01)
        children()[0].kill()
        await task

    with pytest.raises(JournalError, match=r"\(-9\).*memory"):
        asyncio.run(live())


def test_what_cannot_be_judged_is_told_as_it_is(days: Days) -> None:
    """An error of ours in the process beside arrives with its text."""
    campus = days.agent.campus_bytes.replace(b"role: egress", b"role: wan")
    with pytest.raises(UsageError, match=r"campus\.yaml:.*wan"):
        asyncio.run(judged(days.agent.journal.directory, "bozhou-school-2024", campus))
