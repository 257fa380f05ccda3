"""Playing the oldest hour: the nonce draws the cameras, the path is the brand's, and what comes back is judged."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from agent.collectors.recorders.interface import Channel, Clock, Recorder, Span
from agent.collectors.recorders.playback import drawn, played
from agent.errors import GapError
from agent.model.asset import Asset
from agent.model.campus import Campus, School
from agent.model.exchange import Answer, GapReason, RtspPlay, RtspPlayed
from tests.sessions.scripted import Step, live

CAMPUS = Campus(version="1", school=School(id="s", name="s"))
BEGIN = int(datetime(2026, 9, 1, 3, 4, 5, tzinfo=UTC).timestamp() * 1000)
SEEN = RtspPlayed(status=200, codec="H265", packets=40, octets=9000, key_frames=2, elapsed_ms=5000)


def asset(family: str = "hikvision-isapi", playback: int | None = 2, draw: str = "nonce") -> Asset:
    """Return a recorder of which some cameras are played."""
    return Asset(id="nvr1", family=family, address="192.0.2.1", playback=playback, draw=draw)


def recorder(zulu: str = "local", channels: int = 8) -> Recorder:
    """Return a recorder with footage on all channels but the last."""
    answer = Answer(SEEN, "2026-11-22T01:02:03Z", "sha256:" + "0" * 64)
    known = tuple(
        Channel(str(n), (answer,), spans=(Span(BEGIN, BEGIN + 10**9),) if n < channels else ())
        for n in range(1, channels + 1)
    )
    assert zulu in ("utc", "local", "unknown")
    return Recorder(answer, clock=Clock(0, zulu, answer), channels=known)  # type: ignore[arg-type] # just asserted


def play(one: Asset, told: Recorder, *steps: Step) -> tuple[dict[tuple[str, str], str], list[str]]:
    """Return readings by metric and subject, and the paths that were asked for."""
    session, transport, _, _ = live(list(steps))

    async def main() -> dict[tuple[str, str], str]:
        found = await played(one, CAMPUS, told, session)
        return {(reading.metric, reading.subject): reading.value for reading in found}

    readings = asyncio.run(main())
    return readings, [request.path for request in transport.asked if isinstance(request, RtspPlay)]


def test_the_nonce_draws_and_nothing_is_played_without_one() -> None:
    """Another nonce, other cameras; a channel without footage is never drawn."""
    draws = {tuple(one.id for one in drawn(asset(draw=str(n)), recorder())) for n in range(40)}
    assert len(draws) > 10
    assert all(len(one) == 2 for one in draws)
    assert {name for one in draws for name in one} == {str(n) for n in range(1, 8)}
    assert drawn(asset(draw=""), recorder()) == []
    assert drawn(asset(playback=None), recorder()) == []


def test_a_picture_proves_the_footage() -> None:
    """The oldest minute is asked for in the device's own time: in China eight hours ahead."""
    found, paths = play(asset(playback=1), recorder(channels=2), SEEN)
    assert found["channel.playable", "channel:nvr1/1"] == "yes"
    assert found["channel.playable.since", "channel:nvr1/1"] == "2026-09-01T03:04:35Z"
    assert found["channel.playable.key_frames", "channel:nvr1/1"] == "2"
    assert paths == ["/Streaming/tracks/101?starttime=20260901T110435Z&endtime=20260901T110535Z"]


def test_dahua_speaks_local_time_always() -> None:
    """Its own path, its own spelling."""
    _, paths = play(asset("dahua-recorder", playback=1), recorder("utc", channels=2), SEEN)
    assert paths == [
        "/cam/playback?channel=1&subtype=0&starttime=2026_09_01_11_04_35&endtime=2026_09_01_11_05_35",
    ]


@pytest.mark.parametrize(
    ("said", "state"),
    [
        (SEEN.model_copy(update={"key_frames": 0}), "no"),
        (SEEN.model_copy(update={"packets": 0, "key_frames": 0}), "no"),
        (SEEN.model_copy(update={"codec": "MPEG4", "key_frames": 0}), "yes"),
        (RtspPlayed(status=404, elapsed_ms=1), "unknown"),
    ],
)
def test_what_came_is_judged(said: RtspPlayed, state: str) -> None:
    """A stream without a key frame is no footage; a step that was refused proves nothing."""
    found, _ = play(asset(playback=1), recorder(channels=2), said)
    assert found["channel.playable", "channel:nvr1/1"] == state


def test_a_recorder_that_refuses_is_not_asked_again() -> None:
    """One refusal is enough: the next would lock the user out."""
    found, paths = play(asset(playback=5), recorder(), GapError(GapReason.REFUSED, "no"))
    assert found == {}
    assert len(paths) == 1


def test_without_a_calibrated_clock_nothing_is_asked() -> None:
    """Eight hours off, another hour would be played than is claimed."""
    assert play(asset(), recorder("unknown")) == ({}, [])


def test_a_brand_without_a_known_path_is_not_played() -> None:
    """Nothing is guessed."""
    assert play(asset("uniview-recorder"), recorder()) == ({}, [])
