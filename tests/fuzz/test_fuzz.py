"""The fuzzer in short: every decoder for two seconds, the cost of a datagram, and that a defect would be found."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent import ber
from tests.fuzz.runner import SLOW_SECONDS, fuzz
from tests.fuzz.targets import TARGETS, Target, receive_varbinds

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 2.0
FAST = sorted(name for name, target in TARGETS.items() if target.fast)


def tiny(count: int) -> bytes:
    """The smallest variable bindings there are: the most that fit a datagram."""
    return ber.encode_varbind(b"\x2b", ber.NULL, b"") * count


def long_oids() -> bytes:
    """OIDs of 128 sub-identifiers of five octets each: the slowest to take apart."""
    oid = b"\x2b" + b"\x8f\xff\xff\xff\x7f" * 126
    return ber.encode_varbind(oid, ber.NULL, b"") * 99


WORST = {
    "zeros": bytes(65_507),
    "tiny": tiny(9_000),
    "long OIDs": long_oids(),
    "padding": ber.encode_varbind(b"\x2b" + b"\x80" * 65_000, ber.NULL, b""),
    "endless OID": ber.encode_varbind(b"\x2b" + b"\xff" * 65_000, ber.NULL, b""),
    "nesting": b"".join(b"\x30\x84" + (65_500 - 6 * at).to_bytes(4, "big") for at in range(10_900)),
    "one value": ber.encode_varbind(b"\x2b\x06\x01", ber.OCTET_STRING, bytes(range(256)) * 255),
    "bad lengths": b"\x30\x7f\x06\x7f" * 16_000,
    "increasing": b"".join(
        ber.encode_varbind(ber.oid_bytes(f"1.3.6.1.2.1.2.2.1.2.{at}"), ber.INTEGER, b"\x01") for at in range(3_300)
    ),
}


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_no_octets_break_a_decoder(name: str, tmp_path: Path) -> None:
    """Two seconds of damaged input end in values or in our own errors, never in anything else, and never late."""
    told = fuzz(name, TARGETS[name], SECONDS, seed=None, output=tmp_path)
    assert not told.crashes, str(told)
    assert told.executions >= 1


@pytest.mark.parametrize("kind", sorted(WORST))
@pytest.mark.parametrize("name", FAST)
def test_the_worst_datagrams_cost_milliseconds(name: str, kind: str) -> None:
    """64 KB made to be slow are decoded or rejected within five times 50 ms of CPU, by every decoder of datagrams."""
    assert cost(TARGETS[name], WORST[kind][:65_507]) < SLOW_SECONDS


@settings(max_examples=40, deadline=None)
@given(st.binary(min_size=1, max_size=300), st.integers(1, 3_000))
def test_any_repeated_pattern_of_64_kb_costs_milliseconds(pattern: bytes, times: int) -> None:
    """Whatever pattern fills a datagram, with or without a sound head, time does not run away."""
    data = (pattern * times)[:65_000]
    for name in FAST:
        assert cost(TARGETS[name], data) < SLOW_SECONDS
    assert cost(Target(receive_varbinds, tuple, TARGETS["snmp"].refusals), data) < SLOW_SECONDS


def cost(target: Target, data: bytes) -> float:
    """CPU seconds of the fastest of three runs."""
    best = float("inf")
    for _ in range(3):
        began = time.process_time()
        with suppress(*target.refusals):
            target.run(data)
        best = min(best, time.process_time() - began)
    return best


def test_a_planted_defect_is_found_and_can_be_reproduced(tmp_path: Path) -> None:
    """A decoder that trusts a length is found out within seconds, once per defect, with its octets in a file."""

    def trusting(data: bytes) -> None:
        if data[:1] == b"\x30" and len(data) > 4:
            assert data[2 + data[1]] >= 0

    target = Target(trusting, lambda: [b"\x30\x03abc\x00", b"\x30\x01ab"], (KeyError,))
    told = fuzz("planted", target, 5, seed=1, output=tmp_path)
    assert [crash.what.split()[0] for crash in told.crashes] == ["IndexError"]
    kept = told.crashes[0].path.read_bytes()
    with pytest.raises(IndexError):
        trusting(kept)
    assert f"--reproduce planted {told.crashes[0].path}" in str(told)


def test_a_slow_decoder_is_a_crash(tmp_path: Path) -> None:
    """A datagram that costs too much is reported like any other defect."""

    def slow(data: bytes) -> None:
        until = time.process_time() + SLOW_SECONDS * 1.2
        while time.process_time() < until:
            pass

    told = fuzz("slow", Target(slow, lambda: [b"x"], (), fast=True), 0.1, seed=1, output=tmp_path)
    assert [crash.what for crash in told.crashes] == ["slow"]


def test_one_seed_gives_one_sequence(tmp_path: Path) -> None:
    """The printed seed repeats a run."""
    runs = []
    for _ in range(2):
        seen: list[bytes] = []

        def note(data: bytes, seen: list[bytes] = seen) -> None:
            seen.append(data)

        fuzz("sequence", Target(note, lambda: [b"abcdef", b"0123456789"], ()), 0.05, seed=3, output=tmp_path)
        runs.append(seen[:200])
    shared = min(map(len, runs))
    assert shared > 20
    assert runs[0][:shared] == runs[1][:shared]


def test_the_command_prints_rates_and_reproduces(tmp_path: Path) -> None:
    """`python -m tests.fuzz` runs for the time given, names executions a second, and runs one input again."""
    command = [sys.executable, "-m", "tests.fuzz"]
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    arguments = ["1", "--target", "ber", "--target", "mqtt", "--output", str(tmp_path)]
    done = subprocess.run(
        [*command, *arguments], check=False, capture_output=True, text=True, timeout=60, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["ber", "mqtt"]
    assert "/s" in done.stdout
    file = tmp_path / "one.bin"
    file.write_bytes(b"\x30\x05")
    again = [*command, "--reproduce", "ber", str(file)]
    done = subprocess.run(again, check=False, capture_output=True, text=True, timeout=60, env=environment)
    assert done.returncode == 0
    assert done.stdout.startswith("refused")
