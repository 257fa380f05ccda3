"""The house rules that no linter knows: modules and functions stay small, names say something."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

AGENT = Path(__file__).parent.parent / "agent"
MODULES = sorted(AGENT.rglob("*.py"))
LONGEST_MODULE = 400
LONGEST_FUNCTION = 60
"""Lines, docstring not counted."""
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(AGENT)))
def test_modules_and_functions_are_small(path: Path) -> None:
    """No module above 400 lines, no function above 60."""
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST_MODULE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            length = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
            assert length <= LONGEST_FUNCTION, f"{node.name}: {length} lines"


def test_no_empty_names() -> None:
    """No module is called by a name that says nothing."""
    assert not [path for path in MODULES if path.stem in EMPTY_NAMES or path.parent.name in EMPTY_NAMES]
