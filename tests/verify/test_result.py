"""Checks, and what is told of them: in English for the record, in the reader's language on a screen."""

from __future__ import annotations

import pytest

from agent.errors import VerificationError
from agent.language import N_, translator
from agent.model.finding import Outcome
from agent.verify.result import Check, CheckList, WordedError

CHINESE = translator("zh_CN")


def test_a_check_that_holds_tells_its_figures_in_both_languages() -> None:
    """The detail is kept in English with its figure, and made anew for a reader."""
    checks = CheckList()
    with checks.check("files/3", N_("{count} files"), count=7):
        pass
    assert checks.checks == [Check("files/3", ok=True, detail="7 files")]
    assert checks.checks[0].told(CHINESE) == "7 个文件"
    assert checks.ok()


def test_a_check_that_fails_tells_why_and_not_its_figures() -> None:
    """One of our errors is the verdict of the check, with its values in their places."""
    checks = CheckList()
    with checks.check("files/3", N_("{count} files"), count=7):
        raise VerificationError("no statement names {name}", name="{count} {x}")
    assert checks.checks == [Check("files/3", ok=False, detail="no statement names {count} {x}")]
    assert checks.checks[0].told(CHINESE) == "没有任何声明列出 {count} {x}"
    assert not checks.ok()


def test_a_defect_of_the_program_is_no_verdict() -> None:
    """Anything but our own errors passes through, and leaves no check behind that looks made."""
    checks = CheckList()
    with pytest.raises(KeyError), checks.check("chain"):
        raise KeyError
    assert checks.checks == []


@pytest.mark.parametrize("error", [OverflowError, ValueError, MemoryError, RecursionError])
def test_numbers_that_make_no_sense_are_a_failed_check(error: type[Exception]) -> None:
    """Dates, lengths and depths that no agent writes are the bundle's fault, and no traceback."""
    checks = CheckList()
    with checks.check("time/3"):
        raise error
    assert [(check.name, check.ok) for check in checks.checks] == [("time/3", False)]
    assert "numbers" in checks.checks[0].detail


def test_words_within_a_reason_are_translated_with_it() -> None:
    """Outcomes have names and nested texts a translation; the record has the spelling, and a free value stays."""
    text = N_(
        "clause {clause} is signed as {signed} with {points} points, but the evidence gives {given} with {given_points}"
    )
    words = {"signed": Outcome.SATISFIED, "given": Outcome.INCONCLUSIVE}
    error = WordedError(text, words, clause="satisfied", points="2", given_points="0")
    assert str(error) == (
        "clause satisfied is signed as satisfied with 2 points, but the evidence gives inconclusive with 0"
    )
    assert error.render(translator("en")) == str(error)
    assert error.render(CHINESE) == "条款 satisfied 签署的结论为“达标”，2 分；而由证据得出的是“无法判定”，0 分"
    entry = WordedError(N_("entry {seq}: {why}"), {"why": "a text that nobody wrote"}, seq=4)
    assert entry.render(CHINESE) == "第 4 条记录：a text that nobody wrote"
