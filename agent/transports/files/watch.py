"""When counting ends, and that it stands behind everything else that wants the processor."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

__all__ = ["StoppedError", "Watch", "low_priority"]

NICE = 10


class StoppedError(Exception):
    """Time is up, or nobody waits any longer."""


@dataclass
class Watch:
    """Says when to stop; asked between blocks of about a megabyte."""

    until: float = float("inf")
    """Monotonic seconds."""
    stopped: threading.Event = field(default_factory=threading.Event)

    def check(self) -> None:
        """Go on, or not.

        Raises:
            StoppedError: it is time to stop.
        """
        if self.stopped.is_set() or time.monotonic() > self.until:
            raise StoppedError


def low_priority() -> None:
    """Put the calling thread behind everything else that wants the processor; Linux keeps a priority per thread."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
