"""Notifications from net-snmp's own senders: what is believed, and what is only counted."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent import ber
from agent.errors import MalformedError
from agent.transports.notifications import (
    NotificationReceiver,
    Peer,
)
from agent.transports.notifications.datagram import MAX_VARBINDS, read_community, read_scoped, version_of
from agent.transports.snmp import Community, User
from agent.transports.snmp.message import DroppedError
from agent.transports.snmp.usm import decode_message
from tests.peers.trapper import (
    COMMUNITY,
    LINK_DOWN,
    SWITCH,
    TRAP_OID,
    UPS,
    USER,
    Sender,
    kind_of,
    listening,
    oids,
    send,
    v2c_trap,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from agent.model.exchange import Notifications


def heard(work: Callable[[NotificationReceiver], Awaitable[object]], *assets: Peer) -> Notifications:
    """Let something be sent to a receiver and return what it took."""

    async def main() -> Notifications:
        async with listening(*assets) as receiver:
            await work(receiver)
            return await receiver.take(1)

    return asyncio.run(main())


# --- what is believed ---------------------------------------------------------------------------------------------


def test_traps_and_informs_of_version_2c_arrive_and_informs_are_acknowledged() -> None:
    """Kind, order and every variable are what net-snmp sent; snmpinform gets its answer."""

    async def work(receiver: NotificationReceiver) -> None:
        device = Sender(receiver.port, COMMUNITY)
        assert await device.trap() == 0
        assert await device.inform(("1.3.6.1.6.3.1.1.5.1",)) == 0

    found = heard(work)
    assert [(one.sender, one.version, one.kind) for one in found.notifications] == [
        ("sw1", "2c", "trap"),
        ("sw1", "2c", "inform"),
    ]
    assert [kind_of(one) for one in found.notifications] == [LINK_DOWN[0], "1.3.6.1.6.3.1.1.5.1"]
    assert oids(found.notifications[0]) == [
        *("1.3.6.1.2.1.1.3.0", TRAP_OID),
        *("1.3.6.1.2.1.2.2.1.1.3", "1.3.6.1.2.1.2.2.1.7.3", "1.3.6.1.2.1.2.2.1.8.3"),
    ]
    assert (found.dropped, found.repeated, found.unknown, found.refused, found.malformed) == (0, 0, 0, 0, 0)
    assert found.listened_ms > 0


@pytest.mark.parametrize(
    "user",
    [
        USER,
        User("u-sha512", "SHA-512", b"auth-passphrase", "AES", b"priv-passphrase"),
        User("u-sha-des", "SHA", b"auth-passphrase", "DES", b"priv-passphrase"),
        User("u-md5", "MD5", b"auth-passphrase"),
        User("u-open"),
    ],
    ids=lambda user: user.name,
)
def test_version_3_traps_and_informs_arrive(user: User) -> None:
    """Every level of security: the variables are those that were encrypted; the inform's discovery is answered."""

    async def work(receiver: NotificationReceiver) -> None:
        device = Sender(receiver.port, user, "udp6:[::1]")
        assert await device.trap() == 0
        assert await device.inform() == 0

    found = heard(work, SWITCH, Peer("ups1", "::1", user))
    assert [(one.sender, one.version, one.kind, kind_of(one)) for one in found.notifications] == [
        ("ups1", "3", "trap", LINK_DOWN[0]),
        ("ups1", "3", "inform", LINK_DOWN[0]),
    ]
    assert [oids(one)[2:] for one in found.notifications] == [list(LINK_DOWN[1::3])] * 2
    assert found.refused == 0


@pytest.mark.parametrize(
    ("generic", "specific", "expected"),
    [(2, 0, "1.3.6.1.6.3.1.1.5.3"), (0, 0, "1.3.6.1.6.3.1.1.5.1"), (6, 5, "1.3.6.1.4.1.935.0.5")],
)
def test_version_1_traps_get_the_name_of_version_2(generic: int, specific: int, expected: str) -> None:
    """UPS cards that speak nothing newer are heard: names and time by RFC 3584 section 3.1."""

    async def work(receiver: NotificationReceiver) -> None:
        device = Sender(receiver.port, COMMUNITY)
        await device.trap_v1("1.3.6.1.4.1.935", generic, specific, "1.3.6.1.2.1.2.2.1.1.3", "i", "3")

    (one,) = heard(work).notifications
    assert (one.version, one.kind, kind_of(one)) == ("1", "trap", expected)
    assert ber.decode_varbind(bytes.fromhex(one.varbinds[0])).value == (4711).to_bytes(2, "big")
    assert oids(one)[2:] == ["1.3.6.1.2.1.2.2.1.1.3"]


def test_variables_keep_the_octets_of_the_wire() -> None:
    """Lengths longer than needed, as some agents write them, are kept as received, not written anew."""
    odd = bytes.fromhex("308111") + bytes.fromhex("060a2b060102010202010103") + bytes.fromhex("0203000003")

    async def work(receiver: NotificationReceiver) -> None:
        await send(receiver, v2c_trap(more=odd))

    (one,) = heard(work).notifications
    assert one.varbinds[2] == odd.hex()


def test_two_users_of_one_name_with_different_keys_are_both_heard() -> None:
    """Identity is the key, not the name: informs to one engine ID too."""
    other = User(USER.name, "SHA", b"another-passphrase", "AES", b"another-passphrase")

    async def work(receiver: NotificationReceiver) -> None:
        for host, user, engine in (
            ("udp6:[::1]", USER, "8000000001020304"),
            ("127.0.0.1", other, "8000000001020305"),
            ("udp6:[::1]", USER, "8000000001020304"),
        ):
            device = Sender(receiver.port, user, host, engine)
            assert await device.inform() == 0
            await device.trap()

    found = heard(work, UPS, Peer("sw2", "127.0.0.1", other))
    assert [one.sender for one in found.notifications] == ["ups1", "ups1", "sw2", "sw2", "ups1", "ups1"]


# --- what is not --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "access",
    [
        Community("2c", b"wrong"),
        User("nobody", "SHA-256", b"auth-passphrase", "AES", b"priv-passphrase"),
        User(USER.name, "SHA-256", b"wrong-passphrase", "AES", b"priv-passphrase"),
        User(USER.name, "SHA-512", b"auth-passphrase", "AES", b"priv-passphrase"),
        User(USER.name, "SHA-256", b"auth-passphrase"),
        User(USER.name),
    ],
    ids=["community", "user", "auth key", "auth protocol", "no privacy", "no authentication"],
)
def test_who_is_not_proven_is_refused_and_counted(access: Community | User) -> None:
    """Trap and inform alike; a known user below its level of security is not that user; nothing is acknowledged."""

    async def work(receiver: NotificationReceiver) -> None:
        device = Sender(receiver.port, access, "udp6:[::1]")
        await device.trap()
        assert await device.inform(patience=1) != 0

    found = heard(work)
    assert found.notifications == ()
    assert found.refused == 2


def test_a_wrong_privacy_key_says_nothing() -> None:
    """The digest is right, what it holds does not decrypt to a notification: nothing is believed."""

    async def work(receiver: NotificationReceiver) -> None:
        wrong = User(USER.name, "SHA-256", b"auth-passphrase", "AES", b"wrong-passphrase")
        await Sender(receiver.port, wrong, "udp6:[::1]").trap()

    found = heard(work)
    assert (found.notifications, found.malformed + found.refused) == ((), 1)


def test_recorded_traps_of_version_3_cannot_be_played_back() -> None:
    """Copies are known for minutes, older boots and times more than 150 s back are outside the window."""

    async def work(receiver: NotificationReceiver) -> None:
        device = Sender(receiver.port, USER, "udp6:[::1]")
        for clock in ("7,1000", "7,849", "6,99999", "8,1", "7,1001"):
            await device.trap(clock=clock)

    found = heard(work)
    assert len(found.notifications) == 2
    assert found.refused == 3


def test_a_copy_is_counted_not_kept_and_an_inform_is_acknowledged_again() -> None:
    """A device whose acknowledgement was lost sends again: one event, two answers."""
    inform = v2c_trap(4, kind=0xA6)

    async def main() -> tuple[Notifications, int]:
        async with listening() as receiver:
            answers = 0
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
                device.setblocking(False)
                loop = asyncio.get_running_loop()
                for _ in range(3):
                    await loop.sock_sendto(device, inform, ("127.0.0.1", receiver.port))
                    answer = await asyncio.wait_for(loop.sock_recv(device, 65535), 20)
                    answers += answer[:2] != inform[:2] or b"\xa2" in answer
            await send(receiver, v2c_trap(6), v2c_trap(6))
            return await receiver.take(1), answers

    found, answers = asyncio.run(main())
    assert [one.kind for one in found.notifications] == ["inform", "trap"]
    assert (answers, found.repeated) == (3, 3)


def test_strangers_are_counted_and_leave_no_trace() -> None:
    """From an address that is no asset's nothing is believed, not even with the right community."""

    async def work(receiver: NotificationReceiver) -> None:
        await send(receiver, v2c_trap(), b"\x00", b"", source="127.0.0.9")

    found = heard(work)
    assert (found.notifications, found.unknown, found.refused, found.malformed) == ((), 3, 0, 0)
    assert "127.0.0.9" not in found.to_bytes().decode()


def test_a_device_is_known_by_its_engine_id_from_its_other_addresses() -> None:
    """A router sends from the address of whatever port is nearest; proven once, its engine ID names it."""

    async def work(receiver: NotificationReceiver) -> None:
        elsewhere = Sender(receiver.port, USER, "127.0.0.1")
        await elsewhere.trap(clock="7,1000")
        await Sender(receiver.port, USER, "udp6:[::1]").trap(clock="7,1001")
        await elsewhere.trap(clock="7,1002")

    found = heard(work, UPS)
    assert [one.sender for one in found.notifications] == ["ups1", "ups1"]
    assert found.unknown == 1


def test_assets_that_share_an_address_are_told_apart_by_what_they_send_with() -> None:
    """Where even that is the same, nobody is blamed."""
    other = Peer("sw2", "127.0.0.1", Community("2c", b"other-community"))
    twin = Peer("sw3", "127.0.0.1", Community("2c", b"other-community"))

    async def work(receiver: NotificationReceiver) -> None:
        await send(receiver, v2c_trap(2, b"other-community"), v2c_trap(4))

    assert [one.sender for one in heard(work, SWITCH, other).notifications] == ["sw2", "sw1"]
    found = heard(work, SWITCH, other, twin)
    assert ([one.sender for one in found.notifications], found.unknown) == (["sw1"], 1)


GARBAGE = {
    "empty": b"",
    "zero": b"\x00" * 64,
    "cut": v2c_trap()[:-3],
    "indefinite": b"\x30\x80" + v2c_trap()[2:],
    "get": v2c_trap(kind=0xA0),
    "nested": v2c_trap(more=b"\x30\x0c\x06\x03\x2b\x06\x01" + b"\x30\x05" * 2 + b"\x30"),
    "too many": v2c_trap(more=ber.encode_varbind(b"\x2b\x06", ber.NULL, b"") * MAX_VARBINDS),
    "no trap OID": v2c_trap().replace(ber.oid_bytes(TRAP_OID), ber.oid_bytes("1.3.6.1.6.3.1.1.4.2.0")),
    "largest": b"\x30\x84\x00\x00\xff\xdd" + b"\x30" * 65_000,
    "version 9": v2c_trap().replace(b"\x02\x01\x01\x04", b"\x02\x01\x09\x04"),
    "version 3": b"\x30\x03\x02\x01\x03",
}


def test_garbage_is_counted_and_the_next_trap_arrives() -> None:
    """Whatever an asset's address sends, the receiver goes on."""

    async def work(receiver: NotificationReceiver) -> None:
        await send(receiver, *GARBAGE.values(), v2c_trap(2))

    found = heard(work)
    assert [kind_of(one) for one in found.notifications] == [LINK_DOWN[0]]
    assert found.malformed == len(GARBAGE)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=300), st.integers(0, 80).map(lambda n: v2c_trap()[:n] + os.urandom(80 - n))))
def test_any_datagram_decodes_or_is_malformed(data: bytes) -> None:
    """The readers raise nothing but their own errors, whatever the octets."""
    for read in (
        lambda: read_community(data, *version_of(data)[1:]),
        lambda: read_scoped(data),
        lambda: decode_message(data),
    ):
        with contextlib.suppress(MalformedError, DroppedError):
            read()
