"""The commands as a person calls them: output, exit codes, errors that say where and what to do."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent import __version__
from agent.cli.files import READABLE
from tests.runtime.world import COMMUNITY, REPOSITORY, School, agent, command, environment, school

if TYPE_CHECKING:
    from tests.cli.conftest import Call

GOLD = {"499.999": ("6", "partially-satisfied"), "500": ("8", "satisfied"), "199": ("0", "not-satisfied")}


def reading(value: str, **more: str) -> str:
    """Return one line of readings: the speed of one egress line."""
    made = {
        "metric": "link.speed", "subject": "egress:telecom", "value": value, "unit": "Mbit/s",
        "at": "2026-11-22T01:00:00Z", "grade": "reported", "sources": ["sha256:" + "0" * 64], **more,
    }  # fmt: skip
    return json.dumps(made) + "\n"


# --- judging a file -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", GOLD)
def test_readings_alone_are_judged_to_the_point(tmp_path: Path, value: str) -> None:
    """499.999 Mbit/s is 6 points, 500 is 8, 199 is 0: bands include their lower edge and nothing below."""
    path = tmp_path / "readings.jsonl"
    path.write_text(reading(value), encoding="utf-8")
    done = agent("assess", "--readings", path, "--standard", "bozhou-school-2024", "--json")
    assert (done.code, done.err) == (0, "")
    judged = done.json()
    assert (judged["points_proven"], judged["clauses"][0]["outcome"]) == GOLD[value]


@pytest.mark.parametrize(("language", "word"), [("zh_CN", "分"), ("en", "points proven 8")])
def test_a_score_sheet_is_shown_in_both_languages(tmp_path: Path, language: str, word: str) -> None:
    """The table for people is Chinese or English, as asked."""
    path = tmp_path / "readings.jsonl"
    path.write_text(reading("500"), encoding="utf-8")
    done = agent("assess", "--readings", path, "--standard", "bozhou-school-2024", "--lang", language)
    assert done.code == 0
    assert word in done.out
    assert "500 Mbit/s" in done.out


@pytest.mark.parametrize(
    ("text", "place", "what"),
    [
        (reading("500") + reading("fast"), "link.speed egress:telecom 2026-11-22T01:00:00Z", "fast"),
        (reading("500") + "{", "readings.jsonl:2", "not valid JSON"),
        (reading("500").replace('"500"', "500"), "readings.jsonl:1", "value: Input should be a valid string"),
        (reading("500").replace('"500"', "500.5"), "readings.jsonl:1", "not an integer"),
        (reading("500", colour="red"), "readings.jsonl:1", "colour"),
        (reading("500", unit="Gbit/h"), "link.speed egress:telecom 2026-11-22T01:00:00Z", "Gbit/h"),
        (reading("500", at="yesterday"), "readings.jsonl:1", "yesterday"),
        ("", "", "reading"),
    ],
)
def test_a_wrong_reading_is_named(tmp_path: Path, call: Call, text: str, place: str, what: str) -> None:
    """A file of readings with a fault gives file, line and the fault, and exit 2."""
    path = tmp_path / "readings.jsonl"
    path.write_text(text, encoding="utf-8")
    done = call("assess", "--readings", path, "--standard", "bozhou-school-2024", "--json")
    assert done.code == 2, done.out
    assert place in done.err
    assert what in done.err
    assert done.err.count("\n") == 1


# --- errors that a user meets ---------------------------------------------------------------------------------------

KNOWN = "Known are: bozhou-region-2024, bozhou-school-2024, huzhou-3.0, jiangsu-2018, ningxia, wuhan-2020"


UNREAD = f"cannot read this file: No such file or directory. {READABLE}"
NO_JOURNAL = "there is no journal here. Name the agent's directory with --state; campus-agent run makes a new journal"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["standards", "x"], f"there is no standard 'x'. {KNOWN}"),
        (["assess", "--standard", "x", "--readings", "/dev/null"], f"there is no standard 'x'. {KNOWN}"),
        (["assess", "--standard", "x"], "without --readings, the campus file is needed. Give --campus FILE"),
        (["verify", "/nowhere/b.zip"], f"/nowhere/b.zip: {UNREAD}"),
        (["report", "/nowhere/b.zip", "-o", "x"], f"/nowhere/b.zip: {UNREAD}"),
        (
            ["run", "--campus", "/nowhere/c.yaml", "--once"],
            "/nowhere/c.yaml: the file cannot be read: No such file or directory. Check the path and the permissions",
        ),
        (["upload", "--campus", "x", "--state", "y"], "there is no backend to send to. Give --backend URL"),
        (
            ["keys", "show", "--state", "/nowhere"],
            "/nowhere/keys/agent.pem: there is no key file. Make one with `campus-agent keys create`",
        ),
        (["status", "--state", "/nowhere"], f"/nowhere/journal/journal.db: {NO_JOURNAL}"),
        (
            ["backend", "token", "s", "--directory", "/nowhere"],
            "/nowhere: there is no backend here. Start it once with campus-agent backend serve",
        ),
        (
            ["enrol", "--backend", "http://127.0.0.1:1", "--token-file", "/nowhere/t"],
            f"/nowhere/t: {UNREAD}",
        ),
    ],
)
def test_errors_are_one_line_that_helps(call: Call, arguments: list[str], told: str) -> None:
    """Golden: what, where, what to do; on standard error, with exit 2 and nothing on standard output."""
    done = call(*arguments)
    assert (done.code, done.out, done.err) == (2, "", f"campus-agent: {told}\n")


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("every_seconds: 300", "every_seconds: 0", 8, "every_seconds"),
        ("every_seconds: 300", "every_second: 300", 8, "every_second"),
        ("role: egress", "role: wan", 6, "wan"),
        ("family: generic-snmp", "family: no-such", 4, "no-such"),
        ("asset: egress-gw", "asset: gone", 6, "gone"),
        ("port: lo", "port: [lo", 6, "not valid YAML"),
        ("value: '500'", "value: '5.0e2'", 6, "500"),
        ("collector: interfaces", "collector: interface", 8, "interface"),
    ],
)
def test_a_wrong_line_of_the_campus_file_is_named(
    tmp_path: Path, call: Call, old: str, new: str, line: int, what: str
) -> None:
    """The error of a campus file carries file, line and column, and names the word that is wrong."""
    place = school(tmp_path, {"egress-gw": 1})
    text = place.campus.read_text(encoding="utf-8")
    assert old in text
    place.campus.write_text(text.replace(old, new, 1), encoding="utf-8")
    done = call("run", "--once", "--campus", place.campus, "--state", place.state)
    assert done.code == 2
    found = re.search(r"campus\.yaml:(\d+)", done.err)
    assert found, done.err
    assert int(found[1]) == line, done.err
    assert what in done.err
    assert "Traceback" not in done.err


def test_a_command_whose_parts_are_not_installed_says_what_to_install(tmp_path: Path) -> None:
    """A reviewer's small install has no HTTP client and no database: the error names the extra."""
    for module, arguments, extra in (
        ("httpx", ["run", "--once", "--campus", "x", "--state", "y"], "agent"),
        ("sqlalchemy", ["backend", "serve", "--directory", str(tmp_path)], "backend"),
    ):
        code = (
            f"import sys; sys.modules[{module!r}] = None; sys.argv = ['campus-agent', *{arguments!r}]\n"
            "from agent.cli import main; main()"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=REPOSITORY, env=environment(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 2
        wanted = f"this command needs {module}. Install it with: pip install 'campus-agent[{extra}]'\n"
        assert done.stderr == f"campus-agent: {wanted}"


def test_errors_are_chinese_where_the_system_is(tmp_path: Path) -> None:
    """In a Chinese locale the same error is told in Chinese, with the same place and words."""
    done = agent("standards", "x", LANG="zh_CN.UTF-8")
    assert done.code == 2
    assert "bozhou-school-2024" in done.err
    assert re.search(r"[\u4e00-\u9fff]", done.err)


def test_wrong_usage_is_exit_2(call: Call) -> None:
    """An unknown command or option ends with 2, like every call that cannot be done."""
    assert call("nonsense").code == 2
    assert call("read", "--nonsense").code == 2
    assert call("read", "snmp://h", "--seconds", "0").code == 2


def test_every_command_has_help() -> None:
    """`--help` works without state, rights or network, and says what each command is for."""
    assert agent("--version").out == f"campus-agent {__version__}\n"
    shown = agent("--help").out
    for name in ("enrol", "run", "assess", "bundle", "upload", "status", "read", "verify", "report", "lint", "demo"):
        assert re.search(rf"│ {name} +\S", shown), name


# --- the chain of commands ------------------------------------------------------------------------------------------


def test_the_chain_of_commands_ends_in_a_bundle_that_holds(measured: School) -> None:
    """run, assess, bundle, verify: exit 0, the verdict in words, and JSON for programs."""
    bundle = measured.directory / "bundle.zip"
    done = agent("verify", bundle)
    assert done.code == 0
    assert re.search(r"^bundle\.zip: holds \(\d+ checks, 0 failed\)$", done.out, re.MULTILINE)
    quiet = agent("verify", bundle, "--quiet")
    assert quiet.out.count("\n") == 1
    told = agent("verify", bundle, "--json").json()
    assert all(check["ok"] for check in told["checks"])


def test_a_bundle_that_does_not_hold_is_exit_1(tmp_path: Path, measured: School) -> None:
    """One flipped bit: verify says FAIL with exit 1, and report makes its page, says so, and exits 1."""
    data = bytearray((measured.directory / "bundle.zip").read_bytes())
    data[len(data) // 2] ^= 1
    path = tmp_path / "broken.zip"
    path.write_bytes(data)
    done = agent("verify", path)
    assert done.code == 1
    assert "FAIL " in done.out
    assert "does NOT hold" in done.out
    page = agent("report", path, "-o", tmp_path / "r.html", "--lang", "en")
    assert (page.code, page.err) == (1, "the bundle does NOT hold; the page says why\n")
    assert (tmp_path / "r.html").stat().st_size > 1000


def test_a_bundle_needs_no_private_key(tmp_path: Path, measured: School) -> None:
    """Exporting reads the journal only, and gives the same bytes as before."""
    key = measured.state / "keys" / "agent.pem"
    hidden = key.rename(key.with_suffix(".away"))
    try:
        done = agent("bundle", "--state", measured.state, "-o", tmp_path / "again.zip")
    finally:
        hidden.rename(key)
    assert done.code == 0, done.err
    assert (tmp_path / "again.zip").read_bytes() == (measured.directory / "bundle.zip").read_bytes()


def test_status_tells_a_person_and_a_program(measured: School) -> None:
    """Entries, what waits, what failed, and the room left; the same facts as JSON."""
    told = agent("status", "--state", measured.state, "--json").json()
    assert told["entries"] == 6
    assert told["waiting for a receipt"] == 6
    shown = agent("status", "--state", measured.state).out
    assert "entries: 6" in shown
    assert "devices that do not answer as they should: -" in shown
    assert "service: not running" in shown
    assert "room enough: yes" in shown
    assert "+08:00" in shown, "times are the campus's"
    assert "None" not in shown
    assert "[]" not in shown


def test_the_status_is_chinese_where_the_system_is(measured: School) -> None:
    """Every label and state is Chinese, and no value is a word of the program."""
    shown = agent("status", "--state", measured.state, LANG="zh_CN.UTF-8").out
    for line in shown.splitlines():
        label, _, value = line.partition(": ")
        assert re.search(r"[\u4e00-\u9fff]", label), line
        assert not re.search(r"True|False|None|\d{4}-\d\d-\d\dT", value), line
    assert re.search("^等待回执: 6$", shown, re.MULTILINE)


def test_keys_are_made_once_and_never_shown(tmp_path: Path) -> None:
    """A key is created with mode 0600, a second creation is refused, and no command prints the private half."""
    made = agent("keys", "create", "--state", tmp_path)
    assert made.code == 0
    path = tmp_path / "keys" / "agent.pem"
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_bytes()
    again = agent("keys", "create", "--state", tmp_path)
    assert again.code == 2
    assert path.read_bytes() == before
    shown = agent("keys", "show", "--state", tmp_path)
    assert made.out.strip() in shown.out
    assert "PRIVATE" not in shown.out + made.out + again.err


def test_packs_are_listed_and_linted() -> None:
    """The shipped packs hold, and the standards are listed for people and programs."""
    done = agent("lint")
    assert done.code == 0
    assert re.fullmatch(r"\d+ passed, 0 failed\n", done.out)
    totals = {one["id"]: one["total"] for one in agent("standards", "--json").json()}
    assert totals == {
        "bozhou-region-2024": "100",
        "bozhou-school-2024": "100",
        "huzhou-3.0": "120",
        "jiangsu-2018": "110",
        "ningxia": "105",
        "wuhan-2020": "100",
    }
    one = agent("standards", "ningxia", "--json").json()
    assert one["clauses"][0] | {"criteria": []} == {
        "id": "1",
        "section": "network",
        "heading": one["clauses"][0]["heading"],
        "points": "1",
        "reach": "full",
        "criteria": [],
    }
    shown = agent("standards", "ningxia", "--lang", "en", COLUMNS="120")
    assert "2 ★" in shown.out
    assert "provable 3, partly provable 7, by documents 2, not judged here 93" in shown.out


def test_a_score_sheet_for_a_spreadsheet(tmp_path: Path) -> None:
    """Several standards at once as CSV that a spreadsheet opens as UTF-8."""
    path = tmp_path / "readings.jsonl"
    path.write_text(reading("500"), encoding="utf-8")
    chosen = ("--standard", "bozhou-school-2024", "--standard", "ningxia")
    done = agent("assess", "--readings", path, *chosen, "--csv", "--lang", "en")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("\ufeffstandard,")
    assert "bozhou-school-2024" in done.out
    assert "\nningxia," in done.out.replace("\r", "")


def test_a_score_sheet_says_what_to_do_next(tmp_path: Path) -> None:
    """Below the table stands each open clause with its points, what is missing, and the next step."""
    path = tmp_path / "readings.jsonl"
    path.write_text(reading("500"), encoding="utf-8")
    done = agent("assess", "--readings", path, "--standard", "ningxia", "--lang", "en", COLUMNS="200")
    assert "What to do next" in done.out
    assert "Judge a longer window; wanted are samples on 5 school days" in done.out
    assert "Declare ningxia/joined-applications in the campus file, with the document:" in done.out
    assert "(Four stars, Five stars): not settled: 2," in done.out


def test_a_faulty_pack_is_exit_1_with_its_line(tmp_path: Path) -> None:
    """lint names file and line of a fault, counts it, and says no."""
    for name in ("families", "metrics", "standards"):
        (tmp_path / name).mkdir()
        for path in (REPOSITORY / "config" / name).glob("*.yaml"):
            text = path.read_text(encoding="utf-8")
            (tmp_path / name / path.name).write_text(text.replace("points: 8 }", "points: 9 }"), encoding="utf-8")
    done = agent("lint", tmp_path)
    assert done.code == 1
    assert re.search(r"FAIL .*bozhou-school-2024\.yaml:\d+", done.out)


# --- streams --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [["verify", "BUNDLE"], ["standards", "--json"], ["standards"]])
def test_a_reader_that_goes_away_is_no_error(measured: School, arguments: list[str]) -> None:
    """`| head` ends the command quietly, as SIGPIPE would (141), and never with the code for "no"."""
    named = [str(measured.directory / "bundle.zip") if one == "BUNDLE" else one for one in arguments]
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            command(*named), cwd=REPOSITORY, env=environment(), stdout=writer, stderr=subprocess.PIPE, check=False
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_full_disk_behind_standard_output_is_told() -> None:
    """What could not be written is an error with exit 2, not a success."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command("standards"), cwd=REPOSITORY, env=environment(), stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert (done.returncode, done.stderr) == (2, b"campus-agent: No space left on device\n")


def test_a_terminal_without_chinese_gets_escapes(tmp_path: Path) -> None:
    """A console that cannot show a character gets its escape; nothing crashes for it."""
    path = tmp_path / "readings.jsonl"
    path.write_text(reading("500"), encoding="utf-8")
    arguments = ("assess", "--readings", path, "--standard", "bozhou-school-2024", "--lang", "zh_CN")
    done = agent(*arguments, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (done.code, done.err) == (0, "")
    assert "\\u" in done.out


# --- secrets --------------------------------------------------------------------------------------------------------


def test_the_canary_is_nowhere_but_in_its_credential_file(measured: School) -> None:
    """The device tells its community: no output, journal, bundle or page holds it, in any spelling."""
    spellings = [COMMUNITY.encode(), COMMUNITY.encode().hex().encode(), COMMUNITY.encode().hex().upper().encode()]
    files = [path for path in measured.directory.rglob("*") if path.is_file() and path.parent.name != "secrets"]
    assert len(files) > 5
    contents = {str(path): path.read_bytes() for path in files}
    with zipfile.ZipFile(measured.directory / "bundle.zip") as bundle:
        contents |= {name: bundle.read(name) for name in bundle.namelist()}
    for name, data in contents.items():
        assert not [one for one in spellings if one in data], name
    assert any(b"redacted:secret" in data or "⟦redacted".encode().hex().encode() in data for data in contents.values())
