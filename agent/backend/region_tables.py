"""A roll-up and a summary sheet as CSV: UTF-8 with a mark that spreadsheets need, no cell that they would calculate.

The sheet has the columns of Wuhan's annex 4. What people fill in (the school's own score, the district's result, who
is in charge and a telephone number) stays empty: the backend knows none of it, and keeps no persons.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.report.sheet_csv import csv_bytes

if TYPE_CHECKING:
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
    return csv_bytes(_SHEET, rows, limit=0)


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
    return csv_bytes(_RESULT, rows, limit=0)


def _listed(schools: SchoolsOf | None, names: dict[str, str]) -> tuple[str, ...]:
    if schools is None:
        return ("",) * 5
    groups = (schools.holds, schools.fails, tuple(schools.open), schools.missing, schools.left_out)
    return tuple("; ".join(names.get(name, name) for name in group) for group in groups)
