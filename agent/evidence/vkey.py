"""Verifier keys of signed notes: a name, a signature type and a public key, in one line of text (C2SP signed-note).

    key ID = SHA-256(name || 0x0A || type || public key)[:4]      vkey = name + hex(key ID) + base64(type || public key)

This module does no I/O.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol

from agent.errors import MalformedError
from agent.evidence import base64text

__all__ = [
    "COSIGNATURE",
    "ED25519",
    "Ed25519Signer",
    "VerifierKey",
    "check_name",
    "parse_vkey",
]

ED25519 = 0x01
"""Signature type of a plain Ed25519 note signature."""
COSIGNATURE = 0x04
"""Signature type of a timestamped Ed25519 checkpoint cosignature, cosignature/v1."""

MAX_NAME_CHARACTERS = 200


class Ed25519Signer(Protocol):
    """A key that signs notes (`keys.LogSigner`)."""

    @property
    def public(self) -> bytes:
        """Return the 32 bytes of the public key."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature."""
        ...


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A name, a signature type and an Ed25519 public key: who may sign a note, and how."""

    name: str
    kind: int
    public: bytes

    def __post_init__(self) -> None:
        _check_key(self.name, self.kind, self.public)

    @property
    def key_id(self) -> bytes:
        """Return the four bytes that name the key in signature lines."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    def text(self) -> str:
        """Return the vkey text."""
        return f"{self.name}+{self.key_id.hex()}+{base64text.encode(bytes([self.kind]) + self.public)}"


def parse_vkey(text: str, *, where: str = "") -> VerifierKey:
    """Read a vkey text.

    Raises:
        MalformedError: not of that form, of an unknown type, or the key ID does not belong to the key.
    """
    # Base64 may hold '+', names and hex may not: split from the left.
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise MalformedError("a verifier key has the form name+id+key", where=where)
    material = base64text.decode(parts[2], where=where)
    name, kind, public = parts[0], material[0] if material else 0, material[1:]
    _check_key(name, kind, public, where=where)
    key = VerifierKey(name, kind, public)
    if key.key_id.hex() != parts[1]:
        raise MalformedError("the ID in the verifier key of {name} is not that of its key", where=where, name=key.name)
    return key


def check_name(name: str, *, where: str = "") -> None:
    """Refuse a key name that a note cannot carry.

    Raises:
        MalformedError: it is empty, too long, or holds white space, control characters or '+'.
    """
    if not 1 <= len(name) <= MAX_NAME_CHARACTERS or not name.isprintable() or "+" in name or len(name.split()) != 1:
        raise MalformedError(
            "a key name is 1 to {limit} characters without spaces and '+'", where=where, limit=MAX_NAME_CHARACTERS
        )


def _check_key(name: str, kind: int, public: bytes, *, where: str = "") -> None:
    check_name(name, where=where)
    if kind not in (ED25519, COSIGNATURE) or len(public) != 32:
        raise MalformedError("the verifier key of {name} is not an Ed25519 key of a known type", where=where, name=name)
