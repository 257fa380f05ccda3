"""H3C controllers: HH3C-DOT11-ACMT-MIB and HH3C-DOT11-APMT-MIB, and the same tree under the older number.

hh3cDot11ApBriefInfoTable lists every configured access point under its name; the tables of radios use another
identifier, mostly the serial number, whose name hh3cDot11CurrAPName tells.
"""

from __future__ import annotations

from agent.model.wifi import WifiAps, WifiCell, WifiRadios, WifiTables, WifiTotal

__all__ = ["OLD_TABLES", "TABLES"]


def _tables(mib: str, root: str) -> WifiTables:
    brief, current, radio = f"{root}.2.1.12.1", f"{root}.2.1.2.1", f"{root}.2.1.3.1"
    return WifiTables(
        mib=mib,
        joined=WifiTotal(scalars=(f"{root}.1.1.2.21", f"{root}.1.1.2.1")),
        clients=WifiTotal(scalars=(f"{root}.1.1.2.2", f"{root}.1.1.3.6")),
        aps=WifiAps(
            index=("name",),
            state=WifiCell(oids=(f"{brief}.25",), values={"1": "up", "2": "down"}),
            clients=WifiCell(oids=(f"{brief}.21",)),
            location=WifiCell(oids=(f"{brief}.4",)),
            model=WifiCell(oids=(f"{brief}.3",)),
            serial=WifiCell(oids=(f"{brief}.2",)),
        ),
        radios=WifiRadios(
            index=("serial",),
            names=f"{current}.8",
            channel=WifiCell(oids=(f"{radio}.5",)),
            state=WifiCell(oids=(f"{radio}.25",), values={"1": "up", "2": "down", "4": "down"}),
        ),
    )


TABLES = _tables("HH3C-DOT11-APMT-MIB", "1.3.6.1.4.1.25506.2.75")
OLD_TABLES = _tables("H3C-DOT11-APMT-MIB", "1.3.6.1.4.1.2011.10.2.75")
