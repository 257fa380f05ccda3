"""What devices are supported, worked out from the families and from the recordings that exercise them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import agent
from agent.errors import UsageError
from agent.lab.snmp.artefacts import undo
from agent.lab.snmp.recording import read
from agent.lab.snmp.session import RecordingTransport, family_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.model.family import Family

__all__ = ["Supported", "recordings_directory", "supported"]


@dataclass(frozen=True, slots=True)
class Supported:
    """A family and the names of the recordings that are recognised as it."""

    family: Family
    recordings: tuple[str, ...]


def recordings_directory() -> Path | None:
    """Return the project's own recordings; None where the program runs without its tests, as when installed."""
    directory = Path(agent.__file__).parent.parent / "tests" / "recordings"
    return directory if directory.is_dir() else None


def supported(families: Iterable[Family], directory: Path | None) -> list[Supported]:
    """Return every family, by role and id, with its recordings (`*.snmprec`, at any depth below the directory).

    Raises:
        UsageError: the directory or a recording cannot be read.
    """
    every = tuple(families)
    if directory is not None and not directory.is_dir():
        raise UsageError("this is no directory", where=str(directory))
    found: dict[str, list[str]] = {family.id: [] for family in every}
    for path in sorted(directory.rglob("*.snmprec")) if directory is not None else ():
        transport = RecordingTransport(undo(read(path))[0])
        family = asyncio.run(family_of(transport, every))
        if family is not None:
            found[family.id].append(path.relative_to(directory or path).with_suffix("").as_posix())
    ordered = sorted(every, key=lambda family: (family.role, family.id))
    return [Supported(family, tuple(found[family.id])) for family in ordered]
