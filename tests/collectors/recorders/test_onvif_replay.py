"""Playing over ONVIF: the device says where it plays, and of its address only port and path are believed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.clock import SystemClock
from agent.collectors.recorders import collect, onvif
from agent.collectors.recorders.onvif_replay import Place, place_of
from agent.collectors.recorders.playback import played
from agent.errors import GapError
from agent.lab.recorders.onvif import OnvifRecorder, TokenDoor
from agent.lab.recorders.server import Door, serve
from agent.model.asset import Asset
from agent.model.cli import escaped, received
from agent.model.evidence import SegmentHeader
from agent.model.exchange import Answer, GapReason, HttpReply, HttpRequest, RtspPlay, RtspPlayed
from agent.packs.load import config_directory, load_families
from agent.runtime.credentials import Credential
from agent.runtime.opening import open_transport
from agent.sessions.live import LiveSession
from agent.sessions.redact import Redactor
from agent.sessions.replay import ReplaySession
from agent.sessions.segment import parse_segment, segment_bytes
from tests.collectors.recorders.recording import CAMPUS, HOUR, NOW, Direct, hours
from tests.transports.test_rtsp import LOGIN, PATH, gstreamer

if TYPE_CHECKING:
    from agent.collectors.recorders.playback import Playback
    from agent.model.exchange import Exchange, Request
    from agent.model.reading import Reading

ASSET = Asset(id="nvr1", family="onvif-recorder", address="192.0.2.9", playback=2, draw="nonce")
FOOTAGE = {"R1": hours((30, 0))}
SEEN = RtspPlayed(status=200, codec="H264", packets=40, octets=9000, key_frames=2, elapsed_ms=5000)
ASKED = "20261120T190233Z-20261120T190333Z"
"""Thirty seconds into the footage."""
TIMED = SEEN.model_copy(update={"starts": f"clock={ASKED}"})
URI = "rtsp://10.9.8.7:8554/replay?recording={token}&x=1"


class Playing(Direct):
    """A session with a lab device whose recordings are played from a list of answers."""

    def __init__(self, device: OnvifRecorder, *answers: RtspPlayed | GapError) -> None:
        super().__init__(device)
        self.answers = list(answers)
        self.plays: list[RtspPlay] = []

    async def ask(self, request: Request) -> Answer:
        if not isinstance(request, RtspPlay):
            return await super().ask(request)
        self.plays.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, GapError):
            raise answer
        return Answer(answer, "2026-11-22T01:02:09Z", f"sha256:{len(self.plays):064x}")


def play(session: Playing, asset: Asset = ASSET) -> Playback:
    """Return what playing a device gave, after reading it."""

    async def main() -> Playback:
        return await played(asset, await onvif.read(asset, CAMPUS, session), session)

    return asyncio.run(main())


def states(found: Playback) -> dict[str, str]:
    """Return by recording whether it plays."""
    return {one.subject.rpartition("/")[2]: one.value for one in found.readings if one.metric == "channel.playable"}


def recorder(footage: dict[str, tuple[tuple[int, int], ...]] | None = None, **traps: Any) -> OnvifRecorder:
    """Return a device that tells where it plays."""
    return OnvifRecorder(footage or FOOTAGE, lambda: NOW, **{"replay": URI, **traps})


@pytest.mark.parametrize("traps", [{}, {"services": False}, {"encoding": "gb2312"}], ids=["services", "old", "gb2312"])
def test_the_device_says_where_and_the_range_says_when(traps: dict[str, Any]) -> None:
    """Path, query and port are the device's, the hour is in the Range header; readings cite both answers."""
    session = Playing(recorder(**traps), TIMED)
    found = play(session)
    (request,) = session.plays
    assert (request.path, request.port) == ("/replay?recording=R1&x=1", 8554)
    assert (request.clock_range, request.require) == (ASKED, "onvif-replay")
    assert states(found) == {"R1": "yes"}
    assert {len(one.sources) for one in found.readings if one.metric == "channel.playable"} == {2}
    assert found.notes == set()


def test_any_token_is_asked_for() -> None:
    """A token is an element's text, never a part of a path that is made here."""
    session = Playing(recorder({"a&b</../x": hours((30, 0)), "": hours((30, 0)), "东": hours((30, 0))}), TIMED, TIMED)
    assert set(states(play(session)).values()) == {"yes"}
    assert {request.path for request in session.plays} == {
        "/replay?recording=a%26b%3C%2F..%2Fx&x=1",
        "/replay?recording=%E4%B8%9C&x=1",
    }


def test_a_port_of_the_campus_file_is_used() -> None:
    """It is the one that leads to the device, whatever the device believes."""
    session = Playing(recorder(), TIMED)
    play(session, ASSET.model_copy(update={"rtsp_port": 10554}))
    assert session.plays[0].port is None


@pytest.mark.parametrize("traps", [{"local_zulu": True}, {"drift": 30_000 - 8 * HOUR}], ids=["local", "wrong zone"])
def test_the_device_is_asked_in_its_own_times(traps: dict[str, Any]) -> None:
    """A device that breaks the rule of UTC where it lists footage is not asked for an hour that it does not have."""
    ahead = 8 if "local_zulu" in traps else -8
    said = "20261121T030233Z" if ahead == 8 else "20261120T110303Z"
    session = Playing(recorder(**traps), SEEN.model_copy(update={"starts": f"clock={said}-"}))
    assert states(play(session)) == {"R1": "yes"}
    assert session.plays[0].clock_range.startswith(said)


@pytest.mark.parametrize(
    ("said", "state", "note"),
    [
        (SEEN, "unknown", "playback-time-not-told"),
        (SEEN.model_copy(update={"key_frames": 0}), "unknown", "playback-time-not-told"),
        (SEEN.model_copy(update={"starts": "npt=now-"}), "unknown", "playback-time-not-told"),
        (SEEN.model_copy(update={"starts": "clock=20261122T010203Z-"}), "unknown", "playback-other-time"),
        (TIMED.model_copy(update={"pictured": "2026-11-22T01:02:03.000Z"}), "unknown", "playback-other-time"),
        (SEEN.model_copy(update={"pictured": "2026-11-20T19:02:31.040Z"}), "yes", ""),
        (TIMED.model_copy(update={"key_frames": 0, "packets": 0}), "no", ""),
        (RtspPlayed(status=454, elapsed_ms=1), "unknown", ""),
    ],
)
def test_a_range_may_be_ignored(said: RtspPlayed, state: str, note: str) -> None:
    """A picture counts only where the device, or the picture, says that it is of the minute that was asked for."""
    found = play(Playing(recorder(), said))
    assert states(found) == {"R1": state}
    assert found.notes == ({note} if note else set())


def test_a_device_without_the_extension_is_asked_without_it() -> None:
    """Range is RTSP's own; the answer that said so is cited too."""
    session = Playing(recorder(), RtspPlayed(status=551, elapsed_ms=1), TIMED)
    found = play(session)
    assert states(found) == {"R1": "yes"}
    assert [one.require for one in session.plays] == ["onvif-replay", ""]
    assert {len(one.sources) for one in found.readings if one.metric == "channel.playable"} == {3}


@pytest.mark.parametrize(
    ("traps", "told", "note"),
    [
        ({"replay": ""}, [], "playback-unsupported"),
        ({"replay": "", "services": False}, [], "playback-unsupported"),
        ({"replay": "", "replay_listed": True}, ["unknown"], "playback-unsupported"),
        ({"replay": "http://10.9.8.7/replay"}, ["unknown"] * 2, "playback-no-address"),
        ({"replay": "rtsp://10.9.8.7/a/../b"}, ["unknown"] * 2, "playback-no-address"),
    ],
    ids=["no service", "none in capabilities", "no operation", "not rtsp", "no path"],
)
def test_without_an_address_nothing_is_played(traps: dict[str, Any], told: list[str], note: str) -> None:
    """What the device does not offer is no proof against its footage: a note, and never a no."""
    session = Playing(recorder({"R1": hours((30, 0)), "R2": hours((30, 0))}, **traps))
    found = play(session)
    assert list(states(found).values()) == told
    assert (found.notes, session.plays) == ({note}, [])


def test_a_recording_that_is_gone_does_not_end_the_others() -> None:
    """Overwritten between list and play: unknown, and the next one is played."""
    device = recorder({"R1": hours((30, 0)), "R2": hours((30, 0))})
    session = Playing(device, TIMED)

    async def main() -> Playback:
        told = await onvif.read(ASSET, CAMPUS, session)
        device.footage = {"R2": FOOTAGE["R1"]}
        return await played(ASSET, told, session)

    assert states(asyncio.run(main())) == {"R1": "unknown", "R2": "yes"}


@pytest.mark.parametrize(
    ("reason", "plays"), [(GapReason.REFUSED, 1), (GapReason.UNREACHABLE, 1), (GapReason.MALFORMED, 2)]
)
def test_a_device_that_does_not_play_is_not_pressed(reason: GapReason, plays: int) -> None:
    """One refusal is enough for all cameras; something that was no RTSP may have been that one's."""
    device = recorder({"R1": hours((30, 0)), "R2": hours((30, 0))})
    session = Playing(device, GapError(reason, "no"), GapError(reason, "no"))
    assert states(play(session)) == {}
    assert len(session.plays) == plays


def test_a_device_of_tokens_is_asked_with_one() -> None:
    """The service of addresses is behind the same door as the others."""
    device = recorder(tokens=TokenDoor())
    session = Playing(device)
    told = asyncio.run(onvif.read(ASSET, CAMPUS, Playing(recorder())))
    with pytest.raises(GapError, match="token"):  # no session here writes tokens into the request
        asyncio.run(onvif.read(ASSET, CAMPUS, session))
    before = len(session.asked)
    found = asyncio.run(played(ASSET, replace(told, clock=replace(told.clock, offset_ms=-7000)), session))  # type: ignore[type-var] # it has one
    assert states(found) == {}
    assert [(one.login, one.ahead_ms) for one in session.asked[before:]] == [(None, 0), ("token", -7000)]


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        ("rtsp://192.168.1.9/onvif/replay?token=SD_1", Place("/onvif/replay?token=SD_1", None)),
        ("RTSP://nvr.school.example:8554/x", Place("/x", 8554)),
        ("rtsp://[fe80::1]:554/x", Place("/x", 554)),
        ("rtsp://user:word@10.9.8.7/x", Place("/x", None)),
        ("rtsp://[redacted:login]@10.9.8.7/x", Place("/x", None)),
        (" rtsp://10.9.8.7/x\n", Place("/x", None)),
        ("rtsp://10.9.8.7/user=admin&password=[redacted:login]&channel=1", None),
        ("rtsp://10.9.8.7/x?a=[redacted:secret]", None),
        ("rtsp://10.9.8.7/x?PassWd=1", None),
        ("rtsp://10.9.8.7/rec?user=admin&pass=Xy12345", None),
        ("rtsp://10.9.8.7/rec?psw=Xy12345&user=admin", None),
        ("rtsp://10.9.8.7/rec/user=admin_pw=Xy12345", None),
        ("rtsp://admin:12345/x@10.9.8.7/rec", None),
        ("rtsp://admin:12345?x@10.9.8.7/rec", None),
        ("rtsp://admin:p@ss/x@10.9.8.7/rec", None),
        ("rtsp://10.9.8.7/x?y=1@2", None),
        ("rtsp://10.9.8.7/x?y=1%402", Place("/x?y=1%402", None)),
        ("rtsp://10.9.8.7", None),
        ("rtsp://10.9.8.7:0/x", None),
        ("rtsp://10.9.8.7:65536/x", None),
        ("rtsp://10.9.8.7/x y", None),
        ("rtsp://10.9.8.7/x#y", None),
        ("rtsp://10.9.8.7/x\r\nRequire: y", None),
        ("rtsp://10.9.8.7/" + "x" * 1000, None),
        ("rtsps://10.9.8.7/x", None),
        ("http://10.9.8.7/x", None),
        ("/x", None),
        ("", None),
    ],
)
def test_what_is_used_of_an_address(uri: str, place: Place | None) -> None:
    """Port, path and query; never a host, never a password, and only what may stand in a request."""
    assert place_of(uri) == place


@given(st.text("@/?#&%:;,.=1[]", max_size=5), st.text("@/?#&%:;,.=1[]", max_size=5))
@example("1/", "")
@example("", "/1@1")
def test_no_part_of_a_password_becomes_a_path(before: str, after: str) -> None:
    """Whatever a password holds, before the host or in the query: no path that is asked for has a part of it."""
    for uri in (
        f"rtsp://admin:{before}Xy12345{after}@10.9.8.7/rec",
        *(f"rtsp://10.9.8.7/rec?{name}={before}Xy12345{after}" for name in ("pass", "psw", "pw", "pwd", "Passwd")),
    ):
        place = place_of(uri)
        assert place is None or "Xy12345" not in place.path


@given(st.text(st.characters(codec="ascii"), max_size=40))
@example("/a/../b")
@example("//x")
def test_any_path_is_played_or_has_no_address(tail: str) -> None:
    """Whatever a device answers: a request by the word's own rules, or a state that says unknown."""
    session = Playing(recorder(replay=f"rtsp://10.9.8.7{tail.replace('&', '')}"), TIMED)
    if "\0" in tail or any(ord(letter) < 32 for letter in tail):
        return  # no XML can hold it
    state = states(play(session))["R1"]
    assert state == ("yes" if session.plays else "unknown")


@given(at=st.integers(0, 900), octets=st.binary(max_size=6), status=st.sampled_from([200, 400, 404, 500, 503]))
def test_a_damaged_reply_is_no_traceback(at: int, octets: bytes, status: int) -> None:
    """Whatever comes instead of an address: the recorder stays read, and nobody says that it does not play."""

    class Damaged(Playing):
        async def ask(self, request: Request) -> Answer:
            answer = await super().ask(request)
            if not isinstance(answer.response, HttpReply) or "GetReplayUri" not in getattr(request, "body", ""):
                return answer
            body = received(answer.response.body)
            spoilt = escaped(body[:at] + octets + body[at + len(octets) :])
            return replace(answer, response=answer.response.model_copy(update={"body": spoilt, "status": status}))

    session = Damaged(recorder(), TIMED)
    assert set(states(play(session)).values()) <= {"yes" if session.plays else "unknown"}


# --- over real HTTP and RTSP ----------------------------------------------------------------------------------------

OFF = 3_600 * 10**9
"""Nanoseconds by which a device plays something else than was asked for."""


def now() -> int:
    """Return the time in ms since 1970, in whole seconds."""
    return int(SystemClock().now().timestamp()) * 1000


async def measured(asset: Asset, kept: list[Exchange]) -> list[Reading]:
    """Return the readings of a device that is asked as a run asks it."""
    credential = Credential(username=LOGIN.username, password=LOGIN.password)
    transport = open_transport(asset, load_families(config_directory())["onvif-recorder"], credential)
    redactor = Redactor(bytes(32), (LOGIN.password.encode(),))
    try:
        return await collect(asset, CAMPUS, LiveSession(transport, redactor, kept.append, SystemClock(), 300))
    finally:
        await transport.close()


@pytest.mark.parametrize(("off", "state", "written"), [(0, "yes", False), (OFF, "unknown", True)])
def test_played_and_replayed(off: int, state: str, written: bool) -> None:
    """A device that names a foreign host is played where it is; one that plays another hour proves nothing.

    From the record come the same bytes, and in it is neither a password nor whatever else the address held.
    """
    begin = now() - 72 * HOUR
    kept: list[Exchange] = []
    with gstreamer(str(off)) as port:
        device = OnvifRecorder({"R1": ((begin, now()),)}, now)
        device.replay = f"rtsp://someone:secret-of-theirs@10.9.8.7:{1 if written else port}{PATH}?recording={{token}}"
        with serve(device, Door(username=LOGIN.username, password=LOGIN.password)) as served:
            asset = ASSET.model_copy(
                update={"address": "127.0.0.1", "port": served.port, "rtsp_port": port if written else None}
            )
            readings = asyncio.run(measured(asset, kept))
    found = {one.metric: one.value for one in readings}
    assert found["channel.playable"] == state
    assert ("playback-other-time" in found.get("recorder.note", "")) is bool(off)
    record = segment_bytes(SegmentHeader(run="r", asset=asset, collectors=("recorder",)), [x.to_bytes() for x in kept])
    assert [word for word in (LOGIN.password.encode(), b"secret-of-theirs", b"someone") if word in record] == []
    replay = ReplaySession(parse_segment(record).exchanges)
    again = asyncio.run(collect(asset, CAMPUS, replay))
    replay.finish()
    assert [one.to_bytes() for one in again] == [one.to_bytes() for one in readings]
    plays = [exchange.response for exchange in kept if isinstance(exchange.request, RtspPlay)]
    assert [isinstance(one, RtspPlayed) and one.key_frames > 0 for one in plays] == [True]
    assert all(isinstance(one.request, HttpRequest | RtspPlay) for one in kept)
