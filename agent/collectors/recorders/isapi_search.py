"""Footage of a Hikvision track: the calendar says on which days there is any, a search of each such day says when.

What is known of real devices, and kept to here (recorders-and-logs 1.2.5): a page is as long as the device likes, and
`numOfMatches` may be the page, the total or neither, so items are counted; a search is followed while it says MORE, and
once more where the counts promise more than came; a page that comes again is no progress; files that reach into a
window are told whole; wide windows fail on some firmware, so a search is a day; `searchResultPostion` is the device's
own spelling, and some know the list of tracks by another name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from agent import canonical
from agent.collectors.answers import cited
from agent.collectors.recorders.isapi_facts import number
from agent.collectors.recorders.periods import DAY, label_text, xsd_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.collectors.markup import Element
    from agent.collectors.recorders.isapi_ask import Isapi, Told
    from agent.model.exchange import Answer

__all__ = ["Footage", "Searcher", "days_of", "earliest", "sweep"]

PAGE = 40
"""Items of a page; devices give no more than 40 to 100, whatever is asked for."""
MOST_PAGES = 250
"""Pages of one day: 10 000 files."""
LEAST = ("sourceID", "mediaSegmentDescriptor", "metadataMatches")
"""What nobody needs of an item beside track and times."""
WITH_SIZE = ("sourceID", "metadataMatches", "contentType", "codecType", "lockStatus", "name")
"""The same, where the size of the file in its playback address is wanted."""
_SIZE = re.compile(r"[?&]size=(\d{1,15})")

End = Literal["end", "busy", "broken", "refused"]
"""Followed to its end; try later; not followed to its end; the device has no search, or not of this track."""


@dataclass(slots=True)
class Footage:
    """What calendar and searches of one track gave so far. Times are labels, as the device prints them."""

    answers: list[Answer] = field(default_factory=list)
    stretches: list[tuple[int, int]] = field(default_factory=list)
    days: set[str] | None = None
    """Local days with footage; None without a calendar."""
    end: End = "end"
    odd: int = 0
    """Items without two readable times, or of another track."""
    missing: set[str] = field(default_factory=set)
    """Days that the calendar names and whose search found nothing."""
    octets: int = 0
    millis: int = 0
    """Size of the files of one day, and how long they play."""


@dataclass(slots=True)
class Searcher:
    """How this device is searched, as learnt while searching it.

    Args:
        isapi: asks it.
        seed: makes the names of searches: another in every run, the same in a replay.
        ahead: by how much labels of the device's `Z` are ahead of UTC, for items that name their zone.
    """

    isapi: Isapi
    seed: str
    ahead: int = 0
    list_name: str = "trackIDList"
    has_calendar: bool = True
    has_search: bool = True
    searches: int = 0

    async def pages(
        self, track: int, since: int, until: int, *, omit: tuple[str, ...] = LEAST, most: int = 0
    ) -> tuple[Footage, list[Element]]:
        """Search a track between two labels, to the end, or until `most` items came.

        Raises:
            GapError: the device is silent or does not let us in any more.
        """
        self.searches += 1
        name = self._name(track)
        found, first = Footage(end="broken"), None
        items: list[Element] = []
        for _ in range(MOST_PAGES):
            told = await self._page(name, track, since, until, position=len(items), most=most or PAGE, omit=omit)
            if told is None or told.state != "ok":
                found.end = _refused(told)
                break
            found.answers.append(cited(told.answer))
            page = told.root.all("searchMatchItem")
            if page and items and _key(page[0]) == first:
                break  # the position is not listened to: it would go on for ever
            first = _key(page[0]) if page else None
            items += page
            status = told.root.value("responseStatusStrg").strip().upper()
            if not _goes_on(told.root, status, len(items), page=bool(page)):
                # MORE without items is no end, nor is a refusal in the shape of a result
                done = bool(page) or status != "MORE"
                found.end = "end" if done and told.root.value("responseStatus").lower() != "false" else "broken"
                break
            if most and len(items) >= most:
                found.end = "end"
                break
        return found, items

    def _name(self, track: int) -> str:
        text = canonical.hex_of(canonical.digest(f"{self.seed}/{track}/{self.searches}".encode())).upper()
        return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:32]))

    async def _page(
        self, name: str, track: int, since: int, until: int, *, position: int, most: int, omit: tuple[str, ...]
    ) -> Told | None:
        told = await self.isapi.post(
            "ContentMgmt/search", self._description(name, track, since, until, position, most), omit=omit
        )
        if told is not None and told.state == "bad" and self.list_name == "trackIDList" and self.searches == 1:
            self.list_name = "trackList"
            told = await self.isapi.post(
                "ContentMgmt/search", self._description(name, track, since, until, position, most), omit=omit
            )
            if told is None or told.state != "ok":
                self.list_name = "trackIDList"
        return told

    def _description(self, name: str, track: int, since: int, until: int, position: int, most: int) -> str:
        return (
            f"<CMSearchDescription><searchID>{name}</searchID>"
            f"<{self.list_name}><trackID>{track}</trackID></{self.list_name}>"
            f"<timeSpanList><timeSpan><startTime>{_zulu(since)}</startTime><endTime>{_zulu(until)}</endTime></timeSpan>"
            "</timeSpanList><contentTypeList><contentType>video</contentType></contentTypeList>"
            f"<maxResults>{most}</maxResults><searchResultPostion>{position}</searchResultPostion><metadataList>"
            "<metadataDescriptor>//recordType.meta.std-cgi.com</metadataDescriptor></metadataList></CMSearchDescription>"
        )

    def take(self, item: Element, track: int, found: Footage) -> None:
        """Note an item; one of another track, or without times, is odd."""
        since, until = (self._label(item.value(name)) for name in ("startTime", "endTime"))
        if since is None or until is None or until < since or number(item.value("trackID")) not in {None, track}:
            found.odd += 1
            return
        found.stretches.append((since, until))
        if match := _SIZE.search(item.value("playbackURI")):
            found.octets += int(match[1])
            found.millis += until - since

    def _label(self, text: str) -> int | None:
        time = xsd_time(text)
        if time is None:
            return None
        return time[0] if time[1] else time[0] + self.ahead


def _refused(told: Told | None) -> End:
    if told is None or told.state == "broken":
        return "broken"
    return "busy" if told.state == "busy" else "refused"


def _goes_on(root: Element, status: str, items: int, *, page: bool) -> bool:
    if not page:
        return False
    if status == "MORE":
        return True
    # Counts lie in both directions: where they promise more, the next page tells.
    counts = (number(root.value(name)) for name in ("numOfMatches", "totalMatches"))
    return any(count is not None and count > items for count in counts)


def _key(item: Element) -> tuple[str, str, str]:
    return item.value("trackID"), item.value("startTime"), item.value("endTime")


def _zulu(label: int) -> str:
    return label_text(label).replace(" ", "T") + "Z"


# --- a whole track --------------------------------------------------------------------------------------------------


async def days_of(searcher: Searcher, track: int, since: int, until: int, footage: Footage) -> None:
    """Note the local days with footage between two local labels, of each month that they touch.

    Raises:
        GapError: the device is silent or does not let us in any more.
    """
    days: set[str] = set()
    for month in _months(since, until):
        if not searcher.has_calendar:
            return
        body = f"<trackDailyParam><year>{month[:4]}</year><monthOfYear>{month[5:7]}</monthOfYear></trackDailyParam>"
        told = await searcher.isapi.post(f"ContentMgmt/record/tracks/{track}/dailyDistribution", body)
        if told is None or told.state != "ok":
            # 503 means "no such node" as well; a track that is not known is no word about the others
            searcher.has_calendar = told is not None and told.state in {"bad", "broken"}
            return
        footage.answers.append(cited(told.answer))
        for day in told.root.all("day"):
            at = number(day.own("dayOfMonth"))
            if at is not None and 1 <= at <= 31 and day.own("record").lower() == "true":
                days.add(f"{month}-{at:02d}")
    footage.days = {day for day in days if label_text(since)[:10] <= day <= label_text(until)[:10]}


async def sweep(searcher: Searcher, track: int, window: tuple[int, int], zone: int, footage: Footage) -> None:
    """Search every local day of the window that the calendar names, and the newest two whatever it says.

    Args:
        searcher: searches.
        track: of the channel's main stream.
        window: two labels of the device's `Z`.
        zone: by how much local labels are ahead of those.
        footage: is added to.

    Raises:
        GapError: the device is silent or does not let us in any more.
    """
    wanted = list(_days(window, zone, footage.days))
    sized = _day(window[1] + zone - DAY)
    footage.end = "end"
    for attempt in range(2):
        again: list[tuple[str, int, int]] = []
        for day, since, until in wanted:
            omit = WITH_SIZE if day == sized else LEAST
            found, items = await searcher.pages(track, since, until, omit=omit)
            footage.answers += found.answers
            for item in items:
                searcher.take(item, track, footage)
            if found.end == "busy" and attempt == 0:
                again.append((day, since, until))
            elif found.end != "end":
                footage.end = found.end
                if found.end == "refused":
                    return
            elif not items and footage.days is not None and day in footage.days:
                footage.missing.add(day)
        wanted = again
    if footage.days:
        footage.missing.discard(min(footage.days))  # overwritten between the two questions


async def earliest(searcher: Searcher, track: int, window: tuple[int, int], footage: Footage) -> int | None:
    """Return the label of the oldest footage, from before the window too; searches give the oldest first.

    Raises:
        GapError: the device is silent or does not let us in any more.
    """
    oldest = min((since for since, _ in footage.stretches), default=None)
    if oldest is not None and oldest > window[0] + DAY and footage.days is not None:
        return oldest  # the window began empty
    found, items = await searcher.pages(track, window[0] - 2 * 365 * DAY, window[1], most=1)
    footage.answers += found.answers
    first = Footage()
    for item in items:
        searcher.take(item, track, first)
    return min([since for since, _ in first.stretches] + ([oldest] if oldest is not None else []), default=None)


def _days(window: tuple[int, int], zone: int, known: set[str] | None) -> Iterator[tuple[str, int, int]]:
    """Yield each local day that may have footage, and its first and last second as labels."""
    begin = (window[0] + zone) // DAY * DAY
    newest = window[1] + zone - 2 * DAY
    while begin <= window[1] + zone:
        day = _day(begin)
        if known is None or day in known or begin > newest:
            yield day, begin - zone, begin - zone + DAY - 1000
        begin += DAY


def _months(since: int, until: int) -> list[str]:
    return sorted({_day(at)[:7] for at in (*range(since, until, DAY), until)})


def _day(label: int) -> str:
    return label_text(label)[:10]
