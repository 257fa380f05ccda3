"""One subject of a criterion: what it can be at worst and at best, and what shows it.

Both bounds are the value when the samples are enough; a missing, doubtful or contradicted subject keeps every
possibility open.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from agent.assess.observe import Observed, Scene, Traffic, cited, declared, gauge, rank, traffic
from agent.assess.samples import exact, number, rounded
from agent.assess.silence import silence
from agent.model.finding import Observation, Reason
from agent.model.reading import Grade
from agent.packs.units import convert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.assess.figures import Figures
    from agent.model.standard import Criterion, Measure

__all__ = ["Case", "figure_case", "sampled_case"]

CONTRADICTED_ABOVE: Final = Fraction(105, 100)
"""A line that carried more than this times the value cannot have the value."""
CORROBORATED_FROM: Final = Fraction(9, 10)
"""Traffic from this share of the value upward bears it out: TCP payload is 94 % of the line rate at MTU 1500."""
OVER_LINE_SHARE: Final = Fraction(1, 20)
"""Above this share of intervals over the line rate the speed is wrong, not the intervals."""
_DAY_MS: Final = 86_400_000


@dataclass(frozen=True)
class Case:
    """One subject: what it can be at worst and at best, and what shows it."""

    subject: str
    low: Fraction
    high: Fraction | None
    """None: no upper bound."""
    value: Fraction | None
    grade: Grade | None
    reason: Reason | None
    decided_by: str
    observations: tuple[Observation, ...]


def sampled_case(criterion: Criterion, measure: Measure, scene: Scene, subject: str) -> Case:
    """Look at a subject by its samples: its line, its contract, its traffic.

    Raises:
        MalformedError: a reading is not a number, or its unit does not fit.
    """
    line = gauge(scene, measure.metric, subject, measure.over_time, measure.unit)
    cap = declared(scene, measure.capped_by, subject, measure.unit) if measure.capped_by else None
    carried = [found for name in measure.carried_by if (found := traffic(scene, name, subject, measure.unit))]
    observations = [line.observation]
    if cap:
        observations.append(cap.observation)
    for found in carried:
        observations += [found.p95.observation, found.peak.observation]
    decided_by = f"{measure.metric} {measure.over_time}"
    value, grade = line.value, line.observation.grade
    if value is not None and grade is not None and cap and cap.value is not None and value >= cap.value:
        value, decided_by = cap.value, measure.capped_by or ""
        # The line bears the declared contract out; a line that is itself only declared does not.
        grade = Grade.CORROBORATED if grade is not Grade.DECLARED else Grade.DECLARED
    low, high, reason = _bounds(scene, measure, line)
    if value is not None and _contradicted(carried, value):
        low, high, reason = Fraction(0), None, Reason.CONTRADICTED
        # What is contradicted bears nothing out: each source is back to its own word.
        grade = cap.observation.grade if cap and decided_by == measure.capped_by else line.observation.grade
    elif value is not None and grade is not None and _borne_out(carried, value):
        grade = min(grade, Grade.CORROBORATED, key=lambda item: item.rank)
    if cap and cap.value is not None and reason is not Reason.CONTRADICTED:
        low, high = min(low, cap.value), cap.value if high is None else min(high, cap.value)
    if grade is not None and grade.rank > criterion.grade_required.rank:
        low, high, reason = Fraction(0), None, reason or Reason.WEAK_PROOF
    return Case(subject, low, high, value, grade, reason, decided_by if value is not None else "", tuple(observations))


def figure_case(criterion: Criterion, measure: Measure, scene: Scene, figures: Figures, subject: str) -> Case:
    """Look at a subject by its derived figure.

    Raises:
        MalformedError: the figure is not a number, or its unit does not fit.
    """
    reading = figures.readings.get((measure.metric, subject))
    unsettled = figures.open.get((measure.metric, subject))
    value = number(reading, measure.unit) if reading else None
    grade = reading.grade if reading else None
    low, high = value or Fraction(0), value
    reason = None
    if unsettled is not None:
        reason = unsettled.reason
        low = _stated(scene, measure, unsettled.low) or Fraction(0)
        high = _stated(scene, measure, unsettled.high)
    elif reading is None:
        reason = Reason.NO_TARGET
    if grade is not None and grade.rank > criterion.grade_required.rank:
        # Weak proof proves nothing; but what the derivation rules out stays ruled out.
        low, high, reason = Fraction(0), high if unsettled else None, reason or Reason.WEAK_PROOF
    observation = Observation(
        metric=measure.metric,
        subject=subject,
        statistic="derived",
        value=None if value is None else rounded(value),
        low=rounded(low) if unsettled and low else None,
        high=None if high is None or not unsettled else rounded(high),
        reason=reason,
        unit=measure.unit,
        expected=1,
        valid=int(reading is not None and unsettled is None),
        coverage="1" if reading is not None and unsettled is None else "0",
        grade=grade,
        **cited(reading.sources if reading else ()),
    )
    return Case(subject, low, high, value, grade, reason, measure.metric if reading else "", (observation,))


def _stated(scene: Scene, measure: Measure, text: str | None) -> Fraction | None:
    """Return a bound that a derivation states in the unit of its metric."""
    metric = scene.metrics.get(measure.metric)
    return None if text is None else convert(exact(text), metric.unit if metric else measure.unit, measure.unit)


def _bounds(scene: Scene, measure: Measure, line: Observed) -> tuple[Fraction, Fraction | None, Reason | None]:
    """Return what the subject's statistic is at worst and at best over all samples that were due."""
    observation = line.observation
    if line.value is None:
        return Fraction(0), None, silence(scene, measure.metric, observation.subject)
    few = observation.valid < measure.min_samples
    short = line.spanned < measure.min_days * _DAY_MS or (
        measure.min_school_days > 0 and scene.plan.school_days(line.times) < measure.min_school_days
    )
    if not few and not short and exact(observation.coverage) >= exact(measure.min_coverage):
        return line.value, line.value, None
    low, high = _extremes(measure, line)
    sparse = few or exact(observation.coverage) < exact(measure.min_coverage)
    reason = Reason.TOO_FEW_SAMPLES if sparse else Reason.WINDOW_TOO_SHORT
    return (Fraction(0) if few or short else low), high, reason


def _extremes(measure: Measure, line: Observed) -> tuple[Fraction, Fraction | None]:
    """Return the statistic if every missing sample were 0, and if every missing sample were beyond any number."""
    samples = list(line.samples)
    missing = max(line.observation.expected, measure.min_samples) - len(samples)
    if measure.over_time == "maximum":
        return samples[-1], None
    if measure.over_time == "minimum":
        return Fraction(0), samples[0]
    if measure.over_time == "last" or missing <= 0:
        return (Fraction(0), None) if missing > 0 else (line.value or Fraction(0), line.value)
    size = missing + len(samples)
    if measure.over_time == "mean":
        return sum(samples, Fraction(0)) / size, None
    first, last = rank(measure.over_time, size)
    high = (samples[first] + samples[last]) / 2 if last < len(samples) else None
    low = [samples[place - missing] if place >= missing else Fraction(0) for place in (first, last)]
    return sum(low, Fraction(0)) / 2, high


def _contradicted(carried: Sequence[Traffic], value: Fraction) -> bool:
    return any(
        (found.peak.value is not None and found.peak.value > value * CONTRADICTED_ABOVE)
        or found.over > OVER_LINE_SHARE * (found.over + found.intervals)
        for found in carried
    )


def _borne_out(carried: Sequence[Traffic], value: Fraction) -> bool:
    return any(found.peak.value is not None and found.peak.value >= value * CORROBORATED_FROM for found in carried)
