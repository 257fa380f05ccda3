"""Commands of the bureau: the reference scoring backend."""

from __future__ import annotations

import json
import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from agent.cli.backend_database import database_url
from agent.cli.files import publish_files, read_file
from agent.language import preferred

if TYPE_CHECKING:
    from datetime import datetime

    from agent.backend.service import Backend

__all__ = ["register"]

DIRECTORY = typer.Option(
    Path("/var/lib/campus-agent-backend"), "--directory", envvar="CAMPUS_AGENT_BACKEND_DIRECTORY", help="Its data."
)

STANDARD = typer.Argument(help="Id of a standard.", show_default=False)
REGION = typer.Argument(help="The region's id.", show_default=False)
SINCE = typer.Option("", "--since", help="Assessments whose window ends from here on (RFC 3339); a year by default.")
UNTIL = typer.Option("", "--until", help="... and up to here; now by default.")
CSV = typer.Option(False, "--csv", help="As a table instead of JSON.")

backend_app = typer.Typer(help="The reference scoring backend.", no_args_is_help=True)
region_app = typer.Typer(help="Regions: schools of an authority, judged together.", no_args_is_help=True)
backend_app.add_typer(region_app, name="region")


@backend_app.command("serve")
def serve(
    directory: Path = DIRECTORY,
    host: str = typer.Option("127.0.0.1", "--host", help="Address to listen on; put TLS in front of it."),
    port: int = typer.Option(8443, "--port", min=0, max=65535, help="0 takes a free port and prints it."),
    origin: str = typer.Option("", "--origin", help="The log's name in receipts; fixed once the log exists."),
) -> None:
    """Take statements, answer with receipts.

    The data are in SQLite in the directory, or in the PostgreSQL whose URL CAMPUS_AGENT_BACKEND_DATABASE or the file
    `database` in the directory gives.
    """
    from agent.backend import service
    from agent.runtime import notify

    def ready(url: str) -> None:
        typer.echo(url)
        notify.ready(url)

    service.serve(host, port, directory, origin=origin, database=database_url(directory, os.environ), ready=ready)


@backend_app.command("token")
def token(
    campus: str = typer.Argument(help="The school's id, as in its campus file."),
    directory: Path = DIRECTORY,
) -> None:
    """Make a one-time enrolment token for a school; it is shown once and good for 24 hours."""
    with _opened(directory) as backend:
        typer.echo(backend.store.create_token(campus))


@backend_app.command("keys")
def keys(
    directory: Path = DIRECTORY,
    campus: str | None = typer.Option(None, "--campus", help="Only the keys of this school."),
    full: bool = typer.Option(False, "--full", help="Show whole key ids, to compare them."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """List the schools' enrolled keys: since when, in use, replaced or revoked, and when they last sent something."""
    from agent.backend.enrolments import enrolments
    from agent.cli.enrolled import print_enrolments

    with _opened(directory) as backend:
        found = enrolments(backend.store, campus)
    if as_json:
        typer.echo(json.dumps([one.to_json() for one in found], ensure_ascii=False, indent=2))
    else:
        print_enrolments(found, preferred(os.environ), full=full)


@backend_app.command("trust")
def trust(
    directory: Path = DIRECTORY,
    campus: str | None = typer.Option(None, "--campus", help="Add agent.pub: the keys of this school."),
    output: Path | None = typer.Option(None, "--output", "--out", "-o", help="Write the files into this directory."),
    with_revoked: bool = typer.Option(False, "--with-revoked", help="Revoked keys too, for bundles of before."),
    replace: bool = typer.Option(False, "--replace", help="Write over files that hold other keys."),
) -> None:
    """Show the keys that a reviewer pins, or write them as a trust directory for `campus-agent verify --trust`."""
    from agent.backend.enrolments import school_keys, trust_files
    from agent.cli.enrolled import print_trust

    with _opened(directory) as backend:
        school = None if campus is None else school_keys(backend.store, campus, with_revoked=with_revoked)
        told = backend.trust()
        files = trust_files(backend, school)
    if output is None:
        told |= {} if school is None else {"agents": [one.to_json() for one in school.pinned]}
        typer.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    publish_files(output, files, replace=replace)
    print_trust(output, list(files), school, preferred(os.environ))


@backend_app.command("revoke")
def revoke(
    keyid: str = typer.Argument(help="The key, or the beginning of its id.", show_default=False),
    reason: str = typer.Option(..., "--reason", help="Why, for those who look at the list of keys later."),
    directory: Path = DIRECTORY,
) -> None:
    """Withdraw a school's key: from now on nothing that it signs is taken; what was taken before stays valid."""
    from agent.backend.enrolments import revoke_key
    from agent.cli.enrolled import print_revocation

    with _opened(directory) as backend:
        revoked = revoke_key(backend.store, keyid, reason)
    print_revocation(revoked, preferred(os.environ))


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


@region_app.command("add")
def region_add(
    file: Path = typer.Argument(help="The region file (YAML): id, name, schools.", show_default=False),
    directory: Path = DIRECTORY,
    renew: bool = typer.Option(False, "--renew-token", help="Withdraw the token that may read, and make another."),
) -> None:
    """Keep a region's list of schools, in place of an older one; a read token is shown once."""
    from agent.backend.regions import write_region

    with _opened(directory) as backend:
        token = write_region(backend.store, read_file(file), str(file), renew=renew)
    if token is not None:
        typer.echo(token)


@region_app.command("list")
def region_list(directory: Path = DIRECTORY) -> None:
    """List the regions."""
    from agent.backend.regions import stored_regions

    with _opened(directory) as backend:
        for name in stored_regions(backend.store):
            typer.echo(name)


@region_app.command("remove")
def region_remove(region: str = REGION, directory: Path = DIRECTORY) -> None:
    """Forget a region's list; statements stay."""
    from agent.backend.regions import remove_region

    with _opened(directory) as backend:
        remove_region(backend.store, region)


@region_app.command("assess")
def region_assess(
    region: str = REGION,
    standard: str = STANDARD,
    directory: Path = DIRECTORY,
    since: str = SINCE,
    until: str = UNTIL,
    as_csv: bool = CSV,
    language: str = typer.Option("", "--lang", help="Of the table: zh_CN or en."),
) -> None:
    """Judge a region over the accepted statements of its schools, with the schools behind each share."""
    from agent.backend.region_tables import result_csv
    from agent.backend.regions import read_region, region_result

    with _opened(directory) as backend:
        stored = read_region(backend.store, region)
        result = region_result(backend.store, stored, standard, _time(since), _time(until))
    if as_csv:
        typer.echo(result_csv(result, stored.region, language or preferred(os.environ)), nl=False)
    else:
        typer.echo(json.dumps(result.to_json(), ensure_ascii=False, indent=2))


@region_app.command("sheet")
def region_summary(
    region: str = REGION,
    standard: str = STANDARD,
    directory: Path = DIRECTORY,
    since: str = SINCE,
    until: str = UNTIL,
    as_csv: bool = CSV,
) -> None:
    """Sum up all schools of a region under one standard (Wuhan's annex 4)."""
    from agent.backend.region_tables import sheet_csv
    from agent.backend.regions import read_region, region_sheet

    with _opened(directory) as backend:
        stored = read_region(backend.store, region)
        sheet = region_sheet(backend.store, stored, standard, _time(since), _time(until))
    if as_csv:
        typer.echo(sheet_csv(sheet), nl=False)
    else:
        typer.echo(json.dumps(sheet.to_json(), ensure_ascii=False, indent=2))


def _time(text: str) -> datetime | None:
    from agent.clock import parse_time

    return parse_time(text) if text else None


def _opened(directory: Path) -> closing[Backend]:
    from agent.backend.service import Backend, Settings
    from agent.clock import SystemClock

    settings = Settings(directory, database=database_url(directory, os.environ))
    return closing(Backend.open(settings, SystemClock(), exclusive=False))


def register(app: typer.Typer) -> None:
    """Add this audience's commands."""
    app.add_typer(backend_app, name="backend")
