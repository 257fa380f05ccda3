"""Fuzz the decoders: `python -m tests.fuzz SECONDS`, spread over all targets.

    python -m tests.fuzz 60                          all targets, a minute in all
    python -m tests.fuzz 600 --target snmp --seed 7  one target, from a known start
    python -m tests.fuzz --reproduce snmp FILE       run what was found once more

For each target it prints executions a second, how many inputs were refused, and the slowest one. An exception that is
no refusal, a decoder that hangs, or a datagram that costs more than `SLOW_SECONDS` is a crash: its octets are written
to a file, the command to reproduce it is printed, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.fuzz.runner import fuzz, reproduce
from tests.fuzz.targets import TARGETS


def main(arguments: list[str]) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Fuzz the decoders.")
    parser.add_argument("seconds", type=float, nargs="?", help="how long, in all")
    parser.add_argument("--target", action="append", choices=sorted(TARGETS), help="only this; may be repeated")
    parser.add_argument("--seed", type=int, default=None, help="start of the random numbers; printed, else random")
    parser.add_argument("--output", type=Path, default=Path(".build/fuzz"), help="where reproducers are written")
    parser.add_argument("--reproduce", nargs=2, metavar=("TARGET", "FILE"), help="run one input once more")
    given = parser.parse_args(arguments)
    if given.reproduce:
        return reproduce(*given.reproduce)
    if given.seconds is None or given.seconds <= 0:
        parser.error("say for how many seconds")
    names = given.target or list(TARGETS)
    crashes = 0
    for name in names:
        told = fuzz(name, TARGETS[name], given.seconds / len(names), seed=given.seed, output=given.output)
        sys.stdout.write(f"{told}\n")
        sys.stdout.flush()
        crashes += len(told.crashes)
    return 1 if crashes else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
