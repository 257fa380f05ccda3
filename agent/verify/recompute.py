"""Recomputation: raw answers -> readings -> findings, byte for byte, by the same code that the agent ran."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from agent.assess.assess import assess, declared_readings
from agent.collectors import measure
from agent.errors import VerificationError
from agent.model.reading import Reading
from agent.sessions.replay import ReplaySession

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.model.campus import Campus
    from agent.model.finding import Assessment, Window
    from agent.sessions.segment import Segment
    from agent.verify.parsed import ParsedFiles

__all__ = ["readings_bytes", "readings_of", "recompute_assessment", "replay_segment"]


def replay_segment(segment: Segment, campus: Campus, *, where: str) -> list[Reading]:
    """Run the segment's collectors against its record and return their readings.

    Raises:
        ReplayError: the record holds other requests than the collectors ask, or more.
        MalformedError: a recorded answer does not decode.
    """
    session = ReplaySession(segment.exchanges, where=where)
    header = segment.header
    readings = asyncio.run(measure(header.asset, campus, header.collectors, session))
    session.finish()
    return readings


def readings_bytes(readings: Sequence[Reading]) -> bytes:
    """Return a `readings.jsonl` file: canonical lines, in the order given."""
    return b"".join(reading.to_bytes() + b"\n" for reading in readings)


def readings_of(data: bytes, *, where: str) -> list[Reading]:
    """Parse a `readings.jsonl` file.

    Raises:
        MalformedError: a line is not a reading.
    """
    return [
        Reading.from_bytes(line, where=f"{where}:{number + 1}") for number, line in enumerate(data.splitlines()) if line
    ]


def recompute_assessment(
    claimed: Assessment,
    files: Mapping[str, bytes],
    readings: Sequence[Reading],
    window: Window,
    parsed: ParsedFiles,
) -> Assessment:
    """Judge the readings again with the packs of the bundle.

    Args:
        claimed: the assessment as signed; says which standard.
        files: what the assessment's statement names: `campus.yaml`, `metrics/*.yaml`, `standards/<id>.yaml`.
        readings: of all runs in the window, in chain order.
        window: what the statement says was judged.
        parsed: the files that were parsed before, for another standard or statement.

    Raises:
        VerificationError: a file is missing.
        ConfigError: a pack in the bundle is not valid.
    """
    name = f"standards/{claimed.standard}.yaml"
    if name not in files or "campus.yaml" not in files:
        raise VerificationError(
            "the assessment of {standard} does not carry {name} and campus.yaml",
            standard=claimed.standard,
            name=name,
        )
    pack = parsed.standard(files, name)
    campus = parsed.campus(files["campus.yaml"])
    return assess(
        pack.value,
        pack.digest,
        [*readings, *declared_readings(campus.value, campus.digest, window=window)],
        metrics=parsed.metrics(files),
        campus=campus.value,
        window=window,
    )
