"""Whether each room of the school has a wired connection and Wi-Fi.

Subjects are `<kind of room>:<id>`, of every room in the campus file: which kinds a clause is about, the standard says.

- `room.wired`: 1 if a port that the campus file maps to the room was up at any time of the window; 0 if its ports were
  read and never were. A room without a port in the file, or whose port the device does not have, is open with
  `no-target`.
- `room.wifi`: by the ladder of `assess.coverage`, and `room.wifi.rung` says by which rung. Below L3 it is deployment of
  access points and no signal, and corroborated at best. A room in which no access point is placed is open: by the
  reason of a controller that did not answer, else `no-target`.

Settings: `up_share` (0.95) and `days` (10): share of samples and different days on which an access point of the room
was up; `level_dbm` (-65): a level that is signal; `sensor_share` (0.95): share of a sensor's samples that reach it;
`walk_points` (3): points of a room that a walk measures.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from agent.assess.coverage import NEEDED, Ladder, RoomCoverage, coverage
from agent.assess.derive.derived import Derived, Open, figure_at
from agent.assess.derive.settings import numbers
from agent.assess.silence import gap
from agent.model.finding import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from fractions import Fraction

    from agent.assess.samples import Readings
    from agent.model.campus import Campus, Link, Room
    from agent.model.finding import Window
    from agent.model.reading import Grade, Reading

__all__ = ["SETTINGS", "rooms"]

SETTINGS: Final = {"up_share": "0.95", "days": "10", "level_dbm": "-65", "sensor_share": "0.95", "walk_points": "3"}
WIRED, WIFI, RUNG = "room.wired", "room.wifi", "room.wifi.rung"
_NOT_THERE: Final = frozenset({"not", "ambiguous"})
"""First words of a `link.match` that found no port."""
_SAYS_NOTHING: Final = frozenset({"unknown", "testing"})


def rooms(readings: Readings, campus: Campus, window: Window, method: Mapping[str, str]) -> Derived:
    """Derive both coverages of every room; see the module.

    Raises:
        MalformedError: a level is no number.
        ConfigError: a setting is unknown or no number.
    """
    ladder = _ladder(campus, numbers("rooms", method, SETTINGS))
    figures = _Figures(window)
    for room in campus.rooms:
        links = [link for link in campus.links if link.room == room.id]
        figures.wired(room, *_wired(readings, links))
    kinds = {room.id: room for room in campus.rooms}
    silent = _silent(readings)
    for each in coverage(readings.every(*NEEDED), campus, ladder).rooms:
        figures.wifi(kinds[each.room], each, silent)
    return Derived(tuple(figures.readings), figures.open)


def _ladder(campus: Campus, stated: Mapping[str, Fraction]) -> Ladder:
    def decimal(name: str) -> Decimal:
        return Decimal(stated[name].numerator) / Decimal(stated[name].denominator)

    return Ladder(
        kinds=frozenset(room.kind for room in campus.rooms),
        up_share=decimal("up_share"),
        days=int(stated["days"]),
        level_dbm=decimal("level_dbm"),
        sensor_share=decimal("sensor_share"),
        walk_points=int(stated["walk_points"]),
    )


def _wired(readings: Readings, links: Sequence[Link]) -> tuple[Reading | None, Reason]:
    """Return the reading that decides, the best over all ports and the whole window, or why there is none."""
    if not links:
        return None, Reason.NO_TARGET
    states = [item for link in links for item in readings.of("link.status", f"{link.role}:{link.id}")]
    known = [(reading.value == "up", at, reading) for at, reading in states if reading.value not in _SAYS_NOTHING]
    if known:
        return max(known, key=lambda item: item[:2])[2], Reason.UNSUPPORTED
    if states:
        return None, Reason.UNSUPPORTED
    return None, min((_unread(readings, link) for link in links), key=list(Reason).index)


def _unread(readings: Readings, link: Link) -> Reason:
    """Return why a port has no state."""
    matches = readings.texts("link.match", f"{link.role}:{link.id}")
    if matches and matches[-1][1].split(" ")[0] in _NOT_THERE:
        return Reason.NO_TARGET
    return gap(readings, "links", link.asset) or Reason.TOO_FEW_SAMPLES


def _silent(readings: Readings) -> Reason | None:
    """Return why the access points of a controller are not known; None if all answered."""
    subjects = readings.subjects("wifi", "collector.answer")
    reasons = [reason for subject in subjects if (reason := gap(readings, "wifi", subject.partition(":")[2]))]
    return min(reasons, key=list(Reason).index, default=None)


class _Figures:
    """Figures while they come together."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self.readings: list[Reading] = []
        self.open: dict[tuple[str, str], Open] = {}

    def wired(self, room: Room, deciding: Reading | None, reason: Reason) -> None:
        """Note whether a room has a port that was up."""
        subject = f"{room.kind}:{room.id}"
        if deciding is None:
            self.open[WIRED, subject] = Open(reason, low="0", high="1")
        else:
            value = str(int(deciding.value == "up"))
            self._add(WIRED, subject, value, "1", deciding.grade, deciding.sources)

    def wifi(self, room: Room, found: RoomCoverage, silent: Reason | None) -> None:
        """Note whether a room has Wi-Fi, and by which rung that is known."""
        subject = f"{room.kind}:{room.id}"
        reason = silent if found.reason is Reason.NO_TARGET and silent is not None else found.reason
        if found.covered is None:
            self.open[WIFI, subject] = Open(reason or Reason.TOO_FEW_SAMPLES, low="0", high="1")
        else:
            self._add(WIFI, subject, str(int(found.covered)), "1", found.grade, found.sources)
        if found.sources:
            self._add(RUNG, subject, found.rung, "", found.grade, found.sources)
        else:
            self.open[RUNG, subject] = Open(reason or Reason.TOO_FEW_SAMPLES)

    def _add(self, metric: str, subject: str, value: str, unit: str, grade: Grade, sources: Sequence[str]) -> None:
        self.readings.append(figure_at(self._window, metric, subject, value, unit, grade, sources))
