"""How much of what crossed the egress went through given devices: octets of their ports against octets of the egress.

What goes through a device enters it at one of its ports, in either direction. Over the same time, the octets that its
Ethernet ports received are therefore at least those that the egress links carried in both directions, if the device
stands in the path of all of them; they are more by what it forwards inside the campus. Of several devices (a pair, or
one for each line) the octets add up. Only links whose port is on another asset prove anything: a device cannot bear
itself out.

Counters are read at different times on different devices; between two samples they are taken to grow evenly. Time in
which a counter went down (a restart) is left out for all of them. Aggregates, VLAN and tunnel interfaces repeat the
octets of ports and do not count, nor do 32-bit counters of a link.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from agent.assess.samples import milliseconds, number

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from agent.assess.samples import Readings
    from agent.model.base import Digest
    from agent.model.campus import Campus
    from agent.model.reading import Reading

__all__ = ["Flow", "Ports", "in_path"]

ETHERNET: Final = frozenset({6, 62, 69, 117})
"""ifType of ports with a plug: ethernetCsmacd and its older relatives (IANAifType-MIB)."""
_SUB_INTERFACE: Final = re.compile(r"[.:]\d+$")


@dataclass(frozen=True, slots=True)
class Flow:
    """Octets in the time that all counters cover."""

    passed: Fraction
    """Received by the devices' ports."""
    egress: Fraction
    """Carried by the egress links, both directions."""
    sources: tuple[Digest, ...]
    """Answers at both ends of that time."""

    @property
    def ratio(self) -> Fraction:
        """Return passed over egress."""
        return self.passed / self.egress


@dataclass(frozen=True, slots=True)
class _Series:
    """A growing number: at each time its total, and whether the time before it counts."""

    times: tuple[int, ...]
    totals: tuple[Fraction, ...]
    whole: tuple[bool, ...]
    sources: tuple[tuple[Digest, ...], ...]

    def between(self, since: int, until: int) -> Fraction | None:
        """Return the growth; None where a sample is missing at an end, or a counter went down in between."""
        if not self.times or since < self.times[0] or until > self.times[-1]:
            return None
        first, last = bisect_right(self.times, since), bisect_left(self.times, until)
        if not all(self.whole[first : last + 1]):
            return None
        return self._at(until) - self._at(since)

    def _at(self, time: int) -> Fraction:
        after = bisect_left(self.times, time)
        if self.times[after] == time:
            return self.totals[after]
        share = Fraction(time - self.times[after - 1], self.times[after] - self.times[after - 1])
        return self.totals[after - 1] + share * (self.totals[after] - self.totals[after - 1])

    def cited(self, time: int) -> tuple[Digest, ...]:
        """Return the answers of the sample at or after a time."""
        return self.sources[min(bisect_left(self.times, time), len(self.times) - 1)]


class Ports:
    """The Ethernet ports of all assets: their counters, sorted out once for all functions.

    Args:
        readings: those inside the window.
        campus: whose ports they are.
    """

    def __init__(self, readings: Readings, campus: Campus) -> None:
        known = {asset.id for asset in campus.assets}
        kinds = {one.subject: one for one in readings.every("interface.type")}
        owners = {
            subject: _owner(subject, known)
            for subject, kind in kinds.items()
            if number(kind, "1") in ETHERNET and not _is_part(subject, kinds)
        }
        self._found: dict[str, list[Reading]] = {}
        for one in readings.every("interface.octets.in"):
            if (owner := owners.get(one.subject)) is not None:
                self._found.setdefault(owner, []).append(one)
        self._series: dict[str, _Series] = {}

    def of(self, asset: str) -> _Series:
        """Return what the ports of an asset received together."""
        if asset not in self._series:
            self._series[asset] = _series(self._found.get(asset, ()))
        return self._series[asset]


def in_path(readings: Readings, campus: Campus, ports: Ports, assets: Collection[str]) -> Flow | None:
    """Return how much of the egress went through the assets together; None where that cannot be told.

    Args:
        readings: those inside the window.
        campus: says which links are the egress.
        ports: of `readings`.
        assets: the devices, by the ids under which their ports were read.
    """
    links = [link for link in campus.links if link.role == "egress"]
    if not links or any(link.asset in assets for link in links):
        return None
    carried = [_link(readings, f"{link.role}:{link.id}") for link in links]
    received = [series for asset in assets if (series := ports.of(asset)).times]
    every = [*carried, *received]
    if not received or not all(series.times for series in carried):
        return None
    passed, egress, spanned = Fraction(0), Fraction(0), []
    for since, until in pairwise(min(every, key=lambda series: len(series.times)).times):
        grown = [series.between(since, until) for series in every]
        known = [each for each in grown if each is not None]
        if len(known) == len(grown):
            egress += sum(known[: len(carried)])
            passed += sum(known[len(carried) :])
            spanned += [since, until]
    if not egress:
        return None
    cited = (digest for time in (spanned[0], spanned[-1]) for series in every for digest in series.cited(time))
    return Flow(passed, egress, tuple(dict.fromkeys(cited)))


def _is_part(subject: str, others: Collection[str]) -> bool:
    """Tell whether it is a sub-interface (`ge0/1.100`) of a port that is counted itself."""
    whole = _SUB_INTERFACE.sub("", subject)
    return whole != subject and whole in others


def _owner(subject: str, known: Collection[str]) -> str | None:
    """Return the asset of `interface:<asset>/<port>`; both may hold slashes, so the longest asset decides."""
    parts = subject.partition(":")[2].split("/")
    names = ("/".join(parts[:count]) for count in range(len(parts) - 1, 0, -1))
    return next((name for name in names if name in known), None)


def _link(readings: Readings, subject: str) -> _Series:
    if any(value.number != 64 for value in readings.values("link.counter_bits", subject, "1")):
        return _series(())
    both = [one for name in ("in", "out") for _, one in readings.of(f"link.octets.{name}", subject)]
    return _series(both)


def _series(counters: Iterable[Reading]) -> _Series:
    """Return the sum of counters that are read together, by the time of reading.

    The time between two readings counts where no counter went down; a counter that has no value at one of them is left
    out of it, as a port that was plugged in later.
    """
    polls: dict[int, dict[tuple[str, str], Reading]] = {}
    for one in counters:
        polls.setdefault(milliseconds(one.at), {})[one.metric, one.subject] = one
    times = sorted(polls)
    totals, whole = [Fraction(0)], [True]
    for earlier, later in pairwise(times):
        grown = _grown(polls[earlier], polls[later])
        totals.append(totals[-1] + sum(grown, Fraction(0)))
        whole.append(bool(grown) and min(grown) >= 0)
    sources = tuple(tuple(dict.fromkeys(d for one in polls[time].values() for d in one.sources)) for time in times)
    return _Series(tuple(times), tuple(totals[: len(times)]), tuple(whole[: len(times)]), sources)


def _grown(earlier: dict[tuple[str, str], Reading], later: dict[tuple[str, str], Reading]) -> Sequence[Fraction]:
    return [number(later[key], "By") - number(one, "By") for key, one in earlier.items() if key in later]
