"""The traffic plot: every peak kept, gaps shown, any series drawable."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from agent.clock import time_text
from agent.language import translator
from agent.report.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Level, Sample, beyond, traffic_plot
from agent.report.text import zone_of

if TYPE_CHECKING:
    from collections.abc import Sequence

SVG = "{http://www.w3.org/2000/svg}"
START = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)


def series(values: Sequence[int | None], step: timedelta = timedelta(minutes=5)) -> list[Sample]:
    """Return samples of equal steps; None is a missing one."""
    return [
        Sample(time_text(START + at * step), None if value is None else str(value), None)
        for at, value in enumerate(values)
    ]


def plot(samples: Sequence[Sample], levels: Sequence[Level] = (), language: str = "en") -> ET.Element:
    """Return the parsed plot."""
    svg = traffic_plot(
        samples,
        title="Traffic",
        ident="p1",
        translate=translator(language),
        levels=levels,
        zone=zone_of("Asia/Shanghai"),
    )
    return ET.fromstring(str(svg))


def points(root: ET.Element, name: str = "in") -> list[list[tuple[float, ...]]]:
    """Return the runs of a line as lists of (x, y)."""
    runs: list[list[tuple[float, ...]]] = []
    for path in root.iter(f"{SVG}path"):
        if path.get("class") == name:
            drawn = path.get("d", "").split("M")[1:]
            runs += [[tuple(map(float, pair.split())) for pair in run.split("L")] for run in drawn]
    return runs


def test_an_empty_series_is_explained() -> None:
    """Without samples the plot says so, in the reader's language, instead of drawing nothing."""
    assert "No valid traffic sample" in "".join(plot([]).itertext())
    assert "没有有效的流量样本" in "".join(plot(series([None, None]), language="zh_CN").itertext())


def test_one_sample_is_a_dot() -> None:
    """A single sample is visible."""
    root = plot(series([5_000_000]))
    assert len(list(root.iter(f"{SVG}circle"))) == 1
    assert points(root) == []


def test_flat_zero_line() -> None:
    """A link without traffic is a line on the ground, not a division by zero."""
    (run,) = points(plot(series([0] * 10)))
    assert {y for _, y in run} == {float(HEIGHT - BOTTOM)}


def test_gaps_break_the_line() -> None:
    """Missing samples, marked or simply absent, leave a hole in the line and a grey block behind it."""
    marked = plot(series([1, 2, None, None, None, 3, 4]))
    samples = series([1, 2, 3, 4, 5, 6, 7, 8, 9])
    absent = plot(samples[:3] + samples[7:])
    for root in (marked, absent):
        assert len(points(root)) == 2
        assert [rect.get("class") for rect in root.iter(f"{SVG}rect")] == ["nodata"]


def test_ten_thousand_samples_keep_their_peak() -> None:
    """A long series is thinned, and its highest and lowest sample survive."""
    values = [50_000_000 + (at * 7919) % 1_000_003 for at in range(10_000)]
    values[6_789], values[1_234] = 900_000_000, 0
    root = plot(series(values))
    (run,) = points(root)
    assert 600 < len(run) <= 1400
    heights = [y for _, y in run]
    assert max(heights) == HEIGHT - BOTTOM
    highest, second = sorted(heights)[:2]
    assert highest < second - 50
    assert "900\u00a0Mbit/s" in root.findtext(f"{SVG}desc", "")


def test_levels_far_above_are_named_not_drawn() -> None:
    """A line speed far above the traffic does not flatten it; the caller learns of it to name it."""
    levels = (Level("1000000000", "line speed", "speed"), Level("6000000", "p95", "p95"))
    samples = series([5_000_000, 7_000_000, 6_000_000])
    root = plot(samples, levels)
    assert [line.get("class") for line in root.iter(f"{SVG}line") if line.get("class") != "grid"] == ["p95"]
    assert [level.label for level in beyond(samples, levels)] == ["line speed"]


def test_time_axis_is_labelled_at_every_span() -> None:
    """From seconds to a year, the axis has some labels and not too many, at round times of the campus."""
    for step in (timedelta(seconds=2), timedelta(minutes=5), timedelta(hours=1), timedelta(days=1), timedelta(days=20)):
        texts = [text.text or "" for text in plot(series(range(20), step)).iter(f"{SVG}text")]
        labels = [text for text in texts if re.fullmatch(r"\d\d[:-]\d\d(:\d\d)?", text)]
        assert 3 <= len(labels) <= 9, (step, labels)


def test_the_plot_is_described() -> None:
    """A screen reader gets a title and a summary with count, span and peaks."""
    root = plot(series([5_000_000, 7_000_000]))
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "p1-t p1-d"
    assert root.findtext(f"{SVG}title") == "Traffic"
    assert root.findtext(f"{SVG}desc", "") == (
        "2 samples from 2026-11-21 00:00 +08:00 to 2026-11-21 00:05 +08:00. Peak in 7\u00a0Mbit/s, peak out –."
    )


def test_texts_in_the_plot_are_escaped() -> None:
    """A level's name cannot become markup."""
    root = plot(series([1, 2]), (Level("1", '</text><script x="', "band"),))
    assert not list(root.iter(f"{SVG}script"))


Row = tuple[int, str | None, str | None]
RATES = st.one_of(st.none(), st.decimals(min_value=-1, max_value=10**13, places=3).map(str), st.just("junk"))


@given(
    st.lists(st.tuples(st.integers(0, 10**9), RATES, RATES), max_size=60),
    st.lists(st.integers(0, 10**13).map(str), max_size=4),
)
def test_any_series_is_drawn_inside_its_frame(
    rows: list[tuple[int, str | None, str | None]], levels: list[str]
) -> None:
    """Whatever the samples, the plot is well-formed XML and no point lies outside the axes."""
    samples = [Sample(time_text(START + timedelta(seconds=at)), one, two) for at, one, two in rows]
    root = plot(samples, tuple(Level(bps, "x", "band") for bps in levels))
    for name in ("in", "out"):
        for run in points(root, name):
            for x, y in run:
                assert LEFT <= x <= WIDTH - RIGHT + 0.1
                assert TOP - 0.1 <= y <= HEIGHT - BOTTOM + 0.1
    assert not re.search(r"nan|inf", str(ET.tostring(root)).split("</desc>")[-1].replace('in"', ""))
