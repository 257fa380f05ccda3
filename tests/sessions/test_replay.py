"""The replay session: it answers what was recorded, in order, and nothing else."""

from __future__ import annotations

import asyncio
import io

import pytest

from agent.collectors import measure
from agent.errors import GapError, ReplayError
from agent.model.campus import Campus, School
from agent.model.exchange import SnmpGet, VarBinds
from agent.sessions.replay import ReplaySession
from agent.sessions.segment import parse_segment, read_segment, segment_bytes
from tests.sessions.scripted import live, octets
from tests.sessions.test_live import HEADER

ONE, TWO = SnmpGet(oids=("1.3.6.1.2.1.1.1.0",)), SnmpGet(oids=("1.3.6.1.2.1.1.3.0",))


def recorded() -> ReplaySession:
    """Return a replay of one answer and one gap with braces in its text."""

    async def talk() -> None:
        await session.ask(ONE)
        with pytest.raises(GapError):
            await session.ask(TWO)

    answer = VarBinds(varbinds=(octets(ONE.oids[0], "x"),))
    session, _, kept, _ = live([answer, GapError("refused", "{why}", why="a {brace} of the device")])
    asyncio.run(talk())
    return ReplaySession(parse_segment(segment_bytes(HEADER, [one.to_bytes() for one in kept])).exchanges, where="rec")


def test_a_gap_is_raised_as_it_was_recorded() -> None:
    """The text of a gap is data: braces in it are not places to fill."""
    session = recorded()
    asyncio.run(session.ask(ONE))
    with pytest.raises(GapError, match=r"a \{brace\} of the device") as caught:
        asyncio.run(session.ask(TWO))
    assert caught.value.reason == "refused"
    session.finish()


def test_another_request_is_refused() -> None:
    """A record never answers what was not asked when it was made."""
    with pytest.raises(ReplayError, match="rec: exchange 0 of the record answers another request"):
        asyncio.run(recorded().ask(TWO))


def test_what_shapes_redaction_is_part_of_the_request() -> None:
    """The same OIDs with another declaration of what they hold are another request."""
    with pytest.raises(ReplayError):
        asyncio.run(recorded().ask(SnmpGet(oids=ONE.oids, holds=("mac",))))


def test_one_request_too_many_is_refused() -> None:
    """Beyond the record there is nothing."""
    session = recorded()
    asyncio.run(session.ask(ONE))
    with pytest.raises(GapError):
        asyncio.run(session.ask(TWO))
    with pytest.raises(ReplayError, match="has 2 exchanges, but one more is asked for"):
        asyncio.run(session.ask(ONE))


def test_what_is_left_over_is_refused() -> None:
    """A record that holds more than the collector asks was not made by it."""
    session = recorded()
    asyncio.run(session.ask(ONE))
    with pytest.raises(ReplayError, match="1 recorded exchanges were not asked for"):
        session.finish()


def test_a_fault_of_the_record_is_not_one_of_the_device() -> None:
    """A broken line ends the replay with its place: no collector may take it for a device that answers nonsense."""
    data = segment_bytes(HEADER, [b'{"n":0}'])
    header, exchanges = read_segment(io.BytesIO(data), where="rec")
    campus = Campus(version="1", school=School(id="s", name="s"), assets=(header.asset,))
    with pytest.raises(ReplayError, match="rec:2: not a valid Exchange"):
        asyncio.run(measure(header.asset, campus, ("interfaces",), ReplaySession(exchanges, where="rec")))
