"""What UPS cards tell by themselves, as data: which notification says on battery, on mains, or battery low.

RFC 1628 has one trap for all alarms that come and go, with the alarm in upsAlarmDescr. The makers' MIBs have one trap
for each. Cards send them with version 1 as well, whose OID has a 0 before the last number (RFC 3584 section 3.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ALARM_GONE", "ALARM_NEW", "LOW", "LOW_ALARMS", "ON_BATTERY_ALARM", "POWER"]

_UPS: Final = "1.3.6.1.2.1.33"
_APC, _CPS, _XPPC = "1.3.6.1.4.1.318.0", "1.3.6.1.4.1.3808.0", "1.3.6.1.4.1.935.0"
_XUPS: Final = ("1.3.6.1.4.1.534.1.0.0.0", "1.3.6.1.4.1.534.1.11.4.1.0", "1.3.6.1.4.1.534.1.11.4.2.0")
"""XUPS-MIB, three generations of cards with the same numbers: xupstb..., xupstd..., xupstp..."""
_MGE: Final = "1.3.6.1.4.1.705.1.11.0"
_DELTA: Final = "1.3.6.1.4.1.2254.2.4.20.0"

POWER: Final[Mapping[str, str]] = {
    f"{_UPS}.2.1": "on-battery",  # upsTrapOnBattery, once a minute while it lasts
    f"{_UPS}.2.0.1": "on-battery",
    # PowerNet-MIB upsOnBattery (5), powerRestored (9); the other two makers took over the numbers
    **{f"{maker}.5": "on-battery" for maker in (_APC, _CPS, _XPPC)},
    **{f"{maker}.9": "on-mains" for maker in (_APC, _CPS, _XPPC)},
    **{f"{card}.3": "on-battery" for card in _XUPS},  # OnBattery, UtilityPowerRestored
    **{f"{card}.5": "on-mains" for card in _XUPS},
    f"{_MGE}.11": "on-battery",  # upsmgOnBattery, upsmgReturnFromBattery
    f"{_MGE}.12": "on-mains",
    f"{_DELTA}.3": "on-battery",  # dupsPowerFail, dupsPowerRestored
    f"{_DELTA}.4": "on-mains",
}
LOW: Final = frozenset(
    {
        *(f"{maker}.7" for maker in (_APC, _CPS, _XPPC)),  # lowBattery
        *(f"{card}.4" for card in _XUPS),  # LowBattery
        f"{_MGE}.5",  # upsmgAtLowBattery
        f"{_DELTA}.5",  # dupsLowBattery
    }
)

ALARM_NEW: Final = frozenset({f"{_UPS}.2.3", f"{_UPS}.2.0.3"})
ALARM_GONE: Final = frozenset({f"{_UPS}.2.4", f"{_UPS}.2.0.4"})
"""upsTrapAlarmEntryAdded, -Removed."""
ON_BATTERY_ALARM: Final = f"{_UPS}.1.6.3.2"
LOW_ALARMS: Final = frozenset({f"{_UPS}.1.6.3.3", f"{_UPS}.1.6.3.4"})
"""upsAlarmLowBattery, upsAlarmDepletedBattery."""
