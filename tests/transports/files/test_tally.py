"""Trees of log files: rotations of every kind, years, copies, links, damage, and nothing of what lines say."""

from __future__ import annotations

import asyncio
import gzip
import os
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from agent.errors import GapError
from agent.model.exchange import HostFacts
from agent.model.logs import LogTally
from agent.transports.files import FilesTransport
from agent.transports.files.tree import LogFile, Names
from tests.transports.files.trees import TODAY, before, bsd, count, days_of, each_day, iso, of, write

if TYPE_CHECKING:
    from pathlib import Path


def numbered(root: Path, days: int, *, ending: str, copied: bool = False) -> list[date]:
    """Write a log that is rotated daily by number: plain, plain, then packed; without a year in its lines."""
    written = [before(n) for n in range(days)]
    for n, day in enumerate(written):
        name = "sw1.log" if n == 0 else f"sw1.log.{n}{ending if n > 1 else ''}"
        write(root / name, bsd(day, "sw1"), TODAY if copied else day)
    return written


@pytest.mark.parametrize("ending", [".gz", ".xz", ".zst", ".bz2"])
def test_rotation_by_number_over_new_year(tmp_path: Path, ending: str) -> None:
    """400 days of files without a year: each day is itself, not one of another year."""
    written = numbered(tmp_path, 400, ending=ending)
    found = count(tmp_path, "sw1")
    assert days_of(found, "sw1") == each_day(written)
    one = of(found, "sw1")
    assert (one.files, one.unreadable, one.undated, one.yearless) == (400, 0, "0", "0")
    assert one.first == f"{before(400)}T16:00:00.000Z"
    assert one.last == "2026-11-21T18:00:00.000Z"


def test_a_copied_tree_has_its_years_by_the_order_of_its_files(tmp_path: Path) -> None:
    """All times of modification are of today: the file that is written to shows the first end, and so on back."""
    written = numbered(tmp_path, 400, ending=".gz", copied=True)
    assert days_of(count(tmp_path, "sw1"), "sw1") == each_day(written)


def test_rotation_by_date_needs_no_time_of_modification(tmp_path: Path) -> None:
    """The name tells; the content is of the day before the rotation."""
    written = [before(n) for n in range(1, 30)]
    for day in written:
        rotated = day + timedelta(days=1)
        write(tmp_path / f"messages-{rotated:%Y%m%d}.gz", bsd(day, "sw1"), TODAY)
    assert days_of(count(tmp_path, "sw1"), "sw1") == each_day(written)


@pytest.mark.parametrize(
    "name", ["2026/05/17/sw1.log", "sw1/2026-05-17.log", "2026-05/17.log", "2026.05.17-sw1.log.gz"]
)
def test_a_day_in_any_part_of_the_path_is_the_day(tmp_path: Path, name: str) -> None:
    """Templates with year, month and day, as directories or names."""
    day = date(2026, 5, 17)
    write(tmp_path / name, bsd(day, "sw1"), TODAY)
    assert days_of(count(tmp_path, "sw1"), "sw1") == each_day([day])


def test_a_lone_old_file_without_any_hint_has_no_year(tmp_path: Path) -> None:
    """Restored from a backup, modified today, May lines: this year's or an earlier one's? It is counted, not dated."""
    write(tmp_path / "sw1.log", bsd(date(2026, 5, 17), "sw1"), TODAY)
    one = of(count(tmp_path, "sw1"), "sw1")
    assert (one.days, one.records, one.yearless) == ((), "3", "3")


def test_two_lost_days_of_one_source_in_a_shared_file_are_found(tmp_path: Path) -> None:
    """Weekly files of many hosts, with year and zone; the others are whole."""
    lost = {before(12), before(13)}
    for week in range(26):
        days = [before(week * 7 + n) for n in range(7)]
        text = "".join(
            iso(day, host, 40) for day in reversed(days) for host in ("sw1", "fw1") if host != "fw1" or day not in lost
        )
        write(tmp_path / (f"all.log.{week}.xz" if week else "all.log"), text, days[0])
    found = count(tmp_path, "sw1", "fw1")
    every = [before(n) for n in range(26 * 7)]
    assert days_of(found, "sw1") == each_day(every, 40)
    assert days_of(found, "fw1") == each_day(set(every) - lost, 40)
    assert of(found, "sw1").octets is None


def test_a_directory_of_its_own_is_one_sources(tmp_path: Path) -> None:
    """Whatever its lines name; patterns of paths do the same; a host of another name is not counted twice."""
    write(tmp_path / "10.0.0.1" / "messages", bsd(TODAY, "gateway"), TODAY)
    write(tmp_path / "floor2" / "sw7" / "user.log", bsd(TODAY, "sw7", 5), TODAY)
    write(tmp_path / "floor2" / "sw8" / "user.log", bsd(TODAY, "sw8", 7), TODAY)
    found = count(tmp_path, "10.0.0.1", "floor2/sw7/*", "gateway")
    assert [of(found, name).records for name in ("10.0.0.1", "floor2/sw7/*", "gateway")] == ["3", "5", "0"]
    assert of(found, "10.0.0.1").octets == str(len(bsd(TODAY, "gateway")) + 0)
    assert (found.others, of(found, "").records) == (1, "7")


def test_names_of_files_are_the_sources_without_endings() -> None:
    """Rotation, packing, dates and `.log` are no part of a name."""
    names = Names(("fw1", "10.0.0.1", "core/*"))
    owners = {
        path: names.owner(LogFile(path, 1, 0, (0, 0)))
        for path in (
            "fw1.log",
            "FW1.log.3.gz",
            "fw1-20261101.xz",
            "fw1_2026-11-01.log",
            "10.0.0.1.log",
            "10.0.0.1",
            "10.0.0.1/2026/11/01.log",
            "core/x",
            "fw10.log",
            "10.0.0.11",
            "messages",
        )
    }
    assert [path for path, owner in owners.items() if owner is None] == ["fw10.log", "10.0.0.11", "messages"]


def test_copies_are_counted_once(tmp_path: Path) -> None:
    """A hard link, a copy under another name, and the packed twin that an interrupted rotation left."""
    write(tmp_path / "sw1.log.1", iso(before(1), "sw1"), before(1))
    write(tmp_path / "sw1.log.1.gz", iso(before(1), "sw1"), before(1))
    write(tmp_path / "old" / "sw1-saved.log", iso(before(1), "sw1"), before(1))
    os.link(tmp_path / "sw1.log.1", tmp_path / "sw1-again.log")
    found = count(tmp_path, "sw1")
    assert days_of(found, "sw1") == each_day([before(1)])
    assert (found.duplicates, found.files) == (3, 1)


def test_symbolic_links_are_not_followed(tmp_path: Path) -> None:
    """Neither out of the tree nor round in it; how many there are is told."""
    tree, outside = tmp_path / "tree", tmp_path / "outside"
    write(tree / "sw1.log", iso(TODAY, "sw1"), TODAY)
    write(outside / "sw1-x.log", iso(before(3), "sw1"), TODAY)
    (tree / "loop").symlink_to(tree)
    (tree / "escape").symlink_to(outside)
    (tree / "sw1-file.log").symlink_to(outside / "sw1-x.log")
    (tree / "broken").symlink_to(tree / "nowhere")
    found = count(tree, "sw1")
    assert days_of(found, "sw1") == each_day([TODAY])
    assert found.links == 4


def test_what_cannot_be_read_is_blamed_on_those_whose_it_may_be(tmp_path: Path) -> None:
    """A packed file that is cut off: what is good of it counts, and its source knows that something is missing."""
    whole = gzip.compress("".join(iso(before(2), "sw1", 24) for _ in range(800)).encode())
    (tmp_path / "sw1").mkdir()
    (tmp_path / "sw1" / "log.2.gz").write_bytes(whole[: len(whole) // 2])
    write(tmp_path / "sw2" / "log", iso(TODAY, "sw2"), TODAY)
    write(tmp_path / "all.log", iso(TODAY, "sw3"), TODAY)
    found = count(tmp_path, "sw1", "sw2", "sw3")
    assert 0 < int(of(found, "sw1").records) < 800 * 24
    assert [of(found, name).unreadable for name in ("sw1", "sw2", "sw3")] == [1, 0, 0]
    (tmp_path / "all.log.1.gz").write_bytes(b"\x1f\x8b damaged")
    found = count(tmp_path, "sw1", "sw2", "sw3")
    assert [of(found, name).unreadable for name in ("sw1", "sw2", "sw3")] == [1, 0, 1]
    assert found.unreadable == 2


def test_a_window_bounds_days_and_nothing_else(tmp_path: Path) -> None:
    """First and last are those of the log."""
    for n in range(10):
        write(tmp_path / f"sw1.log.{n}", iso(before(n), "sw1"), before(n))
    found = count(tmp_path, "sw1", since=before(4).isoformat(), until=before(2).isoformat())
    assert days_of(found, "sw1") == each_day([before(2), before(3), before(4)])
    assert (of(found, "sw1").records, of(found, "sw1").first) == ("30", f"{before(10)}T16:00:00.000Z")


def test_days_are_those_of_the_campus(tmp_path: Path) -> None:
    """A log in UTC: the school's day begins at 16:00 the day before, and in Urumqi at 18:00."""
    lines = "".join(f"2026-11-{21 + h // 24}T{h % 24:02d}:30:00Z sw1 x\n" for h in range(48))
    write(tmp_path / "sw1.log", lines, TODAY)
    assert days_of(count(tmp_path, "sw1"), "sw1") == {"2026-11-21": 16, "2026-11-22": 24, "2026-11-23": 8}
    urumqi = count(tmp_path, "sw1", timezone="Asia/Urumqi")
    assert days_of(urumqi, "sw1") == {"2026-11-21": 18, "2026-11-22": 24, "2026-11-23": 6}


def test_nothing_of_what_lines_say_is_in_the_answer(tmp_path: Path) -> None:
    """Nor names of hosts that nobody asked for, nor names of files."""
    write(tmp_path / "sw1-secret-file.log", bsd(TODAY, "sw1") + bsd(TODAY, "pc-of-somebody") + "secret\n", TODAY)
    answer = count(tmp_path, "sw1").to_bytes()
    assert b"secret" not in answer
    assert b"somebody" not in answer


def test_time_that_is_up_leaves_files_unread_and_says_so(tmp_path: Path) -> None:
    """What there is when a deadline comes is told with what is missing."""
    write(tmp_path / "sw1.log", iso(TODAY, "sw1"), TODAY)
    transport = FilesTransport()
    transport.within(0)
    request = LogTally(where=str(tmp_path), layout="syslog", sources=("sw1",), timezone="Asia/Shanghai")
    found = asyncio.run(transport.exchange(request))
    assert (getattr(found, "unread", None), getattr(found, "files", None)) == (1, 0)


def test_empty_and_odd_files_are_no_trouble(tmp_path: Path) -> None:
    """Empty files, pipes, sockets of other programs, names that are not UTF-8."""
    (tmp_path / "sw1.log").touch()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / os.fsdecode("教学楼.log".encode("gb18030"))).write_text(iso(TODAY, "sw1"))
    found = count(tmp_path, "sw1")
    assert days_of(found, "sw1") == each_day([TODAY])
    assert found.unreadable == 0


@pytest.mark.parametrize(
    ("where", "timezone", "reason", "said"),
    [
        ("/nowhere/logs", "Asia/Shanghai", "unreachable", "No such file"),
        ("relative/logs", "Asia/Shanghai", "unsupported", "absolute"),
        ("/var/log/../../etc", "Asia/Shanghai", "unsupported", "absolute"),
        ("/var/log", "Mars/Olympus", "unsupported", "Mars/Olympus"),
    ],
)
def test_a_directory_that_cannot_be_read_is_a_gap(where: str, timezone: str, reason: str, said: str) -> None:
    """The reason and what to do, no exception."""
    request = LogTally(where=where, layout="syslog", sources=("sw1",), timezone=timezone)
    with pytest.raises(GapError, match=said) as caught:
        asyncio.run(FilesTransport().exchange(request))
    assert caught.value.reason == reason


def test_other_requests_are_not_for_files() -> None:
    """Another collector on this asset is refused by name."""
    with pytest.raises(GapError, match=r"host\.facts"):
        asyncio.run(FilesTransport().exchange(HostFacts()))
