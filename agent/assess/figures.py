"""The derived figures that a standard asks for: each derivation is run once per setting, and asked by metric."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.assess.derive import DERIVATIONS
from agent.assess.derive.derived import Derived, Open
from agent.errors import ConfigError
from agent.model.standard import Measure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.assess.derive.derived import Derivation
    from agent.assess.samples import Readings
    from agent.model.campus import Campus
    from agent.model.finding import Window
    from agent.model.metric import Metric
    from agent.model.reading import Reading
    from agent.model.standard import Standard

__all__ = ["Figures", "FiguresOf", "derive_figures", "given_figures"]


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures by metric and subject, and which of them are not settled."""

    readings: Mapping[tuple[str, str], Reading] = field(default_factory=dict)
    open: Mapping[tuple[str, str], Open] = field(default_factory=dict)

    def subjects(self, kind: str, metric: str) -> tuple[str, ...]:
        """Return the subjects of a kind that the derivation names, sorted."""
        return tuple(
            sorted({s for m, s in (*self.readings, *self.open) if m == metric and s.partition(":")[0] == kind})
        )


FiguresOf = Callable[[Measure], Figures | None]
"""The figures that a measure is about; None where its metric is not derived."""


def derive_figures(
    standard: Standard,
    readings: Readings,
    metrics: Mapping[str, Metric],
    campus: Campus,
    window: Window,
    derivations: Mapping[str, Derivation] = DERIVATIONS,
) -> FiguresOf:
    """Return the figures of a standard, derived when they are asked for.

    Raises (when asked):
        ConfigError: there is no such derivation, or a setting is unknown or no number.
        MalformedError: a reading that the derivation needs is not a number, or its unit does not fit.
    """
    known: dict[tuple[str, tuple[tuple[str, str], ...]], Figures] = {}

    def of(measure: Measure) -> Figures | None:
        metric = metrics.get(measure.metric)
        if metric is None or not metric.derivation:
            return None
        name = metric.derivation
        method = standard.methods.get(name, {}) | measure.method
        key = (name, tuple(sorted(method.items())))
        if key not in known:
            if name not in derivations:
                raise ConfigError("there is no derivation {name!r}", where=measure.metric, name=name)
            known[key] = _kept(derivations[name](readings, campus, window, method))
        return known[key]

    return of


def given_figures(
    readings: Iterable[Reading], metrics: Mapping[str, Metric], unsettled: Mapping[tuple[str, str], Open] | None = None
) -> FiguresOf:
    """Return the figures that stand among the readings themselves: in examples, and where there is no campus file."""
    derived = {metric.name for metric in metrics.values() if metric.derivation}
    figures = _kept(Derived(tuple(reading for reading in readings if reading.metric in derived), dict(unsettled or {})))

    def of(measure: Measure) -> Figures | None:
        return figures if measure.metric in derived else None

    return of


def _kept(derived: Derived) -> Figures:
    return Figures({(reading.metric, reading.subject): reading for reading in derived.readings}, derived.open)
