"""`campus-agent journal`: look whether everything kept is whole, and go on after damage."""

from __future__ import annotations

from pathlib import Path

import typer

from agent.cli.operate import STATE

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
    typer.echo(f"{checked.entries} entries, head {checked.head}, {checked.blobs} files, {checked.pruned} pruned")


@journal_app.command("salvage")
def salvage(state: Path = STATE) -> None:
    """Bring what can be read of a damaged journal into a new one; stop the service first. Nothing is deleted."""
    from agent.journal.salvage import salvage as save

    saved = save(state / "journal")
    typer.echo(f"{saved.entries} entries brought over; the damaged file is kept in {saved.kept}")
    for lost in saved.lost:
        typer.echo(f"lost: {lost}")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(journal_app, name="journal")
