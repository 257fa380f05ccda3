"""Playing recordings: against GStreamer's RTSP server, and against peers that are odd."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.clock import time_text
from agent.errors import GapError
from agent.model.exchange import GapReason, HostFacts, RtspPlay, RtspPlayed
from agent.transports.rtsp import RtspLogin, RtspTransport
from agent.transports.rtsp.description import video_of
from agent.transports.rtsp.frames import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATH = "/Streaming/tracks/101"
LOGIN = RtspLogin("viewer", "right-password")
SDP = (
    "v=0\r\nm=audio 0 RTP/AVP 0\r\na=control:audio\r\n"
    "m=video 0 RTP/AVP 96\r\na=control:trackID=1\r\na=rtpmap:96 H264/90000\r\n"
)


@contextlib.contextmanager
def gstreamer(*more: str) -> Iterator[int]:
    """Serve a recording by GStreamer; gives the port."""
    script = Path(__file__).parents[1] / "peers" / "gstreamer_rtsp.py"
    arguments = ["/usr/bin/python3", str(script), LOGIN.username, LOGIN.password, PATH, *more]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout
            yield int(process.stdout.readline())
        finally:
            process.kill()


async def played(port: int, login: RtspLogin | None = LOGIN, /, **more: object) -> RtspPlayed:
    """Play for a second."""
    transport = RtspTransport("127.0.0.1", port, login)
    request = RtspPlay.model_validate({"path": f"{PATH}?starttime=20261001T000000Z", "seconds": 1, **more})
    answer = await transport.exchange(request)
    await transport.close()
    assert isinstance(answer, RtspPlayed)
    return answer


def test_a_real_server_plays() -> None:
    """With digest; packets, octets and key frames are counted, and a digest stands for them."""
    with gstreamer() as port:
        found = asyncio.run(played(port, seconds=20, max_octets=5000))
    assert (found.status, found.codec, found.key_frames > 0) == (200, "H264", True)
    assert found.packets > 0
    assert found.octets >= 5000
    assert found.digest is not None


def test_a_recording_of_onvif_tells_when_its_pictures_were_taken() -> None:
    """The moment goes into the Range header, the extension is named, and pictures say from when they are."""
    with gstreamer("0") as port:
        more = {"port": port, "clock_range": "20261001T020304Z-20261001T020404Z", "require": "onvif-replay"}
        found = asyncio.run(played(1, **more, seconds=20, max_octets=2000))  # nothing listens on port 1
    assert (found.status, found.key_frames > 0) == (200, True)
    assert found.pictured == "2026-10-01T02:03:04.000Z"
    assert found.starts.startswith("clock=20261001T020304Z-")


def test_a_device_without_the_extension_says_so() -> None:
    """Option not supported is an answer."""
    with gstreamer() as port:
        found = asyncio.run(played(port, require="onvif-replay"))
    assert (found.status, found.packets) == (551, 0)


def test_a_wrong_password_is_tried_once() -> None:
    """The device would lock the user out: the transport asks it nothing more."""

    async def main(port: int) -> list[str]:
        transport = RtspTransport("127.0.0.1", port, RtspLogin("viewer", "wrong-password"))
        texts = []
        for _ in range(2):
            with pytest.raises(GapError) as caught:
                await transport.exchange(RtspPlay(path=PATH, seconds=1))
            assert caught.value.reason == GapReason.REFUSED
            texts.append(str(caught.value))
        return texts

    with gstreamer() as port:
        first, second = asyncio.run(main(port))
    assert "status 401" in first
    assert "not tried again" in second
    assert "wrong-password" not in first + second + repr(RtspLogin("viewer", "wrong-password"))


def scripted(answer: Callable[[str, str], bytes], **more: object) -> tuple[RtspPlayed, list[str], int]:
    """Play from a server that a function of method and request text makes; gives also what was asked, and the port."""
    asked: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                text = (await reader.readuntil(b"\r\n\r\n")).decode()
                asked.append(text)
                writer.write(answer(text.split(" ", 1)[0], text))
                await writer.drain()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    async def main() -> tuple[RtspPlayed, list[str], int]:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        try:
            return await played(port, None, **more), asked, port
        finally:
            server.close()
            await server.wait_closed()

    return asyncio.run(main())


def reply(text: str, status: int = 200, body: str = "", *headers: str) -> bytes:
    """Return a reply to a request."""
    sequence = next(line for line in text.splitlines() if line.startswith("CSeq"))
    lines = [f"RTSP/1.0 {status} X", sequence, *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def rtp(sequence: int, stamp: int, payload: bytes) -> bytes:
    """Return an interleaved RTP packet."""
    packet = b"\x80\x60" + sequence.to_bytes(2, "big") + stamp.to_bytes(4, "big") + b"\0\0\0\1" + payload
    return b"$\x00" + len(packet).to_bytes(2, "big") + packet


def recorder(packets: bytes, **statuses: int) -> Callable[[str, str], bytes]:
    """Return the script of a recorder that names its own address, plays some packets, and then hangs."""

    def answer(method: str, text: str) -> bytes:
        status = statuses.get(method.lower(), 200)
        if status != 200:
            return reply(text, status)
        if method == "DESCRIBE":
            return reply(text, 200, SDP, "Content-Base: rtsp://10.9.8.7:554/Streaming/tracks/101/")
        if method == "SETUP":
            return reply(text, 200, "", "Session: 77;timeout=60")
        if method == "PLAY":
            return packets + reply(text, 200, "", "Range: clock=20261001T000000Z-") + packets
        return reply(text)

    return answer


KEY = rtp(7, 100, b"\x7c\x85rest") + rtp(8, 100, b"\x7c\x05rest") + rtp(10, 100, b"\x65") + rtp(11, 200, b"\x41abc")


def ending(method: str, text: str) -> bytes:
    """Return what a recorder answers that ends the stream with a message, so that nobody waits for more of it."""
    return recorder(KEY)(method, text) + (b"RTSP/1.0 200 End\r\n\r\n" if method == "PLAY" else b"")


def test_packets_before_the_reply_are_passed_over_and_what_was_lost_is_counted() -> None:
    """A key frame in fragments counts once; a hole in the sequence is a lost packet; the asked host is the one used."""
    found, asked, port = scripted(recorder(KEY))
    assert (found.packets, found.key_frames, found.lost) == (4, 1, 1)
    assert found.starts == "clock=20261001T000000Z-"
    assert all("10.9.8.7" not in text for text in asked)
    assert [text.split(" ")[0] for text in asked] == ["DESCRIBE", "SETUP", "PLAY", "TEARDOWN"]
    assert f"SETUP rtsp://127.0.0.1:{port}/Streaming/tracks/101/trackID=1 " in asked[1]


@pytest.mark.parametrize(
    ("more", "span", "required"),
    [
        ({}, "npt=0.000-", 0),
        ({"clock_range": "20261001T000000Z-", "require": "onvif-replay"}, "clock=20261001T000000Z-", 2),
    ],
)
def test_what_is_played_is_said_in_the_request(more: dict[str, str], span: str, required: int) -> None:
    """PLAY always has a Range; the extension is required of SETUP and PLAY, and of nothing else."""
    _, asked, _ = scripted(ending, **more)
    assert f"\r\nRange: {span}\r\n" in asked[2]
    assert sum("Require: onvif-replay" in text for text in asked[1:3]) == required
    assert "Require" not in asked[0] + asked[3]


@pytest.mark.parametrize(
    ("header", "starts"),
    [
        ("npt=now-", "npt=now-"),
        (
            "clock=20261001T000000.5Z-20261001T000100Z;time=19970123T143720Z",
            "clock=20261001T000000.5Z-20261001T000100Z",
        ),
        ("operator Zhang", ""),
        ("clock=", ""),
    ],
)
def test_of_the_range_only_times_are_kept(header: str, starts: str) -> None:
    """What else a device writes there is not for the record."""

    def answer(method: str, text: str) -> bytes:
        return ending(method, text).replace(b"clock=20261001T000000Z-", header.encode())

    assert scripted(answer)[0].starts == starts


def test_a_session_without_a_name_is_malformed() -> None:
    """Nothing can be played in it, and that says nothing of the footage."""
    with pytest.raises(GapError) as caught:
        scripted(lambda method, text: recorder(KEY)(method, text).replace(b"Session", b"Nothing"))
    assert caught.value.reason == GapReason.MALFORMED


@pytest.mark.parametrize("span", ["20261001T000000Z-\r\nX: y", "now-", "20261001T000000Z", "20261001T000000Z-\n"])
def test_a_span_is_nothing_but_times(span: str) -> None:
    """No header can be smuggled in."""
    with pytest.raises(ValueError, match="clock_range"):
        RtspPlay(path=PATH, clock_range=span)


@pytest.mark.parametrize(
    ("extension", "pictured"),
    [
        ("abac 0003 ee683dd8 80000000 00000000", "2026-10-01T02:03:04.500Z"),
        ("abac 0004 ee683dd8 00000000 00000000 ffd80000", "2026-10-01T02:03:04.000Z"),
        ("abac 0003 00000001 00000000 00000000", "2036-02-07T06:28:17.000Z"),
        ("abac 0003 00000000 00000000 00000000", None),
        ("abac 0002 ee683dd8 00000000", None),
        ("bede 0003 ee683dd8 00000000 00000000", None),
    ],
    ids=["replay", "with JPEG's", "next era", "no time", "short", "another"],
)
def test_the_time_of_a_picture(extension: str, pictured: str | None) -> None:
    """NTP seconds and fractions of ONVIF's extension; others are none of it."""
    tally = Tally("H264")
    tally.take(b"\x90\x60" + bytes(10) + bytes.fromhex(extension.replace(" ", "")) + b"\x65")
    assert (time_text(tally.pictured) if tally.pictured else None) == pictured
    assert tally.key_frames == 1


@pytest.mark.parametrize("step", ["describe", "setup", "play"])
def test_a_step_that_fails_is_a_status_not_a_gap(step: str) -> None:
    """404 says that there is no such footage; that is an answer."""
    found, _, _ = scripted(recorder(KEY, **{step: 404}))
    assert (found.status, found.packets, found.digest) == (404, 0, None)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 400 Bad\r\n\r\n", GapReason.MALFORMED),
        (b"RTSP/1.0 200 OK\r\nContent-Length: 99999999\r\n\r\n", GapReason.MALFORMED),
        (b"RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n", GapReason.MALFORMED),
        (b"x" * 200_000, GapReason.MALFORMED),
        (b"RTSP/1.0 200 OK\r\n" + b"A: b\r\n" * 200, GapReason.MALFORMED),
        (b"$\x00\x00\x01x" * 5000, GapReason.MALFORMED),
        (b"RTSP/1.0 403 No\r\n\r\n", GapReason.REFUSED),
    ],
    ids=["http", "length", "negative", "line", "headers", "packets", "forbidden"],
)
def test_what_is_no_recorder_is_a_gap(answer: bytes, reason: GapReason) -> None:
    """Whatever listens there: one of our errors, bounded."""
    with pytest.raises(GapError) as caught:
        scripted(lambda _method, _text: answer)
    assert caught.value.reason == reason


def test_other_requests_are_not_for_rtsp() -> None:
    """The transport plays, and nothing else."""
    with pytest.raises(GapError, match=r"host\.facts"):
        asyncio.run(RtspTransport("127.0.0.1").exchange(HostFacts()))


@pytest.mark.parametrize(
    ("codec", "payload", "key"),
    [
        ("H264", b"\x65", True),
        ("H264", b"\x41", False),
        ("H264", b"\x78\x00\x02\x67\x00\x00\x02\x65\x00", True),
        ("H264", b"\x78\x00\x09\x67", False),
        ("H265", b"\x26\x01", True),
        ("H265", b"\x02\x01", False),
        ("H265", b"\x62\x01\x93", True),
        ("H265", b"\x62\x01\x13", False),
        ("H265", b"\x60\x01\x00\x02\x40\x01\x00\x02\x26\x01", True),
        ("MPEG4", b"\x65", False),
    ],
)
def test_key_frames_are_told_by_their_nal_units(codec: str, payload: bytes, key: bool) -> None:
    """Single units, aggregates and fragments (RFC 6184 §5.2, RFC 7798 §4.4)."""
    tally = Tally(codec)
    tally.take(rtp(1, 1, payload)[4:])
    assert (tally.packets, tally.key_frames) == (1, int(key))


@given(st.sampled_from(["H264", "H265", ""]), st.lists(st.binary(max_size=60), max_size=20))
def test_any_packet_is_counted_or_ignored(codec: str, packets: list[bytes]) -> None:
    """Whatever octets come, with extensions, padding and lists of sources that may not fit."""
    tally = Tally(codec)
    for packet in packets:
        tally.take(packet)
        tally.take(b"\xb3" + packet)
        tally.take(b"\x90" + bytes(11) + b"\xab\xac" + packet)
    assert tally.packets <= 3 * len(packets)
    assert (tally.digest is None) is (tally.packets == 0)


@given(st.text(max_size=300))
def test_any_description_is_read_or_has_no_video(text: str) -> None:
    """Whatever text comes."""
    video_of(text)
    video = video_of(SDP + text)
    assert video is not None
    assert video.codec == "H264"
