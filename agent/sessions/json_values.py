"""Replacing values of named keys in JSON octets without writing the rest anew."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["replace_json"]

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|[{}\[\]:,]|[^\s{}\[\]:,"]+', re.DOTALL)


def replace_json(body: bytes, names: frozenset[str], shown: Callable[[str, bytes], bytes]) -> bytes:
    """Replace strings and numbers under keys of these names, at any depth below them; a cut document is no exception.

    Args:
        body: JSON, or what was meant to be.
        names: keys.
        shown: from a name and the UTF-8 octets of a value to what stands for it.
    """
    parts: list[bytes] = []
    at = 0
    under: list[str | None] = []  # of each open object or array: the key whose values in it are replaced
    key: str | None = None
    last: str | None = None
    for match in _TOKEN.finditer(body):
        token = match[0]
        inherited = under[-1] if under else None
        if token in b"{[":
            under.append(key or inherited)
            key = last = None
        elif token in b"}]":
            del under[-1:]
            key = last = None
        elif token == b":":
            key = last if last in names else None
        elif token == b",":
            key = last = None
        elif token.startswith(b'"') and _is_key(body, match.end()):
            last = _text(token)
        elif (name := key or inherited) is not None and token not in (b"true", b"false", b"null"):
            parts += [body[at : match.start()], _replaced(token, name, shown)]
            at = match.end()
    return b"".join([*parts, body[at:]])


def _is_key(body: bytes, end: int) -> bool:
    return re.compile(rb"\s*:").match(body, end) is not None


def _text(token: bytes) -> str:
    """Return the text of a string token, escapes resolved where they can be."""
    try:
        return str(json.loads(token))
    except ValueError:
        return token.strip(b'"').decode("utf-8", "replace")


def _replaced(token: bytes, name: str, shown: Callable[[str, bytes], bytes]) -> bytes:
    value = _text(token).encode("utf-8", "replace") if token.startswith(b'"') else token
    new = shown(name, value)
    if new == value:
        return token
    return json.dumps(new.decode("utf-8", "replace"), ensure_ascii=False).encode()
