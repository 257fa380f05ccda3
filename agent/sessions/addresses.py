"""Pseudonyms of IP addresses: family, scope and network stay, the terminal in it becomes its pseudonym.

- IPv4: the /24 stays; the last octet goes through a permutation that the key and the /24 choose. A permutation, because
  256 addresses have no room for a hash: two rows of a table must not become one.
- IPv6: the /64 stays; the interface identifier becomes 64 bits of HMAC-SHA256 over the whole address. Of an IPv4-mapped
  address the last octet is treated as in IPv4.
- Addresses of no one stay: unspecified, loopback, multicast; but the solicited-node groups, which carry the last 24
  bits of a terminal's address, keep only their prefix.

In an index the shape stays, so that a collector decodes it by the same rule. What is declared an address to the end of
the index and decodes in no shape, or in several, is replaced whole by a value of the unknown type: nothing says which
part of it is personal.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from agent.model import inet

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.model.exchange import Holds

    Mix = Callable[[str, bytes], bytes]
    """A keyed hash: purpose and value to 32 octets."""

__all__ = ["address", "index_tail"]

_NODE_GROUPS = (bytes.fromhex("ff02000000000000000000 01ff"), bytes.fromhex("ff02000000000000000000 02ff"))
"""Solicited-node (RFC 4291 §2.7.1) and node-information (RFC 4620 §5) groups, /104."""
_WIDTHS: dict[Holds, int] = {"ip4": 4, "ip6": 16, "mac": 6}
_UNKNOWN = 0
"""InetAddressType unknown: no shape of an address."""


def address(value: bytes, mix: Mix) -> bytes:
    """Return what stands for 4 or 16 octets."""
    if len(value) == 4:
        return value if _of_no_one(value) else _ip4(value, mix)
    if value[:13] in _NODE_GROUPS:
        return value[:13] + mix("ip6", value)[:3]
    if _of_no_one(value):
        return value
    if inet.scope_of(value) == "ipv4-mapped":
        return value[:12] + address(value[12:], mix)
    return value[:8] + mix("ip6", value)[:8]


def index_tail(holds: Holds, sub_ids: Sequence[int], mix: Mix, mac: Callable[[bytes], bytes]) -> list[int]:
    """Return what stands for the rest of an index that is declared to hold an address.

    Args:
        holds: `inet`, or `ip4`, `ip6` and `mac`, which may have their length in front.
        sub_ids: from the address to the end.
        mix: the campus's keyed hash.
        mac: gives the pseudonym of six octets.
    """
    if holds == "inet" and (found := inet.decode(sub_ids)) is not None:
        return list(inet.encode(found, address(found.address, mix)))
    width = _WIDTHS.get(holds, 0)
    head, octets = sub_ids[:-width], sub_ids[-width:]
    if width and len(octets) == width and list(head) in ([], [width]) and max(octets) <= 255:
        shown = mac(bytes(octets)) if holds == "mac" else address(bytes(octets), mix)
        return [*head, *shown]
    return [_UNKNOWN, 8, *mix(holds, b"".join(part.to_bytes(5, "big") for part in sub_ids))[:8]]


def _of_no_one(value: bytes) -> bool:
    if inet.scope_of(value) in {"unspecified", "loopback", "multicast"}:
        return True
    return len(value) == 4 and (value[0] == 0 or value[0] >= 240)


def _ip4(value: bytes, mix: Mix) -> bytes:
    return value[:3] + bytes([_permutation(value[:3], mix)[value[3]]])


@lru_cache(maxsize=4096)
def _permutation(network: bytes, mix: Mix) -> bytes:
    """Return where each last octet of a /24 goes: octets in the order of their keyed hashes."""
    return bytes(sorted(range(256), key=lambda octet: mix("ip4", network + bytes([octet]))))
