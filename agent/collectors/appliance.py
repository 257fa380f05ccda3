"""Clock, time synchronisation, log forwarding, firmware, signatures and licences of a device, from its command line.

Per topic the state `appliance.answer` (subject `<topic>:<asset>`) says whether the device answered in words that are
known here (`ok`) or not (`unsupported`): a value is read or it is missing, never guessed.

The clock is compared with the agent's at the middle of the command. A display of whole seconds stands for the middle of
its second; `appliance.clock.uncertainty` says what display and duration leave open. A device that names no zone shows
its local time: it is compared with the school's, as `appliance.clock.local_offset`.
"""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from agent.canonical import decimal_text
from agent.clock import parse_time
from agent.collectors.commandline.dialects import dialect_of
from agent.collectors.commandline.fact import Fact, UnrecognisedError
from agent.collectors.dates import age_in_days, days_until
from agent.errors import GapError, MalformedError
from agent.model import snmp
from agent.model.calendar import utc_offset
from agent.model.cli import received, screen_lines
from agent.model.exchange import CliCommand, CliOutput, GapReason
from agent.model.reading import Grade, Reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.collectors.commandline.dialects import Topic
    from agent.collectors.commandline.fact import Lines
    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.model.exchange import Answer, Session

__all__ = ["collect", "lines_of"]

COMMAND_SECONDS = 30
MARK = re.compile(rb"(?:\xe2\x9f\xa6redacted:[a-z-]+\xe2\x9f\xa7)")
"""What redaction leaves, always UTF-8, in a text that may be GB18030."""
PAGER = re.compile(r"^\s*-{2,} ?[Mm]ore ?-{2,}\s*")
PARTS = {"signature": "signature", "licence": "licence", "policies": "policy"}
"""Kinds of subjects by the first word of the metric, for what belongs to a part of the device."""


async def collect(asset: Asset, campus: Campus, session: Session) -> list[Reading]:
    """Ask each command of the asset's dialect once, and read each topic.

    Raises:
        GapError: the device does not answer or let us in, or its family speaks no known dialect.
    """
    topics = dialect_of(asset.family)
    if topics is None:
        return []
    answers: dict[str, Answer | GapError] = {}
    for command in dict.fromkeys(command for topic in topics for command in topic.commands):
        try:
            answers[command] = await session.ask(CliCommand(command=command, seconds=COMMAND_SECONDS))
        except GapError as gap:
            if gap.reason != GapReason.UNSUPPORTED:
                raise
            answers[command] = gap  # not on this family's list
    return [reading for topic in topics for reading in _topic(topic, answers, asset, campus)]


def lines_of(output: CliOutput, command: str) -> Lines:
    """Return what the command printed as lines of text: no echo, pager mark, empty line or control character.

    Each line is decoded by itself, as UTF-8 if it is and as GB18030 if not: a log may hold both.
    """
    found = [PAGER.sub("", _decoded(line)) for line in screen_lines(received(output.output))]
    lines = [line for line in found if line.strip()]
    return lines[1:] if lines and lines[0].strip() == command else lines


def _decoded(line: bytes) -> str:
    indent = len(line) - len(line.lstrip(b" "))
    parts, end = [], 0
    for match in MARK.finditer(line):
        parts += [snmp.text(line[end : match.start()]), match[0].decode()]
        end = match.end()
    return " " * indent + " ".join(part for part in [*parts, snmp.text(line[end:])] if part)


def _topic(topic: Topic, answers: dict[str, Answer | GapError], asset: Asset, campus: Campus) -> list[Reading]:
    got = [answers[command] for command in topic.commands]
    given = [answer for answer in got if not isinstance(answer, GapError)]
    sources = tuple(answer.source for answer in got)
    at = got[-1].at
    state, facts = "unsupported", []
    if len(given) == len(got):
        try:
            facts = _facts(topic, given, campus)
            state = "ok"
        except UnrecognisedError:
            facts = []
    readings = [_reading("answer", f"{topic.name}:{asset.id}", state, "", at, sources)]
    for fact in facts:
        kind = PARTS.get(fact.metric.partition(".")[0], "")
        subject = f"{kind}:{asset.id}/{fact.of}" if fact.of else f"asset:{asset.id}"
        value = decimal_text(fact.value) if fact.unit else fact.value
        readings.append(_reading(fact.metric, subject, value, fact.unit, at, sources))
    return readings


def _facts(topic: Topic, answers: Sequence[Answer], campus: Campus) -> list[Fact]:
    outputs = [_output(answer) for answer in answers]
    lines = [lines_of(output, command) for output, command in zip(outputs, topic.commands, strict=True)]
    if topic.clock is not None:
        return _clock(topic, lines[0], answers[0], campus)
    assert topic.read is not None
    facts = topic.read(*lines)
    return facts + [more for fact in facts for more in _until_now(fact, answers[-1])]


def _clock(topic: Topic, lines: Lines, answer: Answer, campus: Campus) -> list[Fact]:
    assert topic.clock is not None
    shown = topic.clock(lines)
    elapsed = timedelta(milliseconds=_output(answer).elapsed_ms)
    asked = parse_time(answer.at).replace(tzinfo=None) - elapsed / 2
    zone = shown.ahead if shown.ahead is not None else utc_offset(campus.timezone)
    facts = [Fact("clock.time", _displayed(shown.local, shown.ahead))]
    if zone is None:
        return facts
    try:
        off = shown.local - zone + shown.resolution / 2 - asked
    except OverflowError as error:
        raise UnrecognisedError("a date at the end of time") from error
    name = "clock.offset" if shown.ahead is not None else "clock.local_offset"
    return [
        *facts,
        Fact(name, _seconds(off), "s"),
        Fact("clock.uncertainty", _seconds(shown.resolution / 2 + elapsed / 2), "s"),
    ]


def _displayed(local: object, ahead: timedelta | None) -> str:
    text = str(local).replace(" ", "T")
    if ahead is None:
        return text
    minutes = abs(ahead) // timedelta(minutes=1)
    return f"{text}{'-' if ahead < timedelta(0) else '+'}{minutes // 60:02d}:{minutes % 60:02d}"


def _until_now(fact: Fact, answer: Answer) -> list[Fact]:
    """Return how old a signature is, or how long a licence lasts, in whole days by UTC's calendar."""
    today = parse_time(answer.at).date()
    if fact.metric == "signature.date":
        age = age_in_days(fact.value, today)
        return [Fact("signature.age", str(age), "d", of=fact.of)] if age is not None else []
    if fact.metric == "licence.expiry":
        days = days_until(fact.value, today)
        state = "valid" if days >= 0 else "expired"
        return [Fact("licence.state", state, of=fact.of), Fact("licence.days", str(max(days, 0)), "d", of=fact.of)]
    return []


def _seconds(span: timedelta) -> str:
    return decimal_text(Decimal(span // timedelta(milliseconds=1)) / 1000)


def _output(answer: Answer) -> CliOutput:
    if not isinstance(answer.response, CliOutput):
        raise MalformedError("a command was answered by {op}", op=answer.response.op)
    return answer.response


def _reading(metric: str, subject: str, value: str, unit: str, at: str, sources: tuple[str, ...]) -> Reading:
    return Reading(
        metric=f"appliance.{metric}",
        subject=subject,
        value=value,
        unit=unit,
        at=at,
        grade=Grade.REPORTED,
        sources=sources,
    )
