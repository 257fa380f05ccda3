"""Units convert exactly or not at all."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import MalformedError
from agent.packs.units import UNITS, compatible, convert


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        (1, "Gbit/s", "Mbit/s", 1000),
        (1, "By/s", "bit/s", 8),
        (12_500_000, "By/s", "Mbit/s", 100),
        (50, "%", "1", Fraction(1, 2)),
        (100, "cs", "s", 1),
        (1, "d", "h", 24),
        (1, "TBy", "By", 10**12),
    ],
)
def test_known_conversions(value: int, source: str, target: str, expected: Fraction) -> None:
    """Prefixes are powers of ten, and a byte has eight bits."""
    assert convert(Fraction(value), source, target) == expected


@given(st.sampled_from(sorted(UNITS)), st.sampled_from(sorted(UNITS)), st.fractions())
def test_conversion_there_and_back_loses_nothing(one: str, other: str, value: Fraction) -> None:
    """Within a dimension every conversion can be undone exactly; between dimensions there is none."""
    if compatible(one, other):
        assert convert(convert(value, one, other), other, one) == value
    else:
        with pytest.raises(MalformedError):
            convert(value, one, other)


@pytest.mark.parametrize("unit", ["", "Mbps", "mbit/s", "B", "Mbit/S", "MB"])
def test_other_spellings_are_not_guessed(unit: str) -> None:
    """A unit that is not on the list is an error."""
    with pytest.raises(MalformedError, match="not a unit"):
        convert(Fraction(1), unit, "Mbit/s")
