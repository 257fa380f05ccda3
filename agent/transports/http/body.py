"""Reading a body within bounds, unpacked within the same bounds."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from agent.errors import MalformedError

if TYPE_CHECKING:
    import httpx

__all__ = ["read_body"]

_PIECE = 65_536
_PACKED = {"gzip": 31, "x-gzip": 31, "deflate": 15}
"""Content codings (RFC 9110 §8.4.1) and zlib's window bits for them."""


async def read_body(reply: httpx.Response, most: int) -> tuple[bytes, bool]:
    """Return the body, unpacked, and whether it is longer than `most` octets; the rest is not read.

    We ask for an unpacked body; some devices pack it nevertheless.

    Raises:
        MalformedError: it is packed in a way that is not known, or wrongly.
    """
    coding = reply.headers.get("content-encoding", "identity").strip().lower() or "identity"
    if coding != "identity" and coding not in _PACKED:
        raise MalformedError("a body of unknown content coding {coding!r}", coding=coding[:40])
    unpack = zlib.decompressobj(_PACKED[coding]) if coding in _PACKED else None
    body = bytearray()
    async for piece in reply.aiter_raw(_PIECE):
        if unpack is None:
            body += piece
        else:
            body += _unpacked(unpack, piece, most + 1 - len(body))
        if len(body) > most:
            return bytes(body[:most]), True
    if unpack is not None and not unpack.eof and body:
        raise MalformedError("a packed body that ends too early")
    return bytes(body), False


def _unpacked(unpack: zlib._Decompress, piece: bytes, room: int) -> bytes:
    """Unpack no more than there is room for: a few octets may unpack to gigabytes."""
    try:
        return unpack.decompress(piece, room)
    except zlib.error as error:
        raise MalformedError("a packed body that does not unpack") from error
