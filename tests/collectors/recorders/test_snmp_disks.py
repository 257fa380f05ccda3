"""Disks of recorders over SNMP: what each MIB tells, and that nothing missing is taken for healthy."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent import ber
from agent.lab.snmp.recording import Recording, read
from tests.collectors.recorded import RecordingTransport, cell, converse, value

SHARED = Path(__file__).parents[4] / "shared" / "fixtures" / "snmp"
HIK = "1.3.6.1.4.1.50001.1.241.1"
DAHUA = "1.3.6.1.4.1.1004849.2"


def told(*cells: tuple[str, str | int]) -> list[tuple[str, str, str]]:
    """Return metric, subject and value of what a device with these objects tells."""
    ordered = sorted(cells, key=lambda each: tuple(map(int, each[0].split("."))))
    transport = RecordingTransport(Recording(cell(oid, what) for oid, what in ordered))
    readings, _ = converse(transport, ("storage",))
    return [(one.metric, one.subject, one.value) for one in readings]


def recorded(name: str) -> RecordingTransport:
    """Return a device of the shared recordings."""
    path = SHARED / f"{name}.snmprec"
    if not path.exists():
        pytest.skip("the shared SNMP recordings are not beside this checkout")
    return RecordingTransport(read(path))


def test_hikvision_recorder() -> None:
    """Capacities are MiB, rows end in .0, and the state is the device's."""
    readings, _ = converse(recorded("hikvision-nvr_disk"), ("storage",))
    assert value(readings, "storage.disk.state", "disk:sw1/1") == "storing"
    assert value(readings, "storage.disk.capacity", "disk:sw1/1") == str(1000 * 2**20)
    assert value(readings, "storage.disk.free", "disk:sw1/1") == str(400 * 2**20)


def test_dahua_recorder() -> None:
    """A recorder without volumes in its MIB tells its own state."""
    readings, _ = converse(recorded("dahua-nvr"), ("storage",))
    assert value(readings, "storage.status") == "good"
    assert not [one for one in readings if one.metric.startswith("storage.disk")]


def test_camera_without_disk() -> None:
    """A camera whose text says 0.0 GB has no disk, which is an answer."""
    readings, _ = converse(recorded("hikvision-cam"), ("storage",))
    assert [one.metric for one in readings] == ["collector.answer"]
    assert value(readings, "collector.answer") == "ok"


@pytest.mark.parametrize(
    ("status", "state"),
    [(0, "storing"), (1, "present"), (2, "failing"), (3, "failing"), (5, "present"), (6, "failing"), (77, "unknown")],
)
def test_hikvision_states(status: int, state: str) -> None:
    """Every state of the MIB has a meaning; another number is unknown."""
    assert ("storage.disk.state", "disk:sw1/2", state) in told((f"{HIK}.3.2.0", status), (f"{HIK}.5.2.0", 953869))


def test_missing_state_is_unknown() -> None:
    """A recorder that gives sizes alone, as real ones do, has disks of unknown state."""
    found = told((f"{HIK}.4.1.0", 0), (f"{HIK}.5.1.0", 3815447))
    assert ("storage.disk.state", "disk:sw1/1", "unknown") in found
    assert ("storage.disk.free", "disk:sw1/1", "0") in found


def test_dahua_words() -> None:
    """Volumes go by their names; a word that is not known is unknown."""
    found = told(
        (f"{DAHUA}.1.2.8.0", 0),
        (f"{DAHUA}.4.1.1.4.1", "/dev/sda"),
        (f"{DAHUA}.4.1.1.4.2", "/dev/sdb"),
        (f"{DAHUA}.4.1.1.5.1", "Error"),
        (f"{DAHUA}.4.1.1.5.2", "Pondering"),
    )
    assert ("storage.status", "asset:sw1", "bad") in found
    assert ("storage.disk.state", "disk:sw1/sda", "failing") in found
    assert ("storage.disk.state", "disk:sw1/sdb", "unknown") in found


def test_text_with_units() -> None:
    """Size and used share of all disks together come out of texts with units."""
    found = told(("1.3.6.1.4.1.39165.1.8.0", "1.5 TB"), ("1.3.6.1.4.1.39165.1.9.0", "25 PERCENT"))
    assert ("storage.disk.capacity", "disk:sw1/all", str(3 * 2**39)) in found
    assert ("storage.disk.free", "disk:sw1/all", str(3 * 2**39 * 3 // 4)) in found


def test_no_recorder() -> None:
    """A device without these objects is unsupported, and nothing is said of disks."""
    found = told(("1.3.6.1.2.1.1.1.0", "a switch"))
    assert found == [("collector.answer", "storage:sw1", "unsupported")]


def test_odd_types() -> None:
    """Values of another type are no numbers and no healthy disks."""
    cells = [cell(f"{HIK}.3.1.0", b"\x00"), cell(f"{HIK}.5.1.0", -1), cell("1.3.6.1.4.1.50001.1.240.0", 1, ber.GAUGE32)]
    transport = RecordingTransport(Recording(sorted(cells, key=lambda each: each.oid)))
    readings, _ = converse(transport, ("storage",))
    assert value(readings, "storage.disk.state") == "unknown"
    assert value(readings, "storage.disk.capacity") is None
