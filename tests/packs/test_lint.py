"""Packs prove themselves by their examples, and the proof is sharp."""

from __future__ import annotations

import re
import shutil
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest

from agent.assess.examples import judge_example
from agent.collectors import COLLECTORS
from agent.packs.lint import LintResult, lint
from agent.packs.load import config_directory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STANDARDS = sorted((config_directory() / "standards").glob("*.yaml"))
THRESHOLD = re.compile(r"(?P<key>\b(?:at_least|threshold|points|min_coverage|min_samples): )(?P<value>[0-9.]+)")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A copy of the shipped packs that a test may spoil."""
    shutil.copytree(config_directory(), tmp_path / "config")
    return tmp_path / "config"


def failures(config: Path) -> list[LintResult]:
    return [result for result in lint(config, judge_example, collectors=COLLECTORS) if not result.ok]


def test_shipped_packs_hold() -> None:
    """Every example of every shipped pack comes out as it says."""
    results = lint(config_directory(), judge_example, collectors=COLLECTORS)
    assert [result for result in results if not result.ok] == []
    assert len(results) >= 50


def mutations() -> Iterator[Any]:
    """Every threshold, band and number of points of every rule of every standard, a little more and a little less."""
    for path in STANDARDS:
        text = path.read_text(encoding="utf-8")
        for found in THRESHOLD.finditer(text):
            line = text.count("\n", 0, found.start())
            written = text.splitlines()[line]
            if found["key"].startswith("points") and not re.search(r"at_least|^    points", written):
                continue  # points of an example: not part of the rule
            size = {"min_coverage: ": Fraction(1, 100), "min_samples: ": Fraction(1)}.get(
                found["key"], Fraction(1, 1000)
            )
            for step in (size, -size):
                value = Fraction(found["value"]) + step
                spelled = f"{float(value):.3f}".rstrip("0").rstrip(".")
                changed = text[: found.start("value")] + spelled + text[found.end("value") :]
                yield pytest.param(path.name, changed, id=f"{path.stem}-{line + 1}-{found['value']}-to-{spelled}")


@pytest.mark.parametrize(("name", "changed"), list(mutations()))
def test_a_changed_threshold_is_noticed(config: Path, name: str, changed: str) -> None:
    """No threshold or point can be changed by 0.001, no coverage by 0.01, without an example that fails."""
    (config / "standards" / name).write_text(changed, encoding="utf-8")
    assert failures(config)


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
