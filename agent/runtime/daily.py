"""The daily assessment: the service judges itself once a day, by the standards that the school applies for."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from agent.clock import parse_time
from agent.errors import AgentError, JournalError
from agent.journal.slots import SlotState
from agent.runtime.assessment import WINDOW_DAYS, late_runs, latest_assessment, sign_judgement
from agent.runtime.judging import judge_apart
from agent.runtime.schedule import DAY, first_slot, slot_before

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from agent.journal.records import Entry
    from agent.runtime.wiring import Agent

__all__ = ["JOB", "Daily"]

JOB = "assessment"
"""Its slots in the journal."""
LONGEST_WAIT = 7200.0
"""Seconds that the day's measurements are waited for; the plan gives a recorder at most an hour."""
TRIES = 3
"""How often a window is judged again because a run of it came in meanwhile."""

log = logging.getLogger(__name__)


class Daily:
    """Judges, signs and leaves the statement to the outbox; at most one assessment at a time.

    Args:
        agent: the running agent.
        measured: tells whether everything that falls due on the day of that slot has been asked.
    """

    def __init__(self, agent: Agent, measured: Callable[[datetime], bool]) -> None:
        self._agent = agent
        self._measured = measured
        self._busy = False
        self._news = asyncio.Event()

    def tell(self) -> None:
        """Say that a measurement has ended."""
        self._news.set()

    async def run(self) -> Entry | None:
        """Judge, if that was not done yet today; whatever goes wrong is logged and kept with the slot, never raised.

        Returns:
            The signed entry; None: there is nothing to judge by, it was done already, or it failed.
        """
        due = slot_before(self._agent.clock.now(), DAY, first_slot(self._agent.campus, DAY))
        if self._busy or not self._standards() or self._judged_since(due):
            return None
        self._busy = True
        try:
            await self._wait(due)
            return await self._slot(due)
        except AgentError as error:
            log.error("assessment: %s", error)  # noqa: TRY400 - the text says it all
        except Exception:
            log.exception("assessment: it failed")
        finally:
            self._busy = False
        return None

    async def _wait(self, due: datetime) -> None:
        """Wait for what is measured on that day, recorders and log stores above all; not for ever."""
        try:
            async with asyncio.timeout(LONGEST_WAIT):
                while not self._measured(due):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            log.warning("assessment: some of today's measurements are still going on; judging without them")

    async def _slot(self, due: datetime) -> Entry:
        """Judge and note how it ended; a day whose slot has failed already is judged beside it."""
        slots = self._agent.journal.slots
        noted = slots.expect(JOB, due)
        if noted:
            slots.start(JOB, due)
        try:
            entry = await self._judged()
        except Exception as error:
            if noted:
                slots.end(JOB, due, SlotState.FAILED, str(error) or type(error).__name__)
            raise
        if noted:
            slots.end(JOB, due, SlotState.DONE)
        return entry

    async def _judged(self) -> Entry:
        """Judge and sign; judge again where a run of the window came in meanwhile (a clock that was set back)."""
        agent = self._agent
        if not agent.journal.space().enough:
            raise JournalError("there is no room left for the journal", todo="Upload, or free space")
        for _ in range(TRIES):
            until = agent.clock.now()
            since = until - timedelta(days=WINDOW_DAYS)
            judgement = await judge_apart(agent.journal.directory, agent.campus_bytes, self._standards(), since, until)
            if not await asyncio.to_thread(late_runs, agent.journal, judgement):
                break
        return await asyncio.to_thread(sign_judgement, agent, judgement)

    def _standards(self) -> list[str]:
        return [application.standard for application in self._agent.campus.applications]

    def _judged_since(self, due: datetime) -> bool:
        """Tell whether the day has its assessment, also one that was signed beside a slot that had failed before."""
        journal = self._agent.journal
        if any(slot.due == due and slot.state is SlotState.DONE for slot in journal.slots.since(due, job=JOB)):
            return True
        newest = latest_assessment(journal, self._standards())
        return newest is not None and parse_time(newest.predicate.time.finished) >= due
