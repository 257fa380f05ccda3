"""Full-width punctuation, as Chinese input methods write it, where YAML needs its own."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from agent.errors import Phrase

__all__ = ["Wide", "first_wide", "half_width", "wide_at"]

_PLAIN: Final = {"“": '"', "”": '"', "‘": "'", "’": "'", "【": "[", "】": "]", "、": ","}
"""Marks that Unicode's compatibility forms (NFKC) do not lead to what is meant."""
_WIDE: Final = re.compile(r"[：，［］｛｝＃－“”‘’【】、\u3000]")
"""Brackets that are round and semicolons are no punctuation of YAML, so they cannot stand for any."""
_QUIET: Final = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'|(?:^|(?<=\s))#.*")
"""What stands in quotes, and comments: free text."""
_BREAK: Final = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
"""Ends of lines as PyYAML counts them."""
_STRUCTURE: Final = re.compile(
    r"^ *(?P<blank>\u3000)"
    r"|(?:^ *(?:- +)*|[\[{,] *)[A-Za-z_][A-Za-z0-9_-]* *(?P<colon>：)"
    r"|(?:: +|^ *- +)(?P<open>[“‘【｛［])"
)
"""Where a mark of YAML belongs: the indentation, after a key, before a value."""


@dataclass(frozen=True, slots=True)
class Wide:
    """A full-width mark, and where it stands, from 1."""

    mark: str
    line: int
    column: int


def half_width(mark: str) -> str:
    """Return what is meant by a full-width mark, as an error shows it."""
    if mark == "\u3000":
        return Phrase("a blank")
    return _PLAIN.get(mark) or unicodedata.normalize("NFKC", mark)


def first_wide(text: str) -> str:
    """Return the first full-width mark in a text, or an empty text."""
    found = _WIDE.search(text)
    return found[0] if found else ""


def wide_at(text: str, line: int) -> Wide | None:
    """Return the full-width mark that makes a parser stumble at a line (from 1) of a text, or None.

    The text goes on over lines until the first that YAML takes as a key, and only there the parser says something: the
    lines above are looked at too, as long as they hold no key of their own.
    """
    lines = [_QUIET.sub(lambda quiet: " " * len(quiet[0]), one) for one in _BREAK.split(text)[:line]]
    found, last = None, len(lines)
    for number in range(last, 0, -1):
        one = lines[number - 1]
        if match := _STRUCTURE.search(one):
            found = Wide(match[match.lastgroup or 0], number, match.start(match.lastgroup or 0) + 1)
        elif number < last and re.search(r":( |$)", one):
            break
    if found is None and (mark := _WIDE.search(lines[-1])):
        found = Wide(mark[0], last, mark.start() + 1)
    return found
