"""Commands of pack authors: lint packs by their own examples, list standards, write the JSON schemas."""

from __future__ import annotations

from pathlib import Path

import typer

__all__ = ["register"]


def lint(
    directory: Path | None = typer.Argument(None, help="A config directory; the shipped one by default."),
) -> None:
    """Check all packs strictly and run the examples embedded in them."""
    from agent.packs.load import config_directory

    raise NotImplementedError(directory or config_directory())


def register(app: typer.Typer) -> None:
    """Add this audience's commands."""
    app.command()(lint)
