"""Transports that outlive a run: one per device, so that what was learnt of it is not learnt anew every minute.

A kept SNMP transport remembers how many rows the device stands in one answer, and for SNMPv3 its engine's identity,
boots and time: without that every run would pay discovery again. A device has one conversation at a time, whatever
collectors are due. After a conversation that brought no answer the transport is closed, since what it remembers may
be what is wrong.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection

    from agent.model.exchange import Transport

__all__ = ["Line", "Lines"]

log = logging.getLogger(__name__)


@dataclass
class Line:
    """One device's transport, while a conversation has it."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    key: object = None
    """What the transport was made from; another campus file or credential makes another."""
    transport: Transport | None = None
    answered: bool = False
    """Set by the conversation when the device answered: then the transport is worth keeping."""
    engine: bytes = b""
    """The SNMPv3 engine identity that the device showed last."""
    told: frozenset[str] = frozenset()
    """What was noticed of the device and is in the log."""


@dataclass
class Lines:
    """The kept transports of a service."""

    _lines: dict[str, Line] = field(default_factory=dict)

    @asynccontextmanager
    async def open(self, name: str, key: object, build: Callable[[], Transport]) -> AsyncIterator[Line]:
        """Give the device's line to one conversation; it is closed afterwards unless the device answered."""
        line = self._lines.setdefault(name, Line())
        async with line.lock:
            if line.transport is None or line.key != key:
                await self._hang_up(line)
                line.transport, line.key = build(), key
            line.answered = False
            try:
                yield line
            finally:
                self._tell(name, line)
                if not line.answered:
                    await self._hang_up(line)

    async def keep(self, names: Collection[str]) -> None:
        """Close the lines to all others: devices that are in the campus file no longer."""
        for name in self._lines.keys() - set(names):
            line = self._lines[name]
            async with line.lock:  # a conversation under way ends first
                await self._hang_up(line)
            line.engine = b""

    async def close(self) -> None:
        """Close every kept transport."""
        for line in self._lines.values():
            await self._hang_up(line)

    def _tell(self, name: str, line: Line) -> None:
        """Log once what a transport noticed of its device, and which devices show one engine identity."""
        notices = frozenset(map(str, getattr(line.transport, "notices", ())))
        for notice in sorted(notices - line.told):
            log.warning("%s: %s", name, notice)
        line.told = notices
        engine = getattr(line.transport, "engine_id", b"")
        if engine in {b"", line.engine}:
            return
        line.engine = engine
        twins = sorted(each for each, other in self._lines.items() if other.engine == engine)
        if len(twins) > 1:  # cloned configurations, or one device twice
            text = "%s: SNMPv3 engineID %s is shown by several devices; give each its own (or list the device once)"
            log.warning(text, ", ".join(twins), engine.hex())

    async def _hang_up(self, line: Line) -> None:
        transport, line.transport = line.transport, None
        if transport is not None:
            await transport.close()
