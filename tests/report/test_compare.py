"""What-if, pure: the same evidence by two packs, what differs first, nothing else called a difference."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from agent.assess.assess import assess
from agent.model.standard import Bands
from agent.report.compare import compared, comparison_json, comparison_lines
from tests.packs.bozhou_schools import METRICS, SCHOOL, WINDOW, figures, judged

if TYPE_CHECKING:
    from agent.model.finding import Assessment
    from agent.model.standard import Indicator, Standard


def stricter() -> Standard:
    """Return the shipped pack with twice the bandwidth for every band, and other words everywhere."""

    def doubled(indicator: Indicator) -> Indicator:
        (part,) = indicator.criteria
        assert isinstance(part.judge, Bands)
        bands = [{"at_least": str(int(one.at_least) * 2), "points": one.points} for one in part.judge.bands]
        judge = Bands.model_validate_json(json.dumps({"kind": "bands", "bands": bands}))
        return indicator.model_copy(update={"criteria": (part.model_copy(update={"judge": judge}),)})

    title = SCHOOL.value.title
    indicators = tuple(
        doubled(one) if one.id == "1.1" else one.model_copy(update={"title": title}) for one in SCHOOL.value.indicators
    )
    return SCHOOL.value.model_copy(update={"version": "9.0.0", "indicators": indicators})


def again(standard: Standard) -> Assessment:
    """Judge the same readings by another pack."""
    return assess(standard, "sha256:" + "9" * 64, figures(mbps="500"), metrics=METRICS, window=WINDOW)


def test_the_same_pack_gives_no_difference() -> None:
    """A comparison with itself is empty, whatever is in it."""
    comparison = compared(judged(mbps="500"), judged(mbps="500"))
    assert comparison.differing == 0
    assert all(row[4] == "=" and not row[5] for row in comparison_lines(comparison, "en"))


def test_a_new_version_differs_where_its_thresholds_do_and_nowhere_else() -> None:
    """500 Mbit/s had 8 points and has 4 at twice the thresholds; new words alone are no difference."""
    comparison = compared(judged(mbps="500"), again(stricter()))
    assert [pair.clause for pair in comparison.pairs if pair.differs] == ["1.1"]
    assert comparison.pairs[0].clause == "1.1"
    row = next(iter(comparison_lines(comparison, "en")))
    assert row[2].startswith("8/8")
    assert row[3].startswith(f"{comparison.now.clauses[0].points_proven}/8")
    assert row[4] == str(int(comparison.now.points_proven) - 8)
    assert "threshold 500" in row[5]


def test_the_clauses_that_are_the_same_follow_in_the_order_of_the_document() -> None:
    """Nothing is left out, and nothing is there twice."""
    comparison = compared(judged(mbps="500"), again(stricter()))
    order = [one.clause for one in comparison.now.clauses]
    assert [pair.clause for pair in comparison.pairs] == ["1.1", *(name for name in order if name != "1.1")]


def test_clauses_that_only_one_version_has() -> None:
    """A clause that went and one that came are differences of all their points."""
    full = judged(mbps="500")
    less = full.model_copy(update={"clauses": full.clauses[1:], "points_proven": "0"})
    gone, came = compared(full, less), compared(less, full)
    assert (gone.pairs[0].clause, gone.pairs[0].now, str(gone.pairs[0].gain())) == ("1.1", None, "-8")
    assert (came.pairs[0].clause, came.pairs[0].then, str(came.pairs[0].gain())) == ("1.1", None, "8")
    assert next(iter(comparison_lines(gone, "en")))[3] == "–"


def test_numbers_of_two_standards_are_not_mixed_up() -> None:
    """Clause 1 of one document has nothing to do with clause 1 of another."""
    comparison = compared(judged(mbps="500"), judged("jiangsu-2018", mbps="500"))
    assert all(pair.then is None or pair.now is None for pair in comparison.pairs)
    assert len(comparison.pairs) == len(comparison.then.clauses) + len(comparison.now.clauses)


def test_another_reading_of_the_text_is_a_difference() -> None:
    """A finding that came to the same by another interpretation is shown: the next case may come to another."""
    full = judged(mbps="500")
    first = full.clauses[0].findings[0]
    others = tuple(one.model_copy(update={"chosen": "otherwise"}) for one in first.interpretations)
    clause = full.clauses[0].model_copy(update={"findings": (first.model_copy(update={"interpretations": others}),)})
    changed = full.model_copy(update={"clauses": (clause, *full.clauses[1:])})
    comparison = compared(full, changed)
    assert comparison.differing == 1
    assert "read differently" in next(iter(comparison_lines(comparison, "en")))[5]


def test_json_says_the_same() -> None:
    """Then, now and gain per clause; no float, no observations."""
    comparison = compared(judged(mbps="500"), again(stricter()))
    told = json.loads(json.dumps(comparison_json(comparison)), parse_float=lambda text: 1 / 0)
    assert told["differing"] == 1
    assert [one["differs"] for one in told["clauses"]] == [True, *[False] * (len(told["clauses"]) - 1)]
    first = told["clauses"][0]
    assert first["then"]["points_proven"] == "8"
    assert first["gain"] == told["gain"]
    assert first["criteria"][0]["then"]["threshold"] == "500"
    assert "observations" not in json.dumps(told)
