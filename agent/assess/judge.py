"""One criterion judged: what every required subject shows, what that proves at worst and at best, and how.

Each subject gets a lower and an upper bound. Both are its value when the samples are enough; a missing, doubtful or
contradicted subject keeps every possibility open. Bounds add up (`sum`) or compare (`each`, `minimum`) like values, so
a proven breach is never hidden by missing data, and missing data never proves anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from agent.assess.observe import Observed, Scene, Traffic, declared, gauge, traffic
from agent.assess.samples import exact, rounded
from agent.assess.silence import silence
from agent.model.finding import Finding, Observation, Outcome, Reason
from agent.model.reading import Grade, weakest
from agent.model.standard import AtLeast, Bands, Criterion, Measure

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Judged", "judge"]

CONTRADICTED_ABOVE: Final = Fraction(105, 100)
"""A line that carried more than this times the value cannot have the value."""
CORROBORATED_FROM: Final = Fraction(9, 10)
"""Traffic from this share of the value upward bears it out: TCP payload is 94 % of the line rate at MTU 1500."""
OVER_LINE_SHARE: Final = Fraction(1, 20)
"""Above this share of intervals over the line rate the speed is wrong, not the intervals."""
_DAY_MS: Final = 86_400_000
_PRIORITY: Final = tuple(
    Reason(name)
    for name in (
        "contradicted",
        "no-target",
        "unreachable",
        "refused",
        "unsupported",
        "too-few-samples",
        "window-too-short",
        "clock-unsure",
        "weak-proof",
    )
)


@dataclass(frozen=True)
class Judged:
    """A finding, and the points that it proves and leaves open where its bands give points."""

    finding: Finding
    proven: Fraction = Fraction(0)
    open: Fraction = Fraction(0)


@dataclass(frozen=True)
class _Case:
    """One subject: what it can be at worst and at best, and what shows it."""

    low: Fraction
    high: Fraction | None
    """None: no upper bound."""
    value: Fraction | None
    grade: Grade | None
    reason: Reason | None
    decided_by: str
    observations: tuple[Observation, ...]


def judge(criterion: Criterion, scene: Scene) -> Judged:
    """Judge one criterion.

    Raises:
        MalformedError: a reading is not a number, or its unit does not fit the criterion.
    """
    measure = criterion.measure
    subjects = scene.plan.subjects(measure.subjects, measure.metric, scene.readings)
    cases = [_case(criterion, scene, subject) for subject in subjects]
    if not cases:
        cases = [_Case(Fraction(0), None, None, None, Reason.NO_TARGET, "", ())]
    low, high = _together(measure, cases)
    if isinstance(criterion.judge, Bands):
        proven, best = _points(criterion.judge, low), _points(criterion.judge, high)
        full = exact(criterion.judge.bands[0].points)
        outcome = _outcome(proven, best, full)
    else:
        proven = best = Fraction(0)
        outcome = _holds(criterion.judge, low, high)
    deciding = _deciding(measure, cases, outcome, high)
    return Judged(_finding(criterion, cases, deciding, outcome, low, high), proven, best - proven)


def _case(criterion: Criterion, scene: Scene, subject: str) -> _Case:
    """Look at one subject: its line, its contract, its traffic."""
    measure = criterion.measure
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
    low, high, reason = _bounds(scene, criterion, line)
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
    return _Case(low, high, value, grade, reason, decided_by if value is not None else "", tuple(observations))


def _bounds(scene: Scene, criterion: Criterion, line: Observed) -> tuple[Fraction, Fraction | None, Reason | None]:
    """Return what the subject's statistic is at worst and at best over all samples that were due."""
    measure = criterion.measure
    observation = line.observation
    if line.value is None:
        return Fraction(0), None, silence(scene, measure.metric, observation.subject)
    reason = None
    if observation.valid < measure.min_samples or exact(observation.coverage) < exact(measure.min_coverage):
        reason = Reason.TOO_FEW_SAMPLES
    elif line.spanned < measure.min_days * _DAY_MS:
        reason = Reason.WINDOW_TOO_SHORT
    if reason is None:
        return line.value, line.value, None
    low, high = _extremes(measure, line)
    floor = observation.valid < measure.min_samples or line.spanned < measure.min_days * _DAY_MS
    return (Fraction(0) if floor else low), high, reason


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
    padded = [Fraction(0)] * missing + samples
    lower, upper = (size - 1) // 2, size // 2
    low = (padded[lower] + padded[upper]) / 2
    high = (samples[lower] + samples[upper]) / 2 if upper < len(samples) else None
    return low, high


def _contradicted(carried: Sequence[Traffic], value: Fraction) -> bool:
    return any(
        (found.peak.value is not None and found.peak.value > value * CONTRADICTED_ABOVE)
        or found.over > OVER_LINE_SHARE * (found.over + found.intervals)
        for found in carried
    )


def _borne_out(carried: Sequence[Traffic], value: Fraction) -> bool:
    return any(found.peak.value is not None and found.peak.value >= value * CORROBORATED_FROM for found in carried)


def _together(measure: Measure, cases: Sequence[_Case]) -> tuple[Fraction, Fraction | None]:
    """Return the bounds of the aggregate; for `each` those of the subject that is worst off."""
    lows = [case.low for case in cases]
    highs = [case.high for case in cases if case.high is not None]
    if measure.over_subjects == "sum":
        return sum(lows, Fraction(0)), (sum(highs, Fraction(0)) if len(highs) == len(cases) else None)
    return min(lows), (min(highs) if highs else None)


def _points(bands: Bands, value: Fraction | None) -> Fraction:
    """Return the points of a value; of no upper bound, those of the highest band."""
    if value is None:
        return exact(bands.bands[0].points)
    return next((exact(band.points) for band in bands.bands if value >= exact(band.at_least)), Fraction(0))


def _outcome(proven: Fraction, best: Fraction, full: Fraction) -> Outcome:
    if best > proven:
        return Outcome.INCONCLUSIVE
    if proven == full:
        return Outcome.SATISFIED
    return Outcome.PARTIALLY_SATISFIED if proven else Outcome.NOT_SATISFIED


def _holds(rule: AtLeast, low: Fraction, high: Fraction | None) -> Outcome:
    threshold = exact(rule.threshold)
    if low >= threshold:
        return Outcome.SATISFIED
    return Outcome.NOT_SATISFIED if high is not None and high < threshold else Outcome.INCONCLUSIVE


def _deciding(measure: Measure, cases: Sequence[_Case], outcome: Outcome, high: Fraction | None) -> list[_Case]:
    """Return the subjects that the outcome rests on: of a breach among many, those in breach."""
    if outcome is Outcome.INCONCLUSIVE:
        return [case for case in cases if case.reason is not None]
    if measure.over_subjects == "sum":
        return [case for case in cases if case.value is not None]
    if outcome is Outcome.NOT_SATISFIED:
        return [case for case in cases if case.high is not None and case.high == high]
    return list(cases)


def _finding(
    criterion: Criterion,
    cases: Sequence[_Case],
    deciding: Sequence[_Case],
    outcome: Outcome,
    low: Fraction,
    high: Fraction | None,
) -> Finding:
    measure = criterion.measure
    reasons = [case.reason for case in deciding if case.reason is not None]
    inconclusive = outcome is Outcome.INCONCLUSIVE
    shown = [case for case in (cases if inconclusive else deciding) if case.value is not None]
    grades = [case.grade for case in shown if case.grade is not None]
    names = list(dict.fromkeys(case.decided_by for case in shown))
    value = low if high is not None and low == high else _shown(measure, shown)
    return Finding(
        criterion=criterion.id,
        outcome=outcome,
        reason=min(reasons, key=_PRIORITY.index) if inconclusive and reasons else None,
        grade=weakest(*grades) if grades else None,
        value=None if value is None else rounded(value),
        unit=measure.unit,
        decided_by=f"{measure.over_subjects}: {' + '.join(names)}" if names else "",
        threshold=_threshold(criterion, low),
        reading=criterion.reading,
        remedy=None if outcome is Outcome.SATISFIED else criterion.remedy,
        observations=tuple(observation for case in cases for observation in case.observations),
    )


def _shown(measure: Measure, cases: Sequence[_Case]) -> Fraction | None:
    """Return the value to show where the bounds differ: the aggregate of what is known."""
    values = [case.value for case in cases if case.value is not None]
    if not values:
        return None
    return sum(values, Fraction(0)) if measure.over_subjects == "sum" else min(values)


def _threshold(criterion: Criterion, low: Fraction) -> str:
    """Return the band that was reached, or the lowest one that was missed."""
    if isinstance(criterion.judge, AtLeast):
        return criterion.judge.threshold
    bands = criterion.judge.bands
    return next((band.at_least for band in bands if low >= exact(band.at_least)), bands[-1].at_least)
