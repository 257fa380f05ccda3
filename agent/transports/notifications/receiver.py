"""`NotificationReceiver`: listens on one UDP port from start to end of the service, whatever happens in between.

    socket -> admit: whose is it, does it decode, is it proven, is it new -> waiting -> SNMP engine -> kept -> take

What the SNMP engine costs is bounded by a pause after each datagram, so that a flood never takes more than a share of
one core from polling; both shelves are bounded, shared fairly among senders, and count what they lose. The address of
an unknown sender is not kept anywhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from collections import Counter, OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from agent.clock import time_text
from agent.errors import MalformedError
from agent.model.exchange import Notification, Notifications
from agent.transports.notifications import datagram
from agent.transports.notifications.keyring import Keyring, Proven
from agent.transports.notifications.peers import Addresses, Peer, Peers, plain_address
from agent.transports.notifications.port import Port
from agent.transports.notifications.shelf import Shelf
from agent.transports.snmp.credentials import Community
from agent.transports.snmp.message import DroppedError
from agent.transports.snmp.usm import decode_message

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from agent.clock import Clock
    from agent.transports.notifications.engine import Engine
    from agent.transports.snmp.credentials import User

__all__ = ["NotificationLimits", "NotificationReceiver"]

PYSNMP_ENTERPRISE = b"\x80\x00\x4f\xb8\x05"
"""The start of an engine ID: enterprise 20408, pysnmp's; its owner chooses the rest (RFC 3411, SnmpEngineID)."""
BOOTS_EPOCH = 1_735_689_600
"""2025-01-01: our boots counter is the second of the start since then, so that it grows without being stored."""
DISCOVERY_FLAGS = 4
"""Reportable, neither authenticated nor encrypted (RFC 3412 §6.4)."""
MOST_ENGINES = 4_096


@dataclass(frozen=True, slots=True)
class NotificationLimits:
    """Bounds of a receiver."""

    waiting: int = 1_000
    """Notifications that wait for the SNMP engine."""
    kept: int = 2_000
    """Notifications that wait to be taken."""
    octets: int = 2 * 2**20
    """Of the datagrams that wait, and of those that are kept: a run's record of them must fit into 4 MiB."""
    share: float = 0.25
    """Of one core, for the SNMP engine."""
    repeat_seconds: float = 300.0
    """How long a notification is remembered to know its copies; twice the window of RFC 3414."""
    repeats: int = 10_000
    settle_seconds: float = 0.2
    """What follows the first notification so closely is taken with it."""


class _Waiting(NamedTuple):
    """A datagram that was let through."""

    at: datetime
    data: bytes
    address: tuple[Any, ...]
    sender: str
    version: Literal["1", "2c", "3"]
    told: datagram.Told | None
    """None for the discovery before an inform."""
    who: bytes | tuple[bytes, Proven] | None


class NotificationReceiver:
    """Receives traps and informs of versions 1, 2c and 3.

    Args:
        identity: what our SNMP engine ID is made of; the same after a restart, so that devices may be told.
        clock: gives notifications their wall time.
        limits: the bounds.
    """

    def __init__(self, *, identity: str, clock: Clock, limits: NotificationLimits | None = None) -> None:
        self._port: Port | None = None
        self._place = ("", 0)
        self._clock = clock
        self._limits = limits or NotificationLimits()
        self.engine_id = PYSNMP_ENTERPRISE + hashlib.sha256(identity.encode()).digest()[:8]
        self._communities: frozenset[bytes] = frozenset()
        self._addresses = Addresses()
        self._keyring = Keyring(self.engine_id)
        self._assets: OrderedDict[bytes, str] = OrderedDict()
        self._waiting: Shelf[_Waiting] = Shelf(self._limits.waiting, self._limits.octets)
        self._kept: Shelf[Notification] = Shelf(self._limits.kept, self._limits.octets)
        self._seen: OrderedDict[bytes, float] = OrderedDict()
        self._counts: Counter[str] = Counter()
        self._work = asyncio.Event()
        self._idle = asyncio.Event()
        self._arrived = asyncio.Event()
        self._opening = asyncio.Lock()
        self._engine: Engine | None = None
        self._worker: asyncio.Task[None] | None = None
        self._since = 0
        self._lost = 0

    @property
    def port(self) -> int:
        """The port that is listened on; 0 while there is none."""
        return self._port.number if self._port is not None else 0

    @property
    def pending(self) -> bool:
        """Whether something has arrived that was not taken."""
        return bool(len(self._kept) or len(self._waiting))

    async def open(self, place: tuple[str, int], peers: Peers) -> None:
        """Start listening, or go on, and believe these peers from now on.

        Args:
            place: IPv4 or IPv6 address or name to listen on, where `::` takes both kinds, and the UDP port.
            peers: who may send.

        Raises:
            GapError: the port cannot be had.
        """
        async with self._opening:
            await self._addresses.learn(peers)
            self._communities = peers.communities()
            self._keyring.learn(peers.users())
            if self._port is None or self._place != place:
                await self._listen(place)

    async def _listen(self, place: tuple[str, int]) -> None:
        """Open the port, in place of the one before; what has arrived stays."""
        if self._port is not None:
            self._lost += self._port.take_lost()
            self._port.close()
            self._port = None
        port = Port(*place, self._admit)
        await port.open()
        try:
            if self._engine is None:
                self._engine = await asyncio.to_thread(self._make_engine)
        except BaseException:
            port.close()
            raise
        self._port, self._place = port, place
        if self._worker is None:
            self._since = self._clock.monotonic_ns()
            self._worker = asyncio.create_task(self._serve(self._engine))

    async def take(self, seconds: float) -> Notifications:
        """Take what arrived since the last time; with nothing at hand, wait for the first, up to `seconds`.

        Nothing is lost when this is cancelled.
        """
        if self._worker is not None and self._worker.done():
            self._worker.result()  # it never ends by itself: say what ended it instead of going on deaf
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                if not len(self._kept):
                    self._arrived.clear()
                    await self._arrived.wait()
                    await asyncio.sleep(self._limits.settle_seconds)
                await self._idle.wait()
        return self._take()

    async def close(self) -> None:
        """Stop listening; may be called more than once."""
        if self._port is not None:
            self._port.close()
            self._port = None
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)
            self._worker = None
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def _take(self) -> Notifications:
        now = self._clock.monotonic_ns()
        listened, self._since = (now - self._since) // 1_000_000, now
        lost = self._lost + (self._port.take_lost() if self._port is not None else 0)
        dropped = self._waiting.dropped + self._kept.dropped + lost
        self._waiting.dropped = self._kept.dropped = self._lost = 0
        counts, self._counts = self._counts, Counter()
        return Notifications(
            notifications=tuple(sorted(self._kept.take_all(), key=lambda item: item.at)),
            listened_ms=listened,
            dropped=dropped,
            repeated=counts["repeated"],
            unknown=counts["unknown"],
            refused=counts["refused"],
            malformed=counts["malformed"],
        )

    def _make_engine(self) -> Engine:
        from agent.transports.notifications.engine import Engine  # noqa: PLC0415 - pysnmp takes half a second to load

        boots = max(1, int(self._clock.now().timestamp()) - BOOTS_EPOCH)
        return Engine(self.engine_id, boots, self._answer)

    def _answer(self, data: bytes, address: tuple[Any, ...]) -> None:
        if self._port is not None:
            self._port.send(data, address)

    # --- admission: cheap, strict, and before anything else sees the datagram ---

    def _admit(self, data: bytes, address: tuple[Any, ...], *, whole: bool) -> None:
        """Take one datagram from the socket: put it on the shelf, or count why not."""
        peers = self._addresses.at(plain_address(str(address[0])) or "")
        if not peers and not self._assets:
            self._counts["unknown"] += 1
            return
        try:
            waiting = self._read(data, address, peers) if whole else "malformed"
        except (MalformedError, DroppedError):
            waiting = "malformed" if peers else "unknown"
        if isinstance(waiting, str):
            self._counts[waiting] += 1
            return
        self._waiting.add(waiting.sender, waiting.told.topic() if waiting.told else None, waiting, len(data))
        self._idle.clear()
        self._work.set()

    def _read(self, data: bytes, address: tuple[Any, ...], peers: tuple[Peer, ...]) -> _Waiting | str:
        """Return what a datagram is, or what to count it as."""
        version, at, end = datagram.version_of(data)
        if version == "3":
            return self._read_user(data, address, peers)
        if not peers:
            return "unknown"
        community, told = datagram.read_community(data, at, end)
        if community not in self._communities:
            return "refused"
        sender = _only(peers, lambda peer: isinstance(peer.access, Community) and peer.access.community == community)
        if sender is None:
            return "unknown"
        return _Waiting(self._clock.now(), data, address, sender, version, told, community)

    def _read_user(self, data: bytes, address: tuple[Any, ...], peers: tuple[Peer, ...]) -> _Waiting | str:
        message = decode_message(data)
        engine_id = message.engine_id
        if not peers and engine_id not in self._assets:
            return "unknown"
        if not message.user and message.flags == DISCOVERY_FLAGS:
            return _Waiting(self._clock.now(), data, address, peers[0].asset, "3", None, None) if peers else "unknown"
        proven = self._keyring.prove(data, message)
        if proven is None or not self._keyring.in_time(message):
            return "refused"
        if proven.user.priv and proven.scoped[:1] != b"\x30":
            return "refused"  # decrypted to nonsense: another privacy key than ours (RFC 3414 §8.3.2)
        told = datagram.read_scoped(proven.scoped)
        sender = self._sender(engine_id, proven.user, peers)
        if sender is None:
            return "unknown"
        return _Waiting(self._clock.now(), data, address, sender, "3", told, (engine_id, proven))

    def _sender(self, engine_id: bytes, user: User, peers: tuple[Peer, ...]) -> str | None:
        """Return whose message it is: by address; from another address of the device, by its engine ID."""
        sender = _only(peers, lambda peer: peer.access == user)
        if sender is None:
            return self._assets.get(engine_id)
        if user.auth and engine_id != self.engine_id:
            self._assets[engine_id] = sender
            if len(self._assets) > MOST_ENGINES:
                self._assets.popitem(last=False)
        return sender

    # --- what was let through ---

    async def _serve(self, engine: Engine) -> None:
        while True:
            item = self._waiting.next()
            if item is None:
                self._work.clear()
                self._idle.set()
                await self._work.wait()
                continue
            started = time.perf_counter()
            self._process(engine, item)
            await asyncio.sleep((time.perf_counter() - started) * (1 / self._limits.share - 1))

    def _process(self, engine: Engine, item: _Waiting) -> None:
        told = item.told
        mark = _mark(item.sender, told) if told else b""
        copy = bool(told) and self._is_copy(mark)
        if told and copy and told.kind == "trap":
            self._counts["repeated"] += 1
            return
        taken = engine.take(item.data, item.address, item.who)
        if told is None:
            return
        if not taken:
            # pysnmp does not say why; ours was the stricter decoder, so what is left is the time window of an inform.
            self._counts["refused" if told.kind == "inform" else "malformed"] += 1
            return
        if copy:
            self._counts["repeated"] += 1  # the inform's acknowledgement was lost; now it has another
            return
        self._seen[mark] = time.monotonic()
        notification = Notification(
            at=time_text(item.at),
            sender=item.sender,
            version=item.version,
            kind=told.kind,
            varbinds=tuple(each.hex() for each in told.varbinds),
        )
        self._kept.add(item.sender, told.topic(), notification, len(item.data))
        self._arrived.set()

    def _is_copy(self, mark: bytes) -> bool:
        """Tell whether this very notification was kept before; forget those that are too old to come again."""
        now = time.monotonic()
        while self._seen:
            oldest = next(iter(self._seen))
            if len(self._seen) <= self._limits.repeats and now - self._seen[oldest] <= self._limits.repeat_seconds:
                break
            del self._seen[oldest]
        return mark in self._seen


def _only(peers: tuple[Peer, ...], fits: Callable[[Peer], bool]) -> str | None:
    """Return the asset of the address; of several that share it, the one whose access fits, None if that is not one."""
    found = peers if len(peers) == 1 else tuple(peer for peer in peers if fits(peer))
    return found[0].asset if len(found) == 1 else None


def _mark(sender: str, told: datagram.Told) -> bytes:
    """Return what two copies of one notification have in common, and nothing else has."""
    parts = (sender.encode(), told.kind.encode(), str(told.request_id).encode(), *told.varbinds)
    return hashlib.sha256(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).digest()
