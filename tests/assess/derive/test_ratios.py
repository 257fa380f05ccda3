"""Students per computer and computers per teacher: what is certain, what is possible, and whose computers they are."""

from __future__ import annotations

from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.assess.derive import DERIVATIONS
from agent.assess.samples import Readings
from agent.errors import ConfigError
from agent.model.campus import Campus, Equipment, Headcount, Link, Room, School
from agent.model.finding import Reason, Window
from agent.model.reading import Grade, Reading
from agent.packs.load import config_directory, load_metrics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.assess.derive.derived import Derived

METRICS = load_metrics(config_directory())
WINDOW = Window(since="2026-10-01T00:00:00Z", until="2026-10-31T00:00:00Z")
SOURCE = "sha256:" + "0" * 64
STUDENTS, TEACHERS = "ratio.students_per_computer", "ratio.computers_per_teacher"
COMPUTERS = {"kinds": "computer=48a9d2; printer=3c2af4"}
LINKS = tuple(
    Link(id=room, role="access", asset="sw1", port=f"GE-{room}", room=room) for room in ("lab", "staff", "101")
)


def told(metric: str, subject: str, value: object, day: int = 12) -> Reading:
    """Return a reading of that day."""
    return Reading(
        metric=metric,
        subject=subject,
        value=str(value),
        unit=METRICS[metric].unit,
        at=f"2026-10-{day:02d}T02:00:00Z",
        grade=Grade.REPORTED,
        sources=(SOURCE,),
    )


def switch(days: int = 5, coverage: str = "all-vlans") -> list[Reading]:
    """Return that a switch gave its forwarding table on so many days from a Monday on."""
    return [
        reading
        for day in range(12, 12 + days)
        for reading in (
            told("collector.answer", "census:sw1", "ok", day),
            told("census.coverage", "asset:sw1", coverage, day),
            told("census.macs", "asset:sw1", 0, day),
        )
    ]


def crowd(port: str, count: int, randomised: int = 0) -> list[Reading]:
    """Return a plain switch with many terminals at a port."""
    counts = {"": count + randomised, ".universal": count, ".randomised": randomised}
    return [told(f"census.macs{part}", f"interface:sw1/GE-{port}", number) for part, number in counts.items()]


def at(port: str, *macs: str) -> list[Reading]:
    """Return a port with a few terminals."""
    subject = f"interface:sw1/GE-{port}"
    return [told("census.macs", subject, len(macs)), told("census.terminals", subject, " ".join(macs))]


def macs(oui: str, count: int) -> tuple[str, ...]:
    """Return so many pseudonyms of one maker."""
    return tuple(f"{oui}{number:06x}" for number in range(count))


def heads(stage: str, students: int, teachers: int, **more: Any) -> Headcount:
    """Return a headcount of the beginning of term."""
    stated = {"by": "x", "at": "2026-09-01T00:00:00+08:00", "why": "x", "classes": 1}
    return Headcount.model_validate({"stage": stage, "students": students, "teachers": teachers} | stated | more)


def terminals(count: int) -> tuple[Equipment, ...]:
    """Return that a room has so many terminals."""
    return (Equipment(kind="terminal", count=count),)


ROOMS = (
    Room(id="lab", kind="computer-room", equipment=terminals(50)),
    Room(id="staff", kind="office", equipment=terminals(10)),
    Room(id="101", kind="classroom"),
)
SCHOOL = (heads("junior", 300, 10),)


def derived(
    readings: list[Reading],
    people: tuple[Headcount, ...] = SCHOOL,
    rooms: tuple[Room, ...] = ROOMS,
    stages: tuple[str, ...] = (),
    method: Mapping[str, str] = MappingProxyType({}),
) -> Derived:
    """Derive over October."""
    school = School.model_validate({"id": "s", "name": "s", "stages": stages})
    campus = Campus(version="1", school=school, links=LINKS, rooms=rooms, headcounts=people)
    found = DERIVATIONS["ratios"](Readings(readings, WINDOW), campus, WINDOW, method)
    for reading in found.readings:
        metric = METRICS[reading.metric]
        assert (metric.derivation, metric.unit, reading.at) == ("ratios", reading.unit, WINDOW.until)
    return found


def value(found: Derived, metric: str, stage: str = "junior") -> str | None:
    """Return a figure."""
    return next((r.value for r in found.readings if (r.metric, r.subject) == (metric, f"stage:{stage}")), None)


def bounds(found: Derived, metric: str, stage: str = "junior") -> tuple[Reason, str | None, str | None] | None:
    """Return why a figure is open, and between which bounds."""
    known = found.open.get((metric, f"stage:{stage}"))
    return (known.reason, known.low, known.high) if known else None


FULL = [*switch(), *crowd("lab", 50), *crowd("staff", 10)]


def test_declared_and_seen_computers_settle_the_ratio() -> None:
    """Fifty computers for three hundred students, ten for ten teachers, borne out by the census."""
    found = derived(FULL)
    for stage in ("junior", "all"):
        assert (value(found, STUDENTS, stage), bounds(found, STUDENTS, stage)) == ("6", None)
        assert (value(found, TEACHERS, stage), bounds(found, TEACHERS, stage)) == ("1", None)
    assert {reading.grade for reading in found.readings} == {Grade.CORROBORATED}


@pytest.mark.parametrize(
    ("readings", "students", "teachers"),
    [
        (
            [*switch(), *crowd("lab", 40), *crowd("staff", 10)],
            ("7.5", (Reason.TOO_FEW_SAMPLES, "6", "7.5")),
            ("1", None),
        ),
        ([*switch(), *crowd("lab", 60), *crowd("staff", 10)], ("6", (Reason.UNSUPPORTED, "5", "6")), ("1", None)),
        (
            [*FULL, *at("101", *macs("001122", 5))],
            ("6", (Reason.UNSUPPORTED, "5.454545", "6")),
            ("1", (Reason.UNSUPPORTED, "1", "1.5")),
        ),
        ([*FULL, *at("101", *macs("3c2af4", 5))], ("6", None), ("1", None)),
        ([*FULL, *at("101", *macs("da0000", 5))], ("6", None), ("1", None)),
        (
            [*FULL, told("collector.answer", "census:sw2", "unreachable")],
            ("6", (Reason.UNREACHABLE, "0", "6")),
            ("1", (Reason.UNREACHABLE, "1", None)),
        ),
        (
            [*switch(4), *crowd("lab", 50), *crowd("staff", 10)],
            ("6", (Reason.TOO_FEW_SAMPLES, "0", "6")),
            ("1", (Reason.TOO_FEW_SAMPLES, "1", None)),
        ),
        (switch(), (None, (Reason.TOO_FEW_SAMPLES, "6", None)), ("0", (Reason.TOO_FEW_SAMPLES, "0", "1"))),
    ],
)
def test_what_is_not_certain_is_a_bound(
    readings: list[Reading], students: tuple[object, object], teachers: tuple[object, object]
) -> None:
    """What is listed and unseen, unknown elsewhere or behind silence; printers and random addresses are none."""
    found = derived(readings, method=COMPUTERS)
    assert (value(found, STUDENTS), bounds(found, STUDENTS)) == students
    assert (value(found, TEACHERS), bounds(found, TEACHERS)) == teachers


def test_without_a_list_only_makers_of_computers_count() -> None:
    """Where the file lists no terminals, addresses of known makers are computers, reported; others may be."""
    rooms = tuple(room.model_copy(update={"equipment": ()}) for room in ROOMS)
    readings = [*switch(), *at("lab", *macs("48a9d2", 5), *macs("3c2af4", 1), *macs("001122", 1))]
    found = derived(readings, rooms=rooms, method=COMPUTERS)
    assert (value(found, STUDENTS), bounds(found, STUDENTS)) == ("60", (Reason.UNSUPPORTED, "50", "60"))
    assert {reading.grade for reading in found.readings if reading.metric == STUDENTS} == {Grade.REPORTED}
    assert value(derived(readings, rooms=rooms), STUDENTS) is None


def test_listed_terminals_of_a_classroom_are_students() -> None:
    """Tablets that are listed in a class are students and never teachers; the standard may name more rooms."""
    rooms = (*ROOMS[:2], Room(id="101", kind="classroom", equipment=terminals(10)))
    readings = [*FULL, *crowd("101", 10)]
    found = derived(readings, rooms=rooms)
    assert (value(found, STUDENTS), bounds(found, STUDENTS)) == ("5", None)
    assert (value(found, TEACHERS), bounds(found, TEACHERS)) == ("1", None)
    known = [*FULL, *at("101", *macs("48a9d2", 5))]
    assert value(derived(known, method=COMPUTERS), STUDENTS) == "6"
    assert (
        value(derived(known, method=COMPUTERS | {"student_rooms": "computer-room classroom"}), STUDENTS) == "5.454545"
    )


def test_ports_of_other_things_are_no_computers() -> None:
    """A display that is listed at its port is no computer of anybody."""
    screen = Equipment(kind="display", switch="sw1", port="GE-101")
    rooms = (*ROOMS[:2], Room(id="101", kind="classroom", equipment=(screen,)))
    found = derived([*FULL, *at("101", *macs("001122", 1))], rooms=rooms)
    assert (value(found, STUDENTS), bounds(found, STUDENTS)) == ("6", None)


def test_each_stage_has_its_own_rooms() -> None:
    """A room of a stage is that stage's; one of the whole school is nobody's for certain, and everybody's perhaps."""
    people = (heads("junior", 300, 10), heads("senior", 100, 10))
    rooms = (ROOMS[0].model_copy(update={"stage": "junior"}), ROOMS[1], ROOMS[2])
    found = derived(FULL, people, rooms)
    assert (value(found, STUDENTS), bounds(found, STUDENTS)) == ("6", None)
    assert bounds(found, STUDENTS, "senior") == (Reason.UNSUPPORTED, "100", None)
    assert bounds(found, TEACHERS) == (Reason.UNSUPPORTED, "0", "1")
    assert (value(found, STUDENTS, "all"), value(found, TEACHERS, "all")) == ("8", "0.5")


def test_without_people_there_is_no_target() -> None:
    """A stage without a headcount in force, and a school with a stage missing, is judged by nothing."""
    nothing = (Reason.NO_TARGET, None, None)
    found = derived(FULL, (), stages=("junior",))
    assert bounds(found, STUDENTS) == bounds(found, TEACHERS) == bounds(found, STUDENTS, "all") == nothing
    found = derived(FULL, stages=("junior", "senior"))
    assert bounds(found, STUDENTS, "senior") == bounds(found, STUDENTS, "all") == nothing
    for late in ({"expires": "2026-10-30T00:00:00Z"}, {"at": "2026-11-01T00:00:00Z"}):
        assert bounds(derived(FULL, (heads("junior", 300, 10, **late),), stages=("junior",)), STUDENTS) == nothing
    assert bounds(derived(FULL, (heads("junior", 0, 10),)), STUDENTS) == nothing


def test_without_a_census_nothing_is_certain() -> None:
    """No switch was asked: the computers that are listed prove nothing by themselves."""
    found = derived([])
    assert found.readings == ()
    assert bounds(found, STUDENTS) == (Reason.NO_TARGET, "0", None)
    assert bounds(found, TEACHERS) == (Reason.NO_TARGET, "0", None)


def test_settings_are_checked() -> None:
    """Days, rooms and makers are settings; a kind of room that does not exist is refused."""
    assert value(derived(FULL, method={"days": "2"}), STUDENTS) is None
    assert bounds(derived([*switch(2), *FULL[15:]], method={"absent_days": "2"}), STUDENTS) is None
    for wrong in ({"student_room": "office"}, {"teacher_rooms": "offices"}, {"kinds": "computer"}, {"days": "many"}):
        with pytest.raises(ConfigError):
            derived(FULL, method=wrong)


@given(
    st.integers(0, 80),
    st.integers(0, 30),
    st.integers(0, 8),
    st.integers(0, 8),
    st.sampled_from(["all-vlans", "one-context"]),
)
def test_bounds_hold_the_figure(lab: int, staff: int, unknown: int, printers: int, coverage: str) -> None:
    """The value lies between its bounds, and more terminals never make either bound worse."""

    def of(seen: int) -> tuple[Derived, list[Reading]]:
        readings = [*switch(coverage=coverage), *crowd("lab", seen + 9), *crowd("staff", staff + 9)]
        readings += at("101", *(macs("001122", unknown) + macs("3c2af4", printers))[:8])
        return derived(readings, method=COMPUTERS), readings

    found, readings = of(lab)
    assert derived(readings[::-1], method=COMPUTERS) == found
    more, _ = of(lab + 1)
    for metric in (STUDENTS, TEACHERS):
        now, known = Fraction(value(found, metric) or -1), bounds(found, metric)
        assert known is None or Fraction(known[1] or 0) <= now
        assert known is None or known[2] is None or now <= Fraction(known[2])
    assert Fraction(value(more, STUDENTS) or -1) <= Fraction(value(found, STUDENTS) or -1)
