"""Terminals of a campus from the census of many devices: each counted once, by room, and their share of IPv6; pure.

A terminal is an address at an edge port. A port is an edge unless LLDP shows a network device or an access point at
it, or more than `MOST_AT_A_PORT` addresses were learned there; why a port does not count is kept. A terminal that
several edge ports show (it moved, or was read by two switches) is where it was seen last. Randomised addresses are
terminals that cannot be told apart from their own next address: they are counted apart, never among the others. The
ports of asked devices are no terminals.

The share of IPv6 is over terminals at edge ports that some asked router has an address of; a terminal that no such
router knows says nothing about IPv6 and is counted as unknown.

Rooms come from the campus file: a link with a room is the port map. A port of the map with many addresses and no
network device at it has a plain switch behind it, as in a computer room: what is there is in the room, counted by
number (a `Crowd`), for its addresses are not listed. Kinds come from a table of OUIs that the caller gives, and of a
terminal that is alone at a port from what it announces there by LLDP (a telephone); else the kind is `unknown`,
nothing is guessed.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from agent.assess.samples import milliseconds, number
from agent.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from agent.model.campus import Campus
    from agent.model.reading import Reading

__all__ = ["MOST_AT_A_PORT", "NEEDED", "UNKNOWN", "Census", "Crowd", "Terminal", "census"]

NEEDED: Final = (
    *("census.coverage", "census.macs", "census.macs.randomised", "census.macs.universal"),
    *("census.neighbours", "census.terminals"),
    *("interface.alias", "interface.description", "interface.identity", "neighbour.kind", "neighbour.port"),
)
"""The metrics that `census` reads."""

MOST_AT_A_PORT: Final = 8
"""Addresses at one port above which other switches are behind it (peers-and-methods 2.7)."""
UNKNOWN: Final = "unknown"
_MAC: Final = re.compile("[0-9a-f]{12}")
_INFRASTRUCTURE: Final = frozenset({"network", "access-point"})


@dataclass(frozen=True, slots=True)
class Terminal:
    """A terminal at an edge port."""

    mac: str
    """Pseudonym, 12 hex digits."""
    port: str
    """`<asset>/<port>` where it was seen last."""
    room: str | None
    """None where the campus file does not say."""
    kind: str
    days: int
    """Days (UTC) on which it was seen."""
    addresses: frozenset[str]
    """`4`, `g`, `u`, `l` as `census.neighbours` marks them; empty where no asked router knows it."""
    routers: frozenset[str] = frozenset()
    """Assets that know an address of it."""

    @property
    def randomised(self) -> bool:
        """Whether the address is locally administered."""
        return bool(int(self.mac[:2], 16) & 2)

    @property
    def corroborated(self) -> bool:
        """Whether another device than the one at whose port it is knows an address of it."""
        return bool(self.routers - {self.port.partition("/")[0]})


@dataclass(frozen=True, slots=True)
class Crowd:
    """Terminals behind a plain switch in a room, by number."""

    port: str
    room: str
    by_day: tuple[int, ...]
    """Most universally administered addresses at once on each day (UTC), the largest first."""
    randomised: int
    """Most randomised ones at once."""

    def on_days(self, days: int) -> int:
        """Return how many were there on each of so many days."""
        return self.by_day[days - 1] if len(self.by_day) >= days else 0


@dataclass(frozen=True, slots=True)
class Census:
    """The terminals of a campus over a window."""

    terminals: tuple[Terminal, ...]
    """In the order of their pseudonyms."""
    excluded: Mapping[str, str]
    """Port -> `network`, `access-point` or `many` (addresses)."""
    uncovered: tuple[str, ...]
    """Assets that show not all of their VLANs, or no forwarding table."""
    crowds: tuple[Crowd, ...] = ()
    """Ports of rooms with a plain switch behind them."""
    ports: Mapping[str, str] = field(default_factory=dict)
    """Port -> room, as the campus file maps them."""

    def of(self, *, randomised: bool) -> tuple[Terminal, ...]:
        """Return the terminals with a randomised address, or those without."""
        return tuple(each for each in self.terminals if each.randomised == randomised)

    def by_room(self, *, randomised: bool = False) -> dict[str | None, int]:
        """Return how many terminals each room has; None for those at ports of unknown place."""
        return dict(Counter(each.room for each in self.of(randomised=randomised)))

    def by_kind(self, *, randomised: bool = False) -> dict[str, int]:
        """Return how many terminals of each kind there are."""
        return dict(Counter(each.kind for each in self.of(randomised=randomised)))

    def in_use(self, days: int = 3) -> tuple[Terminal, ...]:
        """Return the terminals, randomised ones aside, that were seen on so many days at least."""
        return tuple(each for each in self.of(randomised=False) if each.days >= days)

    def ipv6_share(self) -> tuple[int, int, int]:
        """Return terminals with a global IPv6 address, terminals with any address, and those without a known one.

        Randomised addresses count here: it is the share of what was on the network at that time.
        """
        known = [each for each in self.terminals if each.addresses]
        return sum("g" in each.addresses for each in known), len(known), len(self.terminals) - len(known)


def census(readings: Iterable[Reading], campus: Campus, kinds: Mapping[str, str] | None = None) -> Census:
    """Join the readings of many devices.

    Args:
        readings: of the collectors `census`, `neighbours` and `interfaces`; others are passed over.
        campus: whose links with rooms say where ports are.
        kinds: OUI (6 hex digits) -> kind of terminal.

    Raises:
        MalformedError: a reading has no valid time or value.
    """
    by_metric: dict[str, list[Reading]] = defaultdict(list)
    for reading in readings:
        by_metric[reading.metric].append(reading)
    excluded = _excluded(by_metric)
    rooms = _rooms(by_metric, campus)
    sightings = _sightings(by_metric["census.terminals"], excluded)
    devices = {reading.value.rpartition("|")[2] for reading in by_metric["interface.identity"]}
    addresses = _addresses(by_metric["census.neighbours"])
    telephones = _telephones(by_metric)
    terminals = [
        Terminal(
            mac=mac,
            port=max(seen)[1],
            room=rooms.get(max(seen)[1]),
            kind=_kind(mac, kinds or {}, telephones.get(max(seen)[1])),
            days=len({at // 86_400_000 for at, _ in seen}),
            addresses=frozenset(flag for flags in addresses.get(mac, {}).values() for flag in flags),
            routers=frozenset(addresses.get(mac, ())),
        )
        for mac, seen in sorted(sightings.items())
        if mac not in devices
    ]
    coverage: dict[str, str] = {
        each.subject.partition(":")[2]: each.value for each in _by_time(by_metric["census.coverage"])
    }
    uncovered = tuple(sorted(asset for asset, value in coverage.items() if value != "all-vlans"))
    return Census(tuple(terminals), excluded, uncovered, _crowds(by_metric, excluded, rooms), rooms)


def _excluded(by_metric: Mapping[str, Sequence[Reading]]) -> dict[str, str]:
    """Return the ports that lead to infrastructure; one reading that shows it is enough for the whole window."""
    found: dict[str, str] = {}
    for reading in by_metric.get("census.macs", ()):
        kind, _, port = reading.subject.partition(":")
        if kind in ("interface", "bridge-port") and number(reading, "1") > MOST_AT_A_PORT:
            found[port] = "many"
    places = {each.subject: each.value for each in by_metric.get("neighbour.port", ())}
    for reading in by_metric.get("neighbour.kind", ()):
        place = places.get(reading.subject)
        if reading.value in _INFRASTRUCTURE and place is not None:
            found[_port_of(reading, place)] = reading.value
    return found


def _sightings(readings: Sequence[Reading], excluded: Mapping[str, str]) -> dict[str, set[tuple[int, str]]]:
    """Return when and at which edge port each terminal was seen."""
    found: dict[str, set[tuple[int, str]]] = defaultdict(set)
    for reading in readings:
        port = reading.subject.partition(":")[2]
        if port not in excluded:
            for mac in reading.value.split():
                found[_checked(mac, reading)].add((milliseconds(reading.at), port))
    return found


def _addresses(readings: Sequence[Reading]) -> dict[str, dict[str, set[str]]]:
    """Return what kinds of addresses each terminal had at which router at any time of the window."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for reading in readings:
        router = reading.subject.partition(":")[2].partition("/")[0]
        for entry in reading.value.split():
            mac, _, flags = entry.partition("=")
            found[_checked(mac, reading)][router].update(flags)
    return found


def _crowds(
    by_metric: Mapping[str, Sequence[Reading]], excluded: Mapping[str, str], rooms: Mapping[str, str]
) -> tuple[Crowd, ...]:
    """Return the ports of rooms that have many addresses, and no network device that says so."""
    daily: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    randomised: dict[str, int] = defaultdict(int)
    for reading in (*by_metric.get("census.macs.universal", ()), *by_metric.get("census.macs.randomised", ())):
        port = reading.subject.partition(":")[2]
        if excluded.get(port) != "many" or port not in rooms:
            continue
        count = int(number(reading, "1"))
        if reading.metric == "census.macs.universal":
            day = milliseconds(reading.at) // 86_400_000
            daily[port][day] = max(daily[port][day], count)
        else:
            randomised[port] = max(randomised[port], count)
    return tuple(
        Crowd(port, rooms[port], tuple(sorted(counts.values(), reverse=True)), randomised[port])
        for port, counts in sorted(daily.items())
    )


def _telephones(by_metric: Mapping[str, Sequence[Reading]]) -> dict[str, str]:
    """Return the ports at which one terminal alone is, and calls itself a telephone."""
    places = {each.subject: each.value for each in by_metric.get("neighbour.port", ())}
    found = {}
    for reading in by_metric.get("neighbour.kind", ()):
        place = places.get(reading.subject)
        if reading.value == "telephone" and place is not None:
            found[_port_of(reading, place)] = "telephone"
    for reading in by_metric.get("census.macs", ()):
        if number(reading, "1") > 1:
            found.pop(reading.subject.partition(":")[2], None)
    return found


def _port_of(reading: Reading, place: str) -> str:
    """Return `<asset>/<port>` of a neighbour."""
    return f"{reading.subject.partition(':')[2].split(f'/{place}@', 1)[0]}/{place}"


def _rooms(by_metric: Mapping[str, Sequence[Reading]], campus: Campus) -> dict[str, str]:
    """Return port -> room: a link's port is an ifName, else an ifAlias or ifDescr that only one port has."""
    named: dict[str, set[str]] = defaultdict(set)
    for metric in ("interface.alias", "interface.description"):
        for reading in by_metric.get(metric, ()):
            named[reading.value].add(reading.subject.partition(":")[2])
    every = {reading.subject.partition(":")[2] for reading in by_metric.get("census.macs", ())}
    found = {}
    for link in campus.links:
        if link.room is None:
            continue
        port = f"{link.asset}/{link.port}"
        others = {other for other in named.get(link.port, ()) if other.startswith(f"{link.asset}/")}
        if port not in every and len(others) == 1:
            port = others.pop()
        found[port] = link.room
    return found


def _checked(mac: str, reading: Reading) -> str:
    if not _MAC.fullmatch(mac):
        raise MalformedError("{mac!r} is no pseudonym of a terminal", where=reading.subject, mac=mac[:40])
    return mac


def _kind(mac: str, kinds: Mapping[str, str], announced: str | None) -> str:
    return UNKNOWN if int(mac[:2], 16) & 2 else kinds.get(mac[:6], announced or UNKNOWN)


def _by_time(readings: Sequence[Reading]) -> list[Reading]:
    return sorted(readings, key=lambda each: milliseconds(each.at))
