"""Read large recorders: ``python -m benchmarks.recorders [--channels N] [--days N] [--brand NAME ...]``.

A lab recorder of each brand serves its footage over real HTTP with digest, one camera of it dead for three days. Each
command runs as a process of its own and goes the whole way: login, allow-list, search to the end of every day and
channel, redaction, record, readings.

    read      `read` without `--record`: what the program and the collectors hold
    record    `read --record`: the record goes into a file
    replay    `read --replay`: the readings are made again from it, and must be the same octets
    run       `run --once`: the journal, the signed segment and readings

Retention and gap of every channel are checked against the scripted footage: a wrong answer is no figure. The same is
done with a third of the days: memory is flat where the ratio of the peaks is 1, however long the record.
"""

from __future__ import annotations

import argparse
import gzip
import json
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.clock import SystemClock, parse_time
from agent.evidence import keys
from agent.journal.store import Journal
from agent.lab.recorders.dahua import DahuaRecorder
from agent.lab.recorders.hikvision import HikvisionRecorder
from agent.lab.recorders.onvif import OnvifRecorder
from agent.lab.recorders.server import Door, serve
from agent.lab.recorders.spans import DAY, Outage, footage
from agent.lab.recorders.uniview import UniviewRecorder
from agent.model.evidence import Statement
from agent.runtime.adhoc import SCHEMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from agent.lab.recorders.server import Device, Served

__all__ = ["main"]

Footage = dict[int, tuple[tuple[int, int], ...]]
BRANDS: Mapping[str, tuple[str, Callable[[Footage], Device]]] = {
    "hikvision": ("isapi", lambda kept: HikvisionRecorder(kept, _now)),
    "dahua": ("dahua", lambda kept: DahuaRecorder({number - 1: spans for number, spans in kept.items()}, _now)),
    "onvif": ("onvif", lambda kept: OnvifRecorder({str(number): spans for number, spans in kept.items()}, _now)),
    "uniview": ("uniview", lambda kept: UniviewRecorder(kept, _now)),
}
"""Brand -> scheme of `read`, and the lab's device with that footage."""
SLACK = 120_000
"""Milliseconds by which a span may end earlier or later than scripted: files are cut, and now goes on."""
SECONDS = 900


@dataclass(frozen=True, slots=True)
class Figure:
    """What one command took; `wrong` counts channels that it told wrongly, and a record that gives other readings."""

    seconds: float
    peak_kib: int
    wrong: int


@dataclass(frozen=True, slots=True)
class Measured:
    """One recorder read by all commands."""

    requests: int
    record: int
    """Octets."""
    figures: dict[str, Figure]


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; returns a process status: 1 where a recorder was read wrongly."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recorders", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--brand", action="append", choices=sorted(BRANDS))
    options = parser.parse_args(arguments)
    print(f"{options.channels} channels, one camera dead for three days; wanted: below 60 s, peaks of one size")
    wrong = 0
    for brand in options.brand or BRANDS:
        small, large = (measure(brand, options.channels, days) for days in (max(1, options.days // 3), options.days))
        for days, found in ((max(1, options.days // 3), small), (options.days, large)):
            print(f"{brand}, {days} days: {found.requests} requests, {found.record / 1e6:.1f} MB record")
            for command, one in found.figures.items():
                print(_line(command, one), flush=True)
                wrong += one.wrong
        print(f"{brand}, ratio of the peaks: " + ", ".join(_ratios(small, large)), flush=True)
    return 1 if wrong else 0


def _line(command: str, one: Figure) -> str:
    told = f"{one.wrong} WRONG" if one.wrong else "right"
    return f"  {command:8} {one.seconds:6.1f} s   peak {one.peak_kib / 1024:6.1f} MiB   {told}"


def _ratios(small: Measured, large: Measured) -> Iterable[str]:
    idle = small.figures["idle"].peak_kib
    for command, one in large.figures.items():
        yield f"{command} {one.peak_kib / small.figures[command].peak_kib:.2f}"
    yield f"collectors alone {(large.figures['read'].peak_kib - idle) / 1024:.1f} MiB"


def measure(brand: str, channels: int, days: int) -> Measured:
    """Read one recorder with all commands, each in a process of its own."""
    scheme, device = BRANDS[brand]
    begun = _now()
    dead = Outage(begun - 10 * DAY, begun - 7 * DAY, channel=min(7, channels))
    kept = footage(channels, days, begun, outages=(dead,))
    with tempfile.TemporaryDirectory(prefix="recorders-") as name:
        place = Path(name)
        record, door = place / "record.jsonl", Door()
        _secret(place / "secrets" / "nvr", f"{{username: {door.username}, password: {door.password}}}")
        ask = ("--credentials", str(place / "secrets" / "nvr"), "--seconds", str(SECONDS), "--json")
        with _served(device(footage(1, 1, begun)), door) as one:
            idle = _command(place, "read", f"{scheme}://127.0.0.1:{one.port}?search_days=1", *ask)[0]
        with _served(device(kept), door) as served:
            url = f"{scheme}://127.0.0.1:{served.port}?search_days={days + 5}"
            read, _ = _command(place, "read", url, *ask, kept=kept)
            requests = len(served.asked)
            recorded, told = _command(place, "read", url, *ask, "--record", str(record), kept=kept)
            ran = _run(place, scheme, served.port, days, kept)
        replayed, again = _command(place, "read", "--replay", str(record), "--json", kept=kept)
        if again != told:
            replayed = Figure(replayed.seconds, replayed.peak_kib, replayed.wrong + 1)
        figures = {"idle": idle, "read": read, "record": recorded, "replay": replayed, "run": ran}
        return Measured(requests, record.stat().st_size, figures)


@contextmanager
def _served(device: Device, door: Door) -> Iterator[Served]:
    with serve(device, door) as served:
        yield served


def _command(place: Path, *arguments: str, kept: Footage | None = None) -> tuple[Figure, bytes]:
    """Run a command; return what it took and what it printed, whose readings are checked if footage is given."""
    peak = place / "peak"
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.peak", str(peak), *arguments],
        check=True,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[1],
    )
    seconds = time.monotonic() - begun
    wrong = 0 if kept is None else _wrong(done.stdout.splitlines(), kept)
    return Figure(seconds, int(peak.read_text(encoding="ascii")), wrong), done.stdout


def _run(place: Path, scheme: str, port: int, days: int, kept: Footage) -> Figure:
    """Measure the recorder as the service does: journal, segment, readings, statement."""
    state, campus = place, place / "campus.yaml"
    keys.create(state / "keys" / "agent.pem")
    campus.write_text(
        'version: "1"\nschool: {id: school-1, name: 测试学校}\nassets:\n'
        f"  - {{id: nvr, family: {SCHEMES[scheme][0]}, address: 127.0.0.1, port: {port}, credentials: nvr, "
        f"search_days: {days + 5}}}\n"
        f"plan:\n  - {{collector: recorder, every_seconds: 86400, deadline_seconds: {SECONDS}}}\n",
        encoding="utf-8",
    )
    figure, _ = _command(place, "run", "--once", "--campus", str(campus), "--state", str(state))
    with Journal(state / "journal", readonly=True) as journal:
        newest = list(journal.entries(kind="run"))[-1]
        named = {one.name: one.digest.digest() for one in Statement.from_bytes(newest.payload).subject}
        name = next(name for name in named if name.startswith("readings.jsonl"))
        told = journal.get_blob(named[name])
    lines = (gzip.decompress(told) if name.endswith(".gz") else told).splitlines()
    return Figure(figure.seconds, figure.peak_kib, _wrong(lines, kept))


def _secret(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700)
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


def _wrong(lines: Iterable[bytes], kept: Footage) -> int:
    """Return of how many channels the spans are not those of the footage."""
    readings: list[dict[str, Any]] = [json.loads(line) for line in lines]
    told = {one["subject"].rpartition("/")[2]: one["value"] for one in readings if one["metric"] == "channel.spans"}
    return sum(not _close(told.get(str(number), ""), spans) for number, spans in kept.items())


def _close(told: str, spans: tuple[tuple[int, int], ...]) -> bool:
    found = [tuple(_milliseconds(part) for part in text.split("/")) for text in told.split()]
    return len(found) == len(spans) and all(
        abs(one - other) <= SLACK
        for pair, span in zip(found, spans, strict=True)
        for one, other in zip(pair, span, strict=True)
    )


def _milliseconds(text: str) -> int:
    return int(parse_time(text).timestamp() * 1000)


def _now() -> int:
    return int(SystemClock().now().timestamp()) * 1000


if __name__ == "__main__":
    sys.exit(main())
