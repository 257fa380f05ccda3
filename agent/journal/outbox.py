"""The outbox: entries without a receipt, in order, and how sending went; this state may change, unlike evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.clock import parse_time, time_text
from agent.errors import JournalError
from agent.journal.entries import COLUMNS, entry_of
from agent.journal.packing import pack, unpack
from agent.journal.records import Backlog, Pending

if TYPE_CHECKING:
    import sqlite3
    from datetime import datetime

    from agent.journal.database import Database

__all__ = ["backlog", "note_attempt", "pending", "put_receipt", "readmit", "receipt", "reject"]

_WAITING = "o.receipted = 0 and o.rejected is null"


def pending(database: Database, now: datetime, limit: int) -> list[Pending]:
    """Return the first entries without a receipt that the backend may still take, in chain order."""
    rows = database.rows(
        f"select {COLUMNS}, o.attempts, o.next_try, o.noted, o.last_error "  # noqa: S608 (constants)
        f"from outbox o join entry e on e.seq = o.seq where {_WAITING} order by o.seq limit ?",
        (limit,),
    )
    found = []
    for *row, attempts, next_try, noted, last_error in rows:
        moment = parse_time(next_try) if next_try else None
        due = moment is None or now >= moment or now < parse_time(noted)
        found.append(Pending(entry_of(tuple(row), database), attempts, moment, last_error, due))
    return found


def put_receipt(database: Database, sha256: str, data: bytes, now: datetime) -> bool:
    """Store the backend's receipt for an entry; False if there is one already, which then stays."""

    def put(db: sqlite3.Connection) -> bool:
        if db.execute("select 1 from receipt where sha256 = ?", (sha256,)).fetchone():
            return False
        if not db.execute("select 1 from entry where sha256 = ?", (sha256,)).fetchone():
            raise JournalError("a receipt for an entry that is not in this journal", where=sha256)
        db.execute("insert into receipt(sha256, data, stored) values (?, ?, ?)", (sha256, pack(data), time_text(now)))
        db.execute("update outbox set receipted = 1 where seq = (select seq from entry where sha256 = ?)", (sha256,))
        return True

    return database.write(put)


def receipt(database: Database, sha256: str) -> bytes | None:
    """Return the receipt of the entry with that payload digest, or None."""
    rows = database.rows("select data from receipt where sha256 = ?", (sha256,))
    return unpack(rows[0][0], where=f"{database.path}: receipt of {sha256}") if rows else None


def note_attempt(
    database: Database, seq: int, attempts: int, next_try: datetime | None, error: str | None, now: datetime
) -> None:
    """Note that sending the entry was tried, and when to try again."""
    row = (attempts, time_text(next_try) if next_try else None, time_text(now), error)
    _update(database, seq, "attempts = ?, next_try = ?, noted = ?, last_error = ?", row)


def reject(database: Database, seq: int, why: str) -> None:
    """Note that the backend will never take this entry as it is; it stays in the journal and is not sent again."""
    _update(database, seq, "rejected = ?", (why,))


def readmit(database: Database, seq: int) -> None:
    """Offer a rejected entry again, after its cause was put right at the backend."""
    _update(database, seq, "rejected = null, attempts = 0, next_try = null", ())


def backlog(database: Database) -> Backlog:
    """Return what still waits, in numbers."""
    count, oldest = database.rows(
        f"select count(*), min(e.created) from outbox o join entry e on e.seq = o.seq where {_WAITING}"  # noqa: S608 (a constant)
    )[0]
    rejected = database.rows("select seq, rejected from outbox where rejected is not null order by seq")
    return Backlog(count, parse_time(oldest) if oldest else None, tuple((seq, why) for seq, why in rejected))


def _update(database: Database, seq: int, change: str, values: tuple[Any, ...]) -> None:
    def update(db: sqlite3.Connection) -> None:
        if db.execute(f"update outbox set {change} where seq = ?", (*values, seq)).rowcount == 0:  # noqa: S608 (constants)
            raise JournalError("there is no entry {seq} in this journal", seq=seq)

    database.write(update)
