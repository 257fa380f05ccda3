"""The examples that standards carry, run through the real judgement: a pack's own tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.assess.assess import judge_standard
from agent.assess.plan import Plan
from agent.assess.samples import milliseconds, moment
from agent.model.finding import Window
from agent.model.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agent.model.finding import Assessment, ClauseResult
    from agent.model.metric import Metric
    from agent.model.standard import Criterion, Example, Indicator, Standard

__all__ = ["judge_example"]

_START: Final = milliseconds("2026-01-05T00:00:00.000Z")
_NO_PACK: Final = "sha256:" + 64 * "0"


def judge_example(
    standard: Standard, indicator: Indicator, criterion: Criterion, example: Example, metrics: Mapping[str, Metric]
) -> ClauseResult:
    """Return how the clause comes out if the example is all that was measured, and its criterion all that is asked.

    Raises:
        MalformedError: a value of the example is not a number.
    """
    alone = indicator.model_copy(update={"criteria": (criterion,)})
    judged = standard.model_copy(update={"indicators": (alone,)})
    return _assess(judged, criterion, example, metrics).clauses[0]


def _assess(standard: Standard, criterion: Criterion, example: Example, metrics: Mapping[str, Metric]) -> Assessment:
    kind = criterion.measure.subjects
    every = next((series.every_seconds for series in example.readings), 300) * 1000
    plan = Plan(
        required={kind: example.subjects} if example.subjects else None,
        poll_ms={metric.collector: every for metric in metrics.values() if metric.collector},
    )
    length = max(((len(series.values) - 1) * series.every_seconds for series in example.readings), default=0)
    window = Window(since=moment(_START), until=moment(_START + length * 1000))
    return judge_standard(standard, _NO_PACK, list(_readings(example, metrics)), metrics, plan, window)


def _readings(example: Example, metrics: Mapping[str, Metric]) -> Iterator[Reading]:
    for series in example.readings:
        metric = metrics.get(series.metric)
        for place, value in enumerate(series.values):
            if value == "_":
                continue
            yield Reading(
                metric=series.metric,
                subject=series.subject,
                value=value,
                unit=metric.unit if metric else "",
                at=moment(_START + place * series.every_seconds * 1000),
                grade=series.grade,
                sources=(),
            )
