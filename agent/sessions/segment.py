"""Raw segments: one asset's conversations of one run, as JSON lines.

    {"asset":{...},"collectors":["interfaces"],"run":"...","segment":"campus-agent/segment/v1"}
    {"at":"...","monotonic_ns":"...","n":0,"redactions":{},"request":{...},"response":{...}}
    {"at":"...","gap":{"detail":"...","reason":"unreachable"},"monotonic_ns":"...","n":1,...}

Every line is canonical (RFC 8785) and ends with one newline, so that the SHA-256 of a line without its newline is
the digest that readings cite, and the SHA-256 of the whole is what a run's statement names.

A recorder's quarter of a year is tens of MB: a segment is written and read line by line, and never held.
"""

from __future__ import annotations

import gzip
import io
import zlib
from dataclasses import dataclass
from itertools import chain
from typing import IO, TYPE_CHECKING

from agent import canonical
from agent.errors import MalformedError
from agent.model.evidence import SegmentHeader
from agent.model.exchange import Exchange
from agent.model.upload import MAX_BLOB_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = [
    "MAX_SEGMENT",
    "Recorded",
    "Segment",
    "Weight",
    "packed",
    "parse_segment",
    "read_segment",
    "segment_bytes",
    "unpacked",
    "write_segment",
]

MAX_SEGMENT = 256 * 1024 * 1024
"""Octets; a switch with 1 000 ports and 20 columns is about 2 MB."""
MAX_RATIO, RATIO_FREE = 100, 4 * 1024 * 1024
"""How far a compressed file may unpack, beyond what none needs to be compressed for: footage of 64 channels has 21."""
PLAIN_LIMIT = 3 * 1024 * 1024
"""Octets; longer files are compressed, since the backend takes blobs of 4 MiB."""
_LEVEL, _GZIP = 9, 31
"""The best compression, and gzip (RFC 1952) without name and time: the same bytes every time."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """An exchange and the digest of its line."""

    exchange: Exchange
    source: str


@dataclass(frozen=True, slots=True)
class Segment:
    """A parsed segment."""

    header: SegmentHeader
    exchanges: tuple[Recorded, ...]


class Weight:
    """What the segment of a conversation will weigh, counted while it goes on.

    A segment is one file of evidence. One that is larger than a backend takes would hold up all that comes after it in
    the chain, so a conversation ends before: at seven eighths of that, since the answer to come is of unknown size.
    The first lines, which are not compressed while it is open whether they need be, are taken to shrink like the rest.
    """

    def __init__(self, most: int = MAX_BLOB_BYTES) -> None:
        self._most = most - most // 8
        self._plain = self._fed = self._packed = 0
        self._deflate: zlib._Compress | None = None

    def add(self, line: bytes) -> None:
        """Count a line without its newline."""
        size = len(line) + 1
        self._plain += size
        if self._plain > PLAIN_LIMIT:
            self._deflate = self._deflate or zlib.compressobj(_LEVEL, wbits=_GZIP)
            self._fed += size
            self._packed += len(self._deflate.compress(line + b"\n"))

    def full(self) -> bool:
        """Tell whether nothing more should be asked."""
        packed = self._packed * self._plain // self._fed if self._fed else 0
        return packed >= self._most or self._plain >= MAX_SEGMENT - MAX_SEGMENT // 8


def segment_bytes(header: SegmentHeader, lines: Iterable[bytes]) -> bytes:
    """Join a header and canonical exchange lines (without newlines) into a segment."""
    return b"".join(line + b"\n" for line in (header.to_bytes(), *lines))


def write_segment(file: IO[bytes], header: SegmentHeader, lines: Iterable[bytes]) -> str:
    """Write a segment into a file, as `packed` would give it, and return the name under which a statement carries it.

    Holds at most `PLAIN_LIMIT` octets and one line, however many there are.
    """
    name = f"raw/{header.asset.id}.jsonl"
    spelled = (line + b"\n" for line in chain((header.to_bytes(),), lines))
    first, size = [], 0
    for line in spelled:
        first.append(line)
        size += len(line)
        if size > PLAIN_LIMIT:
            break
    else:
        file.writelines(first)
        return name
    deflate = zlib.compressobj(_LEVEL, wbits=_GZIP)
    for line in chain(first, spelled):
        file.write(deflate.compress(line))
    file.write(deflate.flush())
    return name + ".gz"


def packed(name: str, data: bytes) -> tuple[str, bytes]:
    """Return the name under which a statement carries a file of lines, and the bytes; a long one is compressed."""
    if len(data) > PLAIN_LIMIT:
        return name + ".gz", zlib.compress(data, _LEVEL, wbits=_GZIP)
    return name, data


def unpacked(files: Mapping[str, bytes], name: str) -> bytes | None:
    """Return what `packed` was given, from the files that a statement names; None if it is not among them.

    Raises:
        MalformedError: it is not gzip data, or larger than a segment may be.
    """
    if name in files:
        return files[name]
    if f"{name}.gz" not in files:
        return None
    small = files[f"{name}.gz"]
    most = min(MAX_SEGMENT, RATIO_FREE + MAX_RATIO * len(small))
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(small)) as file:
            data = file.read(most + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise MalformedError("this is not gzip data: {why}", where=name, why=str(error)) from error
    if len(data) > most:
        raise MalformedError("this file is too large when unpacked", where=name)
    return data


def parse_segment(data: bytes, *, where: str = "segment") -> Segment:
    """Read a segment strictly.

    Raises:
        MalformedError: it is too large, not canonical JSON lines, or its exchanges are not numbered from 0.
    """
    if len(data) > MAX_SEGMENT:
        raise _too_large(len(data), where)
    if not data.endswith(b"\n"):
        raise _cut_short(where)
    header, exchanges = read_segment(io.BytesIO(data), where=where)
    return Segment(header, tuple(exchanges))


def read_segment(file: IO[bytes], *, where: str = "segment") -> tuple[SegmentHeader, Iterator[Recorded]]:
    """Read a segment as strictly as `parse_segment`, one line at a time: a fault shows when its line is reached.

    Args:
        file: open at the beginning; it must stay open until the exchanges are read.
        where: what errors name.

    Raises:
        MalformedError: it has no header. The iterator raises it at the first line that is not as it must be.
    """
    lines = _lines(file, where)
    first = next(lines, None)
    if first is None:
        raise _cut_short(where)
    header = SegmentHeader.from_bytes(first, where=f"{where}:1")
    _must_be_canonical(header.to_bytes(), first, f"{where}:1")
    return header, _exchanges(lines, where)


def _lines(file: IO[bytes], where: str) -> Iterator[bytes]:
    """Yield the lines without their newlines; what is too large is noticed before it is held."""
    left = MAX_SEGMENT
    while line := file.readline(left + 1):
        left -= len(line)
        if left < 0:
            raise _too_large(MAX_SEGMENT - left, where)
        if not line.endswith(b"\n"):
            raise _cut_short(where)
        yield line[:-1]


def _exchanges(lines: Iterator[bytes], where: str) -> Iterator[Recorded]:
    for number, line in enumerate(lines):
        place = f"{where}:{number + 2}"
        exchange = Exchange.from_bytes(line, where=place)
        _must_be_canonical(exchange.to_bytes(), line, place)
        if exchange.n != number:
            raise MalformedError("exchange {n} stands where {number} belongs", where=place, n=exchange.n, number=number)
        if (exchange.response is None) == (exchange.gap is None):
            raise MalformedError("an exchange has either a response or a gap", where=place)
        yield Recorded(exchange, canonical.digest(line))


def _too_large(size: int, where: str) -> MalformedError:
    return MalformedError("a raw segment of {size} octets is too large", where=where, size=size)


def _cut_short(where: str) -> MalformedError:
    return MalformedError("a raw segment must end with a newline; it seems cut short", where=where)


def _must_be_canonical(spelled: bytes, line: bytes, where: str) -> None:
    if spelled != line:
        raise MalformedError("this line is not in canonical form (RFC 8785)", where=where)
