"""One run: start it in the chain, converse with every asset, derive readings, sign and end it.

Raw first: every exchange is durable in the journal before a collector sees the answer, and kept nowhere else: what a
run holds does not grow with how much it asks. One slow or lying asset
costs the others nothing. This is the one place where an unexpected exception of a collector is caught: it ends that
asset as `failed`, never the run.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from agent.collectors import measure
from agent.errors import AgentError, JournalError
from agent.evidence.statement import digest_set
from agent.model.evidence import (
    ChallengeRef,
    DigestSet,
    EntryKind,
    SegmentHeader,
    TargetResult,
)
from agent.model.exchange import GapReason
from agent.runtime import recovery
from agent.runtime.segments import keep_segment
from agent.sessions.live import LiveSession
from agent.sessions.segment import Weight, packed
from agent.verify.recompute import readings_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from agent.model.asset import Asset
    from agent.model.base import Digest
    from agent.model.campus import Campus
    from agent.model.exchange import Exchange
    from agent.model.reading import Reading
    from agent.runtime.wiring import Agent

__all__ = ["Job", "RunResult", "run"]

AT_ONCE = 200
"""Assets in conversation at the same time."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """What one run asks of one asset."""

    asset: Asset
    collectors: tuple[str, ...]
    deadline_seconds: float


@dataclass(slots=True)
class Conversation:
    """What came of one job."""

    job: Job
    result: str = "ok"
    exchanges: int = 0
    gaps: int = 0
    partial: bool = False
    redactions: Counter[str] = field(default_factory=Counter)
    readings: list[Reading] = field(default_factory=list)
    why: AgentError | None = None
    """The last thing that went wrong: what happened and what to do."""

    def keep(self, exchange: Exchange) -> bytes:
        """Count an exchange and return its line."""
        self.exchanges += 1
        self.redactions.update(exchange.redactions)
        if exchange.gap is not None:
            self.gaps += 1
            self.partial = self.partial or exchange.gap.reason is not GapReason.UNSUPPORTED
        elif getattr(exchange.response, "partial", ()):
            self.partial = True
        return exchange.to_bytes()

    def tell(self, why: AgentError) -> None:
        """Remember what went wrong last."""
        self.why = why

    def take(self, readings: list[Reading]) -> None:
        """Keep the readings; the result is `ok`, `partial`, or how the last collector ended when none ended well.

        What a device does not have (`unsupported`) takes nothing from what it has.
        """
        self.readings = readings
        ended = [reading.value for reading in readings if reading.metric == "collector.answer"]
        if ended and "ok" not in ended:
            self.result = ended[-1]
        elif self.partial or any(state not in ("ok", GapReason.UNSUPPORTED) for state in ended):
            self.result = "partial"


@dataclass(frozen=True, slots=True)
class _Begun:
    """What was true when the run began; a campus file that is read anew meanwhile counts for the next run."""

    name: str
    campus: Campus
    plan: DigestSet
    files: dict[str, bytes]
    challenge: ChallengeRef | None
    started: datetime
    started_ns: int


@dataclass(frozen=True, slots=True)
class RunResult:
    """A finished run."""

    run: str
    seq: int
    payload_sha256: str
    targets: tuple[TargetResult, ...]
    readings: tuple[Reading, ...]
    why: Mapping[str, AgentError] = field(default_factory=dict)
    """By asset, what went wrong last, for people; the record holds it as gaps."""


async def run(
    agent: Agent,
    jobs: Sequence[Job],
    *,
    resting: Iterable[str] = (),
    progress: Callable[[Conversation], None] | None = None,
) -> RunResult:
    """Do one run over the jobs and return it, signed and journaled; assets that rest are named as not asked.

    A run that is cancelled, or that the journal cannot hold, ends as `run-abort` with the answers taken so far.

    Raises:
        JournalError: the journal cannot be written; nothing taken before is lost.
    """
    begun = await _begin(agent)
    gate = asyncio.Semaphore(AT_ONCE)

    async def bounded(job: Job) -> Conversation:
        drawn = replace(job, asset=job.asset.drawn(begun.challenge.nonce)) if begun.challenge else job
        async with gate:
            conversation = await converse(agent, begun.name, begun.campus, drawn)
        if progress is not None:
            progress(conversation)
        return conversation

    tasks = [asyncio.create_task(bounded(job)) for job in jobs]
    try:
        conversations = await asyncio.gather(*tasks)
        segments = await asyncio.to_thread(_keep_segments, agent, begun, conversations)
        return _end(agent, begun, conversations, segments, resting)
    except BaseException as error:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(JournalError):  # then the next start ends the run
            recovery.abort_run(agent, begun.name, _why(error))
        raise


async def _begin(agent: Agent) -> _Begun:
    challenge = await agent.challenge()
    begun = _Begun(
        name=uuid.uuid4().hex,
        campus=agent.campus,
        plan=digest_set(agent.campus_digest),
        files=dict(agent.plan_files),
        challenge=ChallengeRef(nonce=challenge.nonce, issued_at=challenge.issued_at) if challenge else None,
        started=agent.clock.now(),
        started_ns=agent.clock.monotonic_ns(),
    )
    if challenge is not None:
        begun.files["challenge.dsse.json"] = challenge.envelope
    agent.state(
        EntryKind.RUN_START,
        begun.files,
        run=begun.name,
        challenge=begun.challenge,
        time=agent.times(begun.started),
        plan=begun.plan,
    )
    return begun


def _why(error: BaseException) -> str:
    if isinstance(error, asyncio.CancelledError):
        return "the agent was told to stop"
    return "the journal could not be written" if isinstance(error, JournalError) else type(error).__name__


async def converse(agent: Agent, name: str, campus: Campus, job: Job) -> Conversation:
    """Converse with one asset; whatever happens is in the result, nothing is raised but a broken journal."""
    conversation, weight = Conversation(job), Weight()
    asset = job.asset

    def record(exchange: Exchange) -> None:
        line = conversation.keep(exchange)
        weight.add(line)
        agent.journal.append_exchange(name, asset.id, line)

    try:
        async with agent.line(asset) as line:
            assert line.transport is not None  # opened just now
            session = LiveSession(
                line.transport,
                agent.redactor,
                record,
                agent.clock,
                job.deadline_seconds,
                full=weight.full,
                told=conversation.tell,
            )
            conversation.take(await measure(asset, campus, job.collectors, session, conversation.tell))
            line.answered = conversation.result in ("ok", "partial")
    except agent.fatal:
        raise
    except AgentError as error:
        conversation.result, conversation.why = "failed", error
        log.warning("asset %s: %s", asset.id, error)
    except Exception:  # a collector's defect ends this asset, not the run; see the module docstring
        conversation.result = "failed"
        log.exception("collector failed on asset %s", asset.id)
    return conversation


def _keep_segments(agent: Agent, begun: _Begun, conversations: Sequence[Conversation]) -> dict[str, tuple[str, Digest]]:
    """Store the segments of all that were asked anything; return their names and digests by asset."""
    jobs = [item.job for item in conversations if item.exchanges]
    return {
        job.asset.id: keep_segment(
            agent.journal, SegmentHeader(run=begun.name, asset=job.asset, collectors=job.collectors)
        )
        for job in jobs
    }


def _end(
    agent: Agent,
    begun: _Begun,
    conversations: Sequence[Conversation],
    segments: Mapping[str, tuple[str, Digest]],
    resting: Iterable[str],
) -> RunResult:
    files: dict[str, bytes | Digest] = {**begun.files}
    readings = [reading for item in conversations for reading in item.readings]
    redactions: Counter[str] = Counter()
    targets = [TargetResult(id=name, result="resting") for name in sorted(resting)]
    for item in conversations:
        job = item.job
        segment = None
        if job.asset.id in segments:
            subject, digest = segments[job.asset.id]
            files[subject] = digest
            files[f"families/{job.asset.family}.yaml"] = agent.family_files[job.asset.family]
            segment = digest_set(digest)
        redactions.update(item.redactions)
        targets.append(
            TargetResult(
                id=job.asset.id,
                result=item.result,
                segment=segment,
                exchanges=item.exchanges,
                gaps=item.gaps,
            )
        )
    subject, data = packed("readings.jsonl", readings_bytes(readings))
    files[subject] = data
    entry = agent.state(
        EntryKind.RUN,
        files,
        run=begun.name,
        challenge=begun.challenge,
        time=agent.times(begun.started, begun.started_ns),
        plan=begun.plan,
        targets=tuple(targets),
        redactions=dict(redactions),
    )
    return RunResult(begun.name, entry.seq, entry.sha256, tuple(targets), tuple(readings), _told(conversations))


def _told(conversations: Sequence[Conversation]) -> dict[str, AgentError]:
    return {item.job.asset.id: item.why for item in conversations if item.why and item.result != "ok"}
