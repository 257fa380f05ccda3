"""The traffic plot as inline SVG: rates over time, thresholds, and gaps shown as gaps.

Geometry is floating point, written with one decimal place; values stay decimal text until then, and no value that a
reader may cite comes from here but the peak, which is one of the given samples.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Literal

from markupsafe import Markup

from agent.clock import parse_time
from agent.report.text import decimal_of, local_time, rate, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Level", "Sample", "beyond", "traffic_plot"]

WIDTH, HEIGHT = 920, 320
LEFT, RIGHT, TOP, BOTTOM = 78, 176, 16, 40
"""The right margin holds the names of the lines."""
COLUMNS = 640
"""Columns to which longer series are thinned: each keeps its lowest and highest sample, so no peak is lost."""
MAX_GAPS = 200
NEAR = 3
"""A line more than this many times above the highest traffic is named, not drawn: it would flatten the plot."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Traffic at one moment; None where there is no valid rate."""

    at: str
    in_bps: str | None
    out_bps: str | None


@dataclass(frozen=True, slots=True)
class Level:
    """A horizontal line: a statistic of the series, the line speed, or a threshold of the standard."""

    bps: str
    label: str
    kind: Literal["p95", "speed", "band"]


@dataclass(frozen=True, slots=True)
class _Point:
    at: float
    value: float


@dataclass(frozen=True, slots=True)
class _Frame:
    """Maps time and rate to the drawing."""

    start: float
    span: float
    top: float

    def x(self, at: float) -> float:
        return LEFT + (at - self.start) / self.span * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - min(max(value, 0.0), self.top) / self.top * (HEIGHT - TOP - BOTTOM)


def traffic_plot(
    samples: Sequence[Sample],
    *,
    title: str,
    ident: str,
    translate: Callable[[str], str],
    levels: Sequence[Level] = (),
    zone: timezone = UTC,
) -> Markup:
    """Return the plot as one `<svg>` element.

    Args:
        samples: in any order; ten thousand are thinned, none is an explained empty plot.
        title: what is shown, for the heading and for screen readers.
        ident: prefix of the element ids, unique in the page.
        translate: from `agent.language.translator`.
        levels: lines to draw across.
        zone: in which times are labelled.
    """
    timed = sorted((parse_time(sample.at).timestamp(), sample) for sample in _unique(samples))
    series = {
        "in": _series([(at, sample.in_bps) for at, sample in timed]),
        "out": _series([(at, sample.out_bps) for at, sample in timed]),
    }
    values = [point.value for points in series.values() for point in points if point is not None]
    describe = _description(samples, values, translate, zone)
    head = Markup(
        '<svg class="plot" viewBox="0 0 {w} {h}" role="img" aria-labelledby="{i}-t {i}-d"'
        ' xmlns="http://www.w3.org/2000/svg"><title id="{i}-t">{t}</title><desc id="{i}-d">{d}</desc>'
    ).format(w=WIDTH, h=HEIGHT, i=ident, t=visible(title), d=describe)
    if not values:
        body = _text(WIDTH / 2, HEIGHT / 2, translate("No valid traffic sample in this window"), "middle")
        return head + body + Markup("</svg>")
    frame = _frame(timed, values, levels)
    parts = [_grid(frame), _time_axis(frame, zone)]
    parts.append(_gaps(series["in"], series["out"], frame))
    parts += [_line(_thinned(points, frame), frame, name) for name, points in series.items()]
    parts += _levels(levels, frame)
    return head + Markup("").join(parts) + Markup("</svg>")


def _unique(samples: Sequence[Sample]) -> list[Sample]:
    """Return one sample per moment (the last one given), so that sorting never has to compare samples."""
    return list({parse_time(sample.at): sample for sample in samples}.values())


def _series(timed: list[tuple[float, str | None]]) -> list[_Point | None]:
    """Return the points in time order; None stands for a gap, also for one that no sample marks."""
    steps = [later[0] - earlier[0] for earlier, later in pairwise(timed)]
    # Twice and a half the usual step: one poll that came late is no gap, two that never came are.
    widest = 2.5 * median(steps) if steps else 0.0
    points: list[_Point | None] = []
    before: float | None = None
    for at, text in timed:
        number = decimal_of(text)
        if before is not None and at - before > widest:
            points.append(None)
        before = at
        points.append(None if number is None else _Point(at, float(number)))
    return points


def beyond(samples: Sequence[Sample], levels: Sequence[Level]) -> tuple[Level, ...]:
    """Return the levels that `traffic_plot` leaves out because they are far above the traffic; highest first."""
    numbers = [decimal_of(text) for sample in samples for text in (sample.in_bps, sample.out_bps)]
    values = [float(number) for number in numbers if number is not None]
    if not values:
        return ()
    peak = _peak_of(values, levels)
    return tuple(level for level in sorted(levels, key=_level, reverse=True) if _level(level) > peak * NEAR)


def _peak_of(values: list[float], levels: Sequence[Level]) -> float:
    return max(*values, 0.0, *(_level(level) for level in levels if level.kind == "p95"))


def _frame(timed: list[tuple[float, Sample]], values: list[float], levels: Sequence[Level]) -> _Frame:
    peak = _peak_of(values, levels)
    drawn = [_level(level) for level in levels if _level(level) <= peak * NEAR]
    top = max([peak, *drawn]) * 1.08 or 1.0
    start, end = timed[0][0], timed[-1][0]
    # One moment, or none apart: centre it in an hour.
    return _Frame(start, end - start, top) if end > start else _Frame(start - 1800, 3600.0, top)


def _level(level: Level) -> float:
    return float(decimal_of(level.bps) or 0)


def _runs(points: Sequence[_Point | None]) -> list[list[_Point]]:
    runs: list[list[_Point]] = [[]]
    for point in points:
        if point is None:
            if runs[-1]:
                runs.append([])
        else:
            runs[-1].append(point)
    return [run for run in runs if run]


def _thinned(points: Sequence[_Point | None], frame: _Frame) -> list[list[_Point]]:
    """Return the runs between gaps; long series keep the lowest and highest point of each column."""
    runs = _runs(points)
    if sum(len(run) for run in runs) <= COLUMNS:
        return runs
    column = frame.span / COLUMNS
    merged = [runs[0][:]]
    for run in runs[1:]:
        # A gap narrower than a column cannot be seen; keeping it would only add elements.
        if run[0].at - merged[-1][-1].at < 2 * column:
            merged[-1] += run
        else:
            merged.append(run[:])
    return [_columns(run, frame.start, column) for run in merged]


def _columns(run: list[_Point], start: float, column: float) -> list[_Point]:
    buckets: dict[int, list[_Point]] = {}
    for point in run:
        buckets.setdefault(int((point.at - start) / column), []).append(point)
    kept: list[_Point] = []
    for bucket in buckets.values():
        low = min(bucket, key=lambda point: point.value)
        high = max(bucket, key=lambda point: point.value)
        kept += sorted({low, high}, key=lambda point: point.at)
    return kept


# --- drawing ------------------------------------------------------------------------------------------------------


def _line(runs: list[list[_Point]], frame: _Frame, name: str) -> Markup:
    lines, dots = [], []
    for run in runs:
        if len(run) == 1:
            dots.append(
                f'<circle class="{name}" cx="{frame.x(run[0].at):.1f}" cy="{frame.y(run[0].value):.1f}" r="2"/>'
            )
            continue
        lines.append("M" + "L".join(f"{frame.x(point.at):.1f} {frame.y(point.value):.1f}" for point in run))
    path = f'<path class="{name}" d="{"".join(lines)}"/>' if lines else ""
    return Markup(path + "".join(dots))  # noqa: S704 - class names are ours, the rest is formatted numbers


def _gaps(first: Sequence[_Point | None], second: Sequence[_Point | None], frame: _Frame) -> Markup:
    """Return grey blocks where neither direction has a sample."""
    moments = sorted((run[0].at, run[-1].at) for points in (first, second) for run in _runs(points))
    holes: list[tuple[float, float]] = []
    reached = frame.start
    for begin, end in moments:
        if begin > reached and frame.x(begin) - frame.x(reached) >= 1:
            holes.append((reached, begin))
        reached = max(reached, end)
    last = frame.start + frame.span
    if moments and frame.x(last) - frame.x(reached) >= 1 and len({at for pair in moments for at in pair}) > 1:
        holes.append((reached, last))
    blocks = [
        f'<rect class="nodata" x="{frame.x(begin):.1f}" y="{TOP}" width="{frame.x(end) - frame.x(begin):.1f}"'
        f' height="{HEIGHT - TOP - BOTTOM}"/>'
        for begin, end in holes[:MAX_GAPS]
    ]
    return Markup("".join(blocks))  # noqa: S704 - formatted numbers only


def _levels(levels: Sequence[Level], frame: _Frame) -> list[Markup]:
    parts, lowest = [], -math.inf
    for level in sorted(levels, key=_level, reverse=True):
        value = _level(level)
        if value > frame.top:
            continue
        y = frame.y(value)
        # From the top down, each name stays clear of the one above it.
        lowest = max(y + 4, lowest + 14)
        parts.append(
            Markup('<line class="{k}" x1="{a}" x2="{b}" y1="{y}" y2="{y}"/>').format(
                k=level.kind, a=LEFT, b=WIDTH - RIGHT + 4, y=f"{y:.1f}"
            )
            + _text(WIDTH - RIGHT + 8, lowest, f"{rate(level.bps)} {level.label}", "start", f"label {level.kind}")
        )
    return parts


def _grid(frame: _Frame) -> Markup:
    step = _nice(frame.top / 4)
    parts = []
    value = Decimal(0)
    while float(value) <= frame.top:
        y = frame.y(float(value))
        parts.append(
            Markup('<line class="grid" x1="{a}" x2="{b}" y1="{y}" y2="{y}"/>').format(
                a=LEFT, b=WIDTH - RIGHT, y=f"{y:.1f}"
            )
            + _text(LEFT - 6, y + 4, rate(value), "end")
        )
        value += step
    return Markup("").join(parts)


def _nice(rough: float) -> Decimal:
    """Return 1, 2 or 5 times a power of ten, not below the rough step."""
    exponent = Decimal(rough).adjusted()
    for digit in (1, 2, 5):
        step = Decimal(digit).scaleb(exponent)
        if float(step) >= rough:
            return step
    return Decimal(10).scaleb(exponent)


_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_STEPS = (
    *(1, 5, 10, 30, _MINUTE, 5 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE, _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR),
    *(_DAY, 2 * _DAY, 7 * _DAY, 14 * _DAY, 28 * _DAY, 91 * _DAY, 365 * _DAY),
)


def _time_axis(frame: _Frame, zone: timezone) -> Markup:
    step = next((step for step in _STEPS if frame.span / step <= 8), int(frame.span / 8))
    offset = (zone.utcoffset(None) or timedelta()).total_seconds()
    # Ticks at round local times: midnight on campus, not midnight in UTC.
    tick = (int(frame.start + offset) // step + 1) * step - offset
    parts = []
    while tick <= frame.start + frame.span:
        moment = datetime.fromtimestamp(tick, zone)
        whole_day = moment.hour == moment.minute == moment.second == 0
        label = moment.strftime("%m-%d" if whole_day or step >= _DAY else "%H:%M" if step >= _MINUTE else "%H:%M:%S")
        x = frame.x(tick)
        parts.append(
            Markup('<line class="grid" x1="{x}" x2="{x}" y1="{a}" y2="{b}"/>').format(
                x=f"{x:.1f}", a=TOP, b=HEIGHT - BOTTOM + 4
            )
            + _text(x, HEIGHT - BOTTOM + 18, label, "middle")
        )
        tick += step
    start = datetime.fromtimestamp(frame.start, zone)
    note = start.strftime("%Y-%m-%d ") + ("UTC" if zone is UTC else start.strftime("UTC%z")[:6] + ":00")
    return Markup("").join(parts) + _text(LEFT, HEIGHT - 6, note, "start")


def _text(x: float, y: float, text: str, anchor: str, kind: str = "label") -> Markup:
    return Markup('<text class="{k}" x="{x}" y="{y}" text-anchor="{a}">{t}</text>').format(
        k=kind, x=f"{x:.1f}", y=f"{y:.1f}", a=anchor, t=visible(text, 60)
    )


def _description(
    samples: Sequence[Sample], values: list[float], translate: Callable[[str], str], zone: timezone
) -> str:
    if not values:
        return translate("No valid traffic sample in this window")
    times = sorted((sample.at for sample in samples), key=parse_time)
    return translate("{count} samples from {since} to {until}. Peak in {peak_in}, peak out {peak_out}.").format(
        count=len(samples),
        since=local_time(times[0], zone),
        until=local_time(times[-1], zone),
        peak_in=_peak([sample.in_bps for sample in samples]),
        peak_out=_peak([sample.out_bps for sample in samples]),
    )


def _peak(texts: list[str | None]) -> str:
    numbers = [number for text in texts if (number := decimal_of(text)) is not None]
    return rate(max(numbers)) if numbers else "–"
