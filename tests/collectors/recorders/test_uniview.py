"""Uniview recorders over LAPI: what is told, what is not, and that the difference is kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.collectors.recorders import uniview
from agent.errors import AgentError, GapError
from agent.lab.recorders.server import Said
from agent.lab.recorders.uniview import UniviewRecorder
from tests.collectors.recorders.recording import HOUR, NOW, channel, hours, spans, told

HOLED = hours((24 * 30, 24 * 12), (24 * 10, 0))


def recorder(footage=None, **traps) -> UniviewRecorder:  # type: ignore[no-untyped-def]  # the device's fields
    """Return a device that keeps this footage."""
    return UniviewRecorder({1: HOLED} if footage is None else footage, lambda: NOW, **traps)


def test_days_and_spans() -> None:
    """Days come from the calendar and spans from the list, and both show the hole."""
    found = told(uniview.read, recorder())
    one = channel(found, "1")
    assert spans(one) == list(HOLED)
    assert one.days is not None
    assert (one.days[0], one.days[-1]) == ("2026-10-23", "2026-11-22")
    assert {"2026-11-11"} == {f"2026-11-{day:02d}" for day in range(1, 23)} - set(one.days)
    assert (one.complete, one.online, one.recording, one.identity) == (True, True, True, "CAM0001")
    assert found.clock is not None
    assert (found.clock.offset_ms, found.clock.zulu) == (0, "utc")
    assert found.notes == ("experimental",)
    assert (found.overwrites, one.schedule, one.expiry_days) == (None, "unknown", None), "no known reply tells them"


@pytest.mark.parametrize("traps", [{"cap": 7}, {"single": True}, {"basic_info": True}], ids="-".join)
def test_traps_change_nothing(traps: dict[str, object]) -> None:
    """Small pages with wrong totals, objects instead of lists and older paths lead to the same footage."""
    one = channel(told(uniview.read, recorder(**traps)), "1")
    assert spans(one) == list(HOLED)
    assert one.complete


def test_calendar_alone() -> None:
    """Without the list, days are told and spans are unknown; the list is not asked for again."""
    found = told(uniview.read, recorder({1: HOLED, 2: ()}, records=False))
    assert [(one.spans, one.complete) for one in found.channels] == [(None, True), (None, True)]
    assert channel(found, "1").days
    assert channel(found, "2").days == ()
    assert channel(found, "2").identity == "192.168.8.11"


def test_a_device_that_does_not_advance() -> None:
    """A list whose every page is the first is incomplete."""
    assert not channel(told(uniview.read, recorder(stuck=True)), "1").complete


def test_web_login() -> None:
    """Firmware that wants its own login is unsupported, and ONVIF is named."""
    with pytest.raises(GapError) as raised:
        told(uniview.read, recorder(web_login=True))
    assert raised.value.reason == "unsupported"
    assert "ONVIF" in str(raised.value)


def test_disks() -> None:
    """Every state of a disk has a meaning, and a bay without a disk is none."""
    states = tuple((state, 1000, 10) for state in (0, 1, 3, 4, 5, 6, 42))
    disks = told(uniview.read, recorder(disks=states)).disks
    assert disks is not None
    assert [disk.state for disk in disks] == ["present", "storing", "present", "failing", "unknown", "unknown"]
    assert (disks[1].capacity, disks[1].free) == (10**9, 10**7)


def test_clock() -> None:
    """The clock's offset is the device's."""
    clock = told(uniview.read, recorder(drift=-2 * HOUR)).clock
    assert clock is not None
    assert clock.offset_ms == -2 * HOUR


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["ID", "Status", "DetailInfos", "LocalHDDList", "TotalCapacity", "AddressInfo", "DeviceTime", "RecordInfos",
             "Begin", "DailyStatus", "SerialNumber"]
        ),
        inner,
        max_size=5,
    ),
    max_leaves=12,
)  # fmt: skip


@given(ODD)
def test_any_data(data: object) -> None:
    """Whatever types the data have, the recorder is read or refused with one of our errors."""

    class Odd(UniviewRecorder):
        def _plain(self, path: str) -> dict[str, object] | None:
            return {"Data": data, **(data if isinstance(data, dict) else {})}

        def _page(self, stretches, asked) -> Said:  # type: ignore[no-untyped-def]  # as the device
            return self._data(self._plain("") or {})

        _days = _page

    try:
        told(uniview.read, Odd({1: HOLED}, lambda: NOW))
    except AgentError:
        return


@pytest.mark.parametrize("body", [b"", b"[" * 100_000, b"\xff\xfe", b'{"Response": 1}', b"<html>", b"1e999"])
def test_no_json(body: bytes) -> None:
    """What is no JSON of LAPI is one of our errors."""

    class Odd(UniviewRecorder):
        def answer(self, asked) -> Said:  # type: ignore[no-untyped-def]  # as the device
            return Said(body)

    with pytest.raises(AgentError):
        told(uniview.read, Odd({1: HOLED}, lambda: NOW))
