"""`Metric`: the name, unit, kind and meaning of a quantity that readings carry."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from agent.model.base import Text, Word

__all__ = ["Metric", "MetricKind", "MetricPack"]


class MetricKind(StrEnum):
    """How values of a metric behave over time."""

    GAUGE = "gauge"
    COUNTER = "counter"
    STATE = "state"
    TEXT = "text"


class Metric(Word):
    """A quantity. `unit` is UCUM; states list their spellings in `states`."""

    name: str
    kind: MetricKind
    unit: str = ""
    title: Text
    meaning: Text
    source: str = ""
    """MIB object, RFC section or method it comes from."""
    collector: str = ""
    """Collector that produces it: its plan in the campus file says how many samples to expect."""
    derivation: str = ""
    """Derivation that makes it of readings and the campus file when a standard asks for it; then no collector does."""
    states: tuple[str, ...] = ()


class MetricPack(Word):
    """A file of `config/metrics`."""

    version: str
    metrics: tuple[Metric, ...] = Field(min_length=1)
