"""The classes of the school: classrooms with a grade, and those of the headcount without a room in the file; pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from agent.assess.samples import milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agent.model.campus import Campus, Headcount, Room
    from agent.model.finding import Window
    from agent.model.rule import Stage

__all__ = ["classes", "headcounts", "stage_of"]

EVERY, UPPER = "class", "class-from-grade-three"
MOST_UNLISTED: Final = 1_000
"""Classes without a room that are named one by one."""
_STAGES: Final[tuple[tuple[int, Stage], ...]] = ((6, "primary"), (9, "junior"), (12, "senior"))


def classes(campus: Campus, window: Window) -> Iterator[tuple[str, Room | None]]:
    """Yield the subject of every class, and its room; None where the headcount has more classes than there are rooms.

    Each class is `class:<room>`, and from grade three up `class-from-grade-three:<room>` as well.
    """
    listed = [room for room in campus.rooms if room.grade is not None]
    have: Counter[tuple[str, Stage]] = Counter()
    for room in listed:
        for kind in _kinds(room.grade or 0):
            have[kind, stage_of(room)] += 1
            yield f"{kind}:{room.id}", room
    for count in headcounts(campus, window).values():
        wanted = {EVERY: count.classes, UPPER: _upper(count)}
        for kind, number in wanted.items():
            for missing in range(min(number - have[kind, count.stage], MOST_UNLISTED)):
                yield f"{kind}:unlisted-{count.stage}-{missing + 1}", None


def headcounts(campus: Campus, window: Window) -> Mapping[Stage, Headcount]:
    """Return the headcounts that are in force at the end of the window: stated by then, and not expired."""
    until = milliseconds(window.until)
    return {
        count.stage: count
        for count in campus.headcounts
        if milliseconds(count.at) <= until and (count.expires is None or milliseconds(count.expires) >= until)
    }


def stage_of(room: Room) -> Stage:
    """Return the stage of the class whose room it is: as the file says, else by its grade."""
    if room.stage is not None:
        return room.stage
    return next(stage for last, stage in _STAGES if (room.grade or 1) <= last)


def _kinds(grade: int) -> tuple[str, ...]:
    return (EVERY, UPPER) if grade >= 3 else (EVERY,)


def _upper(count: Headcount) -> int:
    """Return how many classes are of grade three and up; above primary all are."""
    if count.classes_from_grade_three is not None:
        return count.classes_from_grade_three
    return count.classes if count.stage in ("junior", "senior") else 0
