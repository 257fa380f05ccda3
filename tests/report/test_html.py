"""The page: self-contained, deterministic, inert, complete, and readable by people and machines."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as forall
from hypothesis import strategies as st

from agent.model.exchange import SnmpColumn, SnmpTable, VarBinds
from agent.model.reading import Grade
from agent.report import CheckLine, KeptExchange, ReportInput, RunLine, render
from agent.report.text import visible
from agent.report.view import build
from tests.report import sample

HERE = Path(__file__).parent
GOLDEN = HERE / "golden"

VOID = {"meta", "rect", "line", "circle", "path", "br", "img", "link", "input", "base"}


class Page(HTMLParser):
    """A page taken apart: tags with attributes, text, ids and links; unbalanced tags are an error."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def all(self, name: str) -> list[str]:
        return [value for _, attrs in self.tags if (value := attrs.get(name)) is not None]

    @property
    def shape(self) -> list[tuple[str, list[str]]]:
        return [(tag, sorted(attrs)) for tag, attrs in self.tags]


@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_golden_page(language: str) -> None:
    """The page of a known input is known to the byte; `UPDATE_GOLDEN=1` rewrites it after a wanted change."""
    page = re.sub(r"campus-agent \d+\.\d+\.\d+", "campus-agent VERSION", render(sample.report(), language))
    golden = GOLDEN / f"page.{language}.html"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(page, encoding="utf-8")
    assert page == golden.read_text(encoding="utf-8")


def test_same_bytes_in_another_process() -> None:
    """Hash seeds, locale and time zone of the machine change nothing."""
    code = (
        "import importlib.util as u, sys, hashlib\n"
        f"s = u.spec_from_file_location('report_sample', {str(HERE / 'sample.py')!r})\n"
        "m = u.module_from_spec(s); sys.modules['report_sample'] = m; s.loader.exec_module(m)\n"
        "from agent.report import render\n"
        "print(hashlib.sha256(render(m.report()).encode()).hexdigest())\n"
    )
    wanted = hashlib.sha256(render(sample.report()).encode()).hexdigest()
    for seed, zone in (("1", "Asia/Shanghai"), ("2", "America/New_York")):
        environ = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": "C"}
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60, env=environ
        )
        assert done.stdout.strip() == wanted


@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_the_page_is_self_contained(language: str) -> None:
    """No script, no request, no inline style attribute; the policy allows this one style sheet and nothing else."""
    page = render(sample.report(), language)
    parsed = Page(page)
    tags = {tag for tag, _ in parsed.tags}
    assert not tags & {"script", "link", "img", "iframe", "object", "embed", "form", "base", "audio", "video"}
    assert all(link.startswith("#") for link in parsed.all("href"))
    assert not parsed.all("src")
    assert not parsed.all("style")
    assert not [name for _, attrs in parsed.tags for name in attrs if name.startswith("on")]
    assert "@import" not in page
    style = page.partition("<style>")[2].partition("</style>")[0]
    fingerprint = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    (policy,) = [
        attrs["content"] or "" for _, attrs in parsed.tags if attrs.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy.startswith("default-src 'none'; ")
    assert f"style-src 'sha256-{fingerprint}'" in policy
    assert all(found.startswith("#") for found in re.findall(r"url\(([^)]*)\)", page))


def check_links(parsed: Page) -> None:
    """Assert that ids are unique and that every link leads to one of them."""
    ids = parsed.all("id")
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in parsed.all("href")} <= set(ids)


def test_links_lead_somewhere() -> None:
    """Every link is an anchor of this page that exists once."""
    check_links(Page(render(sample.report())))


def test_every_number_leads_to_raw_exchanges() -> None:
    """Each observed value is a link to an exchange, each cited exchange is shown with digest, time and place."""
    given = sample.report()
    page = render(given, "en")
    for assessment in given.assessments:
        for clause in assessment.clauses:
            for finding in clause.findings:
                for observation in finding.observations:
                    for source in observation.sources:
                        assert source in page
                        kept = given.exchanges[source]
                        assert f"{kept.path}:{kept.line}" in page
    view = build(given, "en")
    shown = {raw.anchor for raw in view.raw}
    for judged in view.assessments:
        for told in judged.clauses:
            for part in told.findings:
                for row in part.observations:
                    assert row.sources
                    assert {reference.anchor for reference in row.sources} <= shown
                    if row.value != "–":
                        assert f'<a href="#{row.sources[0].anchor}">{row.value}</a>' in page


def test_the_first_screen() -> None:
    """School, verdict, standard, window, points and next steps come before the first clause."""
    text = "".join(Page(render(sample.report()).partition('<h2 id="clauses">')[0] + "</main></body></html>").text)
    for wanted in (
        "谯城区第一小学",
        "证据成立",
        "智慧校园示例标准",
        "2026-11-19 00:00",
        "6",
        "13",
        "待证 3",
        "未得 4",
        "下一步",
    ):
        assert wanted in text
    assert text.index("放行采集程序") < text.index("填写宽带合同")


def test_a_clause_stands_once_among_the_next_steps() -> None:
    """Three parts of a clause that is worth 3 points are one entry with each step once: points that read as 9 are not
    there to win.
    """
    given = sample.report()
    (judged,) = given.assessments
    dark = judged.clauses[2]
    (finding,) = dark.findings
    others = [finding.model_copy(update={"criterion": f"other-{n}", "remedy": sample.REMEDY}) for n in range(2)]
    many = dark.model_copy(update={"findings": (finding, *others)})
    judged = judged.model_copy(update={"clauses": (*judged.clauses[:2], many)})
    steps = [step for step in build(replace(given, assessments=(judged,)), "en").steps if step.gain]
    assert [step.clause.partition(" ")[0] for step in steps] == ["1.3", "1.1", "1.2"]
    assert steps[0].texts == (
        "Make these answer: device core-sw2",
        "Let the agent reach core-sw2 (UDP 161).",
        sample.REMEDY.en,
    )
    parts = [finding.model_copy(update={"remedy": sample.text(f"Do {n}.", f"做{n}。")}) for n in range(7)]
    many = dark.model_copy(update={"findings": tuple(parts)})
    judged = judged.model_copy(update={"clauses": (many,)})
    given = replace(given, assessments=(judged,))
    (step,) = (step for step in build(given, "en").steps if step.gain)
    assert (len(step.texts), step.left) == (4, 4)
    assert f'<a href="#{step.anchor}">… (+4)</a>' in render(given, "en")


def test_raw_answers_are_decoded() -> None:
    """OIDs have names, types and values; GB18030 aliases read as Chinese; gaps and early ends say why."""
    text = "".join(Page(render(sample.report(), "en")).text)
    for wanted in (
        "ifHCInOctets.3",
        "Counter64",
        "电信专线 500M",
        "no answer to 3 tries",
        "timeout",
        "retained",
        "mac 40",
    ):
        assert wanted in text
    assert "20 more values are in the bundle" in text


@pytest.mark.parametrize(
    ("checks", "state", "words"),
    [
        ((), "unchecked", "Do not rely on it"),
        ((CheckLine("chain", ok=True), CheckLine("receipt", ok=False, detail="of another log")), "failed", "receipt"),
    ],
)
def test_a_page_never_looks_better_than_its_evidence(checks: tuple[CheckLine, ...], state: str, words: str) -> None:
    """Evidence that was not checked, or does not hold, says so first."""
    page = render(replace(sample.report(), checks=checks), "en")
    banner = page.partition('class="verdict ')[2].partition('<div class="cards">')[0]
    assert banner.startswith(state)
    assert words in banner
    assert "Evidence holds" not in page


def test_the_least_input() -> None:
    """A bundle without assessment, campus and runs still makes a page that says what is missing."""
    for language, words in (("en", "No standard was judged"), ("zh_CN", "未评判任何标准")):
        page = render(ReportInput(assessments=()), language)
        check_links(Page(page))
        assert words in page


def test_missing_pack_and_missing_exchange() -> None:
    """Without the pack, ids stand in for titles; an exchange that the bundle lacks is named as missing."""
    given = replace(sample.report(), standards=(), metrics=(), exchanges={}, campus=None)
    page = render(given, "en")
    check_links(Page(page))
    assert "example-2026" in page
    assert "The bundle does not hold this exchange" in page
    assert "School not named" in page


def test_declared_values_lead_to_their_document() -> None:
    """A declared value cites the campus file: its place in the bundle is shown, and nothing is called missing."""
    given = sample.report()
    clause = given.assessments[0].clauses[0]
    campus_file = "sha256:" + "ca" * 32
    stated = sample.observation(
        "egress:telecom", (campus_file,), grade=Grade.DECLARED, metric="link.contract", value="450"
    )
    findings = (clause.findings[0].model_copy(update={"observations": (stated,)}),)
    clauses = (clause.model_copy(update={"findings": findings}),)
    given = replace(given, assessments=(given.assessments[0].model_copy(update={"clauses": clauses}),))
    for documents, place in (({}, ""), ({campus_file: "blobs/sha256/" + "ca" * 32}, "blobs/sha256/caca")):
        page = render(replace(given, documents=documents), "en")
        check_links(Page(page))
        assert "A person stated this in a document" in page
        assert "does not hold this exchange" not in page
        assert place in page


def test_thousands_of_checks_are_summed_up() -> None:
    """Checks that held are counted by kind; each one that failed is named, before the others."""
    checks = tuple(CheckLine(f"receipt/{seq}", ok=seq != 1_234, detail=f"entry {seq}") for seq in range(3_000))
    page = render(replace(sample.report(), checks=checks), "en")
    table = page.partition('id="verification"')[2].partition("</table>")[0]
    assert table.index("receipt/1234") < table.index("2999 / 3000")
    assert "entry 1234" in table
    assert table.count("<tr>") == 3


def test_large_evidence_stays_readable() -> None:
    """Thousands of exchanges and a table of 20 000 rows give a page of bounded size whose links all lead somewhere."""
    given = sample.report()
    wide = sample.table_exchange().model_copy(
        update={
            "request": SnmpTable(columns=(SnmpColumn(oid="1.3.6.1.2.1.31.1.1.1.1"),)),
            "response": VarBinds(
                varbinds=tuple(sample.octets(f"1.3.6.1.2.1.31.1.1.1.1.{row}", b"x" * 60) for row in range(1, 20_001))
            ),
        }
    )
    many = [sample.gap_exchange().model_copy(update={"n": n}) for n in range(6_000)]
    exchanges = {each.digest(): KeptExchange(each, "raw/" + "a" * 64, each.n + 2, "core") for each in [wide, *many]}
    odd = tuple(digest for at, digest in enumerate(exchanges) if at % 2)
    clause = given.assessments[0].clauses[0]
    observations = (
        sample.observation("egress:a", tuple(exchanges)),
        sample.observation("egress:b", odd),
    )
    findings = (clause.findings[0].model_copy(update={"observations": observations}),)
    clauses = (clause.model_copy(update={"findings": findings}),)
    assessment = given.assessments[0].model_copy(update={"clauses": clauses})
    runs = tuple(RunLine(seq, "run", sample.at(1), sample.at(1), "sha256:" + "0" * 64) for seq in range(3_000))
    page = render(replace(given, assessments=(assessment,), exchanges=exchanges, runs=runs), "en")
    assert len(page) < 4_000_000
    check_links(Page(page))
    assert "more cited exchanges are in the bundle" in page
    assert "19940 more values are in the bundle" in page
    assert "2920 more entries are in the bundle" in page


NASTY = [
    "</td><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</svg></style><a href='javascript:1'>",
    "{{ 7 * 7 }}{% raw %}",
    "\u202egnp.exe\u2066",
    "nul\x00\x1b[31m",
    "&lt;b&gt;&amp;#x41;",
]


def texts_of(page: str) -> str:
    """Return the page's visible text without its style sheet."""
    return "".join(Page(re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)).text)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@forall(
    st.one_of(st.sampled_from(NASTY), st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80)),
    st.sampled_from(["zh_CN", "en"]),
)
def test_device_text_stays_text(text: str, language: str) -> None:
    """Text from devices, brokers and the campus file adds no tag and no attribute, and reads as it was written."""
    plain = render(sample.report(detail="x", topic="x", school="x"), language)
    page = render(sample.report(detail=text, topic=text, school=text), language)
    assert Page(page).shape == Page(plain).shape
    assert texts_of(page).count(visible(text)) >= 3
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]", page)


@pytest.mark.parametrize("alias", [*(text.encode() for text in NASTY), b"\xff\xfe\x80", b"A" * 100_000, b""])
def test_hostile_aliases(alias: bytes) -> None:
    """A port's alias of any octets and any length changes only its own cell."""
    plain = Page(render(sample.report(alias=b"x"), "en"))
    page = render(sample.report(alias=alias), "en")
    assert Page(page).shape == plain.shape
    assert len(page) < 400_000


def test_headings_tables_and_language_are_marked_up() -> None:
    """Headings descend without holes, every table has a caption, tables that scroll are regions with a name."""
    for language, tag in (("zh_CN", "zh-CN"), ("en", "en")):
        page = render(sample.report(), language)
        parsed = Page(page)
        assert parsed.tags[0] == ("html", {"lang": tag})
        levels = [int(name[1]) for name, _ in parsed.tags if re.fullmatch("h[1-6]", name)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
        assert page.count("<table") == page.count("<caption")
        assert all(attrs.get("aria-label") for _, attrs in parsed.tags if attrs.get("role") == "region")
        assert all(attrs.get("scope") for name, attrs in parsed.tags if name == "th")


def contrast(one: str, two: str) -> float:
    """Return the WCAG 2.2 contrast ratio of two colours."""

    def luminance(colour: str) -> float:
        colour = colour.lstrip("#")
        colour = "".join(c * 2 for c in colour) if len(colour) == 3 else colour
        parts = [int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_colours_have_contrast() -> None:
    """Every text colour of the style sheet reads on every ground it stands on (WCAG 2.2 AA, 4.5 to 1)."""
    style = (HERE.parents[1] / "agent/report/templates/page.css").read_text(encoding="utf-8")
    names = dict(re.findall(r"--(\w+): (#[0-9a-f]+)", style))
    pairs = [
        (names["ink"], "#fff"),
        (names["soft"], "#fff"),
        (names["soft"], names["tint"]),
        (names["link"], "#fff6d6"),
    ]
    pairs += [
        (names[colour], ground)
        for colour, ground in re.findall(r"color: var\(--(\w+)\); background: (#[0-9a-f]+)", style)
    ]
    assert len(pairs) >= 10
    for colour, ground in pairs:
        assert contrast(colour, ground) >= 4.5, (colour, ground)


@pytest.mark.parametrize(("language", "width"), [("zh_CN", 1200), ("en", 420)])
def test_chromium_draws_it(language: str, width: int, tmp_path: Path) -> None:
    """A real browser draws the page without a console error; it does not come out blank."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        pytest.skip("no chromium on this machine")
    page = tmp_path / "page.html"
    page.write_text(render(sample.report(), language), encoding="utf-8")
    picture = tmp_path / "page.png"
    flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    done = subprocess.run(
        [
            *(browser, *flags.split(), "--disable-component-update", "--disable-sync", "--enable-logging=stderr"),
            *(f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},1400", "--hide-scrollbars"),
            *(f"--screenshot={picture}", page.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0
    assert not [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    # A blank picture of this size compresses to a few kilobytes.
    assert picture.stat().st_size > 30_000
