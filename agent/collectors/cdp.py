"""What a device has heard by the Cisco Discovery Protocol (CISCO-CDP-MIB), and how it announces itself.

First capabilities and platform of each neighbour, then names, ports and addresses of those that are no terminals.
A device announces its host name, with its domain or its serial number behind it; neighbours of one device may write it
in different ways, so only the host name stays.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from agent import ber
from agent.collectors.answers import varbinds
from agent.collectors.heard import Heard, Hearing
from agent.collectors.lldp import kind_of
from agent.collectors.ports import LocalPort
from agent.model import snmp
from agent.model.exchange import Answer, SnmpColumn, SnmpGet, SnmpTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.ber import VarBind
    from agent.model.exchange import Holds, Session

__all__ = ["capabilities_of", "device_name", "hear", "names"]

ENTRY = "1.3.6.1.4.1.9.9.23.1.2.1.1"
"""cdpCacheEntry, indexed by cdpCacheIfIndex and cdpCacheDeviceIndex."""
ADDRESS_TYPE, ADDRESS, DEVICE, PORT = f"{ENTRY}.3", f"{ENTRY}.4", f"{ENTRY}.6", f"{ENTRY}.7"
PLATFORM, CAPABILITIES = f"{ENTRY}.8", f"{ENTRY}.9"
KINDS = SnmpTable(
    columns=(SnmpColumn(oid=CAPABILITIES), SnmpColumn(oid=PLATFORM, holds="identifier"), SnmpColumn(oid=ADDRESS_TYPE)),
    max_rows=2_000,
)
INTERFACE_NAME = "1.3.6.1.4.1.9.9.23.1.1.1.1.6"
"""cdpInterfaceName, by cdpInterfaceIfIndex."""
RUN, DEVICE_ID = "1.3.6.1.4.1.9.9.23.1.3.1.0", "1.3.6.1.4.1.9.9.23.1.3.4.0"
"""cdpGlobalRun, cdpGlobalDeviceId."""
IP, IPV6 = 1, 20
"""CiscoNetworkProtocol."""

BITS = (
    *((0x01, "router"), (0x02, "bridge"), (0x04, "bridge"), (0x08, "bridge"), (0x10, "station")),
    *((0x40, "repeater"), (0x80, "telephone"), (0x400, "two-port-relay")),
)
"""Capabilities TLV: router, transparent bridge, source-route bridge, switch, host, repeater, phone, two-port MAC relay;
in the words of LLDP. Bits for IGMP, remote management and cameras say nothing about the network."""
PLATFORMS = (
    (re.compile(r"\bAIR-(?!CT)|\bC91\d\d[A-Z]*X|\bCBW\d|\bUAP|\bMR\d\d\b"), "access-point"),
    (re.compile(r"^VMware|^Linux|^Microsoft"), "station"),
)
"""What capabilities leave open: access points announce themselves as bridges, hypervisors as switches."""
_SERIAL = re.compile(r"\([^()]*\)$")
_DOMAIN = re.compile(r"^([^.\s]*[A-Za-z][^.\s]*)\..+$")


async def hear(session: Session, *, alone: bool) -> Hearing:
    """Return the neighbours of the CDP cache.

    Args:
        session: the conversation.
        alone: no other protocol told anything: it is worth a request whether the device speaks CDP at all.

    Raises:
        GapError: the device does not answer, or refuses.
    """
    walked = await session.ask(KINDS)
    rows = {index: row for index, row in snmp.rows(varbinds(walked), KINDS).items() if index.count(".") == 1}
    complete = not varbinds(walked).partial
    own = await _own(session) if rows or alone else {}
    if not rows:
        return Hearing("cdp", walked, complete=complete, own=own)
    kinds = {index: capabilities_of(row.get(CAPABILITIES), _text(row.get(PLATFORM))) for index, row in rows.items()}
    asked = [pair for index, found in kinds.items() for pair in _identifying(index, kind_of(found))]
    oids = tuple(oid for oid, _ in asked)
    identified = await session.ask(SnmpGet(oids=oids, holds=tuple(holds for _, holds in asked)))
    cells = snmp.scalars(varbinds(identified), oids)
    heard = tuple(_heard(index, kinds[index], snmp.number(row.get(ADDRESS_TYPE)), cells) for index, row in rows.items())
    return Hearing("cdp", walked, complete=complete, heard=heard, identified=identified, own=own)


async def names(numbers: Sequence[str], session: Session) -> tuple[dict[str, LocalPort], Answer]:
    """Return how the device calls the interfaces of these numbers in its CDP tables."""
    oids = tuple(f"{INTERFACE_NAME}.{number}" for number in numbers)
    answer = await session.ask(SnmpGet(oids=oids, holds=tuple("identifier" for _ in oids)))
    found = snmp.scalars(varbinds(answer), oids)
    cells = {number: found[f"{INTERFACE_NAME}.{number}"] for number in numbers}
    return {number: LocalPort(None, cell.value, "") for number, cell in cells.items() if cell is not None}, answer


def capabilities_of(varbind: VarBind | None, platform: str = "") -> tuple[str, ...]:
    """Return what a neighbour announces, in the words of LLDP, completed by what its platform is known to be.

    The four octets are in network order; some agents send them the other way round.
    """
    found: dict[str, None] = {}
    if varbind is not None:
        octets = varbind.value
        reverse = varbind.tag == ber.OCTET_STRING and len(octets) == 4 and octets[0] and not any(octets[2:])
        bits = int.from_bytes(octets, "little" if reverse else "big")
        found = {word: None for bit, word in BITS if bits & bit}
    for pattern, word in PLATFORMS:
        if pattern.search(platform):
            if word == "station":
                return (word,)
            found[word] = None
    return tuple(found)


def device_name(text: str) -> str:
    """Return the host name in a Device-ID: without the serial number in brackets, and without a domain."""
    plain = _SERIAL.sub("", text).strip()
    match = _DOMAIN.fullmatch(plain)
    return match[1] if match else plain


async def _own(session: Session) -> dict[str, tuple[str, tuple[Answer, ...]]]:
    answer = await session.ask(SnmpGet(oids=(RUN, DEVICE_ID), holds=(None, "identifier")))
    found = snmp.scalars(varbinds(answer), (RUN, DEVICE_ID))
    name = device_name(_text(found[DEVICE_ID]))
    if name and snmp.number(found[RUN]) in {1, None}:
        return {"neighbours.name": (name, (answer,))}
    return {}


def _identifying(index: str, kind: str) -> list[tuple[str, Holds | None]]:
    """Return what is asked of a neighbour, and what each answer holds."""
    if kind in {"telephone", "station"}:
        return [(f"{DEVICE}.{index}", "name")]
    return [(f"{DEVICE}.{index}", "identifier"), (f"{PORT}.{index}", "identifier"), (f"{ADDRESS}.{index}", None)]


def _heard(
    index: str, capabilities: tuple[str, ...], address_type: int | None, cells: Mapping[str, VarBind | None]
) -> Heard:
    kind = kind_of(capabilities)
    device = _text(cells.get(f"{DEVICE}.{index}"))
    address = cells.get(f"{ADDRESS}.{index}")
    terminal = kind in {"telephone", "station"}
    name = "" if terminal else device_name(device)
    return Heard(
        number=index.partition(".")[0],
        kind=kind,
        capabilities=capabilities,
        chassis=device if terminal else name,
        remote_port=_text(cells.get(f"{PORT}.{index}")),
        name=name,
        addresses=_address(address_type, address.value if address is not None else b""),
    )


def _address(kind: int | None, value: bytes) -> tuple[str, ...]:
    if (kind, len(value)) not in {(IP, 4), (IPV6, 16)} or not any(value):
        return ()
    return (str(ipaddress.ip_address(value)),)


def _text(varbind: VarBind | None) -> str:
    return snmp.text(varbind.value) if varbind is not None and varbind.tag == ber.OCTET_STRING else ""
