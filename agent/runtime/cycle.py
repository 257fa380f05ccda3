"""One run: start it in the chain, converse with every asset, derive readings, sign and end it.

Raw first: every exchange is durable in the journal before a collector sees the answer. One slow or lying asset
costs the others nothing. This is the one place where an unexpected exception of a collector is caught: it ends that
asset as `failed`, never the run.
"""

from __future__ import annotations

import asyncio
import gzip
import logging
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent import canonical
from agent.collectors import measure
from agent.errors import AgentError
from agent.evidence.statement import digest_set
from agent.model.evidence import (
    ChallengeRef,
    EntryKind,
    SegmentHeader,
    TargetResult,
    Times,
)
from agent.sessions.live import LiveSession
from agent.sessions.segment import segment_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.model.asset import Asset
    from agent.model.exchange import Exchange
    from agent.model.reading import Reading
    from agent.runtime.wiring import Agent

__all__ = ["Job", "RunResult", "readings_bytes", "run"]

PLAIN_LIMIT = 3 * 1024 * 1024
"""Octets; longer segments are compressed, since the backend takes blobs of 4 MiB."""
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
    lines: list[bytes] = field(default_factory=list)
    gaps: int = 0
    partial: bool = False
    redactions: Counter[str] = field(default_factory=Counter)
    readings: list[Reading] = field(default_factory=list)

    def keep(self, exchange: Exchange) -> bytes:
        """Count an exchange and return its line."""
        line = exchange.to_bytes()
        self.lines.append(line)
        self.redactions.update(exchange.redactions)
        if exchange.gap is not None:
            self.gaps += 1
            self.result = exchange.gap.reason
        elif getattr(exchange.response, "partial", ()):
            self.partial = True
        return line


@dataclass(frozen=True, slots=True)
class RunResult:
    """A finished run."""

    run: str
    seq: int
    payload_sha256: str
    targets: tuple[TargetResult, ...]
    readings: tuple[Reading, ...]


async def run(
    agent: Agent, jobs: Sequence[Job], *, progress: Callable[[Conversation], None] | None = None
) -> RunResult:
    """Do one run over the jobs and return it, signed and journaled.

    Raises:
        JournalError: the journal cannot be written; nothing taken before is lost.
    """
    name = uuid.uuid4().hex
    started = agent.clock.now()
    challenge = await agent.challenge()
    files = dict(agent.plan_files)
    if challenge is not None:
        files["challenge.dsse.json"] = challenge.envelope
    reference = ChallengeRef(nonce=challenge.nonce, issued_at=challenge.issued_at) if challenge else None
    agent.state(
        EntryKind.RUN_START,
        files,
        run=name,
        challenge=reference,
        time=agent.times(started),
        plan=digest_set(agent.campus_digest),
    )
    gate = asyncio.Semaphore(AT_ONCE)

    async def bounded(job: Job) -> Conversation:
        async with gate:
            conversation = await converse(agent, name, job)
        if progress is not None:
            progress(conversation)
        return conversation

    conversations = await asyncio.gather(*(bounded(job) for job in jobs))
    return _end(agent, name, conversations, files, reference, agent.times(started))


async def converse(agent: Agent, name: str, job: Job) -> Conversation:
    """Converse with one asset; whatever happens is in the result, nothing is raised but a broken journal."""
    conversation = Conversation(job)
    asset = job.asset

    def record(exchange: Exchange) -> None:
        agent.journal.append_exchange(name, asset.id, conversation.keep(exchange))

    try:
        transport = agent.transport(asset)
        try:
            session = LiveSession(transport, agent.redactor, record, agent.clock, job.deadline_seconds)
            conversation.readings = await measure(asset, agent.campus, job.collectors, session)
        finally:
            await transport.close()
    except agent.fatal:
        raise
    except AgentError as error:
        conversation.result = "failed"
        log.warning("%s", error)
    except Exception:  # a collector's defect ends this asset, not the run; see the module docstring
        conversation.result = "failed"
        log.exception("collector failed on asset %s", asset.id)
    if conversation.result == "ok" and conversation.partial:
        conversation.result = "partial"
    return conversation


def readings_bytes(readings: Sequence[Reading]) -> bytes:
    """Return readings as canonical JSON lines, in the order given."""
    return b"".join(reading.to_bytes() + b"\n" for reading in readings)


def segment_file(name: str, conversation: Conversation) -> tuple[str, bytes]:
    """Return the subject name and the bytes of a conversation's raw segment."""
    job = conversation.job
    header = SegmentHeader(run=name, asset=job.asset, collectors=job.collectors)
    data = segment_bytes(header, conversation.lines)
    subject = f"raw/{job.asset.id}.jsonl"
    if len(data) > PLAIN_LIMIT:
        return subject + ".gz", gzip.compress(data, mtime=0)
    return subject, data


def _end(
    agent: Agent,
    name: str,
    conversations: Sequence[Conversation],
    files: dict[str, bytes],
    challenge: ChallengeRef | None,
    times: Times,
) -> RunResult:
    readings = [reading for item in conversations for reading in item.readings]
    redactions: Counter[str] = Counter()
    targets = []
    for item in conversations:
        segment = None
        if item.lines:
            subject, data = segment_file(name, item)
            files[subject] = data
            segment = digest_set(canonical.digest(data))
        redactions.update(item.redactions)
        targets.append(
            TargetResult(
                id=item.job.asset.id,
                result=item.result,
                segment=segment,
                exchanges=len(item.lines),
                gaps=item.gaps,
            )
        )
    files["readings.jsonl"] = readings_bytes(readings)
    entry = agent.state(
        EntryKind.RUN,
        files,
        run=name,
        challenge=challenge,
        time=times,
        plan=digest_set(agent.campus_digest),
        targets=tuple(targets),
        redactions=dict(redactions),
    )
    return RunResult(name, entry.seq, entry.sha256, tuple(targets), tuple(readings))
