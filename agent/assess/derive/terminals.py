"""How many terminals there are: in each room, of each kind, on the whole campus.

From `assess.census`: forwarding tables of all switches, each terminal once. Randomised addresses are counted apart
(`terminals.randomised`), for one terminal has many of them in a window; `terminals.in_use` counts those that were there
on several days. Terminals behind a plain switch in a room count by number, on the campus too.

Subjects: `room:<id>` of every room in the campus file, `kind:<kind>` of every kind in the setting and of `unknown`,
`campus:all`. A room without a mapped port is open with `no-target`; one whose switch was silent, shows only some of its
VLANs, or has another switch or an access point at the room's port, is open with what was seen as the lower bound; so
is the campus. A figure is corroborated if other devices know addresses of all that it counts.

What a computer is and what a head counts as is not decided here: a ratio needs a headcount of the campus file.

Settings: `days` (3) of `terminals.in_use`; `kinds`, OUIs of 6 hexadecimal digits by kind, as
`computer=0018e4 48a9d2; printer=3c2af4` (none).
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from agent.assess.census import NEEDED, UNKNOWN, Census, Terminal, census
from agent.assess.derive.derived import Derived, Open, figure_at
from agent.assess.derive.settings import numbers
from agent.assess.silence import gap
from agent.errors import ConfigError
from agent.model.finding import Reason
from agent.model.reading import Grade, Reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from agent.assess.samples import Readings
    from agent.model.campus import Campus
    from agent.model.finding import Window

__all__ = ["IN_USE", "SETTINGS", "kinds_of", "terminals"]

SETTINGS: Final = {"days": "3"}
COUNT, IN_USE, RANDOMISED = "terminals.count", "terminals.in_use", "terminals.randomised"
MOST_CITED: Final = 200
"""Exchanges that one figure cites: the last ones."""
_KIND: Final = re.compile(r"\s*([a-z][a-z0-9-]*)\s*=\s*([0-9a-f]{6}(?:\s+[0-9a-f]{6})*)\s*")


def terminals(readings: Readings, campus: Campus, window: Window, method: Mapping[str, str]) -> Derived:
    """Derive the counts; see the module.

    Raises:
        MalformedError: a reading that it needs holds no number or pseudonym.
        ConfigError: a setting is unknown or not what it should be.
    """
    stated = numbers("terminals", {name: text for name, text in method.items() if name != "kinds"}, SETTINGS)
    kinds = kinds_of(method.get("kinds", ""))
    seen = readings.every(*NEEDED)
    found = census(seen, campus, kinds)
    figures = _Figures(window, found, seen, max(1, int(stated["days"])))
    silent = _silent(readings)
    for room in campus.rooms:
        figures.count(
            f"room:{room.id}",
            [each for each in found.terminals if each.room == room.id],
            {port for port, where in found.ports.items() if where == room.id},
            _unsure(room.id, campus, found, silent, readings),
        )
    whole = min(silent.values(), key=list(Reason).index, default=None)
    whole = whole or (Reason.UNSUPPORTED if found.uncovered else None)
    if not seen:
        whole = whole or Reason.NO_TARGET
    for kind in sorted({UNKNOWN, *kinds.values(), *(each.kind for each in found.terminals)}):
        figures.count(f"kind:{kind}", [each for each in found.terminals if each.kind == kind], None, whole)
    figures.count("campus:all", found.terminals, None, whole)
    return Derived(tuple(figures.readings), figures.open)


def kinds_of(text: str) -> dict[str, str]:
    """Return OUI -> kind, from the setting `kinds`.

    Raises:
        ConfigError: the setting is not of the form that the module shows.
    """
    found: dict[str, str] = {}
    for part in filter(str.strip, text.split(";")):
        match = _KIND.fullmatch(part)
        if match is None:
            raise ConfigError(
                "{text!r} is no kind with its OUIs",
                where="method of terminals, kinds",
                todo="Write for example: computer=0018e4 48a9d2; printer=3c2af4",
                text=part[:60],
            )
        found.update(dict.fromkeys(match[2].split(), match[1]))
    return found


def _silent(readings: Readings) -> dict[str, Reason]:
    """Return why assets did not give their forwarding tables, by asset."""
    asked = (subject.partition(":")[2] for subject in readings.subjects("census", "collector.answer"))
    return {asset: reason for asset in asked if (reason := gap(readings, "census", asset)) is not None}


def _unsure(
    room: str, campus: Campus, found: Census, silent: Mapping[str, Reason], readings: Readings
) -> Reason | None:
    """Return why there may be more terminals in a room than were seen."""
    links = [link for link in campus.links if link.room == room]
    if not links:
        return Reason.NO_TARGET
    if reasons := [silent[link.asset] for link in links if link.asset in silent]:
        return min(reasons, key=list(Reason).index)
    if any(not readings.of("census.coverage", f"asset:{link.asset}") for link in links):
        return Reason.TOO_FEW_SAMPLES
    crowded = {crowd.port for crowd in found.crowds}
    hidden = any(port in found.excluded and port not in crowded for port, where in found.ports.items() if where == room)
    partial = any(link.asset in found.uncovered for link in links)
    return Reason.UNSUPPORTED if hidden or partial else None


class _Figures:
    """Figures while they come together.

    Args:
        window: what is judged.
        found: the census.
        seen: the readings that it came from.
        days: on how many a terminal in use was there.
    """

    def __init__(self, window: Window, found: Census, seen: Sequence[Reading], days: int) -> None:
        self._window = window
        self._found = found
        self._days = days
        self._sources: dict[str, tuple[str, ...]] = {}
        for reading in seen:
            if reading.metric in ("census.macs", "census.coverage"):
                self._sources[reading.subject] = reading.sources
        self.readings: list[Reading] = []
        self.open: dict[tuple[str, str], Open] = {}

    def count(self, subject: str, those: Iterable[Terminal], ports: set[str] | None, unsure: Reason | None) -> None:
        """Note how many terminals there are.

        Args:
            subject: of the figures.
            those: the terminals that count.
            ports: where they were looked for; None for everywhere.
            unsure: why there may be more.
        """
        every = list(those)
        crowds = (
            [] if subject.startswith("kind:") else [c for c in self._found.crowds if ports is None or c.port in ports]
        )
        told = [each for each in every if not each.randomised]
        counts = Counter(
            {
                COUNT: len(told) + sum(crowd.on_days(1) for crowd in crowds),
                IN_USE: sum(each.days >= self._days for each in told) + sum(c.on_days(self._days) for c in crowds),
                RANDOMISED: len(every) - len(told) + sum(crowd.randomised for crowd in crowds),
            }
        )
        if subject == f"kind:{UNKNOWN}":  # of terminals behind a plain switch nobody knows the kind
            for crowd in self._found.crowds:
                counts.update(
                    {COUNT: crowd.on_days(1), IN_USE: crowd.on_days(self._days), RANDOMISED: crowd.randomised}
                )
        grade = (
            Grade.CORROBORATED if told and not crowds and all(each.corroborated for each in told) else Grade.REPORTED
        )
        sources = self._cited(ports)
        for metric in (COUNT, IN_USE, RANDOMISED):
            if unsure is not None:
                self.open[metric, subject] = Open(unsure, low=str(counts[metric]))
            if sources and unsure is not Reason.NO_TARGET:
                self._add(metric, subject, counts[metric], grade, sources)

    def _cited(self, ports: set[str] | None) -> tuple[str, ...]:
        """Return the last exchanges that show the ports, else the tables that they are not in."""
        if ports is None:
            cited = [source for sources in self._sources.values() for source in sources]
        else:
            assets = {f"asset:{port.partition('/')[0]}" for port in ports}
            shown = {subject for subject in self._sources if subject.partition(":")[2] in ports} or assets
            cited = [source for subject in sorted(shown) for source in self._sources.get(subject, ())]
        return tuple(dict.fromkeys(cited))[-MOST_CITED:]

    def _add(self, metric: str, subject: str, count: int, grade: Grade, sources: tuple[str, ...]) -> None:
        self.readings.append(figure_at(self._window, metric, subject, str(count), "1", grade, sources))
