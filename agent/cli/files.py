"""Files that the user named, with errors that say which and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_file", "write_file"]


def read_file(path: Path) -> bytes:
    """Return the bytes of a file that the user named.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError("cannot read this file: {why}", where=str(path), why=error.strerror) from error


def write_file(path: Path, data: bytes) -> None:
    """Write a file that the user named.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        path.write_bytes(data)
    except OSError as error:
        raise UsageError("cannot write this file: {why}", where=str(path), why=error.strerror) from error
