"""sd_notify against real datagram sockets and against systemd's own systemd-notify."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.runtime import notify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(params=["path", "abstract"])
def manager(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[socket.socket, str]]:
    """A socket as systemd opens it, and NOTIFY_SOCKET as systemd spells it."""
    address = str(tmp_path / "notify") if request.param == "path" else f"@campus-agent-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(address.replace("@", "\0", 1))
        receiver.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        yield receiver, address


def test_every_message_arrives_as_one_datagram(manager: tuple[socket.socket, str]) -> None:
    """READY, STATUS, WATCHDOG and STOPPING reach the socket in the protocol's spelling."""
    said = [notify.ready("polling 12 assets"), notify.status("轮询"), notify.watchdog(), notify.stopping()]
    assert said == [True] * 4
    assert [manager[0].recv(4096).decode() for _ in said] == [
        "READY=1\nSTATUS=polling 12 assets",
        "STATUS=轮询",
        "WATCHDOG=1",
        "STOPPING=1",
    ]


def test_reloading_carries_the_monotonic_time(manager: tuple[socket.socket, str]) -> None:
    """MONOTONIC_USEC lies between the moments before and after, on CLOCK_MONOTONIC."""
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    assert notify.reloading()
    first, second = manager[0].recv(4096).decode().split("\n")
    assert first == "RELOADING=1"
    name, value = second.split("=")
    assert name == "MONOTONIC_USEC"
    assert before <= int(value) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


@pytest.mark.skipif(shutil.which("systemd-notify") is None, reason="systemd-notify is not installed")
def test_it_says_what_systemd_notify_says(manager: tuple[socket.socket, str]) -> None:
    """The same state given to systemd's own tool arrives as the same assignments."""
    receiver, address = manager
    subprocess.run(
        ["systemd-notify", "--no-block", "--ready", "--status=polling 12 assets"],
        check=True,
        timeout=10,
        env={"NOTIFY_SOCKET": address, "PATH": os.environ["PATH"]},
    )
    theirs = receiver.recv(4096).decode().split("\n")
    notify.ready("polling 12 assets")
    ours = receiver.recv(4096).decode().split("\n")
    assert sorted(ours) == sorted(line for line in theirs if line and not line.startswith("MAINPID="))


@given(st.text())
def test_a_status_is_never_more_than_one_assignment(text: str) -> None:
    """No text can smuggle a second assignment such as STOPPING=1 into the message."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver, pytest.MonkeyPatch.context() as patch:
        receiver.bind("")  # an abstract address of the kernel's choice
        receiver.settimeout(5)
        patch.setenv("NOTIFY_SOCKET", "@" + receiver.getsockname()[1:].decode())
        assert notify.status(f"{text}\nSTOPPING=1")
        assert len(receiver.recv(4096).decode().split("\n")) == 1


@pytest.mark.parametrize("value", [None, "", "@", "/", "vsock:2:1", "relative", "/nonexistent/notify", "/" + "x" * 200])
def test_without_a_manager_nothing_happens(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """No socket, or one that nobody serves: the service goes on, and is told that nobody listens."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    if value is not None:
        monkeypatch.setenv("NOTIFY_SOCKET", value)
    assert not notify.ready("up")
    assert not notify.watchdog()


def test_a_manager_that_does_not_read_never_blocks_the_service(manager: tuple[socket.socket, str]) -> None:
    """When the manager's queue is full, a call returns at once and says so."""
    began = time.monotonic()
    assert not all(notify.watchdog() for _ in range(5000))
    assert time.monotonic() - began < 60, "5 000 calls that wait would take longer"


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "60000000"}, 60.0),
        ({"WATCHDOG_USEC": "1500000", "WATCHDOG_PID": str(os.getpid())}, 1.5),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid() + 1)}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "-1"}, None),
        ({"WATCHDOG_USEC": "6e7"}, None),
        ({"WATCHDOG_USEC": "٣"}, None),
        ({"WATCHDOG_USEC": ""}, None),
    ],
)
def test_the_watchdog_time_is_the_managers(
    environment: dict[str, str], seconds: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WATCHDOG_USEC counts for the process that WATCHDOG_PID means, and only where it is a number above zero."""
    for name in ("WATCHDOG_USEC", "WATCHDOG_PID"):
        monkeypatch.delenv(name, raising=False)
        if name in environment:
            monkeypatch.setenv(name, environment[name])
    assert notify.watchdog_interval() == seconds
