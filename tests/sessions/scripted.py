"""A scripted peer of sessions: a transport that answers from a list, with clocks and addresses to go with it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from agent import ber
from agent.model.exchange import Exchange, Request, Response
from agent.sessions.live import LiveSession
from agent.sessions.redact import Redactor

if TYPE_CHECKING:
    from collections.abc import Callable

START = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)
KEY = bytes(range(32))
Step = Response | BaseException | float
"""An answer, an error to raise, or seconds to be silent for."""


class HandClock:
    """A clock that moves when told, and a little with every look at it."""

    def __init__(self) -> None:
        self.ns = 0

    def now(self) -> datetime:
        return START + timedelta(microseconds=self.ns // 1000)

    def monotonic_ns(self) -> int:
        self.ns += 1_000_000
        return self.ns


@dataclass
class ScriptedTransport:
    """Answers each request with the next step."""

    steps: list[Step]
    asked: list[Request] = field(default_factory=list)
    closed: int = 0

    async def exchange(self, request: Request) -> Response:
        self.asked.append(request)
        step = self.steps.pop(0)
        if isinstance(step, float):
            await asyncio.sleep(step)
            raise AssertionError("nobody waited for this")
        if isinstance(step, BaseException):
            raise step
        return step

    async def close(self) -> None:
        self.closed += 1


def varbind(oid: str, tag: int, value: bytes) -> str:
    """Return one variable binding in hex."""
    return ber.encode_varbind(ber.oid_bytes(oid), tag, value).hex()


def octets(oid: str, value: bytes | str) -> str:
    """Return an OCTET STRING under the OID."""
    return varbind(oid, ber.OCTET_STRING, value if isinstance(value, bytes) else value.encode())


def number(oid: str, value: int, tag: int = ber.INTEGER) -> str:
    """Return an integer under the OID."""
    element = ber.encode_integer(value, tag)
    return varbind(oid, tag, element[2:])


def value_of(item: str) -> bytes:
    """Return the value's content octets."""
    return ber.decode_varbind(bytes.fromhex(item)).value


def live(
    steps: list[Step], *, secrets: tuple[bytes, ...] = (), seconds: float = 60
) -> tuple[LiveSession, ScriptedTransport, list[Exchange], HandClock]:
    """Return a live session over the steps, its transport, what it recorded, and its clock."""
    kept: list[Exchange] = []
    transport, clock = ScriptedTransport(steps), HandClock()
    record: Callable[[Exchange], None] = kept.append
    return LiveSession(transport, Redactor(KEY, secrets), record, clock, seconds), transport, kept, clock
