"""What should have been measured: the subjects that are required, and how often each is asked.

With a campus file, its links, assets and topics say so; without one, what is there is all that is required, and the
middle distance between samples stands for the poll interval.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from agent.model.exchange import GapReason
from agent.model.finding import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.assess.samples import Readings
    from agent.model.asset import Campus
    from agent.model.metric import Metric

__all__ = ["Plan", "plan_of"]

_REASONS: Final = {
    GapReason.UNREACHABLE: Reason.UNREACHABLE,
    GapReason.DEADLINE: Reason.UNREACHABLE,
    GapReason.REFUSED: Reason.REFUSED,
    GapReason.UNSUPPORTED: Reason.UNSUPPORTED,
    GapReason.MALFORMED: Reason.UNSUPPORTED,
}


@dataclass(frozen=True)
class Plan:
    """Required subjects by kind, poll interval by collector, and why a subject was silent where that is known."""

    required: Mapping[str, tuple[str, ...]] | None = None
    """None: the subjects seen are the ones required."""
    poll_ms: Mapping[str, int] = field(default_factory=dict)
    """Poll interval by collector, in milliseconds; absent: taken from the samples."""
    silence: Mapping[str, Reason] = field(default_factory=dict)
    """Subject to the reason why it gave nothing."""

    def subjects(self, kind: str, metric: str, readings: Readings) -> tuple[str, ...]:
        """Return the subjects that the criterion must look at, sorted."""
        if self.required is None or kind not in _DECLARED_KINDS:
            return readings.subjects(kind, metric)
        return self.required.get(kind, ())

    def interval(self, metric: Metric | None, times: list[int]) -> int:
        """Return the poll interval of a metric in milliseconds; at least 1.

        Args:
            metric: the metric, which names its collector.
            times: when there are samples, sorted; used where no plan speaks.
        """
        collector = metric.collector if metric else ""
        if collector in self.poll_ms:
            return self.poll_ms[collector]
        distances = sorted(later - earlier for earlier, later in pairwise(times) if later > earlier)
        return distances[(len(distances) - 1) // 2] if distances else 300_000


_DECLARED_KINDS: Final = frozenset({"egress", "backbone", "uplink", "classroom", "office", "access", "asset", "iot"})
"""Kinds whose members the campus file lists; of others (`interface`) only the devices themselves know."""


def plan_of(campus: Campus | None, metrics: Mapping[str, Metric], gaps: Mapping[str, GapReason] | None = None) -> Plan:
    """Return the plan that a campus file makes; without one, the plan that asks for what is there.

    Args:
        campus: the campus file.
        metrics: all metrics, for the collectors that they name.
        gaps: asset to the reason why it could not be asked, where it gave nothing in the window.
    """
    if campus is None:
        return Plan()
    required: dict[str, list[str]] = {}
    silence: dict[str, Reason] = {}
    reasons = {asset: _REASONS[reason] for asset, reason in (gaps or {}).items()}
    for link in campus.links:
        _note(required, silence, link.role, f"{link.role}:{link.id}", reasons.get(link.asset))
    for asset in campus.assets:
        _note(required, silence, "asset", f"asset:{asset.id}", reasons.get(asset.id))
        for topic in asset.topics:
            _note(required, silence, "iot", f"iot:{topic.kind}", reasons.get(asset.id))
    collectors = {metric.collector for metric in metrics.values() if metric.collector}
    return Plan(
        required={kind: tuple(sorted(set(found))) for kind, found in required.items()},
        poll_ms={name: campus.poll(name).every_seconds * 1000 for name in collectors},
        silence=silence,
    )


def _note(
    required: dict[str, list[str]], silence: dict[str, Reason], kind: str, subject: str, reason: Reason | None
) -> None:
    required.setdefault(kind, []).append(subject)
    if reason is not None:
        silence[subject] = reason
