"""Time as a port: wall clock, monotonic clock, boot identity and synchronisation state.

Nothing below `sessions` reads a clock; what it needs comes with the answers. Wall time is written as RFC 3339 in UTC
with milliseconds (`2026-11-22T01:02:03.004Z`), monotonic time as whole nanoseconds.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from agent.errors import MalformedError

__all__ = ["Clock", "SystemClock", "boot_id", "parse_time", "time_text"]

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")


class Clock(Protocol):
    """What a part that needs time is given."""

    def now(self) -> datetime:
        """Return wall time, aware, in UTC."""
        ...

    def monotonic_ns(self) -> int:
        """Return nanoseconds of a clock that never steps (CLOCK_MONOTONIC)."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Return wall time, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic_ns(self) -> int:
        """Return CLOCK_MONOTONIC in nanoseconds."""
        return time.monotonic_ns()


def time_text(moment: datetime) -> str:
    """Return RFC 3339 text in UTC with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_time(text: str) -> datetime:
    """Read RFC 3339 text with a zone; naive times are refused.

    Raises:
        MalformedError: the text is not such a time.
    """
    if not _TIME.fullmatch(text):
        raise MalformedError("{text!r} is not a time of the form 2026-11-22T01:02:03.004Z", text=text[:100])
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise MalformedError("{text!r} is not a time", text=text) from error


def boot_id() -> str:
    """Return the kernel's boot identity, or ``unknown`` where the system gives none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return "unknown"
