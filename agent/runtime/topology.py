"""What a sweep means: which answers are one device, who shares an identity, which links join them; pure.

A device that answers at several addresses is one device: one of them is among its own addresses. Two devices that
share an SNMPv3 engine ID or a serial number, but not an address, are two, and one was set up by copying the other.

How a neighbour is matched to a device, and links are found, is `agent.assess.derive.graph`.
"""

from __future__ import annotations

import ipaddress
import re
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent.assess.derive import graph
from agent.assess.derive.graph import Edge, Index, Neighbour, Node, neighbours_of
from agent.language import N_

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.runtime.discover import Found
    from agent.runtime.networks import Network

__all__ = ["Clash", "Device", "Edge", "Neighbour", "asset_id", "clashes", "devices", "edges", "unanswered"]

_MAC_LIKE = re.compile(
    r"(?<![0-9A-Fa-f])(?:[0-9A-Fa-f]{2}([:\-. ]?)(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}"
    r"|[0-9A-Fa-f]{4}([.\-])[0-9A-Fa-f]{4}\2[0-9A-Fa-f]{4})(?![0-9A-Fa-f])"
)
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_.]+")
_DOMAIN = re.compile(r"\.[A-Za-z]{2,}$")
LONGEST_NAME = 60
EVERYONES = frozenset({"127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104 (compared, never bound)
"""Own addresses that every device has: they identify none."""
REMEDIES = {
    "engine": N_(
        "these devices have the same SNMPv3 engine ID: SNMPv3 managers mix them up. Set a unique engine ID on each, and"
        " create its SNMPv3 users again"
    ),
    "serial": N_(
        "these devices report the same serial number: check whether one is a stack member or a clone of the other, and"
        " correct it on the device"
    ),
}


@dataclass(frozen=True)
class Device:
    """A device under its proposed asset id."""

    id: str
    found: Found
    addresses: tuple[str, ...]
    """All at which it answered, in the order of the sweep; the first is the asset's."""
    neighbours: tuple[Neighbour, ...]

    def value(self, metric: str) -> str:
        """Return the first reading of a metric; empty without one."""
        return next(iter(_values(self.found, metric)), "")


@dataclass(frozen=True)
class Clash:
    """Devices that share what must be unique; `kind` is `engine` or `serial`."""

    kind: str
    devices: tuple[str, ...]

    @property
    def todo(self) -> str:
        """What to fix, a message id."""
        return REMEDIES[self.kind]


def devices(found: Sequence[Found]) -> list[Device]:
    """Return the devices behind the answers, each with an id of its own."""
    groups: list[list[Found]] = []
    at: dict[str, list[Found]] = {}
    owners: dict[str, list[list[Found]]] = defaultdict(list)
    for each in found:
        # One answered at an address that the other calls its own. Two that merely own the same address (a factory
        # default, a virtual router's) are two.
        known = [*owners[each.address], *(at[address] for address in sorted(each.own - EVERYONES) if address in at)]
        group = next((one for one in known if _alike(one[0], each)), None)
        if group is None:
            group = []
            groups.append(group)
        group.append(each)
        at[each.address] = group
        for address in each.own - EVERYONES:
            owners[address].append(group)
    taken: set[str] = set()
    made = []
    for group in groups:
        name = asset_id(group[0].name, group[0].address)
        while name in taken:
            name = f"{name}-{_address_part(group[0].address)}"
        taken.add(name)
        addresses = tuple(one.address for one in group)
        made.append(Device(name, group[0], addresses, neighbours_of(group[0].readings)))
    return made


def asset_id(name: str, address: str) -> str:
    """Return an asset id made of a sysName: ASCII, no MAC address, no domain; of the address where nothing is left."""
    plain = "" if name.replace(".", "").isdigit() else name
    plain = _MAC_LIKE.sub("", plain.split(".", 1)[0] if _DOMAIN.search(plain) else plain)
    plain = _NOT_IN_A_NAME.sub("-", plain).strip("-_.")[:LONGEST_NAME].strip("-_.")
    return plain or f"device-{_address_part(address)}"


def clashes(known: Sequence[Device], placeholders: frozenset[str] = frozenset()) -> list[Clash]:
    """Return who shares an engine ID or serial number; `placeholders` are serials that stand for none."""
    made = []
    for kind, metric in (("engine", "identity.engine"), ("serial", "chassis.serial")):
        owners: dict[str, list[str]] = defaultdict(list)
        for device in known:
            for value in dict.fromkeys(_values(device.found, metric)):
                owners[value].append(device.id)
        shared = {tuple(ids) for value, ids in owners.items() if len(ids) > 1 and value not in placeholders}
        made += [Clash(kind, ids) for ids in sorted(shared)]
    return made


def edges(known: Sequence[Device]) -> list[Edge]:
    """Return the links between devices, each once, from the end whose id comes first where both see it."""
    return graph.edges([_node(device) for device in known])


def unanswered(known: Sequence[Device], networks: Sequence[Network]) -> list[tuple[Neighbour, Device]]:
    """Return the neighbours with a management address inside the networks that are none of the devices.

    Each comes once, with the first device that sees it; telephones and stations give no address and are not here.
    """
    index = Index(_node(device) for device in known)
    made: dict[str, tuple[Neighbour, Device]] = {}
    for device in known:
        for neighbour in device.neighbours:
            inside = [each for each in neighbour.addresses if _inside(each, networks)]
            if inside and index.find(neighbour) is None:
                made.setdefault(inside[0], (replace(neighbour, addresses=tuple(inside)), device))
    return list(made.values())


def _inside(address: str, networks: Sequence[Network]) -> bool:
    found = ipaddress.ip_address(address)
    return any(found in network for network in networks)


def _alike(one: Found, other: Found) -> bool:
    """Say whether two answers can be of one device; addresses alone may repeat behind address translation."""
    return (one.object_id, one.description, one.name) == (other.object_id, other.description, other.name)


def _values(found: Found, metric: str) -> list[str]:
    return [reading.value for reading in found.readings if reading.metric == metric]


def _node(device: Device) -> Node:
    chassis, name = device.value("neighbours.chassis"), device.found.name
    return Node(
        id=device.id,
        chassis=frozenset([chassis] if chassis else []),
        names=frozenset([name] if name else []),
        addresses=frozenset(device.addresses) | device.found.own,
        neighbours=device.neighbours,
    )


def _address_part(address: str) -> str:
    return re.sub(r"[^0-9A-Za-z]+", "-", address).strip("-")
