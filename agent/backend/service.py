"""Running the backend: the socket, the server around the application, and its end."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import uvicorn

from agent.backend.app import create_app
from agent.backend.backend import Backend, Settings
from agent.clock import SystemClock
from agent.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent.clock import Clock

__all__ = ["Backend", "Settings", "create_app", "listening", "serve", "server_config"]


def serve(
    host: str,
    port: int,
    directory: Path,
    *,
    origin: str = "",
    database: str = "",
    clock: Clock | None = None,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Run the backend until SIGINT or SIGTERM; requests under way are finished.

    Args:
        host: address to listen on.
        port: port; 0 takes a free one.
        directory: where everything is kept.
        origin: the log's name; fixed once the log exists. Empty: the one that it has, or that of a new one.
        database: URL of a PostgreSQL; empty: SQLite in the directory.
        clock: another clock than the machine's.
        ready: called with the URL as soon as connections are taken.

    Raises:
        ConfigError: the address, the directory or the database cannot be used.
    """
    with listening(host, port) as listener:
        app = create_app(Settings(directory, origin=origin, database=database), clock or SystemClock())
        if ready is not None:
            # The socket listens already: whoever connects now is answered as soon as the loop runs.
            ready(f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}")
        server = uvicorn.Server(server_config(app))
        server.run(sockets=[listener])


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that takes connections; answers leave it at once.

    Raises:
        ConfigError: the address cannot be used.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family)
        # Connections inherit it. asyncio sets it only on sockets that name TCP as their protocol, which those of
        # `create_server` do not: the second part of an answer then waited 40 ms for the receiver's acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        raise ConfigError(
            "the backend cannot listen on {host} port {port}: {why}",
            todo="Choose an address of this machine and a free port",
            host=host,
            port=port,
            why=error.strerror or str(error),
        ) from error
    return listener


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
