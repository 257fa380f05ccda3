"""The links of the campus and its network devices, from what each device tells of its neighbours and ports.

`topology.link.speed` (Mbit/s) has one subject per link:

- `backbone:<asset>/<port>--<asset>/<port>`: both ends are network devices and assets of the campus file;
- `uplink:<asset>/<port>--<device>`: the far end is a network device that is no asset;
- `access:<asset>/<port>`: a port of a network device with an access point, a telephone or a station, or with one to
  eight learned addresses and no network device;
- `egress:<asset>/<port>`: a link that the campus file calls so.

The speed is that of the slower end; of an aggregator, the sum of the member ports that lead to the same device and
carry traffic. Links that only one end tells of are `reported`, those that both ends tell of `corroborated`.
`topology.link.rule` says what matched the far end and its port, and how many ends saw it; `topology.link.members`
counts the ports summed up.

A link exists if the last complete neighbour table shows it and its port is not down. A link of the campus file that is
a port of a seen link gives it its role; one of classroom, office or access never takes a link out of the backbone. A
declared backbone link that nobody sees is open (`no-target`), one whose device is silent too (`unreachable`).

`topology.device.managed` is 1 or 0 for each network device that a neighbour table shows, its own included: whether it
is an asset that answers. `topology.device.rule` says how it was recognised.

Settings: `backbone_percentile` (50) and `access_percentile` (100: terminals asleep negotiate less) of a port's speed
over the window, `answered_share` (50: percent of conversations from which on a device counts as answering).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from agent.assess.derive.campus_links import Link, LinkEnd, links_of
from agent.assess.derive.campus_nodes import Nodes, nodes_of
from agent.assess.derive.derived import Derived, Open, figure_at
from agent.assess.derive.device_ports import ports_of, speed_of
from agent.assess.derive.settings import numbers
from agent.assess.samples import rounded
from agent.model.finding import Reason
from agent.model.reading import Grade, Reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from fractions import Fraction

    from agent.assess.samples import Readings
    from agent.model.campus import Campus
    from agent.model.finding import Window

__all__ = ["SETTINGS", "topology"]

SETTINGS: Final = {"backbone_percentile": "50", "access_percentile": "100", "answered_share": "50"}
SPEED: Final = "topology.link.speed"
MOST_SOURCES: Final = 64
"""Exchanges that one figure cites."""


@dataclass
class _Figures:
    """Figures while they come together."""

    window: Window
    readings: list[Reading] = field(default_factory=list)
    open: dict[tuple[str, str], Open] = field(default_factory=dict)

    def add(self, metric: str, subject: str, value: str, unit: str, grade: Grade, sources: Iterable[str]) -> None:
        """Note a figure that some exchange shows."""
        cited = tuple(dict.fromkeys(sources))[:MOST_SOURCES]
        self.readings.append(figure_at(self.window, metric, subject, value, unit, grade, cited))


def topology(readings: Readings, campus: Campus, window: Window, method: Mapping[str, str]) -> Derived:
    """Derive the links and the network devices of the campus.

    Args:
        readings: those inside the window.
        campus: its assets are the managed devices, its links the declared ones.
        window: what is judged.
        method: the settings above.

    Raises:
        MalformedError: a speed is not a number, or its unit does not fit.
        ConfigError: a setting is unknown or no number.
    """
    settings = numbers("topology", method, SETTINGS)
    ports = ports_of(readings)
    nodes = nodes_of(readings, campus, ports, settings["answered_share"])
    figures = _Figures(window)
    for link in links_of(campus, nodes, ports):
        name = "access_percentile" if link.role == "access" else "backbone_percentile"
        _link(figures, link, settings[name])
    _devices(figures, nodes)
    return Derived(tuple(figures.readings), figures.open)


def _link(figures: _Figures, link: Link, percentile: Fraction) -> None:
    """Note the speed of a link, how it was found, and how many ports it is made of."""
    ends = [end for end in (_end(one, percentile) for one in link.ends) if end is not None]
    grade = Grade.CORROBORATED if link.both and len(ends) == len(link.ends) == 2 else Grade.REPORTED
    if link.reason is not None or not ends:
        high = rounded(min(speed for speed, _ in ends)) if ends and link.reason is not Reason.NO_TARGET else None
        figures.open[SPEED, link.subject] = Open(link.reason or Reason.UNSUPPORTED, low="0", high=high)
    if ends and link.reason is not Reason.NO_TARGET:
        speed = min(speed for speed, _ in ends)
        cited = [source for _, sources in ends for source in sources]
        figures.add(SPEED, link.subject, rounded(speed), "Mbit/s", grade, (*cited, *link.sources))
    if link.sources:
        members = max((len(end.ports) for end in link.ends), default=0)
        figures.add("topology.link.rule", link.subject, link.rule, "", grade, link.sources)
        figures.add("topology.link.members", link.subject, str(members), "1", grade, link.sources)


def _end(end: LinkEnd, percentile: Fraction) -> tuple[Fraction, tuple[str, ...]] | None:
    """Return the sum of an end's ports; of an aggregator that tells no speed of its members, its own."""
    found = [speed for port in end.ports if (speed := speed_of(port, percentile)) is not None]
    if not found and end.aggregator is not None:
        own = speed_of(end.aggregator, percentile)
        found = [own] if own is not None else []
    if not found:
        return None
    sources = [source for _, reading in found for source in reading.sources]
    return sum(speed for speed, _ in found[1:]) + found[0][0], tuple(sources)


def _devices(figures: _Figures, nodes: Nodes) -> None:
    """Note of each network device whether it is an asset that answers."""
    for device in nodes.network_devices():
        subject = f"network-device:{device.label}"
        grade = Grade.CORROBORATED if device.tellers > 1 else Grade.REPORTED
        value = str(int(device.managed))
        figures.add("topology.device.managed", subject, value, "1", grade, device.sources)
        figures.add("topology.device.rule", subject, device.rule, "", grade, device.sources)
