"""Facts out of rows, as `WifiCell` describes them: texts, counts, channels, bands, states, signal levels; pure."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from agent import ber
from agent.canonical import decimal_text
from agent.model import snmp

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agent.ber import VarBind
    from agent.model.wifi import WifiCell

__all__ = ["UNKNOWN", "band_of", "channel", "count", "signal", "spelling", "text"]

UNKNOWN = "unknown"
MOST_CLIENTS = 100_000
"""More is a sentinel: 2^31-1 and 2^32-1 occur."""
CHANNELS = range(1, 234)
"""6 GHz goes up to 233; 0 is a radio that is off, 255 one that does not know."""
WEAKEST_DBM, STRONGEST_DBM = -120, -1
"""A level outside is no dBm: 0 for none, positive for a percentage or a signal-to-noise ratio."""
_MHZ = ((2412, 2472, 2407, "2.4 GHz"), (5160, 5885, 5000, "5 GHz"), (5955, 7115, 5950, "6 GHz"))
"""First and last channel centre, where channel 0 would be, band (IEEE 802.11)."""
_BANDS = ((range(1, 15), "2.4 GHz"), (range(32, 178), "5 GHz"))


def text(cell: WifiCell | None, row: Mapping[str, VarBind]) -> str:
    """Return the first text that is not empty."""
    return next((found for found in map(_text, _cells(cell, row)) if found), "")


def count(cell: WifiCell | None, row: Mapping[str, VarBind]) -> int | None:
    """Return a number of clients; None for none, and for sentinels."""
    number = _number(cell, row)
    return int(number) if number is not None and 0 <= number <= MOST_CLIENTS else None


def spelling(cell: WifiCell | None, row: Mapping[str, VarBind]) -> str | None:
    """Return what a value means; `unknown` for one that the mapping does not know; None where there is none."""
    for varbind in _cells(cell, row):
        number = snmp.number(varbind)
        raw = str(number) if number is not None else _text(varbind)
        if raw and cell is not None:
            known = {value.lower(): meaning for value, meaning in cell.values.items()}
            return known.get(raw.lower(), UNKNOWN)
    return None


def channel(cell: WifiCell | None, row: Mapping[str, VarBind]) -> tuple[int | None, str | None]:
    """Return the channel, and the band where the mapping gives a frequency."""
    number = _number(cell, row)
    if cell is None or number is None:
        return None, None
    found = int(number)
    if cell.decode == "megahertz":
        return _of_megahertz(found)
    if cell.decode == "low-octet":
        found &= 0xFF
    return (found if found in CHANNELS else None), None


def band_of(found: int | None) -> str | None:
    """Return the band of a channel of a device that does not know 6 GHz; there the same numbers stand for others."""
    return next((band for channels, band in _BANDS if found in channels), None)


def signal(cell: WifiCell | None, row: Mapping[str, VarBind]) -> str | None:
    """Return a level in dBm as decimal text; None where it cannot be one."""
    number = _number(cell, row)
    return decimal_text(number) if number is not None and WEAKEST_DBM <= number <= STRONGEST_DBM else None


def _of_megahertz(frequency: int) -> tuple[int | None, str | None]:
    if frequency == 2484:  # channel 14, off the grid
        return 14, "2.4 GHz"
    for first, last, zero, band in _MHZ:
        if first <= frequency <= last and (frequency - zero) % 5 == 0:
            return (frequency - zero) // 5, band
    return None, None


def _cells(cell: WifiCell | None, row: Mapping[str, VarBind]) -> Iterator[VarBind]:
    return (row[oid] for oid in cell.oids if oid in row) if cell is not None else iter(())


def _number(cell: WifiCell | None, row: Mapping[str, VarBind]) -> Decimal | None:
    for varbind in _cells(cell, row):
        number = snmp.number(varbind)
        if number is None:
            # Aruba Instant: "161", "53S", "11+": the width stands behind as a letter or sign
            digits = _text(varbind).rstrip("SEsea+- ")
            number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else None
        if number is not None:
            scale = cell.scale if cell is not None and cell.scale is not None else "1"
            return number * Decimal(scale)
    return None


def _text(varbind: VarBind) -> str:
    return snmp.text(varbind.value) if varbind.tag == ber.OCTET_STRING else ""
