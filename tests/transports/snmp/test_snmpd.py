"""Against net-snmp's snmpd: the same objects, types and octets as snmpbulkwalk, for v1, v2c and every pair of v3."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Literal

import pytest

from agent import ber
from agent.errors import GapError
from agent.lab.snmpd import AUTH_PASSWORD, COMMUNITY, PRIV_PASSWORD, USERS, Snmpd, V3User, running_snmpd
from agent.model import snmp
from agent.model.exchange import SnmpColumn, SnmpGet, SnmpTable, VarBinds
from agent.transports.snmp import Community, Limits, SnmpTransport, User
from agent.transports.snmp.message import Ask, Pdu
from agent.transports.snmp.target import Target
from agent.transports.snmp.usm import UserSecurity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SYS_NAME, SYS_LOCATION = "1.3.6.1.2.1.1.5.0", "1.3.6.1.2.1.1.6.0"
SUBTREES = ("1.3.6.1.2.1.1", "1.3.6.1.2.1.2", "1.3.6.1.2.1.4", "1.3.6.1.2.1.31", "1.3.6.1.6.3.16")
V2C = Community("2c", COMMUNITY.encode())
QUICK = Limits(timeout_ms=300, retries=2)
_KINDS = {ber.INTEGER: "INTEGER", ber.COUNTER32: "Counter32", ber.GAUGE32: "Gauge32", ber.COUNTER64: "Counter64"}


@pytest.fixture(scope="module")
def snmpd() -> Iterator[Snmpd]:
    """One peer with all users for the module."""
    with running_snmpd(users=USERS) as peer:
        yield peer


def credentials(user: V3User) -> User:
    """Our words for the peer's user."""
    auth, priv = (AUTH_PASSWORD if user.auth else ""), (PRIV_PASSWORD if user.priv else "")
    return User(user.name, user.auth, auth.encode(), user.priv, priv.encode())


def exchange(
    peer: Snmpd, credential: Community | User, *requests: SnmpGet | SnmpTable, limits: Limits | None = None
) -> list[VarBinds]:
    """Ask the peer over one transport and return the answers."""

    async def conversation() -> list[VarBinds]:
        transport = SnmpTransport(peer.host, peer.port, credentials=credential, limits=limits)
        try:
            return [await transport.exchange(request) for request in requests]
        finally:
            await transport.close()

    return asyncio.run(conversation())


def printed(varbind: ber.VarBind) -> str:
    """Return the value as `snmpbulkwalk -Ox -On` prints it."""
    tag, value = varbind.tag, varbind.value
    if tag in _KINDS:
        return f"{_KINDS[tag]}: {ber.integer(tag, value)}"
    if tag == ber.TIME_TICKS:
        return f"Timeticks: ({ber.integer(tag, value)})"
    if tag == ber.OID:
        return f"OID: .{ber.oid_text(value)}"
    if tag == ber.IP_ADDRESS:
        return "IpAddress: " + ".".join(map(str, value))
    assert tag == ber.OCTET_STRING, hex(tag)
    return "Hex-STRING: " + value.hex(" ").upper() if value else '""'


def parsed(output: str) -> dict[str, str]:
    """Return OID -> value of the output of `snmpbulkwalk`, one line per value."""
    found: dict[str, str] = {}
    for line in re.sub(r"\n(?!\.1)", "", output).splitlines():
        oid, _, value = line.partition(" = ")
        if value.startswith("No more variables"):
            continue
        found[oid[1:]] = re.sub(r"(Timeticks: \(\d+\)).*", r"\1", value.strip())
    return found


def walked(peer: Snmpd, subtree: str, credential: Community | User) -> dict[str, str]:
    """Return OID -> value of our own walk."""
    (answer,) = exchange(peer, credential, SnmpTable(columns=(SnmpColumn(oid=subtree),)))
    assert answer.partial == ()
    varbinds = [ber.decode_varbind(bytes.fromhex(each)) for each in answer.varbinds]
    found = {ber.oid_text(varbind.oid): printed(varbind) for varbind in varbinds}
    assert len(found) == len(varbinds)
    return found


def assert_agrees(before: dict[str, str], ours: dict[str, str], after: dict[str, str]) -> None:
    """Ours holds each object that both walks of net-snmp hold, no other, and the value where that did not change."""
    assert before.keys() & after.keys() <= ours.keys() <= before.keys() | after.keys()
    for oid, value in ours.items():
        kinds = {peer[oid].split(":")[0] for peer in (before, after) if oid in peer}
        assert value.split(":")[0] in kinds, oid
        if before.get(oid) == after.get(oid):
            assert value == before[oid], oid


@pytest.mark.parametrize("version", ["1", "2c"])
@pytest.mark.parametrize("subtree", SUBTREES)
def test_walks_agree_with_snmpbulkwalk(snmpd: Snmpd, subtree: str, version: Literal["1", "2c"]) -> None:
    """Object by object, type by type, value by value, by GETBULK and by v1's GETNEXT."""
    before = parsed(snmpd.walk(subtree))
    ours = walked(snmpd, subtree, Community(version, COMMUNITY.encode()))
    after = parsed(snmpd.walk(subtree))
    if version == "1":  # RFC 2576 §4.1.2.1: Counter64 does not exist there
        before = {oid: value for oid, value in before.items() if "Counter64" not in value}
        after = {oid: value for oid, value in after.items() if "Counter64" not in value}
    assert len(ours) > 5
    assert_agrees(before, ours, after)


def test_columns_side_by_side_agree_with_snmpbulkwalk(snmpd: Snmpd) -> None:
    """Twenty-two columns of ifTable walked together hold what net-snmp finds, in the order asked."""
    columns = [f"1.3.6.1.2.1.2.2.1.{n}" for n in range(22, 0, -1)]
    before = parsed(snmpd.walk("1.3.6.1.2.1.2.2"))
    (answer,) = exchange(snmpd, V2C, SnmpTable(columns=tuple(SnmpColumn(oid=oid) for oid in columns)))
    after = parsed(snmpd.walk("1.3.6.1.2.1.2.2"))
    varbinds = [ber.decode_varbind(bytes.fromhex(each)) for each in answer.varbinds]
    names = [ber.oid_text(varbind.oid) for varbind in varbinds]
    assert names == sorted(names, key=lambda name: (-int(name.split(".")[9]), int(name.split(".")[10])))
    assert answer.partial == ()
    assert_agrees(before, dict(zip(names, map(printed, varbinds), strict=True)), after)


@pytest.mark.parametrize("user", USERS, ids=lambda user: user.name)
def test_every_pair_of_v3_is_understood(snmpd: Snmpd, user: V3User) -> None:
    """Discovery and a GET take two packets, and a walk agrees with snmpbulkwalk as the same user."""
    before = parsed(snmpd.walk(SUBTREES[0], user=user))
    ours = walked(snmpd, SUBTREES[0], credentials(user))
    assert_agrees(before, ours, parsed(snmpd.walk(SUBTREES[0], user=user)))
    (answer,) = exchange(snmpd, credentials(user), SnmpGet(oids=(SYS_NAME,)))
    found = snmp.scalars(answer, (SYS_NAME,))[SYS_NAME]
    assert found is not None
    assert found.value == b"core-sw1"


@pytest.mark.parametrize("credential", [V2C, Community("1", COMMUNITY.encode()), credentials(USERS[-1])])
def test_a_get_has_one_varbind_per_oid(snmpd: Snmpd, credential: Community | User) -> None:
    """What is missing keeps its place, in every version."""
    oids = ("1.3.6.1.2.1.1.77.0", SYS_NAME, "1.3.6.1.2.1.2.2.1.2.99999", SYS_LOCATION)
    (answer,) = exchange(snmpd, credential, SnmpGet(oids=oids))
    assert [ber.oid_text(ber.decode_varbind(bytes.fromhex(each)).oid) for each in answer.varbinds] == list(oids)
    found = snmp.scalars(answer, oids)
    assert [found[oid] is None for oid in oids] == [True, False, True, False]
    location = found[SYS_LOCATION]
    assert location is not None
    assert snmp.text(location.value) == "教学楼A栋"
    assert answer.partial == ()


def test_ipv6_works() -> None:
    """The same over ::1."""
    with running_snmpd(host="::1") as peer:
        (answer,) = exchange(peer, V2C, SnmpGet(oids=(SYS_NAME,)))
        assert snmp.scalars(answer, (SYS_NAME,))[SYS_NAME] is not None


@pytest.mark.parametrize(
    ("credential", "reason", "message"),
    [
        (Community("2c", b"canary-wrong"), "unreachable", "wrong community"),
        (User("nobody"), "refused", "does not know user nobody"),
        (User("none", "SHA", b"canary-wrong"), "refused", "security level"),
        (User("shaaes", "SHA", b"canary-wrong", "AES", PRIV_PASSWORD.encode()), "refused", "auth passphrase"),
        (User("shaaes", "SHA-256", AUTH_PASSWORD.encode()), "refused", "auth passphrase"),
        (User("shaaes", "SHA", AUTH_PASSWORD.encode(), "AES", b"canary-wrong"), "refused", "priv passphrase"),
        (User("md5des", "MD5", AUTH_PASSWORD.encode(), "DES", b"canary-wrong"), "refused", "priv passphrase"),
        (User("shaaes", "SHA", AUTH_PASSWORD.encode()), "refused", "authorizationError"),
        (User("none", context="elsewhere"), "refused", "context"),
    ],
)
def test_wrong_credentials_say_what_to_fix(
    snmpd: Snmpd, credential: Community | User, reason: str, message: str
) -> None:
    """Unknown user, wrong auth key, wrong priv key and missing rights are told apart, and no secret is shown."""
    with pytest.raises(GapError) as caught:
        exchange(snmpd, credential, SnmpGet(oids=(SYS_NAME,)), limits=QUICK)
    assert caught.value.reason == reason
    assert message in str(caught.value)
    assert f"{snmpd.port} {SYS_NAME}" in str(caught.value)
    assert not re.search("canary", str(caught.value) + repr(credential))


def test_refused_credentials_are_not_tried_again(snmpd: Snmpd) -> None:
    """After a report that refuses the user, the device gets no further packet: it may lock accounts."""

    async def conversation() -> list[int]:
        transport = SnmpTransport(snmpd.host, snmpd.port, credentials=User("nobody"))
        sent = []
        for _ in range(2):
            with pytest.raises(GapError) as caught:
                await transport.exchange(SnmpGet(oids=(SYS_NAME,)))
            assert caught.value.reason == "refused"
            sent.append(transport.sent)
        await transport.close()
        return sent

    first, second = asyncio.run(conversation())
    assert first == second


def test_answers_of_pysnmp_decode_alike(snmpd: Snmpd) -> None:
    """pysnmp's decoder and ours read the same octets alike: an independent implementation of the same standard."""
    from pyasn1.codec.ber import decoder
    from pysnmp.proto.rfc1905 import VarBind

    (answer,) = exchange(snmpd, V2C, SnmpTable(columns=(SnmpColumn(oid="1.3.6.1.2.1.2"),)))
    for each in map(bytes.fromhex, answer.varbinds):
        ours = ber.decode_varbind(each)
        theirs, rest = decoder.decode(each, asn1Spec=VarBind())
        assert not rest
        assert str(theirs[0]) == ber.oid_text(ours.oid)
        value = theirs[1]
        while hasattr(value, "getComponent"):
            value = value.getComponent()
        if ours.tag == ber.OID:
            assert str(value) == ber.oid_text(ours.value)
        elif ours.tag in {ber.OCTET_STRING, ber.IP_ADDRESS}:
            assert bytes(value) == ours.value
        else:
            assert int(value) == ber.integer(ours.tag, ours.value)


# --- the time window ----------------------------------------------------------------------------------------------


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


class OneGet:
    """The smallest dialogue: one GET of sysName."""

    phase = "get"

    def __init__(self) -> None:
        self.value = b""

    def ask(self, tries: int, *, last: bool) -> Ask | None:
        return None if self.value else Ask(0xA0, (ber.oid_bytes(SYS_NAME),))

    def answer(self, ask: Ask, pdu: Pdu) -> None:
        self.value = ber.decode_varbind(pdu.varbinds[0][2]).value

    def silence(self) -> None:
        raise AssertionError

    def stop(self, reason: str) -> None:
        raise AssertionError

    def where(self) -> str:
        return SYS_NAME


async def get(target: Target) -> bytes:
    """Return sysName."""
    dialogue = OneGet()
    await target.run(dialogue)
    return dialogue.value


def test_a_drifted_clock_costs_one_resynchronisation(snmpd: Snmpd) -> None:
    """Outside the window the authenticated report is used once; the next request is one packet again."""

    async def conversation() -> list[int]:
        clock = Hand()
        security = UserSecurity(credentials(USERS[9]), monotonic=clock)
        target = Target(snmpd.host, snmpd.port, security, Limits())
        sent = []
        for step in (0, 0, 10_000, 0, 151, 0):
            clock.seconds += step
            assert await get(target) == b"core-sw1"
            sent.append(target.sent)
        target.close()
        assert not target.dropped
        return [after - before for before, after in zip([0, *sent], sent, strict=False)]

    assert asyncio.run(conversation()) == [2, 1, 2, 1, 2, 1]


def test_boots_that_go_back_are_believed_and_noted(tmp_path: Path) -> None:
    """A device that lost its boots counter is read again after one authenticated report, with a notice."""
    user = USERS[7]
    engine = "exactEngineID 0x80001f8804636f72652d737731"

    async def two_lives() -> list[str]:
        security = UserSecurity(credentials(user))
        for _ in range(3):
            with running_snmpd(users=(user,), extra=engine, directory=tmp_path / "old") as peer:
                port = peer.port
        with running_snmpd(users=(user,), extra=engine, directory=tmp_path / "old", port=port) as peer:
            target = Target(peer.host, port, security, Limits())
            assert await get(target) == b"core-sw1"
        with running_snmpd(users=(user,), extra=engine, directory=tmp_path / "new", port=port):
            assert await get(target) == b"core-sw1"
            target.close()
        return security.notices

    notices = asyncio.run(two_lives())
    assert len(notices) == 1
    assert re.fullmatch(r"engineBoots went back from [3-9]\d* to [12]", notices[0])


def test_a_changed_engine_id_is_learned_and_noted(tmp_path: Path) -> None:
    """A device that was replaced is read after one more report, with a notice."""
    user = USERS[7]

    async def two_devices() -> list[str]:
        security = UserSecurity(credentials(user))
        with running_snmpd(users=(user,), directory=tmp_path / "a", extra="exactEngineID 0x80001f88046f6c64") as peer:
            port = peer.port
            target = Target(peer.host, port, security, Limits())
            await get(target)
        with running_snmpd(
            users=(user,), directory=tmp_path / "b", port=port, extra="exactEngineID 0x80001f88046e6577"
        ):
            assert await get(target) == b"core-sw1"
            target.close()
        return security.notices

    assert asyncio.run(two_devices()) == ["engineID changed from 80001f88046f6c64 to 80001f88046e6577"]
