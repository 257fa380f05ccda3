"""Judge a window of the journal, sign the judgement, export it with all that a stranger needs to recompute it.

Judging only looks, so it may be done beside the process that writes the journal; signing takes that process.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agent.assess.assess import assess, declared_readings
from agent.assess.shelf import Shelf
from agent.clock import parse_time, time_text
from agent.errors import JournalError, UsageError
from agent.evidence.bundle import BundleContents, StatementFile, manifest_of
from agent.evidence.statement import digest_set
from agent.model.evidence import EntryKind, Statement
from agent.model.finding import Window
from agent.model.upload import MAX_BLOB_BYTES
from agent.packs.load import chosen_standards, config_directory, load_standards, metric_packs, parse_campus
from agent.runtime.judged import named_standard
from agent.sessions.segment import packed, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from agent.journal.records import Entry
    from agent.journal.store import Journal
    from agent.model.base import Digest
    from agent.model.finding import Assessment
    from agent.model.metric import Metric
    from agent.model.standard import Standard
    from agent.packs.load import Pack
    from agent.runtime.wiring import Agent

__all__ = [
    "WINDOW_DAYS",
    "Judgement",
    "assess_window",
    "export",
    "judge_window",
    "late_runs",
    "latest_assessment",
    "sign_judgement",
]

WINDOW_DAYS = 30
"""How far back a window reaches where nobody says otherwise: no rule asks for more, and it holds 20 school days."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A judged window, not signed yet."""

    window: Window
    head: int
    """Number of the newest entry that was there when judging began."""
    campus: bytes
    """The campus file that it was judged with."""
    campus_digest: str
    files: dict[str, bytes]
    """What its statement names beside the campus file: runs, packs, findings."""
    assessments: tuple[Assessment, ...] = ()
    """The findings as values; the bytes that are signed are among the files."""


def runs_between(
    journal: Journal, since: datetime, until: datetime, *, after: int = -1
) -> Iterator[tuple[Entry, Statement]]:
    """Yield the finished runs of the window, in chain order; those after an entry number, if one is given."""
    for entry in journal.entries(after=after, kind=EntryKind.RUN):
        statement = Statement.from_bytes(entry.payload)
        if since <= parse_time(statement.predicate.time.finished) <= until:
            yield entry, statement


def shelve(shelf: Shelf, journal: Journal, statement: Statement) -> None:
    """Put the readings that a run's statement names on the shelf.

    Raises:
        JournalError: they are not here any more.
        MalformedError: they are no readings.
    """
    named = {one.name: one.digest.digest() for one in statement.subject if one.name.startswith("readings.jsonl")}
    data = unpacked({name: journal.get_blob(digest) for name, digest in named.items()}, "readings.jsonl")
    if data is not None:
        shelf.add_file(data, where=f"readings.jsonl of entry {statement.predicate.seq}")


def judge_window(
    journal: Journal, campus: bytes, standards: Sequence[str], since: datetime, until: datetime
) -> Judgement:
    """Judge the finished runs of a window by each standard; only looks, also while another process writes.

    Args:
        journal: may be open for reading only.
        campus: the campus file, its table of rooms read in; of the school that the chain is of.
        standards: ids.
        since: beginning of the window; a whole millisecond counts.
        until: its end.

    Raises:
        ConfigError: the campus file or a pack is not valid.
        UsageError: a standard is not known, or the journal holds no run in the window, or too many.
        JournalError: the readings of a run are not here any more.
    """
    directory = config_directory()
    packs = metric_packs(directory)
    metrics = {metric.name: metric for pack in packs for metric in pack.value.metrics}
    chosen = [_standard(name, metrics) for name in dict.fromkeys(standards)]
    file = parse_campus(campus, "campus.yaml")
    window = Window(since=time_text(since), until=time_text(until))
    head, _ = journal.head()
    shelf, runs = Shelf(), []
    for entry, statement in runs_between(journal, parse_time(window.since), parse_time(window.until)):
        if entry.seq > head:
            break  # the process that writes goes on meanwhile
        runs.append(f"sha256:{entry.sha256}\n")
        shelve(shelf, journal, statement)
    name, data = _named_runs(runs)
    shelf.add(declared_readings(file.value, file.digest, window=window))
    files = {name: data} | {f"metrics/{Path(pack.path).name}": pack.data for pack in packs}
    judged = []
    for pack in chosen:
        standard = pack.value.id
        assessment = assess(pack.value, pack.digest, shelf, metrics=metrics, campus=file.value, window=window)
        files[f"standards/{standard}.yaml"] = pack.data
        files[f"findings/{standard}.json"] = assessment.to_bytes()
        judged.append(assessment)
    return Judgement(window, head, file.data, file.digest, files, tuple(judged))


def _standard(name: str, metrics: Mapping[str, Metric]) -> Pack[Standard]:
    """Return a standard of this program; the others are read only to name them where there is no such one.

    Raises:
        UsageError: there is none of that id.
    """
    directory = config_directory()
    found = named_standard(directory, name, metrics)
    return found or chosen_standards(load_standards(directory, metrics), [name])[0]


def _named_runs(runs: Sequence[str]) -> tuple[str, bytes]:
    """Return the file that names the runs of an assessment, under its name.

    Raises:
        UsageError: there are none, or more than a backend takes.
    """
    if not runs:
        raise UsageError("the journal holds no finished run in this window", todo="Run campus-agent run first")
    name, data = packed("runs.txt", "".join(runs).encode())
    if len(data) > MAX_BLOB_BYTES:
        raise UsageError(
            "this window holds {count} runs, more than one assessment can name",
            todo="Judge fewer days, or measure less often",
            count=len(runs),
        )
    return name, data


def late_runs(journal: Journal, judgement: Judgement) -> int:
    """Return how many runs of the window came in after judging had begun: a statement that leaves them out is wrong."""
    since, until = parse_time(judgement.window.since), parse_time(judgement.window.until)
    return sum(1 for _ in runs_between(journal, since, until, after=judgement.head))


def sign_judgement(agent: Agent, judgement: Judgement) -> Entry:
    """Append the signed statement of a judgement to the chain.

    Raises:
        JournalError: a run of the window came in after judging had begun, or it could not be made durable.
    """
    if late := late_runs(agent.journal, judgement):
        raise JournalError(
            "{count} runs of this window came in while it was judged",
            todo="Judge again; if it stays, look whether something sets the clock of this machine back",
            count=late,
        )
    if judgement.campus_digest != _last_plan(agent.journal):
        # by a file that nothing was measured by: the chain says so, where everybody sees it
        now = agent.times(agent.clock.now())
        reason = "the campus file was read for an assessment"
        agent.state(EntryKind.CONFIG, {"campus.yaml": judgement.campus}, time=now, reason=reason)
    return agent.state(
        EntryKind.ASSESSMENT,
        {"campus.yaml": judgement.campus, **judgement.files},
        time=agent.times(parse_time(judgement.window.until)),
        plan=digest_set(judgement.campus_digest),
        window=(judgement.window.since, judgement.window.until),
    )


def _last_plan(journal: Journal) -> Digest | None:
    """Return the digest of the campus file that the chain named last; None where it names none."""
    naming = (EntryKind.RUN_START, EntryKind.RUN, EntryKind.CONFIG)
    newest = next((entry for entry in journal.entries_back() if entry.kind in naming), None)
    named = Statement.from_bytes(newest.payload).subject if newest is not None else ()
    return next((subject.digest.digest() for subject in named if subject.name == "campus.yaml"), None)


def assess_window(
    agent: Agent, standards: Sequence[str], since: datetime, until: datetime
) -> tuple[list[Assessment], Entry]:
    """Judge the window by each standard and append one signed assessment.

    Raises:
        UsageError: a standard is not known, or the journal holds no run in the window.
        JournalError: it cannot be read or written.
    """
    judgement = judge_window(agent.journal, agent.campus_bytes, standards, since, until)
    return list(judgement.assessments), sign_judgement(agent, judgement)


def latest_assessment(journal: Journal, standards: Sequence[str] = ()) -> Statement | None:
    """Return the newest signed assessment by all of these standards (by any if none is named), or None."""
    wanted = {f"findings/{name}.json" for name in standards}
    statements = (Statement.from_bytes(entry.payload) for entry in journal.entries_back(kind=EntryKind.ASSESSMENT))
    return next((one for one in statements if wanted <= {subject.name for subject in one.subject}), None)


def _ended(entry: Entry) -> datetime:
    return parse_time(Statement.from_bytes(entry.payload).predicate.time.finished)


def export(
    journal: Journal, assessment: Entry, agent_pub: bytes, log_vkey: str | None, challenge_pub: bytes | None
) -> BundleContents:
    """Return the bundle of an assessment: the chain from before its window to itself, and every file named there.

    It begins with the last entry that ended before the window, if there is one: so it shows that no run was left out.

    Raises:
        JournalError: a file was pruned or lost.
    """
    statement = Statement.from_bytes(assessment.payload)
    assert statement.predicate.window is not None  # every assessment has one
    since, until = (parse_time(text) for text in statement.predicate.window)
    runs = {item.run for item, _ in runs_between(journal, since, until)}
    first = min((entry.seq for entry in journal.entries() if entry.run in runs), default=assessment.seq)
    first = next((entry.seq for entry in journal.entries_back(before=first) if _ended(entry) < since), 0)
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
