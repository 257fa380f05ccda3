"""Score sheets and comparisons on terminals of every width: titles, ids and figures whole, paragraphs that hang."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len
from rich.console import Console

from agent.assess.derive.derived import Open
from agent.cli.compared import print_comparison
from agent.cli.scores import print_assessments
from agent.cli.show import print_hanging
from agent.model.finding import Reason
from agent.report.compare import compared
from tests.assess import rulebook as book
from tests.assess.rulebook import WIFI, clause, figure, paper, room
from tests.packs import bozhou_schools

if TYPE_CHECKING:
    from collections.abc import Callable

TITLE = {"zh": "人工智能教室与创新教室的无线网络全覆盖", "en": "Wireless network in AI rooms and innovation rooms"}
WIDTHS = [40, 80, 99, 100, 160]


def told(width: int, show: Callable[[Console], None]) -> str:
    """Return what a terminal of that width shows."""
    file = io.StringIO()
    show(Console(width=width, file=file, color_system=None))
    return file.getvalue()


def squeezed(text: str) -> str:
    """Return the text without the places where lines end."""
    return "".join(text.split())


def score(width: int, language: str) -> str:
    """Return the score sheet of a clause of two parts and of a clause of one."""
    pack = book.standard(
        clause("1", "2", room("ai-lessons-junior", "laboratory") | {"title": TITLE}, paper("ai-lessons-senior")),
        clause("2", "1", room("base", "classroom") | {"title": TITLE}) | {"title": TITLE},
    )
    still = {(WIFI, f"laboratory:{n}"): Open(Reason.NO_TARGET, "0", "1") for n in range(9)}
    found = book.judged(pack, [figure(WIFI, "classroom:a", "1")], still)
    return told(width, lambda console: print_assessments([found], language, {pack.id: pack}, console))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_a_score_sheet_fits(width: int, language: str) -> None:
    """No line is wider than the terminal, and nothing is cut to fit."""
    shown = score(width, language)
    assert all(cell_len(line) <= width for line in shown.splitlines())
    assert "…" not in squeezed(shown).replace("…(+4)", "")


@pytest.mark.parametrize("width", WIDTHS)
def test_clauses_and_parts_have_their_titles(width: int) -> None:
    """A Chinese reader reads Chinese: English ids stand only where they are to be written into a file."""
    shown = score(width, "zh_CN")
    assert "ai-lessons-junior" not in squeezed(shown)
    assert "base" not in shown
    head = shown.partition("下一步")[0]
    if width < 100:
        assert squeezed(head).count(TITLE["zh"]) == 2
    else:
        assert head.count(TITLE["zh"][:5]) == 2


def test_steps_hang() -> None:
    """What does not fit into the line stands below its first word."""
    steps = score(40, "en").partition("What to do next")[2].splitlines()
    first = next(at for at, line in enumerate(steps) if line.startswith("    - List in the campus file"))
    assert steps[first + 1].startswith("      ")
    assert all(line.startswith(("1 ", "2 ", "  ")) for line in steps if line)


def test_a_hanging_paragraph_cannot_act() -> None:
    """Markup and control characters of a device's text are shown."""
    shown = told(40, lambda console: print_hanging("[bold]core[/bold]\x1b[31m sw1", console, indent=2, mark="- "))
    assert shown == "  - [bold]core[/bold]�[31m sw1\n"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_a_comparison_fits(width: int, language: str) -> None:
    """Where six columns have no room, each clause is a paragraph with its reasons below, and ids stay whole."""
    comparison = compared(bozhou_schools.judged(mbps="500"), bozhou_schools.judged(mbps="100"))
    shown = told(width, lambda console: print_comparison(comparison, language, console))
    assert comparison.differing
    assert all(cell_len(line) <= width for line in shown.splitlines())
    part = comparison.now.clauses[0].findings[0].criterion
    assert part in (shown if width < 120 else squeezed(shown))
    assert ("│" in shown) == (width >= 120)
