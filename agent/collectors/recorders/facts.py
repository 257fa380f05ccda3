"""Readings of a recorder: what `Recorder` holds, as metrics of `config/metrics/recorders.yaml`.

What a device did not tell has no reading, but for the states of a channel, which are told as `unknown`, so that silence
is seen. Times are RFC 3339 in UTC. Spans are `since/until since/until ...`, merged, in order, in whole seconds.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from agent.canonical import decimal_text
from agent.collectors.answers import cited, reported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.collectors.recorders.interface import Channel, Recorder, Span
    from agent.model.asset import Asset
    from agent.model.exchange import Answer
    from agent.model.reading import Reading

__all__ = ["readings"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def readings(asset: Asset, recorder: Recorder) -> list[Reading]:
    """Return everything that the recorder told, in the order recorder, disks, channels."""
    return [
        *_recorder(f"asset:{asset.id}", recorder),
        *_disks(asset, recorder),
        *(reading for channel in recorder.channels for reading in _channel(asset, recorder, channel)),
    ]


def _recorder(subject: str, recorder: Recorder) -> Iterator[Reading]:
    words = (("vendor", recorder.vendor), ("model", recorder.model), ("firmware", recorder.firmware))
    for name, word in (*words, ("serial", recorder.serial)):
        if word:
            yield reported(f"recorder.{name}", subject, word, "", recorder.answer)
    if recorder.clock is not None:
        clock = recorder.clock
        if clock.offset_ms is not None:
            seconds = decimal_text(Decimal(clock.offset_ms) / 1000)
            yield reported("recorder.clock.offset", subject, seconds, "s", clock.answer)
        yield reported("recorder.clock.zulu", subject, clock.zulu, "", clock.answer)
    sources = list(dict.fromkeys((recorder.answer, *(channel.answers[-1] for channel in recorder.channels))))
    settings = [recorder.disks_answer or recorder.answer]
    yield reported("recorder.overwrites", subject, _word(recorder.overwrites), "", *settings)
    yield reported("recorder.channels", subject, str(len(recorder.channels)), "1", *sources)
    yield reported("recorder.channels.complete", subject, _word(recorder.channels_complete), "", *sources)
    if recorder.notes:
        yield reported("recorder.note", subject, " ".join(recorder.notes), "", recorder.answer)


def _disks(asset: Asset, recorder: Recorder) -> Iterator[Reading]:
    for disk in recorder.disks or ():
        answer = recorder.disks_answer or recorder.answer
        subject = f"disk:{asset.id}/{disk.id}"
        yield reported("disk.state", subject, disk.state, "", answer)
        if disk.word:
            yield reported("disk.word", subject, disk.word, "", answer)
        for name, octets in (("capacity", disk.capacity), ("free", disk.free)):
            if octets is not None:
                yield reported(f"disk.{name}", subject, str(octets), "By", answer)
        yield reported("disk.redundant", subject, _word(disk.redundant), "", answer)


def _channel(asset: Asset, recorder: Recorder, channel: Channel) -> Iterator[Reading]:
    subject = f"channel:{asset.id}/{channel.id}"
    every = tuple(cited(answer) for answer in channel.answers)
    settings = tuple(cited(answer) for answer in channel.settings) or every
    yield from _footage(subject, recorder, channel, every)
    yield reported("channel.recording", subject, _word(channel.recording), "", *settings, every[-1])
    yield reported("channel.online", subject, _word(channel.online), "", *settings)
    yield reported("channel.schedule", subject, channel.schedule, "", *settings)
    for name, number, unit in (
        ("scheduled_minutes", channel.scheduled_minutes, "1"),
        ("expiry", channel.expiry_days, "d"),
        ("bitrate", channel.bitrate, "bit/s"),
    ):
        if number is not None:
            yield reported(f"channel.{name}", subject, str(number), unit, *settings)
    if channel.identity:
        yield reported("channel.identity", subject, channel.identity, "", *settings)


def _footage(subject: str, recorder: Recorder, channel: Channel, every: tuple[Answer, ...]) -> Iterator[Reading]:
    """Yield what is kept; all of it is as old as the last search of the channel."""
    ends = (every[0], every[-1])
    yield reported("channel.search", subject, _search(channel), "", *ends)
    if recorder.searched is not None and channel.spans is not None:
        yield reported("channel.searched", subject, _spelled(recorder.searched), "", *ends)
        yield reported("channel.spans", subject, " ".join(map(_spelled, channel.spans)), "", *every)
    if channel.days is not None:
        yield reported("channel.days", subject, " ".join(channel.days), "", *every)
    if channel.earliest is not None:
        yield reported("channel.earliest", subject, _time(channel.earliest), "", *ends)


def _search(channel: Channel) -> str:
    if channel.spans is not None and channel.complete:
        return "complete"
    return "incomplete" if channel.spans is not None or not channel.complete else "unsupported"


def _word(fact: bool | None) -> str:  # noqa: FBT001 - a yes, a no, or neither
    return "unknown" if fact is None else "yes" if fact else "no"


def _spelled(span: Span) -> str:
    return f"{_time(span.since)}/{_time(span.until)}"


def _time(at: int) -> str:
    """Return whole seconds: recorders know no others."""
    return (_EPOCH + timedelta(seconds=at // 1000)).strftime("%Y-%m-%dT%H:%M:%SZ")
