"""Poll one device side by side: ``python -m benchmarks.snmp [--json] [--trials N] [--agent snmpd|lab]``.

One device with 400 interfaces, twenty columns of ifTable and ifXTable, SNMPv2c and SNMPv3 (authPriv, SHA-256 and
AES-128). In each trial every client runs once, in random order, in a process of its own. Figures are medians over the
trials; what the clients read is compared varbind by varbind.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from agent.lab.snmp.synthetic import COLUMNS
from benchmarks.snmp_agent import can_use_snmpd, inside_namespace, lab_agent, snmpd
from benchmarks.snmp_clients import CLIENTS, EXPORTER, missing

if TYPE_CHECKING:
    from benchmarks.snmp_agent import Peer

__all__ = ["main"]

_OURS = "campus-agent"
_VERSIONS = {"v2c": "2c", "v3": "3"}
Figures = dict[str, float]


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; returns a process status."""
    given = sys.argv[1:] if arguments is None else arguments
    options = _options(given)
    if options.agent == "snmpd" and not options.inside:
        status = inside_namespace([*given, "--inside"]) if can_use_snmpd() else None
        if status is not None:
            return status
        print(
            "snmpd with interfaces of its own needs root and network namespaces: using the lab agent", file=sys.stderr
        )
        options.agent = "lab"
    with (snmpd if options.agent == "snmpd" else lab_agent)() as peer:
        found = measure(peer, options.trials, options.clients, options.versions)
    if options.json:
        print(f"device: {peer.what}", file=sys.stderr)
        print(json.dumps(found, indent=2))
    else:
        print_table(found, peer, options.trials)
    return 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.snmp", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print {client: figures} instead of a table")
    parser.add_argument("--trials", type=int, default=5, help="times each client runs (default 5)")
    parser.add_argument("--agent", choices=("snmpd", "lab"), default="snmpd", help="the device (default snmpd)")
    parser.add_argument("--clients", nargs="+", choices=CLIENTS, default=list(CLIENTS), help="default: all")
    parser.add_argument("--versions", nargs="+", choices=_VERSIONS, default=list(_VERSIONS), help="default: both")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def measure(peer: Peer, trials: int, clients: list[str], versions: list[str]) -> dict[str, Figures]:
    """Return client -> CPU seconds per 100,000 varbinds, varbinds a second, CPU as a multiple of ours."""
    there = []
    for client in clients:
        lack = missing(client)
        if lack:
            print(f"left out: {client}: {lack}", file=sys.stderr)
        else:
            there.append(client)
    runs = [(client, version) for version in versions for client in there]
    results: dict[tuple[str, str], list[Figures]] = {run: [] for run in runs}
    with tempfile.TemporaryDirectory(prefix="benchmark-snmp-") as home:
        for _ in range(trials):
            order = runs.copy()
            random.shuffle(order)
            read = {}
            for client, version in order:
                path = Path(home) / f"{client}-{version}"
                results[client, version].append(_run(client, version, peer, path))
                read[client, version] = path.read_text(encoding="utf-8").splitlines()
            compare(read)
    return _summary(results)


def _run(client: str, version: str, peer: Peer, path: Path) -> Figures:
    command = [sys.executable, "-m", "benchmarks.snmp_clients", client, _VERSIONS[version]]
    done = subprocess.run(
        [*command, peer.host, str(peer.port), str(path)], check=False, stdout=subprocess.PIPE, text=True, timeout=120
    )
    if done.returncode:
        raise SystemExit(f"{client} {version} failed")
    figures: Figures = json.loads(done.stdout)
    return figures


def _summary(results: dict[tuple[str, str], list[Figures]]) -> dict[str, Figures]:
    cpu = {
        run: statistics.median(each["cpu"] / each["varbinds"] * 100_000 for each in figures)
        for run, figures in results.items()
    }
    found = {}
    for (client, version), figures in results.items():
        ours = cpu.get((_OURS, version))
        found[f"{client} {version}"] = {
            "cpu_s_per_100k": round(cpu[client, version], 3),
            "varbinds_per_s": round(statistics.median(each["varbinds"] / each["wall"] for each in figures)),
            "ratio_to_ours": round(cpu[client, version] / ours, 2) if ours else 0.0,
        }
    return found


# --- comparing ----------------------------------------------------------------------------------------------------


def compare(read: dict[tuple[str, str], list[str]]) -> None:
    """Check that all clients read the same varbinds in the same order: OID, type, value.

    The counters of lo move with the benchmark's own packets: there OID and type are compared. The exporter's samples
    have no type and are floating-point numbers.
    """
    names = list(read)
    if not names:
        return
    first = next((name for name in names if name[0] != EXPORTER), names[0])
    wanted = _quiet(read[first])
    if len(wanted) < len(COLUMNS):
        raise SystemExit(f"{first} read {len(wanted)} varbinds only")
    for name in names:
        expected = [_as_sample(line) for line in wanted] if name[0] == EXPORTER != first[0] else wanted
        got = _quiet(read[name], lo=_lo(read[first]))
        if got != expected:
            differ = next((pair for pair in zip(expected, got, strict=False) if pair[0] != pair[1]), ("", ""))
            raise SystemExit(f"{name} read {len(got)} varbinds, {first} {len(expected)}; first difference: {differ}")


def _lo(lines: list[str]) -> str:
    """Return the index of lo, or an empty string."""
    name = b"lo".hex()
    return next((line.split("|")[0].rpartition(".")[2] for line in lines if line.endswith(f"|STRING|{name}")), "")


def _quiet(lines: list[str], lo: str | None = None) -> list[str]:
    """Return the lines without the values of lo's counters."""
    index = _lo(lines) if lo is None else lo
    counters = {column for column in COLUMNS if _is_counter(column)}
    found = []
    for line in lines:
        oid, kind, value = line.split("|", 2)
        column, _, row = oid.rpartition(".")
        found.append(f"{oid}|{kind}|moves" if row == index and column in counters else f"{oid}|{kind}|{value}")
    return found


def _is_counter(column: str) -> bool:
    table, _, last = column.rpartition(".")
    return last in ({"13", "14", "19", "20"} if table.endswith("2.2.1") else {"6", "7", "8", "10", "11"})


def _as_sample(line: str) -> str:
    """Return a varbind as the exporter shows it."""
    oid, kind, value = line.split("|", 2)
    return f"{oid}||{value if kind == 'STRING' or value == 'moves' else repr(float(value))}"


# --- showing ------------------------------------------------------------------------------------------------------


def print_table(found: dict[str, Figures], peer: Peer, trials: int) -> None:
    """Print the figures as a table."""
    print(f"device: {peer.what}; {len(COLUMNS)} columns; medians of {trials} trials; varbinds identical in all clients")
    print(f"{'client':<32}{'CPU s / 100k':>14}{'varbinds / s':>14}{'x ours':>9}{'ours / it':>11}")
    for client, figures in found.items():
        ratio = figures["ratio_to_ours"]
        print(
            f"{client:<32}{figures['cpu_s_per_100k']:>14.3f}{figures['varbinds_per_s']:>14,.0f}"
            f"{ratio:>9.2f}{(1 / ratio if ratio else 0):>11.2f}"
        )


if __name__ == "__main__":
    sys.exit(main())
