"""A region's figures, made of the accepted assessments of its schools; pure.

A school's finding becomes one figure of the region, with the grade and the bounds that it has there, citing the
statement that holds it. A school without an accepted statement is open in every figure: it stays in each sum and
never counts as met. What is counted, and from when on, the region's pack says: settings `standard`, `finding`, `all`
and `any` of its criteria.

Subjects: `school:<id>`, `general-school:<id>` (those that are more than kindergarten or vocational school), and
`region-class:<id>-<n>`, each class that a finding counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from agent.assess.derive.derived import Open
from agent.assess.figures import Figures
from agent.errors import ConfigError
from agent.model.finding import Outcome, Reason
from agent.model.reading import Grade, Reading, weakest

if TYPE_CHECKING:
    from agent.assess.figures import FiguresOf
    from agent.model.base import Digest
    from agent.model.finding import Assessment, Finding, Window
    from agent.model.metric import Metric
    from agent.model.region import Region, RegionSchool
    from agent.model.standard import Criterion, Measure, Standard

__all__ = ["DERIVATION", "GENERAL", "Accepted", "region_figures", "schools_asked"]

DERIVATION: Final = "region"
"""The derivation of the metrics that are figured here."""
GENERAL: Final = "general-school"
CLASS: Final = "region-class"
_KINDS: Final = frozenset({"school", GENERAL, CLASS})
_BANDWIDTH, _MET, _CLASS = "region.bandwidth", "region.met", "region.class"
_SETTINGS: Final[Mapping[str, frozenset[str]]] = {
    _BANDWIDTH: frozenset({"standard", "finding"}),
    _MET: frozenset({"standard", "all", "any"}),
    _CLASS: frozenset({"standard", "finding"}),
}


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the newest accepted assessment of a school says under one standard."""

    assessment: Assessment
    standard: Standard
    """The pack that it was judged by."""
    statement: Digest
    received: str

    def finding(self, criterion: str) -> Finding | None:
        """Return the finding of a criterion; None where the pack has none."""
        return next(
            (
                finding
                for clause in self.assessment.clauses
                for finding in clause.findings
                if finding.criterion == criterion
            ),
            None,
        )

    def criterion(self, name: str) -> Criterion | None:
        """Return a criterion of the pack."""
        return next((part for one in self.standard.indicators for part in one.criteria if part.id == name), None)


AcceptedBy = Mapping[str, Mapping[str, Accepted]]
"""By school, and there by standard."""


@dataclass(frozen=True, slots=True)
class _Figure:
    """One subject: bounds, and the grade where they are settled."""

    low: str
    high: str | None
    grade: Grade | None = None
    reason: Reason = Reason.TOO_FEW_SAMPLES


@dataclass(slots=True)
class _Figures:
    """Figures while they come together."""

    at: str
    unit: str
    metric: str
    readings: dict[tuple[str, str], Reading] = field(default_factory=dict)
    open: dict[tuple[str, str], Open] = field(default_factory=dict)

    def add(self, subject: str, figure: _Figure, statement: Digest | None) -> None:
        key = (self.metric, subject)
        if figure.grade is None or figure.low != figure.high:
            self.open[key] = Open(figure.reason, figure.low, figure.high)
            return
        self.readings[key] = Reading(
            metric=self.metric,
            subject=subject,
            value=figure.low,
            unit=self.unit,
            at=self.at,
            grade=figure.grade,
            sources=() if statement is None else (statement,),
        )


def region_figures(region: Region, accepted: AcceptedBy, metrics: Mapping[str, Metric], window: Window) -> FiguresOf:
    """Return what a region's standard is judged by.

    Args:
        region: the list of schools.
        accepted: the newest accepted assessment of each school, by school and standard.
        metrics: all metrics by name.
        window: of the roll-up; figures stand at its end.

    Raises (when asked):
        ConfigError: a criterion of the pack has a setting that is unknown, or lacks one.
    """
    known: dict[str, Figures] = {}

    def of(measure: Measure) -> Figures | None:
        metric = metrics.get(measure.metric)
        if metric is None or metric.derivation != DERIVATION:
            return None
        key = repr((measure.metric, measure.subjects, sorted(measure.method.items())))
        if key not in known:
            known[key] = _figures(measure, metric, region, accepted, window.until)
        return known[key]

    return of


def schools_asked(measure: Measure, region: Region) -> tuple[RegionSchool, ...]:
    """Return the schools that a criterion is about."""
    every = "school" in measure.subjects or CLASS in measure.subjects
    return tuple(school for school in region.schools if every or school.general)


def _figures(measure: Measure, metric: Metric, region: Region, accepted: AcceptedBy, at: str) -> Figures:
    method = measure.method
    unknown = sorted(set(method) - _SETTINGS.get(metric.name, frozenset()))
    if unknown or not method.get("standard") or not set(measure.subjects) <= _KINDS:
        what = "a figure of a region needs the setting standard, and knows school, general-school, region-class"
        raise ConfigError(what, where=metric.name)
    found = _Figures(at, metric.unit, metric.name)
    for school in schools_asked(measure, region):
        one = accepted.get(school.id, {}).get(method["standard"])
        statement = None if one is None else one.statement
        for name, figure in _of_school(metric.name, method, school, one):
            for kind in measure.subjects:
                found.add(f"{kind}:{name}", figure, statement)
    return Figures(found.readings, found.open)


def _of_school(
    metric: str, method: Mapping[str, str], school: RegionSchool, one: Accepted | None
) -> Iterator[tuple[str, _Figure]]:
    if metric == _CLASS:
        figures = _classes(method["finding"], school, one)
        yield from ((f"{school.id}-{number}", figure) for number, figure in enumerate(figures, start=1))
    elif one is None:
        yield school.id, _Figure("0", None if metric == _BANDWIDTH else "1", reason=Reason.NO_TARGET)
    elif metric == _BANDWIDTH:
        yield school.id, _value(one.finding(method["finding"]))
    else:
        yield school.id, _met(one, method.get("all", "").split(), method.get("any", "").split())


def _value(finding: Finding | None) -> _Figure:
    """Return the value of a finding; where it is not settled, its bounds."""
    if finding is None:
        return _Figure("0", None, reason=Reason.UNSUPPORTED)
    bounded = finding.low is not None or finding.high is not None
    if finding.value is None or bounded or finding.outcome is Outcome.INCONCLUSIVE:
        return _Figure(finding.low or "0", finding.high, reason=finding.reason or Reason.TOO_FEW_SAMPLES)
    return _Figure(finding.value, finding.value, finding.grade)


def _met(one: Accepted, every: Sequence[str], alternatives: Sequence[str]) -> _Figure:
    """Return whether all of the criteria, and one of the alternatives, are satisfied."""
    parts = [_satisfied(one.finding(name)) for name in every]
    choices = [_satisfied(one.finding(name)) for name in alternatives]
    if choices:
        # Of alternatives the best decides: one that is proven, else one that may be.
        parts.append(max(choices, key=lambda part: (part.low, part.high or "")))
    worst = min(parts, key=lambda part: (part.high or "", part.low))
    grades = [part.grade for part in parts if part.grade is not None]
    return _Figure("1", "1", weakest(*grades)) if worst.low == "1" and grades else worst


def _satisfied(finding: Finding | None) -> _Figure:
    if finding is None:
        return _Figure("0", "1", reason=Reason.UNSUPPORTED)
    if finding.outcome is Outcome.SATISFIED:
        return _Figure("1", "1", finding.grade or Grade.DECLARED)
    if finding.outcome in {Outcome.NOT_SATISFIED, Outcome.PARTIALLY_SATISFIED}:
        return _Figure("0", "0", finding.grade or Grade.REPORTED)
    if finding.outcome is Outcome.NOT_APPLICABLE:
        return _Figure("0", "1", reason=Reason.NO_TARGET)
    return _Figure("0", "1", reason=finding.reason or Reason.TOO_FEW_SAMPLES)


def _classes(name: str, school: RegionSchool, one: Accepted | None) -> Iterator[_Figure]:
    """Yield one figure for each class of a school: those that hold, those that fail, and all others as open.

    A class that holds has the weakest grade of those that the finding shows, and at least the one that its pack
    required. One that fails is settled even where only the school itself says so.
    """
    finding = None if one is None else one.finding(name)
    held = {} if finding is None else finding.subjects
    grade = Grade.DECLARED if finding is None else _grade_of_holding(finding, one.criterion(name) if one else None)
    yield from (_Figure("1", "1", grade) for _ in range(held.get("holds", 0)))
    yield from (_Figure("0", "0") for _ in range(held.get("fails", 0)))
    counted = held.get("holds", 0) + held.get("fails", 0)
    still = max(held.get("open", 0), (school.classes_from_grade_three or 0) - counted)
    reason = Reason.NO_TARGET if finding is None else finding.reason or Reason.NO_TARGET
    yield from (_Figure("0", "1", reason=reason) for _ in range(still))


def _grade_of_holding(finding: Finding, criterion: Criterion | None) -> Grade:
    shown = [item.grade for item in finding.observations if item.grade is not None and item.value not in {None, "0"}]
    required = Grade.DECLARED if criterion is None else criterion.grade_required
    return min(weakest(*shown), required, key=lambda grade: grade.rank) if shown else required
