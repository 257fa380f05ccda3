"""What a teacher asks while the service runs: nothing has to be stopped, and what the service signed is uploaded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from agent.cli.operate import assess
from agent.model.evidence import EntryKind
from agent.runtime.assessment import WINDOW_DAYS
from tests.runtime.test_service import enrolled, logged, service, stopped
from tests.runtime.world import backend, free_tcp_port, school, token, until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Call
    from tests.runtime.world import School

COLLECTORS = ("identity", "neighbours", "lag", "ipv6")
STANDARD = "bozhou-school-2024"


def running_school(directory: Path, device: int, standard: str) -> School:
    """Return a school whose device is asked everything every two seconds, and that applies for a standard."""
    plan = "".join(f"  - {{collector: {name}, every_seconds: 2}}\n" for name in COLLECTORS)
    return school(directory, {"sw1": device}, every=2, more=f"{plan}applications: [{{standard: {standard}}}]\n")


def receipted(place: School, kind: EntryKind) -> bool:
    """Tell whether there is an entry of that kind with a receipt."""
    with place.journal() as journal:
        return any(journal.receipt(entry.sha256) for entry in journal.entries(kind=kind))


def test_the_score_of_a_school_whose_service_runs(tmp_path: Path, device: int, call: Call) -> None:
    """The service assesses and uploads by itself; meanwhile every command of a teacher answers, and signs nothing."""
    place, port = running_school(tmp_path, device, STANDARD), free_tcp_port()
    here = ("--campus", place.campus, "--state", place.state)
    bundle = tmp_path / "bundle.zip"
    with backend(tmp_path, port) as url:
        enrolled(place, url, token(tmp_path))
        with service(place, url) as (process, _):
            assert until(lambda: place.kinds()["run"] >= 1)
            done = call("assess", "--standard", "wuhan-2020", "--json", *here)
            assert done.code == 0, done.err
            assert "there is no signed assessment by these standards yet" in done.err
            assert until(lambda: receipted(place, EntryKind.ASSESSMENT), 90), logged(place)

            done = call("assess", "--standard", STANDARD, "--json", *here)
            assert done.code == 0, done.err
            assert done.err.count("\n") == 1
            (signed,) = (one for one in place.statements() if one.predicate.kind is EntryKind.ASSESSMENT)
            assert f"the last signed assessment by these standards is of {signed.predicate.time.finished}" in done.err
            shown = done.json()
            assert shown["window"]["until"] > signed.predicate.time.finished
            (tmp_path / "assess.json").write_text(done.out, encoding="utf-8")
            status = call("status", "--state", place.state, "--json").json()
            assert status["last assessment"] == signed.predicate.time.finished
            assert status["judged by"] == [STANDARD]
            assert status["daily assessment"].endswith(" done")

            for arguments in (
                ("bundle", "--output", bundle, "--state", place.state),
                ("verify", bundle),
                ("report", bundle, "--output", tmp_path / "report.html"),
                ("export", bundle, "--output", tmp_path / "sheet.csv"),
                ("export", tmp_path / "assess.json", "--campus", place.campus, "--output", tmp_path / "now.csv"),
                ("forms", bundle, "--output", tmp_path / "drafts"),
                ("what-if", bundle, "--by", "wuhan-2020"),
                ("journal", "check", "--state", place.state),
            ):
                done = call(*arguments)
                assert done.code == 0, (arguments, done.err)
            runs = place.kinds()["run"]
            assert until(lambda: place.kinds()["run"] > runs), "the service does not measure any more"
            assert stopped(process) == 0
    assert place.kinds()["assessment"] == 1, "what was asked beside the service must not be signed"
    assert "Traceback" not in logged(place)
    place.check_chain()
    findings = next(one for one in signed.subject if one.name == f"findings/{STANDARD}.json")
    with place.journal() as journal:
        first = json.loads(journal.get_blob(findings.digest.digest()))
    assert [one["clause"] for one in first["clauses"]] == [one["clause"] for one in shown["clauses"]]
    assert first["pack"] == shown["pack"]


def test_an_assessment_that_fails_does_not_stop_the_measuring(tmp_path: Path, device: int, call: Call) -> None:
    """The log and `status` say why; runs go on. Another school's campus file is refused beside the service, too."""
    place = running_school(tmp_path, device, "no-such-standard")
    with service(place) as (process, _):
        assert until(lambda: "there is no standard 'no-such-standard'" in logged(place), 90)
        runs = place.kinds()["run"]
        assert until(lambda: place.kinds()["run"] > runs)
        told = call("status", "--state", place.state)
        assert "; it cannot be judged: there is no standard 'no-such-standard'" in told.out
        other = tmp_path / "other.yaml"
        other.write_text(place.campus.read_text(encoding="utf-8").replace("school-1", "school-2"), encoding="utf-8")
        done = call("assess", "--standard", STANDARD, "--campus", other, "--state", place.state)
        assert done.code == 2
        assert "this campus file is of school 'school-2', but this agent's chain is of 'school-1'" in done.err
        assert stopped(process) == 0
    assert place.kinds()["assessment"] == 0
    assert "Traceback" not in logged(place)
    place.check_chain()


def test_a_command_looks_back_as_far_as_the_service() -> None:
    """Without --days, `assess` judges the window that the service judges."""
    days = next(default for default in assess.__defaults__ or () if "--days" in (default.param_decls or ()))
    assert days.default == WINDOW_DAYS
