"""Files that the user named, with errors that say which and why."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from agent.errors import MalformedError, ReplayError, UsageError
from agent.language import N_

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["READABLE", "READINGS", "WRITABLE", "expecting", "publish_files", "read_file", "write_file"]

READINGS = N_("Give a bundle, or readings as campus-agent read --json prints them, one a line")
READABLE = N_("Check the path, and that you may read it")
WRITABLE = N_("Check that its directory exists, that you may write there, and that the disk has room")


def read_file(path: Path) -> bytes:
    """Return the bytes of a file that the user named.

    Raises:
        UsageError: it cannot be read.
    """
    from agent.evidence.bundle import MAX_BUNDLE_BYTES  # no larger file is read here

    try:
        with path.open("rb") as file:
            data = file.read(MAX_BUNDLE_BYTES + 1)
    except OSError as error:
        raise UsageError(
            "cannot read this file: {why}",
            where=str(path),
            todo=READABLE,
            why=error.strerror,
        ) from error
    if len(data) > MAX_BUNDLE_BYTES:
        raise UsageError("this file is larger than any that is read here", where=str(path), todo=READABLE)
    return data


@contextmanager
def expecting(todo: str) -> Iterator[None]:
    """Give an error about the contents of a file that the user named the next step, where it has none itself.

    Raises:
        MalformedError: as in the body, with what to do.
        ReplayError: likewise.
    """
    try:
        yield
    except (MalformedError, ReplayError) as error:
        error.todo = error.todo or todo
        raise


def write_file(path: Path, data: bytes) -> None:
    """Write a file that the user named and that is made anew each time; a file of another kind there stays.

    The first byte tells kinds apart: a page, a score sheet, JSON, a bundle, a campus file and a key begin differently.

    Raises:
        UsageError: it cannot be written, or a slip of the hand named a file of another kind.
    """
    try:
        if path.is_file() and _begins(path) not in (b"", data[:1]):
            raise UsageError(
                "this file holds something of another kind, and stays as it is",
                where=str(path),
                todo="Name another file to write",
            )
        path.write_bytes(data)
    except OSError as error:
        raise UsageError("cannot write this file: {why}", where=str(path), todo=WRITABLE, why=error.strerror) from error


def publish_files(directory: Path, files: Mapping[str, bytes], *, replace: bool) -> None:
    """Write files for everybody to read (mode 0644) into a directory, made if absent, each whole or not at all.

    Args:
        directory: where.
        files: contents by name.
        replace: also where a file of that name holds something else; without it, nothing at all is written then.

    Raises:
        UsageError: a file holds something else, or cannot be read or written.
    """
    differing = [name for name, data in files.items() if _held(directory / name) not in (None, data)]
    if differing and not replace:
        raise UsageError(
            "{names} here holds something else than what is to be written",
            where=str(directory),
            todo="Find out why, then name another directory or give --replace",
            names=", ".join(differing),
        )
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            _publish(directory / name, data)
    except OSError as error:
        raise UsageError(
            "cannot write this file: {why}", where=str(directory), todo=WRITABLE, why=error.strerror
        ) from error


def _begins(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(1)


def _held(path: Path) -> bytes | None:
    return read_file(path) if path.exists() else None


def _publish(path: Path, data: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), 0o644)  # whatever the umask says: others are to read it
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise
