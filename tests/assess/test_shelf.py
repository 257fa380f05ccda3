"""A shelf of readings gives what the readings themselves would give, whatever they look like."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.assess.samples import Readings
from agent.assess.shelf import Shelf
from agent.errors import MalformedError
from agent.model.finding import Window
from agent.model.reading import Grade, Reading

if TYPE_CHECKING:
    from collections.abc import Sequence

DAY = "2026-11-22T"
METRICS = ("link.speed", "interface.name", "odd \\ metric", "größe")
SUBJECTS = ("egress:telecom", "interface:sw1/p1", "interface:sw1/p2", 'interface:sw1/"quoted"', "interface:sw1/端口 1")
TIMES = st.one_of(
    st.integers(0, 59).map(lambda second: f"{DAY}01:02:{second:02}.000Z"),
    st.sampled_from([f"{DAY}09:02:03+08:00", f"{DAY}01:02:03Z", f"{DAY}01:02:03.0001Z", f"{DAY}01:02:03.120Z"]),
)
SOURCES = st.sampled_from(["sha256:" + 64 * "0", "sha256:" + 64 * "a", "sha256:" + 32 * "7f"])
READING = st.builds(
    Reading,
    metric=st.sampled_from(METRICS),
    subject=st.sampled_from(SUBJECTS),
    value=st.one_of(st.sampled_from(["1000", "1", "", "up", "on\nair", "a|b"]), st.text(max_size=3)),
    unit=st.sampled_from(["", "1", "Mbit/s"]),
    at=TIMES,
    grade=st.sampled_from(Grade),
    sources=st.lists(SOURCES, max_size=2).map(tuple),
)
WINDOWS = st.sampled_from(
    [
        None,
        Window(since=f"{DAY}01:02:03.000Z", until=f"{DAY}01:02:30.000Z"),
        Window(since=f"{DAY}02:00:00Z", until=f"{DAY}03:00:00Z"),
    ]
)


def shelved(files: Sequence[Sequence[Reading]]) -> Shelf:
    """Return a shelf of files, each a run's."""
    shelf = Shelf()
    for file in files:
        shelf.add_file(b"".join(reading.to_bytes() + b"\n" for reading in file), where="readings.jsonl")
    return shelf


def same(found: Readings, wanted: Readings) -> None:
    """All that a rule can ask has the same answer."""
    for metric in METRICS:
        assert found.every(metric) == wanted.every(metric)
        for kind in ("egress", "interface", "other"):
            assert found.subjects(kind, metric) == wanted.subjects(kind, metric)
        for subject in SUBJECTS:
            assert list(found.of(metric, subject)) == list(wanted.of(metric, subject))
            assert found.texts(metric, subject) == wanted.texts(metric, subject)
    assert found.every(*METRICS) == wanted.every(*METRICS)


@given(st.lists(st.lists(READING, max_size=8), max_size=4), st.lists(READING, max_size=3), WINDOWS)
def test_a_shelf_answers_like_the_readings(
    files: list[list[Reading]], values: list[Reading], window: Window | None
) -> None:
    """Escapes, other zones, several sources, readings that are given twice: nothing is lost, changed or reordered."""
    shelf = shelved(files)
    shelf.add(values)
    same(shelf.within(window), Readings([*(one for file in files for one in file), *values], window))


@pytest.mark.parametrize("count", [255, 256, 257, 1000])
def test_a_long_series_comes_back_whole(count: int) -> None:
    """Compressed parts and the rest that is not compressed yet make one series, in a window and without one."""
    files = [
        [
            Reading(
                metric="link.speed", subject=subject, value=str(number * 7919), unit="Mbit/s",
                at=f"{DAY}01:{number // 60 % 60:02}:{number % 60:02}.{number % 7:03}Z", grade=Grade.REPORTED,
                sources=(f"sha256:{number:064x}",),
            )
            for subject in SUBJECTS[:2]
        ]
        for number in range(count)
    ]  # fmt: skip
    shelf = shelved(files)
    flat = [one for file in files for one in file]
    same(shelf.within(None), Readings(flat))
    window = Window(since=f"{DAY}01:01:00.000Z", until=f"{DAY}01:04:20.000Z")
    same(shelf.within(window), Readings(flat, window))


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b"{}\n", "r.jsonl:1"),
        (b"\xff\n", "r.jsonl"),
        (b'{"at":"2026-99-22T01:02:03.000Z","grade":"reported","metric":"m","sources":["sha256:' + b"0" * 64
         + b'"],"subject":"s","unit":"","value":""}', "r.jsonl:1"),
        (b'\n{"at":"2026-11-22T01:02:03.000Z","grade":"guessed","metric":"m","sources":["sha256:' + b"0" * 64
         + b'"],"subject":"s","unit":"","value":""}', "r.jsonl:2"),
    ],
)  # fmt: skip
def test_what_is_no_reading_is_named(data: bytes, where: str) -> None:
    """A file that is damaged is an error with its line, also where it looks like a reading."""
    with pytest.raises(MalformedError) as error:
        Shelf().add_file(data, where="r.jsonl")
    assert error.value.where == where
