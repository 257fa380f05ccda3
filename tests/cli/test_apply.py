"""Export, forms and what-if as a person calls them: over a real bundle, over printed assessments, over readings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from docx import Document

from agent.assess.regions import roll_up
from agent.evidence.bundle import read_bundle
from tests.packs.bozhou_schools import METRICS, REGION, SOURCE, YEAR, accepted, figures, judged, region

if TYPE_CHECKING:
    from tests.cli.conftest import Call

TAMPERED = Path(__file__).parents[1] / "tampered"
BUNDLE, TRUST = TAMPERED / "base.zip", TAMPERED / "trust"
FORGED = TAMPERED / "receipt_dated_back.zip"
PACK = "bozhou-school-2024"


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the pack that the bundle was judged by, as a file."""
    contents = read_bundle(BUNDLE.read_bytes())
    found = next(data for data in contents.blobs.values() if f"id: {PACK}\n".encode() in data)
    path = tmp_path_factory.mktemp("packs") / "signed.yaml"
    path.write_bytes(found)
    return path


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what `assess --json` prints of a school."""
    path = tmp_path_factory.mktemp("printed") / "assess.json"
    path.write_text(json.dumps(judged(mbps="500").to_json()), encoding="utf-8")
    return path


def test_a_bundle_becomes_oscal_whose_links_lead_into_it(call: Call, tmp_path: Path) -> None:
    """The results of a verified bundle cite files that the bundle holds, by their digests."""
    done = call("export", BUNDLE, "--trust", TRUST, "--format", "oscal", "-o", tmp_path / "oscal.json")
    assert (done.code, done.err) == (0, "")
    resources = json.loads((tmp_path / "oscal.json").read_bytes())["assessment-results"]["back-matter"]["resources"]
    blobs = read_bundle(BUNDLE.read_bytes()).blobs
    links = [link for one in resources for link in one["rlinks"] if link["href"].startswith("blobs/")]
    assert links
    assert all("sha256:" + link["hashes"][0]["value"] in blobs for link in links)
    assert all(link["href"] == "blobs/sha256/" + link["hashes"][0]["value"] for link in links)


def test_printed_assessments_are_enough(call: Call, printed: Path, tmp_path: Path) -> None:
    """Without a bundle there is a sheet all the same, of the standards that are asked for."""
    done = call("export", printed, "--standard", PACK, "-o", tmp_path / "sheet.csv", "--lang", "en")
    assert done.code == 0
    assert b"Bandwidth" in (tmp_path / "sheet.csv").read_bytes()
    done = call("export", printed, "--standard", "wuhan-2020", "-o", tmp_path / "other.csv")
    assert done.code == 2
    assert PACK in done.err
    assert not (tmp_path / "other.csv").exists()


def test_forms_of_a_bundle_that_does_not_hold(call: Call, tmp_path: Path) -> None:
    """The draft of a forged bundle says so on the page, on the terminal, and by 1."""
    done = call("forms", FORGED, "--trust", TRUST, "-o", tmp_path / "bad", "--lang", "en")
    assert done.code == 1
    assert "does NOT hold" in done.err
    texts = [part.text for part in Document(str(tmp_path / "bad" / "bozhou-2024-annex-4.docx")).paragraphs]
    assert any("does NOT hold" in text for text in texts)


def test_a_draft_that_people_completed_stays(call: Call, tmp_path: Path) -> None:
    """The same draft again is no matter; one that differs from what is there stays, all of them, until --replace."""
    drafts = tmp_path / "drafts"
    write = ("forms", BUNDLE, "--trust", TRUST, "-o", drafts)
    assert [call(*write).code, call(*write).code] == [0, 0]
    path = drafts / "bozhou-2024-annex-4.docx"
    made = path.read_bytes()
    document = Document(str(path))
    document.add_paragraph("校长意见：同意申报")
    document.save(str(path))
    completed = path.read_bytes()
    done = call(*write, "--lang", "en")
    assert (done.code, done.out) == (2, "")
    assert path.name in done.err
    assert "--replace" in done.err
    assert path.read_bytes() == completed
    assert call(*write, "--replace").code == 0
    assert path.read_bytes() == made


@pytest.mark.parametrize("command", ["export", "report"])
def test_a_slip_of_the_hand_costs_no_file(call: Call, tmp_path: Path, command: str) -> None:
    """What is made anew replaces what was made, and never the bundle, the campus file or a key."""
    output = tmp_path / "out"
    assert [call(command, BUNDLE, "--trust", TRUST, "-o", output).code for _ in range(2)] == [0, 0]
    for other in (BUNDLE.read_bytes(), b"version: '1'\n", b"-----BEGIN PRIVATE KEY-----\n"):
        output.write_bytes(other)
        done = call(command, BUNDLE, "--trust", TRUST, "-o", output)
        assert done.code == 2
        assert str(output) in done.err
        assert output.read_bytes() == other


def test_the_form_of_a_region(call: Call, tmp_path: Path) -> None:
    """What the backend prints of a region, and the region file, give annex 3."""
    place = region("fast", "slow")
    schools = {"fast": accepted("fast", mbps="1000"), "slow": accepted("slow", mbps="100")}
    result = roll_up(REGION.value, REGION.digest, place, SOURCE, schools, metrics=METRICS, window=YEAR)
    (tmp_path / "result.json").write_text(json.dumps(result.to_json()), encoding="utf-8")
    (tmp_path / "region.yaml").write_text(json.dumps(place.to_json()), encoding="utf-8")
    done = call("forms", tmp_path / "result.json", "--region", tmp_path / "region.yaml", "-o", tmp_path / "out")
    assert (done.code, done.err) == (0, "")
    document = Document(str(tmp_path / "out" / "bozhou-2024-annex-3.docx"))
    assert any("50\u00a0%" in cell.text for table in document.tables for cell in table._cells)
    done = call("forms", tmp_path / "result.json", "-o", tmp_path / "out")
    assert done.code == 2
    assert "--region" in done.err


def test_what_if_by_another_version(call: Call, pack: Path, tmp_path: Path) -> None:
    """A band that gives a point more wins that point; no other clause of the evidence differs."""
    text = pack.read_text(encoding="utf-8")
    reached = "{ at_least: 400, points: 6 }"
    assert text.count(reached) == 1
    other = tmp_path / "other.yaml"
    other.write_text(text.replace(reached, "{ at_least: 400, points: 7 }"), encoding="utf-8")
    done = call("what-if", BUNDLE, "--trust", TRUST, "--by", other, "--json")
    assert (done.code, done.err) == (0, "")
    told = json.loads(done.out)
    assert (told["differing"], told["clauses"][0]["clause"], told["gain"]) == (1, "1.1", "1")


def test_what_if_of_readings(call: Call, tmp_path: Path) -> None:
    """A file of readings is judged by both; what to compare with has to be said."""
    lines = b"".join(one.to_bytes() + b"\n" for one in figures(mbps="1000"))
    (tmp_path / "readings.jsonl").write_bytes(lines)
    done = call("what-if", tmp_path / "readings.jsonl", "--by", PACK)
    assert done.code == 2
    assert "--then" in done.err
    other = ("--by", PACK, "--then", "ningxia", "--json")
    done = call("what-if", tmp_path / "readings.jsonl", *other)
    assert (done.code, done.err) == (0, "")
    told = json.loads(done.out)
    assert (told["then"]["standard"], told["now"]["standard"]) == ("ningxia", PACK)
    assert all((one["then"] is None) != (one["now"] is None) for one in told["clauses"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("what-if", BUNDLE, "--by", "nothing"), "nothing"),
        (("forms", BUNDLE, "--form", "nothing", "-o", "never"), "nothing"),
        (("export", Path(__file__), "-o", "never"), "not valid JSON"),
        (("report", Path(__file__), "-o", "never"), "no bundle"),
    ],
)
def test_what_cannot_be_done_is_said(call: Call, arguments: tuple[object, ...], words: str) -> None:
    """One line on standard error, and 2; never a traceback."""
    done = call(*arguments)
    assert done.code == 2
    assert words in done.err
    assert len(done.err.splitlines()) == 1
    assert not Path("never").exists()
