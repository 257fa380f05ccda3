"""A Dahua recorder on loopback, with the traps that real ones set (recorders-and-logs 1.3).

Replies are lines of `name=value`; files are cut at the hour, as recorders do; a search is a finder with a handle, of
which there are few. 400 stands for "nothing found" and for everything else that is wrong with a request.
"""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from agent.lab.recorders.server import Said

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from agent.lab.recorders.server import Asked

__all__ = ["DahuaDisk", "DahuaRecorder"]

HOUR = 3_600_000
TEXT = "text/plain;charset=utf-8"
WHOLE_WEEK = tuple("1 00:00:00-23:59:59" for _ in range(7))


@dataclass(frozen=True, slots=True)
class DahuaDisk:
    """A disk as the device prints it."""

    name: str
    state: str = "Success"
    total: int = 4_000_000_000_000
    used: int = 4_000_000_000_000
    error: bool = False
    type: str = "ReadWrite"


@dataclass
class _Finder:
    files: Iterator[tuple[int, int, int]] | None = None
    pages: int = 0


@dataclass
class DahuaRecorder:
    """The device.

    Args:
        footage: by channel from 0: recorded stretches, ms since 1970 in UTC.
        now: the true time in ms since 1970.
    """

    footage: Mapping[int, Sequence[tuple[int, int]]]
    now: Callable[[], int]
    ahead: int = 8 * HOUR
    """Of the device's local labels, before UTC."""
    first: int = 1
    """What `condition.Channel` calls channel 0; cameras count from 0."""
    shift: int = 0
    """Added to `Channel` of the items: a device that answers for another channel."""
    shift_from: int = 1
    """From this page of a search on."""
    cap: int = 100
    """Items of a page, whatever is asked."""
    lie: int = 0
    """Added to `found`."""
    ends_by_error: bool = False
    lives: int = 0
    """Pages until a finder is taken away; 0: it stays."""
    stuck: bool = False
    """Every page is the first."""
    finders: int = 4
    """At a time."""
    busy: set[tuple[int, bool]] = field(default_factory=set)
    """Channels (as asked) whose next search is answered by 503, each once: over all years, or over a window."""
    denied: frozenset[str] = frozenset()
    """Names of configurations that this account may not read."""
    missing: frozenset[str] = frozenset()
    """CGI names that this firmware does not have."""
    locked: bool = False
    disks: tuple[DahuaDisk, ...] = (DahuaDisk("/dev/sda"),)
    disk_list: str = "list.info"
    overwrites: bool = True
    hold_days: int = 0
    plan: tuple[str, ...] = WHOLE_WEEK
    """Of each day from Sunday."""
    modes: Mapping[int, int] = field(default_factory=dict)
    offline: frozenset[int] = frozenset()
    unused: int = 0
    """Slots without a camera, after the others."""
    remote: bool = True
    """Has RemoteDevice: its cameras are on the network."""
    file_ms: int = HOUR
    _finders: dict[str, _Finder] = field(default_factory=dict, repr=False)
    _handles: Iterator[int] = field(default_factory=lambda: itertools.count(3_000_001), repr=False)

    def answer(self, asked: Asked) -> Said:
        """Answer one request."""
        if self.locked:
            lock = {"ErrorCode": 268632081, "ErrorMessage": "The account is locked", "Detail": {"RmLock": 1800}}
            return Said(json.dumps(lock).encode(), 403, "application/json")
        cgi = asked.path.removeprefix("/cgi-bin/").removesuffix(".cgi")
        if cgi in self.missing:
            return Said(b"", 501, TEXT)
        action = asked.query.get("action", "")
        known = {
            "magicBox": self._about,
            "global": self._time,
            "configManager": self._config,
            "LogicDeviceManager": self._states,
            "eventManager": self._losses,
            "storageDevice": self._storage,
            "mediaFileFind": self._find,
        }
        return known[cgi](action, asked) if cgi in known else _error("Bad Request!")

    @property
    def left_open(self) -> int:
        """How many finders nobody has destroyed."""
        return len(self._finders)

    # --- settings and states ---

    def _about(self, action: str, _: Asked) -> Said:
        said = {
            "getSystemInfo": (
                "appAutoStart=true\r\ndeviceType=31\r\nhardwareVersion=V1.0\r\nprocessor=ST7108\r\n"
                "serialNumber=4A0123BPAZ00001\r\nupdateSerial=DHI-NVR4216-16P-4KS2\r\n"
            ),
            "getDeviceClass": "class=NVR\r\n",
            "getSoftwareVersion": "version=4.001.0000001.3.R,build:2023-05-11\r\n",
        }
        return _lines(said[action]) if action in said else _error("Not Supported")

    def _time(self, _: str, __: Asked) -> Said:
        return _lines(f"result={_label(self.now() + self.ahead)}\r\n")

    def _config(self, _: str, asked: Asked) -> Said:
        name = asked.query.get("name", "")
        if name in self.denied:
            return Said(b"Authority:check failure.\r\n", 403, TEXT)
        said = getattr(self, f"_config_{name}", None)
        return _lines("".join(f"table.{name}{line}\r\n" for line in said())) if said else Said(b"Error\r\n", 400, TEXT)

    def _channels(self) -> range:
        return range(max(self.footage, default=-1) + 1 + self.unused)

    def _config_ChannelTitle(self) -> Iterator[str]:  # noqa: N802 (the device's name)
        for channel in self._channels():
            yield f"[{channel}].Name=东门 {channel + 1}"

    def _config_RemoteDevice(self) -> Iterator[str]:  # noqa: N802 (the device's name)
        for channel in self._channels() if self.remote else ():
            slot = f".uuid:System_CONFIG_NETCAMERA_INFO_{channel}"
            used = channel in self.footage
            yield f"{slot}.Address=192.168.8.{channel + 10}"
            yield f"{slot}.Enable={str(used).lower()}"
            yield f"{slot}.Password=camera-password-1"
            yield f"{slot}.SerialNo={f'9L0{channel:04d}CAM' if used else ''}"
            yield f"{slot}.UserName=admin"
            yield f"{slot}.VideoInputs[0].Name=东门 {channel + 1}"

    def _config_Record(self) -> Iterator[str]:  # noqa: N802 (the device's name)
        for channel in self._channels():
            for day in range(8):
                yield f"[{channel}].TimeSection[{day}][0]={self.plan[day % 7]}"
                yield f"[{channel}].TimeSection[{day}][1]=0 00:00:00-23:59:59"

    def _config_RecordMode(self) -> Iterator[str]:  # noqa: N802 (the device's name)
        for channel in self._channels():
            yield f"[{channel}].Mode={self.modes.get(channel, 0)}"
            yield f"[{channel}].ModeExtra1=2"

    def _config_StorageGroup(self) -> Iterator[str]:  # noqa: N802 (the device's name)
        yield f"[0].FileHoldTime={self.hold_days}"
        yield "[0].Name=ReadWrite"
        yield f"[0].OverWrite={str(self.overwrites).lower()}"
        yield "[1].FileHoldTime=3"
        yield "[1].Name=Redundant"
        yield "[1].OverWrite=false"

    def _config_Encode(self) -> Iterator[str]:  # noqa: N802 (the device's name)
        for channel in self._channels():
            for kind in range(3):
                yield f"[{channel}].MainFormat[{kind}].Video.BitRate={4096 - 512 * kind}"
            yield f"[{channel}].ExtraFormat[0].Video.BitRate=9999"

    def _states(self, _: str, __: Asked) -> Said:
        lines = [
            f"states[{n}].channel={channel}\r\nstates[{n}].connectionState={self._state(channel)}\r\n"
            for n, channel in enumerate(self._channels())
        ]
        return _lines("".join(lines))

    def _state(self, channel: int) -> str:
        if channel not in self.footage:
            return "Empty"
        return "Unconnect" if channel in self.offline else "Connected"

    def _losses(self, _: str, __: Asked) -> Said:
        if not self.offline:
            return _lines("Error: No Events")
        return _lines("".join(f"channels[{n}]={channel}\r\n" for n, channel in enumerate(sorted(self.offline))))

    def _storage(self, _: str, __: Asked) -> Said:
        lines = []
        for n, disk in enumerate(self.disks):
            at = f"{self.disk_list}[{n}]"
            lines += [
                f"{at}.Detail[0].IsError={str(disk.error).lower()}",
                f"{at}.Detail[0].Path={disk.name}0",
                f"{at}.Detail[0].TotalBytes={disk.total}.000000",
                f"{at}.Detail[0].Type={disk.type}",
                f"{at}.Detail[0].UsedBytes={disk.used}.000000",
                f"{at}.HealthDataFlag=0",
                f"{at}.Name={disk.name}",
                f"{at}.State={disk.state}",
            ]
        return _lines("".join(f"{line}\r\n" for line in lines))

    # --- the finder ---

    def _find(self, action: str, asked: Asked) -> Said:
        if action == "factory.create":
            if len(self._finders) >= self.finders:
                return _error("Too Many Finders")
            handle = str(next(self._handles))
            self._finders[handle] = _Finder()
            return _lines(f"result={handle}\r\n")
        handle = asked.query.get("object", "")
        finder = self._finders.get(handle)
        if finder is None:
            return _error("Invalid Object")
        if action == "findFile":
            return self._begin(finder, asked)
        if action == "findNextFile":
            return self._next(handle, finder, int(asked.query.get("count", "100")))
        finder.files = None
        if action == "destroy":
            del self._finders[handle]
        return _lines("OK\r\n")

    def _begin(self, finder: _Finder, asked: Asked) -> Said:
        number = int(asked.query["condition.Channel"])
        since, until = (_ms(asked.query[f"condition.{name}"]) for name in ("StartTime", "EndTime"))
        window = since > _ms("2001-01-01 00:00:00")
        if (number, window) in self.busy:
            self.busy.discard((number, window))
            return Said(b"Device Busy", 503, TEXT)
        channel = number - self.first
        files = [
            (channel, start, end)
            for start, end in self._files(channel)
            if end + self.ahead > since and start + self.ahead < until
        ]
        if not files:
            return Said(b"Error\r\nErrorID=400, Detail=Bad Request!\r\n", 400, TEXT)
        finder.files, finder.pages = iter(files), 0
        return _lines("OK\r\n")

    def _files(self, channel: int) -> Iterator[tuple[int, int]]:
        for since, until in self.footage.get(channel, ()):
            start = since
            while start < until:
                end = min((start // self.file_ms + 1) * self.file_ms, until)
                yield start, end
                start = end

    def _next(self, handle: str, finder: _Finder, count: int) -> Said:
        finder.pages += 1
        if self.lives and finder.pages > self.lives:
            del self._finders[handle]
            return _error("Invalid Object")
        if finder.files is None:
            return _error("No Condition")
        if self.stuck:
            finder.files, copy = itertools.tee(finder.files)
            page = list(itertools.islice(copy, min(count, self.cap)))
        else:
            page = list(itertools.islice(finder.files, min(count, self.cap)))
        if not page and self.ends_by_error:
            return _error("No More Files")
        found = len(page) + (self.lie if page else 0)
        return _lines(f"found={found}\r\n" + "".join(self._item(n, finder.pages, *file) for n, file in enumerate(page)))

    def _item(self, n: int, page: int, channel: int, start: int, end: int) -> str:
        channel += self.shift if page >= self.shift_from else 0
        since, until = (_label(at + self.ahead) for at in (start, end))
        return (
            f"items[{n}].Channel={channel}\r\nitems[{n}].Cluster=0\r\nitems[{n}].Disk=0\r\n"
            f"items[{n}].EndTime={until}\r\nitems[{n}].FilePath=/mnt/dvr/{since[:10]}/{channel}/dav/{n}.dav\r\n"
            f"items[{n}].Flags[0]=Timing\r\nitems[{n}].Length={(end - start) // 1000 * 512_000}\r\n"
            f"items[{n}].Partition=0\r\nitems[{n}].StartTime={since}\r\nitems[{n}].Type=dav\r\n"
            f"items[{n}].VideoStream=Main\r\n"
        )


def _lines(text: str) -> Said:
    return Said(text.encode("gb18030"), media=TEXT)


def _error(why: str) -> Said:
    return Said(f"Error\r\nErrorID=1, Detail={why}\r\n".encode(), media=TEXT)


def _label(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _ms(label: str) -> int:
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", label), label
    return int(datetime.fromisoformat(label).replace(tzinfo=UTC).timestamp() * 1000)
