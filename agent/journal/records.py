"""The values that the journal takes and gives: frozen, with bytes exactly as they were put in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

__all__ = [
    "Backlog",
    "Checked",
    "Entry",
    "Limits",
    "Pending",
    "Pruned",
    "Sign",
    "Signed",
    "Space",
]


@dataclass(frozen=True, slots=True)
class Signed:
    """What the signer hands to the journal."""

    kind: str
    """A spelling of `agent.model.evidence.EntryKind`; the payload says the same."""
    payload: bytes
    """The Statement's canonical bytes."""
    envelope: bytes
    """The DSSE envelope around that payload."""


if TYPE_CHECKING:
    Sign = Callable[[int, str], Signed]
else:
    Sign = object
"""Called with the entry's number and the digest of the one before (64 hex digits, zeros for the first)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One link of the chain, as stored."""

    seq: int
    prev: str
    """SHA-256 of the previous payload, 64 lowercase hex digits."""
    sha256: str
    """SHA-256 of the payload: the identity of the statement."""
    kind: str
    run: str | None
    payload: bytes
    envelope: bytes
    created: datetime
    """Wall time of this machine when the entry was stored; the signed times are in the payload."""


@dataclass(frozen=True, slots=True)
class Pending:
    """An entry that has no receipt yet, and how sending it has gone."""

    entry: Entry
    attempts: int
    next_try: datetime | None
    """Not before this moment; None: never tried, or at once."""
    last_error: str | None
    due: bool
    """Whether it may be tried now. A clock that was set back since the last attempt makes it due."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What still waits for a receipt, in numbers."""

    waiting: int
    oldest: datetime | None
    """When the oldest waiting entry was stored."""
    rejected: tuple[tuple[int, str], ...]
    """Number and reason of each entry that the backend will never take as it is."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much room the journal may take and must leave, in bytes."""

    quota_bytes: int = 4 * 2**30
    """Size at which measuring stops until something could be pruned."""
    reserve_bytes: int = 64 * 2**20
    """Free space of the file system below which measuring stops."""
    ballast_bytes: int = 16 * 2**20
    """Size of the file that is given up when the disk is full; 0 for none. At least twice the largest blob and 2 MiB,
    else what it gives is used up by one write and the folding of the write-ahead log."""


@dataclass(frozen=True, slots=True)
class Space:
    """How much room there is, in bytes."""

    used: int
    """What the journal occupies, without pages that are free for reuse."""
    free: int
    """What the file system would still give us, and pages free for reuse."""
    limits: Limits
    ballast: bool
    """Whether the ballast is in place; without it the next full disk would block even clean-up."""

    @property
    def enough(self) -> bool:
        """Whether measuring may go on."""
        return self.ballast and self.free >= self.limits.reserve_bytes and self.used < self.limits.quota_bytes


@dataclass(frozen=True, slots=True)
class Pruned:
    """How much was dropped."""

    exchanges: int
    blobs: int
    slots: int


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check has looked at and found whole."""

    entries: int
    head: str
    """SHA-256 of the newest payload; 64 zeros for an empty journal."""
    blobs: int
    """Blobs present."""
    pruned: int
    """Blobs dropped on purpose after their receipts."""
    lost: tuple[str, ...] = ()
    """What an earlier salvage could not bring over: `entry:<seq>`, `sha256:<hex>`."""
