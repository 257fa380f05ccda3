"""Wi-Fi: access points, their state, place, model, clients and radios, as the controller or the access point tells.

The tables of a family (`wifi:` in its pack) are asked if it has some; else the enterprise number of sysObjectID says
which of the MIBs below are tried, a device without one is tried with all, and at last the standard MIB of a single
access point. The first that lists access points decides; the MACs of clients are never asked for.

Adding a MIB: one module with its `WifiTables`, one line in `TABLES`, its enterprise in `ENTERPRISES`. Or none of it:
the same words in a family pack.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.collectors.wifi import aruba, cisco, dot11, fortinet, h3c, huawei, others, ruckus, ruijie
from agent.collectors.wifi.readings import readings_of
from agent.collectors.wifi.rooms import placed
from agent.collectors.wifi.tables import read
from agent.errors import GapError
from agent.model import snmp
from agent.model.exchange import GapReason, SnmpGet, VarBinds

if TYPE_CHECKING:
    from agent.collectors.wifi.inventory import Inventory
    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.model.exchange import Answer, Session
    from agent.model.reading import Reading
    from agent.model.wifi import WifiTables

__all__ = ["ENTERPRISES", "TABLES", "collect"]

SYS_OBJECT_ID = "1.3.6.1.2.1.1.2.0"

TABLES = {
    "huawei": huawei.TABLES,
    "h3c": h3c.TABLES,
    "h3c-old": h3c.OLD_TABLES,
    "ruijie": ruijie.TABLES,
    "fs": ruijie.FS_TABLES,
    "aruba": aruba.TABLES,
    "aruba-instant": aruba.INSTANT_TABLES,
    "cisco": cisco.TABLES,
    "ruckus-smartzone": ruckus.SMARTZONE_TABLES,
    "ruckus-zonedirector": ruckus.ZONEDIRECTOR_TABLES,
    "ruckus-unleashed": ruckus.UNLEASHED_TABLES,
    "fortigate": fortinet.FORTIGATE_TABLES,
    "meru": fortinet.MERU_TABLES,
    "mikrotik-capsman": others.CAPSMAN_TABLES,
    "mikrotik": others.MIKROTIK_TABLES,
    "extreme": others.EXTREME_TABLES,
    "zyxel": others.ZYXEL_TABLES,
    "zte": others.ZTE_TABLES,
    "unifi": others.UNIFI_TABLES,
    "aerohive": others.AEROHIVE_TABLES,
    "cambium": others.CAMBIUM_TABLES,
}

ENTERPRISES = {
    9: ("cisco",),
    890: ("zyxel",),
    2011: ("huawei", "h3c-old"),
    3902: ("zte",),
    4329: ("extreme",),
    4881: ("ruijie",),
    8072: ("unifi",),
    10002: ("unifi",),
    12356: ("fortigate", "meru"),
    14179: ("cisco",),
    14823: ("aruba", "aruba-instant"),
    14988: ("mikrotik-capsman", "mikrotik"),
    15983: ("meru",),
    17713: ("cambium",),
    25053: ("ruckus-smartzone", "ruckus-zonedirector", "ruckus-unleashed"),
    25506: ("h3c",),
    26928: ("aerohive",),
    41112: ("unifi",),
    52642: ("fs", "ruijie"),
}
"""Enterprise number of sysObjectID (net-snmp's 8072 too: UniFi keeps it) -> what is tried, in order."""
_ENTERPRISES_ROOT = "1.3.6.1.4.1."


async def collect(asset: Asset, campus: Campus, session: Session) -> list[Reading]:
    """Read the access points that the asset manages or is.

    Raises:
        GapError: the device does not answer, refuses, or knows nothing of access points.
    """
    inventory, last = await _inventory(asset, session)
    if inventory is None:
        raise _nothing(asset, last)
    return readings_of(asset, inventory, placed(inventory.aps, asset, campus))


async def _inventory(asset: Asset, session: Session) -> tuple[Inventory | None, Answer | None]:
    """Return what tells most, and the last answer."""
    if asset.wifi is not None:
        found = await read(asset.wifi, session, itself=asset.id)
        return (None if found.is_empty else found), found.answers[-1] if found.answers else None
    asked = await session.ask(SnmpGet(oids=(SYS_OBJECT_ID,)))
    best: Inventory | None = None
    for tables in _candidates(asked):
        found = await read(tables, session, itself=asset.id)
        if not found.is_empty and (best is None or found.weight > best.weight):
            best = found
        if best is not None and best.weight == 2:
            return best, asked
    if best is None:
        single = await dot11.read(session, itself=asset.id)
        asked = single.answers[-1]
        best = None if single.is_empty else single
    return best, asked


def _candidates(asked: Answer) -> tuple[WifiTables, ...]:
    answer = asked.response
    if not isinstance(answer, VarBinds):
        raise GapError(GapReason.MALFORMED, "an SNMP request was answered by {op}", op=answer.op)
    object_id = snmp.oid(snmp.scalars(answer, (SYS_OBJECT_ID,))[SYS_OBJECT_ID])
    if object_id is None:
        return tuple(TABLES.values())
    enterprise = object_id.removeprefix(_ENTERPRISES_ROOT).split(".")[0]
    return tuple(TABLES[name] for name in ENTERPRISES.get(int(enterprise), ()))


def _nothing(asset: Asset, answer: Answer | None) -> GapError:
    error = GapError(
        GapReason.UNSUPPORTED,
        "the device answers but shows no access points",
        where=asset.id,
        todo="Allow the whole view 1.3.6.1 for this community or user, or give its family a section wifi",
    )
    if answer is not None:
        error.source, error.at = answer.source, answer.at
    return error
