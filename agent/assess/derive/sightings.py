"""Whether a thing of a room that the campus file lists was seen on the network in a window; pure.

An asset is seen when it answers: by `host.reachable` where a collector says so, else by any conversation that went
well. At a switch port a thing is seen when the switch has learned an address there, or shows the access point itself by
LLDP; a port that leads to other devices proves nothing about one of them. Silence stays open, whatever its length.
Absence is proven only by a switch that has the port, was read to its end on enough school days, and never showed
anything there.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agent.assess.census import NEEDED, census
from agent.assess.coverage import placements
from agent.assess.derive.civil_days import CivilDays
from agent.assess.silence import gap
from agent.model.campus import Link
from agent.model.finding import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.assess.samples import Readings
    from agent.model.base import Digest
    from agent.model.campus import Campus, Equipment, Room
    from agent.model.finding import Window
    from agent.model.reading import Reading

__all__ = ["Sighting", "Sightings"]

_WIFI: Final = ("wifi.ap.name", "wifi.ap.room", "wifi.ap.room_rule", "wifi.ap.state")
_NEIGHBOUR: Final = ("neighbour.kind", "neighbour.name", "neighbour.port")


@dataclass(frozen=True, slots=True)
class Sighting:
    """What the window shows of one thing."""

    days: int = 0
    """Different civil days on which it was seen."""
    sources: tuple[Digest, ...] = ()
    """The exchanges that show it, or that show its absence."""
    absent: bool = False
    """It was looked for often enough, by something that would have shown it."""
    reason: Reason | None = None
    """Where it was neither seen nor is known to be absent: why."""


class Sightings:
    """The readings of one window, asked about one thing after the other.

    Args:
        readings: of the window.
        campus: whose rooms list the things.
        window: what is judged.
        absent_days: school days without a trace of it that prove absence.
    """

    def __init__(self, readings: Readings, campus: Campus, window: Window, absent_days: int) -> None:
        self._readings = readings
        self._absent_days = absent_days
        self._days = CivilDays(campus, window)
        self._answers = self._by_asset("collector.answer")
        self._reachable = self._by_asset("host.reachable")
        seen = readings.every(*NEEDED)
        probe, numbers = _probe(campus)
        found = census(seen, probe)
        keys = {number: key for key, number in found.ports.items()}
        self._ports = {place: keys.get(number) for place, number in numbers.items()}
        self._excluded = found.excluded
        self._uncovered = frozenset(found.uncovered)
        self._interfaces = readings.subjects("interface", "interface.name")
        self._learned: dict[str, list[Reading]] = defaultdict(list)
        for reading in seen:
            if reading.metric == "census.macs":
                self._learned[reading.subject.partition(":")[2]].append(reading)
        self._announced = _access_points_by_port(seen)
        self._access_points: dict[str, list[str]] = defaultdict(list)
        for subject, placed in placements(readings.every(*_WIFI, *_NEIGHBOUR), campus).items():
            self._access_points[placed.room].append(subject)

    def of(self, piece: Equipment) -> Sighting:
        """Return what shows a thing that the campus file lists."""
        if piece.asset is not None:
            return self._asset(piece.asset)
        if piece.switch is not None and piece.port is not None:
            return self._port(piece.switch, piece.port, access_point=piece.kind == "ap")
        return Sighting(reason=Reason.NO_TARGET)

    def access_points(self, room: Room) -> list[Sighting]:
        """Return what shows the access points that their controller or a neighbour places in the room."""
        return [self._access_point(subject) for subject in sorted(self._access_points[room.id])]

    def _by_asset(self, metric: str) -> dict[str, list[Reading]]:
        found: dict[str, list[Reading]] = defaultdict(list)
        for reading in self._readings.every(metric):
            found[reading.subject.partition(":")[2]].append(reading)
        return found

    def _asset(self, asset: str) -> Sighting:
        answers = self._answers.get(asset, [])
        reached = self._reachable.get(asset)
        spoke = (
            [one for one in answers if one.value == "ok"] if reached is None else [r for r in reached if r.value == "1"]
        )
        if spoke:
            return self._seen(spoke)
        if reached:
            refuses = any(state == "refuses" for _, state in self._readings.texts("host.answer", f"asset:{asset}"))
            return Sighting(sources=_sources(reached[-1:]), reason=Reason.REFUSED if refuses else Reason.UNREACHABLE)
        reasons = [
            reason
            for subject in {one.subject for one in answers}
            if (reason := gap(self._readings, subject.partition(":")[0], asset)) is not None
        ]
        return Sighting(
            sources=_sources(answers[-1:]),
            reason=min(reasons, key=list(Reason).index, default=Reason.TOO_FEW_SAMPLES),
        )

    def _port(self, switch: str, port: str, *, access_point: bool) -> Sighting:
        key = self._ports[switch, port]
        if key is None:  # two names for one port: the port is the other's
            return Sighting(reason=Reason.NO_TARGET)
        kind = self._excluded.get(key)
        learned = [one for one in self._learned.get(key, []) if one.value != "0"]
        if access_point and kind == "access-point":
            return self._seen(self._announced[key])
        if kind is not None:
            return Sighting(sources=_sources(learned), reason=Reason.UNSUPPORTED)
        if learned:
            return self._seen(learned)
        return self._nothing_at(switch, key)

    def _nothing_at(self, switch: str, key: str) -> Sighting:
        """Return what it means that a switch showed nothing at a port."""
        named = self._readings.of("interface.name", f"interface:{key}")
        if not named and any(each.startswith(f"interface:{switch}/") for each in self._interfaces):
            return Sighting(reason=Reason.NO_TARGET)
        looks = [reading for _, reading in self._readings.of("census.macs", f"asset:{switch}")]
        partial = {at for at, value in self._readings.texts("census.table", f"asset:{switch}") if value == "partial"}
        whole = [r for at, r in self._readings.of("census.macs", f"asset:{switch}") if at not in partial]
        states = self._readings.texts("interface.oper_status", f"interface:{key}")
        # Without a name the port may be another's; what is plugged in and says nothing is not absent.
        blind = switch in self._uncovered or not named or any(state == "up" for _, state in states)
        if looks and blind:
            return Sighting(sources=_sources(looks[-1:]), reason=Reason.UNSUPPORTED)
        if len(self._days.school(whole)) >= self._absent_days:
            return Sighting(sources=_sources(whole), absent=True)
        return Sighting(sources=_sources(looks), reason=gap(self._readings, "census", switch) or Reason.TOO_FEW_SAMPLES)

    def _access_point(self, subject: str) -> Sighting:
        states = [reading for _, reading in self._readings.of("wifi.ap.state", subject)]
        up = [one for one in states if one.value == "up"]
        if up:
            return self._seen(up)
        told = [one for one in states if one.value == "down"]
        if len(self._days.school(told)) >= self._absent_days:
            return Sighting(sources=_sources(told), absent=True)
        return Sighting(sources=_sources(states), reason=Reason.TOO_FEW_SAMPLES)

    def _seen(self, readings: Sequence[Reading]) -> Sighting:
        return Sighting(days=len(self._days.of(readings)), sources=_sources(readings))


def _probe(campus: Campus) -> tuple[Campus, dict[tuple[str, str], str]]:
    """Return a campus whose port map is that of the things in rooms, each port with a number for a room."""
    places = dict.fromkeys(
        (piece.switch, piece.port)
        for room in campus.rooms
        for piece in room.equipment
        if piece.switch is not None and piece.port is not None
    )
    numbers = {place: str(number) for number, place in enumerate(places)}
    links = tuple(
        Link(id=number, role="access", asset=switch, port=port, room=number)
        for (switch, port), number in numbers.items()
    )
    return campus.model_copy(update={"links": links}), numbers


def _access_points_by_port(readings: Sequence[Reading]) -> dict[str, list[Reading]]:
    """Return the readings by which access points announce themselves, by `<asset>/<port>`."""
    places = {one.subject: one.value for one in readings if one.metric == "neighbour.port"}
    found: dict[str, list[Reading]] = defaultdict(list)
    for one in readings:
        place = places.get(one.subject)
        if one.metric == "neighbour.kind" and one.value == "access-point" and place is not None:
            asset = one.subject.partition(":")[2].split(f"/{place}@", 1)[0]
            found[f"{asset}/{place}"].append(one)
    return found


def _sources(readings: Sequence[Reading]) -> tuple[Digest, ...]:
    return tuple(dict.fromkeys(source for reading in readings for source in reading.sources))
