"""Jiangsu 2018: the printed sums, what a machine can prove of it, and worked schools."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from agent.model.campus import Campus, School
from agent.model.finding import Outcome, Reason
from tests.packs.worked_schools import (
    FIREWALL,
    GATEWAY,
    HALF_A_YEAR_AGO,
    NIGHT,
    STANDARDS,
    clause,
    declarations,
    good,
    judged,
    log,
    log_source,
    outcomes_of_logs,
    parts,
    section_sums,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.model.logs import LogSource
    from agent.model.reading import Reading

JIANGSU = STANDARDS["jiangsu-2018"]
PRINTED = {
    "1": "25",
    "1.1": "7",
    "1.2": "6",
    "1.3": "6",
    "1.4": "3",
    "1.5": "3",
    "2": "20",
    "2.1": "6",
    "2.2": "10",
    "2.3": "4",
    "3": "15",
    "3.1": "5",
    "3.2": "5",
    "3.3": "5",
    "4": "25",
    "4.1": "12",
    "4.2": "10",
    "4.3": "3",
    "5": "15",
    "5.1": "3",
    "5.2": "4",
    "5.3": "6",
    "5.4": "2",
    "6": "10",
    "6.1": "3",
    "6.2": "6",
    "6.3": "1",
}
"""The table of weights in the document."""


def test_the_sums_are_those_of_the_table_of_weights() -> None:
    """73 items in 21 groups come to the table of weights, to 100, and with the last heading to 110."""
    assert section_sums(JIANGSU) == PRINTED == {section.id: section.points for section in JIANGSU.sections}
    assert len(JIANGSU.indicators) == 73
    assert sum(section.parent is not None for section in JIANGSU.sections) == 21
    assert sum(int(PRINTED[name]) for name in "123456") == int(JIANGSU.total) == 110
    assert JIANGSU.pass_mark == "80"


def test_how_much_of_the_hardware_a_machine_can_prove() -> None:
    """The network, the terminals and the logs are proven in full; what needs a document is told apart."""
    reach = {indicator.id: indicator.reach for indicator in JIANGSU.indicators if not indicator.outside}
    full = {name for name, value in reach.items() if value == "full"}
    assert full == {"1.1.1", "1.1.2", "1.1.3", "1.1.4", "1.2.1", "1.2.2", "1.2.4", "1.2.5", "1.3.2", "1.4.2", "1.5.2"}
    assert {name for name, value in reach.items() if value == "declared"} == {"1.2.3", "1.4.1", "1.4.3", "1.4.4"}
    assert {name.split(".")[0] for name in reach} == {"1", "6"}
    assert [name for name in reach if name.startswith("6")] == ["6.1.3"]


def test_every_interpretation_is_one_that_a_criterion_or_the_whole_rests_on() -> None:
    """No reading of an ambiguous text is left over, and none is missing."""
    used = {name for part in parts(JIANGSU) for name in part.interpretations}
    assert {item.id for item in JIANGSU.interpretations} == used | {"numbering", "above-hundred"}


class TestWorkedSchools:
    def test_a_school_where_all_is_well_and_nothing_declared(self) -> None:
        """Clauses that machines prove in full are proven; clauses that want a document are open, none is lost."""
        result = judged("jiangsu-2018", good())
        assert (result.points_judged, result.points_proven, result.points_open) == ("26", "13.5", "12.5")
        assert (result.pass_mark, result.passed) == ("80", Outcome.INCONCLUSIVE)

    def test_documents_answer_what_is_open(self) -> None:
        """With every document declared, all open points rest on declarations, for a person to accept."""
        result = judged("jiangsu-2018", good() + declarations("jiangsu-2018"))
        assert (result.points_proven, result.points_open, result.points_declared) == ("13.5", "12.5", "12.5")

    def test_a_school_that_nothing_is_known_of(self) -> None:
        """Nothing is proven and nothing is lost."""
        result = judged("jiangsu-2018", [])
        assert (result.points_proven, result.points_open) == ("0", "26")

    @pytest.mark.parametrize(
        ("metric", "subject", "value", "number"),
        [
            ("link.speed", "egress:telecom", "999", "1.1.1"),
            ("link.speed", "classroom:1-1", "10", "1.1.1"),
            ("room.wifi", "activity:a-1", "0", "1.1.2"),
            ("platform.availability", "platform:education-network", "94", "1.1.3"),
            ("system.answers", "system:tv", "0", "1.1.4"),
            ("ratio.computers_per_teacher", "stage:all", "0.9", "1.2.1"),
            ("ratio.students_per_computer", "stage:primary", "10.1", "1.2.2"),
            ("room.public_terminal", "activity:a-1", "0", "1.2.4"),
            ("room.display", "classroom:1-1", "0", "1.3.1"),
            ("room.recording", "recording-room:r-1", "0", "1.3.2"),
            ("class.smart", "class:1-2", "0", "1.3.3"),
            ("security.function", "security:waf", "0", "1.4.2"),
            ("security.function", "security:behaviour-management", "0", "1.4.2"),
            ("logs.gap", "user-access-log:gate", "1", "1.4.2"),
            ("surveillance.area", "area:gathering", "0", "1.5.1"),
            ("surveillance.area", "area:kitchen", "0", "1.5.2"),
        ],
    )
    def test_one_breach_loses_its_clause_and_no_other(self, metric: str, subject: str, value: str, number: str) -> None:
        """A single figure below what is asked loses all points of its clause, and only those."""
        result = judged("jiangsu-2018", good({(metric, subject): value}))
        assert [item.clause for item in result.clauses if item.outcome is Outcome.NOT_SATISFIED] == [number]
        assert clause(result, number).points_open == "0"

    def test_one_kind_of_innovation_equipment_is_enough(self) -> None:
        """Robots alone, or virtual reality alone, show the laboratory; without any it stays open or is lost."""
        documents = declarations("jiangsu-2018")
        either = {("room.robot", "innovation-room:i-1"): "0"}
        assert clause(judged("jiangsu-2018", good(either) + documents), "6.1.3").points_declared == "1"
        neither = either | {("room.vr", "virtual-space:v-1"): "0"}
        result = clause(judged("jiangsu-2018", good(neither) + documents), "6.1.3")
        # No 3D printer and no kit is listed: those parts are open, and could still win it.
        assert (result.outcome, result.points_declared) == (Outcome.INCONCLUSIVE, None)

    @pytest.mark.parametrize(("stages", "asked"), [(["primary", "junior"], False), (["junior", "senior"], True)])
    def test_class_boards_are_for_senior_schools(self, stages: Sequence[str], *, asked: bool) -> None:
        """A school without senior stage is not asked for boards and course selection."""
        school = School.from_json({"id": "s", "name": "s", "stages": list(stages)})
        result = clause(judged("jiangsu-2018", [], Campus(version="1", school=school)), "1.3.1")
        outcomes = {finding.criterion: finding.outcome for finding in result.findings}
        wanted = Outcome.INCONCLUSIVE if asked else Outcome.NOT_APPLICABLE
        assert (outcomes["class-boards"], outcomes["course-selection"]) == (wanted, wanted)
        assert outcomes["display-classrooms"] is Outcome.INCONCLUSIVE
        assert result.points == "1.5"

    def test_the_finding_says_how_the_printed_ratio_is_read(self) -> None:
        """The document prints the ratio the wrong way round; how it is read stands in the finding."""
        (finding,) = clause(judged("jiangsu-2018", good()), "1.2.2").findings
        assert "at-most" in {item.chosen for item in finding.interpretations}


class TestSixMonthsOfLogs:
    """From what a log store tells to the findings of 1.4.2."""

    def outcomes(self, readings: list[Reading], *sources: LogSource) -> list[tuple[str, str | None]]:
        """Return outcome and reason of the four parts that are about logs."""
        return outcomes_of_logs("jiangsu-2018", "1.4.2", readings, *sources)

    def test_six_calendar_months_of_both_kinds(self) -> None:
        """Log back to the same day of the month six months ago is enough."""
        assert self.outcomes(log("fw", HALF_A_YEAR_AGO) + log("gate", HALF_A_YEAR_AGO)) == [("satisfied", None)] * 4

    def test_a_day_short_of_six_months(self) -> None:
        """A day less is open while the log is young, and lost once older log was deleted."""
        short = log("gate", HALF_A_YEAR_AGO + timedelta(days=1))
        readings = log("fw", HALF_A_YEAR_AGO) + short
        young = ("inconclusive", Reason.WINDOW_TOO_SHORT)
        assert self.outcomes(readings) == [("satisfied", None), ("satisfied", None), young, young]
        earlier = log("gate", HALF_A_YEAR_AGO - timedelta(days=30), at=NIGHT - timedelta(days=30))
        assert self.outcomes(earlier + readings)[2] == ("not-satisfied", None)

    def test_one_missing_day_is_one_too_many(self) -> None:
        """A day without log ends the stretch, and is a gap; on a Sunday it counts as well."""
        for lost in (NIGHT - timedelta(days=60), NIGHT - timedelta(days=7)):
            found = self.outcomes(log("fw", HALF_A_YEAR_AGO, but=[lost]) + log("gate", HALF_A_YEAR_AGO))
            assert found == [("not-satisfied", None)] * 2 + [("satisfied", None)] * 2

    def test_a_source_that_must_write_on_school_days_may_rest_on_sundays(self) -> None:
        """Of a source that writes on school days, a Sunday without log is no gap; a Friday is."""
        source = log_source("fw", "system", days="school-days")
        sunday, friday = NIGHT - timedelta(days=7), NIGHT - timedelta(days=9)
        for lost, outcome in ((sunday, "satisfied"), (friday, "not-satisfied")):
            found = self.outcomes(
                log("fw", HALF_A_YEAR_AGO, but=[lost]) + log("gate", HALF_A_YEAR_AGO), source, GATEWAY
            )
            assert found[0] == (outcome, None)

    def test_one_silent_source(self) -> None:
        """A source whose store said nothing leaves its kind open, however good the other sources are."""
        readings = log("fw", HALF_A_YEAR_AGO) + log("gate", HALF_A_YEAR_AGO)
        found = self.outcomes(readings, FIREWALL, GATEWAY, log_source("wifi", "user-access"))
        assert [outcome for outcome, _ in found] == ["satisfied", "satisfied", "inconclusive", "inconclusive"]

    def test_a_source_that_fell_silent_is_a_breach(self) -> None:
        """A source that the store has had nothing of for a week has a gap, and keeps no months."""
        quiet = [NIGHT - timedelta(days=day) for day in range(8)]
        found = self.outcomes(log("fw", HALF_A_YEAR_AGO, but=quiet) + log("gate", HALF_A_YEAR_AGO))
        assert found == [("not-satisfied", None)] * 2 + [("satisfied", None)] * 2


def test_the_same_readings_give_the_same_bytes() -> None:
    """Judging twice, with the readings in another order, gives the same assessment."""
    assert judged("jiangsu-2018", good()) == judged("jiangsu-2018", good()[::-1])
