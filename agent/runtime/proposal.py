"""What a person gets from a sweep: a campus file to complete, and the same facts as JSON."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent.language import N_
from agent.packs.recognise import recognise
from agent.runtime import topology

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from agent.model.family import Family
    from agent.packs.models import Model
    from agent.runtime.discover import Discovery, Sweep
    from agent.runtime.topology import Clash, Device, Edge, Neighbour
    from agent.sessions.redact import Redactor

__all__ = ["Item", "Proposal", "propose"]

SNMP_PORT = 161
GENERIC = "generic-snmp"
NO_SERIALS = (
    *("0", "00000000", "0000000000", "12345678", "123456789", "1234567890", "-", "N/A", "n/a", "NA", "None", "none"),
    *("null", "Unknown", "unknown", "Not Specified", "Default string", "To be filled by O.E.M.", "empty", "xxxxxxxx"),
)
"""What devices without a serial number give as one."""
NETWORK_ROLES = frozenset({"switch", "router", "firewall", "ac", "other"})
"""Roles of devices between which a link is backbone; `other` is not known, and a person decides."""
LONGEST_COMMENT = 160


@dataclass(frozen=True)
class Item:
    """A device as an asset is proposed for it."""

    device: Device
    family: str
    role: str
    vendor: str
    model: str
    rule: str
    """How vendor and model were found: `sysObjectID`, `ENTITY-MIB`, `family`."""


@dataclass(frozen=True)
class Proposal:
    """All that a sweep leads to."""

    sweep: Sweep
    discovery: Discovery
    items: tuple[Item, ...]
    links: tuple[tuple[str, Edge], ...]
    """Backbone links with their ids."""
    unanswered: tuple[tuple[Neighbour, Device], ...]
    clashes: tuple[Clash, ...]

    def to_yaml(self, translate: Callable[[str], str] = str) -> str:
        """Return a campus file that the strict loader takes: assets and links are there, the rest is for a person.

        Args:
            translate: into the language of the comments.
        """
        head = N_(
            "Proposed by campus-agent discover. Check ids, families and links, add rooms and egress links, then run:"
        )
        lines = [
            f"# {translate(head)}",
            "#   campus-agent lint --campus FILE",
            "version: 1.0.0",
            "school:",
            "  id: my-school",
            "  name: 我的学校",
        ]
        if self.items:
            lines += ["assets:", *(line for item in self.items for line in self._asset(item, translate))]
        if self.links:
            lines += ["links:", *(line for name, edge in self.links for line in _link(name, edge, translate))]
        return "\n".join(lines) + "\n"

    def to_json(self) -> dict[str, Any]:
        """Return the same facts, and what became of every host that is not among the assets."""
        return {
            "hosts": self.discovery.hosts,
            "found": len(self.discovery.found),
            "missing": dict(sorted(self.discovery.missing.items())),
            "refused": {address: str(why) for address, why in self.discovery.refused.items()},
            "assets": [self._facts(item) for item in self.items],
            "links": [{"id": name, **_edge(edge)} for name, edge in self.links],
            "unanswered": [
                {
                    "addresses": list(neighbour.addresses),
                    "name": neighbour.name,
                    "kind": neighbour.kind,
                    "seen_by": device.id,
                    "port": neighbour.port,
                }
                for neighbour, device in self.unanswered
            ],
            "clashes": [
                {"kind": clash.kind, "assets": list(clash.devices), "todo": clash.todo} for clash in self.clashes
            ],
        }

    def _asset(self, item: Item, translate: Callable[[str], str]) -> list[str]:
        device = item.device
        lines = [
            f"  # {_comment(item.role, item.vendor, item.model)} ({item.rule})",
            f"  - id: {_quoted(device.id)}",
            f"    family: {_quoted(item.family)}",
            f"    address: {_quoted(device.addresses[0])}",
        ]
        if len(device.addresses) > 1:
            text = translate(N_("answers at {addresses} too"))
            lines.insert(1, f"  # {text.format(addresses=_comment(*device.addresses[1:]))}")
        if self.sweep.port != SNMP_PORT:
            lines.append(f"    port: {self.sweep.port}")
        return [*lines, f"    credentials: {_quoted(device.found.credentials)}"]

    def _facts(self, item: Item) -> dict[str, Any]:
        device = item.device
        return {
            "id": device.id,
            "family": item.family,
            "address": device.addresses[0],
            "addresses": list(device.addresses),
            "port": self.sweep.port,
            "credentials": device.found.credentials,
            "role": item.role,
            "vendor": item.vendor,
            "model": item.model,
            "rule": item.rule,
            "object_id": device.found.object_id,
            "description": device.found.description,
            "serials": [each.value for each in device.found.readings if each.metric == "chassis.serial"],
            "engine": device.value("identity.engine"),
            "neighbours": len(device.neighbours),
        }


def propose(
    sweep: Sweep,
    discovery: Discovery,
    families: Iterable[Family],
    models: Mapping[str, Model],
    redactor: Redactor,
) -> Proposal:
    """Work out assets, links, clashes and silent neighbours.

    Args:
        sweep: what was asked.
        discovery: what came of it.
        families: all of them.
        models: by sysObjectID.
        redactor: of the sweep: it knows how a serial number that is none looks as a pseudonym.
    """
    known = topology.devices(discovery.found)
    every = list(families)
    items = tuple(_item(device, every, models) for device in known)
    network = {item.device.id for item in items if item.role in NETWORK_ROLES}
    unknown = {item.device.id for item in items if item.role == "other"}
    seen = [
        edge
        for edge in topology.edges(known)
        if edge.near in network and edge.far in network and not (edge.kind == "access-point" and edge.far in unknown)
    ]
    none = frozenset(redactor.pseudonym("serial", text.encode()).decode() for text in NO_SERIALS)
    return Proposal(
        sweep=sweep,
        discovery=discovery,
        items=items,
        links=tuple(_named(seen)),
        unanswered=tuple(topology.unanswered(known, sweep.networks)),
        clashes=tuple(topology.clashes(known, none)),
    )


def _item(device: Device, families: Sequence[Family], models: Mapping[str, Model]) -> Item:
    found = device.found
    family = recognise(families, sys_object_id=found.object_id, sys_descr=found.description)
    model = models.get(found.object_id)
    role = model.role if model and model.role else family.role if family else "other"
    name = family.id if family else GENERIC
    if model is not None:
        return Item(device, name, role, model.vendor, model.name, "sysObjectID")
    vendor = family.vendor if family and family.id != GENERIC else ""
    if told := device.value("chassis.model"):
        return Item(device, name, role, device.value("chassis.manufacturer") or vendor, told, "ENTITY-MIB")
    return Item(device, name, role, vendor, "", "family")


def _named(edges: Iterable[Edge]) -> Iterable[tuple[str, Edge]]:
    """Give an id to each link whose near port has a name that a campus file can use."""
    taken: Counter[str] = Counter()
    for edge in edges:
        if "#" in edge.near_port or edge.near_port.startswith("lldp:"):
            continue  # no interface, or one without a name of its own
        name = f"{edge.near[:45]}--{edge.far[:45]}"
        taken[name] += 1
        yield (name if taken[name] == 1 else f"{name}--{taken[name]}"), edge


def _link(name: str, edge: Edge, translate: Callable[[str], str]) -> list[str]:
    seen = N_("to {far}, seen from both ends") if edge.both else N_("to {far}, seen from one end only")
    return [
        f"  # {translate(seen).format(far=_comment(edge.far, edge.far_port))}",
        f"  - id: {_quoted(name)}",
        "    role: backbone",
        f"    asset: {_quoted(edge.near)}",
        f"    port: {_quoted(edge.near_port)}",
    ]


def _edge(edge: Edge) -> dict[str, Any]:
    return {
        "role": "backbone",
        "asset": edge.near,
        "port": edge.near_port,
        "far": edge.far,
        "far_port": edge.far_port,
        "both_ends": edge.both,
        "rule": edge.rule,
    }


def _quoted(text: str) -> str:
    """Return a scalar that YAML and our loader read as this text, whatever it looks like."""
    return json.dumps(text, ensure_ascii=False)


def _comment(*words: str) -> str:
    """Return words of a device as they may stand in a comment: one line, printable, not too long."""
    text = " ".join(word for word in words if word)
    return "".join(letter if letter.isprintable() else " " for letter in text)[:LONGEST_COMMENT]
