"""What a pack must hold beyond its shape: known units, metrics and collectors, nothing twice.

Each function returns all faults of one file, with the place of the value at fault.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agent.model.metric import Metric, MetricKind, MetricPack
from agent.packs.faults import fault as _fault
from agent.packs.faults import known as _known
from agent.packs.faults import twice as _twice
from agent.packs.units import UNITS, compatible
from agent.packs.validate import near

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from agent.errors import ConfigError
    from agent.model.family import Family
    from agent.model.standard import Criterion, Standard
    from agent.packs.yaml_source import Path, Source

__all__ = ["family", "metrics", "standard"]

_OID = re.compile(r"[0-2](\.(0|[1-9][0-9]*))+")


def metrics(pack: MetricPack, source: Source) -> list[ConfigError]:
    """Check a file of metrics: units known, states given where the kind is state, no name twice."""
    faults = _twice(source, [("metrics", n, "name") for n in range(len(pack.metrics))])
    for n, metric in enumerate(pack.metrics):
        place: Path = ("metrics", n)
        if metric.kind in {MetricKind.GAUGE, MetricKind.COUNTER}:
            faults += _unit(source, (*place, "unit"), metric.unit)
        elif metric.unit:
            faults.append(_fault(source, (*place, "unit"), "a {kind} has no unit", kind=metric.kind.value))
        if (metric.kind is MetricKind.STATE) != bool(metric.states):
            what = "a state lists its spellings in states, and nothing else has states"
            faults.append(_fault(source, (*place, "states"), what))
    return faults


def family(pack: Family, source: Source, collectors: Collection[str] | None = None) -> list[ConfigError]:
    """Check a family: object identifiers and expressions are well formed, collectors known."""
    faults: list[ConfigError] = []
    for key, oids in (("sys_object_id", pack.recognise.sys_object_id), ("objects", pack.recognise.objects)):
        for n, oid in enumerate(oids):
            if not _OID.fullmatch(oid):
                place: Path = ("recognise", key, n)
                faults.append(_fault(source, place, "{oid!r} is not a dotted object identifier", oid=oid[:100]))
    for n, expression in enumerate(pack.recognise.sys_descr):
        try:
            re.compile(expression)
        except re.error as error:
            place = ("recognise", "sys_descr", n)
            faults.append(_fault(source, place, "not a regular expression: {why}", why=str(error)))
    for n, collector in enumerate(pack.collectors):
        faults += _known(source, ("collectors", n), collector, collectors, "collector")
    return faults


def standard(pack: Standard, source: Source, known: Mapping[str, Metric] | None = None) -> list[ConfigError]:
    """Check a standard: clause and criterion ids once, metrics known, units agree, band edges and examples sane."""
    faults = _twice(source, [("indicators", n, "id") for n in range(len(pack.indicators))])
    places: list[Path] = []
    for n, indicator in enumerate(pack.indicators):
        for m, criterion in enumerate(indicator.criteria):
            place: Path = ("indicators", n, "criteria", m)
            places.append((*place, "id"))
            faults += _unit(source, (*place, "measure", "unit"), criterion.measure.unit)
            if known is not None:
                faults += _measure(source, place, criterion, known)
    return faults + _twice(source, places)


def _measure(source: Source, place: Path, criterion: Criterion, known: Mapping[str, Metric]) -> list[ConfigError]:
    measure = criterion.measure
    named: list[tuple[Path, str]] = [((*place, "measure", "metric"), measure.metric)]
    if measure.capped_by is not None:
        named.append(((*place, "measure", "capped_by"), measure.capped_by))
    faults: list[ConfigError] = []
    for where, name in named:
        faults += _known(source, where, name, known, "metric")
        if name in known and measure.unit in UNITS and not compatible(known[name].unit, measure.unit):
            unit = known[name].unit or "no unit"
            what = "{name} is in {unit}, which cannot become {asked}"
            faults.append(_fault(source, where, what, name=name, unit=unit, asked=measure.unit))
    for n, name in enumerate(measure.carried_by):
        where = (*place, "measure", "carried_by", n)
        faults += _known(source, where, name, known, "metric")
        if name in known and known[name].kind is not MetricKind.COUNTER:
            faults.append(_fault(source, where, "{name} is not a counter", name=name))
    for n, example in enumerate(criterion.examples):
        for m, series in enumerate(example.readings):
            faults += _known(source, (*place, "examples", n, "readings", m, "metric"), series.metric, known, "metric")
    return faults


def _unit(source: Source, place: Path, unit: str) -> list[ConfigError]:
    if unit in UNITS:
        return []
    meant = {name.lower(): name for name in UNITS}.get(unit.lower(), near(unit, UNITS))
    todo = "Did you mean {meant!r}? Allowed: {allowed}" if meant else "Allowed: {allowed}"
    fault = _fault(source, place, "{unit!r} is not a unit", todo, unit=unit[:40], meant=meant, allowed=", ".join(UNITS))
    return [fault]
