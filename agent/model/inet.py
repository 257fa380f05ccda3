"""Internet addresses in the index of a row (RFC 4001 InetAddressType, InetAddress), in every shape in use; pure.

RFC 4001 and RFC 2578 §7.7 leave one shape: type, length, octets. Agents in use also leave the length out, forget the
zone or add one, count words instead of octets, or spell the address as text. An index is read by trying every shape:
it counts as decoded only if exactly one of them consumes the whole of it. What is ambiguous is no address, and the
shape is kept with the address, so that a reading can say by which rule it came about.

    ipv4            1.4.<4>             RFC 4001
    ipv4-bare       1.<4>               without length
    ipv4z           3.8.<4>.<4>         RFC 4001, the zone last
    ipv6            2.16.<16>           RFC 4001
    ipv6-bare       2.<16>              without length
    ipv6-bare-zone  2.<16>.<4>          without length, a zone behind
    ipv6-words      2.<8>.<1>           words of 16 bits, then the ifIndex
    ipv6-text       2.<n>.<n>           the ASCII codes of its text
    ipv6z           4.20.<16>.<4>       RFC 4001, the zone last
    ipv6z-bare      4.<16>              neither length nor zone

The sessions' redaction and the collectors read an index by the same code, so neither sees what the other missed.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["SCOPES", "Inet", "decode", "decode_ip6", "encode", "scope_of"]

SCOPES = (
    *("global", "unique-local", "link-local", "private"),
    *("unspecified", "loopback", "multicast", "documentation", "ipv4-mapped", "transition", "other"),
)
"""What `scope_of` returns; the first four are addresses that a device or terminal really has."""

_SIXTEEN, _FOUR = 16, 4
_NETWORKS = tuple(
    (ipaddress.ip_network(text), scope)
    for text, scope in (
        ("0.0.0.0/32", "unspecified"),
        ("0.0.0.0/8", "other"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "private"),  # shared address space, RFC 6598
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.2.0/24", "documentation"),
        ("192.168.0.0/16", "private"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "other"),
        ("0.0.0.0/0", "global"),
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("::ffff:0:0/96", "ipv4-mapped"),
        ("::/96", "transition"),  # IPv4-compatible, RFC 4291 §2.5.5.1
        ("64:ff9b::/96", "transition"),  # NAT64, RFC 6052
        ("64:ff9b:1::/48", "transition"),
        ("2001::/32", "transition"),  # Teredo, RFC 4380
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "transition"),  # 6to4, RFC 3056
        ("3fff::/20", "documentation"),  # RFC 9637
        ("2000::/3", "global"),
        ("fc00::/7", "unique-local"),
        ("fe80::/10", "link-local"),
        ("ff00::/8", "multicast"),
        ("::/0", "other"),
    )
)
"""IANA special-purpose registries (RFC 6890), first match wins. 6to4 and Teredo are tunnels, no IPv6 of the network."""


@dataclass(frozen=True, slots=True)
class Inet:
    """An address as it stood in an index."""

    address: bytes
    """4 or 16 octets."""
    zone: int | None
    """The zone (mostly an ifIndex) where the shape has one."""
    shape: str
    tail: tuple[int, ...] = ()
    """Sub-identifiers of the zone as they stood."""

    @property
    def scope(self) -> str:
        """One of `SCOPES`."""
        return scope_of(self.address)

    @property
    def text(self) -> str:
        """The address as people write it (RFC 5952)."""
        return str(ipaddress.ip_address(self.address))


def scope_of(address: bytes) -> str:
    """Return what kind of address 4 or 16 octets are; `other` for any other number of octets."""
    if len(address) not in (_FOUR, _SIXTEEN):
        return "other"
    found = ipaddress.ip_address(address)
    return next(scope for network, scope in _NETWORKS if found.version == network.version and found in network)


def decode(index: Sequence[int]) -> Inet | None:
    """Return the address of an index that begins with InetAddressType; None unless exactly one shape fits it whole."""
    if not index:
        return None
    rest = tuple(index[1:])
    found = [inet for shape in _SHAPES.get(index[0], ()) if (inet := shape(rest)) is not None]
    return found[0] if len(found) == 1 else None


def decode_ip6(index: Sequence[int]) -> Inet | None:
    """Return the address of an index part that is IPv6 by its MIB (IPV6-MIB, vendors): 16 octets, or 16 and they."""
    rest = tuple(index)
    if len(rest) == _SIXTEEN + 1 and rest[0] == _SIXTEEN:
        return _octets("ipv6", rest[1:], ())
    return _octets("ipv6-bare", rest, ()) if len(rest) == _SIXTEEN else None


def encode(inet: Inet, address: bytes) -> tuple[int, ...]:
    """Return the index, from InetAddressType on, that holds another address in the same shape.

    The text shape keeps its number of octets only for addresses written in full, as the agents that use it do.
    """
    kind, count = _HEADS[inet.shape]
    head = (kind,) if count is None else (kind, count)
    if inet.shape == "ipv6-words":
        return *head, *(int.from_bytes(address[at : at + 2], "big") for at in range(0, _SIXTEEN, 2)), *inet.tail
    if inet.shape == "ipv6-text":
        text = ipaddress.IPv6Address(address).exploded.encode("ascii")
        return kind, len(text), *text
    return *head, *address, *inet.tail


# --- shapes -------------------------------------------------------------------------------------------------------


def _octets(shape: str, octets: tuple[int, ...], tail: tuple[int, ...]) -> Inet | None:
    if max((*octets, *tail), default=0) > 255:
        return None
    return Inet(bytes(octets), int.from_bytes(bytes(tail), "big") if tail else None, shape, tail)


def _fixed(shape: str, width: int, *, counted: bool, zone: bool = False) -> Callable[[tuple[int, ...]], Inet | None]:
    """Return the reader of a shape of so many octets, with its length in front or not, with a zone behind or not."""
    tail = _FOUR if zone else 0

    def read(rest: tuple[int, ...]) -> Inet | None:
        if counted:
            if rest[:1] != (width + tail,):
                return None
            rest = rest[1:]
        return _octets(shape, rest[:width], rest[width:]) if len(rest) == width + tail else None

    return read


def _words(rest: tuple[int, ...]) -> Inet | None:
    if len(rest) != 9 or max(rest[:8]) > 0xFFFF:
        return None
    return Inet(b"".join(word.to_bytes(2, "big") for word in rest[:8]), rest[8], "ipv6-words", rest[8:])


def _text(rest: tuple[int, ...]) -> Inet | None:
    if not rest or rest[0] != len(rest) - 1 or max(rest) > 127:
        return None
    try:
        address = ipaddress.IPv6Address(bytes(rest[1:]).decode("ascii"))
    except ValueError:
        return None
    return Inet(address.packed, None, "ipv6-text") if address.scope_id is None else None


_HEADS: dict[str, tuple[int, int | None]] = {
    "ipv4": (1, 4),
    "ipv4-bare": (1, None),
    "ipv4z": (3, 8),
    "ipv6": (2, 16),
    "ipv6-bare": (2, None),
    "ipv6-bare-zone": (2, None),
    "ipv6-words": (2, None),
    "ipv6-text": (2, None),
    "ipv6z": (4, 20),
    "ipv6z-bare": (4, None),
}
_SHAPES: dict[int, tuple[Callable[[tuple[int, ...]], Inet | None], ...]] = {
    1: (_fixed("ipv4", 4, counted=True), _fixed("ipv4-bare", 4, counted=False)),
    2: (
        _fixed("ipv6", 16, counted=True),
        _fixed("ipv6-bare", 16, counted=False),
        _fixed("ipv6-bare-zone", 16, counted=False, zone=True),
        _words,
        _text,
    ),
    3: (_fixed("ipv4z", 4, counted=True, zone=True),),
    4: (_fixed("ipv6z", 16, counted=True, zone=True), _fixed("ipv6z-bare", 16, counted=False)),
}
