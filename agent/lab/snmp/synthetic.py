"""Devices that no recording exists of, built from code: a switch with ports, for tests and benchmarks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent import ber
from agent.lab.snmp.recording import Cell, Recording

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["COLUMNS", "SYS_NAME", "SYS_UP_TIME", "named", "switch"]

SYS_UP_TIME = "1.3.6.1.2.1.1.3.0"
SYS_NAME = "1.3.6.1.2.1.1.5.0"
_IF_ENTRY, _IFX_ENTRY = "1.3.6.1.2.1.2.2.1", "1.3.6.1.2.1.31.1.1.1"
_TEXT, _NUMBER = ber.OCTET_STRING, ber.INTEGER
_KINDS = {
    f"{_IF_ENTRY}.2": _TEXT,  # ifDescr
    f"{_IF_ENTRY}.3": _NUMBER,  # ifType
    f"{_IF_ENTRY}.4": _NUMBER,  # ifMtu
    f"{_IF_ENTRY}.5": ber.GAUGE32,  # ifSpeed
    f"{_IF_ENTRY}.7": _NUMBER,  # ifAdminStatus
    f"{_IF_ENTRY}.8": _NUMBER,  # ifOperStatus
    f"{_IF_ENTRY}.9": ber.TIME_TICKS,  # ifLastChange
    f"{_IF_ENTRY}.13": ber.COUNTER32,  # ifInDiscards
    f"{_IF_ENTRY}.14": ber.COUNTER32,  # ifInErrors
    f"{_IF_ENTRY}.19": ber.COUNTER32,  # ifOutDiscards
    f"{_IF_ENTRY}.20": ber.COUNTER32,  # ifOutErrors
    f"{_IFX_ENTRY}.1": _TEXT,  # ifName
    f"{_IFX_ENTRY}.6": ber.COUNTER64,  # ifHCInOctets
    f"{_IFX_ENTRY}.7": ber.COUNTER64,  # ifHCInUcastPkts
    f"{_IFX_ENTRY}.8": ber.COUNTER64,  # ifHCInMulticastPkts
    f"{_IFX_ENTRY}.10": ber.COUNTER64,  # ifHCOutOctets
    f"{_IFX_ENTRY}.11": ber.COUNTER64,  # ifHCOutUcastPkts
    f"{_IFX_ENTRY}.15": ber.GAUGE32,  # ifHighSpeed
    f"{_IFX_ENTRY}.17": _NUMBER,  # ifConnectorPresent
    f"{_IFX_ENTRY}.18": _TEXT,  # ifAlias
}
_FIXED = {"3": 6, "4": 1500, "5": 1_000_000_000, "7": 1, "8": 1, "15": 1000, "17": 1}
COLUMNS = tuple(_KINDS)
"""Twenty columns of ifTable and ifXTable (RFC 2863), as `switch` fills them."""


def switch(
    ports: int, *, name: str = "lab-sw", octets_a_second: int = 0, columns: Iterable[str] = COLUMNS
) -> Recording:
    """Return a switch with so many ports.

    Args:
        ports: rows of ifTable and ifXTable.
        name: sysName.
        octets_a_second: how fast ifHCInOctets and ifHCOutOctets grow; sysUpTime then runs too. 0 is a quiet device.
        columns: some of `COLUMNS`.
    """
    cells = [
        Cell(ber.oid_bytes("1.3.6.1.2.1.1.1.0"), ber.OCTET_STRING, b"campus-agent lab switch"),
        Cell(ber.oid_bytes("1.3.6.1.2.1.1.2.0"), ber.OID, ber.oid_bytes("1.3.6.1.4.1.32473.1")),
        Cell(ber.oid_bytes(SYS_UP_TIME), ber.TIME_TICKS, _content(360_000, ber.TIME_TICKS)),
        _sys_name(name),
        Cell(ber.oid_bytes("1.3.6.1.2.1.2.1.0"), ber.INTEGER, _content(ports, ber.INTEGER)),
    ]
    for column in columns:
        cells += [_port(column, port) for port in range(1, ports + 1)]
    octets = (f"{_IFX_ENTRY}.6", f"{_IFX_ENTRY}.10")
    rates = {SYS_UP_TIME: 100, **dict.fromkeys(octets, octets_a_second)} if octets_a_second else {}
    return Recording(cells, rates=rates)


def named(recording: Recording, name: str) -> Recording:
    """Return the recording with another sysName."""
    return recording.with_cells([_sys_name(name)])


def _sys_name(name: str) -> Cell:
    return Cell(ber.oid_bytes(SYS_NAME), ber.OCTET_STRING, name.encode())


def _port(column: str, port: int) -> Cell:
    """Return a cell; counters stand above 2^63 and differ, so that faults of sign, width and order show."""
    tag, last = _KINDS[column], column.rpartition(".")[2]
    oid = ber.oid_bytes(f"{column}.{port}")
    if tag == _TEXT:
        return Cell(oid, tag, (f"uplink of room {port}" if last == "18" else f"GigabitEthernet0/0/{port}").encode())
    if tag == ber.COUNTER64:
        return Cell(oid, tag, _content((1 << 63) + int(last) * 1_000_003 + port * 7_919, tag))
    value = port * 31 + int(last) if tag in {ber.COUNTER32, ber.TIME_TICKS} else _FIXED[last]
    return Cell(oid, tag, _content(value, tag))


def _content(value: int, tag: int) -> bytes:
    return ber.encode_integer(value, tag)[2:]
