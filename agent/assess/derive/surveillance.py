"""How long the footage of every required camera is kept, without gaps; pure.

Cameras come from the campus file: one that no recorder knows has no footage. A camera on several recorders counts once,
with the copy that is kept longest. Each figure rests on the last time that its recorder was asked; a recorder that was
last asked too long before the window's end shows nothing.

Footage that reaches less far back than a standard wants may be young or deleted. It is deleted, and the figure settled,
when the camera's beginning moved forward between two readings, a gap ends the stretch, the recorder's disks are full,
or a setting deletes it. Else it is young: measured so far, and open.

Settings (`method`):

- ``day_share`` (0.9): share of the planned minutes that a day needs.
- ``fresh_days`` (7): how long before the window's end a recorder must have been asked.
- ``gap_days`` (30): over how many days back the longest gap is looked for.
- ``live_minutes`` (15): how old the newest footage of a camera that records continuously may be.
- ``plausible_from``, ``plausible_to`` (0.4, 2.5): octets that footage should take by its bitrate, over octets that the
  recorder's disks hold; inside, the disks bear the footage out (`corroborated`).
- ``impossible_from`` (5): from this ratio on the disks contradict it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from agent.assess.derive.copies import Copy, copies_of
from agent.assess.derive.derived import Derived, Open, figure_at
from agent.assess.derive.footage import DAY
from agent.assess.derive.settings import numbers
from agent.assess.derive.told import told_of
from agent.assess.samples import rounded
from agent.model.finding import Reason
from agent.model.reading import Grade, Reading, weakest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.assess.samples import Readings
    from agent.model.base import Digest
    from agent.model.campus import Campus
    from agent.model.finding import Window

__all__ = ["surveillance"]

AREAS: Final = ("entrance", "key", "gathering", "kitchen")
DEFAULTS: Final = {
    "day_share": "0.9",
    "fresh_days": "7",
    "gap_days": "30",
    "live_minutes": "15",
    "plausible_from": "0.4",
    "plausible_to": "2.5",
    "impossible_from": "5",
}


@dataclass(frozen=True, slots=True)
class _Figure:
    """A figure of a camera, from its best copy."""

    value: Fraction
    open: Open | None
    grade: Grade
    sources: tuple[Digest, ...]


def surveillance(readings: Readings, campus: Campus, window: Window, method: Mapping[str, str]) -> Derived:
    """Derive `camera.retention` (d), `camera.gap` (h), `camera.live` and `surveillance.area` (1).

    Raises:
        MalformedError: a reading of a recorder is not what its metric says.
        ConfigError: a setting is unknown or no number.
    """
    told = told_of(readings, campus, window, numbers("surveillance", method, DEFAULTS))
    found: list[Reading] = []
    unsettled: dict[tuple[str, str], Open] = {}
    live: dict[str, list[_Figure]] = defaultdict(list)

    def add(metric: str, subject: str, unit: str, figure: _Figure) -> None:
        if figure.open is not None:
            unsettled[metric, subject] = figure.open
        if figure.sources:
            found.append(figure_at(window, metric, subject, rounded(figure.value), unit, figure.grade, figure.sources))
        elif figure.open is None:
            unsettled[metric, subject] = Open(Reason.NO_TARGET, "0", rounded(figure.value))

    for camera in campus.cameras:
        copies = copies_of(camera, told)
        subject = f"camera:{camera.id}"
        alive = _live(copies)
        live[camera.area].append(alive)
        add("camera.retention", subject, "d", _retention(copies))
        add("camera.gap", subject, "h", _gap(copies))
        add("camera.live", subject, "1", alive)
    for area in AREAS:
        add("surveillance.area", f"area:{area}", "1", _area(live[area]))
    return Derived(tuple(found), unsettled)


def _retention(copies: Sequence[Copy]) -> _Figure:
    """Return the days of the best copy; what another copy may still show keeps the figure open."""
    if not copies:
        return _Figure(Fraction(0), Open(Reason.NO_TARGET, "0", "0"), Grade.DECLARED, ())
    best = max(copies, key=lambda copy: (copy.kept_ms, -copy.order))
    value = Fraction(best.kept_ms, DAY)
    # The best copy decides, so a copy that may yet turn out longer leaves the camera open.
    bounds = [(copy.least_ms, copy.most_ms, copy.reason) for copy in copies]
    low = max(least for least, _, _ in bounds)
    high = (
        None if any(most is None for _, most, _ in bounds) else max(most for _, most, _ in bounds if most is not None)
    )
    reasons = [reason for _, most, reason in bounds if reason is not None and (most is None or most > low)]
    figure = _Figure(value, None, best.grade, best.sources)
    if low == high and value * DAY == low:
        return figure
    reason = best.reason or (reasons[0] if reasons else Reason.TOO_FEW_SAMPLES)
    bound = None if high is None else rounded(Fraction(high, DAY))
    return _Figure(value, Open(reason, rounded(Fraction(low, DAY)), bound), figure.grade, figure.sources)


def _gap(copies: Sequence[Copy]) -> _Figure:
    """Return the hours of the longest gap; a stretch that one of the copies covers is no gap."""
    known = [copy for copy in copies if copy.gap_ms is not None]
    if not known:
        reason = copies[0].reason if copies and copies[0].reason else Reason.NO_TARGET
        return _Figure(Fraction(0), Open(reason), Grade.DECLARED, ())
    best = min(known, key=lambda copy: (copy.gap_ms or 0, copy.order))
    hours = Fraction(best.gap_ms or 0, 3_600_000)
    unknown = next((copy.reason for copy in copies if copy.gap_ms is None and copy.reason), None)
    still = Open(unknown, "0", rounded(hours)) if unknown and hours else None
    return _Figure(hours, still, best.grade, best.sources)


def _live(copies: Sequence[Copy]) -> _Figure:
    if not copies:
        return _Figure(Fraction(0), Open(Reason.NO_TARGET, "0", "0"), Grade.DECLARED, ())
    for wanted in (True, None, False):
        for copy in copies:
            if copy.live is not wanted:
                continue
            still = Open(copy.reason or Reason.UNSUPPORTED, "0", "1") if wanted is None else None
            return _Figure(Fraction(wanted is True), still, copy.grade_of_state, copy.sources)
    raise AssertionError("a copy is live, not live, or unknown")


def _area(cameras: Sequence[_Figure]) -> _Figure:
    """Return 1 where every camera of the area is live; an area without cameras is not proven to have none."""
    if not cameras:
        return _Figure(Fraction(0), Open(Reason.NO_TARGET), Grade.DECLARED, ())
    sources = tuple(dict.fromkeys(source for camera in cameras for source in camera.sources))
    grade = weakest(*(camera.grade for camera in cameras))
    # A camera that no recorder has is known to be missing: `open` with an upper bound of 0.
    dead = any(camera.value == 0 and (camera.open is None or camera.open.high == "0") for camera in cameras)
    if dead:
        return _Figure(Fraction(0), None if sources else Open(Reason.NO_TARGET, "0", "0"), grade, sources)
    unknown = next((camera.open for camera in cameras if camera.open is not None), None)
    if unknown is not None:
        return _Figure(Fraction(0), Open(unknown.reason, "0", "1"), grade, sources)
    return _Figure(Fraction(1), None, grade, sources)
