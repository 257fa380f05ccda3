"""`campus-agent read`: ask one device, print what it said; the record of it is a support file and a test case."""

from __future__ import annotations

import asyncio
from pathlib import Path

import typer

from agent.cli.files import read_file, write_file
from agent.cli.show import print_readings
from agent.errors import UsageError

__all__ = ["register"]


def read(
    url: str | None = typer.Argument(None, help="snmp://host[:port] or mqtt://host[:port].", show_default=False),
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
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object per reading."),
) -> None:
    """Ask one device and print its readings; nothing is stored or sent."""
    from agent.runtime import adhoc
    from agent.runtime.credentials import Credential, load_credential

    if (url is None) == (replay is None):
        raise UsageError("give either a URL or --replay with a record")
    if replay is not None:
        kept = read_file(replay)
        readings = asyncio.run(adhoc.read_record(kept, where=str(replay)))
    else:
        target = adhoc.parse_target(url or "", links=link, topics=topic, seconds=seconds)
        if credentials is not None:
            credential = load_credential(credentials.name, [credentials.parent])
        elif community is not None:
            credential = Credential(version="2c", community=community)
        elif target.scheme == "snmp":
            raise UsageError("an SNMP agent wants a community or user", todo="Give --community or --credentials")
        else:
            credential = Credential()
        readings, kept = asyncio.run(adhoc.read_live(target, credential, collectors=collect))
        if record is not None:
            write_file(record, kept)
    print_readings(readings, as_json=as_json)
    gaps = adhoc.gaps_of(kept)
    for gap in gaps:
        typer.echo(f"campus-agent: {gap}", err=True)
    if gaps:
        raise typer.Exit(1)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(read)
