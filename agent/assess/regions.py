"""A region judged over the accepted assessments of its schools, and the sheet that sums them up; pure.

The same rules judge a region and a school: only the figures come from elsewhere (`assess.region_figures`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.assess.assess import judge_standard, stated_readings
from agent.assess.observe import DECLARATION, Scene
from agent.assess.plan import Plan
from agent.assess.region_figures import GENERAL, Accepted, region_figures, schools_asked
from agent.assess.rules import truth
from agent.assess.samples import Readings, exact, milliseconds
from agent.model.finding import Reason
from agent.model.reading import Grade, Reading
from agent.model.region import RegionResult, SchoolRow, SchoolsOf, SchoolStatement, SummarySheet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.assess.figures import Figures, FiguresOf
    from agent.model.base import Digest
    from agent.model.finding import Window
    from agent.model.metric import Metric
    from agent.model.region import Region
    from agent.model.standard import Criterion, Measure, Standard

__all__ = ["Accepted", "roll_up", "summary_sheet"]

_ANY_SCHOOL: Final = ("school", GENERAL)


def roll_up(
    standard: Standard,
    pack: Digest,
    region: Region,
    region_file: Digest,
    accepted: Mapping[str, Mapping[str, Accepted]],
    *,
    metrics: Mapping[str, Metric],
    window: Window,
) -> RegionResult:
    """Judge a region, and list the schools behind each share and count.

    Args:
        standard: a pack about regions.
        pack: digest of its file.
        region: the list of schools, and what the authority declares.
        region_file: digest of the region file: the source of what it declares.
        accepted: the newest accepted assessment of each school, by school and standard.
        metrics: all metrics by name.
        window: of the roll-up.

    Raises:
        ConfigError: a criterion has a setting that is unknown, or lacks one.
        MalformedError: a declared value is not a number.
    """
    declared = _declared(region, region_file, window)
    figures = region_figures(region, accepted, metrics, window)
    scene = Scene(
        readings=Readings(declared, window),
        stated=stated_readings(standard, declared, window),
        metrics=metrics,
        plan=Plan(),
        window=window,
        figures=figures,
        standard=standard.id,
    )
    parts = [(one.id, part, part.measure) for one in standard.indicators for part in one.criteria if part.measure]
    named = {measure.method.get("standard", "") for _, _, measure in parts}
    return RegionResult(
        region=region.id,
        region_file=region_file,
        assessment=judge_standard(standard, pack, scene, {}),
        schools=tuple(_schools(clause, part, measure, region, figures, accepted) for clause, part, measure in parts),
        statements=tuple(
            SchoolStatement(
                school=school.id,
                standard=name,
                statement=one.statement,
                received=one.received,
                until=one.assessment.window.until,
            )
            for school in region.schools
            for name, one in sorted(accepted.get(school.id, {}).items())
            if name in named
        ),
    )


def summary_sheet(region: Region, standard: str, accepted: Mapping[str, Mapping[str, Accepted]]) -> SummarySheet:
    """Return all schools of a region with what their accepted assessments by one standard prove.

    Args:
        region: the list of schools, whose order is kept.
        standard: id of the standard that the schools were judged by.
        accepted: the newest accepted assessment of each school, by school and standard.
    """
    rows = []
    for number, school in enumerate((one for one in region.schools if one.general), start=1):
        found = accepted.get(school.id, {}).get(standard)
        if found is None:
            rows.append(SchoolRow(number=number, school=school.id, name=school.name, missing=True))
            continue
        judged = found.assessment
        rows.append(
            SchoolRow(
                number=number,
                school=school.id,
                name=school.name,
                proven=judged.points_proven,
                open=judged.points_open,
                declared=judged.points_declared,
                judged=judged.points_judged,
                total=judged.points_total,
                vetoes={veto.veto: veto.outcome for veto in judged.vetoes},
                statement=found.statement,
            )
        )
    return SummarySheet(region=region.id, name=region.name, standard=standard, rows=tuple(rows))


def _declared(region: Region, region_file: Digest, window: Window) -> list[Reading]:
    """Return what the authority declares, as readings; what has expired by the end of the window is left out."""
    return [
        Reading(
            metric=DECLARATION,
            subject=f"criterion:{name}",
            value=item.value,
            unit="1",
            at=item.at,
            grade=Grade.DECLARED,
            sources=(region_file,),
        )
        for name, item in sorted(region.declarations.items())
        if item.expires is None or milliseconds(item.expires) >= milliseconds(window.until)
    ]


def _schools(
    clause: str,
    part: Criterion,
    measure: Measure,
    region: Region,
    of: FiguresOf,
    accepted: Mapping[str, Mapping[str, Accepted]],
) -> SchoolsOf:
    """Return which schools a criterion counted, by the same condition that the rule counts by."""
    figures = of(measure)
    asked = schools_asked(measure, region)
    standard = measure.method.get("standard", "")
    missing = tuple(school.id for school in asked if standard not in accepted.get(school.id, {}))
    left_out = tuple(school.id for school in region.schools if school not in asked)
    if figures is None or measure.counted_if is None:
        return SchoolsOf(clause=clause, criterion=part.id, missing=missing, left_out=left_out)
    held: dict[str, tuple[bool, bool, Reason | None]] = {}
    classes: dict[str, dict[str, int]] = {}
    for kind in measure.subjects:
        for subject in figures.subjects(kind, measure.metric):
            found = _counted(part, measure, figures, subject)
            if kind in _ANY_SCHOOL:
                held[subject.partition(":")[2]] = found
            else:
                counts = classes.setdefault(subject.partition(":")[2].rpartition("-")[0], {})
                name = "holds" if found[0] else "open" if found[1] else "fails"
                counts[name] = counts.get(name, 0) + 1
    known = {name: found for name, found in held.items() if name not in missing}
    return SchoolsOf(
        clause=clause,
        criterion=part.id,
        holds=tuple(name for name, (certain, _, _) in known.items() if certain),
        fails=tuple(name for name, (_, possible, _) in known.items() if not possible),
        open={name: reason for name, (certain, may, reason) in known.items() if may and not certain and reason},
        missing=missing,
        left_out=left_out,
        classes=classes,
    )


def _counted(part: Criterion, measure: Measure, figures: Figures, subject: str) -> tuple[bool, bool, Reason | None]:
    """Return whether a subject certainly counts, whether it may, and why it is open."""
    assert measure.counted_if is not None  # shares and counts have one
    key = (measure.metric, subject)
    unsettled = figures.open.get(key)
    if unsettled is not None:
        high = None if unsettled.high is None else exact(unsettled.high)
        return (*truth(measure.counted_if, exact(unsettled.low or "0"), high), unsettled.reason)
    reading = figures.readings[key]
    if reading.grade.rank > part.grade_required.rank:
        return False, True, Reason.WEAK_PROOF
    value = exact(str(reading.value))
    return (*truth(measure.counted_if, value, value), None)
