"""Cisco controllers, AireOS, Mobility Express and IOS XE alike: AIRESPACE-WIRELESS-MIB with CISCO-LWAPP-AP-MIB.

Both index by the MAC of the access point's radios. A lost access point has no row any more. The states of a radio are
the other way round than everybody else's: 1 is down.
"""

from __future__ import annotations

from agent.model.wifi import WifiAps, WifiCell, WifiRadios, WifiTables, WifiTotal

__all__ = ["TABLES"]

_AP = "1.3.6.1.4.1.14179.2.2.1.1"
"""bsnAPEntry."""
_RADIO = "1.3.6.1.4.1.14179.2.2.2.1"
"""bsnAPIfEntry."""
_LWAPP = "1.3.6.1.4.1.9.9.513.1"

TABLES = WifiTables(
    mib="AIRESPACE-WIRELESS-MIB",
    joined=WifiTotal(scalars=("1.3.6.1.4.1.9.9.618.1.8.4", f"{_LWAPP}.3.35")),
    clients=WifiTotal(columns=("1.3.6.1.4.1.14179.2.1.1.1.38",), index=("number",)),
    aps=WifiAps(
        index=("mac",),
        name=WifiCell(oids=(f"{_AP}.3", f"{_LWAPP}.1.1.1.5")),
        state=WifiCell(oids=(f"{_AP}.6",), values={"1": "up", "2": "down", "3": "joining"}),
        clients=WifiCell(oids=(f"{_LWAPP}.1.1.1.54",)),
        location=WifiCell(oids=(f"{_AP}.4", f"{_LWAPP}.1.1.1.49")),
        model=WifiCell(oids=(f"{_AP}.16",)),
        serial=WifiCell(oids=(f"{_AP}.17",)),
    ),
    radios=WifiRadios(
        index=("mac",),
        channel=WifiCell(oids=(f"{_RADIO}.4",)),
        band=WifiCell(oids=(f"{_RADIO}.2",), values={"1": "2.4 GHz", "2": "5 GHz", "6": "6 GHz"}),
        state=WifiCell(oids=(f"{_RADIO}.12",), values={"1": "down", "2": "up"}),
        clients=WifiCell(oids=(f"{_RADIO}.15",)),
    ),
)
