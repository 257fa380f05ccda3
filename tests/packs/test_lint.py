"""Packs prove themselves by their examples, and the proof is sharp."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from agent.assess.examples import judge_example
from agent.collectors import COLLECTORS
from agent.packs.lint import LintResult, lint
from agent.packs.load import config_directory, load_metrics, load_standard
from tests.packs.mutants import survivors

if TYPE_CHECKING:
    from pathlib import Path

SPOILT = ("bozhou-school-2024", "jiangsu-2018")
STANDARDS = sorted((config_directory() / "standards").glob("*.yaml"))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A copy of the shipped packs that a test may spoil, with the two standards that they do."""
    others = shutil.ignore_patterns(*(path.name for path in STANDARDS if path.stem not in SPOILT))
    shutil.copytree(config_directory(), tmp_path / "config", ignore=others)
    return tmp_path / "config"


def failures(config: Path) -> list[LintResult]:
    return [result for result in lint(config, judge_example, collectors=COLLECTORS) if not result.ok]


def test_shipped_packs_hold() -> None:
    """Every example of every shipped pack comes out as it says."""
    results = lint(config_directory(), judge_example, collectors=COLLECTORS)
    assert [result for result in results if not result.ok] == []
    assert len(results) >= 50


@pytest.mark.parametrize("path", STANDARDS, ids=lambda path: path.stem)
def test_a_changed_number_is_noticed(path: Path) -> None:
    """No threshold, point or sample of a rule can be changed a little without an example that fails."""
    metrics = load_metrics(config_directory())
    assert survivors(load_standard(path, metrics).value, metrics) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("over_subjects: sum", "over_subjects: minimum"),
        ("over_time: median", "over_time: minimum"),
        ("over_time: median", "over_time: last"),
        ("          capped_by: link.contract\n", ""),
        ("          carried_by: [link.octets.in, link.octets.out]\n", ""),
        ("carried_by: [link.octets.in, link.octets.out]", "carried_by: [link.octets.in]"),
        ("grade_required: reported", "grade_required: declared"),
        ("grade_required: reported", "grade_required: measured"),
        ("min_coverage: 0.9", "min_coverage: 0"),
        ("min_samples: 1", "min_samples: 2"),
    ],
)
def test_a_changed_rule_is_noticed(config: Path, old: str, new: str) -> None:
    """Each part of the Bozhou rule is held by an example."""
    path = config / "standards" / "bozhou-school-2024.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    assert failures(config)


def test_a_wrong_example_is_named_with_its_line_and_what_came_out(config: Path) -> None:
    """The author sees where the example stands, what it says, and what the rule says."""
    path = config / "standards" / "bozhou-school-2024.yaml"
    lines = path.read_text(encoding="utf-8").splitlines()
    at = next(n for n, line in enumerate(lines) if "just below 500" in line)
    text = "\n".join(lines) + "\n"
    head, tail = text.split("just below 500", 1)
    path.write_text(head + "just below 500" + tail.replace("points: 6", "points: 8", 1), encoding="utf-8")
    (failure,) = failures(config)
    assert failure.where == f"{path}:{at + 1}:13"
    assert failure.what == "bozhou-school-2024 1.1 egress-bandwidth: just below 500"
    assert failure.expected == "outcome partially-satisfied, points 8"
    assert failure.actual == "outcome partially-satisfied, points 6"


def test_an_edge_without_examples_is_a_failure(config: Path) -> None:
    """A band that nobody tried on both sides is not proven."""
    path = config / "standards" / "bozhou-school-2024.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("values: [299.999]", "values: [250]").replace("values: [400]", "values: [401]"))
    whats = " ".join(failure.what for failure in failures(config))
    assert "no example lies exactly on 400" in whats
    assert "no example lies just below 300" in whats


def test_a_wrong_family_example_and_broken_files_are_failures_not_exceptions(config: Path) -> None:
    """Lint reports everything that it finds in one pass."""
    family = config / "families" / "cisco-ios.yaml"
    family.write_text(family.read_text(encoding="utf-8").replace("1.3.6.1.4.1.9.1.1208", "1.3.6.1.4.1.8.1"))
    standard = config / "standards" / "jiangsu-2018.yaml"
    standard.write_text(standard.read_text(encoding="utf-8").replace("total: 110", "total: many"))
    found = failures(config)
    assert {failure.where.rsplit("/", 1)[1] for failure in found} == {"cisco-ios.yaml:14:5", "jiangsu-2018.yaml:11:8"}


def test_an_example_that_cannot_be_judged_is_a_failure(config: Path) -> None:
    """A value that is not a number is reported at its example."""
    path = config / "standards" / "jiangsu-2018.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("values: [1000, _, _, 1000]", "values: [fast]"))
    (failure,) = failures(config)
    assert "'fast' is not a plain decimal number" in failure.actual
