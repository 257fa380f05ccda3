"""When to try again: full jitter, and never earlier than the backend asked. Pure; chance and time are given.

    sleep = rand(0, min(1 h, 5 s * 2^n)), at least Retry-After

Full jitter spreads thousands of agents over the whole interval after an outage that they all saw at the same moment.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CAP_SECONDS", "FIRST_SECONDS", "MAX_RETRY_AFTER_SECONDS", "delay", "http_date", "retry_after"]

FIRST_SECONDS = 5
CAP_SECONDS = 3600
MAX_RETRY_AFTER_SECONDS = 7 * 24 * 3600
"""A box in the middle that answers with nonsense must not end uploads for ever."""
_MAX_DOUBLINGS = 10
"""5 s * 2^10 is past the cap; more doublings only make large numbers."""


def delay(failures: int, draw: Callable[[], float], at_least: float | None = None) -> float:
    """Return seconds to wait after a failed try.

    Args:
        failures: how many tries failed in a row before this one.
        draw: gives a number in [0, 1).
        at_least: what Retry-After asked for, in seconds.
    """
    ceiling = min(CAP_SECONDS, FIRST_SECONDS << min(max(failures, 0), _MAX_DOUBLINGS))
    return max(draw() * ceiling, at_least or 0.0)


def retry_after(text: str | None, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for; None if there is none that makes sense.

    Args:
        text: seconds or an HTTP date (RFC 9110 section 10.2.3).
        now: the sender's time (its `Date`, so that no clock of ours matters), or ours.
    """
    if text is None:
        return None
    value = text.strip()
    if value.isascii() and value.isdigit():
        # A digit string of any length is legal; int() refuses thousands of digits.
        seconds = float(value[:10]) if len(value) <= 10 else float(MAX_RETRY_AFTER_SECONDS)
    else:
        moment = http_date(value)
        if moment is None:
            return None
        seconds = (moment - now).total_seconds()
    return min(max(seconds, 0.0), float(MAX_RETRY_AFTER_SECONDS))


def http_date(text: str | None) -> datetime | None:
    """Return the moment that an HTTP date names; None if it is none."""
    if text is None:
        return None
    try:
        moment = parsedate_to_datetime(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        # The parser of the standard library is made for mail and fails in many ways on text that is no date.
        return None
