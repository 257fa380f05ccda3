"""Tables for people: long lists are abridged, headings whole, and figures never cut."""

from __future__ import annotations

import io
import json
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from agent.cli.show import abridged, print_readings, print_sums
from agent.model.finding import Assessment, Window
from agent.model.logs import days_text
from agent.model.reading import Grade, Reading

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

FIRST = date(2026, 1, 1)
DAYS = {str(FIRST + timedelta(days=n)): 1200 + n for n in range(273) if n not in {20, 21, 40}}
DIGEST = "sha256:" + "0" * 64


def shown(language: str, width: int, standard: str = "bozhou-school-2024") -> str:
    """Return the table of sums as a terminal of that width shows it."""
    sums = Assessment(
        standard=standard,
        version="1.0.0",
        pack=DIGEST,
        window=Window(since="2026-11-01T00:00:00Z", until="2026-11-08T00:00:00Z"),
        clauses=(),
        points_total="145",
        points_judged="109.5",
        points_proven="18.25",
        points_open="73.333",
    )
    console = Console(width=width, file=io.StringIO(), color_system=None)
    print_sums([sums], language, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [60, 80, 110])
def test_a_name_of_the_table_is_folded_never_cut(width: int) -> None:
    """In or out, and of which port: both stay legible at every width, and the device is not said with every port."""
    asset, port = "192.0.2.1-45873", "TenGigabitEthernet1/0/49.4094"
    subjects = (f"interface:{asset}/{port}", f"asset:{asset}", "egress:telecom", f"asset:{asset}9")
    readings = [
        Reading(
            metric=metric,
            subject=subject,
            value="1",
            unit="By",
            at="2026-11-22T00:00:00Z",
            grade=Grade.REPORTED,
            sources=(DIGEST,),
        )
        for subject in subjects
        for metric in ("interface.octets.in", "interface.octets.out")
    ]
    console = Console(width=width, file=io.StringIO(), color_system=None)
    print_readings(readings, as_json=False, asset=asset, console=console)
    assert isinstance(console.file, io.StringIO)
    heading, _, *lines = console.file.getvalue().strip("\n ").splitlines()
    starts = [heading.index(one) for one in ("metric", "subject", "value")]
    rows: list[tuple[str, str]] = []
    for line in filter(str.strip, lines):  # a line without a unit goes on with the row above
        metric, subject = (line[begin:end].strip() for begin, end in pairwise(starts))
        before = ("", "") if " By " in line else rows.pop()
        rows.append((before[0] + metric, before[1] + subject))
    seen = (f"interface:{port}", "asset", "egress:telecom", f"asset:{asset}9")
    assert rows == [(f"interface.octets.{way}", subject) for subject in seen for way in ("in", "out")]


def test_days_are_first_and_last_their_number_and_gaps() -> None:
    """Nine months of counts are one line of a table."""
    assert abridged(days_text(DAYS), str) == "2026-01-01 to 2026-09-30: 270 days, 2 gaps"
    assert abridged(" ".join(DAYS), str) == "2026-01-01 to 2026-09-30: 270 days, 2 gaps"


def test_stretches_are_first_and_last_and_their_number() -> None:
    """Footage in many pieces too."""
    spans = [f"2026-01-0{n}T00:00:00Z/2026-01-0{n}T12:00:00Z" for n in range(1, 6)]
    assert abridged(" ".join(spans), str) == "2026-01-01T00:00:00Z to 2026-01-05T12:00:00Z: 5 stretches"


NO_DAYS = "2026-99-01 2026-99-02 2026-99-03 2026-99-04"


@pytest.mark.parametrize("value", ["", "ok", "2026-01-01:5 2026-01-02:6", "a/b c d/e f/g", NO_DAYS, "a b c d e"])
def test_everything_else_stays_as_it_is(value: str) -> None:
    """Short lists, words, and what only looks like days."""
    assert abridged(value, str) == value


@given(st.sets(st.dates(), min_size=4, max_size=60))
def test_no_day_is_lost_or_made_up(days: AbstractSet[date]) -> None:
    """Ends, number and gaps are those of the days, whatever they are."""
    ordered = sorted(days)
    runs = sum(day - timedelta(days=1) not in days for day in ordered if day != date.min) + (date.min in days)
    told = f"{ordered[0]} to {ordered[-1]}: {len(ordered)} days, {runs - 1} gaps"
    assert abridged(" ".join(map(str, ordered)), str) == told


def test_json_keeps_what_a_table_abridges(capsys: pytest.CaptureFixture[str]) -> None:
    """What programs read is the reading itself."""
    reading = Reading(
        metric="log.days",
        subject="log:store/core",
        value=days_text(DAYS),
        unit="",
        at="2026-11-01T00:00:00Z",
        grade=Grade.REPORTED,
        sources=(DIGEST,),
    )
    print_readings([reading], as_json=True)
    assert json.loads(capsys.readouterr().out)["value"] == days_text(DAYS)
    console = Console(width=160, file=io.StringIO())
    print_readings([reading], as_json=False, console=console)
    assert isinstance(console.file, io.StringIO)
    assert "2026-09-30" in console.file.getvalue()
    assert "2026-05-05" not in console.file.getvalue()


@pytest.mark.parametrize("language", ["zh_CN", "en"])
@pytest.mark.parametrize("width", [40, 80, 110, 200])
def test_no_heading_or_figure_is_cut(language: str, width: int) -> None:
    """At the demo's 110 columns, and where there is less, everything is whole."""
    told = shown(language, width)
    assert "…" not in told
    for figure in ("18.25", "73.333", "17.917", "109.5", "145"):
        assert figure in told
    assert all(len(line) <= width for line in told.splitlines())


def test_the_demo_has_room_for_a_table() -> None:
    """Columns that fit are columns, in both languages."""
    assert "─" in shown("en", 110)
    assert "─" in shown("zh_CN", 110)
    assert "undecided" in shown("en", 110)
