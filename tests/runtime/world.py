"""A school for tests of the runtime: a state directory, a campus file, a device that answers, a backend."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.evidence import keys
from agent.journal.store import Journal
from agent.model.evidence import EntryKind, Statement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

REPOSITORY = Path(__file__).parents[2]
COMMUNITY = "COMMUNITY-CANARY-1"
SCHOOL = "school-1"
CONTRACT = "{value: '500', by: noc, at: '2026-09-01T00:00:00Z', why: contract}"


@dataclass
class SetClock:
    """A clock that stands where a test sets it."""

    wall: datetime
    mono: int = 0

    def now(self) -> datetime:
        return self.wall

    def monotonic_ns(self) -> int:
        self.mono += 1_000_000
        return self.mono


@dataclass
class School:
    """Where everything is."""

    directory: Path

    @property
    def state(self) -> Path:
        return self.directory / "state"

    @property
    def campus(self) -> Path:
        return self.directory / "campus.yaml"

    @property
    def trust(self) -> Path:
        return self.state / "trust"

    def write_campus(self, devices: dict[str, int], *, every: int = 300, deadline: int = 5, more: str = "") -> None:
        """Write a campus file of SNMP devices on loopback ports; the first has the egress link."""
        assets = "".join(
            f"  - {{id: {name}, family: generic-snmp, address: 127.0.0.1, port: {port}, credentials: ro}}\n"
            for name, port in devices.items()
        )
        first = next(iter(devices))
        self.campus.write_text(
            f'version: "1"\nschool: {{id: {SCHOOL}, name: 测试学校}}\nassets:\n{assets}'
            f"links:\n  - {{id: telecom, role: egress, asset: {first}, port: lo, contract_mbps: {CONTRACT}}}\n"
            f"plan:\n  - {{collector: interfaces, every_seconds: {every}, deadline_seconds: {deadline}}}\n"
            f"  - {{collector: links, every_seconds: {every}, deadline_seconds: {deadline}}}\n{more}",
            encoding="utf-8",
        )

    def secret(self, name: str, text: str, mode: int = 0o600) -> Path:
        """Write a credential."""
        path = self.state / "secrets" / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        return path

    def journal(self) -> Journal:
        """Look at the journal; possible while the agent runs."""
        return Journal(self.state / "journal", readonly=True)

    def statements(self) -> list[Statement]:
        """Return the chain."""
        with self.journal() as journal:
            return [Statement.from_bytes(entry.payload) for entry in journal.entries()]

    def kinds(self) -> Counter[str]:
        """Return how many entries of each kind there are."""
        return Counter(statement.predicate.kind.value for statement in self.statements())

    def waiting(self) -> int:
        """Return how many entries have no receipt."""
        with self.journal() as journal:
            return journal.backlog().waiting

    def check_chain(self) -> None:
        """Every run that began has ended once, links and files are whole."""
        with Journal(self.state / "journal", readonly=True) as journal:
            assert journal.open_runs() == []
            journal.check(deep=True)
        begun, ended = Counter[str](), Counter[str]()
        for statement in self.statements():
            predicate = statement.predicate
            if predicate.kind is EntryKind.RUN_START:
                begun[predicate.run or ""] += 1
            elif predicate.kind in (EntryKind.RUN, EntryKind.RUN_ABORT):
                ended[predicate.run or ""] += 1
        assert begun == ended
        assert set(begun.values()) <= {1}


def school(directory: Path, devices: dict[str, int], **plan: Any) -> School:
    """Return a school with a key, the community of its devices, and a campus file."""
    made = School(directory)
    keys.create(made.state / "keys" / "agent.pem")
    made.secret("ro", f"{{version: 2c, community: {COMMUNITY}}}\n")
    made.write_campus(devices, **plan)
    return made


def free_udp_port() -> int:
    """Return a UDP port where nothing listens."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_tcp_port() -> int:
    """Return a TCP port where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def command(*arguments: str, environment: dict[str, str] | None = None) -> list[str]:
    """Return the command line of the program under test."""
    return [sys.executable, "-m", "agent", *arguments]


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a child: ours without what could steer the program, in English."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CAMPUS_AGENT_", "LC_"))}
    return {**kept, "LANG": "C.UTF-8", "COLUMNS": "200", "PYTHONWARNINGS": "error", **more}


@dataclass(frozen=True)
class Done:
    """What a command left."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Return standard output as JSON."""
        return json.loads(self.out)


def agent(*arguments: str | Path, timeout: float = 60, **env: str) -> Done:
    """Run the command line to its end."""
    done = subprocess.run(
        command(*map(str, arguments)),
        cwd=REPOSITORY,
        env=environment(**env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=timeout,
        check=False,
    )
    return Done(done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8"))


@contextmanager
def child(arguments: Sequence[str | Path], log: Path, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run the command line beside the test; its standard error goes to the log. It is killed at the end if it lives."""
    with log.open("ab") as file:
        process = subprocess.Popen(
            command(*map(str, arguments)),
            cwd=REPOSITORY,
            env=environment(**env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=file,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(20)
        assert process.stdout is not None
        process.stdout.close()


@contextmanager
def backend(directory: Path, port: int) -> Iterator[str]:
    """Run the real backend as a process of its own."""
    directory.mkdir(exist_ok=True)
    serve = ("backend", "serve", "--directory", directory / "backend", "--port", str(port))
    with child(serve, directory / "backend.log") as process:
        assert process.stdout is not None
        url = process.stdout.readline().decode().strip()
        assert url, (directory / "backend.log").read_text(encoding="utf-8")
        yield url
        process.terminate()
        process.wait(20)


def token(directory: Path, name: str = SCHOOL) -> str:
    """Return a fresh one-time token of that backend."""
    done = agent("backend", "token", name, "--directory", directory / "backend")
    assert done.code == 0, done.err
    return done.out.strip()


def until(what: Callable[[], bool], seconds: float = 20) -> bool:
    """Wait until it is so; tell whether it came to be."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.1)
    return False
