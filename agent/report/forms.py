"""Application forms filled from what was judged: each line says whether it is proven, declared, missing, or a person's.

Pure: a `Form` (labels and fields, from `config/forms`) and the material give a `FilledForm`; `report.docx` draws it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.language import N_, translator
from agent.model.form import Answer, Count, Explanation, Person, Points
from agent.report.form_answers import answered
from agent.report.form_lines import Line, Mark, Material
from agent.report.form_sections import explained, scored
from agent.report.text import local_span, short, visible, zone_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.model.form import Cell, Fill, Form

__all__ = ["FilledBlock", "FilledCell", "FilledForm", "filled"]


@dataclass(frozen=True, slots=True)
class FilledCell:
    """What stands in a cell, line by line."""

    lines: tuple[Line, ...]
    span: int


@dataclass(frozen=True, slots=True)
class FilledBlock:
    """A heading and its table."""

    heading: str
    widths: tuple[int, ...]
    rows: tuple[tuple[FilledCell, ...], ...]


@dataclass(frozen=True, slots=True)
class FilledForm:
    """A draft of a form."""

    id: str
    title: str
    source: str
    language: str
    at: str
    """End of the judged window, RFC 3339: the draft's date."""
    legend: tuple[Line, ...]
    blocks: tuple[FilledBlock, ...]
    footer: tuple[str, ...]

    def lines(self) -> Iterator[Line]:
        """Yield every line of every cell."""
        for block in self.blocks:
            for row in block.rows:
                for cell in row:
                    yield from cell.lines

    def count(self, mark: Mark) -> int:
        """Return how many lines have the mark."""
        return sum(line.mark is mark for line in self.lines())


def filled(form: Form, material: Material) -> FilledForm:
    """Fill a form.

    Args:
        form: its labels and fields.
        material: what was judged, and the campus or region file.
    """
    _ = translator(material.language)
    blocks = tuple(
        FilledBlock(
            heading=block.heading.of(material.language) if block.heading else "",
            widths=block.widths,
            rows=tuple(tuple(_cell(cell, form, material) for cell in row.cells) for row in block.rows),
        )
        for block in form.blocks
    )
    assessment = material.assessment(form.standard)
    return FilledForm(
        id=form.id,
        title=form.title.of(material.language),
        source=form.source.of(material.language),
        language=material.language,
        at=assessment.window.until if assessment else "1980-01-01T00:00:00Z",
        legend=tuple(Line(_(text), mark) for mark, text in _LEGEND),
        blocks=blocks,
        footer=tuple(_footer(form, material)),
    )


_LEGEND = (
    (Mark.PROVEN, N_("green: proven by the signed evidence; its grade stands behind it")),
    (Mark.DECLARED, N_("yellow, 〔declared〕: the school's word, which a person has to accept on the document")),
    (Mark.MISSING, N_("red, 【missing】: not proven yet, with what is to be done")),
    (Mark.PERSON, N_("grey, 【fill in】: only people know it")),
)


def _cell(cell: Cell, form: Form, material: Material) -> FilledCell:
    if cell.label is not None:
        return FilledCell((Line(cell.label.of(material.language), Mark.LABEL),), cell.span)
    assert cell.fill is not None  # a cell is a label or a field
    return FilledCell(tuple(_filled(cell.fill, form, material)), cell.span)


def _filled(fill: Fill, form: Form, material: Material) -> list[Line]:
    match fill:
        case Answer():
            return answered(fill, fill.standard or form.standard, material)
        case Count():
            return material.counted(fill, form.standard)
        case Points():
            return scored(fill.section, form.standard, material)
        case Explanation():
            return explained(fill.section, form.standard, material)
        case Person():
            return [_left(fill, material)]


def _left(fill: Person, material: Material) -> Line:
    """Return an empty field: boxes to tick, or the words that somebody fills it in."""
    _ = translator(material.language)
    boxes = "  ".join(f"☐ {choice.of(material.language)}" for choice in fill.choices)
    unit = f" {fill.unit.of(material.language)}" if fill.unit else ""
    hint = _("【by the authority】") if fill.official else _("【fill in】")
    return Line(f"{boxes} {hint}{unit}".strip(), Mark.PERSON)


def _footer(form: Form, material: Material) -> Iterator[str]:
    """Yield what the draft rests on, so that whoever reads it finds the evidence."""
    _ = translator(material.language)
    yield _("Draft made by campus-agent from measurements; not a filed application.")
    given = material.given
    if given.verified is False:
        yield _("The evidence does NOT hold: run campus-agent verify before you use this draft.")
    assessment = material.assessment(form.standard)
    if assessment is not None:
        zone = zone_of(given.campus.timezone if given.campus else "Asia/Shanghai")
        yield _("Standard {standard} {version}, pack sha256:{pack}…, window {window}").format(
            standard=assessment.standard,
            version=assessment.version,
            pack=short(assessment.pack),
            window=local_span(assessment.window.since, assessment.window.until, zone),
        )
    yield _("Evidence: {name}, {digest}").format(name=visible(given.bundle_name, 200), digest=given.bundle)
