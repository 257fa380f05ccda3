"""What devices told by themselves between polls: traps and informs (SNMPv2-MIB, IF-MIB, UPS-MIB and its relatives).

Every notification gives `device.notification`, its OID, under `asset:<sender>`, at the time when it arrived here. Some
say more:

- linkDown, linkUp: `interface.event` under `interface:<sender>/<port>`, with the names that the notification carries
  and the rule of the collector `interfaces`; without a name the port is `#<ifIndex>`. A watched link on that device
  whose port is named gets `link.event`.
- coldStart, warmStart: `device.restart`, and `link.restart` for every watched link on the device, so that counters
  are not carried over the restart even where only readings are at hand.
- a UPS that left or regained mains: `ups.power`; one whose battery is low: `ups.battery_event`.

The word of one device, so the grade is `reported`. Anybody on the network can forge a notification of version 1 or 2c
from a device's address; it can at most take an interval out of an assessment, never add octets or points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent import ber
from agent.collectors.ups_traps import ALARM_GONE, ALARM_NEW, LOW, LOW_ALARMS, ON_BATTERY_ALARM, POWER
from agent.errors import MalformedError
from agent.model import snmp
from agent.model.exchange import Notifications, SnmpColumn, SnmpNotifications
from agent.model.reading import Grade, Reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.model.exchange import Answer, Notification, Session

__all__ = ["collect", "waiting_seconds"]

SYS_UP_TIME = "1.3.6.1.2.1.1.3"
SNMP_TRAP_OID = "1.3.6.1.6.3.1.1.4.1"
IF_INDEX = "1.3.6.1.2.1.2.2.1.1"
IF_DESCR = "1.3.6.1.2.1.2.2.1.2"
IF_ADMIN_STATUS = "1.3.6.1.2.1.2.2.1.7"
IF_OPER_STATUS = "1.3.6.1.2.1.2.2.1.8"
IF_NAME = "1.3.6.1.2.1.31.1.1.1.1"
IF_ALIAS = "1.3.6.1.2.1.31.1.1.1.18"
UPS_ALARM_DESCR = "1.3.6.1.2.1.33.1.6.2.1.2"
COLUMNS = (
    *(SYS_UP_TIME, SNMP_TRAP_OID),
    *(IF_INDEX, IF_DESCR, IF_ADMIN_STATUS, IF_OPER_STATUS, IF_NAME, IF_ALIAS),
    UPS_ALARM_DESCR,
)
"""Nothing else that comes along is kept."""

SNMP_TRAPS = "1.3.6.1.6.3.1.1.5"
RESTARTS = {f"{SNMP_TRAPS}.1": "cold", f"{SNMP_TRAPS}.2": "warm"}
LINKS = {f"{SNMP_TRAPS}.3": "down", f"{SNMP_TRAPS}.4": "up"}

LONGEST = 15
"""Seconds to wait at most: the receiver listens between the runs as well."""


@dataclass(frozen=True, slots=True)
class _Event:
    """One notification, decoded."""

    at: str
    sender: str
    oid: str
    cells: dict[str, ber.VarBind]
    """The first variable of each column."""
    index: str
    """ifIndex, empty where nothing tells it."""

    def text(self, column: str) -> str:
        cell = self.cells.get(column)
        return snmp.text(cell.value) if cell is not None and cell.tag == ber.OCTET_STRING else ""

    def port(self) -> str:
        """Return the name of the port as the collector `interfaces` forms it; empty if it is unknown."""
        name = self.text(IF_NAME) or self.text(IF_DESCR)
        if name and "#" not in name:
            return name
        return f"{name}#{self.index}" if self.index else ""


def waiting_seconds(deadline_seconds: int) -> int:
    """Return how long to wait for a notification when there is none: a quarter of the deadline, 1 to 15 s."""
    return max(1, min(LONGEST, deadline_seconds // 4))


async def collect(asset: Asset, campus: Campus, session: Session) -> list[Reading]:
    """Take the notifications that arrived since the last time.

    Raises:
        GapError: the receiver cannot listen.
        MalformedError: the answer is not one to this request, or does not decode.
    """
    request = SnmpNotifications(
        seconds=waiting_seconds(campus.poll("notifications").deadline_seconds),
        columns=tuple(SnmpColumn(oid=oid) for oid in COLUMNS),
    )
    answer = await session.ask(request)
    if not isinstance(answer.response, Notifications):
        raise MalformedError("asking for notifications was answered by {op}", where=asset.id, op=answer.response.op)
    events = [_event(notification) for notification in answer.response.notifications]
    return [reading for event in events for reading in _readings(event, campus, answer)]


def _event(notification: Notification) -> _Event:
    cells: dict[str, ber.VarBind] = {}
    oid = index = ""
    for text in notification.varbinds:
        varbind = _varbind(text)
        name = ber.oid_text(varbind.oid)
        column = next((each for each in COLUMNS if name.startswith(f"{each}.")), "")
        if column == SNMP_TRAP_OID:
            oid = oid or snmp.oid(varbind) or ""
        elif column == IF_INDEX and (number := snmp.number(varbind)) is not None:
            index = str(number)
        elif column.startswith("1.3.6.1.2.1.2.2.1.") or column in (IF_NAME, IF_ALIAS):
            index = index or name.removeprefix(f"{column}.")
        cells.setdefault(column, varbind)
    if not oid:
        raise MalformedError("a notification without snmpTrapOID", where=notification.sender)
    return _Event(notification.at, notification.sender, oid, cells, index)


def _varbind(text: str) -> ber.VarBind:
    try:
        return ber.decode_varbind(bytes.fromhex(text))
    except ValueError as error:
        raise MalformedError("a varbind of a notification is not hexadecimal") from error


def _readings(event: _Event, campus: Campus, answer: Answer) -> Iterator[Reading]:
    subject = f"asset:{event.sender}"
    yield _reading("device.notification", subject, event.oid, event, answer)
    if (kind := RESTARTS.get(event.oid)) is not None:
        yield _reading("device.restart", subject, kind, event, answer)
        for link in campus.links_of(event.sender):
            yield _reading("link.restart", f"{link.role}:{link.id}", kind, event, answer)
    if (state := LINKS.get(event.oid)) is not None:
        if port := event.port():
            yield _reading("interface.event", f"interface:{event.sender}/{port}", state, event, answer)
        names = {event.text(column) for column in (IF_NAME, IF_ALIAS, IF_DESCR)}
        for link in campus.links_of(event.sender):
            if link.port in names:
                yield _reading("link.event", f"{link.role}:{link.id}", state, event, answer)
    if (power := _power(event)) is not None:
        yield _reading("ups.power", subject, power, event, answer)
    if event.oid in LOW or (event.oid in ALARM_NEW and _alarm(event) in LOW_ALARMS):
        yield _reading("ups.battery_event", subject, "low", event, answer)


def _power(event: _Event) -> str | None:
    if event.oid in ALARM_NEW | ALARM_GONE:
        state = "on-battery" if event.oid in ALARM_NEW else "on-mains"
        return state if _alarm(event) == ON_BATTERY_ALARM else None
    return POWER.get(event.oid)


def _alarm(event: _Event) -> str | None:
    return snmp.oid(event.cells.get(UPS_ALARM_DESCR))


def _reading(metric: str, subject: str, value: str, event: _Event, answer: Answer) -> Reading:
    return Reading(
        metric=metric,
        subject=subject,
        value=value,
        unit="",
        at=event.at,
        grade=Grade.REPORTED,
        sources=(answer.source,),
    )
