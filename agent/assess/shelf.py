"""Readings of many runs kept small, and made into values only where a rule asks for them.

A month of a school's switches is tens of millions of readings. As values they take more than a kilobyte each; rules
look at a few in a thousand. Here each takes a few octets: what the readings of one exchange share is kept once, the
rest is compressed by metric and subject. What comes out is equal to what `Readings` holds of the same lines.
"""

from __future__ import annotations

import re
import zlib
from array import array
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Final

from agent.assess.samples import Readings, milliseconds, moment
from agent.errors import MalformedError
from agent.model.reading import Grade, Reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from agent.model.finding import Window

__all__ = ["Shelf"]

_LINE: Final = re.compile(
    rb'\{"at":"([0-9TZ:.-]{24})","grade":"([a-z]+)","metric":"([^"\\\x00-\x1f]+)",'
    rb'"sources":\["sha256:([0-9a-f]{64})"\],"subject":"([^"\\\x00-\x1f]+)",'
    rb'"unit":"([^"\\\x00-\x1f]*)","value":"([^"\\\x00-\x1f]*)"\}'
)
"""A canonical reading of one exchange, without escapes; others are kept as values."""
_CHUNK: Final = 256
"""Readings of one metric and subject that are compressed together."""
_KEPT: Final = 50_000
"""Values that are kept for being asked for again."""
_FIELDS: Final = set(Reading.model_fields)
_GRADES: Final = {grade.value for grade in Grade}


class _Series:
    """The readings of one metric and subject: numbers of their exchanges, and their values."""

    __slots__ = ("chunks", "refs", "values")

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.refs = array("q")
        self.values: list[bytes] = []

    def add(self, ref: int, value: bytes) -> None:
        self.refs.append(ref)
        self.values.append(value)
        if len(self.values) == _CHUNK:
            # exchanges are numbered in order, so their distances repeat
            steps = array("q", (self.refs[0], *(after - before for before, after in pairwise(self.refs))))
            self.chunks.append(zlib.compress(steps.tobytes() + b'"'.join(self.values), 1))
            self.refs, self.values = array("q"), []

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        size = _CHUNK * self.refs.itemsize
        for chunk in self.chunks:
            data = zlib.decompress(chunk)
            steps = array("q", data[:size])
            yield from zip(accumulate(steps), data[size:].split(b'"'), strict=True)
        yield from zip(self.refs, self.values, strict=True)


class Shelf:
    """Readings of any number of files, by metric and subject."""

    def __init__(self) -> None:
        self._series: dict[tuple[bytes, bytes], _Series] = {}
        self._values: dict[tuple[str, str], list[Reading]] = {}
        self._at = array("q")
        self._kind = array("H")
        self._source = bytearray()
        self._kinds: list[tuple[Grade, str]] = []
        self._kind_of: dict[tuple[bytes, bytes], int] = {}

    def add_file(self, data: bytes, *, where: str) -> None:
        """Add a `readings.jsonl` file.

        Raises:
            MalformedError: a line is not a reading.
        """
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise MalformedError("these are no readings: {why}", where=where, why=str(error)) from error
        known: dict[tuple[bytes, ...], int] = {}
        for number, line in enumerate(data.split(b"\n"), 1):
            if not line:
                continue
            if (found := _LINE.fullmatch(line)) is None or not self._take(found, known):
                self.add([Reading.from_bytes(line, where=f"{where}:{number}")])

    def add(self, readings: Iterable[Reading]) -> None:
        """Add readings that are values already."""
        for reading in readings:
            self._values.setdefault((reading.metric, reading.subject), []).append(reading)

    def within(self, window: Window | None) -> Readings:
        """Return the readings of a window, all where it is None, made when they are asked for."""
        return _Shelved(self, window)

    def names(self) -> list[tuple[str, str]]:
        """Return every metric and subject, sorted."""
        return sorted({*((m.decode(), s.decode()) for m, s in self._series), *self._values})

    def readings(self, metric: str, subject: str) -> list[Reading]:
        """Return the readings of a metric and subject."""
        found = list(self._values.get((metric, subject), ()))
        known: dict[bytes, str] = {}
        for ref, value in self._series.get((metric.encode(), subject.encode()), ()):
            if value not in known:
                known[value] = value.decode()
            grade, unit = self._kinds[self._kind[ref]]
            # every part was checked when it was put here; validating it again takes half the time and memory
            found.append(
                Reading.model_construct(
                    _FIELDS,
                    metric=metric,
                    subject=subject,
                    value=known[value],
                    unit=unit,
                    at=moment(self._at[ref]),
                    grade=grade,
                    sources=(f"sha256:{self._source[32 * ref : 32 * ref + 32].hex()}",),
                )
            )
        return found

    def times(self, metric: str, subject: str) -> Iterator[int]:
        """Yield when a metric of a subject was read, in milliseconds since 1970."""
        for reading in self._values.get((metric, subject), ()):
            yield milliseconds(reading.at)
        for ref, _ in self._series.get((metric.encode(), subject.encode()), ()):
            yield self._at[ref]

    def _take(self, found: re.Match[bytes], known: dict[tuple[bytes, ...], int]) -> bool:
        """Put one line away; `known` numbers the exchanges of its file. False: its spelling would not come back."""
        at, grade, metric, source, subject, unit, value = found.groups()
        ref = known.get((at, grade, source, unit))
        if ref is None:
            ref = self._exchange(at, grade, source, unit)
            if ref is None:
                return False
            known[at, grade, source, unit] = ref
        series = self._series.get((metric, subject))
        if series is None:
            series = self._series[metric, subject] = _Series()
        series.add(ref, value)
        return True

    def _exchange(self, at: bytes, grade: bytes, source: bytes, unit: bytes) -> int | None:
        """Keep what readings of one exchange share; None: it has a spelling that would not come back."""
        text = at.decode()
        try:
            time = milliseconds(text)
        except MalformedError:  # what is wrong is said where the line is read as a value
            return None
        if moment(time) != text or grade.decode() not in _GRADES:
            return None
        kind = self._kind_of.get((grade, unit))
        if kind is None:
            kind = self._kind_of[grade, unit] = len(self._kinds)
            self._kinds.append((Grade(grade.decode()), unit.decode()))
        self._at.append(time)
        self._kind.append(kind)
        self._source += bytes.fromhex(source.decode())
        return len(self._at) - 1


class _Shelved(Readings):
    """The readings of a shelf in a window."""

    def __init__(self, shelf: Shelf, window: Window | None) -> None:
        super().__init__(())
        self._shelf = shelf
        self._window = window
        self._span = (milliseconds(window.since), milliseconds(window.until)) if window else None
        self._keys: dict[str, list[str]] = {}
        for metric, subject in shelf.names():
            self._keys.setdefault(metric, []).append(subject)
        self._made: dict[tuple[str, str], Sequence[tuple[int, Reading]]] = {}
        self._count = 0

    def of(self, metric: str, subject: str) -> Sequence[tuple[int, Reading]]:
        """Return time and reading, in time order."""
        key = (metric, subject)
        if key not in self._made:
            found = Readings(self._shelf.readings(metric, subject), self._window).of(metric, subject)
            if self._count > _KEPT:
                self._made, self._count = {}, 0
            self._made[key] = found
            self._count += len(found)
        return self._made[key]

    def every(self, *metrics: str) -> list[Reading]:
        """Return the readings of the metrics, of all subjects, in time order."""
        keys = [(metric, subject) for metric in sorted(set(metrics)) for subject in self._keys.get(metric, ())]
        found = [(at, metric, subject, reading) for metric, subject in keys for at, reading in self.of(metric, subject)]
        found.sort(key=lambda item: item[:3])
        return [reading for *_, reading in found]

    def subjects(self, kind: str, metric: str) -> tuple[str, ...]:
        """Return the subjects of a kind that have a reading of the metric, sorted."""
        named = (subject for subject in self._keys.get(metric, ()) if subject.split(":", 1)[0] == kind)
        return tuple(subject for subject in named if self._has(metric, subject))

    def _has(self, metric: str, subject: str) -> bool:
        if self._span is None:
            return True
        since, until = self._span
        return any(since <= at <= until for at in self._shelf.times(metric, subject))
