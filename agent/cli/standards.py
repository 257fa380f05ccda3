"""`campus-agent standards`: which documents can be judged, clause by clause, and how much a machine can prove."""

from __future__ import annotations

import json
import os
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table

from agent.language import N_, name_of, preferred, translator

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.model.standard import Indicator, Section, Standard

__all__ = ["described", "register"]

REACHES = ("full", "partly", "declared", "outside")


def standards(
    standard: str | None = typer.Argument(None, help="Show the clauses of this one.", show_default=False),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
    language: str = typer.Option("", "--lang", help="zh_CN or en."),
) -> None:
    """List the standards that can be judged, or the clauses of one, with points and how much a machine can prove."""
    from agent.packs.load import chosen_standards, config_directory, load_standards

    shown = language or preferred(os.environ)
    packs = load_standards(config_directory())
    chosen = [pack.value for pack in chosen_standards(packs, packs if standard is None else [standard])]
    if as_json:
        listed = [described(one) for one in chosen]
        print(json.dumps(listed if standard is None else listed[0], ensure_ascii=False, indent=2))
        return
    _ = translator(shown)
    for one in chosen:
        typer.echo(f"{one.id} {one.version}  {one.title.of(shown)}  ({one.total})")
        typer.echo("  " + _by_reach(one, _))
        if standard is not None:
            Console().print(_clauses(one, shown, _))


def described(standard: Standard) -> dict[str, Any]:
    """Return a standard as JSON: clauses with id, heading, section, points and reach; sums by section and reach."""
    return {
        "id": standard.id,
        "version": standard.version,
        "title": standard.title.to_json(),
        "document": standard.document.to_json(),
        "total": standard.total,
        **({"pass_mark": standard.pass_mark} if standard.pass_mark is not None else {}),
        "levels": [level.id for level in standard.levels],
        "sections": [
            {
                "id": section.id,
                **({"parent": section.parent} if section.parent is not None else {}),
                "heading": section.title.to_json(),
                "points": section.points,
                "combine": section.combine,
            }
            for section in standard.sections
        ],
        "clauses": [_clause(indicator) for indicator in standard.indicators],
        "reach": {reach: _text(points) for reach, points in reaches(standard).items()},
    }


def _clause(indicator: Indicator) -> dict[str, Any]:
    return {
        "id": indicator.id,
        **({"section": indicator.section} if indicator.section is not None else {}),
        "heading": indicator.title.to_json(),
        "points": indicator.points,
        "reach": indicator.reach,
        **({"veto": indicator.veto} if indicator.veto is not None else {}),
        "criteria": [
            {
                "id": criterion.id,
                "title": criterion.title.to_json(),
                "kind": "declared" if criterion.declared else "measured",
                "metric": criterion.measure.metric if criterion.measure else None,
                "grade_required": criterion.grade_required.value,
            }
            for criterion in indicator.criteria
        ],
    }


def reaches(standard: Standard) -> dict[str, Fraction]:
    """Return the points by reach: they come to the total.

    A pool counts as a whole. Of sections of which one is chosen, the one counts of which a machine can prove most.
    """
    found = dict.fromkeys(REACHES, Fraction(0))
    out = _not_chosen(standard)
    for indicator in standard.indicators:
        if not out.intersection(section.id for section in _path(standard, indicator.section)):
            found[indicator.reach] += Fraction(indicator.points)
    for section in standard.sections:
        if section.combine == "pool":
            found["outside"] += Fraction(section.points)
    return found


def _not_chosen(standard: Standard) -> set[str]:
    found: set[str] = set()
    for section in standard.sections:
        if section.combine == "choose":
            below = [one.id for one in standard.sections if one.parent == section.id]
            best = max(below, key=lambda name: (_judged(standard, name), -below.index(name)), default="")
            found |= set(below) - {best}
    return found


def _judged(standard: Standard, section: str) -> Fraction:
    """Return the points of a section that are judged at all."""
    judged = [indicator for indicator in standard.indicators if not indicator.outside]
    inside = [one for one in judged if section in {place.id for place in _path(standard, one.section)}]
    return sum((Fraction(one.points) for one in inside), Fraction(0))


def _text(points: Fraction) -> str:
    return f"{float(points):.6f}".rstrip("0").rstrip(".")


def _by_reach(standard: Standard, translate: Callable[[str], str]) -> str:
    parts = [f"{name_of(f'reach-{reach}', translate)} {_text(points)}" for reach, points in reaches(standard).items()]
    return ", ".join(parts)


def _clauses(standard: Standard, language: str, translate: Callable[[str], str]) -> Table:
    table = Table(expand=False)
    for heading in (N_("clause"), N_("heading"), N_("points"), N_("reach")):
        table.add_column(translate(heading))
    above: list[str] = []
    for indicator in standard.indicators:
        path = _path(standard, indicator.section)
        for section in path:
            if section.id not in above:
                table.add_row(section.id, section.title.of(language), f"({section.points})", "", style="bold")
                above.append(section.id)
        mark = " ★" if indicator.veto is not None else ""
        reach = name_of(f"reach-{indicator.reach}", translate)
        table.add_row(indicator.id + mark, indicator.title.of(language), indicator.points, reach)
    return table


def _path(standard: Standard, name: str | None) -> list[Section]:
    """Return the sections that lead to one, outermost first."""
    places = {section.id: section for section in standard.sections}
    path: list[Section] = []
    while name is not None:
        path.insert(0, places[name])
        name = places[name].parent
    return path


def register(app: typer.Typer) -> None:
    """Add this audience's commands."""
    app.command()(standards)
