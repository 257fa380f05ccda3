"""Recordings read as devices: the same answers as over the wire, families, and files that are no recordings."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent import collectors
from agent.errors import ConfigError, GapError, UsageError
from agent.lab.snmp import Device, Recording, parse, read, running_lab
from agent.lab.snmp.session import Failed, Reader, RecordingTransport, Told, family_of
from agent.lab.snmp.supported import supported
from agent.model.exchange import MqttListen, Request, SnmpColumn, SnmpGet, SnmpTable, VarBinds
from agent.packs.load import config_directory, load_families
from agent.transports.snmp import Community, SnmpTransport
from tests.peers.recordings import FIXTURES, NAMES

if TYPE_CHECKING:
    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.model.exchange import Session
    from agent.model.reading import Reading

RECORDINGS = Path(__file__).parent.parent / "recordings"
FAMILIES = tuple(load_families(config_directory()).values())
BATTERY = RECORDINGS / "ups-apc-on-battery.snmprec"
UPS = "1.3.6.1.2.1.33.1"


async def over_the_wire(recording: Recording, request: Request) -> VarBinds:
    """Ask a real engine against a responder."""
    async with running_lab([Device("device", recording)]) as lab:
        transport = SnmpTransport(*lab["device"].address, credentials=Community("2c", b"lab-ro"))
        try:
            return await transport.exchange(request)
        finally:
            await transport.close()


@pytest.mark.parametrize(
    "request_",
    [
        SnmpGet(oids=(f"{UPS}.2.3.0", f"{UPS}.2.99.0", "1.3.6.1.2.1.1.2.0")),
        SnmpTable(columns=(SnmpColumn(oid=f"{UPS}.4.4.1.5"), SnmpColumn(oid="1.3.6.1.2.1.2.2.1.2"))),
        SnmpTable(columns=(SnmpColumn(oid=f"{UPS}.4.4.1.5"), SnmpColumn(oid=f"{UPS}.4.4.1.2")), max_rows=2),
        SnmpTable(columns=(SnmpColumn(oid=f"{UPS}.2.3.0"),)),
    ],
    ids=["get", "walk", "row cap", "an instance is no column"],
)
def test_a_recording_answers_as_its_device_would(request_: Request) -> None:
    """Varbinds, their order, exceptions and partial walks are those of the engine over a socket."""
    recording = read(RECORDINGS / "ups-rfc1628-on-battery.snmprec")
    here = asyncio.run(RecordingTransport(recording).exchange(request_))
    assert here == asyncio.run(over_the_wire(recording, request_))


def test_a_recording_of_snmp_speaks_nothing_else() -> None:
    """Asked for something that is not SNMP, it gives a gap like a device that does not have it."""
    with pytest.raises(GapError, match=r"does not answer mqtt\.listen"):
        asyncio.run(RecordingTransport(Recording([])).exchange(MqttListen(topics=(), seconds=1)))


@pytest.mark.parametrize("name", NAMES)
def test_every_recording_is_read_by_the_collectors_of_its_family(name: str) -> None:
    """A real device gives readings, or gaps with a reason; its summary counts them."""
    told = Reader(families=FAMILIES).read(FIXTURES / name)
    assert isinstance(told, Told), told
    said = told.summary
    assert said["family"] in {family.id for family in FAMILIES}
    assert said["readings"] == len(told.readings) > 0
    assert said["exchanges"] > 0
    answers = [one for one in told.readings if one.metric == "collector.answer"]
    assert len(said["gaps"]) == sum(one.value != "ok" for one in answers)
    assert {gap["reason"] for gap in said["gaps"]} <= {"unsupported", "malformed"}
    assert said["skipped_lines"] == len(read(FIXTURES / name).skipped)


@pytest.mark.parametrize(
    ("lines", "family"),
    [
        ("1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.8072.3.2.10\n", "net-snmp"),
        ("1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.8072.3.2.10\n1.3.6.1.2.1.33.1.2.3.0|2|20\n", "ups-rfc1628"),
        ("1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.318.1.3.27\n1.3.6.1.2.1.33.1.2.3.0|2|20\n", "apc"),
        ("1.3.6.1.2.1.1.2.0|6|.1.3.6.1.4.1.935\n", "xppc"),
        ("1.3.6.1.4.1.318.1.1.1.4.1.1.0|2|2\n", "apc"),
        ("1.3.6.1.2.1.2.1.0|2|2\n", None),
    ],
)
def test_objects_tell_the_role_and_sys_object_id_the_maker(lines: str, family: str | None) -> None:
    """A UPS card that calls itself Linux is a UPS; a maker's card stays the maker's."""
    found = asyncio.run(family_of(RecordingTransport(parse(lines.encode())), FAMILIES))
    assert (found.id if found else None) == family


@pytest.mark.parametrize("content", [b"", b"\n\n# nothing\n", b"\x00\xff\xfe" * 50, b"PK\x03\x04 no recording\n"])
def test_a_file_without_a_line_of_a_recording_is_told(tmp_path: Path, content: bytes) -> None:
    """An empty, binary or foreign file fails with what to do."""
    path = tmp_path / "x.snmprec"
    path.write_bytes(content)
    told = Reader(families=FAMILIES).read(path)
    assert isinstance(told, Failed)
    assert "A line is OID|TAG|VALUE" in told.error


def test_a_missing_file_costs_the_others_nothing(tmp_path: Path) -> None:
    """One reader goes on after a missing file and a directory, and equal addresses keep equal pseudonyms."""
    reader = Reader(families=FAMILIES)
    told = [reader.read(path) for path in (tmp_path / "none", tmp_path, BATTERY, BATTERY)]
    assert [isinstance(one, Failed) for one in told] == [True, True, False, False]


def test_a_defect_of_a_collector_costs_one_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception that nobody meant becomes an error that names the place and no value of the device."""

    async def broken(asset: Asset, campus: Campus, session: Session) -> list[Reading]:
        raise KeyError("secret of the device")

    monkeypatch.setitem(collectors.COLLECTORS, "ups", broken)
    told = Reader(families=FAMILIES, collectors=("ups",)).read(BATTERY)
    assert isinstance(told, Failed)
    assert "KeyError at test_session.py" in told.error
    assert "secret" not in told.error


def test_an_unknown_collector_is_refused_at_once() -> None:
    """A typing error fails the call, not a thousand files."""
    with pytest.raises(UsageError, match="there is no collector 'usp'"):
        Reader(families=FAMILIES, collectors=("usp",))


def test_supported_families_name_their_recordings() -> None:
    """Every family is listed once, by role; recordings stand with the family that they are recognised as."""
    found = supported(FAMILIES, RECORDINGS)
    assert sorted(one.family.id for one in found) == sorted(family.id for family in FAMILIES)
    assert [one.family.role for one in found] == sorted(one.family.role for one in found)
    by_family = {one.family.id: one.recordings for one in found}
    assert by_family["apc"] == ("ups-apc-no-load", "ups-apc-on-battery", "ups-apc-unknown")
    assert by_family["mqtt-broker"] == ()
    ups = [one for one in found if one.family.role == "ups"]
    assert all(one.recordings for one in ups)
    assert all(one.recordings == () for one in supported(FAMILIES, None))


def test_a_directory_that_is_none_is_told(tmp_path: Path) -> None:
    """The list of devices needs a directory of recordings or none at all."""
    with pytest.raises((UsageError, ConfigError), match="this is no directory"):
        supported(FAMILIES, tmp_path / "none")
