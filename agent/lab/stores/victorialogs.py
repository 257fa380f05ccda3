"""VictoriaLogs of the lab: hits, the number of sources, metrics with flags."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from agent.lab.stores.server import Asked, Replied, as_json

if TYPE_CHECKING:
    from agent.lab.stores.records import Records

__all__ = ["VictoriaLogs"]

_IN = re.compile(r'\((.+)\) (\w+):in\(("[^"]*"(?:,"[^"]*")*)\)')
_CARRIED = re.compile(r'\(.+\) (\w+):="([^"]+)" \| stats (count\(\) if \("[0-9a-f]{32}"\) n\d+(?:, )?)+')
_ONE = re.compile(r'if \("([0-9a-f]{32})"\) (n\d+)')
_UNIQ = re.compile(r"\((.+)\) \| stats count_uniq\((\w+)\) n")


@dataclass
class VictoriaLogs:
    """A single node."""

    records: Records
    retention: str = "7d"
    max_disk: str = ""
    used: int = 1_000_000
    free: int = 9_000_000
    tenant: tuple[str, str] = ("0", "0")
    metrics: bool = True
    lies: bool = False
    """Totals are more than the values."""

    def answer(self, asked: Asked) -> Replied:
        """Answer one request."""
        if asked.path == "/metrics":
            return Replied(200, self._metrics().encode(), "text/plain") if self.metrics else Replied(403, b"")
        if (asked.headers.get("accountid", "0"), asked.headers.get("projectid", "0")) != self.tenant:
            return as_json({"hits": []})
        if asked.path == "/select/logsql/hits":
            return self._hits(asked)
        if asked.path == "/select/logsql/stats_query" and _UNIQ.fullmatch(asked.query["query"]):
            since, until = _between(asked)
            number = len(self.records.sources(since, until))
            result = [{"metric": {"__name__": "n"}, "value": [until // 1000, str(number)]}]
            return as_json({"status": "success", "data": {"resultType": "vector", "result": result}})
        if asked.path == "/select/logsql/stats_query" and (match := _CARRIED.fullmatch(asked.query["query"])):
            return self._carried(asked, match[2])
        return Replied(404, b"unsupported path", "text/plain")

    def _carried(self, asked: Asked, host: str) -> Replied:
        since, until = _between(asked)
        named = dict(_ONE.findall(asked.query["query"]))
        found = self.records.carrying(named, since, until, host)
        result = [
            {"metric": {"__name__": name}, "value": [until // 1000, str(found.get(nonce, 0))]}
            for nonce, name in named.items()
        ]
        return as_json({"status": "success", "data": {"resultType": "vector", "result": result}})

    def _hits(self, asked: Asked) -> Replied:
        match = _IN.fullmatch(asked.query["query"])
        if match is None or asked.query["field"] != match[2]:
            return Replied(400, b"cannot parse query", "text/plain")
        since, until = _between(asked)
        step = int(asked.query["step"].removesuffix("h")) * 3_600_000
        hits = []
        for source in re.findall(r'"([^"]*)"', match[3]):
            buckets: Counter[int] = Counter()
            at = since - since % step
            while at < until:
                count = self.records.count(source, max(at, since), min(at + step, until))
                if count:
                    buckets[at] = count
                at += step
            if buckets:
                times = [datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for at in buckets]
                total = sum(buckets.values()) + self.lies
                fields = {match[2]: source}
                hits.append({"fields": fields, "timestamps": times, "values": list(buckets.values()), "total": total})
        return as_json({"hits": hits})

    def _metrics(self) -> str:
        return (
            f'flag{{name="retentionPeriod", value="{self.retention}", is_set="true"}} 1\n'
            f'flag{{name="retention.maxDiskSpaceUsageBytes", value="{self.max_disk or 0}", is_set="false"}} 1\n'
            'flag{name="httpAuth.password", value="secret", is_set="true"} 1\n'
            f'vl_data_size_bytes{{type="indexdb"}} {self.used // 4}\n'
            f'vl_data_size_bytes{{type="storage"}} {self.used - self.used // 4}\n'
            f'vl_free_disk_space_bytes{{path="/var/lib/victoria-logs"}} {self.free}\n'
            "process_resident_memory_bytes 1.23e+07\n"
        )


def _between(asked: Asked) -> tuple[int, int]:
    """Return start and the moment after the end, in milliseconds."""
    return int(asked.query["start"]) // 1_000_000, -(-(int(asked.query["end"]) + 1) // 1_000_000)
