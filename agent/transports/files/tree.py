"""The files of a log directory: which there are, which are copies, which series they belong to, whose they are.

Symbolic links are not followed, so that nothing leads out of the directory or round in circles. A series is one log and
its rotated generations (`fw1.log`, `fw1.log.1`, `fw1.log.2.gz`, `fw1.log-20261101.xz`), newest first.
"""

from __future__ import annotations

import calendar
import hashlib
import os
import re
import stat
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from fnmatch import translate
from typing import TYPE_CHECKING

from agent.transports.files.unpack import open_plainly

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

__all__ = ["LogFile", "Names", "Tree", "series", "walk"]

MOST_FILES = 200_000
DEEPEST = 24
_END = 1 << 16
"""Octets of a file's beginning and end that tell copies apart."""
_PACKED = re.compile(r"\.(?:gz|xz|zst|zstd|bz2)$")
_NUMBER = re.compile(r"\.(\d{1,4})$")
_ADDRESS = re.compile(r"(?:^|[^\d.])\d{1,3}(?:\.\d{1,3}){3}$")
_DATE = re.compile(
    r"(?<!\d)(20\d\d)([-_./]?)(0[1-9]|1[0-2])(?:\2(0[1-9]|[12]\d|3[01])(?:[-_T.]?\d\d(?:[-:_.]?\d\d){0,2})?)?(?!\d)"
)
_ENDING = re.compile(r"\.(?:log|txt|messages|syslog|journal)$|\.journal~$")


@dataclass(frozen=True, slots=True)
class LogFile:
    """A regular file below the directory."""

    path: str
    """Relative to the directory, with `/`."""
    size: int
    """Octets as stored."""
    modified_ns: int
    identity: tuple[int, int]

    @property
    def _parts(self) -> tuple[str, int]:
        """The path without packing and number, and the number; the end of an IPv4 address is none."""
        plain = _PACKED.sub("", self.path)
        match = None if _ADDRESS.search(plain) else _NUMBER.search(plain)
        return (plain[: match.start()], int(match[1])) if match else (plain, 0)

    @property
    def stem(self) -> str:
        """The path without packing, number and date: what all files of a series share."""
        return _DATE.sub("", self._parts[0])

    @property
    def number(self) -> int:
        """The number of a rotation; 0 for the file that is written to, and for rotation by date."""
        return self._parts[1]

    @property
    def named_day(self) -> date | None:
        """The day that the name or the directories tell; the last day of the month where they tell no more."""
        found = list(_DATE.finditer(self._parts[0]))
        if not found:
            return None
        year, month = int(found[-1][1]), int(found[-1][3])
        last = calendar.monthrange(year, month)[1]
        return date(year, month, min(int(found[-1][4]), last) if found[-1][4] else last)


@dataclass
class Tree:
    """What a walk found."""

    files: list[LogFile] = field(default_factory=list)
    links: int = 0
    unreadable: int = 0
    """Directories that could not be listed."""
    unread: int = 0
    """Files beyond the cap, and directories beyond the depth."""


def walk(root: Path) -> Tree:
    """Find the regular files below a directory, in the order of their paths.

    Raises:
        OSError: the directory itself cannot be listed.
    """
    tree = Tree()
    waiting = [("", 0)]
    while waiting:
        below, depth = waiting.pop()
        try:
            with os.scandir(root / below) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            if not below:
                raise
            tree.unreadable += 1
            continue
        for entry in found:
            _take(tree, entry, f"{below}{entry.name}", depth, waiting)
    tree.files.sort(key=lambda file: file.path)
    return tree


def _take(tree: Tree, entry: os.DirEntry[str], path: str, depth: int, waiting: list[tuple[str, int]]) -> None:
    if entry.is_symlink():
        tree.links += 1
    elif entry.is_dir(follow_symlinks=False):
        if depth >= DEEPEST:
            tree.unread += 1
        else:
            waiting.append((f"{path}/", depth + 1))
    elif len(tree.files) >= MOST_FILES:
        tree.unread += 1
    else:
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:
            return  # rotated away between the listing and now
        if stat.S_ISREG(status.st_mode):
            tree.files.append(LogFile(path, status.st_size, status.st_mtime_ns, (status.st_dev, status.st_ino)))


def without_copies(
    root: Path, files: Sequence[LogFile], owner: Callable[[LogFile], str | None]
) -> tuple[list[LogFile], int]:
    """Return the files without second copies, and how many those were.

    A copy has the same inode, or the same stored octets in another series of the same source, or is the packed twin
    that a rotation left behind when it was interrupted: of `a.1` and `a.1.gz` the first is whole. In one series equal
    octets are no copy: lines without a year may be the same a year later.
    """
    names = {file.path for file in files}
    sizes = Counter(file.size for file in files)
    inodes: set[tuple[int, int]] = set()
    contents: dict[object, str] = {}
    kept: list[LogFile] = []
    for file in files:
        plain = _PACKED.sub("", file.path)
        if (plain != file.path and plain in names) or file.identity in inodes:
            continue
        inodes.add(file.identity)
        mark = (_mark(root, file), owner(file)) if sizes[file.size] > 1 and file.size else None
        if mark is not None and mark[0] is not None and contents.setdefault(mark, file.stem) != file.stem:
            continue
        kept.append(file)
    return kept, len(files) - len(kept)


def _mark(root: Path, file: LogFile) -> object:
    """Return what two copies share, and no two logs of the same size."""
    try:
        with open_plainly(root / file.path) as opened:
            digest = hashlib.sha256(opened.read(_END))
            opened.seek(max(0, file.size - _END))
            digest.update(opened.read(_END))
    except OSError:
        return None
    return file.size, digest.digest()


def series(files: Sequence[LogFile]) -> Iterator[list[LogFile]]:
    """Yield the files of each series, newest first."""
    found: dict[str, list[LogFile]] = {}
    for file in files:
        found.setdefault(file.stem, []).append(file)
    for each in found.values():
        yield sorted(each, key=lambda file: (-(file.named_day or date.max).toordinal(), file.number, file.path))


class Names:
    """Whose files and lines are whose, by the names of the sources that are asked for."""

    def __init__(self, sources: Sequence[str]) -> None:
        self._patterns = [(name, re.compile(translate(name))) for name in sources if set(name) & set("/*?")]
        self._plain = {name.lower(): name for name in sources if not set(name) & set("/*?")}
        self.hosts: dict[bytes, str] = {}
        for name in self._plain.values():
            for encoding in ("utf-8", "gb18030"):
                self.hosts.setdefault(name.encode(encoding, "surrogatepass").lower(), name)

    def owner(self, file: LogFile) -> str | None:
        """Return the source that all of a file belongs to, by its path; None where its lines must tell."""
        for name, pattern in self._patterns:
            if pattern.match(file.path):
                return name
        *directories, base = file.stem.lower().split("/")
        for part in (base.strip("-_."), _ENDING.sub("", base).strip("-_."), *reversed(directories)):
            if part in self._plain:
                return self._plain[part]
        return None
