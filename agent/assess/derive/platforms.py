"""How well the platforms that lessons need can be reached, under `platform:<kind>`; pure.

- `platform.availability` (%): probes in school hours that succeeded in either family, of all assets that are asked for
  the platforms of the kind;
- `platform.availability.ipv6` (%): those that succeeded over IPv6. A name without an IPv6 address fails; where the
  agent's own server has no IPv6 nothing is known, and the figure is open with `unsupported`;
- `platform.latency` and `platform.latency.p95` (ms): from the lookup to the first octet, of the faster family of each
  probe that succeeded; nearest rank.

A probe that fails says that the platform was not reached from here, whoever's fault that was. Before there are enough
probes the figures are open; of a share it is known what the missing probes could make of it.

A kind of which the campus file has no platform, or none with an asset, is open with `no-target`.

Settings: `probes` (1000): of a kind; `days` (10): school days with a probe in school hours, of each asset; `from_hour`
(8) and `until_hour` (17).
"""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, Final

from agent.assess.derive.derived import Derived, Open, figure_at
from agent.assess.derive.school_hours import HOURS, SchoolHours
from agent.assess.derive.settings import numbers
from agent.assess.samples import number, rounded
from agent.assess.silence import gap
from agent.model.finding import Reason
from agent.model.reading import Grade, Reading
from agent.model.system import PLATFORMS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.assess.samples import Readings
    from agent.model.campus import Campus
    from agent.model.finding import Window

__all__ = ["SETTINGS", "platforms"]

SETTINGS: Final = {"probes": "1000", "days": "10", **HOURS}
SHARE, SHARE_6 = "platform.availability", "platform.availability.ipv6"
MEDIAN, P95 = "platform.latency", "platform.latency.p95"
MOST_CITED: Final = 200
"""Exchanges that one figure cites: the last ones."""


def platforms(readings: Readings, campus: Campus, window: Window, method: Mapping[str, str]) -> Derived:
    """Derive the figures of every kind of platform; see the module.

    Raises:
        MalformedError: a reading is no number.
        ConfigError: a setting is unknown or no number, or the hours are none.
    """
    setting = numbers("platforms", method, SETTINGS)
    figures = _Figures(readings, window, SchoolHours(campus, window, setting), setting)
    for kind in PLATFORMS:
        found = (asset for platform in campus.platforms if platform.kind == kind for asset in platform.assets)
        figures.of(f"platform:{kind}", tuple(dict.fromkeys(asset for asset in found if campus.asset(asset))))
    return Derived(tuple(figures.readings), figures.open)


class _Figures:
    """Figures while they come together."""

    def __init__(self, readings: Readings, window: Window, hours: SchoolHours, setting: Mapping[str, Fraction]) -> None:
        self._told = readings
        self._window = window
        self._hours = hours
        self._setting = setting
        self.readings: list[Reading] = []
        self.open: dict[tuple[str, str], Open] = {}

    def of(self, subject: str, assets: Sequence[str]) -> None:
        """Note what is known of a kind of platform.

        Args:
            subject: of the figures.
            assets: that are asked for it.
        """
        if not assets:
            for metric in (SHARE, SHARE_6, MEDIAN, P95):
                self.open[metric, subject] = Open(Reason.NO_TARGET)
            return
        either = {asset: self._in_hours("platform.success", f"asset:{asset}") for asset in assets}
        over_6 = {asset: self._over_ipv6(asset) for asset in assets}
        self._share(SHARE, subject, either, Reason.TOO_FEW_SAMPLES)
        # probed, and yet no word of IPv6: the agent's own server has none
        self._share(SHARE_6, subject, over_6, Reason.UNSUPPORTED if any(either.values()) else Reason.TOO_FEW_SAMPLES)
        self._latency(subject, assets, self._lacking(either, Reason.TOO_FEW_SAMPLES))

    def _in_hours(self, metric: str, subject: str) -> list[Reading]:
        return self._hours.of(self._told.of(metric, subject))

    def _over_ipv6(self, asset: str) -> list[Reading]:
        """Return the probes over IPv6, and the lookups that found no address to probe."""
        nameless = [each for each in self._in_hours("platform.aaaa", f"asset:{asset}") if each.value == "0"]
        return self._in_hours("platform.success", f"probe:{asset}/ipv6") + nameless

    def _lacking(self, probes: Mapping[str, Sequence[Reading]], unknown: Reason) -> Reason | None:
        """Return why there are not enough probes; None if there are."""
        for asset, found in probes.items():
            if not found:
                return gap(self._told, "platforms", asset) or unknown
        if any(len(self._hours.days(found)) < self._setting["days"] for found in probes.values()):
            return Reason.WINDOW_TOO_SHORT
        few = sum(map(len, probes.values())) < self._setting["probes"]
        return Reason.TOO_FEW_SAMPLES if few else None

    def _share(self, metric: str, subject: str, probes: Mapping[str, Sequence[Reading]], unknown: Reason) -> None:
        known = [reading for found in probes.values() for reading in found]
        good = sum(number(reading, "1") == 1 for reading in known)
        reason = self._lacking(probes, unknown)
        if reason is not None:
            wanted = self._wanted(probes)
            low, high = Fraction(100 * good, wanted), Fraction(100 * (good + wanted - len(known)), wanted)
            self.open[metric, subject] = Open(reason, rounded(low), rounded(high))
        if known:
            bad = [reading for reading in known if number(reading, "1") != 1]
            self._add(metric, subject, Fraction(100 * good, len(known)), "%", bad or known)

    def _wanted(self, probes: Mapping[str, Sequence[Reading]]) -> int:
        """Return how many probes there will be once there are enough, going on as they did."""
        total = sum(map(len, probes.values()))
        expected = max(int(self._setting["probes"]), total, 1)
        for found in probes.values():
            days = len(self._hours.days(found))
            per_day = Fraction(len(found), days) if days else Fraction(0)
            expected = max(expected, total + ceil(per_day * max(Fraction(0), self._setting["days"] - days)))
        return expected + any(not found for found in probes.values())

    def _latency(self, subject: str, assets: Sequence[str], lacking: Reason | None) -> None:
        rounds: dict[str, list[tuple[Fraction, Reading]]] = defaultdict(list)
        for asset in assets:
            for family in ("ipv4", "ipv6"):
                for reading in self._in_hours("platform.elapsed", f"probe:{asset}/{family}"):
                    # both families of one round cite the same lookup first
                    rounds[reading.sources[0]].append((number(reading, "ms"), reading))
        best = sorted((min(pair, key=lambda item: item[0]) for pair in rounds.values()), key=lambda item: item[0])
        for metric, percent in ((MEDIAN, 50), (P95, 95)):
            if lacking is not None or not best:
                self.open[metric, subject] = Open(lacking or Reason.UNREACHABLE)
            if best:
                value, deciding = best[ceil(Fraction(percent * len(best), 100)) - 1]
                self._add(metric, subject, value, "ms", [deciding])

    def _add(self, metric: str, subject: str, value: Fraction, unit: str, deciding: Sequence[Reading]) -> None:
        last = sorted(deciding, key=lambda reading: reading.at)[-MOST_CITED:]
        cited = tuple(dict.fromkeys(source for reading in last for source in reading.sources))[-MOST_CITED:]
        self.readings.append(figure_at(self._window, metric, subject, rounded(value), unit, Grade.MEASURED, cited))
