"""Who may send notifications: the campus's assets by address, the communities and users that the agent knows."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from dataclasses import dataclass, field

from agent.transports.snmp.credentials import Community, User

__all__ = ["Addresses", "Peer", "Peers", "plain_address"]

RESOLVE_SECONDS = 2.0
"""For all names together."""


@dataclass(frozen=True, slots=True)
class Peer:
    """An asset that may send notifications."""

    asset: str
    host: str
    """Name, IPv4 or IPv6 address."""
    access: Community | User | None = None
    """What the agent polls it with."""


@dataclass(frozen=True, slots=True)
class Peers:
    """Everything that a receiver believes.

    Attributes:
        assets: who may send.
        own: a community or user just for notifications, which any asset may use.
    """

    assets: tuple[Peer, ...] = ()
    own: Community | User | None = None

    def communities(self) -> frozenset[bytes]:
        """Return the communities that are known."""
        return frozenset(each.community for each in self._access() if isinstance(each, Community))

    def users(self) -> tuple[User, ...]:
        """Return the users of SNMPv3 that are known, each once."""
        return tuple(dict.fromkeys(each for each in self._access() if isinstance(each, User)))

    def _access(self) -> list[Community | User]:
        return [each for each in (self.own, *(peer.access for peer in self.assets)) if each is not None]


@dataclass
class Addresses:
    """Which assets have an address. Names are looked up; one that cannot be, keeps the addresses it had."""

    _of: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _peers: dict[str, tuple[Peer, ...]] = field(default_factory=dict)

    async def learn(self, peers: Peers) -> None:
        """Take over who there is, and look up the names."""
        names = {peer.host for peer in peers.assets}
        self._of = {name: self._of.get(name, ()) for name in names}
        looked_up = []
        for name in names:
            if (plain := plain_address(name)) is not None:
                self._of[name] = (plain,)
            else:
                looked_up.append(asyncio.ensure_future(self._look_up(name)))
        if looked_up:
            _, late = await asyncio.wait(looked_up, timeout=RESOLVE_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*looked_up, return_exceptions=True)
        found: dict[str, tuple[Peer, ...]] = {}
        for peer in peers.assets:
            for address in self._of[peer.host]:
                found[address] = (*found.get(address, ()), peer)
        self._peers = found

    def at(self, address: str) -> tuple[Peer, ...]:
        """Return the assets with the address."""
        return self._peers.get(address, ())

    async def _look_up(self, name: str) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError, UnicodeError):
            found = await loop.getaddrinfo(name, None, type=socket.SOCK_DGRAM)
            plain = (plain_address(str(address[0])) for _, _, _, _, address in found)
            self._of[name] = tuple(dict.fromkeys(each for each in plain if each is not None))


def plain_address(text: str) -> str | None:
    """Return the one spelling of an IP address, without zone, IPv4 also where it came over IPv6; None if it is none."""
    try:
        address = ipaddress.ip_address(text.split("%", 1)[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
