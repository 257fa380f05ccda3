"""Commands of the reviewer: verify a bundle, make its report.

They need nothing but the bundle and, better, pinned keys.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from agent.cli.files import read_file, write_file
from agent.errors import UsageError
from agent.verify.result import Assurance

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.verify.result import AttestationResult

__all__ = ["register"]

BUNDLE = typer.Argument(help="The bundle (zip).", show_default=False)
TRUST = typer.Option(None, "--trust", help="Directory with agent.pub, log.vkey, challenge.pub from the backend.")


def verify(
    bundle: Path = BUNDLE,
    trust: Path | None = TRUST,
    as_json: bool = typer.Option(False, "--json", help="Print the result as JSON."),
    pack: list[Path] = typer.Option([], "--pack", help="A pack that counts beside the ones this program carries."),
    quiet: bool = typer.Option(False, "--quiet", "-q", help="Print only what fails and the verdict."),
) -> None:
    """Check a bundle offline and recompute every reading and finding from the raw answers."""
    from agent.language import preferred, translator
    from agent.verify.bundle import verify_bundle
    from agent.verify.policy import pinned_trust, released_packs

    _ = translator(preferred(os.environ))
    pinned = pinned_trust(trust) if trust else None
    result = verify_bundle(read_file(bundle), trust=pinned, packs=released_packs(pack)).result
    if as_json:
        typer.echo(json.dumps(result.to_json(), ensure_ascii=False, indent=2))
    else:
        for check in result.checks:
            if quiet and check.ok:
                continue
            mark = "ok  " if check.ok else "FAIL"
            detail = check.told(_)
            typer.echo(_visible(f"{mark} {check.name}" + (f": {detail}" if detail else "")))
        verdict = _("holds") if result.ok else _("does NOT hold")
        counts = _("{count} checks, {failed} failed").format(count=len(result.checks), failed=len(result.failed()))
        typer.echo(_visible(f"{bundle.name}: {verdict} ({counts})"))
        typer.echo(_grades(result, _), err=True)
        if pinned is None:  # anyone can make a bundle that agrees with itself
            typer.echo(_("keys taken from the bundle itself; pin them with --trust to know whose they are"), err=True)
    if not result.ok:
        raise typer.Exit(1)


def _visible(text: str) -> str:
    """Return text without what a terminal takes as an instruction: names in a bundle are the school's."""
    return "".join(character if character.isprintable() else "�" for character in text)


def _grades(result: AttestationResult, _: Callable[[str], str]) -> str:
    """Return how well the times of the runs are vouched for."""
    counts = Counter(result.assurance.values())
    text = _("runs: {challenged} in time and with a challenge, {deferred} received later, {chained} without receipt")
    return text.format(**{grade.value: counts[grade] for grade in Assurance})


def report(
    bundle: Path = BUNDLE,
    output: Path = typer.Option(..., "-o", "--output", help="Where to write the page."),
    language: str = typer.Option("zh_CN", "--lang", help="zh_CN or en."),
    trust: Path | None = TRUST,
) -> None:
    """Make one self-contained page of a bundle; what does not verify is said on its first screen."""
    from agent.language import preferred, translator
    from agent.report import render
    from agent.runtime.report_input import report_input
    from agent.verify.bundle import verify_bundle
    from agent.verify.policy import pinned_trust

    data = read_file(bundle)
    if not data.startswith(b"PK"):  # a page about a damaged bundle tells something, one about another file nothing
        raise UsageError(
            "this file is no bundle", where=str(bundle), todo="Give the zip that campus-agent bundle wrote"
        )
    found = verify_bundle(data, trust=pinned_trust(trust) if trust else None)
    page = render(report_input(found, name=bundle.name, translate=translator(language)), language)
    write_file(output, page.encode())
    typer.echo(str(output))
    if not found.result.ok:
        _ = translator(preferred(os.environ))
        typer.echo(_("the bundle does NOT hold; the page says why"), err=True)
        raise typer.Exit(1)


def register(app: typer.Typer) -> None:
    """Add this audience's commands."""
    for command in (verify, report):
        app.command()(command)
