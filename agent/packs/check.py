"""What a pack must hold beyond its shape: known units, metrics, families, collectors and assets, nothing twice.

Each function returns all faults of one file, with the place of the value at fault.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from agent.errors import ConfigError
from agent.model.metric import Metric, MetricKind, MetricPack
from agent.packs.units import UNITS, compatible
from agent.packs.validate import near
from agent.packs.yaml_source import Path, Source, spell

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.model.family import Family
    from agent.model.standard import Criterion, Standard

__all__ = ["campus", "family", "metrics", "standard"]

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


def campus(
    pack: Campus,
    source: Source,
    families: Collection[str] | None = None,
    collectors: Collection[str] | None = None,
) -> list[ConfigError]:
    """Check a campus file: every id once; links, rooms, families, collectors and the time zone exist."""
    faults = _twice(source, [("assets", n, "id") for n in range(len(pack.assets))])
    faults += _twice(source, [("links", n, "id") for n in range(len(pack.links))])
    faults += _twice(source, [("rooms", n, "id") for n in range(len(pack.rooms))])
    faults += _twice(source, [("plan", n, "collector") for n in range(len(pack.plan))])
    assets = [asset.id for asset in pack.assets]
    rooms = [room.id for room in pack.rooms]
    for n, asset in enumerate(pack.assets):
        faults += _known(source, ("assets", n, "family"), asset.family, families, "family")
        if asset.room is not None:
            faults += _known(source, ("assets", n, "room"), asset.room, rooms, "room")
        if asset.draw:
            faults.append(_fault(source, ("assets", n, "draw"), "the challenge says what is drawn, not a file"))
        if asset.wifi is not None:
            faults.append(_fault(source, ("assets", n, "wifi"), "wifi tables belong into the family"))
        faults += _feeds(source, n, asset, assets)
    for n, placed in enumerate(pack.wifi.aps if pack.wifi is not None else ()):
        faults += _known(source, ("wifi", "aps", n, "room"), placed.room, rooms, "room")
    for n, link in enumerate(pack.links):
        faults += _known(source, ("links", n, "asset"), link.asset, assets, "asset")
        if link.room is not None:
            faults += _known(source, ("links", n, "room"), link.room, rooms, "room")
        if link.contract_mbps is not None and link.contract_mbps.value.startswith("-"):
            faults.append(_fault(source, ("links", n, "contract_mbps", "value"), "a bandwidth cannot be negative"))
    for n, poll in enumerate(pack.plan):
        faults += _known(source, ("plan", n, "collector"), poll.collector, collectors, "collector")
    return faults + _timezone(source, pack.timezone)


def _feeds(source: Source, n: int, asset: Asset, assets: Collection[str]) -> list[ConfigError]:
    """Check what an asset feeds: assets that exist, each once, not itself."""
    places: list[Path] = [("assets", n, "feeds", m) for m in range(len(asset.feeds))]
    faults = _twice(source, places)
    for place, fed in zip(places, asset.feeds, strict=True):
        faults += _known(source, place, fed, assets, "asset")
        if fed == asset.id:
            faults.append(_fault(source, place, "{name} cannot feed itself", name=fed))
    return faults


def _timezone(source: Source, name: str) -> list[ConfigError]:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return [_fault(source, ("timezone",), "{name!r} is not a time zone", "Write Asia/Shanghai", name=name[:60])]
    return []


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


def _known(source: Source, place: Path, name: str, known: Collection[str] | None, kind: str) -> list[ConfigError]:
    if known is None or name in known:
        return []
    meant = near(name, known)
    todo = "Did you mean {meant!r}? Known: {known}" if meant else "Known: {known}"
    listed = difflib.get_close_matches(name, sorted(known), n=5, cutoff=0.0) if len(known) > 20 else sorted(known)
    text = ", ".join(listed) + (", ..." if len(listed) < len(known) else "") if listed else "none"
    what = "there is no {kind} {name!r}"
    return [_fault(source, place, what, todo, kind=kind, name=name[:60], meant=meant, known=text)]


def _twice(source: Source, places: Iterable[Path]) -> list[ConfigError]:
    """Report values that stand at more than one of the places; absent ones count as distinct."""
    first: dict[str, str] = {}
    faults = []
    for place in places:
        value = str(_at(source, place))
        where = source.where(place)
        if value in first:
            what = "{key}: {value!r} is given twice; first at {first}"
            faults.append(_fault(source, place, what, key=spell(place), value=value, first=first[value]))
        first.setdefault(value, where)
    return faults


def _at(source: Source, place: Path) -> object:
    value = source.data
    for part in place:
        value = value[part]
    return value


def _fault(source: Source, place: Path, what: str, todo: str = "", **values: object) -> ConfigError:
    return ConfigError(what, where=source.where(place), todo=todo, **values)
