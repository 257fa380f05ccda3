"""`Observation` (a metric over a window), `Finding` (a criterion judged), `ClauseResult`, `Assessment`."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from agent.model.base import Decimal, Digest, Identifier, Text, Timestamp, Word
from agent.model.reading import Grade

__all__ = [
    "Assessment",
    "ChoiceResult",
    "ClauseResult",
    "Finding",
    "Interpretation",
    "Observation",
    "Outcome",
    "Reason",
    "VetoResult",
    "Window",
]


class Outcome(StrEnum):
    """What a judgement came to."""

    SATISFIED = "satisfied"
    PARTIALLY_SATISFIED = "partially-satisfied"
    NOT_SATISFIED = "not-satisfied"
    INCONCLUSIVE = "inconclusive"
    NOT_APPLICABLE = "not-applicable"


class Reason(StrEnum):
    """Why a judgement is inconclusive."""

    NO_TARGET = "no-target"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    UNSUPPORTED = "unsupported"
    TOO_FEW_SAMPLES = "too-few-samples"
    WINDOW_TOO_SHORT = "window-too-short"
    CLOCK_UNSURE = "clock-unsure"
    CONTRADICTED = "contradicted"
    WEAK_PROOF = "weak-proof"
    """There are enough samples, but their grade is weaker than the criterion requires."""
    UNDECLARED = "undeclared"
    """No machine can prove it, and the campus file declares nothing."""


class Interpretation(Word):
    """One thing that a text leaves open, and how it is read."""

    id: Identifier
    chosen: Identifier
    """The reading taken, as a word: `exact`, `calendar-months`."""
    text: Text
    """What is open, and what the chosen reading means."""


class Window(Word):
    """A span of time, both ends included."""

    since: Timestamp
    until: Timestamp


class Observation(Word):
    """A metric of one subject over the window."""

    metric: str
    subject: str
    statistic: str
    """`median`, `minimum`, `p95`, `peak`, ..."""
    value: Decimal | None = None
    """None: no valid sample."""
    low: Decimal | None = None
    """Of a derived figure that is not settled: the least that it can be; None: nothing is known."""
    high: Decimal | None = None
    """The most that it can be; None: it may be anything."""
    reason: Reason | None = None
    """Of a derived figure that is not settled: why."""
    unit: str
    expected: int
    """Samples that the plan asked for in the window."""
    valid: int
    coverage: Decimal
    """valid ÷ expected, 0 to 1, four places."""
    excluded: dict[str, int] = Field(default_factory=dict)
    """Samples or intervals not used, by reason: `missing`, `reset`, `reindex`, `over-line-rate`, ..."""
    grade: Grade | None = None
    sources: tuple[Digest, ...] = ()
    """Exchanges of the samples that decided the value; at most 64."""
    sources_left: int | None = None
    """How many more there are."""


class Finding(Word):
    """A criterion judged."""

    criterion: str
    outcome: Outcome
    reason: Reason | None = None
    grade: Grade | None = None
    value: Decimal | None = None
    low: Decimal | None = None
    """Where the value is not settled: the least that it can be."""
    high: Decimal | None = None
    """Where the value is not settled: the most that it can be; None: it may be anything."""
    unit: str = ""
    decided_by: str = ""
    """Metric and statistic that decided, in words of the pack."""
    threshold: Decimal | None = None
    """The band or threshold that was reached, or the lowest that was missed."""
    subjects: dict[str, int] = Field(default_factory=dict)
    """Of a share or count: how many subjects hold, fail, and are open."""
    interpretations: tuple[Interpretation, ...] = ()
    """How the ambiguous texts that it rests on are read."""
    reading: Text | None = None
    remedy: Text | None = None
    observations: tuple[Observation, ...] = ()
    observations_left: int | None = None
    """How many subjects more there are: of many, those that decided are kept."""


class ClauseResult(Word):
    """A clause: its findings, and the points proven now and still open to further measurement or documents.

    Points that are neither proven nor open are lost.
    """

    clause: str
    title: Text
    outcome: Outcome
    reason: Reason | None = None
    grade: Grade | None = None
    points: Decimal
    """What the clause is worth."""
    points_proven: Decimal
    points_open: Decimal
    points_declared: Decimal | None = None
    """Of the open points, those that a declaration answers and that only a person can accept; None: none."""
    left_out: str = ""
    """The section whose choice leaves this clause out: it is judged, and does not count."""
    findings: tuple[Finding, ...]


class ChoiceResult(Word):
    """Which of the directions of a section counts."""

    section: str
    chosen: str
    by: str
    """`campus`: as applied for; `points`: the one with the most points, because nothing was applied for."""


class VetoResult(Word):
    """How it stands with the clauses of a veto."""

    veto: str
    title: Text
    outcome: Outcome
    """`satisfied`: every clause is met; `not-satisfied`: one is not."""
    breached: tuple[str, ...] = ()
    """Clauses that are not met."""
    open: tuple[str, ...] = ()
    """Clauses that are not settled, or not judged here."""


class Assessment(Word):
    """All clauses of one standard judged over one window."""

    standard: str
    version: str
    pack: Digest
    """Digest of the pack's bytes."""
    window: Window
    clauses: tuple[ClauseResult, ...]
    choices: tuple[ChoiceResult, ...] = ()
    vetoes: tuple[VetoResult, ...] = ()
    points_proven: Decimal
    points_open: Decimal
    points_declared: Decimal | None = None
    """Of the open points, those that rest on declarations alone; None: none."""
    points_judged: Decimal
    """Points of the clauses judged here and counted; proven, open and lost points add up to them."""
    points_total: Decimal
    """Points of the whole document."""
    pass_mark: Decimal | None = None
    passed: Outcome | None = None
    """Whether the pass mark is reached; undecided as long as clauses outside can still decide."""
