"""Starts Debian's OpenSSH server on a free loopback port, with keys and a user of its own, playing a vendor's CLI.

With root, the server gets its own /etc/passwd and /etc/shadow in a mount namespace, so that it knows a throw-away user
with a password while the machine does not. Without root it knows only the one who runs it, by key.
"""

from __future__ import annotations

import base64
import contextlib
import getpass
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SSHD = "/usr/sbin/sshd"
PLAYER = Path(__file__).with_name("vendor_cli.py")
IS_ROOT = os.geteuid() == 0
MODERN = "KexAlgorithms curve25519-sha256,diffie-hellman-group14-sha256\n"
OLD = "KexAlgorithms diffie-hellman-group14-sha1\nHostKeyAlgorithms ssh-rsa\nMACs hmac-sha1\n"


@dataclass
class Sshd:
    """A running server."""

    directory: Path = field(repr=False)
    port: int
    username: str
    password: str = field(repr=False)
    private_key: str = field(repr=False)
    host: str = "127.0.0.1"
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def host_key(self, name: str = "host_*") -> str:
        """Return the fingerprint of the host key, or of the key called `other`, as ssh-keygen tells it."""
        (path,) = self.directory.glob(f"{name}.pub")
        return _run("ssh-keygen", "-lf", str(path)).split()[1]

    def play(self, prompt: bytes, answers: dict[str, bytes] | None = None, **more: object) -> None:
        """Say what the next session shows."""
        scenario = {
            "prompt": base64.b64encode(prompt).decode(),
            "answers": {name: base64.b64encode(data).decode() for name, data in (answers or {}).items()},
            **{
                name: base64.b64encode(item).decode() if isinstance(item, bytes) else item
                for name, item in more.items()
            },
        }
        (self.directory / "scenario.json").write_text(json.dumps(scenario))
        (self.directory / "typed").write_bytes(b"")

    def typed(self) -> bytes:
        """Return every octet that the last session's device received."""
        return (self.directory / "typed").read_bytes()

    def log(self) -> str:
        """Return the server's log."""
        return (self.directory / "log").read_text(errors="replace")

    def sessions(self) -> int:
        """Return how many connections are open now, by the children of the server."""
        assert self.process is not None
        listed = subprocess.run(
            ["pgrep", "-f", f"{PLAYER} {self.directory}$"], capture_output=True, text=True, check=False
        )
        return len(listed.stdout.split())


@contextlib.contextmanager
def sshd(*, algorithms: str = MODERN, host_key: str = "ed25519", options: str = "") -> Iterator[Sshd]:
    """Run a server as long as the context lasts."""
    directory = Path(tempfile.mkdtemp(prefix="sshd-"))
    try:
        for name, kind in ((f"host_{host_key}", host_key), ("other", "ed25519"), ("user", "ed25519")):
            _run("ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "", "-f", str(directory / name))
        shutil.copy(directory / "user.pub", directory / "authorized_keys")
        (directory / "log").touch()
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        peer = Sshd(
            directory,
            port,
            username="agentcli" if IS_ROOT else getpass.getuser(),
            password=secrets.token_hex(12),
            private_key=(directory / "user").read_text(),
        )
        (directory / "sshd_config").write_text(_config(peer, algorithms, host_key, options))
        _start(peer)
        try:
            yield peer
        finally:
            assert peer.process is not None
            peer.process.terminate()
            peer.process.wait(10)
    finally:
        shutil.rmtree(directory)


def _config(peer: Sshd, algorithms: str, host_key: str, options: str) -> str:
    return (
        f"{options}Port {peer.port}\nListenAddress 127.0.0.1\nHostKey {peer.directory}/host_{host_key}\n"
        f"AuthorizedKeysFile {peer.directory}/authorized_keys\nStrictModes no\nUsePAM no\nPermitRootLogin yes\n"
        f"PasswordAuthentication {'yes' if IS_ROOT else 'no'}\nKbdInteractiveAuthentication no\nLogLevel VERBOSE\n"
        f"PidFile none\nPrintMotd no\nPrintLastLog no\nMaxAuthTries 6\n{algorithms}"
        f"ForceCommand exec {sys.executable} {PLAYER} {peer.directory}\n"
    )


def _start(peer: Sshd) -> None:
    serve = f"exec {SSHD} -D -f {peer.directory}/sshd_config -E {peer.directory}/log"
    if IS_ROOT:
        hashed = _run("openssl", "passwd", "-6", "-stdin", given=peer.password)
        line = f"{peer.username}:x:0:0::{peer.directory}:/bin/sh\n"
        (peer.directory / "passwd").write_text(Path("/etc/passwd").read_text() + line)
        (peer.directory / "shadow").write_text(f"root:*:19000::::::\n{peer.username}:{hashed}:19000::::::\n")
        (peer.directory / "shadow").chmod(0o600)
        serve = (
            f"mount --bind {peer.directory}/passwd /etc/passwd && mount --bind {peer.directory}/shadow /etc/shadow "
            f"&& mount -t tmpfs tmpfs /run && mkdir -m 755 /run/sshd && {serve}"
        )
        command = ["unshare", "--mount", "sh", "-c", serve]
    else:
        command = ["sh", "-c", serve]
    peer.process = subprocess.Popen(command)
    until = time.monotonic() + 10
    while time.monotonic() < until and peer.process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((peer.host, peer.port), timeout=1) as probe:
            if probe.recv(4) == b"SSH-":
                return
        time.sleep(0.05)
    peer.process.kill()
    peer.process.wait(10)
    raise RuntimeError(f"sshd did not start: {peer.log()[-500:]}")


def _run(*command: str, given: str = "") -> str:
    return subprocess.run(command, input=given, capture_output=True, text=True, check=True).stdout.strip()
