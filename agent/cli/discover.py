"""`campus-agent discover`: find the SNMP devices of some networks, and propose a campus file."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from agent.cli.init import file_language
from agent.cli.operate import STATE
from agent.errors import UsageError
from agent.language import N_, preferred, translator

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.runtime.credentials import Credential
    from agent.runtime.discover import Discovery
    from agent.runtime.proposal import Proposal

__all__ = ["register"]

MOST = 4_096
"""As `agent.runtime.networks.MOST_HOSTS`; commands import what they need when they are called."""
REASONS = {
    "silent": N_("{count} silent: no answer to any credential"),
    "closed": N_("{count} where nothing listens at the port"),
    "refused": N_("{count} that refuse these credentials"),
    "no-view": N_("{count} that answer but show nothing to these credentials"),
    "malformed": N_("{count} that answer with something that is not SNMP"),
    "late": N_("{count} not asked: the time was over"),
}
BETWEEN = 2.0
"""Seconds between two lines of progress."""


def discover(
    networks: list[str] = typer.Argument(..., help="Networks or addresses: 10.1.0.0/24, 2001:db8::/120."),
    credentials: list[str] = typer.Option(
        ..., "--credentials", help="A credential's name (or file); several are tried in this order, each once per host."
    ),
    output: Path | None = typer.Option(None, "-o", "--output", help="Write the proposed campus file here."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON instead of the campus file."),
    port: int = typer.Option(161, "--port", min=1, max=65535, help="The UDP port."),
    most: int = typer.Option(MOST, "--max", min=1, help="Refuse networks with more hosts than this."),
    allow_public: bool = typer.Option(False, "--allow-public", help="Ask public addresses too: the school's own only."),
    concurrency: int = typer.Option(64, "--concurrency", min=1, max=1024, help="Hosts under way at a time."),
    rate: int = typer.Option(100, "--rate", min=1, max=2000, help="Tries begun per second."),
    timeout: int = typer.Option(1500, "--timeout-ms", min=50, max=30_000, help="Wait for each answer."),
    seconds: int = typer.Option(900, "--seconds", min=1, help="Begin no further host after these."),
    state: Path = STATE,
    language: str = typer.Option("", "--lang", help="zh_CN or en."),
) -> None:
    """Ask the hosts of some networks who they are, and propose assets and backbone links for the campus file.

    Community strings are sent in the clear, once to every host. After an SNMPv3 refusal in which a key was tried, no
    further SNMPv3 credential is tried on that host, because some devices lock users out.
    """
    from agent.runtime import discovery
    from agent.runtime.discover import Sweep
    from agent.runtime.networks import parse_networks

    if output is not None and output.exists():
        raise UsageError("this file exists already", where=str(output), todo="Choose another name for the proposal")
    sweep = Sweep(
        networks=parse_networks(networks, most=most, allow_public=allow_public),
        credentials=tuple(_credential(text, state) for text in credentials),
        port=port,
        concurrency=concurrency,
        rate=rate,
        timeout_ms=timeout,
        seconds=seconds,
    )
    translate = translator(language or preferred(os.environ))
    proposal = asyncio.run(discovery.run(sweep, _progress(translate)))
    # A file without a device would be of no use, and stand in the way of the next try.
    if proposal.items:
        _propose(proposal.to_yaml(translator(language or file_language())), output, shown=not as_json)
    if as_json:
        sys.stdout.write(json.dumps(proposal.to_json(), ensure_ascii=False, indent=2) + "\n")
    _summary(proposal, translate)
    if not proposal.items:
        if output is not None:
            typer.echo(translate(N_("{path} is not written")).format(path=output), err=True)
        raise typer.Exit(1)


def _credential(text: str, state: Path) -> tuple[str, Credential]:
    """Return name and credential; a text with a slash is a file, whose name the proposal uses."""
    from agent.runtime.credentials import load_credential

    if "/" in text:
        path = Path(text)
        return path.name, load_credential(path.name, [path.parent])
    directories = [state / "secrets"]
    if os.environ.get("CREDENTIALS_DIRECTORY"):
        directories.insert(0, Path(os.environ["CREDENTIALS_DIRECTORY"]))
    return text, load_credential(text, directories)


def _progress(translate: Callable[[str], str]) -> Callable[[Discovery], None]:
    """Return what prints how far the sweep is, not more often than people read."""
    last = time.monotonic()

    def tell(found: Discovery) -> None:
        nonlocal last
        if time.monotonic() - last < BETWEEN:
            return
        last = time.monotonic()
        text = translate(N_("{asked} of {hosts} hosts, {found} devices"))
        typer.echo(text.format(asked=found.asked, hosts=found.hosts, found=len(found.found)), err=True)

    return tell


def _propose(text: str, output: Path | None, *, shown: bool) -> None:
    """Write the campus file, or show it where no file is named."""
    if output is not None:
        try:
            with output.open("x", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise UsageError(
                "cannot write this file: {why}",
                where=str(output),
                todo="Name another with -o, or make its directory writable",
                why=error.strerror,
            ) from error
    elif shown:
        sys.stdout.write(text)


def _summary(proposal: Proposal, translate: Callable[[str], str]) -> None:
    """Say on standard error what was found, what is missing and why, and what to fix."""
    found = proposal.discovery
    heading = translate(N_("{hosts} hosts: {devices} devices, {links} backbone links"))
    lines = [heading.format(hosts=found.hosts, devices=len(proposal.items), links=len(proposal.links))]
    lines += [
        "  " + translate(text).format(count=found.missing[reason])
        for reason, text in REASONS.items()
        if found.missing[reason]
    ]
    lines += [f"  {address}: {why.render(translate)}" for address, why in found.refused.items()]
    unanswered = translate(N_("unanswered: {address} ({name}), neighbour of {device} at {port}"))
    lines += [
        unanswered.format(
            address=", ".join(neighbour.addresses), name=neighbour.name, device=device.id, port=neighbour.port
        )
        for neighbour, device in proposal.unanswered
    ]
    lines += [f"{', '.join(clash.devices)}: {translate(clash.todo)}" for clash in proposal.clashes]
    for line in lines:
        typer.echo(_plain(line), err=True)


def _plain(text: str) -> str:
    """Return text of devices that a terminal cannot take as instructions."""
    return "".join(letter if letter.isprintable() else "�" for letter in text)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(discover)
