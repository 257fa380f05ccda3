"""The backend's transparency log: one RFC 6962 tree whose head, nodes and receipts live in the database.

An append reads O(log n) nodes, writes the leaf and the nodes that it completes, signs the new head and returns the
receipt, all in the caller's transaction, which is the only one that writes (`Store.write`): a leaf without its receipt,
a signed head without its leaf, or two leaves of one number cannot exist.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from agent.backend import tables
from agent.errors import ConfigError, MalformedError, VerificationError
from agent.evidence import note, tlog

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from agent.evidence.keys import LogSigner
    from agent.model.evidence import Leaf

__all__ = ["TransparencyLog", "stored_origin"]


class TransparencyLog:
    """The log of one origin, signed by one key.

    Args:
        origin: the name in every checkpoint; a host name and path that the operator controls.
        signer: the log key.
    """

    def __init__(self, origin: str, signer: LogSigner) -> None:
        self.origin = origin
        self._signer = signer
        self.key = note.VerifierKey(origin, note.ED25519, signer.public)

    def open(self, connection: Connection) -> None:
        """Create the log in a new database, or check that the database holds this log.

        Raises:
            ConfigError: the database holds the log of another origin or key.
        """
        row = connection.execute(select(tables.log)).one_or_none()
        if row is None:
            head = note.Checkpoint(self.origin, 0, tlog.EMPTY_ROOT).signed(self._signer)
            connection.execute(insert(tables.log).values(id=1, origin=self.origin, size=0, checkpoint=head))
            return
        try:
            note.open_note(row.checkpoint.encode(), [self.key])
        except (MalformedError, VerificationError) as error:
            raise ConfigError(
                "the database holds the log of {origin}, signed by another key or name than the configured one",
                todo="Restore the log key that belongs to this database, or start with an empty directory",
                origin=row.origin,
            ) from error

    def checkpoint(self, connection: Connection) -> str:
        """Return the newest signed head."""
        text: str = connection.execute(select(tables.log.c.checkpoint)).scalar_one()
        return text

    def append(self, connection: Connection, leaf: Leaf) -> tuple[int, bytes]:
        """Add a leaf; return its index and its receipt (a C2SP tlog-proof whose `extra` is the leaf)."""
        entry = leaf.to_bytes()
        index: int = connection.execute(select(tables.log.c.size)).scalar_one()
        known = tlog.CompactRange(index, _complete_subtrees(connection, index))
        hashed = tlog.leaf_hash(entry)
        connection.execute(insert(tables.log_leaf).values(number=index, entry=entry))
        connection.execute(
            insert(tables.log_node),
            [{"level": level, "number": place, "hash": value} for level, place, value in known.completed_by(hashed)],
        )
        extended = known.append(hashed)
        signed = note.Checkpoint(self.origin, extended.size, extended.root()).signed(self._signer)
        connection.execute(update(tables.log).values(size=extended.size, checkpoint=signed))
        # All the newest leaf's neighbours are to its left: the roots of the subtrees before it, smallest first.
        proof = note.TlogProof(index, tuple(reversed(known.hashes)), signed, entry)
        return index, proof.to_bytes()

    def inclusion(self, connection: Connection, index: int) -> tuple[bytes, ...]:
        """Return the audit path of a leaf under the newest head."""
        size: int = connection.execute(select(tables.log.c.size)).scalar_one()
        return tlog.inclusion_proof(index, size, lambda level, place: _node(connection, level, place))

    def faults(self, connection: Connection) -> list[str]:
        """Recompute the tree from its leaves; return what is not as it should be, empty when all is well."""
        found: list[str] = []
        current = tlog.CompactRange()
        for row in connection.execute(select(tables.log_leaf).order_by(tables.log_leaf.c.number)):
            hashed = tlog.leaf_hash(row.entry)
            if row.number != current.size:
                found.append(f"log: leaf {current.size} is missing")
                return found
            for level, place, value in current.completed_by(hashed):
                if _stored_node(connection, level, place) != value:
                    found.append(f"log: node {level}/{place} does not follow from the leaves")
            current = current.append(hashed)
        try:
            text, _ = note.open_note(self.checkpoint(connection).encode(), [self.key])
            head = note.parse_checkpoint(text)
        except (MalformedError, VerificationError) as error:
            return [*found, f"log: the checkpoint does not hold: {error.render()}"]
        if (head.size, head.root) != (current.size, current.root()):
            found.append(f"log: the signed head of {head.size} leaves is not that of the {current.size} leaves stored")
        return found


def stored_origin(connection: Connection) -> str | None:
    """Return the name of the log that the database holds; None if it holds none yet."""
    origin: str | None = connection.execute(select(tables.log.c.origin)).scalar_one_or_none()
    return origin


def _complete_subtrees(connection: Connection, size: int) -> tuple[bytes, ...]:
    """Return the roots of the maximal complete subtrees of a tree, largest first."""
    start, found = 0, []
    for level in reversed(range(size.bit_length())):
        if size >> level & 1:
            found.append(_node(connection, level, start >> level))
            start += 1 << level
    return tuple(found)


def _node(connection: Connection, level: int, index: int) -> bytes:
    value = _stored_node(connection, level, index)
    if value is None:
        raise VerificationError(
            "the log has lost its node {level}/{index}",
            todo="Stop the backend, run fsck and restore the database from its backup",
            level=level,
            index=index,
        )
    return value


def _stored_node(connection: Connection, level: int, index: int) -> bytes | None:
    found: bytes | None = connection.execute(
        select(tables.log_node.c.hash).where(tables.log_node.c.level == level, tables.log_node.c.number == index)
    ).scalar_one_or_none()
    return found
