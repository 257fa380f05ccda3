"""Arithmetic of recorded spans: how far back footage reaches without a gap, and how long the longest gap is; pure.

Times are milliseconds since 1970. A day is a civil day of the campus. A day holds when the camera recorded at least a
share of the minutes that were planned; the first day of a stretch counts from its first picture on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

__all__ = ["DAY", "Kept", "covered", "kept", "longest_gap", "merged"]

DAY: Final = 86_400_000
"""Milliseconds."""


@dataclass(frozen=True, slots=True)
class Kept:
    """How far back footage reaches."""

    since: int | None
    """Where the unbroken stretch begins; None where the newest day already fails."""
    until: int
    broken: bool
    """A gap ends the stretch: there is older footage, or the search reaches further back."""

    @property
    def length(self) -> int:
        """Return its milliseconds."""
        return 0 if self.since is None else self.until - self.since


def merged(spans: Sequence[tuple[int, int]], slack: int = 0) -> list[tuple[int, int]]:
    """Return the spans in order, those that overlap or lie at most `slack` apart as one; empty ones left out."""
    found: list[tuple[int, int]] = []
    for since, until in sorted(span for span in spans if span[0] < span[1]):
        if found and since <= found[-1][1] + slack:
            found[-1] = (found[-1][0], max(found[-1][1], until))
        else:
            found.append((since, until))
    return found


def covered(spans: Sequence[tuple[int, int]], since: int, until: int) -> int:
    """Return how many milliseconds of the stretch the merged spans cover."""
    return sum(max(0, min(end, until) - max(begin, since)) for begin, end in spans)


def longest_gap(spans: Sequence[tuple[int, int]], since: int, until: int) -> int:
    """Return the longest uncovered part of the stretch, in milliseconds, of merged spans in order."""
    longest, at = 0, since
    for begin, end in spans:
        if end <= since or begin >= until:
            continue
        longest, at = max(longest, begin - at), max(at, end)
    return max(longest, until - at)


def kept(
    spans: Sequence[tuple[int, int]], until: int, *, zone: int, share: Fraction, planned: Fraction, searched: int
) -> Kept:
    """Return the stretch without a gap that ends at `until`.

    Args:
        spans: merged, in order.
        until: when the recorder was asked; the day in progress does not judge itself, but footage must not have ended
            before it began.
        zone: milliseconds by which civil time is ahead of UTC.
        share: of the planned minutes that a day needs, 0 to 1; 0: any footage at all.
        planned: of a day, 0 to 1.
        searched: where the search began; the stretch reaches no further back.
    """
    need = share * planned
    today = until - (until + zone) % DAY
    if not spans or spans[-1][1] <= today - DAY:
        return Kept(None, until, broken=bool(spans))
    # What was recorded minutes ago may be in an open file still: only a longer silence ends the stretch before now.
    newest = until if until - spans[-1][1] <= DAY - need * DAY else spans[-1][1]
    since: int | None = today if covered(spans, today, until) else None
    day = today
    while day > searched:
        before = max(day - DAY, searched)
        if not _holds(covered(spans, before, day), day - before, need):
            begin = _first_picture(spans, before, day, need)
            since = since if begin is None else begin
            break
        since = day = before
    if since is None:
        return Kept(None, newest, broken=True)
    first = next(max(begin, since) for begin, end in spans if end > since)
    return Kept(first, newest, broken=spans[0][0] < first)


def _holds(recorded: int, length: int, need: Fraction) -> bool:
    return recorded > 0 if not need else recorded >= need * length


def _first_picture(spans: Sequence[tuple[int, int]], since: int, until: int, need: Fraction) -> int | None:
    """Return the earliest begin of a span in the day from which on the rest of the day holds."""
    for begin, end in spans:
        start = max(begin, since)
        if end > since and start < until and _holds(covered(spans, start, until), until - start, need):
            return start
    return None
