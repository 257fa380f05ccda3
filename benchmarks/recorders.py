"""Read large recorders: ``python -m benchmarks.recorders [--channels N] [--days N] [--brand NAME ...]``.

A lab recorder of each brand serves its footage over real HTTP with digest, one camera of it dead for three days. The
whole way is timed as `campus-agent read` goes it: login, allow-list, search to the end of every day and channel,
redaction, record, readings; then the readings are made again from the record and compared. Retention and gap of every
channel are checked against the scripted footage: a wrong answer is no figure.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
import time
from typing import TYPE_CHECKING

from agent.clock import SystemClock, parse_time
from agent.lab.recorders.dahua import DahuaRecorder
from agent.lab.recorders.hikvision import HikvisionRecorder
from agent.lab.recorders.onvif import OnvifRecorder
from agent.lab.recorders.server import Door, serve
from agent.lab.recorders.spans import DAY, Outage, footage
from agent.lab.recorders.uniview import UniviewRecorder
from agent.runtime.adhoc import parse_target, read_live, read_record
from agent.runtime.credentials import Credential

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.lab.recorders.server import Device
    from agent.model.reading import Reading

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


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; returns a process status: 1 where a recorder was read wrongly."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recorders", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--brand", action="append", choices=sorted(BRANDS))
    options = parser.parse_args(arguments)
    print(f"{options.channels} channels, {options.days} days, one camera dead for three days; wanted: below 60 s")
    wrong = 0
    for brand in options.brand or BRANDS:
        wrong += _read(brand, options.channels, options.days)
    return 1 if wrong else 0


def _read(brand: str, channels: int, days: int) -> int:
    scheme, device = BRANDS[brand]
    begun = _now()
    dead = Outage(begun - 10 * DAY, begun - 7 * DAY, channel=min(7, channels))
    kept = footage(channels, days, begun, outages=(dead,))
    door = Door()
    with serve(device(kept), door) as served:
        query = f"?search_days={days + 5}"
        target = parse_target(f"{scheme}://127.0.0.1:{served.port}{query}", seconds=900)
        before, wall = _resident(), time.monotonic()
        credential = Credential(username=door.username, password=door.password)
        readings, record = asyncio.run(read_live(target, credential))
        wall = time.monotonic() - wall
        after = _resident()
        requests = len(served.asked)
    replayed = asyncio.run(read_record(record, where=brand))
    same = [one.to_bytes() for one in readings] == [one.to_bytes() for one in replayed]
    right = _right(readings, kept)
    print(
        f"{brand:10} {wall:6.1f} s  {requests:5} requests  {len(record) / 1e6:5.1f} MB record  "
        f"peak RSS {before} -> {after} MiB  channels right {right}/{channels}  replay {'equal' if same else 'DIFFERS'}"
    )
    return int(right != channels or not same)


def _right(readings: list[Reading], kept: Footage) -> int:
    told = {one.subject.rpartition("/")[2]: one.value for one in readings if one.metric == "channel.spans"}
    return sum(_close(told.get(str(number), ""), spans) for number, spans in kept.items())


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


def _resident() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    sys.exit(main())
