"""The Merkle tree of a transparency log: hashes, proofs, and how to extend a root (RFC 6962 section 2.1; no I/O).

    leaf = SHA-256(0x00 || entry)      node = SHA-256(0x01 || left || right)      empty tree = SHA-256("")

A node is named by its level (0: leaves) and its index in the level; only complete subtrees have a node, which never
changes once it exists. Whoever stores nodes (`Tree` in memory, a table, tiles) proves inclusion and consistency in
O(log² n); whoever only appends keeps a `CompactRange`, which is O(log n) hashes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from agent.errors import MalformedError, VerificationError

__all__ = [
    "EMPTY_ROOT",
    "HASH_BYTES",
    "CompactRange",
    "Node",
    "NodeReader",
    "Tree",
    "consistency_proof",
    "inclusion_proof",
    "leaf_hash",
    "node_hash",
    "root",
    "root_from_inclusion",
    "tree_root",
    "verify_consistency",
    "verify_inclusion",
]

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()

NodeReader = Callable[[int, int], bytes]
"""Gives the hash of the node (level, index): the complete subtree of 2^level leaves from leaf index * 2^level."""

Node = tuple[int, int, bytes]
"""Level, index, hash."""


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a log entry."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of two neighbours."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class CompactRange:
    """The least that is needed to append and to give the root: the maximal complete subtrees, largest first."""

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.hashes) != self.size.bit_count():
            raise MalformedError(
                "a tree of {size} leaves has {expected} complete subtrees, not {found}",
                size=self.size,
                expected=self.size.bit_count() if self.size >= 0 else 0,
                found=len(self.hashes),
            )

    def append(self, leaf: bytes) -> CompactRange:
        """Return the range with one more leaf hash."""
        completed = self.completed_by(leaf)
        merged = len(completed) - 1
        return CompactRange(self.size + 1, (*self.hashes[: len(self.hashes) - merged], completed[-1][2]))

    def completed_by(self, leaf: bytes) -> tuple[Node, ...]:
        """Return the nodes that appending the leaf hash completes, the leaf itself first: what a store keeps."""
        found = [(0, self.size, leaf)]
        level, index, current = found[0]
        for left in reversed(self.hashes):
            if index & 1 == 0:
                break
            level, index, current = level + 1, index >> 1, node_hash(left, current)
            found.append((level, index, current))
        return tuple(found)

    def root(self) -> bytes:
        """Return the root hash."""
        if not self.hashes:
            return EMPTY_ROOT
        current = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            current = node_hash(left, current)
        return current


class Tree:
    """All nodes of a tree in memory, 64 bytes a leaf; appending is O(1) amortised."""

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        self._levels: list[bytearray] = []
        self._range = CompactRange()
        for leaf in leaves:
            self.append(leaf)

    @property
    def size(self) -> int:
        """Return the number of leaves."""
        return self._range.size

    def append(self, leaf: bytes) -> None:
        """Add a leaf hash."""
        for level, _, value in self._range.completed_by(leaf):
            if level == len(self._levels):
                self._levels.append(bytearray())
            self._levels[level] += value
        self._range = self._range.append(leaf)

    def node(self, level: int, index: int) -> bytes:
        """Return a node's hash; this method is a `NodeReader`."""
        start = index * HASH_BYTES
        if level < 0 or level >= len(self._levels) or not 0 <= start < len(self._levels[level]):
            raise MalformedError("the tree has no complete node {index} at level {level}", index=index, level=level)
        return bytes(self._levels[level][start : start + HASH_BYTES])

    def root(self) -> bytes:
        """Return the root hash of all leaves."""
        return self._range.root()


def root(leaves: Iterable[bytes]) -> bytes:
    """Return the root over leaf hashes."""
    current = CompactRange()
    for leaf in leaves:
        current = current.append(leaf)
    return current.root()


def tree_root(size: int, node: NodeReader) -> bytes:
    """Return the root of the first `size` leaves."""
    return _subtree(0, size, node) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, node: NodeReader) -> tuple[bytes, ...]:
    """Return the audit path of a leaf in the tree of the first `size` leaves, leaf level first (RFC 6962 2.1.1).

    Raises:
        MalformedError: the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise MalformedError("a tree of {size} leaves has no leaf {index}", size=size, index=index)
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_subtree(middle, end, node))
            end = middle
        else:
            path.append(_subtree(start, middle, node))
            start = middle
    return tuple(reversed(path))


def consistency_proof(old: int, new: int, node: NodeReader) -> tuple[bytes, ...]:
    """Return the proof that the tree of `old` leaves is a prefix of that of `new` leaves (RFC 6962 2.1.2).

    It is empty for equal sizes and for the empty old tree.

    Raises:
        MalformedError: the sizes are negative or in the wrong order.
    """
    if not 0 <= old <= new:
        raise MalformedError("a tree of {old} leaves cannot be a prefix of {new} leaves", old=old, new=new)
    if old in (0, new):
        return ()
    path: list[bytes] = []
    start, end, known = 0, new, True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_subtree(middle, end, node))
            end = middle
        else:
            path.append(_subtree(start, middle, node))
            start, known = middle, False
    if not known:
        path.append(_subtree(start, end, node))
    return tuple(reversed(path))


def root_from_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """Return the root that the audit path of a leaf hash leads to (RFC 9162 2.1.3.2).

    Raises:
        VerificationError: the path does not fit a tree of that size.
    """
    if not 0 <= index < size:
        raise VerificationError("a tree of {size} leaves has no leaf {index}", size=size, index=index)
    inner = (index ^ (size - 1)).bit_length()  # levels at which the path can have a right neighbour
    border = (index >> inner).bit_count()  # above those, only left neighbours
    if len(proof) != inner + border:
        raise VerificationError(
            "the inclusion proof has {found} hashes where {expected} belong", found=len(proof), expected=inner + border
        )
    current = leaf
    for level, sibling in enumerate(proof):
        left = level >= inner or (index >> level) & 1
        current = node_hash(sibling, current) if left else node_hash(current, sibling)
    return current


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], expected_root: bytes) -> None:
    """Check that a leaf hash is in the tree.

    Raises:
        VerificationError: it is not, by this proof.
    """
    if root_from_inclusion(leaf, index, size, proof) != expected_root:
        raise VerificationError("the inclusion proof does not lead to the signed root")


def verify_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Check that the older tree is a prefix of the newer one (RFC 9162 2.1.4.2).

    Raises:
        VerificationError: it is not, by this proof.
    """
    failure = VerificationError(
        "the log of {new} entries does not contain the log of {old} entries that was seen before", old=old, new=new
    )
    if not 0 <= old <= new:
        raise failure
    if old in (0, new):
        if proof or old_root != (new_root if old == new else EMPTY_ROOT):
            raise failure
        return
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)  # a complete old tree is itself the first node of the path
    last_old, last_new = old - 1, new - 1
    while last_old & 1:
        last_old, last_new = last_old >> 1, last_new >> 1
    if not path or _walk(path, last_old, last_new) != (old_root, new_root):
        raise failure


def _walk(path: Sequence[bytes], last_old: int, last_new: int) -> tuple[bytes, bytes] | None:
    """Return the old and the new root that the path leads to; None if its length does not fit."""
    from_old = from_new = path[0]
    for sibling in path[1:]:
        if last_new == 0:
            return None
        if last_old & 1 or last_old == last_new:
            from_old, from_new = node_hash(sibling, from_old), node_hash(sibling, from_new)
            while last_old and not last_old & 1:
                last_old, last_new = last_old >> 1, last_new >> 1
        else:
            from_new = node_hash(from_new, sibling)
        last_old, last_new = last_old >> 1, last_new >> 1
    return (from_old, from_new) if last_new == 0 else None


def _split(width: int) -> int:
    """Return the largest power of two smaller than the width (which is above 1)."""
    return 1 << (width - 1).bit_length() - 1


def _subtree(start: int, end: int, node: NodeReader) -> bytes:
    """Return the hash over leaves [start, end); start is aligned to the subtree, as in every RFC 6962 split."""
    width = end - start
    level = width.bit_length() - 1
    if width == 1 << level:
        return node(level, start >> level)
    middle = start + _split(width)
    return node_hash(_subtree(start, middle, node), _subtree(middle, end, node))
