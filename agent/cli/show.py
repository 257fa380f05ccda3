"""How results look on a terminal, in both languages."""

from __future__ import annotations

import json
import os
import re
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from agent.canonical import decimal_text
from agent.errors import MalformedError
from agent.language import N_, name_of, preferred, translator
from agent.model.calendar import parse_day
from agent.model.finding import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.model.finding import Assessment
    from agent.model.reading import Reading

__all__ = ["abridged", "assessments_json", "plain", "print_hanging", "print_readings", "print_sums"]


def print_readings(
    readings: Sequence[Reading], *, as_json: bool, asset: str = "", console: Console | None = None
) -> None:
    """Print readings as JSON lines, whole, or as a table in the language of the environment, long lists abridged.

    Args:
        readings: what to print.
        as_json: whole, for programs.
        asset: the device that all of them are of; the table need not repeat it with every subject.
        console: where the table goes; standard output if there is none.
    """
    if as_json:
        for reading in readings:
            print(reading.to_bytes().decode())
        return
    _ = translator(preferred(os.environ))
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for heading in _READING:  # what does not fit goes on in the next line: half a name says nothing
        table.add_column(_(heading), overflow="fold")
    for reading in readings:
        subject = _within(reading.subject, asset)
        shown = (reading.metric, subject, abridged(reading.value, _), reading.unit, name_of(reading.grade, _))
        table.add_row(*map(plain, shown))
    (console or Console()).print(table)


def _within(subject: str, asset: str) -> str:
    """Return a subject without the asset's id: of `core`, `interface:core/Gi1` is `interface:Gi1`."""
    kind, _, rest = subject.partition(":")
    if asset and rest == asset:
        return kind
    return f"{kind}:{rest.removeprefix(f'{asset}/')}" if asset and rest.startswith(f"{asset}/") else subject


_READING = (N_("metric"), N_("subject"), N_("value"), N_("unit"), N_("grade"))
_DAYS = re.compile(r"\d{4}-\d\d-\d\d(?::\d{1,19})?")
_SPAN = re.compile(r"([^ /]+)/([^ /]+)")
_FEW = 3
"""Days or stretches that are listed one by one."""


def abridged(value: str, translate: Callable[[str], str]) -> str:
    """Return a list of days (with or without counts) or of stretches as its ends and numbers; all else as it is."""
    items = value.split(" ")
    if len(items) <= _FEW:
        return value
    if all(_DAYS.fullmatch(item) for item in items):
        try:
            days = sorted({parse_day(item[:10]) for item in items})
        except MalformedError:  # of that form, but no day of the calendar
            return value
        gaps = sum((late - early).days > 1 for early, late in pairwise(days))
        told = translate("{first} to {last}: {days} days, {gaps} gaps")
        return told.format(first=days[0], last=days[-1], days=len(days), gaps=gaps)
    spans = [_SPAN.fullmatch(item) for item in items]
    if spans[0] is None or spans[-1] is None or None in spans:
        return value
    return translate("{first} to {last}: {count} stretches").format(
        first=spans[0][1], last=spans[-1][2], count=len(spans)
    )


def assessments_json(assessments: Sequence[Assessment]) -> str:
    """Return one object for one standard, a list for several."""
    shown = [assessment.to_json() for assessment in assessments]
    return json.dumps(shown[0] if len(shown) == 1 else shown, ensure_ascii=False, indent=2)


def print_sums(assessments: Sequence[Assessment], language: str, console: Console) -> None:
    """Print one line per standard: clauses by outcome, and the points that are proven, open and lost."""
    _ = translator(language)
    rows = []
    for assessment in assessments:
        outcomes = [clause.outcome for clause in assessment.clauses]
        lost = Decimal(assessment.points_judged) - Decimal(assessment.points_proven) - Decimal(assessment.points_open)
        points = (assessment.points_proven, assessment.points_open, decimal_text(lost))
        total = (assessment.points_judged, assessment.points_total)
        rows.append((assessment.standard, *(str(outcomes.count(one)) for one in _OUTCOMES), *points, *total))
    headings = [_(heading) for heading in (N_("standard"), *_HEADINGS, *_POINTS)]
    # Lines between columns would cost the width that whole words of the headings need.
    table = Table(box=SIMPLE_HEAD, expand=False, padding=(0, 1, 0, 0), pad_edge=False)
    for n, heading in enumerate(headings):
        table.add_column(heading.replace(" ", "\n"), justify="right" if n else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    if Measurement.get(console, console.options.update(max_width=_UNBOUNDED), table).maximum <= console.width:
        console.print(table)
        return
    for row in rows:
        figures = ", ".join(f"{heading} {figure}" for heading, figure in zip(headings[1:], row[1:], strict=True))
        console.print(f"{row[0]}: {figures}", highlight=False)


_UNBOUNDED = 10_000
_HEADINGS = (N_("met"), N_("partly met"), N_("not met"), N_("undecided"), N_("not applicable"))
_POINTS = (N_("proven"), N_("open"), N_("lost"), N_("judged here"), N_("whole standard"))
_OUTCOMES = (
    Outcome.SATISFIED,
    Outcome.PARTIALLY_SATISFIED,
    Outcome.NOT_SATISFIED,
    Outcome.INCONCLUSIVE,
    Outcome.NOT_APPLICABLE,
)


def print_hanging(text: str, console: Console, indent: int = 0, mark: str = "") -> None:
    """Print a paragraph whose further lines stand under its first word, however narrow the terminal is.

    Args:
        text: anything; it cannot act.
        console: where to print.
        indent: columns before it.
        mark: what stands before its first line, such as ``- ``.
    """
    first = " " * indent + mark
    width = max(console.width - cell_len(first), _LEAST)
    for n, line in enumerate(Text.from_markup(plain(text)).wrap(console, width)):
        line.rstrip()
        console.print(Text(first if n == 0 else " " * cell_len(first)) + line, soft_wrap=True)


_LEAST = 16
"""Columns of a paragraph that are used in any case."""


def plain(text: str) -> str:
    """Return text that a terminal and rich's markup cannot take as instructions."""
    spaced = text.replace("\u00a0", " ").replace("\u202f", " ")
    shown = "".join(character if character.isprintable() else "�" for character in spaced)
    return shown.replace("[", "\\[")
