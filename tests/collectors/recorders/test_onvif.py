"""Recorders over ONVIF Profile G: searches followed to their end, continuity by history, what `Z` means."""

from __future__ import annotations

import asyncio

import pytest

from agent.collectors import markup
from agent.collectors.recorders import onvif
from agent.errors import GapError
from agent.lab.recorders.onvif import OnvifRecorder, TokenDoor
from tests.collectors.recorders.recording import (
    ASSET,
    CAMPUS,
    DAY,
    HOUR,
    NOW,
    Direct,
    channel,
    fixture,
    hours,
    spans,
    told,
)

HOLED = hours((24 * 95, 24 * 40), (24 * 38, 0))
"""Of 95 days, two are missing."""


def recorder(footage=None, **traps) -> OnvifRecorder:  # type: ignore[no-untyped-def]  # the device's fields
    """Return a device that keeps this footage."""
    return OnvifRecorder({"R1": HOLED} if footage is None else footage, lambda: NOW, **traps)


def test_continuity_by_history() -> None:
    """The hole between first and last is found, and the identity is the device's."""
    found = told(onvif.read, recorder())
    one = channel(found, "R1")
    assert spans(one) == list(HOLED)
    assert (one.complete, one.earliest, one.recording, one.expiry_days) == (True, HOLED[0][0], True, None)
    assert one.identity == "192.168.8.10"
    assert found.clock is not None
    assert (found.clock.offset_ms, found.clock.zulu) == (0, "utc")
    assert (found.vendor, found.model, found.firmware) == ("东方", "NVR-32", "2.1")
    assert (found.disks, found.overwrites, one.schedule, one.online) == (None, None, "unknown", None)
    assert found.channels_complete


@pytest.mark.parametrize(
    "traps",
    [
        {"cap": 1},
        {"idle_polls": 5},
        {"lives": 3, "cap": 1},
        {"outside": True},
        {"services": False},
        {"configured": False},
        {"local_zulu": True},
        {"encoding": "gb2312"},
        {"busy": {"R1"}},
        {"segment_ms": 6 * HOUR},
        {"drift": 30_000 - 8 * HOUR},
    ],
    ids="-".join,
)
def test_traps_change_nothing(traps: dict[str, object]) -> None:
    """Whatever a device does on the way, the same footage is found, completely, and no search stays open."""
    device = recorder({"R1": HOLED, "a&b<": hours((30, 0))}, **traps)
    found = told(onvif.read, device)
    late = 30_000 if "drift" in traps else 0
    assert spans(channel(found, "R1")) == [(a + late, b + late if b < NOW else NOW) for a, b in HOLED]
    assert channel(found, "R1").complete
    assert len(spans(channel(found, "a&b<")) or ()) == 1
    assert found.channels_complete
    assert device.left_open == 0


def test_local_time_with_z() -> None:
    """A `Z` that means local time is found out by what records now."""
    clock = told(onvif.read, recorder(local_zulu=True)).clock
    assert clock is not None
    assert clock.zulu == "local"


def test_nothing_shows_what_z_means() -> None:
    """Without a recording that goes on, no time of footage is told."""
    found = told(onvif.read, recorder({"R1": hours((900, 30))}, statuses={"R1": "Stopped"}))
    one = channel(found, "R1")
    assert (one.spans, one.earliest, one.complete, one.recording) == (None, None, False, False)
    assert found.clock is not None
    assert found.clock.zulu == "unknown"
    assert "clock-unknown" in found.notes


def test_without_history() -> None:
    """First and last alone prove no continuity: spans unknown, earliest known."""
    one = channel(told(onvif.read, recorder(events=False)), "R1")
    assert (one.spans, one.earliest, one.recording) == (None, HOLED[0][0], True)


def test_history_without_start_state() -> None:
    """A history that begins with an end leaves open what was before it: not complete."""
    footage = {"R1": hours((24 * 200, 24 * 40), (24 * 38, 0))}
    one = channel(told(onvif.read, recorder(footage, start_states=False)), "R1")
    assert spans(one) == [footage["R1"][1]]
    assert not one.complete
    whole = channel(told(onvif.read, recorder(footage)), "R1")
    assert spans(whole) == [(NOW - 100 * DAY, footage["R1"][0][1]), footage["R1"][1]]
    assert whole.complete


def test_overwritten_history() -> None:
    """History that names footage from before the earliest that is kept adds no hour."""
    one = channel(told(onvif.read, recorder({"R1": hours((80, 0))}, overwritten=30 * HOUR)), "R1")
    assert (spans(one), one.earliest) == (list(hours((50, 0))), NOW - 50 * HOUR)


def test_a_search_without_end() -> None:
    """A search that never completes is given up, told as incomplete, and ended on the device."""
    device = recorder(endless=True)
    assert not channel(told(onvif.read, device), "R1").complete
    assert device.left_open == 0


def test_counts_that_differ() -> None:
    """A recorder whose summary counts more recordings than it lists is not completely known."""
    found = told(onvif.read, recorder(summary_lie=6))
    assert not found.channels_complete
    assert "number-of-recordings-differs" in found.notes


def test_empty_recording() -> None:
    """A recording without data has a known, empty history."""
    one = channel(told(onvif.read, recorder({"R1": (), "R2": hours((30, 0))})), "R1")
    assert (spans(one), one.earliest, one.complete) == ([], None, True)


def test_a_status_that_cannot_be() -> None:
    """A device that says it records, with nothing newer than a day, does not."""
    found = told(onvif.read, recorder({"R1": hours((300, 30)), "R2": hours((30, 0))}))
    assert channel(found, "R1").recording is False
    assert channel(found, "R2").recording is True


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("PT0S", 0),
        ("P30D", 30),
        ("PT720H", 30),
        ("P1M", 30),
        ("P1Y", 365),
        ("PT12H", 1),
        ("P29DT23H59M59S", 29),
        ("PT2592000.5S", 30),
        ("-P30D", None),
        ("P", None),
        ("P30DT", None),
        ("thirty", None),
        ("", None),
    ],
)
def test_retention(text: str, days: int | None) -> None:
    """Durations become whole days; 0 is no limit, and what is no duration is unknown."""
    assert onvif.retention_days(text) == days


def test_expiry() -> None:
    """The configured limit is the channel's expiry."""
    assert channel(told(onvif.read, recorder(retention="P30D")), "R1").expiry_days == 30


def test_no_profile_g() -> None:
    """A camera without recording search is unsupported, and says what to do."""
    with pytest.raises(GapError) as raised:
        told(onvif.read, recorder(profile_g=False))
    assert raised.value.reason == "unsupported"
    assert raised.value.source


def test_a_refused_token_is_the_end() -> None:
    """A device that refuses digest and token is asked once with each, and no more."""
    device = recorder(tokens=TokenDoor())
    session = Direct(device)
    with pytest.raises(GapError) as raised:
        asyncio.run(onvif.read(ASSET, CAMPUS, session))
    assert raised.value.reason == "refused"
    assert [request.login for request in session.asked] == [None, None, "token"]


def test_tokens_carry_the_devices_time() -> None:
    """The token's time is moved by how far the device's clock is ahead."""
    session = Direct(recorder(tokens=TokenDoor(), drift=-3 * HOUR))
    with pytest.raises(GapError):
        asyncio.run(onvif.read(ASSET, CAMPUS, session))
    assert session.asked[-1].ahead_ms == -3 * HOUR


def test_a_silence_in_the_middle() -> None:
    """What a gap cuts off is told as not searched; what was found before stays."""

    class Silent(Direct):
        async def ask(self, request):  # type: ignore[no-untyped-def]  # as Direct
            if "FindEvents" in request.body and ">R2<" in request.body:
                raise GapError("unreachable", "no answer")
            return await super().ask(request)

    session = Silent(recorder({"R1": HOLED, "R2": HOLED}))
    found = asyncio.run(onvif.read(ASSET, CAMPUS, session))
    assert spans(channel(found, "R1")) == list(HOLED)
    assert (channel(found, "R2").spans, channel(found, "R2").complete) == (None, False)


@pytest.mark.parametrize(
    ("name", "element", "value"),
    [
        ("FindRecordingsResponse.xml", "SearchToken", "RecordingSearchToken_1"),
        ("GetRecordingSummaryResponse.xml", "NumberRecordings", "1"),
    ],
)
def test_real_replies(name: str, element: str, value: str) -> None:
    """Replies of a real recorder are understood."""
    assert markup.parse(fixture(f"onvif/{name}")).value(element) == value
