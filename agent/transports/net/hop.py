"""One connection: TCP, TLS, one request, the head of one answer; how far it came, and how long each step took."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from agent.transports.net.handshake import shown, strict_context, trust_of, unchecked_context
from agent.transports.net.speech import LONGEST_HEAD, Heard, complete, hear, say

if TYPE_CHECKING:
    from agent.model.net import NetSpeech, NetTls
    from agent.transports.net.handshake import Trust
    from agent.transports.net.names import Address

__all__ = ["Hop", "Outcome", "Target"]

Outcome = Literal["ok", "refused", "silent", "unreachable", "tls-failed", "closed", "no-answer"]
_UNREACHABLE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EACCES})
GREETING_SECONDS = 1.0
"""How long a host that is said nothing to may take to say something."""
LAST_LOOK_SECONDS = 3.0
"""For the certificate of a host that was not believed."""


@dataclass(frozen=True, slots=True)
class Target:
    """What one connection is made for."""

    host: str
    """Name or literal, for TLS and for what is said."""
    port: int
    tls: bool
    verify: bool
    speak: NetSpeech
    path: str


@dataclass
class Hop:
    """A connection and what came of it so far: what is known stays when time runs out."""

    target: Target
    address: Address
    outcome: Outcome = "silent"
    """What it is called if it ends here."""
    connect_us: int | None = None
    tls_us: int | None = None
    first_byte_us: int | None = None
    tls: NetTls | None = None
    heard: Heard = field(default_factory=Heard)
    _writer: asyncio.StreamWriter | None = None

    async def run(self, seconds: float) -> None:
        """Go as far as the host lets; never raises, and leaves no connection behind."""
        try:
            async with asyncio.timeout(seconds):
                await self._run()
        except TimeoutError:
            return
        finally:
            await self._hang_up()

    async def _run(self) -> None:
        plain = await self._connect()
        if plain is None:
            return
        try:
            reader = await self._open(plain)
        except BaseException:
            plain.close()
            raise
        if reader is None:
            plain.close()
            return
        try:
            await self._converse(reader)
        except OSError:
            self.outcome = "closed"

    async def _connect(self) -> socket.socket | None:
        plain = socket.socket(self.address.socket_family, socket.SOCK_STREAM)
        plain.setblocking(False)  # noqa: FBT003 - the socket module's own argument
        began = time.monotonic_ns()
        where = (self.address.sockaddr[0], self.target.port, *self.address.sockaddr[2:])
        try:
            await asyncio.get_running_loop().sock_connect(plain, where)
        except BaseException as error:
            plain.close()
            if not isinstance(error, OSError) or isinstance(error, TimeoutError):
                raise
            refused = isinstance(error, ConnectionRefusedError)
            self.outcome = "refused" if refused else "unreachable" if error.errno in _UNREACHABLE else "silent"
            return None
        self.connect_us = _since(began)
        self.outcome = "no-answer" if self.target.speak else "ok"
        return plain

    async def _open(self, plain: socket.socket) -> asyncio.StreamReader | None:
        """Speak TLS where asked; None where that failed."""
        target = self.target
        if not target.tls:
            reader, self._writer = await asyncio.open_connection(sock=plain, limit=LONGEST_HEAD)
            return reader
        self.outcome = "tls-failed"
        began = time.monotonic_ns()
        try:
            reader, self._writer = await asyncio.open_connection(
                sock=plain,
                ssl=strict_context() if target.verify else unchecked_context(),
                server_hostname=target.host.partition("%")[0],
                limit=LONGEST_HEAD,
            )
        except ssl.SSLCertVerificationError as error:
            await self._last_look(trust_of(error))
            return None
        except (OSError, ValueError):  # a name that is none by the rules of certificates is a ValueError
            return None
        self.tls_us = _since(began)
        self.tls = shown(self._writer, "verified" if target.verify else "not-checked")
        return reader

    async def _last_look(self, trust: Trust) -> None:
        """See what certificate was shown, over a second connection on which nothing is said."""
        again = Hop(
            Target(self.target.host, self.target.port, tls=True, verify=False, speak="", path="/"), self.address
        )
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_LOOK_SECONDS):
                try:
                    plain = await again._connect()
                    if plain is not None:
                        try:
                            await again._open(plain)
                        finally:
                            if again._writer is None:
                                plain.close()
                finally:
                    await again._hang_up()
        self.tls = again.tls.model_copy(update={"trust": trust}) if again.tls is not None else None

    async def _converse(self, reader: asyncio.StreamReader) -> None:
        assert self._writer is not None  # opened just now
        target, data = self.target, bytearray()
        self.outcome = "no-answer" if target.speak else "ok"  # the handshake is over
        said = say(target.speak, target.host, target.port, target.path, tls=target.tls)
        self._writer.write(said)
        began = time.monotonic_ns()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if target.speak else GREETING_SECONDS):
                while chunk := await reader.read(LONGEST_HEAD - len(data)):
                    if not data:
                        self.first_byte_us = _since(began)
                        self.outcome = "ok"
                    data += chunk
                    self.heard = hear(bytes(data))
                    if complete(bytes(data), target.speak):
                        return
                if not data and target.speak:
                    self.outcome = "closed"

    async def _hang_up(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.transport.abort()  # a host that does not say goodbye must not hold us
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(1):
                    await writer.wait_closed()


def _since(began: int) -> int:
    return (time.monotonic_ns() - began) // 1000
