"""Wrong files, one or more defects each, and the exact errors that a person gets for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.errors import ConfigError
from agent.packs.load import (
    config_directory,
    load_families,
    load_metrics,
    parse_campus,
    parse_families,
    parse_metrics,
    parse_standard,
)

BAD = Path(__file__).parent.parent / "configs" / "bad"
COLLECTORS = {"interfaces", "mqtt"}


def read(path: Path) -> None:
    """Read the file as what its name says it is."""
    data, name = path.read_bytes(), path.name
    config = config_directory()
    kind = name.split("-")[0]
    if kind == "campus":
        parse_campus(data, name, families=load_families(config), collectors=COLLECTORS)
    elif kind == "family":
        parse_families(data, name, collectors=COLLECTORS)
    elif kind == "metrics":
        parse_metrics(data, name)
    else:
        assert kind == "standard"
        parse_standard(data, name, metrics=load_metrics(config))


@pytest.mark.parametrize("path", sorted(BAD.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_wrong_file_gets_exactly_these_errors(path: Path) -> None:
    """File, line, key, what is wrong and what is allowed are all said, and nothing else changes unnoticed."""
    with pytest.raises(ConfigError) as caught:
        read(path)
    assert str(caught.value) + "\n" == path.with_suffix(".error").read_text(encoding="utf-8")


def test_every_golden_error_has_its_file() -> None:
    """No golden error is left behind without the file that provokes it."""
    assert {path.stem for path in BAD.glob("*.error")} == {path.stem for path in BAD.glob("*.yaml")}
    assert len(list(BAD.glob("*.yaml"))) >= 20
