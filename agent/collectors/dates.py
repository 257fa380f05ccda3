"""Dates as devices write them, in English or figures; what has another form is no date."""

from __future__ import annotations

import re
from datetime import date

__all__ = ["age_in_days", "date_in", "date_of_octets", "days_until"]

AHEAD = 1
"""Days that a date may lie ahead of the agent's clock: the device's day begins earlier or later."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FIGURES = re.compile(r"(?<!\d)(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?!\d)")
_MONTH_FIRST = re.compile(r"\b([A-Z][a-z]{2})[a-z]*\.? +(\d{1,2}),?(?: +\d{1,2}:\d\d(?::\d\d)?)? +(\d{4})\b")
_DAY_FIRST = re.compile(r"\b(\d{1,2})[ -]([A-Z][a-z]{2})[a-z]*[ -](\d{4})\b")


def date_in(text: str) -> str | None:
    """Return the first date of a text as yyyy-mm-dd: `2024-05-01`, `2024/5/1`, `Wed May 1 07:35:30 2024`, `1 May 2024`.

    A date in figures has the year first; of `01/05/2024` nobody knows the month.
    """
    if match := _FIGURES.search(text):
        return _date(match[1], match[2], match[3])
    if match := _MONTH_FIRST.search(text):
        return _date(match[3], _month(match[1]), match[2])
    if match := _DAY_FIRST.search(text):
        return _date(match[3], _month(match[2]), match[1])
    return None


def date_of_octets(octets: bytes) -> str | None:
    """Return the date of a DateAndTime (RFC 2579): year in two octets, month, day, and more that is not used here."""
    if len(octets) not in {8, 11}:
        return None
    return _date(str(int.from_bytes(octets[:2])), str(octets[2]), str(octets[3]))


def age_in_days(day: str, now: date) -> int | None:
    """Return the days since a date that `date_in` gave; None for one that is to come: nothing is made tomorrow."""
    age = -days_until(day, now)
    return max(age, 0) if age >= -AHEAD else None


def days_until(day: str, now: date) -> int:
    """Return the days until a date that `date_in` gave; below zero for one that is past."""
    return (date.fromisoformat(day) - now).days


def _month(name: str) -> str:
    return str(_MONTHS.index(name.lower()) + 1) if name.lower() in _MONTHS else "0"


def _date(year: str, month: str, day: str) -> str | None:
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return None
