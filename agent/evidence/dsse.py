"""DSSE 1.0.2 envelopes: exact bytes and their type, signed together.

    PAE      = "DSSEv1" SP len(type) SP type SP len(payload) SP payload      (lengths of bytes, ASCII decimal)
    envelope = {"payload": base64, "payloadType": type, "signatures": [{"keyid": hex, "sig": base64 DER ECDSA}]}

A verifier uses the bytes it verified and never parses the envelope again. The identity of what is signed is the
digest of the payload: an envelope can be changed without the key (ECDSA s becomes n-s, another keyid) and still hold.
Source: secure-systems-lab/dsse, protocol.md and envelope.md, version 1.0.2. This module does no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from agent import canonical
from agent.errors import MalformedError, VerificationError
from agent.evidence import base64text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agent.canonical import Json

__all__ = [
    "CHALLENGE_PAYLOAD_TYPE",
    "MAX_ENVELOPE_BYTES",
    "MAX_SIGNATURES",
    "STATEMENT_PAYLOAD_TYPE",
    "Envelope",
    "Signature",
    "envelope_bytes",
    "pae",
    "parse",
    "payload_digest",
    "verified_by",
    "verify",
]

STATEMENT_PAYLOAD_TYPE = "application/vnd.in-toto+json"
CHALLENGE_PAYLOAD_TYPE = "application/vnd.campus-agent.challenge+json"

MAX_ENVELOPE_BYTES = 16 * 1024 * 1024
"""A bound for reading what anybody sends. What a backend takes is less (`agent.model.upload.MAX_STATEMENT_BYTES`)."""
MAX_SIGNATURES = 16
"""Several algorithms and a key rotation need two or three; each one costs a verification per key."""
MAX_SIGNATURE_BYTES = 8 * 1024
"""The largest signature in sight (post-quantum) is under 5 kB."""
MAX_HINT_CHARACTERS = 256
"""For keyid and payloadType."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature of an envelope; `keyid` is an unauthenticated hint, empty if absent."""

    keyid: str
    sig: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """A parsed envelope. The payload is untrusted until `verify` returned it."""

    payload: bytes
    payload_type: str
    signatures: tuple[Signature, ...]


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return the bytes that are signed (pre-authentication encoding)."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def envelope_bytes(payload: bytes, payload_type: str, signatures: Sequence[Signature]) -> bytes:
    """Return the envelope as canonical JSON.

    Raises:
        MalformedError: there is no signature, or the result passes a size cap.
    """
    data = canonical.dumps(
        {
            "payload": base64text.encode(payload),
            "payloadType": payload_type,
            "signatures": [{"keyid": one.keyid, "sig": base64text.encode(one.sig)} for one in signatures],
        }
    )
    parse(data)  # what this program writes, this program must be able to read
    return data


def parse(data: bytes, *, where: str = "") -> Envelope:
    """Read an envelope strictly; nothing is verified yet.

    Raises:
        MalformedError: not such JSON, an unknown or missing key, not standard base64, or a size cap passed.
    """
    if len(data) > MAX_ENVELOPE_BYTES:
        raise MalformedError("the envelope has {size} bytes, more than {limit}", where=where, size=len(data),
                             limit=MAX_ENVELOPE_BYTES)  # fmt: skip
    value = _object(canonical.loads(data, where=where), {"payload", "payloadType", "signatures"}, set(), where)
    signatures = value["signatures"]
    if not isinstance(signatures, list) or not 1 <= len(signatures) <= MAX_SIGNATURES:
        raise MalformedError("the envelope needs 1 to {limit} signatures", where=where, limit=MAX_SIGNATURES)
    return Envelope(
        payload=base64text.decode(_text(value["payload"], "payload", where), where=where),
        payload_type=_hint(value["payloadType"], "payloadType", where),
        signatures=tuple(_signature(one, where) for one in signatures),
    )


def payload_digest(envelope: Envelope) -> str:
    """Return the identity of what the envelope carries: ``sha256:<hex>`` of the payload bytes."""
    return canonical.digest(envelope.payload)


def verified_by(
    envelope: Envelope,
    keys: Mapping[str, EllipticCurvePublicKey],
    *,
    payload_type: str = STATEMENT_PAYLOAD_TYPE,
    where: str = "",
) -> tuple[str, ...]:
    """Return the keyids (of `keys`, not of the envelope) whose signature over type and payload holds; at least one.

    Args:
        envelope: what was parsed.
        keys: trusted ECDSA P-256 keys by keyid (`keys.keyid_of`). The keyid in the envelope only decides which is
            tried first.
        payload_type: the only type that is accepted.
        where: file or URL for the error.

    Raises:
        VerificationError: another payload type, or no signature by any of the keys.
    """
    if envelope.payload_type != payload_type:
        raise VerificationError(
            "the payload type is {found!r}, not {expected!r}",
            where=where,
            todo="This file is something else than its place says; get the original file",
            found=envelope.payload_type,
            expected=payload_type,
        )
    message = pae(envelope.payload_type, envelope.payload)
    found = tuple(dict.fromkeys(_signers(envelope.signatures, keys, message)))
    if not found:
        raise VerificationError(
            "no signature of the envelope was made by a trusted key",
            where=where,
            todo="The content was changed after signing, or it was signed by another key; check the trusted key",
        )
    return found


def verify(
    envelope: Envelope,
    keys: Mapping[str, EllipticCurvePublicKey],
    *,
    payload_type: str = STATEMENT_PAYLOAD_TYPE,
    where: str = "",
) -> bytes:
    """Return the payload after its signature was verified; use these bytes and no others.

    Arguments and errors as for `verified_by`.
    """
    verified_by(envelope, keys, payload_type=payload_type, where=where)
    return envelope.payload


def _signers(
    signatures: Sequence[Signature], keys: Mapping[str, EllipticCurvePublicKey], message: bytes
) -> Iterator[str]:
    for signature in signatures:
        for keyid in sorted(keys, key=lambda keyid: keyid != signature.keyid):
            try:
                keys[keyid].verify(signature.sig, message, ECDSA(SHA256()))
            except InvalidSignature:
                continue
            yield keyid
            break


def _signature(value: Json, where: str) -> Signature:
    one = _object(value, {"sig"}, {"keyid"}, where)
    sig = base64text.decode(_text(one["sig"], "sig", where), where=where)
    if not 1 <= len(sig) <= MAX_SIGNATURE_BYTES:
        raise MalformedError("a signature has 1 to {limit} bytes", where=where, limit=MAX_SIGNATURE_BYTES)
    return Signature(keyid=_hint(one.get("keyid", ""), "keyid", where), sig=sig)


def _object(value: Json, required: set[str], optional: set[str], where: str) -> dict[str, Json]:
    if not isinstance(value, dict) or not required <= set(value) <= required | optional:
        raise MalformedError(
            "an envelope part needs exactly the keys {keys}", where=where, keys=", ".join(sorted(required | optional))
        )
    return value


def _hint(value: Json, name: str, where: str) -> str:
    text = _text(value, name, where)
    if len(text) > MAX_HINT_CHARACTERS or not text.isascii():
        raise MalformedError("{name} is longer than {limit} ASCII characters", where=where, name=name,
                             limit=MAX_HINT_CHARACTERS)  # fmt: skip
    return text


def _text(value: Json, name: str, where: str) -> str:
    if not isinstance(value, str):
        raise MalformedError("{name} is not a text", where=where, name=name)
    return value
