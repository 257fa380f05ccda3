"""Judge a file of readings alone: no journal, no key, no device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.assess.assess import assess, declared_readings
from agent.packs.load import chosen_standards, config_directory, load_campus, load_metrics, load_standards
from agent.verify.recompute import readings_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from agent.model.finding import Assessment

__all__ = ["assess_file"]


def assess_file(path: Path, data: bytes, standards: Sequence[str], campus_path: Path | None) -> list[Assessment]:
    """Judge the readings by each standard, over the window that they span.

    Raises:
        UsageError: a standard is not known, or there is no reading.
        MalformedError: a line is not a reading, or its unit does not fit.
    """
    directory = config_directory()
    metrics = load_metrics(directory)
    known = load_standards(directory, metrics)
    readings = readings_of(data, where=str(path))
    campus = None
    if campus_path is not None:
        pack = load_campus(campus_path)
        campus = pack.value
        readings += declared_readings(campus, pack.digest)
    return [
        assess(pack.value, pack.digest, readings, metrics=metrics, campus=campus)
        for pack in chosen_standards(known, standards)
    ]
