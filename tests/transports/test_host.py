"""The agent's own server: what it says of itself, and what it does not."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from agent.clock import SystemClock, boot_id
from agent.collectors import measure
from agent.errors import GapError
from agent.model.asset import Asset
from agent.model.campus import Campus, School
from agent.model.exchange import Exchange, HostFacts, HostState, SnmpGet
from agent.model.inet import SCOPES
from agent.sessions.live import LiveSession
from agent.sessions.redact import Redactor
from agent.transports.host import HostTransport, chrony_clock, kernel_clock
from tests.collectors.network import must_fit_the_metrics
from tests.collectors.recorded import value

if TYPE_CHECKING:
    from pathlib import Path

ASSET = Asset(id="agent", family="agent-host", address="localhost")
CAMPUS = Campus(version="1", school=School(id="s", name="s"), assets=(ASSET,))


def look(path: Path) -> HostState:
    """Return what the server says."""
    found = asyncio.run(HostTransport(path).exchange(HostFacts()))
    assert isinstance(found, HostState)
    return found


def test_the_server_tells_of_its_own_disk_and_memory(tmp_path: Path) -> None:
    """Sizes are those of the file system of the state directory, in octets, as decimal strings."""
    state = look(tmp_path)
    assert state.disk_total == str(psutil.disk_usage(str(tmp_path)).total)
    assert 0 < int(state.disk_free or 0) <= int(state.disk_total)
    assert state.memory_total == str(psutil.virtual_memory().total)
    assert len(state.load) == 3
    assert state.boot_id == boot_id()
    assert HostState.from_bytes(state.to_bytes()) == state


def test_addresses_are_counted_and_not_told(tmp_path: Path) -> None:
    """Every address of the machine is in a count, and in nothing else."""
    state = look(tmp_path)
    every = [
        each.address.split("%")[0]
        for addresses in psutil.net_if_addrs().values()
        for each in addresses
        if each.family.name in ("AF_INET", "AF_INET6")
    ]
    assert sum(each.count for each in state.addresses) == len(every)
    assert {each.scope for each in state.addresses} <= set(SCOPES)
    record = state.to_bytes().decode()
    assert not [address for address in every if len(address) > 3 and f'"{address}"' in record]
    assert any((each.family, each.scope) == ("ipv4", "loopback") for each in state.addresses)


def test_a_directory_that_is_gone_is_a_gap(tmp_path: Path) -> None:
    """What the operating system refuses is on record like any silence."""
    kept: list[Exchange] = []
    session = LiveSession(HostTransport(tmp_path / "gone"), Redactor(bytes(32)), kept.append, SystemClock(), 30)
    readings = asyncio.run(measure(ASSET, CAMPUS, ["host"], session))
    assert value(readings, "collector.answer") == "unreachable"
    assert kept[0].gap is not None


def test_other_requests_are_not_for_the_server(tmp_path: Path) -> None:
    """An SNMP collector on this asset is refused by name."""
    with pytest.raises(GapError, match=r"snmp\.get"):
        asyncio.run(HostTransport(tmp_path).exchange(SnmpGet(oids=("1.3.6.1.2.1.1.1.0",))))


def test_the_readings_are_measured_and_fit_their_metrics(tmp_path: Path) -> None:
    """What the agent sees itself is graded so, and every reading has its metric."""
    kept: list[Exchange] = []
    session = LiveSession(HostTransport(tmp_path), Redactor(bytes(32)), kept.append, SystemClock(), 30)
    readings = asyncio.run(measure(ASSET, CAMPUS, ["host"], session))
    must_fit_the_metrics(readings)
    assert {one.grade for one in readings} == {"measured"}
    assert {one.sources for one in readings} == {(kept[0].digest(),)}
    assert value(readings, "host.clock.state") in {"synchronised", "unsynchronised", "unknown"}
    assert value(readings, "host.disk.free") is not None


def test_the_kernel_says_whether_its_clock_is_set() -> None:
    """The kernel answers without privileges; an error bound is given only for a clock that is synchronised."""
    state = kernel_clock()
    assert state.source == "kernel"
    assert (state.error_ms is not None) == (state.state == "synchronised")


def chrony(tmp_path: Path, said: str, code: int = 0) -> list[str]:
    """Return a command that answers as chronyc would."""
    script = tmp_path / "chronyc.py"
    script.write_text(f"import sys\nprint({said!r})\nsys.exit({code})\n")
    return [sys.executable, str(script)]


SYNCHRONISED = (
    "A29FC87B,162.159.200.123,4,1781234567.1,0.000012,-0.000200,0.000100,-1.5,0.0,0.1,0.020000,0.001000,64.0,Normal"
)


def test_chrony_is_believed_first(tmp_path: Path) -> None:
    """Its correction, half its root delay and its root dispersion bound the error: 0.012 + 10 + 1 ms."""
    state = chrony_clock(chrony(tmp_path, SYNCHRONISED))
    assert state == ("synchronised", "chrony", "11.012")
    assert chrony_clock(chrony(tmp_path, SYNCHRONISED.replace("Normal", "Not synchronised"))) == (
        "unsynchronised",
        "chrony",
        None,
    )


@pytest.mark.parametrize(
    ("said", "code"), [("506 Cannot talk to daemon", 1), ("", 0), ("a,b", 0), (SYNCHRONISED.replace("0.02", "x"), 0)]
)
def test_a_chrony_that_says_nothing_useful_leaves_the_word_to_the_kernel(tmp_path: Path, said: str, code: int) -> None:
    """No daemon, no output, another version: not known from chrony."""
    assert chrony_clock(chrony(tmp_path, said, code)) is None


def test_no_chrony_at_all(tmp_path: Path) -> None:
    """A machine without chrony is no error."""
    assert chrony_clock([str(tmp_path / "missing")]) is None
