"""`campus-agent read`: ask one device, print what it said; the record of it is a support file and a test case.

`campus-agent devices` lists what can be asked.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from agent.cli.files import expecting
from agent.cli.recorded import print_devices, read_recordings
from agent.cli.recording import open_record, recording_into
from agent.cli.show import print_readings
from agent.errors import UsageError
from agent.language import N_, name_of, preferred, translator

if TYPE_CHECKING:
    from agent.runtime.credentials import Credential

__all__ = ["register"]


_RECORD = N_("Give a file that campus-agent read --record of this version wrote, or a segment of a bundle")


def read(
    targets: list[str] = typer.Argument(
        None,
        metavar="[URL | FILE...]",
        help="snmp://, mqtt://, isapi://, onvif://, dahua:// or logs+loki://host[:port] ...; with --recording, files.",
        show_default=False,
    ),
    community: str | None = typer.Option(
        None, "--community", envvar="CAMPUS_AGENT_COMMUNITY", help="SNMP v2c community; a file is safer."
    ),
    credentials: Path | None = typer.Option(None, "--credentials", help="A credential file with mode 0600."),
    link: list[str] = typer.Option([], "--link", help="A watched port: role:id=port, e.g. egress:telecom=eth0."),
    topic: list[str] = typer.Option([], "--topic", help="For brokers: kind=filter@level, e.g. light=a/+/state@1."),
    collect: list[str] = typer.Option([], "--collect", help="Collectors to run, e.g. identity; may be repeated."),
    seconds: int = typer.Option(60, "--seconds", min=1, max=3600, help="Total time for the conversation."),
    record: Path | None = typer.Option(None, "--record", help="Keep the exchanges in this file."),
    replay: Path | None = typer.Option(None, "--replay", help="Answer from this record instead of a device."),
    recording: bool = typer.Option(False, "--recording", help="Read SNMP recordings (snmprec files) as devices."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object per reading."),
) -> None:
    """Ask one device and print its readings; nothing is stored or sent."""
    if recording:
        if replay is not None:
            raise UsageError("--recording and --replay do not go together", todo="Leave one of them out")
        read_recordings(targets or (), collect, as_json=as_json)
        return
    from agent.runtime import adhoc

    if len(targets or ()) + (replay is not None) != 1:
        raise UsageError(
            "give either a URL or --replay with a record",
            todo="Write for example campus-agent read snmp://192.0.2.1 --credentials FILE",
        )
    if replay is not None:
        with open_record(replay) as kept, expecting(_RECORD):
            told = asyncio.run(adhoc.read_record(kept, where=str(replay)))
    else:
        target = adhoc.parse_target(targets[0], links=link, topics=topic, seconds=seconds)
        credential = _credential(target.scheme, credentials, community)
        with recording_into(record) as write:
            told = asyncio.run(adhoc.read_live(target, credential, collectors=collect, record=write))
    print_readings(told.readings, as_json=as_json, asset=told.asset)
    translate = translator(preferred(os.environ))
    for gap in told.gaps:
        typer.echo(f"campus-agent: {name_of(gap.reason, translate)}: {gap.render(translate)}", err=True)
    if told.gaps:
        raise typer.Exit(1)


def _credential(scheme: str, file: Path | None, community: str | None) -> Credential:
    """Return what opens the device.

    Raises:
        ConfigError: the file is not a credential.
        UsageError: a device of this kind lets nobody in without one.
    """
    from agent.runtime.credentials import Credential, load_credential

    if file is not None:
        return load_credential(file.name, [file.parent])
    if community is not None:
        return Credential(version="2c", community=community)
    if scheme == "snmp":
        raise UsageError("an SNMP agent wants a community or user", todo="Give --community or --credentials")
    return Credential()


def devices(
    recordings: Path | None = typer.Option(None, "--recordings", help="Directory of recordings; the project's own."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """List the kinds of device that are supported, what is read of each, and the recordings that prove it."""
    print_devices(recordings, as_json=as_json)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(read)
    app.command()(devices)
