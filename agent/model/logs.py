"""Log stores: where a store keeps them (`LogStore`), which sources must be there (`LogSource`), counts by day.

Content never leaves a store: a request names sources, an answer holds counts, times and sizes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from agent.errors import MalformedError
from agent.model.base import Day, Decimal, Identifier, Timestamp, Word

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

    where: str = ""
    """Of files: the directory. Else: index pattern (Elasticsearch), selector (Loki), stream or index set (Graylog),
    query (VictoriaLogs), database and table (ClickHouse)."""
    layout: Literal["", "syslog", "journal"] = ""
    """Of files: text as rsyslog and syslog-ng write it, or journal files; empty as the family says."""
    source_field: str = ""
    """Field or label that names the source."""
    time_field: str = ""
    """Field with the time of receipt, where the store has one; else the event's own."""
    tenant: str = Field(default="", pattern=r"^[A-Za-z0-9_.:-]{0,150}$")
    """Of Loki the tenant; of VictoriaLogs account and project as `12:34`. Empty: the store's default."""
    text_field: str = ""
    """Field or column with the text of a record, where canaries are looked for; empty: `message`."""
    canary_of: str = ""
    """Of a canary: the asset of the store that keeps what is sent here."""
    canary_host: str = ""
    """Of a canary: the name under which the store has it, where a relay writes another than `campus-canary`."""
    protocol: Literal["", "udp", "tcp"] = ""
    """Of a canary: how the event travels; empty: over UDP."""


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
    """An absolute directory."""
    layout: Literal["syslog", "journal"]
    sources: tuple[str, ...]
    """Names as the store has them; all others are counted together. A name with `/`, `*` or `?` is a pattern of paths
    below the directory. Any other is the name of a directory or file (without its endings), all lines of which are
    this source's whatever host they name, and the host that lines in other files name."""
    since: str = ""
    """First day, `YYYY-MM-DD`; empty: from the beginning."""
    until: str = ""
    timezone: str


class LogDay(Word):
    """A day and how many records it has."""

    day: Day
    records: Decimal


class SourceDays(Word):
    """What is kept of one source."""

    source: str
    """As asked for; empty for all others together, of which only records, octets and files are told."""
    first: Timestamp | None = None
    last: Timestamp | None = None
    days: tuple[LogDay, ...] = ()
    records: Decimal = "0"
    """With and without a day, before `since` and after `until` too."""
    undated: Decimal = "0"
    """Lines without a time that can be read, or with one that fits nothing around it."""
    yearless: Decimal = "0"
    """Lines whose time has no year (RFC 3164) where neither the file's name, nor its time of modification, nor a newer
    file of the same series shows it; they are in no day."""
    octets: Decimal | None = None
    """Unpacked, of files that hold nothing else; absent where the source shares one."""
    files: int = 0
    unreadable: int = 0
    """Files that could not be read to their end and may hold records of this source."""


class LogDays(Word):
    """What the files hold."""

    op: Literal["logs.days"] = "logs.days"
    sources: tuple[SourceDays, ...]
    undated: Decimal = "0"
    """Lines without a time that can be read, of all files."""
    others: int = 0
    """Hosts that lines name and nobody asked for; 10 000 for more."""
    files: int = 0
    """That were read to their end."""
    unreadable: int = 0
    """Files and directories that could not be opened, or not be unpacked to their end; what is missing is unknown."""
    unread: int = 0
    """Files that were not looked at because time or a cap ran out."""
    links: int = 0
    """Symbolic links, none of which is followed."""
    duplicates: int = 0
    """Files that are copies of others: counted once."""
    damaged: int | None = None
    """Of journals: files whose inner checks fail."""
    boots: int | None = None
    """Of journals: how many boots they speak of."""
    stored_octets: Decimal = "0"
    """Of all files as they lie on the disk."""
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
