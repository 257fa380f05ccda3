"""Readings of one metric and subject as numbers in one unit, in time order; nothing is guessed."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from agent.canonical import decimal_text
from agent.clock import parse_time, time_text
from agent.errors import MalformedError
from agent.packs.units import convert

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agent.model.finding import Window
    from agent.model.reading import Reading

__all__ = ["Readings", "Value", "exact", "milliseconds", "moment", "number", "rounded"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER: Final = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?")


@dataclass(frozen=True)
class Value:
    """A reading's number in the unit asked for."""

    at: int
    """Milliseconds since 1970."""
    number: Fraction
    reading: Reading


def milliseconds(at: str) -> int:
    """Return RFC 3339 text as milliseconds since 1970.

    Raises:
        MalformedError: the text is not such a time.
    """
    return (parse_time(at) - _EPOCH) // timedelta(milliseconds=1)


def moment(at: int) -> str:
    """Return milliseconds since 1970 as RFC 3339 text in UTC."""
    return time_text(_EPOCH + timedelta(milliseconds=at))


def exact(text: str) -> Fraction:
    """Return a decimal number of a pack exactly."""
    return Fraction(text)


def rounded(value: Fraction, places: int = 6) -> str:
    """Return the number as decimal text, rounded once, half to even."""
    return decimal_text(Decimal(round(value * 10**places)).scaleb(-places))


def number(reading: Reading, unit: str) -> Fraction:
    """Return the reading's value in the unit.

    Raises:
        MalformedError: it is not a plain decimal number, it is below zero where nothing can be, or its unit is unknown
            or of another dimension.
    """
    where = f"{reading.metric} {reading.subject} {reading.at}"
    if not _NUMBER.fullmatch(reading.value):
        raise MalformedError("{value!r} is not a plain decimal number", where=where, value=reading.value[:60])
    # Most values are whole numbers, and Fraction parses text slowly.
    value = Fraction(int(reading.value)) if "." not in reading.value else Fraction(reading.value)
    if value < 0 and reading.unit != "Cel":
        raise MalformedError("{value!r} is below zero", where=where, value=reading.value)
    try:
        return convert(value, reading.unit, unit)
    except MalformedError as error:
        raise MalformedError("{why}", where=where, why=str(error)) from error


class Readings:
    """Readings by metric and subject, each list in time order, equal ones once."""

    def __init__(self, readings: Iterable[Reading], window: Window | None = None) -> None:
        self._found: dict[tuple[str, str], list[tuple[int, Reading]]] = defaultdict(list)
        since = milliseconds(window.since) if window else None
        until = milliseconds(window.until) if window else None
        distinct = {(r.metric, r.subject, r.at, r.value, r.unit, r.grade.value, r.sources): r for r in readings}
        for key in sorted(distinct):
            reading = distinct[key]
            at = milliseconds(reading.at)
            if since is None or until is None or since <= at <= until:
                self._found[reading.metric, reading.subject].append((at, reading))
        for found in self._found.values():
            found.sort(key=lambda item: item[0])

    def of(self, metric: str, subject: str) -> Sequence[tuple[int, Reading]]:
        """Return time and reading, in time order."""
        return self._found.get((metric, subject), ())

    def values(self, metric: str, subject: str, unit: str) -> list[Value]:
        """Return the numbers in the unit, in time order.

        Raises:
            MalformedError: a reading is not a number, or its unit does not fit.
        """
        return [Value(at, number(reading, unit), reading) for at, reading in self.of(metric, subject)]

    def texts(self, metric: str, subject: str) -> list[tuple[int, str]]:
        """Return times and texts, in time order."""
        return [(at, reading.value) for at, reading in self.of(metric, subject)]

    def every(self, *metrics: str) -> list[Reading]:
        """Return the readings of the metrics, of all subjects, in time order."""
        wanted = set(metrics)
        found = [item for (metric, _), items in self._found.items() if metric in wanted for item in items]
        return [reading for _, reading in sorted(found, key=lambda item: (item[0], item[1].metric, item[1].subject))]

    def subjects(self, kind: str, metric: str) -> tuple[str, ...]:
        """Return the subjects of a kind that have a reading of the metric, sorted."""
        return tuple(sorted(s for m, s in self._found if m == metric and s.split(":", 1)[0] == kind))
