"""Students per computer, and computers per teacher, by stage of schooling.

Subjects are `stage:<stage>` of every stage of the school, and `stage:all`. People come from the headcounts that are in
force at the window's end, computers from the census of terminals by room (`derive.seats`), without randomised
addresses. A room counts for students or for teachers by its kind:

- `student_rooms` (computer-room laboratory subject-room innovation-room ai-room virtual-space library) and
  `teacher_rooms` (office). There, the terminals that the campus file lists are computers as far as so many were seen;
  where it lists none, those whose maker makes computers (`kinds`, as in the derivation `terminals`).
- In rooms of other kinds (a classroom) only listed terminals are computers, and students'.
- All other terminals of no known kind may be computers. They, and places that the census does not see, are the bounds
  of the figure: at worst only computers as above, at best all that may be.

A room with a stage counts for that stage. One without counts for all; of several stages none has it for certain.

The figure shows what is certain, and is open unless both bounds agree. It is `corroborated` where what was declared was
seen, and `reported` where it rests on makers alone. Without a headcount, or a census, there is no target.

Further settings: `days` (1) on which a terminal must have been there; `absent_days` (5): school days on which a switch
must have been read before there are known to be no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from agent.assess.derive.classes import headcounts
from agent.assess.derive.derived import Derived, Open, figure_at
from agent.assess.derive.seats import seats
from agent.assess.derive.settings import numbers
from agent.assess.samples import rounded
from agent.errors import ConfigError
from agent.model.finding import Reason
from agent.model.reading import Grade, Reading
from agent.model.room import ROOM_KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.assess.derive.seats import Seated, Seats
    from agent.assess.samples import Readings
    from agent.model.base import Digest
    from agent.model.campus import Campus, Headcount, Room
    from agent.model.finding import Window
    from agent.model.rule import Stage

__all__ = ["SETTINGS", "ratios"]

SETTINGS: Final = {"days": "1", "absent_days": "5"}
ROOMS: Final = {
    "student_rooms": "computer-room laboratory subject-room innovation-room ai-room virtual-space library",
    "teacher_rooms": "office",
}
STUDENTS, TEACHERS, ALL = "ratio.students_per_computer", "ratio.computers_per_teacher", "all"
MOST_CITED: Final = 200
"""Exchanges that one figure cites: the last ones."""


@dataclass(frozen=True, slots=True)
class _Users:
    """Some people of a stage, and which rooms are theirs."""

    stage: str
    """`all` for the whole school."""
    sole: bool
    """There is no other stage: rooms without a stage are theirs."""
    own: frozenset[str]
    """Kinds of room that are theirs."""
    foreign: frozenset[str]
    """Kinds of room that are other people's."""
    listed_anywhere: bool
    """Terminals that are listed in rooms of any other kind are theirs."""

    def certain(self, room: Room, seated: Seated) -> int:
        """Return how many terminals of a room are certainly their computers."""
        if not (self.sole or room.stage == self.stage):
            return 0
        if room.kind in self.own:
            return seated.certain
        listed = self.listed_anywhere and room.kind not in self.foreign and seated.declared
        return seated.certain if listed else 0

    def never(self, room: Room, seated: Seated) -> int:
        """Return how many terminals of a room are certainly not theirs."""
        elsewhere = not self.sole and room.stage not in (None, self.stage)
        if elsewhere or room.kind in self.foreign:
            return seated.maybe
        listed = room.kind not in self.own and not self.listed_anywhere and seated.declared
        return seated.certain if listed else 0

    def unseen(self, room: Room, seated: Seated) -> int:
        """Return how many terminals that are listed as theirs, or may be, were not seen."""
        mine = room.kind in self.own or (self.listed_anywhere and room.kind not in self.foreign)
        elsewhere = not self.sole and room.stage not in (None, self.stage)
        return max(0, seated.declared - seated.maybe) if mine and not elsewhere else 0


@dataclass(frozen=True, slots=True)
class _Computers:
    """How many computers there are for some people."""

    certain: int
    possible: int | None
    """None: nobody knows how many more there may be."""
    reason: Reason
    """Why there may be more, if there may."""
    grade: Grade
    sources: tuple[Digest, ...]


def ratios(readings: Readings, campus: Campus, window: Window, method: Mapping[str, str]) -> Derived:
    """Derive both ratios; see the module.

    Raises:
        MalformedError: a reading that it needs holds no number or pseudonym.
        ConfigError: a setting is unknown or not what it should be.
    """
    own = {name: text for name, text in method.items() if name in ROOMS or name == "kinds"}
    stated = numbers("ratios", {name: text for name, text in method.items() if name not in own}, SETTINGS)
    pupils, staff = (_kinds(name, own.get(name, default)) for name, default in ROOMS.items())
    days, looks = (max(1, int(stated[name])) for name in SETTINGS)
    found = seats(readings, campus, window, looks=looks, days=days, kinds=own.get("kinds", ""))
    people = headcounts(campus, window)
    names = tuple(campus.school.stages or people)
    figures = _Figures(window)
    for stage in (*names, ALL):
        heads = _heads(people, names, stage)
        sole = stage == ALL or len(names) == 1
        for_students = _Users(stage, sole, pupils, staff, listed_anywhere=True)
        for_teachers = _Users(stage, sole, staff, pupils, listed_anywhere=False)
        figures.students(stage, heads and heads[0], _computers(found, campus.rooms, for_students))
        figures.teachers(stage, heads and heads[1], _computers(found, campus.rooms, for_teachers))
    return Derived(tuple(figures.readings), figures.open)


def _heads(people: Mapping[Stage, Headcount], names: Sequence[Stage], stage: str) -> tuple[int, int] | None:
    """Return students and teachers of a stage, or of all; None where the headcount of one is missing."""
    counted = [people.get(name) for name in names if stage in (ALL, name)]
    known = [count for count in counted if count is not None]
    if len(known) < len(counted):
        return None
    return sum(count.students for count in known), sum(count.teachers for count in known)


def _kinds(name: str, text: str) -> frozenset[str]:
    """Return the kinds of room that a setting names.

    Raises:
        ConfigError: one of them does not exist.
    """
    kinds = frozenset(text.split())
    if unknown := sorted(kinds.difference(ROOM_KINDS)):
        raise ConfigError(
            "there is no kind of room {name!r}",
            where=f"method of ratios, {name}",
            todo="Known are: {known}",
            name=unknown[0][:60],
            known=", ".join(ROOM_KINDS),
        )
    return kinds


def _computers(found: Seats, rooms: Sequence[Room], users: _Users) -> _Computers:
    """Count the computers for some people: for certain, and at most."""
    counted = [(found.rooms[room.id], users.certain(room, found.rooms[room.id])) for room in rooms]
    theirs = [(seated, certain) for seated, certain in counted if certain]
    unseen = sum(users.unseen(room, found.rooms[room.id]) for room in rooms)
    never = sum(users.never(room, found.rooms[room.id]) for room in rooms)
    sources = [source for seated, _ in theirs for source in seated.sources] or found.campus.sources
    certain = sum(certain for _, certain in theirs)
    return _Computers(
        certain=certain,
        possible=None if found.campus.open is not None else max(certain, found.campus.maybe - never + unseen),
        reason=found.campus.open or (Reason.TOO_FEW_SAMPLES if unseen else Reason.UNSUPPORTED),
        grade=Grade.CORROBORATED if theirs and all(seated.declared for seated, _ in theirs) else Grade.REPORTED,
        sources=tuple(dict.fromkeys(sources))[-MOST_CITED:],
    )


class _Figures:
    """Figures while they come together."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self.readings: list[Reading] = []
        self.open: dict[tuple[str, str], Open] = {}

    def students(self, stage: str, number: int | None, computers: _Computers) -> None:
        """Note how many students share a computer; `number` None or 0: nobody knows of any."""
        if not number:
            self.open[STUDENTS, f"stage:{stage}"] = Open(Reason.NO_TARGET)
            return
        high = Fraction(number, computers.certain) if computers.certain else None
        # Without any computer there is no ratio; it is worse than all of them sharing one.
        low = Fraction(0) if computers.possible is None else Fraction(number, max(1, computers.possible))
        self._note(STUDENTS, stage, high, (low, high), computers)

    def teachers(self, stage: str, number: int | None, computers: _Computers) -> None:
        """Note how many computers a teacher has; `number` None or 0: nobody knows of any."""
        if not number:
            self.open[TEACHERS, f"stage:{stage}"] = Open(Reason.NO_TARGET)
            return
        low = Fraction(computers.certain, number)
        high = None if computers.possible is None else Fraction(computers.possible, number)
        self._note(TEACHERS, stage, low, (low, high), computers)

    def _note(
        self,
        metric: str,
        stage: str,
        value: Fraction | None,
        bounds: tuple[Fraction, Fraction | None],
        computers: _Computers,
    ) -> None:
        subject = f"stage:{stage}"
        low, high = bounds
        if low != high:
            self.open[metric, subject] = Open(computers.reason, rounded(low), None if high is None else rounded(high))
        if value is not None and computers.sources:
            self.readings.append(
                figure_at(self._window, metric, subject, rounded(value), "1", computers.grade, computers.sources)
            )
