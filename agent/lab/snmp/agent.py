"""`Agent`: a lab device at work, without a socket: datagrams in, datagrams out, with its faults."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from agent import ber
from agent.errors import MalformedError
from agent.lab.snmp import faults as fault
from agent.lab.snmp.answers import RESPONSE, answer, decode_ask, pdu
from agent.lab.snmp.objects import Objects
from agent.lab.snmp.usm import Engine, Opened

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.lab.snmp.device import Device

__all__ = ["Agent", "Sending"]

_VERSION_1, _VERSION_2C, _VERSION_3 = 0, 1, 3
_OTHER_COMMUNITY = b"not-the-community-asked-with"
_HEADERS = 24
"""Octets of a community message around its PDU, besides the community."""


class Sending(NamedTuple):
    """A datagram to send: how much later, and whether from a port that was not asked."""

    data: bytes
    delay: float = 0.0
    other_port: bool = False


class Agent:
    """One device.

    Args:
        device: what it is.
        monotonic: seconds of a clock that never steps.

    Attributes:
        asked: datagrams received.
        dropped: those without an answer, by reason.
        engine: its SNMPv3 engine.
    """

    def __init__(self, device: Device, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.device = device
        self.asked = 0
        self.dropped: Counter[str] = Counter()
        self.engine = Engine(device.engine(), device.users, device.boots, monotonic)
        self._objects = Objects(device.recording, monotonic)

    def receive(self, data: bytes) -> list[Sending]:
        """Return what goes out for a datagram that came in; nothing for one that is not for this device."""
        self.asked += 1
        acting = [each for each in self.device.faults if each.when.holds(self.asked)]
        if acting:
            self._restart(acting)
            if any(isinstance(each, fault.Silence) for each in acting):
                self.dropped["silence"] += 1
                return []
        try:
            out = self._answer(data, acting)
        except MalformedError:
            self.dropped["malformed"] += 1
            return []
        if out is None:
            return []
        return _delivered(out, acting) if acting else [Sending(out)]

    def _restart(self, acting: list[fault.Fault]) -> None:
        for each in acting:
            if isinstance(each, fault.Reboot | fault.BootsReset):
                self._objects.restart()
                self.engine.restart(each.boots if isinstance(each, fault.BootsReset) else self.engine.boots + 1)
            elif isinstance(each, fault.CounterStep):
                self._objects.step(each.oid, each.by)

    def _answer(self, data: bytes, acting: list[fault.Fault]) -> bytes | None:
        tag, at, end = ber.header(data, 0, len(data))
        number, start, after = ber.header(data, at, end)
        if tag != ber.SEQUENCE or number != ber.INTEGER:
            raise MalformedError("SNMP: not a message")
        version = ber.integer(number, data[start:after])
        if version == _VERSION_3 and self.device.users:
            opened = self.engine.open(data, self.device.max_size)
        elif version in {_VERSION_1, _VERSION_2C}:
            opened = self._community_message(version, data, after, end, acting)
        else:
            opened = None
        if opened is None:
            self.dropped["refused"] += 1
        if not isinstance(opened, Opened):
            return opened
        ask = opened.ask
        reply = answer(ask, self._objects, acting, room=opened.room, version_1=version == _VERSION_1)
        if reply is None:
            self.dropped["not a request"] += 1
            return None
        wrong = any(isinstance(each, fault.WrongRequestId) for each in acting)
        return opened.seal(pdu(RESPONSE, (ask.request_id + 1) & 0x7FFF_FFFF if wrong else ask.request_id, reply))

    def _community_message(
        self, version: int, data: bytes, at: int, end: int, acting: list[fault.Fault]
    ) -> Opened | None:
        """Return the request; None for a community that this device does not know."""
        tag, start, after = ber.header(data, at, end)
        community = data[start:after]
        if tag != ber.OCTET_STRING or community != self.device.community:
            return None
        wrong = any(isinstance(each, fault.WrongCommunity) for each in acting)
        shown = _OTHER_COMMUNITY if wrong else community

        def seal(response: bytes) -> bytes:
            head = ber.encode_integer(version) + ber.tlv(ber.OCTET_STRING, shown)
            return ber.tlv(ber.SEQUENCE, head + response)

        return Opened(decode_ask(data, after, end), self.device.max_size - len(shown) - _HEADERS, seal)


def _delivered(data: bytes, acting: list[fault.Fault]) -> list[Sending]:
    """Return what the faults of the network make of an answer."""
    delay = 0.0
    before: list[Sending] = []
    copies = 1
    other_port = False
    for each in acting:
        if isinstance(each, fault.Delay):
            delay += each.seconds
        elif isinstance(each, fault.Truncated):
            data = data[: max(0, len(data) - each.octets)]
        elif isinstance(each, fault.Garbage):
            before.append(Sending(each.data))
        elif isinstance(each, fault.OtherPort):
            other_port = True
        elif isinstance(each, fault.Duplicate):
            copies += 1
    return [*before, *[Sending(data, delay, other_port)] * copies]
