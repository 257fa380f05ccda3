"""Fortinet: FortiGate as a controller (FORTINET-FORTIGATE-MIB) and FortiWLC, once Meru (MERU-CONFIG-AP-MIB).

A FortiGate indexes by virtual domain and identifier, which is the serial number; its own table of sessions keeps the
access points that are off-line.
"""

from __future__ import annotations

from agent.model.wifi import WifiAps, WifiCell, WifiRadios, WifiTables, WifiTotal

__all__ = ["FORTIGATE_TABLES", "MERU_TABLES"]

_WC = "1.3.6.1.4.1.12356.101.14"
_CONFIG = f"{_WC}.4.3.1"
_SESSION = f"{_WC}.4.4.1"
_RADIO = f"{_WC}.4.5.1"
_MERU = "1.3.6.1.4.1.15983.1.1"
_MERU_AP = f"{_MERU}.4.2.1.1"

FORTIGATE_TABLES = WifiTables(
    mib="FORTINET-FORTIGATE-MIB",
    joined=WifiTotal(scalars=(f"{_WC}.2.5",)),
    configured=WifiTotal(scalars=(f"{_WC}.2.4",)),
    clients=WifiTotal(scalars=(f"{_WC}.2.7",)),
    aps=WifiAps(
        index=("number", "serial"),
        name=WifiCell(oids=(f"{_CONFIG}.3",)),
        state=WifiCell(
            oids=(f"{_SESSION}.7",),
            values={"1": "down", "2": "up", "3": "joining", "4": "joining", "5": "standby"},
        ),
        clients=WifiCell(oids=(f"{_SESSION}.17",)),
        location=WifiCell(oids=(f"{_CONFIG}.4",)),
        model=WifiCell(oids=(f"{_SESSION}.12",)),
    ),
    radios=WifiRadios(
        index=("number", "serial"),
        channel=WifiCell(oids=(f"{_RADIO}.7",)),
        clients=WifiCell(oids=(f"{_RADIO}.9",)),
    ),
)
MERU_TABLES = WifiTables(
    mib="MERU-CONFIG-AP-MIB",
    joined=WifiTotal(scalars=(f"{_MERU}.3.1.13.9",)),
    clients=WifiTotal(scalars=(f"{_MERU}.3.1.13.11",)),
    aps=WifiAps(
        index=("number",),
        name=WifiCell(oids=(f"{_MERU_AP}.2",)),
        state=WifiCell(
            oids=(f"{_MERU_AP}.27",),
            values={"1": "down", "2": "down", "3": "up", "4": "error", "5": "error", "6": "unregistered"},
        ),
        location=WifiCell(oids=(f"{_MERU_AP}.8",)),
    ),
)
