"""Recordings and goldens of the collectors `ipv6` and `census`, ours and those beside the project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agent.lab.snmp.recording import read
from agent.packs.load import config_directory, load_metrics
from tests.collectors.recorded import RecordingTransport, converse

if TYPE_CHECKING:
    from agent.model.reading import Reading

OURS = Path(__file__).parent.parent / "recordings"
SHARED = Path(__file__).parents[3] / "shared" / "fixtures" / "snmp"
RECORDINGS = [*sorted(SHARED.glob("*.snmprec")), *sorted(SHARED.glob("extra/*.snmprec"))]
needs_shared = pytest.mark.skipif(not RECORDINGS, reason="the shared recordings are not beside the project")


def expected() -> dict[str, Any]:
    """Return the facts that another system computed from the shared recordings."""
    found: dict[str, Any] = json.loads((SHARED / "EXPECTED.json").read_text(encoding="utf-8"))["recordings"]
    return found


def readings_of(path: Path, collector: str) -> list[Reading]:
    """Return what a collector reads from a recording, live and by replay."""
    readings, _ = converse(RecordingTransport(read(path)), (collector,))
    return readings


def lines(readings: list[Reading]) -> str:
    """Return readings as the golden files have them: metric, subject, value with unit."""
    return "".join(f"{one.metric}\t{one.subject}\t{one.value} {one.unit}".rstrip() + "\n" for one in readings)


def must_fit_the_metrics(readings: list[Reading]) -> None:
    """Check every reading against the metric that it names: it exists, with this unit, and a state is one of its."""
    metrics = load_metrics(config_directory())
    for one in readings:
        metric = metrics[one.metric]
        assert one.unit == metric.unit, one
        assert not metric.states or one.value in metric.states or one.metric == "collector.answer", one
        assert not metric.unit or one.value.replace(".", "", 1).isdigit(), one
        assert one.value, one
