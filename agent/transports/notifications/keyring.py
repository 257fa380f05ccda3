"""Version 3: is this message from a user that we know, with all the security that user has, and new?

The digest is checked here, before the SNMP engine hears of the message, for three reasons. The engine must be told of
every foreign engine ID before it can check one, so that anybody could fill its memory. It accepts a message of a known
user below the user's security level. And it takes over the time of a foreign engine before it compares it (pysnmp
7.1.30), so that a recorded trap could be played back for ever: the time window of RFC 3414 section 3.2 7b is kept here.
"""

from __future__ import annotations

import hmac
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from agent import ber
from agent.transports.snmp import keys

if TYPE_CHECKING:
    from agent.transports.snmp.credentials import User
    from agent.transports.snmp.usm import Message

__all__ = ["Keyring", "Proven"]

AUTH, PRIV = 1, 2
WINDOW = 150
"""Seconds by which a message may be older than the newest one of its engine."""
MAX_BOOTS = 0x7FFF_FFFF
MOST_ENGINES = 4_096


class Proven(NamedTuple):
    """A message whose user is proven, as far as the user's security level goes."""

    user: User
    keys: keys.Keys
    scoped: bytes
    """The scoped PDU in plain; DES padding may follow."""


class Keyring:
    """The users, their keys at every engine, and how far the clock of every engine was seen.

    Args:
        engine_id: our own; its time window is the SNMP engine's business.
    """

    def __init__(self, engine_id: bytes) -> None:
        self._own = engine_id
        self._users: dict[bytes, tuple[User, ...]] = {}
        self._newest: OrderedDict[bytes, tuple[int, int]] = OrderedDict()

    def learn(self, users: tuple[User, ...]) -> None:
        """Take over the users; several may have one name."""
        self._users = {}
        for user in users:
            name = user.name.encode()
            self._users[name] = (*self._users.get(name, ()), user)

    def prove(self, data: bytes, message: Message) -> Proven | None:
        """Return who sent the message and what it says, or None: nobody whom we know, or not with full security.

        Raises:
            MalformedError: the encrypted part has an impossible length.
        """
        for user in self._users.get(message.user, ()):
            auth, priv = keys.AUTH.get(user.auth), keys.PRIV.get(user.priv)
            if message.flags & (AUTH | PRIV) != (AUTH if auth else 0) | (PRIV if priv else 0):
                continue
            local = keys.localise(auth, user.auth_key, priv, user.priv_key, message.engine_id)
            if auth is None or _authentic(data, message, auth, local):
                return Proven(user, local, _plain(data, message, priv, local))
        return None

    def in_time(self, message: Message) -> bool:
        """Tell whether the authenticated message is new, and remember its time; see `WINDOW`."""
        if message.engine_id == self._own or not message.flags & AUTH:
            return True
        boots, time = self._newest.get(message.engine_id, (0, 0))
        late = message.boots < boots or (message.boots == boots and message.time < time - WINDOW)
        if late or message.boots >= MAX_BOOTS:
            return False
        self._newest[message.engine_id] = max((boots, time), (message.boots, message.time))
        self._newest.move_to_end(message.engine_id)
        if len(self._newest) > MOST_ENGINES:
            self._newest.popitem(last=False)
        return True


def _authentic(data: bytes, message: Message, auth: keys.Auth, local: keys.Keys) -> bool:
    start, end = message.mac
    if end - start != auth.mac_octets:
        return False
    blank = data[:start] + b"\0" * (end - start) + data[end:]
    return hmac.compare_digest(hmac.digest(local.auth, blank, auth.digest)[: end - start], data[start:end])


def _plain(data: bytes, message: Message, priv: keys.Priv | None, local: keys.Keys) -> bytes:
    _, at, end = message.payload
    if priv is None:
        return data[at:end]
    _, start, end = ber.header(data, at, end)
    return keys.decrypt(priv, local.priv, data[start:end], (message.boots, message.time), message.salt)
