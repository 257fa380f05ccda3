"""What was judged, from a file that a person names: a bundle, or what `assess --json` or a region's roll-up printed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from agent import canonical
from agent.errors import UsageError
from agent.model.finding import Assessment
from agent.model.region import RegionResult
from agent.packs.load import config_directory, load_metrics, load_standard
from agent.report import ReportInput
from agent.runtime.report_input import report_input
from agent.verify.bundle import verify_bundle

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from agent.model.campus import Campus
    from agent.model.metric import Metric
    from agent.model.standard import Standard
    from agent.packs.load import Pack
    from agent.verify.bundle import Verified
    from agent.verify.policy import Trust

__all__ = ["Judged", "named_standard", "open_judged"]

_ZIP = b"PK"


@dataclass(frozen=True)
class Judged:
    """Assessments, the newest of each standard, and what they rest on, as far as the file has it."""

    given: ReportInput
    standards: dict[str, Standard] = field(default_factory=dict)
    """The packs that were judged by, by id; of a file without packs those of this program, if they are the same."""
    verified: Verified | None = None
    """None: the file is no bundle, and carries no evidence."""

    @property
    def holds(self) -> bool:
        """Tell whether every check of the evidence held; without evidence there is nothing that fails."""
        return self.given.verified is not False


def open_judged(
    data: bytes,
    name: str,
    *,
    campus: Campus | None = None,
    trust: Trust | None = None,
    packs: frozenset[str] | None = None,
    translate: Callable[[str], str] = str,
) -> Judged:
    """Verify a bundle, or read assessments.

    Args:
        data: the bytes of the file.
        name: what errors and results call it.
        campus: the campus file beside assessments; of a bundle, its own counts.
        trust: keys pinned by the reviewer.
        packs: digests of packs that count; None: those that this program carries.
        translate: for the details of checks.

    Raises:
        MalformedError: it is neither.
        UsageError: it holds no assessment.
    """
    if not data.startswith(_ZIP):
        return _from_json(data, name, campus)
    found = verify_bundle(data, trust=trust, packs=packs)
    given = report_input(found, name=name, translate=translate)
    if not given.assessments:
        raise UsageError("this bundle holds no assessment", where=name, todo="Run campus-agent verify for the reasons")
    newest = {one.standard: one for one in given.assessments}
    given = replace(given, assessments=tuple(newest.values()))
    return Judged(given, {one.id: one for one in given.standards}, found)


def _from_json(data: bytes, name: str, campus: Campus | None) -> Judged:
    """Read what `assess --json` or `backend region assess` printed: one object, or a list of them."""
    value = canonical.loads(data, where=name)
    items = value if isinstance(value, list) else [value]
    if not items:
        raise UsageError(
            "there is no assessment in this file", where=name, todo="Write one with campus-agent assess --json"
        )
    assessments = []
    for item in items:
        region = isinstance(item, dict) and "region_file" in item
        assessments.append(
            RegionResult.from_json(item, where=name).assessment if region else Assessment.from_json(item, where=name)
        )
    directory = config_directory()
    metrics = load_metrics(directory)
    packs = [named_standard(directory, one.standard, metrics) for one in assessments]
    standards = {
        one.standard: pack.value
        for one, pack in zip(assessments, packs, strict=True)
        if pack is not None and pack.digest == one.pack
    }
    given = ReportInput(
        assessments=tuple(assessments),
        campus=campus,
        metrics=tuple(metrics.values()),
        standards=tuple(standards.values()),
        bundle=canonical.digest(data),
        bundle_name=name,
    )
    return Judged(given, standards)


def named_standard(directory: Path, name: str, metrics: Mapping[str, Metric]) -> Pack[Standard] | None:
    """Return one standard of a config directory by its id, without reading the others; None: there is no such file.

    Raises:
        PackError: with every fault of the file.
    """
    for path in sorted((directory / "standards").glob("*.yaml")):
        if path.stem == name:
            return load_standard(path, metrics)
    return None
