"""The BER codec: exact on good input, `MalformedError` on anything else."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyasn1.codec.ber import decoder, encoder
from pyasn1.type import univ
from pysnmp.proto import rfc1902

from agent import ber
from agent.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Callable

SUB_IDENTIFIERS = st.lists(st.integers(0, 2**32 - 1), max_size=30)
OIDS = st.one_of(
    st.tuples(st.integers(0, 1), st.integers(0, 39), SUB_IDENTIFIERS),
    st.tuples(st.just(2), st.integers(0, 2**32 - 1), SUB_IDENTIFIERS),
).map(lambda parts: (parts[0], parts[1], *parts[2]))
VARBINDS = st.tuples(OIDS, st.integers(0, 255), st.binary(max_size=300)).map(
    lambda parts: (ber.oid_bytes(".".join(map(str, parts[0]))), parts[1], parts[2])
)


@given(OIDS)
def test_oids_round_trip(arcs: tuple[int, ...]) -> None:
    """Any OID of RFC 2578 comes back arc by arc, and is encoded as pyasn1 encodes it."""
    text = ".".join(map(str, arcs))
    assert ber.oid_text(ber.oid_bytes(text)) == text
    assert ber.tlv(ber.OID, ber.oid_bytes(text)) == encoder.encode(univ.ObjectIdentifier(arcs))


@given(OIDS, OIDS)
def test_oids_compare_by_their_arcs(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    """The order of OIDs is that of their arcs, which the order of encoded octets is not."""
    encoded = [ber.oid_bytes(".".join(map(str, arcs))) for arcs in (left, right)]
    assert ber.compare_oids(*encoded) == (left > right) - (left < right)


def test_octets_do_not_sort_like_oids() -> None:
    """16383 comes before 16384 although its octets come after."""
    small, large = ber.oid_bytes("1.3.16383"), ber.oid_bytes("1.3.16384")
    assert small > large
    assert ber.compare_oids(small, large) == -1


@given(VARBINDS)
def test_varbinds_round_trip(varbind: tuple[bytes, int, bytes]) -> None:
    """A variable binding is read back as written, and its received octets are recovered exactly."""
    encoded = ber.encode_varbind(*varbind)
    assert ber.decode_varbind(encoded) == varbind
    assert (
        ber.split_varbinds(b"xx" + encoded * 2 + b"yy", 2, 2 + 2 * len(encoded))
        == [(varbind[0], varbind[1], encoded)] * 2
    )


@given(st.integers(-(2**63), 2**63 - 1))
def test_integers_agree_with_pyasn1(value: int) -> None:
    """INTEGER is encoded in the fewest octets, pyasn1 reads it, and we read it back."""
    encoded = ber.encode_integer(value)
    assert decoder.decode(encoded) == (value, b"")
    assert len(encoded) == 2 + next(n for n in range(1, 9) if -(1 << 8 * n - 1) <= value < 1 << 8 * n - 1)
    assert ber.integer(ber.INTEGER, encoded[2:]) == value


@pytest.mark.parametrize(
    ("kind", "tag", "value"),
    [
        (rfc1902.Counter32, ber.COUNTER32, 2**32 - 1),
        (rfc1902.Gauge32, ber.GAUGE32, 2**31),
        (rfc1902.TimeTicks, ber.TIME_TICKS, 0),
        (rfc1902.Counter64, ber.COUNTER64, 2**64 - 1),
        (rfc1902.Counter64, ber.COUNTER64, 2**63),
    ],
)
def test_application_types_agree_with_pysnmp(kind: Callable[[int], object], tag: int, value: int) -> None:
    """The unsigned types of RFC 2578 are encoded as pysnmp encodes them, and read back."""
    encoded = encoder.encode(kind(value))
    assert ber.encode_integer(value, tag) == encoded
    assert ber.integer(tag, encoded[2:]) == value


@pytest.mark.parametrize(
    ("tag", "octets", "value"),
    [
        (ber.COUNTER32, "ffffffff", 2**32 - 1),
        (ber.GAUGE32, "80000000", 2**31),
        (ber.COUNTER64, "ffffffffffffffff", 2**64 - 1),
        (ber.COUNTER64, "00ffffffffffffffff", 2**64 - 1),
        (ber.COUNTER32, "ffffffff80000001", 2**31 + 1),
        (ber.COUNTER32, "00000000000007", 7),
        (ber.UINTEGER32, "fe", 254),
        (ber.INTEGER, "80000000", -(2**31)),
        (ber.INTEGER, "ff", -1),
        (ber.INTEGER, "0000", 0),
    ],
)
def test_unsigned_types_never_become_negative(tag: int, octets: str, value: int) -> None:
    """Counters without leading zero or with extended sign, as devices in use send them, read as what they mean."""
    assert ber.integer(tag, bytes.fromhex(octets)) == value


@pytest.mark.parametrize(
    ("tag", "octets"),
    [
        (ber.INTEGER, ""),
        (ber.COUNTER64, ""),
        (ber.INTEGER, "010000000000000000"),
        (ber.COUNTER32, "0100000000"),
        (ber.COUNTER32, "ff00000001"),
        (ber.COUNTER64, "01ffffffffffffffff"),
        (ber.COUNTER64, "00" * 60_000),
        (ber.OCTET_STRING, "01"),
    ],
)
def test_what_is_no_such_integer_is_malformed(tag: int, octets: str) -> None:
    """Octets that the type cannot hold are refused rather than cut."""
    with pytest.raises(MalformedError):
        ber.integer(tag, bytes.fromhex(octets))


@pytest.mark.parametrize(
    "text",
    [
        *["", "1", ".1.3", "1.3.", "1..3", "1.40", "3.1", "1.3.-1", "1.3.4294967296", "1.3.01", "1.3.x", "1.3.１"],
        *["1" + ".3" * 128, "1.3." + "9" * 5000],
    ],
)
def test_texts_that_are_no_oids_are_malformed(text: str) -> None:
    """Only the plain dotted form is accepted."""
    with pytest.raises(MalformedError):
        ber.oid_bytes(text)


@pytest.mark.parametrize(
    "octets", ["", "2b86", "2b8006", "2b9080808000", "ff" * 700, "01" * 641, "2b" + "01" * 128, "2bffffffff7f7f80"]
)
def test_octets_that_are_no_oids_are_malformed(octets: str) -> None:
    """Cut off, padded, too large and too long OIDs are refused."""
    with pytest.raises(MalformedError):
        ber.oid_tuple(bytes.fromhex(octets))


@pytest.mark.parametrize(
    "octets",
    [
        "",
        "30",
        "3000",
        "3080",
        "30820000",
        "308500000000",
        "3003060100",
        "300406012b05",
        "300506012b0500ff",
        "300606012b050000",
        "300506002b0500",
        "3005060100040101",
        "310506012b0500",
        "300504012b0500",
        "300506052b0500",
        "3005060182 0500",
        "300706012b048101",
        "3009060a2b04ffffffff",
        "30020600",
        "3004060005 00",
    ],
)
def test_broken_varbinds_are_malformed(octets: str) -> None:
    """Each way in which a length or tag can be wrong is refused."""
    with pytest.raises(MalformedError):
        ber.decode_varbind(bytes.fromhex(octets))


def test_long_form_lengths_are_read() -> None:
    """A length in more octets than needed is legal BER, and devices use it."""
    encoded = bytes.fromhex("3082000f 068108 2b06010201010500 04820000")
    assert ber.decode_varbind(encoded) == (ber.oid_bytes("1.3.6.1.2.1.1.5.0"), ber.OCTET_STRING, b"")


def test_a_long_length_is_never_taken_for_a_short_one() -> None:
    """The octet 0x84 announces four octets of length; it does not mean 132."""
    content = b"\x06\x01\x2b" + b"\x04\x84" + b"\x00\x00\x00\x80" + b"x" * 128
    assert ber.decode_varbind(ber.tlv(ber.SEQUENCE, content)).value == b"x" * 128
    with pytest.raises(MalformedError):
        ber.decode_varbind(ber.tlv(ber.SEQUENCE, content[:5] + b"\x00\x00\x00\x01" + b"x" * 128))


@given(st.binary(max_size=200))
@settings(max_examples=500)
def test_any_octets_decode_or_are_malformed(data: bytes) -> None:
    """No input makes the decoder fail in another way."""
    for decode in (
        ber.decode_varbind,
        ber.oid_tuple,
        lambda octets: ber.split_varbinds(octets, 0, len(octets)),
        lambda octets: ber.header(octets, 0, len(octets)),
    ):
        with suppress(MalformedError):
            decode(data)


@given(VARBINDS, st.data())
def test_damaged_varbinds_decode_or_are_malformed(varbind: tuple[bytes, int, bytes], data: st.DataObject) -> None:
    """One changed octet never makes the decoder read beyond the end or fail in another way."""
    encoded = bytearray(ber.encode_varbind(*varbind))
    encoded[data.draw(st.integers(0, len(encoded) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = ber.split_varbinds(bytes(encoded), 0, len(encoded))
    except MalformedError:
        return
    assert b"".join(raw for _, _, raw in found) == bytes(encoded)


@pytest.mark.parametrize(
    "data",
    [
        b"\x30\x05\x06\x01\x2b\x05\x00" * 9_300,
        ber.encode_varbind(b"\x2b" + b"\xff" * 65_000, 5, b""),
        ber.encode_varbind(b"\x2b" + b"\x01" * 65_000, 5, b""),
        ber.encode_varbind(b"\x2b", 4, b"x" * 65_000),
        b"\x30\x84\x00\x00\x00\x00" * 10_900,
    ],
)
def test_a_full_datagram_is_decoded_or_rejected_fast(data: bytes) -> None:
    """64 KB of any shape costs less than 50 ms of this process."""
    before = time.process_time()
    with suppress(MalformedError):
        for oid, _, _ in ber.split_varbinds(data, 0, len(data)):
            ber.oid_tuple(oid)
    assert time.process_time() - before < 0.05
