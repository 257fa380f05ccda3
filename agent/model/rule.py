"""How a value is judged: conditions that hold or not, and rules that give points by value.

All arithmetic on these numbers is exact (`Decimal` text read as fractions); bounds stand for what is not known.
"""

from __future__ import annotations

from decimal import Decimal as Number
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from agent.model.base import Decimal, Word

__all__ = ["AtLeast", "AtMost", "Band", "Bands", "Condition", "Deduct", "Equals", "Holds", "Judge", "Limit", "Stage"]

Stage = Literal["kindergarten", "primary", "junior", "senior", "vocational"]
"""A stage of schooling, as `school.stages` of the campus file lists them."""


class Limit(Word):
    """A threshold, the same for all or one for each stage of schooling."""

    threshold: Decimal | None = None
    by_stage: dict[Stage, Decimal] = Field(default_factory=dict)
    """Thresholds by stage. A subject that is named after a stage (`stage:primary`) has its own."""
    several_stages: Literal["strictest", "each"] = "strictest"
    """In a school that has several: the strictest counts for a subject that is not of one stage; or there is one
    subject for `each` stage of the school, and each is required."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Limit:
        if (self.threshold is None) != bool(self.by_stage):
            raise ValueError("give either threshold or by_stage")
        return self


class AtLeast(Limit):
    """Holds when the value is not below the threshold."""

    kind: Literal["at-least"] = "at-least"


class AtMost(Limit):
    """Holds when the value is not above the threshold."""

    kind: Literal["at-most"] = "at-most"


class Equals(Word):
    """Holds when the value is exactly this."""

    kind: Literal["equals"] = "equals"
    value: Decimal


class Holds(Word):
    """Holds when the value is 1 or more: for quantities that are 1 for yes and 0 for no."""

    kind: Literal["holds"] = "holds"


class Band(Word):
    """A value from `at_least` upward earns `points`."""

    at_least: Decimal
    points: Decimal


class Bands(Word):
    """Points by band, highest first; below the lowest band nothing."""

    kind: Literal["bands"] = "bands"
    bands: tuple[Band, ...] = Field(min_length=1)

    @property
    def points(self) -> Decimal:
        """Return the points of the highest band."""
        return self.bands[0].points

    @model_validator(mode="after")
    def _descending(self) -> Bands:
        values = [(Number(band.at_least), Number(band.points)) for band in self.bands]
        falling = all(high[0] > low[0] and high[1] > low[1] for high, low in pairwise(values))
        if not falling or values[-1][1] <= 0:
            raise ValueError("bands go from the highest threshold to the lowest, each with fewer points, above 0")
        return self


class Deduct(Word):
    """Full points from the threshold upward; below it, each unit short costs some, down to the floor."""

    kind: Literal["deduct"] = "deduct"
    threshold: Decimal
    points: Decimal
    """What a value at the threshold earns."""
    per: Decimal = "1"
    """The unit of the shortfall, in the unit of the measure: one percentage point, one school."""
    minus: Decimal
    """Points lost per unit short."""
    floor: Decimal = "0"
    """Never fewer points than these."""
    shortfall: Literal["exact", "started"] = "exact"
    """A part of a unit costs its part (`exact`), or as much as a whole one (`started`)."""

    @model_validator(mode="after")
    def _sane(self) -> Deduct:
        if Number(self.per) <= 0 or Number(self.minus) <= 0:
            raise ValueError("per and minus must be above 0")
        if not 0 <= Number(self.floor) < Number(self.points):
            raise ValueError("the floor must be 0 or more, and below the points")
        return self


Condition = Annotated[AtLeast | AtMost | Equals | Holds, Field(discriminator="kind")]
"""What holds or does not."""
Judge = Annotated[AtLeast | AtMost | Equals | Holds | Bands | Deduct, Field(discriminator="kind")]
"""A condition, or a rule that gives points by value."""
