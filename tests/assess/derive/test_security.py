"""Security functions: what puts one in place, how sure that is, and what leaves it open."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import canonical
from agent.assess.derive import DERIVATIONS
from agent.assess.samples import Readings
from agent.clock import parse_time, time_text
from agent.errors import ConfigError, MalformedError
from agent.model.asset import Asset
from agent.model.campus import Campus, Link, School
from agent.model.finding import Reason, Window
from agent.model.reading import Grade, Reading
from agent.packs.load import config_directory, load_metrics

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agent.assess.derive.derived import Derived, Open

METRICS = load_metrics(config_directory())
WINDOW = Window(since="2026-10-01T00:00:00Z", until="2026-10-30T00:00:00Z")
EGRESS = Link(id="telecom", role="egress", asset="core", port="XGE1")
GIGABYTE = 10**9
FUNCTIONS = (
    *("firewall", "antivirus", "intrusion-prevention", "traffic-management", "behaviour-management"),
    *("waf", "log-audit", "vulnerability-scan", "content-filter"),
)


def asset(name: str, *functions: str, address: str = "") -> Asset:
    """Return an asset that the school declares for functions."""
    data = {"id": name, "family": "x", "address": address or f"{name}.test", "functions": functions}
    return Asset.model_validate(data)


CORE = asset("core")


def told(metric: str, subject: str, value: object, hour: int = 0) -> Reading:
    """Return a reading so many hours after the window began, citing an exchange of its own."""
    at = time_text(parse_time(WINDOW.since) + timedelta(hours=hour))
    source = canonical.digest(f"{metric} {subject} {hour}".encode())
    return Reading(
        metric=metric,
        subject=subject,
        value=str(value),
        unit=METRICS[metric].unit,
        at=at,
        grade=Grade.REPORTED,
        sources=(source,),
    )


def answers(name: str, *states: str) -> list[Reading]:
    """Return what the conversations with an asset came to, one an hour."""
    return [told("collector.answer", f"security:{name}", state, hour) for hour, state in enumerate(states)]


def counter(name: str, function: str, *values: int, metric: str = "security.detected") -> list[Reading]:
    """Return a counter of a function, one value an hour."""
    return [told(metric, f"function:{name}/{function}", value, hour) for hour, value in enumerate(values)]


def state(name: str, function: str, value: str, hour: int = 0) -> Reading:
    """Return what a device says of a function."""
    return told("security.state", f"function:{name}/{function}", value, hour)


def port(name: str, key: str, *octets: int, kind: int = 6) -> list[Reading]:
    """Return the received octets of a port, one sample an hour."""
    subject = f"interface:{name}/{key}"
    return [
        told("interface.type", subject, kind),
        *(told("interface.octets.in", subject, value, hour) for hour, value in enumerate(octets)),
    ]


def egress(*octets: int, offset: int = 0) -> list[Reading]:
    """Return octets of the egress link, as many in each direction."""
    return [
        told(f"link.octets.{way}", "egress:telecom", value, hour + offset)
        for way in ("in", "out")
        for hour, value in enumerate(octets)
    ]


def derive(
    assets: Sequence[Asset], readings: Iterable[Reading], links: Sequence[Link] = (EGRESS,), **method: str
) -> Derived:
    """Derive over the window."""
    campus = Campus(version="1", school=School(id="s", name="s"), assets=(CORE, *assets), links=tuple(links))
    return DERIVATIONS["security"](Readings(readings, WINDOW), campus, WINDOW, method)


def figure(derived: Derived, function: str, metric: str = "security.function") -> tuple[str, str] | None:
    """Return value and grade, None where there is no reading."""
    found = [one for one in derived.readings if (one.metric, one.subject) == (metric, f"security:{function}")]
    assert len(found) <= 1
    return (found[0].value, found[0].grade.value) if found else None


def why(derived: Derived, function: str, metric: str = "security.function") -> Open | None:
    """Return why a figure is open."""
    return derived.open.get((metric, f"security:{function}"))


def test_every_function_is_named_also_one_of_which_nothing_is_known() -> None:
    """A school without any device gets nine open figures: nothing declared and nothing seen is no target, not 0."""
    derived = derive([], [])
    assert derived.readings == ()
    for function in FUNCTIONS:
        found = why(derived, function)
        assert found is not None
        assert found.reason is Reason.NO_TARGET
    assert set(derived.open) == {("security.function", f"security:{function}") for function in FUNCTIONS} | {
        ("security.signature_age", "security:antivirus"),
        ("security.signature_age", "security:intrusion-prevention"),
    }


def test_a_declared_function_whose_counters_move_is_corroborated() -> None:
    """The school's word and the device's counters are two sources that agree; the readings that show it are cited."""
    moving = counter("fw", "antivirus", 5, 5, 7)
    derived = derive([asset("fw", "antivirus")], [*answers("fw", "ok"), state("fw", "antivirus", "present"), *moving])
    assert figure(derived, "antivirus") == ("1", "corroborated")
    assert why(derived, "antivirus") is None
    (reading,) = [one for one in derived.readings if one.subject == "security:antivirus"]
    assert set(moving[1].sources + moving[2].sources) <= set(reading.sources)
    assert reading.at == WINDOW.until


def test_an_undeclared_function_that_is_seen_counts_as_the_device_s_word() -> None:
    """Nobody but the device says so."""
    readings = [*answers("fw", "ok"), state("fw", "antivirus", "present"), *counter("fw", "antivirus", 5, 7)]
    assert figure(derive([asset("fw")], readings), "antivirus") == ("1", "reported")


def test_counters_at_rest_prove_nothing() -> None:
    """A device that counts no viruses in a month has none, or looks for none: declared is the best it comes to."""
    readings = [*answers("fw", "ok"), state("fw", "antivirus", "present"), *counter("fw", "antivirus", 0, 0, 0)]
    assert figure(derive([asset("fw", "antivirus")], readings), "antivirus") == ("1", "declared")
    undeclared = derive([asset("fw")], readings)
    assert figure(undeclared, "antivirus") is None
    assert why(undeclared, "antivirus") is not None


def test_a_restart_is_no_movement() -> None:
    """A counter that falls to 0 and stays there has not moved."""
    readings = [*answers("fw", "ok"), state("fw", "antivirus", "present"), *counter("fw", "antivirus", 9, 0, 0)]
    assert figure(derive([asset("fw", "antivirus")], readings), "antivirus") == ("1", "declared")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_cannot_be_measured_is_never_better_than_declared(function: str) -> None:
    """A device that answers and cannot tell leaves the school's word, graded as that."""
    readings = [*answers("box", "ok", "ok"), state("box", function, "not-measurable")]
    derived = derive([asset("box", function)], readings)
    assert figure(derived, function) == ("1", "declared")
    (reading,) = [one for one in derived.readings if one.metric == "security.function"]
    assert reading.sources


def test_octets_in_the_path_do_not_lift_a_bare_word() -> None:
    """That traffic passes a box does not show what the box does with it."""
    readings = [
        *answers("box", "ok"),
        state("box", "behaviour-management", "not-measurable"),
        *port("box", "eth1", 0, 2 * GIGABYTE),
        *egress(0, GIGABYTE),
    ]
    assert figure(derive([asset("box", "behaviour-management")], readings), "behaviour-management") == ("1", "declared")


def test_a_device_that_says_that_it_rests_is_a_0() -> None:
    """A declared function that its device calls stopped is not in place."""
    readings = [*answers("fw", "ok"), state("fw", "intrusion-prevention", "inactive")]
    derived = derive([asset("fw", "intrusion-prevention")], readings)
    assert figure(derived, "intrusion-prevention") == ("0", "reported")
    assert why(derived, "intrusion-prevention") is None


@pytest.mark.parametrize(
    ("states", "reason"),
    [
        (("unreachable", "unreachable", "ok"), Reason.UNREACHABLE),
        (("deadline", "deadline"), Reason.UNREACHABLE),
        (("refused", "refused"), Reason.REFUSED),
        ((), Reason.TOO_FEW_SAMPLES),
    ],
)
def test_a_silent_device_is_open_and_never_0(states: tuple[str, ...], reason: Reason) -> None:
    """An outage proves neither; the figure may still be anything."""
    derived = derive([asset("fw", "firewall")], answers("fw", *states))
    found = why(derived, "firewall")
    assert found is not None
    assert (found.reason, found.low, found.high) == (reason, "0", "1")
    assert figure(derived, "firewall") is None


def test_a_short_outage_changes_nothing() -> None:
    """Most conversations were answered."""
    readings = [*answers("fw", "ok", "unreachable", "ok"), *counter("fw", "firewall", 1, 2, metric="security.blocked")]
    assert figure(derive([asset("fw", "firewall")], readings), "firewall") == ("1", "corroborated")


def test_the_best_device_decides() -> None:
    """One dead firewall and one that works are a firewall; a resting one beside a silent one is still open."""
    pair = [asset("a", "firewall"), asset("b", "firewall")]
    works = [*answers("a", "unreachable"), *answers("b", "ok")]
    works += [told("security.sessions", "asset:b", value, hour) for hour, value in enumerate((310, 290))]
    assert figure(derive(pair, works), "firewall") == ("1", "corroborated")
    rests = [*answers("a", "unreachable"), *answers("b", "ok"), state("b", "firewall", "inactive")]
    found = why(derive(pair, rests), "firewall")
    assert found is not None
    assert found.reason is Reason.UNREACHABLE


def test_command_line_and_snmp_of_one_address_are_one_device() -> None:
    """Signatures that only the command line knows show the function of the device that was declared under SNMP."""
    pair = [asset("fw", "intrusion-prevention", address="10.0.0.1"), asset("fw-cli", address="10.0.0.1")]
    readings = [
        *answers("fw", "ok"),
        *answers("fw-cli", "ok"),
        state("fw", "intrusion-prevention", "not-measurable"),
        told("appliance.signature.age", "signature:fw-cli/IPS-DB", 12),
    ]
    derived = derive(pair, readings)
    assert figure(derived, "intrusion-prevention") == ("1", "reported")
    assert figure(derived, "intrusion-prevention", "security.signature_age") == ("12", "reported")


@pytest.mark.parametrize(("policies", "grade"), [(2, "reported"), (0, "declared")])
def test_policies_that_shape_traffic_show_its_management(policies: int, grade: str) -> None:
    """What a command line lists is the device's word; an empty list leaves the school's."""
    counted = told("appliance.policies", "policy:fw/traffic-management", policies)
    derived = derive([asset("fw", "traffic-management")], [*answers("fw", "ok"), counted])
    assert figure(derived, "traffic-management") == ("1", grade)


SIGNS = {
    "running": state("fw", "intrusion-prevention", "active"),
    "updates in order": told("security.update", "function:fw/intrusion-prevention", "up-to-date"),
    "fresh signatures": told("security.signature.age", "function:fw/intrusion-prevention", 90),
}


@pytest.mark.parametrize("sign", SIGNS)
def test_signs_of_life_are_the_device_s_word(sign: str) -> None:
    """Without a moving counter the device says that it works, and nobody else does."""
    derived = derive([asset("fw", "intrusion-prevention")], [*answers("fw", "ok"), SIGNS[sign]])
    assert figure(derived, "intrusion-prevention") == ("1", "reported")


def test_a_new_version_in_the_window_is_a_sign_of_life() -> None:
    """Signatures without a date that change are updated."""
    versions = [
        told("security.signature.version", "function:fw/antivirus", value, hour) for hour, value in enumerate("113")
    ]
    readings = [*answers("fw", "ok"), state("fw", "antivirus", "present"), *versions]
    assert figure(derive([asset("fw", "antivirus")], readings), "antivirus") == ("1", "reported")
    assert figure(derive([asset("fw", "antivirus")], readings[:-1]), "antivirus") == ("1", "declared")


def test_old_signatures_are_no_sign_of_life() -> None:
    """Above the setting they are shown as what they are, and prove no working function."""
    readings = [
        *answers("fw", "ok"),
        state("fw", "antivirus", "present"),
        told("security.signature.age", "function:fw/antivirus", 91),
    ]
    device = [asset("fw", "antivirus")]
    assert figure(derive(device, readings), "antivirus") == ("1", "declared")
    assert figure(derive(device, readings, signature_days="91"), "antivirus") == ("1", "reported")
    assert figure(derive(device, readings), "antivirus", "security.signature_age") == ("91", "reported")


def test_the_oldest_signatures_count_each_as_last_read() -> None:
    """An update in the window counts; of two devices the worse one decides."""
    readings = [
        *answers("a", "ok"),
        *answers("b", "ok"),
        told("security.signature.age", "function:a/antivirus", 300, 0),
        told("security.signature.age", "function:a/antivirus", 2, 5),
        told("security.signature.age", "function:b/antivirus", 8, 1),
    ]
    derived = derive([asset("a", "antivirus"), asset("b", "antivirus")], readings)
    assert figure(derived, "antivirus", "security.signature_age") == ("8", "reported")


def test_signatures_that_no_device_dates_are_open() -> None:
    """Not measurable is said as unsupported; a silent device as unreachable."""
    device = [asset("fw", "antivirus")]
    found = why(derive(device, answers("fw", "ok")), "antivirus", "security.signature_age")
    assert found is not None
    assert found.reason is Reason.UNSUPPORTED
    found = why(derive(device, answers("fw", "unreachable")), "antivirus", "security.signature_age")
    assert found is not None
    assert found.reason is Reason.UNREACHABLE


# --- in the path -----------------------------------------------------------------------------------------------------

LIVING = [*answers("fw", "ok"), state("fw", "firewall", "active"), told("security.mib", "asset:fw", "SOME-MIB")]


@pytest.mark.parametrize(
    ("passed", "grade", "open_"),
    [
        (2.0, "corroborated", None),
        (1.9, "corroborated", None),
        (3.0, "corroborated", None),
        (1.7, "reported", None),
        (3.2, "reported", None),
        (0.9, "reported", Reason.CONTRADICTED),
        (0.0, "reported", Reason.CONTRADICTED),
    ],
)
def test_octets_through_the_device_against_the_egress(passed: float, grade: str, open_: Reason | None) -> None:
    """Agreement corroborates, much more at the egress than in the device contradicts, all between changes nothing."""
    octets = int(passed * GIGABYTE)
    readings = [*LIVING, *port("fw", "lan", 0, octets // 2), *port("fw", "wan", 0, octets - octets // 2)]
    derived = derive([asset("fw", "firewall")], [*readings, *egress(0, GIGABYTE)])
    found = why(derived, "firewall")
    assert (found.reason if found else None) is open_
    assert figure(derived, "firewall") == ("1", grade)


def test_traffic_moving_a_counter_does_not_save_a_contradicted_device() -> None:
    """A firewall beside the path that sees a little traffic is not the campus's firewall."""
    readings = [*answers("fw", "ok"), *counter("fw", "firewall", 1, 5, metric="security.blocked")]
    readings += [*port("fw", "lan", 0, GIGABYTE // 100), *egress(0, GIGABYTE)]
    derived = derive([asset("fw", "firewall")], readings)
    found = why(derived, "firewall")
    assert found is not None
    assert (found.reason, found.low, found.high) == (Reason.CONTRADICTED, "0", "1")
    assert figure(derived, "firewall") == ("1", "reported")


def test_a_pair_shares_the_traffic() -> None:
    """Of two firewalls that are in use by turns, the octets add up."""
    pair = [asset("fw", "firewall"), asset("fw2", "firewall")]
    readings = [*LIVING, *answers("fw2", "ok"), *port("fw", "a", 0, GIGABYTE), *port("fw2", "a", 0, GIGABYTE)]
    assert figure(derive(pair, [*readings, *egress(0, GIGABYTE)]), "firewall") == ("1", "corroborated")


def test_antivirus_on_hosts_contradicts_nothing() -> None:
    """A console of antivirus for hosts sees no traffic, and that is right."""
    readings = [*answers("av", "ok"), *counter("av", "antivirus", 1, 2)]
    readings += [*port("av", "eth0", 0, GIGABYTE // 100), *egress(0, GIGABYTE)]
    derived = derive([asset("av", "antivirus")], readings)
    assert why(derived, "antivirus") is None
    assert figure(derived, "antivirus") == ("1", "corroborated")


@pytest.mark.parametrize("function", ["waf", "log-audit", "vulnerability-scan"])
def test_functions_beside_the_path_are_not_asked_for_traffic(function: str) -> None:
    """A log store carries no Internet traffic."""
    readings = [*answers("box", "ok"), state("box", function, "active"), *port("box", "eth0", 0, 5)]
    derived = derive([asset("box", function)], [*readings, *egress(0, GIGABYTE)])
    assert why(derived, function) is None
    assert figure(derived, function) == ("1", "reported")


NEUTRAL = {
    "the egress is a port of the device itself": ([EGRESS.model_copy(update={"asset": "fw"})], []),
    "no egress is watched": ([], []),
    "32-bit counters at the egress": ([EGRESS], [told("link.counter_bits", "egress:telecom", 32)]),
    "a second egress without counters": ([EGRESS, EGRESS.model_copy(update={"id": "mobile"})], []),
}


@pytest.mark.parametrize("name", NEUTRAL)
def test_where_the_path_cannot_be_told_nothing_changes(name: str) -> None:
    """No proof without independent counters of the whole egress, and no contradiction either."""
    links, more = NEUTRAL[name]
    for octets in (0, 2 * GIGABYTE):
        readings = [*LIVING, *port("fw", "lan", 0, octets), *egress(0, GIGABYTE), *more]
        derived = derive([asset("fw", "firewall")], readings, links)
        assert figure(derived, "firewall") == ("1", "reported")
        assert why(derived, "firewall") is None


def test_little_traffic_proves_nothing() -> None:
    """A night of a few octets is no measure."""
    readings = [*LIVING, *port("fw", "lan", 0, 0), *egress(0, 4_000_000)]
    derived = derive([asset("fw", "firewall")], readings)
    assert figure(derived, "firewall") == ("1", "reported")
    assert why(derived, "firewall") is None


def test_a_restart_leaves_its_time_out() -> None:
    """Octets before and after count, the hour in which counters fell does not."""
    device = port("fw", "lan", 0, 2 * GIGABYTE, 5, 2 * GIGABYTE + 5)
    carried = egress(0, GIGABYTE, 50 * GIGABYTE, 51 * GIGABYTE)
    derived = derive([asset("fw", "firewall")], [*LIVING, *device, *carried])
    assert figure(derived, "firewall") == ("1", "corroborated")


def test_octets_are_counted_at_ports_once() -> None:
    """An aggregate and VLAN interfaces repeat what their ports received."""
    ports = [
        *port("fw", "ge1", 0, 2 * GIGABYTE),
        *port("fw", "ge1.100", 0, 2 * GIGABYTE),
        *port("fw", "bond0", 0, 2 * GIGABYTE, kind=161),
        *port("fw", "vlan7", 0, 2 * GIGABYTE, kind=135),
    ]
    derived = derive([asset("fw", "firewall")], [*LIVING, *ports, *egress(0, GIGABYTE)])
    assert figure(derived, "firewall") == ("1", "corroborated")


@given(
    st.lists(st.tuples(st.integers(0, GIGABYTE), st.integers(0, GIGABYTE)), min_size=2, max_size=12),
    st.integers(0, 5),
)
def test_whatever_the_counters_the_figures_are_bounded(steps: list[tuple[int, int]], offset: int) -> None:
    """Any counters at any hours give at most one figure and one reason, the figure 1 and never `measured`."""
    device = port("fw", "lan", *(first for first, _ in steps))
    carried = egress(*(second for _, second in steps), offset=offset)
    derived = derive([asset("fw", "firewall")], [*LIVING, *device, *carried])
    value = figure(derived, "firewall")
    assert value in {("1", "reported"), ("1", "corroborated")}
    if why(derived, "firewall") is not None:
        assert value == ("1", "reported")


@given(st.integers(1, 30), st.integers(1, 20))
def test_samples_at_other_times_agree(minutes: int, hours: int) -> None:
    """An even flow that two devices count at different moments is the same flow."""
    rate = GIGABYTE
    device = port("fw", "lan", *(2 * rate * hour for hour in range(hours + 4)))
    shift = timedelta(minutes=minutes)
    carried = [
        one.model_copy(
            update={
                "at": time_text(parse_time(one.at) + shift),
                "value": str(int(one.value) + rate * minutes // 60),
            }
        )
        for one in egress(*(rate * hour for hour in range(hours + 4)))
    ]
    derived = derive([asset("fw", "firewall")], [*LIVING, *device, *carried])
    assert figure(derived, "firewall") == ("1", "corroborated")


def test_settings_and_readings_are_checked() -> None:
    """A setting that does not exist and a counter that is no number are faults, not figures."""
    with pytest.raises(ConfigError):
        derive([], [], tolerance="0.1")
    bad = counter("fw", "antivirus", 1, 2)
    bad[1] = bad[1].model_copy(update={"value": "many"})
    with pytest.raises(MalformedError):
        derive([asset("fw", "antivirus")], [*answers("fw", "ok"), *bad])
