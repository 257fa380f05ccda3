"""From judged criteria to points: parts of a clause, choices between sections, vetoes, the pass mark.

Every clause that counts has its points split into proven, open and lost. Of the open points, some rest on a declaration
that only a person can accept.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from agent.assess.judge import first_reason, outcome_of
from agent.assess.samples import exact, rounded
from agent.model.finding import ChoiceResult, ClauseResult, Outcome, VetoResult
from agent.model.reading import weakest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.assess.judge import Judged
    from agent.model.finding import Finding
    from agent.model.reading import Grade
    from agent.model.standard import Criterion, Indicator, Section, Standard

__all__ = ["Awarded", "award", "chosen", "counted", "passed", "vetoes"]

_WORST_FIRST: Final = (
    Outcome.NOT_SATISFIED,
    Outcome.INCONCLUSIVE,
    Outcome.PARTIALLY_SATISFIED,
    Outcome.SATISFIED,
)
_BEST_FIRST: Final = (
    Outcome.SATISFIED,
    Outcome.PARTIALLY_SATISFIED,
    Outcome.INCONCLUSIVE,
    Outcome.NOT_SATISFIED,
)


@dataclass(frozen=True)
class Awarded:
    """A clause with its exact points."""

    result: ClauseResult
    worth: Fraction
    """Points that count here: less than those of the clause where a part is not about this school."""
    proven: Fraction
    open: Fraction
    declared: Fraction


@dataclass(frozen=True)
class _Part:
    """A criterion, or alternatives of which the best counts."""

    outcome: Outcome
    worth: Fraction
    proven: Fraction
    best: Fraction
    accepted: Fraction
    """Points that would be proven if declarations were accepted."""
    grade: Grade | None


def award(indicator: Indicator, judged: Sequence[Judged]) -> Awarded:
    """Return what the findings of a clause's criteria come to."""
    parts = _parts(indicator, judged)
    zero = Fraction(0)
    if not parts:
        whole = _Part(Outcome.NOT_APPLICABLE, zero, zero, zero, zero, None)
    elif indicator.award == "all-parts":
        whole = _all(parts, exact(indicator.points))
    elif indicator.award == "sum-of-parts":
        worth, proven, best, accepted = (
            sum(column, zero)
            for column in zip(*((part.worth, part.proven, part.best, part.accepted) for part in parts), strict=True)
        )
        whole = _Part(outcome_of(proven, best, worth), worth, proven, best, accepted, None)
    else:  # scale has one part; of best-of the part with the most points counts
        worth, proven, best, accepted = (
            max(column)
            for column in zip(*((part.worth, part.proven, part.best, part.accepted) for part in parts), strict=True)
        )
        whole = _Part(outcome_of(proven, best, worth), worth, proven, best, accepted, None)
    return _awarded(indicator, judged, parts, whole)


def _all(parts: Sequence[_Part], full: Fraction) -> _Part:
    """Return the clause whose parts must all be met: a proven breach of one outranks what is missing in another."""
    zero = Fraction(0)
    outcome = _first(_WORST_FIRST, [part.outcome for part in parts])
    proven = full if outcome is Outcome.SATISFIED else zero
    best = full if outcome in {Outcome.SATISFIED, Outcome.INCONCLUSIVE} else zero
    accepted = best if all(part.accepted == part.worth for part in parts) else proven
    return _Part(outcome, full, proven, best, accepted, None)


def _parts(indicator: Indicator, judged: Sequence[Judged]) -> list[_Part]:
    """Return the parts that are about this school; alternatives are one part."""
    groups: dict[str, list[tuple[Criterion, Judged]]] = {}
    for number, (criterion, item) in enumerate(zip(indicator.criteria, judged, strict=True)):
        if item.finding.outcome is not Outcome.NOT_APPLICABLE:
            groups.setdefault(criterion.either or f"/{number}", []).append((criterion, item))
    return [
        _Part(
            outcome=_first(_BEST_FIRST, [item.finding.outcome for _, item in group]),
            worth=max(exact(indicator.worth(criterion)) for criterion, _ in group),
            proven=max(item.proven for _, item in group),
            best=max(item.proven + item.open for _, item in group),
            accepted=max(item.proven + item.declared for _, item in group),
            grade=_grade([item.finding for _, item in group]),
        )
        for group in groups.values()
    ]


def _grade(findings: Sequence[Finding]) -> Grade | None:
    """Return the grade of what decided a part: one alternative that is met suffices, and the best proven one counts."""
    met = [item.grade for item in findings if item.outcome is Outcome.SATISFIED and item.grade is not None]
    known = [item.grade for item in findings if item.grade is not None]
    if met:
        return min(met, key=lambda grade: grade.rank)
    return weakest(*known) if known else None


def _first(order: Sequence[Outcome], found: Sequence[Outcome]) -> Outcome:
    return next(outcome for outcome in order if outcome in found)


def _awarded(indicator: Indicator, judged: Sequence[Judged], parts: Sequence[_Part], whole: _Part) -> Awarded:
    findings = tuple(item.finding for item in judged)
    inconclusive = whole.outcome is Outcome.INCONCLUSIVE
    reasons = [item.reason for item in findings if item.outcome is Outcome.INCONCLUSIVE and item.reason is not None]
    deciding = [part for part in parts if part.outcome is whole.outcome] or list(parts)
    grades = [part.grade for part in deciding if part.grade is not None]
    declared = whole.accepted - whole.proven
    result = ClauseResult(
        clause=indicator.id,
        title=indicator.title,
        outcome=whole.outcome,
        reason=first_reason(reasons) if inconclusive else None,
        grade=weakest(*grades) if grades else None,
        points=indicator.points,
        points_proven=rounded(whole.proven),
        points_open=rounded(whole.best - whole.proven),
        points_declared=rounded(declared) if declared else None,
        findings=findings,
    )
    return Awarded(result, whole.worth, whole.proven, whole.best - whole.proven, declared)


# --- the whole standard -------------------------------------------------------------------------------------------


def chosen(standard: Standard, awarded: Mapping[str, Awarded], choices: Mapping[str, str]) -> tuple[ChoiceResult, ...]:
    """Return which of the sections below each section with a choice counts.

    Args:
        standard: with its sections.
        awarded: clauses by id.
        choices: what the school applied for: section -> section below it.
    """
    results = []
    for section in standard.sections:
        if section.combine != "choose":
            continue
        below = [one.id for one in standard.sections if one.parent == section.id]
        if choices.get(section.id) in below:
            results.append(ChoiceResult(section=section.id, chosen=choices[section.id], by="campus"))
        elif below:
            best = max(below, key=lambda name: (_sums(standard, awarded, name), -below.index(name)))
            results.append(ChoiceResult(section=section.id, chosen=best, by="points"))
    return tuple(results)


def _sums(standard: Standard, awarded: Mapping[str, Awarded], section: str) -> tuple[Fraction, Fraction]:
    found = [awarded[one.id] for one in standard.indicators if one.id in awarded and _within(standard, one, section)]
    return sum((one.proven for one in found), Fraction(0)), sum((one.open for one in found), Fraction(0))


def _within(standard: Standard, indicator: Indicator, section: str) -> bool:
    return section in {one.id for one in _above(standard, indicator)}


def _above(standard: Standard, indicator: Indicator) -> list[Section]:
    """Return the sections that the clause lies in, innermost first."""
    by_id = {section.id: section for section in standard.sections}
    found: list[Section] = []
    name = indicator.section
    while name is not None and name in by_id and by_id[name] not in found:
        found.append(by_id[name])
        name = by_id[name].parent
    return found


def counted(standard: Standard, awarded: Mapping[str, Awarded], choices: Sequence[ChoiceResult]) -> list[Awarded]:
    """Return the clauses in order, those that a choice leaves out marked with the section that chose."""
    left = {section: choice for choice in choices for section in (choice.section,)}
    results = []
    for indicator in standard.indicators:
        if indicator.id not in awarded:
            continue
        one = awarded[indicator.id]
        above = [section.id for section in _above(standard, indicator)]
        out = next((name for name in above if name in left and left[name].chosen not in above), "")
        zero = Fraction(0)
        marked = one.result.model_copy(update={"left_out": out})
        results.append(Awarded(marked, zero, zero, zero, zero) if out else one)
    return results


def vetoes(standard: Standard, results: Mapping[str, ClauseResult]) -> tuple[VetoResult, ...]:
    """Return how it stands with the clauses of each veto; one that is outside is never settled here."""
    found = []
    for veto in standard.vetoes:
        names = [indicator.id for indicator in standard.indicators if indicator.veto == veto.id]
        outcomes = {name: results[name].outcome if name in results else Outcome.INCONCLUSIVE for name in names}
        breached = tuple(
            name for name in names if outcomes[name] in {Outcome.NOT_SATISFIED, Outcome.PARTIALLY_SATISFIED}
        )
        unsettled = tuple(name for name in names if outcomes[name] is Outcome.INCONCLUSIVE)
        outcome = Outcome.NOT_SATISFIED if breached else Outcome.INCONCLUSIVE if unsettled else Outcome.SATISFIED
        found.append(VetoResult(veto=veto.id, title=veto.title, outcome=outcome, breached=breached, open=unsettled))
    return tuple(found)


def passed(standard: Standard, proven: Fraction, still_open: Fraction, judged: Fraction) -> Outcome | None:
    """Return whether the pass mark is reached; what is not judged here may still earn all its points."""
    if standard.pass_mark is None:
        return None
    mark = exact(standard.pass_mark)
    if proven >= mark:
        return Outcome.SATISFIED
    outside = max(exact(standard.total) - judged, Fraction(0))
    return Outcome.NOT_SATISFIED if proven + still_open + outside < mark else Outcome.INCONCLUSIVE
