"""Devices behind an MQTT broker: how many, how many alive, how fresh, by kind.

One bounded listening covers all topics of the asset. A retained message proves that a device exists (the broker kept
it from some time before), only a fresh one proves that it lives. The broker relays the devices' words, so the grade is
`reported`.

Readings per declared kind, under `iot:<kind>`, also for a kind that stayed silent: `iot.devices` (distinct devices,
retained or fresh), `iot.devices.fresh`, `iot.messages` (fresh ones), and `iot.freshness`, the seconds from the last
fresh message to the end of listening, absent where there was none.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from agent.canonical import decimal_text
from agent.clock import parse_time
from agent.collectors.answers import reported
from agent.errors import MalformedError
from agent.model.exchange import MqttListen, MqttMessages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.model.exchange import Answer, MqttMessage, Session
    from agent.model.reading import Reading

__all__ = ["collect", "listening_seconds"]

LONGEST = 60
"""Seconds of listening at most: chatty devices speak every few seconds, quiet ones are heard over many runs."""
MARGIN = 15
"""Seconds of the deadline left for connecting and leaving, at most; at least a quarter of a short deadline."""


def listening_seconds(deadline_seconds: int) -> int:
    """Return how long to listen within the deadline: what a margin of a quarter, at most 15 s, leaves; 1 to 60 s."""
    margin = min(MARGIN, -(-deadline_seconds // 4))
    return max(1, min(LONGEST, deadline_seconds - margin))


async def collect(asset: Asset, campus: Campus, session: Session) -> list[Reading]:
    """Listen once and count; an asset without topics is not asked.

    Raises:
        GapError: the broker gave no usable answer.
        MalformedError: the answer is not one to an MQTT request.
    """
    if not asset.topics:
        return []
    seconds = listening_seconds(campus.poll("mqtt").deadline_seconds)
    answer = await session.ask(MqttListen(topics=asset.topics, seconds=seconds))
    if not isinstance(answer.response, MqttMessages):
        raise MalformedError("listening to a broker was answered by {op}", where=asset.id, op=answer.response.op)
    heard: dict[str, list[MqttMessage]] = {topic.kind: [] for topic in asset.topics}
    for message in answer.response.messages:
        if message.kind in heard:
            heard[message.kind].append(message)
    return [reading for kind, messages in heard.items() for reading in _readings(kind, messages, answer)]


def _readings(kind: str, messages: Sequence[MqttMessage], answer: Answer) -> list[Reading]:
    fresh = [message for message in messages if not message.retained]
    values = {
        "iot.devices": (str(len({message.device for message in messages})), "1"),
        "iot.devices.fresh": (str(len({message.device for message in fresh})), "1"),
        "iot.messages": (str(len(fresh)), "1"),
    }
    age = _age(fresh, answer)
    if age is not None:
        values["iot.freshness"] = (age, "s")
    return [reported(metric, f"iot:{kind}", value, unit, answer) for metric, (value, unit) in values.items()]


def _age(fresh: Sequence[MqttMessage], answer: Answer) -> str | None:
    """Return seconds since the last fresh message, to the millisecond; None without one.

    Also None where the clock was set back while listening: the age is unknown then, and 0 would flatter.
    """
    if not fresh:
        return None
    age = parse_time(answer.at) - max(parse_time(message.at) for message in fresh)
    if age.days < 0:
        return None
    return decimal_text(Decimal(age.seconds + age.days * 86_400) + Decimal(age.microseconds // 1000) / 1000)
