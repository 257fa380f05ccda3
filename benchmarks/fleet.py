"""Poll a fleet: ``python -m benchmarks.fleet [--json] [--devices N] [--ports N] [--dead PERCENT] [--trials N]``.

A thousand lab devices on loopback addresses, served by one process, each with 52 ports of which twenty columns are
walked; one in twenty never answers (timeout 1 s, 2 retries). All are asked at once by one process, as the service
does; the same is done with the live devices alone. Each device gives its own sysName and whole table, compared with
what was served.

Two times are given: until the last live device was read, which shows what the dead cost the others, and until the end,
which is never below the three seconds that a dead device is waited for.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from agent.errors import GapError
from agent.lab.snmp import Device, lab_process, switch
from agent.lab.snmp.faults import Silence
from agent.lab.snmp.synthetic import COLUMNS, SYS_NAME, named
from agent.model import snmp
from agent.model.exchange import SnmpColumn, SnmpGet, SnmpTable
from agent.transports.snmp import Community, Limits, SnmpTransport

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.lab.snmp.recording import Recording

__all__ = ["main"]

_COMMUNITY = b"benchmark-ro"
_LIMITS = Limits(timeout_ms=1_000, retries=2)
_TABLE = SnmpTable(columns=tuple(SnmpColumn(oid=column) for column in COLUMNS))
_PORT = 16_100
_A_NETWORK = 250
Target = tuple[str, str, int]
"""Name, host, port."""
Figures = dict[str, float]


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; returns a process status."""
    given = sys.argv[1:] if arguments is None else arguments
    if given[:1] == ["--poll"]:
        return _poll_process(int(given[1]))
    options = _options(given)
    alone: list[Figures] = []
    mixed: list[Figures] = []
    with lab_process(fleet(options.devices, options.ports, options.dead)) as addresses:
        everyone = [(name, *address) for name, address in addresses.items()]
        living = [target for target in everyone if not target[0].startswith("dead")]
        for _ in range(options.trials):
            alone.append(_poll_in_process(living, options.ports))
            mixed.append(_poll_in_process(everyone, options.ports))
    found = {"live alone": _median(alone), "with dead": _median(mixed)}
    for key in ("live_s", "wall_s"):
        found["with dead"][f"{key}_to_alone"] = round(found["with dead"][key] / found["live alone"][key], 3)
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        print_table(found, options)
    return 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print figures as JSON")
    parser.add_argument("--devices", type=int, default=1000, help="devices, dead ones included (default 1000)")
    parser.add_argument("--ports", type=int, default=52, help="rows of each table (default 52)")
    parser.add_argument("--dead", type=int, default=5, help="percent that never answer (default 5)")
    parser.add_argument("--trials", type=int, default=1, help="times each of the two is done (default 1)")
    return parser.parse_args(arguments)


def fleet(devices: int, ports: int, dead: int) -> list[Device]:
    """Return the devices: names of their own, one recording's memory."""
    kind = switch(ports)
    silent = devices * dead // 100
    made = []
    for n in range(devices):
        name = f"dead{n}" if n < silent else f"sw{n}"
        host = f"127.0.{16 + n // _A_NETWORK}.{1 + n % _A_NETWORK}"
        faults = (Silence(),) if n < silent else ()
        made.append(Device(name, named(kind, name), host, _PORT, _COMMUNITY, faults=faults))
    return made


# --- the process that asks ----------------------------------------------------------------------------------------


def _poll_in_process(targets: Sequence[Target], ports: int) -> Figures:
    command = [sys.executable, "-m", "benchmarks.fleet", "--poll", str(ports)]
    done = subprocess.run(
        command, check=False, input=json.dumps(targets), stdout=subprocess.PIPE, text=True, timeout=600
    )
    if done.returncode:
        raise SystemExit("the polling process failed")
    figures: Figures = json.loads(done.stdout)
    return figures


def _poll_process(ports: int) -> int:
    targets: list[Target] = [(name, host, port) for name, host, port in json.load(sys.stdin)]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, len(targets) + 64), hard), hard))
    print(json.dumps(asyncio.run(_poll(targets, digest_of(switch(ports))))))
    return 0


async def _poll(targets: list[Target], expected: str) -> Figures:
    before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    done: list[float] = []
    outcomes = await asyncio.gather(*[_device(target, expected, done) for target in targets])
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    live = [target for target in targets if not target[0].startswith("dead")]
    complete = sum(outcome > 0 for outcome in outcomes)
    if complete != len(live):
        raise SystemExit(f"{complete} of {len(live)} live devices were read whole")
    return {
        "devices": len(targets),
        "complete": complete,
        "varbinds": sum(outcomes),
        "live_s": max(done, default=started) - started,
        "wall_s": wall,
        "cpu_s": cpu,
        "peak_rss_mb": _peak_rss_mb(),
    }


async def _device(target: Target, expected: str, done: list[float]) -> int:
    """Return how many varbinds a device gave, 0 if it gave no answer or not what was served; note when it was read."""
    name, host, port = target
    transport = SnmpTransport(host, port, credentials=Community("2c", _COMMUNITY), limits=_LIMITS)
    try:
        scalars = snmp.scalars(await transport.exchange(SnmpGet(oids=(SYS_NAME,))), (SYS_NAME,))
        answer = await transport.exchange(_TABLE)
    except GapError:
        return 0
    finally:
        await transport.close()
    done.append(time.perf_counter())
    found = scalars[SYS_NAME]
    right = found is not None and found.value == name.encode() and not answer.partial
    digest = hashlib.sha256("".join(answer.varbinds).encode()).hexdigest()
    return len(answer.varbinds) if right and digest == expected else 0


def digest_of(recording: Recording) -> str:
    """Return the digest of the table as a walk of its columns gives it."""
    rows = [recording.varbinds[at] for column in COLUMNS for at in recording.under(column)]
    return hashlib.sha256("".join([row.hex() for row in rows]).encode()).hexdigest()


def _peak_rss_mb() -> float:
    """Return this process's peak of resident memory; getrusage would count the parent's before exec."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


def _median(runs: list[Figures]) -> Figures:
    return {key: round(statistics.median(run[key] for run in runs), 3) for key in runs[0]}


def print_table(found: dict[str, Figures], options: argparse.Namespace) -> None:
    """Print the figures as a table."""
    print(
        f"{options.devices} lab devices x {options.ports} ports x {len(COLUMNS)} columns, {options.dead} % dead, "
        f"timeout {_LIMITS.timeout_ms} ms, {_LIMITS.retries} retries, all at once; medians of {options.trials}"
    )
    print(
        f"{'':<12}{'devices':>9}{'complete':>10}{'varbinds':>11}{'live s':>9}{'wall s':>9}{'CPU s':>9}"
        f"{'peak RSS MB':>13}"
    )
    for name, figures in found.items():
        print(
            f"{name:<12}{figures['devices']:>9,.0f}{figures['complete']:>10,.0f}{figures['varbinds']:>11,.0f}"
            f"{figures['live_s']:>9.2f}{figures['wall_s']:>9.2f}{figures['cpu_s']:>9.2f}{figures['peak_rss_mb']:>13.0f}"
        )
    to_alone = found["with dead"]
    print(
        f"with the dead ones, the live ones are read after {to_alone['live_s_to_alone']:.2f} x their time alone, "
        f"all is over after {to_alone['wall_s_to_alone']:.2f} x (a dead one takes "
        f"{_LIMITS.timeout_ms * (_LIMITS.retries + 1) / 1000:.0f} s)"
    )


if __name__ == "__main__":
    sys.exit(main())
