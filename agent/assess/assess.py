"""All clauses of a standard over one window; declared values as readings. Pure: the same input, the same bytes."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from agent.assess.judge import Judged, judge
from agent.assess.observe import Scene
from agent.assess.plan import Plan, plan_of
from agent.assess.samples import Readings, exact, milliseconds, moment, rounded
from agent.errors import UsageError
from agent.model.finding import Assessment, ClauseResult, Finding, Outcome, Window
from agent.model.reading import Grade, Reading, weakest
from agent.model.standard import Bands, Indicator, Standard

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from agent.model.base import Digest
    from agent.model.campus import Campus
    from agent.model.metric import Metric

__all__ = ["assess", "declared_readings", "window_of"]


def assess(
    standard: Standard,
    pack: Digest,
    readings: Iterable[Reading],
    *,
    metrics: Mapping[str, Metric],
    campus: Campus | None = None,
    window: Window | None = None,
) -> Assessment:
    """Judge a standard over a window.

    Args:
        standard: what to judge.
        pack: digest of the standard's file.
        readings: in any order; those outside the window are ignored, declared ones count from when they were stated.
        metrics: all known metrics by name.
        campus: says which subjects are required and how often they are asked; None: those that have readings.
        window: None: from the first observed reading to the last.

    Raises:
        MalformedError: a reading that the standard needs is not a number, or its unit does not fit.
        UsageError: there is neither a window nor a reading to take it from.
    """
    known = list(readings)
    return judge_standard(standard, pack, known, metrics, plan_of(campus, metrics), window or window_of(known))


def judge_standard(
    standard: Standard,
    pack: Digest,
    readings: Sequence[Reading],
    metrics: Mapping[str, Metric],
    plan: Plan,
    window: Window,
) -> Assessment:
    """Judge a standard over a window by a plan; see `assess`.

    Raises:
        MalformedError: a reading that the standard needs is not a number, or its unit does not fit.
    """
    until = milliseconds(window.until)
    caps = {part.measure.capped_by for indicator in standard.indicators for part in indicator.criteria}
    stated = [reading for reading in readings if reading.metric in caps and milliseconds(reading.at) <= until]
    scene = Scene(Readings(readings, window), Readings(stated), metrics, plan, window)
    clauses = tuple(_clause(indicator, scene) for indicator in standard.indicators)
    return Assessment(
        standard=standard.id,
        version=standard.version,
        pack=pack,
        window=window,
        clauses=clauses,
        points_proven=_total(clause.points_proven for clause in clauses),
        points_open=_total(clause.points_open for clause in clauses),
        points_judged=_total(clause.points for clause in clauses),
        points_total=standard.total,
    )


def window_of(readings: Sequence[Reading]) -> Window:
    """Return the window from the first to the last reading; declared ones only where there are no others.

    Raises:
        UsageError: there is no reading.
    """
    observed = [reading for reading in readings if reading.grade is not Grade.DECLARED] or readings
    if not observed:
        raise UsageError("there are no readings to judge", todo="Give readings, or say which window to judge")
    times = [milliseconds(reading.at) for reading in observed]
    return Window(since=moment(min(times)), until=moment(max(times)))


def declared_readings(campus: Campus, campus_digest: Digest, *, window: Window | None = None) -> list[Reading]:
    """Return what the campus file declares as readings: the contract bandwidth of each link.

    A contract that expires before the window ends is left out; without a window, one that expires before it was
    stated is.
    """
    found = []
    for link in campus.links:
        contract = link.contract_mbps
        if contract is None:
            continue
        until = milliseconds(window.until if window else contract.at)
        if contract.expires is not None and milliseconds(contract.expires) < until:
            continue
        found.append(
            Reading(
                metric="link.contract",
                subject=f"{link.role}:{link.id}",
                value=contract.value,
                unit="Mbit/s",
                at=contract.at,
                grade=Grade.DECLARED,
                sources=(campus_digest,),
            )
        )
    return found


def _clause(indicator: Indicator, scene: Scene) -> ClauseResult:
    judged = [judge(criterion, scene) for criterion in indicator.criteria]
    findings = tuple(item.finding for item in judged)
    outcome = _outcome(findings)
    deciding = [finding for finding in findings if finding.outcome is outcome] or list(findings)
    grades = [finding.grade for finding in deciding if finding.grade is not None]
    proven, still_open = _points(indicator, judged, outcome)
    return ClauseResult(
        clause=indicator.id,
        title=indicator.title,
        outcome=outcome,
        reason=deciding[0].reason if outcome is Outcome.INCONCLUSIVE else None,
        grade=weakest(*grades) if grades else None,
        points=indicator.points,
        points_proven=rounded(proven),
        points_open=rounded(still_open),
        findings=findings,
    )


def _outcome(findings: Sequence[Finding]) -> Outcome:
    """Return the outcome of a clause: a proven breach of one part outranks what is missing in another."""
    outcomes = {finding.outcome for finding in findings}
    for outcome in (Outcome.NOT_SATISFIED, Outcome.INCONCLUSIVE, Outcome.PARTIALLY_SATISFIED, Outcome.SATISFIED):
        if outcome in outcomes:
            return outcome
    return Outcome.NOT_APPLICABLE


def _points(indicator: Indicator, judged: Sequence[Judged], outcome: Outcome) -> tuple[Fraction, Fraction]:
    if isinstance(indicator.criteria[0].judge, Bands):
        return judged[0].proven, judged[0].open
    full = exact(indicator.points)
    if outcome is Outcome.SATISFIED:
        return full, Fraction(0)
    return Fraction(0), full if outcome is Outcome.INCONCLUSIVE else Fraction(0)


def _total(points: Iterable[str]) -> str:
    return rounded(sum((exact(text) for text in points), Fraction(0)))
