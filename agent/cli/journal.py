"""`campus-agent journal`: look whether everything kept is whole, and go on after damage."""

from __future__ import annotations

import os
from pathlib import Path

import typer

from agent.cli.operate import STATE
from agent.language import preferred, translator

__all__ = ["register"]

journal_app = typer.Typer(help="Check the agent's journal, or go on after damage.", no_args_is_help=True)


@journal_app.command("check")
def check(
    state: Path = STATE,
    deep: bool = typer.Option(False, "--deep", help="Hash every kept file again, too."),
) -> None:
    """Check chain, digests and database; also while the service runs."""
    from agent.journal.store import Journal

    with Journal(state / "journal", readonly=True) as journal:
        checked = journal.check(deep=deep)
    _ = translator(preferred(os.environ))
    told = _("{entries} entries, head {head}, {files} files, {pruned} pruned")
    typer.echo(told.format(entries=checked.entries, head=checked.head, files=checked.blobs, pruned=checked.pruned))


@journal_app.command("salvage")
def salvage(state: Path = STATE) -> None:
    """Bring what can be read of a damaged journal into a new one; stop the service first. Nothing is deleted."""
    from agent.journal.salvage import salvage as save

    saved = save(state / "journal")
    _ = translator(preferred(os.environ))
    told = _("{entries} entries brought over; the damaged file is kept in {kept}")
    typer.echo(told.format(entries=saved.entries, kept=saved.kept))
    for lost in saved.lost:
        typer.echo(_("lost: {what}").format(what=lost))


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(journal_app, name="journal")
