"""The assets of a campus as nodes of its graph: who they are to their neighbours, whether they answer; pure."""

from __future__ import annotations

import ipaddress
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from agent.assess.derive.graph import Index, Neighbour, Node, Ports, neighbours_of
from agent.assess.silence import gap
from agent.model.finding import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from fractions import Fraction

    from agent.assess.derive.device_ports import DevicePorts
    from agent.assess.samples import Readings
    from agent.model.campus import Campus
    from agent.model.reading import Reading

__all__ = ["NetworkDevice", "Nodes", "nodes_of"]

COLLECTORS: Final = ("interfaces", "neighbours", "identity")
"""Whose conversations tell whether a network device answers."""
SILENT: Final = frozenset({Reason.UNREACHABLE, Reason.REFUSED})
_NEIGHBOUR: Final = tuple(
    f"neighbour.{name}"
    for name in ("kind", "port", "chassis", "remote_port", "remote_port_description", "name", "address")
)


@dataclass(frozen=True)
class NetworkDevice:
    """A network device that a neighbour table shows."""

    label: str
    """The asset's id; of a stranger its name, else its chassis identifier."""
    managed: bool
    rule: str
    """What matched it to an asset: `chassis`, `address`, `name`, `own table`; or `none`."""
    tellers: int
    """How many devices tell of it."""
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Nodes:
    """All assets that answered or are told of."""

    by_id: Mapping[str, Node]
    reasons: Mapping[str, Reason]
    """Why an asset is silent; absent for those that answer."""
    kinds: Mapping[str, str]
    """What each asset is by its own word, else by that of its neighbours."""
    own: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Exchanges in which an asset told of itself."""

    def is_network(self, asset: str) -> bool:
        """Say whether an asset is a network device; one that nobody describes has a neighbour table, so it is."""
        node = self.by_id.get(asset)
        return self.kinds.get(asset, "network" if node and (node.neighbours or node.chassis) else "") == "network"

    def network_devices(self) -> list[NetworkDevice]:
        """Return every network device that a table shows, its own included, each once, by label."""
        index = Index(self.by_id.values())
        told: dict[str, list[tuple[str, Neighbour, str]]] = defaultdict(list)
        for node in self.by_id.values():
            for neighbour in node.neighbours:
                hit = index.find(neighbour)
                if hit is not None and (self.is_network(hit[0]) or neighbour.kind == "network"):
                    told[f"asset {hit[0]}"].append((node.id, neighbour, hit[1]))
                elif hit is None and neighbour.kind == "network":
                    told[f"device {neighbour.chassis or neighbour.name}"].append((node.id, neighbour, "none"))
        for asset, node in self.by_id.items():
            if self.is_network(asset) and (node.chassis or node.neighbours):
                told.setdefault(f"asset {asset}", [])
        labels = self._labels(told)
        return sorted((self._device(key, labels[key], told[key]) for key in told), key=lambda one: one.label)

    def _device(self, key: str, label: str, told: list[tuple[str, Neighbour, str]]) -> NetworkDevice:
        asset = key.removeprefix("asset ") if key.startswith("asset ") else ""
        own = self.own.get(asset, ())
        sources = [source for _, neighbour, _ in told for source in neighbour.sources]
        return NetworkDevice(
            label=label,
            managed=bool(asset) and asset not in self.reasons,
            rule=told[0][2] if told else "own table",
            tellers=len({teller for teller, _, _ in told}) + bool(own),
            sources=tuple(dict.fromkeys((*own, *sources))),
        )

    @staticmethod
    def _labels(told: Mapping[str, list[tuple[str, Neighbour, str]]]) -> dict[str, str]:
        """Return a name for each device; strangers that share one, or have an asset's, get their chassis behind it."""
        plain = {}
        for key, rows in told.items():
            scheme, _, name = key.partition(" ")
            names = [neighbour.name for _, neighbour, _ in rows if neighbour.name] if scheme == "device" else [name]
            plain[key] = (names or [name])[0] or "?"
        taken = Counter(plain.values())
        return {
            key: label if taken[label] == 1 or key.startswith("asset ") else f"{label}@{key.partition(' ')[2]}"
            for key, label in plain.items()
        }


def nodes_of(readings: Readings, campus: Campus, ports: Mapping[str, DevicePorts], answered: Fraction) -> Nodes:
    """Return the assets of the campus as nodes.

    Args:
        readings: of the window.
        campus: its assets.
        ports: of every device.
        answered: percent of conversations from which on a device counts as answering.
    """
    tables = _tables(readings)
    nodes, reasons, own = {}, {}, {}
    shared = Counter(asset.address for asset in campus.assets)
    for asset in campus.assets:
        subject = f"asset:{asset.id}"
        reason = _silent(readings, asset.id, answered)
        if reason is not None:
            reasons[asset.id] = reason
        chassis, name = (_last(readings, metric, subject) for metric in ("neighbours.chassis", "neighbours.name"))
        known = ports.get(asset.id)
        nodes[asset.id] = Node(
            id=asset.id,
            chassis=frozenset([chassis.value] if chassis else []),
            names=frozenset({asset.id} | ({name.value} if name else set())),
            # the command line of a device is an asset of its own, at the same address
            addresses=frozenset(
                _address(asset.address) if shared[asset.address] == 1 or reason is not Reason.TOO_FEW_SAMPLES else ()
            ),
            neighbours=tables.get(asset.id, ()),
            ports=known.find() if known is not None else Ports(),
        )
        told = [reading for reading in (chassis, name) if reading is not None]
        own[asset.id] = tuple(dict.fromkeys(source for reading in told for source in reading.sources))
    return Nodes(nodes, reasons, _kinds(readings, nodes), own)


def _kinds(readings: Readings, nodes: Mapping[str, Node]) -> dict[str, str]:
    """Return what each asset is: what it announces, else what most of its neighbours were told."""
    index = Index(nodes.values())
    said: dict[str, Counter[str]] = defaultdict(Counter)
    for node in nodes.values():
        for neighbour in node.neighbours:
            hit = index.find(neighbour)
            if hit is not None and neighbour.kind != "unknown":
                said[hit[0]][neighbour.kind] += 1
    kinds = {asset: min(counts, key=lambda kind: (-counts[kind], kind)) for asset, counts in said.items()}
    for asset in nodes:
        announced = _last(readings, "neighbours.kind", f"asset:{asset}")
        if announced is not None and announced.value != "unknown":
            kinds[asset] = announced.value
        elif readings.of("census.coverage", f"asset:{asset}"):  # only a bridge has a forwarding table
            kinds.setdefault(asset, "network")
    return kinds


def _tables(readings: Readings) -> dict[str, tuple[Neighbour, ...]]:
    """Return the neighbours of each asset by its last complete table, and by what it told after that."""
    kept: dict[str, list[Reading]] = defaultdict(list)
    since: dict[str, int] = {}
    for subject in readings.subjects("neighbour", "neighbour.kind"):
        asset = subject.partition(":")[2].partition("/")[0]
        if asset not in since:
            since[asset] = _since(readings, asset)
        if readings.of("neighbour.kind", subject)[-1][0] > since[asset]:
            kept[asset] += [found[-1][1] for metric in _NEIGHBOUR if (found := readings.of(metric, subject))]
    return {asset: neighbours_of(found) for asset, found in kept.items()}


def _since(readings: Readings, asset: str) -> int:
    """Return when the table before the last complete one was read; what was seen later is still there."""
    tables = readings.texts("neighbours.table", f"asset:{asset}")
    complete = [place for place, (_, state) in enumerate(tables) if state == "complete"]
    last = complete[-1] if complete else 0
    return tables[last - 1][0] if last else -1


def _silent(readings: Readings, asset: str, answered: Fraction) -> Reason | None:
    """Return why an asset counts as silent; one that was never asked is `too-few-samples`."""
    asked = [text for name in COLLECTORS for _, text in readings.texts("collector.answer", f"{name}:{asset}")]
    if not asked:
        return Reason.TOO_FEW_SAMPLES
    there = sum(text not in {"unreachable", "refused", "deadline"} for text in asked)
    if there and there * 100 >= answered * len(asked):
        return None
    reasons = (gap(readings, name, asset) for name in COLLECTORS)
    return next((reason for reason in reasons if reason in SILENT), Reason.UNREACHABLE)


def _address(text: str) -> Iterable[str]:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:  # a host name; a neighbour table shows none
        return ()
    return () if address.is_loopback else (str(address),)


def _last(readings: Readings, metric: str, subject: str) -> Reading | None:
    found = readings.of(metric, subject)
    return found[-1][1] if found else None
