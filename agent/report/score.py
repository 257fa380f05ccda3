"""The score sheet: for each clause what is proven, open and lost, why, and what to do next. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from agent.canonical import decimal_text
from agent.language import N_, name_of
from agent.model.finding import Outcome
from agent.model.rule import AtMost, Equals
from agent.report.steps import Steps
from agent.report.text import amount, decimal_of, visible

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.model.base import Text
    from agent.model.finding import Assessment, ClauseResult, Finding, Reason, VetoResult
    from agent.model.standard import Criterion, Indicator, Standard

__all__ = ["Line", "Row", "Sheet", "sheet"]


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
        return Line(
            criterion=visible(finding.criterion, 100),
            title=self.text(criterion.title) if criterion else visible(finding.criterion, 100),
            outcome=self.outcome(finding.outcome, finding.reason),
            grade=name_of(finding.grade, self.translate) if finding.grade else "–",
            value=visible(amount(finding.value, finding.unit), 60),
            why=self.wanted(finding, criterion),
            todo=Steps(self.standard, self.language, self.translate).of(finding, criterion),
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
