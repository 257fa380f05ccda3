"""Redaction: secrets and personal data leave an answer before it is recorded and before a collector sees it.

Rules, each counted by name in the exchange:

- ``mac``: the OUI stays, the rest is permuted under the campus key, so that two devices never become one. A locally
  administered address (a randomised one) has no OUI: only its locally-administered bit stays. Broadcast, multicast
  and all-zero addresses are no one's and stay; but 33:33:ff, the group of an IPv6 address, keeps no more than that.
- ``name``, ``serial``: replaced by ``~name-<12 hex>``: equal values stay equal, nothing else remains.
- ``identifier``: MAC addresses in it, as six octets or spelled out in any usual way, as with ``mac``; the rest stays.
- ``ip4``, ``ip6``, ``inet``: addresses of terminals as in `addresses`: family, scope and the /24 or /64 stay.
- ``undeclared``: a variable of a notification that was not asked for is left out.
- ``secret``: any configured secret (community, password) that a device echoes back.
- the rules of `transcript` for the output of command lines, those of `bodies` for HTTP.
- ``mqtt-device``: the topic level that names a device, and every other level that says the same.

What holds what is declared with the request, so the same answer is redacted in the same way in every run. The key
never leaves the campus; without it pseudonyms cannot be undone, and 24 bits of a MAC cannot be searched for.
"""

from __future__ import annotations

import hmac
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent import ber
from agent.errors import AgentError, GapError, MalformedError
from agent.language import translator
from agent.model.canary import CanaryFound, CanaryNonces, CanarySent
from agent.model.cli import escaped, received
from agent.model.exchange import (
    CliOutput,
    Holds,
    HostState,
    HttpReply,
    HttpRequest,
    IndexPart,
    LogDays,
    MqttMessage,
    MqttMessages,
    NetAddresses,
    NetProbed,
    Notification,
    Notifications,
    Request,
    Response,
    RtspPlayed,
    SnmpGet,
    SnmpNotifications,
    SnmpTable,
)
from agent.sessions import addresses
from agent.sessions.bodies import redact_body, spellings
from agent.sessions.transcript import redact_transcript

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Redactor"]

WELL_KNOWN = (b"public", b"private")
"""Factory communities: no secrets, and words that occur in honest text."""
SHORTEST_SECRET = 4
"""Octets; a shorter secret would match by chance all over an answer."""
_COUNTS = (HostState, LogDays, CanarySent, CanaryFound, CanaryNonces, RtspPlayed, NetAddresses, NetProbed)
"""Counts, times and states by their types: nothing in them can be personal."""
_IP = ("ip4", "ip6", "inet")
_NODE_GROUP = bytes.fromhex("3333ff")
"""RFC 2464 §7 over RFC 4291 §2.7.1: the other three octets are the last of a terminal's IPv6 address."""
MARK = "⟦redacted:secret⟧"
_TEXT_MAC = re.compile(rb"[0-9A-Fa-f]{1,2}([:\- ])(?:[0-9A-Fa-f]{1,2}\1){4}[0-9A-Fa-f]{1,2}")
_MAC_WITHIN = re.compile(
    rb"(?<![0-9A-Fa-f])(?:[0-9A-Fa-f]{12}|[0-9A-Fa-f]{4}([.\-])[0-9A-Fa-f]{4}\1[0-9A-Fa-f]{4}"
    rb"|[0-9A-Fa-f]{2}([:\- .])(?:[0-9A-Fa-f]{2}\2){4}[0-9A-Fa-f]{2})(?![0-9A-Fa-f])"
)


@dataclass(frozen=True, slots=True)
class _Column:
    """What a request declares of the varbinds under a prefix."""

    prefix: bytes
    holds: Holds | None
    index: tuple[IndexPart, ...]


@dataclass(frozen=True)
class Redactor:
    """Applies the rules under one campus key.

    Args:
        key: at least 16 random octets, kept on campus.
        secrets: octet strings that must never be recorded.
    """

    key: bytes = field(repr=False)
    secrets: tuple[bytes, ...] = field(default=(), repr=False)

    def redact(self, request: Request, response: Response) -> tuple[Response, dict[str, int]]:
        """Return the redacted response and how often each rule applied.

        Raises:
            MalformedError: a variable binding does not decode, or was not asked for: nothing says what it holds.
        """
        counts: Counter[str] = Counter()
        if isinstance(response, MqttMessages):
            return self._messages(response, counts), dict(counts)
        if isinstance(response, _COUNTS):
            return response, {}  # counts and states, by their types
        if isinstance(response, HttpReply) and isinstance(request, HttpRequest):
            return self._reply(request, response, counts), dict(counts)
        if isinstance(response, CliOutput):
            return self._transcript(response, counts), dict(counts)
        declared = _declared(request)
        if isinstance(response, HttpReply):
            raise MalformedError("an HTTP reply to a request of another kind")
        if isinstance(response, Notifications):
            return self._notifications(response, declared, counts), dict(counts)
        kept = tuple(self._varbind(item, declared, counts) for item in response.varbinds)
        return response.model_copy(update={"varbinds": kept}), dict(counts)

    def text(self, text: str) -> str:
        """Return free text (the detail of a gap) without secrets; half surrogate pairs become question marks."""
        return self._without_secrets(text.encode("utf-8", "replace"), Counter()).decode("utf-8", "replace")

    def gap(self, gap: GapError) -> GapError:
        """Return the gap without secrets in its place and values; the words of this program stay as they are.

        A community may be an ordinary word of a hint, and a hint with a hole in it helps nobody. A text that is not in
        the catalogue counts as the device's: then the whole line is treated as free text.
        """
        others = [value for value in gap.values.values() if not isinstance(value, str | AgentError)]
        ours = all(self.text(each) == each or _catalogued(each) for each in (gap.what, gap.todo))
        if not ours or any(self.text(str(each)) != str(each) for each in others):
            return GapError(gap.reason, "{why}", why=self.text(str(gap)))
        values = {name: self._value(value) for name, value in gap.values.items()}
        return GapError(gap.reason, gap.what, where=self.text(gap.where), todo=gap.todo, **values)

    def _value(self, value: object) -> object:
        """Return a value of an error without secrets."""
        if isinstance(value, AgentError):
            inner = self.gap(GapError("", value.what, where=value.where, todo=value.todo, **value.values))
            return AgentError(inner.what, where=inner.where, todo=inner.todo, **inner.values)
        if not isinstance(value, str):
            return value
        shown = self.text(value)
        return value if shown == value else shown  # what is itself a text of the catalogue stays one

    def pseudonym(self, holds: Holds, value: bytes) -> bytes:
        """Return what stands for a value that holds personal data; empty stays empty."""
        if holds == "mac":
            return self._mac_value(value)
        if holds == "identifier":
            return self._identifier(value)
        if holds in _IP and len(value) in (4, 16):
            return addresses.address(value, self._hmac)
        return f"~{holds}-{self._hmac(holds, value).hex()[:12]}".encode() if value else value

    # --- SNMP ---

    def _varbind(self, item: str, declared: tuple[_Column, ...], counts: Counter[str]) -> str:
        oid, tag, value = ber.decode_varbind(_octets(item))
        column = _column(oid, declared)
        if column is None:
            raise MalformedError("an answer for {oid}, which was not asked for", oid=ber.oid_text(oid))
        shown_oid, shown = oid, value
        if column.holds is not None and (tag == ber.OCTET_STRING or (tag == ber.IP_ADDRESS and column.holds in _IP)):
            shown = self.pseudonym(column.holds, value)
            counts[column.holds] += shown != value
        if column.index:
            shown_oid = self._index(oid, column, counts)
        if tag in (ber.OCTET_STRING, ber.OPAQUE):
            shown = self._without_secrets(shown, counts)
        if (shown_oid, shown) == (oid, value):
            return item
        return ber.encode_varbind(shown_oid, tag, shown).hex()

    def _index(self, oid: bytes, column: _Column, counts: Counter[str]) -> bytes:
        sub_ids = list(ber.sub_identifiers(oid[len(column.prefix) :]))
        for part in column.index:
            sub_ids = self._index_part(sub_ids, part, counts)
        return column.prefix + b"".join(map(ber.encode_sub_identifier, sub_ids))

    def _index_part(self, sub_ids: list[int], part: IndexPart, counts: Counter[str]) -> list[int]:
        begin, end = part.at, part.at + part.length
        if part.length < 0:
            return self._counted_part(sub_ids, part, counts)
        if not part.length:
            rest = addresses.index_tail(part.holds, sub_ids[begin:], self._hmac, self._mac)
            counts[part.holds] += rest != sub_ids[begin:]
            return sub_ids[:begin] + rest
        found = sub_ids[begin:end]
        if len(found) != part.length or any(number > 255 for number in found):
            return sub_ids
        shown = self.pseudonym(part.holds, bytes(found))
        if part.holds != "mac":
            shown = self._hmac(part.holds, bytes(found))[: part.length]
        counts[part.holds] += shown != bytes(found)
        return sub_ids[:begin] + list(shown) + sub_ids[end:]

    def _counted_part(self, sub_ids: list[int], part: IndexPart, counts: Counter[str]) -> list[int]:
        """Replace a text whose length stands before it, keeping the length."""
        end = part.at + sub_ids[part.at - 1] if 0 < part.at <= len(sub_ids) else part.at
        found = sub_ids[part.at : end]
        value = bytes(number & 0xFF for number in found)
        if part.holds == "identifier":
            shown = self._identifier(value)
        else:
            shown = (self._hmac(part.holds, value) * (len(value) // 32 + 1))[: len(value)]
        counts[part.holds] += shown != value
        return sub_ids[: part.at] + list(shown) + sub_ids[end:] if shown != value else sub_ids

    def _notifications(
        self, response: Notifications, declared: tuple[_Column, ...], counts: Counter[str]
    ) -> Notifications:
        kept = tuple(self._notification(item, declared, counts) for item in response.notifications)
        return response.model_copy(update={"notifications": kept})

    def _notification(self, item: Notification, declared: tuple[_Column, ...], counts: Counter[str]) -> Notification:
        """Keep the declared variables: a device sends along what it likes, its users' names and communities too."""
        asked = [text for text in item.varbinds if _column(ber.decode_varbind(_octets(text)).oid, declared)]
        counts["undeclared"] += len(item.varbinds) - len(asked)
        return item.model_copy(update={"varbinds": tuple(self._varbind(text, declared, counts) for text in asked)})

    # --- MQTT ---

    def _messages(self, response: MqttMessages, counts: Counter[str]) -> MqttMessages:
        kept = tuple(self._message(item, counts) for item in response.messages)
        return response.model_copy(update={"messages": kept})

    def _message(self, item: MqttMessage, counts: Counter[str]) -> MqttMessage:
        """Replace the device wherever a level of the topic is its name: several filters may have matched."""
        shown = f"~device-{self._hmac('device', item.device.encode()).hex()[:12]}"
        levels = "/".join(shown if level == item.device else level for level in item.topic.split("/"))
        topic = self._without_secrets(levels.encode(), counts).decode()
        counts["mqtt-device"] += 1
        return item.model_copy(update={"device": shown, "topic": topic})

    # --- command lines ---

    def _transcript(self, response: CliOutput, counts: Counter[str]) -> CliOutput:
        def pseudonym(rule: str, value: bytes) -> bytes:
            return f"~{rule}-{self._hmac(rule, value).hex()[:12]}".encode()

        # Configured secrets first: a rule may cover only a part of one.
        plain = self._without_secrets(received(response.output), counts)
        shown = redact_transcript(plain, pseudonym, self._spelled, counts)
        return response.model_copy(update={"output": escaped(shown)})

    # --- HTTP ---

    def _reply(self, request: HttpRequest, response: HttpReply, counts: Counter[str]) -> HttpReply:
        plain = self._without_secrets(received(response.body), counts, spellings)
        shown = redact_body(request, plain.replace(MARK.encode(), b"[redacted:secret]"), self.pseudonym, counts)
        return response.model_copy(
            update={"body": escaped(shown), "media": self.text(response.media), "date": self.text(response.date)}
        )

    # --- values ---

    def _mac_value(self, value: bytes) -> bytes:
        if len(value) == 6:
            return self._mac(value)
        match = _TEXT_MAC.fullmatch(value)
        if match:
            separator = match[1]
            plain = bytes(int(part, 16) for part in value.split(separator))
            shown = self._mac(plain)
            return value if shown == plain else separator.join(b"%02x" % octet for octet in shown)
        if not any(value):
            return value
        mixed = self._hmac("mac", value)[: len(value)]
        return mixed if mixed != value else bytes(octet ^ 1 for octet in mixed)  # of one octet, every 256th is its own

    def _identifier(self, value: bytes) -> bytes:
        """Replace what is a MAC address; six printable octets (`vmnic2`, `eth0/1`) are a name."""
        if len(value) == 6 and not (value.isascii() and value.decode("ascii").isprintable()):
            return self._mac(value)
        return _MAC_WITHIN.sub(lambda match: self._spelled(match[0]), value)

    def _spelled(self, text: bytes) -> bytes:
        """Return the pseudonym of a MAC address in text, spelled as it was."""
        shown = iter(self._mac(bytes.fromhex(re.sub(rb"[^0-9A-Fa-f]", b"", text).decode())).hex().encode())
        return bytes(octet if octet in b":-. " else next(shown) for octet in text)

    def _mac(self, mac: bytes) -> bytes:
        mixed = self._hmac("mac", mac)
        if mac[:3] == _NODE_GROUP:
            return mac[:3] + mixed[:3]
        if not any(mac) or mac[0] & 1:
            return mac
        if mac[0] & 2:
            return bytes([(mixed[0] & 0xFC) | 2]) + mixed[1:6]
        return mac[:3] + self._permuted(mac)

    def _permuted(self, mac: bytes) -> bytes:
        """Return what stands for the last three octets: a permutation that the key and the OUI choose.

        A hash of 24 bits would make two of 5 000 devices of one maker equal, and a count of terminals too low. A
        Feistel network of eight rounds over halves of 12 bits has no such pairs (Luby and Rackoff, 1988).
        """
        value = int.from_bytes(mac[3:], "big")
        left, right = value >> 12, value & 0xFFF
        for turn in range(8):
            mixed = hmac.digest(self.key, b"mac\0" + mac[:3] + bytes((turn, right >> 8, right & 0xFF)), "sha256")
            left, right = right, left ^ (int.from_bytes(mixed[:2], "big") & 0xFFF)
        return (left << 12 | right).to_bytes(3, "big")

    def _without_secrets(
        self, value: bytes, counts: Counter[str], spelled: Callable[[bytes], tuple[bytes, ...]] = lambda each: (each,)
    ) -> bytes:
        kept = (each for each in self.secrets if len(each) >= SHORTEST_SECRET and each not in WELL_KNOWN)
        hidden = [spelling for each in kept for spelling in spelled(each)]
        if not any(secret in value for secret in hidden):
            return value
        # One pass, the longest first: a secret that is part of another, or of the mark, must not spoil the rest.
        longest_first = sorted(hidden, key=len, reverse=True)
        shown, count = re.subn(b"|".join(map(re.escape, longest_first)), MARK.encode(), value)
        counts["secret"] += count
        return shown

    def _hmac(self, purpose: str, value: bytes) -> bytes:
        return hmac.digest(self.key, purpose.encode() + b"\0" + value, "sha256")


def _catalogued(text: str) -> bool:
    """Tell whether a text is one of this program's own, which are all translated."""
    return translator("zh_CN")(text) != text


def _declared(request: Request) -> tuple[_Column, ...]:
    """Return what the request declares, per column of a table or per value of a GET."""
    if isinstance(request, SnmpNotifications):
        return tuple(_Column(ber.oid_bytes(column.oid), column.holds, ()) for column in request.columns)
    if isinstance(request, SnmpTable):
        return tuple(_Column(ber.oid_bytes(column.oid), column.holds, request.index) for column in request.columns)
    if isinstance(request, SnmpGet):
        holds = request.holds or (None,) * len(request.oids)
        return tuple(_Column(ber.oid_bytes(oid), each, ()) for oid, each in zip(request.oids, holds, strict=True))
    return ()


def _column(oid: bytes, declared: tuple[_Column, ...]) -> _Column | None:
    return next((found for found in declared if oid.startswith(found.prefix)), None)


def _octets(item: str) -> bytes:
    try:
        return bytes.fromhex(item)
    except ValueError as error:
        raise MalformedError("a variable binding is not hexadecimal") from error
