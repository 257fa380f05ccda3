"""Base64 with one spelling per value: standard alphabet, padded, no stray bits (RFC 4648 section 4 and 3.5).

Envelopes, notes and proofs are compared and mutated as text by strangers. A decoder that takes several spellings of
the same bytes would let a receipt be altered without anybody noticing.
"""

from __future__ import annotations

import base64
import binascii

from agent.errors import MalformedError

__all__ = ["decode", "encode"]


def encode(data: bytes) -> str:
    """Return standard base64 with padding."""
    return base64.b64encode(data).decode("ascii")


def decode(text: str, *, where: str = "") -> bytes:
    """Return the bytes that the text spells.

    Raises:
        MalformedError: the text is not the one standard spelling of some bytes.
    """
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise MalformedError("not standard base64 with padding", where=where) from error
    if encode(data) != text:
        raise MalformedError("not standard base64 with padding", where=where)
    return data
