"""What the page says, worked out before any markup: a frozen view built from a `ReportInput` in one language. Pure.

Every figure of a finding carries links to the exchanges that it came from; `Citations` numbers them for the whole page.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from agent.canonical import decimal_text
from agent.language import name_of, translator
from agent.model.finding import Outcome
from agent.model.reading import Grade
from agent.report.clauses import ClauseView, Words, clause_view, outcome_view
from agent.report.raw import MAX_LISTED, Citations, RawView
from agent.report.steps import Steps
from agent.report.text import decimal_of, grouped, local_span, local_time, plain_time, visible, zone_label, zone_of
from agent.report.traffic import PlotView, plots

if TYPE_CHECKING:
    from agent.model.finding import Assessment
    from agent.model.standard import Standard
    from agent.report.clauses import OutcomeView
    from agent.report.given import CheckLine, ReportInput, RunLine

__all__ = ["AssessmentView", "DeclaredView", "NextStep", "PageView", "RunView", "VerdictView", "build"]

MAX_STEPS = 6
MAX_TEXTS = 4
"""Steps of one clause that the first screen shows."""
MAX_RUNS = 80
MAX_ROWS = 100


@dataclass(frozen=True, slots=True)
class Bar:
    """Points as lengths of a bar, in thousandths of its width."""

    proven: int
    open: int


@dataclass(frozen=True, slots=True)
class AssessmentView:
    """One standard judged."""

    anchor: str
    title: str
    document: str
    standard: str
    pack: str
    window: str
    proven: str
    open: str
    lost: str
    """Judged, neither proven nor open."""
    judged: str
    total: str
    bar: Bar
    clauses: tuple[ClauseView, ...]


@dataclass(frozen=True, slots=True)
class VerdictView:
    """Whether the evidence holds."""

    state: str
    """`ok`, `failed` or `unchecked`."""
    title: str
    detail: str


@dataclass(frozen=True, slots=True)
class CheckView:
    """Checks of one kind (the part of the name before the slash), or one check that failed."""

    name: str
    ok: bool
    count: str
    detail: str


@dataclass(frozen=True, slots=True)
class NextStep:
    """What the school does next about one clause, and what it may bring."""

    clause: str
    anchor: str
    texts: tuple[str, ...]
    left: int
    """How many more stand with the clause."""
    gain: str


@dataclass(frozen=True, slots=True)
class RunView:
    """One entry of the chain, in words."""

    seq: str
    kind: str
    started: str
    finished: str
    payload: str
    received: str
    assurance: str
    detail: str


@dataclass(frozen=True, slots=True)
class DeclaredView:
    """A value that a person stated."""

    what: str
    value: str
    by: str
    at: str
    why: str
    document: str
    expires: str


@dataclass(frozen=True, slots=True)
class MetricView:
    """How much was read of one metric."""

    title: str
    name: str
    meaning: str
    source: str
    subjects: int
    readings: int


@dataclass(frozen=True, slots=True)
class PageView:
    """Everything that the template prints."""

    language: str
    school: str
    campus: str
    zone: str
    bundle: str
    bundle_name: str
    verdict: VerdictView
    checks: tuple[CheckView, ...]
    steps: tuple[NextStep, ...]
    steps_left: int
    assessments: tuple[AssessmentView, ...]
    plots: tuple[PlotView, ...]
    declared: tuple[DeclaredView, ...]
    metrics: tuple[MetricView, ...]
    run_counts: tuple[tuple[str, int], ...]
    runs: tuple[RunView, ...]
    runs_left: int
    raw: tuple[RawView, ...]
    raw_left: int
    outcomes: tuple[OutcomeView, ...]


def build(given: ReportInput, language: str) -> PageView:
    """Return the view of the page in the language (``zh_CN`` or ``en``)."""
    translate = translator(language)
    zone = zone_of(given.campus.timezone if given.campus else "Asia/Shanghai")
    citations = _citations(given)
    words = Words(language, translate, zone, {metric.name: metric for metric in given.metrics}, citations)
    standards = {(standard.id, standard.version): standard for standard in given.standards}
    assessments = tuple(
        _assessment(number, each, standards.get((each.standard, each.version)), words)
        for number, each in enumerate(given.assessments, start=1)
    )
    steps = _steps(given, assessments, words)
    school = given.campus.school if given.campus else None
    runs = _kept_runs(given.runs)
    return PageView(
        language=language,
        school=visible(school.name) if school else translate("School not named"),
        campus=visible(school.id) if school else "",
        zone=zone_label(given.campus.timezone if given.campus else "Asia/Shanghai"),
        bundle=visible(given.bundle),
        bundle_name=visible(given.bundle_name),
        verdict=_verdict(given, words),
        checks=_checks(given.checks),
        steps=steps[:MAX_STEPS],
        steps_left=max(0, len(steps) - MAX_STEPS),
        assessments=assessments,
        plots=plots(given, words),
        declared=_declared(given, words),
        metrics=_metrics(given, words),
        run_counts=_run_counts(given.runs, words),
        runs=tuple(_run(run, words) for run in runs),
        runs_left=len(given.runs) - len(runs),
        raw=citations.views(translate, zone),
        raw_left=max(0, len(citations.order) - MAX_LISTED),
        outcomes=tuple(outcome_view(outcome, None, words) for outcome in Outcome),
    )


def _citations(given: ReportInput) -> Citations:
    observations = [
        observation
        for assessment in given.assessments
        for clause in assessment.clauses
        for finding in clause.findings
        for observation in finding.observations
    ]
    cited = {source for observation in observations for source in observation.sources}
    declared = {
        source for observation in observations if observation.grade is Grade.DECLARED for source in observation.sources
    }
    return Citations(cited, given.exchanges, given.documents, declared | set(given.documents))


def _assessment(number: int, given: Assessment, standard: Standard | None, words: Words) -> AssessmentView:
    indicators = {indicator.id: indicator for indicator in standard.indicators} if standard else {}
    anchor = f"s{number}"
    steps = Steps(given.standard, words.language, words.translate)
    return AssessmentView(
        anchor=anchor,
        title=words.pack(standard.title) if standard else visible(given.standard),
        document=words.pack(standard.document) if standard else "",
        standard=visible(f"{given.standard} {given.version}"),
        pack=given.pack,
        window=local_span(given.window.since, given.window.until, words.zone),
        proven=grouped(given.points_proven),
        open=grouped(given.points_open),
        lost=_lost(given),
        judged=grouped(given.points_judged),
        total=grouped(given.points_total),
        bar=_bar(given),
        clauses=tuple(
            clause_view(f"{anchor}-c{at}", clause, indicators.get(clause.clause), given.window, steps, words)
            for at, clause in enumerate(given.clauses, start=1)
        ),
    )


def _lost(given: Assessment) -> str:
    numbers = [decimal_of(text) for text in (given.points_judged, given.points_proven, given.points_open)]
    judged, proven, still_open = (number or Decimal(0) for number in numbers)
    return grouped(decimal_text(max(judged - proven - still_open, Decimal(0))))


def _bar(given: Assessment) -> Bar:
    judged = decimal_of(given.points_judged)
    if not judged or judged <= 0:
        return Bar(0, 0)
    proven = min(_thousandths(given.points_proven, judged), 1000)
    return Bar(proven, min(_thousandths(given.points_open, judged), 1000 - proven))


def _thousandths(points: str, judged: Decimal) -> int:
    return max(0, int((decimal_of(points) or Decimal(0)) * 1000 / judged))


def _verdict(given: ReportInput, words: Words) -> VerdictView:
    translate = words.translate
    failed = [check for check in given.checks if not check.ok]
    if given.verified is None:
        detail = translate("This page was made without checking signatures, receipts and numbers. Do not rely on it.")
        return VerdictView("unchecked", translate("Evidence not checked"), detail)
    if failed:
        names = ", ".join(visible(check.name, 60) for check in failed[:5])
        detail = translate("{failed} of {count} checks failed: {names}. Do not rely on this page.")
        detail = detail.format(failed=len(failed), count=len(given.checks), names=names)
        return VerdictView("failed", translate("Evidence does not hold"), detail)
    detail = translate(
        "All {count} checks passed: signatures, chain, and every number recomputed from the raw answers."
    )
    return VerdictView("ok", translate("Evidence holds"), detail.format(count=len(given.checks)))


def _checks(checks: tuple[CheckLine, ...]) -> tuple[CheckView, ...]:
    """Return failed checks one by one and first, then the kinds of check with how many held; runs make thousands."""
    failed = [check for check in checks if not check.ok]
    views = [CheckView(visible(check.name, 100), ok=False, count="", detail=visible(check.detail)) for check in failed]
    kinds: dict[str, list[CheckLine]] = {}
    for check in checks:
        kinds.setdefault(check.name.partition("/")[0], []).append(check)
    for kind, members in kinds.items():
        held = [check for check in members if check.ok]
        if held:
            detail = held[0].detail if len(members) == 1 else ""
            views.append(
                CheckView(visible(kind, 100), ok=True, count=f"{len(held)} / {len(members)}", detail=visible(detail))
            )
    return tuple(views[:MAX_ROWS])


def _steps(given: ReportInput, assessments: tuple[AssessmentView, ...], words: Words) -> tuple[NextStep, ...]:
    """Return what to do, evidence first, then clauses in the order of points that can still be gained."""
    translate = words.translate
    steps = []
    if given.verified is False:
        text = translate("Get the bundle again from the school's server; if the same checks fail, reject it.")
        steps.append(NextStep(translate("Evidence"), "verification", (text,), 0, ""))
    waiting = sum(1 for run in given.runs if run.received is None)
    if waiting:
        text = translate(
            "{count} of {all} entries have no receipt. Connect the agent to the backend so that they are sent."
        )
        text = text.format(count=waiting, all=len(given.runs))
        steps.append(NextStep(translate("Receipts"), "runs", (text,), 0, ""))
    clauses = [
        (clause.gain, clause)
        for assessment in assessments
        for clause in assessment.clauses
        if clause.todo and clause.gain > 0
    ]
    for gain, clause in sorted(clauses, key=lambda pair: -pair[0]):
        gained = translate("up to {points} points").format(points=grouped(format(gain, "f")))
        title = f"{clause.number} {clause.title}"
        left = max(0, len(clause.todo) - MAX_TEXTS)
        steps.append(NextStep(title, clause.anchor, clause.todo[:MAX_TEXTS], left, gained))
    return tuple(steps)


def _declared(given: ReportInput, words: Words) -> tuple[DeclaredView, ...]:
    if given.campus is None:
        return ()
    found = []
    for link in given.campus.links:
        if (stated := link.contract_mbps) is None:
            continue
        found.append(
            DeclaredView(
                what=words.subject(f"{link.role}:{link.id}") + " · " + words.translate("bandwidth by contract"),
                value=f"{grouped(stated.value)}\u00a0Mbit/s",
                by=visible(stated.by, 100),
                at=local_time(stated.at, words.zone),
                why=visible(stated.why),
                document=visible(stated.document or ""),
                expires=local_time(stated.expires, words.zone) if stated.expires else "",
            )
        )
    return tuple(found[:MAX_ROWS])


def _metrics(given: ReportInput, words: Words) -> tuple[MetricView, ...]:
    subjects: dict[str, set[str]] = {}
    counts: dict[str, int] = {}
    for reading in given.readings:
        subjects.setdefault(reading.metric, set()).add(reading.subject)
        counts[reading.metric] = counts.get(reading.metric, 0) + 1
    return tuple(
        MetricView(
            title=words.metric(name),
            name=visible(name, 100),
            meaning=words.pack(words.metrics[name].meaning) if name in words.metrics else "",
            source=visible(words.metrics[name].source, 100) if name in words.metrics else "",
            subjects=len(subjects[name]),
            readings=count,
        )
        for name, count in sorted(counts.items())[:MAX_ROWS]
    )


# --- runs ---------------------------------------------------------------------------------------------------------


def _kept_runs(runs: tuple[RunLine, ...]) -> tuple[RunLine, ...]:
    """Return the runs to print: all if few, else what broke off or was missed first, then the newest."""
    if len(runs) <= MAX_RUNS:
        return runs
    telling = [run for run in runs if run.kind in ("run-abort", "gap", "enrol", "config", "assessment")][
        -MAX_RUNS // 2 :
    ]
    chosen = {run.seq for run in telling}
    plain = [run for run in runs if run.seq not in chosen][-(MAX_RUNS - len(telling)) :]
    return tuple(sorted([*telling, *plain], key=lambda run: run.seq))


def _run(run: RunLine, words: Words) -> RunView:
    return RunView(
        seq=str(run.seq),
        kind=visible(name_of(run.kind, words.translate), 60),
        started=plain_time(run.started, words.zone),
        finished=plain_time(run.finished, words.zone),
        payload=visible(run.payload, 80),
        received=plain_time(run.received, words.zone) if run.received else "",
        assurance=visible(name_of(run.assurance, words.translate), 60),
        detail=visible(run.detail, 200),
    )


def _run_counts(runs: tuple[RunLine, ...], words: Words) -> tuple[tuple[str, int], ...]:
    counts: dict[str, int] = {}
    for run in runs:
        name = name_of(run.assurance, words.translate)
        counts[name] = counts.get(name, 0) + 1
    return tuple((visible(name, 60), count) for name, count in sorted(counts.items()))
