"""The service as systemd runs it: a process of its own, signals, notifications, and a backend that comes late."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from agent.journal.slots import SlotState
from agent.model.evidence import EntryKind
from agent.runtime.schedule import EPOCH
from tests.runtime.world import (
    SCHOOL,
    School,
    agent,
    backend,
    child,
    free_tcp_port,
    free_udp_port,
    school,
    token,
    until,
)

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path


@dataclass
class Manager:
    """The socket that a service manager listens to."""

    path: Path
    sock: socket.socket = field(init=False)
    heard: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(str(self.path))
        self.sock.setblocking(False)

    def hear(self) -> list[str]:
        """Return all that was said so far."""
        while True:
            try:
                self.heard += self.sock.recv(4096).decode().splitlines()
            except BlockingIOError:
                return self.heard

    def wait(self, word: str, times: int = 1, seconds: float = 20) -> bool:
        """Wait until the word was said that often."""
        return until(lambda: self.hear().count(word) >= times, seconds)


@contextmanager
def service(place: School, url: str | None = None) -> Iterator[tuple[subprocess.Popen[bytes], Manager]]:
    """Run the service under a manager that watches it every six seconds."""
    manager = Manager(place.directory / f"n{time.monotonic_ns()}")
    arguments = [
        "run",
        "--campus",
        str(place.campus),
        "--state",
        str(place.state),
        *(["--backend", url] if url else []),
    ]
    try:
        with child(arguments, place.directory / "log", NOTIFY_SOCKET=str(manager.path), WATCHDOG_USEC="15000000") as it:
            assert manager.wait("READY=1"), (place.directory / "log").read_text(encoding="utf-8")
            yield it, manager
    finally:
        manager.sock.close()


def stopped(process: subprocess.Popen[bytes], number: signal.Signals = signal.SIGTERM) -> int:
    """Tell the process to stop and return its exit code."""
    process.send_signal(number)
    return process.wait(15)


def logged(place: School) -> str:
    """Return what the service wrote to its log."""
    return (place.directory / "log").read_text(encoding="utf-8")


def test_the_service_polls_reloads_and_stops_as_its_manager_expects(tmp_path: Path, device: int) -> None:
    """READY, WATCHDOG, RELOADING and STOPPING are said in time; a wrong new campus file leaves the old one in use."""
    place = school(tmp_path, {"one": device, "dead": free_udp_port()}, every=1, deadline=2)
    with service(place) as (process, manager):
        assert until(lambda: place.kinds()["run"] >= 2)
        good = place.campus.read_text(encoding="utf-8")
        place.campus.write_text(good + "nonsense: 1\n", encoding="utf-8")
        process.send_signal(signal.SIGHUP)
        assert manager.wait("READY=1", 2)
        assert any(line.startswith("RELOADING=1") for line in manager.heard)
        runs = place.kinds()["run"]
        assert until(lambda: place.kinds()["run"] > runs), "the old campus file is not in use any more"
        place.campus.write_text(
            good.replace("id: one,", "id: renamed,").replace("asset: one", "asset: renamed"), "utf-8"
        )
        process.send_signal(signal.SIGHUP)
        assert manager.wait("READY=1", 3)
        assert until(lambda: any(t.id == "renamed" for one in place.statements() for t in one.predicate.targets))
        assert manager.wait("WATCHDOG=1", 1, 15)
        assert stopped(process) == 0
        assert manager.wait("STOPPING=1", 1, 1)
    assert "STATUS=polling 2 devices" in manager.heard
    plans = [
        line for line in logged(place).splitlines() if line.startswith("campus-agent: INFO: measuring 2 devices: ")
    ]
    assert len(plans) == 2, "one at the start, one for the good campus file"
    assert all("interfaces every 1 s" in plan for plan in plans)
    assert "campus-agent: INFO: the campus file was read again" in logged(place)
    assert "campus.yaml" in logged(place)
    assert "nonsense" in logged(place)
    assert "Traceback" not in logged(place)
    reasons = Counter(one.predicate.reason for one in place.statements() if one.predicate.kind is EntryKind.CONFIG)
    assert reasons == {"the campus file was read again": 1}
    place.check_chain()
    with place.journal() as journal:
        states = Counter(slot.state for slot in journal.slots.since(EPOCH))
    assert states[SlotState.STARTED] == states[SlotState.EXPECTED] == 0
    assert states[SlotState.DONE] >= 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_in_the_middle_of_a_run_is_prompt_and_on_record(
    tmp_path: Path, device: int, number: signal.Signals
) -> None:
    """With a silent device still waited for, the service ends at once; the run is aborted with what it had."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        ports = {"one": device, "silent": silent.getsockname()[1]}
        place = school(tmp_path, ports, every=2, deadline=30)
        with service(place) as (process, _):
            assert until(lambda: place.kinds()["run-start"] > place.kinds()["run"])
            time.sleep(0.3)
            begun = time.monotonic()
            assert stopped(process, number) == 0
            assert time.monotonic() - begun < 20, "not at the end of the 30 s that the silent device has"
    place.check_chain()
    aborted = [one.predicate for one in place.statements() if one.predicate.kind is EntryKind.RUN_ABORT]
    assert {one.reason for one in aborted} == {"the agent was told to stop"}
    assert "Traceback" not in logged(place)
    with place.journal() as journal:
        slots = [(slot.state, slot.reason) for slot in journal.slots.since(EPOCH)]
    assert (SlotState.FAILED, "the agent was told to stop") in slots
    assert SlotState.STARTED not in [state for state, _ in slots]


def interface_slots(place: School) -> list[datetime]:
    """Return when interfaces were due."""
    with place.journal() as journal:
        return [slot.due for slot in journal.slots.since(EPOCH, job="interfaces")]


def test_a_service_that_was_killed_goes_on_and_says_what_was_missed(tmp_path: Path, device: int) -> None:
    """After kill -9 and a pause, the next start ends the open run and states the slots that passed."""
    place = school(tmp_path, {"one": device}, every=1)
    with service(place) as (process, _):
        assert until(lambda: len(interface_slots(place)) >= 2)
        process.kill()
        process.wait(10)
    time.sleep(2.5)
    with service(place) as (process, _):
        slots = len(interface_slots(place))
        assert until(lambda: len(interface_slots(place)) > slots)
        assert stopped(process) == 0
    missed = [one.predicate for one in place.statements() if one.predicate.kind is EntryKind.GAP]
    assert sum(one.missed or 0 for one in missed) >= 2
    assert missed[0].reason == "the agent was not running"
    place.check_chain()
    dues = interface_slots(place)
    assert all((after - before).total_seconds() == 1 for before, after in pairwise(dues))


def enrolled(place: School, url: str, secret: str) -> None:
    """Enrol the school's agent as a person does."""
    file = place.directory / "token"
    file.write_text(secret + "\n", encoding="utf-8")
    done = agent("enrol", "--backend", url, "--token-file", file, "--campus", place.campus, "--state", place.state)
    assert done.code == 0, done.err
    assert f"enrolled {SCHOOL} with key" in done.out


def test_a_backend_that_was_away_gets_everything_in_the_end(tmp_path: Path, device: int) -> None:
    """Enrolled, then measuring while the backend is down: when it is back every entry gets its receipt."""
    place, port = school(tmp_path, {"one": device}, every=1), free_tcp_port()
    with backend(tmp_path, port) as url:
        enrolled(place, url, token(tmp_path))
        assert place.waiting() == 0
    with service(place, url) as (process, _):
        assert until(lambda: place.kinds()["run"] >= 3), "a backend that is down must not stop the measuring"
        assert place.waiting() >= 6
        with backend(tmp_path, port):
            answered = until(lambda: any(one.predicate.challenge for one in place.statements()), 30)
            assert answered, "with the backend back, runs answer its challenges again"
            place.write_campus({"one": device}, every=3600)
            process.send_signal(signal.SIGHUP)  # an operator's word ends the back-off
            assert until(lambda: place.waiting() == 0, 60), logged(place)
            assert stopped(process) == 0
            done = agent("upload", "--campus", place.campus, "--state", place.state, "--backend", url)
            assert done.code == 0, done.err
            assert done.out.endswith("0 entries waiting\n")
            checked = agent("backend", "check", "--directory", tmp_path / "backend")
            assert checked.code == 0, checked.out
    place.check_chain()
    with place.journal() as journal:
        assert all(journal.receipt(entry.sha256) for entry in journal.entries())
    assert logged(place).count("cannot be reached") < 4, "one line per cause, not one per try or run"
    assert "Traceback" not in logged(place)


def test_a_second_service_on_one_state_is_refused(tmp_path: Path, device: int) -> None:
    """Two writers of one chain would fork it: the second says who holds it and ends."""
    place = school(tmp_path, {"one": device}, every=3600)
    with service(place) as (process, _):
        done = agent("run", "--once", "--campus", place.campus, "--state", place.state)
        assert done.code == 2
        assert str(os.getpid()) not in done.err
        assert "journal" in done.err
        assert agent("status", "--state", place.state).code == 0, "looking is possible meanwhile"
        assert stopped(process) == 0
