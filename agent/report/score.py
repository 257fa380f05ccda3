"""The score sheet: for each clause what is proven, open and lost, why, and what to do next. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from agent.canonical import decimal_text
from agent.language import N_, name_of
from agent.model.finding import Outcome, Reason
from agent.model.rule import AtMost, Equals
from agent.report.text import amount, decimal_of, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.model.base import Text
    from agent.model.finding import Assessment, ClauseResult, Finding, VetoResult
    from agent.model.standard import Criterion, Indicator, Standard

__all__ = ["Line", "Row", "Sheet", "sheet"]

MAX_SUBJECTS: Final = 5
"""Subjects that one line names."""

_STEPS: Final[Mapping[Reason, str]] = {
    Reason.NO_TARGET: N_("List in the campus file what is to be measured"),
    Reason.UNREACHABLE: N_("Make these answer: {subjects}"),
    Reason.REFUSED: N_("Give the agent an account that may read these: {subjects}"),
    Reason.UNSUPPORTED: N_("These do not tell it; use another family or protocol: {subjects}"),
    Reason.TOO_FEW_SAMPLES: N_("Keep the agent running until there are enough samples of: {subjects}"),
    Reason.WINDOW_TOO_SHORT: N_("Judge a longer window; wanted are samples on {days}"),
    Reason.CLOCK_UNSURE: N_("Set the clocks right: {subjects}"),
    Reason.CONTRADICTED: N_("Find out which source is wrong: {subjects}"),
    Reason.WEAK_PROOF: N_("Bring stronger proof: {grade} or better is wanted"),
    Reason.UNDECLARED: N_("Declare {name} in the campus file, with the document: {document}"),
}
_ACCEPT: Final = N_("A person must accept the document that was declared: {document}")


@dataclass(frozen=True, slots=True)
class Line:
    """A criterion of a clause."""

    criterion: str
    title: str
    outcome: str
    grade: str
    value: str
    why: str
    """What was wanted, and what is missing."""
    todo: tuple[str, ...]
    """What to do next; empty where it is met."""


@dataclass(frozen=True, slots=True)
class Row:
    """A clause. Points are decimal text; proven, open and lost add up to what counts."""

    clause: str
    title: str
    result: Outcome
    outcome: str
    grade: str
    points: str
    proven: str
    open: str
    declared: str
    """Of the open points, those that a declaration answers."""
    lost: str
    counted: bool
    """False: a choice leaves it out, or it does not concern the school."""
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One standard."""

    standard: str
    version: str
    title: str
    rows: tuple[Row, ...]
    proven: str
    open: str
    declared: str
    lost: str
    judged: str
    total: str
    remarks: tuple[str, ...]
    """Choices, veto warnings and the pass mark, in words."""


def sheet(given: Assessment, standard: Standard | None, language: str, translate: Callable[[str], str]) -> Sheet:
    """Return the score sheet of an assessment.

    Args:
        given: what was judged.
        standard: the pack it was judged by; None leaves out what only the pack knows.
        language: of the pack's texts, ``zh_CN`` or ``en``.
        translate: of our own texts.
    """
    words = _Words(given.standard, language, translate)
    indicators = {indicator.id: indicator for indicator in standard.indicators} if standard else {}
    return Sheet(
        standard=given.standard,
        version=given.version,
        title=words.text(standard.title) if standard else given.standard,
        rows=tuple(words.row(clause, indicators.get(clause.clause)) for clause in given.clauses),
        proven=given.points_proven,
        open=given.points_open,
        declared=given.points_declared or "0",
        lost=_minus(given.points_judged, given.points_proven, given.points_open),
        judged=given.points_judged,
        total=given.points_total,
        remarks=tuple(words.remarks(given, standard)),
    )


def _minus(whole: str, *parts: str) -> str:
    rest = (decimal_of(whole) or Decimal(0)) - sum((decimal_of(part) or Decimal(0) for part in parts), Decimal(0))
    return decimal_text(max(rest, Decimal(0)))


@dataclass(frozen=True, slots=True)
class _Words:
    standard: str
    language: str
    translate: Callable[[str], str]

    def text(self, text: Text) -> str:
        """Return a pack's text as one line."""
        return visible(" ".join(text.of(self.language).split()), 400)

    def outcome(self, outcome: Outcome, reason: Reason | None) -> str:
        """Return ``undecided (too few samples)``."""
        told = f" ({name_of(reason, self.translate)})" if reason else ""
        return name_of(outcome, self.translate) + told

    def row(self, clause: ClauseResult, indicator: Indicator | None) -> Row:
        """Return a clause."""
        criteria = {criterion.id: criterion for criterion in indicator.criteria} if indicator else {}
        counted = not clause.left_out and clause.outcome is not Outcome.NOT_APPLICABLE
        return Row(
            clause=visible(clause.clause, 40),
            title=self.text(clause.title),
            result=clause.outcome,
            outcome=self.outcome(clause.outcome, clause.reason),
            grade=name_of(clause.grade, self.translate) if clause.grade else "–",
            points=clause.points,
            proven=clause.points_proven,
            open=clause.points_open,
            declared=clause.points_declared or "0",
            lost=_minus(clause.points, clause.points_proven, clause.points_open) if counted else "0",
            counted=counted,
            lines=tuple(self.line(finding, criteria.get(finding.criterion)) for finding in clause.findings),
        )

    def line(self, finding: Finding, criterion: Criterion | None) -> Line:
        """Return a criterion."""
        done = finding.outcome in {Outcome.SATISFIED, Outcome.NOT_APPLICABLE}
        steps = [] if done else [self.step(finding, criterion)]
        if not done and finding.remedy is not None:
            steps.append(self.text(finding.remedy))
        return Line(
            criterion=visible(finding.criterion, 100),
            title=self.text(criterion.title) if criterion else visible(finding.criterion, 100),
            outcome=self.outcome(finding.outcome, finding.reason),
            grade=name_of(finding.grade, self.translate) if finding.grade else "–",
            value=visible(amount(finding.value, finding.unit), 60),
            why=self.wanted(finding, criterion),
            todo=tuple(step for step in steps if step),
        )

    def wanted(self, finding: Finding, criterion: Criterion | None) -> str:
        """Return the threshold and, of a share or count, the subjects: ``≥ 500 Mbit/s; holds 3, open 1``."""
        parts = []
        if finding.threshold is not None:
            rule = criterion.judge if criterion else None
            sign = "≤" if isinstance(rule, AtMost) else "=" if isinstance(rule, Equals) else "≥"
            parts.append(f"{sign} {amount(finding.threshold, finding.unit)}")
        if finding.subjects:
            counts = finding.subjects.items()
            parts.append(", ".join(f"{name_of(name, self.translate)} {count}" for name, count in counts))
        return visible("; ".join(parts), 200)

    def step(self, finding: Finding, criterion: Criterion | None) -> str:
        """Return what to do about the reason why it is undecided; empty where it is decided."""
        if finding.outcome is not Outcome.INCONCLUSIVE or finding.reason is None:
            return ""
        document = self.text(criterion.declared.document) if criterion and criterion.declared else ""
        told = _STEPS[finding.reason]
        if finding.reason is Reason.WEAK_PROOF and document:
            told = _ACCEPT
        return self.translate(told).format(
            subjects=self.subjects(finding),
            days=self.days(criterion),
            grade=name_of(criterion.grade_required, self.translate) if criterion else "–",
            name=f"{self.standard}/{finding.criterion}",
            document=document,
        )

    def subjects(self, finding: Finding) -> str:
        """Return the subjects that are not settled, a few by name."""
        unsettled = [item.subject for item in finding.observations if item.reason is not None or item.valid == 0]
        names = list(dict.fromkeys(unsettled or [item.subject for item in finding.observations]))
        shown = [visible(self.subject(name), 60) for name in names[:MAX_SUBJECTS]]
        left = len(names) - len(shown) + (finding.observations_left or 0)
        return ", ".join(shown) + (f" … (+{left})" if left else "") if shown else "–"

    def subject(self, subject: str) -> str:
        """Return ``Internet line telecom`` for ``egress:telecom``."""
        kind, _, name = subject.partition(":")
        return f"{name_of(kind, self.translate)} {name}"

    def days(self, criterion: Criterion | None) -> str:
        """Return how many days of samples are wanted."""
        measure = criterion.measure if criterion else None
        if measure is None:
            return "–"
        if measure.min_school_days:
            return self.translate("{days} school days").format(days=measure.min_school_days)
        return self.translate("{days} days").format(days=measure.min_days)

    def remarks(self, given: Assessment, standard: Standard | None) -> list[str]:
        """Return choices, vetoes and the pass mark in words."""
        titles = {section.id: section.title for section in standard.sections} if standard else {}
        found = []
        for choice in given.choices:
            told = N_("{section}: {chosen} counts, as applied for")
            if choice.by == "points":
                told = N_("{section}: {chosen} counts, with the most points; nothing was applied for")
            found.append(
                self.translate(told).format(
                    section=self.text(titles[choice.section]) if choice.section in titles else choice.section,
                    chosen=self.text(titles[choice.chosen]) if choice.chosen in titles else choice.chosen,
                )
            )
        found += [self.veto(veto, standard) for veto in given.vetoes]
        if given.pass_mark is not None and given.passed is not None:
            told = self.translate("pass mark {mark}: {outcome}")
            found.append(told.format(mark=given.pass_mark, outcome=name_of(given.passed, self.translate)))
        return found

    def veto(self, veto: VetoResult, standard: Standard | None) -> str:
        """Return how it stands with a veto, and what it forbids."""
        told = N_("veto, {title}{forbids}: all clauses are met")
        if veto.breached:
            told = N_("VETO, {title}{forbids}: not met: {breached}")
        elif veto.open:
            told = N_("veto, {title}{forbids}: not settled: {open}")
        forbidden = {
            level for one in (standard.vetoes if standard else ()) if one.id == veto.veto for level in one.levels
        }
        names = [self.text(level.title) for level in (standard.levels if standard else ()) if level.id in forbidden]
        return self.translate(told).format(
            title=self.text(veto.title),
            forbids=f" ({', '.join(names)})" if names else "",
            breached=", ".join(veto.breached),
            open=", ".join(veto.open),
        )
