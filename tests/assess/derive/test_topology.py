"""Links and network devices of a campus: roles, speeds, grades, what is open, and what joins them."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.assess.derive import DERIVATIONS
from agent.assess.derive.device_ports import ports_of, speed_of
from agent.assess.samples import Readings
from agent.errors import ConfigError, MalformedError
from agent.model.asset import Asset
from agent.model.campus import Campus, Link, School
from agent.model.finding import Reason, Window
from agent.model.reading import Grade, Reading
from agent.packs.load import config_directory, load_metrics

if TYPE_CHECKING:
    from agent.assess.derive.derived import Derived

METRICS = load_metrics(config_directory())
WINDOW = Window(since="2026-10-01T00:00:00Z", until="2026-10-30T00:00:00Z")
SPEED, RULE, MEMBERS = "topology.link.speed", "topology.link.rule", "topology.link.members"
MANAGED = "topology.device.managed"


def told(metric: str, subject: str, value: object, hour: int = 1) -> Reading:
    """Return a reading of a device, in the unit of its metric."""
    return Reading(
        metric=metric,
        subject=subject,
        value=str(value),
        unit=METRICS[metric].unit,
        at=f"2026-10-01T{hour:02d}:00:00Z",
        grade=Grade.REPORTED,
        sources=("sha256:" + f"{abs(hash((metric, subject, hour))):064x}"[-64:],),
    )


def port(name: str, speed: int | None = 1000, *, state: str = "up", hour: int = 1, **texts: object) -> list[Reading]:
    """Return what a device tells of `<asset>/<key>`: metrics with dots as two underscores."""
    subject = f"interface:{name}"
    key = name.partition("/")[2]
    readings = [told("interface.name", subject, key, hour), told("interface.oper_status", subject, state, hour)]
    if speed is not None:
        readings.append(told("interface.speed", subject, speed, hour))
    return readings + [told(metric.replace("__", "."), subject, value, hour) for metric, value in texts.items()]


def device(
    asset: str, *, kind: str = "network", hour: int = 1, answer: str = "ok", table: str = "complete"
) -> list[Reading]:
    """Return what an asset tells of itself: its chassis is `c-<asset>`."""
    subject = f"asset:{asset}"
    readings = [told("collector.answer", f"neighbours:{asset}", answer, hour)]
    if answer != "ok":
        return readings
    return [
        *readings,
        told("neighbours.chassis", subject, f"c-{asset}", hour),
        told("neighbours.kind", subject, kind, hour),
        told("neighbours.table", subject, table, hour),
    ]


def hears(at: str, far: str, far_port: str = "", *, kind: str = "network", hour: int = 1, **more: str) -> list[Reading]:
    """Return a neighbour at `<asset>/<port>`: the asset `far`, by its chassis."""
    chassis = more.pop("chassis", f"c-{far}")
    subject = f"neighbour:{at}@{chassis}"
    values = {"kind": kind, "port": at.partition("/")[2], "chassis": chassis, "remote_port": far_port, **more}
    return [told(f"neighbour.{name}", subject, value, hour) for name, value in values.items() if value]


def derive(
    *parts: list[Reading],
    assets: tuple[str, ...] = ("core", "floor"),
    links: tuple[Link, ...] = (),
    method: dict[str, str] | None = None,
) -> Derived:
    """Derive from readings; the assets have addresses 10.0.0.1, .2, ..."""
    campus = Campus(
        version="1",
        school=School(id="s", name="s"),
        assets=tuple(
            Asset(id=name, family="generic-snmp", address=f"10.0.0.{at}") for at, name in enumerate(assets, 1)
        ),
        links=links,
    )
    readings = Readings([one for part in parts for one in part], WINDOW)
    derived = DERIVATIONS["topology"](readings, campus, WINDOW, method or {})
    keys = [(one.metric, one.subject) for one in derived.readings]
    assert len(set(keys)) == len(keys), "one reading per metric and subject"
    for one in derived.readings:
        metric = METRICS[one.metric]
        assert (one.unit, one.at, metric.derivation) == (metric.unit, WINDOW.until, "topology")
        assert not metric.states or one.value in metric.states
    return derived


def figures(derived: Derived, metric: str = SPEED) -> dict[str, str]:
    """Return the figures of a metric by subject."""
    return {one.subject: one.value for one in derived.readings if one.metric == metric}


def grades(derived: Derived) -> dict[str, Grade]:
    """Return the grades of the links."""
    return {one.subject: one.grade for one in derived.readings if one.metric == SPEED}


def pair(*, near: int = 10_000, far: int = 1000) -> list[Reading]:
    """Return two switches with a cable between core/X1 and floor/G1, told by both."""
    return [
        *device("core"),
        *device("floor"),
        *port("core/X1", near),
        *port("floor/G1", far),
        *hears("core/X1", "floor", "G1"),
        *hears("floor/G1", "core", "X1"),
    ]


CABLE = "backbone:core/X1--floor/G1"


def test_a_link_between_two_switches_has_the_speed_of_its_slower_end() -> None:
    """Both ends tell of it: one backbone link, corroborated, with the rule that found its far end."""
    derived = derive(pair())
    assert figures(derived) == {CABLE: "1000"}
    assert grades(derived) == {CABLE: Grade.CORROBORATED}
    assert figures(derived, RULE) == {CABLE: "chassis, ifName, both ends"}
    assert figures(derived, MEMBERS) == {CABLE: "1"}
    assert figures(derived, MANAGED) == {"network-device:core": "1", "network-device:floor": "1"}
    assert not derived.open


def test_a_link_that_one_end_tells_of_is_reported() -> None:
    """One device's word gives the link a weaker grade; the far port is found by what it calls itself."""
    readings = [one for one in pair() if not one.subject.startswith("neighbour:floor")]
    derived = derive(readings)
    assert grades(derived) == {CABLE: Grade.REPORTED}
    assert figures(derived, RULE) == {CABLE: "chassis, ifName, one end"}


@pytest.mark.parametrize(
    ("told_port", "more", "rule"),
    [
        ("G1", {}, "ifName"),
        ("GigabitEthernet0/1", {}, "ifDescr"),
        ("to core", {}, "ifAlias"),
        ("4c:1f:cc:0a:0b:0c", {}, "mac"),
        ("12", {}, "ifIndex"),
        ("local 7", {"remote_port_description": "GigabitEthernet0/1"}, "description"),
    ],
)
def test_the_far_port_is_found_by_whatever_its_device_calls_it(told_port: str, more: dict[str, Any], rule: str) -> None:
    """Every kind of port identifier leads to the same port, and the rule says by which."""
    texts: dict[str, Any] = {
        "interface__description": "GigabitEthernet0/1",
        "interface__alias": "to core",
        "interface__identity": "12|G1|GigabitEthernet0/1|to core|4c1fcc0a0b0c",
    }
    derived = derive(
        device("core"),
        device("floor"),
        port("core/X1", 10_000),
        port("floor/G1", 1000, **texts),
        hears("core/X1", "floor", told_port, **more),
    )
    assert figures(derived) == {CABLE: "1000"}
    assert figures(derived, RULE) == {CABLE: f"chassis, {rule}, one end"}


@pytest.mark.parametrize(
    ("chassis", "more", "rule"),
    [("other", {"address": "10.9.9.9 10.0.0.2"}, "address"), ("other", {"name": "floor"}, "name")],
)
def test_the_far_device_is_found_by_address_or_name(chassis: str, more: dict[str, Any], rule: str) -> None:
    """A device whose chassis nobody knows is matched by its management address, else by its name."""
    derived = derive(
        device("core"), device("floor"), port("core/X1"), hears("core/X1", "floor", "G1", chassis=chassis, **more)
    )
    assert figures(derived, RULE) == {"backbone:core/X1--floor/G1": f"{rule}, port unknown, one end"}


def lag(state: str = "distributing") -> list[Reading]:
    """Return the two switches with an aggregation of two cables; the second member of the core is in `state`."""
    members = []
    for name, group in (("core/X1", "Po1"), ("core/X2", "Po1"), ("floor/G1", "Trunk7"), ("floor/G2", "Trunk7")):
        at = state if name == "core/X2" else "distributing"
        members += port(name, 1000, lag__aggregator=group, lag__state=at)
    return [
        *device("core"),
        *device("floor"),
        *members,
        *port("core/Po1", 999, interface__type="161"),
        *port("floor/Trunk7", None, interface__type="161"),
        *hears("core/X1", "floor", "G1"),
        *hears("core/X2", "floor", "G2"),
        *hears("floor/G1", "core", "X1"),
        *hears("floor/G2", "core", "X2"),
    ]


def test_an_aggregation_is_one_link_with_the_sum_of_its_ports() -> None:
    """Two cables of one aggregator are one link, as fast as both together."""
    derived = derive(lag())
    assert figures(derived) == {"backbone:core/Po1--floor/Trunk7": "2000"}
    assert figures(derived, MEMBERS) == {"backbone:core/Po1--floor/Trunk7": "2"}


def test_a_member_that_stands_by_adds_nothing() -> None:
    """Only ports that carry traffic count, and the end with fewer of them decides."""
    assert figures(derive(lag("standby"))) == {"backbone:core/Po1--floor/Trunk7": "1000"}


def test_an_aggregator_to_two_devices_is_two_links() -> None:
    """Members that lead elsewhere are not summed up (multi-chassis aggregation)."""
    derived = derive(
        device("core"),
        device("a"),
        device("b"),
        port("core/Po1", 20_000),
        port("core/X1", 10_000, lag__aggregator="Po1", lag__state="distributing"),
        port("core/X2", 10_000, lag__aggregator="Po1", lag__state="distributing"),
        port("a/U", 10_000),
        port("b/U", 10_000),
        hears("core/X1", "a", "U"),
        hears("core/X2", "b", "U"),
        assets=("core", "a", "b"),
    )
    assert figures(derived) == {"backbone:a/U--core/Po1": "10000", "backbone:b/U--core/Po1": "10000"}


def test_a_device_that_is_silent_leaves_its_links_open() -> None:
    """Its neighbour still tells of the link, which can be no faster than that end; the device is not managed."""
    derived = derive(
        device("core"),
        device("floor", answer="refused"),
        port("core/X1", 10_000),
        hears("core/X1", "floor", "G1", address="10.0.0.2"),
    )
    found = derived.open[SPEED, "backbone:core/X1--floor/G1"]
    assert (found.reason, found.low, found.high) == (Reason.REFUSED, "0", "10000")
    assert figures(derived, MANAGED) == {"network-device:core": "1", "network-device:floor": "0"}


def test_a_device_that_mostly_answers_is_not_silent() -> None:
    """One lost poll does not make a device unmanaged; the share that does is a setting."""
    rounds = [
        *device("core"),
        *device("floor", answer="unreachable", hour=2),
        *device("floor", hour=1),
        *device("floor", hour=3),
    ]
    assert figures(derive(rounds), MANAGED)["network-device:floor"] == "1"
    strict = derive(rounds, method={"answered_share": "100"})
    assert figures(strict, MANAGED)["network-device:floor"] == "0"


def declared(name: str, role: str, at: str, asset: str = "core") -> Link:
    """Return a link of the campus file."""
    return Link(id=name, role=role, asset=asset, port=at)


def test_a_declared_backbone_link_that_nobody_sees_is_open() -> None:
    """No target if the device answers, unreachable if it does not; a port that does not exist is no target either."""
    links = (
        declared("t1", "backbone", "X9"),
        declared("t2", "backbone", "none"),
        declared("t3", "backbone", "U", "floor"),
    )
    derived = derive(device("core"), port("core/X9", 10_000), device("floor", answer="deadline"), links=links)
    reasons = {subject: found.reason for (_, subject), found in derived.open.items()}
    assert reasons == {
        "backbone:core/X9": Reason.NO_TARGET,
        "backbone:core/none": Reason.NO_TARGET,
        "backbone:floor/U": Reason.UNREACHABLE,
    }
    assert figures(derived) == {}


def test_declared_links_join_the_seen_ones() -> None:
    """A declared port of a seen link adds its id; egress and uplink give their role, a classroom never does."""
    seen = pair()
    for role, subject in (
        ("backbone", CABLE),
        ("classroom", CABLE),
        ("uplink", "uplink:core/X1--floor/G1"),
        ("egress", "egress:core/X1"),
    ):
        derived = derive(seen, links=(declared("d", role, "X1"),))
        assert figures(derived) == {subject: "1000"}
        assert figures(derived, RULE)[subject].endswith(", declared d")
    far = derive(seen, links=(declared("d", "egress", "G1", "floor"),))
    assert figures(far) == {"egress:floor/G1": "1000"}


def test_a_declared_egress_is_told_by_its_port_alone() -> None:
    """The other end belongs to the provider: the port's speed is reported, a port that is down is no target."""
    link = (declared("telecom", "egress", "to telecom"),)
    texts: dict[str, Any] = {"interface__alias": "to telecom"}
    derived = derive(device("core"), port("core/W", 1000, **texts), links=link)
    assert figures(derived) == {"egress:core/W": "1000"}
    assert grades(derived) == {"egress:core/W": Grade.REPORTED}
    down = derive(device("core"), port("core/W", 1000, state="down", **texts), links=link)
    assert down.open[SPEED, "egress:core/W"].reason is Reason.NO_TARGET


def test_strangers_and_terminals() -> None:
    """An unknown switch is an uplink and unmanaged; access points and telephones are access; a computer is nothing."""
    derived = derive(
        device("core"),
        *(port(f"core/{name}", 1000) for name in "abcde"),
        hears("core/a", "x", "1", name="cupboard"),
        hears("core/b", "x", "2", name="cupboard"),
        hears("core/c", "ap", kind="access-point"),
        hears("core/d", "tel", kind="telephone"),
        hears("core/e", "what", kind="unknown"),
        assets=("core",),
    )
    assert figures(derived) == {
        "access:core/c": "1000",
        "access:core/d": "1000",
        "uplink:core/a--cupboard": "1000",
        "uplink:core/b--cupboard": "1000",
    }
    assert figures(derived, MANAGED) == {"network-device:core": "1", "network-device:cupboard": "0"}


def test_strangers_of_one_name_are_told_apart_by_their_chassis() -> None:
    """Two switches that kept their factory name are two."""
    derived = derive(
        device("core"), hears("core/a", "x", name="Switch"), hears("core/b", "y", name="Switch"), assets=("core",)
    )
    assert set(figures(derived, MANAGED)) == {
        "network-device:Switch@c-x",
        "network-device:Switch@c-y",
        "network-device:core",
    }


def test_ports_with_learned_addresses_are_access_with_their_best_speed() -> None:
    """Computers asleep negotiate less: the best speed counts; a port with many addresses leads to a switch."""
    readings = [
        *device("core"),
        *port("core/pc", 10, hour=1, census__macs=1),
        *port("core/pc", 1000, hour=2, census__macs=1),
        *port("core/pc", 10, hour=3, census__macs=1),
        *port("core/many", 1000, census__macs=40),
        *port("core/empty", 1000),
        *port("core/vlan", 1000, census__macs=3, interface__type=53),
    ]
    assert figures(derive(readings)) == {"access:core/pc": "1000"}
    least = derive(readings, method={"access_percentile": "0"})
    assert figures(least) == {"access:core/pc": "10"}


def test_a_cable_that_is_pulled_is_no_link() -> None:
    """A port that went down ends the link at once, a newer table without the neighbour ends it too."""
    down = [*pair(), *port("core/X1", None, state="down", hour=2)]
    assert figures(derive(down)) == {}
    gone = [*pair(), *device("core", hour=2), *device("floor", hour=2)]
    assert figures(derive(gone)) == {}


def test_a_table_that_broke_off_forgets_nothing() -> None:
    """A partial table is no proof that a neighbour is gone."""
    assert figures(derive([*pair(), *device("core", hour=2, table="partial")])) == {CABLE: "1000"}


def test_a_speed_that_nobody_knows_is_open_and_never_zero() -> None:
    """Both ends without a speed leave the link open; one end's speed is reported."""
    unknown = [one for one in pair() if one.metric != "interface.speed"]
    derived = derive(unknown)
    assert derived.open[SPEED, CABLE].reason is Reason.UNSUPPORTED
    assert figures(derived) == {}
    half = derive([one for one in pair() if (one.metric, one.subject) != ("interface.speed", "interface:core/X1")])
    assert (figures(half), grades(half)) == ({CABLE: "1000"}, {CABLE: Grade.REPORTED})


def test_ports_of_one_name_never_merge() -> None:
    """Two ports that the collector tells apart by number are two ends, and a name that both have finds neither."""
    derived = derive(
        device("core"),
        device("floor"),
        port("core/X1"),
        port("core/X2"),
        [told("interface.name", f"interface:floor/port#{at}", "port") for at in (1, 2)],
        hears("core/X1", "floor", "port"),
        hears("core/X2", "floor", "port"),
        hears("floor/port#1", "core", "X1"),
        hears("floor/port#2", "core", "X2"),
    )
    assert set(figures(derived, RULE)) == {"backbone:core/X1--floor/port#1", "backbone:core/X2--floor/port#2"}


def test_the_command_line_of_a_device_does_not_hide_it() -> None:
    """A second asset at the same address, which no table is read from, leaves the device to be found by address."""
    campus = Campus(
        version="1",
        school=School(id="s", name="s"),
        assets=tuple(
            Asset(id=name, family="generic-snmp", address=address)
            for name, address in (("core", "10.0.0.1"), ("floor", "10.0.0.2"), ("floor-cli", "10.0.0.2"))
        ),
    )
    readings = [
        *device("core"),
        *device("floor"),
        *port("core/X1"),
        *hears("core/X1", "", "G1", chassis="unknown", address="10.0.0.2"),
    ]
    derived = DERIVATIONS["topology"](Readings(readings, WINDOW), campus, WINDOW, {})
    assert figures(derived, MANAGED) == {"network-device:core": "1", "network-device:floor": "1"}


@pytest.mark.parametrize("method", [{"speed": "1"}, {"answered_share": "half"}])
def test_a_setting_that_is_unknown_or_no_number_is_an_error(method: dict[str, str]) -> None:
    """A typing error in a standard does not silently judge by the default."""
    with pytest.raises(ConfigError):
        derive(pair(), method=method)


def test_a_speed_that_is_no_number_is_an_error() -> None:
    """Readings that do not decode do not pass for unknown."""
    with pytest.raises(MalformedError):
        derive(pair(), [told("interface.speed", "interface:core/X1", "fast", 2)])


@given(st.lists(st.integers(1, 100_000), min_size=1, max_size=30), st.integers(0, 100))
def test_a_percentile_is_a_speed_that_was_shown(speeds: list[int], percentile: int) -> None:
    """No speed is made up, at least that share of samples is at or below it, and it grows with the percentile."""
    readings = [
        told("interface.speed", "interface:a/p", speed).model_copy(
            update={"at": f"2026-10-01T00:{place // 60:02d}:{place % 60:02d}Z"}
        )
        for place, speed in enumerate(speeds)
    ]
    [known] = ports_of(Readings([told("interface.name", "interface:a/p", "p"), *readings])).values()
    found = speed_of(known.by_key["p"], Fraction(percentile))
    assert found is not None
    assert found[0] in speeds
    assert sum(speed <= found[0] for speed in speeds) * 100 >= percentile * len(speeds)
    best = speed_of(known.by_key["p"], Fraction(100))
    assert best is not None
    assert best[0] == max(speeds)


TELLING = sorted(
    name for name in METRICS if name.startswith(("neighbour", "lag.", "interface.name", "interface.identity"))
)
NAMES = st.sampled_from(["core", "floor", "p", "q", "", "c-core", "c-floor", "/", "@", "10.0.0.1", "Po1", "1|a|b|c|00"])


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                sorted(
                    name
                    for name in METRICS
                    if name.startswith(("neighbour", "lag.", "interface.name", "interface.identity"))
                )
            ),
            st.tuples(st.sampled_from(["neighbour", "interface", "asset"]), NAMES, NAMES, NAMES),
            NAMES,
            st.integers(1, 5),
        ),
        max_size=40,
    )
)
def test_whatever_devices_tell_the_figures_are_well_formed(
    rows: list[tuple[str, tuple[str, str, str, str], str, int]],
) -> None:
    """Odd names and contradictions give links or none, never an error or two figures of one subject."""
    readings = [
        told(metric, f"{kind}:{asset}/{key}@{end}", value, hour)
        for metric, (kind, asset, key, end), value, hour in rows
    ]
    link = (declared("d", "backbone", "p"), declared("e", "uplink", "q", "floor"))
    first = derive(pair(), readings, links=link)
    again = derive(list(reversed(readings)), pair(), links=link)
    assert {one.to_bytes() for one in first.readings} == {one.to_bytes() for one in again.readings}
