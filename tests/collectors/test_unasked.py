"""A collector that ends before its first request: its silence has a time, a reason and an exchange to cite."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.assess.samples import Readings
from agent.assess.silence import gap
from agent.clock import SystemClock
from agent.collectors import measure
from agent.lab.snmp.recording import read
from agent.model.asset import Asset
from agent.model.campus import Campus, School
from agent.model.evidence import SegmentHeader
from agent.model.exchange import Exchange, GapReason, Unasked
from agent.model.finding import Reason
from agent.model.logs import LogStore
from agent.packs.load import config_directory, load_families
from agent.runtime.credentials import Credential
from agent.runtime.opening import open_transport
from agent.sessions.live import LiveSession
from agent.sessions.redact import Redactor
from agent.sessions.segment import parse_segment, segment_bytes
from agent.verify.recompute import replay_segment
from tests.collectors.recorded import ASSET, RecordingTransport, campus

if TYPE_CHECKING:
    from agent.errors import GapError

RECORDING = Path(__file__).parents[1] / "recordings" / "links-core.snmprec"
CANARY = Asset(id="canary1", family="syslog-canary", address="192.0.2.40")
LOKI = Asset(id="loki1", family="loki", address="192.0.2.1", logs=LogStore(source_field="host-name"))


@pytest.mark.parametrize(
    ("asset", "collector", "why", "todo"),
    [
        (LOKI, "logs", "logs.source_field 'host-name' cannot be asked for", "host for example could be asked for"),
        (CANARY, "canary", "whose canary this is", "logs.canary_of"),
    ],
    ids=["loki", "canary"],
)
def test_a_wrong_campus_file_is_a_recorded_silence(asset: Asset, collector: str, why: str, todo: str) -> None:
    """Nothing is sent; the reading cites an exchange that says why, and a reviewer recomputes it from the record."""
    kept: list[Exchange] = []
    said: list[GapError] = []
    place = Campus(version="1", school=School(id="s", name="s"), assets=(asset,))

    async def live() -> list[str]:
        family = load_families(config_directory())[asset.family]
        transport = None if family.transport == "syslog" else open_transport(asset, family, Credential())
        session = LiveSession(
            transport or RecordingTransport(read(RECORDING)), Redactor(bytes(32)), kept.append, SystemClock(), 30
        )
        readings = await measure(asset, place, (collector,), session, said.append)
        if transport is not None:
            await transport.close()
        assert [(one.metric, one.subject, one.value) for one in readings] == [
            ("collector.answer", f"{collector}:{asset.id}", "unsupported")
        ]
        assert readings[0].sources == (kept[0].digest(),)
        assert gap(Readings(readings), collector, asset.id) is Reason.UNSUPPORTED
        return [one.to_bytes().decode() for one in readings]

    readings = asyncio.run(live())
    (exchange,) = kept
    assert isinstance(exchange.request, Unasked)
    assert exchange.gap is not None
    assert exchange.gap.reason is GapReason.UNSUPPORTED
    assert why in exchange.gap.detail
    assert todo in exchange.gap.detail
    assert [str(one) for one in said] == [exchange.gap.detail]
    assert "{why}" not in {one.what for one in said}, "people are told in their language: not by the record's words"
    header = SegmentHeader(run="r", asset=asset, collectors=(collector,))
    segment = parse_segment(segment_bytes(header, [exchange.to_bytes()]))
    assert [one.to_bytes().decode() for one in replay_segment(segment, place, where="record")] == readings


def test_what_a_collector_makes_of_a_good_answer_is_told() -> None:
    """A switch is no UPS: all answers are as they should be, so only the collector can say why and what to do."""
    kept: list[Exchange] = []
    said: list[GapError] = []

    async def live() -> list[str]:
        session = LiveSession(RecordingTransport(read(RECORDING)), Redactor(bytes(32)), kept.append, SystemClock(), 30)
        readings = await measure(ASSET, campus(), ("ups",), session, said.append)
        return [one.value for one in readings if one.metric == "collector.answer"]

    assert asyncio.run(live()) == ["unsupported"]
    assert not any(isinstance(one.request, Unasked) for one in kept)
    (told,) = said
    assert told.reason == "unsupported"
    assert str(told).startswith("sw1: ")
    assert ". " in str(told)
