"""What the backend decides about a statement, and how an accepted one becomes a receipt.

`open_submission`, `link_refusal` and `content_refusal` are pure. The order of the questions is the contract: is it an
envelope, whose, does the signature hold, is it known, does the chain fit, is the content admissible, are its files
here.

A statement that is authentic and next in its chain, but whose content will never pass (a time outside the bracket, a
spent nonce), is refused for good *and kept as a link*: the agent's next entry names it as `prev`. Otherwise one bad
clock would end a chain for ever, or the chain would have to be skippable, which would hide bad runs.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from agent import canonical
from agent.backend.problems import ProblemError
from agent.backend.tables import is_name
from agent.clock import parse_time
from agent.errors import AgentError, MalformedError
from agent.evidence import dsse, keys
from agent.evidence.statement import read_statement
from agent.model.evidence import EntryKind
from agent.model.upload import ProblemType, enrolment_proof

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from agent.backend.challenges import Issued
    from agent.backend.store import EnrolledKey
    from agent.model.evidence import Predicate, Statement

__all__ = [
    "GENESIS",
    "SKEW",
    "Link",
    "Refusal",
    "Submission",
    "check_signature",
    "content_refusal",
    "link_refusal",
    "open_submission",
    "proves_token",
]

GENESIS = "0" * 64
"""`prev` of the first entry of a chain."""
SKEW = timedelta(seconds=60)
"""How far the clocks of agent and backend may be apart."""
MAX_NAME_CHARACTERS = 200
"""Of an agent's id, which goes into the log leaf and so into receipts, and of a run's."""


@dataclass(frozen=True, slots=True)
class Link:
    """A statement's place: whose chain, which number, after what."""

    keyid: str
    seq: int
    prev: str
    kind: str


@dataclass(frozen=True, slots=True)
class Submission:
    """A parsed upload. Nothing in it is trusted before `check_signature`."""

    envelope: dsse.Envelope
    link: Link
    statement: Statement | None
    """None if the payload has a place in a chain but is no statement that this version knows; then `fault` says why."""
    fault: str = ""

    @property
    def sha256(self) -> str:
        """Return the identity: hex SHA-256 of the payload."""
        return canonical.hex_of(dsse.payload_digest(self.envelope))

    @property
    def subjects(self) -> list[str]:
        """Return the digests that the statement is about, sorted."""
        if self.statement is None:
            return []
        return sorted({subject.digest.digest() for subject in self.statement.subject})


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why content will never pass."""

    kind: ProblemType
    detail: str


def open_submission(digest: str, body: bytes) -> Submission:
    """Parse what was uploaded under a payload digest.

    Raises:
        ProblemError: malformed, or of another digest.
    """
    try:
        envelope = dsse.parse(body)
    except MalformedError as error:
        raise ProblemError(ProblemType.MALFORMED, "not a DSSE envelope: {why}", why=error.render()) from error
    found = dsse.payload_digest(envelope)
    if found != digest:
        raise ProblemError(ProblemType.DIGEST_MISMATCH, "the payload has the digest {found}", found=found)
    try:
        link = read_link(envelope.payload)
    except MalformedError as error:
        raise ProblemError(ProblemType.MALFORMED, "not a statement of a chain: {why}", why=error.render()) from error
    try:
        return Submission(envelope, link, read_statement(envelope.payload))
    except MalformedError as error:
        return Submission(envelope, link, None, error.render())


def read_link(payload: bytes) -> Link:
    """Read only the place in the chain, which every version of the statement has.

    Raises:
        MalformedError: the payload has no such place.
    """
    document = canonical.loads(payload)
    predicate = document.get("predicate") if isinstance(document, dict) else None
    if not isinstance(predicate, dict):
        raise MalformedError("there is no predicate")
    keyid, seq, prev, kind = (predicate.get(name) for name in ("keyid", "seq", "prev", "kind"))
    before = prev.get("sha256") if isinstance(prev, dict) else None
    if not isinstance(seq, int) or isinstance(seq, bool) or not 0 <= seq < 2**53:
        raise MalformedError("seq is not a whole number")
    if not isinstance(kind, str) or not 0 < len(kind) <= 40 or not kind.isprintable():
        raise MalformedError("kind is not a short text")
    if not _is_hex(keyid) or not _is_hex(before):
        raise MalformedError("keyid or prev is not a SHA-256 in hex")
    return Link(str(keyid), seq, str(before), kind)


def check_signature(submission: Submission, public_key: str) -> None:
    """Check that the key of the chain signed the envelope; the keyid in the envelope is not looked at.

    Raises:
        ProblemError: it did not, or the key in an enrolment is not a P-256 key of that keyid.
    """
    try:
        public = keys.public_from_pem(public_key.encode(errors="replace"))
        if keys.keyid_of(public) != submission.link.keyid:
            raise MalformedError("the keyid is not that of the public key")
        dsse.verify(submission.envelope, {submission.link.keyid: public})
    except AgentError as error:
        raise ProblemError(ProblemType.BAD_SIGNATURE, "{why}", why=error.render()) from error


def proves_token(predicate: Predicate, token_sha256: str) -> bool:
    """Tell whether an enrolment was made by somebody who holds the token of that SHA-256 (hex)."""
    expected = enrolment_proof(bytes.fromhex(token_sha256), predicate.keyid)
    return hmac.compare_digest(expected.encode(), (predicate.token_hmac or "").encode())


def link_refusal(link: Link, next_seq: int, head: str) -> ProblemError | None:
    """Return why a statement that is not known yet does not fit the end of its chain; None if it does."""
    extra = {"expectedSeq": next_seq, "expectedPrev": head}
    if link.seq > next_seq:
        return ProblemError(
            ProblemType.GAP, "entry {seq} came where entry {expected} is next", extra=extra,
            seq=link.seq, expected=next_seq,
        )  # fmt: skip
    if link.seq < next_seq:
        return ProblemError(ProblemType.FORK, "another entry {seq} was accepted before", extra=extra, seq=link.seq)
    if link.prev != head:
        return ProblemError(
            ProblemType.FORK, "entry {seq} follows another entry than the one accepted before it", extra=extra,
            seq=link.seq,
        )  # fmt: skip
    return None


def content_refusal(
    submission: Submission,
    key: EnrolledKey,
    received: datetime,
    find_challenge: Callable[[str], Issued | None],
    holder: Callable[[Predicate], str],
) -> Refusal | None:
    """Return why the content of an authentic, next statement will never pass; None if it passes.

    Args:
        submission: the statement.
        key: who signed it.
        received: when it arrived, by the backend's clock.
        find_challenge: gives the challenge of a nonce.
        holder: gives what a nonce is spent on.
    """
    if submission.statement is None:
        return Refusal(ProblemType.MALFORMED, f"not a statement of this version: {submission.fault}")
    predicate = submission.statement.predicate
    if (malformed := _malformed(predicate)) is not None:
        return Refusal(ProblemType.MALFORMED, malformed)
    if (predicate.campus, predicate.agent.id) != (key.campus, key.agent):
        return Refusal(ProblemType.IDENTITY_MISMATCH, "the key was enrolled for another campus or agent")
    finished = parse_time(predicate.time.finished)
    if finished > received + SKEW:
        return Refusal(ProblemType.TIME_OUT_OF_BRACKET, "it finished after it was received; the agent's clock is ahead")
    if predicate.challenge is None:
        return None
    return _challenge_refusal(predicate, find_challenge(predicate.challenge.nonce), holder(predicate))


def _malformed(predicate: Predicate) -> str | None:
    if (predicate.kind == EntryKind.ENROL) != (predicate.seq == 0):
        return "the first entry, and only the first, enrols"
    if predicate.run is not None and not is_name(predicate.run, MAX_NAME_CHARACTERS):
        return "the name of a run is a short printable text"
    return None


def _challenge_refusal(predicate: Predicate, challenge: Issued | None, holder: str) -> Refusal | None:
    given = predicate.challenge
    if given is None or challenge is None or challenge.keyid != predicate.keyid:
        return Refusal(ProblemType.UNKNOWN_NONCE, "no such challenge was issued to this key")
    issued = parse_time(challenge.issued)
    if parse_time(given.issued_at) != issued:
        return Refusal(ProblemType.UNKNOWN_NONCE, "the challenge was issued at another time")
    if _is_spent(predicate, challenge, holder):
        return Refusal(ProblemType.NONCE_USED, "another run, or this one before, answered this challenge")
    if parse_time(predicate.time.finished) < issued - SKEW:
        return Refusal(ProblemType.TIME_OUT_OF_BRACKET, "it finished before its challenge was issued")
    if parse_time(predicate.time.started) > parse_time(challenge.expires) + SKEW:
        return Refusal(ProblemType.UNKNOWN_NONCE, "the challenge had expired when this began")
    return None


def _is_spent(predicate: Predicate, challenge: Issued, holder: str) -> bool:
    """Tell whether the nonce is taken: by another run, by a run that has ended, or by this run's own start."""
    if challenge.run is None:
        return False
    return challenge.ended or challenge.run != holder or predicate.kind == EntryKind.RUN_START


def _is_hex(value: object) -> bool:
    return isinstance(value, str) and canonical.is_digest(f"sha256:{value}")
