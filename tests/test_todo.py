"""Every error that a person can meet says what to do next, or stands in a short list with the reason why it cannot."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent import errors

if TYPE_CHECKING:
    from collections.abc import Iterator

AGENT = Path(errors.__file__).parent
PARTS = ("cli", "runtime", "transports", "journal/database.py", "sessions/live.py")
"""Where errors are made that a school meets."""
KNOWN = {
    name
    for name in errors.__all__
    if name not in {"MalformedError", "ReplayError", "VerificationError"}  # told in the error or gap that carries them
    and name != "Phrase"  # a part of an error
}
GAPS = {"gap", "_gap"}
"""Methods that make a gap and pass `todo` on."""
WITHOUT = {
    "{why}": "the words of something else: the operating system's, or a collector's with its own next step",
    "no key is pinned yet": "never shown: before keys are pinned nothing is fetched that they would check",
}
"""What says nothing of what to do, and why."""


def _calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in KNOWN or (name in GAPS and isinstance(node.func, ast.Attribute)):
                yield name, node


def _lacking(source: str) -> list[tuple[int, str]]:
    """Return line and text of each error that is made without a next step."""
    tree = ast.parse(source)
    lacking = []
    for name, call in _calls(tree):
        texts = [one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        wrapped = [one.args[0] for one in call.args if isinstance(one, ast.Call) and one.args]  # N_("...")
        texts += [one.value for one in wrapped if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        given = [keyword.value for keyword in call.keywords if keyword.arg == "todo"]
        if any(keyword.arg is None for keyword in call.keywords) and not given:
            given = [ast.Constant("**")]  # passed through
        after = [one for one in call.args if isinstance(one, ast.Name) and one.id == "todo"]
        if name in GAPS and not texts and not given:
            continue  # the gap of an error, which has its own step
        if not given + after or any(isinstance(one, ast.Constant) and not one.value for one in given):
            lacking.append((call.lineno, texts[-1] if texts else ""))
    return lacking


def _sources() -> list[Path]:
    found = [AGENT / part for part in PARTS]
    return sorted(path for one in found for path in (one.rglob("*.py") if one.is_dir() else [one]))


def test_every_error_that_a_person_meets_says_what_to_do() -> None:
    """A new error without a next step is named here, with its place."""
    lacking = [
        f"{path.relative_to(AGENT.parent)}:{line}: {text}"
        for path in _sources()
        for line, text in _lacking(path.read_text(encoding="utf-8"))
        if text not in WITHOUT
    ]
    assert lacking == [], "give these a todo: " + "; ".join(lacking)


def test_the_list_of_exceptions_is_short_and_used() -> None:
    """An exception whose error is gone is taken from the list."""
    seen = {text for path in _sources() for _, text in _lacking(path.read_text(encoding="utf-8"))}
    assert set(WITHOUT) <= seen
    assert len(WITHOUT) <= 5


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ('raise UsageError("x")', [1]),
        ('raise UsageError("x", todo="")', [1]),
        ('raise GapError(reason, N_("x"), where="y")', [1]),
        ('raise self.gap(reason, "x", why=1)', [1]),
        ('raise device.gap(reason, "phase", "x", todo, why=1)', []),
        ('raise UsageError("x", todo="Do y")', []),
        ("raise GapError(reason, gap.what, todo=gap.todo, **gap.values)", []),
        ('raise MalformedError("x")', []),
        ('raise ValueError("x")', []),
    ],
)
def test_the_search_finds_what_lacks_a_step(source: str, lines: list[int]) -> None:
    """Errors of ours in all their forms, and no others."""
    assert [line for line, _ in _lacking(source)] == lines
