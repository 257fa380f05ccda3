"""ClickHouse of the lab: the statements that count, system tables, an account that may not see them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from agent.lab.stores.records import days_from
from agent.lab.stores.server import Asked, Replied, as_json

if TYPE_CHECKING:
    from agent.lab.stores.records import Records

__all__ = ["ClickHouse"]

_MOMENT = re.compile(r"toDateTime\('(\d{4}-\d\d-\d\d) 00:00:00', '([^']+)'\)")
_LISTED = re.compile(r" IN \(([^)]*)\) GROUP BY ")


@dataclass
class ClickHouse:
    """A server with one table."""

    records: Records
    table: str = "logs.syslog"
    engine: str = "MergeTree PARTITION BY toYYYYMM(ts) ORDER BY ts TTL ts + toIntervalMonth(7) SETTINGS x = 1"
    used: int = 1_000_000
    free: int = 9_000_000
    denied: bool = False
    """System tables are not for this account."""
    most_rows: int | None = None
    """Where results are cut silently (`result_overflow_mode = 'break'`)."""
    breaks_off: bool = False
    """An exception after the first octets of a reply with status 200."""

    def answer(self, asked: Asked) -> Replied:
        """Answer one request."""
        statement = asked.query.get("query", "")
        if asked.method != "GET" or not statement.endswith(" FORMAT JSONCompact"):
            return Replied(500, b"Code: 164. DB::Exception: Cannot execute query in readonly mode. (READONLY)")
        if statement.startswith("SELECT version()"):
            return _rows([["25.3.2.39"]])
        if " FROM system." in statement:
            return self._system(statement)
        if f" FROM {self.table} " not in statement:
            return Replied(404, b"Code: 60. DB::Exception: Unknown table expression identifier. (UNKNOWN_TABLE)")
        since, until = (_midnight(*moment) for moment in _MOMENT.findall(statement))
        if "uniq(" in statement:
            return _rows([[str(len(self.records.sources(since, until)))]])
        count = self._carried if statement.startswith("SELECT extract(toString(") else self._counts
        return count(statement, since, until)

    def _counts(self, statement: str, since: int, until: int) -> Replied:
        listed = _LISTED.search(statement)
        zone = _MOMENT.findall(statement)[0][1]
        rows = []
        for source in re.findall(r"'([^']*)'", listed[1] if listed else ""):
            for day in days_from(_day(since, zone), _day(until, zone) - timedelta(days=1)):
                start, end = _midnight(day.isoformat(), zone), _midnight((day + timedelta(days=1)).isoformat(), zone)
                told = self.records.times(source, start, end)
                if told:
                    count = self.records.count(source, start, end)
                    rows.append([source, day.isoformat(), str(count), str(told[0] // 1000), str(told[1] // 1000)])
        total = sum(int(row[2]) for row in rows)
        reply = _rows(rows[: self.most_rows], ["", "1970-01-01", str(total), "0", "0"])
        if self.breaks_off:
            return Replied(200, reply.body[:60] + b"Code: 159. DB::Exception: Timeout exceeded. (TIMEOUT_EXCEEDED)")
        return reply

    def _carried(self, statement: str, since: int, until: int) -> Replied:
        """Answer with the rows whose text carries nonces, as far as results are not cut."""
        host = re.search(r"toString\(\w+\) = '([^']*)'", statement)
        listed = re.search(r"c_ IN \(([^)]*)\)", statement)
        nonces = re.findall(r"'([^']*)'", listed[1] if listed else "")
        found = self.records.carrying(nonces, since, until, host[1] if host else "")
        rows = [[nonce, str(count)] for nonce, count in sorted(found.items())]
        return _rows(rows[: self.most_rows], ["", str(sum(found.values()))])

    def _system(self, statement: str) -> Replied:
        if self.denied:
            return Replied(403, b"Code: 497. DB::Exception: Not enough privileges. (ACCESS_DENIED)", "text/plain")
        if "system.disks" in statement:
            return _rows([[str(self.free)]])
        if "system.parts" in statement:
            return _rows([[str(self.used)]])
        ttl = re.search(r" TTL (.+?)(?: SETTINGS |$)", self.engine)
        return _rows([[ttl[1] if ttl else ""]])


def _rows(rows: list[list[str]], totals: list[str] | None = None) -> Replied:
    reply: dict[str, Any] = {"meta": [], "data": rows, "rows": len(rows)}
    return as_json(reply if totals is None else {**reply, "totals": totals})


def _midnight(day: str, zone: str) -> int:
    return round(datetime.combine(date.fromisoformat(day), datetime.min.time(), ZoneInfo(zone)).timestamp() * 1000)


def _day(at: int, zone: str) -> date:
    return datetime.fromtimestamp(at / 1000, ZoneInfo(zone)).date()
