"""What a derivation is: readings of many devices and the campus file in, one figure per subject that a clause is about.

Derivations are pure. They name every subject that is required, also one of which nothing is known: that is `Open`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from agent.model.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from agent.assess.samples import Readings
    from agent.model.base import Digest
    from agent.model.campus import Campus
    from agent.model.finding import Reason, Window
    from agent.model.reading import Grade

__all__ = ["Derivation", "Derived", "Open", "figure_at"]


@dataclass(frozen=True, slots=True)
class Open:
    """Why a figure is not settled, and between which bounds (decimal text, in the metric's unit) it lies."""

    reason: Reason
    low: str | None = None
    """None: nothing is proven, which counts as 0."""
    high: str | None = None
    """None: further measurement may show any value."""


@dataclass(frozen=True, slots=True)
class Derived:
    """Figures of one derivation."""

    readings: tuple[Reading, ...] = ()
    """At most one per metric and subject, `at` the end of the window, graded by what decided it, citing the exchanges
    that did. Where `open` speaks of the same metric and subject, the reading shows what is known so far."""
    open: Mapping[tuple[str, str], Open] = field(default_factory=dict)
    """By metric and subject."""


class Derivation(Protocol):
    """What every entry of `DERIVATIONS` is."""

    def __call__(self, readings: Readings, campus: Campus, window: Window, method: Mapping[str, str]) -> Derived:
        """Derive.

        Args:
            readings: those inside the window.
            campus: says what is required.
            window: what is judged.
            method: settings that a standard gives by name (a share of a day, a level in dBm); each derivation documents
                its own and their defaults.

        Raises:
            MalformedError: a reading that it needs is not a number, or its unit does not fit.
            ConfigError: a setting is unknown or no number.
        """
        ...


def figure_at(
    window: Window, metric: str, subject: str, value: str, unit: str, grade: Grade, sources: Iterable[Digest]
) -> Reading:
    """Return a figure as a reading: at the end of the window, citing the sources as they are given."""
    return Reading(
        metric=metric,
        subject=subject,
        value=value,
        unit=unit,
        at=window.until,
        grade=grade,
        sources=tuple(sources),
    )
