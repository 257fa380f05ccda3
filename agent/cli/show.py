"""How results look on a terminal, in both languages."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from agent.canonical import decimal_text
from agent.language import N_, name_of, translator
from agent.model.finding import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.model.finding import Assessment
    from agent.model.reading import Reading

__all__ = ["assessments_json", "print_assessments", "print_readings", "print_sums"]


def print_readings(readings: Sequence[Reading], *, as_json: bool) -> None:
    """Print readings as JSON lines or as a table."""
    if as_json:
        for reading in readings:
            print(reading.to_bytes().decode())
        return
    table = Table("metric", "subject", "value", "unit", "grade")
    for reading in readings:
        table.add_row(*map(_plain, (reading.metric, reading.subject, reading.value, reading.unit, reading.grade)))
    Console().print(table)


def assessments_json(assessments: Sequence[Assessment]) -> str:
    """Return one object for one standard, a list for several."""
    shown = [assessment.to_json() for assessment in assessments]
    return json.dumps(shown[0] if len(shown) == 1 else shown, ensure_ascii=False, indent=2)


def print_assessments(
    assessments: Sequence[Assessment], language: str, *, as_json: bool, console: Console | None = None
) -> None:
    """Print the score sheet: clause, outcome, grade, value, points proven and open."""
    if as_json:
        print(assessments_json(assessments))
        return
    _ = translator(language)
    console = console or Console()
    for assessment in assessments:
        table = Table(title=f"{assessment.standard} {assessment.version}", title_justify="left", expand=False)
        for heading in (_("clause"), _("outcome"), _("grade"), _("measured"), _("proven"), _("open"), _("of")):
            table.add_column(heading)
        for clause in assessment.clauses:
            for place, finding in enumerate(clause.findings):
                value = f"{finding.value} {finding.unit}" if finding.value is not None else "–"
                reason = f" ({name_of(finding.reason, _)})" if finding.reason else ""
                outcome = name_of(finding.outcome, _) + reason
                first = place == 0
                table.add_row(
                    f"{clause.clause} {finding.criterion}",
                    outcome,
                    name_of(finding.grade, _) if finding.grade else "–",
                    value,
                    clause.points_proven if first else "",
                    clause.points_open if first else "",
                    clause.points if first else "",
                )
        console.print(table)
        console.print(
            _("points proven {proven}, open {open}, of {judged} judged here ({total} in the whole standard)").format(
                proven=assessment.points_proven,
                open=assessment.points_open,
                judged=assessment.points_judged,
                total=assessment.points_total,
            )
        )


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


def _plain(text: str) -> str:
    """Return text that a terminal and rich's markup cannot take as instructions."""
    shown = "".join(character if character.isprintable() else "�" for character in text)
    return shown.replace("[", "\\[")
