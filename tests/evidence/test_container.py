"""The zip container: one spelling, opened by any unzip program, and every hostile zip refused by name."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.errors import MalformedError
from agent.evidence import container

FILES = {"README.txt": b"read me\n", "blobs/sha256/00": bytes(range(256)) * 40, "trust/agent.pub": b""}
NAMES = st.from_regex(r"\A[a-z]{1,5}(/[a-z0-9]{1,5}){0,2}\Z")


def foreign(files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED, **attributes: object) -> bytes:
    """Return a zip of another program."""
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w", compression) as archive:
        warnings.simplefilter("ignore")
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = compression
            for attribute, value in attributes.items():
                setattr(info, attribute, value)
            archive.writestr(info, content)
    return out.getvalue()


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(NAMES, st.binary(max_size=3000), min_size=1, max_size=8))
def test_round_trip_and_any_order(files: dict[str, bytes]) -> None:
    """Entries come back as they went in, and their order does not change a byte."""
    data = container.zip_bytes(files)
    assert container.unzip(data) == files
    assert container.zip_bytes(dict(reversed(files.items()))) == data


def test_other_programs_read_it() -> None:
    """Another zip implementation reads the same names, contents, dates and modes, and finds every checksum right."""
    with zipfile.ZipFile(io.BytesIO(container.zip_bytes(FILES))) as archive:
        assert archive.testzip() is None
        assert {info.filename: archive.read(info) for info in archive.infolist()} == FILES
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {info.external_attr >> 16 for info in archive.infolist()} == {0o100644}


def test_more_entries_than_a_plain_zip_counts() -> None:
    """Beyond 65,534 entries the zip64 end record is used, and both readers find all of them."""
    files = {f"blobs/{n:08d}": b"" for n in range(65_540)}
    data = container.zip_bytes(files)
    assert container.unzip(data) == files
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert len(archive.infolist()) == len(files)


def test_hostile_zips() -> None:
    """Each kind of hostile or foreign zip is refused, naming the entry where there is one."""
    good = container.zip_bytes(FILES)
    directory = good.index(b"PK\x01\x02")
    first = good[:directory].index(b"PK\x03\x04", 4)
    cases: list[tuple[str, bytes]] = [
        ("zip", b""),
        ("zip", b"not a zip"),
        ("zip", b"PK\x05\x06" + bytes(18)),
        ("zip", b"PK\x03\x04"),
        ("zip", good + b"x"),
        ("zip", good[:-1]),
        ("zip", b"x" + good),
        ("README.txt", good[:directory]),
        ("blobs/sha256/00", good[: directory - 120]),
        ("README.txt", good[:first] + good),  # twice
        ("README.txt", good[:directory] + b"PK\x01\x02" + good[directory:]),
        ("zip", good[:-22] + struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 3, 3, 10, 10, 0)),
        ("a", foreign({"a": b"1"}, zipfile.ZIP_STORED)),
        ("a", foreign({"a": b"1"}, external_attr=0o120777 << 16)),
        ("a", foreign({"a": b"1"}, date_time=(2026, 11, 22, 12, 0, 0))),
        ("a", foreign({"a": b"1"}, extra=b"\x01\x00\x00\x00")),
        ("a", foreign({"a": b"1"}, comment=b"x")),
        ("a", foreign({"a": b"1"}, zipfile.ZIP_LZMA)),
    ]
    cases += [
        (ascii(name), foreign({name: b"1"}))
        for name in ("../a", "/a", "a/../b", "a//b", "./a", "a\\b", "C:a", "a/", ".a", "a b", "x" * 201, "a\nb")
    ]
    for where, data in cases:
        with pytest.raises(MalformedError) as caught:
            container.unzip(data)
        assert caught.value.where[:200] == where[:200], data[:80]
    with pytest.raises(MalformedError, match="unsafe"):
        container.unzip(foreign({"学校": b"1"}))
    encrypted = bytearray(good)
    encrypted[6] |= 1
    with pytest.raises(MalformedError, match="encrypted") as caught:
        container.unzip(bytes(encrypted))
    assert caught.value.where == "README.txt"


def test_two_entries_of_one_name() -> None:
    """A name that is there twice is refused even if both entries are well formed."""
    one = container.zip_bytes({"a": b"1"})
    entry = one[: one.index(b"PK\x01\x02")]
    with pytest.raises(MalformedError, match="twice") as caught:
        container.unzip(entry + one)
    assert caught.value.where == "a"


def bomb(packed: bytes, size: int, crc: int = 0) -> bytes:
    """Return a container of one entry whose header claims this size."""
    entry = container._Entry(b"bomb", crc, len(packed), size, 0)
    local = entry.local() + packed
    return local + container._directory([entry], len(local))


def test_bombs() -> None:
    """What would expand beyond the caps, or beyond what its header says, is refused before it does."""
    zeros = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = zeros.compress(bytes(32 * 1024 * 1024)) + zeros.flush()
    with pytest.raises(MalformedError, match="too large for its compressed size"):
        container.unzip(bomb(packed, 32 * 1024 * 1024))
    with pytest.raises(MalformedError, match="size or checksum"):
        container.unzip(bomb(packed, 1000))
    with pytest.raises(MalformedError, match="too large"):
        container.unzip(bomb(packed, container.MAX_ENTRY_BYTES + 1))
    with pytest.raises(MalformedError, match="too large"):
        container.zip_bytes({"a": bytes(container.MAX_ENTRY_BYTES + 1)})
    with pytest.raises(MalformedError, match="unsafe"):
        container.zip_bytes({"../a": b""})


def test_total_caps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of entries and their total size have caps, for writer and reader alike."""
    data = container.zip_bytes({"a": b"1234", "b": b"5678"})
    for cap, value in (("MAX_ENTRIES", 1), ("MAX_TOTAL_BYTES", 7)):
        with monkeypatch.context() as patch:
            patch.setattr(container, cap, value)
            with pytest.raises(MalformedError, match="caps") as caught:
                container.unzip(data)
            assert caught.value.where == "b"
            with pytest.raises(MalformedError, match="caps"):
                container.zip_bytes({"a": b"1234", "b": b"5678"})
    assert container.unzip(data) == {"a": b"1234", "b": b"5678"}


def test_wrong_checksum_and_stream() -> None:
    """A wrong CRC, a stream that does not decompress, and bytes after its end are refused by name."""
    deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
    packed = deflate.compress(b"content") + deflate.flush()
    crc = zlib.crc32(b"content")
    assert container.unzip(bomb(packed, 7, crc)) == {"bomb": b"content"}
    for data in (
        bomb(packed, 7, crc ^ 1),
        bomb(b"\xff" * 9, 7, crc),
        bomb(packed + b"x", 7, crc),
        bomb(packed, 6, crc),
    ):
        with pytest.raises(MalformedError) as caught:
            container.unzip(data)
        assert caught.value.where == "bomb"


@settings(deadline=None, max_examples=400)
@given(position=st.integers(min_value=0), bit=st.integers(0, 7))
def test_flipped_bits_are_rejected_or_change_nothing(position: int, bit: int) -> None:
    """A flipped bit anywhere in the container is refused as malformed, or the entries are what they were."""
    data = bytearray(container.zip_bytes(FILES))
    data[position % len(data)] ^= 1 << bit
    try:
        found = container.unzip(bytes(data))
    except MalformedError:
        return
    assert found == FILES


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=200).map(lambda data: b"PK\x03\x04" + data))
def test_arbitrary_bytes_never_leak_other_errors(data: bytes) -> None:
    """Whatever is read as a bundle raises only our error."""
    with pytest.raises(MalformedError):
        container.unzip(data)
