"""Statements and challenges: words of the model, signed and opened.

A statement is opened only if the key that signed the envelope is the one that the statement itself names, and only if
its bytes are the canonical form of what was read: so every reader, whatever its JSON parser, reads the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent import canonical
from agent.errors import MalformedError, VerificationError
from agent.evidence import dsse, keys
from agent.model.evidence import (
    ASSESSMENT_TYPE,
    RUN_TYPE,
    Challenge,
    DigestSet,
    EntryKind,
    Statement,
    Subject,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

    from agent.model.base import Digest, Word

__all__ = [
    "digest_set",
    "named",
    "open_challenge",
    "open_enrolment",
    "open_statement",
    "predicate_type_of",
    "read_statement",
    "sign_challenge",
    "sign_statement",
    "subjects_of",
]


def predicate_type_of(kind: EntryKind) -> str:
    """Return the predicate type that a statement of this kind has."""
    return ASSESSMENT_TYPE if kind is EntryKind.ASSESSMENT else RUN_TYPE


def digest_set(digest: str) -> DigestSet:
    """Return the in-toto form of a ``sha256:<hex>`` digest.

    Raises:
        MalformedError: the text is not such a digest.
    """
    return DigestSet(sha256=canonical.hex_of(digest))


def subjects_of(files: Mapping[str, bytes]) -> tuple[Subject, ...]:
    """Return the subjects for named contents, sorted by name."""
    return named({name: canonical.digest(data) for name, data in files.items()})


def named(digests: Mapping[str, Digest]) -> tuple[Subject, ...]:
    """Return the subjects for names and the digests of their contents, sorted by name.

    Raises:
        MalformedError: one of them is no ``sha256:<hex>`` digest.
    """
    return tuple(Subject(name=name, digest=digest_set(digests[name])) for name in sorted(digests))


def sign_statement(statement: Statement, signer: keys.Signer) -> tuple[bytes, bytes]:
    """Return the payload (canonical bytes) and the envelope of a statement.

    Raises:
        MalformedError: the statement is inconsistent, or names another key than the signer's.
    """
    _check_statement(statement, "")
    if statement.predicate.keyid != signer.keyid:
        raise MalformedError(
            "the statement names the key {named}, the signer has {actual}",
            named=statement.predicate.keyid,
            actual=signer.keyid,
        )
    return _sign(statement, dsse.STATEMENT_PAYLOAD_TYPE, signer)


def open_statement(
    envelope: bytes, public_keys: Mapping[str, EllipticCurvePublicKey], *, where: str = ""
) -> tuple[Statement, bytes]:
    """Return the statement and its payload after the signature was verified.

    Args:
        envelope: the DSSE envelope.
        public_keys: trusted keys by keyid.
        where: file or URL for errors.

    Raises:
        MalformedError: not an envelope, or not a statement of a known type in canonical form.
        VerificationError: not signed by a trusted key, or by another one than the statement names.
    """
    parsed = dsse.parse(envelope, where=where)
    signed_by = dsse.verified_by(parsed, public_keys, where=where)
    statement = read_statement(parsed.payload, where=where)
    if statement.predicate.keyid not in signed_by:
        raise VerificationError(
            "the statement names the key {named}, but {actual} signed it",
            where=where,
            named=statement.predicate.keyid,
            actual=", ".join(signed_by),
        )
    return statement, parsed.payload


def open_enrolment(envelope: bytes, *, where: str = "") -> tuple[Statement, bytes, EllipticCurvePublicKey]:
    """Return an enrolment, its payload and its key, after that key was shown to have signed it.

    This proves possession of the key and nothing about who has it: the caller checks `token_hmac`.

    Raises:
        MalformedError: not an envelope with an enrolment statement that carries its key.
        VerificationError: it was not signed by the key that it carries.
    """
    unverified = read_statement(dsse.parse(envelope, where=where).payload, where=where)
    if unverified.predicate.kind is not EntryKind.ENROL or unverified.predicate.public_key is None:
        raise MalformedError("the statement is not an enrolment with a public key", where=where)
    public = keys.public_from_pem(unverified.predicate.public_key.encode(errors="replace"), where=where)
    statement, payload = open_statement(envelope, {keys.keyid_of(public): public}, where=where)
    return statement, payload, public


def read_statement(payload: bytes, *, where: str = "") -> Statement:
    """Read the payload of a statement without verifying who signed it.

    Raises:
        MalformedError: not a statement of a known type in canonical form.
    """
    statement = Statement.from_bytes(payload, where=where)
    _check_canonical(statement, payload, where)
    _check_statement(statement, where)
    return statement


def sign_challenge(challenge: Challenge, signer: keys.Signer) -> bytes:
    """Return the envelope of a challenge."""
    return _sign(challenge, dsse.CHALLENGE_PAYLOAD_TYPE, signer)[1]


def open_challenge(envelope: bytes, public_keys: Mapping[str, EllipticCurvePublicKey], *, where: str = "") -> Challenge:
    """Return the challenge after the signature was verified; whether it is still valid is for the caller.

    Raises:
        MalformedError: not an envelope with a challenge in canonical form.
        VerificationError: not signed by a trusted key.
    """
    payload = dsse.verify(
        dsse.parse(envelope, where=where), public_keys, payload_type=dsse.CHALLENGE_PAYLOAD_TYPE, where=where
    )
    challenge = Challenge.from_bytes(payload, where=where)
    _check_canonical(challenge, payload, where)
    return challenge


def _sign(word: Word, payload_type: str, signer: keys.Signer) -> tuple[bytes, bytes]:
    payload = word.to_bytes()
    signature = dsse.Signature(signer.keyid, signer.sign(dsse.pae(payload_type, payload)))
    return payload, dsse.envelope_bytes(payload, payload_type, [signature])


def _check_canonical(word: Word, payload: bytes, where: str) -> None:
    if word.to_bytes() != payload:
        raise MalformedError("the payload is not in canonical form (RFC 8785)", where=where)


def _check_statement(statement: Statement, where: str) -> None:
    kind = statement.predicate.kind
    if statement.predicate_type != predicate_type_of(kind):
        raise MalformedError(
            "the predicate type {found!r} does not belong to the kind {kind}",
            where=where,
            found=statement.predicate_type,
            kind=str(kind),
        )
    if len({subject.name for subject in statement.subject}) != len(statement.subject):
        raise MalformedError("two subjects of the statement have the same name", where=where)
