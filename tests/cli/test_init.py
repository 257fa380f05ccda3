"""`campus-agent init`: what it writes is valid, nothing is overwritten, and a wizard that is left writes nothing."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from agent.packs.load import load_campus

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Call

LIMIT = 20.0
"""Seconds to wait for the program, on a loaded machine."""
COMMAND = [sys.executable, "-m", "agent"]


@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_without_a_terminal_it_writes_a_valid_example(call: Call, tmp_path: Path, language: str) -> None:
    """Both files, in a directory of their own, read back as they are: no room, until a row is added as shown."""
    done = call("init", tmp_path / "new" / "school", "--lang", language)
    assert done.code == 0, done.err
    campus = tmp_path / "new" / "school" / "campus.yaml"
    assert done.out.splitlines() == [str(campus), str(campus.with_name("rooms.csv"))]
    value = load_campus(campus).value
    assert value.rooms_file == "rooms.csv"
    assert value.rooms == ()
    assert value.headcounts == ()
    row = next(line for line in campus.read_text(encoding="utf-8").splitlines() if "教室," in line)
    with (campus.with_name("rooms.csv")).open("a", encoding="utf-8") as table:
        table.write(row.removeprefix("#   ") + "\n")
    (room,) = load_campus(campus).value.rooms
    assert (room.id, room.kind, room.grade, room.seats, len(room.equipment)) == ("101", "classroom", 7, 48, 2)


def test_nothing_is_overwritten(call: Call, tmp_path: Path) -> None:
    """A campus file that is there stops the command; a list of rooms that is there is kept as it is."""
    (tmp_path / "rooms.csv").write_text("编号,类别\n1,教室\n", encoding="utf-8")
    assert call("init", tmp_path).code == 0
    assert (tmp_path / "rooms.csv").read_text(encoding="utf-8") == "编号,类别\n1,教室\n"
    before = (tmp_path / "campus.yaml").read_bytes()
    done = call("init", tmp_path)
    assert done.code == 2
    assert "exists already" in done.err or "campus.yaml" in done.err
    assert (tmp_path / "campus.yaml").read_bytes() == before


def test_a_directory_that_cannot_be_made_is_said(call: Call, tmp_path: Path) -> None:
    """One line with the path, no traceback."""
    (tmp_path / "file").write_text("")
    done = call("init", tmp_path / "file" / "below")
    assert done.code == 2
    assert len(done.err.splitlines()) == 1


ANSWERS = (
    *("第一 \x1b[31m中学", "bad id!", "first-school", "教务处", "幼稚园", "小学，初中"),
    *("1200", "80", "30", "99"),
    *("many", "900", "", "20"),
    *("10.0.0.1/24", "10.0.0.1", "XGE0/0/1", "500", "ten", "10.1.0.9/16"),
)


def test_the_wizard_fills_the_file_in(tmp_path: Path) -> None:
    """Wrong answers are asked again, right ones stand in the file, declared by whom who gave them."""
    done = subprocess.run(
        [*COMMAND, "init", str(tmp_path), "--ask", "--lang", "en"],
        input="\n".join(ANSWERS) + "\n",
        capture_output=True,
        text=True,
        timeout=LIMIT * 3,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    campus = load_campus(tmp_path / "campus.yaml").value
    assert (campus.school.id, campus.school.name) == ("first-school", "第一 [31m中学")
    assert campus.school.stages == ("primary", "junior")
    people = [(c.students, c.teachers, c.classes, c.classes_from_grade_three, c.by) for c in campus.headcounts]
    assert people == [(1200, 80, 30, 30, "教务处"), (900, 0, 20, None, "教务处")]
    (link,) = campus.links
    assert (link.role, link.port) == ("egress", "XGE0/0/1")
    assert link.contract_mbps is not None
    assert link.contract_mbps.value == "500"
    assert "campus-agent discover 10.1.0.0/16" in done.stderr
    assert "primary (primary school): students" in done.stderr


def test_the_wizard_names_stages_in_the_readers_language(tmp_path: Path) -> None:
    """Codes, which the file holds, stand beside the names that people use, also where people are counted."""
    done = subprocess.run(
        [*COMMAND, "init", str(tmp_path), "--ask", "--lang", "zh_CN"],
        input="第一中学\nfirst\n教务处\n",
        capture_output=True,
        text=True,
        timeout=LIMIT * 3,
        check=False,
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
    )
    assert done.returncode != 0  # the answers end before the questions do
    assert "primary (小学), junior (初中), senior (高中)" in done.stderr


@pytest.mark.parametrize("ending", ["interrupt", "end of input"])
def test_a_wizard_that_is_left_writes_nothing(tmp_path: Path, ending: str) -> None:
    """On a real terminal: Ctrl-C or Ctrl-D between two answers leaves an empty directory and no traceback."""
    ours, theirs = pty.openpty()
    command = [*COMMAND, "init", str(tmp_path / "s"), "--lang", "en"]
    # What runs in the background of a shell ignores interrupts, and so do its children: a terminal's program does not.
    listening = (
        f"import os, signal; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv({command[0]!r}, {command!r})"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", listening],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        said = _until(ours, "Name of the school")
        os.write(ours, "第一中学\n".encode())
        said += _until(ours, "Short name")
        until = time.monotonic() + LIMIT
        while process.poll() is None and time.monotonic() < until:
            # Python loses an interrupt that comes inside a callback of the terminal: a person presses again.
            if ending == "interrupt":
                process.send_signal(signal.SIGINT)
            else:
                os.write(ours, b"\x04")
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(2)
        assert process.poll() not in {None, 0}
        assert "Traceback" not in said + _rest(ours)
        assert not (tmp_path / "s").exists()
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _until(terminal: int, text: str) -> str:
    """Return what the program shows up to a text."""
    said, end = b"", time.monotonic() + LIMIT
    while text.encode() not in said:
        assert time.monotonic() < end, said
        if select.select([terminal], [], [], 0.2)[0]:
            said += os.read(terminal, 4096)
    return said.decode(errors="replace")


def _rest(terminal: int) -> str:
    """Return what is still to be read; Linux ends a terminal without a program with EIO."""
    said = b""
    try:
        while piece := os.read(terminal, 4096):
            said += piece
    except OSError:
        pass
    return said.decode(errors="replace")
