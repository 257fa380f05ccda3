"""What each device of a campus shows of IPv6 at the end of a window, and what that makes of egress, core and VLANs."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Network
from typing import TYPE_CHECKING, Final

from agent.assess.samples import number
from agent.assess.silence import gap
from agent.errors import MalformedError
from agent.model.finding import Reason
from agent.model.inet import scope_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agent.assess.samples import Readings
    from agent.model.campus import Campus
    from agent.model.reading import Reading

__all__ = ["Devices", "Networks", "Told"]

_NO_NETWORK: Final = frozenset({24, 131})
"""ifType softwareLoopback and tunnel (IANAifType-MIB)."""
_SEVERAL: Final = 2
"""IPv4 networks from which on a device that forwards IPv4 is a router: many access switches forward and have one."""


@dataclass(frozen=True, slots=True)
class Told:
    """Whether something holds, or why nobody knows."""

    holds: bool | None
    reason: Reason | None = None
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Networks:
    """Interfaces of a router that have a network for terminals, and whether it is also one of IPv6."""

    holds: Mapping[str, bool]
    sources: tuple[str, ...]


class Devices:
    """The devices of a campus, by the readings of the collectors `ipv6`, `interfaces` and `census`."""

    def __init__(self, readings: Readings, campus: Campus) -> None:
        self._readings = readings
        self._campus = campus
        self._asked = {subject.partition(":")[2] for subject in readings.subjects("ipv6", "collector.answer")}
        self._asked |= {subject.partition(":")[2] for subject in readings.subjects("asset", "ipv6.scope")}

    def egress(self) -> Told:
        """Tell whether the campus reaches the world by IPv6: one line that does is enough."""
        return _any([self._reaches(asset) for asset in self._near_ends("egress")])

    def core(self) -> Told:
        """Tell whether every router forwards IPv6."""
        routers, reason = self.routers()
        told = [self._forwards(router) for router in routers]
        if told:
            return _every([*told, Told(None, reason)] if reason else told)
        candidates = self._candidates()
        switches = [self._last(asset, "ipv6.forwarding") for asset in candidates]
        if reason is None and switches and all(switches):  # all of them say that they forward nothing
            return Told(
                holds=False, sources=tuple(source for one in switches if one is not None for source in one.sources)
            )
        return Told(None, reason or (Reason.UNSUPPORTED if candidates else Reason.NO_TARGET))

    def routers(self) -> tuple[list[str], Reason | None]:
        """Return the routers, and why more may be among the devices.

        Where the campus file declares no backbone, a silent device is missed only if no router is left.
        """
        candidates = self._candidates()
        found = [asset for asset in candidates if self._routes(asset)]
        reasons = [reason for asset in candidates if (reason := self.unseen(asset)) is not None]
        declared = bool(self._near_ends("backbone"))
        missed = min(reasons, key=list(Reason).index) if reasons and (declared or not found) else None
        return found, missed

    def egress_assets(self) -> list[str]:
        """Return the devices with an egress link."""
        return self._near_ends("egress")

    def unseen(self, asset: str) -> Reason | None:
        """Return why nothing is known of the device; None if something is."""
        if self._last(asset, "ipv6.scope") is None:
            return gap(self._readings, "ipv6", asset) or Reason.TOO_FEW_SAMPLES
        visible = self._last(asset, "ipv6.visible")
        return Reason.UNSUPPORTED if visible is not None and visible.value == "no" else None

    def networks(self, router: str, length: int) -> Networks | None:
        """Return the router's interfaces that terminals use; None where it tells of none.

        Args:
            router: an asset.
            length: of the global prefix that counts.
        """
        with_v4 = self._interfaces(router, "ipv6.v4.networks") or self._interfaces(router, "census.addressed")
        world = self._prefixed(router, length)
        if not with_v4 and not self._readings.of("ipv6.v4.networks", f"asset:{router}"):
            return None
        names = sorted({*with_v4, *(name for name, holds in world.items() if holds)})
        kept = [name for name in names if self._is_network(router, name)]
        used = [with_v4[name] for name in kept if name in with_v4]
        used += [reading for name in kept for reading in self._addresses(router, name)]
        return Networks(
            {name: world.get(name, False) for name in kept},
            tuple(dict.fromkeys(source for reading in used for source in reading.sources)),
        )

    # --- one device ---------------------------------------------------------------------------------------------

    def _reaches(self, asset: str) -> Told:
        if (reason := self.unseen(asset)) is not None:
            return Told(None, reason)
        scope, route = self._last(asset, "ipv6.scope"), self._last(asset, "ipv6.default_route")
        used = [reading for reading in (scope, route) if reading is not None]
        sources = tuple(dict.fromkeys(source for reading in used for source in reading.sources))
        if scope is None or (scope.value != "global" and self._partial(asset)):
            return Told(None, Reason.TOO_FEW_SAMPLES)
        if scope.value != "global" or (route is not None and route.value == "absent"):
            return Told(holds=False, sources=sources)
        return Told(holds=True, sources=sources) if route is not None else Told(None, Reason.UNSUPPORTED)

    def _forwards(self, router: str) -> Told:
        scope, forwarding = self._last(router, "ipv6.scope"), self._last(router, "ipv6.forwarding")
        used = [reading for reading in (scope, forwarding) if reading is not None]
        sources = tuple(dict.fromkeys(source for reading in used for source in reading.sources))
        if scope is not None and scope.value != "global":
            return Told(None, Reason.TOO_FEW_SAMPLES) if self._partial(router) else Told(holds=False, sources=sources)
        if forwarding is None:
            return Told(None, Reason.UNSUPPORTED)
        return Told(forwarding.value == "forwarding", sources=sources)

    def _routes(self, asset: str) -> bool:
        if self.unseen(asset) is not None:
            return False
        six, four = self._last(asset, "ipv6.forwarding"), self._last(asset, "ipv6.v4.forwarding")
        if six is not None and six.value == "forwarding":
            return True
        networks = self._last(asset, "ipv6.v4.networks")
        several = networks is not None and number(networks, "1") >= _SEVERAL
        return four is not None and four.value == "forwarding" and several

    def _partial(self, asset: str) -> bool:
        table = self._last(asset, "ipv6.table")
        return table is not None and table.value == "partial"

    def _candidates(self) -> list[str]:
        return self._near_ends("backbone") or sorted(self._asked)

    def _near_ends(self, role: str) -> list[str]:
        return sorted({link.asset for link in self._campus.links if link.role == role})

    def _last(self, asset: str, metric: str) -> Reading | None:
        found = self._readings.of(metric, f"asset:{asset}")
        return found[-1][1] if found else None

    # --- its interfaces -----------------------------------------------------------------------------------------

    def _interfaces(self, asset: str, metric: str) -> dict[str, Reading]:
        """Return the interfaces whose last reading counts at least one, in the newest conversation that has any."""
        last = [
            self._readings.of(metric, subject)[-1]
            for subject in self._readings.subjects("interface", metric)
            if subject.startswith(f"interface:{asset}/")
        ]
        newest = max((at for at, _ in last), default=0)
        # all readings of one conversation have one time: older ones are of interfaces that are gone
        return {
            reading.subject.partition("/")[2]: reading
            for at, reading in last
            if at == newest and number(reading, "1") >= 1
        }

    def _prefixed(self, asset: str, length: int) -> dict[str, bool]:
        """Return whether each interface with addresses has a global one in a prefix of that length."""
        found = {}
        for subject in self._readings.subjects("interface", "ipv6.addresses"):
            if subject.startswith(f"interface:{asset}/"):
                name = subject.partition("/")[2]
                found[name] = any(_is_global(text, length) for text in self._texts(asset, name))
        return found

    def _texts(self, asset: str, name: str) -> Sequence[str]:
        return [text for reading in self._addresses(asset, name) for text in reading.value.split()]

    def _addresses(self, asset: str, name: str) -> list[Reading]:
        """Return the addresses and prefixes of the interface as they were read last."""
        scope = self._readings.of("ipv6.scope", f"asset:{asset}")
        newest = scope[-1][0] if scope else 0
        found = []
        for metric in ("ipv6.addresses", "ipv6.prefixes"):
            rows = self._readings.of(metric, f"interface:{asset}/{name}")
            if rows and rows[-1][0] >= newest - _ONE_CONVERSATION_MS:
                found.append(rows[-1][1])
        return found

    def _is_network(self, asset: str, name: str) -> bool:
        subject = f"interface:{asset}/{name}"
        kinds = self._readings.of("interface.type", subject)
        if kinds and number(kinds[-1][1], "1") in _NO_NETWORK:
            return False
        names = {name}
        for metric in ("interface.alias", "interface.description"):
            names |= {text for _, text in self._readings.texts(metric, subject)[-1:]}
        return not any(link.role == "egress" and link.port in names for link in self._campus.links_of(asset))


_ONE_CONVERSATION_MS: Final = 600_000
"""The longest time that reading one device may take by default (`Campus.poll`)."""


def _is_global(text: str, length: int) -> bool:
    """Tell whether an address of `ipv6.addresses` or a prefix of `ipv6.prefixes` is global, usable and of that length.

    An address without a length is believed: the device does not say, and SLAAC has no other length (RFC 4862 5.5.3).
    """
    if text.endswith(")"):
        return False
    address, _, given = text.partition("/")
    try:
        packed = IPv6Network(address).network_address.packed
    except ValueError as error:
        raise MalformedError("{text!r} is no IPv6 address", where="ipv6.addresses", text=text[:60]) from error
    return scope_of(packed) == "global" and given in ("", str(length))


def _any(told: Sequence[Told]) -> Told:
    return _first(told, lambda one: one.holds is True)


def _every(told: Sequence[Told]) -> Told:
    return _first(told, lambda one: one.holds is False)


def _first(told: Sequence[Told], decides: Callable[[Told], bool]) -> Told:
    """Return what decides by itself; else what nobody knows; else what all agree in."""
    if not told:
        return Told(None, Reason.NO_TARGET)
    for one in told:
        if decides(one):
            return one
    reasons = [one.reason or Reason.TOO_FEW_SAMPLES for one in told if one.holds is None]
    if reasons:
        return Told(None, min(reasons, key=list(Reason).index))
    return Told(told[0].holds, sources=tuple(dict.fromkeys(source for one in told for source in one.sources)))
