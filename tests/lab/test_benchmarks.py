"""The benchmarks run, say what they promise to say, and notice a client that read something else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from agent.lab.snmp.synthetic import COLUMNS
from benchmarks import fleet, snmp

if TYPE_CHECKING:
    from collections.abc import Callable

LINES = [f"{column}.{row}|{'Counter64' if row else 'STRING'}|{row}" for column in COLUMNS for row in range(1, 4)]
FIGURES = {"cpu_s_per_100k", "varbinds_per_s", "ratio_to_ours"}


def test_one_device_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    """`--json` gives client -> figures; ours is the unit of the ratio, and net-snmp read the same varbinds."""
    arguments = ["--agent", "lab", "--trials", "1", "--clients", "campus-agent", "snmpbulkwalk", "--json"]
    assert snmp.main(arguments) == 0
    found = json.loads(capsys.readouterr().out)
    clients = ("campus-agent", "snmpbulkwalk")
    assert found.keys() == {f"{client} {version}" for client in clients for version in ("v2c", "v3")}
    assert all(figures.keys() == FIGURES for figures in found.values())
    assert found["campus-agent v2c"]["ratio_to_ours"] == found["campus-agent v3"]["ratio_to_ours"] == 1
    assert all(figures["varbinds_per_s"] > 0 for figures in found.values())


def test_a_fleet_with_dead_devices(capsys: pytest.CaptureFixture[str]) -> None:
    """Live devices are read whole, dead ones counted apart, and both passes are reported."""
    assert fleet.main(["--devices", "40", "--ports", "4", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["live alone"]["complete"] == found["with dead"]["complete"] == 38
    assert found["with dead"]["devices"] == 40
    assert found["with dead"]["varbinds"] == 38 * 4 * len(COLUMNS)


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines[:-1],
        lambda lines: [*lines[:-1], lines[-1].replace("|3", "|4")],
        lambda lines: [*lines[:-1], lines[-1].replace("Counter64", "Gauge32")],
        lambda lines: [lines[1], lines[0], *lines[2:]],
    ],
    ids=["row lost", "value", "type", "order"],
)
def test_a_difference_between_clients_ends_the_benchmark(change: Callable[[list[str]], list[str]]) -> None:
    """A lost row, another value, another type or another order is no figure but an error."""
    snmp.compare({("campus-agent", "v2c"): LINES, ("pysnmp", "v2c"): list(LINES)})
    with pytest.raises(SystemExit, match="first difference"):
        snmp.compare({("campus-agent", "v2c"): LINES, ("pysnmp", "v2c"): change(LINES)})
