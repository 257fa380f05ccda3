"""A calendar of footage that every brand's lab recorder can keep: channels, days, outages, events.

Stretches are ms since 1970 in UTC, in order; they are what is true, and what a reading of any brand must come back to.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DAY", "HOUR", "Outage", "footage"]

HOUR = 3_600_000
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Outage:
    """A time without footage of one channel, or of all."""

    since: int
    until: int
    channel: int | None = None


def footage(
    channels: int, days: int, now: int, *, outages: tuple[Outage, ...] = (), first: int = 1
) -> dict[int, tuple[tuple[int, int], ...]]:
    """Return the footage of cameras that record all the time until now, outages apart.

    Args:
        channels: how many.
        days: how long footage is kept.
        now: the end.
        outages: times without.
        first: number of the first channel: 1, or 0 where a brand counts so.
    """
    return {number: _without(now - days * DAY, now, number, outages) for number in range(first, first + channels)}


def _without(since: int, until: int, channel: int, outages: tuple[Outage, ...]) -> tuple[tuple[int, int], ...]:
    found: list[tuple[int, int]] = []
    at = since
    for outage in sorted(outages, key=lambda one: one.since):
        if outage.channel not in {None, channel}:
            continue
        if outage.since > at:
            found.append((at, min(outage.since, until)))
        at = max(at, outage.until)
    if at < until:
        found.append((at, until))
    return tuple(found)
