"""`Target`: one device behind one connected UDP socket, one request outstanding.

A socket of its own per device keeps a burst of answers from one device out of another's buffer, and lets the kernel
drop datagrams from other addresses. The loop calls `recv` directly when the socket is readable: asyncio's datagram
endpoint would allocate 256 KB and build an address for every datagram. A dialogue (`Walk`, `Get`) is fed from that
callback; no task wakes up per packet, and one lazy timer per device moves itself to where it is due.
"""

from __future__ import annotations

import asyncio
import math
import secrets
import socket
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from agent.errors import GapError, MalformedError
from agent.language import N_
from agent.transports.snmp.message import Ask, DroppedError, Pdu, Security

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.transports.snmp.pace import Limits

__all__ = ["Dialogue", "Target"]

_Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]
"""Of `socket.getaddrinfo`."""
_MAX_DATAGRAM = 65_535
_MAX_PER_WAKE = 16
_PATIENCE = 4
"""Times the set timeout that a slow device may be given."""
_REFUSED_PAUSE = 0.1
"""Seconds before the next try after ICMP said that nobody listens: long enough for a daemon that restarts."""


class Dialogue(Protocol):
    """Requests that depend on answers, without a socket."""

    @property
    def phase(self) -> str:
        """What it is, for messages: `get`, `walk`."""
        ...

    def ask(self, tries: int, *, last: bool) -> Ask | None:
        """Return what to ask now, or None when it is over."""
        ...

    def answer(self, ask: Ask, pdu: Pdu) -> None:
        """Take the answer to one of the requests since the last answer."""
        ...

    def silence(self) -> None:
        """No try was answered, although the device answered before."""
        ...

    def stop(self, reason: str) -> None:
        """Give up what is not answered yet."""
        ...

    def where(self) -> str:
        """Return the OID that is being asked."""
        ...


class Target:
    """A device.

    Args:
        host: name, IPv4 or IPv6 address.
        port: UDP port.
        security: community or user.
        limits: bounds.

    Attributes:
        dropped: datagrams that were not answers to us, by reason.
        sent: requests sent, retransmissions included.
        received: datagrams received.
    """

    def __init__(self, host: str, port: int, security: Security, limits: Limits) -> None:
        self.name = f"snmp://[{host}]:{port}" if ":" in host else f"snmp://{host}:{port}"
        self.dropped: Counter[str] = Counter()
        self.sent = 0
        self.received = 0
        self._address = (host, port)
        self._security = security
        self._limits = limits
        self.timeout = limits.timeout_ms / 1000
        """Seconds to wait for a packet; longer for a device that was seen to need it."""
        self._request_id = secrets.randbelow(1 << 30) + 1
        self._socket: socket.socket | None = None
        self._run: _Run | None = None
        self._turn = asyncio.Lock()
        self._until = math.inf
        self._refusal: GapError | None = None
        self.greeted = False
        """SNMPv3 discovery was answered, and nothing since."""

    async def run(self, dialogue: Dialogue) -> None:
        """Carry a dialogue to its end; what it collected is in the dialogue.

        Raises:
            GapError: the device never answered, or refuses us.
        """
        async with self._turn:
            if self._refusal is not None:  # never a second try with credentials that were refused
                raise self._refusal
            try:
                await self._open()
                run = self._run = _Run(self, dialogue, self._limits, self._until)
            finally:
                self._until = math.inf  # another exchange, another limit
            try:
                await run.done
            except GapError as error:
                error.where = error.where or f"{self.name} {dialogue.where()}".strip()
                raise
            finally:
                run.cancel()
                self._run = None

    def within(self, seconds: float) -> None:
        """End the next dialogue after so long at the latest, with what it has by then."""
        self._until = asyncio.get_running_loop().time() + seconds

    def close(self) -> None:
        """Close the socket; a dialogue under way ends as unreachable."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None
        if self._run is not None:
            self._run.fail(GapError("unreachable", "the connection was closed", todo="Let the agent measure again"))

    def next_request_id(self) -> int:
        """Return a request-id never used with this device before, above 0 and below 2^31."""
        self._request_id = self._request_id % 0x7FFF_FFFF + 1
        return self._request_id

    def datagram(self, ask: Ask, request_id: int) -> None:
        """Send a request; a full buffer or an unreachable network is a lost packet."""
        packet = self._security.datagram(ask, request_id)
        self.sent += 1
        assert self._socket is not None
        try:
            try:
                self._socket.send(packet)
            except ConnectionRefusedError:  # about an earlier packet; this one was not sent
                self._socket.send(packet)
        except OSError as error:
            self.dropped[f"not sent: {error.strerror}"] += 1

    def late(self) -> None:
        """Learn from an answer to a try that was given up: the device is slow, and asking again is no help to it."""
        self.timeout = min(2 * self.timeout, _PATIENCE * self._limits.timeout_ms / 1000)

    def begin(self) -> None:
        """Tell the security that a new request begins."""
        self._security.begin()

    @property
    def phase(self) -> str:
        """What the security negotiates now, or empty."""
        return self._security.phase

    def readable(self) -> None:
        """Take what the socket holds."""
        for _ in range(_MAX_PER_WAKE):
            if self._socket is None:
                return
            try:
                data = self._socket.recv(_MAX_DATAGRAM)
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionRefusedError:
                self._refused()
                continue
            except OSError as error:
                self.dropped[f"not received: {error.strerror}"] += 1
                return
            self.received += 1
            self._take(data)

    def _take(self, data: bytes) -> None:
        try:
            pdu = self._security.receive(data)
        except DroppedError as error:
            self.dropped[error.kind] += 1
        except MalformedError:
            self.dropped["malformed"] += 1
        except GapError as error:
            self._refusal = error
            if self._run is not None:
                self._run.fail(error)
        else:
            if self._run is None or not self._run.take(pdu):
                self.dropped["request-id"] += 1
            else:
                self.greeted = pdu is None

    def _refused(self) -> None:
        self.dropped["port closed"] += 1
        if self._run is not None:
            self._run.refused()

    async def _open(self) -> None:
        if self._socket is not None:
            return
        problem: OSError | None = None
        for family, kind, protocol, _, address in await self._addresses():
            opened = socket.socket(family, kind, protocol)
            try:
                opened.settimeout(0)
                opened.connect(address)
            except OSError as error:
                opened.close()
                problem = error
                continue
            self._socket = opened
            asyncio.get_running_loop().add_reader(opened, self.readable)
            return
        raise GapError(
            "unreachable",
            "no route to the device: {why}",
            where=self.name,
            todo="check this host's network and the asset's address",
            why=problem.strerror if problem is not None else "no address",
        ) from problem

    async def _addresses(self) -> Sequence[_Address]:
        """Return the device's addresses, best first; a name server that is silent costs this device alone its time.

        Look-ups share a few threads, where those that hang would hold up the others: an address takes none.
        """
        host, port = self._address
        kind = socket.SOCK_DGRAM
        with suppress(OSError):
            return socket.getaddrinfo(host, port, type=kind, flags=socket.AI_NUMERICHOST)
        loop = asyncio.get_running_loop()
        seconds = max(0.0, min(self._limits.deadline_ms / 1000, self._until - loop.time()))
        try:
            async with asyncio.timeout(seconds):
                return await loop.getaddrinfo(host, port, type=kind)
        except (OSError, UnicodeError) as error:
            why = getattr(error, "strerror", None) or "the name server does not answer, or it is no name"
            raise GapError(
                "unreachable",
                "the name {host} has no address: {why}",
                where=self.name,
                todo="correct the asset's address, or the host's name service",
                host=host,
                why=why,
            ) from error


class _Run:
    """One dialogue under way: tries, timer, deadline."""

    def __init__(self, target: Target, dialogue: Dialogue, limits: Limits, until: float) -> None:
        self._target = target
        self._dialogue = dialogue
        self._retries = limits.retries
        self._loop = asyncio.get_running_loop()
        self._started = self._loop.time()
        self._end = min(self._started + limits.deadline_ms / 1000, until)
        self._due = self._started + target.timeout
        self._tries = 0
        self._sent = 0
        self._answered = False
        self._dropped = dict(target.dropped)
        self._pending: dict[int, Ask] = {}
        self._latest = 0
        self.done: asyncio.Future[None] = self._loop.create_future()
        self._timer = self._loop.call_at(min(self._due, self._end), self._tick)
        self._next()

    def cancel(self) -> None:
        """Stop the timer."""
        self._timer.cancel()

    def fail(self, error: GapError) -> None:
        """End with an error."""
        if not self.done.done():
            self.done.set_exception(error)

    def take(self, pdu: Pdu | None) -> bool:
        """Take an answer; False if it answers nothing that is pending."""
        if self.done.done():
            return False
        if pdu is None:
            self._send()
            return True
        ask = self._pending.get(pdu.request_id)
        if ask is None:
            return False
        self._answered = True
        if pdu.request_id != self._latest:
            self._target.late()
        try:
            self._dialogue.answer(ask, pdu)
        except GapError as error:
            self.fail(error)
        else:
            self._next()
        return True

    def refused(self) -> None:
        """Nobody listens at the port: do not wait for the whole timeout."""
        if not self.done.done():
            self._due = self._loop.time() + _REFUSED_PAUSE
            self._timer.cancel()
            self._timer = self._loop.call_at(min(self._due, self._end), self._tick)

    def _next(self) -> None:
        self._tries = 0
        self._pending.clear()
        self._target.begin()
        self._send()

    def _send(self) -> None:
        ask = self._dialogue.ask(self._tries, last=0 < self._retries == self._tries)
        if ask is None:
            if not self.done.done():
                self.done.set_result(None)
            return
        request_id = self._target.next_request_id()
        self._pending[request_id] = ask
        self._latest = request_id
        self._due = self._loop.time() + self._target.timeout
        self._sent += 1
        self._target.datagram(ask, request_id)

    def _tick(self) -> None:
        """Act on what is due; an answer that waits in the socket because this process was busy is in time."""
        self._target.readable()
        if self.done.done():
            return
        now = self._loop.time()
        if now >= self._end:
            self._out_of_time()
        elif now >= self._due:
            self._late()
        if not self.done.done():
            self._timer = self._loop.call_at(max(now, min(self._due, self._end)), self._tick)

    def _late(self) -> None:
        if self._tries < self._retries:
            self._tries += 1
            self._send()
        elif self._answered:
            self._dialogue.silence()
            self._next()
        else:
            self.fail(self._no_answer())

    def _out_of_time(self) -> None:
        if self._answered:
            self._dialogue.stop("deadline")
            self.done.set_result(None)
        else:
            self.fail(self._no_answer("deadline"))

    def _no_answer(self, reason: str = "unreachable") -> GapError:
        """Return what to say of a device that gave no usable answer at all."""
        dropped = {kind: count - self._dropped.get(kind, 0) for kind, count in self._target.dropped.items()}
        seen = ", ".join(f"{count} {kind}" for kind, count in sorted(dropped.items()) if count)
        what = N_("no usable answer in {phase} after {elapsed} ms and {tries} tries; dropped: {seen}")
        if reason == "unreachable" and dropped.get("malformed"):
            reason, todo = "malformed", N_("the device's SNMP agent answers with broken BER: update its firmware")
        elif dropped.get("port closed"):
            todo = N_("nothing listens at this port: enable SNMP on the device, or correct the port")
        elif reason == "deadline" and not self._target.greeted:
            todo = N_("Raise deadline_seconds of this collector in the campus file, or find out why the device is slow")
        elif self._target.greeted:
            what = N_("the device answered SNMPv3 discovery, but not this user in {elapsed} ms and {tries} tries")
            reason, todo = "refused", N_("correct the priv passphrase or protocol, then auth, then context")
        else:
            todo = N_("check address, power, access list and community; SNMP agents do not answer a wrong community")
        return GapError(
            reason,
            what,
            todo=todo,
            phase=self._target.phase or self._dialogue.phase,
            elapsed=round((self._loop.time() - self._started) * 1000),
            tries=self._sent,
            seen=seen or "none",
        )
