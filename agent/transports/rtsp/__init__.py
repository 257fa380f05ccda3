"""RTSP: plays some seconds of a recording and keeps counts and a digest of it, never a picture.

DESCRIBE, SETUP over the same TCP connection, PLAY, TEARDOWN (RFC 2326); no other method is ever sent. One connection
per request; digest as for HTTP (RFC 2326 §14 takes it over); never a second try with a password that was refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from agent.clock import time_text
from agent.errors import GapError
from agent.model.exchange import GapReason, RtspPlay, RtspPlayed
from agent.transports.rtsp.conversation import Conversation, Reply, RtspLogin
from agent.transports.rtsp.description import video_of
from agent.transports.rtsp.frames import Tally

if TYPE_CHECKING:
    from agent.model.exchange import Request, Response
    from agent.transports.rtsp.description import Video

__all__ = ["RTSP_PORT", "RtspLogin", "RtspTransport"]

RTSP_PORT = 554
_STEP_SECONDS = 10
_OK = 200
_SPAN = re.compile(r"(?:clock|npt|smpte(?:-30-drop|-25)?)=(?:now|[0-9TZ:.]{1,30})?-(?:[0-9TZ:.]{1,30})?")


class RtspTransport:
    """Plays recordings of one device.

    Args:
        host: name or address.
        port: of RTSP, where the request names no other.
        login: what opens it; None for a device without one.
    """

    def __init__(self, host: str, port: int = RTSP_PORT, login: RtspLogin | None = None) -> None:
        self._host = host
        self._port = port
        self._login = login
        self._refused = False

    @property
    def _where(self) -> str:
        return self._at(self._port)

    def _at(self, port: int) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"rtsp://{host}:{port}"

    async def exchange(self, request: Request) -> Response:
        """Play what the request asks for.

        Raises:
            GapError: the device cannot be reached, does not let us in, or speaks no RTSP.
        """
        if not isinstance(request, RtspPlay):
            raise GapError(
                GapReason.UNSUPPORTED,
                "RTSP does not do {op}",
                where=self._where,
                todo="Ask it of an asset whose family has another transport",
                op=request.op,
            )
        if self._refused:
            raise GapError(
                GapReason.REFUSED,
                "the password was refused before; it is not tried again",
                where=self._where,
                todo="Check user and password, and the user's right to play back",
            )
        began = time.monotonic_ns()
        port = request.port or self._port
        async with asyncio.timeout(_STEP_SECONDS):
            reader, writer = await asyncio.open_connection(self._host, port)
        try:
            conversation = Conversation(reader, writer, self._login, self._at(port))
            played = await self._play(conversation, request, self._at(port) + request.path)
        except GapError as error:
            self._refused = error.reason == GapReason.REFUSED
            raise
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        return played.model_copy(update={"elapsed_ms": (time.monotonic_ns() - began) // 1_000_000})

    async def close(self) -> None:
        """Nothing stays open between requests."""

    async def _play(self, conversation: Conversation, request: RtspPlay, url: str) -> RtspPlayed:
        # Only SETUP and PLAY name the extension (ONVIF Streaming Specification, RTSP Feature Tag). Without Rate-Control
        # the footage comes in its own time, which spares the device's disks and line.
        require = {"Require": request.require} if request.require else {}
        async with asyncio.timeout(_STEP_SECONDS):
            described = await conversation.ask("DESCRIBE", url, Accept="application/sdp")
            if described.status != _OK:
                return RtspPlayed(status=described.status, elapsed_ms=0)
            video = video_of(described.body.decode("utf-8", "replace"))
            if video is None:
                return RtspPlayed(status=described.status, elapsed_ms=0)
            base = _base(described, url)
            track = _control(base, video)
            ready = await conversation.ask("SETUP", track, Transport="RTP/AVP/TCP;unicast;interleaved=0-1", **require)
            session = ready.headers.get("session", "").split(";")[0].strip()
            if ready.status != _OK:
                return RtspPlayed(status=ready.status, codec=video.codec, elapsed_ms=0)
            if not session:
                raise GapError(
                    GapReason.MALFORMED,
                    "the device opened a session and named none",
                    where=url,
                    todo="Update the recorder's firmware; until then leave playback out of this asset",
                )
            # Some devices play their oldest file, not what the path asks for, where PLAY has no Range at all.
            span = f"clock={request.clock_range}" if request.clock_range else "npt=0.000-"
            playing = await conversation.ask("PLAY", base, Session=session, Range=span, **require)
        tally = Tally(video.codec)
        if playing.status == _OK:
            await self._listen(conversation, request, tally)
            await self._tear_down(conversation, base, session)
        return RtspPlayed(
            status=playing.status,
            codec=video.codec,
            packets=tally.packets,
            octets=tally.octets,
            key_frames=tally.key_frames,
            lost=tally.lost,
            starts=_span(playing.headers.get("range", "")),
            pictured=time_text(tally.pictured) if tally.pictured is not None else None,
            digest=tally.digest,
            elapsed_ms=0,
        )

    async def _listen(self, conversation: Conversation, request: RtspPlay, tally: Tally) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(request.seconds):
                while tally.octets < request.max_octets:
                    packet = await conversation.packet()
                    if packet is None:
                        return
                    if packet[0] == 0:  # channel 1 has the reports
                        tally.take(packet[1])

    async def _tear_down(self, conversation: Conversation, url: str, session: str) -> None:
        """Say goodbye; a device that hung up or goes on sending has no answer that matters."""
        with contextlib.suppress(GapError, OSError, TimeoutError):
            async with asyncio.timeout(1):
                await conversation.ask("TEARDOWN", url, Session=session)


def _span(text: str) -> str:
    """Return the span of a Range header, of which nothing else than times is kept (RFC 2326 §12.29)."""
    match = _SPAN.match(text)
    return match[0] if match else ""


def _base(described: Reply, url: str) -> str:
    """Return the URL that the tracks are relative to (RFC 2326 §C.1.1), always on the device that was asked."""
    told = described.headers.get("content-base") or described.headers.get("content-location") or url
    return _here(told, url)


def _control(base: str, video: Video) -> str:
    if not video.control or video.control == "*":
        return base
    if "://" in video.control:
        return _here(video.control, base)
    return (
        urljoin(base if base.endswith("/") else f"{base}/", video.control)
        if "?" not in base
        else (f"{base}/{video.control}")
    )


def _here(url: str, asked: str) -> str:
    """Return the URL with the host that was asked: a device behind an address translation names its own."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.lower() != "rtsp":
        return asked
    host = asked.split("/", 3)[2]
    path = rest.partition("/")[2]
    return f"rtsp://{host}/{path}"
