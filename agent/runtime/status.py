"""What `campus-agent status` tells: the service, the chain, the devices, what waits, how much room is left."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from agent.clock import time_text
from agent.errors import AgentError
from agent.journal.lock import is_locked
from agent.journal.store import Journal
from agent.model.evidence import Statement
from agent.packs.load import parse_campus
from agent.runtime.assessment import latest_assessment
from agent.runtime.daily import JOB
from agent.runtime.device_state import Ailing, ailing, newest_run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from agent.journal.records import Backlog, Space
    from agent.journal.slots import Slot
    from agent.model.campus import Campus

__all__ = ["Status", "as_json", "status_of"]


@dataclass(frozen=True, slots=True)
class Status:
    """The facts; times are RFC 3339 in UTC."""

    running: bool
    """A process holds the journal: the service, or a command that writes."""
    entries: int
    head: str
    timezone: str
    """Civil time of the campus; empty where no run names a campus file that is still here."""
    last_run: str | None
    not_ok_in_last_run: tuple[str, ...]
    """That run alone, which asked one collector's devices; `ailing` is about all of them."""
    ailing: tuple[Ailing, ...]
    slots: Mapping[str, int]
    """Slots of the last day by state."""
    last_assessment: str | None
    judged_by: tuple[str, ...]
    daily: Slot | None
    """The slot of the day's assessment."""
    backlog: Backlog
    space: Space


def status_of(state: Path) -> Status:
    """Return the facts; looks only, also while the service runs.

    Raises:
        JournalError: the journal cannot be read.
    """
    day = datetime.now(UTC) - timedelta(days=1)
    with Journal(state / "journal", readonly=True) as journal:
        seq, head = journal.head()
        newest = newest_run(journal)
        run = Statement.from_bytes(newest.payload) if newest is not None else None
        campus = _campus(journal, run) if run is not None else None
        judged = latest_assessment(journal)
        known = {asset.id for asset in campus.assets} if campus is not None else None
        found = [one for one in ailing(journal) if known is None or one.asset in known]
        return Status(
            running=is_locked(journal.directory),
            entries=seq + 1,
            head=head,
            timezone=campus.timezone if campus is not None else "",
            last_run=run.predicate.time.finished if run is not None else None,
            not_ok_in_last_run=tuple(_last_run(run, found)) if run is not None else (),
            ailing=tuple(found),
            slots=dict(sorted(Counter(str(slot.state) for slot in journal.slots.since(day)).items())),
            last_assessment=judged.predicate.time.finished if judged else None,
            judged_by=tuple(sorted(_standards(judged))) if judged else (),
            daily=journal.slots.latest(JOB),
            backlog=journal.backlog(),
            space=journal.space(),
        )


def as_json(status: Status) -> dict[str, Any]:
    """Return the facts as a JSON object, for programs."""
    backlog, space = status.backlog, status.space
    return {
        "running": status.running,
        "entries": status.entries,
        "head": status.head,
        "last run": status.last_run,
        "not ok in the last run": list(status.not_ok_in_last_run),
        "not ok": [asdict(one) | {"next_try": one.next_try} for one in status.ailing],
        "slots of the last day": [f"{state}: {count}" for state, count in status.slots.items()],
        "last assessment": status.last_assessment,
        "judged by": list(status.judged_by),
        "daily assessment": _told(status.daily) if status.daily else None,
        "waiting for a receipt": backlog.waiting,
        "waiting since": time_text(backlog.oldest) if backlog.oldest else None,
        "refused for good": [f"{number}: {why}" for number, why in backlog.rejected],
        "room used MB": space.used // 2**20,
        "room free MB": space.free // 2**20,
        "room enough": space.enough,
    }


def _campus(journal: Journal, run: Statement) -> Campus | None:
    """Return the campus file of a run; None where it is not here any more, or this version does not read it."""
    named = next((one.digest.digest() for one in run.subject if one.name == "campus.yaml"), "")
    try:
        return parse_campus(journal.get_blob(named), "campus.yaml").value if named else None
    except AgentError:
        return None


def _standards(assessment: Statement) -> Iterator[str]:
    for subject in assessment.subject:
        if subject.name.startswith("findings/"):
            yield subject.name.removeprefix("findings/").removesuffix(".json")


def _last_run(run: Statement, found: list[Ailing]) -> Iterator[str]:
    """Yield what the newest run could not ask, with the gap where there is one."""
    why = {one.asset: one.why for one in reversed(found) if one.at == run.predicate.time.finished and not one.resting}
    for target in run.predicate.targets:
        if target.result not in ("ok", "partial"):
            yield f"{target.id}: {why.get(target.id) or target.result}"


def _told(slot: Slot) -> str:
    """Return the day of a slot and how it ended."""
    return f"{slot.due:%Y-%m-%d} {slot.state}" + (f": {slot.reason}" if slot.reason else "")
