"""Graylog of the lab: pivots by source over absolute ranges, index sets, index ranges that begin in 1970."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agent.clock import parse_time
from agent.lab.stores.server import Asked, Replied, as_json

if TYPE_CHECKING:
    from agent.lab.stores.records import Records

__all__ = ["Graylog", "time_based"]

_SET = "5ea81cb42ab79c00129dbe58"
_EVENTS = "5ea81cc02ab79c00129dbf1c"


def time_based(period: str, indices: int) -> dict[str, Any]:
    """Return the strategies of an index set that rotates by time and deletes."""
    return {
        "rotation_strategy": {"type": "org.graylog2.TimeBasedRotationStrategyConfig", "rotation_period": period},
        "retention_strategy": {
            "type": "org.graylog2.DeletionRetentionStrategyConfig",
            "max_number_of_indices": indices,
        },
    }


@dataclass
class Graylog:
    """A node with one index set for messages, and one for its own events."""

    records: Records
    stream: str = ""
    """Messages are in this stream alone; empty: in every one."""
    strategies: dict[str, Any] = field(default_factory=lambda: time_based("P1D", 200))
    used: int = 1_000_000
    broken_days: frozenset[str] = frozenset()
    """Days (`YYYYMMDD`) whose query fails inside a reply of status 200."""
    sets_visible: bool = True

    def answer(self, asked: Asked) -> Replied:
        """Answer one request."""
        if asked.method == "POST" and "x-requested-by" not in asked.headers:
            return as_json({"message": "CSRF protection header is missing."}, 400)
        if asked.path == "/api/system/indices/index_sets":
            return as_json(self._sets()) if self.sets_visible else as_json({"message": "Not authorized"}, 403)
        if asked.path == "/api/system/indices/ranges":
            # An active index whose range nobody has calculated.
            epoch = "1970-01-01T00:00:00.000Z"
            return as_json({"ranges": [{"index_name": "graylog_0", "begin": epoch, "end": epoch}], "total": 1})
        if asked.path == "/api/views/search/sync" and asked.method == "POST":
            return as_json({"results": {query["id"]: self._query(query) for query in asked.json()["queries"]}})
        return as_json({"type": "ApiError", "message": "HTTP 404 Not Found"}, 404)

    def _sets(self) -> Any:
        messages = {"id": _SET, "index_prefix": "graylog", "default": True, "writable": True, **self.strategies}
        events = {"id": _EVENTS, "index_prefix": "gl-events", "writable": True, **time_based("P1M", 12)}
        stats = {_SET: {"indices": 9, "documents": 1, "size": self.used}, _EVENTS: {"indices": 1, "size": 5}}
        return {"total": 2, "index_sets": [messages, events], "stats": stats}

    def _query(self, query: Any) -> Any:
        if query["id"].removeprefix("d") in self.broken_days:
            return {"errors": [{"description": "all shards failed"}], "search_types": {}}
        since = _milliseconds(query["timerange"]["from"])
        until = _milliseconds(query["timerange"]["to"]) + 1  # both ends are part of a range
        chosen = {each["id"] for each in query.get("filter", {}).get("filters", ())}
        sources = [] if chosen and self.stream and self.stream not in chosen else self.records.sources(since, until)
        text = query["query"]["query_string"]
        if re.fullmatch(r"[0-9a-f]{32}", query["id"]):
            found = sum(self.records.carrying([query["id"]], since, until).values())
            rows = [{"key": [], "values": [{"key": ["count()"], "value": found, "rollup": True}], "source": "leaf"}]
            return {"errors": [], "search_types": {"n": {"id": "n", "type": "pivot", "rows": rows}}}
        if text != "*":
            wanted = {name.lower() for name in re.findall(r'"([^"]*)"', text)}
            sources = [source for source in sources if source.lower() in wanted]
        (pivot,) = query["search_types"]
        if pivot["series"][0]["type"] == "card":
            rows = [
                {"key": [], "values": [{"key": ["card()"], "value": len(sources), "rollup": True}], "source": "leaf"}
            ]
        else:
            rows = [
                {
                    # Source names are analysed: their terms are in lower case.
                    "key": [source.lower()],
                    "values": [{"key": ["count()"], "value": self.records.count(source, since, until), "rollup": True}],
                    "source": "leaf",
                }
                for source in sources
            ]
        return {"errors": [], "search_types": {pivot["id"]: {"id": pivot["id"], "type": "pivot", "rows": rows}}}


def _milliseconds(text: str) -> int:
    return round(parse_time(text).timestamp() * 1000)
