"""The examples that standards carry, run through the real judgement: a pack's own tests."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Final

from agent.assess.assess import judge_standard, stated_readings
from agent.assess.derive.derived import Open
from agent.assess.figures import given_figures
from agent.assess.observe import DECLARATION, Scene
from agent.assess.plan import Plan
from agent.assess.samples import Readings, milliseconds, moment
from agent.model.finding import Window
from agent.model.reading import Grade, Reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agent.model.finding import ClauseResult
    from agent.model.metric import Metric
    from agent.model.standard import Criterion, Example, Indicator, Standard

__all__ = ["judge_example"]

_START: Final = milliseconds("2026-01-05T00:00:00.000Z")
"""A Monday."""
_NO_PACK: Final = "sha256:" + 64 * "0"


def judge_example(
    standard: Standard, indicator: Indicator, criterion: Criterion, example: Example, metrics: Mapping[str, Metric]
) -> ClauseResult:
    """Return how the clause comes out if the example is all that was measured, and its criterion all that is asked.

    Raises:
        MalformedError: a value of the example is not a number.
    """
    alone = indicator.model_copy(update={"criteria": (criterion,)})
    judged = standard.model_copy(update={"indicators": (alone,), "sections": (), "vetoes": ()})
    return judge_standard(judged, _NO_PACK, _scene(judged, criterion, example, metrics), {}).clauses[0]


def _scene(standard: Standard, criterion: Criterion, example: Example, metrics: Mapping[str, Metric]) -> Scene:
    readings = list(_readings(standard, criterion, example, metrics))
    every = next((series.every_seconds for series in example.readings), 300) * 1000
    length = max(((len(series.values) - 1) * series.every_seconds for series in example.readings), default=0)
    window = Window(since=moment(_START), until=moment(_START + length * 1000))
    unsettled = {(item.metric, item.subject): Open(item.reason, item.low, item.high) for item in example.open}
    required: dict[str, tuple[str, ...]] = {}
    for subject in example.subjects:
        kind = subject.partition(":")[0]
        required[kind] = (*required.get(kind, ()), subject)
    return Scene(
        readings=Readings(readings, window),
        stated=stated_readings(standard, readings, window),
        metrics=metrics,
        plan=Plan(
            required=required or None,
            poll_ms={metric.collector: every for metric in metrics.values() if metric.collector},
        ),
        window=window,
        figures=given_figures(readings, metrics, unsettled),
        standard=standard.id,
        stages=example.stages,
    )


def _readings(
    standard: Standard, criterion: Criterion, example: Example, metrics: Mapping[str, Metric]
) -> Iterator[Reading]:
    for series in example.readings:
        metric = metrics.get(series.metric)
        for subject, (place, value) in product(series.named, enumerate(series.values)):
            if value == "_":
                continue
            yield Reading(
                metric=series.metric,
                subject=subject,
                value=value,
                unit=metric.unit if metric else "",
                at=moment(_START + place * series.every_seconds * 1000),
                grade=series.grade,
                sources=(),
            )
    if example.declared is not None:
        yield Reading(
            metric=DECLARATION,
            subject=f"criterion:{standard.id}/{criterion.id}",
            value=example.declared,
            unit="1",
            at=moment(_START),
            grade=Grade.DECLARED,
            sources=(),
        )
