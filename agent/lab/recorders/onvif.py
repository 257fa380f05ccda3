"""A recorder with ONVIF Profile G on loopback, with the traps that real ones set (recorders-and-logs 1.1).

Searches are handles that give each result once and are taken away; addresses of services name a host that nobody
reaches; `Z` may be local time; results may stand outside the list that the schema has for them. A device that takes
only tokens checks them by its own arithmetic and locks after wrong ones.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote
from xml.sax.saxutils import escape, unescape

from agent.lab.recorders.server import Said

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from agent.lab.recorders.server import Asked

__all__ = ["OnvifRecorder", "TokenDoor"]

HOUR = 3_600_000
MEDIA = "application/soap+xml; charset=utf-8"
_OPERATION = re.compile(r"<(?:\w+:)?Body[^>]*>\s*<(?:\w+:)?(\w+)")
_SERVICES = {
    "http://www.onvif.org/ver10/device/wsdl": "/onvif/device_service",
    "http://www.onvif.org/ver10/search/wsdl": "/onvif/Search",
    "http://www.onvif.org/ver10/recording/wsdl": "/onvif/Recording",
}
_REPLAY = ("http://www.onvif.org/ver10/replay/wsdl", "/onvif/Replay")


@dataclass
class TokenDoor:
    """Checks UsernameTokens (OASIS WSS Username Token Profile 1.1.1, 3.1)."""

    username: str = "agent"
    password: str = field(default="lab-password-1", repr=False)
    window_ms: int = 60_000
    """How far `Created` may be from the device's time."""
    tries: int = 5
    wrong: int = 0
    nonces: set[str] = field(default_factory=set, repr=False)

    def admits(self, body: str, now: int) -> bool:
        """Tell whether a request may pass; a wrong token counts, a missing one does not."""
        parts = {name: _inner(body, name) for name in ("Username", "Password", "Nonce", "Created")}
        if not any(parts.values()) or self.wrong >= self.tries:
            return False
        nonce, created = base64.b64decode(parts["Nonce"]), parts["Created"]
        wanted = hashlib.sha1(nonce + created.encode() + self.password.encode(), usedforsecurity=False).digest()
        age = abs(int(datetime.fromisoformat(created).timestamp() * 1000) - now)
        good = (
            parts["Username"] == self.username
            and parts["Password"] == base64.b64encode(wanted).decode()
            and age <= self.window_ms
            and parts["Nonce"] not in self.nonces
        )
        self.nonces.add(parts["Nonce"])
        self.wrong += not good
        return good


@dataclass
class _Search:
    results: Iterator[str]
    polls: int = 0


@dataclass
class OnvifRecorder:
    """The device.

    Args:
        footage: by recording token: recorded stretches, ms since 1970 in UTC.
        now: the true time in ms since 1970.
    """

    footage: Mapping[str, Sequence[tuple[int, int]]]
    now: Callable[[], int]
    drift: int = 0
    """How far the clock is ahead."""
    zone: int = 8 * HOUR
    local_zulu: bool = False
    """Prints local time with `Z`."""
    tokens: TokenDoor | None = None
    """Takes tokens instead of HTTP digest."""
    cap: int = 100
    """Results of a poll."""
    idle_polls: int = 1
    """Polls that find nothing yet."""
    lives: int = 0
    """Polls until a search is taken away; 0: it stays."""
    endless: bool = False
    """Searches that never complete."""
    outside: bool = False
    services: bool = True
    """Knows GetServices; else only the older GetCapabilities."""
    profile_g: bool = True
    replay: str = ""
    """What `GetReplayUri` answers, `{token}` standing for the recording; empty: there is no such service."""
    replay_listed: bool = False
    """Lists a replay service all the same, which does not know the operation."""
    events: bool = True
    """Has FindEvents."""
    start_states: bool = True
    configured: bool = True
    """Has GetRecordings."""
    retention: str = "PT0S"
    statuses: Mapping[str, str] = field(default_factory=dict)
    """Of recordings that do not say Recording."""
    summary_lie: int = 0
    encoding: str = "utf-8"
    busy: set[str] = field(default_factory=set)
    """Recordings whose next search for events is answered by 503; each once."""
    overwritten: int = 0
    """So much of the begin is gone since, and still in the history."""
    segment_ms: int = 0
    """A change to `present` is repeated this often, as some devices do for each file; 0: never."""
    _searches: dict[str, _Search] = field(default_factory=dict, repr=False)
    _handles: Iterator[int] = field(default_factory=lambda: itertools.count(1), repr=False)

    def answer(self, asked: Asked) -> Said:
        """Answer one operation."""
        body = asked.body.decode()
        match = _OPERATION.search(body)
        operation = match[1] if match else ""
        if operation != "GetSystemDateAndTime" and self.tokens is not None and not self._admitted(body):
            return self._fault("NotAuthorized", 400)
        if operation.startswith("Get") and operation.endswith("SearchResults"):
            return self._poll(body, operation)
        known = getattr(self, f"_{operation}", None)
        return known(body) if known is not None else self._fault("ActionNotSupported", 500)

    @property
    def left_open(self) -> int:
        """How many searches are still kept."""
        return len(self._searches)

    def _admitted(self, body: str) -> bool:
        return self.tokens is not None and self.tokens.admits(body, self.now() + self.drift)

    # --- the device service ---

    def _GetSystemDateAndTime(self, _: str) -> Said:  # noqa: N802 (the operation's name)
        utc = datetime.fromtimestamp((self.now() + self.drift) / 1000, UTC)
        local = datetime.fromtimestamp((self.now() + self.drift + self.zone) / 1000, UTC)
        times = "".join(
            f"<tt:{name}><tt:Time><tt:Hour>{at.hour}</tt:Hour><tt:Minute>{at.minute}</tt:Minute>"
            f"<tt:Second>{at.second}</tt:Second></tt:Time><tt:Date><tt:Year>{at.year}</tt:Year>"
            f"<tt:Month>{at.month}</tt:Month><tt:Day>{at.day}</tt:Day></tt:Date></tt:{name}>"
            for name, at in (("UTCDateTime", utc), ("LocalDateTime", local))
        )
        zone = "<tt:TimeZone><tt:TZ>CST-8</tt:TZ></tt:TimeZone>"
        return self._said(f"<tds:SystemDateAndTime>{zone}{times}</tds:SystemDateAndTime>")

    def _GetDeviceInformation(self, _: str) -> Said:  # noqa: N802 (the operation's name)
        return self._said(
            "<tds:Manufacturer>东方</tds:Manufacturer><tds:Model>NVR-32</tds:Model>"
            "<tds:FirmwareVersion>2.1</tds:FirmwareVersion><tds:SerialNumber>LAB0001</tds:SerialNumber>"
        )

    def _GetServices(self, _: str) -> Said:  # noqa: N802 (the operation's name)
        if not self.services:
            return self._fault("ActionNotSupported", 400)
        listed = list(_SERVICES.items())[: 3 if self.profile_g else 1]
        return self._said(
            "".join(
                f"<tds:Service><tds:Namespace>{name}</tds:Namespace><tds:XAddr>http://10.9.8.7:8899{path}</tds:XAddr>"
                "</tds:Service>"
                for name, path in [*listed, *([_REPLAY] if self._replays else [])]
            )
        )

    def _GetCapabilities(self, _: str) -> Said:  # noqa: N802 (the operation's name)
        one = "<tt:{0}><tt:XAddr>http://10.9.8.7:8899/onvif/{0}</tt:XAddr></tt:{0}>"
        inner = one.format("Recording") + one.format("Search") if self.profile_g else ""
        inner += one.format("Replay") if self._replays else ""
        return self._said(f"<tds:Capabilities><tt:Extension>{inner}</tt:Extension></tds:Capabilities>")

    @property
    def _replays(self) -> bool:
        return bool(self.replay) or self.replay_listed

    def _GetReplayUri(self, body: str) -> Said:  # noqa: N802 (the operation's name)
        token = _inner(body, "RecordingToken")
        if not self.replay:
            return self._fault("ActionNotSupported", 500)
        if unescape(token) not in self.footage:
            return self._fault("NoRecording", 400)
        if _inner(body, "Protocol") != "RTSP" or _inner(body, "Stream") != "RTP-Unicast":
            return self._fault("InvalidStreamSetup", 400)
        uri = self.replay.replace("{token}", quote(unescape(token), safe=""))
        return self._said(f"<trp:GetReplayUriResponse><trp:Uri>{escape(uri)}</trp:Uri></trp:GetReplayUriResponse>")

    # --- recordings ---

    def _GetRecordingSummary(self, _: str) -> Said:  # noqa: N802 (the operation's name)
        count = len(self.footage) + self.summary_lie
        return self._said(
            f"<tse:Summary><tt:DataFrom>2000-01-01T00:00:00Z</tt:DataFrom><tt:DataUntil>2000-01-01T00:00:00Z"
            f"</tt:DataUntil><tt:NumberRecordings>{count}</tt:NumberRecordings></tse:Summary>"
        )

    def _GetRecordings(self, _: str) -> Said:  # noqa: N802 (the operation's name)
        if not self.configured:
            return self._fault("ActionNotSupported", 500)
        return self._said("".join(self._item(n, token) for n, token in enumerate(self.footage)))

    def _item(self, n: int, token: str) -> str:
        return (
            f"<trc:RecordingItem><tt:RecordingToken>{escape(token)}</tt:RecordingToken><tt:Configuration>"
            f"{self._source(n)}<tt:Content/><tt:MaximumRetentionTime>{self.retention}</tt:MaximumRetentionTime>"
            f"</tt:Configuration><tt:Tracks>{self._track('VIDEO001', 'Video')}{self._track('AUDIO001', 'Audio')}"
            "</tt:Tracks></trc:RecordingItem>"
        )

    def _source(self, n: int) -> str:
        return (
            f"<tt:Source><tt:SourceId>source-{n}</tt:SourceId><tt:Name>东门 {n}</tt:Name><tt:Location/>"
            f"<tt:Description/><tt:Address>192.168.8.{n + 10}</tt:Address></tt:Source>"
        )

    def _track(self, token: str, kind: str) -> str:
        inner = f"<tt:TrackType>{kind}</tt:TrackType>"
        return (
            f"<tt:Track><tt:TrackToken>{token}</tt:TrackToken><tt:Configuration>{inner}</tt:Configuration></tt:Track>"
        )

    def _information(self, n: int, token: str) -> str:
        stretches = self.footage[token]
        times = ""
        if stretches:
            first, last = self._label(stretches[0][0] + self.overwritten), self._label(stretches[-1][1])
            times = (
                f"<tt:EarliestRecording>{first}</tt:EarliestRecording><tt:LatestRecording>{last}</tt:LatestRecording>"
                f"<tt:Content/><tt:Track><tt:TrackToken>VIDEO001</tt:TrackToken><tt:TrackType>Video</tt:TrackType>"
                f"<tt:DataFrom>{first}</tt:DataFrom><tt:DataTo>{last}</tt:DataTo></tt:Track>"
            )
        return (
            f"<tt:RecordingInformation><tt:RecordingToken>{escape(token)}</tt:RecordingToken>{self._source(n)}{times}"
            f"<tt:RecordingStatus>{self.statuses.get(token, 'Recording')}</tt:RecordingStatus>"
            "</tt:RecordingInformation>"
        )

    # --- searches ---

    def _FindRecordings(self, _: str) -> Said:  # noqa: N802 (the operation's name)
        return self._begin(self._information(n, token) for n, token in enumerate(self.footage))

    def _FindEvents(self, body: str) -> Said:  # noqa: N802 (the operation's name)
        if not self.events:
            return self._fault("ActionNotSupported", 500)
        token = next((one for one in self.footage if escape(one) == _inner(body, "IncludedRecordings")), "")
        if token in self.busy:
            self.busy.discard(token)
            return Said(b"busy", 503, "text/plain")
        since, until = (self._true(_inner(body, name)) for name in ("StartPoint", "EndPoint"))
        return self._begin(iter(list(self._events(token, since, until))))

    def _events(self, token: str, since: int, until: int) -> Iterator[str]:
        stretches = self.footage.get(token, ())
        if self.start_states:
            present = any(start <= since < end for start, end in stretches)
            yield self._event(token, since, present=present, start=True)
        for start, end in stretches:
            changes = [(start, True), (end, False)]
            if self.segment_ms:
                changes[1:1] = [(at, True) for at in range(start + self.segment_ms, end, self.segment_ms)]
            for at, present in changes:
                if since < at < until and at < self.now():  # what goes on now has no end
                    yield self._event(token, at, present=present)

    def _event(self, token: str, at: int, *, present: bool, start: bool = False) -> str:
        return (
            f"<tse:Result><tt:RecordingToken>{escape(token)}</tt:RecordingToken><tt:TrackToken>VIDEO001</tt:TrackToken>"
            f"<tt:Time>{self._label(at)}</tt:Time><tt:Event><wsnt:Message><tt:Message><tt:Data>"
            f'<tt:SimpleItem Name="IsDataPresent" Value="{str(present).lower()}"/></tt:Data></tt:Message>'
            f"</wsnt:Message></tt:Event><tt:StartStateEvent>{str(start).lower()}</tt:StartStateEvent></tse:Result>"
        )

    def _begin(self, results: Iterator[str]) -> Said:
        handle = f"SearchToken_{next(self._handles)}"
        self._searches[handle] = _Search(results)
        return self._said(f"<tse:SearchToken>{handle}</tse:SearchToken>")

    def _poll(self, body: str, operation: str) -> Said:
        handle = _inner(body, "SearchToken")
        search = self._searches.get(handle)
        if search is None:
            return self._fault("InvalidToken", 400)
        search.polls += 1
        if self.lives and search.polls > self.lives:
            del self._searches[handle]
            return self._fault("InvalidToken", 400)
        page = [] if search.polls <= self.idle_polls else list(itertools.islice(search.results, self.cap))
        done = search.polls > self.idle_polls and len(page) < self.cap and not self.endless
        if done:
            del self._searches[handle]
        state = f"<tt:SearchState>{'Completed' if done else 'Searching'}</tt:SearchState>"
        inner = "".join(page)
        listed = (
            f"<tse:ResultList/>{state}{inner}" if self.outside else f"<tse:ResultList>{state}{inner}</tse:ResultList>"
        )
        return self._said(f"<tse:{operation}Response>{listed}</tse:{operation}Response>")

    def _EndSearch(self, body: str) -> Said:  # noqa: N802 (the operation's name)
        if self._searches.pop(_inner(body, "SearchToken"), None) is None:
            return self._fault("InvalidToken", 400)
        return self._said("")

    # --- words ---

    def _label(self, at: int) -> str:
        ahead = self.drift + (self.zone if self.local_zulu else 0)
        return datetime.fromtimestamp((at + ahead) / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _true(self, label: str) -> int:
        ahead = self.drift + (self.zone if self.local_zulu else 0)
        return int(datetime.fromisoformat(label).timestamp() * 1000) - ahead

    def _said(self, inner: str) -> Said:
        text = (
            f'<?xml version="1.0" encoding="{self.encoding}"?>'
            '<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope"'
            ' xmlns:tds="http://www.onvif.org/ver10/device/wsdl" xmlns:tse="http://www.onvif.org/ver10/search/wsdl"'
            ' xmlns:trc="http://www.onvif.org/ver10/recording/wsdl" xmlns:tt="http://www.onvif.org/ver10/schema"'
            ' xmlns:trp="http://www.onvif.org/ver10/replay/wsdl"'
            ' xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2">'
            f"<SOAP-ENV:Body>{inner}</SOAP-ENV:Body></SOAP-ENV:Envelope>"
        )
        return Said(text.encode(self.encoding), media=MEDIA)

    def _fault(self, code: str, status: int) -> Said:
        said = self._said(
            "<SOAP-ENV:Fault><SOAP-ENV:Code><SOAP-ENV:Value>SOAP-ENV:Sender</SOAP-ENV:Value><SOAP-ENV:Subcode>"
            f"<SOAP-ENV:Value>ter:{code}</SOAP-ENV:Value></SOAP-ENV:Subcode></SOAP-ENV:Code></SOAP-ENV:Fault>"
        )
        return Said(said.body, status, MEDIA)


def _inner(body: str, name: str) -> str:
    match = re.search(rf"<(?:\w+:)?{name}(?:\s[^>]*)?>([^<]*)<", body)
    return match[1] if match else ""
