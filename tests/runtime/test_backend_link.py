"""The link to the backend: what is wrong with it is logged once, in the reader's language, and so is its end."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, cast

from agent.clock import SystemClock
from agent.errors import UplinkError
from agent.evidence import keys
from agent.language import translator
from agent.model.evidence import EntryKind
from agent.runtime.backend_link import BackendLink, Faults, load_pins
from agent.runtime.start import opened
from tests.peers.backend import HandClock, serving
from tests.runtime.test_enrolment import enrol
from tests.runtime.world import SCHOOL, School, free_tcp_port, school

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from agent.journal.store import Journal

AWAY = "the backend cannot be reached: {why}"


def away(path: str, why: str) -> UplinkError:
    """Return the error of a backend that is away, as one request met it."""
    return UplinkError(AWAY, where=f"https://b.example{path}", todo="", why=why)


def test_one_cause_is_one_line_until_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever meets it, however often: one line; another cause is another; what comes back is told again."""
    caplog.set_level(logging.INFO, "agent")
    faults = Faults(str)
    for _ in range(5):
        faults.met("challenge", away("/v1/challenges", "refused"))
        faults.met("entries", away("/v1/have", "timed out"))
    assert len(caplog.messages) == 1
    faults.met("entries", UplinkError("the backend gave no receipt"))
    assert caplog.messages[1:] == ["the backend gave no receipt"]
    faults.over("challenge")
    faults.met("entries", away("/v1/have", "timed out"))
    assert len(caplog.messages) == 2, "entries still meet it"
    faults.over("entries")
    faults.over("entries")
    assert caplog.messages[2:] == ["the backend answers again"]
    faults.met("challenge", away("/v1/challenges", "refused"))
    assert len(caplog.messages) == 4


def _enrolled(tmp_path: Path) -> School:
    """Return a school that was enrolled at a backend which is gone now."""
    place = school(tmp_path, {"one": 1})
    with serving(tmp_path / "backend", cast("HandClock", SystemClock())) as served:
        enrol(place, served.url, served.backend.store.create_token(SCHOOL))
    return place


def test_a_look_that_finds_nothing_due_ends_no_fault(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Runs ask for challenges and wake the uplink while the backend is away: one line in all, in Chinese if asked."""
    place = _enrolled(tmp_path)
    signer = keys.load(place.state / "keys" / "agent.pem")

    async def live(journal: Journal) -> None:
        url = f"http://127.0.0.1:{free_tcp_port()}"
        link = BackendLink(url, load_pins(place.trust), signer.keyid, SystemClock(), translator("zh_CN"))
        for again in (False, False, True):
            assert await link.challenge() is None
            if again:
                link.resume(journal)  # else nothing is due
            await link.flush(journal)
        await link.close()

    with opened(place.campus, place.state) as agent:
        agent.state(EntryKind.HEARTBEAT, agent.plan_files, time=agent.times(agent.clock.now()))
        asyncio.run(live(agent.journal))
    (told,) = caplog.messages
    assert "后端" in told
