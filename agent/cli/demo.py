"""`campus-agent demo`: the whole chain on a small campus of real daemons on this machine's loopback.

snmpd, mosquitto and the backend are real processes, the traffic that the egress port shows crosses loopback, and the
bundle is verified from its bytes. What the demo makes up is in its own daemons, never in the agent: the speeds of two
ports are set in snmpd's configuration, since loopback has none, and the hall's switch is the lab's own SNMP agent.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from agent.cli.show import print_sums
from agent.errors import UsageError
from agent.language import N_, name_of, preferred, translator

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.cli.demo_campus import DemoCampus
    from agent.runtime.wiring import Agent

__all__ = ["Scope", "register", "show_demo"]

STANDARDS = ("bozhou-school-2024", "huzhou-3.0", "jiangsu-2018", "ningxia", "wuhan-2020")
ONCE = ("identity", "neighbours", "recorder", "logs", "reach", "platforms")
"""What is asked once, after the rounds: of devices that keep a history themselves."""
ROUNDS = 8
PAUSE = 2.0
"""Seconds between rounds; the demo campus's plan says the same."""
WIDTH = 110
"""Columns that the sums need to stand in a table, for where there is no terminal: a narrower one gets them as lines."""
MBITS = 40
"""Traffic over the egress port, Mbit/s."""


@dataclass(frozen=True, slots=True)
class Told:
    """Where progress is shown: with the time since the start, in the user's language."""

    console: Console
    translate: Callable[[str], str]
    started: float

    def say(self, text: str, **values: object) -> None:
        """Print one line of progress; `text` is a message id with named places."""
        line = self.translate(text).format(**values)
        self.plain(f"{time.monotonic() - self.started:5.1f} s  {line}")

    def plain(self, text: str) -> None:
        """Print text as it is."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)


@dataclass(frozen=True, slots=True)
class Scope:
    """How much of the campus is looked at."""

    rounds: int = ROUNDS
    once: tuple[str, ...] = ONCE
    standards: tuple[str, ...] = STANDARDS


def demo(
    directory: Path = typer.Option(Path("demo"), "--directory", help="Where the demo keeps its things; made anew."),
    language: str = typer.Option("", "--lang", help="zh_CN or en, for the table and the report."),
    rounds: int = typer.Option(ROUNDS, "--rounds", min=2, max=100, help="How often to poll."),
) -> None:
    """Poll, judge, sign, upload, verify and report a small campus of real daemons on loopback, in under a minute."""
    show_demo(directory, language or preferred(os.environ), Scope(rounds))


def show_demo(directory: Path, language: str, scope: Scope) -> None:
    """Run the whole chain over the demo's campus, telling what happens.

    Raises:
        UsageError: a daemon is missing, or the directory holds something else.
    """
    from agent.cli.demo_campus import demo_campus

    console = Console(width=shutil.get_terminal_size((WIDTH, 24)).columns)
    told = Told(console, translator(language), time.monotonic())
    _prepare(directory)
    with demo_campus(directory) as campus:
        told.say(
            N_("two snmpd, mosquitto, the backend and the lab's switch, recorder and log store are up on loopback")
        )
        bundle = asyncio.run(_work(campus, told, scope, language))
    _review(bundle, campus.trust, told)


def _prepare(directory: Path) -> None:
    if directory.exists():
        if not (directory / ".campus-agent-demo").exists() and any(directory.iterdir()):
            raise UsageError(
                "this directory holds something else than a demo", where=str(directory), todo="Name another --directory"
            )
        shutil.rmtree(directory)
    directory.mkdir(parents=True)
    (directory / ".campus-agent-demo").touch()


async def _work(campus: DemoCampus, told: Told, scope: Scope, language: str) -> Path:
    """Enrol, poll, judge, sign, upload; return the bundle."""
    from agent.evidence import keys
    from agent.evidence.bundle import write_bundle
    from agent.lab.traffic import loopback_traffic
    from agent.runtime import assessment, enrolment
    from agent.runtime.backend_link import BackendLink, load_pins
    from agent.runtime.wiring import open_agent

    signer = keys.create(campus.state / "keys" / "agent.pem")
    (campus.trust / "agent.pub").write_bytes(signer.public_pem)
    await enrolment.enrol(campus.backend_url, campus.token, campus.file, campus.state)
    told.say(N_("enrolled with key {key}… at {url}"), key=signer.keyid[:16], url=campus.backend_url)
    agent = open_agent(campus.file, campus.state)
    pins = load_pins(campus.state / "trust")
    agent.backend = BackendLink(campus.backend_url, pins, signer.keyid, agent.clock)
    try:
        since = agent.clock.now()
        async with loopback_traffic(MBITS, scope.rounds * PAUSE * 3):
            listening = asyncio.create_task(_listen(agent, told))
            await _poll(agent, told, scope.rounds)
            await listening
        if scope.once:
            await _ask_once(agent, told, scope.once)
        judged, entry = assessment.assess_window(agent, scope.standards, since, agent.clock.now())
        done = await agent.backend.send(agent.journal)
        if done.error is not None:
            raise done.error
        print_sums(judged, language, told.console)
        receipt = agent.journal.receipt(entry.sha256)
        waiting = agent.journal.backlog().waiting
        sent = sum(1 for _ in agent.journal.entries()) - waiting
        told.say(
            N_("{sent} statements have a receipt, {waiting} wait for one; the receipt of the assessment:"),
            sent=sent,
            waiting=waiting,
        )
        told.plain((receipt or b"").decode().rstrip())
        contents = assessment.export(agent.journal, entry, signer.public_pem, pins.log_vkey, pins.challenge_pub)
    finally:
        await agent.backend.close()
        agent.close()
    bundle = campus.directory / "bundle.zip"
    write_bundle(bundle, contents)
    return bundle


async def _poll(agent: Agent, told: Told, rounds: int) -> None:
    """Poll all interfaces every round, as the plan of the campus file says."""
    from agent.runtime.cycle import run
    from agent.runtime.schedule import jobs_of

    assert agent.backend is not None  # the caller connected it
    for number in range(rounds):
        begun = time.monotonic()
        result = await run(agent, jobs_of(agent.campus, agent.families, ["links", "interfaces"]))
        told.say(
            N_("run {number} of {rounds}: {targets}; {count} readings"),
            number=number + 1,
            rounds=rounds,
            targets=", ".join(f"{target.id} {name_of(target.result, told.translate)}" for target in result.targets),
            count=len(result.readings),
        )
        await agent.backend.send(agent.journal)
        await asyncio.sleep(max(0.0, PAUSE - (time.monotonic() - begun)))


async def _listen(agent: Agent, told: Told) -> None:
    """Listen to the broker while the interfaces are polled."""
    from agent.runtime.cycle import run
    from agent.runtime.schedule import jobs_of

    result = await run(agent, jobs_of(agent.campus, agent.families, ["mqtt"]))
    found = {(reading.metric, reading.subject): reading.value for reading in result.readings}
    for (metric, subject), count in found.items():
        if metric == "iot.devices":
            fresh = found.get(("iot.devices.fresh", subject), "0")
            text = N_("broker: {subject}: {count} devices, {fresh} of them heard live")
            told.say(text, subject=subject, count=count, fresh=fresh)


async def _ask_once(agent: Agent, told: Told, collectors: tuple[str, ...]) -> None:
    """Read footage and logs, and whether systems and platforms answer."""
    from agent.runtime.cycle import run
    from agent.runtime.schedule import jobs_of

    result = await run(agent, jobs_of(agent.campus, agent.families, collectors))
    told.say(
        N_("recorder, log store, systems: {targets}; {count} readings"),
        targets=", ".join(f"{target.id} {name_of(target.result, told.translate)}" for target in result.targets),
        count=len(result.readings),
    )


def _review(bundle: Path, trust: Path, told: Told) -> None:
    """What the reviewer does, with pinned keys and nothing but the file."""
    from agent.report import render
    from agent.runtime.report_input import report_input
    from agent.verify.bundle import verify_bundle
    from agent.verify.policy import pinned_trust

    found = verify_bundle(bundle.read_bytes(), trust=pinned_trust(trust))
    result = found.result
    for check in result.failed():
        told.plain(f"FAIL {check.name}: {check.told(told.translate)}")
    text = N_("{bundle} holds: {count} checks") if result.ok else N_("{bundle} does NOT hold: {count} checks")
    told.say(text, bundle=bundle, count=len(result.checks))
    pages = {language: bundle.parent / f"report.{language}.html" for language in ("zh_CN", "en")}
    for language, page in pages.items():
        given = report_input(found, name=bundle.name, translate=translator(language))
        page.write_text(render(given, language), encoding="utf-8")
    told.say(N_("report: {zh} and {en}"), zh=pages["zh_CN"], en=pages["en"])
    told.say(N_("check it yourself: {command}"), command=f"campus-agent verify {bundle} --trust {trust}")
    if not result.ok:
        raise typer.Exit(1)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)
