"""`Form`: an application form of a standard as tables of labels and fields, and what each field is filled from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from agent.model.base import Identifier, Text, Word
from agent.model.rule import Stage

__all__ = ["Answer", "Block", "Cell", "Count", "Explanation", "Fill", "Form", "Person", "Points", "Row"]


class Count(Word):
    """Filled with a figure that the campus file or the region file declares."""

    kind: Literal["count"] = "count"
    of: Literal["name", "students", "teachers", "classes", "classes-from-grade-three", "level", "schools"]
    stage: Stage | None = None
    """Of `schools`: those whose highest stage it is; of people and classes: those of the stage. None: all."""
    unit: Text | None = None


class Answer(Word):
    """Filled with what a clause, or one criterion of it, came to."""

    kind: Literal["answer"] = "answer"
    standard: Identifier | None = None
    """Of another standard than the form's, which was judged over the same evidence."""
    clause: str
    criterion: Identifier | None = None
    """None: the clause as a whole."""
    show: Literal["value", "yes-no", "holds"] = "value"
    """`value`: the figure that was judged; `holds`: how many subjects hold; `yes-no`: whether it is met."""
    unit: Text | None = None

    @model_validator(mode="after")
    def _figures_are_of_criteria(self) -> Answer:
        if self.criterion is None and self.show != "yes-no":
            raise ValueError("a clause as a whole answers yes or no; name the criterion whose value is shown")
        return self


class Points(Word):
    """Filled with the points of a section, or of the whole standard: proven, open, and left to people."""

    kind: Literal["points"] = "points"
    section: Identifier | None = None


class Explanation(Word):
    """Filled with the clauses of a section: what they came to, and why."""

    kind: Literal["explanation"] = "explanation"
    section: Identifier


class Person(Word):
    """Nothing that a machine knows: stays empty, and says that a person fills it in."""

    kind: Literal["person"] = "person"
    choices: tuple[Text, ...] = ()
    """Boxes to tick."""
    unit: Text | None = None
    official: bool = False
    """Filled in by an authority, not by the applicant."""


Fill = Annotated[Count | Answer | Points | Explanation | Person, Field(discriminator="kind")]


class Cell(Word):
    """A label of the form, or a field."""

    label: Text | None = None
    fill: Fill | None = None
    span: int = Field(default=1, ge=1, le=12)
    """Columns that it takes."""

    @model_validator(mode="after")
    def _label_or_fill(self) -> Cell:
        if (self.label is None) == (self.fill is None):
            raise ValueError("a cell is either a label or a field (fill)")
        return self


class Row(Word):
    """Cells from left to right."""

    cells: tuple[Cell, ...] = Field(min_length=1)


class Block(Word):
    """A heading of the form and the table under it."""

    heading: Text | None = None
    widths: tuple[int, ...] = Field(min_length=1, max_length=12)
    """Of the columns, in any unit: only their proportions count."""
    rows: tuple[Row, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _rows_fit(self) -> Block:
        if any(sum(cell.span for cell in row.cells) != len(self.widths) for row in self.rows):
            raise ValueError("the spans of each row must come to the number of columns")
        return self


class Form(Word):
    """A file of `config/forms`: the parts of a form that hardware answers, and around them the fields of people."""

    id: Identifier
    standard: Identifier
    title: Text
    about: Literal["school", "region"] = "school"
    source: Text
    """Which annex of which document."""
    blocks: tuple[Block, ...] = Field(min_length=1)
