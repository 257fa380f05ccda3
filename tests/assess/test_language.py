"""What each word of the language of standards means: aggregates, stages, declarations, awards, choices, vetoes."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.assess.assess import assess
from agent.assess.derive.derived import Open
from agent.assess.rules import points, truth
from agent.errors import ConfigError
from agent.model.finding import Outcome, Reason
from agent.model.reading import Grade
from agent.model.rule import AtLeast, AtMost, Bands, Deduct, Equals, Holds
from tests.assess import rulebook as book
from tests.assess import scenes
from tests.assess.rulebook import RATIO, SMART, WIFI, clause, declared, figure, finding, judged, outcome, paper, room

if TYPE_CHECKING:
    from agent.model.reading import Reading
    from agent.model.standard import Standard

MET, PARTLY, FAILED, OPEN, APART = (
    Outcome.SATISFIED,
    Outcome.PARTIALLY_SATISFIED,
    Outcome.NOT_SATISFIED,
    Outcome.INCONCLUSIVE,
    Outcome.NOT_APPLICABLE,
)


def wifi(*rooms: str, kind: str = "classroom") -> list[Reading]:
    """Wi-Fi figures, `1` or `0`, of rooms a, b, c..."""
    return [figure(WIFI, f"{kind}:{name}", value) for name, value in zip("abcdefghij", rooms, strict=False)]


# --- rules ----------------------------------------------------------------------------------------------------------

SHARE = Deduct(threshold="36", points="7", minus="0.2")


@pytest.mark.parametrize(
    ("value", "exact", "started"),
    [
        ("100", "7", "7"),
        ("36", "7", "7"),
        ("35", "6.8", "6.8"),
        ("35.5", "6.9", "6.8"),
        ("30", "5.8", "5.8"),
        ("1", "0", "0"),
        ("0", "0", "0"),
        ("2", "0.2", "0.2"),
    ],
)
def test_each_unit_short_costs_its_points_exactly(value: str, exact: str, started: str) -> None:
    """36 % earns all, each percentage point short costs 0.2, and a part of one its part or a whole one."""
    number = Fraction(value)
    assert points(SHARE, Fraction(7), number, number)[0] == Fraction(exact)
    by_started = SHARE.model_copy(update={"shortfall": "started"})
    assert points(by_started, Fraction(7), number, number)[0] == Fraction(started)


def test_deductions_stop_at_the_floor() -> None:
    """A clause that keeps something whatever is missing never goes below it."""
    rule = Deduct(threshold="4", points="2", minus="0.5", floor="1")
    assert [points(rule, Fraction(2), Fraction(n), Fraction(n))[0] for n in (4, 3, 2, 1, 0)] == [2, 1.5, 1, 1, 1]


numbers = st.fractions(min_value=0, max_value=200, max_denominator=1000)
rules = st.one_of(
    st.builds(lambda t: AtLeast(threshold=str(t)), st.integers(0, 200)),
    st.builds(lambda t: AtMost(threshold=str(t)), st.integers(0, 200)),
    st.builds(lambda t: Equals(value=str(t)), st.integers(0, 200)),
    st.just(Holds()),
    st.just(SHARE),
    st.just(
        Bands.from_json(
            {"kind": "bands", "bands": [{"at_least": "50", "points": "7"}, {"at_least": "9", "points": "2"}]}
        )
    ),
    st.just(AtMost.from_json({"kind": "at-most", "by_stage": {"primary": "10", "junior": "8", "senior": "6"}})),
)


@given(rules, numbers, numbers, numbers, st.sampled_from([(), ("primary",), ("junior", "senior")]))
def test_the_points_of_a_value_lie_between_those_of_its_bounds(
    rule: AtLeast | AtMost | Equals | Holds | Deduct | Bands,
    one: Fraction,
    two: Fraction,
    three: Fraction,
    stages: tuple[str, ...],
) -> None:
    """Whatever a value turns out to be inside its bounds, it earns no less than proven and no more than possible."""
    low, value, high = sorted((one, two, three))
    proven, possible = points(rule, Fraction(7), low, high, stages)
    least, most = points(rule, Fraction(7), value, value, stages or ("primary",))
    assert proven <= least <= most <= possible
    unbounded = points(rule, Fraction(7), low, None, stages)
    assert unbounded[0] <= proven
    assert unbounded[1] >= possible


def test_equal_to_a_value_needs_both_bounds_on_it() -> None:
    """`equals` is certain only where there is nothing else left, and impossible only where the value is ruled out."""
    rule = Equals(value="3")
    three, four = Fraction(3), Fraction(4)
    assert truth(rule, three, three) == (True, True)
    assert truth(rule, Fraction(0), three) == (False, True)
    assert truth(rule, Fraction(0), None) == (False, True)
    assert truth(rule, four, None) == (False, False)


# --- over subjects --------------------------------------------------------------------------------------------------


def counted(over: str, judge: dict[str, Any], **fields: Any) -> dict[str, Any]:
    measure = {
        "metric": WIFI,
        "subjects": ["classroom", "office"],
        "unit": "1",
        "over_subjects": over,
        "counted_if": {"kind": "holds"},
    }
    return book.criterion("rooms", measure=measure, judge=judge, **fields)


@pytest.mark.parametrize(
    ("rooms", "unsettled", "expected", "value", "subjects"),
    [
        (["1"] * 4, 0, MET, "100", {"holds": 4}),
        (["1"] * 3 + ["0"], 0, MET, "75", {"holds": 3, "fails": 1}),
        (["1", "1", "0", "0"], 0, FAILED, "50", {"holds": 2, "fails": 2}),
        (["1", "1", "1"], 1, MET, "75", {"holds": 3, "open": 1}),
        (["1", "1", "0"], 1, OPEN, "50", {"holds": 2, "fails": 1, "open": 1}),
        (["1", "0", "0"], 1, FAILED, "25", {"holds": 1, "fails": 2, "open": 1}),
    ],
)
def test_a_share_is_bounded_by_what_is_open(
    rooms: list[str], unsettled: int, expected: Outcome, value: str, subjects: dict[str, int]
) -> None:
    """Three quarters of the rooms: proven when enough hold, failed when too many fail, open while the rest decides."""
    part = counted("share", {"kind": "at-least", "threshold": "75"})
    still = {(WIFI, f"office:{n}"): Open(Reason.UNREACHABLE, "0", "1") for n in range(unsettled)}
    found = finding(part, wifi(*rooms), still)
    assert (found.outcome, found.value, found.unit, found.subjects) == (expected, value, "%", subjects)
    if expected is OPEN:
        assert (found.reason, found.low, found.high) == (Reason.UNREACHABLE, "50", "75")


def test_a_count_of_no_subjects_is_open_and_not_a_breach() -> None:
    """A campus file that lists nothing has not been shown to have nothing."""
    part = counted("count", {"kind": "at-least", "threshold": "5"})
    assert (finding(part).outcome, finding(part).reason) == (OPEN, Reason.NO_TARGET)
    assert finding(part, wifi("1", "1", "1", "1", "1")).outcome is MET
    assert finding(part, wifi("1", "1", "1", "1", "0")).outcome is FAILED


def test_a_set_needs_all_of_its_members_also_those_nobody_knows() -> None:
    """Of five named functions four are not enough, and one of which nothing is known keeps it open."""
    names = ["firewall", "antivirus", "waf"]
    measure = {"metric": "security.function", "subjects": "security", "members": names, "unit": "1"}
    part = book.criterion("functions", measure=measure)
    have = [figure("security.function", f"security:{name}", "1") for name in names]
    assert finding(part, have).outcome is MET
    found = finding(part, have[:2])
    assert (found.outcome, found.reason, found.observations[1].subject) == (OPEN, Reason.NO_TARGET, "security:firewall")
    lacking = [*have[:2], figure("security.function", "security:waf", "0")]
    assert finding(part, lacking).outcome is FAILED


def test_any_of_several_is_the_maximum() -> None:
    """One that holds is enough, whatever is unknown of the others; none that can hold is a breach."""
    part = room("any", "classroom")
    part["measure"]["over_subjects"] = "maximum"
    still = {(WIFI, "classroom:z"): Open(Reason.REFUSED, "0", "1")}
    assert finding(part, wifi("0", "1"), still).outcome is MET
    assert finding(part, wifi("0", "0")).outcome is FAILED
    assert (finding(part, wifi("0"), still).outcome, finding(part, wifi("0"), still).reason) == (OPEN, Reason.REFUSED)


def test_a_figure_that_is_not_settled_shows_its_bounds_and_reason() -> None:
    """The finding says between what the figure lies, the observation why; a bound that decides does decide."""
    part = room("each", "classroom")
    still = {(WIFI, "classroom:a"): Open(Reason.CONTRADICTED, "0", "1")}
    found = finding(part, [], still)
    assert (found.outcome, found.reason, found.high) == (OPEN, Reason.CONTRADICTED, "1")
    assert found.observations[0].reason is Reason.CONTRADICTED
    none = {(WIFI, "classroom:a"): Open(Reason.NO_TARGET, "0", "0")}
    assert finding(part, [], none).outcome is FAILED


def test_proof_that_is_too_weak_leaves_it_open() -> None:
    """A figure of a weaker grade than required proves neither that it holds nor that it does not."""
    part = room("each", "classroom", grade_required="measured")
    for value in ("0", "1"):
        found = finding(part, wifi(value))
        assert (found.outcome, found.reason) == (OPEN, Reason.WEAK_PROOF)


def test_of_very_many_subjects_those_that_decided_are_kept() -> None:
    """A school of 500 rooms gets a finding that can be read: the rooms without Wi-Fi stand in it."""
    part = room("each", "classroom")
    rooms = [figure(WIFI, f"classroom:{n:03}", "0" if n in {7, 499} else "1") for n in range(500)]
    found = finding(part, rooms)
    assert (len(found.observations), found.observations_left) == (100, 400)
    assert {"classroom:007", "classroom:499"} <= {item.subject for item in found.observations}


# --- stages ---------------------------------------------------------------------------------------------------------

LIMITS = {"kind": "at-most", "by_stage": {"primary": "10", "junior": "8", "senior": "6"}}


def ratio(judge: dict[str, Any], **measure: Any) -> dict[str, Any]:
    return book.criterion("ratio", measure={"metric": RATIO, "subjects": "stage", "unit": "1", **measure}, judge=judge)


@pytest.mark.parametrize(
    ("stages", "value", "expected"),
    [
        (("primary",), "10", MET),
        (("primary",), "10.001", FAILED),
        (("primary", "senior"), "6", MET),
        (("primary", "senior"), "6.001", FAILED),
        ((), "6", MET),
        ((), "8", OPEN),
        ((), "10.001", FAILED),
        (("vocational",), "100", APART),
    ],
)
def test_the_strictest_stage_decides_for_the_whole_school(
    stages: tuple[str, ...], value: str, expected: Outcome
) -> None:
    """One ratio for all: the strictest threshold counts; of unknown stages every one is possible."""
    part = ratio(LIMITS, members=["all"])
    assert finding(part, [figure(RATIO, "stage:all", value)], stages=stages).outcome is expected


def test_each_stage_has_its_own_threshold_and_is_required() -> None:
    """A school of two stages needs both ratios; the figure of the whole school is none of them."""
    part = ratio({**LIMITS, "several_stages": "each"})
    primary, senior, both = (
        figure(RATIO, f"stage:{s}", v) for s, v in (("primary", "9"), ("senior", "7"), ("all", "1"))
    )
    stages = ("primary", "senior")
    found = finding(part, [primary, senior, both], stages=stages)
    assert (found.outcome, found.value, found.threshold) == (FAILED, "7", "6")
    good = figure(RATIO, "stage:senior", "6")
    assert finding(part, [primary, good, both], stages=stages).outcome is MET
    found = finding(part, [primary, both], stages=stages)
    assert (found.outcome, found.reason) == (OPEN, Reason.NO_TARGET)


def test_a_part_for_another_stage_does_not_concern_the_school() -> None:
    """What only senior schools need is no condition for a primary school, and open where the stages are unknown."""
    pack = book.standard(clause("1", "2", room("all", "classroom"), room("boards", "office", stages=["senior"])))
    readings = [*wifi("1"), *wifi("0", kind="office")]
    assert outcome(judged(pack, readings, stages=("primary",)))[:3] == (MET, None, "2")
    assert outcome(judged(pack, readings, stages=("senior",)))[0] is FAILED
    assert outcome(judged(pack, readings))[0] is OPEN
    apart = book.standard(clause("1", "2", room("boards", "office", stages=["senior"])))
    found = judged(apart, readings, stages=("primary",))
    assert (found.clauses[0].outcome, found.points_judged, found.points_open) == (APART, "0", "0")


# --- declarations ---------------------------------------------------------------------------------------------------


def test_a_declaration_proves_nothing_and_is_told_apart() -> None:
    """The document answers the part; the points stay open until a person accepts it, or the pack does."""
    pack = book.standard(clause("1", "3", paper("plan")))
    assert outcome(judged(pack)) == (OPEN, Reason.UNDECLARED, "0", "3", None)
    found = judged(pack, [declared("plan", "1")])
    assert outcome(found) == (OPEN, Reason.WEAK_PROOF, "0", "3", "3")
    assert (found.points_declared, found.clauses[0].grade) == ("3", Grade.DECLARED)
    accepting = book.standard(clause("1", "3", paper("plan", grade_required="declared")))
    assert outcome(judged(accepting, [declared("plan", "1")])) == (MET, None, "3", "0", None)


def test_a_school_that_declares_that_it_has_not_is_believed() -> None:
    """A no, or a number below the threshold, is a breach by the school's own word."""
    pack = book.standard(clause("1", "3", paper("titles", judge={"kind": "at-least", "threshold": "3000"})))
    assert outcome(judged(pack, [declared("titles", "2999")]))[:4] == (FAILED, None, "0", "0")
    assert outcome(judged(pack, [declared("titles", "3000")]))[4] == "3"


def test_measured_and_declared_parts_together_are_open_until_accepted() -> None:
    """The measured half is met, the declared half answered: all points rest on the document; one breach loses them."""
    pack = book.standard(clause("1", "2", room("wifi", "classroom"), paper("rules")))
    assert outcome(judged(pack, wifi("1"))) == (OPEN, Reason.UNDECLARED, "0", "2", None)
    assert outcome(judged(pack, [*wifi("1"), declared("rules", "1")])) == (OPEN, Reason.WEAK_PROOF, "0", "2", "2")
    assert outcome(judged(pack, [*wifi("0"), declared("rules", "1")])) == (FAILED, None, "0", "0", None)


# --- awards ---------------------------------------------------------------------------------------------------------


def test_parts_with_points_of_their_own_add_up() -> None:
    """Of 1 + 2 points one part is met and one is not: one point proven, two lost."""
    pack = book.standard(
        clause("1", "3", room("a", "classroom", points="1"), room("b", "office", points="2"), award="sum-of-parts")
    )
    found = judged(pack, [*wifi("1"), *wifi("0", kind="office")])
    assert outcome(found) == (PARTLY, None, "1", "0", None)
    assert outcome(judged(pack, wifi("1"))) == (OPEN, Reason.NO_TARGET, "1", "2", None)


def test_the_best_of_several_parts_counts() -> None:
    """Two ways to points of different worth: the better one that is proven counts, the better open one is open."""
    parts = (room("a", "classroom", points="1"), room("b", "office", points="2"))
    pack = book.standard(clause("1", "2", *parts, award="best-of"))
    assert outcome(judged(pack, [*wifi("1"), *wifi("0", kind="office")])) == (PARTLY, None, "1", "0", None)
    assert outcome(judged(pack, wifi("1"))) == (OPEN, Reason.NO_TARGET, "1", "1", None)
    assert outcome(judged(pack, wifi("1", kind="office"))) == (MET, None, "2", "0", None)


def test_alternatives_are_one_part_of_a_clause() -> None:
    """Titles or terabytes, and renewed every year: one of the first two, and the third."""
    parts = (room("a", "classroom", either="size"), room("b", "office", either="size"), room("c", "library"))
    pack = book.standard(clause("1", "2", *parts))
    library = wifi("1", kind="library")
    strong = [figure(WIFI, "office:a", "1", Grade.MEASURED)]
    found = judged(pack, [*library, *wifi("0"), *strong])
    assert outcome(found)[0] is MET
    assert found.clauses[0].grade is Grade.CORROBORATED  # the library's
    assert outcome(judged(pack, [*library, *wifi("0"), *wifi("0", kind="office")]))[0] is FAILED
    assert outcome(judged(pack, [*library, *wifi("0")]))[0] is OPEN


def test_an_informative_row_is_judged_and_worth_nothing() -> None:
    """A condition of entry is shown met or not, and never moves the sum."""
    pack = book.standard(clause("0", "0", room("entry", "classroom"), informative=True))
    for value, expected in (("1", MET), ("0", FAILED)):
        found = judged(pack, wifi(value))
        assert (found.clauses[0].outcome, found.points_proven, found.points_judged) == (expected, "0", "0")


# --- the whole standard ---------------------------------------------------------------------------------------------


def directions(**fields: Any) -> Standard:
    """Two directions of 15 of which one counts, and a clause beside them."""
    section = {"title": book.WORDS, "points": "15"}
    return book.standard(
        clause("1", "8", room("base", "classroom"), section="base"),
        clause("2", "15", room("one", "office"), section="first"),
        clause("3", "15", room("two", "library"), section="second"),
        total="23",
        sections=[
            {"id": "base", "title": book.WORDS, "points": "8"},
            {"id": "choice", **section, "combine": "choose"},
            {"id": "first", "parent": "choice", **section},
            {"id": "second", "parent": "choice", **section},
        ],
        **fields,
    )


def test_one_of_the_directions_counts() -> None:
    """The one applied for; without an application the one with the most points. The other is judged, not counted."""
    readings = [*wifi("1"), *wifi("0", kind="office"), *wifi("1", kind="library")]
    found = judged(directions(), readings)
    assert [(one.section, one.chosen, one.by) for one in found.choices] == [("choice", "second", "points")]
    assert (found.points_proven, found.points_judged) == ("23", "23")
    assert [one.left_out for one in found.clauses] == ["", "choice", ""]
    applied = judged(directions(), readings, choices={"choice": "first"})
    assert [(one.chosen, one.by) for one in applied.choices] == [("first", "campus")]
    assert (applied.points_proven, applied.points_open, applied.points_judged) == ("8", "0", "23")
    unknown = judged(directions(), readings, choices={"choice": "third"})
    assert unknown.choices == found.choices


def test_a_veto_is_breached_open_or_cleared() -> None:
    """One basic clause that is not met forbids the level; one outside is never settled here."""
    veto = {"id": "basic", "title": book.WORDS, "levels": ["four"]}
    levels = [{"id": "four", "title": book.WORDS}]
    star = clause("2", "1", room("displays", "classroom"), veto="basic")
    plain = clause("3", "1", room("plain", "office"))
    inside = book.standard(star, plain, vetoes=[veto], levels=levels)
    for value, expected, breached in (("1", MET, ()), ("0", FAILED, ("2",))):
        (found,) = judged(inside, [*wifi(value), *wifi("0", kind="office")]).vetoes
        assert (found.outcome, found.breached, found.open) == (expected, breached, ())
    outside = {"id": "11", "title": book.WORDS, "points": "5", "outside": True, "veto": "basic"}
    (found,) = judged(book.standard(star, outside, vetoes=[veto], levels=levels), wifi("1")).vetoes
    assert (found.outcome, found.open) == (OPEN, ("11",))


@pytest.mark.parametrize(
    ("mark", "total", "expected"),
    [("8", "23", MET), ("8.5", "23", OPEN), ("80", "110", OPEN), ("20", "23", FAILED)],
)
def test_the_pass_mark_is_certain_only_when_nothing_can_change_it(mark: str, total: str, expected: Outcome) -> None:
    """Proven points pass, lost points fail; what is not judged here may still earn all that it is worth."""
    first = clause("1", "8", room("a", "classroom"))
    second = clause("2", "15", room("b", "office"))
    pack = book.standard(first, second, total=total, pass_mark=mark)
    lost = wifi("0", kind="office") if expected is FAILED else []
    assert judged(pack, [*wifi("1"), *lost]).passed is expected


@given(st.lists(st.sampled_from(["0", "1", "?"]), min_size=1, max_size=6), st.data())
def test_proven_open_and_lost_points_add_up(rooms: list[str], data: st.DataObject) -> None:
    """Whatever open figures turn out to be, the points end between proven and proven plus open."""
    part = counted("share", {"kind": "deduct", "threshold": "80", "points": "4", "minus": "0.1"})
    pack = book.standard(clause("1", "4", part, award="scale"), clause("2", "3", room("each", "classroom")))
    known = [figure(WIFI, f"classroom:{n}", value) for n, value in enumerate(rooms) if value != "?"]
    still = {(WIFI, f"classroom:{n}"): Open(Reason.REFUSED, "0", "1") for n, v in enumerate(rooms) if v == "?"}
    before = judged(pack, known, still)
    later = [figure(WIFI, subject, data.draw(st.sampled_from(["0", "1"]))) for _, subject in still]
    after = judged(pack, [*known, *later])
    assert after.points_open == "0"
    low = Fraction(before.points_proven)
    assert low <= Fraction(after.points_proven) <= low + Fraction(before.points_open)
    for found in (before, after):
        assert Fraction(found.points_proven) + Fraction(found.points_open) <= Fraction(found.points_judged) == 7


# --- derivations ----------------------------------------------------------------------------------------------------


def test_derivations_are_run_with_the_settings_of_the_standard_and_of_the_criterion() -> None:
    """A setting that the derivation does not know is an error that names it, from the standard or from a criterion."""
    school = scenes.campus()
    for pack in (
        book.standard(clause("1", "1", room("wifi", "classroom")), methods={"rooms": {"teapots": "3"}}),
        book.standard(
            clause(
                "1",
                "1",
                book.criterion(
                    "wifi",
                    measure={"metric": WIFI, "subjects": "classroom", "unit": "1", "method": {"teapots": "3"}},
                ),
            )
        ),
    ):
        with pytest.raises(ConfigError, match="teapots"):
            assess(pack, book.NO_PACK, [], metrics=scenes.METRICS, campus=school, window=book.WINDOW)


def test_a_smart_class_is_derived_from_the_campus_file() -> None:
    """With a campus file, derived figures come from it and the readings, never from a reading of that name."""
    pack = book.standard(
        clause("1", "1", book.criterion("smart", measure={"metric": SMART, "subjects": "class", "unit": "1"}))
    )
    forged = [figure(SMART, "class:1-1", "1")]
    found = assess(pack, book.NO_PACK, forged, metrics=scenes.METRICS, campus=scenes.campus(), window=book.WINDOW)
    assert found.clauses[0].findings[0].reason is Reason.NO_TARGET
    alone = assess(pack, book.NO_PACK, forged, metrics=scenes.METRICS, window=book.WINDOW)
    assert alone.clauses[0].outcome is MET
