"""Help texts in the user's language: the command tree is walked once, each text looked up in the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["help_texts", "localise"]


def localise(command: Any, translate: Callable[[str], str]) -> None:
    """Replace every help text of a command and its subcommands.

    Args:
        command: what `typer.main.get_command` gives.
        translate: English text to the user's language; a text without translation stays.
    """
    for holder, name, text in _texts(command):
        setattr(holder, name, translate(text))


def help_texts(command: Any) -> list[str]:
    """Return every help text of the tree, for the catalogue."""
    return sorted({text for _, _, text in _texts(command)})


def _texts(command: Any) -> Iterator[tuple[Any, str, str]]:
    """Yield each holder of a text, the attribute, and the text."""
    for name in ("help", "short_help"):
        if text := getattr(command, name, None):
            yield command, name, text
    for parameter in getattr(command, "params", ()):
        if text := getattr(parameter, "help", None):
            yield parameter, "help", text
    for child in getattr(command, "commands", {}).values():
        yield from _texts(child)
