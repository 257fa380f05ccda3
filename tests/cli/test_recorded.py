"""`campus-agent read --recording` and `campus-agent devices`."""

from __future__ import annotations

import gc
import json
import os
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.lab.snmp.session import Reader, Told
from agent.packs.load import config_directory, load_families
from tests.runtime.world import agent

if TYPE_CHECKING:
    from tests.cli.conftest import Call

RECORDINGS = Path(__file__).parent.parent / "recordings"
APC = RECORDINGS / "ups-apc-on-battery.snmprec"
DELTA = RECORDINGS / "ups-delta-on-battery.snmprec"


def test_one_object_per_reading_and_a_last_one_per_file() -> None:
    """Readings name their file; after them stand the counts, gaps and time of the file."""
    done = agent("read", "--recording", APC, DELTA, "--json")
    assert (done.code, done.err) == (0, "")
    objects = [json.loads(line) for line in done.out.splitlines()]
    for path, family, runtime in ((APC, "apc", "1522"), (DELTA, "delta", "2880")):
        *readings, last = [one for one in objects if one["recording"] == str(path)]
        assert {"metric", "subject", "value", "unit", "at", "grade", "sources", "recording"} == set(readings[0])
        assert [one["value"] for one in readings if one["metric"] == "ups.runtime"] == [runtime]
        summary = last["summary"]
        assert set(last) == {"recording", "summary"}
        assert summary["family"] == family
        assert summary["readings"] == len(readings)
        assert summary["exchanges"] > 0
        assert summary["elapsed_ms"] >= 0
        assert summary["skipped_lines"] == 0
        assert {"collector": "interfaces", "reason": "unsupported"} in summary["gaps"]
    assert objects[-1]["recording"] == str(DELTA)


def test_a_file_that_cannot_be_read_is_an_object_and_exit_1(tmp_path: Path, call: Call) -> None:
    """The call goes on after a missing, an empty and a binary file, and says at its end that not all was well."""
    empty, binary = tmp_path / "empty.snmprec", tmp_path / "binary.snmprec"
    empty.write_bytes(b"")
    binary.write_bytes(os.urandom(2000))
    done = call("read", "--recording", tmp_path / "none", empty, binary, APC, "--collect", "ups", "--json")
    assert done.code == 1
    objects = [json.loads(line) for line in done.out.splitlines()]
    assert [Path(one["recording"]).name for one in objects if "error" in one] == ["none", empty.name, binary.name]
    assert objects[-1]["summary"]["family"] == "apc"
    assert "Traceback" not in done.err


def test_a_person_gets_a_table_and_the_errors_apart(tmp_path: Path, call: Call) -> None:
    """Without --json: a line about the file, its readings, and errors on standard error."""
    done = call("read", "--recording", APC, tmp_path / "none", "--collect", "ups")
    assert done.code == 1
    assert "ups-apc-on-battery.snmprec: apc, 19 readings, 0 gaps" in done.out.replace("\n", "")
    assert "ups.runtime" in done.out
    assert "none" in done.err


def test_a_thousand_files_in_one_call(tmp_path: Path, call: Call) -> None:
    """A thousand recordings are read one after the other, each with its summary."""
    files = []
    for n in range(1_000):
        path = tmp_path / f"{n}.snmprec"
        path.symlink_to(DELTA)
        files.append(path)
    done = call("read", "--recording", *files, "--collect", "ups", "--json")
    assert done.code == 0
    last = [one["recording"] for one in map(json.loads, done.out.splitlines()) if "summary" in one]
    assert last == [str(path) for path in files]


def test_what_a_file_needs_is_given_back() -> None:
    """The memory in use after a hundred recordings is that after ten: nothing piles up in a long call."""
    reader = Reader()

    def use() -> int:
        for _ in range(10):
            assert isinstance(reader.read(APC), Told)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        first = use()
        assert [used for used in (use() for _ in range(9)) if used > first + 200_000] == []
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("read", "--recording"), "name the recordings to read"),
        (("read", "--recording", APC, "--replay", APC), "--recording and --replay do not go together"),
        (("read", "--recording", APC, "--collect", "usp"), "there is no collector 'usp'"),
        (("read", "snmp://192.0.2.1", "snmp://192.0.2.2"), "give either a URL or --replay with a record"),
        (("read",), "give either a URL or --replay with a record"),
    ],
)
def test_a_call_that_cannot_work_says_why(arguments: tuple[object, ...], says: str, call: Call) -> None:
    """Exit 2 and one line, before anything is read."""
    done = call(*arguments)
    assert done.code == 2
    assert says in done.err
    assert done.out == ""


def test_devices_lists_every_family(call: Call) -> None:
    """What is supported is generated from the families and recordings, in JSON and for people."""
    done = call("devices", "--json")
    assert done.code == 0
    listed = {one["family"]: one for one in json.loads(done.out)}
    families = load_families(config_directory())
    assert set(listed) == set(families)
    assert "ups-apc-on-battery" in listed["apc"]["recordings"]
    for name, one in listed.items():
        assert one["collectors"] == list(families[name].collectors)
        assert one["title"]["zh"]
    table = call("devices")
    assert table.code == 0
    assert "apc" in table.out


def test_devices_takes_other_recordings(tmp_path: Path, call: Call) -> None:
    """A directory of one's own recordings shows which families they exercise."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "card.snmprec").write_bytes(APC.read_bytes())
    done = call("devices", "--recordings", tmp_path, "--json")
    assert [one["recordings"] for one in json.loads(done.out) if one["family"] == "apc"] == [["deep/card"]]
    assert call("devices", "--recordings", tmp_path / "none").code == 2
