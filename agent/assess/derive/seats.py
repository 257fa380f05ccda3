"""Terminals in rooms as far as they can be those of seats: what was seen, what is declared, what may be more; pure.

A room's ports are the links that the campus file maps to it and the ports of the terminals that it lists there. Ports
of other things of the room (a display, an access point) do not count. That there are no more than were seen is known
only of switches that were read on enough school days.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agent.assess.census import NEEDED, census
from agent.assess.derive.civil_days import CivilDays
from agent.assess.derive.terminals import IN_USE, kinds_of, terminals
from agent.model.campus import Link
from agent.model.finding import Reason
from agent.model.reading import Grade

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from agent.assess.samples import Readings
    from agent.model.base import Digest
    from agent.model.campus import Campus, Room
    from agent.model.finding import Window
    from agent.model.reading import Reading

__all__ = ["COMPUTER", "Seated", "Seats", "seats"]

COMPUTER: Final = "computer"
TERMINALS: Final = frozenset({"terminal", "public-terminal", "reading-terminal"})
"""Kinds of equipment that are terminals."""
_ELSEWHERE: Final = "/things"
"""Where the port map has what is listed and no terminal."""
_MAYBE: Final = frozenset({"unknown", COMPUTER})


@dataclass(frozen=True, slots=True)
class Seated:
    """The terminals of one place."""

    seen: int = 0
    """Terminals on so many days as asked for, randomised addresses aside."""
    known: int = 0
    """Of these, those whose maker makes computers."""
    others: int = 0
    """Of these, those of a known kind that is no computer."""
    declared: int = 0
    """Terminals that the campus file lists there."""
    open: Reason | None = None
    """Why there may be more."""
    grade: Grade = Grade.REPORTED
    sources: tuple[Digest, ...] = ()

    @property
    def maybe(self) -> int:
        """Return how many of those that were seen may be computers."""
        return max(0, self.seen - self.others)

    @property
    def certain(self) -> int:
        """Return how many are computers: declared and seen; where nothing is declared, known as such."""
        return min(self.declared, self.maybe) if self.declared else self.known

    @property
    def possible(self) -> int | None:
        """Return how many may be; None where nobody knows."""
        return None if self.open is not None else max(self.declared, self.maybe)


@dataclass(frozen=True, slots=True)
class Seats:
    """The terminals of a campus by room."""

    rooms: Mapping[str, Seated]
    """Of every room of the campus file."""
    campus: Seated
    """Of all places together, also those at ports of no room."""


def seats(readings: Readings, campus: Campus, window: Window, *, looks: int, days: int = 1, kinds: str = "") -> Seats:
    """Count the terminals of every room.

    Args:
        readings: of the window.
        campus: its rooms and links.
        window: what is judged.
        looks: school days on which a switch must have been read.
        days: different days on which a terminal must have been there.
        kinds: OUIs by kind, as the derivation `terminals` takes them.

    Raises:
        MalformedError: a reading that it needs holds no number or pseudonym.
        ConfigError: `kinds` is not of that form.
    """
    mapped = campus.model_copy(update={"links": _links(campus)})
    counted = terminals(readings, mapped, window, {"days": str(days), "kinds": kinds})
    figures = {reading.subject: reading for reading in counted.readings if reading.metric == IN_USE}
    placed: dict[str, Counter[str]] = defaultdict(Counter)
    for each in census(readings.every(*NEEDED), mapped, kinds_of(kinds)).in_use(days):
        placed["campus:all"][each.kind] += 1
        placed[f"room:{each.room}"][each.kind] += 1

    read = _days_read(readings, CivilDays(campus, window))

    def seated(subject: str, declared: int, switches: Iterable[str]) -> Seated:
        few = Reason.TOO_FEW_SAMPLES if any(read.get(switch, 0) < looks for switch in switches) else None
        still, figure = counted.open.get((IN_USE, subject)), figures.get(subject)
        of_kind = placed[subject]
        return Seated(
            seen=int(figure.value) if figure is not None else 0,
            known=of_kind[COMPUTER],
            others=sum(count for kind, count in of_kind.items() if kind not in _MAYBE)
            + (sum(placed[f"room:{_ELSEWHERE}"][kind] for kind in _MAYBE) if subject == "campus:all" else 0),
            declared=declared,
            open=still.reason if still is not None else few,
            grade=figure.grade if figure is not None else Grade.REPORTED,
            sources=figure.sources if figure is not None else (),
        )

    return Seats(
        {
            room.id: seated(
                f"room:{room.id}", _declared(room), {link.asset for link in mapped.links if link.room == room.id}
            )
            for room in campus.rooms
        },
        seated("campus:all", sum(map(_declared, campus.rooms)), read),
    )


def _days_read(readings: Readings, days: CivilDays) -> dict[str, int]:
    """Return on how many school days each switch gave its forwarding table."""
    found: dict[str, list[Reading]] = defaultdict(list)
    for reading in readings.every("census.macs"):
        if reading.subject.startswith("asset:"):
            found[reading.subject.partition(":")[2]].append(reading)
    return {switch: len(days.school(looks)) for switch, looks in found.items()}


def _declared(room: Room) -> int:
    return sum(piece.count for piece in room.of_kind("terminal"))


def _links(campus: Campus) -> tuple[Link, ...]:
    """Return the port map of the terminals: links and ports of terminals; ports of other things are no room's."""
    listed = [
        (piece, room.id, piece.switch, piece.port)
        for room in campus.rooms
        for piece in room.equipment
        if piece.switch is not None and piece.port is not None
    ]
    others = dict.fromkeys((switch, port) for piece, _, switch, port in listed if piece.kind not in TERMINALS)
    links = [link for link in campus.links if (link.asset, link.port) not in others]
    links += [
        Link(id=f"things-{number}", role="access", asset=switch, port=port, room=_ELSEWHERE)
        for number, (switch, port) in enumerate(others)
    ]
    mapped = {(link.asset, link.port) for link in links if link.room is not None}
    return (
        *links,
        *(
            Link(id=f"terminals-{number}", role="access", asset=switch, port=port, room=room)
            for number, (piece, room, switch, port) in enumerate(listed)
            if piece.kind in TERMINALS and (switch, port) not in mapped
        ),
    )
