"""Raw segments: one asset's conversations of one run, as JSON lines.

    {"asset":{...},"collectors":["interfaces"],"run":"...","segment":"campus-agent/segment/v1"}
    {"at":"...","monotonic_ns":"...","n":0,"redactions":{},"request":{...},"response":{...}}
    {"at":"...","gap":{"detail":"...","reason":"unreachable"},"monotonic_ns":"...","n":1,...}

Every line is canonical (RFC 8785) and ends with one newline, so that the SHA-256 of a line without its newline is
the digest that readings cite, and the SHA-256 of the whole is what a run's statement names.
"""

from __future__ import annotations

import gzip
import io
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent import canonical
from agent.errors import MalformedError
from agent.model.evidence import SegmentHeader
from agent.model.exchange import Exchange

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "MAX_SEGMENT",
    "Recorded",
    "Segment",
    "packed",
    "parse_segment",
    "segment_bytes",
    "segment_file",
    "unpacked",
]

MAX_SEGMENT = 256 * 1024 * 1024
"""Octets; a switch with 1 000 ports and 20 columns is about 2 MB."""
PLAIN_LIMIT = 3 * 1024 * 1024
"""Octets; longer files are compressed, since the backend takes blobs of 4 MiB."""


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


def segment_bytes(header: SegmentHeader, lines: Iterable[bytes]) -> bytes:
    """Join a header and canonical exchange lines (without newlines) into a segment."""
    return b"".join(line + b"\n" for line in (header.to_bytes(), *lines))


def segment_file(header: SegmentHeader, lines: Iterable[bytes]) -> tuple[str, bytes]:
    """Return the name under which a statement carries a segment, and the bytes; a long one is compressed."""
    return packed(f"raw/{header.asset.id}.jsonl", segment_bytes(header, lines))


def packed(name: str, data: bytes) -> tuple[str, bytes]:
    """Return the name under which a statement carries a file of lines, and the bytes; a long one is compressed."""
    if len(data) > PLAIN_LIMIT:
        return name + ".gz", gzip.compress(data, mtime=0)
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
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(files[f"{name}.gz"])) as file:
            data = file.read(MAX_SEGMENT + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise MalformedError("this is not gzip data: {why}", where=name, why=str(error)) from error
    if len(data) > MAX_SEGMENT:
        raise MalformedError("this file is too large when unpacked", where=name)
    return data


def parse_segment(data: bytes, *, where: str = "segment") -> Segment:
    """Read a segment strictly.

    Raises:
        MalformedError: it is too large, not canonical JSON lines, or its exchanges are not numbered from 0.
    """
    if len(data) > MAX_SEGMENT:
        raise MalformedError("a raw segment of {size} octets is too large", where=where, size=len(data))
    if not data.endswith(b"\n"):
        raise MalformedError("a raw segment must end with a newline; it seems cut short", where=where)
    first, *rest = data[:-1].split(b"\n")
    header = SegmentHeader.from_bytes(first, where=f"{where}:1")
    _must_be_canonical(header.to_bytes(), first, f"{where}:1")
    found = []
    for number, line in enumerate(rest):
        place = f"{where}:{number + 2}"
        exchange = Exchange.from_bytes(line, where=place)
        _must_be_canonical(exchange.to_bytes(), line, place)
        if exchange.n != number:
            raise MalformedError("exchange {n} stands where {number} belongs", where=place, n=exchange.n, number=number)
        if (exchange.response is None) == (exchange.gap is None):
            raise MalformedError("an exchange has either a response or a gap", where=place)
        found.append(Recorded(exchange, canonical.digest(line)))
    return Segment(header, tuple(found))


def _must_be_canonical(spelled: bytes, line: bytes, where: str) -> None:
    if spelled != line:
        raise MalformedError("this line is not in canonical form (RFC 8785)", where=where)
