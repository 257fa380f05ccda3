"""A log store of the lab, read over real HTTP through live session, redaction and replay."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from agent.clock import time_text
from agent.collectors.logs import clickhouse, elasticsearch, graylog, loki, victorialogs
from agent.collectors.logs.interface import readings
from agent.lab.stores import serving
from agent.model.asset import Asset
from agent.model.campus import Campus, School
from agent.model.cli import escaped
from agent.model.evidence import SegmentHeader
from agent.model.exchange import Answer, HttpReply, Request
from agent.model.logs import LogSource, LogStore, StoredLog, parse_days
from agent.packs.load import config_directory, load_families
from agent.sessions.live import LiveSession
from agent.sessions.redact import Redactor
from agent.sessions.replay import ReplaySession
from agent.sessions.segment import parse_segment, segment_bytes
from agent.transports.http import HttpLogin, HttpTransport

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.collectors.logs.interface import Reader
    from agent.lab.stores.server import Asked, FakeStore
    from agent.model.reading import Reading

READERS: dict[str, Reader] = {
    "elasticsearch": elasticsearch.read,
    "loki": loki.read,
    "graylog": graylog.read,
    "victorialogs": victorialogs.read,
    "clickhouse": clickhouse.read,
}
FAMILIES = load_families(config_directory())
NOW = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)
TODAY = date(2026, 11, 22)
FIRST = date(2026, 4, 21)
"""The first day that a search of this morning reaches."""
PLACES = {
    "elasticsearch": LogStore(where="logs-*"),
    "loki": LogStore(where='{job="syslog"}'),
    "graylog": LogStore(),
    "victorialogs": LogStore(),
    "clickhouse": LogStore(where="logs.syslog", time_field="ts"),
}


class Morning:
    """A clock that stands at nine o'clock in China."""

    def now(self) -> datetime:
        return NOW

    def monotonic_ns(self) -> int:
        return 1


@dataclass
class Read:
    """What came of reading a store."""

    readings: list[Reading]
    asked: list[Asked]
    record: bytes

    def text(self, metric: str, subject: str) -> str | None:
        return next((r.value for r in self.readings if r.metric == metric and r.subject == subject), None)

    def days(self, source: str) -> dict[str, int] | None:
        text = self.text("log.days", f"log:store/{source}")
        return None if text is None else parse_days(text)


def id_of(name: str) -> str:
    """The id of a source."""
    return re.sub(r"[^a-z0-9.-]", "-", name.lower())


def campus_of(names: Sequence[str], *, where: str = "", timezone: str = "Asia/Shanghai") -> Campus:
    """A campus whose sources are stored under their names; ids are the names in lower case, without odd characters."""
    sources = tuple(
        LogSource(id=id_of(name), kind="system", stored=(StoredLog(store="store", name=name, where=where),))
        for name in names
    )
    return Campus(version="1", school=School(id="s", name="s"), timezone=timezone, log_sources=sources)


def read_store(
    kind: str,
    store: FakeStore,
    names: Sequence[str],
    *,
    place: LogStore | None = None,
    authorization: str = "",
    login: HttpLogin | None = None,
    timezone: str = "Asia/Shanghai",
    asked: list[Asked] | None = None,
) -> Read:
    """Read the store live, replay the record, and return the readings, which both must give alike.

    Args:
        asked: is given the requests, also of a reading that ends in a gap.
    """
    campus = campus_of(names, timezone=timezone)
    with serving(store, authorization=authorization) as served:
        asset = Asset(id="store", family=kind, address="127.0.0.1", port=served.port, logs=place or PLACES[kind])
        served.asked = asked if asked is not None else served.asked
        found, record = asyncio.run(_live(kind, asset, campus, served.port, login))
    segment = parse_segment(record)
    again = asyncio.run(_replayed(kind, asset, campus, ReplaySession(segment.exchanges, where="record")))
    assert [reading.to_bytes() for reading in again] == [reading.to_bytes() for reading in found]
    return Read(found, served.asked, record)


async def _live(
    kind: str, asset: Asset, campus: Campus, port: int, login: HttpLogin | None
) -> tuple[list[Reading], bytes]:
    profile = FAMILIES[kind].http
    assert profile is not None
    transport = HttpTransport("127.0.0.1", profile, login, port=port, scheme="http", basic=True)
    lines: list[bytes] = []
    secrets = (login.token.encode(), login.password.encode()) if login else ()
    redactor = Redactor(bytes(32), tuple(secret for secret in secrets if secret))
    try:
        session = LiveSession(transport, redactor, lambda exchange: lines.append(exchange.to_bytes()), Morning(), 600)
        store = await READERS[kind](asset, campus, session)
    finally:
        await transport.close()
    header = SegmentHeader(run="read", asset=asset, collectors=("logs",), campus=campus)
    return readings(asset, store), segment_bytes(header, lines)


async def _replayed(kind: str, asset: Asset, campus: Campus, session: ReplaySession) -> list[Reading]:
    store = await READERS[kind](asset, campus, session)
    session.finish()
    return readings(asset, store)


@dataclass
class Answering:
    """A session that answers everything with the next of some bodies, over and over."""

    bodies: list[bytes]
    status: int
    n: int = 0

    async def ask(self, request: Request) -> Answer:
        body = self.bodies[self.n % len(self.bodies)]
        self.n += 1
        reply = HttpReply(status=self.status, body=escaped(body), elapsed_ms=1)
        return Answer(reply, time_text(NOW), f"sha256:{self.n:064d}")


def every_day(
    first: date = FIRST, last: date = TODAY, *, but: Sequence[date] = (), records: int = 96
) -> dict[str, int]:
    """What `log.days` holds of a source that is steady but for some days."""
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return {day.isoformat(): records for day in days if day not in but}
