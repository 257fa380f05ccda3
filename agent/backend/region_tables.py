"""A roll-up and a summary sheet as CSV: UTF-8 with a mark that spreadsheets need, no cell that they would calculate.

The sheet has the columns of Wuhan's annex 4. What people fill in (the school's own score, the district's result, who
is in charge and a telephone number) stays empty: the backend knows none of it, and keeps no persons.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agent.model.region import Region, RegionResult, SchoolsOf, SummarySheet

__all__ = ["result_csv", "sheet_csv"]

_SHEET: Final = (
    "编号",
    "学校",
    "自评分",
    "区级评估结果",
    "联系人",
    "电话",
    "机器已证实分",
    "待定分",
    "其中凭申报分",
    "机器评估满分",
    "总分",
    "说明",
    "声明摘要",
)
_RESULT: Final = (
    "clause",
    "title",
    "outcome",
    "reason",
    "grade",
    "points",
    "points_proven",
    "points_open",
    "points_declared",
    "criterion",
    "value",
    "unit",
    "holds",
    "fails",
    "open",
    "missing",
    "left_out",
)
_CALCULATED: Final = ("=", "+", "-", "@", "\t", "\r")
"""First characters that make a spreadsheet take a cell for a formula."""


def sheet_csv(sheet: SummarySheet) -> bytes:
    """Return the summary sheet, one school per row."""
    rows = [
        (
            str(row.number),
            row.name,
            "",
            "",
            "",
            "",
            row.proven or "",
            row.open or "",
            row.declared or "",
            row.judged or "",
            row.total or "",
            "缺少被接受的评估" if row.missing else "",
            row.statement or "",
        )
        for row in sheet.rows
    ]
    return _csv(_SHEET, rows)


def result_csv(result: RegionResult, region: Region, language: str) -> bytes:
    """Return the roll-up, one criterion per row, with the names of the schools behind it.

    Args:
        result: the region judged.
        region: for the names of the schools.
        language: of the headings of clauses, `zh_CN` or `en`.
    """
    names = {school.id: school.name for school in region.schools}
    lists = {(one.clause, one.criterion): one for one in result.schools}
    rows = []
    for clause in result.assessment.clauses:
        for finding in clause.findings:
            schools = lists.get((clause.clause, finding.criterion))
            rows.append(
                (
                    clause.clause,
                    clause.title.of(language),
                    finding.outcome.value,
                    finding.reason.value if finding.reason else "",
                    finding.grade.value if finding.grade else "",
                    clause.points,
                    clause.points_proven,
                    clause.points_open,
                    clause.points_declared or "",
                    finding.criterion,
                    finding.value or "",
                    finding.unit,
                    *_listed(schools, names),
                )
            )
    return _csv(_RESULT, rows)


def _listed(schools: SchoolsOf | None, names: dict[str, str]) -> tuple[str, ...]:
    if schools is None:
        return ("",) * 5
    groups = (schools.holds, schools.fails, tuple(schools.open), schools.missing, schools.left_out)
    return tuple("; ".join(names.get(name, name) for name in group) for group in groups)


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([_plain(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def _plain(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_CALCULATED) else cell
