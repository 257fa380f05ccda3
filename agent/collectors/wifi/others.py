"""Makers with one small table each: MikroTik CAPsMAN, Extreme (HiPath), Zyxel, ZTE, and access points that stand alone.

No MIB of ZTE's controllers (ZXV10 W900) is public. What four projects that poll such controllers agree about is here:
one row an access point, 6 for one that is on-line. What its other states mean nobody says: they are `unknown`.

UniFi, Aerohive, Cambium and MikroTik access points are asked themselves; UniFi and MikroTik list networks, several of
which share a radio. MikroTik tells the frequency instead of the channel.
"""

from __future__ import annotations

from agent.model.wifi import WifiAps, WifiCell, WifiRadios, WifiSingle, WifiTables, WifiTotal

__all__ = [
    "AEROHIVE_TABLES",
    "CAMBIUM_TABLES",
    "CAPSMAN_TABLES",
    "EXTREME_TABLES",
    "MIKROTIK_TABLES",
    "UNIFI_TABLES",
    "ZTE_TABLES",
    "ZYXEL_TABLES",
]

_MIKROTIK = "1.3.6.1.4.1.14988.1.1.1"
_EXTREME = "1.3.6.1.4.1.4329.15.3"
_EXTREME_AP = f"{_EXTREME}.5.1.2.1"
_ZYXEL = "1.3.6.1.4.1.890.1.15.3.3.1"
_UNIFI = "1.3.6.1.4.1.41112.1.6"
_ZTE = "1.3.6.1.4.1.3902.154.8.11.1.3.1.1"
_ZTE_AP = f"{_ZTE}.3.1.1"
_AEROHIVE = "1.3.6.1.4.1.26928.1"
_CAMBIUM = "1.3.6.1.4.1.17713.21.1"

CAPSMAN_TABLES = WifiTables(
    mib="MIKROTIK-MIB (CAPsMAN)",
    joined=WifiTotal(scalars=(f"{_MIKROTIK}.10",)),
    clients=WifiTotal(scalars=(f"{_MIKROTIK}.6",)),
    aps=WifiAps(
        index=("number",),
        name=WifiCell(oids=(f"{_MIKROTIK}.11.1.2",)),
        state=WifiCell(oids=(f"{_MIKROTIK}.11.1.3",), values={"run": "up"}),
    ),
)
MIKROTIK_TABLES = WifiTables(
    mib="MIKROTIK-MIB",
    single=WifiSingle(),
    radios=WifiRadios(
        channel=WifiCell(oids=(f"{_MIKROTIK}.3.1.7",), decode="megahertz"),
        clients=WifiCell(oids=(f"{_MIKROTIK}.3.1.6",)),
    ),
)
EXTREME_TABLES = WifiTables(
    mib="HIPATH-WIRELESS-HWC-MIB",
    joined=WifiTotal(scalars=(f"{_EXTREME}.5.2.1",)),
    configured=WifiTotal(scalars=(f"{_EXTREME}.5.1.1",)),
    clients=WifiTotal(scalars=(f"{_EXTREME}.6.1",)),
    aps=WifiAps(
        index=("number",),
        name=WifiCell(oids=(f"{_EXTREME_AP}.2",)),
        state=WifiCell(oids=(f"{_EXTREME_AP}.22",), values={"1": "up", "2": "down"}),
        clients=WifiCell(oids=(f"{_EXTREME}.5.2.2.1.14",)),
        location=WifiCell(oids=(f"{_EXTREME_AP}.30",)),
        serial=WifiCell(oids=(f"{_EXTREME_AP}.4",)),
    ),
)
ZYXEL_TABLES = WifiTables(
    mib="ZYXEL-ES-CAPWAP",
    joined=WifiTotal(scalars=(f"{_ZYXEL}.1",)),
    clients=WifiTotal(scalars=(f"{_ZYXEL}.4",)),
)
ZTE_TABLES = WifiTables(
    mib="ZTE ZXV10 W900",
    clients=WifiTotal(scalars=(f"{_ZTE}.1.1.79",)),
    aps=WifiAps(
        index=("number",),
        name=WifiCell(oids=(f"{_ZTE_AP}.11",)),
        state=WifiCell(oids=(f"{_ZTE_AP}.9",), values={"6": "up"}),
        clients=WifiCell(oids=(f"{_ZTE_AP}.123",)),
        model=WifiCell(oids=(f"{_ZTE_AP}.14",)),
        serial=WifiCell(oids=(f"{_ZTE_AP}.12",)),
    ),
)
UNIFI_TABLES = WifiTables(
    mib="UBNT-UniFi-MIB",
    single=WifiSingle(model=WifiCell(oids=(f"{_UNIFI}.3.3",))),
    radios=WifiRadios(
        key=WifiCell(oids=(f"{_UNIFI}.1.2.1.9",)),
        channel=WifiCell(oids=(f"{_UNIFI}.1.2.1.4",)),
        band=WifiCell(
            oids=(f"{_UNIFI}.1.2.1.9",), values={"ng": "2.4 GHz", "na": "5 GHz", "ac": "5 GHz", "6e": "6 GHz"}
        ),
        state=WifiCell(oids=(f"{_UNIFI}.1.2.1.22",), values={"1": "up", "2": "down"}),
        clients=WifiCell(oids=(f"{_UNIFI}.1.2.1.8",)),
    ),
)
AEROHIVE_TABLES = WifiTables(
    mib="AH-SYSTEM-MIB",
    single=WifiSingle(
        name=WifiCell(oids=(f"{_AEROHIVE}.2.1",)),
        clients=WifiCell(oids=(f"{_AEROHIVE}.2.9",)),
        model=WifiCell(oids=(f"{_AEROHIVE}.2.6",)),
        serial=WifiCell(oids=(f"{_AEROHIVE}.2.5",)),
    ),
    radios=WifiRadios(channel=WifiCell(oids=(f"{_AEROHIVE}.1.1.2.1.5.1.1",))),
)
CAMBIUM_TABLES = WifiTables(
    mib="CAMBIUM-PMP80211-MIB",
    single=WifiSingle(clients=WifiCell(oids=(f"{_CAMBIUM}.2.10",))),
    radios=WifiRadios(channel=WifiCell(oids=(f"{_CAMBIUM}.2.1",), decode="megahertz")),
)
