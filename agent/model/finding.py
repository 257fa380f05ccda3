"""`Observation` (a metric over a window), `Finding` (a criterion judged), `ClauseResult`, `Assessment`."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from agent.model.base import Decimal, Digest, Text, Timestamp, Word
from agent.model.reading import Grade

__all__ = [
    "Assessment",
    "ClauseResult",
    "Finding",
    "Observation",
    "Outcome",
    "Reason",
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
    """Exchanges of the samples that decided the value."""


class Finding(Word):
    """A criterion judged."""

    criterion: str
    outcome: Outcome
    reason: Reason | None = None
    grade: Grade | None = None
    value: Decimal | None = None
    unit: str = ""
    decided_by: str = ""
    """Metric and statistic that decided, in words of the pack."""
    threshold: Decimal | None = None
    """The band or threshold that was reached, or the lowest that was missed."""
    reading: Text
    remedy: Text | None = None
    observations: tuple[Observation, ...] = ()


class ClauseResult(Word):
    """A clause: its findings, and the points proven now and still open to further measurement."""

    clause: str
    title: Text
    outcome: Outcome
    reason: Reason | None = None
    grade: Grade | None = None
    points: Decimal
    """What the clause is worth."""
    points_proven: Decimal
    points_open: Decimal
    findings: tuple[Finding, ...]


class Assessment(Word):
    """All clauses of one standard judged over one window."""

    standard: str
    version: str
    pack: Digest
    """Digest of the pack's bytes."""
    window: Window
    clauses: tuple[ClauseResult, ...]
    points_proven: Decimal
    points_open: Decimal
    points_judged: Decimal
    """Points of the clauses judged here."""
    points_total: Decimal
    """Points of the whole document."""
