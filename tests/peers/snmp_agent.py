"""A scripted SNMP agent for tests: answers correctly from a table until its script says otherwise.

    async with scripted_agent(table(rows=60), script) as agent:
        ...  # agent.port, agent.requests

A script is called with each request and the agent; it returns the datagrams to send (none for silence).
"""

from __future__ import annotations

import asyncio
import bisect
import socket
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import cast

from agent import ber

COMMUNITY = b"scripted"
GET, GET_NEXT, RESPONSE, GET_BULK = 0xA0, 0xA1, 0xA2, 0xA5
Cell = tuple[bytes, int, bytes]
"""OID content, tag, value content."""


@dataclass(frozen=True)
class Ask:
    """A request as it arrived; for GETBULK `b` is max-repetitions."""

    version: int
    community: bytes
    kind: int
    request_id: int
    a: int
    b: int
    oids: tuple[bytes, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The OIDs, dotted."""
        return tuple(ber.oid_text(oid) for oid in self.oids)


Script = Callable[[Ask, "ScriptedAgent"], Iterable[bytes]]


def honest(ask: Ask, agent: ScriptedAgent) -> Iterable[bytes]:
    """The script of an agent without faults."""
    return [agent.answer(ask)]


def table(columns: Iterable[str] = ("1.3.6.1.2.1.2.2.1.2",), rows: int = 60, tag: int = ber.OCTET_STRING) -> list[Cell]:
    """Return columns of numbered rows."""
    return [
        (ber.oid_bytes(f"{column}.{row}"), tag, b"row %d" % row if tag == ber.OCTET_STRING else bytes((row,)))
        for column in columns
        for row in range(1, rows + 1)
    ]


@dataclass
class ScriptedAgent:
    """The agent's table and what it was asked."""

    cells: list[Cell]
    script: Script = honest
    requests: list[Ask] = field(default_factory=list)
    port: int = 0
    keys: list[tuple[int, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cells = sorted(self.cells, key=lambda cell: ber.oid_tuple(cell[0]))
        self.keys = [ber.oid_tuple(cell[0]) for cell in self.cells]

    def after(self, oid: bytes) -> Cell | None:
        """Return the first cell after the OID."""
        at = bisect.bisect_right(self.keys, ber.oid_tuple(oid))
        return self.cells[at] if at < len(self.cells) else None

    def varbinds(self, ask: Ask) -> list[Cell]:
        """Return what a correct SNMPv2c agent answers."""
        if ask.kind == GET:
            known = {cell[0]: cell for cell in self.cells}
            return [known.get(oid, (oid, ber.NO_SUCH_INSTANCE, b"")) for oid in ask.oids]
        found: list[Cell] = []
        cursors = list(ask.oids)
        for _ in range(ask.b if ask.kind == GET_BULK else 1):
            for at, cursor in enumerate(cursors):
                cell = self.after(cursor) or (cursor, ber.END_OF_MIB_VIEW, b"")
                cursors[at] = cell[0]
                found.append(cell)
        return found

    def answer(self, ask: Ask) -> bytes:
        """Return the correct answer."""
        if ask.version == 0:
            return self.answer_v1(ask)
        return reply(ask, self.varbinds(ask))

    def answer_v1(self, ask: Ask) -> bytes:
        """Return the answer of a correct SNMPv1 agent: noSuchName names the variable, and the request is echoed."""
        cells = self.varbinds(ask)
        for at, cell in enumerate(cells, 1):
            if cell[1] in {ber.END_OF_MIB_VIEW, ber.NO_SUCH_INSTANCE}:
                return reply(ask, [(oid, ber.NULL, b"") for oid in ask.oids], status=2, index=at)
        return reply(ask, cells)


def reply(ask: Ask, cells: Iterable[Cell], *, status: int = 0, index: int = 0, kind: int = RESPONSE) -> bytes:
    """Return the message that answers the request with these cells."""
    varbinds = b"".join(ber.encode_varbind(*cell) for cell in cells)
    pdu = ber.tlv(
        kind,
        ber.encode_integer(ask.request_id)
        + ber.encode_integer(status)
        + ber.encode_integer(index)
        + ber.tlv(ber.SEQUENCE, varbinds),
    )
    head = ber.encode_integer(ask.version) + ber.tlv(ber.OCTET_STRING, ask.community)
    return ber.tlv(ber.SEQUENCE, head + pdu)


def error(ask: Ask, status: int, index: int = 0) -> bytes:
    """Return an error that echoes the request's variables."""
    return reply(ask, [(oid, ber.NULL, b"") for oid in ask.oids], status=status, index=index)


def limited(ask: Ask, repetitions: int) -> Ask:
    """Return the request with fewer repetitions."""
    return replace(ask, b=min(ask.b, repetitions))


def decode(data: bytes) -> Ask:
    """Read a community message."""
    _, at, end = ber.header(data, 0, len(data))
    values: list[bytes] = []
    for _ in range(2):
        _, start, at = ber.header(data, at, end)
        values.append(data[start:at])
    kind, at, end = ber.header(data, at, end)
    numbers: list[int] = []
    for _ in range(3):
        _, start, at = ber.header(data, at, end)
        numbers.append(int.from_bytes(data[start:at], "big", signed=True))
    _, at, end = ber.header(data, at, end)
    oids = tuple(oid for oid, _, _ in ber.split_varbinds(data, at, end))
    return Ask(values[0][0], values[1], kind, numbers[0], numbers[1], numbers[2], oids)


class _Protocol(asyncio.DatagramProtocol):
    def __init__(self, agent: ScriptedAgent) -> None:
        self._agent = agent
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        ask = decode(data)
        self._agent.requests.append(ask)
        assert self._transport is not None
        for datagram in self._agent.script(ask, self._agent):
            self._transport.sendto(datagram, address)


@asynccontextmanager
async def scripted_agent(cells: list[Cell], script: Script = honest) -> AsyncIterator[ScriptedAgent]:
    """Serve on a free loopback port."""
    agent = ScriptedAgent(cells, script)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Protocol(agent), local_addr=("127.0.0.1", 0), family=socket.AF_INET
    )
    agent.port = transport.get_extra_info("sockname")[1]
    try:
        yield agent
    finally:
        transport.close()
        await asyncio.sleep(0)
