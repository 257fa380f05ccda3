"""Where the backend's commands learn which database it has: never from the command line, which everybody can see."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["VARIABLE", "database_url"]

VARIABLE: Final = "CAMPUS_AGENT_BACKEND_DATABASE"
_FILE: Final = "database"


def database_url(directory: Path, environment: Mapping[str, str]) -> str:
    """Return the URL of the backend's PostgreSQL; empty where it has its SQLite.

    The first of these counts: the variable `CAMPUS_AGENT_BACKEND_DATABASE`, the credential `database` of systemd
    (`$CREDENTIALS_DIRECTORY`), the file `database` in the backend's directory. The last serves commands beside the
    server as well, without anything to remember.

    Raises:
        ConfigError: the file cannot be read, is empty, or others may read it.
    """
    given = environment.get(VARIABLE, "").strip()
    if given:
        return given
    credentials = environment.get("CREDENTIALS_DIRECTORY")
    if credentials:
        # systemd guards its directory by a mount of its own and shows group bits that grant nothing
        found = _read(Path(credentials) / _FILE, guarded=True)
        if found is not None:
            return found
    return _read(directory / _FILE, guarded=False) or ""


def _read(path: Path, *, guarded: bool) -> str | None:
    """Return the URL in a file; None where there is no such file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe must not hang the start
        with os.fdopen(descriptor, encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read().strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            "cannot read the URL of the database: {why}",
            where=str(path),
            todo="Give the file to the backend's user, with mode 0600",
            why=getattr(error, "strerror", None) or "not text",
        ) from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO) and not guarded:
        raise ConfigError(
            "others may read this credential (mode {mode})",
            where=str(path),
            todo="Run: chmod 600 {path}",
            mode=oct(stat.S_IMODE(mode)),
            path=path,
        )
    if len(text.split()) != 1:
        raise ConfigError("this file does not hold one URL", where=str(path), todo="Write the URL into one line")
    return text
