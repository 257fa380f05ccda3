"""Kept transports: learnt once, one conversation at a time, closed when they brought nothing."""

from __future__ import annotations

import asyncio
import itertools
import logging
from typing import TYPE_CHECKING

from agent.lab.snmpd import AUTH_PASSWORD, PRIV_PASSWORD, V3User, running_snmpd
from agent.model.exchange import SnmpGet
from agent.runtime.lines import Lines
from agent.transports.snmp import SnmpTransport, User

if TYPE_CHECKING:
    import pytest

    from agent.lab.snmpd import Snmpd

PEER = V3User("kept", "SHA-256", "AES")
ASK = SnmpGet(oids=("1.3.6.1.2.1.1.3.0",))


def transport(peer: Snmpd) -> SnmpTransport:
    return SnmpTransport(
        peer.host,
        peer.port,
        credentials=User(PEER.name, "SHA-256", AUTH_PASSWORD.encode(), "AES", PRIV_PASSWORD.encode()),
    )


async def ask(lines: Lines, peer: Snmpd, *, answered: bool = True) -> int:
    """Have one conversation and return how many packets the transport has sent so far."""
    async with lines.open("sw", "key", lambda: transport(peer)) as line:
        assert isinstance(line.transport, SnmpTransport)
        await line.transport.exchange(ASK)
        line.answered = answered
        return line.transport.sent


def test_v3_discovery_is_paid_once() -> None:
    """From the second conversation on, a request is one packet."""

    async def story(peer: Snmpd) -> list[int]:
        lines = Lines()
        try:
            return [await ask(lines, peer) for _ in range(4)]
        finally:
            await lines.close()

    with running_snmpd(users=(PEER,)) as peer:
        sent = asyncio.run(story(peer))
    assert sent[0] > 1
    assert [later - earlier for earlier, later in itertools.pairwise(sent)] == [1, 1, 1]


def test_a_transport_that_brought_nothing_is_made_anew() -> None:
    """After a conversation without answer, nothing learnt before is trusted."""

    async def story(peer: Snmpd) -> tuple[int, int]:
        lines = Lines()
        try:
            return await ask(lines, peer, answered=False), await ask(lines, peer)
        finally:
            await lines.close()

    with running_snmpd(users=(PEER,)) as peer:
        first, second = asyncio.run(story(peer))
    assert first == second


def test_one_conversation_at_a_time() -> None:
    """Two collectors that are due together ask the device one after the other."""

    async def story(peer: Snmpd) -> list[str]:
        lines, told = Lines(), []

        async def talk(name: str) -> None:
            async with lines.open("sw", "key", lambda: transport(peer)) as line:
                told.append(f"{name} begins")
                await asyncio.sleep(0.02)
                told.append(f"{name} ends")
                line.answered = True

        try:
            await asyncio.gather(talk("a"), talk("b"))
        finally:
            await lines.close()
        return told

    with running_snmpd(users=(PEER,)) as peer:
        assert asyncio.run(story(peer)) == ["a begins", "a ends", "b begins", "b ends"]


def test_two_devices_with_one_engine_are_named(caplog: pytest.LogCaptureFixture) -> None:
    """One SNMPv3 engineID on two devices is told once, with both names."""

    async def story(peer: Snmpd) -> None:
        lines = Lines()
        try:
            for name in ("sw1", "sw2", "sw1"):
                async with lines.open(name, name, lambda: transport(peer)) as line:
                    assert line.transport is not None
                    await line.transport.exchange(ASK)
                    line.answered = True
        finally:
            await lines.close()

    with running_snmpd(users=(PEER,)) as peer, caplog.at_level(logging.WARNING):
        asyncio.run(story(peer))
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 1
    assert told[0].startswith("sw1, sw2: SNMPv3 engineID ")


def test_a_device_that_left_the_campus_keeps_no_socket(caplog: pytest.LogCaptureFixture) -> None:
    """After a reload the lines of devices that are gone are closed, those of the others go on."""

    async def story(peer: Snmpd) -> list[int]:
        lines = Lines()

        async def talk(name: str) -> int:
            async with lines.open(name, "key", lambda: transport(peer)) as line:
                assert isinstance(line.transport, SnmpTransport)
                await line.transport.exchange(ASK)
                line.answered = True
                return line.transport.sent

        try:
            await talk("gone")
            await lines.keep({"stays"})
            return [await talk(name) for name in ("stays", "stays", "gone")]
        finally:
            await lines.close()

    with running_snmpd(users=(PEER,)) as peer, caplog.at_level(logging.WARNING):
        sent = asyncio.run(story(peer))
    assert sent == [2, 3, 2]  # the one that was closed discovers anew
    assert [record.getMessage().split(": ")[0] for record in caplog.records] == ["gone, stays"]
