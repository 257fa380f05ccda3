"""After a stop of any kind: end what was left open, and say how long the silence was.

A run that has a start and no end becomes a `run-abort` with whatever its conversations had recorded; slots that
passed unmeasured become a `gap` entry. Both are signed and chained like everything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.clock import time_text
from agent.evidence.statement import digest_set
from agent.model.asset import Asset
from agent.model.evidence import EntryKind, SegmentHeader, TargetResult, Times
from agent.runtime.segments import keep_segment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.journal.records import Entry
    from agent.journal.slots import Slot
    from agent.model.base import Digest
    from agent.runtime.wiring import Agent

__all__ = ["abort_open_runs", "abort_run", "enrol", "state_gap"]


def enrol(agent: Agent, token_hmac: str | None = None) -> Entry | None:
    """Append the enrolment if the chain is empty: the public key, and the proof of the one-time token if given."""
    if agent.journal.head()[0] >= 0:
        return None
    return agent.state(
        EntryKind.ENROL,
        {"agent.pub": agent.signer.public_pem},
        time=agent.times(agent.clock.now()),
        public_key=agent.signer.public_pem.decode(),
        token_hmac=token_hmac,
    )


def abort_open_runs(agent: Agent, reason: str = "the agent stopped before the run ended") -> list[Entry]:
    """End every run that has no end, keeping the raw answers that it had taken."""
    return [abort_run(agent, run, reason) for run in agent.journal.open_runs()]


def state_gap(agent: Agent, slots: Sequence[Slot], reason: str, *, more: int = 0) -> Entry | None:
    """Say in the chain how many slots passed unmeasured, `more` of them unlisted; nothing when there are none."""
    if not slots:
        return None
    due = sorted(slot.due for slot in slots)
    return agent.state(
        EntryKind.GAP,
        dict(agent.plan_files),
        time=Times(
            started=time_text(due[0]),
            finished=time_text(agent.clock.now()),
            monotonic_ns=str(agent.clock.monotonic_ns()),
        ),
        plan=digest_set(agent.campus_digest),
        reason=reason,
        missed=len(due) + more,
    )


def abort_run(agent: Agent, run: str, reason: str) -> Entry:
    """End a run that will have no end of its own, keeping the raw answers that it had taken."""
    files: dict[str, bytes | Digest] = {**agent.plan_files}
    targets = []
    for name, exchanges in agent.journal.recorded(run).items():
        asset = agent.campus.asset(name) or Asset(id=name, family="generic-snmp", address="unknown")
        subject, digest = keep_segment(agent.journal, SegmentHeader(run=run, asset=asset, collectors=()))
        files[subject] = digest
        targets.append(
            TargetResult(
                id=name,
                result="aborted",
                segment=digest_set(digest),
                exchanges=exchanges,
                gaps=sum(b'"gap":{' in line for line in agent.journal.exchanges(run, name)),
            )
        )
    return agent.state(
        EntryKind.RUN_ABORT,
        files,
        run=run,
        time=agent.times(agent.clock.now()),
        plan=digest_set(agent.campus_digest),
        targets=tuple(targets),
        reason=reason,
    )
