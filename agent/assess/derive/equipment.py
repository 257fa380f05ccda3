"""Whether what the clauses want in a room was seen on the network, room by room.

Subjects are `<kind of room>:<id>`, of every room in the campus file. One metric for each kind of equipment
(`room.display`, `room.control`, `room.class_board`, ...):

- 1 if one thing of that kind that the campus file lists in the room was seen on `seen_days` (1) different days: the
  asset answered, or the switch had learned an address at its port (`derive.sightings`). That it is what the file calls
  it is declared, so the figure is `corroborated`. An access point that its controller places in the room counts for
  `room.ap`.
- 0 if it was looked for on `absent_days` (5) school days and never seen.
- Else open, by what stands between: nothing is listed (`no-target`), silence, a switch that was read too few times.

`room.terminals` counts the terminals of the room (`derive.seats`); `room.seats_per_terminal` is the seats of the file
over them. A room in which nothing is mapped has no target; one whose switches were read on fewer than `absent_days`
school days may have more.

`class.smart` is about classes, the classrooms with a grade (subjects `class:<room>`, `class-from-grade-three:<room>`):
1 if the school calls the room smart and everything that it lists there was seen, 0 if not. What the school itself does
not call smart is 0 without an exchange to cite, so such a class is open between 0 and 0. Classes of the headcount that
have no room in the file are open as `unlisted-<stage>-<number>`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final

from agent.assess.derive.classes import classes
from agent.assess.derive.derived import Derived, Open, figure_at
from agent.assess.derive.seats import seats
from agent.assess.derive.settings import numbers
from agent.assess.derive.sightings import Sighting, Sightings
from agent.assess.samples import rounded
from agent.model.finding import Reason
from agent.model.reading import Grade, Reading
from agent.model.room import EQUIPMENT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.assess.derive.seats import Seated
    from agent.assess.samples import Readings
    from agent.model.base import Digest
    from agent.model.campus import Campus, Room
    from agent.model.finding import Window
    from agent.model.room import EquipmentKind

__all__ = ["SETTINGS", "equipment"]

SETTINGS: Final = {"seen_days": "1", "absent_days": "5"}
MOST_CITED: Final = 200
"""Exchanges that one figure cites: the last ones."""
TERMINALS, SEATS, SMART = "room.terminals", "room.seats_per_terminal", "class.smart"
_COUNTED: Final = "terminal"
"""The kind that is counted, and has no yes or no."""
KINDS: Final[tuple[EquipmentKind, ...]] = tuple(kind for kind in EQUIPMENT if kind != _COUNTED)


def equipment(readings: Readings, campus: Campus, window: Window, method: Mapping[str, str]) -> Derived:
    """Derive; see the module.

    Raises:
        MalformedError: a reading that it needs is not what its metric says.
        ConfigError: a setting is unknown or no number.
    """
    stated = numbers("equipment", method, SETTINGS)
    seen_days, absent_days = (max(1, int(stated[name])) for name in SETTINGS)
    sightings = Sightings(readings, campus, window, absent_days)
    figures = _Figures(window)
    seated = seats(readings, campus, window, looks=absent_days).rooms
    smart: dict[str, Sighting | None] = {}
    for room in campus.rooms:
        found = {kind: _best(_pieces(sightings, room, kind), seen_days) for kind in KINDS}
        for kind, best in found.items():
            figures.yes_or_no(f"room.{kind.replace('-', '_')}", f"{room.kind}:{room.id}", best, seen_days)
        figures.terminals(room, seated[room.id])
        smart[room.id] = _whole(room, found, seated[room.id], seen_days)
    for subject, classroom in classes(campus, window):
        if classroom is None:
            figures.open[SMART, subject] = Open(Reason.NO_TARGET, "0", "1")
        elif classroom.smart:
            figures.yes_or_no(SMART, subject, smart[classroom.id], seen_days)
        else:
            figures.open[SMART, subject] = Open(Reason.NO_TARGET, "0", "0")
    return Derived(tuple(figures.readings), figures.open)


def _pieces(sightings: Sightings, room: Room, kind: EquipmentKind) -> list[Sighting]:
    """Return what shows each thing of the kind in the room."""
    listed = [sightings.of(piece) for piece in room.of_kind(kind)]
    return listed + (sightings.access_points(room) if kind == "ap" else [])


def _best(pieces: Sequence[Sighting], seen_days: int) -> Sighting | None:
    """Return the thing that decides: one that was seen, else one that may be there, else one that is not."""

    def order(piece: Sighting) -> tuple[bool, int, bool, int]:
        reason = list(Reason).index(piece.reason) if piece.reason is not None else len(Reason)
        return piece.days < seen_days, -piece.days, piece.absent, reason

    return min(pieces, key=order, default=None)


def _whole(
    room: Room, found: Mapping[EquipmentKind, Sighting | None], terminals: Seated, seen_days: int
) -> Sighting | None:
    """Return what shows that everything that is listed in the room is there: the thing that is worst off."""
    kinds = {piece.kind for piece in room.equipment}
    pieces = [best for kind in kinds - {_COUNTED} if (best := found[kind]) is not None]
    if _COUNTED in kinds:
        reason = None if terminals.seen else terminals.open or Reason.TOO_FEW_SAMPLES
        pieces.append(Sighting(seen_days if terminals.seen else 0, terminals.sources, reason=reason))
    if not pieces:
        return None
    if any(piece.absent for piece in pieces):
        return next(piece for piece in pieces if piece.absent)
    worst = min(pieces, key=lambda piece: (piece.days, list(Reason).index(piece.reason) if piece.reason else 0))
    return Sighting(worst.days, _cited(pieces), reason=worst.reason)


def _cited(pieces: Sequence[Sighting]) -> tuple[Digest, ...]:
    return tuple(dict.fromkeys(source for piece in pieces for source in piece.sources))


class _Figures:
    """Figures while they come together."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self.readings: list[Reading] = []
        self.open: dict[tuple[str, str], Open] = {}

    def yes_or_no(self, metric: str, subject: str, found: Sighting | None, seen_days: int) -> None:
        """Note whether something was seen, is absent, or is open."""
        if found is None:
            self.open[metric, subject] = Open(Reason.NO_TARGET, "0", "1")
        elif found.days >= seen_days:
            self._add(metric, subject, "1", Grade.CORROBORATED, found.sources)
        elif found.absent:
            self._add(metric, subject, "0", Grade.REPORTED, found.sources)
        else:
            self.open[metric, subject] = Open(found.reason or Reason.TOO_FEW_SAMPLES, "0", "1")

    def terminals(self, room: Room, seated: Seated) -> None:
        """Note how many terminals a room has, and how many of its seats share one."""
        subject = f"{room.kind}:{room.id}"
        if seated.open is not None:
            self.open[TERMINALS, subject] = Open(seated.open, low=str(seated.seen))
        if seated.sources:
            self._add(TERMINALS, subject, str(seated.seen), seated.grade, seated.sources)
        if not room.seats or (not seated.sources and not seated.seen):
            reason = seated.open if room.seats else None
            self.open[SEATS, subject] = Open(reason or Reason.NO_TARGET)
            return
        high = rounded(Fraction(room.seats, seated.seen)) if seated.seen else None
        if seated.open is not None or high is None:
            self.open[SEATS, subject] = Open(seated.open or Reason.TOO_FEW_SAMPLES, "0", high)
        if high is not None:
            self._add(SEATS, subject, high, seated.grade, seated.sources)

    def _add(self, metric: str, subject: str, value: str, grade: Grade, sources: Sequence[Digest]) -> None:
        self.readings.append(figure_at(self._window, metric, subject, value, "1", grade, tuple(sources)[-MOST_CITED:]))
