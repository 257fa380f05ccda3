"""Redaction of HTTP bodies: values go by the names that the request declares, every other octet stays.

Three forms have names: `xml` elements and attributes, `json` keys, `lines` of `name=value`. A name is matched wherever
it stands, in whole documents and in cut ones, in error pages and in documents that would not parse: what cannot be
read is no reason to keep it. Beside what is declared, each form loses:

- ``password``, ``user``: values under names that say so (`password`, `userName`, ...).
- ``authorization``: what echoes our own login: an Authorization or Cookie line, a Digest, Basic or Bearer value.
- ``login``: what stands between `//` and the last `@` of a URL, and a password in its query (`logins`).
- ``mac``: addresses spelled with separators, anywhere.

Names are looked for as ASCII octets, which UTF-8, GB 18030 and ISO 8859 leave as they are; a document in another
encoding cannot be searched and is refused.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from html import escape, unescape
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from agent.errors import MalformedError
from agent.model import snmp
from agent.sessions.json_values import replace_json
from agent.sessions.logins import redact_logins

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    from agent.model.exchange import Holds
    from agent.model.http import HttpRequest

    Pseudonym = Callable[[Holds, bytes], bytes]
    """Octets of a value to what stands for them, as `Redactor.pseudonym`."""

__all__ = ["redact_body", "spellings"]

_ALWAYS = {
    "password": ("password", "Password", "passwd", "passWord", "PassWord", "pwd", "passphrase", "secretKey", "Nonce"),
    "user": ("username", "userName", "UserName", "Username", "user", "loginName", "LoginName", "user_name"),
}
"""Names that no reply needs, whatever the request declares."""
_OMIT = "omitted"
SHORTEST_ENCODED = 6
"""Octets of a secret whose Base64 form is looked for; that of fewer matches by chance."""
_MAC = re.compile(
    rb"(?<![0-9A-Fa-f:.-])(?:[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}"
    rb"|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4})(?![0-9A-Fa-f:.-])"
)
_BARE_MAC = re.compile(rb"(?<![0-9A-Fa-f])[0-9A-Fa-f]{12}(?![0-9A-Fa-f])")
_ECHO = re.compile(
    rb"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie|x-auth-token)(\"?\s*[:=]\s*\"?)[^\r\n<\"{\[]+(?:\"[^\r\n<\"]*\"[^\r\n<\"]*)*"
    rb"|\b(digest)(\s+)(?:username|realm|nonce)=[^\r\n<]+"
    rb"|\b(basic|bearer|apikey)( +)[A-Za-z0-9+/_.~=-]{16,}"
)
_DECLARED = re.compile(rb"^(?:\xef\xbb\xbf)?\s*<\?xml[^>]*?encoding\s*=\s*[\"']([^\"']*)[\"']")
_READABLE = re.compile(r"(?i)utf-?8|us-ascii|ascii|gb-?2312|gbk|gb-?18030|cp936|iso-?8859-\d+|windows-125\d|latin-?1")


@dataclass(frozen=True, slots=True)
class _Rules:
    """What happens to values under a name."""

    holds: dict[str, Holds]
    marks: dict[str, str]
    omit: frozenset[str]

    def names(self) -> list[str]:
        return [*self.holds, *(name for name in self.marks if name not in self.holds), *self.omit]


def redact_body(request: HttpRequest, body: bytes, pseudonym: Pseudonym, counts: Counter[str]) -> bytes:
    """Return the body without what the request declares, and count each rule.

    Args:
        request: says the form and the names.
        body: received octets, without configured secrets.
        pseudonym: makes one.
        counts: is added to.

    Raises:
        MalformedError: the body is in an encoding in which names cannot be found.
    """
    rules = _Rules(
        {field.name: field.holds for field in request.fields},
        {name: rule for rule, names in _ALWAYS.items() for name in names},
        frozenset(request.omit),
    )
    _must_be_readable(body)

    def shown(name: str, value: bytes) -> bytes:
        return _shown(name, value, rules, pseudonym, counts)

    # First: an address that was replaced already is known by its separators, and would become another one.
    body = _sub(_MAC, body, lambda match: _mac(match[0], pseudonym), "mac", counts)
    body, logins = redact_logins(body, request.form)
    counts["login"] += logins
    if request.form == "json":
        body = replace_json(body, frozenset(rules.names()), shown)
    elif request.form == "lines":
        body = _lines(body, frozenset(rules.names()), shown)
    else:
        body = _elements(body, tuple(rules.names()), rules.omit, shown)
    return _sub(_ECHO, body, _without_login, "authorization", counts)


@lru_cache(maxsize=4096)
def spellings(secret: bytes) -> tuple[bytes, ...]:
    """Return how a secret may stand in a body: as it is, in XML, JSON, a URL, a form, or Base64."""
    text = secret.decode("utf-8", "surrogateescape")
    whole = len(secret) // 3 * 3  # of Base64, what does not depend on what follows
    found = {
        secret,
        escape(text, quote=False).encode("utf-8", "surrogateescape"),
        escape(text).encode("utf-8", "surrogateescape"),
        json.dumps(text).strip('"').encode(),
        json.dumps(text, ensure_ascii=False).strip('"').encode("utf-8", "surrogateescape"),
        quote(secret, safe="").encode(),
        quote(secret).encode(),
        quote_plus(secret).encode(),
        base64.b64encode(secret[:whole]) if whole >= SHORTEST_ENCODED else secret,
    }
    return tuple(sorted(found))


def _must_be_readable(body: bytes) -> None:
    match = _DECLARED.match(body[:200])
    if b"\0" in body or (match is not None and not _READABLE.fullmatch(match[1].decode("latin-1").strip())):
        raise MalformedError("a body in an encoding that hides its words")


def _sub(
    expression: re.Pattern[bytes],
    body: bytes,
    shown: Callable[[re.Match[bytes]], bytes],
    rule: str,
    counts: Counter[str],
) -> bytes:
    replaced = 0

    def replace(match: re.Match[bytes]) -> bytes:
        nonlocal replaced
        new = shown(match)
        replaced += new != match[0]
        return new

    body = expression.sub(replace, body)
    counts[rule] += replaced
    return body


def _without_login(match: re.Match[bytes]) -> bytes:
    word, between = next((match[n], match[n + 1]) for n in (1, 3, 5) if match[n])
    return bytes(word + between + _mark("authorization"))


# --- one value ------------------------------------------------------------------------------------------------------


def _shown(name: str, value: bytes, rules: _Rules, pseudonym: Pseudonym, counts: Counter[str]) -> bytes:
    """Return what stands for the value of a name; nothing stays nothing, blanks around it stay."""
    if name in rules.omit:
        counts[_OMIT] += bool(value)
        return b""
    plain = value.strip()
    if not plain:
        return value
    if name in rules.marks and name not in rules.holds:
        counts[rules.marks[name]] += 1
        return _mark(rules.marks[name])
    holds = rules.holds[name]
    new = _stands_for(holds, plain, pseudonym)
    counts[holds] += new != plain
    return value.replace(plain, new, 1)


def _stands_for(holds: Holds, value: bytes, pseudonym: Pseudonym) -> bytes:
    text = unescape(snmp.text(value))
    if holds in ("ip4", "ip6", "inet"):
        try:
            address = ip_address(text.partition("%")[0])
        except ValueError:
            return _name(holds, text, pseudonym)
        return str(ip_address(pseudonym(holds, address.packed))).encode()
    if holds == "identifier" or (holds == "mac" and _BARE_MAC.fullmatch(value)):
        return _BARE_MAC.sub(lambda match: _mac(match[0], pseudonym), value)
    if holds == "mac" and _MAC.fullmatch(value):
        return value  # replaced already
    return _name(holds, text, pseudonym)


def _name(holds: Holds, text: str, pseudonym: Pseudonym) -> bytes:
    """Return `~<holds>-<12 hex>`; equal texts in different encodings have the same."""
    if holds in ("name", "serial"):
        return pseudonym(holds, text.encode())
    return pseudonym("name", f"{holds}\0{text}".encode()).replace(b"~name", f"~{holds}".encode())


def _mac(text: bytes, pseudonym: Pseudonym) -> bytes:
    """Return the pseudonym of an address, spelled as the address was."""
    plain = bytes.fromhex(re.sub(rb"[^0-9A-Fa-f]", b"", text).decode())
    shown = iter(pseudonym("mac", plain).hex().encode())
    spelled = bytes(octet if octet in b":-." else next(shown) for octet in text)
    return text if spelled.lower() == text.lower() else spelled


def _mark(rule: str) -> bytes:
    """Return what shows that something was here; in ASCII, since other octets would spoil a GB 18030 document."""
    return f"[redacted:{rule}]".encode()


# --- xml ------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _tags(names: tuple[str, ...]) -> re.Pattern[bytes]:
    words = b"|".join(re.escape(name.encode()) for name in sorted(names, key=len, reverse=True) if name[:1] != "@")
    return re.compile(rb"<((?:[^\s<>/:!?]{1,100}:)?(" + words + rb"))(?=[\s/>])")


_REST_OF_TAG = re.compile(rb"(?:[^<>\"']|\"[^\"]*\"|'[^']*')*>")
_LONGEST_TAG = 2048
"""Octets in which a tag is read as it should be written; a longer or spoilt one ends at the next `>`."""


@lru_cache(maxsize=64)
def _attributes(names: tuple[str, ...]) -> re.Pattern[bytes] | None:
    words = b"|".join(re.escape(name[1:].encode()) for name in names if name[:1] == "@")
    return re.compile(rb"(?<=[\s\"':])(" + words + rb")(\s*=\s*)(\"[^\"]*|'[^']*)") if words else None


def _elements(body: bytes, names: tuple[str, ...], omit: frozenset[str], shown: Callable[[str, bytes], bytes]) -> bytes:
    """Replace the whole content of each element of these names, up to its end tag, or to the end of a cut document.

    Of those to be omitted not even the tags stay.
    """
    parts: list[bytes] = []
    at = 0
    while match := _tags(names).search(body, at):
        name, start = match[2].decode(), _tag_end(body, match.end())
        parts.append(body[at : match.start() if name in omit else start])
        at = start
        if body[start - 2 : start] == b"/>" or start == len(body):
            continue
        end = _end_of(body, start, match[1])
        parts.append(shown(name, _content(body[start:end])))
        at = (body.find(b">", end) + 1 or len(body)) if name in omit else end
    parts.append(body[at:])
    body = b"".join(parts)
    attributes = _attributes(names)
    if attributes is None:
        return body
    return attributes.sub(
        lambda match: match[1] + match[2] + match[3][:1] + shown(f"@{match[1].decode()}", match[3][1:]), body
    )


def _tag_end(body: bytes, at: int) -> int:
    """Return where a start tag ends, or the body where it is cut in it."""
    match = _REST_OF_TAG.match(body, at, at + _LONGEST_TAG)
    return match.end() if match else body.find(b">", at) + 1 or len(body)


def _end_of(body: bytes, start: int, tag: bytes) -> int:
    """Return where the element ends: at its end tag, counting elements of the same name inside."""
    depth = 1
    for match in re.compile(rb"<(/?)" + re.escape(tag) + rb"(?=[\s/>])[^<>]*>").finditer(body, start):
        if match[1]:
            depth -= 1
        elif not match[0].endswith(b"/>"):
            depth += 1
        if not depth:
            return match.start()
    return len(body)


def _content(value: bytes) -> bytes:
    """Return the text of a CDATA section that is the whole content; anything else as it is."""
    match = re.fullmatch(rb"\s*<!\[CDATA\[(.*?)\]\]>\s*", value, re.DOTALL)
    return bytes(match[1]) if match else value


# --- lines ----------------------------------------------------------------------------------------------------------


def _lines(body: bytes, names: frozenset[str], shown: Callable[[str, bytes], bytes]) -> bytes:
    return b"".join(_line(line, names, shown) for line in body.splitlines(keepends=True))


def _line(line: bytes, names: frozenset[str], shown: Callable[[str, bytes], bytes]) -> bytes:
    left, equals, rest = line.partition(b"=")
    last = left.strip().rpartition(b".")[2].partition(b"[")[0].strip().decode("latin-1")
    if not equals or last not in names:
        return line
    value = rest.rstrip(b"\r\n")
    return left + equals + shown(last, value) + rest[len(value) :]
