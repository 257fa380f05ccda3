"""Hikvision recorders over ISAPI: identity, clock, disks, cameras, plan, and each main stream's footage day by day.

Several makers' devices are Hikvision's under other names. What the agent may ask is `config/families/hikvision-isapi`;
it reads only. Facts: recorders-and-logs 1.2.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from agent.collectors.answers import cited, unsupported
from agent.collectors.markup import Element
from agent.collectors.recorders import isapi_facts as facts
from agent.collectors.recorders.interface import Channel, Recorder, Span
from agent.collectors.recorders.isapi_ask import Isapi
from agent.collectors.recorders.isapi_clock import Times, calibrated, times_of
from agent.collectors.recorders.isapi_search import Footage, Searcher, days_of, earliest, sweep
from agent.collectors.recorders.periods import HOUR, history, merged
from agent.errors import GapError, MalformedError
from agent.language import N_

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.collectors.recorders.isapi_ask import Told
    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.model.exchange import Answer, Session

__all__ = ["read"]

SETTINGS = {
    "disks": "ContentMgmt/Storage",
    "cameras": "ContentMgmt/InputProxy/channels",
    "online": "ContentMgmt/InputProxy/channels/status",
    "inputs": "System/Video/inputs/channels",
    "tracks": "ContentMgmt/record/tracks",
}
STATUS = ("System/workingstatus/chanStatus?format=json", "System/workingstatus?format=json")
PATHS_OF_VOLUMES = ("path", "hddPath")
MOST_CHANNELS = 512
LIVE = 10 * 60_000
"""Footage that ends less than this ago is being recorded."""
DEAD = 2 * HOUR
"""A channel that records all week and has nothing of the last two hours does not record: files last an hour at most."""
FUTURE = 5 * 60_000
"""A file may end this far in the future: clocks are read in whole seconds, and some firmware rounds up."""


@dataclass(slots=True)
class _Stock:
    """What settings and states say, by channel, and the exchanges that hold it."""

    told: dict[str, Told] = field(default_factory=dict)
    identities: dict[int, str] = field(default_factory=dict)
    tracks: Mapping[int, facts.Track] | None = None
    online: Mapping[int, bool] = field(default_factory=dict)
    states: Mapping[int, facts.State] = field(default_factory=dict)

    @property
    def channels(self) -> list[int]:
        """Channels in order; a track of a channel that nothing else names is one that is no longer used."""
        listed = set(self.identities) or set(self.tracks or ())
        return sorted(listed)[:MOST_CHANNELS]

    @property
    def complete(self) -> bool:
        return "cameras" in self.told or "inputs" in self.told


@dataclass(slots=True)
class _Found:
    """What was found of all channels, and how to read it."""

    times: Times | None = None
    zulu: Literal["utc", "local", "unknown"] = "unknown"
    calibration: list[Answer] = field(default_factory=list)
    footage: dict[int, Footage] = field(default_factory=dict)
    oldest: dict[int, int] = field(default_factory=dict)
    finished: set[int] = field(default_factory=set)
    has_search: bool = True
    notes: set[str] = field(default_factory=set)

    @property
    def placed(self) -> bool:
        return self.times is not None and self.zulu != "unknown"


async def read(asset: Asset, campus: Campus, session: Session) -> Recorder:
    """Ask a Hikvision recorder everything.

    Raises:
        GapError: the device does not answer, does not let us in, or has no such interface.
        MalformedError: its first reply cannot be understood.
    """
    isapi = Isapi(asset, session)
    recorder = await _identity(isapi)
    stock, found = _Stock(), _Found()
    # What a gap cuts off is told as not searched; the record has the gap.
    with suppress(GapError):
        found.times = times_of(await isapi.get("System/time"), campus)
        await _settings(isapi, stock)
        await _search(isapi, stock, found)
    channels = tuple(_channel(number, stock, found, recorder.answer) for number in stock.channels)
    disks = stock.told.get("disks")
    searched = _window(found, history(asset)) if found.placed else None
    return replace(
        recorder,
        clock=found.times.clock(found.zulu) if found.times is not None else None,
        disks=facts.disks(disks.root) if disks is not None else None,
        disks_answer=disks.answer if disks is not None else None,
        overwrites=_overwrites(stock, channels),
        channels=channels,
        channels_complete=stock.complete,
        searched=searched,
        notes=_notes(isapi, stock, found),
    )


async def _identity(isapi: Isapi) -> Recorder:
    about = await isapi.get("System/deviceInfo")
    if about is None or about.state == "broken":
        raise MalformedError("the reply to System/deviceInfo cannot be understood", where=isapi.asset.id)
    if about.state != "ok" or about.root.first("DeviceInfo") is None:
        raise unsupported(
            isapi.asset,
            about.answer,
            N_("the device answers but has no ISAPI, or this user may not use it"),
            N_("Check the family, and give the user the rights to playback and to view status and settings"),
        )
    root = about.root
    firmware = " ".join(filter(None, (root.value("firmwareVersion"), root.value("firmwareReleasedDate"))))
    return Recorder(
        answer=about.answer,
        vendor="Hikvision",
        model=root.value("model"),
        firmware=firmware,
        serial=root.value("serialNumber"),
        channels_complete=False,
    )


async def _settings(isapi: Isapi, stock: _Stock) -> None:
    for name, path in SETTINGS.items():
        told = await isapi.get(path, omit=PATHS_OF_VOLUMES if name == "disks" else ())
        if told is not None and told.state == "ok":
            stock.told[name] = told
    _note(stock)
    for path in STATUS:
        told = await isapi.get(path, json=True)
        if told is not None and told.state == "ok":
            stock.told["status"] = replace(told, answer=cited(told.answer))
            stock.states = facts.states(told.value)
            break


def _note(stock: _Stock) -> None:
    """Read what was told; a camera counts under the number of its streams, which its own list may not have."""
    roots = {name: told.root for name, told in stock.told.items()}
    streams = facts.streams(roots["online"]) if "online" in roots else {}
    if "inputs" in roots:
        stock.identities |= {camera.channel: camera.identity for camera in facts.inputs(roots["inputs"])}
    if "cameras" in roots:
        for camera in facts.cameras(roots["cameras"]):
            stock.identities[streams.get(camera.channel, camera.channel)] = camera.identity
    if "online" in roots:
        stock.online = {streams.get(n, n): state for n, state in facts.online(roots["online"]).items()}
    if "tracks" in roots:
        stock.tracks = facts.tracks(roots["tracks"])
    for name, told in stock.told.items():
        if name != "disks":
            stock.told[name] = replace(told, answer=cited(told.answer), root=Element("", {}))


# --- footage --------------------------------------------------------------------------------------------------------


async def _search(isapi: Isapi, stock: _Stock, found: _Found) -> None:
    """Calibrate, then read calendar and files of every channel that has a track."""
    if found.times is None:
        return
    searcher = Searcher(isapi, seed=f"{isapi.asset.id}/{found.times.answer.source}/{found.times.now}")
    numbers = [number for number in stock.channels if stock.tracks is None or number in stock.tracks]
    likely = sorted(numbers, key=lambda number: _likely(number, stock))
    found.zulu, found.calibration = await calibrated(searcher, found.times, [n * 100 + 1 for n in likely])
    searcher.ahead = found.times.ahead(found.zulu)
    length = history(isapi.asset)
    for number in numbers:
        footage = found.footage.setdefault(number, Footage())
        local = found.times.now + found.times.zone
        await days_of(searcher, number * 100 + 1, local - length, local, footage)
        if found.placed and found.has_search:
            await _files(searcher, number, length, found)
        found.finished.add(number)


async def _files(searcher: Searcher, number: int, length: int, found: _Found) -> None:
    assert found.times is not None
    footage, track = found.footage[number], number * 100 + 1
    until = found.times.now + searcher.ahead
    window = (until - length, until)
    await sweep(searcher, track, window, found.times.zone - searcher.ahead, footage)
    if footage.end == "refused":
        # 400 is about this track; a refusal of every channel so far is one of the search itself
        found.has_search = any(one.end != "refused" for one in found.footage.values()) or len(found.footage) < 3
        return
    oldest = await earliest(searcher, track, window, footage)
    if oldest is not None:
        found.oldest[number] = oldest
    # 64 channels have 200 000 files
    footage.stretches = [(span.since, span.until) for span in merged(footage.stretches)]


def _likely(number: int, stock: _Stock) -> tuple[bool, bool, bool, int]:
    """Sort channels by how likely they record now."""
    state, track = stock.states.get(number), (stock.tracks or {}).get(number)
    return (
        not (state is not None and state.recording),
        not stock.online.get(number, True),
        not (track is not None and track.schedule == "continuous"),
        number,
    )


def _window(found: _Found, length: int) -> Span:
    assert found.times is not None
    return Span(found.times.now - length, found.times.now)


def _channel(number: int, stock: _Stock, found: _Found, identity: Answer) -> Channel:
    track = (stock.tracks or {}).get(number)
    footage = found.footage.get(number)
    settings = tuple(told.answer for name, told in stock.told.items() if name != "disks")
    channel = Channel(
        id=str(number),
        answers=(cited(identity), *settings),
        settings=settings,
        complete=False,
        online=stock.states.get(number, facts.State()).online if number not in stock.online else stock.online[number],
        schedule=track.schedule if track else "unknown",
        scheduled_minutes=track.minutes if track else None,
        expiry_days=track.expiry_days if track else None,
        bitrate=track.bitrate if track else None,
        identity=stock.identities.get(number, ""),
    )
    state = stock.states.get(number, facts.State())
    if footage is None:
        return replace(channel, recording=state.recording, complete=bool(found.finished))
    answers = (*found.calibration, *footage.answers)
    days = tuple(sorted(footage.days)) if footage.days is not None else None
    channel = replace(channel, answers=answers or channel.answers, days=days, recording=state.recording)
    if not found.placed or not found.has_search or footage.end == "refused":
        # not told, which is not "no footage"; a clock that nothing calibrates may be another day's luck
        return replace(channel, complete=found.placed)
    return _with_footage(channel, footage, found, finished=number in found.finished)


def _with_footage(channel: Channel, footage: Footage, found: _Found, *, finished: bool) -> Channel:
    assert found.times is not None
    ahead, now = found.times.ahead(found.zulu), found.times.now
    stretches = [(since - ahead, min(until - ahead, now + FUTURE)) for since, until in footage.stretches]
    spans = merged(stretches)
    if any(until - ahead > now + FUTURE for _, until in footage.stretches):
        found.notes.add("footage-of-the-future")
    if footage.missing:
        found.notes.add("calendar-without-footage")
    if footage.odd:
        found.notes.add("odd-items")
    sure = finished and footage.end == "end" and not footage.missing and not footage.odd
    oldest = found.oldest.get(int(channel.id))
    begins = [span.since for span in spans[:1]] + ([oldest - ahead] if oldest is not None else [])
    return replace(
        channel,
        spans=spans if spans or sure else None,
        complete=sure,
        earliest=min(begins, default=None),
        recording=_recording(channel, spans, now, sure=sure, found=found),
        bitrate=footage.octets * 8000 // footage.millis if footage.octets and footage.millis else channel.bitrate,
    )


def _recording(channel: Channel, spans: tuple[Span, ...], now: int, *, sure: bool, found: _Found) -> bool | None:
    """Return whether it records now: by its state where its footage does not contradict that, else by its footage."""
    newest = spans[-1].until if spans else 0
    planned = channel.schedule == "continuous" and channel.scheduled_minutes == facts.WEEK
    dead = sure and planned and newest < now - DEAD
    if channel.recording and dead:
        found.notes.add("recording-without-footage")
        return None
    if channel.recording is not None:
        return channel.recording
    if newest > now - LIVE:
        return True
    return False if dead else None


def _overwrites(stock: _Stock, channels: tuple[Channel, ...]) -> bool | None:
    """Return True for full disks onto which it goes on recording; nothing else tells."""
    disks = stock.told.get("disks")
    storing = [disk for disk in facts.disks(disks.root) if disk.state == "storing"] if disks is not None else []
    full = bool(storing) and all(disk.free == 0 for disk in storing)
    return True if full and any(channel.recording for channel in channels) else None


def _notes(isapi: Isapi, stock: _Stock, found: _Found) -> tuple[str, ...]:
    notes = found.notes | {f"denied:{path}" for path in isapi.denied}
    if found.times is None or (found.footage and found.zulu == "unknown"):
        notes.add("clock-unknown")
    if not found.has_search:
        notes.add("no-search")
    disks = stock.told.get("disks")
    if disks is not None and disks.root.value("workMode").lower() == "quota":
        notes.add("quota")
    if stock.tracks is not None and set(stock.identities) - set(stock.tracks):
        notes.add("channels-without-track")
    return tuple(sorted(notes))
