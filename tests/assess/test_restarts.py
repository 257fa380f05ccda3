"""Restarts that devices tell of between two polls: counters are not carried over them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.assess.observe import counter_samples
from agent.assess.rates import Sample, rates
from agent.assess.samples import Readings, milliseconds, moment
from agent.canonical import digest
from agent.model.reading import Grade, Reading
from tests.assess.scenes import START, campus, egress, judged, line, series, window

POLL = 300_000
BAND = [600] * 12


def told(metric: str, subject: str, offset_ms: int) -> Reading:
    """A restart that arrived so long after the first poll."""
    return Reading(
        metric=metric,
        subject=subject,
        value="cold",
        unit="",
        at=moment(milliseconds(START) + offset_ms),
        grade=Grade.REPORTED,
        sources=(digest(b"the notification"),),
    )


def restarted(readings: list[Reading], metric: str, subject: str) -> list[int]:
    """Places of the samples that follow a restart."""
    samples = counter_samples(Readings(readings), metric, subject)
    return [place for place, sample in enumerate(samples) if sample.restarted]


def test_a_restart_between_two_polls_is_a_reset() -> None:
    """Counter and uptime may look undisturbed: a device that told of a restart gives no rate across it."""
    samples = [Sample(n * POLL, 10**12 + n * 1000, 10**7 + n * POLL // 10) for n in range(4)]
    samples[2] = replace(samples[2], restarted=True)
    found = rates(samples, POLL)
    assert [(gone.since, gone.until, gone.reason) for gone in found.excluded] == [(POLL, 2 * POLL, "reset")]
    assert len(found.intervals) == 2


@given(st.integers(-POLL, 12 * POLL))
def test_a_restart_costs_one_interval_at_most(offset: int) -> None:
    """Whenever it comes, it belongs to the first poll at or after it, and to no other."""
    readings = [*line("telecom", BAND, [10**8] * 11), told("link.restart", "egress:telecom", offset)]
    places = [max(0, -(-offset // POLL))]
    assert restarted(readings, "link.octets.in", "egress:telecom") == (places if places[0] < 12 else [])


@pytest.mark.parametrize(
    ("metric", "subject", "expected"),
    [
        ("device.restart", "asset:core", [2]),
        ("device.restart", "asset:co", []),
        ("device.restart", "asset:core/eth0", [2]),
        ("link.restart", "egress:core", []),
    ],
)
def test_a_restart_counts_for_the_ports_of_that_device_only(metric: str, subject: str, expected: list[int]) -> None:
    """A port is of the asset whose whole name it begins with; where two fit, a restart of either counts."""
    port = "interface:core/eth0/1"
    readings = series("interface.octets.in", port, [1, 2, 3, 4])
    assert restarted([*readings, told(metric, subject, POLL + 1)], "interface.octets.in", port) == expected


def test_the_finding_says_that_an_interval_was_lost_to_a_restart() -> None:
    """The reason stands in the finding's excluded intervals, and the traffic of the others is judged as before."""
    school = campus(egress("telecom", "1000"))
    quiet = line("telecom", BAND, [10**8] * 11)
    found = judged(
        "bozhou-school-2024", [*quiet, told("link.restart", "egress:telecom", 4 * POLL - 1)], school, window(12)
    )
    plain = judged("bozhou-school-2024", quiet, school, window(12))

    def resets(assessment: object) -> list[int]:
        observations = [
            seen
            for clause in assessment.clauses  # type: ignore[attr-defined]  # an Assessment
            for finding in clause.findings
            for seen in finding.observations
            if seen.metric == "link.octets.in"
        ]
        return [seen.excluded.get("reset", 0) for seen in observations]

    assert set(resets(found)) == {1}
    assert set(resets(plain)) == {0}
    assert found.points_proven == plain.points_proven
