"""The census of a campus: every terminal once, in its room, and none that is infrastructure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.assess.census import MOST_AT_A_PORT, UNKNOWN, census
from agent.errors import MalformedError
from agent.lab.snmp.recording import read
from agent.model.asset import Asset
from agent.model.campus import Campus, Link, Room, School
from agent.model.reading import Grade, Reading
from tests.collectors.network import OURS
from tests.collectors.recorded import RecordingTransport, converse

MONDAY, TUESDAY, WEDNESDAY = (f"2026-11-{day}T02:00:00.000Z" for day in (16, 17, 18))
SOURCE = "sha256:" + "0" * 64
A, B, C = "48a9d2000001", "48a9d2000002", "48a9d2000003"
RANDOM = "da0000000001"


def told(metric: str, subject: str, value: str, at: str = MONDAY) -> Reading:
    """Return a reading."""
    unit = "1" if metric == "census.macs" else ""
    return Reading(
        metric=metric, subject=subject, value=value, unit=unit, at=at, grade=Grade.REPORTED, sources=(SOURCE,)
    )


def port(name: str, *macs: str, at: str = MONDAY) -> list[Reading]:
    """Return what the collector says of a port with few terminals."""
    subject = f"interface:{name}"
    return [told("census.macs", subject, str(len(macs)), at), told("census.terminals", subject, " ".join(macs), at)]


def neighbour(asset: str, at_port: str, kind: str) -> list[Reading]:
    """Return what LLDP says of a port."""
    subject = f"neighbour:{asset}/{at_port}@48:8e:ef:00:00:01"
    return [told("neighbour.port", subject, at_port), told("neighbour.kind", subject, kind)]


def campus(*links: Link) -> Campus:
    """Return a campus with these links and two rooms."""
    assets = tuple(Asset(id=name, family="generic-snmp", address="192.0.2.1") for name in ("sw1", "sw2"))
    rooms = (Room(id="101", kind="classroom"), Room(id="102", kind="classroom"))
    return Campus(version="1", school=School(id="s", name="s"), assets=assets, links=links, rooms=rooms)


def test_a_terminal_at_two_switches_is_one() -> None:
    """The access switch shows it at its port, the next one at the uplink: one terminal."""
    found = census([*port("sw1/GE1", A), *port("sw2/GE9", A, B)], campus())
    assert [each.mac for each in found.terminals] == [A, B]


def test_a_terminal_that_moved_is_where_it_was_last() -> None:
    """Seen in two rooms, it counts in the later one, whatever the order of the readings."""
    links = tuple(Link(id=f"c{n}", role="classroom", asset="sw1", port=f"GE{n}", room=f"10{n}") for n in (1, 2))
    readings = [*port("sw1/GE2", A, at=TUESDAY), *port("sw1/GE1", A)]
    for order in (readings, readings[::-1]):
        found = census(order, campus(*links))
        assert [(each.room, each.days) for each in found.terminals] == [("102", 2)]


@pytest.mark.parametrize(
    ("kind", "counted"), [("network", 0), ("access-point", 0), ("telephone", 1), ("station", 1), ("unknown", 1)]
)
def test_ports_with_infrastructure_behind_them_do_not_count(kind: str, counted: int) -> None:
    """A switch or an access point at a port makes it no edge; a telephone or a computer does not."""
    found = census([*port("sw1/GE0/0/1", A), *neighbour("sw1", "GE0/0/1", kind)], campus())
    assert len(found.terminals) == counted
    assert found.excluded == ({} if counted else {"sw1/GE0/0/1": kind})


def test_a_port_that_ever_had_many_terminals_does_not_count() -> None:
    """Nine addresses on one day show the switch behind it; the quiet day after does not make it an edge."""
    many = told("census.macs", "interface:sw1/GE1", str(MOST_AT_A_PORT + 1))
    found = census([many, *port("sw1/GE1", A, at=TUESDAY)], campus())
    assert found.terminals == ()
    assert found.excluded == {"sw1/GE1": "many"}


def test_rooms_come_from_the_port_map() -> None:
    """A link names its port as the device does, or by the alias or description that only one port of it has."""
    links = (
        Link(id="c1", role="classroom", asset="sw1", port="GE1", room="101"),
        Link(id="c2", role="classroom", asset="sw1", port="desk row", room="102"),
        Link(id="c3", role="classroom", asset="sw2", port="twice", room="102"),
    )
    readings = [
        *port("sw1/GE1", A),
        *port("sw1/GE2", B),
        *port("sw2/GE1", C),
        told("interface.alias", "interface:sw1/GE2", "desk row"),
        told("interface.alias", "interface:sw2/GE1", "twice"),
        told("interface.alias", "interface:sw2/GE2", "twice"),
    ]
    assert census(readings, campus(*links)).by_room() == {"101": 1, "102": 1, None: 1}


def test_randomised_addresses_are_never_among_the_others() -> None:
    """They are counted apart, have no kind, and are no school computer in use."""
    found = census([*port("sw1/GE1", A, RANDOM)], campus(), {A[:6]: "computer", RANDOM[:6]: "computer"})
    assert [each.mac for each in found.of(randomised=True)] == [RANDOM]
    assert found.by_kind() == {"computer": 1}
    assert found.by_kind(randomised=True) == {UNKNOWN: 1}
    assert census(port("sw1/GE1", A), campus()).by_kind() == {UNKNOWN: 1}


def test_in_use_is_seen_on_three_days() -> None:
    """Three readings of one day are one day."""
    daily = [one for at in (MONDAY, TUESDAY, WEDNESDAY) for one in port("sw1/GE1", A, at=at)]
    often = [one for _ in range(3) for one in port("sw1/GE2", B)]
    assert [each.mac for each in census([*daily, *often], campus()).in_use()] == [A]


def test_the_share_of_ipv6_is_over_terminals_that_a_router_knows() -> None:
    """Global counts, unique-local and link-local do not, and a terminal that no router knows is unknown."""
    readings = [
        *port("sw1/GE1", A, B, C, RANDOM),
        told("census.neighbours", "interface:sw1/Vlanif10", f"{A}=4gl {B}=4u 488eef000009=g"),
        told("census.neighbours", "interface:sw2/Vlanif10", f"{RANDOM}=l"),
        told("census.neighbours", "interface:sw2/Vlanif10", f"{RANDOM}=g", TUESDAY),
    ]
    assert census(readings, campus()).ipv6_share() == (2, 3, 1)


def test_ports_of_asked_devices_are_no_terminals() -> None:
    """A switch's own address, learned by its neighbour at a quiet port, is not counted."""
    own = told("interface.identity", "interface:sw2/GE24", f"24|GE24|GE24|to sw1|{B}")
    assert [each.mac for each in census([*port("sw1/GE1", A, B), own], campus()).terminals] == [A]


def test_devices_that_hide_vlans_are_named() -> None:
    """A count is only as complete as the tables: who showed less is said."""
    readings = [
        told("census.coverage", f"asset:{name}", state) for name, state in (("sw1", "all-vlans"), ("sw2", "none"))
    ]
    assert census(readings, campus()).uncovered == ("sw2",)


@pytest.mark.parametrize(
    ("metric", "value"), [("census.terminals", "zz"), ("census.neighbours", "48a9=4"), ("census.macs", "many")]
)
def test_a_reading_that_is_none_is_refused(metric: str, value: str) -> None:
    """Damaged readings raise our error."""
    with pytest.raises(MalformedError):
        census([told(metric, "interface:sw1/GE1", value)], campus())


MACS = st.lists(st.sampled_from([A, B, C, RANDOM]), max_size=4, unique=True)


@given(st.lists(st.tuples(st.sampled_from(["sw1/a", "sw1/b", "sw2/a"]), MACS, st.sampled_from([MONDAY, TUESDAY]))))
def test_every_terminal_is_counted_once(seen: list[tuple[str, list[str], str]]) -> None:
    """However often and wherever terminals were seen, rooms, kinds and totals agree, in any order of readings."""
    readings = [one for name, macs, at in seen for one in port(name, *macs, at=at)]
    found = census(readings, campus())
    assert {each.mac for each in found.terminals} == {mac for _, macs, _ in seen for mac in macs}
    assert len(found.terminals) == len({each.mac for each in found.terminals})
    for apart in (True, False):
        total = len(found.of(randomised=apart))
        assert sum(found.by_room(randomised=apart).values()) == sum(found.by_kind(randomised=apart).values()) == total
    assert census(readings[::-1], campus()) == found


def test_from_a_recording_to_a_census() -> None:
    """What the collector reads of a core switch is joined: four terminals at edge ports, of which two use IPv6."""
    readings, _ = converse(RecordingTransport(read(OURS / "network-core.snmprec")), ("census",))
    found = census(readings, campus())
    assert found.excluded == {"sw1/XGE0/0/1": "many"}
    assert (len(found.of(randomised=False)), len(found.of(randomised=True))) == (3, 1)
    assert found.ipv6_share() == (2, 4, 0)
