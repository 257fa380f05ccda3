"""What a correct agent answers (RFC 3416 §4.2, RFC 1157 §4.1, RFC 3584 §4.1), and the faults of content.

Pure: a request and the objects go in, variable bindings or an error come out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from agent import ber
from agent.errors import MalformedError
from agent.lab.snmp.faults import Empty, ErrorAt, Fault, Jump, TooBig

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.lab.snmp.objects import Objects
    from agent.lab.snmp.recording import Recording

__all__ = [
    "GET",
    "GET_BULK",
    "GET_NEXT",
    "REPORT",
    "RESPONSE",
    "SET",
    "Ask",
    "Reply",
    "answer",
    "decode_ask",
    "missing",
    "pdu",
]

GET, GET_NEXT, RESPONSE, SET, GET_BULK, REPORT = 0xA0, 0xA1, 0xA2, 0xA3, 0xA5, 0xA8
_TOO_BIG, _NO_SUCH_NAME, _NOT_WRITABLE = 1, 2, 17
_NULL = b"\x05\x00"
_PDU_OCTETS = 40
"""At most what surrounds the variable bindings within the PDU."""


class Ask(NamedTuple):
    """A request PDU; non-repeaters and max-repetitions are GETBULK's, in the place of error-status and error-index."""

    kind: int
    request_id: int
    non_repeaters: int
    repetitions: int
    oids: tuple[bytes, ...]


class Reply(NamedTuple):
    """What goes into the response PDU."""

    error_status: int
    error_index: int
    varbinds: bytes


class _Row(NamedTuple):
    """One variable binding of an answer, and which of the request's it answers."""

    varbind: bytes
    position: int
    """In the recording, -1 for an exception."""
    asked: int
    """From 0."""


def decode_ask(data: bytes, at: int, end: int) -> Ask:
    """Read a request PDU.

    Raises:
        MalformedError: it does not decode.
    """
    kind, at, end = ber.header(data, at, end)
    numbers: list[int] = []
    for _ in range(3):
        tag, start, at = ber.header(data, at, end)
        numbers.append(ber.integer(tag, data[start:at]))
    tag, at, end = ber.header(data, at, end)
    if tag != ber.SEQUENCE:
        raise MalformedError("SNMP: a PDU without a list of variable bindings")
    oids = tuple([oid for oid, _, _ in ber.split_varbinds(data, at, end)])
    return Ask(kind, numbers[0], numbers[1], numbers[2], oids)


def pdu(kind: int, request_id: int, reply: Reply) -> bytes:
    """Return a PDU."""
    numbers = (
        ber.encode_integer(request_id) + ber.encode_integer(reply.error_status) + ber.encode_integer(reply.error_index)
    )
    return ber.tlv(kind, numbers + ber.tlv(ber.SEQUENCE, reply.varbinds))


def answer(ask: Ask, objects: Objects, faults: Iterable[Fault], *, room: int, version_1: bool) -> Reply | None:
    """Return the answer, or None to a PDU that is not answered.

    Args:
        ask: the request.
        objects: the device's values.
        faults: those that act at this request.
        room: octets for the PDU.
        version_1: SNMPv1: no exceptions, no Counter64, no GETBULK.

    Raises:
        MalformedError: an OID of the request does not decode.
    """
    content = [fault for fault in faults if isinstance(fault, Empty | ErrorAt | Jump | TooBig)]
    room -= _PDU_OCTETS
    if ask.kind == SET:
        return Reply(_NO_SUCH_NAME if version_1 else _NOT_WRITABLE, 1, _echo(ask))
    if ask.kind == GET_BULK and not version_1:
        plain = None if content or not objects.still else _columns(ask, objects, room)
        if plain is not None:
            return plain
        rows = _bulk(ask, objects, _jumps(content, objects), room)
    elif ask.kind == GET_NEXT:
        rows = _next(ask, objects, _jumps(content, objects), version_1=version_1)
    elif ask.kind == GET:
        rows = _get(ask, objects, version_1=version_1)
    else:
        return None
    return _checked(ask, rows, content, objects, room=room, version_1=version_1)


def _columns(ask: Ask, objects: Objects, room: int) -> Reply | None:
    """Return the answer to a GETBULK within the table by slices alone; None where that does not do."""
    varbinds, after = objects.recording.varbinds, objects.recording.after
    width, repetitions = len(ask.oids), ask.repetitions
    if ask.non_repeaters > 0 or not width or not 0 < repetitions * width <= room // 8:
        return None
    rows: list[bytes] = [b""] * (width * repetitions)
    for asked, oid in enumerate(ask.oids):
        start = after(oid)
        if start + repetitions > len(varbinds):
            return None
        rows[asked::width] = varbinds[start : start + repetitions]
    joined = b"".join(rows)
    return Reply(0, 0, joined) if len(joined) <= room else None


def _bulk(ask: Ask, objects: Objects, jumps: dict[int, int], room: int) -> list[_Row]:
    """Return the rows of a GETBULK, a little beyond what there is room for; it ends where every column has ended."""
    singles = max(0, min(ask.non_repeaters, len(ask.oids)))
    rows = [_following(objects, oid, asked, jumps) for asked, oid in enumerate(ask.oids[:singles])]
    cursors = [(asked, oid) for asked, oid in enumerate(ask.oids) if asked >= singles]
    size = sum(len(row.varbind) for row in rows)
    for _ in range(max(0, ask.repetitions) if cursors else 0):
        line = [_following(objects, oid, asked, jumps) for asked, oid in cursors]
        rows += line
        size += sum(len(row.varbind) for row in line)
        if size > room or all(row.position < 0 for row in line):
            break
        cursors = [
            (row.asked, objects.recording.oids[row.position] if row.position >= 0 else oid)
            for row, (_, oid) in zip(line, cursors, strict=True)
        ]
    return rows


def _next(ask: Ask, objects: Objects, jumps: dict[int, int], *, version_1: bool) -> list[_Row]:
    rows = [_following(objects, oid, asked, jumps) for asked, oid in enumerate(ask.oids)]
    if not version_1:
        return rows
    return [_skip_counter64(objects, row, jumps) for row in rows]


def _get(ask: Ask, objects: Objects, *, version_1: bool) -> list[_Row]:
    rows = []
    for asked, oid in enumerate(ask.oids):
        at = objects.recording.find(oid)
        if at is None or (version_1 and objects.recording.tags[at] == ber.COUNTER64):
            rows.append(_Row(ber.encode_varbind(oid, missing(objects.recording, oid), b""), -1, asked))
        else:
            rows.append(_Row(objects.varbind(at), at, asked))
    return rows


def missing(recording: Recording, oid: bytes) -> int:
    """Return noSuchInstance where a neighbour shares all but the last arc, else noSuchObject."""
    at = recording.after(oid)
    parent = ber.oid_tuple(oid)[:-1]
    near = recording.oids[max(0, at - 1) : at + 1]
    same = any(ber.oid_tuple(each)[: len(parent)] == parent for each in near)
    return ber.NO_SUCH_INSTANCE if same else ber.NO_SUCH_OBJECT


def _following(objects: Objects, oid: bytes, asked: int, jumps: dict[int, int]) -> _Row:
    recording = objects.recording
    at = recording.after(oid)
    if jumps and at:
        at = jumps.get(at - 1, at)
    if at < len(recording):
        return _Row(objects.varbind(at), at, asked)
    return _Row(ber.encode_varbind(oid, ber.END_OF_MIB_VIEW, b""), -1, asked)


def _skip_counter64(objects: Objects, row: _Row, jumps: dict[int, int]) -> _Row:
    while row.position >= 0 and objects.recording.tags[row.position] == ber.COUNTER64:
        row = _following(objects, objects.recording.oids[row.position], row.asked, jumps)
    return row


def _jumps(faults: list[Empty | ErrorAt | Jump | TooBig], objects: Objects) -> dict[int, int]:
    """Return position -> next position for the faults of order."""
    found: dict[int, int] = {}
    for fault in faults:
        if isinstance(fault, Jump):
            after, to = (objects.recording.find(ber.oid_bytes(oid)) for oid in (fault.after, fault.to))
            if after is not None and to is not None:
                found[after] = to
    return found


def _checked(
    ask: Ask,
    rows: list[_Row],
    faults: list[Empty | ErrorAt | Jump | TooBig],
    objects: Objects,
    *,
    room: int,
    version_1: bool,
) -> Reply:
    """Return the rows as an answer, or the error that takes their place."""
    for fault in faults:
        if isinstance(fault, Empty):
            return Reply(0, 0, b"")
        if isinstance(fault, TooBig) and len(rows) > fault.varbinds:
            return _too_big(ask, version_1=version_1)
        if isinstance(fault, ErrorAt):
            at = objects.recording.find(ber.oid_bytes(fault.oid))
            hit = next((row for row in rows if row.position == at), None)
            if at is not None and hit is not None:
                return Reply(fault.status, hit.asked + 1, _echo(ask))
    if version_1:
        missing = next((row for row in rows if row.position < 0), None)
        if missing is not None:
            return Reply(_NO_SUCH_NAME, missing.asked + 1, _echo(ask))
    return _fitted(ask, rows, room, version_1=version_1)


def _fitted(ask: Ask, rows: list[_Row], room: int, *, version_1: bool) -> Reply:
    """Return the rows; GETBULK gives fewer where they do not fit, the others tooBig."""
    joined = b"".join([row.varbind for row in rows])
    if len(joined) <= room:
        return Reply(0, 0, joined)
    if ask.kind != GET_BULK:
        return _too_big(ask, version_1=version_1)
    kept = 0
    size = 0
    for row in rows:
        size += len(row.varbind)
        if size > room:
            break
        kept += 1
    return Reply(0, 0, b"".join([row.varbind for row in rows[:kept]])) if kept else _too_big(ask, version_1=False)


def _too_big(ask: Ask, *, version_1: bool) -> Reply:
    return Reply(_TOO_BIG, 0, _echo(ask) if version_1 else b"")


def _echo(ask: Ask) -> bytes:
    return b"".join([ber.tlv(ber.SEQUENCE, ber.tlv(ber.OID, oid) + _NULL) for oid in ask.oids])
