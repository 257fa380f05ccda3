"""Real rsyslog and logrotate: what they write is counted, and canaries that went through them are found again."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from agent.collectors import measure
from agent.errors import GapError
from agent.model.asset import Asset
from agent.model.campus import Campus, School
from agent.model.canary import CanarySend
from agent.model.evidence import SegmentHeader
from agent.model.exchange import Exchange, HostFacts
from agent.model.logs import LogSource, LogStore, StoredLog, parse_days
from agent.runtime.canary import CanaryTransport
from agent.sessions.live import LiveSession
from agent.sessions.redact import Redactor
from agent.sessions.replay import ReplaySession
from agent.sessions.segment import parse_segment, segment_bytes
from agent.transports.syslog import CanaryMemory, SyslogTransport, nonce_of
from tests.collectors.network import must_fit_the_metrics
from tests.peers import syslogd
from tests.transports.files.trees import count, days_of

if TYPE_CHECKING:
    from pathlib import Path

    from agent.model.reading import Reading

pytestmark = pytest.mark.skipif(bool(syslogd.missing()), reason=syslogd.missing() or "rsyslog is here")

KEY = bytes(range(32))
YEAR = date.today().year  # noqa: DTZ011 (rsyslog itself gives this year to times without one)


class SetClock:
    """A clock that shows what it is set to."""

    def __init__(self, day: date) -> None:
        self.day = day
        self.ns = 0

    def now(self) -> datetime:
        return datetime(self.day.year, self.day.month, self.day.day, 3, tzinfo=UTC)

    def monotonic_ns(self) -> int:
        self.ns += 1_000_000
        return self.ns


@pytest.mark.parametrize(
    ("rules", "template"),
    [
        (syslogd.PER_HOST, "RSYSLOG_TraditionalFileFormat"),
        (syslogd.ONE_FILE, "RSYSLOG_TraditionalFileFormat"),
        (syslogd.PER_HOST, "RSYSLOG_FileFormat"),
        (syslogd.ONE_FILE, "RSYSLOG_FileFormat"),
        (syslogd.ONE_FILE, "RSYSLOG_SyslogProtocol23Format"),
    ],
)
def test_what_rsyslog_writes_is_counted(tmp_path: Path, rules: str, template: str) -> None:
    """Messages of two switches in both of syslog's forms, rotated in between; none is missing, none is double."""
    today = datetime.now(UTC).astimezone().date()
    days = [today - timedelta(days=n) for n in (2, 1)]
    with syslogd.running(tmp_path, rules, template) as daemon:
        for n, day in enumerate(days, 1):
            daemon.send(
                [f"<189>{day:%b} {day.day:2d} {hour:02d}:00:00 sw1 ifnet: port {hour} up" for hour in range(12)]
                + [f"<189>1 {day}T{hour:02d}:30:00+08:00 fw1 session 7 ID - opened" for hour in range(12)]
            )
            syslogd.wait_for(lambda: daemon.lines() == 24)
            daemon.rotate("rotate 9\ncompress\ndateext\ndateformat -%Y%m%d-" + str(n))
        found = count(daemon.logs, "sw1", "fw1")
    assert days_of(found, "sw1") == {day.isoformat(): 12 for day in days}
    assert days_of(found, "fw1") == {day.isoformat(): 12 for day in days}
    assert (found.files, found.unreadable, found.undated, found.others) == (
        4 if rules == syslogd.PER_HOST else 2,
        0,
        "0",
        0,
    )
    assert {one.yearless for one in found.sources} == {"0"}


def campus_of(daemon: syslogd.Syslogd, protocol: str) -> tuple[Campus, Asset]:
    store = Asset(id="store", family="log-files", address="127.0.0.1", logs=LogStore(where=str(daemon.logs)))
    canary = Asset(
        id="canary",
        family="syslog-canary",
        address="127.0.0.1",
        port=daemon.port,
        logs=LogStore.from_json({"canary_of": "store", "protocol": protocol}),
    )
    sources = tuple(
        LogSource(id=name, kind="system", stored=(StoredLog(store="store", name=name),)) for name in ("sw1", "fw1")
    )
    school = School(id="s", name="s")
    return Campus(version="1", school=school, assets=(store, canary), log_sources=sources), canary


def ask(campus: Campus, asset: Asset, transport: CanaryTransport, clock: SetClock) -> tuple[list[Reading], bytes]:
    """Run the canary collector; return its readings and the record."""
    lines: list[bytes] = []

    def keep(exchange: Exchange) -> None:
        lines.append(exchange.to_bytes())

    async def once() -> list[Reading]:
        try:
            return await measure(asset, campus, ["canary"], LiveSession(transport, Redactor(KEY), keep, clock, 60))
        finally:
            await transport.close()

    readings = asyncio.run(once())
    header = SegmentHeader(run="r", asset=asset, collectors=("canary",), campus=campus)
    return readings, segment_bytes(header, lines)


def values(readings: list[Reading], metric: str) -> dict[str, str]:
    return {one.subject: one.value for one in readings if one.metric == metric}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "state").mkdir()
    (tmp_path / "daemon").mkdir()
    return tmp_path


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_a_canary_is_sent_rotated_and_found_again(home: Path, protocol: str) -> None:
    """Five days, a rotation in the middle, one day's file lost: the oldest that is there, and the one that is missing.

    The store packs and renames; what proves a canary is its nonce, which is not in the record.
    """
    begun = date(YEAR, 6, 1)
    with syslogd.running(home / "daemon", syslogd.ONE_FILE, "RSYSLOG_FileFormat") as daemon:
        campus, asset = campus_of(daemon, protocol)
        clock = SetClock(begun)
        readings: list[Reading] = []
        record = b""
        for n in range(5):
            clock.day = begun + timedelta(days=n)
            readings, record = ask(campus, asset, CanaryTransport(asset, KEY, home / "state", clock), clock)
            syslogd.wait_for(lambda: daemon.lines() == 2)
            daemon.rotate(f"rotate 9\ncompress\ndateext\ndateformat -day{n}")
        (daemon.logs / "all.log-day2.gz").unlink()
        clock.day = begun + timedelta(days=5)
        readings, record = ask(campus, asset, CanaryTransport(asset, KEY, home / "state", clock), clock)
    for source in ("sw1", "fw1"):
        subject = f"log:store/{source}"
        assert values(readings, "canary.sent")[subject] == clock.day.isoformat()
        assert values(readings, "canary.found_age")[subject] == "5"
        assert values(readings, "canary.missing")[subject] == "1"
        there = set(parse_days(values(readings, "canary.days")[subject])) - {clock.day.isoformat()}
        assert there == {(begun + timedelta(days=n)).isoformat() for n in (0, 1, 3, 4)}
    must_fit_the_metrics(readings)
    assert nonce_of(KEY, "store", "sw1", begun.isoformat()) not in record
    segment = parse_segment(record)
    session = ReplaySession(segment.exchanges)
    again = asyncio.run(measure(asset, campus, ["canary"], session))
    session.finish()
    assert [one.to_bytes() for one in again] == [one.to_bytes() for one in readings]


def test_a_canary_of_another_key_proves_nothing(home: Path) -> None:
    """Lines that only look like canaries, or that another campus sent, are not found."""
    day = date(YEAR, 6, 1)
    with syslogd.running(home / "daemon", syslogd.PER_HOST, "RSYSLOG_TraditionalFileFormat") as daemon:
        campus, asset = campus_of(daemon, "tcp")
        for n, key in enumerate((KEY, b"another key of thirty-two octets")):
            clock = SetClock(day + timedelta(days=n))
            ask(campus, asset, CanaryTransport(asset, key, home / f"state{n}", clock), clock)
        clock = SetClock(day + timedelta(days=2))
        text = (
            f"<190>1 {day}T00:00:00Z campus-canary campus-agent - canary - canary day={day} source=sw1 nonce={'0' * 32}"
        )
        daemon.send([text])
        syslogd.wait_for(lambda: daemon.lines() == 5)
        readings, _ = ask(campus, asset, CanaryTransport(asset, KEY, home / "state2", clock), clock)
    found = parse_days(values(readings, "canary.days")["log:store/sw1"])
    assert set(found) - {clock.day.isoformat()} == {day.isoformat()}


def test_a_store_that_is_gone_loses_its_canaries(home: Path) -> None:
    """Nothing is there although it was sent: missing, and no age."""
    day = date(YEAR, 6, 1)
    with syslogd.running(home / "daemon", syslogd.ONE_FILE, "RSYSLOG_FileFormat") as daemon:
        campus, asset = campus_of(daemon, "tcp")
        readings: list[Reading] = []
        for n in range(3):
            clock = SetClock(day + timedelta(days=n))
            readings, _ = ask(campus, asset, CanaryTransport(asset, KEY, home / "state", clock), clock)
            syslogd.wait_for(lambda: daemon.lines() == 2)
            daemon.rotate("rotate 0")
    assert values(readings, "canary.found_age") == {}
    assert values(readings, "canary.missing") == {"log:store/sw1": "2", "log:store/fw1": "2"}


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_nobody_who_listens_is_a_gap(home: Path, protocol: str) -> None:
    """A collector that is down is told by the operating system, over UDP too."""
    port = syslogd.free_port()
    memory = CanaryMemory(home / "canaries.txt")
    transport = SyslogTransport("127.0.0.1", port, KEY, memory, SetClock(date(YEAR, 6, 1)))
    sources = tuple(f"s{n}" for n in range(50))
    request = CanarySend.from_json(
        {"store": "store", "sources": list(sources), "protocol": protocol, "timezone": "Asia/Shanghai"}
    )
    with pytest.raises(GapError, match="takes no syslog") as caught:
        asyncio.run(transport.exchange(request))
    assert caught.value.reason == "unreachable"
    assert memory.days("store") == {}


def test_days_are_remembered_for_thirteen_months_and_a_spoilt_file_is_no_trouble(home: Path) -> None:
    """What cannot be read is forgotten; of another store nothing is told."""
    memory = CanaryMemory(home / "deep" / "canaries.txt")
    for day in (date(2025, 1, 1), date(2026, 5, 1), date(2026, 5, 2)):
        memory.add("store", ("sw1",), day)
    memory.add("other", ("sw1",), date(2026, 5, 2))
    assert memory.days("store") == {"sw1": ["2026-05-01", "2026-05-02"]}
    memory.path.write_bytes(b"2026-05-03 store sw1\n\xff\xfe\nnonsense\n2026-05-04 store")
    assert memory.days("store") == {"sw1": ["2026-05-03"]}
    memory.path.unlink()
    assert memory.days("store") == {}


def test_other_requests_are_not_for_a_canary(home: Path) -> None:
    """Another collector on this asset is refused by name."""
    transport = SyslogTransport("127.0.0.1", 1, KEY, CanaryMemory(home / "c"), SetClock(date(YEAR, 6, 1)))
    with pytest.raises(GapError, match=r"host\.facts"):
        asyncio.run(transport.exchange(HostFacts()))
