"""The device's clock, from what `display clock` and its relatives print.

Sources: Huawei and H3C command references (display clock), Cisco IOS command reference (show clock detail), RGOS
command reference (show clock), FortiOS CLI reference (get system status).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from agent.collectors.commandline.fact import UnrecognisedError

if TYPE_CHECKING:
    from agent.collectors.commandline.fact import Lines

__all__ = ["DeviceTime", "comware", "ctime", "ios", "iso", "vrp"]

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)(\.\d+)?(?:([+-])(\d\d):?(\d\d))?")
_COMWARE = re.compile(r"(\d\d):(\d\d):(\d\d)(\.\d+)? (\S+) \w{3} (\d\d)/(\d\d)/(\d{4})")
_IOS = re.compile(r"[*.]?(\d\d):(\d\d):(\d\d)(\.\d+)? (\S+) \w{3},? (\w{3}) +(\d{1,2}),? (\d{4})")
_CTIME = re.compile(r"System time ?: \w{3} (\w{3}) +(\d{1,2}) (\d\d):(\d\d):(\d\d) (\d{4})")
_UTC = re.compile(r"(?:UTC|GMT)(?:([+-])(\d{1,2})(?::?(\d\d))?)?")
_ZONE_LINE = re.compile(
    r"Time Zone ?(?:\([^)]*\))? ?: ?(?:(?:\S+ )?(add|minus) (\d\d):(\d\d):\d\d|UTC([+-])(\d\d):(\d\d))"
)


@dataclass(frozen=True, slots=True)
class DeviceTime:
    """A clock's display."""

    local: datetime
    """Naive, as displayed."""
    ahead: timedelta | None
    """Of UTC; None where the device does not say, or in letters that stand for several zones (CST)."""
    resolution: timedelta


def vrp(lines: Lines) -> DeviceTime:
    """Read Huawei's: date and time, weekday, `Time Zone(BJ) : UTC+08:00`."""
    return _iso(lines)


def iso(lines: Lines) -> DeviceTime:
    """Read ISO 8601 (Linux `date --iso-8601=seconds`)."""
    return _iso(lines)


def comware(lines: Lines) -> DeviceTime:
    """Read H3C's: `10:09:00.258 UTC Fri 03/16/2015`, then perhaps `Time Zone : BJ add 08:00:00`."""
    match = _match(_COMWARE, lines)
    hour, minute, second, fraction, zone, month, day, year = match.groups()
    return _time((year, month, day, hour, minute, second), fraction, _zone_of(lines, zone))


def ios(lines: Lines) -> DeviceTime:
    """Read Cisco's and its relatives': `*15:51:36.259 UTC Sat Apr 25 2020`, `18:22:20 UTC Tue, Mar 18, 2014`."""
    match = _match(_IOS, lines)
    hour, minute, second, fraction, zone, month, day, year = match.groups()
    return _time((year, _month(month), day, hour, minute, second), fraction, _zone_of(lines, zone))


def ctime(lines: Lines) -> DeviceTime:
    """Read Fortinet's: `System time: Tue Oct 17 14:40:06 2023`, which names no zone."""
    month, day, hour, minute, second, year = _match(_CTIME, lines).groups()
    return _time((year, _month(month), day, hour, minute, second), None, None)


def _iso(lines: Lines) -> DeviceTime:
    match = _match(_ISO, lines)
    *parts, fraction, sign, hours, minutes = match.groups()
    inline = _ahead(sign, hours, minutes) if sign else None
    return _time(tuple(parts), fraction, inline if inline is not None else _zone_of(lines, ""))


def _match(expression: re.Pattern[str], lines: Lines) -> re.Match[str]:
    found = next((match for line in lines if (match := expression.fullmatch(line.strip()))), None)
    if found is None:
        raise UnrecognisedError(expression.pattern)
    return found


def _month(name: str) -> str:
    if name.lower() not in _MONTHS:
        raise UnrecognisedError(name)
    return str(_MONTHS.index(name.lower()) + 1)


def _time(parts: tuple[str, ...], fraction: str | None, ahead: timedelta | None) -> DeviceTime:
    try:
        local = datetime(*map(int, parts))  # type: ignore[arg-type]  # noqa: DTZ001 - naive: that is what it displays
    except (ValueError, TypeError) as error:
        raise UnrecognisedError(" ".join(parts)) from error
    if fraction is None:
        return DeviceTime(local, ahead, timedelta(seconds=1))
    milliseconds = int(fraction[1:4].ljust(3, "0"))
    return DeviceTime(local + timedelta(milliseconds=milliseconds), ahead, timedelta(milliseconds=1))


def _zone_of(lines: Lines, token: str) -> timedelta | None:
    """Return the zone: of the line that gives it in figures, else of the token behind the time; never of a nickname."""
    if any(re.match(r"(?i)summer|daylight", line.strip()) for line in lines):
        return None  # whether it is in force now would have to be worked out from its rules
    for line in lines:
        match = _ZONE_LINE.fullmatch(line.strip())
        if match:
            word, add_hours, add_minutes, sign, hours, minutes = match.groups()
            if word:
                return _ahead("+" if word == "add" else "-", add_hours, add_minutes)
            return _ahead(sign, hours, minutes)
    match = _UTC.fullmatch(token)
    return _ahead(match[1] or "+", match[2] or "0", match[3] or "0") if match else None


def _ahead(sign: str, hours: str, minutes: str) -> timedelta | None:
    ahead = timedelta(hours=int(hours), minutes=int(minutes))
    if ahead > timedelta(hours=14):
        return None
    return ahead if sign == "+" else -ahead
