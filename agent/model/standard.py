"""`Standard` > `Indicator` (clause) > `Criterion`: what a document asks, as data, with the examples that prove it."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from agent.model.base import Decimal, Identifier, Text, Word
from agent.model.example import Example, ExampleSeries, OpenFigure
from agent.model.finding import Interpretation
from agent.model.reading import Grade
from agent.model.rule import AtLeast, AtMost, Band, Bands, Condition, Deduct, Equals, Holds, Judge, Limit, Stage

__all__ = [
    "AtLeast",
    "AtMost",
    "Band",
    "Bands",
    "Criterion",
    "Declared",
    "Deduct",
    "Equals",
    "Example",
    "ExampleSeries",
    "Holds",
    "Indicator",
    "Judge",
    "Level",
    "Limit",
    "Measure",
    "OpenFigure",
    "Reach",
    "Section",
    "Standard",
    "Statistic",
    "Veto",
]

Statistic = Literal["median", "mean", "minimum", "maximum", "p5", "p95", "last"]
"""`mean` of 0 and 1 is a share of time; `p5` and `p95` are the nearest rank."""
Reach = Literal["full", "partly", "declared", "outside"]
"""How much of a clause a machine can prove."""


_KINDS: Final = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}


def _one_or_many(value: object) -> object:
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


class Measure(Word):
    """Which quantity decides, over which subjects, and what makes a sample sufficient."""

    metric: str
    """A metric of `config/metrics`: read from devices, or derived (then it has one figure per subject and window)."""
    subjects: Annotated[tuple[str, ...], BeforeValidator(_one_or_many), WithJsonSchema(_KINDS)] = Field(min_length=1)
    """Subject kinds, one or a list: the part before the colon (`egress`, `classroom`)."""
    members: tuple[str, ...] = ()
    """Names after the colon, of the one kind, that are required whether anything is known of them or not (`firewall`);
    empty: those that the campus file or the derivation names."""
    method: dict[str, str] = Field(default_factory=dict)
    """Settings of the derivation for this criterion, over those of the standard's `methods`."""
    over_time: Statistic = "last"
    """How the valid samples of one subject in the window become one value; of a derived figure nothing."""
    over_subjects: Literal["sum", "minimum", "maximum", "each", "share", "count"] = "each"
    """`sum`, `minimum` and `maximum` give one value; `each` judges every subject, and all must hold; `share` (in %) and
    `count` are of the subjects for which `counted_if` holds. `maximum` of yes and no says whether any holds."""
    counted_if: Condition | None = None
    unit: str
    min_samples: int = Field(default=1, ge=1)
    """Valid samples per subject below which the outcome is `too-few-samples`."""
    min_days: int = Field(default=0, ge=0)
    """Days that the samples must span, else `window-too-short`."""
    min_school_days: int = Field(default=0, ge=0)
    """Different school days that must hold a valid sample, else `window-too-short`."""
    min_coverage: Decimal = "0"
    """Valid ÷ expected samples, 0 to 1, else `too-few-samples`."""
    capped_by: str | None = None
    """Metric of a declared upper bound (a contract): the smaller of both decides, and bears the value out."""
    carried_by: tuple[str, ...] = ()
    """Octet counters of the same subjects: traffic above the value contradicts it, traffic close to it corroborates."""

    @property
    def judged_unit(self) -> str:
        """Return the unit of the value that the rule judges."""
        return {"share": "%", "count": "1"}.get(self.over_subjects, self.unit)

    @model_validator(mode="after")
    def _inner_condition(self) -> Measure:
        if (self.over_subjects in {"share", "count"}) != (self.counted_if is not None):
            raise ValueError("share and count say what is counted (counted_if), and nothing else does")
        if self.members and len(self.subjects) != 1:
            raise ValueError("members are of one kind of subject")
        return self


class Declared(Word):
    """What no machine can prove: a document answers it, by a declaration in the campus file."""

    document: Text
    """Which document is wanted."""
    unit: str = "1"
    """Unit of the declared value; `1` for yes (1) and no (0) and for counts."""


class Criterion(Word):
    """One testable part of a clause: measured or, where no machine can prove it, declared."""

    id: Identifier
    title: Text
    measure: Measure | None = None
    declared: Declared | None = None
    judge: Judge = Holds()
    points: Decimal | None = None
    """What the part is worth, where the parts of the clause have points of their own."""
    either: Identifier | None = None
    """Criteria of a clause with the same word here are alternatives: the best of them counts as one part."""
    stages: tuple[Stage, ...] = ()
    """Stages that the criterion is about; a school with none of them is not judged by it. Empty: all."""
    grade_required: Grade = Grade.REPORTED
    """Proof weaker than this leaves the points open."""
    interpretations: tuple[Identifier, ...] = ()
    """Readings of ambiguous texts that it rests on, by their ids in the standard."""
    reading: Text | None = None
    """What the rule makes of the text, in words; shown in the finding."""
    remedy: Text
    """What the school does next when the criterion is not proven."""
    examples: tuple[Example, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _measured_or_declared(self) -> Criterion:
        if (self.measure is None) == (self.declared is None):
            raise ValueError("a criterion is either measured (measure) or declared (declared)")
        return self


class Indicator(Word):
    """A clause: number, heading in our own words, points, and its parts."""

    id: str
    section: Identifier | None = None
    title: Text
    points: Decimal
    """0 only where the section has one pool of points for its clauses."""
    outside: bool = False
    """About teaching, staff or software: only counted."""
    informative: bool = False
    """No clause with points: a condition of entry, or a figure that the document's form or another document asks for.
    It is judged and shown, and worth 0."""
    veto: Identifier | None = None
    """The veto of the standard that the clause is a condition of."""
    award: Literal["scale", "all-parts", "sum-of-parts", "best-of"] = "all-parts"
    """`scale`: the rule of the one criterion gives the points; `all-parts`: all or nothing; `sum-of-parts`: each part
    has points of its own; `best-of`: the part with the most points counts."""
    criteria: tuple[Criterion, ...] = ()

    @property
    def reach(self) -> Reach:
        """Return how much of it a machine can prove."""
        if self.outside:
            return "outside"
        declared = [criterion.declared is not None for criterion in self.criteria]
        return "declared" if all(declared) else "partly" if any(declared) else "full"

    @model_validator(mode="after")
    def _points_agree(self) -> Indicator:
        if self.outside != (not self.criteria):
            raise ValueError("a clause has criteria, or it is outside")
        if self.outside:
            return self
        if (Fraction(self.points) <= 0) != self.informative:
            raise ValueError("a clause that is judged has points above 0, or is informative and has 0")
        scaled = [isinstance(part.judge, Bands | Deduct) for part in self.criteria]
        if self.award == "scale" and scaled != [True]:
            raise ValueError("award: scale needs exactly one criterion, judged by bands or deduct")
        if self.award == "all-parts" and any(scaled):
            raise ValueError("award: all-parts cannot hold a criterion judged by bands or deduct")
        self._parts_agree()
        return self

    def _parts_agree(self) -> None:
        parts: dict[str, Fraction] = {}
        for number, part in enumerate(self.criteria):
            if (part.points is not None) and self.award in {"scale", "all-parts"}:
                raise ValueError(f"award: {self.award} gives its parts no points of their own")
            worth = Fraction(self.worth(part))
            if isinstance(part.judge, Bands | Deduct) and Fraction(part.judge.points) != worth:
                raise ValueError("the best that bands or deduct give must be the points of the clause or part")
            name = part.either or f"/{number}"
            parts[name] = max(worth, parts.get(name, Fraction(0)))
        total = sum(parts.values()) if self.award == "sum-of-parts" else max(parts.values())
        if total != Fraction(self.points):
            raise ValueError("the points of the parts must come to the points of the clause")

    def worth(self, part: Criterion) -> Decimal:
        """Return the points of a criterion; where it has none of its own, those of the clause."""
        return self.points if part.points is None else part.points


class Section(Word):
    """A heading of the document with the sum that is printed there; clauses name the innermost one."""

    id: Identifier
    parent: Identifier | None = None
    title: Text
    points: Decimal
    combine: Literal["sum", "choose", "pool"] = "sum"
    """`sum`: clauses and sections below add up; `choose`: one of the sections below counts, each with these points;
    `pool`: the clauses share these points and have none of their own."""


class Level(Word):
    """A grade or number of stars that may be applied for."""

    id: Identifier
    title: Text
    at_least: Decimal | None = None
    """Points that it takes, where the document prints them."""


class Veto(Word):
    """Clauses (★) of which one that is not met forbids some levels, whatever the points."""

    id: Identifier
    title: Text
    levels: tuple[Identifier, ...] = ()
    """Levels that it forbids; empty: all."""


class Standard(Word):
    """A file of `config/standards`: one standard, versioned; never edited after release."""

    id: Identifier
    version: str
    title: Text
    document: Text
    """Which document, of whom, of which year."""
    total: Decimal
    """Points of the whole document, including clauses that are not worked out here."""
    pass_mark: Decimal | None = None
    levels: tuple[Level, ...] = ()
    vetoes: tuple[Veto, ...] = ()
    methods: dict[str, dict[str, str]] = Field(default_factory=dict)
    """Settings of derivations, by the name of the derivation."""
    interpretations: tuple[Interpretation, ...] = ()
    """What the text leaves open, and the reading that this pack takes."""
    sections: tuple[Section, ...] = ()
    indicators: tuple[Indicator, ...] = Field(min_length=1)
