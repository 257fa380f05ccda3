"""A hostile box between agent and backend: cuts, delays, duplicates, and answers in the backend's place."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HONEST = "honest"
FAULTS = (
    "refuse",  # closes before a byte
    "cut-request",  # half of the request reaches the backend
    "cut-answer",  # the backend has done it; nobody is told
    "half-answer",  # the answer breaks off in its middle
    "delay",  # longer than the client waits; the backend gets it all the same
    "duplicate",  # the backend gets it twice, and the second answer comes back
    "empty-200",  # 200 with nothing
    "portal",  # 200 with a login page
    "redirect",  # 302 to a login page
    "other-receipt",  # 200 with a good receipt, of another statement
    "flipped-receipt",  # the backend's answer with one byte changed
    "202",  # accepted, as if
    "503",  # with Retry-After
    "html-401",  # a firewall's own 401, 403, 409, 422
    "html-403",
    "html-409",
    "html-422",
    "garbage",  # no HTTP at all
)


@dataclass
class FaultProxy:
    """One request per connection; the n-th meets the n-th fault of the list, then all pass."""

    upstream: str
    faults: list[str] = field(default_factory=list)
    other_receipt: bytes = b""
    retry_after: str = "7"
    url: str = ""
    met: list[str] = field(default_factory=list)

    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a connection; its task is waited for at the end, so that none outlives the loop."""
        task = asyncio.create_task(self._handle(reader, writer))
        self.tasks.add(task)

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            fault = self.faults.pop(0) if self.faults else HONEST
            self.met.append(fault)
            if fault != "refuse":
                await self._serve(fault, await _request(reader), writer)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    async def _serve(self, fault: str, request: bytes, writer: asyncio.StreamWriter) -> None:
        if fault == "cut-request":
            await self._forward(request[: len(request) // 2], whole=False)
            return
        invented = self._invented(fault)
        if invented is not None:
            writer.write(invented)
            await writer.drain()
            return
        answer = await self._forward(request)
        if fault == "duplicate":
            answer = await self._forward(request)
        if fault == "delay":
            await asyncio.sleep(2.5)
        if fault == "cut-answer":
            return
        if fault == "half-answer":
            answer = answer[: len(answer) // 2]
        if fault == "flipped-receipt":
            answer = answer[:-10] + bytes([answer[-10] ^ 1]) + answer[-9:]
        writer.write(answer)
        await writer.drain()

    def _invented(self, fault: str) -> bytes | None:
        """Return the answer that never saw the backend; None if the backend is asked."""
        page = b"<html><body>Please log in</body></html>"
        if fault.startswith("html-"):
            return _answer(fault.removeprefix("html-") + " Blocked", page, "text/html")
        return {
            "empty-200": _answer("200 OK", b"", "text/plain"),
            "portal": _answer("200 OK", page, "text/html"),
            "redirect": _answer("302 Found", b"", "text/html", "location: http://127.0.0.1:1/login\r\n"),
            "other-receipt": _answer("200 OK", self.other_receipt, "text/plain"),
            "202": _answer("202 Accepted", b"", "text/plain"),
            "503": _answer("503 Busy", page, "text/html", f"retry-after: {self.retry_after}\r\n"),
            "garbage": b"\x00\xffSSH-2.0-nonsense\r\n\r\n",
        }.get(fault)

    async def _forward(self, request: bytes, *, whole: bool = True) -> bytes:
        parts = urlsplit(self.upstream)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        try:
            head, _, body = request.partition(b"\r\n\r\n")
            writer.write(head + b"\r\nconnection: close\r\n\r\n" + body if whole else request)
            await writer.drain()
            return await reader.read() if whole else b""
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


@contextlib.asynccontextmanager
async def fault_proxy(upstream: str, faults: list[str], *, other_receipt: bytes = b"") -> AsyncIterator[FaultProxy]:
    """Run the proxy on a free loopback port."""
    proxy = FaultProxy(upstream, list(faults), other_receipt)
    server = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()
        await server.wait_closed()
        await asyncio.gather(*proxy.tasks)


async def _request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:] if b":" in line)
    body = await reader.readexactly(int(fields.get(b"content-length", b"0")))
    return head[:-4] + b"\r\n\r\n" + body


def _answer(status: str, body: bytes, kind: str, more: str = "") -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n{more}\r\n"
    )
    return head.encode() + body
