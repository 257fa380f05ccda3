"""`Journal`: the one door to everything that the agent keeps on this machine.

Promises, each with its test:

- what a call has returned for is durable, through `kill -9` and power loss (how and why: `database`);
- the chain has no gap and no second entry with one number (`chain`, and triggers in `schema`);
- raw lines come before conclusions: they are accepted only between a run's `run-start` and its end;
- nothing is dropped before the backend's receipt for all that names it is stored (`retention`);
- one process writes; others may look (`readonly=True`);
- damage is found by `check`, named, and got over by `salvage`;
- a full disk is an error with what to do; a ballast file makes room for receipts, clean-up and the entry that says so.

All methods may be called from any thread. They block for a commit (a few milliseconds on a slow disk): from a busy
event loop call them through `asyncio.to_thread`. Every method raises `JournalError` when the file cannot be used.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Self

from agent import canonical
from agent.clock import SystemClock
from agent.journal import chain, entries, outbox, raw, retention
from agent.journal.database import Database
from agent.journal.records import Backlog, Checked, Entry, Limits, Pending, Pruned, Signed, Space
from agent.journal.slots import Slot, Slots, SlotState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType

    from agent.clock import Clock
    from agent.journal.records import Sign

__all__ = [
    "Backlog",
    "Checked",
    "Entry",
    "Journal",
    "Limits",
    "Pending",
    "Pruned",
    "Signed",
    "Slot",
    "SlotState",
    "Slots",
    "Space",
]


class Journal:
    """The journal in a directory; a context manager.

    Digests are ``sha256:<hex>`` for blobs; an entry is known by the bare hex SHA-256 of its payload, as in `prev`. Both
    spellings are taken everywhere.

    Args:
        directory: its own directory, made with mode 0700 if missing; nothing else belongs there.
        readonly: look only; possible while another process writes.
        limits: quota, reserve and ballast.
        clock: for `created`, slots and the outbox.

    Raises:
        JournalError: another process writes it, others may read it, it is damaged, or it is of another version.

    Attributes:
        slots: the slot table (`Slots`): expect, start, end, missed_before, interrupted, since, latest.
    """

    def __init__(
        self, directory: Path, *, readonly: bool = False, limits: Limits | None = None, clock: Clock | None = None
    ) -> None:
        self._clock: Clock = clock or SystemClock()
        self._database = Database(directory, limits or Limits(), readonly=readonly)
        self.slots = Slots(self._database, self._clock)
        self.directory = directory

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file and let go of the lock; may be called more than once."""
        self._database.close()

    # --- the chain ------------------------------------------------------------------------------------------------

    def append(self, sign: Sign) -> Entry:
        """Append the next entry: call `sign(seq, prev)` inside the transaction and store what it returns.

        `seq` starts at 0; `prev` is the SHA-256 (hex) of the previous payload, 64 zeros for the first. The payload must
        say both, and the kind. Returns after the entry is durable. `sign` must not use the journal to write.

        Raises:
            JournalError: the payload is not the next link, a run is started or ended twice, or the disk is full.
        """
        return entries.append(self._database, sign, self._clock)

    def head(self) -> tuple[int, str]:
        """Return `seq` and SHA-256 (hex) of the newest entry; (-1, 64 zeros) for an empty journal."""
        return entries.head(self._database)

    def entries(self, *, after: int = -1, kind: str | None = None) -> Iterator[Entry]:
        """Yield entries in chain order: those after that number, of that kind if one is given."""
        return entries.read(self._database, after, kind)

    def entries_back(self, *, before: int | None = None, kind: str | None = None) -> Iterator[Entry]:
        """Yield entries newest first: those before that number, of that kind if one is given."""
        return entries.read_back(self._database, before, kind)

    def entry(self, sha256: str) -> Entry | None:
        """Return the entry whose payload has that digest, or None."""
        return entries.find(self._database, _hex(sha256))

    def open_runs(self) -> list[str]:
        """Return the runs with a `run-start` and neither `run` nor `run-abort`, oldest first: what a crash cut off."""
        return entries.open_runs(self._database)

    # --- raw ------------------------------------------------------------------------------------------------------

    def append_exchange(self, run: str, asset: str, line: bytes) -> int:
        """Append one line to an asset's raw lines, durable on return; return its position from 0.

        The bytes are kept as they are, with or without a line end.

        Raises:
            JournalError: the run has not started or has ended, or the disk is full.
        """
        return raw.append_exchange(self._database, run, asset, line, self._clock.now())

    def recorded(self, run: str) -> dict[str, int]:
        """Return how many raw lines a run has, by asset; empty when there are none (or they were pruned)."""
        return raw.recorded(self._database, run)

    def exchanges(self, run: str, asset: str) -> Iterator[bytes]:
        """Yield the raw lines of an asset in a run, in order; they are never all in memory."""
        return raw.exchanges(self._database, run, asset)

    def put_blob(self, data: bytes) -> str:
        """Store bytes under their digest unless they are there, durable on return; return ``sha256:<hex>``."""
        return raw.put_blob(self._database, data, self._clock.now())

    def put_file(self, file: IO[bytes]) -> str:
        """Store what a file holds under its digest, as `put_blob` does, without holding it: for what is compressed."""
        return raw.put_file(self._database, file, self._clock.now())

    def get_blob(self, digest: str) -> bytes:
        """Return the bytes of that digest, checked against it.

        Raises:
            JournalError: they are not here, or are damaged.
        """
        return raw.get_blob(self._database, _prefixed(digest))

    def has_blob(self, digest: str) -> bool:
        """Tell whether the bytes of that digest are here."""
        return raw.has_blob(self._database, _prefixed(digest))

    def blobs_of(self, entry: Entry) -> list[str]:
        """Return the digests of the statement's subjects whose bytes are here, in the statement's order, each once."""
        digests = [f"sha256:{sha256}" for _, sha256 in chain.read_link(entry.payload).subjects]
        return [digest for digest in dict.fromkeys(digests) if self.has_blob(digest)]

    # --- outbox and receipts --------------------------------------------------------------------------------------

    def pending(self, now: datetime, *, limit: int = 100) -> list[Pending]:
        """Return the first entries without receipt and not rejected, in chain order.

        All of them, due or not: a chain is sent in order, so one that is not due holds up those behind it.
        """
        return outbox.pending(self._database, now, limit)

    def backlog(self) -> Backlog:
        """Return how many entries wait, since when, and which were rejected."""
        return outbox.backlog(self._database)

    def note_attempt(self, seq: int, attempts: int, next_try: datetime | None, error: str | None) -> None:
        """Note that sending was tried `attempts` times, with what error, and when to try again."""
        outbox.note_attempt(self._database, seq, attempts, next_try, error, self._clock.now())

    def reject(self, seq: int, why: str) -> None:
        """Note that the backend will never take this entry as it is: kept, shown, not sent again."""
        outbox.reject(self._database, seq, why)

    def readmit(self, seq: int) -> None:
        """Offer a rejected entry again, after its cause was put right."""
        outbox.readmit(self._database, seq)

    def put_receipt(self, sha256: str, data: bytes) -> bool:
        """Store the receipt of the entry with that payload digest; False if there is one already, which then stays.

        Raises:
            JournalError: no entry has that digest.
        """
        return outbox.put_receipt(self._database, _hex(sha256), data, self._clock.now())

    def receipt(self, sha256: str) -> bytes | None:
        """Return the receipt of the entry with that payload digest, or None."""
        return outbox.receipt(self._database, _hex(sha256))

    # --- room and health ------------------------------------------------------------------------------------------

    def space(self) -> Space:
        """Return how much room there is; a writer also puts the ballast back when there is room for it again.

        Ask before measuring and measure only if `enough`.
        """
        limits, ballast = self._database.limits, self._database.ballast
        if not self._database.readonly:
            ballast.put_back(spare=limits.reserve_bytes)
        used, free = self._database.sizes()
        return Space(used=used, free=free, limits=limits, ballast=ballast.in_place())

    def prune(self, before: datetime, keep_days: int) -> Pruned:
        """Drop raw lines and blobs older than `keep_days` at `before`, if every entry that names them has a receipt.

        Entries and receipts are never dropped. Ended slots of that age go as well.

        Args:
            before: the moment to count back from: now.
            keep_days: retention, at least 1.
        """
        return retention.prune(self._database, before, keep_days)

    def check(self, *, deep: bool = False) -> Checked:
        """Check the whole journal: every link and digest, every blob that an entry names, SQLite's own consistency.

        Args:
            deep: hash every blob again as well.

        Raises:
            JournalError: the first thing that is wrong, with the number of its entry.
        """
        return retention.check(self._database, deep=deep)


def _hex(digest: str) -> str:
    return canonical.hex_of(_prefixed(digest))


def _prefixed(digest: str) -> str:
    return digest if digest.startswith("sha256:") else f"sha256:{digest}"
