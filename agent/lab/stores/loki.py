"""Loki of the lab: metric queries over one job, limits of length, tenants."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.lab.stores.server import Asked, Replied, as_json

if TYPE_CHECKING:
    from agent.lab.stores.records import Records

__all__ = ["Loki"]

_SUM = re.compile(r"sum by \((\w+)\) \(count_over_time\((\{.*\})\[1d\]\)\)")
_COUNT = re.compile(r"count\(sum by \((\w+)\) \(count_over_time\((\{.*\})\[1d\]\)\)\)")
_CARRIED = re.compile(
    r"sum by \(canary\) \(count_over_time\((\{.*\}) \|~ \"nonce=\(([0-9a-f|]+)\)\""
    r" \| regexp \"nonce=\(\?P<canary>\[0-9a-f\]\{32\}\)\" \[(\d+)d\]\)\)"
)
_MATCHER = re.compile(r'(\w+)(=~|=)"([^"]*)"')
_DAY = 86_400


@dataclass
class Loki:
    """A Loki with one job, whose sources are values of the label `host`."""

    records: Records
    job: str = "syslog"
    tenant: str = ""
    """Without which it answers 401."""
    max_query_hours: int = 721
    retention: str | None = None
    """What it shows of itself; None: a version that shows nothing."""
    lookback_days: int = 0
    warns: bool = False

    def answer(self, asked: Asked) -> Replied:
        """Answer one request."""
        if self.tenant and asked.headers.get("x-scope-orgid") != self.tenant:
            return Replied(401, b"no org id\n", "text/plain")
        if asked.path == "/loki/api/v1/status/buildinfo":
            return as_json({"version": "3.5.1", "goVersion": "go1.24"})
        if asked.path == "/loki/api/v1/drilldown-limits" and self.retention is not None:
            lookback = f"{self.lookback_days * 24}h0m0s"
            return as_json({"limits": {"retention_period": self.retention, "max_query_lookback": lookback}})
        if asked.path == "/loki/api/v1/index/stats":
            since, until = int(asked.query["start"]) * 1000, int(asked.query["end"]) * 1000
            entries = sum(self.records.count(host, since, until) for host in self._hosts(asked.query["query"]))
            return as_json({"streams": 1, "chunks": 1, "bytes": entries * 120, "entries": entries})
        if asked.path in ("/loki/api/v1/query_range", "/loki/api/v1/query"):
            return self._range(asked) if "step" in asked.query else self._moment(asked)
        return Replied(404, b"404 page not found\n", "text/plain")

    def _moment(self, asked: Asked) -> Replied:
        """Answer an instant query: lines that carry nonces."""
        match = _CARRIED.fullmatch(asked.query["query"])
        if match is None:
            return Replied(400, b"parse error\n", "text/plain")
        days, end = int(match[3]), int(asked.query["time"])
        if days * 24 > self.max_query_hours:
            return self._too_long(days * _DAY)
        hosts = [value for label, _, value in _MATCHER.findall(match[1]) if label == "host"]
        ours = all(re.fullmatch(value, self.records.canary_host) for value in hosts)
        found = self.records.carrying(match[2].split("|") if ours else (), (end - days * _DAY) * 1000, end * 1000)
        result = [{"metric": {"canary": nonce}, "value": [end, str(count)]} for nonce, count in found.items()]
        return as_json({"status": "success", "data": {"resultType": "vector", "result": result}})

    def _too_long(self, seconds: int) -> Replied:
        lengths = f"query length: {seconds // 3600}h, limit: {self.max_query_hours}h"
        return Replied(400, f"the query time range exceeds the limit ({lengths})".encode(), "text/plain")

    def _range(self, asked: Asked) -> Replied:
        start, end, step = (int(asked.query[name]) for name in ("start", "end", "step"))
        length = end - start + _DAY
        if length > self.max_query_hours * 3600:
            return self._too_long(length)
        summed, counted = _SUM.fullmatch(asked.query["query"]), _COUNT.fullmatch(asked.query["query"])
        if summed:
            series = [
                {"metric": {summed[1]: host}, "values": samples}
                for host in self._hosts(summed[2])
                if (
                    samples := [
                        [at, str(count)] for at in range(start, end + 1, step) if (count := self._ending(host, at))
                    ]
                )
            ]
        elif counted:
            hosts = self._hosts(counted[2])
            numbers = [(at, sum(1 for host in hosts if self._ending(host, at))) for at in range(start, end + 1, step)]
            series = [{"metric": {}, "values": [[at, str(number)] for at, number in numbers if number]}]
        else:
            return Replied(400, b"parse error\n", "text/plain")
        reply = {"status": "success", "data": {"resultType": "matrix", "result": series}}
        return as_json({**reply, "warnings": ["maximum of series reached"]} if self.warns else reply)

    def _ending(self, host: str, at: int) -> int:
        """Return the records of the day that ends at the moment, which is part of it; its beginning is not."""
        return self.records.count(host, (at - _DAY) * 1000 + 1, at * 1000 + 1)

    def _hosts(self, selector: str) -> list[str]:
        found = list(self.records.by_source)
        for label, how, value in _MATCHER.findall(selector):
            if label == "job":
                found = found if value == self.job else []
            elif label == "host":
                found = [host for host in found if (re.fullmatch(value, host) if how == "=~" else host == value)]
        return found
