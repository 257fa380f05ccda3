"""Segments of a run, made of the raw lines that the journal took while the run went on.

The journal is where lines wait: each was durable there before a collector saw the answer, and a run that a crash cut
off is ended from them. So nothing else need remember them, and a segment is read, packed and stored line by line.
"""

from __future__ import annotations

import errno
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING

from agent.errors import JournalError
from agent.sessions.segment import write_segment

if TYPE_CHECKING:
    from agent.journal.store import Journal
    from agent.model.base import Digest
    from agent.model.evidence import SegmentHeader

__all__ = ["keep_segment"]

HELD = 4 * 2**20
"""Octets of a packed segment that are in memory at most, as large as a blob that the backend takes. A larger one goes
through a file without a name, which no crash can leave behind."""
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def keep_segment(journal: Journal, header: SegmentHeader) -> tuple[str, Digest]:
    """Store the segment of the header's run and asset; return the name for the statement, and the digest.

    Raises:
        JournalError: it cannot be stored, or the disk is full; the raw lines are still there.
    """
    lines = journal.exchanges(header.run, header.asset.id)
    try:
        with SpooledTemporaryFile(HELD, dir=str(journal.directory)) as file:
            name = write_segment(file, header, lines)
            if name.endswith(".gz"):
                return name, journal.put_file(file)
            file.seek(0)
            return name, journal.put_blob(file.read())
    except OSError as error:
        raise _explained(error, journal, header) from error


def _explained(error: OSError, journal: Journal, header: SegmentHeader) -> JournalError:
    where = f"{journal.directory}: run {header.run}, {header.asset.id}"
    if error.errno in _FULL:
        return JournalError(
            "the disk is full or over quota ({name}); this record was not taken, all acknowledged before are kept",
            where=where,
            todo="make room on the file system of {directory}; measuring then goes on by itself",
            name=errno.errorcode[error.errno],
            directory=str(journal.directory),
        )
    return JournalError(
        "the journal cannot be used: {why}",
        where=where,
        todo="check the disk, then restart campus-agent",
        why=error.strerror or str(error),
    )
