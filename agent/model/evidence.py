"""What is signed: in-toto Statement v1 with our predicates; segments; the log leaf.

Field names on the wire are camelCase, as in-toto has them. Sources: in-toto/attestation Statement v1; the shapes are
described in `agent/README.md`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AliasGenerator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from agent.model.asset import Asset
from agent.model.base import Identifier, Nanoseconds, Timestamp, Word
from agent.model.campus import Campus

__all__ = [
    "ASSESSMENT_TYPE",
    "CHALLENGE_TYPE",
    "RUN_TYPE",
    "STATEMENT_TYPE",
    "AgentIdentity",
    "Challenge",
    "ChallengeRef",
    "DigestSet",
    "EntryKind",
    "Leaf",
    "Predicate",
    "SegmentHeader",
    "Statement",
    "Subject",
    "TargetResult",
    "Times",
]

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
RUN_TYPE = "urn:campus-agent:measurement-run:v1"
ASSESSMENT_TYPE = "urn:campus-agent:assessment:v1"
CHALLENGE_TYPE = "urn:campus-agent:challenge:v1"


class Wire(Word):
    """A word whose JSON keys are camelCase."""

    model_config = ConfigDict(
        alias_generator=AliasGenerator(alias=to_camel),
        validate_by_alias=True,
        validate_by_name=True,
        serialize_by_alias=True,
    )


class EntryKind(StrEnum):
    """What a journal entry states."""

    ENROL = "enrol"
    RUN_START = "run-start"
    RUN = "run"
    RUN_ABORT = "run-abort"
    GAP = "gap"
    HEARTBEAT = "heartbeat"
    CONFIG = "config"
    ASSESSMENT = "assessment"


class DigestSet(Wire):
    """in-toto DigestSet; sha256 always, 64 lowercase hex without prefix."""

    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]

    def digest(self) -> str:
        """Return ``sha256:<hex>``."""
        return "sha256:" + self.sha256


class Subject(Wire):
    """A named file that the statement is about."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/+-]{0,199}$")
    digest: DigestSet


class AgentIdentity(Wire):
    """Which program on which machine speaks."""

    id: str
    version: str
    boot_id: str


class ChallengeRef(Wire):
    """The backend's challenge that the run answers; the envelope itself is a subject named `challenge.dsse.json`."""

    nonce: Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
    issued_at: Timestamp


_Milliseconds = Annotated[str, Field(pattern=r"^-?[0-9]{1,12}$")]
"""Up to 31 years, which is more than any clock is wrong."""


class Times(Wire):
    """When it happened, by wall clock and by monotonic clock; the clock's state is a fact, never corrected."""

    started: Timestamp
    finished: Timestamp
    monotonic_ns: Nanoseconds
    """CLOCK_MONOTONIC at `finished`."""
    clock_source: str = "system"
    clock_offset_ms: _Milliseconds | None = None
    """Difference to the backend's Date header, if known."""
    clock_step_ms: _Milliseconds | None = None
    """By how much the wall clock was set between `started` and `finished`, if it was (against the monotonic clock)."""


class TargetResult(Wire):
    """How the conversation with one asset went."""

    id: Identifier
    result: str
    """`ok`, `partial`, the reason of the gap that ended it, or `resting`: not asked, since it failed before."""
    segment: DigestSet | None = None
    exchanges: int = 0
    gaps: int = 0


class Predicate(Wire):
    """The predicate of every entry of the chain; which optional fields are present depends on `kind`.

    The runs that an assessment judged are named in its subject `runs.txt`, not here: a month of minutes would not fit.
    """

    kind: EntryKind
    campus: str
    agent: AgentIdentity
    keyid: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    seq: int = Field(ge=0)
    prev: DigestSet
    """SHA-256 of the previous payload's bytes; 64 zeros for the first."""
    time: Times
    run: str | None = None
    """Identity of the run, shared by run-start and its end."""
    challenge: ChallengeRef | None = None
    plan: DigestSet | None = None
    """Campus file that said what to measure."""
    targets: tuple[TargetResult, ...] = ()
    redactions: dict[str, int] = Field(default_factory=dict)
    reason: str | None = None
    """Why a run was aborted, or what a gap was."""
    missed: int | None = None
    """Slots that passed unmeasured, for `gap`."""
    standard: str | None = None
    window: tuple[Timestamp, Timestamp] | None = None
    public_key: str | None = None
    """PEM SubjectPublicKeyInfo, for `enrol`."""
    token_hmac: str | None = None
    """HMAC-SHA256 of the keyid under SHA-256 of the one-time token, hex, for `enrol`; never the token."""


class Statement(Wire):
    """in-toto Statement v1."""

    type_: Literal["https://in-toto.io/Statement/v1"] = Field(default="https://in-toto.io/Statement/v1", alias="_type")
    subject: tuple[Subject, ...] = Field(min_length=1)
    predicate_type: str
    predicate: Predicate


class Challenge(Wire):
    """Payload of the backend's signed challenge (DSSE type `application/vnd.campus-agent.challenge+json`)."""

    type_: Literal["urn:campus-agent:challenge:v1"] = Field(default="urn:campus-agent:challenge:v1", alias="_type")
    nonce: Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
    agent: str
    """Keyid of the agent that may answer."""
    issued_at: Timestamp
    expires: Timestamp


class Leaf(Wire):
    """What the backend logs for an accepted statement; its canonical bytes are the log entry."""

    kind: Literal["statement"] = "statement"
    agent: str
    keyid: str
    seq: int
    received: Timestamp
    statement: DigestSet


class SegmentHeader(Word):
    """First line of a raw segment: one asset's conversations in one run. The other lines are `Exchange`s."""

    segment: Literal["campus-agent/segment/v1"] = "campus-agent/segment/v1"
    run: str
    asset: Asset
    collectors: tuple[str, ...]
    """The collectors that asked, in order."""
    campus: Campus | None = None
    """In a stand-alone record (`campus-agent read --record`); a run's statement names its campus file instead."""
