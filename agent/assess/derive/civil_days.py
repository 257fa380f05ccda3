"""The civil days of readings on a campus, and which of them are school days; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.assess.derive.log_days import school_day_rule
from agent.model.calendar import local_day

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from agent.model.campus import Campus
    from agent.model.finding import Window
    from agent.model.reading import Reading

__all__ = ["CivilDays"]


class CivilDays:
    """Days by the campus's time zone and school calendar; without a calendar, Monday to Friday are school days."""

    def __init__(self, campus: Campus, window: Window) -> None:
        self._timezone = campus.timezone
        first, last = (local_day(at, campus.timezone) for at in (window.since, window.until))
        self._school = school_day_rule(campus.calendar, first, last)

    def of(self, readings: Iterable[Reading]) -> set[date]:
        """Return the days on which the readings were taken."""
        return {local_day(one.at, self._timezone) for one in readings}

    def school(self, readings: Iterable[Reading]) -> set[date]:
        """Return the school days among them."""
        return {day for day in self.of(readings) if self._school(day)}
