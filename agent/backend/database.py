"""The backend's database: SQLite in its directory, or a PostgreSQL that a URL names.

Either way there is one transaction that writes: what it has read still holds when it writes, whichever process or
thread runs beside it. SQLite has `BEGIN IMMEDIATE` for that; on PostgreSQL, whose READ COMMITTED lets two transactions
read the same head of a chain, every writer first takes one advisory lock of the transaction. Readers see one moment.

A commit that is acknowledged survives a power cut: SQLite in WAL mode with `synchronous=FULL` (with `NORMAL` it does
not), PostgreSQL with `fsync` and `synchronous_commit`; both are looked at on every connection.
"""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from agent.backend.postgresql import (
    POSTGRESQL,
    check_session,
    connect_arguments,
    describe,
    is_gone,
    place_of,
    read_url,
)
from agent.backend.problems import ProblemError
from agent.errors import ConfigError
from agent.model.upload import ProblemType

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import URL, Connection, Engine, MetaData
    from sqlalchemy.engine.interfaces import ExceptionContext

__all__ = ["SQLITE_FILE", "Database"]

log = logging.getLogger(__name__)

SQLITE_FILE: Final = "backend.sqlite"
_LOCK_SECONDS: Final = 10
"""How long a writer waits for another before the sender is told to come back."""
_WRITE_SECONDS: Final = 30
"""How long one statement of a writer may take, and how long its client may be silent: a process that was stopped
in a transaction would keep all others from writing."""
_GONE_SECONDS: Final = 30
"""After which another try makes sense where the database does not answer."""
_WRITER: Final = 0x63616D7075732D61
"""The number of the lock that writers take ("campus-a"); others' applications have databases of their own."""
_FULL: Final = "53100"
"""SQLSTATE disk_full."""
_TAKEN: Final = ("55P03", "40001", "40P01", "57014")
"""SQLSTATE of a lock that was not to be had in time: lock_not_available, serialization_failure, deadlock_detected,
query_canceled (`statement_timeout`)."""


class Database:
    """An engine, and the two kinds of transaction that the backend knows.

    Args:
        directory: where SQLite's file is, when no URL names another database.
        url: SQLAlchemy or libpq URL of a PostgreSQL; empty: SQLite in the directory.

    Raises:
        ConfigError: the URL is not one that can be used, or the driver is not installed.
    """

    def __init__(self, directory: Path, url: str = "") -> None:
        self._writing = threading.Lock()
        self._silent = False
        self._telling = threading.Lock()
        if url:
            parsed = read_url(url)
            self.place = place_of(parsed)
            self._engine = _postgresql(parsed)
        else:
            self.place = str(directory / SQLITE_FILE)
            self._engine = _sqlite(f"sqlite:///{directory / SQLITE_FILE}")

    @property
    def is_postgresql(self) -> bool:
        """Tell which of the two it is."""
        return self._engine.dialect.name == POSTGRESQL

    def create_tables(self, tables: MetaData) -> None:
        """Make the tables that are not there yet.

        Raises:
            ConfigError: a PostgreSQL cannot be reached, refuses the user or may lose what it commits.
            ProblemError: SQLite's file is busy or fails.
        """
        try:
            with self.write() as connection:
                tables.create_all(connection)
        except ProblemError as error:
            if not self.is_postgresql:
                raise
            raise ConfigError(
                "the database cannot be used: {why}",
                where=self.place,
                todo="Check that it runs, that the URL names it and its user, and that the user owns the database",
                why=describe(error.__cause__) or error,
            ) from error

    def close(self) -> None:
        """Let go of all connections."""
        self._engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a consistent view.

        Raises:
            ProblemError: the database is busy or fails.
        """
        with self._problems(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give the one transaction that may write now; it is durable when the block ends without an error.

        Raises:
            ProblemError: the database is busy, full or fails; nothing was acknowledged.
        """
        # Writers of this process wait here, not each with a connection that readers then lack.
        if not self._writing.acquire(timeout=_LOCK_SECONDS):
            raise _busy()
        try:
            with self._problems(), self._engine.connect() as plain:
                connection = plain.execution_options(writes=True)
                with connection.begin():
                    yield connection
        finally:
            self._writing.release()

    @contextmanager
    def _problems(self) -> Iterator[None]:
        try:
            yield
        except PoolTimeoutError as error:
            raise ProblemError(ProblemType.BUSY, "all connections to the database are in use") from error
        except DBAPIError as error:
            raise self._problem(error) from error
        except OSError as error:
            # The driver lets through what the network does while an answer is read, or TLS is agreed on.
            if not self.is_postgresql:
                raise
            raise self._gone(error) from error
        else:
            self._tell(silent=False)

    def _problem(self, error: DBAPIError) -> ProblemError:
        if not self.is_postgresql:
            return _sqlite_problem(str(error.orig))
        state = describe(error).state
        if state == _FULL:
            return _full()
        if state in _TAKEN:
            return _busy()
        if error.connection_invalidated or is_gone(error.orig):
            return self._gone(error)
        # Of strangers' business is the number only; the text may quote what was to be stored.
        log.error("the database failed: %s", describe(error))
        return ProblemError(ProblemType.INTERNAL, "the database failed: {why}", why=state)

    def _gone(self, error: Exception) -> ProblemError:
        self._tell(silent=True, why=str(describe(error)))
        return ProblemError(
            ProblemType.BUSY,
            "the database does not answer; what has no receipt counts as not stored",
            retry_after=_GONE_SECONDS,
        )

    def _tell(self, *, silent: bool, why: str = "") -> None:
        """Log when the database goes and when it is back, once each: every sender that comes meanwhile fails alike."""
        if silent == self._silent:
            return
        with self._telling:
            if silent == self._silent:
                return
            self._silent = silent
            if silent:
                log.error("the database does not answer: %s: %s", self.place, why)
            else:
                log.warning("the database answers again: %s", self.place)


def _sqlite(url: str) -> Engine:
    engine = create_engine(url)
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: Any, _record: object) -> None:
    """Set what durability rests on, on every connection, and check that it took."""
    connection.isolation_level = None  # the driver begins no transactions of its own; `_begin_sqlite` does
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


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("begin immediate" if writes else "begin")


def _postgresql(url: URL) -> Engine:
    engine = create_engine(
        url.set(host=None, port=None, query={}),
        connect_args=connect_arguments(url),
        pool_pre_ping=True,  # a connection that died while nobody used it costs no sender a second try
        pool_timeout=_LOCK_SECONDS,
    )
    event.listen(engine, "connect", check_session)
    event.listen(engine, "begin", _begin_postgresql)
    event.listen(engine, "handle_error", _note_gone)
    return engine


def _begin_postgresql(connection: Connection) -> None:
    if not connection.get_execution_options().get("writes", False):
        connection.exec_driver_sql("set transaction isolation level repeatable read, read only")
        return
    # READ COMMITTED, and the lock before anything is read: what is read then is what the writer before has committed.
    connection.exec_driver_sql(
        f"select set_config('lock_timeout', '{_LOCK_SECONDS}s', true),"
        f" set_config('statement_timeout', '{_WRITE_SECONDS}s', true),"
        f" set_config('idle_in_transaction_session_timeout', '{_WRITE_SECONDS}s', true)"
    )
    connection.exec_driver_sql(f"select pg_advisory_xact_lock({_WRITER})")


def _note_gone(context: ExceptionContext) -> None:
    """Have the pool drop its connections when the server says that it is going: the driver only notices afterwards."""
    if is_gone(context.original_exception):
        context.is_disconnect = True


def _sqlite_problem(text: str) -> ProblemError:
    if "full" in text:
        return _full()
    if "locked" in text or "busy" in text:
        return _busy()
    return ProblemError(ProblemType.INTERNAL, "the database failed: {why}", why=text)


def _full() -> ProblemError:
    return ProblemError(ProblemType.STORAGE_FULL, "the database has no space left; nothing was stored")


def _busy() -> ProblemError:
    return ProblemError(ProblemType.BUSY, "other writers hold the database")
