"""Notifications as readings: live from net-snmp's senders and replayed, and each kind of event by itself."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import ber
from agent.clock import SystemClock
from agent.collectors import measure
from agent.collectors.notifications import COLUMNS, waiting_seconds
from agent.errors import MalformedError
from agent.model.asset import Asset
from agent.model.campus import Campus, Link, Poll, School
from agent.model.evidence import SegmentHeader
from agent.model.exchange import (
    Answer,
    Exchange,
    Notification,
    Notifications,
    Request,
    SnmpColumn,
    SnmpNotifications,
    VarBinds,
)
from agent.model.metric import MetricKind
from agent.packs.load import config_directory, load_metrics
from agent.sessions.live import LiveSession
from agent.sessions.redact import Redactor
from agent.sessions.replay import ReplaySession
from agent.sessions.segment import parse_segment, segment_bytes
from agent.transports.notifications import NotificationTransport, Peers
from tests.peers.trapper import COMMUNITY, SWITCH, UPS, USER, Sender, listening

if TYPE_CHECKING:
    from agent.model.reading import Reading

TRAPS = Asset(id="traps", family="snmp-notifications", address="::", port=1162)
CAMPUS = Campus(
    version="1",
    school=School(id="s", name="s"),
    assets=(
        TRAPS,
        Asset(id="sw1", family="generic-snmp", address="127.0.0.1"),
        Asset(id="ups1", family="generic-snmp", address="::1"),
    ),
    links=(
        Link(id="telecom", role="egress", asset="sw1", port="GE0/0/1"),
        Link(id="roof", role="backbone", asset="sw1", port="to the roof"),
        Link(id="other", role="egress", asset="ups1", port="GE0/0/1"),
    ),
    plan=(Poll(collector="notifications", every_seconds=60, deadline_seconds=8),),
)
SOURCE = "sha256:" + "0" * 64
ARRIVED = "2026-11-22T01:02:03.004Z"
LINK_DOWN, LINK_UP = "1.3.6.1.6.3.1.1.5.3", "1.3.6.1.6.3.1.1.5.4"
COLD, WARM = "1.3.6.1.6.3.1.1.5.1", "1.3.6.1.6.3.1.1.5.2"
IF, IFX = "1.3.6.1.2.1.2.2.1", "1.3.6.1.2.1.31.1.1.1"
ALARM = "1.3.6.1.2.1.33.1.6.2.1.2.1"
ON_BATTERY = "1.3.6.1.2.1.33.1.6.3.2"


class Told:
    """A session that answers with these notifications."""

    def __init__(self, response: Notifications | VarBinds) -> None:
        self.response = response
        self.asked: list[Request] = []

    async def ask(self, request: Request) -> Answer:
        self.asked.append(request)
        return Answer(response=self.response, at="2026-11-22T01:02:59.000Z", source=SOURCE)


def notification(oid: str, *variables: tuple[str, str | int], sender: str = "sw1") -> Notification:
    """A trap; a value that looks like an OID is one."""
    binds = [(ber.oid_bytes("1.3.6.1.2.1.1.3.0"), ber.TIME_TICKS, b"\x01")]
    for name, value in (("1.3.6.1.6.3.1.1.4.1.0", oid), *variables):
        if isinstance(value, int):
            binds.append((ber.oid_bytes(name), ber.INTEGER, ber.encode_integer(value)[2:]))
        elif value.startswith("1.3.6."):
            binds.append((ber.oid_bytes(name), ber.OID, ber.oid_bytes(value)))
        else:
            binds.append((ber.oid_bytes(name), ber.OCTET_STRING, value.encode()))
    varbinds = tuple(ber.encode_varbind(*bind).hex() for bind in binds)
    return Notification(at=ARRIVED, sender=sender, version="2c", kind="trap", varbinds=varbinds)


def collected(*told: Notification) -> list[tuple[str, str, str]]:
    """Return metric, subject and value of every reading but the one of the conversation itself."""
    session = Told(Notifications(notifications=told, listened_ms=1))
    readings = asyncio.run(measure(TRAPS, CAMPUS, ("notifications",), session))
    assert all(one.at == ARRIVED and one.grade == "reported" for one in readings[:-1])
    assert (readings[-1].metric, readings[-1].value) == ("collector.answer", "ok")
    return [(one.metric, one.subject, one.value) for one in readings[:-1]]


# --- each kind of event -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("oid", "state"), [(LINK_DOWN, "down"), (LINK_UP, "up")])
@pytest.mark.parametrize(
    ("variables", "port", "link"),
    [
        (((f"{IF}.1.3", 3), (f"{IFX}.1.3", "GE0/0/1")), "GE0/0/1", "egress:telecom"),
        (((f"{IF}.1.3", 3), (f"{IF}.2.3", "GE0/0/1")), "GE0/0/1", "egress:telecom"),
        (((f"{IFX}.18.9", "to the roof"), (f"{IFX}.1.9", "GE0/0/9")), "GE0/0/9", "backbone:roof"),
        (((f"{IF}.1.3", 3), (f"{IF}.8.3", 2)), "#3", None),
        (((f"{IF}.8.3", 2),), "#3", None),
        (((f"{IF}.1.3", 3), (f"{IFX}.1.3", "a#b")), "a#b#3", None),
        ((), None, None),
    ],
    ids=["ifName", "ifDescr", "ifAlias", "ifIndex", "instance only", "odd name", "nothing"],
)
def test_a_link_event_names_its_port_and_the_watched_link(
    oid: str, state: str, variables: tuple[tuple[str, str | int], ...], port: str | None, link: str | None
) -> None:
    """By what comes along; a link of another device with a port of the same name is left alone."""
    expected = [("device.notification", "asset:sw1", oid)]
    if port is not None:
        expected.append(("interface.event", f"interface:sw1/{port}", state))
    if link is not None:
        expected.append(("link.event", link, state))
    assert collected(notification(oid, *variables)) == expected


@pytest.mark.parametrize(("oid", "kind"), [(COLD, "cold"), (WARM, "warm")])
def test_a_restart_counts_for_the_device_and_its_watched_links(oid: str, kind: str) -> None:
    """So that rates need no campus file to know of it."""
    assert collected(notification(oid)) == [
        ("device.notification", "asset:sw1", oid),
        ("device.restart", "asset:sw1", kind),
        ("link.restart", "egress:telecom", kind),
        ("link.restart", "backbone:roof", kind),
    ]


@pytest.mark.parametrize(
    ("oid", "variables", "expected"),
    [
        ("1.3.6.1.2.1.33.2.1", (), "on-battery"),
        ("1.3.6.1.2.1.33.2.0.1", (), "on-battery"),
        ("1.3.6.1.2.1.33.2.3", ((ALARM, ON_BATTERY),), "on-battery"),
        ("1.3.6.1.2.1.33.2.4", ((ALARM, ON_BATTERY),), "on-mains"),
        ("1.3.6.1.2.1.33.2.0.4", ((ALARM, ON_BATTERY),), "on-mains"),
        ("1.3.6.1.2.1.33.2.4", ((ALARM, "1.3.6.1.2.1.33.1.6.3.1"),), None),
        ("1.3.6.1.2.1.33.2.3", (), None),
        ("1.3.6.1.2.1.33.2.3", ((ALARM, "text"),), None),
        ("1.3.6.1.2.1.33.2.2", (), None),
        ("1.3.6.1.4.1.318.0.5", (), "on-battery"),
        ("1.3.6.1.4.1.318.0.9", (), "on-mains"),
        ("1.3.6.1.4.1.935.0.5", (), "on-battery"),
        ("1.3.6.1.4.1.935.0.9", (), "on-mains"),
        ("1.3.6.1.4.1.3808.0.5", (), "on-battery"),
        ("1.3.6.1.4.1.3808.0.9", (), "on-mains"),
        ("1.3.6.1.4.1.534.1.0.0.0.3", (), "on-battery"),
        ("1.3.6.1.4.1.534.1.11.4.1.0.5", (), "on-mains"),
        ("1.3.6.1.4.1.534.1.11.4.2.0.3", (), "on-battery"),
        ("1.3.6.1.4.1.705.1.11.0.11", (), "on-battery"),
        ("1.3.6.1.4.1.705.1.11.0.12", (), "on-mains"),
        ("1.3.6.1.4.1.2254.2.4.20.0.3", (), "on-battery"),
        ("1.3.6.1.4.1.2254.2.4.20.0.4", (), "on-mains"),
        ("1.3.6.1.4.1.318.0.8", (), None),
    ],
)
def test_a_ups_tells_where_its_power_comes_from(
    oid: str, variables: tuple[tuple[str, str | int], ...], expected: str | None
) -> None:
    """RFC 1628 by trap or by alarm entry of that one alarm, makers by number; other alarms say nothing."""
    told = collected(notification(oid, *variables, sender="ups1"))
    assert told[0] == ("device.notification", "asset:ups1", oid)
    assert told[1:] == ([("ups.power", "asset:ups1", expected)] if expected else [])


@pytest.mark.parametrize(
    ("oid", "variables", "low"),
    [
        ("1.3.6.1.2.1.33.2.3", ((ALARM, "1.3.6.1.2.1.33.1.6.3.3"),), True),
        ("1.3.6.1.2.1.33.2.0.3", ((ALARM, "1.3.6.1.2.1.33.1.6.3.4"),), True),
        ("1.3.6.1.2.1.33.2.4", ((ALARM, "1.3.6.1.2.1.33.1.6.3.3"),), False),
        ("1.3.6.1.2.1.33.2.3", ((ALARM, "1.3.6.1.2.1.33.1.6.3.1"),), False),
        ("1.3.6.1.4.1.318.0.7", (), True),
        ("1.3.6.1.4.1.935.0.7", (), True),
        ("1.3.6.1.4.1.3808.0.7", (), True),
        ("1.3.6.1.4.1.534.1.11.4.1.0.4", (), True),
        ("1.3.6.1.4.1.705.1.11.0.5", (), True),
        ("1.3.6.1.4.1.2254.2.4.20.0.5", (), True),
        ("1.3.6.1.4.1.318.0.11", (), False),
    ],
)
def test_a_ups_tells_that_its_battery_is_low(oid: str, variables: tuple[tuple[str, str | int], ...], low: bool) -> None:
    """Low and depleted count when they begin, and neither when they end nor for other alarms."""
    told = collected(notification(oid, *variables, sender="ups1"))
    assert told[1:] == ([("ups.battery_event", "asset:ups1", "low")] if low else [])


def test_every_reading_has_its_metric() -> None:
    """Name, collector, unit and states are those of `config/metrics`."""
    metrics = load_metrics(config_directory())
    told = collected(
        *(notification(LINK_DOWN, (f"{IFX}.1.3", "GE0/0/1")), notification(COLD)),
        *(notification("1.3.6.1.2.1.33.2.1"), notification("1.3.6.1.4.1.318.0.7")),
    )
    for name, _, value in told:
        assert metrics[name].collector == "notifications"
        assert metrics[name].unit == ""
        assert metrics[name].kind is MetricKind.TEXT or value in metrics[name].states
    assert {name for name, _, _ in told} == {m.name for m in metrics.values() if m.collector == "notifications"}


def test_an_answer_that_does_not_fit_is_malformed() -> None:
    """Varbinds to another request, or a notification without a name, end as a state, not as a traceback."""
    broken = Notification(at=ARRIVED, sender="sw1", version="3", kind="trap", varbinds=("zz",))
    for response in (VarBinds(varbinds=()), Notifications(notifications=(broken,), listened_ms=1)):
        readings = asyncio.run(measure(TRAPS, CAMPUS, ("notifications",), Told(response)))
        assert [(one.metric, one.value) for one in readings] == [("collector.answer", "malformed")]


@given(st.integers(1, 3600))
def test_the_wait_fits_into_the_deadline(deadline: int) -> None:
    """Silence must not end as a gap."""
    assert 1 <= waiting_seconds(deadline) <= max(1, deadline // 4)


# --- redaction ----------------------------------------------------------------------------------------------------


def test_only_declared_variables_are_kept() -> None:
    """User names, log lines, communities and addresses that a device sends along never enter the record."""
    secret = (
        ("1.3.6.1.6.3.18.1.4.0", "canary-trap-community"),
        ("1.3.6.1.4.1.9.9.41.1.2.3.1.5.1", "user canary-person logged in"),
    )
    told = notification(LINK_DOWN, *secret, (f"{IFX}.18.3", "port with canary-community"))
    request = SnmpNotifications(seconds=0, columns=tuple(SnmpColumn(oid=oid) for oid in COLUMNS))
    response = Notifications(notifications=(told,), listened_ms=1)
    shown, counts = Redactor(bytes(32), (b"canary-community",)).redact(request, response)
    assert isinstance(shown, Notifications)
    assert b"canary" not in b"".join(bytes.fromhex(text) for text in shown.notifications[0].varbinds)
    assert counts == {"undeclared": 2, "secret": 1}


def test_a_declared_column_is_redacted_as_in_any_answer() -> None:
    """A MAC address in a notification becomes the pseudonym that it has everywhere."""
    column = f"{IF}.6"
    mac = ber.encode_varbind(ber.oid_bytes(f"{column}.3"), ber.OCTET_STRING, bytes.fromhex("0011223344ff")).hex()
    told = notification(LINK_DOWN).model_copy(update={"varbinds": (mac,)})
    redactor = Redactor(bytes(32))
    request = SnmpNotifications(seconds=0, columns=(SnmpColumn(oid=column, holds="mac"),))
    shown, _ = redactor.redact(request, Notifications(notifications=(told,), listened_ms=1))
    assert isinstance(shown, Notifications)
    value = ber.decode_varbind(bytes.fromhex(shown.notifications[0].varbinds[0])).value
    assert value == redactor.pseudonym("mac", bytes.fromhex("0011223344ff"))
    assert value != bytes.fromhex("0011223344ff")


def test_a_varbind_that_does_not_decode_is_not_kept() -> None:
    """What cannot be read cannot be redacted."""
    broken = notification(LINK_DOWN).model_copy(update={"varbinds": ("3003020101",)})
    request = SnmpNotifications(seconds=0, columns=(SnmpColumn(oid=IF),))
    with pytest.raises(MalformedError):
        Redactor(bytes(32)).redact(request, Notifications(notifications=(broken,), listened_ms=1))


# --- live and replay ----------------------------------------------------------------------------------------------


def test_live_and_replay_are_equal_and_hold_no_secret() -> None:
    """Real traps and informs through transport, redaction and record: the same bytes twice, no canary in either."""
    kept: list[Exchange] = []

    async def live() -> list[Reading]:
        async with listening() as receiver:
            switch = Sender(receiver.port, COMMUNITY)
            ups = Sender(receiver.port, USER, "udp6:[::1]")
            names = (f"{IF}.1.3", "i", "3", f"{IFX}.1.3", "s", "GE0/0/1", "1.3.6.1.2.1.1.5.0", "s", "canary-name")
            assert await switch.trap((LINK_DOWN, *names)) == 0
            assert await switch.trap(("1.3.6.1.6.3.1.1.5.5", "1.3.6.1.6.3.18.1.4.0", "s", "canary-community")) == 0
            assert await ups.inform(("1.3.6.1.2.1.33.2.3", ALARM, "o", ON_BATTERY)) == 0
            assert await ups.trap((COLD,)) == 0
            transport = NotificationTransport(receiver, ("::", 0), Peers((SWITCH, UPS)))
            secrets = (COMMUNITY.community, USER.auth_key, USER.priv_key)
            session = LiveSession(transport, Redactor(bytes(32), secrets), kept.append, SystemClock(), 30)
            return await measure(TRAPS, CAMPUS, ("notifications",), session)

    readings = asyncio.run(live())
    assert [(one.metric, one.subject, one.value) for one in readings] == [
        ("device.notification", "asset:sw1", LINK_DOWN),
        ("interface.event", "interface:sw1/GE0/0/1", "down"),
        ("link.event", "egress:telecom", "down"),
        ("device.notification", "asset:sw1", "1.3.6.1.6.3.1.1.5.5"),
        ("device.notification", "asset:ups1", "1.3.6.1.2.1.33.2.3"),
        ("ups.power", "asset:ups1", "on-battery"),
        ("device.notification", "asset:ups1", COLD),
        ("device.restart", "asset:ups1", "cold"),
        ("link.restart", "egress:other", "cold"),
        ("collector.answer", "notifications:traps", "ok"),
    ]
    header = SegmentHeader(run="r", asset=TRAPS, collectors=("notifications",))
    record = segment_bytes(header, [exchange.to_bytes() for exchange in kept])
    assert b"canary" not in record
    for secret in (COMMUNITY.community, USER.name.encode(), USER.auth_key, USER.priv_key, b"canary"):
        assert secret.hex().encode() not in record
    segment = parse_segment(record)

    async def again() -> list[Reading]:
        session = ReplaySession(segment.exchanges)
        found = await measure(TRAPS, CAMPUS, segment.header.collectors, session)
        session.finish()
        return found

    assert [one.to_bytes() for one in asyncio.run(again())] == [one.to_bytes() for one in readings]
