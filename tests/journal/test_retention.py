"""Nothing goes before its receipt; what must be there is checked; damage is named."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import canonical
from agent.errors import JournalError
from agent.journal.packing import pack, pack_envelope, unpack, unpack_envelope
from agent.journal.store import Journal, Limits, Signed

if TYPE_CHECKING:
    from pathlib import Path

MakeSign = Callable[..., Callable[[int, str], Signed]]
NOW = datetime(2026, 11, 22, tzinfo=UTC)
SMALL = Limits(reserve_bytes=0, ballast_bytes=0)


class SetClock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.moment = NOW

    def now(self) -> datetime:
        return self.moment

    def monotonic_ns(self) -> int:
        return 0


def days(count: int) -> datetime:
    return NOW + timedelta(days=count)


def one_run(journal: Journal, make_sign: MakeSign, run: str, plan: str, *, receipts: int) -> str:
    """Do a run with one raw line and one blob; store receipts for its first entries; return the blob."""
    start = journal.append(make_sign("run-start", run=run, blobs=[plan]))
    journal.append_exchange(run, "sw1", run.encode() * 100)
    blob = journal.put_blob(run.encode() * 1000)
    end = journal.append(make_sign("run", run=run, blobs=[plan], segment=blob))
    for entry in (start, end)[:receipts]:
        journal.put_receipt(entry.sha256, b"receipt")
    return blob


def test_only_what_is_old_and_receipted_goes(tmp_path: Path, make_sign: MakeSign) -> None:
    """A run without all its receipts keeps its raw lines and blobs for ever; one with them, for the retention."""
    clock = SetClock()
    with Journal(tmp_path / "j", limits=SMALL, clock=clock) as journal:
        plan = journal.put_blob(b"campus file")
        blobs = {
            run: one_run(journal, make_sign, run, plan, receipts=n) for n, run in enumerate(("none", "half", "all"))
        }
        journal.append(make_sign("run-start", run="open", blobs=[plan]))
        journal.append_exchange("open", "sw1", b"{}")
        journal.put_receipt(journal.head()[1], b"receipt")
        clock.moment = days(20)
        blobs["young"] = one_run(journal, make_sign, "young", plan, receipts=2)

        assert journal.prune(days(10), 30).blobs == 0
        dropped = journal.prune(days(31), 30)
        assert (dropped.exchanges, dropped.blobs) == (1, 1)
        assert {run: journal.has_blob(blob) for run, blob in blobs.items()} == {
            "none": True,
            "half": True,
            "all": False,
            "young": True,
        }
        assert journal.has_blob(plan)
        runs = ("none", "half", "all", "open", "young")
        assert [run for run in runs if not journal.recorded(run)] == ["all"]
        assert journal.check(deep=True).pruned == 1
        assert journal.prune(days(31), 30) == journal.prune(days(31), 30)

        for entry in journal.entries():
            journal.put_receipt(entry.sha256, b"receipt")
        journal.prune(days(500), 30)
        assert not any(journal.has_blob(blob) for blob in [*blobs.values(), plan])
        assert [run for run in runs if journal.recorded(run)] == ["open"]
        assert journal.check(deep=True).entries == 9


def test_a_blob_that_was_just_put_again_outlives_the_making_of_its_entry(tmp_path: Path, make_sign: MakeSign) -> None:
    """An old blob that a new entry is about to name is not dropped in between."""
    clock = SetClock()
    with Journal(tmp_path / "j", limits=SMALL, clock=clock) as journal:
        blob = journal.put_blob(b"campus file")
        clock.moment = days(100)
        assert journal.put_blob(b"campus file") == blob
        assert journal.prune(days(100), 30).blobs == 0
        journal.append(make_sign(blobs=[blob]))
        clock.moment = days(900)
        assert journal.prune(days(900), 30).blobs == 0
        assert journal.blobs_of(next(journal.entries())) == [blob]


def test_ended_slots_go_with_the_retention_and_open_ones_stay(tmp_path: Path) -> None:
    """Old slots are dropped only when they have ended."""
    with Journal(tmp_path / "j", limits=SMALL, clock=SetClock()) as journal:
        for hours in range(3):
            journal.slots.expect("a", NOW + timedelta(hours=hours))
        journal.slots.start("a", NOW)
        journal.slots.end("a", NOW, "done")
        journal.slots.start("a", NOW + timedelta(hours=1))
        assert journal.prune(days(100), 30).slots == 1
        assert len(journal.slots.since(NOW)) == 2


def test_a_retention_below_a_day_is_refused(journal: Journal) -> None:
    """A retention of nothing is a mistake in the settings, not a wish."""
    with pytest.raises(JournalError, match="at least one day"):
        journal.prune(NOW, 0)


def test_pruning_gives_room_back_to_the_file_system(tmp_path: Path, make_sign: MakeSign) -> None:
    """The file shrinks, so that the quota and the disk really have the room again."""
    clock = SetClock()
    noise = random.Random(1).randbytes(2_000_000)
    with Journal(tmp_path / "j", limits=SMALL, clock=clock) as journal:
        entry = journal.append(make_sign(blobs=[journal.put_blob(noise)]))
        journal.put_receipt(entry.sha256, b"receipt")
        before = journal.space().used
        journal.prune(days(100), 30)
        assert journal.space().used < before - 1_900_000
        assert (tmp_path / "j" / "journal.db").stat().st_size < 500_000


def test_space_says_when_to_stop_measuring(tmp_path: Path, make_sign: MakeSign) -> None:
    """Quota, reserve and ballast each stop measuring; entries can still be appended."""
    for limits in (Limits(quota_bytes=1, reserve_bytes=0, ballast_bytes=0), Limits(reserve_bytes=2**60)):
        with Journal(tmp_path / f"j{limits.quota_bytes}", limits=limits) as journal:
            assert not journal.space().enough
            journal.append(make_sign())
    with Journal(tmp_path / "enough", limits=Limits(reserve_bytes=0, ballast_bytes=100_000)) as journal:
        assert journal.space().enough
        assert (tmp_path / "enough" / "ballast").stat().st_size == 100_000
        (tmp_path / "enough" / "ballast").unlink()
        assert journal.space().enough, "a writer puts the ballast back"
        assert (tmp_path / "enough" / "ballast").stat().st_size == 100_000
        assert (tmp_path / "enough" / "ballast").stat().st_mode & 0o777 == 0o600


# --- damage -------------------------------------------------------------------------------------------------------


def damage(directory: Path, sql: str) -> None:
    """Change the file behind the journal's back, as somebody who owns it can."""
    db = sqlite3.connect(directory / "journal.db", isolation_level=None)
    try:
        for (name,) in db.execute("select name from sqlite_schema where type = 'trigger'").fetchall():
            db.execute(f"drop trigger {name}")
        db.execute(sql)
    finally:
        db.close()


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        (
            "update entry set payload = (select payload from entry where seq = 2) where seq = 3",
            "entry 3: a stored value is damaged",
        ),
        ("update entry set payload = x'7a00' where seq = 3", "entry 3: a stored value is damaged"),
        ("update entry set envelope = x'' where seq = 3", "entry 3: a stored value is damaged"),
        ("update entry set kind = 'run' where seq = 3", "entry 3 is damaged"),
        ("update entry set created = 'yesterday' where seq = 3", "entry 3: a stored value is damaged"),
        ("delete from entry where seq = 2", "entry 3 is damaged"),
        ("delete from blob", "entry 1 names bytes that are gone"),
        ("update blob set data = x'3d00'", "blob sha256:.* no longer has its digest"),
        ("insert into receipt values ('" + "a" * 64 + "', x'', '')", "is an orphan"),
    ],
)
def test_damage_is_found_and_named(tmp_path: Path, make_sign: MakeSign, sql: str, text: str) -> None:
    """Whatever was changed under the journal, the check names the entry or the bytes concerned."""
    directory = tmp_path / "j"
    with Journal(directory, limits=SMALL) as journal:
        journal.append(make_sign())
        journal.append(make_sign(blobs=[journal.put_blob(b"raw")]))
        for _ in range(3):
            journal.append(make_sign())
        assert journal.check(deep=True).entries == 5
    damage(directory, sql)
    with Journal(directory, limits=SMALL) as journal, pytest.raises(JournalError, match=text):
        journal.check(deep=True)


def test_a_cut_tail_is_not_found_without_the_backend(tmp_path: Path, make_sign: MakeSign) -> None:
    """The documented limit: who owns the file can cut the tail; only receipts and the log's checkpoint show it."""
    directory = tmp_path / "j"
    with Journal(directory, limits=SMALL) as journal:
        for _ in range(3):
            journal.append(make_sign())
    damage(directory, "delete from entry where seq = 2")
    damage(directory, "delete from outbox where seq = 2")
    damage(directory, "delete from mention where seq = 2")
    with Journal(directory, limits=SMALL) as journal:
        assert journal.check().entries == 2


@pytest.mark.parametrize("place", ["header", "everywhere", "cut"])
def test_a_damaged_file_is_our_error(tmp_path: Path, make_sign: MakeSign, place: str) -> None:
    """Random damage of the file never surfaces as anything but JournalError, with what to do."""
    directory = tmp_path / "j"
    with Journal(directory, limits=SMALL) as journal:
        for n in range(40):
            journal.append(make_sign(blobs=[journal.put_blob(random.Random(n).randbytes(3000))]))
    whole = (directory / "journal.db").read_bytes()
    dice = random.Random(3)
    found = 0
    for _ in range(30):
        data = bytearray(whole)
        if place == "header":
            data[dice.randrange(100)] ^= 0xFF
        elif place == "cut":
            del data[dice.randrange(len(data)) :]
        else:
            for _ in range(20):
                data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        (directory / "journal.db").write_bytes(data)
        try:
            with Journal(directory, limits=SMALL) as journal:
                journal.check(deep=True)
        except JournalError as error:
            found += bool(str(error))
        (directory / "journal.db").write_bytes(whole)
        for name in ("journal.db-wal", "journal.db-shm"):
            (directory / name).unlink(missing_ok=True)
    assert found > (0 if place == "header" else 25)


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    """Another program's database, or a later version's journal, is not touched."""
    directory = tmp_path / "j"
    directory.mkdir(mode=0o700)
    db = sqlite3.connect(directory / "journal.db")
    db.execute("create table mine(a)")
    db.commit()
    db.close()
    (directory / "journal.db").chmod(0o600)
    before = (directory / "journal.db").read_bytes()
    with pytest.raises(JournalError, match="not a journal of this version"):
        Journal(directory, limits=SMALL)
    assert (directory / "journal.db").read_bytes() == before


def test_a_torn_log_keeps_every_acknowledged_entry(tmp_path: Path, make_sign: MakeSign) -> None:
    """After a power cut, any mixture of unsynced 512-octet sectors behind the last sync loses nothing acknowledged."""
    directory = tmp_path / "j"
    dice = random.Random(11)
    with Journal(directory, limits=SMALL) as journal:
        for _ in range(5):
            journal.append(make_sign(blobs=[journal.put_blob(dice.randbytes(2000))]))
        head = journal.head()
        synced = (directory / "journal.db-wal").read_bytes()
        main = (directory / "journal.db").read_bytes()
        for _ in range(5):
            journal.append(make_sign(blobs=[journal.put_blob(dice.randbytes(2000))]))
        later = (directory / "journal.db-wal").read_bytes()
        assert (directory / "journal.db").read_bytes() == main, "no checkpoint in between"
    assert later.startswith(synced)
    outcomes = set()
    for cut in range(60):
        torn = bytearray(later[: dice.randrange(len(synced), len(later) + 1)])
        for sector in range(len(synced) // 512 + 1, len(torn) // 512):
            if dice.random() < 0.5:
                torn[sector * 512 : sector * 512 + 512] = bytes(512)
        disk = tmp_path / f"cut-{cut}"
        disk.mkdir(mode=0o700)
        for name, data in (("journal.db", main), ("journal.db-wal", bytes(torn))):
            (disk / name).write_bytes(data)
            (disk / name).chmod(0o600)
        with Journal(disk, limits=SMALL) as journal:
            outcomes.add(journal.head()[0])
            assert journal.check(deep=True).entries >= head[0] + 1
            assert journal.entry(head[1]) is not None
            journal.append(make_sign())
        shutil.rmtree(disk)
    assert min(outcomes) == head[0]


# --- packing ------------------------------------------------------------------------------------------------------


@given(st.binary(max_size=2000), st.binary(max_size=500))
def test_packing_gives_back_the_same_bytes(data: bytes, payload: bytes) -> None:
    """What comes out is what went in, for any bytes, with any payload as the envelope's dictionary."""
    assert unpack(pack(data)) == data
    assert unpack_envelope(pack_envelope(data, payload), payload) == data
    assert len(pack(data)) <= len(data) + 1


@given(st.binary(max_size=300))
def test_damaged_packing_is_our_error(stored: bytes) -> None:
    """Any stored bytes unpack or raise JournalError."""
    try:
        unpack(stored)
    except JournalError:
        return
    assert stored[:1] in (b"=", b"z")


def test_an_envelope_costs_little_more_than_its_signatures(make_sign: MakeSign) -> None:
    """The payload inside the envelope is not stored twice."""
    signed = make_sign(blobs=[canonical.digest(bytes([n])) for n in range(30)])(0, "0" * 64)
    assert len(pack_envelope(signed.envelope, signed.payload)) < 400 < len(signed.envelope) // 5
