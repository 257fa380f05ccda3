"""CDP, the makers' tables and link aggregation: on our recordings, on odd devices, and up to the topology."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import ber
from agent.assess.derive import DERIVATIONS
from agent.assess.samples import Readings
from agent.clock import SystemClock
from agent.collectors import measure
from agent.collectors.cdp import capabilities_of, device_name
from agent.lab.snmp.recording import Recording, read
from agent.model.asset import Asset
from agent.model.campus import Campus, School
from agent.model.finding import Window
from agent.sessions.live import LiveSession
from agent.sessions.redact import Redactor
from tests.collectors.network import SHARED, must_fit_the_metrics, needs_shared, readings_of
from tests.collectors.recorded import RecordingTransport, cell, converse, value

if TYPE_CHECKING:
    from agent.lab.snmp import Cell
    from agent.model.exchange import Exchange
    from agent.model.reading import Reading

OWN = sorted((Path(__file__).parent.parent / "recordings").glob("links-*.snmprec"))
CDP, LAG = "1.3.6.1.4.1.9.9.23.1.2.1.1", "1.2.840.10006.300.43.1.2.1.1"
STACK, TYPE = "1.3.6.1.2.1.31.1.2.1.3", "1.3.6.1.2.1.2.2.1.3"
WINDOW = Window(since="2020-01-01T00:00:00Z", until="2100-01-01T00:00:00Z")


def port(index: int, name: str, kind: int = 6, mbits: int = 1000) -> list[Cell]:
    """The cells of one interface that is up."""
    entry, extended = "1.3.6.1.2.1.2.2.1", "1.3.6.1.2.1.31.1.1.1"
    return [
        *(cell(f"{entry}.2.{index}", name), cell(f"{entry}.3.{index}", kind), cell(f"{entry}.8.{index}", 1)),
        *(cell(f"{extended}.1.{index}", name), cell(f"{extended}.15.{index}", mbits, ber.GAUGE32)),
    ]


def heard(index: str, device: str, remote: str, capabilities: bytes = b"\0\0\0\x29", platform: str = "x") -> list[Cell]:
    """The cells of one CDP neighbour."""
    cells = [cell(f"{CDP}.6.{index}", device), cell(f"{CDP}.7.{index}", remote), cell(f"{CDP}.8.{index}", platform)]
    return [*cells, cell(f"{CDP}.9.{index}", capabilities)]


def member(index: int, selected: int, attached: int, state: bytes | None = b"\xbc") -> list[Cell]:
    """The cells of one port that may be aggregated."""
    cells = [cell(f"{LAG}.12.{index}", selected), cell(f"{LAG}.13.{index}", attached)]
    return cells if state is None else [*cells, cell(f"{LAG}.21.{index}", state)]


def told(cells: list[Cell], *collectors: str) -> list[Reading]:
    """Return what collectors read of a made device, live and by replay."""
    return converse(RecordingTransport(Recording(cells)), collectors)[0]


def of(readings: list[Reading], metric: str) -> dict[str, str]:
    """Return the values of a metric by the last part of the subject."""
    return {one.subject.partition("/")[2] or one.subject: one.value for one in readings if one.metric == metric}


# --- neighbours ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_recordings_fit_the_metrics_and_hold_no_phone(path: Path) -> None:
    """What is read of our recordings has its metric; of the phone in them nothing but a pseudonym is kept."""
    assert path.read_text(encoding="utf-8").startswith("# synthetic: ")
    readings, kept = converse(RecordingTransport(read(path)), ("identity", "interfaces", "neighbours", "lag"))
    must_fit_the_metrics(readings)
    record = b"".join(exchange.to_bytes() for exchange in kept)
    for secret in (b"SEP00000C99AABB", b"00:00:0C:99:AA:BB", b"LAB0000000001", bytes.fromhex("00000c99aabb")):
        assert secret.hex().encode() not in record
    assert not [one for one in readings if "SEP" in one.value + one.subject]


def test_lldp_comes_first_and_cdp_adds_what_it_alone_hears() -> None:
    """A port where LLDP hears somebody has one neighbour, the others come by CDP; domain and serial are cut off."""
    readings = readings_of(OWN[0], "neighbours")
    assert value(readings, "neighbours.protocol") == "lldp cdp"
    assert (value(readings, "neighbours.count"), value(readings, "neighbours.network")) == ("4", "2")
    assert value(readings, "neighbours.terminals") == "1"
    assert (value(readings, "neighbours.name"), value(readings, "neighbours.kind")) == ("core", "network")
    by_port = {port: at for at, port in of(readings, "neighbour.port").items()}
    kinds, names = of(readings, "neighbour.kind"), of(readings, "neighbour.name")
    assert {port: kinds[at] for port, at in by_port.items()} == {
        "Gi1/3": "access-point",
        "Te1/1": "network",
        "Te1/2": "network",
        "Gi1/4": "telephone",
    }
    assert of(readings, "neighbour.protocol")[by_port["Gi1/3"]] == "lldp"
    assert names[by_port["Te1/1"]] == "floor"


def test_a_makers_table_is_read_where_nothing_else_is_there() -> None:
    """TP-Link's table gives the same facts as LLDP-MIB would."""
    readings = readings_of(OWN[2], "neighbours")
    assert value(readings, "neighbours.protocol") == "tp-link"
    assert set(of(readings, "neighbour.kind").values()) == {"network", "telephone"}
    assert list(of(readings, "neighbour.address").values()) == ["10.20.0.1"]
    assert list(of(readings, "neighbour.port_rule").values()) == ["ifIndex", "ifIndex"]
    [chassis] = [one for one in of(readings, "neighbour.chassis").values() if one.startswith("00:00:0c")][:1]
    assert chassis == value(readings_of(OWN[0], "neighbours"), "neighbours.chassis"), "one device, one pseudonym"


def test_a_cdp_port_that_is_no_interface_is_found_by_its_name() -> None:
    """cdpInterfaceName decides where the number is not an ifIndex; where it does not either, the number stays."""
    cells = [
        *port(1, "Gi0/1"),
        *heard("77.1", "sw2", "Gi0/9"),
        *heard("78.1", "sw3", "Gi0/9"),
        cell("1.3.6.1.4.1.9.9.23.1.1.1.1.6.77", "Gi0/1"),
    ]
    readings = told(cells, "neighbours")
    assert of(readings, "neighbour.port_rule") == {"Gi0/1@sw2": "ifName", "cdp:78@sw3": "none"}


@pytest.mark.parametrize(
    ("octets", "platform", "words"),
    [
        (b"\x00\x00\x00\x29", "cisco WS-C3850", ("router", "bridge")),
        (b"\x29\x00\x00\x00", "cisco WS-C3850", ("router", "bridge")),
        (b"\x00\x00\x00\x26", "cisco AIR-AP2702I-UXK9", ("bridge", "access-point")),
        (b"\x00\x00\x00\x01", "cisco AIR-CT5520-K9", ("router",)),
        (b"\x00\x00\x00\x90", "Cisco IP Phone 8841", ("station", "telephone")),
        (b"\x00\x00\x00\x28", "VMware ESX", ("station",)),
        (b"\x09", "", ("router", "bridge")),
        (b"", "", ()),
    ],
)
def test_cdp_capabilities_in_the_words_of_lldp(octets: bytes, platform: str, words: tuple[str, ...]) -> None:
    """Both byte orders in use are understood; the platform settles what capabilities leave open."""
    assert capabilities_of(ber.VarBind(b"", ber.OCTET_STRING, octets), platform) == words


@pytest.mark.parametrize(
    ("told_id", "name"),
    [
        ("core.example.com(SSI18110EXV)", "core"),
        ("core(SSI18110EXV)", "core"),
        ("core.example.com", "core"),
        ("core", "core"),
        ("10.1.2.3", "10.1.2.3"),
        ("", ""),
    ],
)
def test_a_device_id_is_reduced_to_the_host_name(told_id: str, name: str) -> None:
    """Serial numbers and domains differ by who tells; an address stays whole."""
    assert device_name(told_id) == name


@given(st.dictionaries(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=4).map(tuple), st.binary(max_size=6)))
def test_any_cdp_cache_is_read(rows: dict[tuple[int, ...], bytes]) -> None:
    """Whatever index and octets a device has in its CDP cache, the collector ends with an answer."""
    cells = port(1, "Gi0/1")
    for index, octets in rows.items():
        at = ".".join(map(str, index))
        cells += [cell(f"{CDP}.{column}.{at}", octets) for column in (4, 6, 7, 8, 9)]
    assert value(told(cells, "neighbours"), "collector.answer") in {"ok", "unsupported"}


# --- aggregation --------------------------------------------------------------------------------------------------


def test_members_and_their_states() -> None:
    """A port that distributes, one that waits, one without a state, one of no aggregator: each is what it is."""
    cells = [
        *(each for index in range(1, 7) for each in port(index, f"p{index}")),
        *port(100, "lag100", 161),
        *member(1, 100, 100),
        *member(2, 100, 100, b"\x3d"),
        *member(3, 100, 100, b"\xa2"),
        *member(4, 100, 100, None),
        *member(5, 100, 0),
        *member(6, 6, 6),
    ]
    readings = told(cells, "lag")
    assert of(readings, "lag.state") == {
        "p1": "distributing",
        "p2": "distributing",
        "p3": "standby",
        "p4": "attached",
        "p5": "standby",
    }
    assert set(of(readings, "lag.aggregator").values()) == {"lag100"}
    assert (value(readings, "lag.source"), value(readings, "lag.count")) == ("ieee8023-lag", "1")


def test_the_stack_of_interfaces_tells_aggregations_from_vlans() -> None:
    """Only aggregators count: by type or by name, not what runs upon one, not VLANs, not inactive rows."""
    cells = [
        *(each for index in range(1, 5) for each in port(index, f"p{index}")),
        *port(20, "Eth-Trunk1", 161),
        *port(21, "Eth-Trunk1.5", 161),
        *port(22, "Bridge-Aggregation2", 1),
        *port(23, "Vlan9", 53),
        *port(24, "", 161),
        *(cell(f"{STACK}.{pair}", 1) for pair in ("20.1", "20.2", "21.20", "22.3", "23.1", "0.20", "1.0", "24.20")),
        cell(f"{STACK}.22.4", 2),
    ]
    readings = told(cells, "lag")
    assert of(readings, "lag.aggregator") == {"p1": "Eth-Trunk1", "p2": "Eth-Trunk1", "p3": "Bridge-Aggregation2"}
    assert set(of(readings, "lag.state").values()) == {"attached"}
    assert value(readings, "lag.count") == "2"


def test_a_device_without_both_tables_says_so() -> None:
    """No table is not the same as no aggregation: there is no count then."""
    none = told(port(1, "p1"), "lag")
    assert (value(none, "lag.source"), value(none, "lag.count")) == ("none", None)
    empty = told([*port(1, "p1"), cell(f"{STACK}.0.1", 1)], "lag")
    assert (value(empty, "lag.source"), value(empty, "lag.count")) == ("ifstack", "0")


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(-1, 6), st.integers(-1, 6), st.binary(max_size=2)), max_size=8),
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=8),
)
def test_any_tables_give_members_of_known_interfaces(
    ports: list[tuple[int, int, int, bytes]], stack: list[tuple[int, int]]
) -> None:
    """Contradictory tables never make a port of nothing, nor two aggregators of one port and source."""
    cells = [each for index in range(1, 6) for each in port(index, f"Po{index}", 161 if index > 3 else 6)]
    for index, selected, attached, state in ports:
        cells += member(index, selected, attached, state)
    cells += [cell(f"{STACK}.{higher}.{lower}", 1) for higher, lower in stack]
    readings = told(list({one.oid: one for one in cells}.values()), "lag")
    known = {f"Po{index}" for index in range(1, 6)}
    assert {one.value for one in readings if one.metric == "lag.aggregator"} <= known
    assert value(readings, "collector.answer") == "ok"


# --- up to the topology -------------------------------------------------------------------------------------------


def campus_of(devices: dict[str, Recording]) -> dict[str, str]:
    """Return the speeds of the links of a campus whose devices are recordings."""
    assets = [Asset(id=name, family="generic-snmp", address=f"192.0.2.{at}") for at, name in enumerate(devices, 1)]
    campus = Campus(version="1", school=School(id="s", name="s"), assets=tuple(assets))
    kept: list[Exchange] = []

    async def ask(asset: Asset) -> list[Reading]:
        transport = RecordingTransport(devices[asset.id])
        session = LiveSession(transport, Redactor(bytes(32)), kept.append, SystemClock(), 30)
        return await measure(asset, campus, ("interfaces", "neighbours", "lag"), session)

    readings = [reading for asset in assets for reading in asyncio.run(ask(asset))]
    derived = DERIVATIONS["topology"](Readings(readings, WINDOW), campus, WINDOW, {})
    assert not derived.open
    return {one.subject: one.value for one in derived.readings if one.metric == "topology.link.speed"}


def test_recordings_of_two_switches_make_one_aggregated_backbone_link() -> None:
    """CDP at both ends, LACP here and ifStackTable there: one link, the sum of its ports, and the access point."""
    devices = {name: read(path) for name, path in zip(("core", "floor"), OWN[:2], strict=True)}
    assert campus_of(devices) == {
        "access:core/Gi1/3": "1000",
        "access:core/Gi1/4": "1000",
        "backbone:core/Po1--floor/Po1": "2000",
    }


@pytest.mark.parametrize("shift", [0, 500])
def test_ports_keep_their_names_when_a_device_renumbers_them(shift: int) -> None:
    """After a restart with other ifIndexes, links and aggregations are the same by name."""
    near = [
        *(*port(1 + shift, "Gi0/1"), *port(2 + shift, "Gi0/2"), *port(9 + shift, "Po1", 161)),
        *(*member(1 + shift, 9 + shift, 9 + shift), *member(2 + shift, 9 + shift, 9 + shift)),
        *(*heard(f"{1 + shift}.1", "far", "Te1"), *heard(f"{2 + shift}.1", "far", "Te2")),
    ]
    far = [*port(1, "Te1", mbits=10_000), *port(2, "Te2", mbits=10_000), *heard("1.1", "near", "Gi0/1")]
    far += heard("2.1", "near", "Gi0/2")
    assert campus_of({"near": Recording(near), "far": Recording(far)}) == {"backbone:far/Te1 Te2--near/Po1": "2000"}


def test_ports_of_one_name_stay_apart_through_all_collectors() -> None:
    """Two ports that a device calls the same have two neighbours, two speeds, and two links."""
    near = [*port(1, "port", mbits=100), *port(2, "port", mbits=1000)]
    near += [*heard("1.1", "a", "u"), *heard("2.1", "b", "u")]
    a = [*port(1, "u", mbits=10_000), *heard("1.1", "near", "port")]
    b = [*port(1, "u", mbits=10_000), *heard("1.1", "near", "port")]
    found = campus_of({"near": Recording(near), "a": Recording(a), "b": Recording(b)})
    assert found == {"backbone:a/u--near/port#1": "100", "backbone:b/u--near/port#2": "1000"}


@needs_shared
def test_a_real_cisco_stack_shows_its_neighbours_and_its_aggregation() -> None:
    """Recorded: seven CDP neighbours, two of them one switch over both ports of Po1."""
    path = SHARED / "ios_2960x.snmprec"
    readings = readings_of(path, "neighbours")
    assert (value(readings, "neighbours.count"), value(readings, "neighbours.network")) == ("7", "2")
    members = of(readings_of(path, "lag"), "lag.aggregator")
    assert members == {"Gi1/0/52": "Po1", "Gi3/0/52": "Po1"}
