"""A log store as a URL says it: `logs+elasticsearch://host:9200/logs-*?source=fw1&source=core-sw1`.

Of files, `logs+file:///var/log/remote?source=fw1` and `logs+journal:///var/log/journal?source=server1`.

The path is where the logs are (index pattern, selector, stream, filter, table), a `source` a name as the store has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from agent.errors import UsageError
from agent.model.logs import LogSource, LogStore, StoredLog

if TYPE_CHECKING:
    from urllib.parse import SplitResult

__all__ = ["LOCAL", "LogTarget", "log_target"]

LOCAL = ("logs+file", "logs+journal")
"""Schemes of what lies on this machine: no host, and the path is a directory."""
FIELDS = ("where", "source_field", "time_field", "tenant")


@dataclass(frozen=True, slots=True)
class LogTarget:
    """What a URL says of a log store, and the rest of its query."""

    logs: LogStore
    sources: tuple[LogSource, ...]
    timezone: str
    rest: str


def log_target(url: SplitResult, store: str) -> LogTarget:
    """Read the parts of a URL that say where logs are and whose they are.

    Args:
        url: the parts.
        store: id of the asset that the store becomes.

    Raises:
        UsageError: no source is named.
        MalformedError: a field is not what it may be.
    """
    fields = {"where": unquote(url.path if url.scheme in LOCAL else url.path.lstrip("/"))}
    names: list[str] = []
    timezone, rest = "Asia/Shanghai", []
    for part in filter(None, url.query.split("&")):
        name, _, value = part.partition("=")
        if name in FIELDS:
            fields[name] = unquote(value)
        elif name == "source":
            names.append(unquote(value))
        elif name == "timezone":
            timezone = unquote(value)
        else:
            rest.append(part)
    if not names:
        raise UsageError(
            "a log store is asked about sources by name, and none is given",
            todo="Add them to the URL, for example ?source=core-sw1&source=fw1",
        )
    sources = tuple(
        LogSource(id=_identifier(name), kind="system", stored=(StoredLog(store=store, name=name),))
        for name in dict.fromkeys(names)
    )
    return LogTarget(LogStore.from_json(fields, where=url.geturl()), sources, timezone, "&".join(rest))


def _identifier(name: str) -> str:
    """Return an identifier for a source: what may not stand in one becomes a hyphen."""
    return "".join(each if each.isalnum() or each in "-_./" else "-" for each in name)[:100] or "-"
