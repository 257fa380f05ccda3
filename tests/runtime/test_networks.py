"""Networks to sweep: nothing outside them, nothing public by mistake, never more than was agreed."""

from __future__ import annotations

import ipaddress
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import UsageError
from agent.runtime.networks import address_of, count, hosts, parse_networks


@given(st.lists(st.tuples(st.integers(0, 2**24 - 1), st.integers(24, 32)), min_size=1, max_size=6))
def test_each_host_comes_once_and_lies_inside(given_networks: list[tuple[int, int]]) -> None:
    """Whatever networks overlap, every address asked is inside one of them and asked once."""
    texts = [f"{ipaddress.IPv4Address((10 << 24) + base)}/{prefix}" for base, prefix in given_networks]
    networks = parse_networks(texts)
    asked = list(hosts(networks))
    assert len(asked) == len(set(asked)) == sum(map(count, networks))
    wanted = [ipaddress.ip_network(text, strict=False) for text in texts]
    assert all(any(ipaddress.ip_address(address) in network for network in wanted) for address in asked)
    assert all(any(one.subnet_of(other) for other in networks) for one in wanted)  # type: ignore[arg-type]


def test_network_and_broadcast_addresses_are_left_out() -> None:
    """A /30 has two hosts, a /32 is one, a /31 is two (RFC 3021)."""
    assert list(hosts(parse_networks(["192.168.1.0/30"]))) == ["192.168.1.1", "192.168.1.2"]
    assert list(hosts(parse_networks(["192.168.1.7"]))) == ["192.168.1.7"]
    assert list(hosts(parse_networks(["192.168.1.6/31"]))) == ["192.168.1.6", "192.168.1.7"]
    assert list(hosts(parse_networks(["fd00::/126"]))) == ["fd00::1", "fd00::2", "fd00::3"]


@pytest.mark.parametrize(
    "text", ["8.8.8.0/24", "202.112.0.0/24", "2001:250::/120", "0.0.0.0/0", "::/0", "172.15.0.0/24", "9.255.255.255"]
)
def test_public_addresses_need_to_be_allowed(text: str) -> None:
    """An address that may be somebody else's is not asked because of a slip of the finger."""
    with pytest.raises(UsageError):
        parse_networks([text])


def test_public_addresses_of_the_school_are_asked_when_allowed() -> None:
    """A university with its own block says so."""
    assert [str(one) for one in parse_networks(["202.112.0.0/28"], allow_public=True)] == ["202.112.0.0/28"]


@pytest.mark.parametrize("text", ["224.0.0.0/24", "255.255.255.255", "ff02::/120", "0.0.0.0/8", "::"])
def test_addresses_of_no_device_are_refused_always(text: str) -> None:
    """Multicast and broadcast would ask everybody at once."""
    with pytest.raises(UsageError):
        parse_networks([text], allow_public=True)


@pytest.mark.parametrize(
    "text", ["", "campus", "10.0.0.0/33", "10.0.0/24", "10.0.0.0/-1", "fe80::1%eth0/64x", "10.0.0.0 /24"]
)
def test_what_is_no_network_is_refused(text: str) -> None:
    """A typing error is named, not guessed at."""
    with pytest.raises(UsageError, match="not a network"):
        parse_networks([text])


def test_more_hosts_than_agreed_are_refused_before_the_first_packet() -> None:
    """A /20 is the most, unless the caller says more; a /64 is counted without being listed."""
    assert sum(map(count, parse_networks(["10.0.0.0/20"]))) == 4094
    for texts in (["10.0.0.0/19"], ["10.0.0.0/20", "10.1.0.0/20"], ["fd00::/64"]):
        with pytest.raises(UsageError, match="more than 4096"):
            parse_networks(texts)
    assert sum(map(count, parse_networks(["10.0.0.0/19"], most=8192))) == 8190
    assert len(list(islice(hosts(parse_networks(["fd00::/64"], most=2**65)), 3))) == 3


def test_index_of_an_address_table() -> None:
    """Four and sixteen octets are addresses, nothing else is."""
    assert address_of("10.0.0.1") == "10.0.0.1"
    assert address_of(".".join(["0"] * 15 + ["1"])) == "::1"
    assert address_of("10.0.0.256") is None
    assert address_of("10.0.0.1.2") is None
