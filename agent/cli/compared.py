"""How a what-if looks on a terminal: then and now, what differs first."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from agent.canonical import decimal_text
from agent.cli.show import print_hanging
from agent.language import translator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.model.finding import Assessment
    from agent.report.compare import Comparison

__all__ = ["print_comparison"]

_TABLE_WIDTH = 120
"""Columns that the table needs: six of them, the last with sentences."""


def print_comparison(comparison: Comparison, language: str, console: Console | None = None) -> None:
    """Print the table and the sums under it; clauses that are the same are counted, not listed."""
    from agent.report.compare import comparison_lines  # pages come with it, which no other command needs

    _ = translator(language)
    console = console or Console()
    then, now = comparison.then, comparison.now
    headings = (_("clause"), _("heading"), _name(then), _name(now), _("gain"), _("why"))
    rows = list(comparison_lines(comparison, language))
    differing = rows[: comparison.differing]
    if console.width < _TABLE_WIDTH:
        _print_list(differing, headings, console)
    elif differing:
        table = Table(title=f"{_name(then)} → {_name(now)}", title_justify="left", expand=False)
        for heading in headings:
            table.add_column(heading, overflow="fold")
        for row in differing:
            table.add_row(*map(escape, row))
        console.print(table)
    same = len(rows) - comparison.differing
    console.print(
        _("{differing} clauses differ, {same} are the same").format(differing=comparison.differing, same=same)
    )
    for label, one in ((_("then"), then), (_("now"), now)):
        told = _("points proven {proven}, open {open}, of {judged} judged here ({total} in the whole standard)").format(
            proven=one.points_proven, open=one.points_open, judged=one.points_judged, total=one.points_total
        )
        console.print(f"{label}: {_name(one)}: {told}")
    gain = Decimal(now.points_proven) - Decimal(then.points_proven)
    console.print(_("points gained: {gain}").format(gain=decimal_text(gain)))


def _print_list(rows: Sequence[tuple[str, ...]], headings: Sequence[str], console: Console) -> None:
    """Print each clause with its figures in a line, and below it why it differs: columns would cut ids."""
    _, _, then, now, gained, _ = headings
    if rows:
        console.print(f"{then} → {now}", style="bold", highlight=False)
    for clause, title, before, after, gain, why in rows:
        print_hanging(f"{title}: {before} → {after}; {gained} {gain}", console, mark=f"{clause} ")
        for reason in why.splitlines():
            print_hanging(reason, console, indent=4, mark="- ")


def _name(one: Assessment) -> str:
    return f"{one.standard} {one.version}"
