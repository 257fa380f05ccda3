"""How many SSH sessions there are: a few in all, one a device. Network devices have about five lines (VTY)."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["SshGate"]


class SshGate:
    """Shared by all SSH transports of a process, within one event loop.

    Args:
        sessions: at once, over all devices; each costs two threads.
    """

    def __init__(self, sessions: int = 5) -> None:
        self._sessions = asyncio.Semaphore(sessions)
        self._devices: dict[tuple[str, int], asyncio.Lock] = {}
        self._waiting: dict[tuple[str, int], int] = {}

    @asynccontextmanager
    async def session(self, host: str, port: int) -> AsyncIterator[None]:
        """Hold the one session of the device and one of all; waits for both, the device's first."""
        key = (host, port)
        lock = self._devices.setdefault(key, asyncio.Lock())
        self._waiting[key] = self._waiting.get(key, 0) + 1
        try:
            async with lock, self._sessions:
                yield
        finally:
            self._waiting[key] -= 1
            if not self._waiting[key]:
                del self._waiting[key], self._devices[key]
