"""Discharges of a UPS, harvested from its polls and notifications; pure. Nothing here starts one.

A discharge is a run of polls that show the UPS on battery. Two such polls belong together if the card's own time on
battery grew by as much as passed, or, where it has no such counter, if they are few poll intervals apart and the charge
did not rise. A poll on mains, or a notification that mains is back, ends it. What lies between the last poll on battery
and the one that ended it is not counted: the length is what was seen, never more. It begins where the card's counter
says, if a second poll bears the counter out, and never before the last poll on mains.

A notification by itself proves no length: anybody on the network can forge one. Two that stand alone, on battery and
on mains again, give a discharge of which only the UPS told (`polled` is False).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from statistics import median
from typing import TYPE_CHECKING, Final, Literal

from agent.assess.samples import number

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agent.assess.samples import Readings
    from agent.model.reading import Reading

__all__ = ["Discharge", "End", "Poll", "discharges", "polls"]

End = Literal["mains", "low", "silent", "open"]
"""Mains came back; the battery was low; the UPS fell silent; the readings end."""

METRICS: Final = (
    *("ups.output_source", "ups.on_battery_time", "ups.charge", "ups.load", "ups.battery_status"),
    *("ups.battery_replace", "ups.runtime", "ups.runtime_quality"),
)
_ON: Final = frozenset({"battery", "battery-test"})
_OFF: Final = frozenset({"normal", "bypass", "booster", "reducer", "eco"})
_LOW: Final = frozenset({"low", "depleted"})
_ONE_POLL_MS: Final = 30_000
"""Answers of one conversation with a card lie this close together."""
_COUNTER_MS: Final = 90_000
"""How much the card's time on battery may differ from ours over a short time: some count in whole minutes."""
_COUNTER_SHARE: Final = 10
"""And over a long one: a tenth."""
_GAP_POLLS: Final = 3
"""Poll intervals that two polls may be apart without a counter."""


@dataclass(frozen=True, slots=True)
class Poll:
    """What one conversation with the UPS said."""

    at: int
    """Milliseconds since 1970."""
    told: dict[str, Reading]

    def number(self, metric: str, unit: str) -> Fraction | None:
        """Return a number that the poll holds.

        Raises:
            MalformedError: the reading is no number, or its unit does not fit.
        """
        reading = self.told.get(metric)
        return None if reading is None else number(reading, unit)

    def word(self, metric: str) -> str:
        """Return a state that the poll holds; empty where it does not."""
        reading = self.told.get(metric)
        return "" if reading is None else reading.value

    @property
    def on_battery(self) -> bool | None:
        """Whether the load was carried by the battery; None where the poll does not say.

        A card that says mains and counts a time on battery contradicts itself: that is no discharge.
        """
        source = self.word("ups.output_source")
        if source in _ON:
            return True
        if source in _OFF:
            return False
        counter = self.number("ups.on_battery_time", "s")
        return None if source or counter is None else counter > 0

    @property
    def sources(self) -> tuple[str, ...]:
        """The exchanges that it came from."""
        return tuple(dict.fromkeys(source for reading in self.told.values() for source in reading.sources))


@dataclass(frozen=True, slots=True)
class Discharge:
    """One time on battery."""

    since: int
    until: int
    """Milliseconds since 1970: when it began, and when the UPS was last seen on battery."""
    end: End
    polled: bool
    """Whether the agent itself saw the UPS on battery."""
    load: Fraction | None
    """Median over the polls on battery, percent."""
    charge_before: Fraction | None
    """At the last poll on mains, else at the first on battery; percent."""
    charge_after: Fraction | None
    """At the last poll on battery."""
    sources: tuple[str, ...]

    @property
    def seconds(self) -> Fraction:
        """How long it lasted at least."""
        return Fraction(self.until - self.since, 1000)


def polls(readings: Readings, ups: str) -> list[Poll]:
    """Return the conversations with a UPS, in time order."""
    subject = f"asset:{ups}"
    every = [(at, metric, reading) for metric in METRICS for at, reading in readings.of(metric, subject)]
    every.sort(key=lambda item: (item[0], item[1]))
    found: list[Poll] = []
    for at, metric, reading in every:
        if not found or metric in found[-1].told or at - found[-1].at > _ONE_POLL_MS:
            found.append(Poll(at, {}))
        found[-1].told[metric] = reading
    return found


def discharges(readings: Readings, ups: str, poll_ms: int) -> list[Discharge]:
    """Return the discharges of a UPS, in time order.

    Args:
        readings: of the collectors `ups` and `notifications`, and how the UPS answered.
        ups: its asset.
        poll_ms: how often it is asked, in milliseconds.

    Raises:
        MalformedError: a reading is no number, or its unit does not fit.
    """
    harvest = _Harvest(poll_ms)
    for at, what in _timeline(readings, ups):
        harvest.take(at, what)
    return harvest.finish()


def _timeline(readings: Readings, ups: str) -> list[tuple[int, Poll | Reading]]:
    subject = f"asset:{ups}"
    events: list[tuple[int, Poll | Reading]] = [(poll.at, poll) for poll in polls(readings, ups)]
    for metric in ("ups.power", "ups.battery_event"):
        events += readings.of(metric, subject)
    events += [item for item in readings.of("collector.answer", f"ups:{ups}") if item[1].value in _SILENT]
    return sorted(events, key=lambda item: item[0])


_SILENT: Final = frozenset({"unreachable", "deadline"})


@dataclass
class _Harvest:
    """The discharges while the timeline passes."""

    poll_ms: int
    done: list[Discharge] = field(default_factory=list)
    _seen: list[Poll] = field(default_factory=list)
    """Polls on battery that belong together."""
    _before: Poll | None = None
    """The last poll on mains."""
    _told: Reading | None = None
    _told_at: int = 0
    """The first notification that the UPS went on battery, while no poll shows it."""
    _end: End = "open"

    def take(self, at: int, what: Poll | Reading) -> None:
        """Take the next thing that was heard of the UPS."""
        if isinstance(what, Poll):
            self._poll(what)
        elif what.metric == "collector.answer":
            self._end = "silent" if self._end == "open" else self._end
        elif what.metric == "ups.battery_event":
            self._end = "low"
        elif what.value == "on-battery":
            if self._told is None:
                self._told, self._told_at = what, at
        else:
            self._on_mains(what, at)

    def finish(self) -> list[Discharge]:
        """Return what was harvested."""
        self._close(self._end)
        return self.done

    def _poll(self, poll: Poll) -> None:
        if poll.on_battery is None:
            return
        if not poll.on_battery:
            self._close("low" if self._end == "low" else "mains")
            self._before = poll
            return
        if self._seen and not self._continues(self._seen[-1], poll):
            self._close(self._end)
            self._before = None
        self._seen.append(poll)
        if poll.word("ups.battery_status") in _LOW:
            self._end = "low"
        elif self._end == "silent":
            self._end = "open"

    def _on_mains(self, told: Reading, at: int) -> None:
        if not self._seen and self._told is not None and at > self._told_at:
            sources = tuple(dict.fromkeys((*self._told.sources, *told.sources)))
            self.done.append(Discharge(self._told_at, at, "mains", False, None, None, None, sources))  # noqa: FBT003 (a field)
        self._close("low" if self._end == "low" else "mains")

    def _continues(self, earlier: Poll, later: Poll) -> bool:
        passed = later.at - earlier.at
        before, after = (poll.number("ups.on_battery_time", "s") for poll in (earlier, later))
        if before is not None and after is not None and after > 0:
            grown = (after - before) * 1000
            return abs(grown - passed) <= max(Fraction(_COUNTER_MS), Fraction(passed, _COUNTER_SHARE))
        charged, left = (poll.number("ups.charge", "%") for poll in (earlier, later))
        return passed <= _GAP_POLLS * self.poll_ms and (charged is None or left is None or left <= charged + 1)

    def _close(self, end: End) -> None:
        if self._seen:
            self.done.append(_discharge(self._seen, self._before, end))
        self._seen, self._told, self._end = [], None, "open"


def _discharge(seen: Sequence[Poll], before: Poll | None, end: End) -> Discharge:
    first, last = seen[0], seen[-1]
    counters = [poll for poll in seen if (poll.number("ups.on_battery_time", "s") or 0) > 0]
    since = first.at
    if len(counters) > 1:
        counted = counters[0].number("ups.on_battery_time", "s") or Fraction(0)
        since = min(since, int(counters[0].at - counted * 1000))
    if before is not None:
        since = max(since, before.at)
    loads = [load for poll in seen if (load := poll.number("ups.load", "%")) is not None]
    charges = [charge for poll in _with(before, seen) if (charge := poll.number("ups.charge", "%")) is not None]
    return Discharge(
        since=since,
        until=last.at,
        end=end,
        polled=True,
        load=Fraction(median(loads)) if loads else None,
        charge_before=charges[0] if charges else None,
        charge_after=last.number("ups.charge", "%"),
        sources=tuple(dict.fromkeys(source for poll in seen for source in poll.sources)),
    )


def _with(before: Poll | None, seen: Sequence[Poll]) -> Iterator[Poll]:
    if before is not None:
        yield before
    yield from seen
