"""Taking a statement in: the questions of `ingest` asked inside the one transaction that also writes the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from agent import canonical
from agent.backend import challenges, ingest, tables
from agent.backend.problems import ProblemError
from agent.backend.store import EnrolledKey, enrolled_key
from agent.clock import time_text
from agent.evidence import keys
from agent.model.evidence import DigestSet, EntryKind, Leaf
from agent.model.upload import ProblemType

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from agent.backend.ingest import Submission
    from agent.backend.log import TransparencyLog
    from agent.backend.store import Store
    from agent.model.evidence import Predicate

__all__ = ["Received", "envelope_of", "missing_blobs", "receipt_of", "receive"]


@dataclass(frozen=True, slots=True)
class Received:
    """A durable statement."""

    receipt: bytes
    created: bool
    """False: it was here before; the receipt is the one given then."""


def receive(store: Store, log: TransparencyLog, digest: str, body: bytes) -> Received:
    """Decide about an uploaded envelope; when this returns, statement, leaf and receipt are durable.

    Args:
        store: where it goes.
        log: the log that gives the receipt.
        digest: the payload digest in the URL.
        body: the envelope.

    Raises:
        ProblemError: refused; nothing was stored, except the link of an authentic statement that will never pass.
    """
    submission = ingest.open_submission(digest, body)
    ingest.check_signature(submission, _public_key(store, submission))
    missing = missing_blobs(store, submission.subjects)
    with store.write() as connection:
        known = _entry(connection, submission.sha256)
        if known is not None:
            return _answer(known)
        received = store.clock.now()
        key = _chain_key(store, connection, submission, received)
        fault = ingest.link_refusal(submission.link, key.next_seq, key.head)
        if fault is not None:
            raise fault
        refusal = ingest.content_refusal(
            submission, key, received, lambda nonce: challenges.issued(connection, nonce), challenges.holder
        )
        statement = submission.statement
        if refusal is None and statement is not None:
            if missing:
                raise ProblemError(
                    ProblemType.BLOB_MISSING, "{count} files are missing", extra={"missing": missing},
                    count=len(missing),
                )  # fmt: skip
            receipt = _accept(connection, log, submission, statement.predicate, received, body)
            return Received(receipt, created=True)
        if submission.link.seq == 0 and refusal is not None:
            # The token stays open and the key unknown: nothing of an enrolment that failed may stay.
            raise ProblemError(refusal.kind, "{why}", why=refusal.detail)
        _extend(connection, submission, body, received, refused=refusal)
        kept = _entry(connection, submission.sha256)
    # Outside the block: the link is committed, and the answer is the one that every repeat will get.
    assert kept is not None
    return _answer(kept)


def missing_blobs(store: Store, digests: list[str]) -> list[str]:
    """Return those digests that are neither a blob nor the payload of an accepted statement, in the given order."""
    absent = [digest for digest in digests if store.blobs.size(digest) is None]
    if not absent:
        return []
    with store.read() as connection:
        return [digest for digest in absent if _entry(connection, canonical.hex_of(digest)) is None]


def receipt_of(store: Store, digest: str) -> bytes | None:
    """Return the receipt of an accepted statement; None if there is none."""
    with store.read() as connection:
        found = _entry(connection, canonical.hex_of(digest))
    return None if found is None else found.receipt


def envelope_of(store: Store, digest: str) -> bytes | None:
    """Return the envelope of an accepted statement, as it was first received; None if there is none."""
    with store.read() as connection:
        found = _entry(connection, canonical.hex_of(digest))
    return None if found is None or found.receipt is None else found.envelope


def _public_key(store: Store, submission: Submission) -> str:
    """Return the PEM key that must have signed: the enrolled one, or the one that an enrolment brings."""
    with store.read() as connection:
        key = enrolled_key(connection, submission.link.keyid)
    if key is not None:
        return key.public_key
    statement = submission.statement
    if statement is None or statement.predicate.kind != EntryKind.ENROL:
        raise ProblemError(ProblemType.KEY_UNKNOWN, "the key {keyid} is not enrolled", keyid=submission.link.keyid)
    return statement.predicate.public_key or ""


def _chain_key(store: Store, connection: Connection, submission: Submission, received: datetime) -> EnrolledKey:
    """Return the key as it is now, after enrolling it if this is its enrolment."""
    key = enrolled_key(connection, submission.link.keyid)
    if key is None:
        # `_public_key` has seen an enrolment, or the key, and keys are never deleted.
        assert submission.statement is not None
        return _enrol(store, connection, submission.statement.predicate, received)
    if key.revoked is not None:
        raise ProblemError(ProblemType.KEY_REVOKED, "the key was revoked at {at}", at=key.revoked)
    return key


def _enrol(store: Store, connection: Connection, predicate: Predicate, received: datetime) -> EnrolledKey:
    """Spend the token and write the key down, in the transaction that accepts the enrolment or rolls all of it back."""
    name = predicate.agent.id
    if not tables.is_name(name, ingest.MAX_NAME_CHARACTERS):
        raise ProblemError(
            ProblemType.MALFORMED, "an agent's id has 1 to {limit} printable characters",
            limit=ingest.MAX_NAME_CHARACTERS,
        )  # fmt: skip
    tokens = store.open_tokens(connection, predicate.campus)
    spent = next((token for token in tokens if ingest.proves_token(predicate, token)), None)
    if spent is None:
        raise ProblemError(ProblemType.TOKEN_REFUSED, "no open token of this campus belongs to the enrolment")
    connection.execute(update(tables.token).where(tables.token.c.sha256 == spent).values(keyid=predicate.keyid))
    key = EnrolledKey(
        keyid=predicate.keyid,
        campus=predicate.campus,
        agent=name,
        # Only the key itself: the text around it may be anything, also what a database cannot hold.
        public_key=keys.public_pem_of(keys.public_from_pem((predicate.public_key or "").encode())).decode("ascii"),
        revoked=None,
        next_seq=0,
        head=ingest.GENESIS,
    )
    connection.execute(
        insert(tables.agent).values(
            keyid=key.keyid,
            campus=key.campus,
            agent=key.agent,
            public_key=key.public_key,
            enrolled=time_text(received),
            next_seq=0,
            head=key.head,
        )
    )
    return key


def _accept(
    connection: Connection,
    log: TransparencyLog,
    submission: Submission,
    predicate: Predicate,
    received: datetime,
    body: bytes,
) -> bytes:
    leaf = Leaf(
        agent=predicate.agent.id,
        keyid=predicate.keyid,
        seq=predicate.seq,
        received=time_text(received),
        statement=DigestSet(sha256=submission.sha256),
    )
    index, receipt = log.append(connection, leaf)
    challenges.hold(connection, predicate)
    _extend(connection, submission, body, received, index=index, receipt=receipt)
    return receipt


def _extend(
    connection: Connection,
    submission: Submission,
    body: bytes,
    received: datetime,
    *,
    index: int | None = None,
    receipt: bytes | None = None,
    refused: ingest.Refusal | None = None,
) -> None:
    """Put the entry at the end of its chain."""
    link = submission.link
    connection.execute(
        insert(tables.entry).values(
            sha256=submission.sha256,
            keyid=link.keyid,
            seq=link.seq,
            kind=link.kind,
            received=time_text(received),
            envelope=body,
            leaf=index,
            receipt=receipt,
            refused=None if refused is None else refused.kind.value,
            # It may quote the statement, and PostgreSQL holds every text but that with a NUL.
            detail=None if refused is None else refused.detail.replace("\0", "\ufffd"),
        )
    )
    connection.execute(
        update(tables.agent)
        .where(tables.agent.c.keyid == link.keyid)
        .values(next_seq=link.seq + 1, head=submission.sha256)
    )


def _entry(connection: Connection, sha256: str) -> Row[Any] | None:
    return connection.execute(select(tables.entry).where(tables.entry.c.sha256 == sha256)).one_or_none()


def _answer(known: Row[Any]) -> Received:
    """Give the answer that this statement got before."""
    if known.receipt is None:
        raise ProblemError(
            ProblemType(known.refused),
            "{why}",
            why=known.detail,
            extra={"expectedSeq": known.seq + 1, "expectedPrev": known.sha256},
        )
    return Received(known.receipt, created=False)
