"""Cases that prove a criterion: what was measured in, what must come out. They are the tests of a pack."""

from __future__ import annotations

from pydantic import Field

from agent.model.base import Decimal, Word
from agent.model.finding import Outcome, Reason
from agent.model.reading import Grade
from agent.model.rule import Stage

__all__ = ["Example", "ExampleSeries", "OpenFigure"]


class ExampleSeries(Word):
    """Readings of one subject: values in time order, `_` for a missing sample. A derived figure has one value."""

    metric: str
    subject: str
    values: tuple[str, ...] = Field(min_length=1)
    every_seconds: int = Field(default=300, ge=1)
    grade: Grade = Grade.REPORTED
    count: int = Field(default=1, ge=1, le=10_000)
    """So many subjects alike: above 1, each has the subject's name and a number (`class:a-1`, `class:a-2`)."""

    @property
    def named(self) -> tuple[str, ...]:
        """Return the subjects that it stands for."""
        return (self.subject,) if self.count == 1 else tuple(f"{self.subject}-{n}" for n in range(1, self.count + 1))


class OpenFigure(Word):
    """A derived figure that is not settled: why, and between which bounds it lies."""

    metric: str
    subject: str
    reason: Reason
    low: Decimal | None = None
    """None: nothing is proven."""
    high: Decimal | None = None
    """None: it may be anything."""


class Example(Word):
    """A case that proves the criterion: readings in, finding out."""

    name: str
    readings: tuple[ExampleSeries, ...] = ()
    open: tuple[OpenFigure, ...] = ()
    subjects: tuple[str, ...] = ()
    """Subjects that the campus file requires; empty: those that have readings."""
    stages: tuple[Stage, ...] = ()
    """Stages of the school; empty: not known."""
    declared: Decimal | None = None
    """What the campus file declares for this criterion; None: nothing."""
    outcome: Outcome
    reason: Reason | None = None
    points: Decimal | None = None
    """Points of the clause that are proven when this criterion is all that it asks."""
    points_declared: Decimal | None = None
    """Points that rest on the declaration alone."""
    grade: Grade | None = None
