"""Going on after damage, without anybody having to delete files by hand.

What can be read is brought over into a new file; the damaged one is kept whole beside it, in a directory of its own.
What could not be read is listed as `lost`: the chain then has a named hole, and a lost entry that has a receipt still
is at the backend. Where the newest entry is unreadable, the chain cannot go on: its number may have been sent already,
and a second entry with it would be a fork. Such a journal is left as it is, for a backup or a new enrolment.

The damaged file is copied first, and the new one takes its place in one rename: an interrupted salvage loses nothing,
and is simply done again.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from agent import canonical
from agent.clock import SystemClock, time_text
from agent.errors import AgentError, JournalError
from agent.journal import chain
from agent.journal.database import Database, sync_directory
from agent.journal.lock import take_lock
from agent.journal.packing import unpack, unpack_envelope
from agent.journal.records import Limits
from agent.journal.schema import ENTRY_LINKED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.clock import Clock

__all__ = ["Salvaged", "salvage"]

_FILES = ("journal.db", "journal.db-wal")
_BATCH = 100
_PROBES = 20_000
"""Unreadable row numbers in a row after which a table is taken as ended; more than a damaged page can hold."""
_UNREADABLE = (sqlite3.Error, UnicodeDecodeError)
_TABLES = {
    "entry": "seq, prev, sha256, kind, run, payload, envelope, created",
    "receipt": "sha256, data, stored",
    "blob": "sha256, data, stored",
    "exchange": "run, asset, n, body, stored",
    "pruned": "sha256, at",
    "slot": "job, due, state, started, ended, reason",
}


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What a salvage brought over, and what not."""

    entries: int
    lost: tuple[str, ...]
    """`entry:<seq>` and `sha256:<hex>` of blobs that entries name."""
    kept: Path
    """Where the damaged file was put."""


def salvage(directory: Path, *, clock: Clock | None = None) -> Salvaged:
    """Bring everything that can be read from a damaged journal over into a new one that takes its place.

    Needs as much free space again as the journal takes. The journal must not be open.

    Raises:
        JournalError: another process has the journal, there is none, the newest entry is lost, or the new file cannot
            be written. The journal is then as it was.
    """
    moment = time_text((clock or SystemClock()).now())
    try:
        lock = take_lock(directory)
        try:
            return _salvage(directory, moment)
        finally:
            os.close(lock)
    except (OSError, *_UNREADABLE) as error:
        raise JournalError(
            "the journal cannot be salvaged: {why}",
            where=str(directory),
            todo="check that there is a journal, and as much free space as it takes; nothing was changed",
            why=str(error),
        ) from error


def _salvage(directory: Path, moment: str) -> Salvaged:
    kept = directory / f"damaged-{moment.replace(':', '')}"
    kept.mkdir(mode=0o700)
    for name in _FILES:
        with suppress(FileNotFoundError):
            shutil.copy2(directory / name, kept / name)
            _sync_file(kept / name)
    sync_directory(kept)
    workshop = directory / "salvage"
    shutil.rmtree(workshop, ignore_errors=True)
    new = Database(workshop, Limits(reserve_bytes=0, ballast_bytes=0))
    try:
        # the copy is read, so that opening it (which replays its log) leaves the original alone
        with closing(sqlite3.connect(f"{(kept / 'journal.db').absolute().as_uri()}?mode=rw", uri=True)) as old:
            entries, lost = _bring_over(old, new, moment)
            _refuse_fork(old, new, directory)
        new.checkpoint()
    except BaseException:
        new.close()
        shutil.rmtree(workshop, ignore_errors=True)
        shutil.rmtree(kept, ignore_errors=True)
        raise
    new.close()
    # a log of the old file beside the new file would be replayed into it: it goes first, its copy is in `kept`
    for name in ("journal.db-wal", "journal.db-shm"):
        (directory / name).unlink(missing_ok=True)
    sync_directory(directory)
    (workshop / "journal.db").replace(directory / "journal.db")
    sync_directory(directory)
    shutil.rmtree(workshop, ignore_errors=True)
    return Salvaged(entries, lost, kept)


def _bring_over(old: sqlite3.Connection, new: Database, moment: str) -> tuple[int, tuple[str, ...]]:
    def copy(table: str) -> int:
        columns = _TABLES[table]
        marks = ", ".join("?" * len(columns.split(",")))
        rows = (row for row in _readable(old, table, columns) if _holds(table, row))
        count = 0
        while batch := list(islice(rows, _BATCH)):
            new.write(lambda db, batch=batch: _insert(db, table, marks, batch))  # type: ignore[misc]
            count += len(batch)
        return count

    new.write(lambda db: db.execute("drop trigger entry_linked"))
    entries = copy("entry")
    for table in ("blob", "receipt", "exchange", "pruned", "slot"):
        copy(table)
    new.write(lambda db: _rebuild(db, _mentions(old)))
    new.write(lambda db: db.execute(ENTRY_LINKED))
    lost = tuple(name for (name,) in new.rows(_LOST))
    new.write(lambda db: db.executemany("insert into lost values (?, ?)", [(name, moment) for name in lost]))
    return entries, lost


def _refuse_fork(old: sqlite3.Connection, new: Database, directory: Path) -> None:
    """Do not go on from an older entry than the newest that was made, as far as any table or index knows it."""
    newest = -1
    for source in ("outbox", "mention", "entry", "entry indexed by sqlite_autoindex_entry_1"):
        with suppress(*_UNREADABLE):
            newest = max(newest, old.execute(f"select coalesce(max(seq), -1) from {source}").fetchone()[0])  # noqa: S608 (constants)
    found = new.rows("select coalesce(max(seq), -1) from entry")[0][0]
    if found < newest or found < 0:
        raise JournalError(
            "the newest entry that can be read is {found}, but {newest} was made: the chain cannot go on",
            where=str(directory),
            todo="restore a backup of this directory that is newer than its last upload, or enrol with a new key",
            found=found,
            newest=newest,
        )


def _insert(db: sqlite3.Connection, table: str, marks: str, rows: list[tuple[Any, ...]]) -> None:
    """Insert what the tables accept; a row that damage made contradictory is left out."""
    for row in rows:
        with suppress(sqlite3.IntegrityError):
            db.execute(f"insert into {table} values ({marks})", row)  # noqa: S608 (a constant)


def _readable(old: sqlite3.Connection, table: str, columns: str) -> Iterator[tuple[Any, ...]]:
    """Yield the rows that can be read, in order of row number, stepping over what cannot."""
    last, probes = -1, 0
    query = f"select rowid, {columns} from {table} where rowid > ? order by rowid limit 1"  # noqa: S608 (constants)
    while probes < _PROBES:
        try:
            row = old.execute(query, (last,)).fetchone()
        except _UNREADABLE:
            last, probes = last + 1, probes + 1
            continue
        if row is None:
            return
        last, probes = max(row[0], last + 1), 0
        yield row[1:]


def _holds(table: str, row: tuple[Any, ...]) -> bool:
    """Tell whether a row's bytes are still what was stored."""
    try:
        if table == "entry":
            seq, prev, sha256, kind, run, payload, envelope, _ = row
            statement = unpack(payload)
            unpack_envelope(envelope, statement)
            link = chain.read_link(statement)
            return (link.seq, link.prev, link.kind, link.run) == (seq, prev, kind, run) and (
                chain.payload_hash(statement) == sha256
            )
        if table == "blob":
            return canonical.digest(unpack(row[1])) == f"sha256:{row[0]}"
        if table in {"receipt", "exchange"}:
            unpack(row[1] if table == "receipt" else row[3])
    except (AgentError, TypeError):  # TypeError: damage changed the type of a column
        return False
    return True


def _mentions(old: sqlite3.Connection) -> list[tuple[Any, ...]]:
    """Return what the old file still knows of the bytes that were there when their entries were made."""
    with suppress(*_UNREADABLE):
        return old.execute("select seq, sha256, held from mention").fetchall()
    return []


def _rebuild(db: sqlite3.Connection, known: list[tuple[Any, ...]]) -> None:
    """Derive again what repeats the entries: what they name, and the outbox."""
    _insert(db, "mention", "?, ?, ?", known)
    for seq, payload in db.execute("select seq, payload from entry order by seq").fetchall():
        for sha256 in sorted(chain.read_link(unpack(payload)).mentions):
            with suppress(sqlite3.IntegrityError):  # brought over already
                db.execute(
                    "insert into mention select ?1, ?2, exists (select 1 from blob where sha256 = ?2) "
                    "or exists (select 1 from pruned where sha256 = ?2)",
                    (seq, sha256),
                )
    db.execute(
        "insert into outbox(seq, receipted) "
        "select seq, exists (select 1 from receipt r where r.sha256 = e.sha256) from entry e"
    )


_LOST = """
with recursive number(seq) as (select 0 union all select seq + 1 from number where seq < (select max(seq) from entry))
select 'entry:' || seq from number where seq not in (select seq from entry) and exists (select 1 from entry)
union
select 'sha256:' || sha256 from mention
where held = 1 and sha256 not in (select sha256 from blob) and sha256 not in (select sha256 from pruned)
"""


def _sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
