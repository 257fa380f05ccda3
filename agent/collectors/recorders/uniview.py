"""Uniview recorders over LAPI (JSON). Experimental: paths and fields are known from single projects, not from replies.

What has no known body (earliest recording, estimated days, store strategy, plans) is not asked, and told as unknown; an
ONVIF asset of the same recorder may fill it in. Firmware that wants its web login instead of HTTP digest refuses.
Days come from the calendar, spans from the record list where the firmware has it. Facts: recorders-and-logs 1.4.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from agent.collectors.answers import cited, unsupported
from agent.collectors.markup import json_value
from agent.collectors.recorders.asking import asked
from agent.collectors.recorders.interface import Channel, Clock, Disk, Recorder, Span
from agent.collectors.recorders.periods import history, merged, midway, school_zone
from agent.errors import GapError, MalformedError
from agent.language import N_
from agent.model.cli import received
from agent.model.http import HttpField, HttpRequest

if TYPE_CHECKING:
    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.model.exchange import Answer, Session
    from agent.model.http import HttpReply

__all__ = ["read"]

BASE = "/LAPI/V1.0/"
FIELDS = (
    HttpField(name="Name", holds="name"),
    HttpField(name="DeviceName", holds="name"),
    HttpField(name="SerialNumber", holds="serial"),
    HttpField(name="Address", holds="ip4"),
    HttpField(name="MAC", holds="mac"),
    HttpField(name="UserName", holds="name"),
    HttpField(name="Password", holds="name"),
)
PAGE = 100
MOST_PAGES = 500
MOST_CHANNELS = 512
LIVE = 10 * 60_000
MEGABYTE = 1_000_000
"""Whether the device means 10^6 or 2^20 octets is not known: the smaller."""
NO_DISK = 0
DISK_WORDS = {
    1: ("present", "unformatted"),
    2: ("present", "formatting"),
    3: ("storing", "healthy"),
    4: ("present", "sleep"),
    5: ("failing", "abnormal"),
    6: ("unknown", "switching"),
    7: ("present", "unmounted"),
}
_EARLIEST, _LATEST = 946_684_800, 4_102_444_800
"""2000 and 2100, in seconds since 1970."""
_ID = re.compile(r"[0-9]{1,4}")


@dataclass(frozen=True, slots=True)
class _Told:
    """The data of a reply, or why there is none."""

    answer: Answer
    state: Literal["ok", "unsupported", "denied", "busy"]
    data: dict[str, Any]

    def objects(self, name: str) -> list[dict[str, Any]]:
        """Return the objects of a list; a list of one may be the object itself."""
        found = self.data.get(name)
        return [one for one in (found if isinstance(found, list) else [found]) if isinstance(one, dict)]


@dataclass(slots=True)
class _Footage:
    """What the calendar and the record list of a channel gave."""

    answers: list[Answer] = field(default_factory=list)
    days: set[str] | None = None
    stretches: list[tuple[int, int]] | None = None
    complete: bool = False
    """All is told that the firmware tells; of spans, all where there are any."""


async def read(asset: Asset, campus: Campus, session: Session) -> Recorder:
    """Ask a Uniview recorder everything that has a known reply.

    Raises:
        GapError: the device does not answer, does not let us in, or has no such interface.
        MalformedError: its first reply cannot be understood.
    """
    about = await _ask(asset, session, "System/DeviceInfo")
    if about is not None and about.state != "ok":
        about = await _ask(asset, session, "System/DeviceBasicInfo")
    if about is None:
        raise MalformedError("the reply to System/DeviceInfo does not decode", where=asset.id)
    if about.state != "ok":
        raise unsupported(
            asset,
            about.answer,
            N_("the device answers but has no LAPI that opens with HTTP digest"),
            N_("Read the recorder over ONVIF instead"),
        )
    recorder = Recorder(
        answer=about.answer,
        vendor="Uniview",
        model=_text(about.data, "DeviceModel"),
        firmware=_text(about.data, "FirmwareVersion"),
        serial=_text(about.data, "SerialNumber"),
        channels_complete=False,
        notes=("experimental",),
    )
    # What a gap cuts off is told as unknown; the record has the gap.
    with suppress(GapError):
        recorder = await _rest(asset, campus, session, recorder)
    return recorder


async def _rest(asset: Asset, campus: Campus, session: Session, recorder: Recorder) -> Recorder:
    time = await _ask(asset, session, "System/Time")
    clock, now = _clock(time) if time is not None else (None, midway(recorder.answer))
    disks = await _ask(asset, session, "Storage/Containers/DetailInfos")
    listed = await _ask(asset, session, "Channels/System/ChannelDetailInfos")
    serials = await _ask(asset, session, "Channels/System/DeviceInfos")
    channels = _channels(listed, serials)
    zone = school_zone(campus.timezone) or 0
    footage: dict[str, _Footage] = {}
    with suppress(GapError):
        spans_told = True
        for channel in channels:
            footage[channel.id] = found = _Footage()
            await _calendar(asset, session, channel.id, now, zone, found)
            if spans_told:
                spans_told = await _records(asset, session, channel.id, now, found)
            else:
                found.complete = True  # all that this firmware tells
    return replace(
        recorder,
        clock=clock,
        disks=_disks(disks) if disks is not None and disks.state == "ok" else None,
        disks_answer=disks.answer if disks is not None else None,
        channels=tuple(_with(channel, footage.get(channel.id), now) for channel in channels),
        channels_complete=listed is not None and listed.state == "ok" and len(channels) < MOST_CHANNELS,
        searched=Span(now - history(asset), now),
    )


async def _ask(asset: Asset, session: Session, path: str) -> _Told | None:
    """Ask one path; None for a reply that does not decode or that may not be asked for."""
    found = await asked(asset, session, HttpRequest(path=BASE + path, form="json", fields=FIELDS))
    if found is None:
        return None
    answer, reply = found
    state, data = _data(reply)
    return None if state == "odd" else _Told(answer, state, data)


def _data(reply: HttpReply) -> tuple[Literal["ok", "unsupported", "denied", "busy", "odd"], dict[str, Any]]:
    if reply.status in {403, 503}:
        return ("denied" if reply.status == 403 else "busy"), {}
    try:
        value = json_value(received(reply.body))
    except MalformedError:
        # A path that firmware does not have is answered by a page or a torn body.
        return ("unsupported" if reply.status != 200 else "odd"), {}
    response = value.get("Response") if isinstance(value, dict) else None
    if not isinstance(response, dict):
        return "unsupported", {}
    code, data = response.get("ResponseCode"), response.get("Data")
    if reply.status != 200 or code != 0 or not isinstance(data, dict) or reply.truncated:
        return ("denied" if code == 3 else "unsupported"), {}
    return "ok", data


# --- footage --------------------------------------------------------------------------------------------------------


async def _calendar(asset: Asset, session: Session, channel: str, now: int, zone: int, found: _Footage) -> None:
    """Read the days with footage, month by month, of the device's local calendar."""
    first, last = (_day(at + zone) for at in (now - history(asset), now))
    days: set[str] = set()
    month = first.replace(day=1)
    while month <= last:
        path = (
            f"Channels/{channel}/Media/Video/Streams/0/Records/DailyDistribution?Year={month.year}&Month={month.month}"
        )
        told = await _ask(asset, session, path)
        if told is None or told.state != "ok" or not isinstance(told.data.get("DailyStatus"), list):
            return
        found.answers.append(cited(told.answer))
        for offset, status in enumerate(told.data["DailyStatus"][:31]):
            day = month + timedelta(days=offset)
            if status == 1 and day.month == month.month and first <= day <= last:
                days.add(day.isoformat())
        month = (month + timedelta(days=32)).replace(day=1)
    found.days = days


async def _records(asset: Asset, session: Session, channel: str, now: int, found: _Footage) -> bool:
    """Read the record list to its end; False where the firmware has none."""
    begin, end = (now - history(asset)) // 1000, now // 1000
    stretches: list[tuple[int, int]] = []
    seen: dict[str, Any] | None = None
    for _ in range(MOST_PAGES):
        path = (
            f"Channels/{channel}/Media/Video/Streams/0/Records?Begin={begin}&End={end}&Types=0"
            f"&Offset={len(stretches)}&Limit={PAGE}"
        )
        told = await _ask(asset, session, path)
        if told is None or told.state != "ok" or "RecordInfos" not in told.data:
            found.stretches = stretches or None
            found.complete = told is not None and told.state == "unsupported" and not stretches
            return told is None or told.state == "busy"
        found.answers.append(cited(told.answer))
        page = told.objects("RecordInfos")
        times = [(_epoch(item.get("Begin")), _epoch(item.get("End"))) for item in page]
        read = [(since, until) for since, until in times if since is not None and until is not None]
        if not page or len(read) < len(page) or page[0] == seen:
            found.complete = not page
            break
        seen = page[0]
        stretches += read
    found.stretches = stretches
    return True


def _with(channel: Channel, found: _Footage | None, now: int) -> Channel:
    if found is None:
        return replace(channel, complete=False)
    spans = merged(found.stretches) if found.stretches is not None else None
    live = bool(spans) and spans is not None and spans[-1].until > now - LIVE
    return replace(
        channel,
        answers=(*channel.answers, *found.answers),
        settings=channel.answers,
        spans=spans if spans or found.complete else None,
        days=tuple(sorted(found.days)) if found.days is not None else None,
        complete=found.complete,
        recording=True if live else None,
    )


# --- states ---------------------------------------------------------------------------------------------------------


def _clock(told: _Told) -> tuple[Clock | None, int]:
    now = midway(told.answer)
    epoch = _epoch(told.data.get("DeviceTime"))
    # Footage has seconds since 1970, which are UTC.
    return (Clock(epoch - now, "utc", told.answer, 0) if epoch is not None else None), now


def _channels(listed: _Told | None, serials: _Told | None) -> list[Channel]:
    """Return the channels, of whose cameras the serial number stands in another list."""
    if listed is None:
        return []
    known = (
        {str(one.get("ID")): _text(one, "SerialNumber") for one in serials.objects("DeviceInfos")} if serials else {}
    )
    answers = (cited(listed.answer), *([cited(serials.answer)] if serials else []))
    found: dict[str, Channel] = {}
    for one in listed.objects("DetailInfos"):
        name, status, place = str(one.get("ID")), one.get("Status"), one.get("AddressInfo")
        if not _ID.fullmatch(name) or len(found) >= MOST_CHANNELS:
            continue
        address = _text(place, "Address") if isinstance(place, dict) else ""
        online = status == 1 if isinstance(status, int) and not isinstance(status, bool) else None
        found.setdefault(name, Channel(name, answers, online=online, identity=known.get(name) or address))
    return list(found.values())


def _disks(told: _Told) -> tuple[Disk, ...]:
    found: list[Disk] = []
    for kind in ("LocalHDDList", "NASList"):
        for one in told.objects(kind):
            status = one.get("Status")
            if status == NO_DISK:
                continue
            state, word = (
                DISK_WORDS.get(status, ("unknown", str(status))) if isinstance(status, int) else ("unknown", "")
            )
            name = f"{'nas' if kind == 'NASList' else 'hdd'}{one.get('ID', len(found) + 1)}"
            capacity, free = (_octets(one.get(key)) for key in ("TotalCapacity", "RemainCapacity"))
            found.append(Disk(name, state, word, capacity, free))  # type: ignore[arg-type]  # one of the words
    return tuple(found)


def _octets(value: object) -> int | None:
    known = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9
    return int(str(value)) * MEGABYTE if known else None


def _epoch(value: object) -> int | None:
    """Return seconds since 1970 in ms; None for what is no such time of this century."""
    if not isinstance(value, int) or isinstance(value, bool) or not _EARLIEST <= value < _LATEST:
        return None
    return value * 1000


def _day(at: int) -> date:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)).date()


def _text(data: dict[str, Any], name: str) -> str:
    value = data.get(name)
    return value.strip() if isinstance(value, str) else ""
