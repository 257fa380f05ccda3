"""Guards the bytes that a broker sends before the MQTT library takes them: is it MQTT at all, and is it bounded?

The library buffers whatever a packet header announces (up to 256 MiB, MQTT 3.1.1 §2.2.3) and waits for it. `FrameGuard`
reads only the fixed headers and stops a conversation that could not be one with a broker.
"""

from __future__ import annotations

__all__ = ["ForeignBytesError", "FrameGuard", "OversizeError"]

CONNACK = 2
PUBLISH = 3
FROM_BROKER = frozenset({PUBLISH, 4, 9, 11, 13})
"""Packet types (§2.2.1) that a broker sends to a subscriber: PUBLISH, PUBACK, SUBACK, UNSUBACK, PINGRESP."""
MOST_QOS = 1
"""What we subscribe with; a broker may not deliver with more (§3.8.4)."""


class ForeignBytesError(ConnectionError):
    """The peer does not speak MQTT 3.1.1 to a subscriber."""


class OversizeError(ConnectionError):
    """The peer announced a packet that is larger than allowed."""

    def __init__(self, size: int) -> None:
        super().__init__(f"a packet of {size} octets")
        self.size = size


class FrameGuard:
    """Follows the packet boundaries of one connection.

    Args:
        max_packet: octets after the fixed header that a packet may have.
    """

    def __init__(self, max_packet: int) -> None:
        self._max_packet = max_packet
        self._first = True
        self._header: int | None = None
        self._length = self._shift = 0
        self._body = 0
        self.received = 0
        """Octets seen so far."""

    def feed(self, data: bytes) -> None:
        """Follow more bytes, in whatever pieces they come.

        Raises:
            ForeignBytesError: they are not what a broker sends.
            OversizeError: a packet is larger than allowed.
        """
        self.received += len(data)
        place = 0
        while place < len(data):
            if self._body:
                step = min(self._body, len(data) - place)
                self._body -= step
                place += step
                continue
            if self._header is None:
                self._start(data[place])
            else:
                self._measure(data[place])
            place += 1

    def _start(self, header: int) -> None:
        kind = header >> 4
        if self._first and kind != CONNACK:
            raise ForeignBytesError(f"the first octet 0x{header:02x} is not that of a CONNACK")
        if not self._first and kind not in FROM_BROKER:
            raise ForeignBytesError(f"a packet of type {kind}")
        if kind == PUBLISH and (header >> 1) & 3 > MOST_QOS:
            raise ForeignBytesError("a message of a higher QoS than was subscribed")
        self._header = header
        self._length = self._shift = 0

    def _measure(self, octet: int) -> None:
        self._length |= (octet & 0x7F) << self._shift
        self._shift += 7
        if octet & 0x80:
            if self._shift >= 28:  # four octets at most, §2.2.3
                raise ForeignBytesError("a length of more than four octets")
            return
        if self._first and self._length != 2:  # §3.2.1
            raise ForeignBytesError(f"a CONNACK of {self._length} octets")
        if self._length > self._max_packet:
            raise OversizeError(self._length)
        self._body = self._length
        self._header = None
        self._first = False
