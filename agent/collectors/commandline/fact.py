"""`Fact`: one thing that a device says; `Unrecognised`: it says it in words that no parser knows."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Fact", "Lines", "UnrecognisedError", "need"]

Lines = list[str]
"""What one command printed, as a terminal shows it; without echo, empty lines and pager marks."""


class UnrecognisedError(Exception):
    """A value is expected, and something else stands there."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A value of `appliance.<metric>`; `of` names the part of the device it belongs to, empty for the device."""

    metric: str
    value: str
    unit: str = ""
    of: str = ""


def need(pattern: str, lines: Lines) -> re.Match[str]:
    """Return the first line that matches as a whole.

    Raises:
        UnrecognisedError: none does.
    """
    expression = re.compile(pattern)
    found = next((match for line in lines if (match := expression.fullmatch(line.strip()))), None)
    if found is None:
        raise UnrecognisedError(pattern)
    return found
