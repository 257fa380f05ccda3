"""A full disk: nothing acknowledged is lost, the error says what to do, and room makes it go on by itself."""

from __future__ import annotations

import io
import os
import random
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from agent.errors import JournalError
from agent.journal.store import Journal, Limits, Signed

if TYPE_CHECKING:
    from pathlib import Path

MakeSign = Callable[..., Callable[[int, str], Signed]]
DISK = 8 * 2**20
LIMITS = Limits(quota_bytes=2**40, reserve_bytes=1536 * 2**10, ballast_bytes=2 * 2**20)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Return a file system of 8 MB of its own."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a small tmpfs can only be mounted by root")
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=0700", "tmpfs", str(place)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"this environment does not allow mounting: {mounted.stderr.decode().strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def fill(journal: Journal, run: str) -> list[bytes]:
    """Record until the disk is full; return the lines that were acknowledged."""
    dice = random.Random(run)
    lines: list[bytes] = []
    with pytest.raises(JournalError, match="the disk is full"):
        _record_for_ever(journal, run, dice, lines)
    return lines


def _record_for_ever(journal: Journal, run: str, dice: random.Random, lines: list[bytes]) -> None:
    while True:
        line = dice.randbytes(20_000)
        journal.append_exchange(run, "sw1", line)
        lines.append(line)


def occupy(path: Path) -> None:
    """Let another program take the rest of the file system."""
    state = os.statvfs(path.parent)
    with path.open("wb") as file:
        file.write(b"x" * (state.f_bavail * state.f_frsize))


def test_a_disk_filled_by_measuring_needs_no_hands(disk: Path, make_sign: MakeSign) -> None:
    """Measuring stops with an error; the run is ended, sent and pruned on what the ballast gave; then it goes on."""
    directory = disk / "journal"
    with Journal(directory, limits=LIMITS) as journal:
        start = journal.append(make_sign("run-start", run="r1"))
        assert journal.space().enough
        lines = fill(journal, "r1")
        assert len(lines) > 100
        assert not journal.space().enough
        assert not (directory / "ballast").exists()
        assert list(journal.exchanges("r1", "sw1")) == lines

        segment = journal.put_file(io.BytesIO(b"".join(lines)[:200_000]))
        assert journal.get_blob(segment) == b"".join(lines)[:200_000]
        end = journal.append(make_sign("run-abort", run="r1", blobs=[segment]))
        journal.slots.expect("a", datetime.now(UTC))
        journal.note_attempt(end.seq, 1, None, "timeout")
        for entry in (start, end):
            journal.put_receipt(entry.sha256, b"receipt")
        assert journal.check(deep=True).entries == 2

        dropped = journal.prune(datetime.now(UTC) + timedelta(days=40), 30)
        assert dropped.exchanges == len(lines)
        assert journal.space().enough
        assert (directory / "ballast").stat().st_size == LIMITS.ballast_bytes
        journal.append(make_sign("run-start", run="r2"))
        journal.append_exchange("r2", "sw1", b"{}")
        assert journal.check(deep=True).entries == 3


def test_a_disk_filled_by_others_recovers_when_they_leave(disk: Path, make_sign: MakeSign) -> None:
    """With no room at all even entries are refused; nothing is lost, and no restart is needed afterwards."""
    with Journal(disk / "journal", limits=LIMITS) as journal:
        for _ in range(5):
            journal.append(make_sign())
        occupy(disk / "foreign")
        kept = [entry.seq for entry in journal.entries()]
        with pytest.raises(JournalError, match=r"the disk is full.*make room on the file system") as raised:
            _append_for_ever(journal, make_sign, disk, kept)
        assert str(disk) in str(raised.value)
        assert journal.check(deep=True).entries == len(kept)
        for path in disk.glob("foreign*"):
            path.unlink()
        assert journal.space().enough
        journal.append(make_sign())
        assert journal.check(deep=True).entries == len(kept) + 1


def _append_for_ever(journal: Journal, make_sign: MakeSign, disk: Path, kept: list[int]) -> None:
    while True:
        journal.put_blob(os.urandom(50_000))
        kept.append(journal.append(make_sign()).seq)
        occupy(disk / f"foreign-{len(kept)}")


def test_a_journal_opens_on_a_full_disk(disk: Path, make_sign: MakeSign) -> None:
    """After a restart on a full disk everything is there to be read, sent and cleaned up."""
    directory = disk / "journal"
    with Journal(directory, limits=LIMITS) as journal:
        entry = journal.append(make_sign(blobs=[journal.put_blob(b"raw")]))
    occupy(disk / "foreign")
    with Journal(directory, limits=LIMITS) as journal:
        assert journal.check(deep=True).head == entry.sha256
        assert not journal.space().enough
        assert journal.put_receipt(entry.sha256, b"receipt")
    with Journal(directory, readonly=True) as reader:
        assert reader.receipt(entry.sha256) == b"receipt"


def test_a_retry_on_a_full_disk_signs_once(disk: Path, make_sign: MakeSign) -> None:
    """One number gets one signature, even when storing it needed the ballast."""
    signed: list[int] = []
    with Journal(disk / "journal", limits=LIMITS) as journal:
        journal.append(make_sign("run-start", run="r1"))
        journal.put_blob(b"raw")
        occupy(disk / "foreign")
        while (disk / "journal" / "ballast").exists():

            def sign(seq: int, prev: str) -> Signed:
                signed.append(seq)
                return make_sign(blobs=[f"sha256:{n:064x}" for n in range(200)])(seq, prev)

            journal.append(sign)
        assert signed == list(range(1, len(signed) + 1))
        assert journal.check().entries == len(signed) + 1


def test_an_exhausted_quota_is_as_a_full_disk(tmp_path: Path, make_sign: MakeSign) -> None:
    """Where the system limits us before the disk does: the same error, nothing lost, and it goes on by itself."""
    small = Limits(reserve_bytes=0, ballast_bytes=0)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Journal(tmp_path / "journal", limits=small) as journal:
        head = journal.append(make_sign()).sha256
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
        try:
            with pytest.raises(JournalError, match="full or over quota"):
                journal.put_blob(random.Random(1).randbytes(300_000))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert journal.check(deep=True).head == head
        journal.put_blob(random.Random(1).randbytes(300_000))
        assert journal.append(make_sign()).seq == 1


def test_a_journal_that_cannot_be_made_says_why(disk: Path, make_sign: MakeSign) -> None:
    """A first start on a full disk is an error with what to do; with room, the next start makes a whole journal."""
    occupy(disk / "foreign")
    with pytest.raises(JournalError, match=r"full|space"):
        Journal(disk / "journal", limits=LIMITS)
    (disk / "foreign").unlink()
    with Journal(disk / "journal", limits=LIMITS) as journal:
        assert journal.append(make_sign()).seq == 0
