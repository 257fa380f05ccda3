"""Count log files: ``python -m benchmarks.logs [--json] [--size 5G] [--trials N] [--directory DIR]``.

180 days of 50 sources as rsyslog writes them, by default 1 GB of text, deleted afterwards: 25 sources have a directory
each (RFC 3164, no year), 25 share one file (RFC 3339); each day is a file, rotated by date, in turn plain and packed
with gzip, xz, zstd and bzip2. One source lacks two days. The agent counts lines by source and day; beside it stand
``cat``, ``zcat``, ``xzcat``, ``zstdcat`` and ``bzcat`` on the same files, each into ``wc -l``. Both must see the same
number of lines, and the agent every day but those two.

Figures are in `agent/transports/files/__init__.py`.
"""

from __future__ import annotations

import argparse
import asyncio
import bz2
import gzip
import json
import lzma
import os
import random
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import zstandard

from agent.model.logs import LogDays, LogTally
from agent.transports.files import FilesTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["main"]

DAYS = 180
ALONE = [f"sw{n:02d}" for n in range(25)]
TOGETHER = [f"fw{n:02d}" for n in range(25)]
NICE = ("nice", "-n", "10")
"""The agent counts at this priority; the others get the same."""
LACKING = "fw07"
LOST = (41, 42)
"""Days before the last on which one source has nothing."""
LAST = date(2026, 11, 21)
SEED = 20261122
PACKINGS: tuple[tuple[str, Callable[[bytes], bytes], str], ...] = (
    ("", bytes, "cat"),
    (".gz", gzip.compress, "zcat"),
    (".xz", partial(lzma.compress, preset=1), "xzcat"),
    (".zst", zstandard.compress, "zstdcat"),
    (".bz2", bz2.compress, "bzcat"),
)
MESSAGE = 140
"""Octets of a line, about."""
_SIZE = re.compile(r"(\d+)([MG]?)")
_UNITS = {"": 1, "M": 10**6, "G": 10**9}


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    if options.count is not None:
        print(json.dumps(_counted(options.count)))
        return 0
    home = Path(tempfile.mkdtemp(prefix="logs-", dir=options.directory))
    try:
        lines = _make(home / "logs", options.size)
        trials = [_trial(home / "logs", lines) for _ in range(options.trials)]
    finally:
        shutil.rmtree(home)
    print(json.dumps(trials[-1]) if options.json else _table(trials, lines))
    return 0 if all(trial["agrees"] for trial in trials) else 1


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.logs")
    parser.add_argument("--size", type=_octets, default=10**9, help="octets of text, for example 5G")
    parser.add_argument("--trials", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--directory", type=Path, default=None, help="where the files are made and deleted")
    parser.add_argument("--count", type=Path, default=None, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def _octets(text: str) -> int:
    match = _SIZE.fullmatch(text.upper())
    if match is None:
        raise argparse.ArgumentTypeError(f"{text} is not a size such as 5G")
    return int(match[1]) * _UNITS[match[2]]


# --- the files ----------------------------------------------------------------------------------------------------


def _make(root: Path, size: int) -> int:
    """Write the tree; return how many lines it has."""
    with ProcessPoolExecutor(os.cpu_count() or 1) as pool:
        return sum(pool.map(partial(_day, root, size // DAYS), range(DAYS)))


def _day(root: Path, octets: int, back: int) -> int:
    day, chance = LAST - timedelta(days=back), random.Random(SEED + back)
    ending, pack, _ = PACKINGS[back % len(PACKINGS)]
    stamp = f"{day:%b} {day.day:2d}"
    lines = 0
    for source in ALONE:
        texts = [f"{stamp} {clock} {source} {text}\n" for clock, text in _messages(octets // 50, chance)]
        lines += len(texts)
        _write(root / source / f"messages-{day:%Y%m%d}{ending}", pack, texts, day)
    texts = []
    for n, (clock, text) in enumerate(_messages(max(octets // 2, 50 * MESSAGE), chance)):
        source = TOGETHER[chance.randrange(25) if n >= 25 else n]
        if source != LACKING or back not in LOST:
            texts.append(f"{day.isoformat()}T{clock}.{chance.randrange(10**6):06d}+08:00 {source} {text}\n")
    _write(root / f"all.log-{day:%Y%m%d}{ending}", pack, texts, day)
    return lines + len(texts)


def _messages(octets: int, chance: random.Random) -> list[tuple[str, str]]:
    count = max(1, octets // MESSAGE)
    seconds = (n * 86_400 // count for n in range(count))
    return [(f"{at // 3600:02d}:{at // 60 % 60:02d}:{at % 60:02d}", _message(chance)) for at in seconds]


def _message(chance: random.Random) -> str:
    """Return the record of a session, with as much of chance in it as such records have."""
    number = chance.getrandbits(96)
    return (
        f"%%01SESSION/6/CLOSE(l)[{number & 0xFFFFF}]: proto=TCP 10.{number >> 20 & 15}.{number >> 24 & 255}."
        f"{number >> 32 & 255}:{number >> 40 & 0xFFFF}->{number >> 56 & 255}.{number >> 64 & 255}.7.9:443 "
        f"octets={number >> 72} policy=trust-untrust"
    )


def _write(path: Path, pack: Callable[[bytes], bytes], texts: Sequence[str], day: date) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pack("".join(texts).encode()))
    at = datetime(day.year, day.month, day.day, 16, tzinfo=UTC).timestamp()
    os.utime(path, (at, at))


# --- both ways ----------------------------------------------------------------------------------------------------


def _trial(root: Path, lines: int) -> dict[str, object]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    shell, told = _shell(root)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    child = subprocess.run(
        [sys.executable, "-m", "benchmarks.logs", "--count", str(root)], check=True, capture_output=True
    )
    agent = json.loads(child.stdout)
    found = {LACKING: [(LAST - timedelta(days=back)).isoformat() for back in sorted(LOST, reverse=True)]}
    return {
        "lines": lines,
        "octets": agent["octets"],
        "shell_seconds": shell,
        "shell_cpu_seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        **{key: agent[key] for key in ("seconds", "cpu_seconds", "peak_mb", "lacking")},
        "agrees": told == lines == agent["lines"] and agent["lacking"] == found,
    }


def _shell(root: Path) -> tuple[float, int]:
    """Return the time of unpacking into `wc -l`, one program after the other, and the lines."""
    seconds, lines = 0.0, 0
    for ending, _, program in PACKINGS:
        names = f"-name '*{ending}'" if ending else "-not -name '*.*z*'"
        command = f'find "$0" -type f {names} -print0 | xargs -0 {program} | wc -l'
        started = time.perf_counter()
        said = subprocess.run([*NICE, "sh", "-c", command, str(root)], check=True, capture_output=True)
        seconds += time.perf_counter() - started
        lines += int(said.stdout)
    return seconds, lines


def _counted(root: Path) -> dict[str, object]:
    sources = (*ALONE, *TOGETHER)
    request = LogTally(where=str(root), layout="syslog", sources=sources, timezone="Asia/Shanghai")
    started, before = time.perf_counter(), time.process_time()
    found = asyncio.run(FilesTransport().exchange(request))
    seconds, cpu = time.perf_counter() - started, time.process_time() - before
    assert isinstance(found, LogDays)
    every = {(LAST - timedelta(days=back)).isoformat() for back in range(DAYS)}
    lacking = {one.source: sorted(every - {each.day for each in one.days}) for one in found.sources}
    return {
        "seconds": seconds,
        "cpu_seconds": cpu,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "lines": sum(int(one.records) for one in found.sources),
        "octets": _text_octets(root),
        "lacking": {source: days for source, days in lacking.items() if days},
    }


def _text_octets(root: Path) -> int:
    """Return the text's size by the plain files, every fifth day."""
    plain = [path for path in root.rglob("*") if path.is_file() and path.suffix not in {".gz", ".xz", ".zst", ".bz2"}]
    return sum(path.stat().st_size for path in plain) * len(PACKINGS)


def _table(trials: Sequence[dict[str, object]], lines: int) -> str:
    def middle(key: str) -> float:
        return statistics.median(float(str(trial[key])) for trial in trials)

    octets, agent, shell = middle("octets"), middle("seconds"), middle("shell_seconds")
    shell_cpu = middle("shell_cpu_seconds")
    agrees = "yes" if all(trial["agrees"] for trial in trials) else "NO"
    return "\n".join(
        (
            f"{octets / 1e9:.2f} GB of text, {lines} lines, {len(ALONE) + len(TOGETHER)} sources, {DAYS} days",
            f"{'':24}{'seconds':>10}{'MB/s':>10}{'CPU s':>10}",
            f"{'agent, by source and day':24}{agent:10.1f}{octets / 1e6 / agent:10.0f}{middle('cpu_seconds'):10.1f}",
            f"{'zcat and others | wc -l':24}{shell:10.1f}{octets / 1e6 / shell:10.0f}{shell_cpu:10.1f}",
            f"agent : wc = {agent / shell:.2f}; memory of the agent {middle('peak_mb'):.0f} MB",
            f"same lines, and exactly the days that lack: {agrees} ({trials[-1]['lacking']!s:.60})",
        )
    )


if __name__ == "__main__":
    sys.exit(main())
