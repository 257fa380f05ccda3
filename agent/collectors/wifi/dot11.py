"""Access points that no other module knows: wireless interfaces of IF-MIB, channels of IEEE802dot11-MIB.

A device with interfaces of type ieee80211 (71) is taken as an access point. An interface that the radio tables know is
a radio; where they are missing, each such interface is, though several may share one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.collectors.answers import varbinds
from agent.collectors.wifi import cells
from agent.collectors.wifi.inventory import AccessPoint, Inventory, Radio, with_keys
from agent.model import snmp
from agent.model.exchange import SnmpColumn, SnmpTable
from agent.model.wifi import WifiCell

if TYPE_CHECKING:
    from agent.model.exchange import Session

__all__ = ["read"]

TYPE, STATUS = "1.3.6.1.2.1.2.2.1.3", "1.3.6.1.2.1.2.2.1.8"
"""ifType, ifOperStatus."""
IEEE80211 = 71
STATES = {1: "up", 2: "down", 7: "down"}
CHANNEL = WifiCell(oids=("1.2.840.10036.4.5.1.1", "1.2.840.10036.4.11.1.1"))
"""dot11CurrentChannel (2.4 GHz), dot11CurrentFrequency (5 GHz; in spite of its name the channel)."""


async def read(session: Session, *, itself: str) -> Inventory:
    """Return the device as one access point; empty if it has no wireless interface.

    Raises:
        GapError: the device does not answer.
    """
    walked = await session.ask(SnmpTable(columns=(SnmpColumn(oid=TYPE),)))
    types = snmp.rows(varbinds(walked), SnmpTable(columns=(SnmpColumn(oid=TYPE),)))
    wireless = [index for index, row in types.items() if snmp.number(row.get(TYPE)) == IEEE80211]
    if not wireless:
        return Inventory("IEEE802dot11-MIB", (walked,))
    asked = SnmpTable(columns=tuple(SnmpColumn(oid=oid) for oid in (STATUS, *CHANNEL.oids)))
    answer = await session.ask(asked)
    rows = snmp.rows(varbinds(answer), asked)
    channels = {index: cells.channel(CHANNEL, rows.get(index, {}))[0] for index in wireless}
    known = [index for index in wireless if channels[index] is not None] or wireless
    radios = tuple(
        Radio(
            key=index,
            answers=(answer,),
            channel=channels[index],
            band=cells.band_of(channels[index]),
            state=STATES.get(snmp.number(rows.get(index, {}).get(STATUS)) or 0, cells.UNKNOWN),
        )
        for index in known
    )
    ap = AccessPoint("", (walked, answer), name=itself, state="up", radios=radios)
    return Inventory("IEEE802dot11-MIB", (walked, answer), aps=with_keys([ap]), has_table=True)
