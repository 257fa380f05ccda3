"""Real servers on loopback for probes: Python's HTTP server, openssl s_server, and peers that say what a test wants."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


class Site(BaseHTTPRequestHandler):
    """A few pages; `/moved` and `/away` redirect, `/round` for ever."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        places = {"/moved": "/", "/round": "/round", "/inside": "http://192.168.3.4/login", "/odd": "http://[::1/"}
        self.server.asked.append((self.path, dict(self.headers)))  # type: ignore[attr-defined]
        if self.path in places:
            self.send_response(302)
            self.send_header("Location", places[self.path])
            body = b""
        else:
            self.send_response(int(self.path[1:4]) if self.path[1:4].isdigit() else 200)
            body = b"page"
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the standard library
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True
    asked: list[tuple[str, dict[str, str]]]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up early is none."""


class _Server6(_Server):
    address_family = socket.AF_INET6


@contextlib.contextmanager
def site(host: str = "127.0.0.1") -> Iterator[tuple[int, list[tuple[str, dict[str, str]]]]]:
    """Serve the pages; gives the port and what was asked."""
    server = (_Server6 if ":" in host else _Server)((host, 0), Site)
    asked: list[tuple[str, dict[str, str]]] = []
    server.asked = asked
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_address[1], asked
    finally:
        server.shutdown()
        thread.join(20)
        server.server_close()


@contextlib.asynccontextmanager
async def peer(said: bytes, *, first: bool = False, reset: bool = False, stays: bool = True) -> AsyncIterator[int]:
    """Give the port of a peer that answers whatever it is asked with these octets, or greets with them."""

    serving: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.append(task)
        with contextlib.suppress(OSError):
            if not first:
                await reader.read(1024)
            writer.write(said)
            await writer.drain()
            if reset:
                linger = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                writer.transport.abort()
            elif said and stays:
                await reader.read()  # until the other side goes
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.gather(*serving)  # each ends when the other side has gone
        await server.wait_closed()


@contextlib.contextmanager
def mute() -> Iterator[int]:
    """Give the port of a host that accepts connections and never says or takes anything."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(8)
        yield listening.getsockname()[1]


def closed_port() -> int:
    """Return a port at which nothing listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


# --- TLS ----------------------------------------------------------------------------------------------------------


def authority(directory: Path) -> tuple[Path, x509.Certificate, ec.EllipticCurvePrivateKey]:
    """Make an authority; its certificate is in the file."""
    key = ec.generate_private_key(ec.SECP256R1())
    made = _certificate("Test Authority", key.public_key(), "Test Authority", key, days=30, ca=True)
    path = directory / "ca.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return path, made, key


def leaf(
    directory: Path, signer: ec.EllipticCurvePrivateKey, *, name: str = "localhost", days: int = 30
) -> tuple[Path, Path]:
    """Make a server's certificate and key, good for so many days (below 0: expired)."""
    key = ec.generate_private_key(ec.SECP256R1())
    made = _certificate(name, key.public_key(), "Test Authority", signer, days=days, ca=False)
    certificate, private = directory / f"{name}{days}.pem", directory / f"{name}{days}.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, private


def _certificate(
    name: str,
    key: ec.EllipticCurvePublicKey,
    issuer: str,
    signer: ec.EllipticCurvePrivateKey,
    *,
    days: int,
    ca: bool,
) -> x509.Certificate:
    def called(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

    now = datetime.now(UTC)
    names = (
        [x509.DNSName(name), x509.IPAddress(ip_address("127.0.0.1"))] if name == "localhost" else [x509.DNSName(name)]
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(called(name))
        .issuer_name(called(issuer))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if not ca:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(signer, hashes.SHA256())


@contextlib.contextmanager
def s_server(certificate: Path, key: Path, *options: str) -> Iterator[int]:
    """Run openssl's server, which answers a GET with a page; gives its port."""
    command = ["openssl", "s_server", "-www", "-accept", "127.0.0.1:0", "-cert", str(certificate), "-key", str(key)]
    process = subprocess.Popen(
        [*command, *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    try:
        line = next(line for line in process.stdout if line.startswith("ACCEPT"))
        yield int(line.rpartition(":")[2])
    finally:
        process.kill()
        process.wait(20)
        process.stdout.close()
