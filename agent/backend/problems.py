"""Everything the backend refuses, as RFC 9457 problem documents with stable types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from agent import canonical
from agent.errors import AgentError
from agent.model.upload import PROBLEM_MEDIA_TYPE, ProblemType

__all__ = ["KINDS", "Kind", "ProblemError", "respond"]


@dataclass(frozen=True, slots=True)
class Kind:
    """How one type of problem is answered: HTTP status, title, and seconds after which another try makes sense."""

    status: int
    title: str
    retry_after: int | None = None


KINDS: dict[ProblemType, Kind] = {
    ProblemType.BAD_REQUEST: Kind(400, "The request is not of the form that this interface takes"),
    ProblemType.KEY_UNKNOWN: Kind(401, "The key is not enrolled"),
    ProblemType.TOKEN_REFUSED: Kind(401, "The enrolment token is not open for this campus"),
    ProblemType.KEY_REVOKED: Kind(403, "The key is revoked"),
    ProblemType.NOT_FOUND: Kind(404, "There is nothing of this name"),
    ProblemType.METHOD_NOT_ALLOWED: Kind(405, "This resource does not take this method"),
    ProblemType.TIMEOUT: Kind(408, "The body did not arrive in time"),
    ProblemType.GAP: Kind(409, "Older entries of the chain are missing"),
    ProblemType.FORK: Kind(409, "Another history of this chain was accepted before"),
    ProblemType.TOO_LARGE: Kind(413, "The content is too large"),
    ProblemType.UNSUPPORTED_MEDIA_TYPE: Kind(415, "The content has another media type"),
    ProblemType.MALFORMED: Kind(422, "The content is not what its type says"),
    ProblemType.DIGEST_MISMATCH: Kind(422, "The content does not have the digest in the URL"),
    ProblemType.BAD_SIGNATURE: Kind(422, "No signature by the enrolled key"),
    ProblemType.IDENTITY_MISMATCH: Kind(422, "The statement speaks for somebody else"),
    ProblemType.TIME_OUT_OF_BRACKET: Kind(422, "The time is not between challenge and receipt"),
    ProblemType.UNKNOWN_NONCE: Kind(422, "The challenge was not issued to this key, or had expired"),
    ProblemType.NONCE_USED: Kind(422, "Another run answered this challenge"),
    ProblemType.BLOB_MISSING: Kind(424, "Files that the statement names are missing"),
    ProblemType.TOO_MANY_CHALLENGES: Kind(429, "Too many open challenges for this key", retry_after=60),
    ProblemType.INTERNAL: Kind(500, "The backend failed", retry_after=60),
    ProblemType.BUSY: Kind(503, "The backend is busy", retry_after=5),
    ProblemType.STORAGE_FULL: Kind(507, "The backend has no space left", retry_after=300),
}
"""One row per type; the statuses are those of the upload contract."""


class ProblemError(AgentError):
    """A request was refused.

    Args:
        kind: which row of `KINDS` answers it.
        what: the `detail`; a gettext message id with ``{named}`` places.
        extra: extension members (``expectedSeq``, ``missing``); JSON values.
        retry_after: seconds, where another value than the row's is known.
        values: the values for the places in `what`.
    """

    def __init__(
        self,
        kind: ProblemType,
        what: str,
        *,
        extra: dict[str, Any] | None = None,
        retry_after: int | None = None,
        **values: object,
    ) -> None:
        super().__init__(what)
        self.values = values
        self.kind = kind
        self.extra = extra or {}
        self.retry_after = KINDS[kind].retry_after if retry_after is None else retry_after


def respond(problem: ProblemError, headers: dict[str, str] | None = None) -> Response:
    """Return the problem document as an HTTP answer."""
    kind = KINDS[problem.kind]
    document = {
        **problem.extra,
        "type": problem.kind.value,
        "title": kind.title,
        "status": kind.status,
        "detail": problem.render(),
    }
    fields = {"cache-control": "no-store", **(headers or {})}
    if problem.retry_after is not None:
        fields["retry-after"] = str(problem.retry_after)
    if kind.status == 401:
        # RFC 9110 section 11.6.1 wants a challenge; what authenticates here is the signature in the envelope.
        fields["www-authenticate"] = 'DSSE realm="campus-agent"'
    return Response(canonical.dumps(document), kind.status, fields, PROBLEM_MEDIA_TYPE)
