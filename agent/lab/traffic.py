"""Bounded traffic over loopback, so that a polled interface has counters that move."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["loopback_traffic"]

CHUNK = 64 * 1024
TICKS_A_SECOND = 10


@asynccontextmanager
async def loopback_traffic(mbits: int, seconds: float) -> AsyncIterator[None]:
    """Send about `mbits` Mbit/s over TCP on 127.0.0.1 while the block runs, at most for `seconds`."""
    server = await asyncio.start_server(_swallow, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    sender = asyncio.create_task(_send(port, mbits * 125_000 // TICKS_A_SECOND, seconds))
    try:
        yield
    finally:
        sender.cancel()
        await asyncio.gather(sender, return_exceptions=True)
        server.close()
        await server.wait_closed()


async def _send(port: int, octets_a_tick: int, seconds: float) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    chunk = bytes(CHUNK)
    try:
        for _ in range(int(seconds * TICKS_A_SECOND)):
            left = octets_a_tick
            while left > 0:
                writer.write(chunk[:left])
                left -= CHUNK
            await writer.drain()
            await asyncio.sleep(1 / TICKS_A_SECOND)
    finally:
        writer.close()


async def _swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while await reader.read(1 << 20):
            pass
    finally:
        writer.close()
