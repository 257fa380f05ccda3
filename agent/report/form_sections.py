"""Fields of a form that sum up a section of a standard: its points, and clause by clause why. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from agent.canonical import decimal_text
from agent.language import name_of, translator
from agent.model.finding import Outcome
from agent.model.reading import Grade
from agent.report.form_answers import graded
from agent.report.form_lines import Line, Mark
from agent.report.text import amount, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.model.finding import Assessment, ClauseResult, Finding
    from agent.model.standard import Indicator, Standard
    from agent.report.form_lines import Material

__all__ = ["explained", "scored"]


def scored(section: str | None, standard: str, material: Material) -> list[Line]:
    """Return the points of a section, or of the whole standard, by how they stand."""
    _ = translator(material.language)
    assessment, pack = material.assessment(standard), material.standard(standard)
    if assessment is None:
        return [material.missing(_("judge by {standard} as well").format(standard=standard))]
    if pack is None:
        return [material.missing(_("the pack that was judged by is not known here; use a bundle"))]
    inside = _clauses(assessment, pack, section)
    proven = sum((Decimal(one.points_proven) for one in inside), Decimal(0))
    still = sum((Decimal(one.points_open) for one in inside), Decimal(0))
    declared = sum((Decimal(one.points_declared or "0") for one in inside), Decimal(0))
    worth = sum((Decimal(one.points) for one in inside), Decimal(0))
    total = next((Decimal(one.points) for one in pack.sections if one.id == section), Decimal(pack.total))
    lines = [(Mark.PROVEN, _("proven: {points}"), proven)] if inside else []
    lines += [
        (Mark.DECLARED, _("on declared documents, to be accepted: {points}"), declared),
        (Mark.MISSING, _("still open: {points}"), still - declared),
        (Mark.LABEL, _("lost: {points}"), worth - proven - still),
        (Mark.PERSON, _("not judged by machine, for the school to fill in: {points}"), total - worth),
    ]
    return [
        Line(text.format(points=decimal_text(points)), mark)
        for mark, text, points in lines
        if points or mark is Mark.PROVEN
    ]


def explained(section: str, standard: str, material: Material) -> list[Line]:
    """Return the clauses of a section: what each came to and by which figures, and what is left to people."""
    _ = translator(material.language)
    assessment, pack = material.assessment(standard), material.standard(standard)
    if assessment is None or pack is None:
        return [material.missing(_("judge by {standard} as well").format(standard=standard))]
    indicators = {one.id: one for one in pack.indicators}
    lines = [
        line
        for clause in _clauses(assessment, pack, section)
        for line in _explained(clause, indicators[clause.clause], standard, material)
    ]
    under = _below(pack, section)
    outside = [one for one in pack.indicators if one.outside and one.section in under]
    if outside:
        points = sum((Decimal(one.points) for one in outside), Decimal(0))
        names = ", ".join(one.id for one in outside)
        text = _("【fill in】 clauses {clauses} ({points} points)").format(clauses=names, points=decimal_text(points))
        lines.append(Line(text, Mark.PERSON))
    return lines


def _clauses(assessment: Assessment, pack: Standard, section: str | None) -> list[ClauseResult]:
    """Return the clauses that count in a section and those below it."""
    under = _below(pack, section)
    inside = {one.id for one in pack.indicators if section is None or one.section in under}
    return [one for one in assessment.clauses if one.clause in inside and not one.left_out and one.points != "0"]


def _below(pack: Standard, section: str | None) -> set[str]:
    """Return a section and all below it; parents are listed before their children or after them."""
    found = {section} if section else set()
    for _ in pack.sections:
        found |= {one.id for one in pack.sections if one.parent in found}
    return found


def _explained(clause: ClauseResult, indicator: Indicator, standard: str, material: Material) -> Iterator[Line]:
    _ = translator(material.language)
    text = _("{clause} {title} ({points} points): {outcome}, proven {proven}").format(
        clause=clause.clause,
        title=" ".join(clause.title.of(material.language).split()),
        points=clause.points,
        outcome=name_of(clause.outcome, _),
        proven=clause.points_proven,
    )
    yield Line(visible(text, 400), _mark(clause))
    titles = {part.id: part.title.of(material.language) for part in indicator.criteria}
    for finding in clause.findings:
        yield from _figure(finding, titles.get(finding.criterion, finding.criterion), standard, material)
    todo = dict.fromkeys(step for one in clause.findings for step in material.steps(one, clause.clause, standard))
    yield from (Line(_("· next: {todo}").format(todo=text), Mark.MISSING) for text in todo)


def _mark(clause: ClauseResult) -> Mark:
    """Return how a clause's line looks: by what its open points wait for."""
    if Decimal(clause.points_open) > Decimal(clause.points_declared or "0"):
        return Mark.MISSING
    if Decimal(clause.points_open) > 0:
        return Mark.DECLARED
    return Mark.PROVEN if Decimal(clause.points_proven) > 0 else Mark.LABEL


def _figure(finding: Finding, title: str, standard: str, material: Material) -> Iterator[Line]:
    """Yield the figure of a criterion, or who declared it; nothing where there is neither."""
    _ = translator(material.language)
    campus = material.given.campus
    declared = campus.declarations.get(f"{standard}/{finding.criterion}") if campus else None
    if declared is not None and finding.grade is Grade.DECLARED:
        text = _("· {part}: 〔declared: {by}, {day}, {why}〕").format(
            part=title, by=declared.by, day=declared.at[:10], why=declared.why
        )
        yield Line(visible(text, 400), Mark.DECLARED)
    elif finding.value is not None and finding.unit != "1":
        line = graded(visible(f"· {title}: {amount(finding.value, finding.unit)}", 400), finding.grade, material)
        yield Line(line.text, Mark.MISSING if finding.outcome is Outcome.INCONCLUSIVE else line.mark)
