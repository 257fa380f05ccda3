"""A Hikvision recorder on loopback, with the traps that real ones set (recorders-and-logs 1.2).

Files are cut by size and so at odd times, neighbours overlap by some seconds; pages are as long as the device likes;
counts lie; `Z` is local; documents of one device have different namespaces; 503 says that there is no such node.
"""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from agent.lab.recorders.server import Said
from agent.lab.recorders.spans import DAY, HOUR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from agent.lab.recorders.server import Asked

__all__ = ["HikDisk", "HikvisionRecorder", "week"]

NAMESPACES = (
    ' xmlns="http://www.hikvision.com/ver20/XMLSchema"',
    ' xmlns="http://www.isapi.org/ver20/XMLSchema"',
    ' xmlns="urn:psialliance-org"',
    ' xmlns="http://www.std-cgi.com/ver20/XMLSchema"',
    "",
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class HikDisk:
    """A disk as the device prints it."""

    status: str = "ok"
    capacity: int = 3_815_447
    """MiB."""
    free: int = 0
    kept: str = "RW"


def week(mode: str = "CMR", *, begin: str = "00:00:00", end: str = "24:00:00") -> tuple[str, ...]:
    """Return a plan of every day: the schedule actions as the device prints them."""
    return tuple(_action(day, begin, day, end, mode) for day in _DAYS)


def _action(day: str, begin: str, last: str, end: str, mode: str) -> str:
    return (
        "<ScheduleAction><id>1</id>"
        f"<ScheduleActionStartTime><DayOfWeek>{day}</DayOfWeek><TimeOfDay>{begin}</TimeOfDay></ScheduleActionStartTime>"
        f"<ScheduleActionEndTime><DayOfWeek>{last}</DayOfWeek><TimeOfDay>{end}</TimeOfDay></ScheduleActionEndTime>"
        f"<Actions><Record>true</Record><ActionRecordingMode>{mode}</ActionRecordingMode></Actions></ScheduleAction>"
    )


@dataclass
class HikvisionRecorder:
    """The device.

    Args:
        footage: by channel from 1: recorded stretches, ms since 1970 in UTC.
        now: the true time in ms since 1970.
    """

    footage: Mapping[int, Sequence[tuple[int, int]]]
    now: Callable[[], int]
    zone: int = 8 * HOUR
    """Of the wall clock, before UTC."""
    zulu: Literal["local", "utc", "literal"] = "local"
    """What a time with a `Z` means; `literal`: times come with their zone, `Z` in a question is UTC."""
    drift: int = 0
    """By how much the clock is ahead of the true time."""
    bare_time: bool = False
    """The local time comes without a zone."""
    file_ms: int = 2_780_000
    overlap: int = 3_000
    cap: int = 40
    """Items of a page, whatever is asked."""
    count: Literal["page", "total", "lie", "none"] = "page"
    """What numOfMatches says."""
    stuck: bool = False
    """The position is not listened to."""
    endless: bool = False
    """Every page says MORE, the empty one behind the last too."""
    list_name: str = "trackIDList"
    busy: set[int] = field(default_factory=set)
    """Tracks whose next search is answered by 503; each once."""
    missing: Mapping[str, int] = field(default_factory=dict)
    """Paths below /ISAPI that this firmware has not -> status of the refusal."""
    denied: frozenset[str] = frozenset()
    search_status: int = 200
    calendar: bool = True
    calendar_adds: frozenset[str] = frozenset()
    """Days that the calendar names without footage."""
    widest: int = 0
    """Milliseconds of a window beyond which a search fails with 500; 0: none."""
    namespaces: tuple[str, ...] = NAMESPACES
    disks: tuple[HikDisk, ...] = (HikDisk(),)
    work_mode: str = "quota"
    plan: tuple[str, ...] = field(default_factory=week)
    enable_schedule: bool = True
    duration: str = "P0DT0H"
    duration_enabled: str = ""
    tracks: frozenset[int] | None = None
    """Channels that have a track; None: all."""
    offline: frozenset[int] = frozenset()
    status: Literal["list", "wrapped", "single", "none"] = "list"
    """Shape of the working status."""
    recording: Mapping[int, int] = field(default_factory=dict)
    """`record` of channels, where it is not what the footage says."""
    size: int | None = None
    """What the list of cameras says of its own length."""
    bitrate: int = 3_000_000
    analogue: int = 0
    """Inputs that come before the cameras on the network; these count from 1 in their own list."""
    extra_items: str = ""
    """Put before the items of every page."""
    _documents: Iterator[int] = field(default_factory=itertools.count, repr=False)

    def answer(self, asked: Asked) -> Said:
        """Answer one request."""
        path = asked.path.removeprefix("/ISAPI/")
        if path in self.denied:
            return self._refusal(403, "lowPrivilege")
        if path in self.missing:
            status = self.missing[path]
            return self._refusal(status, "notSupport" if status == 403 else "deviceBusy" if status == 503 else "")
        match = re.fullmatch(r"ContentMgmt/record/tracks/(\d+)/dailyDistribution", path)
        if match:
            return self._calendar(int(match[1]) // 100, asked.body.decode())
        known = {
            "System/deviceInfo": self._about,
            "System/time": self._time,
            "ContentMgmt/Storage": self._storage,
            "System/Video/inputs/channels": self._inputs,
            "ContentMgmt/InputProxy/channels": self._cameras,
            "ContentMgmt/InputProxy/channels/status": self._online,
            "System/workingstatus/chanStatus": self._working,
            "System/workingstatus": self._working,
            "ContentMgmt/record/tracks": self._tracks,
        }
        if path == "ContentMgmt/search":
            return self._search(asked.body.decode())
        return known[path]() if path in known else self._refusal(404, "invalidOperation")

    def _document(self, root: str, inner: str, attributes: str = "") -> Said:
        namespace = self.namespaces[next(self._documents) % len(self.namespaces)]
        text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} version="2.0"{namespace}{attributes}>{inner}</{root}>'
        return Said(text.encode())

    def _refusal(self, status: int, why: str) -> Said:
        inner = f"<statusCode>4</statusCode><statusString>Invalid</statusString><subStatusCode>{why}</subStatusCode>"
        return Said(self._document("ResponseStatus", inner).body, status)

    # --- settings and states ---

    def _about(self) -> Said:
        return self._document(
            "DeviceInfo",
            "<deviceName>东门机房</deviceName><deviceID>48443030-1111</deviceID><model>DS-7804N-R2</model>"
            "<serialNumber>DS-7804N-R20420190101CCRRLAB0001WCVU</serialNumber>"
            "<macAddress>48:8e:ef:71:66:e0</macAddress><firmwareVersion>V4.84.105</firmwareVersion>"
            "<firmwareReleasedDate>build 230619</firmwareReleasedDate><deviceType>NVR</deviceType>",
        )

    def _time(self) -> Said:
        local = datetime.fromtimestamp((self.now() + self.drift + self.zone) / 1000, UTC)
        hours = self.zone // HOUR
        offset = "" if self.bare_time else f"{'-' if hours < 0 else '+'}{abs(hours):02d}:00"
        return self._document(
            "Time",
            f"<timeMode>NTP</timeMode><localTime>{local:%Y-%m-%dT%H:%M:%S}{offset}</localTime>"
            f"<timeZone>CST{-hours:+d}:00:00</timeZone>",
        )

    def _storage(self) -> Said:
        disks = "".join(
            f"<hdd><id>{n}</id><hddName>hdd{n}</hddName><hddPath/><hddType>SATA</hddType><status>{disk.status}</status>"
            f"<capacity>{disk.capacity}</capacity><freeSpace>{disk.free}</freeSpace><property>{disk.kept}</property>"
            "<hddSerialNumber>WDLAB0001</hddSerialNumber></hdd>"
            for n, disk in enumerate(self.disks, 1)
        )
        return self._document(
            "storage", f"<hddList>{disks}</hddList><nasList></nasList><workMode>{self.work_mode}</workMode>"
        )

    def _inputs(self) -> Said:
        if not self.analogue:
            return self._refusal(403, "notSupport")
        inputs = "".join(
            f"<VideoInputChannel><id>{n}</id></VideoInputChannel>" for n in self.footage if n <= self.analogue
        )
        return self._document("VideoInputChannelList", inputs)

    def _cameras(self) -> Said:
        cameras = "".join(
            f"<InputProxyChannel><id>{n - self.analogue}</id><name>东门 {n}</name><sourceInputPortDescriptor>"
            f"<proxyProtocol>HIKVISION</proxyProtocol><ipAddress>192.168.254.{n % 250}</ipAddress>"
            f"<userName>cameraadmin</userName><serialNumber>CAM-LAB-{n:04d}</serialNumber>"
            "</sourceInputPortDescriptor></InputProxyChannel>"
            for n in self.footage
            if n > self.analogue
        )
        size = len(self.footage) if self.size is None else self.size
        return self._document("InputProxyChannelList", cameras, f' size="{size}"')

    def _online(self) -> Said:
        states = "".join(
            f"<InputProxyChannelStatus><id>{n - self.analogue}</id>"
            f"<online>{str(n not in self.offline).lower()}</online>"
            f"<streamingProxyChannelIdList><streamingProxyChannelId>{n}01</streamingProxyChannelId>"
            "</streamingProxyChannelIdList></InputProxyChannelStatus>"
            for n in self.footage
            if n > self.analogue
        )
        return self._document("InputProxyChannelStatusList", states)

    def _working(self) -> Said:
        if self.status == "none":
            return self._refusal(403, "notSupport")
        one = [
            {
                "chanNo": n,
                "enable": 1,
                "online": int(n not in self.offline),
                "record": self.recording.get(n, int(bool(spans) and spans[-1][1] >= self.now() - HOUR // 6)),
                "recordStatus ": 0,
                "LinkList": [{"ipAddress": "192.168.254.9"}],
            }
            for n, spans in self.footage.items()
        ]
        shapes = {
            "list": {"ChanStatus": one},
            "wrapped": {"JSON_ChanStatus": {"ChanStatusList": {"ChanStatus": one}}},
            "single": {"ChanStatusList": {"ChanStatus": one[0] if one else {}}},
        }
        return Said(json.dumps(shapes[self.status]).encode(), media="application/json")

    def _tracks(self) -> Said:
        flag = f"<durationEnabled>{self.duration_enabled}</durationEnabled>" if self.duration_enabled else ""
        tracks = "".join(
            f"<Track><id>{n}{stream:02d}</id><Channel>{n}{stream:02d}</Channel><Enable>false</Enable>"
            f"<Description>trackType=standard,sourceTag=1,bitrate=6144 kbps</Description>"
            f'<Duration min="P0DT0H" max="P750DT0H">{self.duration}</Duration>{flag}'
            f"<DefaultRecordingMode>CMR</DefaultRecordingMode><TrackSchedule><ScheduleBlockList><ScheduleBlock>"
            f"{''.join(self.plan)}</ScheduleBlock></ScheduleBlockList></TrackSchedule><CustomExtensionList>"
            f"<CustomExtension><enableSchedule>{str(self.enable_schedule).lower()}</enableSchedule></CustomExtension>"
            "</CustomExtensionList></Track>"
            for n in self.footage
            if self.tracks is None or n in self.tracks
            for stream in (1, 3)
        )
        return self._document("TrackList", tracks)

    # --- footage ---

    def _labels(self, at: int) -> int:
        """Return what the device prints of a true time, as ms."""
        return at + self.drift + (self.zone if self.zulu != "utc" else 0)

    def _asked(self, label: int) -> int:
        """Return the true time of a time in a question."""
        return label - self.drift - (self.zone if self.zulu == "local" else 0)

    def _between(self, channel: int, since: int, until: int) -> list[tuple[int, int]]:
        """Return files that reach into a window; they are cut at multiples of a length: any window is cheap."""
        found = []
        for begin, end in self.footage.get(channel, ()):
            if end <= since or begin >= until:
                continue
            start = max(begin, since // self.file_ms * self.file_ms - self.file_ms)
            while start < min(end, until):
                stop = min((start // self.file_ms + 1) * self.file_ms, end)
                if min(stop + self.overlap, end) > since:
                    found.append((start, min(stop + self.overlap, end)))
                start = stop
        return found

    def _calendar(self, channel: int, body: str) -> Said:
        if not self.calendar:
            return self._refusal(403, "notSupport")
        year, month = (int(re.search(f"<{n}>(\\d+)</{n}>", body)[1]) for n in ("year", "monthOfYear"))  # type: ignore[index]  # what the agent sends
        local = self.zone + self.drift
        days = []
        first = int(datetime(year, month, 1, tzinfo=UTC).timestamp() * 1000)
        for n in range(1, 32):
            begin = first + (n - 1) * DAY
            day = datetime.fromtimestamp(begin / 1000, UTC)
            if day.month != month:
                break
            recorded = any(
                since + local < begin + DAY and until + local > begin for since, until in self.footage.get(channel, ())
            )
            recorded = recorded or f"{day:%Y-%m-%d}" in self.calendar_adds
            days.append(f"<day><id>{n}</id><dayOfMonth>{n}</dayOfMonth><record>{str(recorded).lower()}</record></day>")
        return self._document("trackDailyDistribution", f"<dayList>{''.join(days)}</dayList>")

    def _search(self, body: str) -> Said:
        if self.search_status != 200:
            return self._refusal(self.search_status, "notSupport" if self.search_status == 403 else "")
        if f"<{self.list_name}>" not in body:
            return self._refusal(400, "badXmlContent")
        track = int(_value(body, "trackID"))
        channel = track // 100
        if track in self.busy:
            self.busy.discard(track)
            return self._refusal(503, "deviceBusy")
        if channel not in self.footage or (self.tracks is not None and channel not in self.tracks):
            return self._refusal(400, "Invalid track id")
        labels = (_ms(_value(body, "startTime")), _ms(_value(body, "endTime")))
        if self.widest and labels[1] - labels[0] > self.widest:
            return Said(b"<ResponseStatus><statusCode>3</statusCode></ResponseStatus><x/>", 500)
        files = self._between(channel, self._asked(labels[0]), self._asked(labels[1]))
        position = 0 if self.stuck else int(_value(body, "searchResultPostion"))
        page = files[position : position + min(self.cap, int(_value(body, "maxResults")))]
        more = position + len(page) < len(files) or self.endless
        return self._result(track, _value(body, "searchID"), page, len(files), more=more)

    def _result(self, track: int, name: str, page: list[tuple[int, int]], total: int, *, more: bool) -> Said:
        status = "MORE" if more else "OK" if page else "NO MATCHES"
        number = {"page": len(page), "total": total, "lie": len(page) + 38 if page else 0, "none": 0}[self.count]
        counted = f"<numOfMatches>{number}</numOfMatches>" if self.count != "none" else ""
        items = "".join(self._item(track, *file) for file in page)
        listed = f"<matchList>{self.extra_items}{items}</matchList>" if items or self.extra_items else ""
        return self._document(
            "CMSearchResult",
            f"<searchID>{{{name}}}</searchID><responseStatus>true</responseStatus>"
            f"<responseStatusStrg>{status}</responseStatusStrg>{counted}{listed}",
        )

    def _item(self, track: int, since: int, until: int) -> str:
        begin, end = (self._printed(at) for at in (since, until))
        octets = (until - since) * self.bitrate // 8000
        address = f"rtsp://192.168.10.17/Streaming/tracks/{track}/?starttime={begin}&amp;endtime={end}"
        return (
            "<searchMatchItem>\n<sourceID>{00000000-0000-0000-0000-000000000000}</sourceID>\n"
            f"<trackID>{track}</trackID>\n<timeSpan>\n<startTime>{begin}</startTime>\n<endTime>{end}</endTime>\n"
            "</timeSpan>\n<mediaSegmentDescriptor>\n<contentType>video</contentType>\n<codecType>H.264-BP</codecType>\n"
            f"<playbackURI>{address}&amp;name=00000000275000000&amp;size={octets}</playbackURI>\n"
            "</mediaSegmentDescriptor>\n<metadataMatches>\n"
            "<metadataDescriptor>recordType.meta.hikvision.com/timing</metadataDescriptor>\n</metadataMatches>\n"
            "</searchMatchItem>\n"
        )

    def _printed(self, at: int) -> str:
        text = datetime.fromtimestamp(self._labels(at) / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{text}+{self.zone // HOUR:02d}:00" if self.zulu == "literal" else f"{text}Z"


def _value(body: str, name: str) -> str:
    match = re.search(f"<{name}>([^<]*)</{name}>", body)
    assert match is not None, (name, body)
    return match[1]


def _ms(label: str) -> int:
    return int(datetime.fromisoformat(label).timestamp() * 1000)
