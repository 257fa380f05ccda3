"""The pure chain: whatever single thing is changed, removed or moved is found, and an untouched chain is clean."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import canonical
from agent.errors import MalformedError
from agent.journal.chain import GENESIS, Problem, check, check_links, payload_hash, read_link


@dataclass(frozen=True)
class Stored:
    """An entry as the chain checker sees it."""

    seq: int
    prev: str
    sha256: str
    kind: str
    run: str | None
    payload: bytes


def statement(seq: int, prev: str, note: str = "") -> bytes:
    return canonical.dumps(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": f"raw/{seq}{note}", "digest": {"sha256": "e" * 64}}],
            "predicate": {
                "kind": "heartbeat",
                "seq": seq,
                "prev": {"sha256": prev},
                "plan": {"sha256": "d" * 64},
                "targets": [{"id": "a", "segment": {"sha256": "c" * 64}}, {"id": "b"}],
            },
        }
    )


def chain_of(length: int) -> list[Stored]:
    found: list[Stored] = []
    prev = GENESIS
    for seq in range(length):
        payload = statement(seq, prev)
        found.append(Stored(seq, prev, payload_hash(payload), "heartbeat", None, payload))
        prev = found[-1].sha256
    return found


LENGTHS = st.integers(1, 12)


@given(LENGTHS)
def test_an_untouched_chain_has_no_problem(length: int) -> None:
    """The checker raises no false alarm, with and without a known head, from any point on."""
    entries = chain_of(length)
    payloads = [entry.payload for entry in entries]
    assert check(entries) == []
    assert check(entries, head=entries[-1].sha256) == []
    for start in range(length):
        assert check_links(payloads[start:], head=entries[-1].sha256) == []
    assert check_links(payloads, whole=True) == []
    assert check([]) == check_links([]) == []
    assert check([], head=GENESIS) == []


@given(LENGTHS, st.data())
def test_any_change_of_one_bit_of_a_payload_is_found(length: int, data: st.DataObject) -> None:
    """One flipped bit anywhere in any payload breaks the chain, the last one included."""
    entries = chain_of(length)
    at = data.draw(st.integers(0, length - 1))
    bit = data.draw(st.integers(0, len(entries[at].payload) * 8 - 1))
    payload = bytearray(entries[at].payload)
    payload[bit // 8] ^= 1 << bit % 8
    changed = [*entries[:at], replace(entries[at], payload=bytes(payload)), *entries[at + 1 :]]
    assert check(changed)
    assert check_links([entry.payload for entry in changed], head=entries[-1].sha256)


@given(LENGTHS, st.data())
def test_a_payload_that_was_replaced_with_its_digest_is_found(length: int, data: st.DataObject) -> None:
    """Rewriting an entry and its digest column breaks the link after it, or the known head."""
    entries = chain_of(length)
    at = data.draw(st.integers(0, length - 1))
    payload = statement(at, entries[at].prev, "-forged")
    forged = replace(entries[at], payload=payload, sha256=payload_hash(payload))
    assert check([*entries[:at], forged, *entries[at + 1 :]], head=entries[-1].sha256)


@given(LENGTHS, st.data())
def test_a_removed_entry_is_found(length: int, data: st.DataObject) -> None:
    """A hole is found; a cut tail is found where the head is known, and only there."""
    entries = chain_of(length)
    at = data.draw(st.integers(0, length - 1))
    rest = entries[:at] + entries[at + 1 :]
    assert check(rest, head=entries[-1].sha256)
    assert bool(check(rest)) == (at < length - 1)


@given(st.integers(2, 12), st.data())
def test_reordered_and_repeated_entries_are_found(length: int, data: st.DataObject) -> None:
    """Two entries that changed places, or one that stands twice, break the chain."""
    entries = chain_of(length)
    first, second = data.draw(st.lists(st.integers(0, length - 1), min_size=2, max_size=2, unique=True))
    moved = list(entries)
    moved[first], moved[second] = moved[second], moved[first]
    assert check(moved)
    assert check_links([entry.payload for entry in moved])
    repeated = list(entries)
    repeated.insert(second, entries[first])
    assert check(repeated)
    assert check_links([entry.payload for entry in repeated])


@pytest.mark.parametrize(
    "change",
    [{"seq": 7}, {"prev": "f" * 64}, {"sha256": "f" * 64}, {"kind": "run"}, {"run": "r"}],
    ids=lambda change: next(iter(change)),
)
def test_a_column_that_differs_from_its_payload_is_found(change: dict[str, object]) -> None:
    """The columns only repeat what was signed; where they do not, the entry is named."""
    entries = chain_of(4)
    entries[2] = replace(entries[2], **change)  # type: ignore[arg-type]
    problems = check(entries)
    assert {problem.seq for problem in problems} == {change.get("seq", 2)}


def test_a_chain_that_does_not_start_with_the_genesis_is_found() -> None:
    """Entry 0 names no predecessor, so that two agents never share a chain."""
    payload = statement(0, "a" * 64)
    assert check_links([payload]) == [Problem(0, "the previous digest is not that of the entry before")]
    assert check_links([chain_of(3)[1].payload]) == []
    assert check_links([chain_of(3)[1].payload], whole=True)


def test_a_link_tells_everything_that_the_statement_names() -> None:
    """Plan and segments count as named, so that their bytes are kept as long as those of subjects."""
    link = read_link(statement(3, "a" * 64))
    assert link.subjects == (("raw/3", "e" * 64),)
    assert link.mentions == {"e" * 64, "d" * 64, "c" * 64}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["predicate", "subject", "seq", "prev", "kind", "run", "targets", "plan", "sha256", "name"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(st.binary(max_size=60) | JSON.map(canonical.dumps))
def test_bytes_that_are_no_statement_are_malformed(payload: bytes) -> None:
    """Whatever bytes are given, reading a link yields a link or our error, and checking never raises."""
    try:
        read_link(payload)
    except MalformedError:
        assert check_links([payload]) != []
    assert isinstance(check_links([payload, payload]), list)


@given(st.sampled_from(["seq", "prev", "kind", "subject", "run", "targets", "plan"]), JSON)
def test_members_of_another_form_are_malformed(name: str, value: canonical.Json) -> None:
    """One member of the wrong form is refused, or leaves the others as they were."""
    document = canonical.loads(statement(1, "a" * 64))
    (document if name == "subject" else document["predicate"])[name] = value
    try:
        link = read_link(canonical.dumps(document))
    except MalformedError:
        return
    assert link.seq == (value if name == "seq" else 1)
