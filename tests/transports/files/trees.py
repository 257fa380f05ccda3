"""Trees of log files for tests, as rsyslog and logrotate leave them, and the count of them."""

from __future__ import annotations

import asyncio
import bz2
import gzip
import lzma
import os
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import zstandard

from agent.model.logs import LogDays, LogTally, SourceDays
from agent.transports.files import FilesTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

PACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".xz": partial(lzma.compress, preset=0),
    ".zst": zstandard.compress,
    ".bz2": bz2.compress,
}
TODAY = date(2026, 11, 22)


def before(days: int) -> date:
    return TODAY - timedelta(days=days)


def bsd(day: date, host: str, count: int = 3) -> str:
    """Return lines of a day without a year."""
    return "".join(f"{day:%b} {day.day:2d} {n % 24:02d}:00:00 {host} secret-of-{host}: {n}\n" for n in range(count))


def iso(day: date, host: str, count: int = 3) -> str:
    """Return lines of a day with year and zone."""
    return "".join(f"{day}T{n % 24:02d}:00:00.000001+08:00 {host} secret-of-{host}: {n}\n" for n in range(count))


def write(path: Path, text: str | bytes, modified: date | None = None) -> None:
    """Write a file, packed as its ending says; `modified` is its civil day of modification."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ending = path.suffix if path.suffix in PACK else ""
    path.write_bytes(PACK[ending](text.encode() if isinstance(text, str) else text))
    if modified is not None:
        at = datetime(modified.year, modified.month, modified.day, 12, tzinfo=UTC).timestamp()
        os.utime(path, (at, at))


def count(where: Path, *sources: str, layout: str = "syslog", timezone: str = "Asia/Shanghai", **more: str) -> LogDays:
    """Count a tree through the transport."""
    request = LogTally.from_json(
        {"where": str(where), "layout": layout, "sources": list(sources), "timezone": timezone, **more}
    )

    async def once() -> LogDays:
        transport = FilesTransport()
        try:
            found = await transport.exchange(request)
        finally:
            await transport.close()
        assert isinstance(found, LogDays)
        return found

    return asyncio.run(once())


def of(found: LogDays, source: str) -> SourceDays:
    return next(one for one in found.sources if one.source == source)


def days_of(found: LogDays, source: str) -> dict[str, int]:
    return {each.day: int(each.records) for each in of(found, source).days}


def each_day(days: Iterable[date], records: int = 3) -> dict[str, int]:
    return {day.isoformat(): records for day in sorted(days)}


def missing_programs(names: Sequence[str]) -> str:
    """Return why a test with these programs cannot run here; empty if it can."""
    from shutil import which

    lacking = [name for name in names if which(name, path="/usr/sbin:/sbin:/usr/bin:/bin:/lib/systemd") is None]
    return f"not installed: {', '.join(lacking)}" if lacking else ""
