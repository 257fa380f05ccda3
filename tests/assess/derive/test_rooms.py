"""Coverage of rooms: what makes a room wired or covered by Wi-Fi, and why it is open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.assess.derive import DERIVATIONS
from agent.assess.samples import Readings
from agent.errors import ConfigError, MalformedError
from agent.model.asset import Asset
from agent.model.campus import Campus, Link, Room, School
from agent.model.finding import Reason, Window
from agent.model.reading import Grade, Reading
from agent.packs.load import config_directory, load_metrics

if TYPE_CHECKING:
    from agent.assess.derive.derived import Derived

METRICS = load_metrics(config_directory())
WINDOW = Window(since="2026-10-01T00:00:00Z", until="2026-10-31T00:00:00Z")
CAMPUS = Campus(
    version="1",
    school=School(id="s", name="s"),
    assets=(Asset(id="sw1", family="f", address="192.0.2.1"),),
    links=(
        Link(id="c101", role="classroom", asset="sw1", port="GE1", room="101"),
        Link(id="c101b", role="classroom", asset="sw1", port="GE2", room="101"),
    ),
    rooms=(Room(id="101", kind="classroom"), Room(id="lib", kind="library")),
)


def told(metric: str, subject: str, value: str, day: int = 1) -> Reading:
    """Return a reading of that day, with an exchange of its own."""
    return Reading(
        metric=metric,
        subject=subject,
        value=value,
        unit=METRICS[metric].unit,
        at=f"2026-10-{day:02d}T02:00:00Z",
        grade=Grade.REPORTED,
        sources=(f"sha256:{hash((metric, subject, value, day)) % 10**9:064d}",),
    )


def derived(readings: list[Reading], **method: str) -> Derived:
    """Derive over October."""
    found = DERIVATIONS["rooms"](Readings(readings, WINDOW), CAMPUS, WINDOW, method)
    for reading in found.readings:
        metric = METRICS[reading.metric]
        assert (metric.derivation, metric.unit, reading.at) == ("rooms", reading.unit, WINDOW.until)
        assert reading.sources
        assert not metric.states or reading.value in metric.states
    return found


def figure(found: Derived, metric: str, subject: str = "classroom:101") -> str | Reason:
    """Return a figure, or why it is open."""
    if (metric, subject) in found.open:
        return found.open[metric, subject].reason
    return next(r.value for r in found.readings if (r.metric, r.subject) == (metric, subject))


def statuses(*states: str, link: str = "c101") -> list[Reading]:
    """Return the state of a port day by day."""
    return [told("link.status", f"classroom:{link}", state, day) for day, state in enumerate(states, 1)]


def up_for(days: int, state: str = "up") -> list[Reading]:
    """Return an access point of the room that was up on so many days."""
    placed = [told("wifi.ap.room", "ap:ac/a", "101"), told("wifi.ap.room_rule", "ap:ac/a", "name")]
    return placed + [told("wifi.ap.state", "ap:ac/a", state, day) for day in range(1, days + 1)]


@pytest.mark.parametrize(
    ("readings", "wired"),
    [
        (statuses("down", "up", "down"), "1"),
        ([*statuses("down"), *statuses("up", link="c101b")], "1"),
        (statuses("down", "down"), "0"),
        (statuses("notPresent"), "0"),
        (statuses("unknown", "up"), "1"),
        (statuses("unknown", "testing"), Reason.UNSUPPORTED),
        ([], Reason.TOO_FEW_SAMPLES),
        ([told("collector.answer", "links:sw1", "unreachable")], Reason.UNREACHABLE),
        ([told("collector.answer", "links:sw1", "refused")], Reason.REFUSED),
        (
            [told("link.match", f"classroom:{link}", "not found", 2) for link in ("c101", "c101b")]
            + [told("collector.answer", "links:sw1", "ok", 2)],
            Reason.NO_TARGET,
        ),
    ],
)
def test_a_wired_room(readings: list[Reading], wired: str | Reason) -> None:
    """The best state of any of its ports in the window; a port that nobody read is open with the reason."""
    assert figure(derived(readings), "room.wired") == wired


def test_a_room_without_a_port_has_no_target() -> None:
    """A room that the port map does not hold is neither wired nor not."""
    assert figure(derived(statuses("up")), "room.wired", "library:lib") is Reason.NO_TARGET


def test_the_deciding_exchange_is_cited() -> None:
    """Of a port that was up once, the poll that saw it."""
    readings = statuses("down", "up", "down")
    found = derived(readings)
    assert next(r.sources for r in found.readings if r.metric == "room.wired") == readings[1].sources


@pytest.mark.parametrize(
    ("readings", "wifi", "rung"),
    [
        ([], Reason.NO_TARGET, Reason.NO_TARGET),
        ([told("collector.answer", "wifi:ac", "unreachable")], Reason.UNREACHABLE, Reason.UNREACHABLE),
        (up_for(10), "1", "L0"),
        (up_for(9), Reason.WINDOW_TOO_SHORT, "L0"),
        (up_for(10, "down"), "0", "L0"),
        (up_for(10, "unknown"), Reason.UNSUPPORTED, "L0"),
        ([*up_for(10), told("wifi.ap.client_signal", "ap:ac/a", "-60")], "1", "L1"),
        ([*up_for(10), told("wifi.radio.signal", "radio:ac/a/1", "-60")], "1", "L2"),
        ([told("wifi.sensor.signal", "room:101/panel", "-65")], "1", "L3"),
        ([told("wifi.sensor.signal", "room:101/panel", "-66")], "0", "L3"),
        ([told("wifi.walk.signal", f"room:101/p{n}", "-65") for n in range(3)], "1", "L4"),
        ([told("wifi.walk.signal", f"room:101/p{n}", "-65") for n in range(2)], Reason.TOO_FEW_SAMPLES, "L4"),
        ([told("wifi.walk.signal", "room:101/p1", "-66")], "0", "L4"),
    ],
)
def test_wifi_of_a_room(readings: list[Reading], wifi: str | Reason, rung: str | Reason) -> None:
    """Each rung decides, or says why it does not yet; a controller's silence is the reason of an empty room."""
    found = derived(readings)
    assert (figure(found, "room.wifi"), figure(found, "room.wifi.rung")) == (wifi, rung)


def test_deployment_is_never_measured() -> None:
    """Without a signal in the room, controller and neighbours corroborate at best; with one, it is measured."""
    for readings, grade in (
        (up_for(10), Grade.REPORTED),
        ([*up_for(10), told("wifi.radio.signal", "radio:ac/a/1", "-60")], Grade.CORROBORATED),
        ([told("wifi.sensor.signal", "room:101/panel", "-50")], Grade.MEASURED),
    ):
        assert {r.grade for r in derived(readings).readings} == {grade}


def test_the_standard_states_the_thresholds() -> None:
    """Provinces differ: days, share, level and points are settings, and there are no others."""
    assert figure(derived(up_for(3), days="3"), "room.wifi") == "1"
    half = [*up_for(10), *(told("wifi.ap.state", "ap:ac/a", "down", day) for day in range(11, 21))]
    assert figure(derived(half), "room.wifi") == "0"
    assert figure(derived(half, up_share="0.5"), "room.wifi") == "1"
    assert figure(derived([told("wifi.sensor.signal", "room:101/p", "-70")], level_dbm="-70"), "room.wifi") == "1"
    assert figure(derived([told("wifi.walk.signal", "room:101/p", "-60")], walk_points="1"), "room.wifi") == "1"
    with pytest.raises(ConfigError):
        derived([], points="1")
    with pytest.raises(MalformedError):
        derived([told("wifi.sensor.signal", "room:101/p", "good")])


@given(
    st.lists(st.tuples(st.integers(1, 28), st.sampled_from(["up", "down", "unknown", "testing"])), max_size=20),
    st.lists(st.tuples(st.integers(1, 28), st.sampled_from(["up", "down", "unknown", "standby"])), max_size=40),
)
def test_every_room_has_exactly_one_answer(ports: list[tuple[int, str]], aps: list[tuple[int, str]]) -> None:
    """Each room and metric is 1, 0 or open, in any order of readings; 1 never without something that was up."""
    readings = [told("link.status", "classroom:c101", state, day) for day, state in ports]
    readings += [told("wifi.ap.room", "ap:ac/a", "101"), *(told("wifi.ap.state", "ap:ac/a", s, d) for d, s in aps)]
    found = derived(readings)
    assert derived(readings[::-1]) == found
    for metric, seen in (("room.wired", ports), ("room.wifi", aps)):
        for subject in ("classroom:101", "library:lib"):
            known = [r.value for r in found.readings if (r.metric, r.subject) == (metric, subject)]
            assert len(known) + ((metric, subject) in found.open) == 1
        assert figure(found, metric) != "1" or "up" in {state for _, state in seen}
