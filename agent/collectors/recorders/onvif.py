"""Recorders of any maker over ONVIF Profile G: recordings, and from their history the stretches that hold footage.

First and last time of a track prove nothing of what lies between: only the history of its states does, and without that
search the spans are unknown. `Z` is UTC by the specification and local on some firmware: the newest time of a recording
that goes on now tells which, and if nothing does, no time of footage is told. Profile G has no disks, no plans and no
state of cameras. Facts: recorders-and-logs 1.1.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from agent.collectors.answers import cited, unsupported
from agent.collectors.recorders.interface import Channel, Clock, Recorder, Span
from agent.collectors.recorders.onvif_search import Presence, Searched, recordings, states
from agent.collectors.recorders.onvif_soap import DEVICE, RECORDING, REPLAY, SEARCH, SERVICE, Soap
from agent.collectors.recorders.periods import DAY, history, label, merged, midway, school_zone, shift, xsd_time
from agent.errors import GapError, MalformedError
from agent.language import N_

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.collectors.markup import Element
    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.model.exchange import Answer, Session

__all__ = ["read", "retention_days"]

NEAR = 15 * 60_000
"""A recording that goes on has its newest time this close to now: recorders write blocks of some minutes."""
MOST_CHANNELS = 512
_PLACE = re.compile(r"(?:https?://[^/]+)?(/[A-Za-z0-9_-][A-Za-z0-9_./-]{0,99})")
_DURATION = re.compile(
    r"(-?)P(?:(\d{1,5})Y)?(?:(\d{1,5})M)?(?:(\d{1,5})D)?(?:T(?:(\d{1,7})H)?(?:(\d{1,9})M)?(?:(\d{1,9})(?:\.\d+)?S)?)?"
)
_ADDRESS = re.compile(r"[0-9a-fA-F:.]+")


@dataclass(frozen=True, slots=True)
class _Times:
    """How the device's labels lie."""

    clock: Clock
    utc: int
    """The device's own UTC, as a label."""
    local: int | None
    """How far its local time is ahead of its UTC."""
    now: int


@dataclass(slots=True)
class _Recording:
    """One recording, as two lists of the device tell of it."""

    token: str
    status: str = ""
    identity: str = ""
    first: int | None = None
    last: int | None = None
    video: set[str] = field(default_factory=set)
    """Tokens of its video tracks."""
    retention: int | None = None
    answers: list[Answer] = field(default_factory=list)


async def read(asset: Asset, campus: Campus, session: Session) -> Recorder:
    """Ask a recorder everything that Profile G has.

    Raises:
        GapError: the device does not answer, does not let us in, or has no recording search.
        MalformedError: its first reply cannot be understood.
    """
    soap = Soap(asset, session)
    times = await _clock(campus, soap)
    about = await soap.call(DEVICE, SERVICE, "GetDeviceInformation")
    if about is None:
        raise MalformedError("the reply to GetDeviceInformation does not decode", where=asset.id)
    places = await _services(soap)
    if about.body is None or not places[SEARCH]:
        raise unsupported(
            asset,
            about.answer,
            N_("the device speaks ONVIF without the recording search of Profile G"),
            N_("Read the recorder over its maker's interface, or ask for firmware with Profile G"),
        )
    body = about.body
    recorder = Recorder(
        answer=about.answer,
        vendor=body.value("Manufacturer"),
        model=body.value("Model"),
        firmware=body.value("FirmwareVersion"),
        serial=body.value("SerialNumber"),
        clock=times.clock if times is not None else None,
        channels_complete=False,
        replay=places[REPLAY],
    )
    # What a gap cuts off is told as unknown; the record has the gap.
    with suppress(GapError):
        recorder = await _footage(soap, places, times, recorder)
    return recorder


async def _clock(campus: Campus, soap: Soap) -> _Times | None:
    """Compare the device's UTC with ours; every device tells it to anyone (Core, access class PRE_AUTH)."""
    told = await soap.call(DEVICE, SERVICE, "GetSystemDateAndTime")
    if told is None or told.body is None:
        return None
    now = midway(told.answer)
    utc, own = (_date_time(told.body.first(name)) for name in ("UTCDateTime", "LocalDateTime"))
    if utc is None:
        return None
    soap.ahead_ms = utc - now
    zone = shift(own, utc) if own is not None else school_zone(campus.timezone)
    return _Times(Clock(utc - now, "unknown", told.answer), utc, zone, now)


async def _services(soap: Soap) -> dict[str, str]:
    """Return the paths of services by namespace, empty where there is none; the host in their addresses is not used."""
    told = await soap.call(DEVICE, SERVICE, "GetServices", "<tds:IncludeCapability>false</tds:IncludeCapability>")
    found: dict[str, str] = {}
    if told is not None and told.body is not None:
        for one in told.body.all("Service"):
            found[one.value("Namespace")] = one.value("XAddr")
    if SEARCH not in found:
        told = await soap.call(DEVICE, SERVICE, "GetCapabilities", "<tds:Category>All</tds:Category>")
        for name, element in ((SEARCH, "Search"), (RECORDING, "Recording"), (REPLAY, "Replay")):
            place = told.body.first(element) if told is not None and told.body is not None else None
            if place is not None:
                found.setdefault(name, place.value("XAddr"))
    matches = {name: _PLACE.fullmatch(found.get(name, "").strip()) for name in (SEARCH, RECORDING, REPLAY)}
    return {name: match[1] if match and "/." not in match[1] else "" for name, match in matches.items()}


async def _footage(soap: Soap, places: dict[str, str], times: _Times | None, recorder: Recorder) -> Recorder:
    search, recording = places[SEARCH], places[RECORDING]
    summary = await soap.call(SEARCH, search, "GetRecordingSummary")
    known: dict[str, _Recording] = {}
    configured = await soap.call(RECORDING, recording, "GetRecordings") if recording else None
    if configured is not None and configured.body is not None:
        for item in configured.body.all("RecordingItem"):
            _configured(item, configured.answer, known)
    searched = await recordings(soap, search)
    for item in searched.informations:
        _informed(item, searched.answers, known)
    listed = list(known.values())[:MOST_CHANNELS]
    ahead, zulu = _zulu(listed, times)
    stories: dict[str, Searched] = {}
    if times is not None and ahead is not None:
        with suppress(GapError):
            await _stories(soap, search, listed, times.now + ahead, stories)
    count = summary.body.value("NumberRecordings") if summary is not None and summary.body is not None else ""
    counted = int(count) if re.fullmatch(r"[0-9]{1,6}", count) else None
    agreed = counted in {None, len(known)}
    notes = {
        "number-of-recordings-differs": not agreed,
        "clock-unknown": bool(listed) and ahead is None,
        "odd-shape": searched.outside or any(one.outside for one in stories.values()),
    }
    return replace(
        recorder,
        clock=replace(times.clock, zulu=zulu, ahead_ms=ahead) if times is not None else None,
        channels=tuple(_channel(one, stories.get(one.token), ahead, times) for one in listed),
        # As many as the summary counts are all, also where the device took the search away before its end.
        channels_complete=agreed and (searched.end == "end" or counted is not None) and len(known) <= MOST_CHANNELS,
        searched=Span(times.now - history(soap.asset), times.now) if times is not None and ahead is not None else None,
        notes=tuple(sorted(name for name, noted in notes.items() if noted)),
    )


async def _stories(
    soap: Soap,
    search: str,
    listed: Sequence[_Recording],
    until: int,
    stories: dict[str, Searched],
) -> None:
    """Find the history of each recording; what was busy is asked once more at the end."""
    wanted = [one.token for one in listed]
    for _ in range(2):
        for token in wanted:
            stories[token] = await states(soap, search, token, until - history(soap.asset), until)
            if stories[token].end == "unsupported":
                return  # of one recording means of all
        wanted = [token for token in wanted if stories[token].end == "busy"]


# --- what the lists say ---------------------------------------------------------------------------------------------


def _configured(item: Element, answer: Answer, known: dict[str, _Recording]) -> None:
    """Note a RecordingItem of GetRecordings: tracks, source, and how long it is kept at most."""
    token = item.value("RecordingToken")
    if not token:
        return
    one = known.setdefault(token, _Recording(token))
    one.answers.append(cited(answer))
    one.retention = retention_days(item.value("MaximumRetentionTime"))
    one.identity = _camera(item) or one.identity
    one.video |= {track.value("TrackToken") for track in item.all("Track") if track.value("TrackType") == "Video"}


def _informed(item: Element, answers: Sequence[Answer], known: dict[str, _Recording]) -> None:
    """Note a RecordingInformation of the search: state, and from when to when its video tracks go."""
    token = item.value("RecordingToken")
    if not token:
        return
    one = known.setdefault(token, _Recording(token))
    one.answers += [answer for answer in answers if answer not in one.answers]
    one.status = item.value("RecordingStatus")
    one.identity = _camera(item) or one.identity
    video = [track for track in item.all("Track") if track.value("TrackType") == "Video"]
    one.video |= {track.value("TrackToken") for track in video}
    firsts = [time[0] for track in video if (time := xsd_time(track.value("DataFrom")))]
    lasts = [time[0] for track in video if (time := xsd_time(track.value("DataTo")))]
    whole = [xsd_time(item.value(name)) for name in ("EarliestRecording", "LatestRecording")]
    one.first = min(firsts) if firsts else (whole[0][0] if whole[0] else None)
    one.last = max(lasts) if lasts else (whole[1][0] if whole[1] else None)


def _camera(item: Element) -> str:
    """Return the (pseudonymous) address of the camera, where the source has one."""
    source = item.first("Source")
    address = source.value("Address") if source is not None else ""
    return address if _ADDRESS.fullmatch(address) and len(address) > 2 else ""


def _zulu(listed: Sequence[_Recording], times: _Times | None) -> tuple[int | None, Literal["utc", "local", "unknown"]]:
    """Return how far labels are ahead of true UTC, and what their `Z` means; by the newest of what records now."""
    newest = [one.last for one in listed if one.status == "Recording" and one.last is not None]
    if times is None or not newest:
        return None, "unknown"
    behind = max(newest) - times.utc
    ahead = shift(times.utc, times.now)
    if abs(behind) <= NEAR:
        return ahead, "utc"
    if times.local and abs(behind - times.local) <= NEAR:
        return ahead + times.local, "local"
    return None, "unknown"


def _channel(one: _Recording, story: Searched | None, ahead: int | None, times: _Times | None) -> Channel:
    searched = story if story is not None else Searched()
    changes = searched.in_order()
    recording = {"Recording": True, "Stopped": False, "Removing": False, "Removed": False}.get(one.status)
    channel = Channel(
        id=one.token,
        answers=(*((cited(times.clock.answer),) if times is not None else ()), *one.answers, *searched.answers),
        settings=tuple(one.answers),
        complete=searched.end in {"end", "unsupported"},
        recording=recording,
        expiry_days=one.retention or None,
        identity=one.identity,
    )
    if ahead is None or times is None:
        return replace(channel, complete=False)
    earliest = one.first - ahead if one.first is not None else None
    if searched.end == "unsupported" or (not changes and one.first is not None):
        # No history: what lies between first and last is not known.
        return replace(channel, earliest=earliest, recording=_goes_on(one, times, ahead, recording=recording))
    now = times.now + ahead
    stretches, sure = _present(changes, one, now)
    return replace(
        channel,
        spans=merged((since - ahead, until - ahead) for since, until in stretches),
        complete=channel.complete and sure,
        earliest=earliest,
        recording=_goes_on(one, times, ahead, recording=recording),
    )


def _goes_on(one: _Recording, times: _Times, ahead: int, *, recording: bool | None) -> bool | None:
    """Return whether it records; the word of a device whose newest footage is a day old is not believed."""
    if recording and one.last is not None and one.last - ahead < times.now - DAY:
        return False
    return recording


def _present(changes: Sequence[Presence], one: _Recording, now: int) -> tuple[list[tuple[int, int]], bool]:
    """Return the stretches in which a video track holds data, and whether the state at the begin is known."""
    stretches: list[tuple[int, int]] = []
    sure = True
    end = min(now, one.last) if one.last is not None and one.status != "Recording" else now
    for track in sorted({change.track for change in changes if not one.video or change.track in one.video}):
        since: int | None = None
        mine = [change for change in changes if change.track == track]
        sure = sure and (mine[0].start or mine[0].present)
        for change in mine:
            if change.present and since is None:
                since = change.at
            elif not change.present and since is not None:
                stretches.append((since, change.at))
                since = None
        if since is not None:
            stretches.append((since, end))
    # What was there once and has been overwritten is not kept.
    first = one.first if one.first is not None else 0
    return [(max(since, first), until) for since, until in stretches], sure


def retention_days(text: str) -> int | None:
    """Return MaximumRetentionTime (xsd:duration) in whole days; 0 for no limit, None for what is no duration.

    A limit of hours counts as one day; a month as 30 days and a year as 365.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None or match[1] or text.strip()[-1:] in {"P", "T"}:
        return None
    years, months, days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[1:])
    whole = years * 365 + months * 30 + days
    rest = (hours * 60 + minutes) * 60 + seconds
    total = whole + rest // 86_400
    return total or int(rest > 0)


def _date_time(element: Element | None) -> int | None:
    """Return a tt:DateTime, in ms as if UTC."""
    if element is None:
        return None
    parts = [element.value(name) for name in ("Year", "Month", "Day", "Hour", "Minute", "Second")]
    if not all(re.fullmatch(r"[0-9]{1,4}", part) for part in parts):
        return None
    year, month, day, hour, minute, second = parts
    return label(f"{int(year):04d}-{month}-{day} {hour}:{int(minute):02d}:{int(second):02d}")
