"""One criterion judged: what every required subject shows, what that proves at worst and at best, and how.

Bounds add up (`sum`), compare (`each`, `minimum`) or count (`share`) like values, so a proven breach is never hidden by
missing data, and missing data never proves anything. What only a document shows proves nothing either, unless the pack
accepts it; it is told apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from agent.assess.cases import Case, figure_case, sampled_case
from agent.assess.observe import DECLARATION, Scene, declared
from agent.assess.rules import concerns, points, shown_threshold, truth
from agent.assess.samples import exact, rounded
from agent.model.finding import Finding, Outcome, Reason
from agent.model.reading import Grade, weakest
from agent.model.rule import AtMost, Bands, Deduct, Equals, Limit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.model.standard import Criterion, Measure, Standard

__all__ = ["Judged", "first_reason", "judge", "outcome_of"]

MAX_SUBJECTS: Final = 100
"""Subjects whose observations a finding keeps."""
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
        "undeclared",
    )
)


@dataclass(frozen=True)
class Judged:
    """A finding, and what it comes to in points of its part of the clause."""

    finding: Finding
    proven: Fraction = Fraction(0)
    open: Fraction = Fraction(0)
    """What further measurement or documents may still show."""
    declared: Fraction = Fraction(0)
    """Of the open points, those that a declaration answers and that only a person can accept."""


@dataclass(frozen=True)
class _Verdict:
    """What all subjects together come to."""

    low: Fraction
    high: Fraction | None
    proven: Fraction
    possible: Fraction
    truths: tuple[tuple[bool, bool], ...]
    """Of each case: whether it certainly holds, and whether it may."""
    subjects: dict[str, int]


def judge(criterion: Criterion, worth: Fraction, standard: Standard, scene: Scene) -> Judged:
    """Judge one criterion.

    Args:
        criterion: what is asked.
        worth: the points that it is worth.
        standard: for its interpretations.
        scene: what was measured and declared.

    Raises:
        MalformedError: a reading is not a number, or its unit does not fit.
        ConfigError: its derivation is unknown, or does not know a setting.
    """
    if not _applies(criterion, scene):
        return Judged(Finding(criterion=criterion.id, outcome=Outcome.NOT_APPLICABLE))
    judged = _stated(criterion, scene) if criterion.measure is None else _measured(criterion, scene)
    settled = judged.finding.outcome is Outcome.SATISFIED
    finding = judged.finding.model_copy(
        update={
            "interpretations": tuple(item for item in standard.interpretations if item.id in criterion.interpretations),
            "reading": criterion.reading,
            "remedy": None if settled else criterion.remedy,
        }
    )
    # Judged as shares of what the rule gives at best; a part may be worth 0 and still hold or not.
    scale = worth / _best(criterion)
    return Judged(finding, judged.proven * scale, judged.open * scale, judged.declared * scale)


def _best(criterion: Criterion) -> Fraction:
    """Return the most that the rule gives: its own points, or 1 for a condition that holds."""
    return exact(criterion.judge.points) if isinstance(criterion.judge, Bands | Deduct) else Fraction(1)


def outcome_of(proven: Fraction, possible: Fraction, full: Fraction) -> Outcome:
    """Return the outcome of points between what is proven and what is possible."""
    if possible > proven:
        return Outcome.INCONCLUSIVE
    if proven == full:
        return Outcome.SATISFIED
    return Outcome.PARTIALLY_SATISFIED if proven else Outcome.NOT_SATISFIED


def first_reason(reasons: Sequence[Reason]) -> Reason | None:
    """Return the reason that tells most about what to do next."""
    return min(reasons, key=_PRIORITY.index) if reasons else None


def _applies(criterion: Criterion, scene: Scene) -> bool:
    """Tell whether the criterion speaks of this school; of a school whose stages are not known it may."""
    apart = criterion.stages and scene.stages and set(criterion.stages).isdisjoint(scene.stages)
    return not apart and concerns(criterion.judge, scene.stages)


def _stated(criterion: Criterion, scene: Scene) -> Judged:
    """Judge what only a document shows: the campus file's word proves nothing unless the pack accepts it."""
    assert criterion.declared is not None  # a criterion is measured or declared
    full = _best(criterion)
    unit = criterion.declared.unit
    found = declared(scene, DECLARATION, f"criterion:{scene.standard}/{criterion.id}", "1")
    if found is None or found.value is None:
        finding = Finding(
            criterion=criterion.id, outcome=Outcome.INCONCLUSIVE, reason=Reason.UNDECLARED, unit=unit, decided_by=""
        )
        return Judged(finding, open=full)
    worth, _ = points(criterion.judge, full, found.value, found.value, scene.stages)
    proven = worth if criterion.grade_required is Grade.DECLARED else Fraction(0)
    outcome = outcome_of(proven, worth, full)
    finding = Finding(
        criterion=criterion.id,
        outcome=outcome,
        reason=Reason.WEAK_PROOF if outcome is Outcome.INCONCLUSIVE else None,
        grade=Grade.DECLARED,
        value=rounded(found.value),
        unit=unit,
        decided_by=DECLARATION,
        threshold=rounded(shown_threshold(criterion.judge, found.value, scene.stages)),
        observations=(found.observation.model_copy(update={"unit": unit}),),
    )
    return Judged(finding, proven, worth - proven, worth - proven)


def _measured(criterion: Criterion, scene: Scene) -> Judged:
    measure, full = criterion.measure, _best(criterion)
    assert measure is not None  # a criterion is measured or declared
    cases = _cases(criterion, measure, scene)
    verdict = _together(criterion, measure, full, cases, scene)
    possible = verdict.possible
    if criterion.stages and not scene.stages:
        possible = full  # it may not even concern the school
    outcome = outcome_of(verdict.proven, possible, full)
    deciding = _deciding(criterion, measure, cases, outcome, verdict)
    finding = _finding(criterion, measure, cases, deciding, outcome, verdict, scene)
    return Judged(finding, verdict.proven, possible - verdict.proven)


def _cases(criterion: Criterion, measure: Measure, scene: Scene) -> list[Case]:
    figures = scene.figures(measure)
    rule = criterion.judge
    stages = rule.by_stage.keys() if isinstance(rule, Limit) and rule.several_stages == "each" else ()
    named = measure.members or tuple(stage for stage in stages if stage in scene.stages)
    if named:
        subjects = [f"{measure.subjects[0]}:{name}" for name in sorted(named)]
    elif figures is not None:
        subjects = [s for kind in sorted(measure.subjects) for s in figures.subjects(kind, measure.metric)]
    else:
        subjects = [
            s for kind in sorted(measure.subjects) for s in scene.plan.subjects(kind, measure.metric, scene.readings)
        ]
    if stages:
        subjects = [subject for subject in subjects if subject.partition(":")[2] in stages]
    if figures is not None:
        return [figure_case(criterion, measure, scene, figures, subject) for subject in subjects]
    return [sampled_case(criterion, measure, scene, subject) for subject in subjects]


def _together(criterion: Criterion, measure: Measure, full: Fraction, cases: Sequence[Case], scene: Scene) -> _Verdict:
    """Return the bounds of the aggregate, and the points between them; for `each` those of the subject worst off."""
    rule = criterion.judge
    if not cases:
        return _Verdict(Fraction(0), None, Fraction(0), full, (), {})
    lows = [case.low for case in cases]
    highs = [case.high for case in cases if case.high is not None]
    bounded = len(highs) == len(cases)
    if measure.counted_if is not None:
        truths = tuple(truth(measure.counted_if, case.low, case.high, scene.stages, case.subject) for case in cases)
        certain, possible = _counted(measure, truths)
        earned = points(rule, full, certain, possible, scene.stages)
        return _Verdict(certain, possible, *earned, truths, _tally(truths))
    if measure.over_subjects == "each":
        pairs = [points(rule, full, case.low, case.high, scene.stages, case.subject) for case in cases]
        earned = min(low for low, _ in pairs), min(high for _, high in pairs)
        truths = tuple((low == full, high > 0) for low, high in pairs)
        if isinstance(rule, AtMost):
            return _Verdict(max(lows), max(highs) if bounded else None, *earned, truths, {})
        return _Verdict(min(lows), min(highs) if highs else None, *earned, truths, {})
    low, high = _aggregate(measure, lows, highs, bounded=bounded)
    return _Verdict(low, high, *points(rule, full, low, high, scene.stages), (), {})


def _aggregate(
    measure: Measure, lows: list[Fraction], highs: list[Fraction], *, bounded: bool
) -> tuple[Fraction, Fraction | None]:
    if measure.over_subjects == "sum":
        return sum(lows, Fraction(0)), (sum(highs, Fraction(0)) if bounded else None)
    if measure.over_subjects == "maximum":
        return max(lows), (max(highs) if bounded else None)
    return min(lows), (min(highs) if highs else None)


def _counted(measure: Measure, truths: Sequence[tuple[bool, bool]]) -> tuple[Fraction, Fraction]:
    certain, possible = (Fraction(sum(column)) for column in zip(*truths, strict=True))
    if measure.over_subjects == "count":
        return certain, possible
    return 100 * certain / len(truths), 100 * possible / len(truths)


def _tally(truths: Sequence[tuple[bool, bool]]) -> dict[str, int]:
    holds, fails = sum(certain for certain, _ in truths), sum(not possible for _, possible in truths)
    counts = {"holds": holds, "fails": fails, "open": len(truths) - holds - fails}
    return {name: count for name, count in counts.items() if count}


def _deciding(
    criterion: Criterion, measure: Measure, cases: Sequence[Case], outcome: Outcome, verdict: _Verdict
) -> list[Case]:
    """Return the subjects that the outcome rests on: of a breach among many, those in breach."""
    if outcome is Outcome.INCONCLUSIVE:
        return [case for case in cases if case.reason is not None]
    if measure.over_subjects == "sum":
        return [case for case in cases if case.value is not None]
    if measure.counted_if is not None:
        met = outcome is Outcome.SATISFIED
        return [case for case, (holds, may) in zip(cases, verdict.truths, strict=True) if (holds if met else not may)]
    if measure.over_subjects == "maximum" and outcome is not Outcome.NOT_SATISFIED:
        return [case for case in cases if case.low == verdict.low]
    return _breach(criterion, measure, cases, verdict) if outcome is Outcome.NOT_SATISFIED else list(cases)


def _breach(criterion: Criterion, measure: Measure, cases: Sequence[Case], verdict: _Verdict) -> list[Case]:
    """Return the subjects that are worst off, of those that prove that a rule does not hold."""
    if measure.over_subjects == "maximum":
        return list(cases)
    own = isinstance(criterion.judge, Limit) and bool(criterion.judge.by_stage)
    if verdict.truths and (own or isinstance(criterion.judge, Equals)):
        return [case for case, (_, may) in zip(cases, verdict.truths, strict=True) if not may]
    if isinstance(criterion.judge, AtMost):
        return [case for case in cases if case.low == verdict.low]
    return [case for case in cases if case.high is not None and case.high == verdict.high]


def _finding(
    criterion: Criterion,
    measure: Measure,
    cases: Sequence[Case],
    deciding: Sequence[Case],
    outcome: Outcome,
    verdict: _Verdict,
    scene: Scene,
) -> Finding:
    reasons = [case.reason for case in deciding if case.reason is not None] or [Reason.NO_TARGET]
    inconclusive = outcome is Outcome.INCONCLUSIVE
    shown = [case for case in (cases if inconclusive else deciding) if case.value is not None]
    grades = [case.grade for case in shown if case.grade is not None]
    names = list(dict.fromkeys(case.decided_by for case in shown))
    settled = verdict.high is not None and verdict.low == verdict.high
    value = verdict.low if settled else _shown(criterion, measure, shown, verdict)
    if verdict.truths and not verdict.subjects and isinstance(criterion.judge, Limit) and criterion.judge.by_stage:
        value = shown[0].value if shown else None  # each subject has its own threshold: one of them with its value
    kept = _kept(cases, deciding)
    left = len(cases) - len(kept)
    return Finding(
        criterion=criterion.id,
        outcome=outcome,
        reason=first_reason(reasons) if inconclusive else None,
        grade=weakest(*grades) if grades else None,
        value=None if value is None else rounded(value),
        low=rounded(verdict.low) if not settled and verdict.low else None,
        high=rounded(verdict.high) if not settled and verdict.high is not None else None,
        unit=measure.judged_unit,
        decided_by=f"{measure.over_subjects}: {' + '.join(names)}" if names else "",
        threshold=rounded(_threshold(criterion, deciding, verdict, scene)),
        subjects=verdict.subjects,
        observations=tuple(observation for case in kept for observation in case.observations),
        observations_left=left or None,
    )


def _kept(cases: Sequence[Case], deciding: Sequence[Case]) -> list[Case]:
    """Return the subjects to show: all if they are few, else those that decided, then others."""
    if len(cases) <= MAX_SUBJECTS:
        return list(cases)
    decided = {case.subject for case in deciding}
    ranked = sorted(cases, key=lambda case: (case.subject not in decided, case.subject))[:MAX_SUBJECTS]
    return sorted(ranked, key=lambda case: case.subject)


def _shown(criterion: Criterion, measure: Measure, cases: Sequence[Case], verdict: _Verdict) -> Fraction | None:
    """Return the value to show where the bounds differ: the aggregate of what is known."""
    values = [case.value for case in cases if case.value is not None]
    if measure.counted_if is not None:
        return verdict.low if cases else None
    if not values:
        return None
    if measure.over_subjects == "sum":
        return sum(values, Fraction(0))
    highest = measure.over_subjects == "maximum" or isinstance(criterion.judge, AtMost)
    return max(values) if highest else min(values)


def _threshold(criterion: Criterion, deciding: Sequence[Case], verdict: _Verdict, scene: Scene) -> Fraction:
    """Return the threshold of the finding: where subjects have their own, that of the first that decided."""
    rule = criterion.judge
    if isinstance(rule, Limit) and rule.by_stage and deciding:
        return shown_threshold(rule, verdict.low, [deciding[0].subject.partition(":")[2]])
    return shown_threshold(rule, verdict.low, scene.stages)
