"""What a verification works on, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.errors import VerificationError
from agent.verify.parsed import ParsedFiles

if TYPE_CHECKING:
    from agent.evidence.bundle import BundleContents
    from agent.model.campus import Campus
    from agent.model.evidence import Leaf
    from agent.model.exchange import Exchange
    from agent.model.finding import Assessment
    from agent.model.reading import Reading
    from agent.verify.policy import Trust
    from agent.verify.result import Assurance, AttestationResult, CheckList
    from agent.verify.statements import Opened

__all__ = ["Kept", "Verified", "Work", "unreleased"]


@dataclass(frozen=True, slots=True)
class Kept:
    """A raw exchange and where it is kept."""

    exchange: Exchange
    segment: str
    """Digest of the segment file."""
    line: int
    """Line of the segment, from 1."""
    asset: str


@dataclass
class Verified:
    """What verification found, for the report: the result and the parsed content, as far as it could be parsed."""

    result: AttestationResult
    statements: list[Opened] = field(default_factory=list)
    leaves: dict[int, Leaf] = field(default_factory=dict)
    campus: Campus | None = None
    readings: list[Reading] = field(default_factory=list)
    """Of all runs, in chain order."""
    exchanges: dict[str, Kept] = field(default_factory=dict)
    """By digest of the exchange."""
    bundle: BundleContents | None = None
    assessments: list[Assessment] = field(default_factory=list)


@dataclass
class Work:
    """The state of one verification."""

    bundle: BundleContents
    trust: Trust
    checks: CheckList
    found: Verified
    packs: frozenset[str]
    parsed: ParsedFiles = field(default_factory=ParsedFiles)
    assurance: dict[int, Assurance] = field(default_factory=dict)
    run_readings: dict[str, list[Reading]] = field(default_factory=dict)


def unreleased(name: str) -> VerificationError:
    """Return the reason why a pack does not count."""
    return VerificationError(
        "{name} is not a released pack that this program knows; if you trust it, name it with --pack", name=name
    )
