"""The UDP port: opened once, read whenever the event loop has time, never more than a handful at once.

The kernel says with each datagram how many it had to drop before (SO_RXQ_OVFL on Linux), so that a flood is counted
even where it never came in.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import struct
import sys
from typing import Any, Protocol

from agent.errors import GapError
from agent.model.exchange import GapReason

__all__ = ["Port"]

LARGEST = 65_535
"""Octets; UDP has no larger datagram."""
AT_ONCE = 64
"""Datagrams per turn of the event loop."""
BUFFER = 4 * 2**20
"""Octets that the kernel is asked to hold; it may grant less."""
SO_RXQ_OVFL = 40
"""asm-generic/socket.h; Python's socket module has no name for it."""


class Take(Protocol):
    """Takes a datagram; `whole` is False when it was cut off."""

    def __call__(self, data: bytes, address: tuple[Any, ...], *, whole: bool) -> None:
        """Take it; must not raise."""
        ...


class Port:
    """One UDP port on one address.

    Args:
        host: IPv4 or IPv6 address or name; `::` takes IPv4 as well.
        port: 0 lets the system choose.
        take: gets each datagram.
    """

    def __init__(self, host: str, port: int, take: Take) -> None:
        self._host = host
        self._wanted = port
        self._take = take
        self._socket: socket.socket | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lost = self._lost_told = 0

    @property
    def number(self) -> int:
        """The port that is open, or 0."""
        return int(self._socket.getsockname()[1]) if self._socket is not None else 0

    async def open(self) -> None:
        """Open the port.

        Raises:
            GapError: it cannot be had; says what to do.
        """
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(
                self._host, self._wanted, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICSERV
            )
            family, _, _, _, address = found[0]
            self._socket = self._bound(family, address)
        except (OSError, UnicodeError) as error:
            raise self._gap(error) from error
        self._lost = self._lost_told = 0
        self._loop = loop
        loop.add_reader(self._socket.fileno(), self._read)

    def send(self, data: bytes, address: tuple[Any, ...]) -> None:
        """Send an answer; one that cannot be sent is lost, as with any datagram."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.sendto(data, address)

    def take_lost(self) -> int:
        """Return how many datagrams the kernel dropped since this was last asked."""
        lost, self._lost_told = (self._lost - self._lost_told) % (1 << 32), self._lost
        return lost

    def close(self) -> None:
        """Close the port; may be called more than once."""
        if self._socket is not None and self._loop is not None:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def _bound(self, family: int, address: Any) -> socket.socket:
        opened = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        try:
            opened.setblocking(False)  # noqa: FBT003 - the socket module's signature
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
            if sys.platform == "linux":
                opened.setsockopt(socket.SOL_SOCKET, SO_RXQ_OVFL, 1)
            if family == socket.AF_INET6:
                opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            opened.bind(address)
        except BaseException:
            opened.close()
            raise
        return opened

    def _read(self) -> None:
        for _ in range(AT_ONCE):
            if self._socket is None:
                return
            try:
                data, ancillary, flags, address = self._socket.recvmsg(LARGEST, 64)
            except OSError:  # nothing more for now, or an ICMP error to an answer of ours
                return
            for level, kind, value in ancillary:
                if (level, kind, len(value)) == (socket.SOL_SOCKET, SO_RXQ_OVFL, 4):
                    self._lost = struct.unpack("=I", value)[0]
            self._take(data, address, whole=not flags & socket.MSG_TRUNC)

    def _gap(self, error: OSError | UnicodeError) -> GapError:
        where = f"{self._host}, UDP port {self._wanted}"
        number = error.errno if isinstance(error, OSError) else None
        if number in (errno.EACCES, errno.EPERM):
            return GapError(
                GapReason.REFUSED,
                "a port below 1024 needs a privilege to listen on",
                where=where,
                todo=(
                    "Set port: 1162 for this asset in the campus file and on the devices, or give the service"
                    " AmbientCapabilities=CAP_NET_BIND_SERVICE (deploy/systemd/README.md)"
                ),
            )
        if number == errno.EADDRINUSE:
            return GapError(
                GapReason.UNREACHABLE,
                "another program listens on this port",
                where=where,
                todo="Stop it (snmptrapd, perhaps), or set another port for this asset in the campus file",
            )
        return GapError(
            GapReason.UNREACHABLE,
            "cannot listen here: {why}",
            where=where,
            todo="Set address to one of this machine in the campus file; 0.0.0.0 or :: stand for all of them",
            why=os.strerror(number) if number is not None and number > 0 else "no such address",
        )
