"""The base of all words: frozen, strict, nothing unknown, one canonical form."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
)

from agent import canonical
from agent.clock import parse_time
from agent.errors import MalformedError
from agent.language import N_

__all__ = ["Day", "Decimal", "Digest", "Holds", "Identifier", "Nanoseconds", "Text", "Timestamp", "Word"]


class Word(BaseModel):
    """A frozen value of the vocabulary. Unknown keys and wrong types are errors.

    A field that is empty (None, no text, no items) and empty by default is absent in JSON: a later version may add
    such fields without changing the bytes of what was recorded before.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @model_serializer(mode="wrap")
    def _without_empty(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        data: dict[str, Any] = serialise(self)
        for key in _omissible(type(self)):
            if key in data and data[key] in _EMPTY:
                del data[key]
        return data

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object; fields that are empty by default and in fact are absent."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    def to_bytes(self) -> bytes:
        """Return the canonical bytes (RFC 8785)."""
        return canonical.dumps(self.to_json())

    @classmethod
    def from_json(cls, value: Any, *, where: str = "") -> Self:
        """Build the word from a parsed JSON object.

        Raises:
            MalformedError: a key is unknown or missing, or a value has the wrong type.
        """
        try:
            return cls.model_validate_json(canonical.dumps(value))
        except ValidationError as error:
            raise MalformedError(
                "not a valid {kind}: {why}", where=where, kind=cls.__name__, why=first_fault(error)
            ) from error

    @classmethod
    def from_bytes(cls, data: bytes, *, where: str = "") -> Self:
        """Build the word from JSON bytes, strictly.

        Raises:
            MalformedError: the bytes are not the JSON of such a word.
        """
        return cls.from_json(canonical.loads(data, where=where), where=where)


_EMPTY: tuple[Any, ...] = (None, "", [], {})
_EMPTY_DEFAULTS: tuple[Any, ...] = (None, "", (), {})


@cache
def _omissible(kind: type[BaseModel]) -> tuple[str, ...]:
    """Return the JSON keys of the fields that are empty by default."""
    return tuple(
        field.serialization_alias or field.alias or name
        for name, field in kind.model_fields.items()
        if not field.is_required() and field.get_default(call_default_factory=True) in _EMPTY_DEFAULTS
    )


def first_fault(error: ValidationError) -> str:
    """Return the first fault of a pydantic error as ``path: what``."""
    fault = error.errors(include_url=False, include_input=False)[0]
    path = ".".join(str(part) for part in fault["loc"])
    return f"{path}: {fault['msg']}" if path else fault["msg"]


def _timestamp(text: str) -> str:
    try:
        parse_time(text)
    except MalformedError as error:
        raise ValueError(str(error)) from error
    return text


def _digest(text: str) -> str:
    if not canonical.is_digest(text):
        raise ValueError(N_("not a digest of the form sha256:<hex>"))
    return text


def _decimal(text: str) -> str:
    try:
        spelled = canonical.decimal_text(text)
    except MalformedError as error:
        raise ValueError(str(error)) from error
    if spelled != text:
        other = MalformedError("write this number as {spelled}", spelled=spelled)
        raise ValueError(str(other)) from other
    return text


def _identifier(text: str) -> str:
    if not text or len(text) > 100 or not all(c.isalnum() or c in "-_./" for c in text):
        raise ValueError(N_("use letters, digits, '-', '_', '.' and '/', at most 100"))
    return text


Day = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")]
"""A civil day of the campus."""

Nanoseconds = Annotated[str, Field(pattern=r"^[0-9]{1,19}$")]
"""Of a monotonic clock, a decimal string."""

Timestamp = Annotated[str, AfterValidator(_timestamp)]
"""RFC 3339 text with a zone."""
Digest = Annotated[str, AfterValidator(_digest)]
"""``sha256:<64 lowercase hex>``."""
Decimal = Annotated[str, AfterValidator(_decimal)]
"""A decimal number in its one spelling (`canonical.decimal_text`)."""
Identifier = Annotated[str, AfterValidator(_identifier)]
"""A name that may stand in a path, a URL and a subject."""

Holds = Literal["mac", "name", "serial", "identifier", "ip4", "ip6", "inet"]
"""Personal or identifying data that a column or index part holds; each becomes a keyed pseudonym.

An `identifier` is text of a device or port that may be, or contain, a MAC address: only the address is replaced.
`ip4`, `ip6` and `inet` are addresses of terminals; of them the family, the scope and the /24 or /64 stay. `ip4` is 4
octets, `ip6` 16, `inet` an InetAddressType and InetAddress (RFC 4001) in any of the shapes of `model.inet`.
"""


class Text(Word):
    """A text in both languages."""

    zh: str
    en: str

    def of(self, language: str) -> str:
        """Return the text in the language (``zh_CN`` or ``en``)."""
        return self.en if language.startswith("en") else self.zh
