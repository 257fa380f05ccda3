"""IPv6 by layer: what proves a layer, what refutes it, and what leaves it open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.assess.derive import DERIVATIONS
from agent.assess.samples import Readings
from agent.errors import ConfigError, MalformedError
from agent.lab.snmp.recording import read
from agent.model.asset import Asset
from agent.model.campus import Campus, Link, School
from agent.model.finding import Reason, Window
from agent.model.reading import Grade, Reading
from agent.packs.load import config_directory, load_metrics
from tests.collectors.network import OURS
from tests.collectors.recorded import RecordingTransport, converse

if TYPE_CHECKING:
    from agent.assess.derive.derived import Derived

METRICS = load_metrics(config_directory())
SOURCE = "sha256:" + "0" * 64
EGRESS = Link(id="telecom", role="egress", asset="fw", port="wan")
BACKBONE = Link(id="trunk", role="backbone", asset="core", port="XGE1")
WINDOW = Window(since="2026-10-01T00:00:00Z", until="2026-10-30T00:00:00Z")
LAYERS = ("egress", "core", "vlans", "terminals", "traffic")


def told(metric: str, subject: str, value: object, day: int = 1, minute: int = 0) -> Reading:
    """Return a reading of a device, in the unit of its metric."""
    at = f"2026-10-{day:02d}T01:{minute:02d}:00Z"
    unit = METRICS[metric].unit
    return Reading(
        metric=metric, subject=subject, value=str(value), unit=unit, at=at, grade=Grade.REPORTED, sources=(SOURCE,)
    )


def on_day(day: int, readings: list[Reading]) -> list[Reading]:
    """Return the readings as of another day."""
    return [one.model_copy(update={"at": f"2026-10-{day:02d}{one.at[10:]}"}) for one in readings]


def device(asset: str, scope: str = "global", **states: str) -> list[Reading]:
    """Return what the collector says of a device that answers: `forwarding`, `v4`, `route`, `networks`, `visible`."""
    metrics = {
        "forwarding": "ipv6.forwarding",
        "v4": "ipv6.v4.forwarding",
        "route": "ipv6.default_route",
        "networks": "ipv6.v4.networks",
        "visible": "ipv6.visible",
        "table": "ipv6.table",
    }
    subject = f"asset:{asset}"
    readings = [told("ipv6.scope", subject, scope), told("collector.answer", f"ipv6:{asset}", "ok")]
    return readings + [told(metrics[name], subject, value) for name, value in states.items()]


def silent(asset: str, reason: str = "unreachable", collector: str = "ipv6") -> list[Reading]:
    """Return what stays of a device that did not answer."""
    return [told("collector.answer", f"{collector}:{asset}", reason)]


def vlan(asset: str, name: str, addresses: str = "", day: int = 1) -> list[Reading]:
    """Return an interface with an IPv4 network, and with IPv6 addresses if given."""
    subject = f"interface:{asset}/{name}"
    readings = [told("ipv6.v4.networks", subject, 1, day)]
    return [*readings, told("ipv6.addresses", subject, addresses, day)] if addresses else readings


def derived(readings: list[Reading], *links: Link, **method: str) -> Derived:
    """Derive over October."""
    assets = tuple(Asset(id=name, family="f", address="192.0.2.1") for name in ("fw", "core", "sw1"))
    campus = Campus(version="1", school=School(id="s", name="s"), assets=assets, links=links)
    found = DERIVATIONS["ipv6"](Readings(readings, WINDOW), campus, WINDOW, method)
    for reading in found.readings:
        metric = METRICS[reading.metric]
        assert (metric.derivation, metric.unit, reading.at) == ("ipv6", reading.unit, WINDOW.until)
        assert reading.sources
    return found


def layer(found: Derived, name: str) -> str | Reason:
    """Return the figure of a layer, or why it is open."""
    key = ("ipv6.layer", f"ipv6:{name}")
    if key in found.open:
        return found.open[key].reason
    return next(reading.value for reading in found.readings if (reading.metric, reading.subject) == key)


def share(found: Derived, name: str) -> str | None:
    """Return the share that belongs to a layer."""
    return next((r.value for r in found.readings if r.metric == f"ipv6.{name}.share"), None)


def test_every_layer_is_named_even_without_any_reading() -> None:
    """Nothing known is open, layer by layer, and never 0."""
    found = derived([], EGRESS, BACKBONE)
    assert {name: layer(found, name) for name in LAYERS} == {
        "egress": Reason.TOO_FEW_SAMPLES,
        "core": Reason.TOO_FEW_SAMPLES,
        "vlans": Reason.TOO_FEW_SAMPLES,
        "terminals": Reason.NO_TARGET,
        "traffic": Reason.TOO_FEW_SAMPLES,
    }
    assert found.readings == ()
    assert layer(derived([]), "egress") is Reason.NO_TARGET


# --- egress -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("readings", "verdict"),
    [
        (device("fw", route="present"), "1"),
        (device("fw", route="absent"), "0"),
        (device("fw", "unique-local", route="present"), "0"),
        (device("fw", "link-local", route="present"), "0"),
        (device("fw", "none", route="absent"), "0"),
        (device("fw"), Reason.UNSUPPORTED),
        (device("fw", "none", visible="no"), Reason.UNSUPPORTED),
        (device("fw", "link-local", table="partial"), Reason.TOO_FEW_SAMPLES),
        (silent("fw"), Reason.UNREACHABLE),
        (silent("fw", "refused"), Reason.REFUSED),
        (silent("fw", "unsupported"), Reason.UNSUPPORTED),
    ],
)
def test_the_egress(readings: list[Reading], verdict: str | Reason) -> None:
    """A global address and a default route; ULA or link-local alone is 0; what cannot be told is open."""
    assert layer(derived(readings, EGRESS), "egress") == verdict


def test_one_line_with_ipv6_is_enough() -> None:
    """A second line without, or silent, takes nothing away; two without are 0, one without and one silent are open."""
    other = Link(id="unicom", role="egress", asset="sw1", port="wan2")
    good, bad = device("fw", route="present"), device("fw", "none", route="absent")
    assert layer(derived([*good, *device("sw1", "none", route="absent")], EGRESS, other), "egress") == "1"
    assert layer(derived([*good, *silent("sw1")], EGRESS, other), "egress") == "1"
    assert layer(derived([*bad, *silent("sw1")], EGRESS, other), "egress") is Reason.UNREACHABLE
    assert layer(derived([*bad, *device("sw1", route="absent")], EGRESS, other), "egress") == "0"


def test_the_last_state_of_the_window_counts() -> None:
    """IPv6 that was switched on within the window is there."""
    readings = [*device("fw", "none", route="absent"), *on_day(20, device("fw", route="present"))]
    assert layer(derived(readings, EGRESS), "egress") == "1"


# --- core ---------------------------------------------------------------------------------------------------------

ROUTER = {"forwarding": "forwarding"}
V4_ONLY = {"forwarding": "not-forwarding", "v4": "forwarding", "networks": "4"}


@pytest.mark.parametrize(
    ("readings", "verdict"),
    [
        (device("core", **ROUTER), "1"),
        (device("core", "unique-local", **ROUTER), "0"),
        (device("core", **V4_ONLY), "0"),
        (device("core", v4="forwarding", networks="4"), Reason.UNSUPPORTED),
        (device("core", "link-local", v4="forwarding", networks="4"), "0"),
        (device("core", forwarding="not-forwarding", v4="forwarding", networks="1"), "0"),
        (silent("core"), Reason.UNREACHABLE),
    ],
)
def test_the_core(readings: list[Reading], verdict: str | Reason) -> None:
    """Routers forward IPv6 and have global addresses; one that only routes IPv4 refutes the layer."""
    assert layer(derived(readings, BACKBONE), "core") == verdict


def test_without_a_declared_backbone_routers_are_looked_for_everywhere() -> None:
    """Access switches with one address are no routers, and a silent one keeps nothing open."""
    switch = device("sw1", "link-local", forwarding="not-forwarding", v4="forwarding", networks="1")
    assert layer(derived([*device("core", **ROUTER), *switch, *silent("fw")]), "core") == "1"
    assert layer(derived([*switch, *silent("fw")]), "core") is Reason.UNREACHABLE


def test_a_silent_core_router_keeps_the_layer_open_unless_another_refutes_it() -> None:
    """Every router must have it: one without decides, one unknown does not."""
    other = Link(id="trunk2", role="backbone", asset="sw1", port="XGE2")
    assert layer(derived([*device("core", **ROUTER), *silent("sw1")], BACKBONE, other), "core") is Reason.UNREACHABLE
    assert layer(derived([*device("core", **V4_ONLY), *silent("sw1")], BACKBONE, other), "core") == "0"


# --- VLANs --------------------------------------------------------------------------------------------------------


def test_the_share_of_vlans() -> None:
    """A global /64 counts; a unique-local, a duplicate, a /48 and no address do not."""
    readings = [
        *device("core", **ROUTER, networks="5"),
        *vlan("core", "Vlanif10", "2d00:5c:1:10::1/64 fe80::1/64"),
        *vlan("core", "Vlanif20", "fd00:5c:1:20::1/64"),
        *vlan("core", "Vlanif30", "2d00:5c:1:30::1/64(duplicate)"),
        *vlan("core", "Vlanif40", "2d00:5c:2::1/48"),
        *vlan("core", "Vlanif50"),
    ]
    found = derived(readings, BACKBONE)
    assert (layer(found, "vlans"), share(found, "vlans")) == ("0", "20")
    assert layer(derived(readings, BACKBONE, vlans_share="20"), "vlans") == "1"
    assert share(derived(readings, BACKBONE, prefix_length="48"), "vlans") == "20"


def test_interfaces_without_terminals_are_no_vlans() -> None:
    """Egress ports, by any of their names, loopbacks and tunnels are left out; IPv6-only networks are in."""
    readings = [
        *device("core", **ROUTER, networks="3"),
        *vlan("core", "Vlanif10", "2d00:5c:1:10::1/64"),
        *vlan("core", "GE1"),
        told("interface.alias", "interface:core/GE1", "to telecom"),
        *vlan("core", "LoopBack0"),
        told("interface.type", "interface:core/LoopBack0", 24),
        told("ipv6.addresses", "interface:core/Vlanif60", "2d00:5c:1:60::1"),
    ]
    links = (BACKBONE, Link(id="t", role="egress", asset="core", port="to telecom"))
    found = derived(readings, *links)
    assert (layer(found, "vlans"), share(found, "vlans")) == ("1", "100")


def test_a_vlan_that_is_gone_does_not_count() -> None:
    """Only what the last conversation showed is there at the end of the window."""
    readings = [
        *device("core", **ROUTER, networks="2"),
        *vlan("core", "Vlanif10", "2d00:5c:1:10::1/64"),
        *vlan("core", "Vlanif20"),
        *on_day(9, device("core", **ROUTER, networks="1")),
        *vlan("core", "Vlanif10", "2d00:5c:1:10::1/64", day=9),
    ]
    assert share(derived(readings, BACKBONE), "vlans") == "100"
    lost = [*readings, *on_day(10, device("core", **ROUTER, networks="1")), *vlan("core", "Vlanif10", day=10)]
    assert share(derived(lost, BACKBONE), "vlans") == "0"


def test_terminals_stand_for_networks_that_a_router_does_not_list() -> None:
    """Without any list of IPv4 networks, interfaces with neighbours are the networks; without both, nobody knows."""
    readings = [*device("core", **ROUTER), told("ipv6.addresses", "interface:core/Vlanif10", "2d00:5c:1:10::1/64")]
    assert layer(derived(readings, BACKBONE), "vlans") is Reason.UNSUPPORTED
    readings += [told("census.addressed", f"interface:core/Vlanif{n}", n) for n in (0, 10, 20)]
    assert share(derived(readings, BACKBONE), "vlans") == "50"


def test_a_silent_router_keeps_the_share_open() -> None:
    """It may have any VLANs; one known VLAN without IPv6 refutes the layer all the same."""
    other = Link(id="trunk2", role="backbone", asset="sw1", port="XGE2")
    good = [*device("core", **ROUTER, networks="2"), *vlan("core", "Vlanif10", "2d00:5c:1:10::1/64"), *silent("sw1")]
    found = derived(good, BACKBONE, other)
    assert layer(found, "vlans") is Reason.UNREACHABLE
    assert share(found, "vlans") == "100"
    assert found.open["ipv6.vlans.share", "ipv6:vlans"].high == "100"
    assert layer(derived([*good, *vlan("core", "Vlanif20")], BACKBONE, other), "vlans") == "0"


# --- terminals ----------------------------------------------------------------------------------------------------

A, B, C = "48a9d2000001", "48a9d2000002", "48a9d2000003"


def port(name: str, *macs: str) -> list[Reading]:
    """Return terminals at an edge port."""
    subject = f"interface:{name}"
    return [told("census.macs", subject, len(macs)), told("census.terminals", subject, " ".join(macs))]


def test_the_share_of_terminals() -> None:
    """Terminals that a switch saw and a router knows an address of; two devices, so it is corroborated."""
    readings = [*port("sw1/GE1", A, B, C), told("census.neighbours", "interface:core/Vlanif10", f"{A}=4g {B}=4u")]
    found = derived(readings)
    assert (layer(found, "terminals"), share(found, "terminals")) == ("1", "50")
    assert {r.grade for r in found.readings if r.subject == "ipv6:terminals"} == {Grade.CORROBORATED}
    assert layer(derived(readings, terminals_share="50.1"), "terminals") == "0"


def test_one_device_alone_is_its_own_word() -> None:
    """A core switch that shows both ports and addresses corroborates nothing."""
    readings = [*port("core/GE1", A, B), told("census.neighbours", "interface:core/Vlanif10", f"{A}=4g {B}=4u")]
    assert {r.grade for r in derived(readings).readings} == {Grade.REPORTED}


def test_without_forwarding_tables_the_routers_count() -> None:
    """Neighbours of routers by number, where no switch shows its ports."""
    readings = [
        told("census.addressed", "interface:core/Vlanif10", 3000),
        told("census.addressed.ipv6_global", "interface:core/Vlanif10", 2250),
    ]
    assert share(derived(readings), "terminals") == "75"
    assert layer(derived(silent("core", collector="census")), "terminals") is Reason.UNREACHABLE


# --- traffic ------------------------------------------------------------------------------------------------------


def counters(asset: str, version: str, *octets: int, name: str = "octets.in") -> list[Reading]:
    """Return a counter day by day, with the uptime read a minute before."""
    subject = f"asset:{asset}"
    readings = [told(f"ipv6.{version}.{name}", subject, value, day, 1) for day, value in enumerate(octets, 1)]
    return readings + [told("ipv6.uptime", subject, day * 8_640_000, day) for day in range(1, len(octets) + 1)]


def test_the_share_of_traffic() -> None:
    """What was carried between readings, not what stands on the counters."""
    readings = [*counters("fw", "v4", 10**12, 10**12 + 700), *counters("fw", "v6", 10**12, 10**12 + 300)]
    found = derived(readings, EGRESS)
    assert (layer(found, "traffic"), share(found, "traffic")) == ("1", "30")
    assert layer(derived(readings, EGRESS, traffic_share="31"), "traffic") == "0"


@pytest.mark.parametrize(
    ("readings", "verdict"),
    [
        ([*counters("fw", "v4", 5, 5), *counters("fw", "v6", 5, 5)], Reason.TOO_FEW_SAMPLES),
        ([*counters("fw", "v4", 5), *counters("fw", "v6", 5)], Reason.TOO_FEW_SAMPLES),
        (counters("fw", "v4", 5, 9), Reason.UNSUPPORTED),
        (device("fw"), Reason.UNSUPPORTED),
        (silent("fw"), Reason.UNREACHABLE),
        ([*counters("fw", "v4", 0, 900), *counters("fw", "v6", 0, 0)], "0"),
        ([*counters("fw", "v4", 0, 900), *counters("fw", "v6", 50, 0, 50)], "1"),
    ],
    ids=["nothing moved", "one reading", "one version", "no counters", "silent", "no v6", "reset is left out"],
)
def test_traffic_that_cannot_be_told(readings: list[Reading], verdict: str | Reason) -> None:
    """Counters that never moved, or of one version alone, say nothing; v6 that stood still beside busy v4 is 0."""
    assert layer(derived(readings, EGRESS), "traffic") == verdict


def test_packets_stand_in_for_octets() -> None:
    """A device that counts packets only is still heard, and routers are where the egress is not."""
    readings = [*device("core", **ROUTER), *counters("core", "v4", 0, 90, name="packets.in")]
    readings += counters("core", "v6", 0, 10, name="packets.in")
    assert share(derived(readings, EGRESS, BACKBONE), "traffic") == "10"


# --- as a whole ---------------------------------------------------------------------------------------------------


def test_from_recordings() -> None:
    """A recorded core switch: forwarding, one of its two VLANs with terminals, half of its terminals with IPv6."""
    readings, _ = converse(RecordingTransport(read(OURS / "network-core.snmprec")), ("interfaces", "ipv6", "census"))
    campus = Campus(version="1", school=School(id="s", name="s"), assets=(Asset(id="sw1", family="f", address="::1"),))
    window = Window(since="2020-01-01T00:00:00Z", until="2100-01-01T00:00:00Z")
    found = DERIVATIONS["ipv6"](Readings(readings, window), campus, window, {})
    assert {name: layer(found, name) for name in LAYERS} == {
        "egress": Reason.NO_TARGET,
        "core": "1",
        "vlans": "1",
        "terminals": "1",
        "traffic": Reason.TOO_FEW_SAMPLES,
    }
    assert share(found, "terminals") == "50"


def test_damage_is_our_error() -> None:
    """A setting that does not exist and an address that is none are told as such."""
    with pytest.raises(ConfigError):
        derived([], share="1")
    with pytest.raises(ConfigError):
        derived([], vlans_share="all")
    with pytest.raises(MalformedError):
        derived([*device("core", **ROUTER, networks="2"), *vlan("core", "Vlanif10", "2d00::zz/64")], BACKBONE)


STATES = st.fixed_dictionaries(
    {},
    optional={
        "forwarding": st.sampled_from(["forwarding", "not-forwarding"]),
        "v4": st.sampled_from(["forwarding", "not-forwarding"]),
        "route": st.sampled_from(["present", "absent"]),
        "networks": st.sampled_from(["0", "1", "2"]),
        "visible": st.sampled_from(["yes", "no"]),
        "table": st.sampled_from(["complete", "partial"]),
    },
)
SCOPES = st.sampled_from(["global", "unique-local", "link-local", "none"])
DEVICES = st.dictionaries(st.sampled_from(["fw", "core", "sw1"]), st.tuples(SCOPES, STATES))


@given(DEVICES, st.booleans())
def test_every_layer_has_exactly_one_answer(devices: dict[str, tuple[str, dict[str, str]]], declared: bool) -> None:
    """Whatever devices say, in any order: each layer is 1, 0 or open, and 1 never without a global address."""
    readings = [one for asset, (scope, states) in devices.items() for one in device(asset, scope, **states)]
    links = (EGRESS, BACKBONE) if declared else (EGRESS,)
    found = derived(readings, *links)
    assert derived(readings[::-1], *links) == found
    for name in LAYERS:
        known = [r.value for r in found.readings if (r.metric, r.subject) == ("ipv6.layer", f"ipv6:{name}")]
        assert len(known) + (("ipv6.layer", f"ipv6:{name}") in found.open) == 1
        assert set(known) <= {"0", "1"}
    if not any(scope == "global" for scope, _ in devices.values()):
        assert "1" not in {layer(found, "egress"), layer(found, "core")}
