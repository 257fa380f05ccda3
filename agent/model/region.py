"""A region: the schools that an authority answers for, what it declares itself, and what its roll-up came to."""

from __future__ import annotations

from typing import Final, Self

from pydantic import Field, model_validator

from agent.model.base import Decimal, Digest, Identifier, Timestamp, Word
from agent.model.campus import Declaration
from agent.model.finding import Assessment, Outcome, Reason
from agent.model.rule import Stage

__all__ = ["Region", "RegionResult", "RegionSchool", "SchoolRow", "SchoolStatement", "SchoolsOf", "SummarySheet"]

_NOT_GENERAL: Final = frozenset({"kindergarten", "vocational"})


class RegionSchool(Word):
    """A school of the authority's list."""

    id: Identifier
    """As the school's own campus file has it."""
    name: str = Field(min_length=1, max_length=200)
    stages: tuple[Stage, ...] = Field(min_length=1)
    classes_from_grade_three: int | None = Field(default=None, ge=0, le=1_000)
    """Classes of grade three and up, as the authority counts them; those of a missing school stay in the sum. Only
    kindergartens and vocational schools may leave it out."""

    @property
    def general(self) -> bool:
        """Tell whether it is more than kindergarten or vocational school."""
        return not set(self.stages) <= _NOT_GENERAL

    @model_validator(mode="after")
    def _classes_are_stated(self) -> Self:
        if self.general and self.classes_from_grade_three is None:
            raise ValueError("state classes_from_grade_three, 0 where there is none: a missing school must not vanish")
        return self


class Region(Word):
    """The region file: which schools there are, and what the authority states of the region."""

    version: str
    id: Identifier
    name: str = Field(min_length=1, max_length=200)
    schools: tuple[RegionSchool, ...] = Field(min_length=1, max_length=5_000)
    declarations: dict[str, Declaration] = Field(default_factory=dict)
    """What documents show that no machine can prove, by `<standard>/<criterion>`; value 1 for yes, 0 for no."""

    @model_validator(mode="after")
    def _each_school_once(self) -> Self:
        names = [school.id for school in self.schools]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"the school {twice[0]} is listed twice")
        return self


class SchoolStatement(Word):
    """The accepted statement that speaks for a school."""

    school: Identifier
    standard: Identifier
    statement: Digest
    """Of the statement's payload: what the log holds."""
    received: Timestamp
    until: Timestamp
    """End of the window that it judged."""


class SchoolsOf(Word):
    """Which schools a criterion of the region counted, and how."""

    clause: str
    criterion: Identifier
    holds: tuple[Identifier, ...] = ()
    fails: tuple[Identifier, ...] = ()
    open: dict[str, Reason] = Field(default_factory=dict)
    """Schools with an accepted statement that does not settle it, and why."""
    missing: tuple[Identifier, ...] = ()
    """Schools without an accepted statement: never counted as met."""
    left_out: tuple[Identifier, ...] = ()
    """Schools that the clause is not about."""
    classes: dict[str, dict[str, int]] = Field(default_factory=dict)
    """Where classes are counted: of each school how many hold, fail and are open."""


class RegionResult(Word):
    """A region judged by one standard: the assessment, the schools behind each share, and their statements."""

    region: Identifier
    region_file: Digest
    assessment: Assessment
    schools: tuple[SchoolsOf, ...]
    statements: tuple[SchoolStatement, ...]
    passed_over: dict[str, str] = Field(default_factory=dict)
    """By school: an accepted statement that does not count, and why."""


class SchoolRow(Word):
    """One school of a summary sheet: what its accepted assessment proves, and nothing that people have to fill in."""

    number: int = Field(ge=1)
    school: Identifier
    name: str
    missing: bool = False
    """There is no accepted statement."""
    proven: Decimal | None = None
    open: Decimal | None = None
    declared: Decimal | None = None
    """Of the open points, those that a person may accept on a document."""
    judged: Decimal | None = None
    """Points of the clauses that were judged; the others are for people."""
    total: Decimal | None = None
    vetoes: dict[str, Outcome] = Field(default_factory=dict)
    statement: Digest | None = None


class SummarySheet(Word):
    """All schools of a region under one standard, in the order of the authority's list."""

    region: Identifier
    name: str
    standard: Identifier
    rows: tuple[SchoolRow, ...]
    passed_over: dict[str, str] = Field(default_factory=dict)
    """By school: an accepted statement that does not count, and why."""
