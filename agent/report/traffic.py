"""Traffic plots of the watched links: rates as the assessment computes them, with the lines they are judged against.

Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from agent.assess.observe import counter_samples
from agent.assess.plan import plan_of
from agent.assess.rates import rates
from agent.assess.samples import Readings, moment, rounded
from agent.errors import MalformedError
from agent.language import N_
from agent.model.rule import AtLeast, Bands
from agent.report.charts import Level, Sample, beyond, traffic_plot
from agent.report.text import amount, decimal_of, grouped, rate, visible

if TYPE_CHECKING:
    from markupsafe import Markup

    from agent.model.finding import Observation
    from agent.report.clauses import Words
    from agent.report.given import ReportInput

__all__ = ["PlotView", "plots", "series"]

MAX_PLOTS = 12
IN, OUT, SPEED = "link.octets.in", "link.octets.out", "link.speed"
P95 = {IN: N_("p95 in"), OUT: N_("p95 out")}
MEGA = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class PlotView:
    """One link's traffic."""

    title: str
    svg: Markup
    speed: str
    beyond: str
    """Lines that lie far above the traffic and are named instead of drawn."""
    fault: str
    """Why there are no rates, if the readings are not usable; else empty."""


def plots(given: ReportInput, words: Words) -> tuple[PlotView, ...]:
    """Return a plot per watched link that has octet counters, in the order of their names."""
    subjects = sorted({reading.subject for reading in given.readings if reading.metric in (IN, OUT)})
    wanted = set(subjects[:MAX_PLOTS])
    # Malformed times void the whole index; the views of single subjects then fall back to no samples.
    relevant = [reading for reading in given.readings if reading.subject in wanted]
    readings = Readings(relevant)
    return tuple(
        _plot(f"p{at}", subject, readings, given, words) for at, subject in enumerate(subjects[:MAX_PLOTS], start=1)
    )


def _plot(ident: str, subject: str, readings: Readings, given: ReportInput, words: Words) -> PlotView:
    fault = ""
    try:
        samples = series(readings, subject, given)
    except MalformedError as error:
        samples, fault = (), visible(error.render(words.translate))
    spoken = [reading.value for _, reading in readings.of(SPEED, subject)]
    speed = spoken[-1] if spoken else None
    title = words.translate("Traffic of {subject}").format(subject=words.subject(subject))
    levels = _levels(subject, speed, given, words)
    svg = traffic_plot(samples, title=title, ident=ident, translate=words.translate, levels=levels, zone=words.zone)
    left_out = "; ".join(f"{rate(level.bps)} ({level.label})" for level in beyond(samples, levels))
    return PlotView(title, svg, visible(amount(speed, "Mbit/s"), 60) if speed else "", visible(left_out), fault)


def series(readings: Readings, subject: str, given: ReportInput) -> tuple[Sample, ...]:
    """Return the link's rates by the rules of `agent.assess.rates`; an interval that those leave out is a gap.

    Raises:
        MalformedError: a reading is not a number, or its unit does not fit.
    """
    metrics = {metric.name: metric for metric in given.metrics}
    plan = plan_of(given.campus, metrics)
    found: dict[int, dict[str, str | None]] = {}
    for metric in (IN, OUT):
        samples = counter_samples(readings, metric, subject)
        poll = plan.interval(metrics.get(metric), sorted({sample.at for sample in samples}))
        result = rates(samples, poll)
        for exclusion in result.excluded:
            found.setdefault(exclusion.until, {}).setdefault(metric, None)
        for interval in result.intervals:
            found.setdefault(interval.until, {})[metric] = rounded(interval.rate)
    return tuple(Sample(moment(at), by.get(IN), by.get(OUT)) for at, by in sorted(found.items()))


def _levels(subject: str, speed: str | None, given: ReportInput, words: Words) -> tuple[Level, ...]:
    levels = []
    if (line := decimal_of(speed)) is not None:
        levels.append(Level(format(line * MEGA, "f"), words.translate("line speed"), "speed"))
    for observation in _observations(given, subject):
        value = decimal_of(observation.value)
        if observation.statistic == "p95" and value is not None:
            scale = MEGA if observation.unit == "Mbit/s" else Decimal(1)
            label = words.translate(P95.get(observation.metric, "95th percentile"))
            levels.append(Level(format(value * scale, "f"), label, "p95"))
    return (*levels, *_thresholds(subject, given, words))


def _observations(given: ReportInput, subject: str) -> list[Observation]:
    found = {
        (observation.metric, observation.statistic, observation.value): observation
        for assessment in given.assessments
        for clause in assessment.clauses
        for finding in clause.findings
        for observation in finding.observations
        if observation.subject == subject
    }
    return [found[key] for key in sorted(found, key=str)]


def _thresholds(subject: str, given: ReportInput, words: Words) -> list[Level]:
    """Return the thresholds in Mbit/s that the packs set for subjects of this kind."""
    kind = subject.partition(":")[0]
    levels: dict[str, Level] = {}
    for standard in given.standards:
        for indicator in standard.indicators:
            for criterion in indicator.criteria:
                measure = criterion.measure
                if measure is None or kind not in measure.subjects or measure.judged_unit != "Mbit/s":
                    continue
                judge = criterion.judge
                steps = (
                    [(band.at_least, grouped(band.points)) for band in judge.bands] if isinstance(judge, Bands) else []
                )
                if isinstance(judge, AtLeast) and judge.threshold is not None:
                    steps = [(judge.threshold, grouped(indicator.points))]
                for threshold, points in steps:
                    label = words.translate("{clause}: {points} points").format(clause=indicator.id, points=points)
                    bps = format((decimal_of(threshold) or Decimal(0)) * MEGA, "f")
                    levels.setdefault(bps, Level(bps, label, "band"))
    return [levels[bps] for bps in sorted(levels)]
