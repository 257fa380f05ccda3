"""From a verified bundle to what a report shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.errors import AgentError
from agent.model.evidence import EntryKind
from agent.packs.load import parse_metrics, parse_standard
from agent.report import CheckLine, KeptExchange, ReportInput, RunLine

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.evidence.bundle import BundleContents
    from agent.model.metric import Metric
    from agent.model.standard import Standard
    from agent.verify.bundle import Verified
    from agent.verify.statements import Opened

__all__ = ["report_input"]


def report_input(found: Verified, *, name: str, translate: Callable[[str], str] = str) -> ReportInput:
    """Return what the report shows of a bundle, whether or not it holds; `translate` gives the checks' details."""
    metrics, standards = _packs(found, found.bundle)
    return ReportInput(
        assessments=tuple(found.assessments),
        readings=tuple(found.readings),
        exchanges={
            digest: KeptExchange(
                kept.exchange, f"blobs/sha256/{kept.segment.removeprefix('sha256:')}", kept.line, kept.asset
            )
            for digest, kept in found.exchanges.items()
        },
        documents=_documents(found),
        campus=found.campus,
        runs=tuple(_line(item, found) for item in found.statements),
        checks=tuple(CheckLine(check.name, check.ok, check.told(translate)) for check in found.result.checks),
        bundle=found.result.bundle,
        bundle_name=name,
        metrics=metrics,
        standards=standards,
    )


def _line(item: Opened, found: Verified) -> RunLine:
    predicate = item.statement.predicate
    leaf = found.leaves.get(item.seq)
    return RunLine(
        seq=item.seq,
        kind=item.kind,
        started=predicate.time.started,
        finished=predicate.time.finished,
        payload=item.digest,
        received=leaf.received if leaf else None,
        assurance=found.result.assurance.get(item.seq, "deferred" if leaf else "chained"),
        detail=predicate.reason or "",
    )


def _documents(found: Verified) -> dict[str, str]:
    """Return where the bundle keeps the files that are no segments, by digest."""
    return {
        subject.digest.digest(): f"blobs/sha256/{subject.digest.sha256}"
        for item in found.statements
        for subject in item.statement.subject
        if not subject.name.startswith("raw/")
    }


def _packs(found: Verified, bundle: BundleContents | None) -> tuple[tuple[Metric, ...], tuple[Standard, ...]]:
    metrics: dict[str, Metric] = {}
    standards: dict[str, Standard] = {}
    for item in found.statements:
        if bundle is None or item.kind is not EntryKind.ASSESSMENT:
            continue
        for path, data in sorted(item.files(bundle).items()):
            try:
                if path.startswith("metrics/"):
                    metrics |= {metric.name: metric for metric in parse_metrics(data, path).value.metrics}
                elif path.startswith("standards/"):
                    standards[path] = parse_standard(data, path).value
            except AgentError:
                continue  # the verification names the pack that does not parse; the page shows its ids
    return tuple(metrics.values()), tuple(standards.values())
