"""The live session: recorded before told, bounded in time, and equal to its own replay."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import canonical
from agent.errors import GapError, JournalError, MalformedError
from agent.model.asset import Asset
from agent.model.evidence import SegmentHeader
from agent.model.exchange import Answer, Exchange, GapReason, Request, SnmpColumn, SnmpGet, SnmpTable, VarBinds
from agent.sessions.live import LiveSession
from agent.sessions.redact import Redactor
from agent.sessions.replay import ReplaySession
from agent.sessions.segment import parse_segment, segment_bytes
from tests.sessions.scripted import KEY, HandClock, ScriptedTransport, Step, live, octets

GET = SnmpGet(oids=("1.3.6.1.2.1.1.1.0",))
ANSWER = VarBinds(varbinds=(octets("1.3.6.1.2.1.1.1.0", "a switch"),))
HEADER = SegmentHeader(
    run="r", asset=Asset(id="sw1", family="generic-snmp", address="192.0.2.1"), collectors=("interfaces",)
)


def test_an_answer_is_recorded_before_it_is_told() -> None:
    """What a collector has seen is on disk: the record is made, with its digest, before `ask` returns."""
    session, _, kept, _ = live([ANSWER])
    answer = asyncio.run(session.ask(GET))
    assert [one.response for one in kept] == [ANSWER]
    assert answer == Answer(response=ANSWER, at=kept[0].at, source=canonical.digest(kept[0].to_bytes()))


def test_a_gap_is_recorded_before_it_is_raised() -> None:
    """Silence is a fact of the record: the error carries the digest of its exchange."""
    session, _, kept, _ = live([GapError("unreachable", "no answer from {host}", host="192.0.2.1", todo="look")])
    with pytest.raises(GapError) as caught:
        asyncio.run(session.ask(GET))
    assert kept[0].gap is not None
    assert kept[0].response is None
    assert kept[0].gap.detail == "no answer from 192.0.2.1. look"
    assert (caught.value.source, caught.value.at) == (kept[0].digest(), kept[0].at)


def test_a_record_that_fails_tells_nothing() -> None:
    """Raw first: when the record cannot be made, the collector gets the error, not the answer."""

    def full(exchange: Exchange) -> None:
        raise JournalError("the disk is full")

    session = LiveSession(ScriptedTransport([ANSWER]), Redactor(KEY), full, HandClock(), 60)
    with pytest.raises(JournalError):
        asyncio.run(session.ask(GET))


def test_a_record_that_is_full_ends_the_conversation_as_a_gap() -> None:
    """What would not fit into one file of evidence is not asked, and the record says so; what was taken stays."""
    kept: list[Exchange] = []
    transport = ScriptedTransport([ANSWER, ANSWER])
    session = LiveSession(transport, Redactor(KEY), kept.append, HandClock(), 60, lambda: len(kept) > 0)
    asyncio.run(session.ask(GET))
    with pytest.raises(GapError, match="one file of evidence") as caught:
        asyncio.run(session.ask(GET))
    assert caught.value.reason == GapReason.DEADLINE
    assert [one.gap is None for one in kept] == [True, False]
    assert len(transport.steps) == 1, "the device was not asked"


def test_the_deadline_ends_the_conversation_as_gaps() -> None:
    """A silent device is cut off in time, and what is asked later does not reach the transport at all."""

    async def talk() -> tuple[list[GapError], float]:
        gaps = []
        begun = asyncio.get_running_loop().time()
        for _ in range(3):
            with pytest.raises(GapError) as caught:
                await session.ask(GET)
            gaps.append(caught.value)
            clock.ns += int(0.2e9)
        return gaps, asyncio.get_running_loop().time() - begun

    session, transport, kept, clock = live([30.0], seconds=0.2)
    gaps, took = asyncio.run(talk())
    assert took < 5
    assert [gap.reason for gap in gaps] == [GapReason.DEADLINE] * 3
    assert len(transport.asked) == 1
    assert [one.gap.reason for one in kept if one.gap] == [GapReason.DEADLINE] * 3
    assert "longer than its 0.2 s" in str(gaps[0])


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (GapError("refused", "wrong key"), "refused"),
        (MalformedError("BER: nothing complete at octet 3"), "malformed"),
        (TimeoutError(), "unreachable"),
        (ConnectionRefusedError(111, "Connection refused"), "unreachable"),
    ],
)
def test_what_a_transport_raises_is_a_gap(fault: Exception, reason: str) -> None:
    """Whatever goes wrong between agent and device is on record; a socket's own timeout is not our deadline."""
    session, _, kept, _ = live([fault, ANSWER])
    with pytest.raises(GapError) as caught:
        asyncio.run(session.ask(GET))
    assert caught.value.reason == reason
    assert kept[0].gap is not None
    assert asyncio.run(session.ask(GET)).response == ANSWER


def test_an_answer_that_does_not_decode_is_a_gap_and_is_not_kept() -> None:
    """What cannot be decoded cannot be redacted: the record says so and holds none of it."""
    lie = octets("1.3.6.1.9.9.9", "canary of a device that answers what nobody asked")
    session, _, kept, _ = live([VarBinds(varbinds=(lie,)), VarBinds(varbinds=("00",))])
    for _ in range(2):
        with pytest.raises(GapError) as caught:
            asyncio.run(session.ask(GET))
        assert caught.value.reason == GapReason.MALFORMED
    record = segment_bytes(HEADER, [one.to_bytes() for one in kept])
    assert lie.encode() not in record
    assert b"canary" not in record


def test_a_defect_of_the_transport_is_not_taken_for_silence() -> None:
    """An error that nobody foresaw is not written down as the device's fault."""
    session, _, kept, _ = live([ZeroDivisionError("a defect")])
    with pytest.raises(ZeroDivisionError):
        asyncio.run(session.ask(GET))
    assert kept == []


def test_cancelling_is_not_a_gap() -> None:
    """A service that stops does not blame the device."""

    async def talk() -> None:
        task = asyncio.create_task(session.ask(GET))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    session, _, kept, _ = live([30.0])
    asyncio.run(talk())
    assert kept == []


def test_secrets_are_nowhere_in_the_record() -> None:
    """A device that echoes its community in an answer and an error gets it into neither."""
    canary = b"COMMUNITY-CANARY-1"
    echo = VarBinds(varbinds=(octets(GET.oids[0], b"snmp-server community " + canary),))
    session, _, kept, _ = live([echo, GapError("refused", "unknown " + canary.decode())], secrets=(canary,))
    answer = asyncio.run(session.ask(GET))
    with pytest.raises(GapError):
        asyncio.run(session.ask(GET))
    record = segment_bytes(HEADER, [one.to_bytes() for one in kept])
    for spelling in (canary, canary.hex().encode(), canary.hex().upper().encode()):
        assert spelling not in record
    assert isinstance(answer.response, VarBinds)
    assert canary.hex() not in answer.response.varbinds[0]
    assert kept[0].redactions == {"secret": 1}


# --- live is replay -------------------------------------------------------------------------------------------------

TABLE = SnmpTable(columns=(SnmpColumn(oid="1.3.6.1.2.1.2.2.1.6", holds="mac"), SnmpColumn(oid="1.3.6.1.2.1.2.2.1.2")))
FAULTS = st.one_of(
    st.builds(
        GapError,
        st.sampled_from(list(GapReason)),
        st.text(max_size=20).map(lambda text: text.replace("{", "").replace("}", "")),
    ),
    st.just(MalformedError("BER: cut off")),
)
ANSWERS = st.lists(
    st.tuples(st.sampled_from([6, 2]), st.integers(1, 2**32 - 1), st.binary(max_size=40)), max_size=6
).map(
    lambda cells: VarBinds(
        varbinds=tuple(octets(f"1.3.6.1.2.1.2.2.1.{column}.{row}", value) for column, row, value in cells)
    )
)


async def heard(session: LiveSession | ReplaySession, requests: list[Request]) -> list[object]:
    """Ask and return all that a collector can see."""
    told: list[object] = []
    for request in requests:
        try:
            told.append(await session.ask(request))
        except GapError as gap:
            told.append((gap.reason, gap.at, gap.source))
    return told


@given(st.lists(ANSWERS | FAULTS, max_size=6))
def test_replay_tells_a_collector_exactly_what_live_told(steps: list[Step]) -> None:
    """Live and replay are equal byte for byte: answers, times, digests and gaps."""
    session, _, kept, _ = live(list(steps), secrets=(b"0000",))
    requests: list[Request] = [TABLE] * len(steps)
    told = asyncio.run(heard(session, requests))
    data = segment_bytes(HEADER, [one.to_bytes() for one in kept])
    replay = ReplaySession(parse_segment(data).exchanges)
    assert asyncio.run(heard(replay, requests)) == told
    replay.finish()
