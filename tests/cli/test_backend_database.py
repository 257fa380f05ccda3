"""Where the backend's commands find their database: in a file or the environment, never in the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from agent.cli.backend_database import VARIABLE, database_url
from agent.errors import ConfigError
from tests.peers.postgresql import Cluster, needed, running_postgresql

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.conftest import Call

URL = "postgresql://bureau:s3cret@127.0.0.1/name"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    needed()
    with running_postgresql() as running:
        yield running


def private(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_the_nearest_word_counts(tmp_path: Path) -> None:
    """Variable before credential before file; none of them means SQLite."""
    directory, credentials = tmp_path / "backend", tmp_path / "credentials"
    assert database_url(directory, {}) == ""
    private(directory / "database", f"{URL}-file\n")
    assert database_url(directory, {}) == f"{URL}-file"
    assert database_url(directory, {"CREDENTIALS_DIRECTORY": str(credentials)}) == f"{URL}-file"
    private(credentials / "database", f"{URL}-credential\n").chmod(0o440)  # as systemd shows it
    environment = {"CREDENTIALS_DIRECTORY": str(credentials)}
    assert database_url(directory, environment) == f"{URL}-credential"
    assert database_url(directory, environment | {VARIABLE: f" {URL} "}) == URL


@pytest.mark.parametrize(
    ("text", "mode", "told"),
    [
        (URL, 0o640, r"others may read this credential \(mode 0o640\)\. Run: chmod 600"),
        ("", 0o600, "does not hold one URL"),
        (f"{URL}\n{URL}", 0o600, "does not hold one URL"),
        ("\udcff", 0o600, "cannot read the URL of the database: not text"),
    ],
)
def test_a_file_that_is_no_secret_url_is_refused(tmp_path: Path, text: str, mode: int, told: str) -> None:
    """A file that others may read, or that holds something else, is an error with its place and without the secret."""
    path = tmp_path / "database"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    path.chmod(mode)
    with pytest.raises(ConfigError, match=told) as caught:
        database_url(tmp_path, {})
    assert str(path) in caught.value.render()
    assert "s3cret" not in caught.value.render()
    path.unlink()
    path.mkdir()
    with pytest.raises(ConfigError, match="cannot read the URL of the database: Is a directory"):
        database_url(tmp_path, {})


def test_the_commands_work_beside_a_server_on_postgresql(cluster: Cluster, tmp_path: Path, call: Call) -> None:
    """serve, token, keys, check and trust share the database that the directory's file names; no SQLite appears.

    The password is in no command line and in nothing that is printed.
    """
    directory = tmp_path / "backend"
    private(directory / "database", cluster.url(cluster.create()))
    command = [sys.executable, "-m", "agent", "backend", "serve", "--port", "0", "--directory", str(directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            url = process.stdout.readline().strip()
            trust = httpx.get(f"{url}/v1/trust", trust_env=False, timeout=20).json()
            arguments = Path(f"/proc/{process.pid}/cmdline").read_bytes()
            here = ("--directory", directory)
            token = call("backend", "token", "school-1", *here)
            listed = call("backend", "keys", "--json", *here)
            checked = call("backend", "check", *here)
            told = call("backend", "trust", *here)
            process.send_signal(signal.SIGTERM)
            said = process.communicate(timeout=20)
        finally:
            process.kill()
    assert [done.code for done in (token, listed, checked, told)] == [0, 0, 0, 0]
    assert (json.loads(listed.out), checked.out) == ([], "0 blobs, 0 entries, 0 leaves\n")
    assert json.loads(told.out) == trust
    assert cluster.sql("select count(*) from token", database="backend_1") == [[1]]
    assert not (directory / "backend.sqlite").exists()
    shown = "".join([*said, token.out, token.err, told.out, told.err])
    assert cluster.password not in shown
    assert cluster.password.encode() not in arguments


def test_a_database_that_is_away_is_one_line(tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands beside a server whose database is away end with exit 2, where they tried, and no password."""
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "log.pem").touch()
    monkeypatch.setenv(VARIABLE, f"postgresql://bureau:s3cret@127.0.0.1:9/name{os.getpid()}")
    done = call("backend", "keys", "--directory", tmp_path)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"campus-agent: 127.0.0.1:9/name{os.getpid()}: the database cannot be used: ")
    assert done.err.count("\n") == 1
    assert "s3cret" not in done.err
