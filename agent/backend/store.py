"""The backend's durable state: database, blobs, and the transactions that everything else runs in.

SQLite in WAL mode with `synchronous=FULL` keeps every committed transaction through a power cut; with `NORMAL` it does
not. Writers take the write lock at once (`BEGIN IMMEDIATE`), so that what a transaction has read still holds when it
writes.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, insert, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from agent.backend import tables
from agent.backend.blobs import BlobStore, sync_directory
from agent.backend.problems import ProblemError
from agent.clock import parse_time, time_text
from agent.errors import ConfigError, UsageError
from agent.model.upload import ProblemType

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection, Engine, Row

    from agent.clock import Clock

__all__ = ["RESERVE_BYTES", "TOKEN_HOURS", "EnrolledKey", "Store", "enrolled_key"]

TOKEN_HOURS = 24
RESERVE_BYTES = 64 * 1024 * 1024
_LOCK_SECONDS = 10
"""How long a writer waits for another before the sender is told to come back."""


@dataclass(frozen=True, slots=True)
class EnrolledKey:
    """A key that may send, whom it speaks for, and where its chain ends."""

    keyid: str
    campus: str
    agent: str
    public_key: str
    revoked: str | None
    next_seq: int
    head: str
    """Payload digest (hex) that the next entry must name as `prev`."""


class Store:
    """Database and blobs below one directory.

    Args:
        directory: made if absent; holds `backend.sqlite`, `blobs/`, and a lock file.
        clock: the time that is written into records.
        database: SQLAlchemy URL where another database than SQLite in the directory is used.
        reserve_bytes: free space that blobs leave for statements and receipts.
        exclusive: take the directory for this process (the server); tools work beside it.

    Raises:
        ConfigError: the directory cannot be used, or another server has it.
        ProblemError: the database cannot be opened.
    """

    def __init__(
        self,
        directory: Path,
        clock: Clock,
        *,
        database: str = "",
        reserve_bytes: int = RESERVE_BYTES,
        exclusive: bool = False,
    ) -> None:
        self.directory = directory
        self.clock = clock
        self._writing = threading.Lock()
        self._lock = -1
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            if exclusive:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._unlock()
            raise _unusable(directory, error) from error
        self._engine = _engine(database or f"sqlite:///{directory / 'backend.sqlite'}")
        try:
            self.blobs = BlobStore(directory / "blobs", reserve_bytes=reserve_bytes)
            if exclusive:
                self.blobs.sweep()
            with _database_problems():
                tables.METADATA.create_all(self._engine)
            # A deletion of the journal that switched the file to WAL must not come back after a power cut.
            sync_directory(directory)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the database and the directory."""
        self._engine.dispose()
        self._unlock()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a consistent view.

        Raises:
            ProblemError: the database is busy or fails.
        """
        with _database_problems(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give the one transaction that may write now; it is durable when the block ends without an error.

        Raises:
            ProblemError: the database is busy, full or fails; nothing was stored.
        """
        if not self._writing.acquire(timeout=_LOCK_SECONDS):
            raise ProblemError(ProblemType.BUSY, "other writers hold the database")
        try:
            with _database_problems(), self._engine.connect() as plain:
                connection = plain.execution_options(writes=True)
                with connection.begin():
                    yield connection
        finally:
            self._writing.release()

    def create_token(self, campus: str) -> str:
        """Return a new one-time enrolment token for a campus, good for 24 hours; only its SHA-256 is kept."""
        text = secrets.token_urlsafe(32)
        now = self.clock.now()
        with self.write() as connection:
            connection.execute(
                insert(tables.token).values(
                    sha256=hashlib.sha256(text.encode()).hexdigest(),
                    campus=campus,
                    created=time_text(now),
                    expires=time_text(now + timedelta(hours=TOKEN_HOURS)),
                )
            )
        return text

    def open_tokens(self, connection: Connection, campus: str) -> list[str]:
        """Return the SHA-256 (hex) of the campus's tokens that are neither used nor expired."""
        rows = connection.execute(
            select(tables.token.c.sha256, tables.token.c.expires)
            .where(tables.token.c.campus == campus, tables.token.c.keyid.is_(None))
            .with_for_update()
        ).all()
        now = self.clock.now()
        return [row.sha256 for row in rows if now < parse_time(row.expires)]

    def revoke(self, keyid: str, reason: str) -> None:
        """Withdraw a key from now on; what was received before stays valid.

        Raises:
            UsageError: no such key is enrolled.
        """
        with self.write() as connection:
            changed = connection.execute(
                update(tables.agent)
                .where(tables.agent.c.keyid == keyid, tables.agent.c.revoked.is_(None))
                .values(revoked=time_text(self.clock.now()), reason=reason)
            )
            if changed.rowcount == 0 and enrolled_key(connection, keyid) is None:
                raise UsageError("no key {keyid} is enrolled", keyid=keyid)

    def agents(self) -> list[EnrolledKey]:
        """Return all enrolled keys, oldest first."""
        with self.read() as connection:
            rows = connection.execute(select(tables.agent).order_by(tables.agent.c.enrolled, tables.agent.c.keyid))
            return [_enrolled(row) for row in rows]

    def _unlock(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def enrolled_key(connection: Connection, keyid: str) -> EnrolledKey | None:
    """Return the key and the head of its chain, locked against other writers; None if it was never enrolled."""
    row = connection.execute(select(tables.agent).where(tables.agent.c.keyid == keyid).with_for_update()).one_or_none()
    return None if row is None else _enrolled(row)


def _enrolled(row: Row[Any]) -> EnrolledKey:
    return EnrolledKey(
        keyid=row.keyid,
        campus=row.campus,
        agent=row.agent,
        public_key=row.public_key,
        revoked=row.revoked,
        next_seq=row.next_seq,
        head=row.head,
    )


def _engine(url: str) -> Engine:
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure)
        event.listen(engine, "begin", _begin)
    return engine


def _configure(connection: Any, _record: object) -> None:
    """Set what durability rests on, on every connection, and check that it took."""
    connection.isolation_level = None  # the driver begins no transactions of its own; `_begin` does
    cursor = connection.cursor()
    cursor.execute(f"pragma busy_timeout = {_LOCK_SECONDS * 1000}")
    mode = cursor.execute("pragma journal_mode = wal").fetchone()[0]
    cursor.execute("pragma synchronous = full")
    level = cursor.execute("pragma synchronous").fetchone()[0]
    cursor.close()
    if (mode, level) != ("wal", 2):
        raise ConfigError(
            "SQLite cannot keep commits safe here (journal mode {mode}, synchronous {level})",
            todo="Put the backend's directory on a local file system",
            mode=mode,
            level=level,
        )


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("begin immediate" if writes else "begin")


@contextmanager
def _database_problems() -> Iterator[None]:
    try:
        yield
    except PoolTimeoutError as error:
        raise ProblemError(ProblemType.BUSY, "all connections to the database are in use") from error
    except DBAPIError as error:
        text = str(error.orig)
        if "full" in text:
            raise ProblemError(
                ProblemType.STORAGE_FULL, "the database has no space left; nothing was stored"
            ) from error
        if "locked" in text or "busy" in text:
            raise ProblemError(ProblemType.BUSY, "other writers hold the database") from error
        raise ProblemError(ProblemType.INTERNAL, "the database failed: {why}", why=text) from error


def _unusable(directory: Path, error: OSError) -> ConfigError:
    if isinstance(error, BlockingIOError):
        return ConfigError(
            "another backend is running on this directory",
            where=str(directory),
            todo="Stop it, or give this one a directory of its own",
        )
    return ConfigError(
        "the backend's directory cannot be used: {why}",
        where=str(directory),
        todo="Give the service's user a directory that it may write",
        why=error.strerror or str(error),
    )
