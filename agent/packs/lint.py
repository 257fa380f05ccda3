"""Run the examples that packs carry, and say by file and line which do not hold.

Judging is done by `agent.assess.examples.judge_example`, which stands above the packs and is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.errors import AgentError
from agent.model.finding import ClauseResult
from agent.model.metric import Metric
from agent.model.standard import Criterion, Example, Indicator, Standard
from agent.packs.check_standard import sums
from agent.packs.kinds import Shown, missing
from agent.packs.load import Pack, family_packs, load_metrics, standard_packs
from agent.packs.recognise import recognise
from agent.packs.yaml_source import PackError

if TYPE_CHECKING:
    from pathlib import Path

    from agent.model.family import Family
    from agent.packs.yaml_source import Path as Place

__all__ = ["JudgeExample", "LintResult", "compared", "lint"]

JudgeExample = Callable[[Standard, Indicator, Criterion, Example, Mapping[str, Metric]], ClauseResult]
"""Judges one example of a standard; raises an AgentError where the example's readings cannot be judged."""


@dataclass(frozen=True)
class LintResult:
    """One thing that was checked."""

    where: str
    """``file:line:column`` of the example, or of the fault."""
    what: str
    """Pack, clause, criterion and name of the example, or the fault."""
    ok: bool
    expected: str = ""
    actual: str = ""


def lint(directory: Path, judge: JudgeExample, *, collectors: Collection[str] | None = None) -> list[LintResult]:
    """Read all packs of a config directory and run all their examples.

    Args:
        directory: holds `metrics`, `families` and `standards`.
        judge: `agent.assess.examples.judge_example`.
        collectors: the collectors that exist; None: any name will do.

    Returns:
        One result per example, per missing edge example and per fault of a file; never raises for a wrong pack.
    """
    results: list[LintResult] = []
    try:
        results += _families(family_packs(directory, collectors=collectors))
    except PackError as error:
        results += _faults(error)
    try:
        metrics = load_metrics(directory)
        for pack in standard_packs(directory, metrics):
            results += _standard(pack, judge, metrics)
    except PackError as error:
        results += _faults(error)
    return results


def _faults(error: PackError) -> list[LintResult]:
    return [LintResult(fault.where, str(fault).removeprefix(f"{fault.where}: "), ok=False) for fault in error.faults]


def _families(packs: tuple[Pack[Family], ...]) -> Iterator[LintResult]:
    families = [pack.value for pack in packs]
    for pack in packs:
        for n, example in enumerate(pack.value.examples):
            found = recognise(
                families,
                sys_object_id=example.sys_object_id,
                sys_descr=example.sys_descr,
                objects=example.objects,
            )
            ok = (found is not None and found.id == pack.value.id) == example.recognised
            yield LintResult(
                where=pack.source.where(("examples", n)),
                what=f"{pack.value.id}: {example.sys_object_id or example.sys_descr or ', '.join(example.objects)}",
                ok=ok,
                expected=pack.value.id if example.recognised else f"not {pack.value.id}",
                actual=found.id if found else "no family",
            )


def _standard(pack: Pack[Standard], judge: JudgeExample, metrics: Mapping[str, Metric]) -> Iterator[LintResult]:
    for fault in sums(pack.value, pack.source):
        yield LintResult(fault.where, str(fault).removeprefix(f"{fault.where}: "), ok=False)
    for n, indicator in enumerate(pack.value.indicators):
        for m, criterion in enumerate(indicator.criteria):
            place: Place = ("indicators", n, "criteria", m)
            title = f"{pack.value.id} {indicator.id} {criterion.id}"
            shown: list[Shown] = []
            for k, example in enumerate(criterion.examples):
                where = pack.source.where((*place, "examples", k))
                what = f"{title}: {example.name}"
                try:
                    clause = judge(pack.value, indicator, criterion, example, metrics)
                except AgentError as error:
                    yield LintResult(where, what, ok=False, actual=str(error))
                    continue
                shown.append(Shown(example, clause))
                expected, actual = compared(example, clause)
                yield LintResult(where, what, ok=expected == actual, expected=_spell(expected), actual=_spell(actual))
            where = pack.source.where((*place, "examples"), key=True)
            for lack in missing(criterion, shown, metrics):
                yield LintResult(where, f"{title}: {lack}", ok=False)


def compared(example: Example, clause: ClauseResult) -> tuple[dict[str, str], dict[str, str]]:
    """Return what the example says, and the same fields of what came out."""
    finding = clause.findings[0]
    expected = {"outcome": example.outcome.value, "reason": example.reason.value if example.reason else "none"}
    actual = {"outcome": finding.outcome.value, "reason": finding.reason.value if finding.reason else "none"}
    if example.points is not None:
        expected["points"], actual["points"] = example.points, clause.points_proven
    if example.points_declared is not None:
        expected["points declared"], actual["points declared"] = example.points_declared, clause.points_declared or "0"
    if example.grade is not None:
        expected["grade"] = example.grade.value
        actual["grade"] = finding.grade.value if finding.grade else "none"
    return expected, actual


def _spell(fields: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in fields.items() if value != "none")
