"""The outbox: sends what has no receipt, in order, one at a time, and forgets nothing before the receipt is stored.

    pending entries -> have -> missing blobs -> envelope -> receipt verified -> receipt stored -> next

The state is the journal's; a crash at any point repeats at most the last step, which the backend answers with the same
receipt. What the backend says is acted on as `answers.ACTIONS` lists it:

- later (network, 5xx, 429, any foreign answer): back off, without end;
- gap: send older entries again, as long as they are here;
- blobs missing: send them;
- refused for good: marked in the journal, reported, and the next entry goes on. If the refused statement was authentic,
  the backend has kept its place in the chain. If not (its signature does not hold), the next entry meets a gap that
  only the refused entry would fill, and the outbox halts;
- fork, unknown or revoked key: halt, because every further entry would get the same answer.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, Protocol

from agent.errors import JournalError, UplinkError
from agent.model.upload import ProblemType
from agent.uplink.answers import Action, LaterError, RefusedError
from agent.uplink.backoff import delay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from agent.clock import Clock
    from agent.journal.records import Backlog, Entry, Pending
    from agent.uplink.answers import Problem

__all__ = ["Backend", "Flushed", "Outbox", "OutboxJournal"]

BATCH = 20
"""Entries looked at in one go: a statement may have 1 MiB."""
_HAVE_LIMIT = 5000
"""Digests in one question; the backend takes 1 MiB, about 13,000."""

_CHANCE = random.SystemRandom()

_TODO = {
    ProblemType.FORK: "The backend has another history of this agent: the machine was cloned, or its journal was set "
    "back from a backup. Stop the clone, keep this journal as it is, and enrol anew",
    ProblemType.KEY_UNKNOWN: "Enrol this agent with a new token, or check that the URL is that of its own backend",
    ProblemType.TOKEN_REFUSED: "Ask the backend's operator for a new token and enrol anew; a token is good for 24 "
    "hours, once, for one campus",
    ProblemType.KEY_REVOKED: "Ask the backend's operator why the key was revoked; then make a new key and enrol anew",
}
_ASK = "Ask the backend's operator; nothing is lost, and `resume` starts again where it stopped"


class OutboxJournal(Protocol):
    """What the outbox needs of the journal (`agent.journal.store.Journal`)."""

    def pending(self, now: datetime, *, limit: int = 100) -> list[Pending]:
        """Return the first entries without receipt and not rejected, in chain order."""
        ...

    def entries(self, *, after: int = -1) -> Iterator[Entry]:
        """Yield the entries after a number, in chain order."""
        ...

    def blobs_of(self, entry: Entry) -> list[str]:
        """Return the digests of the entry's files that are here."""
        ...

    def get_blob(self, digest: str) -> bytes:
        """Return a file, checked against its digest."""
        ...

    def put_receipt(self, sha256: str, data: bytes) -> bool:
        """Store a receipt durably."""
        ...

    def note_attempt(self, seq: int, attempts: int, next_try: datetime | None, error: str | None) -> None:
        """Note a failed try."""
        ...

    def reject(self, seq: int, why: str) -> None:
        """Mark an entry as one that will never pass."""
        ...

    def backlog(self) -> Backlog:
        """Return what waits and what was rejected."""
        ...


class Backend(Protocol):
    """What the outbox needs of the client (`agent.uplink.client.BackendClient`)."""

    async def missing(self, digests: Sequence[str]) -> list[str]:
        """Return which blobs the backend lacks."""
        ...

    async def put_blob(self, digest: str, data: bytes) -> None:
        """Make a blob durable there."""
        ...

    async def put_statement(self, digest: str, seq: int, envelope: bytes) -> bytes:
        """Deliver a statement; return its verified receipt."""
        ...


@dataclass(frozen=True, slots=True)
class Flushed:
    """What one pass did."""

    sent: int = 0
    """Entries whose receipt is stored now."""
    rejected: tuple[tuple[int, str], ...] = ()
    """Number and reason of entries refused for good in this pass: an alarm."""
    wait_seconds: float | None = None
    """When to come back, if something still waits; None: nothing waits, or halted."""
    error: UplinkError | None = None
    """Why it waits or halted."""
    halted: bool = False
    """Nothing is sent until `Outbox.resume`."""


class Outbox:
    """Sends a journal to a backend.

    Args:
        journal: where entries, blobs and receipts are.
        client: the backend.
        clock: for the next try.
        draw: gives a number in [0, 1) for the jitter.
    """

    def __init__(
        self, journal: OutboxJournal, client: Backend, clock: Clock, *, draw: Callable[[], float] = _CHANCE.random
    ) -> None:
        self._journal = journal
        self._client = client
        self._clock = clock
        self._draw = draw
        self._one = asyncio.Lock()
        self._halt: UplinkError | None = None

    @property
    def halted(self) -> UplinkError | None:
        """Return why nothing is sent until somebody acts; None if it is not so."""
        return self._halt

    def resume(self) -> None:
        """Start again after the operator has acted."""
        self._halt = None

    async def flush(self) -> Flushed:
        """Send until nothing waits, or until time or the operator is needed; never raises for what the backend does.

        Raises:
            JournalError: the journal cannot be read, or a receipt cannot be stored.
        """
        async with self._one:
            if self._halt is not None:
                return Flushed(error=self._halt, halted=True)
            done = Flushed()
            while done.wait_seconds is None and not done.halted:
                now = self._clock.now()
                batch = await asyncio.to_thread(self._journal.pending, now, limit=BATCH)
                if not batch:
                    return done
                if batch[0].next_try is not None and not batch[0].due:
                    return replace(done, wait_seconds=(batch[0].next_try - now).total_seconds())
                done = await self._send(batch, done)
            return done

    async def _send(self, batch: Sequence[Pending], done: Flushed) -> Flushed:
        delivery = _Delivery(self._journal, self._client, batch)
        for waiting in batch:
            try:
                await delivery.send(waiting.entry)
            except LaterError as error:
                return await self._postpone(waiting, error, done)
            except RefusedError as error:
                if error.problem.action is not Action.REJECT:
                    error.todo = _todo(error.problem)
                    return await self._stop(waiting, error, done)
                why = f"{error.problem.type}: {error.problem.detail}"
                await asyncio.to_thread(self._journal.reject, waiting.entry.seq, why)
                done = replace(done, rejected=(*done.rejected, (waiting.entry.seq, why)))
            except UplinkError as error:
                return await self._stop(waiting, error, done)
            else:
                done = replace(done, sent=done.sent + 1)
        return done

    async def _postpone(self, waiting: Pending, error: LaterError, done: Flushed) -> Flushed:
        seconds = delay(waiting.attempts, self._draw, error.retry_after)
        moment = self._clock.now() + timedelta(seconds=seconds)
        await self._note(waiting, moment, error)
        return replace(done, wait_seconds=seconds, error=error)

    async def _stop(self, waiting: Pending, error: UplinkError, done: Flushed) -> Flushed:
        self._halt = error
        await self._note(waiting, None, error)
        return replace(done, error=error, halted=True)

    async def _note(self, waiting: Pending, moment: datetime | None, error: UplinkError) -> None:
        await asyncio.to_thread(
            self._journal.note_attempt, waiting.entry.seq, waiting.attempts + 1, moment, error.render()
        )


class _Delivery:
    """One batch on its way: knows which of its blobs the backend lacks, asked once for all entries."""

    def __init__(self, journal: OutboxJournal, client: Backend, batch: Sequence[Pending]) -> None:
        self._journal = journal
        self._client = client
        self._batch = batch
        self._missing: set[str] | None = None

    async def send(self, entry: Entry) -> None:
        """Deliver one entry and store its receipt.

        Raises:
            RefusedError: the backend refused; `problem.action` says what follows.
            LaterError: not delivered now.
            UplinkError: it cannot be delivered from this journal.
            JournalError: the receipt cannot be stored.
        """
        if self._missing is None:
            self._missing = await self._ask(self._batch)
        digests = await asyncio.to_thread(self._journal.blobs_of, entry)
        await self._upload(entry, [digest for digest in digests if digest in self._missing])
        try:
            receipt = await self._put(entry)
        except RefusedError as error:
            if error.problem.action is not Action.RESEND:
                raise
            await self._resend(entry, error.problem)
            receipt = await self._put_after_resend(entry)
        await asyncio.to_thread(self._journal.put_receipt, entry.sha256, receipt)

    async def _ask(self, batch: Sequence[Pending]) -> set[str]:
        digests: dict[str, None] = {}
        for waiting in batch:
            digests |= dict.fromkeys(await asyncio.to_thread(self._journal.blobs_of, waiting.entry))
        found: set[str] = set()
        asked = list(digests)
        for start in range(0, len(asked), _HAVE_LIMIT):
            found |= set(await self._client.missing(asked[start : start + _HAVE_LIMIT]))
        return found

    async def _upload(self, entry: Entry, digests: Sequence[str]) -> None:
        for digest in digests:
            try:
                data = await asyncio.to_thread(self._journal.get_blob, digest)
            except JournalError as error:
                raise _lost(entry, digest) from error
            try:
                await self._client.put_blob(digest, data)
            except RefusedError as error:
                if error.problem.type == ProblemType.TOO_LARGE or error.problem.action is Action.HALT:
                    raise
                # The bytes were checked against their digest a moment ago: something on the way changed them.
                raise _altered(error) from error
            if self._missing is not None:
                self._missing.discard(digest)

    async def _put(self, entry: Entry) -> bytes:
        """Put the envelope; send blobs that the backend misses in spite of what it said before."""
        try:
            return await self._client.put_statement(f"sha256:{entry.sha256}", entry.seq, entry.envelope)
        except RefusedError as error:
            if error.problem.action is not Action.UPLOAD:
                raise
            wanted = error.problem.missing
        here = set(await asyncio.to_thread(self._journal.blobs_of, entry))
        for digest in wanted:
            if digest not in here:
                raise _lost(entry, digest)
        await self._upload(entry, wanted)
        try:
            return await self._client.put_statement(f"sha256:{entry.sha256}", entry.seq, entry.envelope)
        except RefusedError as error:
            if error.problem.action is Action.UPLOAD:
                raise _still(error, "the backend misses files that it has just taken") from error
            raise

    async def _put_after_resend(self, entry: Entry) -> bytes:
        try:
            return await self._put(entry)
        except RefusedError as error:
            if error.problem.action is Action.RESEND:
                raise _still(error, "the backend misses entries that it has just taken") from error
            raise

    async def _resend(self, entry: Entry, problem: Problem) -> None:
        """Send the entries before this one that the backend misses; receipts that we have stay the first ones."""
        first = problem.expected_seq
        if first is None or first >= entry.seq:
            raise _contradiction(problem)
        refused = dict((await asyncio.to_thread(self._journal.backlog)).rejected)
        if first in refused:
            raise UplinkError(
                "entry {seq} was refused for good ({why}), and the backend takes no later entry without it",
                where=f"entry {entry.seq}",
                todo="Put its cause right with the backend's operator and readmit it, or make a new key and enrol anew;"
                " this journal stays valid evidence up to that entry",
                seq=first,
                why=refused[first],
            )
        while first < entry.seq:
            older = await asyncio.to_thread(_after, self._journal, first - 1, min(first + BATCH, entry.seq))
            if not older:
                raise _contradiction(problem)
            for one in older:
                await self._again(one)
                first = one.seq + 1

    async def _again(self, older: Entry) -> None:
        try:
            receipt = await self._put(older)
        except RefusedError as error:
            if error.problem.action is Action.REJECT:
                return  # it keeps the receipt of the first time; the backend keeps the link, or says gap once more
            raise
        await asyncio.to_thread(self._journal.put_receipt, older.sha256, receipt)


def _after(journal: OutboxJournal, seq: int, end: int) -> list[Entry]:
    return list(takewhile(lambda entry: entry.seq < end, journal.entries(after=seq)))


def _todo(problem: Problem) -> str:
    try:
        return _TODO.get(ProblemType(problem.type), _ASK)
    except ValueError:
        return _ASK


def _lost(entry: Entry, digest: str) -> UplinkError:
    return UplinkError(
        "the file {digest} of entry {seq} is not in the journal any more, and the backend does not have it",
        where=f"entry {entry.seq}",
        todo="Restore the journal from its backup; if there is none, make a new key and enrol anew",
        digest=digest,
        seq=entry.seq,
    )


def _altered(error: RefusedError) -> LaterError:
    return LaterError(
        "the backend did not get the file as it was sent: {why}",
        where=error.where,
        todo="Look for a proxy or firewall that changes what passes; it is sent again by itself",
        why=error.problem.detail,
    )


def _still(error: RefusedError, what: str) -> LaterError:
    return LaterError(
        what, where=error.where, todo="It is tried again by itself; tell the backend's operator if it stays"
    )


def _contradiction(problem: Problem) -> LaterError:
    return LaterError(
        "the backend says that entries are missing, but wants entry {seq} next",
        todo="It is tried again by itself; tell the backend's operator if it stays",
        seq=problem.expected_seq,
    )
