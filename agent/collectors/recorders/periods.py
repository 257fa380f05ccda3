"""Times of recorders: what an answer's moment is, local labels, the zone that they are in, and stretches merged.

A label is a time as the device prints it, counted in milliseconds as if it were UTC; what it really means is known once
the clock has been compared (`shift`).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from agent.clock import parse_time
from agent.collectors.recorders.interface import Span
from agent.model.calendar import utc_offset
from agent.model.http import HttpReply

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.model.asset import Asset
    from agent.model.exchange import Answer

__all__ = ["DAY", "HOUR", "history", "label", "label_text", "merged", "midway", "school_zone", "shift", "xsd_time"]

HOUR = 3_600_000
DAY = 24 * HOUR
SEARCH_DAYS = 100
"""How far back footage is searched for where the campus file does not say: the 90 days that the strictest standard
wants, and a margin."""
SEAM = 5_000
"""Neighbouring files of one recording lie up to this far apart (recorders-and-logs 1.2.5)."""
QUARTER = 900_000
"""Zones are whole quarters of an hour."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LABEL = re.compile(r"(\d{4})-(\d\d?)-(\d\d?)[ T](\d\d?):(\d\d):(\d\d)(?:\.\d+)?")
_ZONE = re.compile(r"([+-])(\d\d):?(\d\d)")
_FIRST_YEAR, _LAST_YEAR = 2000, 2100
"""Recorders print 1970, year 0 or 9999 for a time that they do not have."""


def midway(answer: Answer) -> int:
    """Return the agent's time, in ms since 1970, at the middle of the exchange."""
    elapsed = answer.response.elapsed_ms if isinstance(answer.response, HttpReply) else 0
    return (parse_time(answer.at) - _EPOCH) // timedelta(milliseconds=1) - elapsed // 2


def history(asset: Asset) -> int:
    """Return how far back footage of the recorder is searched for, in ms."""
    return (asset.search_days or SEARCH_DAYS) * DAY


def label(text: str) -> int | None:
    """Return a printed date and time, whatever zone it means, in ms as if UTC; None for what is none."""
    match = _LABEL.match(text.strip())
    return _millis(match) if match else None


def xsd_time(text: str) -> tuple[int, bool] | None:
    """Return an xsd:dateTime: ms since 1970, and whether that is only a label (no zone, or `Z`, which may be local)."""
    text = text.strip()
    match = _LABEL.match(text)
    if match is None or (found := _millis(match)) is None:
        return None
    zone = _ZONE.fullmatch(text[match.end() :])
    if zone is None:
        return (found, True) if text[match.end() :] in {"", "Z", "z"} else None
    ahead = (int(zone[2]) * 60 + int(zone[3])) * 60_000
    return found - (ahead if zone[1] == "+" else -ahead), False


def label_text(at: int) -> str:
    """Return a label as `2026-11-22 01:02:03`."""
    return (_EPOCH + timedelta(milliseconds=at)).strftime("%Y-%m-%d %H:%M:%S")


def school_zone(timezone: str) -> int | None:
    """Return how far the school's clocks are ahead of UTC, in ms; None for a zone that is not known here."""
    ahead = utc_offset(timezone)
    return ahead // timedelta(milliseconds=1) if ahead is not None else None


def shift(local: int, utc: int) -> int:
    """Return how far a device's labels are ahead of UTC: the whole quarters of an hour of the difference, in ms.

    So a wrong zone of the device does no harm to its footage's times; what is left over is how wrong its clock is.
    """
    return (local - utc + QUARTER // 2) // QUARTER * QUARTER


def merged(stretches: Iterable[tuple[int, int]], *, seam: int = SEAM) -> tuple[Span, ...]:
    """Return stretches in order, joined where they overlap or lie within a seam; empty and backward ones left out."""
    found: list[tuple[int, int]] = []
    for since, until in sorted(stretches):
        if until <= since:
            continue
        if found and since <= found[-1][1] + seam:
            found[-1] = (found[-1][0], max(found[-1][1], until))
        else:
            found.append((since, until))
    return tuple(Span(since, until) for since, until in found)


def _millis(match: re.Match[str]) -> int | None:
    try:
        year, month, day, hour, minute, second = map(int, match.groups())
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    return (moment - _EPOCH) // timedelta(milliseconds=1) if _FIRST_YEAR <= moment.year < _LAST_YEAR else None
