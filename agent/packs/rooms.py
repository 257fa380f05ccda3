"""The list of rooms as a table: `rooms_file: rooms.csv` in the campus file, read into the campus file's own words.

One row per room, one column per field or kind of equipment, headings in Chinese or English (`agent.packs.room_words`).
Evidence carries the campus file alone: what the table says is written into it, behind the person's own lines, with the
digest of the table. So a reviewer reads one file, by the same rules, and needs no spreadsheet.

A cell of equipment names what stands there, several parted by `;`: `screen-101` an asset, `sw1:GE1/0/7` the port of a
switch, `sw1:GE1/0/7*50` with fifty behind it, `50` so many without a place, 是 or yes one without a place.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from agent import canonical
from agent.errors import ConfigError
from agent.language import N_
from agent.model.base import Word
from agent.model.room import EQUIPMENT, Room
from agent.packs.room_words import COLUMNS, FIELDS, GRADES, KINDS, NO, STAGES, YES, folded, named
from agent.packs.tables import cell_name, read_table
from agent.packs.validate import near, validate
from agent.packs.yaml_source import PackError, Path, Source, parse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.canonical import Json

__all__ = ["needs_rooms", "read_rooms", "with_rooms"]

_NUMBER: Final = re.compile(r"-?[0-9]{1,9}")
_THING: Final = re.compile(r"(?P<asset>[^:*×]+)(:(?P<port>[^*×]+))?([*×](?P<count>[0-9]{1,6}))?")
_PARTS: Final = re.compile(r"[;、]")
_PRINTABLE_NAME: Final = re.compile(r"[^/\\\x00-\x1f]{1,255}")
_TEXTS: Final = frozenset({"id", "name", "building"})
_WORDS: Final[dict[str, Mapping[str, str]]] = {"kind": KINDS, "stage": STAGES}


class _RoomList(Word):
    """What a table holds."""

    rooms: tuple[Room, ...]


@dataclass(frozen=True)
class _Placed(Source):
    """A source whose rooms stand in a table: their places are its cells."""

    table: str = ""
    cells: dict[Path, str] = field(default_factory=dict)

    def where(self, path: Path, *, key: bool = False) -> str:
        """Return `rooms.xlsx B7` of what is in a room, of a room as a whole its row's first cell; else the line."""
        for length in range(len(path), 1, -1):
            if path[:length] in self.cells:
                return f"{self.table} {self.cells[path[:length]]}"
        return super().where(path, key=key)


def needs_rooms(source: Source) -> bool:
    """Tell whether a campus file names a table that is not read in yet.

    Raises:
        PackError: it has rooms of its own as well, or names a file that is not beside it.
    """
    name = source.data.get("rooms_file")
    if not isinstance(name, str) or not name or "rooms_digest" in source.data:
        return False
    faults = []
    if "rooms" in source.data:
        fault = ConfigError(
            "rooms and rooms_file exclude each other",
            where=source.where(("rooms",), key=True),
            todo="Keep the table, or the list in this file",
        )
        faults.append(fault)
    if name in {".", ".."} or not _PRINTABLE_NAME.fullmatch(name):
        what, todo = N_("{name!r} is not a file beside this one"), N_("Write its name only, as rooms.csv")
        faults.append(ConfigError(what, where=source.where(("rooms_file",)), todo=todo, name=name[:60]))
    if faults:
        raise PackError(faults)
    return True


def with_rooms(campus: bytes, source: Source, table: bytes) -> tuple[bytes, Source]:
    """Return the campus file with the rooms of its table behind its own lines, and the places of all its values.

    Args:
        campus: the bytes of the campus file.
        source: the same, parsed; it names the table in `rooms_file`.
        table: the bytes of that file.

    Raises:
        PackError: with every fault of the table, by file and cell; or the campus file leaves no room for the rooms.
    """
    name = str(source.data["rooms_file"])
    rooms, cells = read_rooms(table, name)
    lines = [
        f"# {name} as it was read in, row by row; the digest is that of the file.",
        f"rooms_digest: {canonical.digest(table)}",
        "rooms:" if rooms else "rooms: []",
        *(f"  - {json.dumps(room.to_json(), ensure_ascii=False)}" for room in rooms),
    ]
    data = campus + (b"" if campus.endswith(b"\n") else b"\n") + "\n".join(lines).encode() + b"\n"
    try:
        whole = parse(data, source.name)
    except PackError as error:
        what = N_("the rooms cannot be written behind the last line of this file: {why}")
        todo = N_("Write the campus file as the example is, one key per line, without a mark for its end")
        fault = ConfigError(what, where=source.where(("rooms_file",)), todo=todo, why=error.faults[0])
        raise PackError([fault]) from error
    placed = _Placed(source.name, whole.data, whole.values, whole.keys, whole.written, table=name, cells=cells)
    return data, placed


def read_rooms(data: bytes, name: str) -> tuple[tuple[Room, ...], dict[Path, str]]:
    """Return the rooms of a table, and which cell each of their values came from.

    Args:
        data: a CSV or XLSX file.
        name: of the file, for errors.

    Raises:
        PackError: with every fault, by file and cell.
    """
    try:
        rows = read_table(data, name)
    except ConfigError as error:
        raise PackError([error]) from error
    start = next((number for number, row in enumerate(rows) if any(row)), None)
    if start is None:
        todo = N_("Write one row of headings, then one row per room")
        raise PackError([ConfigError("the table is empty", where=name, todo=todo)])
    reader = _Reader(name)
    columns = reader.headings(rows[start], start)
    if reader.faults:
        raise PackError(reader.faults)
    for number, row in enumerate(rows[start + 1 :], start + 1):
        if any(row):
            reader.room(number, row, columns)
    found: tuple[Room, ...] = ()
    try:
        source = _Placed(name, {"rooms": reader.rooms}, table=name, cells=reader.cells)
        found = validate(source, _RoomList).rooms
    except PackError as error:
        reader.faults += error.faults
    if reader.faults:
        raise PackError(reader.faults)
    return found, reader.cells


class _Reader:
    """Turns rows into rooms, notes which cell everything came from, and collects all faults."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.rooms: list[dict[str, Json]] = []
        self.cells: dict[Path, str] = {}
        self.faults: list[ConfigError] = []

    def headings(self, row: Sequence[str], number: int) -> dict[int, str]:
        """Return column -> field or kind of equipment; columns without a heading do not count."""
        found: dict[int, str] = {}
        for column, text in enumerate(row):
            known = COLUMNS.get(folded(text))
            if known is None and text:
                meant = near(folded(text), COLUMNS)
                todo = N_("Did you mean {meant!r}? Known: {known}") if meant else N_("Known: {known}")
                listed = ", ".join(named(name, COLUMNS) for name in (*FIELDS, *EQUIPMENT))
                self._fault(
                    (number, column), "there is no column {text!r}", todo, text=text[:40], meant=meant, known=listed
                )
            elif known in found.values():
                self._fault((number, column), "two columns mean {known!r}", "Keep one of them", known=known)
            elif known is not None:
                found[column] = known
        for wanted in ("id", "kind"):
            if wanted not in found.values() and not self.faults:
                self._fault((number, 0), "there is no column for {wanted!r}", "Add it", wanted=wanted)
        return found

    def room(self, number: int, row: Sequence[str], columns: Mapping[int, str]) -> None:
        """Read one row."""
        place: Path = ("rooms", len(self.rooms))
        room: dict[str, Json] = {}
        things: list[dict[str, Json]] = []
        self.cells[place] = cell_name(number, 0)
        for column, text in enumerate(row):
            key = columns.get(column)
            if not text or key is None:
                if text and key is None:
                    self._fault((number, column), "the cell stands below no heading", "Write one, or empty it")
                continue
            cell = (number, column)
            if key in EQUIPMENT:
                for thing in self._things(text, key, cell):
                    self.cells[(*place, "equipment", len(things))] = cell_name(*cell)
                    things.append(thing)
            else:
                self.cells[(*place, key)] = cell_name(*cell)
                room[key] = self._field(key, text, cell)
        self.rooms.append(room | ({"equipment": things} if things else {}))

    def _field(self, key: str, text: str, cell: tuple[int, int]) -> Json:
        """Return the value of a field as the campus file writes it."""
        if key in _TEXTS:
            return text
        if key in _WORDS:
            return self._word(key, text, cell)
        if key == "smart":
            return self._yes(text, cell)
        if key == "grade" and folded(text) in GRADES:
            return GRADES[folded(text)]
        if not _NUMBER.fullmatch(text):
            self._fault(cell, "{text!r} is not a whole number", "Write digits only", text=text[:40])
            return 1
        return int(text)

    def _word(self, key: str, text: str, cell: tuple[int, int]) -> str:
        """Return the code of a kind of room or stage; one that nobody knows is shown with the Chinese words."""
        known = _WORDS[key]
        if folded(text) not in known:
            # Two of four letters of 课室 are those of 教室: that is as near as a short word can be.
            meant = near(folded(text), known, cutoff=0.5)
            todo = N_("Did you mean {meant!r}? Known: {known}") if meant else N_("Known: {known}")
            listed = ", ".join(named(code, known) for code in dict.fromkeys(known.values()))
            values = {"text": text[:40], "meant": meant, "known": listed}
            kind = N_("{text!r} is no kind of room") if key == "kind" else N_("{text!r} is no stage of a school")
            self._fault(cell, kind, todo, **values)
            return next(iter(known.values()))
        return known[folded(text)]

    def _yes(self, text: str, cell: tuple[int, int]) -> bool:
        if text.lower() not in YES | NO:
            self._fault(cell, "{text!r} is neither yes nor no", "Write 是 or 否", text=text[:40])
        return text.lower() in YES

    def _things(self, text: str, kind: str, cell: tuple[int, int]) -> list[dict[str, Json]]:
        """Return the things that a cell of equipment names."""
        if text.lower() in NO:
            return []
        if text.lower() in YES:
            return [{"kind": kind}]
        found: list[dict[str, Json]] = []
        for part in filter(None, map(str.strip, _PARTS.split(text))):
            match = _THING.fullmatch(part)
            if part.isascii() and part.isdigit():
                found.append({"kind": kind, "count": int(part[:9])})
            elif match is None:
                todo = N_("Write an asset, or a switch and its port as sw1:GE1/0/7, with *50 for fifty")
                self._fault(cell, "{text!r} names nothing", todo, text=part[:60])
            else:
                asset, port, count = (match[name] and match[name].strip() for name in ("asset", "port", "count"))
                at = {"switch": asset, "port": port} if port else {"asset": asset}
                found.append({"kind": kind, **at, **({"count": int(count)} if count else {})})
        return found

    def _fault(self, cell: tuple[int, int], what: str, todo: str = "", **values: object) -> None:
        self.faults.append(ConfigError(what, where=f"{self._name} {cell_name(*cell)}", todo=todo, **values))
