"""Records as files: the name holds all of a record or what it held before, however the command ends."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from agent.cli.recording import open_record, recording_into
from agent.errors import UsageError
from tests.runtime.world import REPOSITORY, environment


def _record(path: Path, lines: list[bytes], *, then: Exception | None = None) -> None:
    with recording_into(path) as write:
        assert write is not None
        for line in lines:
            write(line)
        if then is not None:
            raise then


def test_the_name_holds_nothing_new_until_all_is_there(tmp_path: Path) -> None:
    """While a device is asked the old record stays; then the new one is there, for others as any new file."""
    path = tmp_path / "r.jsonl"
    path.write_bytes(b"old")
    with recording_into(path) as write:
        assert write is not None
        write(b"one\n")
        write(b"two\n")
        assert path.read_bytes() == b"old"
        assert [one.name for one in tmp_path.iterdir()] == ["r.jsonl"]
    assert path.read_bytes() == b"one\ntwo\n"
    (tmp_path / "usual").touch()
    assert path.stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_record_that_is_broken_off_leaves_what_was_there(tmp_path: Path) -> None:
    """A device that cannot be asked to the end costs nobody the record of last time."""
    path = tmp_path / "r.jsonl"
    path.write_bytes(b"old")
    with pytest.raises(KeyError):
        _record(path, [b"one\n"], then=KeyError())
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("r.jsonl", b"old")]


def test_a_kill_leaves_nothing_behind(tmp_path: Path) -> None:
    """A process that is killed in the middle of a record leaves no part of it under any name."""
    code = (
        "import os, signal, sys; from pathlib import Path; from agent.cli.recording import recording_into\n"
        "with recording_into(Path(sys.argv[1])) as write:\n"
        "    write(b'x' * 1_000_000); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "r.jsonl")], check=False, cwd=REPOSITORY, env=environment()
    )
    assert done.returncode == -9
    assert list(tmp_path.iterdir()) == []


def test_a_link_leads_to_the_record(tmp_path: Path) -> None:
    """Where the name is a link, its target gets the record and the link stays."""
    (tmp_path / "there").mkdir()
    link = tmp_path / "link"
    link.symlink_to("there/r.jsonl")
    _record(link, [b"one\n"])
    assert link.is_symlink()
    assert (tmp_path / "there" / "r.jsonl").read_bytes() == b"one\n"


def test_what_is_no_file_gets_each_line_at_once(tmp_path: Path) -> None:
    """A pipe is written to while the device is asked, and is not replaced."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    got: list[bytes] = []
    first = threading.Event()

    def listen() -> None:
        with path.open("rb", buffering=0) as file:
            got.append(file.read(100))
            first.set()
            got.append(file.read(100))

    listener = threading.Thread(target=listen)
    listener.start()
    with recording_into(path) as write:
        assert write is not None
        write(b"one\n")
        assert first.wait(20)
        assert got == [b"one\n"]
        write(b"two\n")
    listener.join(20)
    assert got == [b"one\n", b"two\n"]
    assert path.is_fifo()


@pytest.mark.parametrize("mode", ["wb", "ab"])
@pytest.mark.parametrize(
    ("name", "number"), [("/dev/stdout", 1), ("/dev/stderr", 2), ("FILE", 1), ("LINK", 1)], ids=str
)
def test_the_file_behind_a_stream_gets_record_and_output(tmp_path: Path, mode: str, name: str, number: int) -> None:
    """`--record /dev/stdout > file`: the file stays the one that was opened, and holds both in the order of writing."""
    path = tmp_path / "out"
    path.write_bytes(b"before\n")
    (tmp_path / "LINK").symlink_to(path)
    named = {"FILE": str(path), "LINK": str(tmp_path / "LINK")}.get(name, name)
    code = (
        "import os, sys; from pathlib import Path; from agent.cli.recording import recording_into\n"
        f"stream = {{1: sys.stdout, 2: sys.stderr}}[{number}]\n"
        "stream.write('first\\n')\n"
        "with recording_into(Path(sys.argv[1])) as write:\n"
        "    write(b'one\\n'); write(b'two\\n')\n"
        "stream.write('last\\n')"
    )
    with path.open(mode) as file:
        subprocess.run(
            [sys.executable, "-c", code, named],
            check=True,
            cwd=REPOSITORY,
            env=environment(),
            stdout=file if number == 1 else None,
            stderr=file if number == 2 else None,
            timeout=60,
        )
        assert os.path.samestat(path.stat(), os.fstat(file.fileno()))
    assert path.read_bytes() == (b"" if mode == "wb" else b"before\n") + b"first\none\ntwo\nlast\n"
    assert {one.name for one in tmp_path.iterdir()} == {"out", "LINK"}


def test_a_stream_that_cannot_be_written_is_told() -> None:
    """A full disk behind the stream that a record is sent to is one line, as with any other name."""
    code = (
        "import sys; from pathlib import Path; from agent.cli.recording import recording_into\n"
        "from agent.errors import UsageError\n"
        "try:\n"
        "    with recording_into(Path('/dev/stdout')) as write: write(b'one')\n"
        "except UsageError as error: sys.exit(str(error))"
    )
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", code],
            check=False,
            cwd=REPOSITORY,
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=60,
        )
    assert done.returncode == 1
    assert done.stderr.startswith(b"/dev/stdout: cannot write this file: No space left on device")


def test_a_place_that_does_not_exist_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    """Nobody waits for a device to learn then that its record has no place."""
    path = tmp_path / "nowhere" / "r.jsonl"
    with (
        pytest.raises(UsageError, match=f"{path}: cannot write this file: No such file or directory"),
        recording_into(path),
    ):
        pytest.fail("the body was run")


@pytest.mark.parametrize("octets", [101_000, 1_000_000])
def test_a_full_disk_is_one_line_and_the_old_record_stays(tmp_path: Path, octets: int) -> None:
    """Without room, while recording or at its end: an error that names the file, and what was there before."""
    path = tmp_path / "r.jsonl"
    path.write_bytes(b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(UsageError, match=f"{path}: cannot write this file: File too large"):
            _record(path, [b"x" * 1000] * (octets // 1000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("r.jsonl", b"old")]


def test_no_record_wanted_is_none_written() -> None:
    """Without a name nothing is written anywhere."""
    with recording_into(None) as write:
        assert write is None


@pytest.mark.parametrize(("name", "why"), [("none", "No such file or directory"), (".", "Is a directory")])
def test_a_record_that_cannot_be_read_is_told(tmp_path: Path, name: str, why: str) -> None:
    """A missing file and a directory are one line that names them."""
    path = tmp_path / name
    with pytest.raises(UsageError, match=f"{path}: cannot read this file: {why}"), open_record(path):
        pytest.fail("the body was run")
