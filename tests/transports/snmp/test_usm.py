"""SNMPv3's user-based security: keys, authentication, time window, and what a forger can do with real datagrams."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent import ber
from agent.errors import ConfigError, GapError, MalformedError
from agent.lab.snmp import Device, switch
from agent.lab.snmp.agent import Agent
from agent.lab.snmpd import AUTH_PASSWORD, PRIV_PASSWORD, Snmpd, V3User, running_snmpd
from agent.model.exchange import SnmpGet
from agent.transports.snmp import SnmpTransport, User, keys, usm
from agent.transports.snmp.message import Ask, DroppedError, Pdu
from agent.transports.snmp.usm import UserSecurity

if TYPE_CHECKING:
    from collections.abc import Iterator

PEER = V3User("sha256aes", "SHA-256", "AES")
USER = User("sha256aes", "SHA-256", AUTH_PASSWORD.encode(), "AES", PRIV_PASSWORD.encode())
SYS_NAME = ber.oid_bytes("1.3.6.1.2.1.1.5.0")
ASK = Ask(0xA0, (SYS_NAME,))
ENGINE = "exactEngineID 0x80001f88047368617265"


class Hand:
    """A clock that is moved by hand."""

    seconds = 500.0

    def __call__(self) -> float:
        return self.seconds


class Wire:
    """A user at a real snmpd, datagram by datagram, so that a test can change what arrives."""

    def __init__(self, peer: Snmpd) -> None:
        self.clock = Hand()
        self.security = UserSecurity(USER, monotonic=self.clock)
        self.number = 1_000
        self._address = (peer.host, peer.port)

    def ask(self) -> bytes:
        """Send a request and return the datagram that answers it."""
        self.number += 1
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
            opened.settimeout(5)
            opened.connect(self._address)
            opened.send(self.security.datagram(ASK, self.number))
            return opened.recv(65_535)

    def discover(self) -> None:
        """Learn the engine."""
        self.security.begin()
        assert self.security.receive(self.ask()) is None
        assert self.security.phase == ""


@pytest.fixture(scope="module")
def snmpd() -> Iterator[Snmpd]:
    """A peer with one authPriv user."""
    with running_snmpd(users=(PEER,)) as peer:
        yield peer


@pytest.fixture
def wire(snmpd: Snmpd) -> Wire:
    """A conversation after discovery."""
    found = Wire(snmpd)
    found.discover()
    found.security.begin()
    return found


@pytest.mark.parametrize(
    ("protocol", "localised"),
    [
        ("MD5", "526f5eed9fcce26f8964c2930787d82b"),
        ("SHA", "6695febc9288e36282235fc7151f128497b38f3f"),
    ],
)
def test_keys_are_those_of_rfc_3414(protocol: str, localised: str) -> None:
    """The worked examples of RFC 3414 A.3.1 and A.3.2."""
    made = keys.localise(keys.AUTH[protocol], b"maplesyrup", None, b"", bytes(11) + b"\x02")
    assert made.auth.hex() == localised


@pytest.mark.parametrize("protocol", list(keys.PRIV))
@pytest.mark.parametrize("auth", list(keys.AUTH))
@given(data=st.binary(max_size=100), salt=st.binary(min_size=8, max_size=8), boots=st.integers(0, 2**31 - 1))
@settings(max_examples=5)
def test_what_is_encrypted_is_decrypted(protocol: str, auth: str, data: bytes, salt: bytes, boots: int) -> None:
    """Every pair of protocols has keys of the right length and gives the plaintext back, DES with padding."""
    priv = keys.PRIV[protocol]
    made = keys.localise(keys.AUTH[auth], b"passphrase", priv, b"another one", b"\x80\x00\x00\x01\x05")
    assert len(made.priv) == priv.key_octets
    secret = keys.encrypt(priv, made.priv, data, (boots, 5), salt)
    plain = keys.decrypt(priv, made.priv, secret, (boots, 5), salt)
    assert plain[: len(data)] == data
    assert len(plain) - len(data) < 8


def test_an_answer_is_read_once(wire: Wire) -> None:
    """The right answer decodes; played back after the request is done, it is dropped."""
    answer = wire.ask()
    pdu = wire.security.receive(answer)
    assert isinstance(pdu, Pdu)
    assert ber.decode_varbind(pdu.varbinds[0][2]).value == b"core-sw1"
    wire.security.begin()
    with pytest.raises(DroppedError, match="message-id"):
        wire.security.receive(answer)


def test_no_changed_bit_gets_through(wire: Wire) -> None:
    """Whichever bit of an authenticated and encrypted answer is flipped, it is dropped or malformed, never believed."""
    answer = wire.ask()
    for at in range(len(answer)):
        for bit in range(8):
            forged = bytearray(answer)
            forged[at] ^= 1 << bit
            with pytest.raises((DroppedError, MalformedError)):
                wire.security.receive(bytes(forged))
    assert isinstance(wire.security.receive(answer), Pdu)


@given(data=st.binary(max_size=300))
def test_any_datagram_is_dropped_or_malformed(data: bytes) -> None:
    """No octets from outside surface as another error."""
    security = UserSecurity(USER)
    security.datagram(ASK, 1)
    with pytest.raises((DroppedError, MalformedError)):
        security.receive(data)


def test_engine_time_advances_without_asking(wire: Wire) -> None:
    """After ten minutes of silence the request carries the engine time of then: no round trip to learn it."""
    before = usm.decode_message(wire.security.datagram(ASK, 1))
    wire.clock.seconds += 600
    after = usm.decode_message(wire.security.datagram(ASK, 2))
    assert (after.boots, after.time - before.time) == (before.boots, 600)


def test_only_an_authenticated_report_moves_the_time(wire: Wire) -> None:
    """notInTimeWindow is believed when its digest is right, and ignored when the digest or the auth flag is gone."""
    assert isinstance(wire.security.receive(wire.ask()), Pdu)
    wire.clock.seconds += 1_000
    wire.security.begin()
    report = wire.ask()
    message = usm.decode_message(report)
    before = usm.decode_message(wire.security.datagram(ASK, 1)).time

    wrong = bytearray(report)
    wrong[message.mac[0]] ^= 1
    with pytest.raises(DroppedError, match="digest"):
        wire.security.receive(bytes(wrong))

    flags = report.index(b"\x04\x01" + bytes((message.flags,)) + b"\x02\x01\x03") + 2
    bare = report[:flags] + b"\x00" + report[flags + 1 :]
    with pytest.raises(DroppedError, match="unauthenticated time report"):
        wire.security.receive(bare)
    assert usm.decode_message(wire.security.datagram(ASK, 2)).time == before

    assert wire.security.receive(report) is None
    assert usm.decode_message(wire.security.datagram(ASK, 3)).time < before - 900


def test_a_device_that_never_agrees_on_the_time_is_refused(wire: Wire) -> None:
    """One resynchronisation per request; the second report of the same request ends it."""
    for attempt in range(2):
        wire.clock.seconds += 1_000
        report = wire.ask()
        if attempt == 0:
            assert wire.security.receive(report) is None
        else:
            with pytest.raises(GapError) as caught:
                wire.security.receive(report)
            assert caught.value.reason == "refused"


def test_an_old_answer_is_outside_the_window(wire: Wire) -> None:
    """An authentic answer that is older than 150 seconds is dropped (RFC 3414 §3.2 7b)."""
    answer = wire.ask()
    assert isinstance(wire.security.receive(answer), Pdu)
    wire.clock.seconds += 152
    with pytest.raises(DroppedError, match="time window"):
        wire.security.receive(answer)


def test_devices_with_one_engine_id_do_not_disturb_each_other() -> None:
    """Two devices that share an engine ID (a cloned configuration) are each read without further round trips."""

    async def conversation(peers: tuple[Snmpd, Snmpd]) -> tuple[list[int], set[bytes]]:
        transports = [SnmpTransport(peer.host, peer.port, credentials=USER) for peer in peers]
        for _ in range(5):
            for transport in transports:
                await transport.exchange(SnmpGet(oids=("1.3.6.1.2.1.1.5.0",)))
        for transport in transports:
            await transport.close()
        return [transport.sent for transport in transports], {transport.engine_id for transport in transports}

    with (
        running_snmpd(users=(PEER,), extra=ENGINE) as one,
        running_snmpd(users=(PEER,), extra=ENGINE) as other,
    ):
        sent, engines = asyncio.run(conversation((one, other)))
    assert sent == [6, 6]
    assert engines == {bytes.fromhex("80001f88047368617265")}


def test_an_engine_that_never_settles_fills_no_memory() -> None:
    """Boots that go back at every request are noted, the latest few of them, and each request is answered."""
    lab = Agent(Device("flapping", switch(1), users=(USER,)), monotonic=lambda: 1000.0)
    security = UserSecurity(USER, monotonic=lambda: 1000.0)
    assert security.receive(lab.receive(security.datagram(ASK, 1))[0].data) is None
    for life in range(100, 10, -1):
        lab.engine.restart(life)
        security.begin()
        answers = [security.receive(lab.receive(security.datagram(ASK, 1000 - life))[0].data) for _ in range(2)]
        assert isinstance(answers[1], Pdu)
    assert 5 < len(security.notices) < 50
    assert security.notices[-1] == "engineBoots went back from 12 to 11"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": ""}, "1 to 32"),
        ({"name": "a", "auth": "SHA-3", "auth_key": b"long enough"}, "SHA-512"),
        ({"name": "a", "auth": "SHA", "auth_key": b"short"}, "at least 8"),
        ({"name": "a", "priv": "AES", "priv_key": b"long enough"}, "needs authentication"),
        ({"name": "a", "auth": "SHA", "auth_key": b"long enough", "priv": "3DES", "priv_key": b"long enough"}, "AES"),
    ],
)
def test_credentials_that_cannot_work_are_config_errors(fields: dict[str, str], message: str) -> None:
    """A typing error in the settings is found before a device is asked, and named."""
    with pytest.raises(ConfigError, match=message):
        User(**fields)  # type: ignore[arg-type]


def test_credentials_hide_their_secrets() -> None:
    """Neither a user nor the keys made from it show a secret."""
    assert "canary" not in repr(USER)
    made = keys.localise(keys.AUTH["SHA"], b"maplesyrup", None, b"", b"12345")
    assert made.auth.hex() not in repr(made)
    assert str(made.auth) not in repr(made)
