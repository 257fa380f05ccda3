"""How far Wi-Fi coverage is proven, room by room, on a ladder; pure, over readings and the campus file.

    L0  inventory: an access point is placed in the room, and was up
    L1  levels that the room's access points hear from clients: shows a problem, proves nothing, for where no signal is
        there is no client
    L2  levels that access points hear from each other: they work, and how the building damps
    L3  a fixed sensor in the room measures the signal
    L4  a walk: several points of the room

Each room shows the highest rung with data; L3 and L4 decide by their levels, below them the inventory decides. Without
any L3 or L4 the figure is called AP deployment coverage, never signal coverage, and is corroborated at best. What is
missing is missing: a room without data is neither covered nor uncovered, and both bounds are shown.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from agent.canonical import decimal_text
from agent.model.finding import Reason
from agent.model.reading import Grade, weakest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.model.campus import Campus, Room
    from agent.model.reading import Reading

__all__ = ["NEEDED", "Coverage", "Ladder", "Placement", "RoomCoverage", "Rung", "coverage", "placements"]

Rung = Literal["none", "L0", "L1", "L2", "L3", "L4"]

WALK, SENSOR = "wifi.walk.signal", "wifi.sensor.signal"
HEARD, HEARD_OF_CLIENTS = "wifi.radio.signal", "wifi.ap.client_signal"
NEEDED = (
    *("wifi.ap.name", "wifi.ap.room", "wifi.ap.room_rule", "wifi.ap.state"),
    *("neighbour.kind", "neighbour.name", "neighbour.port"),
    *(WALK, SENSOR, HEARD, HEARD_OF_CLIENTS),
)
"""The metrics that `coverage` reads."""
MOST_CITED = 200
"""Exchanges that a room cites, the last ones: a month of five minutes is more than a reader can follow."""
DEPLOYMENT, SIGNAL = "AP deployment coverage", "signal coverage"


@dataclass(frozen=True, slots=True)
class Ladder:
    """The thresholds, which a rule pack states: provinces differ.

    Args:
        kinds: kinds of room that must be covered.
        up_share: share of samples, 0 to 1, at which an access point of the room was up.
        days: different days (UTC) that its samples must span.
        level_dbm: a level at or above it is signal.
        sensor_share: share of a sensor's samples that must reach the level.
        walk_points: points of a room that a walk must measure; all must reach the level.
    """

    kinds: frozenset[str]
    up_share: Decimal
    days: int
    level_dbm: Decimal
    sensor_share: Decimal
    walk_points: int


@dataclass(frozen=True, slots=True)
class Placement:
    """An access point in a room: by the rule of its controller's reading, or `lldp` by the port that it hangs on."""

    ap: str
    """Subject of its readings."""
    room: str
    rule: str


@dataclass(frozen=True, slots=True)
class RoomCoverage:
    """One room that must be covered."""

    room: str
    rung: Rung
    covered: bool | None
    """None: there is not enough data to say."""
    why: str
    aps: tuple[Placement, ...]
    grade: Grade
    reason: Reason | None = None
    """Why it is not known; None if it is."""
    sources: tuple[str, ...] = ()
    """Exchanges that show it."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """All rooms that must be covered.

    `share` and `possible` are percentages as decimal text: proven now, and if all that is open turned out well; None
    without rooms.
    """

    name: str
    rooms: tuple[RoomCoverage, ...]
    share: str | None
    possible: str | None
    rungs: Mapping[str, int]
    grade: Grade | None
    unplaced: tuple[str, ...]
    """Access points that no rule places."""


def coverage(readings: Iterable[Reading], campus: Campus, ladder: Ladder) -> Coverage:
    """Return what the readings of a window prove."""
    every = list(readings)
    placed = placements(every, campus)
    of_room: dict[str, list[Placement]] = defaultdict(list)
    for placement in placed.values():
        of_room[placement.room].append(placement)
    seen = _Seen.of(every)
    rooms = tuple(
        _room(room, tuple(of_room[room.id]), seen, ladder) for room in campus.rooms if room.kind in ladder.kinds
    )
    measured = any(room.rung in ("L3", "L4") for room in rooms)
    return Coverage(
        name=SIGNAL if measured else DEPLOYMENT,
        rooms=rooms,
        share=_percent(sum(room.covered is True for room in rooms), len(rooms)),
        possible=_percent(sum(room.covered is not False for room in rooms), len(rooms)),
        rungs=dict(sorted(Counter(room.rung for room in rooms).items())),
        grade=weakest(*(room.grade for room in rooms)) if rooms else None,
        unplaced=tuple(sorted(ap for ap in seen.states if ap not in placed)),
    )


def placements(readings: Iterable[Reading], campus: Campus) -> dict[str, Placement]:
    """Return where each access point hangs, by its subject.

    The controller's placement (`wifi.ap.room`) decides; else the switch port: a neighbour that calls itself an access
    point, at a port that the campus file puts in a room, is the one access point of that name.
    """
    every = list(readings)
    rooms = {room.id for room in campus.rooms}
    rule = {reading.subject: reading.value for reading in every if reading.metric == "wifi.ap.room_rule"}
    found = {
        reading.subject: Placement(reading.subject, reading.value, rule.get(reading.subject, ""))
        for reading in every
        if reading.metric == "wifi.ap.room" and reading.value in rooms
    }
    for name, room in _by_port(every, campus).items():
        subjects = {reading.subject for reading in every if reading.metric == "wifi.ap.name" and reading.value == name}
        if len(subjects) == 1:
            subject = subjects.pop()
            found.setdefault(subject, Placement(subject, room, "lldp"))
    return found


def _by_port(readings: Sequence[Reading], campus: Campus) -> dict[str, str]:
    """Return the room of each access point that one switch port alone shows, by its name."""
    rooms = {room.id for room in campus.rooms}
    port_room = {(link.asset, link.port): link.room for link in campus.links if link.room in rooms}
    facts: dict[str, dict[str, str]] = defaultdict(dict)
    for reading in readings:
        if reading.metric in ("neighbour.kind", "neighbour.name", "neighbour.port"):
            facts[reading.subject][reading.metric] = reading.value
    found: dict[str, set[str]] = defaultdict(set)
    for subject, fact in facts.items():
        asset = subject.partition(":")[2].partition("/")[0]
        room = port_room.get((asset, fact.get("neighbour.port", "")))
        if room is not None and fact.get("neighbour.kind") == "access-point" and "neighbour.name" in fact:
            found[fact["neighbour.name"]].add(room)
    return {name: next(iter(where)) for name, where in found.items() if len(where) == 1}


# --- one room -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Seen:
    """The readings that rooms ask for."""

    states: Mapping[str, Sequence[tuple[str, str]]]
    """By access point: day and state."""
    levels: Mapping[str, Mapping[str, Sequence[Decimal]]]
    """By metric, then by subject."""
    shown: Mapping[str, Sequence[str]]
    """Exchanges by subject, in time order."""

    @staticmethod
    def of(readings: Sequence[Reading]) -> _Seen:
        states: dict[str, list[tuple[str, str]]] = defaultdict(list)
        levels: dict[str, dict[str, list[Decimal]]] = {
            metric: defaultdict(list) for metric in (WALK, SENSOR, HEARD, HEARD_OF_CLIENTS)
        }
        shown: dict[str, list[str]] = defaultdict(list)
        for reading in sorted(readings, key=lambda each: (each.at, each.sources)):
            if reading.metric == "wifi.ap.state" and reading.value != "standby":
                states[reading.subject].append((reading.at[:10], reading.value))
            elif reading.metric in levels:
                levels[reading.metric][reading.subject].append(_decimal(reading))
            else:
                continue
            shown[reading.subject] += reading.sources
        return _Seen(states, levels, shown)

    def cited(self, subjects: Iterable[str]) -> tuple[str, ...]:
        """Return the last exchanges that show something of the subjects."""
        return tuple(dict.fromkeys(source for subject in subjects for source in self.shown.get(subject, ())))[
            -MOST_CITED:
        ]

    def in_room(self, metric: str, room: str) -> dict[str, Sequence[Decimal]]:
        """Return the levels of each sensor or point of a room: subjects are `room:<room>/<name>`."""
        prefix = f"room:{room}/"
        return {subject: values for subject, values in self.levels[metric].items() if subject.startswith(prefix)}

    def of_ap(self, metric: str, ap: str) -> bool:
        """Tell whether an access point or one of its radios has levels."""
        name = ap.partition(":")[2]
        return any(
            subject == ap or subject.startswith(f"radio:{name}/") for subject, values in self.levels[metric].items()
        )


def _room(room: Room, aps: tuple[Placement, ...], seen: _Seen, ladder: Ladder) -> RoomCoverage:
    measured: tuple[tuple[Rung, str, _Judge], ...] = (("L4", WALK, _walked), ("L3", SENSOR, _sensed))
    for rung, metric, judge in measured:
        levels = seen.in_room(metric, room.id)
        if levels:
            covered, why, reason = judge(levels, ladder)
            return RoomCoverage(room.id, rung, covered, why, aps, Grade.MEASURED, reason, seen.cited(levels))
    if not aps:
        why = "no access point is placed in the room"
        return RoomCoverage(room.id, "none", None, why, aps, Grade.REPORTED, Reason.NO_TARGET)
    covered, why, reason = _served(aps, seen, ladder)
    deployed = _deployed(aps, seen)
    # A second device agrees where the switch sees the access point at the room's port, or others hear it.
    two_sided = deployed == "L2" or any(placement.rule == "lldp" for placement in aps)
    grade = Grade.CORROBORATED if two_sided else Grade.REPORTED
    return RoomCoverage(room.id, deployed, covered, why, aps, grade, reason, seen.cited(each.ap for each in aps))


def _deployed(aps: Sequence[Placement], seen: _Seen) -> Rung:
    """Return the rung of a room whose signal nobody measures."""
    if any(seen.of_ap(HEARD, placement.ap) for placement in aps):
        return "L2"
    return "L1" if any(seen.of_ap(HEARD_OF_CLIENTS, placement.ap) for placement in aps) else "L0"


_Verdict = tuple[bool | None, str, Reason | None]
"""Whether a room is covered, why, and why that is not known."""
_Judge = Callable[[Mapping[str, Sequence[Decimal]], Ladder], _Verdict]


def _walked(points: Mapping[str, Sequence[Decimal]], ladder: Ladder) -> _Verdict:
    weakest_level = min(min(values) for values in points.values())
    if weakest_level < ladder.level_dbm:
        return False, f"{decimal_text(weakest_level)} dBm at a point of the walk", None
    if len(points) < ladder.walk_points:
        return None, f"{len(points)} of {ladder.walk_points} points walked", Reason.TOO_FEW_SAMPLES
    return True, f"{decimal_text(weakest_level)} dBm at the weakest of {len(points)} points", None


def _sensed(sensors: Mapping[str, Sequence[Decimal]], ladder: Ladder) -> _Verdict:
    values = [value for each in sensors.values() for value in each]
    good = sum(value >= ladder.level_dbm for value in values)
    enough = good >= ladder.sensor_share * len(values)
    return enough, f"{good} of {len(values)} samples reach the level", None


def _served(aps: Sequence[Placement], seen: _Seen, ladder: Ladder) -> _Verdict:
    """Tell whether one of the room's access points was up as long as it must be."""
    best: tuple[bool, Decimal, int, int] | None = None
    for placement in aps:
        known = [(day, state) for day, state in seen.states.get(placement.ap, ()) if state != "unknown"]
        if known:
            share = Decimal(sum(state == "up" for _, state in known)) / len(known)
            days = len({day for day, _ in known})
            candidate = (days >= ladder.days, share, days, len(known))
            best = candidate if best is None else max(best, candidate)
    if best is None:
        return None, "the state of the access point is not known", Reason.UNSUPPORTED
    long_enough, share, days, samples = best
    told = f"up in {_percent_of(share)} % of {samples} samples on {days} days"
    if not long_enough:
        return None, told, Reason.WINDOW_TOO_SHORT
    return share >= ladder.up_share, told, None


def _decimal(reading: Reading) -> Decimal:
    """Return the value of a reading that holds a level.

    Raises:
        MalformedError: it is no number.
    """
    return Decimal(decimal_text(reading.value))


def _percent(part: int, whole: int) -> str | None:
    return _percent_of(Decimal(part) / whole) if whole else None


def _percent_of(share: Decimal) -> str:
    return decimal_text((share * 100).quantize(Decimal("0.1")))
