"""Journal files of systemd, read by its own journalctl: time, host and boot of each entry, and nothing else of it.

Every file is also checked (`journalctl --verify`) unless it is being written to.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from agent.errors import MalformedError
from agent.model.logs import LogDays, SourceDays
from agent.transports.files.count import MOST_OTHERS
from agent.transports.files.journalctl import output
from agent.transports.files.sums import Sum, free_octets, told
from agent.transports.files.tree import Names, walk, without_copies
from agent.transports.files.unpack import open_plainly
from agent.transports.files.watch import StoppedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from agent.model.logs import LogTally
    from agent.transports.files.tree import LogFile, Tree
    from agent.transports.files.watch import Watch

__all__ = ["entries", "journal_files", "tally"]

_SIGNATURE = b"LPKSHHRH"
"""How a journal file begins; its state is the octet at 16 (systemd, JOURNAL_FILE_FORMAT)."""
_ONLINE = 1
_TIME = re.compile(rb"(?:^|\n)__REALTIME_TIMESTAMP=(\d{1,18})(?:\n|$)")
_HOST = re.compile(rb"(?:^|\n)_HOSTNAME=([^\n]*)(?:\n|$)")
_BOOT = re.compile(rb"(?:^|\n)_BOOT_ID=([0-9a-f]{32})(?:\n|$)")
_LONGEST_ENTRY = 1 << 20
_QUARTER = 900
"""Seconds; every zone is ahead of UTC by a number of quarters of an hour."""
_LAST_QUARTER = 4_102_444_800 // _QUARTER
"""The year 2100."""


@dataclass
class _Count:
    """Counts the entries of journal files."""

    names: Names
    zone: ZoneInfo
    watch: Watch
    sums: dict[str, Sum]
    others: set[bytes] = field(default_factory=set)
    other_records: int = 0
    boots: set[bytes] = field(default_factory=set)
    read: int = 0
    unread: int = 0
    unreadable: int = 0
    damaged: int = 0
    undated: int = 0
    _quarters: dict[int, tuple[date, int, int]] = field(default_factory=dict)

    def file(self, path: Path, owner: str | None) -> None:
        """Count one file, and check it."""
        try:
            state = _state(path)
            self._entries(path, owner)
        except (MalformedError, OSError):
            self.unreadable += 1
            return
        if state != _ONLINE and not _verified(path, self.watch):
            self.damaged += 1
            self.unreadable += 1
        else:
            self.read += 1

    def _entries(self, path: Path, owner: str | None) -> None:
        seen: set[str] = set()
        arguments = [f"--file={path}", "--output=export", "--output-fields=_HOSTNAME"]
        try:
            for entry in entries(output(arguments, self.watch)):
                source = self._entry(entry, owner)
                if source is not None:
                    seen.add(source)
        finally:
            for source in seen:
                self.sums[source].files += 1
                self.sums[source].shares = True

    def _entry(self, entry: bytes, owner: str | None) -> str | None:
        boot = _BOOT.search(entry)
        if boot is not None:
            self.boots.add(boot[1])
        host = _HOST.search(entry)
        name = host[1].lower() if host is not None else b""
        source = owner if owner is not None else self.names.hosts.get(name)
        if source is None:
            self.other_records += 1
            if len(self.others) < MOST_OTHERS:
                self.others.add(name[:256])
            return None
        total = self.sums[source]
        total.records += 1
        at = self._civil(entry)
        if at is None:
            total.undated += 1
            self.undated += 1
        else:
            total.see(at[0], 1, at[1], at[1])
        return source

    def _civil(self, entry: bytes) -> tuple[date, bytes] | None:
        when = _TIME.search(entry)
        quarter, rest = divmod(int(when[1]) // 1_000_000, _QUARTER) if when is not None else (0, 0)
        if not 0 < quarter < _LAST_QUARTER:
            return None
        if quarter not in self._quarters:
            moment = datetime.fromtimestamp(quarter * _QUARTER, UTC).astimezone(self.zone)
            self._quarters[quarter] = moment.date(), moment.hour, moment.minute
        day, hour, minute = self._quarters[quarter]
        return day, b"%02d:%02d:%02d" % (hour, minute + rest // 60, rest % 60)


def tally(request: LogTally, watch: Watch) -> LogDays:
    """Count the entries of all journal files below the request's directory.

    Raises:
        GapError: there is no journalctl here.
        OSError: the directory cannot be listed.
    """
    started = time.monotonic()
    root = Path(request.where)
    tree, files, copies = _files(root)
    names = Names(request.sources)
    count = _Count(names, ZoneInfo(request.timezone), watch, {name: Sum() for name in request.sources})
    for file in files:
        try:
            count.file(root / file.path, names.owner(file))
        except StoppedError:
            count.unread += 1
    for total in count.sums.values():
        total.unreadable = count.unreadable + tree.unreadable
    rest = [SourceDays(source="", records=str(count.other_records))] if count.other_records else []
    return LogDays(
        sources=(*(told(name, total, request, count.zone) for name, total in count.sums.items()), *rest),
        undated=str(count.undated),
        others=len(count.others),
        files=count.read,
        unreadable=count.unreadable + tree.unreadable,
        unread=count.unread + tree.unread,
        links=tree.links,
        duplicates=copies,
        damaged=count.damaged,
        boots=len(count.boots),
        stored_octets=str(sum(file.size for file in files)),
        free_octets=free_octets(request.where),
        elapsed_ms=round((time.monotonic() - started) * 1000),
    )


def journal_files(where: Path) -> list[Path]:
    """Return the paths of all journal files below a directory.

    Raises:
        OSError: the directory cannot be listed.
    """
    return [where / file.path for file in _files(where)[1]]


def entries(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the entries of journalctl's export format: lines of `name=value`, and an empty line behind each entry.

    Raises:
        MalformedError: an entry is longer than it can be, with the few fields that are asked for.
    """
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n\n")
        yield from whole
        if len(rest) > _LONGEST_ENTRY:
            raise MalformedError("an entry of the journal has no end")
    if rest.strip():
        yield rest


def _files(where: Path) -> tuple[Tree, Sequence[LogFile], int]:
    tree = walk(where)
    journals = [file for file in tree.files if file.path.endswith((".journal", ".journal~"))]
    kept, copies = without_copies(where, journals, lambda _: None)
    return tree, kept, copies


def _state(path: Path) -> int:
    """Return the state of a journal file.

    Raises:
        MalformedError: it is none.
        OSError: it cannot be read.
    """
    with open_plainly(path) as file:
        head = file.read(17)
    if not head.startswith(_SIGNATURE) or len(head) < 17:
        raise MalformedError("not a journal file")
    return head[16]


def _verified(path: Path, watch: Watch) -> bool:
    try:
        for _ in output(["--verify", f"--file={path}"], watch):
            pass
    except MalformedError:
        return False
    return True
