"""HTTP challenges (RFC 9110 §11.6.1) and the answer to a Digest challenge (RFC 7616)."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Challenge", "DigestAnswer", "best_digest", "challenges", "next_nonce"]

_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"  # noqa: S105 - the grammar's word
_PARAM = re.compile(rf'\s*({_TOKEN})\s*=\s*("(?:[^"\\]|\\.)*"|{_TOKEN})\s*')
_SCHEME = re.compile(
    rf"\s*({_TOKEN})(?:\s+(?=({_TOKEN})\s*=(?!=|\s*(?:,|$)))|\s+[A-Za-z0-9\-._~+/]+=*\s*(?=,|$)|\s*(?=,|$))"
)
_LONGEST = 8192
"""Octets of a header that are looked at."""

_ALGORITHMS = {
    "SHA-512-256": "sha512_256",
    "SHA-256": "sha256",
    "SHA256": "sha256",  # firmware's own spelling
    "MD5": "md5",
}
_RANK = ("sha256", "sha512_256", "md5")
"""Strongest first of what devices have; the challenge's order would let a machine in the middle choose."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """One challenge: its scheme in lower case, and its parameters with names in lower case."""

    scheme: str
    params: Mapping[str, str] = field(default_factory=dict)

    @property
    def stale(self) -> bool:
        """The nonce was too old, the password was right (RFC 7616 §3.3)."""
        return self.params.get("stale", "").lower() == "true"


def challenges(values: Iterable[str]) -> list[Challenge]:
    """Return the challenges of all WWW-Authenticate headers, however many stand in one; what is none is left out."""
    return [found for value in values for found in _of_header(value[:_LONGEST])]


def _of_header(text: str) -> list[Challenge]:
    found: list[Challenge] = []
    params: dict[str, str] = {}
    at = 0
    while at < len(text):
        if text[at] in ", \t":
            at += 1
        elif match := _PARAM.match(text, at):
            name, value = match[1].lower(), match[2]
            if value.startswith('"'):
                value = re.sub(r"\\(.)", r"\1", value[1:-1])
            if found:
                params.setdefault(name, value)
            at = match.end()
        elif match := _SCHEME.match(text, at):
            params = {}
            found.append(Challenge(match[1].lower(), params))
            at = match.end()
        else:
            at = _after_comma(text, at)
    return found


def _after_comma(text: str, at: int) -> int:
    comma = text.find(",", at)
    return len(text) if comma < 0 else comma + 1


def _algorithm(challenge: Challenge) -> tuple[str, bool]:
    """Return hashlib's name, empty if not known, and whether it is a -sess variant."""
    name = challenge.params.get("algorithm", "MD5").upper()
    return _ALGORITHMS.get(name.removesuffix("-SESS"), ""), name.endswith("-SESS")


def best_digest(offered: Iterable[Challenge]) -> Challenge | None:
    """Return the Digest challenge with the strongest algorithm that can be answered, or None."""
    usable = [
        each
        for each in offered
        if each.scheme == "digest" and "nonce" in each.params and _algorithm(each)[0] and _qop(each) is not None
    ]
    return min(usable, key=lambda each: _RANK.index(_algorithm(each)[0]), default=None)


def _qop(challenge: Challenge) -> str | None:
    """Return `auth`, empty for the old form without qop (RFC 2069), None for what is not spoken (auth-int alone)."""
    if "qop" not in challenge.params:
        return ""
    offered = {each.strip().lower() for each in challenge.params["qop"].split(",")}
    return "auth" if "auth" in offered else None


def next_nonce(authentication_info: str) -> str:
    """Return the nonce that a reply wants to see next (RFC 7616 §3.5), or nothing."""
    params = {match[1].lower(): match[2].strip('"') for match in _PARAM.finditer(authentication_info[:_LONGEST])}
    return params.get("nextnonce", "")


class DigestAnswer:
    """Answers one challenge, and goes on with its nonce: one count more for each request.

    Args:
        challenge: as chosen by `best_digest`.
        username: who we are.
        password: is hashed, never sent.
    """

    def __init__(self, challenge: Challenge, username: str, password: str) -> None:
        self._params = dict(challenge.params)
        self._hash, self._session = _algorithm(challenge)
        self._qop = _qop(challenge)
        self._username = username
        self._password = password
        self._count = 0
        self._cnonce = secrets.token_hex(16)

    def renew(self, nonce: str) -> None:
        """Go on with a nonce that the device announced."""
        self._params["nonce"] = nonce
        self._count = 0

    def header(self, method: str, uri: str) -> str:
        """Return the Authorization header of the next request."""
        self._count += 1
        realm, nonce = self._params.get("realm", ""), self._params["nonce"]
        count = f"{self._count:08x}"
        first = self._digest(f"{self._username}:{realm}:{self._password}")
        if self._session:
            first = self._digest(f"{first}:{nonce}:{self._cnonce}")
        second = self._digest(f"{method}:{uri}")
        middle = f"{nonce}:{count}:{self._cnonce}:auth" if self._qop else nonce
        fields = [
            f"username={_quoted(self._username)}",
            f"realm={_quoted(realm)}",
            f"nonce={_quoted(nonce)}",
            f"uri={_quoted(uri)}",
            f'response="{self._digest(f"{first}:{middle}:{second}")}"',
        ]
        if "algorithm" in self._params:
            fields.append(f"algorithm={self._params['algorithm']}")
        if "opaque" in self._params:
            fields.append(f"opaque={_quoted(self._params['opaque'])}")
        if self._qop:
            fields += ["qop=auth", f"nc={count}"]
        if self._qop or self._session:
            fields.append(f"cnonce={_quoted(self._cnonce)}")
        return "Digest " + ", ".join(fields)

    def _digest(self, text: str) -> str:
        return hashlib.new(self._hash, text.encode(), usedforsecurity=False).hexdigest()


def _quoted(text: str) -> str:
    escaped = re.sub(r'(["\\])', r"\\\1", text)
    return f'"{escaped}"'
