"""Runs a target on mutated seeds for a bounded time, and keeps what breaks it."""

from __future__ import annotations

import hashlib
import random
import secrets
import signal
import sys
import threading
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fuzz.mutate import mutate
from tests.fuzz.targets import TARGETS, Target

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["SLOW_SECONDS", "Crash", "Told", "fuzz", "reproduce"]

SLOW_SECONDS = 0.25 if sys.gettrace() is None else 1.0
"""CPU time that a datagram may cost: five times the promised 50 ms, for slow machines; more where coverage traces."""
HANG_SECONDS = 20.0
MOST_CRASHES = 5


@dataclass(frozen=True)
class Crash:
    """What broke a target: its kind and place, and the file with the octets."""

    what: str
    path: Path


@dataclass
class Told:
    """What came of fuzzing one target."""

    name: str
    seed: int
    executions: int = 0
    refused: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    crashes: list[Crash] = field(default_factory=list)

    def __str__(self) -> str:
        rate = self.executions / self.seconds if self.seconds else 0
        line = (
            f"{self.name:14} {self.executions:8} executions {rate:9.0f}/s  refused {self.refused}"
            f"  slowest {self.slowest * 1000:.1f} ms  seed {self.seed}"
        )
        for crash in self.crashes:
            line += f"\n  CRASH {crash.what}\n    python -m tests.fuzz --reproduce {self.name} {crash.path}"
        return line


class HangError(Exception):
    """A target did not come to an end."""


def fuzz(name: str, target: Target, seconds: float, *, seed: int | None, output: Path) -> Told:
    """Run the target until the time is over or it broke in several ways."""
    told = Told(name, secrets.randbelow(1 << 32) if seed is None else seed)
    chance = random.Random(f"{name}/{told.seed}")
    seeds = list(target.seeds())
    known: set[str] = set()
    began = time.monotonic()
    for number in range(1 << 62):
        told.seconds = time.monotonic() - began
        if told.seconds >= seconds or len(told.crashes) >= MOST_CRASHES:
            return told
        data = seeds[number] if number < min(len(seeds), 20) else mutate(seeds, chance)
        what = execute(target, data, told)
        if what is not None and what not in known:
            known.add(what)
            told.crashes.append(Crash(what, _keep(name, data, output)))
    return told


def execute(target: Target, data: bytes, told: Told) -> str | None:
    """Run once; return what is wrong, or None."""
    told.executions += 1
    began = time.process_time()
    try:
        with _Alarm():
            target.run(data)
    except target.refusals:
        told.refused += 1
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}: {str(error)[:120]}"
    took = time.process_time() - began
    told.slowest = max(told.slowest, took)
    if target.fast and took > SLOW_SECONDS and _again(target, data) > SLOW_SECONDS:
        return "slow"
    return None


def reproduce(name: str, path: str) -> int:
    """Run one input and let its error show; 0 if there is none any more."""
    target = TARGETS[name]
    data = Path(path).read_bytes()
    try:
        target.run(data)
    except target.refusals as refusal:
        sys.stdout.write(f"refused: {refusal}\n")
        return 0
    except Exception:
        traceback.print_exc()
        return 1
    took = _again(target, data)
    sys.stdout.write(f"{took * 1000:.1f} ms\n")
    return 1 if target.fast and took > SLOW_SECONDS else 0


def _again(target: Target, data: bytes) -> float:
    """Return the CPU time of the fastest of three runs: a collection of garbage is not the decoder's fault."""
    best = float("inf")
    for _ in range(3):
        began = time.process_time()
        with suppress(*target.refusals):
            target.run(data)
        best = min(best, time.process_time() - began)
    return best


def _keep(name: str, data: bytes, output: Path) -> Path:
    output.mkdir(parents=True, exist_ok=True)
    path = output / f"{name}-{hashlib.sha256(data).hexdigest()[:12]}.bin"
    path.write_bytes(data)
    return path


class _Alarm:
    """Turns a run that does not end into an error; without effect outside the main thread."""

    def __enter__(self) -> None:
        self._armed = threading.current_thread() is threading.main_thread()
        if self._armed:
            self._before = signal.signal(signal.SIGALRM, _hang)
            signal.setitimer(signal.ITIMER_REAL, HANG_SECONDS)

    def __exit__(self, *_: object) -> None:
        if self._armed:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self._before)


def _hang(number: int, frame: FrameType | None) -> None:
    raise HangError("no end in sight")
