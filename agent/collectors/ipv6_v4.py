"""IPv4 beside IPv6: which interfaces of a device have an IPv4 network for terminals, so that a share can be told; pure.

A VLAN without IPv6 shows by nothing in the IPv6 tables. What it is missing from is the list of interfaces that have an
IPv4 network: IP-MIB ipAddressTable (RFC 4293), or ipAddrTable (RFC 1213) of devices that keep IPv4 only there.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from agent.collectors.ipv6_tables import IP_MIB
from agent.model import inet, snmp
from agent.model.exchange import SnmpColumn, SnmpTable

if TYPE_CHECKING:
    from agent.collectors.ipv6_tables import Address, Rows

__all__ = ["FORWARDING_V4", "LONGEST_PREFIX", "OLD_ADDRESSES", "networks", "old_networks"]

FORWARDING_V4: Final = "1.3.6.1.2.1.4.1.0"
"""ipForwarding: forwarding(1), notForwarding(2)."""
OLD_INTERFACE, OLD_MASK = "1.3.6.1.2.1.4.20.1.2", "1.3.6.1.2.1.4.20.1.3"
OLD_ADDRESSES: Final = SnmpTable(columns=(SnmpColumn(oid=OLD_INTERFACE), SnmpColumn(oid=OLD_MASK)))
"""ipAdEntIfIndex, ipAdEntNetMask; the index is the device's own address."""
LONGEST_PREFIX: Final = 29
"""A /30 or /31 joins two routers, a /32 is a loopback: no terminals."""
_USED: Final = frozenset({"global", "private"})


def networks(rows: Rows) -> Counter[str] | None:
    """Return ifIndex -> usable IPv4 addresses with room for terminals; None where the table holds no IPv4 at all."""
    found: Counter[str] = Counter()
    seen = False
    for text, cells in rows.items():
        index = tuple(map(int, text.split(".")))
        address = inet.decode(index) if index[0] in (1, 3) else None
        interface = snmp.number(cells.get(f"{IP_MIB.pointer.rsplit('.', 1)[0]}.3"))
        if address is None or interface is None:
            continue
        seen = True
        row = IP_MIB.described(address, str(interface), cells)
        found[row.interface] += _is_network(row)
    return +found if seen else None


def old_networks(rows: Rows) -> Counter[str] | None:
    """Return the same of ipAddrTable."""
    found: Counter[str] = Counter()
    seen = False
    for text, cells in rows.items():
        address = inet.decode((1, *map(int, text.split("."))))
        interface = snmp.number(cells.get(OLD_INTERFACE))
        if address is None or interface is None:
            continue
        seen = True
        mask = cells.get(OLD_MASK)
        length = sum(octet.bit_count() for octet in mask.value) if mask is not None and len(mask.value) == 4 else None
        found[str(interface)] += address.scope in _USED and (length is None or 0 < length <= LONGEST_PREFIX)
    return +found if seen else None


def _is_network(row: Address) -> bool:
    length = row.prefix_length
    usable = row.status == "usable" and row.found.scope in _USED
    return usable and (length is None or 0 < length <= LONGEST_PREFIX)
