r"""Credentials by reference: a name in the campus file, a file with mode 0600, never in argv, logs or evidence.

A credential file is YAML with the keys of `Credential`, for example

    {version: 2c, community: "..."}                                       # SNMP v1, v2c
    {version: "3", user: poll, auth: SHA-256, auth_key: "...", priv: AES, priv_key: "..."}
    {username: agent, password: "..."}                                    # MQTT, HTTP, SSH
    {token: "..."}                                                        # HTTP: a bearer token, of log stores
    {api_key: "..."}                                                      # HTTP: an API key of Elasticsearch
    {username: agent, private_key: "-----BEGIN OPENSSH PRIVATE KEY-----\n..."}   # SSH

It is looked for in $CREDENTIALS_DIRECTORY (systemd's LoadCredential) and in the `secrets` directory of the state
directory.
"""

from __future__ import annotations

import base64
import os
import stat
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from agent.errors import ConfigError
from agent.model.base import Word
from agent.packs.validate import validate
from agent.packs.yaml_source import parse

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["Credential", "load_credential"]


PRINTABLE = r"^[!-~]+$"
"""What may stand in a header."""


class Credential(Word):
    """What opens one device. Its repr shows no secret."""

    version: Literal["1", "2c", "3"] | None = None
    community: str | None = Field(default=None, repr=False)
    user: str | None = Field(default=None, repr=False)
    auth: Literal["", "MD5", "SHA", "SHA-224", "SHA-256", "SHA-384", "SHA-512"] = ""
    auth_key: str | None = Field(default=None, repr=False)
    priv: Literal["", "DES", "AES", "AES-192", "AES-256", "AES-192-C", "AES-256-C"] = ""
    priv_key: str | None = Field(default=None, repr=False)
    username: str | None = Field(default=None, repr=False)
    password: str | None = Field(default=None, repr=False)
    private_key: str | None = Field(default=None, repr=False)
    """For SSH: PEM or OpenSSH text, without a passphrase; stands before the password."""
    token: str | None = Field(default=None, repr=False, pattern=PRINTABLE)
    """For HTTP: sent as a bearer token (RFC 6750)."""
    api_key: str | None = Field(default=None, repr=False, pattern=PRINTABLE)
    """For HTTP: sent as `Authorization: ApiKey ...`."""

    def secrets(self) -> tuple[bytes, ...]:
        """Return the octet strings that must never be recorded."""
        found = (
            self.community,
            self.auth_key,
            self.priv_key,
            self.password,
            self.private_key,
            self.token,
            self.api_key,
        )
        basic = (
            base64.b64encode(f"{self.username}:{self.password}".encode()) if self.password else b""
        )  # as HTTP has it
        return tuple(text.encode() for text in found if text) + ((basic,) if basic else ())


def load_credential(name: str, directories: Sequence[Path]) -> Credential:
    """Read the credential of that name from the first directory that has it.

    Raises:
        ConfigError: there is none, others may read it, or it is not a credential.
    """
    systemd = os.environ.get("CREDENTIALS_DIRECTORY")
    for path in _places(name, directories, systemd):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe must not hang the start
        except FileNotFoundError:
            continue
        except OSError as error:
            raise ConfigError(
                "cannot read this credential: {why}",
                where=str(path),
                todo="Give the file to the agent's user, with mode 0600",
                why=error.strerror,
            ) from error
        try:
            # systemd guards its directory by a mount of its own and shows group bits that grant nothing
            _must_be_private(descriptor, path, guarded=str(path.parent) == systemd)
        except ConfigError:
            os.close(descriptor)
            raise
        with os.fdopen(descriptor, "rb") as file:
            return validate(parse(file.read(), str(path)), Credential)
    raise ConfigError(
        "there is no credential {name!r}",
        todo="Put it into {places} with mode 0600",
        name=name,
        places=" or ".join(str(directory) for directory in directories) or "a secrets directory",
    )


def _must_be_private(descriptor: int, path: Path, *, guarded: bool) -> None:
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        raise ConfigError("this credential is not a file", where=str(path), todo="Put a file of mode 0600 in its place")
    if mode & (stat.S_IRWXG | stat.S_IRWXO) and not guarded:
        raise ConfigError(
            "others may read this credential (mode {mode})",
            where=str(path),
            todo="Run: chmod 600 {path}",
            mode=oct(stat.S_IMODE(mode)),
            path=path,
        )


def _places(name: str, directories: Sequence[Path], systemd: str | None) -> list[Path]:
    """Return where the credential may be; `LoadCredential=campus:DIR` gives each file of DIR as `campus_<name>`."""
    places = []
    for directory in directories:
        places.append(directory / name)
        if str(directory) == systemd:
            places.append(directory / f"campus_{name}")
    return places
