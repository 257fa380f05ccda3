"""Raw lines and blobs: what was taken, before anything is concluded from it."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import IO, TYPE_CHECKING

from agent import canonical
from agent.clock import time_text
from agent.errors import JournalError
from agent.journal.packing import PLAIN_TAG, pack, unpack

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from agent.journal.database import Database

__all__ = ["append_exchange", "exchanges", "get_blob", "has_blob", "put_blob", "put_file", "recorded"]

_NEXT = "select coalesce(max(n) + 1, 0) from exchange where run = ? and asset = ?"
_FRESH = timedelta(hours=12)
"""A blob put again is marked as put anew, so that it outlives the making of its entry; not more often than this."""
_PAGE = 16
"""Lines that are fetched at once."""
_CHUNK = 2**16
"""Octets of a file that are read at once."""


def append_exchange(database: Database, run: str, asset: str, line: bytes, now: datetime) -> int:
    """Append one line to the asset's raw lines of an open run; return its position."""
    stored = (pack(line), time_text(now))

    def insert(db: sqlite3.Connection) -> int:
        kinds = {kind for (kind,) in db.execute("select kind from entry where run = ?", (run,))}
        if "run-start" not in kinds:
            raise JournalError("the run has no run-start entry, so nothing can be recorded in it", where=run)
        if kinds & {"run", "run-abort"}:
            raise JournalError("the run has ended, so nothing more can be recorded in it", where=run)
        n = db.execute(_NEXT, (run, asset)).fetchone()[0]
        db.execute("insert into exchange(run, asset, n, body, stored) values (?, ?, ?, ?, ?)", (run, asset, n, *stored))
        return int(n)

    return database.write(insert, essential=False)


def recorded(database: Database, run: str) -> dict[str, int]:
    """Return how many raw lines a run has, by asset."""
    counted = "select asset, count(*) from exchange where run = ? group by asset order by asset"
    return dict(database.rows(counted, (run,)))


def exchanges(database: Database, run: str, asset: str) -> Iterator[bytes]:
    """Yield the raw lines of an asset in a run, in the order in which they were appended, some in memory at a time."""
    last = -1
    while True:
        rows = database.rows(
            "select n, body from exchange where run = ? and asset = ? and n > ? order by n limit ?",
            (run, asset, last, _PAGE),
        )
        for last, body in rows:
            yield unpack(body, where=f"{database.path}: run {run}, {asset}, line {last}")
        if len(rows) < _PAGE:
            return


def put_blob(database: Database, data: bytes, now: datetime) -> str:
    """Store bytes under their digest unless they are there; return ``sha256:<hex>``."""

    def insert(db: sqlite3.Connection, key: str, moment: str) -> None:
        db.execute("insert into blob(sha256, data, stored) values (?, ?, ?)", (key, pack(data), moment))

    return _put(database, canonical.digest(data), insert, now)


def put_file(database: Database, file: IO[bytes], now: datetime) -> str:
    """Store what a file holds, as `put_blob` does, but as it is: for what is compressed, and too large to hold."""
    sha256, size = hashlib.sha256(), 0
    for chunk in _chunks(file):
        sha256.update(chunk)
        size += len(chunk)

    def insert(db: sqlite3.Connection, key: str, moment: str) -> None:
        row = db.execute(
            "insert into blob(sha256, data, stored) values (?, zeroblob(?), ?)", (key, len(PLAIN_TAG) + size, moment)
        ).lastrowid
        assert row is not None  # just inserted
        with db.blobopen("blob", "data", row) as blob:
            blob.write(PLAIN_TAG)
            for chunk in _chunks(file):
                blob.write(chunk)

    return _put(database, f"sha256:{sha256.hexdigest()}", insert, now)


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while chunk := file.read(_CHUNK):
        yield chunk


def _put(database: Database, digest: str, insert: Callable[[sqlite3.Connection, str, str], None], now: datetime) -> str:
    key, moment = canonical.hex_of(digest), time_text(now)
    fresh = time_text(now - _FRESH)
    if database.rows("select 1 from blob where sha256 = ? and stored between ? and ?", (key, fresh, moment)):
        return digest

    def put(db: sqlite3.Connection) -> None:
        if db.execute("update blob set stored = ? where sha256 = ?", (moment, key)).rowcount == 0:
            insert(db, key, moment)

    database.write(put)
    return digest


def get_blob(database: Database, digest: str) -> bytes:
    """Return the bytes of that digest, checked against it.

    Raises:
        JournalError: they are not here (never were, or pruned after their receipt), or are damaged.
    """
    where = f"{database.path}: blob {digest}"
    rows = database.rows("select data from blob where sha256 = ?", (canonical.hex_of(digest),))
    if not rows:
        raise JournalError("these bytes are not in the journal", where=where)
    data = unpack(rows[0][0], where=where)
    if canonical.digest(data) != digest:
        raise JournalError("a stored value is damaged: {why}", where=where, why="it no longer has its digest")
    return data


def has_blob(database: Database, digest: str) -> bool:
    """Tell whether the bytes of that digest are here."""
    return bool(database.rows("select 1 from blob where sha256 = ?", (canonical.hex_of(digest),)))
