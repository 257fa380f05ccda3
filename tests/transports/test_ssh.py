"""The SSH transport against a real OpenSSH server that plays vendors' command lines, and peers that are none."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.errors import ConfigError, GapError
from agent.model.cli import received, screen_lines
from agent.model.exchange import CliCommand, CliOutput, GapReason, SnmpGet
from agent.packs.load import config_directory, load_families
from agent.transports.ssh import SshGate, SshLimits, SshLogin, SshTransport, private_key
from agent.transports.ssh.device import Device
from agent.transports.ssh.dialogue import Dialogue
from agent.transports.ssh.guard import ForbiddenError, Guard
from tests.peers.sshd import IS_ROOT, OLD, Sshd, sshd

if TYPE_CHECKING:
    from collections.abc import Iterator

FAMILIES = load_families(config_directory())
CLOCK = CliCommand(command="display clock", seconds=10)
QUICK = SshLimits(connect_seconds=2, handshake_seconds=3, login_seconds=4, close_seconds=1)
TIME = b"2020-09-24 19:55:02+08:00\r\nThursday\r\n"
LONG = b"".join(b"line %d of a long answer\n" % number for number in range(47))
needs_root = pytest.mark.skipif(not IS_ROOT, reason="a throw-away user with a password needs root")

DEVICES = {
    "huawei-vrp-cli": (b"<SW-1>", "huawei", b"screen-length 0 temporary\n", b"quit\n"),
    "huawei-usg-cli": (b"HRP_M<FW-1>", "huawei", b"screen-length 0 temporary\n", b"quit\n"),
    "h3c-secpath-cli": (b"RBM_P<H3C>", "huawei", b"screen-length disable\n", b"quit\n"),
    "h3c-comware-cli": (b"<H3C>", "huawei", b"screen-length disable\n", b"quit\n"),
    "ruijie-rgos-cli": (b"Ruijie#", "cisco", b"terminal length 0\n", b"exit\n"),
    "zte-zxros-cli": (b"ZXR10>", "cisco", b"terminal length 0\n", b"exit\n"),
    "maipu-cli": (b"MyPower#", "cisco", b"more off\n", b"exit\n"),
    "hillstone-cli": (b"SG-6000# ", "cisco", b"terminal length 0\n", b"exit\n"),
    "cisco-ios-cli": (b"sw1>", "cisco", b"terminal length 0\n", b"exit\n"),
    "fortinet-cli": (b"FGT-100E # ", "fortinet", b"", b"exit\n"),
    "linux-cli": (b"\x1b[?2004h\x1b]0;poll@log: ~\x07poll@log:~$ ", None, b"", b"exit\n"),
}
"""Family -> prompt, pager, what switches it off, what leaves."""


@pytest.fixture(scope="module")
def device() -> Iterator[Sshd]:
    """One server for the tests that do not hurt it."""
    with sshd() as running:
        yield running


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """Every session, however it ends, leaves no thread and no socket behind."""
    before = _sockets()
    yield
    gc.collect()
    assert [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()] == []
    assert _sockets() <= before


def _sockets() -> set[str]:
    links = (os.path.realpath(entry) for entry in Path("/proc/self/fd").iterdir())
    return {link for link in links if "socket:" in link}


def _transport(peer: Sshd, family: str = "huawei-vrp-cli", **more: object) -> SshTransport:
    profile = FAMILIES[family].cli
    assert profile is not None
    settings: dict[str, object] = {"host_key": peer.host_key(), "limits": QUICK, **more}
    login = settings.pop("login", SshLogin(peer.username, None, peer.private_key))
    assert isinstance(login, SshLogin)
    return SshTransport(peer.host, peer.port, login, profile, **settings)  # type: ignore[arg-type]


def _ask(transport: SshTransport, *requests: CliCommand) -> list[CliOutput]:
    async def talk() -> list[CliOutput]:
        try:
            return [await transport.exchange(request) for request in requests]
        finally:
            await transport.close()
            await transport.close()

    return asyncio.run(talk())


def _gap(transport: SshTransport, *requests: CliCommand) -> GapError:
    with pytest.raises(GapError) as caught:
        _ask(transport, *requests)
    return caught.value


@pytest.mark.parametrize("name", DEVICES)
def test_each_family_is_read_and_sent_nothing_but_its_list(device: Sshd, name: str) -> None:
    """Login, paging off, commands, leave: the device receives exactly these octets, and every line comes back."""
    prompt, pager, off, leave = DEVICES[name]
    profile = FAMILIES[name].cli
    assert profile is not None
    device.play(prompt, dict.fromkeys(profile.commands, LONG), pager=pager, banner=b"\r\nAuthorised users only\r\n\r\n")
    requests = [CliCommand(command=command) for command in profile.commands[:2]]
    outputs = _ask(_transport(device, name), *requests)
    for output, request in zip(outputs, requests, strict=True):
        lines = [line for line in screen_lines(received(output.output)) if line]
        assert lines == [request.command.encode(), *LONG.splitlines()]
    # Where paging cannot be switched off for a session, a space turns each of nine pages.
    turned = b"" if off or pager is None else b" " * 9
    sent = b"".join(request.command.encode() + b"\n" + turned for request in requests)
    assert device.typed() == b"\n" + off + sent + leave


def test_received_octets_are_kept_exactly(device: Sshd) -> None:
    """GBK text, a backslash, colour and a NUL come back octet for octet; nothing is decoded on the way."""
    data = "日志主机：已启用\r\n".encode("gbk") + b"C:\\x41 \x1b[31mred\x1b[0m \x00 \xff\r\n"
    device.play(b"<SW>", {"display clock": data})
    (output,) = _ask(_transport(device), CLOCK)
    assert received(output.output) == b"display clock\r\n" + data


@needs_root
def test_a_password_opens_as_well_as_a_key(device: Sshd) -> None:
    """Both kinds of credential reach the prompt."""
    device.play(b"<SW>", {"display clock": TIME})
    (output,) = _ask(_transport(device, login=SshLogin(device.username, device.password)), CLOCK)
    assert received(output.output).endswith(TIME)


@needs_root
def test_a_wrong_password_is_tried_exactly_once(device: Sshd) -> None:
    """A refused login is final for the transport: the second request connects no more, and no account gets locked."""
    device.play(b"<SW>")
    before = device.log()
    transport = _transport(device, login=SshLogin(device.username, "canary-wrong-password"))

    async def twice() -> list[str]:
        told = []
        for _ in range(2):
            with pytest.raises(GapError) as caught:
                await transport.exchange(CLOCK)
            told.append(str(caught.value))
            assert caught.value.reason == GapReason.REFUSED
        await transport.close()
        return told

    first, second = asyncio.run(twice())
    news = device.log()[len(before) :]
    assert first == second
    assert "canary" not in first + repr(transport)
    assert (news.count("Failed password"), news.count("Connection from")) == (1, 1)


def test_an_unpinned_device_gets_nothing_and_its_key_is_shown(device: Sshd) -> None:
    """The first contact is a person's decision: the gap says what to compare and what to write where."""
    before = device.log()
    gap = _gap(_transport(device, host_key=None), CLOCK)
    assert gap.reason == GapReason.REFUSED
    assert f"host_key: {device.host_key()}" in str(gap)
    assert "publickey" not in device.log()[len(before) :]


def test_a_changed_host_key_gets_nothing(device: Sshd) -> None:
    """Somebody in between, or a replaced device: no user name, no password leaves."""
    before = device.log()
    gap = _gap(_transport(device, host_key=device.host_key("other")), CLOCK)
    assert gap.reason == GapReason.REFUSED
    assert "another host key" in str(gap)
    assert device.username not in device.log()[len(before) :].replace("Connection closed by authenticating user", "")


def test_a_device_with_nothing_newer_than_sha1_is_a_gap_that_says_so() -> None:
    """The library dropped SHA-1: the finding is the device's age, not a vague network error."""
    with sshd(algorithms=OLD, host_key="rsa") as old:
        gap = _gap(_transport(old), CLOCK)
    assert gap.reason == GapReason.REFUSED
    assert "no longer supported" in str(gap)


def test_a_never_ending_pager_ends(device: Sshd) -> None:
    """A device that shows --More-- for ever is left after a bounded number of pages."""
    limits = SshLimits(login_seconds=4, close_seconds=1, max_pages=20)
    device.play(b"<SW>", pager="huawei", always_pages=True, endless=True)
    gap = _gap(_transport(device, limits=limits), CLOCK)
    assert gap.reason == GapReason.MALFORMED
    assert "more than 20 pages" in str(gap)
    assert device.typed().count(b" ") >= 20


def test_a_banner_without_a_prompt_is_a_gap(device: Sshd) -> None:
    """A shell that only greets is left when its time is over."""
    device.play(b"<SW>", mute=True, banner=b"Welcome\r\n")
    gap = _gap(_transport(device, limits=SshLimits(login_seconds=1, close_seconds=1)), CLOCK)
    assert gap.reason == GapReason.DEADLINE


@pytest.mark.parametrize("greeting", [b"SSH-2.0-mute\r\n", b"", b"220 ftp ready\r\n"])
def test_a_peer_that_only_greets_is_a_gap(greeting: bytes) -> None:
    """Something that accepts the connection and says nothing more, or speaks something else, ends in time."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_greet, args=(server, greeting))
        thread.start()
        profile = FAMILIES["huawei-vrp-cli"].cli
        assert profile is not None
        limits = SshLimits(handshake_seconds=1, close_seconds=1)
        transport = SshTransport("127.0.0.1", server.getsockname()[1], SshLogin("a", "b"), profile, limits=limits)
        started = time.monotonic()
        gap = _gap(transport, CLOCK)
        thread.join(10)
    assert gap.reason == GapReason.UNREACHABLE
    assert time.monotonic() - started < 20


def _greet(server: socket.socket, greeting: bytes) -> None:
    connection, _ = server.accept()
    with connection:
        connection.sendall(greeting)
        while connection.recv(4096):
            pass


def test_a_closed_port_is_unreachable() -> None:
    """Nobody listens: said at once."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    profile = FAMILIES["huawei-vrp-cli"].cli
    assert profile is not None
    gap = _gap(SshTransport("127.0.0.1", port, SshLogin("a", "b"), profile), CLOCK)
    assert gap.reason == GapReason.UNREACHABLE


def test_a_slow_device_is_left_at_its_commands_deadline(device: Sshd) -> None:
    """The request says how long; the session is closed then, since nobody knows what would come next."""
    device.play(b"<SW>", {"display clock": TIME}, delay=30)
    started = time.monotonic()
    gap = _gap(_transport(device), CliCommand(command="display clock", seconds=1))
    assert gap.reason == GapReason.DEADLINE
    assert time.monotonic() - started < 25, "not at the end of the 30 s that the device takes"


def test_a_cancelled_conversation_leaves_at_once(device: Sshd) -> None:
    """The conversation's own deadline breaks the connection; no thread goes on waiting for the device."""
    device.play(b"<SW>", {"display clock": TIME}, delay=30)
    transport = _transport(device)

    async def cut() -> float:
        started = time.monotonic()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2):
                await transport.exchange(CLOCK)
        with pytest.raises(GapError):
            await transport.exchange(CLOCK)
        await transport.close()
        return time.monotonic() - started

    assert asyncio.run(cut()) < 25, "not at the end of the 30 s that the device takes"


def test_a_connection_lost_in_the_middle_is_a_gap(device: Sshd) -> None:
    """Half an answer is no answer."""
    device.play(b"<SW>", {"display clock": LONG}, drop=True)
    gap = _gap(_transport(device), CLOCK)
    assert gap.reason == GapReason.UNREACHABLE
    assert "closed the SSH connection" in str(gap)


def test_output_beyond_the_cap_is_a_gap(device: Sshd) -> None:
    """A device may not fill the memory."""
    device.play(b"<SW>", {"display clock": TIME}, flood=6000)
    gap = _gap(_transport(device, limits=SshLimits()), CLOCK)
    assert gap.reason == GapReason.MALFORMED
    assert "5242880 octets" in str(gap)


def test_output_below_the_cap_arrives_whole(device: Sshd) -> None:
    """Megabytes are read in reasonable time."""
    device.play(b"<SW>", {"display clock": TIME}, flood=3000)
    started = time.monotonic()
    (output,) = _ask(_transport(device), CLOCK)
    assert received(output.output).count(b"xxxx\r\n") == 3000
    assert time.monotonic() - started < 30


class _Pieces:
    """A device in memory that pages its answer and whose octets arrive in any pieces."""

    def __init__(self, pages: list[bytes], cuts: list[int]) -> None:
        self._pages = list(pages)
        self.cuts = cuts
        self._ready = b"<SW>"
        self.sent: list[bytes] = []

    def send(self, data: bytes) -> None:
        self.sent.append(data)
        if data == b"\n" or data.startswith(b"screen"):
            self._ready += data + b"\r\n<SW>"
        else:
            self._ready += b"\x1b[42D" + b" " * 42 + b"\x1b[42D" if data == b" " else data + b"\r\n"
            self._ready += self._pages.pop(0) + (b"  ---- More ----" if self._pages else b"<SW>")

    def receive(self, seconds: float) -> bytes | None:
        size = self.cuts.pop(0) if self.cuts else len(self._ready)
        piece, self._ready = self._ready[:size], self._ready[size:]
        return piece or None


@example([[b"a"], [b"b"]], [16, 40, 5, 4])
@given(
    st.lists(st.lists(st.sampled_from([b"a", b"bb ", b"- More -", b""]), min_size=1), min_size=1, max_size=4),
    st.lists(st.integers(1, 9), max_size=60),
)
def test_pages_are_counted_whatever_the_pieces(pages: list[list[bytes]], cuts: list[int]) -> None:
    """A mark that arrives in two pieces is one mark, and so is one whose wiping does: one space for each page."""
    profile = FAMILIES["huawei-vrp-cli"].cli
    assert profile is not None
    texts = [b"".join(line + b"\r\n" for line in page) for page in pages]
    wire = _Pieces(texts, [])
    limits = SshLimits(login_seconds=5)
    dialogue = Dialogue(wire, profile, limits, Device("sw", 22, time.monotonic()), threading.Event())
    dialogue.open()
    wire.cuts = cuts
    output, _ = dialogue.run("display clock", 5)
    assert wire.sent.count(b" ") == len(pages) - 1
    shown = [line for line in screen_lines(output) if line][1:]
    assert shown == [line.rstrip() for page in pages for line in page if line.strip()]


def test_a_prompt_that_changes_is_followed(device: Sshd) -> None:
    """A firewall pair switches over in the middle of a session: HRP_M becomes HRP_S."""
    device.play(b"HRP_M<FW>", {"display clock": TIME, "display version": TIME}, new_prompt=b"HRP_S<FW>")
    outputs = _ask(_transport(device), CLOCK, CliCommand(command="display version"))
    assert [received(output.output).endswith(TIME) for output in outputs] == [True, True]


def test_a_prompt_behind_text_without_line_end_is_found(device: Sshd) -> None:
    """Some commands end without a line end; the output loses nothing and the prompt is not in it."""
    device.play(b"<SW>", {"display clock": b"10:09:00 UTC Fri 03/16/2015"})
    (output,) = _ask(_transport(device), CLOCK)
    assert received(output.output) == b"display clock\r\n10:09:00 UTC Fri 03/16/2015"


def test_questions_after_login_are_answered_harmlessly(device: Sshd) -> None:
    """An old password is kept: the device asks, the answer is no."""
    device.play(b"<SW>", {"display clock": TIME}, questions=["Warning: password expires. Change now? [Y/N]:"])
    _ask(_transport(device), CLOCK)
    assert device.typed().startswith(b"N\n")


def test_a_command_that_is_not_listed_is_never_sent(device: Sshd) -> None:
    """The list of the family decides; not even a connection is made, and the session stays usable."""
    before = device.log()
    gap = _gap(_transport(device), CliCommand(command="show version"))
    assert gap.reason == GapReason.UNSUPPORTED
    assert device.log() == before
    with pytest.raises(GapError, match="cannot answer"):
        asyncio.run(_transport(device).exchange(SnmpGet(oids=())))


@pytest.mark.parametrize(
    "data",
    [b"reset saved-configuration\n", b"display clock", b"display clock\nreboot\n", b"display  clock\n", b"y", b"\n\n"],
)
def test_the_guard_admits_nothing_else(data: bytes) -> None:
    """The last look before the socket takes whole known lines only."""
    profile = FAMILIES["huawei-vrp-cli"].cli
    assert profile is not None
    guard = Guard(profile)
    assert guard.admit(b"display clock\n") == b"display clock\n"
    with pytest.raises(ForbiddenError):
        guard.admit(data)


def test_one_device_has_one_session_and_all_together_a_few(device: Sshd) -> None:
    """Two transports to one device speak one after the other: it has few lines, and others need them too."""
    device.play(b"<SW>", {"display clock": TIME}, delay=0.3)

    async def both() -> list[int]:
        gate = SshGate(2)
        seen: list[int] = []
        transports = [_transport(device, gate=gate) for _ in range(3)]

        async def one(transport: SshTransport) -> None:
            await transport.exchange(CLOCK)
            seen.append(await asyncio.to_thread(device.sessions))
            await transport.close()

        await asyncio.gather(*map(one, transports))
        return seen

    assert asyncio.run(_bounded(both())) == [1, 1, 1]


async def _bounded(work: object) -> object:
    async with asyncio.timeout(30):
        try:
            return await work  # type: ignore[misc]
        finally:
            await asyncio.get_running_loop().shutdown_default_executor()


def test_closing_while_a_command_runs_ends_it(device: Sshd) -> None:
    """The service stops: nobody waits for a slow device."""
    device.play(b"<SW>", {"display clock": TIME}, delay=30)

    async def stop() -> float:
        transport = _transport(device)
        task = asyncio.create_task(transport.exchange(CLOCK))
        await asyncio.sleep(1.5)
        started = time.monotonic()
        await transport.close()
        with pytest.raises(GapError):
            await task
        return time.monotonic() - started

    assert asyncio.run(stop()) < 2


@pytest.mark.parametrize("text", ["", "canary-no-key", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"])
def test_a_useless_private_key_is_a_config_error(text: str) -> None:
    """Told at the start, without its text."""
    with pytest.raises(ConfigError) as caught:
        private_key(text, "fw-1")
    assert "canary" not in str(caught.value)


def test_the_player_is_there() -> None:
    """The peer of these tests is what they say it is."""
    assert Path("/usr/sbin/sshd").exists()
