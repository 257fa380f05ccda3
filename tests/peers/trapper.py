"""Devices that send notifications: net-snmp's snmptrap and snmpinform, datagrams made by hand; a receiver for them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent import ber
from agent.clock import SystemClock
from agent.transports.notifications import NotificationLimits, NotificationReceiver, Peer, Peers
from agent.transports.snmp import Community, User

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from agent.model.exchange import Notification

__all__ = [
    "COMMUNITY",
    "LINK_DOWN",
    "SWITCH",
    "TRAP_OID",
    "UPS",
    "USER",
    "Sender",
    "kind_of",
    "listening",
    "oids",
    "send",
    "v2c_trap",
]

LINK_DOWN = (
    *("1.3.6.1.6.3.1.1.5.3", "1.3.6.1.2.1.2.2.1.1.3", "i", "3"),
    *("1.3.6.1.2.1.2.2.1.7.3", "i", "1", "1.3.6.1.2.1.2.2.1.8.3", "i", "2"),
)
"""linkDown of port 3 with the variables that RFC 2863 names."""


@dataclass(frozen=True)
class Sender:
    """A device at 127.0.0.1 or ::1.

    Attributes:
        port: where the receiver listens.
        access: community or user that it sends with.
        host: as net-snmp writes it, `127.0.0.1` or `udp6:[::1]`.
        engine: its engine ID, hex.
    """

    port: int
    access: Community | User
    host: str = "127.0.0.1"
    engine: str = "8000000001020304"

    async def trap(self, notification: Sequence[str] = LINK_DOWN, *, clock: str = "7,1000") -> int:
        """Send a trap; `clock` is boots and time of the engine."""
        boots = [] if isinstance(self.access, Community) else ["-e", f"0x{self.engine}", "-Z", clock]
        return await self._run("snmptrap", *boots, *self._access(), self._to(), "", *notification)

    async def trap_v1(self, enterprise: str, generic: int, specific: int, *variables: str) -> int:
        """Send a trap of version 1."""
        header = (enterprise, "127.0.0.1", str(generic), str(specific), "4711")
        return await self._run("snmptrap", *self._access("1"), self._to(), *header, *variables)

    async def inform(self, notification: Sequence[str] = LINK_DOWN, *, patience: int = 15) -> int:
        """Send an inform once and return 0 when it was acknowledged within `patience` seconds."""
        once = ("-t", str(patience), "-r", "0")
        return await self._run("snmpinform", *once, *self._access(), self._to(), "", *notification)

    def _to(self) -> str:
        return f"{self.host}:{self.port}"

    def _access(self, version: str = "2c") -> list[str]:
        if isinstance(self.access, Community):
            return ["-v", version, "-c", self.access.community.decode()]
        user = self.access
        level = "authPriv" if user.priv else "authNoPriv" if user.auth else "noAuthNoPriv"
        given = ["-v", "3", "-l", level, "-u", user.name]
        if user.auth:
            given += ["-a", user.auth, "-A", user.auth_key.decode()]
        if user.priv:
            given += ["-x", user.priv, "-X", user.priv_key.decode()]
        return given

    async def _run(self, *command: str) -> int:
        with tempfile.TemporaryDirectory() as memory:
            environment = {**os.environ, "SNMP_PERSISTENT_DIR": memory, "SNMPCONFPATH": memory, "MIBS": ""}
            pipe = asyncio.subprocess.PIPE
            process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=pipe, stderr=pipe)
            try:
                await asyncio.wait_for(process.communicate(), 20)
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
            return process.returncode or 0


COMMUNITY = Community("2c", b"canary-community")
USER = User("canary-user", "SHA-256", b"auth-passphrase", "AES", b"priv-passphrase")
SWITCH = Peer("sw1", "127.0.0.1", COMMUNITY)
UPS = Peer("ups1", "::1", USER)
TRAP_OID = "1.3.6.1.6.3.1.1.4.1.0"


@contextlib.asynccontextmanager
async def listening(
    *assets: Peer, place: tuple[str, int] = ("::", 0), limits: NotificationLimits | None = None
) -> AsyncIterator[NotificationReceiver]:
    """A receiver for the switch at 127.0.0.1 and the UPS at ::1, or for others."""
    receiver = NotificationReceiver(identity="school/traps", clock=SystemClock(), limits=limits)
    try:
        await receiver.open(place, Peers(assets or (SWITCH, UPS)))
        yield receiver
    finally:
        await receiver.close()


def oids(notification: Notification) -> list[str]:
    """Return the OIDs of the variables."""
    return [ber.oid_text(ber.decode_varbind(bytes.fromhex(text)).oid) for text in notification.varbinds]


def kind_of(notification: Notification) -> str:
    """Return the notification's OID."""
    found = (ber.decode_varbind(bytes.fromhex(text)) for text in notification.varbinds)
    return next(ber.oid_text(each.value) for each in found if ber.oid_text(each.oid) == TRAP_OID)


def v2c_trap(request_id: int = 1, community: bytes = COMMUNITY.community, more: bytes = b"", kind: int = 0xA7) -> bytes:
    """A linkDown, or a warmStart for odd request IDs."""
    name = ber.oid_bytes("1.3.6.1.6.3.1.1.5.3" if request_id % 2 == 0 else "1.3.6.1.6.3.1.1.5.2")
    ticks = ber.encode_integer(request_id, ber.TIME_TICKS)
    varbinds = (
        ber.tlv(ber.SEQUENCE, ber.tlv(ber.OID, ber.oid_bytes("1.3.6.1.2.1.1.3.0")) + ticks)
        + ber.encode_varbind(ber.oid_bytes(TRAP_OID), ber.OID, name)
        + more
    )
    pdu = ber.encode_integer(request_id) + b"\x02\x01\x00\x02\x01\x00" + ber.tlv(ber.SEQUENCE, varbinds)
    return ber.tlv(ber.SEQUENCE, b"\x02\x01\x01" + ber.tlv(ber.OCTET_STRING, community) + ber.tlv(kind, pdu))


async def send(receiver: NotificationReceiver, *datagrams: bytes, source: str = "127.0.0.1") -> None:
    """Send datagrams from an address of this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind((source, 0))
        for datagram in datagrams:
            sender.sendto(datagram, ("127.0.0.1", receiver.port))
    await asyncio.sleep(0)
