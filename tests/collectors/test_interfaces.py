"""The interfaces collector: names, speeds and counters, on real devices and on odd ones."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import ber
from agent.collectors import interfaces
from agent.collectors.interfaces import (
    ADMIN_STATUS,
    ALIAS,
    DESCR,
    DISCONTINUITY,
    HC_IN_OCTETS,
    HC_OUT_OCTETS,
    HIGH_SPEED,
    IN_OCTETS,
    NAME,
    OPER_STATUS,
    OUT_OCTETS,
    PHYS_ADDRESS,
    SATURATED,
    SPEED,
    SYS_DESCR,
    SYS_OBJECT_ID,
    SYS_UP_TIME,
    speed_mbps,
)
from agent.errors import GapError, UsageError
from agent.lab.snmp.recording import Cell, Recording, read
from agent.lab.snmpd import COMMUNITY, running_snmpd
from agent.model.campus import Link
from agent.model.exchange import MqttMessages, Request, VarBinds
from agent.transports.snmp import Community, SnmpTransport
from tests.collectors.recorded import RecordingTransport, cell, converse, value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.lab.snmpd import Snmpd
    from agent.model.reading import Reading

UPLINK = Link(id="telecom", role="egress", asset="sw1", port="GE0/1")
SYSTEM = [
    cell(SYS_DESCR, "a switch"),
    Cell(ber.oid_bytes(SYS_OBJECT_ID), ber.OID, ber.oid_bytes("1.3.6.1.4.1.2011.2.23.291")),
    cell(SYS_UP_TIME, 4_294_967_295, ber.TIME_TICKS),
]


def port(index: int, name: str | bytes, *, alias: str | bytes = "", descr: str | bytes = "", **more: int) -> list[Cell]:
    """Return the cells of one port; `more` overrides the numbers: high, speed, hc_in, hc_out, oper."""
    cells = [
        cell(f"{DESCR}.{index}", descr or name),
        cell(f"{SPEED}.{index}", more.get("speed", 1_000_000_000), ber.GAUGE32),
        cell(f"{PHYS_ADDRESS}.{index}", bytes.fromhex("488eef7166") + bytes([index % 256])),
        cell(f"{ADMIN_STATUS}.{index}", 1),
        cell(f"{OPER_STATUS}.{index}", more.get("oper", 1)),
        cell(f"{IN_OCTETS}.{index}", 11, ber.COUNTER32),
        cell(f"{OUT_OCTETS}.{index}", 12, ber.COUNTER32),
        cell(f"{NAME}.{index}", name),
        cell(f"{ALIAS}.{index}", alias),
        cell(f"{HIGH_SPEED}.{index}", more.get("high", 1000), ber.GAUGE32),
        cell(f"{DISCONTINUITY}.{index}", 0, ber.TIME_TICKS),
    ]
    for column, default, key in ((HC_IN_OCTETS, 2**64 - 1, "hc_in"), (HC_OUT_OCTETS, 2**63, "hc_out")):
        cells.append(cell(f"{column}.{index}", more.get(key, default), ber.COUNTER64))
    return cells


def asked(*ports: list[Cell], links: tuple[Link, ...] = (), without: tuple[str, ...] = ()) -> list[Reading]:
    """Return the readings of a device with these ports, lacking the columns in `without`."""
    cells = [one for each in ports for one in each]
    gone = tuple(ber.oid_bytes(column) for column in without)
    kept = [one for one in cells if not one.oid.startswith(gone)] if gone else cells
    return converse(RecordingTransport(Recording([*SYSTEM, *kept])), links=links)[0]


# --- names ----------------------------------------------------------------------------------------------------------


def test_a_port_is_read_with_all_its_facts() -> None:
    """Name, alias, state, speed and 64-bit counters arrive as the device has them, without a digit lost."""
    readings = asked(port(1, "GE0/1", alias="to core"))
    subject = "interface:sw1/GE0/1"
    told = {one.metric: (one.value, one.unit) for one in readings if one.subject == subject}
    assert told["interface.octets.in"] == ("18446744073709551615", "By")
    assert told["interface.octets.out"] == ("9223372036854775808", "By")
    assert told["interface.speed"] == ("1000", "Mbit/s")
    assert told["interface.alias"] == ("to core", "")
    assert told["interface.oper_status"] == ("up", "")
    assert value(readings, "device.object_id") == "1.3.6.1.4.1.2011.2.23.291"
    assert value(readings, "device.uptime") == "4294967295"
    assert value(readings, "collector.answer") == "ok"


def subjects(readings: list[Reading]) -> set[str]:
    """Return the subjects of the ports."""
    return {one.subject for one in readings if one.metric == "interface.identity"}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["eth", "eth"], {"eth#1", "eth#2"}),
        (["", ""], {"#1", "#2"}),
        (["", "lan"], {"#1", "lan"}),
        (["eth#2", "eth"], {"eth#2#1", "eth"}),
        (["eth#3", "eth", "eth"], {"eth#3#1", "eth#2", "eth#3"}),
        (["\0\0\0", "lan\0\0"], {"#1", "lan"}),
        (["lan", "lan\0"], {"lan#1", "lan#2"}),
    ],
)
def test_two_ports_never_become_one(names: list[str], expected: set[str]) -> None:
    """Duplicate, empty, NUL-padded names, and names that look like our own suffix: every port keeps its subject."""
    readings = asked(*(port(at, name) for at, name in enumerate(names, 1)))
    assert subjects(readings) == {f"interface:sw1/{name}" for name in expected}


@given(st.lists(st.sampled_from(["", "a", "a#1", "a#2", "#1", "a#1#2", "b"]), min_size=1, max_size=7))
def test_every_row_has_a_subject_of_its_own(names: list[str]) -> None:
    """Whatever ports are called, there are as many subjects as rows."""
    assert len(subjects(asked(*(port(at, name) for at, name in enumerate(names, 1))))) == len(names)


def test_a_name_falls_back_to_the_description() -> None:
    """A device without ifXTable names its ports by ifDescr."""
    readings = asked(port(7, "x", descr="Slot 0 Port 7"), without=("1.3.6.1.2.1.31.1.1.1",))
    assert subjects(readings) == {"interface:sw1/Slot 0 Port 7"}
    assert value(readings, "interface.octets.in") is None


def test_chinese_in_gbk_and_utf_8_is_read() -> None:
    """An alias typed into a switch by a Chinese terminal is text, in whichever charset."""
    readings = asked(port(1, "a", alias="教学楼".encode("gbk")), port(2, "b", alias="实验楼"))
    assert value(readings, "interface.alias", "interface:sw1/a") == "教学楼"
    assert value(readings, "interface.alias", "interface:sw1/b") == "实验楼"


def test_an_alias_cannot_write_to_a_terminal() -> None:
    """Control characters of a device arrive as visible escapes."""
    readings = asked(port(1, "a", alias="x\x1b[31my"))
    assert value(readings, "interface.alias") == "x\\x1b[31my"


@pytest.mark.parametrize("index", [0, 1_000_001, 2**31, 4_194_316_032, 2**32 - 1])
def test_any_ifindex_that_devices_use_is_taken(index: int) -> None:
    """ifIndex may be 0 or above 2^31: it stays an unsigned number, also when the link is asked for."""
    readings = asked(port(index, "GE0/1"), links=(UPLINK,))
    assert value(readings, "link.octets.in") == "18446744073709551615"
    identity = value(readings, "interface.identity")
    assert identity is not None
    assert identity.startswith(f"{index}|")


def test_an_identity_changes_with_each_of_its_parts() -> None:
    """Another index, name, alias or address is another port, and counters are not compared across it."""
    same = value(asked(port(1, "a")), "interface.identity")
    assert value(asked(port(1, "a")), "interface.identity") == same
    for other in (port(2, "a"), port(1, "b"), port(1, "a", alias="x"), port(1, "a", descr="y")):
        assert value(asked(other), "interface.identity") != same


def test_addresses_in_readings_are_pseudonyms() -> None:
    """The fingerprint of a port holds the OUI of its address and not the address."""
    identity = value(asked(port(1, "a")), "interface.identity")
    assert identity is not None
    assert "|488eef" in identity
    assert "488eef716601" not in identity


@pytest.mark.parametrize("state", [0, 8, -1, 2**31 - 1])
def test_an_illegal_state_is_no_state(state: int) -> None:
    """A number that IF-MIB does not know is not reported as a state."""
    readings = asked(port(1, "GE0/1", oper=state), links=(UPLINK,))
    assert value(readings, "interface.oper_status") is None
    assert value(readings, "link.status") is None


# --- speed ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("high", "speed", "expected"),
    [
        (1000, 1_000_000_000, "1000"),
        (0, 100_000_000, "100"),
        (None, 100_000_000, "100"),
        (None, 1_544_000, "1.544"),
        (0, 64_000, "0.064"),
        (100_000, 4_294_967_295, "100000"),
        (0, 4_294_967_295, None),
        (None, 4_294_967_295, None),
        (0, 0, None),
        (None, None, None),
        (4_294_967_295, 1_000_000_000, "1000"),
        (1_000_000_000, 1_000_000_000, "1000"),
        (1_600_000, 4_294_967_295, "1600000"),
        (1_600_001, 4_294_967_295, None),
        (-1, 10_000_000, "10"),
    ],
)
def test_the_speed_is_known_or_absent(high: int | None, speed: int | None, expected: str | None) -> None:
    """Unknown is never 0, saturated is never 4.29 Gbit/s, and bit/s in ifHighSpeed is never believed."""
    assert speed_mbps(high, speed) == expected


@given(st.none() | st.integers(-(2**31), 2**32 - 1), st.none() | st.integers(-(2**31), 2**32 - 1))
def test_a_speed_is_positive_and_possible(high: int | None, speed: int | None) -> None:
    """Whatever a device says, a speed that is read is above 0 and at most 1.6 Tbit/s."""
    told = speed_mbps(high, speed)
    assert told is None or 0 < float(told) <= 1_600_000


def test_an_unknown_speed_gives_no_reading() -> None:
    """A tunnel with speed 0 has no speed reading, in the table and for the link."""
    readings = asked(port(1, "GE0/1", high=0, speed=0), links=(UPLINK,))
    assert value(readings, "interface.speed") is None
    assert value(readings, "link.speed") is None
    assert value(readings, "link.status") == "up"


# --- gaps -----------------------------------------------------------------------------------------------------------


class Failing(RecordingTransport):
    """A device that answers so many requests, then fails."""

    def __init__(self, answers: int, fault: Exception) -> None:
        super().__init__(Recording([*SYSTEM, *port(1, "GE0/1")]))
        self._answers = answers
        self._fault = fault

    async def exchange(self, request: Request) -> Any:
        if len(self.asked) >= self._answers:
            self.asked.append(request)
            raise self._fault
        return await super().exchange(request)


@pytest.mark.parametrize("answers", [0, 1])
@pytest.mark.parametrize("reason", ["unreachable", "refused", "deadline", "malformed", "unsupported"])
def test_silence_is_a_reading_with_its_exchange(answers: int, reason: str) -> None:
    """Whatever ends the conversation is what the collector says of it, and cites."""
    readings, kept = converse(Failing(answers, GapError(reason, "no")))
    assert value(readings, "collector.answer") == reason
    assert readings[-1].sources == (kept[-1].digest(),)
    assert len(kept) == answers + 1


def test_a_device_without_the_table_is_unsupported() -> None:
    """A device that answers but shows no interfaces is told apart from one that does not answer."""
    readings = asked()
    assert value(readings, "collector.answer") == "unsupported"
    assert value(readings, "device.description") is None


@pytest.mark.parametrize(
    "answer",
    [
        VarBinds(varbinds=("00",)),
        VarBinds(varbinds=("nothex",)),
        VarBinds(varbinds=(ber.encode_varbind(ber.oid_bytes("1.3.6.1.4.1.1"), 4, b"x").hex(),)),
        MqttMessages(messages=(), listened_ms=1),
    ],
    ids=["cut off", "not hex", "another OID", "another protocol"],
)
def test_an_answer_that_makes_no_sense_is_malformed(answer: VarBinds | MqttMessages) -> None:
    """A lying device ends as malformed with its exchange; nothing breaks, live and in replay."""

    class Lying(RecordingTransport):
        async def exchange(self, request: Request) -> Any:
            return answer

    readings, kept = converse(Lying(Recording(SYSTEM)))
    assert [(one.metric, one.value) for one in readings] == [("collector.answer", "malformed")]
    assert readings[0].sources == (kept[-1].digest(),)


def test_a_row_without_an_index_is_malformed() -> None:
    """Some devices answer with the column itself as a cell: no row can be made of it, and that is what is said."""
    device = Recording([*SYSTEM, Cell(ber.oid_bytes(DESCR), ber.OCTET_STRING, b"x"), *port(1, "GE0/1")])
    readings, kept = converse(RecordingTransport(device))
    assert value(readings, "collector.answer") == "malformed"
    assert readings[-1].sources == (kept[-1].digest(),)
    assert kept[-1].response is not None, "the answer itself is kept"


def test_values_of_the_wrong_type_are_absent() -> None:
    """Text where a counter belongs, a counter where text belongs, and NULL: no reading, no error."""
    cells = [
        cell(f"{DESCR}.1", "GE0/1"),
        cell(f"{HC_IN_OCTETS}.1", "many"),
        cell(f"{OPER_STATUS}.1", b"", ber.NULL),
        cell(f"{ADMIN_STATUS}.1", "up"),
        cell(f"{HIGH_SPEED}.1", "1000"),
    ]
    readings = asked(cells)
    assert subjects(readings) == {"interface:sw1/GE0/1"}
    for metric in ("octets.in", "oper_status", "admin_status", "speed"):
        assert value(readings, f"interface.{metric}") is None


def test_an_unknown_collector_is_a_usage_error() -> None:
    """A name that no collector has is told with the names that exist."""
    with pytest.raises(UsageError, match=r"Known are: .*interfaces"):
        converse(RecordingTransport(Recording(SYSTEM)), collectors=("nonsense",))


@given(
    st.lists(
        st.tuples(
            st.sampled_from([column.oid for column in interfaces.TABLE.columns]),
            st.integers(0, 3),
            st.sampled_from(
                [ber.INTEGER, ber.OCTET_STRING, ber.COUNTER64, ber.GAUGE32, ber.NULL, ber.NO_SUCH_INSTANCE]
            ),
            st.binary(max_size=12),
        ),
        max_size=20,
    )
)
def test_no_device_can_break_the_collector(cells: list[tuple[str, int, int, bytes]]) -> None:
    """Any cells of any type and content give readings or a gap, and the same again in replay."""
    device = Recording([*SYSTEM, *(Cell(ber.oid_bytes(f"{oid}.{row}"), tag, data) for oid, row, tag, data in cells)])
    readings, _ = converse(RecordingTransport(device), links=(UPLINK,))
    for collector in ("interfaces", "links"):
        assert value(readings, "collector.answer", f"{collector}:sw1") in ("ok", "unsupported")


# --- a real agent ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def snmpd() -> Iterator[Snmpd]:
    """Return a real snmpd whose loopback says 1 Gbit/s."""
    extra = "override 1.3.6.1.2.1.31.1.1.1.15.1 uinteger 1000"
    with running_snmpd(extra=extra) as peer:
        yield peer


def test_a_real_agent_is_read_as_its_own_tools_show_it(snmpd: Snmpd) -> None:
    """snmpd's interfaces, by our engine: the same names as net-snmp's own walk, and counters that grow."""
    link = Link(id="telecom", role="egress", asset="sw1", port="lo")

    def ask() -> list[Reading]:
        access = Community(version="2c", community=COMMUNITY.encode())
        return converse(SnmpTransport(snmpd.host, snmpd.port, credentials=access), links=(link,))[0]

    first = ask()
    walked = [line.split("STRING: ")[1].strip('"') for line in snmpd.walk(NAME).splitlines() if "STRING: " in line]
    decoded = {bytes.fromhex(name).rstrip(b"\0").decode() if " " in name else name for name in walked}
    assert {one.value for one in first if one.metric == "interface.name"} == decoded
    assert value(first, "link.speed") == "1000"
    assert value(first, "link.match") == "ifName"
    time.sleep(1.2)
    second = ask()
    before, after = (int(value(each, "link.octets.in") or -1) for each in (first, second))
    assert 0 <= before <= after
    assert int(value(first, "link.uptime") or 0) < int(value(second, "link.uptime") or 0)


def test_a_wrong_community_is_silence_not_a_traceback(snmpd: Snmpd) -> None:
    """SNMPv2c agents drop a wrong community: after all tries that is unreachable, and the secret is not in the gap."""
    access = Community(version="2c", community=b"WRONG-CANARY-1")
    readings, kept = converse(SnmpTransport(snmpd.host, snmpd.port, credentials=access))
    assert value(readings, "collector.answer") == "unreachable"
    assert kept[0].gap is not None
    assert "CANARY" not in kept[0].gap.detail


# --- recordings of real devices -------------------------------------------------------------------------------------

FIXTURES = Path(os.environ.get("CAMPUS_AGENT_FIXTURES", Path(__file__).parents[3] / "shared" / "fixtures")) / "snmp"
TRUTH: dict[str, Any] = (
    json.loads((FIXTURES / "EXPECTED.json").read_text(encoding="utf-8"))["recordings"] if FIXTURES.is_dir() else {}
)
GARBAGE = ("cyberpower_pr2200rt2uc", "powerwalker-vfi_500r1u")
"""UPS cards whose interface table is garbage: their names are not compared (fixtures' own caveat)."""


@pytest.mark.skipif(not TRUTH, reason=f"no recordings under {FIXTURES}")
@pytest.mark.parametrize("device", sorted(TRUTH) or ["none"])
def test_recordings_of_real_devices_are_read_as_others_read_them(device: str) -> None:
    """Every recorded device gives readings or a recorded gap; names and speeds are those that LibreNMS found."""
    truth = TRUTH[device]
    readings, kept = converse(RecordingTransport(read(FIXTURES / truth["file"])))
    rows = (truth.get("ports") or {}).get("rows", [])
    assert value(readings, "collector.answer") == ("ok" if subjects(readings) else "unsupported")
    assert subjects(readings) or not rows
    assert kept
    of = {one.value.split("|")[0]: one.subject for one in readings if one.metric == "interface.identity"}
    names = {one.subject: one.value for one in readings if one.metric == "interface.name"}
    speeds = {one.subject: one.value for one in readings if one.metric == "interface.speed"}
    for row in rows:
        subject = of[str(row["ifIndex"])]
        if device not in GARBAGE:
            assert names[subject] == (row["ifName"] or row["ifDescr"]).strip(), row
        if row.get("ifSpeed") == SATURATED:
            assert subject not in speeds, "more than a Gauge32 can say is unknown, not 4.29 Gbit/s"
        elif row.get("ifSpeed"):
            assert float(speeds[subject]) * 1_000_000 == row["ifSpeed"], row
    assert len(of) == len(set(of.values()))


def test_the_table_of_recordings_is_complete() -> None:
    """All 47 recordings are compared where they are present."""
    if not TRUTH:
        pytest.skip(f"no recordings under {FIXTURES}")
    assert len(TRUTH) == 47
    assert sum(bool((one.get("ports") or {}).get("rows")) for one in TRUTH.values()) >= 39
