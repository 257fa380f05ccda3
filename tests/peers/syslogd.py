"""A real rsyslogd on loopback, and logrotate for what it writes: private configuration and ports, in the foreground."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Syslogd", "free_port", "missing", "running", "wait_for"]

_PATH = "/usr/sbin:/sbin:/usr/bin:/bin"
_SECONDS = 20
_CONFIGURATION = """
global(workDirectory="{home}" maxMessageSize="8k")
module(load="imudp")
module(load="imtcp")
template(name="perhost" type="string" string="{logs}/%HOSTNAME%/messages.log")
{rules}
input(type="imudp" address="127.0.0.1" port="{port}" ruleset="all")
input(type="imtcp" address="127.0.0.1" port="{port}" ruleset="all")
"""
PER_HOST = 'ruleset(name="all") {{ action(type="omfile" dynaFile="perhost" template="{template}") }}'
ONE_FILE = 'ruleset(name="all") {{ action(type="omfile" file="{logs}/all.log" template="{template}") }}'


def missing() -> str:
    """Return why it cannot run here; empty if it can."""
    lacking = [name for name in ("rsyslogd", "logrotate") if shutil.which(name, path=_PATH) is None]
    return f"not installed: {', '.join(lacking)}" if lacking else ""


@dataclass
class Syslogd:
    """The running daemon."""

    home: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def logs(self) -> Path:
        """The directory that it writes to."""
        return self.home / "logs"

    def send(self, lines: list[str]) -> None:
        """Send messages over TCP, each with a line feed behind it (RFC 6587)."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=_SECONDS) as connection:
            connection.sendall("".join(f"{line}\n" for line in lines).encode())

    def lines(self) -> int:
        """Return how many lines are in all plain files."""
        return sum(path.read_bytes().count(b"\n") for path in self.logs.rglob("*.log"))

    def rotate(self, options: str) -> None:
        """Let logrotate rotate everything now, and the daemon open its files anew."""
        configuration = self.home / "logrotate.conf"
        configuration.write_text(
            f"{self.logs}/*.log {self.logs}/*/*.log {{\n{options}\nmissingok\nnocreate\nsu root root\n}}\n"
        )
        configuration.chmod(0o644)
        command = ["logrotate", "--force", "--state", str(self.home / "rotated"), str(configuration)]
        environment = {"PATH": _PATH, "LC_ALL": "C"}
        done = subprocess.run(command, check=False, capture_output=True, timeout=_SECONDS, env=environment)
        assert done.returncode == 0, done.stderr.decode()
        self.process.send_signal(signal.SIGHUP)
        wait_for(lambda: not self._writes())  # what comes before goes into a file that is packed already

    def _writes(self) -> list[str]:
        """Return the files that the daemon has open for writing."""
        open_files = []
        for link in (Path("/proc") / str(self.process.pid) / "fd").iterdir():
            with suppress(OSError):
                open_files.append(str(link.readlink()))
        return [name for name in open_files if name.startswith(str(self.logs))]


@contextmanager
def running(home: Path, rules: str, template: str) -> Iterator[Syslogd]:
    """Start the daemon, wait until it listens, and end it afterwards.

    Args:
        home: a directory for all that it needs.
        rules: `PER_HOST` or `ONE_FILE`.
        template: one of rsyslog's own, for example `RSYSLOG_TraditionalFileFormat`.
    """
    (home / "logs").mkdir()
    port = free_port()
    text = _CONFIGURATION.format(
        home=home, logs=home / "logs", port=port, rules=rules.format(logs=home / "logs", template=template)
    )
    (home / "rsyslog.conf").write_text(text)
    command = ["rsyslogd", "-n", "-f", str(home / "rsyslog.conf"), "-i", str(home / "pid")]
    with (home / "output").open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env={"PATH": _PATH, "TZ": "Asia/Shanghai"}
        )
    daemon = Syslogd(home, port, process)
    try:
        wait_for(lambda: _listens(port), lambda: (home / "output").read_text(errors="replace"))
        yield daemon
    finally:
        process.terminate()
        try:
            process.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """Return a port that is free for UDP and TCP."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            try:
                udp.bind(("127.0.0.1", tcp.getsockname()[1]))
            except OSError:
                continue
            return int(tcp.getsockname()[1])


def wait_for(holds: object, why: object = str) -> None:
    """Wait until something holds.

    Raises:
        TimeoutError: it never did.
    """
    assert callable(holds)
    assert callable(why)
    until = time.monotonic() + _SECONDS
    while not holds():
        if time.monotonic() > until:
            raise TimeoutError(why())
        time.sleep(0.02)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
