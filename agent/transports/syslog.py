"""Canaries through syslog: RFC 5424 over UDP (RFC 5426) or TCP (RFC 6587 §3.4.2), and a memory of the days.

The memory is a file of one line for each store, source and day. Losing it costs knowing which canaries are missing, and
of stores over HTTP also finding them, since those are asked by nonce; what is there proves itself by its nonce.
"""

from __future__ import annotations

import asyncio
import hmac
import os
import re
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from agent.clock import Clock, time_text
from agent.errors import GapError
from agent.model.canary import CANARY_HOST, CANARY_TAG, CanaryDays, CanarySend, CanarySent
from agent.model.exchange import GapReason

if TYPE_CHECKING:
    from datetime import date

    from agent.model.exchange import Request, Response

__all__ = ["SYSLOG_PORT", "CanaryMemory", "SyslogTransport", "nonce_of"]

SYSLOG_PORT = 514
_PRIORITY = 23 * 8 + 6
"""Facility local7, severity informational (RFC 5424 §6.2.1)."""
_REMEMBERED = timedelta(days=400)
_WRITING = threading.Lock()
"""Canaries of several stores are sent at once, each by a transport of its own, and remembered in one file."""
_CONNECT_SECONDS = 10
_LINE = re.compile(r"(\d{4}-\d\d-\d\d) (\S{1,100}) (\S{1,100})")


def nonce_of(key: bytes, store: str, source: str, day: str) -> bytes:
    """Return the nonce of a canary: 128 bits in hexadecimal that nobody makes without the campus's key."""
    told = f"canary\x00{store}\x00{source}\x00{day}".encode()
    return hmac.digest(key, told, "sha256").hex()[:32].encode()


@dataclass(frozen=True)
class CanaryMemory:
    """Which canaries were sent, for thirteen months.

    Args:
        path: a file of the agent's state.
    """

    path: Path

    def days(self, store: str) -> dict[str, list[str]]:
        """Return the days of each source of a store, in order; a file that is lost or spoilt remembers less."""
        found: dict[str, list[str]] = {}
        for day, of, source in sorted(self._lines()):
            if of == store:
                found.setdefault(source, []).append(day)
        return found

    def add(self, store: str, sources: tuple[str, ...], today: date) -> None:
        """Remember that these were sent today.

        Raises:
            OSError: it cannot be written.
        """
        with _WRITING:
            oldest = (today - _REMEMBERED).isoformat()
            lines = {line for line in self._lines() if line[0] >= oldest}
            self._write(lines | {(today.isoformat(), store, source) for source in sources})

    def _write(self, lines: set[tuple[str, str, str]]) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.writelines(f"{' '.join(line)}\n" for line in sorted(lines))
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.path)
        except OSError:
            with suppress(OSError):
                Path(name).unlink()
            raise

    def _lines(self) -> set[tuple[str, str, str]]:
        try:
            text = self.path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return set()
        matches = (_LINE.fullmatch(line) for line in text.splitlines())
        return {(match[1], match[2], match[3]) for match in matches if match is not None}


@dataclass
class SyslogTransport:
    """Answers `CanarySend`.

    Args:
        host: of the log collector.
        port: of its syslog service.
        key: what nonces are made with.
        memory: which canaries were sent.
        clock: says what day it is.
    """

    host: str
    port: int
    key: bytes = field(repr=False)
    memory: CanaryMemory
    clock: Clock

    async def exchange(self, request: Request) -> Response:
        """Send one event for each source, once a day or oftener: an event that is sent again is the same one.

        Raises:
            GapError: another request, or the collector cannot be reached.
        """
        if not isinstance(request, CanarySend):
            raise GapError(
                GapReason.UNSUPPORTED,
                "a canary is not asked by {op}",
                todo="Ask it of an asset whose family has another transport",
                op=request.op,
            )
        started = time.monotonic()
        try:
            now = self.clock.now()
            today = now.astimezone(ZoneInfo(request.timezone)).date()
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise GapError(
                GapReason.UNSUPPORTED,
                "{name!r} is not a time zone",
                todo="Correct timezone in the campus file; all of China is Asia/Shanghai",
                name=request.timezone[:60],
            ) from error
        day = today.isoformat()
        events = [self._event(request.store, source, day, time_text(now)) for source in request.sources]
        try:
            await (self._over_tcp(events) if request.protocol == "tcp" else self._over_udp(events))
        except OSError as error:
            raise self._unreachable(error.strerror or type(error).__name__) from error
        await asyncio.to_thread(self._remember, request, today)
        known = await asyncio.to_thread(self.memory.days, request.store)
        return CanarySent(
            day=day,
            sources=tuple(CanaryDays(source=each, days=tuple(known.get(each, ()))) for each in request.sources),
            elapsed_ms=round((time.monotonic() - started) * 1000),
        )

    async def close(self) -> None:
        """Nothing is open."""

    def _event(self, store: str, source: str, day: str, at: str) -> bytes:
        nonce = nonce_of(self.key, store, source, day).decode()
        text = f"canary day={day} source={source} nonce={nonce}"
        return f"<{_PRIORITY}>1 {at} {CANARY_HOST} {CANARY_TAG} - canary - {text}".encode()

    def _remember(self, request: CanarySend, today: date) -> None:
        with suppress(OSError):  # a full disk must not keep canaries from being sent
            self.memory.add(request.store, request.sources, today)

    async def _over_tcp(self, events: list[bytes]) -> None:
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                _, writer = await asyncio.open_connection(self.host, self.port)
                try:
                    writer.writelines(event + b"\n" for event in events)
                    await writer.drain()
                finally:
                    writer.close()
                    await writer.wait_closed()
        except TimeoutError as error:
            raise self._unreachable("no connection in time") from error

    async def _over_udp(self, events: list[bytes]) -> None:
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.create_datagram_endpoint(_Sender, remote_addr=(self.host, self.port))
        try:
            for event in events:
                transport.sendto(event)
                await asyncio.sleep(0)  # an ICMP error is told between two datagrams
        finally:
            transport.close()
        if protocol.refused is not None:
            raise protocol.refused

    def _unreachable(self, why: str) -> GapError:
        return GapError(
            GapReason.UNREACHABLE,
            "the log collector takes no syslog: {why}",
            where=f"{self.host} port {self.port}",
            todo="Compare protocol and port in the campus file with the collector's",
            why=why,
        )


class _Sender(asyncio.DatagramProtocol):
    """Notices when the other end says that nobody listens."""

    def __init__(self) -> None:
        self.refused: OSError | None = None

    def error_received(self, exc: Exception) -> None:
        """Keep the error (ICMP port unreachable)."""
        if isinstance(exc, OSError):
            self.refused = exc
