"""`UserSecurity`: SNMPv3 messages with the user-based security model (RFC 3412, RFC 3414).

The state of one device's engine is kept with its target and never shared: two devices with one engine ID do not
disturb each other. Engine time advances with the monotonic clock between answers, so that a device polled every ten
minutes costs no further round trip. What the discovery report says of the time is only a first guess; the first
authenticated answer proves or corrects it.

A device that has lost its boots counter is believed when it says so in an authenticated notInTimeWindow report to a
message of ours that is still pending; msgIDs start at a random number and never repeat, so an old report cannot be
played back. It is noted, because other managers will refuse that device.
"""

from __future__ import annotations

import hmac
import secrets
import time
from typing import TYPE_CHECKING, NamedTuple

from agent import ber
from agent.errors import GapError, MalformedError
from agent.language import N_
from agent.transports.snmp import keys
from agent.transports.snmp.message import (
    GET,
    REPORT,
    RESPONSE,
    VERSION_3,
    Ask,
    DroppedError,
    Pdu,
    decode_integer,
    decode_pdu,
    encode_pdu,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.transports.snmp.credentials import User

__all__ = ["HARMLESS_REFUSALS", "Message", "UserSecurity", "decode_message"]

_AUTH, _PRIV, _REPORTABLE = 1, 2, 4
_USM = 3
_MAX_SIZE = 65_507
_WINDOW = 150
_MAX_BOOTS = 0x7FFF_FFFF
_NOTICES = 16
_STATS = ber.oid_bytes("1.3.6.1.6.3.15.1.1")
_UNKNOWN_CONTEXTS = ber.oid_bytes("1.3.6.1.6.3.12.1.5.0")
_NOT_IN_TIME_WINDOW, _UNKNOWN_ENGINE = 2, 4
_REFUSALS = {
    1: (
        N_("SNMPv3: the device does not offer this security level to user {user} (unsupportedSecLevels)"),
        N_("use the level that the device's user has, or add the missing auth or priv protocol on the device"),
    ),
    3: (
        N_("SNMPv3: the device does not know user {user} (unknownUserNames)"),
        N_("create the user on the device, or correct its name"),
    ),
    5: (
        N_("SNMPv3: the device rejects the authentication of user {user} (wrongDigests)"),
        N_("correct the auth passphrase or protocol; the device knows the user"),
    ),
    6: (
        N_("SNMPv3: the device cannot decrypt messages of user {user} (decryptionErrors)"),
        N_("correct the priv passphrase or protocol; user and auth passphrase are right"),
    ),
}
HARMLESS_REFUSALS = frozenset(_REFUSALS[kind][0] for kind in (1, 3))
"""Texts of the refusals that come before any key is tried: no failed authentication, on the device's count either."""


class Message(NamedTuple):
    """A received message, taken apart; `mac` and `payload` are positions."""

    id: int
    flags: int
    engine_id: bytes
    boots: int
    time: int
    user: bytes
    mac: tuple[int, int]
    salt: bytes
    payload: tuple[int, int, int]
    """Tag, start of the element, end."""


class UserSecurity:
    """One user at one device.

    Args:
        user: name, protocols and passphrases.
        monotonic: seconds of a clock that never steps.

    Attributes:
        engine_id: the device's snmpEngineID, empty before discovery.
        notices: what was odd about the engine, the latest last.
    """

    def __init__(self, user: User, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._user = user
        self._name = user.name.encode()
        self._auth = keys.AUTH.get(user.auth)
        self._priv = keys.PRIV.get(user.priv)
        self._level = (_AUTH if self._auth else 0) | (_PRIV if self._priv else 0)
        self._monotonic = monotonic
        self._keys = keys.Keys()
        self.engine_id = b""
        self.notices: list[str] = []
        self._boots = self._time = self._newest = 0
        self._at = 0.0
        self._salt = secrets.randbits(64)
        self._pending: set[int] = set()
        self._may_learn = {_NOT_IN_TIME_WINDOW: 1, _UNKNOWN_ENGINE: 1}

    @property
    def phase(self) -> str:
        """`discovery` until the engine is known."""
        return "" if self.engine_id else "discovery"

    def begin(self) -> None:
        """Start a new request: engine ID and time may each be learned again once."""
        self._pending.clear()
        self._may_learn = {_NOT_IN_TIME_WINDOW: 1, _UNKNOWN_ENGINE: 1}

    # --- sending

    def datagram(self, ask: Ask, request_id: int) -> bytes:
        """Return the message for the request, or the one that discovers the engine."""
        self._pending.add(request_id)
        if not self.engine_id:
            scoped = _scoped(b"", b"", encode_pdu(Ask(GET, ()), request_id))
            return self._message(request_id, _REPORTABLE, (0, 0), b"", b"", b"", scoped)
        clock = (self._boots, self._now())
        payload = _scoped(self.engine_id, self._user.context.encode(), encode_pdu(ask, request_id))
        salt = b""
        if self._priv:
            salt = self._next_salt()
            payload = ber.tlv(ber.OCTET_STRING, keys.encrypt(self._priv, self._keys.priv, payload, clock, salt))
        mac = b"\0" * self._auth.mac_octets if self._auth else b""
        message = self._message(request_id, _REPORTABLE | self._level, clock, self._name, mac, salt, payload)
        if not self._auth:
            return message
        # All that follows the MAC in the message has a known length: privParameters and the payload.
        at = len(message) - len(payload) - len(ber.tlv(ber.OCTET_STRING, salt)) - len(mac)
        return message[:at] + self._mac(message) + message[at + len(mac) :]

    def _message(
        self, message_id: int, flags: int, clock: tuple[int, int], user: bytes, mac: bytes, salt: bytes, payload: bytes
    ) -> bytes:
        octets = ber.OCTET_STRING
        head = ber.tlv(
            ber.SEQUENCE,
            ber.encode_integer(message_id)
            + ber.encode_integer(_MAX_SIZE)
            + ber.tlv(octets, bytes((flags,)))
            + ber.encode_integer(_USM),
        )
        engine = self.engine_id if user or self.engine_id else b""
        security = ber.tlv(
            ber.SEQUENCE,
            ber.tlv(octets, engine)
            + ber.encode_integer(clock[0])
            + ber.encode_integer(clock[1])
            + ber.tlv(octets, user)
            + ber.tlv(octets, mac)
            + ber.tlv(octets, salt),
        )
        return ber.tlv(ber.SEQUENCE, ber.encode_integer(VERSION_3) + head + ber.tlv(octets, security) + payload)

    def _mac(self, message: bytes) -> bytes:
        assert self._auth is not None
        return hmac.digest(self._keys.auth, message, self._auth.digest)[: self._auth.mac_octets]

    def _next_salt(self) -> bytes:
        self._salt = (self._salt + 1) & 0xFFFF_FFFF_FFFF_FFFF
        if self._priv is not None and self._priv.cipher == "DES":
            return self._boots.to_bytes(4, "big") + (self._salt & 0xFFFF_FFFF).to_bytes(4, "big")
        return self._salt.to_bytes(8, "big")

    def _now(self) -> int:
        """Return the engine's time as it must be by now."""
        return min(self._time + int(self._monotonic() - self._at), _MAX_BOOTS)

    # --- receiving

    def receive(self, data: bytes) -> Pdu | None:
        """Return the answer, or None when the engine or its time was learned.

        Raises:
            DroppedError: not an answer to a pending message, wrong digest, outside the time window, weaker than asked.
            MalformedError: it does not decode.
            GapError: a report refuses the user.
        """
        message = decode_message(data)
        if message.id not in self._pending:
            raise DroppedError("message-id")
        authentic = bool(message.flags & _AUTH)
        if authentic:
            self._check_digest(data, message)
        pdu = self._payload(data, message)
        if pdu.kind == REPORT:
            self._report(message, pdu, authentic=authentic)
            return None
        if pdu.kind != RESPONSE:
            raise DroppedError("not a response")
        if message.engine_id != self.engine_id or message.user != self._name:
            raise DroppedError("engine or user")
        if message.flags & self._level != self._level:
            raise DroppedError("security level")
        if authentic:
            self._check_time(message)
        return pdu

    def _check_digest(self, data: bytes, message: Message) -> None:
        start, end = message.mac
        if self._auth is None or message.engine_id != self.engine_id or end - start != self._auth.mac_octets:
            raise DroppedError("digest")
        blank = data[:start] + b"\0" * (end - start) + data[end:]
        if not hmac.compare_digest(self._mac(blank), data[start:end]):
            raise DroppedError("digest")

    def _check_time(self, message: Message) -> None:
        """Take over an authenticated time (RFC 3414 §3.2 7b)."""
        if message.boots > self._boots or (message.boots == self._boots and message.time > self._newest):
            self._learn_time(message)
        late = message.time < self._now() - _WINDOW
        if message.boots < self._boots or message.boots >= _MAX_BOOTS or late:
            raise DroppedError("time window")

    def _learn_time(self, message: Message) -> None:
        self._boots, self._time, self._newest = message.boots, message.time, message.time
        self._at = self._monotonic()

    def _payload(self, data: bytes, message: Message) -> Pdu:
        tag, at, end = message.payload
        if message.flags & _PRIV:
            if self._priv is None or tag != ber.OCTET_STRING or not message.flags & _AUTH:
                raise DroppedError("security level")
            _, start, end = ber.header(data, at, end)
            clock = (message.boots, message.time)
            data = keys.decrypt(self._priv, self._keys.priv, data[start:end], clock, message.salt)
            at, end = 0, len(data)
        tag, at, end = ber.header(data, at, end)
        if tag != ber.SEQUENCE:
            raise MalformedError("SNMPv3: no scoped PDU")
        for _ in ("contextEngineID", "contextName"):
            _, _, at = ber.header(data, at, end)
        return decode_pdu(data, at, end)

    # --- reports

    def _report(self, message: Message, pdu: Pdu, *, authentic: bool) -> None:
        oid = pdu.varbinds[0][0] if pdu.varbinds else b""
        if oid[: len(_STATS)] != _STATS or len(oid) != len(_STATS) + 2:
            raise self._refused_otherwise(oid)
        kind = oid[len(_STATS)]
        if kind in _REFUSALS:
            what, todo = _REFUSALS[kind]
            raise GapError("refused", what, todo=todo, user=self._user.name)
        if kind == _NOT_IN_TIME_WINDOW and self._auth and not authentic:
            raise DroppedError("unauthenticated time report")
        if not self._may_learn.get(kind):
            raise GapError(
                "refused",
                "SNMPv3: the device's engine ID or time changes with every answer",
                todo="restart the device's SNMP agent; look for two devices behind one address",
            )
        self._may_learn[kind] -= 1
        if kind == _UNKNOWN_ENGINE:
            self._learn_engine(message)
        else:
            if message.boots < self._boots:
                self._notice(f"engineBoots went back from {self._boots} to {message.boots}")
            self._learn_time(message)
            self._newest = message.time

    def _notice(self, text: str) -> None:
        """Keep what is odd, each text once and the latest few: an engine that never settles must not fill memory."""
        self.notices = [*(each for each in self.notices if each != text), text][-_NOTICES:]

    def _learn_engine(self, message: Message) -> None:
        if not 1 <= len(message.engine_id) <= 32:
            raise MalformedError("SNMPv3: an engine ID of {octets} octets", octets=len(message.engine_id))
        if self.engine_id and self.engine_id != message.engine_id:
            self._notice(f"engineID changed from {self.engine_id.hex()} to {message.engine_id.hex()}")
        self.engine_id = message.engine_id
        user = self._user
        self._keys = keys.localise(self._auth, user.auth_key, self._priv, user.priv_key, self.engine_id)
        self._learn_time(message)
        self._newest = 0  # a guess: any authenticated time replaces it

    def _refused_otherwise(self, oid: bytes) -> GapError:
        if oid == _UNKNOWN_CONTEXTS:
            return GapError(
                "refused",
                "SNMPv3: the device has no context {context!r} (unknownContexts)",
                todo="correct the context name, or leave it empty",
                context=self._user.context,
            )
        return GapError(
            "refused",
            "SNMPv3: report {oid}",
            todo="look the OID up in the device's manual; check user, level and context of its SNMPv3 settings",
            oid=ber.oid_text(oid) if oid else "without OID",
        )


def _scoped(engine_id: bytes, context: bytes, pdu: bytes) -> bytes:
    octets = ber.OCTET_STRING
    return ber.tlv(ber.SEQUENCE, ber.tlv(octets, engine_id) + ber.tlv(octets, context) + pdu)


def decode_message(data: bytes) -> Message:
    """Take a version 3 message apart, without believing it.

    Raises:
        DroppedError: another version or security model.
        MalformedError: it does not decode.
    """
    _, at, end = _expect(ber.SEQUENCE, data, 0, len(data))
    version, at = decode_integer(data, at, end)
    if version != VERSION_3:
        raise DroppedError("version")
    _, start, after = _expect(ber.SEQUENCE, data, at, end)
    message_id, start = decode_integer(data, start, after)
    _, start = decode_integer(data, start, after)
    _, flags, start = _expect(ber.OCTET_STRING, data, start, after)
    model, _ = decode_integer(data, start, after)
    if start - flags != 1 or model != _USM:
        raise DroppedError("security model")
    _, start, payload = _expect(ber.OCTET_STRING, data, after, end)
    _, start, stop = _expect(ber.SEQUENCE, data, start, payload)
    engine, start = _octets(data, start, stop)
    boots, start = decode_integer(data, start, stop)
    seconds, start = decode_integer(data, start, stop)
    user, start = _octets(data, start, stop)
    _, mac, mac_end = _expect(ber.OCTET_STRING, data, start, stop)
    salt, _ = _octets(data, mac_end, stop)
    if not 0 <= boots <= _MAX_BOOTS or not 0 <= seconds <= _MAX_BOOTS:
        raise MalformedError("SNMPv3: engineBoots or engineTime out of range")
    tag, _, stop = ber.header(data, payload, end)
    return Message(message_id, data[flags], engine, boots, seconds, user, (mac, mac_end), salt, (tag, payload, stop))


def _octets(data: bytes, at: int, end: int) -> tuple[bytes, int]:
    _, start, stop = _expect(ber.OCTET_STRING, data, at, end)
    return data[start:stop], stop


def _expect(tag: int, data: bytes, at: int, end: int) -> tuple[int, int, int]:
    found, start, stop = ber.header(data, at, end)
    if found != tag:
        raise MalformedError("SNMPv3: tag 0x{found:02x}, not 0x{tag:02x}", found=found, tag=tag)
    return found, start, stop
