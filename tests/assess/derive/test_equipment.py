"""Equipment of rooms: what shows a thing that the campus file lists, what proves its absence, and what stays open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.assess.derive import DERIVATIONS
from agent.assess.samples import Readings
from agent.errors import ConfigError
from agent.model.asset import Asset
from agent.model.campus import Campus, Equipment, Headcount, Link, Room, School
from agent.model.finding import Reason, Window
from agent.model.reading import Grade, Reading
from agent.model.room import EQUIPMENT
from agent.packs.load import config_directory, load_metrics

if TYPE_CHECKING:
    from agent.assess.derive.derived import Derived

METRICS = load_metrics(config_directory())
WINDOW = Window(since="2026-10-01T00:00:00Z", until="2026-10-31T00:00:00Z")
MONDAY = 12
"""A Monday in October 2026; the days after it are school days up to Friday."""
MAC = "0018e4000003"
DISPLAY = Equipment(kind="display", asset="screen")
AT_PORT = Equipment(kind="display", switch="sw1", port="GE7")


def told(metric: str, subject: str, value: object, day: int = MONDAY) -> Reading:
    """Return a reading of that day at ten in Shanghai, with an exchange of its own."""
    return Reading(
        metric=metric,
        subject=subject,
        value=str(value),
        unit=METRICS[metric].unit if metric in METRICS else "1",
        at=f"2026-10-{day:02d}T02:00:00Z",
        grade=Grade.REPORTED,
        sources=(f"sha256:{abs(hash((metric, subject, str(value), day))) % 10**9:064d}",),
    )


def campus(*things: Equipment, links: tuple[Link, ...] = (), **room: Any) -> Campus:
    """Return a campus with one classroom and these things in it."""
    return Campus(
        version="1",
        school=School(id="s", name="s"),
        assets=(Asset(id="sw1", family="f", address="192.0.2.1"),),
        links=links,
        rooms=(Room(**({"id": "101", "kind": "classroom"} | room), equipment=things),),
    )


def derived(where: Campus, readings: list[Reading], **method: str) -> Derived:
    """Derive over October."""
    found = DERIVATIONS["equipment"](Readings(readings, WINDOW), where, WINDOW, method)
    for reading in found.readings:
        metric = METRICS[reading.metric]
        assert (metric.derivation, metric.unit, reading.at) == ("equipment", reading.unit, WINDOW.until)
        assert reading.sources
    return found


def figure(found: Derived, metric: str = "room.display", subject: str = "classroom:101") -> str | Reason:
    """Return a figure, or why it is open."""
    if (metric, subject) in found.open:
        return found.open[metric, subject].reason
    return next(r.value for r in found.readings if (r.metric, r.subject) == (metric, subject))


def switch(days: int = 1, coverage: str = "all-vlans", table: str = "complete") -> list[Reading]:
    """Return that a switch with a port GE7 gave its forwarding table on so many days from Monday on."""
    readings = [told("interface.name", "interface:sw1/GE7", "GE7"), told("interface.name", "interface:sw1/GE8", "GE8")]
    for day in range(MONDAY, MONDAY + days):
        readings += [
            told("collector.answer", "census:sw1", "ok", day),
            told("census.coverage", "asset:sw1", coverage, day),
            told("census.table", "asset:sw1", table, day),
            told("census.macs", "asset:sw1", 1, day),
        ]
    return readings


def learned(port: str = "GE7", count: int = 1, day: int = MONDAY) -> list[Reading]:
    """Return what a switch learned at a port."""
    macs = " ".join(f"0018e4{number:06x}" for number in range(count))
    found = [told("census.macs", f"interface:sw1/{port}", count, day)]
    return found + ([told("census.terminals", f"interface:sw1/{port}", macs, day)] if count <= 8 else [])


def test_every_metric_of_equipment_is_derived_here() -> None:
    """Each kind of equipment has its metric, and nothing else is promised."""
    promised = {name for name, metric in METRICS.items() if metric.derivation == "equipment"}
    kinds = {f"room.{kind.replace('-', '_')}" for kind in EQUIPMENT if kind != "terminal"}
    assert promised == kinds | {"room.terminals", "room.seats_per_terminal", "class.smart"}
    found = derived(campus(), [])
    assert {metric for metric, _ in found.open} == promised - {"class.smart"}


@pytest.mark.parametrize(
    ("readings", "shown"),
    [
        ([], Reason.TOO_FEW_SAMPLES),
        ([told("collector.answer", "identity:screen", "ok")], "1"),
        ([told("collector.answer", "identity:screen", "unreachable")], Reason.UNREACHABLE),
        ([told("collector.answer", "identity:screen", "refused")], Reason.REFUSED),
        (
            [
                told("collector.answer", "identity:screen", state, day)
                for state, day in (("ok", 12), ("unreachable", 13))
            ],
            "1",
        ),
        (
            [told("collector.answer", "reach:screen", "ok"), told("host.reachable", "asset:screen", "0")],
            Reason.UNREACHABLE,
        ),
        ([told("collector.answer", "reach:screen", "ok"), told("host.reachable", "asset:screen", "1")], "1"),
        ([told("collector.answer", "identity:another", "ok")], Reason.TOO_FEW_SAMPLES),
    ],
)
def test_an_asset_is_seen_when_it_answers(readings: list[Reading], shown: str | Reason) -> None:
    """One answer in the window shows it; silence is open with its reason, and never a no."""
    assert figure(derived(campus(DISPLAY), readings)) == shown


def test_nothing_listed_is_no_target() -> None:
    """A room without the thing, or with one that stands nowhere on the network, is open for lack of a target."""
    assert figure(derived(campus(), [])) is Reason.NO_TARGET
    assert figure(derived(campus(Equipment(kind="display")), [])) is Reason.NO_TARGET


@pytest.mark.parametrize(
    ("readings", "shown"),
    [
        ([], Reason.TOO_FEW_SAMPLES),
        ([*switch(), *learned()], "1"),
        ([*switch(5), *learned("GE8")], "0"),
        ([*switch(4), *learned("GE8")], Reason.TOO_FEW_SAMPLES),
        ([*switch(7), *learned("GE8")], "0"),
        ([*switch(5, coverage="one-context")], Reason.UNSUPPORTED),
        ([*switch(5, table="partial")], Reason.TOO_FEW_SAMPLES),
        ([*switch(5), told("interface.oper_status", "interface:sw1/GE7", "up")], Reason.UNSUPPORTED),
        ([*switch(5), told("interface.oper_status", "interface:sw1/GE7", "down")], "0"),
        ([*switch(), *learned(count=9)], Reason.UNSUPPORTED),
        ([told("collector.answer", "census:sw1", "unreachable")], Reason.UNREACHABLE),
    ],
)
def test_a_thing_at_a_switch_port(readings: list[Reading], shown: str | Reason) -> None:
    """An address at the port shows it; only a whole table on five school days shows that nothing is there."""
    assert figure(derived(campus(AT_PORT), readings)) == shown


def test_five_days_of_a_holiday_prove_nothing() -> None:
    """The first five days from a Saturday hold three school days only."""
    late = [reading.model_copy(update={"at": reading.at.replace("-10-1", "-10-0")}) for reading in switch(6)]
    assert figure(derived(campus(AT_PORT), late)) is Reason.TOO_FEW_SAMPLES  # 2 October is a Friday


def test_a_port_that_the_switch_does_not_have_is_no_target() -> None:
    """A slip of the pen in the campus file is no proof that the display is missing."""
    thing = Equipment(kind="display", switch="sw1", port="GE77")
    assert figure(derived(campus(thing), switch(5))) is Reason.NO_TARGET


def test_ports_are_found_by_their_labels() -> None:
    """The campus file may name the port as the school labelled it on the switch (ifAlias)."""
    thing = Equipment(kind="display", switch="sw1", port="screen 101")
    readings = [*switch(), *learned(), told("interface.alias", "interface:sw1/GE7", "screen 101")]
    assert figure(derived(campus(thing), readings)) == "1"


def test_an_access_point_shows_itself() -> None:
    """By LLDP at its port, or by its controller: both count for room.ap without being listed twice."""
    listed = campus(Equipment(kind="ap", switch="sw1", port="GE7"))
    lldp = [
        told("neighbour.port", "neighbour:sw1/GE7@x", "GE7"),
        told("neighbour.kind", "neighbour:sw1/GE7@x", "access-point"),
    ]
    assert figure(derived(listed, [*switch(), *lldp, *learned(count=30)]), "room.ap") == "1"
    placed = [told("wifi.ap.room", "ap:ac/a", "101"), told("wifi.ap.room_rule", "ap:ac/a", "name")]
    up = [told("wifi.ap.state", "ap:ac/a", "up")]
    down = [told("wifi.ap.state", "ap:ac/a", "down", day) for day in range(MONDAY, MONDAY + 5)]
    assert figure(derived(campus(), [*placed, *up]), "room.ap") == "1"
    assert figure(derived(campus(), [*placed, *down]), "room.ap") == "0"
    assert figure(derived(campus(), [*placed, *down[:4]]), "room.ap") is Reason.TOO_FEW_SAMPLES


def test_what_decides_is_cited_and_graded() -> None:
    """A sighting is corroborated, because what the thing is was declared; absence is the switch's own word."""
    answer = told("collector.answer", "identity:screen", "ok")
    (reading,) = [r for r in derived(campus(DISPLAY), [answer]).readings if r.metric == "room.display"]
    assert (reading.grade, reading.sources) == (Grade.CORROBORATED, answer.sources)
    (reading,) = [r for r in derived(campus(AT_PORT), switch(5)).readings if r.metric == "room.display"]
    assert reading.grade is Grade.REPORTED


def test_the_best_of_several_things_decides() -> None:
    """A second display that is silent, or gone, takes nothing from the first."""
    answer = [told("collector.answer", "identity:screen", "ok")]
    assert figure(derived(campus(AT_PORT, DISPLAY), [*answer, *switch(5)])) == "1"
    assert figure(derived(campus(AT_PORT, DISPLAY), switch(5))) is Reason.TOO_FEW_SAMPLES


def test_the_standard_states_the_days() -> None:
    """Days of sight and of absence are settings, and there are no others."""
    answers = [told("collector.answer", "identity:screen", "ok", day) for day in (12, 13)]
    assert figure(derived(campus(DISPLAY), answers, seen_days="2")) == "1"
    assert figure(derived(campus(DISPLAY), answers, seen_days="3")) is Reason.TOO_FEW_SAMPLES
    assert figure(derived(campus(AT_PORT), switch(2), absent_days="2")) == "0"
    with pytest.raises(ConfigError):
        derived(campus(), [], days="1")


LAB = Link(id="lab", role="classroom", asset="sw1", port="GE8", room="101")


def test_terminals_of_a_room() -> None:
    """What is at the room's ports counts, its display does not; seats are shared by what was seen."""
    where = campus(AT_PORT, links=(LAB,), kind="computer-room", seats=48)
    readings = [*switch(5), *learned("GE8", 3), *learned("GE7")]
    found = derived(where, readings)
    subject = "computer-room:101"
    assert figure(found, "room.terminals", subject) == "3"
    assert figure(found, "room.seats_per_terminal", subject) == "16"
    mapped_display = (LAB, LAB.model_copy(update={"id": "d", "port": "GE7"}))
    assert figure(derived(campus(AT_PORT, links=mapped_display), readings), "room.terminals") == "3"


def test_terminals_at_the_ports_of_listed_terminals() -> None:
    """A terminal's own port is a port of the room without a link for it."""
    where = campus(Equipment(kind="terminal", switch="sw1", port="GE7"), seats=4)
    found = derived(where, [*switch(5), *learned()])
    assert figure(found, "room.terminals") == "1"
    assert figure(found, "room.seats_per_terminal") == "4"


def test_few_looks_leave_the_number_open() -> None:
    """A census of one day shows what was there; that there is no more, it does not."""
    found = derived(campus(links=(LAB,), seats=48), [*switch(4), *learned("GE8", 3)])
    assert found.open["room.terminals", "classroom:101"].low == "3"
    bounds = found.open["room.seats_per_terminal", "classroom:101"]
    assert (bounds.reason, bounds.low, bounds.high) == (Reason.TOO_FEW_SAMPLES, "0", "16")


def test_a_room_without_seats_or_ports_has_no_target() -> None:
    """Neither ratio nor number is made up."""
    found = derived(campus(seats=48), switch(5))
    assert figure(found, "room.terminals") is Reason.NO_TARGET
    assert figure(found, "room.seats_per_terminal") is Reason.NO_TARGET
    found = derived(campus(links=(LAB,)), [*switch(5), *learned("GE8")])
    assert figure(found, "room.seats_per_terminal") is Reason.NO_TARGET


def smart(*rooms: Room, classes: int = 0, upper: int | None = None) -> Campus:
    """Return a school with these rooms, and a headcount of its primary classes."""
    count = Headcount(
        stage="primary",
        students=0,
        teachers=0,
        classes=classes,
        classes_from_grade_three=upper,
        by="x",
        at="2026-09-01T00:00:00+08:00",
        why="x",
    )
    return campus().model_copy(update={"rooms": rooms, "headcounts": (count,)})


def test_smart_classrooms_are_counted_by_class() -> None:
    """A class is smart if its room is called so and all in it was seen; grade three and up are counted apart."""
    rooms = (
        Room(id="a", kind="classroom", grade=2, smart=True, equipment=(DISPLAY,)),
        Room(
            id="b", kind="classroom", grade=3, smart=True, equipment=(DISPLAY, Equipment(kind="control", asset="hub"))
        ),
        Room(id="c", kind="classroom", grade=4),
        Room(id="d", kind="classroom", grade=5, smart=True),
        Room(id="e", kind="classroom"),
    )
    found = derived(smart(*rooms, classes=6, upper=3), [told("collector.answer", "identity:screen", "ok")])
    of_class = {
        subject: figure(found, "class.smart", subject)
        for metric, subject in (*found.open, *((r.metric, r.subject) for r in found.readings))
        if metric == "class.smart"
    }
    nobody, silent = Reason.NO_TARGET, Reason.TOO_FEW_SAMPLES
    assert of_class == {
        "class:a": "1",
        "class:b": silent,
        "class:c": nobody,
        "class:d": nobody,
        "class:unlisted-primary-1": nobody,
        "class:unlisted-primary-2": nobody,
        **{f"class-from-grade-three:{room}": why for room, why in (("b", silent), ("c", nobody), ("d", nobody))},
    }
    assert found.open["class.smart", "class:c"].high == "0"
    assert found.open["class.smart", "class:d"].high == "1"


def test_a_smart_classroom_without_a_part_of_it_is_none() -> None:
    """What is listed and proven absent counts against it; terminals that were seen count for it."""
    terminal = Equipment(kind="terminal", switch="sw1", port="GE8")
    room = Room(id="b", kind="classroom", grade=7, smart=True, equipment=(AT_PORT, terminal))
    found = derived(smart(room), [*switch(5), *learned("GE8")])
    assert figure(found, "class.smart", "class:b") == "0"
    found = derived(smart(room), [*switch(5), *learned("GE8"), *learned("GE7")])
    assert figure(found, "class.smart", "class-from-grade-three:b") == "1"


@given(
    st.lists(st.sampled_from(["ok", "unreachable", "refused", "unsupported", "malformed"]), max_size=6),
    st.lists(st.tuples(st.sampled_from(["GE7", "GE8"]), st.integers(0, 12), st.integers(12, 16)), max_size=6),
    st.integers(0, 7),
)
def test_each_figure_is_one_answer(answers: list[str], ports: list[tuple[str, int, int]], days: int) -> None:
    """In any order of readings each room and kind is 1, 0 or open; 1 never without a trace, 0 never on silence."""
    where = campus(DISPLAY, Equipment(kind="control", switch="sw1", port="GE7"))
    readings = [told("collector.answer", "identity:screen", state, day) for day, state in enumerate(answers, MONDAY)]
    readings += switch(days) if days else []
    readings += [reading for port, count, day in ports for reading in learned(port, count, day)]
    found = derived(where, readings)
    assert derived(where, readings[::-1]) == found
    for metric in ("room.display", "room.control", "room.recording"):
        known = [r.value for r in found.readings if r.metric == metric]
        assert len(known) + ((metric, "classroom:101") in found.open) == 1
    assert (figure(found) == "1") == ("ok" in answers)
    assert figure(found) != "0"
    if figure(found, "room.control") == "1":
        assert any(port == "GE7" and count for port, count, _ in ports)
