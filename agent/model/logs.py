"""Log stores: where a store keeps them (`LogStore`), which sources must be there (`LogSource`), counts by day.

Content never leaves a store: a request names sources, an answer holds counts, times and sizes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from agent.errors import MalformedError
from agent.model.base import Decimal, Identifier, Timestamp, Word

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "LogDay",
    "LogDays",
    "LogKind",
    "LogSource",
    "LogStore",
    "LogTally",
    "SourceDays",
    "StoredLog",
    "days_text",
    "parse_days",
]

LogKind = Literal["system", "user-access"]
"""Running logs of devices and systems; or who used the network: NAT, authentication, DHCP, online behaviour."""


class LogStore(Word):
    """Where on a store the logs are: of files a directory, else index, selector, stream or table; by which fields."""

    where: str
    """Of files: the directory. Else: index pattern (Elasticsearch), selector (Loki), stream or index set (Graylog),
    query (VictoriaLogs), database and table (ClickHouse)."""
    layout: Literal["", "syslog", "journal"] = ""
    """Of files: text as rsyslog and syslog-ng write it, or journal files."""
    source_field: str = ""
    """Field or label that names the source."""
    time_field: str = ""
    """Field with the time of receipt, where the store has one; else the event's own."""


class StoredLog(Word):
    """Under which name a store keeps a source's log."""

    store: Identifier
    """Asset of the store."""
    name: str
    """Host name or address as it stands in the store; of files also a path below the directory, with `*`."""
    where: str = ""
    """Where this source lies apart from the rest of the store."""


class LogSource(Word):
    """A source whose log must be kept."""

    id: Identifier
    kind: LogKind
    asset: Identifier | None = None
    """The device that writes it."""
    stored: tuple[StoredLog, ...] = ()
    """Empty: nobody keeps it, which is a finding and not a gap."""
    days: Literal["every-day", "school-days"] = "every-day"
    """On which days it must have written something."""


class LogTally(Word):
    """Count what files hold of each source, by day of the campus's time zone."""

    op: Literal["logs.tally"] = "logs.tally"
    where: str
    layout: Literal["syslog", "journal"]
    sources: tuple[str, ...]
    """Names as the store has them; all others are counted together."""
    since: str = ""
    """First day, `YYYY-MM-DD`; empty: from the beginning."""
    until: str = ""
    timezone: str


class LogDay(Word):
    """A day and how many records it has."""

    day: str = Field(pattern=r"^\d{4}-\d\d-\d\d$")
    records: Decimal


class SourceDays(Word):
    """What is kept of one source."""

    source: str
    """As asked for; empty for all others together."""
    first: Timestamp | None = None
    last: Timestamp | None = None
    days: tuple[LogDay, ...] = ()
    octets: Decimal = "0"
    files: int = 0


class LogDays(Word):
    """What the files hold."""

    op: Literal["logs.days"] = "logs.days"
    sources: tuple[SourceDays, ...]
    undated: Decimal = "0"
    """Lines without a time that can be read."""
    unreadable: int = 0
    """Files that could not be opened or unpacked; what they held is unknown."""
    free_octets: Decimal | None = None
    """Of the file system."""
    elapsed_ms: int


_DAY_COUNT = re.compile(r"(\d{4}-\d\d-\d\d):([1-9]\d{0,18})")


def days_text(days: Mapping[str, int]) -> str:
    """Return records by day in the one spelling that readings carry: `2026-05-01:1200 2026-05-02:900`, by day.

    Days without records are left out; no records at all is empty text.
    """
    return " ".join(f"{day}:{days[day]}" for day in sorted(days) if days[day])


def parse_days(text: str) -> dict[str, int]:
    """Read what `days_text` wrote.

    Raises:
        MalformedError: the text is not of that form, or its days are not in order.
    """
    found: dict[str, int] = {}
    last = ""
    for item in text.split(" ") if text else ():
        match = _DAY_COUNT.fullmatch(item)
        if match is None or match[1] <= last:
            raise MalformedError("{text!r} is not a list of days and counts in order", text=item[:40])
        last = match[1]
        found[last] = int(match[2])
    return found
