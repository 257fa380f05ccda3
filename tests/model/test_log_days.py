"""Records by day, as readings carry them."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import MalformedError
from agent.model.logs import days_text, parse_days

COUNTS = st.dictionaries(st.dates(date(1970, 1, 1)).map(date.isoformat), st.integers(1, 10**18), max_size=40)


@given(COUNTS)
def test_what_is_written_is_read(days: dict[str, int]) -> None:
    """Any counts come back, whatever their order was."""
    assert parse_days(days_text(days)) == days
    assert days_text(dict(reversed(days.items()))) == days_text(days)


def test_days_without_records_are_left_out() -> None:
    """A day that was counted and has nothing says the same as a day that is not there."""
    assert days_text({"2026-11-22": 0, "2026-11-21": 3}) == "2026-11-21:3"
    assert parse_days("") == {}


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22",
        "2026-11-22:0",
        "2026-11-22:03",
        "2026-11-22:-1",
        "2026-11-22:1  2026-11-23:1",
        "2026-11-23:1 2026-11-22:1",
        "2026-11-22:1 2026-11-22:1",
        " 2026-11-22:1",
        "x",
    ],
)
def test_another_spelling_is_refused(text: str) -> None:
    """There is one spelling, so that equal counts are equal bytes."""
    with pytest.raises(MalformedError, match="list of days"):
        parse_days(text)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing but our own error comes of it, and what is accepted is the one spelling."""
    try:
        found = parse_days(text)
    except MalformedError:
        return
    assert days_text(found) == text
