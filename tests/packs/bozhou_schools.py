"""Schools of a region: what their own agents would send, made by the real judgement from a few figures."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from agent.assess.assess import assess
from agent.assess.regions import Accepted
from agent.canonical import digest
from agent.model.finding import Window
from agent.model.reading import Grade, Reading
from agent.model.region import Region, RegionSchool
from agent.packs.load import config_directory, load_metrics, load_standard

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from agent.model.finding import Assessment
    from agent.model.rule import Stage
    from agent.model.standard import Standard
    from agent.packs.load import Pack

METRICS = load_metrics(config_directory())


@cache
def pack(name: str) -> Pack[Standard]:
    """Return a shipped standard; only those that are asked for are read."""
    return load_standard(config_directory() / "standards" / f"{name}.yaml", METRICS)


SCHOOL, REGION = pack("bozhou-school-2024"), pack("bozhou-region-2024")
WINDOW = Window(since="2026-10-20T00:00:00Z", until="2026-11-22T00:00:00Z")
YEAR = Window(since="2025-11-22T00:00:00Z", until="2026-11-22T00:00:00Z")
SOURCE = "sha256:" + 64 * "a"
CARD = ("gate", "attendance", "canteen", "shop", "card-library", "calls")
AREAS = ("entrance", "key", "gathering")


def figures(
    *,
    mbps: str = "",
    smart: tuple[int, int] = (0, 0),
    systems: Iterable[str] = (),
    areas: Iterable[str] = (),
    ipv6: bool = False,
    more: Mapping[str, str] | None = None,
    grade: Grade = Grade.CORROBORATED,
) -> list[Reading]:
    """Return what was found of a school: its egress, classes smart and not, systems that answer, areas covered."""
    found = {"link.speed egress:telecom": mbps} if mbps else {}
    found |= {f"class.smart class-from-grade-three:s{n}": "1" for n in range(smart[0])}
    found |= {f"class.smart class-from-grade-three:n{n}": "0" for n in range(smart[1])}
    found |= {f"system.answers system:{name}": "1" for name in systems}
    found |= {f"surveillance.area area:{name}": "1" for name in areas}
    found |= {f"ipv6.layer ipv6:{layer}": "1" for layer in ("egress", "core", "vlans", "terminals") if ipv6}
    found |= more or {}
    return [
        Reading(
            metric=key.split()[0],
            subject=key.split()[1],
            value=value,
            unit=METRICS[key.split()[0]].unit,
            at=at,
            grade=grade,
            sources=(SOURCE,),
        )
        for key, value in found.items()
        # A line is sampled all through the window; of a figure there is one.
        for at in ((WINDOW.since, WINDOW.until) if key.startswith("link.") else (WINDOW.until,))
    ]


def judged(standard: str = "bozhou-school-2024", window: Window = WINDOW, **found: Any) -> Assessment:
    """Return the assessment that a school with these figures would send."""
    by = pack(standard)
    return assess(by.value, by.digest, figures(**found), metrics=METRICS, window=window)


def accepted(name: str, standard: str = "bozhou-school-2024", **found: Any) -> dict[str, Accepted]:
    """Return a school's newest accepted assessment as the roll-up gets it."""
    one = Accepted(judged(standard, **found), pack(standard).value, digest(name.encode()), "2026-11-22T01:00:00.000Z")
    return {standard: one}


def region(*schools: str | RegionSchool, **fields: object) -> Region:
    """Return a region; a school that is only named is a primary school with no class from grade three up."""
    listed = tuple(school if isinstance(school, RegionSchool) else a_school(school) for school in schools)
    return Region.model_validate({"version": "1", "id": "qiaocheng", "name": "谯城区", "schools": listed, **fields})


def a_school(name: str, *stages: Stage, classes: int = 0) -> RegionSchool:
    """Return an entry of the authority's list."""
    return RegionSchool(id=name, name=f"学校 {name}", stages=stages or ("primary",), classes_from_grade_three=classes)
