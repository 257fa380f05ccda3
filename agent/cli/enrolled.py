"""How enrolled keys look on a terminal, in both languages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table

from agent.backend.enrolments import KeyState
from agent.cli.show import plain
from agent.language import N_, translator

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from agent.backend.enrolments import Enrolment, Revocation, SchoolKeys

__all__ = ["print_enrolments", "print_revocation", "print_trust"]

_STATES = {
    KeyState.ACTIVE: N_("active"),
    KeyState.REPLACED: N_("replaced"),
    KeyState.REVOKED: N_("revoked"),
}
_HEADINGS = (
    N_("school"),
    N_("key"),
    N_("state"),
    N_("enrolled (UTC)"),
    N_("last upload (UTC)"),
)


def print_enrolments(found: Sequence[Enrolment], language: str, *, full: bool) -> None:
    """Print one line per key.

    Args:
        found: the keys.
        language: `zh_CN` or `en`.
        full: whole key ids instead of their beginnings.
    """
    _ = translator(language)
    table = Table(expand=False)
    for heading in _HEADINGS:
        table.add_column(_(heading), overflow="fold")
    for one in found:
        table.add_row(
            plain(one.campus),
            one.keyid if full else one.short,
            _(_STATES[one.state]),
            _minute(one.enrolled),
            _minute(one.last_upload),
        )
    Console().print(table)
    if not found:
        typer.echo(_("no school has enrolled yet; campus-agent backend token SCHOOL-ID invites one"), err=True)


def print_trust(directory: Path, names: Sequence[str], school: SchoolKeys | None, language: str) -> None:
    """Say what was written, whose keys they are, and what is missing.

    Args:
        directory: where the files are.
        names: of the files.
        school: whose keys `agent.pub` holds; None: it was not written.
        language: `zh_CN` or `en`.
    """
    _ = translator(language)
    typer.echo(f"{directory}: {', '.join(names)}")
    if school is None:
        typer.echo(_("verify needs the school's agent.pub as well: give --campus SCHOOL-ID"), err=True)
        return
    for one in school.pinned:
        typer.echo(f"{one.campus}  {one.keyid}  {_(_STATES[one.state])}")
    for one in school.left_out:
        text = _("left out: key {keyid}, revoked at {at}; --with-revoked adds it, for bundles of before")
        typer.echo(text.format(keyid=one.keyid, at=one.revoked), err=True)


def print_revocation(revoked: Revocation, language: str) -> None:
    """Say which key was withdrawn, since when, what that means, and which keys the school has left.

    Args:
        revoked: what was done.
        language: `zh_CN` or `en`.
    """
    _ = translator(language)
    key = revoked.key
    text = _("revoked at {at}: {reason}") if revoked.changed else _("was revoked before, at {at}: {reason}")
    typer.echo(f"{key.campus}  {key.keyid}  " + text.format(at=key.revoked, reason=key.reason or ""))
    text = _("nothing that it signs is taken from then on; its {count} entries of before keep their receipts")
    typer.echo(text.format(count=key.entries))
    for one in revoked.others:
        typer.echo(f"{one.campus}  {one.keyid}  {_(_STATES[one.state])}")
    if not revoked.others:
        text = _("the school has no other key; campus-agent backend token {campus} invites it to enrol a new one")
        typer.echo(text.format(campus=key.campus), err=True)
    else:
        text = _("make the reviewers' directory anew: campus-agent backend trust --campus {campus} --output DIRECTORY")
        typer.echo(text.format(campus=key.campus), err=True)


def _minute(time: str | None) -> str:
    """Return a stored time as people read it, to the minute."""
    return "-" if time is None else time[:16].replace("T", " ")
