"""The Merkle tree: published vectors, every pair of sizes, and proofs that must fail."""

from __future__ import annotations

import json
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.errors import MalformedError, VerificationError
from agent.evidence import tlog

if TYPE_CHECKING:
    from pathlib import Path

MOST = 130
LEAVES = [tlog.leaf_hash(b"entry %d" % n) for n in range(MOST)]
TREE = tlog.Tree(LEAVES)


@cache
def defined_root(start: int, end: int) -> bytes:
    """Return the root as RFC 6962 section 2.1 defines it, by recursion."""
    width = end - start
    if width <= 1:
        return LEAVES[start] if width else sha256(b"").digest()
    split = max(1 << k for k in range(10) if 1 << k < width)
    left, right = defined_root(start, start + split), defined_root(start + split, end)
    return sha256(b"\x01" + left + right).digest()


def test_published_vectors(vectors: Path) -> None:
    """Roots, audit paths and consistency proofs are those of the reference data."""
    vector = json.loads((vectors / "rfc6962-tree.json").read_text())
    leaves = [tlog.leaf_hash(bytes.fromhex(entry)) for entry in vector["entries"]]
    tree = tlog.Tree(leaves)
    for size, expected in enumerate(vector["roots"]):
        assert tlog.root(leaves[:size]).hex() == tlog.tree_root(size, tree.node).hex() == expected
    for case in vector["paths"]:
        path = tlog.inclusion_proof(case["index"], case["size"], tree.node)
        assert [one.hex() for one in path] == case["path"]
    for case in vector["proofs"]:
        proof = tlog.consistency_proof(case["old"], case["new"], tree.node)
        assert [one.hex() for one in proof] == case["proof"]


def test_every_root_by_every_way() -> None:
    """Definition, compact range, stored nodes and the in-memory tree give one root for every size."""
    compact, tree = tlog.CompactRange(), tlog.Tree()
    for size in range(MOST + 1):
        expected = defined_root(0, size)
        assert compact.root() == tree.root() == tlog.tree_root(size, TREE.node) == expected
        assert (compact.size, tree.size) == (size, size)
        if size < MOST:
            compact = compact.append(LEAVES[size])
            tree.append(LEAVES[size])


def test_every_inclusion() -> None:
    """For every size and leaf the proof leads to the root, and for no other index."""
    for size in range(1, MOST + 1):
        expected = defined_root(0, size)
        for index in range(size):
            path = tlog.inclusion_proof(index, size, TREE.node)
            tlog.verify_inclusion(LEAVES[index], index, size, path, expected)
            with pytest.raises(VerificationError):
                tlog.verify_inclusion(LEAVES[index], (index + 1) % (size + 1), size, path, expected)


def test_every_consistency() -> None:
    """For every pair of sizes the proof holds, and not for another old or new root."""
    for new in range(MOST + 1):
        for old in range(new + 1):
            proof = tlog.consistency_proof(old, new, TREE.node)
            roots = defined_root(0, old), defined_root(0, new)
            tlog.verify_consistency(old, new, proof, *roots)
            with pytest.raises(VerificationError):
                tlog.verify_consistency(old, new, proof, bytes(32), roots[1])
            if old:
                with pytest.raises(VerificationError):
                    tlog.verify_consistency(old, new, proof, roots[0], bytes(32))


@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_changed_inclusion_proofs_fail(data: st.DataObject) -> None:
    """Flipping any bit, dropping or adding a hash, or claiming another leaf makes a proof fail."""
    size = data.draw(st.integers(2, MOST))
    index = data.draw(st.integers(0, size - 1))
    path = list(tlog.inclusion_proof(index, size, TREE.node))
    changed, leaf = list(path), LEAVES[index]
    match data.draw(st.sampled_from(["flip", "drop", "add", "leaf"])):
        case "flip":
            changed = flipped(data, path)
        case "drop":
            del changed[data.draw(st.integers(0, len(path) - 1))]
        case "add":
            changed.insert(data.draw(st.integers(0, len(path))), bytes(32))
        case _:
            leaf = tlog.leaf_hash(b"another")
    with pytest.raises(VerificationError):
        tlog.verify_inclusion(leaf, index, size, changed, defined_root(0, size))


@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_changed_consistency_proofs_fail(data: st.DataObject) -> None:
    """Flipping any bit, dropping or adding a hash makes a consistency proof fail."""
    new = data.draw(st.integers(3, MOST))
    old = data.draw(st.integers(1, new - 1))
    proof = list(tlog.consistency_proof(old, new, TREE.node))
    match data.draw(st.sampled_from(["flip", "drop", "add"])):
        case "flip":
            changed = flipped(data, proof)
        case "drop":
            changed = proof[:-1]
        case _:
            changed = [*proof, bytes(32)]
    with pytest.raises(VerificationError):
        tlog.verify_consistency(old, new, changed, defined_root(0, old), defined_root(0, new))


def flipped(data: st.DataObject, hashes: list[bytes]) -> list[bytes]:
    which = data.draw(st.integers(0, len(hashes) - 1))
    bit = data.draw(st.integers(0, 255))
    value = int.from_bytes(hashes[which], "big") ^ (1 << bit)
    return [*hashes[:which], value.to_bytes(32, "big"), *hashes[which + 1 :]]


def test_a_rewritten_log_is_not_consistent() -> None:
    """A log in which one old entry was exchanged has no consistency proof from what was seen before."""
    for exchanged in range(20):
        leaves = [*LEAVES[:exchanged], tlog.leaf_hash(b"forged"), *LEAVES[exchanged + 1 : 33]]
        forged = tlog.Tree(leaves)
        proof = tlog.consistency_proof(20, 33, forged.node)
        with pytest.raises(VerificationError):
            tlog.verify_consistency(20, 33, proof, defined_root(0, 20), forged.root())


def test_a_store_of_completed_nodes_is_enough() -> None:
    """Nodes that `completed_by` names, kept in a table, answer every proof; each is written once."""
    table: dict[tuple[int, int], bytes] = {}
    compact = tlog.CompactRange()
    for leaf in LEAVES:
        for level, index, value in compact.completed_by(leaf):
            assert (level, index) not in table
            table[level, index] = value
        grown = compact.append(leaf)
        compact = tlog.CompactRange(grown.size, grown.hashes)  # as if read back from a row
    for index in (0, 1, 63, 64, 127, 128, 129):
        path = tlog.inclusion_proof(index, MOST, lambda level, n: table[level, n])
        tlog.verify_inclusion(LEAVES[index], index, MOST, path, compact.root())


def test_large_tree() -> None:
    """In a tree of 2^17 + 3 leaves proofs stay short and hold."""
    size = (1 << 17) + 3
    leaves = [sha256(b"%d" % n).digest() for n in range(size)]
    tree = tlog.Tree(leaves)
    for index in (0, 1, size // 2, size - 3, size - 1):
        path = tlog.inclusion_proof(index, size, tree.node)
        assert len(path) <= 18
        tlog.verify_inclusion(leaves[index], index, size, path, tree.root())
    proof = tlog.consistency_proof(99_999, size, tree.node)
    assert len(proof) <= 36
    tlog.verify_consistency(99_999, size, proof, tlog.root(leaves[:99_999]), tree.root())


def test_nonsense_is_refused() -> None:
    """Impossible sizes, indices and ranges are errors of ours, not tracebacks."""
    with pytest.raises(MalformedError):
        tlog.inclusion_proof(5, 5, TREE.node)
    with pytest.raises(MalformedError):
        tlog.consistency_proof(6, 5, TREE.node)
    with pytest.raises(MalformedError):
        tlog.CompactRange(3, (bytes(32),))
    for level, index in ((0, MOST), (-1, 0), (0, -1), (20, 0), (7, 1)):
        with pytest.raises(MalformedError):
            TREE.node(level, index)
    for index, size in ((0, 0), (-1, 3), (3, 3)):
        with pytest.raises(VerificationError):
            tlog.root_from_inclusion(LEAVES[0], index, size, [])
    for old, new in ((5, 4), (-1, 4)):
        with pytest.raises(VerificationError):
            tlog.verify_consistency(old, new, [], bytes(32), bytes(32))
    with pytest.raises(VerificationError):
        tlog.verify_consistency(3, 5, [], bytes(32), bytes(32))
