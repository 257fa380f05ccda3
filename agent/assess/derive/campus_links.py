"""The links of a campus: what neighbour tables show, joined with what the campus file declares; pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from agent.assess.census import MOST_AT_A_PORT
from agent.assess.derive.device_ports import CARRYING, DevicePorts, Port
from agent.assess.derive.graph import Edge, Index, edges
from agent.model.finding import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from agent.assess.derive.campus_nodes import Nodes
    from agent.assess.derive.graph import Neighbour
    from agent.model import campus as file

__all__ = ["Link", "LinkEnd", "links_of"]

PHYSICAL: Final = frozenset({"", "6", "62", "69", "117"})
"""ifType of Ethernet ports: ethernetCsmacd, and the older fastEther, fastEtherFX, gigabitEthernet."""
TERMINALS: Final = frozenset({"access-point", "telephone", "station"})
ACCESS: Final = frozenset({"classroom", "office", "access"})
"""Roles of declared links that are access."""
NONE: Final = DevicePorts()


@dataclass(frozen=True)
class LinkEnd:
    """One end of a link."""

    asset: str
    key: str
    """Aggregator or port; what the other end told of it where it is not known."""
    ports: tuple[Port, ...] = ()
    """Ports that carry its traffic."""
    aggregator: Port | None = None

    @property
    def label(self) -> str:
        """How subjects call it."""
        return f"{self.asset}/{self.key or '?'}"


@dataclass(frozen=True)
class Link:
    """A link with all that is known of it."""

    role: str
    ends: tuple[LinkEnd, ...]
    rule: str
    both: bool = False
    sources: tuple[str, ...] = ()
    stranger: str = ""
    """The far end where it is no asset."""
    reason: Reason | None = None
    """Why its speed is not settled."""

    @property
    def subject(self) -> str:
        """The subject of its figures."""
        if self.role in {"access", "egress"}:
            return f"{self.role}:{self.ends[0].label}"
        return f"{self.role}:{'--'.join([end.label for end in self.ends] + [self.stranger] * bool(self.stranger))}"


@dataclass
class _Links:
    """Links while they come together, and the ports that are spoken for."""

    nodes: Nodes
    ports: Mapping[str, DevicePorts]
    made: list[Link] = field(default_factory=list)
    taken: dict[tuple[str, str], int] = field(default_factory=dict)
    """Asset and port or aggregator -> place of its link."""
    leads_to: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    """Asset and port -> far devices."""

    def of(self, asset: str) -> DevicePorts:
        return self.ports.get(asset, NONE)

    def add(self, link: Link) -> None:
        for end in link.ends:
            self.taken.setdefault((end.asset, end.key), len(self.made))
        self.made.append(link)

    def end(self, asset: str, told: Iterable[str], far: str = "") -> LinkEnd:
        """Return the end of a link at these ports, which are one aggregator's or on their own.

        Args:
            asset: whose ports.
            told: keys of ports, or what the other end calls them.
            far: the device that they lead to.
        """
        known, keys = self.of(asset), list(dict.fromkeys(told))
        key = known.group(keys[0]) if keys else ""
        if key not in known.members:
            ports = tuple(known.by_key[each] for each in keys if each in known.by_key)
            return LinkEnd(asset, " ".join(keys), ports)
        members = (known.by_key[each] for each in known.members[key])
        carrying = tuple(
            port
            for port in members
            if port.up
            and port.texts.get("lag.state") in CARRYING
            and far in (self.leads_to.get((asset, port.key)) or {far})
        )
        return LinkEnd(asset, key, carrying, known.by_key.get(key))


def links_of(campus: file.Campus, nodes: Nodes, ports: Mapping[str, DevicePorts]) -> list[Link]:
    """Return all links, in the order of their subjects.

    Args:
        campus: its declared links.
        nodes: its assets.
        ports: of every device.
    """
    links = _Links(nodes, ports)
    seen = [edge for edge in edges(list(nodes.by_id.values())) if _is_up(links, edge)]
    strangers = list(_strangers(links))
    for edge in seen:
        links.leads_to[edge.near, edge.near_port].add(edge.far)
        links.leads_to[edge.far, edge.far_port].add(edge.near)
    for asset, neighbour in strangers:
        links.leads_to[asset, neighbour.port].add(_name(neighbour))
    for group in _grouped(links, seen):
        _between_assets(links, group)
    _to_strangers(links, strangers)
    _to_terminals(links, strangers)
    for declared in campus.links:
        _declared(links, declared)
    return sorted(links.made, key=lambda link: link.subject)


# --- seen ---------------------------------------------------------------------------------------------------------


def _is_up(links: _Links, edge: Edge) -> bool:
    """Say whether no end of a link is known to be down: a neighbour stays in a table for a while after that."""
    ends = ((edge.near, edge.near_port), (edge.far, edge.far_port))
    known = (links.of(asset).by_key.get(key) for asset, key in ends)
    return all(port is None or port.up for port in known)


def _grouped(links: _Links, seen: Sequence[Edge]) -> list[list[Edge]]:
    """Return the cables of each link: those of one aggregator to one device belong together."""
    groups: dict[tuple[str, str, str, str], list[Edge]] = defaultdict(list)
    for edge in seen:
        (near, near_port), (far, far_port) = sorted([(edge.near, edge.near_port), (edge.far, edge.far_port)])
        near_group, far_group = links.of(near).group(near_port), links.of(far).group(far_port)
        if near_group in links.of(near).members:
            groups[near, near_group, far, "*"].append(edge)
        elif far_group in links.of(far).members:
            groups[near, "*", far, far_group].append(edge)
        else:
            groups[near, near_port, far, far_port].append(edge)
    return list(groups.values())


def _between_assets(links: _Links, group: list[Edge]) -> None:
    near, far = sorted((group[0].near, group[0].far))
    told: dict[str, list[str]] = {near: [], far: []}
    for edge in group:
        told[edge.near].append(edge.near_port)
        told[edge.far].append(edge.far_port)
    ends = (links.end(near, told[near], far), links.end(far, told[far], near))
    network = [links.nodes.is_network(asset) for asset in (near, far)]
    if not any(network):
        return
    both = all(edge.both for edge in group)
    rule = ", ".join([group[0].rule, group[0].port_rule or "port unknown", "both ends" if both else "one end"])
    sources = tuple(dict.fromkeys(source for edge in group for source in edge.sources))
    reasons = [links.nodes.reasons[asset] for asset in (near, far) if asset in links.nodes.reasons]
    if all(network):
        reason = reasons[0] if reasons else None
        links.add(Link("backbone", ends, rule, both=both, sources=sources, reason=reason))
    else:
        links.add(Link("access", ends if network[0] else ends[::-1], rule, both=both, sources=sources))


def _strangers(links: _Links) -> Iterable[tuple[str, Neighbour]]:
    """Return the neighbours that are no assets, at ports that are not down."""
    index = Index(links.nodes.by_id.values())
    for asset, node in links.nodes.by_id.items():
        for neighbour in node.neighbours:
            port = links.of(asset).by_key.get(neighbour.port)
            if index.find(neighbour) is None and (port is None or port.up):
                yield asset, neighbour


def _to_strangers(links: _Links, strangers: Sequence[tuple[str, Neighbour]]) -> None:
    found: dict[tuple[str, str, str], list[Neighbour]] = defaultdict(list)
    for asset, neighbour in strangers:
        if neighbour.kind == "network" and links.nodes.is_network(asset):
            found[asset, links.of(asset).group(neighbour.port), _name(neighbour)].append(neighbour)
    for (asset, _, name), rows in found.items():
        end = links.end(asset, [row.port for row in rows], name)
        sources = tuple(dict.fromkeys(source for row in rows for source in row.sources))
        links.add(Link("uplink", (end,), "no asset, one end", sources=sources, stranger=name))


def _to_terminals(links: _Links, strangers: Sequence[tuple[str, Neighbour]]) -> None:
    """Note the ports of network devices with a terminal or access point: heard, or known by its address."""
    for asset, neighbour in strangers:
        key = links.of(asset).group(neighbour.port)
        if neighbour.kind in TERMINALS and links.nodes.is_network(asset) and (asset, key) not in links.taken:
            end = links.end(asset, [neighbour.port], _name(neighbour))
            links.add(Link("access", (end,), f"{neighbour.kind} heard", sources=neighbour.sources))
    for asset, known in links.ports.items():
        if not links.nodes.is_network(asset):
            continue
        for key, port in known.by_key.items():
            physical = port.texts.get("interface.type", "") in PHYSICAL and key not in known.members
            free = (asset, known.group(key)) not in links.taken and not links.leads_to.get((asset, key))
            if physical and free and port.speeds and 0 < port.addresses <= MOST_AT_A_PORT:
                links.add(Link("access", (links.end(asset, [key]),), "addresses learned", sources=port.sources))


def _name(neighbour: Neighbour) -> str:
    return neighbour.name or neighbour.chassis or "?"


# --- declared -----------------------------------------------------------------------------------------------------


def _declared(links: _Links, declared: file.Link) -> None:
    """Join a declared link with the seen one at its port; without one, its own port tells what it can."""
    known = links.of(declared.asset)
    key = known.declared(declared.port)
    role = "access" if declared.role in ACCESS else declared.role
    place = links.taken.get((declared.asset, known.group(key))) if key is not None else None
    if place is not None:
        links.made[place] = _joined(links.made[place], declared, role)
        return
    rule = f"declared {declared.id}"
    silent = links.nodes.reasons.get(declared.asset)
    if key is None:
        end = LinkEnd(declared.asset, declared.port)
        links.add(Link(role, (end,), rule, reason=silent or Reason.NO_TARGET))
        return
    end = links.end(declared.asset, [key])
    port = known.by_key[key]
    seen = bool(port.speeds) if role == "access" else port.up and role != "backbone"
    reason = silent or (None if seen else Reason.NO_TARGET)
    links.add(Link(role, (end,), rule, sources=port.sources, reason=reason))


def _joined(link: Link, declared: file.Link, role: str) -> Link:
    """Return the seen link with what is declared of it: a backbone link stays one unless it leads out of it."""
    keeps = role in {"access", link.role}
    ends = link.ends
    if not keeps and ends[0].asset != declared.asset:
        ends = ends[::-1]
    return replace(link, role=link.role if keeps else role, ends=ends, rule=f"{link.rule}, declared {declared.id}")
