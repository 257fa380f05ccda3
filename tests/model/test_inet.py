"""Addresses in an index: every shape that agents use, one meaning or none."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.model import inet
from agent.model.inet import Inet, decode, decode_ip6, encode, scope_of

OCTET = st.integers(0, 255)
SUB_IDS = st.lists(st.integers(0, 2**32 - 1) | OCTET | st.sampled_from([1, 2, 3, 4, 8, 16, 20, 39]), max_size=45)
ADDRESSES = st.binary(min_size=16, max_size=16)
TWENTY = b"\x20\x01\x0d\xa8" + bytes(11) + b"\x01"
WORDS = tuple(int.from_bytes(TWENTY[at : at + 2], "big") for at in range(0, 16, 2))
FULL_TEXT = ipaddress.IPv6Address(TWENTY).exploded.encode()


@pytest.mark.parametrize(
    ("index", "address", "zone", "shape"),
    [
        ((1, 4, 10, 0, 0, 1), bytes((10, 0, 0, 1)), None, "ipv4"),
        ((1, 10, 0, 0, 1), bytes((10, 0, 0, 1)), None, "ipv4-bare"),
        ((3, 8, 10, 0, 0, 1, 0, 0, 0, 7), bytes((10, 0, 0, 1)), 7, "ipv4z"),
        ((2, 16, *TWENTY), TWENTY, None, "ipv6"),
        ((2, *TWENTY), TWENTY, None, "ipv6-bare"),
        ((2, *TWENTY, 0, 0, 0, 0), TWENTY, 0, "ipv6-bare-zone"),
        ((2, *WORDS, 5), TWENTY, 5, "ipv6-words"),
        ((2, 39, *FULL_TEXT), TWENTY, None, "ipv6-text"),
        ((4, 20, *TWENTY, 0, 1, 134, 160), TWENTY, 100_000, "ipv6z"),
        ((4, *TWENTY), TWENTY, None, "ipv6z-bare"),
    ],
)
def test_each_shape_is_read(index: tuple[int, ...], address: bytes, zone: int | None, shape: str) -> None:
    """All shapes of oids.md section 4 give their address, their zone and the rule that read them, and write back."""
    found = decode(index)
    assert found is not None
    assert (found.address, found.zone, found.shape) == (address, zone, shape)
    assert encode(found, address) == index


@pytest.mark.parametrize(
    "index",
    [
        (),
        (2,),
        (2, 7),
        (0, 4, 10, 0, 0, 1),
        (2, 11, *b"10.129.0.52"),
        (2, 4, 10, 0, 0, 1),
        (2, 16, *TWENTY[:14]),
        (2, 16, *TWENTY[:15], 256),
        (1, 4, 10, 0, 0, 1, 9),
        (4, 20, *TWENTY),
        (2, 16, *b"2d00:5c:2:0:0::6"),
        (16, 3, 97, 46, 98),
    ],
    ids=["empty", "type only", "ifIndex", "unknown type", "IPv4 text", "IPv4 octets", "short", "no octet", "long",
         "zone missing", "two shapes", "dns"],
)  # fmt: skip
def test_what_is_not_one_address_is_none(index: tuple[int, ...]) -> None:
    """Garbage, the wrong family, and an index that two shapes would consume give no address."""
    assert decode(index) is None


@given(SUB_IDS)
def test_any_index_decodes_or_not_and_never_raises(index: list[int]) -> None:
    """Whatever a device puts into an index: an address of 4 or 16 octets in a known scope, or none."""
    for found in (decode(index), decode_ip6(index)):
        assert found is None or (len(found.address) in (4, 16) and found.scope in inet.SCOPES)


@given(SUB_IDS, ADDRESSES)
def test_another_address_keeps_the_shape(index: list[int], address: bytes) -> None:
    """An address that is exchanged for a pseudonym is read by the same rule, with the same zone, or not at all."""
    found = decode(index)
    if found is None:
        return
    other = address[: len(found.address)]
    again = decode(encode(found, other))
    assert again is None or (again.address, again.shape, again.zone) == (other, found.shape, found.zone)


@given(ADDRESSES, st.integers(0, 2**32 - 1))
def test_standard_forms_survive_a_round_trip(address: bytes, zone: int) -> None:
    """Every IPv6 address in the shape of RFC 4001 comes back, unless its octets are the text of another address."""
    tail = tuple(zone.to_bytes(4, "big"))
    zoned = decode((4, 20, *address, *tail))
    assert zoned == Inet(address, zone, "ipv6z", tail)
    plain = decode((2, 16, *address))
    assert plain == Inet(address, None, "ipv6") or (plain is None and address.isascii())


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("2001:da8::1", "global"),
        ("240e::1", "global"),
        ("fd00::1", "unique-local"),
        ("fc00::1", "unique-local"),
        ("fe80::1", "link-local"),
        ("febf::1", "link-local"),
        ("fec0::1", "other"),
        ("::", "unspecified"),
        ("::1", "loopback"),
        ("ff02::1", "multicast"),
        ("2001:db8::1", "documentation"),
        ("3fff::1", "documentation"),
        ("::ffff:10.0.0.1", "ipv4-mapped"),
        ("::169.254.2.31", "transition"),
        ("2002:c000:201::1", "transition"),
        ("2001::1", "transition"),
        ("64:ff9b::a00:1", "transition"),
        ("10.1.2.3", "private"),
        ("172.31.0.1", "private"),
        ("172.32.0.1", "global"),
        ("192.168.0.1", "private"),
        ("169.254.1.1", "link-local"),
        ("127.0.0.1", "loopback"),
        ("224.0.0.1", "multicast"),
        ("255.255.255.255", "other"),
        ("0.0.0.0", "unspecified"),
        ("114.114.114.114", "global"),
    ],
)
def test_scopes(text: str, scope: str) -> None:
    """Only addresses of the network itself are global: no tunnel, no example, no mapped IPv4."""
    assert scope_of(ipaddress.ip_address(text).packed) == scope
    assert scope in inet.SCOPES


def test_no_address_has_no_scope() -> None:
    """Octets that are no address are `other`."""
    assert scope_of(b"abc") == "other"


@given(st.binary(min_size=4, max_size=4) | ADDRESSES)
def test_every_address_has_one_of_the_scopes(address: bytes) -> None:
    """The scopes are complete."""
    assert scope_of(address) in inet.SCOPES


@pytest.mark.parametrize("length", [(), (16,)])
def test_an_index_that_is_ipv6_by_its_mib(length: tuple[int, ...]) -> None:
    """IPV6-MIB is read with the length octet that some agents add, and without."""
    found = decode_ip6((*length, *TWENTY))
    assert found is not None
    assert found.address == TWENTY
    assert found.text == "2001:da8::1"
