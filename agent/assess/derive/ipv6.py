"""IPv6 of a campus, layer by layer: egress, core, VLANs, terminals, traffic (peers-and-methods 2.3).

`ipv6.layer` is 1 or 0 for each layer; a layer that cannot be told is `Open` with the reason of the device that left it
so. Only global addresses count: a device with nothing but unique-local or link-local ones is 0.

- `ipv6:egress`: a device with an egress link has a global address and a default route. One such line is enough.
- `ipv6:core`: every router forwards IPv6 and has a global address. Routers are looked for among the near ends of the
  backbone links, without any declared among all devices asked; a router is what forwards IPv6, or forwards IPv4 and has
  several networks.
- `ipv6:vlans`: the share of routers' interfaces with a network for terminals that have a global prefix of the wanted
  length. Egress ports, loopbacks and tunnels are none. Where a router does not list its IPv4 networks, the interfaces
  with terminals in its ARP and ND tables stand for them.
- `ipv6:terminals`: the share of terminals with a global address among those at edge ports that an asked router knows;
  without any forwarding table, among all neighbours of routers.
- `ipv6:traffic`: IPv6 among the octets of both versions, by counters of the egress devices, else of routers; packets
  where there are no octets. Routers that forward in hardware may count neither, which shows as a small share.

Settings: `vlans_share`, `terminals_share`, `traffic_share` (percent at which the layer is 1: 100, 50, 1), and
`prefix_length` (64).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from agent.assess.census import NEEDED, census
from agent.assess.derive.derived import Derived, Open, figure_at
from agent.assess.derive.ipv6_devices import Devices, Told
from agent.assess.derive.ipv6_traffic import traffic
from agent.assess.derive.settings import numbers
from agent.assess.samples import number, rounded
from agent.assess.silence import gap
from agent.model.finding import Reason
from agent.model.reading import Grade, Reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from agent.assess.samples import Readings
    from agent.model.campus import Campus
    from agent.model.finding import Window

__all__ = ["SETTINGS", "ipv6"]

SETTINGS: Final = {"vlans_share": "100", "terminals_share": "50", "traffic_share": "1", "prefix_length": "64"}
LAYER: Final = "ipv6.layer"
MOST_SOURCES: Final = 200
"""Exchanges that one figure cites; a census of a campus has more than a reader can follow."""


@dataclass
class _Figures:
    """Figures while they come together."""

    window: Window
    readings: list[Reading] = field(default_factory=list)
    open: dict[tuple[str, str], Open] = field(default_factory=dict)

    def layer(self, layer: str, told: Told, grade: Grade = Grade.REPORTED) -> None:
        """Note whether a layer holds, or why nobody knows."""
        subject = f"ipv6:{layer}"
        if told.holds is None:
            self.open[LAYER, subject] = Open(told.reason or Reason.TOO_FEW_SAMPLES, low="0", high="1")
        else:
            self._add(LAYER, subject, str(int(told.holds)), "1", told.sources, grade)

    def share(
        self, layer: str, parts: Fraction, wanted: Fraction, sources: Sequence[str], grade: Grade = Grade.REPORTED
    ) -> None:
        """Note a share, and with it whether the layer holds."""
        self._add(f"ipv6.{layer}.share", f"ipv6:{layer}", rounded(parts * 100, 2), "%", sources, grade)
        self.layer(layer, Told(parts * 100 >= wanted, sources=tuple(sources)), grade)

    def unknown(self, layer: str, reason: Reason) -> None:
        """Note that a share is not known."""
        self.open[f"ipv6.{layer}.share", f"ipv6:{layer}"] = Open(reason, low="0", high="100")
        self.layer(layer, Told(None, reason))

    def _add(self, metric: str, subject: str, value: str, unit: str, sources: Iterable[str], grade: Grade) -> None:
        cited = tuple(dict.fromkeys(sources))[:MOST_SOURCES]
        self.readings.append(figure_at(self.window, metric, subject, value, unit, grade, cited))


def ipv6(readings: Readings, campus: Campus, window: Window, method: Mapping[str, str]) -> Derived:
    """Derive the layers; see the module.

    Raises:
        MalformedError: a reading that it needs is not a number, or its unit does not fit.
        ConfigError: a setting is unknown or no number.
    """
    stated = numbers("ipv6", method, SETTINGS)
    devices = Devices(readings, campus)
    figures = _Figures(window)
    figures.layer("egress", devices.egress())
    figures.layer("core", devices.core())
    _vlans(figures, devices, stated)
    _terminals(figures, readings, campus, stated)
    found = traffic(readings, campus, devices)
    if isinstance(found, Reason):
        figures.unknown("traffic", found)
    else:
        figures.share("traffic", found[0], stated["traffic_share"], found[1])
    return Derived(tuple(figures.readings), figures.open)


def _vlans(figures: _Figures, devices: Devices, stated: Mapping[str, Fraction]) -> None:
    routers, reason = devices.routers()
    covered = total = 0
    sources: list[str] = []
    for router in routers:
        found = devices.networks(router, int(stated["prefix_length"]))
        if found is None:
            reason = reason or Reason.UNSUPPORTED
            continue
        covered += sum(found.holds.values())
        total += len(found.holds)
        sources += found.sources
    if not total:
        figures.unknown("vlans", reason or Reason.NO_TARGET)
        return
    figures.share("vlans", Fraction(covered, total), stated["vlans_share"], sources)
    if reason is not None:  # a router more may have any number of VLANs, with IPv6 or without
        figures.open["ipv6.vlans.share", "ipv6:vlans"] = Open(reason, low="0", high="100")
        breach = Fraction(covered, total) * 100 < stated["vlans_share"] == 100
        if not breach:  # one VLAN without is enough where all must have it
            figures.open[LAYER, "ipv6:vlans"] = Open(reason, low="0", high="1")


def _terminals(figures: _Figures, readings: Readings, campus: Campus, stated: Mapping[str, Fraction]) -> None:
    seen = readings.every(*NEEDED)
    found = census(seen, campus)
    world, known, _ = found.ipv6_share()
    if known:
        neighbours = [reading for reading in seen if reading.metric == "census.neighbours"]
        ports = [
            r for r in seen if r.metric == "census.terminals" and r.subject.partition(":")[2] not in found.excluded
        ]
        # a switch saw them at its ports, and another device their addresses
        both = all(terminal.corroborated for terminal in found.terminals if terminal.addresses)
        grade = Grade.CORROBORATED if both else Grade.REPORTED
        sources = [source for reading in (*neighbours, *ports) for source in reading.sources]
        figures.share("terminals", Fraction(world, known), stated["terminals_share"], sources, grade)
        return
    addressed, of_world = (_last(readings, metric) for metric in ("census.addressed", "census.addressed.ipv6_global"))
    total = sum((number(reading, "1") for reading in addressed), Fraction(0))
    if total:
        share = sum((number(reading, "1") for reading in of_world), Fraction(0)) / total
        sources = [source for reading in addressed for source in reading.sources]
        figures.share("terminals", share, stated["terminals_share"], sources)
        return
    figures.unknown("terminals", _unseen(readings))


def _last(readings: Readings, metric: str) -> list[Reading]:
    """Return the last reading of each interface."""
    return [readings.of(metric, subject)[-1][1] for subject in readings.subjects("interface", metric)]


def _unseen(readings: Readings) -> Reason:
    """Return why no terminal's address is known."""
    asked = readings.subjects("census", "collector.answer")
    reasons = [reason for subject in asked if (reason := gap(readings, "census", subject.partition(":")[2]))]
    if reasons:
        return min(reasons, key=list(Reason).index)
    return Reason.TOO_FEW_SAMPLES if asked else Reason.NO_TARGET
