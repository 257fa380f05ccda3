"""The conversations about canaries: events go out through syslog, and are looked up in files or in a store."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from agent.model.canary import CanaryList, CanaryNonces, CanarySend, SourceNonces
from agent.transports.files import FilesTransport
from agent.transports.syslog import SYSLOG_PORT, CanaryMemory, SyslogTransport, nonce_of

if TYPE_CHECKING:
    from pathlib import Path

    from agent.clock import Clock
    from agent.model.asset import Asset
    from agent.model.exchange import Request, Response, Transport

__all__ = ["CanaryTransport", "StoreTransport", "canary_memory"]


def canary_memory(state: Path) -> CanaryMemory:
    """Return where the state directory remembers the days of canaries."""
    return CanaryMemory(state / "canaries.txt")


class CanaryTransport:
    """Sends and looks up canaries.

    Args:
        asset: the log collector's address and port.
        key: the campus's, with which nonces are made.
        state: the directory in which the days are remembered.
        clock: says what day it is.
    """

    def __init__(self, asset: Asset, key: bytes, state: Path, clock: Clock) -> None:
        self._sending = SyslogTransport(asset.address, asset.port or SYSLOG_PORT, key, canary_memory(state), clock)
        self._looking = FilesTransport(lambda store, source, day: nonce_of(key, store, source, day))

    def within(self, seconds: float) -> None:
        """Bound the next exchange."""
        self._looking.within(seconds)

    async def exchange(self, request: Request) -> Response:
        """Send or look up.

        Raises:
            GapError: the collector, or the directory, cannot be reached.
        """
        return await (self._sending if isinstance(request, CanarySend) else self._looking).exchange(request)

    async def close(self) -> None:
        """Let threads that still read come to an end."""
        await self._looking.close()


class StoreTransport:
    """A store over HTTP that canaries are sent to: asked as any other, but the agent itself says which it sent.

    Args:
        store: speaks with the store.
        key: the campus's, with which nonces are made.
        state: the directory in which the days are remembered.
        clock: says what day it is.
    """

    def __init__(self, store: Transport, key: bytes, state: Path, clock: Clock) -> None:
        self._store = store
        self._key = key
        self._memory = canary_memory(state)
        self._clock = clock

    async def exchange(self, request: Request) -> Response:
        """List the canaries, or ask the store.

        Raises:
            GapError: the store cannot be reached.
        """
        if not isinstance(request, CanaryList):
            return await self._store.exchange(request)
        started = time.monotonic()
        # a day more: civil days of the campus and of UTC do not begin together
        oldest = (self._clock.now().date() - timedelta(days=request.days + 1)).isoformat()
        days = await asyncio.to_thread(self._memory.days, request.store)
        return CanaryNonces(
            sources=tuple(
                SourceNonces(
                    source=source,
                    nonces={
                        day: nonce_of(self._key, request.store, source, day).decode()
                        for day in days.get(source, ())
                        if day >= oldest
                    },
                )
                for source in request.sources
            ),
            elapsed_ms=round((time.monotonic() - started) * 1000),
        )

    async def close(self) -> None:
        """Close the connection to the store."""
        await self._store.close()
