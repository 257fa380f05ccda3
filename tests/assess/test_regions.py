"""A region is judged by its schools' accepted assessments; who is missing never counts, and never disappears."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.assess.assess import assess
from agent.assess.regions import roll_up, summary_sheet
from agent.errors import ConfigError
from agent.model.campus import Campus, Declaration, School
from agent.model.finding import Outcome, Reason
from agent.model.reading import Grade
from tests.packs.bozhou_schools import (
    AREAS,
    CARD,
    METRICS,
    REGION,
    SCHOOL,
    SOURCE,
    YEAR,
    a_school,
    accepted,
    region,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.assess.regions import Accepted
    from agent.model.finding import ClauseResult, Finding
    from agent.model.region import Region, RegionResult, SchoolsOf

GUARDED: dict[str, Any] = {"areas": AREAS, "systems": ("gate",)}


def rolled(place: Region, schools: Mapping[str, Mapping[str, Accepted]]) -> RegionResult:
    return roll_up(REGION.value, REGION.digest, place, SOURCE, schools, metrics=METRICS, window=YEAR)


def clause(result: RegionResult, name: str) -> ClauseResult:
    return next(one for one in result.assessment.clauses if one.clause == name)


def finding(result: RegionResult, criterion: str) -> Finding:
    return next(one for each in result.assessment.clauses for one in each.findings if one.criterion == criterion)


def schools(result: RegionResult, criterion: str) -> SchoolsOf:
    return next(one for one in result.schools if one.criterion == criterion)


def test_each_share_has_its_list_of_schools() -> None:
    """Of 1.1 the reader sees which schools reach 500 Mbit/s, which do not, which sent nothing, which are not asked."""
    place = region("fast", "slow", "silent", a_school("nursery", "kindergarten"), a_school("trade", "vocational"))
    result = rolled(place, {"fast": accepted("fast", mbps="500"), "slow": accepted("slow", mbps="499.999")})
    listed = schools(result, "schools-with-500")
    assert (listed.holds, listed.fails, listed.missing) == (("fast",), ("slow",), ("silent",))
    assert listed.left_out == ("nursery", "trade")
    # One of three holds: 33 percent are proven whatever the silent school has.
    assert finding(result, "schools-with-500").outcome is Outcome.SATISFIED
    assert finding(result, "schools-with-500").subjects == {"holds": 1, "fails": 1, "open": 1}
    assert clause(result, "1.1").points_proven == "3"


def test_a_missing_school_is_never_met_and_keeps_the_points_open() -> None:
    """One of four schools holds and the others are silent: 2.5 points are proven, half a point is still open."""
    result = rolled(region("a", "b", "c", "d"), {"a": accepted("a", mbps="1000")})
    found = finding(result, "schools-with-500")
    assert (found.outcome, found.reason) == (Outcome.INCONCLUSIVE, Reason.NO_TARGET)
    assert clause(result, "1.1").points_proven == "2.5"
    assert found.low == "25"
    assert finding(result, "schools-with-gigabit").outcome is Outcome.INCONCLUSIVE


def test_a_region_of_which_nothing_is_known_proves_nothing() -> None:
    """Without any accepted statement no point is proven, and none of a machine's clauses is lost."""
    result = rolled(region("a", "b", "c", "d", "e"), {})
    assert result.assessment.points_proven == "0"
    assert result.assessment.points_open == result.assessment.points_judged
    assert all(one.missing for one in result.schools)
    assert result.statements == ()


def test_too_few_schools_for_the_count_are_a_breach_even_while_all_are_missing() -> None:
    """A region of one school cannot have two with security: one point is lost for certain."""
    result = rolled(region("only"), {})
    security = clause(result, "13.2")
    assert (security.points_proven, security.points_open) == ("0", "1")


def test_a_school_in_stages_of_both_kinds_is_counted() -> None:
    """A school with a kindergarten and primary classes is a school of 1.1; a school for trades alone is not."""
    place = region(a_school("both", "kindergarten", "primary"), a_school("trade", "vocational"))
    listed = schools(rolled(place, {"both": accepted("both", mbps="800")}), "schools-with-500")
    assert (listed.holds, listed.left_out) == (("both",), ("trade",))


def test_classes_weigh_as_classes_not_as_schools() -> None:
    """9 of 25 classes, all in one school, are 36 percent of the region."""
    place = region(a_school("a", classes=20), a_school("b", classes=5))
    result = rolled(place, {"a": accepted("a", smart=(9, 11)), "b": accepted("b", smart=(0, 5))})
    assert clause(result, "1.2").points_proven == "3"
    assert finding(result, "smart-classes").value == "36"
    assert schools(result, "smart-classes").classes == {"a": {"holds": 9, "fails": 11}, "b": {"fails": 5}}


def test_classes_of_the_authoritys_list_that_nobody_measured_stay_in_the_sum() -> None:
    """A school that lists fewer classes than the authority has the others open, and a missing school all of them."""
    place = region(a_school("a", classes=10), a_school("silent", classes=10))
    result = rolled(place, {"a": accepted("a", smart=(4, 1))})
    assert schools(result, "smart-classes").classes == {
        "a": {"holds": 4, "fails": 1, "open": 5},
        "silent": {"open": 10},
    }
    assert finding(result, "smart-classes").low == "20"
    assert clause(result, "1.2").points_proven == "1.4"


def test_security_of_a_region_asks_for_what_its_rule_names() -> None:
    """Key places and a controlled gate are enough, although the school's own clause wants more and is open."""
    result = rolled(region("a", "b"), {name: accepted(name, **GUARDED) for name in "ab"})
    assert clause(result, "13.2").points_proven == "2"
    assert finding(result, "schools-with-security").grade is Grade.CORROBORATED
    assert schools(result, "schools-with-security").holds == ("a", "b")


def test_what_only_papers_show_stays_open_for_a_person() -> None:
    """Cards whose systems answer are not yet cards in use: the school is open, not met."""
    result = rolled(region("a", "b"), {name: accepted(name, systems=CARD) for name in "ab"})
    assert clause(result, "13.1").points_proven == "0"
    assert clause(result, "13.1").points_open == "2"
    assert schools(result, "schools-with-card").open == {"a": Reason.UNDECLARED, "b": Reason.UNDECLARED}


def test_one_lack_settles_a_school_whatever_else_is_open() -> None:
    """A gate that is proven not to work makes the school fail 13.2, also while its cameras are unknown."""
    broken: dict[str, Any] = {"more": {"system.answers system:gate": "0"}}
    listed = schools(rolled(region("a"), {"a": accepted("a", **broken)}), "schools-with-security")
    assert (listed.fails, listed.open) == (("a",), {})


def test_any_kind_of_room_will_do_for_a_new_place() -> None:
    """Of alternatives one proven breach settles nothing, all of them do."""
    none = dict.fromkeys(
        ("room.terminals innovation-room:a", "room.display subject-room:a", "room.recording recording-room:a"), "0"
    )
    one = {**none, "room.display subject-room:a": "1"}
    result = rolled(region("a", "b"), {"a": accepted("a", more=one), "b": accepted("b", more=none)})
    listed = schools(result, "schools-with-new-place")
    assert listed.fails == ("b",)
    assert listed.open == {"a": Reason.UNDECLARED}


def test_figures_cite_the_statements_of_their_schools() -> None:
    """Who asks why a share is what it is gets the statements behind it."""
    one = accepted("a", mbps="500")
    result = rolled(region("a"), {"a": one})
    statement = one["bozhou-school-2024"].statement
    assert [item.statement for item in result.statements] == [statement]
    cited = [item.sources for item in finding(result, "schools-with-500").observations]
    assert cited == [(statement,)]


def test_the_authoritys_declarations_stay_declared_and_expire() -> None:
    """A private network that is declared leaves two points to a person; one that has expired, nothing."""
    word = {"value": "1", "by": "bureau", "at": "2026-01-01T00:00:00Z", "why": "acceptance report"}
    name = "bozhou-region-2024/education-network"
    result = rolled(region("a", declarations={name: Declaration(**word)}), {})
    assert clause(result, "1.1").points_declared == "2"
    assert finding(result, "education-network").grade is Grade.DECLARED
    gone = Declaration(**word, expires="2026-06-01T00:00:00Z")
    result = rolled(region("a", declarations={name: gone}), {})
    assert finding(result, "education-network").reason is Reason.UNDECLARED


def test_bandwidth_that_is_bounded_below_the_mark_settles_a_school() -> None:
    """A school whose second line is silent proves at least its first: 600 counts, and what it may be stays open."""
    found = accepted("a", mbps="600")["bozhou-school-2024"]
    clauses = found.assessment.clauses
    egress = (
        clauses[0]
        .findings[0]
        .model_copy(update={"outcome": Outcome.SATISFIED, "low": "600", "high": None, "value": "600"})
    )
    changed = found.assessment.model_copy(
        update={"clauses": (clauses[0].model_copy(update={"findings": (egress,)}), *clauses[1:])}
    )
    one = type(found)(changed, found.standard, found.statement, found.received)
    result = rolled(region("a"), {"a": {"bozhou-school-2024": one}})
    assert schools(result, "schools-with-500").holds == ("a",)
    assert schools(result, "schools-with-gigabit").open == {"a": Reason.TOO_FEW_SAMPLES}


@pytest.mark.parametrize(
    "change",
    [{"method": {"finding": "egress-bandwidth"}}, {"method": {"standard": "x", "speed": "1"}}, {"subjects": ["room"]}],
)
def test_a_pack_with_wrong_settings_is_refused(change: dict[str, object]) -> None:
    """A figure without its standard, with an unknown setting or about other subjects is an error, not a zero."""
    data = REGION.value.to_json()
    data["indicators"] = data["indicators"][:1]
    data["indicators"][0]["criteria"][1]["measure"] |= change
    wrong = type(REGION.value).from_json(data)
    with pytest.raises(ConfigError):
        roll_up(wrong, REGION.digest, region("a"), SOURCE, {}, metrics=METRICS, window=YEAR)


def test_a_school_that_asks_for_the_regions_pack_sees_no_target() -> None:
    """A campus file names no schools: every clause is open with that reason, and nothing is proven."""
    campus = Campus(version="1", school=School(id="a", name="A"))
    judged = assess(REGION.value, REGION.digest, [], metrics=METRICS, campus=campus, window=YEAR)
    assert judged.points_proven == "0"
    reasons = {one.reason for each in judged.clauses for one in each.findings}
    assert reasons == {Reason.NO_TARGET, Reason.UNDECLARED}


def test_the_summary_sheet_keeps_the_lists_order_and_shows_who_is_missing() -> None:
    """One row per school of the list; a missing one has no points at all, not zero points."""
    place = region("b", "a", a_school("nursery", "kindergarten"), "c")
    sheet = summary_sheet(place, SCHOOL.value.id, {"a": accepted("a", mbps="500"), "b": accepted("b", mbps="100")})
    assert [(row.number, row.school, row.proven, row.missing) for row in sheet.rows] == [
        (1, "b", "0", False),
        (2, "a", "8", False),
        (3, "c", None, True),
    ]


SPEEDS = st.sampled_from(["100", "499.999", "500", "1000", None])


@settings(max_examples=40, deadline=None)
@given(speeds=st.lists(SPEEDS, min_size=1, max_size=12))
def test_the_share_is_what_counting_by_hand_gives(speeds: list[str | None]) -> None:
    """Points of 1.1 follow from the number of schools that hold, fail and are missing, for any mix of them."""
    names = [f"s{n}" for n in range(len(speeds))]
    sent = {name: _BY_SPEED[mbps] for name, mbps in zip(names, speeds, strict=True) if mbps is not None}
    result = rolled(region(*names), sent)
    listed = schools(result, "schools-with-500")
    holds = sum(mbps in {"500", "1000"} for mbps in speeds)
    assert len(listed.holds) == holds
    assert len(listed.missing) == speeds.count(None)
    assert len(listed.holds) + len(listed.fails) + len(listed.missing) == len(speeds)
    share = Fraction(100 * holds, len(speeds))
    expected = max(Fraction(0), 3 - max(Fraction(0), 30 - share) / 10)
    assert abs(Fraction(clause(result, "1.1").points_proven) - expected) < Fraction(1, 1000)


_BY_SPEED = {mbps: accepted(mbps, mbps=mbps) for mbps in ("100", "499.999", "500", "1000")}
