"""How the devices are, from the newest runs of the journal: a run of the service asks one collector's devices only.

What one slot found says nothing of the devices that it did not ask, so the newest result counts for each asset and
collector. A device that rests after failures (`agent.runtime.schedule.Patience`) is still one that failed: the answer
for which it rests is looked for in the runs before.
"""

from __future__ import annotations

import io
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import takewhile
from typing import TYPE_CHECKING

from agent.clock import parse_time, time_text
from agent.errors import AgentError
from agent.journal.slots import SlotState
from agent.model.evidence import EntryKind, Statement
from agent.runtime.schedule import ALL_RESTING, MAX_PAUSE, RESTED
from agent.sessions.segment import read_segment, unpacked

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime

    from agent.journal.records import Entry
    from agent.journal.slots import Slot
    from agent.journal.store import Journal
    from agent.model.evidence import TargetResult

__all__ = ["Ailing", "ailing", "newest_run"]

REACH = timedelta(hours=26)
"""How far back from the newest run a collector's slot counts: what is asked once a day is asked within it."""
LONGEST_REST = timedelta(hours=1)
"""How far back the answer is looked for after which a device rests; a rest ends after a quarter of that."""
_ANY = ""
"""The collector where a record does not tell which one asked."""


@dataclass(frozen=True, slots=True)
class Ailing:
    """An asset that did not answer as it should when it was asked last."""

    asset: str
    result: str
    """As in the run's record: the reason of a gap, `failed`, or `resting` where its failure is not found any more."""
    at: str
    """When the run ended in which it was asked last, RFC 3339."""
    collectors: tuple[str, ...] = ()
    """What could not be asked, where other questions were answered; empty where everything failed alike."""
    why: str = ""
    """The last gap of its record: reason, what happened, what to do."""
    resting: bool = False
    """It is not asked at present, since it failed again and again."""

    @property
    def next_try(self) -> str | None:
        """When a running service asks a resting device again at the latest, give or take an interval of the plan."""
        return time_text(parse_time(self.at) + MAX_PAUSE) if self.resting else None


def newest_run(journal: Journal) -> Entry | None:
    """Return the entry of the newest finished run, or None."""
    return next(journal.entries_back(kind=EntryKind.RUN), None)


def ailing(journal: Journal) -> list[Ailing]:
    """Return the assets that did not answer as they should when they were asked last, by id.

    Raises:
        JournalError: the journal cannot be read.
    """
    newest = newest_run(journal)
    if newest is None:
        return []
    slots = journal.slots.since(newest.created - REACH)
    results: dict[str, dict[str, Ailing | None]] = defaultdict(dict)
    resting: set[str] = set()
    for run, collectors in _decisive(journal, newest, slots):
        for target in run.predicate.targets:
            known = results[target.id]
            if target.result != "resting":
                for name in collectors or _collectors(journal, run, target) or (_ANY,):
                    known.setdefault(name, _judged(journal, run, target, name))
            elif None not in known.values():  # otherwise it has answered since
                resting.add(target.id)
    left_alone = [slot.due for slot in _latest(slots).values() if slot.reason == ALL_RESTING]
    failed = {asset: _merged(known, left_alone) for asset, known in results.items()}
    failed |= _before_rest(journal, newest, resting)
    return [one for asset in sorted(failed) for one in failed[asset]]


def _decisive(journal: Journal, newest: Entry, slots: Collection[Slot]) -> Iterator[tuple[Statement, tuple[str, ...]]]:
    """Yield the newest run, and each collector's newest one that a slot has seen through, newest first.

    With the collectors of a slot; none for a run beside the slots (`run --once`), which asks each asset its own.
    """
    wanted = _latest([slot for slot in slots if slot.state is SlotState.DONE])
    for entry in journal.entries_back(kind=EntryKind.RUN):
        if entry.created < newest.created - REACH:
            return
        jobs = {job for job, slot in wanted.items() if _holds(slot, entry.created)}
        if jobs or entry.seq == newest.seq:
            run = Statement.from_bytes(entry.payload)
            asked = next((names for one in run.predicate.targets if (names := _collectors(journal, run, one))), ())
            ours = tuple(sorted(jobs & set(asked) if asked else jobs))
            if ours or entry.seq == newest.seq:
                yield run, ours
            for job in ours:
                del wanted[job]
        if not wanted:
            return


def _holds(slot: Slot, moment: datetime) -> bool:
    """Tell whether a run that was stored at that moment may be that of the slot."""
    return slot.started is not None and slot.ended is not None and slot.started <= moment <= slot.ended


def _latest(slots: Collection[Slot]) -> dict[str, Slot]:
    """Return the newest slot of each job; they come by due time."""
    return {slot.job: slot for slot in slots}


def _merged(known: Mapping[str, Ailing | None], left_alone: Collection[datetime]) -> list[Ailing]:
    """Return what failed on one asset, one for each result; where nothing else was answered, without collectors.

    Args:
        known: the newest result by collector.
        left_alone: slots in which nobody was asked because all rested: so does what failed altogether shortly before.
    """
    found: dict[str, Ailing] = {}
    for one in sorted(filter(None, known.values()), key=lambda one: one.at, reverse=True):
        newest = found.get(one.result, replace(one, collectors=()))
        names = tuple(sorted({*newest.collectors, *one.collectors} - {_ANY}))
        found[one.result] = replace(newest, collectors=names)
    if len(found) != 1 or None in known.values():
        return list(found.values())
    (only,) = found.values()
    failed = parse_time(only.at)
    rests = only.result in RESTED and any(abs(due - failed) <= MAX_PAUSE for due in left_alone)
    return [replace(only, collectors=(), resting=rests)]


def _before_rest(journal: Journal, newest: Entry, resting: Collection[str]) -> dict[str, list[Ailing]]:
    """Return, for each asset that rests, the failure after which it does."""
    at = Statement.from_bytes(newest.payload).predicate.time.finished
    found = {asset: [Ailing(asset, "resting", at, resting=True)] for asset in resting}
    missing = set(resting)
    for entry in takewhile(
        lambda entry: entry.created >= newest.created - LONGEST_REST, journal.entries_back(kind=EntryKind.RUN)
    ):
        if not missing:
            break
        run = Statement.from_bytes(entry.payload)
        for target in run.predicate.targets:
            if target.id in missing and (one := _judged(journal, run, target)) and target.result != "resting":
                found[target.id] = [replace(one, collectors=(), resting=True)]
                missing.discard(target.id)
    return found


def _judged(journal: Journal, run: Statement, target: TargetResult, collector: str = _ANY) -> Ailing | None:
    """Return what was wrong with an asset in a run, with the last gap of its record; None where it answered."""
    if target.result in ("ok", "partial"):
        return None
    gap = ""
    if (data := _segment(journal, run, target)) is not None:
        try:
            _, exchanges = read_segment(io.BytesIO(data))
            for kept in exchanges:
                if kept.exchange.gap is not None:
                    gap = f"{kept.exchange.gap.reason}: {kept.exchange.gap.detail}"
        except AgentError:  # damaged: `journal check` says it
            gap = ""
    return Ailing(target.id, target.result, run.predicate.time.finished, (collector,), gap)


def _collectors(journal: Journal, run: Statement, target: TargetResult) -> tuple[str, ...]:
    """Return what an asset was asked in a run; nothing where no record is left that tells it."""
    data = _segment(journal, run, target)
    try:
        return read_segment(io.BytesIO(data))[0].collectors if data is not None else ()
    except AgentError:
        return ()


def _segment(journal: Journal, run: Statement, target: TargetResult) -> bytes | None:
    """Return the raw record of an asset in a run; None where there is none, or none any more."""
    digest = target.segment.digest() if target.segment is not None else ""
    name = next((one.name for one in run.subject if one.digest.digest() == digest), "")
    try:
        return unpacked({name: journal.get_blob(digest)}, name.removesuffix(".gz")) if name else None
    except AgentError:  # pruned, or damaged: `journal check` says it
        return None
