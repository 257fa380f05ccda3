"""Clauses of a standard as the page shows them: measured how, judged how, what for, what next. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from agent.language import N_, name_of
from agent.model.finding import Outcome
from agent.model.rule import AtMost, Bands, Equals
from agent.report.text import amount, decimal_of, grouped, local_span, percent, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import timezone

    from agent.model.base import Text
    from agent.model.finding import ClauseResult, Finding, Observation, Reason, Window
    from agent.model.metric import Metric
    from agent.model.standard import Criterion, Indicator, Measure
    from agent.report.raw import Citations, Reference
    from agent.report.steps import Steps

__all__ = ["BandView", "ClauseView", "FindingView", "ObservationView", "OutcomeView", "Words", "clause_view"]

MAX_OBSERVATIONS = 200

MARKS: Mapping[Outcome, str] = {
    Outcome.SATISFIED: "✓",
    Outcome.PARTIALLY_SATISFIED: "◐",
    Outcome.NOT_SATISFIED: "✗",
    Outcome.INCONCLUSIVE: "?",
    Outcome.NOT_APPLICABLE: "–",
}
"""A shape per outcome, so that colour is never the only sign."""

OUTCOME_MEANINGS: Mapping[Outcome, str] = {
    Outcome.SATISFIED: N_("The measured values prove that the clause is met."),
    Outcome.PARTIALLY_SATISFIED: N_("The measured values prove a part of the points."),
    Outcome.NOT_SATISFIED: N_("The measured values prove that the clause is not met."),
    Outcome.INCONCLUSIVE: N_("The data do not suffice for a judgement. This is neither met nor failed."),
    Outcome.NOT_APPLICABLE: N_("The clause does not concern this school."),
}


@dataclass(frozen=True, slots=True)
class Words:
    """What turns records into words: language, zone, metric pack, citations."""

    language: str
    translate: Callable[[str], str]
    zone: timezone
    metrics: Mapping[str, Metric]
    citations: Citations

    def metric(self, name: str) -> str:
        """Return the title of a metric, or its name where the pack is absent."""
        found = self.metrics.get(name)
        return self.pack(found.title) if found else visible(name, 120)

    def subject(self, subject: str) -> str:
        """Return ``Internet line telecom`` for ``egress:telecom``."""
        kind, colon, name = subject.partition(":")
        if not colon:
            return visible(subject, 120)
        return visible(f"{name_of(kind, self.translate)} {name}", 120)

    def spelled(self, text: str) -> str:
        """Return a text in which metrics and spellings of the record are named, as in ``sum: link.speed median``."""
        known = []
        for word in text.split(" "):
            bare = word.removesuffix(":")
            name = self.metric(bare) if bare in self.metrics else name_of(bare, self.translate)
            known.append(name + word[len(bare) :])
        return visible(" ".join(known), 300)

    def pack(self, text: Text) -> str:
        """Return a pack's text as one paragraph; YAML folds leave line ends in it."""
        return visible(" ".join(text.of(self.language).split()), 2000)

    def excluded(self, excluded: Mapping[str, int]) -> str:
        """Return why samples were not used, with counts; empty for none."""
        pairs = sorted(excluded.items())
        return ", ".join(f"{visible(name_of(why, self.translate), 60)} {count}" for why, count in pairs if count)


@dataclass(frozen=True, slots=True)
class OutcomeView:
    """An outcome as a badge."""

    css: str
    mark: str
    name: str
    reason: str
    meaning: str


@dataclass(frozen=True, slots=True)
class BandView:
    """A row of the points table."""

    at_least: str
    points: str
    reached: bool


@dataclass(frozen=True, slots=True)
class ObservationView:
    """One subject over the window."""

    anchor: str
    metric: str
    subject: str
    statistic: str
    value: str
    samples: str
    coverage: str
    excluded: str
    grade: str
    sources: tuple[Reference, ...]
    source_count: int


@dataclass(frozen=True, slots=True)
class FindingView:
    """A criterion judged."""

    title: str
    outcome: OutcomeView
    value: str
    evidence: str
    """Anchor of the evidence for the value; empty if there is none."""
    grade: str
    grade_css: str
    facts: tuple[tuple[str, str], ...]
    bands: tuple[BandView, ...]
    observations: tuple[ObservationView, ...]
    observations_left: int
    reading: str
    todo: tuple[str, ...]
    """What to do next; empty where it is met."""


@dataclass(frozen=True, slots=True)
class ClauseView:
    """A clause with its findings."""

    anchor: str
    number: str
    title: str
    outcome: OutcomeView
    grade: str
    grade_css: str
    points: str
    proven: str
    open: str
    gain: Decimal
    """Points that are not proven yet."""
    value: str
    evidence: str
    findings: tuple[FindingView, ...]
    todo: tuple[str, ...]
    """What to do next about its criteria, each step once."""


def outcome_view(outcome: Outcome, reason: Reason | None, words: Words) -> OutcomeView:
    """Return the badge of an outcome."""
    return OutcomeView(
        css=outcome.value,
        mark=MARKS[outcome],
        name=name_of(outcome.value, words.translate),
        reason=name_of(reason.value, words.translate) if reason else "",
        meaning=words.translate(OUTCOME_MEANINGS[outcome]),
    )


def clause_view(
    anchor: str, clause: ClauseResult, indicator: Indicator | None, window: Window, steps: Steps, words: Words
) -> ClauseView:
    """Return a clause in words. `indicator` is the clause in the pack; None leaves out what only the pack knows."""
    criteria = {criterion.id: criterion for criterion in indicator.criteria} if indicator else {}
    findings = tuple(
        _finding(f"{anchor}-f{at}", finding, criteria.get(finding.criterion), window, steps, words)
        for at, finding in enumerate(clause.findings, start=1)
    )
    single = findings[0] if len(findings) == 1 else None
    proven = decimal_of(clause.points_proven) or Decimal(0)
    return ClauseView(
        anchor=anchor,
        number=visible(clause.clause, 40),
        title=words.pack(clause.title),
        outcome=outcome_view(clause.outcome, clause.reason, words),
        grade=name_of(clause.grade.value, words.translate) if clause.grade else "–",
        grade_css=clause.grade.value if clause.grade else "none",
        points=grouped(clause.points),
        proven=grouped(clause.points_proven),
        open=grouped(clause.points_open),
        gain=(decimal_of(clause.points) or Decimal(0)) - proven,
        value=single.value if single else "",
        evidence=single.evidence if single else "",
        findings=findings,
        todo=tuple(dict.fromkeys(step for finding in findings for step in finding.todo)),
    )


def _finding(
    anchor: str, finding: Finding, criterion: Criterion | None, window: Window, steps: Steps, words: Words
) -> FindingView:
    shown = finding.observations[:MAX_OBSERVATIONS]
    observations = tuple(_observation(f"{anchor}-o{at}", each, words) for at, each in enumerate(shown, start=1))
    sourced = next((each.anchor for each in observations if each.sources), "")
    return FindingView(
        title=words.pack(criterion.title) if criterion else visible(finding.criterion, 200),
        outcome=outcome_view(finding.outcome, finding.reason, words),
        value=visible(amount(finding.value, finding.unit), 100),
        evidence=sourced if finding.value is not None else "",
        grade=name_of(finding.grade.value, words.translate) if finding.grade else "–",
        grade_css=finding.grade.value if finding.grade else "none",
        facts=tuple(_facts(finding, criterion, window, words)),
        bands=_bands(finding, criterion),
        observations=observations,
        observations_left=len(finding.observations) - len(shown),
        reading=_readings(finding, words),
        todo=steps.of(finding, criterion),
    )


def _facts(finding: Finding, criterion: Criterion | None, window: Window, words: Words) -> list[tuple[str, str]]:
    """Return how the value came about, as pairs of label and text."""
    translate = words.translate
    facts = []
    if criterion and criterion.measure:
        measure = criterion.measure
        facts.append((translate("Quantity"), f"{words.metric(measure.metric)} ({visible(measure.metric, 100)})"))
        how = translate("{statistic} over time, then {combination}; subjects: {subjects}").format(
            statistic=name_of(_statistic(measure, words), translate),
            combination=name_of(measure.over_subjects, translate),
            subjects=", ".join(name_of(kind, translate) for kind in measure.subjects),
        )
        facts.append((translate("Method"), visible(how, 200)))
    if criterion and criterion.declared:
        facts.append((translate("Document wanted"), words.pack(criterion.declared.document)))
    if finding.decided_by:
        facts.append((translate("Decided by"), words.spelled(finding.decided_by)))
    facts.append((translate("Window"), local_span(window.since, window.until, words.zone)))
    facts += _demands(criterion, words)
    if criterion and finding.outcome is not Outcome.INCONCLUSIVE and _incomplete(finding, criterion):
        note = translate("samples are missing, but whatever they had been, the result would be the same")
        facts.append((translate("Missing samples"), note))
    if finding.threshold is not None:
        facts.append(_threshold(finding, finding.threshold, criterion, translate))
    if finding.subjects:
        counts = [f"{name_of(name, translate)} {count}" for name, count in finding.subjects.items()]
        facts.append((translate("Subjects"), ", ".join(counts)))
    if finding.low is not None or finding.high is not None:
        low = amount(finding.low or "0", finding.unit)
        high = amount(finding.high, finding.unit) if finding.high is not None else "…"
        facts.append((translate("Lies between"), visible(f"{low} – {high}", 100)))
    if criterion and finding.grade and finding.grade.rank > criterion.grade_required.rank:
        needed = translate("{grade} or better; weaker proof leaves the points open")
        facts.append((translate("Proof needed"), needed.format(grade=name_of(criterion.grade_required, translate))))
    return facts


def _threshold(
    finding: Finding, text: str, criterion: Criterion | None, translate: Callable[[str], str]
) -> tuple[str, str]:
    """Return the threshold, and whether the value is on its right side."""
    value, threshold = decimal_of(finding.value), decimal_of(text)
    sign, reached = "≥", value is not None and threshold is not None and value >= threshold
    if criterion and isinstance(criterion.judge, AtMost):
        sign, reached = "≤", value is not None and threshold is not None and value <= threshold
    if criterion and isinstance(criterion.judge, Equals):
        sign, reached = "=", value == threshold
    label = translate("Threshold reached") if reached else translate("Threshold not reached")
    return label, visible(f"{sign} {amount(text, finding.unit)}", 100)


def _statistic(measure: Measure, words: Words) -> str:
    metric = words.metrics.get(measure.metric)
    return "derived" if metric is not None and metric.derivation else measure.over_time


def _readings(finding: Finding, words: Words) -> str:
    """Return how the text is read: the pack's own words, then each interpretation that the finding rests on."""
    texts = [finding.reading] if finding.reading else []
    texts += [item.text for item in finding.interpretations]
    return " ".join(words.pack(text) for text in texts)


def _incomplete(finding: Finding, criterion: Criterion) -> bool:
    """Tell whether a deciding series has less coverage than the pack demands."""
    if criterion.measure is None:
        return False
    demanded = decimal_of(criterion.measure.min_coverage)
    found = [decimal_of(one.coverage) for one in finding.observations if one.metric == criterion.measure.metric]
    return demanded is not None and any(share is not None and share < demanded for share in found)


def _demands(criterion: Criterion | None, words: Words) -> list[tuple[str, str]]:
    """Return what the pack demands of the samples."""
    if criterion is None or criterion.measure is None or _statistic(criterion.measure, words) == "derived":
        return []
    measure, translate = criterion.measure, words.translate
    demands = [translate("samples per subject: at least {count}").format(count=measure.min_samples)]
    if measure.min_days:
        demands.append(translate("spanning at least {days} days").format(days=measure.min_days))
    if measure.min_school_days:
        demands.append(translate("on at least {days} school days").format(days=measure.min_school_days))
    if measure.min_coverage != "0":
        demands.append(translate("coverage at least {share}").format(share=percent(measure.min_coverage)))
    return [(translate("Demanded"), "; ".join(demands))]


def _bands(finding: Finding, criterion: Criterion | None) -> tuple[BandView, ...]:
    if criterion is None or not isinstance(criterion.judge, Bands):
        return ()
    unit = criterion.measure.judged_unit if criterion.measure else finding.unit
    value = decimal_of(finding.value)
    reached_one = False
    rows = []
    for band in criterion.judge.bands:
        floor = decimal_of(band.at_least)
        reached = not reached_one and value is not None and floor is not None and value >= floor
        reached_one = reached_one or reached
        rows.append(BandView(f"≥ {amount(band.at_least, unit)}", grouped(band.points), reached))
    lowest = criterion.judge.bands[-1]
    below = value is not None and not reached_one
    return (*rows, BandView(f"< {amount(lowest.at_least, unit)}", "0", below))


def _observation(anchor: str, given: Observation, words: Words) -> ObservationView:
    return ObservationView(
        anchor=anchor,
        metric=words.metric(given.metric),
        subject=words.subject(given.subject),
        statistic=visible(name_of(given.statistic, words.translate), 80),
        value=visible(amount(given.value, given.unit), 100),
        samples=f"{given.valid} / {given.expected}",
        coverage=percent(given.coverage),
        excluded=words.excluded(given.excluded),
        grade=name_of(given.grade.value, words.translate) if given.grade else "–",
        sources=words.citations.references(given.sources),
        source_count=len(given.sources),
    )
