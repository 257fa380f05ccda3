"""The SNMP engine behind the receiver: pysnmp's, with its notification receiver (RFC 3413 section 3.4).

It decides whether a notification is one, acknowledges informs, and answers the discovery that precedes an inform of
version 3. It is given only what `datagram` and `keyring` have let through, one datagram at a time, and has neither a
socket nor a task of its own: its transport is the receiver's socket, and its clock ticks when it is used. One engine
serves all users and communities; a user is registered at an engine ID when a proven message of both first arrives.

pysnmp 7.1.30 costs about 0.2 s to start, 1.3 ms per trap of five variables and 7 ms per registered user; in between,
it costs nothing.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from pysnmp.carrier.asyncio.dgram import udp, udp6
from pysnmp.carrier.base import AbstractTransport, AbstractTransportAddress, AbstractTransportDispatcher
from pysnmp.entity import config
from pysnmp.entity.engine import SnmpEngine
from pysnmp.entity.rfc3413.ntfrcv import NotificationReceiver

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.transports.notifications.keyring import Proven

__all__ = ["Engine"]

AUTH = {
    "": config.USM_AUTH_NONE,
    "MD5": config.USM_AUTH_HMAC96_MD5,
    "SHA": config.USM_AUTH_HMAC96_SHA,
    "SHA-224": config.USM_AUTH_HMAC128_SHA224,
    "SHA-256": config.USM_AUTH_HMAC192_SHA256,
    "SHA-384": config.USM_AUTH_HMAC256_SHA384,
    "SHA-512": config.USM_AUTH_HMAC384_SHA512,
}
PRIV = {
    "": config.USM_PRIV_NONE,
    "DES": config.USM_PRIV_CBC56_DES,
    "AES": config.USM_PRIV_CFB128_AES,
    "AES-192": config.USM_PRIV_CFB192_AES_BLUMENTHAL,
    "AES-256": config.USM_PRIV_CFB256_AES_BLUMENTHAL,
    "AES-192-C": config.USM_PRIV_CFB192_AES,
    "AES-256-C": config.USM_PRIV_CFB256_AES,
}
MOST_USERS = 512
"""Users registered at once, each at one engine ID; the one not heard of for longest makes room."""

log = logging.getLogger(__name__)


class _Address(tuple[Any, ...], AbstractTransportAddress):  # type: ignore[misc]  # pysnmp has no types
    """A socket address as pysnmp wants it."""

    __slots__ = ()


class _Wire(AbstractTransport):  # type: ignore[misc]  # pysnmp has no types
    """pysnmp's transport: answers leave through the receiver's socket, datagrams are handed in."""

    PROTO_TRANSPORT_DISPATCHER = AbstractTransportDispatcher
    ADDRESS_TYPE = _Address

    def __init__(self, send: Callable[[bytes, tuple[Any, ...]], None]) -> None:
        self._send = send

    def send_message(self, message: bytes, address: tuple[Any, ...]) -> None:
        self._send(bytes(message), tuple(address))

    def hand_in(self, data: bytes, address: tuple[Any, ...]) -> None:
        self._callback_function(self, _Address(address), data)


class Engine:
    """Takes notifications that were let through.

    Args:
        engine_id: ours; devices that send informs of version 3 may have to be told.
        boots: must be higher than at the last start.
        send: sends an answer to a socket address.
    """

    def __init__(self, engine_id: bytes, boots: int, send: Callable[[bytes, tuple[Any, ...]], None]) -> None:
        self._engine = SnmpEngine()
        # Given to the constructor, the engine ID would make pysnmp keep its boots in the directory for temporary files.
        own, counter = self._engine.get_mib_builder().import_symbols(
            "__SNMP-FRAMEWORK-MIB", "snmpEngineID", "snmpEngineBoots"
        )
        own.syntax = own.syntax.clone(engine_id)
        self._engine.snmpEngineID = own.syntax
        counter.syntax = counter.syntax.clone(boots)
        self._own = engine_id
        self._engine.register_transport_dispatcher(AbstractTransportDispatcher())
        self._wires = {}
        for domain in (udp.DOMAIN_NAME, udp6.DOMAIN_NAME):
            self._wires[domain] = _Wire(send)
            config.add_transport(self._engine, domain, self._wires[domain])
        self._receiver = NotificationReceiver(self._engine, self._on_notification)
        self._communities: set[bytes] = set()
        self._users: OrderedDict[tuple[bytes, str], Proven] = OrderedDict()
        self._taken = False

    def take(self, data: bytes, address: tuple[Any, ...], who: bytes | tuple[bytes, Proven] | None) -> bool:
        """Hand in a datagram and tell whether it was a notification; an inform is acknowledged.

        Args:
            data: the datagram.
            address: where it came from, and where answers go.
            who: its community; or the authoritative engine ID and the proven user; None for a discovery.
        """
        self._taken = False
        try:
            if isinstance(who, bytes):
                self._register_community(who)
            elif who is not None:
                self._register_user(*who)
            self._engine.transport_dispatcher.handle_timer_tick(time.time())
            self._wires[udp6.DOMAIN_NAME if len(address) == 4 else udp.DOMAIN_NAME].hand_in(data, address)
        except Exception as error:  # noqa: BLE001 - whatever a datagram does to pysnmp, listening goes on
            log.debug("pysnmp could not take a datagram: %s", type(error).__name__)
            return False
        return self._taken

    def close(self) -> None:
        """Take the engine apart; it has nothing open."""
        self._receiver.close(self._engine)
        self._engine.close_dispatcher()

    def _on_notification(self, *_: object) -> None:
        self._taken = True

    def _register_community(self, community: bytes) -> None:
        if community not in self._communities:
            self._communities.add(community)
            config.add_v1_system(self._engine, f"community-{len(self._communities)}", community)

    def _register_user(self, engine_id: bytes, proven: Proven) -> None:
        """Make the user known at the engine ID, in place of another of the same name."""
        user = proven.user
        place = (engine_id, user.name)
        known = self._users.get(place)
        if known is not None and known.user == user:
            self._users.move_to_end(place)
            return
        if known is not None:
            self._forget(place)
        elif len(self._users) >= MOST_USERS:
            self._forget(next(iter(self._users)))
        config.add_v3_user(
            self._engine,
            user.name,
            AUTH[user.auth],
            proven.keys.auth or None,
            PRIV[user.priv],
            proven.keys.priv or None,
            securityEngineId=self._id(engine_id),
            authKeyType=config.USM_KEY_TYPE_LOCALIZED,
            privKeyType=config.USM_KEY_TYPE_LOCALIZED,
        )
        self._users[place] = proven

    def _forget(self, place: tuple[bytes, str]) -> None:
        engine_id, name = place
        with contextlib.suppress(KeyError):
            del self._users[place]
        config.delete_v3_user(self._engine, name, securityEngineId=self._id(engine_id))

    def _id(self, engine_id: bytes) -> Any:
        return self._engine.snmpEngineID.clone(engine_id)
