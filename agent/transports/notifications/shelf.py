"""A bounded store of what arrived: a flood from one sender costs only that sender, and repetitions go first."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable

__all__ = ["Shelf"]

T = TypeVar("T")


@dataclass
class _Row(Generic[T]):
    """What one sender has on the shelf."""

    items: OrderedDict[int, tuple[Hashable, T, int]] = field(default_factory=OrderedDict)
    """Number -> topic, item, octets."""
    octets: int = 0
    latest: dict[Hashable, int] = field(default_factory=dict)
    repeated: deque[int] = field(default_factory=deque)
    """Items that a later one of the same topic follows, in the order in which it came; some are gone already."""

    def add(self, number: int, topic: Hashable, item: T, octets: int) -> None:
        before = self.latest.get(topic)
        if before is not None:
            self.repeated.append(before)
            if len(self.repeated) > 2 * len(self.items) + 16:
                self.repeated = deque(sorted(old for old in self.repeated if old in self.items))
        self.latest[topic] = number
        self.items[number] = (topic, item, octets)
        self.octets += octets

    def pop(self, number: int) -> T:
        topic, item, octets = self.items.pop(number)
        self.octets -= octets
        if self.latest.get(topic) == number:
            del self.latest[topic]
        return item

    def drop(self) -> None:
        """Drop the item that was first repeated by a later one; if there is none, the oldest."""
        while self.repeated:
            number = self.repeated.popleft()
            if number in self.items:
                self.pop(number)
                return
        self.pop(next(iter(self.items)))


class Shelf(Generic[T]):
    """Keeps at most `room` items of `octets` octets together; when it is full, the sender with the most loses one.

    Args:
        room: how many items.
        octets: how many octets; None for any number.

    Attributes:
        dropped: items lost so far.
    """

    def __init__(self, room: int, octets: int | None = None) -> None:
        self._room = room
        self._octets = octets
        self._rows: dict[str, _Row[T]] = {}
        self._turns: deque[str] = deque()
        self._count = 0
        self._size = self._weight = 0
        self.dropped = 0

    def __len__(self) -> int:
        return self._size

    def add(self, sender: str, topic: Hashable, item: T, octets: int = 0) -> None:
        """Put an item on the shelf; `topic` is what its repetitions have in common with it."""
        if sender not in self._rows:
            self._rows[sender] = _Row()
            self._turns.append(sender)
        self._count += 1
        self._rows[sender].add(self._count, topic, item, octets)
        self._size += 1
        self._weight += octets
        while self._size > self._room:
            self._drop(max(self._rows.values(), key=lambda row: len(row.items)))
        while self._octets is not None and self._weight > self._octets:
            self._drop(max(self._rows.values(), key=lambda row: row.octets))

    def _drop(self, row: _Row[T]) -> None:
        before = row.octets
        row.drop()
        self._size -= 1
        self._weight -= before - row.octets
        self.dropped += 1

    def next(self) -> T | None:
        """Take the oldest item of the sender whose turn it is; None when the shelf is empty."""
        while self._turns:
            sender = self._turns.popleft()
            row = self._rows[sender]
            if row.items:
                self._turns.append(sender)
                before = row.octets
                item = row.pop(next(iter(row.items)))
                self._size -= 1
                self._weight -= before - row.octets
                return item
            del self._rows[sender]
        return None

    def take_all(self) -> list[T]:
        """Take everything, in the order in which it came."""
        numbered = [(number, item) for row in self._rows.values() for number, (_, item, _) in row.items.items()]
        self._rows.clear()
        self._turns.clear()
        self._size = self._weight = 0
        return [item for _, item in sorted(numbered, key=lambda pair: pair[0])]
