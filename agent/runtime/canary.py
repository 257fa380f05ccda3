"""The canary's conversation: events go out through syslog, and are looked up in files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.model.exchange import CanarySend
from agent.transports.files import FilesTransport
from agent.transports.syslog import SYSLOG_PORT, CanaryMemory, SyslogTransport, nonce_of

if TYPE_CHECKING:
    from pathlib import Path

    from agent.clock import Clock
    from agent.model.asset import Asset
    from agent.model.exchange import Request, Response

__all__ = ["CanaryTransport"]


class CanaryTransport:
    """Sends and looks up canaries.

    Args:
        asset: the log collector's address and port.
        key: the campus's, with which nonces are made.
        state: the directory in which the days are remembered.
        clock: says what day it is.
    """

    def __init__(self, asset: Asset, key: bytes, state: Path, clock: Clock) -> None:
        memory = CanaryMemory(state / "canaries.txt")
        self._sending = SyslogTransport(asset.address, asset.port or SYSLOG_PORT, key, memory, clock)
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
