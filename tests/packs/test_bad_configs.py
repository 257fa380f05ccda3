"""Wrong files, one or more defects each, and the exact errors that a person gets for them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.errors import ConfigError
from agent.language import translator
from agent.packs.check_fit import campus_fits
from agent.packs.load import (
    config_directory,
    load_families,
    load_metrics,
    load_standards,
    parse_campus,
    parse_families,
    parse_metrics,
    parse_standard,
)
from agent.packs.yaml_source import PackError

if TYPE_CHECKING:
    from agent.model.standard import Standard

BAD = Path(__file__).parent.parent / "configs" / "bad"
COLLECTORS = {"interfaces", "mqtt"}


@cache
def released() -> dict[str, Standard]:
    """Return the standards that are shipped."""
    return {name: pack.value for name, pack in load_standards(config_directory()).items()}


def read(path: Path) -> None:
    """Read the file as what its name says it is."""
    data, name = path.read_bytes(), path.name
    config = config_directory()
    kind = name.split("-")[0]
    if kind == "campus":
        pack = parse_campus(data, name, families=load_families(config), collectors=COLLECTORS)
        faults = campus_fits(pack.value, pack.source, released())
        if faults:
            raise PackError(faults)
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


@pytest.mark.parametrize("path", sorted(BAD.glob("campus-*.yaml")), ids=lambda path: path.stem)
def test_a_school_is_told_in_chinese_alone(path: Path) -> None:
    """Beside names, values and lists of what may be written there, no English words stand in a Chinese error."""
    with pytest.raises(PackError) as caught:
        read(path)
    for fault in caught.value.faults:
        told = fault.render(translator("zh_CN")).removeprefix(f"{fault.where}: ")
        own = re.sub(r"'[^']*'|\"[^\"]*\"|(可用|可用值|可用的有)：.*|例如 .*", "", told)
        assert re.search(r"[\u4e00-\u9fff]", own), told
        assert not re.search(r"[A-Za-z]{2,} [A-Za-z]{2,}|(?<=：)none|[.,] [A-Z][a-z]+ ", own), told


def test_every_golden_error_has_its_file() -> None:
    """No golden error is left behind without the file that provokes it."""
    assert {path.stem for path in BAD.glob("*.error")} == {path.stem for path in BAD.glob("*.yaml")}
    assert len(list(BAD.glob("*.yaml"))) >= 20
