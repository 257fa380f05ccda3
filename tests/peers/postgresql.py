"""A real PostgreSQL of the tests' own: its cluster in a temporary directory, on loopback and on a socket there."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

BOTH = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
"""Runs a test on both databases; without it a test runs on SQLite."""
ACCOUNT = "postgres"
"""Of the operating system: initdb refuses root."""
USER = "bureau"
WAIT_SECONDS = 60
_EMPTY = """
do $$ declare name text; begin
    for name in select tablename from pg_tables where schemaname = 'public' loop
        execute format('delete from %I', name);
    end loop;
end $$"""


def binaries() -> Path | None:
    """Return where Debian puts the server's programs; None where there is no PostgreSQL."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


def needed() -> None:
    """Skip the test where no cluster can be made."""
    if binaries() is None:
        pytest.skip("postgresql is not installed")
    if os.geteuid() == 0:
        try:
            pwd.getpwnam(ACCOUNT)
        except KeyError:
            pytest.skip(f"initdb refuses root, and there is no user {ACCOUNT}")


@dataclass
class Cluster:
    """A PostgreSQL that can be stopped and started."""

    directory: Path
    port: int
    password: str = field(default_factory=lambda: secrets.token_hex(8))
    process: subprocess.Popen[bytes] | None = None
    made: int = 0
    shared: str = ""

    def url(self, name: str, *, password: str | None = None, options: str = "") -> str:
        """Return the URL of a database, by loopback and with the password."""
        return f"postgresql://{USER}:{password or self.password}@127.0.0.1:{self.port}/{name}{options}"

    def socket_url(self, name: str) -> str:
        """Return the URL of a database, by the socket and without a password."""
        return f"postgresql://{USER}@:{self.port}/{name}?host={self.directory}"

    def create(self, *, options: str = "") -> str:
        """Make an empty database and return its name; it goes with the cluster."""
        self.made += 1
        name = f"backend_{self.made}"
        self.sql(f"create database {name} template template0 {options}")
        return name

    def emptied(self) -> str:
        """Return the name of a database that every test finds empty; quicker than a new one for each."""
        if not self.shared:
            self.shared = self.create()
        # Not truncated: that makes new files, which takes longer than a few rows.
        self.sql(_EMPTY, database=self.shared)
        return self.shared

    def sql(self, statement: str, *, database: str = "postgres", patience: float = WAIT_SECONDS) -> list[Any]:
        """Run one statement behind the backend's back, outside of a transaction."""
        import pg8000.native

        path = f"{self.directory}/.s.PGSQL.{self.port}"
        opened = pg8000.native.Connection(USER, unix_sock=path, database=database, timeout=patience)
        with contextlib.closing(opened) as connection:
            return list(connection.run(statement) or [])

    def start(self) -> None:
        """Start the server; return when it takes connections."""
        here = binaries()
        assert here is not None
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*_as_account(), str(here / "postgres"), "-D", str(self.directory / "data")],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        until = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                self.sql("select 1", patience=2)
            except Exception:
                assert self.process.poll() is None, (self.directory / "log").read_text()
                assert time.monotonic() < until
                time.sleep(0.05)
            else:
                return

    def stop(self, sig: int = signal.SIGQUIT) -> None:
        """Stop the server; SIGQUIT ends it at once and cuts all connections, as a crash does."""
        if self.process is not None:
            self.process.send_signal(sig)
            self.process.wait(WAIT_SECONDS)
            self.process = None


@contextlib.contextmanager
def running_postgresql() -> Iterator[Cluster]:
    """Make and run a cluster, and remove it."""
    memory = Path("/dev/shm")
    roomy = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2**30
    directory = Path(tempfile.mkdtemp(prefix="pg-", dir=memory if roomy else None))
    cluster = Cluster(directory, _free_port())
    try:
        _make(cluster)
        cluster.start()
        yield cluster
    finally:
        cluster.stop(signal.SIGINT)
        shutil.rmtree(directory)


def _make(cluster: Cluster) -> None:
    here = binaries()
    assert here is not None
    directory = cluster.directory
    (directory / "password").write_text(cluster.password)
    if os.geteuid() == 0:
        shutil.chown(directory, ACCOUNT)
        shutil.chown(directory / "password", ACCOUNT)
    subprocess.run(
        [
            *_as_account(), str(here / "initdb"), "-D", str(directory / "data"), "-U", USER, "--no-sync",
            "--encoding=UTF8", "--locale=C.UTF-8", "--auth-local=trust", "--auth-host=scram-sha-256",
            f"--pwfile={directory / 'password'}",
        ],
        check=True, capture_output=True, timeout=WAIT_SECONDS, cwd=directory,
    )  # fmt: skip
    with (directory / "data" / "postgresql.conf").open("a", encoding="utf-8") as file:
        # fsync stays on, which the backend insists on: in memory it costs nothing.
        file.write(
            f"listen_addresses = '127.0.0.1'\nport = {cluster.port}\nunix_socket_directories = '{directory}'\n"
            "shared_buffers = 16MB\nautovacuum = off\nmax_wal_size = 64MB\n"
        )


def _as_account() -> list[str]:
    """Return the words that run a command as somebody who may run a cluster; the process stays the same."""
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    assert setpriv is not None
    # The server ends with whoever started it, however that ends.
    return [setpriv, f"--reuid={ACCOUNT}", f"--regid={ACCOUNT}", "--clear-groups", "--pdeathsig=SIGINT", "--"]


def _free_port() -> int:
    """Return a port below those that the kernel gives to connections, so that none takes it before the server does."""
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
