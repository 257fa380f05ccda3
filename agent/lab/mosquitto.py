"""Starts Debian's mosquitto (the reference MQTT broker) on a free loopback port, and real paho publishers for it."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MOSQUITTO = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
DYNAMIC_SECURITY = next(Path("/usr/lib").glob("**/mosquitto_dynamic_security.so"), None)


@dataclass
class Mosquitto:
    """A running broker. `kill` and `start` make it die and come back on the same port."""

    directory: Path = field(repr=False)
    port: int
    login: tuple[str, str] | None = field(default=None, repr=False)
    host: str = "127.0.0.1"
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start it and wait until it accepts connections."""
        log = (self.directory / "log").open("ab")
        with log:
            self.process = subprocess.Popen(
                [MOSQUITTO, "-c", str(self.directory / "mosquitto.conf")], stdout=log, stderr=log
            )
        until = time.monotonic() + 10
        while time.monotonic() < until and self.process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection((self.host, self.port), timeout=1):
                return
            time.sleep(0.02)
        self.kill()
        raise RuntimeError(f"mosquitto did not start: {(self.directory / 'log').read_text()[-500:]}")

    def kill(self) -> None:
        """Kill it, as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None

    @contextlib.contextmanager
    def publisher(self, name: str = "") -> Iterator[Client]:
        """Connect a publisher; everything published is acknowledged by the broker when it returns."""
        client = Client(CallbackAPIVersion.VERSION2, client_id=name)
        if self.login:
            client.username_pw_set(*self.login)
        client.max_inflight_messages_set(1000)
        client.connect(self.host, self.port)
        client.loop_start()
        try:
            until = time.monotonic() + 10
            while not client.is_connected() and time.monotonic() < until:
                time.sleep(0.01)
            yield client
        finally:
            client.disconnect()
            client.loop_stop()

    def publish(self, messages: Mapping[str, bytes], *, qos: int = 1, retain: bool = False) -> None:
        """Publish one message per topic and wait for the broker's acknowledgements."""
        with self.publisher() as client:
            for sent in [client.publish(topic, payload, qos, retain) for topic, payload in messages.items()]:
                sent.wait_for_publish(10)


@contextlib.contextmanager
def mosquitto(
    *,
    login: tuple[str, str] | None = None,
    readable: tuple[str, ...] | None = None,
    tls: tuple[Path, Path] | None = None,
    extra: str = "",
) -> Iterator[Mosquitto]:
    """Run a broker until the end of the block.

    Args:
        login: the only user name and password that it accepts; None lets everybody in.
        readable: filters that the user may subscribe to (needs `login`); others get SUBACK 0x80.
        tls: certificate and private key; the broker then speaks TLS only.
        extra: further lines of mosquitto.conf.
    """
    with tempfile.TemporaryDirectory(prefix="mosquitto-") as name:
        directory = Path(name)
        broker = Mosquitto(directory, free_port(), login)
        lines = [
            f"listener {broker.port} {broker.host}",
            "persistence false",
            f"allow_anonymous {'false' if login else 'true'}",
            "log_dest stderr",
            "max_queued_messages 0",
            f"user {'root' if os.geteuid() == 0 else ''}".rstrip(),
        ]
        if tls:
            lines += [f"certfile {tls[0]}", f"keyfile {tls[1]}"]
        if readable is not None and login:
            (directory / "security.json").write_text(_dynamic_security(login, readable))
            lines += [f"plugin {DYNAMIC_SECURITY}", f"plugin_opt_config_file {directory / 'security.json'}"]
        elif login:
            (directory / "passwords").write_text(f"{login[0]}:{_password_line(login[1])}\n")
            (directory / "passwords").chmod(0o600)
            lines.append(f"password_file {directory / 'passwords'}")
        (directory / "mosquitto.conf").write_text("\n".join([*lines, extra, ""]))
        broker.start()
        try:
            yield broker
        finally:
            broker.kill()


def free_port() -> int:
    """Return a TCP port of loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _password_line(password: str) -> str:
    """Return the hash as mosquitto_passwd writes it (PBKDF2-SHA512, 101 rounds)."""
    salt = os.urandom(12)
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 101)
    return f"$7$101${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}"


def _dynamic_security(login: tuple[str, str], readable: tuple[str, ...]) -> str:
    salt = os.urandom(12)
    key = hashlib.pbkdf2_hmac("sha512", login[1].encode(), salt, 101)
    rights = [{"acltype": "publishClientSend", "topic": "#", "allow": True}]
    rights += [{"acltype": "publishClientReceive", "topic": "#", "allow": True}]
    rights += [{"acltype": "subscribePattern", "topic": pattern, "allow": True} for pattern in readable]
    return json.dumps(
        {
            "defaultACLAccess": {
                "publishClientSend": False,
                "publishClientReceive": True,
                "subscribe": False,
                "unsubscribe": True,
            },
            "clients": [
                {
                    "username": login[0],
                    "password": base64.b64encode(key).decode(),
                    "salt": base64.b64encode(salt).decode(),
                    "iterations": 101,
                    "roles": [{"rolename": "reader"}],
                }
            ],
            "roles": [{"rolename": "reader", "acls": rights}],
        }
    )
