"""What was acknowledged stays: through kill -9, restarts, a full disk, and a second server on the same directory."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from sqlalchemy import text

from agent import canonical
from agent.backend.fsck import fsck
from agent.backend.service import Backend, Settings, listening, serve
from agent.backend.store import Store
from agent.clock import SystemClock
from agent.errors import ConfigError, KeyFileError, MalformedError, UsageError
from agent.evidence import keys
from agent.evidence.note import verify_receipt
from agent.model.evidence import EntryKind
from agent.model.upload import BLOB_MEDIA_TYPE, ProblemType
from tests.peers.backend import ORIGIN, HandClock, Served, Speaker, serving, speaker
from tests.peers.postgresql import BOTH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHILD = Path(__file__).with_name("kill_child.py")


@contextlib.contextmanager
def child(directory: Path) -> Iterator[tuple[subprocess.Popen[str], Served]]:
    """Run the backend in a process of its own."""
    clock = HandClock(datetime.now(UTC))
    process = subprocess.Popen([sys.executable, str(CHILD), str(directory)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process, process.stdout:
        try:
            url = process.stdout.readline().strip()
            backend = Backend.open(Settings(directory, origin=ORIGIN), SystemClock(), exclusive=False)
            with contextlib.closing(backend), httpx.Client(base_url=url, timeout=20, trust_env=False) as http:
                yield process, Served(url, backend, clock, http)
        finally:
            process.kill()


def test_kill_9_between_commit_and_answer_keeps_one_leaf(tmp_path: Path) -> None:
    """The backend dies after the commit, before 201: the repeat gets 200 with a receipt, and there is one leaf."""
    directory = tmp_path / "backend"
    with child(directory) as (process, served):
        agent = served.enrolled(tmp_path / "agent")
        (directory / "die").touch()
        signed = agent.append(EntryKind.RUN, {"raw": b"answers"})
        with pytest.raises(httpx.TransportError):
            served.put(signed)
        assert process.wait(10) == -signal.SIGKILL
        (directory / "die").unlink()
    with child(directory) as (_, served):
        answer = served.put(signed)
        assert answer.status_code == 200
        leaf = verify_receipt(answer.content, signed.digest, served.backend.log.key.text())
        assert leaf.seq == 1
        assert served.leaves() == 2
        assert served.put(agent.append(EntryKind.RUN)).status_code == 201
        assert fsck(served.backend).faults == ()


@BOTH
def test_a_restart_goes_on_where_it_stopped(tmp_path: Path, database: str) -> None:
    """After a restart: same keys, same receipts for repeats, the log grows from where it was, tokens stay open."""
    directory, clock = tmp_path / "backend", HandClock()
    with serving(directory, clock, database=database) as served:
        agent = served.enrolled(tmp_path / "agent")
        signed = [agent.append(EntryKind.RUN, {"raw": b"%d" % n}) for n in range(6)]
        receipts = [served.put(one).content for one in signed]
        trust = served.backend.trust()
        token = served.backend.store.create_token("school-2")
        challenge = served.challenge(agent)
    with serving(directory, clock, database=database) as served:
        assert served.backend.trust() == trust
        assert [served.put(one).content for one in signed] == receipts
        assert served.put(agent.append(EntryKind.RUN, run="r", challenge=challenge)).status_code == 201
        newcomer = speaker(tmp_path / "agent", clock, campus="school-2", name="school-2/agent")
        assert served.put(newcomer.enrol(token)).status_code == 201
        assert served.leaves() == 9
        assert fsck(served.backend).faults == ()


def test_what_an_interrupted_upload_left_is_swept_at_the_start(tmp_path: Path) -> None:
    """Half a blob has no name, and does not stay for ever."""
    with serving(tmp_path / "backend", HandClock()):
        pass
    left = tmp_path / "backend" / "blobs" / "tmp" / "blob-half"
    left.write_bytes(b"half")
    with serving(tmp_path / "backend", HandClock()) as served:
        assert not left.exists()
        assert list(served.backend.store.blobs.digests()) == []


def test_a_blob_that_the_disk_damaged_is_mended_by_a_repeat(served: Served) -> None:
    """Bit rot is not answered with "is here already": the good bytes take the place of the bad ones."""
    assert served.put_blob(b"good").status_code == 201
    path = served.backend.store.blobs.path(canonical.digest(b"good"))
    path.write_bytes(b"g00d")
    assert [served.put_blob(b"good").status_code for _ in range(2)] == [201, 200]
    assert path.read_bytes() == b"good"
    assert list((served.backend.store.directory / "blobs" / "tmp").iterdir()) == []


def wait_for(condition: Callable[[], bool]) -> None:
    """Until the server's own thread has got there; a failure after 20 seconds."""
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_sender_that_disappears_leaves_nothing(served: Served) -> None:
    """A connection that is cut in the middle of a blob stores nothing, and the server goes on."""
    name = canonical.digest(b"x" * 1000)
    tmp = served.backend.store.directory / "blobs" / "tmp"
    with socket.create_connection(("127.0.0.1", int(served.url.rpartition(":")[2]))) as peer:
        peer.sendall(
            f"PUT /v1/blobs/{name} HTTP/1.1\r\nhost: x\r\ncontent-type: {BLOB_MEDIA_TYPE}\r\n"
            "content-length: 1000\r\n\r\nxxx".encode()
        )
        # Cut only when the server holds the first half: cutting earlier proves nothing.
        wait_for(lambda: len(list(tmp.iterdir())) == 1)
    wait_for(lambda: list(tmp.iterdir()) == [])
    assert served.http.head(f"/v1/blobs/{name}").status_code == 404


def test_a_body_that_does_not_arrive_is_408(tmp_path: Path) -> None:
    """A slow sender is let go after the time allowed, and holds nothing."""
    with serving(tmp_path / "backend", HandClock(), body_seconds=0.2) as served:
        with socket.create_connection(("127.0.0.1", int(served.url.rpartition(":")[2])), timeout=10) as peer:
            peer.sendall(
                f"PUT /v1/blobs/{canonical.digest(b'')} HTTP/1.1\r\nhost: x\r\ncontent-type: {BLOB_MEDIA_TYPE}\r\n"
                "content-length: 1000\r\n\r\nxxx".encode()
            )
            assert peer.recv(4096).startswith(b"HTTP/1.1 408 ")
        assert list((served.backend.store.directory / "blobs" / "tmp").iterdir()) == []


def test_blobs_leave_room_for_statements(tmp_path: Path) -> None:
    """When free space reaches the reserve, blobs get 507 with Retry-After; statements still get their receipts."""
    directory = tmp_path / "backend"
    with serving(directory, HandClock()) as served:
        agent = served.enrolled(tmp_path / "agent")
        signed = agent.append(EntryKind.RUN)
        served.put_blob(signed.files["note"])
    with serving(directory, HandClock(), reserve_bytes=2**60) as served:
        answer = served.put_blob(b"more")
        assert (answer.status_code, answer.json()["type"]) == (507, ProblemType.STORAGE_FULL)
        assert int(answer.headers["retry-after"]) > 0
        assert served.put(signed, blobs=False).status_code == 201


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_full_disk_stores_nothing_by_halves_and_recovers(tmp_path: Path) -> None:
    """On a really full file system blobs and statements get 507, nothing is half there, and space brings it back."""
    directory = tmp_path / "backend"
    directory.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(directory)], check=True)
    try:
        with serving(directory, HandClock()) as served:
            agent = served.enrolled(tmp_path / "agent")
            kept = agent.append(EntryKind.RUN)
            receipt = served.put(kept).content
            statuses = [served.put_blob(bytes([n]) * 3_000_000).status_code for n in range(4)]
            assert statuses[0] == 201
            assert statuses[-1] == 507
            _fill(directory / "ballast")
            signed = agent.append(EntryKind.HEARTBEAT, kept.files)
            refused = served.put(signed, blobs=False)
            assert (refused.status_code, refused.json()["type"]) == (507, ProblemType.STORAGE_FULL)
            assert served.put(kept, blobs=False).content == receipt
            assert list((directory / "blobs" / "tmp").iterdir()) == []
            assert served.leaves() == 2
            (directory / "ballast").unlink()
            assert served.put(signed, blobs=False).status_code == 201
            assert fsck(served.backend).faults == ()
    finally:
        subprocess.run(["umount", str(directory)], check=True)


def _fill(path: Path) -> None:
    """Write until the file system is full to the last block."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


def test_a_second_server_on_the_directory_is_refused(served: Served) -> None:
    """Two servers would give two logs of one name; tools may work beside the one that runs."""
    directory = served.backend.store.directory
    with pytest.raises(ConfigError, match="another backend"):
        Backend.open(Settings(directory, origin=ORIGIN), SystemClock())
    tool = Store(directory, SystemClock())
    try:
        token = tool.create_token("school-1")
    finally:
        tool.close()
    assert len(token) >= 22


@pytest.mark.parametrize("name", ["log.pem", "challenge.pem"])
@pytest.mark.parametrize("exclusive", [True, False])
def test_a_database_without_its_key_is_refused(tmp_path: Path, name: str, exclusive: bool) -> None:
    """A lost key is an error at the start that names the file, and no second key is made that no agent has pinned."""
    directory = tmp_path / "backend"
    with serving(directory, HandClock()):
        pass
    (directory / "keys" / name).unlink()
    with pytest.raises(ConfigError, match=f"{name}: the key of the log {ORIGIN} is missing"):
        Backend.open(Settings(directory), SystemClock(), exclusive=exclusive)
    assert not (directory / "keys" / name).exists()


def test_a_database_with_another_log_key_is_refused(tmp_path: Path) -> None:
    """An exchanged log key is an error at the start, not a second log; so is one that others can read."""
    directory = tmp_path / "backend"
    with serving(directory, HandClock()):
        pass
    path = directory / "keys" / "log.pem"
    path.rename(directory / "keys" / "old.pem")
    keys.create_log_key(path)
    with pytest.raises(ConfigError, match="another key or name"):
        Backend.open(Settings(directory), SystemClock())
    (directory / "keys" / "old.pem").replace(path)
    path.chmod(0o644)
    with pytest.raises(KeyFileError):
        Backend.open(Settings(directory), SystemClock())


def test_the_name_of_a_log_is_remembered(tmp_path: Path) -> None:
    """Whoever opens a log without naming it gets its own name; another name is refused, with both names told."""
    directory = tmp_path / "backend"
    with serving(directory, HandClock()) as served:
        first = served.backend.trust()
    for exclusive in (True, False):
        for origin in ("", ORIGIN):
            with contextlib.closing(
                Backend.open(Settings(directory, origin=origin), SystemClock(), exclusive=exclusive)
            ) as backend:
                assert backend.trust() == first
        with pytest.raises(ConfigError, match=f"'{ORIGIN}', not 'other.test/log'"):
            Backend.open(Settings(directory, origin="other.test/log"), SystemClock(), exclusive=exclusive)


def test_a_name_that_no_receipt_can_carry_leaves_no_log_behind(tmp_path: Path) -> None:
    """A name with a space is refused before keys or a log of that name exist: the next start may name it well."""
    with pytest.raises(MalformedError, match="--origin"):
        Backend.open(Settings(tmp_path, origin="two words"), SystemClock())
    with contextlib.closing(Backend.open(Settings(tmp_path, origin=ORIGIN), SystemClock())) as backend:
        assert backend.log.origin == ORIGIN


def test_tools_make_no_backend(tmp_path: Path) -> None:
    """A tool in a wrong directory says so and leaves it as it was: the log's name is the server's to choose."""
    (tmp_path / "keys").mkdir()
    with pytest.raises(ConfigError, match="there is no backend here"):
        Backend.open(Settings(tmp_path), SystemClock(), exclusive=False)
    assert [path.name for path in tmp_path.rglob("*")] == ["keys"]
    keys.create_log_key(tmp_path / "keys" / "log.pem")  # a server that died before its log was written
    with pytest.raises(ConfigError, match="there is no backend here"):
        Backend.open(Settings(tmp_path), SystemClock(), exclusive=False)


def test_every_connection_is_set_to_survive_a_power_cut(served: Served) -> None:
    """WAL and synchronous=FULL hold on each connection of the pool; NORMAL would lose acknowledged commits."""
    store = served.backend.store
    with store.read() as one, store.read() as two:
        for connection in (one, two):
            assert connection.execute(text("pragma journal_mode")).scalar_one() == "wal"
            assert connection.execute(text("pragma synchronous")).scalar_one() == 2


@BOTH
def test_revoking_a_key_that_is_not_enrolled_is_an_error(served: Served, agent: Speaker) -> None:
    """A typo in a keyid does not pass for a revocation; a second revocation keeps the first moment."""
    store = served.backend.store
    with pytest.raises(UsageError):
        store.revoke("0" * 64, "typo")
    store.revoke(agent.signer.keyid, "first")
    first = store.agents()[0].revoked
    served.clock.forward(60)
    store.revoke(agent.signer.keyid, "second")
    assert store.agents()[0].revoked == first


def test_a_directory_that_cannot_be_used_is_a_config_error(tmp_path: Path) -> None:
    """A file where the directory should be is named with what to do."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be used"):
        Store(tmp_path / "file", SystemClock())


def test_serve_runs_until_sigterm_and_ends_cleanly(tmp_path: Path) -> None:
    """The command's function tells its URL when it answers, and SIGTERM ends it within seconds, silently."""
    script = (
        "import sys, pathlib\nfrom agent.backend.service import serve\n"
        "serve('127.0.0.1', 0, pathlib.Path(sys.argv[1]), ready=lambda url: print(url, flush=True))\n"
    )
    command = [sys.executable, "-W", "error", "-c", script, str(tmp_path / "backend")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            url = process.stdout.readline().strip()
            assert httpx.get(f"{url}/v1/trust", trust_env=False).status_code == 200
            process.send_signal(signal.SIGTERM)
            process.wait(10)
        finally:
            process.kill()
        assert process.stderr.read() == ""
        # uvicorn raises the signal again after its shutdown, so that a supervisor sees why it ended.
        assert process.returncode in (0, -signal.SIGTERM)


def test_serve_on_a_taken_port_is_a_config_error(served: Served, tmp_path: Path) -> None:
    """The error names host and port, before anything is made in the directory."""
    port = int(served.url.rpartition(":")[2])
    with pytest.raises(ConfigError, match=f"port {port}"):
        serve("127.0.0.1", port, tmp_path / "second")
    assert not (tmp_path / "second").exists()


def test_answers_do_not_wait_for_acknowledgements() -> None:
    """Connections of the listener send at once: Nagle's algorithm would hold back each answer's body for 40 ms."""
    with listening("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()[:2]):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
