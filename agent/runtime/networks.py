"""Networks that a person wants swept: checked before the first packet, bounded, and without public addresses."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from agent.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["MOST_HOSTS", "Network", "address_of", "count", "hosts", "parse_networks"]

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MOST_HOSTS = 4_096
"""Hosts of one call, unless the caller says otherwise: a /20."""
PRIVATE = tuple(
    ipaddress.ip_network(text)
    for text in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),  # RFC 1918
        *("127.0.0.0/8", "169.254.0.0/16", "100.64.0.0/10"),  # loopback, RFC 3927, RFC 6598
        *("fc00::/7", "fe80::/10", "::1/128"),  # RFC 4193, RFC 4291
    )
)
NOBODY = tuple(ipaddress.ip_network(text) for text in ("0.0.0.0/8", "224.0.0.0/4", "240.0.0.0/4", "ff00::/8", "::/128"))
"""This network, multicast, reserved: no device has such an address."""


def parse_networks(texts: Sequence[str], *, most: int = MOST_HOSTS, allow_public: bool = False) -> tuple[Network, ...]:
    """Return the networks, those inside another left out.

    Args:
        texts: CIDRs or single addresses; host bits may be set.
        most: hosts that all of them may have together.
        allow_public: take addresses that are routed in the Internet.

    Raises:
        UsageError: one is not a network, has public or impossible addresses, or there are too many hosts.
    """
    networks: list[Network] = []
    for text in texts:
        try:
            network = ipaddress.ip_network(text.strip(), strict=False)
        except ValueError as error:
            raise UsageError(
                "{text!r} is not a network", todo="Write for example 10.1.0.0/24 or 2001:db8::/120", text=text[:100]
            ) from error
        if _overlaps(network, NOBODY):
            raise UsageError(
                "{network} holds addresses that no device has",
                todo="Name the networks in which the school's devices are, for example 10.1.0.0/24",
                network=network,
            )
        if not allow_public and not _within(network, PRIVATE):
            raise UsageError(
                "{network} has public addresses, which may be somebody else's",
                todo="Give --allow-public if they are this school's own",
                network=network,
            )
        networks.append(network)
    kept = tuple(
        one for at, one in enumerate(networks) if not _within(one, networks[:at] + _wider(networks[at + 1 :], one))
    )
    found = sum(count(network) for network in kept)
    if found > most:
        raise UsageError(
            "these networks have {found} hosts, more than {most}",
            todo="Name smaller networks, or raise the bound with --max",
            found=found,
            most=most,
        )
    return kept


def count(network: Network) -> int:
    """Return how many hosts a network has: without its own and its broadcast address, where it has these."""
    if network.num_addresses <= 2:
        return network.num_addresses
    return network.num_addresses - (2 if network.version == 4 else 1)


def hosts(networks: Iterable[Network]) -> Iterator[str]:
    """Give the addresses to ask, one after the other; a /64 takes no memory."""
    for network in networks:
        yield from (str(host) for host in network.hosts())


def address_of(index: str) -> str | None:
    """Return the address that a table index of four or sixteen octets spells, or None."""
    parts = [int(part) for part in index.split(".")]
    if len(parts) not in {4, 16} or max(parts) > 255:
        return None
    return str(ipaddress.ip_address(bytes(parts)))


def _wider(networks: list[Network], than: Network) -> list[Network]:
    return [network for network in networks if network.num_addresses > than.num_addresses]


def _within(network: Network, others: Iterable[Network]) -> bool:
    return any(_contains(other, network) for other in others)


def _overlaps(network: Network, others: Iterable[Network]) -> bool:
    return any(_contains(other, network) or _contains(network, other) for other in others)


def _contains(outer: Network, inner: Network) -> bool:
    if isinstance(outer, ipaddress.IPv4Network) and isinstance(inner, ipaddress.IPv4Network):
        return inner.subnet_of(outer)
    if isinstance(outer, ipaddress.IPv6Network) and isinstance(inner, ipaddress.IPv6Network):
        return inner.subnet_of(outer)
    return False
