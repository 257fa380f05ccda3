"""The journal's door: what is put in durably comes out byte for byte, in order, and may not be changed."""

from __future__ import annotations

import io
import random
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent import canonical
from agent.errors import JournalError
from agent.journal.chain import GENESIS
from agent.journal.store import Entry, Journal, Limits, Signed

NOW = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)
MakeSign = Callable[..., Callable[[int, str], Signed]]
SMALL = Limits(quota_bytes=2**30, reserve_bytes=0, ballast_bytes=0)


class FixedClock:
    """A clock that tests set."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def monotonic_ns(self) -> int:
        return 0


def raw_connection(journal: Journal) -> sqlite3.Connection:
    """Open the file as a careless program would: without our settings."""
    return sqlite3.connect(journal.directory / "journal.db", isolation_level=None)


def test_entries_link_and_come_back_as_they_were(journal: Journal, make_sign: MakeSign) -> None:
    """An entry is what was signed, numbered from 0, naming the digest of the payload before it."""
    first = journal.append(make_sign("enrol"))
    second = journal.append(make_sign("heartbeat"))
    assert (first.seq, first.prev) == (0, GENESIS)
    assert (second.seq, second.prev) == (1, first.sha256)
    assert journal.head() == (1, second.sha256)
    assert list(journal.entries()) == [
        first.__class__(**{**_fields(first), "created": _milliseconds(first.created)}),
        second.__class__(**{**_fields(second), "created": _milliseconds(second.created)}),
    ]
    assert [entry.seq for entry in journal.entries(after=0)] == [1]
    assert [entry.seq for entry in journal.entries(kind="enrol")] == [0]
    found = journal.entry(second.sha256)
    assert found is not None
    assert (found.payload, found.envelope) == (second.payload, second.envelope)
    assert journal.entry("0" * 64) is None


def _fields(entry: Entry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in entry.__slots__}


def _milliseconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def test_all_pages_of_entries_are_read(journal: Journal, make_sign: MakeSign) -> None:
    """Reading more entries than one page holds leaves none out."""
    for _ in range(205):
        journal.append(make_sign())
    assert [entry.seq for entry in journal.entries()] == list(range(205))
    backwards = list(journal.entries_back())
    assert backwards == list(journal.entries())[::-1]
    assert [entry.seq for entry in journal.entries_back(before=103)] == list(range(102, -1, -1))
    kind = backwards[0].kind
    assert list(journal.entries_back(kind=kind)) == list(journal.entries(kind=kind))[::-1]
    assert list(journal.entries_back(before=0)) == []


def test_a_payload_that_is_not_the_next_link_is_refused(journal: Journal, make_sign: MakeSign) -> None:
    """A signer that answers for another place in the chain, or another kind, changes nothing."""
    journal.append(make_sign())
    sign = make_sign()
    wrong: list[Callable[[int, str], Signed]] = [
        lambda seq, prev: sign(seq + 1, prev),
        lambda seq, _prev: sign(seq, GENESIS),
        lambda seq, prev: Signed("run", sign(seq, prev).payload, b"{}"),
        lambda _seq, _prev: Signed("heartbeat", b"not json", b"{}"),
        lambda _seq, _prev: Signed("heartbeat", b'{"predicate":{}}', b"{}"),
    ]
    for bad in wrong:
        with pytest.raises(JournalError):
            journal.append(bad)
    assert journal.head()[0] == 0


def test_a_signer_that_fails_leaves_the_chain_as_it_was(journal: Journal, make_sign: MakeSign) -> None:
    """An error of the signer reaches the caller and takes no number."""

    def broken(_seq: int, _prev: str) -> Signed:
        raise RuntimeError("no key")

    with pytest.raises(RuntimeError, match="no key"):
        journal.append(broken)
    assert journal.append(make_sign()).seq == 0


def test_raw_lines_are_kept_by_run_and_asset_in_order(journal: Journal, make_sign: MakeSign) -> None:
    """Raw lines come back byte for byte, whatever they hold."""
    journal.append(make_sign("run-start", run="r1"))
    lines = [b"", b"{}\n", bytes(range(256)), b"a" * 100_000]
    for line in lines:
        journal.append_exchange("r1", "sw1", line)
        journal.append_exchange("r1", "sw2", line[::-1])
    assert journal.recorded("r1") == {"sw1": len(lines), "sw2": len(lines)}
    assert list(journal.exchanges("r1", "sw1")) == lines
    assert list(journal.exchanges("r1", "sw2")) == [line[::-1] for line in lines]
    many = [b"%d" % n for n in range(50)]
    for line in many:
        journal.append_exchange("r1", "sw3", line)
    assert list(journal.exchanges("r1", "sw3")) == many
    assert (journal.recorded("r2"), list(journal.exchanges("r2", "sw1"))) == ({}, [])


def test_raw_lines_belong_to_an_open_run(journal: Journal, make_sign: MakeSign) -> None:
    """Nothing is recorded before the run-start is in the chain, or after the run was signed."""
    with pytest.raises(JournalError, match="no run-start"):
        journal.append_exchange("r1", "sw1", b"{}")
    journal.append(make_sign("run-start", run="r1"))
    journal.append_exchange("r1", "sw1", b"{}")
    journal.append(make_sign("run", run="r1"))
    with pytest.raises(JournalError, match="has ended"):
        journal.append_exchange("r1", "sw1", b"{}")


def test_open_runs_are_those_without_an_end(journal: Journal, make_sign: MakeSign) -> None:
    """After a crash the runs to abort are known; a run starts once and ends once."""
    for run in ("a", "b", "c"):
        journal.append(make_sign("run-start", run=run))
    journal.append(make_sign("run", run="a"))
    journal.append(make_sign("run-abort", run="c"))
    assert journal.open_runs() == ["b"]
    ends: tuple[tuple[str, str | None], ...] = (
        ("run-start", "b"),
        ("run", "a"),
        ("run", "c"),
        ("run", "new"),
        ("run", None),
    )
    for kind, name in ends:
        with pytest.raises(JournalError):
            journal.append(make_sign(kind, run=name))


def test_blobs_are_content_addressed(journal: Journal) -> None:
    """The same bytes are kept once; what is not here is an error that says so."""
    for data in (b"", b"x", bytes(range(256)) * 50, b"A" * 1_000_000):
        digest = journal.put_blob(data)
        assert digest == canonical.digest(data)
        assert journal.put_blob(data) == digest
        assert journal.get_blob(digest) == data
        assert journal.has_blob(digest)
    missing = canonical.digest(b"never put")
    assert not journal.has_blob(missing)
    with pytest.raises(JournalError, match="not in the journal"):
        journal.get_blob(missing)


@pytest.mark.parametrize("size", [0, 1, 2**16 - 1, 2**16, 2**16 + 1, 1_000_000])
def test_a_file_is_kept_as_its_bytes(journal: Journal, size: int) -> None:
    """What a file holds has the digest of its octets and comes back as them, wherever the file stood."""
    data = random.Random(size).randbytes(size)
    file = io.BytesIO(data)
    file.seek(size // 2)
    digest = journal.put_file(file)
    assert digest == canonical.digest(data)
    assert journal.put_file(file) == journal.put_blob(data) == digest
    assert journal.get_blob(digest) == data
    assert journal.check(deep=True).blobs == 1


def test_a_file_that_breaks_off_is_not_kept(journal: Journal) -> None:
    """A file that cannot be read to its end leaves nothing behind, and the journal goes on."""

    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            self.reads = getattr(self, "reads", 0) + 1
            if self.reads > 5:
                raise OSError(5, "Input/output error")
            return super().read(size)

    with pytest.raises(OSError, match="Input/output"):
        journal.put_file(Broken(bytes(200_000)))
    assert journal.check(deep=True).blobs == 0
    assert journal.get_blob(journal.put_file(io.BytesIO(b"next"))) == b"next"


def test_the_outbox_keeps_order_until_receipts_come(journal: Journal, make_sign: MakeSign) -> None:
    """Entries wait in chain order with their attempts; a receipt or a rejection takes one out for good."""
    blob = journal.put_blob(b"raw")
    entries = [journal.append(make_sign(blobs=[blob, canonical.digest(b"elsewhere")])) for _ in range(4)]
    assert journal.blobs_of(entries[0]) == [blob]
    assert [waiting.entry.seq for waiting in journal.pending(NOW)] == [0, 1, 2, 3]
    assert [waiting.entry.seq for waiting in journal.pending(NOW, limit=2)] == [0, 1]

    assert journal.put_receipt(entries[0].sha256, b"receipt 0\n")
    assert not journal.put_receipt(entries[0].sha256, b"another")
    assert journal.receipt(entries[0].sha256) == b"receipt 0\n"
    assert journal.receipt(entries[1].sha256) is None
    journal.reject(2, "bad-signature")
    journal.note_attempt(1, 3, datetime.now(UTC) + timedelta(hours=1), "503")

    first, last = journal.pending(datetime.now(UTC))
    assert (first.entry.seq, first.attempts, first.last_error, first.due) == (1, 3, "503", False)
    assert (last.entry.seq, last.attempts, last.due) == (3, 0, True)
    backlog = journal.backlog()
    assert (backlog.waiting, backlog.rejected) == (2, ((2, "bad-signature"),))
    journal.readmit(2)
    assert [waiting.entry.seq for waiting in journal.pending(NOW)] == [1, 2, 3]
    with pytest.raises(JournalError, match="not in this journal"):
        journal.put_receipt("a" * 64, b"")
    with pytest.raises(JournalError, match="no entry 99"):
        journal.reject(99, "why")


def test_an_attempt_is_due_by_the_clock_and_after_the_clock_was_set_back(tmp_path: Path, make_sign: MakeSign) -> None:
    """A clock that was set back by a day does not hold up the upload for a day."""
    clock = FixedClock(NOW)
    with Journal(tmp_path / "j", limits=SMALL, clock=clock) as journal:
        journal.append(make_sign())
        journal.note_attempt(0, 1, NOW + timedelta(minutes=5), "timeout")
        due = {
            minutes: journal.pending(NOW + timedelta(minutes=minutes))[0].due for minutes in (-1440, -1, 0, 4, 5, 60)
        }
    assert due == {-1440: True, -1: True, 0: False, 4: False, 5: True, 60: True}


@pytest.mark.parametrize(
    "statement",
    [
        "delete from entry",
        "update entry set payload = x'00'",
        "update entry set envelope = x'00'",
        "update entry set prev = 'f', seq = 9",
        "insert or replace into entry select * from entry where seq = 0",
        "insert into entry select 7, prev, 'x', kind, run, payload, envelope, created from entry where seq = 0",
        "insert into entry select 4, 'y', 'x', kind, run, payload, envelope, created from entry where seq = 0",
        "delete from exchange",
        "update exchange set body = x'00'",
        "insert or replace into exchange select run, asset, n, x'00', stored from exchange",
        "delete from blob",
        "update blob set data = x'00'",
        "insert or replace into blob select sha256, x'00', stored from blob",
        "delete from receipt",
        "update receipt set data = x'00'",
        "insert or replace into receipt select sha256, x'00', stored from receipt",
        "delete from mention",
        "update mention set held = 0",
        "delete from slot",
        "update slot set state = 'done' where state = 'skipped'",
        "delete from pruned",
    ],
)
def test_evidence_is_append_only(journal: Journal, make_sign: MakeSign, statement: str) -> None:
    """No program that opens the file, even without our settings, can change or remove evidence by plain SQL."""
    journal.append(make_sign("run-start", run="r1"))
    journal.append_exchange("r1", "sw1", b"{}")
    blob = journal.put_blob(b"raw")
    journal.append(make_sign("run", run="r1", blobs=[blob]))
    journal.append(make_sign())
    journal.put_receipt(journal.append(make_sign()).sha256, b"receipt")
    journal.slots.expect("job", NOW)
    journal.slots.expect("job", NOW + timedelta(hours=1))
    journal.slots.end("job", NOW + timedelta(hours=1), "skipped", "paused")
    careless = raw_connection(journal)
    try:
        if "pruned" in statement:
            careless.execute("insert into pruned values ('a', 'b')")
        with pytest.raises(sqlite3.IntegrityError):
            careless.execute(statement)
    finally:
        careless.close()
    assert journal.check(deep=True).entries == 4


def test_a_second_writer_is_refused_and_a_reader_is_not(journal: Journal, make_sign: MakeSign) -> None:
    """One process writes; a status command may look at the same time, and cannot write."""
    journal.append(make_sign())
    with pytest.raises(JournalError, match="another process is writing"):
        Journal(journal.directory, limits=SMALL)
    with Journal(journal.directory, readonly=True) as reader:
        assert reader.head() == journal.head()
        journal.append(make_sign())
        assert reader.head() == journal.head()
        with pytest.raises(JournalError, match="opened for reading"):
            reader.append(make_sign())
    assert journal.append(make_sign()).seq == 2


def test_a_writer_in_another_process_is_refused(journal: Journal) -> None:
    """The lock holds between processes, and goes with the process that held it."""
    code = (
        "import sys; from pathlib import Path; from agent.journal.store import Journal\n"
        "from agent.errors import JournalError\n"
        "try:\n    Journal(Path(sys.argv[1])).close()\n"
        "except JournalError as error:\n    sys.exit(3)\n"
    )
    command = [sys.executable, "-c", code, str(journal.directory)]
    root = Path(__file__).parents[2]
    assert subprocess.run(command, check=False, cwd=root, timeout=30).returncode == 3
    journal.close()
    assert subprocess.run(command, check=False, cwd=root, timeout=30).returncode == 0


def test_a_closed_journal_can_be_read_alone(tmp_path: Path, make_sign: MakeSign) -> None:
    """A status command works while the service is stopped; where no journal is, it says so."""
    with Journal(tmp_path / "j", limits=SMALL) as journal:
        head = journal.append(make_sign()).sha256
    with Journal(tmp_path / "j", readonly=True) as reader:
        assert reader.head() == (0, head)
        assert reader.check().entries == 1
    with pytest.raises(JournalError, match="no journal here"):
        Journal(tmp_path / "elsewhere", readonly=True)


def test_only_the_owner_can_read_the_files(journal: Journal, tmp_path: Path, make_sign: MakeSign) -> None:
    """Directory 0700, files 0600, whatever the umask; a journal open to others is refused, not quietly repaired."""
    journal.append(make_sign())
    assert journal.directory.stat().st_mode & 0o777 == 0o700
    modes = {path.name: path.stat().st_mode & 0o777 for path in journal.directory.iterdir()}
    assert set(modes.values()) == {0o600}, modes
    assert {"journal.db", "journal.db-wal", "journal.lock"} <= set(modes)
    (tmp_path / "open").mkdir(mode=0o755)
    with pytest.raises(JournalError, match="others may"):
        Journal(tmp_path / "open")
    journal.close()
    (journal.directory / "journal.db").chmod(0o640)
    with pytest.raises(JournalError, match="others may"):
        Journal(journal.directory)


def test_every_connection_has_the_durable_settings(journal: Journal) -> None:
    """WAL and synchronous=FULL hold on the connections that are really used, after each opening."""
    directory = journal.directory
    journal.close()
    for readonly in (False, True):
        with Journal(directory, readonly=readonly, limits=SMALL) as opened:
            rows = opened._database.rows
            assert rows("pragma journal_mode") == [("wal",)]
            assert rows("pragma synchronous") == [(2,)]
            assert rows("pragma foreign_keys") == [(1,)]
            assert rows("pragma recursive_triggers") == [(1,)]


def test_threads_share_one_journal(journal: Journal, make_sign: MakeSign) -> None:
    """Concurrent appends from threads give one chain without gap or loss."""
    blobs: list[str] = []

    def work(name: int) -> None:
        for n in range(20):
            blobs.append(journal.put_blob(f"{name}/{n}".encode()))
            journal.append(make_sign(blobs=[blobs[-1]]))

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert journal.check(deep=True).entries == 80
    assert all(journal.has_blob(blob) for blob in blobs)


def test_a_closed_journal_says_so(journal: Journal, make_sign: MakeSign) -> None:
    """Use after close is our error, and closing twice is nothing."""
    journal.close()
    journal.close()
    with pytest.raises(JournalError, match="closed"):
        journal.append(make_sign())
    with pytest.raises(JournalError, match="closed"):
        journal.head()
