"""Segments of a run are made of the journal's lines: the same octets as in one go, and never a whole one in memory."""

from __future__ import annotations

import gzip
import random
import resource
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from agent import canonical
from agent.errors import JournalError
from agent.model.asset import Asset
from agent.model.evidence import EntryKind, SegmentHeader
from agent.model.exchange import Exchange, SnmpGet, VarBinds
from agent.runtime import segments
from agent.runtime.segments import keep_segment
from agent.runtime.wiring import open_agent
from agent.sessions import segment
from agent.sessions.segment import PLAIN_LIMIT, packed, segment_bytes
from tests.runtime.world import school

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.runtime.wiring import Agent

HEADER = SegmentHeader(
    run="r1", asset=Asset(id="nvr", family="generic-snmp", address="192.0.2.1"), collectors=("recorder",)
)


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    """Return an agent in whose journal a run has begun."""
    place = school(tmp_path, {"one": 1})
    opened = open_agent(place.campus, place.state)
    try:
        opened.state(EntryKind.RUN_START, opened.plan_files, run="r1", time=opened.times(opened.clock.now()))
        yield opened
    finally:
        opened.close()


def record(agent: Agent, count: int, octets: int) -> list[bytes]:
    """Record lines that hardly shrink when they are packed; return them."""
    dice, lines = random.Random(count), []
    for n in range(count):
        response = VarBinds(varbinds=(dice.randbytes(octets).hex(),))
        request = SnmpGet(oids=("1.3.6",))
        moment = "2026-11-22T01:02:03.004Z"
        lines.append(Exchange(n=n, at=moment, monotonic_ns="1", request=request, response=response).to_bytes())
        agent.journal.append_exchange("r1", "nvr", lines[-1])
    return lines


@pytest.mark.parametrize(("count", "octets"), [(1, 10), (40, 100), (40, 60_000)])
def test_a_segment_is_the_same_as_in_one_go(agent: Agent, count: int, octets: int) -> None:
    """Name, octets and digest are those of the whole segment packed at once, whether long or short."""
    lines = record(agent, count, octets)
    name, data = packed("raw/nvr.jsonl", segment_bytes(HEADER, lines))
    assert keep_segment(agent.journal, HEADER) == (name, canonical.digest(data))
    assert agent.journal.get_blob(canonical.digest(data)) == data
    assert name.endswith(".gz") == (count * octets * 2 > PLAIN_LIMIT)


def test_a_second_time_changes_nothing(agent: Agent) -> None:
    """A run that is ended again after a crash finds its segment where it was."""
    record(agent, 40, 60_000)
    name, digest = keep_segment(agent.journal, HEADER)
    assert keep_segment(agent.journal, HEADER) == (name, digest)
    assert agent.journal.check(deep=True).blobs == 2  # with the campus file


def test_memory_does_not_grow_with_the_record(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    """The peak of a segment five times as long is the same: what is held is bounded, not the record."""
    monkeypatch.setattr(segment, "PLAIN_LIMIT", 2**18)
    monkeypatch.setattr(segments, "HELD", 2**18)
    peaks, octets = [], 0
    for count in (60, 240):
        octets += sum(map(len, record(agent, count, 10_000)))
        tracemalloc.start()
        keep_segment(agent.journal, HEADER)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0] < octets / 2


def test_a_statement_names_what_is_kept_already(agent: Agent) -> None:
    """A file may be given by its digest: the statement names it as if it had been given whole."""
    record(agent, 40, 60_000)
    name, digest = keep_segment(agent.journal, HEADER)
    whole = agent.journal.get_blob(digest)
    ends = [
        agent.state(EntryKind.HEARTBEAT, {name: one}, time=agent.times(agent.clock.now())).payload
        for one in (digest, whole)
    ]
    subjects = [canonical.loads(payload)["subject"] for payload in ends]
    assert subjects[0] == subjects[1] == [{"name": name, "digest": {"sha256": canonical.hex_of(digest)}}]


@pytest.mark.parametrize("held", [1, segments.HELD])
def test_a_full_disk_is_told_and_the_lines_stay(agent: Agent, monkeypatch: pytest.MonkeyPatch, held: int) -> None:
    """Without room for the segment: one error that says so, no part of it is kept, and with room it goes on."""
    monkeypatch.setattr(segments, "HELD", held)
    lines = record(agent, 40, 60_000)
    whole = segment_bytes(HEADER, lines)
    agent.journal.space()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        with pytest.raises(JournalError, match=r"the disk is full or over quota .*make room on the file system"):
            keep_segment(agent.journal, HEADER)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(agent.journal.exchanges("r1", "nvr")) == lines
    assert agent.journal.check(deep=True).blobs == 1
    _, digest = keep_segment(agent.journal, HEADER)
    assert gzip.decompress(agent.journal.get_blob(digest)) == whole
