"""Errors as a person reads them."""

from __future__ import annotations

from agent.errors import MalformedError, VerificationError
from agent.language import translator


def test_an_error_inside_an_error_is_told_in_the_same_language() -> None:
    """The reason of a reason is no foreign word in the sentence; the record has both in English."""
    inner = VerificationError("the inclusion proof does not lead to the signed root")
    error = VerificationError("the log does not hold this leaf: {why}", why=inner)
    assert str(error) == "the log does not hold this leaf: the inclusion proof does not lead to the signed root"
    chinese = translator("zh_CN")
    assert error.render(chinese) == f"透明日志中没有此叶：{inner.render(chinese)}"
    assert inner.render(chinese) != str(inner)


def test_where_and_what_to_do_stand_around_what_happened() -> None:
    """One line: place, fact, next step, each with its values."""
    error = MalformedError("{size} octets", where="x.yaml:3", todo="Write {most}", size=9, most=8)
    assert str(error) == "x.yaml:3: 9 octets. Write 8"
