"""The nightly check: everything that the backend holds is hashed, followed and verified again from its bytes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from agent.backend import ingest, tables
from agent.backend.receive import missing_blobs
from agent.errors import AgentError
from agent.evidence import note

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, Row

    from agent.backend.backend import Backend

__all__ = ["Checked", "fsck"]

_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Checked:
    """What was looked at, and what is wrong with it."""

    blobs: int
    entries: int
    leaves: int
    faults: tuple[str, ...]
    """One line per fault, naming the blob, entry or leaf; empty when all is well."""


def fsck(backend: Backend) -> Checked:
    """Check blobs against their names, envelopes against keys and chains, receipts and log against each other.

    It reads only, and may run beside the server: what arrives meanwhile is not looked at.

    Raises:
        ProblemError: the database or the disk cannot be read.
    """
    with backend.store.read() as connection:
        faults = backend.log.faults(connection)
        rows = connection.execute(
            select(tables.entry, tables.agent.c.public_key)
            .join(tables.agent, tables.agent.c.keyid == tables.entry.c.keyid, isouter=True)
            .order_by(tables.entry.c.keyid, tables.entry.c.seq)
        ).all()
        leaves = {row.number: row.entry for row in connection.execute(select(tables.log_leaf))}
        faults += _chain_faults(connection, rows)
    for row in rows:
        faults += (f"entry {row.sha256}: {fault}" for fault in _entry_faults(backend, row, leaves))
    blobs = 0
    for digest in backend.store.blobs.digests():
        blobs += 1
        if _hash_of(backend, digest) != digest:
            faults.append(f"blob {digest}: the content has another digest")
    return Checked(blobs, len(rows), len(leaves), tuple(faults))


def _chain_faults(connection: Connection, rows: Sequence[Row[Any]]) -> list[str]:
    """Follow each chain from its first entry to the head that the agent's row names."""
    ends = {row.keyid: (0, ingest.GENESIS) for row in rows}
    faults = []
    for row in rows:
        seq, prev = ends[row.keyid]
        try:
            link = ingest.open_submission(f"sha256:{row.sha256}", row.envelope).link
        except AgentError:
            link = None  # the check of the entry reports it
        if row.seq != seq or (link is not None and (link.seq, link.prev) != (seq, prev)):
            faults.append(f"entry {row.sha256}: it does not follow entry {seq - 1} of its chain")
        ends[row.keyid] = (row.seq + 1, row.sha256)
    faults += [
        f"agent {agent.keyid}: its chain does not end where its row says"
        for agent in connection.execute(select(tables.agent))
        if ends.get(agent.keyid) != (agent.next_seq, agent.head)
    ]
    return faults


def _entry_faults(backend: Backend, row: Row[Any], leaves: dict[int, bytes]) -> Iterator[str]:
    try:
        submission = ingest.open_submission(f"sha256:{row.sha256}", row.envelope)
        ingest.check_signature(submission, row.public_key or "")
    except AgentError as error:
        yield error.render()
        return
    if row.receipt is None:
        if row.refused is None:
            yield "it was neither accepted nor refused"
        return
    for digest in missing_blobs(backend.store, submission.subjects):
        yield f"its file {digest} is missing"
    try:
        proof = note.parse_proof(row.receipt)
        leaf = note.open_receipt(row.receipt, f"sha256:{row.sha256}", backend.log.key).leaf
    except AgentError as error:
        yield f"its receipt does not hold: {error.render()}"
        return
    if proof.index != row.leaf or leaves.get(proof.index) != proof.extra:
        yield "its receipt is not for the leaf that the log holds"
    if (leaf.keyid, leaf.seq) != (row.keyid, row.seq):
        yield "its receipt names another place in the chain"


def _hash_of(backend: Backend, digest: str) -> str:
    found = hashlib.sha256()
    with backend.store.blobs.path(digest).open("rb") as file:
        while chunk := file.read(_CHUNK):
            found.update(chunk)
    return "sha256:" + found.hexdigest()
