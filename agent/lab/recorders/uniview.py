"""A Uniview recorder on loopback, as far as single projects describe LAPI (recorders-and-logs 1.4).

No real reply of the retention calls is public: this device says what the agent expects, and its traps are those that
projects name. It proves that the agent keeps to its own reading, not that a recorder agrees with it.
"""

from __future__ import annotations

import json
import re
from calendar import monthrange
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from agent.lab.recorders.server import Said

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agent.lab.recorders.server import Asked

__all__ = ["UniviewRecorder"]

HOUR = 3_600_000
JSON = "application/json"
_RECORDS = re.compile(r"Channels/(\d+)/Media/Video/Streams/0/Records(/DailyDistribution)?")


@dataclass
class UniviewRecorder:
    """The device.

    Args:
        footage: by channel from 1: recorded stretches, ms since 1970 in UTC.
        now: the true time in ms since 1970.
    """

    footage: Mapping[int, Sequence[tuple[int, int]]]
    now: Callable[[], int]
    zone: int = 8 * HOUR
    drift: int = 0
    cap: int = 100
    """Records of a page, whatever is asked."""
    stuck: bool = False
    """Ignores Offset: every page is the first."""
    records: bool = True
    """Has the list of records; else only the calendar."""
    web_login: bool = False
    """Wants its own login: everything is not authorised."""
    basic_info: bool = False
    """Has only the older DeviceBasicInfo."""
    single: bool = False
    """Lists of one are the object itself."""
    disks: tuple[tuple[int, int, int], ...] = ((3, 4_000_000, 0),)
    """State, total and remaining megabytes."""
    offline: frozenset[int] = field(default_factory=frozenset)

    def answer(self, asked: Asked) -> Said:
        """Answer one request."""
        if self.web_login:
            return self._error(3, "Not Authorized")
        path = asked.path.removeprefix("/LAPI/V1.0/")
        if match := _RECORDS.fullmatch(path):
            stretches = self.footage.get(int(match[1]), ())
            return self._days(stretches, asked) if match[2] else self._page(stretches, asked)
        data = self._plain(path)
        return self._data(data) if data is not None else self._error(1, "Common Error", 599)

    def _plain(self, path: str) -> dict[str, object] | None:
        about = {"DeviceModel": "NVR302-16E2", "SerialNumber": "210235LAB0001", "FirmwareVersion": "B3223P10"}
        channels = sorted(self.footage)
        known: dict[str, dict[str, object]] = {
            "System/DeviceBasicInfo" if self.basic_info else "System/DeviceInfo": {**about},
            "System/Time": {"TimeZone": "GMT+08:00", "DeviceTime": (self.now() + self.drift) // 1000},
            "Channels/System/ChannelDetailInfos": {
                "Num": len(channels),
                "DetailInfos": self._listed([self._channel(channel) for channel in channels]),
            },
            "Channels/System/DeviceInfos": {
                "DeviceInfos": self._listed([{"ID": n, "SerialNumber": f"CAM{n:04d}"} for n in channels[:1]])
            },
            "Storage/Containers/DetailInfos": {
                "LocalHDDList": [
                    {"ID": n, "TotalCapacity": total, "RemainCapacity": left, "Status": status}
                    for n, (status, total, left) in enumerate(self.disks, 1)
                ],
            },
        }
        return known.get(path)

    def _channel(self, channel: int) -> dict[str, object]:
        return {
            "ID": channel,
            "Name": f"东门 {channel}",
            "Status": 0 if channel in self.offline else 1,
            "AddressInfo": {"Address": f"192.168.8.{channel + 9}", "Port": 80},
        }

    def _listed(self, items: list[dict[str, object]]) -> object:
        return items[0] if self.single and len(items) == 1 else items

    def _days(self, stretches: Sequence[tuple[int, int]], asked: Asked) -> Said:
        year, month = int(asked.query["Year"]), int(asked.query["Month"])
        first = datetime(year, month, 1, tzinfo=UTC) - timedelta(milliseconds=self.zone)
        status = []
        for day in range(monthrange(year, month)[1]):
            start = int((first + timedelta(days=day)).timestamp() * 1000)
            status.append(int(any(a < start + 24 * HOUR and b > start for a, b in stretches)))
        return self._data({"DayNum": len(status), "DailyStatus": status})

    def _page(self, stretches: Sequence[tuple[int, int]], asked: Asked) -> Said:
        if not self.records:
            return Said(b'{"Response":{"Respon', 404, JSON)
        begin, end, offset = (int(asked.query[name]) for name in ("Begin", "End", "Offset"))
        files: list[dict[str, int]] = []
        for since, until in stretches:
            start = since
            while start < until:
                stop = min((start // HOUR + 1) * HOUR, until)
                files.append({"Begin": start // 1000, "End": stop // 1000, "Types": 0})
                start = stop
        found = [file for file in files if file["End"] > begin and file["Begin"] < end]
        offset = 0 if self.stuck else offset
        page = found[offset : offset + min(int(asked.query["Limit"]), self.cap)]
        listed = self._listed([dict(file) for file in page])
        return self._data({"Total": len(found) + 3, "Num": len(page), "RecordInfos": listed})

    def _data(self, data: dict[str, object]) -> Said:
        response = {
            "ResponseURL": "/LAPI",
            "ResponseCode": 0,
            "ResponseString": "Succeed",
            "StatusCode": 0,
            "Data": data,
        }
        return Said(json.dumps({"Response": response}, ensure_ascii=False).encode(), media=JSON)

    def _error(self, code: int, text: str, status: int = 200) -> Said:
        response = {"ResponseCode": code, "ResponseString": text, "StatusCode": 0, "Data": "null"}
        return Said(json.dumps({"Response": response}).encode(), status, JSON)
