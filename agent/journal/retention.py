"""What may be dropped, and whether what must be there is there."""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from agent.clock import time_text
from agent.errors import JournalError
from agent.journal import chain, entries
from agent.journal.raw import get_blob
from agent.journal.records import Checked, Pruned

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from datetime import datetime

    from agent.journal.database import Database
    from agent.journal.records import Entry

__all__ = ["check", "prune"]

_STEP = 50
_KEEP = "stop campus-agent and salvage this directory; entries with a receipt are safe at the backend"
_NO_RECEIPT = "e.sha256 not in (select sha256 from receipt)"

_OLD_RUNS = f"""
select e.run from entry e where e.run in (select run from exchange) group by e.run
having max({_NO_RECEIPT}) = 0 and max(e.created) < :cutoff and max(e.kind in ('run', 'run-abort')) = 1
"""  # noqa: S608 (constants)

_OLD_BLOB = f"""
b.stored < :cutoff and not exists (
  select 1 from mention m join entry e on e.seq = m.seq
  where m.sha256 = b.sha256 and ({_NO_RECEIPT} or e.created >= :cutoff))
"""  # noqa: S608 (constants)


def prune(database: Database, before: datetime, keep_days: int) -> Pruned:
    """Drop raw lines, blobs and ended slots older than `keep_days` at `before`, if all that names them has a receipt.

    Works in small transactions, so that it also works on what the ballast gives on a full disk.
    """
    if keep_days < 1:
        raise JournalError("raw answers are kept for at least one day; {days} is too few", days=keep_days)
    cutoff = time_text(before - timedelta(days=keep_days))
    runs = [run for (run,) in database.rows(_OLD_RUNS, {"cutoff": cutoff})]
    blobs = [sha256 for (sha256,) in database.rows(f"select sha256 from blob b where {_OLD_BLOB}", {"cutoff": cutoff})]  # noqa: S608 (a constant)
    dropped = Pruned(
        exchanges=sum(_drop_exchanges(database, part) for part in _parts(runs)),
        blobs=sum(_drop_blobs(database, part, cutoff, time_text(before)) for part in _parts(blobs)),
        slots=_drop_slots(database, cutoff),
    )
    database.shrink()
    database.ballast.put_back(spare=database.limits.reserve_bytes)
    return dropped


def _parts(names: list[str]) -> Iterator[list[str]]:
    return (names[at : at + _STEP] for at in range(0, len(names), _STEP))


def _drop_exchanges(database: Database, runs: list[str]) -> int:
    def drop(db: sqlite3.Connection) -> int:
        return db.executemany("delete from exchange where run = ?", [(run,) for run in runs]).rowcount

    return database.write(drop)


def _drop_blobs(database: Database, digests: list[str], cutoff: str, now: str) -> int:
    """Drop blobs and note that it was on purpose; one that was put or named again since is left alone."""
    rows = [{"sha256": digest, "cutoff": cutoff, "now": now} for digest in digests]

    def drop(db: sqlite3.Connection) -> int:
        db.executemany(
            "insert into pruned(sha256, at) select b.sha256, :now from blob b "  # noqa: S608 (a constant)
            f"where b.sha256 = :sha256 and {_OLD_BLOB} on conflict(sha256) do update set at = excluded.at",
            rows,
        )
        return db.executemany(f"delete from blob as b where b.sha256 = :sha256 and {_OLD_BLOB}", rows).rowcount  # noqa: S608 (a constant)

    return database.write(drop)


def _drop_slots(database: Database, cutoff: str) -> int:
    def drop(db: sqlite3.Connection) -> int:
        ended = "delete from slot where state not in ('expected', 'started') and due < ?"
        return db.execute(ended, (cutoff,)).rowcount

    return database.write(drop)


def check(database: Database, *, deep: bool) -> Checked:
    """Read everything once: the chain, the bytes that entries name, and SQLite's own check.

    The chain comes first, because it can say which entry is hurt.

    Raises:
        JournalError: the first thing that is wrong, with the number of its entry.
    """
    where = str(database.path)
    holes = {name for (name,) in database.rows("select name from lost")}
    chained = groupby(entries.read(database, -1, None), _Stretches(holes))
    for stretch, part in chained:
        for problem in chain.check(part, whole=stretch == 0):
            raise JournalError(
                "entry {seq} is damaged: {why}", where=where, todo=_KEEP, seq=problem.seq, why=problem.what
            )
    lost = database.rows(
        "select m.seq, m.sha256 from mention m where m.held = 1 and m.sha256 not in (select sha256 from blob) "
        "and m.sha256 not in (select sha256 from pruned) "
        "and 'sha256:' || m.sha256 not in (select name from lost) order by m.seq limit 1"
    )
    for seq, sha256 in lost:
        raise JournalError(
            "entry {seq} names bytes that are gone: sha256:{sha256}", where=where, todo=_KEEP, seq=seq, sha256=sha256
        )
    blobs = database.rows("select sha256 from blob")
    for (sha256,) in blobs if deep else ():
        get_blob(database, f"sha256:{sha256}")
    for (fault,) in database.rows("pragma integrity_check(1)"):
        if fault != "ok":
            raise JournalError("the journal is damaged: {why}", where=where, todo=_KEEP, why=fault)
    for table, row, _, _ in database.rows("pragma foreign_key_check"):
        raise JournalError("the journal is damaged: {why}", where=where, todo=_KEEP, why=f"{table} {row} is an orphan")
    _, head = entries.head(database)
    pruned = database.rows("select count(*) from pruned")[0][0]
    return Checked(
        entries=database.rows("select count(*) from entry")[0][0],
        head=head,
        blobs=len(blobs),
        pruned=pruned,
        lost=tuple(sorted(holes)),
    )


class _Stretches:
    """Key for `groupby`: counts up where the entry before was lost, so that each stretch is a chain of its own."""

    def __init__(self, lost: set[str]) -> None:
        self._lost = lost
        self._stretch = 0

    def __call__(self, entry: Entry) -> int:
        self._stretch += f"entry:{entry.seq - 1}" in self._lost
        return self._stretch
