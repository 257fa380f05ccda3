"""Records as files that the user named: written as they come, and read line by line, however long they are."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING

from agent.cli.files import READABLE, WRITABLE
from agent.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["open_record", "recording_into"]


@contextmanager
def open_record(path: Path) -> Iterator[IO[bytes]]:
    """Open a record to be read in the body.

    Raises:
        UsageError: it cannot be opened, or not be read to its end.
    """
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise UsageError("cannot read this file: {why}", where=str(path), todo=READABLE, why=error.strerror) from error


@contextmanager
def recording_into(path: Path | None) -> Iterator[Callable[[bytes], object] | None]:
    """Give what writes a record as it comes; the name holds all of it after the body, or what it held before.

    Until then the record lies beside it in a file without a name, which goes with this process however it ends. What
    is no file (a terminal, a pipe) gets each line at once; so does the file that standard output or error is sent to
    (`/dev/stdout`), which also holds what else is written there.

    Args:
        path: the file; None where no record is wanted, then nothing is given.

    Raises:
        UsageError: it cannot be written; told before the body where it can be known.
    """
    if path is None:
        yield None
        return

    def write(data: bytes) -> None:
        with _written(path):
            file.write(data)
            if not whole:
                file.flush()

    with _written(path):
        stream = _stream(path)
        whole = stream is None and (path.is_file() or not path.exists())
        file = stream or (_spool(path) if whole else path.open("wb"))
    try:
        yield write
        if whole:
            with _written(path):
                _publish(file, path.resolve())
    finally:
        with suppress(OSError):  # of what a full disk kept from being written: told already, or of no use any more
            file.close()


@contextmanager
def _written(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError("cannot write this file: {why}", where=str(path), todo=WRITABLE, why=error.strerror) from error


def _stream(path: Path) -> IO[bytes] | None:
    """Open standard output or error once more where the name is that of where they go; None for any other name.

    A second description of the same file would write over what the stream writes, and a new file under the name would
    leave the stream without one.
    """
    if not path.exists():
        return None
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        with suppress(OSError):  # the stream is closed: it goes nowhere
            if os.path.samestat(path.stat(), os.fstat(number)):
                stream.flush()
                return os.fdopen(os.dup(number), "wb")
    return None


def _spool(path: Path) -> IO[bytes]:
    """Open a file without a name where the record will lie, so that there is room for it, and the right to write."""
    return tempfile.TemporaryFile(dir=path.resolve().parent)


def _publish(spool: IO[bytes], path: Path) -> None:
    """Copy the whole of it to the name in one step, with the mode of an ordinary new file."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    spool.seek(0)
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(temporary, flags, 0o666), "wb") as file:
            shutil.copyfileobj(spool, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
