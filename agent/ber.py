"""The part of BER that SNMP uses (X.690; RFC 1157 §3.2.2, RFC 3416, RFC 3417 §8), pure and strict.

Nothing is turned into objects that the wire does not hold: a variable binding is the content octets of its OID, its
tag, and the content octets of its value; what was received stays at hand byte for byte. Every length is checked
against the octets that are really there before anything is read, so any input either decodes or raises
`MalformedError`, in time linear in its size.

Strictness: definite lengths of at most four octets, one-octet tags, OIDs of at most 128 sub-identifiers below 2^32
(RFC 2578 §3.5) in their shortest form. Leniency, because devices in use need it: lengths may be longer than
necessary, and unsigned types may lack the leading zero octet or be sign-extended.
"""

from __future__ import annotations

from typing import NamedTuple

from agent.errors import MalformedError

__all__ = [
    "BITS",
    "BOOLEAN",
    "COUNTER32",
    "COUNTER64",
    "END_OF_MIB_VIEW",
    "GAUGE32",
    "INTEGER",
    "IP_ADDRESS",
    "NO_SUCH_INSTANCE",
    "NO_SUCH_OBJECT",
    "NULL",
    "OCTET_STRING",
    "OID",
    "OPAQUE",
    "SEQUENCE",
    "TIME_TICKS",
    "UINTEGER32",
    "VarBind",
    "compare_oids",
    "decode_varbind",
    "encode_integer",
    "encode_sub_identifier",
    "encode_varbind",
    "header",
    "integer",
    "oid_bytes",
    "oid_text",
    "oid_tuple",
    "split_varbinds",
    "sub_identifiers",
    "tlv",
]

BOOLEAN = 0x01
INTEGER = 0x02
BITS = 0x03
OCTET_STRING = 0x04
NULL = 0x05
OID = 0x06
SEQUENCE = 0x30
IP_ADDRESS = 0x40
COUNTER32 = 0x41
GAUGE32 = 0x42
TIME_TICKS = 0x43
OPAQUE = 0x44
COUNTER64 = 0x46
UINTEGER32 = 0x47
NO_SUCH_OBJECT = 0x80
NO_SUCH_INSTANCE = 0x81
END_OF_MIB_VIEW = 0x82

_UNSIGNED_OCTETS = {COUNTER32: 4, GAUGE32: 4, TIME_TICKS: 4, UINTEGER32: 4, COUNTER64: 8}
_MAX_SUB_IDENTIFIERS = 128
_MAX_SUB_IDENTIFIER = 0xFFFF_FFFF
_MAX_OID_OCTETS = 5 * _MAX_SUB_IDENTIFIERS


class VarBind(NamedTuple):
    """A variable binding: content octets of the OID, tag of the value, content octets of the value."""

    oid: bytes
    tag: int
    value: bytes


# --- type, length, value ------------------------------------------------------------------------------------------


def header(data: bytes, at: int, end: int) -> tuple[int, int, int]:
    """Return tag, start and end of the content of the element at `at`, which must end at or before `end`.

    Raises:
        MalformedError: the element does not fit, or its length has a form that SNMP does not use.
    """
    if not 0 <= at <= end - 2 or end > len(data):
        raise MalformedError("BER: nothing complete at octet {at}", at=at)
    length = data[at + 1]
    start = at + 2
    if length & 0x80:
        count = length & 0x7F
        if not 1 <= count <= 4 or start + count > end:
            raise MalformedError("BER: length at octet {at} is indefinite, too long or cut off", at=at)
        length = int.from_bytes(data[start : start + count], "big")
        start += count
    if length > end - start:
        raise MalformedError("BER: element at octet {at} is longer than what was received", at=at)
    return data[at], start, start + length


def tlv(tag: int, content: bytes) -> bytes:
    """Return tag, shortest length and content."""
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    if length < 0x100:
        return bytes((tag, 0x81, length)) + content
    if length < 0x10000:
        return bytes((tag, 0x82, length >> 8, length & 0xFF)) + content
    return bytes((tag, 0x84)) + length.to_bytes(4, "big") + content


# --- integers -----------------------------------------------------------------------------------------------------


def encode_integer(value: int, tag: int = INTEGER) -> bytes:
    """Return the element of an integer in two's complement; unsigned types thereby get their leading zero octet."""
    magnitude = value if value >= 0 else ~value
    return tlv(tag, value.to_bytes(magnitude.bit_length() // 8 + 1, "big", signed=True))


def integer(tag: int, value: bytes) -> int:
    """Read the content octets of an integer type: INTEGER signed, Counter, Gauge, TimeTicks, UInteger32 unsigned.

    Raises:
        MalformedError: not an integer type, no octets, or more than the type holds.
    """
    if tag == INTEGER:
        if not 1 <= len(value) <= 8:
            raise MalformedError("BER: an INTEGER of {length} octets", length=len(value))
        return int.from_bytes(value, "big", signed=True)
    width = _UNSIGNED_OCTETS.get(tag)
    if width is None:
        raise MalformedError("BER: tag 0x{tag:02x} is not an integer", tag=tag)
    excess, kept = value[:-width], value[-width:]
    extended = excess == b"\xff" * len(excess) and kept[:1] >= b"\x80"
    if not kept or len(excess) > 5 or (any(excess) and not extended):
        raise MalformedError("BER: {length} octets do not fit tag 0x{tag:02x}", length=len(value), tag=tag)
    return int.from_bytes(kept, "big")


# --- object identifiers -------------------------------------------------------------------------------------------


def oid_bytes(text: str) -> bytes:
    """Return the content octets of a dotted OID such as ``1.3.6.1`` (no leading dot).

    Raises:
        MalformedError: the text is not a dotted OID.
    """
    parts = text.split(".", _MAX_SUB_IDENTIFIERS)
    if not 2 <= len(parts) <= _MAX_SUB_IDENTIFIERS or not all(_is_number(part) for part in parts):
        raise MalformedError("{text!r} is not a dotted OID", text=text[:100])
    first, second, *rest = (int(part) for part in parts)
    if first > 2 or (first < 2 and second > 39) or max(second, *rest, 0) > _MAX_SUB_IDENTIFIER:
        raise MalformedError("{text!r} is not a dotted OID", text=text[:100])
    return b"".join(encode_sub_identifier(part) for part in (first * 40 + second, *rest))


def oid_tuple(content: bytes) -> tuple[int, ...]:
    """Return the arcs of an OID from its content octets.

    Raises:
        MalformedError: the octets are not an OID.
    """
    if not content:
        raise MalformedError("BER: an OID without octets")
    first, *rest = sub_identifiers(content, _MAX_SUB_IDENTIFIER + 80)
    head = (first // 40, first % 40) if first < 80 else (2, first - 80)
    if rest and max(rest) > _MAX_SUB_IDENTIFIER:
        raise MalformedError("BER: a sub-identifier above 2^32-1")
    return (*head, *rest)


def oid_text(content: bytes) -> str:
    """Return the dotted form of an OID's content octets.

    Raises:
        MalformedError: the octets are not an OID.
    """
    return ".".join(map(str, oid_tuple(content)))


def sub_identifiers(content: bytes, maximum: int = _MAX_SUB_IDENTIFIER) -> tuple[int, ...]:
    """Return the sub-identifiers of content octets that start at a sub-identifier's boundary (an index, say).

    Raises:
        MalformedError: cut off, padded, too many, or one above `maximum`.
    """
    if len(content) <= _MAX_SUB_IDENTIFIERS and content.isascii():
        return tuple(content)
    if len(content) > _MAX_OID_OCTETS:
        raise MalformedError("BER: an OID of {length} octets", length=len(content))
    found = []
    value = 0
    for octet in content:
        if octet & 0x80:
            if octet == 0x80 and not value:
                raise MalformedError("BER: a padded sub-identifier")
            value = (value | (octet & 0x7F)) << 7
        else:
            found.append(value | octet)
            value = 0
    if value or len(found) > _MAX_SUB_IDENTIFIERS or max(found, default=0) > maximum:
        raise MalformedError("BER: an OID that is cut off or beyond RFC 2578 §3.5")
    return tuple(found)


def encode_sub_identifier(value: int) -> bytes:
    """Return the octets of one sub-identifier, 7 bits each, the highest first (X.690 §8.19.2)."""
    octets = bytearray((value & 0x7F,))
    value >>= 7
    while value:
        octets.append(0x80 | (value & 0x7F))
        value >>= 7
    octets.reverse()
    return bytes(octets)


def compare_oids(left: bytes, right: bytes) -> int:
    """Return -1, 0 or 1 as the left OID (content octets) comes before, is, or comes after the right.

    Encoded octets do not sort like OIDs once a sub-identifier needs three octets, so the decoded ones decide.

    Raises:
        MalformedError: one of them is not an OID.
    """
    if left == right:
        return 0
    return -1 if oid_tuple(left) < oid_tuple(right) else 1


# --- variable bindings --------------------------------------------------------------------------------------------


def encode_varbind(oid: bytes, tag: int, value: bytes) -> bytes:
    """Return the SEQUENCE of an OID (content octets) and a value."""
    return tlv(SEQUENCE, tlv(OID, oid) + tlv(tag, value))


def decode_varbind(data: bytes) -> VarBind:
    """Read one SEQUENCE {OID, value} that fills `data` exactly.

    Raises:
        MalformedError: it is not that.
    """
    found = split_varbinds(data, 0, len(data))
    if len(found) != 1:
        raise MalformedError("BER: {count} variable bindings where one belongs", count=len(found))
    oid, tag, _ = found[0]
    _, start, stop = header(data, 0, len(data))
    _, _, at = header(data, start, stop)
    _, start, stop = header(data, at, stop)
    oid_tuple(oid)
    return VarBind(oid, tag, data[start:stop])


def split_varbinds(data: bytes, at: int, end: int) -> list[tuple[bytes, int, bytes]]:
    """Return OID content, value tag and the whole SEQUENCE as received, for each variable binding in a list.

    This is the hot loop of polling: short lengths are read in place, long ones through `header`. OIDs are not looked
    into; whoever uses them does that.

    Raises:
        MalformedError: something in the list does not fit.
    """
    found: list[tuple[bytes, int, bytes]] = []
    add = found.append
    if end > len(data):
        raise MalformedError("BER: variable bindings end beyond what was received")
    try:
        while at < end:
            length = data[at + 1]
            start = at + 2
            after = start + length
            if length & 0x80 or data[at] != SEQUENCE or after > end:
                start, after = _expect(SEQUENCE, data, at, end)
            length = data[start + 1]
            oid = start + 2
            value = oid + length
            if length & 0x80 or data[start] != OID or value > after:
                oid, value = _expect(OID, data, start, after)
            length = data[value + 1]
            if (length & 0x80 or value + 2 + length != after) and header(data, value, after)[2] != after:
                raise MalformedError("BER: octets left over in a variable binding at octet {at}", at=at)
            if value == oid or value + 2 > after:
                raise MalformedError("BER: a variable binding without OID or value at octet {at}", at=at)
            add((data[oid:value], data[value], data[at:after]))
            at = after
    except IndexError:
        raise MalformedError("BER: variable bindings are cut off") from None
    return found


def _expect(tag: int, data: bytes, at: int, end: int) -> tuple[int, int]:
    found, start, stop = header(data, at, end)
    if found != tag:
        raise MalformedError("BER: tag 0x{found:02x} at octet {at}, not 0x{tag:02x}", found=found, at=at, tag=tag)
    return start, stop


def _is_number(part: str) -> bool:
    return part.isascii() and part.isdigit() and len(part) <= 10 and (part == "0" or part[0] != "0")
