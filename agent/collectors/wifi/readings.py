"""Readings of an `Inventory`: of the device under `asset:<asset>`, of access points and radios under their names; pure.

What the controller counts and what its tables list are both shown; which of them is right is not for a collector.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.collectors.answers import graded, reported
from agent.collectors.wifi.cells import UNKNOWN
from agent.model.reading import Grade

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.collectors.wifi.inventory import AccessPoint, Inventory, Radio
    from agent.model.asset import Asset
    from agent.model.exchange import Answer
    from agent.model.reading import Reading

__all__ = ["readings_of"]


def readings_of(asset: Asset, inventory: Inventory, rooms: Mapping[str, tuple[str, str]]) -> list[Reading]:
    """Return everything that the inventory says.

    Args:
        asset: who told.
        inventory: what it told.
        rooms: room and rule by the key of the access point.
    """
    readings = _of_device(f"asset:{asset.id}", inventory)
    for ap in inventory.aps:
        readings += _of_ap(f"ap:{asset.id}/{ap.key}", ap, rooms.get(ap.key))
        if not ap.is_standby:
            for radio in ap.radios:
                readings += _of_radio(f"radio:{asset.id}/{ap.key}/{radio.key or 'only'}", radio)
    return readings


def _of_device(subject: str, inventory: Inventory) -> list[Reading]:
    every = inventory.answers
    aps = [ap for ap in inventory.aps if not ap.is_standby]
    clients = [each for each in (ap.clients_now() for ap in aps) if each is not None]
    up = sum(ap.state == "up" for ap in aps) if any(ap.state is not None for ap in aps) else None
    listed = len(inventory.aps) if inventory.aps or inventory.has_table else None
    listed_clients = sum(clients) if clients else None
    readings = [
        reported("wifi.mib", subject, inventory.mib, "", *every),
        reported("wifi.table", subject, "partial" if inventory.partial else "complete", "", *every),
    ]
    for metric, total in (("wifi.aps.joined", inventory.joined), ("wifi.aps.configured", inventory.configured)):
        if total is not None:
            readings.append(reported(metric, subject, str(total.value), "1", total.answer))
    for metric, rows in (("wifi.aps.listed", listed), ("wifi.aps.up", up), ("wifi.clients.listed", listed_clients)):
        if rows is not None:
            readings.append(reported(metric, subject, str(rows), "1", *every))
    for metric, total, rows in (
        ("wifi.aps", inventory.joined, listed),
        ("wifi.clients", inventory.clients, listed_clients),
    ):
        if total is not None:
            readings.append(reported(metric, subject, str(total.value), "1", total.answer))
        elif rows is not None:
            readings.append(reported(metric, subject, str(rows), "1", *every))
    return readings


def _of_ap(subject: str, ap: AccessPoint, room: tuple[str, str] | None) -> list[Reading]:
    clients = ap.clients_now()
    of_radios = tuple(answer for radio in ap.radios for answer in radio.answers) if ap.clients is None else ()
    readings = [
        reported("wifi.ap.state", subject, ap.state or UNKNOWN, "", *ap.answers),
    ]
    readings += [
        reported(metric, subject, value, "", *ap.answers)
        for metric, value in (
            ("wifi.ap.name", ap.name),
            ("wifi.ap.location", ap.location),
            ("wifi.ap.group", ap.group),
            ("wifi.ap.model", ap.model),
            ("wifi.ap.serial", ap.serial),
        )
        if value
    ]
    if clients is not None:
        readings.append(reported("wifi.ap.clients", subject, str(clients), "1", *_once(ap.answers, of_radios)))
    if room is not None:
        grade = Grade.REPORTED if room[1] == "name" else Grade.DECLARED
        readings.append(graded("wifi.ap.room", subject, room[0], "", grade, *ap.answers))
        readings.append(graded("wifi.ap.room_rule", subject, room[1], "", grade, *ap.answers))
    return readings


def _of_radio(subject: str, radio: Radio) -> list[Reading]:
    values = (
        ("wifi.radio.channel", radio.channel, "1"),
        ("wifi.radio.band", radio.band, ""),
        ("wifi.radio.state", radio.state, ""),
        ("wifi.radio.clients", radio.clients, "1"),
        ("wifi.radio.signal", radio.signal, "dB[mW]"),
    )
    known = [each for each in values if each[1] is not None]
    return [reported(metric, subject, str(value), unit, *radio.answers) for metric, value, unit in known]


def _once(*groups: tuple[Answer, ...]) -> tuple[Answer, ...]:
    return tuple({answer.source: answer for group in groups for answer in group}.values())
