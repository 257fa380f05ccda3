"""Recordings beside the project as devices: served by the lab agent, read through a live session, as in a run.

The recordings were made from net-snmp's text output, which shows BITS as text (``28 00 2 4``: octets, then the numbers
of the bits that are set). That is undone here, where a device is played, not in the product.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agent import ber
from agent.clock import SystemClock
from agent.collectors import measure
from agent.lab.snmp import Cell, Device, Recording, read, running_lab
from agent.model.asset import Asset
from agent.model.campus import Campus, School
from agent.model.evidence import SegmentHeader
from agent.sessions.live import LiveSession
from agent.sessions.redact import Redactor
from agent.sessions.segment import segment_bytes
from agent.transports.snmp import Community, SnmpTransport

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.model.reading import Reading

FIXTURES = Path(__file__).parents[3] / "shared" / "fixtures" / "snmp"
NAMES: list[Any] = sorted(path.relative_to(FIXTURES).as_posix() for path in FIXTURES.rglob("*.snmprec"))
NONE_HERE = [pytest.param("", marks=pytest.mark.skip(reason="no recordings beside the project"))]
NAMES = NAMES or NONE_HERE
REDACTOR = Redactor(bytes(range(32)))
BIT_COLUMNS = tuple(
    ber.oid_bytes(f"1.0.8802.1.1.2.1.4.1.1.{column}")
    for column in (11, 12)  # supported, enabled
)


def expected() -> dict[str, Any]:
    """Return the facts that another system computed, by name of the recording; none where they are not here."""
    path = FIXTURES / "EXPECTED.json"
    return json.loads(path.read_text(encoding="utf-8"))["recordings"] if path.exists() else {}


def recording(name: str) -> Recording:
    """Return a recording with BITS as a device sends them."""
    found = read(FIXTURES / name)
    cells = [
        Cell(cell.oid, ber.OCTET_STRING, bits(cell.value))
        for cell in found.cells()
        if cell.tag == ber.OCTET_STRING and cell.oid.startswith(BIT_COLUMNS) and len(cell.value) > 1
    ]
    return found.with_cells(cells) if cells else found


def bits(text: bytes) -> bytes:
    """Return the octets that ``28 00 2 4`` shows: as many words as agree with the bit numbers that follow."""
    words = text.decode("ascii", "replace").split()
    for count in range(1, len(words) + 1):
        try:
            octets = bytes(int(word, 16) for word in words[:count])
        except ValueError:
            break
        if [at for at in range(8 * count) if octets[at // 8] & (0x80 >> at % 8)] == list(_numbers(words[count:])):
            return octets
    return text


def _numbers(words: Sequence[str]) -> list[int]:
    return [int(word) if word.isdigit() else -1 for word in words]


def asset_and_campus(port: int) -> tuple[Asset, Campus]:
    """One device on one campus."""
    asset = Asset(id="sw1", family="generic-snmp", address="127.0.0.1", port=port)
    return asset, Campus(version="1", school=School(id="s1", name="S"), assets=(asset,))


async def converse(device: Recording, collectors: Sequence[str]) -> tuple[list[Reading], bytes]:
    """Run collectors over a recording; return the readings and the raw segment."""
    lines: list[bytes] = []
    async with running_lab([Device("sw1", device)]) as lab:
        asset, campus = asset_and_campus(lab["sw1"].address[1])
        transport = SnmpTransport(*lab["sw1"].address, credentials=Community("2c", b"lab-ro"))
        try:
            session = LiveSession(transport, REDACTOR, lambda each: lines.append(each.to_bytes()), SystemClock(), 60)
            readings = await measure(asset, campus, collectors, session)
        finally:
            await transport.close()
    header = SegmentHeader(run="test", asset=asset, collectors=tuple(collectors), campus=campus)
    return readings, segment_bytes(header, lines)


def readings_of(device: Recording, *collectors: str) -> list[Reading]:
    """Return the readings of a recording."""
    return asyncio.run(converse(device, collectors))[0]
