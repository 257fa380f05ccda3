"""Texts in two languages: the catalogue is complete, current, and keeps the places of every text."""

from __future__ import annotations

import gettext
import importlib.util
import subprocess
import sys
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING

import pytest

from agent.language import N_, NAMES, name_of, preferred, translator
from agent.model.evidence import EntryKind
from agent.model.exchange import GapReason
from agent.model.finding import Outcome, Reason
from agent.model.reading import Grade

if TYPE_CHECKING:
    from enum import StrEnum

_SPEC = importlib.util.spec_from_file_location("locale_tools", Path(__file__).with_name("locale_tools.py"))
assert _SPEC
assert _SPEC.loader
locale_tools = importlib.util.module_from_spec(_SPEC)
sys.modules["locale_tools"] = locale_tools
_SPEC.loader.exec_module(locale_tools)


def test_chinese_and_english() -> None:
    """Chinese comes from the catalogue under any spelling of the language; English and unknown ids stay as they are."""
    for language in ("zh_CN", "zh-CN", "zh", "ZH_cn.UTF-8"):
        assert translator(language)("not met") == "未达标"
    assert translator("en")("not met") == "not met"
    assert translator("zh_CN")("a text that nobody wrote") == "a text that nobody wrote"
    assert translator("zh_CN")("") == ""
    assert N_("kept") == "kept"


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh_CN"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "C"}, "en"),
        ({"LANG": "de_DE", "LC_ALL": "zh_SG"}, "zh_CN"),
        ({"LANG": "en_US", "LC_ALL": ""}, "en"),
    ],
)
def test_preferred(environ: dict[str, str], language: str) -> None:
    """The first variable that is set decides, in POSIX order."""
    assert preferred(environ) == language


@pytest.mark.parametrize("words", [Outcome, Reason, Grade, GapReason, EntryKind])
def test_every_spelling_has_a_name(words: type[StrEnum]) -> None:
    """No outcome, reason, grade or entry kind reaches a reader as a code."""
    for word in words:
        assert word.value in NAMES
        assert name_of(word.value, translator("zh_CN")) != NAMES[word.value]


def test_unknown_spelling_is_shown_as_it_is() -> None:
    """A spelling from a newer record is not lost."""
    assert name_of("brand-new", translator("zh_CN")) == "brand-new"


def test_the_catalogue_is_compiled() -> None:
    """The .mo in the tree is the compiled .po, byte for byte."""
    compiled = locale_tools.compile_catalogue(locale_tools.load())
    assert locale_tools.PO.with_suffix(".mo").read_bytes() == compiled, "run: python tests/locale_tools.py"


def test_compiling_leaves_no_trace_of_the_day() -> None:
    """The compiled file depends on its texts only: no date, no version of the tool."""
    compiled = locale_tools.compile_catalogue(locale_tools.load())
    assert b"Date" not in compiled
    assert b"Babel" not in compiled


def test_every_visible_text_has_chinese() -> None:
    """Every marked text, and every text of an error, is in the catalogue, and none is built at run time."""
    found = locale_tools.extract()
    missing = locale_tools.missing(found, locale_tools.load())
    assert not found.dynamic
    assert not missing, "run python tests/locale_tools.py, then translate: " + "; ".join(
        f"{places[0]} {text!r}" for text, places in missing.items()
    )


def test_every_text_can_be_formatted() -> None:
    """Braces stand for named places only: a literal one would make the message itself fail."""
    for text, where in locale_tools.extract().texts.items():
        for _, name, _, _ in Formatter().parse(text):
            assert name is None or name.isidentifier(), f"{where[0]}: {text!r}"


def test_translations_keep_their_places() -> None:
    """A translation names exactly the places of its text, so that formatting it can never fail."""
    entries = [entry for entry in locale_tools.load() if entry.id and entry.string]
    assert len(entries) > 100
    for entry in entries:
        assert locale_tools.places(entry.string) == locale_tools.places(entry.id), entry.id


def test_the_search_finds_what_it_must(tmp_path: Path) -> None:
    """Markers, error texts, subclasses of errors and conditionals are found; texts built at run time are named."""
    source = (
        "class OwnError(UsageError): ...\n"
        'a = _("marked"); b = N_("kept " "together"); c = translate("one" if a else "two")\n'
        'raise OwnError("own {x}", todo="do {y}", where="not this")\n'
        'raise GapError("reason", "gap text")\n'
        'raise JournalError(f"built {a}")\n'
        'raise JournalError("{detail}")\n'
    )
    (tmp_path / "module.py").write_text(source, encoding="utf-8")
    (tmp_path / "page.html").write_text('<p>{{ _("in a page") }}</p>', encoding="utf-8")
    found = locale_tools.extract(tmp_path)
    assert set(found.texts) == {"marked", "kept together", "one", "two", "own {x}", "do {y}", "gap text", "in a page"}
    assert len(found.dynamic) == 1


def test_gettext_itself_reads_the_catalogue() -> None:
    """The compiled file is a valid catalogue of the platform's gettext in UTF-8."""
    with locale_tools.PO.with_suffix(".mo").open("rb") as file:
        assert gettext.GNUTranslations(file).gettext("met") == "达标"


def test_reading_texts_needs_nothing_installed() -> None:
    """The module imports the standard library only."""
    code = (
        "import sys, agent.language as l; assert l.translator('zh')('met') == '达标'; assert 'babel' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
