"""`campus-agent run`: poll by the plan, judge once a day, upload, beat the watchdog, until told to stop.

APScheduler gives the rhythm; the slots are ours, because a scheduler that coalesces, or waits for a clock that was
set back, would lose runs without a word. Every slot ends as done, failed, skipped or missed, and what was missed
becomes an entry of the chain. A step of the wall clock is noticed within `BEAT` seconds against the monotonic
clock: it is stated in the chain and the rhythm starts anew.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from agent.errors import AgentError, JournalError
from agent.journal.slots import SlotState
from agent.language import N_
from agent.model.evidence import EntryKind
from agent.runtime import notify, recovery
from agent.runtime.cycle import run
from agent.runtime.daily import JOB, Daily
from agent.runtime.schedule import (
    ALL_RESTING,
    DAY,
    MAX_PAUSE,
    Patience,
    due_between,
    first_slot,
    jobs_of,
    planned,
    slot_before,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from datetime import datetime

    from agent.runtime.wiring import Agent

__all__ = ["Service"]

BEAT = 5.0
"""Seconds between looks at clocks, space and the watchdog."""
STEP = 2.0
"""Seconds by which wall and monotonic time may drift apart in one beat before it is called a step."""
LAG = 5.0
"""Seconds of event-loop lag above which the watchdog is not fed: a service that hangs is restarted."""
HEARTBEAT = timedelta(hours=1)
LONG = 600
"""Seconds; a plan that is slower than this does its present slot at start, if that has not been done."""
KEEP_DAYS = 400
"""Days that raw answers are kept after their receipt."""

log = logging.getLogger(__name__)


class Service:
    """The running agent.

    Args:
        agent: assembled and enrolled.
        reload: reads the campus file again; raises ConfigError when it is wrong.
        translate: into the language of the log.
    """

    def __init__(self, agent: Agent, reload: Callable[[], None], translate: Callable[[str], str] = str) -> None:
        self._agent = agent
        self._reload = reload
        self._translate = translate
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._stop = asyncio.Event()
        self._busy: set[str] = set()
        self._runs: set[asyncio.Task[None]] = set()
        self._handled: dict[str, datetime] = {}
        self._lived: dict[str, datetime] = {}
        self._daily = Daily(agent, self._measured)
        self._patience = Patience()
        self._last_entry = agent.clock.now()
        self._wake_uplink = asyncio.Event()

    async def serve(self) -> None:
        """Run until SIGTERM or SIGINT.

        Raises:
            JournalError: the journal can no longer be written.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._on_reload)
        self._recover()
        self._plan()
        for collector, every in planned(self._agent.campus, self._agent.families).items():
            if every >= LONG and not self._done(collector, every):
                await self._fire(collector, every)  # else the day of a restart would go without
        await self._judge()
        self._scheduler.start()
        tasks = [asyncio.create_task(self._beat()), asyncio.create_task(self._uplink())]
        notify.ready(self._told())
        log.info("%s", self._planned())
        stopping = asyncio.create_task(self._stop.wait())
        try:
            done, _ = await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
            for task in done - {stopping}:
                task.result()  # a task that ended early has failed: say so instead of going on half alive
        finally:
            notify.stopping()
            self._scheduler.shutdown(wait=False)
            ending = (*tasks, stopping, *self._runs)
            for task in ending:
                task.cancel()
            await asyncio.gather(*ending, return_exceptions=True)  # a run that is cancelled ends itself in the chain
            with suppress(JournalError):
                self._agent.journal.slots.interrupted("the agent was told to stop")

    # --- slots ---

    def _done(self, collector: str, every: int) -> bool:
        """Tell whether an earlier process did the present slot; a recorder is not asked anew for every restart."""
        agent = self._agent
        latest = agent.journal.slots.latest(collector)
        present = slot_before(agent.clock.now(), every, first_slot(agent.campus, every))
        if latest is None or latest.state is not SlotState.DONE or latest.due != present:
            return False
        self._handled[collector] = self._lived[collector] = present
        return True

    def _recover(self) -> None:
        agent = self._agent
        recovery.abort_open_runs(agent)
        agent.journal.slots.interrupted("the agent stopped during the run")
        self._count_missed(planned(agent.campus, agent.families), agent.clock.now(), "the agent was not running")

    def _count_missed(self, plan: Mapping[str, int], until: datetime, reason: str) -> None:
        """End every slot of the plan before `until` that nobody noted; say in the chain how many there were."""
        agent = self._agent
        older = 0
        for collector, every in plan.items():
            latest = agent.journal.slots.latest(collector)
            if latest is not None:
                slots, left_out = due_between(latest.due, until, every, first_slot(agent.campus, every))
                older += left_out
                for due in slots:
                    if due < until:
                        agent.journal.slots.expect(collector, due)
        missed = agent.journal.slots.missed_before(until)
        recovery.state_gap(agent, missed, reason, more=older)

    def _plan(self) -> None:
        self._scheduler.remove_all_jobs()
        campus = self._agent.campus
        for collector, every in planned(campus, self._agent.families).items():
            self._scheduler.add_job(
                self._fire,
                IntervalTrigger(seconds=every, start_date=first_slot(campus, every), timezone="UTC"),
                args=[collector, every],
                id=collector,
                misfire_grace_time=None,
                coalesce=True,
            )
        self._scheduler.add_job(
            self._judge,
            IntervalTrigger(seconds=DAY, start_date=first_slot(campus, DAY), timezone="UTC"),
            id=JOB,
            misfire_grace_time=None,
            coalesce=True,
        )

    async def _fire(self, collector: str, every: int) -> None:
        """Begin a slot."""
        self._begin(self._slot(collector, every))

    async def _judge(self) -> None:
        """Begin the day's assessment."""
        self._begin(self._assess())

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        """Begin a task of ours: APScheduler would not wait for it at the end, and log its cancelling."""
        task = asyncio.create_task(work)
        self._runs.add(task)
        task.add_done_callback(self._runs.discard)

    async def _slot(self, collector: str, every: int) -> None:
        """Do what falls due now; whatever goes wrong ends this slot, not the service."""
        due = slot_before(self._agent.clock.now(), every, first_slot(self._agent.campus, every))
        try:
            await self._due(collector, every, due)
        except AgentError as error:
            log.error("%s: %s", collector, error.render(self._translate))  # noqa: TRY400 - the text says it all
        except Exception:
            log.exception("%s: a slot failed", collector)
        self._lived[collector] = due
        self._daily.tell()

    async def _due(self, collector: str, every: int, due: datetime) -> None:
        slots = self._agent.journal.slots
        if self._handled.get(collector) == due:
            return  # the rhythm was begun anew within one interval
        self._handled[collector] = due
        self._count_missed(
            {collector: every}, due, "no run took place: the agent was held up, or its clock was set forward"
        )
        new = slots.expect(collector, due)
        if not new and collector not in self._busy:
            # The clock was set back: this slot has its end from before, and the time is lived through once more.
            await self._measure(collector, every, None)
        elif not new:
            return
        elif collector in self._busy:
            slots.end(collector, due, "skipped", "the run before it was still going on")
        elif not self._agent.journal.space().enough:
            slots.end(collector, due, "skipped", "there is no room left for the journal")
            full = N_("there is no room left for the journal: upload or free space; measuring is paused")
            log.error("%s", self._translate(full))
        else:
            await self._measure(collector, every, due)

    async def _measure(self, collector: str, every: int, due: datetime | None) -> None:
        """Do one run; `due` is its slot, None for a run beside the slots."""
        agent = self._agent
        # what is asked seldom is asked also of a device that failed a moment ago: its next turn may be tomorrow
        often = timedelta(seconds=every) <= MAX_PAUSE
        resting = self._patience.resting(agent.clock.now()) if often else frozenset()
        jobs = jobs_of(agent.campus, agent.families, [collector], skip=resting)
        if not jobs:
            self._ended(collector, due, "skipped", ALL_RESTING)
            return
        if due is not None:
            agent.journal.slots.start(collector, due)
        self._busy.add(collector)
        try:
            asked = jobs_of(agent.campus, agent.families, [collector])
            result = await run(agent, jobs, resting=resting & {job.asset.id for job in asked})
        except Exception as error:
            with suppress(JournalError):
                self._ended(collector, due, "failed", str(error) or type(error).__name__)
            raise
        finally:
            self._busy.discard(collector)
        self._ended(collector, due, "done")
        self._patience.note(result.targets, agent.clock.now(), every)
        self._last_entry = agent.clock.now()
        self._wake_uplink.set()

    def _ended(self, collector: str, due: datetime | None, state: str, reason: str | None = None) -> None:
        if due is not None:
            self._agent.journal.slots.end(collector, due, state, reason)

    # --- the day's assessment ---

    async def _assess(self) -> None:
        if await self._daily.run() is not None:
            self._last_entry = self._agent.clock.now()
            self._wake_uplink.set()

    def _measured(self, day: datetime) -> bool:
        """Tell whether every collector has had a slot since that day began; those that take long have to have ended."""
        return all(
            name in self._lived
            and self._lived[name] >= slot_before(day, every, first_slot(self._agent.campus, every))
            and (every < LONG or name not in self._busy)
            for name, every in planned(self._agent.campus, self._agent.families).items()
        )

    # --- uplink ---

    async def _uplink(self) -> None:
        while True:
            wait = 30.0
            if self._agent.backend is not None:
                wait = await self._agent.backend.flush(self._agent.journal)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._wake_uplink.wait()
            self._wake_uplink.clear()

    # --- the beat ---

    async def _beat(self) -> None:
        agent = self._agent
        wall, mono = agent.clock.now(), agent.clock.monotonic_ns()
        pruned = wall
        while True:
            await asyncio.sleep(BEAT)
            now, now_mono = agent.clock.now(), agent.clock.monotonic_ns()
            passed = (now_mono - mono) / 1e9
            step = (now - wall).total_seconds() - passed
            wall, mono = now, now_mono
            if abs(step) > STEP:
                self._clock_step(step)
            if passed - BEAT < LAG:
                notify.watchdog()
            if abs(now - self._last_entry) >= HEARTBEAT:
                self._state(EntryKind.HEARTBEAT)
            if abs(now - pruned) >= timedelta(days=1):
                pruned = now
                self._prune(now)

    def _state(self, kind: EntryKind, reason: str | None = None) -> None:
        """Append an entry about the agent itself; a full disk does not end a service that waits for room."""
        agent = self._agent
        self._last_entry = agent.clock.now()
        try:
            agent.state(kind, agent.plan_files, time=agent.times(self._last_entry), reason=reason)
        except JournalError as error:
            log.error("%s", error.render(self._translate))  # noqa: TRY400 - the text says it all
        self._wake_uplink.set()

    def _prune(self, now: datetime) -> None:
        try:
            self._agent.journal.prune(now, KEEP_DAYS)
        except JournalError as error:
            log.error("%s", error.render(self._translate))  # noqa: TRY400 - the text says it all

    def _told(self) -> str:
        return f"polling {len(self._agent.campus.assets)} devices"

    def _planned(self) -> str:
        """Return how many devices there are, and what is asked how often."""
        _ = self._translate
        agent = self._agent
        every = _("{collector} every {seconds} s")
        plan = planned(agent.campus, agent.families).items()
        told = [every.format(collector=name, seconds=seconds) for name, seconds in plan]
        told.extend(
            _("the assessment once a day by {standard}").format(standard=one.standard)
            for one in agent.campus.applications
        )
        return _("measuring {count} devices: {plan}").format(count=len(agent.campus.assets), plan=", ".join(told))

    def _clock_step(self, seconds: float) -> None:
        told = self._translate(N_("the wall clock was set by {seconds} s"))
        log.warning("%s", told.format(seconds=f"{seconds:.1f}"))
        self._state(EntryKind.CONFIG, f"the wall clock stepped by {seconds:.1f} s")
        self._plan()
        self._begin(self._assess())  # a day may have begun in between

    def _on_reload(self) -> None:
        notify.reloading()
        try:
            self._reload()
        except AgentError as error:
            told = self._translate(N_("the new campus file is not used: {why}"))
            log.error("%s", told.format(why=error.render(self._translate)))  # noqa: TRY400 - the text says it all
        else:
            self._state(EntryKind.CONFIG, "the campus file was read again")
            self._plan()
            log.info("%s", self._translate(N_("the campus file was read again")))
            log.info("%s", self._planned())
            if self._agent.lines is not None:
                self._begin(self._agent.lines.keep({asset.id for asset in self._agent.campus.assets}))
        if self._agent.backend is not None:
            self._agent.backend.resume(self._agent.journal)
            self._wake_uplink.set()
        notify.ready(self._told())
