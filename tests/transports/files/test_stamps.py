"""Beginnings of log lines, one by one and by the thousand."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.transports.files.stamps import Stamp, day_pattern, moment_of, read

SHANGHAI = ZoneInfo("Asia/Shanghai")
NEW_YORK = ZoneInfo("America/New_York")
KATHMANDU = ZoneInfo("Asia/Kathmandu")


@pytest.mark.parametrize(
    ("line", "stamp", "time", "host"),
    [
        (b"Nov 22 10:11:12 core-sw1 %%01IFNET: up", (0, 11, 22), b"10:11:12", b"core-sw1"),
        (b"Nov  2 10:11:12 10.0.0.1 x", (0, 11, 2), b"10:11:12", b"10.0.0.1"),
        (b"Nov 02 10:11:12 h x", (0, 11, 2), b"10:11:12", b"h"),
        (b"<189>Nov 22 10:11:12 CORE-SW1 x", (0, 11, 22), b"10:11:12", b"core-sw1"),
        (b"Nov 22 2026 10:11:12 asa1 : %ASA-6", (2026, 11, 22), b"10:11:12", b"asa1"),
        (b"Nov 22 10:11:12.345 sw1: x", (0, 11, 22), b"10:11:12", b"sw1"),
        (b"Feb 29 10:11:12 h x", (0, 2, 29), b"10:11:12", b"h"),
        (b"2026-11-22T10:11:12.123456+08:00 fw1 x", (2026, 11, 22), b"10:11:12", b"fw1"),
        (b"2026-11-22T10:11:12+0800 fw1 x", (2026, 11, 22), b"10:11:12", b"fw1"),
        (b"2026-11-22T16:30:00Z fw1 x", (2026, 11, 23), b"00:30:00", b"fw1"),
        (b"2026-12-31T20:00:00-05:00 fw1 x", (2027, 1, 1), b"09:00:00", b"fw1"),
        (b"2026-11-22 10:11:12,123 app x", (2026, 11, 22), b"10:11:12", b"app"),
        (b"<165>1 2026-11-22T01:00:00.003Z host5424 app 1 ID - x", (2026, 11, 22), b"09:00:00", b"host5424"),
        ("Nov 22 10:11:12 教学楼 x".encode("gb18030"), (0, 11, 22), b"10:11:12", "教学楼".encode("gb18030")),
        (b"2026-06-30T23:59:60Z h x", (2026, 7, 1), b"07:59:59", b"h"),
    ],
)
def test_times_are_civil_times_of_the_campus(
    line: bytes, stamp: tuple[int, int, int], time: bytes, host: bytes
) -> None:
    """Every form that rsyslog, syslog-ng and appliances write, with and without year and zone."""
    head = read(line, SHANGHAI)
    assert head is not None
    assert (head.stamp, head.time, head.host) == (Stamp(*stamp), time, host)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"    at java.lang.Thread.run",
        b"Nov 31 10:11:12 h x",
        b"Nov  0 10:11:12 h x",
        b"Foo 22 10:11:12 h x",
        b"Nov 22 10:11 h x",
        b"Nov 22 10:71:12 h x",
        b"2026-02-29T10:11:12Z h x",
        b"2026-13-01T10:11:12Z h x",
        b"0001-01-01T00:00:00+23:59 h x",
        b"9999-12-31T23:00:00-08:00 h x",
        b"Nov 22 10:11:12",
        b"\0\0\0Nov 22 10:11:12 h x",
    ],
)
def test_what_has_no_time_is_not_given_one(line: bytes) -> None:
    """A day that does not exist, a time that no clock shows, a line that is none."""
    assert read(line, SHANGHAI) is None


@given(st.binary(max_size=80))
def test_any_octets_are_read_or_refused(line: bytes) -> None:
    """No line makes an exception."""
    head = read(line, SHANGHAI)
    assert head is None or isinstance(head.stamp, Stamp)


FORMS = st.sampled_from(
    [
        "{day:%b} {day.day:2d} {time} {host} x",
        "<13>{day:%b} {day.day:2d} {time} {host} x",
        "{day:%b} {day.day:2d} {day.year} {time} {host} x",
        "{day}T{time}+08:00 {host} x",
        "{day}T{time}.25Z {host} x",
        "{day} {time} {host} x",
        "<14>1 {day}T{time}-05:00 {host} x",
        "{day}T{time}+05:45 {host} x",
    ]
)
CLOCKS = st.tuples(st.integers(0, 29), st.integers(0, 59), st.integers(0, 61)).map(
    lambda parts: "{:02d}:{:02d}:{:02d}".format(*parts)
)
NEAR = st.dates(date(2026, 3, 6), date(2026, 3, 12))
LINES = st.tuples(FORMS, NEAR, CLOCKS, st.sampled_from(["a", "b:", "10.0.0.1"])).map(
    lambda parts: parts[0].format(day=parts[1], time=parts[2], host=parts[3]).encode()
)
ZONES = st.sampled_from([SHANGHAI, NEW_YORK, KATHMANDU])


@settings(max_examples=300, deadline=None)
@given(LINES, LINES, ZONES)
def test_both_ways_to_read_agree(one: bytes, other: bytes, zone: ZoneInfo) -> None:
    """The pattern of a line's form and day matches another line exactly if that has the same form and day.

    The days include the one on which New York puts its clocks forward.
    """
    head, second = read(one, zone), read(other, zone)
    assert head is not None
    assert second is not None
    pattern = day_pattern(head.stamp, head.form, zone)
    if pattern is None:
        return
    same = (second.stamp, second.form) == (head.stamp, head.form)
    if same or second.stamp != head.stamp:
        assert (pattern.every.fullmatch(b"\n" + other) is not None) == same
        assert pattern.one.findall(b"\n" + other) == ([other.split(b" ")[-2]] if same else [])


def test_there_is_no_pattern_for_a_day_of_another_length() -> None:
    """On the day on which clocks go forward, and next to it, lines are read one by one."""
    form = (b"", b"T", b"Z")
    assert day_pattern(Stamp(2026, 3, 8), form, NEW_YORK) is None
    assert day_pattern(Stamp(2026, 3, 20), form, NEW_YORK) is not None
    assert day_pattern(Stamp(2026, 3, 20), form, KATHMANDU) is None


def test_a_civil_time_is_a_moment() -> None:
    """A time of the campus in UTC; what no clock shows is the last that it does."""
    assert moment_of(date(2026, 11, 22), b"00:00:00", SHANGHAI).isoformat() == "2026-11-21T16:00:00+00:00"
    assert moment_of(date(2026, 11, 22), b"23:59:60", SHANGHAI).isoformat() == "2026-11-22T15:59:59+00:00"
