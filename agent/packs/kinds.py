"""Which examples a criterion must carry: every outcome that it can have, and both sides of every edge of its rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from agent.model.finding import Outcome, Reason
from agent.model.reading import Grade
from agent.model.rule import AtLeast, Bands, Deduct, Equals, Limit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agent.model.finding import ClauseResult
    from agent.model.metric import Metric
    from agent.model.rule import Judge
    from agent.model.standard import Criterion, Example, Measure

__all__ = ["Shown", "missing"]

_NEAR: Final = Fraction(1, 1000)
"""An example just beside an edge lies within this share of it."""
_QUARTER: Final = Fraction(1, 4)


@dataclass(frozen=True, slots=True)
class Shown:
    """An example, and what came out."""

    example: Example
    clause: ClauseResult


Beside = Callable[[Fraction, Fraction], bool]
"""Tells whether a value lies just beyond an edge."""


def missing(criterion: Criterion, shown: Sequence[Shown], metrics: Mapping[str, Metric]) -> Iterator[str]:
    """Yield what no example of a criterion shows, in words.

    Args:
        criterion: whose examples they are.
        shown: those that could be judged.
        metrics: all metrics by name; tells which are derived.
    """
    yield from _outcomes(criterion, shown, metrics)
    values = [_number(one.clause.findings[0].value) for one in shown if _tells(criterion, one)]
    known = [value for value in values if value is not None]
    yield from _edges(criterion.judge, known, _beside(criterion, known))
    measure = criterion.measure
    if measure is not None and measure.counted_if is not None:
        each = [_number(item.value) for one in shown for item in one.clause.findings[0].observations]
        yield from _edges(measure.counted_if, [value for value in each if value is not None], _near)


def _outcomes(criterion: Criterion, shown: Sequence[Shown], metrics: Mapping[str, Metric]) -> Iterator[str]:
    findings = [one.clause.findings[0] for one in shown]
    outcomes = {finding.outcome for finding in findings}
    reasons = {finding.reason for finding in findings}
    accepted = criterion.declared is not None and criterion.grade_required is not Grade.DECLARED
    met = Reason.WEAK_PROOF in reasons if accepted else Outcome.SATISFIED in outcomes
    if not met:
        yield "no example is satisfied"
    if Outcome.NOT_SATISFIED not in outcomes:
        yield "no example is not satisfied"
    if not any(finding.outcome is Outcome.INCONCLUSIVE and finding.grade is not Grade.DECLARED for finding in findings):
        yield "no example is inconclusive"
    if _contradictable(criterion.measure, metrics) and Reason.CONTRADICTED not in reasons:
        yield "no example is contradicted"
    if not any(one.example.points or one.example.points_declared for one in shown):
        yield "no example says how many points it earns"


def _contradictable(measure: Measure | None, metrics: Mapping[str, Metric]) -> bool:
    if measure is None:
        return False
    metric = metrics.get(measure.metric)
    return bool(measure.carried_by) or (metric is not None and bool(metric.derivation))


def _tells(criterion: Criterion, one: Shown) -> bool:
    """Tell whether the value that came out is the one that was judged."""
    return criterion.declared is not None or one.clause.findings[0].outcome is not Outcome.INCONCLUSIVE


def _number(text: str | None) -> Fraction | None:
    return None if text is None else Fraction(text)


def _near(edge: Fraction, value: Fraction) -> bool:
    return abs(edge - value) <= edge * _NEAR


def _next(edge: Fraction, value: Fraction) -> bool:
    return abs(edge - value) == 1


def _beside(criterion: Criterion, values: Sequence[Fraction]) -> Beside:
    """Return how close to an edge a value must lie: counts and shares of few subjects have no value close by."""
    over = criterion.measure.over_subjects if criterion.measure is not None else ""
    unit = criterion.measure.judged_unit if criterion.measure is not None else ""
    if over == "count" or (unit == "1" and all(value.denominator == 1 for value in values)):
        return _next
    if over == "share":
        return lambda edge, value: abs(edge - value) <= edge * _QUARTER
    return _near


def _edges(rule: Judge, values: Sequence[Fraction], beside: Beside) -> Iterator[str]:
    if isinstance(rule, Equals) and all(value == Fraction(rule.value) for value in values):
        yield f"no example has another value than {rule.value}"
    for text, below in _edges_of(rule):
        edge = Fraction(text)
        if edge not in values:
            yield f"no example lies exactly on {text}"
        if below is None:
            continue
        if not any((value < edge) == below and value != edge and beside(edge, value) for value in values):
            side = "below" if below else "above"
            yield f"no example lies just {side} {text}"


def _edges_of(rule: Judge) -> list[tuple[str, bool | None]]:
    """Return every edge of a rule, and whether its other side is below it; None: being on it is enough."""
    if isinstance(rule, Bands):
        return [(band.at_least, True) for band in rule.bands]
    if isinstance(rule, Deduct):
        lowest = Fraction(rule.threshold) - (Fraction(rule.points) - Fraction(rule.floor)) * Fraction(
            rule.per
        ) / Fraction(rule.minus)
        edges: list[tuple[str, bool | None]] = [(rule.threshold, True)]
        return [*edges, (f"{float(lowest):g}", None)] if lowest > 0 else edges
    if isinstance(rule, Limit):
        texts = [rule.threshold] if rule.threshold is not None else sorted(set(rule.by_stage.values()))
        return [(text, isinstance(rule, AtLeast)) for text in texts]
    return [(rule.value, None)] if isinstance(rule, Equals) else []
