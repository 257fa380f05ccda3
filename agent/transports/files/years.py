"""The year of times that have none (RFC 3164): from what is known of when a file ends, never guessed.

A log is read from its end backwards. Its last line was written on the day that the file's name tells (a rotation by
date), or when the file was last modified, or before the next newer file of its series begins; each older line has the
latest year that does not put it after the line that follows it. What is known of no end has no year.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.transports.files.stamps import Stamp

__all__ = ["Placed", "Run", "latest", "matches", "place"]

SLACK = timedelta(days=2)
"""By which a line may be ahead of the one that follows it, or of the end: clocks and zones of senders differ."""
HALF_A_YEAR = timedelta(days=183)
STRAYS = 3
"""Days of a clock that was wrong for a while; after more of them in a row, nothing tells what came before."""
_LOOK_BACK = 64
_LEAP_CYCLE = 8
"""There are at most eight years between two 29ths of February."""


@dataclass(slots=True)
class Run:
    """Lines in a row that name the same day."""

    stamp: Stamp
    records: int
    first: bytes
    last: bytes
    """Times of the first and the last of them."""


@dataclass(slots=True)
class Placed:
    """Runs with their days; records that are strays, and records whose year is not known."""

    days: list[tuple[date, Run]]
    strays: int = 0
    yearless: int = 0


def latest(stamp: Stamp, end: date) -> date | None:
    """Return the last day of that month and day that is not after `end`; None for a 29 February long ago."""
    for year in range(end.year, max(end.year - _LEAP_CYCLE, 1) - 1, -1):
        try:
            found = date(year, stamp.month, stamp.day)
        except ValueError:
            continue
        if found <= end:
            return found
    return None


def matches(runs: Sequence[Run], modified: date) -> bool:
    """Tell whether the last lines were written when the file was last modified: copying a tree may lose that time."""
    return any(
        (found := latest(run.stamp, modified + SLACK)) is not None and modified - found <= SLACK for run in runs[-3:]
    )


def place(runs: Sequence[Run], end: date | None) -> Placed:
    """Give a year to the runs of one source in one file.

    A step back of more than half a year that earlier lines take back is no step of time but a clock that was wrong:
    those lines are strays, and if it was wrong for longer than a few days, all before its end has no year. A step that
    nothing takes back is a long silence.

    Args:
        runs: in the order of the file.
        end: the day of its end; None where nothing tells.
    """
    if end is None:
        return Placed([], yearless=sum(run.records for run in runs))
    placed = Placed([])
    at = len(runs) - 1
    while at >= 0:
        found = latest(runs[at].stamp, end + SLACK)
        if found is None or end - found > HALF_A_YEAR:
            back = _returns(runs, at, end)
            if back is not None:
                strays = runs[back + 1 : at + 1]
                if len({run.stamp for run in strays}) > STRAYS:
                    placed.yearless += sum(run.records for run in runs[: at + 1])
                    break
                placed.strays += sum(run.records for run in strays)
                at = back
                continue
        if found is None:
            placed.strays += runs[at].records
        else:
            placed.days.append((found, runs[at]))
            end = min(end, found)
        at -= 1
    return placed


def _returns(runs: Sequence[Run], at: int, end: date) -> int | None:
    """Return the nearest earlier run that is within half a year of the end, if there is one near."""
    for back in range(at - 1, max(-1, at - 1 - _LOOK_BACK), -1):
        found = latest(runs[back].stamp, end + SLACK)
        if found is not None and end - found <= HALF_A_YEAR:
            return back
    return None
