"""`campus-agent run`: poll by the plan, upload, beat the watchdog, until told to stop.

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
from agent.model.evidence import EntryKind
from agent.runtime import notify, recovery
from agent.runtime.cycle import run
from agent.runtime.schedule import EPOCH, Patience, due_between, jobs_of, planned, slot_before

if TYPE_CHECKING:
    from collections.abc import Callable
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
KEEP_DAYS = 400
"""Days that raw answers are kept after their receipt."""

log = logging.getLogger(__name__)


class Service:
    """The running agent.

    Args:
        agent: assembled and enrolled.
        reload: reads the campus file again; raises ConfigError when it is wrong.
    """

    def __init__(self, agent: Agent, reload: Callable[[], None]) -> None:
        self._agent = agent
        self._reload = reload
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._stop = asyncio.Event()
        self._busy: dict[str, asyncio.Lock] = {}
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
        self._scheduler.start()
        tasks = [asyncio.create_task(self._beat()), asyncio.create_task(self._uplink())]
        notify.ready("polling")
        stopping = asyncio.create_task(self._stop.wait())
        try:
            done, _ = await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
            for task in done - {stopping}:
                task.result()  # a task that ended early has failed: say so instead of going on half alive
        finally:
            notify.stopping()
            self._scheduler.shutdown(wait=False)
            for task in (*tasks, stopping):
                task.cancel()
            await asyncio.gather(*tasks, stopping, return_exceptions=True)
            recovery.abort_open_runs(self._agent, "the agent was told to stop")

    # --- slots ---

    def _recover(self) -> None:
        agent = self._agent
        recovery.abort_open_runs(agent)
        agent.journal.slots.interrupted("the agent stopped during the run")
        now = agent.clock.now()
        older = 0
        for collector, every in planned(agent.campus, agent.families).items():
            latest = agent.journal.slots.latest(collector)
            if latest is not None:
                slots, left_out = due_between(latest.due, now - timedelta(seconds=every), every)
                older += left_out
                for due in slots:
                    agent.journal.slots.expect(collector, due)
        missed = agent.journal.slots.missed_before(now)
        recovery.state_gap(agent, missed, "the agent was not running", more=older)

    def _plan(self) -> None:
        self._scheduler.remove_all_jobs()
        for collector, every in planned(self._agent.campus, self._agent.families).items():
            self._scheduler.add_job(
                self._slot,
                IntervalTrigger(seconds=every, start_date=EPOCH, timezone="UTC"),
                args=[collector, every],
                id=collector,
                misfire_grace_time=None,
                coalesce=True,
                max_instances=1_000,  # a slot that comes while its collector is busy is recorded as skipped
            )

    async def _slot(self, collector: str, every: int) -> None:
        agent = self._agent
        due = slot_before(agent.clock.now(), every)
        if not agent.journal.slots.expect(collector, due):
            return
        lock = self._busy.setdefault(collector, asyncio.Lock())
        if lock.locked():
            agent.journal.slots.end(collector, due, "skipped", "the run before it was still going on")
            return
        if not agent.journal.space().enough:
            agent.journal.slots.end(collector, due, "skipped", "there is no room left for the journal")
            log.error("there is no room left for the journal: upload or free space; measuring is paused")
            return
        async with lock:
            await self._measure(collector, every, due)

    async def _measure(self, collector: str, every: int, due: datetime) -> None:
        agent = self._agent
        resting = self._patience.resting(agent.clock.now())
        jobs = jobs_of(agent.campus, agent.families, [collector], skip=resting)
        if not jobs:
            agent.journal.slots.end(collector, due, "skipped", "every device is resting after failures")
            return
        agent.journal.slots.start(collector, due)
        try:
            result = await run(agent, jobs)
        except JournalError as error:
            log.exception("the journal failed")
            with suppress(JournalError):
                agent.journal.slots.end(collector, due, "failed", str(error))
            return
        agent.journal.slots.end(collector, due, "done")
        self._patience.note(result.targets, agent.clock.now(), every)
        self._last_entry = agent.clock.now()
        self._wake_uplink.set()

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
                agent.state(EntryKind.HEARTBEAT, agent.plan_files, time=agent.times(now))
                self._last_entry = now
                self._wake_uplink.set()
            if now - pruned >= timedelta(days=1):
                agent.journal.prune(now, KEEP_DAYS)
                pruned = now

    def _clock_step(self, seconds: float) -> None:
        agent = self._agent
        log.warning("the wall clock was set by %.1f s", seconds)
        agent.state(
            EntryKind.CONFIG,
            agent.plan_files,
            time=agent.times(agent.clock.now()),
            reason=f"the wall clock stepped by {seconds:.1f} s",
        )
        self._plan()

    def _on_reload(self) -> None:
        notify.reloading()
        try:
            self._reload()
        except AgentError as error:
            log.error("the new campus file is not used: %s", error)  # noqa: TRY400 - the text says it all
        else:
            self._agent.state(
                EntryKind.CONFIG,
                self._agent.plan_files,
                time=self._agent.times(self._agent.clock.now()),
                reason="the campus file was read again",
            )
            self._plan()
        notify.ready("polling")
