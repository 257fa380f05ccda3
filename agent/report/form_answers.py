"""Fields of a form that a clause or criterion answers: a figure, how many hold, or yes and no. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.language import name_of, translator
from agent.model.finding import Outcome, Reason
from agent.model.reading import Grade
from agent.report.form_lines import Line, Mark
from agent.report.text import amount, visible

if TYPE_CHECKING:
    from agent.model.finding import ClauseResult, Finding
    from agent.model.form import Answer
    from agent.report.form_lines import Material

__all__ = ["answered", "graded"]


def answered(fill: Answer, standard: str, material: Material) -> list[Line]:
    """Return what a clause, or a criterion of it, came to; where it is not settled, what is missing."""
    _ = translator(material.language)
    assessment = material.assessment(standard)
    if assessment is None:
        return [material.missing(_("judge by {standard} as well").format(standard=standard))]
    clause = next((one for one in assessment.clauses if one.clause == fill.clause), None)
    findings = [one for one in clause.findings if fill.criterion in (None, one.criterion)] if clause else []
    if clause is None or not findings:
        return [material.missing(_("the pack that was judged by does not have it; judge by a newer version"))]
    if fill.show == "yes-no":
        part = findings[0] if fill.criterion is not None else None
        return _yes_no(part.outcome if part else clause.outcome, clause, findings, standard, material)
    if fill.show == "holds":
        return _holding(findings[0], fill, standard, material)
    return _value(findings[0], fill, standard, material)


def _yes_no(
    outcome: Outcome, clause: ClauseResult, findings: list[Finding], standard: str, material: Material
) -> list[Line]:
    _ = translator(material.language)
    yes, no = _("yes"), _("no")
    if outcome in (Outcome.SATISFIED, Outcome.NOT_SATISFIED):
        met = outcome is Outcome.SATISFIED
        boxes = f"{yes} {'☑' if met else '☐'}  {no} {'☐' if met else '☑'}"
        return [graded(boxes, findings[0].grade if len(findings) == 1 else clause.grade, material)]
    declared = [one for one in findings if _is_declared(one)]
    if len(findings) == 1 and declared:
        met = declared[0].value == "1"
        boxes = f"{yes} {'☑' if met else '☐'}  {no} {'☐' if met else '☑'}"
        return [graded(boxes, Grade.DECLARED, material)]
    unsettled = [one for one in findings if one.outcome is not Outcome.SATISFIED and not _is_declared(one)]
    lines = [Line(f"{yes} ☐  {no} ☐", Mark.MISSING)]
    return lines + [_missing(one, clause.clause, standard, material) for one in unsettled[:1]]


def _is_declared(finding: Finding) -> bool:
    """Tell whether a document was declared, and a person has to accept it."""
    return finding.grade is Grade.DECLARED and finding.reason in (None, Reason.WEAK_PROOF) and finding.value is not None


def _value(finding: Finding, fill: Answer, standard: str, material: Material) -> list[Line]:
    _ = translator(material.language)
    missing = _missing(finding, fill.clause, standard, material)
    if finding.value is not None:
        shown = (
            f"{finding.value} {fill.unit.of(material.language)}" if fill.unit else amount(finding.value, finding.unit)
        )
        if finding.outcome is not Outcome.INCONCLUSIVE or _is_declared(finding):
            return [graded(visible(shown, 100), finding.grade, material)]
        return [Line(_("so far {value}").format(value=visible(shown, 100)), Mark.MISSING), missing]
    if finding.low is not None or finding.high is not None:
        high = amount(finding.high, finding.unit) if finding.high is not None else "…"
        between = _("between {low} and {high}").format(low=amount(finding.low or "0", finding.unit), high=high)
        return [Line(visible(between, 100), Mark.MISSING), missing]
    return [missing]


def _holding(finding: Finding, fill: Answer, standard: str, material: Material) -> list[Line]:
    """Return how many subjects hold; those that are open are named, since the figure can still grow."""
    _ = translator(material.language)
    missing = _missing(finding, fill.clause, standard, material)
    if not finding.subjects:
        return [missing]
    unit = f" {fill.unit.of(material.language)}" if fill.unit else ""
    holds, unsettled = finding.subjects.get("holds", 0), finding.subjects.get("open", 0)
    lines = [graded(f"{holds}{unit}", finding.grade or Grade.REPORTED, material)] if holds or not unsettled else []
    if unsettled:
        lines.append(material.missing(_("{count} more are not settled").format(count=unsettled)))
        lines.append(missing)
    return lines


def _missing(finding: Finding, clause: str, standard: str, material: Material) -> Line:
    """Return the line that says why a finding is not settled, and what to do."""
    reason = name_of(finding.reason or finding.outcome, translator(material.language))
    todo = "; ".join(material.steps(finding, clause, standard))
    return material.missing(f"{reason}: {visible(todo)}" if todo else reason)


def graded(text: str, grade: Grade | None, material: Material) -> Line:
    """Return a settled figure with the grade of its proof: what is only declared looks different."""
    if grade is None:
        return Line(text, Mark.PROVEN)
    word = name_of(grade, translator(material.language))
    return Line(f"{text} 〔{word}〕", Mark.DECLARED if grade is Grade.DECLARED else Mark.PROVEN)
