"""RTSP 1.0 over one TCP connection (RFC 2326): requests with digest, replies, interleaved packets; all bounded."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.errors import GapError
from agent.model.exchange import GapReason
from agent.transports.digest import DigestAnswer, best_digest, challenges

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Conversation", "Reply", "RtspLogin"]

_STATUS = re.compile(r"RTSP/1\.[0-9] ([1-5][0-9]{2})(?: .*)?")
_MOST_HEADERS = 100
_MOST_BODY = 65_536
_MOST_BETWEEN = 4096
"""Interleaved packets that may stand between a request and its reply."""
_UNAUTHORIZED = 401
_REFUSED = frozenset({401, 403})


@dataclass(frozen=True, slots=True)
class RtspLogin:
    """Who we are; the repr shows no password."""

    username: str
    password: str

    def __repr__(self) -> str:
        """Show nothing secret."""
        return f"RtspLogin({self.username!r})"


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply: status, headers with names in lower case (repeated ones joined by commas), body."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


class Conversation:
    """One connection to one device.

    Args:
        reader: from the device.
        writer: to the device.
        login: answers a digest challenge; None for a device without one.
        where: the device, for errors.
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, login: RtspLogin | None, where: str
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._login = login
        self._where = where
        self._sequence = 0
        self._digest: DigestAnswer | None = None

    async def ask(self, method: str, url: str, **headers: str) -> Reply:
        """Send a request and return the reply; a first 401 with a challenge is answered once.

        Raises:
            GapError: the device does not let us in, hangs up, or answers with something that is no RTSP.
        """
        reply = await self._once(method, url, headers)
        if reply.status == _UNAUTHORIZED and self._digest is None and self._login is not None:
            chosen = best_digest(challenges([reply.headers.get("www-authenticate", "")]))
            if chosen is not None:
                self._digest = DigestAnswer(chosen, self._login.username, self._login.password)
                reply = await self._once(method, url, headers)
        if reply.status in _REFUSED:
            raise GapError(
                GapReason.REFUSED,
                "the device does not let this user play recordings (status {status})",
                where=self._where,
                todo="Check user and password, and the user's right to play back",
                status=reply.status,
            )
        return reply

    async def packet(self) -> tuple[int, bytes] | None:
        """Return the channel and bytes of the next interleaved packet; None where the device sent a message or hung up.

        Raises:
            GapError: something that is no RTSP came.
        """
        first = await self._reader.read(1)
        if not first:
            return None
        if first == b"$":
            try:
                header = await self._reader.readexactly(3)
                return header[0], await self._reader.readexactly(int.from_bytes(header[1:], "big"))
            except asyncio.IncompleteReadError:
                return None
        await self._message(first)
        return None

    async def _once(self, method: str, url: str, headers: Mapping[str, str]) -> Reply:
        self._sequence += 1
        lines = [f"{method} {url} RTSP/1.0", f"CSeq: {self._sequence}", "User-Agent: campus-agent"]
        if self._digest is not None:
            lines.append(f"Authorization: {self._digest.header(method, url)}")
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self._writer.write("\r\n".join([*lines, "", ""]).encode())
        await self._writer.drain()
        for _ in range(_MOST_BETWEEN):
            first = await self._reader.read(1)
            if first != b"$":
                return await self._message(first)
            header = await self._exactly(3)
            await self._exactly(int.from_bytes(header[1:], "big"))
        raise self._malformed("it sends packets and no reply")

    async def _message(self, first: bytes) -> Reply:
        line = first + await self._line()
        match = _STATUS.fullmatch(line.decode("latin-1").strip())
        if match is None:
            raise self._malformed("its reply begins otherwise than RTSP does")
        headers: dict[str, str] = {}
        for _ in range(_MOST_HEADERS):
            text = (await self._line()).decode("latin-1").strip()
            if not text:
                break
            name, separator, value = text.partition(":")
            if separator:
                key = name.strip().lower()
                headers[key] = f"{headers[key]}, {value.strip()}" if key in headers else value.strip()
        else:
            raise self._malformed("its reply has too many headers")
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()) or int(length) > _MOST_BODY:
            raise self._malformed("its reply says a length that cannot be")
        return Reply(int(match[1]), headers, await self._exactly(int(length)))

    async def _line(self) -> bytes:
        try:
            return await self._reader.readuntil(b"\n")
        except asyncio.IncompleteReadError as error:
            raise self._hung_up() from error
        except asyncio.LimitOverrunError as error:
            raise self._malformed("it sends a line without end") from error

    async def _exactly(self, count: int) -> bytes:
        try:
            return await self._reader.readexactly(count)
        except asyncio.IncompleteReadError as error:
            raise self._hung_up() from error

    def _hung_up(self) -> GapError:
        return GapError(
            GapReason.UNREACHABLE,
            "the device closed the connection",
            where=self._where,
            todo="Check that the recorder lets one more client play, and that the port is that of RTSP",
        )

    def _malformed(self, why: str) -> GapError:
        return GapError(
            GapReason.MALFORMED,
            "this is no RTSP server: {why}",
            where=self._where,
            todo="Check the port; recorders play recordings on 554 unless set otherwise",
            why=why,
        )
