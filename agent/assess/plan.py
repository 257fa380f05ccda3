"""What should have been measured: the subjects that are required, on which assets, and how often each is asked.

With a campus file, its links, assets and topics say so; without one, what is there is all that is required, and the
middle distance between samples stands for the poll interval.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from agent.assess.samples import moment
from agent.model.calendar import SchoolCalendar, local_day, school_days

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from agent.assess.samples import Readings
    from agent.model.campus import Campus
    from agent.model.metric import Metric

__all__ = ["Plan", "plan_of"]


@dataclass(frozen=True)
class Plan:
    """Required subjects by kind, the assets that they are on, and the poll interval of each collector."""

    required: Mapping[str, tuple[str, ...]] | None = None
    """None: the subjects seen are the ones required."""
    poll_ms: Mapping[str, int] = field(default_factory=dict)
    """Poll interval by collector, in milliseconds; absent: taken from the samples."""
    assets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Subject to the ids of the assets that are asked about it."""
    timezone: str = "Asia/Shanghai"
    calendar: SchoolCalendar | None = None
    """None: Monday to Friday are school days."""

    def subjects(self, kind: str, metric: str, readings: Readings) -> tuple[str, ...]:
        """Return the subjects that the criterion must look at, sorted."""
        if self.required is None or kind not in _DECLARED_KINDS:
            return readings.subjects(kind, metric)
        return self.required.get(kind, ())

    def school_days(self, times: Iterable[int]) -> int:
        """Return on how many different school days the moments (milliseconds since 1970) lie."""
        days = {local_day(moment(at), self.timezone) for at in times}
        if self.calendar is None:
            return sum(day.weekday() < _SATURDAY for day in days)
        return sum(bool(school_days(self.calendar, day, day)) for day in days)

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


_SATURDAY: Final = 5
_DECLARED_KINDS: Final = frozenset({"egress", "backbone", "uplink", "classroom", "office", "access", "asset", "iot"})
"""Kinds whose members the campus file lists; of others (`interface`) only the devices themselves know."""


def plan_of(campus: Campus | None, metrics: Mapping[str, Metric]) -> Plan:
    """Return the plan that a campus file makes; without one, the plan that asks for what is there.

    Args:
        campus: the campus file.
        metrics: all metrics, for the collectors that they name.
    """
    if campus is None:
        return Plan()
    found = [(link.role, f"{link.role}:{link.id}", link.asset) for link in campus.links]
    for asset in campus.assets:
        found.append(("asset", f"asset:{asset.id}", asset.id))
        found += [("iot", f"iot:{topic.kind}", asset.id) for topic in asset.topics]
    required: dict[str, set[str]] = {}
    assets: dict[str, set[str]] = {}
    for kind, subject, asked in found:
        required.setdefault(kind, set()).add(subject)
        assets.setdefault(subject, set()).add(asked)
    collectors = {metric.collector for metric in metrics.values() if metric.collector}
    return Plan(
        required={kind: tuple(sorted(subjects)) for kind, subjects in required.items()},
        poll_ms={name: campus.poll(name).every_seconds * 1000 for name in collectors},
        assets={subject: tuple(sorted(asked)) for subject, asked in assets.items()},
        timezone=campus.timezone,
        calendar=campus.calendar,
    )
