"""Canaries looked up in stores over HTTP: which are there, which are lost, and that only nonces are searched for."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from agent.collectors.logs import canary
from agent.errors import GapError
from agent.lab.stores import ClickHouse, Elasticsearch, Graylog, Loki, Records, VictoriaLogs, serving
from agent.model.asset import Asset
from agent.model.evidence import SegmentHeader
from agent.model.logs import LogStore, parse_days
from agent.runtime.canary import StoreTransport
from agent.sessions.live import LiveSession
from agent.sessions.redact import Redactor
from agent.sessions.replay import ReplaySession
from agent.sessions.segment import parse_segment, segment_bytes
from agent.transports.http import HttpTransport
from agent.transports.syslog import CanaryMemory, nonce_of
from tests.collectors.log_stores import FAMILIES, PLACES, TODAY, Morning, campus_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import date
    from pathlib import Path

    from agent.lab.stores.server import Asked, FakeStore
    from agent.model.campus import Campus
    from agent.model.exchange import Session
    from agent.model.reading import Reading

KINDS: dict[str, Callable[..., FakeStore]] = {
    "elasticsearch": Elasticsearch,
    "loki": Loki,
    "graylog": Graylog,
    "victorialogs": VictoriaLogs,
    "clickhouse": ClickHouse,
}
KEY = bytes(range(32))
HOUR_MS = 3_600_000
LOST = TODAY - timedelta(days=40)


class School:
    """A campus that sends canaries to a store of the lab, and what the store still has of them."""

    def __init__(self, state: Path, *, days: int = 200, sources: tuple[str, ...] = ("fw1", "sw1")) -> None:
        self.state = state
        self.records = Records()
        memory = CanaryMemory(state / "canaries.txt")
        sent_on = [(TODAY - timedelta(days=number)).isoformat() for number in range(days + 1)]
        memory.path.write_text("".join(f"{day} store {source}\n" for day in sent_on for source in sources))
        for source, sent in memory.days("store").items():
            for day in sent:
                self.records.canaries[nonce_of(KEY, "store", source, day).decode()] = self.at(day)
        self.sources = sources

    def at(self, day: str) -> int:
        """Return one o'clock of a day in China."""
        return self.records.midnight(type(TODAY).fromisoformat(day)) + HOUR_MS

    def lose(self, source: str, *days: date) -> None:
        """Take canaries away."""
        for day in days:
            del self.records.canaries[nonce_of(KEY, "store", source, day.isoformat()).decode()]


class Looked:
    """The readings of a lookup, what was asked, and the record."""

    def __init__(self, readings: list[Reading], asked: list[Asked], record: bytes) -> None:
        self.readings = readings
        self.asked = asked
        self.record = record

    def text(self, metric: str, source: str = "fw1") -> str | None:
        return next((r.value for r in self.readings if r.metric == metric and r.subject == f"log:store/{source}"), None)

    def days(self, source: str = "fw1") -> Collection[str]:
        text = self.text("canary.days", source)
        return () if text is None else parse_days(text)


def look(kind: str, school: School, *, canary_logs: LogStore | None = None, **store: Any) -> Looked:
    """Look the canaries up over real HTTP, replay the record, and return the readings, which both must give alike."""
    fake = KINDS[kind](school.records, **store)
    with serving(fake) as served:
        asset = Asset(id="store", family=kind, address="127.0.0.1", port=served.port, logs=PLACES[kind])
        sender = Asset(
            id="canary", family="syslog-canary", address="127.0.0.1", logs=canary_logs or LogStore(canary_of="store")
        )
        campus = campus_of(school.sources).model_copy(update={"assets": (asset, sender)})
        readings, record = asyncio.run(_live(kind, asset, campus, served.port, school.state))
    again = asyncio.run(_replayed(asset, campus, ReplaySession(parse_segment(record).exchanges, where="record")))
    assert [each.to_bytes() for each in again] == [each.to_bytes() for each in readings]
    return Looked(readings, served.asked, record)


async def _live(kind: str, asset: Asset, campus: Campus, port: int, state: Path) -> tuple[list[Reading], bytes]:
    profile = FAMILIES[kind].http
    assert profile is not None
    http = HttpTransport("127.0.0.1", profile, None, port=port, scheme="http", basic=True)
    transport = StoreTransport(http, KEY, state, Morning())
    lines: list[bytes] = []
    session = LiveSession(transport, Redactor(KEY), lambda exchange: lines.append(exchange.to_bytes()), Morning(), 600)
    try:
        found = await canary.collect(asset, campus, session)
    finally:
        await transport.close()
    header = SegmentHeader(run="read", asset=asset, collectors=("canary",), campus=campus)
    return found, segment_bytes(header, lines)


async def _replayed(asset: Asset, campus: Campus, session: ReplaySession) -> list[Reading]:
    found: list[Reading] = await canary.collect(asset, campus, session)
    session.finish()
    return found


async def _asked(asset: Asset, campus: Campus, session: Session) -> list[Reading]:
    return await canary.collect(asset, campus, session)


@pytest.mark.parametrize("kind", KINDS)
class TestEveryStore:
    def test_finds_what_is_there_and_misses_what_was_lost(self, kind: str, tmp_path: Path) -> None:
        """Two sources over two hundred days: each canary is found on its own day, and the lost one is missing."""
        school = School(tmp_path)
        school.lose("fw1", LOST)
        looked = look(kind, school)
        everything = {(TODAY - timedelta(days=number)).isoformat() for number in range(201)}
        assert set(looked.days("sw1")) == everything
        assert set(looked.days("fw1")) == everything - {LOST.isoformat()}
        assert looked.text("canary.found_age", "sw1") == "200"
        assert (looked.text("canary.missing", "sw1"), looked.text("canary.missing", "fw1")) == ("0", "1")

    def test_what_a_store_deleted_is_age_and_not_loss(self, kind: str, tmp_path: Path) -> None:
        """A store that keeps ninety days: the oldest canary says so, and those before it are not called lost."""
        school = School(tmp_path)
        school.records.delete_before(TODAY - timedelta(days=90))
        looked = look(kind, school)
        assert (looked.text("canary.found_age"), looked.text("canary.missing")) == ("90", "0")

    def test_a_store_that_has_none_lost_them_all(self, kind: str, tmp_path: Path) -> None:
        """Events that never arrive: no age, and every day but today's is missing."""
        school = School(tmp_path, days=5)
        school.records.canaries.clear()
        looked = look(kind, school)
        assert looked.text("canary.found_age") is None
        assert looked.text("canary.missing") == "5"
        assert looked.days() == {}

    def test_a_canary_of_another_campus_is_none_of_ours(self, kind: str, tmp_path: Path) -> None:
        """Events with the nonces of another key prove nothing."""
        school = School(tmp_path, days=3)
        day = (TODAY - timedelta(days=2)).isoformat()
        school.records.canaries = {nonce_of(bytes(32), "store", "fw1", day).decode(): school.at(day)}
        assert look(kind, school).days() == {}

    def test_the_newest_is_asked_first_and_in_few_requests(self, kind: str, tmp_path: Path) -> None:
        """Eight sources over seven months are asked for in requests of bounded length."""
        school = School(tmp_path, days=215, sources=tuple(f"sw{number}" for number in range(8)))
        looked = look(kind, school)
        assert {looked.text("canary.missing", source) for source in school.sources} == {"0"}
        assert max(sum(map(len, asked.query.values())) for asked in looked.asked) < 6000
        assert len(looked.asked) < 50

    def test_nothing_was_sent_and_nothing_is_asked(self, kind: str, tmp_path: Path) -> None:
        """A store that no canary was sent to is left in peace."""
        school = School(tmp_path, sources=("fw1",))
        (tmp_path / "canaries.txt").unlink()
        looked = look(kind, school)
        assert (looked.readings, looked.asked) == ([], [])

    def test_a_store_without_canary_is_not_asked_by_its_family(self, kind: str) -> None:
        """The family has the collector, and a campus without canary gives it nothing to do."""
        assert "canary" in FAMILIES[kind].collectors
        asset = Asset(id="store", family=kind, address="127.0.0.1", logs=PLACES[kind])
        campus = campus_of(["fw1"]).model_copy(update={"assets": (asset,)})
        assert asyncio.run(_asked(asset, campus, ReplaySession((), where="record"))) == []


@pytest.mark.parametrize("kind", ["loki", "victorialogs", "clickhouse"])
def test_a_relay_may_give_canaries_another_name(kind: str, tmp_path: Path) -> None:
    """A collector that writes the sender's address: the campus file says under which name they are."""
    school = School(tmp_path, days=10)
    school.records.canary_host = "10.1.2.3"
    assert look(kind, school).days() == {}
    named = LogStore(canary_of="store", canary_host="10.1.2.3")
    assert len(look(kind, school, canary_logs=named).days()) == 11


@pytest.mark.parametrize("hours", [721, 168, 24])
def test_loki_s_limit_of_query_length_is_kept(hours: int, tmp_path: Path) -> None:
    """A store that searches a week, or a day, at once is asked more often for the same canaries."""
    school = School(tmp_path, days=60)
    looked = look("loki", school, max_query_hours=hours)
    assert (looked.text("canary.found_age"), looked.text("canary.missing")) == ("60", "0")


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ("elasticsearch", {"failed_shards": 1}),
        ("elasticsearch", {"timed_out": True}),
        ("clickhouse", {"most_rows": 3}),
    ],
)
def test_an_answer_that_is_not_whole_calls_nothing_missing(kind: str, fault: dict[str, Any], tmp_path: Path) -> None:
    """A failed shard, a search out of time, a result that is cut: what is there is told, what is missing is not."""
    looked = look(kind, School(tmp_path, days=10), **fault)
    assert looked.days()
    assert looked.text("canary.missing") is None


def test_a_text_that_is_not_analysed_is_a_gap(tmp_path: Path) -> None:
    """In a keyword field no nonce is a word: unsupported, never "all canaries are lost"."""
    kinds = {"@timestamp": "date", "host.name": "keyword", "message": "keyword"}
    with pytest.raises(GapError) as error:
        look("elasticsearch", School(tmp_path, days=3), kinds=kinds)
    assert error.value.reason == "unsupported"
    assert "text_field" in str(error.value.todo)


def test_the_text_may_have_another_name(tmp_path: Path) -> None:
    """The campus file names the field with the text of a record."""
    kinds = {"@timestamp": "date", "host.name": "keyword", "log.original": "text"}
    named = LogStore(canary_of="store", text_field="log.original")
    looked = look("elasticsearch", School(tmp_path, days=3), canary_logs=named, kinds=kinds)
    assert looked.text("canary.missing") == "0"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["canary_host", "where", "text_field"])
def test_no_name_of_the_campus_file_leaves_the_form(kind: str, name: str, tmp_path: Path) -> None:
    """A name that would make another request of it is refused before the store is asked, or is not asked at all."""
    evil = LogStore(canary_of="store").model_copy(update={name: '"}) | line_format "{{.}}" #\'`'})
    try:
        looked = look(kind, School(tmp_path, days=2), canary_logs=evil)
    except GapError as error:
        assert error.reason == "unsupported"  # noqa: PT017 - either is right, by whether the store needs the name
    else:
        assert b"line_format" not in looked.record.split(b"\n", 1)[1]
