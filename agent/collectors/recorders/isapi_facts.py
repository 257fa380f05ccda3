"""What the settings and states of a Hikvision device say: disks, cameras, plan, expiry. Pure.

Meanings: recorders-and-logs 1.2.2 to 1.2.4. Capacities are MiB; `<Enable>` of a track says nothing, `enableSchedule`
does; free space of 0 is the healthy state of a recorder that overwrites.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent.collectors.recorders.interface import Disk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agent.collectors.markup import Element
    from agent.collectors.recorders.interface import Schedule

__all__ = ["Camera", "State", "Track", "cameras", "disks", "inputs", "online", "states", "streams", "tracks"]

MEBIBYTE = 1 << 20
WEEK = 7 * 1440
"""Minutes."""
_MOST_MEBIBYTES = 10**12
DISK_STATES = {
    "ok": "storing",
    **dict.fromkeys(("idle", "sleeping", "unformatted", "reparing", "repairing", "formating", "formatting"), "present"),
    **dict.fromkeys(("unrecordhostformatted",), "present"),
    **dict.fromkeys(("error", "smartfailed", "mismatch", "offline", "abnormal"), "failing"),
}
"""By the device's word in small letters."""
_GHOST = "notexist"
"""An empty bay."""
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_TIME = re.compile(r"(\d\d?):(\d\d)(?::\d\d)?")
_DURATION = re.compile(r"P(\d{1,4})DT(\d{1,4})H")
_KBPS = re.compile(r"bitrate=(\d{1,6})\s*kbps", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]{1,6}")


@dataclass(frozen=True, slots=True)
class Camera:
    """A channel as the device has it set up."""

    channel: int
    identity: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """A channel in this moment, by the working status."""

    online: bool | None = None
    recording: bool | None = None


@dataclass(frozen=True, slots=True)
class Track:
    """What is to be recorded of a channel's main stream."""

    schedule: Schedule
    minutes: int | None
    """Continuously, in a week; None where the plan cannot be read."""
    expiry_days: int | None
    bitrate: int | None
    """As the description says, bit/s."""


def number(text: str) -> int | None:
    """Return a plain number of a few digits."""
    return int(text) if _NUMBER.fullmatch(text) else None


# --- disks ----------------------------------------------------------------------------------------------------------


def disks(root: Element) -> tuple[Disk, ...]:
    """Return disks and remote volumes; empty bays are none."""
    found = [disk for kind in ("hdd", "nas", "ssd") for one in root.all(kind) if (disk := _disk(kind, one)) is not None]
    return tuple(found)


def _disk(kind: str, one: Element) -> Disk | None:
    word = one.own("status")
    if not one.own("id") or word.lower() == _GHOST:
        return None
    state = DISK_STATES.get(word.lower(), "unknown")
    kept = one.own("property").lower()
    if state == "storing" and kept == "ro":
        state = "present"
    return Disk(
        id=f"{kind}{one.own('id')[:20]}",
        state=state,  # type: ignore[arg-type]  # the table holds nothing else
        word=word[:40],
        capacity=_octets(one.own("capacity")),
        free=_octets(one.own("freeSpace")),
        redundant=kept == "redund",
    )


def _octets(text: str) -> int | None:
    if not re.fullmatch(r"[0-9]{1,13}", text) or int(text) > _MOST_MEBIBYTES:
        return None
    return int(text) * MEBIBYTE


# --- channels -------------------------------------------------------------------------------------------------------


def cameras(root: Element) -> list[Camera]:
    """Return the cameras that the recorder has on the network; its `size` counts something else on some firmware."""
    found = []
    for one in root.all("InputProxyChannel"):
        channel, source = number(one.own("id")), one.child("sourceInputPortDescriptor")
        if channel is not None:
            identity = (source.own("serialNumber") or source.own("ipAddress")) if source is not None else ""
            found.append(Camera(channel, identity))
    return found


def inputs(root: Element) -> list[Camera]:
    """Return the analogue inputs."""
    channels = (number(one.own("id")) for one in root.all("VideoInputChannel"))
    return [Camera(channel) for channel in channels if channel is not None]


def online(root: Element) -> dict[int, bool]:
    """Return which cameras are connected; one without the element is not told of."""
    words = {"true": True, "false": False}
    found = ((number(one.own("id")), one.own("online").lower()) for one in root.all("InputProxyChannelStatus"))
    return {channel: words[word] for channel, word in found if channel is not None and word in words}


def streams(root: Element) -> dict[int, int]:
    """Return under which number a camera's streams and tracks run: behind the analogue inputs on hybrid devices."""
    found = {}
    for one in root.all("InputProxyChannelStatus"):
        channel, stream = number(one.own("id")), number(one.value("streamingProxyChannelId"))
        if channel is not None and stream is not None and stream >= 100:
            found[channel] = stream // 100
    return found


def states(value: Any) -> dict[int, State]:
    """Return states by channel of a working status, whatever it is wrapped in."""
    found = {}
    for one in _status_objects(value, 0):
        fields = {str(name).strip(): each for name, each in one.items()}  # the guide has a key with a blank behind it
        channel = fields.get("chanNo")
        if isinstance(channel, int) and 0 < channel < 10_000:
            found[channel] = State(_yes(fields.get("online")), _yes(fields.get("record")))
    return found


def _status_objects(value: Any, depth: int) -> Iterator[Mapping[str, Any]]:
    if depth > 4:
        return
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dict) and "chanNo" in one:
            yield one
        elif isinstance(one, dict):
            for name in ("ChanStatus", "ChanStatusList", "JSON_ChanStatus", "WorkingStatus", "JSON_WorkingStatus"):
                if name in one:
                    yield from _status_objects(one[name], depth + 1)


def _yes(value: Any) -> bool | None:
    return bool(value) if value in (0, 1) else None


# --- plan -----------------------------------------------------------------------------------------------------------


def tracks(root: Element) -> dict[int, Track]:
    """Return the plan of each channel's main stream (track <channel>01), by channel."""
    found = {}
    for one in root.all("Track"):
        name = number(one.own("id"))
        if name is not None and name % 100 == 1:
            found[name // 100] = _track(one)
    return found


def _track(one: Element) -> Track:
    schedule, minutes = _plan(one)
    description = _KBPS.search(one.own("Description"))
    bitrate = int(description[1]) * 1000 if description else 0
    return Track(schedule, minutes, _expiry(one), bitrate or None)


def _expiry(one: Element) -> int | None:
    """Return after how many whole days footage is deleted; None for never, or not told."""
    match = _DURATION.fullmatch(one.own("Duration"))
    if match is None or one.own("durationEnabled").lower() == "false":
        return None
    return (int(match[1]) * 24 + int(match[2])) // 24 or None


def _plan(one: Element) -> tuple[Schedule, int | None]:
    if one.value("enableSchedule").lower() == "false":
        return "none", 0
    if one.first("TrackSchedule") is None:
        return "unknown", None
    continuous: list[tuple[int, int]] = []
    events = False
    for action in one.all("ScheduleAction"):
        stretch = _stretch(action)
        if stretch is None:
            return "unknown", None
        if action.value("Record").lower() == "false":
            continue
        if action.value("ActionRecordingMode").upper() == "CMR":
            continuous.append(stretch)
        else:
            events = True
    minutes = _union(continuous)
    if minutes and minutes < WEEK and events:
        return "mixed", minutes
    if minutes:
        return "continuous", minutes
    return ("event" if events else "none"), 0


def _stretch(action: Element) -> tuple[int, int] | None:
    """Return an action's minutes of the week; one that ends before it begins goes on into the next week."""
    begin, end = (_minute(action.first(f"ScheduleAction{name}Time")) for name in ("Start", "End"))
    if begin is None or end is None:
        return None
    return begin, end if end > begin else end + WEEK


def _minute(at: Element | None) -> int | None:
    if at is None:
        return None
    day, match = at.value("DayOfWeek").lower(), _TIME.fullmatch(at.value("TimeOfDay"))
    if day not in _DAYS or match is None or int(match[1]) > 24 or int(match[2]) > 59:
        return None
    minute = _DAYS.index(day) * 1440 + int(match[1]) * 60 + int(match[2])
    # 23:59:59 is how some firmware writes the end of a day
    return minute + 1 if at.value("TimeOfDay") == "23:59:59" else minute


def _union(stretches: Sequence[tuple[int, int]]) -> int:
    week = bytearray(WEEK)
    for begin, end in stretches:
        for minute in range(begin, min(end, begin + WEEK)):
            week[minute % WEEK] = 1
    return sum(week)
