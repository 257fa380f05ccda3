"""The sampling plan in time: which slots are due, what a slot asks, how a failing device is asked less often.

Slots are whole multiples of the plan's interval since the epoch, in wall time, so that two agents and a reviewer
count the same ones. What is asked once a day, or less often, is asked at two in the morning of the campus: recorders
and log stores answer thousands of questions, and classes begin at eight.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from agent.collectors import COLLECTORS
from agent.model.calendar import utc_offset
from agent.model.exchange import GapReason
from agent.runtime.cycle import Job

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.model.evidence import TargetResult
    from agent.model.family import Family

__all__ = ["Patience", "asked_of", "due_between", "first_slot", "jobs_of", "planned", "slot_before"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = 86_400
NIGHT = timedelta(hours=2)
"""Civil time of what is asked once a day."""
MAX_PAUSE = timedelta(minutes=15)
"""A failing device is asked at least this often."""
RESTED = (GapReason.UNREACHABLE, GapReason.REFUSED, GapReason.DEADLINE)
"""Failures after which a device is asked less often."""
ALL_RESTING = "every device is resting after failures"
"""Why a slot is skipped in which nobody would be asked."""
MOST_SLOTS = 5_000
"""Slots of one job that are listed one by one after a long stop; older ones are only counted."""


def first_slot(campus: Campus, every_seconds: int) -> datetime:
    """Return the slot that all others are counted from."""
    if every_seconds % DAY:
        return EPOCH
    return EPOCH + NIGHT - (utc_offset(campus.timezone) or timedelta(0))


def slot_before(moment: datetime, every_seconds: int, first: datetime = EPOCH) -> datetime:
    """Return the newest slot that is not after the moment."""
    passed = int((moment - first).total_seconds())
    return first + timedelta(seconds=passed - passed % every_seconds)


def due_between(
    last: datetime, moment: datetime, every_seconds: int, first: datetime = EPOCH
) -> tuple[list[datetime], int]:
    """Return the slots after `last` up to the moment, newest last, and how many older ones were left out."""
    step = timedelta(seconds=every_seconds)
    newest = slot_before(moment, every_seconds, first)
    count = max(0, int((newest - slot_before(last, every_seconds, first)) / step))
    listed = min(count, MOST_SLOTS)
    return [newest - step * back for back in reversed(range(listed))], count - listed


def asked_of(asset: Asset, campus: Campus, families: Mapping[str, Family]) -> list[str]:
    """Return the collectors that have something to ask of an asset; watched links only where one ends on it."""
    family = families.get(asset.family)
    named = family.collectors if family is not None else ()
    return [name for name in COLLECTORS if name in named and (name != "links" or campus.links_of(asset.id))]


def planned(campus: Campus, families: Mapping[str, Family]) -> dict[str, int]:
    """Return how often each collector that any asset needs is to run, in seconds."""
    needed = {name for asset in campus.assets for name in asked_of(asset, campus, families)}
    return {name: campus.poll(name).every_seconds for name in COLLECTORS if name in needed}


def jobs_of(
    campus: Campus, families: Mapping[str, Family], collectors: Iterable[str], *, skip: frozenset[str] = frozenset()
) -> list[Job]:
    """Return what a run over these collectors asks of which asset; `skip` names assets that are left in peace."""
    wanted = list(collectors)
    jobs = []
    for asset in campus.assets:
        family, known = families.get(asset.family), asked_of(asset, campus, families)
        names = tuple(name for name in wanted if name in known)
        if names and asset.id not in skip:
            deadline = sum(campus.poll(name).deadline_seconds for name in names)
            jobs.append(Job(family.equip(asset) if family is not None else asset, names, deadline))
    return jobs


@dataclass
class Patience:
    """Asks a device that fails again only after 1, 2, 4, ... of its intervals, at most 15 minutes apart."""

    _failures: dict[str, int] = field(default_factory=dict)
    _not_before: dict[str, datetime] = field(default_factory=dict)

    def note(self, targets: Iterable[TargetResult], now: datetime, every_seconds: int) -> None:
        """Take in how the assets of a run did."""
        for target in targets:
            if target.result not in RESTED:
                self._failures.pop(target.id, None)
                self._not_before.pop(target.id, None)
                continue
            failures = self._failures[target.id] = self._failures.get(target.id, 0) + 1
            pause = timedelta(seconds=every_seconds) * (2 ** min(failures - 1, 10) - 1)
            self._not_before[target.id] = now + min(pause, MAX_PAUSE)

    def resting(self, now: datetime) -> frozenset[str]:
        """Return the assets that are not asked now."""
        return frozenset(name for name, moment in self._not_before.items() if moment > now)
