"""How results look on a terminal, in both languages."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from agent.canonical import decimal_text
from agent.language import N_, translator
from agent.model.finding import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.model.finding import Assessment
    from agent.model.reading import Reading

__all__ = ["assessments_json", "plain", "print_readings", "print_sums"]


def print_readings(readings: Sequence[Reading], *, as_json: bool) -> None:
    """Print readings as JSON lines or as a table."""
    if as_json:
        for reading in readings:
            print(reading.to_bytes().decode())
        return
    table = Table("metric", "subject", "value", "unit", "grade")
    for reading in readings:
        table.add_row(*map(plain, (reading.metric, reading.subject, reading.value, reading.unit, reading.grade)))
    Console().print(table)


def assessments_json(assessments: Sequence[Assessment]) -> str:
    """Return one object for one standard, a list for several."""
    shown = [assessment.to_json() for assessment in assessments]
    return json.dumps(shown[0] if len(shown) == 1 else shown, ensure_ascii=False, indent=2)


def print_sums(assessments: Sequence[Assessment], language: str, console: Console) -> None:
    """Print one line per standard: clauses by outcome, and the points that are proven, open and lost."""
    _ = translator(language)
    table = Table(expand=False)
    table.add_column(_("standard"), no_wrap=True)
    for heading in (*_HEADINGS, *_POINTS):
        table.add_column(_(heading), justify="right")
    for assessment in assessments:
        outcomes = [clause.outcome for clause in assessment.clauses]
        lost = Decimal(assessment.points_judged) - Decimal(assessment.points_proven) - Decimal(assessment.points_open)
        table.add_row(
            assessment.standard,
            *(str(outcomes.count(outcome)) for outcome in _OUTCOMES),
            assessment.points_proven,
            assessment.points_open,
            decimal_text(lost),
            assessment.points_judged,
            assessment.points_total,
        )
    console.print(table)


_HEADINGS = (N_("met"), N_("partly met"), N_("not met"), N_("undecided"), N_("not applicable"))
_POINTS = (N_("proven"), N_("open"), N_("lost"), N_("judged here"), N_("whole standard"))
_OUTCOMES = (
    Outcome.SATISFIED,
    Outcome.PARTIALLY_SATISFIED,
    Outcome.NOT_SATISFIED,
    Outcome.INCONCLUSIVE,
    Outcome.NOT_APPLICABLE,
)


def plain(text: str) -> str:
    """Return text that a terminal and rich's markup cannot take as instructions."""
    spaced = text.replace("\u00a0", " ").replace("\u202f", " ")
    shown = "".join(character if character.isprintable() else "�" for character in spaced)
    return shown.replace("[", "\\[")
