"""`kill -9` at any moment loses nothing that was acknowledged, and needs no repair."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agent.journal.store import Journal, Limits

ROOT = Path(__file__).parents[2]
LIMITS = Limits(reserve_bytes=0, ballast_bytes=4096)
KILLS = 200
KILLS_AT_CREATION = 30


class Writers:
    """The server that forks writers; kills each and returns what it acknowledged."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("kill_child.py")), str(ROOT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def run_and_kill(self, directory: Path, seconds: float, *, after: int = 0) -> list[list[str]]:
        """Kill a writer so many seconds after it acknowledged so many things: a slow machine kills no less work."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{directory}\n")
        self.process.stdin.flush()
        lines: list[list[str]] = []
        pid = 0
        while not pid:  # the writer may speak before the server names it
            lines.append(self.process.stdout.readline().split())
            assert lines[-1], "the server of the kill test ended"
            pid = int(lines[-1][1]) if lines[-1][0] == "pid" else 0
        while len(lines) <= after:
            lines.append(self.process.stdout.readline().split())
            assert lines[-1][0] != "dead", "the writer ended by itself"
        time.sleep(seconds)
        os.kill(pid, signal.SIGKILL)
        while lines[-1][0] != "dead":
            lines.append(self.process.stdout.readline().split())
        assert lines[-1] == ["dead", "-9"], "the writer ended by itself"
        return [line for line in lines if line[0] in ("entry", "line", "blob")]

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        assert self.process.wait(timeout=30) == 0
        self.process.stdout.close()


def lost(journal: Journal, acknowledged: list[list[str]]) -> list[list[str]]:
    """Return the acknowledged things that the journal does not have as they were."""
    missing = []
    for kind, *facts in acknowledged:
        if kind == "entry":
            found = journal.entry(facts[1])
            kept = found is not None and found.seq == int(facts[0])
        elif kind == "line":
            lines = list(journal.exchanges(facts[0], "sw1"))
            kept = int(facts[1]) < len(lines) and hashlib.sha256(lines[int(facts[1])]).hexdigest() == facts[2]
        else:
            kept = journal.has_blob(facts[0]) and bool(journal.get_blob(facts[0]))
        if not kept:
            missing.append([kind, *facts])
    return missing


def test_nothing_acknowledged_is_lost_in_200_kills(tmp_path: Path) -> None:
    """200 kills at random moments, creation and recovery included: 0 acknowledged lost, chain whole, no repair."""
    dice = random.Random(20261122)
    writers = Writers()
    total, empty = 0, 0
    everything: list[list[str]] = []
    try:
        for round_number in range(KILLS_AT_CREATION):
            directory = tmp_path / f"new-{round_number}"
            acknowledged = writers.run_and_kill(directory, dice.uniform(0, 0.03))
            with Journal(directory, limits=LIMITS) as journal:
                assert lost(journal, acknowledged) == []
                assert journal.check(deep=True).entries >= sum(kind == "entry" for kind, *_ in acknowledged)
            total += len(acknowledged)
            empty += not acknowledged
        for _ in range(KILLS - KILLS_AT_CREATION):
            acknowledged = writers.run_and_kill(tmp_path / "journal", dice.uniform(0, 0.02), after=dice.randrange(16))
            with Journal(tmp_path / "journal", limits=LIMITS) as journal:
                assert lost(journal, acknowledged) == []
            everything += acknowledged
    finally:
        writers.close()
    with Journal(tmp_path / "journal", limits=LIMITS) as journal:
        assert lost(journal, everything) == []
        checked = journal.check(deep=True)
        assert len(journal.open_runs()) <= 1
    entries = sum(kind == "entry" for kind, *_ in everything)
    # a kill between commit and acknowledgement keeps one entry more than was acknowledged, never fewer
    assert entries <= checked.entries <= entries + KILLS
    assert total + len(everything) > 5 * KILLS, "the writers did too little for the kills to mean anything"
    assert empty > 0, "no kill hit the creation of a journal"


@pytest.mark.long
def test_nothing_acknowledged_is_lost_in_1000_kills(tmp_path: Path) -> None:
    """The goal for a release: 1,000 kills of one growing journal lose nothing."""
    dice = random.Random(7)
    writers = Writers()
    try:
        for _ in range(1000):
            acknowledged = writers.run_and_kill(tmp_path / "journal", dice.uniform(0, 0.05), after=dice.randrange(16))
            with Journal(tmp_path / "journal", limits=LIMITS) as journal:
                assert lost(journal, acknowledged) == []
    finally:
        writers.close()
    with Journal(tmp_path / "journal", limits=LIMITS) as journal:
        assert journal.check(deep=True).entries > 1000
