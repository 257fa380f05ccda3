"""The pack of Ningxia: printed sums, starred items, worked schools, and surveillance at each boundary."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.model.campus import Campus, Declaration, School
from agent.model.finding import Outcome, Reason
from tests.packs.filmed_school import EIGHT, FOUR, campus, clause, discharge, footage, outcomes, with_a_gap
from tests.packs.test_wuhan import line
from tests.packs.worked_schools import STANDARDS, declarations, judged, reading, section_sums

if TYPE_CHECKING:
    from agent.model.reading import Reading

NAME = "ningxia"
STANDARD = STANDARDS[NAME]
PRINTED = {
    "foundation": "10",
    "network": "1",
    "classroom": "1",
    "smart-classroom": "2",
    "innovation": "2",
    "ai-room": "2",
    "public": "2",
    "resources": "15",
    "courses": "8",
    "themes": "4",
    "ai-resources": "3",
    "application": "45",
    "systems": "4",
    "teaching": "15",
    "ai-use": "10",
    "evaluation": "4",
    "research": "4",
    "management": "3",
    "special": "5",
    "literacy": "12",
    "students": "6",
    "teachers": "6",
    "assurance": "8",
    "organisation": "2",
    "mechanisms": "6",
    "demonstration": "10",
    "exchange": "5",
    "publicity": "5",
    "commendation": "5",
}
"""Points of each section as the document prints them."""
STARRED = ["2", "11", "13", "15", "19", "37", "42", "47"]
FIGURES = {
    "platform.availability": {"platform:national": "98", "platform:province": "98"},
    "platform.latency": {"platform:national": "500", "platform:province": "500"},
    "room.display": {"classroom:101": "1", "classroom:102": "1"},
    "class.smart": {"class:101": "1"},
    "room.terminals": dict.fromkeys(("subject-room:m1", "laboratory:p1", "innovation-room:i1", "ai-room:a1"), "1"),
    "surveillance.area": {"area:entrance": "1", "area:key": "1", "area:gathering": "1"},
    "camera.retention": {"camera:gate": "90"},
    "power.autonomy": {"camera:gate": "4"},
    "telemetry.fresh": {"iot:lighting": "1", "iot:water": "1", "iot:catering": "1", "iot:venue": "1"},
}
"""Figures of a school in which all that can be measured is just as the standard wants it."""


def school(but: dict[tuple[str, str], str] | None = None) -> list[Reading]:
    """Return the readings of the good school, some of them changed."""
    changes = but or {}
    readings = line("100")
    for metric, figures in FIGURES.items():
        for subject, value in figures.items():
            grade = "measured" if metric == "power.autonomy" else "corroborated"
            readings.append(reading(metric, subject, changes.get((metric, subject), value), grade=grade))
    return readings


def test_the_printed_sums_come_out() -> None:
    """Every section adds up to what is printed; a hundred and five with commendations."""
    assert section_sums(STANDARD) == PRINTED
    assert {section.id: section.points for section in STANDARD.sections} == PRINTED
    assert STANDARD.total == "105"
    assert sum(float(PRINTED[section.id]) for section in STANDARD.sections if section.parent is None) == 105


def test_every_row_of_the_document_is_there() -> None:
    """Items 1 to 56, of which 7 and 8 are one row."""
    items = [indicator.id for indicator in STANDARD.indicators]
    expected = [str(number) for number in range(1, 57)]
    assert items == [*expected[:6], "7-8", *expected[8:]]


def test_what_is_judged_is_the_hardware() -> None:
    """Foundation, and the clause on services in the cloud; the rest is outside."""
    judged_here = [indicator.id for indicator in STANDARD.indicators if not indicator.outside]
    assert judged_here == ["1", "2", "3", "4", "5", "6", "7-8", "9", "10", "16"]
    reach = {indicator.id: indicator.reach for indicator in STANDARD.indicators if not indicator.outside}
    assert {name for name, how in reach.items() if how == "full"} == {"1", "2", "10"}
    assert {name for name, how in reach.items() if how == "declared"} == {"16"}


def test_nothing_measured_proves_and_loses_nothing() -> None:
    """A school of which nothing is known has all its points open."""
    found = judged(NAME, [])
    assert (found.points_proven, found.points_open, found.points_judged) == ("0", "12", "12")


def test_a_school_that_is_just_good_enough() -> None:
    """All thresholds met exactly: what needs no document is proven, the rest rests on documents."""
    found = judged(NAME, school())
    assert [one.clause for one in found.clauses if one.outcome is Outcome.SATISFIED] == ["1", "2", "10"]
    assert (found.points_proven, found.points_open, found.points_declared) == ("3", "9", None)
    found = judged(NAME, [*school(), *declarations(NAME)])
    assert (found.points_proven, found.points_open, found.points_declared) == ("3", "9", "9")


@pytest.mark.parametrize(
    ("metric", "subject", "value", "lost"),
    [
        ("platform.latency", "platform:national", "501", ["1"]),
        ("platform.availability", "platform:national", "97.9", ["1", "2"]),
        ("platform.availability", "platform:province", "97.9", ["1", "2", "4"]),
        ("room.display", "classroom:102", "0", ["2"]),
        ("class.smart", "class:101", "0", ["3"]),
        ("room.terminals", "laboratory:p1", "0", ["5"]),
        ("room.terminals", "innovation-room:i1", "0", ["6"]),
        ("room.terminals", "ai-room:a1", "0", ["7-8"]),
        ("camera.retention", "camera:gate", "89.9", ["9"]),
        ("power.autonomy", "camera:gate", "3.9", ["9"]),
        ("telemetry.fresh", "iot:venue", "0", ["10"]),
    ],
)
def test_one_figure_short_loses_its_clauses_alone(metric: str, subject: str, value: str, lost: list[str]) -> None:
    """All or nothing: the clauses that rest on the figure are lost, and no other."""
    found = judged(NAME, school({(metric, subject): value}))
    assert [one.clause for one in found.clauses if one.outcome is Outcome.NOT_SATISFIED] == lost


def test_the_starred_items_are_those_of_the_document() -> None:
    """Eight of them forbid four stars and above, and no fewer stars."""
    assert [indicator.id for indicator in STANDARD.indicators if indicator.veto] == STARRED
    (veto,) = STANDARD.vetoes
    assert veto.levels == ("four-star", "five-star")
    assert {"one-star", "two-star", "three-star"} < {level.id for level in STANDARD.levels}


def test_a_classroom_without_display_is_a_veto() -> None:
    """The one starred item that is hardware breaks it; while it holds, the others keep the veto open."""
    (veto,) = judged(NAME, school({("room.display", "classroom:102"): "0"})).vetoes
    assert (veto.outcome, veto.breached) == (Outcome.NOT_SATISFIED, ("2",))
    (veto,) = judged(NAME, school()).vetoes
    assert (veto.outcome, veto.breached, list(veto.open)) == (Outcome.INCONCLUSIVE, (), STARRED[1:])


@pytest.mark.parametrize("stage", ["primary", "junior", "senior"])
def test_a_stage_that_the_school_has_not_is_not_asked(stage: str) -> None:
    """AI lessons are asked of the stages of the school alone."""
    only = Campus(version="1", school=School.from_json({"id": "s", "name": "s", "stages": [stage]}))
    found = next(one for one in judged(NAME, declarations(NAME), only).clauses if one.clause == "7-8")
    asked = {one.criterion for one in found.findings if one.outcome is not Outcome.NOT_APPLICABLE}
    assert asked == {"ai-room", f"ai-lessons-{stage}"}


# --- item 9, from what recorders and UPSs said --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "outcome"), [(29.9, "not-satisfied"), (30, "not-satisfied"), (89.9, "not-satisfied"), (90, "satisfied")]
)
def test_days_of_footage(days: float, outcome: str) -> None:
    """Ninety days on every camera; a tenth of a day short is short, and so are thirty."""
    found = clause(NAME, "9", [*footage(days), *discharge(FOUR)])
    assert outcomes(found)["footage-kept"] == outcome


@pytest.mark.parametrize(("gap", "outcome"), [((41, 40), "not-satisfied"), ((91, 90), "satisfied")])
def test_a_gap_of_a_day_on_one_camera(gap: tuple[float, float], outcome: str) -> None:
    """A gap that thirty days do not reach is within ninety."""
    found = clause(NAME, "9", [*footage(99, with_a_gap("hall", *gap)), *discharge(FOUR)])
    assert outcomes(found)["footage-kept"] == outcome


@pytest.mark.parametrize(
    ("seconds", "empty", "outcome"),
    [
        (FOUR, False, "satisfied"),
        (EIGHT, False, "satisfied"),
        (FOUR - 300, False, "inconclusive: window-too-short"),
        (FOUR - 300, True, "not-satisfied"),
    ],
    ids=["four hours", "eight hours", "mains too early to tell", "empty too early"],
)
def test_hours_without_mains(seconds: int, outcome: str, *, empty: bool) -> None:
    """Four hours of a discharge that was seen."""
    found = clause(NAME, "9", [*footage(95), *discharge(seconds, empty=empty)])
    assert outcomes(found)["works-without-mains"] == outcome


def test_a_ups_that_feeds_the_recorder_and_not_the_switch() -> None:
    """The cameras would be dark: nothing is proven of them."""
    found = clause(NAME, "9", [*footage(95), *discharge(EIGHT)], campus(feeds=("nvr1",)))
    assert outcomes(found)["works-without-mains"] == "inconclusive: no-target"


def test_warnings_rest_on_a_document() -> None:
    """With all else measured, the point waits for the document on AI warnings, and then for a person."""
    readings = [*footage(95), *discharge(FOUR)]
    found = clause(NAME, "9", readings)
    assert (found.outcome, found.reason, found.points_open) == (Outcome.INCONCLUSIVE, Reason.UNDECLARED, "1")
    word = Declaration(value="1", by="head", at="2026-10-01T00:00:00Z", why="contract")
    found = clause(NAME, "9", readings, campus(declared={f"{NAME}/ai-warning": word}))
    assert (found.reason, found.points_proven, found.points_declared) == (Reason.WEAK_PROOF, "0", "1")
    short = clause(NAME, "9", [*footage(30), *discharge(FOUR)], campus(declared={f"{NAME}/ai-warning": word}))
    assert (short.outcome, short.points_open) == (Outcome.NOT_SATISFIED, "0")
