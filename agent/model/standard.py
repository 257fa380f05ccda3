"""`Standard` > `Indicator` (clause) > `Criterion`: what a document asks, as data, with the examples that prove it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from agent.model.base import Decimal, Identifier, Text, Word
from agent.model.finding import Outcome, Reason
from agent.model.reading import Grade

__all__ = [
    "AtLeast",
    "Band",
    "Bands",
    "Criterion",
    "Example",
    "ExampleSeries",
    "Indicator",
    "Judge",
    "Measure",
    "Standard",
]

Statistic = Literal["median", "minimum", "maximum", "last"]


class Measure(Word):
    """Which quantity decides, over which subjects, and what makes a sample sufficient."""

    metric: str
    """A metric of `config/metrics`."""
    subjects: str
    """Subject kind: the part before the colon (`egress`, `classroom`)."""
    over_time: Statistic
    """How the valid samples of one subject in the window become one value."""
    over_subjects: Literal["sum", "minimum", "each"]
    """`sum` and `minimum` give one value; `each` judges every subject, and all must hold."""
    unit: str
    min_samples: int = Field(default=1, ge=1)
    """Valid samples per subject below which the outcome is `too-few-samples`."""
    min_days: int = Field(default=0, ge=0)
    """Days that the samples must span, else `window-too-short`."""
    min_coverage: Decimal = "0"
    """Valid ÷ expected samples, 0 to 1, else `too-few-samples`."""
    capped_by: str | None = None
    """Metric of a declared upper bound (a contract): the smaller of both decides, and bears the value out."""
    carried_by: tuple[str, ...] = ()
    """Octet counters of the same subjects: traffic above the value contradicts it, traffic close to it corroborates."""


class Band(Word):
    """A value from `at_least` upward earns `points`."""

    at_least: Decimal
    points: Decimal


class Bands(Word):
    """Points by band, highest first; below the lowest band nothing."""

    kind: Literal["bands"] = "bands"
    bands: tuple[Band, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _descending(self) -> Bands:
        values = [(float(band.at_least), float(band.points)) for band in self.bands]
        if values != sorted(values, reverse=True) or len(set(values)) != len(values):
            raise ValueError("bands go from the highest threshold to the lowest, each once")
        return self


class AtLeast(Word):
    """Holds when the value is not below the threshold."""

    kind: Literal["at-least"] = "at-least"
    threshold: Decimal


Judge = Annotated[Bands | AtLeast, Field(discriminator="kind")]


class ExampleSeries(Word):
    """Readings of one subject: values in time order, `_` for a missing sample."""

    metric: str
    subject: str
    values: tuple[str, ...] = Field(min_length=1)
    every_seconds: int = Field(default=300, ge=1)
    grade: Grade = Grade.REPORTED


class Example(Word):
    """A case that proves the criterion: readings in, finding out. These are the pack's tests."""

    name: str
    readings: tuple[ExampleSeries, ...] = ()
    subjects: tuple[str, ...] = ()
    """Subjects that the campus file requires; empty: those that have readings."""
    outcome: Outcome
    reason: Reason | None = None
    points: Decimal | None = None
    grade: Grade | None = None


class Criterion(Word):
    """One testable part of a clause."""

    id: Identifier
    title: Text
    measure: Measure
    judge: Judge
    grade_required: Grade = Grade.REPORTED
    """Proof weaker than this leaves the points open."""
    reading: Text
    """The reading of an ambiguous text that this pack takes; shown in the finding."""
    remedy: Text
    """What the school does next when the criterion is not proven."""
    examples: tuple[Example, ...] = Field(min_length=1)


class Indicator(Word):
    """A clause: number, heading in our own words, points, and its parts."""

    id: str
    title: Text
    points: Decimal
    award: Literal["bands", "all-parts"]
    """`bands`: the one criterion's bands give the points; `all-parts`: all or nothing."""
    criteria: tuple[Criterion, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _points_agree(self) -> Indicator:
        if self.award == "bands":
            if len(self.criteria) != 1 or not isinstance(self.criteria[0].judge, Bands):
                raise ValueError("award: bands needs exactly one criterion, judged by bands")
            if self.criteria[0].judge.bands[0].points != self.points:
                raise ValueError("the highest band must give the points of the clause")
        elif any(isinstance(part.judge, Bands) for part in self.criteria):
            raise ValueError("award: all-parts cannot hold a criterion judged by bands")
        return self


class Standard(Word):
    """A file of `config/standards`: one standard, versioned; never edited after release."""

    id: Identifier
    version: str
    title: Text
    document: Text
    """Which document, of whom, of which year."""
    total: Decimal
    """Points of the whole document, including clauses that are not worked out here."""
    indicators: tuple[Indicator, ...] = Field(min_length=1)
