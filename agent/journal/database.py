"""One connection to the journal's file: its place on disk, its settings, its transactions, its errors in our words.

Why these settings. `kill -9` loses nothing that the kernel has; a power cut loses what was not synced. A simulator that
keeps synced writes and a random half of the unsynced 512-octet sectors gave, over 320 cuts each: WAL with
`synchronous=FULL` 320 whole and no acknowledged entry lost; WAL/NORMAL lost acknowledged entries in 222; WAL/OFF was
corrupt in 285; DELETE/FULL, SQLite's default, lost 12 and was corrupt in 31. Right after creation the removal of the
rollback journal, used for the switch to WAL, could come back and empty the file (164 of 320), until the directory was
synced once: so it is here. (SQLite itself syncs the directory at the first sync of a new WAL file.) The price is one
fsync per commit, about 1 ms on an SSD, for an acknowledgement that means it. A sync that fails may have thrown dirty
pages away, and a second one would then succeed for nothing; so after such a failure this connection writes no more, and
opening again, which reads what the disk really has, is the way on.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from agent.errors import JournalError
from agent.journal.ballast import Ballast, free_bytes
from agent.journal.lock import take_lock
from agent.journal.schema import APPLICATION_ID, TABLES, TRIGGERS, VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from agent.journal.records import Limits

__all__ = ["Database", "sync_directory"]

T = TypeVar("T")

_BUSY_SECONDS = 10.0
_WAL_PAGES = 256
"""The write-ahead log is folded into the file from this length on. It must stay well below the ballast: folding makes
the file grow before the log can shrink, and on a full disk only the ballast gives the room for that."""
_PAGE = 4096
_SQLITE = (3, 37, 0)
"""STRICT tables came with this version."""
_FULL = ("SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE")
"""What a full disk or an exhausted disk quota looks like."""
_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
_ERRORS = (sqlite3.Error, UnicodeDecodeError)
"""The second comes out of the sqlite3 module where a damaged schema stands in the text of an error."""


class Database:
    """The file `journal.db` in its directory; safe to use from several threads of one process.

    Args:
        directory: made with mode 0700 if missing.
        limits: sizes; the ballast is kept by a writer.
        readonly: look only, beside a writer; takes no lock.

    Raises:
        JournalError: it cannot be opened, is open for writing elsewhere, is readable by others, or is damaged.
    """

    def __init__(self, directory: Path, limits: Limits, *, readonly: bool = False) -> None:
        self.directory = directory
        self.path = directory / "journal.db"
        self.readonly = readonly
        self.limits = limits
        self.ballast = Ballast(directory / "ballast", limits.ballast_bytes)
        self._mutex = threading.RLock()
        self._broken = ""
        self._lock_file: int | None = None
        self._connection: sqlite3.Connection | None = None
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    # --- opening --------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        try:
            if self.readonly:
                if not self.path.exists():
                    raise JournalError(
                        "there is no journal here",
                        where=str(self.path),
                        todo="Name the agent's directory with --state; campus-agent run makes a new journal",
                    )
            else:
                self._make_directory()
                self._lock_file = take_lock(self.directory)
                self._make_file()
            self._connect_or_give_up_ballast()
            if not self.readonly:
                sync_directory(self.directory)
        except OSError as error:
            raise JournalError(
                "the journal cannot be opened: {why}",
                where=str(self.directory),
                todo="check the owner, the mode and the free space of this directory",
                why=error.strerror or str(error),
            ) from error
        if not self.readonly:
            self.ballast.put_back(spare=self.limits.reserve_bytes)

    def _make_directory(self) -> None:
        if not self.directory.is_dir():
            self.directory.mkdir(mode=0o700, parents=True)
            sync_directory(self.directory.parent)
        _refuse_open_to_others(self.directory, "chmod 700 {path}")

    def _make_file(self) -> None:
        with suppress(FileExistsError):
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        _refuse_open_to_others(self.path, "chmod 600 {path}")

    def _connect_or_give_up_ballast(self) -> None:
        try:
            self._connect()
        except _ERRORS as error:
            if self.readonly or _name(error) not in _FULL:
                raise self._explain(error) from error
            self.ballast.release()
            try:
                self._connect()
            except _ERRORS as again:
                raise self._explain(again) from again

    def _connect(self) -> None:
        self._disconnect()
        if sqlite3.sqlite_version_info < _SQLITE:
            raise JournalError(
                "SQLite {found} is too old for the journal, which needs {needed}",
                todo="install a Python whose sqlite3 module is newer",
                found=sqlite3.sqlite_version,
                needed=".".join(map(str, _SQLITE)),
            )
        address = f"{self.path.absolute().as_uri()}?mode={'ro' if self.readonly else 'rw'}"
        self._connection = sqlite3.connect(
            address, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        db = self._connection
        db.execute("pragma trusted_schema = off")
        db.execute("pragma foreign_keys = on")
        db.execute("pragma recursive_triggers = on")
        db.execute("pragma synchronous = full")
        db.execute("pragma checkpoint_fullfsync = on")
        db.execute("pragma secure_delete = fast")
        db.execute(f"pragma wal_autocheckpoint = {_WAL_PAGES}")
        db.execute(f"pragma journal_size_limit = {_WAL_PAGES * _PAGE}")
        if not self.readonly:
            self._create(db)
        self._assert_settings(db)

    def _create(self, db: sqlite3.Connection) -> None:
        """Make the tables, all or none; a creation that was cut short is taken up again."""
        if _one(db, "pragma user_version") == 0 and _one(db, "select count(*) from sqlite_schema") == 0:
            db.execute(f"pragma page_size = {_PAGE}")
            db.execute("pragma auto_vacuum = incremental")
            db.execute("pragma journal_mode = wal")
            sync_directory(self.directory)
            db.executescript(
                f"begin immediate; {TABLES} {TRIGGERS} pragma application_id = {APPLICATION_ID}; "
                f"pragma user_version = {VERSION}; commit;"
            )
            db.execute("pragma wal_checkpoint(truncate)").fetchall()
        self._assert_identity(db)
        db.execute("pragma journal_mode = wal")

    def _assert_identity(self, db: sqlite3.Connection) -> None:
        """Refuse the file of another program or version before anything in it is changed."""
        version, application = _one(db, "pragma user_version"), _one(db, "pragma application_id")
        if (version, application) != (VERSION, APPLICATION_ID):
            raise JournalError(
                "this file is not a journal of this version (version {version})",
                where=str(self.path),
                todo="use the campus-agent release that wrote it, or give this one its own state directory",
                version=version,
            )

    def _assert_settings(self, db: sqlite3.Connection) -> None:
        self._assert_identity(db)
        wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "recursive_triggers": 1}
        for name, value in wanted.items():
            if (found := _one(db, f"pragma {name}")) != value:
                raise JournalError(
                    "the journal's setting {name} is {found}, not {value}",
                    where=str(self.path),
                    todo="keep the journal on a local file system that supports shared memory and fsync",
                    name=name,
                    found=found,
                    value=value,
                )

    # --- use ------------------------------------------------------------------------------------------------------

    def rows(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
        """Read.

        Raises:
            JournalError: the file cannot be read, or is damaged.
        """
        with self._mutex:
            try:
                return self._live().execute(sql, values).fetchall()
            except _ERRORS as error:
                raise self._explain(error) from error

    def write(self, work: Callable[[sqlite3.Connection], T], *, essential: bool = True) -> T:
        """Run `work` in one immediate transaction and return after it is durable.

        On a full disk the ballast is given up. Essential work (all but raw lines: it ends, sends or drops what was
        begun) is then done once more, so `work` may run twice; raw lines are refused, so that measuring cannot eat the
        room that the rest needs.

        Raises:
            JournalError: nothing was written; says why and what to do.
        """
        with self._mutex:
            if self._broken:
                raise self._stopped()
            try:
                return self._transact(work)
            except _ERRORS as error:
                if _name(error) not in _FULL or self.readonly:
                    raise self._explain(error) from error
                self.ballast.release()
                self.checkpoint()
                if not essential:
                    raise self._explain(error) from error
            try:
                return self._transact(work)
            except _ERRORS as error:
                raise self._explain(error) from error

    def checkpoint(self) -> None:
        """Fold the write-ahead log into the file as far as possible; a failure changes nothing."""
        with self._mutex, suppress(sqlite3.Error):
            self._live().execute("pragma wal_checkpoint(truncate)").fetchall()

    def shrink(self) -> None:
        """Give pages that became free back to the file system, in small steps."""
        with self._mutex, suppress(sqlite3.Error):
            db = self._live()
            before = -1
            while (free := _one(db, "pragma freelist_count")) and free != before:
                db.execute("pragma incremental_vacuum(2000)").fetchall()
                before = free
            self.checkpoint()

    def sizes(self) -> tuple[int, int]:
        """Return octets in use and octets that could still be used, on the file system and inside the file."""
        taken = 0
        for name in ("journal.db", "journal.db-wal"):
            with suppress(OSError):
                taken += (self.directory / name).stat().st_size
        reusable = int(self.rows("pragma freelist_count")[0][0]) * int(self.rows("pragma page_size")[0][0])
        return max(0, taken - reusable), free_bytes(self.directory) + reusable

    def close(self) -> None:
        """Close the file and let go of the lock; may be called more than once."""
        with self._mutex:
            self._disconnect()
            if self._lock_file is not None:
                os.close(self._lock_file)
                self._lock_file = None

    # --- inside ---------------------------------------------------------------------------------------------------

    def _transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        db = self._live()
        db.execute("begin immediate")
        try:
            result = work(db)
            db.execute("commit")
        except BaseException:
            if db.in_transaction:
                with suppress(sqlite3.Error):
                    db.execute("rollback")
            raise
        return result

    def _live(self) -> sqlite3.Connection:
        if self._connection is None:
            raise JournalError("the journal is closed", where=str(self.path), todo="restart campus-agent")
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _stopped(self) -> JournalError:
        return JournalError(
            "the journal stopped after a disk error ({name}); everything acknowledged before is kept",
            where=str(self.path),
            todo="check the disk, then restart campus-agent",
            name=self._broken,
        )

    def _explain(self, error: sqlite3.Error | UnicodeDecodeError) -> JournalError:
        """Turn SQLite's error into ours, and stop writing where going on could lose data."""
        name = _name(error)
        if name.startswith(_DAMAGED) or (name.startswith("SQLITE_IOERR") and name not in _FULL):
            self._broken = name
            if not name.startswith(_DAMAGED):
                return self._stopped()
        known = ((names, texts) for names, texts in _TEXTS.items() if name.startswith(names))
        _, (what, todo) = next(known, ((), ("the journal cannot be used: {why}", "")))
        return JournalError(
            what, where=str(self.path), todo=todo, name=name, why=str(error), directory=str(self.directory)
        )


_TEXTS: dict[tuple[str, ...], tuple[str, str]] = {
    _FULL: (
        "the disk is full or over quota ({name}); this record was not taken, all acknowledged before are kept",
        "make room on the file system of {directory}; measuring then goes on by itself",
    ),
    _DAMAGED: (
        "the journal is damaged: {why}",
        "stop campus-agent and salvage {directory}; entries with a receipt are safe at the backend",
    ),
    ("SQLITE_BUSY", "SQLITE_LOCKED"): (
        "another program holds the journal",
        "close other programs that have this file open",
    ),
    ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM"): (
        "the journal was opened for reading, or its directory cannot be written",
        "check how the file system of {directory} is mounted, and who owns it",
    ),
    ("SQLITE_CONSTRAINT",): ("the journal refused a change: {why}", ""),
}
"""What went wrong and what to do, by the beginnings of SQLite's error names."""


def _name(error: sqlite3.Error | UnicodeDecodeError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return _DAMAGED[0]
    return str(getattr(error, "sqlite_errorname", None) or "")


def _one(db: sqlite3.Connection, sql: str) -> Any:
    row = db.execute(sql).fetchone()
    return row[0] if row else None


def sync_directory(directory: Path) -> None:
    """Make names in the directory durable: creation and removal of files are changes of the directory."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse_open_to_others(path: Path, todo: str) -> None:
    if path.stat().st_mode & 0o077:
        raise JournalError("others may read or change this", where=str(path), todo=todo, path=str(path))
