"""The pack of Wuhan 2020: printed sums, worked schools, and surveillance at each boundary."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.assess.samples import milliseconds, moment
from agent.model.campus import Declaration
from agent.model.finding import Outcome, Reason
from agent.model.reading import Grade
from tests.assess.derive.test_surveillance import channel, disk, said, span
from tests.packs.filmed_school import EIGHT, campus, clause, discharge, footage, outcomes, with_a_gap
from tests.packs.worked_schools import STANDARDS, WINDOW, declarations, judged, reading, section_sums

if TYPE_CHECKING:
    from agent.model.reading import Reading

NAME = "wuhan-2020"
STANDARD = STANDARDS[NAME]
PRINTED = {
    "foundation": "25",
    "network": "6",
    "classroom": "2",
    "smart-classroom": "4",
    "ai-laboratory": "4",
    "safety": "3",
    "library": "2",
    "devices": "4",
    "applications": "40",
    "platform": "8",
    "teaching": "15",
    "management": "11",
    "special": "2",
    "effect": "4",
    "resources": "10",
    "courses": "4",
    "themes": "4",
    "books": "2",
    "people": "10",
    "students": "5",
    "teachers": "5",
    "assurance": "15",
    "organisation": "3",
    "mechanisms": "12",
}
"""Points of each section as the document prints them."""
MEASURED = {"1": "2", "2": "1", "4": "1", "5": "1", "12": "1", "13": "1", "14.1": "1", "16": "2"}
"""Clauses that no document is needed for, with their points."""
FIGURES = {
    "room.wired": dict.fromkeys(("classroom:101", "library:lib1", "canteen:c1"), "1"),
    "room.wifi": dict.fromkeys(("classroom:101", "library:lib1", "canteen:c1"), "1"),
    "topology.device.managed": {"network-device:core": "1", "network-device:floor1": "1"},
    "security.function": {
        f"security:{function}": "1"
        for function in ("firewall", "antivirus", "intrusion-prevention", "traffic-management", "behaviour-management")
    },
    "system.answers": {
        f"system:{kind}": "1"
        for kind in [
            "data-centre",
            "recording",
            "environment-control",
            "gate",
            "visitor",
            "broadcast",
            "tv",
            "electronic-library",
            "iot-platform",
            "card-access",
            "card-payment",
            "card-locker",
            "card-library",
            "log-analysis",
            "backup",
        ]
    },
    "ratio.students_per_computer": {"stage:all": "4"},
    "ratio.computers_per_teacher": {"stage:all": "1"},
    "platform.availability": {"platform:city": "95", "platform:internet": "95"},
    "room.display": {"classroom:101": "1"},
    "room.control": {"classroom:101": "1"},
    "room.casting": {"classroom:101": "1"},
    "room.ap": {"classroom:101": "1"},
    "class.smart": {"class:101": "1"},
    "room.recording": {"recording-room:r1": "1"},
    "telemetry.fresh": {"iot:equipment": "1", "iot:lighting": "1", "iot:air": "1"},
    "room.seats_per_terminal": {"ai-room:a1": "4"},
    "surveillance.area": {"area:entrance": "1", "area:key": "1", "area:gathering": "1"},
    "camera.retention": {"camera:gate": "30"},
    "power.autonomy": {"camera:gate": "8"},
    "room.book_cabinet": {"library:lib1": "1"},
    "room.reading_terminal": {"library:lib1": "1"},
    "room.disinfection": {"library:lib1": "1"},
}
"""Figures of a school in which all that can be measured is just as the standard wants it."""


def line(speed: str) -> list[Reading]:
    """Return one sample of the egress line a day, over the window."""
    start = milliseconds(WINDOW.since)
    days = (milliseconds(WINDOW.until) - start) // 86_400_000
    times = [moment(start + day * 86_400_000) for day in range(days + 1)]
    return [reading("link.speed", "egress:telecom", speed, at, "reported") for at in times]


def school(but: dict[tuple[str, str], str] | None = None, *, speed: str = "100") -> list[Reading]:
    """Return the readings of the good school, some of them changed."""
    changes = but or {}
    readings = line(speed)
    for metric, figures in FIGURES.items():
        for subject, value in figures.items():
            grade = "measured" if metric == "power.autonomy" else "corroborated"
            readings.append(reading(metric, subject, changes.get((metric, subject), value), grade=grade))
    return readings


def test_the_printed_sums_come_out() -> None:
    """Every section adds up to what is printed, and all of them to 100."""
    assert section_sums(STANDARD) == PRINTED
    assert {section.id: section.points for section in STANDARD.sections} == PRINTED
    assert STANDARD.total == "100"
    assert sum(float(PRINTED[section.id]) for section in STANDARD.sections if section.parent is None) == 100


def test_every_row_of_the_document_is_there() -> None:
    """Items 1 to 57, of which 14 has two rows."""
    items = [indicator.id for indicator in STANDARD.indicators]
    expected = [str(number) for number in range(1, 58)]
    assert items == [*expected[:13], "14.1", "14.2", *expected[14:]]


def test_what_is_judged_is_the_hardware() -> None:
    """Foundation, and the clauses on logs, digital books and backup; the rest is outside."""
    judged_here = {indicator.id for indicator in STANDARD.indicators if not indicator.outside}
    foundation = {str(number) for number in range(1, 17) if number != 14}
    assert judged_here == foundation | {"14.1", "14.2", "19", "42", "57"}
    full = {indicator.id for indicator in STANDARD.indicators if indicator.reach == "full"}
    assert full == set(MEASURED)


def test_nothing_measured_proves_and_loses_nothing() -> None:
    """A school of which nothing is known has all its points open."""
    found = judged(NAME, [])
    assert (found.points_proven, found.points_open, found.points_judged) == ("0", "31", "31")
    assert found.points_declared is None
    assert {result.outcome for result in found.clauses} == {Outcome.INCONCLUSIVE}


def test_a_school_that_is_just_good_enough() -> None:
    """All thresholds met exactly: what needs no document is proven, the rest waits for documents."""
    found = judged(NAME, school())
    assert {result.clause: result.points_proven for result in found.clauses if result.points_proven != "0"} == MEASURED
    assert (found.points_proven, found.points_open) == ("10", "21")
    waiting = {result.reason for result in found.clauses if result.outcome is Outcome.INCONCLUSIVE}
    assert waiting == {Reason.UNDECLARED}


def test_declarations_are_told_apart_and_prove_nothing() -> None:
    """Twenty-one points rest on documents that a reviewer has yet to accept; none of them is proven."""
    stated = declarations(NAME)
    stated = [one for one in stated if not one.subject.endswith(("/titles", "/volume"))]
    books = [
        one.model_copy(update={"value": value})
        for one in declarations(NAME)
        for name, value in (("titles", "2999"), ("volume", "50"))
        if one.subject.endswith(f"/{name}")
    ]
    found = judged(NAME, [*school(), *stated, *books])
    assert (found.points_proven, found.points_open, found.points_declared) == ("10", "21", "21")


def test_too_few_titles_and_too_little_volume_lose_the_books() -> None:
    """One of both is enough; the school's own word that it has neither settles the clause."""
    stated = declarations(NAME)  # says 1 of everything: one title, one terabyte
    found = judged(NAME, [*school(), *stated])
    books = next(result for result in found.clauses if result.clause == "42")
    assert (books.outcome, books.points_open) == (Outcome.NOT_SATISFIED, "0")
    assert (found.points_proven, found.points_open) == ("10", "19")


@pytest.mark.parametrize(
    ("metric", "subject", "value", "lost"),
    [
        ("room.wired", "canteen:c1", "0", "1"),
        ("room.wifi", "library:lib1", "0", "1"),
        ("topology.device.managed", "network-device:floor1", "0", "1"),
        ("security.function", "security:traffic-management", "0", "2"),
        ("system.answers", "system:data-centre", "0", "3"),
        ("ratio.students_per_computer", "stage:all", "4.01", "4"),
        ("ratio.computers_per_teacher", "stage:all", "0.99", "4"),
        ("platform.availability", "platform:city", "94.9", "5"),
        ("room.display", "classroom:101", "0", "5"),
        ("room.casting", "classroom:101", "0", "6"),
        ("class.smart", "class:101", "0", "7"),
        ("room.recording", "recording-room:r1", "0", "8"),
        ("room.seats_per_terminal", "ai-room:a1", "4.01", "10"),
        ("system.answers", "system:visitor", "0", "11"),
        ("surveillance.area", "area:key", "0", "12"),
        ("camera.retention", "camera:gate", "29.9", "12"),
        ("power.autonomy", "camera:gate", "7.9", "12"),
        ("system.answers", "system:tv", "0", "13"),
        ("room.disinfection", "library:lib1", "0", "14.1"),
        ("system.answers", "system:electronic-library", "0", "14.2"),
        ("system.answers", "system:card-locker", "0", "16"),
        ("system.answers", "system:log-analysis", "0", "19"),
        ("system.answers", "system:backup", "0", "57"),
    ],
)
def test_one_figure_short_loses_its_clause_alone(metric: str, subject: str, value: str, lost: str) -> None:
    """All or nothing: the clause is lost with all its points, and no other is touched."""
    found = judged(NAME, school({(metric, subject): value}))
    failed = [result for result in found.clauses if result.outcome is Outcome.NOT_SATISFIED]
    assert [(result.clause, result.points_proven, result.points_open) for result in failed] == [(lost, "0", "0")]
    assert float(found.points_proven) + float(found.points_open) == 31 - float(failed[0].points)


def test_stale_lighting_fails_both_clauses_that_ask_for_it() -> None:
    """The same telemetry is asked for in smart classrooms and of the school as a whole."""
    found = judged(NAME, school({("telemetry.fresh", "iot:lighting"): "0"}))
    assert [one.clause for one in found.clauses if one.outcome is Outcome.NOT_SATISFIED] == ["9", "15"]


@pytest.mark.parametrize(("speed", "outcome"), [("100", "satisfied"), ("99.999", "not-satisfied")])
def test_the_egress_at_its_threshold(speed: str, outcome: str) -> None:
    """100 Mbit/s are enough."""
    found = judged(NAME, school(speed=speed))
    assert next(one.outcome for one in found.clauses if one.clause == "2") == outcome


# --- item 12, from what recorders and UPSs said -------------------------------------------------------------------


@pytest.mark.parametrize(("days", "outcome"), [(29.9, "not-satisfied"), (30, "satisfied"), (90, "satisfied")])
def test_days_of_footage(days: float, outcome: str) -> None:
    """Thirty days on every camera; a tenth of a day short is short."""
    found = clause(NAME, "12", [*footage(days), *discharge(EIGHT)])
    assert outcomes(found)["footage-kept"] == outcome
    assert (found.outcome, found.points_proven) == (outcome, "1" if outcome == "satisfied" else "0")


@pytest.mark.parametrize(
    ("gap", "outcome"),
    [((21, 20), "not-satisfied"), ((31, 30), "satisfied"), ((30.9, 29.9), "not-satisfied"), ((41, 40), "satisfied")],
)
def test_a_gap_of_a_day_on_one_camera(gap: tuple[float, float], outcome: str) -> None:
    """It matters where it lies: within the thirty days the clause is lost, older than these it is not."""
    found = clause(NAME, "12", [*footage(99, with_a_gap("lab", *gap)), *discharge(EIGHT)])
    assert outcomes(found)["footage-kept"] == outcome
    assert found.outcome == outcome


def test_young_footage_is_open_and_says_so() -> None:
    """Disks with room and twelve days: nothing is lost, and nothing proven."""
    young = [*channel("nvr1/2", span(12)), *disk("nvr1", 10**13, 10**12)]
    readings = [one for one in footage(40, {"lab": young}) if not one.subject.startswith("disk:")]
    found = clause(NAME, "12", [*readings, *disk("nvr1", 10**13, 10**12), *discharge(EIGHT)])
    assert outcomes(found)["footage-kept"] == "inconclusive: window-too-short"
    assert (found.outcome, found.points_proven, found.points_open) == (Outcome.INCONCLUSIVE, "0", "1")


def test_a_camera_that_does_not_record_loses_its_area() -> None:
    """Footage of the past is no surveillance of today."""
    dead = channel("nvr1/1", span(40, 1), recording="no")
    found = clause(NAME, "12", [*footage(40, {"gate": dead}), *discharge(EIGHT)])
    assert outcomes(found)["areas-under-surveillance"] == "not-satisfied"


def test_a_silent_recorder_leaves_the_clause_open() -> None:
    """An outage is no breach."""
    silent = said("collector.answer", "recorder:nvr1", "unreachable")
    found = clause(NAME, "12", [silent, *discharge(EIGHT)])
    assert (found.outcome, found.reason, found.points_open) == (Outcome.INCONCLUSIVE, Reason.UNREACHABLE, "1")


@pytest.mark.parametrize(
    ("seconds", "empty", "outcome"),
    [
        (EIGHT, False, "satisfied"),
        (EIGHT, True, "satisfied"),
        (EIGHT - 300, False, "inconclusive: window-too-short"),
        (EIGHT - 300, True, "not-satisfied"),
    ],
    ids=["mains after eight hours", "empty after eight hours", "mains too early to tell", "empty too early"],
)
def test_hours_without_mains(seconds: int, outcome: str, *, empty: bool) -> None:
    """Eight hours of a discharge that was seen; mains that come back earlier prove neither."""
    found = clause(NAME, "12", [*footage(40), *discharge(seconds, empty=empty)])
    assert outcomes(found)["works-without-mains"] == outcome


def test_a_ups_that_feeds_the_recorder_and_not_the_switch() -> None:
    """The cameras would be dark: nothing is proven of them, whatever the recorder lived through."""
    found = clause(NAME, "12", [*footage(40), *discharge(EIGHT)], campus(feeds=("nvr1",)))
    assert outcomes(found)["works-without-mains"] == "inconclusive: no-target"
    assert (found.outcome, found.points_proven, found.points_open) == (Outcome.INCONCLUSIVE, "0", "1")


def test_an_office_on_the_same_ups_is_not_asked() -> None:
    """Another device on a UPS that went dark early is not surveillance."""
    readings = [*footage(40), *discharge(EIGHT)]
    found = clause(NAME, "12", readings, campus(feeds=("nvr1", "poe1", "office-sw")))
    assert found.outcome is Outcome.SATISFIED


def test_the_finding_shows_how_the_text_is_read() -> None:
    """Interpretations and the grade of what decided stand in the finding."""
    found = clause(NAME, "12", [*footage(40), *discharge(EIGHT)])
    power = next(finding for finding in found.findings if finding.criterion == "works-without-mains")
    assert power.grade is Grade.MEASURED
    assert {item.id for item in power.interpretations} == {"whole-system", "no-part-points"}


def test_a_declaration_of_days_is_not_footage() -> None:
    """The school's own word about a measured part is nowhere looked at."""
    word = Declaration(value="1", by="head", at="2026-10-01T00:00:00Z", why="we keep it")
    found = clause(NAME, "12", [], campus(declared={f"{NAME}/footage-kept": word}))
    assert (found.points_proven, found.points_declared) == ("0", None)
