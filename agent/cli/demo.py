"""`campus-agent demo`: the whole chain on a small campus of real daemons on this machine's loopback.

Nothing here is simulated: snmpd, mosquitto and the backend are real processes, the traffic that the egress port
shows crosses loopback, and the bundle is verified from its bytes. Only the speeds of the two ports are set in
snmpd's configuration, since loopback has none.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from agent.cli.show import print_assessments
from agent.errors import UsageError
from agent.language import preferred, translator

if TYPE_CHECKING:
    from agent.cli.demo_campus import DemoCampus
    from agent.model.finding import Assessment
    from agent.runtime.wiring import Agent

__all__ = ["register"]

STANDARDS = ("bozhou-school-2024", "jiangsu-2018")
ROUNDS = 8
PAUSE = 2.0
"""Seconds between rounds; the demo campus's plan says the same."""
WIDTH = 110
"""Columns that the score sheet needs to be readable."""
MBITS = 40
"""Traffic over the egress port, Mbit/s."""


def demo(
    directory: Path = typer.Option(Path("demo"), "--directory", help="Where the demo keeps its things; made anew."),
    language: str = typer.Option("", "--lang", help="zh_CN or en, for the table and the report."),
    rounds: int = typer.Option(ROUNDS, "--rounds", min=2, max=100, help="How often to poll."),
) -> None:
    """Poll, judge, sign, upload, verify and report a small campus of real daemons on loopback, in under a minute."""
    from agent.cli.demo_campus import demo_campus

    started = time.monotonic()
    shown = language or preferred(os.environ)
    console = Console(width=max(shutil.get_terminal_size().columns, WIDTH))
    _prepare(directory)
    with demo_campus(directory) as campus:
        _say(console, started, "snmpd (2), mosquitto and the backend are up on loopback")
        bundle = asyncio.run(_work(campus, console, started, rounds, shown))
    _review(bundle, campus.trust, shown, console, started)


def _say(console: Console, started: float, text: str) -> None:
    console.print(f"{time.monotonic() - started:5.1f} s  {text}", markup=False, highlight=False, soft_wrap=True)


def _prepare(directory: Path) -> None:
    if directory.exists():
        if not (directory / ".campus-agent-demo").exists() and any(directory.iterdir()):
            raise UsageError(
                "this directory holds something else than a demo", where=str(directory), todo="Name another --directory"
            )
        shutil.rmtree(directory)
    directory.mkdir(parents=True)
    (directory / ".campus-agent-demo").touch()


async def _work(campus: DemoCampus, console: Console, started: float, rounds: int, language: str) -> Path:
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
    _say(console, started, f"enrolled with key {signer.keyid[:16]}… at {campus.backend_url}")
    agent = open_agent(campus.file, campus.state)
    pins = load_pins(campus.state / "trust")
    agent.backend = BackendLink(campus.backend_url, pins, signer.keyid, agent.clock)
    try:
        since = agent.clock.now()
        async with loopback_traffic(MBITS, rounds * PAUSE * 3):
            listening = asyncio.create_task(_listen(agent, console, started))
            await _poll(agent, console, started, rounds)
            await listening
        judged, entry = assessment.assess_window(agent, STANDARDS, since, agent.clock.now())
        done = await agent.backend.send(agent.journal)
        if done.error is not None:
            raise done.error
        _table(judged, language, console)
        receipt = agent.journal.receipt(entry.sha256)
        waiting = agent.journal.backlog().waiting
        sent = sum(1 for _ in agent.journal.entries()) - waiting
        _say(console, started, f"{sent} statements have a receipt, {waiting} wait for one; the assessment's receipt:")
        console.print((receipt or b"").decode().rstrip(), markup=False, highlight=False, soft_wrap=True)
        contents = assessment.export(agent.journal, entry, signer.public_pem, pins.log_vkey, pins.challenge_pub)
    finally:
        await agent.backend.close()
        agent.close()
    bundle = campus.directory / "bundle.zip"
    write_bundle(bundle, contents)
    return bundle


async def _poll(agent: Agent, console: Console, started: float, rounds: int) -> None:
    """Poll all interfaces every round, as the plan of the campus file says."""
    from agent.runtime.cycle import run
    from agent.runtime.schedule import jobs_of

    assert agent.backend is not None  # the caller connected it
    for number in range(rounds):
        begun = time.monotonic()
        result = await run(agent, jobs_of(agent.campus, agent.families, ["interfaces"]))
        told = ", ".join(f"{target.id} {target.result}" for target in result.targets)
        _say(console, started, f"run {number + 1}/{rounds}: {told}; {len(result.readings)} readings")
        await agent.backend.send(agent.journal)
        await asyncio.sleep(max(0.0, PAUSE - (time.monotonic() - begun)))


async def _listen(agent: Agent, console: Console, started: float) -> None:
    """Listen to the broker while the interfaces are polled."""
    from agent.runtime.cycle import run
    from agent.runtime.schedule import jobs_of

    result = await run(agent, jobs_of(agent.campus, agent.families, ["mqtt"]))
    found = {(reading.metric, reading.subject): reading.value for reading in result.readings}
    for (metric, subject), count in found.items():
        if metric == "iot.devices":
            fresh = found.get(("iot.devices.fresh", subject), "0")
            _say(console, started, f"broker: {subject}: {count} devices, {fresh} of them heard live")


def _table(judged: list[Assessment], language: str, console: Console) -> None:
    print_assessments(judged, language, as_json=False, console=console)


def _review(bundle: Path, trust: Path, language: str, console: Console, started: float) -> None:
    """What the reviewer does, with pinned keys and nothing but the file."""
    from agent.report import render
    from agent.runtime.report_input import report_input
    from agent.verify.bundle import verify_bundle
    from agent.verify.policy import pinned_trust

    _ = translator(language)
    found = verify_bundle(bundle.read_bytes(), trust=pinned_trust(trust))
    result = found.result
    for check in result.failed():
        console.print(f"FAIL {check.name}: {check.detail}", markup=False)
    verdict = _("holds") if result.ok else _("does NOT hold")
    _say(console, started, f"{bundle}: {verdict} ({len(result.checks)} checks, {len(result.failed())} failed)")
    given = report_input(found, name=bundle.name)
    for name, shown in (("report.html", "zh_CN"), ("report.en.html", "en")):
        (bundle.parent / name).write_text(render(given, shown), encoding="utf-8")
    _say(console, started, f"report: {bundle.parent / 'report.html'} (en: {bundle.parent / 'report.en.html'})")
    console.print(f"check it yourself: campus-agent verify {bundle} --trust {trust}", markup=False, soft_wrap=True)
    if not result.ok:
        raise typer.Exit(1)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)
