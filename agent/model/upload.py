"""The words that an agent and its backend share on the wire: media types, size limits, kinds of problem.

Source of the problem document: RFC 9457. A `type` is stable for ever; what it means for the sender is the upload table
in `agent/README.md`.
"""

from __future__ import annotations

import hashlib
import hmac
from enum import StrEnum

__all__ = [
    "BLOB_MEDIA_TYPE",
    "ENVELOPE_MEDIA_TYPE",
    "MAX_BLOB_BYTES",
    "MAX_STATEMENT_BYTES",
    "PROBLEM_MEDIA_TYPE",
    "RECEIPT_MEDIA_TYPE",
    "ProblemType",
    "enrolment_proof",
]

BLOB_MEDIA_TYPE = "application/octet-stream"
ENVELOPE_MEDIA_TYPE = "application/vnd.dsse.envelope.v1+json"
PROBLEM_MEDIA_TYPE = "application/problem+json"
RECEIPT_MEDIA_TYPE = "text/plain; charset=utf-8"
"""A C2SP tlog-proof is text and has no media type of its own."""

MAX_BLOB_BYTES = 4 * 1024 * 1024
MAX_STATEMENT_BYTES = 1024 * 1024
"""Of the envelope."""


class ProblemType(StrEnum):
    """Why the backend did not do what was asked; the `type` of the problem document."""

    BAD_REQUEST = "urn:campus-agent:problem:bad-request"
    """The URL, query or list in the body is not what the interface takes."""
    KEY_UNKNOWN = "urn:campus-agent:problem:key-unknown"
    """The key was never enrolled here."""
    TOKEN_REFUSED = "urn:campus-agent:problem:token-refused"  # noqa: S105 - a URI, not a secret
    """The enrolment proves no token that is open for this campus."""
    KEY_REVOKED = "urn:campus-agent:problem:key-revoked"
    """The key was enrolled, and withdrawn since."""
    NOT_FOUND = "urn:campus-agent:problem:not-found"
    METHOD_NOT_ALLOWED = "urn:campus-agent:problem:method-not-allowed"
    TIMEOUT = "urn:campus-agent:problem:timeout"
    """The body did not arrive in the time allowed."""
    GAP = "urn:campus-agent:problem:gap"
    """Older entries of the chain are missing; `expectedSeq` and `expectedPrev` say where to go on."""
    FORK = "urn:campus-agent:problem:fork"
    """Another history of the same chain was accepted before: a clone, or a journal set back."""
    TOO_LARGE = "urn:campus-agent:problem:too-large"
    UNSUPPORTED_MEDIA_TYPE = "urn:campus-agent:problem:unsupported-media-type"
    MALFORMED = "urn:campus-agent:problem:malformed"
    """Not an envelope, or its payload is not a statement."""
    DIGEST_MISMATCH = "urn:campus-agent:problem:digest-mismatch"
    """The content does not hash to the name in the URL."""
    BAD_SIGNATURE = "urn:campus-agent:problem:bad-signature"
    IDENTITY_MISMATCH = "urn:campus-agent:problem:identity-mismatch"
    """Signed by an enrolled key, but in the name of another campus or agent."""
    TIME_OUT_OF_BRACKET = "urn:campus-agent:problem:time-out-of-bracket"
    """Finished before its challenge was issued, or after it was received."""
    UNKNOWN_NONCE = "urn:campus-agent:problem:unknown-nonce"
    """No such challenge was issued to this key, or it had expired when the run began."""
    NONCE_USED = "urn:campus-agent:problem:nonce-used"
    """Another run answered this challenge."""
    BLOB_MISSING = "urn:campus-agent:problem:blob-missing"
    """Files that the statement names are not here; `missing` lists their digests."""
    TOO_MANY_CHALLENGES = "urn:campus-agent:problem:too-many-challenges"
    INTERNAL = "urn:campus-agent:problem:internal"
    BUSY = "urn:campus-agent:problem:busy"
    STORAGE_FULL = "urn:campus-agent:problem:storage-full"


def enrolment_proof(token_sha256: bytes, keyid: str) -> str:
    """Return what an enrolment says instead of its token, as hex: HMAC-SHA256 of the keyid's text.

    Args:
        token_sha256: the key: SHA-256 (32 bytes) of the one-time token's UTF-8 text; all that the backend keeps of it.
        keyid: of the key that enrols, 64 hex digits.
    """
    return hmac.new(token_sha256, keyid.encode("ascii"), hashlib.sha256).hexdigest()
