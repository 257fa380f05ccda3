"""Each scripted fault, and what our engine returns for it: the rows it keeps, the mark it makes, the gap it raises."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agent import ber
from agent.errors import GapError
from agent.lab.snmp import Device, Recording, running_lab, switch
from agent.lab.snmp import faults as fault
from agent.lab.snmp.agent import Agent
from agent.lab.snmp.faults import When
from agent.lab.snmp.synthetic import SYS_UP_TIME
from agent.model import snmp
from agent.model.exchange import SnmpColumn, SnmpGet, SnmpTable, VarBinds
from agent.transports.snmp import Community, Limits, SnmpTransport, User

V2C = Community("2c", b"lab-ro")
USER = User("reader", "SHA-256", b"auth-canary-1", "AES", b"priv-canary-2")
QUICK = Limits(timeout_ms=150, retries=2, deadline_ms=10_000)
DESCR, HC_IN = "1.3.6.1.2.1.2.2.1.2", "1.3.6.1.2.1.31.1.1.1.6"
TABLE = SnmpTable(columns=(SnmpColumn(oid=DESCR), SnmpColumn(oid=HC_IN)))
SYS_NAME = "1.3.6.1.2.1.1.5.0"
ROWS = 60


def device(*faults: fault.Fault, name: str = "sw", recording: Recording | None = None, **changes: Any) -> Device:
    """A switch of 60 ports with faults."""
    return Device(name, recording or switch(ROWS), faults=faults, **changes)


def ask(
    spoken: Device, *requests: SnmpGet | SnmpTable, credentials: Community | User = V2C
) -> tuple[list[Any], SnmpTransport, Agent]:
    """Ask a device; return the answers (a `GapError` in the place of one that failed), the transport and the agent."""

    async def conversation() -> tuple[list[Any], SnmpTransport, Agent]:
        async with running_lab([spoken]) as lab:
            speaker = lab[spoken.name]
            transport = SnmpTransport(*speaker.address, credentials=credentials, limits=QUICK)
            answers: list[Any] = []
            try:
                for request in requests or (TABLE,):
                    try:
                        answers.append(await transport.exchange(request))
                    except GapError as error:
                        answers.append(error)
            finally:
                await transport.close()
            return answers, transport, speaker.agent

    return asyncio.run(conversation())


def counts(answer: VarBinds) -> tuple[int, int]:
    """Return how many rows each of the two columns has, each row once and in order."""
    found: dict[str, list[int]] = {DESCR: [], HC_IN: []}
    for each in answer.varbinds:
        name = ber.oid_text(ber.decode_varbind(bytes.fromhex(each)).oid)
        column, _, row = name.rpartition(".")
        found[column].append(int(row))
    for rows in found.values():
        assert rows == list(range(1, len(rows) + 1))
    return len(found[DESCR]), len(found[HC_IN])


def marks(answer: VarBinds) -> dict[str, str]:
    """Return column -> reason of what is partial."""
    return {each.column: each.reason for each in answer.partial}


def test_silence_is_unreachable_and_says_what_to_check() -> None:
    """A device that never answers is a gap with the tries, not an empty table."""
    (gap,), transport, _ = ask(device(fault.Silence()))
    assert gap.reason == "unreachable"
    assert "3 tries" in str(gap)
    assert "check address" in str(gap)
    assert transport.sent == 3


def test_silence_in_mid_walk_keeps_the_rows_before_it() -> None:
    """A device that falls silent is marked in every column that was not finished."""
    (answer,), _, _ = ask(device(fault.Silence(When(first=3))))
    assert set(marks(answer).values()) == {"timeout"}
    assert marks(answer).keys() == {DESCR, HC_IN}
    assert 0 < counts(answer)[0] < ROWS


@pytest.mark.parametrize("credentials", [V2C, USER], ids=["v2c", "v3"])
def test_every_third_request_lost_costs_time_and_no_row(credentials: Community | User) -> None:
    """Loss is made good by the retries."""
    (answer,), _, _ = ask(device(fault.Silence(When(first=3, every=3)), users=(USER,)), credentials=credentials)
    assert marks(answer) == {}
    assert counts(answer) == (ROWS, ROWS)


def test_a_slow_answer_is_waited_for() -> None:
    """A delay below the timeout changes nothing."""
    (answer,), transport, agent = ask(device(fault.Delay(0.05)))
    assert counts(answer) == (ROWS, ROWS)
    assert transport.sent == agent.asked


def test_answers_later_than_the_timeout_are_not_taken_for_later_requests() -> None:
    """An answer that comes after its retry was sent is used for the request that it answers, never for another."""
    (answer,), _, _ = ask(device(fault.Delay(0.2, When(first=2, every=4))))
    assert counts(answer) == (ROWS, ROWS)
    assert marks(answer) == {}


@pytest.mark.parametrize("most", [1, 7, 30])
def test_too_big_is_answered_by_asking_less(most: int) -> None:
    """A device that refuses answers of more than N varbinds is asked for fewer, until the table is whole."""
    (answer,), _, _ = ask(device(fault.TooBig(most)))
    assert counts(answer) == (ROWS, ROWS)
    assert marks(answer) == {}


def test_too_big_for_everything_marks_the_columns() -> None:
    """A device that says tooBig to a single row gives a table without rows, marked, and the walk ends."""
    (answer,), _, _ = ask(device(fault.TooBig(0)))
    assert counts(answer) == (0, 0)
    assert marks(answer) == {DESCR: "error-status 1", HC_IN: "error-status 1"}


def test_gen_err_after_row_25_keeps_25_rows_and_the_other_column() -> None:
    """The rows before the broken object are kept, the column is marked with the status, the other column is whole."""
    (answer,), _, _ = ask(device(fault.ErrorAt(f"{DESCR}.26")))
    assert counts(answer) == (25, ROWS)
    assert marks(answer) == {DESCR: "error-status 5"}


def test_an_oid_that_repeats_ends_its_column() -> None:
    """A device that answers the same object for ever does not hold the walk, and the mark says why."""
    (answer,), transport, _ = ask(device(fault.Jump(f"{DESCR}.30", f"{DESCR}.30")))
    assert counts(answer) == (30, ROWS)
    assert marks(answer) == {DESCR: "not increasing"}
    assert transport.sent < 40


def test_a_cycle_ends_its_column() -> None:
    """A table that starts again at its first row is walked once."""
    (answer,), transport, _ = ask(device(fault.Jump(f"{HC_IN}.40", f"{HC_IN}.1")))
    assert counts(answer) == (ROWS, 40)
    assert marks(answer) == {HC_IN: "not increasing"}
    assert transport.sent < 40


def test_a_jump_to_before_the_column_is_not_its_end() -> None:
    """An OID before the column proves nothing about the column's end."""
    (answer,), _, _ = ask(device(fault.Jump(f"{HC_IN}.40", f"{DESCR}.1")))
    assert counts(answer) == (ROWS, 40)
    assert marks(answer) == {HC_IN: "not increasing"}


def test_empty_answers_are_an_error_and_not_the_end() -> None:
    """No error and no varbinds marks the columns."""
    (answer,), _, _ = ask(device(fault.Empty(When(first=3))))
    assert set(marks(answer).values()) == {"empty reply"}
    assert counts(answer)[0] < ROWS


@pytest.mark.parametrize("octets", [1, 7, 60])
def test_truncated_answers_are_malformed(octets: int) -> None:
    """A device whose every datagram is cut gives a gap that says so; no row is guessed from the rest."""
    (gap,), transport, _ = ask(device(fault.Truncated(octets)))
    assert gap.reason == "malformed"
    assert transport.dropped["malformed"] == 3


def test_one_truncated_answer_costs_a_retry() -> None:
    """The retry brings the whole answer."""
    (answer,), transport, _ = ask(device(fault.Truncated(7, When(first=2, last=2))))
    assert counts(answer) == (ROWS, ROWS)
    assert transport.dropped == {"malformed": 1}


@pytest.mark.parametrize(
    ("wrong", "counted"), [(fault.WrongRequestId(), "request-id"), (fault.WrongCommunity(), "community")]
)
def test_answers_that_are_not_to_us_are_dropped_and_counted(wrong: fault.Fault, counted: str) -> None:
    """A wrong request-id or community is never used; the gap names what came instead."""
    (gap,), transport, _ = ask(device(wrong))
    assert gap.reason == "unreachable"
    assert transport.dropped[counted] == 3
    assert f"3 {counted}" in str(gap)


def test_an_answer_from_another_port_never_arrives() -> None:
    """The connected socket takes datagrams from the device's own port only."""
    (gap,), transport, _ = ask(device(fault.OtherPort()))
    assert gap.reason == "unreachable"
    assert not transport.dropped.total() or set(transport.dropped) == {"port closed"}


def test_answers_that_come_twice_are_used_once() -> None:
    """The copy is dropped and counted."""
    (answer,), transport, agent = ask(device(fault.Duplicate()))
    assert counts(answer) == (ROWS, ROWS)
    assert 0 < transport.dropped["request-id"] <= agent.asked


def test_garbage_before_the_answer_costs_nothing() -> None:
    """A datagram that is not SNMP is dropped, and the answer behind it is taken without a retry."""
    (answer,), transport, agent = ask(device(fault.Garbage()))
    assert counts(answer) == (ROWS, ROWS)
    assert transport.dropped == {"malformed": agent.asked}


def test_a_reboot_in_mid_walk_is_visible_in_up_time_and_counters() -> None:
    """The walk goes on; sysUpTime before and after tells that the rows are from two lives."""
    moving = switch(ROWS, octets_a_second=1_000_000)
    up_time = SnmpGet(oids=(SYS_UP_TIME,))
    (before, answer, after), _, _ = ask(
        device(fault.Reboot(When(first=4, last=4)), recording=moving), up_time, TABLE, up_time
    )
    first, last = (snmp.number(snmp.scalars(each, (SYS_UP_TIME,))[SYS_UP_TIME]) or 0 for each in (before, after))
    assert first >= 360_000
    assert last < 1_000
    values = [snmp.number(row[HC_IN]) or 0 for row in snmp.rows(answer, TABLE).values()]
    assert counts(answer) == (ROWS, ROWS)
    assert values[0] > 1 << 63
    assert values[-1] < 1 << 32


def test_a_reboot_with_v3_costs_one_time_report() -> None:
    """engineBoots rises by one: the engine learns it from the authenticated report, and loses no row."""
    (answer,), transport, agent = ask(device(fault.Reboot(When(first=4, last=4)), users=(USER,)), credentials=USER)
    assert counts(answer) == (ROWS, ROWS)
    assert transport.notices == ()
    assert agent.engine.boots == 2
    assert agent.engine.reports["1.3.6.1.6.3.15.1.1.2.0"] == 1


def test_engine_boots_that_go_back_are_noted() -> None:
    """A device that lost its boots counter is still read, and the notice says what it did."""
    (answer,), transport, _ = ask(
        device(fault.BootsReset(when=When(first=4, last=4)), users=(USER,), boots=9), credentials=USER
    )
    assert counts(answer) == (ROWS, ROWS)
    assert transport.notices == ("engineBoots went back from 9 to 1",)


def test_a_counter_step_shows_between_two_walks() -> None:
    """The counters of one column step once; nothing else changes."""
    step = fault.CounterStep(HC_IN, 1 << 40, When(first=20, last=20))
    one = SnmpGet(oids=(f"{HC_IN}.1", SYS_NAME))
    answers, _, _ = ask(device(step), *[one] * 21)
    values = [snmp.number(snmp.scalars(each, one.oids)[f"{HC_IN}.1"]) or 0 for each in answers]
    assert len(set(values[:19])) == 1
    assert values[19] - values[18] == 1 << 40
    assert values[20] == values[19]


def test_two_devices_with_one_engine_id_do_not_disturb_each_other() -> None:
    """Same engineID, different boots and time: both are read whole, and both show the same engineID."""
    shared = bytes.fromhex("80007ed90412345678")
    devices = [device(name=name, users=(USER,), engine_id=shared, boots=boots) for name, boots in (("a", 3), ("b", 70))]

    async def conversation() -> tuple[list[VarBinds], set[bytes], list[Agent]]:
        async with running_lab(devices) as lab:
            transports = [SnmpTransport(*lab[name].address, credentials=USER, limits=QUICK) for name in "ab"]
            try:
                answers = await asyncio.gather(*[each.exchange(TABLE) for each in transports for _ in range(2)])
                return answers, {each.engine_id for each in transports}, [lab[name].agent for name in "ab"]
            finally:
                for each in transports:
                    await each.close()

    answers, engines, agents = asyncio.run(conversation())
    assert [counts(answer) for answer in answers] == [(ROWS, ROWS)] * 4
    assert engines == {shared}
    assert [agent.engine.reports["1.3.6.1.6.3.15.1.1.2.0"] for agent in agents] == [0, 0]


@pytest.mark.parametrize(
    ("credentials", "says"),
    [
        (User("stranger", "SHA-256", b"auth-canary-1", "AES", b"priv-canary-2"), "unknownUserNames"),
        (User("reader", "SHA-256", b"another-key", "AES", b"priv-canary-2"), "wrongDigests"),
        (User("reader", "SHA-256", b"auth-canary-1"), "unsupportedSecLevels"),
        (User("reader", "SHA-256", b"auth-canary-1", "AES", b"priv-canary-2", context="vlan"), "unknownContexts"),
        (User("reader", "SHA-256", b"auth-canary-1", "AES", b"another-key"), "priv passphrase"),
    ],
    ids=["user", "auth key", "level", "context", "priv key"],
)
def test_what_is_wrong_with_v3_credentials_is_told_apart(credentials: Community | User, says: str) -> None:
    """Each refusal of the user-based security model is a gap of its own, without a secret in it."""
    (gap,), _, _ = ask(device(users=(USER,)), credentials=credentials)
    assert gap.reason == "refused"
    assert says in str(gap)
    assert "canary" not in str(gap)
    assert "another-key" not in str(gap)


def test_a_wrong_community_is_silence() -> None:
    """The lab does as devices do: it does not answer."""
    (gap,), _, agent = ask(device(), credentials=Community("2c", b"guess"))
    assert gap.reason == "unreachable"
    assert agent.dropped == {"refused": 3}


@pytest.mark.parametrize("noise", [b"", b"\x30", b"\x30\x80", b"\xff" * 2000, b"\x30\x03\x02\x01\x03"])
def test_the_lab_survives_what_is_not_snmp(noise: bytes) -> None:
    """A datagram that does not decode is counted and answered with nothing."""
    agent = Agent(device(users=(USER,)))
    assert agent.receive(noise) == []
    assert agent.dropped == {"malformed": 1}
