"""JSON Schemas for editors agree with the loader."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from agent.packs.load import config_directory
from agent.packs.schema import schemas

CONFIG = config_directory()
FILES = {
    "metrics.schema.json": sorted((CONFIG / "metrics").glob("*.yaml")),
    "family.schema.json": sorted((CONFIG / "families").glob("*.yaml")),
    "standard.schema.json": sorted((CONFIG / "standards").glob("*.yaml")),
    "campus.schema.json": [CONFIG / "campus.example.yaml"],
}
PAIRS = [(name, path) for name, paths in FILES.items() for path in paths]


def test_the_checked_in_schemas_are_those_of_the_models() -> None:
    """An editor never shows an old schema: regenerate them when a model changes."""
    directory = CONFIG / "schema"
    assert {path.name: path.read_bytes() for path in directory.glob("*.json")} == schemas()


@pytest.mark.parametrize(("name", "path"), PAIRS, ids=lambda value: value.stem if isinstance(value, Path) else "")
def test_shipped_files_satisfy_their_schema_and_name_it(name: str, path: Path) -> None:
    """What the loader accepts, the editor accepts too, and every file tells the editor which schema it has."""
    text = path.read_text(encoding="utf-8")
    jsonschema.Draft202012Validator(json.loads(schemas()[name])).validate(yaml.safe_load(text))
    reference = text.splitlines()[0].removeprefix("# yaml-language-server: $schema=")
    assert (path.parent / reference).resolve() == (CONFIG / "schema" / name).resolve()


def test_schemas_refuse_unknown_keys_and_wrong_words() -> None:
    """An editor underlines a typing error before the loader sees it."""
    schema = jsonschema.Draft202012Validator(json.loads(schemas()["family.schema.json"]))
    family = yaml.safe_load((CONFIG / "families" / "cisco-ios.yaml").read_text(encoding="utf-8"))
    assert schema.is_valid(family)
    assert not schema.is_valid({**family, "rolle": "switch"})
    assert not schema.is_valid({**family, "role": "swich"})
    assert not schema.is_valid({**family, "collectors": []})


def test_schemas_explain_the_keys() -> None:
    """The editor shows what a key means, from the words of the model."""
    schema = json.loads(schemas()["standard.schema.json"])
    assert "contract" in schema["$defs"]["Measure"]["properties"]["capped_by"]["description"]
