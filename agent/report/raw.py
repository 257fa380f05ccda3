"""Raw exchanges made readable: numbers for citing them, and their decoded content.

The page cites an exchange as ``#12``. Numbers follow asset and time, so that the samples of one device are one range.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent import ber
from agent.errors import MalformedError
from agent.language import N_, name_of
from agent.model import snmp
from agent.model.cli import CliCommand, CliOutput
from agent.model.exchange import (
    HostState,
    MqttListen,
    MqttMessages,
    Notifications,
    SnmpGet,
    SnmpNotifications,
    SnmpTable,
    VarBinds,
)
from agent.report.text import local_time, plain_time, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from datetime import timezone

    from agent.model.exchange import Exchange
    from agent.report.given import KeptExchange

__all__ = ["MAX_LISTED", "Citations", "RawView", "Reference", "decoded", "object_name"]

MAX_ROWS = 60
"""Rows of one exchange that the page shows; the count of the others is named."""
MAX_SHOWN = 1_200_000
"""Characters of decoded exchanges in one page; the exchanges after that are listed without content."""
MAX_LISTED = 4_000
"""Exchanges that a page lists at all; numbers beyond lead to the note at the end of the list."""
MAX_RANGES = 24
CELL = 160

OBJECTS: Mapping[str, str] = {
    # SNMPv2-MIB (RFC 3418)
    "1.3.6.1.2.1.1.1": "sysDescr",
    "1.3.6.1.2.1.1.2": "sysObjectID",
    "1.3.6.1.2.1.1.3": "sysUpTime",
    "1.3.6.1.2.1.1.5": "sysName",
    "1.3.6.1.6.3.1.1.4.1": "snmpTrapOID",
    # IF-MIB (RFC 2863)
    "1.3.6.1.2.1.2.2.1.1": "ifIndex",
    "1.3.6.1.2.1.2.2.1.2": "ifDescr",
    "1.3.6.1.2.1.2.2.1.3": "ifType",
    "1.3.6.1.2.1.2.2.1.5": "ifSpeed",
    "1.3.6.1.2.1.2.2.1.6": "ifPhysAddress",
    "1.3.6.1.2.1.2.2.1.7": "ifAdminStatus",
    "1.3.6.1.2.1.2.2.1.8": "ifOperStatus",
    "1.3.6.1.2.1.2.2.1.10": "ifInOctets",
    "1.3.6.1.2.1.2.2.1.16": "ifOutOctets",
    "1.3.6.1.2.1.31.1.1.1.1": "ifName",
    "1.3.6.1.2.1.31.1.1.1.6": "ifHCInOctets",
    "1.3.6.1.2.1.31.1.1.1.10": "ifHCOutOctets",
    "1.3.6.1.2.1.31.1.1.1.15": "ifHighSpeed",
    "1.3.6.1.2.1.31.1.1.1.18": "ifAlias",
    "1.3.6.1.2.1.31.1.1.1.19": "ifCounterDiscontinuityTime",
    # UPS-MIB (RFC 1628)
    "1.3.6.1.2.1.33.1.6.2.1.2": "upsAlarmDescr",
}

TYPES: Mapping[int, str] = {
    ber.INTEGER: "INTEGER",
    ber.BITS: "BITS",
    ber.OCTET_STRING: "OCTET STRING",
    ber.NULL: "NULL",
    ber.OID: "OBJECT IDENTIFIER",
    ber.IP_ADDRESS: "IpAddress",
    ber.COUNTER32: "Counter32",
    ber.GAUGE32: "Gauge32",
    ber.TIME_TICKS: "TimeTicks",
    ber.OPAQUE: "Opaque",
    ber.COUNTER64: "Counter64",
    ber.UINTEGER32: "UInteger32",
    ber.NO_SUCH_OBJECT: "noSuchObject",
    ber.NO_SUCH_INSTANCE: "noSuchInstance",
    ber.END_OF_MIB_VIEW: "endOfMibView",
}
_NUMBERS = frozenset({ber.INTEGER, ber.COUNTER32, ber.GAUGE32, ber.TIME_TICKS, ber.COUNTER64, ber.UINTEGER32})


@dataclass(frozen=True, slots=True)
class Reference:
    """A link to one exchange or to a range: text and anchor."""

    label: str
    anchor: str


@dataclass(frozen=True, slots=True)
class RawView:
    """One exchange as the page shows it."""

    number: int
    anchor: str
    digest: str
    at: str
    asset: str
    place: str
    """Path in the bundle, with the line."""
    asked: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left_out: int
    """Rows that are not shown."""
    notes: tuple[str, ...]


class Citations:
    """The exchanges that a page cites, numbered from 1 by asset and time."""

    def __init__(
        self,
        cited: Iterable[str],
        exchanges: Mapping[str, KeptExchange],
        documents: Mapping[str, str],
        stated: Collection[str],
    ) -> None:
        """Number the cited digests.

        Args:
            cited: digests in any order.
            exchanges: what the bundle holds, by digest.
            documents: paths of other files of the bundle, by digest.
            stated: digests that declared values cite: documents, not exchanges, also where the path is not known.
        """

        def place(digest: str) -> tuple[bool, str, str, int, str]:
            kept = exchanges.get(digest)
            if kept is None:
                return (True, "", "", 0, digest)
            return (False, kept.asset, kept.exchange.at, kept.exchange.n, digest)

        self.exchanges = exchanges
        self.documents = documents
        self.stated = stated
        self.order = sorted(set(cited), key=place)
        self.numbers = {digest: number for number, digest in enumerate(self.order, start=1)}

    def anchor(self, number: int) -> str:
        """Return the id of the element that shows this exchange."""
        return f"x{number}" if number <= MAX_LISTED else "x-rest"

    def references(self, sources: Iterable[str]) -> tuple[Reference, ...]:
        """Return links to the exchanges, neighbours joined to ranges; at most `MAX_RANGES`, then a count."""
        numbers = sorted({self.numbers[digest] for digest in sources})
        ranges: list[tuple[int, int]] = []
        for number in numbers:
            if ranges and ranges[-1][1] == number - 1:
                ranges[-1] = (ranges[-1][0], number)
            else:
                ranges.append((number, number))
        links = [
            Reference(f"#{first}" if first == last else f"#{first}–{last}", self.anchor(first))
            for first, last in ranges[:MAX_RANGES]
        ]
        left = sum(last - first + 1 for first, last in ranges[MAX_RANGES:])
        return (*links, Reference(f"+{left}", "x-rest")) if left else tuple(links)

    def views(self, translate: Callable[[str], str], zone: timezone) -> tuple[RawView, ...]:
        """Return what is shown, in order; content until the page is large enough."""
        shown: list[RawView] = []
        room = MAX_SHOWN
        for number, digest in enumerate(self.order[:MAX_LISTED], start=1):
            view = self._view(number, digest, translate, zone, with_rows=room > 0)
            room -= sum(len(cell) + 10 for row in view.rows for cell in row)
            shown.append(view)
        return tuple(shown)

    def _view(
        self, number: int, digest: str, translate: Callable[[str], str], zone: timezone, *, with_rows: bool
    ) -> RawView:
        kept = self.exchanges.get(digest)
        if kept is None:
            missing = "" if digest in self.stated else N_("The bundle does not hold this exchange")
            note = N_("A person stated this in a document; no device was asked")
            note = translate(missing or note)
            return RawView(
                number=number,
                anchor=self.anchor(number),
                digest=digest,
                at="",
                asset="",
                place=visible(self.documents.get(digest, ""), CELL),
                asked="",
                columns=(),
                rows=(),
                left_out=0,
                notes=(note,),
            )
        columns, rows = decoded(kept.exchange, translate, zone)
        visible_rows = rows[:MAX_ROWS] if with_rows else ()
        return RawView(
            number=number,
            anchor=self.anchor(number),
            digest=digest,
            at=plain_time(kept.exchange.at, zone),
            asset=visible(kept.asset, CELL),
            place=f"{visible(kept.path, CELL)}:{kept.line}" if kept.line else visible(kept.path, CELL),
            asked=_asked(kept.exchange),
            columns=columns,
            rows=visible_rows,
            left_out=len(rows) - len(visible_rows),
            notes=_notes(kept.exchange, translate),
        )


def _asked(exchange: Exchange) -> str:
    """Return the request as one line."""
    request = exchange.request
    if isinstance(request, SnmpGet):
        parts = [object_name(oid) for oid in request.oids]
        verb = "SNMP GET"
    elif isinstance(request, SnmpTable):
        parts = [object_name(column.oid) for column in request.columns]
        verb = "SNMP GETNEXT/GETBULK"
    elif isinstance(request, SnmpNotifications):
        parts = [object_name(column.oid) for column in request.columns]
        verb = f"SNMP traps, informs {request.seconds} s"
    elif isinstance(request, MqttListen):
        parts = [topic.filter for topic in request.topics]
        verb = f"MQTT SUBSCRIBE {request.seconds} s"
    elif isinstance(request, CliCommand):
        parts, verb = [request.command], "SSH"
    else:
        parts, verb = [], request.op
    return visible(f"{verb} {', '.join(parts)}", 400)


def _notes(exchange: Exchange, translate: Callable[[str], str]) -> tuple[str, ...]:
    notes = []
    if exchange.gap:
        name = name_of(exchange.gap.reason, translate)
        note = translate("No answer: {reason}. {detail}")
        notes.append(note.format(reason=name, detail=visible(exchange.gap.detail, 300)))
    if isinstance(exchange.response, VarBinds):
        notes += [
            translate("Ended early at {column}: {reason}").format(
                column=visible(part.column, CELL), reason=visible(part.reason, CELL)
            )
            for part in exchange.response.partial[:MAX_RANGES]
        ]
    if isinstance(exchange.response, MqttMessages):
        notes.append(
            translate("Listened {seconds} s; {dropped} messages beyond the cap").format(
                seconds=exchange.response.listened_ms // 1000, dropped=exchange.response.dropped
            )
        )
    if isinstance(exchange.response, Notifications):
        notes.append(_not_shown(exchange.response, translate))
    if exchange.redactions:
        counts = ", ".join(f"{visible(rule, 60)} {count}" for rule, count in sorted(exchange.redactions.items()))
        notes.append(translate("Replaced by pseudonyms before recording: {counts}").format(counts=counts))
    return tuple(notes)


def _not_shown(response: Notifications, translate: Callable[[str], str]) -> str:
    text = translate(
        "Listened {seconds} s; not kept: {dropped} beyond the cap, {repeated} copies, {unknown} from unknown addresses,"
        " {refused} refused, {malformed} malformed"
    )
    return text.format(
        seconds=response.listened_ms // 1000,
        dropped=response.dropped,
        repeated=response.repeated,
        unknown=response.unknown,
        refused=response.refused,
        malformed=response.malformed,
    )


def decoded(
    exchange: Exchange, translate: Callable[[str], str], zone: timezone
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Return column names and rows of what was answered; no rows for a gap. Undecodable bytes are shown in hex."""
    response = exchange.response
    if isinstance(response, VarBinds):
        columns = (translate("Object"), "OID", translate("Type"), translate("Value"))
        return columns, tuple(_varbind(text) for text in response.varbinds)
    if isinstance(response, Notifications):
        names = (translate("Time"), translate("Device"), translate("Object"), "OID", translate("Type"))
        return (*names, translate("Value")), tuple(
            (local_time(one.at, zone, seconds=True), visible(one.sender, CELL), *_varbind(text))
            for one in response.notifications
            for text in one.varbinds
        )
    if isinstance(response, MqttMessages):
        names = (translate("Kind"), translate("Topic"), translate("Device"), translate("Time"), translate("Octets"))
        rows = tuple(
            (
                visible(message.kind, CELL),
                visible(message.topic, CELL),
                visible(message.device, CELL),
                local_time(message.at, zone, seconds=True) + (" retained" if message.retained else ""),
                str(message.size),
            )
            for message in response.messages
        )
        return names, rows
    if isinstance(response, HostState):
        facts = sorted(response.to_json().items())
        return (translate("Object"), translate("Value")), tuple(
            (name, visible(str(fact), CELL)) for name, fact in facts
        )
    if isinstance(response, CliOutput):
        return (translate("Line"), translate("Value")), tuple(
            (str(number), visible(line, CELL)) for number, line in enumerate(response.output.splitlines(), start=1)
        )
    return (), ()


def _varbind(text: str) -> tuple[str, ...]:
    try:
        varbind = ber.decode_varbind(bytes.fromhex(text))
        oid = ber.oid_text(varbind.oid)
        return object_name(oid), oid, TYPES.get(varbind.tag, f"0x{varbind.tag:02x}"), _value(varbind)
    except (MalformedError, ValueError) as error:
        return "?", "", visible(str(error), CELL), visible(text, CELL)


def _value(varbind: ber.VarBind) -> str:
    if varbind.tag in _NUMBERS:
        return str(ber.integer(varbind.tag, varbind.value))
    if varbind.tag == ber.OID:
        return ber.oid_text(varbind.value)
    if varbind.tag == ber.OCTET_STRING:
        return _octets(varbind)
    if varbind.tag == ber.IP_ADDRESS and len(varbind.value) == 4:
        return ".".join(str(octet) for octet in varbind.value)
    return visible(varbind.value.hex(), CELL)


def _octets(varbind: ber.VarBind) -> str:
    """Return an OCTET STRING as text, or as hex where it is an address or holds control octets."""
    binary = any(octet < 0x20 and octet not in b"\t\r\n" for octet in varbind.value.rstrip(b"\0"))
    if binary or object_name(ber.oid_text(varbind.oid)).startswith("ifPhysAddress"):
        return visible(varbind.value.hex(":"), CELL)
    return visible(snmp.text(varbind.value), CELL)


def object_name(oid: str) -> str:
    """Return ``ifName.3`` for an OID whose object the page knows, else the OID."""
    parts = oid.split(".")
    for length in range(len(parts), 6, -1):
        if name := OBJECTS.get(".".join(parts[:length])):
            return ".".join([name, *parts[length:]])
    return oid
