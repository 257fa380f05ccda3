"""Counting the lines of one file by source and civil day, at the speed of the regular expression engine.

A stretch of lines of one form and one day is counted at once; one that is not is cut in two, and only what is small
and still mixed is read line by line. What is kept of a line is its day, its time if it is the first or last of its
source, and that it was there.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from agent.transports.files import stamps
from agent.transports.files.years import Run

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from zoneinfo import ZoneInfo

    from agent.transports.files.stamps import Head, Stamp

__all__ = ["Counts", "FileCount", "whole_lines"]

LONGEST_LINE = 1 << 20
_KEPT = 4096
"""Octets that are kept of a longer line."""
_SMALL = 1 << 13
MOST_RUNS = 20_000
"""Changes of day of one source in one file; clocks that jump for ever are not followed further."""
MOST_OTHERS = 10_000


@dataclass
class Counts:
    """What one file holds of one source."""

    dated: Counter[date] = field(default_factory=Counter)
    ends: dict[date, tuple[bytes, bytes]] = field(default_factory=dict)
    """First and last time of each of those days."""
    runs: list[Run] = field(default_factory=list)
    """Those of which the year is not known yet, in order."""
    undated: int = 0
    records: int = 0

    def knows(self, stamp: Stamp) -> bool:
        """Tell whether lines of that day came before; if so, the first of them is known."""
        if stamp.year:
            return date(*stamp) in self.ends
        return bool(self.runs) and self.runs[-1].stamp == stamp

    def add(self, stamp: Stamp, records: int, first: bytes, last: bytes) -> None:
        """Take lines of one day."""
        self.records += records
        if stamp.year:
            day = date(*stamp)
            self.dated[day] += records
            low, high = self.ends.get(day, (first, last))
            self.ends[day] = min(low, first), max(high, last)
        elif self.runs and self.runs[-1].stamp == stamp:
            self.runs[-1].records += records
            self.runs[-1].last = last
        elif len(self.runs) < MOST_RUNS:
            self.runs.append(Run(stamp, records, first, last))
        else:
            self.undated += records


class FileCount:
    """Counts one file.

    Args:
        hosts: sources by the host that lines name.
        owner: the source that every line belongs to, whatever host it names; None where the lines tell.
        zone: the campus's civil time.
    """

    def __init__(self, hosts: Mapping[bytes, str], owner: str | None, zone: ZoneInfo) -> None:
        self._hosts = hosts
        self._owner = owner
        self._zone = zone
        self.sources: dict[str, Counts] = {}
        self.others: set[bytes] = set()
        self.other_records = 0
        self.undated = 0
        self.octets = 0

    def take(self, text: bytes) -> None:
        """Count whole lines, each with its line feed in front."""
        self.octets += len(text)
        waiting = [(0, len(text))]
        while waiting:
            since, until = waiting.pop()
            if self._at_once(text, since, until):
                continue
            middle = text.find(b"\n", since + (until - since) // 2, until) if until - since > _SMALL else -1
            if middle <= since:
                self._one_by_one(text[since:until])
            else:
                waiting += [(middle, until), (since, middle)]

    def _at_once(self, text: bytes, since: int, until: int) -> bool:
        """Count a stretch if all its lines have one form and day."""
        head = self._head(text, since, until)
        tail = text.rfind(b"\n", since, until)
        last = self._head(text, tail, until)
        if head is None or last is None or last.stamp != head.stamp or tail == since:
            return False
        pattern = stamps.day_pattern(head.stamp, head.form, self._zone)
        if pattern is None:
            return False
        if self._owner is not None:
            if pattern.every.fullmatch(text, since, until) is None:
                return False
            self._counts(self._owner).add(head.stamp, text.count(b"\n", since, until), head.time, last.time)
            return True
        hosts = pattern.one.findall(text, since, until)
        if len(hosts) != text.count(b"\n", since, until):
            return False
        self._by_host(head.stamp, hosts, (text, since, until))
        return True

    def _head(self, text: bytes, at: int, until: int) -> Head | None:
        end = text.find(b"\n", at + 1, until)
        return stamps.read(text[at + 1 : end if end >= 0 else until], self._zone)

    def _by_host(self, stamp: Stamp, hosts: list[bytes], stretch: tuple[bytes, int, int]) -> None:
        found = Counter(hosts)
        wanted = {name: source for name in found if (source := self._hosts.get(stamps.host_of(name))) is not None}
        for name in found.keys() - wanted.keys():
            self._other(stamps.host_of(name), found[name])
        last = self._times(wanted, reversed(hosts), stretch, backwards=True)
        new = {name for name, source in wanted.items() if not self._counts(source).knows(stamp)}
        first = self._times(new, iter(hosts), stretch, backwards=False)
        for name, source in wanted.items():
            self._counts(source).add(stamp, found[name], first.get(name, last[name]), last[name])

    def _times(
        self, names: Collection[bytes], hosts: Iterator[bytes], stretch: tuple[bytes, int, int], *, backwards: bool
    ) -> dict[bytes, bytes]:
        """Return the time of the first or last line of each host; lines are gone through until all were seen."""
        text, since, until = stretch
        found: dict[bytes, bytes] = {}
        at = until if backwards else since
        for host in hosts:
            if len(found) == len(names):
                break
            at = text.rfind(b"\n", since, at) if backwards else at
            if host in names and host not in found:
                head = self._head(text, at, until)
                found[host] = head.time if head is not None else b"00:00:00"
            at = at if backwards else text.find(b"\n", at + 1, until)
        return found

    def _one_by_one(self, text: bytes) -> None:
        for raw in text.split(b"\n")[1:]:
            line = raw.lstrip(b"\0")
            if not line.strip():
                continue  # a run of NULs is what a crash leaves of lines; how many, nobody knows
            head = stamps.read(line[:_KEPT], self._zone)
            source = self._owner if self._owner is not None or head is None else self._hosts.get(head.host)
            if head is not None and source is not None:
                self._counts(source).add(head.stamp, 1, head.time, head.time)
            elif head is not None:
                self._other(head.host, 1)
            elif source is not None:
                counts = self._counts(source)
                counts.records += 1
                counts.undated += 1
            else:
                self.undated += 1

    def _counts(self, source: str) -> Counts:
        return self.sources.setdefault(source, Counts())

    def _other(self, host: bytes, records: int) -> None:
        self.other_records += records
        if len(self.others) < MOST_OTHERS:
            self.others.add(host[:256])


def whole_lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the text in pieces of whole lines, each with its line feed in front; a last line without end is left out.

    Somebody may be writing it. Of a line of more than a megabyte only the beginning stays, after NULs in front of it.
    """
    rest = b"\n"
    for block in blocks:
        text = rest + block
        end = text.rfind(b"\n", len(rest))
        if end > 0:
            yield text[:end]
            rest = text[end:]
        else:
            rest = text
        if len(rest) > LONGEST_LINE:
            rest = (b"\n" + rest[1:].lstrip(b"\0"))[:_KEPT]
