"""Agents with faults: every row before the fault is kept, nothing is silently short, everything ends."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import pytest

from agent import ber
from agent.errors import GapError
from agent.model import snmp
from agent.model.exchange import Partial, SnmpColumn, SnmpGet, SnmpTable, VarBinds
from agent.transports.snmp import Community, Limits, SnmpTransport
from tests.peers.snmp_agent import (
    COMMUNITY,
    GET_BULK,
    Ask,
    Cell,
    Script,
    ScriptedAgent,
    decode,
    error,
    honest,
    limited,
    reply,
    scripted_agent,
    table,
)

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable

DESCR, SPEED = "1.3.6.1.2.1.2.2.1.2", "1.3.6.1.2.1.2.2.1.5"
BEYOND = (ber.oid_bytes("1.3.6.1.9"), ber.INTEGER, b"\x01")
"""Something after every table here, so that columns end by an OID beyond them."""
QUICK = Limits(timeout_ms=60, retries=2)
Heard = tuple[VarBinds, SnmpTransport, list[Ask]]
"""The answer, the transport that got it, and what the agent was asked."""


def walk(
    script: Script,
    cells: list[Cell] | None = None,
    *,
    columns: tuple[str, ...] = (DESCR,),
    limits: Limits = QUICK,
    version: Literal["1", "2c"] = "2c",
    max_rows: int = 20_000,
    again: int = 1,
) -> Heard:
    """Walk the columns at an agent with that script; return answer, transport and the requests it got."""
    cells = [*(table() if cells is None else cells), BEYOND]
    request = SnmpTable(columns=tuple(SnmpColumn(oid=oid) for oid in columns), max_rows=max_rows)

    async def conversation() -> Heard:
        async with scripted_agent(cells, script) as agent:
            credentials = Community(version, COMMUNITY)
            transport = SnmpTransport("127.0.0.1", agent.port, credentials=credentials, limits=limits)
            try:
                for _ in range(again):
                    answer = await transport.exchange(request)
            finally:
                await transport.close()
            return answer, transport, agent.requests

    return asyncio.run(conversation())


def get(script: Script, oids: tuple[str, ...], *, limits: Limits = QUICK, version: Literal["1", "2c"] = "2c") -> Heard:
    """GET at an agent with that script."""

    async def conversation() -> Heard:
        async with scripted_agent([*table(), BEYOND], script) as agent:
            transport = SnmpTransport("127.0.0.1", agent.port, credentials=Community(version, COMMUNITY), limits=limits)
            try:
                return await transport.exchange(SnmpGet(oids=oids)), transport, agent.requests
            finally:
                await transport.close()

    return asyncio.run(conversation())


def indexes(answer: VarBinds, column: str = DESCR) -> list[int]:
    """Return the row numbers of a column, in order."""
    found = snmp.rows(answer, SnmpTable(columns=(SnmpColumn(oid=DESCR), SnmpColumn(oid=SPEED))))
    return [int(index) for index, cells in found.items() if column in cells]


ALL = list(range(1, 61))


def row(oid: str) -> int:
    """Return the row number of an OID, 0 for the column itself."""
    return int(oid.rsplit(".", 1)[1]) if oid.count(".") == DESCR.count(".") + 1 else 0


def fails_after(number: int, status: int) -> Script:
    """An agent that cannot give any row after `number`."""

    def script(ask: Ask, agent: ScriptedAgent) -> Iterable[bytes]:
        cells = agent.varbinds(ask)
        broken = any(cell[0].startswith(ber.oid_bytes(DESCR)) and row(ber.oid_text(cell[0])) > number for cell in cells)
        return [error(ask, status, 1) if broken else agent.answer(ask)]

    return script


def once(first: Script) -> Script:
    """An agent that answers the first request with what `first` makes of it, the others well."""
    asked: list[Ask] = []

    def script(ask: Ask, agent: ScriptedAgent) -> Iterable[bytes]:
        asked.append(ask)
        return first(ask, agent) if len(asked) == 1 else honest(ask, agent)

    return script


# --- agents that answer, but badly --------------------------------------------------------------------------------


def test_an_honest_agent_gives_every_row_in_few_requests() -> None:
    """The baseline of what follows: complete, not partial, repetitions grow from ten."""
    answer, _, requests = walk(honest)
    assert indexes(answer) == ALL
    assert answer.partial == ()
    assert [ask.b for ask in requests] == [10, 20, 40]


@pytest.mark.parametrize("status", [5, 13])
def test_an_error_in_mid_walk_keeps_the_rows_before_it(status: int) -> None:
    """The agent fails after row 25: exactly 25 rows, marked with the error."""
    answer, _, requests = walk(fails_after(25, status))
    assert indexes(answer) == ALL[:25]
    assert answer.partial == (Partial(column=DESCR, reason=f"error-status {status}"),)
    assert len(requests) < 20


def test_an_error_of_one_column_leaves_the_others_complete() -> None:
    """genErr in one column neither ends nor shortens its neighbours."""
    answer, _, _ = walk(fails_after(25, 5), table((DESCR, SPEED)), columns=(DESCR, SPEED))
    assert indexes(answer) == ALL[:25]
    assert indexes(answer, SPEED) == ALL
    assert answer.partial == (Partial(column=DESCR, reason="error-status 5"),)


def test_too_big_asks_for_less_and_gets_everything() -> None:
    """An agent that stands four varbinds per answer gives the whole table; the size is remembered."""

    def script(ask: Ask, agent: ScriptedAgent) -> Iterable[bytes]:
        return [error(ask, 1) if len(agent.varbinds(ask)) > 4 else agent.answer(ask)]

    answer, _, requests = walk(script, table((DESCR, SPEED)), columns=(DESCR, SPEED), again=2)
    assert indexes(answer) == indexes(answer, SPEED) == ALL
    assert answer.partial == ()
    refused = [ask for ask in requests if len(ask.oids) * ask.b > 4]
    assert len(refused) < 12


def test_too_big_for_two_columns_asks_for_one() -> None:
    """When one row of all columns is too big, fewer columns are asked."""

    def script(ask: Ask, agent: ScriptedAgent) -> Iterable[bytes]:
        return [error(ask, 1) if len(agent.varbinds(ask)) > 1 else agent.answer(ask)]

    answer, _, _ = walk(script, table((DESCR, SPEED), rows=5), columns=(DESCR, SPEED))
    assert indexes(answer) == indexes(answer, SPEED) == ALL[:5]


def test_too_big_for_one_variable_is_partial() -> None:
    """When not even one variable fits, the column is marked."""
    answer, _, _ = walk(lambda ask, _: [error(ask, 1)])
    assert answer.varbinds == ()
    assert answer.partial == (Partial(column=DESCR, reason="error-status 1"),)


def test_an_agent_that_repeats_its_rows_is_stopped() -> None:
    """Rows 1 to 10 for ever: ten rows, marked."""

    def script(ask: Ask, agent: ScriptedAgent) -> Iterable[bytes]:
        return [agent.answer(replace(ask, oids=(ber.oid_bytes(DESCR),), b=10))]

    answer, _, requests = walk(script)
    assert indexes(answer) == ALL[:10]
    assert answer.partial == (Partial(column=DESCR, reason="not increasing"),)
    assert len(requests) == 2


def test_an_agent_that_cycles_within_one_answer_is_stopped() -> None:
    """1, 2, 3, 1, 2, 3: three rows, marked."""

    def script(ask: Ask, agent: ScriptedAgent) -> Iterable[bytes]:
        return [reply(ask, [*agent.cells[:3], *agent.cells[:3]])]

    answer, _, _ = walk(script)
    assert indexes(answer) == ALL[:3]
    assert answer.partial == (Partial(column=DESCR, reason="not increasing"),)


def test_an_agent_that_starts_again_at_its_end_is_marked() -> None:
    """An OID before the column proves no end of the column."""

    def script(ask: Ask, agent: ScriptedAgent) -> Iterable[bytes]:
        cells = [cell if cell != BEYOND else (ber.oid_bytes("1.3.6.1.1"), 2, b"\x01") for cell in agent.varbinds(ask)]
        return [reply(ask, cells)]

    answer, _, _ = walk(script)
    assert indexes(answer) == ALL
    assert answer.partial == (Partial(column=DESCR, reason="not increasing"),)


def test_indexes_beyond_16383_are_in_order() -> None:
    """Sub-identifiers of three octets do not sort like their octets; such tables are walked whole."""
    cells = [(ber.oid_bytes(f"{DESCR}.{n}"), ber.INTEGER, b"\x01") for n in (16_000, 16_383, 16_384, 70_000, 2**32 - 1)]
    answer, _, _ = walk(honest, cells)
    assert indexes(answer) == [16_000, 16_383, 16_384, 70_000, 2**32 - 1]
    assert answer.partial == ()


def test_end_of_mib_view_ends_a_column() -> None:
    """A column at the very end of the MIB is complete."""
    answer, _, _ = walk(honest, table(("1.3.6.1.10.1",)), columns=("1.3.6.1.10.1",))
    assert len(answer.varbinds) == 60
    assert answer.partial == ()


def test_an_empty_answer_is_an_error_not_an_end() -> None:
    """No error and no variables after row 10: ten rows, marked."""

    def script(ask: Ask, agent: ScriptedAgent) -> Iterable[bytes]:
        return [agent.answer(limited(ask, 10)) if row(ask.names[0]) == 0 else reply(ask, [])]

    answer, _, _ = walk(script)
    assert indexes(answer) == ALL[:10]
    assert answer.partial == (Partial(column=DESCR, reason="empty reply"),)


def test_short_answers_are_asked_on() -> None:
    """An agent that gives three varbinds whatever was asked, cutting rows apart, loses nothing."""

    def script(ask: Ask, agent: ScriptedAgent) -> Iterable[bytes]:
        return [reply(ask, agent.varbinds(ask)[:3])]

    answer, _, _ = walk(script, table((DESCR, SPEED)), columns=(DESCR, SPEED))
    assert indexes(answer) == indexes(answer, SPEED) == ALL
    assert answer.partial == ()


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        (0x48, b"\x01\x02"),
        (ber.BITS, b"\x00\xa0"),
        (0x45, b"\x01"),
        (ber.COUNTER32, b"\xff\xff\xff\xff"),
        (ber.OPAQUE, bytes.fromhex("9f7804 42f60000")),
        (ber.NULL, b""),
        (ber.NO_SUCH_INSTANCE, b""),
        (ber.INTEGER, b""),
        (ber.OCTET_STRING, b"x" * 4_600),
    ],
)
def test_odd_values_keep_their_row_and_octets(tag: int, value: bytes) -> None:
    """Unknown tags, unpadded counters, holes, a reply of 4.6 KB: 60 rows, the odd one exactly as sent."""
    cells = table()
    cells[29] = (cells[29][0], tag, value)
    answer, transport, _ = walk(honest, cells)
    assert len(answer.varbinds) == 60
    assert ber.decode_varbind(bytes.fromhex(answer.varbinds[29])) == cells[29]
    assert answer.partial == ()
    assert not transport.dropped


def test_varbinds_are_kept_as_received() -> None:
    """A length that is longer than necessary stays so in the record."""
    padded = bytes.fromhex("308200100682000a") + ber.oid_bytes(f"{DESCR}.1") + b"\x05\x00"

    def script(ask: Ask, agent: ScriptedAgent) -> Iterable[bytes]:
        head = ber.encode_integer(1) + ber.tlv(ber.OCTET_STRING, COMMUNITY)
        number = ber.encode_integer(ask.request_id) + b"\x02\x01\x00" * 2
        pdu = ber.tlv(0xA2, number + ber.tlv(ber.SEQUENCE, padded + ber.encode_varbind(*BEYOND)))
        return [ber.tlv(ber.SEQUENCE, head + pdu)]

    answer, _, _ = walk(script)
    assert answer.varbinds == (padded.hex(),)


# --- SNMPv1 -------------------------------------------------------------------------------------------------------


def test_version_1_ends_columns_by_no_such_name() -> None:
    """GETNEXT only, several columns at once, and noSuchName for one of them ends that one."""
    cells = [*table(("1.3.6.1.10.1",), rows=3), *table(("1.3.6.1.10.2",), rows=7)]
    columns = ("1.3.6.1.10.2", "1.3.6.1.10.1")
    answer, _, requests = walk(honest, cells, columns=columns, version="1")
    assert len(answer.varbinds) == 10
    assert answer.partial == ()
    assert all(ask.kind != GET_BULK for ask in requests)


def test_version_1_get_keeps_the_place_of_what_is_missing() -> None:
    """noSuchName names one variable at a time; the others are still read."""
    oids = (f"{DESCR}.99", f"{DESCR}.1", f"{DESCR}.98", f"{DESCR}.2")
    answer, _, requests = get(honest, oids, version="1")
    found = snmp.scalars(answer, oids)
    assert [found[oid] is None for oid in oids] == [True, False, True, False]
    assert len(answer.varbinds) == 4
    assert answer.partial == ()
    assert len(requests) == 3


# --- GET ----------------------------------------------------------------------------------------------------------


def test_a_get_that_is_too_big_is_split() -> None:
    """An agent that stands three variables per PDU answers all ten, in order."""
    oids = tuple(f"{DESCR}.{n}" for n in range(1, 11))

    def script(ask: Ask, agent: ScriptedAgent) -> Iterable[bytes]:
        return [error(ask, 1) if len(ask.oids) > 3 else agent.answer(ask)]

    answer, _, _ = get(script, oids)
    assert [ber.decode_varbind(bytes.fromhex(each)).value for each in answer.varbinds] == [
        b"row %d" % n for n in range(1, 11)
    ]
    assert answer.partial == ()


@pytest.mark.parametrize("names_it", [True, False])
def test_an_error_of_one_variable_leaves_the_others(names_it: bool) -> None:
    """genErr for one OID, with or without error-index: the others are read, that one is marked and keeps its place."""
    oids = tuple(f"{DESCR}.{n}" for n in range(1, 8))

    def script(ask: Ask, agent: ScriptedAgent) -> Iterable[bytes]:
        if oids[3] in ask.names:
            return [error(ask, 5, ask.names.index(oids[3]) + 1 if names_it else 0)]
        return [agent.answer(ask)]

    answer, _, _ = get(script, oids)
    assert [oid for oid, found in snmp.scalars(answer, oids).items() if found is None] == [oids[3]]
    assert answer.partial == (Partial(column=oids[3], reason="error-status 5"),)
    assert len(answer.varbinds) == 7


def test_a_get_answered_with_other_oids_is_not_believed() -> None:
    """Values under names that were not asked never become the answer."""
    oids = (f"{DESCR}.1", f"{DESCR}.2")
    answer, _, _ = get(lambda ask, agent: [reply(ask, agent.cells[10:12])], oids)
    assert snmp.scalars(answer, oids) == dict.fromkeys(oids)
    assert answer.partial == tuple(Partial(column=oid, reason="wrong OID") for oid in oids)


def test_a_variable_that_silences_the_agent_is_found() -> None:
    """An agent that drops every request for one OID still gives the others."""
    oids = (f"{DESCR}.1", f"{DESCR}.2", f"{DESCR}.3")

    def script(ask: Ask, agent: ScriptedAgent) -> Iterable[bytes]:
        return [] if oids[1] in ask.names else [agent.answer(ask)]

    answer, _, _ = get(script, oids)
    assert [found is None for found in snmp.scalars(answer, oids).values()] == [False, True, False]
    assert answer.partial == (Partial(column=oids[1], reason="timeout"),)


# --- lost, late, damaged and forged datagrams ---------------------------------------------------------------------


def garbage(ask: Ask, agent: ScriptedAgent) -> Iterable[bytes]:
    """Eight octets that are no message."""
    return [bytes.fromhex("0102030405060708")]


def truncated(ask: Ask, agent: ScriptedAgent) -> Iterable[bytes]:
    """Half of the right answer."""
    answer = agent.answer(ask)
    return [answer[: len(answer) // 2]]


def silence(ask: Ask, agent: ScriptedAgent) -> Iterable[bytes]:
    """Nothing."""
    return []


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (garbage, "malformed"),
        (truncated, "malformed"),
        (silence, ""),
        (lambda ask, agent: [b"\x30" * 60_000], "malformed"),
        (lambda ask, agent: [reply(replace(ask, community=b"other"), agent.varbinds(ask))], "community"),
        (lambda ask, agent: [reply(replace(ask, version=0), agent.varbinds(ask))], "version"),
        (lambda ask, agent: [reply(replace(ask, request_id=ask.request_id + 7), agent.varbinds(ask))], "request-id"),
        (lambda ask, agent: [reply(ask, agent.varbinds(ask), kind=0xA7)], "not a response"),
    ],
)
def test_one_bad_datagram_costs_one_retry_and_no_row(fault: Script, kind: str) -> None:
    """It is dropped, counted by reason, and the table is complete."""
    answer, transport, _ = walk(once(fault))
    assert indexes(answer) == ALL
    assert answer.partial == ()
    assert dict(transport.dropped) == ({kind: 1} if kind else {})


def test_octets_after_the_message_are_ignored() -> None:
    """Two trailing octets, as some agents send them, cost nothing."""
    answer, transport, _ = walk(lambda ask, agent: [agent.answer(ask) + b"\0\0"])
    assert indexes(answer) == ALL
    assert not transport.dropped


def test_duplicates_are_dropped_and_counted() -> None:
    """Each answer twice: every row once."""
    answer, transport, requests = walk(lambda ask, agent: [agent.answer(ask)] * 2)
    assert indexes(answer) == ALL
    assert transport.dropped["request-id"] >= len(requests) - 1


def test_an_answer_from_another_address_is_not_seen() -> None:
    """A forged answer with everything right but the port it comes from changes nothing."""

    async def conversation() -> str:
        async with scripted_agent([*table(), BEYOND], silence) as agent:
            transport = SnmpTransport("127.0.0.1", agent.port, credentials=Community("2c", COMMUNITY), limits=QUICK)
            loop = asyncio.get_running_loop()
            forger, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0))
            asking = asyncio.create_task(transport.exchange(SnmpGet(oids=(f"{DESCR}.1",))))
            while not agent.requests:
                await asyncio.sleep(0.001)
            assert transport._target._socket is not None
            name = transport._target._socket.getsockname()
            forger.sendto(agent.answer(agent.requests[0]), name)
            with pytest.raises(GapError) as caught:
                await asking
            forger.close()
            await transport.close()
            return caught.value.reason

    assert asyncio.run(conversation()) == "unreachable"


def test_damaged_answers_never_give_wrong_silence_or_another_error() -> None:
    """300 answers with a flipped octet: each ends as rows, a mark or a gap; nothing else is raised, nothing hangs."""
    chance = random.Random(7)

    def script(ask: Ask, agent: ScriptedAgent) -> Iterable[bytes]:
        answer = bytearray(agent.answer(limited(ask, 10)))
        answer[chance.randrange(len(answer))] ^= 1 << chance.randrange(8)
        return [bytes(answer)]

    async def conversation() -> tuple[int, set[str]]:
        complete = 0
        reasons: set[str] = set()
        request = SnmpTable(columns=(SnmpColumn(oid=DESCR),))
        async with scripted_agent([*table(rows=6), BEYOND], script) as agent:
            for _ in range(300):
                transport = SnmpTransport(
                    "127.0.0.1",
                    agent.port,
                    credentials=Community("2c", COMMUNITY),
                    limits=Limits(timeout_ms=5, retries=1, deadline_ms=200),
                )
                try:
                    answer = await transport.exchange(request)
                except GapError as gap:
                    reasons.add(gap.reason)
                else:
                    complete += 1
                    assert all(int(index) for index in snmp.rows(answer, request))
                finally:
                    await transport.close()
        return complete, reasons

    complete, reasons = asyncio.run(conversation())
    assert complete > 20
    assert reasons <= {"unreachable", "malformed", "deadline", "refused"}


# --- silence, refusal, bounds -------------------------------------------------------------------------------------


def test_a_dead_device_is_unreachable_with_all_that_is_known() -> None:
    """The gap names device, phase, OID, time and tries."""
    started = time.monotonic()
    with pytest.raises(GapError) as caught:
        walk(silence)
    assert 0.17 <= time.monotonic() - started < 15
    assert caught.value.reason == "unreachable"
    text = str(caught.value)
    assert "snmp://127.0.0.1:" in text
    assert DESCR in text
    assert "in walk after" in text
    assert "3 tries" in text


def test_a_closed_port_is_a_quick_gap() -> None:
    """ICMP says that nobody listens: the gap comes without waiting for the timeouts, and says so."""

    async def conversation() -> None:
        async with scripted_agent([], silence) as agent:
            port = agent.port
        transport = SnmpTransport("127.0.0.1", port, credentials=Community("2c", COMMUNITY), limits=Limits())
        try:
            await transport.exchange(SnmpGet(oids=("1.3.6.1.2.1.1.1.0",)))
        finally:
            await transport.close()

    with pytest.raises(GapError, match="nothing listens") as caught:
        asyncio.run(conversation())
    assert caught.value.reason == "unreachable"


def test_an_agent_that_only_sends_rubbish_is_malformed() -> None:
    """An answer that never decodes is told apart from no answer."""
    with pytest.raises(GapError) as caught:
        walk(garbage)
    assert caught.value.reason == "malformed"
    assert "3 malformed" in str(caught.value)


def test_a_name_without_address_is_unreachable() -> None:
    """A wrong host name is a gap with what to correct."""

    async def conversation() -> None:
        transport = SnmpTransport("no-such-host.invalid", credentials=Community("2c", COMMUNITY))
        await transport.exchange(SnmpGet(oids=("1.3.6.1.2.1.1.1.0",)))

    with pytest.raises(GapError, match="no address") as caught:
        asyncio.run(conversation())
    assert caught.value.reason == "unreachable"


def test_a_device_that_dies_in_mid_walk_leaves_a_marked_table() -> None:
    """What was read is kept; every unfinished column says timeout; it ends after two silent rounds."""

    def script(ask: Ask, agent: ScriptedAgent) -> Iterable[bytes]:
        return [agent.answer(limited(ask, 10))] if len(agent.requests) < 3 else []

    answer, _, requests = walk(script, table((DESCR, SPEED)), columns=(DESCR, SPEED))
    assert 10 <= len(indexes(answer)) < 60
    assert answer.partial == tuple(Partial(column=oid, reason="timeout") for oid in (DESCR, SPEED))
    assert len(requests) == 8


def test_a_column_that_silences_the_agent_does_not_hide_the_others() -> None:
    """An agent that never answers for one column still gives the other one."""

    def script(ask: Ask, agent: ScriptedAgent) -> Iterable[bytes]:
        return [] if any(name.startswith(SPEED) for name in ask.names) else [agent.answer(ask)]

    answer, _, requests = walk(script, table((DESCR, SPEED)), columns=(DESCR, SPEED))
    assert indexes(answer) == ALL
    assert indexes(answer, SPEED) == []
    assert sum(SPEED in ask.names for ask in requests) == 5
    assert answer.partial == (Partial(column=SPEED, reason="timeout"),)


def test_answers_too_large_for_the_path_are_asked_smaller() -> None:
    """A path that loses answers of more than 500 octets: every row arrives, and the device's pace is remembered."""

    def script(ask: Ask, agent: ScriptedAgent) -> Iterable[bytes]:
        answer = agent.answer(ask)
        return [answer] if len(answer) <= 500 else []

    answer, _, requests = walk(script, again=3)
    assert indexes(answer) == ALL
    assert answer.partial == ()
    assert [ask.b for ask in requests if ask.b > 20] == [40]


def test_authorization_error_is_refused() -> None:
    """The device says that these credentials may not: a gap that says what to change."""
    with pytest.raises(GapError, match="view") as caught:
        walk(lambda ask, _: [error(ask, 16)])
    assert caught.value.reason == "refused"


@pytest.mark.parametrize(("rows", "partial"), [(60, ()), (59, (Partial(column=DESCR, reason="row cap"),))])
def test_the_row_cap_is_marked_only_when_rows_are_missing(rows: int, partial: tuple[Partial, ...]) -> None:
    """A table of exactly as many rows as allowed is complete."""
    answer, _, _ = walk(honest, max_rows=rows)
    assert indexes(answer) == ALL[:rows]
    assert answer.partial == partial


def test_the_request_cap_ends_a_walk() -> None:
    """A table that would take more requests than allowed is cut and marked."""
    answer, _, requests = walk(honest, table(rows=400), limits=replace(QUICK, max_requests=2))
    assert len(requests) == 2
    assert answer.partial == (Partial(column=DESCR, reason="request cap"),)


def test_the_octet_cap_ends_a_walk_of_huge_values() -> None:
    """A table whose values are as large as datagrams allow fills no memory: it is cut and marked."""

    def script(ask: Ask, agent: ScriptedAgent) -> Iterable[bytes]:
        start = row(ask.names[0])
        return [reply(ask, [(ber.oid_bytes(f"{DESCR}.{start + 1}"), ber.OCTET_STRING, b"x" * 60_000)])]

    answer, _, requests = walk(script, limits=replace(QUICK, timeout_ms=1000, max_octets=1_000_000))
    assert len(requests) == len(answer.varbinds) == 17
    assert answer.partial == (Partial(column=DESCR, reason="octet cap"),)


def test_the_deadline_ends_an_endless_table() -> None:
    """A table without end, with OIDs that do increase, ends in time and is marked."""

    def script(ask: Ask, agent: ScriptedAgent) -> Iterable[bytes]:
        start = row(ask.names[0])
        return [reply(ask, [(ber.oid_bytes(f"{DESCR}.{start + 1}"), ber.INTEGER, b"\x01")])]

    started = time.monotonic()
    answer, _, _ = walk(script, limits=replace(QUICK, deadline_ms=150))
    assert time.monotonic() - started < 20
    assert answer.partial == (Partial(column=DESCR, reason="deadline"),)
    assert answer.varbinds


def test_requests_wait_for_their_turn() -> None:
    """Two exchanges at once on one transport: the device sees one outstanding request at a time."""

    async def conversation() -> tuple[VarBinds, VarBinds, Counter[str]]:
        async with scripted_agent([*table(), BEYOND]) as agent:
            transport = SnmpTransport("127.0.0.1", agent.port, credentials=Community("2c", COMMUNITY), limits=QUICK)
            request = SnmpTable(columns=(SnmpColumn(oid=DESCR),))
            first, second = await asyncio.gather(transport.exchange(request), transport.exchange(request))
            await transport.close()
            await transport.close()
            return first, second, transport.dropped

    first, second, dropped = asyncio.run(conversation())
    assert first == second
    assert len(first.varbinds) == 60
    assert not dropped


def test_a_cancelled_exchange_leaves_the_transport_usable() -> None:
    """When a session's deadline cancels an exchange, the next one works and gets its own answers."""

    async def conversation() -> bytes:
        async with scripted_agent([*table(), BEYOND], silence) as agent:
            transport = SnmpTransport("127.0.0.1", agent.port, credentials=Community("2c", COMMUNITY), limits=QUICK)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.02):
                    await transport.exchange(SnmpGet(oids=(f"{DESCR}.1",)))
            agent.script = honest
            answer = await transport.exchange(SnmpGet(oids=(f"{DESCR}.2",)))
            await transport.close()
            return ber.decode_varbind(bytes.fromhex(answer.varbinds[0])).value

    assert asyncio.run(conversation()) == b"row 2"


def test_a_busy_process_does_not_make_a_device_look_dead() -> None:
    """An answer that waited in the socket while this process was busy is in time."""

    def script(ask: Ask, agent: ScriptedAgent) -> Iterable[bytes]:
        return [agent.answer(ask)]

    async def conversation() -> int:
        async with scripted_agent([*table(), BEYOND], script) as agent:
            transport = SnmpTransport("127.0.0.1", agent.port, credentials=Community("2c", COMMUNITY), limits=QUICK)
            asking = asyncio.create_task(transport.exchange(SnmpGet(oids=(f"{DESCR}.1",))))
            while not agent.requests:
                await asyncio.sleep(0)
            time.sleep(0.3)
            await asking
            await transport.close()
            return transport.sent

    assert asyncio.run(conversation()) == 1


def test_requests_decode_as_what_they_are() -> None:
    """The scripted agent's view of a request: GETBULK with non-repeaters 0 and max-repetitions in its place."""
    from agent.transports.snmp import message

    oid = ber.oid_bytes(DESCR)
    security = message.CommunitySecurity("2c", COMMUNITY)
    ask = decode(security.datagram(message.Ask(GET_BULK, (oid,), 12), 77))
    assert (ask.version, ask.community, ask.kind, ask.request_id, ask.a, ask.b) == (1, COMMUNITY, GET_BULK, 77, 0, 12)
    assert ask.oids == (oid,)
