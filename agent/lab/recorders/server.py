"""A device's HTTP server on loopback: one port, its own thread, a door that asks for a password and locks.

A brand gives the answers (`Device`). The door knows digest (RFC 7616, MD5 and SHA-256) by its own arithmetic, not the
transport's, counts wrong passwords and locks the user out, as recorders do.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
import secrets
import socket
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Literal, Protocol
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

__all__ = ["Asked", "Device", "Door", "Said", "Served", "serve"]

MOST = 2**20
"""Octets of a request body."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that came through the door."""

    method: str
    target: str
    """Path with query, as sent."""
    path: str
    query: dict[str, str]
    body: bytes
    headers: dict[str, str]
    """Names in lower case."""


@dataclass(frozen=True, slots=True)
class Said:
    """What is answered."""

    body: bytes = b""
    status: int = 200
    media: str = 'application/xml; charset="UTF-8"'
    headers: tuple[tuple[str, str], ...] = ()


class Device(Protocol):
    """A brand's device behind the door."""

    def answer(self, asked: Asked) -> Said:
        """Answer one request."""
        ...


@dataclass
class Door:
    """Who is let in, and what happens to others."""

    username: str = "agent"
    password: str = field(default="lab-password-1", repr=False)
    login: Literal["digest", "basic", "both", "none"] = "digest"
    algorithms: tuple[str, ...] = ("MD5",)
    """One challenge each."""
    realm: str = "IP Camera(C1234)"
    joined: bool = False
    """All challenges in one header."""
    uses: int = 0
    """Requests that one nonce is good for; 0 without end."""
    says_stale: bool = True
    """A nonce that is used up is called stale."""
    tries: int = 5
    """Wrong passwords until the user is locked out."""
    open_paths: tuple[str, ...] = ()
    """Paths that need no login."""
    wrong: int = 0
    locked: bool = False
    _nonces: dict[str, int] = field(default_factory=dict, repr=False)

    def admits(self, asked: Asked) -> Said | None:
        """Return None for a request that may pass, else the refusal."""
        if self.login == "none" or asked.path in self.open_paths:
            return None
        given = asked.headers.get("authorization", "")
        if self.locked:
            return self._challenge()
        scheme = given.partition(" ")[0].lower()
        if scheme == "basic" and self.login in ("basic", "both"):
            good = secrets.compare_digest(given[6:].encode(), self._basic())
            return None if good else self._wrong()
        if scheme == "digest" and self.login in ("digest", "both"):
            return self._digest(asked, given)
        return self._challenge()

    def _basic(self) -> bytes:
        return base64.b64encode(f"{self.username}:{self.password}".encode())

    def _digest(self, asked: Asked, given: str) -> Said | None:
        values = {m[1].lower(): m[2].strip('"') for m in re.finditer(r'(\w+)=("[^"]*"|[^\s,]+)', given)}
        nonce = values.get("nonce", "")
        if nonce not in self._nonces:
            return self._challenge(stale=True)
        self._nonces[nonce] += 1
        if self.uses and self._nonces[nonce] > self.uses:
            return self._challenge(stale=self.says_stale)
        if values.get("uri") != asked.target or values.get("username") != self.username:
            return self._wrong()
        if int(values.get("nc", "0"), 16) != self._nonces[nonce]:
            return self._wrong()
        algorithm = values.get("algorithm", "MD5")
        if algorithm not in self.algorithms or not self._right(values, asked.method, algorithm):
            return self._wrong()
        return None

    def _right(self, values: dict[str, str], method: str, algorithm: str) -> bool:
        def h(text: str) -> str:
            name = "sha256" if algorithm.startswith("SHA-256") else "md5"
            return hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest()

        cnonce = values.get("cnonce", "")
        a1 = h(f"{self.username}:{self.realm}:{self.password}")
        if algorithm.endswith("-sess"):
            a1 = h(f"{a1}:{values['nonce']}:{cnonce}")
        a2 = h(f"{method}:{values['uri']}")
        return values.get("response") == h(f"{a1}:{values['nonce']}:{values.get('nc')}:{cnonce}:auth:{a2}")

    def _wrong(self) -> Said:
        self.wrong += 1
        self.locked = self.wrong >= self.tries
        return self._challenge()

    def _challenge(self, *, stale: bool = False) -> Said:
        offers = []
        if self.login in ("digest", "both"):
            nonce = secrets.token_hex(16)
            self._nonces[nonce] = 0
            word = "TRUE" if stale else "FALSE"
            offers += [
                f'Digest qop="auth", realm="{self.realm}", nonce="{nonce}", algorithm={each}, stale="{word}"'
                for each in self.algorithms
            ]
        if self.login in ("basic", "both"):
            offers.append(f'Basic realm="{self.realm}"')
        values = (", ".join(offers),) if self.joined else tuple(offers)
        status = "<userCheck><statusValue>401</statusValue><lockStatus>{}</lockStatus></userCheck>"
        body = status.format("locked" if self.locked else "unlock").encode()
        return Said(body, 401, headers=tuple(("WWW-Authenticate", value) for value in values))


@dataclass
class Served:
    """A running device."""

    port: int
    door: Door
    asked: list[Asked] = field(default_factory=list, repr=False)
    """What came through the door, in order."""
    connections: int = 0


@contextlib.contextmanager
def serve(device: Device, door: Door | None = None, *, tls: ssl.SSLContext | None = None) -> Iterator[Served]:
    """Serve the device on a free loopback port until the block ends."""
    server = _Server(device, door or Door(), tls)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="lab recorder")
    thread.start()
    try:
        yield server.served
    finally:
        server.shutdown()
        thread.join()
        server.hang_up()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True

    def __init__(self, device: Device, door: Door, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.device = device
        self.tls = tls
        self.served = Served(self.server_address[1], door)
        self.lock = threading.Lock()
        self._open: set[socket.socket] = set()

    def get_request(self) -> tuple[socket.socket, object]:
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._open.add(connection)
        self.served.connections += 1
        return connection, address

    def shutdown_request(self, request: socket.socket) -> None:  # type: ignore[override]  # no datagrams here
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """Wake the threads that wait for another request."""
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that break off are what tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = 60

    def setup(self) -> None:
        if self.server.tls is not None:
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def finish(self) -> None:
        with contextlib.suppress(OSError):
            super().finish()
        if self.server.tls is not None:
            self.request.close()

    def do_GET(self) -> None:
        """Answer."""
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(min(length, MOST))
        parts = urlsplit(self.path)
        headers = {
            name.lower(): value.encode("latin-1", "replace").decode("utf-8", "replace")
            for name, value in self.headers.items()
        }
        asked = Asked(self.command, self.path, parts.path, dict(parse_qsl(parts.query)), body, headers)
        with self.server.lock:  # one connection at a time is what a recorder's web server can do
            said = self.server.served.door.admits(asked)
            if said is None:
                self.server.served.asked.append(asked)
                said = self.server.device.answer(asked)
        self._send(said)

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - the names that http.server calls

    def _send(self, said: Said) -> None:
        head = [f"HTTP/1.1 {said.status} Said", f"Date: {self.date_time_string()}", f"Content-Type: {said.media}"]
        head += [f"{name}: {value}" for name, value in said.headers]
        if not any(name.lower() in ("content-length", "transfer-encoding") for name, _ in said.headers):
            head.append(f"Content-Length: {len(said.body)}")
        self.wfile.write("\r\n".join(head).encode() + b"\r\n\r\n" + said.body)  # in one segment: no delayed ACK
        if any(pair == ("Connection", "close") for pair in said.headers):
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""
