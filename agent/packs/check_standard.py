"""What a standard must hold beyond its shape: known names and units, nothing twice, sums that come out."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from agent.errors import Phrase
from agent.language import N_
from agent.model.metric import Metric, MetricKind
from agent.packs.check import unit as _unit
from agent.packs.faults import fault, known, twice
from agent.packs.units import UNITS, compatible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agent.errors import ConfigError
    from agent.model.standard import Criterion, Measure, Section, Standard
    from agent.packs.yaml_source import Path, Source

__all__ = ["standard", "sums"]


def standard(pack: Standard, source: Source, metrics: Mapping[str, Metric] | None = None) -> list[ConfigError]:
    """Check a standard: every id once; sections, vetoes, interpretations, metrics and settings known; units agree."""
    faults = _names(pack, source)
    derivations = {metric.derivation for metric in (metrics or {}).values() if metric.derivation}
    if metrics is not None:
        for name in pack.methods:
            faults += known(source, ("methods", name), name, derivations, N_("derivation"))
    for place, criterion in _criteria(pack):
        for n, name in enumerate(criterion.interpretations):
            ids = [item.id for item in pack.interpretations]
            faults += known(source, (*place, "interpretations", n), name, ids, N_("interpretation"))
        if criterion.declared is not None and criterion.declared.unit not in UNITS:
            faults += _unit(source, (*place, "declared", "unit"), criterion.declared.unit)
        if criterion.measure is not None:
            faults += _unit(source, (*place, "measure", "unit"), criterion.measure.unit)
            if metrics is not None:
                faults += _measure(source, (*place, "measure"), criterion.measure, metrics)
        if metrics is not None:
            faults += _examples(source, place, criterion, metrics)
    return faults


def _criteria(pack: Standard) -> Iterator[tuple[Path, Criterion]]:
    for n, indicator in enumerate(pack.indicators):
        for m, criterion in enumerate(indicator.criteria):
            yield ("indicators", n, "criteria", m), criterion


def _names(pack: Standard, source: Source) -> list[ConfigError]:
    """Check ids, and what names them inside the pack."""
    faults = twice(source, [(*place, "id") for place, _ in _criteria(pack)])
    for key, items in (
        ("indicators", pack.indicators),
        ("sections", pack.sections),
        ("levels", pack.levels),
        ("vetoes", pack.vetoes),
        ("interpretations", pack.interpretations),
    ):
        faults += twice(source, [(key, n, "id") for n in range(len(items))])
    sections = [section.id for section in pack.sections]
    for n, section in enumerate(pack.sections):
        if section.parent is not None:
            # A section comes after the one that it lies in: so there are no circles.
            faults += known(source, ("sections", n, "parent"), section.parent, sections[:n], N_("section"))
    for n, indicator in enumerate(pack.indicators):
        if indicator.section is not None:
            faults += known(source, ("indicators", n, "section"), indicator.section, sections, N_("section"))
        if indicator.veto is not None:
            vetoes = [veto.id for veto in pack.vetoes]
            faults += known(source, ("indicators", n, "veto"), indicator.veto, vetoes, N_("veto"))
    levels = [level.id for level in pack.levels]
    for n, veto in enumerate(pack.vetoes):
        for m, name in enumerate(veto.levels):
            faults += known(source, ("vetoes", n, "levels", m), name, levels, N_("level"))
    return faults


def _measure(source: Source, place: Path, measure: Measure, metrics: Mapping[str, Metric]) -> list[ConfigError]:
    named: list[tuple[Path, str]] = [((*place, "metric"), measure.metric)]
    if measure.capped_by is not None:
        named.append(((*place, "capped_by"), measure.capped_by))
    faults: list[ConfigError] = []
    for where, name in named:
        faults += known(source, where, name, metrics, N_("metric"))
        if name in metrics and measure.unit in UNITS and not compatible(metrics[name].unit, measure.unit):
            unit = metrics[name].unit or Phrase("no unit")
            what = N_("{name} is in {unit}, which cannot become {asked}")
            faults.append(fault(source, where, what, name=name, unit=unit, asked=measure.unit))
    for n, name in enumerate(measure.carried_by):
        where = (*place, "carried_by", n)
        faults += known(source, where, name, metrics, N_("metric"))
        if name in metrics and metrics[name].kind is not MetricKind.COUNTER:
            faults.append(fault(source, where, "{name} is not a counter", name=name))
    if measure.method and measure.metric in metrics and not metrics[measure.metric].derivation:
        faults.append(fault(source, (*place, "method"), "{name} is not derived", name=measure.metric))
    return faults


def _examples(
    source: Source, place: Path, criterion: Criterion, metrics: Mapping[str, Metric]
) -> Iterator[ConfigError]:
    for n, example in enumerate(criterion.examples):
        named = [("readings", m, series.metric) for m, series in enumerate(example.readings)]
        named += [("open", m, figure.metric) for m, figure in enumerate(example.open)]
        for key, m, name in named:
            yield from known(source, (*place, "examples", n, key, m, "metric"), name, metrics, N_("metric"))


def sums(pack: Standard, source: Source) -> list[ConfigError]:
    """Check that the points of clauses and sections come to the printed sums, and those to the total.

    A pack without sections holds some clauses of its document only: together they have at most the total.
    """
    clauses = sum((Fraction(indicator.points) for indicator in pack.indicators), Fraction(0))
    if not pack.sections:
        return [_sum(source, ("total",), clauses, pack.total)] if clauses > Fraction(pack.total) else []
    faults = []
    for n, section in enumerate(pack.sections):
        found = _found(pack, section)
        if any(one != Fraction(section.points) for one in found):
            faults.append(_sum(source, ("sections", n, "points"), found[0], section.points))
    for n, indicator in enumerate(pack.indicators):
        if indicator.section is None and not indicator.informative:
            faults.append(fault(source, ("indicators", n), "a clause names its section, where there are sections"))
    whole = sum((Fraction(section.points) for section in pack.sections if section.parent is None), Fraction(0))
    if whole != Fraction(pack.total):
        faults.append(_sum(source, ("total",), whole, pack.total))
    return faults


def _found(pack: Standard, section: Section) -> list[Fraction]:
    """Return what must be the section's points: one sum, or those of each section of which one is chosen."""
    clauses = [Fraction(item.points) for item in pack.indicators if item.section == section.id]
    below = [Fraction(item.points) for item in pack.sections if item.parent == section.id]
    if section.combine == "choose":
        return [points + sum(clauses, Fraction(0)) for points in below] or [Fraction(0)]
    if section.combine == "pool":
        # The pool is not spread over its clauses; one that has points of its own is a mistake.
        return [Fraction(section.points) + sum(clauses, Fraction(0))]
    return [sum(clauses + below, Fraction(0))]


def _sum(source: Source, place: Path, found: Fraction, printed: str) -> ConfigError:
    what = "the points come to {found}, and {printed} are printed"
    return fault(source, place, what, found=f"{float(found):g}", printed=printed)
