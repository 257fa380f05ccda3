"""A zip container with one spelling: the same entries give the same bytes, and anything else is refused.

    (local header, deflate data) for each name in order | central directory | [zip64 end, locator] | end record

Every field but names, sizes, CRCs and offsets is constant: 1980-01-01, Unix, mode 0644, deflate, no comment, no extra
field, no data descriptor. So the reader walks the local entries from the first byte, rebuilds the directory from them
and compares: prefixes, gaps, overlaps, trailing bytes, links, encrypted or hidden entries cannot exist. Any unzip
program opens the result. Source: PKWARE APPNOTE 6.3.10, sections 4.3 and 4.4. This module does no I/O.
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.errors import MalformedError
from agent.language import N_

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MAX_ENTRIES", "MAX_ENTRY_BYTES", "MAX_RATIO", "MAX_TOTAL_BYTES", "unzip", "zip_bytes"]

MAX_ENTRIES = 1_000_000
"""A month of runs every minute has 43,200 runs of some ten files."""
MAX_ENTRY_BYTES = 64 * 1024 * 1024
MAX_TOTAL_BYTES = 1024 * 1024 * 1024
"""Uncompressed; a reader holds it in memory."""
MAX_RATIO = 200
"""Uncompressed to compressed; repetitive JSON reaches 50, a bomb 1000."""
RATIO_FREE_BYTES = 64 * 1024
"""Below this an entry may have any ratio."""

_LEVEL = 6
_VERSION, _UNIX, _DEFLATE = 20, 3, 8
_TIME, _DATE = 0, (0 << 9) | (1 << 5) | 1  # 1980-01-01 00:00:00
_MODE = 0o100644 << 16
_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR = struct.Struct("<4sIQI")
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


@dataclass(frozen=True, slots=True)
class _Entry:
    """What the headers say of an entry."""

    name: bytes
    crc: int
    packed: int
    size: int
    offset: int

    def local(self) -> bytes:
        fixed = _LOCAL.pack(b"PK\x03\x04", _VERSION, 0, _DEFLATE, _TIME, _DATE, *self._sums(), len(self.name), 0)
        return fixed + self.name

    def central(self) -> bytes:
        made_by = _UNIX << 8 | _VERSION
        fixed = _CENTRAL.pack(
            *(b"PK\x01\x02", made_by, _VERSION, 0, _DEFLATE, _TIME, _DATE, *self._sums(), len(self.name)),
            *(0, 0, 0, 0, _MODE, self.offset),  # extra field, comment, disk, internal attributes
        )
        return fixed + self.name

    def _sums(self) -> tuple[int, int, int]:
        return self.crc, self.packed, self.size


def zip_bytes(entries: Mapping[str, bytes]) -> bytes:
    """Return the container of these entries, sorted by name.

    Raises:
        MalformedError: a name is unsafe, or a cap is passed.
    """
    parts: list[bytes] = []
    headers: list[_Entry] = []
    offset = total = 0
    for name in sorted(entries):
        content = entries[name]
        deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, -15)
        packed = deflate.compress(content) + deflate.flush()
        entry = _Entry(_safe(name.encode(errors="replace")), zlib.crc32(content), len(packed), len(content), offset)
        total = _check_caps(entry, len(headers), total)
        headers.append(entry)
        parts += (entry.local(), packed)
        offset += _LOCAL.size + len(entry.name) + len(packed)
    return b"".join((*parts, _directory(headers, offset)))


def unzip(data: bytes) -> dict[str, bytes]:
    """Return the entries of a container that `zip_bytes` wrote, on whatever machine.

    Raises:
        MalformedError: it is not one; `where` names the entry.
    """
    headers: list[_Entry] = []
    packed: list[tuple[int, int]] = []
    offset = total = 0
    while data[offset : offset + 4] == b"PK\x03\x04":
        entry = _read_local(data, offset)
        if headers and entry.name <= headers[-1].name:
            raise _malformed(N_("the entry is there twice, or out of order"), entry)
        start = offset + _LOCAL.size + len(entry.name)
        offset = start + entry.packed
        if offset > len(data):
            raise _malformed(N_("the entry is cut off"), entry)
        total = _check_caps(entry, len(headers), total)
        headers.append(entry)
        packed.append((start, offset))
    _check_directory(data, offset, headers)
    return {
        entry.name.decode("ascii"): _inflate(entry, data[start:end])
        for entry, (start, end) in zip(headers, packed, strict=True)
    }


def _read_local(data: bytes, offset: int) -> _Entry:
    try:
        fields = _LOCAL.unpack_from(data, offset)
    except struct.error as error:
        raise MalformedError("the bundle is cut off inside an entry", where="zip") from error
    crc, packed, size, length, _ = fields[6:]
    start = offset + _LOCAL.size
    entry = _Entry(_safe(data[start : start + length]), crc, packed, size, offset)
    if data[offset : start + length] != entry.local():
        raise _malformed(N_("the entry is encrypted, a link, or has fields that no bundle has"), entry)
    return entry


def _check_directory(data: bytes, offset: int, headers: list[_Entry]) -> None:
    if not headers:
        raise MalformedError("this is not a bundle (no zip entry at its start)", where="zip")
    expected = _directory(headers, offset)
    if data[offset:] == expected:
        return
    at = offset
    for entry in headers:
        record = entry.central()
        if data[at : at + len(record)] != record:
            raise _malformed(N_("the directory says something else about the entry (a link, another size)"), entry)
        at += len(record)
    raise MalformedError("the bundle does not end where it should: bytes are missing or were added", where="zip")


def _inflate(entry: _Entry, packed: bytes) -> bytes:
    inflate = zlib.decompressobj(-15)
    try:
        # One byte more than declared is enough to see that there is more.
        content = inflate.decompress(packed, entry.size + 1)
    except zlib.error as error:
        raise _malformed(N_("the entry does not decompress"), entry) from error
    if len(content) != entry.size or not inflate.eof or inflate.unused_data or zlib.crc32(content) != entry.crc:
        raise _malformed(N_("the entry does not have the size or checksum that its header says"), entry)
    return content


def _directory(headers: list[_Entry], offset: int) -> bytes:
    central = b"".join(entry.central() for entry in headers)
    count, size, where = len(headers), len(central), offset
    end64 = b""
    if count >= 0xFFFF or where + size >= 0xFFFFFFFF:
        end64 = _END64.pack(b"PK\x06\x06", _END64.size - 12, _UNIX << 8 | 45, 45, 0, 0, count, count, size, where)
        end64 += _LOCATOR.pack(b"PK\x06\x07", 0, where + size, 1)
        count, size, where = 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF
    return central + end64 + _END.pack(b"PK\x05\x06", 0, 0, count, count, size, where, 0)


def _check_caps(entry: _Entry, before: int, total: int) -> int:
    """Return the total uncompressed size with this entry, after `before` others of `total` bytes."""
    if entry.size > MAX_ENTRY_BYTES or entry.size > RATIO_FREE_BYTES + MAX_RATIO * entry.packed:
        raise _malformed(N_("the entry is too large, or too large for its compressed size"), entry)
    if before >= MAX_ENTRIES or total + entry.size > MAX_TOTAL_BYTES:
        raise _malformed(N_("with this entry the bundle passes its caps; choose a shorter window"), entry)
    return total + entry.size


def _safe(name: bytes) -> bytes:
    text = name.decode("ascii", errors="replace")
    if len(name) > 200 or not _NAME.fullmatch(text):
        raise MalformedError("the entry name is unsafe", where=ascii(text[:200]))
    return name


def _malformed(what: str, entry: _Entry) -> MalformedError:
    return MalformedError(
        what, where=entry.name.decode("ascii"), todo="The file is no bundle as it was exported; get the original"
    )
