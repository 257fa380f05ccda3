"""Packed log files: every packing, whole, joined, cut off, damaged, and made to be too large."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
from functools import partial
from typing import TYPE_CHECKING

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.errors import MalformedError
from agent.transports.files.unpack import blocks, open_plainly

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TEXT = b"".join(b"Nov 22 10:00:00 sw%02d line %d\n" % (n % 7, n * n) for n in range(20_000))
PACK: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "xz": partial(lzma.compress, preset=0),
    "zst": zstandard.compress,
    "bz2": bz2.compress,
}
EVERY = pytest.mark.parametrize("packing", sorted(PACK))


def unpacked(data: bytes) -> bytes:
    return b"".join(blocks(io.BytesIO(data)))


def good_of(data: bytes) -> bytes:
    """Return what comes before the error that must come."""
    found: list[bytes] = []
    with pytest.raises(MalformedError):
        found.extend(blocks(io.BytesIO(data)))
    return b"".join(found)


def test_plain_text_stays_as_it_is() -> None:
    """A file that is not packed, and an empty one."""
    assert unpacked(TEXT) == TEXT
    assert unpacked(b"") == b""


@EVERY
def test_packed_text_comes_out_whole(packing: str) -> None:
    """Told by the first octets; appended streams are part of the file, as their own programs have it."""
    pack = PACK[packing]
    assert unpacked(pack(TEXT)) == TEXT
    assert unpacked(pack(TEXT) + pack(b"one more\n")) == TEXT + b"one more\n"
    assert unpacked(pack(b"")) == b""


@EVERY
def test_zeros_behind_a_stream_are_padding(packing: str) -> None:
    """Blocks of a tape or of a damaged file system; xz pads its streams itself."""
    assert unpacked(PACK[packing](TEXT) + bytes(300_000) + PACK[packing](b"x\n")) == TEXT + b"x\n"


@EVERY
@pytest.mark.parametrize("cut", [0.3, 0.9])
def test_a_file_that_is_cut_off_gives_what_is_good_of_it(packing: str, cut: float) -> None:
    """A disk that ran full while a rotation packed: no silent end, and nothing that was not there."""
    data = PACK[packing](os.urandom(400_000))
    found = good_of(data[: int(len(data) * cut)])
    assert len(found) < 400_000
    whole = PACK[packing](TEXT)
    assert TEXT.startswith(good_of(whole[:-1]))


@EVERY
def test_something_else_behind_a_stream_is_an_error(packing: str) -> None:
    """What is not packed cannot be told from damage."""
    assert good_of(PACK[packing](TEXT) + b"Nov 22 10:00:00 sw1 x\n") == TEXT


@EVERY
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_damage_is_noticed(packing: str, data: st.DataObject) -> None:
    """One changed octet ends as our error, or leaves the text as it was (a header's name, a time)."""
    packed = bytearray(PACK[packing](TEXT[:20_000]))
    at = data.draw(st.integers(8, len(packed) - 1))
    packed[at] ^= data.draw(st.integers(1, 255))
    try:
        found = unpacked(bytes(packed))
    except MalformedError:
        return
    if packing != "zst":  # zstandard has no checksum unless it is told to make one
        assert found == TEXT[:20_000]


@EVERY
def test_blocks_stay_small_whatever_comes_out(packing: str) -> None:
    """A file that unpacks to a thousand times its size never stands in memory."""
    packed = PACK[packing](bytes(40_000_000))
    assert len(packed) < 200_000
    sizes = [len(block) for block in blocks(io.BytesIO(packed))]
    assert sum(sizes) == 40_000_000
    assert max(sizes) < 80_000_000 if packing == "zst" else max(sizes) <= 1 << 20


def test_links_and_pipes_are_not_opened(tmp_path: Path) -> None:
    """A symbolic link is refused, and a pipe that nobody writes to does not hold us up."""
    (tmp_path / "secret").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="symbolic"):
        open_plainly(tmp_path / "link")
    with open_plainly(tmp_path / "pipe") as pipe:
        assert pipe.read(1) in (b"", None)
