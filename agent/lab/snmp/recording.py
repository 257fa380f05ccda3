"""`Recording`: what a device answers, sorted and already encoded; read from snmprec files or built from code.

An snmprec line is ``OID|TAG|VALUE``. TAG is the decimal BER tag, with the suffix ``x`` where VALUE is hex. Files in
circulation are unsorted, repeat OIDs, hold CRLF, comments, masked OIDs and damaged hex (LibreNMS's corpus has all of
it), so the reader sorts by OID, keeps the first of several lines for one OID, and lists every line that it could not
use. An agent that served the file as it stands would answer with decreasing OIDs.
"""

from __future__ import annotations

import bisect
import copy
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from agent import ber
from agent.errors import MalformedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["Cell", "Recording", "Skipped", "parse", "read"]

_INTEGERS = {
    ber.INTEGER: (-(1 << 31), (1 << 32) - 1),
    ber.COUNTER32: (0, (1 << 32) - 1),
    ber.GAUGE32: (0, (1 << 32) - 1),
    ber.TIME_TICKS: (0, (1 << 32) - 1),
    ber.COUNTER64: (0, (1 << 64) - 1),
}
_OCTETS = frozenset({ber.OCTET_STRING, ber.OPAQUE})


class Cell(NamedTuple):
    """One object: content octets of its OID, tag and content octets of its value."""

    oid: bytes
    tag: int
    value: bytes


@dataclass(frozen=True, slots=True)
class Skipped:
    """A line that is not served, and why."""

    line: int
    reason: str


class Recording:
    """The objects of a device in OID order.

    Lookups cost one dictionary access for an OID that exists, which the cursor of a walk mostly does, and a binary
    search otherwise.

    Args:
        cells: the objects in any order; of several with one OID the first is kept.
        rates: OIDs whose integer grows with time, and by how much a second; an OID stands for all that begin with it.
        skipped: lines that could not be read.

    Raises:
        MalformedError: an OID does not decode.

    Attributes:
        oids: content octets, in order.
        tags: one octet per object.
        varbinds: the encoded SEQUENCE of each object.
        rates: position -> growth a second.
    """

    def __init__(
        self, cells: Iterable[Cell], *, rates: Mapping[str, int] | None = None, skipped: tuple[Skipped, ...] = ()
    ) -> None:
        first: dict[bytes, Cell] = {}
        for cell in cells:
            first.setdefault(cell.oid, cell)
        ordered = sorted(first.values(), key=lambda cell: ber.oid_tuple(cell.oid))
        self.oids = tuple([cell.oid for cell in ordered])
        self.tags = bytes([cell.tag for cell in ordered])
        self.varbinds = [ber.encode_varbind(*cell) for cell in ordered]
        self.skipped = skipped
        self.rates: dict[int, int] = {}
        for prefix, rate in (rates or {}).items():
            self.rates.update(dict.fromkeys(self.under(prefix), rate))

    def __len__(self) -> int:
        return len(self.oids)

    @cached_property
    def _positions(self) -> dict[bytes, int]:
        return {oid: at for at, oid in enumerate(self.oids)}

    @cached_property
    def _keys(self) -> list[tuple[int, ...]]:
        return [ber.oid_tuple(oid) for oid in self.oids]

    def find(self, oid: bytes) -> int | None:
        """Return the position of the object, or None."""
        return self._positions.get(oid)

    def after(self, oid: bytes) -> int:
        """Return the position of the first object after the OID; `len` where nothing follows.

        Raises:
            MalformedError: the octets are not an OID.
        """
        at = self._positions.get(oid)
        return bisect.bisect_right(self._keys, ber.oid_tuple(oid)) if at is None else at + 1

    def under(self, prefix: str) -> range:
        """Return the positions of the objects whose OID is the prefix or begins with it."""
        arcs = ber.oid_tuple(ber.oid_bytes(prefix))
        start = bisect.bisect_left(self._keys, arcs)
        return range(start, bisect.bisect_left(self._keys, (*arcs[:-1], arcs[-1] + 1), start))

    def cells(self) -> list[Cell]:
        """Return the objects in order."""
        return [Cell(*ber.decode_varbind(each)) for each in self.varbinds]

    def with_cells(self, cells: Iterable[Cell]) -> Recording:
        """Return a recording in which these objects replace or join the others; rates are kept."""
        new = list(cells)
        if all(cell.oid in self._positions for cell in new):
            return self._replaced(new)
        made = Recording([*new, *self.cells()], skipped=self.skipped)
        made.rates = {made._positions[self.oids[at]]: rate for at, rate in self.rates.items()}
        return made

    def _replaced(self, cells: list[Cell]) -> Recording:
        """Return a copy that shares all but the list of varbinds: a thousand devices of one kind fit in memory."""
        made = copy.copy(self)
        made.varbinds, tags = list(self.varbinds), bytearray(self.tags)
        for cell in cells:
            at = self._positions[cell.oid]
            made.varbinds[at], tags[at] = ber.encode_varbind(*cell), cell.tag
        made.tags = bytes(tags)
        return made

    def with_rates(self, rates: Mapping[str, int]) -> Recording:
        """Return the same objects, of which those under the given OIDs grow by so much a second."""
        return Recording(self.cells(), rates=rates, skipped=self.skipped)


def read(path: Path, *, rates: Mapping[str, int] | None = None) -> Recording:
    """Read an snmprec file.

    Raises:
        UsageError: the file cannot be opened.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError("cannot read the recording: {why}", where=str(path), why=error.strerror) from error
    return parse(data, rates=rates)


def parse(data: bytes, *, rates: Mapping[str, int] | None = None) -> Recording:
    """Read the octets of an snmprec file: nothing in it raises, what cannot be used is in `skipped`."""
    cells: dict[bytes, Cell] = {}
    skipped: list[Skipped] = []
    for number, raw in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        line = raw.removesuffix(b"\r")
        if not line.strip() or line.lstrip().startswith(b"#"):
            continue
        try:
            cell = _cell(line)
        except MalformedError as error:
            skipped.append(Skipped(number, str(error)))
            continue
        if cells.setdefault(cell.oid, cell) is not cell:
            skipped.append(Skipped(number, "OID repeated; the first line counts"))
    return Recording(cells.values(), rates=rates, skipped=tuple(skipped))


def _cell(line: bytes) -> Cell:
    name, bar, rest = line.partition(b"|")
    kind, second_bar, text = rest.partition(b"|")
    if not bar or not second_bar:
        raise MalformedError("not OID|TAG|VALUE")
    oid = _oid(name)
    number = kind.strip().rstrip(b"x")
    hexadecimal = kind.strip().endswith(b"x")
    if not number.isdigit() or len(number) > 3:
        raise MalformedError("tag {tag!r} is not a number", tag=_shown(kind))
    tag = int(number)
    return Cell(oid, tag, _hex_value(tag, text) if hexadecimal else _value(tag, text))


def _oid(text: bytes) -> bytes:
    return ber.oid_bytes(text.strip().removeprefix(b".").decode("ascii", errors="replace"))


def _value(tag: int, text: bytes) -> bytes:
    if tag in _OCTETS:
        return text
    if tag == ber.NULL:
        return b""
    if tag == ber.OID:
        return _oid(text)
    if tag == ber.IP_ADDRESS:
        return _address(text)
    if tag in _INTEGERS:
        return _integer(tag, text)
    raise MalformedError("tag {tag} is not one of SNMP's", tag=tag)


def _hex_value(tag: int, text: bytes) -> bytes:
    try:
        value = bytes.fromhex(text.decode("ascii"))
    except ValueError:
        raise MalformedError("not hex: {text!r}", text=_shown(text)) from None
    if tag in _OCTETS or (tag == ber.IP_ADDRESS and len(value) == 4):
        return value
    return _value(tag, value)


def _address(text: bytes) -> bytes:
    parts = text.strip().split(b".")
    if len(parts) != 4 or not all(part.isdigit() and len(part) <= 3 and int(part) <= 255 for part in parts):
        raise MalformedError("not an IPv4 address: {text!r}", text=_shown(text))
    return bytes(map(int, parts))


def _integer(tag: int, text: bytes) -> bytes:
    digits = text.strip()
    if not digits.removeprefix(b"-").isdigit() or len(digits) > 21:
        raise MalformedError("not an integer: {text!r}", text=_shown(text))
    low, high = _INTEGERS[tag]
    value = int(digits)
    if not low <= value <= high:
        raise MalformedError("{value} does not fit tag {tag}", value=value, tag=tag)
    if tag == ber.INTEGER and value >= 1 << 31:  # an Integer32 that was captured as unsigned
        value -= 1 << 32
    encoded = ber.encode_integer(value, tag)
    return encoded[2:]


def _shown(text: bytes) -> str:
    return text[:40].decode("ascii", errors="backslashreplace")
