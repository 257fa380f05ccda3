"""Counting the lines of a file: as many as there are, of each source and day, whatever stands in them."""

from __future__ import annotations

from collections import Counter
from datetime import date
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.transports.files.count import LONGEST_LINE, MOST_RUNS, Counts, FileCount, whole_lines
from agent.transports.files.stamps import Stamp, read

ZONE = ZoneInfo("Asia/Shanghai")
HOSTS = {b"sw1": "sw1", b"sw2": "sw2"}


def counted(text: bytes, owner: str | None = None, size: int = 1 << 20) -> FileCount:
    """Count a text that comes in blocks of a size."""
    count = FileCount(HOSTS, owner, ZONE)
    for piece in whole_lines(text[at : at + size] for at in range(0, len(text), size)):
        count.take(piece)
    return count


def test_lines_are_counted_by_source_and_day() -> None:
    """Two sources in one file, a third that nobody asked for, and the times of first and last."""
    lines = [
        b"2026-11-21T23:59:58+08:00 sw1 a",
        b"2026-11-21T23:59:59+08:00 sw2 b",
        b"2026-11-22T00:00:01+08:00 sw1 c",
        b"2026-11-22T00:00:02+08:00 sw3 d",
        b"2026-11-22T00:00:03+08:00 SW1 e",
    ]
    found = counted(b"\n".join(lines) + b"\n")
    assert found.sources["sw1"].dated == {date(2026, 11, 21): 1, date(2026, 11, 22): 2}
    assert found.sources["sw1"].ends[date(2026, 11, 22)] == (b"00:00:01", b"00:00:03")
    assert found.sources["sw2"].records == 1
    assert (found.others, found.other_records, found.undated) == ({b"sw3"}, 1, 0)


def test_all_of_a_file_may_be_one_sources() -> None:
    """A directory of its own: whatever host the lines name, also those without a time."""
    found = counted(b"Nov 22 10:00:00 10.0.0.1 a\n    continued\nNov 22 10:00:01 gw b\n", owner="sw1")
    counts = found.sources["sw1"]
    assert (counts.records, counts.undated, [run.records for run in counts.runs]) == (3, 1, [2])
    assert not found.others


def test_a_line_without_end_is_not_counted_yet() -> None:
    """Somebody is writing it."""
    assert counted(b"Nov 22 10:00:00 sw1 a\nNov 22 10:00:01 sw1 half of").sources["sw1"].records == 1
    assert counted(b"Nov 22 10:00:00 sw1 a").sources == {}


def test_nuls_carriage_returns_and_any_encoding_are_no_matter() -> None:
    """What crashes, Windows and old firmware leave in logs."""
    text = (
        b"Nov 22 10:00:00 sw1 a\r\n"
        + bytes(5000)
        + "Nov 22 10:00:01 sw1 用户登录\n".encode("gb18030")
        + bytes(300)
        + b"\n"
        + b"Nov 22 10:00:02 sw1 b\n\n \r\n"
    )
    for size in (1 << 20, 7):
        found = counted(text, size=size)
        assert (found.sources["sw1"].records, found.undated) == (3, 0)


def test_a_line_of_megabytes_is_one_line() -> None:
    """Only its beginning is kept, and the lines after it are found again; the same for a run of NULs."""
    long = b"Nov 22 10:00:00 sw1 " + b"x" * (3 * LONGEST_LINE) + b"\nNov 22 10:00:01 sw1 b\n"
    assert counted(long).sources["sw1"].records == 2
    nuls = bytes(3 * LONGEST_LINE) + b"Nov 22 10:00:00 sw1 a\nNov 22 10:00:01 sw1 b\n"
    assert counted(nuls).sources["sw1"].records == 2
    assert max(map(len, whole_lines(long[at : at + 65536] for at in range(0, len(long), 65536)))) < 1 << 20


def test_clocks_that_jump_for_ever_take_no_memory() -> None:
    """Changes of day are followed up to a number; beyond it lines are undated, and counted."""
    counts = Counts()
    for n in range(MOST_RUNS + 10):
        counts.add(Stamp(0, 1, 1 + n % 2), 1, b"00:00:00", b"00:00:00")
    assert len(counts.runs) == MOST_RUNS
    assert counts.undated == 5
    assert sum(run.records for run in counts.runs) + counts.undated == counts.records == MOST_RUNS + 10


LINE = st.one_of(
    st.tuples(
        st.sampled_from(["Nov 21 {} {} x", "Nov 22 {} {} x", "2026-11-22T{}+08:00 {} x", "2026-11-21T{}Z {} x"]),
        st.sampled_from(["00:00:01", "15:59:59", "16:00:00", "23:59:59"]),
        st.sampled_from(["sw1", "sw2", "other", "sw1:"]),
    ).map(lambda parts: parts[0].format(parts[1], parts[2]).encode()),
    st.binary(max_size=30).map(lambda text: text.replace(b"\n", b"")),
)
MANY = st.lists(st.tuples(LINE, st.sampled_from([1, 2, 30, 400])), max_size=12)


@settings(max_examples=150, deadline=None)
@given(MANY, st.sampled_from([None, "sw2"]), st.sampled_from([1 << 20, 4096, 100]))
def test_counting_by_stretches_is_counting_by_lines(
    given_lines: list[tuple[bytes, int]], owner: str | None, size: int
) -> None:
    """However lines are mixed and blocks are cut, the sums are those of reading every line by itself."""
    lines = [line for line, times in given_lines for _ in range(times)]
    days: Counter[tuple[str, Stamp]] = Counter()
    records: Counter[str] = Counter()
    others = undated = 0
    for line in lines:
        if not line.lstrip(b"\0").strip():
            continue
        head = read(line.lstrip(b"\0"), ZONE)
        source = owner or (HOSTS.get(head.host) if head is not None else None)
        if source is not None:
            records[source] += 1
            if head is not None:
                days[source, head.stamp] += 1
        elif head is not None:
            others += 1
        else:
            undated += 1
    found = counted(b"".join(line + b"\n" for line in lines), owner, size)
    assert {name: counts.records for name, counts in found.sources.items()} == records
    seen: Counter[tuple[str, Stamp]] = Counter()
    for name, counts in found.sources.items():
        for run in counts.runs:
            seen[name, run.stamp] += run.records
        for day, number in counts.dated.items():
            seen[name, Stamp(day.year, day.month, day.day)] += number
    assert (seen, found.other_records, found.undated) == (days, others, undated)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["sw1", "sw2", "x"]), min_size=1, max_size=300))
def test_first_and_last_are_those_of_the_source(hosts: list[str]) -> None:
    """In a file of many hosts each has its own first and last time."""
    lines = [
        f"2026-11-22T{n // 3600:02d}:{n // 60 % 60:02d}:{n % 60:02d}+08:00 {host} x" for n, host in enumerate(hosts)
    ]
    found = counted("".join(f"{line}\n" for line in lines).encode())
    for name in ("sw1", "sw2"):
        own = [line[11:19].encode() for line, host in zip(lines, hosts, strict=True) if host == name]
        if own:
            assert found.sources[name].ends[date(2026, 11, 22)] == (own[0], own[-1])
        else:
            assert name not in found.sources
