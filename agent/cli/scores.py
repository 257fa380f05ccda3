"""The score sheet on a terminal: what each clause proves, leaves open and loses, and what to do next."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from agent.cli.show import plain, print_hanging
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
        if console.width < _TABLE_WIDTH:
            _print_list(shown, console, _)
        else:
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
            print_hanging(remark, console)
        _print_steps(shown, console, _)


_HEADINGS = (N_("clause"), N_("outcome"), N_("grade"), N_("measured"))
_POINTS = (N_("proven"), N_("open"), N_("lost"), N_("of"))
_TABLE_WIDTH = 100
"""Columns that the table needs: with less, titles fold every few characters, and a list is shorter."""


def _print_list(shown: Sheet, console: Console, translate: Callable[[str], str]) -> None:
    """Print what the table shows, a paragraph for each clause and part."""
    headings = [translate(heading) for heading in _POINTS]
    console.print(f"{shown.standard} {shown.version}", style="bold", highlight=False)
    for row in shown.rows:
        alone = row.lines[0] if len(row.lines) == 1 else None
        points = (row.proven, row.open, row.lost, row.points) if row.counted else ("–", "–", "–", row.points)
        told = [row.outcome, row.grade, alone.value if alone else ""]
        told += [f"{heading} {figure}" for heading, figure in zip(headings, points, strict=True)]
        print_hanging(f"{row.title}: {_listed(told)}", console, mark=f"{row.clause} ")
        for line in row.lines if alone is None else ():
            print_hanging(f"{line.title}: {_listed([line.outcome, line.grade, line.value])}", console, indent=4)


def _listed(parts: Sequence[str]) -> str:
    return ", ".join(part for part in parts if part not in ("", "–"))


def _table(shown: Sheet, translate: Callable[[str], str]) -> Table:
    """Return clauses and their parts by their titles; what does not fit is folded, never cut."""
    # Lines between columns would cost the width that titles need.
    table = Table(
        title=f"{shown.standard} {shown.version}",
        title_justify="left",
        box=SIMPLE_HEAD,
        expand=False,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    for heading in _HEADINGS:
        table.add_column(translate(heading), overflow="fold")
    for heading in _POINTS:
        table.add_column(translate(heading), justify="right", overflow="fold")
    for row in shown.rows:
        points = (row.proven, row.open, row.lost, row.points) if row.counted else ("–", "–", "–", row.points)
        alone = row.lines[0] if len(row.lines) == 1 else None
        told = (f"{row.clause} {row.title}", row.outcome, row.grade, alone.value if alone else "")
        table.add_row(*map(plain, (*told, *points)))
        for line in row.lines if alone is None else ():
            title = Padding(plain(line.title), (0, 0, 0, 2))
            table.add_row(title, *map(plain, (line.outcome, line.grade, line.value)))
    return table


def _print_steps(shown: Sheet, console: Console, translate: Callable[[str], str]) -> None:
    """Print what is missing and what to do next, the clauses with the most points to win first."""
    wanting = [row for row in shown.rows if row.counted and (row.open != "0" or row.lost != "0")]
    if wanting:
        console.print(f"\n{translate('What to do next')}", style="bold")
    for row in sorted(wanting, key=lambda row: (-Decimal(row.open), -Decimal(row.lost))):
        told = translate("{clause} {title}: {open} open, {lost} lost")
        print_hanging(told.format(clause=row.clause, title=row.title, open=row.open, lost=row.lost), console)
        for line in row.lines:
            if line.todo:
                wanted = f" [{line.why}]" if line.why else ""
                print_hanging(f"{line.title}: {line.outcome}{wanted}", console, indent=2)
                for step in line.todo:
                    print_hanging(step, console, indent=4, mark="- ")
