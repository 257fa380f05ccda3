"""Huzhou 3.0: the printed sums, what a machine can prove of it, and worked schools."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

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
    reading,
    school_of_logs,
    section_sums,
)

if TYPE_CHECKING:
    from agent.model.logs import LogSource
    from agent.model.reading import Reading

HUZHOU = STANDARDS["huzhou-3.0"]
PRINTED = {
    "1": "36",
    "1.1": "12",
    "1.2": "5",
    "1.3": "6",
    "1.4": "3",
    "1.5": "2",
    "1.6": "6",
    "1.7": "2",
    "2": "12",
    "2.1": "8",
    "2.2": "4",
    "3": "4",
    "3.1": "1",
    "3.2": "1",
    "3.3": "1",
    "3.4": "1",
    "4": "20",
    "4.1": "3",
    "4.2": "2",
    "4.3": "4",
    "4.4": "3",
    "4.5": "3",
    "4.6": "3",
    "4.7": "2",
    "5": "15",
    "5.1": "4",
    "5.2": "4",
    "5.3": "4",
    "5.4": "3",
    "6": "13",
    "6.1": "2",
    "6.2": "4",
    "6.3": "2",
    "6.4": "3",
    "6.5": "2",
}
"""Sums that stand beside the headings of the document; the last heading has a pool of 20."""


def test_the_sums_are_those_that_are_printed() -> None:
    """88 rows come to the sums beside the headings, to 100, and with the pool of the last heading to 120."""
    sums = section_sums(HUZHOU)
    assert {name: value for name, value in sums.items() if name != "7"} == PRINTED
    assert {section.id: section.points for section in HUZHOU.sections} == PRINTED | {"7": "20"}
    assert [section.id for section in HUZHOU.sections if section.combine == "pool"] == ["7"]
    assert len(HUZHOU.indicators) == 88
    assert sum(int(PRINTED[name]) for name in "123456") + 20 == int(HUZHOU.total)


def test_how_much_of_the_hardware_a_machine_can_prove() -> None:
    """The network is proven in full; what needs a document or the word of others is told apart."""
    reach = {indicator.id: indicator.reach for indicator in HUZHOU.indicators if not indicator.outside}
    full = {name for name, value in reach.items() if value == "full"}
    declared = {name for name, value in reach.items() if value == "declared"}
    assert full == {"1.1.1", "1.1.2", "1.1.3", "1.2.1", "1.2.2", "1.2.3"}
    assert declared == {"1.1.5", "1.2.4", "1.7.1", "1.7.2"}
    assert {name.rsplit(".", 1)[0] for name in reach} == {"1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "1.7", "3.1", "4.6"}


def test_every_interpretation_is_one_that_a_criterion_or_the_whole_rests_on() -> None:
    """No reading of an ambiguous text is left over, and none is missing."""
    used = {name for part in parts(HUZHOU) for name in part.interpretations}
    of_the_whole = {"numbering", "feature-pool"}
    assert {item.id for item in HUZHOU.interpretations} == used | of_the_whole


class TestWorkedSchools:
    def test_a_school_where_all_is_well_and_nothing_declared(self) -> None:
        """Clauses that machines prove in full are proven; clauses that want a document are open, none is lost."""
        result = judged("huzhou-3.0", good())
        assert result.points_judged == "37.5"
        assert result.points_proven == "9"
        assert result.points_open == "28.5"
        assert result.points_declared is None

    def test_documents_answer_what_is_open(self) -> None:
        """With every document declared, all open points rest on declarations, for a person to accept."""
        result = judged("huzhou-3.0", good() + declarations("huzhou-3.0"))
        assert (result.points_proven, result.points_open, result.points_declared) == ("9", "28.5", "28.5")
        assert all(item.outcome in {Outcome.SATISFIED, Outcome.INCONCLUSIVE} for item in result.clauses)

    def test_documents_that_are_denied_lose_their_clauses(self) -> None:
        """What the school itself says it has not is lost, however well the rest was measured."""
        result = judged("huzhou-3.0", good() + declarations("huzhou-3.0", "0"))
        assert (result.points_proven, result.points_open) == ("9", "0")

    def test_a_school_that_nothing_is_known_of(self) -> None:
        """Nothing is proven and nothing is lost."""
        result = judged("huzhou-3.0", [])
        assert (result.points_proven, result.points_open) == ("0", "37.5")
        assert {item.outcome for item in result.clauses} == {Outcome.INCONCLUSIVE}

    @pytest.mark.parametrize(
        ("metric", "subject", "value", "number"),
        [
            ("link.speed", "egress:telecom", "9999", "1.1.1"),
            ("topology.link.speed", "backbone:core/1--east/1", "1000", "1.1.1"),
            ("link.speed", "office:o-1", "100", "1.1.1"),
            ("room.wired", "canteen:c-1", "0", "1.1.2"),
            ("room.wifi", "library:b-1", "0", "1.1.2"),
            ("ipv6.layer", "ipv6:terminals", "0", "1.1.2"),
            ("system.answers", "system:conference", "0", "1.1.3"),
            ("security.function", "security:antivirus", "0", "1.1.4"),
            ("security.function", "security:content-filter", "0", "1.1.6"),
            ("ratio.students_per_computer", "stage:primary", "5.6", "1.2.2"),
            ("room.public_terminal", "canteen:c-1", "0", "1.2.3"),
            ("room.recording", "studio:s-1", "0", "1.3.3"),
            ("telemetry.fresh", "iot:air", "0", "1.5.2"),
            ("surveillance.area", "area:kitchen", "0", "1.6.2"),
        ],
    )
    def test_one_breach_loses_its_clause_and_no_other(self, metric: str, subject: str, value: str, number: str) -> None:
        """A single figure below what is asked loses all points of its clause, and only those."""
        result = judged("huzhou-3.0", good({(metric, subject): value}))
        lost = [item.clause for item in result.clauses if item.outcome is Outcome.NOT_SATISFIED]
        # Live points are five or more: one of six may fail, two may not.
        assert lost == ([] if metric == "room.recording" else [number])

    def test_four_live_points_are_too_few(self) -> None:
        """Of six rooms with a recording host two fail, and four are left."""
        gone = {("room.recording", "studio:s-1"): "0", ("room.recording", "hall:h-1"): "0"}
        result = clause(judged("huzhou-3.0", good(gone)), "1.3.3")
        finding = next(item for item in result.findings if item.criterion == "live-points")
        assert (finding.outcome, finding.value, finding.threshold) == (Outcome.NOT_SATISFIED, "4", "5")
        assert finding.subjects == {"holds": 4, "fails": 2}

    def test_the_finding_says_how_six_months_are_read(self) -> None:
        """The reading of the ambiguous text stands in the finding."""
        result = clause(judged("huzhou-3.0", good()), "1.1.4")
        finding = next(item for item in result.findings if item.criterion == "system-log-six-months")
        assert [item.chosen for item in finding.interpretations] == ["calendar-months", "all-listed"]


class TestSixMonthsOfLogs:
    """From what a log store tells to the findings of 1.1.4."""

    def outcomes(self, readings: list[Reading], *sources: LogSource) -> list[tuple[str, str | None]]:
        """Return outcome and reason of the four parts that are about logs."""
        return outcomes_of_logs("huzhou-3.0", "1.1.4", readings, *sources)

    def test_six_calendar_months_of_both_kinds(self) -> None:
        """Log back to the same day of the month six months ago is enough."""
        assert self.outcomes(log("fw", HALF_A_YEAR_AGO) + log("gate", HALF_A_YEAR_AGO)) == [("satisfied", None)] * 4

    def test_a_day_short_of_six_months_while_the_log_is_young(self) -> None:
        """A day less may still grow: open, and said to be so far."""
        found = self.outcomes(log("fw", HALF_A_YEAR_AGO + timedelta(days=1)) + log("gate", HALF_A_YEAR_AGO))
        young = ("inconclusive", Reason.WINDOW_TOO_SHORT)
        assert found == [young, young, ("satisfied", None), ("satisfied", None)]

    def test_a_day_short_of_six_months_after_older_log_was_deleted(self) -> None:
        """The store had older days a month ago, and has not now: kept for less than six months."""
        earlier = log("fw", HALF_A_YEAR_AGO - timedelta(days=30), at=NIGHT - timedelta(days=30))
        found = self.outcomes(earlier + log("fw", HALF_A_YEAR_AGO + timedelta(days=1)) + log("gate", HALF_A_YEAR_AGO))
        assert found[0] == ("not-satisfied", None)
        assert found[2:] == [("satisfied", None), ("satisfied", None)]

    def test_one_missing_day_is_one_too_many(self) -> None:
        """A day without log two months ago ends the stretch, and is a gap."""
        lost = [NIGHT - timedelta(days=60)]
        found = self.outcomes(log("fw", HALF_A_YEAR_AGO) + log("gate", HALF_A_YEAR_AGO, but=lost))
        assert found == [("satisfied", None), ("satisfied", None), ("not-satisfied", None), ("not-satisfied", None)]

    def test_a_missing_day_before_the_six_months_does_not_matter(self) -> None:
        """What lies further back than six months is not asked for."""
        lost = [HALF_A_YEAR_AGO - timedelta(days=1)]
        readings = log("fw", HALF_A_YEAR_AGO - timedelta(days=9), but=lost) + log("gate", HALF_A_YEAR_AGO)
        assert self.outcomes(readings) == [("satisfied", None)] * 4

    def test_a_source_that_wrote_nothing_for_weeks(self) -> None:
        """A source of which the store has had nothing for three weeks has a gap, and keeps no months."""
        quiet = [NIGHT - timedelta(days=day) for day in range(22)]
        found = self.outcomes(log("fw", HALF_A_YEAR_AGO, but=quiet) + log("gate", HALF_A_YEAR_AGO))
        assert found == [("not-satisfied", None), ("not-satisfied", None), ("satisfied", None), ("satisfied", None)]

    def test_one_source_whose_store_said_nothing_stays_open(self) -> None:
        """One of two firewalls is stored somewhere that was never heard of: nothing is proven of either."""
        second = log_source("fw-2", "system")
        readings = log("fw", HALF_A_YEAR_AGO) + log("gate", HALF_A_YEAR_AGO)
        found = self.outcomes(readings, FIREWALL, second, GATEWAY)
        assert [outcome for outcome, _ in found] == ["inconclusive", "inconclusive", "satisfied", "satisfied"]

    def test_a_source_that_nobody_stores_is_a_breach(self) -> None:
        """The school lists a source and keeps no log of it."""
        readings = log("fw", HALF_A_YEAR_AGO) + log("gate", HALF_A_YEAR_AGO)
        found = self.outcomes(readings, FIREWALL, log_source("fw-2", "system", stored=False), GATEWAY)
        assert [outcome for outcome, _ in found] == ["not-satisfied", "not-satisfied", "satisfied", "satisfied"]

    def test_one_kind_of_log_is_not_the_other(self) -> None:
        """Without any source of user log, that part is open for want of a target."""
        found = self.outcomes(log("fw", HALF_A_YEAR_AGO), FIREWALL)
        assert found == [("satisfied", None)] * 2 + [("inconclusive", Reason.NO_TARGET)] * 2

    def test_the_clause_is_lost_by_a_proven_gap_although_the_rest_is_open(self) -> None:
        """A breach outranks what is missing: no document can win the clause back."""
        lost = [NIGHT - timedelta(days=60)]
        readings = [*log("fw", HALF_A_YEAR_AGO, but=lost), reading("log.search", "log:es/gate", "complete")]
        result = clause(judged("huzhou-3.0", readings, school_of_logs(FIREWALL, GATEWAY)), "1.1.4")
        assert (result.outcome, result.points_proven, result.points_open) == (Outcome.NOT_SATISFIED, "0", "0")
