"""What a sweep means: which answers are one device, who shares an identity, which links join them; pure.

A device that answers at several addresses is one device: one of them is among its own addresses. Two devices that
share an SNMPv3 engine ID or a serial number, but not an address, are two, and one was set up by copying the other.

A neighbour is matched to a device by its chassis identifier, else by a management address, else by its name, where
only one device has it.
"""

from __future__ import annotations

import ipaddress
import re
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent.language import N_

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agent.model.reading import Reading
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
RULES = ("chassis", "address", "name")
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
class Neighbour:
    """What LLDP told a device of one neighbour; values as the readings `neighbour.*` have them."""

    kind: str = ""
    port: str = ""
    chassis: str = ""
    remote_port: str = ""
    name: str = ""
    addresses: tuple[str, ...] = ()


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
        made.append(Device(name, group[0], addresses, _neighbours(group[0].readings)))
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
    index = Index(known)
    between: dict[tuple[str, str], list[Edge]] = defaultdict(list)
    for device in known:
        for neighbour in device.neighbours:
            hit = index.find(neighbour)
            if hit is not None and hit[0].id != device.id:
                far = hit[0].id
                port, far_port = neighbour.port, neighbour.remote_port
                edge = Edge(device.id, port, far, far_port, both=False, rule=hit[1], kind=neighbour.kind)
                between[device.id, far].append(edge)
    made: list[Edge] = []
    for near, far in sorted(between):
        if near < far or (far, near) not in between:
            made += _paired(between[near, far], between.get((far, near), []))
    return sorted(made, key=lambda one: (one.near, one.near_port, one.far))


def unanswered(known: Sequence[Device], networks: Sequence[Network]) -> list[tuple[Neighbour, Device]]:
    """Return the neighbours with a management address inside the networks that are none of the devices.

    Each comes once, with the first device that sees it; telephones and stations give no address and are not here.
    """
    index = Index(known)
    made: dict[str, tuple[Neighbour, Device]] = {}
    for device in known:
        for neighbour in device.neighbours:
            inside = [each for each in neighbour.addresses if _inside(each, networks)]
            if inside and index.find(neighbour) is None:
                made.setdefault(inside[0], (replace(neighbour, addresses=tuple(inside)), device))
    return list(made.values())


class Index:
    """Finds the device that a neighbour is."""

    def __init__(self, known: Iterable[Device]) -> None:
        self._by: dict[str, dict[str, list[Device]]] = {rule: defaultdict(list) for rule in RULES}
        for device in known:
            self._by["chassis"][device.value("neighbours.chassis")].append(device)
            self._by["name"][device.found.name].append(device)
            for address in {*device.addresses, *device.found.own}:
                self._by["address"][address].append(device)

    def find(self, neighbour: Neighbour) -> tuple[Device, str] | None:
        """Return the device and the rule that says so; a value that several devices have says nothing."""
        values = {"chassis": (neighbour.chassis,), "address": neighbour.addresses, "name": (neighbour.name,)}
        for rule in RULES:
            hits = [self._by[rule].get(value, []) for value in values[rule] if value]
            found = {device.id: device for devices in hits for device in devices}
            if len(found) == 1:
                return next(iter(found.values())), rule
        return None


def _paired(near: list[Edge], far: list[Edge]) -> list[Edge]:
    """Return the links of two devices as both ends tell them: paired by port, or because there is only one."""
    left = list(far)
    made = []
    for edge in near:
        back = next((one for one in left if edge.far_port == one.near_port or one.far_port == edge.near_port), None)
        if back is None and len(near) == len(far) == 1:
            back = far[0]
        if back is None:
            made.append(edge)
        else:
            left.remove(back)
            made.append(replace(edge, far_port=back.near_port, both=True))
    return made + left


def _inside(address: str, networks: Sequence[Network]) -> bool:
    found = ipaddress.ip_address(address)
    return any(found in network for network in networks)


def _alike(one: Found, other: Found) -> bool:
    """Say whether two answers can be of one device; addresses alone may repeat behind address translation."""
    return (one.object_id, one.description, one.name) == (other.object_id, other.description, other.name)


def _values(found: Found, metric: str) -> list[str]:
    return [reading.value for reading in found.readings if reading.metric == metric]


def _neighbours(readings: Iterable[Reading]) -> tuple[Neighbour, ...]:
    by_subject: dict[str, dict[str, str]] = defaultdict(dict)
    for reading in readings:
        kind, _, metric = reading.metric.partition(".")
        if kind == "neighbour":
            by_subject[reading.subject][metric] = reading.value
    return tuple(
        Neighbour(
            kind=each.get("kind", ""),
            port=each.get("port", ""),
            chassis=each.get("chassis", ""),
            remote_port=each.get("remote_port", ""),
            name=each.get("name", ""),
            addresses=tuple(each.get("address", "").split()),
        )
        for each in by_subject.values()
    )


def _address_part(address: str) -> str:
    return re.sub(r"[^0-9A-Za-z]+", "-", address).strip("-")
