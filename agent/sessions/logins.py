"""What a URL tells of a login, wherever one stands in a body: all before its last `@`, and passwords in its query.

Devices put a password into an address as it is. It may hold any sign that ends a part of a URL (RFC 3986 §3.2.1 has
them escaped; firmware does not), so nothing before the last `@` is known to be none of it. What ends the address is
read from what it began behind: a quote, a tag, the `=` of a line; in running text, a blank or a quote.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from agent.model.http import Form

__all__ = ["redact_logins"]

_MARK: Final = b"[redacted:login]"
_AUTHORITY: Final = re.compile(rb":(?:\\{0,4}/){2}")
"""JSON may escape a slash, and JSON within JSON the escape."""
_SCHEME: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+.-"
_LOOKED_BACK: Final = 64
"""Octets in which a scheme and what stands before it are looked for."""
_NAME: Final = rb"[a-z]{0,20}(?:password|passwd|pass|psw|pwd|pw)="
_PARAMETER: Final = rb"&(?:amp;)?[a-z][a-z0-9_.-]{0,40}="
_NOTHING: Final = rb"(?:\[redacted:[a-z]+\]|&(?:amp;)?[a-z0-9_.-]{0,40})(?:[\s&<>\"'\\]|\Z)"
"""Instead of a value: what stands for one, or a parameter without value."""
_SET: Final = rb"(?i)((?:[?&;/_]|\\u0026)" + _NAME + rb")(?!" + _NOTHING + rb")"
_IN_URL: Final = re.compile(_SET + rb"(?:[^&]++|(?!" + _PARAMETER + rb")&)++")
_IN_TEXT: Final = re.compile(_SET + rb"(?:[^\s&<>\"'\\]++|\\\S|(?!" + _PARAMETER + rb")&)++")
"""An `&` without another parameter behind it belongs to the value."""
_LINE: Final = re.compile(rb"[^\r\n]*")
_TEXT: Final = re.compile(rb"[^<\r\n]*")
_WORD: Final = re.compile(rb"(?:[^\s\"'<>\\]++|\\\S)*+")
_QUOTED: Final = {
    b'"': re.compile(rb"(?:[^\"\\\r\n]++|\\.)*+"),
    b"'": re.compile(rb"(?:[^'\\\r\n]++|\\.)*+"),
    b'\\"': re.compile(rb"(?:[^\"\\\r\n]++|\\\\(?:\\.|[^\"\\\r\n])|\\[^\"\\\r\n])*+"),
}
"""By the quote that the address stands behind. In JSON within JSON that is `\"`, and `\\\"` is one in the text."""


def redact_logins(body: bytes, form: Form) -> tuple[bytes, int]:
    """Return the body without logins in addresses, and how many were taken out.

    Args:
        body: octets of any document.
        form: how it should be built; what it is not is read as running text.
    """
    parts: list[bytes] = []
    at = found = 0
    for match in _AUTHORITY.finditer(body):
        start = match.end()
        if start < at:
            continue  # within an address that has been looked at
        end = _end(body, match.start(), start, form)
        address, number = _without(body[start:end])
        parts += [body[at:start], address]
        at, found = end, found + number
    body = b"".join([*parts, body[at:]])
    body, number = _IN_TEXT.subn(_set, body)
    return body, found + number


def _without(address: bytes) -> tuple[bytes, int]:
    """Return an address, from behind its `//`, without login, and how many were taken out."""
    last = address.rfind(b"@")
    if any(match.start() < last < match.end() for match in _IN_URL.finditer(address)):
        return _MARK, 1  # a password in the query that has an @, or one before the host that looks like a query
    login, sign, rest = address.rpartition(b"@")
    known = not login or login == _MARK
    rest, number = _IN_URL.subn(_set, rest)
    return (login if known else _MARK) + sign + rest, number + (not known)


def _set(match: re.Match[bytes]) -> bytes:
    return match[1] + _MARK


def _end(body: bytes, colon: int, start: int, form: Form) -> int:
    """Return where an address ends whose `:` and whose first octet behind `//` are given."""
    before = body[max(0, colon - _LOOKED_BACK) : colon].rstrip(_SCHEME)
    quoted = _QUOTED.get(before[-2:]) or _QUOTED.get(before[-1:])
    if quoted is not None:
        ends = quoted
    elif form == "lines" and before.endswith(b"="):
        ends = _LINE
    elif form == "xml" and before.rstrip().endswith((b">", b"<![CDATA[")):
        ends = _TEXT
    else:
        ends = _WORD
    match = ends.match(body, start)
    end = match.end() if match else start
    if form == "xml" and (tag := body.find(b"<", start, end)) >= 0:
        return tag
    return end
