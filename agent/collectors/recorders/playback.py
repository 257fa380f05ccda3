"""Whether the oldest hour of some cameras can be played: an index may outlive the footage that it lists.

Which cameras are asked is drawn by the backend's nonce, so that a school cannot prepare them; without one nothing is
played. What comes back are counts and a digest. Times are those of the recorder's own clock where its `Z` is local.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from agent import canonical
from agent.collectors.answers import reported
from agent.errors import GapError, MalformedError
from agent.model.calendar import utc_offset
from agent.model.exchange import GapReason, RtspPlay, RtspPlayed

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.collectors.recorders.interface import Channel, Recorder
    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.model.exchange import Answer, Session
    from agent.model.reading import Reading

__all__ = ["drawn", "played"]

SECONDS: Final = 5
LENGTH: Final = timedelta(minutes=1)
INTO: Final = timedelta(seconds=30)
"""How far behind the begin of the oldest span: the file may be overwritten while it is asked for."""
_OK: Final = 200


def _hikvision(channel: int, since: datetime, until: datetime) -> str:
    span = f"starttime={since:%Y%m%dT%H%M%SZ}&endtime={until:%Y%m%dT%H%M%SZ}"
    return f"/Streaming/tracks/{channel * 100 + 1}?{span}"


def _dahua(channel: int, since: datetime, until: datetime) -> str:
    span = f"starttime={since:%Y_%m_%d_%H_%M_%S}&endtime={until:%Y_%m_%d_%H_%M_%S}"
    return f"/cam/playback?channel={channel}&subtype=0&{span}"


_PATHS: Final[dict[str, tuple[Callable[[int, datetime, datetime], str], bool]]] = {
    "hikvision": (_hikvision, False),
    "dahua": (_dahua, True),
}
"""By the first word of the family's id: the path of a recording, and whether its times are always local."""


def drawn(asset: Asset, recorder: Recorder) -> list[Channel]:
    """Return the channels whose oldest hour is played: those with footage, in an order that the nonce decides."""
    if not asset.playback or not asset.draw:
        return []
    known = [
        channel for channel in recorder.channels if channel.spans and channel.id.isascii() and channel.id.isdigit()
    ]
    return sorted(known, key=lambda channel: canonical.digest(f"{asset.draw}/{channel.id}".encode()))[: asset.playback]


async def played(asset: Asset, campus: Campus, recorder: Recorder, session: Session) -> list[Reading]:
    """Play the oldest hour of the drawn channels and say of each whether a picture came.

    Readings are `channel.playable` (yes, no, unknown), `channel.playable.since` (which moment was asked for) and
    `channel.playable.key_frames`. A device that has no RTSP, or does not let us in there, is asked once only.
    """
    known = _PATHS.get(asset.family.split("-")[0])
    if known is None:
        return []
    path, local = known
    readings: list[Reading] = []
    for channel in drawn(asset, recorder):
        assert channel.spans
        begin = datetime.fromtimestamp(channel.spans[0].since // 1000, UTC) + INTO
        shift = _shift(recorder, campus, local=local)
        if shift is None:
            continue
        device = begin + shift
        request = RtspPlay(path=path(int(channel.id), device, device + LENGTH), seconds=SECONDS)
        try:
            readings += _of(asset, channel, begin, await session.ask(request))
        except GapError as gap:
            if gap.reason in (GapReason.REFUSED, GapReason.UNREACHABLE, GapReason.DEADLINE):
                break
    return readings


def _shift(recorder: Recorder, campus: Campus, *, local: bool) -> timedelta | None:
    """Return what to add to UTC for the device to understand the time; None where that is not known."""
    zulu = "local" if local else recorder.clock.zulu if recorder.clock else "unknown"
    if zulu == "unknown":
        return None
    return (utc_offset(campus.timezone) or timedelta(0)) if zulu == "local" else timedelta(0)


def _of(asset: Asset, channel: Channel, begin: datetime, answer: Answer) -> list[Reading]:
    if not isinstance(answer.response, RtspPlayed):
        raise MalformedError("playing a recording was answered by {op}", op=answer.response.op)
    said = answer.response
    subject = f"channel:{asset.id}/{channel.id}"
    # A codec whose pictures are not understood here proves by its packets; a refusal of the step proves nothing.
    seen = said.key_frames > 0 or (said.packets > 0 and said.codec not in {"H264", "H265", "HEVC"})
    state = "yes" if seen else "no" if said.status == _OK else "unknown"
    return [
        reported("channel.playable", subject, state, "", answer),
        reported("channel.playable.since", subject, begin.strftime("%Y-%m-%dT%H:%M:%SZ"), "", answer),
        reported("channel.playable.key_frames", subject, str(said.key_frames), "1", answer),
    ]
