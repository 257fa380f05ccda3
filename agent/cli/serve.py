"""Commands of the bureau: the reference scoring backend."""
from __future__ import annotations
import typer
__all__ = ["register"]
def register(app: typer.Typer) -> None:
    """Add this audience's commands."""
