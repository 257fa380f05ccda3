"""A session over real probes that keeps its record, and one that answers probes as a test says."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from agent.canonical import digest
from agent.clock import SystemClock
from agent.collectors import measure
from agent.model.campus import Campus, Platform, School
from agent.model.evidence import SegmentHeader
from agent.model.exchange import Answer
from agent.packs.load import config_directory, load_metrics
from agent.sessions.live import LiveSession
from agent.sessions.redact import Redactor
from agent.sessions.replay import ReplaySession
from agent.sessions.segment import parse_segment, segment_bytes
from agent.transports.net import NetTransport

if TYPE_CHECKING:
    from agent.errors import GapError
    from agent.model.asset import Asset
    from agent.model.exchange import Exchange, Request, Response
    from agent.model.reading import Reading

METRICS = load_metrics(config_directory())


def campus(asset: Asset, url: str = "") -> Campus:
    """A campus of one asset, which is asked for a platform with this page."""
    platforms = (Platform(id="p", kind="national", url=url, assets=(asset.id,)),) if url else ()
    return Campus(version="1", school=School(id="s", name="s"), assets=(asset,), platforms=platforms)


def live(asset: Asset, collector: str, url: str = "") -> tuple[list[Reading], bytes]:
    """Ask for real; the readings are those that a replay of the record gives, and all fit their metrics."""

    async def run() -> tuple[list[Reading], bytes]:
        kept: list[Exchange] = []
        transport = NetTransport(asset.address)
        try:
            session = LiveSession(transport, Redactor(b"k" * 16), kept.append, SystemClock(), 60)
            readings = await measure(asset, campus(asset, url), (collector,), session)
        finally:
            await transport.close()
        header = SegmentHeader(run="r", asset=asset, collectors=(collector,))
        record = segment_bytes(header, [exchange.to_bytes() for exchange in kept])
        replay = ReplaySession(parse_segment(record).exchanges, where="record")
        assert await measure(asset, campus(asset, url), (collector,), replay) == readings
        replay.finish()
        return readings, record

    readings, record = asyncio.run(run())
    fit(readings)
    return readings, record


class Scripted:
    """Answers requests in order, and remembers them."""

    def __init__(self, *answers: Response | GapError) -> None:
        self.answers = list(answers)
        self.asked: list[Request] = []

    async def ask(self, request: Request) -> Answer:
        """Answer the next one."""
        self.asked.append(request)
        told = self.answers.pop(0)
        at = f"2026-11-20T02:00:{len(self.asked):02d}.000Z"
        source = digest(str(len(self.asked)).encode())
        if isinstance(told, Exception):
            told.source, told.at = source, at
            raise told
        return Answer(response=told, at=at, source=source)


def scripted(
    asset: Asset, collector: str, *answers: Response | GapError, url: str = ""
) -> tuple[list[Reading], Scripted]:
    """Run the collector over answers; all of them must be asked for."""
    session = Scripted(*answers)
    readings = asyncio.run(measure(asset, campus(asset, url), (collector,), session))
    assert not session.answers
    fit(readings)
    return readings, session


def fit(readings: list[Reading]) -> None:
    """Check every reading against its metric."""
    for reading in readings:
        metric = METRICS[reading.metric]
        assert metric.unit == reading.unit, reading
        assert not metric.states or reading.value in metric.states, reading
        assert reading.sources


def values(readings: list[Reading]) -> dict[tuple[str, str], str]:
    """Value by metric and subject; each pair at most once."""
    found = {(reading.metric, reading.subject): reading.value for reading in readings}
    assert len(found) == len(readings)
    return found
