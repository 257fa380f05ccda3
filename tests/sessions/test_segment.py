"""Raw segments: round trip, and every change is noticed."""

from __future__ import annotations

import gzip
import io
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import canonical
from agent.errors import MalformedError
from agent.model.exchange import Exchange, Gap, GapReason, Partial, SnmpColumn, SnmpGet, SnmpTable, VarBinds
from agent.model.upload import MAX_BLOB_BYTES
from agent.sessions import segment
from agent.sessions.segment import Weight, packed, parse_segment, read_segment, segment_bytes, write_segment
from tests.sessions.test_live import HEADER

if TYPE_CHECKING:
    from collections.abc import Iterator

OIDS = st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=6).map(lambda ids: "1.3." + ".".join(map(str, ids)))
REQUESTS = st.one_of(
    st.builds(SnmpGet, oids=st.lists(OIDS, max_size=3).map(tuple)),
    st.builds(
        SnmpTable,
        columns=st.lists(st.builds(SnmpColumn, oid=OIDS, holds=st.sampled_from([None, "mac", "name"]))).map(tuple),
    ),
)
RESPONSES = st.builds(
    VarBinds,
    varbinds=st.lists(st.binary(max_size=9).map(bytes.hex), max_size=3).map(tuple),
    partial=st.lists(st.builds(Partial, column=OIDS, reason=st.text(max_size=5)), max_size=1).map(tuple),
)
GAPS = st.builds(Gap, reason=st.sampled_from(list(GapReason)), detail=st.text(max_size=9))


@st.composite
def exchanges(draw: st.DrawFn) -> list[Exchange]:
    """Return exchanges as a session keeps them: numbered, each with a response or a gap."""
    made = []
    for n in range(draw(st.integers(0, 3))):
        gap = draw(st.none() | GAPS)
        made.append(
            Exchange(
                n=n,
                at="2026-11-22T01:02:03.004Z",
                monotonic_ns=str(draw(st.integers(0, 2**63))),
                request=draw(REQUESTS),
                response=draw(RESPONSES) if gap is None else None,
                gap=gap,
                redactions=draw(st.dictionaries(st.sampled_from(["mac", "secret"]), st.integers(1, 9))),
            )
        )
    return made


@given(exchanges())
def test_what_is_written_is_read(made: list[Exchange]) -> None:
    """A segment gives back the same exchanges, each with the digest of its own line."""
    data = segment_bytes(HEADER, [one.to_bytes() for one in made])
    found = parse_segment(data)
    assert found.header == HEADER
    assert [one.exchange for one in found.exchanges] == made
    assert [one.source for one in found.exchanges] == [one.digest() for one in made]
    assert [one.source for one in found.exchanges] == [canonical.digest(line) for line in data.splitlines()[1:]]


@given(exchanges())
def test_line_by_line_is_the_same(made: list[Exchange]) -> None:
    """What is written and read line by line is octet for octet, and digest for digest, what is made in one go."""
    lines = [one.to_bytes() for one in made]
    file = io.BytesIO()
    assert (write_segment(file, HEADER, lines), file.getvalue()) == ("raw/sw1.jsonl", segment_bytes(HEADER, lines))
    file.seek(0)
    header, found = read_segment(file)
    assert segment.Segment(header, tuple(found)) == parse_segment(file.getvalue())


@given(exchanges(), st.data())
def test_no_changed_octet_goes_unnoticed(made: list[Exchange], data: st.DataObject) -> None:
    """One changed octet is malformed, or another exchange with another digest: never the same thing spelled anew."""
    lines = [one.to_bytes() for one in made]
    whole = segment_bytes(HEADER, lines)
    at = data.draw(st.integers(0, len(whole) - 1))
    octet = data.draw(st.integers(0, 255).filter(lambda value: value != whole[at]))
    changed = whole[:at] + bytes([octet]) + whole[at + 1 :]
    before = parse_segment(whole)
    try:
        after = parse_segment(changed)
    except MalformedError:
        return
    assert (after.header, [one.source for one in after.exchanges]) != (
        before.header,
        [one.source for one in before.exchanges],
    )


LINE = Exchange(
    n=0,
    at="2026-11-22T01:02:03.004Z",
    monotonic_ns="1",
    request=SnmpGet(oids=("1.3.6",)),
    response=VarBinds(varbinds=()),
)
GOOD = segment_bytes(HEADER, [LINE.to_bytes(), LINE.model_copy(update={"n": 1}).to_bytes()])


@pytest.mark.parametrize(
    ("data", "where", "what"),
    [
        (b"", "rec", "cut short"),
        (GOOD[:-1], "rec", "cut short"),
        (GOOD[:-40] + b"\n", "rec:3", "not valid JSON"),
        (b"\n" + GOOD, "rec:1", "not valid JSON"),
        (GOOD + b"\n", "rec:4", "not valid JSON"),
        (GOOD.replace(b'"n":0', b'"n": 0'), "rec:2", "not in canonical form"),
        (GOOD.replace(b'"n":1', b'"n":7'), "rec:3", "exchange 7 stands where 1 belongs"),
        (GOOD.replace(b'{"at"', b'{"zzz":1,"at"', 1), "rec:2", "zzz"),
        (GOOD.replace(b"\n", b"\r\n"), "rec:1", "canonical form"),
        (GOOD.replace(b'"response":{"op":"varbinds","varbinds":[]}', b'"z":1'), "rec:2", "z"),
        (GOOD.replace(b"campus-agent/segment/v1", b"campus-agent/segment/v2"), "rec:1", "segment"),
        (segment_bytes(HEADER, [LINE.model_copy(update={"response": None}).to_bytes()]), "rec:2", "either"),
        (b"[1]\n", "rec:1", "SegmentHeader"),
        (b"\xff\n", "rec:1", "not valid JSON"),
    ],
)
def test_a_broken_segment_is_named_with_its_line(data: bytes, where: str, what: str) -> None:
    """Cut, spelled anew, renumbered, foreign: an error that says which line and why."""
    with pytest.raises(MalformedError) as caught:
        parse_segment(data, where="rec")
    assert caught.value.where == where
    assert what in str(caught.value)
    with pytest.raises(MalformedError) as caught:
        list(read_segment(io.BytesIO(data), where="rec")[1])
    assert what in str(caught.value)


def test_a_segment_beyond_the_cap_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A segment that would fill the memory is not parsed."""
    monkeypatch.setattr(segment, "MAX_SEGMENT", len(GOOD) - 1)
    with pytest.raises(MalformedError, match=f"{len(GOOD)} octets is too large"):
        parse_segment(GOOD)
    with pytest.raises(MalformedError, match=f"{len(GOOD)} octets is too large"):
        list(read_segment(io.BytesIO(GOOD))[1])


def test_a_line_without_end_is_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a file that is one endless line, no more than a segment may have is read."""
    monkeypatch.setattr(segment, "MAX_SEGMENT", 1000)
    endless = io.BytesIO(b"x" * 100_000)
    with pytest.raises(MalformedError, match="too large"):
        read_segment(endless)
    assert endless.tell() == 1001


def test_a_record_is_read_as_far_as_it_is_asked_for() -> None:
    """A fault shows when its line is reached: what stands before it is read, what comes after is not held."""
    header, found = read_segment(io.BytesIO(GOOD.replace(b'"n":1', b'"n":7')), where="rec")
    assert header == HEADER
    assert next(found).exchange == LINE
    with pytest.raises(MalformedError, match="rec:3: exchange 7 stands where 1 belongs"):
        next(found)


@pytest.mark.parametrize("more", [0, 1])
def test_a_long_segment_is_carried_compressed(more: int) -> None:
    """The backend takes blobs of 4 MiB: a longer segment goes as gzip, the same octets however it was written."""
    dice = random.Random(5)
    lines = [_line(n, dice.randbytes(40_000).hex()) for n in range(30)]
    lines.append(_line(30, "00" * 200_000))
    room = segment.PLAIN_LIMIT - len(segment_bytes(HEADER, [*lines, _line(31, "")])) + more
    lines.append(_line(31, "0" * room))
    whole = segment_bytes(HEADER, lines)
    assert len(whole) == segment.PLAIN_LIMIT + more
    file = io.BytesIO()
    name = write_segment(file, HEADER, lines)
    assert (name, file.getvalue()) == packed("raw/sw1.jsonl", whole)
    assert name == "raw/sw1.jsonl" + ".gz" * more
    assert (gzip.decompress(file.getvalue()) if more else file.getvalue()) == whole


def _line(n: int, value: str) -> bytes:
    return LINE.model_copy(update={"n": n, "response": VarBinds(varbinds=(value,))}).to_bytes()


@pytest.mark.parametrize("shrinks", [False, True])
def test_a_conversation_ends_before_its_segment_is_more_than_a_backend_takes(shrinks: bool) -> None:
    """Answers that hardly shrink and answers that shrink to a tenth: the segment fits, and not much room is left."""
    dice, weight, lines = random.Random(7), Weight(), list[bytes]()
    while not weight.full():
        value = dice.randbytes(8_000).hex()
        lines.append(_line(len(lines), value * 5 if shrinks else value))
        weight.add(lines[-1])
    file = io.BytesIO()
    assert write_segment(file, HEADER, lines).endswith(".gz")
    assert MAX_BLOB_BYTES * 3 // 4 < len(file.getvalue()) < MAX_BLOB_BYTES


def test_a_short_conversation_weighs_little() -> None:
    """What is not compressed is never full."""
    weight = Weight()
    for n in range(30):
        weight.add(_line(n, "00" * 40_000))
    assert not weight.full()


def test_lines_are_not_gathered() -> None:
    """However long a segment is, it is written while its lines still come."""
    line, made = _line(0, "00" * 100_000), 0

    def lines() -> Iterator[bytes]:
        nonlocal made
        for made in range(1, 201):  # noqa: B007 (counted outside)
            yield line

    class Watched(io.BytesIO):
        def write(self, data: object) -> int:
            begun.append(made)
            return super().write(data)  # type: ignore[arg-type] # whatever is given

    begun: list[int] = []
    write_segment(Watched(), HEADER, lines())
    assert begun[0] <= segment.PLAIN_LIMIT // len(line) + 1
    assert made == 200
