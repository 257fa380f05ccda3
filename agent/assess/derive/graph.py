"""The graph of a network as neighbour tables tell it: who a neighbour is, which links there are; pure.

A neighbour is matched to a node by its chassis identifier, else by a management address, else by its name, where only
one node has it. A link that both ends tell of is one: its tellings are paired by port, or because there is only one.
The port at the far end is told in the far end's own words (IEEE 802.1AB leaves the choice to the sender); where the
ports of that node are known, it is found among them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from agent.model.reading import Reading

__all__ = ["RULES", "Edge", "Index", "Neighbour", "Node", "Ports", "edges", "neighbours_of"]

RULES: Final = ("chassis", "address", "name")
_TOLD: Final = ("ifName", "ifDescr", "ifAlias", "mac", "ifIndex")
"""What a port identifier may be, by its subtype or without one."""
_DESCRIBED: Final = ("ifName", "ifDescr", "ifAlias")
"""What a port description may be."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """What a device was told of one neighbour; values as the readings `neighbour.*` have them."""

    kind: str = ""
    port: str = ""
    chassis: str = ""
    remote_port: str = ""
    name: str = ""
    addresses: tuple[str, ...] = ()
    remote_port_description: str = ""
    sources: tuple[str, ...] = ()
    """Exchanges that told it."""


@dataclass(frozen=True)
class Ports:
    """The ports of a node, to be found by a text that only one of them has."""

    by: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Rule -> text -> key of the port."""

    @staticmethod
    def of(texts: Iterable[tuple[str, str, str]]) -> Ports:
        """Return ports known by key, rule and text; a text that two ports have finds none of them."""
        owners: dict[tuple[str, str], set[str]] = defaultdict(set)
        for key, rule, text in texts:
            if text:
                owners[rule, text].add(key)
        by: dict[str, dict[str, str]] = defaultdict(dict)
        for (rule, text), keys in owners.items():
            if len(keys) == 1:
                by[rule][text] = next(iter(keys))
        return Ports(dict(by))

    def find(self, told: str, described: str = "") -> tuple[str, str] | None:
        """Return the key and the rule of the port that is told of; None where no rule finds one."""
        ladder = [(rule, told, rule) for rule in _TOLD] + [(rule, described, "description") for rule in _DESCRIBED]
        for rule, text, name in ladder:
            if text and (key := self.by.get(rule, {}).get(text)) is not None:
                return key, name
        return None


@dataclass(frozen=True)
class Node:
    """A device that is known under an id."""

    id: str
    chassis: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()
    neighbours: tuple[Neighbour, ...] = ()
    ports: Ports = field(default_factory=Ports)


@dataclass(frozen=True)
class Edge:
    """A link between two devices: the near end with its port, and what is known of the far end."""

    near: str
    near_port: str
    far: str
    far_port: str
    both: bool
    """Seen from both ends."""
    rule: str
    """What matched the far end: `chassis`, `address` or `name`."""
    kind: str = ""
    """What the far end announces to be, as `neighbour.kind`."""
    port_rule: str = ""
    """What found the port at the far end: a rule of the ladder, or `other end`; empty where nothing did."""
    sources: tuple[str, ...] = ()


class Index:
    """Finds the node that a neighbour is."""

    def __init__(self, known: Iterable[Node]) -> None:
        self._by: dict[str, dict[str, set[str]]] = {rule: defaultdict(set) for rule in RULES}
        for node in known:
            for rule, values in zip(RULES, (node.chassis, node.addresses, node.names), strict=True):
                for value in values:
                    self._by[rule][value].add(node.id)

    def find(self, neighbour: Neighbour) -> tuple[str, str] | None:
        """Return the node's id and the rule that says so; a value that several nodes have says nothing."""
        values = {"chassis": (neighbour.chassis,), "address": neighbour.addresses, "name": (neighbour.name,)}
        for rule in RULES:
            found = {node for value in values[rule] if value for node in self._by[rule].get(value, ())}
            if len(found) == 1:
                return next(iter(found)), rule
        return None


def edges(known: Sequence[Node]) -> list[Edge]:
    """Return the links between nodes, each once, from the end whose id comes first where both see it."""
    index = Index(known)
    nodes = {node.id: node for node in known}
    between: dict[tuple[str, str], list[Edge]] = defaultdict(list)
    for node in known:
        for neighbour in node.neighbours:
            hit = index.find(neighbour)
            if hit is not None and hit[0] != node.id:
                between[node.id, hit[0]].append(_edge(node, neighbour, nodes[hit[0]], hit[1]))
    made: list[Edge] = []
    for near, far in sorted(between):
        if near < far or (far, near) not in between:
            made += _paired(between[near, far], between.get((far, near), []))
    return sorted(made, key=lambda one: (one.near, one.near_port, one.far, one.far_port))


def neighbours_of(readings: Iterable[Reading]) -> tuple[Neighbour, ...]:
    """Return the neighbours that readings `neighbour.*` tell of; the last reading of a metric counts."""
    by_subject: dict[str, dict[str, str]] = defaultdict(dict)
    sources: dict[str, dict[str, None]] = defaultdict(dict)
    for reading in readings:
        kind, _, metric = reading.metric.partition(".")
        if kind == "neighbour":
            by_subject[reading.subject][metric] = reading.value
            sources[reading.subject].update(dict.fromkeys(reading.sources))
    return tuple(
        Neighbour(
            kind=each.get("kind", ""),
            port=each.get("port", ""),
            chassis=each.get("chassis", ""),
            remote_port=each.get("remote_port", ""),
            name=each.get("name", ""),
            addresses=tuple(each.get("address", "").split()),
            remote_port_description=each.get("remote_port_description", ""),
            sources=tuple(sources[subject]),
        )
        for subject, each in by_subject.items()
    )


def _edge(node: Node, neighbour: Neighbour, far: Node, rule: str) -> Edge:
    port = far.ports.find(neighbour.remote_port, neighbour.remote_port_description)
    return Edge(
        near=node.id,
        near_port=neighbour.port,
        far=far.id,
        far_port=port[0] if port else neighbour.remote_port,
        both=False,
        rule=rule,
        kind=neighbour.kind,
        port_rule=port[1] if port else "",
        sources=neighbour.sources,
    )


def _paired(near: list[Edge], far: list[Edge]) -> list[Edge]:
    """Return the links of two devices as both ends tell them: paired by port, or because there is only one."""
    left = list(far)
    made = []
    taken = Counter(edge.near_port for edge in near)
    for edge in near:
        back = next((one for one in left if _same(edge, one)), None)
        if back is None and len(near) == len(far) == 1:
            back = far[0]
        if back is None:
            made.append(edge)
            continue
        left.remove(back)
        rule = edge.port_rule if edge.far_port == back.near_port else ""
        sources = tuple(dict.fromkeys((*edge.sources, *back.sources)))
        made.append(replace(edge, far_port=back.near_port, both=True, port_rule=rule or "other end", sources=sources))
    # what the other end tells of a port that is spoken for is the same cable, told in other words
    return made + [one for one in left if not taken[one.far_port] or not one.port_rule]


def _same(edge: Edge, back: Edge) -> bool:
    """Say whether two tellings are of one cable: each names the other's port, or one does and the other cannot."""
    there, here = edge.far_port == back.near_port, back.far_port == edge.near_port
    return (there and (here or not back.port_rule)) or (here and (there or not edge.port_rule))
