"""`Gap`: a recorded failure to observe, and why; `Unasked`: that there was nothing to ask in the first place."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from agent.model.base import Word

__all__ = ["Gap", "GapReason", "Unasked"]


class GapReason(StrEnum):
    """Why an answer is missing."""

    UNREACHABLE = "unreachable"
    """No answer within all tries."""
    REFUSED = "refused"
    """Answered, but would not let us in (wrong key, unknown user, authorisation)."""
    UNSUPPORTED = "unsupported"
    """Answered, but does not have what was asked."""
    MALFORMED = "malformed"
    """Answered with bytes that do not decode, or that contradict the protocol."""
    DEADLINE = "deadline"
    """The time allowed for the whole conversation ran out."""


class Gap(Word):
    """A recorded failure to observe."""

    reason: GapReason
    detail: str = ""
    """What happened, in English, without secrets: device, phase, elapsed, tries."""


class Unasked(Word):
    """A collector's word, before any request, that it can ask nothing: the campus file lacks a name or has a wrong one.

    Nobody answers it. It is recorded as a gap, so that this silence too has a time, and an exchange to cite.
    """

    op: Literal["unasked"] = "unasked"
    collector: str
    reason: GapReason
    why: str
    """What the collector found, in English, and what to do; it speaks of the campus file, not of the device."""
