"""Strict YAML that remembers where every value stands.

A small part of YAML 1.2 is accepted: mappings, sequences and scalars of one document. Refused, with the place: tabs,
anchors, aliases, tags, merge keys, empty values, duplicate keys, several documents, more than 1 MiB, deep nesting. Of
plain scalars only `true` and `false` are booleans and only plain integers are numbers; everything else is text as
written, so that 499.999 never becomes a float and `no` never becomes false.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import yaml
from yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, ScalarEvent, SequenceStartEvent
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.reader import ReaderError

from agent.errors import ConfigError, Phrase
from agent.language import N_
from agent.packs.punctuation import first_wide, half_width, wide_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from agent.canonical import Json
    from agent.packs.punctuation import Wide

__all__ = ["HALF_WIDTH", "MAX_BYTES", "MAX_DEPTH", "PackError", "Path", "Source", "parse", "spell"]

MAX_BYTES: Final = 1 << 20
MAX_DEPTH: Final = 32
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters other than the line feed, and halves of surrogate pairs; escapes in quotes can make them."""
_PLACE = re.compile(r"(.*?):(\d+)(?::(\d+))?", re.DOTALL)
_CELL = re.compile(r"(.*) ([A-Z]{1,3})(\d+)", re.DOTALL)
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,14})")

HALF_WIDTH: Final = N_("Use half-width punctuation here: {plain}")
_LOOK: Final = N_("Look at this line and the one above: indentation, a blank after each colon, quotes, brackets")
_SAID: Final = frozenset(
    {
        N_("mapping values are not allowed here"),
        N_("could not find expected ':' while scanning a simple key"),
        N_("expected <block end>, but found '<block mapping start>' while parsing a block mapping"),
        N_("expected <block end>, but found '<scalar>' while parsing a block mapping"),
    }
)
"""PyYAML's words, in English."""

Path = tuple[str | int, ...]
"""Keys and positions that lead from the top of the file to a value."""


class PackError(ConfigError):
    """Everything that is wrong with one file (or one set of files), reported together.

    Attributes:
        faults: one error per fault, in file order.
    """

    def __init__(self, faults: list[ConfigError]) -> None:
        self.faults = tuple(sorted(faults, key=_file_order))
        first = self.faults[0]
        super().__init__(first.what, where=first.where, todo=first.todo, **first.values)

    def render(self, translate: Callable[[str], str] = str) -> str:
        """Return one line per fault: where, what, what to do."""
        return "\n".join(fault.render(translate) for fault in self.faults)


def _file_order(fault: ConfigError) -> tuple[str, list[int]]:
    if cell := _CELL.fullmatch(fault.where):
        return cell[1], [int(cell[3]), len(cell[2]), *cell[2].encode()]
    found = _PLACE.fullmatch(fault.where)
    return (found[1], [int(number) for number in found.groups()[1:] if number]) if found else (fault.where, [])


def spell(path: Path) -> str:
    """Return the path as a person writes it: ``links[2].asset``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.lstrip(".")


@dataclass(frozen=True)
class Source:
    """A parsed file: plain JSON data, and for every path the place of its value, of its key, and its written form."""

    name: str
    data: Json
    values: dict[Path, tuple[int, int]] = field(default_factory=dict)
    keys: dict[Path, tuple[int, int]] = field(default_factory=dict)
    written: dict[Path, str] = field(default_factory=dict)
    """Text of plain scalars that became integers."""

    def where(self, path: Path, *, key: bool = False) -> str:
        """Return ``file:line:column`` of the value (or of its key); of the nearest parent where it does not exist."""
        for length in range(len(path), -1, -1):
            part = path[:length]
            place = (key and length == len(path) and self.keys.get(part)) or self.values.get(part)
            if place:
                return f"{self.name}:{place[0]}:{place[1]}"
        return self.name


def parse(data: bytes, name: str) -> Source:
    """Parse the bytes of one file.

    Raises:
        PackError: the bytes are not the strict YAML described above; all duplicate keys and empty values are
            reported together, other faults stop at the first.
    """
    text = _decode(data, name)
    node = _compose(text, name)
    if isinstance(node, ScalarNode) and (wide := wide_at(text, node.end_mark.line + 1)):
        raise PackError([_wide(name, wide)])
    builder = _Builder(name)
    source = Source(name, builder.build(node, ()), builder.values, builder.keys, builder.written)
    if builder.faults:
        raise PackError(builder.faults)
    if not isinstance(source.data, dict):
        raise _fault(name, node, "the file must hold keys and values at its top level")
    return source


def _decode(data: bytes, name: str) -> str:
    if len(data) > MAX_BYTES:
        raise PackError(
            [ConfigError("the file has {size} bytes, more than {limit}", where=name, size=len(data), limit=MAX_BYTES)]
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        fault = ConfigError("the file is not UTF-8", where=f"{name}:{line}", todo="Save the file with UTF-8 encoding")
        raise PackError([fault]) from error
    tab = text.find("\t")
    if tab >= 0:
        line, column = text.count("\n", 0, tab) + 1, tab - text.rfind("\n", 0, tab)
        where = f"{name}:{line}:{column}"
        raise PackError([ConfigError("a tab is not allowed", where=where, todo="Indent with spaces")])
    return text


def _compose(text: str, name: str) -> Node:
    quick = _quickly(text)
    if quick is not None:
        return quick
    try:
        node = _Loader(text, name).get_single_node()
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        fault = ConfigError("character U+{code} is not allowed", where=f"{name}:{line}", code=f"{error.character:04X}")
        raise PackError([fault]) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if mark and (wide := wide_at(text, mark.line + 1)):
            raise PackError([_wide(name, wide)]) from error
        where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        why = " ".join(part for part in (error.problem, error.context) if part)
        raise PackError([ConfigError("not valid YAML: {why}", where=where, todo=_LOOK, why=_spoken(why))]) from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # PyYAML lets ValueError through for an escape beyond Unicode ("\\U00110000").
        raise PackError([ConfigError("not valid YAML: {why}", where=name, why=str(error)[:200])]) from error
    if node is None:
        raise PackError([ConfigError("the file is empty", where=name)])
    return node


def _wide(name: str, wide: Wide) -> ConfigError:
    return ConfigError(
        "the full-width {mark!r} is no punctuation of YAML",
        where=f"{name}:{wide.line}:{wide.column}",
        todo=HALF_WIDTH,
        mark=wide.mark,
        plain=half_width(wide.mark),
    )


def _spoken(why: str) -> str:
    """Return what the parser says; what it says most often, in the reader's language."""
    return Phrase(why) if why in _SAID else why


def _quickly(text: str) -> Node | None:
    """Return the nodes by libyaml, much faster than PyYAML's own parser; None where that one shall say what is wrong.

    None too where PyYAML was built without libyaml.
    """
    loader = getattr(yaml, "CSafeLoader", None)
    if loader is None:
        return None
    try:
        return _composed(yaml.parse(text, Loader=loader))
    except (yaml.YAMLError, ValueError, OverflowError):
        return None


def _composed(events: Iterable[Any]) -> Node | None:
    """Put the events of one document together; None for what is not accepted here.

    PyYAML's composer would also work out a tag for every scalar, which costs more than the parsing and is not used.
    """
    starts: list[Any] = []
    inside: list[list[Node]] = [[]]
    for event in events:
        if isinstance(event, AliasEvent) or getattr(event, "anchor", None) or getattr(event, "tag", None):
            return None
        if isinstance(event, CollectionStartEvent):
            starts.append(event)
            inside.append([])
            if len(starts) >= MAX_DEPTH:
                return None
        elif isinstance(event, CollectionEndEvent | ScalarEvent):
            node = _scalar(event) if isinstance(event, ScalarEvent) else _collection(starts.pop(), inside.pop(), event)
            inside[-1].append(node)
    documents = inside[0]
    return documents[0] if len(documents) == 1 else None


def _scalar(event: Any) -> Node:
    return ScalarNode("", event.value, event.start_mark, event.end_mark, event.style)


def _collection(start: Any, items: list[Node], end: Any) -> Node:
    first, last = start.start_mark, end.end_mark
    if isinstance(start, SequenceStartEvent):
        return SequenceNode("", items, first, last)
    return MappingNode("", list(zip(items[::2], items[1::2], strict=True)), first, last)


class _Loader(yaml.SafeLoader):
    """PyYAML's composer without anchors, aliases, tags and deep nesting."""

    def __init__(self, text: str, name: str) -> None:
        super().__init__(text)
        self._file = name
        self._depth = 0

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, AliasEvent):
            raise _fault(self._file, event, "an alias (*{anchor}) is not allowed", anchor=event.anchor)
        if event.anchor:
            raise _fault(self._file, event, "an anchor (&{anchor}) is not allowed", anchor=event.anchor)
        if event.tag:
            raise _fault(self._file, event, "a tag ({tag}) is not allowed", tag=event.tag)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _fault(self._file, event, "nested deeper than {limit} levels", limit=MAX_DEPTH)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def _fault(file: str, at: Any, what: str, **values: Any) -> PackError:
    mark = at.start_mark
    return PackError([ConfigError(what, where=f"{file}:{mark.line + 1}:{mark.column + 1}", **values)])


class _Builder:
    """Turns nodes into data and notes places; collects the faults that do not stop it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.values: dict[Path, tuple[int, int]] = {}
        self.keys: dict[Path, tuple[int, int]] = {}
        self.written: dict[Path, str] = {}
        self.faults: list[ConfigError] = []

    def build(self, node: Node, path: Path) -> Json:
        self.values[path] = _place(node)
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Json]:
        found: dict[str, Json] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode) or key_node.value == "<<":
                self._report(key_node, "a key must be a plain word")
                continue
            key = key_node.value
            if _CONTROL.search(key):
                self._report(key_node, "a key holds a control character")
                continue
            below = (*path, key)
            if key in found:
                line = self.keys[below][0]
                self._report(key_node, "the key {key!r} is given twice; first on line {line}", key=key, line=line)
                continue
            self.keys[below] = _place(key_node)
            found[key] = self.build(value_node, below)
        return found

    def _scalar(self, node: Node, path: Path) -> Json:
        text = str(node.value)
        if _CONTROL.search(text):
            self._report(node, "{key} holds a control character", key=spell(path) or Phrase("the file"))
            return ""
        if getattr(node, "style", None):  # plain text has none, or an empty one from libyaml
            return text
        if text in {"true", "false"}:
            return text == "true"
        if text in {"", "~", "null"}:
            mark = first_wide(str(path[-1])) if path else ""
            todo = HALF_WIDTH if mark else N_("Write a value, or leave the key out")
            key = spell(path) or Phrase("the file")
            self._report(node, "{key} has no value", todo, key=key, plain=half_width(mark))
            return None
        if _INTEGER.fullmatch(text) and text != "-0":
            self.written[path] = text
            return int(text)
        return text

    def _report(self, node: Node, what: str, todo: str = "", **values: object) -> None:
        line, column = _place(node)
        self.faults.append(ConfigError(what, where=f"{self.name}:{line}:{column}", todo=todo, **values))


def _place(node: Any) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1
