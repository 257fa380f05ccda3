"""The MQTT collector: from a real broker through a live session, and from answers alone."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.clock import SystemClock, time_text
from agent.collectors.mqtt import collect, listening_seconds
from agent.errors import GapError, MalformedError
from agent.lab.mosquitto import Mosquitto, free_port, mosquitto
from agent.model.asset import Asset
from agent.model.campus import Campus, Poll, School
from agent.model.exchange import Answer, Exchange, MqttListen, MqttMessage, MqttMessages, Topic, VarBinds
from agent.model.reading import Grade
from agent.packs.load import load_metrics
from agent.sessions.live import LiveSession
from agent.sessions.redact import Redactor
from agent.sessions.replay import ReplaySession
from agent.sessions.segment import Recorded
from agent.transports.mqtt import MqttTransport

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.model.reading import Reading

TOPICS = (
    Topic(kind="lighting", filter="campus/light/+/state", device_level=2),
    Topic(kind="water", filter="campus/water/+", device_level=2),
    Topic(kind="lighting", filter="old/light/+", device_level=2),
)
END = datetime(2026, 11, 22, 1, 2, 3, 4000, tzinfo=UTC)
SOURCE = "sha256:" + "a" * 64


def campus(port: int, *, deadline: int = 3, topics: tuple[Topic, ...] = TOPICS) -> tuple[Asset, Campus]:
    """One broker on one campus."""
    asset = Asset(id="broker-1", family="mqtt-broker", address="127.0.0.1", port=port, topics=topics)
    plan = (Poll(collector="mqtt", every_seconds=300, deadline_seconds=deadline),)
    return asset, Campus(version="1", school=School(id="s1", name="S"), assets=(asset,), plan=plan)


class Heard:
    """A session that answers with these messages at the end time, and remembers what was asked."""

    def __init__(self, *messages: MqttMessage, response: MqttMessages | VarBinds | None = None) -> None:
        self.response = response or MqttMessages(messages=messages, listened_ms=1000)
        self.asked: list[object] = []

    async def ask(self, request: object) -> Answer:
        """Answer."""
        self.asked.append(request)
        return Answer(response=self.response, at=time_text(END), source=SOURCE)


def message(kind: str, device: str, before_ms: int, *, retained: bool = False) -> MqttMessage:
    """One message so long before the end."""
    at = time_text(END - timedelta(milliseconds=before_ms))
    return MqttMessage(kind=kind, topic=f"t/{device}", device=device, at=at, retained=retained, qos=0, size=1)


def values(readings: Sequence[Reading]) -> dict[tuple[str, str], str]:
    """Value by subject and metric; each pair at most once."""
    found = {(reading.subject, reading.metric): reading.value for reading in readings}
    assert len(found) == len(readings)
    return found


def test_a_real_broker_is_counted_redacted_and_replayed() -> None:
    """Live from mosquitto: the right counts, no device name in the record, and replay gives the same bytes."""
    record: list[Exchange] = []
    with mosquitto() as broker:
        readings = asyncio.run(_measure(broker, record))
        found = values(readings)
    freshness = Decimal(found.pop(("iot:lighting", "iot.freshness")))
    assert 0 <= freshness < 3
    assert found == {
        ("iot:lighting", "iot.devices"): "3",
        ("iot:lighting", "iot.devices.fresh"): "2",
        ("iot:lighting", "iot.messages"): "3",
        ("iot:water", "iot.devices"): "1",
        ("iot:water", "iot.devices.fresh"): "0",
        ("iot:water", "iot.messages"): "0",
    }
    assert b"lamp-" not in record[0].to_bytes()
    assert b"meter-" not in record[0].to_bytes()
    asset, plan = campus(1)
    lines = [Exchange.from_bytes(exchange.to_bytes()) for exchange in record]
    session = ReplaySession([Recorded(line, line.digest()) for line in lines])
    again = asyncio.run(collect(asset, plan, session))
    session.finish()
    assert [reading.to_bytes() for reading in again] == [reading.to_bytes() for reading in readings]


async def _measure(broker: Mosquitto, record: list[Exchange]) -> list[Reading]:
    asset, plan = campus(broker.port)
    broker.publish({"campus/light/lamp-1/state": b"on", "campus/water/meter-1": b"7"}, retain=True)
    transport = MqttTransport(asset.address, broker.port)
    session = LiveSession(transport, Redactor(b"k" * 32), record.append, SystemClock(), 10)
    fresh = {"campus/light/lamp-2/state": b"on", "old/light/lamp-3": b"on", "campus/light/lamp-2/state/x": b""}
    late = [
        threading.Timer(0.5, broker.publish, (fresh,)),
        threading.Timer(0.8, broker.publish, (dict([*fresh.items()][:1]),)),
    ]
    for timer in late:
        timer.start()
    try:
        return await collect(asset, plan, session)
    finally:
        await transport.close()
        for timer in late:
            timer.join()


def test_a_broker_that_is_away_is_a_recorded_gap() -> None:
    """The gap reaches the caller as it is recorded: the collector invents no zero."""
    record: list[Exchange] = []
    asset, plan = campus(free_port())

    async def measure() -> None:
        transport = MqttTransport(asset.address, asset.port or 0)
        await collect(asset, plan, LiveSession(transport, Redactor(b"k" * 32), record.append, SystemClock(), 10))

    with pytest.raises(GapError) as caught:
        asyncio.run(measure())
    assert caught.value.reason == "unreachable"
    assert record[0].gap is not None
    assert caught.value.source == record[0].digest()


def test_freshness_is_the_age_of_the_last_fresh_message() -> None:
    """To the millisecond, without retained messages, in the unit and grade of the metric."""
    asset, plan = campus(1)
    session = Heard(
        message("water", "a", 12_345), message("water", "a", 61_500), message("water", "b", 5, retained=True)
    )
    readings = asyncio.run(collect(asset, plan, session))
    assert values(readings)["iot:water", "iot.freshness"] == "12.345"
    assert values(readings)["iot:lighting", "iot.devices"] == "0"
    assert ("iot:lighting", "iot.freshness") not in values(readings)
    assert {reading.grade for reading in readings} == {Grade.REPORTED}
    assert {(reading.at, reading.sources) for reading in readings} == {(time_text(END), (SOURCE,))}


def test_a_clock_set_back_gives_no_flattering_freshness() -> None:
    """A last message that seems to lie in the future has an unknown age, not age zero."""
    asset, plan = campus(1)
    found = values(asyncio.run(collect(asset, plan, Heard(message("water", "a", -1)))))
    assert found["iot:water", "iot.devices.fresh"] == "1"
    assert ("iot:water", "iot.freshness") not in found


def test_units_are_those_of_the_metric_pack() -> None:
    """Every metric that the collector gives is defined, with the same unit."""
    asset, plan = campus(1)
    defined = load_metrics(Path(__file__).parents[2] / "config")
    readings = asyncio.run(collect(asset, plan, Heard(message("water", "a", 1))))
    assert {reading.metric for reading in readings} >= {"iot.devices", "iot.freshness"}
    assert all(defined[reading.metric].unit == reading.unit for reading in readings)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["lighting", "water", "unknown"]),
            st.sampled_from("abcd"),
            st.integers(0, 100_000),
            st.booleans(),
        ),
        max_size=30,
    )
)
def test_counts_are_those_of_the_messages(heard: list[tuple[str, str, int, bool]]) -> None:
    """For any messages: devices, living devices, fresh messages and freshness per declared kind."""
    asset, plan = campus(1)
    session = Heard(*(message(kind, device, ago, retained=old) for kind, device, ago, old in heard))
    found = values(asyncio.run(collect(asset, plan, session)))
    assert {subject for subject, _ in found} == {"iot:lighting", "iot:water"}
    for kind in ("lighting", "water"):
        fresh = [entry for entry in heard if entry[0] == kind and not entry[3]]
        assert found[f"iot:{kind}", "iot.devices"] == str(len({entry[1] for entry in heard if entry[0] == kind}))
        assert found[f"iot:{kind}", "iot.devices.fresh"] == str(len({entry[1] for entry in fresh}))
        assert found[f"iot:{kind}", "iot.messages"] == str(len(fresh))
        age = found.get((f"iot:{kind}", "iot.freshness"))
        assert (age and Decimal(age) * 1000) == (min(entry[2] for entry in fresh) if fresh else None)


def test_a_broker_without_topics_is_not_asked() -> None:
    """Nothing declared, nothing asked, nothing claimed."""
    asset, plan = campus(1, topics=())
    session = Heard()
    assert asyncio.run(collect(asset, plan, session)) == []
    assert session.asked == []


def test_listening_fits_into_the_deadline() -> None:
    """One request listens as long as the plan's deadline allows, never longer than a minute."""
    asset, plan = campus(1, deadline=40)
    session = Heard()
    asyncio.run(collect(asset, plan, session))
    assert session.asked == [MqttListen(topics=TOPICS, seconds=30)]
    assert [listening_seconds(deadline) for deadline in (1, 2, 4, 8, 60, 75, 3600)] == [1, 1, 3, 6, 45, 60, 60]
    assert all(listening_seconds(deadline) < deadline for deadline in range(2, 3601))


def test_an_answer_of_another_protocol_is_malformed() -> None:
    """A record that answers a broker question with SNMP is an error of ours, not a traceback."""
    asset, plan = campus(1)
    with pytest.raises(MalformedError, match="varbinds"):
        asyncio.run(collect(asset, plan, Heard(response=VarBinds(varbinds=()))))
