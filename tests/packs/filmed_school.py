"""A school with cameras, a recorder, a switch that powers them and a UPS, to judge clauses on surveillance by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.assess.assess import assess, declared_readings
from agent.assess.samples import milliseconds
from agent.canonical import digest
from agent.model.asset import Asset
from agent.model.campus import Camera, Campus, Poll, Recorded, School
from agent.model.finding import Window
from tests.assess.derive.test_power import HOUR, START, alive, mains, outage, poll
from tests.assess.derive.test_surveillance import UNTIL, channel, disk, span
from tests.packs.worked_schools import METRICS, STANDARDS
from tests.packs.worked_schools import clause as clause_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.model.campus import Declaration
    from agent.model.finding import ClauseResult
    from agent.model.reading import Reading

EIGHT, FOUR = 8 * HOUR, 4 * HOUR
WINDOW = Window(since="2026-10-22T02:00:00Z", until=UNTIL)
CAMERAS = {"gate": ("entrance", "1"), "lab": ("key", "2"), "hall": ("gathering", "3")}
"""Area and channel of each."""
DARK_AT = (milliseconds("2026-11-19T00:00:00Z") - START) // 1000
"""When mains failed, in the seconds that the readings of the UPS count by."""
FULL = disk("nvr1", 10**13, 0)
"""Disks without room: what is not there was deleted."""


def campus(*, feeds: tuple[str, ...] = ("nvr1", "poe1"), declared: Mapping[str, Declaration] | None = None) -> Campus:
    """Return the school; the UPS feeds the recorder and the switch of the cameras, unless said otherwise."""
    return Campus(
        version="1",
        school=School(id="s", name="s", stages=("primary",)),
        assets=(
            Asset(id="nvr1", family="hikvision-isapi", address="192.0.2.2"),
            Asset(id="poe1", family="h3c-comware", address="192.0.2.3"),
            Asset(id="ups1", family="apc", address="192.0.2.1", feeds=feeds),
        ),
        cameras=tuple(
            Camera(id=name, area=area, recorded=(Recorded(recorder="nvr1", channel=number),), switch="poe1")
            for name, (area, number) in CAMERAS.items()
        ),
        plan=(Poll(collector="ups", every_seconds=300),),
        declarations=dict(declared or {}),
    )


def footage(days: float, but: Mapping[str, list[Reading]] | None = None) -> list[Reading]:
    """Return that each camera has footage of so many days without a gap; of some other readings, or none."""
    changed = but or {}
    readings = list(FULL)
    for name, (_, number) in CAMERAS.items():
        readings += changed.get(name, channel(f"nvr1/{number}", span(days)))
    return readings


def with_a_gap(camera: str, since: float, until: float, oldest: float = 99) -> dict[str, list[Reading]]:
    """Return that a camera has no footage between so many days ago and so many."""
    return {camera: channel(f"nvr1/{CAMERAS[camera][1]}", span(oldest, since), span(until))}


def discharge(seconds: int, *, empty: bool = False) -> list[Reading]:
    """Return an outage of mains that the recorder and the switch lived through.

    Args:
        seconds: on battery.
        empty: it ended with a low battery; else mains came back.
    """
    on_battery = seconds - 300 if empty else seconds
    readings = [*mains(DARK_AT), *outage(DARK_AT + 300, on_battery)]
    if empty:
        readings += poll(DARK_AT + 300 + seconds, source="battery", counter=seconds, charge=8, status="low")
    after = DARK_AT + 600 + seconds
    readings += [*mains(after), *mains(after + 300)]
    for asset in ("nvr1", "poe1"):
        readings += alive(DARK_AT, after + 300, asset=asset)
    return readings


def clause(standard: str, name: str, readings: list[Reading], school: Campus | None = None) -> ClauseResult:
    """Judge a standard with all derivations, and return one clause."""
    school = school or campus()
    stated = declared_readings(school, digest(b"campus"), window=WINDOW)
    judged = assess(
        STANDARDS[standard], digest(b"pack"), [*readings, *stated], metrics=METRICS, campus=school, window=WINDOW
    )
    return clause_of(judged, name)


def outcomes(result: ClauseResult) -> dict[str, str]:
    """Return how each part of a clause came out, with the reason where it is open."""
    return {
        finding.criterion: f"{finding.outcome}: {finding.reason}" if finding.reason else finding.outcome.value
        for finding in result.findings
    }
