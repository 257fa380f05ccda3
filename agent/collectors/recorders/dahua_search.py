"""Searching a Dahua recorder for footage: a finder is made, asked page by page, closed and destroyed.

What is known of real devices, and kept to here (recorders-and-logs 1.3): files come oldest first; `found` may be wrong,
so items are counted; the end is a page without items or an `Error`; finders are few and may be taken away, so that an
`Error` after a full page may be either, and the search goes on from there with a new one; `condition.Channel` counts
from 1 on recorders and from 0 on some cameras, while `Channel` in the items counts from 0.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from agent.collectors.answers import cited
from agent.collectors.recorders.keyvalues import ask, items
from agent.collectors.recorders.periods import label, label_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.collectors.recorders.keyvalues import Told
    from agent.model.asset import Asset
    from agent.model.exchange import Answer, Session

__all__ = ["Found", "search"]

PAGE = 100
"""Items asked for at a time; more make some devices answer with less."""
MOST_PAGES = 1_500
"""Pages of one channel: 100 days of a file a minute."""
SEARCH_SECONDS = 60
"""The first search over years takes some seconds on real devices."""
CGI = "/cgi-bin/mediaFileFind.cgi?action="
OMIT = (
    *("FilePath", "WorkDir", "WorkDirSN", "Cluster", "Compressed", "Disk", "Partition", "Overwrites", "Redundant"),
    *("Repeat", "SummaryOffset", "PlateNumber", "PlateColor", "PlateType", "Speed", "VehicleColor"),
)
"""Lines of an item: where its file lies, and what the camera made out of the traffic. Nobody needs them."""
_HANDLE = re.compile(r"[0-9]{1,20}")

End = Literal["end", "busy", "broken", "nothing"]
"""Followed to the end; try later; not followed to the end; 400 to the search itself, which means nothing found, no such
channel, or a search that is not understood."""


@dataclass(slots=True)
class Found:
    """What a search gave so far."""

    answers: list[Answer] = field(default_factory=list)
    stretches: list[tuple[int, int]] = field(default_factory=list)
    """Labels, as the device prints them."""
    channels: set[int] = field(default_factory=set)
    """What the items say which channel they are of."""
    odd: int = 0
    """Items without two readable times."""
    end: End = "broken"


async def search(asset: Asset, session: Session, number: int, since: int, until: int, *, most: int = 0) -> Found:
    """Search a channel for files between two labels.

    Args:
        asset: the recorder.
        session: asks it.
        number: as `condition.Channel` counts.
        since: from when.
        until: to when.
        most: stop after so many items; 0: all.

    Raises:
        GapError: the device is silent or does not let us in any more.
    """
    found = Found()
    cursor, pages = since, MOST_PAGES
    while pages > 0:
        before = len(found.stretches)
        lost, used = await _finder(asset, session, number, cursor, until, most or 0, found)
        pages -= used
        if not lost:
            if found.end == "nothing" and before:
                found.end = "broken"  # the file that it goes on from must be there
            return found
        newest = max((start for start, _ in found.stretches[before:]), default=cursor)
        if newest <= cursor:
            break  # no progress: it would go on for ever
        cursor = newest
    found.end = "broken"
    return found


async def _finder(
    asset: Asset, session: Session, number: int, since: int, until: int, most: int, found: Found
) -> tuple[bool, int]:
    """Use one finder to its end.

    Returns:
        Whether it may have been taken away before its end, and how many pages it gave.
    """
    made = await ask(asset, session, f"{CGI}factory.create")
    handle = made.get("result") if made is not None and made.state == "ok" else ""
    if not _HANDLE.fullmatch(handle):
        found.end = "busy" if made is not None and made.state in {"busy", "nothing"} else "broken"
        return False, 1
    begun = await ask(asset, session, _condition(handle, number, since, until), seconds=SEARCH_SECONDS)
    lost, pages = False, 1
    if begun is None or begun.state != "ok":
        found.end = _no(begun)
        if begun is not None:
            found.answers.append(cited(begun.answer))
    else:
        lost, pages = await _pages(asset, session, handle, most, found)
    for action in ("close", "destroy"):
        await ask(asset, session, f"{CGI}{action}&object={handle}")
    return lost, pages


def _no(begun: Told | None) -> End:
    if begun is None or begun.state not in {"nothing", "busy"}:
        return "broken"
    return "nothing" if begun.state == "nothing" else "busy"


async def _pages(asset: Asset, session: Session, handle: str, most: int, found: Found) -> tuple[bool, int]:
    path = f"{CGI}findNextFile&object={handle}&count={min(most, PAGE) or PAGE}"
    largest, size, first = 0, 0, None
    for page in range(1, MOST_PAGES + 1):
        told = await ask(asset, session, path, omit=OMIT)
        if told is None or told.state not in {"ok", "nothing"}:
            found.end = "busy" if told is not None and told.state == "busy" else "broken"
            return False, page
        found.answers.append(cited(told.answer))
        got = list(items(told.values, "items"))
        if not got:
            # An error after a page as large as any may be the end, or a finder that was taken away.
            lost = told.state == "nothing" and (size >= PAGE or (page > 2 and size == largest))
            found.end = "broken" if lost else "end"
            return lost, page
        if got[0][1] == first:
            found.end = "broken"  # the same page again: the device does not advance
            return False, page
        first, size = got[0][1], len(got)
        largest = max(largest, size)
        for _, item in got:
            _take(item, found)
        if most and len(found.stretches) + found.odd >= most:
            found.end = "end"
            return False, page
    found.end = "broken"
    return False, MOST_PAGES


def _take(item: Mapping[str, str], found: Found) -> None:
    if item.get("Type", "dav") == "jpg":
        return  # a picture is no footage
    since, until = label(item.get("StartTime", "")), label(item.get("EndTime", ""))
    channel = item.get("Channel", "")
    if since is None or until is None or until < since or not re.fullmatch(r"[0-9]{1,4}", channel):
        found.odd += 1
        return
    found.channels.add(int(channel))
    found.stretches.append((since, until))


def _condition(handle: str, number: int, since: int, until: int) -> str:
    start, end = (label_text(at).replace(" ", "%20") for at in (since, until))
    return (
        f"{CGI}findFile&object={handle}&condition.Channel={number}&condition.StartTime={start}"
        f"&condition.EndTime={end}&condition.Types[0]=dav&condition.VideoStream=Main"
    )
