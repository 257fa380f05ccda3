"""The first visible sheet of an XLSX workbook as text, cell by cell (ECMA-376 part 1, SpreadsheetML).

Only what a list of rooms needs: shared, inline and calculated text, numbers, yes and no. Names are compared without
their namespace, so that strict and transitional files read alike. Nothing outside the file is looked at, document type
declarations are refused (no entities), and sizes are bounded before anything is unpacked.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from dataclasses import dataclass, field
from io import BytesIO
from typing import Final
from xml.parsers import expat

from agent.canonical import decimal_text
from agent.errors import ConfigError, MalformedError

__all__ = ["read_xlsx"]

MOST_BYTES: Final = 32 << 20
"""Of one part, unpacked."""
MOST_ROWS, MOST_COLUMNS, MOST_ELEMENTS = 10_000, 256, 500_000
DEEPEST: Final = 64
_CELL: Final = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
_ERRORS: Final = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError)
"""What zipfile raises for damaged, encrypted or odd archives."""


@dataclass(slots=True)
class _Element:
    """An element of a part that is kept whole: name without namespace, attributes, text, children."""

    name: str
    attributes: dict[str, str]
    text: str = ""
    children: list[_Element] = field(default_factory=list)

    def named(self, name: str) -> list[_Element]:
        """Return the children of that name."""
        return [child for child in self.children if child.name == name]

    def words(self) -> str:
        """Return the text of a string item: its runs, without phonetic hints (`rPh`)."""
        own = self.text if self.name == "t" else ""
        return own + "".join(child.words() for child in self.children if child.name != "rPh")


def read_xlsx(data: bytes, name: str) -> list[list[str]]:
    """Return the rows of the first visible sheet; each is as long as its last cell, rows without cells are empty.

    Args:
        data: the file.
        name: of the file, for errors.

    Raises:
        ConfigError: it is no such workbook, is damaged, locked with a password, or too large.
    """
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            book = _part(archive, "xl/workbook.xml", name)
            sheets = [sheet for group in book.named("sheets") for sheet in group.named("sheet")]
            shown = [sheet for sheet in sheets if sheet.attributes.get("state", "visible") == "visible"]
            if not shown:
                raise _fault(name, "the workbook shows no sheet")
            target = _target(archive, shown[0].attributes.get("id", ""), name)
            shared = _shared(archive, name)
            return _rows(_part(archive, target, name), shared, name)
    except _ERRORS as error:
        raise _fault(name, "not a readable workbook: {why}", why=str(error)[:100]) from error


def _fault(name: str, what: str, **values: object) -> ConfigError:
    return ConfigError(what, where=name, todo="Save the list as .xlsx or as CSV (UTF-8) again", **values)


def _target(archive: zipfile.ZipFile, relation: str, name: str) -> str:
    """Return the path of a sheet's part."""
    for each in _part(archive, "xl/_rels/workbook.xml.rels", name).named("Relationship"):
        if each.attributes.get("Id") == relation and each.attributes.get("TargetMode", "Internal") == "Internal":
            target = each.attributes.get("Target", "")
            return target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
    raise _fault(name, "the workbook's first sheet is missing")


def _shared(archive: zipfile.ZipFile, name: str) -> list[str]:
    if "xl/sharedStrings.xml" not in archive.namelist():
        return []
    return [item.words() for item in _part(archive, "xl/sharedStrings.xml", name).named("si")]


def _rows(sheet: _Element, shared: list[str], name: str) -> list[list[str]]:
    rows: list[list[str]] = []
    for row in (row for data in sheet.named("sheetData") for row in data.named("row")):
        number = row.attributes.get("r", str(len(rows) + 1))
        if not number.isascii() or not number.isdigit() or not len(rows) < int(number[:9]) <= MOST_ROWS:
            raise _fault(name, "row {number} is out of order, or one of too many", number=number[:20])
        rows += [[] for _ in range(int(number) - len(rows))]
        for cell in row.named("c"):
            column = _column(cell.attributes.get("r", ""), len(rows[-1]), name)
            rows[-1] += [""] * (column - len(rows[-1]))
            rows[-1].append(_value(cell, shared, f"{name} {cell.attributes.get('r', '')}"))
    return rows


def _column(reference: str, expected: int, name: str) -> int:
    """Return the column of a cell from 0; a cell without a reference follows the one before."""
    if not reference:
        return expected
    match = _CELL.fullmatch(reference)
    column = 0
    for letter in match[1] if match else "":
        column = column * 26 + ord(letter) - 64
    if match is None or not expected < column <= MOST_COLUMNS:
        raise _fault(f"{name} {reference[:20]}", "the cell is out of order, or one of too many columns")
    return column - 1


def _value(cell: _Element, shared: list[str], where: str) -> str:
    kind = cell.attributes.get("t", "n")
    if kind == "inlineStr":
        return "".join(item.words() for item in cell.named("is"))
    text = "".join(value.text for value in cell.named("v"))
    if kind == "e":
        raise ConfigError("the cell holds an error: {text}", where=where, todo="Correct its formula", text=text[:20])
    if kind == "s":
        if not text.isascii() or not text.isdigit() or int(text[:9]) >= len(shared):
            raise _fault(where, "the cell's text is missing in the file")
        return shared[int(text[:9])]
    if kind == "b":
        return {"1": "true", "0": "false"}.get(text, text)
    if kind != "n" or not text:
        return text
    try:
        return decimal_text(text)
    except MalformedError:
        return text


def _part(archive: zipfile.ZipFile, path: str, name: str) -> _Element:
    """Return a part of the workbook as elements.

    Raises:
        ConfigError: it is missing, too large, or no XML.
    """
    try:
        with archive.open(path) as file:
            data = file.read(MOST_BYTES + 1)
    except KeyError as error:
        raise _fault(name, "not a workbook: {path} is missing", path=path[:100]) from error
    if len(data) > MOST_BYTES:
        raise _fault(name, "{path} is larger than {most} bytes", path=path[:100], most=MOST_BYTES)
    return _parse(data, f"{name} {path}")


def _parse(data: bytes, where: str) -> _Element:
    top = _Element("", {})
    stack = [top]
    seen = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal seen
        seen += 1
        if seen > MOST_ELEMENTS:
            raise _fault(where, "more than {most} elements", most=MOST_ELEMENTS)
        if len(stack) > DEEPEST:
            raise _fault(where, "nested deeper than {limit} levels", limit=DEEPEST)
        element = _Element(_local(tag), {_local(key): value for key, value in attributes.items()})
        stack[-1].children.append(element)
        stack.append(element)

    def end(_: str) -> None:
        stack.pop()

    def text(data: str) -> None:
        stack[-1].text += data

    def doctype(*_: object) -> None:
        raise _fault(where, "a document type is not allowed here")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = text, doctype
    parser.buffer_text = True
    try:
        parser.Parse(data, True)  # noqa: FBT003 - expat's own signature: this is the last piece
    except expat.ExpatError as error:
        raise _fault(where, "not valid XML: {why}", why=str(error)[:100]) from error
    return top.children[0]


def _local(name: str) -> str:
    return name.rpartition(":")[2]
