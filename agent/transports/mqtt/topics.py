"""Topic filters as sets of topics: does one cover another, do two overlap, and which connection carries which.

A broker may deliver a message once per overlapping filter of a connection (MQTT 3.1.1 §3.3.5), and nothing in the
message says so. Counting is exact only when no two filters of one connection overlap; `Routes` arranges that.

Rules from MQTT 3.1.1 §4.7: levels are split at `/`, `+` is one level, `#` the parent and everything below it, and a
wildcard in the first level does not match a topic that begins with `$`.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.model.exchange import Topic

__all__ = ["Routes", "covers", "is_filter", "overlap"]

MAX_FILTER_OCTETS = 65_535
"""Length of an MQTT string, §1.5.3."""
ROUTE_CACHE = 4_096
"""Topics whose route is remembered; a campus has fewer, a flood of invented names is not remembered."""


def is_filter(text: str) -> bool:
    """Tell whether the text is a topic filter (§4.7.1, §4.7.3)."""
    try:
        octets = text.encode()
    except UnicodeEncodeError:
        return False
    if not octets or len(octets) > MAX_FILTER_OCTETS or b"\0" in octets:
        return False
    *inner, last = text.split("/")
    return all(_plain(level) or level == "+" for level in inner) and (_plain(last) or last in ("+", "#"))


def covers(wide: str, narrow: str) -> bool:
    """Tell whether every topic of the filter `narrow` is one of `wide`; a topic is a filter without wildcards."""
    if wide[0] in "+#" and narrow[0] == "$":
        return False
    for mine, other in zip_longest(wide.split("/"), narrow.split("/")):
        if mine == "#":
            return True
        if mine is None or other is None or other == "#":
            return False
        if mine not in ("+", other):
            return False
    return True


def overlap(one: str, two: str) -> bool:
    """Tell whether some topic belongs to both filters."""
    if (one[0] in "+#" and two[0] == "$") or (two[0] in "+#" and one[0] == "$"):
        return False
    for mine, other in zip_longest(one.split("/"), two.split("/")):
        if "#" in (mine, other):
            return True
        if mine is None or other is None:
            return False
        if mine != other and "+" not in (mine, other):
            return False
    return True


class Routes:
    """Which filters each connection subscribes to, and which connection counts a message, and as what.

    A message belongs to the first declared `Topic` that it matches. Filters inside another one are not subscribed.
    The others are spread over as few connections as first-fit finds, so that those of one connection are disjoint;
    a message that reaches two connections counts on the one that carries its `Topic`. Ordinary campus files give one.
    """

    def __init__(self, topics: tuple[Topic, ...]) -> None:
        self._topics = topics
        self.connections: list[list[str]] = []
        filters = list(dict.fromkeys(topic.filter for topic in topics))
        for wanted in filters:
            if any(covers(other, wanted) for other in filters if other != wanted):
                continue
            for carried in self.connections:
                if not any(overlap(wanted, other) for other in carried):
                    carried.append(wanted)
                    break
            else:
                self.connections.append([wanted])
        self._carrier = [
            next(n for n, carried in enumerate(self.connections) if any(covers(f, topic.filter) for f in carried))
            for topic in topics
        ]
        self._cache: dict[str, tuple[Topic, int] | None] = {}

    def find(self, name: str) -> tuple[Topic, int] | None:
        """Return the declared topic that the topic name belongs to, and the connection that counts it."""
        if name in self._cache:
            return self._cache[name]
        found = next(
            ((topic, self._carrier[n]) for n, topic in enumerate(self._topics) if covers(topic.filter, name)), None
        )
        if len(self._cache) < ROUTE_CACHE:
            self._cache[name] = found
        return found


def _plain(level: str) -> bool:
    return "+" not in level and "#" not in level
