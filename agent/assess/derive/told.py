"""What recorders and log stores told last, as long as it is fresh: for derivations that judge what is kept; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.assess.derive.footage import DAY
from agent.assess.samples import milliseconds

if TYPE_CHECKING:
    from collections.abc import Mapping
    from fractions import Fraction

    from agent.assess.samples import Readings
    from agent.model.campus import Campus
    from agent.model.finding import Window
    from agent.model.reading import Reading

__all__ = ["Told", "told_of"]


@dataclass(frozen=True)
class Told:
    """What all devices told, and how it is to be read."""

    readings: Readings
    campus: Campus
    until: int
    """End of the window, milliseconds since 1970."""
    setting: Mapping[str, Fraction]
    """`fresh_days`, after which a reading says nothing any more, and what the derivation has beside it."""

    def last(self, metric: str, subject: str) -> Reading | None:
        """Return the newest reading that is still fresh."""
        found = self.readings.of(metric, subject)
        fresh = self.until - int(self.setting["fresh_days"] * DAY)
        return found[-1][1] if found and found[-1][0] >= fresh else None

    def text(self, metric: str, subject: str) -> str:
        """Return what the newest fresh reading says, or nothing."""
        reading = self.last(metric, subject)
        return reading.value if reading is not None else ""

    def whole(self, metric: str, subject: str, unit: str) -> int | None:
        """Return the newest fresh number, rounded down.

        Raises:
            MalformedError: it is no number, or its unit does not fit.
        """
        if self.last(metric, subject) is None:
            return None
        return int(self.readings.values(metric, subject, unit)[-1].number)


def told_of(readings: Readings, campus: Campus, window: Window, setting: Mapping[str, Fraction]) -> Told:
    """Return what the devices told, seen from the window's end."""
    return Told(readings, campus, milliseconds(window.until), setting)
