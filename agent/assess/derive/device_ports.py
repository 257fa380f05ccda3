"""The ports of the campus's devices over a window: names, state, speed, aggregation, terminals; pure.

A port's speed is a percentile of what it showed while it was up: a port that was down, or whose speed the device does
not know, has none. Ports are known by the names that the collectors give them, so a device that renumbers its
interfaces keeps its ports.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from agent.assess.derive.graph import Ports
from agent.assess.samples import number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from fractions import Fraction

    from agent.assess.samples import Readings
    from agent.model.reading import Reading

__all__ = ["CARRYING", "DevicePorts", "Port", "ports_of", "speed_of"]

CARRYING: Final = frozenset({"distributing", "attached"})
"""States of member ports that carry traffic."""
_METRICS: Final = (
    *("interface.name", "interface.description", "interface.alias", "interface.identity", "interface.type"),
    *("interface.oper_status", "lag.aggregator", "lag.state", "census.macs"),
)


@dataclass(frozen=True)
class Port:
    """A port as its device last told of it."""

    key: str
    texts: Mapping[str, str]
    """Last value by metric."""
    speeds: Sequence[tuple[Fraction, Reading]]
    """While it was up, ascending."""
    sources: tuple[str, ...]
    """Exchanges of the last state and aggregation."""

    @property
    def up(self) -> bool:
        """It was up when it was last read; a device that does not tell the state is believed."""
        return self.texts.get("interface.oper_status", "up") == "up"

    @property
    def aggregator(self) -> str:
        """The aggregator that it belongs to; empty for none."""
        return self.texts.get("lag.aggregator", "")

    @property
    def addresses(self) -> int:
        """Addresses learned at it, at the last census; 0 where none was taken."""
        text = self.texts.get("census.macs", "")
        return int(text) if text.isdigit() else 0


@dataclass(frozen=True)
class DevicePorts:
    """The ports of one device."""

    by_key: Mapping[str, Port] = field(default_factory=dict)
    members: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Aggregator -> its member ports."""

    def group(self, key: str) -> str:
        """Return the aggregator of a port, or the port itself."""
        port = self.by_key.get(key)
        return port.aggregator if port is not None and port.aggregator else key

    def find(self) -> Ports:
        """Return the ports by all texts that may name them."""
        texts = []
        for key, port in self.by_key.items():
            # "<ifIndex>|<names ...>|<address>", as the interface collector writes it
            index, _, rest = port.texts.get("interface.identity", "").partition("|")
            mac = rest.rpartition("|")[2]
            spelled = ":".join(mac[at : at + 2] for at in range(0, 12, 2)) if len(mac) == 12 else ""
            texts += [
                (key, "ifName", port.texts.get("interface.name", "")),
                (key, "ifDescr", port.texts.get("interface.description", "")),
                (key, "ifAlias", port.texts.get("interface.alias", "")),
                (key, "mac", spelled),
                (key, "ifIndex", index),
            ]
        return Ports.of(texts)

    def declared(self, text: str) -> str | None:
        """Return the port that a campus file means: by ifName, then ifAlias, then ifDescr, and one port only."""
        for metric in ("interface.name", "interface.alias", "interface.description"):
            found = [key for key, port in self.by_key.items() if port.texts.get(metric) == text]
            if found:
                return found[0] if len(found) == 1 else None
        return None


def ports_of(readings: Readings) -> dict[str, DevicePorts]:
    """Return the ports of every device that told of some, by asset.

    Raises:
        MalformedError: a speed is not a number, or its unit does not fit.
    """
    found: dict[str, dict[str, Port]] = defaultdict(dict)
    for subject in readings.subjects("interface", "interface.name"):
        asset, _, key = subject.partition(":")[2].partition("/")
        found[asset][key] = _port(readings, subject, key)
    return {asset: DevicePorts(ports, _members(ports)) for asset, ports in found.items()}


def speed_of(port: Port, percentile: Fraction) -> tuple[Fraction, Reading] | None:
    """Return the speed in Mbit/s that stands for the window, and its reading; None for a port that showed none.

    Args:
        port: the port.
        percentile: 0 to 100; the nearest sample at or below it, so that no speed is made up.
    """
    if not port.speeds:
        return None
    rank = -(-percentile * len(port.speeds) // 100)
    return port.speeds[min(max(int(rank) - 1, 0), len(port.speeds) - 1)]


def _port(readings: Readings, subject: str, key: str) -> Port:
    last = {metric: found[-1][1] for metric in _METRICS if (found := readings.of(metric, subject))}
    states = dict(readings.texts("interface.oper_status", subject))
    speeds = sorted(
        (
            (number(reading, "Mbit/s"), at, reading)
            for at, reading in readings.of("interface.speed", subject)
            if states.get(at, "up") == "up"
        ),
        key=lambda one: one[:2],
    )
    told = (last[metric] for metric in ("interface.oper_status", "lag.aggregator") if metric in last)
    return Port(
        key=key,
        texts={metric: reading.value for metric, reading in last.items()},
        speeds=[(speed, reading) for speed, _, reading in speeds],
        sources=tuple(dict.fromkeys(source for reading in told for source in reading.sources)),
    )


def _members(ports: Mapping[str, Port]) -> dict[str, tuple[str, ...]]:
    members: dict[str, list[str]] = defaultdict(list)
    for key, port in ports.items():
        if port.aggregator:
            members[port.aggregator].append(key)
    return {aggregator: tuple(sorted(keys)) for aggregator, keys in members.items()}
