"""Criteria with one number changed a little: some example of the pack must come out otherwise."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from agent.assess.examples import judge_example
from agent.canonical import decimal_text
from agent.errors import AgentError
from agent.model.rule import AtLeast, AtMost, Bands, Deduct, Equals, Limit
from agent.packs.lint import compared

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agent.model.metric import Metric
    from agent.model.rule import Judge
    from agent.model.standard import Criterion, Indicator, Measure, Standard

SMALL = Fraction(1, 1000)


def survivors(standard: Standard, metrics: Mapping[str, Metric]) -> list[str]:
    """Return the changes of a standard that none of its examples notices."""
    return [
        f"{standard.id} {indicator.id} {criterion.id}: {what}"
        for indicator in standard.indicators
        for criterion in indicator.criteria
        for what, clause, part in mutants(indicator, criterion, metrics)
        if not noticed(standard, clause, part, metrics)
    ]


def noticed(standard: Standard, indicator: Indicator, criterion: Criterion, metrics: Mapping[str, Metric]) -> bool:
    """Tell whether an example fails."""
    for example in criterion.examples:
        try:
            expected, actual = compared(example, judge_example(standard, indicator, criterion, example, metrics))
        except AgentError:
            return True
        if expected != actual:
            return True
    return False


def mutants(
    indicator: Indicator, criterion: Criterion, metrics: Mapping[str, Metric]
) -> Iterator[tuple[str, Indicator, Criterion]]:
    """Yield every number of a criterion, and of its clause, a little more and a little less."""
    steps = _steps(criterion)
    for what, judge in _rules(criterion.judge, steps):
        yield what, indicator, criterion.model_copy(update={"judge": judge})
    measure = criterion.measure
    if measure is not None:
        inner = measure.counted_if
        for what, rule in _rules(inner, (SMALL, SMALL)) if inner is not None else ():
            changed = measure.model_copy(update={"counted_if": rule})
            yield f"counted_if {what}", indicator, criterion.model_copy(update={"measure": changed})
        for what, changed in _samples(measure, metrics):
            yield what, indicator, criterion.model_copy(update={"measure": changed})
    if criterion.points is not None:
        for text in _around(criterion.points, SMALL, SMALL):
            yield f"points {text}", indicator, criterion.model_copy(update={"points": text})
    elif not indicator.informative:
        for text in _around(indicator.points, SMALL, SMALL):
            yield f"points {text}", indicator.model_copy(update={"points": text}), criterion


def _steps(criterion: Criterion) -> tuple[Fraction, Fraction]:
    """Return how far a threshold goes up and down: counts and shares of few subjects have no value close by."""
    measure = criterion.measure
    if measure is not None and measure.over_subjects == "share":
        return SMALL, Fraction(1, 4)
    if measure is not None and measure.over_subjects == "count":
        return Fraction(-1), Fraction(-1)
    values = [Fraction(value) for value in _values(criterion)]
    whole = measure is not None and measure.judged_unit == "1" and all(value.denominator == 1 for value in values)
    return (Fraction(-1), Fraction(-1)) if whole else (SMALL, SMALL)


def _values(criterion: Criterion) -> Iterator[str]:
    for example in criterion.examples:
        yield from (value for series in example.readings for value in series.values if value.replace(".", "").isdigit())


def _around(text: str, up: Fraction, down: Fraction) -> tuple[str, str]:
    """Return a number a share of itself higher and lower; a negative share is one whole unit."""
    value = Fraction(text)
    higher = value + (1 if up < 0 else max(value * up, up))
    lower = value - (1 if down < 0 else max(value * down, down))
    return _text(higher), _text(lower)


def _text(value: Fraction) -> str:
    return decimal_text(f"{float(value):.9f}")


def _rules(rule: Judge, steps: tuple[Fraction, Fraction]) -> Iterator[tuple[str, Judge]]:
    if isinstance(rule, Limit):
        yield from _limits(rule, steps)
    elif isinstance(rule, Equals):
        for text in _around(rule.value, *steps):
            yield f"value {text}", rule.model_copy(update={"value": text})
    elif isinstance(rule, Bands):
        for place, band in enumerate(rule.bands):
            changes = [("at_least", text) for text in _around(band.at_least, *steps)]
            changes += [("points", text) for text in _around(band.points, SMALL, SMALL)]
            for key, text in changes:
                bands = (*rule.bands[:place], band.model_copy(update={key: text}), *rule.bands[place + 1 :])
                yield f"band {place} {key} {text}", rule.model_copy(update={"bands": bands})
    elif isinstance(rule, Deduct):
        for key in ("threshold", "points", "per", "minus", "floor"):
            for text in _around(getattr(rule, key), SMALL, SMALL):
                if key != "floor" or not text.startswith("-"):
                    yield f"{key} {text}", rule.model_copy(update={key: text})
        if steps[0] > 0:  # of whole subjects, a started one is a whole one
            other = "started" if rule.shortfall == "exact" else "exact"
            yield f"shortfall {other}", rule.model_copy(update={"shortfall": other})


def _limits(rule: Limit, steps: tuple[Fraction, Fraction]) -> Iterator[tuple[str, Judge]]:
    assert isinstance(rule, AtLeast | AtMost)
    if rule.threshold is not None:
        for text in _around(rule.threshold, *steps):
            yield f"threshold {text}", rule.model_copy(update={"threshold": text})
    for stage, threshold in rule.by_stage.items():
        for text in _around(threshold, *steps):
            yield f"{stage} {text}", rule.model_copy(update={"by_stage": {**rule.by_stage, stage: text}})


def _samples(measure: Measure, metrics: Mapping[str, Metric]) -> Iterator[tuple[str, Measure]]:
    if measure.metric in metrics and metrics[measure.metric].derivation:
        return  # a derived figure has one value
    for key in ("min_samples", "min_days", "min_school_days"):
        value = getattr(measure, key)
        overshadowed = key == "min_samples" and value < measure.min_school_days
        if (value or key == "min_samples") and not overshadowed:
            yield f"{key} {value + 1}", measure.model_copy(update={key: value + 1})
        if value > (key == "min_samples"):
            yield f"{key} {value - 1}", measure.model_copy(update={key: value - 1})
    if measure.min_coverage != "0":
        for step in (Fraction(1, 100), Fraction(-1, 100)):
            text = _text(Fraction(measure.min_coverage) + step)
            yield f"min_coverage {text}", measure.model_copy(update={"min_coverage": text})
