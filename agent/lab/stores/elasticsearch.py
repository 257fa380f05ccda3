"""Elasticsearch and OpenSearch of the lab: aggregations of counts, field kinds, indices, lifecycles."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from agent.lab.stores.records import Records, days_from
from agent.lab.stores.server import Asked, Replied, as_json

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Elasticsearch"]


@dataclass
class Elasticsearch:
    """A cluster with one index pattern."""

    records: Records
    opensearch: bool = False
    kinds: Mapping[str, str] = field(
        default_factory=lambda: {"@timestamp": "date", "host.name": "keyword", "message": "text"}
    )
    """Field to its type."""
    failed_shards: int = 0
    timed_out: bool = False
    max_buckets: int = 65_536
    closed: int = 0
    """Indices that searches leave out."""
    frozen: int = 0
    used: int = 1_000_000
    free: int | None = 9_000_000_000
    """None: the account may not see it."""
    policies: Mapping[str, str | None] = field(default_factory=dict)
    """Policy to the age at which it deletes; None: it does not."""
    stream_retention: str = ""
    missing: bool = False
    """No index matches the pattern."""

    def answer(self, asked: Asked) -> Replied:
        """Answer one request."""
        last = asked.path.rsplit("/", 1)[-1]
        if asked.path == "/":
            version = {"number": "2.19.1", "distribution": "opensearch"} if self.opensearch else {"number": "8.17.2"}
            return as_json({"version": version})
        if last == "_field_caps":
            return as_json(self._kinds(asked.query["fields"].split(",")))
        if last == "_search" and asked.method == "POST":
            return self._search(asked.json())
        if asked.path.startswith("/_cat/indices/"):
            return as_json(self._indices())
        if asked.path == "/_cluster/stats":
            return as_json({"nodes": {"fs": {"available_in_bytes": self.free}}}) if self.free else _denied()
        return self._lifecycle(asked.path)

    def _kinds(self, fields: list[str]) -> Any:
        if self.missing:
            return {}
        return {
            "fields": {name: {self.kinds[name]: {"type": self.kinds[name]}} for name in fields if name in self.kinds}
        }

    def _search(self, body: Any) -> Replied:
        if body["size"] != 0:
            return as_json({"error": "the lab has no documents"}, 400)
        ((time, between),) = body["query"]["range"].items()
        zone = ZoneInfo(between["time_zone"])
        since, until = _moment(between["gte"], zone), _moment(between["lt"], zone)
        if self.missing or self.kinds.get(time) != "date":
            return as_json({"timed_out": False, "_shards": {"total": 0, "failed": 0}, "hits": {"total": {"value": 0}}})
        if "canaries" in body["aggs"]:
            return self._carried(body["aggs"]["canaries"]["filters"]["filters"], since, until)
        aggregations, buckets = {}, 0
        for name, wanted in body["aggs"].items():
            if "cardinality" in wanted:
                aggregations[name] = {"value": len(self.records.sources(since, until))}
                continue
            ((field_name, source),) = wanted["filter"]["term"].items()
            counted = self._source(
                source if self.kinds.get(field_name) in ("keyword", "ip") else "", since, until, zone
            )
            buckets += len(counted["days"]["buckets"])
            aggregations[name] = counted
        if buckets > self.max_buckets:
            error = {"type": "search_phase_execution_exception", "caused_by": {"type": "too_many_buckets_exception"}}
            return as_json({"error": error, "status": 400}, 400)
        hits = sum(self.records.count(source, since, until) for source in self.records.by_source)
        return as_json(
            {
                "timed_out": self.timed_out,
                "_shards": {"total": 5, "failed": self.failed_shards},
                "hits": {"total": {"value": hits}},
                "aggregations": aggregations,
            }
        )

    def _carried(self, filters: Mapping[str, Any], since: int, until: int) -> Replied:
        """Answer with the records whose text has nonces as terms; a field that is not analysed has none."""
        analysed = {
            name: phrase["match_phrase"]
            for name, phrase in filters.items()
            if all(self.kinds.get(each) in ("text", "match_only_text") for each in phrase["match_phrase"])
        }
        found = self.records.carrying(analysed, since, until)
        return as_json(
            {
                "timed_out": self.timed_out,
                "_shards": {"failed": self.failed_shards},
                "aggregations": {
                    "canaries": {"buckets": {name: {"doc_count": found.get(name, 0)} for name in filters}}
                },
            }
        )

    def _source(self, source: str, since: int, until: int, zone: ZoneInfo) -> dict[str, Any]:
        buckets = []
        first_day = datetime.fromtimestamp(since / 1000, zone).date()
        last_day = datetime.fromtimestamp(until / 1000, zone).date()
        for day in days_from(first_day, last_day):
            start, end = _moment(day.isoformat(), zone), _moment((day + timedelta(days=1)).isoformat(), zone)
            count = self.records.count(source, max(since, start), min(until, end))
            if count:
                buckets.append({"key_as_string": day.isoformat(), "doc_count": count})
        told = self.records.times(source, since, until)
        return {
            "doc_count": self.records.count(source, since, until),
            "days": {"buckets": buckets},
            # The store prints moments of aggregations as doubles.
            "first": {"value": float(told[0]) if told else None},
            "last": {"value": float(told[1]) if told else None},
        }

    def _indices(self) -> list[dict[str, str | None]]:
        rows: list[dict[str, str | None]] = [{"status": "open", "sth": "false", "pri.store.size": str(self.used)}]
        rows += [{"status": "close", "sth": "false", "pri.store.size": None}] * self.closed
        return rows + [{"status": "open", "sth": "true", "pri.store.size": "1"}] * self.frozen

    def _lifecycle(self, path: str) -> Replied:
        last = path.rsplit("/", 1)[-1]
        if not self.opensearch and last == "_lifecycle" and self.stream_retention:
            lifecycle = {"enabled": True, "data_retention": self.stream_retention}
            return as_json({"data_streams": [{"lifecycle": lifecycle}]})
        if not self.opensearch and path.endswith("/_ilm/explain"):
            return as_json({"indices": {f"logs-{n:06}": {"policy": name} for n, name in enumerate(self.policies)}})
        if not self.opensearch and path.startswith("/_ilm/policy/") and self.policies.get(last):
            return as_json({last: {"policy": {"phases": {"delete": {"min_age": self.policies[last]}}}}})
        if self.opensearch and path.startswith("/_plugins/_ism/explain/"):
            return as_json({f"logs-{n:06}": {"policy_id": name} for n, name in enumerate(self.policies)})
        if self.opensearch and path.startswith("/_plugins/_ism/policies/") and last in self.policies:
            return as_json({"policy": {"states": _states(self.policies[last])}})
        return as_json({}) if "/_ilm/" in path else as_json({"error": "no handler found", "status": 400}, 400)


def _states(age: str | None) -> list[dict[str, Any]]:
    hot: dict[str, Any] = {"name": "hot", "actions": [{"rollover": {"min_index_age": "1d"}}], "transitions": []}
    if age is None:
        return [hot]
    hot["transitions"] = [{"state_name": "gone", "conditions": {"min_index_age": age}}]
    return [hot, {"name": "gone", "actions": [{"delete": {}}], "transitions": []}]


def _moment(text: str, zone: ZoneInfo) -> int:
    """Return a day, perhaps with a day added in date math, as milliseconds since 1970."""
    day, _, added = text.partition("||")
    moment = datetime.combine(date.fromisoformat(day), datetime.min.time(), zone)
    return round((moment + timedelta(days=1 if added == "+1d" else 0)).timestamp() * 1000)


def _denied() -> Replied:
    return as_json({"error": {"type": "security_exception"}, "status": 403}, 403)
