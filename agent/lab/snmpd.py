"""net-snmp's snmpd as a real peer: its own configuration, state and port, on loopback, without privileges.

with running_snmpd() as snmpd:
    snmpd.port, snmpd.walk("1.3.6.1.2.1.1")
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMUNITY = "campus-test"
AUTH_PASSWORD = "auth-canary-1"
PRIV_PASSWORD = "priv-canary-2"


@dataclass(frozen=True)
class V3User:
    """A user that the peer knows; the names are net-snmp's (`snmpget -a`, `-x`)."""

    name: str
    auth: str = ""
    priv: str = ""

    @property
    def level(self) -> str:
        """noAuthNoPriv, authNoPriv or authPriv."""
        return "authPriv" if self.priv else "authNoPriv" if self.auth else "noAuthNoPriv"

    def command_line(self) -> list[str]:
        """Options of net-snmp's commands for this user."""
        options = ["-v3", "-u", self.name, "-l", self.level]
        if self.auth:
            options += ["-a", self.auth, "-A", AUTH_PASSWORD]
        if self.priv:
            options += ["-x", self.priv, "-X", PRIV_PASSWORD]
        return options


USERS = (
    V3User("none"),
    V3User("md5", "MD5"),
    V3User("sha", "SHA"),
    V3User("sha256", "SHA-256"),
    V3User("md5des", "MD5", "DES"),
    V3User("shades", "SHA", "DES"),
    V3User("md5aes", "MD5", "AES"),
    V3User("shaaes", "SHA", "AES"),
    V3User("sha224aes", "SHA-224", "AES"),
    V3User("sha256aes", "SHA-256", "AES"),
    V3User("sha384aes", "SHA-384", "AES"),
    V3User("sha512aes", "SHA-512", "AES"),
    V3User("sha256aes192", "SHA-256", "AES-192"),
    V3User("sha256aes256", "SHA-256", "AES-256"),
    V3User("sha512aes256", "SHA-512", "AES-256"),
    V3User("shaaes192", "SHA", "AES-192"),
    V3User("shaaes256", "SHA", "AES-256"),
    V3User("shaaes192c", "SHA", "AES-192-C"),
    V3User("shaaes256c", "SHA", "AES-256-C"),
    V3User("md5aes256c", "MD5", "AES-256-C"),
)


@dataclass
class Snmpd:
    """A running peer."""

    port: int
    process: subprocess.Popen[bytes]
    directory: Path
    host: str = "127.0.0.1"
    community: str = COMMUNITY
    users: tuple[V3User, ...] = USERS
    options: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        """As net-snmp's commands want it."""
        return f"udp6:[{self.host}]:{self.port}" if ":" in self.host else f"udp:{self.host}:{self.port}"

    def command(self, name: str, *arguments: str, user: V3User | None = None, patience: str = "2") -> str:
        """Run one of net-snmp's commands against this peer and return what it prints."""
        options = user.command_line() if user else ["-v2c", "-c", self.community]
        return subprocess.run(
            [
                name,
                *options,
                "-m",
                "",
                "-r",
                "3",
                "-t",
                patience,
                *self.options,
                "-Ox",
                "-On",
                self.address,
                *arguments,
            ],
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
            env=environment(self.directory),
        ).stdout

    def walk(self, oid: str, user: V3User | None = None) -> str:
        """Return the output of `snmpbulkwalk -Ox -On`."""
        return self.command("snmpbulkwalk", oid, user=user)

    def stop(self) -> None:
        """End the process; may be called more than once."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)


def environment(directory: Path) -> dict[str, str]:
    """Environment in which net-snmp reads and writes nothing outside the directory."""
    return {
        "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/usr/bin",
        "SNMP_PERSISTENT_DIR": str(directory / "persistent"),
        "SNMPCONFPATH": str(directory),
        "MIBS": "",
        "LC_ALL": "C",
    }


def configuration(users: tuple[V3User, ...], extra: str, community: str) -> str:
    """Return snmpd.conf: one read-only community, the users, and what the test adds."""
    lines = [
        f"rocommunity {community}",
        f"rocommunity6 {community}",
        "sysName core-sw1",
        "sysLocation 教学楼A栋",
        "sysContact noc@example.edu",
        "sysServices 72",
    ]
    for user in users:
        secret = f' {user.auth} "{AUTH_PASSWORD}"' if user.auth else ""
        privacy = f' {user.priv} "{PRIV_PASSWORD}"' if user.priv else ""
        level = {"noAuthNoPriv": "noauth", "authNoPriv": "auth", "authPriv": "priv"}[user.level]
        lines += [f"createUser {user.name}{secret}{privacy}", f"rouser {user.name} {level}"]
    return "\n".join([*lines, extra, ""])


@contextmanager
def running_snmpd(
    *,
    users: tuple[V3User, ...] = (),
    extra: str = "",
    host: str = "127.0.0.1",
    community: str = COMMUNITY,
    directory: Path | None = None,
    port: int = 0,
) -> Iterator[Snmpd]:
    """Start snmpd on a free UDP port of loopback, wait until it answers, and end it afterwards.

    Args:
        users: SNMPv3 users to create; `USERS` holds one per algorithm pair.
        extra: further lines of snmpd.conf, for instance ``exactEngineID 0x80001f8804...``.
        host: 127.0.0.1 or ::1.
        community: the read-only community.
        directory: keep state here, so that a second start continues it (engineBoots); else a new one, removed after.
        port: a fixed port instead of a free one.
    """
    home = directory or Path(tempfile.mkdtemp(prefix="snmpd-"))
    (home / "persistent").mkdir(parents=True, exist_ok=True)
    (home / "snmpd.conf").write_text(configuration(users, extra, community), encoding="utf-8")
    port = port or _free_port(host)
    peer = Snmpd(port, _start(home, host, port), home, host, community, users)
    try:
        _wait(peer)
        yield peer
    finally:
        peer.stop()
        if directory is None:
            shutil.rmtree(home, ignore_errors=True)


def _start(home: Path, host: str, port: int) -> subprocess.Popen[bytes]:
    listen = f"udp6:[{host}]:{port}" if ":" in host else f"udp:{host}:{port}"
    log = str(home / "snmpd.log")
    # -C keeps system-wide files out, and with them the state of an earlier life here (engineBoots): name it as well.
    state = home / "persistent" / "snmpd.conf"
    conf = ",".join(str(path) for path in (home / "snmpd.conf", state) if path.exists())
    return subprocess.Popen(
        ["snmpd", "-f", "-C", "-c", conf, "-Lf", log, "-I", "-smux", "-m", "", listen],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(home),
    )


def _wait(peer: Snmpd) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if peer.process.poll() is not None:
            break
        with suppress(subprocess.CalledProcessError, subprocess.TimeoutExpired):
            peer.command("snmpget", "1.3.6.1.2.1.1.3.0", patience="0.1")
            return
        time.sleep(0.1)
    log = peer.directory / "snmpd.log"
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    raise RuntimeError(f"snmpd did not answer on port {peer.port}: {text[-1000:]}")


def _free_port(host: str) -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
