"""The neighbours collector: over recordings with known neighbours, over made devices, and over a real lldpd."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import ber
from agent.collectors import interfaces, ports
from agent.collectors.lldp import LLDP, addresses, kind_of, remotes
from agent.lab.snmp import Cell, Recording
from agent.lab.snmp.faults import ErrorAt
from agent.model import snmp
from tests.collectors.test_identity import number, text, values
from tests.peers.recordings import (
    FIXTURES,
    NAMES,
    NONE_HERE,
    REDACTOR,
    bits,
    converse,
    expected,
    readings_of,
    recording,
)

FACTS = expected()
WITH_LINKS: list[Any] = sorted(
    name
    for name, facts in FACTS.items()
    if facts.get("links") and facts["derivable"]["links"]["lldpRem_rows_in_recording"]
)
WITH_LINKS = WITH_LINKS or NONE_HERE
REM, LOC = "1.0.8802.1.1.2.1.4.1.1", "1.0.8802.1.1.2.1.3"
MAC = bytes.fromhex("4c1fcc0a0b0c")


def neighbour(index: str, caps: int | None, *, chassis: bytes = MAC, kind: int = 4, name: bytes = b"sw2") -> list[Cell]:
    """The cells of one LLDP neighbour at `index`."""
    cells = [
        number(f"{REM}.4.{index}", kind),
        text(f"{REM}.5.{index}", chassis),
        number(f"{REM}.6.{index}", 5),
        text(f"{REM}.7.{index}", b"Gi0/9"),
        text(f"{REM}.8.{index}", b"to room 3"),
        text(f"{REM}.9.{index}", name),
    ]
    return cells if caps is None else [*cells, text(f"{REM}.12.{index}", bytes((caps,)))]


def port(index: int, name: str, *, alias: str = "", mac: bytes = b"") -> list[Cell]:
    """The cells of one interface."""
    entry, extended = "1.3.6.1.2.1.2.2.1", "1.3.6.1.2.1.31.1.1.1"
    return [
        text(f"{entry}.2.{index}", name.encode()),
        text(f"{entry}.6.{index}", mac),
        text(f"{extended}.1.{index}", name.encode()),
        text(f"{extended}.18.{index}", alias.encode()),
    ]


def local(num: int, kind: int | None, value: bytes, described: bytes = b"") -> list[Cell]:
    """The cells of one row of lldpLocPortTable."""
    cells = [text(f"{LOC}.7.1.3.{num}", value), text(f"{LOC}.7.1.4.{num}", described)]
    return cells if kind is None else [*cells, number(f"{LOC}.7.1.2.{num}", kind)]


@pytest.mark.parametrize("name", WITH_LINKS)
def test_neighbours_are_what_another_system_found(name: str) -> None:
    """Every LLDP link of another system is here: local port, neighbour's name, neighbour's port."""
    readings = readings_of(recording(FACTS[name]["file"]), "neighbours")
    subjects = dict.fromkeys(one.subject for one in readings if one.subject.startswith("neighbour:"))
    found = [{one.metric: one.value for one in readings if one.subject == subject} for subject in subjects]
    links = {
        (each["neighbour.port"], each.get("neighbour.name", ""), each.get("neighbour.remote_port", ""))
        for each in found
    }
    for row in FACTS[name]["links"]["rows"]:
        told = row["remote_port"].split(" (")[0]
        assert (row["local_ifName"], row["remote_hostname"], told) in links


@pytest.mark.parametrize("name", NAMES)
def test_ports_have_the_names_that_the_interface_collector_gives(name: str) -> None:
    """A neighbour's port and the readings of that interface share one key, on every real device."""
    device = recording(name)
    readings = readings_of(device, "interfaces", "neighbours")
    keys = {one.subject.split("/", 1)[1] for one in readings if one.metric == "interface.name"}
    told = {one.value for one in readings if one.metric == "neighbour.port"}
    assert {key for key in told if not key.startswith("lldp:")} <= keys


@pytest.mark.parametrize(
    ("cells", "rule", "key"),
    [
        ([*local(5, 5, b"Gi0/2")], "ifName", "Gi0/2"),
        ([*local(5, 1, b"uplink")], "ifAlias", "Gi0/3"),
        ([*local(5, 3, MAC)], "mac", "Gi0/4"),
        ([*local(5, 7, b"12")], "local ifIndex", "Gi0/2"),
        ([*local(5, 7, b"nothing", b"uplink")], "description", "Gi0/3"),
        ([*local(5, 7, b"nothing"), number("1.3.6.1.2.1.17.1.4.1.2.5", 14)], "bridge port", "Gi0/4"),
        ([*local(5, 5, b"twin")], "ifIndex", "Gi0/5"),
        ([], "ifIndex", "Gi0/5"),
        ([*local(5, None, b"Gi0/2")], "ifName", "Gi0/2"),
        ([*local(5, None, MAC)], "mac", "Gi0/4"),
    ],
)
def test_the_ladder_names_the_rule_that_found_the_port(cells: list[Cell], rule: str, key: str) -> None:
    """Each rung of the ladder finds its port where those before it do not, and says that it did."""
    device = [
        *neighbour("0.5.1", 0x28),
        *port(12, "Gi0/2"),
        *port(13, "Gi0/3", alias="uplink"),
        *port(14, "Gi0/4", mac=MAC),
        *port(5, "Gi0/5"),
        *port(21, "twin"),
        *port(22, "twin"),
        *cells,
    ]
    readings = readings_of(Recording(device), "neighbours")
    assert values(readings, "neighbour.port_rule") == [rule]
    assert values(readings, "neighbour.port") == [key]


def test_a_port_that_no_rule_finds_keeps_its_number() -> None:
    """A neighbour at an unknown port is told, never put at a wrong one."""
    readings = readings_of(Recording([*neighbour("0.99.1", 0x28), *port(1, "Gi0/1")]), "neighbours")
    assert values(readings, "neighbour.port") == ["lldp:99"]
    assert values(readings, "neighbour.port_rule") == ["none"]


def test_names_and_ports_of_people_are_never_asked() -> None:
    """Of telephones and stations nothing enters the record but a pseudonym and what kind they are."""
    cells = [
        *neighbour("0.1.1", 0x01, chassis=MAC, name=b"zhang-san-laptop"),
        *neighbour("0.2.1", 0x24, kind=5, chassis=b"\x01\x0a\x01\x02\x03", name=b"SEP4C1FCC0A0B0C"),
        number("1.0.8802.1.1.2.1.4.2.1.3.0.2.1.1.4.10.1.2.3", 2),
        *port(1, "Gi0/1"),
        *port(2, "Gi0/2"),
    ]
    readings, record = asyncio.run(converse(Recording(cells), ("neighbours",)))
    assert values(readings, "neighbour.kind") == ["station", "telephone"]
    assert values(readings, "neighbours.terminals") == ["2"]
    assert {one.metric for one in readings} & {"neighbour.name", "neighbour.remote_port", "neighbour.address"} == set()
    for secret in (b"zhang-san", b"SEP4C1FCC", MAC, b"\x01\x0a\x01\x02\x03", b"to room 3"):
        assert secret.hex().encode() not in record
    assert b"10.1.2.3" not in record


def test_mac_addresses_within_names_are_pseudonyms() -> None:
    """An access point called after its MAC address keeps the rest of its name only, and stays the same device."""
    cells = [*neighbour("0.1.1", 0x30, name=b"AP-4c1fcc0a0b0c-3F"), *port(1, "Gi0/1")]
    readings, record = asyncio.run(converse(Recording(cells), ("neighbours",)))
    pseudonym = REDACTOR.pseudonym("mac", MAC).hex()
    assert values(readings, "neighbour.name") == [f"AP-{pseudonym}-3F"]
    assert values(readings, "neighbour.chassis") == [":".join(pseudonym[at : at + 2] for at in range(0, 12, 2))]
    assert b"4c1fcc0a0b0c".hex().encode() not in record


def test_rows_repeated_under_several_time_marks_are_one_neighbour() -> None:
    """An agent that implements the time filter by the letter does not multiply its neighbours."""
    cells = [*neighbour("0.1.1", 0x28), *neighbour("300.1.1", 0x28), *neighbour("0.1.2", 0x28), *port(1, "Gi0/1")]
    readings = readings_of(Recording(cells), "neighbours")
    assert values(readings, "neighbours.count") == ["2"]
    assert len({one.subject for one in readings if one.metric == "neighbour.kind"}) == 2


def test_short_indexes_of_old_agents_are_understood() -> None:
    """Agents that leave the time mark out, or give the port alone, still show their neighbours."""
    for index in ("3.1", "3"):
        readings = readings_of(Recording([*neighbour(index, 0x28), *port(3, "ether3")]), "neighbours")
        assert values(readings, "neighbour.port") == ["ether3"]


def test_a_table_that_breaks_off_is_partial() -> None:
    """A device that fails within its table says so in the readings; what it gave before stays."""
    cells = [*neighbour("0.1.1", 0x28), *neighbour("0.2.1", 0x28), *port(1, "Gi0/1"), *port(2, "Gi0/2")]

    async def ask() -> list[str]:
        from agent.clock import SystemClock
        from agent.collectors import measure
        from agent.lab.snmp import Device, running_lab
        from agent.sessions.live import LiveSession
        from agent.transports.snmp import Community, SnmpTransport
        from tests.peers.recordings import asset_and_campus

        device = Device("sw1", Recording(cells), faults=(ErrorAt(f"{REM}.6.0.2.1"),))
        async with running_lab([device]) as lab:
            asset, campus = asset_and_campus(lab["sw1"].address[1])
            transport = SnmpTransport(*lab["sw1"].address, credentials=Community("2c", b"lab-ro"))
            session = LiveSession(transport, REDACTOR, lambda _: None, SystemClock(), 60)
            readings = await measure(asset, campus, ["neighbours"], session)
            await transport.close()
        return [*values(readings, "neighbours.table"), *values(readings, "neighbours.count")]

    assert asyncio.run(ask()) == ["partial", "2"]


def test_the_second_version_of_the_mib_is_read_where_the_first_is_missing() -> None:
    """LLDP-V2-MIB tells its local interface by ifIndex; no bridge table is asked."""
    entry, index = "1.3.111.2.802.1.1.13.1.4.1.1", "0.7.1.1"
    cells = [
        number(f"{entry}.5.{index}", 4),
        text(f"{entry}.6.{index}", MAC),
        number(f"{entry}.7.{index}", 5),
        text(f"{entry}.8.{index}", b"ge-0/0/1"),
        text(f"{entry}.10.{index}", b"core"),
        text(f"{entry}.13.{index}", b"\x28\x00"),
        number("1.3.111.2.802.1.1.13.1.4.2.1.3.0.7.1.1.1.4.10.0.0.9", 2),
        *port(7, "ethernet1/7"),
    ]
    readings = readings_of(Recording(cells), "neighbours")
    assert values(readings, "neighbours.protocol") == ["lldp-v2"]
    assert values(readings, "neighbour.port") == ["ethernet1/7"]
    assert values(readings, "neighbour.name") == ["core"]
    assert values(readings, "neighbour.address") == ["10.0.0.9"]
    assert values(readings, "neighbour.capabilities") == ["bridge router"]


def test_no_lldp_is_unsupported_and_no_neighbours_is_a_count() -> None:
    """A device without LLDP differs from one whose ports are all empty."""
    readings = readings_of(Recording(port(1, "Gi0/1")), "neighbours")
    assert [(one.metric, one.value) for one in readings] == [("collector.answer", "unsupported")]
    alone = readings_of(Recording([number(f"{LOC}.1.0", 4), text(f"{LOC}.2.0", MAC)]), "neighbours")
    assert values(alone, "neighbours.count") == ["0"]
    assert values(alone, "neighbours.chassis") == [REDACTOR.pseudonym("mac", MAC).hex(":")]


def test_management_addresses_without_length_and_of_impossible_length_are_told_apart() -> None:
    """An address is taken with its length before it or without; anything else is left out."""
    cell = ber.VarBind(b"", ber.INTEGER, b"\x02")
    table = {"4.10.0.0.1": {"x.1": cell}, "10.0.0.2": {"x.1": cell}, "3.10.0": {"x.1": cell}}
    table |= {
        "16." + ".".join(["32", "1", "13", "184", *["0"] * 11, "1"]): {"x.2": cell},
        "4.10.0.0.999": {"x.1": cell},
    }
    assert addresses(table) == {"x.1": ["10.0.0.1", "10.0.0.2"], "x.2": ["2001:db8::1"]}


@pytest.mark.parametrize(
    ("capabilities", "kind"),
    [
        (("bridge", "router"), "network"),
        (("bridge", "access-point"), "access-point"),
        (("bridge", "telephone"), "telephone"),
        (("router", "telephone"), "network"),
        (("station",), "station"),
        (("other",), "unknown"),
        ((), "unknown"),
    ],
)
def test_kind_by_capabilities(capabilities: tuple[str, ...], kind: str) -> None:
    """A telephone with a bridge in it is a telephone, a voice gateway that routes is network."""
    assert kind_of(capabilities) == kind


@given(st.dictionaries(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=8).map(tuple), st.binary(max_size=3)))
def test_any_index_gives_a_neighbour_or_none_but_no_error(table: dict[tuple[int, ...], bytes]) -> None:
    """Whatever a device puts into its index, the parser gives neighbours, each once."""
    cells = {
        ".".join(map(str, index)): {LLDP.capabilities: ber.VarBind(b"", ber.OCTET_STRING, value)}
        for index, value in table.items()
    }
    found = remotes(cells, LLDP)
    assert len({remote.index for remote in found}) == len(found) <= len(cells)


@pytest.mark.skipif(not FIXTURES.exists(), reason="no recordings beside the project")
def test_bits_as_text_are_undone_in_the_player_only() -> None:
    """The capture's text form of BITS becomes octets again before the product sees it."""
    assert bits(b"28 00 2 4") == b"\x28\x00"
    assert bits(b"20 2") == b"\x20"
    assert bits(b"\x28") == b"\x28"


def test_interface_keys_follow_the_rule_of_the_interface_collector() -> None:
    """Names that are empty, taken twice or hold a # get the ifIndex, in both collectors alike."""
    cells = [*port(1, "a"), *port(2, "twin"), *port(3, "twin"), *port(4, ""), *port(5, "b#1"), *port(6, "")]
    table: dict[str, dict[str, ber.VarBind]] = {}
    for cell in cells:
        oid = ber.oid_text(cell.oid)
        column, _, index = oid.rpartition(".")
        table.setdefault(index, {})[column] = ber.VarBind(cell.oid, cell.tag, cell.value)
    ours = [one.key for one in ports.interfaces_of(table).by_index.values()]
    readings = readings_of(
        Recording([*cells, *[number(f"{interfaces.TYPE}.{at}", 6) for at in range(1, 7)]]), "interfaces"
    )
    assert ours == [one.subject.split("/", 1)[1] for one in readings if one.metric == "interface.name"]
    assert snmp.text(b"") == ""
