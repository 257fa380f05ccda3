"""The device of the SNMP benchmark: net-snmp's snmpd with 400 interfaces where this user may make them, else the lab's.

The interfaces are veth pairs in a network namespace without a name: it lives as long as the processes in it, so
nothing is left behind however the benchmark ends.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agent.lab.snmp import Device, lab_process, switch
from agent.transports.snmp import User

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["COMMUNITY", "INTERFACES", "USER", "Peer", "can_use_snmpd", "inside_namespace", "lab_agent", "snmpd"]

INTERFACES = 400
COMMUNITY = "benchmark-ro"
USER = User("benchmark", "SHA-256", b"benchmark-auth-1", "AES", b"benchmark-priv-1")
_PORT = 1161
_START_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Peer:
    """A device to ask, and what to say of it."""

    host: str
    port: int
    what: str


def can_use_snmpd() -> bool:
    """Say whether snmpd with interfaces of its own can be started: root, and the programs are there."""
    programs = ("snmpd", "ip", "unshare")
    return os.geteuid() == 0 and all(shutil.which(each, path=_path()) for each in programs)


def inside_namespace(arguments: list[str]) -> int | None:
    """Run this benchmark again in a network namespace of its own; None where that is not allowed."""
    allowed = subprocess.run(["unshare", "--net", "true"], check=False, capture_output=True).returncode == 0
    if not allowed:
        return None
    command = ["unshare", "--net", sys.executable, "-m", "benchmarks.snmp", *arguments]
    return subprocess.run(command, check=False).returncode


@contextmanager
def snmpd() -> Iterator[Peer]:
    """Start snmpd in the namespace that this process is in, with veth pairs that are up and carry nothing."""
    lines = ["link set lo up"]
    Path("/proc/sys/net/ipv6/conf/default/disable_ipv6").write_text("1", encoding="ascii")  # no neighbour discovery
    for n in range(INTERFACES // 2):
        lines += [f"link add va{n} type veth peer name vb{n}", f"link set va{n} up", f"link set vb{n} up"]
    ip = ["ip", "-batch", "-"]
    subprocess.run(ip, check=True, input="\n".join(lines), text=True, env=_environment(), capture_output=True)
    with tempfile.TemporaryDirectory(prefix="benchmark-snmpd-") as home:
        _configure(Path(home))
        process = subprocess.Popen(
            ["snmpd", "-f", "-C", "-c", f"{home}/snmpd.conf", "-Lf", f"{home}/log", "-m", "", f"udp:127.0.0.1:{_PORT}"],
            env=_environment() | {"SNMP_PERSISTENT_DIR": home, "SNMPCONFPATH": home},
        )
        try:
            _wait(process)
            pin(process.pid, 0)
            yield Peer("127.0.0.1", _PORT, f"net-snmp snmpd with {INTERFACES} veth interfaces and lo")
        finally:
            process.terminate()
            process.wait(10)


@contextmanager
def lab_agent() -> Iterator[Peer]:
    """Serve a switch of 400 ports from the lab agent, in a process of its own."""
    device = Device("benchmark", switch(INTERFACES), community=COMMUNITY.encode(), users=(USER,))
    with lab_process([device]) as addresses:
        host, port = addresses["benchmark"]
        yield Peer(host, port, f"the lab agent with {INTERFACES} ports")


def pin(process: int, position: int) -> None:
    """Keep a process on one of the processors that we may use: the device on the first, who asks on the last."""
    allowed = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(process, {allowed[position]})


def _configure(home: Path) -> None:
    lines = [
        f"rocommunity {COMMUNITY} 127.0.0.1",
        f'createUser {USER.name} {USER.auth} "{USER.auth_key.decode()}" {USER.priv} "{USER.priv_key.decode()}"',
        f"rouser {USER.name} priv",
    ]
    (home / "snmpd.conf").write_text("\n".join(lines) + "\n", encoding="ascii")


def _wait(process: subprocess.Popen[bytes]) -> None:
    ask = ["snmpget", "-v2c", "-c", COMMUNITY, "-m", "", "-r0", "-t1", f"udp:127.0.0.1:{_PORT}", "1.3.6.1.2.1.2.1.0"]
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        if subprocess.run(ask, check=False, capture_output=True, env=_environment()).returncode == 0:
            return
        time.sleep(0.2)
    raise SystemExit("snmpd did not start")


def _environment() -> dict[str, str]:
    return {"PATH": _path(), "MIBS": "", "LC_ALL": "C"}


def _path() -> str:
    return os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin"
