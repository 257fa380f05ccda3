"""What a datagram says it is, pure: versions 1 and 2c whole, version 3 once it is decrypted.

Everything is read strictly before anything else sees it: only the tags of SNMP, only primitive values, at most
`MAX_VARBINDS` variables. So nothing nested, endless or huge reaches the slower decoder of the SNMP engine, and the
variable bindings are kept octet by octet as the device sent them.

A version 1 trap names its kind in its header; it becomes the two first varbinds of a version 2 notification by RFC 3584
section 3.1. UPS cards with nothing but SNMPv1 are common.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from agent import ber
from agent.errors import MalformedError
from agent.transports.snmp.message import decode_integer, decode_pdu

__all__ = ["MAX_VARBINDS", "Told", "read_community", "read_scoped", "version_of"]

MAX_VARBINDS = 100
"""Variables in one notification; real ones have up to a dozen."""
VERSIONS: dict[int, Literal["1", "2c", "3"]] = {0: "1", 1: "2c", 3: "3"}
TRAP_V1, INFORM, TRAP = 0xA4, 0xA6, 0xA7
SYS_UP_TIME = ber.oid_bytes("1.3.6.1.2.1.1.3.0")
SNMP_TRAP_OID = ber.oid_bytes("1.3.6.1.6.3.1.1.4.1.0")
SNMP_TRAPS = "1.3.6.1.6.3.1.1.5"
ENTERPRISE_SPECIFIC = 6
_VALUES = frozenset(
    {ber.INTEGER, ber.BITS, ber.OCTET_STRING, ber.NULL, ber.OID, ber.IP_ADDRESS, ber.COUNTER32, ber.GAUGE32}
    | {ber.TIME_TICKS, ber.OPAQUE, ber.COUNTER64, ber.UINTEGER32}
    | {ber.NO_SUCH_OBJECT, ber.NO_SUCH_INSTANCE, ber.END_OF_MIB_VIEW}
)


class Told(NamedTuple):
    """A notification as a datagram tells it; whether that is to be believed is not said here."""

    kind: Literal["trap", "inform"]
    request_id: int
    varbinds: tuple[bytes, ...]

    def topic(self) -> tuple[bytes, ...]:
        """Return what a repetition has in common with it: all but the time."""
        return tuple(each for each in self.varbinds if SYS_UP_TIME not in each[:16])


def version_of(data: bytes) -> tuple[Literal["1", "2c", "3"], int, int]:
    """Return the version of a message, where its next element starts and where the message ends.

    Raises:
        MalformedError: it is not an SNMP message.
    """
    tag, at, end = ber.header(data, 0, len(data))
    if tag != ber.SEQUENCE:
        raise MalformedError("SNMP: not a message")
    number, at = decode_integer(data, at, end)
    if number not in VERSIONS:
        raise MalformedError("SNMP: version {number}", number=number)
    return VERSIONS[number], at, end


def read_community(data: bytes, at: int, end: int) -> tuple[bytes, Told]:
    """Return community and notification of a version 1 or 2c message, from behind its version.

    Raises:
        MalformedError: it does not decode or is no notification.
    """
    tag, start, at = ber.header(data, at, end)
    if tag != ber.OCTET_STRING:
        raise MalformedError("SNMP: no community")
    return data[start:at], _pdu(data, at, end)


def read_scoped(data: bytes) -> Told:
    """Return the notification of a version 3 scoped PDU, decrypted, which padding may follow.

    Raises:
        MalformedError: it does not decode or is no notification.
    """
    tag, at, end = ber.header(data, 0, len(data))
    if tag != ber.SEQUENCE:
        raise MalformedError("SNMPv3: no scoped PDU")
    for _ in ("contextEngineID", "contextName"):
        _, _, at = ber.header(data, at, end)
    return _pdu(data, at, end)


def _pdu(data: bytes, at: int, end: int) -> Told:
    kind = ber.header(data, at, end)[0]
    if kind == TRAP_V1:
        return _trap_v1(data, at, end)
    if kind not in (TRAP, INFORM):
        raise MalformedError("SNMP: PDU 0x{kind:02x} is no notification", kind=kind)
    pdu = decode_pdu(data, at, end)
    varbinds = _checked(pdu.varbinds)
    if not any(oid == SNMP_TRAP_OID and tag == ber.OID for oid, tag, _ in pdu.varbinds):
        raise MalformedError("SNMP: a notification without snmpTrapOID")
    return Told("inform" if kind == INFORM else "trap", pdu.request_id, varbinds)


def _trap_v1(data: bytes, at: int, end: int) -> Told:
    """Read a Trap-PDU (RFC 1157 §4.1.6) and put its header into two varbinds."""
    _, at, end = ber.header(data, at, end)
    tag, start, at = ber.header(data, at, end)
    if tag != ber.OID:
        raise MalformedError("SNMPv1: a trap without enterprise")
    enterprise = ber.oid_text(data[start:at])
    _, _, at = ber.header(data, at, end)  # the agent's address: what the datagram came from is surer
    generic, at = decode_integer(data, at, end)
    specific, at = decode_integer(data, at, end)
    tag, start, at = ber.header(data, at, end)
    if tag != ber.TIME_TICKS or not 0 <= generic <= ENTERPRISE_SPECIFIC or not 0 <= specific < 1 << 31:
        raise MalformedError("SNMPv1: a trap with an impossible header")
    known = generic < ENTERPRISE_SPECIFIC
    name = f"{SNMP_TRAPS}.{generic + 1}" if known else f"{enterprise}.0.{specific}"
    head = (
        ber.encode_varbind(SYS_UP_TIME, ber.TIME_TICKS, data[start:at]),
        ber.encode_varbind(SNMP_TRAP_OID, ber.OID, ber.oid_bytes(name)),
    )
    tag, at, end = ber.header(data, at, end)
    if tag != ber.SEQUENCE:
        raise MalformedError("SNMPv1: a trap without a list of variable bindings")
    return Told("trap", 0, head + _checked(ber.split_varbinds(data, at, end)))


def _checked(found: list[tuple[bytes, int, bytes]]) -> tuple[bytes, ...]:
    """Return the varbinds as received.

    Raises:
        MalformedError: there are too many, or one holds something that SNMP has no type for.
    """
    if len(found) > MAX_VARBINDS:
        raise MalformedError("SNMP: a notification with {count} variables", count=len(found))
    for oid, tag, whole in found:
        if tag not in _VALUES:
            raise MalformedError("SNMP: a value with tag 0x{tag:02x}", tag=tag)
        ber.oid_tuple(oid)
        if tag == ber.OID:
            ber.oid_tuple(ber.decode_varbind(whole).value)
    return tuple(whole for _, _, whole in found)
