"""Packs prove themselves by their examples, and the proof is sharp."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from agent.assess.examples import judge_example
from agent.collectors import COLLECTORS
from agent.model.finding import Outcome, Reason
from agent.packs.kinds import Shown, missing
from agent.packs.lint import LintResult, lint
from agent.packs.load import config_directory, load_metrics, load_standards
from tests.packs.mutants import mutants, survivors

METRICS = load_metrics(config_directory())
STANDARDS = {name: pack.value for name, pack in load_standards(config_directory(), METRICS).items()}
SMALL = Path(__file__).parent / "standards"
"""Two standards of one clause each, for tests that spoil them."""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A small directory of packs that a test may spoil."""
    shutil.copytree(config_directory() / "metrics", tmp_path / "config" / "metrics")
    shutil.copytree(SMALL, tmp_path / "config" / "standards")
    (tmp_path / "config" / "families").mkdir()
    shutil.copy(config_directory() / "families" / "cisco-ios.yaml", tmp_path / "config" / "families")
    return tmp_path / "config"


def failures(config: Path) -> list[LintResult]:
    return [result for result in lint(config, judge_example, collectors=COLLECTORS) if not result.ok]


def test_shipped_packs_hold() -> None:
    """Every example of every shipped pack comes out as it says."""
    results = lint(config_directory(), judge_example, collectors=COLLECTORS)
    assert [result for result in results if not result.ok] == []
    examples = sum(
        len(part.examples) for pack in STANDARDS.values() for one in pack.indicators for part in one.criteria
    )
    assert examples >= 400
    assert len(results) >= examples


@pytest.mark.parametrize("name", STANDARDS)
def test_a_changed_number_is_noticed(name: str) -> None:
    """No threshold, band, rate, number of points or demand on samples can be changed a little without a failure."""
    assert survivors(STANDARDS[name], METRICS) == []


def test_the_numbers_of_every_rule_are_changed() -> None:
    """The packs hold hundreds of numbers, and each is tried; were there no mutants, none could survive."""
    tried = [
        what
        for standard in STANDARDS.values()
        for indicator in standard.indicators
        for criterion in indicator.criteria
        for what, _, _ in mutants(indicator, criterion, METRICS)
    ]
    assert len(tried) >= 500
    for word in ("threshold", "band", "minus", "points", "min_coverage", "min_school_days", "counted_if"):
        assert any(word in what for what in tried), word


def test_a_rule_without_examples_survives() -> None:
    """The search for survivors finds one: a criterion whose examples are all gone but one notices nothing."""
    standard = STANDARDS["bozhou-school-2024"]
    clause = next(indicator for indicator in standard.indicators if indicator.id == "1.1")
    bare = clause.criteria[0].model_copy(update={"examples": clause.criteria[0].examples[:1]})
    spoiled = clause.model_copy(update={"criteria": (bare,)})
    assert survivors(standard.model_copy(update={"indicators": (spoiled,)}), METRICS)


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
    assert {failure.where.rsplit("/", 1)[1] for failure in found} == {"cisco-ios.yaml:14:5", "jiangsu-2018.yaml:10:8"}


def test_an_example_that_cannot_be_judged_is_a_failure(config: Path) -> None:
    """A value that is not a number is reported at its example."""
    path = config / "standards" / "jiangsu-2018.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("values: [1000, _, _, 1000]", "values: [fast]"))
    (failure,) = failures(config)
    assert "'fast' is not a plain decimal number" in failure.actual


SECTIONS = """sections:
  - { id: all, title: { zh: 全部, en: All }, points: 100 }
  - { id: network, parent: all, title: { zh: 网络, en: Network }, points: 8 }
  - { id: rest, parent: all, title: { zh: 其余, en: The rest }, points: 92, combine: pool }
indicators:
"""


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("", "", ""),
        ("points: 100 }", "points: 101 }", "come to 100, and 101 are printed"),
        ("points: 92,", "points: 91,", "come to 99, and 100 are printed"),
        ("en: Network }, points: 8", "en: Network }, points: 7", "come to 8, and 7 are printed"),
        ("    section: network\n", "", "a clause names its section"),
        (", combine: pool", "", "come to 0, and 92 are printed"),
        ("combine: pool", "combine: choose", "come to 0, and 92 are printed"),
        ("total: 100", "total: 99", "come to 100, and 99 are printed"),
    ],
)
def test_printed_sums_come_out(config: Path, old: str, new: str, what: str) -> None:
    """The points of clauses come to those of their section, sections to those above, and the top ones to the total."""
    path = config / "standards" / "bozhou-school-2024.yaml"
    text = path.read_text(encoding="utf-8").replace("indicators:\n", SECTIONS)
    text = text.replace("    points: 8\n", "    points: 8\n    section: network\n", 1)
    path.write_text(text.replace(old, new, 1) if old else text, encoding="utf-8")
    found = failures(config)
    assert any(what in failure.what for failure in found) if what else found == []


@pytest.mark.parametrize(
    ("name", "lack"),
    [
        ("exactly 400", "no example lies exactly on 400"),
        ("more traffic than the contract allows contradicts the contract", "no example is contradicted"),
        ("just below 200", "no example lies just below 200"),
    ],
)
def test_a_kind_of_example_that_is_missing_is_named(config: Path, name: str, lack: str) -> None:
    """Each outcome that a rule can have, and each side of its edges, has an example, or lint says which has none."""
    standard = load_standards(config, METRICS)["bozhou-school-2024"].value
    (criterion,) = standard.indicators[0].criteria
    gone = tuple(one for one in criterion.examples if one.name != name and one.outcome is not Outcome.NOT_SATISFIED)
    if "traffic" in name:
        gone = tuple(one for one in gone if one.reason is not Reason.CONTRADICTED)
    shown = [Shown(one, judge_example(standard, standard.indicators[0], criterion, one, METRICS)) for one in gone]
    lacks = list(missing(criterion, shown, METRICS))
    assert lack in lacks
    assert "no example is not satisfied" in lacks
