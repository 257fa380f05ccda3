"""Tables that schools keep in spreadsheets: CSV or XLSX into rows of text, with the name of every cell.

CSV may be UTF-8 (with or without a byte order mark), UTF-16 with one, or GBK (read as GB18030, its superset), and
separated by commas, semicolons or tabs: what spreadsheet programs of the region write.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from typing import Final

from agent.errors import ConfigError
from agent.packs.xlsx import MOST_COLUMNS, MOST_ROWS, read_xlsx

__all__ = ["MOST_TABLE_BYTES", "cell_name", "read_table"]

MOST_TABLE_BYTES: Final = 8 << 20
_OLD_OFFICE: Final = bytes.fromhex("d0cf11e0a1b11ae1")
"""First octets of a compound file: .xls, and any workbook with a password."""
_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_SPACE: Final = re.compile(r"\s+")
_SEPARATORS: Final = ",;\t，；"


def read_table(data: bytes, name: str) -> list[list[str]]:
    """Return the cells of a table: one list per row, without spaces around texts, full-width forms made plain.

    Args:
        data: a CSV or XLSX file.
        name: of the file, for errors.

    Raises:
        ConfigError: it cannot be read, with the cell or line where that is known.
    """
    if len(data) > MOST_TABLE_BYTES:
        raise ConfigError(
            "the file has {size} bytes, more than {limit}", where=name, size=len(data), limit=MOST_TABLE_BYTES
        )
    if data.startswith(_OLD_OFFICE):
        raise ConfigError(
            "this is an old workbook (.xls) or one with a password", where=name, todo="Save it as .xlsx or CSV without"
        )
    rows = read_xlsx(data, name) if data.startswith(b"PK\x03\x04") else _csv(_decoded(data, name), name)
    return [[_plain(text, f"{name} {cell_name(r, c)}") for c, text in enumerate(row)] for r, row in enumerate(rows)]


def cell_name(row: int, column: int) -> str:
    """Return what a spreadsheet calls a cell: `B7` for row 6, column 1, both from 0."""
    letters, number = "", column + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row + 1}"


def _decoded(data: bytes, name: str) -> str:
    for mark, coding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            codings = [coding]
            break
    else:
        codings = ["utf-8", "gb18030"]
    for coding in codings:
        try:
            return data.decode(coding)
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
    raise ConfigError(
        "the file is neither UTF-8 nor GBK",
        where=f"{name}:{line}",
        todo="Save the file as CSV with UTF-8 encoding, or as .xlsx",
    )


def _csv(text: str, name: str) -> list[list[str]]:
    first = text.lstrip().partition("\n")[0]
    separator = max(_SEPARATORS, key=first.count)
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True):
            rows.append(row)
            if len(rows) > MOST_ROWS or len(row) > MOST_COLUMNS:
                where = f"{name} {cell_name(len(rows) - 1, len(row) - 1)}"
                raise ConfigError("the table is too large", where=where, todo="Keep one line per room")
    except csv.Error as error:
        raise ConfigError(
            "not a table of values: {why}",
            where=f"{name} {cell_name(len(rows), 0)}",
            todo="Check the quotation marks of this row",
            why=str(error),
        ) from error
    return rows


def _plain(text: str, where: str) -> str:
    """Return the text of a cell on one line; full-width digits, letters and marks become plain ones (NFKC).

    Raises:
        ConfigError: it holds a control character.
    """
    if _UNPRINTABLE.search(text):
        raise ConfigError("the cell holds a control character", where=where, todo="Type its text again")
    return _SPACE.sub(" ", unicodedata.normalize("NFKC", text)).strip()
