"""The hash chain of the journal, without I/O: what links an entry to the one before it, and what breaks a link.

The chain value is the SHA-256 of the *payload* (the in-toto Statement's bytes), never of the envelope: an envelope can
be changed without breaking its signature (another keyid, an ECDSA `s` replaced by `n-s`), a payload cannot.

What a chain cannot show: that its tail was cut off, or that the holder of the key signed it anew. Give `head` where the
newest digest is known from elsewhere (a receipt, a log checkpoint); then a cut tail is found as well.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from agent import canonical
from agent.errors import MalformedError
from agent.language import N_

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["GENESIS", "Chained", "Link", "Problem", "check", "check_links", "payload_hash", "read_link"]

GENESIS = "0" * 64
"""`prev` of the first entry: there is none before it."""


@dataclass(frozen=True, slots=True)
class Link:
    """What a payload says about its place in the chain."""

    seq: int
    prev: str
    """SHA-256 of the previous payload, 64 lowercase hex digits."""
    kind: str
    run: str | None
    subjects: tuple[tuple[str, str], ...]
    """Name and SHA-256 (hex) of each subject of the statement."""
    mentions: frozenset[str]
    """SHA-256 (hex) of every file that the statement names: subjects, plan, segments."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A place where the chain does not hold."""

    seq: int
    """The entry that does not fit; for a payload that cannot be read, its expected place."""
    what: str
    """What is wrong, a gettext message id."""


class Chained(Protocol):
    """An entry as it is stored: the payload and the columns that repeat what it says."""

    @property
    def seq(self) -> int:
        """Its number, from 0."""
        ...

    @property
    def prev(self) -> str:
        """SHA-256 (hex) of the payload before it."""
        ...

    @property
    def sha256(self) -> str:
        """SHA-256 (hex) of its payload."""
        ...

    @property
    def kind(self) -> str:
        """What it states."""
        ...

    @property
    def run(self) -> str | None:
        """The run that it belongs to."""
        ...

    @property
    def payload(self) -> bytes:
        """The statement's bytes."""
        ...


def payload_hash(payload: bytes) -> str:
    """Return the identity of a statement: the SHA-256 of its payload bytes, 64 lowercase hex digits."""
    return hashlib.sha256(payload).hexdigest()


def read_link(payload: bytes, *, where: str = "") -> Link:
    """Read a statement's place in the chain from its payload bytes.

    Only the chain's own members are looked at, so that entries of a later version can still be checked.

    Raises:
        MalformedError: the payload is not JSON, or one of the members is missing or has another form.
    """
    statement = canonical.loads(payload, where=where)
    predicate = _member(statement, "predicate", dict, where)
    subjects = _member(statement, "subject", list, where)
    run = predicate.get("run")
    if run is not None and not isinstance(run, str):
        raise MalformedError("the statement's member {name} has not the right form", where=where, name="run")
    named = tuple(
        (_member(subject, "name", str, where), _sha256(_member(subject, "digest", dict, where), where))
        for subject in subjects
    )
    return Link(
        seq=_sequence(predicate, where),
        prev=_sha256(_member(predicate, "prev", dict, where), where),
        kind=_member(predicate, "kind", str, where),
        run=run,
        subjects=named,
        mentions=frozenset(sha256 for _, sha256 in named) | _mentions(predicate, where),
    )


def check(entries: Iterable[Chained], *, whole: bool = True, head: str | None = None) -> list[Problem]:
    """Check entries: their links, their digests and the columns that repeat the payload.

    Args:
        entries: entries in stored order.
        whole: they must start at `seq` 0.
        head: SHA-256 of the newest payload where it is known from elsewhere.

    Returns:
        The problems found, in order; empty when the chain holds.
    """
    problems: list[Problem] = []

    def payloads() -> Iterator[bytes]:
        for entry in entries:
            problems.extend(_columns(entry))
            yield entry.payload

    problems.extend(check_links(payloads(), whole=whole, head=head))
    return sorted(problems, key=lambda problem: problem.seq)


def check_links(payloads: Iterable[bytes], *, whole: bool = False, head: str | None = None) -> list[Problem]:
    """Check payloads alone: each has the next number and names the digest of the one before it.

    Args:
        payloads: payloads in chain order. They may start anywhere; an entry numbered 0 must name no predecessor.
        whole: they must start at `seq` 0.
        head: SHA-256 of the last payload where it is known from elsewhere; without it, a change of the last payload or
            a missing tail is not found here.

    Returns:
        The problems found, in order; empty when the links hold.
    """
    if whole:
        return list(_walk(iter(payloads), seq=0, prev=GENESIS, head=head))
    return list(_walk(iter(payloads), seq=None, prev=None, head=head))


def _walk(payloads: Iterator[bytes], *, seq: int | None, prev: str | None, head: str | None) -> Iterator[Problem]:
    """Follow the links; `seq` and `prev` are what the first payload must say, None where that is unknown."""
    last = prev
    for payload in payloads:
        last = payload_hash(payload)
        try:
            link = read_link(payload)
        except MalformedError:
            yield Problem(seq or 0, N_("the payload is not a statement of the chain"))
            seq, prev = (None if seq is None else seq + 1), last
            continue
        if seq is not None and link.seq != seq:
            yield Problem(link.seq, N_("the sequence number does not follow the one before"))
        if link.seq == 0 and prev is None:
            prev = GENESIS
        if prev is not None and link.prev != prev:
            yield Problem(link.seq, N_("the previous digest is not that of the entry before"))
        seq, prev = link.seq + 1, last
    if head is not None and last != head:
        yield Problem((seq or 0), N_("the chain does not end with the expected entry"))


def _columns(entry: Chained) -> Iterator[Problem]:
    """Compare the stored columns with the payload that they repeat."""
    if payload_hash(entry.payload) != entry.sha256:
        yield Problem(entry.seq, N_("the payload does not have the recorded digest"))
    try:
        link = read_link(entry.payload)
    except MalformedError:
        return  # the walk over the payloads reports it
    if (link.seq, link.prev, link.kind, link.run) != (entry.seq, entry.prev, entry.kind, entry.run):
        yield Problem(entry.seq, N_("the recorded number, predecessor, kind or run differs from the payload"))


def _mentions(predicate: canonical.Json, where: str) -> set[str]:
    """Return the digests of the plan and of the targets' segments."""
    targets = predicate.get("targets", [])
    if not isinstance(targets, list) or not all(isinstance(target, dict) for target in targets):
        raise MalformedError("the statement's member {name} has not the right form", where=where, name="targets")
    holders = [(predicate, "plan"), *((target, "segment") for target in targets)]
    return {_sha256(_member(holder, name, dict, where), where) for holder, name in holders if name in holder}


def _member(holder: canonical.Json, name: str, form: type, where: str) -> canonical.Json:
    value = holder.get(name) if isinstance(holder, dict) else None
    if not isinstance(value, form) or isinstance(value, bool):
        raise MalformedError("the statement's member {name} has not the right form", where=where, name=name)
    return value


def _sequence(predicate: canonical.Json, where: str) -> int:
    seq = _member(predicate, "seq", int, where)
    if not isinstance(seq, int) or not 0 <= seq < 2**53:
        raise MalformedError("the statement's member {name} has not the right form", where=where, name="seq")
    return seq


def _sha256(digests: canonical.Json, where: str) -> str:
    text = _member(digests, "sha256", str, where)
    return canonical.hex_of(f"sha256:{text}")
