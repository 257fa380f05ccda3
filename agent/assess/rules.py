"""What a rule makes of a value that is known between bounds: what it proves at worst, and what is still possible.

A bound that is not known upward is None. Everything is exact.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final

from agent.assess.samples import exact
from agent.model.rule import AtLeast, AtMost, Bands, Deduct, Equals, Limit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.model.base import Decimal
    from agent.model.rule import Condition, Judge

__all__ = ["concerns", "limits", "points", "shown_threshold", "truth"]

_YES: Final = Fraction(1)


def concerns(rule: Judge, stages: Sequence[str]) -> bool:
    """Tell whether a rule speaks of a school of these stages; of stages that are not known it may."""
    return not (isinstance(rule, Limit) and rule.by_stage and stages) or not rule.by_stage.keys().isdisjoint(stages)


def limits(rule: Limit, stages: Sequence[str], subject: str = "") -> tuple[Fraction, Fraction]:
    """Return the threshold that proves, and the one that is possible; they differ where the stages are not known.

    Args:
        rule: at-least or at-most.
        stages: of the school; empty: not known.
        subject: one that is named after a stage has the threshold of that stage.
    """
    if rule.threshold is not None:
        return exact(rule.threshold), exact(rule.threshold)
    by_stage: dict[str, Decimal] = {str(stage): text for stage, text in rule.by_stage.items()}
    own = by_stage.get(subject.partition(":")[2])
    asked = [own] if own is not None else [by_stage[stage] for stage in stages if stage in by_stage]
    numbers = sorted(exact(text) for text in asked or by_stage.values())
    strict, loose = (numbers[0], numbers[-1]) if isinstance(rule, AtMost) else (numbers[-1], numbers[0])
    return strict, strict if asked else loose


def truth(
    rule: Condition, low: Fraction, high: Fraction | None, stages: Sequence[str] = (), subject: str = ""
) -> tuple[bool, bool]:
    """Return whether a condition certainly holds, and whether it may hold."""
    if isinstance(rule, Equals):
        value = exact(rule.value)
        return low == high == value, low <= value and (high is None or value <= high)
    if isinstance(rule, AtMost):
        strict, loose = limits(rule, stages, subject)
        return high is not None and high <= strict, low <= loose
    strict, loose = limits(rule, stages, subject) if isinstance(rule, AtLeast) else (_YES, _YES)
    return low >= strict, high is None or high >= loose


def points(
    rule: Judge,
    full: Fraction,
    low: Fraction,
    high: Fraction | None,
    stages: Sequence[str] = (),
    subject: str = "",
) -> tuple[Fraction, Fraction]:
    """Return the points that are proven and those that are possible.

    Args:
        rule: how the value is judged.
        full: what a condition that holds is worth; bands and deductions have points of their own.
        low: the least that the value can be.
        high: the most; None: it may be anything.
        stages: of the school; empty: not known.
        subject: whose value it is.
    """
    if isinstance(rule, Bands):
        return _banded(rule, low), exact(rule.points) if high is None else _banded(rule, high)
    if isinstance(rule, Deduct):
        return _deducted(rule, low), exact(rule.points) if high is None else _deducted(rule, high)
    certain, possible = truth(rule, low, high, stages, subject)
    return full * certain, full * possible


def _banded(rule: Bands, value: Fraction) -> Fraction:
    return next((exact(band.points) for band in rule.bands if value >= exact(band.at_least)), Fraction(0))


def _deducted(rule: Deduct, value: Fraction) -> Fraction:
    short = max(Fraction(0), exact(rule.threshold) - value) / exact(rule.per)
    units = Fraction(-(-short.numerator // short.denominator)) if rule.shortfall == "started" else short
    return max(exact(rule.floor), exact(rule.points) - units * exact(rule.minus))


def shown_threshold(rule: Judge, low: Fraction, stages: Sequence[str]) -> Fraction:
    """Return the band that was reached or the lowest one that was missed; of other rules the threshold that proves."""
    if isinstance(rule, Bands):
        edges = [exact(band.at_least) for band in rule.bands]
        return next((edge for edge in edges if low >= edge), edges[-1])
    if isinstance(rule, Limit):
        return limits(rule, stages)[0]
    if isinstance(rule, Deduct):
        return exact(rule.threshold)
    return exact(rule.value) if isinstance(rule, Equals) else _YES
