"""Probes against real servers on loopback: how far they come, what they say and leave out."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import GapError
from agent.model.exchange import GapReason, HostFacts, NetAddresses, NetLookup, NetProbe, NetProbed
from agent.transports.net import NetTransport, _nameless, _next, hop
from agent.transports.net.hop import Target
from agent.transports.net.names import Address
from agent.transports.net.speech import LONGEST_HEAD, complete, hear, say
from tests.transports.net_peers import authority, closed_port, leaf, mute, peer, s_server, site

if TYPE_CHECKING:
    from pathlib import Path

    from agent.model.exchange import Request

OPENSSL = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs Debian's openssl")


async def asked(host: str, *requests: Request) -> list[object]:
    """Ask one transport everything, in order."""
    transport = NetTransport(host)
    try:
        return [await transport.exchange(request) for request in requests]
    finally:
        await transport.close()
        await transport.close()


def probe(host: str, request: Request) -> NetProbed:
    """Ask one thing."""
    (told,) = asyncio.run(asked(host, request))
    assert isinstance(told, NetProbed)
    return told


def lookup(host: str) -> NetAddresses:
    """Look up."""
    (told,) = asyncio.run(asked(host, NetLookup()))
    assert isinstance(told, NetAddresses)
    return told


# --- names --------------------------------------------------------------------------------------------------------


def test_a_name_is_looked_up_in_each_family_apart() -> None:
    """localhost has an IPv4 address here; each lookup has its own time, and no address is kept."""
    told = lookup("localhost")
    assert [one.family for one in told.found] == ["ipv4", "ipv6"]
    four = told.found[0]
    assert (four.state, four.scopes, four.prefixes, told.literal) == ("found", ("loopback",), (), False)
    assert all(one.elapsed_us >= 0 for one in told.found)
    assert b"127.0.0" not in told.to_bytes()


@pytest.mark.parametrize(("host", "family"), [("127.0.0.1", "ipv4"), ("::1", "ipv6")])
def test_a_literal_is_no_name(host: str, family: str) -> None:
    """A literal has one family, and says that it is one."""
    told = lookup(host)
    assert told.literal
    assert {one.family for one in told.found if one.state == "found"} == {family}
    assert {one.state for one in told.found} == {"found", "none"}


@pytest.mark.parametrize("host", ["a" * 70 + ".example", "a\0b"])
def test_what_cannot_be_a_name_is_unknown(host: str) -> None:
    """A label that is too long and a NUL are names that nobody has, not tracebacks."""
    told = lookup(host)
    assert {one.state for one in told.found} == {"unknown"}
    assert probe(host, NetProbe(port=80)).outcome == "name-unknown"


def test_public_addresses_keep_their_network_only() -> None:
    """Of a public server the /24 or /48 stays, of any other only the scope."""
    assert Address("ipv4", ("8.8.4.4", 0)).prefix == "8.8.4.0/24"
    assert Address("ipv6", ("2400:3200::1", 0, 0, 0)).prefix == "2400:3200::/48"
    assert Address("ipv4", ("10.1.2.3", 0)).prefix == ""
    assert Address("ipv6", ("fe80::1%eth0", 0, 0, 2)).scope == "link-local"


def test_a_family_without_an_address_is_told() -> None:
    """An IPv4 literal has no IPv6: that is an answer and no gap."""
    assert probe("127.0.0.1", NetProbe(port=80, family="ipv6")).outcome == "no-address"
    assert _nameless(["none", "failed"]) == "name-failed"


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs util-linux")
def test_a_server_without_a_network_blames_itself() -> None:
    """In a namespace without routes nothing is sent: a gap that names this server, for literals and for names."""
    code = """if True:
        import asyncio
        from agent.errors import GapError
        from agent.model.exchange import NetLookup, NetProbe
        from agent.transports.net import NetTransport
        async def main():
            for host, request in (
                ("192.0.2.1", NetProbe(port=80)),
                ("2001:db8::1", NetProbe(port=80)),
                ("platform.example", NetLookup(seconds=60)),
            ):
                transport = NetTransport(host)
                try:
                    print("answer", await transport.exchange(request))
                except GapError as gap:
                    print(gap.reason, gap)
                await transport.close()
        asyncio.run(main())
    """
    command = ["unshare", "--net", sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode and "unshare" in done.stderr:
        pytest.skip("may not make a network namespace")
    lines = done.stdout.splitlines()
    assert len(lines) == 3, done.stderr
    assert all(line.startswith("unsupported ") and "this server has no" in line for line in lines)


# --- connections --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_page_in_each_family(host: str) -> None:
    """Connection and first octet have their times; the status is there, the body and the address are not."""
    with site(host) as (port, seen):
        told = probe(host, NetProbe(port=port, speak="http", path="/a?b=1"))
    assert (told.outcome, told.service, told.status, told.scope, told.tried) == ("ok", "http", 200, "loopback", 1)
    assert told.family == ("ipv6" if ":" in host else "ipv4")
    assert told.connect_us is not None
    assert told.first_byte_us is not None
    assert told.tls_us is None
    assert told.lookup_us is None
    assert b"page" not in told.to_bytes()
    ((path, headers),) = seen
    assert path == "/a?b=1"
    assert headers["User-Agent"] == "campus-agent"
    assert headers["Host"] == (f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    assert not {"Cookie", "Authorization"} & set(headers)


def test_a_name_that_was_looked_up_is_not_looked_up_again() -> None:
    """The first probe of a name tells the time of the lookup, the next one of the conversation does not."""
    with site() as (port, _):
        request = NetProbe(port=port, speak="http", family="ipv4")
        first, second = asyncio.run(asked("localhost", request, request))
    assert isinstance(first, NetProbed)
    assert isinstance(second, NetProbed)
    assert first.lookup_us is not None
    assert second.lookup_us is None
    assert first.status == second.status == 200


def test_a_closed_port_is_refused() -> None:
    """A RST is the host's own word."""
    told = probe("127.0.0.1", NetProbe(port=closed_port(), speak="http"))
    assert (told.outcome, told.connect_us, told.status) == ("refused", None, None)


def test_a_host_that_accepts_and_says_nothing() -> None:
    """Asked for a page it gave no answer; listened to, its port is simply open."""
    with mute() as port:
        assert probe("127.0.0.1", NetProbe(port=port, speak="http", seconds=1)).outcome == "no-answer"
        told = probe("127.0.0.1", NetProbe(port=port))
        assert (told.outcome, told.service) == ("ok", "")
        assert told.connect_us is not None


@pytest.mark.parametrize(
    ("said", "speak", "service", "status"),
    [
        (b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nPublic: OPTIONS\r\n\r\n", "rtsp", "rtsp", 200),
        (b"SIP/2.0 405 Method Not Allowed\r\n\r\n", "sip", "sip", 405),
        (b"HTTP/1.1 503 Busy\r\n\r\n", "http", "http", 503),
        (b"\x15\x03\x01\x00\x02\x02\x46", "http", "other", None),
    ],
)
def test_what_answers_is_told_by_its_first_octets(said: bytes, speak: str, service: str, status: int | None) -> None:
    """RTSP, SIP and HTTP by name and status; anything else is something else."""

    async def run() -> object:
        async with peer(said, stays=service != "other") as port:
            request = NetProbe.from_json({"op": "net.probe", "port": port, "speak": speak, "seconds": 20})
            return (await asked("127.0.0.1", request))[0]

    told = asyncio.run(run())
    assert isinstance(told, NetProbed)
    assert (told.outcome, told.service, told.status) == ("ok", service, status)


@pytest.mark.parametrize(
    ("greeting", "service"),
    [
        (b"SSH-2.0-dropbear\r\n", "ssh"),
        (b"220 FTP ready\r\n", "ftp"),
        (b"220 mx ESMTP\r\n", "smtp"),
        (b"\xff", "other"),
    ],
)
def test_a_greeting_is_listened_to(greeting: bytes, service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hosts that speak first are known without a word from here; what they said is not kept."""
    monkeypatch.setattr(hop, "GREETING_SECONDS", 20.0)  # this machine may be slow

    async def run() -> object:
        async with peer(greeting, first=True) as port:
            return (await asked("127.0.0.1", NetProbe(port=port)))[0]

    told = asyncio.run(run())
    assert isinstance(told, NetProbed)
    assert (told.outcome, told.service) == ("ok", service)
    assert b"dropbear" not in told.to_bytes()


@pytest.mark.parametrize("reset", [False, True])
def test_a_host_that_hangs_up(reset: bool) -> None:
    """A connection that ends before an answer is closed, however it ends."""

    async def run() -> object:
        async with peer(b"", reset=reset) as port:
            return (await asked("127.0.0.1", NetProbe(port=port, speak="http")))[0]

    told = asyncio.run(run())
    assert isinstance(told, NetProbed)
    assert told.outcome == "closed"


def test_an_endless_head_ends() -> None:
    """What is read of an answer is bounded, and what was understood of it stays."""

    async def run() -> object:
        async with peer(b"HTTP/1.1 200 OK\r\nX: " + b"x" * (4 * LONGEST_HEAD)) as port:
            return (await asked("127.0.0.1", NetProbe(port=port, speak="http", seconds=20)))[0]

    told = asyncio.run(run())
    assert isinstance(told, NetProbed)
    assert (told.outcome, told.status) == ("ok", 200)


# --- redirections -------------------------------------------------------------------------------------------------


def test_a_redirection_on_the_same_host_is_followed() -> None:
    """The status is that of the last page, the times are those of the first."""
    with site() as (port, seen):
        told = probe("127.0.0.1", NetProbe(port=port, speak="http", path="/moved", redirects=3))
        assert (told.status, told.hops, told.redirect) == (200, 1, "")
        assert [path for path, _ in seen] == ["/moved", "/"]
        told = probe("127.0.0.1", NetProbe(port=port, speak="http", path="/moved"))
        assert (told.status, told.hops, told.redirect) == (302, 0, "same-host")


def test_a_circle_ends_at_the_cap() -> None:
    """A page that leads to itself is asked for as often as the request allows and no more."""
    with site() as (port, seen):
        told = probe("127.0.0.1", NetProbe(port=port, speak="http", path="/round", redirects=2))
    assert (told.hops, told.redirect, len(seen)) == (2, "same-host", 3)


@pytest.mark.parametrize(("path", "redirect"), [("/inside", "private"), ("/odd", "unknown")])
def test_another_host_is_never_gone_to(path: str, redirect: str) -> None:
    """Where it points is told by scope: a portal inside the campus; what is no URL is unknown."""
    with site() as (port, seen):
        told = probe("127.0.0.1", NetProbe(port=port, speak="http", path=path, redirects=3))
    assert (told.status, told.hops, told.redirect, len(seen)) == (302, 0, redirect, 1)
    assert b"192.168" not in told.to_bytes()


def test_a_redirection_leads_to_http_and_https_only() -> None:
    """Other schemes, hosts and spellings of ports lead nowhere."""
    here = Target("a.example", 80, tls=False, verify=True, speak="http", path="/x/y")
    followed = _next(here, "https://A.example/z?q=1#f")
    assert followed == Target("a.example", 443, tls=True, verify=True, speak="http", path="/z?q=1")
    assert _next(here, "../w") == Target("a.example", 80, tls=False, verify=True, speak="http", path="/w")
    for location in ("https://b.example/", "ftp://a.example/", "https://a.example:99999/", "//b.example/", "file:///x"):
        assert _next(here, location) is None


# --- TLS ----------------------------------------------------------------------------------------------------------


@OPENSSL
def test_a_certificate_is_checked_or_only_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the authority known it is verified; for devices nothing is checked, and the facts are the same."""
    ca, _, key = authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(ca))
    with s_server(*leaf(tmp_path, key)) as port:
        strict = probe("localhost", NetProbe(port=port, tls=True, verify=True, speak="http", family="ipv4"))
        loose = probe("127.0.0.1", NetProbe(port=port, tls=True, speak="http"))
    assert (strict.outcome, strict.service, strict.status) == ("ok", "http", 200)
    assert strict.tls is not None
    assert loose.tls is not None
    assert strict.tls.trust == "verified"
    assert loose.tls.trust == "not-checked"
    assert (strict.tls.fingerprint, strict.tls.issuer) == (loose.tls.fingerprint, loose.tls.issuer)
    assert strict.tls.version == "TLSv1.3"
    assert strict.tls_us is not None


@OPENSSL
@pytest.mark.parametrize(
    ("name", "days", "known", "trust"),
    [
        ("localhost", 30, False, "untrusted"),
        ("localhost", -1, True, "expired"),
        ("other.example", 30, True, "name-mismatch"),
    ],
)
def test_why_a_certificate_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, days: int, known: bool, trust: str
) -> None:
    """The probe ends before a word is said, and the record says what was shown and why it was not believed."""
    ca, _, key = authority(tmp_path)
    if known:
        monkeypatch.setenv("SSL_CERT_FILE", str(ca))
    with s_server(*leaf(tmp_path, key, name=name, days=days)) as port:
        told = probe("localhost", NetProbe(port=port, tls=True, verify=True, speak="http", family="ipv4"))
    assert (told.outcome, told.status, told.first_byte_us) == ("tls-failed", None, None)
    assert told.tls is not None
    assert told.tls.trust == trust


@OPENSSL
def test_old_devices_shake_hands(tmp_path: Path) -> None:
    """A device that knows TLS 1.0 alone is still a device that answers."""
    _, _, key = authority(tmp_path)
    with s_server(*leaf(tmp_path, key), "-tls1", "-cipher", "DEFAULT:@SECLEVEL=0") as port:
        told = probe("127.0.0.1", NetProbe(port=port, tls=True, speak="http"))
    assert told.tls is not None
    assert (told.outcome, told.tls.version) == ("ok", "TLSv1")


def test_tls_with_a_host_that_speaks_none() -> None:
    """Clear text instead of a handshake, and silence instead of one, are failed handshakes."""

    async def run() -> object:
        async with peer(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
            return (await asked("127.0.0.1", NetProbe(port=port, tls=True, speak="http")))[0]

    told = asyncio.run(run())
    assert isinstance(told, NetProbed)
    assert (told.outcome, told.tls) == ("tls-failed", None)
    assert told.connect_us is not None
    with mute() as port:
        assert probe("127.0.0.1", NetProbe(port=port, tls=True, seconds=1)).outcome == "tls-failed"


# --- what is said and heard ----------------------------------------------------------------------------------------


@given(st.binary(max_size=300), st.sampled_from([b"", b"HTTP/1.1 302 F\r\nLocation: ", b"RTSP/1.0 ", b"220 "]))
def test_any_octets_are_heard(data: bytes, start: bytes) -> None:
    """Whatever a host says, it is one of the services, and a location holds no control characters."""
    heard = hear(start + data)
    assert heard.location.isascii()
    assert heard.location == "" or heard.location.isprintable()
    assert heard.status is None or 0 <= heard.status <= 999
    assert complete(start + data, "")


def test_a_location_in_a_body_is_none() -> None:
    """Only the head says where a page went."""
    assert hear(b"HTTP/1.1 200 OK\r\n\r\nLocation: http://a/\r\n").location == ""
    assert hear(b"HTTP/1.1 302 OK\r\nlocation:\thttp://a/\r\n\r\n").location == "http://a/"


@pytest.mark.parametrize("speak", ["http", "rtsp", "sip"])
@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "fe80::1%eth0", "学校.example"])
def test_what_is_said_is_one_request(speak: str, host: str) -> None:
    """Each protocol's request is ASCII, ends with one empty line, and names the host without its zone."""
    said = say(speak, host, 8080, "/", tls=False)  # type: ignore[arg-type]
    assert said.endswith(b"\r\n\r\n")
    assert said.count(b"\r\n\r\n") == 1
    assert b"%" not in said
    assert said.split(b" ")[0] == (b"GET" if speak == "http" else b"OPTIONS")


def test_other_requests_are_refused() -> None:
    """A probe carries probes only."""
    with pytest.raises(GapError) as caught:
        asyncio.run(asked("127.0.0.1", HostFacts()))
    assert caught.value.reason == GapReason.UNSUPPORTED


def test_a_probe_that_is_given_up_leaves_nothing_behind() -> None:
    """Cancelled in the middle, the connection is closed: an open one would fail this test as a warning."""

    async def run() -> None:
        with mute() as port:
            transport = NetTransport("127.0.0.1")
            task = asyncio.create_task(transport.exchange(NetProbe(port=port, speak="http", seconds=20)))
            await asyncio.sleep(0.05)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            assert task.cancelled()
            await transport.close()

    asyncio.run(run())
