"""How long the uplink waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import hypothesis.strategies as st
import pytest
from hypothesis import given

from agent.uplink.backoff import CAP_SECONDS, MAX_RETRY_AFTER_SECONDS, delay, http_date, retry_after

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


@given(st.integers(0, 10**9), st.floats(0, 1, exclude_max=True), st.none() | st.floats(0, 10**6))
def test_the_wait_is_within_full_jitter_and_at_least_retry_after(
    failures: int, chance: float, at_least: float | None
) -> None:
    """rand(0, min(1 h, 5 s * 2^n)), never less than what was asked, after any number of failures."""
    ceiling = min(CAP_SECONDS, 5 * 2 ** min(failures, 20))
    found = delay(failures, lambda: chance, at_least)
    assert found == max(chance * ceiling, at_least or 0)
    assert found <= max(CAP_SECONDS, at_least or 0)


@pytest.mark.parametrize(("failures", "ceiling"), [(0, 5), (1, 10), (2, 20), (9, 2560), (10, 3600), (500, 3600)])
def test_the_ceiling_doubles_up_to_an_hour(failures: int, ceiling: int) -> None:
    """5, 10, 20 ... 2560, 3600 and no further, and never gives up."""
    assert delay(failures, lambda: 0.5) == ceiling / 2


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 7 ", 7),
        ("9" * 5000, MAX_RETRY_AFTER_SECONDS),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0),
        ("Sunday, 22-Nov-26 02:01:00 GMT", 60),
        ("Sun Nov 22 02:01:00 2026", 60),
        ("Fri, 31 Dec 9999 23:59:59 GMT", MAX_RETRY_AFTER_SECONDS),
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
    ],
)
def test_retry_after_is_read_in_all_its_forms(text: str | None, seconds: float | None) -> None:
    """Seconds, the three date forms of RFC 9110, nonsense (no answer), and the absurd (a week at most)."""
    assert retry_after(text, NOW) == seconds


@given(st.text(max_size=60) | st.from_regex(r"[A-Z][a-z]{2}, \d{1,3} [A-Z][a-z]{2} \d{1,5} \d{1,3}:\d+:\d+ .{0,6}"))
def test_any_text_is_a_wait_or_none(text: str) -> None:
    """No header breaks the uplink."""
    found = retry_after(text, NOW)
    assert found is None or 0 <= found <= MAX_RETRY_AFTER_SECONDS
    moment = http_date(text)
    assert moment is None or moment.tzinfo is not None
