"""How long each camera works without mains: with a recorder that holds it and the switch that powers it; pure.

Footage goes on only while both work, so the one that stops first decides; of several recorders the one that lasts
longest. A camera whose switch or recorder the campus file does not name is open with `no-target`: that nobody said what
powers it is no proof that something does. What lies on the way between the two is not looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from agent.assess.derive.derived import Derived, Open, figure_at
from agent.assess.samples import rounded
from agent.model.finding import Reason
from agent.model.reading import Reading, weakest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.model.campus import Camera, Campus
    from agent.model.finding import Window

__all__ = ["cameras"]


@dataclass(frozen=True, slots=True)
class _Part:
    """What is known of one device that a camera needs."""

    low: Fraction
    high: Fraction | None
    reason: Reason | None
    readings: tuple[Reading, ...]


_UNNAMED = _Part(Fraction(0), None, Reason.NO_TARGET, ())


def cameras(metric: str, powered: Derived, campus: Campus, window: Window) -> Derived:
    """Return the metric under `camera:<id>` for each camera of the campus file.

    Args:
        metric: the autonomy in hours.
        powered: that metric of devices, under `powered:<asset>`.
        campus: says which recorders hold a camera, and which switch powers it.
        window: what is judged.
    """
    known = {reading.subject: reading for reading in powered.readings if reading.metric == metric}
    unsettled = {subject: still for (name, subject), still in powered.open.items() if name == metric}

    def part(asset: str) -> _Part:
        subject = f"powered:{asset}"
        reading, still = known.get(subject), unsettled.get(subject)
        cited = () if reading is None else (reading,)
        if still is not None:
            high = None if still.high is None else Fraction(still.high)
            return _Part(Fraction(still.low or 0), high, still.reason, cited)
        if reading is None:
            return _UNNAMED
        return _Part(Fraction(reading.value), Fraction(reading.value), None, cited)

    readings: list[Reading] = []
    still_open: dict[tuple[str, str], Open] = {}
    for camera in campus.cameras:
        recorders = [part(copy.recorder) for copy in camera.recorded]
        needed = (_longest(recorders), _UNNAMED if camera.switch is None else part(camera.switch))
        shown, still = _together(metric, camera, needed, window)
        if shown is not None:
            readings.append(shown)
        if still is not None:
            still_open[metric, f"camera:{camera.id}"] = still
    return Derived(tuple(readings), still_open)


def _longest(parts: Sequence[_Part]) -> _Part:
    """Return what several recorders of one camera come to: it is held as long as one of them works."""
    if not parts:
        return _UNNAMED
    highs = [part.high for part in parts if part.high is not None]
    best = max(parts, key=lambda part: part.low)
    high = max(highs) if len(highs) == len(parts) else None
    reason = None if high == best.low else next((part.reason for part in parts if part.reason is not None), None)
    return _Part(best.low, high, reason, best.readings)


def _together(
    metric: str, camera: Camera, parts: Sequence[_Part], window: Window
) -> tuple[Reading | None, Open | None]:
    """Return the hours of the part that stops first, and why they are not settled."""
    low = min(part.low for part in parts)
    highs = [part.high for part in parts if part.high is not None]
    high = min(highs) if highs else None
    cited = [reading for part in parts for reading in part.readings]
    shown = None
    if cited:
        hours = rounded(min(Fraction(reading.value) for reading in cited), 4)
        grade = weakest(*(reading.grade for reading in cited))
        sources = dict.fromkeys(source for reading in cited for source in reading.sources)
        shown = figure_at(window, metric, f"camera:{camera.id}", hours, cited[0].unit, grade, sources)
    if high == low and shown is not None:
        return shown, None
    reasons = [part.reason for part in parts if part.reason is not None and (part.high is None or part.high > low)]
    reason = min(reasons, key=list(Reason).index, default=Reason.TOO_FEW_SAMPLES)
    bounds = (rounded(low, 4) if low else None, None if high is None else rounded(high, 4))
    return shown, Open(reason, *bounds)
