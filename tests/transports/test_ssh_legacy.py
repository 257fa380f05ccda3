"""Devices whose SSH knows only old algorithms, played by a real OpenSSH server that is told to offer nothing else."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import asyncssh
import pytest

from agent.errors import ConfigError, GapError
from agent.model.cli import received, screen_lines
from agent.model.exchange import CliCommand, CliOutput, GapReason
from agent.packs.load import config_directory, load_families
from agent.transports.ssh import SshLimits, SshLogin, SshTransport
from tests.peers.sshd import IS_ROOT, Sshd, sshd

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PROFILE = load_families(config_directory())["huawei-vrp-cli"].cli
CLOCK = CliCommand(command="display clock", seconds=20)
LIMITS = SshLimits(connect_seconds=20, handshake_seconds=20, login_seconds=20, close_seconds=1)
TIME = b"2020-09-24 19:55:02+08:00\r\nThursday\r\n"
LONG = b"".join(b"line %d of a long answer\n" % number for number in range(47))
GROUP1_DSS = (
    "KexAlgorithms diffie-hellman-group1-sha1\nHostKeyAlgorithms ssh-dss\nCiphers 3des-cbc\nMACs hmac-md5\n"
    "PubkeyAcceptedAlgorithms +ssh-rsa\n"
)
GROUP14_RSA = (
    "KexAlgorithms diffie-hellman-group14-sha1\nHostKeyAlgorithms ssh-rsa\nCiphers aes128-cbc\nMACs hmac-sha1\n"
)
EXCHANGE_RSA = GROUP14_RSA.replace("group14-sha1", "group-exchange-sha1")
needs_root = pytest.mark.skipif(not IS_ROOT, reason="a throw-away user with a password needs root")


@pytest.fixture(scope="module")
def old() -> Iterator[Sshd]:
    """One server with a SHA-1 key exchange and an ssh-rsa host key."""
    with sshd(algorithms=GROUP14_RSA, host_key="rsa") as running:
        yield running


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """Every session, however it ends, leaves no thread and no socket behind."""
    before = _sockets()
    yield
    gc.collect()
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("ssh ")] == []
    assert _sockets() <= before


def _sockets() -> set[str]:
    links = (os.path.realpath(entry) for entry in Path("/proc/self/fd").iterdir())
    return {link for link in links if "socket:" in link}


def _transport(peer: Sshd, **more: object) -> SshTransport:
    assert PROFILE is not None
    settings: dict[str, object] = {"host_key": peer.host_key(), "limits": LIMITS, "legacy": True, **more}
    login = settings.pop("login", SshLogin(peer.username, None, peer.private_key))
    assert isinstance(login, SshLogin)
    return SshTransport(peer.host, peer.port, login, PROFILE, **settings)  # type: ignore[arg-type]


def _ask(transport: SshTransport, *requests: CliCommand) -> list[CliOutput]:
    async def talk() -> list[CliOutput]:
        try:
            return [await transport.exchange(request) for request in requests]
        finally:
            await transport.close()
            await transport.close()

    return asyncio.run(talk())


def _gap(transport: SshTransport) -> GapError:
    with pytest.raises(GapError) as caught:
        _ask(transport, CLOCK)
    return caught.value


@pytest.mark.parametrize(
    ("algorithms", "host_key"),
    [(GROUP1_DSS, "dsa"), (EXCHANGE_RSA, "rsa"), ("", "ed25519")],
    ids=["group1, ssh-dss, 3des, md5", "group exchange, ssh-rsa, cbc", "modern"],
)
def test_a_device_is_read_with_whatever_it_knows(algorithms: str, host_key: str) -> None:
    """The oldest algorithms open a session, and so do new ones: a device may be updated before its campus file."""
    with sshd(algorithms=algorithms, host_key=host_key) as device:
        device.play(b"<SW>", {"display clock": TIME})
        (output,) = _ask(_transport(device), CLOCK)
    assert received(output.output) == b"display clock\r\n" + TIME


def test_the_device_gets_nothing_but_its_list(old: Sshd) -> None:
    """The same dialogue and guard: login, paging off, commands, leave; pages are turned and every line comes back."""
    old.play(b"<SW-1>", {"display clock": LONG, "display version": LONG}, pager="huawei", always_pages=True)
    outputs = _ask(_transport(old), CLOCK, CliCommand(command="display version", seconds=20))
    for output, command in zip(outputs, (b"display clock", b"display version"), strict=True):
        assert [line for line in screen_lines(received(output.output)) if line] == [command, *LONG.splitlines()]
    typed = old.typed()
    assert typed.replace(b" " * 9, b"") == (b"\nscreen-length 0 temporary\ndisplay clock\ndisplay version\nquit\n")


def test_old_algorithms_are_used_only_where_the_school_says_so(old: Sshd) -> None:
    """Without `legacy` the same device is a gap that says which word would change that."""
    gap = _gap(_transport(old, legacy=False))
    assert gap.reason == GapReason.REFUSED
    assert "legacy: true" in str(gap)


@needs_root
def test_a_password_opens_and_a_wrong_one_is_tried_once(old: Sshd) -> None:
    """One try, in one of the ways that the device asks for; no account gets locked."""
    old.play(b"<SW>", {"display clock": TIME})
    (output,) = _ask(_transport(old, login=SshLogin(old.username, old.password)), CLOCK)
    assert received(output.output).endswith(TIME)
    before = old.log()
    gap = _gap(_transport(old, login=SshLogin(old.username, "canary-wrong-password")))
    news = old.log()[len(before) :]
    assert gap.reason == GapReason.REFUSED
    assert "canary" not in str(gap)
    assert (news.count("Failed password"), news.count("Connection from")) == (1, 1)


class _Asking(asyncssh.SSHServer):
    """Lets in who answers its one question, and no password."""

    tries: ClassVar[list[list[str]]] = []

    def password_auth_supported(self) -> bool:
        return False

    def kbdint_auth_supported(self) -> bool:
        return True

    def get_kbdint_challenge(
        self,
        username: str,
        lang: str,
        submethods: str,
    ) -> tuple[str, str, str, list[tuple[str, bool]]]:
        return "", "", "", [("Password:", False)]

    def validate_kbdint_response(self, username: str, responses: Sequence[str]) -> bool:
        self.tries.append(list(responses))
        return responses == ["right"]


@pytest.mark.parametrize(("password", "enters"), [("right", True), ("wrong", False)])
def test_a_device_that_only_asks_questions_is_answered_once(password: str, *, enters: bool) -> None:
    """Keyboard-interactive with one question is a password, and a wrong one is given once there too."""
    assert PROFILE is not None
    key = asyncssh.generate_private_key("ssh-rsa", key_size=2048)
    _Asking.tries.clear()

    async def shell(process: asyncssh.SSHServerProcess[str]) -> None:
        process.stdout.write("<SW>")
        async for line in process.stdin:
            process.stdout.write(f"{line.rstrip()}\r\n" + ("12:00:00\r\n<SW>" if "clock" in line else "<SW>"))

    async def talk() -> CliOutput:
        server = await asyncssh.create_server(
            _Asking, "127.0.0.1", 0, server_host_keys=[key], process_factory=shell, line_editor=False
        )
        login = SshLogin("agent", password)
        pin = key.get_fingerprint()
        transport = SshTransport(
            "127.0.0.1", server.get_port(), login, PROFILE, host_key=pin, legacy=True, limits=LIMITS
        )
        try:
            return await transport.exchange(CLOCK)
        finally:
            await transport.close()
            server.close()
            await server.wait_closed()

    if enters:
        assert b"12:00:00" in received(asyncio.run(talk()).output)
    else:
        with pytest.raises(GapError) as caught:
            asyncio.run(talk())
        assert caught.value.reason == GapReason.REFUSED
    assert _Asking.tries == [[password]]


def test_an_unpinned_device_gets_nothing_and_its_key_is_shown(old: Sshd) -> None:
    """Old algorithms change nothing about who may be spoken to."""
    before = old.log()
    gap = _gap(_transport(old, host_key=None))
    assert gap.reason == GapReason.REFUSED
    assert f"host_key: {old.host_key()}" in str(gap)
    other = _gap(_transport(old, host_key=old.host_key("other")))
    assert "another host key" in str(other)
    assert "publickey" not in old.log()[len(before) :]


def test_a_device_that_goes_away_is_a_gap(old: Sshd) -> None:
    """Half an answer is no answer."""
    old.play(b"<SW>", {"display clock": LONG}, drop=True)
    gap = _gap(_transport(old))
    assert gap.reason == GapReason.UNREACHABLE


def test_a_cancelled_conversation_leaves_at_once(old: Sshd) -> None:
    """The conversation's own deadline breaks the connection; no thread waits for the device."""
    old.play(b"<SW>", {"display clock": TIME}, delay=600)
    transport = _transport(old)

    async def cut() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2):
                await transport.exchange(CliCommand(command="display clock", seconds=600))
        await transport.close()

    asyncio.run(cut())


def test_a_key_that_is_none_is_a_configuration_fault(old: Sshd) -> None:
    """Said before anything is sent, without showing the key."""
    with pytest.raises(ConfigError) as caught:
        _ask(_transport(old, login=SshLogin(old.username, None, "canary no key")), CLOCK)
    assert "canary" not in str(caught.value)
