"""Counting one file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.errors import MalformedError
from agent.transports.files.count import FileCount, whole_lines
from agent.transports.files.unpack import blocks, open_plainly
from agent.transports.files.watch import StoppedError

if TYPE_CHECKING:
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from agent.transports.files.tree import LogFile, Names
    from agent.transports.files.watch import Watch

__all__ = ["Counted", "count_file"]


@dataclass
class Counted:
    """What came of one file."""

    file: LogFile
    owner: str | None
    count: FileCount
    state: str = "read"
    """`read`, `damaged` (what is good of it is counted), `missing` (rotated away) or `unread` (nothing is)."""


def count_file(root: Path, file: LogFile, names: Names, zone: ZoneInfo, watch: Watch) -> Counted:
    """Count the lines of a file by source and day."""
    owner = names.owner(file)
    counted = Counted(file, owner, FileCount(names.hosts, owner, zone))
    try:
        watch.check()
        with open_plainly(root / file.path) as opened:
            for text in whole_lines(blocks(opened)):
                counted.count.take(text)
                watch.check()
    except StoppedError:
        return Counted(file, owner, FileCount(names.hosts, owner, zone), "unread")
    except FileNotFoundError:
        counted.state = "missing"
    except (MalformedError, OSError):
        counted.state = "damaged"
    return counted
