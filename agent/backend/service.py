"""The backend as one thing: settings, keys, store and log together; the server; and the check of everything stored."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import uvicorn

from agent.backend.log import TransparencyLog
from agent.backend.store import RESERVE_BYTES, Store
from agent.clock import SystemClock
from agent.errors import ConfigError
from agent.evidence import keys

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent.clock import Clock

__all__ = ["DEFAULT_ORIGIN", "Backend", "Settings", "serve"]

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


def serve(
    host: str,
    port: int,
    directory: Path,
    *,
    origin: str = DEFAULT_ORIGIN,
    clock: Clock | None = None,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Run the backend until SIGINT or SIGTERM; requests under way are finished.

    Args:
        host: address to listen on.
        port: port; 0 takes a free one.
        directory: where everything is kept.
        origin: the log's name; fixed once the log exists.
        clock: another clock than the machine's.
        ready: called with the URL as soon as connections are taken.

    Raises:
        ConfigError: the address or the directory cannot be used.
    """
    # Here, because the application imports this module.
    from agent.backend.app import create_app  # noqa: PLC0415

    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigError(
            "the backend cannot listen on {host} port {port}: {why}",
            todo="Choose an address of this machine and a free port",
            host=host,
            port=port,
            why=error.strerror or str(error),
        ) from error
    with listener:
        app = create_app(Settings(directory, origin=origin), clock or SystemClock())
        if ready is not None:
            # The socket listens already: whoever connects now is answered as soon as the loop runs.
            ready(f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}")
        server = uvicorn.Server(server_config(app))
        server.run(sockets=[listener])


def server_config(app: Any) -> uvicorn.Config:
    """Return how uvicorn runs the application: quiet, `Date` from the application, bounded shutdown."""
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,  # addresses of schools are nobody's business
        date_header=False,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=10,
        limit_concurrency=200,
    )
