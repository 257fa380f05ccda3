"""Judge a window of the journal, sign the judgement, export it with all that a stranger needs to recompute it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from agent.assess.assess import assess, declared_readings
from agent.clock import parse_time, time_text
from agent.errors import UsageError
from agent.evidence.bundle import BundleContents, StatementFile, manifest_of
from agent.evidence.statement import digest_set
from agent.model.evidence import EntryKind, Statement
from agent.model.finding import Window
from agent.packs.load import chosen_standards, config_directory, metric_packs, standard_packs
from agent.sessions.segment import unpacked
from agent.verify.recompute import readings_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from agent.journal.records import Entry
    from agent.journal.store import Journal
    from agent.model.finding import Assessment
    from agent.model.reading import Reading
    from agent.runtime.wiring import Agent

__all__ = ["assess_window", "export", "runs_between"]


def runs_between(journal: Journal, since: datetime, until: datetime) -> list[tuple[Entry, Statement]]:
    """Return the finished runs of the window, in chain order."""
    found = []
    for entry in journal.entries(kind=EntryKind.RUN):
        statement = Statement.from_bytes(entry.payload)
        if since <= parse_time(statement.predicate.time.finished) <= until:
            found.append((entry, statement))
    return found


def readings_of_run(journal: Journal, statement: Statement) -> list[Reading]:
    """Return the readings that a run's statement names."""
    found = {item.name: item.digest.digest() for item in statement.subject if item.name.startswith("readings.jsonl")}
    data = unpacked({name: journal.get_blob(digest) for name, digest in found.items()}, "readings.jsonl")
    return [] if data is None else readings_of(data, where="readings.jsonl")


def assess_window(
    agent: Agent, standards: Sequence[str], since: datetime, until: datetime
) -> tuple[list[Assessment], Entry]:
    """Judge the window by each standard and append one signed assessment.

    Raises:
        UsageError: a standard is not known, or the journal holds no run in the window.
    """
    directory = config_directory()
    packs = metric_packs(directory)
    metrics = {metric.name: metric for pack in packs for metric in pack.value.metrics}
    known = {pack.value.id: pack for pack in standard_packs(directory, metrics)}
    chosen = chosen_standards(known, standards)
    runs = runs_between(agent.journal, since, until)
    if not runs:
        raise UsageError("the journal holds no finished run in this window", todo="Run campus-agent run first")
    readings = [reading for _, statement in runs for reading in readings_of_run(agent.journal, statement)]
    window = Window(since=time_text(since), until=time_text(until))
    readings += declared_readings(agent.campus, agent.campus_digest, window=window)
    files = dict(agent.plan_files)
    files["runs.txt"] = "".join(f"sha256:{entry.sha256}\n" for entry, _ in runs).encode()
    files |= {f"metrics/{Path(pack.path).name}": pack.data for pack in packs}
    judged = []
    for pack in chosen:
        name = pack.value.id
        assessment = assess(pack.value, pack.digest, readings, metrics=metrics, campus=agent.campus, window=window)
        files[f"standards/{name}.yaml"] = pack.data
        files[f"findings/{name}.json"] = assessment.to_bytes()
        judged.append(assessment)
    entry = agent.state(
        EntryKind.ASSESSMENT,
        files,
        time=agent.times(until),
        plan=digest_set(agent.campus_digest),
        window=(window.since, window.until),
    )
    return judged, entry


def export(
    journal: Journal, assessment: Entry, agent_pub: bytes, log_vkey: str | None, challenge_pub: bytes | None
) -> BundleContents:
    """Return the bundle of an assessment: the chain from its first run's start to itself, and every file named there.

    Raises:
        JournalError: a file was pruned or lost.
    """
    statement = Statement.from_bytes(assessment.payload)
    assert statement.predicate.window is not None  # every assessment has one
    since, until = (parse_time(text) for text in statement.predicate.window)
    runs = {item.run for item, _ in runs_between(journal, since, until)}
    first = min((entry.seq for entry in journal.entries() if entry.run in runs), default=assessment.seq)
    entries = [entry for entry in journal.entries(after=first - 1) if entry.seq <= assessment.seq]
    blobs: dict[str, bytes] = {}
    files = []
    for entry in entries:
        for subject in Statement.from_bytes(entry.payload).subject:
            digest = subject.digest.digest()
            if digest not in blobs:
                blobs[digest] = journal.get_blob(digest)
        files.append(StatementFile(entry.seq, EntryKind(entry.kind), entry.envelope, journal.receipt(entry.sha256)))
    statements = tuple(files)
    return BundleContents(
        statements=statements,
        blobs=blobs,
        agent_pub=agent_pub,
        log_vkey=log_vkey,
        challenge_pub=challenge_pub,
        manifest=manifest_of(statements),
    )
