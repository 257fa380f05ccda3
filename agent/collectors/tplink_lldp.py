"""What a TP-Link switch has heard by LLDP, where it shows that in its own MIB only (TPLINK-LLDPINFO-MIB).

Everything is text there: the types of identifiers and the capabilities by name, addresses as they are printed.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from agent.collectors.answers import varbinds
from agent.collectors.heard import Heard, Hearing
from agent.collectors.lldp import kind_of
from agent.model import snmp
from agent.model.exchange import SnmpColumn, SnmpGet, SnmpTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.ber import VarBind
    from agent.model.exchange import Holds, Session

__all__ = ["hear"]

ENTRY = "1.3.6.1.4.1.11863.6.35.1.2.2.1"
"""lldpNeighborInfoEntry, indexed by ifIndex and lldpNeighborPortIndexId."""
CHASSIS_TYPE, CHASSIS, PORT_TYPE, PORT = f"{ENTRY}.3", f"{ENTRY}.4", f"{ENTRY}.5", f"{ENTRY}.6"
DESCRIPTION, NAME, ENABLED, ADDRESS = f"{ENTRY}.8", f"{ENTRY}.9", f"{ENTRY}.12", f"{ENTRY}.13"
KINDS = SnmpTable(
    columns=(SnmpColumn(oid=CHASSIS_TYPE), SnmpColumn(oid=PORT_TYPE), SnmpColumn(oid=ENABLED)), max_rows=2_000
)
WORDS = (
    *(("wlan", "access-point"), ("bridge", "bridge"), ("router", "router"), ("repeater", "repeater")),
    *(("telephone", "telephone"), ("docsis", "docsis"), ("station", "station"), ("other", "other")),
)
"""How the switch prints capabilities, in lower case, and the words of `lldp`."""


async def hear(session: Session) -> Hearing:
    """Return the neighbours in the switch's own table.

    Raises:
        GapError: the device does not answer, or refuses.
    """
    walked = await session.ask(KINDS)
    rows = {index: row for index, row in snmp.rows(varbinds(walked), KINDS).items() if index.count(".") == 1}
    complete = not varbinds(walked).partial
    if not rows:
        return Hearing("tp-link", walked, complete=complete)
    kinds = {index: _capabilities(row.get(ENABLED)) for index, row in rows.items()}
    asked = [pair for index, row in rows.items() for pair in _identifying(index, row, kind_of(kinds[index]))]
    oids = tuple(oid for oid, _ in asked)
    identified = await session.ask(SnmpGet(oids=oids, holds=tuple(holds for _, holds in asked)))
    cells = snmp.scalars(varbinds(identified), oids)
    heard = tuple(_heard(index, kinds[index], cells) for index in rows)
    return Hearing("tp-link", walked, complete=complete, heard=heard, identified=identified)


def _identifying(index: str, row: Mapping[str, VarBind], kind: str) -> list[tuple[str, Holds]]:
    """Return what is asked of a neighbour, and what each answer holds."""
    chassis = f"{CHASSIS}.{index}"
    mac = "mac" in _text(row.get(CHASSIS_TYPE)).lower()
    if kind in {"telephone", "station"}:
        return [(chassis, "mac" if mac else "name")]
    port: Holds = "mac" if "mac" in _text(row.get(PORT_TYPE)).lower() else "identifier"
    return [
        (chassis, "mac" if mac else "identifier"),
        (f"{PORT}.{index}", port),
        *((f"{column}.{index}", "identifier") for column in (DESCRIPTION, NAME, ADDRESS)),
    ]


def _heard(index: str, capabilities: tuple[str, ...], cells: Mapping[str, VarBind | None]) -> Heard:
    def text(column: str) -> str:
        return _text(cells.get(f"{column}.{index}"))

    chassis = text(CHASSIS)
    return Heard(
        number=index.partition(".")[0],
        kind=kind_of(capabilities),
        capabilities=capabilities,
        # other devices show the same address in lower case
        chassis=chassis.lower() if chassis.count(":") == 5 else chassis,
        remote_port=text(PORT),
        remote_description=text(DESCRIPTION),
        name=text(NAME),
        addresses=_address(cells.get(f"{ADDRESS}.{index}")),
    )


def _capabilities(varbind: VarBind | None) -> tuple[str, ...]:
    printed = _text(varbind).lower()
    return tuple(word for text, word in WORDS if text in printed)


def _address(varbind: VarBind | None) -> tuple[str, ...]:
    """Return the management address: four octets as the MIB says, or text, IPv4 also as `::192.0.2.1`."""
    if varbind is None:
        return ()
    printed = _text(varbind).removeprefix("::") if len(varbind.value) != 4 else ""
    try:
        address = ipaddress.ip_address(printed or varbind.value)
    except ValueError:
        return ()
    return () if address.is_unspecified else (str(address),)


def _text(varbind: VarBind | None) -> str:
    return snmp.text(varbind.value) if varbind is not None else ""
