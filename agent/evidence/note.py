"""Signed notes, checkpoints and receipts: how the log says what it holds (C2SP).

    evidence.example.edu/log                       origin
    1000                                           tree size
    NGxrnLicS3b6ydyyDNqG46AcCldBfBOQKOrNRTj96Vs=   root hash
                                                   (empty line)
    — evidence.example.edu/log eMe8oBSS…           em dash, key name, base64(key ID[4] || signature)

A receipt is a tlog-proof: index, audit path and a checkpoint; its `extra` line carries the canonical bytes of the
`Leaf`, which mean nothing until their hash is proven to be in the tree. Sources: C2SP signed-note,
tlog-checkpoint, tlog-cosignature, tlog-proof. This module does no I/O.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from agent.errors import MalformedError, VerificationError
from agent.evidence import base64text, tlog
from agent.evidence.vkey import COSIGNATURE, ED25519, Ed25519Signer, VerifierKey, check_name, parse_vkey
from agent.model.evidence import Leaf

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "COSIGNATURE",
    "ED25519",
    "Checkpoint",
    "Cosigned",
    "Ed25519Signer",
    "Note",
    "NoteSignature",
    "Receipt",
    "TlogProof",
    "VerifierKey",
    "cosign",
    "open_note",
    "open_receipt",
    "parse_checkpoint",
    "parse_note",
    "parse_proof",
    "parse_vkey",
    "sign",
    "verify_receipt",
]

MAX_NOTE_BYTES = 256 * 1024
MAX_NOTE_SIGNATURES = 32
"""C2SP asks verifiers to take at least 16 and to have a limit."""
MAX_PROOF_HASHES = 63
"""An audit path has one hash per level; a tree has under 2^63 leaves."""
MAX_EXTRA_BYTES = 16 * 1024
"""A leaf has about 300 bytes."""

_PROOF_HEADER = "c2sp.org/tlog-proof@v1"
_DASH = "\u2014 "
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


# --- notes --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """A signature line: who says to have signed, and the bytes."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A parsed note. The text, which ends in a newline, is untrusted until `open_note` returned it."""

    text: str
    signatures: tuple[NoteSignature, ...]


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A signature that holds: whose, and when it was made (POSIX seconds; None where the type has no time)."""

    key: VerifierKey
    at: int | None


def sign(text: str, name: str, signer: Ed25519Signer) -> str:
    """Return the signature line of a plain Ed25519 signature over the note text."""
    _check_text(text)
    key = VerifierKey(name, ED25519, signer.public)
    return _line(key, signer.sign(text.encode()))


def cosign(text: str, name: str, signer: Ed25519Signer, at: int) -> str:
    """Return the signature line of a cosignature/v1 over a checkpoint's text at that POSIX time in seconds."""
    _check_text(text)
    key = VerifierKey(name, COSIGNATURE, signer.public)
    if not 0 <= at < 1 << 63:
        raise MalformedError("{at} is not a time that a cosignature can hold", at=at)
    return _line(key, at.to_bytes(8, "big") + signer.sign(_cosigned(text, at)))


def parse_note(data: bytes, *, where: str = "") -> Note:
    """Read a note; nothing is verified yet.

    Raises:
        MalformedError: not a signed note, or a size cap passed.
    """
    if len(data) > MAX_NOTE_BYTES:
        raise MalformedError("the note is longer than {limit} bytes", where=where, limit=MAX_NOTE_BYTES)
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedError("the note is not UTF-8", where=where) from error
    if _CONTROL.search(whole) or not whole.endswith("\n"):
        raise MalformedError("the note has control characters or no final newline", where=where)
    text, blank, rest = whole.rpartition("\n\n")
    lines = rest.split("\n")[:-1]
    if not blank or not 1 <= len(lines) <= MAX_NOTE_SIGNATURES:
        raise MalformedError("a note is a text, an empty line and 1 to {limit} signatures", where=where,
                             limit=MAX_NOTE_SIGNATURES)  # fmt: skip
    return Note(text + "\n", tuple(_signature_line(line, where) for line in lines))


def open_note(data: bytes, keys: Sequence[VerifierKey], *, where: str = "") -> tuple[str, tuple[Cosigned, ...]]:
    """Return the text of a note and the known keys that signed it, at least one.

    Signatures by unknown keys are ignored; one bad signature by a known key rejects the note.

    Raises:
        MalformedError: not a signed note.
        VerificationError: a known key's signature does not hold, or there is none.
    """
    note = parse_note(data, where=where)
    known = {(key.name, key.key_id): key for key in keys}
    found: dict[VerifierKey, Cosigned] = {}
    for line in note.signatures:
        key = known.get((line.name, line.key_id))
        if key is not None:
            found.setdefault(key, Cosigned(key, _verify_line(note.text, line, key, where)))
    if not found:
        raise VerificationError(
            "no trusted key signed the note",
            where=where,
            todo="Check the trusted key of the log",
        )
    return note.text, tuple(found.values())


def _verify_line(text: str, line: NoteSignature, key: VerifierKey, where: str) -> int | None:
    at, signature, message = None, line.signature, text.encode()
    if key.kind == COSIGNATURE:
        at, signature = int.from_bytes(signature[:8], "big"), signature[8:]
        message = _cosigned(text, at)
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message)
    except (InvalidSignature, ValueError) as error:
        raise VerificationError("the signature of {name} does not hold", where=where, name=key.name) from error
    return at


def _cosigned(text: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def _line(key: VerifierKey, signature: bytes) -> str:
    return f"{_DASH}{key.name} {base64text.encode(key.key_id + signature)}\n"


def _signature_line(line: str, where: str) -> NoteSignature:
    parts = line.removeprefix(_DASH).split(" ")
    if not line.startswith(_DASH) or len(parts) != 2:
        raise MalformedError("a signature line is an em dash, a name and base64", where=where)
    check_name(parts[0], where=where)
    data = base64text.decode(parts[1], where=where)
    if len(data) < 5:
        raise MalformedError("a note signature is too short", where=where)
    return NoteSignature(parts[0], data[:4], data[4:])


def _check_text(text: str) -> None:
    if not text.endswith("\n") or _CONTROL.search(text):
        raise MalformedError("a note text ends with a newline and has no other control characters")


# --- checkpoints --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log: origin, number of leaves, root hash."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        """Return the note text."""
        lines = (self.origin, str(self.size), base64text.encode(self.root), *self.extensions)
        return "".join(line + "\n" for line in lines)

    def signed(self, signer: Ed25519Signer) -> str:
        """Return the whole note, signed by the log under its origin."""
        return f"{self.text()}\n{sign(self.text(), self.origin, signer)}"


def parse_checkpoint(text: str, *, where: str = "") -> Checkpoint:
    """Read the text of a checkpoint (the note without its signatures).

    Raises:
        MalformedError: not a checkpoint.
    """
    lines = text.split("\n")
    if len(lines) < 4 or lines.pop() or not all(lines):
        raise MalformedError("a checkpoint has at least three lines, none empty", where=where)
    return Checkpoint(lines[0], _number(lines[1], where), _hash(lines[2], where), tuple(lines[3:]))


# --- receipts -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TlogProof:
    """A tlog-proof: leaf index, audit path (leaf level first), the checkpoint verbatim, unauthenticated extra data."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None

    def to_bytes(self) -> bytes:
        """Return the file."""
        extra = "" if self.extra is None else f"extra {base64text.encode(self.extra)}\n"
        path = "".join(base64text.encode(one) + "\n" for one in self.path)
        return f"{_PROOF_HEADER}\n{extra}index {self.index}\n{path}\n{self.checkpoint}".encode()


@dataclass(frozen=True, slots=True)
class Receipt:
    """A verified receipt: what was logged, where, under which head, and who vouches for the head."""

    leaf: Leaf
    index: int
    checkpoint: Checkpoint
    signatures: tuple[Cosigned, ...]


def parse_proof(data: bytes, *, where: str = "") -> TlogProof:
    """Read a tlog-proof; nothing is verified yet.

    Raises:
        MalformedError: not of that form, or a size cap passed.
    """
    if len(data) > MAX_NOTE_BYTES:
        raise MalformedError("the proof is longer than {limit} bytes", where=where, limit=MAX_NOTE_BYTES)
    try:
        head, blank, checkpoint = data.decode("utf-8").partition("\n\n")
    except UnicodeDecodeError as error:
        raise MalformedError("the proof is not UTF-8", where=where) from error
    lines = head.split("\n")
    if not blank or lines.pop(0) != _PROOF_HEADER:
        raise MalformedError("not a tlog-proof of version 1", where=where)
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = base64text.decode(lines.pop(0).removeprefix("extra "), where=where)
        if len(extra) > MAX_EXTRA_BYTES:
            raise MalformedError("the extra line holds more than {limit} bytes", where=where, limit=MAX_EXTRA_BYTES)
    if not lines or not lines[0].startswith("index ") or len(lines) > MAX_PROOF_HASHES + 1:
        raise MalformedError("the proof has no index, or too many hashes", where=where)
    index = _number(lines.pop(0).removeprefix("index "), where)
    parse_note(checkpoint.encode(), where=where)
    return TlogProof(index, tuple(_hash(line, where) for line in lines), checkpoint, extra)


def open_receipt(
    proof: bytes,
    payload_digest: str,
    log: VerifierKey,
    *,
    witnesses: Sequence[VerifierKey] = (),
    quorum: int | None = None,
    where: str = "",
) -> Receipt:
    """Verify a receipt: this log holds a leaf that names this statement.

    Args:
        proof: the tlog-proof file.
        payload_digest: ``sha256:<hex>`` of the statement's payload (`dsse.payload_digest`).
        log: the trusted key; its name is the only origin that is accepted.
        witnesses: trusted cosigners; a bad signature by any of them rejects the receipt.
        quorum: how many witnesses must have cosigned; None: all of them.
        where: file or URL for the error.

    Raises:
        VerificationError: with another text for each reason.
    """
    try:
        parsed = parse_proof(proof)
        leaf = Leaf.from_bytes(parsed.extra or b"")
        checkpoint, signatures = _open_checkpoint(parsed.checkpoint, log, witnesses, where)
    except MalformedError as error:
        raise VerificationError("the receipt is malformed: {why}", where=where, why=error) from error
    needed = len(witnesses) if quorum is None else quorum
    cosigned = len({one.key for one in signatures} & set(witnesses))
    if cosigned < needed:
        raise VerificationError(
            "{found} of {needed} witnesses cosigned the checkpoint", where=where, found=cosigned, needed=needed
        )
    if leaf.statement.digest() != payload_digest:
        raise VerificationError(
            "the receipt is for another statement, {found}", where=where, found=leaf.statement.digest()
        )
    try:
        tlog.verify_inclusion(
            tlog.leaf_hash(parsed.extra or b""), parsed.index, checkpoint.size, parsed.path, checkpoint.root
        )
    except VerificationError as error:
        raise VerificationError("the log does not hold this leaf: {why}", where=where, why=error) from error
    return Receipt(leaf, parsed.index, checkpoint, signatures)


def _open_checkpoint(
    signed: str, log: VerifierKey, witnesses: Sequence[VerifierKey], where: str
) -> tuple[Checkpoint, tuple[Cosigned, ...]]:
    """Return the checkpoint once its origin is accepted and the log's own signature holds."""
    data = signed.encode()
    origin = parse_checkpoint(parse_note(data).text).origin
    if origin != log.name:
        raise VerificationError(
            "the receipt is of the log {found!r}, not of {expected!r}", where=where, found=origin, expected=log.name
        )
    text, signatures = open_note(data, (log, *witnesses), where=where)
    if log not in {one.key for one in signatures}:
        raise VerificationError("the checkpoint is not signed by the log {name}", where=where, name=log.name)
    return parse_checkpoint(text), signatures


def verify_receipt(
    proof: bytes,
    payload_digest: str,
    log_vkey: str,
    *,
    witnesses: Sequence[str] = (),
    where: str = "",
) -> Leaf:
    """Return the leaf that a receipt proves, with keys as vkey texts; arguments and errors as for `open_receipt`.

    Raises:
        VerificationError: the receipt does not hold.
        MalformedError: a vkey text is not one.
    """
    log, *others = (parse_vkey(text, where=where) for text in (log_vkey, *witnesses))
    return open_receipt(proof, payload_digest, log, witnesses=others, where=where).leaf


def _number(text: str, where: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise MalformedError("not a decimal number without leading zeros", where=where)
    return int(text)


def _hash(text: str, where: str) -> bytes:
    data = base64text.decode(text, where=where)
    if len(data) != tlog.HASH_BYTES:
        raise MalformedError("a hash has {expected} bytes, not {found}", where=where, expected=tlog.HASH_BYTES,
                             found=len(data))  # fmt: skip
    return data
