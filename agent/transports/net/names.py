"""Names and addresses: the resolver of the server that the agent runs on, asked for one family at a time."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from agent.model.inet import scope_of
from agent.model.net import NetFound

if TYPE_CHECKING:
    from agent.model.net import NetFamily

__all__ = ["Address", "Looked", "Resolver", "has_route", "is_literal"]

_SOCKETS: dict[NetFamily, socket.AddressFamily] = {"ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}
_NO_ROUTE = frozenset({errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})
_NOWHERE: dict[NetFamily, str] = {"ipv4": "192.0.2.1", "ipv6": "2001:db8::1"}
"""Documentation addresses: whether there is a way to anywhere."""
_DISCARD = 9
_KEPT_BITS: dict[NetFamily, int] = {"ipv4": 24, "ipv6": 48}


@dataclass(frozen=True, slots=True)
class Address:
    """Where to connect to."""

    family: NetFamily
    sockaddr: Any
    """As the socket module wants it, with the zone of a link-local address."""

    @property
    def _plain(self) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
        return ipaddress.ip_address(str(self.sockaddr[0]).partition("%")[0])

    @property
    def scope(self) -> str:
        """As `model.inet.scope_of` names it."""
        return scope_of(self._plain.packed)

    @property
    def prefix(self) -> str:
        """The network that may be recorded; empty where the address is not a public one."""
        if self.scope != "global":
            return ""
        return str(ipaddress.ip_network((self._plain.packed, _KEPT_BITS[self.family]), strict=False))

    @property
    def socket_family(self) -> socket.AddressFamily:
        """Return what a socket is opened with."""
        return _SOCKETS[self.family]


@dataclass(frozen=True, slots=True)
class Looked:
    """A lookup of one family."""

    family: NetFamily
    state: Literal["found", "none", "unknown", "failed"]
    addresses: tuple[Address, ...]
    elapsed_us: int

    def word(self) -> NetFound:
        """Return what may be recorded of it."""
        return NetFound(
            family=self.family,
            state=self.state,
            addresses=len(self.addresses),
            scopes=tuple(sorted({each.scope for each in self.addresses})),
            prefixes=tuple(sorted({each.prefix for each in self.addresses} - {""})),
            elapsed_us=self.elapsed_us,
        )


class Resolver:
    """Asks getaddrinfo in threads of its own: a dead name server must not hold up other work of the agent."""

    def __init__(self) -> None:
        self._threads: ThreadPoolExecutor | None = None

    async def look_up(self, host: str, family: NetFamily, seconds: float) -> Looked:
        """Look a name or literal up in one family; never raises."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="lookup")
        began = time.monotonic_ns()
        asked = asyncio.get_running_loop().run_in_executor(self._threads, _resolve, host, family)
        try:
            async with asyncio.timeout(seconds):
                state, addresses = await asked
        except TimeoutError:
            state, addresses = "failed", ()
        return Looked(family, state, addresses, (time.monotonic_ns() - began) // 1000)

    def close(self) -> None:
        """Let the threads end; one that still waits for a name server ends when the system's own time for it is up."""
        threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown(wait=False, cancel_futures=True)


def is_literal(host: str) -> bool:
    """Tell whether the host is an address already."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def has_route(family: NetFamily, address: Address | None = None) -> bool:
    """Tell whether this server knows a way to the address, or to anywhere; nothing is sent (connect(2) of UDP)."""
    target = address.sockaddr if address is not None else (_NOWHERE[family], _DISCARD)
    try:
        with socket.socket(_SOCKETS[family], socket.SOCK_DGRAM) as probe:
            probe.connect((target[0], _DISCARD, *target[2:]))
    except OSError as error:
        return error.errno not in _NO_ROUTE
    return True


def _resolve(host: str, family: NetFamily) -> tuple[Literal["found", "none", "unknown", "failed"], tuple[Address, ...]]:
    try:
        found = socket.getaddrinfo(host, None, family=_SOCKETS[family], type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno in (getattr(socket, "EAI_NODATA", None), getattr(socket, "EAI_ADDRFAMILY", None)):
            return "none", ()
        return ("unknown" if error.errno == socket.EAI_NONAME else "failed"), ()
    except ValueError:  # a label that is too long, or a NUL in the name
        return "unknown", ()
    except OSError:
        return "failed", ()
    return "found", tuple(dict.fromkeys(Address(family, sockaddr) for *_, sockaddr in found))
