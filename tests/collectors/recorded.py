"""Peers of collector tests: a transport that answers from a recording, and a session over it that keeps its record."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from agent import ber
from agent.clock import SystemClock
from agent.collectors import measure
from agent.errors import GapError
from agent.lab.snmp.recording import Cell, Recording
from agent.model.asset import Asset
from agent.model.campus import Campus, Link, School
from agent.model.evidence import SegmentHeader
from agent.model.exchange import GapReason, MqttMessages, Notifications, Request, SnmpGet, SnmpTable, VarBinds
from agent.sessions.live import LiveSession
from agent.sessions.redact import Redactor
from agent.sessions.replay import ReplaySession
from agent.sessions.segment import parse_segment, segment_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.model.exchange import Exchange, Transport
    from agent.model.reading import Reading

ASSET = Asset(id="sw1", family="generic-snmp", address="192.0.2.1")


class RecordingTransport:
    """Answers as a correct SNMPv2c engine would have been answered by the recorded device.

    `vlans` are the copies of tables that the device keeps for VLANs; others of them it does not answer.
    """

    def __init__(self, recording: Recording, vlans: Mapping[int, Recording] | None = None) -> None:
        self.recording = recording
        self.vlans = vlans or {}
        self.asked: list[Request] = []

    async def exchange(self, request: Request) -> VarBinds | Notifications | MqttMessages:
        self.asked.append(request)
        if isinstance(request, SnmpGet):
            return VarBinds(varbinds=tuple(self._cell(oid) for oid in request.oids))
        assert isinstance(request, SnmpTable)
        recording = self.recording
        if request.vlan is not None:
            if request.vlan not in self.vlans:
                raise GapError(GapReason.UNREACHABLE, "no answer")
            recording = self.vlans[request.vlan]
        found = [at for column in request.columns for at in recording.under(column.oid)]
        return VarBinds(varbinds=tuple(recording.varbinds[at].hex() for at in found))

    async def close(self) -> None:
        """Nothing is open."""

    def _cell(self, oid: str) -> str:
        at = self.recording.find(ber.oid_bytes(oid))
        if at is None:
            return ber.encode_varbind(ber.oid_bytes(oid), ber.NO_SUCH_INSTANCE, b"").hex()
        return self.recording.varbinds[at].hex()


def cell(oid: str, value: str | bytes | int, tag: int | None = None) -> Cell:
    """Return an object: octets for text, an INTEGER for a number, unless another tag is given."""
    if isinstance(value, int):
        kind = ber.INTEGER if tag is None else tag
        return Cell(ber.oid_bytes(oid), kind, ber.encode_integer(value, kind)[2:])
    octets = value.encode() if isinstance(value, str) else value
    return Cell(ber.oid_bytes(oid), ber.OCTET_STRING if tag is None else tag, octets)


def campus(*links: Link) -> Campus:
    """Return a campus of the one asset and these links."""
    return Campus(version="1", school=School(id="s", name="s"), assets=(ASSET,), links=links)


def converse(
    transport: Transport, collectors: Sequence[str] = (), links: tuple[Link, ...] = ()
) -> tuple[list[Reading], list[Exchange]]:
    """Measure live, then by replay of what was kept; the two must be equal byte for byte.

    Args:
        transport: the device.
        collectors: which to run; none for the interfaces, and for the links if there are any.
        links: watched ones of the device.
    """
    collectors = collectors or (("interfaces", "links") if links else ("interfaces",))
    kept: list[Exchange] = []
    place = campus(*links)

    async def live() -> list[Reading]:
        session = LiveSession(transport, Redactor(bytes(32)), kept.append, SystemClock(), 30)
        try:
            return await measure(ASSET, place, collectors, session)
        finally:
            await transport.close()

    readings = asyncio.run(live())
    header = SegmentHeader(run="r", asset=ASSET, collectors=tuple(collectors))
    record = parse_segment(segment_bytes(header, [exchange.to_bytes() for exchange in kept]))
    replay = ReplaySession(record.exchanges)
    again = asyncio.run(measure(ASSET, place, collectors, replay))
    replay.finish()
    assert [reading.to_bytes() for reading in again] == [reading.to_bytes() for reading in readings]
    sources = {exchange.digest() for exchange in kept}
    assert all(set(reading.sources) <= sources for reading in readings)
    return readings, kept


def value(readings: Sequence[Reading], metric: str, subject: str | None = None) -> str | None:
    """Return the value of the one reading of that metric (and subject), or None."""
    found = [one.value for one in readings if one.metric == metric and subject in (None, one.subject)]
    assert len(found) < 2, found
    return found[0] if found else None
