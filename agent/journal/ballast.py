"""A file that only takes up room, so that there is room when the disk is full.

SQLite in WAL mode cannot even delete on a full disk: a delete is appended to the log first (measured on a 2 MB tmpfs:
neither DELETE nor a checkpoint goes through). Giving this file up makes clean-up, receipts and the entry that says
"the disk was full" possible without a person.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Ballast"]

_CHUNK = 2**20


class Ballast:
    """The ballast file of one journal.

    Args:
        path: where it lies; the same file system as the journal.
        size: octets; 0 for no ballast.
    """

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        self.size = size

    def in_place(self) -> bool:
        """Tell whether the whole ballast is there."""
        try:
            return self.size == 0 or self.path.stat().st_size == self.size
        except OSError:
            return False

    def put_back(self, *, spare: int) -> bool:
        """Write the ballast if it is missing and `spare` octets stay free afterwards; tell whether it is in place.

        It holds random octets, written out: on a file system that compresses or makes holes, zeros take no room.
        """
        if self.in_place():
            return True
        self.release()
        if free_bytes(self.path.parent) < self.size + spare:
            return False
        noise = os.urandom(min(_CHUNK, self.size))
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with open(descriptor, "wb") as file:  # noqa: PTH123 (a descriptor, opened with its mode)
                file.writelines(noise[: self.size - at] for at in range(0, self.size, _CHUNK))
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            self.release()
            return False
        return True

    def release(self) -> None:
        """Give the room back to the file system."""
        with suppress(OSError):
            self.path.unlink()


def free_bytes(directory: Path) -> int:
    """Return what the file system would still give this user, in octets; 0 where it cannot be asked."""
    try:
        state = os.statvfs(directory)
    except OSError:
        return 0
    return state.f_bavail * state.f_frsize
