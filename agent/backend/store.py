"""The backend's durable state: database, blobs, and the transactions that everything else runs in.

Where the database is, and what makes its commits last: `agent.backend.database`.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from agent.backend import tables
from agent.backend.blobs import BlobStore, sync_directory
from agent.backend.database import Database
from agent.clock import parse_time, time_text
from agent.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from sqlalchemy import Connection, Row

    from agent.clock import Clock

__all__ = ["RESERVE_BYTES", "TOKEN_HOURS", "EnrolledKey", "Store", "enrolled_key"]

TOKEN_HOURS = 24
RESERVE_BYTES = 64 * 1024 * 1024


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
        database: URL of a PostgreSQL; empty: SQLite in the directory.
        reserve_bytes: free space that blobs leave for statements and receipts.
        exclusive: take the directory for this process (the server); tools work beside it.

    Raises:
        ConfigError: the directory or the database cannot be used, or another server has the directory.
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
        self._lock = -1
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            if exclusive:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._unlock()
            raise _unusable(directory, error) from error
        try:
            self._database = Database(directory, database)
        except ConfigError:
            self._unlock()
            raise
        try:
            self.blobs = BlobStore(directory / "blobs", reserve_bytes=reserve_bytes)
            if exclusive:
                self.blobs.sweep()
            self._database.create_tables(tables.METADATA)
            # A deletion of the journal that switched the file to WAL must not come back after a power cut.
            sync_directory(directory)
        except BaseException:
            self.close()
            raise

    @property
    def place(self) -> str:
        """Return where the database is, for people; without a password."""
        return self._database.place

    def close(self) -> None:
        """Let go of the database and the directory."""
        self._database.close()
        self._unlock()

    def read(self) -> AbstractContextManager[Connection]:
        """Give a consistent view; see `Database.read`."""
        return self._database.read()

    def write(self) -> AbstractContextManager[Connection]:
        """Give the one transaction that may write now; see `Database.write`."""
        return self._database.write()

    def create_token(self, campus: str) -> str:
        """Return a new one-time enrolment token for a campus, good for 24 hours; only its SHA-256 is kept.

        Raises:
            UsageError: no school can have this id.
        """
        if not tables.is_name(campus):
            raise UsageError(
                "a school's id has 1 to {limit} printable characters",
                todo="Give the id in the school's campus file",
                limit=tables.NAME_CHARACTERS,
            )
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
        if not tables.is_name(campus):
            return []
        rows = connection.execute(
            select(tables.token.c.sha256, tables.token.c.expires).where(
                tables.token.c.campus == campus, tables.token.c.keyid.is_(None)
            )
        ).all()
        now = self.clock.now()
        return [row.sha256 for row in rows if now < parse_time(row.expires)]

    def revoke(self, keyid: str, reason: str) -> bool:
        """Withdraw a key from now on; what was received before stays valid.

        Returns:
            False: it was revoked before, and the time and the reason of then stay.

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
        return changed.rowcount > 0

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
    """Return the key and the head of its chain; None if it was never enrolled."""
    row = connection.execute(select(tables.agent).where(tables.agent.c.keyid == keyid)).one_or_none()
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
