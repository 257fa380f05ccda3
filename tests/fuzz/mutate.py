"""Mutations of octets: a few small changes to a seed, or a splice of two, from a seeded generator."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

__all__ = ["mutate"]

LONGEST = 65_536
TELLING = bytes.fromhex("00017f80ff0203040506304041424344464780818284a0a2a5a8") + b"\n\t\"'{}[]:,-#\\% 09azAZ"
"""Octets at which decoders decide: ends of ranges, BER tags and lengths, punctuation of JSON and YAML."""
RUNS = (b"\x84\xff\xff\xff\xff", b"\x82\xff\xff", b"\x80", b"\x30\x80", b"\xff" * 16, b"\x00" * 16, b"\x81" * 200)


def mutate(seeds: Sequence[bytes], chance: random.Random) -> bytes:
    """Return a seed with one to eight changes; sometimes a seed as it is, or octets from nowhere."""
    kind = chance.random()
    if kind < 0.02:
        return chance.randbytes(chance.randrange(0, 300))
    data = bytearray(chance.choice(seeds))
    if kind < 0.15:
        other = chance.choice(seeds)
        data[_at(data, chance) :] = other[_at(other, chance) :]
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 5, 8))):
        _change(data, chance)
    return bytes(data[:LONGEST])


def _change(data: bytearray, chance: random.Random) -> None:
    at = _at(data, chance)
    end = min(len(data), at + chance.choice((1, 1, 2, 4, 8, 32, 256)))
    match chance.randrange(9):
        case 0 if data:
            data[at % len(data)] ^= 1 << chance.randrange(8)
        case 1 if data:
            data[at % len(data)] = chance.choice(TELLING)
        case 2 if data:
            data[at % len(data)] = (data[at % len(data)] + chance.choice((-1, 1))) & 0xFF
        case 3:
            del data[at:end]
        case 4:
            data[at:at] = data[at:end] * chance.choice((1, 2, 40))
        case 5:
            data[at:at] = chance.choice(RUNS)
        case 6:
            data[at:at] = bytes(chance.choice(TELLING) for _ in range(chance.randrange(1, 6)))
        case 7:
            del data[at:]
        case _:
            piece = bytes(data[at:end])
            to = _at(data, chance)
            data[to : to + len(piece)] = piece


def _at(data: bytes | bytearray, chance: random.Random) -> int:
    """Return a place; half of the time near the front, where headers are."""
    last = len(data)
    return chance.randrange(min(last, 64) + 1) if chance.random() < 0.5 else chance.randrange(last + 1)
