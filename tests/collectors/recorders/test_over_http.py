"""Each brand over real HTTP: login, allow-list and redaction on the way, and the same facts from the record."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from agent.clock import SystemClock
from agent.collectors.recorders import dahua, facts, onvif, uniview
from agent.errors import GapError
from agent.lab.recorders.dahua import DahuaRecorder
from agent.lab.recorders.onvif import OnvifRecorder, TokenDoor
from agent.lab.recorders.server import Door, serve
from agent.lab.recorders.uniview import UniviewRecorder
from agent.model.evidence import SegmentHeader
from agent.packs.load import config_directory, load_families
from agent.sessions.live import LiveSession
from agent.sessions.redact import Redactor
from agent.sessions.replay import ReplaySession
from agent.sessions.segment import parse_segment, segment_bytes
from agent.transports.http import HttpLogin, HttpTransport
from tests.collectors.recorders.recording import ASSET, CAMPUS, HOUR, spans

if TYPE_CHECKING:
    from agent.collectors.recorders.interface import Brand, Recorder
    from agent.lab.recorders.server import Device
    from agent.model.exchange import Exchange

PASSWORD = "lab-password-1"
PRIVATE = (b"\xe4\xb8\x9c\xe9\x97\xa8", b"9L00000CAM", b"4A0123BPAZ00001", b"LAB0001", b"camera-password-1", b"CAM0001")
"""A camera's name and its octets in GB 18030 below, serial numbers, a camera's own password."""


def now() -> int:
    """Return the time in ms since 1970."""
    return int(SystemClock().now().timestamp() * 1000)


def footage() -> tuple[tuple[int, int], ...]:
    """Return three days with a hole, up to now."""
    end = now() // 1000 * 1000
    return (end - 72 * HOUR, end - 40 * HOUR), (end - 30 * HOUR, end)


def devices() -> list[tuple[str, Brand, Device]]:
    """Return a recorder of each brand with that footage."""
    stretches = footage()
    return [
        ("dahua-recorder", dahua.read, DahuaRecorder({0: stretches}, now)),
        ("onvif-recorder", onvif.read, OnvifRecorder({"R1": stretches}, now)),
        ("uniview-recorder", uniview.read, UniviewRecorder({1: stretches}, now)),
    ]


def over_http(family: str, brand: Brand, device: Device, door: Door) -> tuple[Recorder, list[Exchange]]:
    """Read the device through transport and live session, then from the record; both must say the same."""
    profile = load_families(config_directory())[family].http
    assert profile is not None
    kept: list[Exchange] = []

    async def live(port: int) -> Recorder:
        transport = HttpTransport("127.0.0.1", profile, HttpLogin(username="agent", password=PASSWORD), port=port)
        redactor = Redactor(bytes(32), (PASSWORD.encode(),))
        try:
            return await brand(ASSET, CAMPUS, LiveSession(transport, redactor, kept.append, SystemClock(), 60))
        finally:
            await transport.close()

    with serve(device, door) as served:
        found = asyncio.run(live(served.port))
    header = SegmentHeader(run="r", asset=ASSET, collectors=("recorder",))
    replay = ReplaySession(parse_segment(segment_bytes(header, [one.to_bytes() for one in kept])).exchanges)
    assert asyncio.run(brand(ASSET, CAMPUS, replay)) == found
    replay.finish()
    return found, kept


@pytest.mark.parametrize("which", [0, 1, 2], ids=["dahua", "onvif", "uniview"])
@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_read_and_replayed(which: int, algorithm: str) -> None:
    """Footage comes through a digest door; nothing private and no password is in the record."""
    family, brand, device = devices()[which]
    found, kept = over_http(family, brand, device, Door(algorithms=(algorithm,)))
    (one,) = found.channels
    assert one.complete
    assert one.recording is True
    told = spans(one)
    assert told is not None
    assert [round((until - since) / HOUR) for since, until in told] == [32, 30]
    record = b"\n".join(exchange.to_bytes() for exchange in kept)
    assert [word for word in (*PRIVATE, PASSWORD.encode(), "东门".encode("gb18030")) if word in record] == []
    sources = {exchange.digest() for exchange in kept}
    readings = facts.readings(ASSET, found)
    assert {source for reading in readings for source in reading.sources} <= sources
    assert {"channel.spans", "channel.search", "recorder.channels"} <= {reading.metric for reading in readings}
    assert one.identity
    assert found.serial.startswith("~serial-")


def test_token_device() -> None:
    """A device that takes only tokens, with a clock that is wrong by hours, is read with tokens of its own time."""
    door = TokenDoor()
    device = OnvifRecorder({"R1": footage()}, now, tokens=door, drift=5 * HOUR)
    found, kept = over_http("onvif-recorder", onvif.read, device, Door(login="none"))
    assert found.channels[0].spans
    assert door.wrong == 0
    record = b"\n".join(exchange.to_bytes() for exchange in kept)
    assert b"UsernameToken" not in record
    assert found.clock is not None
    assert found.clock.offset_ms is not None
    assert abs(found.clock.offset_ms - 5 * HOUR) < 60_000


@pytest.mark.parametrize("which", [0, 1, 2], ids=["dahua", "onvif", "uniview"])
def test_wrong_password_is_tried_once(which: int) -> None:
    """A wrong password is one try at the door, and a refusal."""
    family, brand, device = devices()[which]
    door = Door(password="another-password")
    with pytest.raises(GapError) as raised:
        over_http(family, brand, device, door)
    assert raised.value.reason == "refused"
    assert door.wrong == 1


def test_wrong_token_is_tried_once() -> None:
    """A wrong token is one try, and a refusal."""
    door = TokenDoor(password="another-password")
    device = OnvifRecorder({"R1": footage()}, now, tokens=door)
    with pytest.raises(GapError) as raised:
        over_http("onvif-recorder", onvif.read, device, Door(login="none"))
    assert raised.value.reason == "refused"
    assert door.wrong == 1
