"""What the backend answered, and what the agent does about it: the upload contract from the sender's side. No I/O.

Only a problem document with one of our types counts as the backend's word. A school's firewall, a captive portal or a
proxy may answer anything with any status; that is "later", or one wrong box would end a chain.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from agent import canonical
from agent.errors import MalformedError, UplinkError
from agent.model.upload import PROBLEM_MEDIA_TYPE, ProblemType

__all__ = ["ACTIONS", "Action", "LaterError", "Problem", "RefusedError", "read_problem"]

_PREFIX = "urn:campus-agent:problem:"
MAX_DETAIL_CHARACTERS = 500


class Action(Enum):
    """What the sender does."""

    LATER = "later"
    """Back off and try again, without end."""
    RESEND = "resend"
    """Send older entries first."""
    UPLOAD = "upload"
    """Send blobs first."""
    REJECT = "reject"
    """Will never pass as it is: mark it, keep it, tell the operator, go on."""
    HALT = "halt"
    """Send nothing until the operator has acted."""


ACTIONS: dict[ProblemType, Action] = {
    ProblemType.BAD_REQUEST: Action.REJECT,
    ProblemType.UNSUPPORTED_MEDIA_TYPE: Action.REJECT,
    ProblemType.MALFORMED: Action.REJECT,
    ProblemType.DIGEST_MISMATCH: Action.REJECT,
    ProblemType.BAD_SIGNATURE: Action.REJECT,
    ProblemType.IDENTITY_MISMATCH: Action.REJECT,
    ProblemType.TIME_OUT_OF_BRACKET: Action.REJECT,
    ProblemType.UNKNOWN_NONCE: Action.REJECT,
    ProblemType.NONCE_USED: Action.REJECT,
    ProblemType.TOO_LARGE: Action.REJECT,
    ProblemType.GAP: Action.RESEND,
    ProblemType.BLOB_MISSING: Action.UPLOAD,
    ProblemType.FORK: Action.HALT,
    ProblemType.KEY_UNKNOWN: Action.HALT,
    ProblemType.TOKEN_REFUSED: Action.HALT,
    ProblemType.KEY_REVOKED: Action.HALT,
    ProblemType.NOT_FOUND: Action.LATER,
    ProblemType.METHOD_NOT_ALLOWED: Action.LATER,
    ProblemType.TIMEOUT: Action.LATER,
    ProblemType.TOO_MANY_CHALLENGES: Action.LATER,
    ProblemType.INTERNAL: Action.LATER,
    ProblemType.BUSY: Action.LATER,
    ProblemType.STORAGE_FULL: Action.LATER,
}

_BY_STATUS = {
    400: Action.REJECT,
    413: Action.REJECT,
    415: Action.REJECT,
    422: Action.REJECT,
    401: Action.HALT,
    403: Action.HALT,
    409: Action.HALT,
}
"""For types that a newer backend may have: their class is that of their status."""


@dataclass(frozen=True, slots=True)
class Problem:
    """The backend's own problem document (RFC 9457), as far as the sender needs it."""

    type: str
    status: int
    detail: str
    expected_seq: int | None = None
    expected_prev: str | None = None
    missing: tuple[str, ...] = ()

    @property
    def action(self) -> Action:
        """Return what the sender does."""
        try:
            return ACTIONS[ProblemType(self.type)]
        except ValueError:
            return _BY_STATUS.get(self.status, Action.LATER)


class LaterError(UplinkError):
    """The backend was not reached, or gave no answer that counts; what was sent stays and is sent again.

    Attributes:
        retry_after: seconds that the other side asked to wait; None if it did not.
    """

    retry_after: float | None = None


class RefusedError(UplinkError):
    """The backend itself refused, in a way that waiting does not change.

    Attributes:
        problem: what it said.
    """

    def __init__(self, problem: Problem, *, where: str) -> None:
        super().__init__("the backend refused: {detail}", where=where)
        self.values = {"detail": problem.detail}
        self.problem = problem


def read_problem(status: int, content_type: str, body: bytes) -> Problem | None:
    """Return the backend's problem document; None if the answer is no such thing, whoever gave it."""
    if content_type.partition(";")[0].strip().lower() != PROBLEM_MEDIA_TYPE:
        return None
    try:
        document = canonical.loads(body)
    except MalformedError:
        return None
    kind = document.get("type") if isinstance(document, dict) else None
    if not isinstance(kind, str) or not kind.startswith(_PREFIX) or document.get("status") != status:
        return None
    detail, seq, prev, missing = (document.get(key) for key in ("detail", "expectedSeq", "expectedPrev", "missing"))
    return Problem(
        type=kind,
        status=status,
        detail=_printable(detail if isinstance(detail, str) else kind),
        expected_seq=seq if isinstance(seq, int) and not isinstance(seq, bool) and seq >= 0 else None,
        expected_prev=prev if isinstance(prev, str) else None,
        missing=tuple(one for one in missing if isinstance(one, str)) if isinstance(missing, list) else (),
    )


def _printable(text: str) -> str:
    """Return foreign text as it may go into logs and the console."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:MAX_DETAIL_CHARACTERS])
