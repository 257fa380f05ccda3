"""Opens one guarded socket to a broker: TCP over all its addresses, then TLS, within a deadline, and stoppable.

The MQTT library would resolve, connect and shake hands itself, but then a stop would wait for its time-outs, a failed
handshake would leak the socket, and what the broker sends would reach its buffers unchecked.
"""

from __future__ import annotations

import os
import select
import socket
import ssl
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.transports.mqtt.frames import FrameGuard

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence

__all__ = ["SLICE", "Address", "GuardedSocket", "StoppedError", "dial", "poll"]

SLICE = 0.1
"""Seconds after which a waiting thread looks whether it should stop."""

Address = tuple[int, tuple[object, ...]]
"""Address family and socket address, as getaddrinfo gives them."""


class StoppedError(Exception):
    """The owner of the conversation wants it to end now."""


@dataclass
class GuardedSocket:
    """A connected non-blocking socket as the MQTT library uses one; whatever it receives passes the guard first."""

    raw: socket.socket
    guard: FrameGuard
    fault: OSError | None = field(default=None, init=False)
    """What the guard objected to."""

    def recv(self, size: int) -> bytes:
        """Receive as `socket.recv`; raises what the guard raises."""
        data = self.raw.recv(size)
        try:
            self.guard.feed(data)
        except ConnectionError as error:
            self.fault = error
            raise
        return data

    def send(self, data: bytes) -> int:
        """Send as `socket.send`."""
        return self.raw.send(data)

    def pending(self) -> int:
        """Return octets that TLS has decrypted already, which poll does not see."""
        return self.raw.pending() if isinstance(self.raw, ssl.SSLSocket) else 0

    def fileno(self) -> int:
        """Return the descriptor, -1 once closed."""
        return self.raw.fileno()

    def setblocking(self, flag: bool) -> None:  # noqa: FBT001 - the socket interface
        """Set as `socket.setblocking`."""
        self.raw.setblocking(flag)

    def close(self) -> None:
        """Close; may be called more than once."""
        self.raw.close()


def dial(
    addresses: Sequence[Address],
    tls: tuple[ssl.SSLContext, str] | None,
    max_packet: int,
    until: float,
    stop: threading.Event,
) -> GuardedSocket:
    """Connect to the first address that accepts; the time left is shared by those not yet tried.

    Args:
        addresses: what the name resolved to, in order of preference; at least one.
        tls: context and the name that the certificate must carry; None for plain TCP.
        max_packet: octets that one MQTT packet may have.
        until: `time.monotonic` at which to give up.
        stop: set to end early.

    Raises:
        OSError: none accepted (the last error), or TLS failed (`ssl.SSLError`).
        StoppedError: `stop` was set.
    """
    last: OSError = TimeoutError("timed out")
    for tried, (family, address) in enumerate(addresses):
        share = (until - time.monotonic()) / (len(addresses) - tried)
        try:
            connected = _connect(family, address, time.monotonic() + share, stop)
        except OSError as error:
            last = error
            continue
        return GuardedSocket(_secure(connected, tls, until, stop) if tls else connected, FrameGuard(max_packet))
    raise last


def poll(sock: socket.socket | GuardedSocket, events: int, until: float, stop: threading.Event) -> None:
    """Wait until the socket is ready for one of the events.

    Raises:
        TimeoutError: it was not, by then.
        StoppedError: `stop` was set.
    """
    poller = select.poll()
    poller.register(sock.fileno(), events)
    while not stop.is_set():
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        if poller.poll(min(left, SLICE) * 1000):
            return
    raise StoppedError


def _connect(family: int, address: tuple[object, ...], until: float, stop: threading.Event) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        sock.settimeout(0)
        try:
            sock.connect(address)
        except BlockingIOError:
            poll(sock, select.POLLOUT, until, stop)
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                raise OSError(code, os.strerror(code)) from None
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        sock.close()
        raise
    return sock


def _secure(
    plain: socket.socket, tls: tuple[ssl.SSLContext, str], until: float, stop: threading.Event
) -> ssl.SSLSocket:
    context, name = tls
    try:
        secured = context.wrap_socket(plain, server_hostname=name, do_handshake_on_connect=False)
    except BaseException:
        plain.close()
        raise
    try:
        while True:
            try:
                secured.do_handshake()
            except ssl.SSLWantReadError:
                poll(secured, select.POLLIN, until, stop)
            except ssl.SSLWantWriteError:
                poll(secured, select.POLLOUT, until, stop)
            else:
                return secured
    except BaseException:
        secured.close()
        raise
