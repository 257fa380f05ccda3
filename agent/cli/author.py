"""Commands of pack authors: lint packs by their own examples, write the editors' schemas."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from agent.language import preferred, translator

if TYPE_CHECKING:
    from agent.model.campus import Campus

__all__ = ["register"]

CONFIG = typer.Argument(None, help="A config directory; the shipped one by default.")


def lint(
    directory: Path | None = CONFIG,
    campus: Path | None = typer.Option(None, "--campus", help="Check this campus file as well."),
    verbose: bool = typer.Option(False, "--verbose", "-v", help="Show what holds, too."),
) -> None:
    """Check all packs strictly, run the examples embedded in them, and check a campus file."""
    from agent.assess.examples import judge_example
    from agent.collectors import COLLECTORS
    from agent.packs.lint import lint as lint_packs
    from agent.packs.load import config_directory

    _ = translator(preferred(os.environ))
    if campus is not None:
        found = _campus(campus, directory or config_directory())
        told = _("ok   {file}: {assets} assets, {links} links, {rooms} rooms")
        numbers = {"assets": len(found.assets), "links": len(found.links), "rooms": len(found.rooms)}
        typer.echo(told.format(file=campus, **numbers))
    results = lint_packs(directory or config_directory(), judge_example, collectors=COLLECTORS)
    for result in results:
        if verbose or not result.ok:
            mark = _("ok  ") if result.ok else _("FAIL")
            found_other = _(" (expected {expected}; got {actual})")
            difference = "" if result.ok else found_other.format(expected=result.expected, actual=result.actual)
            typer.echo(f"{mark} {result.where}: {result.what}{difference if result.expected else ''}")
    failed = sum(not result.ok for result in results)
    typer.echo(_("{passed} passed, {failed} failed").format(passed=len(results) - failed, failed=failed))
    if failed:
        raise typer.Exit(1)


def _campus(path: Path, directory: Path) -> Campus:
    """Return a campus file that is good by itself and fits the packs.

    Raises:
        PackError: with every fault.
    """
    from agent.collectors import COLLECTORS
    from agent.packs.check_fit import campus_fits
    from agent.packs.load import load_campus, load_families, load_standards
    from agent.packs.yaml_source import PackError

    families = load_families(directory, collectors=COLLECTORS)
    pack = load_campus(path, families=families, collectors=COLLECTORS)
    standards = {name: standard.value for name, standard in load_standards(directory).items()}
    if faults := campus_fits(pack.value, pack.source, standards):
        raise PackError(faults)
    return pack.value


def schemas(
    directory: Path | None = CONFIG,
) -> None:
    """Write the JSON schemas that editors use, generated from the model, into DIRECTORY/schema."""
    from agent.packs.load import config_directory
    from agent.packs.schema import schemas as generated

    target = (directory or config_directory()) / "schema"
    target.mkdir(parents=True, exist_ok=True)
    for name, data in generated().items():
        (target / name).write_bytes(data)
        typer.echo(str(target / name))


def register(app: typer.Typer) -> None:
    """Add this audience's commands."""
    for command in (lint, schemas):
        app.command()(command)
