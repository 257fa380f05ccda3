"""What all files together hold of a source, and the words for it."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.clock import time_text
from agent.model.logs import LogDay, SourceDays
from agent.transports.files.stamps import moment_of

if TYPE_CHECKING:
    from datetime import date
    from zoneinfo import ZoneInfo

    from agent.model.logs import LogTally

__all__ = ["Sum", "free_octets", "told"]


@dataclass
class Sum:
    """What all files hold of one source."""

    days: Counter[date] = field(default_factory=Counter)
    first: tuple[date, bytes] | None = None
    last: tuple[date, bytes] | None = None
    records: int = 0
    undated: int = 0
    yearless: int = 0
    octets: int = 0
    files: int = 0
    shares: bool = False
    owns: bool = False
    unreadable: int = 0

    def see(self, day: date, records: int, first: bytes, last: bytes) -> None:
        """Take records of a day, of which these are the times of the first and the last."""
        self.days[day] += records
        self.first = min(self.first, (day, first)) if self.first else (day, first)
        self.last = max(self.last, (day, last)) if self.last else (day, last)


def told(name: str, total: Sum, request: LogTally, zone: ZoneInfo) -> SourceDays:
    """Return the word for it; `octets` only where the source shares no file."""
    low, high = request.since or "0", request.until or "9"
    days = sorted((day.isoformat(), records) for day, records in total.days.items())
    return SourceDays(
        source=name,
        first=_moment(total.first, zone),
        last=_moment(total.last, zone),
        days=tuple(LogDay(day=day, records=str(records)) for day, records in days if low <= day <= high),
        records=str(total.records),
        undated=str(total.undated),
        yearless=str(total.yearless),
        octets=None if total.shares else str(total.octets),
        files=total.files,
        unreadable=total.unreadable,
    )


def _moment(at: tuple[date, bytes] | None, zone: ZoneInfo) -> str | None:
    return None if at is None else time_text(moment_of(*at, zone))


def free_octets(where: str) -> str | None:
    """Return the octets that may still be written to the file system, where it tells."""
    try:
        status = os.statvfs(where)
    except OSError:
        return None
    return str(status.f_bavail * status.f_frsize)
