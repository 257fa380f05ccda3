"""Enrolment: pin the backend's keys, begin the chain, deliver the beginning."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from agent.clock import SystemClock
from agent.errors import UsageError
from agent.runtime import recovery
from agent.runtime.backend_link import BackendLink, pin_trust, token_proof
from agent.runtime.wiring import open_agent

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["enrol"]


async def enrol(url: str, token: str, campus: Path, state: Path) -> list[str]:
    """Enrol this agent at a backend and return what a person should see and compare.

    Raises:
        UsageError: the chain has begun already, or the token is empty.
        UplinkError: the backend cannot be reached, or refuses the token.
    """
    if not token:
        raise UsageError("the token is empty")
    clock = SystemClock()
    pins = await pin_trust(url, state / "trust", clock)
    agent = open_agent(campus, state, clock=clock)
    try:
        entry = recovery.enrol(agent, token_proof(token, agent.signer.keyid))
        if entry is None:
            raise UsageError(
                "this agent's chain has begun already; it cannot be enrolled again",
                todo="A new enrolment needs a new state directory and a reason that the bureau accepts",
            )
        link = BackendLink(url, pins, agent.signer.keyid, clock)
        try:
            done = await link.send(agent.journal)
        finally:
            await link.close()
        if done.rejected:
            raise UsageError("the backend refused the enrolment: {why}", why=done.rejected[0][1])
        if done.error is not None:
            raise done.error
    finally:
        agent.close()
    fingerprint = hashlib.sha256(pins.log_vkey.encode()).hexdigest()
    return [
        f"enrolled {agent.campus.school.id} with key {agent.signer.keyid}",
        f"log key {pins.log_vkey}",
        f"compare its fingerprint with the bureau's: {fingerprint}",
    ]
