"""Playing the oldest hour: the nonce draws the cameras, the path is the brand's, and what comes back is judged."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from agent.collectors.recorders.interface import Channel, Clock, Recorder, Span
from agent.collectors.recorders.playback import drawn, played
from agent.errors import GapError
from agent.model.asset import Asset
from agent.model.exchange import Answer, GapReason, RtspPlay, RtspPlayed
from tests.sessions.scripted import Step, live

BEGIN = int(datetime(2026, 9, 1, 3, 4, 5, tzinfo=UTC).timestamp() * 1000)
SEEN = RtspPlayed(status=200, codec="H265", packets=40, octets=9000, key_frames=2, elapsed_ms=5000)


def asset(family: str = "hikvision-isapi", playback: int | None = 2, draw: str = "nonce") -> Asset:
    """Return a recorder of which some cameras are played."""
    return Asset(id="nvr1", family=family, address="192.0.2.1", playback=playback, draw=draw)


def recorder(hours: int | None = 8, channels: int = 8) -> Recorder:
    """Return a recorder whose times are so far ahead of UTC, with footage on all channels but the last."""
    answer = Answer(SEEN, "2026-11-22T01:02:03Z", "sha256:" + "0" * 64)
    known = tuple(
        Channel(str(n), (answer,), spans=(Span(BEGIN, BEGIN + 10**9),) if n < channels else ())
        for n in range(1, channels + 1)
    )
    ahead = hours * 3_600_000 if hours is not None else None
    return Recorder(answer, clock=Clock(0, "unknown" if hours is None else "local", answer, ahead), channels=known)


def play(one: Asset, told: Recorder, *steps: Step) -> tuple[dict[tuple[str, str], str], list[str]]:
    """Return readings by metric and subject, and the paths that were asked for."""
    session, transport, _, _ = live(list(steps))

    async def main() -> dict[tuple[str, str], str]:
        found = await played(one, told, session)
        assert not found.notes
        return {(reading.metric, reading.subject): reading.value for reading in found.readings}

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


@pytest.mark.parametrize(
    ("family", "hours", "path"),
    [
        ("hikvision-isapi", 0, "/Streaming/tracks/101?starttime=20260901T030435Z&endtime=20260901T030535Z"),
        ("hikvision-isapi", 9, "/Streaming/tracks/101?starttime=20260901T120435Z&endtime=20260901T120535Z"),
        (
            "dahua-recorder",
            8,
            "/cam/playback?channel=1&subtype=0&starttime=2026_09_01_11_04_35&endtime=2026_09_01_11_05_35",
        ),
        ("uniview-recorder", 0, "/c1/b1788231875/e1788231935/replay/"),
    ],
)
def test_each_brand_has_its_own_path(family: str, hours: int, path: str) -> None:
    """And its own spelling of times, in whichever zone the device lists its footage, be it a wrong one."""
    _, paths = play(asset(family, playback=1), recorder(hours, channels=2), SEEN)
    assert paths == [path]


@pytest.mark.parametrize(
    ("said", "state"),
    [
        (SEEN.model_copy(update={"key_frames": 0}), "no"),
        (SEEN.model_copy(update={"packets": 0, "key_frames": 0}), "no"),
        (SEEN.model_copy(update={"codec": "MPEG4", "key_frames": 0}), "yes"),
        (RtspPlayed(status=404, elapsed_ms=1), "unknown"),
        (RtspPlayed(status=200, elapsed_ms=1), "unknown"),
        (SEEN.model_copy(update={"starts": "npt=now-"}), "yes"),
        (SEEN.model_copy(update={"starts": "clock=20260901T110430.5Z-"}), "yes"),
        (SEEN.model_copy(update={"starts": "clock=20260901T030435Z-20260901T030535Z"}), "yes"),
        (SEEN.model_copy(update={"starts": "clock=99999999T999999Z-"}), "yes"),
        (SEEN.model_copy(update={"pictured": "2026-09-01T03:04:05.000Z"}), "yes"),
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
    assert play(asset(), recorder(None)) == ({}, [])
    assert play(asset(), Recorder(recorder().answer, channels=recorder().channels)) == ({}, [])


@pytest.mark.parametrize(
    "said",
    [
        {"starts": "clock=20260901T110606Z-"},
        {"starts": "clock=20260901T110400Z-"},
        {"starts": "clock=20261122T010203Z-", "key_frames": 0},
        {"pictured": "2026-09-02T03:04:35.000Z"},
        {"pictured": "2026-09-02T03:04:35.000Z", "starts": "clock=20260901T110435Z-"},
    ],
)
def test_another_time_than_the_one_asked_for_proves_nothing(said: dict[str, object]) -> None:
    """Neither that the footage plays nor that it does not, and a note says so; pictures outrank what a header says."""
    session, _, _, _ = live([SEEN.model_copy(update=said)])
    found = asyncio.run(played(asset(playback=1), recorder(channels=2), session))
    assert [one.value for one in found.readings if one.metric == "channel.playable"] == ["unknown"]
    assert found.notes == {"playback-other-time"}


def test_a_brand_without_a_known_path_is_not_played() -> None:
    """Nothing is guessed."""
    assert play(asset("recorder-snmp"), recorder()) == ({}, [])


def test_only_ids_that_may_stand_in_a_path_are_drawn() -> None:
    """A channel's name from a device never becomes part of a path; an ONVIF token is asked for, and need not."""
    odd = Channel("../1", (recorder().answer,), spans=(Span(BEGIN, BEGIN + 10**9),))
    told = Recorder(recorder().answer, channels=(odd,))
    assert drawn(asset("dahua-recorder"), told) == []
    assert drawn(asset("onvif-recorder"), told) == [odd]
