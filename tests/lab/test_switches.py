"""A campus of real daemons in network namespaces, polled as by a school: topology, speeds, IPv6, changes."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from agent.assess.derive import DERIVATIONS
from agent.assess.shelf import Shelf
from agent.clock import SystemClock, time_text
from agent.evidence import keys
from agent.journal.store import Journal
from agent.model.evidence import EntryKind, Statement
from agent.model.finding import Reason, Window
from agent.model.reading import Grade
from agent.packs.load import load_campus
from agent.runtime.assessment import shelve
from tests.peers.switches import COMMUNITY, SwitchLab, missing, running_switches

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.assess.derive.derived import Derived
    from agent.model.campus import Campus

WHY_NOT = missing()
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "runs")

ROUTER = """hostname core
ip forwarding
ipv6 forwarding
interface d1
 ipv6 address 2001:da8:1::1/64
interface d2
 ipv6 address 2001:da8:2::1/64
"""
SPEEDS = {
    "core": {"d1": 10_000, "d2": 10_000},
    "east": {"u1": 1000, "x1": 1000, "d1": 1000},
    "west": {"u1": 10_000, "x1": 2500},
    "annex": {"u1": 100},
}
CABLES = (("core", "d1", "east", "u1"), ("core", "d2", "west", "u1"), ("east", "x1", "west", "x1"))
TO_EAST, TO_WEST, ACROSS = "backbone:core/d1--east/u1", "backbone:core/d2--west/u1", "backbone:east/x1--west/x1"


@dataclass
class Agent:
    """The agent of the school, in the lab's room."""

    lab: SwitchLab
    directory: Path

    def __post_init__(self) -> None:
        keys.create(self.state / "keys" / "agent.pem")
        secret = self.state / "secrets" / "ro"
        secret.parent.mkdir(mode=0o700)
        secret.write_text(f"{{version: 2c, community: {COMMUNITY}}}\n", encoding="utf-8")
        secret.chmod(0o600)
        self.campus.write_text(
            'version: "1"\nschool: {id: lab, name: 实验}\nlinks:\n'
            "  - {id: trunk, role: backbone, asset: core, port: d1}\n"
            "  - {id: across, role: backbone, asset: east, port: x1}\n"
            "assets:\n",
            encoding="utf-8",
        )

    @property
    def state(self) -> Path:
        return self.directory / "state"

    @property
    def campus(self) -> Path:
        return self.directory / "campus.yaml"

    def know(self, name: str) -> None:
        """Add a device: one line of YAML."""
        address = self.lab.address(name)
        with self.campus.open("a", encoding="utf-8") as file:
            file.write(f"  - {{id: {name}, family: net-snmp, address: {address}, credentials: ro}}\n")

    def poll(self) -> None:
        """Poll everything once, with the command of the service."""
        command = ("-m", "agent", "run", "--once", "--campus", str(self.campus), "--state", str(self.state))
        done = self.lab.inside(sys.executable, *command)
        assert done.returncode == 0, done.stderr

    def derive(self, name: str) -> Derived:
        """Derive from all that the journal holds."""
        shelf = Shelf()
        with Journal(self.state / "journal", readonly=True) as journal:
            for entry in journal.entries(kind=EntryKind.RUN):
                shelve(shelf, journal, Statement.from_bytes(entry.payload))
        window = Window(since="2020-01-01T00:00:00Z", until=time_text(SystemClock().now()))
        campus: Campus = load_campus(self.campus).value
        return DERIVATIONS[name](shelf.within(window), campus, window, {})


@pytest.fixture
def lab() -> Iterator[SwitchLab]:
    """A router and two switches that hear each other, and a cable to a device that is still off."""
    with running_switches() as made:
        for name in SPEEDS:
            made.add(name)
        for cable in (*CABLES, ("east", "d1", "annex", "u1")):
            made.cable(*cable)
        made.start("core", SPEEDS["core"], router=ROUTER)
        for name in ("east", "west"):
            made.start(name, SPEEDS[name])
        for name in ("core", "east", "west"):
            made.wait_for_neighbours(name, 2)
        made.wait("addresses of the router that are no longer tentative", lambda: _preferred(made) == 2)
        yield made


def figures(derived: Derived, metric: str) -> dict[str, str]:
    """Return the figures of a metric by subject."""
    return {one.subject: one.value for one in derived.readings if one.metric == metric}


def test_a_campus_of_real_switches(lab: SwitchLab, tmp_path: Path) -> None:
    """Links, speeds and IPv6 come out as built; a pulled cable is seen; one more device costs one line of YAML."""
    agent = Agent(lab, tmp_path)
    for name in ("core", "east", "west"):
        agent.know(name)
    agent.poll()
    topology = agent.derive("topology")
    assert figures(topology, "topology.link.speed") == {TO_EAST: "1000", TO_WEST: "10000", ACROSS: "1000"}
    links = [one for one in topology.readings if one.metric == "topology.link.speed"]
    assert {one.grade for one in links} == {Grade.CORROBORATED}
    assert figures(topology, "topology.link.rule")[TO_WEST] == "chassis, ifName, both ends"
    assert set(figures(topology, "topology.device.managed").values()) == {"1"}
    ipv6 = figures(agent.derive("ipv6"), "ipv6.layer")
    assert ipv6["ipv6:core"] == "1"

    lab.link("west", "x1", "down")
    lab.start("annex", SPEEDS["annex"])
    lab.wait_for_neighbours("west", 1)
    lab.wait("the annex, and the cable's end at the other side", lambda: _names(lab, "east") == {"annex", "core"})
    agent.poll()
    topology = agent.derive("topology")
    assert set(figures(topology, "topology.link.speed")) == {TO_EAST, TO_WEST, "uplink:east/d1--annex"}
    assert topology.open["topology.link.speed", "backbone:east/x1"].reason is Reason.NO_TARGET
    assert figures(topology, "topology.device.managed")["network-device:annex"] == "0"

    agent.know("annex")
    agent.poll()
    topology = agent.derive("topology")
    assert figures(topology, "topology.link.speed")["backbone:annex/u1--east/d1"] == "100"
    assert figures(topology, "topology.device.managed")["network-device:annex"] == "1"


def _preferred(lab: SwitchLab) -> int:
    """Count ipAddressStatus preferred(1) of the router's addresses in 2001::/16."""
    return sum(line.endswith("INTEGER: 1") for line in lab.walk("core", "1.3.6.1.2.1.4.34.1.7.2.16.32.1"))


def _names(lab: SwitchLab, device: str) -> set[str]:
    return {line.rpartition("STRING: ")[2].strip('"') for line in lab.walk(device, "1.0.8802.1.1.2.1.4.1.1.9")}
