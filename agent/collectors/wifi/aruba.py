"""Aruba: controllers (WLSX-SWITCH-MIB, WLSX-WLAN-MIB) and Instant clusters (AI-AP-MIB).

aiRadioChannel is an OCTET STRING in the MIB; devices answer numbers with the width in the higher bits, or texts.
"""

from __future__ import annotations

from agent.model.wifi import WifiAps, WifiCell, WifiRadios, WifiTables, WifiTotal

__all__ = ["INSTANT_TABLES", "TABLES"]

_SWITCH = "1.3.6.1.4.1.14823.2.2.1.1.3"
_AP = "1.3.6.1.4.1.14823.2.2.1.5.2.1.4.1"
"""wlsxWlanAPEntry."""
_RADIO = "1.3.6.1.4.1.14823.2.2.1.5.2.1.5.1"
"""wlsxWlanRadioEntry."""
_INSTANT_AP = "1.3.6.1.4.1.14823.2.3.3.1.2.1.1"
"""aiAccessPointEntry."""
_INSTANT_RADIO = "1.3.6.1.4.1.14823.2.3.3.1.2.2.1"
"""aiRadioEntry."""

TABLES = WifiTables(
    mib="WLSX-WLAN-MIB",
    joined=WifiTotal(scalars=(f"{_SWITCH}.1",)),
    clients=WifiTotal(scalars=(f"{_SWITCH}.2",)),
    aps=WifiAps(
        index=("mac",),
        name=WifiCell(oids=(f"{_AP}.3",)),
        state=WifiCell(oids=(f"{_AP}.19",), values={"1": "up", "2": "down"}),
        location=WifiCell(oids=(f"{_AP}.14", f"{_AP}.32", f"{_AP}.26")),
        model=WifiCell(oids=(f"{_AP}.13",)),
        serial=WifiCell(oids=(f"{_AP}.6",)),
        group=WifiCell(oids=(f"{_AP}.4",)),
    ),
    radios=WifiRadios(
        index=("mac",),
        ap=WifiCell(oids=(f"{_RADIO}.16",)),
        channel=WifiCell(oids=(f"{_RADIO}.3",)),
        band=WifiCell(oids=(f"{_RADIO}.2",), values={"1": "5 GHz", "2": "2.4 GHz", "3": "2.4 GHz"}),
        clients=WifiCell(oids=(f"{_RADIO}.7",)),
    ),
)
INSTANT_TABLES = WifiTables(
    mib="AI-AP-MIB",
    aps=WifiAps(
        index=("mac",),
        name=WifiCell(oids=(f"{_INSTANT_AP}.2",)),
        state=WifiCell(oids=(f"{_INSTANT_AP}.11",), values={"1": "up", "2": "down"}),
        model=WifiCell(oids=(f"{_INSTANT_AP}.6",)),
        serial=WifiCell(oids=(f"{_INSTANT_AP}.4",)),
    ),
    radios=WifiRadios(
        index=("mac",),
        channel=WifiCell(oids=(f"{_INSTANT_RADIO}.4",), decode="low-octet"),
        state=WifiCell(oids=(f"{_INSTANT_RADIO}.20",), values={"1": "up", "2": "down"}),
        clients=WifiCell(oids=(f"{_INSTANT_RADIO}.21",)),
    ),
)
