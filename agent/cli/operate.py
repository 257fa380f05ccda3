"""Commands of the school: keys, read one device, run, assess, bundle, upload, status, demo."""

from __future__ import annotations

import asyncio
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import typer

from agent.cli.review import read_file
from agent.cli.show import print_assessments, print_readings
from agent.errors import UsageError
from agent.language import preferred

__all__ = ["register"]

STATE = typer.Option(
    Path("/var/lib/campus-agent"), "--state", envvar="CAMPUS_AGENT_STATE", help="Where the agent keeps its state."
)
CAMPUS = typer.Option(
    Path("/etc/campus-agent/campus.yaml"), "--campus", envvar="CAMPUS_AGENT_CAMPUS", help="The campus file."
)
BACKEND = typer.Option(None, "--backend", envvar="CAMPUS_AGENT_BACKEND", help="URL of the scoring backend.")
AS_JSON = typer.Option(False, "--json", help="Print JSON.")

keys_app = typer.Typer(help="Create and show the agent's signing key.", no_args_is_help=True)


@keys_app.command("create")
def keys_create(state: Path = STATE) -> None:
    """Create the signing key (ECDSA P-256, mode 0600); an existing key is never replaced."""
    from agent.evidence import keys

    signer = keys.create(state / "keys" / "agent.pem")
    typer.echo(f"keyid {signer.keyid}")


@keys_app.command("show")
def keys_show(state: Path = STATE, as_json: bool = AS_JSON) -> None:
    """Show the key's identity and its public half; the private half is never shown."""
    from agent.evidence import keys

    path = state / "keys" / "agent.pem"
    signer = keys.load(path)
    if as_json:
        typer.echo(json.dumps({"keyid": signer.keyid, "public": signer.public_pem.decode(), "path": str(path)}))
    else:
        typer.echo(f"keyid {signer.keyid}\n{signer.public_pem.decode()}", nl=False)


def read(
    url: str | None = typer.Argument(None, help="snmp://host[:port] or mqtt://host[:port].", show_default=False),
    community: str | None = typer.Option(
        None, "--community", envvar="CAMPUS_AGENT_COMMUNITY", help="SNMP v2c community; a file is safer."
    ),
    credentials: Path | None = typer.Option(None, "--credentials", help="A credential file with mode 0600."),
    link: list[str] = typer.Option([], "--link", help="A watched port: role:id=port, e.g. egress:telecom=eth0."),
    topic: list[str] = typer.Option([], "--topic", help="For brokers: kind=filter@level, e.g. light=a/+/state@1."),
    seconds: int = typer.Option(60, "--seconds", min=1, max=3600, help="Total time for the conversation."),
    record: Path | None = typer.Option(None, "--record", help="Keep the exchanges in this file."),
    replay: Path | None = typer.Option(None, "--replay", help="Answer from this record instead of a device."),
    as_json: bool = AS_JSON,
) -> None:
    """Ask one device and print its readings; nothing is stored or sent."""
    from agent.runtime import adhoc
    from agent.runtime.credentials import Credential, load_credential

    if (url is None) == (replay is None):
        raise UsageError("give either a URL or --replay with a record")
    if replay is not None:
        readings = asyncio.run(adhoc.read_record(read_file(replay), where=str(replay)))
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
        readings, kept = asyncio.run(adhoc.read_live(target, credential))
        if record is not None:
            write_file(record, kept)
    print_readings(readings, as_json=as_json)
    answers = [reading for reading in readings if reading.metric == "collector.answer"]
    if any(reading.value != "ok" for reading in answers):
        gap = next(reading for reading in answers if reading.value != "ok")
        typer.echo(f"campus-agent: {gap.subject}: {gap.value}", err=True)
        raise typer.Exit(1)


def assess(
    standard: list[str] = typer.Option(..., "--standard", help="A standard's id; may be given several times."),
    readings: Path | None = typer.Option(None, "--readings", help="Judge this file of readings (JSON lines) alone."),
    campus: Path | None = typer.Option(None, "--campus", help="The campus file.", envvar="CAMPUS_AGENT_CAMPUS"),
    state: Path = STATE,
    days: int = typer.Option(30, "--days", min=1, help="How far back the window reaches, without --readings."),
    language: str = typer.Option("", "--lang", help="zh_CN or en."),
    as_json: bool = AS_JSON,
) -> None:
    """Judge readings by standards: a file of readings alone, or a window of the journal (then signed and chained)."""
    from agent.runtime import assessment, judge_file

    if readings is not None:
        judged = judge_file.assess_file(readings, read_file(readings), standard, campus)
    else:
        if campus is None:
            raise UsageError("without --readings, the campus file is needed", todo="Give --campus FILE")
        from agent.runtime.wiring import open_agent

        agent = open_agent(campus, state)
        try:
            until = datetime.now(UTC)
            judged, _ = assessment.assess_window(agent, standard, until - timedelta(days=days), until)
        finally:
            agent.close()
    print_assessments(judged, language or preferred(os.environ), as_json=as_json)


def write_file(path: Path, data: bytes) -> None:
    """Write a file that the user named.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        path.write_bytes(data)
    except OSError as error:
        raise UsageError("cannot write this file: {why}", where=str(path), why=error.strerror) from error


def register(app: typer.Typer) -> None:
    """Add this audience's commands."""
    app.add_typer(keys_app, name="keys")
    for command in (read, assess):
        app.command()(command)
