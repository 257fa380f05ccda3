"""Slots: every run that the schedule expects, and how it ended, so that silence has a known length.

A slot is `expected` when it falls due, `started` when its run begins, and ends once as `done`, `failed`, `skipped`
(with a reason) or `missed`. An end is final.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from agent.clock import parse_time, time_text
from agent.errors import JournalError

if TYPE_CHECKING:
    import sqlite3
    from datetime import datetime

    from agent.clock import Clock
    from agent.journal.database import Database

__all__ = ["END_STATES", "MOVES", "Slot", "SlotState", "Slots"]


class SlotState(StrEnum):
    """Where a slot stands."""

    EXPECTED = "expected"
    STARTED = "started"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    MISSED = "missed"


END_STATES = frozenset({SlotState.DONE, SlotState.FAILED, SlotState.SKIPPED, SlotState.MISSED})
MOVES: dict[SlotState, frozenset[SlotState]] = {
    SlotState.STARTED: frozenset({SlotState.EXPECTED}),
    SlotState.DONE: frozenset({SlotState.STARTED}),
    SlotState.FAILED: frozenset({SlotState.EXPECTED, SlotState.STARTED}),
    SlotState.SKIPPED: frozenset({SlotState.EXPECTED}),
    SlotState.MISSED: frozenset({SlotState.EXPECTED}),
}
"""From which states a slot may come into each state."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One expected run."""

    job: str
    due: datetime
    state: SlotState
    started: datetime | None = None
    ended: datetime | None = None
    reason: str | None = None


class Slots:
    """The slot table of a journal."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def expect(self, job: str, due: datetime) -> bool:
        """Note that the job is to run at `due`; False if that slot is known already."""

        def insert(db: sqlite3.Connection) -> bool:
            row = (job, time_text(due), SlotState.EXPECTED)
            return db.execute("insert or ignore into slot(job, due, state) values (?, ?, ?)", row).rowcount == 1

        return self._database.write(insert)

    def start(self, job: str, due: datetime) -> None:
        """Note that the run of this slot begins.

        Raises:
            JournalError: the slot is not expected: unknown, begun or ended.
        """
        self._move(job, due, SlotState.STARTED, None)

    def end(self, job: str, due: datetime, state: SlotState | str, reason: str | None = None) -> None:
        """Note how the slot ended: done or failed after a start; skipped, missed or failed without one.

        Raises:
            JournalError: the state is no end, cannot follow the present one, or lacks a reason (`failed`, `skipped`).
        """
        try:
            wanted = SlotState(state)
        except ValueError as error:
            raise JournalError("{state} is not the state of a slot", where=job, state=state) from error
        if wanted not in END_STATES:
            raise JournalError("{state} does not end a slot", where=job, state=wanted)
        if wanted in {SlotState.FAILED, SlotState.SKIPPED} and not reason:
            raise JournalError("a slot that is {state} needs a reason", where=job, state=wanted)
        self._move(job, due, wanted, reason)

    def missed_before(self, moment: datetime) -> list[Slot]:
        """End every slot that was due before the moment and never started as `missed`; return these slots."""
        ended = time_text(self._clock.now())

        def mark(db: sqlite3.Connection) -> list[Any]:
            return db.execute(
                "update slot set state = 'missed', ended = ? "  # noqa: S608 (a constant)
                f"where state = 'expected' and due < ? returning {_COLUMNS}",
                (ended, time_text(moment)),
            ).fetchall()

        return _in_order(self._database.write(mark))

    def interrupted(self, reason: str) -> list[Slot]:
        """End every slot that an earlier process started and never ended as `failed`; return these slots."""
        ended = time_text(self._clock.now())

        def mark(db: sqlite3.Connection) -> list[Any]:
            return db.execute(
                "update slot set state = 'failed', ended = ?, reason = ? "  # noqa: S608 (a constant)
                f"where state = 'started' returning {_COLUMNS}",
                (ended, reason),
            ).fetchall()

        return _in_order(self._database.write(mark))

    def since(self, moment: datetime, *, job: str | None = None) -> list[Slot]:
        """Return the slots due at or after the moment, by due time."""
        return _in_order(
            self._database.rows(
                f"select {_COLUMNS} from slot where due >= ? and (? is null or job = ?)",  # noqa: S608 (a constant)
                (time_text(moment), job, job),
            )
        )

    def latest(self, job: str) -> Slot | None:
        """Return the job's newest slot, or None: where the schedule goes on after a restart."""
        rows = self._database.rows(
            f"select {_COLUMNS} from slot where job = ? order by due desc limit 1",  # noqa: S608 (a constant)
            (job,),
        )
        return _slot(rows[0]) if rows else None

    def _move(self, job: str, due: datetime, state: SlotState, reason: str | None) -> None:
        now, at = time_text(self._clock.now()), time_text(due)
        column = "started" if state is SlotState.STARTED else "ended"
        allowed = MOVES[state]

        def move(db: sqlite3.Connection) -> None:
            row = db.execute("select state from slot where job = ? and due = ?", (job, at)).fetchone()
            if row is None or SlotState(row[0]) not in allowed:
                raise JournalError(
                    "the slot of {job} at {due} is {found} and cannot become {state}",
                    job=job,
                    due=at,
                    found=row[0] if row else "unknown",
                    state=state,
                )
            db.execute(
                f"update slot set state = ?, {column} = ?, reason = ? where job = ? and due = ?",  # noqa: S608 (a constant)
                (state, now, reason, job, at),
            )

        self._database.write(move)


_COLUMNS = "job, due, state, started, ended, reason"


def _slot(row: tuple[Any, ...]) -> Slot:
    job, due, state, started, ended, reason = row
    return Slot(
        job=job,
        due=parse_time(due),
        state=SlotState(state),
        started=parse_time(started) if started else None,
        ended=parse_time(ended) if ended else None,
        reason=reason,
    )


def _in_order(rows: list[tuple[Any, ...]]) -> list[Slot]:
    return sorted((_slot(row) for row in rows), key=lambda slot: (slot.due, slot.job))
