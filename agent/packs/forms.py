"""Read the application forms of `config/forms`, as strictly as packs, and find what they name and no standard has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.errors import ConfigError
from agent.model.form import Answer, Explanation, Form, Points
from agent.packs.validate import validate
from agent.packs.yaml_source import MAX_BYTES, PackError, parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from agent.model.form import Fill
    from agent.model.standard import Standard

__all__ = ["load_forms", "parse_form", "unknown_names"]


def parse_form(data: bytes, name: str) -> Form:
    """Read a form from bytes.

    Args:
        data: the YAML text.
        name: what errors call the file.

    Raises:
        PackError: with every fault of the file, by line and column.
    """
    return validate(parse(data, name), Form)


def load_forms(directory: Path) -> dict[str, Form]:
    """Return all forms of `directory`/forms by id.

    Raises:
        ConfigError: a file cannot be read, or two define one form.
        PackError: with every fault of the first file that has some.
    """
    found: dict[str, Form] = {}
    for path in sorted((directory / "forms").glob("*.yaml")):
        try:
            with path.open("rb") as file:
                form = parse_form(file.read(MAX_BYTES + 1), str(path))
        except OSError as error:
            raise ConfigError("the file cannot be read: {why}", where=str(path), why=error.strerror) from error
        if form.id in found:
            raise PackError([ConfigError("{name} is defined twice", where=str(path), name=form.id)])
        found[form.id] = form
    return found


def unknown_names(form: Form, standards: Mapping[str, Standard]) -> list[str]:
    """Return what the form names and the standards do not have: standards, sections, clauses, criteria."""
    return [name for fill in _fills(form) if (name := _unknown(form, fill, standards))]


def _fills(form: Form) -> Iterator[Fill]:
    for block in form.blocks:
        for row in block.rows:
            yield from (cell.fill for cell in row.cells if cell.fill is not None)


def _unknown(form: Form, fill: Fill, standards: Mapping[str, Standard]) -> str:
    """Return the first name of a field that does not exist, or nothing."""
    name = fill.standard or form.standard if isinstance(fill, Answer) else form.standard
    standard = standards.get(name)
    if standard is None:
        return name
    if isinstance(fill, Points | Explanation):
        known = fill.section is None or any(one.id == fill.section for one in standard.sections)
        return "" if known else f"{name} {fill.section}"
    if isinstance(fill, Answer):
        clause = next((one for one in standard.indicators if one.id == fill.clause and not one.outside), None)
        if clause is None:
            return f"{name} {fill.clause}"
        if fill.criterion is not None and all(part.id != fill.criterion for part in clause.criteria):
            return f"{name} {fill.clause} {fill.criterion}"
    return ""
