"""What is fuzzed: every decoder of bytes from outside, with the errors that it may raise.

Anything else that a target raises is a crash. `fast` marks decoders of datagrams, which must be done in milliseconds
whatever they are given.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from agent import ber, canonical
from agent.canonical import digest
from agent.collectors import measure
from agent.errors import AgentError, ConfigError, GapError, MalformedError, VerificationError
from agent.evidence import dsse, note, statement
from agent.evidence.bundle import read_bundle
from agent.lab.snmp import Device, Recording, parse
from agent.lab.snmp.agent import Agent
from agent.model import snmp
from agent.model.evidence import SegmentHeader
from agent.model.exchange import Answer, Exchange, SnmpColumn, SnmpGet, SnmpTable, VarBinds
from agent.packs import load, models
from agent.sessions.redact import Redactor
from agent.sessions.segment import parse_segment, segment_bytes
from agent.transports.mqtt.frames import ForeignBytesError, FrameGuard, OversizeError
from agent.transports.snmp import Limits, User
from agent.transports.snmp.get import Get
from agent.transports.snmp.message import GET, RESPONSE, Ask, CommunitySecurity, DroppedError
from agent.transports.snmp.pace import Pace
from agent.transports.snmp.usm import UserSecurity
from agent.transports.snmp.walk import Walk
from agent.verify.bundle import verify_bundle
from tests.fuzz import corpus
from tests.peers.recordings import REDACTOR, asset_and_campus

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.model.exchange import Request

__all__ = ["TARGETS", "Target"]

AT = "2026-11-22T00:00:00.000Z"


@dataclass(frozen=True)
class Target:
    """A decoder, seeds for it, and the errors by which it may refuse."""

    run: Callable[[bytes], object]
    seeds: Callable[[], Sequence[bytes]]
    refusals: tuple[type[BaseException], ...]
    fast: bool = False


# --- SNMP ---------------------------------------------------------------------------------------------------------


def decode_varbinds(data: bytes) -> None:
    """Take a list of variable bindings apart, and read every value in every way."""
    for oid, tag, raw in ber.split_varbinds(data, 0, len(data)):
        varbind = ber.decode_varbind(raw)
        assert (varbind.oid, varbind.tag) == (oid, tag)
        assert ber.oid_bytes(ber.oid_text(varbind.oid)) == varbind.oid
        snmp.number(varbind)
        snmp.oid(varbind)
        snmp.text(varbind.value).encode()


def receive_message(data: bytes) -> None:
    """Receive a datagram, and go on with what it says: in a walk, in a GET."""
    version = "1" if data[4:5] == b"\x00" else "2c"
    pdu = CommunitySecurity(version, b"lab-ro").receive(data)
    name = ber.oid_text(pdu.varbinds[0][0]) if pdu.varbinds else "1.3.6.1.2.1.2.2.1.2"
    column = name.rpartition(".")[0]
    if column.count(".") > 1:
        limits = Limits()
        request = SnmpTable(columns=(SnmpColumn(oid=column), SnmpColumn(oid="1.3.6.1.2.1.31.1.1.1.1")))
        walk = Walk(request, Pace(limits), limits)
        ask = walk.ask(0, last=False)
        assert ask is not None
        walk.answer(ask, pdu)
        walk.stop("end")
        snmp.rows(walk.result(), request)
    get = Get(SnmpGet(oids=(name, "1.3.6.1.2.1.1.1.0")), Limits())
    asked = get.ask(0, last=False)
    assert asked is not None
    get.answer(asked, pdu)
    get.stop("end")
    assert len(get.result().varbinds) == 2


def receive_varbinds(data: bytes) -> None:
    """Receive a message that is sound around its variable bindings."""
    numbers = ber.encode_integer(1) + ber.encode_integer(0) + ber.encode_integer(0)
    pdu = ber.tlv(RESPONSE, numbers + ber.tlv(ber.SEQUENCE, data))
    receive_message(ber.tlv(ber.SEQUENCE, ber.encode_integer(1) + ber.tlv(ber.OCTET_STRING, b"lab-ro") + pdu))


USER = User("reader", "SHA-256", b"auth-passphrase", "AES", b"priv-passphrase")
ENGINE = bytes.fromhex("80007ed9050102030405060708")


@cache
def _lab() -> Agent:
    device = Device("fuzz", corpus.devices()[0], users=(USER,), engine_id=ENGINE)
    return Agent(device, monotonic=lambda: 1000.0)


def _greeted() -> tuple[UserSecurity, bytes]:
    """Return a user who knows the engine and waits for the answer to request 1, and that request."""
    security = UserSecurity(USER, monotonic=lambda: 1000.0)
    ask = Ask(GET, (ber.oid_bytes("1.3.6.1.2.1.1.1.0"),))
    report = _lab().receive(security.datagram(ask, 1))[0].data
    assert security.receive(report) is None
    security.begin()
    return security, security.datagram(ask, 1)


def receive_v3(data: bytes) -> None:
    """Receive a datagram before and after the engine is known."""
    fresh = UserSecurity(USER, monotonic=lambda: 1000.0)
    fresh.datagram(Ask(GET, (ber.oid_bytes("1.3.6.1"),)), 1)
    for security in (fresh, _greeted()[0]):
        try:
            security.receive(data)
        except (DroppedError, MalformedError, GapError):
            continue


def receive_authentic(data: bytes) -> None:
    """Receive a PDU from the device's own engine: signed and encrypted, whatever it holds."""
    security, request = _greeted()
    opened = _lab().engine.open(request, 65_507)
    assert opened is not None
    assert not isinstance(opened, bytes)
    security.receive(opened.seal(data))


def v3_datagrams() -> list[bytes]:
    """Return a report, an answer, and requests."""
    security = UserSecurity(USER, monotonic=lambda: 1000.0)
    first = security.datagram(Ask(GET, (ber.oid_bytes("1.3.6.1"),)), 1)
    _, request = _greeted()
    return [first, request, *(sending.data for one in (first, request) for sending in _lab().receive(one))]


# --- collectors ---------------------------------------------------------------------------------------------------


class _Canned:
    """A session that answers from a recording, without a socket or a clock."""

    def __init__(self, device: Recording, redactor: Redactor = REDACTOR) -> None:
        self._device = device
        self._redactor = redactor
        self.lines: list[bytes] = []

    async def ask(self, request: Request) -> Answer:
        """Answer as the live session would."""
        if not isinstance(request, SnmpGet | SnmpTable):
            raise GapError("unsupported", "only SNMP is recorded")
        response, redactions = self._redactor.redact(request, VarBinds(varbinds=tuple(self._found(request))))
        assert isinstance(response, VarBinds)
        kept = Exchange(
            n=len(self.lines), at=AT, monotonic_ns="1", request=request, response=response, redactions=redactions
        )
        self.lines.append(kept.to_bytes())
        return Answer(response, AT, digest(self.lines[-1]))

    def _found(self, request: SnmpGet | SnmpTable) -> list[str]:
        device = self._device
        if isinstance(request, SnmpGet):
            places = [device.find(ber.oid_bytes(oid)) for oid in request.oids]
            return [device.varbinds[place].hex() for place in places if place is not None]
        return [device.varbinds[at].hex() for column in request.columns for at in device.under(column.oid)]


COLLECTED = ("identity", "interfaces", "neighbours")


def collect(data: bytes) -> None:
    """Run the collectors over a device whose recording was damaged."""
    asset, campus = asset_and_campus(161)
    readings = asyncio.run(measure(asset, campus, COLLECTED, _Canned(parse(data))))
    assert all(reading.to_bytes() for reading in readings)


@cache
def segments() -> tuple[bytes, ...]:
    """Return raw segments of some devices."""
    asset, campus = asset_and_campus(161)
    made = []
    for device in corpus.devices()[:6]:
        session = _Canned(device)
        asyncio.run(measure(asset, campus, COLLECTED, session))
        made.append(
            segment_bytes(SegmentHeader(run="r", asset=asset, collectors=COLLECTED, campus=campus), session.lines)
        )
    return tuple(one for one in made if len(one) < corpus.SMALL * 4)


# --- evidence, packs, MQTT ----------------------------------------------------------------------------------------

LOG_KEY = (corpus.TESTS / "tampered" / "trust" / "log.vkey").read_text(encoding="ascii").strip()


def open_envelope(data: bytes) -> None:
    """Read an envelope, and its payload as a statement."""
    statement.read_statement(dsse.parse(data).payload)


def payloads() -> list[bytes]:
    """Return statements without their envelopes."""
    return [dsse.parse(data).payload for data in corpus.bundle_members(".dsse.json", ".dsse") if data]


def open_receipt(data: bytes) -> None:
    """Verify a receipt against the log's key."""
    note.verify_receipt(data, "sha256:" + "0" * 64, LOG_KEY)


def open_bundle(data: bytes) -> None:
    """Read a bundle; one that can be read is verified, and gives a result whatever it holds."""
    read_bundle(data)
    assert verify_bundle(data) is not None


def load_pack(data: bytes) -> None:
    """Read the octets as every kind of pack."""
    loaders = (load.parse_metrics, load.parse_families, load.parse_standard, load.parse_campus)
    for loader in loaders:
        try:
            loader(data, "fuzz.yaml")
        except ConfigError as error:
            error.render().encode()


def load_models(data: bytes) -> None:
    """Read the octets as a table of models."""
    models.parse_models(data.decode("utf-8", "replace"), "fuzz.tsv")


def feed_frames(data: bytes) -> None:
    """Follow a broker's octets, in two pieces."""
    guard = FrameGuard(4096)
    guard.feed(data[: len(data) // 3])
    guard.feed(data[len(data) // 3 :])


def load_json(data: bytes) -> None:
    """Read JSON; what was read can be written canonically, or is refused, and reads back the same."""
    value = canonical.loads(data)
    assert canonical.loads(canonical.dumps(value)) == value


def redact(data: bytes) -> None:
    """Redact values that are declared to hold something, under every declaration."""
    request = SnmpGet(oids=("1.3.6.1.2.1.1.1.0",) * 4, holds=("mac", "name", "serial", "identifier"))
    oid = ber.oid_bytes(request.oids[0])
    shown = tuple(ber.encode_varbind(oid, ber.OCTET_STRING, data).hex() for _ in request.oids)
    Redactor(b"k" * 32, (b"a-secret",)).redact(request, VarBinds(varbinds=shown))
    for holds in ("mac", "name", "serial", "identifier"):
        REDACTOR.pseudonym(holds, data)


def frames() -> list[bytes]:
    """Return what a broker sends: CONNACK, SUBACK, messages of every size class, a ping's answer."""
    hello = bytes.fromhex("20020000") + bytes.fromhex("9003000100")
    topic = b"\x00\x0eschool/light/1" + b"{}"
    messages = [bytes((0x30, len(topic))) + topic, b"\x30\x82\x02" + b"\x00\x01a" + b"x" * 255, b"\xd0\x00"]
    return [hello, *(hello + message for message in messages), hello + b"".join(messages)]


def texts() -> list[bytes]:
    """Return values as devices have them: MAC addresses in every spelling, names, other character sets."""
    return [
        *(bytes.fromhex("4c1fcc0a0b0c"), b"4c:1f:cc:0a:0b:0c", b"4c1f.cc0a.0b0c", b"AP-4C1FCC0A0B0C-3F", b"vmnic2"),
        *("教学楼".encode("gb18030"), "核心".encode(), b"a-secret in a banner", b"", b"\x00\xff" * 40),
    ]


def model_lines() -> list[bytes]:
    """Return the head of the table of models."""
    lines = (load.config_directory() / "models.tsv").read_bytes().splitlines(keepends=True)
    return [b"".join(lines[:40])]


SNMP = (DroppedError, MalformedError, GapError)
TARGETS: dict[str, Target] = {
    "ber": Target(decode_varbinds, corpus.varbinds, (MalformedError,), fast=True),
    "snmp": Target(receive_message, corpus.datagrams, SNMP, fast=True),
    "snmp-inside": Target(receive_varbinds, corpus.varbinds, SNMP, fast=True),
    "snmpv3": Target(receive_v3, v3_datagrams, SNMP, fast=True),
    "snmpv3-inside": Target(receive_authentic, corpus.pdus, SNMP, fast=True),
    "lab-agent": Target(lambda data: _lab().receive(data), lambda: [*v3_datagrams(), *corpus.datagrams()], ()),
    "collectors": Target(collect, corpus.snmprec, ()),
    "redact": Target(redact, texts, (MalformedError,)),
    "segment": Target(parse_segment, segments, (MalformedError,)),
    "json": Target(load_json, lambda: corpus.bundle_members(".json", ".dsse"), (MalformedError,)),
    "envelope": Target(
        open_envelope, lambda: corpus.bundle_members(".dsse.json", ".dsse"), (MalformedError, VerificationError)
    ),
    "statement": Target(statement.read_statement, payloads, (MalformedError, VerificationError)),
    "receipt": Target(open_receipt, lambda: corpus.bundle_members(".tlog-proof"), (AgentError,)),
    "bundle": Target(open_bundle, corpus.bundles, (AgentError,)),
    "pack": Target(load_pack, lambda: corpus.packs(("families", "metrics", "standards", ".")), ()),
    "models": Target(load_models, model_lines, (ConfigError,)),
    "mqtt": Target(feed_frames, frames, (ForeignBytesError, OversizeError)),
}
