"""Octet counters of one port into rates, with every interval that cannot be trusted left out and counted.

The rules, each with its reason code:

- `reset`: the device restarted (sysUpTime went back, other than by its wrap after 2^32 centiseconds, or it ran for
  much less time than passed between the samples), told that it did, or a 64-bit counter went down;
- `discontinuity`: ifCounterDiscontinuityTime changed (IF-MIB, RFC 2863);
- `reindex`: the port behind the index is another one;
- `gap`: more than three poll intervals without a sample; the octets are not spread over it;
- `ambiguous-wrap`: a 32-bit counter that the line could carry past half its range between the samples;
- `over-line-rate`: above 1.05 times the port's speed, which no port can carry;
- `no-uptime`: without sysUpTime of the same answer, neither a restart nor the length of the interval is known.

A counter that stands still between two busy intervals was not refreshed by the device: the still interval is merged
with the one after it (`stale`), so that its octets are neither lost nor seen as a spike.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.model.base import Digest

__all__ = ["LINE_RATE_LIMIT", "MAX_GAP", "Exclusion", "Interval", "Rates", "Sample", "rates"]

LINE_RATE_LIMIT: Final = Fraction(105, 100)
"""Times the port's speed: allows for clock differences between counter refresh and answer."""
MAX_GAP: Final = 3
"""Poll intervals that one rate may span."""
UPTIME_WRAP: Final = 1 << 32
"""TimeTicks are 32 bits of centiseconds: 497 days (RFC 2578 section 7.1.8)."""
_TOLERANCE_CS: Final = 500
_TOLERANCE_SHARE: Final = 4


@dataclass(frozen=True)
class Sample:
    """An octet counter as read once, with what was known about the port at that moment."""

    at: int
    """Milliseconds since 1970, wall time."""
    octets: int
    uptime: int | None
    """sysUpTime in centiseconds, of the same answer."""
    discontinuity: int | None = None
    identity: str | None = None
    speed: Fraction | None = None
    """bit/s; None where the device does not know it."""
    bits: int = 64
    """Width of the counter."""
    restarted: bool = False
    """The device told that it restarted (coldStart, warmStart) since the sample before."""
    sources: tuple[Digest, ...] = ()


@dataclass(frozen=True)
class Interval:
    """The time between two samples, and what the port carried in it."""

    since: int
    until: int
    """Milliseconds since 1970, wall time."""
    octets: int
    ticks: int
    """Centiseconds of the device's own clock; the rate is computed with these."""
    limit: Fraction | None
    """Speed of the port in bit/s."""
    sources: tuple[Digest, ...] = ()

    @property
    def rate(self) -> Fraction:
        """Return bit/s, exactly."""
        return Fraction(self.octets * 8 * 100, self.ticks)


@dataclass(frozen=True)
class Exclusion:
    """An interval that is not used, and why."""

    since: int
    until: int
    reason: str


@dataclass(frozen=True)
class Rates:
    """Intervals that hold, and those left out, both in time order."""

    intervals: tuple[Interval, ...]
    excluded: tuple[Exclusion, ...]
    stale: int = 0
    """Still intervals that were merged with the one after them."""


def rates(samples: Iterable[Sample], poll_ms: int) -> Rates:
    """Return the intervals between consecutive samples, whatever order the samples come in.

    Args:
        samples: samples of one counter of one port.
        poll_ms: the poll interval that was planned.
    """
    ordered = _ordered(samples)
    runs: list[list[Interval]] = [[]]
    excluded: list[Exclusion] = []
    for earlier, later in pairwise(ordered):
        result = _interval(earlier, later, poll_ms)
        if isinstance(result, Interval):
            runs[-1].append(result)
        else:
            excluded.append(Exclusion(earlier.at, later.at, result))
            runs.append([])
    kept: list[Interval] = []
    stale = 0
    for run in runs:
        merged = _merge_stale(run, poll_ms)
        stale += len(run) - len(merged)
        for interval in merged:
            if interval.limit is not None and interval.rate > interval.limit * LINE_RATE_LIMIT:
                excluded.append(Exclusion(interval.since, interval.until, "over-line-rate"))
            else:
                kept.append(interval)
    excluded.sort(key=lambda item: (item.since, item.until, item.reason))
    return Rates(tuple(kept), tuple(excluded), stale)


def _ordered(samples: Iterable[Sample]) -> list[Sample]:
    """Sort by time; of samples with one time only one stays, so that no interval has length zero."""
    first: dict[int, Sample] = {}
    for sample in sorted(samples, key=lambda item: (item.at, item.octets, item.uptime or 0, item.sources)):
        first.setdefault(sample.at, sample)
    return list(first.values())


def _interval(earlier: Sample, later: Sample, poll_ms: int) -> Interval | str:
    """Return the interval between two samples, or the reason why there is none."""
    if earlier.uptime is None or later.uptime is None:
        return "no-uptime"
    if later.at - earlier.at > MAX_GAP * poll_ms:
        return "gap"
    ticks = _ticks(earlier.uptime, later.uptime, (later.at - earlier.at) // 10)
    changed = "reset" if ticks is None or later.restarted else _changed(earlier, later)
    if ticks is None or changed:
        return changed
    speeds = [speed for speed in (earlier.speed, later.speed) if speed is not None]
    limit = max(speeds, default=None)
    octets = _carried(earlier, later, ticks, limit)
    if isinstance(octets, str):
        return octets
    return Interval(earlier.at, later.at, octets, ticks, limit, tuple(dict.fromkeys(earlier.sources + later.sources)))


def _carried(earlier: Sample, later: Sample, ticks: int, limit: Fraction | None) -> int | str:
    """Return the octets between the samples, or why they are unknown."""
    octets = later.octets - earlier.octets
    if 32 not in (earlier.bits, later.bits):
        return octets if octets >= 0 else "reset"
    # At more than half the counter's range per interval, one wrap and two cannot be told apart.
    if limit is None or limit * ticks / 800 >= 1 << 31:
        return "ambiguous-wrap"
    return octets % (1 << 32)


def _ticks(earlier: int, later: int, wall: int) -> int | None:
    """Return the centiseconds that the device ran between the samples; None if it restarted."""
    ticks = later - earlier
    tolerance = max(_TOLERANCE_CS, wall // _TOLERANCE_SHARE)
    if ticks < 0:
        ticks += UPTIME_WRAP
        return ticks if abs(ticks - wall) <= tolerance else None
    if ticks == 0 or wall - ticks > tolerance:
        # Less uptime than time: it restarted in between and has already run longer than at the earlier sample.
        return None
    return ticks


def _changed(earlier: Sample, later: Sample) -> str:
    if None not in (earlier.identity, later.identity) and earlier.identity != later.identity:
        return "reindex"
    if None not in (earlier.discontinuity, later.discontinuity) and earlier.discontinuity != later.discontinuity:
        return "discontinuity"
    return ""


def _merge_stale(run: list[Interval], poll_ms: int) -> list[Interval]:
    """Merge still intervals between busy ones with the busy one that follows; all octets stay."""
    merged: list[Interval] = []
    pending: list[Interval] = []
    for interval in run:
        if interval.octets == 0 and (merged or pending):
            pending.append(interval)
            continue
        joined = _joined([*pending, interval])
        busy = bool(merged) and merged[-1].octets > 0 and interval.octets > 0
        if pending and busy and joined.until - joined.since <= MAX_GAP * poll_ms:
            merged.append(joined)
        else:
            merged += [*pending, interval]
        pending = []
    return merged + pending


def _joined(parts: list[Interval]) -> Interval:
    limits = [part.limit for part in parts if part.limit is not None]
    return replace(
        parts[-1],
        since=parts[0].since,
        octets=sum(part.octets for part in parts),
        ticks=sum(part.ticks for part in parts),
        limit=max(limits, default=None),
        sources=tuple(dict.fromkeys(source for part in parts for source in part.sources)),
    )
