"""Commands of the bureau: the reference scoring backend."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from agent.errors import UsageError

if TYPE_CHECKING:
    from agent.backend.service import Backend

__all__ = ["register"]

DIRECTORY = typer.Option(
    Path("/var/lib/campus-agent-backend"), "--directory", envvar="CAMPUS_AGENT_BACKEND_DIRECTORY", help="Its data."
)

backend_app = typer.Typer(help="The reference scoring backend.", no_args_is_help=True)


@backend_app.command("serve")
def serve(
    directory: Path = DIRECTORY,
    host: str = typer.Option("127.0.0.1", "--host", help="Address to listen on; put TLS in front of it."),
    port: int = typer.Option(8443, "--port", min=0, max=65535, help="0 takes a free port and prints it."),
    origin: str = typer.Option("", "--origin", help="The log's name in receipts; fixed once the log exists."),
) -> None:
    """Take statements, answer with receipts."""
    from agent.backend import service
    from agent.runtime import notify

    def ready(url: str) -> None:
        typer.echo(url)
        notify.ready(url)

    service.serve(host, port, directory, origin=origin or service.DEFAULT_ORIGIN, ready=ready)


@backend_app.command("token")
def token(
    campus: str = typer.Argument(help="The school's id, as in its campus file."),
    directory: Path = DIRECTORY,
) -> None:
    """Make a one-time enrolment token for a school; it is shown once and good for 24 hours."""
    with _opened(directory) as backend:
        typer.echo(backend.store.create_token(campus))


@backend_app.command("trust")
def trust(
    directory: Path = DIRECTORY,
    output: Path | None = typer.Option(None, "--output", "-o", help="Write log.vkey and challenge.pub here."),
) -> None:
    """Show the public keys of log and challenges, or write them as a reviewer's trust directory."""
    with _opened(directory) as backend:
        told = backend.trust()
    if output is None:
        typer.echo(json.dumps(told, indent=2))
        return
    output.mkdir(parents=True, exist_ok=True)
    (output / "log.vkey").write_text(told["log"]["vkey"] + "\n", encoding="utf-8")
    (output / "challenge.pub").write_text(told["challenge"]["publicKey"], encoding="utf-8")
    typer.echo(f"{output}: log.vkey, challenge.pub; add the school's agent.pub")


@backend_app.command("check")
def check(directory: Path = DIRECTORY) -> None:
    """Hash every stored file again and recompute the log."""
    from agent.backend.fsck import fsck

    with _opened(directory) as backend:
        checked = fsck(backend)
    for fault in checked.faults:
        typer.echo(f"FAIL {fault}")
    typer.echo(f"{checked.blobs} blobs, {checked.entries} entries, {checked.leaves} leaves")
    if checked.faults:
        raise typer.Exit(1)


def _opened(directory: Path) -> closing[Backend]:
    from agent.backend.service import Backend, Settings
    from agent.clock import SystemClock

    if not directory.is_dir():
        raise UsageError(
            "there is no backend here", where=str(directory), todo="Start it once with campus-agent backend serve"
        )
    return closing(Backend.open(Settings(directory), SystemClock(), exclusive=False))


def register(app: typer.Typer) -> None:
    """Add this audience's commands."""
    app.add_typer(backend_app, name="backend")
