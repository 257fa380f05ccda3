"""Hikvision recorders: calendar and search followed to their end, the clock calibrated, every trap of real devices."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.collectors.markup import json_value, parse
from agent.collectors.recorders import isapi, isapi_facts
from agent.collectors.recorders.isapi_ask import Isapi
from agent.collectors.recorders.isapi_search import Footage, Searcher
from agent.errors import GapError, MalformedError
from agent.lab.recorders.hikvision import NAMESPACES, HikDisk, HikvisionRecorder, week
from agent.lab.recorders.server import Said
from agent.lab.recorders.spans import Outage, footage
from agent.model.campus import Campus, School
from agent.model.exchange import HttpReply
from tests.collectors.recorders.recording import (
    ASSET,
    CAMPUS,
    DAY,
    HOUR,
    NOW,
    WEEKS,
    Direct,
    channel,
    fixture,
    hours,
    spans,
    told,
)

if TYPE_CHECKING:
    from agent.lab.recorders.server import Asked


def recorder(kept=None, **traps) -> HikvisionRecorder:  # type: ignore[no-untyped-def]  # the device's fields
    """Return a device that keeps this footage."""
    return HikvisionRecorder({1: WEEKS, 2: WEEKS} if kept is None else kept, lambda: NOW, **traps)


def spelled(traps: dict[str, object]) -> str:
    """Return the name of a test: the same in every process, which the order of a set is not."""
    return " ".join(f"{k}={sorted(v) if isinstance(v, frozenset) else v}" for k, v in traps.items())


def test_footage_in_utc() -> None:
    """Local labels become UTC, files become stretches, and a missing day stays missing."""
    found = told(isapi.read, recorder())
    one = channel(found, "1")
    assert spans(one) == list(WEEKS)
    assert one.complete
    assert one.earliest == WEEKS[0][0]
    assert one.recording is True
    assert one.days is not None
    assert (len(one.days), one.days[-1]) == (31, "2026-11-22")
    assert found.clock is not None
    assert (found.clock.offset_ms, found.clock.zulu) == (0, "local")
    assert (found.vendor, found.model, found.firmware) == ("Hikvision", "DS-7804N-R2", "V4.84.105 build 230619")


def test_settings() -> None:
    """Plan, expiry, measured bit rate, cameras, disks and overwriting come out of settings, states and sizes."""
    disks = (
        HikDisk(),
        HikDisk("idle"),
        HikDisk(kept="Redund"),
        HikDisk("notexist"),
        HikDisk("wobbly"),
        HikDisk(kept="RO"),
    )
    found = told(isapi.read, recorder(disks=disks, duration="P30DT0H", offline=frozenset({2}), size=19))
    assert [one.id for one in found.channels] == ["1", "2"], "cameras are counted, not believed to be 19"
    first, second = found.channels
    assert (first.schedule, first.scheduled_minutes, first.expiry_days) == ("continuous", 7 * 1440, 30)
    assert first.bitrate == 3_000_000
    assert (first.online, second.online) == (True, False)
    assert first.identity == "CAM-LAB-0001"
    assert found.overwrites is True
    assert found.disks is not None
    assert [(disk.id, disk.state, disk.redundant) for disk in found.disks] == [
        ("hdd1", "storing", False),
        ("hdd2", "present", False),
        ("hdd3", "storing", True),
        ("hdd5", "unknown", False),
        ("hdd6", "present", False),
    ]
    assert (found.disks[0].capacity, found.disks[0].free) == (3_815_447 * 2**20, 0)
    assert found.channels_complete
    assert found.notes == ("quota",)


@pytest.mark.parametrize(
    "traps",
    [
        {"count": "total"},
        {"count": "lie"},
        {"count": "none"},
        {"cap": 7},
        {"cap": 30, "count": "lie"},
        {"list_name": "trackList"},
        {"busy": {101}},
        {"widest": DAY},
        {"zulu": "utc"},
        {"zulu": "literal"},
        {"bare_time": True},
        {"zone": -5 * HOUR},
        {"zone": -5 * HOUR, "zulu": "utc"},
        {"zone": 0},
        {"calendar": False},
        {"status": "none"},
        {"status": "wrapped"},
        {"missing": {"System/Video/inputs/channels": 503, "ContentMgmt/record/tracks": 403}},
        {"missing": {"ContentMgmt/record/tracks": 503, "ContentMgmt/InputProxy/channels/status": 404}},
        {"denied": frozenset({"ContentMgmt/record/tracks", "ContentMgmt/Storage"})},
        *({"namespaces": (each,)} for each in NAMESPACES),
    ],
    ids=spelled,
)
def test_traps_change_nothing(traps: dict[str, object]) -> None:
    """Whatever a device does on the way, the same footage is found, completely."""
    device = recorder({1: WEEKS, 2: hours((50, 0)), 3: ()}, **traps)
    found = told(isapi.read, device)
    assert spans(channel(found, "1")) == list(WEEKS)
    assert spans(channel(found, "2")) == list(hours((50, 0)))
    assert spans(channel(found, "3")) == []
    assert all(one.complete for one in found.channels)


def test_cameras_behind_analogue_inputs() -> None:
    """On a hybrid device a camera is the channel of its streams, not the number in its own list."""
    found = told(isapi.read, recorder({1: WEEKS, 2: (), 3: hours((50, 0))}, analogue=2, offline=frozenset({3})))
    assert [one.id for one in found.channels] == ["1", "2", "3"]
    assert [one.identity for one in found.channels] == ["", "", "CAM-LAB-0003"]
    assert channel(found, "3").online is False
    assert spans(channel(found, "3")) == list(hours((50, 0)))


def test_one_channel_as_an_object() -> None:
    """A list of one is an object on some firmware; its state is read."""
    found = told(isapi.read, recorder({1: WEEKS}, status="single", recording={1: 0}))
    assert channel(found, "1").recording is False


@pytest.mark.parametrize(
    "traps", [{"stuck": True}, {"endless": True}, {"calendar_adds": frozenset({"2026-11-10"})}], ids=spelled
)
def test_a_search_that_cannot_be_believed_is_incomplete(traps: dict[str, object]) -> None:
    """Pages that come again, MORE without end, and a calendar that the search contradicts are no complete search."""
    found = told(isapi.read, recorder({1: hours((24 * 30, 24 * 14), (24 * 11, 0)), 2: WEEKS}, cap=20, **traps))
    one = channel(found, "1")
    assert not one.complete
    assert one.spans


def test_empty_days_are_skipped_and_pages_counted_by_items() -> None:
    """A day costs one search of one page, a day without footage none: the device is not asked what it has said."""
    session = Direct(recorder({1: hours((24 * 10, 24 * 8), (30, 0))}))
    asyncio.run(isapi.read(ASSET, CAMPUS, session))
    searches = [one for one in session.asked if one.path.endswith("/search")]
    assert len(searches) <= 3 + 3 + 2 + 1, "days with footage, the calibration, the oldest"
    assert all(f"{n}:" not in one.body for one in searches for n in ("00:00:01",))
    assert {one.method for one in session.asked if "dailyDistribution" in one.path} == {"POST"}


def test_wrong_zone_and_drift() -> None:
    """Minutes of drift are told as such; footage is placed by the device's own labels, whatever zone it believes in."""
    found = told(isapi.read, recorder(drift=90_000))
    assert found.clock is not None
    assert found.clock.offset_ms == 90_000
    (first, *_) = spans(channel(found, "1")) or []
    assert abs(first[0] - WEEKS[0][0]) <= 90_000


def test_nothing_calibrates_a_device_without_footage_around_now() -> None:
    """Cameras that are dead for days decide nothing: days are told, times are not, and nothing is called complete."""
    found = told(isapi.read, recorder({1: hours((24 * 30, 24 * 5))}))
    one = channel(found, "1")
    assert found.clock is not None
    assert found.clock.zulu == "unknown"
    assert (one.spans, one.complete) == (None, False)
    assert one.days
    assert "clock-unknown" in found.notes


@pytest.mark.parametrize("dead", [0.5, 2, 5, 7.5])
def test_a_camera_that_died_hours_ago_does_not_turn_the_clock(dead: float) -> None:
    """Footage that ends between UTC and local time proves local time: it would lie in the future else."""
    found = told(isapi.read, recorder({1: hours((24 * 5, dead))}))
    assert found.clock is not None
    assert found.clock.zulu == "local"
    assert spans(channel(found, "1")) == list(hours((24 * 5, dead)))


def test_a_camera_that_died_just_when_it_would_look_like_utc_is_outvoted() -> None:
    """One camera dead for as long as the zone is wide would prove UTC; a second one that lives decides."""
    found = told(isapi.read, recorder({1: hours((24 * 5, 8)), 2: WEEKS}, status="none"))
    assert found.clock is not None
    assert found.clock.zulu == "local"


def test_refusals_are_unknown_and_never_empty() -> None:
    """A device without search, or whose search this user may not use, has told nothing about its footage."""
    for status in (403, 404, 500):
        found = told(isapi.read, recorder(search_status=status))
        assert [one.spans for one in found.channels] == [None, None]
        assert found.clock is not None
        assert found.clock.zulu == "unknown"


def test_a_channel_without_a_track_is_not_searched() -> None:
    """Only tracks that the device lists are asked for: one that it does not know fails the whole search."""
    session = Direct(recorder(tracks=frozenset({1})))
    found = asyncio.run(isapi.read(ASSET, CAMPUS, session))
    assert channel(found, "2").spans is None
    assert spans(channel(found, "1")) == list(WEEKS)
    assert not [one for one in session.asked if ">201<" in one.body]
    assert "channels-without-track" in found.notes


def test_a_state_that_footage_contradicts_is_unknown() -> None:
    """A device that says it records all week and has nothing of the last hours is believed in neither."""
    found = told(isapi.read, recorder({1: hours((24 * 9, 5)), 2: WEEKS}, recording={1: 1}))
    assert channel(found, "1").recording is None
    assert "recording-without-footage" in found.notes


def test_old_footage_alone() -> None:
    """A camera dead for longer than the search goes back has an earliest, no spans, and does not record."""
    found = told(isapi.read, recorder({1: hours((24 * 200, 24 * 150)), 2: WEEKS}))
    one = channel(found, "1")
    assert spans(one) == []
    assert one.complete
    assert one.earliest is not None
    assert abs(one.earliest - (NOW - 200 * DAY)) < HOUR
    assert one.recording is False


def test_the_window_is_the_campus_files() -> None:
    """`search_days` says how far back is searched."""
    asset = ASSET.model_copy(update={"search_days": 3})
    session = Direct(recorder())
    found = asyncio.run(isapi.read(asset, CAMPUS, session))
    assert found.searched is not None
    assert found.searched.until - found.searched.since == 3 * DAY
    assert len([one for one in session.asked if ">101<" in one.body]) <= 8


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (week(), ("continuous", 10080)),
        (week(end="23:59:59"), ("continuous", 10080)),
        (week("MOTION"), ("event", 0)),
        (week(begin="08:00:00", end="18:00:00"), ("continuous", 4200)),
        ((*week("CMR", end="12:00:00"), *week("MOTION", begin="12:00:00")), ("mixed", 5040)),
        ((), ("none", 0)),
        (("<ScheduleAction><Actions/></ScheduleAction>",), ("unknown", None)),
    ],
)
def test_plans(plan: tuple[str, ...], expected: tuple[str, int | None]) -> None:
    """Continuous is a week of CMR; events are no continuous plan; what cannot be read is unknown."""
    one = channel(told(isapi.read, recorder({1: WEEKS}, plan=plan)), "1")
    assert (one.schedule, one.scheduled_minutes) == expected


@pytest.mark.parametrize(
    ("duration", "enabled", "days"),
    [("P0DT0H", "", None), ("P7DT0H", "", 7), ("P7DT0H", "false", None), ("P30DT12H", "true", 30), ("odd", "", None)],
)
def test_expiry(duration: str, enabled: str, days: int | None) -> None:
    """Expiry counts where it is switched on, or where no switch exists and it is not zero."""
    one = channel(told(isapi.read, recorder({1: WEEKS}, duration=duration, duration_enabled=enabled)), "1")
    assert one.expiry_days == days


def test_a_plan_that_is_switched_off_records_nothing() -> None:
    """`enableSchedule` false is no plan, whatever the schedule says; `Enable` says nothing."""
    one = channel(told(isapi.read, recorder({1: WEEKS}, enable_schedule=False)), "1")
    assert one.schedule == "none"


def test_days_turn_at_the_devices_midnight() -> None:
    """Footage of one minute around the device's midnight is on the right days, and found."""
    midnight = (NOW + 8 * HOUR) // DAY * DAY - 8 * HOUR - 3 * DAY
    kept = ((midnight - 60_000, midnight + 60_000), *hours((9, 0)))
    one = channel(told(isapi.read, recorder({1: kept})), "1")
    assert spans(one) == list(kept)
    assert one.days == ("2026-11-18", "2026-11-19", "2026-11-22")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(0, 40 * 24 * 60), st.integers(5, 3000)), max_size=6), st.booleans())
def test_whatever_is_kept_is_found(stretches: list[tuple[int, int]], utc: bool) -> None:
    """Any footage in the window comes back to the second, in either meaning of `Z`."""
    kept: list[tuple[int, int]] = []
    for start, length in sorted(stretches):
        since = NOW - 45 * DAY + start * 60_000
        until = min(since + length * 60_000, NOW - 9 * HOUR)
        if until - since > 60_000 and (not kept or since > kept[-1][1] + 60_000):
            kept.append((since // 1000 * 1000, until // 1000 * 1000))
    kept.append(hours((8.5, 0))[0])
    found = told(isapi.read, recorder({1: tuple(kept)}, zulu="utc" if utc else "local", overlap=0))
    assert spans(channel(found, "1")) == kept


# --- replies of real devices ----------------------------------------------------------------------------------------


class Canned:
    """A device that answers everything in one way."""

    def __init__(self, body: bytes, status: int = 200) -> None:
        self.body = body
        self.status = status

    def answer(self, asked: Asked) -> Said:
        """Answer."""
        return Said(self.body, self.status)


def searched(body: bytes, track: int) -> Footage:
    """Return what a search makes of a reply."""
    searcher = Searcher(Isapi(ASSET, Direct(Canned(body))), seed="s")
    found, items = asyncio.run(searcher.pages(track, NOW - DAY, NOW))
    for item in items:
        searcher.take(item, track, found)
    return found


@pytest.mark.parametrize(
    ("name", "track", "files", "odd", "end"),
    [
        ("DS-7708N-I4_V4.1.18/search_NO_MATCHES.xml", 101, 0, 0, "end"),
        ("DS-7804N-R2_V4.84/search_2ch_30min.xml", 101, 2, 2, "end"),
        ("DS-7804N-R2_V4.84/search_3tracks_on_2ch_device.xml", 201, 2, 2, "end"),
        ("DS-8632N-I8_V4.61/search_track101.xml", 101, 2, 0, "end"),
        ("isapi_guide/search_2021-08-18.xml", 101, 1, 0, "end"),
        ("psia_ns/search_picture_MORE.xml", 120, 2, 0, "broken"),
    ],
)
def test_searches_of_real_devices(name: str, track: int, files: int, odd: int, end: str) -> None:
    """Items are of the track that was asked; MORE whose next page is the same is not followed for ever."""
    found = searched(fixture(f"hik/{name}"), track)
    assert (len(found.stretches), found.odd, found.end) == (files, odd, end)


def test_sizes_of_real_files_give_their_bit_rate() -> None:
    """Two files of 46 minutes and 1.06 GB are 3.06 Mbit/s."""
    found = searched(fixture("hik/DS-7804N-R2_V4.84/search_2ch_30min.xml"), 101)
    assert found.octets * 8000 // found.millis == 3_062_327


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("DS-7708N-I4_V4.1.18/storage.xml", [("hdd1", "storing", 953_869 * 2**20, 0)]),
        ("DS-7804N-R2_V4.84/storage.xml", [("hdd1", "storing", 1_907_729 * 2**20, 0)]),
    ],
)
def test_disks_of_real_devices(name: str, expected: list[tuple[str, str, int, int]]) -> None:
    """Capacities are MiB, and a full disk is a healthy one."""
    found = isapi_facts.disks(parse(fixture(f"hik/{name}")))
    assert [(disk.id, disk.state, disk.capacity, disk.free) for disk in found] == expected


def test_hdd_and_nas() -> None:
    """A disk and a remote volume in one document of three namespaces."""
    found = isapi_facts.disks(parse(fixture("hik/hikvision_next/ContentMgmt.Storage_hdd1_nas1.xml")))
    assert [disk.id for disk in found] == ["hdd1", "nas9"]
    assert {disk.state for disk in found} <= {"storing", "present", "failing", "unknown"}


def test_time_of_a_real_device() -> None:
    """A local time with its zone gives both."""

    class Device(HikvisionRecorder):
        def _time(self) -> Said:
            return Said(fixture("hik/DS-8632N-I8_V4.61/time.xml"))

    at = 1_791_057_697_000  # 2026-10-03T20:01:37Z
    session = Direct(Device({1: ((at - DAY, at),)}, lambda: at), at)
    found = asyncio.run(isapi.read(ASSET, CAMPUS, session))
    assert found.clock is not None
    assert (found.clock.offset_ms, found.clock.zulu) == (0, "local")


def test_cameras_of_a_real_recorder() -> None:
    """Channels and serial numbers; names and users are nothing that is looked at."""
    found = isapi_facts.cameras(parse(fixture("hik/DS-7804N-R2_V4.84/inputproxy_channels.xml")))
    assert [(one.channel, one.identity) for one in found] == [(1, "SN-TEST-007"), (2, "SN-TEST-006")]


def xml_of(name: str, value: object) -> str:
    """Return the XML that a captured dictionary came from."""
    if isinstance(value, list):
        return "".join(xml_of(name, each) for each in value)
    if not isinstance(value, dict):
        return f"<{name}>{value or ''}</{name}>"
    attributes = "".join(f' {key[1:]}="{each}"' for key, each in value.items() if key.startswith("@"))
    inner = value.get("#text", "") + "".join(xml_of(key, each) for key, each in value.items() if key[0] not in "@#")
    return f"<{name}{attributes}>{inner}</{name}>"


@pytest.mark.parametrize(
    ("name", "channels", "disks"),
    [
        ("DS-7608NXI-I2", 4, None),
        ("DS-7616NI-Q2", 9, None),
        ("iDS-7204HUHI-M1", 0, [("hdd1", "storing")]),
        ("DS-2CD2386G2-IU", None, None),
    ],
)
def test_captured_devices(name: str, channels: int | None, disks: list[tuple[str, str]] | None) -> None:
    """Identity, cameras and disks of four models in three namespaces; a lying `size` is not believed."""
    captured = json.loads(fixture(f"hik/hikvision_next/{name}.slice.json"))
    replies = {path: each["response"] for path, each in captured.items() if isinstance(each.get("response"), dict)}

    class Device:
        def answer(self, asked: Asked) -> Said:
            found = replies.get(asked.path.removeprefix("/ISAPI/"))
            if found is None:
                return Said(b"<ResponseStatus><subStatusCode>notSupport</subStatusCode></ResponseStatus>", 403)
            return Said("".join(xml_of(key, each) for key, each in found.items()).encode())

    found = told(isapi.read, Device())
    assert found.vendor == "Hikvision"
    assert found.model.startswith(name)
    if channels is not None:
        assert len(found.channels) == channels
    assert all(one.spans is None for one in found.channels)
    if disks is not None:
        assert found.disks is not None
        assert [(disk.id, disk.state) for disk in found.disks] == disks


# --- what cannot be understood --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (b"", 200, MalformedError),
        (b"<html>login", 200, MalformedError),
        (b"<DeviceInfo><model>x</DeviceInfo>", 200, MalformedError),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><DeviceInfo>&b;</DeviceInfo>', 200, MalformedError),
        (b"<a>" * 200, 200, MalformedError),
        (b"<html/>", 404, GapError),
        (b"<ResponseStatus><subStatusCode>lowPrivilege</subStatusCode></ResponseStatus>", 403, GapError),
        (b"<other/>", 200, GapError),
        (b"<ResponseStatus><statusCode>4</statusCode></ResponseStatus>", 200, GapError),
    ],
)
def test_a_device_that_is_none(body: bytes, status: int, error: type[Exception]) -> None:
    """A first reply that is no device information is a refusal with a reason."""
    with pytest.raises(error):
        told(isapi.read, Canned(body, status))


def test_gb2312() -> None:
    """A document that declares GB 2312 and is GB 18030 is read."""
    body = '<?xml version="1.0" encoding="gb2312"?><a><name>摄像机</name></a>'.encode("gb18030")
    assert parse(body).value("name") == "摄像机"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_damaged_replies_are_ours(data: st.DataObject) -> None:
    """However a reply is cut or spoilt, the recorder is told of, or one of our errors is raised."""
    good = recorder({1: hours((5, 0))})
    at = data.draw(st.integers(0, 12))
    cut = data.draw(st.integers(0, 400))
    spoilt = data.draw(st.sampled_from([b"", b"<", b"&", b"\xff", b"]]>", b"9" * 5000]))

    class Device:
        count = 0

        def answer(self, asked: Asked) -> Said:
            said = good.answer(asked)
            self.count += 1
            return Said(said.body[:cut] + spoilt + said.body[cut + 3 :], said.status) if self.count == at else said

    try:
        found = told(isapi.read, Device())
    except (GapError, MalformedError):
        return
    for one in found.channels:
        assert one.spans is None or not one.complete or spans(one) == list(hours((5, 0)))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["ChanStatus", "ChanStatusList", "chanNo", "online", "record"]), inner)
        ),
        max_leaves=12,
    )
)
def test_any_working_status_is_read(value: object) -> None:
    """Whatever JSON a device sends as its working status, states are yes, no or not told."""
    for state in isapi_facts.states(json_value(json.dumps(value).encode())).values():
        assert {state.online, state.recording} <= {True, False, None}


def test_a_month_of_a_site_with_one_camera_dead_for_three_days() -> None:
    """32 cameras, one of them without footage for three days: exactly that gap, and no other."""
    gone = Outage(NOW - 13 * DAY, NOW - 10 * DAY, 17)
    kept = footage(32, 31, NOW, outages=(gone,))
    asset = ASSET.model_copy(update={"search_days": 31})
    found = asyncio.run(isapi.read(asset, CAMPUS, Direct(HikvisionRecorder(kept, lambda: NOW, file_ms=6 * HOUR))))
    assert {one.id: len(one.spans or ()) for one in found.channels} == {
        str(n): 2 if n == 17 else 1 for n in range(1, 33)
    }
    first, second = spans(channel(found, "17")) or []
    assert (first[1], second[0]) == (gone.since, gone.until)


def test_names_of_searches_differ_in_every_run_and_repeat_in_a_replay() -> None:
    """A device may remember a search by its name: another run has others, the same conversation the same."""
    bodies = []
    for at in (NOW, NOW + 1000, NOW):
        session = Direct(recorder(), at)
        asyncio.run(isapi.read(ASSET, CAMPUS, session))
        bodies.append(re.findall(r"<searchID>([^<]+)", "".join(one.body for one in session.asked)))
    assert len(set(bodies[0])) == len(bodies[0])
    assert not set(bodies[0]) & set(bodies[1])
    assert bodies[0] == bodies[2]


def test_a_school_whose_zone_is_unknown() -> None:
    """Without a zone in the reply, and without a known one of the school, no time is guessed."""
    elsewhere = Campus(version="1", school=School(id="s", name="s"), timezone="Europe/Berlin", assets=(ASSET,))

    class Device(HikvisionRecorder):
        def _time(self) -> Said:
            return Said(b"<Time><localTime>2026-11-22T09:02:03</localTime></Time>")

    found = told(isapi.read, Device({1: WEEKS}, lambda: NOW), elsewhere)
    assert found.clock is not None
    assert (found.clock.offset_ms, found.clock.zulu) == (None, "unknown")
    assert channel(found, "1").spans is None


def test_what_is_kept_of_answers_is_their_digests() -> None:
    """A recorder of 64 channels gives 6 000 replies: none of their bodies is held until the end."""
    found = told(isapi.read, recorder())
    kept = [answer for one in found.channels for answer in (*one.answers, *one.settings)]
    assert len(kept) > 60
    assert {answer.response.body for answer in kept if isinstance(answer.response, HttpReply)} == {""}
    assert all(len(one.spans or ()) < 3 for one in found.channels)
