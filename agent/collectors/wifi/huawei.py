"""Huawei controllers and access points of their own: HUAWEI-WLAN-AP-MIB, -AP-RADIO-MIB, -GLOBAL-MIB, -VAP-MIB.

A lost access point keeps its row (fault). The controller that waits in a hot-standby pair lists the same ones as
standby, with zeros. There is no text for the location; the group often tells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.model.wifi import WifiAps, WifiCell, WifiRadios, WifiTables, WifiTotal

if TYPE_CHECKING:
    from agent.model.wifi import Spelling

__all__ = ["TABLES"]

_WLAN = "1.3.6.1.4.1.2011.6.139"
_AP = f"{_WLAN}.13.3.3.1"
"""hwWlanApEntry."""
_RADIO = f"{_WLAN}.16.1.2.1"
"""hwWlanRadioInfoEntry."""
_GLOBAL = f"{_WLAN}.12.1"
_SSID = f"{_WLAN}.17.1.2.1"
"""hwWlanSsidStatisticEntry."""

_STATES: dict[str, Spelling] = {
    "1": "unregistered",  # idle
    "2": "unregistered",  # autofind
    "3": "error",  # typeNotMatch
    "4": "down",  # fault
    "5": "joining",  # config
    "6": "error",  # configFailed
    "7": "joining",  # download
    "8": "up",  # normal
    "9": "up",  # committing
    "10": "error",  # commitFailed
    "11": "standby",
    "12": "error",  # verMismatch
    "13": "error",  # nameConflicted
    "14": "error",  # invalid
    "15": "error",  # countryCodeMismatch
}
"""hwWlanApRunState."""

TABLES = WifiTables(
    mib="HUAWEI-WLAN-AP-MIB",
    joined=WifiTotal(scalars=(f"{_GLOBAL}.2.1",)),
    configured=WifiTotal(scalars=(f"{_GLOBAL}.5.7",)),
    clients=WifiTotal(scalars=(f"{_GLOBAL}.2.2",), columns=(f"{_SSID}.2", f"{_SSID}.3")),
    aps=WifiAps(
        index=("mac",),
        name=WifiCell(oids=(f"{_AP}.4",)),
        state=WifiCell(
            oids=(f"{_AP}.6",),
            values=_STATES,
        ),
        clients=WifiCell(oids=(f"{_AP}.44",)),
        model=WifiCell(oids=(f"{_AP}.3",)),
        serial=WifiCell(oids=(f"{_AP}.2",)),
        group=WifiCell(oids=(f"{_AP}.5",)),
    ),
    radios=WifiRadios(
        index=("mac",),
        ap=WifiCell(oids=(f"{_RADIO}.3",)),
        channel=WifiCell(oids=(f"{_RADIO}.7",)),
        band=WifiCell(oids=(f"{_RADIO}.5",), values={"1": "2.4 GHz", "2": "5 GHz", "3": "6 GHz"}),
        state=WifiCell(oids=(f"{_RADIO}.6",), values={"1": "up", "2": "down"}),
        clients=WifiCell(oids=(f"{_RADIO}.40",)),
    ),
)
