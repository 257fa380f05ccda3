"""`campus-agent init`: write the campus file that a school begins with; on a terminal, ask for what it needs."""

from __future__ import annotations

import ipaddress
import os
import re
import shlex
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import typer

from agent.errors import UsageError
from agent.language import N_, name_of, preferred, translator

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.model.rule import Stage
    from agent.packs.starter import Egress, People, Start

__all__ = ["file_language", "register"]

T = TypeVar("T")
CAMPUS_FILE, ROOMS_FILE = "campus.yaml", "rooms.csv"
MOST = 1_000_000
"""People, classes or Mbit/s that an answer may name."""


def init(
    directory: Path = typer.Argument(Path(), help="Where to write the files; made if it is missing."),
    ask: bool | None = typer.Option(
        None,
        "--ask/--no-ask",
        help="Ask for school, people and line; by default on a terminal only.",
        show_default=False,
    ),
    language: str = typer.Option("", "--lang", help="zh_CN or en."),
) -> None:
    """Write a commented campus file and a list of rooms to begin with; files that exist are never touched."""
    from agent.packs.load import config_directory, parse_campus
    from agent.packs.starter import campus_file, rooms_table

    campus, rooms = directory / CAMPUS_FILE, directory / ROOMS_FILE
    if campus.exists():
        raise UsageError("this file exists already", where=str(campus), todo="Edit it, or name another directory")
    translate = translator(language or file_language())
    wizard = sys.stdin.isatty() and sys.stdout.isatty() if ask is None else ask
    start, network = _asked(translate) if wizard else (_unasked(), "")
    text = campus_file(start, translate)
    # An answer that the program would not read back must show before anything is written.
    alone = campus_file(replace(start, rooms_file=""), translate)
    parse_campus(alone.encode(), str(campus))
    _write(directory, campus, text)
    typer.echo(str(campus))
    if not rooms.exists():
        _write(directory, rooms, rooms_table((config_directory() / "rooms.example.csv").read_text(encoding="utf-8")))
        typer.echo(str(rooms))
    for line in _next(campus, network, translate):
        typer.echo(line, err=True)


def file_language() -> str:
    """Return the language of a campus file's comments: the environment's; where it names none, Chinese."""
    told = any(os.environ.get(name, "").startswith("en") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return preferred(os.environ) if told else "zh_CN"


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")


def _unasked() -> Start:
    from agent.packs.starter import Start

    return Start(id="my-school", name="我的学校", by="-", at=_now(), rooms_file=ROOMS_FILE)


def _asked(translate: Callable[[str], str]) -> tuple[Start, str]:
    """Ask on the terminal; an interrupt ends the command before anything is written."""
    from agent.packs.starter import Start

    typer.echo(translate(N_("Enter takes the answer in brackets; Ctrl-C leaves without writing anything.")), err=True)
    name = _text(translate(N_("Name of the school")), "我的学校")
    ident = _identifier(translate(N_("Short name of letters, digits and -")), "my-school", translate)
    by = _text(
        translate(N_("Who answers (role, as in: network administrator)")), translate(N_("network administrator"))
    )
    people = tuple(_people(stage, translate) for stage in _stages(translate))
    egress = _egress(translate)
    network = _network(translate)
    start = Start(id=ident, name=name, by=by, at=_now(), people=people, egress=egress, rooms_file=ROOMS_FILE)
    return start, network


def _ask(question: str, default: str, accept: Callable[[str], T | None], wrong: str) -> T:
    """Ask until the answer is accepted."""
    while True:
        answer = typer.prompt(question, default=default, show_default=bool(default), err=True)
        told = " ".join("".join(letter if letter.isprintable() else " " for letter in str(answer)).split())
        found = accept(told)
        if found is not None:
            return found
        typer.echo(wrong, err=True)


def _text(question: str, default: str) -> str:
    return _ask(question, default, str, "")


def _number(question: str, default: str, translate: Callable[[str], str]) -> int:
    def accept(told: str) -> int | None:
        return int(told) if told.isascii() and told.isdigit() and len(told) <= 7 and int(told) <= MOST else None

    return _ask(question, default, accept, translate(N_("Write a whole number.")))


def _identifier(question: str, default: str, translate: Callable[[str], str]) -> str:
    def accept(told: str) -> str | None:
        plain = told.isascii() and told.replace("-", "").replace("_", "").isalnum()
        return told if plain and len(told) <= 60 else None

    return _ask(question, default, accept, translate(N_("Write letters, digits and - only.")))


def _stages(translate: Callable[[str], str]) -> tuple[Stage, ...]:
    from agent.packs.room_words import EVERY_STAGE, STAGES, folded

    def accept(told: str) -> tuple[Stage, ...] | None:
        words = [folded(word) for word in re.split(r"[\s,;、，；]+", told) if word]
        known = [STAGES[word] for word in words if word in STAGES]
        return tuple(dict.fromkeys(known)) if known and len(known) == len(words) else None

    named = ", ".join(_named(stage, translate) for stage in EVERY_STAGE)
    question = translate(N_("Stages of the school, several with commas: {known}")).format(known=named)
    wrong = translate(N_("Known are: {known}")).format(known=", ".join(dict.fromkeys([*EVERY_STAGE, *STAGES])))
    return _ask(question, "junior", accept, wrong)


def _named(stage: Stage, translate: Callable[[str], str]) -> str:
    """Return the code of a stage, which the file holds, with its name."""
    return f"{stage} ({name_of(stage, translate)})"


def _people(stage: Stage, translate: Callable[[str], str]) -> People:
    from agent.packs.starter import People

    def count(question: str, default: str = "0") -> int:
        return _number(f"{_named(stage, translate)}: {translate(question)}", default, translate)

    students, teachers, classes = (count(N_("students")), count(N_("teachers")), count(N_("classes")))
    upper = count(N_("classes from grade three up"), str(classes * 2 // 3)) if stage == "primary" else None
    return People(stage, students, teachers, classes, None if upper is None else min(upper, classes))


def _egress(translate: Callable[[str], str]) -> Egress | None:
    from agent.packs.check_campus import is_host
    from agent.packs.starter import Egress

    question = translate(N_("Address of the device at the line to the Internet (empty: later)"))
    wrong = translate(N_("Write an IP address or a host name."))
    address = _ask(question, "", lambda told: told if not told or is_host(told) else None, wrong)
    if not address:
        return None
    port = _text(translate(N_("Its port to the Internet, as the device names it")), "GigabitEthernet0/0/1")
    contract = _number(translate(N_("Bandwidth of the contract in Mbit/s (0: none)")), "0", translate)
    return Egress(address, port, contract or None)


def _network(translate: Callable[[str], str]) -> str:
    def accept(told: str) -> str | None:
        try:
            return str(ipaddress.ip_network(told, strict=False)) if told else ""
        except ValueError:
            return None

    question = translate(N_("Network to look for devices in, as 10.1.0.0/24 (empty: later)"))
    return _ask(question, "", accept, translate(N_("Write an address and the length of its prefix.")))


def _write(directory: Path, path: Path, text: str) -> None:
    """Write a new file.

    Raises:
        UsageError: it exists meanwhile, or cannot be written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(
            "cannot write this file: {why}",
            where=str(path),
            todo="Name another directory, or make this one writable",
            why=error.strerror,
        ) from error


def _next(campus: Path, network: str, translate: Callable[[str], str]) -> list[str]:
    """Return what to do next."""
    lines = [N_("Next: fill in the rooms, then check both files:")]
    commands = [f"campus-agent lint --campus {shlex.quote(str(campus))}"]
    if network:
        found = shlex.quote(str(campus.with_name("found.yaml")))
        commands.insert(0, f"campus-agent discover {shlex.quote(network)} --credentials switches -o {found}")
    return [*map(translate, lines), *(f"  {command}" for command in commands)]


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(init)
