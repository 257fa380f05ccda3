"""Readings of one subject over a window into an `Observation`: value, samples expected and valid, what was left out.

Statistics: `median` (of an even number of samples, the mean of the middle two), `minimum`, `maximum`, `last`; of
counters `p95` (nearest rank over the valid intervals, each counted once) and `peak` (the highest interval).
Coverage counts poll slots, so that a burst of extra samples cannot stand in for hours without any.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, TypeVar

from agent.assess.rates import Sample, rates
from agent.assess.samples import Readings, Value, milliseconds, rounded
from agent.model.finding import Observation, Window
from agent.model.reading import Grade, weakest
from agent.packs.units import convert

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.assess.figures import FiguresOf
    from agent.assess.plan import Plan
    from agent.model.base import Digest
    from agent.model.metric import Metric

__all__ = [
    "DECLARATION",
    "Observed",
    "Scene",
    "Traffic",
    "cited",
    "counter_samples",
    "declared",
    "gauge",
    "rank",
    "traffic",
]

T = TypeVar("T")
DECLARATION: Final = "criterion.declared"
"""Metric of what the campus file declares for a criterion that no machine can prove."""
MAX_SOURCES: Final = 64
"""Exchanges that an observation cites; the readings cite all of theirs."""
_TOGETHER_MS: Final = 60_000
"""Readings of one port this close belong to one poll."""


@dataclass(frozen=True)
class Scene:
    """What every observation of one assessment shares."""

    readings: Readings
    """Readings inside the window."""
    stated: Readings
    """Declared readings in force at the end of the window, from whenever they are."""
    metrics: Mapping[str, Metric]
    plan: Plan
    window: Window
    figures: FiguresOf
    standard: str = ""
    """Id of the standard, by which declarations are found."""
    stages: tuple[str, ...] = ()
    """Stages of the school; empty: not known."""

    @property
    def span(self) -> int:
        """Return the length of the window in milliseconds."""
        return milliseconds(self.window.until) - milliseconds(self.window.since)


@dataclass(frozen=True)
class Observed:
    """An observation with its exact numbers, for the judge."""

    observation: Observation
    value: Fraction | None
    samples: tuple[Fraction, ...] = ()
    """All valid values, ascending."""
    spanned: int = 0
    """Milliseconds that the valid samples span, one poll interval included."""
    times: tuple[int, ...] = ()
    """When the valid samples were taken."""


@dataclass(frozen=True)
class Traffic:
    """What one octet counter says about the carried traffic."""

    peak: Observed
    p95: Observed
    over: int
    """Intervals above the line rate."""
    intervals: int
    """Valid intervals."""


def gauge(scene: Scene, metric: str, subject: str, statistic: str, unit: str) -> Observed:
    """Observe a gauge; samples taken while the link was not up are an outage and left out as `down`.

    Raises:
        MalformedError: a reading is not a number, or its unit does not fit.
    """
    values = scene.readings.values(metric, subject, unit)
    outages = _outages(scene, metric, subject, [value.at for value in values])
    valid = [value for value in values if value.at not in outages]
    poll = scene.plan.interval(scene.metrics.get(metric), sorted({value.at for value in values}))
    expected = _expected(scene, poll) if values or scene.plan.required is not None else 0
    seen = _slots([value.at for value in values], poll)
    excluded = Counter({"missing": max(0, expected - seen), "down": len(values) - len(valid)})
    value, deciding = _statistic(valid, statistic)
    coverage = _share(_slots([item.at for item in valid], poll), expected)
    observation = Observation(
        metric=metric,
        subject=subject,
        statistic=statistic,
        value=None if value is None else rounded(value),
        unit=unit,
        expected=expected,
        valid=len(valid),
        coverage=coverage,
        excluded=_named(excluded),
        grade=_grade(deciding if statistic in {"last", "maximum"} else valid),
        **cited(_sources(deciding)),
    )
    spanned = valid[-1].at - valid[0].at + poll if valid else 0
    times = tuple(item.at for item in valid)
    return Observed(observation, value, tuple(sorted(item.number for item in valid)), spanned, times)


def declared(scene: Scene, metric: str, subject: str, unit: str) -> Observed | None:
    """Observe a declared value: the last one stated before the window ended; None if there is none.

    Raises:
        MalformedError: the value is not a number, or its unit does not fit.
    """
    values = scene.stated.values(metric, subject, unit)
    if not values:
        return None
    last = values[-1]
    observation = Observation(
        metric=metric,
        subject=subject,
        statistic="last",
        value=rounded(last.number),
        unit=unit,
        expected=1,
        valid=1,
        coverage="1",
        grade=last.reading.grade,
        sources=last.reading.sources,
    )
    return Observed(observation, last.number, (last.number,))


def traffic(scene: Scene, metric: str, subject: str, unit: str) -> Traffic | None:
    """Observe the traffic of an octet counter; None where it was never read.

    Raises:
        MalformedError: a reading is not a number, or its unit does not fit.
    """
    samples = counter_samples(scene.readings, metric, subject)
    if not samples:
        return None
    poll = scene.plan.interval(scene.metrics.get(metric), sorted({sample.at for sample in samples}))
    found = rates(samples, poll)
    expected = max(0, _expected(scene, poll) - 1)
    reasons = Counter(exclusion.reason for exclusion in found.excluded)
    reasons["stale"] = found.stale
    used = len(found.intervals) + len(found.excluded) + found.stale
    reasons["missing"] = max(0, expected - used)
    ranked = sorted(found.intervals, key=lambda interval: (interval.rate, interval.since))
    grade = _grade(scene.readings.values(metric, subject, "By"))
    numbers = tuple(convert(interval.rate, "bit/s", unit) for interval in ranked)

    def at(rank: int, statistic: str) -> Observed:
        picked = ranked[rank] if ranked else None
        value = numbers[rank] if ranked else None
        observation = Observation(
            metric=metric,
            subject=subject,
            statistic=statistic,
            value=None if value is None else rounded(value),
            unit=unit,
            expected=expected,
            valid=len(ranked),
            coverage=_share(len(ranked), expected),
            excluded=_named(reasons),
            grade=grade if picked else None,
            sources=picked.sources if picked else (),
        )
        return Observed(observation, value, numbers)

    return Traffic(at(-1, "peak"), at(rank("p95", len(ranked))[0], "p95"), reasons["over-line-rate"], len(ranked))


def counter_samples(readings: Readings, metric: str, subject: str) -> list[Sample]:
    """Return the samples of an octet counter with what else was read of the port at the same time.

    The companions (`uptime`, `discontinuity`, `identity`, `speed`, `counter_bits`) are the metrics of the same family
    of names: `link.octets.in` goes with `link.uptime`. Uptime must be of the same moment; of the others the nearest
    within a minute counts. A restart that the device told of (`restart`; of a port, its asset's `device.restart`) goes
    with the first sample after it.

    Raises:
        MalformedError: a reading is not a number, or its unit does not fit.
    """
    base = metric.split(".", 1)[0]
    octets = readings.values(metric, subject, "By")
    uptime = {v.at: int(v.number) for v in readings.values(f"{base}.uptime", subject, "cs")}
    discontinuity = [(v.at, int(v.number)) for v in readings.values(f"{base}.discontinuity", subject, "cs")]
    speed = [(v.at, v.number) for v in readings.values(f"{base}.speed", subject, "bit/s")]
    bits = [(v.at, int(v.number)) for v in readings.values(f"{base}.counter_bits", subject, "1")]
    identity = readings.texts(f"{base}.identity", subject)
    restarts = _restarts(readings, f"{base}.restart", subject)
    times = sorted({value.at for value in octets})
    restarted = {times[place] for at in restarts if (place := bisect_left(times, at)) < len(times)}
    return [
        Sample(
            at=value.at,
            octets=int(value.number),
            uptime=uptime.get(value.at),
            discontinuity=_nearest(discontinuity, value.at),
            identity=_nearest(identity, value.at),
            # A speed of 0 says that the device does not know it.
            speed=_nearest(speed, value.at) or None,
            bits=_nearest(bits, value.at) or 64,
            restarted=value.at in restarted,
            sources=value.reading.sources,
        )
        for value in octets
    ]


def _restarts(readings: Readings, metric: str, subject: str) -> list[int]:
    """Return when the device behind the subject told that it restarted."""
    found = [at for at, _ in readings.texts(metric, subject)]
    for asset in readings.subjects("asset", "device.restart"):
        if subject.startswith(f"interface:{asset.removeprefix('asset:')}/"):
            found += [at for at, _ in readings.texts("device.restart", asset)]
    return found


def _outages(scene: Scene, metric: str, subject: str, times: Sequence[int]) -> set[int]:
    """Return the times at which the port was not up, as its status says that was read at the same time."""
    status = metric.removesuffix(".speed") + (".oper_status" if metric.startswith("interface.") else ".status")
    states = scene.readings.texts(status, subject) if metric.endswith(".speed") else []
    if not states:
        return set()
    return {at for at in times if _nearest(states, at) not in {None, "up", "unknown"}}


def _nearest(found: Sequence[tuple[int, T]], at: int) -> T | None:
    """Return what was read closest to the moment, within a minute; None if nothing was."""
    place = bisect_left(found, at, key=lambda item: item[0])
    near = [item for item in found[max(0, place - 1) : place + 1] if abs(item[0] - at) <= _TOGETHER_MS]
    return min(near, key=lambda item: abs(item[0] - at))[1] if near else None


def _expected(scene: Scene, poll: int) -> int:
    """Return how many polls the window holds, both ends included; half a poll of jitter is forgiven."""
    return (scene.span + poll // 2) // poll + 1


def _slots(times: Sequence[int], poll: int) -> int:
    """Count the samples that lie at least half a poll interval apart."""
    count, last = 0, None
    for at in times:
        if last is None or (at - last) * 2 >= poll:
            count, last = count + 1, at
    return count


def _share(part: int, whole: int) -> str:
    """Return part ÷ whole, at most 1, to four places."""
    return rounded(min(Fraction(1), Fraction(part, whole)), 4) if whole else "0"


def _statistic(valid: Sequence[Value], statistic: str) -> tuple[Fraction | None, list[Value]]:
    """Return the value and the samples that decided it."""
    if not valid:
        return None, []
    if statistic == "last":
        return valid[-1].number, [valid[-1]]
    ranked = sorted(valid, key=lambda value: (value.number, value.at))
    if statistic == "maximum":
        best = next(value for value in ranked if value.number == ranked[-1].number)
        return best.number, [best]
    first, last = (0, len(ranked) - 1) if statistic == "mean" else rank(statistic, len(ranked))
    chosen = ranked[first : last + 1]
    return sum((value.number for value in chosen), Fraction(0)) / len(chosen), chosen


def rank(statistic: str, size: int) -> tuple[int, int]:
    """Return which of `size` ascending samples a statistic is the mean of: the first and the last of them."""
    if statistic == "median":
        return (size - 1) // 2, size // 2
    if statistic in {"p5", "p95"}:
        nearest = -(-int(statistic[1:]) * size // 100) - 1
        return nearest, nearest
    return (0, 0) if statistic == "minimum" else (size - 1, size - 1)


def cited(sources: Sequence[Digest]) -> dict[str, Any]:
    """Return the fields of an observation that say where it comes from."""
    left = len(sources) - MAX_SOURCES
    return {"sources": tuple(sources[:MAX_SOURCES]), "sources_left": left if left > 0 else None}


def _grade(values: Sequence[Value]) -> Grade | None:
    return weakest(*(value.reading.grade for value in values)) if values else None


def _sources(values: Sequence[Value]) -> tuple[Digest, ...]:
    return tuple(dict.fromkeys(source for value in values for source in value.reading.sources))


def _named(reasons: Counter[str]) -> dict[str, int]:
    return {reason: count for reason, count in sorted(reasons.items()) if count}
