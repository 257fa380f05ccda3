"""What forms are filled with: marked lines, and the material that they are taken from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from agent.clock import parse_time
from agent.language import translator
from agent.report.steps import Steps
from agent.report.text import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.model.campus import Campus, Headcount
    from agent.model.finding import Assessment, Finding
    from agent.model.form import Count
    from agent.model.region import Region, RegionSchool
    from agent.model.rule import Stage
    from agent.model.standard import Standard
    from agent.report.given import ReportInput

__all__ = ["Line", "Mark", "Material"]

_ORDER: Final[tuple[Stage, ...]] = ("primary", "junior", "senior")
"""A school of several stages is one of the highest: the forms count a nine-year school as junior, twelve as senior."""


class Mark(StrEnum):
    """What a line of a form is."""

    LABEL = "label"
    """The form's own word, or a fact without weight."""
    PROVEN = "proven"
    DECLARED = "declared"
    MISSING = "missing"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Line:
    """A paragraph of a cell; `visible` is applied already where the text came from outside."""

    text: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Material:
    """What a form is filled from."""

    given: ReportInput
    """Assessments (one per standard), packs, and of a school its campus file."""
    language: str
    """`zh_CN` or `en`."""
    region: Region | None = None
    """The authority's list of schools, for the forms of regions."""

    def assessment(self, standard: str) -> Assessment | None:
        """Return what was judged by the standard, or None."""
        return next((one for one in self.given.assessments if one.standard == standard), None)

    def standard(self, name: str) -> Standard | None:
        """Return the pack that was judged by, or None where it is not known."""
        return next((one for one in self.given.standards if one.id == name), None)

    def steps(self, finding: Finding, clause: str, standard: str) -> tuple[str, ...]:
        """Return what to do next about a criterion of a clause; empty where it is met."""
        pack = self.standard(standard)
        parts = (part for one in pack.indicators if one.id == clause for part in one.criteria) if pack else iter(())
        criterion = next((part for part in parts if part.id == finding.criterion), None)
        return Steps(standard, self.language, translator(self.language)).of(finding, criterion)

    def missing(self, text: str) -> Line:
        """Return the line of a field that is not filled, with what is missing."""
        _ = translator(self.language)
        return Line(_("【missing】") + text, Mark.MISSING)

    def counted(self, fill: Count, standard: str) -> list[Line]:
        """Return a figure of the campus or region file."""
        if self.region is not None:
            return [self._of_region(fill, self.region)]
        if self.given.campus is not None:
            return [self._of_campus(fill, self.given.campus, standard)]
        _ = translator(self.language)
        return [self.missing(_("give the campus file (--campus)"))]

    def _of_campus(self, fill: Count, campus: Campus, standard: str) -> Line:
        _ = translator(self.language)
        if fill.of == "name":
            return Line(visible(campus.school.name, 200), Mark.DECLARED)
        if fill.of == "level":
            return self._level(campus, standard)
        figure = _FIGURES.get(fill.of)
        if figure is None:
            return self.missing(_("this is a figure of a region"))
        wanted = (fill.stage,) if fill.stage else campus.school.stages or tuple(one.stage for one in campus.headcounts)
        counts = [campus.headcount(stage) for stage in wanted]
        known = [count for count in counts if count is not None and not self._expired(count.expires, standard)]
        if not counts or len(known) < len(counts):
            return self.missing(_("headcounts in the campus file: every stage, with who, when and why, not expired"))
        figures = [found for count in known if (found := figure(count)) is not None]
        if len(figures) < len(known):
            return self.missing(_("classes_from_grade_three in the headcount of the primary stage"))
        said = "; ".join(dict.fromkeys(f"{count.by} {count.at[:10]}" for count in known))
        return self._declared(str(sum(figures)), fill, said)

    def _level(self, campus: Campus, standard: str) -> Line:
        _ = translator(self.language)
        applied = campus.application(standard)
        if applied is None or applied.level is None:
            return self.missing(_("the level applied for, under applications in the campus file"))
        pack = self.standard(standard)
        titles = {level.id: level.title.of(self.language) for level in pack.levels} if pack else {}
        return Line(titles.get(applied.level, visible(applied.level, 100)), Mark.DECLARED)

    def _of_region(self, fill: Count, region: Region) -> Line:
        _ = translator(self.language)
        if fill.of == "name":
            return Line(visible(region.name, 200), Mark.DECLARED)
        schools = [one for one in region.schools if one.general]
        if fill.of == "schools":
            of_stage = [one for one in schools if fill.stage in (None, _highest(one))]
            return self._declared(str(len(of_stage)), fill, _("the authority's list"))
        if fill.of == "classes-from-grade-three":
            # The region file is refused where a general school does not state it.
            counts = [one.classes_from_grade_three or 0 for one in schools]
            return self._declared(str(sum(counts)), fill, _("the authority's list"))
        return self.missing(_("the region file does not hold it"))

    def _declared(self, text: str, fill: Count, who: str) -> Line:
        unit = f" {fill.unit.of(self.language)}" if fill.unit else ""
        _ = translator(self.language)
        word = _("〔declared: {who}〕").format(who=visible(who, 200))
        return Line(f"{text}{unit} {word}", Mark.DECLARED)

    def _expired(self, expires: str | None, standard: str) -> bool:
        assessment = self.assessment(standard)
        return bool(expires and assessment and parse_time(expires) < parse_time(assessment.window.until))


def _from_grade_three(count: Headcount) -> int | None:
    if count.classes_from_grade_three is not None or count.stage == "primary":
        return count.classes_from_grade_three
    return 0 if count.stage == "kindergarten" else count.classes


_FIGURES: Final[dict[str, Callable[[Headcount], int | None]]] = {
    "students": lambda count: count.students,
    "teachers": lambda count: count.teachers,
    "classes": lambda count: count.classes,
    "classes-from-grade-three": _from_grade_three,
}


def _highest(school: RegionSchool) -> Stage | None:
    found: Sequence[Stage] = [stage for stage in _ORDER if stage in school.stages]
    return found[-1] if found else None
