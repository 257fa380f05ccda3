"""Two real switches with a cable: what lldpd and snmpd tell of each other, read by the command, live and in replay."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from tests.peers.lldpd import missing, running_pair

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.peers.lldpd import Pair

WHY_NOT = missing()
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "runs")


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    """The running pair."""
    with running_pair() as made:
        yield made


def test_a_real_neighbour_is_found_at_its_port(pair: Pair, tmp_path: Path) -> None:
    """Port, name, address and kind come out as they were set up, by ifName; the record replays; no MAC is in it."""
    record = tmp_path / "near.jsonl"
    command = [sys.executable, "-m", "agent", "read", f"snmp://127.0.0.1:{pair.port}", "--community", pair.community]
    command += ["--collect", "identity", "--collect", "neighbours", "--record", str(record), "--json"]
    done = pair.command(*command)
    assert done.returncode == 0, done.stderr
    found = {one["metric"]: one["value"] for one in map(json.loads, done.stdout.splitlines())}
    assert found["neighbour.port"] == "uplink1"
    assert found["neighbour.port_rule"] == "ifName"
    assert found["neighbour.remote_port"] == "uplink2"
    assert found["neighbour.name"].endswith("-sw")
    assert found["neighbour.address"] == "10.255.0.2"
    assert found["neighbour.kind"] == "network"
    assert "router" in found["neighbour.capabilities"].split()
    assert found["identity.object_id"].startswith("1.3.6.1.4.1.8072.")
    assert found["identity.engine"].startswith("~serial-")
    kept = record.read_text(encoding="utf-8")
    for mac in (pair.far_mac, pair.near_mac):
        assert mac not in kept + done.stdout
        assert mac.replace(":", "") not in kept
    again = pair.command(sys.executable, "-m", "agent", "read", "--replay", str(record), "--json")
    assert again.stdout == done.stdout
