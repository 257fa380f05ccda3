"""Schools to judge packs by: what derivations found of a school in which all is well, and log stores night by night."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, get_args

from agent.assess.assess import assess, declared_readings
from agent.assess.samples import rounded
from agent.canonical import digest
from agent.model.asset import SecurityFunction
from agent.model.calendar import days_between
from agent.model.campus import Campus, Declaration, School
from agent.model.finding import Window
from agent.model.logs import LogSource, days_text
from agent.model.reading import Grade, Reading
from agent.model.system import SYSTEMS
from agent.packs.load import config_directory, load_metrics, load_standards

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from agent.model.finding import Assessment, ClauseResult
    from agent.model.standard import Criterion, Standard

METRICS = load_metrics(config_directory())
STANDARDS = {name: pack.value for name, pack in load_standards(config_directory(), METRICS).items()}
NIGHT = date(2026, 11, 22)
"""The last night on which a log store was asked, at one in the morning."""
HALF_A_YEAR_AGO = date(2026, 5, 22)
WINDOW = Window(since="2026-10-20T00:00:00Z", until="2026-11-22T08:00:00Z")
FUNCTIONS = get_args(SecurityFunction)
LOG_PARTS = ("system-log-six-months", "system-log-no-gap", "user-log-six-months", "user-log-no-gap")
"""What both standards ask of logs."""
GOOD: Mapping[str, Mapping[str, str]] = {
    "link.speed": {"egress:telecom": "10000", "classroom:1-1": "1000", "office:o-1": "1000"},
    "topology.link.speed": {"backbone:core/1--east/1": "10000", "backbone:core/2--west/1": "40000"},
    "room.wired": dict.fromkeys(("classroom:1-1", "laboratory:l-1", "office:o-1", "canteen:c-1"), "1"),
    "room.wifi": dict.fromkeys(("classroom:1-1", "office:o-1", "library:b-1", "activity:a-1"), "1"),
    "room.display": dict.fromkeys(
        ("classroom:1-1", "subject-room:m-1", "innovation-room:i-1", "ai-room:k-1", "laboratory:l-1"), "1"
    ),
    "room.public_terminal": dict.fromkeys(("library:b-1", "activity:a-1", "office:o-1", "canteen:c-1"), "1"),
    "room.information_display": {"library:b-1": "1", "activity:a-1": "0"},
    "room.recording": dict.fromkeys(
        ("recording-room:r-1", "innovation-room:i-1", "classroom:1-1", "classroom:1-2", "hall:h-1", "studio:s-1"), "1"
    ),
    "room.studio": {"studio:s-1": "1"},
    "room.vr": {"virtual-space:v-1": "1", "innovation-room:i-1": "0"},
    "room.robot": {"innovation-room:i-1": "1"},
    "room.seats_per_terminal": {"computer-room:p-1": "1"},
    "class.smart": {"class:1-1": "0", "class:1-2": "1"},
    "ipv6.layer": dict.fromkeys(("ipv6:egress", "ipv6:core", "ipv6:vlans", "ipv6:terminals", "ipv6:traffic"), "1"),
    "system.answers": {f"system:{kind}": "1" for kind in SYSTEMS},
    "platform.availability": {
        f"platform:{kind}": "99.5" for kind in ("education-network", "internet", "city", "county", "cloud-lesson")
    },
    "security.function": {f"security:{function}": "1" for function in FUNCTIONS},
    "logs.retention": {"system-log:fw": "6", "user-access-log:gate": "8"},
    "logs.gap": {"system-log:fw": "0", "user-access-log:gate": "0"},
    "ratio.computers_per_teacher": {"stage:all": "1.1"},
    "ratio.students_per_computer": {"stage:primary": "4.4"},
    "telemetry.fresh": {f"iot:{kind}": "1" for kind in ("facility", "equipment", "energy", "air", "lighting")},
    "surveillance.area": {f"area:{area}": "1" for area in ("entrance", "key", "gathering", "kitchen")},
}
"""Figures of a school in which all that can be measured is as both standards want it."""


def reading(metric: str, subject: str, value: str, at: str = WINDOW.until, grade: str = "corroborated") -> Reading:
    """Return a reading with an exchange of its own."""
    source = digest(f"{metric} {subject} {at}".encode())
    return Reading(
        metric=metric,
        subject=subject,
        value=value,
        unit=METRICS[metric].unit,
        at=at,
        grade=Grade(grade),
        sources=(source,),
    )


def good(but: Mapping[tuple[str, str], str | None] | None = None) -> list[Reading]:
    """Return the readings of the good school, but for some figures; None leaves one out."""
    known = {(metric, subject): value for metric, found in GOOD.items() for subject, value in found.items()}
    changes = but or {}
    assert changes.keys() <= known.keys()
    readings = daily("device.uptime", "asset:core", "8640000")
    for (metric, subject), figure in known.items():
        value = changes.get((metric, subject), figure)
        if value is not None:
            derived = bool(METRICS[metric].derivation)
            readings += [reading(metric, subject, value)] if derived else daily(metric, subject, value)
    return readings


def daily(metric: str, subject: str, value: str) -> list[Reading]:
    """Return a reading of each day of the window."""
    days = days_between(date(2026, 10, 20), NIGHT)
    return [reading(metric, subject, value, f"{day}T02:00:00Z", "reported") for day in days]


def judged(name: str, readings: Iterable[Reading], campus: Campus | None = None) -> Assessment:
    """Judge a standard over the window."""
    return assess(STANDARDS[name], digest(name.encode()), readings, metrics=METRICS, campus=campus, window=WINDOW)


def clause(assessment: Assessment, number: str) -> ClauseResult:
    """Return one clause."""
    return next(item for item in assessment.clauses if item.clause == number)


def declarations(name: str, value: str = "1", *, stages: tuple[str, ...] = ("primary",)) -> list[Reading]:
    """Return the readings of a campus file that declares every part of a standard that only documents show."""
    stated = {
        f"{name}/{part.id}": Declaration(value=value, by="head", at="2026-09-01T00:00:00Z", why="document")
        for part in parts(STANDARDS[name])
        if part.declared is not None
    }
    campus = Campus(
        version="1", school=School.from_json({"id": "s", "name": "s", "stages": list(stages)}), declarations=stated
    )
    return declared_readings(campus, digest(b"campus"), window=WINDOW)


def parts(standard: Standard) -> list[Criterion]:
    """Return all criteria of a standard."""
    return [part for indicator in standard.indicators for part in indicator.criteria]


def section_sums(standard: Standard) -> dict[str, str]:
    """Return what the clauses of each section add up to, those of the sections below included."""
    parents = {section.id: section.parent for section in standard.sections}
    sums = dict.fromkeys(parents, Fraction(0))
    for indicator in standard.indicators:
        above = indicator.section
        while above is not None:
            sums[above] += Fraction(indicator.points)
            above = parents[above]
    return {name: rounded(value) for name, value in sums.items()}


def log_source(name: str, kind: str, *, stored: bool = True, days: str = "every-day") -> LogSource:
    """Return a source whose log the store `es` keeps, or nobody does."""
    copies = [{"store": "es", "name": name}] if stored else []
    return LogSource.from_json({"id": name, "kind": kind, "stored": copies, "days": days})


def log(name: str, first: date, *, but: Collection[date] = (), at: date = NIGHT) -> list[Reading]:
    """Return what the store tells in a night of a source that wrote from the first day on, every day but some."""
    days = {day.isoformat(): 1000 for day in days_between(first, at) if day not in but}
    when = f"{at - timedelta(days=1)}T17:00:00.000Z"
    told = {"log.search": "complete", "log.searched": f"2026-04-21/{at}", "log.days": days_text(days)}
    return [reading(metric, f"log:es/{name}", value, when, "reported") for metric, value in told.items()]


def school_of_logs(*sources: LogSource) -> Campus:
    """Return a school of which only the sources of log are known."""
    return Campus(version="1", school=School(id="s", name="s"), log_sources=sources)


FIREWALL, GATEWAY = log_source("fw", "system"), log_source("gate", "user-access")


def outcomes_of_logs(
    name: str, number: str, readings: Iterable[Reading], *sources: LogSource
) -> list[tuple[str, str | None]]:
    """Return outcome and reason of the four parts of a clause that are about logs: of both sources, or of others."""
    campus = school_of_logs(*(sources or (FIREWALL, GATEWAY)))
    findings = {item.criterion: item for item in clause(judged(name, readings, campus), number).findings}
    return [(findings[part].outcome.value, findings[part].reason) for part in LOG_PARTS]
