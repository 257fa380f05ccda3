"""The score sheet as CSV: UTF-8 with the mark that spreadsheets need, and no cell that they would calculate.

One row per criterion; the figures of a clause stand in its first row only, so that a column can be summed.
"""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from agent.canonical import decimal_text
from agent.language import N_, name_of, translator
from agent.report.steps import Steps
from agent.report.text import TEXT_LIMIT, decimal_of, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from agent.model.finding import Assessment, ClauseResult, Finding
    from agent.model.standard import Criterion, Standard

__all__ = ["csv_bytes", "score_sheet"]

_FORMULA: Final = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
"""First characters that make a spreadsheet calculate a cell, or take one away; full-width ones in East Asian settings.
Tabs and line ends, which do so too, are gone before: `visible` writes them out."""
_COLUMNS: Final = (
    N_("standard"),
    N_("version"),
    N_("clause"),
    N_("heading"),
    N_("outcome"),
    N_("why"),
    N_("points"),
    N_("proven"),
    N_("open"),
    N_("of these on documents"),
    N_("lost"),
    N_("not counted: another direction counts"),
    N_("criterion"),
    N_("part"),
    N_("outcome of the part"),
    N_("why the part"),
    N_("grade"),
    N_("measured"),
    N_("unit"),
    N_("threshold"),
    N_("what to do next"),
)


def score_sheet(assessments: Sequence[Assessment], standards: Mapping[str, Standard], language: str) -> bytes:
    """Return the score sheet of several standards, with a row of sums after each.

    Args:
        assessments: what was judged; the order is kept.
        standards: the packs by id, for the titles of criteria; an absent one leaves those cells empty.
        language: `zh_CN` or `en`.
    """
    _ = translator(language)
    rows = [row for one in assessments for row in _rows(one, standards.get(one.standard), language)]
    return csv_bytes([_(name) for name in _COLUMNS], rows)


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[str]], limit: int = TEXT_LIMIT) -> bytes:
    """Return rows as CSV (RFC 4180: CRLF, quotes where needed) that Excel opens as UTF-8 and calculates nothing of.

    Args:
        header: of the columns.
        rows: their cells.
        limit: characters of a cell that are kept; 0 keeps all, for lists that must be whole.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerows([_inert(cell, limit) for cell in row] for row in (header, *rows))
    return text.getvalue().encode("utf-8-sig")


def _inert(cell: str, limit: int) -> str:
    """Return a cell that a spreadsheet shows as it is: a number stays a number, anything else that it would run not."""
    shown = visible(" ".join(cell.split()), limit)
    return f"'{shown}" if shown.startswith(_FORMULA) and decimal_of(shown) is None else shown


def _rows(assessment: Assessment, standard: Standard | None, language: str) -> Iterator[Sequence[str]]:
    _ = translator(language)
    head = (assessment.standard, assessment.version)
    steps = Steps(assessment.standard, language, _)
    parts = {
        (indicator.id, part.id): part
        for indicator in (standard.indicators if standard else ())
        for part in indicator.criteria
    }
    for clause in assessment.clauses:
        title = clause.title.of(language)
        for place, finding in enumerate(clause.findings):
            figures = _figures(clause, _) if place == 0 else ("",) * 8
            part = parts.get((clause.clause, finding.criterion))
            yield (*head, clause.clause, title, *figures, *_part(finding, part, steps, language))
    lost = Decimal(assessment.points_judged) - Decimal(assessment.points_proven) - Decimal(assessment.points_open)
    sums = (
        assessment.points_judged,
        assessment.points_proven,
        assessment.points_open,
        assessment.points_declared or "0",
        decimal_text(lost),
    )
    title = _("of {total} points of the whole standard").format(total=assessment.points_total)
    passed = name_of(assessment.passed, _) if assessment.passed else ""
    yield (*head, _("sum"), title, passed, "", *sums, *("",) * 10)


def _figures(clause: ClauseResult, translate: Callable[[str], str]) -> tuple[str, ...]:
    """Return what stands once per clause."""
    lost = Decimal(clause.points) - Decimal(clause.points_proven) - Decimal(clause.points_open)
    return (
        name_of(clause.outcome, translate),
        name_of(clause.reason, translate) if clause.reason else "",
        clause.points,
        clause.points_proven,
        clause.points_open,
        clause.points_declared or "0",
        decimal_text(lost),
        clause.left_out,
    )


def _part(finding: Finding, part: Criterion | None, steps: Steps, language: str) -> tuple[str, ...]:
    _ = translator(language)
    return (
        finding.criterion,
        part.title.of(language) if part else "",
        name_of(finding.outcome, _),
        name_of(finding.reason, _) if finding.reason else "",
        name_of(finding.grade, _) if finding.grade else "",
        finding.value or "",
        "" if finding.unit == "1" else finding.unit,
        finding.threshold or "",
        "; ".join(steps.of(finding, part)),
    )
