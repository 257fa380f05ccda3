"""Where makers keep serial number, firmware and model outside ENTITY-MIB, by sysObjectID; data.

Sources: oids.json (from the makers' MIBs), and recordings of real devices, in which these objects hold what other
systems know of the device. The objects of Huawei and Ruijie also from published MIBs (HUAWEI-DEVICE-EXT-MIB,
HUAWEI-ENTITY-EXTENT-MIB, RUIJIE-SYSTEM-MIB). H3C, Cisco, Aruba and many others use ENTITY-MIB alone; ZTE and Maipu give
version and model in sysDescr.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["OBJECTS", "Objects", "objects_of"]

_E = "1.3.6.1.4.1"
_UPS = "1.3.6.1.2.1.33.1.1"
"""UPS-MIB upsIdent."""


class Objects(NamedTuple):
    """Instances of one maker's MIB; empty for what it does not have."""

    prefixes: tuple[str, ...]
    """Of sysObjectID."""
    serial: str = ""
    firmware: str = ""
    model: str = ""


_HIKVISION = Objects((f"{_E}.39165", f"{_E}.50001"), f"{_E}.50001.1.3.0", f"{_E}.39165.1.3.0", f"{_E}.39165.1.1.0")
_SYNOLOGY = Objects((f"{_E}.6574",), f"{_E}.6574.1.5.2.0", f"{_E}.6574.1.5.3.0", f"{_E}.6574.1.5.1.0")
_UNIFI = Objects((f"{_E}.41112",), "", f"{_E}.41112.1.6.3.6.0", f"{_E}.41112.1.6.3.3.0")

OBJECTS = (
    # switches and routers
    Objects((f"{_E}.2011",), f"{_E}.2011.5.25.188.1.1.0", "", f"{_E}.2011.5.25.31.6.5.0"),
    Objects((f"{_E}.4881",), f"{_E}.4881.1.1.10.2.1.1.24.0", f"{_E}.4881.1.1.10.2.1.1.2.0"),
    Objects((f"{_E}.52642.1",), f"{_E}.52642.1.1.10.2.1.1.24.0", f"{_E}.52642.1.1.10.2.1.1.2.0"),
    Objects((f"{_E}.52642.2",), f"{_E}.52642.2.1.45.1.1.3.1.10.1", f"{_E}.52642.2.1.45.1.1.3.1.6.1"),
    Objects((f"{_E}.11863",), f"{_E}.11863.6.1.1.8.0", f"{_E}.11863.6.1.1.6.0", f"{_E}.11863.6.1.1.5.0"),
    Objects((f"{_E}.3320",), f"{_E}.3320.3.6.10.1.4.0", f"{_E}.3320.3.6.10.1.6.0", f"{_E}.3320.3.6.10.1.3.0"),
    Objects((f"{_E}.8886",), f"{_E}.8886.6.1.1.1.14.0", f"{_E}.8886.6.1.1.1.1.0", f"{_E}.8886.6.1.1.1.2.0"),
    Objects((f"{_E}.6339",), "", f"{_E}.6339.100.1.3.0", f"{_E}.6339.100.1.2.0"),
    Objects((f"{_E}.3807",), "", f"{_E}.3807.1.8012.2.1.4.0"),
    Objects((f"{_E}.14988",), f"{_E}.14988.1.1.7.3.0", f"{_E}.14988.1.1.4.4.0"),
    # Wi-Fi
    Objects((f"{_E}.25053.3.1.11",), f"{_E}.25053.1.4.1.1.1.15.13.0"),
    Objects((f"{_E}.25053",), *(f"{_E}.25053.1.2.1.1.1.1.{column}.0" for column in (15, 18, 9))),
    Objects((f"{_E}.26928",), *(f"{_E}.26928.1.2.{column}.0" for column in (5, 12, 6))),
    _UNIFI,
    # firewalls
    Objects((f"{_E}.12356",), f"{_E}.12356.100.1.1.1.0", f"{_E}.12356.101.4.1.1.0"),
    Objects((f"{_E}.25461",), f"{_E}.25461.2.1.2.1.3.0", f"{_E}.25461.2.1.2.1.1.0", f"{_E}.25461.2.1.2.2.1.0"),
    Objects((f"{_E}.28557",), f"{_E}.28557.2.2.1.1.0", f"{_E}.28557.2.2.1.2.0"),
    # SonicOS 7 has a sysObjectID outside its maker's tree
    Objects((f"{_E}.8741", "1.0.3.0.6.0.1.0"), *(f"{_E}.8741.2.1.1.{column}.0" for column in (2, 3, 1))),
    Objects((f"{_E}.2604.5", f"{_E}.21067"), *(f"{_E}.2604.5.1.1.{column}.0" for column in (4, 3, 2))),
    Objects((f"{_E}.2620",), f"{_E}.2620.1.6.16.3.0", f"{_E}.2620.1.6.4.1.0", f"{_E}.2620.1.6.16.7.0"),
    # recorders and storage
    _HIKVISION,
    Objects((f"{_E}.1004849", f"{_E}.37496"), *(f"{_E}.1004849.2.1.{each}.0" for each in ("2.4", "1.1", "2.6"))),
    _SYNOLOGY,
    # power
    Objects((f"{_E}.318",), *(f"{_E}.318.1.1.1.1.{each}.0" for each in ("2.3", "2.1", "1.1"))),
    Objects((f"{_E}.705",), *(f"{_E}.705.1.1.{column}.0" for column in (7, 4, 1))),
    Objects((f"{_E}.3808",), *(f"{_E}.3808.1.1.1.1.{each}.0" for each in ("2.3", "2.1", "1.1"))),
    Objects((f"{_E}.2011.6.174", f"{_E}.935", "1.3.6.1.2.1.33"), "", f"{_UPS}.3.0", f"{_UPS}.2.0"),
)
"""The longest prefix counts, then the order."""
SOFTWARE = f"{_E}.8072.3.2"
"""sysObjectID of net-snmp: appliances that use it answer with it, so the makers that do are all tried."""
ON_NET_SNMP = (_SYNOLOGY, _UNIFI)


def objects_of(object_id: str) -> Iterable[Objects]:
    """Return where to look on a device of this sysObjectID; several where it says no more than its SNMP software."""
    if object_id.startswith(f"{SOFTWARE}."):
        return ON_NET_SNMP
    fitting = [
        (-len(prefix), place)
        for place, objects in enumerate(OBJECTS)
        for prefix in objects.prefixes
        if f"{object_id}.".startswith(f"{prefix}.")
    ]
    return (OBJECTS[min(fitting)[1]],) if fitting else ()
