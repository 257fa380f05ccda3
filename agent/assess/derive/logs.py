"""How long the log of every required source is kept, without gaps, and whether its store has room for it; pure.

Sources come from the campus file: one that nobody stores has no log. A source on several stores counts once, with its
best copy. Figures rest on the last time that a store was asked, and on days that were over then; a store that was last
asked too long before the window's end shows nothing.

Months are calendar months back from that day. A log that reaches less far may be young or deleted. It is deleted, and
the figure settled, when a gap ends the stretch, when an earlier reading saw older records, or when the store's own
setting deletes at that age. Else it is young: measured so far, and open; no more open than the setting allows. What an
appliance keeps in its own buffer proves nothing.

Settings (`method`):

- ``months`` (6): calendar months that are looked at for gaps, and from which on a log is not young.
- ``day_share`` (0.1): share of the median of its kind of day that a day needs; days with school (by the calendar, else
  Monday to Friday) and days without are kinds of their own.
- ``least_records`` (1): records that a day needs in any case.
- ``allowed_days`` (0): consecutive required days without log that end no stretch.
- ``fresh_days`` (7): how long before the window's end a store must have been asked.
- ``capacity_days`` (183): days for which there must be room, at the 95th percentile of a day.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agent.assess.derive.derived import Derived, Open, figure_at
from agent.assess.derive.log_copies import Copy, appliance, copies_of, months_of
from agent.assess.derive.log_stores import room
from agent.assess.derive.settings import numbers
from agent.assess.derive.told import told_of
from agent.model.finding import Reason
from agent.model.reading import Grade, Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agent.assess.derive.told import Told
    from agent.assess.samples import Readings
    from agent.model.base import Digest
    from agent.model.campus import Campus
    from agent.model.finding import Window
    from agent.model.logs import LogSource

__all__ = ["logs"]

DEFAULTS: Final = {
    "months": "6",
    "day_share": "0.1",
    "least_records": "1",
    "allowed_days": "0",
    "fresh_days": "7",
    "capacity_days": "183",
}
KINDS: Final = {"system": "system-log", "user-access": "user-access-log"}


@dataclass(frozen=True, slots=True)
class _Figure:
    """A figure of a source."""

    value: int
    open: Open | None
    grade: Grade
    sources: tuple[Digest, ...]


def logs(readings: Readings, campus: Campus, window: Window, method: Mapping[str, str]) -> Derived:
    """Derive `logs.retention` (mo), `logs.gap` (d), `logs.covered_days` (d) and `logs.capacity` (1).

    Raises:
        MalformedError: a reading of a store is not what its metric says.
        ConfigError: a setting is unknown or no number.
    """
    told = told_of(readings, campus, window, numbers("logs", method, DEFAULTS))
    found: list[Reading] = []
    unsettled: dict[tuple[str, str], Open] = {}
    for source in campus.log_sources:
        subject = f"{KINDS[source.kind]}:{source.id}"
        copies = copies_of(source, told)
        figures = {
            "logs.retention": ("mo", _most(copies, source, told, lambda copy: copy.months)),
            "logs.gap": ("d", _least(copies, source, told)),
            "logs.covered_days": ("d", _most(copies, source, told, lambda copy: copy.days)),
            "logs.capacity": ("1", _capacity(copies, source, told)),
        }
        for metric, (unit, figure) in figures.items():
            if figure.open is not None:
                unsettled[metric, subject] = figure.open
            if figure.sources:
                found.append(figure_at(window, metric, subject, str(figure.value), unit, figure.grade, figure.sources))
    return Derived(tuple(found), unsettled)


def _most(copies: Sequence[Copy], source: LogSource, told: Told, value: Callable[[Copy], int]) -> _Figure:
    """Return the figure of the best copy, where more is better; open as long as a copy may still change it."""
    known = [copy for copy in copies if copy.sources]
    best = max(known, key=lambda copy: (value(copy), -copy.order), default=None)
    low = value(best) if best is not None else 0
    high: int | None = low
    reason = None
    for copy in copies:
        if copy.reason is None:
            continue
        most = None if copy.most_months is None or value(copy) != copy.months else max(copy.most_months, copy.months)
        if most is None or (high is not None and most > high):
            high, reason = most, reason or copy.reason
    if best is None:
        return _Figure(0, _nothing(copies, source, told), Grade.DECLARED, ())
    still = Open(reason, str(low), None if high is None else str(high)) if reason is not None else None
    return _Figure(low, still, best.grade, best.sources)


def _least(copies: Sequence[Copy], source: LogSource, told: Told) -> _Figure:
    """Return the longest gap of the copy that has the shortest one."""
    known = [copy for copy in copies if copy.sources]
    if not known:
        nothing = _nothing(copies, source, told)
        # No log at all is a gap as long as can be, and no proof that there is none.
        return _Figure(0, Open(nothing.reason, _window_days(told) if nothing.high == "0" else None), Grade.DECLARED, ())
    best = min(known, key=lambda copy: (copy.reason is not None, copy.gap, copy.order))
    other = next((copy.reason for copy in copies if not copy.sources and copy.reason), None)
    if best.reason is not None:
        high = None if best.partial or best.reason is not Reason.WINDOW_TOO_SHORT else _window_days(told)
        low = "0" if best.partial else str(best.gap)
        return _Figure(best.gap, Open(best.reason, low, high), best.grade, best.sources)
    still = Open(other, "0", str(best.gap)) if other is not None and best.gap else None
    return _Figure(best.gap, still, best.grade, best.sources)


def _window_days(told: Told) -> str:
    """Return the days of the months that are looked at, where they are longest."""
    return str(months_of(told) * 31)


def _nothing(copies: Sequence[Copy], source: LogSource, told: Told) -> Open:
    """Return what is open of a source of which no store told anything."""
    if copies:
        return Open(next((copy.reason for copy in copies if copy.reason), Reason.TOO_FEW_SAMPLES), "0")
    if appliance(told, source, "appliance.log.") is not None:
        return Open(Reason.UNSUPPORTED, "0")
    return Open(Reason.NO_TARGET, "0", "0")


def _capacity(copies: Sequence[Copy], source: LogSource, told: Told) -> _Figure:
    """Return 1 where a store has room for the days asked for, by what its logs took so far."""
    rooms = [(copy, room(copy, told)) for copy in copies if copy.sources]
    for enough in (True, False):
        for copy, found in rooms:
            if found is not None and found.enough is enough:
                unknown = not enough and any(other is None for _, other in rooms)
                still = Open(Reason.UNSUPPORTED, "0", "1") if unknown else None
                sources = tuple(dict.fromkeys([*copy.sources, *found.sources]))
                return _Figure(int(enough), still, Grade.REPORTED, sources)
    if rooms:
        return _Figure(0, Open(Reason.UNSUPPORTED, "0", "1"), rooms[0][0].grade, rooms[0][0].sources)
    nothing = _nothing(copies, source, told)
    return _Figure(0, Open(nothing.reason, "0", "0" if nothing.high == "0" else "1"), Grade.DECLARED, ())
