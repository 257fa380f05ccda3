"""The score sheet as CSV: opens in Excel as Chinese, adds up, and calculates nothing that a device wrote."""

from __future__ import annotations

import csv
import io
import os
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.report.sheet_csv import csv_bytes, score_sheet
from tests.report import sample

HERE = Path(__file__).parent


def rows(data: bytes) -> list[list[str]]:
    """Return the rows as a spreadsheet reads them."""
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def sheet(language: str) -> bytes:
    """Return the sample's score sheet."""
    given = sample.report()
    return score_sheet(given.assessments, {one.id: one for one in given.standards}, language)


def test_the_sheet_is_the_golden_one() -> None:
    """The same bytes for the same assessment; `UPDATE_GOLDEN=1` rewrites it after a wanted change."""
    golden = HERE / "golden" / "sheet.en.csv"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_bytes(sheet("en"))
    assert sheet("en") == golden.read_bytes()


def test_the_sheet_in_chinese_has_the_same_figures() -> None:
    """Only words are translated: numbers, ids and thresholds are those of the English sheet."""
    english, chinese = rows(sheet("en")), rows(sheet("zh_CN"))
    for column in (0, 1, 2, 6, 7, 8, 9, 10, 12, 17, 18, 19):
        assert [row[column] for row in chinese[1:-1]] == [row[column] for row in english[1:-1]]
    assert chinese[1][3] == sample.report().assessments[0].clauses[0].title.zh


def test_excel_in_china_reads_it() -> None:
    """UTF-8 with its mark (without it Excel reads GBK), lines that end as RFC 4180 has them."""
    data = sheet("zh_CN")
    assert data.startswith(b"\xef\xbb\xbf")
    assert data.count(b"\n") == data.count(b"\r\n")


def test_the_columns_of_points_add_up_to_the_row_of_sums() -> None:
    """Points stand once per clause, so that a spreadsheet may sum them; each row has every column."""
    table = rows(sheet("en"))
    assessment = sample.report().assessments[0]
    assert {len(row) for row in table} == {len(table[0])}
    body, last = table[1:-1], table[-1]
    for column, wanted in ((6, assessment.points_judged), (7, assessment.points_proven), (8, assessment.points_open)):
        assert sum(Decimal(row[column] or "0") for row in body) == Decimal(wanted) == Decimal(last[column])
    assert len(body) == sum(len(clause.findings) for clause in assessment.clauses)


@given(st.lists(st.text(st.characters(codec="utf-8")), min_size=1, max_size=4))
def test_no_cell_is_calculated(cells: list[str]) -> None:
    """Whatever a name or unit holds, a spreadsheet takes it for text, and for one cell of one row."""
    table = rows(csv_bytes(["head"] * len(cells), [cells]))
    assert len(table) == 2
    assert len(table[1]) == len(cells)
    for cell in table[1]:
        assert not cell.startswith(("=", "@", "＝", "＠", "\t", "\r", "\n"))
        if cell.startswith(("+", "-", "＋", "－")):
            Decimal(cell)


@pytest.mark.parametrize("formula", ["=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3", "＝1", "\t=1", "\r=1", " =1"])
def test_known_formulas_are_text(formula: str) -> None:
    """The spellings by which formulas come into sheets."""
    assert rows(csv_bytes(["head"], [[formula]]))[1][0].startswith("'")


def test_a_negative_number_stays_a_number() -> None:
    """A clock that is 3 s behind is -3, which a spreadsheet may add."""
    assert rows(csv_bytes(["head"], [["-3"]]))[1] == ["-3"]
