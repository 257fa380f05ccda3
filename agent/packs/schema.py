"""JSON Schemas of the files that people write, made from the model words, for completion and hints in editors.

They accept what the loader accepts: a plain number stands where the word wants text (`at_least: 500`).
"""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from typing import TYPE_CHECKING, Any, Final

from agent.model.campus import Campus
from agent.model.family import Family
from agent.model.metric import MetricPack
from agent.model.standard import Standard

if TYPE_CHECKING:
    from agent.model.base import Word

__all__ = ["schemas"]

_FILES: Final[dict[str, type[Word]]] = {
    "campus.schema.json": Campus,
    "family.schema.json": Family,
    "metrics.schema.json": MetricPack,
    "standard.schema.json": Standard,
}


def schemas() -> dict[str, bytes]:
    """Return file name and bytes of every schema of `config/schema`."""
    return {name: _schema(name, model) for name, model in _FILES.items()}


def _schema(name: str, model: type[Word]) -> bytes:
    schema = model.model_json_schema(by_alias=True)
    words = {word.__name__: word for word in _words(model)}
    for title, part in [(model.__name__, schema), *schema.get("$defs", {}).items()]:
        described = _described(words[title]) if title in words else {}
        for key, field in part.get("properties", {}).items():
            if key in described:
                field["description"] = described[key]
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"urn:campus-agent:schema:{name}"}
    return (json.dumps(whole | _loosened(schema), ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()


def _loosened(part: Any) -> Any:
    """Let numbers stand for free text; whatever has a pattern or a list of spellings stays text."""
    if isinstance(part, list):
        return [_loosened(item) for item in part]
    if not isinstance(part, dict):
        return part
    found = {key: _loosened(value) for key, value in part.items()}
    if found.get("type") == "string" and not found.keys() & {"enum", "const", "pattern"}:
        found["type"] = ["string", "number"]
    if {"type": "null"} in found.get("anyOf", []):
        # An optional key is left out; the loader refuses empty values.
        rest = [option for option in found.pop("anyOf") if option != {"type": "null"}]
        found.pop("default", None)
        found |= rest[0] if len(rest) == 1 else {"anyOf": rest}
    return found


def _words(model: type[Word]) -> list[type[Word]]:
    """Return the model and all words defined beside the ones that it uses."""
    modules = {inspect.getmodule(model)}
    found = {model}
    names = set(model.model_json_schema().get("$defs", {}))
    for word in _subclasses(model.__mro__[1]):
        if word.__name__ in names:
            modules.add(inspect.getmodule(word))
            found.add(word)
    return sorted(found, key=lambda word: word.__name__)


def _subclasses(word: type[Any]) -> list[type[Word]]:
    direct = word.__subclasses__()
    return direct + [below for child in direct for below in _subclasses(child)]


def _described(word: type[Word]) -> dict[str, str]:
    """Return the text that stands below each field in the source of the word."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(word))).body[0]
    assert isinstance(tree, ast.ClassDef)
    found = {}
    for field, below in zip(tree.body, tree.body[1:], strict=False):
        is_text = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and is_text:
            assert isinstance(below, ast.Expr)
            assert isinstance(below.value, ast.Constant)
            found[field.target.id] = " ".join(str(below.value.value).split())
    return found
