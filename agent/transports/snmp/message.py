"""PDUs and community-based messages (RFC 1157, RFC 1901, RFC 3416): encoded and decoded without objects per varbind."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from agent import ber
from agent.errors import MalformedError

__all__ = [
    "AUTHORIZATION_ERROR",
    "GET",
    "GET_BULK",
    "GET_NEXT",
    "NO_SUCH_NAME",
    "REPORT",
    "RESPONSE",
    "TOO_BIG",
    "Ask",
    "CommunitySecurity",
    "DroppedError",
    "Pdu",
    "Security",
    "decode_pdu",
    "encode_pdu",
]

GET, GET_NEXT, RESPONSE, GET_BULK, REPORT = 0xA0, 0xA1, 0xA2, 0xA5, 0xA8
TOO_BIG, NO_SUCH_NAME, AUTHORIZATION_ERROR = 1, 2, 16
VERSION_1, VERSION_2C, VERSION_3 = 0, 1, 3
_NOTHING = b"\x05\x00"


class Ask(NamedTuple):
    """What one request PDU asks: its kind, the OIDs (content octets), and GETBULK's max-repetitions."""

    kind: int
    oids: tuple[bytes, ...]
    repetitions: int = 0


class Pdu(NamedTuple):
    """An answer: `varbinds` as `ber.split_varbinds` gives them, `size` the octets that they took."""

    kind: int
    request_id: int
    error_status: int
    error_index: int
    varbinds: list[tuple[bytes, int, bytes]]
    size: int


class DroppedError(Exception):
    """A datagram that is not the answer to our request; `kind` says why, for the count."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class Security(Protocol):
    """How requests become datagrams and datagrams become answers: a community, or a user of SNMPv3."""

    @property
    def phase(self) -> str:
        """What is being negotiated before requests can be sent (`discovery`), or empty."""
        ...

    def begin(self) -> None:
        """Start a new request: what was learned stays, allowances for learning again are renewed."""
        ...

    def datagram(self, ask: Ask, request_id: int) -> bytes:
        """Return what to send for this request now; while something must be learned first, that."""
        ...

    def receive(self, data: bytes) -> Pdu | None:
        """Return the answer in a datagram; None when it taught us something and the request must be sent again.

        Raises:
            DroppedError: it is not an answer to us.
            MalformedError: it does not decode.
            GapError: the device refuses us.
        """
        ...


class CommunitySecurity:
    """SNMPv1 and v2c: the community and version of an answer must be the ones that were sent."""

    phase = ""

    def __init__(self, version: str, community: bytes) -> None:
        self._version = VERSION_1 if version == "1" else VERSION_2C
        self._community = community
        self._head = ber.encode_integer(self._version) + ber.tlv(ber.OCTET_STRING, community)

    def begin(self) -> None:
        """Nothing is learned here."""

    def datagram(self, ask: Ask, request_id: int) -> bytes:
        """Return the message."""
        return ber.tlv(ber.SEQUENCE, self._head + encode_pdu(ask, request_id))

    def receive(self, data: bytes) -> Pdu:
        """Return the PDU of an answer with our version and community; octets after the message are ignored."""
        tag, at, end = ber.header(data, 0, len(data))
        if tag != ber.SEQUENCE:
            raise MalformedError("SNMP: not a message")
        version, at = decode_integer(data, at, end)
        if version != self._version:
            raise DroppedError("version")
        tag, start, at = ber.header(data, at, end)
        if tag != ber.OCTET_STRING or data[start:at] != self._community:
            raise DroppedError("community")
        pdu = decode_pdu(data, at, end)
        if pdu.kind != RESPONSE:
            raise DroppedError("not a response")
        return pdu


def encode_pdu(ask: Ask, request_id: int) -> bytes:
    """Return a request PDU; for GETBULK non-repeaters is 0 and error-index carries max-repetitions."""
    varbinds = b"".join([ber.tlv(ber.SEQUENCE, ber.tlv(ber.OID, oid) + _NOTHING) for oid in ask.oids])
    return ber.tlv(
        ask.kind,
        ber.encode_integer(request_id)
        + b"\x02\x01\x00"
        + ber.encode_integer(ask.repetitions)
        + ber.tlv(ber.SEQUENCE, varbinds),
    )


def decode_pdu(data: bytes, at: int, end: int) -> Pdu:
    """Read a PDU of the response shape.

    Raises:
        MalformedError: it does not decode.
    """
    kind, at, end = ber.header(data, at, end)
    request_id, at = decode_integer(data, at, end)
    status, at = decode_integer(data, at, end)
    index, at = decode_integer(data, at, end)
    tag, at, stop = ber.header(data, at, end)
    if tag != ber.SEQUENCE:
        raise MalformedError("SNMP: a PDU without a list of variable bindings")
    return Pdu(kind, request_id, status, index, ber.split_varbinds(data, at, stop), stop - at)


def decode_integer(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Return an INTEGER and where the next element starts."""
    tag, start, stop = ber.header(data, at, end)
    if tag != ber.INTEGER:
        raise MalformedError("SNMP: tag 0x{tag:02x} where an INTEGER belongs", tag=tag)
    return ber.integer(tag, data[start:stop]), stop
