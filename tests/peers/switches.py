"""A campus of network namespaces: switches and a router with real cables (veth), snmpd, lldpd and FRR, nothing mocked.

with running_switches() as lab:
    lab.add("core")
    lab.add("east")
    lab.cable("core", "d1", "east", "u1")
    lab.start("core", {"d1": 1000}, router=...)
    lab.inside("python", "-m", "agent", ...)  # in the room from which all of them can be asked

Each device is asked at its own management address, as on a campus. They are invisible from outside, bounded, and ended
by the handles that started them. Needs root, iproute2, lldpd, snmpd and FRR.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.peers import lldpd

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["COMMUNITY", "SwitchLab", "missing", "running_switches"]

COMMUNITY = "switch-lab"
SECONDS = 40
ZEBRA = Path("/usr/lib/frr/zebra")
_PATH = "/usr/sbin:/sbin:/usr/bin:/bin"
_ENVIRONMENT = {"PATH": _PATH, "LC_ALL": "C", "MIBS": ""}


def missing() -> str:
    """Return why the lab cannot run here; empty if it can."""
    return lldpd.missing() or ("" if ZEBRA.exists() else "not installed: frr")


@dataclass
class SwitchLab:
    """The running lab."""

    home: Path
    stack: ExitStack
    tag: str = field(default_factory=lambda: f"lab{os.getpid()}")
    devices: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._namespace(self.room)
        self._in(self.room, "ip", "link", "add", "wall", "type", "bridge")
        self._in(self.room, "ip", "address", "add", "10.254.0.1/24", "dev", "wall")
        for link in ("lo", "wall"):
            self._in(self.room, "ip", "link", "set", link, "up")

    @property
    def room(self) -> str:
        """The namespace of the agent."""
        return f"{self.tag}-room"

    def address(self, name: str) -> str:
        """Return the management address of a device."""
        return f"10.254.0.{self.devices.index(name) + 10}"

    def add(self, name: str) -> None:
        """Make a device with a management port; cables come next, then `start`."""
        self.devices.append(name)
        space = self._space(name)
        self._namespace(space)
        port = f"w{len(self.devices)}"
        _run("ip", "link", "add", "mgmt", "netns", space, "type", "veth", "peer", "name", port, "netns", self.room)
        self._in(self.room, "ip", "link", "set", port, "master", "wall", "up")
        self._in(space, "ip", "address", "add", f"{self.address(name)}/24", "dev", "mgmt")
        for link in ("lo", "mgmt"):
            self._in(space, "ip", "link", "set", link, "up")

    def cable(self, near: str, near_port: str, far: str, far_port: str) -> None:
        """Lay a cable."""
        ends = ("ip", "link", "add", near_port, "netns", self._space(near), "type", "veth")
        _run(*ends, "peer", "name", far_port, "netns", self._space(far))
        for name, port in ((near, near_port), (far, far_port)):
            self._in(self._space(name), "ip", "link", "set", port, "up")

    def link(self, name: str, port: str, state: str) -> None:
        """Set a port `up` or `down`."""
        self._in(self._space(name), "ip", "link", "set", port, state)

    def start(self, name: str, speeds: dict[str, int], *, router: str = "") -> None:
        """Start the daemons of a device.

        Args:
            name: of the device.
            speeds: Mbit/s by port, which virtual cables do not have of themselves.
            router: configuration of FRR; empty for a switch, whose ports a bridge joins.
        """
        home = self.home / name
        home.mkdir()
        home.chmod(0o755)
        ports = "".join(
            f"override 1.3.6.1.2.1.31.1.1.1.15.{self._index(name, port)} uinteger {mbits}\n"
            for port, mbits in speeds.items()
        )
        (home / "snmpd.conf").write_text(f"rocommunity {COMMUNITY}\nmaster agentx\nsysName {name}\n{ports}", "ascii")
        (home / "lldpd.conf").write_text(
            "configure lldp tx-interval 1\nconfigure lldp portidsubtype ifname\nconfigure system interface pattern "
            f"{','.join(speeds)}\nconfigure system hostname {name}\nconfigure system ip management pattern 10.254.*\n",
            "ascii",
        )
        self.stack.callback(_stop, started := [])
        inside = ["ip", "netns", "exec", self._space(name)]
        environment = {**_ENVIRONMENT, "SNMP_PERSISTENT_DIR": str(home), "SNMPCONFPATH": str(home)}
        if not router:
            self._in(self._space(name), "ip", "link", "add", "br0", "up", "type", "bridge")
            for port in speeds:
                self._in(self._space(name), "ip", "link", "set", port, "master", "br0")
        else:
            started.append(_start([*inside, *_zebra(home / "frr", router)], environment, home / "zebra.log"))
        master = ["snmpd", "-f", "-C", "-c", str(home / "snmpd.conf"), "-Lf", str(home / "snmpd.log")]
        master += ["-x", str(home / "agentx"), "-m", "", f"udp:{self.address(name)}:161"]
        started.append(_start([*inside, *master], environment, home / "snmpd.out"))
        self.wait(f"snmpd of {name}", (home / "agentx").exists)
        agent = ["lldpd", "-d", "-x", "-X", str(home / "agentx"), "-u", str(home / "lldpd.socket")]
        agent += ["-O", str(home / "lldpd.conf"), "-L", shutil.which("lldpcli", path=_PATH) or "lldpcli"]
        started.append(_start([*inside, *agent], environment, home / "lldpd.log"))

    def inside(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a program in the agent's room."""
        return subprocess.run(
            ["ip", "netns", "exec", self.room, *command],
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, **_ENVIRONMENT, **environment},
        )

    def walk(self, name: str, oid: str) -> list[str]:
        """Return what snmpwalk shows of a device; nothing while it does not answer."""
        options = ("-v2c", "-c", COMMUNITY, "-m", "", "-On", "-t", "2", "-r", "1")
        done = self.inside("snmpwalk", *options, f"udp:{self.address(name)}:161", oid)
        return [line for line in done.stdout.splitlines() if "No Such" not in line]

    def wait_for_neighbours(self, name: str, count: int) -> None:
        """Wait until a device shows so many neighbours."""
        names = "1.0.8802.1.1.2.1.4.1.1.9"
        self.wait(f"{count} neighbours of {name}", lambda: len(self.walk(name, names)) == count)

    def wait(self, what: str, happened: object) -> None:
        """Wait for a condition.

        Raises:
            RuntimeError: it did not come about; with the last words of the daemons.
        """
        assert callable(happened)
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            with suppress(subprocess.TimeoutExpired):
                if happened():
                    return
            time.sleep(0.1)
        logs = {str(path.relative_to(self.home)): path.read_text(errors="replace")[-400:] for path in self._logs()}
        raise RuntimeError(f"in vain waited for {what}: {logs}")

    def _logs(self) -> list[Path]:
        return [*self.home.rglob("*.log"), *self.home.rglob("*.out")]

    def _space(self, name: str) -> str:
        return f"{self.tag}-{name}"

    def _namespace(self, name: str) -> None:
        _run("ip", "netns", "add", name)
        self.stack.callback(_run, "ip", "netns", "del", name)

    def _index(self, name: str, port: str) -> str:
        return self._in(self._space(name), "cat", f"/sys/class/net/{port}/ifindex").stdout.strip()

    @staticmethod
    def _in(namespace: str, *command: str) -> subprocess.CompletedProcess[str]:
        return _run("ip", "netns", "exec", namespace, *command)


@contextmanager
def running_switches() -> Iterator[SwitchLab]:
    """Give an empty lab, and remove all that became of it."""
    with ExitStack() as stack:
        home = Path(tempfile.mkdtemp(prefix="switches-"))
        home.chmod(0o755)  # lldpd gives its privileges up before it reads its configuration
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        yield SwitchLab(home, stack)


def _zebra(home: Path, configuration: str) -> list[str]:
    """Return the command of FRR's zebra, which gives its privileges up and must write into its directory."""
    home.mkdir()
    home.chmod(0o777)
    (home / "zebra.conf").write_text(configuration, "ascii")
    files = {"-f": "zebra.conf", "-z": "zserv.api", "-i": "zebra.pid"}
    options = [text for option, name in files.items() for text in (option, str(home / name))]
    return [str(ZEBRA), *options, "--vty_socket", str(home), "-P", "0"]


def _start(command: list[str], environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment)


def _stop(started: list[subprocess.Popen[bytes]]) -> None:
    for process in reversed(started):
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30, env=_ENVIRONMENT)
