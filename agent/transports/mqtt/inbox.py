"""Keeps what was heard: one record per message without its payload, within a cap that cannot starve anyone."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.clock import time_text
from agent.model.exchange import MqttMessage

if TYPE_CHECKING:
    from datetime import datetime

    from agent.clock import Clock
    from agent.transports.mqtt.topics import Routes

__all__ = ["Inbox"]


@dataclass(frozen=True, slots=True)
class _Heard:
    kind: str
    topic: str
    device: str
    at: datetime
    retained: bool
    qos: int
    size: int


class Inbox:
    """Takes messages from the network threads; the only state that they share.

    When the cap is reached, a device that speaks again replaces its own last message, and a device not heard before
    takes the place of the oldest message whose device spoke again since. So a flood from one device hides no other
    device and no device's last sign of life. Whatever is not kept is counted in `dropped`; so are messages that name
    no device (too few topic levels, an empty level, not UTF-8) or have an absurdly long topic.

    Args:
        routes: which topics are wanted, and which connection counts them.
        max_messages: how many messages to keep.
        max_topic: octets of the longest topic name to keep.
        clock: gives each message its wall time.
    """

    def __init__(self, routes: Routes, max_messages: int, max_topic: int, clock: Clock) -> None:
        self._routes = routes
        self._max_messages = max_messages
        self._max_topic = max_topic
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[int, _Heard] = {}
        self._latest: dict[tuple[str, str, bool], int] = {}
        self._superseded: deque[int] = deque()
        self._retained: set[str] = set()
        self._count = 0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._kept)

    def take(self, connection: int, topic: str, size: int, qos: int, *, retained: bool) -> None:
        """Take one message that arrived on a connection."""
        at = self._clock.now()
        with self._lock:
            found = self._read(connection, topic, retained=retained)
            if found is not None:
                self._keep(_Heard(found[0], topic, found[1], at, retained, qos, size))

    def lose(self) -> None:
        """Count a message that could not be taken."""
        with self._lock:
            self.dropped += 1

    def messages(self) -> tuple[MqttMessage, ...]:
        """Return what is kept, in order of arrival."""
        return tuple(
            MqttMessage(
                kind=heard.kind,
                topic=heard.topic,
                device=heard.device,
                at=time_text(heard.at),
                retained=heard.retained,
                qos=heard.qos,
                size=heard.size,
            )
            for heard in self._kept.values()
        )

    def _read(self, connection: int, topic: str, *, retained: bool) -> tuple[str, str] | None:
        """Return kind and device of a message that counts."""
        found = self._routes.find(topic) if len(topic.encode()) <= self._max_topic else None
        if found is None:
            self.dropped += 1
            return None
        declared, carrier = found
        if carrier != connection or (retained and topic in self._retained):
            # The other connection counts it; or a broker repeats its retained messages after a reconnect.
            return None
        levels = topic.split("/")
        if not 0 <= declared.device_level < len(levels) or not levels[declared.device_level]:
            self.dropped += 1
            return None
        return declared.kind, levels[declared.device_level]

    def _keep(self, heard: _Heard) -> None:
        speaker = (heard.kind, heard.device, heard.retained)
        previous = self._latest.get(speaker)
        if len(self._kept) >= self._max_messages:
            self.dropped += 1
            if previous is not None:
                del self._kept[previous]
            elif self._superseded:
                del self._kept[self._superseded.popleft()]
            else:
                return
        elif previous is not None:
            self._superseded.append(previous)
        self._count += 1
        self._kept[self._count] = heard
        self._latest[speaker] = self._count
        if heard.retained and len(self._retained) < self._max_messages:
            self._retained.add(heard.topic)
