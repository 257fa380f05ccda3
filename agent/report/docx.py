"""A filled form as a Word document: tables as in the form, Chinese fonts by name, the same bytes for the same form.

Fonts are named, not embedded: SimSun (宋体) and SimHei (黑体), which Windows and WPS have; elsewhere the program's own
Chinese font stands in. Source of the marks: ECMA-376 part 1, 17.3.2.26 (rFonts) and 17.3.5 (shd).
"""

from __future__ import annotations

import io
import zipfile
from datetime import UTC
from typing import TYPE_CHECKING, Final

from docx import Document
from docx.enum.section import WD_ORIENT
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor

from agent.clock import parse_time
from agent.report.form_lines import Mark

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from docx.document import Document as Draft
    from docx.table import _Cell
    from docx.text.paragraph import Paragraph
    from docx.text.run import Run

    from agent.report.form_lines import Line
    from agent.report.forms import FilledBlock, FilledCell, FilledForm

__all__ = ["draft"]

BODY: Final = "SimSun"
HEADING: Final = "SimHei"
LATIN: Final = "Times New Roman"
WIDTH: Final = 17.0
"""Of a table in cm: A4 without margins of 2 cm."""
_SHADES: Final[Mapping[Mark, str]] = {
    Mark.PROVEN: "E2F0D9",
    Mark.DECLARED: "FFF2CC",
    Mark.MISSING: "FBE0DD",
    Mark.PERSON: "EDEDED",
}
"""Backgrounds; the words say the same, for whoever prints in grey."""
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""Earliest time of a zip entry: of all of them, so that the bytes do not depend on when the draft is made."""


def draft(form: FilledForm) -> bytes:
    """Return the .docx file."""
    document = Document()
    _set_up(document, form)
    _paragraph(document.add_paragraph(), form.title, size=16, font=HEADING, align=WD_ALIGN_PARAGRAPH.CENTER)
    _paragraph(document.add_paragraph(), form.source, size=9, align=WD_ALIGN_PARAGRAPH.CENTER)
    for line in form.legend:
        _line(document.add_paragraph(), line, size=8.5)
    for block in form.blocks:
        if block.heading:
            _paragraph(document.add_paragraph(), block.heading, size=12, font=HEADING, before=8)
        _table(document, block)
    for text in form.footer:
        _paragraph(document.add_paragraph(), text, size=8)
    written = io.BytesIO()
    document.save(written)
    return _without_times(written.getvalue())


def _set_up(document: Draft, form: FilledForm) -> None:
    """A4, fonts of the base style, and properties that depend on the form only."""
    section = document.sections[0]
    section.orientation = WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2)
    section.top_margin = section.bottom_margin = Cm(1.8)
    style = document.styles["Normal"]
    style.font.name, style.font.size = LATIN, Pt(10.5)
    _fonts(style.element.get_or_add_rPr(), BODY)
    style.paragraph_format.space_after = style.paragraph_format.space_before = Pt(0)
    moment = parse_time(form.at).astimezone(UTC).replace(tzinfo=None)
    properties = document.core_properties
    properties.author = properties.last_modified_by = "campus-agent"
    properties.title, properties.subject, properties.comments = form.title, form.source, ""
    properties.created = properties.modified = moment
    properties.language = "en" if form.language.startswith("en") else "zh-CN"
    properties.revision = 1


def _table(document: Draft, block: FilledBlock) -> None:
    table = document.add_table(rows=0, cols=len(block.widths))
    table.style = document.styles["Table Grid"]
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    table.autofit = False
    whole = sum(block.widths)
    widths = [Cm(WIDTH * width / whole) for width in block.widths]
    for column, width in zip(table.columns, widths, strict=True):
        column.width = width
    for row in block.rows:
        drawn = table.add_row()
        for cell, width in zip(drawn.cells, widths, strict=True):
            cell.width = width
        at = 0
        for filled in row:
            last = at + filled.span - 1
            _cell(drawn.cells[at].merge(drawn.cells[last]) if filled.span > 1 else drawn.cells[at], filled)
            at = last + 1


def _cell(cell: _Cell, filled: FilledCell) -> None:
    first, *more = filled.lines
    # A merged cell keeps the empty paragraphs of its parts: the first is written, the others go.
    for spare in cell.paragraphs[1:]:
        spare._p.getparent().remove(spare._p)  # noqa: SLF001 - python-docx has no public way to remove a paragraph
    _line(cell.paragraphs[0], first)
    for line in more:
        _line(cell.add_paragraph(), line)


def _line(paragraph: Paragraph, line: Line, size: float = 10.5) -> None:
    run = _paragraph(paragraph, line.text, size=size)
    shade = _SHADES.get(line.mark)
    if shade is not None:
        _shaded(run, shade)
    if line.mark is Mark.PERSON:
        run.font.color.rgb = RGBColor(0x59, 0x59, 0x59)


def _paragraph(
    paragraph: Paragraph,
    text: str,
    *,
    size: float,
    font: str = BODY,
    align: WD_ALIGN_PARAGRAPH | None = None,
    before: float = 0,
) -> Run:
    run = paragraph.add_run(text)
    run.font.size = Pt(size)
    run.font.name = LATIN
    run.font.bold = font == HEADING
    _fonts(run._r.get_or_add_rPr(), font)  # noqa: SLF001 - python-docx sets no East Asian font
    paragraph.paragraph_format.space_before = Pt(before)
    if align is not None:
        paragraph.alignment = align
    return run


def _fonts(properties: object, font: str) -> None:
    """Name the font of Chinese characters beside that of Latin ones."""
    fonts = properties.get_or_add_rFonts()  # type: ignore[attr-defined] # an element class that lxml makes
    fonts.set(qn("w:eastAsia"), font)
    fonts.set(qn("w:hint"), "eastAsia")


def _shaded(run: Run, colour: str) -> None:
    shade = OxmlElement("w:shd")
    for name, value in (("w:val", "clear"), ("w:color", "auto"), ("w:fill", colour)):
        shade.set(qn(name), value)
    run._r.get_or_add_rPr().append(shade)  # noqa: SLF001 - python-docx has no shading


def _without_times(data: bytes) -> bytes:
    """Return the zip with the same entries in the same order, all of one date and one kind of system."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as new:
        names: Sequence[str] = old.namelist()
        for name in names:
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            new.writestr(entry, old.read(name))
    return written.getvalue()
