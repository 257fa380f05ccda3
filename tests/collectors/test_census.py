"""The census collector: which terminals sit where, on recorded devices, on odd ones and on very large ones."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from agent.collectors import census
from agent.collectors.census import MOST_LISTED
from agent.collectors.forwarding import BRIDGE_PORTS, FDB_PORT, FDB_STATUS, MOST_AT_A_PORT, MOST_VLANS, VLANS, VTP_STATE
from agent.lab.snmp.recording import Cell, Recording
from tests.collectors.network import OURS, RECORDINGS, lines, must_fit_the_metrics, needs_shared, readings_of
from tests.collectors.recorded import RecordingTransport, cell, converse, value
from tests.collectors.test_ipv6 import CORE, Breaking

if TYPE_CHECKING:
    from pathlib import Path

    from agent.model.exchange import Request
    from agent.model.reading import Reading

GOLDEN = sorted(OURS.glob("network-*.snmprec"))
BASE_PORT = BRIDGE_PORTS.columns[0].oid


def mac(number: int, *, first: int = 0x48) -> bytes:
    """Return the n-th MAC address of a maker."""
    return bytes((first, 0xA9, 0xD2)) + number.to_bytes(3, "big")


def learned(address: bytes, port: int, *, vlan: int = 1, status: int = 3) -> list[Cell]:
    """Return the row of an address in dot1qTpFdbTable."""
    index = f"{vlan}." + ".".join(map(str, address))
    return [cell(f"{FDB_PORT}.{index}", port), cell(f"{FDB_STATUS}.{index}", status)]


def interface(index: int, name: str) -> list[Cell]:
    """Return an interface."""
    return [cell(f"1.3.6.1.2.1.2.2.1.2.{index}", name), cell(f"1.3.6.1.2.1.31.1.1.1.1.{index}", name)]


def asked(*cells: list[Cell]) -> list[Reading]:
    """Return the readings of a device that holds these cells."""
    return converse(RecordingTransport(Recording([one for each in cells for one in each])), ("census",))[0]


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_our_recordings_give_exactly_these_readings(path: Path) -> None:
    """Every reading of our own recordings is as it was looked at and kept."""
    readings = readings_of(path, "census")
    assert lines(readings) == path.with_name(f"{path.stem}.census.tsv").read_text(encoding="utf-8")
    must_fit_the_metrics(readings)


@needs_shared
@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_every_recorded_device_gives_readings_or_a_reason(path: Path) -> None:
    """Readings that fit their metrics, or the reason; ports and VLANs of one device never count more than it all."""
    readings = readings_of(path, "census")
    must_fit_the_metrics(readings)
    answer = value(readings, "collector.answer")
    assert answer == "ok" or (answer == "unsupported" and len(readings) == 1)
    total = value(readings, "census.macs", "asset:sw1")
    for one in readings:
        if one.metric == "census.macs":
            assert total is not None
            assert int(one.value) <= int(total)


@pytest.mark.parametrize(("status", "counted"), [(1, 1), (2, 0), (3, 1), (4, 0), (5, 1)])
def test_only_addresses_at_ports_count(status: int, counted: int) -> None:
    """Learned, static and other addresses are terminals; invalid rows and the switch itself are not."""
    readings = asked(interface(1, "GE1"), [cell(f"{BASE_PORT}.1", 1)], learned(mac(1), 1, status=status))
    assert value(readings, "census.macs", "asset:sw1") == str(counted)


def test_groups_shared_and_own_addresses_are_no_terminals() -> None:
    """Multicast, the virtual address of a router pair and the switch's own port do not count."""
    own = [cell("1.3.6.1.2.1.2.2.1.6.1", mac(9))]
    rows = [learned(each, 1) for each in (mac(9), bytes.fromhex("00005e000101"), bytes.fromhex("01005e000001"))]
    readings = asked(interface(1, "GE1"), own, [cell(f"{BASE_PORT}.1", 1)], *rows, learned(mac(1), 1))
    assert value(readings, "census.macs", "asset:sw1") == "1"


@pytest.mark.parametrize("count", [MOST_AT_A_PORT, MOST_AT_A_PORT + 1])
def test_a_port_with_many_terminals_gives_its_count_only(count: int) -> None:
    """Up to eight are listed, so that they can be told apart over switches; behind more there is another switch."""
    rows = [learned(mac(number), 1) for number in range(count)]
    readings = asked(interface(1, "GE1"), [cell(f"{BASE_PORT}.1", 1)], *rows)
    assert value(readings, "census.macs", "interface:sw1/GE1") == str(count)
    listed = value(readings, "census.terminals")
    assert (len(listed.split()) if listed else 0) == (count if count <= MOST_AT_A_PORT else 0)


def test_randomised_addresses_are_kept_apart() -> None:
    """A locally administered address is counted as one, and its pseudonym says so."""
    readings = asked(interface(1, "GE1"), learned(mac(1), 1), learned(mac(2, first=0xDA), 1))
    assert value(readings, "census.macs.universal", "interface:sw1/GE1") == "1"
    assert value(readings, "census.macs.randomised", "interface:sw1/GE1") == "1"
    listed = (value(readings, "census.terminals") or "").split()
    assert sorted(int(each[:2], 16) & 2 for each in listed) == [0, 2]


@pytest.mark.parametrize(
    ("bridge", "ports", "rule", "subjects"),
    [
        ({7: 2}, (7,), "bridge_port", {"interface:sw1/b"}),
        ({101: 1, 102: 2}, (1, 2), "bridge_order", {"interface:sw1/a", "interface:sw1/b"}),
        ({}, (2,), "if_index", {"interface:sw1/b"}),
        ({101: 1, 102: 2}, (1, 3), "none", {"bridge-port:sw1/1", "bridge-port:sw1/3"}),
        ({1: 1}, (2,), "none", {"bridge-port:sw1/2"}),
    ],
)
def test_ports_are_found_by_a_rule_that_is_named(
    bridge: dict[int, int], ports: tuple[int, ...], rule: str, subjects: set[str]
) -> None:
    """A number that may mean two things means none: no terminal is put at a port by guess."""
    base = [cell(f"{BASE_PORT}.{number}", index) for number, index in bridge.items()]
    rows = [learned(mac(number), port) for number, port in enumerate(ports)]
    readings = asked(interface(1, "a"), interface(2, "b"), base, *rows)
    assert value(readings, f"census.ports.{rule}") == str(len(ports))
    found = {one.subject for one in readings if one.metric == "census.terminals"}
    assert found == subjects


def test_a_bridge_that_shows_no_table_has_no_count() -> None:
    """An empty answer may be a hidden table: nothing is counted as zero."""
    readings = asked(interface(1, "GE1"), [cell(f"{BASE_PORT}.1", 1)])
    assert value(readings, "census.coverage") == "none"
    assert value(readings, "census.macs") is None


def test_a_terminal_is_the_same_in_every_table_and_at_every_switch() -> None:
    """FDB, ARP as text, ARP as octets: one pseudonym, without which nothing could be joined."""
    arp = [
        cell("1.3.6.1.2.1.4.22.1.2.1.10.0.0.7", "48:a9:d2:0:0:1"),
        cell("1.3.6.1.2.1.4.35.1.4.1.1.4.10.0.0.7", mac(1)),
    ]
    readings = asked(interface(1, "GE1"), learned(mac(1), 1), arp)
    terminal = value(readings, "census.terminals")
    assert value(readings, "census.neighbours") == f"{terminal}=4"
    assert value(asked(interface(8, "other"), learned(mac(1), 8)), "census.terminals") == terminal


def test_too_many_neighbours_are_counted_and_not_listed() -> None:
    """The list of one interface is bounded; the counts, and so the share of IPv6, stay."""
    base = "1.3.6.1.2.1.4.35.1.4.1.2.16.45.0.0.92.0.1.0.16.0.0.0.0.0.0"
    rows = [cell(f"{base}.{number // 256}.{number % 256}", mac(number)) for number in range(1, MOST_LISTED + 2)]
    readings = asked(interface(1, "Vlanif1"), rows)
    assert value(readings, "census.addressed") == str(MOST_LISTED + 1)
    assert value(readings, "census.addressed.ipv6_global") == str(MOST_LISTED + 1)
    assert value(readings, "census.neighbours") is None


@pytest.mark.parametrize("at", [BRIDGE_PORTS, VLANS, census.NEIGHBOUR_TABLES[1]], ids=["ports", "vlans", "arp"])
def test_a_device_that_falls_silent_keeps_what_it_said(at: Request) -> None:
    """What was read before the silence stays; with nothing read, the reason is all there is."""
    readings, _ = converse(Breaking(CORE, at), ("census",))
    assert value(readings, "collector.answer") == "unreachable"
    assert (value(readings, "census.macs", "asset:sw1") == "13") == (at != BRIDGE_PORTS)


def test_a_hundred_thousand_addresses() -> None:
    """A table of the largest core switches is counted in seconds, into few readings."""
    started = time.monotonic()
    count = 100_000
    rows = [each for number in range(count) for each in learned(mac(number), number % 48 + 1, vlan=number % 100 + 1)]
    ports = [cell(f"{BASE_PORT}.{number}", number) for number in range(1, 49)]
    transport = RecordingTransport(Recording([*rows, *ports]))
    built = time.monotonic()
    readings, _ = converse(transport, ("census",))
    assert value(readings, "census.macs", "asset:sw1") == str(count)
    assert len(readings) < 1_000
    assert time.monotonic() - built < 60, f"built in {built - started:.0f} s"


# --- one copy of the table for each VLAN --------------------------------------------------------------------------

OLD_PORT = "1.3.6.1.2.1.17.4.3.1.2"


def listing(*vlans: int, state: int = 1) -> list[Cell]:
    """Return the VLANs that a switch lists."""
    return [cell(f"{VTP_STATE}.1.{vlan}", state) for vlan in (*vlans, 1002)]


def copy_of(ports: dict[int, int], addresses: dict[int, int]) -> Recording:
    """Return the copy of a VLAN: bridge port -> ifIndex, and address -> bridge port."""
    cells = [cell(f"{BASE_PORT}.{number}", index) for number, index in ports.items()]
    return Recording(
        [*cells, *(cell(f"{OLD_PORT}." + ".".join(map(str, mac(each))), at) for each, at in addresses.items())]
    )


def switched(cells: list[Cell], vlans: dict[int, Recording]) -> tuple[list[Reading], list[Request]]:
    """Return the readings of a switch with these copies, and what it was asked."""
    transport = RecordingTransport(Recording([*interface(1, "Gi0/1"), *interface(2, "Gi0/2"), *cells]), vlans)
    return converse(transport, ("census",))[0], transport.asked


def test_a_copy_for_each_vlan_is_read() -> None:
    """Bridge ports are numbered anew in each VLAN; together the copies are all VLANs."""
    vlans = {1: copy_of({5: 1}, {1: 5}), 20: copy_of({5: 2}, {2: 5, 3: 5})}
    readings, _ = switched(listing(1, 20), vlans)
    assert value(readings, "census.coverage") == "all-vlans"
    counts = {one.subject: one.value for one in readings if one.metric == "census.macs"}
    assert counts == {
        "asset:sw1": "3",
        "interface:sw1/Gi0/1": "1",
        "interface:sw1/Gi0/2": "2",
        "vlan:sw1/1": "1",
        "vlan:sw1/20": "2",
    }
    assert value(readings, "census.ports.bridge_port") == "2"
    must_fit_the_metrics(readings)


def test_a_vlan_that_is_not_answered_ends_the_asking() -> None:
    """No second try with a community that was not answered, and the coverage says that VLANs are missing."""
    readings, asked_for = switched(listing(1, 20, 30), {1: copy_of({5: 1}, {1: 5}), 30: copy_of({5: 2}, {2: 5})})
    assert value(readings, "census.coverage") == "one-context"
    assert value(readings, "census.macs", "asset:sw1") == "1"
    assert {getattr(request, "vlan", None) for request in asked_for} == {None, 1, 20}


@pytest.mark.parametrize("cells", [[], listing(20, state=2), learned(mac(9), 1)], ids=["none", "suspended", "Q-BRIDGE"])
def test_only_devices_that_list_vlans_are_asked_for_copies(cells: list[Cell]) -> None:
    """A community of our own making goes to no other device."""
    _, asked_for = switched([*cells, cell(f"{OLD_PORT}.72.169.210.0.0.1", 1)], {20: copy_of({5: 2}, {2: 5})})
    assert {getattr(request, "vlan", None) for request in asked_for} == {None}


def test_the_number_of_vlans_is_bounded() -> None:
    """A switch with thousands of VLANs is asked for some, and says that they are not all."""
    vlans = {vlan: copy_of({5: 1}, {vlan: 5}) for vlan in range(1, MOST_VLANS + 10)}
    readings, _ = switched(listing(*vlans), vlans)
    assert value(readings, "census.coverage") == "one-context"
    assert value(readings, "census.macs", "asset:sw1") == str(MOST_VLANS)
