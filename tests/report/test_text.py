"""Text at the last moment: inert, with units, in the campus's time."""

from __future__ import annotations

import unicodedata
from datetime import UTC
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.report.text import (
    amount,
    grouped,
    local_span,
    local_time,
    percent,
    plain_time,
    rate,
    visible,
    zone_label,
    zone_of,
)

if TYPE_CHECKING:
    from decimal import Decimal

ANY_TEXT = st.text(st.characters(codec=None))


@given(ANY_TEXT)
def test_visible_leaves_nothing_that_hides_or_acts(text: str) -> None:
    """Whatever a device wrote, no control, bidi, zero-width or unassigned character is left."""
    shown = visible(text)
    assert all(unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} for character in shown)
    shown.encode("utf-8")


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=600))
def test_visible_keeps_what_can_be_read(text: str) -> None:
    """Letters, digits and signs of any script stay as they are."""
    assert visible(text) == text


def test_visible_counts_what_it_cuts() -> None:
    """A 100 KB port name is cut, and the page says by how much."""
    assert visible("a" * 100_000, 10) == "aaaaaaaaaa … (+99990)"
    assert visible("a\x00\u202eb") == "a<U+0000><U+202E>b"


@pytest.mark.parametrize(
    ("bps", "shown"),
    [
        ("0", "0\u00a0bit/s"),
        ("999", "999\u00a0bit/s"),
        ("1000", "1\u00a0kbit/s"),
        ("512345678", "512.3\u00a0Mbit/s"),
        ("1000000000", "1\u00a0Gbit/s"),
        ("400000000000", "400\u00a0Gbit/s"),
        ("1e999999", "1e999999"),
        ("nonsense", "nonsense"),
    ],
)
def test_rates_have_the_prefix_that_fits(bps: str, shown: str) -> None:
    """Bit rates are decimal multiples with four digits; what is no number is shown as written."""
    assert rate(bps) == shown


@given(st.decimals(allow_nan=True, allow_infinity=True))
def test_numbers_never_raise(number: Decimal) -> None:
    """Any decimal text can be shown."""
    for show in (rate, grouped, percent):
        assert isinstance(show(str(number)), str)


def test_amounts_and_shares() -> None:
    """Units stand behind the value, ratios read as percentages, absent values as a dash."""
    assert amount("12345.5", "Mbit/s") == "12\u202f345.5\u00a0Mbit/s"
    assert amount("3", "1") == "3"
    assert amount(None, "Mbit/s") == "–"
    assert percent("0.9688") == "96.88\u00a0%"
    assert percent("1") == "100\u00a0%"
    assert percent(None) == "–"


def test_times_are_the_campus_s() -> None:
    """Times are shown in the civil time of the campus, with its offset; unknown zones fall back to UTC and say so."""
    east = zone_of("Asia/Shanghai")
    assert local_time("2026-11-22T16:30:00Z", east) == "2026-11-23 00:30 +08:00"
    assert plain_time("2026-11-22T16:30:05Z", east) == "2026-11-23 00:30:05"
    assert local_span("2026-11-22T16:00:00Z", "2026-11-23T16:00:00Z", east) == (
        "2026-11-23 00:00 – 2026-11-24 00:00 (+08:00)"
    )
    assert local_span("2026-11-22T16:00:01Z", "2026-11-22T16:00:09Z", east) == (
        "2026-11-23 00:00:01 – 2026-11-23 00:00:09 (+08:00)"
    )
    assert zone_of("Mars/Olympus") is UTC
    assert zone_label("Asia/Shanghai") == "Asia/Shanghai (UTC+08:00)"
    assert zone_label("UTC") == zone_label("Mars/Olympus") == "UTC"
    assert local_time("2026-11-22T16:30:00Z", UTC) == "2026-11-22 16:30 UTC"
    assert local_time("yesterday\x00", UTC) == "yesterday<U+0000>"
