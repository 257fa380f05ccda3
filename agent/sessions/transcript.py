"""Redaction of command output: named rules over received octets, before anything is recorded.

The commands that are sent show no secrets by design; these rules hold should a device show some nevertheless. Each
leaves its name, `⟦redacted:<rule>⟧`, or a pseudonym where equal values must stay equal:

- ``log-line``: a line of a log buffer, whole: it names users, addresses and what they did.
- ``private-key``: a PEM block. ``public-key``: the octets of an SSH key.
- ``cipher``: Huawei, H3C, Fortinet ciphertext (`cipher ...`, `ENC ...`, `%^%#...%^%#`), and password hashes (`$1$...`).
- ``password``, ``community``, ``user``: what follows such a word. ``serial``, ``name``: a serial number or host name.
- ``mac``: an address with separators, spelled as it was, as in `redact`.

Rules look at single lines and at ASCII words only, so that they hold in GB18030 text too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

__all__ = ["redact_transcript"]

_VALUE = rb"(\"[^\"\r\n]*\"|'[^'\r\n]*'|[^\s\"']\S*)"
_PEM = re.compile(rb"-----BEGIN [A-Z0-9 ]+-----.*?(?:-----END [A-Z0-9 ]+-----|\Z)", re.DOTALL)
_LOG_LINE = re.compile(
    rb"^[^\r\n]*(?:"
    rb"%%\d{2}[A-Za-z0-9_]+/\d/[A-Za-z0-9_]+"  # Huawei, H3C: %%01CFM/4/SAVE
    rb"|%[A-Z][A-Z0-9_]*(?:-[A-Z0-9_]+)*-[0-7]-[A-Z0-9_]+ ?:"  # Cisco, Ruijie, Maipu: %SYS-5-CONFIG_I:
    rb"|%\w{3} +\d+ [\d:]+ \d{4} \S+ [A-Z0-9_]+/\d/[A-Z0-9_]+"  # H3C: %Jun 26 17:08:35:809 2008 Sysname SHELL/4/LOGIN
    rb"|\blogid=\"?\d+|\bdevname="  # Fortinet
    rb")[^\r\n]*",
    re.MULTILINE,
)
_BLOCKS = (("private-key", _PEM), ("log-line", _LOG_LINE))
_REPLACED: tuple[tuple[str, re.Pattern[bytes]], ...] = (
    ("public-key", re.compile(rb"()(?<![\w/+])(AAAA[A-Za-z0-9+/]{60,}={0,2})")),
    ("cipher", re.compile(rb"()(%(\^%#|\$%\$|@%@|\^%\^).{8,}?%(?:\3|\^%#|\$%\$|@%@))")),
    ("cipher", re.compile(rb"()(?<!\S)(\$(?:1|5|6|8|9|2[aby]|1a|1c|14)\$\S{8,})")),
    ("cipher", re.compile(rb"(?i)(\b(?:irreversible-)?cipher +)" + _VALUE)),
    ("cipher", re.compile(rb"(\bENC +)(\S+)")),
    (
        "password",
        re.compile(
            rb"(?i)(\b(?:password|passwd|passphrase|psksecret|secret|pre-shared-key|(?:auth|priv|shared|md5|private)-?key"
            rb"|authentication-key(?:id)?(?: \d+)?|key-string)"
            rb"(?: *[:=] *|(?: +(?:simple|plain|hash|level|\d{1,2}|md5|sha\d*))* +))" + _VALUE
        ),
    ),
    (
        "community",
        re.compile(rb"(?i)(\bcommunity(?: *[:=] *|(?: +(?:read|write|ro|rw|simple|plain|name))* +))" + _VALUE),
    ),
    (
        "user",
        re.compile(
            rb"(?i)(\b(?:user-?name|local-user|user(?: name)?|login|by) *[:=] *|\b(?:username|local-user) +)" + _VALUE
        ),
    ),
)
_PSEUDONYMS: tuple[tuple[str, re.Pattern[bytes]], ...] = (
    (
        "serial",
        re.compile(rb"(?i)(\b(?:serial[ -]?(?:number|no\.?|num)|S/N|board ID|chassis (?:id|sn)|ESN)[ :=]+)([\w-]{4,})"),
    ),
    ("name", re.compile(rb"(?i)(\b(?:host ?name|sysname|system name)[ :=]+)" + _VALUE)),
)
_MAC = re.compile(
    rb"(?<![0-9A-Fa-f.:-])(?:[0-9A-Fa-f]{4}([.-])[0-9A-Fa-f]{4}\1[0-9A-Fa-f]{4}"
    rb"|[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\2){4}[0-9A-Fa-f]{2})(?![0-9A-Fa-f.:-])"
)


def redact_transcript(
    data: bytes, pseudonym: Callable[[str, bytes], bytes], spelled: Callable[[bytes], bytes], counts: Counter[str]
) -> bytes:
    """Return the output without what the rules name, and count each rule.

    Args:
        data: received octets.
        pseudonym: makes one for a rule and a value.
        spelled: makes that of a MAC address, spelled as the address was.
        counts: is added to.
    """
    for rule, expression in _BLOCKS:
        data = _sub(expression, rule, _all, data, counts)
    for rule, expression in _REPLACED:
        data = _sub(expression, rule, _value, data, counts)
    for rule, expression in _PSEUDONYMS:
        data = _sub(expression, rule, lambda match, of: match[1] + pseudonym(of, match[2]), data, counts)
    return _sub(_MAC, "mac", lambda match, _: spelled(match[0]), data, counts)


def _all(_: re.Match[bytes], rule: str) -> bytes:
    return _mark(rule)


def _value(match: re.Match[bytes], rule: str) -> bytes:
    return bytes(match[1]) + _mark(rule)


def _mark(rule: str) -> bytes:
    return f"⟦redacted:{rule}⟧".encode()


def _sub(
    expression: re.Pattern[bytes],
    rule: str,
    shown: Callable[[re.Match[bytes], str], bytes],
    data: bytes,
    counts: Counter[str],
) -> bytes:
    found = 0

    def replace(match: re.Match[bytes]) -> bytes:
        nonlocal found
        last = match.lastindex and match[2]
        if last and (last.startswith(_MARK_START) or last[:1] == b"~"):
            return match[0]  # what another rule has put there
        new = shown(match, rule)
        found += new != match[0]
        return new

    data = expression.sub(replace, data)
    counts[rule] += found
    return data


_MARK_START = "⟦redacted:".encode()
