"""The HTTP transport against real servers: logins, certificates, bounds, the allow-list, broken peers."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gzip
import hashlib
import re
import socket
import ssl
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest

from agent.errors import GapError
from agent.lab.recorders.server import Asked, Door, Said, serve
from agent.model.cli import received
from agent.model.exchange import HostFacts
from agent.model.http import HttpAllowed, HttpProfile, HttpReply, HttpRequest
from agent.transports.http import HttpLogin, HttpTransport
from agent.transports.http.certificate import fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from agent.model.exchange import Request
    from agent.model.http import Login

LOGIN = HttpLogin("agent", "lab-password-1")
WRONG = HttpLogin("agent", "not-the-password")
SOAP = '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><x/></s:Body></s:Envelope>'
GET = HttpRequest(path="/time?format=json&a=%20b", form="xml")


def profile(login: Login = "digest") -> HttpProfile:
    """Return a profile that allows a little."""
    return HttpProfile(
        scheme="http",
        login=login,
        allow=(
            HttpAllowed(method="GET", path=r"/(time|big|ok)(\?.*)?"),
            HttpAllowed(method="POST", path="/search", body=".*<x/>.*"),
        ),
    )


class Echo:
    """A device that answers in one way, or as a function says."""

    def __init__(self, said: Said | Callable[[Asked], Said] | None = None) -> None:
        self.said = said or Said(b"<ok/>")

    def answer(self, asked: Asked) -> Said:
        """Answer."""
        return self.said if isinstance(self.said, Said) else self.said(asked)


async def ask(transport: HttpTransport, *requests: Request) -> list[HttpReply | GapError]:
    """Return replies and gaps."""
    found: list[HttpReply | GapError] = []
    try:
        for request in requests:
            try:
                found.append(await transport.exchange(request))
            except GapError as gap:
                found.append(gap)
    finally:
        await transport.close()
    return found


def reply(found: HttpReply | GapError) -> HttpReply:
    """Return the reply."""
    assert isinstance(found, HttpReply), found
    return found


def gap(found: HttpReply | GapError) -> GapError:
    """Return the gap."""
    assert isinstance(found, GapError), found
    return found


def test_one_connection_and_one_challenge_serve_a_whole_conversation() -> None:
    """A device sees one connection, one unauthenticated request, and the path octet for octet as it was asked."""
    with serve(Echo()) as device:
        transport = HttpTransport("127.0.0.1", profile(), LOGIN, port=device.port)
        found = asyncio.run(ask(transport, *[GET] * 5))
        assert [reply(each).body for each in found] == ["<ok/>"] * 5
        assert (device.connections, device.door.wrong) == (1, 0)
        assert {each.target for each in device.asked} == {GET.path}


@pytest.mark.parametrize(
    ("algorithms", "joined"),
    [
        (("MD5",), False),
        (("SHA-256",), False),
        (("MD5-sess",), False),
        (("SHA-256-sess",), False),
        (("MD5", "SHA-256"), True),
        (("MD5", "SHA-256"), False),
        (("NOPE-512", "MD5"), True),
    ],
)
def test_digest_takes_the_strongest_algorithm_it_knows(algorithms: tuple[str, ...], joined: bool) -> None:
    """Challenges in one header or several, with unknown algorithms among them, are answered with the best of them."""
    with serve(Echo(), Door(algorithms=algorithms, joined=joined)) as device:
        found = asyncio.run(ask(HttpTransport("127.0.0.1", profile(), LOGIN, port=device.port), GET, GET))
        assert [reply(each).status for each in found] == [200, 200]
        strongest = "SHA-256" if "SHA-256" in algorithms else algorithms[-1]
        assert f"algorithm={strongest}" in device.asked[0].headers["authorization"]


def test_a_wrong_password_is_sent_once_and_never_again() -> None:
    """The device counts one wrong try, whatever is asked afterwards: a lockout is never our doing."""
    with serve(Echo()) as device:
        transport = HttpTransport("127.0.0.1", profile(), WRONG, port=device.port)
        found = asyncio.run(ask(transport, GET, GET, GET))
        assert [gap(each).reason for each in found] == ["refused"] * 3
        assert (device.door.wrong, device.asked) == (1, [])
        assert "not-the-password" not in "".join(map(str, found))


@pytest.mark.parametrize("says_stale", [True, False])
def test_a_nonce_that_is_used_up_is_no_wrong_password(says_stale: bool) -> None:
    """Devices that give a new nonce for every request, or every few, are read to the end, stale or not."""
    with serve(Echo(), Door(uses=1, says_stale=says_stale)) as device:
        found = asyncio.run(ask(HttpTransport("127.0.0.1", profile(), LOGIN, port=device.port), *[GET] * 4))
        assert [reply(each).status for each in found] == [200] * 4
        assert device.door.wrong == 0


def test_a_password_that_changes_meanwhile_costs_no_lockout() -> None:
    """A device that stops taking the password in the middle is left alone after that."""
    door = Door(uses=2, says_stale=False)

    def answer(_: Asked) -> Said:
        if len(device.asked) == 2:
            door.password = "another"
        return Said(b"<ok/>")

    with serve(Echo(answer), door) as device:
        found = asyncio.run(ask(HttpTransport("127.0.0.1", profile(), LOGIN, port=device.port), *[GET] * 6))
    assert [isinstance(each, HttpReply) for each in found] == [True, True, False, False, False, False]
    assert door.wrong == 1


@pytest.mark.parametrize(
    "challenge", ["", "Digest", 'Digest qop="auth-int", nonce="a"', "Digest algorithm=X, nonce=b", '"']
)
def test_challenges_that_cannot_be_answered_are_refusals(challenge: str) -> None:
    """An unknown algorithm or a broken challenge is a gap that says what is offered, never a traceback."""
    said = Said(status=401, headers=(("WWW-Authenticate", challenge),))
    with serve(Echo(said), Door(login="none")) as device:
        (found,) = asyncio.run(ask(HttpTransport("127.0.0.1", profile(), LOGIN, port=device.port), GET))
    assert gap(found).reason == "refused"


def test_basic_needs_the_campus_files_word() -> None:
    """A password goes over the wire as it is only where the campus file says so; else nothing of it is sent."""
    with serve(Echo(), Door(login="basic")) as device:
        (found,) = asyncio.run(ask(HttpTransport("127.0.0.1", profile(), LOGIN, port=device.port), GET))
        assert gap(found).reason == "refused"
        assert "basic: true" in str(found)
        (found,) = asyncio.run(ask(HttpTransport("127.0.0.1", profile(), LOGIN, port=device.port, basic=True), GET))
        assert reply(found).status == 200
    with serve(Echo(), Door(login="both")) as device:
        asyncio.run(ask(HttpTransport("127.0.0.1", profile(), LOGIN, port=device.port, basic=True), GET))
        assert device.asked[0].headers["authorization"].startswith("Digest ")


def test_a_store_that_wants_the_password_says_which_word_is_missing() -> None:
    """A log store asks for Basic: with a user name at hand the hint is `basic: true`, never digest login."""
    with serve(Echo(), Door(login="basic")) as store:
        (found,) = asyncio.run(ask(HttpTransport("127.0.0.1", profile("bearer"), LOGIN, port=store.port), GET))
        (nobody,) = asyncio.run(ask(HttpTransport("127.0.0.1", profile("bearer"), None, port=store.port), GET))
        login = HttpTransport("127.0.0.1", profile("bearer"), LOGIN, port=store.port, basic=True)
        (let_in,) = asyncio.run(ask(login, GET))
    assert isinstance(let_in, HttpReply)
    assert isinstance(found, GapError)
    assert isinstance(nobody, GapError)
    assert "only in clear text" in found.what
    assert "basic=true" in found.todo
    assert "api_key" in nobody.todo
    assert "digest" not in found.todo + nobody.todo


def test_bearer_tokens_and_api_keys_are_sent_with_the_first_request() -> None:
    """A store sees the token at once; one that it refuses is not sent again."""
    keys = [HttpLogin(token="tok-1"), HttpLogin(api_key="key-1")]
    with serve(Echo(), Door(login="none")) as device:
        for login in keys:
            asyncio.run(ask(HttpTransport("127.0.0.1", profile("bearer"), login, port=device.port), GET))
        assert [each.headers["authorization"] for each in device.asked] == ["Bearer tok-1", "ApiKey key-1"]
    with serve(Echo(Said(status=401)), Door(login="none")) as device:
        found = asyncio.run(ask(HttpTransport("127.0.0.1", profile("bearer"), keys[0], port=device.port), GET, GET))
        assert [gap(each).reason for each in found] == ["refused", "refused"]
        assert len(device.asked) == 1


@pytest.mark.parametrize("envelope", [SOAP, SOAP.replace("<s:Body>", "<s:Header/><s:Body>")])
def test_a_token_is_a_digest_about_the_devices_time(envelope: str) -> None:
    """WS-UsernameToken: Base64(SHA-1(nonce, created, password)), created by the device's clock, in the SOAP header."""
    request = HttpRequest(method="POST", path="/search", body=envelope, form="xml", login="token", ahead_ms=86_400_000)
    with serve(Echo(), Door(login="none")) as device:
        (found,) = asyncio.run(ask(HttpTransport("127.0.0.1", profile(), LOGIN, port=device.port), request))
        assert reply(found).status == 200
        body = device.asked[0].body.decode()
    nonce, created, digest = (re.search(f"<ws[a-z]+:{n}[^>]*>([^<]+)", body) for n in ("Nonce", "Created", "Password"))
    assert nonce
    assert created
    assert digest
    made = hashlib.sha1(base64.b64decode(nonce[1]) + created[1].encode() + b"lab-password-1").digest()
    assert base64.b64decode(digest[1]) == made
    assert body.count("Header>") == 2
    assert "lab-password-1" not in body


@pytest.mark.parametrize(
    "request_",
    [
        HttpRequest(path="/reboot", form="xml"),
        HttpRequest(path="/time/x", form="xml"),
        HttpRequest(path="/time", body="<x/>", form="xml"),
        HttpRequest(method="POST", path="/time", form="xml"),
        HttpRequest(method="POST", path="/search", body="<delete/>", form="xml"),
        HttpRequest(path="/time?a=%7d", form="xml"),
        HttpRequest(path="/time?a=%7D&b=%C3%a4", form="xml"),
        HttpRequest(path="/time?a=100%", form="xml"),
        HostFacts(),
    ],
    ids=[
        "path",
        "longer path",
        "GET with body",
        "method",
        "body",
        "small escape",
        "one small letter",
        "no escape",
        "other request",
    ],
)
def test_nothing_leaves_that_is_not_on_the_list(request_: Request) -> None:
    """Method, whole path and body must match the family's list, escapes are capitals; else no connection is made."""
    with serve(Echo()) as device:
        (found,) = asyncio.run(ask(HttpTransport("127.0.0.1", profile(), LOGIN, port=device.port), request_))
        assert gap(found).reason == "unsupported"
        assert device.connections == 0


def test_statuses_are_answers_and_redirections_are_not_followed() -> None:
    """Whatever status but 401 comes back as it is: what it means is the collector's to know."""
    for status in (204, 302, 400, 403, 404, 500, 503):
        said = Said(b"" if status == 204 else b"<x/>", status, headers=(("Location", "/ok"), ("Retry-After", "5")))
        with serve(Echo(said), Door(login="none")) as device:
            (found,) = asyncio.run(ask(HttpTransport("127.0.0.1", profile(), LOGIN, port=device.port), GET))
            assert reply(found).status == status
            assert len(device.asked) == 1


def test_names_outside_ascii() -> None:
    """A user and a realm in Chinese are hashed and sent as UTF-8."""
    door = Door(username="管理员", password="口令-1", realm="教学楼")
    with serve(Echo(), door) as device:
        transport = HttpTransport("127.0.0.1", profile(), HttpLogin("管理员", "口令-1"), port=device.port)
        (found,) = asyncio.run(ask(transport, GET))
    assert reply(found).status == 200


def test_cookies_are_not_taken() -> None:
    """A session cookie never comes back: it would be a login that nobody recorded."""
    with serve(Echo(Said(b"<x/>", headers=(("Set-Cookie", "WebSession=1; path=/"),)))) as device:
        asyncio.run(ask(HttpTransport("127.0.0.1", profile(), LOGIN, port=device.port), GET, GET))
        assert all("cookie" not in each.headers for each in device.asked)


def test_received_octets_are_kept() -> None:
    """Bytes that are no UTF-8 and backslashes come back octet for octet."""
    body = bytes(range(256)) + "摄像机".encode("gb18030") + b"\\x41"
    with serve(Echo(Said(body))) as device:
        (found,) = asyncio.run(ask(HttpTransport("127.0.0.1", profile(), LOGIN, port=device.port), GET))
    assert received(reply(found).body) == body


@pytest.mark.parametrize("packed", [False, True])
def test_bodies_are_bounded_packed_or_not(packed: bool) -> None:
    """No more than was asked for is kept, and a bomb of 64 MiB in 64 KiB is unpacked no further than that."""
    body = bytes(64 * 2**20) if packed else bytes(200_000)
    said = Said(gzip.compress(body) if packed else body, headers=(("Content-Encoding", "gzip"),) * packed)
    request = HttpRequest(path="/big", form="xml", max_octets=100_000)
    with serve(Echo(said)) as device:
        found = asyncio.run(ask(HttpTransport("127.0.0.1", profile(), LOGIN, port=device.port), request, request))
    assert [(len(received(reply(each).body)), reply(each).truncated) for each in found] == [(100_000, True)] * 2


@pytest.mark.parametrize(
    "said",
    [
        Said(b"\x1f\x8b broken", headers=(("Content-Encoding", "gzip"),)),
        Said(gzip.compress(b"a" * 1000)[:20], headers=(("Content-Encoding", "gzip"),)),
        Said(b"abc", headers=(("Content-Encoding", "br"),)),
        Said(b"abc", headers=(("Content-Length", "5"), ("Connection", "close"))),
        Said(b"5\r\nab", headers=(("Transfer-Encoding", "chunked"), ("Connection", "close"))),
        Said(b"zz\r\n", headers=(("Transfer-Encoding", "chunked"),)),
        Said(b"abc", headers=(("Content-Length", "-3"),)),
    ],
    ids=["bad gzip", "short gzip", "brotli", "short body", "short chunk", "bad chunk", "bad length"],
)
def test_broken_framing_is_a_malformed_answer(said: Said) -> None:
    """A body that contradicts its own framing is refused with a reason."""
    with serve(Echo(said), Door(login="none")) as device:
        (found,) = asyncio.run(ask(HttpTransport("127.0.0.1", profile(), LOGIN, port=device.port), GET))
    assert gap(found).reason == "malformed"


@contextlib.contextmanager
def peer(behave: Callable[[socket.socket], None]) -> Iterator[int]:
    """Listen on a free port and treat each connection in one way until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.1)
    stop = threading.Event()

    def loop() -> None:
        while not stop.is_set():
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(20)
                    behave(connection)

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        stop.set()
        thread.join()
        listener.close()


def test_a_peer_that_speaks_no_http_is_malformed() -> None:
    """An SSH server, or noise, on the port is told apart from silence."""

    def noise(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")

    with peer(noise) as port:
        (found,) = asyncio.run(ask(HttpTransport("127.0.0.1", profile(), LOGIN, port=port), GET))
    assert gap(found).reason == "malformed"


def test_a_peer_that_answers_nothing_ends_in_time() -> None:
    """Silence, and a body that drips, end with the request's own time."""

    def drip(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1")
        connection.recv(4096)

    with peer(drip) as port:
        request = GET.model_copy(update={"seconds": 1})
        (found,) = asyncio.run(ask(HttpTransport("127.0.0.1", profile(), LOGIN, port=port), request))
    assert gap(found).reason == "unreachable"


def test_a_closed_port_and_a_wrong_name_are_unreachable() -> None:
    """Nobody there is a gap with the reason."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    for host in ("127.0.0.1", "no such host", "a..b", ""):
        (found,) = asyncio.run(ask(HttpTransport(host, profile(), LOGIN, port=port), GET))
        assert gap(found).reason == "unreachable"


def test_a_connection_that_the_device_closed_is_opened_anew() -> None:
    """A device that hangs up after each answer, without saying so, is asked over a new connection."""
    answered = []

    def once(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        answered.append(1)

    with peer(once) as port:
        found = asyncio.run(ask(HttpTransport("127.0.0.1", profile("none"), port=port), *[GET] * 3))
    assert [reply(each).body for each in found] == ["ok"] * 3
    assert len(answered) == 3


@pytest.fixture(scope="module")
def keypair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return a self-signed certificate of a recorder, with key, and its fingerprint."""
    path = tmp_path_factory.mktemp("tls") / "device.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=recorder", "-days", "2"]
    subprocess.run([*command, "-keyout", path, "-out", f"{path}.crt"], check=True, capture_output=True)
    pem = path.with_suffix(".pem.crt").read_text()
    path.write_text(path.read_text() + pem)
    return path, fingerprint(ssl.PEM_cert_to_DER_cert(pem))


def server_context(path: Path) -> ssl.SSLContext:
    """Return the server's side."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def test_a_pinned_certificate_is_the_only_one_that_is_talked_to(keypair: tuple[Path, str]) -> None:
    """With the right pin the device is read; with another, or none, nothing is sent and the gap names the one shown."""
    path, pin = keypair
    other = fingerprint(b"another certificate")
    with serve(Echo(), tls=server_context(path)) as device:
        for pinned, fits in ((pin, True), (other, False), (None, False)):
            transport = HttpTransport(
                "127.0.0.1", profile(), LOGIN, port=device.port, scheme="https", certificate=pinned
            )
            found = asyncio.run(ask(transport, GET, GET))
            if fits:
                assert [reply(each).status for each in found] == [200, 200]
                assert len(device.asked) == 2
            else:
                assert [gap(each).reason for each in found] == ["refused", "refused"]
                assert pin in str(found[0])
        assert len(device.asked) == 2


def test_a_peer_without_tls_is_no_secure_device(keypair: tuple[Path, str]) -> None:
    """HTTP on the port of HTTPS is a gap, and nothing is sent in the clear."""
    with serve(Echo()) as device:
        transport = HttpTransport(
            "127.0.0.1", profile(), LOGIN, port=device.port, scheme="https", certificate=keypair[1]
        )
        (found,) = asyncio.run(ask(transport, GET))
        assert gap(found).reason == "unreachable"
        assert device.asked == []
