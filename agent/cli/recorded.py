"""`campus-agent read --recording` and `campus-agent devices`: what recordings give, and what families they exercise."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table

from agent import canonical
from agent.cli.show import print_readings
from agent.errors import UsageError
from agent.language import preferred, translator

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from agent.lab.snmp.session import Failed, Told

__all__ = ["print_devices", "read_recordings"]


def read_recordings(files: Sequence[str], collectors: Sequence[str], *, as_json: bool) -> None:
    """Print the readings of each recording and a summary of it; one file at a time, whatever their number.

    Raises:
        UsageError: no file is named, or a collector does not exist.
        typer.Exit: with 1 if a file could not be read.
    """
    from pathlib import Path

    from agent.lab.snmp.session import Failed, Reader

    if not files:
        raise UsageError("name the recordings to read", todo="campus-agent read --recording FILE [FILE ...]")
    reader = Reader(collectors=collectors)
    failed = False
    for file in files:
        told = reader.read(Path(file))
        failed = failed or isinstance(told, Failed)
        if as_json:
            _print_lines(told)
        else:
            _print_table(told)
    if failed:
        raise typer.Exit(1)


def _print_lines(told: Told | Failed) -> None:
    from agent.lab.snmp.session import Failed

    objects: list[dict[str, Any]]
    if isinstance(told, Failed):
        objects = [{"recording": told.file, "error": told.error}]
    else:
        objects = [{**reading.to_json(), "recording": told.file} for reading in told.readings]
        objects.append({"recording": told.file, "summary": told.summary})
    for each in objects:
        print(canonical.dumps(each).decode())
    sys.stdout.flush()


def _print_table(told: Told | Failed) -> None:
    from agent.lab.snmp.session import Failed

    _ = translator(preferred(os.environ))
    if isinstance(told, Failed):
        typer.echo(f"campus-agent: {told.file}: {told.error}", err=True)
        return
    said = told.summary
    text = _("{file}: {family}, {readings} readings, {gaps} gaps, {exchanges} exchanges, {skipped} lines skipped")
    gaps = ", ".join(f"{gap['collector']} {gap['reason']}" for gap in said["gaps"])
    numbers = {"readings": said["readings"], "exchanges": said["exchanges"], "skipped": said["skipped_lines"]}
    print(text.format(file=told.file, family=said["family"], gaps=gaps or 0, **numbers))
    print_readings(told.readings, as_json=False)


def print_devices(recordings: Path | None, *, as_json: bool) -> None:
    """Print the families: vendor, role, collectors, and the recordings that exercise each.

    Raises:
        ConfigError: the packs cannot be read.
        UsageError: a recording cannot be read.
    """
    from agent.collectors import COLLECTORS
    from agent.lab.snmp.supported import recordings_directory, supported
    from agent.packs.load import config_directory, load_families

    families = load_families(config_directory(), collectors=COLLECTORS).values()
    found = supported(families, recordings or recordings_directory())
    if as_json:
        shown = [
            {
                "family": one.family.id,
                "title": one.family.title.to_json(),
                "vendor": one.family.vendor,
                "role": one.family.role,
                "transport": one.family.transport,
                "collectors": list(one.family.collectors),
                "recordings": list(one.recordings),
            }
            for one in found
        ]
        print(json.dumps(shown, ensure_ascii=False, indent=2))
        return
    language = preferred(os.environ)
    _ = translator(language)
    table = Table()
    for heading in (_("role"), _("vendor"), _("device"), _("family"), _("collectors"), _("recordings")):
        table.add_column(heading, overflow="fold")
    for one in found:
        family = one.family
        table.add_row(
            family.role,
            family.vendor,
            family.title.of(language),
            family.id,
            " ".join(family.collectors),
            " ".join(one.recordings) or "–",
        )
    Console().print(table)
