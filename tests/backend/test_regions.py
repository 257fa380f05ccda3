"""Regions in the backend: which statements count, who may read, and what a table of schools looks like."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from agent import canonical
from agent.backend import regions
from agent.backend.region_tables import result_csv
from agent.cli import app
from agent.clock import time_text
from agent.errors import ConfigError, UsageError
from agent.model.evidence import EntryKind
from agent.model.finding import Window
from tests.packs.bozhou_schools import judged
from tests.peers.backend import START, HandClock, Served, Speaker, serving
from tests.peers.postgresql import BOTH

if TYPE_CHECKING:
    from pathlib import Path

    from agent.model.finding import Assessment
    from agent.model.region import RegionResult

FILE = """
version: "1"
id: qiaocheng
name: 谯城区
schools:
  - { id: school-1, name: 第一小学, stages: [primary], classes_from_grade_three: 4 }
  - { id: school-2, name: "=第二小学", stages: [primary, junior], classes_from_grade_three: 6 }
  - { id: nursery, name: 幼儿园, stages: [kindergarten] }
""".encode()
SCHOOL, REGION = "bozhou-school-2024", "bozhou-region-2024"
NOW = time_text(START)


def add(served: Served, data: bytes = FILE) -> str:
    token = regions.write_region(served.backend.store, data, "region.yaml")
    assert token is not None
    return token


def send(served: Served, agent: Speaker, assessment: Assessment, *, window: Window | None = None) -> str:
    """Have a school's agent upload an assessment; return the statement's digest."""
    span = window or assessment.window
    files = {f"findings/{assessment.standard}.json": assessment.to_bytes()}
    signed = agent.append(EntryKind.ASSESSMENT, files, window=(span.since, span.until))
    answer = served.put(signed)
    assert answer.status_code == 201, answer.text
    return signed.digest


def rolled(served: Served) -> RegionResult:
    store = served.backend.store
    return regions.region_result(store, regions.read_region(store, "qiaocheng"), REGION)


def first(result: RegionResult) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    listed = next(one for one in result.schools if one.criterion == "schools-with-500")
    return listed.holds, listed.fails, listed.missing, listed.left_out


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@BOTH
def test_accepted_statements_become_shares_over_the_interface(served: Served, agent: Speaker) -> None:
    """A school uploads its assessment; whoever has the read token sees the share, the schools and the statement."""
    token = add(served)
    digest = send(served, agent, judged(mbps="500"))
    answer = served.http.get(f"/v1/regions/qiaocheng/{REGION}", headers=bearer(token))
    assert answer.status_code == 200, answer.text
    told = answer.json()
    listed = next(one for one in told["schools"] if one["criterion"] == "schools-with-500")
    assert (listed["holds"], listed["missing"], listed["left_out"]) == (["school-1"], ["school-2"], ["nursery"])
    assert [one["statement"] for one in told["statements"]] == [digest]
    assert told["region_file"] == canonical.digest(FILE)
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "headers", [{}, bearer("wrong"), {"authorization": "Basic d3Jvbmc6"}, {"authorization": "Bearer"}]
)
def test_without_the_read_token_a_region_does_not_exist(served: Served, headers: dict[str, str]) -> None:
    """Who may not read learns nothing, not even which regions there are."""
    add(served)
    answers = [served.http.get(f"/v1/regions/{name}/{REGION}", headers=headers) for name in ("qiaocheng", "other")]
    assert {answer.status_code for answer in answers} == {404}
    assert answers[0].content == answers[1].content


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("no-such-standard", ""),
        (SCHOOL, ""),
        (f"{REGION}/sheet", ""),
        (REGION, "?since=yesterday"),
        (REGION, "?format=xml"),
        (REGION, "?since=2027-01-01T00:00:00Z&until=2026-01-01T00:00:00Z"),
    ],
)
def test_what_cannot_be_asked_is_a_problem_document(served: Served, path: str, query: str) -> None:
    """A wrong standard, time or form is told as such, with RFC 9457, never as a crash."""
    token = add(served)
    answer = served.http.get(f"/v1/regions/qiaocheng/{path}{query}", headers=bearer(token))
    assert answer.status_code == 400, answer.text
    assert answer.json()["type"] == "urn:campus-agent:problem:bad-request"


@BOTH
def test_the_newest_accepted_assessment_speaks_for_a_school(served: Served, agent: Speaker) -> None:
    """A school that got faster counts; the older statement does not."""
    add(served)
    send(served, agent, judged(mbps="100"))
    newest = send(served, agent, judged(mbps="600"))
    result = rolled(served)
    assert first(result)[0] == ("school-1",)
    assert [one.statement for one in result.statements] == [newest]


def test_a_newer_bad_assessment_is_not_hidden_by_an_older_good_one(served: Served, agent: Speaker) -> None:
    """A school that got slower fails, although it was fast before."""
    add(served)
    send(served, agent, judged(mbps="600"))
    send(served, agent, judged(mbps="100"))
    assert first(rolled(served))[1] == ("school-1",)


def test_an_old_assessment_speaks_for_nobody(served: Served, agent: Speaker, clock: HandClock) -> None:
    """After a year without a new one a school is missing."""
    add(served)
    send(served, agent, judged(mbps="500"))
    assert first(rolled(served))[0] == ("school-1",)
    clock.forward(timedelta(days=regions.WINDOW_DAYS + 1).total_seconds())
    assert first(rolled(served))[2] == ("school-1", "school-2")


def test_a_pack_of_the_schools_own_does_not_count(served: Served, agent: Speaker) -> None:
    """Findings by a pack that was not released are passed over with the reason, and the older good ones count."""
    add(served)
    good = send(served, agent, judged(mbps="500"))
    own = judged(mbps="1000").model_copy(update={"pack": canonical.digest(b"lower thresholds")})
    bad = send(served, agent, own)
    result = rolled(served)
    assert [one.statement for one in result.statements] == [good]
    assert bad in result.passed_over["school-1"]
    assert "pack" in result.passed_over["school-1"]


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff\x00", b'{"standard": "bozhou-school-2024"}'])
def test_findings_that_are_none_leave_the_school_missing(served: Served, agent: Speaker, data: bytes) -> None:
    """Whatever an authentic statement carries as findings, the roll-up says so and goes on."""
    add(served)
    window = ("2026-10-20T00:00:00Z", "2026-11-22T00:00:00Z")
    signed = agent.append(EntryKind.ASSESSMENT, {f"findings/{SCHOOL}.json": data}, window=window)
    assert served.put(signed).status_code == 201
    result = rolled(served)
    assert first(result)[2] == ("school-1", "school-2")
    assert signed.digest in result.passed_over["school-1"]


def test_findings_of_another_window_or_standard_do_not_count(served: Served, agent: Speaker) -> None:
    """A good month cannot be passed off as another one, nor one standard as another."""
    add(served)
    send(served, agent, judged(mbps="500"), window=Window(since="2026-11-01T00:00:00Z", until="2026-11-21T00:00:00Z"))
    assert first(rolled(served))[2] == ("school-1", "school-2")
    other = judged(mbps="500").to_bytes()
    window = (judged().window.since, judged().window.until)
    signed = agent.append(EntryKind.ASSESSMENT, {"findings/jiangsu-2018.json": other}, window=window)
    assert served.put(signed).status_code == 201
    assert first(rolled(served))[2] == ("school-1", "school-2")


def test_a_damaged_file_is_noticed(served: Served, agent: Speaker) -> None:
    """Findings that the disk has changed are not believed."""
    add(served)
    assessment = judged(mbps="500")
    send(served, agent, assessment)
    path = served.backend.store.blobs.path(canonical.digest(assessment.to_bytes()))
    path.write_bytes(assessment.to_bytes().replace(b'"500"', b'"900"'))
    result = rolled(served)
    assert first(result)[2] == ("school-1", "school-2")
    assert "damaged" in result.passed_over["school-1"]


def test_another_school_cannot_speak_for_one(served: Served, tmp_path: Path) -> None:
    """Statements count for the campus that their key is enrolled for, and no other."""
    add(served)
    stranger = served.enrolled(tmp_path / "stranger", campus="school-9", name="school-9/agent")
    send(served, stranger, judged(mbps="500"))
    assert first(rolled(served))[2] == ("school-1", "school-2")


@BOTH
def test_a_new_list_replaces_the_old_one_and_keeps_its_readers(served: Served) -> None:
    """A school that joins is on the list at once; the token changes only where that is asked for."""
    store = served.backend.store
    token = add(served)
    more = FILE + "  - { id: school-3, name: 第三小学, stages: [senior], classes_from_grade_three: 9 }\n".encode()
    assert regions.write_region(store, more, "region.yaml") is None
    stored = regions.read_region(store, "qiaocheng")
    assert len(stored.region.schools) == 4
    assert regions.may_read(stored, token)
    renewed = regions.write_region(store, more, "region.yaml", renew=True)
    stored = regions.read_region(store, "qiaocheng")
    assert renewed is not None
    assert regions.may_read(stored, renewed)
    assert not regions.may_read(stored, token)


def test_the_token_is_not_kept(served: Served) -> None:
    """Nothing in the backend's directory holds the text of a read token."""
    token = add(served).encode()
    files = [path for path in served.backend.store.directory.rglob("*") if path.is_file()]
    assert files
    assert not any(token in path.read_bytes() for path in files)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        FILE.replace(b"stages: [kindergarten]", b"stages: []"),
        FILE.replace(b"id: nursery", b"id: school-1"),
        FILE.replace(b"kindergarten", b"university"),
        FILE.replace(b"classes_from_grade_three: 4", b"classes_from_grade_three: -4"),
        FILE.replace(b", classes_from_grade_three: 4", b""),
        FILE + b"secret: 1\n",
    ],
)
def test_a_wrong_list_is_refused_with_its_place(served: Served, data: bytes) -> None:
    """A list with faults is not kept; the error names the file."""
    with pytest.raises(ConfigError) as caught:
        regions.write_region(served.backend.store, data, "region.yaml")
    assert "region.yaml" in str(caught.value)
    assert regions.stored_regions(served.backend.store) == []


def test_a_region_that_is_not_there(served: Served) -> None:
    """Reading or removing an unknown region says so; a removed one is gone."""
    store = served.backend.store
    for act in (regions.read_region, regions.remove_region):
        with pytest.raises(UsageError):
            act(store, "qiaocheng")
    add(served)
    regions.remove_region(store, "qiaocheng")
    assert regions.stored_regions(store) == []


@BOTH
def test_the_summary_sheet_of_annex_4(served: Served, agent: Speaker) -> None:
    """Number, school and what machines prove are filled in; what people state is left for them; no formula survives."""
    token = add(served)
    send(served, agent, judged("wuhan-2020", mbps="1000"))
    answer = served.http.get("/v1/regions/qiaocheng/wuhan-2020/sheet?format=csv", headers=bearer(token))
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [(row["编号"], row["学校"]) for row in rows] == [("1", "第一小学"), ("2", "'=第二小学")]
    assert all(row[name] == "" for row in rows for name in ("自评分", "区级评估结果", "联系人", "电话"))
    assert (rows[0]["总分"], rows[1]["机器已证实分"]) == ("100", "")
    sheet = served.http.get("/v1/regions/qiaocheng/wuhan-2020/sheet", headers=bearer(token)).json()
    assert sheet["rows"][1]["missing"] is True
    assert sheet["rows"][0]["proven"] == rows[0]["机器已证实分"]


def test_the_table_of_a_roll_up_names_the_schools(served: Served, agent: Speaker) -> None:
    """One row per criterion, with the schools behind it by name and clause headings in the language asked for."""
    add(served)
    send(served, agent, judged(mbps="500"))
    stored = regions.read_region(served.backend.store, "qiaocheng")
    for language, heading in (
        ("en", "Private education network, and the schools' bandwidth"),
        ("zh_CN", "教育专网与学校出口带宽"),
    ):
        text = result_csv(rolled(served), stored.region, language).decode("utf-8-sig")
        rows = {row["criterion"]: row for row in csv.DictReader(io.StringIO(text))}
        assert rows["schools-with-500"]["holds"] == "第一小学"
        assert rows["schools-with-500"]["missing"] == "'=第二小学"
        assert rows["schools-with-500"]["title"] == heading
        assert rows["education-network"]["holds"] == ""


def test_the_schools_behind_a_criterion_are_listed_whole(served: Served, agent: Speaker) -> None:
    """A district of hundreds of schools finds each of them in its table: no list is cut short."""
    add(served)
    send(served, agent, judged(mbps="500"))
    region = regions.read_region(served.backend.store, "qiaocheng").region
    many = tuple(f"school-{number}" for number in range(100, 400))
    result = rolled(served)
    lists = tuple(one.model_copy(update={"missing": many}) for one in result.schools)
    text = result_csv(result.model_copy(update={"schools": lists}), region, "en").decode("utf-8-sig")
    listed = [row["missing"] for row in csv.DictReader(io.StringIO(text)) if row["missing"]]
    assert listed
    assert set(listed) == {"; ".join(many)}


def test_the_bureaus_commands(tmp_path: Path, clock: HandClock) -> None:
    """The bureau adds a list, sees regions judged as JSON and CSV, and removes the list, beside a running server."""
    directory, file = tmp_path / "backend", tmp_path / "region.yaml"
    file.write_bytes(FILE)
    with serving(directory, clock) as served:
        agent = served.enrolled(tmp_path / "agent")
        send(served, agent, judged(mbps="500"))
        span = ["--since", "2026-01-01T00:00:00Z", "--until", NOW, "--directory", str(directory)]
        token = run("add", str(file), "--directory", str(directory)).strip()
        assert regions.may_read(regions.read_region(served.backend.store, "qiaocheng"), token)
        assert run("add", str(file), "--directory", str(directory)) == ""
        assert run("list", "--directory", str(directory)) == "qiaocheng\n"
        told = json.loads(run("assess", "qiaocheng", REGION, *span))
        assert told["assessment"]["standard"] == REGION
        assert "schools-with-500" in run("assess", "qiaocheng", REGION, *span, "--csv", "--lang", "en")
        assert json.loads(run("sheet", "qiaocheng", SCHOOL, *span))["rows"][0]["proven"] == "8"
        assert "第一小学" in run("sheet", "qiaocheng", SCHOOL, *span, "--csv")
        run("remove", "qiaocheng", "--directory", str(directory))
        assert run("list", "--directory", str(directory)) == ""


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["backend", "region", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output
