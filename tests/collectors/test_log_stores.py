"""Log stores over HTTP: what each kind counts, what makes a count wrong, and that nothing but counts is asked for."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.assess.derive import DERIVATIONS
from agent.assess.samples import Readings
from agent.collectors.logs.interface import readings
from agent.errors import GapError, MalformedError
from agent.lab.stores import ClickHouse, Elasticsearch, Graylog, Loki, Records, VictoriaLogs, steady
from agent.lab.stores.graylog import time_based
from agent.model.asset import Asset
from agent.model.finding import Window
from agent.model.logs import LogStore
from agent.transports.http import HttpLogin
from tests.collectors.log_stores import (
    FAMILIES,
    FIRST,
    PLACES,
    READERS,
    TODAY,
    Answering,
    campus_of,
    every_day,
    id_of,
    read_store,
)

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


def october(**more: Any) -> Records:
    """One source since October."""
    return Records(steady(["fw1"], date(2026, 10, 1), TODAY, 96), **more)


@pytest.mark.parametrize("kind", KINDS)
def test_a_lost_day_in_a_store_is_exactly_that_gap(kind: str) -> None:
    """From the store's answers to the figure of the clause: seven months, and three after the lost day."""
    read = read_store(kind, KINDS[kind](campus_records()), ["Core-SW1", "fw1", "silent"])
    window = Window(since="2026-10-22T00:00:00Z", until="2026-11-22T04:00:00Z")
    campus = campus_of(["Core-SW1", "fw1", "silent"])
    derived = DERIVATIONS["logs"](Readings(read.readings, window), campus, window, {})
    months = {r.subject: r.value for r in derived.readings if r.metric == "logs.retention"}
    assert months == {"system-log:core-sw1": "7", "system-log:fw1": "3", "system-log:silent": "0"}
    gaps = {r.subject: r.value for r in derived.readings if r.metric == "logs.gap"}
    assert gaps == {"system-log:core-sw1": "0", "system-log:fw1": "1", "system-log:silent": "184"}
    assert not any(metric != "logs.capacity" for metric, _ in derived.open)


class TestElasticsearch:
    def test_reads_times_size_and_free_space(self) -> None:
        """First and last record, size and free space come with the counts."""
        read = read_store("elasticsearch", Elasticsearch(october()), ["fw1"])
        assert read.text("log.first", "log:store/fw1") == "2026-09-30T16:07:30.000Z"
        assert read.text("log.last", "log:store/fw1") == "2026-11-22T15:52:30.000Z"
        assert read.text("log.store.used", "asset:store") == "1000000"
        assert read.text("log.store.free", "asset:store") == "9000000000"

    @pytest.mark.parametrize(
        "fault",
        [{"failed_shards": 1}, {"timed_out": True}, {"closed": 2}, {"frozen": 1}],
        ids=lambda fault: next(iter(fault)),
    )
    def test_what_searches_leave_out_makes_them_partial(self, fault: dict[str, Any]) -> None:
        """A failed shard, a search out of time, a closed and a frozen index: counts, but no proof of a gap."""
        read = read_store("elasticsearch", Elasticsearch(october(), **fault), ["fw1"])
        assert read.text("log.search", "log:store/fw1") == "partial"
        assert read.days("fw1") == every_day(date(2026, 10, 1))

    def test_a_store_of_few_buckets_is_asked_for_fewer_sources(self) -> None:
        """A lowered limit of buckets costs requests, not counts."""
        names = [f"sw{number}" for number in range(8)]
        store = Elasticsearch(Records(steady(names, FIRST, TODAY, 2)), max_buckets=500)
        read = read_store("elasticsearch", store, names)
        assert all(read.days(name) == every_day(records=2) for name in names)

    def test_an_analysed_field_is_replaced_by_its_keyword(self) -> None:
        """An exact name finds nothing in an analysed field; its keyword field is asked instead."""
        kinds = {"@timestamp": "date", "host.name": "text", "host.name.keyword": "keyword"}
        read = read_store("elasticsearch", Elasticsearch(october(), kinds=kinds), ["fw1"])
        assert read.days("fw1") == every_day(date(2026, 10, 1))

    @pytest.mark.parametrize("kinds", [{"@timestamp": "date", "host.name": "text"}, {"host.name": "keyword"}])
    def test_fields_that_cannot_be_counted_by_are_a_gap(self, kinds: dict[str, str]) -> None:
        """Without times or exact names nothing is counted: unsupported, and never "no log"."""
        with pytest.raises(GapError) as error:
            read_store("elasticsearch", Elasticsearch(october(), kinds=kinds), ["fw1"])
        assert error.value.reason == "unsupported"
        assert error.value.source
        assert "campus file" in str(error.value)

    def test_no_index_is_no_field(self) -> None:
        """A pattern that matches nothing is named as the cause."""
        with pytest.raises(GapError, match="index pattern"):
            read_store("elasticsearch", Elasticsearch(october(), missing=True), ["fw1"])

    @pytest.mark.parametrize("opensearch", [False, True])
    def test_the_shortest_policy_counts(self, opensearch: bool) -> None:
        """Of several policies the shortest deletes first; one that keeps everything takes nothing from that."""
        policies = {"short": "30d", "long": "4800h", "hot": None}
        read = read_store("elasticsearch", Elasticsearch(october(), opensearch=opensearch, policies=policies), ["fw1"])
        assert read.text("log.store.policy", "asset:store") == "30"

    def test_retention_of_a_data_stream(self) -> None:
        """A data stream has its retention without a policy."""
        read = read_store("elasticsearch", Elasticsearch(october(), stream_retention="190d"), ["fw1"])
        assert read.text("log.store.policy", "asset:store") == "190"

    def test_a_store_without_policy_and_rights_tells_neither(self) -> None:
        """What the account may not see is missing, and costs nothing else."""
        read = read_store("elasticsearch", Elasticsearch(october(), free=None), ["fw1"])
        assert read.text("log.store.policy", "asset:store") is None
        assert read.text("log.store.free", "asset:store") is None
        assert read.text("log.search", "log:store/fw1") == "complete"

    def test_an_api_key_opens_and_stays_out_of_the_record(self) -> None:
        """The key goes into the header alone."""
        key = "VnVhQ2ZHY0JDZGJrUW0tZTVhT3g6dWkybHAyYXhUTm1zeWFrdzl0dk5udw=="
        login = HttpLogin(api_key=key)
        read = read_store(
            "elasticsearch", Elasticsearch(october()), ["fw1"], authorization=f"ApiKey {key}", login=login
        )
        assert read.days("fw1") == every_day(date(2026, 10, 1))
        assert key.encode() not in read.record

    def test_a_wrong_key_is_tried_once(self) -> None:
        """A store that refuses is asked nothing more."""
        asked: list[Any] = []
        with pytest.raises(GapError) as error:
            read_store(
                "elasticsearch", Elasticsearch(october()), ["fw1"], authorization="ApiKey right", asked=asked,
                login=HttpLogin(api_key="wrong"),
            )  # fmt: skip
        assert error.value.reason == "refused"
        assert len(asked) == 1


class TestLoki:
    @pytest.mark.parametrize("hours", [721, 168])
    def test_a_limit_of_query_length_is_kept(self, hours: int) -> None:
        """A store that allows a week, or a day, at once is asked more often for the same counts."""
        read = read_store("loki", Loki(october(), max_query_hours=hours), ["fw1"])
        assert read.days("fw1") == every_day(date(2026, 10, 1))
        assert read.text("log.search", "log:store/fw1") == "complete"

    def test_a_tenant_has_its_own_logs(self) -> None:
        """The tenant of the campus file goes along; without it the store refuses."""
        place = LogStore(where='{job="syslog"}', tenant="school")
        assert read_store("loki", Loki(october(), tenant="school"), ["fw1"], place=place).days("fw1")
        with pytest.raises(GapError) as error:
            read_store("loki", Loki(october(), tenant="school"), ["fw1"])
        assert error.value.reason == "refused"

    @pytest.mark.parametrize(("shown", "days"), [("744h", "31"), ("4w3d", "31"), ("0s", None), ("4464h0m0s", "186")])
    def test_the_retention_that_it_shows_is_the_setting(self, shown: str, days: str | None) -> None:
        """Durations in all spellings; 0 keeps everything."""
        read = read_store("loki", Loki(october(), retention=shown), ["fw1"])
        assert read.text("log.store.policy", "asset:store") == days

    def test_a_look_back_limit_hides_days(self) -> None:
        """Days that the store does not look at are not told of: no gap is proven."""
        read = read_store("loki", Loki(october(), retention="0s", lookback_days=60), ["fw1"])
        assert read.text("log.search", "log:store/fw1") == "partial"

    def test_a_warning_makes_the_search_partial(self) -> None:
        """Counts that the store warns of are not complete."""
        read = read_store("loki", Loki(october(), warns=True), ["fw1"])
        assert read.text("log.search", "log:store/fw1") == "partial"

    def test_a_dot_in_a_name_is_a_dot(self) -> None:
        """An address does not match another one whose digit stands in the place of a dot."""
        records = Records(steady(["10.1.1.1", "10.1x1.1"], date(2026, 11, 1), TODAY, 3))
        read = read_store("loki", Loki(records), ["10.1.1.1"])
        assert read.days("10.1.1.1") == every_day(date(2026, 11, 1), records=3)
        assert b"10.1x1.1" not in read.record


class TestVictoriaLogs:
    @pytest.mark.parametrize(
        ("flag", "days"), [("7d", "7"), ("30w", "210"), ("1y", "365"), ("6", "186"), ("4416h", "184"), ("?", None)]
    )
    def test_the_flag_is_the_retention(self, flag: str, days: str | None) -> None:
        """The default is seven days; a number alone is months."""
        read = read_store("victorialogs", VictoriaLogs(october(), retention=flag), ["fw1"])
        assert read.text("log.store.policy", "asset:store") == days

    @pytest.mark.parametrize(
        ("most", "free"), [("", "9000000"), ("1500kB", "9000000"), ("1500KB", "500000"), ("1MiB", "48576")]
    )
    def test_a_cap_on_disk_space_leaves_less_room(self, most: str, free: str) -> None:
        """The smaller of disk and cap is what may still be used; a size in another spelling is no cap."""
        read = read_store("victorialogs", VictoriaLogs(october(), max_disk=most), ["fw1"])
        assert read.text("log.store.free", "asset:store") == free
        assert read.text("log.store.used", "asset:store") == "1000000"

    def test_a_total_that_is_not_the_sum_is_partial(self) -> None:
        """Values that do not add up to the store's own total are not all."""
        read = read_store("victorialogs", VictoriaLogs(october(), lies=True), ["fw1"])
        assert read.text("log.search", "log:store/fw1") == "partial"

    def test_metrics_may_be_closed(self) -> None:
        """A store that keeps its metrics to itself still counts."""
        read = read_store("victorialogs", VictoriaLogs(october(), metrics=False), ["fw1"])
        assert read.days("fw1") == every_day(date(2026, 10, 1))
        assert read.text("log.store.policy", "asset:store") is None

    def test_a_tenant_is_account_and_project(self) -> None:
        """Tenants are two numbers in two headers."""
        place = LogStore(tenant="3:7")
        read = read_store("victorialogs", VictoriaLogs(october(), tenant=("3", "7")), ["fw1"], place=place)
        assert read.days("fw1") == every_day(date(2026, 10, 1))


class TestClickHouse:
    @pytest.mark.parametrize(
        ("engine", "days"),
        [
            ("MergeTree ORDER BY ts TTL ts + toIntervalDay(180) SETTINGS index_granularity = 8192", "180"),
            ("MergeTree ORDER BY ts TTL ts + INTERVAL 26 WEEK", "182"),
            ("MergeTree ORDER BY ts TTL ts + toIntervalMonth(6) SETTINGS x = 1", "186"),
            ("MergeTree ORDER BY ts TTL ts + toIntervalDay(30) TO VOLUME 'cold', ts + toIntervalYear(1)", "366"),
            ("MergeTree ORDER BY ts TTL ts + toIntervalDay(9) RECOMPRESS CODEC(ZSTD(9))", None),
            ("MergeTree ORDER BY ts", None),
        ],
    )
    def test_the_ttl_that_deletes_is_the_retention(self, engine: str, days: str | None) -> None:
        """A TTL that moves or recompresses deletes nothing."""
        read = read_store("clickhouse", ClickHouse(october(), engine=engine), ["fw1"])
        assert read.text("log.store.policy", "asset:store") == days

    def test_a_result_that_was_cut_is_partial(self) -> None:
        """Rows that the server dropped silently are missing from the sum of its own totals."""
        read = read_store("clickhouse", ClickHouse(october(), most_rows=20), ["fw1"])
        assert read.text("log.search", "log:store/fw1") == "partial"

    def test_an_exception_behind_a_good_status_is_malformed(self) -> None:
        """A reply that breaks off is no answer, whatever its status."""
        with pytest.raises(MalformedError, match="no JSON"):
            read_store("clickhouse", ClickHouse(october(), breaks_off=True), ["fw1"])

    def test_system_tables_may_be_closed(self) -> None:
        """An account that sees the table alone still counts."""
        read = read_store("clickhouse", ClickHouse(october(), denied=True), ["fw1"])
        assert read.days("fw1") == every_day(date(2026, 10, 1))
        assert read.text("log.store.free", "asset:store") is None

    def test_an_unknown_table_is_a_gap(self) -> None:
        """A table that does not exist is not an empty one."""
        with pytest.raises(GapError) as error:
            read_store(
                "clickhouse", ClickHouse(october()), ["fw1"], place=LogStore(where="logs.nothing", time_field="ts")
            )
        assert error.value.reason == "unsupported"


class TestGraylog:
    @pytest.mark.parametrize(
        ("strategies", "days"),
        [
            (time_based("P1D", 200), "200"),
            (time_based("P1W", 27), "189"),
            (time_based("P1M", 6), "186"),
            (time_based("PT12H", 10), "0"),
            ({"retention_strategy": {"type": "NoopRetentionStrategyConfig"}}, None),
            (
                {
                    "use_legacy_rotation": False,
                    "data_tiering": {"type": "hot_only", "index_lifetime_min": "P30D", "index_lifetime_max": "P40D"},
                },
                "40",
            ),
        ],
    )
    def test_index_sets_tell_the_retention(self, strategies: dict[str, Any], days: str | None) -> None:
        """Indices times period, or the lifetime of an index; Graylog's own events do not count."""
        read = read_store("graylog", Graylog(october(), strategies=strategies), ["fw1"])
        assert read.text("log.store.policy", "asset:store") == days
        assert read.text("log.store.used", "asset:store") == "1000000"

    def test_a_day_that_failed_makes_the_search_partial(self) -> None:
        """An error inside a reply of status 200 is not a day without log."""
        read = read_store("graylog", Graylog(october(), broken_days=frozenset({"20261105"})), ["fw1"])
        assert read.text("log.search", "log:store/fw1") == "partial"

    def test_ranges_that_begin_in_1970_are_not_asked_for(self) -> None:
        """The range of an active index is no evidence; only counts are."""
        read = read_store("graylog", Graylog(october()), ["fw1"])
        assert not any("ranges" in asked.path for asked in read.asked)
        assert read.text("log.first", "log:store/fw1") is None

    def test_a_stream_is_counted_alone(self) -> None:
        """Records of another stream do not count."""
        mine, other = "5ea81cb42ab79c00129dbe58", "5ea81cb42ab79c00129dbe59"
        store = Graylog(october(), stream=mine)
        assert read_store("graylog", store, ["fw1"], place=LogStore(where=mine)).days("fw1")
        assert read_store("graylog", store, ["fw1"], place=LogStore(where=other)).days("fw1") == {}

    def test_index_sets_may_be_closed(self) -> None:
        """An account that may search alone still counts."""
        read = read_store("graylog", Graylog(october(), sets_visible=False), ["fw1"])
        assert read.days("fw1") == every_day(date(2026, 10, 1))


HOSTILE = ['x"}]]}', "a') OR 1=1 --", "{} | line_format", "a|b", "../_all", "a\nb", "*", "`id`"]


@pytest.mark.parametrize("kind", KINDS)
class TestNamesOfTheCampusFile:
    @pytest.mark.parametrize("name", HOSTILE)
    def test_no_name_changes_what_is_asked(self, kind: str, name: str) -> None:
        """A name that would leave the form of a count is counted as a name, or refused before anything is counted."""
        store = KINDS[kind](october())
        try:
            read = read_store(kind, store, [name])
        except GapError as gap:
            assert gap.reason == "unsupported"  # noqa: PT017 - either way is right
        else:
            assert read.days(id_of(name)) == {}

    def test_places_of_another_form_are_refused(self, kind: str) -> None:
        """A pipeline, a path or a statement in the place of an index, selector, stream, filter or table is refused."""
        place = LogStore(where='{job="x"} | json /../_search; DROP')
        with pytest.raises(GapError) as error:
            read_store(kind, KINDS[kind](october()), ["fw1"], place=place)
        assert error.value.reason == "unsupported"


BODIES = [
    ("elasticsearch", "POST", "/logs-*/_search", '{"size":10}'),
    ("elasticsearch", "GET", "/logs-*/_search?size=0", ""),
    ("elasticsearch", "GET", "/_cat/indices", ""),
    ("elasticsearch", "DELETE", "/logs-1", ""),
    ("loki", "GET", "/loki/api/v1/query_range?query=%7Bjob%3D%22syslog%22%7D&start=1&end=2&step=86400", ""),
    ("loki", "GET", "/loki/api/v1/query_range?query=sum%20by%20%28m%29%20%28count_over_time%28%7Bjob%3D%22syslog%22%7D%20%7C%20regexp%20%22%28%3FP%3Cm%3E.%2A%29%22%5B1d%5D%29%29&start=1&end=2&step=86400", ""),  # noqa: E501 - one path
    ("loki", "GET", "/config", ""),
    ("loki", "GET", "/loki/api/v1/tail?query=%7B%7D", ""),
    ("victorialogs", "GET", "/select/logsql/query?query=%2A", ""),
    ("victorialogs", "GET", "/select/logsql/hits?query=%2A&start=1&end=2&step=8h&field=_msg", ""),
    ("victorialogs", "GET", "/select/logsql/hits?query=%2A&start=1&end=2&step=8h&field=hostname&field=_msg", ""),
    ("victorialogs", "GET", "/select/logsql/hits?query=%2A%20%7C%20extract%20x&start=1&end=2&step=8h&field=x", ""),
    ("graylog", "POST", "/api/views/search/sync?timeout=60000", '{"queries":[{"search_types":[{"type":"messages"}]}]}'),
    ("graylog", "GET", "/api/search/messages?fields=message", ""),
    ("graylog", "POST", "/api/system/indices/ranges/rebuild", ""),
    ("clickhouse", "GET", "/?query=SELECT%20message%20FROM%20logs.syslog%20FORMAT%20JSONCompact", ""),
    ("clickhouse", "POST", "/?query=SELECT%20version%28%29%20FORMAT%20JSONCompact", ""),
    ("clickhouse", "GET", "/?query=SELECT%20version%28%29%20FORMAT%20JSONCompact&password=x", ""),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "method", "path", "body"), BODIES)
def test_what_returns_lines_is_not_on_the_list(kind: str, method: str, path: str, body: str) -> None:
    """No family allows a request that could return a line, a part of one, or change anything."""
    profile = FAMILIES[kind].http
    assert profile is not None
    assert not any(
        each.method == method
        and re.fullmatch(each.path, path)
        and (not each.body or re.fullmatch(each.body, body, re.DOTALL))
        for each in profile.allow
    )


REPLIES = st.one_of(
    st.sampled_from([b"", b"{}", b"[]", b"null", b"<html>busy</html>", b'{"a":1e999999999}', b"[" * 5000, b"\xff\xfe"]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "version",
                        "data",
                        "result",
                        "hits",
                        "values",
                        "value",
                        "metric",
                        "aggregations",
                        "s0",
                        "days",
                        "buckets",
                        "results",
                        "rows",
                        "fields",
                        "d20261101",
                        "search_types",
                        "n",
                        "key",
                        "_shards",
                        "total",
                        "index_sets",
                        "stats",
                        "limits",
                        "totals",
                        "timestamps",
                        "status",
                        "resultType",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    ).map(lambda value: json.dumps(value).encode()),
)


@pytest.mark.parametrize("kind", KINDS)
@given(
    bodies=st.lists(REPLIES, min_size=1, max_size=4), status=st.sampled_from([200, 200, 200, 400, 403, 404, 500, 503])
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_reply_breaks_a_reader(kind: str, bodies: list[bytes], status: int) -> None:
    """Whatever a store answers, it is counts, a gap or malformed, and never another error."""
    session = Answering(bodies, status)
    asset = Asset(id="store", family=kind, address="192.0.2.1", logs=PLACES[kind])
    try:
        store = asyncio.run(READERS[kind](asset, campus_of(["fw1"]), session))
        readings(asset, store)
    except (GapError, MalformedError):
        return
