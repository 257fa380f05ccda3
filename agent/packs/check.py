"""What a pack must hold beyond its shape: known units, metrics and collectors, nothing twice.

Each function returns all faults of one file, with the place of the value at fault.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agent.language import N_
from agent.model.metric import MetricKind, MetricPack
from agent.packs.faults import fault as _fault
from agent.packs.faults import known as _known
from agent.packs.faults import twice as _twice
from agent.packs.units import UNITS
from agent.packs.validate import near

if TYPE_CHECKING:
    from collections.abc import Collection

    from agent.errors import ConfigError
    from agent.model.family import Family
    from agent.packs.yaml_source import Path, Source

__all__ = ["family", "metrics", "unit"]

_OID = re.compile(r"[0-2](\.(0|[1-9][0-9]*))+")


def metrics(pack: MetricPack, source: Source) -> list[ConfigError]:
    """Check a file of metrics: units known, states given where the kind is state, no name twice."""
    faults = _twice(source, [("metrics", n, "name") for n in range(len(pack.metrics))])
    for n, metric in enumerate(pack.metrics):
        place: Path = ("metrics", n)
        if metric.kind in {MetricKind.GAUGE, MetricKind.COUNTER}:
            faults += unit(source, (*place, "unit"), metric.unit)
        elif metric.unit:
            faults.append(_fault(source, (*place, "unit"), "a {kind} has no unit", kind=metric.kind.value))
        if (metric.kind is MetricKind.STATE) != bool(metric.states):
            what = N_("a state lists its spellings in states, and nothing else has states")
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
        faults += _known(source, ("collectors", n), collector, collectors, N_("collector"))
    return faults


def unit(source: Source, place: Path, name: str) -> list[ConfigError]:
    """Check that a unit is one that is known here."""
    if name in UNITS:
        return []
    meant = {known.lower(): known for known in UNITS}.get(name.lower(), near(name, UNITS))
    todo = "Did you mean {meant!r}? Allowed: {allowed}" if meant else "Allowed: {allowed}"
    fault = _fault(source, place, "{unit!r} is not a unit", todo, unit=name[:40], meant=meant, allowed=", ".join(UNITS))
    return [fault]
