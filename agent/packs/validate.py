"""A parsed file into a model word, and everything that is wrong with it as errors that name file, line and key."""

from __future__ import annotations

import difflib
import json
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar, get_args, get_origin

from pydantic import ValidationError

from agent.errors import AgentError, ConfigError, Phrase
from agent.language import N_
from agent.model.base import Word
from agent.packs.punctuation import first_wide, half_width
from agent.packs.room_words import code_of
from agent.packs.yaml_source import HALF_WIDTH, PackError, Path, Source, spell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pydantic_core import ErrorDetails

__all__ = ["near", "validate"]

W = TypeVar("W", bound=Word)

_KINDS: Final = {
    "string_type": Phrase("text"),
    "int_type": Phrase("a whole number"),
    "bool_type": Phrase("true or false"),
    "tuple_type": Phrase("a list"),
    "list_type": Phrase("a list"),
    "dict_type": Phrase("keys and values"),
    "model_type": Phrase("keys and values"),
    "model_attributes_type": Phrase("keys and values"),
}

_LIMITS: Final = {
    "less_than_equal": (N_("{key} must be at most {limit}, not {found}"), "le"),
    "greater_than_equal": (N_("{key} must be at least {limit}, not {found}"), "ge"),
    "too_short": (N_("{key} must hold at least {limit}"), "min_length"),
    "too_long": (N_("{key} must hold at most {limit}"), "max_length"),
    "string_too_short": (N_("{key} must have at least {limit} characters"), "min_length"),
    "string_too_long": (N_("{key} must have at most {limit} characters"), "max_length"),
}


def validate(source: Source, model: type[W]) -> W:
    """Return the word that the file holds.

    A plain number where the word wants text (`at_least: 500`, `id: 1.1`) is taken as the text that was written.

    Raises:
        PackError: with one error per unknown or missing key and per wrong value.
    """
    data = source.data
    word, errors = _tried(model, data)
    for error in errors:
        path = _path(source.data, error["loc"])
        if error["type"] == "string_type" and path in source.written:
            data = _replaced(data, path, source.written[path])
    if data is not source.data:
        word, errors = _tried(model, data)
    if word is None:
        raise PackError([_fault(source, model, error) for error in errors])
    return word


def near(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """Return the known word that the reader most likely meant, or an empty text."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=cutoff)
    return found[0] if found else ""


def _tried(model: type[W], data: Any) -> tuple[W | None, list[ErrorDetails]]:
    """Return the word, or None and why there is none."""
    try:
        # Sorted as canonical bytes are; these are read at once and hashed by nobody, so the C encoder will do.
        return model.model_validate_json(json.dumps(data, sort_keys=True)), []
    except ValidationError as error:
        # A list whose items all failed counts as empty for pydantic; the items' own errors say what is wrong.
        found = error.errors(include_url=False)
        telling = [item for item in found if item["type"] != "too_short" or not item["input"]]
        return None, telling or found


def _path(data: Any, loc: tuple[int | str, ...]) -> Path:
    """Return pydantic's location without the union tags that it inserts, as far as the data reaches."""
    path: list[int | str] = []
    for part in loc:
        exists = part in data if isinstance(data, dict) else isinstance(data, list) and part in range(len(data))
        if exists:
            data = data[part]
            path.append(part)
    return tuple(path)


def _replaced(data: Any, path: Path, value: str) -> Any:
    if not path:
        return value
    copy: Any = dict(data) if isinstance(data, dict) else list(data)
    copy[path[0]] = _replaced(data[path[0]], path[1:], value)
    return copy


def _fault(source: Source, model: type[Word], error: ErrorDetails) -> ConfigError:
    path = _path(source.data, error["loc"])
    make = _FAULTS.get(error["type"], _other)
    fault = make(source, model, path, error)
    written = error["loc"][-1] if error["type"] == "extra_forbidden" else error["input"]
    mark = first_wide(written) if isinstance(written, str) else ""
    if not mark or make is _other:
        return fault
    values = fault.values | {"plain": half_width(mark)}
    return ConfigError(fault.what, where=fault.where, todo=HALF_WIDTH, **values)


def _missing(source: Source, _model: type[Word], path: Path, error: ErrorDetails) -> ConfigError:
    return ConfigError(
        "the key {key!r} is missing in {place}",
        where=source.where(path),
        todo="Add it",
        key=str(error["loc"][-1]),
        place=spell(path) or Phrase("the file"),
    )


def _unknown(source: Source, model: type[Word], path: Path, error: ErrorDetails) -> ConfigError:
    key = str(error["loc"][-1])
    owner = _model_at(model, source.data, path[:-1])
    allowed = sorted(field.alias or name for name, field in owner.model_fields.items()) if owner else []
    meant = near(key, allowed)
    todo = N_("Did you mean {meant!r}? Allowed here: {allowed}") if meant else N_("Allowed here: {allowed}")
    where = source.where(path, key=True)
    return ConfigError("unknown key {key!r}", where=where, todo=todo, key=key, meant=meant, allowed=", ".join(allowed))


def _kind(source: Source, _model: type[Word], path: Path, error: ErrorDetails) -> ConfigError:
    return ConfigError(
        "{key} must be {kind}, not {found}",
        where=source.where(path),
        todo=_quotes(error),
        key=spell(path) or Phrase("the file"),
        kind=_KINDS[error["type"]],
        found=_found(error["input"]),
    )


def _quotes(error: ErrorDetails) -> str:
    given = error["input"]
    if error["type"] == "string_type" and isinstance(given, bool):
        return N_("Put it in quotes")
    plain = given in {"true", "false"} if error["type"] == "bool_type" else str(given).isdecimal()
    return N_("Write it without quotes") if error["type"] in {"int_type", "bool_type"} and plain else ""


def _limit(source: Source, _model: type[Word], path: Path, error: ErrorDetails) -> ConfigError:
    what, name = _LIMITS[error["type"]]
    limit, key = error.get("ctx", {}).get(name), spell(path)
    return ConfigError(what, where=source.where(path), key=key, found=_found(error["input"]), limit=limit)


def _choice(source: Source, _model: type[Word], path: Path, error: ErrorDetails) -> ConfigError:
    context = error.get("ctx", {})
    allowed = [word.strip("' ") for word in _words(str(context.get("expected") or context.get("expected_tags", "")))]
    written = str(context.get("tag", error["input"]))
    meant = near(written, allowed) or code_of(written, allowed)
    if error["type"].startswith("union_tag"):
        path = (*path, str(context.get("discriminator", "'kind'")).strip("'"))
    return ConfigError(
        "{key} cannot be {found}",
        where=source.where(path),
        todo="Did you mean {meant!r}? Allowed: {allowed}" if meant else "Allowed: {allowed}",
        key=spell(path),
        found=repr(written[:60]),
        meant=meant,
        allowed=", ".join(allowed),
    )


def _pattern(source: Source, _model: type[Word], path: Path, error: ErrorDetails) -> ConfigError:
    pattern = str(error.get("ctx", {}).get("pattern", ""))
    bare = pattern.removeprefix("^").removeprefix("(").removesuffix("$").removesuffix(")")
    words = bare.split("|")
    plain = len(words) > 1 and all(word.replace("-", "").isalnum() for word in words)
    meant = near(str(error["input"]), words) if plain else ""
    return ConfigError(
        "{key} cannot be {found}",
        where=source.where(path),
        todo="Did you mean {meant!r}? Allowed: {allowed}" if meant else "Allowed: {allowed}",
        key=spell(path),
        found=_found(error["input"]),
        meant=meant,
        allowed=", ".join(words) if plain else pattern,
    )


def _untagged(source: Source, _model: type[Word], path: Path, error: ErrorDetails) -> ConfigError:
    key = str(error.get("ctx", {}).get("discriminator", "'kind'")).strip("'")
    return ConfigError(
        "the key {key!r} is missing in {place}", where=source.where(path), todo="Add it", key=key, place=spell(path)
    )


def _other(source: Source, _model: type[Word], path: Path, error: ErrorDetails) -> ConfigError:
    raised = error.get("ctx", {}).get("error")
    inner = raised.__cause__ if isinstance(raised, ValueError) else None
    text = error["msg"].removeprefix("Value error, ")
    text = text[:1].lower() + text[1:]
    return ConfigError(
        "{key} cannot be {found}: {why}" if not isinstance(error["input"], dict | list) else "{key}: {why}",
        where=source.where(path),
        key=spell(path) or Phrase("the file"),
        found=_found(error["input"]),
        why=inner if isinstance(inner, AgentError) else Phrase(text),
    )


_FAULTS: Final[dict[str, Callable[[Source, type[Word], Path, ErrorDetails], ConfigError]]] = {
    "missing": _missing,
    "extra_forbidden": _unknown,
    "enum": _choice,
    "literal_error": _choice,
    "union_tag_invalid": _choice,
    "union_tag_not_found": _untagged,
    "string_pattern_mismatch": _pattern,
    **dict.fromkeys(_KINDS, _kind),
    **dict.fromkeys(_LIMITS, _limit),
}


def _words(expected: str) -> list[str]:
    return [word for part in expected.split(",") for word in part.split(" or ") if word.strip("' ")]


def _found(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return Phrase("keys and values")
    if isinstance(value, list | tuple):
        return Phrase("a list")
    return repr(value) if len(repr(value)) <= 60 else repr(value)[:57] + "..."


def _model_at(model: type[Word], data: Any, path: Path) -> type[Word] | None:
    """Return the word that stands at the path, following fields, lists and tagged unions."""
    kind: Any = model
    for part in path:
        if isinstance(part, str):
            owner = _word(kind, data)
            if owner is None or part not in owner.model_fields:
                return None
            kind = owner.model_fields[part].annotation
        else:
            kind = next((item for item in get_args(_bare(kind)) if item is not ...), None)
        data = data[part]
    return _word(kind, data)


def _bare(kind: Any) -> Any:
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    return kind


def _word(kind: Any, data: Any) -> type[Word] | None:
    kind = _bare(kind)
    if isinstance(kind, type) and issubclass(kind, Word):
        return kind
    words = [_word(option, data) for option in get_args(kind)]
    tag = data.get("kind") if isinstance(data, dict) else None
    found = [word for word in words if word is not None]
    tagged = [word for word in found if _tag(word) == tag]
    return next(iter(tagged or found), None)


def _tag(word: type[Word]) -> object:
    field = word.model_fields.get("kind")
    if field is None or get_origin(field.annotation) is not Literal:
        return None
    value = get_args(field.annotation)[0]
    return value.value if isinstance(value, Enum) else value
