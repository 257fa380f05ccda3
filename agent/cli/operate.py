"""Commands of the school: keys, read one device, run, assess, bundle, upload, status, demo."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from agent.cli.files import READINGS, expecting, read_file
from agent.cli.scores import print_assessments
from agent.cli.show import assessments_json
from agent.errors import UsageError
from agent.language import preferred, translator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.model.evidence import Statement
    from agent.model.finding import Assessment

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


def assess(
    standard: list[str] = typer.Option(..., "--standard", help="A standard's id; may be given several times."),
    readings: Path | None = typer.Option(None, "--readings", help="Judge this file of readings (JSON lines) alone."),
    campus: Path | None = typer.Option(None, "--campus", help="The campus file.", envvar="CAMPUS_AGENT_CAMPUS"),
    state: Path = STATE,
    days: int = typer.Option(30, "--days", min=1, help="How far back the window reaches, without --readings."),
    language: str = typer.Option("", "--lang", help="zh_CN or en."),
    as_json: bool = AS_JSON,
    as_csv: bool = typer.Option(False, "--csv", help="Print the score sheet as CSV, for a spreadsheet."),
) -> None:
    """Judge readings by standards: a file of readings alone, or a window of the journal (then signed and chained).

    While the service runs, the journal is only read and the result is not signed; the service itself signs one a day.
    Shows for each clause the points that are proven, open and lost, and what to do next.
    """
    from agent.packs.load import chosen_standards, config_directory, load_standards
    from agent.report.sheet_csv import score_sheet
    from agent.runtime import judge_file

    shown = language or preferred(os.environ)
    judged: Sequence[Assessment]
    if readings is not None:
        data = read_file(readings)
        with expecting(READINGS):
            judged = judge_file.assess_file(readings, data, standard, campus)
    else:
        if campus is None:
            raise UsageError("without --readings, the campus file is needed", todo="Give --campus FILE")
        from agent.runtime import start

        scored = start.assess(campus, state, standard, days)
        judged = scored.assessments
        if not scored.signed:
            typer.echo(_not_signed(scored.last, shown), err=True)
    if as_json:
        print(assessments_json(judged))
        return
    packs = {pack.value.id: pack.value for pack in chosen_standards(load_standards(config_directory()), standard)}
    if as_csv:
        sys.stdout.buffer.write(score_sheet(judged, packs, shown))
        return
    print_assessments(judged, shown, packs)


def _not_signed(last: Statement | None, language: str) -> str:
    """Return the line that says why a result is not signed, and of when the newest signed one is."""
    _ = translator(language)
    if last is None:
        return _("not signed: the service is writing the journal; there is no signed assessment by these standards yet")
    told = _("not signed: the service is writing the journal; the last signed assessment by these standards is of {at}")
    return told.format(at=last.predicate.time.finished)


def enrol(
    backend: str = typer.Option(..., "--backend", envvar="CAMPUS_AGENT_BACKEND", help="URL of the scoring backend."),
    token_file: Path = typer.Option(..., "--token-file", help="File with the one-time token of the bureau."),
    campus: Path = CAMPUS,
    state: Path = STATE,
) -> None:
    """Pin the backend's keys, and begin the chain with this agent's key and the proof of the token."""
    from agent.runtime import enrolment

    token = read_file(token_file).decode("utf-8", "replace").strip()
    for line in asyncio.run(enrolment.enrol(backend, token, campus, state, _translate())):
        typer.echo(line)


def run(
    campus: Path = CAMPUS,
    state: Path = STATE,
    backend: str | None = BACKEND,
    once: bool = typer.Option(False, "--once", help="Do one run over everything and stop."),
) -> None:
    """Poll by the plan of the campus file, sign, and upload; the service of the school's server."""
    from agent.runtime import start

    logging.basicConfig(format="campus-agent: %(levelname)s: %(message)s", level=logging.WARNING)
    if not once:
        logging.getLogger("agent").setLevel(logging.INFO)  # of ours, not of the libraries
    for line in start.run(campus, state, backend, once=once, translate=_translate()):
        typer.echo(line)


def upload(campus: Path = CAMPUS, state: Path = STATE, backend: str | None = BACKEND) -> None:
    """Send everything that has no receipt yet."""
    from agent.runtime import start

    for line in start.upload(campus, state, backend, _translate()):
        typer.echo(line)


def bundle(
    output: Path = typer.Option(..., "-o", "--output", help="Where to write the bundle (zip)."),
    state: Path = STATE,
    seq: int | None = typer.Option(None, "--entry", help="Entry number of the assessment; the newest by default."),
) -> None:
    """Export an assessment with all its evidence into one file for a reviewer."""
    from agent.runtime import start

    typer.echo(start.bundle(state, output, seq, _translate()))


def status(state: Path = STATE, as_json: bool = AS_JSON) -> None:
    """Show whether the service runs, which devices fail, what waits for a receipt, and how much room is left."""
    from agent.cli.status import status_lines
    from agent.runtime.status import as_json as json_of
    from agent.runtime.status import status_of

    told = status_of(state)
    if as_json:
        typer.echo(json.dumps(json_of(told), ensure_ascii=False, indent=2))
        return
    for line in status_lines(told, preferred(os.environ)):
        typer.echo(line)


def _translate() -> Callable[[str], str]:
    """Return the translator for the language that the environment asks for."""
    return translator(preferred(os.environ))


def register(app: typer.Typer) -> None:
    """Add this audience's commands."""
    app.add_typer(keys_app, name="keys")
    for command in (enrol, run, assess, bundle, upload, status):
        app.command()(command)
