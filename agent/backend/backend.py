"""The backend as one thing: settings, keys, store and log, opened together."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from agent.backend.blobs import sync_directory
from agent.backend.database import SQLITE_FILE
from agent.backend.log import TransparencyLog, stored_origin
from agent.backend.store import RESERVE_BYTES, Store
from agent.errors import ConfigError
from agent.evidence import keys
from agent.evidence.vkey import check_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent.clock import Clock

__all__ = ["DEFAULT_ORIGIN", "Backend", "Settings"]

_Key = TypeVar("_Key", keys.LogSigner, keys.Signer)

DEFAULT_ORIGIN = "campus-agent-backend/log"
"""The name of a new log that nobody named."""
_LOG_FILE = "log"
"""Holds the name of the log that the keys beside it have signed, so that no second log is begun with them when the
directory is opened with another database than the one that holds it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator of a backend decides."""

    directory: Path
    origin: str = ""
    """The log's name in receipts: a host and path that the operator controls; fixed once the log exists.
    Empty: the name that the log in the database has, or `DEFAULT_ORIGIN` for a new one."""
    database: str = ""
    """URL of a PostgreSQL, with the user's password: never shown. Empty: SQLite in the directory."""
    reserve_bytes: int = RESERVE_BYTES
    """Free space that blobs leave for statements and receipts."""
    body_seconds: float = 120
    """How long a request body may take to arrive."""


class Backend:
    """An opened backend. `close` it."""

    def __init__(self, settings: Settings, store: Store, log: TransparencyLog, challenge_signer: keys.Signer) -> None:
        self.settings = settings
        self.store = store
        self.log = log
        self.challenge_signer = challenge_signer

    @classmethod
    def open(cls, settings: Settings, clock: Clock, *, exclusive: bool = True) -> Backend:
        """Open the directory; a server makes keys, tables and log where there are none.

        Args:
            settings: see `Settings`.
            clock: the time of records.
            exclusive: as the server; False for tools that work beside it and make no backend of their own.

        Raises:
            ConfigError: directory or database are unusable, the directory is taken, or its log is another than the
                database's; or a tool finds no backend in it.
            KeyFileError: a key file is damaged or open to others.
            ProblemError: the database cannot be opened.
        """
        directory = settings.directory
        log_path, challenge_path = (directory / "keys" / name for name in ("log.pem", "challenge.pem"))
        if not exclusive and not log_path.exists() and not challenge_path.exists():
            raise _nothing_here(directory)
        signed = _signed_origin(directory)
        if signed is not None and not settings.database and not (directory / SQLITE_FILE).exists():
            raise _lost(directory / SQLITE_FILE, signed)
        store = Store(
            directory,
            clock,
            database=settings.database,
            reserve_bytes=settings.reserve_bytes,
            exclusive=exclusive,
        )
        try:
            held = _held_origin(store, signed, needed=not exclusive)
            origin = _agreed_origin(settings.origin, held)
            log_signer = _key(log_path, held, keys.load_log_key, keys.create_log_key)
            signer = _key(challenge_path, held, keys.load, keys.create)
            log = TransparencyLog(origin, log_signer)
            with store.write() as connection:
                log.open(connection)
            if exclusive and signed is None:
                _note_signed(directory, origin)
        except BaseException:
            store.close()
            raise
        return cls(settings, store, log, signer)

    def close(self) -> None:
        """Let go of the directory."""
        self.store.close()

    def checkpoint(self) -> str:
        """Return the newest signed head of the log."""
        with self.store.read() as connection:
            return self.log.checkpoint(connection)

    def trust(self) -> dict[str, Any]:
        """Return the public keys that an agent pins when it enrols."""
        return {
            "log": {"origin": self.log.origin, "vkey": self.log.key.text()},
            "challenge": {
                "keyid": self.challenge_signer.keyid,
                "publicKey": self.challenge_signer.public_pem.decode("ascii"),
            },
        }


def _held_origin(store: Store, signed: str | None, *, needed: bool) -> str | None:
    """Return the name of the log in the database; None if there is none yet.

    Raises:
        ConfigError: there is none, and one is needed or was here.
    """
    with store.read() as connection:
        held = stored_origin(connection)
    if held is None and signed is not None:
        raise _lost(store.place, signed)
    if held is None and needed:
        raise _nothing_here(store.directory)
    return held


def _signed_origin(directory: Path) -> str | None:
    """Return the name of the log that the directory's keys have signed; None if they have signed none that is known."""
    try:
        return (directory / _LOG_FILE).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(directory / _LOG_FILE, error) from error


def _note_signed(directory: Path, origin: str) -> None:
    """Note durably which log the directory's keys sign."""
    try:
        with (directory / _LOG_FILE).open("w", encoding="utf-8") as file:
            file.write(f"{origin}\n")
            file.flush()
            os.fsync(file.fileno())
        sync_directory(directory)
    except OSError as error:
        raise _unreadable(directory / _LOG_FILE, error) from error


def _agreed_origin(given: str, held: str | None) -> str:
    """Return the log's name: what the database says wins over nothing said, and never differs from what is said.

    Raises:
        ConfigError: the log has another name than the one that was asked for.
        MalformedError: no note can carry the name.
    """
    if held is not None and given not in ("", held):
        raise ConfigError(
            "the log here has the name {held!r}, not {given!r}",
            todo="Leave --origin out, or start with an empty directory: receipts carry the name, so it cannot change",
            held=held,
            given=given,
        )
    origin = held or given or DEFAULT_ORIGIN
    check_name(origin, where="--origin")
    return origin


def _key(path: Path, held: str | None, load: Callable[[Path], _Key], create: Callable[[Path], _Key]) -> _Key:
    """Return the key of a file; a new one is made only where no log exists yet.

    Agents have pinned the keys of a log that exists: a second key would be refused by all of them.

    Raises:
        ConfigError: the key of an existing log is missing.
        KeyFileError: the file is damaged, open to others, or cannot be made.
    """
    if held is not None and not path.exists():
        raise ConfigError(
            "the key of the log {origin} is missing",
            where=str(path),
            todo="Restore it from its backup, or start with an empty directory and have every school enrol again",
            origin=held,
        )
    return load(path) if path.exists() else create(path)


def _nothing_here(directory: Path) -> ConfigError:
    return ConfigError(
        "there is no backend here", where=str(directory), todo="Start it once with campus-agent backend serve"
    )


def _lost(place: Path | str, origin: str) -> ConfigError:
    return ConfigError(
        "the database does not hold the log {origin}, which the keys in the backend's directory have signed",
        where=str(place),
        todo="Name the database that holds it, or restore that from its backup: two logs of one name would pass for a"
        " forgery",
        origin=origin,
    )


def _unreadable(path: Path, error: Exception) -> ConfigError:
    return ConfigError(
        "the backend's directory cannot be used: {why}",
        where=str(path),
        todo="Give the service's user a directory that it may write",
        why=getattr(error, "strerror", None) or str(error),
    )
