"""How byte strings lie in the database: deflated where that is shorter; what comes out is what went in.

Hex-coded answers shrink to a quarter. An envelope repeats its payload in base64, so it is deflated with that text as
the preset dictionary (RFC 1950 §2.2) and costs little more than its signatures.
"""

from __future__ import annotations

import base64
import zlib

from agent.errors import JournalError

__all__ = ["PLAIN_TAG", "pack", "pack_envelope", "unpack", "unpack_envelope"]

PLAIN_TAG, _DEFLATED_TAG = b"=", b"z"
"""The first octet of a stored form: what follows is as it was put in, or deflated."""
_LEVEL = 6
_DAMAGED = "a stored value is damaged: {why}"
_KEEP = "stop campus-agent and salvage this directory; entries with a receipt are safe at the backend"


def pack(data: bytes, *, dictionary: bytes = b"") -> bytes:
    """Return the stored form: one octet that names the form, then the bytes."""
    deflate = zlib.compressobj(_LEVEL, zdict=dictionary)
    short = deflate.compress(data) + deflate.flush()
    return _DEFLATED_TAG + short if len(short) < len(data) else PLAIN_TAG + data


def unpack(stored: bytes, *, dictionary: bytes = b"", where: str = "") -> bytes:
    """Return the bytes that were packed.

    Raises:
        JournalError: the stored form is damaged.
    """
    if stored[:1] == PLAIN_TAG:
        return stored[1:]
    try:
        inflate = zlib.decompressobj(zdict=dictionary)
        data = inflate.decompress(stored[1:]) + inflate.flush()
    except zlib.error as error:
        raise JournalError(_DAMAGED, where=where, todo=_KEEP, why=str(error)) from error
    if stored[:1] != _DEFLATED_TAG or not inflate.eof:
        raise JournalError(_DAMAGED, where=where, todo=_KEEP, why="cut short or of unknown form")
    return data


def pack_envelope(envelope: bytes, payload: bytes) -> bytes:
    """Return the stored form of an envelope around that payload."""
    return pack(envelope, dictionary=base64.b64encode(payload))


def unpack_envelope(stored: bytes, payload: bytes, *, where: str = "") -> bytes:
    """Return the envelope.

    Raises:
        JournalError: the stored form is damaged, or the payload is another one.
    """
    return unpack(stored, dictionary=base64.b64encode(payload), where=where)
