"""Assessments as OSCAL assessment-results (NIST OSCAL 1.1.3, JSON): one result per standard.

A clause is a control, a criterion an assessment objective. A criterion becomes a finding, and each of its observations
an observation whose evidence links lead to the bundle's files by their SHA-256. OSCAL knows `satisfied` and
`not-satisfied` only: what is open is `not-satisfied` for the reason `other`, and our own outcome stands beside it as a
property. UUIDs are version 5 of the digests: the same input gives the same document.
"""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from agent import __version__
from agent.language import name_of, translator
from agent.model.finding import Outcome
from agent.model.reading import Grade
from agent.report.steps import Steps
from agent.report.text import amount, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agent.model.finding import Assessment, ClauseResult, Finding, Observation
    from agent.model.standard import Indicator, Standard
    from agent.report.given import ReportInput

__all__ = ["OSCAL_VERSION", "assessment_results"]

OSCAL_VERSION: Final = "1.1.3"
_SPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:campus-agent:oscal:v1")
_NAMESPACE: Final = "urn:campus-agent:oscal"
"""Of our properties, as OSCAL wants for names that are not its own."""
_REASONS: Final = {Outcome.SATISFIED: "pass", Outcome.NOT_SATISFIED: "fail", Outcome.PARTIALLY_SATISFIED: "fail"}

_Json = dict[str, Any]


def assessment_results(given: ReportInput, language: str) -> bytes:
    """Return the document; the texts that people read are in the language, names and codes are not.

    Args:
        given: assessments, and for links the exchanges and documents of their bundle.
        language: `zh_CN` or `en`.
    """
    maker = _Maker(given, language, translator(language))
    standards = {one.id: one for one in given.standards}
    results = [maker.result(one, standards.get(one.standard)) for one in given.assessments]
    title = maker.translate("Smart campus: results of the measurement")
    school = given.campus.school.name if given.campus else ""
    root = _uuid("results", given.bundle, language, *(one.pack for one in given.assessments))
    document = {
        "uuid": root,
        "metadata": {
            "title": visible(f"{school} {title}".strip(), 300),
            "last-modified": max(one.window.until for one in given.assessments),
            "version": "1.0",
            "oscal-version": OSCAL_VERSION,
            "props": [_prop("generator", f"campus-agent {__version__}"), _prop("language", language)],
        },
        "import-ap": {"href": "#" + maker.source()},
        "results": results,
        "back-matter": {"resources": maker.resources()},
    }
    return (json.dumps({"assessment-results": document}, ensure_ascii=False, indent=1) + "\n").encode()


@dataclass
class _Maker:
    """What one document is made with; collects the resources that its parts cite."""

    given: ReportInput
    language: str
    translate: Callable[[str], str]
    cited: dict[str, _Json] = field(default_factory=dict)

    def source(self) -> str:
        """Return the resource of the file that all of this was read from: it holds the plan and the packs."""
        name = visible(self.given.bundle_name or "bundle", 200)
        text = self.translate("The signed evidence with the campus file (what was to be measured) and the packs.")
        return self._resource(self.given.bundle, name, name, text)

    def resources(self) -> list[_Json]:
        """Return the resources in an order that does not depend on who cited them first."""
        return [self.cited[key] for key in sorted(self.cited)]

    def result(self, assessment: Assessment, standard: Standard | None) -> _Json:
        """Return a standard judged over a window."""
        own = (self.given.bundle, assessment.standard, assessment.pack, assessment.window.until)
        steps = Steps(assessment.standard, self.language, self.translate)
        indicators = {one.id: one for one in standard.indicators} if standard else {}
        observations: list[_Json] = []
        findings: list[_Json] = []
        for clause in assessment.clauses:
            for finding in clause.findings:
                made = [
                    self._observation((*own, clause.clause, finding.criterion, str(place)), one, assessment)
                    for place, one in enumerate(finding.observations)
                ]
                observations += made
                findings.append(self._finding(own, clause, finding, indicators.get(clause.clause), made, steps))
        title = standard.title.of(self.language) if standard else assessment.standard
        told = self.translate("points proven {proven}, open {open}, of {judged} judged here ({total} in all)").format(
            proven=assessment.points_proven,
            open=assessment.points_open,
            judged=assessment.points_judged,
            total=assessment.points_total,
        )
        document: _Json = {
            "uuid": _uuid("result", *own),
            "title": visible(f"{title} ({assessment.standard} {assessment.version})", 300),
            "description": told,
            "start": assessment.window.since,
            "end": assessment.window.until,
            "props": [
                _prop("pack", assessment.pack),
                _prop("points-proven", assessment.points_proven),
                _prop("points-open", assessment.points_open),
                _prop("points-judged", assessment.points_judged),
                _prop("points-total", assessment.points_total),
                *([_prop("passed", assessment.passed)] if assessment.passed else []),
            ],
            "reviewed-controls": {"control-selections": [_selection(assessment.clauses)]},
        }
        # OSCAL has no empty lists.
        return document | ({"observations": observations} if observations else {}) | {"findings": findings}

    def _finding(
        self,
        own: tuple[str, ...],
        clause: ClauseResult,
        finding: Finding,
        indicator: Indicator | None,
        made: Sequence[_Json],
        steps: Steps,
    ) -> _Json:
        part = next((one for one in indicator.criteria if one.id == finding.criterion), None) if indicator else None
        title = f"{clause.clause} {clause.title.of(self.language)}" + (
            f": {part.title.of(self.language)}" if part else ""
        )
        status: _Json = {
            "state": "satisfied" if finding.outcome is Outcome.SATISFIED else "not-satisfied",
            "reason": _REASONS.get(finding.outcome, "other"),
        }
        said = name_of(finding.outcome, self.translate)
        if finding.reason:
            said += f" ({name_of(finding.reason, self.translate)})"
        if finding.value is not None:
            said += f": {amount(finding.value, finding.unit)}"
        document: _Json = {
            "uuid": _uuid("finding", *own, clause.clause, finding.criterion),
            "title": visible(title, 300),
            "description": visible(said, 500),
            "props": [
                _prop("outcome", finding.outcome),
                *([_prop("reason", finding.reason)] if finding.reason else []),
                *([_prop("grade", finding.grade)] if finding.grade else []),
                *([_prop("value", f"{finding.value} {finding.unit}")] if finding.value is not None else []),
                *([_prop("threshold", finding.threshold)] if finding.threshold is not None else []),
                _prop("clause-points", clause.points),
                _prop("clause-points-proven", clause.points_proven),
                _prop("clause-points-open", clause.points_open),
            ],
            "target": {"type": "objective-id", "target-id": _objective(clause, finding), "status": status},
        }
        if todo := steps.of(finding, part):
            document["remarks"] = "\n\n".join(todo)  # paragraphs, as its markup has them
        if made:
            document["related-observations"] = [{"observation-uuid": one["uuid"]} for one in made]
        return document

    def _observation(self, own: tuple[str, ...], one: Observation, assessment: Assessment) -> _Json:
        metric = next(
            (item.title.of(self.language) for item in self.given.metrics if item.name == one.metric), one.metric
        )
        value = amount(one.value, one.unit)
        statistic = name_of(one.statistic, self.translate)
        document: _Json = {
            "uuid": _uuid("observation", *own),
            "title": visible(f"{metric}: {one.subject}", 300),
            "description": visible(f"{statistic}: {value}", 300),
            "props": [
                _prop("metric", one.metric),
                _prop("subject", one.subject),
                _prop("statistic", one.statistic),
                *([_prop("value", f"{one.value} {one.unit}")] if one.value is not None else []),
                *([_prop("grade", one.grade)] if one.grade else []),
                _prop("samples-expected", str(one.expected)),
                _prop("samples-valid", str(one.valid)),
                _prop("coverage", one.coverage),
            ],
            # A person's word is read, everything else is tried.
            "methods": ["EXAMINE" if one.grade is Grade.DECLARED else "TEST"],
            "collected": assessment.window.until,
        }
        if one.sources:
            document["relevant-evidence"] = [self._evidence(digest) for digest in one.sources]
        return document

    def _evidence(self, digest: str) -> _Json:
        """Return the link to an exchange (a line of a segment) or a document, by digest."""
        kept = self.given.exchanges.get(digest)
        if kept is not None:
            segment = "sha256:" + kept.path.rpartition("/")[2]
            text = self.translate("Raw answers of one device in one run.")
            target = self._resource(segment, kept.path, kept.asset or kept.path, text)
            told = self.translate("line {line} of the raw answers of {asset}").format(line=kept.line, asset=kept.asset)
        else:
            path = self.given.documents.get(digest, "")
            text = self.translate("A document that a declared value rests on.")
            target = self._resource(digest, path, path or digest, text)
            told = text
        return {"href": "#" + target, "description": visible(told, 300), "props": [_prop("digest", digest)]}

    def _resource(self, digest: str, path: str, title: str, description: str) -> str:
        found = _uuid("resource", digest, path)
        link: _Json = {"href": path or f"urn:campus-agent:{digest}"}
        if digest:
            link["hashes"] = [{"algorithm": "SHA-256", "value": digest.removeprefix("sha256:")}]
        self.cited[found] = {
            "uuid": found,
            "title": visible(title, 300),
            "description": description,
            "rlinks": [link],
        }
        return found


def _selection(clauses: Sequence[ClauseResult]) -> _Json:
    return {"include-controls": [{"control-id": _control(clause.clause)} for clause in clauses]}


def _control(clause: str) -> str:
    """Return a clause's number as an OSCAL token, which begins with a letter: other characters as their code."""
    return "clause-" + re.sub(r"[^0-9A-Za-z.-]", lambda found: f"_{ord(found[0]):x}_", clause)


def _objective(clause: ClauseResult, finding: Finding) -> str:
    return f"{_control(clause.clause)}_obj.{finding.criterion}"


def _prop(name: str, value: str) -> Mapping[str, str]:
    return {"name": name, "ns": _NAMESPACE, "value": visible(str(value), 500)}


def _uuid(*names: str) -> str:
    return str(uuid.uuid5(_SPACE, "\n".join(names)))
