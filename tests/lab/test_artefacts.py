"""Losses of capture are undone where the objects leave no doubt, and nowhere else."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import ber
from agent.lab.snmp.artefacts import bits, undo
from agent.lab.snmp.recording import Recording, parse, read
from tests.peers.recordings import FIXTURES, NAMES

ENABLED = "1.0.8802.1.1.2.1.4.1.1.12.0.1.1"
IF_PHYS_ADDRESS = "1.3.6.1.2.1.2.2.1.6.1"
ALIAS = "1.3.6.1.2.1.31.1.1.1.18.1"
SYS_DESCR = "1.3.6.1.2.1.1.1.0"


def undone(oid: str, value: bytes) -> tuple[bytes, dict[str, int]]:
    """Return what becomes of one octet string, and the rules that applied."""
    recording, counts = undo(parse(f"{oid}|4x|{value.hex()}\n".encode()))
    (cell,) = recording.cells()
    return cell.value, dict(counts)


@pytest.mark.parametrize(
    ("oid", "text", "octets", "rules"),
    [
        (ENABLED, b"28 00 2 4", b"\x28\x00", {"bits-as-text": 1}),
        (ENABLED, b"28 2 4", b"\x28", {"bits-as-text": 1}),
        (ENABLED, b"00 00", b"\0\0", {"bits-as-text": 1}),
        (ENABLED, b"00 12 11 14", b"\0\x12", {"bits-as-text": 1}),
        (ENABLED, b"30 30 2 3 10 11", b"\0", {"bits-as-text": 1, "bits-twice": 1}),
        (ENABLED, b"\x28\x00", b"\x28\x00", {}),
        (ENABLED, b"28 00 2 5", b"28 00 2 5", {}),
        (ALIAS, b"28 00 2 4", b"28 00 2 4", {}),
        (IF_PHYS_ADDRESS, b"0:0:c:7:ac:2", bytes.fromhex("00000c07ac02"), {"mac-as-text": 1}),
        (IF_PHYS_ADDRESS, b"0:0:c:7:ac", b"0:0:c:7:ac", {}),
        (ALIAS, b"0:0:c:7:ac:2", b"0:0:c:7:ac:2", {}),
        (ALIAS, b"0123456789abcdef\n34 2E ", b"0123456789abcdef4.", {"wrapped-hex": 1}),
        (ALIAS, b"0123456789abcdef\n34 2E \n35", b"0123456789abcdef4.5", {"wrapped-hex": 1}),
        (ALIAS, b"0123456789abcdef\nfloor 2", b"0123456789abcdef\nfloor 2", {}),
        (ALIAS, b"0123456789\n34 2E ", b"0123456789\n34 2E ", {}),
        (SYS_DESCR, b"Version 1\xdaCopyright", b"Version 1\r\nCopyright", {"lost-crlf": 1}),
        (SYS_DESCR, "Ú of UTF-8".encode(), "Ú of UTF-8".encode(), {}),
        (ALIAS, b"a\xdab", b"a\xdab", {}),
    ],
)
def test_a_rule_applies_where_object_and_spelling_fit(
    oid: str, text: bytes, octets: bytes, rules: dict[str, int]
) -> None:
    """Each rule undoes what it is for, counts it, and leaves its neighbours alone."""
    assert undone(oid, text) == (octets, rules)


@given(st.binary(min_size=1, max_size=4))
def test_bits_are_what_was_printed(octets: bytes) -> None:
    """Whatever BITS a device sends, the text that net-snmp prints of them leads back to the octets."""
    numbers = [at for at in range(8 * len(octets)) if octets[at // 8] & (0x80 >> at % 8)]
    printed = " ".join([f"{octet:02X}" for octet in octets] + [str(number) for number in numbers])
    assert bits(printed.encode()) == octets


@given(st.binary(min_size=17, max_size=80))
def test_wrapped_hex_is_what_was_sent(octets: bytes) -> None:
    """Octets that net-snmp printed over several lines come back whole."""
    lines = [octets[at : at + 16] for at in range(16, len(octets), 16)]
    captured = octets[:16] + b"".join(b"\n" + b"".join(b"%02X " % octet for octet in line) for line in lines)
    assert undone(ALIAS, captured) == (octets, {"wrapped-hex": 1})


@given(st.binary(max_size=60))
def test_undoing_never_fails(octets: bytes) -> None:
    """Any octets in any of the columns come out as octets."""
    for oid in (ENABLED, IF_PHYS_ADDRESS, SYS_DESCR):
        value, _ = undone(oid, octets)
        assert isinstance(value, bytes)


@pytest.mark.parametrize("name", NAMES)
def test_real_recordings_keep_all_their_objects(name: str) -> None:
    """Nothing but the values of octet strings changes, and undoing twice changes nothing more."""
    before = read(FIXTURES / name)
    after, counts = undo(before)
    assert (after.oids, after.tags) == (before.oids, before.tags)
    changed = sum(one != other for one, other in zip(after.varbinds, before.varbinds, strict=True))
    assert bool(changed) == bool(counts)
    assert changed <= sum(counts.values())
    assert undo(after)[1] == {}
    left = [
        cell
        for cell in after.cells()
        if cell.tag == ber.OCTET_STRING and re.search(rb"^[^\n]{16}\n00 00 $", cell.value)
    ]
    assert not left


def test_a_recording_without_losses_is_not_copied() -> None:
    """A clean recording is used as it is."""
    clean = Recording(parse(b"1.3.6.1.2.1.1.1.0|4|a switch\n").cells())
    assert undo(clean)[0] is clean
