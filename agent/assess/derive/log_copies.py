"""The copies of a source's log, each as its store told it last: kept how long, and what may still change that; pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from agent.assess.derive.log_days import Log, kept, longest_gap, school_day_rule
from agent.assess.silence import gap
from agent.model.calendar import local_day, months_before, parse_day, whole_months
from agent.model.finding import Reason
from agent.model.logs import parse_days
from agent.model.reading import Grade

if TYPE_CHECKING:
    from datetime import date

    from agent.assess.derive.log_days import Kept
    from agent.assess.derive.told import Told
    from agent.model.base import Digest
    from agent.model.logs import LogSource
    from agent.model.reading import Reading

__all__ = ["Copy", "appliance", "copies_of", "months_of"]

LONGEST: Final = 3660
"""Days of a setting beyond which it is as good as none."""
CANARIES_FROM: Final = 30
"""Days of canaries from which on they bear out a store's counts (a month, as for other corroboration)."""


@dataclass(frozen=True, slots=True)
class Copy:
    """What one store keeps of a source."""

    order: int
    store: str
    months: int = 0
    """What is known so far."""
    days: int = 0
    gap: int = 0
    reason: Reason | None = None
    """Why it is not settled."""
    most_months: int | None = None
    """What it may yet turn out to be; None: anything."""
    partial: bool = False
    """The search was not complete, so that what is missing may be there."""
    grade: Grade = Grade.REPORTED
    sources: tuple[Digest, ...] = ()
    """Empty: the store told nothing."""


def months_of(told: Told) -> int:
    """Return how many calendar months are looked at."""
    return int(told.setting["months"])


def appliance(told: Told, source: LogSource, metric: str) -> Reading | None:
    """Return what the command line of the source's device said last; `metric` may be the beginning of its name.

    A command line is an asset of its own, at the address of the device.
    """
    device = told.campus.asset(source.asset) if source.asset else None
    if device is None:
        return None
    same = {f"asset:{asset.id}" for asset in told.campus.assets if asset.address == device.address}
    names = [f"{metric}{end}" for end in ("state", "forwarding", "buffer.capacity", "buffer.octets", "file.quota")]
    for name in names if metric.endswith(".") else [metric]:
        found = [reading for subject in sorted(same) if (reading := told.last(name, subject)) is not None]
        if found:
            return found[-1]
    return None


def copies_of(source: LogSource, told: Told) -> list[Copy]:
    """Return the source's copies, one for each store, in the order of the campus file.

    Raises:
        MalformedError: a reading of a store is not what its metric says.
    """
    stores = dict.fromkeys(stored.store for stored in source.stored)
    return [_copy(order, store, source, told) for order, store in enumerate(stores)]


def _copy(order: int, store: str, source: LogSource, told: Told) -> Copy:
    subject = f"log:{store}/{source.id}"
    nothing = Copy(order, store)
    search = told.last("log.search", subject)
    if search is None:
        return replace(nothing, reason=gap(told.readings, "logs", store) or Reason.TOO_FEW_SAMPLES)
    days = told.last("log.days", subject)
    if days is None or days.at != search.at:
        return replace(nothing, reason=Reason.UNSUPPORTED)
    log = _log(source, told, subject, days)
    found = kept(log, int(told.setting["allowed_days"]))
    copy = replace(
        nothing,
        months=found.months,
        days=_covered(log, told),
        partial=search.value != "complete",
        grade=_grade(source, told, days),
        sources=tuple(dict.fromkeys([*search.sources, *days.sources])),
    )
    canaries = told.last("canary.days", subject)
    if canaries is not None and log.quiet:
        copy = _citing(copy, canaries)
    copy = _settled(copy, log, found, told, subject)
    young = copy.reason is Reason.WINDOW_TOO_SHORT or found.broken or copy.partial
    return replace(copy, gap=longest_gap(log, months_of(told), from_first=young))


def _log(source: LogSource, told: Told, subject: str, days: Reading) -> Log:
    end = local_day(days.at, told.campus.timezone)
    searched = told.last("log.searched", subject)
    since = searched.value.partition("/")[0] if searched is not None and searched.at == days.at else ".."
    first = parse_day(since) if since != ".." else None
    records = {parse_day(day): count for day, count in parse_days(days.value).items()}
    oldest = min([*records, first or end, months_before(end, months_of(told))])
    return Log(
        records=records,
        searched=first,
        end=end,
        school=school_day_rule(told.campus.calendar, oldest, end),
        every_day=source.days == "every-day",
        day_share=told.setting["day_share"],
        least=told.setting["least_records"],
        quiet=_quiet(told, subject),
    )


def _quiet(told: Told, subject: str) -> frozenset[date]:
    """Return the days whose canary is there, if none is missing: on them nothing was lost, however silent the source.

    A day on which no canary was sent, since the agent was off, shows nothing.
    """
    found = told.last("canary.days", subject)
    if found is None or told.whole("canary.missing", subject, "1") != 0:
        return frozenset()
    return frozenset(map(parse_day, parse_days(found.value)))


def _covered(log: Log, told: Told) -> int:
    """Return how many days of the months that are looked at hold."""
    since = months_before(log.end, months_of(told))
    return sum(1 for day in log.holding() if day >= since)


def _settled(copy: Copy, log: Log, found: Kept, told: Told, subject: str) -> Copy:
    """Return the copy with the reason why it is not settled, if it is not."""
    first = log.first
    if found.months >= months_of(told):
        return copy
    if copy.partial:
        return replace(copy, reason=Reason.TOO_FEW_SAMPLES)
    if first is None or found.broken or found.since is None:
        return copy
    earlier = _seen_earlier(told, subject, first)
    if earlier is not None:
        return _citing(copy, earlier)
    return _young(copy, log, found, told, (log.end - first).days)


def _young(copy: Copy, log: Log, found: Kept, told: Told, age: int) -> Copy:
    """Return the copy of a log without gap and older records: open, as far as the store's own setting lets it."""
    setting = told.last("log.store.policy", f"asset:{copy.store}")
    limit = told.whole("log.store.policy", f"asset:{copy.store}", "d")
    if setting is None or limit is None:
        return replace(copy, reason=Reason.WINDOW_TOO_SHORT)
    if age >= limit:
        return _citing(copy, setting)
    most = whole_months(log.end - timedelta(days=min(limit, LONGEST)), log.end)
    if most >= months_of(told):
        return replace(copy, reason=Reason.WINDOW_TOO_SHORT)
    return replace(_citing(copy, setting), reason=Reason.WINDOW_TOO_SHORT, most_months=max(most, found.months))


def _citing(copy: Copy, reading: Reading) -> Copy:
    return replace(copy, sources=tuple(dict.fromkeys([*copy.sources, *reading.sources])))


def _seen_earlier(told: Told, subject: str, first: date) -> Reading | None:
    """Return an earlier reading that holds records from before the first one of now: what it saw was deleted."""
    for _, reading in told.readings.of("log.days", subject):
        if any(day < first.isoformat() for day in parse_days(reading.value)):
            return reading
    return None


def _grade(source: LogSource, told: Told, days: Reading) -> Grade:
    """Return the grade of the counts.

    Canaries that were sent on the days of half a year, all of which are there, are a measurement of their own; those of
    a month, or a device that says that it forwards its log, bear out the store's word.
    """
    if days.grade is not Grade.REPORTED:
        return days.grade
    canaries = len(_quiet(told, days.subject))
    if canaries >= told.setting["capacity_days"]:
        return Grade.MEASURED
    forwarding = appliance(told, source, "appliance.log.forwarding")
    forwards = forwarding is not None and forwarding.value == "enabled"
    return Grade.CORROBORATED if forwards or canaries >= CANARIES_FROM else Grade.REPORTED
