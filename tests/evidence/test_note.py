"""Signed notes, checkpoints and receipts: the published examples, every reason to refuse, every flipped bit."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.canonical import digest
from agent.errors import AgentError, MalformedError, VerificationError
from agent.evidence import base64text, note, tlog, vkey
from agent.model.evidence import DigestSet, Leaf

if TYPE_CHECKING:
    from pathlib import Path

    from tests.evidence.world import World

PAYLOAD = b'{"statement":1}'


@pytest.fixture(scope="module")
def receipt(world: World) -> bytes:
    """A receipt for PAYLOAD in a log of five entries, cosigned by the witness."""
    return world.receipts([PAYLOAD], cosigned=True)[0]


def test_published_note(vectors: Path) -> None:
    """The specification's example note opens with its example key, and the key writes itself the same way."""
    vector = json.loads((vectors / "c2sp-signed-note.json").read_text())
    key = note.parse_vkey(vector["vkey"])
    assert key.text() == vector["vkey"]
    text, signatures = note.open_note(vector["note"].encode(), [key])
    assert text == vector["text"]
    assert [one.key for one in signatures] == [key]


def test_unknown_signatures_are_ignored(world: World) -> None:
    """A note with signatures by unknown keys opens by the known one; without a known one it does not."""
    text = "hello\n\nworld\n"
    signed = f"{text}\n{note.sign(text, 'other.example', world.witness)}{note.sign(text, 'log.example', world.log)}"
    key = note.VerifierKey("log.example", note.ED25519, world.log.public)
    assert note.open_note(signed.encode(), [key])[0] == text
    with pytest.raises(VerificationError, match="no trusted key"):
        note.open_note(signed.encode(), [world.witness_key])


def test_one_bad_signature_of_a_known_key_rejects(world: World) -> None:
    """A note is refused if a known key's signature does not hold, even if another one's does."""
    text = "hello\n"
    log = note.VerifierKey("log.example", note.ED25519, world.log.public)
    other = note.VerifierKey("other.example", note.ED25519, world.witness.public)
    bad = f"\u2014 other.example {base64text.encode(other.key_id + bytes(64))}\n"
    short = f"\u2014 other.example {base64text.encode(other.key_id + bytes(3))}\n"
    for line in (bad, short):
        signed = f"{text}\n{note.sign(text, 'log.example', world.log)}{line}".encode()
        assert note.open_note(signed, [log])[0] == text
        with pytest.raises(VerificationError, match=r"other\.example does not hold"):
            note.open_note(signed, [log, other])


def test_cosignature_binds_its_time(world: World) -> None:
    """A cosignature/v1 carries a time that is covered by the signature."""
    checkpoint = note.Checkpoint("log.example", 3, bytes(32))
    line = note.cosign(checkpoint.text(), world.witness_key.name, world.witness, 1_679_315_147)
    signed = checkpoint.signed(world.log) + line
    _, (one,) = note.open_note(signed.encode(), [world.witness_key])
    assert one == note.Cosigned(world.witness_key, 1_679_315_147)
    blob = bytearray(base64text.decode(line.split(" ")[2].strip()))
    blob[11] ^= 1
    late = checkpoint.signed(world.log) + f"\u2014 {world.witness_key.name} {base64text.encode(bytes(blob))}\n"
    with pytest.raises(VerificationError):
        note.open_note(late.encode(), [world.witness_key])
    with pytest.raises(MalformedError):
        note.cosign(checkpoint.text(), "w.example", world.witness, -1)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text\n",
        b"text\n\n",
        b"\xff\n\n\xe2\x80\x94 a AAAAAAA=\n",
        "te\txt\n\n\u2014 a AAAAAAA=\n".encode(),
        "text\r\n\r\n\u2014 a AAAAAAA=\r\n".encode(),
        "text\n\n\u2014 a AAAAAAA=".encode(),
        b"text\n\n- a AAAAAAA=\n",
        "text\n\n\u2014 a b AAAAAAA=\n".encode(),
        "text\n\n\u2014  AAAAAAA=\n".encode(),
        "text\n\n\u2014 a+b AAAAAAA=\n".encode(),
        "text\n\n\u2014 a\u00a0b AAAAAAA=\n".encode(),
        "text\n\n\u2014 a AAAA\n".encode(),
        "text\n\n\u2014 a AAAAAAB=\n".encode(),
        b"text\n\n" + "\u2014 a AAAAAAA=\n".encode() * (note.MAX_NOTE_SIGNATURES + 1),
        b"x" * (note.MAX_NOTE_BYTES + 1),
    ],
)
def test_malformed_notes(data: bytes) -> None:
    """Whatever is not exactly a signed note is refused as malformed."""
    with pytest.raises(MalformedError):
        note.parse_note(data)
    assert note.parse_note(b"text\n\n" + "\u2014 a AAAAAAA=\n".encode() * 16).text == "text\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+530d903a",
        "name+530d903a+AA==",
        "na me+00000000+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/bar+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+BukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\n",
        "\ud800+530d903a+AA==",
    ],
)
def test_malformed_vkeys(text: str) -> None:
    """A key text with another form, type, name or ID than its key's is refused, with the place where it stands."""
    with pytest.raises(MalformedError) as caught:
        note.parse_vkey(text, where="log.vkey")
    assert caught.value.where == "log.vkey"


def test_base64_plus_in_a_vkey() -> None:
    """A '+' inside the base64 of a key does not confuse its parts."""
    key = note.VerifierKey("log.example", note.ED25519, b"\xef\xbe" + b"\xfb\xef\xbe" * 10)
    assert "+" in key.text().split("+", 2)[2]
    assert note.parse_vkey(key.text()) == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "origin\n1\n",
        "origin\n01\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        "origin\n-1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        "origin\n٣\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        "origin\n1\nAAAA\n",
        "\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        "origin\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "origin\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n",
    ],
)
def test_malformed_checkpoints(text: str) -> None:
    """A text that is not a checkpoint is refused as malformed."""
    with pytest.raises(MalformedError):
        note.parse_checkpoint(text)


def test_checkpoint_round_trip() -> None:
    """A checkpoint is read back as it was written, extension lines included."""
    checkpoint = note.Checkpoint("origin with spaces", 0, tlog.EMPTY_ROOT, ("extension",))
    assert note.parse_checkpoint(checkpoint.text()) == checkpoint


def test_good_receipt(world: World, receipt: bytes) -> None:
    """A receipt gives back what the log recorded, and who vouches for its head."""
    leaf = note.verify_receipt(receipt, digest(PAYLOAD), world.log_key.text(), witnesses=[world.witness_key.text()])
    assert leaf.statement.digest() == digest(PAYLOAD)
    opened = note.open_receipt(receipt, digest(PAYLOAD), world.log_key, witnesses=[world.witness_key])
    assert (opened.index, opened.checkpoint.size, opened.leaf) == (3, 5, leaf)
    assert [one.at for one in opened.signatures] == [None, 1_795_300_503]
    assert note.parse_proof(receipt).to_bytes() == receipt


def test_receipt_without_path(world: World) -> None:
    """In a log of one entry the proof has no hashes."""
    leaf = Leaf(
        agent="a",
        keyid="0" * 64,
        seq=0,
        received="2026-11-22T12:00:00Z",
        statement=DigestSet(sha256=digest(PAYLOAD)[7:]),
    ).to_bytes()
    checkpoint = note.Checkpoint(world.log_key.name, 1, tlog.leaf_hash(leaf))
    proof = note.TlogProof(0, (), checkpoint.signed(world.log), leaf).to_bytes()
    assert note.verify_receipt(proof, digest(PAYLOAD), world.log_key.text()).seq == 0


def remade(receipt: bytes, **change: Any) -> bytes:
    return replace(note.parse_proof(receipt), **change).to_bytes()


def test_each_failure_says_what_it_is(world: World, receipt: bytes) -> None:
    """Every way in which a receipt does not hold has its own text."""
    proof = note.parse_proof(receipt)
    text = note.parse_note(proof.checkpoint.encode()).text
    checkpoint = note.parse_checkpoint(text)
    other_log = note.VerifierKey("other.example/log", note.ED25519, world.log.public)
    other_key = note.VerifierKey(world.log_key.name, note.ED25519, world.witness.public)
    forged = replace(checkpoint, root=bytes(32)).text() + proof.checkpoint[len(text) :]
    leaf = Leaf.from_bytes(proof.extra or b"")
    of_another = remade(receipt, extra=leaf.model_copy(update={"agent": "agent-2"}).to_bytes())
    cases: list[tuple[str, bytes, str, note.VerifierKey]] = [
        ("the log 'evidence", receipt, digest(PAYLOAD), other_log),
        ("no trusted key signed", receipt, digest(PAYLOAD), other_key),
        ("signature of evidence", remade(receipt, checkpoint=forged), digest(PAYLOAD), world.log_key),
        ("another statement", receipt, digest(b"other"), world.log_key),
        ("does not hold this leaf", of_another, digest(PAYLOAD), world.log_key),
        ("does not hold this leaf", remade(receipt, index=4), digest(PAYLOAD), world.log_key),
        ("does not hold this leaf", remade(receipt, path=proof.path[1:]), digest(PAYLOAD), world.log_key),
        ("malformed", receipt[:-1], digest(PAYLOAD), world.log_key),
        ("malformed", remade(receipt, extra=None), digest(PAYLOAD), world.log_key),
        ("malformed", remade(receipt, extra=b"{}"), digest(PAYLOAD), world.log_key),
        ("malformed", b"", digest(PAYLOAD), world.log_key),
        ("malformed", b"HTTP/1.1 200 OK\r\n\r\n", digest(PAYLOAD), world.log_key),
    ]
    for expected, data, payload_digest, key in cases:
        with pytest.raises(VerificationError, match=expected) as caught:
            note.open_receipt(data, payload_digest, key, where="receipt")
        assert str(caught.value).startswith("receipt: ")


def test_witnesses(world: World, receipt: bytes) -> None:
    """A required witness that did not cosign rejects the receipt; a quorum may be smaller than the list."""
    silent = note.VerifierKey("silent.example", note.COSIGNATURE, world.log.public)
    uncosigned = world.receipts([PAYLOAD])[0]
    with pytest.raises(VerificationError, match="0 of 1 witnesses"):
        note.open_receipt(uncosigned, digest(PAYLOAD), world.log_key, witnesses=[world.witness_key])
    with pytest.raises(VerificationError, match="1 of 2 witnesses"):
        note.open_receipt(receipt, digest(PAYLOAD), world.log_key, witnesses=[world.witness_key, silent])
    note.open_receipt(receipt, digest(PAYLOAD), world.log_key, witnesses=[world.witness_key, silent], quorum=1)


def test_a_witness_alone_is_not_the_log(world: World) -> None:
    """A checkpoint that only the witness signed is no receipt."""
    leaf = Leaf(
        agent="a",
        keyid="0" * 64,
        seq=0,
        received="2026-11-22T12:00:00Z",
        statement=DigestSet(sha256=digest(PAYLOAD)[7:]),
    ).to_bytes()
    text = note.Checkpoint(world.log_key.name, 1, tlog.leaf_hash(leaf)).text()
    signed = f"{text}\n{note.cosign(text, world.witness_key.name, world.witness, 1)}"
    proof = note.TlogProof(0, (), signed, leaf).to_bytes()
    with pytest.raises(VerificationError, match="not signed by the log"):
        note.open_receipt(proof, digest(PAYLOAD), world.log_key, witnesses=[world.witness_key])


def test_every_flipped_bit_of_a_receipt_fails(world: World, receipt: bytes) -> None:
    """No single bit of a receipt can be changed without it being refused."""
    for position in range(len(receipt)):
        for bit in range(8):
            changed = bytearray(receipt)
            changed[position] ^= 1 << bit
            with pytest.raises(VerificationError):
                note.open_receipt(bytes(changed), digest(PAYLOAD), world.log_key, witnesses=[world.witness_key])


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=400) | st.text(max_size=400).map(lambda text: text.encode(errors="replace")))
def test_arbitrary_bytes_never_leak_other_errors(data: bytes) -> None:
    """Whatever arrives as a note, proof, checkpoint or key text raises only our errors."""
    for read in (
        note.parse_note,
        note.parse_proof,
        lambda data: note.parse_proof(b"c2sp.org/tlog-proof@v1\n" + data),
        lambda data: note.parse_checkpoint(data.decode(errors="replace")),
        lambda data: vkey.parse_vkey(data.decode(errors="replace")),
    ):
        with suppress(AgentError):
            read(data)
