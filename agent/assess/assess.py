"""All clauses of a standard over one window; declared values as readings. Pure: the same input, the same bytes."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from agent.assess.award import award, chosen, counted, passed, vetoes
from agent.assess.figures import derive_figures, given_figures
from agent.assess.judge import judge
from agent.assess.observe import DECLARATION, Scene
from agent.assess.plan import plan_of
from agent.assess.samples import Readings, exact, milliseconds, moment, rounded
from agent.assess.shelf import Shelf
from agent.errors import UsageError
from agent.model.finding import Assessment, Window
from agent.model.reading import Grade, Reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from agent.model.base import Digest
    from agent.model.campus import Campus
    from agent.model.metric import Metric
    from agent.model.standard import Standard

__all__ = ["assess", "declared_readings", "judge_standard", "stated_readings", "window_of"]


def assess(
    standard: Standard,
    pack: Digest,
    readings: Iterable[Reading] | Shelf,
    *,
    metrics: Mapping[str, Metric],
    campus: Campus | None = None,
    window: Window | None = None,
) -> Assessment:
    """Judge a standard over a window.

    Args:
        standard: what to judge.
        pack: digest of the standard's file.
        readings: in any order; those outside the window are ignored, declared ones count from when they were stated. A
            month of runs is given as a shelf.
        metrics: all known metrics by name.
        campus: says which subjects are required and how often they are asked, and what derivations need; None: those
            that have readings, and derived figures only where the readings hold them.
        window: None: from the first observed reading to the last; a shelf needs one.

    Raises:
        MalformedError: a reading that the standard needs is not a number, or its unit does not fit.
        ConfigError: the standard gives a derivation a setting that it does not know.
        UsageError: there is neither a window nor a reading to take it from.
    """
    known = readings if isinstance(readings, Shelf) else list(readings)
    span = window or window_of(() if isinstance(known, Shelf) else known)
    inside = known.within(span) if isinstance(known, Shelf) else Readings(known, span)
    figures = (
        derive_figures(standard, inside, metrics, campus, span)
        if campus is not None
        else given_figures(inside.every(*(name for name, metric in metrics.items() if metric.derivation)), metrics)
    )
    scene = Scene(
        readings=inside,
        stated=stated_readings(standard, known, span),
        metrics=metrics,
        plan=plan_of(campus, metrics),
        window=span,
        figures=figures,
        standard=standard.id,
        stages=campus.school.stages if campus is not None else (),
    )
    applied = campus.application(standard.id) if campus is not None else None
    return judge_standard(standard, pack, scene, applied.choices if applied is not None else {})


def stated_readings(standard: Standard, readings: Iterable[Reading] | Shelf, window: Window) -> Readings:
    """Return what is declared of a standard's quantities up to the end of the window, from whenever it is."""
    caps = {
        part.measure.capped_by
        for indicator in standard.indicators
        for part in indicator.criteria
        if part.measure is not None and part.measure.capped_by is not None
    }
    until = milliseconds(window.until)
    wanted = caps | {DECLARATION}
    given = readings.within(None).every(*wanted) if isinstance(readings, Shelf) else readings
    return Readings(item for item in given if item.metric in wanted and milliseconds(item.at) <= until)


def judge_standard(standard: Standard, pack: Digest, scene: Scene, choices: Mapping[str, str]) -> Assessment:
    """Judge every clause of a standard in a scene, and add up.

    Args:
        standard: what to judge.
        pack: digest of the standard's file.
        scene: what was measured and declared.
        choices: what the school chose where the standard lets it: section -> section below it.

    Raises:
        MalformedError: a reading that the standard needs is not a number, or its unit does not fit.
        ConfigError: the standard gives a derivation a setting that it does not know.
    """
    awarded = {
        indicator.id: award(
            indicator,
            [judge(part, exact(indicator.worth(part)), standard, scene) for part in indicator.criteria],
        )
        for indicator in standard.indicators
        if not indicator.outside
    }
    choice = chosen(standard, awarded, choices)
    clauses = counted(standard, awarded, choice)
    proven = sum((one.proven for one in clauses), Fraction(0))
    still_open = sum((one.open for one in clauses), Fraction(0))
    declared = sum((one.declared for one in clauses), Fraction(0))
    worth = sum((one.worth for one in clauses), Fraction(0))
    results = tuple(one.result for one in clauses)
    return Assessment(
        standard=standard.id,
        version=standard.version,
        pack=pack,
        window=scene.window,
        clauses=results,
        choices=choice,
        vetoes=vetoes(standard, {result.clause: result for result in results}),
        points_proven=rounded(proven),
        points_open=rounded(still_open),
        points_declared=rounded(declared) if declared else None,
        points_judged=rounded(worth),
        points_total=standard.total,
        pass_mark=standard.pass_mark,
        passed=passed(standard, proven, still_open, worth),
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
    """Return what the campus file declares as readings: the contract bandwidth of each link, and what documents show.

    A declaration that expires before the window ends is left out; without a window, one that expires before it was
    stated is.
    """
    stated = [
        ("link.contract", f"{link.role}:{link.id}", "Mbit/s", link.contract_mbps)
        for link in campus.links
        if link.contract_mbps is not None
    ]
    stated += [(DECLARATION, f"criterion:{name}", "1", item) for name, item in sorted(campus.declarations.items())]
    return [
        Reading(
            metric=metric,
            subject=subject,
            value=declared.value,
            unit=unit,
            at=declared.at,
            grade=Grade.DECLARED,
            sources=(campus_digest,),
        )
        for metric, subject, unit, declared in stated
        if declared.expires is None
        or milliseconds(declared.expires) >= milliseconds(window.until if window else declared.at)
    ]
