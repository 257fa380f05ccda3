"""Counting a tree of log files: two threads of low priority share the files, then years are given and sums made."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from agent.model.logs import LogDays, SourceDays
from agent.transports.files.count import MOST_OTHERS
from agent.transports.files.single import count_file
from agent.transports.files.sums import Sum, free_octets, told
from agent.transports.files.tree import Names, series, walk, without_copies
from agent.transports.files.watch import low_priority
from agent.transports.files.years import SLACK, matches, place

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agent.model.logs import LogTally
    from agent.transports.files.count import Counts
    from agent.transports.files.single import Counted
    from agent.transports.files.tree import LogFile, Tree
    from agent.transports.files.watch import Watch

__all__ = ["tally"]

THREADS = 2
"""Unpacking is done without Python's global lock; child processes took more time than they saved."""


def tally(request: LogTally, watch: Watch) -> LogDays:
    """Count the files below the request's directory.

    Raises:
        OSError: the directory cannot be listed.
    """
    started = time.monotonic()
    zone = ZoneInfo(request.timezone)
    root = Path(request.where)
    tree = walk(root)
    files, copies = without_copies(root, tree.files, Names(request.sources).owner)
    results = _count_all(root, files, request, watch)
    sums = {name: Sum() for name in request.sources}
    for each in series(files):
        _place_series([results[file.path] for file in each], sums, zone)
    whole = [results[file.path] for file in files if file.path in results]
    _blame(whole, tree, sums)
    return LogDays(
        sources=(*(told(name, sums[name], request, zone) for name in request.sources), *_rest(whole)),
        undated=str(sum(each.count.undated for each in whole) + sum(one.undated for one in sums.values())),
        others=min(len(set().union(*(each.count.others for each in whole))), MOST_OTHERS),
        files=sum(each.state == "read" for each in whole),
        unreadable=sum(each.state == "damaged" for each in whole) + tree.unreadable,
        unread=sum(each.state == "unread" for each in whole) + tree.unread,
        links=tree.links,
        duplicates=copies,
        stored_octets=str(sum(file.size for file in files)),
        free_octets=free_octets(request.where),
        elapsed_ms=round((time.monotonic() - started) * 1000),
    )


def _count_all(root: Path, files: Sequence[LogFile], request: LogTally, watch: Watch) -> dict[str, Counted]:
    """Count the largest files first, so that no thread is left alone with one at the end."""
    names, zone = Names(request.sources), ZoneInfo(request.timezone)
    ordered = sorted(files, key=lambda file: (-file.size, file.path))
    with ThreadPoolExecutor(THREADS, "logs", low_priority) as pool:
        counted = pool.map(lambda file: count_file(root, file, names, zone, watch), ordered)
        return {each.file.path: each for each in counted}


def _place_series(generations: Iterable[Counted], sums: dict[str, Sum], zone: ZoneInfo) -> None:
    """Give years to the files of a series, newest first: an older file ends where the newer begins."""
    newer: date | None = None
    for counted in generations:
        sources = counted.count.sources
        end = _end_of(counted, newer, zone)
        oldest: list[date] = []
        for name, counts in sources.items():
            oldest += _place(counts, sums[name], end)
            _belongs(counted, sums[name])
        newer = min(oldest, default=newer)


def _end_of(counted: Counted, newer: date | None, zone: ZoneInfo) -> date | None:
    modified = datetime.fromtimestamp(counted.file.modified_ns // 10**9, zone).date()
    named = counted.file.named_day
    if named is not None and named <= modified + SLACK:
        return named
    if newer is not None and modified > newer + SLACK:
        return newer  # copied or touched: an older file was written to no more when the newer began
    if any(matches(counts.runs, modified) for counts in counted.count.sources.values()):
        return modified
    return newer


def _place(counts: Counts, total: Sum, end: date | None) -> list[date]:
    """Add what a file holds of a source; return the days that it has."""
    placed = place(counts.runs, end)
    for day, run in placed.days:
        total.see(day, run.records, min(run.first, run.last), max(run.first, run.last))
    for day, records in counts.dated.items():
        total.see(day, records, *counts.ends[day])
    total.records += counts.records
    total.undated += counts.undated + placed.strays
    total.yearless += placed.yearless
    return [*counts.dated, *(day for day, _ in placed.days)]


def _belongs(counted: Counted, total: Sum) -> None:
    alone = counted.owner is not None or (len(counted.count.sources) == 1 and not counted.count.other_records)
    total.files += 1
    total.octets += counted.count.octets
    total.shares = total.shares or not alone
    total.owns = total.owns or counted.owner is not None


def _blame(whole: Sequence[Counted], tree: Tree, sums: dict[str, Sum]) -> None:
    """Say of each source how many unreadable files may hold some of it.

    A source with files of its own is not looked for in others'.
    """
    damaged = [each for each in whole if each.state == "damaged"]
    for name, total in sums.items():
        own = sum(each.owner == name for each in damaged)
        shared = sum(each.owner is None for each in damaged) + tree.unreadable
        total.unreadable = own if total.owns or own else shared


def _rest(whole: Sequence[Counted]) -> list[SourceDays]:
    """Return all others together: how many records, in how many files that hold any."""
    records = sum(each.count.other_records for each in whole)
    files = sum(each.count.other_records > 0 for each in whole)
    return [SourceDays(source="", records=str(records), files=files)] if records else []
