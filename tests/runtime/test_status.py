"""`status`: what it says of the devices does not depend on which slot ran last; it says whether the service runs."""

from __future__ import annotations

import asyncio
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from agent.model.evidence import EntryKind
from agent.runtime.service import Service
from agent.runtime.status import Status, as_json, status_of
from agent.runtime.wiring import open_agent
from tests.runtime.world import School, SetClock, free_udp_port, school

if TYPE_CHECKING:
    from pathlib import Path

    from agent.runtime.device_state import Ailing

EVERY = 60
START = datetime.now(UTC).replace(second=10, microsecond=0) - timedelta(hours=3)
"""In the last day, whose slots the status counts."""
UNREACHABLE = "nothing listens at this port"


def lived(place: School, slots: list[tuple[int, str]]) -> list[Status]:
    """Let a service do these slots, each so many seconds after the one before; return the status after each."""
    clock = SetClock(START)
    told: list[Status] = []

    async def live() -> None:
        for seconds, collector in slots:
            clock.wall += timedelta(seconds=seconds)
            await service._slot(collector, EVERY)
            told.append(status_of(place.state))

    with closing(open_agent(place.campus, place.state, clock=clock)) as agent:
        service = Service(agent, lambda: None)
        asyncio.run(live())
    return told


def by_asset(status: Status) -> dict[str, Ailing]:
    """Return what fails by asset; each asset once."""
    assert len({one.asset for one in status.ailing}) == len(status.ailing)
    return {one.asset: one for one in status.ailing}


def test_dead_devices_stay_dead_whatever_slot_ran_last(tmp_path: Path, device: int) -> None:
    """One device has the watched link, two are dead: every status names both, with the reason, also while they rest."""
    place = school(tmp_path, {"dead-gw": free_udp_port(), "dead-ups": free_udp_port(), "well": device}, deadline=5)
    slots = [(0, "interfaces"), (1, "links")] + [(59, "interfaces"), (1, "links")] * 3
    for told in lived(place, slots):
        found = by_asset(told)
        assert set(found) == {"dead-gw", "dead-ups"}
        for one in found.values():
            assert (one.result, one.collectors) == ("unreachable", ())
            assert UNREACHABLE in one.why
    for one in found.values():
        assert one.resting
        assert one.next_try is not None
        assert one.next_try > one.at


def test_a_device_that_answers_again_is_well_again(tmp_path: Path, device: int) -> None:
    """After it was mended, the next answer ends the complaint; another question that failed is named with its own."""
    place = school(tmp_path, {"gw": free_udp_port()}, deadline=5)
    first = lived(place, [(0, "interfaces")])[-1]
    assert set(by_asset(first)) == {"gw"}
    place.write_campus({"gw": device}, deadline=5)
    mended = lived(place, [(EVERY, "interfaces"), (0, "links")])[-1]
    assert mended.ailing == ()
    assert mended.not_ok_in_last_run == ()


def test_a_slot_that_is_skipped_since_all_rest_is_no_recovery(tmp_path: Path) -> None:
    """With one device and that one dead, no run takes place while it rests: the status still tells why."""
    place = school(tmp_path, {"gw": free_udp_port()}, deadline=5)
    told = lived(place, [(EVERY, "interfaces")] * 4)[-1]
    assert told.slots == {"done": 3, "skipped": 1}
    one = by_asset(told)["gw"]
    assert (one.result, one.resting) == ("unreachable", True)
    assert UNREACHABLE in one.why


def test_a_device_rests_from_all_questions(tmp_path: Path) -> None:
    """Two seldom questions failed and the frequent one was never asked since: the device is told to rest."""
    place = school(tmp_path, {"gw": free_udp_port()}, deadline=5)
    told = lived(place, [(0, "identity"), (0, "ipv6"), (0, "links")])[-1]
    assert told.slots == {"done": 2, "skipped": 1}
    assert by_asset(told)["gw"].resting


def test_a_device_that_was_taken_off_the_campus_file_is_not_told(tmp_path: Path, device: int) -> None:
    """What is no longer part of the campus cannot fail."""
    place = school(tmp_path, {"well": device, "gone": free_udp_port()}, deadline=5)
    assert set(by_asset(lived(place, [(0, "interfaces"), (0, "links")])[-1])) == {"gone"}
    place.write_campus({"well": device}, deadline=5)
    assert lived(place, [(EVERY, "links")])[-1].ailing == ()


def test_the_status_says_whether_a_process_writes(tmp_path: Path, device: int) -> None:
    """Running while the journal is held, not running after; looking takes nothing from who wants to write."""
    place = school(tmp_path, {"well": device}, deadline=5)
    assert lived(place, [(0, "interfaces")])[-1].running
    after = status_of(place.state)
    assert not after.running
    assert as_json(after)["running"] is False
    open_agent(place.campus, place.state).close()


def test_the_way_back_through_a_long_chain_is_found(tmp_path: Path, device: int) -> None:
    """A failure that only an hourly question meets is still told after hundreds of entries of other things."""
    place = school(tmp_path, {"well": device, "dead": free_udp_port()}, deadline=5)
    clock = SetClock(START)

    async def live() -> None:
        await service._slot("interfaces", 3600)
        for _ in range(3):
            clock.wall += timedelta(seconds=EVERY)
            await service._slot("links", EVERY)

    with closing(open_agent(place.campus, place.state, clock=clock)) as agent:
        service = Service(agent, lambda: None)
        asyncio.run(live())
        for _ in range(220):
            agent.state(EntryKind.HEARTBEAT, agent.plan_files, time=agent.times(clock.now()))
    assert set(by_asset(status_of(place.state))) == {"dead"}
