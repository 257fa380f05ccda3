"""The score sheet: points proven, open and lost, why, and what to do next."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest

from agent.assess.derive.derived import Open
from agent.language import translator
from agent.model.base import Text
from agent.model.finding import Outcome, Reason
from agent.model.reading import Grade
from agent.report import ReportInput
from agent.report.form_lines import Material
from agent.report.oscal import assessment_results
from agent.report.score import Sheet, sheet
from agent.report.sheet_csv import score_sheet
from agent.report.steps import Steps
from agent.report.view import build
from tests.assess import rulebook as book
from tests.assess.rulebook import WIFI, clause, declared, figure, judged, paper, room

if TYPE_CHECKING:
    from agent.model.standard import Standard

VETO = {"id": "basic", "title": {"zh": "基础项", "en": "Basic items"}, "levels": ["four"]}
LEVEL = {"id": "four", "title": {"zh": "四星", "en": "Four stars"}}


def pack() -> Standard:
    """Four clauses: met, lost, open for a device and for a document."""
    share = book.criterion(
        "share",
        measure={
            "metric": WIFI,
            "subjects": "office",
            "unit": "1",
            "over_subjects": "share",
            "counted_if": {"kind": "holds"},
        },
        judge={"kind": "at-least", "threshold": "90"},
    )
    return book.standard(
        clause("1", "2", room("base", "classroom")),
        clause("2", "3", share, veto="basic"),
        clause("3", "4", room("lab", "laboratory")),
        clause("4", "1", paper("plan")),
        vetoes=[VETO],
        levels=[LEVEL],
        pass_mark="80",
    )


def made(language: str = "en", *more: object) -> Sheet:
    """The sheet of a school with one clause of each kind."""
    readings = [figure(WIFI, "classroom:a", "1")]
    readings += [figure(WIFI, f"office:{name}", value) for name, value in (("a", "1"), ("b", "0"))]
    still = {(WIFI, f"laboratory:{n}"): Open(Reason.REFUSED, "0", "1") for n in range(7)}
    standard = pack()
    found = judged(standard, [*readings, *more], still)  # type: ignore[list-item]
    return sheet(found, standard, language, translator(language))


def test_points_are_proven_open_or_lost() -> None:
    """Each clause says what it proves, what is open and what is lost, and the sums add up."""
    shown = made()
    assert [(row.result, row.proven, row.open, row.lost) for row in shown.rows] == [
        (Outcome.SATISFIED, "2", "0", "0"),
        (Outcome.NOT_SATISFIED, "0", "0", "3"),
        (Outcome.INCONCLUSIVE, "0", "4", "0"),
        (Outcome.INCONCLUSIVE, "0", "1", "0"),
    ]
    assert (shown.proven, shown.open, shown.lost, shown.judged, shown.total) == ("2", "5", "3", "10", "100")


def test_an_open_point_says_what_to_do_next() -> None:
    """The account for the devices that refused, a few by name; the declaration with its document."""
    _, lost, refused, wanted = (row.lines[0] for row in made().rows)
    assert lost.why.startswith("≥ 90\u00a0%; ")
    assert "met by 1" in lost.why
    assert "not met by 1" in lost.why
    assert refused.todo[0].startswith("Give the agent an account that may read these: laboratory 0,")
    assert refused.todo[0].endswith("… (+2)")
    assert wanted.todo[0] == "Declare made/plan in the campus file, with the document: Example"
    assert made().rows[0].lines[0].todo == ()


def test_a_step_names_what_its_reason_is_about() -> None:
    """Of listed and absent ones, those that are to be listed; where nothing is known, the kinds that are wanted."""
    standard = book.standard(clause("1", "1", room("each", "platform")))
    still = {(WIFI, "platform:province"): Open(Reason.NO_TARGET), (WIFI, "platform:city"): Open(Reason.REFUSED)}
    found = judged(standard, [figure(WIFI, "platform:national", "1")], still)
    finding = found.clauses[0].findings[0].model_copy(update={"reason": Reason.NO_TARGET})
    criterion = standard.indicators[0].criteria[0]
    told = Steps("made", "en", translator("en"))
    assert told.of(finding, criterion)[0] == "List in the campus file what is to be measured: platform province"
    blank = finding.model_copy(update={"observations": ()})
    assert told.of(blank, criterion)[0].endswith("what is to be measured: platform")


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_page_sheet_form_and_terminal_give_the_same_steps(language: str) -> None:
    """Nobody reads another next step because of where it is read: what the reason asks for, then the pack's advice."""
    standard = pack()
    still = {(WIFI, f"laboratory:{n}"): Open(Reason.NO_TARGET, "0", "1") for n in range(7)}
    found = judged(standard, [], still)
    lines = [line for row in sheet(found, standard, language, translator(language)).rows for line in row.lines]
    wanted = [line.todo for line in lines]
    assert max(map(len, wanted)) == 2
    given = ReportInput((found,), standards=(standard,))
    shown = [part.todo for one in build(given, language).assessments for told in one.clauses for part in told.findings]
    assert shown == wanted
    table = csv.reader(io.StringIO(score_sheet([found], {standard.id: standard}, language).decode("utf-8-sig")))
    assert [row[-1] for row in table][1:-1] == ["; ".join(todo).replace("\u00a0", " ") for todo in wanted]
    (result,) = json.loads(assessment_results(given, language))["assessment-results"]["results"]
    assert [one.get("remarks", "") for one in result["findings"]] == ["\n\n".join(todo) for todo in wanted]
    material = Material(given, language)
    assert [
        material.steps(finding, clause.clause, standard.id) for clause in found.clauses for finding in clause.findings
    ] == wanted


def test_what_rests_on_documents_is_told_apart() -> None:
    """A declared point is open, and the step is that a person accepts the document."""
    shown = made("en", declared("plan", "1"))
    assert (shown.open, shown.declared, shown.rows[3].declared) == ("5", "1", "1")
    assert shown.rows[3].lines[0].todo[0] == "A person must accept the document that was declared: Example"


def test_vetoes_and_the_pass_mark_are_remarks() -> None:
    """A breached veto names its clauses and the levels that it forbids."""
    assert made().remarks == ("VETO, Basic items (Four stars): not met: 2", "pass mark 80: undecided")


def test_every_reason_has_a_step() -> None:
    """Whatever the reason, the school reads what to do, with every place of the text filled."""
    standard = book.standard(clause("1", "1", room("each", "classroom")))
    for reason in Reason:
        found = judged(standard, [], {(WIFI, "classroom:a"): Open(reason, "0", "1")})
        (line,) = sheet(found, standard, "en", translator("en")).rows[0].lines
        assert line.todo
        assert "{" not in line.todo[0]


def test_a_sheet_without_its_pack_still_counts() -> None:
    """A reviewer who lacks a foreign pack sees ids and points."""
    standard = pack()
    found = judged(standard, [figure(WIFI, "classroom:a", "1", Grade.MEASURED)])
    shown = sheet(found, None, "en", translator("en"))
    assert (shown.title, shown.rows[0].lines[0].title, shown.proven) == ("made", "base", "2")


def test_texts_of_a_pack_cannot_act() -> None:
    """A control character in a title is made visible."""
    title = Text(zh="名\u202e称", en="na\u202eme")
    evil = book.standard(clause("1", "1", room("each", "classroom"))).model_copy(update={"title": title})
    assert sheet(judged(evil), evil, "en", translator("en")).title == "na<U+202E>me"
