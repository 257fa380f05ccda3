"""Two switches of network namespaces with a cable between them: snmpd and lldpd (AgentX) in each, nothing mocked.

They are invisible from outside; `command` runs a program inside the near one. Needs root, iproute2 and lldpd.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Pair", "missing", "running_pair"]

COMMUNITY = "lldp-test"
PORT = 10161
START_SECONDS = 40


def missing() -> str:
    """Return why the pair cannot run here; empty if it can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    lacking = [name for name in ("ip", "lldpd", "snmpd") if shutil.which(name, path=_PATH) is None]
    if lacking:
        return f"not installed: {', '.join(lacking)}"
    name = f"try{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], check=False, capture_output=True, env=_ENVIRONMENT)
    if made.returncode:
        return "network namespaces are not allowed here"
    subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True, env=_ENVIRONMENT)
    return ""


_PATH = "/usr/sbin:/sbin:/usr/bin:/bin"
_ENVIRONMENT = {"PATH": _PATH, "LC_ALL": "C", "MIBS": ""}


@dataclass(frozen=True)
class Pair:
    """The running pair, seen from the near end."""

    near: str
    far_mac: str
    near_mac: str
    port: int = PORT
    community: str = COMMUNITY

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a program in the near namespace."""
        command = ["ip", "netns", "exec", self.near, *arguments]
        return subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=60, env={**os.environ, **_ENVIRONMENT}
        )


@contextmanager
def running_pair() -> Iterator[Pair]:
    """Start both, wait until each has heard the other, and remove all of it afterwards."""
    near, far = f"near{os.getpid()}", f"far{os.getpid()}"
    with ExitStack() as stack:
        home = Path(tempfile.mkdtemp(prefix="lldpd-"))
        home.chmod(0o755)  # lldpd gives its privileges up before it reads its configuration
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        for name in (near, far):
            _run("ip", "netns", "add", name)
            stack.callback(_run, "ip", "netns", "del", name)
        _run("ip", "link", "add", "uplink1", "netns", near, "type", "veth", "peer", "name", "uplink2", "netns", far)
        for name, port, address in ((near, "uplink1", "10.255.0.1/30"), (far, "uplink2", "10.255.0.2/30")):
            for arguments in (
                ["ip", "link", "set", "lo", "up"],
                ["ip", "link", "set", port, "up"],
                ["ip", "address", "add", address, "dev", port],
                ["sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"],
            ):
                _run("ip", "netns", "exec", name, *arguments)
            stack.callback(_stop, _switch(name, home / name))
        pair = Pair(near, far_mac=_mac(far, "uplink2"), near_mac=_mac(near, "uplink1"))
        _wait(pair, home)
        yield pair


def _switch(name: str, home: Path) -> list[subprocess.Popen[bytes]]:
    """Start snmpd as AgentX master, then lldpd as its subagent."""
    home.mkdir()
    (home / "snmpd.conf").write_text(f"rocommunity {COMMUNITY}\nmaster agentx\nsysName {name}\n", encoding="ascii")
    (home / "lldpd.conf").write_text(
        "configure lldp tx-interval 1\nconfigure lldp portidsubtype ifname\n"
        f"configure system hostname {name}-sw\nconfigure system ip management pattern 10.255.*\n",
        encoding="ascii",
    )
    inside = ["ip", "netns", "exec", name]
    environment = {**_ENVIRONMENT, "SNMP_PERSISTENT_DIR": str(home), "SNMPCONFPATH": str(home)}
    master = ["snmpd", "-f", "-C", "-c", str(home / "snmpd.conf"), "-Lf", str(home / "snmpd.log")]
    master += ["-x", str(home / "agentx"), "-m", "", f"udp:127.0.0.1:{PORT}"]
    started = [_start([*inside, *master], environment)]
    until = time.monotonic() + START_SECONDS
    while not (home / "agentx").exists() and time.monotonic() < until:
        time.sleep(0.05)
    agent = ["lldpd", "-d", "-x", "-X", str(home / "agentx"), "-u", str(home / "lldpd.socket")]
    agent += ["-O", str(home / "lldpd.conf"), "-L", shutil.which("lldpcli", path=_PATH) or "lldpcli"]
    started.append(_start([*inside, *agent], environment, home / "lldpd.log"))
    return started


def _start(command: Sequence[str], environment: dict[str, str], log: Path | None = None) -> subprocess.Popen[bytes]:
    with ExitStack() as stack:
        output = stack.enter_context(log.open("wb")) if log else subprocess.DEVNULL
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment)


def _stop(started: list[subprocess.Popen[bytes]]) -> None:
    for process in reversed(started):
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _wait(pair: Pair, home: Path) -> None:
    """Wait until snmpd shows a neighbour."""
    target = f"udp:127.0.0.1:{PORT}"
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        with suppress(subprocess.TimeoutExpired):
            walked = pair.command(
                *("snmpwalk", "-v2c", "-c", COMMUNITY, "-m", "", "-On", "-t", "1", target, "1.0.8802.1.1.2.1.4.1.1.9")
            )
            if "STRING" in walked.stdout:
                return
        time.sleep(0.2)
    logs = {path.name: path.read_text(errors="replace")[-600:] for path in home.rglob("*.log")}
    raise RuntimeError(f"no neighbour was seen: {logs}")


def _mac(namespace: str, port: str) -> str:
    shown = _run("ip", "netns", "exec", namespace, "cat", f"/sys/class/net/{port}/address")
    return shown.stdout.strip()


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30, env=_ENVIRONMENT)
