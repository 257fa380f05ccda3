"""Ruckus: SmartZone (RUCKUS-SZ-WLAN-MIB), ZoneDirector (RUCKUS-ZD-WLAN-MIB), Unleashed (RUCKUS-UNLEASHED-SYSTEM-MIB).

SmartZone counts the connected access points per node of its cluster (RUCKUS-CTRL-MIB), under the node's serial number.
"""

from __future__ import annotations

from agent.model.wifi import WifiAps, WifiCell, WifiTables, WifiTotal

__all__ = ["SMARTZONE_TABLES", "UNLEASHED_TABLES", "ZONEDIRECTOR_TABLES"]

_RUCKUS = "1.3.6.1.4.1.25053.1"
_SZ = f"{_RUCKUS}.4.1.1.1.15"
_SZ_AP = f"{_RUCKUS}.4.2.1.1.2.2.1"
_ZD = f"{_RUCKUS}.2.1.1.1.15"
_ZD_AP = f"{_RUCKUS}.2.2.1.1.2.1.1"
_UNLEASHED = f"{_RUCKUS}.15.1.1.1.15"

SMARTZONE_TABLES = WifiTables(
    mib="RUCKUS-SZ-WLAN-MIB",
    joined=WifiTotal(columns=(f"{_RUCKUS}.8.1.1.1.1.1.1.19",), index=("serial",)),
    configured=WifiTotal(scalars=(f"{_SZ}.1",)),
    clients=WifiTotal(scalars=(f"{_SZ}.2",)),
    aps=WifiAps(
        index=("mac",),
        name=WifiCell(oids=(f"{_SZ_AP}.5",)),
        state=WifiCell(
            oids=(f"{_SZ_AP}.16",),
            values={"connect": "up", "connected": "up", "disconnect": "down", "disconnected": "down"},
        ),
        clients=WifiCell(oids=(f"{_SZ_AP}.15",)),
        location=WifiCell(oids=(f"{_SZ_AP}.19",)),
        model=WifiCell(oids=(f"{_SZ_AP}.8",)),
        serial=WifiCell(oids=(f"{_SZ_AP}.9",)),
        group=WifiCell(oids=(f"{_SZ_AP}.2",)),
    ),
)
ZONEDIRECTOR_TABLES = WifiTables(
    mib="RUCKUS-ZD-WLAN-MIB",
    joined=WifiTotal(scalars=(f"{_ZD}.1",)),
    configured=WifiTotal(scalars=(f"{_ZD}.15",)),
    clients=WifiTotal(scalars=(f"{_ZD}.2",)),
    aps=WifiAps(
        index=("mac",),
        name=WifiCell(oids=(f"{_ZD_AP}.2",)),
        state=WifiCell(
            oids=(f"{_ZD_AP}.3",),
            values={"0": "down", "1": "up", "2": "unregistered", "3": "joining", "4": "joining"},
        ),
        clients=WifiCell(oids=(f"{_ZD_AP}.15",)),
        model=WifiCell(oids=(f"{_ZD_AP}.4",)),
        serial=WifiCell(oids=(f"{_ZD_AP}.5",)),
    ),
)
UNLEASHED_TABLES = WifiTables(
    mib="RUCKUS-UNLEASHED-SYSTEM-MIB",
    joined=WifiTotal(scalars=(f"{_UNLEASHED}.1",)),
    configured=WifiTotal(scalars=(f"{_UNLEASHED}.15",)),
    clients=WifiTotal(scalars=(f"{_UNLEASHED}.2",)),
)
