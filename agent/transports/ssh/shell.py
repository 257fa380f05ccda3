"""One SSH session with a shell, by netmiko and paramiko, over a socket that is ours; for one thread at a time.

Of netmiko only the connecting is used. Everything that its drivers would send by themselves is overridden, and its
writing goes through the guard.
"""

from __future__ import annotations

import io
import logging
from typing import TYPE_CHECKING, Any

import paramiko  # type: ignore[import-untyped]  # it ships no types
from netmiko.base_connection import BaseConnection
from netmiko.exceptions import NetmikoAuthenticationException, NetmikoTimeoutException

from agent.errors import ConfigError
from agent.model.exchange import GapReason

if TYPE_CHECKING:
    import socket

    from agent.errors import GapError
    from agent.transports.ssh.device import Device, SshLimits, SshLogin
    from agent.transports.ssh.guard import Guard
    from agent.transports.ssh.hostkey import PinnedKey

__all__ = ["Shell", "private_key"]

MOST = 65_536
"""Octets of one read."""

# What goes wrong inside the library comes to us as an exception and becomes a gap; its own lines, with tracebacks and
# user names, would only reach the service's log.
logging.getLogger("paramiko").addHandler(logging.NullHandler())
logging.getLogger("paramiko").propagate = False


class Shell(BaseConnection):
    """An authenticated session with a terminal.

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
        self._guard = guard
        self._limits = limits
        self._policy = policy
        self._speaking: paramiko.Transport | None = None
        super().__init__(
            host=device.host,
            port=device.port,
            username=login.username,
            password=None if login.private_key else login.password,
            pkey=private_key(login.private_key, device.host) if login.private_key else None,
            device_type="generic",
            sock=sock,
            conn_timeout=limits.handshake_seconds,
            banner_timeout=limits.handshake_seconds,
            auth_timeout=limits.handshake_seconds,
            auto_connect=False,
        )
        self.key_policy = policy

    def connect(self) -> None:
        """Agree on keys, check the host key, log in once, open a shell.

        Raises:
            GapError: the device is none, is another one, or does not let us in.
        """
        try:
            self.establish_connection()
        except (NetmikoAuthenticationException, NetmikoTimeoutException) as error:
            raise self._gap(error.__context__ or error) from error
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise self._gap(error, phase="shell") from error

    def _connect_params_dict(self) -> dict[str, Any]:
        return {**super()._connect_params_dict(), "transport_factory": self._remembered}

    def _remembered(self, *args: Any, **named: Any) -> paramiko.Transport:
        """Make the library's transport, a thread, and remember it: after a failed login the library forgets it."""
        self._speaking = paramiko.Transport(*args, **named)
        return self._speaking

    def session_preparation(self) -> None:
        """Send nothing: the dialogue prepares the session with the family's own words."""

    def write_channel(self, out_data: str) -> None:
        """Refuse what the guard refuses, whoever in the library writes."""
        self.send(out_data.encode())

    def send(self, data: bytes) -> None:
        """Send what the guard admits.

        Raises:
            ForbiddenError: it does not.
            OSError: the connection is gone.
        """
        admitted = self._guard.admit(data)
        self._terminal().sendall(admitted)

    def receive(self, seconds: float) -> bytes | None:
        """Return what came, empty at the end of the session, None if nothing came within the time."""
        terminal = self._terminal()
        terminal.settimeout(seconds)
        try:
            return bytes(terminal.recv(MOST))
        except TimeoutError:
            return None

    def close(self) -> None:
        """Close channel, session and socket, and wait for the library's thread; may be called more than once."""
        if self._speaking is not None:
            self._speaking.packetizer.complete_handshake()  # its timer would live on after a failed one
            self._speaking.close()  # with all its channels
        self._socket.close()
        if self._speaking is not None and self._speaking.ident is not None:
            self._speaking.join(self._limits.close_seconds)
        logging.getLogger("netmiko").removeFilter(self._secrets_filter)

    def _terminal(self) -> paramiko.Channel:
        if self.remote_conn is None:
            raise EOFError("the session is closed")
        return self.remote_conn

    def _gap(self, error: BaseException, phase: str = "login") -> GapError:
        if self._policy.refused is not None:
            return self._policy.refused
        if isinstance(error, paramiko.AuthenticationException):
            return self._device.not_let_in(phase)
        if isinstance(error, paramiko.IncompatiblePeer):
            return self._device.gap(
                GapReason.REFUSED,
                "key exchange",
                "the device speaks only SSH algorithms that are broken and no longer supported here: {why}",
                todo="Update its firmware or make it new host keys (RSA 2048 with SHA-2, ECDSA); "
                "if it cannot be updated, write  legacy: true  under this asset, or use SNMP",
                why=str(error),
            )
        if isinstance(error, paramiko.SSHException):
            return self._device.unreachable(phase, str(error) or type(error).__name__)
        return self._device.unreachable(phase, getattr(error, "strerror", None) or type(error).__name__)


def private_key(text: str, where: str = "") -> paramiko.PKey:
    """Return the key of PEM or OpenSSH text.

    Raises:
        ConfigError: it is no such key, or encrypted.
    """
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(io.StringIO(text))
        except (paramiko.SSHException, ValueError, TypeError):
            continue
    raise ConfigError(
        "the private key of this credential cannot be used",
        where=where,
        todo="Give an Ed25519, ECDSA or RSA key in PEM or OpenSSH form, without a passphrase",
    )
