"""Whether the oldest hour of some cameras can be played: an index may outlive the footage that it lists.

Which cameras are asked is drawn by the backend's nonce, so that a school cannot prepare them; without one nothing is
played. What comes back are counts and a digest. The moment is named in the times that the device itself lists footage
in. A device that says it plays another one has proved nothing; nor has one that was told the moment by a Range header
alone, which it may ignore, and that does not say which it plays.

Paths: Hikvision's and Dahua's are those of their own documents; Uniview's, `/c<channel>/b<begin>/e<end>/replay/` with
seconds since 1970, is told alike by several projects that use it. ONVIF devices say theirs (`onvif_replay`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from agent import canonical
from agent.clock import parse_time
from agent.collectors.answers import reported
from agent.collectors.recorders.onvif_replay import Replay
from agent.errors import GapError, MalformedError
from agent.model.exchange import GapReason, RtspPlay, RtspPlayed

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.collectors.recorders.interface import Channel, Recorder
    from agent.collectors.recorders.onvif_replay import Place
    from agent.model.asset import Asset
    from agent.model.exchange import Answer, Session
    from agent.model.reading import Reading

__all__ = ["Playback", "drawn", "played"]

SECONDS: Final = 5
LENGTH: Final = timedelta(minutes=1)
INTO: Final = timedelta(seconds=30)
"""How far behind the begin of the oldest span: the file may be overwritten while it is asked for. So much earlier a
picture may be, since playing begins at a key frame."""
_OK: Final = 200
_OPTION_NOT_SUPPORTED: Final = 551
_ENDING: Final = (GapReason.REFUSED, GapReason.UNREACHABLE, GapReason.DEADLINE)
_STARTS: Final = re.compile(r"clock=([0-9]{8}T[0-9]{6})(?:\.[0-9]+)?Z-.*")


def _hikvision(channel: int, since: datetime, until: datetime) -> str:
    span = f"starttime={since:%Y%m%dT%H%M%SZ}&endtime={until:%Y%m%dT%H%M%SZ}"
    return f"/Streaming/tracks/{channel * 100 + 1}?{span}"


def _dahua(channel: int, since: datetime, until: datetime) -> str:
    span = f"starttime={since:%Y_%m_%d_%H_%M_%S}&endtime={until:%Y_%m_%d_%H_%M_%S}"
    return f"/cam/playback?channel={channel}&subtype=0&{span}"


def _uniview(channel: int, since: datetime, until: datetime) -> str:
    return f"/c{channel}/b{int(since.timestamp())}/e{int(until.timestamp())}/replay/"


_PATHS: Final[dict[str, Callable[[int, datetime, datetime], str]]] = {
    "dahua": _dahua,
    "hikvision": _hikvision,
    "uniview": _uniview,
}
"""By the first word of the family's id: the path of a recording."""


@dataclass
class Playback:
    """What playing gave."""

    readings: list[Reading] = field(default_factory=list)
    notes: set[str] = field(default_factory=set)
    """Words of `recorder.note`."""


@dataclass(frozen=True, slots=True)
class _Moment:
    """What is asked for: a channel from a moment on."""

    subject: str
    begin: datetime
    """In UTC."""
    device: datetime
    """As the device spells it, taken as if it were UTC."""

    def holds(self, said: datetime) -> bool:
        """Tell whether the device plays this minute, whichever way it spells it."""
        return any(one - INTO <= said <= one + LENGTH for one in (self.begin, self.device))


def drawn(asset: Asset, recorder: Recorder) -> list[Channel]:
    """Return the channels whose oldest hour is played: those with footage, in an order that the nonce decides.

    Where the path is composed here, only channels count whose id may stand in one.
    """
    if not asset.playback or not asset.draw:
        return []
    known = [channel for channel in recorder.channels if channel.spans]
    if _brand(asset) in _PATHS:
        known = [channel for channel in known if channel.id.isascii() and channel.id.isdigit()]
    return sorted(known, key=lambda channel: canonical.digest(f"{asset.draw}/{channel.id}".encode()))[: asset.playback]


async def played(asset: Asset, recorder: Recorder, session: Session) -> Playback:
    """Play the oldest hour of the drawn channels and say of each whether a picture came.

    Readings are `channel.playable` (yes, no, unknown), `channel.playable.since` (which moment was asked for) and
    `channel.playable.key_frames`. A device that has no RTSP, or does not let us in there, is asked once only.
    """
    playback = Playback()
    ahead = recorder.clock.ahead_ms if recorder.clock is not None else None
    channels = drawn(asset, recorder)
    if ahead is None or not channels or (_brand(asset) not in _PATHS and _brand(asset) != "onvif"):
        return playback  # in another hour's name nothing is played
    replay = Replay(asset, session, recorder) if _brand(asset) == "onvif" else None
    if replay is not None and not recorder.replay:
        playback.notes.add("playback-unsupported")
        return playback
    for channel in channels:
        assert channel.spans  # drawn
        begin = datetime.fromtimestamp(channel.spans[0].since // 1000, UTC) + INTO
        moment = _Moment(f"channel:{asset.id}/{channel.id}", begin, begin + timedelta(milliseconds=ahead))
        try:
            if replay is None:
                path = _PATHS[_brand(asset)](int(channel.id), moment.device, moment.device + LENGTH)
                await _play(session, RtspPlay(path=path, seconds=SECONDS), moment, playback)
            elif not await _replayed(asset, session, (replay, channel.id), moment, playback):
                break
        except GapError as gap:
            if gap.reason in _ENDING:
                break
    return playback


def _brand(asset: Asset) -> str:
    return asset.family.split("-")[0]


# --- ONVIF ----------------------------------------------------------------------------------------------------------


async def _replayed(
    asset: Asset, session: Session, recording: tuple[Replay, str], moment: _Moment, playback: Playback
) -> bool:
    """Ask where a recording is played, and play it; False where the device has no such service."""
    replay, token = recording
    told = await replay.address(token)
    if told is None:
        return True  # the record has what did not decode
    request = _request(asset, told.place, moment) if told.place is not None else None
    if request is None:
        playback.notes.add("playback-unsupported" if told.state == "unsupported" else "playback-no-address")
        playback.readings.append(reported("channel.playable", moment.subject, "unknown", "", told.answer))
        return told.state != "unsupported"
    await _play(session, request, moment, playback, told.answer)
    return True


def _request(asset: Asset, place: Place, moment: _Moment) -> RtspPlay | None:
    """Return the request; None where the device's path cannot stand in one."""
    until = moment.device + LENGTH
    try:
        return RtspPlay(
            path=place.path,
            # A port in the campus file is the one that a translation of addresses leads to the device.
            port=place.port if asset.rtsp_port is None else None,
            clock_range=f"{moment.device:%Y%m%dT%H%M%SZ}-{until:%Y%m%dT%H%M%SZ}",
            require="onvif-replay",
            seconds=SECONDS,
        )
    except ValueError:  # of the word's own rules for paths
        return None


# --- what came ------------------------------------------------------------------------------------------------------


async def _play(session: Session, request: RtspPlay, moment: _Moment, playback: Playback, *before: Answer) -> None:
    answer = await session.ask(request)
    said = _said(answer)
    if said.status == _OPTION_NOT_SUPPORTED and request.require:
        # Range is RTSP's own; a device without the extension may know it all the same.
        before = (*before, answer)
        answer = await session.ask(request.model_copy(update={"require": ""}))
        said = _said(answer)
    state, note = _judged(said, moment, told_by_path=not request.clock_range)
    if note:
        playback.notes.add(note)
    answers = (*before, answer)
    playback.readings += [
        reported("channel.playable", moment.subject, state, "", *answers),
        reported("channel.playable.since", moment.subject, moment.begin.strftime("%Y-%m-%dT%H:%M:%SZ"), "", *answers),
        reported("channel.playable.key_frames", moment.subject, str(said.key_frames), "1", answer),
    ]


def _said(answer: Answer) -> RtspPlayed:
    if not isinstance(answer.response, RtspPlayed):
        raise MalformedError("playing a recording was answered by {op}", op=answer.response.op)
    return answer.response


def _judged(said: RtspPlayed, moment: _Moment, *, told_by_path: bool) -> tuple[str, str]:
    """Return the state and, where the device is odd, a note."""
    if said.status != _OK or not (said.codec or said.packets):
        return "unknown", ""  # a step that was refused, or a stream that is not described as video, proves nothing
    when = parse_time(said.pictured) if said.pictured is not None else _starts(said.starts)
    if when is not None and not moment.holds(when):
        return "unknown", "playback-other-time"
    if said.packets and when is None and not told_by_path:
        return "unknown", "playback-time-not-told"
    # A codec whose pictures are not understood here proves by its packets.
    seen = said.key_frames > 0 or (said.packets > 0 and said.codec not in {"H264", "H265", "HEVC"})
    return ("yes" if seen else "no"), ""


def _starts(text: str) -> datetime | None:
    """Return from which time a Range header says that it plays; None for what is no absolute time."""
    match = _STARTS.fullmatch(text)
    try:
        return datetime.strptime(f"{match[1]}Z", "%Y%m%dT%H%M%S%z") if match else None
    except ValueError:
        return None
