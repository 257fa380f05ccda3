"""Terminals by room, by kind and on the campus: what counts, what counts apart, and what may be missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.assess.derive import DERIVATIONS
from agent.assess.samples import Readings
from agent.errors import ConfigError
from agent.lab.snmp.recording import read
from agent.model.asset import Asset
from agent.model.campus import Campus, Link, Room, School
from agent.model.finding import Reason, Window
from agent.model.reading import Grade, Reading
from agent.packs.load import config_directory, load_metrics
from tests.collectors.network import OURS
from tests.collectors.recorded import RecordingTransport, converse

if TYPE_CHECKING:
    from agent.assess.derive.derived import Derived

METRICS = load_metrics(config_directory())
WINDOW = Window(since="2026-10-01T00:00:00Z", until="2026-10-31T00:00:00Z")
SOURCE = "sha256:" + "0" * 64
A, B, C, D = "48a9d2000001", "48a9d2000002", "0018e4000003", "0018e4000004"
RANDOM = "da0000000001"
LAB = Link(id="lab", role="classroom", asset="sw1", port="GE1", room="lab")


def told(metric: str, subject: str, value: object, day: int = 1) -> Reading:
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


def switch(name: str, coverage: str = "all-vlans", answer: str = "ok") -> list[Reading]:
    """Return that a switch gave its forwarding table."""
    return [
        told("census.coverage", f"asset:{name}", coverage),
        told("census.macs", f"asset:{name}", 0),
        told("collector.answer", f"census:{name}", answer),
    ]


def port(name: str, *macs: str, day: int = 1) -> list[Reading]:
    """Return what a switch says of a port with few terminals."""
    subject = f"interface:{name}"
    return [
        told("census.macs", subject, len(macs), day),
        told("census.terminals", subject, " ".join(macs), day),
    ]


def crowd(name: str, universal: int, randomised: int = 0, day: int = 1) -> list[Reading]:
    """Return what a switch says of a port with many terminals."""
    counts = {"": universal + randomised, ".universal": universal, ".randomised": randomised}
    return [told(f"census.macs{part}", f"interface:{name}", count, day) for part, count in counts.items()]


def derived(readings: list[Reading], *links: Link, **method: str) -> Derived:
    """Derive over October, on a campus with a computer room and a class room."""
    rooms = (Room(id="lab", kind="laboratory"), Room(id="101", kind="classroom"))
    campus = Campus(
        version="1",
        school=School(id="s", name="s"),
        assets=(Asset(id="sw1", family="f", address="192.0.2.1"),),
        links=links,
        rooms=rooms,
    )
    found = DERIVATIONS["terminals"](Readings(readings, WINDOW), campus, WINDOW, method)
    for reading in found.readings:
        metric = METRICS[reading.metric]
        assert (metric.derivation, metric.unit, reading.at) == ("terminals", reading.unit, WINDOW.until)
        assert reading.sources
    return found


def count(found: Derived, subject: str = "campus:all", metric: str = "terminals.count") -> str | None:
    """Return a count."""
    return next((r.value for r in found.readings if (r.metric, r.subject) == (metric, subject)), None)


def unsure(found: Derived, subject: str = "campus:all") -> tuple[Reason, str | None] | None:
    """Return why a count is open, and its lower bound."""
    known = found.open.get(("terminals.count", subject))
    return (known.reason, known.low) if known else None


def test_rooms_kinds_and_the_campus() -> None:
    """Each terminal once, randomised ones apart, kinds by the standard's OUIs and nothing guessed."""
    readings = [*switch("sw1"), *port("sw1/GE1", A, C, RANDOM), *port("sw1/GE2", B)]
    found = derived(readings, LAB, kinds="computer=48a9d2; printer=aabbcc ddeeff")
    assert {r.subject: r.value for r in found.readings if r.metric == "terminals.count"} == {
        "room:lab": "2",
        "kind:computer": "2",
        "kind:printer": "0",
        "kind:unknown": "1",
        "campus:all": "3",
    }
    assert count(found, metric="terminals.randomised") == "1"
    assert count(found, "room:lab", "terminals.randomised") == "1"
    assert unsure(found) is None
    assert unsure(found, "room:lab") is None


def test_in_use_is_on_several_days() -> None:
    """Three days by default, or as many as the standard states."""
    readings = [*switch("sw1"), *port("sw1/GE1", A, B), *port("sw1/GE1", A, day=2), *port("sw1/GE1", A, day=3)]
    assert count(derived(readings, LAB), "room:lab", "terminals.in_use") == "1"
    assert count(derived(readings, LAB, days="1"), "room:lab", "terminals.in_use") == "2"


def test_a_computer_room_behind_a_plain_switch() -> None:
    """Fifty computers at one mapped port: the most at once, in use what the third best day had, of unknown kind."""
    days = [*crowd("sw1/GE1", 50), *crowd("sw1/GE1", 48, 2, day=2), *crowd("sw1/GE1", 45, 1, day=3)]
    found = derived([*switch("sw1"), *days, *port("sw1/GE2", A)], LAB, kinds="computer=48a9d2")
    assert count(found, "room:lab") == "50"
    assert count(found, "room:lab", "terminals.in_use") == "45"
    assert count(found, "room:lab", "terminals.randomised") == "2"
    assert (count(found), count(found, "kind:unknown"), count(found, "kind:computer")) == ("51", "50", "1")
    assert unsure(found, "room:lab") is None
    assert count(derived([*switch("sw1"), *days], LAB, days="4"), "room:lab", "terminals.in_use") == "0"


def test_another_switch_at_the_rooms_port_hides_terminals() -> None:
    """A network device or an access point that announces itself leaves the room open: what is behind is not seen."""
    neighbour = [
        told("neighbour.port", "neighbour:sw1/GE1@x", "GE1"),
        told("neighbour.kind", "neighbour:sw1/GE1@x", "access-point"),
    ]
    found = derived([*switch("sw1"), *crowd("sw1/GE1", 50), *neighbour], LAB)
    assert unsure(found, "room:lab") == (Reason.UNSUPPORTED, "0")


@pytest.mark.parametrize(
    ("readings", "room", "campus"),
    [
        ([], (Reason.TOO_FEW_SAMPLES, "0"), (Reason.NO_TARGET, "0")),
        (switch("sw1"), None, None),
        ([told("collector.answer", "census:sw1", "refused")], (Reason.REFUSED, "0"), (Reason.REFUSED, "0")),
        ([*switch("sw1", "one-context"), *port("sw1/GE1", A)], (Reason.UNSUPPORTED, "1"), (Reason.UNSUPPORTED, "1")),
        ([*switch("sw1"), *switch("sw2", answer="unreachable")], None, (Reason.UNREACHABLE, "0")),
    ],
    ids=["nothing", "none at the port", "refused", "one VLAN only", "another switch silent"],
)
def test_what_may_be_missing(
    readings: list[Reading], room: tuple[Reason, str] | None, campus: tuple[Reason, str] | None
) -> None:
    """A switch that was silent or shows some VLANs only leaves open what it could show, with what was seen below."""
    found = derived(readings, LAB)
    assert (unsure(found, "room:lab"), unsure(found)) == (room, campus)
    assert unsure(found, "room:101") == (Reason.NO_TARGET, "0")
    assert count(found, "room:101") is None


def test_two_devices_corroborate() -> None:
    """A terminal at a switch's port whose address a router knows; one that only one device knows does not count so."""
    seen = [*switch("sw1"), *port("sw1/GE1", A)]
    grades = []
    for router in ("core/Vlanif1", "sw1/Vlanif1"):
        found = derived([*seen, told("census.neighbours", f"interface:{router}", f"{A}=4")], LAB)
        grades.append(next(r.grade for r in found.readings if r.subject == "room:lab"))
    assert grades == [Grade.CORROBORATED, Grade.REPORTED]


@pytest.mark.parametrize(
    "stated", ["computer", "computer=48A9D2", "computer=48a9", "=48a9d2", "computer=48a9d2,0018e4"]
)
def test_a_table_of_kinds_that_is_none(stated: str) -> None:
    """The setting is read strictly, and others do not exist."""
    with pytest.raises(ConfigError):
        derived([], kinds=stated)


def test_settings_are_known() -> None:
    """A setting of another name is an error."""
    with pytest.raises(ConfigError):
        derived([], least="3")


def test_a_telephone_alone_at_its_port_is_one() -> None:
    """What announces itself by LLDP and is alone; with a computer behind it nobody can tell which is which."""
    phone = [
        told("neighbour.port", "neighbour:sw1/GE2@x", "GE2"),
        told("neighbour.kind", "neighbour:sw1/GE2@x", "telephone"),
    ]
    found = derived([*switch("sw1"), *port("sw1/GE2", B), *phone])
    assert count(found, "kind:telephone") == "1"
    found = derived([*switch("sw1"), *port("sw1/GE2", B, C), *phone])
    assert (count(found, "kind:telephone"), count(found, "kind:unknown")) == (None, "2")


def test_from_a_recording() -> None:
    """A recorded core switch: three terminals at edge ports, one randomised, and the port with many left out."""
    readings, _ = converse(RecordingTransport(read(OURS / "network-core.snmprec")), ("interfaces", "census"))
    campus = Campus(version="1", school=School(id="s", name="s"), assets=(Asset(id="sw1", family="f", address="::1"),))
    window = Window(since="2020-01-01T00:00:00Z", until="2100-01-01T00:00:00Z")
    found = DERIVATIONS["terminals"](Readings(readings, window), campus, window, {})
    assert (count(found), count(found, metric="terminals.randomised")) == ("3", "1")


MACS = st.lists(st.sampled_from([A, B, C, D, RANDOM]), max_size=5, unique=True)
SEEN = st.lists(st.tuples(st.sampled_from(["sw1/GE1", "sw1/GE2", "sw2/GE1"]), MACS, st.integers(1, 5)), max_size=12)


@given(SEEN, st.integers(0, 60))
def test_figures_agree(seen: list[tuple[str, list[str], int]], crowded: int) -> None:
    """Kinds add up to the campus, no room has more than the campus, in use is never more than counted."""
    readings = [*switch("sw1"), *(one for name, macs, day in seen for one in port(name, *macs, day=day))]
    readings += crowd("sw1/GE9", crowded)
    links = (LAB, Link(id="c", role="classroom", asset="sw1", port="GE9", room="101"))
    found = derived(readings, *links, kinds="computer=48a9d2;printer=0018e4")
    assert derived(readings[::-1], *links, kinds="computer=48a9d2;printer=0018e4") == found
    for metric in ("terminals.count", "terminals.in_use", "terminals.randomised"):
        by = {r.subject: int(r.value) for r in found.readings if r.metric == metric}
        assert sum(value for subject, value in by.items() if subject.startswith("kind:")) == by["campus:all"]
        assert all(value <= by["campus:all"] for value in by.values())
    for subject in ("room:lab", "campus:all"):
        assert int(count(found, subject, "terminals.in_use") or 0) <= int(count(found, subject) or 0)
