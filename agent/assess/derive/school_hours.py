"""The hours of school: which readings of a window were taken in them, and on which civil day; pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from agent.assess.derive.log_days import school_day_rule
from agent.errors import ConfigError
from agent.model.calendar import local_day, utc_offset

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date
    from fractions import Fraction

    from agent.model.campus import Campus
    from agent.model.finding import Window
    from agent.model.reading import Reading

__all__ = ["HOURS", "SchoolHours"]

HOURS: Final = {"from_hour": "8", "until_hour": "17"}
"""Settings of derivations that look at school hours: begin and end, in hours of the campus's civil time."""
_HOUR_MS: Final = 3_600_000


class SchoolHours:
    """Tells readings of school hours.

    Args:
        campus: its time zone and calendar; without a calendar, Monday to Friday are school days.
        window: what is judged.
        setting: with `from_hour` and `until_hour`; the end is not included.

    Raises:
        ConfigError: the hours are not in order, or no hours of a day.
    """

    def __init__(self, campus: Campus, window: Window, setting: Mapping[str, Fraction]) -> None:
        begin, end = setting["from_hour"], setting["until_hour"]
        if not 0 <= begin < end <= 24:
            raise ConfigError(
                "from {begin} to {end} o'clock are no hours of a day",
                where="from_hour, until_hour",
                todo="Write for example from_hour: 8 and until_hour: 17",
                begin=str(begin),
                end=str(end),
            )
        self._begin, self._end = int(begin * _HOUR_MS), int(end * _HOUR_MS)
        self._ahead = (utc_offset(campus.timezone) or timedelta(0)) // timedelta(milliseconds=1)
        self._zone = campus.timezone
        self._school = school_day_rule(campus.calendar, *(self.day(at) for at in (window.since, window.until)))

    def day(self, at: str) -> date:
        """Return the civil day of a moment."""
        return local_day(at, self._zone)

    def of(self, readings: Iterable[tuple[int, Reading]]) -> list[Reading]:
        """Return the readings of school hours, in their order; with each comes its time in milliseconds."""
        return [reading for at, reading in readings if self._in_hours(at) and self._school(self.day(reading.at))]

    def days(self, readings: Iterable[Reading]) -> set[date]:
        """Return the school days on which readings were taken, at whatever hour."""
        return {day for day in (self.day(reading.at) for reading in readings) if self._school(day)}

    def _in_hours(self, at: int) -> bool:
        return self._begin <= (at + self._ahead) % (24 * _HOUR_MS) < self._end
