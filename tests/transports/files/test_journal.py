"""Journal files that systemd made, read by its journalctl: days, hosts, boots, damage."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import MalformedError
from agent.model.canary import CanarySeek
from agent.transports.files.canary import seek
from agent.transports.files.journal import entries
from agent.transports.files.journalctl import output
from agent.transports.files.watch import StoppedError, Watch
from agent.transports.syslog import nonce_of
from tests.transports.files.trees import count, days_of, of

REMOTE = Path("/lib/systemd/systemd-journal-remote")
KEY = bytes(range(32))
real = pytest.mark.skipif(
    not REMOTE.exists() or shutil.which("journalctl") is None, reason="systemd-journal-remote is not installed"
)
FIRST = datetime(2026, 5, 1, 4, tzinfo=UTC)


def journal(path: Path, entries_of: list[tuple[datetime, str, str]], boots: int = 1) -> None:
    """Make a journal file of entries (time, host, message)."""
    text = "".join(
        f"__REALTIME_TIMESTAMP={int(at.timestamp() * 1_000_000)}\n__MONOTONIC_TIMESTAMP={n * 1000 + 1}\n"
        f"_BOOT_ID={n * boots // max(len(entries_of), 1) + 1:032x}\n_HOSTNAME={host}\n"
        f"SYSLOG_IDENTIFIER={'campus-agent' if message.startswith('canary') else 'test'}\nMESSAGE={message}\n\n"
        for n, (at, host, message) in enumerate(entries_of)
    )
    export = path.with_suffix(".export")
    export.write_text(text)
    subprocess.run([REMOTE, "-o", str(path), str(export)], check=True, capture_output=True, timeout=60)
    export.unlink()


@real
def test_a_hole_of_two_days_is_found(tmp_path: Path) -> None:
    """200 days of a server, two without an entry; another host's entries are counted apart, and no message is told."""
    every = [FIRST + timedelta(days=n) for n in range(200) if n not in (90, 91)]
    entries_of = [(day + timedelta(hours=h), "server1", "secret text") for day in every for h in (0, 5)]
    entries_of += [(FIRST + timedelta(days=200), "pc-of-somebody", "secret text")]
    journal(tmp_path / "system.journal", entries_of, boots=3)
    found = count(tmp_path, "server1", layout="journal")
    one = of(found, "server1")
    days = days_of(found, "server1")
    assert (one.records, sum(days.values())) == ("396", 396)
    assert len(days) == 198
    assert not {"2026-07-30", "2026-07-31"} & set(days)
    assert (one.first, one.last) == ("2026-05-01T04:00:00.000Z", "2026-11-16T09:00:00.000Z")
    assert (found.boots, found.others, found.damaged, found.unreadable) == (3, 1, 0, 0)
    assert b"secret" not in found.to_bytes()
    assert b"somebody" not in found.to_bytes()


@real
def test_a_damaged_journal_is_told(tmp_path: Path) -> None:
    """What its inner checks do not confirm may lack entries; what is no journal at all is unreadable."""
    journal(tmp_path / "good.journal", [(FIRST, "server1", "x")])
    journal(tmp_path / "bad.journal", [(FIRST + timedelta(hours=n), "server1", "y" * 400) for n in range(300)])
    data = bytearray((tmp_path / "bad.journal").read_bytes())
    at = data.find(b"MESSAGE=yyyy")
    data[at : at + 12] = b"MESSAGE=zzzz"
    (tmp_path / "bad.journal").write_bytes(data)
    (tmp_path / "none.journal").write_text("not a journal\n")
    found = count(tmp_path, "server1", layout="journal")
    assert (found.damaged, found.unreadable, found.files) == (1, 2, 1)
    assert of(found, "server1").unreadable == 2


@real
def test_canaries_are_found_in_journals(tmp_path: Path) -> None:
    """A journal keeps what came through syslog under the name of its program."""
    day = "2026-05-02"
    good, bad = nonce_of(KEY, "store", "sw1", day).decode(), "0" * 32
    entries_of = [
        (FIRST, "campus-canary", f"canary day={day} source=sw1 nonce={good}"),
        (FIRST, "campus-canary", f"canary day=2026-05-03 source=sw1 nonce={bad}"),
    ]
    journal(tmp_path / "remote.journal", entries_of)
    request = CanarySeek(
        store="store", where=str(tmp_path), layout="journal", sources=("sw1", "fw1"), timezone="Asia/Shanghai"
    )
    found = seek(request, lambda *told: nonce_of(KEY, *told), Watch())
    assert {one.source: one.days for one in found.sources} == {"sw1": (day,), "fw1": ()}


@real
def test_a_reader_is_stopped_in_time(tmp_path: Path) -> None:
    """journalctl is ended with its caller, and what it had not told is not taken for nothing."""
    journal(tmp_path / "system.journal", [(FIRST, "server1", "x")])
    with pytest.raises(StoppedError):
        list(output([f"--file={tmp_path}/system.journal", "--follow"], Watch(until=0)))


@real
def test_an_error_of_journalctl_is_ours() -> None:
    """A file that is not there is no empty journal."""
    with pytest.raises(MalformedError, match="status"):
        list(output(["--file=/nowhere/x.journal"], Watch()))


@given(st.lists(st.binary(min_size=1, max_size=40).map(lambda text: text.replace(b"\n", b".")), max_size=12), st.data())
def test_entries_are_whole_however_they_arrive(lines: list[bytes], data: st.DataObject) -> None:
    """Pieces may be cut anywhere."""
    text = b"".join(line + b"\n\n" for line in lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert list(entries(pieces)) == lines


def test_an_entry_without_end_is_an_error() -> None:
    """With the few fields that are asked for none is larger than a megabyte."""
    with pytest.raises(MalformedError, match="no end"):
        list(entries(b"x" * 65536 for _ in range(100)))
