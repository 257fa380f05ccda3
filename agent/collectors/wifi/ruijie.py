"""Ruijie controllers (RUIJIE-AC-MGMT-MIB) and FS ones of the same make (FS-AC-MGMT-MIB): one tree under two numbers.

fsApGeneralCfgTable lists access points on-line and off-line; older software has only fsApCfgTable, which forgets the
lost ones, and fsApOfflineTable, which holds them.
"""

from __future__ import annotations

from agent.model.wifi import WifiAps, WifiCell, WifiRadios, WifiTables, WifiTotal

__all__ = ["FS_TABLES", "TABLES"]


def _tables(mib: str, enterprise: str) -> WifiTables:
    root = f"{enterprise}.1.1.10.2.56"
    general, config, radio = f"{root}.2.1.8.1", f"{root}.2.1.1.1", f"{root}.2.1.2.1"
    return WifiTables(
        mib=mib,
        joined=WifiTotal(scalars=(f"{root}.1.1.11",)),
        configured=WifiTotal(scalars=(f"{root}.1.1.81",)),
        clients=WifiTotal(scalars=(f"{root}.1.1.15",)),
        aps=WifiAps(
            index=("mac",),
            name=WifiCell(oids=(f"{general}.2", f"{config}.2")),
            state=WifiCell(oids=(f"{general}.3", f"{config}.48"), values={"1": "up", "2": "down"}),
            clients=WifiCell(oids=(f"{general}.15", f"{config}.34")),
            location=WifiCell(oids=(f"{general}.10", f"{config}.12")),
            model=WifiCell(oids=(f"{config}.39",)),
            serial=WifiCell(oids=(f"{config}.32",)),
            group=WifiCell(oids=(f"{config}.3",)),
            lost=f"{root}.2.1.5.1.2",
        ),
        radios=WifiRadios(
            index=("mac",),
            channel=WifiCell(oids=(f"{radio}.11",)),
            band=WifiCell(oids=(f"{radio}.13",), values={"1": "2.4 GHz", "2": "5 GHz"}),
            state=WifiCell(oids=(f"{radio}.2",), values={"1": "up", "0": "down"}),
        ),
    )


TABLES = _tables("RUIJIE-AC-MGMT-MIB", "1.3.6.1.4.1.4881")
FS_TABLES = _tables("FS-AC-MGMT-MIB", "1.3.6.1.4.1.52642")
