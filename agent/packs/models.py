"""What a sysObjectID stands for: vendor, model and role, from the products that vendors register in their MIBs.

The table is `config/models.tsv`. It serves proposals and lists for people; no reading depends on it, so that a record
gives the same readings whatever the table says later.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, get_args

from agent.errors import ConfigError
from agent.model.family import Family
from agent.packs.load import config_directory

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Model", "known_models", "parse_models"]

ROLES = frozenset(get_args(Family.model_fields["role"].annotation))


@dataclass(frozen=True, slots=True)
class Model:
    """A product."""

    vendor: str
    name: str
    """As the vendor's MIB spells it."""
    role: str = ""
    """A role of `Family`; empty where the name does not tell."""


@cache
def known_models(directory: Path | None = None) -> Mapping[str, Model]:
    """Return every product of `models.tsv` in the directory of the packs by its dotted sysObjectID.

    Raises:
        ConfigError: the file cannot be read or holds a fault.
    """
    path = (directory or config_directory()) / "models.tsv"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            "the table of models cannot be read", where=str(path), todo="Install the package again"
        ) from error
    return parse_models(text, str(path))


def parse_models(text: str, where: str) -> dict[str, Model]:
    """Read the table: `@`, vendor, MIB, prefix open a group; its lines are suffix, name and perhaps role.

    Raises:
        ConfigError: a line is none of these, has an unknown role, or an object identifier comes twice.
    """
    found: dict[str, Model] = {}
    vendor = prefix = ""
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        parts = line.split("\t")
        if parts[0] == "@" and len(parts) == 4:
            _, vendor, _, prefix = parts
            continue
        oid = f"{prefix}.{parts[0]}"
        role = parts[2] if len(parts) == 3 else ""
        if not prefix or not 2 <= len(parts) <= 3 or not _is_oid(oid) or not parts[1] or role not in ROLES | {""}:
            raise ConfigError("not a line of the table of models", where=f"{where}:{number}")
        if oid in found:
            raise ConfigError("{oid} stands for two models", where=f"{where}:{number}", oid=oid)
        found[oid] = Model(vendor, parts[1], role)
    return found


def _is_oid(text: str) -> bool:
    return all(part.isascii() and part.isdigit() for part in text.split("."))
