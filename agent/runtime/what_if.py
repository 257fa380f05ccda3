"""Judge old evidence by another pack: the readings of a bundle or a file, over the window that was judged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from agent.assess.assess import assess, declared_readings, window_of
from agent.clock import parse_time
from agent.errors import UsageError
from agent.model.evidence import EntryKind
from agent.packs.load import (
    chosen_standards,
    config_directory,
    load_campus,
    load_metrics,
    load_standard,
    load_standards,
    parse_campus,
)
from agent.report.compare import Comparison, compared
from agent.runtime.judged import named_standard
from agent.sessions.segment import unpacked
from agent.verify.bundle import verify_bundle
from agent.verify.recompute import readings_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.model.campus import Campus
    from agent.model.finding import Assessment, Window
    from agent.model.metric import Metric
    from agent.model.reading import Reading
    from agent.model.standard import Standard
    from agent.packs.load import Pack
    from agent.verify.bundle import Verified
    from agent.verify.policy import Trust

__all__ = ["compare_bundle", "compare_readings", "pack_named"]


def pack_named(name: str, metrics: Mapping[str, Metric]) -> Pack[Standard]:
    """Return the pack of a file, or the one of that id that this program carries.

    Raises:
        UsageError: it is neither.
        ConfigError: the file is no valid pack.
    """
    path = Path(name)
    if path.suffix == ".yaml" or path.is_file():
        return load_standard(path, metrics)
    directory = config_directory()
    found = named_standard(directory, name, metrics)
    return found or chosen_standards(load_standards(directory, metrics), [name])[0]


def compare_bundle(
    data: bytes, name: str, by: str, then: str = "", *, trust: Trust | None = None, packs: frozenset[str] | None = None
) -> tuple[Comparison, Verified]:
    """Judge the evidence of a bundle by another pack, beside what was signed.

    Args:
        data: the bundle.
        name: what errors call it.
        by: the other pack: a file, or the id of a standard.
        then: which of the signed assessments; empty: the one of the same standard, or the only one.
        trust: keys pinned by the reviewer.
        packs: digests of packs that count; None: those that this program carries.

    Raises:
        UsageError: the bundle has no such assessment, or the pack does not exist.
        ConfigError: the pack is not valid.
    """
    metrics = load_metrics(config_directory())
    pack = pack_named(by, metrics)
    found = verify_bundle(data, trust=trust, packs=packs)
    signed = _signed(found, name, then, pack.value.id)
    readings, campus = _evidence(found, signed.window)
    if campus is None:
        raise UsageError(
            "this bundle carries no campus file for the assessment",
            where=name,
            todo="Run campus-agent verify for the reasons, and ask the school for a bundle that holds",
        )
    readings += declared_readings(campus.value, campus.digest, window=signed.window)
    again = assess(pack.value, pack.digest, readings, metrics=metrics, campus=campus.value, window=signed.window)
    return compared(signed, again), found


def compare_readings(data: bytes, name: str, by: str, then: str, campus_path: Path | None) -> Comparison:
    """Judge a file of readings by two packs, over the window that the readings span.

    Args:
        data: readings, one JSON line each.
        name: what errors call the file.
        by: the pack of now: a file, or the id of a standard.
        then: the pack of then, likewise.
        campus_path: the campus file.

    Raises:
        UsageError: a pack does not exist, or there is no reading.
        ConfigError: a pack or the campus file is not valid.
        MalformedError: a line is not a reading.
    """
    metrics = load_metrics(config_directory())
    readings = readings_of(data, where=name)
    window = window_of(readings)
    campus = None
    if campus_path is not None:
        file = load_campus(campus_path)
        campus = file.value
        readings += declared_readings(campus, file.digest, window=window)
    old, new = (
        assess(pack.value, pack.digest, readings, metrics=metrics, campus=campus, window=window)
        for pack in (pack_named(then, metrics), pack_named(by, metrics))
    )
    return compared(old, new)


def _signed(found: Verified, name: str, then: str, standard: str) -> Assessment:
    """Return the newest signed assessment that is compared with."""
    newest = {one.standard: one for one in found.assessments}
    if not newest:
        raise UsageError("this bundle holds no assessment", where=name, todo="Run campus-agent verify for the reasons")
    wanted = then or (standard if standard in newest or len(newest) > 1 else next(iter(newest)))
    if wanted not in newest:
        raise UsageError(
            "it was not judged by {name!r}",
            where=name,
            todo="Say with --then which to compare with: {known}",
            name=wanted,
            known=", ".join(newest),
        )
    return newest[wanted]


def _evidence(found: Verified, window: Window) -> tuple[list[Reading], Pack[Campus] | None]:
    """Return the readings of the runs that ended in the window, and the campus file that was judged with."""
    readings: list[Reading] = []
    campus = None
    since, until = parse_time(window.since), parse_time(window.until)
    for item in found.statements:
        files = item.files(found.bundle) if found.bundle else {}
        predicate = item.statement.predicate
        if item.kind is EntryKind.RUN and since <= parse_time(predicate.time.finished) <= until:
            lines = unpacked(files, "readings.jsonl")
            readings += readings_of(lines, where=f"readings.jsonl of entry {item.seq}") if lines is not None else []
        if item.kind is EntryKind.ASSESSMENT and predicate.window == (window.since, window.until):
            data = files.get("campus.yaml")
            campus = parse_campus(data, "campus.yaml") if data is not None else campus
    return readings, campus
