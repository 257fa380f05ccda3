"""Time that is short, and names that take it: what was read is kept, and one device's trouble stays its own."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from agent.clock import SystemClock
from agent.errors import GapError
from agent.lab.snmp import Device, lab_thread, switch
from agent.lab.snmp.faults import Delay, Silence, When
from agent.lab.snmp.synthetic import COLUMNS, SYS_NAME
from agent.model.exchange import Exchange, SnmpColumn, SnmpGet, SnmpTable, VarBinds
from agent.sessions.live import LiveSession
from agent.sessions.redact import Redactor
from agent.transports.snmp import Community, Limits, SnmpTransport

if TYPE_CHECKING:
    from collections.abc import Iterator

V2C = Community("2c", b"lab-ro")
TABLE = SnmpTable(columns=tuple(SnmpColumn(oid=oid) for oid in COLUMNS))
NAME = SnmpGet(oids=(SYS_NAME,))


def test_a_conversation_out_of_time_keeps_the_rows_that_it_read() -> None:
    """A slow device's table is cut at the session's deadline and recorded as partial; the transport goes on after."""
    kept: list[Exchange] = []

    async def talk(address: tuple[str, int]) -> VarBinds:
        transport = SnmpTransport(*address, credentials=V2C)
        try:
            session = LiveSession(transport, Redactor(b"k" * 32), kept.append, SystemClock(), 1.0)
            await session.ask(TABLE)
            answer = await transport.exchange(NAME)  # no session, so no other limit than the transport's own
        finally:
            await transport.close()
        return answer

    with lab_thread([Device("slow", switch(60), faults=(Delay(0.2),))]) as lab:
        assert asyncio.run(talk(lab["slow"].address)).partial == ()
    response = kept[0].response
    assert isinstance(response, VarBinds)
    assert 0 < len(response.varbinds) < 60 * len(COLUMNS)
    assert {each.reason for each in response.partial} == {"deadline"}


def test_a_conversation_without_any_answer_ends_in_time_and_says_what_to_change() -> None:
    """The gap of a device that is silent up to the session's deadline is one of time, not a guess at its settings."""
    kept: list[Exchange] = []

    async def talk(address: tuple[str, int]) -> None:
        transport = SnmpTransport(*address, credentials=V2C)
        try:
            await LiveSession(transport, Redactor(b"k" * 32), kept.append, SystemClock(), 0.5).ask(NAME)
        finally:
            await transport.close()

    with (
        lab_thread([Device("dead", switch(1), faults=(Silence(When()),))]) as lab,
        pytest.raises(GapError, match="Raise deadline_seconds") as caught,
    ):
        asyncio.run(talk(lab["dead"].address))
    assert caught.value.reason == "deadline"
    assert len(kept) == 1


def test_a_device_slower_than_the_timeout_is_waited_for() -> None:
    """After an answer to a try that was given up, the device gets more time instead of every request twice."""

    async def talk(address: tuple[str, int]) -> tuple[VarBinds, int]:
        transport = SnmpTransport(*address, credentials=V2C, limits=Limits(timeout_ms=100))
        try:
            answer = await transport.exchange(TABLE)
            before = transport.sent
            for _ in range(5):
                assert (await transport.exchange(NAME)).partial == ()
        finally:
            await transport.close()
        return answer, transport.sent - before

    with lab_thread([Device("slow", switch(20), faults=(Delay(0.15),))]) as lab:
        answer, sent = asyncio.run(talk(lab["slow"].address))
        asked = lab["slow"].agent.asked
    assert answer.partial == ()
    assert len(answer.varbinds) == 20 * len(COLUMNS)
    assert sent == 5
    assert asked < 40


@pytest.fixture
def stuck() -> Iterator[ThreadPoolExecutor]:
    """Give a pool whose only thread hangs, as look-ups at a silent name server do."""
    released = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(released.wait, 30)
        yield pool
        released.set()


def test_a_name_server_that_hangs_holds_up_no_address(stuck: ThreadPoolExecutor) -> None:
    """Devices given by address are asked at once; the one given by name is a gap when its own time is over."""

    async def talk(address: tuple[str, int]) -> tuple[VarBinds, float]:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(stuck)
        begun = loop.time()
        near = SnmpTransport(*address, credentials=V2C)
        far = SnmpTransport("localhost", address[1], credentials=V2C, limits=Limits(deadline_ms=300))
        try:
            answer = await near.exchange(NAME)
            took = loop.time() - begun
            with pytest.raises(GapError, match="localhost has no address") as caught:
                await far.exchange(NAME)
            assert caught.value.reason == "unreachable"
        finally:
            await near.close()
            await far.close()
            loop.set_default_executor(ThreadPoolExecutor(1))  # the stuck one ends with its fixture
        return answer, took

    with lab_thread([Device("near", switch(1))]) as lab:
        answer, took = asyncio.run(talk(lab["near"].address))
    assert answer.partial == ()
    assert took < 5
