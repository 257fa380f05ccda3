"""Disks of recorders over SNMP: a cross-check of what they say over HTTP. How old footage is, no SNMP object tells.

HIKVISION-MIB (enterprise 50001, rows end in `<disk>.0`), HIK-DEVICE-MIB (39165: one text with a unit for all disks) and
DAHUA-SNMP-MIB (1004849: name and state of volumes, in words). What a device does not answer is unknown, never healthy:
a real recorder gives sizes and no state. Capacities of Hikvision are MiB. Facts: oids 7, recorders-and-logs 1.6.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from agent.collectors.answers import reported, unsupported, varbinds
from agent.collectors.recorders.dahua_facts import DISK_STATES
from agent.language import N_
from agent.model import snmp
from agent.model.exchange import SnmpColumn, SnmpGet, SnmpTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agent.ber import VarBind
    from agent.collectors.recorders.dahua_facts import DiskState
    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.model.exchange import Answer, Session
    from agent.model.reading import Reading

__all__ = ["collect"]

HIK_DISK_NUM = "1.3.6.1.4.1.50001.1.240.0"
HIK_DISK_SIZE = "1.3.6.1.4.1.39165.1.8.0"
HIK_DISK_PERCENT = "1.3.6.1.4.1.39165.1.9.0"
DAHUA_STATUS = "1.3.6.1.4.1.1004849.2.1.2.8.0"
ANCHORS = SnmpGet(oids=(HIK_DISK_NUM, HIK_DISK_SIZE, HIK_DISK_PERCENT, DAHUA_STATUS))

HIK_STATUS = "1.3.6.1.4.1.50001.1.241.1.3"
HIK_FREE = "1.3.6.1.4.1.50001.1.241.1.4"
HIK_CAPACITY = "1.3.6.1.4.1.50001.1.241.1.5"
HIK_DISKS = SnmpTable(columns=tuple(SnmpColumn(oid=oid) for oid in (HIK_STATUS, HIK_FREE, HIK_CAPACITY)), max_rows=256)
DAHUA_NAME = "1.3.6.1.4.1.1004849.2.4.1.1.4"
DAHUA_STATE = "1.3.6.1.4.1.1004849.2.4.1.1.5"
DAHUA_DISKS = SnmpTable(columns=(SnmpColumn(oid=DAHUA_NAME), SnmpColumn(oid=DAHUA_STATE)), max_rows=256)

HIK_STATES: Mapping[int, DiskState] = {
    0: "storing",
    1: "present",  # unformatted
    2: "failing",  # abnormal
    3: "failing",  # smartFailed
    4: "failing",  # mismatch
    5: "present",  # idle: asleep, or not in use
    6: "failing",  # notOnline
    10: "present",  # repairing
    11: "present",  # formatting
}
MEBIBYTE = 1 << 20
_UNITS = {"MB": MEBIBYTE, "GB": 1 << 30, "TB": 1 << 40}
_SIZE = re.compile(r"([0-9]{1,7}(?:\.[0-9]{1,3})?) ?(MB|GB|TB)")
_PERCENT = re.compile(r"([0-9]{1,3}) ?(?:PERCENT|%)")


async def collect(asset: Asset, campus: Campus, session: Session) -> list[Reading]:  # noqa: ARG001 (the protocol)
    """Read the disks of a recorder.

    Raises:
        GapError: the device does not answer, refuses, or has none of the objects.
    """
    first = await session.ask(ANCHORS)
    found = snmp.scalars(varbinds(first), ANCHORS.oids)
    readings: list[Reading] = []
    if (status := snmp.number(found[DAHUA_STATUS])) in {0, 1}:
        readings.append(reported("storage.status", f"asset:{asset.id}", "good" if status else "bad", "", first))
    readings += _together(asset, found, first)
    disks: list[Reading] = []
    if status is None:
        disks += _hikvision(asset, await session.ask(HIK_DISKS))
    if not disks and (status is not None or not readings):
        disks += _dahua(asset, await session.ask(DAHUA_DISKS))
    if not readings and not disks and all(one is None for one in found.values()):
        raise unsupported(
            asset,
            first,
            N_("the device answers but has no objects of disks that are known here"),
            N_("Read the recorder over ISAPI, its CGI or ONVIF; few recorders tell of their disks over SNMP"),
        )
    return readings + disks


def _hikvision(asset: Asset, answer: Answer) -> Iterator[Reading]:
    for index, cells in snmp.rows(varbinds(answer), HIK_DISKS).items():
        subject = f"disk:{asset.id}/{index.removesuffix('.0')}"
        status = snmp.number(cells.get(HIK_STATUS))
        state = HIK_STATES.get(status, "unknown") if status is not None else "unknown"
        yield reported("storage.disk.state", subject, state, "", answer)
        for metric, column in (("capacity", HIK_CAPACITY), ("free", HIK_FREE)):
            amount = snmp.number(cells.get(column))
            if amount is not None and amount >= 0:
                yield reported(f"storage.disk.{metric}", subject, str(amount * MEBIBYTE), "By", answer)


def _dahua(asset: Asset, answer: Answer) -> Iterator[Reading]:
    for index, cells in snmp.rows(varbinds(answer), DAHUA_DISKS).items():
        name, word = (_text(cells.get(column)) for column in (DAHUA_NAME, DAHUA_STATE))
        subject = f"disk:{asset.id}/{name.removeprefix('/dev/') or index}"
        yield reported("storage.disk.state", subject, DISK_STATES.get(word.lower(), "unknown"), "", answer)


def _together(asset: Asset, found: Mapping[str, VarBind | None], answer: Answer) -> Iterator[Reading]:
    """Yield size and free space of all disks together, of firmware that writes them as text; 0 means no disk."""
    size = _SIZE.fullmatch(_text(found[HIK_DISK_SIZE]))
    octets = int(Decimal(size[1]) * _UNITS[size[2]]) if size else 0
    if not octets:
        return
    subject = f"disk:{asset.id}/all"
    yield reported("storage.disk.capacity", subject, str(octets), "By", answer)
    used = _PERCENT.fullmatch(_text(found[HIK_DISK_PERCENT]))
    if used and int(used[1]) <= 100:
        yield reported("storage.disk.free", subject, str(octets * (100 - int(used[1])) // 100), "By", answer)


def _text(varbind: VarBind | None) -> str:
    return snmp.text(varbind.value) if varbind is not None else ""
