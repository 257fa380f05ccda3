"""Small standards made in the test, and schools judged by them, for the tests of the language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.assess.assess import judge_standard, stated_readings
from agent.assess.figures import given_figures
from agent.assess.observe import DECLARATION, Scene
from agent.assess.plan import Plan
from agent.assess.samples import Readings
from agent.model.base import Text
from agent.model.finding import Assessment, Finding, Outcome, Reason, Window
from agent.model.reading import Grade, Reading
from agent.model.standard import Criterion, Standard
from tests.assess.scenes import METRICS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.assess.derive.derived import Open

WINDOW = Window(since="2026-11-16T00:00:00.000Z", until="2026-11-20T00:00:00.000Z")
WORDS = Text(zh="示例", en="Example").to_json()
NO_PACK = "sha256:" + 64 * "0"
EXAMPLES = [{"name": "none", "outcome": "inconclusive"}]
SMART, RATIO, WIFI = "class.smart", "ratio.students_per_computer", "room.wifi"


def criterion(name: str, **fields: Any) -> dict[str, Any]:
    """A criterion as a pack holds it."""
    return {"id": name, "title": WORDS, "remedy": WORDS, "examples": EXAMPLES, **fields}


def paper(name: str, **fields: Any) -> dict[str, Any]:
    """A criterion that only a document shows."""
    return criterion(name, declared={"document": WORDS}, **fields)


def room(name: str, kind: str, **fields: Any) -> dict[str, Any]:
    """A criterion on the Wi-Fi of rooms of one kind: each must have it."""
    return criterion(name, measure={"metric": WIFI, "subjects": kind, "unit": "1"}, **fields)


def clause(name: str, points: str, *criteria: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A clause as a pack holds it."""
    return {"id": name, "title": WORDS, "points": points, "criteria": list(criteria), **fields}


def standard(*clauses: dict[str, Any], total: str = "100", **fields: Any) -> Standard:
    """A standard of these clauses."""
    made = {"id": "made", "version": "1", "title": WORDS, "document": WORDS, "total": total}
    return Standard.from_json({**made, "indicators": list(clauses), **fields})


def figure(metric: str, subject: str, value: str, grade: Grade = Grade.CORROBORATED) -> Reading:
    """A derived figure."""
    return Reading(
        metric=metric,
        subject=subject,
        value=value,
        unit=METRICS[metric].unit,
        at=WINDOW.until,
        grade=grade,
        sources=(),
    )


def declared(name: str, value: str) -> Reading:
    """What the campus file declares for a criterion."""
    made = figure(WIFI, f"criterion:made/{name}", value, Grade.DECLARED)
    return made.model_copy(update={"metric": DECLARATION, "unit": "1"})


def judged(
    pack: Standard,
    readings: Sequence[Reading] = (),
    unsettled: Mapping[tuple[str, str], Open] | None = None,
    *,
    stages: tuple[str, ...] = (),
    choices: Mapping[str, str] | None = None,
) -> Assessment:
    """Judge the standard on figures, declarations, and figures that are not settled."""
    scene = Scene(
        readings=Readings(readings, WINDOW),
        stated=stated_readings(pack, readings, WINDOW),
        metrics=METRICS,
        plan=Plan(),
        window=WINDOW,
        figures=given_figures(readings, METRICS, unsettled),
        standard=pack.id,
        stages=stages,
    )
    return judge_standard(pack, NO_PACK, scene, choices or {})


def finding(part: dict[str, Any], *arguments: Any, **keywords: Any) -> Finding:
    """Judge one criterion alone."""
    scaled = Criterion.from_json(part).judge.kind in {"bands", "deduct"}
    points = part["judge"]["points"] if part.get("judge", {}).get("kind") == "deduct" else "1"
    made = standard(clause("1", points, part, award="scale" if scaled else "all-parts"))
    return judged(made, *arguments, **keywords).clauses[0].findings[0]


def outcome(assessment: Assessment, place: int = 0) -> tuple[Outcome, Reason | None, str, str, str | None]:
    """Outcome, reason, points proven, open and declared of a clause."""
    found = assessment.clauses[place]
    return found.outcome, found.reason, found.points_proven, found.points_open, found.points_declared
