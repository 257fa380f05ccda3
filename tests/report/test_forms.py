"""Application forms: what is proven, declared, missing and left to people, in real forms over real judgements."""

from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from docx import Document
from docx.oxml.ns import qn

from agent.assess.regions import roll_up
from agent.errors import ConfigError
from agent.model.campus import Application, Campus, Declaration, Headcount, School
from agent.model.finding import ClauseResult, Finding, Outcome, Reason
from agent.model.reading import Grade
from agent.packs.forms import load_forms, parse_form, unknown_names
from agent.packs.load import config_directory, load_standards
from agent.report import CheckLine, ReportInput
from agent.report.docx import BODY, draft
from agent.report.form_lines import Line, Mark, Material
from agent.report.forms import FilledForm, filled
from tests.packs.bozhou_schools import METRICS, REGION, SCHOOL, SOURCE, YEAR, a_school, accepted, judged, region

if TYPE_CHECKING:
    from pathlib import Path

    from agent.model.standard import Standard

FORMS = load_forms(config_directory())
ANNEX_3, ANNEX_4 = FORMS["bozhou-2024-annex-3"], FORMS["bozhou-2024-annex-4"]
AT = "2026-11-01T00:00:00Z"


@cache
def packs() -> dict[str, Standard]:
    """Return the shipped standards, read once."""
    return {name: pack.value for name, pack in load_standards(config_directory(), METRICS).items()}


def count(stage: str, *, students: int = 900, expires: str | None = None, **more: Any) -> Headcount:
    """Return a headcount that somebody declared."""
    fields = {"stage": stage, "students": students, "teachers": 80, "classes": 20, "by": "教务处", "at": AT}
    return Headcount.model_validate({**fields, "why": "学籍", "expires": expires, **more})


def campus(*counts: Headcount, **more: Any) -> Campus:
    """Return a school of the stages that the headcounts have."""
    stages = tuple(one.stage for one in counts)
    school = School(id="school-1", name="谯城区第一小学", stages=stages)
    return Campus(version="1", school=school, headcounts=counts, **more)


def material(place: Campus | None = None, language: str = "en", **found: Any) -> Material:
    """Return a school judged by the shipped pack from a few figures."""
    given = ReportInput(
        assessments=(judged(**found),),
        campus=place,
        standards=(SCHOOL.value,),
        bundle="sha256:" + "b" * 64,
        bundle_name="bundle.zip",
    )
    return Material(given, language)


def field(form: FilledForm, label: str) -> tuple[Line, ...]:
    """Return the lines right of a label."""
    for block in form.blocks:
        for row in block.rows:
            for at, cell in enumerate(row[:-1]):
                if cell.lines[0].text == label:
                    return row[at + 1].lines
    raise AssertionError(label)


def only(form: FilledForm, label: str) -> Line:
    """Return the one line right of a label."""
    (line,) = field(form, label)
    return line


def test_the_shipped_forms_name_nothing_that_is_not_there() -> None:
    """Every section, clause and criterion that a form is filled from is in the shipped standards."""
    standards = packs()
    assert {form.standard for form in FORMS.values()} == {
        "wuhan-2020",
        "ningxia",
        "bozhou-school-2024",
        "bozhou-region-2024",
    }
    assert {form.id: unknown_names(form, standards) for form in FORMS.values()} == {name: [] for name in FORMS}


@pytest.mark.parametrize(
    ("fill", "unknown"),
    [
        ("{kind: points, section: nowhere}", "bozhou-school-2024 nowhere"),
        ("{kind: answer, clause: '99', show: yes-no}", "bozhou-school-2024 99"),
        ("{kind: answer, clause: '1.1', criterion: nothing}", "bozhou-school-2024 1.1 nothing"),
        ("{kind: answer, standard: other, clause: '1.1', criterion: nothing}", "other"),
    ],
)
def test_a_form_that_names_what_is_not_there_is_found(fill: str, unknown: str) -> None:
    """A typing error in a form never becomes an empty field in silence."""
    form = parse_form(source(fill), "form.yaml")
    assert unknown_names(form, {"bozhou-school-2024": SCHOOL.value}) == [unknown]


def source(fill: str, widths: str = "[1]") -> bytes:
    """Return a form of one field."""
    text = "{zh: 表, en: form}"
    head = f"id: f\nstandard: bozhou-school-2024\ntitle: {text}\nsource: {text}\nblocks:\n  - widths: {widths}\n"
    return f"{head}    rows: [{{cells: [{{fill: {fill}}}]}}]\n".encode()


@pytest.mark.parametrize(
    ("fill", "widths"),
    [
        ("{kind: person}", "[1, 2]"),
        ("{kind: guess}", "[1]"),
        ("{kind: answer, clause: '1.1'}", "[1]"),
        ("{kind: count, of: teachers, colour: red}", "[1]"),
    ],
)
def test_a_wrong_form_is_refused_with_its_file(fill: str, widths: str) -> None:
    """Rows that do not fit, unknown kinds and keys, and a value of no criterion are errors with file and line."""
    with pytest.raises(ConfigError, match=r"form\.yaml:\d+"):
        parse_form(source(fill, widths), "form.yaml")


def test_what_is_measured_is_proven_and_says_its_grade() -> None:
    """The bandwidth of annex 4 is the figure that was judged, in the form's unit."""
    line = only(filled(ANNEX_4, material(mbps="500")), "Access bandwidth")
    assert line == Line("500 M 〔corroborated〕", Mark.PROVEN)


def test_smart_classrooms_are_counted_and_the_share_is_the_judged_one() -> None:
    """Nine of twenty-five classes: the count and 36 %, both proven."""
    form = filled(ANNEX_4, material(smart=(9, 16)))
    assert only(form, "Smart classrooms") == Line("9 rooms 〔corroborated〕", Mark.PROVEN)
    assert only(form, "Share of smart classrooms (from grade three up)").text.startswith("36\u00a0%")


def test_headcounts_are_declared_with_who_and_when() -> None:
    """What people state is never shown as measured."""
    form = filled(ANNEX_4, material(campus(count("junior"), count("senior", students=100))))
    assert only(form, "Students") == Line("1000 people 〔declared: 教务处 2026-11-01〕", Mark.DECLARED)
    assert only(form, "Of these from grade three up").text.startswith("40 classes")


@pytest.mark.parametrize(
    "place",
    [
        None,
        campus(),
        campus(count("junior", expires="2026-11-02T00:00:00Z")),
        Campus(
            version="1", school=School(id="s", name="s", stages=("primary", "junior")), headcounts=(count("junior"),)
        ),
    ],
)
def test_a_figure_that_is_not_whole_is_missing(place: Campus | None) -> None:
    """No campus file, no headcount, an expired one, one stage of two: an empty field that says so, never a part sum."""
    line = only(filled(ANNEX_4, material(place)), "Students")
    assert line.mark is Mark.MISSING
    assert not any(character.isdigit() for character in line.text)


def test_classes_from_grade_three_of_primary_must_be_stated() -> None:
    """A primary school's classes of grades one and two are not guessed away."""
    label = "Of these from grade three up"
    assert only(filled(ANNEX_4, material(campus(count("primary")))), label).mark is Mark.MISSING
    stated = campus(count("primary", classes_from_grade_three=12), count("kindergarten"))
    assert only(filled(ANNEX_4, material(stated)), label).text.startswith("12 classes")


def test_what_another_standard_answers_asks_for_it() -> None:
    """The ratios of annex 4 come from a clause of another standard; without it the field says which."""
    line = only(filled(ANNEX_4, material()), "Students per computer")
    assert line == Line("【missing】judge by wuhan-2020 as well", Mark.MISSING)


def test_a_question_without_proof_stays_open_and_says_what_to_do() -> None:
    """Neither yes nor no is ticked, and the pack's own remedy stands beside it."""
    boxes, missing = field(filled(ANNEX_4, material()), "Rules for management, training, use and review")
    assert boxes == Line("yes ☐  no ☐", Mark.MISSING)
    part = next(one for one in SCHOOL.value.indicators if one.id == "2.1").criteria[0]
    assert part.remedy.en.split()[0] in missing.text


@pytest.mark.parametrize(
    ("finding", "expected"),
    [
        ({"outcome": "satisfied", "grade": "measured"}, Line("yes ☑  no ☐ 〔measured〕", Mark.PROVEN)),
        ({"outcome": "not-satisfied", "grade": "reported"}, Line("yes ☐  no ☑ 〔reported〕", Mark.PROVEN)),
        (
            {"outcome": "inconclusive", "reason": "weak-proof", "grade": "declared", "value": "1"},
            Line("yes ☑  no ☐ 〔declared〕", Mark.DECLARED),
        ),
        (
            {"outcome": "inconclusive", "reason": "weak-proof", "grade": "declared", "value": "0"},
            Line("yes ☐  no ☑ 〔declared〕", Mark.DECLARED),
        ),
        ({"outcome": "satisfied", "grade": "declared", "value": "1"}, Line("yes ☑  no ☐ 〔declared〕", Mark.DECLARED)),
    ],
)
def test_questions(finding: dict[str, str], expected: Line) -> None:
    """Yes and no are ticked by what was found; the school's word alone is yellow whatever it says."""
    made = Finding(
        criterion="usage-rules",
        outcome=Outcome(finding["outcome"]),
        reason=Reason(finding["reason"]) if "reason" in finding else None,
        grade=Grade(finding["grade"]),
        value=finding.get("value"),
    )
    base = material()
    first = base.given.assessments[0]
    clauses = tuple(
        one.model_copy(update={"findings": (made,), "outcome": made.outcome}) if one.clause == "2.1" else one
        for one in first.clauses
    )
    given = replace(base.given, assessments=(first.model_copy(update={"clauses": clauses}),))
    form = filled(ANNEX_4, replace(base, given=given))
    assert only(form, "Rules for management, training, use and review") == expected


def test_a_contradicted_figure_is_not_proven() -> None:
    """A value that another source contradicts is shown, as what it is."""
    base = material(mbps="500")
    first = base.given.assessments[0]

    def doubted(clause: ClauseResult) -> ClauseResult:
        changed = {"outcome": Outcome.INCONCLUSIVE, "reason": Reason.CONTRADICTED}
        findings = tuple(one.model_copy(update=changed) for one in clause.findings)
        return clause.model_copy(update={**changed, "findings": findings})

    clauses = tuple(doubted(one) if one.clause == "1.1" else one for one in first.clauses)
    given = replace(base.given, assessments=(first.model_copy(update={"clauses": clauses}),))
    lines = field(filled(ANNEX_4, replace(base, given=given)), "Access bandwidth")
    assert {line.mark for line in lines} == {Mark.MISSING}
    assert lines[0].text == "so far 500 M"


def test_reasons_list_every_clause_and_who_declared() -> None:
    """The machine's account has each clause of its section; a declaration has its person, day and reason."""
    stated = Declaration(value="1", by="校长", at=AT, why="制度汇编")
    place = campus(count("junior"), declarations={"bozhou-school-2024/usage-rules": stated})
    base = material(place, mbps="500")
    first = base.given.assessments[0]
    finding = Finding(
        criterion="usage-rules", outcome=Outcome.INCONCLUSIVE, reason=Reason.WEAK_PROOF, grade=Grade.DECLARED, value="1"
    )
    changed = {"findings": (finding,), "points_declared": "2"}
    clauses = tuple(one.model_copy(update=changed) if one.clause == "2.1" else one for one in first.clauses)
    given = replace(base.given, assessments=(first.model_copy(update={"clauses": clauses}),))
    lines = field(filled(ANNEX_4, replace(base, given=given)), "Infrastructure (what the machine found)")
    texts = "\n".join(line.text for line in lines)
    inside = [one for one in SCHOOL.value.indicators if one.section in {"1", "2", "3"} and not one.outside]
    assert all(f"{one.id} {one.title.en}" in texts for one in inside)
    assert any("校长, 2026-11-01, 制度汇编" in line.text and line.mark is Mark.DECLARED for line in lines)
    assert next(line for line in lines if line.text.startswith("2.1 ")).mark is Mark.DECLARED
    assert next(line for line in lines if line.text.startswith("1.1 ")).mark is Mark.PROVEN


def test_own_scores_add_up_to_the_points_of_their_sections() -> None:
    """Proven, declared, open, lost and what people fill in come to the points that the form prints."""
    standards = packs()
    for form in (FORMS["wuhan-2020-annex-3"], FORMS["ningxia-recognition"]):
        pack = standards[form.standard]
        given = ReportInput(assessments=(judged(form.standard),), standards=(pack,))
        done = filled(form, Material(given, "en"))
        for block, shown in zip(form.blocks, done.blocks, strict=True):
            for row, drawn in zip(block.rows, shown.rows, strict=True):
                for cell, answer in zip(row.cells, drawn, strict=True):
                    if cell.fill is None or cell.fill.kind != "points":
                        continue
                    wanted = next((s.points for s in pack.sections if s.id == cell.fill.section), pack.total)
                    parts = [line.text.rpartition(" ")[2] for line in answer.lines]
                    assert sum(map(float, parts)) == float(wanted), (form.id, cell.fill.section)


def test_the_stars_applied_for() -> None:
    """The level is the campus file's; without it the field says where it goes."""
    pack = packs()["ningxia"]
    level = pack.levels[3]
    place = campus(count("junior"), applications=(Application(standard="ningxia", level=level.id),))
    for given_campus, mark, text in ((place, Mark.DECLARED, level.title.en), (campus(), Mark.MISSING, "applications")):
        given = ReportInput(assessments=(judged("ningxia"),), standards=(pack,), campus=given_campus)
        line = only(filled(FORMS["ningxia-recognition"], Material(given, "en")), "Stars applied for")
        assert line.mark is mark
        assert text in line.text


def test_a_regions_form_counts_schools_by_their_highest_stage() -> None:
    """A nine-year school is a junior one, kindergartens are none; shares come from the roll-up."""
    place = region("fast", a_school("nine", "primary", "junior", classes=6), a_school("nursery", "kindergarten"))
    schools = {"fast": accepted("fast", mbps="1000"), "nine": accepted("nine", mbps="500")}
    result = roll_up(REGION.value, REGION.digest, place, SOURCE, schools, metrics=METRICS, window=YEAR)
    given = ReportInput(assessments=(result.assessment,), standards=(REGION.value,))
    form = filled(ANNEX_3, Material(given, "en", place))
    assert only(form, "Junior schools").text.startswith("1 schools")
    assert only(form, "Senior schools").text.startswith("0 schools")
    gigabit = only(form, "Schools with gigabit access")
    assert gigabit.mark is Mark.PROVEN
    assert gigabit.text.startswith("50\u00a0%")
    assert only(form, "Primary students").mark is Mark.PERSON


def test_a_draft_of_evidence_that_does_not_hold_says_so() -> None:
    """Nobody files a form whose bundle fails without having read it."""
    base = material()
    broken = replace(base.given, checks=(CheckLine("signature/1", ok=False),))
    assert any("NOT hold" in text for text in filled(ANNEX_4, replace(base, given=broken)).footer)
    assert not any("NOT hold" in text for text in filled(ANNEX_4, base).footer)


def test_the_document_has_the_forms_words_chinese_fonts_and_marks() -> None:
    """Word finds each line in its cell, an East Asian font on each run, and a background on what is not a label."""
    form = filled(ANNEX_4, material(campus(count("junior")), "zh_CN", mbps="500"))
    document = Document(io.BytesIO(draft(form)))
    texts = [[cell.text for cell in row.cells] for table in document.tables for row in table.rows]
    assert texts[0][:2] == ["申报单位（盖章）", "谯城区第一小学"]
    assert len(document.tables) == len(form.blocks)
    runs = [run for table in document.tables for cell in table._cells for part in cell.paragraphs for run in part.runs]
    assert {run._r.rPr.rFonts.get(qn("w:eastAsia")) for run in runs} == {BODY}
    shades = {run.text: run._r.rPr.find(qn("w:shd")) for run in runs}
    for line in form.lines():
        assert (shades[line.text] is None) == (line.mark is Mark.LABEL)


def test_every_line_is_in_the_document_once() -> None:
    """Merged cells neither lose a line nor repeat it, and leave no empty paragraph."""
    for form in FORMS.values():
        done = filled(form, Material(ReportInput(assessments=()), "zh_CN"))
        document = Document(io.BytesIO(draft(done)))
        body = [part.text for part in document.element.body.iter(qn("w:p")) for part in [_Text(part)]]
        assert all(body)
        assert sorted(set(body)) == sorted({*(line.text for line in done.lines()), *_around(done)})
        assert len(body) == sum(1 for _ in done.lines()) + len(_around(done))


class _Text:
    """The text of a paragraph element."""

    def __init__(self, element: Any) -> None:
        self.text = "".join(part.text or "" for part in element.iter(qn("w:t")))


def _around(form: FilledForm) -> list[str]:
    headings = [block.heading for block in form.blocks if block.heading]
    return [form.title, form.source, *(line.text for line in form.legend), *headings, *form.footer]


def test_the_same_judgement_gives_the_same_bytes() -> None:
    """Nothing in the file tells when it was made: it is dated by the window's end."""
    made = [draft(filled(ANNEX_4, material(campus(count("junior"))))) for _ in range(2)]
    assert made[0] == made[1]
    with zipfile.ZipFile(io.BytesIO(made[0])) as file:
        assert {entry.date_time for entry in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert judged().window.until[:10].encode() in file.read("docProps/core.xml")


def test_a_name_that_no_document_may_hold() -> None:
    """Controls and bidi marks of a name are written out, so that the XML stays whole and the page says what it says."""
    place = campus(count("junior")).model_copy(update={"school": School(id="s", name="a\x00b\u202ec<w:t>")})
    form = filled(ANNEX_4, material(place))
    assert only(form, "Applicant (seal)").text == "a<U+0000>b<U+202E>c<w:t>"
    assert "c<w:t>" in Document(io.BytesIO(draft(form))).tables[0].rows[0].cells[1].text


@pytest.mark.long
@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_libreoffice_opens_every_draft(tmp_path: Path) -> None:
    """Each form becomes a PDF."""
    for form in FORMS.values():
        path = tmp_path / f"{form.id}.docx"
        path.write_bytes(draft(filled(form, Material(ReportInput(assessments=()), "zh_CN"))))
        command = ("soffice", f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}", "--headless")
        done = subprocess.run(
            (*command, "--convert-to", "pdf", "--outdir", str(tmp_path), str(path)),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert path.with_suffix(".pdf").read_bytes().startswith(b"%PDF"), done.stderr
