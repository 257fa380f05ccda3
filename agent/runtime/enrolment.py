"""Enrolment: pin the backend's keys, begin the chain, deliver the beginning."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from agent.clock import SystemClock
from agent.errors import AgentError, UsageError
from agent.language import N_
from agent.model.evidence import Statement
from agent.runtime import recovery
from agent.runtime.backend_link import BackendLink, pin_trust, token_proof
from agent.runtime.wiring import open_agent
from agent.uplink.answers import LaterError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent.clock import Clock
    from agent.journal.store import Journal
    from agent.runtime.wiring import Agent

__all__ = ["enrol"]


async def enrol(url: str, token: str, campus: Path, state: Path, translate: Callable[[str], str] = str) -> list[str]:
    """Enrol this agent at a backend and return what a person should see and compare, in their language.

    May be called again after a failure: an enrolment that did not arrive is sent once more, and one that was refused,
    with nothing measured since, is set aside for one with the new token.

    Raises:
        UsageError: the agent is enrolled already or its chain has grown without an enrolment, or the token is empty.
        UplinkError: the backend cannot be reached, or refuses the token.
    """
    if not token:
        raise UsageError("the token is empty", todo="Put the token that the bureau gave you into the file")
    clock = SystemClock()
    pins = await pin_trust(url, state / "trust", clock)
    agent = _begun(campus, state, token, clock)
    try:
        link = BackendLink(url, pins, agent.signer.keyid, clock)
        try:
            link.resume(agent.journal)
            done = await link.send(agent.journal)
        finally:
            await link.close()
        if done.error is not None:
            if isinstance(done.error, LaterError):
                done.error.todo = N_("When the cause is gone, run campus-agent enrol again with the same token")
            raise done.error
        if done.rejected:
            raise UsageError(
                "the backend refused the enrolment: {why}",
                todo="Ask the bureau for a new token for this school, and run campus-agent enrol with it",
                why=done.rejected[0][1],
            )
    finally:
        agent.close()
    fingerprint = hashlib.sha256(pins.log_vkey.encode()).hexdigest()
    _ = translate
    return [
        _("enrolled {school} with key {keyid}").format(school=agent.campus.school.id, keyid=agent.signer.keyid),
        _("log key {key}").format(key=pins.log_vkey),
        _("compare its fingerprint with the bureau's: {fingerprint}").format(fingerprint=fingerprint),
    ]


def _begun(campus: Path, state: Path, token: str, clock: Clock) -> Agent:
    """Return the agent with a chain that begins with the proof of this token."""
    agent = open_agent(campus, state, clock=clock)
    try:
        proof = token_proof(token, agent.signer.keyid)
        if recovery.enrol(agent, proof) is not None or _may_resend(agent.journal, proof, str(state)):
            return agent
    except AgentError:
        agent.close()
        raise
    agent.close()
    (state / "journal").rename(state / f"journal.refused-{clock.now():%Y%m%dT%H%M%S%fZ}")
    agent = open_agent(campus, state, clock=clock)
    recovery.enrol(agent, proof)
    return agent


def _may_resend(journal: Journal, proof: str, where: str) -> bool:
    """Tell whether the chain's enrolment is of this token; False if it is of another one and nothing follows it.

    Raises:
        UsageError: it has its receipt, or it is of another token and the chain has grown since.
    """
    first = next(journal.entries())
    if journal.receipt(first.sha256) is not None:
        raise UsageError(
            "this agent is enrolled already",
            where=where,
            todo="Nothing is left to do; another agent needs another --state and a token of its own",
        )
    if Statement.from_bytes(first.payload).predicate.token_hmac == proof:
        return True
    if journal.head()[0] > 0:
        raise UsageError(
            "this agent measured before it was enrolled, so its chain has begun without this token",
            where=where,
            todo="Enrol with another --state, and copy keys/pseudonym.key there so that pseudonyms stay the same",
        )
    return False
