"""From the campus file to a command line: credentials that fit, and a run over real SSH."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from agent.errors import ConfigError
from agent.evidence import keys
from agent.model.exchange import CliCommand, CliOutput
from agent.runtime.command_line import must_open_command_line
from agent.runtime.credentials import Credential
from agent.runtime.wiring import open_agent
from tests.peers.sshd import sshd

if TYPE_CHECKING:
    from pathlib import Path

    from tests.peers.sshd import Sshd


@pytest.mark.parametrize(
    "credential",
    [
        Credential(),
        Credential(username="poll"),
        Credential(password="canary-1"),
        Credential(version="2c", community="canary-1"),
        Credential(username="poll", private_key="canary-1"),
    ],
)
def test_a_credential_that_opens_no_command_line_is_refused_at_the_start(credential: Credential) -> None:
    """The fault is told when the file is read, not in every run, and without the secret."""
    with pytest.raises(ConfigError) as caught:
        must_open_command_line(credential, "fw-1")
    assert "fw-1" in str(caught.value)
    assert "canary" not in str(caught.value) + repr(credential)


def test_an_asset_of_the_campus_file_is_asked_over_ssh(tmp_path: Path) -> None:
    """Campus file, credential, host key, family and transport fit together; the key is among what is never recorded."""
    with sshd() as peer:
        campus = _school(tmp_path, peer)
        peer.play(b"<SW>", {"display clock": b"2026-11-22 09:02:05+08:00\r\n"})
        agent = open_agent(campus, tmp_path / "state")
        try:
            asset = agent.campus.assets[0]
            output = asyncio.run(_ask(agent.transport(asset)))
        finally:
            agent.close()
    assert "2026-11-22 09:02:05+08:00" in output.output
    assert peer.private_key.encode() in agent.redactor.secrets


async def _ask(transport: object) -> CliOutput:
    try:
        return await transport.exchange(CliCommand(command="display clock"))  # type: ignore[attr-defined,no-any-return]
    finally:
        await transport.close()  # type: ignore[attr-defined]


def _school(directory: Path, peer: Sshd) -> Path:
    state = directory / "state"
    (state / "keys").mkdir(parents=True, mode=0o700)
    keys.create(state / "keys" / "agent.pem")
    (state / "secrets").mkdir(mode=0o700)
    secret = state / "secrets" / "ssh"
    secret.touch(mode=0o600)
    secret.write_text(f"username: {peer.username}\nprivate_key: {json.dumps(peer.private_key)}\n")
    campus = directory / "campus.yaml"
    campus.write_text(
        'version: "1"\nschool: {id: s, name: s}\nassets:\n'
        f"  - {{id: sw-cli, family: huawei-vrp-cli, address: 127.0.0.1, port: {peer.port}, credentials: ssh, "
        f"host_key: '{peer.host_key()}'}}\n"
    )
    return campus
