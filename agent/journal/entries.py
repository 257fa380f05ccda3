"""Entries: appending a signed link to the chain, and reading the chain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.clock import parse_time, time_text
from agent.errors import AgentError, JournalError
from agent.journal import chain
from agent.journal.packing import pack, pack_envelope, unpack, unpack_envelope
from agent.journal.records import Entry

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from agent.clock import Clock
    from agent.journal.database import Database
    from agent.journal.records import Sign, Signed

__all__ = ["COLUMNS", "append", "entry_of", "find", "head", "open_runs", "read", "read_back"]

COLUMNS = "e.seq, e.prev, e.sha256, e.kind, e.run, e.payload, e.envelope, e.created"
_PAGE, _PAGE_BACK = 100, 20


def append(database: Database, sign: Sign, clock: Clock) -> Entry:
    """Sign and store the next entry in one transaction; return it when it is durable."""
    made: list[Entry] = []  # a second try after a full disk stores what was signed: one number, one signature

    def insert(db: sqlite3.Connection) -> Entry:
        if not made:
            newest = db.execute("select seq, sha256 from entry order by seq desc limit 1").fetchone()
            seq, prev = (newest[0] + 1, newest[1]) if newest else (0, chain.GENESIS)
            signed = sign(seq, prev)
            made.append(_accept(signed, seq, prev, clock))
        entry = made[0]
        _refuse_second(db, entry)
        _store(db, entry)
        return entry

    return database.write(insert)


def head(database: Database) -> tuple[int, str]:
    """Return number and digest of the newest entry; (-1, 64 zeros) for an empty journal."""
    rows = database.rows("select seq, sha256 from entry order by seq desc limit 1")
    return (rows[0][0], rows[0][1]) if rows else (-1, chain.GENESIS)


def find(database: Database, sha256: str) -> Entry | None:
    """Return the entry of that payload digest, or None."""
    rows = database.rows(f"select {COLUMNS} from entry e where e.sha256 = ?", (sha256,))  # noqa: S608 (a constant)
    return entry_of(rows[0], database) if rows else None


def read(database: Database, after: int, kind: str | None) -> Iterator[Entry]:
    """Yield the entries after that number, in order, a page at a time: a year of them does not fit in memory."""
    while True:
        rows = database.rows(
            f"select {COLUMNS} from entry e where e.seq > ? and (? is null or e.kind = ?) order by e.seq limit {_PAGE}",  # noqa: S608 (constants)
            (after, kind, kind),
        )
        for row in rows:
            yield entry_of(row, database)
        if len(rows) < _PAGE:
            return
        after = rows[-1][0]


def read_back(database: Database, before: int | None, kind: str | None) -> Iterator[Entry]:
    """Yield the entries before that number, or all, newest first and a page at a time: mostly the first few will do."""
    while True:
        rows = database.rows(
            f"select {COLUMNS} from entry e where (? is null or e.seq < ?) and (? is null or e.kind = ?)"  # noqa: S608 (constants)
            f" order by e.seq desc limit {_PAGE_BACK}",
            (before, before, kind, kind),
        )
        for row in rows:
            yield entry_of(row, database)
        if len(rows) < _PAGE_BACK:
            return
        before = rows[-1][0]


def open_runs(database: Database) -> list[str]:
    """Return the runs that have started and neither ended nor been aborted, oldest first."""
    rows = database.rows(
        "select run from entry s where kind = 'run-start' and run is not null and not exists "
        "(select 1 from entry e where e.run = s.run and e.kind in ('run', 'run-abort')) order by seq"
    )
    return [run for (run,) in rows]


def entry_of(row: tuple[Any, ...], database: Database) -> Entry:
    """Build the entry from a row of `COLUMNS`.

    Raises:
        JournalError: the row is damaged.
    """
    seq, prev, sha256, kind, run, payload, envelope, created = row
    where = f"{database.path}: entry {seq}"
    statement = unpack(payload, where=where)
    try:
        moment = parse_time(created)
    except AgentError as error:
        raise JournalError("a stored value is damaged: {why}", where=where, why="its time is not a time") from error
    return Entry(
        seq=seq,
        prev=prev,
        sha256=sha256,
        kind=kind,
        run=run,
        payload=statement,
        envelope=unpack_envelope(envelope, statement, where=where),
        created=moment,
    )


def _accept(signed: Signed, seq: int, prev: str, clock: Clock) -> Entry:
    """Refuse what would not be the next link."""
    try:
        link = chain.read_link(signed.payload)
    except AgentError as error:
        raise JournalError("the signed payload is not a statement of the chain: {why}", why=str(error)) from error
    if (link.seq, link.prev, link.kind) != (seq, prev, signed.kind):
        raise JournalError(
            "the signed payload says entry {found} of kind {kind}, the journal's next is {seq} of kind {wanted}",
            found=link.seq,
            kind=link.kind,
            seq=seq,
            wanted=signed.kind,
        )
    return Entry(
        seq=seq,
        prev=prev,
        sha256=chain.payload_hash(signed.payload),
        kind=link.kind,
        run=link.run,
        payload=signed.payload,
        envelope=signed.envelope,
        created=clock.now(),
    )


def _refuse_second(db: sqlite3.Connection, entry: Entry) -> None:
    """A run starts once and ends once."""
    if entry.kind not in {"run-start", "run", "run-abort"}:
        return
    if entry.run is None:
        raise JournalError("an entry of kind {kind} names no run", kind=entry.kind)
    kinds = {kind for (kind,) in db.execute("select kind from entry where run = ?", (entry.run,))}
    if entry.kind == "run-start" and kinds:
        raise JournalError("this run has been started already", where=entry.run)
    if entry.kind != "run-start" and ("run-start" not in kinds or kinds & {"run", "run-abort"}):
        raise JournalError("this run is not open", where=entry.run)


def _store(db: sqlite3.Connection, entry: Entry) -> None:
    db.execute(
        "insert into entry(seq, prev, sha256, kind, run, payload, envelope, created) values (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            entry.seq,
            entry.prev,
            entry.sha256,
            entry.kind,
            entry.run,
            pack(entry.payload),
            pack_envelope(entry.envelope, entry.payload),
            time_text(entry.created),
        ),
    )
    db.execute("insert into outbox(seq) values (?)", (entry.seq,))
    db.executemany(
        "insert into mention(seq, sha256, held) values (?, ?, exists (select 1 from blob where sha256 = ?))",
        [(entry.seq, sha256, sha256) for sha256 in sorted(chain.read_link(entry.payload).mentions)],
    )
