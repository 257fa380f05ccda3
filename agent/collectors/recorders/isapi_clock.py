"""What `Z` means to a Hikvision device: UTC, or its own local time, as most of them have it (recorders-and-logs 1.2.6).

Local time and UTC lie hours apart. Footage between the two, in what would be the future if the earlier were now, proves
the later one. No such footage, with footage up to the earlier, proves the earlier one; since a camera that failed just
then would show the same, two channels must agree where there are two. What nothing decides stays unknown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from agent.collectors.recorders.interface import Clock
from agent.collectors.recorders.periods import HOUR, label, midway, school_zone, shift, xsd_time

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.collectors.recorders.isapi_ask import Told
    from agent.collectors.recorders.isapi_search import Searcher
    from agent.model.campus import Campus
    from agent.model.exchange import Answer

__all__ = ["Times", "calibrated", "times_of"]

MINUTE = 60_000
MOST_CHANNELS = 8
"""Channels that are tried."""
AGREEING = 2
FEW = 4
_POSIX = re.compile(r"[A-Za-z<>+\-0-9]*?[A-Za-z>]([+-]?)(\d{1,2})(?::(\d\d))?(?::\d\d)?(DST.*)?")


@dataclass(frozen=True, slots=True)
class Times:
    """The device's time when it was asked, and ours."""

    now: int
    """ms since 1970, by the agent's clock."""
    local: int
    """What the device's wall clock shows, as a label."""
    utc: int | None
    """What it takes for UTC, as a label; None where it names no zone and the school's is not known."""
    offset_ms: int | None
    answer: Answer

    @property
    def zone(self) -> int:
        """How far the wall clock is ahead of true UTC."""
        return shift(self.local, self.now)

    def ahead(self, zulu: str) -> int:
        """Return how far labels with a `Z` of that meaning are ahead of true UTC."""
        return shift(self.local if zulu == "local" or self.utc is None else self.utc, self.now)

    def clock(self, zulu: Literal["utc", "local", "unknown"]) -> Clock:
        """Return the clock as it is told."""
        return Clock(self.offset_ms, zulu, self.answer, self.ahead(zulu) if zulu != "unknown" else None)


def times_of(told: Told | None, campus: Campus) -> Times | None:
    """Read System/time; None for a reply that holds none."""
    if told is None or told.state != "ok":
        return None
    text, now = told.root.value("localTime"), midway(told.answer)
    local, time = label(text), xsd_time(text)
    if local is None or time is None:
        return None
    ahead = local - time[0] if not time[1] else None
    if ahead is None:
        ahead = _posix(told.root.value("timeZone"))
    if ahead is None:
        ahead = school_zone(campus.timezone)
    utc = local - ahead if ahead is not None else None
    return Times(now, local, utc, utc - now if utc is not None else None, told.answer)


def _posix(text: str) -> int | None:
    """Return how far a POSIX TZ is ahead of UTC, its sign being inverted; None where daylight saving leaves it open."""
    match = _POSIX.fullmatch(text.strip())
    if match is None or match[4] or int(match[2]) > 14:
        return None
    ahead = (int(match[2]) * 60 + int(match[3] or 0)) * MINUTE
    return ahead if match[1] == "-" else -ahead


async def calibrated(
    searcher: Searcher, times: Times, tracks: Iterable[int]
) -> tuple[Literal["utc", "local", "unknown"], list[Answer]]:
    """Find out what the device's `Z` means, with the first tracks that decide it.

    Raises:
        GapError: the device is silent or does not let us in any more.
    """
    answers: list[Answer] = []
    if times.utc is None:
        return "unknown", answers
    later, earlier = max(times.local, times.utc), min(times.local, times.utc)
    later_is: Literal["utc", "local"] = "local" if times.local == later else "utc"
    earlier_is: Literal["utc", "local"] = "utc" if later_is == "local" else "local"
    if later == earlier:
        return "utc", answers  # both are the same
    margin = min(15 * MINUTE, (later - earlier) // 4)
    agreed = 0
    for track in list(tracks)[:MOST_CHANNELS]:
        if await _touches(searcher, track, earlier + margin, later + 10 * MINUTE, answers):
            return later_is, answers
        agreed += await _touches(searcher, track, earlier - 10 * MINUTE, earlier, answers)
        if agreed >= AGREEING:
            break
    return (earlier_is if agreed else "unknown"), answers


async def _touches(searcher: Searcher, track: int, since: int, until: int, answers: list[Answer]) -> bool:
    """Tell whether there is footage between two labels, whatever the zone of the labels is."""
    found, items = await searcher.pages(track, since, until, most=FEW)
    answers += found.answers
    for item in items:
        begin, end = (xsd_time(item.value(name)) for name in ("startTime", "endTime"))
        if begin is None or end is None:
            continue
        literal = not (begin[1] or end[1])
        # Files are told whole; one that only reaches near the window from below is not in it. One that names its zone
        # was found by what the device makes of our label, which is what is asked here.
        if literal or (end[0] >= since and begin[0] <= until and end[0] - begin[0] < 24 * HOUR):
            return True
    return False
