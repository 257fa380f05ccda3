"""The score sheet on a terminal: what each clause proves, leaves open and loses, and what to do next."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from agent.cli.show import plain
from agent.language import N_, translator
from agent.report.score import sheet

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agent.model.finding import Assessment
    from agent.model.standard import Standard
    from agent.report.score import Sheet

__all__ = ["print_assessments"]


def print_assessments(
    assessments: Sequence[Assessment],
    language: str,
    standards: Mapping[str, Standard],
    console: Console | None = None,
) -> None:
    """Print score sheets: what is proven, open and lost of each clause, then what to do next to win the open points.

    Args:
        assessments: what was judged.
        language: ``zh_CN`` or ``en``.
        standards: the packs by id, for titles, documents and demands.
        console: where to print; the standard output by default.
    """
    _ = translator(language)
    console = console or Console()
    for assessment in assessments:
        shown = sheet(assessment, standards.get(assessment.standard), language, _)
        console.print(_table(shown, _))
        console.print(
            _("points proven {proven}, open {open}, of {judged} judged here ({total} in the whole standard)").format(
                proven=shown.proven, open=shown.open, judged=shown.judged, total=shown.total
            )
        )
        if shown.declared != "0":
            told = _("of the open points {declared} rest on declarations that a person must accept")
            console.print(told.format(declared=shown.declared))
        if shown.lost != "0":
            console.print(_("points lost {lost}").format(lost=shown.lost))
        for remark in shown.remarks:
            console.print(plain(remark))
        _print_steps(shown, console, _)


_HEADINGS = (
    N_("clause"),
    N_("outcome"),
    N_("grade"),
    N_("measured"),
    N_("proven"),
    N_("open"),
    N_("lost"),
    N_("of"),
)


def _table(shown: Sheet, translate: Callable[[str], str]) -> Table:
    table = Table(title=f"{shown.standard} {shown.version}", title_justify="left", expand=False)
    for heading in _HEADINGS:
        table.add_column(translate(heading))
    for row in shown.rows:
        points = (row.proven, row.open, row.lost, row.points) if row.counted else ("–", "–", "–", row.points)
        alone = row.lines[0] if len(row.lines) == 1 else None
        name = f"{row.clause} {alone.criterion}" if alone else f"{row.clause} {row.title}"
        value = alone.value if alone else ""
        table.add_row(*map(plain, (name, row.outcome, row.grade, value, *points)))
        for line in row.lines if alone is None else ():
            table.add_row(*map(plain, (f"  {line.criterion}", line.outcome, line.grade, line.value, "", "", "", "")))
    return table


def _print_steps(shown: Sheet, console: Console, translate: Callable[[str], str]) -> None:
    """Print what is missing and what to do next, the clauses with the most points to win first."""
    wanting = [row for row in shown.rows if row.counted and (row.open != "0" or row.lost != "0")]
    if wanting:
        console.print(f"\n{translate('What to do next')}", style="bold")
    for row in sorted(wanting, key=lambda row: (-Decimal(row.open), -Decimal(row.lost))):
        told = translate("{clause} {title}: {open} open, {lost} lost")
        console.print(plain(told.format(clause=row.clause, title=row.title, open=row.open, lost=row.lost)))
        for line in row.lines:
            if line.todo:
                wanted = f" [{line.why}]" if line.why else ""
                console.print(plain(f"  {line.title}: {line.outcome}{wanted}"))
                for step in line.todo:
                    console.print(plain(f"    - {step}"))
