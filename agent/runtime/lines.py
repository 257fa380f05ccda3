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
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

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


@dataclass
class Lines:
    """The kept transports of a service."""

    _lines: dict[str, Line] = field(default_factory=dict)
    _told: set[tuple[str, str]] = field(default_factory=set)

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
                self._tell(name, line.transport)
                if not line.answered:
                    await self._hang_up(line)

    async def close(self) -> None:
        """Close every kept transport."""
        for line in self._lines.values():
            await self._hang_up(line)

    def twins(self) -> dict[str, list[str]]:
        """Return the SNMPv3 engine identities that several devices show: cloned configurations, or one device twice."""
        seen: dict[str, list[str]] = {}
        for name, line in self._lines.items():
            if engine := getattr(line.transport, "engine_id", b""):
                seen.setdefault(engine.hex(), []).append(name)
        return {engine: sorted(names) for engine, names in seen.items() if len(names) > 1}

    def _tell(self, name: str, transport: Any) -> None:
        """Log once what a transport noticed of its device, and which devices show one engine identity."""
        notices = [(name, str(notice)) for notice in getattr(transport, "notices", ())]
        for engine, names in self.twins().items():
            text = f"SNMPv3 engineID {engine} is shown by several devices; give each its own (or list the device once)"
            notices.append((", ".join(names), text))
        for notice in notices:
            if notice not in self._told:
                self._told.add(notice)
                log.warning("%s: %s", *notice)

    async def _hang_up(self, line: Line) -> None:
        transport, line.transport = line.transport, None
        if transport is not None:
            await transport.close()
