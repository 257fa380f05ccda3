"""The rules of the Wi-Fi collector: names, rooms, odd values, gaps, and a family that is one YAML and one recording."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import ber
from agent.clock import SystemClock
from agent.collectors import measure
from agent.collectors.wifi import ENTERPRISES, TABLES, cells, huawei
from agent.errors import ConfigError, GapError
from agent.lab.snmp.recording import Cell, Recording, read
from agent.lab.snmp.session import Reader, Told
from agent.model.campus import Campus, Room, School
from agent.model.exchange import GapReason, Partial, Request, SnmpTable, VarBinds
from agent.model.reading import Grade
from agent.model.wifi import WifiCell, WifiRoom, WifiRooms
from agent.packs.load import parse_campus, parse_families
from agent.sessions.live import LiveSession
from agent.sessions.redact import Redactor
from tests.collectors.recorded import ASSET, RecordingTransport, cell, converse, value

if TYPE_CHECKING:
    from agent.model.asset import Asset
    from agent.model.reading import Reading

RECORDINGS = Path(__file__).parent.parent / "recordings"
AP = "1.3.6.1.4.1.2011.6.139.13.3.3.1"
ROOMS = (Room(id="101", kind="classroom"), Room(id="102", kind="classroom"))
NEW_FAMILY = b"""
id: example-ac
version: 1.0.0
title: { zh: "x", en: "x" }
vendor: Example
role: ac
transport: snmp
recognise:
  sys_object_id: [1.3.6.1.4.1.32473.9]
collectors: [wifi]
wifi:
  mib: EXAMPLE-MIB
  joined: { scalars: [1.3.6.1.4.1.32473.9.2.1] }
  clients: { scalars: [1.3.6.1.4.1.32473.9.2.2] }
  aps:
    index: [number]
    name: { oids: [1.3.6.1.4.1.32473.9.1.1.2] }
    state: { oids: [1.3.6.1.4.1.32473.9.1.1.3], values: { Online: up, Offline: down } }
    clients: { oids: [1.3.6.1.4.1.32473.9.1.1.4] }
    location: { oids: [1.3.6.1.4.1.32473.9.1.1.5] }
  radios:
    index: [number]
    channel: { oids: [1.3.6.1.4.1.32473.9.3.1.2] }
    band: { oids: [1.3.6.1.4.1.32473.9.3.1.3], values: { a: 2.4 GHz, b: 5 GHz } }
    signal: { oids: [1.3.6.1.4.1.32473.9.3.1.4], scale: 0.1 }
"""


def campus(rooms: tuple[Room, ...] = ROOMS, wifi: WifiRooms | None = None) -> Campus:
    """Return a campus with these rooms and rules."""
    return Campus(version="1", school=School(id="s", name="s"), assets=(ASSET,), rooms=rooms, wifi=wifi)


def huawei_ac(*names: str, more: tuple[Cell, ...] = ()) -> Recording:
    """Return a Huawei controller with access points of these names, all up."""
    object_id = Cell(ber.oid_bytes("1.3.6.1.2.1.1.2.0"), ber.OID, ber.oid_bytes("1.3.6.1.4.1.2011.2.240.6"))
    rows = [
        found
        for n, name in enumerate(names)
        for found in (cell(f"{AP}.4.60.222.68.0.0.{n}", name), cell(f"{AP}.6.60.222.68.0.0.{n}", 8))
    ]
    return Recording([object_id, *rows, *more])


def asked(recording: Recording, place: Campus, asset: Asset = ASSET) -> list[Reading]:
    """Return the readings of a device on this campus."""

    async def live() -> list[Reading]:
        transport = RecordingTransport(recording)
        session = LiveSession(transport, Redactor(bytes(32)), lambda _: None, SystemClock(), 30)
        return await measure(asset, place, ("wifi",), session)

    return asyncio.run(live())


def rooms_of(readings: list[Reading]) -> dict[str, tuple[str, str]]:
    """Return room and rule by name of the access point."""
    rules = {one.subject: one.value for one in readings if one.metric == "wifi.ap.room_rule"}
    return {
        one.subject.partition("/")[2]: (one.value, rules[one.subject])
        for one in readings
        if one.metric == "wifi.ap.room"
    }


# --- names and rows -----------------------------------------------------------------------------------------------


@given(st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=6), min_size=1, max_size=8))
def test_access_points_never_merge(names: list[str]) -> None:
    """Whatever they are called, there are as many subjects as rows."""
    readings = asked(huawei_ac(*names), campus())
    states = [one.subject for one in readings if one.metric == "wifi.ap.state"]
    assert len(states) == len(set(states)) == len(names)


def test_a_row_that_vanishes_between_tables_costs_only_its_facts() -> None:
    """Radios of an access point that was lost meanwhile make it known; one without radios stays."""
    radio = "1.3.6.1.4.1.2011.6.139.16.1.2.1"
    more = (cell(f"{radio}.3.60.222.68.9.9.9.0", "late"), cell(f"{radio}.7.60.222.68.9.9.9.0", 11))
    readings = asked(huawei_ac("early", more=more), campus())
    assert value(readings, "wifi.ap.state", "ap:sw1/early") == "up"
    assert value(readings, "wifi.ap.state", "ap:sw1/late") == "unknown"
    assert value(readings, "wifi.radio.channel", "radio:sw1/late/0") == "11"


def test_a_standby_copy_gives_no_figures() -> None:
    """The waiting controller of a pair lists the same access points with zeros: they are neither up nor empty."""
    readings, _ = converse(RecordingTransport(read(RECORDINGS / "wifi-huawei-ac.snmprec")), ("wifi",))
    subject = "ap:sw1/AP-204"
    assert value(readings, "wifi.ap.state", subject) == "standby"
    assert value(readings, "wifi.ap.clients", subject) is None
    assert not [one for one in readings if one.subject.startswith("radio:sw1/AP-204/")]


def test_states_are_those_of_the_maker() -> None:
    """Cisco's radios count the other way round; a state that nobody knows stays unknown."""
    readings, _ = converse(RecordingTransport(read(RECORDINGS / "wifi-cisco-9800.snmprec")), ("wifi",))
    assert value(readings, "wifi.radio.state", "radio:sw1/AP-A101/0") == "up"
    assert value(readings, "wifi.radio.state", "radio:sw1/AP-A101/1") == "down"
    readings, _ = converse(RecordingTransport(read(RECORDINGS / "wifi-huawei-ac.snmprec")), ("wifi",))
    assert value(readings, "wifi.ap.state", "ap:sw1/AP-205") == "unknown"


# --- rooms --------------------------------------------------------------------------------------------------------


def test_rooms_by_list_then_name() -> None:
    """The list of the campus file stands above the name; the rule is told; what no rule places has no room."""
    rules = WifiRooms(room_pattern=r"AP-(?P<room>\d+)(-.*)?", aps=(WifiRoom(ap="AP-101", room="102"),))
    readings = asked(huawei_ac("AP-101", "AP-102-back", "AP-999", "x AP-101"), campus(wifi=rules))
    assert rooms_of(readings) == {"AP-101": ("102", "table"), "AP-102-back": ("102", "name")}
    grades = {one.value: one.grade for one in readings if one.metric == "wifi.ap.room_rule"}
    assert grades == {"table": Grade.DECLARED, "name": Grade.REPORTED}


def test_no_rules_no_rooms() -> None:
    """Without rules nothing is placed, and two access points of one name are not placed by a list that names one."""
    assert rooms_of(asked(huawei_ac("AP-101"), campus())) == {}
    rules = WifiRooms(aps=(WifiRoom(ap="hall", room="101"),))
    assert rooms_of(asked(huawei_ac("hall", "hall"), campus(wifi=rules))) == {}


def test_an_access_point_that_is_asked_itself_hangs_where_the_asset_does() -> None:
    """The room of the asset is that of its only access point."""
    place = ASSET.model_copy(update={"room": "101"})
    readings = asked(read(RECORDINGS / "wifi-unifi-ap.snmprec"), campus(), place)
    assert rooms_of(readings) == {"sw1": ("101", "asset")}


# --- a family of its own ------------------------------------------------------------------------------------------


def test_a_new_family_is_one_yaml_and_one_recording() -> None:
    """A maker that the program never heard of is read by its pack, on the way that the product takes."""
    family = parse_families(NEW_FAMILY, "example-ac.yaml", collectors={"wifi"}).value
    told = Reader(families=[family]).read(RECORDINGS / "wifi-new-family-ac.snmprec")
    assert isinstance(told, Told)
    assert told.summary["family"] == "example-ac"
    readings = told.readings
    assert value(readings, "wifi.aps") == "2"
    assert value(readings, "wifi.ap.state", "ap:wifi-new-family-ac/EX-1") == "up"
    assert value(readings, "wifi.ap.location", "ap:wifi-new-family-ac/EX-2") == "Room 2"
    assert value(readings, "wifi.radio.band", "radio:wifi-new-family-ac/EX-1/1") == "5 GHz"
    assert [one.value for one in readings if one.metric == "wifi.radio.signal"] == ["-61.3"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"index: [number]\n    name", b"index: [serial, number]\n    name"),
        (b"mib: EXAMPLE-MIB", b"mib: EXAMPLE-MIB\n  run: rm"),
        (b"Online: up", b"Online: good"),
        (b"oids: [1.3.6.1.4.1.32473.9.1.1.2]", b"oids: [ifName]"),
    ],
)
def test_a_wrong_mapping_is_refused(old: bytes, new: bytes) -> None:
    """Index shapes that cannot be taken apart, unknown keys, unknown spellings and names for numbers are errors."""
    assert old in NEW_FAMILY
    with pytest.raises(ConfigError):
        parse_families(NEW_FAMILY.replace(old, new, 1), "x.yaml", collectors={"wifi"})


def test_a_campus_file_holds_no_mapping() -> None:
    """What a value means is the family's word: a school cannot turn down into up for one of its devices."""
    text = b"""
version: 1.0.0
school: { id: s, name: s }
assets:
  - id: ac1
    family: f
    address: 192.0.2.1
    wifi: { mib: X, joined: { scalars: [1.3.6.1] } }
"""
    with pytest.raises(ConfigError, match="wifi tables belong into the family"):
        parse_campus(text, "campus.yaml")


# --- conversation -------------------------------------------------------------------------------------------------


def test_every_enterprise_has_known_tables() -> None:
    """The registry names only tables that exist, and all of them."""
    assert {name for names in ENTERPRISES.values() for name in names} == set(TABLES)


def test_no_table_of_clients_is_asked() -> None:
    """No request names a table whose index is the MAC of a client."""
    of_clients = ("14823.2.3.3.1.2.4", "14823.2.2.1.4.1.2", "2011.6.139.18", "14179.2.1.4.1", "26928.1.1.1.2.1.2")
    for path in sorted(RECORDINGS.glob("wifi-*.snmprec")):
        transport = RecordingTransport(read(path))
        converse(transport, ("wifi",))
        oids = [
            column.oid for request in transport.asked if isinstance(request, SnmpTable) for column in request.columns
        ]
        assert not [oid for oid in oids for table in of_clients if f".{table}." in f"{oid}."]


class FailsAtRadios(RecordingTransport):
    """A device that answers no more once its radios are asked for, or breaks off its access points."""

    async def exchange(self, request: Request) -> VarBinds:
        """Answer until the walk of the radios."""
        if isinstance(request, SnmpTable) and ".16.1.2.1." in request.columns[0].oid:
            raise GapError(GapReason.UNREACHABLE, "no answer")
        found = await super().exchange(request)
        assert isinstance(found, VarBinds)
        return found


class BreaksOff(RecordingTransport):
    """A device that ends its table early."""

    async def exchange(self, request: Request) -> VarBinds:
        """Mark every walk as broken off."""
        found = await super().exchange(request)
        assert isinstance(found, VarBinds)
        partial = (Partial(column="1.3", reason="timeout"),) if isinstance(request, SnmpTable) else ()
        return found.model_copy(update={"partial": partial})


@pytest.mark.parametrize("kind", [FailsAtRadios, BreaksOff])
def test_what_was_read_is_kept(kind: type[RecordingTransport]) -> None:
    """A device that falls silent in the middle loses nothing that it said, and the table is called partial."""
    readings, _ = converse(kind(read(RECORDINGS / "wifi-huawei-ac.snmprec")), ("wifi",))
    assert value(readings, "wifi.table") == "partial"
    assert value(readings, "wifi.aps.listed") == "12"


def test_a_device_without_wifi_says_so() -> None:
    """A switch gives no readings and the reason."""
    readings, _ = converse(RecordingTransport(Recording([cell("1.3.6.1.2.1.2.2.1.3.1", 6)])), ("wifi",))
    assert [(one.metric, one.value) for one in readings] == [("collector.answer", GapReason.UNSUPPORTED)]


# --- values -------------------------------------------------------------------------------------------------------

ANY = WifiCell(oids=("1.3.1",))


@pytest.mark.parametrize(
    ("raw", "decode", "expected"),
    [
        (388, "low-octet", (132, None)),
        ("161", "low-octet", (161, None)),
        ("53S", "low-octet", (53, None)),
        (2412, "megahertz", (1, "2.4 GHz")),
        (2484, "megahertz", (14, "2.4 GHz")),
        (5180, "megahertz", (36, "5 GHz")),
        (5955, "megahertz", (1, "6 GHz")),
        (60480, "megahertz", (None, None)),
        (0, "plain", (None, None)),
        (255, "plain", (None, None)),
        ("", "plain", (None, None)),
    ],
)
def test_channels(raw: int | str, decode: str, expected: tuple[int | None, str | None]) -> None:
    """Channels come as numbers, with their width, as text or as frequency; what is none is not 0."""
    found = cell("1.3.1.1", raw)
    row = {"1.3.1": ber.VarBind(*found)}
    assert cells.channel(WifiCell.from_json({"oids": ["1.3.1"], "decode": decode}), row) == expected


@pytest.mark.parametrize(("raw", "expected"), [(-61, "-61"), (-120, "-120"), (0, None), (35, None), (-200, None)])
def test_only_dbm_is_a_signal(raw: int, expected: str | None) -> None:
    """A positive figure is a percentage or a ratio, 0 is nothing: neither is shown as a level."""
    assert cells.signal(ANY, {"1.3.1": ber.VarBind(*cell("1.3.1.1", raw))}) == expected


@given(st.binary(max_size=40), st.sampled_from([ber.OCTET_STRING, ber.INTEGER, ber.GAUGE32, ber.OID, ber.OPAQUE]))
def test_any_octets(octets: bytes, tag: int) -> None:
    """No value of a device is an error."""
    row = {oid: ber.VarBind(b"\x2b", tag, octets) for oid in (f"{AP}.4", f"{AP}.6", f"{AP}.44", "1.3.1")}
    aps = huawei.TABLES.aps
    assert aps is not None
    cells.text(aps.name, row)
    cells.spelling(aps.state, row)
    cells.count(aps.clients, row)
    cells.channel(ANY, row)
    cells.signal(ANY, row)
