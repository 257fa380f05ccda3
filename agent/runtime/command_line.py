"""From asset, family and credential to the SSH transport."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.errors import ConfigError

if TYPE_CHECKING:
    from agent.model.asset import Asset
    from agent.model.cli import CliProfile
    from agent.runtime.credentials import Credential
    from agent.transports.ssh import SshGate, SshTransport

__all__ = ["must_open_command_line", "open_command_line", "ssh_gate"]

SSH_PORT = 22


def open_command_line(asset: Asset, profile: CliProfile, credential: Credential, gate: SshGate) -> SshTransport:
    """Return a transport to the asset's command line.

    Raises:
        ConfigError: the credential opens no command line.
    """
    from agent.transports.ssh import SshLogin, SshTransport  # noqa: PLC0415 - see must_open_command_line

    username = must_open_command_line(credential, asset.id)
    return SshTransport(
        asset.address,
        asset.port or SSH_PORT,
        SshLogin(username, credential.password, credential.private_key),
        profile,
        host_key=asset.host_key,
        legacy=bool(asset.legacy),
        gate=gate,
    )


def ssh_gate() -> SshGate:
    """Return what all SSH transports of one process share."""
    from agent.transports.ssh import SshGate  # noqa: PLC0415 - see must_open_command_line

    return SshGate()


def must_open_command_line(credential: Credential, where: str) -> str:
    """Return the user name of a credential that opens a command line.

    Raises:
        ConfigError: it has none, or neither password nor private key, or the key cannot be used.
    """
    # Only here: the SSH libraries take 30 MB and a second, which a campus without such assets need not spend. This is
    # called at the start, so that no conversation waits for it.
    from agent.transports.ssh import private_key  # noqa: PLC0415

    if credential.username is None or (credential.password is None and credential.private_key is None):
        raise ConfigError(
            "the credential of this asset opens no command line",
            where=where,
            todo="Give a username, and a password or a private_key; a user that may only show things is enough",
        )
    if credential.private_key is not None:
        private_key(credential.private_key, where)
    return credential.username
