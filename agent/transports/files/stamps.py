"""How a log line begins: its time in the forms of RFC 3164, RFC 3339 and RFC 5424, and the host that it names.

Two ways to read, with the same result: `read` for one line, and `day_pattern` for a whole stretch of lines of one day,
which the regular expression engine goes through at some 600 MB/s. A time with a zone is turned into the campus's civil
time; one without is taken as that. The rest of a line may be in any encoding: it is never looked at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

__all__ = ["Head", "Stamp", "day_pattern", "host_of", "moment_of", "read"]

_MONTHS = b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_MONTH = {name: number for number, name in enumerate(_MONTHS, 1)}
_A_LEAP_YEAR = 2024
_TIME = rb"[0-2]\d:[0-5]\d:[0-6]\d"
_BSD_FRACTION = rb"(?:\.\d{1,9})?"
_ISO_FRACTION = rb"(?:[.,]\d{1,9})?"
_HOST = rb" ([^ \n]+)"

_LINE = re.compile(
    rb"(<\d{1,3}>(?:1 )?)?"
    rb"(?:(" + b"|".join(_MONTHS) + rb") ([ \d]\d) (?:(\d{4}) )?(" + _TIME + rb")" + _BSD_FRACTION + rb"|"
    rb"(\d{4}-\d\d-\d\d)([T ])(" + _TIME + rb")" + _ISO_FRACTION + rb"(Z|[+-]\d\d:?\d\d)?)" + _HOST
)
_DAY = timedelta(days=1)


class Stamp(NamedTuple):
    """The civil day of a line in the campus's zone; `year` 0 where the line has none."""

    year: int
    month: int
    day: int


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of a line, and its form, which the lines after it usually share."""

    stamp: Stamp
    time: bytes
    """Civil `HH:MM:SS`."""
    host: bytes
    form: tuple[bytes, ...]
    """What `day_pattern` needs to look for more lines of the same form and day."""


class DayPattern(NamedTuple):
    """Matches the beginning of every line of one form and civil day, with the line feed before it."""

    one: re.Pattern[bytes]
    """Such a beginning; its group is the host."""
    every: re.Pattern[bytes]
    """Nothing but whole lines that begin so; possessive, so that it takes neither memory nor a second look."""


def read(line: bytes, zone: ZoneInfo) -> Head | None:
    """Read the beginning of a line; None where it has no time that exists."""
    match = _LINE.match(line)
    if match is None:
        return None
    priority, month, day, year, clock, iso, mark, iso_clock, offset, host = match.groups()
    pri = re.sub(rb"\d+", b"", priority, count=1) if priority else b""
    try:
        if iso is not None:
            civil_day, civil = _civil(iso, iso_clock, offset, zone)
            stamp = Stamp(civil_day.year, civil_day.month, civil_day.day)
            return Head(stamp, civil, host_of(host), (pri, mark, offset or b""))
        stamp = Stamp(int(year or 0), _MONTH[month], int(day))
        date(stamp.year or _A_LEAP_YEAR, stamp.month, stamp.day)
    except (ValueError, OverflowError):
        return None
    return Head(stamp, clock, host_of(host), (pri, month, day, year or b""))


def host_of(field: bytes) -> bytes:
    """Return a host as it is compared: some senders leave out the tag and put its colon behind the host."""
    return field.rstrip(b":").lower()


def moment_of(day: date, clock: bytes, zone: ZoneInfo) -> datetime:
    """Return the moment of a civil day and time, in UTC."""
    return datetime.combine(day, _time(clock), zone).astimezone(UTC)


@lru_cache(maxsize=1024)
def day_pattern(stamp: Stamp, form: tuple[bytes, ...], zone: ZoneInfo) -> DayPattern | None:
    """Return what matches the lines of that form and civil day; None where an offset has no such pattern.

    There is none on days on which the clock is put forward or back, nor where a day begins within an hour as written.
    """
    pri = form[0].replace(b"<>", rb"<\d{1,3}>")
    if len(form) == 4:
        _, month, day, year = form
        written = month + b" " + day + b" " + (year + b" " if year else b"")
        return _patterns(pri + written, _BSD_FRACTION)
    _, mark, offset = form
    today = date(stamp.year, stamp.month, stamp.day)
    ahead = _ahead(today, offset, zone)
    if ahead is None:
        return None
    written = b"|".join(_hours(today, mark, ahead))
    return _patterns(pri + b"(?:" + written + b")", _ISO_FRACTION + re.escape(offset))


def _patterns(day: bytes, behind: bytes) -> DayPattern:
    one = b"\n" + day + _TIME + behind + _HOST
    every = b"(?:\n" + day + _TIME + behind + rb" [^ \n][^\n]*+)*+"
    return DayPattern(re.compile(one), re.compile(every))


def _civil(iso: bytes, clock: bytes, offset: bytes | None, zone: ZoneInfo) -> tuple[date, bytes]:
    day = date.fromisoformat(iso.decode())
    if not offset:
        return day, clock
    local = (datetime.combine(day, _time(clock), UTC) - _offset(offset)).astimezone(zone)
    return local.date(), local.strftime("%H:%M:%S").encode()


def _time(clock: bytes) -> time:
    """Read a time; what no clock shows (a leap second, 24:00) is the last that it does."""
    hour, minute, second = (int(part) for part in clock.split(b":"))
    return time(min(hour, 23), minute, min(second, 59))


def _offset(text: bytes) -> timedelta:
    if text == b"Z":
        return timedelta(0)
    ahead = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return -ahead if text[:1] == b"-" else ahead


def _ahead(day: date, offset: bytes, zone: ZoneInfo) -> timedelta | None:
    """Return how far civil time is ahead of what is written, on a day on which that is one number of whole hours."""
    if not offset:
        return timedelta(0)
    try:
        noon = datetime.combine(day, time(12), zone)
        ends = {(noon + each).utcoffset() for each in (-_DAY, timedelta(0), _DAY)}
    except OverflowError:
        return None
    civil = ends.pop()
    if ends or civil is None:
        return None
    ahead = civil - _offset(offset)
    return ahead if ahead % timedelta(hours=1) == timedelta(0) and abs(ahead) < _DAY else None


def _hours(day: date, mark: bytes, ahead: timedelta) -> list[bytes]:
    """Return the days as written, with those of their hours that belong to the civil day."""
    if not ahead:
        return [day.isoformat().encode() + mark]
    found: list[bytes] = []
    for written in (day - _DAY, day, day + _DAY):
        midnight = datetime.combine(written, time(0))
        hours = [n for n in range(24) if (midnight + timedelta(hours=n) + ahead).date() == day]
        if hours:
            listed = b"|".join(b"2[3-9]" if n == 23 else b"%02d" % n for n in hours)  # as `_time` reads what is beyond
            found.append(written.isoformat().encode() + mark + b"(?=" + listed + b")")
    return found
