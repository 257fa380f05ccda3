"""What `campus-agent status` tells: the chain, what waits, what failed lately, how much room is left."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from agent.clock import time_text
from agent.errors import AgentError
from agent.journal.store import Journal
from agent.model.evidence import EntryKind, Statement, TargetResult
from agent.runtime.assessment import latest_assessment
from agent.runtime.daily import JOB
from agent.sessions.segment import parse_segment, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.journal.slots import Slot

__all__ = ["status_of"]


def status_of(state: Path) -> dict[str, Any]:
    """Return the facts as a JSON object; looks only, also while the service runs.

    Raises:
        JournalError: the journal cannot be read.
    """
    day = datetime.now(UTC) - timedelta(days=1)
    with Journal(state / "journal", readonly=True) as journal:
        seq, head = journal.head()
        last_run = None
        for entry in journal.entries(kind=EntryKind.RUN):
            last_run = entry
        backlog = journal.backlog()
        space = journal.space()
        slots = Counter(str(slot.state) for slot in journal.slots.since(day))
        judged = latest_assessment(journal)
        daily = journal.slots.latest(JOB)
        failing = []
        finished = None
        if last_run is not None:
            statement = Statement.from_bytes(last_run.payload)
            finished = statement.predicate.time.finished
            failing = [
                _why(journal, statement, target) or f"{target.id}: {target.result}"
                for target in statement.predicate.targets
                if target.result not in ("ok", "partial")
            ]
    return {
        "entries": seq + 1,
        "head": head,
        "last run": finished,
        "not ok in the last run": failing,
        "slots of the last day": [f"{state}: {count}" for state, count in sorted(slots.items())],
        "last assessment": judged.predicate.time.finished if judged else None,
        "judged by": sorted(_standards(judged)) if judged else [],
        "daily assessment": _told(daily) if daily else None,
        "waiting for a receipt": backlog.waiting,
        "waiting since": time_text(backlog.oldest) if backlog.oldest else None,
        "refused for good": [f"{number}: {why}" for number, why in backlog.rejected],
        "room used MB": space.used // 2**20,
        "room free MB": space.free // 2**20,
        "room enough": space.enough,
    }


def _standards(assessment: Statement) -> Iterator[str]:
    for subject in assessment.subject:
        if subject.name.startswith("findings/"):
            yield subject.name.removeprefix("findings/").removesuffix(".json")


def _why(journal: Journal, run: Statement, target: TargetResult) -> str:
    """Return an asset and the last gap of its record, with what to do; empty where there is none any more."""
    digest = target.segment.digest() if target.segment is not None else ""
    name = next((one.name for one in run.subject if one.digest.digest() == digest), "")
    try:
        data = unpacked({name: journal.get_blob(digest)}, name.removesuffix(".gz")) if name else None
        gaps = [kept.exchange.gap for kept in parse_segment(data, where=name).exchanges] if data is not None else []
    except AgentError:  # pruned, or damaged: `journal check` says it
        return ""
    told = [gap for gap in gaps if gap is not None]
    return f"{target.id}: {told[-1].reason}: {told[-1].detail}" if told else ""


def _told(slot: Slot) -> str:
    """Return the day of a slot and how it ended."""
    return f"{slot.due:%Y-%m-%d} {slot.state}" + (f": {slot.reason}" if slot.reason else "")
