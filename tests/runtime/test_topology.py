"""What a sweep means: one device or two, which link is which, and names that say nothing about a person."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.model.reading import Grade, Reading
from agent.runtime.discover import Found
from agent.runtime.networks import parse_networks
from agent.runtime.topology import asset_id, clashes, devices, edges, unanswered

SOURCE = "sha256:" + "a" * 64


def reading(metric: str, subject: str, value: str) -> Reading:
    """A reading."""
    return Reading(
        metric=metric,
        subject=subject,
        value=value,
        unit="",
        at="2026-11-22T00:00:00.000Z",
        grade=Grade.REPORTED,
        sources=(SOURCE,),
    )


def found(address: str, name: str = "sw", *, chassis: str = "", own: set[str] | None = None, **values: str) -> Found:
    """A device that answered, with own addresses and readings by metric (dots as two underscores)."""
    readings = [reading(metric.replace("__", "."), "asset:device", value) for metric, value in values.items()]
    if chassis:
        readings.append(reading("neighbours.chassis", "asset:device", chassis))
    return Found(address, "c", "1.3.6.1.4.1.2011.2.23.291", "x", name, tuple(readings), frozenset(own or ()))


def seeing(one: Found, *rows: tuple[str, str, str], kind: str = "network", address: str = "") -> Found:
    """The device with neighbours: own port, their chassis, their port."""
    readings = list(one.readings)
    for own, chassis, far in rows:
        subject = f"neighbour:device/{own}@{chassis}"
        told = {"kind": kind, "port": own, "chassis": chassis, "remote_port": far, "address": address}
        readings += [reading(f"neighbour.{key}", subject, value) for key, value in told.items() if value]
    return Found(one.address, one.credentials, one.object_id, one.description, one.name, tuple(readings), one.own)


def test_a_router_that_answers_at_every_vlan_is_one_device() -> None:
    """Answers at several own addresses give one asset with all of them, whoever of them lists the others."""
    made = devices(
        [found("10.0.0.1", "core", own={"10.0.0.1", "10.0.1.1"}), found("10.0.9.1"), found("10.0.1.1", "core")]
    )
    assert [one.addresses for one in made] == [("10.0.0.1", "10.0.1.1"), ("10.0.9.1",)]
    made = devices([found("10.0.0.1", "core"), found("10.0.1.1", "core", own={"10.0.0.1"})])
    assert [one.addresses for one in made] == [("10.0.0.1", "10.0.1.1")]


def test_devices_that_own_the_same_default_address_stay_two() -> None:
    """A factory address on every management port joins nothing, and neither does loopback."""
    both = {"192.168.1.253", "127.0.0.1"}
    made = devices([found("10.0.0.1", own=both), found("10.0.0.2", own=both)])
    assert [one.id for one in made] == ["sw", "sw-10-0-0-2"]


def test_an_address_behind_translation_joins_no_other_kind_of_device() -> None:
    """Another device that answers where a router claims an address is not the router."""
    made = devices([found("10.0.0.1", "core", own={"10.0.1.1"}), found("10.0.1.1", "printer")])
    assert len(made) == 2


def test_clashes_are_of_devices_not_of_addresses() -> None:
    """One device at two addresses does not clash with itself; a clone does; placeholders clash with nobody."""
    one: dict[str, Any] = {"identity__engine": "~serial-1", "chassis__serial": "~serial-9"}
    same = [found("10.0.0.1", "core", own={"10.0.1.1"}, **one), found("10.0.1.1", "core", **one)]
    assert clashes(devices(same)) == []
    clone = [*same, found("10.0.0.7", "clone", **one)]
    told = clashes(devices(clone), frozenset({"~serial-9"}))
    assert [(clash.kind, clash.devices) for clash in told] == [("engine", ("core", "clone"))]
    assert len(clashes(devices(clone))) == 2


def test_parallel_links_are_paired_by_their_ports() -> None:
    """Two cables between two switches are two links, each with the right ports at both ends."""
    core = seeing(found("10.0.0.1", "core", chassis="c1"), ("X1", "c2", "G1"), ("X2", "c2", "G2"))
    access = seeing(found("10.0.0.2", "access", chassis="c2"), ("G2", "c1", "X2"), ("G1", "c1", "X1"))
    told = [(one.near, one.near_port, one.far, one.far_port, one.both) for one in edges(devices([core, access]))]
    assert told == [("access", "G1", "core", "X1", True), ("access", "G2", "core", "X2", True)]


def test_ends_that_spell_ports_differently_are_one_link_when_there_is_only_one() -> None:
    """A port that one end names by its MAC address and the other by its name is still one cable."""
    core = seeing(found("10.0.0.1", "core", chassis="c1"), ("X1", "c2", "aa:bb"))
    access = seeing(found("10.0.0.2", "access", chassis="c2"), ("G1", "c1", "local 7"))
    assert [(one.near_port, one.far_port, one.both) for one in edges(devices([core, access]))] == [("G1", "X1", True)]


def test_a_chassis_that_two_devices_claim_matches_neither() -> None:
    """Clones do not get each other's links; the management address still decides."""
    a, b = found("10.0.0.2", "a", chassis="c2"), found("10.0.0.3", "b", chassis="c2")
    core = found("10.0.0.1", "core", chassis="c1")
    assert edges(devices([seeing(core, ("X1", "c2", "G1")), a, b])) == []
    told = edges(devices([seeing(core, ("X1", "c2", "G1"), address="10.0.0.3"), a, b]))
    assert [(one.far, one.rule) for one in told] == [("b", "address")]


def test_unanswered_are_inside_the_networks_and_told_once() -> None:
    """A silent neighbour seen by two devices is one line; one outside the networks is none of this sweep's business."""
    networks = parse_networks(["10.0.0.0/24"])
    a = seeing(found("10.0.0.1", "a"), ("X1", "c9", "G1"), address="10.0.0.9 fd00::9")
    b = seeing(found("10.0.0.2", "b"), ("X1", "c9", "G2"), address="10.0.0.9")
    c = seeing(found("10.0.0.3", "c"), ("X1", "c8", "G2"), address="10.9.0.9")
    told = unanswered(devices([a, b, c]), networks)
    assert [(neighbour.addresses, device.id) for neighbour, device in told] == [(("10.0.0.9",), "a")]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("core-sw1.school.edu.cn", "core-sw1"),
        ("SW-1.2F", "SW-1.2F"),
        ("AP 4c:1f:cc:00:00:02", "AP"),
        ("4c1fcc000002", "device-10-0-0-1"),
        ("4c1f.cc00.0002", "device-10-0-0-1"),
        ("核心交换机", "device-10-0-0-1"),
        ("教学楼 A/2F", "A-2F"),
        ("", "device-10-0-0-1"),
        ("192.168.1.1", "device-10-0-0-1"),
        ("../../etc/passwd", "etc-passwd"),
        ("<private>", "private"),
        ("zhang@school", "zhang-school"),
    ],
)
def test_asset_ids_are_device_names_made_safe(name: str, wanted: str) -> None:
    """An id is plain ASCII without domain, MAC address or path; where nothing is left, the address names the device."""
    assert asset_id(name, "10.0.0.1") == wanted


@given(st.text(max_size=300))
def test_any_name_gives_an_id_that_the_vocabulary_takes(name: str) -> None:
    """Whatever a device calls itself, the proposal stays a valid campus file."""
    from agent.model.asset import Asset

    made = Asset(id=asset_id(name, "fd00::1"), family="generic-snmp", address="fd00::1")
    assert made.to_bytes().isascii()


def test_a_thousand_clones_are_understood_in_a_second() -> None:
    """Work grows with the number of devices, not with its square."""
    import time

    many = [
        seeing(
            found(f"10.1.{at // 250}.{at % 250 + 1}", "HUAWEI", chassis=f"c{at}"),
            (f"X{at}", f"c{(at + 1) % 1000}", "G"),
        )
        for at in range(1000)
    ]
    began = time.perf_counter()
    made = devices(many)
    assert len(edges(made)) == 1000
    assert len({one.id for one in made}) == 1000
    assert time.perf_counter() - began < 5
