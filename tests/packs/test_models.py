"""The table of models: every row of it holds, faults are named by line, and it agrees with what is known."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import ConfigError
from agent.packs.load import config_directory
from agent.packs.models import ROLES, known_models, parse_models

REFERENCE = Path(__file__).parents[3] / "shared" / "reference" / "sysobjectid_models.tsv"


def test_known_products_are_told() -> None:
    """A switch, a wireless controller and a firewall that schools have come out right."""
    models = known_models()
    assert len(models) > 8_000
    told = models["1.3.6.1.4.1.2011.2.23.291"]
    assert (told.vendor, told.role) == ("Huawei", "switch")
    assert models["1.3.6.1.4.1.12356.101.1.644"].role == "firewall"
    assert Counter(model.role for model in models.values()).keys() <= ROLES | {""}
    assert "1.3.6.1.4.1.8072.3.2.10" not in models  # Linux: many appliances answer with it


@pytest.mark.skipif(not REFERENCE.exists(), reason="the source of the facts is not beside the project")
def test_the_table_says_what_its_source_says() -> None:
    """Every registration of the source is in the table under the same vendor and name, and none more."""
    rows = [line.split("\t") for line in REFERENCE.read_text(encoding="utf-8").splitlines() if line[0] != "#"]
    assert {oid: (model.vendor, model.name) for oid, model in known_models().items()} == {
        row[0]: (row[1], row[2]) for row in rows
    }


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("1\tsw\tswitch", ":1"),
        ("@\tV\tM\t1.3\n1\tsw\tpirate", ":2"),
        ("@\tV\tM\t1.3\n1\tsw\n1\tother", ":3"),
        ("@\tV\tM\t1.3\n1", ":2"),
        ("@\tV\tM\t1.3\nx\tsw", ":2"),
        ("@\tV\tM\t1.3\n1\t", ":2"),
        ("@\tV\tM\n1\tsw", ":1"),
    ],
)
def test_faults_are_named_by_line(text: str, place: str) -> None:
    """A damaged table stops the program with the line at fault, instead of telling wrong models."""
    with pytest.raises(ConfigError) as caught:
        parse_models(text, "models.tsv")
    assert caught.value.where == f"models.tsv{place}"


@given(st.text(max_size=200))
def test_any_text_is_a_table_or_a_named_fault(text: str) -> None:
    """No text raises anything but our error."""
    where = "x:"
    try:
        parse_models(text, "x")
    except ConfigError as error:
        where = error.where
    assert where.startswith("x:")


def test_a_missing_table_says_what_to_do(tmp_path: Path) -> None:
    """An installation without the table is told to be repaired."""
    with pytest.raises(ConfigError, match="cannot be read"):
        known_models(tmp_path)
    assert (config_directory() / "models.tsv").stat().st_size < 256 * 1024
