"""Notifications through the whole program: between runs, at its end, in one run, and without the port."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import TYPE_CHECKING

from agent.model.evidence import EntryKind
from agent.transports.snmp import Community
from tests.peers.trapper import Sender
from tests.runtime.test_service import logged, service, stopped
from tests.runtime.world import COMMUNITY, School, agent, child, free_udp_port, school, until

if TYPE_CHECKING:
    from pathlib import Path

COLD, LINK_DOWN = "1.3.6.1.6.3.1.1.5.1", "1.3.6.1.6.3.1.1.5.3"


def receiving(directory: Path, device: int, port: int, *, every: int, deadline: int = 8) -> School:
    """A school whose switch is polled seldom, and whose agent receives notifications on the port."""
    more = f"  - {{collector: notifications, every_seconds: {every}, deadline_seconds: {deadline}}}\n"
    place = school(directory, {"one": device}, every=86_400, more=more)
    text = place.campus.read_text(encoding="utf-8")
    asset = f"  - {{id: traps, family: snmp-notifications, address: 127.0.0.1, port: {port}}}\n"
    place.campus.write_text(text.replace("links:\n", asset + "links:\n"), encoding="utf-8")
    return place


def told(place: School) -> list[tuple[str, str, str]]:
    """Return what the journal's readings say that devices told."""
    with place.journal() as journal:
        lines = [
            json.loads(line)
            for entry in journal.entries(kind=EntryKind.RUN)
            for name, digest in _files(entry.payload)
            if name == "readings.jsonl"
            for line in journal.get_blob(digest).splitlines()
        ]
    kinds = ("device.notification", "device.restart", "link.restart", "interface.event")
    return [(one["metric"], one["subject"], one["value"]) for one in lines if one["metric"] in kinds]


def _files(payload: bytes) -> list[tuple[str, str]]:
    return [(one["name"], one["digest"]["sha256"]) for one in json.loads(payload)["subject"]]


def trap(port: int, *notification: str) -> None:
    """Send a trap as the switch would."""
    sender = Sender(port, Community("2c", COMMUNITY.encode()))
    assert asyncio.run(sender.trap(notification)) == 0


def inform(port: int, *notification: str) -> None:
    """Send an inform as the switch would; it must be acknowledged."""
    sender = Sender(port, Community("2c", COMMUNITY.encode()))
    assert asyncio.run(sender.inform(notification)) == 0


RESTART = [
    ("device.notification", "asset:one", COLD),
    ("device.restart", "asset:one", "cold"),
    ("link.restart", "egress:telecom", "cold"),
]
PORT_DOWN = [("device.notification", "asset:one", LINK_DOWN), ("interface.event", "interface:one/#3", "down")]


def test_the_service_hears_what_comes_between_runs(tmp_path: Path, device: int) -> None:
    """Once in the journal, signed, without the community; a reload and another run do not make the receiver deaf."""
    port = free_udp_port()
    place = receiving(tmp_path, device, port, every=2)
    with service(place) as (process, _):
        inform(port, COLD)
        assert until(lambda: told(place) == RESTART)
        trap(port, LINK_DOWN, "1.3.6.1.2.1.2.2.1.1.3", "i", "3")
        assert until(lambda: told(place) == RESTART + PORT_DOWN)
        assert stopped(process) == 0
    place.check_chain()
    assert "receiving notifications on UDP port" in logged(place)
    assert COMMUNITY not in logged(place)
    for path in (place.state / "journal").rglob("*"):
        assert not path.is_file() or COMMUNITY.encode() not in path.read_bytes()


def test_the_last_words_before_the_end_are_journaled(tmp_path: Path, device: int) -> None:
    """What a UPS tells before the power goes is not lost because no run was due."""
    port = free_udp_port()
    place = receiving(tmp_path, device, port, every=86_400)
    with service(place) as (process, _):
        inform(port, COLD)
        assert told(place) == []
        assert stopped(process) == 0
    assert told(place) == RESTART
    place.check_chain()


def test_one_run_waits_for_a_notification(tmp_path: Path, device: int) -> None:
    """`run --once` listens while it runs, and ends soon after the first notification."""
    port = free_udp_port()
    place = receiving(tmp_path, device, port, every=60, deadline=60)
    arguments = ("run", "--once", "--campus", str(place.campus), "--state", str(place.state))
    with child(arguments, tmp_path / "log") as process:

        def heard() -> bool:
            sender = Sender(port, Community("2c", COMMUNITY.encode()))
            return asyncio.run(sender.inform((COLD,), patience=1)) == 0

        assert until(heard)
        assert process.wait(30) == 0
    assert told(place)[:3] == RESTART


def test_without_the_port_the_rest_goes_on(tmp_path: Path, device: int) -> None:
    """Another program has the port: a gap that says so in the record, and the switch is measured all the same."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        place = receiving(tmp_path, device, other.getsockname()[1], every=60)
        done = agent("run", "--once", "--campus", place.campus, "--state", place.state)
    assert done.code == 0, done.err
    assert "one: ok" in done.out
    assert "traps: no answer from the device" in done.out
