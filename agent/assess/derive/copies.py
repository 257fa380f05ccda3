"""The copies of a camera's footage, each as its recorder told it last: kept how long at least and at most; pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from agent.assess.derive.footage import DAY, Kept, covered, kept, longest_gap, merged
from agent.assess.samples import milliseconds
from agent.assess.silence import gap
from agent.errors import MalformedError
from agent.model.calendar import parse_day, utc_offset
from agent.model.finding import Reason
from agent.model.reading import Grade

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.assess.derive.told import Told
    from agent.model.base import Digest
    from agent.model.campus import Camera, Recorded
    from agent.model.reading import Reading

__all__ = ["Copy", "copies_of"]

_HOUR: Final = 3_600_000
_WEEK_MINUTES: Final = 10_080
_FULL: Final = 50
"""Disks with less than this part free are full: a recorder frees a file before it needs it."""


@dataclass(frozen=True, slots=True)
class Copy:
    """One recorder's footage of a camera."""

    order: int
    kept_ms: int
    """What is known so far."""
    least_ms: int
    most_ms: int | None
    """None: it may turn out to be any length."""
    reason: Reason | None
    """Why it is not settled."""
    gap_ms: int | None
    live: bool | None
    grade: Grade
    sources: tuple[Digest, ...]

    @property
    def grade_of_state(self) -> Grade:
        """Return the grade of what the recorder says about now: its own word."""
        return Grade.REPORTED


def copies_of(camera: Camera, told: Told) -> list[Copy]:
    """Return the camera's copies, in the order of the campus file.

    Raises:
        MalformedError: a reading of a recorder is not what its metric says.
    """
    return [_copy(order, recorded, told) for order, recorded in enumerate(camera.recorded)]


def _copy(order: int, recorded: Recorded, told: Told) -> Copy:
    subject = f"channel:{recorded.recorder}/{recorded.channel}"
    nothing = Copy(order, 0, 0, None, Reason.TOO_FEW_SAMPLES, None, None, Grade.REPORTED, ())
    search = told.last("channel.search", subject)
    if search is None:
        return _unknown(nothing, recorded, told)
    silent = gap(told.readings, "recorder", recorded.recorder)
    until = milliseconds(search.at)
    base = replace(nothing, sources=_sources(told, subject), live=_alive(told, subject, until), reason=None)
    copy = _judged(base, told, subject, until, complete=search.value == "complete")
    if (
        silent is not None
        and copy.reason is None
        and told.readings.of("channel.search", subject)[-1][1].at != search.at
    ):
        return replace(copy, reason=silent)
    return _checked(copy, told, recorded)


def _unknown(nothing: Copy, recorded: Recorded, told: Told) -> Copy:
    """Return the copy of a channel that was not told of: missing where the recorder listed all others."""
    silent = gap(told.readings, "recorder", recorded.recorder)
    listed = told.last("recorder.channels", f"asset:{recorded.recorder}")
    if listed is not None and told.text("recorder.channels.complete", f"asset:{recorded.recorder}") != "no":
        return replace(nothing, most_ms=0, reason=None, live=False, sources=listed.sources)
    return replace(nothing, reason=silent or Reason.TOO_FEW_SAMPLES)


def _sources(told: Told, subject: str) -> tuple[Digest, ...]:
    names = ("channel.search", "channel.spans", "channel.days", "channel.earliest", "channel.recording")
    found = [reading for name in names if (reading := told.last(name, subject)) is not None]
    return tuple(dict.fromkeys(source for reading in found for source in reading.sources))


def _spans(reading: Reading | None) -> list[tuple[int, int]] | None:
    if reading is None:
        return None
    pairs = [text.split("/") for text in reading.value.split()]
    if any(len(pair) != 2 for pair in pairs):
        where = f"{reading.metric} {reading.subject}"
        raise MalformedError("{value!r} is no list of spans", where=where, value=reading.value[:60])
    return merged([(milliseconds(since), milliseconds(until)) for since, until in pairs])


def _judged(base: Copy, told: Told, subject: str, until: int, *, complete: bool) -> Copy:
    spans = _spans(told.last("channel.spans", subject))
    searched = _span(told.text("channel.searched", subject))
    if spans is None or searched is None:
        return _without_spans(base, told, subject, until)
    window = int(told.setting["gap_days"] * DAY)
    gap_ms = longest_gap(spans, max(until - window, searched[0]), until)
    strict, loose, reason = _stretches(told, subject, spans, searched[0], until)
    copy = replace(base, gap_ms=gap_ms, kept_ms=strict.length, least_ms=strict.length, most_ms=strict.length)
    if strict.since is not None and strict.since <= searched[0] + _HOUR:
        copy = replace(copy, most_ms=None, reason=Reason.WINDOW_TOO_SHORT)
    elif reason is not None and loose > strict.length:
        copy = replace(copy, most_ms=loose, reason=reason)
    elif not strict.broken and spans and not _deletes(told, subject, spans[0][0]):
        copy = replace(copy, most_ms=None, reason=Reason.WINDOW_TOO_SHORT)
    if not complete:
        copy = replace(copy, most_ms=None, reason=Reason.TOO_FEW_SAMPLES)
    return _expiring(copy, told, subject)


def _stretches(
    told: Told, subject: str, spans: Sequence[tuple[int, int]], searched: int, until: int
) -> tuple[Kept, int, Reason | None]:
    """Return the stretch as the plan wants it, the longest that another plan could mean, and why that may be."""
    schedule = told.text("channel.schedule", subject)
    minutes = told.whole("channel.scheduled_minutes", subject, "1")
    planned = Fraction(min(minutes, _WEEK_MINUTES), _WEEK_MINUTES) if minutes else Fraction(1)
    share = Fraction(0) if schedule == "event" else told.setting["day_share"]
    strict = kept(spans, until, zone=_zone(told), share=share, planned=planned, searched=searched)
    # Without events there is no footage, and a plan may leave whole days out: nobody can tell that from a gap.
    gapless = until - max(spans[0][0], searched) if spans else 0
    if schedule == "continuous" and planned == 1:
        return strict, strict.length, None
    if schedule in {"event", "continuous"}:
        return strict, gapless, Reason.UNSUPPORTED
    loose = kept(spans, until, zone=_zone(told), share=Fraction(0), planned=planned, searched=searched)
    return strict, loose.length, Reason.UNSUPPORTED


def _deletes(told: Told, subject: str, first: int) -> bool:
    """Return whether older footage is being deleted: the beginning moved forward, or the disks are full."""
    begins = [milliseconds(reading.value) for _, reading in told.readings.of("channel.earliest", subject)]
    if begins and first - min(begins) >= _HOUR:
        return True
    recorder = subject.removeprefix("channel:").split("/", 1)[0]
    capacity, free = _disks(told, recorder)
    return capacity > 0 and free is not None and free * _FULL < capacity


def _expiring(copy: Copy, told: Told, subject: str) -> Copy:
    days = told.whole("channel.expiry", subject, "d")
    if not days:
        return copy
    most = max(days * DAY, copy.least_ms)
    if copy.most_ms is None or copy.most_ms > most:
        copy = replace(copy, most_ms=most)
    return replace(copy, reason=None) if copy.most_ms == copy.least_ms else copy


def _without_spans(base: Copy, told: Told, subject: str, until: int) -> Copy:
    """Return what a calendar or a first date proves: footage began then, whether it has gaps is not told."""
    days = told.text("channel.days", subject).split()
    earliest = told.text("channel.earliest", subject)
    most = None
    if days:
        known = {parse_day(day).toordinal() for day in days}
        last = max(known)
        while last - 1 in known:
            last -= 1
        begin = (last - parse_day("1970-01-01").toordinal()) * DAY - _zone(told)
        most = max(0, until - begin)
    elif earliest:
        most = max(0, until - milliseconds(earliest))
    return _expiring(replace(base, most_ms=most, reason=Reason.UNSUPPORTED), told, subject)


def _zone(told: Told) -> int:
    """Return the milliseconds by which the campus's civil time is ahead of UTC."""
    return (utc_offset(told.campus.timezone) or timedelta(0)) // timedelta(milliseconds=1)


def _alive(told: Told, subject: str, until: int) -> bool | None:
    """Return whether the camera records now; one that records on events only, whether it is there."""
    recording, online = told.text("channel.recording", subject), told.text("channel.online", subject)
    if recording == "yes":
        return True
    if told.text("channel.schedule", subject) == "event":
        return {"yes": True, "no": False}.get(online)
    spans = _spans(told.last("channel.spans", subject))
    if spans and until - spans[-1][1] <= told.setting["live_minutes"] * 60_000:
        return True
    return False if "no" in (recording, online) or spans is not None else None


def _checked(copy: Copy, told: Told, recorded: Recorded) -> Copy:
    """Hold the copy against what else is known: the size of the disks, and whether its oldest hour plays."""
    subject = f"channel:{recorded.recorder}/{recorded.channel}"
    ratio = _ratio(told, recorded.recorder)
    played = told.last("channel.playable", subject)
    contradicted = ratio is not None and ratio >= told.setting["impossible_from"]
    if contradicted or (played is not None and played.value == "no"):
        return replace(copy, least_ms=0, most_ms=None, reason=Reason.CONTRADICTED)
    if played is not None and played.value == "yes":
        return replace(copy, grade=Grade.MEASURED, sources=(*copy.sources, *played.sources))
    if ratio is not None and told.setting["plausible_from"] <= ratio <= told.setting["plausible_to"]:
        return replace(copy, grade=Grade.CORROBORATED)
    return copy


def _ratio(told: Told, recorder: str) -> Fraction | None:
    """Return octets that all footage should take by its bitrate over octets that the disks hold; None if not known."""
    capacity, free = _disks(told, recorder)
    octets = Fraction(0)
    for subject in told.readings.subjects("channel", "channel.spans"):
        if not subject.startswith(f"channel:{recorder}/"):
            continue
        spans = _spans(told.last("channel.spans", subject))
        bitrate = told.whole("channel.bitrate", subject, "bit/s")
        if spans and not bitrate:
            return None
        if spans and bitrate:
            octets += Fraction(bitrate, 8) * covered(spans, spans[0][0], spans[-1][1]) / 1000
    used = capacity - (free or 0)
    return octets / used if used > 0 and octets else None


def _disks(told: Told, recorder: str) -> tuple[int, int | None]:
    """Return capacity and free octets of the disks that store; free is None where one of them does not tell."""
    capacity, free, known = 0, 0, True
    for subject in told.readings.subjects("disk", "disk.state"):
        if not subject.startswith(f"disk:{recorder}/") or told.text("disk.state", subject) != "storing":
            continue
        size, left = told.whole("disk.capacity", subject, "By"), told.whole("disk.free", subject, "By")
        capacity, free = capacity + (size or 0), free + (left or 0)
        known = known and left is not None
    return capacity, free if known else None


def _span(text: str) -> tuple[int, int] | None:
    since, separator, until = text.partition("/")
    return (milliseconds(since), milliseconds(until)) if separator else None
