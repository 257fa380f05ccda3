"""Why a subject has no usable sample: what the conversations with its devices came to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from agent.model.exchange import GapReason
from agent.model.finding import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.assess.plan import Plan
    from agent.assess.samples import Readings
    from agent.model.metric import Metric

__all__ = ["Asked", "gap", "silence"]

_REASONS: Final = {
    GapReason.UNREACHABLE.value: Reason.UNREACHABLE,
    GapReason.DEADLINE.value: Reason.UNREACHABLE,
    GapReason.REFUSED.value: Reason.REFUSED,
    GapReason.UNSUPPORTED.value: Reason.UNSUPPORTED,
    # It speaks, but not so that it can be understood.
    GapReason.MALFORMED.value: Reason.UNSUPPORTED,
}


class Asked(Protocol):
    """What was asked and what came back; an `observe.Scene` is one."""

    @property
    def readings(self) -> Readings:
        """Return the readings of the window."""

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Return all metrics by name."""

    @property
    def plan(self) -> Plan:
        """Return what should have been asked."""


def silence(scene: Asked, metric: str, subject: str) -> Reason:
    """Return why there is no sample of the metric for the subject.

    The last `collector.answer` of the subject's assets says how the device answered; if it did answer, the last
    `link.match` says whether it has the port at all.
    """
    known = scene.metrics.get(metric)
    for asset in scene.plan.assets.get(subject, ()):
        if reason := gap(scene.readings, known.collector if known else "", asset):
            return reason
    matches = scene.readings.texts("link.match", subject)
    if matches and matches[-1][1].split(" ")[0] in {"not", "ambiguous"}:
        return Reason.NO_TARGET
    return Reason.TOO_FEW_SAMPLES


def gap(readings: Readings, collector: str, asset: str) -> Reason | None:
    """Return why the asset last did not answer the collector; None if it answered, or was never asked."""
    answers = readings.texts("collector.answer", f"{collector}:{asset}")
    return _REASONS.get(answers[-1][1]) if answers else None
