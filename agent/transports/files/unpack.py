"""A log file's text in blocks, whatever it is packed with: told by its first octets, never by its name.

Memory does not grow with the file: input and output are cut into pieces. A file that is cut off or damaged gives what
is good of it, and then says so.
"""

from __future__ import annotations

import bz2
import lzma
import os
import zlib
from typing import IO, TYPE_CHECKING, Protocol

import zstandard

from agent.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["BLOCK", "blocks", "open_plainly"]

BLOCK = 1 << 20
"""Octets of text in a block."""
_PIECE = 1 << 17
"""Packed octets that are read at once."""
_MEMORY = 1 << 28
"""Octets that unpacking may take: 256 MiB are more than any program asks for unless told to."""
_MORSEL = 1 << 11
"""Octets of zstandard that are unpacked at once, to at most 64 MiB."""


class _Unpacker(Protocol):
    """What bz2 and lzma have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Gzip:
    """zlib in the same shape; checks the CRC and the length at the end (RFC 1952)."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


class _Zstandard:
    """zstandard in the same shape. Its own reader of streams takes a file that is cut off for one that ends."""

    def __init__(self) -> None:
        self._inner = zstandard.ZstdDecompressor(max_window_size=_MEMORY).decompressobj()
        self._waiting = memoryview(b"")

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._waiting

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data + self._waiting

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Unpack little by little: 4 octets may be 128 KiB of text, and how much comes out cannot be limited."""
        waiting = memoryview(bytes(self._waiting) + data) if data else self._waiting
        found, length = [], 0
        while waiting and not self._inner.eof and length <= max_length:
            found.append(self._inner.decompress(waiting[:_MORSEL]))
            length += len(found[-1])
            waiting = waiting[_MORSEL:]
        self._waiting = waiting
        return b"".join(found)


_PACKINGS: tuple[tuple[bytes, Callable[[], _Unpacker]], ...] = (
    (b"\x1f\x8b", _Gzip),
    (b"\xfd7zXZ\0", lambda: lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_MEMORY)),
    (b"BZh", bz2.BZ2Decompressor),
    (b"\x28\xb5\x2f\xfd", _Zstandard),
)


def open_plainly(path: Path) -> IO[bytes]:
    """Open a regular file for reading; never follows a symbolic link, never waits for a pipe.

    Raises:
        OSError: it cannot be opened.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
    return os.fdopen(os.open(path, flags), "rb", buffering=0)


def blocks(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the text of an open file in blocks of at most some megabytes.

    Raises:
        MalformedError: it is cut off or damaged; all that is good of it was yielded before.
        OSError: it cannot be read.
    """
    start = file.read(_PIECE)
    for magic, unpacker in _PACKINGS:
        if start.startswith(magic):
            yield from _packed(start, file, magic, unpacker)
            return
    while start:
        yield start
        start = file.read(BLOCK)


def _packed(data: bytes, file: IO[bytes], magic: bytes, make: Callable[[], _Unpacker]) -> Iterator[bytes]:
    """Unpack one stream after the other: programs append to packed files, and xz pads them with zeros."""
    while data:
        unpacker = make()
        try:
            while not unpacker.eof:
                if unpacker.needs_input and not data:
                    data = file.read(_PIECE)
                    if not data:
                        raise MalformedError("the file is cut off")
                text = unpacker.decompress(data, BLOCK)
                data = b""
                if text:
                    yield text
        except (zlib.error, lzma.LZMAError, zstandard.ZstdError, OSError, ValueError, MemoryError) as error:
            raise MalformedError("the file is damaged: {why}", why=type(error).__name__) from error
        data = unpacker.unused_data.lstrip(b"\0")
        while not data and (more := file.read(_PIECE)):
            data = more.lstrip(b"\0")
        if len(data) < len(magic):
            data += file.read(_PIECE)
        if data and not data.startswith(magic):
            raise MalformedError("the file goes on with something that is not packed")
