"""What the settings of a Dahua recorder say: plan, expiry, overwriting, bit rate, disks, cameras. Pure.

Names of settings: recorders-and-logs 1.3. Channels count from 0 in all of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Literal

from agent.collectors.recorders.interface import Disk
from agent.collectors.recorders.keyvalues import items

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from agent.collectors.recorders.interface import Schedule

__all__ = [
    "DISK_STATES",
    "WEEK",
    "Camera",
    "DiskState",
    "Plan",
    "Storage",
    "bitrates",
    "cameras",
    "disks",
    "losses",
    "online",
    "plans",
    "storage",
]

DiskState = Literal["storing", "present", "failing", "unknown"]

WEEK = 7 * 1440
"""Minutes."""
_MASK = re.compile(r"(\d{1,4}) (\d\d):(\d\d):(\d\d)-(\d\d):(\d\d):(\d\d)")
_SLOT = re.compile(r"table\.RemoteDevice\.[^=]*?_(\d{1,4})\.(\w+)")
_REGULAR = 1
"""Bit of a time section: record all the time; the others are motion, alarm and card."""
_MANUAL, _STOPPED = "1", "2"
"""Of RecordMode; 0 follows the plan."""
DISK_STATES: Mapping[str, DiskState] = {
    **dict.fromkeys(("success", "running", "normal", "active"), "storing"),
    **dict.fromkeys(("failure", "error", "degraded", "failed"), "failing"),
}
"""By the device's word in small letters, which differs between firmwares."""
_MOST_OCTETS = 10**18
"""No disk is larger."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a channel is to record."""

    schedule: Schedule
    minutes: int
    """A week, continuously."""
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Storage:
    """Overwriting, and after how many days footage is deleted whatever the disks hold."""

    overwrites: bool | None = None
    expiry: int | None = None
    """For channels without one of their own; 0: never; None: not told."""
    members: Mapping[int, int] | None = None
    """Expiry of the channels that a group names."""

    def expiry_days(self, channel: int) -> int | None:
        """Return after how many days footage of the channel is deleted; None where no such rule is active or told."""
        return (self.members or {}).get(channel, self.expiry) or None


@dataclass(frozen=True, slots=True)
class Camera:
    """A remote camera as the recorder has it set up."""

    enabled: bool
    identity: str = ""


def plans(record: Mapping[str, str], modes: Mapping[str, str]) -> dict[int, Plan]:
    """Return what each channel is to record, of the configurations Record and RecordMode."""
    forced = {channel: fields.get("Mode", "") for channel, fields in items(modes, "table.RecordMode")}
    found: dict[int, Plan] = {}
    for channel, fields in items(record, "table.Record"):
        regular = event = 0
        for day in range(7):  # the eighth is for holidays
            sections = [text for name, text in fields.items() if name.startswith(f"TimeSection[{day}]")]
            regular += _minutes(sections, regular=True)
            event += _minutes(sections, regular=False)
        found[channel] = Plan(_kind(regular, event), regular)
    for channel, mode in forced.items():
        if mode == _STOPPED:
            found[channel] = Plan("none", 0, stopped=True)
        elif mode == _MANUAL:
            found[channel] = Plan("continuous", WEEK)
    return found


def storage(groups: Mapping[str, str], everywhere: Mapping[str, str]) -> Storage:
    """Return what the configurations StorageGroup and StorageGlobal say; the shorter expiry wins."""
    overall = _days(everywhere.get("table.StorageGlobal.FileHoldTime", ""))
    found = [fields for _, fields in items(groups, "table.StorageGroup")]
    main = [fields for fields in found if fields.get("Name") == "ReadWrite"] or found
    said = [fields["OverWrite"].lower() for fields in main if fields.get("OverWrite", "").lower() in {"true", "false"}]
    own: list[int | None] = []
    members: dict[int, int] = {}
    for fields in main:
        expiry = _days(fields.get("FileHoldTime", ""))
        named = [value for name, value in fields.items() if re.fullmatch(r"Channels\[\d{1,4}\]", name)]
        if expiry is not None and named and all(re.fullmatch(r"[0-9]{1,4}", value) for value in named):
            members |= {int(value): _shorter([expiry, overall]) or 0 for value in named}
        else:
            own.append(expiry)
    return Storage(all(word == "true" for word in said) if said else None, _shorter([*own, overall]), members)


def bitrates(encode: Mapping[str, str]) -> dict[int, int]:
    """Return bit/s of the main stream by channel, the largest of its record types, of the configuration Encode."""
    found: dict[int, int] = {}
    for channel, fields in items(encode, "table.Encode"):
        highest = max(
            (
                int(value)
                for name, value in fields.items()
                if re.fullmatch(r"MainFormat\[\d\]\.Video\.BitRate", name) and re.fullmatch(r"[0-9]{1,7}", value)
            ),
            default=0,
        )
        if highest:
            found[channel] = highest * 1000
    return found


def disks(values: Mapping[str, str]) -> tuple[Disk, ...]:
    """Return the disks of getDeviceAllInfo; partitions are added up. A full disk is a healthy one that overwrites."""
    found: list[Disk] = []
    prefix = "list.info" if any(name.startswith("list.info[") for name in values) else "list"
    for number, fields in items(values, prefix):
        name = fields.get("Name", "").removeprefix("/dev/") or str(number)
        parts = [part for _, part in items(fields, "Detail")]
        word = fields.get("State", "")
        state: DiskState = DISK_STATES.get(word.lower(), "unknown")
        if any(part.get("IsError", "").lower() == "true" for part in parts):
            word, state = f"{word} IsError".strip(), "failing"
        elif state == "storing" and parts and all(part.get("Type") == "ReadOnly" for part in parts):
            state = "present"
        total, used = _sum(parts, "TotalBytes"), _sum(parts, "UsedBytes")
        free = max(total - used, 0) if total is not None and used is not None else None
        redundant = bool(parts) and all(part.get("Type", "").startswith("Redundan") for part in parts)
        names = [disk.id for disk in found]
        identity = name if name not in names else f"{name}-{number}"
        found.append(Disk(identity, state, word, total, free, redundant))
    return tuple(found)


def cameras(values: Mapping[str, str]) -> dict[int, Camera]:
    """Return the remote cameras by channel: slot N of RemoteDevice is channel N.

    The identity is the (pseudonymous) serial number, else the address.
    """
    slots: dict[int, dict[str, str]] = {}
    for name, value in values.items():
        if match := _SLOT.fullmatch(name):
            slots.setdefault(int(match[1]), {})[match[2]] = value
    return {
        slot: Camera(
            fields.get("Enable", "true").lower() == "true", fields.get("SerialNo") or fields.get("Address", "")
        )
        for slot, fields in sorted(slots.items())
    }


def online(values: Mapping[str, str]) -> dict[int, bool]:
    """Return which channels' cameras are connected, of getCameraState; an empty or disabled slot is neither."""
    words = {"Connected": True, "Unconnect": False, "Connecting": False}
    found: dict[int, bool] = {}
    for index, fields in items(values, "states"):
        state, channel = words.get(fields.get("connectionState", "")), fields.get("channel", str(index))
        if state is not None and re.fullmatch(r"[0-9]{1,4}", channel):
            found[int(channel)] = state
    return found


def losses(values: Mapping[str, str]) -> frozenset[int]:
    """Return the channels without picture, of getEventIndexes for VideoLoss."""
    return frozenset(
        int(value)
        for name, value in values.items()
        if re.fullmatch(r"channels\[\d{1,4}\]", name) and re.fullmatch(r"[0-9]{1,4}", value)
    )


def _minutes(sections: Iterable[str], *, regular: bool) -> int:
    """Return the minutes of a day that sections cover: those that record all the time, or those on events only."""
    minutes = [False] * 1440
    for text in sections:
        match = _MASK.fullmatch(text.strip())
        if match is None:
            continue
        mask, *times = map(int, match.groups())
        since, until = times[0] * 60 + times[1], times[3] * 60 + times[4] + (times[5] > 0)
        wanted = mask & _REGULAR if regular else mask and not mask & _REGULAR
        if wanted:
            for minute in range(min(since, 1440), min(until, 1440)):
                minutes[minute] = True
    return sum(minutes)


def _kind(regular: int, event: int) -> Schedule:
    if regular >= WEEK:
        return "continuous"
    if regular:
        return "mixed"  # part of the week: how much, the minutes say
    return "event" if event else "none"


def _days(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,5}", text) else None


def _shorter(expiries: Iterable[int | None]) -> int | None:
    """Return the shortest expiry that is active; 0 where all told say never; None where none is told."""
    told = [expiry for expiry in expiries if expiry is not None]
    return min((expiry for expiry in told if expiry), default=0) if told else None


def _sum(parts: Iterable[Mapping[str, str]], name: str) -> int | None:
    """Return whole octets, which the device prints as floats; None where no part has them."""
    try:
        found = [Decimal(part[name]) for part in parts if name in part]
        total = sum(found, Decimal(0))
    except InvalidOperation:
        return None
    return int(total) if found and total.is_finite() and 0 <= total <= _MOST_OCTETS else None
