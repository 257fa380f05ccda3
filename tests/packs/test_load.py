"""Finding, reading and cross-checking packs."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from agent import canonical
from agent.collectors import COLLECTORS
from agent.errors import ConfigError
from agent.model.standard import Bands
from agent.packs.load import (
    config_directory,
    family_packs,
    load_campus,
    load_families,
    load_metrics,
    load_standard,
    load_standards,
    metric_packs,
    pack_digests,
    parse_campus,
    standard_packs,
)
from agent.packs.yaml_source import PackError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A copy of the shipped packs that a test may spoil."""
    shutil.copytree(config_directory(), tmp_path / "config")
    return tmp_path / "config"


def test_a_pack_carries_the_exact_bytes_and_their_digest() -> None:
    """Evidence can carry the pack as it was read and name it by digest."""
    packs = standard_packs(config_directory())
    assert len(packs) >= 2
    for pack in packs:
        path = config_directory() / "standards" / f"{pack.value.id}.yaml"
        assert pack.data == path.read_bytes()
        assert pack.digest == canonical.digest(pack.data)


def test_one_standard_reads_the_same_alone_and_among_all() -> None:
    """A verifier that reads one file from a bundle gets what the agent had."""
    path = config_directory() / "standards" / "bozhou-school-2024.yaml"
    assert load_standard(path).value == load_standards(config_directory())["bozhou-school-2024"].value


def test_plain_numbers_become_the_text_that_was_written() -> None:
    """`id: 1.1` and `points: 8` need no quotes and never pass through a float."""
    indicator = load_standards(config_directory())["bozhou-school-2024"].value.indicators[0]
    assert (indicator.id, indicator.points) == ("1.1", "8")
    rule = indicator.criteria[0].judge
    assert isinstance(rule, Bands)
    assert [band.at_least for band in rule.bands] == ["500", "400", "300", "200"]
    assert indicator.criteria[0].examples[1].readings[0].values == ("499.999",)


def test_the_example_campus_names_only_what_exists() -> None:
    """A school that copies the example starts from a file without faults."""
    config = config_directory()
    families = load_families(config, collectors=COLLECTORS)
    pack = load_campus(config / "campus.example.yaml", families=families, collectors=COLLECTORS)
    assert {asset.family for asset in pack.value.assets} <= set(families)
    contract = pack.value.links_of("core-sw1")[0].contract_mbps
    assert contract is not None
    assert contract.value == "500"


def test_shipped_families_name_collectors_that_exist() -> None:
    """No family asks for a collector that the agent does not have."""
    assert {name for pack in family_packs(config_directory(), collectors=COLLECTORS) for name in pack.value.collectors}


def test_shipped_metrics_name_collectors_that_exist() -> None:
    """The plan of a collector that does not exist would never say how many samples to expect."""
    assert {m.collector for m in load_metrics(config_directory()).values() if m.collector} <= set(COLLECTORS)


def test_the_digests_of_packs_are_those_of_the_packs_that_are_read(config: Path) -> None:
    """Telling which packs are released needs no parsing, and one changed octet is another pack."""
    packs = (*metric_packs(config), *family_packs(config), *standard_packs(config))
    digests = pack_digests(config)
    assert digests == {pack.digest for pack in packs}
    path = config / "standards" / "bozhou-school-2024.yaml"
    path.write_bytes(path.read_bytes() + b"\n")
    changed = pack_digests(config)
    assert len(digests - changed) == len(changed - digests) == 1
    for path in (config / "families").iterdir():
        path.unlink()
    with pytest.raises(ConfigError, match=r"no \.yaml file"):
        pack_digests(config)


@pytest.mark.parametrize("kind", ["metrics", "families", "standards"])
def test_two_files_may_not_define_one_name(config: Path, kind: str) -> None:
    """A copy of a pack beside the original is refused, with both places."""
    first = min((config / kind).glob("*.yaml"))
    shutil.copy(first, first.with_name("zz-copy.yaml"))
    loaders: dict[str, Callable[[Path], object]] = {
        "metrics": metric_packs,
        "families": family_packs,
        "standards": standard_packs,
    }
    with pytest.raises(PackError, match="defined twice") as caught:
        loaders[kind](config)
    assert "zz-copy.yaml" in caught.value.where
    assert str(first) in str(caught.value)


def test_faults_of_all_files_are_reported_together(config: Path) -> None:
    """Two wrong files give the errors of both."""
    for name in ("cisco-ios", "net-snmp"):
        path = config / "families" / f"{name}.yaml"
        path.write_text(path.read_text(encoding="utf-8").replace("role:", "rolle:"), encoding="utf-8")
    with pytest.raises(PackError) as caught:
        load_families(config)
    assert {name for name in ("cisco-ios", "net-snmp") if name in str(caught.value)} == {"cisco-ios", "net-snmp"}


def test_a_missing_file_and_an_empty_directory_say_so(tmp_path: Path) -> None:
    """A wrong path is named, not traced."""
    with pytest.raises(ConfigError, match="cannot be read"):
        load_campus(tmp_path / "absent.yaml")
    (tmp_path / "metrics").mkdir()
    with pytest.raises(ConfigError, match=r"no \.yaml file"):
        load_metrics(tmp_path)


def test_faults_of_bytes_are_named_after_their_place_in_the_bundle() -> None:
    """A verifier that reads a campus file out of a bundle names it as the bundle does."""
    with pytest.raises(PackError) as caught:
        parse_campus(b"version: 1\nschool: {id: a, name: b}\nassets: 3\n", "campus.yaml")
    assert caught.value.where == "campus.yaml:3:9"
