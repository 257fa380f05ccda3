"""Commands of who applies or hands on: the score sheet and OSCAL, drafts of the application forms, what-if."""

from __future__ import annotations

import json
import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from agent.cli.compared import print_comparison
from agent.cli.files import READINGS, expecting, publish_files, read_file, write_file
from agent.errors import UsageError
from agent.language import N_

if TYPE_CHECKING:
    from agent.model.finding import Assessment
    from agent.runtime.judged import Judged

__all__ = ["register"]

SOURCE = typer.Argument(help="A bundle (zip), or what `assess --json` printed.", show_default=False)
TRUST = typer.Option(None, "--trust", help="Directory with agent.pub, log.vkey, challenge.pub from the backend.")
PACKS = typer.Option([], "--pack", help="A pack that counts beside the ones this program carries.")
LANGUAGE = typer.Option("zh_CN", "--lang", help="zh_CN or en.")
CAMPUS = typer.Option(None, "--campus", help="The campus file, where SOURCE is no bundle.")
_JUDGED = N_("Give a bundle, or what campus-agent assess --json printed")


class Format(StrEnum):
    """What the export is for."""

    CSV = "csv"
    OSCAL = "oscal"


def export(
    source: Path = SOURCE,
    output: Path = typer.Option(..., "-o", "--output", help="Where to write the file."),
    form: Format = typer.Option(Format.CSV, "--format", help="csv: the score sheet for Excel; oscal: NIST's JSON."),
    standard: list[str] = typer.Option([], "--standard", help="Only this standard; may be given several times."),
    campus: Path | None = CAMPUS,
    trust: Path | None = TRUST,
    pack: list[Path] = PACKS,
    language: str = LANGUAGE,
) -> None:
    """Write the score sheet as CSV, or the results as OSCAL; evidence that does not verify is said (exit code 1)."""
    from dataclasses import replace

    from agent.report.oscal import assessment_results
    from agent.report.sheet_csv import score_sheet

    judged = _judged(source, campus, trust, pack)
    chosen = _chosen(judged, standard)
    if form is Format.CSV:
        data = score_sheet(chosen, judged.standards, language)
    else:
        data = assessment_results(replace(judged.given, assessments=tuple(chosen)), language)
    write_file(output, data)
    typer.echo(str(output))
    _told(judged)


def forms(
    source: Path = SOURCE,
    output: Path = typer.Option(..., "-o", "--output", help="Directory for the drafts (.docx)."),
    form: list[str] = typer.Option([], "--form", help="Only this form; may be given several times."),
    campus: Path | None = CAMPUS,
    region: Path | None = typer.Option(None, "--region", help="The region file, for the form of a region."),
    trust: Path | None = TRUST,
    pack: list[Path] = PACKS,
    language: str = LANGUAGE,
    replace: bool = typer.Option(False, "--replace", help="Write over drafts that were completed by hand, too."),
) -> None:
    """Write drafts of the application forms, filled from what was judged; what is declared or missing is marked."""
    from agent.language import preferred, translator
    from agent.packs.forms import load_forms
    from agent.packs.load import config_directory
    from agent.packs.region import parse_region
    from agent.report.docx import draft
    from agent.report.form_lines import Mark, Material
    from agent.report.forms import filled

    known = load_forms(config_directory())
    for name in form:
        if name not in known:
            raise UsageError("there is no form {name!r}", todo="Known are: {known}", name=name, known=", ".join(known))
    judged = _judged(source, campus, trust, pack)
    schools = parse_region(read_file(region), str(region)) if region else None
    by = {one.standard for one in judged.given.assessments}
    wanted = [known[name] for name in form] or [
        one for one in known.values() if one.standard in by and (one.about == "region") == (schools is not None)
    ]
    if not wanted:
        raise UsageError(
            "there is no form for what was judged ({standards})",
            where=str(source),
            todo="Forms: {known}; the form of a region needs --region",
            standards=", ".join(sorted(by)),
            known=", ".join(known),
        )
    drafts = {
        f"{one.id}.docx": filled(one, Material(judged.given, language, schools if one.about == "region" else None))
        for one in wanted
    }
    # People complete the drafts: a second run must not take their work away.
    publish_files(output, {name: draft(done) for name, done in drafts.items()}, replace=replace)
    _ = translator(preferred(os.environ))
    told = _("{proven} lines proven, {declared} declared, {missing} missing, {person} for people")
    for name, done in drafts.items():
        counts = {str(mark): done.count(mark) for mark in (Mark.PROVEN, Mark.DECLARED, Mark.MISSING, Mark.PERSON)}
        typer.echo(f"{output / name}: {told.format(**counts)}")
    _told(judged)


def what_if(
    source: Path = typer.Argument(help="A bundle (zip), or a file of readings (JSON lines).", show_default=False),
    by: str = typer.Option(..., "--by", help="Judge by this: the id of a standard, or a pack (.yaml)."),
    then: str = typer.Option("", "--then", help="Compare with this: of a bundle, a standard that it was judged by."),
    campus: Path | None = CAMPUS,
    trust: Path | None = TRUST,
    pack: list[Path] = PACKS,
    language: str = typer.Option("", "--lang", help="zh_CN or en."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Judge old evidence by another standard or version, side by side with before; nothing is signed or kept."""
    from agent.language import preferred
    from agent.report.compare import comparison_json
    from agent.runtime.what_if import compare_bundle, compare_readings
    from agent.verify.policy import pinned_trust, released_packs

    data = read_file(source)
    holds = True
    if data.startswith(b"PK"):
        comparison, found = compare_bundle(
            data,
            source.name,
            by,
            then,
            trust=pinned_trust(trust) if trust else None,
            packs=released_packs(pack) if pack else None,
        )
        holds = found.result.ok
    else:
        if not then:
            raise UsageError("for a file of readings, say what to compare with", todo="Give --then STANDARD or a pack")
        with expecting(READINGS):
            comparison = compare_readings(data, source.name, by, then, campus)
    if as_json:
        typer.echo(json.dumps(comparison_json(comparison), ensure_ascii=False, indent=2))
    else:
        print_comparison(comparison, language or preferred(os.environ))
    _said(holds=holds)


def _chosen(judged: Judged, standards: list[str]) -> list[Assessment]:
    """Return the assessments of these standards, all where none is named."""
    known = {one.standard: one for one in judged.given.assessments}
    for name in standards:
        if name not in known:
            raise UsageError(
                "it was not judged by {name!r}", todo="Judged by: {known}", name=name, known=", ".join(known)
            )
    return [known[name] for name in standards or known]


def _judged(source: Path, campus: Path | None, trust: Path | None, packs: list[Path]) -> Judged:
    from agent.language import preferred, translator
    from agent.packs.load import load_campus
    from agent.runtime.judged import open_judged
    from agent.verify.policy import pinned_trust, released_packs

    place = load_campus(campus).value if campus else None
    data = read_file(source)
    with expecting(_JUDGED):
        return open_judged(
            data,
            source.name,
            campus=place,
            trust=pinned_trust(trust) if trust else None,
            packs=released_packs(packs) if packs else None,
            translate=translator(preferred(os.environ)),
        )


def _told(judged: Judged) -> None:
    """Say whether the evidence of what was judged holds."""
    _said(holds=judged.holds)


def _said(*, holds: bool) -> None:
    """Say on standard error that the evidence does not hold, and end with 1."""
    from agent.language import preferred, translator

    if not holds:
        _ = translator(preferred(os.environ))
        typer.echo(_("the bundle does NOT hold; run campus-agent verify for the reasons"), err=True)
        raise typer.Exit(1)


def register(app: typer.Typer) -> None:
    """Add this audience's commands."""
    for command in (export, forms, what_if):
        app.command()(command)
