"""A small campus and its readings, built step by step, for the tests of the judgement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.assess.assess import assess, declared_readings
from agent.assess.samples import milliseconds, moment
from agent.canonical import digest
from agent.model.asset import Asset
from agent.model.campus import Campus, Declaration, Link, Poll, School
from agent.model.finding import Assessment, Window
from agent.model.reading import Grade, Reading
from agent.packs.load import config_directory, load_metrics, load_standards

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

START = "2026-11-16T00:00:00.000Z"
CAMPUS_DIGEST = digest(b"the campus file of this test")
METRICS = load_metrics(config_directory())
STANDARDS = load_standards(config_directory(), METRICS)
EGRESS_CLAUSES = {"bozhou-school-2024": "1.1", "jiangsu-2018": "1.1.1"}


def campus(*links: Link, every: int = 300) -> Campus:
    """A school with the links, all on one switch."""
    return Campus(
        version="1",
        school=School(id="school", name="School"),
        assets=(Asset(id="core", family="generic-snmp", address="192.0.2.1"),),
        links=links,
        plan=(Poll(collector="links", every_seconds=every),),
    )


def egress(name: str, contract: str | None = None, *, expires: str | None = None) -> Link:
    """An egress line, with a contract if one is given."""
    declared = None
    if contract is not None:
        declared = Declaration(value=contract, by="admin", at="2026-09-01T00:00:00Z", why="contract", expires=expires)
    return Link(id=name, role="egress", asset="core", port=name, contract_mbps=declared)


def series(
    metric: str,
    subject: str,
    values: Iterable[object],
    *,
    every: int = 300,
    unit: str | None = None,
    grade: Grade = Grade.REPORTED,
) -> list[Reading]:
    """Readings at the poll interval from the start on; None is a missing one. Each cites its own exchange."""
    return [
        Reading(
            metric=metric,
            subject=subject,
            value=str(value),
            unit=METRICS[metric].unit if unit is None else unit,
            at=moment(milliseconds(START) + place * every * 1000),
            grade=grade,
            sources=(digest(f"{subject} {place}".encode()),),
        )
        for place, value in enumerate(values)
        if value is not None
    ]


def line(name: str, speeds: Sequence[object], rates: Sequence[int] = (), *, every: int = 300) -> list[Reading]:
    """Speed in Mbit/s and status per poll, and the counter of a line that receives at the rates in bit/s."""
    subject = f"egress:{name}"
    readings = series("link.speed", subject, speeds, every=every)
    readings += series("link.status", subject, ["up" for _ in speeds], every=every)
    if rates:
        octets, ticks = [10**12], [10**7]
        for rate in rates:
            octets.append(octets[-1] + rate * every // 8)
            ticks.append(ticks[-1] + every * 100)
        readings += series("link.octets.in", subject, octets, every=every)
        readings += series("link.uptime", subject, ticks, every=every)
    return readings


def window(polls: int, every: int = 300) -> Window:
    """A window that holds so many polls."""
    return Window(since=START, until=moment(milliseconds(START) + (polls - 1) * every * 1000))


def judged(
    name: str, readings: list[Reading], school: Campus | None = None, span: Window | None = None, *, clause: str = ""
) -> Assessment:
    """Judge by one clause of a shipped standard (of bandwidth by default); what the campus declares is declared."""
    pack = STANDARDS[name]
    wanted = clause or EGRESS_CLAUSES[name]
    alone = tuple(indicator for indicator in pack.value.indicators if indicator.id == wanted)
    part = pack.value.model_copy(update={"indicators": alone, "sections": (), "vetoes": ()})
    declared = declared_readings(school, CAMPUS_DIGEST, window=span) if school else []
    return assess(part, pack.digest, readings + declared, metrics=METRICS, campus=school, window=span)
