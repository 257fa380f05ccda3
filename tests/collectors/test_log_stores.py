"""Log stores over HTTP: what each kind counts, what makes a count wrong, and that nothing but counts is asked for."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from agent.lab.stores import ClickHouse, Elasticsearch, Graylog, Loki, Records, VictoriaLogs, steady
from tests.collectors.log_stores import FAMILIES, FIRST, READERS, TODAY, every_day, read_store

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.lab.stores.server import FakeStore

KINDS: dict[str, Callable[[Records], FakeStore]] = {
    "elasticsearch": Elasticsearch,
    "loki": Loki,
    "graylog": Graylog,
    "victorialogs": VictoriaLogs,
    "clickhouse": ClickHouse,
}
LOST = date(2026, 8, 3)
OLDER = date(2025, 11, 1)


def campus_records(**kind: Any) -> Records:
    """Two wanted sources, one of which lost a day, one that never wrote, and two that nobody asks for."""
    days = steady(["Core-SW1", "10.9.8.7", "pc-of-somebody"], OLDER, TODAY, 96)
    days |= steady(["fw1"], OLDER, TODAY, 96, without={LOST})
    return Records(days, **kind)


@pytest.mark.parametrize("kind", KINDS)
class TestEveryStore:
    def test_counts_each_source_by_civil_day(self, kind: str) -> None:
        """Every store gives the same counts of the same log, a lost day and a silent source among them."""
        read = read_store(kind, KINDS[kind](campus_records()), ["Core-SW1", "fw1", "silent"])
        assert read.days("core-sw1") == every_day()
        assert read.days("fw1") == every_day(but=[LOST])
        assert read.days("silent") == {}
        assert read.text("log.search", "log:store/fw1") == "complete"
        assert read.text("log.searched", "log:store/fw1") == f"{FIRST}/{TODAY}"

    def test_no_other_source_is_named_in_the_record(self, kind: str) -> None:
        """Hosts that the campus file does not have never leave the store; they are a number."""
        read = read_store(kind, KINDS[kind](campus_records()), ["fw1"])
        assert b"pc-of-somebody" not in read.record
        assert b"10.9.8.7" not in read.record
        assert read.text("log.store.others", "asset:store") == "3"

    @pytest.mark.parametrize(("timezone", "hours"), [("UTC", 0), ("Asia/Urumqi", 6)])
    def test_days_are_the_campus_s(self, kind: str, timezone: str, hours: int) -> None:
        """A day begins at the campus's midnight, whatever zone the store lives in."""
        days = {date(2026, 8, 1): 1, date(2026, 8, 2): 48, date(2026, 8, 3): 24}
        records = Records({"fw1": days}, zone_hours=hours)
        read = read_store(kind, KINDS[kind](records), ["fw1"], timezone=timezone)
        assert read.days("fw1") == {day.isoformat(): count for day, count in days.items()}

    def test_many_sources_are_asked_for_in_portions(self, kind: str) -> None:
        """A hundred sources are all found, in requests that no store refuses for their size."""
        names = [f"sw{number:03}" for number in range(100)]
        read = read_store(kind, KINDS[kind](Records(steady(names, date(2026, 11, 1), TODAY, 4))), names)
        assert all(read.days(name) == every_day(date(2026, 11, 1), records=4) for name in names)
        assert max(len(asked.body) + sum(map(len, asked.query.values())) for asked in read.asked) < 60_000

    def test_only_the_list_is_asked(self, kind: str) -> None:
        """Nothing but GET, and POST of the two stores that count by POST, reaches a store."""
        read = read_store(kind, KINDS[kind](campus_records()), ["fw1"])
        posts = {asked.path.rsplit("/", 1)[-1] for asked in read.asked if asked.method != "GET"}
        assert posts == {"elasticsearch": {"_search"}, "graylog": {"sync"}}.get(kind, set())
