"""`Engine`: the authoritative side of SNMPv3's user-based security (RFC 3412, RFC 3414 §3.2), for lab devices.

Written from the other side than `agent.transports.snmp.usm` and sharing only the key derivation and ciphers with it,
so that a misreading of the message format there does not cancel itself out here.
"""

from __future__ import annotations

import hmac
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from agent import ber
from agent.errors import MalformedError
from agent.lab.snmp.answers import REPORT, Ask, Reply, decode_ask, pdu
from agent.transports.snmp import keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.transports.snmp import User

__all__ = ["Engine", "Opened"]

_AUTH, _PRIV, _REPORTABLE = 1, 2, 4
_USM = 3
_WINDOW = 150
_MAX_TIME = 0x7FFF_FFFF
_SMALLEST = 484
_HEADERS = 160
"""At most the octets of an authPriv message around its scoped PDU (48 of a SHA-512 MAC, 32 each of engine and user)."""
_UNSUPPORTED_LEVELS = "1.3.6.1.6.3.15.1.1.1.0"
_NOT_IN_TIME_WINDOWS = "1.3.6.1.6.3.15.1.1.2.0"
_UNKNOWN_USERS = "1.3.6.1.6.3.15.1.1.3.0"
_UNKNOWN_ENGINES = "1.3.6.1.6.3.15.1.1.4.0"
_WRONG_DIGESTS = "1.3.6.1.6.3.15.1.1.5.0"
_DECRYPTION_ERRORS = "1.3.6.1.6.3.15.1.1.6.0"
_UNKNOWN_CONTEXTS = "1.3.6.1.6.3.12.1.5.0"


class _Message(NamedTuple):
    """A request's message, taken apart; `mac` and `payload` are positions."""

    id: int
    max_size: int
    flags: int
    engine_id: bytes
    boots: int
    time: int
    user: bytes
    mac: tuple[int, int]
    salt: bytes
    payload: tuple[int, int]


class Opened(NamedTuple):
    """A request that may be answered: the PDU, the octets that the answer's PDU may have, and how to seal it."""

    ask: Ask
    room: int
    seal: Callable[[bytes], bytes]


class Engine:
    """One device's SNMP engine.

    Args:
        engine_id: snmpEngineID.
        users: who may read.
        boots: snmpEngineBoots.
        monotonic: seconds of a clock that never steps.

    Attributes:
        boots: snmpEngineBoots now.
        reports: reports sent, by the OID of the statistic they show.
    """

    def __init__(self, engine_id: bytes, users: tuple[User, ...], boots: int, monotonic: Callable[[], float]) -> None:
        self.boots = boots
        self.reports: Counter[str] = Counter()
        self._engine_id = engine_id
        self._users = {user.name.encode(): user for user in users}
        self._keys: dict[bytes, keys.Keys] = {}
        self._monotonic = monotonic
        self._since = monotonic()
        self._salt = int(monotonic() * 1e6)

    def restart(self, boots: int) -> None:
        """Start again with another engineBoots, and engine time 0."""
        self.boots = boots
        self._since = self._monotonic()

    def time(self) -> int:
        """Return snmpEngineTime."""
        return min(int(self._monotonic() - self._since), _MAX_TIME)

    def open(self, data: bytes, max_size: int) -> Opened | bytes | None:
        """Return the request in a message, the report that answers it instead, or None to stay silent.

        Raises:
            MalformedError: it does not decode.
        """
        message = _decode(data)
        user = self._users.get(message.user)
        if message.engine_id != self._engine_id:
            return self._report(message, _UNKNOWN_ENGINES)
        if user is None:
            return self._report(message, _UNKNOWN_USERS)
        auth, priv = keys.AUTH.get(user.auth), keys.PRIV.get(user.priv)
        if message.flags & (_AUTH | _PRIV) != (_AUTH if auth else 0) | (_PRIV if priv else 0):
            return self._report(message, _UNSUPPORTED_LEVELS)
        user_keys = self._user_keys(user)
        if auth is not None:
            if not self._authentic(data, message, auth, user_keys):
                return self._report(message, _WRONG_DIGESTS)
            if message.boots != self.boots or abs(message.time - self.time()) > _WINDOW:
                return self._report(message, _NOT_IN_TIME_WINDOWS, user, _AUTH)
        return self._request(data, message, user, min(max_size, max(_SMALLEST, message.max_size)))

    def _request(self, data: bytes, message: _Message, user: User, max_size: int) -> Opened | bytes | None:
        priv = keys.PRIV.get(user.priv)
        at, end = message.payload
        plain = data
        if priv is not None:
            _, start, stop = _expect(ber.OCTET_STRING, data, at, end)
            clock = (message.boots, message.time)
            plain = keys.decrypt(priv, self._user_keys(user).priv, data[start:stop], clock, message.salt)
            at, end = 0, len(plain)
        try:
            context, ask = _scoped_pdu(plain, at, end)
        except MalformedError:
            if priv is None:
                raise
            return self._report(message, _DECRYPTION_ERRORS)
        if context:
            return self._report(message, _UNKNOWN_CONTEXTS, user, message.flags & (_AUTH | _PRIV))

        def seal(response: bytes) -> bytes:
            return self._message(message, user, message.flags & (_AUTH | _PRIV), response)

        return Opened(ask, max_size - _HEADERS, seal)

    def _user_keys(self, user: User) -> keys.Keys:
        name = user.name.encode()
        if name not in self._keys:
            auth, priv = keys.AUTH.get(user.auth), keys.PRIV.get(user.priv)
            self._keys[name] = keys.localise(auth, user.auth_key, priv, user.priv_key, self._engine_id)
        return self._keys[name]

    def _authentic(self, data: bytes, message: _Message, auth: keys.Auth, user_keys: keys.Keys) -> bool:
        start, end = message.mac
        if end - start != auth.mac_octets:
            return False
        blank = data[:start] + bytes(end - start) + data[end:]
        expected = hmac.digest(user_keys.auth, blank, auth.digest)[: auth.mac_octets]
        return hmac.compare_digest(expected, data[start:end])

    def _report(self, message: _Message, oid: str, user: User | None = None, flags: int = 0) -> bytes | None:
        """Return a report; of usmStats only notInTimeWindow is authenticated (RFC 3414 §3.2)."""
        if not message.flags & _REPORTABLE:
            return None
        self.reports[oid] += 1
        counter = ber.encode_integer(self.reports[oid], ber.COUNTER32)
        name = ber.tlv(ber.OID, ber.oid_bytes(oid))
        return self._message(message, user, flags, pdu(REPORT, 0, Reply(0, 0, ber.tlv(ber.SEQUENCE, name + counter))))

    def _message(self, request: _Message, user: User | None, flags: int, body: bytes) -> bytes:
        """Return a message that answers the request."""
        octets, number = ber.OCTET_STRING, ber.encode_integer
        boots, now = self.boots, self.time()
        payload = ber.tlv(ber.SEQUENCE, ber.tlv(octets, self._engine_id) + ber.tlv(octets, b"") + body)
        salt = mac = b""
        auth = keys.AUTH[user.auth] if user is not None and flags & _AUTH else None
        if user is not None and flags & _PRIV:
            priv = keys.PRIV[user.priv]
            salt = self._next_salt(priv)
            payload = ber.tlv(octets, keys.encrypt(priv, self._user_keys(user).priv, payload, (boots, now), salt))
        if auth is not None:
            mac = bytes(auth.mac_octets)
        head = number(request.id) + number(65_507) + ber.tlv(octets, bytes((flags,))) + number(_USM)
        before = ber.tlv(octets, self._engine_id) + number(boots) + number(now) + ber.tlv(octets, request.user)
        tail = ber.tlv(octets, salt)
        security = ber.tlv(octets, ber.tlv(ber.SEQUENCE, before + ber.tlv(octets, mac) + tail))
        message = ber.tlv(ber.SEQUENCE, number(3) + ber.tlv(ber.SEQUENCE, head) + security + payload)
        if auth is None or user is None:
            return message
        at = len(message) - len(payload) - len(tail) - len(mac)
        digest = hmac.digest(self._user_keys(user).auth, message, auth.digest)[: auth.mac_octets]
        return message[:at] + digest + message[at + len(mac) :]

    def _next_salt(self, priv: keys.Priv) -> bytes:
        self._salt = (self._salt + 1) & 0xFFFF_FFFF_FFFF_FFFF
        if priv.cipher == "DES":
            return self.boots.to_bytes(4, "big") + (self._salt & 0xFFFF_FFFF).to_bytes(4, "big")
        return self._salt.to_bytes(8, "big")


def _decode(data: bytes) -> _Message:
    _, at, end = _expect(ber.SEQUENCE, data, 0, len(data))
    _, at = _number(data, at, end)
    _, start, after = _expect(ber.SEQUENCE, data, at, end)
    message_id, start = _number(data, start, after)
    max_size, start = _number(data, start, after)
    _, flags, stop = _expect(ber.OCTET_STRING, data, start, after)
    model, _ = _number(data, stop, after)
    if stop - flags != 1 or model != _USM:
        raise MalformedError("SNMPv3: not the user-based security model")
    _, start, payload = _expect(ber.OCTET_STRING, data, after, end)
    _, start, stop = _expect(ber.SEQUENCE, data, start, payload)
    engine, start = _octets(data, start, stop)
    boots, start = _number(data, start, stop)
    seconds, start = _number(data, start, stop)
    user, start = _octets(data, start, stop)
    _, mac, mac_end = _expect(ber.OCTET_STRING, data, start, stop)
    salt, _ = _octets(data, mac_end, stop)
    _, _, stop = ber.header(data, payload, end)
    return _Message(
        message_id, max_size, data[flags], engine, boots, seconds, user, (mac, mac_end), salt, (payload, stop)
    )


def _scoped_pdu(data: bytes, at: int, end: int) -> tuple[bytes, Ask]:
    """Return contextName and the PDU."""
    _, at, end = _expect(ber.SEQUENCE, data, at, end)
    _, at = _octets(data, at, end)
    context, at = _octets(data, at, end)
    return context, decode_ask(data, at, end)


def _number(data: bytes, at: int, end: int) -> tuple[int, int]:
    _, start, stop = _expect(ber.INTEGER, data, at, end)
    return ber.integer(ber.INTEGER, data[start:stop]), stop


def _octets(data: bytes, at: int, end: int) -> tuple[bytes, int]:
    _, start, stop = _expect(ber.OCTET_STRING, data, at, end)
    return data[start:stop], stop


def _expect(tag: int, data: bytes, at: int, end: int) -> tuple[int, int, int]:
    found, start, stop = ber.header(data, at, end)
    if found != tag:
        raise MalformedError("SNMPv3: tag 0x{found:02x}, not 0x{tag:02x}", found=found, tag=tag)
    return found, start, stop
