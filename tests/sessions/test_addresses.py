"""Pseudonyms of IP addresses: what stays, what goes, and that equal stays equal."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent import ber
from agent.errors import MalformedError
from agent.model import inet
from agent.model.exchange import Holds, IndexPart, SnmpColumn, SnmpTable, VarBinds
from agent.sessions.redact import Redactor
from tests.sessions.scripted import KEY, octets, value_of, varbind

COLUMN = "1.3.6.1.2.1.4.35.1.4"
REDACTOR = Redactor(KEY)
IP4 = st.binary(min_size=4, max_size=4)
IP6 = st.binary(min_size=16, max_size=16)
OF_SOMEONE = IP6.filter(lambda a: inet.scope_of(a) not in {"unspecified", "loopback", "multicast", "ipv4-mapped"})


def table(holds: Holds, at: int = 1) -> SnmpTable:
    """Return a walk whose index holds an address to its end."""
    return SnmpTable(columns=(SnmpColumn(oid=COLUMN),), index=(IndexPart(at=at, length=0, holds=holds),))


def shown(holds: Holds, index: tuple[int, ...], at: int = 1) -> tuple[int, ...]:
    """Return what becomes of an index."""
    item = octets(f"{COLUMN}." + ".".join(map(str, index)), "x")
    answer, _ = REDACTOR.redact(table(holds, at), VarBinds(varbinds=(item,)))
    assert isinstance(answer, VarBinds)
    return ber.oid_tuple(ber.decode_varbind(bytes.fromhex(answer.varbinds[0])).oid)[10:]


@given(OF_SOMEONE)
def test_an_ipv6_address_keeps_scope_and_network_and_nothing_else(address: bytes) -> None:
    """The /64 stays, so the IPv6 share and the VLAN can be told; the interface identifier does not."""
    pseudonym = REDACTOR.pseudonym("ip6", address)
    assert pseudonym[:8] == address[:8]
    assert pseudonym[8:] != address[8:]
    assert pseudonym == REDACTOR.pseudonym("inet", address)
    assert pseudonym != Redactor(bytes(32)).pseudonym("ip6", address)


@given(st.binary(min_size=3, max_size=3).filter(lambda net: 0 < net[0] < 224 and net[0] != 127))
@settings(max_examples=25)
def test_an_ipv4_network_is_permuted(network: bytes) -> None:
    """The /24 stays and its 256 addresses stay 256: two rows of a table never become one."""
    images = [REDACTOR.pseudonym("ip4", network + bytes([last])) for last in range(256)]
    assert {image[:3] for image in images} == {network}
    assert len(set(images)) == 256
    assert images != [network + bytes([last]) for last in range(256)]


@pytest.mark.parametrize("text", ["::", "::1", "ff02::1", "0.0.0.0", "127.0.0.1", "224.0.0.251", "255.255.255.255"])
def test_addresses_of_no_one_stay(text: str) -> None:
    """Unspecified, loopback, groups and broadcast say nothing about a person."""
    address = ipaddress.ip_address(text).packed
    assert REDACTOR.pseudonym("inet", address) == address


@given(st.binary(min_size=3, max_size=3))
def test_a_group_that_carries_a_terminal_keeps_only_its_prefix(tail: bytes) -> None:
    """Solicited-node groups and their Ethernet addresses end in 24 bits of a terminal's address."""
    group = ipaddress.IPv6Address("ff02::1:ff00:0").packed[:13] + tail
    image = REDACTOR.pseudonym("ip6", group)
    assert image[:13] == group[:13]
    ethernet = REDACTOR.pseudonym("mac", b"\x33\x33\xff" + tail)
    assert ethernet[:3] == b"\x33\x33\xff"
    others = [REDACTOR.pseudonym("ip6", group[:15] + bytes([last])) for last in range(8)]
    assert len(set(others)) == 8


@given(IP4)
def test_an_ipv4_mapped_address_is_treated_as_the_ipv4_address(address: bytes) -> None:
    """::ffff:10.0.0.9 and 10.0.0.9 have the same pseudonym within their family."""
    mapped = bytes(10) + b"\xff\xff" + address
    assert REDACTOR.pseudonym("ip6", mapped) == bytes(10) + b"\xff\xff" + REDACTOR.pseudonym("ip4", address)


@given(OF_SOMEONE, st.integers(0, 2**31 - 1))
def test_every_shape_of_an_index_hides_the_same_address_in_the_same_way(address: bytes, interface: int) -> None:
    """One terminal has one pseudonym in ARP, ND and the old tables, whatever the shape; the ifIndex stays."""
    pseudonym = tuple(REDACTOR.pseudonym("ip6", address))
    if not address.isascii():
        assert shown("inet", (interface, 2, 16, *address)) == (interface, 2, 16, *pseudonym)
    assert shown("inet", (interface, 4, 20, *address, 0, 0, 0, 9)) == (interface, 4, 20, *pseudonym, 0, 0, 0, 9)
    assert shown("inet", (interface, 2, *address)) == (interface, 2, *pseudonym)
    assert shown("ip6", (interface, *address)) == (interface, *pseudonym)
    assert shown("ip6", (interface, 16, *address)) == (interface, 16, *pseudonym)


def test_arp_has_the_same_pseudonyms_in_both_tables() -> None:
    """ipNetToMedia and ipNetToPhysical of one device join by address."""
    old, new = shown("ip4", (7, 10, 0, 0, 9)), shown("inet", (7, 1, 4, 10, 0, 0, 9))
    assert old[1:] == new[3:]
    assert old[:4] == (7, 10, 0, 0)


@given(
    st.sampled_from(["inet", "ip4", "ip6", "mac"]),
    st.lists(st.integers(0, 2**32 - 1), max_size=30),
)
def test_what_does_not_decode_leaves_nothing(holds: Holds, rest: list[int]) -> None:
    """An index that is no address in any shape, or in two, is replaced whole and decodes as no address afterwards."""
    image = shown(holds, (5, *rest))
    assert image[0] == 5
    if image[1:2] == (0,) and len(image) == 11:
        assert image[2] == 8
        assert inet.decode(image[1:]) is None
        assert inet.decode_ip6(image[1:]) is None
    else:
        assert len(image) == 1 + len(rest)


@pytest.mark.parametrize("length", [(), (6,)])
def test_a_mac_to_the_end_of_an_index(length: tuple[int, ...]) -> None:
    """A forwarding table shows the pseudonym that the same address has elsewhere, with a length in front or not."""
    mac = bytes.fromhex("48a9d2000001")
    assert shown("mac", (10, *length, *mac)) == (10, *length, *REDACTOR.pseudonym("mac", mac))
    assert shown("mac", (10, 1, 2, 3))[1:3] == (0, 8)


def test_an_address_that_is_a_value_is_hidden_too() -> None:
    """IpAddress values keep their type and their /24."""
    request = SnmpTable(columns=(SnmpColumn(oid=COLUMN, holds="ip4"),))
    answer, counts = REDACTOR.redact(
        request, VarBinds(varbinds=(varbind(f"{COLUMN}.1", ber.IP_ADDRESS, bytes((10, 0, 0, 9))),))
    )
    assert isinstance(answer, VarBinds)
    found = ber.decode_varbind(bytes.fromhex(answer.varbinds[0]))
    assert found.tag == ber.IP_ADDRESS
    assert found.value[:3] == bytes((10, 0, 0))
    assert found.value == REDACTOR.pseudonym("ip4", bytes((10, 0, 0, 9)))
    assert counts == {"ip4": 1}


def test_an_ip_column_with_something_else_in_it_leaves_nothing() -> None:
    """Text where an address belongs becomes a token."""
    request = SnmpTable(columns=(SnmpColumn(oid=COLUMN, holds="ip6"),))
    answer, _ = REDACTOR.redact(request, VarBinds(varbinds=(octets(f"{COLUMN}.1", "li-wei-laptop"),)))
    assert isinstance(answer, VarBinds)
    assert value_of(answer.varbinds[0]).startswith(b"~ip6-")


def test_large_sub_identifiers_survive_redaction() -> None:
    """An ifIndex above 2^31 before a hidden address stays what it is."""
    assert shown("ip4", (4_294_967_295, 10, 0, 0, 9))[0] == 4_294_967_295
    with pytest.raises(MalformedError):
        REDACTOR.redact(table("ip4"), VarBinds(varbinds=(octets("1.3.6.1.9.9.1", "x"),)))
