"""kill -9 at any moment: nothing that was acknowledged is lost, and the evidence still verifies."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from agent import canonical
from agent.evidence.bundle import write_bundle
from agent.model.evidence import EntryKind
from agent.runtime import recovery
from agent.runtime.assessment import assess_window, export
from agent.runtime.wiring import open_agent
from agent.verify.bundle import verify_bundle
from tests.runtime.world import REPOSITORY, School, environment, free_udp_port, school

KILLS = 20
CHILD = Path(__file__).with_name("kill_child.py")


def killed(place: School, dice: random.Random) -> list[str]:
    """Start the agent, kill it at a random moment of its measuring, and return what it had acknowledged."""
    process = subprocess.Popen(
        [sys.executable, str(CHILD), str(REPOSITORY), str(place.campus), str(place.state)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout, process.stderr:
        first = process.stdout.readline()
        assert first == b"ready\n", process.stderr.read().decode()
        time.sleep(dice.uniform(0.0, 0.5))
        process.kill()
        said = process.stdout.read()
        assert process.wait(20) == -9
        assert process.stderr.read() == b""
    return said.decode().splitlines()


def test_an_agent_that_is_killed_again_and_again_loses_nothing(tmp_path: Path, device: int) -> None:
    """Every run that began has one end, every acknowledged raw line is in it, and a reviewer accepts the bundle."""
    place, dice = school(tmp_path, {"one": device, "two": device, "dead": free_udp_port()}), random.Random(20261122)
    said = [line for _ in range(KILLS) for line in killed(place, dice)]
    with closing(open_agent(place.campus, place.state)) as agent:
        recovery.abort_open_runs(agent)
        place.check_chain()
        kinds = place.kinds()
        assert kinds["run-abort"] >= KILLS // 2, f"the kills fell between runs: {kinds}"
        _nothing_lost(place, said)
        now = agent.clock.now()
        _, entry = assess_window(agent, ["bozhou-school-2024"], now - timedelta(hours=1), now)
        contents = export(agent.journal, entry, agent.signer.public_pem, None, None)
    write_bundle(tmp_path / "bundle.zip", contents)
    verified = verify_bundle((tmp_path / "bundle.zip").read_bytes()).result
    assert verified.ok, [f"{check.name}: {check.detail}" for check in verified.failed()]


def _nothing_lost(place: School, said: list[str]) -> None:
    """Compare what was acknowledged with what the chain's statements carry."""
    with place.journal() as journal:
        carried = {
            canonical.digest(line)
            for statement in place.statements()
            for subject in statement.subject
            if subject.name.startswith("raw/")
            for line in journal.get_blob(subject.digest.digest()).splitlines()[1:]
        }
    runs = {one.predicate.seq for one in place.statements() if one.predicate.kind is EntryKind.RUN}
    assert {int(line.split()[1]) for line in said if line.startswith("run ")} <= runs
    lines = {line.split()[1] for line in said if line.startswith("line ")}
    assert len(lines) > KILLS
    assert lines <= carried
