"""Damage needs no manual deletion: what can be read goes on, what cannot is named, the damaged file is kept."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from agent.errors import JournalError
from agent.journal.salvage import salvage
from agent.journal.store import Entry, Journal, Limits, Signed

if TYPE_CHECKING:
    from pathlib import Path

MakeSign = Callable[..., Callable[[int, str], Signed]]
SMALL = Limits(reserve_bytes=0, ballast_bytes=0)
DUE = datetime(2026, 11, 22, tzinfo=UTC)


def fill(directory: Path, make_sign: MakeSign, count: int) -> list[Entry]:
    """Write a journal with everything in it; return its entries."""
    found = []
    with Journal(directory, limits=SMALL) as journal:
        journal.append(make_sign("run-start", run="open"))
        journal.slots.expect("job", DUE)
        for n in range(count):
            journal.append_exchange("open", "sw1", random.Random(n).randbytes(500))
            found.append(journal.append(make_sign(blobs=[journal.put_blob(random.Random(-n).randbytes(2500))])))
            if n % 2:
                journal.put_receipt(found[-1].sha256, b"receipt %d" % n)
    return found


def test_a_whole_journal_is_brought_over_whole(tmp_path: Path, make_sign: MakeSign) -> None:
    """Nothing is changed by a salvage that was not needed, and appending goes on from the same head."""
    directory = tmp_path / "j"
    entries = fill(directory, make_sign, 10)
    with Journal(directory, limits=SMALL) as journal:
        with pytest.raises(JournalError, match="another process"):
            salvage(directory)
        lines = list(journal.exchanges("open", "sw1"))
    result = salvage(directory)
    assert (result.entries, result.lost) == (11, ())
    assert (result.kept / "journal.db").exists()
    with Journal(directory, limits=SMALL) as journal:
        assert journal.check(deep=True).entries == 11
        assert list(journal.entries(after=0))[-1].envelope == entries[-1].envelope
        assert list(journal.exchanges("open", "sw1")) == lines
        assert journal.open_runs() == ["open"]
        assert [waiting.entry.seq for waiting in journal.pending(DUE)] == [0, 1, 3, 5, 7, 9]
        assert [slot.due for slot in journal.slots.since(DUE)] == [DUE]
        assert journal.append(make_sign()).prev == entries[-1].sha256
        assert journal.append_exchange("open", "sw1", b"next") == 10


@pytest.mark.parametrize("seed", range(12))
def test_a_damaged_journal_goes_on(tmp_path: Path, make_sign: MakeSign, seed: int) -> None:
    """After overwritten pages: either all that is left is as it was signed and goes on, or nothing is touched."""
    directory = tmp_path / "j"
    entries = {entry.seq: entry for entry in fill(directory, make_sign, 40)}
    dice = random.Random(seed)
    data = bytearray((directory / "journal.db").read_bytes())
    for _ in range(3):  # not the first page and those of the schema behind it: without it nothing can be read
        page = dice.randrange(12, len(data) // 4096)
        data[page * 4096 : page * 4096 + 4096] = dice.randbytes(4096)
    (directory / "journal.db").write_bytes(data)

    try:
        result = salvage(directory)
    except JournalError as error:
        assert "the chain cannot go on" in str(error)  # noqa: PT017 (either outcome is right, by the page hit)
        assert (directory / "journal.db").read_bytes() == bytes(data)
        assert not list(directory.glob("damaged-*"))
        return
    assert (result.kept / "journal.db").read_bytes() == bytes(data)
    with Journal(directory, limits=SMALL) as journal:
        checked = journal.check(deep=True)
        assert checked.entries == result.entries
        assert checked.lost == tuple(sorted(result.lost))
        kept = {entry.seq: entry for entry in journal.entries()}
        for seq, entry in kept.items():
            assert seq == 0 or (entry.payload, entry.envelope) == (entries[seq].payload, entries[seq].envelope)
        holes = {seq for seq in range(max(kept)) if seq not in kept}
        assert {f"entry:{seq}" for seq in holes} == {name for name in result.lost if name.startswith("entry:")}
        newest = journal.append(make_sign())
        assert newest.seq == max(kept) + 1
        assert journal.check(deep=True).entries == checked.entries + 1
    again = salvage(directory)
    assert again.lost == result.lost


def spoil(directory: Path, seq: int) -> None:
    """Overwrite the stored payload of one entry behind the journal's back."""
    with closing(sqlite3.connect(directory / "journal.db", isolation_level=None)) as db:
        for (name,) in db.execute("select name from sqlite_schema where type = 'trigger'").fetchall():
            db.execute(f"drop trigger {name}")
        db.execute("update entry set payload = x'7a00' where seq = ?", (seq,))


def test_a_lost_entry_is_a_named_hole(tmp_path: Path, make_sign: MakeSign) -> None:
    """The entries around an unreadable one go on; the hole has its number, and no second hole goes unnoticed."""
    directory = tmp_path / "j"
    fill(directory, make_sign, 10)
    spoil(directory, 5)
    result = salvage(directory)
    assert (result.entries, result.lost) == (10, ("entry:5",))
    with Journal(directory, limits=SMALL) as journal:
        assert journal.append(make_sign()).seq == 11
        assert journal.check(deep=True).lost == ("entry:5",)
    with closing(sqlite3.connect(directory / "journal.db", isolation_level=None)) as db:
        db.execute("pragma recursive_triggers = on")
        for (name,) in db.execute("select name from sqlite_schema where name = 'entry_kept'").fetchall():
            db.execute(f"drop trigger {name}")
        db.execute("delete from entry where seq = 8")
    with Journal(directory, limits=SMALL) as journal, pytest.raises(JournalError, match="entry 9 is damaged"):
        journal.check()


def test_a_chain_without_its_newest_entry_does_not_go_on(tmp_path: Path, make_sign: MakeSign) -> None:
    """Going on from an older entry would be a fork, so the journal is left as it is and the error says what to do."""
    directory = tmp_path / "j"
    fill(directory, make_sign, 10)
    spoil(directory, 10)
    before = (directory / "journal.db").read_bytes()
    with pytest.raises(JournalError, match=r"the newest entry that can be read is 9, but 10 was made.*backup"):
        salvage(directory)
    assert (directory / "journal.db").read_bytes() == before
    assert sorted(path.name for path in directory.iterdir()) == ["journal.db", "journal.lock"]


def test_without_a_journal_a_salvage_says_so(tmp_path: Path) -> None:
    """Where there is nothing to salvage, nothing is made."""
    directory = tmp_path / "j"
    with pytest.raises(JournalError, match="cannot be salvaged"):
        salvage(directory)
    assert not directory.exists()
