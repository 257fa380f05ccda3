"""OSCAL assessment-results: whole, linked, the same every time, and valid where a validator is at hand."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agent.clock import parse_time
from agent.report.oscal import OSCAL_VERSION, assessment_results
from tests.report import sample

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[45][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
TOKEN = re.compile(r"[A-Za-z_][A-Za-z0-9._-]*")


def document(language: str = "zh_CN", **changes: Any) -> dict[str, Any]:
    """Return the sample's results, parsed."""
    parsed = json.loads(assessment_results(replace(sample.report(), **changes), language))
    found: dict[str, Any] = parsed["assessment-results"]
    return found


def walk(value: object) -> Iterator[tuple[str, object]]:
    """Yield every key with its value, however deep."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield key, item
            yield from walk(item)
    elif isinstance(value, list):
        for item in value:
            yield from walk(item)


def test_everything_that_is_required_is_there() -> None:
    """What the OSCAL 1.1 model requires of each part, and the spellings that it allows."""
    found = document()
    assert found["metadata"]["oscal-version"] == OSCAL_VERSION == "1.1.3"
    assert {"title", "last-modified", "version"} <= set(found["metadata"])
    for result in found["results"]:
        assert {"uuid", "title", "description", "start", "reviewed-controls", "findings"} <= set(result)
        for one in result["observations"]:
            assert {"uuid", "description", "methods", "collected"} <= set(one)
            assert set(one["methods"]) <= {"EXAMINE", "INTERVIEW", "TEST"}
            assert parse_time(one["collected"]).tzinfo is not None
        for one in result["findings"]:
            assert {"uuid", "title", "description", "target"} <= set(one)
            assert one["target"]["type"] == "objective-id"
            assert one["target"]["status"]["state"] in {"satisfied", "not-satisfied"}
            assert one["target"]["status"]["reason"] in {"pass", "fail", "other"}
    for key, value in walk(found):
        assert value not in ("", [], {}), key
        if key in {"uuid", "observation-uuid"}:
            assert UUID.fullmatch(str(value))
        if key in {"control-id", "target-id", "name"}:
            assert TOKEN.fullmatch(str(value)), value


def test_every_link_leads_somewhere() -> None:
    """Each finding names observations of its result, each evidence link a resource with a SHA-256 of 64 digits."""
    found = document()
    resources = {one["uuid"]: one for one in found["back-matter"]["resources"]}
    links = [str(value) for key, value in walk(found) if key == "href" and str(value).startswith("#")]
    assert found["import-ap"]["href"] in links
    assert {link[1:] for link in links} == set(resources)
    for result in found["results"]:
        observed = {one["uuid"] for one in result["observations"]}
        named = {one["observation-uuid"] for item in result["findings"] for one in item.get("related-observations", [])}
        assert named == observed
    kept = {one.path for one in sample.report().exchanges.values()}
    hrefs = {link["href"] for one in resources.values() for link in one["rlinks"]}
    assert hrefs & kept


def test_what_is_open_is_neither_passed_nor_failed() -> None:
    """OSCAL has two states; the third, and why, stand beside them."""
    findings = [one for result in document("en")["results"] for one in result["findings"]]
    by_outcome = {
        next(prop["value"] for prop in one["props"] if prop["name"] == "outcome"): one["target"]["status"]
        for one in findings
    }
    assert by_outcome["inconclusive"] == {"state": "not-satisfied", "reason": "other"}
    assert by_outcome["satisfied"] == {"state": "satisfied", "reason": "pass"}


def test_the_same_input_gives_the_same_bytes_and_another_bundle_other_names() -> None:
    """Names are made of digests: nothing random, and two bundles never share the name of a result."""
    given = sample.report()
    assert assessment_results(given, "zh_CN") == assessment_results(sample.report(), "zh_CN")
    other = document(bundle="sha256:" + "7" * 64)
    assert document()["uuid"] != other["uuid"]
    assert document()["results"][0]["uuid"] != other["results"][0]["uuid"]


def test_no_two_parts_share_a_name() -> None:
    """Every UUID is of one thing."""
    found = document()
    names = [str(value) for key, value in walk(found) if key == "uuid"]
    assert len(names) == len(set(names))


def test_clauses_whose_numbers_are_no_tokens() -> None:
    """`（三）/2` becomes a control id that OSCAL allows, and another clause another one."""
    given = sample.report()
    first = given.assessments[0]
    renamed = [
        clause.model_copy(update={"clause": name})
        for clause, name in zip(first.clauses, ("（三）/2", "2 2"), strict=False)
    ]
    found = document(assessments=(first.model_copy(update={"clauses": tuple(renamed)}),))
    ids = [
        one["control-id"]
        for one in found["results"][0]["reviewed-controls"]["control-selections"][0]["include-controls"]
    ]
    assert len(set(ids)) == 2
    assert all(TOKEN.fullmatch(one) for one in ids)


@pytest.mark.skipif(shutil.which("trestle") is None, reason="compliance-trestle is not installed (pipx install it)")
@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_trestle_accepts_it(tmp_path: Path, language: str) -> None:
    """NIST's model as compliance-trestle has it, and all of its validators."""
    (tmp_path / "given.json").write_bytes(assessment_results(sample.report(), language))
    work = tmp_path / "work"
    work.mkdir()
    for arguments in (
        ("init", "--local"),
        ("import", "-f", str(tmp_path / "given.json"), "-o", "school"),
        ("validate", "-f", "assessment-results/school/assessment-results.json"),
    ):
        done = subprocess.run(
            ("trestle", *arguments), cwd=work, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr
