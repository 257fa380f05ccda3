"""Child of the kill test: an agent that measures without end, as `campus-agent run --once` does once, until killed.

Standard output acknowledges: `ready`, then the digest of each raw line that the readings of a finished conversation
cite, and `run` with the number of each finished run's entry. Usage: python kill_child.py REPOSITORY CAMPUS STATE
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])

from typing import TYPE_CHECKING

from agent.collectors import COLLECTORS
from agent.runtime import recovery
from agent.runtime.cycle import run
from agent.runtime.schedule import jobs_of
from agent.runtime.wiring import open_agent

if TYPE_CHECKING:
    from agent.runtime.cycle import Conversation


def say(text: str) -> None:
    """Write one line in one system call, so that a kill cannot cut it."""
    os.write(1, text.encode() + b"\n")


def told(conversation: Conversation) -> None:
    """Acknowledge the raw lines that a conversation's readings cite."""
    for source in sorted({source for reading in conversation.readings for source in reading.sources}):
        say(f"line {source}")


async def measure_for_ever() -> None:
    """Measure everything, again and again."""
    agent = open_agent(Path(sys.argv[2]), Path(sys.argv[3]))
    recovery.enrol(agent)
    recovery.abort_open_runs(agent)
    say("ready")
    while True:
        result = await run(agent, jobs_of(agent.campus, agent.families, COLLECTORS), progress=told)
        say(f"run {result.seq}")


asyncio.run(measure_for_ever())
