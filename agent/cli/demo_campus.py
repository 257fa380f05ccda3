"""Starts and ends what the demo polls and sends to: two snmpd, a broker, the backend, the lab's devices."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from agent.clock import time_text
from agent.errors import UsageError
from agent.lab.campus import Ports, campus_yaml
from agent.lab.iot import Sensors
from agent.lab.mosquitto import mosquitto
from agent.lab.recorders.hikvision import HikvisionRecorder
from agent.lab.recorders.server import Door, serve
from agent.lab.recorders.spans import DAY, Outage, footage
from agent.lab.snmp import Device, lab_thread
from agent.lab.snmp.synthetic import switch
from agent.lab.snmpd import AUTH_PASSWORD, COMMUNITY, PRIV_PASSWORD, V3User, running_snmpd
from agent.lab.stores import Elasticsearch, Records, serving, steady

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["DemoCampus", "demo_campus"]

SECONDS = 120.0
"""Upper bound of the sensors' publishing."""
USER = V3User("campus-demo", "SHA-256", "AES")
TOKEN = "lab-token-of-the-log-store"  # noqa: S105 - the lab's own
KEPT_DAYS = 95
"""How long the lab's recorder keeps footage."""
LOGGED_DAYS = 200


@dataclass(frozen=True, slots=True)
class DemoCampus:
    """Where everything of the running demo is."""

    directory: Path
    state: Path
    file: Path
    trust: Path
    backend_url: str
    token: str


@contextmanager
def demo_campus(directory: Path) -> Iterator[DemoCampus]:
    """Start the campus in the directory and end it with the block.

    Raises:
        UsageError: a daemon is not installed or did not start.
    """
    state, trust = directory / "state", directory / "trust"
    for path in (state, state / "secrets", trust):
        path.mkdir(mode=0o700)
    with ExitStack() as stack:
        egress = stack.enter_context(running_snmpd(extra=_speed(1000)))
        access = stack.enter_context(running_snmpd(users=(USER,), extra=_speed(100)))
        hall = stack.enter_context(lab_thread([Device("hall-sw", switch(24), community=COMMUNITY.encode())]))
        broker = stack.enter_context(mosquitto())
        sensors = Sensors(broker.port, SECONDS)
        stack.callback(sensors.stop)
        url = stack.enter_context(_backend(directory / "backend"))
        recorder = stack.enter_context(serve(_recorder(), Door()))
        logs = stack.enter_context(serving(Elasticsearch(_logs()), authorization=f"Bearer {TOKEN}"))
        ports = Ports(
            egress=egress.port,
            access=access.port,
            hall=hall["hall-sw"].address[1],
            broker=broker.port,
            recorder=recorder.port,
            log_store=logs.port,
            backend=urlsplit(url).port or 0,
            silent=_silent_port(),
        )
        file = directory / "campus.yaml"
        file.write_text(campus_yaml(ports, time_text(datetime.now(UTC))), encoding="utf-8")
        _secret(state / "secrets" / "lab-ro", f"{{version: 2c, community: {COMMUNITY}}}\n")
        _secret(
            state / "secrets" / "lab-v3",
            f'{{version: "3", user: {USER.name}, auth: {USER.auth}, auth_key: "{AUTH_PASSWORD}", '
            f'priv: {USER.priv}, priv_key: "{PRIV_PASSWORD}"}}\n',
        )
        door = recorder.door
        _secret(state / "secrets" / "lab-recorder", f"{{username: {door.username}, password: {door.password}}}\n")
        _secret(state / "secrets" / "lab-logs", f"{{token: {TOKEN}}}\n")
        token = _command("backend", "token", "demo-school", "--directory", str(directory / "backend")).strip()
        _command("backend", "trust", "--directory", str(directory / "backend"), "--output", str(trust))
        yield DemoCampus(directory, state, file, trust, url, token)


def _recorder() -> HikvisionRecorder:
    """Return three cameras, all of which the recorder keeps for KEPT_DAYS; the third was dead for three days."""
    now = _now_ms()
    dead = Outage(now - 20 * DAY, now - 17 * DAY, channel=3)
    return HikvisionRecorder(footage(3, KEPT_DAYS, now, outages=(dead,)), _now_ms)


def _logs() -> Records:
    """Return a gateway that logs every day, and a portal whose log begins only five months ago."""
    today = datetime.now(UTC).date()
    gateway = steady(["egress-gw"], today - timedelta(days=LOGGED_DAYS), today, 1200)
    return Records(gateway | steady(["portal"], today - timedelta(days=150), today, 900))


def _now_ms() -> int:
    return int(datetime.now(UTC).timestamp() * 1000)


def _speed(mbits: int) -> str:
    """Return snmpd.conf lines that give the loopback interface a speed; it is ifIndex 1 in every Linux namespace."""
    return (
        f"override 1.3.6.1.2.1.31.1.1.1.15.1 uinteger {mbits}\n"
        f"override 1.3.6.1.2.1.2.2.1.5.1 uinteger {mbits * 1_000_000}"
    )


@contextmanager
def _backend(directory: Path) -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "agent", "backend", "serve", "--directory", str(directory), "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None  # asked for above
        url = process.stdout.readline().strip()
        if not url:
            raise UsageError("the backend did not start", todo="See the lines before this one for the reason")
        yield url
    finally:
        process.terminate()
        process.wait(20)
        if process.stdout is not None:
            process.stdout.close()


def _command(*arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "agent", *arguments], check=True, capture_output=True, text=True
    ).stdout


def _secret(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


def _silent_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
