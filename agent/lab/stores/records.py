"""What a store of the lab holds: how many records each source wrote on each civil day, and when within it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

__all__ = ["Records", "days_from", "steady"]

_DAY_MS = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def days_from(first: date, last: date) -> Iterator[date]:
    """Yield the days from the first to the last."""
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)


def steady(
    sources: Iterable[str], first: date, last: date, records: int = 100, *, without: Container[date] = ()
) -> dict[str, dict[date, int]]:
    """Return sources that write the same number of records every day but for some."""
    days = {day: records for day in days_from(first, last) if day not in without}
    return {source: dict(days) for source in sources}


@dataclass
class Records:
    """Records by source and civil day; those of a day lie evenly in it."""

    by_source: dict[str, dict[date, int]] = field(default_factory=dict)
    zone_hours: int = 8
    """How far civil time is ahead of UTC."""
    canaries: dict[str, int] = field(default_factory=dict)
    """Nonce of a canary to when it was written, in milliseconds since 1970."""
    canary_host: str = "campus-canary"
    """The name that the relay gave the canaries."""

    def count(self, source: str, since: int, until: int) -> int:
        """Return how many records lie in [since, until), in milliseconds since 1970."""
        days = self.by_source.get(source)
        if not days or since >= until:
            return 0
        return sum(self._within(day, days.get(day, 0), since, until) for day in self._touched(since, until))

    def times(self, source: str, since: int, until: int) -> tuple[int, int] | None:
        """Return when the first and the last record in [since, until) were written; None where there is none."""
        days = self.by_source.get(source, {})
        found = [
            at
            for day in (self._touched(since, until) if days else ())
            for at in (self._at(day, days.get(day, 0), 0), self._at(day, days.get(day, 0), days.get(day, 0) - 1))
            if day in days and since <= at < until
        ]
        return (min(found), max(found)) if found else None

    def sources(self, since: int, until: int) -> list[str]:
        """Return the sources with records in [since, until)."""
        return sorted(source for source in self.by_source if self.count(source, since, until))

    def carrying(self, nonces: Iterable[str], since: int, until: int, host: str | None = None) -> dict[str, int]:
        """Return how many records in [since, until) carry each nonce, of one host or of all."""
        if host not in (None, self.canary_host):
            return {}
        return {each: 1 for each in nonces if since <= self.canaries.get(each, -1) < until}

    def delete_before(self, day: date) -> None:
        """Drop the days before one, as a lifecycle does."""
        self.canaries = {nonce: at for nonce, at in self.canaries.items() if self.day_of(at) >= day}
        for days in self.by_source.values():
            for old in [each for each in days if each < day]:
                del days[old]

    def midnight(self, day: date) -> int:
        """Return when a civil day begins, in milliseconds since 1970."""
        return (day - _EPOCH.date()).days * _DAY_MS - self.zone_hours * 3_600_000

    def day_of(self, at: int) -> date:
        """Return the civil day of a moment."""
        return (_EPOCH + timedelta(milliseconds=at, hours=self.zone_hours)).date()

    def _touched(self, since: int, until: int) -> Iterator[date]:
        return days_from(self.day_of(since), self.day_of(until - 1))

    def _at(self, day: date, records: int, number: int) -> int:
        return self.midnight(day) + (2 * number + 1) * _DAY_MS // (2 * records) if records else 0

    def _within(self, day: date, records: int, since: int, until: int) -> int:
        start = self.midnight(day)
        if not records or start >= until or start + _DAY_MS <= since:
            return 0
        if since <= start and start + _DAY_MS <= until:
            return records
        return sum(since <= self._at(day, records, number) < until for number in range(records))
