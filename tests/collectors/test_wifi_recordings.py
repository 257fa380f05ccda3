"""Wi-Fi on recordings: our own, with golden readings, and those beside the project, with facts computed by others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agent import ber
from agent.collectors.wifi import TABLES
from agent.lab.snmp.recording import read
from agent.model.exchange import GapReason
from tests.collectors.recorded import ASSET, RecordingTransport, converse, value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.model.reading import Reading

OWN = sorted((Path(__file__).parent.parent / "recordings").glob("wifi-*.snmprec"))
GOLDEN = Path(__file__).parent / "golden"
FIXTURES = Path(__file__).parents[3] / "shared" / "fixtures" / "snmp"
BESIDE = sorted(FIXTURES.rglob("*.snmprec"))
needs_fixtures = pytest.mark.skipif(not BESIDE, reason="the recordings beside the project are not here")

APS = "asset:sw1"
SERIALS = (b"210235850001", b"219801A0CNC0", b"G1QH0000", b"FP221ETF18", b"211838000212", b"CNB0000", b"21983500")
"""Beginnings of the serial numbers in our recordings."""
NOT_ASKED = {
    "aruba-instant_105": "AI-AP-MIB has no count; the table of clients is indexed by their MACs and never asked",
}
"""Client totals that cannot be had without personal data."""


def shown(readings: Sequence[Reading]) -> str:
    """Return readings as text, one a line, without times and sources."""
    lines = [f"{one.subject} {one.metric} {one.value} {one.unit} {one.grade}".rstrip() for one in readings]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_golden(path: Path) -> None:
    """Every family gives exactly these readings from its recording, live and in replay."""
    readings, _ = converse(RecordingTransport(read(path)), ("wifi",))
    assert shown(readings) == (GOLDEN / f"{path.stem}.txt").read_text(encoding="utf-8")


def test_own_recordings_say_that_they_are_made() -> None:
    """No synthetic recording can be taken for a device."""
    assert len(OWN) >= 20
    assert all(path.read_text(encoding="utf-8").startswith("# synthetic: ") for path in OWN)


def test_every_mib_has_a_recording() -> None:
    """No mapping is without a recording that it reads access points or counts from; the older H3C tree is the newer."""
    told = {value(converse(RecordingTransport(read(path)), ("wifi",))[0], "wifi.mib") for path in OWN}
    assert {tables.mib for tables in TABLES.values()} - told == {"H3C-DOT11-APMT-MIB"}


def test_no_client_and_no_serial_number_is_kept() -> None:
    """What is recorded holds no serial number, in values or indexes, and of MACs the OUI alone."""
    for path in OWN:
        _, kept = converse(RecordingTransport(read(path)), ("wifi",))
        text = b"".join(exchange.to_bytes() for exchange in kept)
        for secret in SERIALS:
            assert secret.hex().encode() not in text
        for oui in ("60.222.68", "88.105.108", "36.222.198", "112.58.203", "160.15.55", "24.124.37"):
            index = ber.oid_bytes(f"1.3.{oui}.118.1.224")[1:]
            assert index.hex().encode() not in text


@needs_fixtures
@pytest.mark.parametrize("path", BESIDE, ids=lambda path: path.stem)
def test_any_device(path: Path) -> None:
    """Every recorded device gives readings or a recorded gap, and only states that the metrics list."""
    readings, _ = converse(RecordingTransport(read(path)), ("wifi",))
    answer = value(readings, "collector.answer")
    assert answer == "ok" if len(readings) > 1 else answer in {GapReason.UNSUPPORTED, GapReason.MALFORMED}
    for one in readings:
        if one.unit == "1":
            assert one.value.isdigit()


def _facts(kind: str) -> list[tuple[str, dict[str, Any], list[str]]]:
    found = []
    for name in ("EXPECTED.json", "extra/EXTRA.json"):
        path = FIXTURES / name
        if path.exists():
            for stem, entry in json.loads(path.read_text(encoding="utf-8"))["recordings"].items():
                facts = entry.get("wireless", {}).get(kind, [])
                if facts:
                    found.append((str(path.parent / entry["file"]), facts, [fact["descr"] for fact in facts], stem))
    return [(path, {"facts": facts, "stem": stem}, names) for path, facts, names, stem in found]


@needs_fixtures
@pytest.mark.parametrize(("path", "entry", "names"), _facts("ap_count"))
def test_access_point_counts(path: str, entry: dict[str, Any], names: list[str]) -> None:
    """The counts of another system, which it took from the same recording, are ours."""
    readings, _ = converse(RecordingTransport(read(Path(path))), ("wifi",))
    expected = {name: fact["value"] for name, fact in zip(names, entry["facts"], strict=True)}
    for name, count in expected.items():
        total = name == "Total APs" and len(expected) > 1
        metric = "wifi.aps.configured" if total else "wifi.aps"
        assert value(readings, metric, APS) == str(count), name


@needs_fixtures
@pytest.mark.parametrize(("path", "entry", "names"), _facts("clients"))
def test_client_counts(path: str, entry: dict[str, Any], names: list[str]) -> None:
    """The number of clients is what another system computed, by its total or the sum of its parts."""
    if entry["stem"] in NOT_ASKED:
        pytest.skip(NOT_ASKED[entry["stem"]])
    readings, _ = converse(RecordingTransport(read(Path(path))), ("wifi",))
    by_name = {name: fact["value"] for name, fact in zip(names, entry["facts"], strict=True)}
    totals = [count for name, count in by_name.items() if "total" in name.lower()]
    bands = [count for name, count in by_name.items() if name.startswith("Clients (")]
    expected = totals[0] if totals else sum(bands) if bands else sum(by_name.values())
    assert value(readings, "wifi.clients", APS) == str(expected)


@needs_fixtures
def test_instant_cluster_of_five() -> None:
    """Names and states of a cluster are what its own monitoring plugin expects."""
    readings, _ = converse(RecordingTransport(read(FIXTURES / "extra/centreon_aruba-instant-5ap.snmprec")), ("wifi",))
    states = {one.subject: one.value for one in readings if one.metric == "wifi.ap.state"}
    places = ("AP Piso 1", "AP Piso 2", "AP Piso 3", "AP Piso 4", "AP Sotano")
    assert states == {f"ap:{ASSET.id}/{name}": "up" for name in places}
    assert {one.value for one in readings if one.metric == "wifi.ap.model"} == {"225"}


@needs_fixtures
def test_one_radio_of_several_networks_is_one() -> None:
    """UniFi lists four networks on two radios: two channels, the clients of all."""
    readings, _ = converse(RecordingTransport(read(FIXTURES / "unifi_nanohd.snmprec")), ("wifi",))
    channels = {one.subject: one.value for one in readings if one.metric == "wifi.radio.channel"}
    assert channels == {"radio:sw1/sw1/ng": "6", "radio:sw1/sw1/na": "157"}
    assert value(readings, "wifi.radio.clients", "radio:sw1/sw1/na") == "14"


@needs_fixtures
def test_controller_and_rows_disagree() -> None:
    """A controller that counts 1386 and lists radios of 690 access points shows both figures."""
    readings, _ = converse(RecordingTransport(read(FIXTURES / "arubaos.snmprec")), ("wifi",))
    assert value(readings, "wifi.aps", APS) == "1386"
    assert value(readings, "wifi.aps.listed", APS) == "690"
    assert value(readings, "wifi.clients", APS) == "2654"
    assert value(readings, "wifi.clients.listed", APS) == "6695"
