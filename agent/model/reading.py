"""`Reading`: one value of one metric of one subject at one time; `Grade`: how far it can be trusted."""

from __future__ import annotations

from enum import StrEnum

from agent.model.base import Digest, Timestamp, Word

__all__ = ["Grade", "Reading", "weakest"]


class Grade(StrEnum):
    """How a value came about, best first (STANDARDS.md, grades of proof)."""

    MEASURED = "measured"
    CORROBORATED = "corroborated"
    REPORTED = "reported"
    DECLARED = "declared"

    @property
    def rank(self) -> int:
        """Return 0 for the best grade, 3 for the weakest."""
        return _ORDER[self]


_ORDER = {grade: rank for rank, grade in enumerate(Grade)}


def weakest(*grades: Grade) -> Grade:
    """Return the weakest of the grades: what a conclusion drawn from all of them deserves."""
    return max(grades, key=lambda grade: grade.rank)


class Reading(Word):
    """One observed value. Numbers are decimal strings in the unit of the metric (`config/metrics`)."""

    metric: str
    subject: str
    """`<kind>:<name>`: `asset:core-sw1`, `interface:core-sw1/eth0`, `egress:telecom`, `iot:lighting`."""
    value: str
    unit: str
    """UCUM; `1` for counts and ratios, empty for text and states."""
    at: Timestamp
    grade: Grade
    sources: tuple[Digest, ...]
    """Digests of the exchanges (or of the campus file, for declared values) that it came from."""
