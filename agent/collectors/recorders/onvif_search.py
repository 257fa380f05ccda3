"""ONVIF Recording Search: recordings and the history of their tracks, by searches that the device keeps for a while.

A search's token lives as long as it is asked for within its keep-alive time; results that were given are not given
again, in any order. A token that is gone is a fault: the search is begun anew, and what was known stays. Facts:
recorders-and-logs 1.1; ONVIF Recording Search Service Specification 5.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from agent.collectors.answers import cited
from agent.collectors.recorders.onvif_soap import SEARCH, xml_text
from agent.collectors.recorders.periods import label_text, xsd_time

if TYPE_CHECKING:
    from agent.collectors.markup import Element
    from agent.collectors.recorders.onvif_soap import Soap, Told
    from agent.model.exchange import Answer

__all__ = ["Presence", "Searched", "recordings", "states"]

KEEP_ALIVE = "<tse:KeepAliveTime>PT10S</tse:KeepAliveTime>"
"""What every device must support; it is asked again at once."""
RESULTS = "<tse:MinResults>1</tse:MinResults><tse:MaxResults>100</tse:MaxResults><tse:WaitTime>PT5S</tse:WaitTime>"
POLL_SECONDS = 30
MOST_POLLS = 3_000
MOST_EMPTY = 12
"""Polls in a row without a result: a minute in which a device searches and finds nothing."""
MOST_STARTS = 20
"""Times that one search is begun anew."""
STATE_TOPIC = "tns1:RecordingHistory/Track/State"
_FILTER = (
    '<tse:SearchFilter><wsnt:TopicExpression Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">'
    f"{STATE_TOPIC}</wsnt:TopicExpression></tse:SearchFilter><tse:IncludeStartState>true</tse:IncludeStartState>"
)

End = Literal["end", "lost", "broken", "busy", "unsupported"]
"""Followed to the end; the token is gone; not followed to the end; try later; the device has no such search."""


@dataclass(frozen=True, slots=True)
class Presence:
    """A change of a track: from this label on, it holds data or not."""

    track: str
    at: int
    present: bool
    start: bool
    """The state at the begin of the search, and no change."""


@dataclass(slots=True)
class Searched:
    """What a search gave so far."""

    answers: list[Answer] = field(default_factory=list)
    """To cite, without bodies."""
    informations: list[Element] = field(default_factory=list)
    presences: set[Presence] = field(default_factory=set)
    end: End = "broken"
    outside: bool = False
    """Results stood outside the result list, against the schema."""

    def in_order(self) -> list[Presence]:
        """Return the changes in order of time; a start state comes before a change at the same moment."""
        return sorted(self.presences, key=lambda one: (one.at, not one.start, one.track, one.present))


async def recordings(soap: Soap, path: str) -> Searched:
    """Find all recordings.

    Raises:
        GapError: the device is silent or does not let us in any more.
    """
    searched = Searched()
    for _ in range(MOST_STARTS):
        begun = await soap.call(SEARCH, path, "FindRecordings", f"<tse:Scope/>{KEEP_ALIVE}")
        before = len(searched.informations)
        await _follow(soap, path, begun, "GetRecordingSearchResults", "RecordingInformation", searched)
        if searched.end != "lost" or len(searched.informations) == before:
            break
    searched.end = "broken" if searched.end == "lost" else searched.end
    return searched


async def states(soap: Soap, path: str, token: str, since: int, until: int) -> Searched:
    """Find when tracks of a recording held data, between two labels.

    Raises:
        GapError: the device is silent or does not let us in any more.
    """
    searched = Searched()
    cursor = since
    scope = f"<tse:Scope><tt:IncludedRecordings>{xml_text(token)}</tt:IncludedRecordings></tse:Scope>"
    for _ in range(MOST_STARTS):
        points = f"<tse:StartPoint>{_xsd(cursor)}</tse:StartPoint><tse:EndPoint>{_xsd(until)}</tse:EndPoint>"
        begun = await soap.call(SEARCH, path, "FindEvents", f"{points}{scope}{_FILTER}{KEEP_ALIVE}")
        await _follow(soap, path, begun, "GetEventSearchResults", "Result", searched, recording=token)
        newest = max((one.at for one in searched.presences), default=cursor)
        if searched.end != "lost" or newest <= cursor:
            break
        cursor = newest  # results come in order of time
    searched.end = "broken" if searched.end == "lost" else searched.end
    return searched


def _presence(result: Element, recording: str) -> Presence | None:
    """Return the change that a result of an event search tells of; None for another recording or no state of data."""
    time = xsd_time(result.value("Time"))
    items = [item for item in result.all("SimpleItem") if item.attributes.get("Name") == "IsDataPresent"]
    if time is None or not items or result.value("RecordingToken") != recording:
        return None
    present = items[0].attributes.get("Value", "").lower() in {"true", "1"}
    start = result.value("StartStateEvent").lower() in {"true", "1"}
    return Presence(result.value("TrackToken"), time[0], present, start)


async def _follow(
    soap: Soap, path: str, begun: Told | None, operation: str, element: str, searched: Searched, *, recording: str = ""
) -> None:
    """Poll a search to its end; of a search for events, only those of the recording count."""
    token = begun.body.value("SearchToken") if begun is not None and begun.body is not None else ""
    if begun is None or not token:
        searched.end = begun.state if begun is not None and begun.state in {"busy", "unsupported"} else "broken"
        return
    searched.answers.append(cited(begun.answer))
    inner = f"<tse:SearchToken>{xml_text(token)}</tse:SearchToken>"
    empty = 0
    for _ in range(MOST_POLLS):
        told = await soap.call(SEARCH, path, operation, inner + RESULTS, seconds=POLL_SECONDS)
        if told is None or told.body is None:
            searched.end = _failed(told)
            break
        searched.answers.append(cited(told.answer))
        new = told.body.all(element)
        if recording:
            searched.presences |= {one for result in new if (one := _presence(result, recording)) is not None}
        else:
            searched.informations += new
        listed = told.body.first("ResultList")
        searched.outside |= listed is None or (bool(new) and not listed.all(element))
        if told.body.value("SearchState").lower() == "completed":
            searched.end = "end"
            return
        empty = 0 if new else empty + 1
        if empty >= MOST_EMPTY:
            searched.end = "broken"
            break
    else:
        searched.end = "broken"
    if searched.end != "lost":
        await soap.call(SEARCH, path, "EndSearch", inner)  # the device has few searches at a time


def _failed(told: Told | None) -> End:
    if told is None:
        return "broken"
    return "lost" if told.state == "invalid" else "busy" if told.state == "busy" else "broken"


def _xsd(label: int) -> str:
    return label_text(label).replace(" ", "T") + "Z"
