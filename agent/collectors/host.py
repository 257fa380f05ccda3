"""The server that the agent runs on: room on its disk, memory, load, clock, addresses by family and scope.

Graded `measured`: the agent sees it itself. A journal that runs out of disk and a clock that nobody sets are what
makes evidence worthless, so both are readings like any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.collectors.answers import measured
from agent.errors import GapError
from agent.model.exchange import GapReason, HostFacts, HostState

if TYPE_CHECKING:
    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.model.exchange import Session
    from agent.model.reading import Reading

__all__ = ["collect"]

LOADS = ("host.load.1min", "host.load.5min", "host.load.15min")
SCOPES = ("global", "unique-local", "private", "link-local")
"""Loopback and the like say nothing about the network."""


async def collect(asset: Asset, campus: Campus, session: Session) -> list[Reading]:  # noqa: ARG001 (the protocol)
    """Read the state of the agent's own server.

    Raises:
        GapError: the operating system does not say, or the asset is no such server.
    """
    answer = await session.ask(HostFacts())
    state = answer.response
    if not isinstance(state, HostState):
        raise GapError(GapReason.MALFORMED, "the own server was answered by {op}", op=state.op)
    values = (
        ("host.disk.total", state.disk_total, "By"),
        ("host.disk.free", state.disk_free, "By"),
        ("host.memory.total", state.memory_total, "By"),
        ("host.memory.available", state.memory_available, "By"),
        *((metric, value, "1") for metric, value in zip(LOADS, state.load, strict=False)),
        ("host.cpus", None if state.cpus is None else str(state.cpus), "1"),
        ("host.uptime", state.uptime_seconds, "s"),
        ("host.boot", state.boot_id if state.boot_id != "unknown" else None, ""),
        ("host.clock.state", state.clock, ""),
        ("host.clock.source", state.clock_source, ""),
        ("host.clock.error", state.clock_error_ms, "ms"),
        *((metric, value, "1") for metric, value in _addresses(state)),
    )
    subject = f"asset:{asset.id}"
    return [measured(metric, subject, value, unit, answer) for metric, value, unit in values if value is not None]


def _addresses(state: HostState) -> list[tuple[str, str]]:
    counts = {(each.family, each.scope): each.count for each in state.addresses}
    return [
        (f"host.addresses.{family}.{scope.replace('-', '_')}", str(counts.get((family, scope), 0)))
        for family in ("ipv4", "ipv6")
        for scope in SCOPES
        if (family, scope) not in {("ipv4", "unique-local"), ("ipv6", "private")}
    ]
