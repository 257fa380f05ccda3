"""The identity collector: over every recording of real devices, and over devices made to be odd."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING, Any

import pytest

from agent import ber
from agent.collectors.identity_objects import objects_of
from agent.lab.snmp import Cell, Recording
from agent.model import snmp
from agent.packs.load import config_directory, load_metrics
from agent.runtime.adhoc import read_record
from tests.peers.recordings import FIXTURES, NAMES, NONE_HERE, REDACTOR, converse, expected, readings_of, recording

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.model.reading import Reading

FACTS = expected()
ENTITIES = "ENTITY-MIB::entPhysicalTable"
WITH_CHASSIS: list[Any] = sorted(  # the other system makes up a chassis for some devices without the table
    name for name, facts in FACTS.items() if facts.get("chassis") and ENTITIES in facts["tables_in_recording"]
) or [pytest.param("", marks=pytest.mark.skip(reason="no recordings beside the project"))]
ENT = "1.3.6.1.2.1.47.1.1.1.1"


def text(oid: str, value: bytes) -> Cell:
    """An OCTET STRING."""
    return Cell(ber.oid_bytes(oid), ber.OCTET_STRING, value)


def number(oid: str, value: int) -> Cell:
    """An INTEGER."""
    return Cell(ber.oid_bytes(oid), ber.INTEGER, ber.encode_integer(value)[2:])


def values(readings: Sequence[Reading], metric: str) -> list[str]:
    """The values of one metric, in order."""
    return [reading.value for reading in readings if reading.metric == metric]


@pytest.mark.parametrize("name", NAMES)
def test_every_recording_is_read_and_replays_to_the_same_readings(name: str) -> None:
    """No device, however odd, breaks the collectors, and a reviewer recomputes every reading from the record."""
    readings, record = asyncio.run(converse(recording(name), ("identity", "neighbours")))
    assert asyncio.run(read_record(io.BytesIO(record), where=name)).readings == readings
    known = load_metrics(config_directory())
    for reading in readings:
        metric = known[reading.metric]
        assert reading.unit == metric.unit
        assert not metric.states or reading.value in metric.states or reading.metric == "collector.answer"
    assert len({(reading.metric, reading.subject) for reading in readings}) == len(readings)


@pytest.mark.parametrize("name", sorted(FACTS) or NONE_HERE)
def test_object_id_is_what_another_system_read(name: str) -> None:
    """sysObjectID is told as the device gives it; a device without one gets no reading."""
    told = FACTS[name]["identity"].get("sysObjectID")
    readings = readings_of(recording(FACTS[name]["file"]), "identity")
    assert values(readings, "identity.object_id") == ([told.lstrip(".")] if told else [])


@pytest.mark.parametrize("name", WITH_CHASSIS)
def test_chassis_are_what_another_system_read(name: str) -> None:
    """Class, name, model and description agree for every chassis; serial numbers agree as pseudonyms."""
    readings = readings_of(recording(FACTS[name]["file"]), "identity")
    subjects = list(dict.fromkeys(one.subject for one in readings if one.subject.startswith("chassis:")))
    told = [{one.metric: one.value for one in readings if one.subject == subject} for subject in subjects]
    for fact in FACTS[name]["chassis"]:
        wanted = {"chassis.class": fact["class"]}
        for key, metric in (("descr", "chassis.description"), ("model", "chassis.model")):
            if fact.get(key):
                wanted[metric] = snmp.text(REDACTOR.pseudonym("identifier", fact[key].encode()))
        if fact.get("serial"):
            wanted["chassis.serial"] = REDACTOR.pseudonym("serial", fact["serial"].encode()).decode()
        assert any(wanted.items() <= each.items() for each in told), (wanted, told)


@pytest.mark.skipif(not FACTS, reason="no recordings beside the project")
def test_no_serial_number_or_mac_address_of_a_recording_is_kept() -> None:
    """What identifies a device uniquely is a pseudonym in readings and in the raw record alike."""
    for name in WITH_CHASSIS:
        device = recording(FACTS[name]["file"])
        readings, record = asyncio.run(converse(device, ("identity",)))
        column = ber.oid_bytes(f"{ENT}.11")
        serials = [cell.value for cell in device.cells() if cell.oid.startswith(column) and len(cell.value) > 7]
        column = ber.oid_bytes(f"{ENT}.2")
        described = b" ".join(cell.value for cell in device.cells() if cell.oid.startswith(column))
        shown = " ".join(reading.value for reading in readings)
        for serial in serials:
            if serial in described:  # a maker that puts it into the description too, which is kept as it is
                continue
            assert serial.hex().encode() not in record
            assert serial.decode("ascii", "replace") not in shown
    assert FIXTURES.exists()


def test_engine_id_is_a_pseudonym_that_stays_equal() -> None:
    """Two devices with one engine ID show the same pseudonym, and nobody learns the MAC address in it."""
    engine = bytes.fromhex("80001f8803001122334455")
    cells = [text("1.3.6.1.2.1.1.1.0", b"a switch"), text("1.3.6.1.6.3.10.2.1.1.0", engine)]
    first, record = asyncio.run(converse(Recording(cells), ("identity",)))
    second = readings_of(Recording([*cells, text("1.3.6.1.2.1.1.4.0", b"x")]), "identity")
    assert values(first, "identity.engine") == values(second, "identity.engine") != []
    assert engine.hex().encode() not in record
    assert b"001122334455" not in record


def test_thousands_of_parts_cost_few_requests() -> None:
    """Of a device with 3,000 parts only the chassis is asked for its details."""
    cells = [number(f"{ENT}.5.{index}", 3 if index == 1 else 10) for index in range(1, 3001)]
    cells += [text(f"{ENT}.13.{index}", b"M%d" % index) for index in range(1, 3001)]
    readings, record = asyncio.run(converse(Recording(cells), ("identity",)))
    assert values(readings, "chassis.model") == ["M1"]
    assert record.count(b'"op":"snmp.get"') == 2


def test_no_class_leaves_what_nothing_contains_or_has_a_serial() -> None:
    """Devices that leave columns of ENTITY-MIB out still have their chassis found."""
    cells = [number(f"{ENT}.4.1", 0), number(f"{ENT}.4.2", 1), text(f"{ENT}.13.1", b"M1"), text(f"{ENT}.13.2", b"M2")]
    assert values(readings_of(Recording(cells), "identity"), "chassis.model") == ["M1"]
    cells = [text(f"{ENT}.11.7", b"SN-1"), text(f"{ENT}.13.7", b"M7")]
    readings = readings_of(Recording(cells), "identity")
    assert values(readings, "chassis.model") == ["M7"]
    assert values(readings, "chassis.class") == []


def test_a_device_that_says_nothing_is_unsupported() -> None:
    """An agent without system group and entities gives no identity, and the reason is a reading."""
    readings = readings_of(Recording([number("1.3.6.1.2.1.2.1.0", 0)]), "identity")
    assert [(one.metric, one.value) for one in readings] == [("collector.answer", "unsupported")]


@pytest.mark.parametrize("name", sorted(FACTS) or NONE_HERE)
def test_serials_of_makers_are_what_another_system_read(name: str) -> None:
    """The serial number that another system shows of the device is among ours, as a pseudonym."""
    told = FACTS[name]["identity"].get("serial")
    if not told or not FACTS[name]["derivable"]["identity"].get("serial", "").startswith("yes"):
        pytest.skip("the recording has no serial number")
    wanted = REDACTOR.pseudonym("serial", told.encode()).decode()
    readings = readings_of(recording(FACTS[name]["file"]), "identity", "wifi")
    assert wanted in {one.value for one in readings if "serial" in one.metric}


def test_objects_of_makers_are_asked_by_the_longest_prefix() -> None:
    """A UPS of a maker of switches is asked as a UPS; an unknown maker, and a like-sounding one, nothing."""
    ups, switch = "1.3.6.1.4.1.2011.6.174.1", "1.3.6.1.4.1.2011.2.23.1"
    assert [one.firmware for one in objects_of(ups)] == ["1.3.6.1.2.1.33.1.1.3.0"]
    assert [one.serial for one in objects_of(switch)] == ["1.3.6.1.4.1.2011.5.25.188.1.1.0"]
    assert (
        list(objects_of("1.3.6.1.4.1.20110.1")) == list(objects_of("1.3.6.1.4.1.55555.1")) == list(objects_of("")) == []
    )


def test_an_appliance_with_the_name_of_its_snmp_software_tells_its_maker() -> None:
    """A NAS that calls itself net-snmp shows its serial number as a pseudonym, its version and its model."""
    nas = "1.3.6.1.4.1.6574.1.5"
    cells = [
        Cell(ber.oid_bytes("1.3.6.1.2.1.1.2.0"), ber.OID, ber.oid_bytes("1.3.6.1.4.1.8072.3.2.10")),
        text(f"{nas}.1.0", b"DS923+"),
        text(f"{nas}.2.0", b"SN-CANARY-7"),
        text(f"{nas}.3.0", b"DSM 7.2"),
    ]
    readings, record = asyncio.run(converse(Recording(cells), ("identity",)))
    told = {one.metric: one.value for one in readings}
    assert (told["identity.model"], told["identity.firmware"]) == ("DS923+", "DSM 7.2")
    assert told["identity.serial"] == REDACTOR.pseudonym("serial", b"SN-CANARY-7").decode()
    assert b"SN-CANARY-7".hex().encode() not in record
