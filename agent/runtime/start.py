"""What the school's commands do: run, assess, upload, export; each opens the agent, works, and closes it."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from agent.clock import Clock, SystemClock
from agent.collectors import COLLECTORS
from agent.errors import ConfigError, JournalBusyError, UsageError
from agent.evidence.bundle import write_bundle
from agent.journal.store import Journal
from agent.language import N_, name_of
from agent.model.evidence import EntryKind, Statement
from agent.packs.load import config_directory, load_campus, load_families
from agent.runtime import recovery
from agent.runtime.assessment import assess_window, export, judge_window, latest_assessment
from agent.runtime.backend_link import BackendLink, Pins, load_pins
from agent.runtime.cycle import run as run_cycle
from agent.runtime.lines import Lines
from agent.runtime.schedule import jobs_of
from agent.runtime.service import Service
from agent.runtime.wiring import Agent, open_agent
from agent.uplink.answers import LaterError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from agent.errors import AgentError
    from agent.model.evidence import TargetResult
    from agent.model.finding import Assessment

__all__ = ["Scored", "assess", "bundle", "connected", "run", "upload"]


@dataclass(frozen=True, slots=True)
class Scored:
    """What `assess` found."""

    assessments: tuple[Assessment, ...]
    signed: bool
    """False: another process writes the journal, so that nothing could be added to it."""
    last: Statement | None = None
    """Where it is not signed: the newest signed assessment by the same standards."""


@contextmanager
def opened(campus: Path, state: Path, clock: Clock | None = None) -> Iterator[Agent]:
    """Open the agent, make sure that its chain has begun, and close it afterwards."""
    agent = open_agent(campus, state, clock=clock)
    try:
        recovery.enrol(agent)
        yield agent
    finally:
        agent.close()


def connected(agent: Agent, state: Path, url: str | None, translate: Callable[[str], str] = str) -> BackendLink | None:
    """Return the link to the backend, if there is one; its keys must be pinned.

    Args:
        agent: who sends.
        state: its directory, which holds the pinned keys.
        url: of the backend.
        translate: into the language of the log.

    Raises:
        ConfigError: nothing is pinned.
    """
    if not url:
        return None
    return BackendLink(url, load_pins(state / "trust"), agent.signer.keyid, agent.clock, translate)


def run(campus: Path, state: Path, url: str | None, *, once: bool, translate: Callable[[str], str] = str) -> list[str]:
    """Run the service until it is told to stop, or one run over everything; log and lines in the reader's language.

    Returns:
        With `once`, a line per asset.
    """
    with opened(campus, state) as agent:

        def reload() -> None:
            pack = load_campus(campus, families=agent.families, collectors=COLLECTORS)
            agent.use_campus(pack.value, pack.data, pack.digest)

        async def serve() -> list[str]:
            agent.backend = connected(agent, state, url, translate)
            try:
                if not once:
                    agent.lines = Lines()
                    await agent.listen()
                    await Service(agent, reload, translate).serve()
                    await _take_last(agent)
                    return []
                recovery.abort_open_runs(agent)
                result = await run_cycle(agent, jobs_of(agent.campus, agent.families, COLLECTORS))
                if agent.backend is not None:
                    await agent.backend.flush(agent.journal)
            finally:
                if agent.lines is not None:
                    await agent.lines.close()
                await agent.receivers.close()
                if agent.backend is not None:
                    await agent.backend.close()
            return [_target(target, result.why.get(target.id), translate) for target in result.targets]

        return asyncio.run(serve())


def _target(target: TargetResult, why: AgentError | None, translate: Callable[[str], str]) -> str:
    """Return how the conversation with an asset went."""
    _ = translate
    told = _("{asset}: {result}, {count} exchanges").format(
        asset=target.id, result=name_of(target.result, _), count=target.exchanges
    )
    return f"{told}; {why.render(_)}" if why is not None else told


async def _take_last(agent: Agent) -> None:
    """Journal the notifications that no run has taken: those before a power cut matter most."""
    pending = agent.receivers.pending()
    others = frozenset(asset.id for asset in agent.campus.assets) - pending
    if pending:
        await run_cycle(agent, jobs_of(agent.campus, agent.families, ["notifications"], skip=others))


def assess(campus: Path, state: Path, standards: Sequence[str], days: int, clock: Clock | None = None) -> Scored:
    """Judge the last days of the journal, and sign it unless the service, or another process, writes the journal.

    Raises:
        UsageError: a standard is not known, or there is nothing to judge.
        ConfigError: the campus file is wrong, or of another school.
        JournalError: the journal cannot be read.
    """
    until = (clock or SystemClock()).now()
    since = until - timedelta(days=days)
    try:
        agent = open_agent(campus, state, clock=clock)
    except JournalBusyError:
        return _looked_at(campus, state, standards, since, until)
    try:
        judged, _ = assess_window(agent, standards, since, until)
    finally:
        agent.close()
    return Scored(tuple(judged), signed=True)


def _looked_at(campus: Path, state: Path, standards: Sequence[str], since: datetime, until: datetime) -> Scored:
    """Judge beside the process that writes; a run that still goes on is not seen."""
    file = load_campus(campus, families=load_families(config_directory(), collectors=COLLECTORS), collectors=COLLECTORS)
    with Journal(state / "journal", readonly=True) as journal:
        first = next(journal.entries(), None)
        chain = Statement.from_bytes(first.payload).predicate.campus if first else file.value.school.id
        if chain != file.value.school.id:
            raise ConfigError(
                "this campus file is of school {new!r}, but this agent's chain is of {old!r}",
                where=str(state),
                todo="A school's id never changes; another school needs another state directory and its own enrolment",
                new=file.value.school.id,
                old=chain,
            )
        judged = judge_window(journal, file.data, standards, since, until)
        return Scored(judged.assessments, signed=False, last=latest_assessment(journal, standards))


def upload(campus: Path, state: Path, url: str | None, translate: Callable[[str], str] = str) -> list[str]:
    """Send everything that is due and say what came of it, in the reader's language.

    Raises:
        UsageError: no backend is configured.
        UplinkError: the backend did not take it; nothing is lost.
    """
    if not url:
        raise UsageError("there is no backend to send to", todo="Give --backend URL")

    async def send() -> list[str]:
        with opened(campus, state, SystemClock()) as agent:
            link = connected(agent, state, url)
            assert link is not None  # there is a url
            try:
                link.resume(agent.journal)
                done = await link.send(agent.journal)
            finally:
                await link.close()
            backlog = agent.journal.backlog()
        if isinstance(done.error, LaterError):
            done.error.todo = N_("Nothing is lost: a running service sends it, or run campus-agent upload again")
        if done.error is not None:
            raise done.error
        _ = translate
        lines = [_("{sent} receipts stored, {waiting} entries waiting").format(sent=done.sent, waiting=backlog.waiting)]
        refused = _("entry {seq} was refused for good: {why}")
        return lines + [refused.format(seq=seq, why=why) for seq, why in backlog.rejected]

    return asyncio.run(send())


def bundle(state: Path, output: Path, seq: int | None, translate: Callable[[str], str] = str) -> str:
    """Export an assessment and return what was written, in the reader's language.

    Raises:
        UsageError: there is no such assessment.
    """
    pins: Pins | None = load_pins(state / "trust") if (state / "trust" / "log.vkey").exists() else None
    with Journal(state / "journal", readonly=True) as journal:
        found = [entry for entry in journal.entries(kind=EntryKind.ASSESSMENT) if seq is None or entry.seq == seq]
        if not found:
            raise UsageError(
                "there is no such assessment in the journal", where=str(state), todo="Run campus-agent assess first"
            )
        contents = export(
            journal,
            found[-1],
            _public_key(journal),
            pins.log_vkey if pins else None,
            pins.challenge_pub if pins else None,
        )
    write_bundle(output, contents)
    _ = translate
    return _("{output}: assessment {seq}, {statements} statements, {files} files").format(
        output=output, seq=found[-1].seq, statements=len(contents.statements), files=len(contents.blobs)
    )


def _public_key(journal: Journal) -> bytes:
    """Return the public half of the chain's key, as its first entry states it."""
    first = next(journal.entries())  # there is an assessment, so there is a first entry
    return (Statement.from_bytes(first.payload).predicate.public_key or "").encode()
