"""One SSH session with a shell for a device that knows only old algorithms, by asyncssh; for one thread at a time.

paramiko no longer speaks SHA-1 key exchange, ssh-rsa or ssh-dss host keys, CBC-only ciphers beside them. asyncssh does,
where it is told to. That is the choice of the school, per asset (`legacy: true`), because such a connection can be read
and changed by somebody who spends enough on it; the host key is pinned as for every device. What is newer is offered
first, so that a device that was updated uses it.

The session stands in a thread of its own like the other one, with an event loop that runs only while something is
asked of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import warnings
from typing import TYPE_CHECKING

import asyncssh

from agent.errors import ConfigError
from agent.model.exchange import GapReason

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from agent.errors import GapError
    from agent.transports.ssh.device import Device, SshLimits, SshLogin
    from agent.transports.ssh.guard import Guard
    from agent.transports.ssh.hostkey import PinnedKey

__all__ = ["LegacyShell"]

KEX = (
    "curve25519-sha256",
    "ecdh-sha2-nistp256",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group14-sha256",
    "diffie-hellman-group-exchange-sha256",
    "diffie-hellman-group14-sha1",
    "diffie-hellman-group-exchange-sha1",
    "diffie-hellman-group1-sha1",
)
HOST_KEYS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
    "ssh-rsa",
    "ssh-dss",
)
CIPHERS = ("aes128-ctr", "aes256-ctr", "aes128-cbc", "aes256-cbc", "3des-cbc")
MACS = ("hmac-sha2-256", "hmac-sha2-512", "hmac-sha1", "hmac-sha1-96", "hmac-md5")
TERMINAL = (511, 1000)
"""Columns and lines, as the other library asks for: long lines are not broken, and few pages are turned."""

# As with the other library: its own lines would only carry user names into the service's log.
logging.getLogger("asyncssh").addHandler(logging.NullHandler())
logging.getLogger("asyncssh").propagate = False
# What the warning is about is what this module is for.
warnings.filterwarnings("ignore", "Diffie-Hellman over finite fields", module=r"asyncssh\.")


class LegacyShell:
    """An authenticated session with a terminal, old algorithms included.

    Args:
        device: for gaps.
        sock: connected; closed by `close`.
        login: who we are.
        policy: judges the host key before anything is sent.
        guard: what may be written.
        limits: bounds.
    """

    def __init__(
        self, device: Device, sock: socket.socket, login: SshLogin, policy: PinnedKey, guard: Guard, limits: SshLimits
    ) -> None:
        self._device = device
        self._socket = sock
        self._login = login
        self._policy = policy
        self._guard = guard
        self._limits = limits
        self._key = _private_key(login.private_key, device.host) if login.private_key else None
        self._runner: asyncio.Runner | None = None
        self._connection: asyncssh.SSHClientConnection | None = None
        self._terminal: _Terminal | None = None

    def connect(self) -> None:
        """Agree on keys, check the host key, log in once, open a shell.

        Raises:
            GapError: the device is none, is another one, or does not let us in.
        """
        self._runner = asyncio.Runner()
        try:
            self._runner.run(self._open())
        except (asyncssh.Error, OSError, EOFError) as error:  # a TimeoutError is an OSError
            raise self._gap(error) from error

    def send(self, data: bytes) -> None:
        """Send what the guard admits.

        Raises:
            ForbiddenError: it does not.
            OSError: the connection is gone.
        """
        admitted = self._guard.admit(data)
        runner, terminal = self._opened()
        runner.run(terminal.write(admitted))

    def receive(self, seconds: float) -> bytes | None:
        """Return what came, empty at the end of the session, None if nothing came within the time."""
        runner, terminal = self._opened()
        return runner.run(terminal.read(seconds))

    def close(self) -> None:
        """Close session and socket; may be called more than once."""
        if self._runner is not None:
            with contextlib.suppress(OSError, asyncssh.Error):
                self._runner.run(self._end())
            self._runner.close()
            self._runner = None
        self._socket.close()

    async def _open(self) -> None:
        async with asyncio.timeout(self._limits.handshake_seconds):
            self._connection = await asyncssh.connect(
                self._device.host,
                self._device.port,
                sock=self._socket,
                client_factory=lambda: _Client(self._policy, self._login.password),
                known_hosts=b"",  # none is known beforehand: the policy is asked
                kex_algs=KEX,
                server_host_key_algs=HOST_KEYS,
                encryption_algs=CIPHERS,
                mac_algs=MACS,
                signature_algs=HOST_KEYS,
                compression_algs=["none"],
                username=self._login.username,
                client_keys=[self._key] if self._key is not None else None,
                preferred_auth="publickey" if self._key is not None else "password,keyboard-interactive",
                config=None,  # nothing of the account that the service runs under
                agent_path=None,
                x509_trusted_certs=None,
            )
            terminal = _Terminal()
            await self._connection.create_session(
                lambda: terminal, encoding=None, term_type="vt100", term_size=TERMINAL
            )
            self._terminal = terminal

    async def _end(self) -> None:
        if self._connection is not None:
            self._connection.abort()
            async with asyncio.timeout(self._limits.close_seconds):
                await self._connection.wait_closed()

    def _opened(self) -> tuple[asyncio.Runner, _Terminal]:
        if self._runner is None or self._terminal is None:
            raise EOFError("the session is closed")
        return self._runner, self._terminal

    def _gap(self, error: BaseException) -> GapError:
        if self._policy.refused is not None:
            return self._policy.refused
        if isinstance(error, asyncssh.PermissionDenied):
            return self._device.not_let_in("login")
        if isinstance(error, asyncssh.KeyExchangeFailed):
            return self._device.gap(
                GapReason.REFUSED,
                "key exchange",
                "the device speaks only SSH algorithms that are not supported here, old ones included: {why}",
                todo="Update its firmware; until then use SNMP",
                why=error.reason,
            )
        why = error.reason if isinstance(error, asyncssh.Error) else getattr(error, "strerror", None)
        return self._device.unreachable("login", why or type(error).__name__)


class _Client(asyncssh.SSHClient):
    """What the library asks about host key and credentials; a password is given once, in whichever way is asked."""

    def __init__(self, policy: PinnedKey, password: str | None) -> None:
        self._policy = policy
        self._password = password

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:  # noqa: ARG002 - the library's interface
        return self._policy.admits(key.get_algorithm(), key.public_data)

    def password_auth_requested(self) -> str | None:
        password, self._password = self._password, None
        return password

    def kbdint_auth_requested(self) -> str | None:
        return "" if self._password is not None else None

    def kbdint_challenge_received(
        self,
        name: str,  # noqa: ARG002 - the library's interface
        instructions: str,  # noqa: ARG002 - the same
        lang: str,  # noqa: ARG002 - the same
        prompts: Sequence[tuple[str, bool]],
    ) -> list[str] | None:
        if not prompts:
            return []
        password, self._password = self._password, None
        return [password] if password is not None and len(prompts) == 1 else None


class _Terminal(asyncssh.SSHClientSession[bytes]):
    """What the shell's channel delivers, until it is read."""

    def __init__(self) -> None:
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._received = bytearray()
        self._ended = False
        self._news = asyncio.Event()

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        self._channel = chan

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:  # noqa: ARG002 - the library's interface
        self._received += data
        self._news.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the library's interface
        self._ended = True
        self._news.set()

    async def read(self, seconds: float) -> bytes | None:
        """Return what came, empty at the end, None after silence."""
        if not self._received and not self._ended:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._news.wait()
        self._news.clear()
        data = bytes(self._received)
        self._received.clear()
        return data or (b"" if self._ended else None)

    async def write(self, data: bytes) -> None:
        """Send.

        Raises:
            OSError: the session is over.
        """
        if self._channel is None or self._ended or self._channel.is_closing():
            raise BrokenPipeError("the session is over")
        self._channel.write(data)


def _private_key(text: str, where: str) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_private_key(text)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        raise ConfigError(
            "the private key of this credential cannot be used",
            where=where,
            todo="Give an Ed25519, ECDSA or RSA key in PEM or OpenSSH form, without a passphrase",
        ) from error
