"""Both Bozhou packs: the printed sums, the three directions, and rules of which every number is held by an example."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from agent.assess.examples import judge_example
from agent.errors import MalformedError
from agent.model.finding import Outcome
from agent.packs.lint import compared
from tests.packs.bozhou_schools import AREAS, CARD, METRICS, judged, pack
from tests.packs.worked_schools import clause

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agent.model.standard import Criterion, Indicator, Standard

IDS = ("bozhou-school-2024", "bozhou-region-2024")
NUMBERS = ("threshold", "at_least", "points", "per", "minus", "floor", "value", "min_coverage")
"""Keys of a rule that hold a number which the outcome rests on."""


def criteria(standard: Standard) -> Iterator[tuple[Indicator, Criterion]]:
    for indicator in standard.indicators:
        for criterion in indicator.criteria:
            yield indicator, criterion


def all_hold(standard: Standard, indicator: Indicator, criterion: Criterion) -> bool:
    """Tell whether every example of the criterion comes out as it says."""
    for example in sorted(criterion.examples, key=lambda one: sum(series.count for series in one.readings)):
        expected, actual = compared(example, judge_example(standard, indicator, criterion, example, METRICS))
        if expected != actual:
            return False
    return True


def changes(value: Any, least: Decimal, path: tuple[str | int, ...] = ()) -> Iterator[tuple[Any, str]]:
    """Yield each number of a rule a little above and a little below what it is, and its place."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        if key == "min_coverage" and item == "0":
            continue  # not asked for
        if key in NUMBERS and isinstance(item, str):
            step = {"min_coverage": Decimal("0.01"), "threshold": least}.get(str(key), Decimal("0.001"))
            for number in (Decimal(item) + step, Decimal(item) - step):
                yield (*path, key), f"{number.normalize():f}"
        else:
            yield from changes(item, least, (*path, key))


def least_step(criterion: Criterion) -> Decimal:
    """Return the smallest change of a threshold that is one: a school of a count, a thousandth of a share."""
    over = criterion.measure.over_subjects if criterion.measure is not None else ""
    if criterion.judge.kind == "deduct":
        return Decimal("0.001")  # any change of it is a change of points
    return {"count": Decimal(1), "share": Decimal("0.1")}.get(over, Decimal("0.001"))


def changed(data: Any, path: Sequence[Any], value: Any) -> Any:
    """Return JSON data with another value at a place."""
    if not path:
        return value
    copy = list(data) if isinstance(data, list) else dict(data)
    copy[path[0]] = changed(data[path[0]], path[1:], value)
    return copy


def mutants(criterion: Criterion) -> Iterator[tuple[str, Any]]:
    """Yield a criterion's JSON with one number, one required member, the way of adding up or the grade changed."""
    data = criterion.to_json()
    for part, least in (("judge", least_step(criterion)), ("measure", Decimal("0.001"))):
        for path, value in changes(data.get(part, {}), least):
            yield f"{part} {path} {value}", changed(data, (part, *path), value)
    members = data.get("measure", {}).get("members", [])
    for n, name in enumerate(members):
        yield f"without {name}", changed(data, ("measure", "members"), members[:n] + members[n + 1 :])
    if criterion.measure is not None:
        yield "declared is enough", {**data, "grade_required": "declared"}
        yield "measured is needed", {**data, "grade_required": "measured"}
        if criterion.measure.over_subjects in {"sum", "maximum"}:
            yield "minimum", changed(data, ("measure", "over_subjects"), "minimum")
        if criterion.measure.over_subjects in {"share", "count"}:
            other = "count" if criterion.measure.over_subjects == "share" else "share"
            yield other, changed(data, ("measure", "over_subjects"), other)


@pytest.mark.parametrize("name", IDS)
def test_every_number_of_every_rule_is_held_by_an_example(name: str) -> None:
    """No threshold, point, step, floor, member, grade or way of adding up can change without an example failing."""
    standard = pack(name).value
    unnoticed = []
    for indicator, criterion in criteria(standard):
        for what, data in mutants(criterion):
            try:
                mutant = type(criterion).from_json(data)
            except MalformedError:
                continue  # the model itself refuses such a rule
            if all_hold(standard, indicator, mutant):
                unnoticed.append(f"{indicator.id} {criterion.id}: {what}")
    assert unnoticed == []


@pytest.mark.parametrize("name", IDS)
def test_sections_add_up_to_a_hundred(name: str) -> None:
    """Clauses come to the sums printed at their sections, and those to 100; a direction counts once."""
    standard = pack(name).value
    top = [section for section in standard.sections if section.parent is None]
    assert sum(Decimal(section.points) for section in top) == Decimal(standard.total) == 100
    for section in standard.sections:
        below = [Decimal(one.points) for one in standard.sections if one.parent == section.id]
        clauses = [Decimal(one.points) for one in standard.indicators if one.section == section.id]
        if section.combine == "choose":
            assert set(below) == {Decimal(section.points)}
        else:
            assert sum(below + clauses) == Decimal(section.points), section.id


@pytest.mark.parametrize(("name", "rows"), [("bozhou-school-2024", 35), ("bozhou-region-2024", 40)])
def test_every_clause_has_a_row(name: str, rows: int) -> None:
    """All rows of the printed tables are there (35, and 39 of which 1.3 is two), and extra ones are worth nothing."""
    standard = pack(name).value
    assert len([one for one in standard.indicators if not one.informative]) == rows
    assert all(one.points == "0" for one in standard.indicators if one.informative)
    assert all(one.outside or one.criteria for one in standard.indicators)


@pytest.mark.parametrize("name", IDS)
def test_every_interpretation_is_used_or_about_a_row_that_is_not_judged(name: str) -> None:
    """A reading of the text is shown where it decides; those left over explain rows and numbers only."""
    standard = pack(name).value
    used = {item for _, criterion in criteria(standard) for item in criterion.interpretations}
    left = {item.id for item in standard.interpretations} - used
    assert left <= {"research-cap", "row-14", "unnumbered-rows", "rule-15.2", "rule-6.2"}


def test_a_school_with_all_that_machines_see() -> None:
    """Bandwidth and classes score; what documents must show stays open, and the direction is the best of three."""
    assessment = judged(
        mbps="500",
        smart=(9, 16),
        systems=(*CARD, "video-analysis", "intrusion-alarm"),
        areas=AREAS,
        more={"telemetry.fresh iot:smoke": "1", "room.terminals innovation-room:a": "6"},
    )
    assert assessment.points_proven == "15"
    assert [(one.chosen, one.by) for one in assessment.choices] == [("direction-two", "points")]
    security = clause(assessment, "13.2")
    assert security.outcome is Outcome.INCONCLUSIVE
    assert [finding.outcome.value for finding in security.findings] == ["satisfied"] * 4 + ["inconclusive"] * 2
    assert clause(assessment, "3.1").outcome is Outcome.INCONCLUSIVE


def test_a_proven_lack_outranks_papers_that_are_missing() -> None:
    """A school without any of the places loses the points of 3.1, whatever it may still declare."""
    rooms = ("terminals innovation-room", "display subject-room", "recording recording-room", "vr virtual-space")
    nothing = {f"room.{name}:a": "0" for name in (*rooms, "display virtual-space", "reading_terminal library")}
    found = clause(judged(mbps="200", more=nothing), "3.1")
    assert (found.outcome, found.points_open) == (Outcome.NOT_SATISFIED, "0")


def test_region_pack_asks_for_criteria_that_schools_have() -> None:
    """What the region's figures name are criteria of the school pack, each worked out there."""
    known = {criterion.id for _, criterion in criteria(pack("bozhou-school-2024").value)}
    for _, criterion in criteria(pack("bozhou-region-2024").value):
        if criterion.measure is None:
            continue
        method = criterion.measure.method
        assert method["standard"] == "bozhou-school-2024"
        named = " ".join(value for key, value in method.items() if key != "standard").split()
        assert named
        assert set(named) <= known
