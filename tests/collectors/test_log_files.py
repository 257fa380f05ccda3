"""Logs in files as readings: what the campus file asks for, from files of this machine, live and from the record."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from agent.assess.derive import DERIVATIONS
from agent.assess.samples import Readings
from agent.clock import SystemClock, time_text
from agent.collectors import measure
from agent.model.asset import Asset
from agent.model.campus import Campus, School
from agent.model.evidence import SegmentHeader
from agent.model.exchange import Unasked
from agent.model.finding import Window
from agent.model.logs import LogSource, LogStore, StoredLog, parse_days
from agent.sessions.live import LiveSession
from agent.sessions.redact import Redactor
from agent.sessions.replay import ReplaySession
from agent.sessions.segment import parse_segment, segment_bytes
from agent.transports.files import FilesTransport
from tests.collectors.network import must_fit_the_metrics
from tests.runtime.world import agent
from tests.transports.files.trees import bsd, iso, write

if TYPE_CHECKING:
    from pathlib import Path

    from agent.model.exchange import Exchange
    from agent.model.reading import Reading

TODAY = SystemClock().now().date()


def campus_of(where: str, *sources: LogSource, family: str = "log-files") -> Campus:
    logs = LogStore(where=where) if where else None
    store = Asset(id="store", family=family, address="localhost", logs=logs)
    return Campus(version="1", school=School(id="s", name="s"), assets=(store,), log_sources=sources)


def source(name: str, *stored: StoredLog) -> LogSource:
    return LogSource(id=name, kind="system", stored=stored or (StoredLog(store="store", name=name),))


def read(campus: Campus, collector: str = "logs") -> tuple[list[Reading], bytes]:
    """Return the readings of the store, and the record; check that the record gives the same."""
    lines: list[bytes] = []

    def keep(exchange: Exchange) -> None:
        lines.append(exchange.to_bytes())

    async def once() -> list[Reading]:
        transport = FilesTransport()
        session = LiveSession(transport, Redactor(bytes(32)), keep, SystemClock(), 60)
        try:
            return await measure(campus.assets[0], campus, [collector], session)
        finally:
            await transport.close()

    readings = asyncio.run(once())
    header = SegmentHeader(run="r", asset=campus.assets[0], collectors=(collector,), campus=campus)
    record = segment_bytes(header, lines)
    replay = ReplaySession(parse_segment(record).exchanges)
    again = asyncio.run(measure(campus.assets[0], campus, [collector], replay))
    replay.finish()
    assert [one.to_bytes() for one in again] == [one.to_bytes() for one in readings]
    return readings, record


def values(readings: list[Reading], subject: str) -> dict[str, str]:
    return {one.metric: one.value for one in readings if one.subject == subject}


def test_each_source_has_its_days(tmp_path: Path) -> None:
    """Two sources in two directories of one store, one of them under two names; the store's own facts beside them."""
    write(tmp_path / "net" / "all.log", iso(TODAY, "sw1") + iso(TODAY, "10.0.0.1", 4) + iso(TODAY, "else"), TODAY)
    write(tmp_path / "apps" / "radius.log", iso(TODAY, "radius", 5), TODAY)
    campus = campus_of(
        str(tmp_path / "net"),
        source("sw1", StoredLog(store="store", name="sw1"), StoredLog(store="store", name="10.0.0.1")),
        source("aaa", StoredLog(store="store", name="radius", where=str(tmp_path / "apps"))),
        source("elsewhere", StoredLog(store="other", name="x")),
    )
    readings, record = read(campus)
    must_fit_the_metrics(readings)
    sw1, aaa = values(readings, "log:store/sw1"), values(readings, "log:store/aaa")
    assert parse_days(sw1["log.days"]) == {TODAY.isoformat(): 7}
    assert parse_days(aaa["log.days"]) == {TODAY.isoformat(): 5}
    assert (sw1["log.search"], sw1["log.undated"], sw1["log.unreadable"]) == ("complete", "0", "0")
    assert sw1["log.searched"].startswith("../")
    assert ("log.octets" in sw1, aaa["log.octets"]) == (False, str(len(iso(TODAY, "radius", 5))))
    store = values(readings, "asset:store")
    assert store["log.store.others"] == "1"
    assert int(store["log.store.used"]) == sum(path.stat().st_size for path in tmp_path.rglob("*.log"))
    assert {one.grade for one in readings} == {"measured"}
    assert not values(readings, "log:store/elsewhere")
    assert b"else" not in record.replace(b"elsewhere", b"")


def test_a_source_that_is_not_there_has_no_days(tmp_path: Path) -> None:
    """Searched completely and found nothing, which is not the same as not searched."""
    write(tmp_path / "sw1.log", iso(TODAY, "sw1"), TODAY)
    found = values(read(campus_of(str(tmp_path), source("fw1")))[0], "log:store/fw1")
    assert (found["log.search"], found["log.days"]) == ("complete", "")
    assert "log.first" not in found


def test_damage_makes_a_search_partial(tmp_path: Path) -> None:
    """Files that may hold a source's records and cannot be read leave its count open."""
    write(tmp_path / "sw1.log", bsd(TODAY, "sw1"), TODAY)
    (tmp_path / "sw1.log.1.gz").write_bytes(b"\x1f\x8b no gzip")
    found = values(read(campus_of(str(tmp_path), source("sw1")))[0], "log:store/sw1")
    assert (found["log.search"], found["log.unreadable"]) == ("partial", "1")


@pytest.mark.parametrize(("where", "state"), [("/nowhere/logs", "unreachable"), ("", "unsupported")])
def test_a_store_without_its_directory_is_a_reading(where: str, state: str) -> None:
    """The directory is gone, or the campus file names none: either is recorded, with what to do about it."""
    readings, record = read(campus_of(where, source("sw1")))
    assert [one.value for one in readings] == [state]
    (kept,) = parse_segment(record).exchanges
    assert kept.exchange.gap is not None
    assert "logs.where of this asset" in kept.exchange.gap.detail
    assert isinstance(kept.exchange.request, Unasked) == (not where)


def test_six_months_of_files_are_six_months(tmp_path: Path) -> None:
    """From files to the figure of the clause: 190 days of a daily rotation, and the same with one day lost."""
    for n in range(190):
        day = TODAY - timedelta(days=n)
        name = f"messages-{day + timedelta(days=1):%Y%m%d}.gz" if n else "messages"
        write(tmp_path / "sw1" / name, bsd(day, "sw1", 20), TODAY)
        if n != 77:
            write(tmp_path / "fw1" / name, bsd(day, "fw1", 20), TODAY)
    campus = campus_of(str(tmp_path), source("sw1"), source("fw1"))
    readings, _ = read(campus)
    until = SystemClock().now() + timedelta(minutes=1)
    window = Window(since=time_text(until - timedelta(days=1)), until=time_text(until))
    derived = DERIVATIONS["logs"](Readings(readings), campus, window, {})
    figures = {(one.metric, one.subject): one.value for one in derived.readings}
    assert figures["logs.retention", "system-log:sw1"] == "6"
    assert figures["logs.retention", "system-log:fw1"] == "2"
    assert figures["logs.gap", "system-log:sw1"] == "0"
    assert figures["logs.gap", "system-log:fw1"] == "1"
    assert not derived.open


def test_reading_files_from_the_command_line(tmp_path: Path) -> None:
    """`read logs+file://` prints readings, keeps the record, and `--replay` prints the same octets."""
    write(tmp_path / "logs" / "sw 1" / "messages.xz", iso(TODAY, "sw1"), TODAY)
    record = tmp_path / "record.jsonl"
    live = agent("read", f"logs+file://{tmp_path}/logs?source=sw%201", "--record", record, "--json")
    assert (live.code, live.err) == (0, "")
    said = {one["metric"]: one["value"] for one in map(json.loads, live.out.splitlines())}
    assert said["log.days"] == f"{TODAY}:3"
    assert agent("read", "--replay", record, "--json").out == live.out


def test_a_campus_file_may_ask_for_a_canary_and_nobody_sends_one_unasked() -> None:
    """A canary that names no store, or a store without sources, sends nothing."""
    canary = Asset(id="canary", family="syslog-canary", address="localhost", logs=LogStore(canary_of="store"))
    campus = campus_of("/nowhere").model_copy(update={"assets": (canary, *campus_of("/nowhere").assets)})
    assert read(campus, "canary")[0] == []
    nameless = canary.model_copy(update={"logs": None})
    readings, record = read(campus.model_copy(update={"assets": (nameless,)}), "canary")
    assert [one.value for one in readings] == ["unsupported"]
    assert all(isinstance(kept.exchange.request, Unasked) for kept in parse_segment(record).exchanges)
