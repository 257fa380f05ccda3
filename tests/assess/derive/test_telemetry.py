"""Telemetry that lives: new messages on most school days, from a real broker and from readings."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from agent.assess.derive import DERIVATIONS
from agent.assess.derive.derived import Open
from agent.assess.samples import Readings
from agent.canonical import digest
from agent.clock import SystemClock, time_text
from agent.collectors import measure
from agent.errors import ConfigError, MalformedError
from agent.lab.mosquitto import Mosquitto, mosquitto
from agent.model.asset import Asset
from agent.model.calendar import SchoolCalendar, Term
from agent.model.campus import Campus, Poll, School
from agent.model.exchange import Topic
from agent.model.finding import Reason, Window
from agent.model.reading import Grade, Reading
from agent.packs.load import config_directory, load_metrics
from agent.sessions.live import LiveSession
from agent.sessions.redact import Redactor
from agent.transports.mqtt import MqttTransport

if TYPE_CHECKING:
    from agent.assess.derive.derived import Derived

METRICS = load_metrics(config_directory())
WINDOW = Window(since="2026-10-11T16:00:00Z", until="2026-10-25T16:00:00Z")
DAYS = [date(2026, 10, 12) + timedelta(days=each) for each in range(14)]
SCHOOL = [day for day in DAYS if day.weekday() < 5]
TOPICS = (
    Topic(kind="lighting", filter="light/+", device_level=1),
    Topic(kind="water", filter="water/+", device_level=1),
)
ANY = Open(Reason.WINDOW_TOO_SHORT, "0", "1")


def campus(*brokers: str, port: int = 1883, calendar: SchoolCalendar | None = None) -> Campus:
    """A campus of brokers, all listened to for the same."""
    assets = tuple(
        Asset(id=name, family="mqtt-broker", address="127.0.0.1", port=port, topics=TOPICS) for name in brokers
    )
    plan = (Poll(collector="mqtt", every_seconds=300, deadline_seconds=3),)
    return Campus(version="1", school=School(id="s", name="s"), assets=assets, calendar=calendar, plan=plan)


def told(metric: str, subject: str, value: str, day: date, hour: int = 2) -> Reading:
    """A reading of that day, with an exchange of its own."""
    at = f"{day}T{hour:02d}:00:00Z"
    source = digest(f"{metric} {subject} {at}".encode())
    unit = METRICS[metric].unit
    return Reading(
        metric=metric, subject=subject, value=value, unit=unit, at=at, grade=Grade.REPORTED, sources=(source,)
    )


def heard(text: str, kind: str = "lighting") -> list[Reading]:
    """New messages of each day of the fortnight, Monday first; `-` for a day without a listening."""
    return [told("iot.messages", f"iot:{kind}", count, DAYS[place]) for place, count in enumerate(text) if count != "-"]


def derive(readings: list[Reading], school: Campus | None = None, span: Window = WINDOW, /, **method: str) -> Derived:
    """Derive, and check what must hold of every figure."""
    found = DERIVATIONS["telemetry"](Readings(readings, span), school or campus("b1"), span, method)
    for reading in found.readings:
        assert (METRICS[reading.metric].derivation, reading.unit, reading.at) == ("telemetry", "1", span.until)
        assert reading.sources
    return found


def figure(found: Derived, kind: str = "lighting") -> str | Open:
    """Return the figure of a kind, or why it is open."""
    key = ("telemetry.fresh", f"iot:{kind}")
    return found.open.get(key) or next(r.value for r in found.readings if r.subject == key[1])


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ("1111100" + "1111100", "1"),
        ("1111000" + "1111000", "1"),
        ("1110000" + "1110000", "0"),
        ("0000000" + "0000000", "0"),
        ("0011100" + "1111100", "1"),
        ("1111100" + "1110000", "1"),
        ("1111100" + "11000--", "0"),
        ("----111" + "0000111", "0"),
        ("----111" + "111----", ANY),
        ("--111--" + "11-----", "1"),
        ("--111--" + "1------", ANY),
        ("1111111" + "1-----0", "1"),
    ],
)
def test_most_school_days_must_be_alive(days: str, expected: str | Open) -> None:
    """Four fifths of the days on which somebody listened, and one of the last three; weekends do not count."""
    assert figure(derive(heard(days))) == expected


def test_days_without_a_broker_are_no_days() -> None:
    """A broker that was away leaves fewer days, and its silence is the reason once they are too few."""
    away = told("collector.answer", "mqtt:b1", "unreachable", DAYS[11])
    assert figure(derive([*heard("11111----11"), away])) == "1"
    assert figure(derive([*heard("111"), away])) == Open(Reason.UNREACHABLE, "0", "1")
    assert figure(derive([])) == Open(Reason.TOO_FEW_SAMPLES, "0", "1")


def test_several_listenings_a_day_are_one_day() -> None:
    """A meter that speaks once an hour is missed by most listenings; one that heard it is enough, and is cited."""
    readings = heard("1111100" + "1111100") + [
        told("iot.messages", "iot:lighting", "0", day, hour) for day in DAYS for hour in (1, 3, 5)
    ]
    found = derive(readings)
    assert figure(found) == "1"
    assert set(found.readings[0].sources) == {
        source for reading in readings if reading.value == "1" for source in reading.sources
    }
    assert found.readings[0].grade is Grade.REPORTED


def test_several_brokers_carry_one_kind() -> None:
    """Whichever broker a kind speaks through; each kind has its own figure."""
    readings = heard("1-1-1--" + "1-1----") + heard("0000000" + "0000000", "water")
    other = [told("iot.messages", "iot:lighting", "2", day, 4) for day in SCHOOL[1::2]]
    found = derive(readings + other, campus("b1", "b2"))
    assert (figure(found), figure(found, "water")) == ("1", "0")


def test_the_thresholds_are_settings() -> None:
    """What the standard states counts, and nothing else may be stated."""
    readings = heard("1110000" + "1110000")
    assert figure(derive(readings, day_share="0.6")) == "1"
    assert figure(derive(readings, day_share="0.6", fresh_days="2")) == "0"
    assert figure(derive(heard("1"), days="1")) == "1"
    with pytest.raises(ConfigError):
        derive([], share="1")
    with pytest.raises(MalformedError):
        derive(heard("x" * 14))


def test_a_campus_without_topics_has_no_kinds() -> None:
    """What nobody is listened to for is the standard's to name."""
    found = derive([], campus())
    assert (found.readings, dict(found.open)) == ((), {})


def test_a_real_broker_with_live_and_with_kept_messages() -> None:
    """Lamps that report are fresh; a meter of which the broker only kept an old word is not."""
    now = datetime.now(UTC)
    days = [(now + timedelta(days=each)).date().isoformat() for each in (-1, 0, 1)]
    calendar = SchoolCalendar(terms=(Term(since=days[0], until=days[2]),), make_up_days=tuple(days))
    with mosquitto() as broker:
        school = campus("b1", port=broker.port, calendar=calendar)
        broker.publish({"water/meter-1": b"7"}, retain=True)
        readings = asyncio.run(_listened(broker, school))
    span = Window(since=time_text(now - timedelta(hours=1)), until=time_text(datetime.now(UTC) + timedelta(hours=1)))
    found = derive(readings, school, span, days="1")
    assert (figure(found), figure(found, "water")) == ("1", "0")


async def _listened(broker: Mosquitto, school: Campus) -> list[Reading]:
    """Listen once, while a lamp reports until that is over."""
    over = threading.Event()

    def report() -> None:
        while not over.wait(0.05):
            broker.publish({"light/lamp-1": b"on"})

    lamp = threading.Thread(target=report)
    transport = MqttTransport("127.0.0.1", broker.port)
    lamp.start()
    try:
        session = LiveSession(transport, Redactor(b"k" * 32), lambda _: None, SystemClock(), 20)
        return await measure(school.assets[0], school, ("mqtt",), session)
    finally:
        over.set()
        lamp.join(20)
        await transport.close()
