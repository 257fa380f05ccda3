"""XML and JSON of devices; XML by local names at any depth: prefixes differ, and servers put elements anywhere."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from xml.parsers import expat

from agent.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Element", "json_value", "parse"]

_DECLARATION = re.compile(rb"^(?:\xef\xbb\xbf)?\s*<\?xml[^>]*\?>")
MOST_ELEMENTS = 400_000
DEEPEST = 60


@dataclass(slots=True)
class Element:
    """An element; names are local, without prefix and namespace."""

    name: str
    attributes: dict[str, str]
    parts: list[str] = field(default_factory=list)
    children: list[Element] = field(default_factory=list)

    @property
    def text(self) -> str:
        """What stands in it, its children apart, without blanks around."""
        return "".join(self.parts).strip()

    def below(self) -> Iterator[Element]:
        """Yield every element below it, in order of the document."""
        for child in self.children:
            yield child
            yield from child.below()

    def all(self, name: str) -> list[Element]:
        """Return the elements of that name below it."""
        return [one for one in self.below() if one.name == name]

    def child(self, name: str) -> Element | None:
        """Return the first element of that name right in it, or None."""
        return next((one for one in self.children if one.name == name), None)

    def own(self, name: str) -> str:
        """Return the text of the first element of that name right in it, or nothing."""
        found = self.child(name)
        return found.text if found is not None else ""

    def first(self, name: str) -> Element | None:
        """Return the first element of that name below it, or None."""
        return next((one for one in self.below() if one.name == name), None)

    def value(self, name: str) -> str:
        """Return the text of the first element of that name below it, or nothing."""
        found = self.first(name)
        return found.text if found is not None else ""


class _Builder:
    """Builds the tree of what the parser tells, within bounds."""

    def __init__(self) -> None:
        self.open = [Element("", {})]
        self.count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.count += 1
        if self.count > MOST_ELEMENTS or len(self.open) > DEEPEST:
            raise MalformedError("XML of more elements, or deeper, than any reply is")
        element = Element(_local(name), {_local(key): value for key, value in attributes.items()})
        self.open[-1].children.append(element)
        self.open.append(element)

    def end(self, _: str) -> None:
        self.open.pop()

    def data(self, text: str) -> None:
        self.open[-1].parts.append(text)

    def doctype(self, *_: object) -> None:
        raise MalformedError("XML with a document type, which no reply needs")


def parse(body: bytes) -> Element:
    """Read a document, in UTF-8 or in GB 18030 whatever it declares: expat knows no multi-byte encoding.

    Returns:
        An element above the root.

    Raises:
        MalformedError: it is not well-formed, has a document type, or is larger than any reply.
    """
    plain = _DECLARATION.sub(b"", body, count=1)
    try:
        text = plain.decode("utf-8")
    except UnicodeDecodeError:
        text = plain.decode("gb18030", "replace")
    builder = _Builder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = builder.doctype
    try:
        parser.Parse(text, True)  # noqa: FBT003 (expat takes no names)
    except (expat.ExpatError, ValueError) as error:
        raise MalformedError("not well-formed XML: {why}", why=str(error)[:200]) from error
    return builder.open[0]


def json_value(body: bytes) -> Any:
    """Read a JSON document; numbers with a fraction stay the text that they are.

    Raises:
        MalformedError: it is not JSON, or nested deeper than any reply.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = body.decode("gb18030", "replace")
    try:
        return json.loads(text, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise MalformedError("not JSON: {why}", why=str(error)[:200]) from error


def _local(name: str) -> str:
    return name.rpartition(":")[2]
