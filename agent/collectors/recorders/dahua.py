"""Dahua recorders (and those sold under other names) over their CGI: `key=value` replies, HTTP digest.

Times are the device's local ones, without a zone: its clock is compared first, and without that no footage is told.
A finder answers 400 for "nothing found" and for a request that it does not understand alike, so "no footage" is only
said where another channel's footage shows that the search is understood. Facts: recorders-and-logs 1.3.

The agent only reads: no `setConfig`, no `log.cgi`, nothing that the family does not list.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from agent.collectors.answers import cited, unsupported
from agent.collectors.recorders import dahua_facts as facts
from agent.collectors.recorders.dahua_search import Found, search
from agent.collectors.recorders.interface import Channel, Clock, Recorder, Span
from agent.collectors.recorders.keyvalues import ask, items
from agent.collectors.recorders.periods import DAY, HOUR, history, label, merged, midway, school_zone, shift
from agent.errors import GapError, MalformedError
from agent.language import N_

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.collectors.recorders.keyvalues import Told
    from agent.model.asset import Asset
    from agent.model.campus import Campus
    from agent.model.exchange import Session

__all__ = ["read"]

MAGIC_BOX = "/cgi-bin/magicBox.cgi?action="
CONFIG = "/cgi-bin/configManager.cgi?action=getConfig&name="
CONFIGS = ("ChannelTitle", "RemoteDevice", "Record", "RecordMode", "StorageGroup", "StorageGlobal", "Encode")
OMIT = {"ChannelTitle": ("Name",), "RemoteDevice": ("Name", "MachineAddress", "DeviceID")}
"""What people call cameras, and where they hang."""
STATES = "/cgi-bin/LogicDeviceManager.cgi?action=getCameraState"
VIDEO_LOSS = "/cgi-bin/eventManager.cgi?action=getEventIndexes&code=VideoLoss"
DISKS = "/cgi-bin/storageDevice.cgi?action=getDeviceAllInfo"
CLOCK = "/cgi-bin/global.cgi?action=getCurrentTime"
LARGE = 16_777_216
"""Octets: Encode of 64 channels has tens of thousands of lines."""
LONG_AGO = label("2000-01-01 00:00:00") or 0
MOST_CHANNELS = 512
LIVE = 10 * 60_000
"""Footage that ends less than this ago is being recorded."""
DEAD = 2 * HOUR
"""A channel that records all week and has nothing of the last two hours does not record: files last an hour at most."""


@dataclass(frozen=True, slots=True)
class _Inventory:
    """What the settings and states say, by channel, and the exchanges that hold it."""

    told: Mapping[str, Told]
    channels: tuple[int, ...]
    complete: bool
    cameras: Mapping[int, facts.Camera]
    plans: Mapping[int, facts.Plan]
    bitrates: Mapping[int, int]
    online: Mapping[int, bool]
    storage: facts.Storage


@dataclass(slots=True)
class _Footage:
    """What the searches gave, by channel."""

    first: dict[int, Found] = field(default_factory=dict)
    window: dict[int, Found] = field(default_factory=dict)
    base: int | None = None
    """`condition.Channel` of channel 0; None while no footage has shown it."""
    unclear: set[int] = field(default_factory=set)
    """Channels whose search gave items of another channel."""


async def read(asset: Asset, campus: Campus, session: Session) -> Recorder:
    """Ask a Dahua recorder everything.

    Raises:
        GapError: the device does not answer, does not let us in, or has no such interface.
        MalformedError: its first reply cannot be understood.
    """
    recorder = await _identity(asset, session)
    clock, ahead, now = await _clock(asset, campus, session)
    try:
        stock = await _inventory(asset, session)
    except GapError:
        return replace(recorder, clock=clock, channels_complete=False)
    footage = _Footage()
    if ahead is not None:
        # What a gap cuts off is told as not searched; the record has the gap.
        with suppress(GapError):
            await _search_all(asset, session, stock.channels, now + ahead, footage)
    disks = stock.told.get("disks")
    return replace(
        recorder,
        clock=clock,
        disks=facts.disks(disks.values) if disks is not None and disks.state == "ok" else None,
        disks_answer=disks.answer if disks is not None else None,
        overwrites=stock.storage.overwrites,
        channels=tuple(_with_clock(_channel(number, stock, footage, ahead, now), clock) for number in stock.channels),
        channels_complete=stock.complete,
        searched=Span(now - history(asset), now) if ahead is not None else None,
        notes=_notes(stock, footage, ahead),
    )


async def _identity(asset: Asset, session: Session) -> Recorder:
    about = await ask(asset, session, f"{MAGIC_BOX}getSystemInfo")
    if about is None:
        raise MalformedError("the reply to getSystemInfo does not decode", where=asset.id)
    kind = await ask(asset, session, f"{MAGIC_BOX}getDeviceClass")
    software = await ask(asset, session, f"{MAGIC_BOX}getSoftwareVersion")
    if about.state != "ok" and (kind is None or kind.state != "ok"):
        raise unsupported(
            asset,
            about.answer,
            N_("the device answers but has no CGI of Dahua recorders, or this account may not use it"),
            N_("Check the family, and give the account the right to see live video, playback and storage"),
        )
    # deviceType is a number on some models; then the name of the update file tells.
    model = next((m for m in (about.get("deviceType"), about.get("updateSerial")) if m and not m.isdecimal()), "")
    return Recorder(
        answer=about.answer,
        vendor="Dahua",
        model=model or about.get("deviceType"),
        firmware=software.get("version") if software is not None else "",
        serial=about.get("serialNumber"),
    )


async def _clock(asset: Asset, campus: Campus, session: Session) -> tuple[Clock | None, int | None, int]:
    """Return the clock, how far the device's labels are ahead of UTC, and what time it is."""
    told = await ask(asset, session, CLOCK)
    local = label(told.get("result")) if told is not None else None
    if told is None or local is None:
        return None, None, 0
    now = midway(told.answer)
    ahead = shift(local, now)
    school = school_zone(campus.timezone)
    offset = local - now - (ahead if school is None else school)
    return Clock(offset, "local", told.answer, ahead), ahead, now


async def _inventory(asset: Asset, session: Session) -> _Inventory:
    told: dict[str, Told] = {}
    paths = {name: f"{CONFIG}{name}" for name in CONFIGS}
    for name, path in {**paths, "states": STATES, "losses": VIDEO_LOSS, "disks": DISKS}.items():
        if (one := await ask(asset, session, path, octets=LARGE, omit=OMIT.get(name, ()))) is not None:
            told[name] = one
    values = {name: one.values for name, one in told.items()}
    titled = {number for number, _ in items(values.get("ChannelTitle", {}), "table.ChannelTitle")}
    cameras = facts.cameras(values.get("RemoteDevice", {}))
    # A slot without a camera has a title too; only where there are no slots, titles are all that is known.
    listed = sorted({number for number, camera in cameras.items() if camera.enabled} | (titled - cameras.keys()))
    return _Inventory(
        told,
        channels=tuple(listed[:MOST_CHANNELS]),
        complete="ChannelTitle" in told and told["ChannelTitle"].state == "ok" and len(listed) <= MOST_CHANNELS,
        cameras=cameras,
        plans=facts.plans(values.get("Record", {}), values.get("RecordMode", {})),
        bitrates=facts.bitrates(values.get("Encode", {})),
        online=_online(told, listed),
        storage=facts.storage(values.get("StorageGroup", {}), values.get("StorageGlobal", {})),
    )


def _online(told: Mapping[str, Told], channels: Sequence[int]) -> dict[int, bool]:
    """Return which cameras are connected; where the device does not tell, which of them have a picture."""
    found: dict[int, bool] = {}
    losses = told.get("losses")
    # "Error: No Events" is how it says that no channel has lost its picture; 400 says nothing.
    if losses is not None and (losses.state == "ok" or losses.says("No Events")):
        lost = facts.losses(losses.values)
        found = {number: number not in lost for number in channels}
    return found | (facts.online(told["states"].values) if "states" in told else {})


# --- footage --------------------------------------------------------------------------------------------------------


async def _search_all(asset: Asset, session: Session, channels: Sequence[int], local: int, footage: _Footage) -> None:
    """Find the first file of each channel, then all of the window; what was busy is asked once more at the end."""
    await _firsts(asset, session, channels, local, footage)
    if footage.base is None and channels:
        # Nothing anywhere: a device that counts from 0 says 400 to its last channel only.
        found = await search(asset, session, channels[0], LONG_AGO, local + DAY, most=1)
        if found.channels == {channels[0]}:
            footage.base = 0
            await _firsts(asset, session, channels, local, footage)
    base = footage.base
    if base is None:
        return
    wanted = [n for n in channels if n not in footage.unclear and n in footage.first and footage.first[n].stretches]
    for _ in range(2):
        for number in wanted:
            since = max(local - history(asset), footage.first[number].stretches[0][0])
            found = await search(asset, session, number + base, since, local + HOUR)
            footage.window[number] = found
            if found.channels - {number}:
                footage.unclear.add(number)
        wanted = [number for number in wanted if footage.window[number].end == "busy"]


async def _firsts(asset: Asset, session: Session, channels: Sequence[int], local: int, footage: _Footage) -> None:
    wanted = list(channels)
    for _ in range(2):
        for number in wanted:
            asked = number + (1 if footage.base is None else footage.base)
            found = await search(asset, session, asked, LONG_AGO, local + DAY, most=1)
            if footage.base is None and found.channels:
                base = asked - min(found.channels)
                footage.base = base if base in {0, 1} else None
                if base == 0:  # so far, every channel was asked for by the number of the next
                    footage.first.clear()
                    await _firsts(asset, session, channels, local, footage)
                    return
            footage.first[number] = found
            if found.channels - {number}:
                footage.unclear.add(number)
        wanted = [number for number in wanted if footage.first[number].end == "busy"]


def _channel(number: int, stock: _Inventory, footage: _Footage, ahead: int | None, now: int) -> Channel:
    first, window = footage.first.get(number), footage.window.get(number)
    settings = tuple(cited(told.answer) for told in stock.told.values())
    searched = (*(first.answers if first else ()), *(window.answers if window else ()))
    plan, camera = stock.plans.get(number), stock.cameras.get(number)
    channel = Channel(
        id=str(number + 1),
        answers=searched or settings,
        settings=settings,
        complete=False,
        online=stock.online.get(number),
        schedule=plan.schedule if plan else "unknown",
        scheduled_minutes=plan.minutes if plan else None,
        expiry_days=stock.storage.expiry_days(number),
        bitrate=stock.bitrates.get(number),
        identity=camera.identity if camera else "",
    )
    if ahead is None or first is None or number in footage.unclear:
        return replace(channel, recording=False if plan and plan.stopped else None)
    if not first.stretches:
        proven = first.end == "end" or (first.end == "nothing" and footage.base is not None)
        return replace(
            channel,
            spans=() if proven and not first.odd else None,
            complete=proven and not first.odd,
            recording=False if plan and (plan.stopped or (proven and plan.schedule == "continuous")) else None,
        )
    earliest = first.stretches[0][0]
    if window is None:
        return replace(channel, earliest=earliest - ahead)
    # "Nothing" of the window, with footage from before it, is as sure as that footage.
    sure = window.end in {"end", "nothing"} and not window.odd
    spans = merged((since - ahead, until - ahead) for since, until in window.stretches)
    return replace(
        channel,
        spans=spans if spans or sure else None,
        complete=sure,
        earliest=min([earliest - ahead, *(span.since for span in spans)]),
        recording=_recording(plan, spans, now),
    )


def _with_clock(channel: Channel, clock: Clock | None) -> Channel:
    """Return the channel with the exchange that gives its times their meaning."""
    return channel if clock is None else replace(channel, answers=(cited(clock.answer), *channel.answers))


def _recording(plan: facts.Plan | None, spans: Sequence[Span], now: int) -> bool | None:
    if plan is not None and plan.stopped:
        return False
    newest = spans[-1].until if spans else 0
    if newest > now - LIVE:
        return True
    return False if plan is not None and plan.schedule == "continuous" and newest < now - DEAD else None


def _notes(stock: _Inventory, footage: _Footage, ahead: int | None) -> tuple[str, ...]:
    found = {f"denied:{name}" for name, told in stock.told.items() if told.state == "denied"}
    if ahead is None:
        found.add("clock-unknown")
    if footage.unclear:
        found.add("numbering-unclear")
    if footage.base is None and any(found.end == "nothing" for found in footage.first.values()):
        found.add("search-unproven")
    return tuple(sorted(found))
