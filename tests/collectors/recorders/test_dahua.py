"""Dahua recorders: the finder followed to its end, its traps, and what the settings say."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.collectors.recorders import dahua, dahua_facts
from agent.collectors.recorders.keyvalues import items, pairs
from agent.collectors.recorders.periods import label
from agent.errors import GapError, MalformedError
from agent.lab.recorders.dahua import DahuaDisk, DahuaRecorder
from agent.model.campus import Campus, School
from tests.collectors.recorders.recording import (
    ASSET,
    CAMPUS,
    DAY,
    HOUR,
    NOW,
    REPLIES,
    WEEKS,
    Direct,
    channel,
    fixture,
    hours,
    spans,
    told,
)


def recorder(footage=None, **traps) -> DahuaRecorder:  # type: ignore[no-untyped-def]  # the device's fields
    """Return a device that keeps this footage."""
    return DahuaRecorder({0: WEEKS} if footage is None else footage, lambda: NOW, **traps)


def test_footage_in_utc() -> None:
    """Local labels become UTC, files become stretches, and a missing day stays missing."""
    found = told(dahua.read, recorder())
    one = channel(found, "1")
    assert spans(one) == list(WEEKS)
    assert one.complete
    assert one.earliest == WEEKS[0][0]
    assert one.recording is True
    assert found.clock is not None
    assert (found.clock.offset_ms, found.clock.zulu) == (0, "local")
    assert (found.vendor, found.model, found.firmware) == (
        "Dahua",
        "DHI-NVR4216-16P-4KS2",
        "4.001.0000001.3.R,build:2023-05-11",
    )


def test_settings() -> None:
    """Plan, expiry, bit rate, overwriting, cameras and disks come out of the settings."""
    found = told(dahua.read, recorder({0: WEEKS, 1: WEEKS}, hold_days=30, offline=frozenset({1}), unused=2))
    assert [one.id for one in found.channels] == ["1", "2"], "slots without a camera are no channels"
    first, second = found.channels
    assert (first.schedule, first.scheduled_minutes) == ("continuous", 7 * 1440)
    assert (first.expiry_days, first.bitrate) == (30, 4_096_000), "the group of second copies does not count"
    assert (first.online, second.online) == (True, False)
    assert first.identity == "9L00000CAM"
    assert found.overwrites is True
    assert found.disks is not None
    disk = found.disks[0]
    assert (disk.id, disk.state, disk.capacity, disk.free) == ("sda", "storing", 4 * 10**12, 0)
    assert found.channels_complete


@pytest.mark.parametrize(
    "traps",
    [
        {"lie": 7},
        {"lie": -40},
        {"cap": 33},
        {"ends_by_error": True},
        {"lives": 3},
        {"lives": 2, "ends_by_error": True},
        {"first": 0},
        {"busy": {(1, False)}},
        {"busy": {(1, True), (2, True)}},
        {"ahead": 8 * HOUR - 95_000},
        {"remote": False},
        {"missing": frozenset({"LogicDeviceManager", "storageDevice"})},
        {"ahead": 0},
        {"finders": 1},
    ],
    ids="-".join,
)
def test_traps_change_nothing(traps: dict[str, object]) -> None:
    """Whatever a device does on the way, the same footage is found, completely, and no finder stays open."""
    device = recorder({0: WEEKS, 1: hours((50, 2)), 2: ()}, **traps)
    found = told(dahua.read, device)
    slow = (device.ahead - 8 * HOUR) % HOUR - HOUR if device.ahead % HOUR else 0
    assert spans(channel(found, "1")) == [(since + slow, until + slow) for since, until in WEEKS]
    assert spans(channel(found, "2")) == [(since + slow, until + slow) for since, until in hours((50, 2))]
    assert spans(channel(found, "3")) == []
    assert all(one.complete for one in found.channels)
    assert device.left_open == 0


def test_counting_from_nought_behind_an_empty_channel() -> None:
    """A device that counts from 0 and whose second channel is empty gives each channel its own footage."""
    found = told(dahua.read, recorder({0: WEEKS, 1: (), 2: hours((50, 2))}, first=0))
    assert [spans(one) for one in found.channels] == [list(WEEKS), [], list(hours((50, 2)))]
    only = told(dahua.read, recorder({0: WEEKS}, first=0))
    assert spans(only.channels[0]) == list(WEEKS)


def test_error_after_a_single_full_page() -> None:
    """A device that ends by an error after exactly one page of 100 files is complete."""
    begin = (NOW - 100 * HOUR) // HOUR * HOUR
    found = told(dahua.read, recorder({0: ((begin, begin + 100 * HOUR),)}, ends_by_error=True))
    assert spans(channel(found, "1")) == [(begin, begin + 100 * HOUR)]
    assert channel(found, "1").complete


def test_a_device_that_does_not_advance() -> None:
    """Every page the same is not footage without end: the search is incomplete."""
    session = Direct(recorder(stuck=True))
    one = channel(asyncio.run(dahua.read(ASSET, CAMPUS, session)), "1")
    assert not one.complete
    assert one.spans
    assert len(session.asked) < 40


def test_another_channels_footage() -> None:
    """Items of another channel are nobody's."""
    one = channel(told(dahua.read, recorder({0: WEEKS, 1: WEEKS}, shift=3)), "1")
    assert one.spans is None
    assert not one.complete
    later = channel(told(dahua.read, recorder({0: WEEKS, 1: WEEKS}, shift=3, shift_from=3)), "1")
    assert later.spans is None
    assert not later.complete


def test_nothing_anywhere_is_no_proof() -> None:
    """Where 400 was never seen beside footage, it may mean anything: unknown, not empty."""
    found = told(dahua.read, recorder({0: (), 1: ()}))
    assert [one.spans for one in found.channels] == [None, None]
    assert not any(one.complete for one in found.channels)
    assert "search-unproven" in found.notes


def test_old_footage_alone() -> None:
    """A camera dead for longer than the search goes back has an earliest, no spans, and does not record."""
    one = channel(told(dahua.read, recorder({0: hours((24 * 200, 24 * 150)), 1: WEEKS})), "1")
    assert spans(one) == []
    assert one.complete
    assert one.earliest == NOW - 200 * DAY
    assert one.recording is False


@pytest.mark.parametrize(("gap", "recording"), [(0, True), (0.1, True), (1.5, None), (3, False)])
def test_recording_now(gap: float, recording: bool | None) -> None:
    """Footage up to now records; none of the last two hours under a plan for all week does not; between is unknown."""
    assert channel(told(dahua.read, recorder({0: hours((48, gap))})), "1").recording is recording


def test_stopped_by_hand() -> None:
    """A channel that is switched off plans nothing and does not record."""
    one = channel(told(dahua.read, recorder(modes={0: 2})), "1")
    assert (one.schedule, one.scheduled_minutes, one.recording) == ("none", 0, False)


def test_clock_without_zone() -> None:
    """A wrong clock is an offset; a device set to another zone still has its footage at the right time."""
    ahead = 8 * HOUR + 95_000
    late = told(dahua.read, recorder(ahead=ahead))
    assert late.clock is not None
    assert late.clock.offset_ms == 95_000
    utc = told(dahua.read, recorder(ahead=0))
    assert utc.clock is not None
    assert utc.clock.offset_ms == -8 * HOUR, "the school's clocks say so"
    elsewhere = Campus(version="1", school=School(id="s", name="s"), timezone="Europe/Paris", assets=(ASSET,))
    unknown = told(dahua.read, recorder(ahead=HOUR + 2000), elsewhere)
    assert unknown.clock is not None
    assert unknown.clock.offset_ms == 2000
    assert spans(channel(unknown, "1")) == [(a + 2000, b + 2000) for a, b in WEEKS]


def test_without_a_clock() -> None:
    """Without a clock to compare, labels mean nothing, and no footage is told."""
    found = told(dahua.read, recorder(missing=frozenset({"global"})))
    assert channel(found, "1").spans is None
    assert channel(found, "1").earliest is None
    assert found.searched is None
    assert "clock-unknown" in found.notes


def test_denied_settings() -> None:
    """What the account may not read is unknown, and named."""
    found = told(dahua.read, recorder(denied=frozenset({"StorageGroup", "Record"})))
    one = channel(found, "1")
    assert (found.overwrites, one.expiry_days, one.schedule) == (None, None, "unknown")
    assert {"denied:StorageGroup", "denied:Record"} <= set(found.notes)
    assert spans(one) == list(WEEKS)


def test_locked_account() -> None:
    """A locked account is refused at once: nothing more is asked."""
    session = Direct(recorder(locked=True))
    with pytest.raises(GapError) as raised:
        asyncio.run(dahua.read(ASSET, CAMPUS, session))
    assert raised.value.reason == "refused"
    assert raised.value.source
    assert "1800" in str(raised.value)
    assert len(session.asked) == 1


def test_not_a_dahua() -> None:
    """A device without these paths is unsupported."""
    with pytest.raises(GapError) as raised:
        told(dahua.read, recorder(missing=frozenset({"magicBox"})))
    assert raised.value.reason == "unsupported"


def test_a_silence_in_the_middle() -> None:
    """What a gap cuts off is told as not searched; what was found before stays."""

    class Silent(Direct):
        async def ask(self, request):  # type: ignore[no-untyped-def]  # as Direct
            if "condition.Channel=2" in request.path and "2000-01" not in request.path:
                raise GapError("deadline", "the time for this device is over")
            return await super().ask(request)

    found = asyncio.run(dahua.read(ASSET, CAMPUS, Silent(recorder({0: WEEKS, 1: WEEKS}))))
    first, second = found.channels
    assert spans(first) == list(WEEKS)
    assert (second.spans, second.complete, second.earliest) == (None, False, WEEKS[0][0])


def test_real_pages() -> None:
    """Items of real pages are counted by themselves, whatever `found` says."""
    counts = [len(list(items(pairs(fixture(f"dahua/amcrest/mediaFileFind_page{n}.txt")), "items"))) for n in (1, 2, 3)]
    assert counts == [2, 1, 0]
    _, item = next(items(pairs(fixture("dahua/amcrest/mediaFileFind_page2.txt")), "items"))
    assert label(item["StartTime"]) == label("2020-01-06 06:36:10")
    assert item["Channel"] == "0"


def test_real_states() -> None:
    """A real disk list, record mode, clock and event list are understood."""
    disks = dahua_facts.disks(pairs(fixture("dahua/fleet_2026-07/storageDevice_getDeviceAllInfo_ok_trimmed.txt")))
    assert [(disk.id, disk.state, disk.capacity, disk.free) for disk in disks] == [
        ("sda", "storing", 495_636_709_376, None)
    ]
    modes = pairs(fixture("dahua/fleet_2026-07/configManager_RecordMode_trimmed.txt"))
    assert dahua_facts.plans({}, modes) == {}, "mode 0 follows a plan, which is another reply"
    assert label(pairs(fixture("dahua/fleet_2026-07/global_getCurrentTime.txt"))["result"]) == 1_783_019_365_000
    assert dahua_facts.losses(pairs(fixture("dahua/fleet_2026-07/eventManager_VideoLoss_none.txt"))) == frozenset()


@pytest.mark.parametrize(
    ("disk", "state"),
    [
        (DahuaDisk("/dev/sda"), "storing"),
        (DahuaDisk("/dev/sda", state="Running", error=True), "failing"),
        (DahuaDisk("/dev/sda", state="Degraded"), "failing"),
        (DahuaDisk("/dev/sda", state="Pondering"), "unknown"),
        (DahuaDisk("/dev/sda", type="ReadOnly"), "present"),
    ],
)
@pytest.mark.parametrize("listed", ["list.info", "list"])
def test_disk_states(disk: DahuaDisk, state: str, listed: str) -> None:
    """An error of a partition outweighs the word of the disk; full is healthy; both spellings of the list are read."""
    found = told(dahua.read, recorder(disks=(disk,), disk_list=listed)).disks
    assert found is not None
    assert (found[0].state, found[0].word.split()[0]) == (state, disk.state)


@pytest.mark.parametrize(
    ("plan", "kind", "minutes"),
    [
        (("1 00:00:00-24:00:00",) * 7, "continuous", 7 * 1440),
        (("6 00:00:00-23:59:59",) * 7, "event", 0),
        (("7 00:00:00-12:00:00",) * 7, "mixed", 7 * 720),
        (("0 00:00:00-23:59:59",) * 7, "none", 0),
        (("1 00:00:00-23:59:59",) * 6 + ("2 00:00:00-23:59:59",), "mixed", 6 * 1440),
    ],
)
def test_plans(plan: tuple[str, ...], kind: str, minutes: int) -> None:
    """Bit 0 of a section records all the time; the others on events only."""
    one = channel(told(dahua.read, recorder(plan=plan)), "1")
    assert (one.schedule, one.scheduled_minutes) == (kind, minutes)


def test_expiry_by_group() -> None:
    """A group that names its channels speaks for them; the shorter of group and recorder wins; 0 is no expiry."""
    groups = pairs(
        b"table.StorageGroup[0].Name=ReadWrite\r\ntable.StorageGroup[0].FileHoldTime=60\r\n"
        b"table.StorageGroup[0].Channels[0]=1\r\n"
    )
    kept = dahua_facts.storage(groups, pairs(b"table.StorageGlobal.FileHoldTime=45"))
    assert (kept.expiry_days(1), kept.expiry_days(0)) == (45, 45)
    never = dahua_facts.storage(groups, {})
    assert (never.expiry_days(1), never.expiry_days(0)) == (60, None)


@given(st.binary(max_size=400))
def test_any_bytes(body: bytes) -> None:
    """No reply makes the readers of settings fail otherwise than by our own errors."""
    try:
        values = pairs(body)
    except MalformedError:
        return
    dahua_facts.disks(values)
    dahua_facts.plans(values, values)
    dahua_facts.storage(values, values)
    dahua_facts.cameras(values)


@given(
    st.lists(
        st.sampled_from(
            [
                "list[0].State=Success",
                "list[0].Detail[0].TotalBytes=NaN",
                "list[0].Detail[0].TotalBytes=1e400",
                "list[0].Detail[0].UsedBytes=-1",
                "list.info[99999].Name=",
                "table.StorageGroup[0].FileHoldTime=٣",
                "table.Record[0].TimeSection[0][0]=9999 99:99:99-99:99:99",
                "table.RecordMode[٣].Mode=2",
                "table.RemoteDevice.x_9999.Enable=maybe",
                "table.StorageGroup[1].Channels[0]=7",
            ]
        )
    )
)
def test_odd_values(lines: list[str]) -> None:
    """Numbers that are none, and clocks beyond the day, are left out and never a failure."""
    values = pairs("\r\n".join(lines).encode())
    assert all(disk.capacity is None or disk.capacity >= 0 for disk in dahua_facts.disks(values))
    assert all(plan.minutes <= 7 * 1440 for plan in dahua_facts.plans(values, values).values())
    dahua_facts.storage(values, values)
    dahua_facts.cameras(values)


def test_search_days() -> None:
    """The campus file says how far back is searched; the earliest footage is known all the same."""
    asset = ASSET.model_copy(update={"search_days": 2})
    found = asyncio.run(dahua.read(asset, CAMPUS, Direct(recorder())))
    one = channel(found, "1")
    assert found.searched is not None
    assert found.searched.since == NOW - 2 * DAY
    assert one.spans is not None
    assert NOW - 2 * DAY - HOUR <= one.spans[0].since <= NOW - 2 * DAY
    assert one.earliest == WEEKS[0][0]


def test_every_real_reply() -> None:
    """No reply of a real device is left out of these tests: each gives values, or says that there are none."""
    replies = REPLIES / "dahua"
    if not replies.exists():
        pytest.skip("the shared recorder replies are not beside this checkout")
    read = {path.name: len(pairs(path.read_bytes())) for path in replies.rglob("*.txt")}
    assert read == {
        "configManager_RecordMode_trimmed.txt": 2,
        "eventManager_VideoLoss_none.txt": 0,
        "global_getCurrentTime.txt": 1,
        "mediaFileFind_page1.txt": 49,
        "mediaFileFind_page2.txt": 25,
        "mediaFileFind_page3.txt": 1,
        "storageDevice_getDeviceAllInfo_ok_trimmed.txt": 8,
    }
