"""Wi-Fi coverage by room: each rung of the ladder, what it may be called, and what stays open."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.assess.coverage import DEPLOYMENT, SIGNAL, Ladder, coverage, placements
from agent.model.asset import Asset
from agent.model.campus import Campus, Link, Room, School
from agent.model.reading import Grade, Reading

LADDER = Ladder(
    kinds=frozenset({"classroom"}),
    up_share=Decimal("0.95"),
    days=10,
    level_dbm=Decimal(-65),
    sensor_share=Decimal("0.95"),
    walk_points=3,
)
CAMPUS = Campus(
    version="1",
    school=School(id="s", name="s"),
    assets=(Asset(id="sw1", family="f", address="192.0.2.1"),),
    links=(Link(id="room-101", role="classroom", asset="sw1", port="GE0/1", room="101"),),
    rooms=(Room(id="101", kind="classroom"), Room(id="102", kind="classroom"), Room(id="store", kind="other")),
)
SOURCE = "sha256:" + "0" * 64


def reading(metric: str, subject: str, value: str, day: int = 1) -> Reading:
    """Return a reading of that day."""
    at = f"2026-10-{day:02d}T02:00:00Z"
    return Reading(metric=metric, subject=subject, value=value, unit="", at=at, grade=Grade.REPORTED, sources=(SOURCE,))


def placed(ap: str, room: str, rule: str = "name") -> list[Reading]:
    """Return the placement of an access point by its controller."""
    return [reading("wifi.ap.room", ap, room), reading("wifi.ap.room_rule", ap, rule)]


def states(ap: str, *values: str) -> list[Reading]:
    """Return one state a day."""
    return [reading("wifi.ap.state", ap, each, day) for day, each in enumerate(values, 1)]


def rung_of(readings: list[Reading], room: str = "101") -> tuple[str, bool | None]:
    """Return rung and verdict of a room."""
    found = next(each for each in coverage(readings, CAMPUS, LADDER).rooms if each.room == room)
    return found.rung, found.covered


def test_nothing_is_neither_covered_nor_uncovered() -> None:
    """Without data the share is 0 and all is possible; rooms of other kinds are not asked for."""
    found = coverage([], CAMPUS, LADDER)
    assert [(room.room, room.rung, room.covered) for room in found.rooms] == [
        ("101", "none", None),
        ("102", "none", None),
    ]
    assert (found.share, found.possible, found.name) == ("0", "100", DEPLOYMENT)


@pytest.mark.parametrize(
    ("days", "covered"),
    [
        (["up"] * 10, True),
        (["up"] * 9, None),
        (["up"] * 19 + ["down"], True),
        (["up"] * 18 + ["down"] * 2, False),
        (["unknown"] * 20, None),
        (["standby"] * 20, None),
        (["joining"] * 10, False),
    ],
)
def test_inventory(days: list[str], covered: bool | None) -> None:
    """An access point in the room counts if it was up long enough on enough days; unknown and standby say nothing."""
    assert rung_of([*placed("ap:ac/a", "101"), *states("ap:ac/a", *days)]) == ("L0", covered)


def test_one_good_access_point_is_enough() -> None:
    """A second one that is down, or was seen for a day only, takes nothing away."""
    readings = [*placed("ap:ac/a", "101"), *states("ap:ac/a", *["up"] * 10)]
    readings += [*placed("ap:ac/b", "101"), *states("ap:ac/b", "down")]
    readings += [*placed("ap:ac/c", "101"), *states("ap:ac/c", *["down"] * 12)]
    assert rung_of(readings) == ("L0", True)


def test_signal_between_access_points_raises_the_rung_and_not_the_name() -> None:
    """Levels that radios hear are shown as a rung; the figure stays deployment coverage, corroborated at best."""
    readings = [*placed("ap:ac/a", "101"), *states("ap:ac/a", *["up"] * 10)]
    assert rung_of([*readings, reading("wifi.ap.client_signal", "ap:ac/a", "-70")]) == ("L1", True)
    readings.append(reading("wifi.radio.signal", "radio:ac/a/1", "-58"))
    found = coverage(readings, CAMPUS, LADDER)
    assert rung_of(readings) == ("L2", True)
    assert found.name == DEPLOYMENT
    assert found.rooms[0].grade is Grade.CORROBORATED


def test_another_access_points_radio_is_no_proof() -> None:
    """`radio:ac/ab/1` does not belong to `ap:ac/a`."""
    readings = [*placed("ap:ac/a", "101"), reading("wifi.radio.signal", "radio:ac/ab/1", "-58")]
    assert rung_of(readings)[0] == "L0"


@pytest.mark.parametrize(("good", "bad", "covered"), [(19, 1, True), (18, 2, False)])
def test_a_sensor_decides_by_its_levels(good: int, bad: int, covered: bool) -> None:
    """With a sensor the inventory no longer matters, and the figure is signal coverage."""
    levels = ["-65"] * good + ["-66"] * bad
    readings = [reading("wifi.sensor.signal", "room:101/panel", level) for level in levels]
    readings += [*placed("ap:ac/a", "101"), *states("ap:ac/a", *["down"] * 20)]
    assert rung_of(readings) == ("L3", covered)
    assert coverage(readings, CAMPUS, LADDER).name == SIGNAL


@pytest.mark.parametrize(
    ("levels", "covered"), [(["-60", "-61", "-65"], True), (["-60", "-61"], None), (["-60", "-80"], False)]
)
def test_a_walk_stands_above_all(levels: list[str], covered: bool | None) -> None:
    """All points of a walk must reach the level; one bad point decides, too few good ones do not."""
    readings = [reading("wifi.walk.signal", f"room:101/p{n}", level) for n, level in enumerate(levels)]
    readings.append(reading("wifi.sensor.signal", "room:101/panel", "-40"))
    assert rung_of(readings) == ("L4", covered)


def test_the_mix_of_rungs_is_shown() -> None:
    """Rooms by rung, the share that is proven, and access points that nobody placed."""
    readings = [*placed("ap:ac/a", "102"), *states("ap:ac/a", *["up"] * 10), *states("ap:ac/lost", "up")]
    readings += [reading("wifi.sensor.signal", "room:101/panel", "-80")]
    found = coverage(readings, CAMPUS, LADDER)
    assert found.rungs == {"L0": 1, "L3": 1}
    assert (found.share, found.possible) == ("50", "50")
    assert found.unplaced == ("ap:ac/lost",)
    assert found.grade is Grade.REPORTED


# --- the switch port ----------------------------------------------------------------------------------------------


def neighbour(port: str, name: str, kind: str = "access-point") -> list[Reading]:
    """Return what a switch says of an access point at its port."""
    subject = f"neighbour:sw1/{port}@x"
    facts = (("neighbour.kind", kind), ("neighbour.name", name), ("neighbour.port", port))
    return [reading(metric, subject, value) for metric, value in facts]


def test_the_switch_port_places_it() -> None:
    """An access point that calls itself by its controller's name at a port of a room hangs there: two devices agree."""
    readings = [reading("wifi.ap.name", "ap:ac/a", "a"), *states("ap:ac/a", *["up"] * 10), *neighbour("GE0/1", "a")]
    found = coverage(readings, CAMPUS, LADDER).rooms[0]
    assert [(each.ap, each.rule) for each in found.aps] == [("ap:ac/a", "lldp")]
    assert (found.covered, found.grade) == (True, Grade.CORROBORATED)


@pytest.mark.parametrize(
    "readings",
    [
        neighbour("GE0/2", "a"),
        neighbour("GE0/1", "b"),
        neighbour("GE0/1", "a", kind="network"),
        [*neighbour("GE0/1", "a"), reading("wifi.ap.name", "ap:ac2/a", "a")],
    ],
    ids=["another port", "another name", "no access point", "two of the name"],
)
def test_what_is_not_sure_is_not_placed(readings: list[Reading]) -> None:
    """A port without a room, another name, another kind, or a name that two controllers have, place nothing."""
    assert placements([reading("wifi.ap.name", "ap:ac/a", "a"), *readings], CAMPUS) == {}


@given(st.lists(st.tuples(st.sampled_from(["101", "102"]), st.sampled_from(["up", "down", "unknown"])), max_size=40))
def test_the_bounds_hold(rows: list[tuple[str, str]]) -> None:
    """What is proven is never more than what is possible, and order does not matter."""
    readings = [each for room in ("101", "102") for each in placed(f"ap:ac/{room}", room)]
    readings += [reading("wifi.ap.state", f"ap:ac/{room}", state, 1 + n % 28) for n, (room, state) in enumerate(rows)]
    found = coverage(readings, CAMPUS, LADDER)
    assert found.share is not None
    assert found.possible is not None
    assert Decimal(0) <= Decimal(found.share) <= Decimal(found.possible) <= 100
    assert coverage(reversed(readings), CAMPUS, LADDER) == found
