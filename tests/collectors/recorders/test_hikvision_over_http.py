"""A Hikvision recorder from its socket to readings: transport, redaction, collector, record and replay."""

from __future__ import annotations

import asyncio
import io
import json
from typing import TYPE_CHECKING

import pytest

from agent.clock import SystemClock
from agent.collectors import measure
from agent.lab.recorders.hikvision import HikvisionRecorder
from agent.lab.recorders.server import Door, serve
from agent.lab.recorders.spans import DAY, HOUR, Outage, footage
from agent.model.exchange import HttpReply
from agent.packs.load import config_directory, load_metrics
from agent.runtime.adhoc import parse_target, read_live, read_record
from agent.runtime.credentials import Credential
from agent.sessions.segment import parse_segment

if TYPE_CHECKING:
    from agent.model.reading import Reading

PASSWORD = "lab-password-1"
CREDENTIAL = Credential(username="agent", password=PASSWORD)
PRIVATE = ("东门", "cameraadmin", "CAM-LAB", "CCRRLAB0001", "WDLAB0001", "71:66:e0", "48443030-1111", PASSWORD)
"""Names of places and people, serial numbers, a MAC address, the password."""


def now() -> int:
    """Return the time in whole seconds, in ms since 1970."""
    return int(SystemClock().now().timestamp()) * 1000


def read(device: HikvisionRecorder, door: Door, query: str = "") -> tuple[list[Reading], bytes]:
    """Read the device as `campus-agent read isapi://...` does, and check that the record gives the same."""
    kept = io.BytesIO()
    with serve(device, door) as served:
        target = parse_target(f"isapi://127.0.0.1:{served.port}{query}", seconds=120)
        told = asyncio.run(read_live(target, CREDENTIAL, record=kept.write))
    kept.seek(0)
    replayed = asyncio.run(read_record(kept, where="record"))
    assert [one.to_bytes() for one in replayed.readings] == [one.to_bytes() for one in told.readings]
    return told.readings, kept.getvalue()


def values(readings: list[Reading], metric: str) -> dict[str, str]:
    """Return values of a metric by the last part of the subject."""
    return {one.subject.rpartition("/")[2]: one.value for one in readings if one.metric == metric}


@pytest.mark.parametrize("algorithms", [("MD5",), ("MD5", "SHA-256")])
def test_readings_live_and_from_the_record(algorithms: tuple[str, ...]) -> None:
    """Live and replayed readings are equal byte for byte, fit their metrics, and the record holds nothing private."""
    begun = now()
    outage = Outage(begun - 2 * DAY, begun - 2 * DAY + 5 * HOUR, 2)
    device = HikvisionRecorder(footage(3, 5, begun, outages=(outage,)), now)
    readings, kept = read(device, Door(algorithms=algorithms, joined=True), "?search_days=10")
    assert values(readings, "channel.search") == dict.fromkeys("123", "complete")
    assert values(readings, "channel.recording") == dict.fromkeys("123", "yes")
    assert {name: len(text.split()) for name, text in values(readings, "channel.spans").items()} == {
        "1": 1,
        "2": 2,
        "3": 1,
    }
    assert values(readings, "recorder.clock.zulu") == {
        f"asset:127.0.0.1-{readings[0].subject.rpartition('-')[2]}": "local"
    }
    assert values(readings, "collector.answer").popitem()[1] == "ok"
    metrics = load_metrics(config_directory())
    for one in readings:
        metric = metrics[one.metric]
        assert one.unit == metric.unit
        assert not metric.states or one.value in metric.states or one.metric == "collector.answer"
        assert one.sources
    record = kept.decode()
    assert [word for word in PRIVATE if word in record] == []
    assert "Authorization" not in record
    assert all(text.startswith("~serial-") for text in values(readings, "channel.identity").values())


def test_the_same_camera_behind_two_recorders_has_one_identity() -> None:
    """The pseudonym of a camera's serial number is the campus's, not the recorder's."""
    from agent.packs.load import load_families
    from agent.runtime.opening import open_transport
    from agent.sessions.live import LiveSession
    from agent.sessions.redact import Redactor

    found = []
    families = load_families(config_directory())
    for _ in range(2):
        with serve(HikvisionRecorder(footage(1, 1, now()), now)) as served:
            target = parse_target(f"isapi://127.0.0.1:{served.port}?search_days=1")

            async def ask(target=target) -> list[Reading]:  # type: ignore[no-untyped-def]  # bound at once
                transport = open_transport(target.asset, families["hikvision-isapi"], CREDENTIAL)
                session = LiveSession(transport, Redactor(bytes(32)), lambda _: None, SystemClock(), 60)
                try:
                    return await measure(target.asset, target.campus, ["recorder"], session)
                finally:
                    await transport.close()

            found.append(values(asyncio.run(ask()), "channel.identity"))
    assert found[0] == found[1] != {}


def test_a_wrong_password_is_one_wrong_password() -> None:
    """The user is not locked out: one try, a reading of the refusal, nothing else."""
    door = Door(password="another")
    readings, _ = read(HikvisionRecorder(footage(1, 1, now()), now), door)
    assert [(one.metric, one.value) for one in readings] == [("collector.answer", "refused")]
    assert (door.wrong, door.locked) == (1, False)


def test_a_device_that_stops_in_the_middle_keeps_what_it_told() -> None:
    """What was read before a gap is told, the rest is incomplete, and the gap is a reading."""
    door = Door()
    device = HikvisionRecorder(footage(2, 3, now()), now)
    answer = device._search

    def search(body: str):  # type: ignore[no-untyped-def]  # what the device answers
        if "<trackID>201<" in body:
            door.password = "changed"
            door.uses = 1
        return answer(body)

    device._search = search  # type: ignore[method-assign]  # a password that is changed meanwhile
    readings, _ = read(device, door, "?search_days=5")
    assert values(readings, "channel.search")["1"] == "complete"
    assert values(readings, "channel.search")["2"] == "incomplete"
    assert [one.value for one in readings if one.metric == "collector.answer"] == ["refused"]
    assert door.wrong == 1


def test_a_search_is_a_small_record() -> None:
    """A file costs some 200 octets of the record, not the 800 that the device sends: a recorder has 200 000 of them."""
    begun = now()
    device = HikvisionRecorder(footage(1, 10, begun), now)
    _, kept = read(device, Door(), "?search_days=10")
    replies = [one.exchange.response for one in parse_segment(kept).exchanges]
    bodies = [one.body for one in replies if isinstance(one, HttpReply) and "searchMatchItem" in one.body]
    files = sum(body.count("<searchMatchItem>") for body in bodies)
    assert files > 300
    assert len(json.dumps(bodies)) / files < 280
