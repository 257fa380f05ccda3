"""The backend as one thing: settings, keys, store and log, opened together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent.backend.log import TransparencyLog
from agent.backend.store import RESERVE_BYTES, Store
from agent.evidence import keys

if TYPE_CHECKING:
    from pathlib import Path

    from agent.clock import Clock

__all__ = ["DEFAULT_ORIGIN", "Backend", "Settings"]

DEFAULT_ORIGIN = "campus-agent-backend/log"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator of a backend decides."""

    directory: Path
    origin: str = DEFAULT_ORIGIN
    """The log's name in receipts: a host and path that the operator controls; fixed once the log exists."""
    database: str = ""
    """SQLAlchemy URL; empty: SQLite in the directory."""
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
        """Open the directory, making keys, tables and log where there are none.

        Args:
            settings: see `Settings`.
            clock: the time of records.
            exclusive: as the server; False for tools that work beside it.

        Raises:
            ConfigError: the directory is unusable, taken, or holds another log.
            KeyFileError: a key file is damaged or open to others.
            ProblemError: the database cannot be opened.
        """
        store = Store(
            settings.directory,
            clock,
            database=settings.database,
            reserve_bytes=settings.reserve_bytes,
            exclusive=exclusive,
        )
        try:
            log_path = settings.directory / "keys" / "log.pem"
            challenge_path = settings.directory / "keys" / "challenge.pem"
            log_signer = keys.load_log_key(log_path) if log_path.exists() else keys.create_log_key(log_path)
            signer = keys.load(challenge_path) if challenge_path.exists() else keys.create(challenge_path)
            log = TransparencyLog(settings.origin, log_signer)
            with store.write() as connection:
                log.open(connection)
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
