"""Systems answer over IP: how often, in which hours, and what silence does not prove."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from agent.assess.derive import DERIVATIONS
from agent.assess.samples import Readings
from agent.canonical import digest
from agent.errors import ConfigError
from agent.model.asset import Asset
from agent.model.calendar import SchoolCalendar, Term
from agent.model.campus import Campus, School, System
from agent.model.finding import Reason, Window
from agent.model.reading import Grade, Reading
from agent.model.system import SYSTEMS
from agent.packs.load import config_directory, load_metrics

if TYPE_CHECKING:
    from agent.assess.derive.derived import Derived

METRICS = load_metrics(config_directory())
WINDOW = Window(since="2026-10-11T16:00:00Z", until="2026-10-25T16:00:00Z")
"""Two weeks of Shanghai's days: Monday 12 to Sunday 25 October."""
DAYS = [date(2026, 10, 12) + timedelta(days=each) for each in range(14)]
SCHOOL = [day for day in DAYS if day.weekday() < 5]
HOSTS = tuple(Asset(id=name, family="ip-host", address="192.0.2.1") for name in ("a", "b", "nvr"))


def campus(*systems: tuple[str, tuple[str, ...]], calendar: SchoolCalendar | None = None) -> Campus:
    """A campus of three hosts and these systems."""
    declared = tuple(System.from_json({"kind": kind, "assets": list(assets)}) for kind, assets in systems)
    school = School(id="s", name="s")
    return Campus(version="1", school=school, assets=HOSTS, systems=declared, calendar=calendar)


def told(metric: str, subject: str, value: str, day: date, hour: int) -> Reading:
    """A reading at an hour of Shanghai's clock, with an exchange of its own."""
    at = f"{day - timedelta(days=1) if hour < 8 else day}T{(hour - 8) % 24:02d}:00:00Z"
    source = digest(f"{metric} {subject} {at}".encode())
    unit = METRICS[metric].unit
    return Reading(
        metric=metric, subject=subject, value=value, unit=unit, at=at, grade=Grade.MEASURED, sources=(source,)
    )


def answers(asset: str, *states: str, days: list[date] = SCHOOL, hours: tuple[int, ...] = (9, 10)) -> list[Reading]:
    """Answers of a host in turn, at these hours of these days."""
    moments = [(day, hour) for day in days for hour in hours]
    return [
        told("host.answer", f"asset:{asset}", states[place % len(states)], day, hour)
        for place, (day, hour) in enumerate(moments)
    ]


def derive(school: Campus, readings: list[Reading], /, **method: str) -> Derived:
    """Derive, and check what must hold of every figure."""
    found = DERIVATIONS["systems"](Readings(readings, WINDOW), school, WINDOW, method)
    for reading in found.readings:
        assert (METRICS[reading.metric].derivation, reading.unit, reading.at) == ("systems", "1", WINDOW.until)
        assert reading.grade is Grade.CORROBORATED
        assert reading.sources
    return found


def figure(found: Derived, kind: str) -> str | Reason:
    """Return the figure of a kind, or why it is open."""
    key = ("system.answers", f"system:{kind}")
    if key in found.open:
        assert (found.open[key].low, found.open[key].high) == ("0", "1")
        return found.open[key].reason
    return next(reading.value for reading in found.readings if reading.subject == key[1])


def test_every_kind_is_named() -> None:
    """Kinds without a system have no target; there is one figure or one reason for each."""
    found = derive(campus(("tv", ("a",))), answers("a", "answers"))
    assert {kind: figure(found, kind) for kind in SYSTEMS if kind != "tv"} == {
        kind: Reason.NO_TARGET for kind in SYSTEMS if kind != "tv"
    }
    assert figure(found, "tv") == "1"


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (("answers",), "1"),
        (("answers",) * 9 + ("silent",), "1"),
        (("answers",) * 9 + ("refuses",), "1"),
        (("answers",) * 8 + ("silent",) * 2, Reason.UNREACHABLE),
        (("answers",) * 8 + ("refuses",) * 2, "0"),
        (("answers",) * 8 + ("silent", "refuses"), Reason.UNREACHABLE),
        (("silent",), Reason.UNREACHABLE),
        (("refuses",), "0"),
        (("silent",) * 9 + ("refuses",), Reason.UNREACHABLE),
        (("silent",) * 8 + ("refuses",) * 2, "0"),
    ],
)
def test_answers_count_and_silence_proves_nothing(states: tuple[str, ...], expected: str | Reason) -> None:
    """At the share exactly it holds; only a host's own refusal makes it fail, silence leaves it open."""
    assert figure(derive(campus(("tv", ("a",))), answers("a", *states)), "tv") == expected


def test_the_share_is_a_setting() -> None:
    """What the standard states counts."""
    readings = answers("a", *("answers",) * 8, "silent", "silent")
    assert figure(derive(campus(("tv", ("a",))), readings, share="0.8"), "tv") == "1"
    assert figure(derive(campus(("tv", ("a",))), readings, share="0.81"), "tv") is Reason.UNREACHABLE


def test_all_assets_of_all_systems_of_a_kind_count() -> None:
    """One that fails settles it; one that is silent leaves it open; one that is unknown has no target."""
    good, bad, silent = answers("a", "answers"), answers("b", "refuses"), answers("nvr", "silent")
    two = campus(("tv", ("a",)), ("tv", ("b", "nvr")))
    assert figure(derive(two, good + bad + silent), "tv") == "0"
    assert figure(derive(campus(("tv", ("a", "nvr"))), good + silent), "tv") is Reason.UNREACHABLE
    assert figure(derive(campus(("tv", ("a", "gone"))), good), "tv") is Reason.NO_TARGET
    assert figure(derive(campus(("tv", ("a", "b"))), good), "tv") is Reason.TOO_FEW_SAMPLES


def test_only_school_hours_count_for_hosts() -> None:
    """A host that is switched off at night and on Sundays answers all the same, and one that only then answers not."""
    school = campus(("tv", ("a",)))
    day = answers("a", "answers", hours=(8, 16))
    outside = answers("a", "silent", hours=(7, 17, 23)) + answers(
        "a", "silent", days=[d for d in DAYS if d.weekday() > 4]
    )
    assert figure(derive(school, day + outside), "tv") == "1"
    assert figure(derive(school, answers("a", "answers", hours=(7, 17))), "tv") is Reason.TOO_FEW_SAMPLES
    assert figure(derive(school, answers("a", "answers", hours=(7, 17)), from_hour="7"), "tv") == "1"


def test_the_calendar_tells_school_days() -> None:
    """On a holiday nobody has to answer; a Saturday made up for counts."""
    calendar = SchoolCalendar(
        terms=(Term(since="2026-10-12", until="2026-10-25"),),
        holidays=tuple(day.isoformat() for day in SCHOOL[4:]),
        make_up_days=("2026-10-24",),
    )
    school = campus(("tv", ("a",)), calendar=calendar)
    assert figure(derive(school, answers("a", "answers", days=DAYS)), "tv") == "1"
    assert figure(derive(school, answers("a", "answers", days=DAYS), days="6"), "tv") is Reason.WINDOW_TOO_SHORT
    assert figure(derive(school, answers("a", "answers", days=SCHOOL)), "tv") is Reason.WINDOW_TOO_SHORT


def test_too_few_days_prove_nothing() -> None:
    """Four days of the best answers, or refusals, are too short; the fifth settles it. Silence stays unreachable."""
    school = campus(("tv", ("a",)))
    for state, settled in (("answers", "1"), ("refuses", "0")):
        assert figure(derive(school, answers("a", state, days=SCHOOL[:4])), "tv") is Reason.WINDOW_TOO_SHORT
        assert figure(derive(school, answers("a", state, days=SCHOOL[:5])), "tv") == settled
    assert figure(derive(school, answers("a", "silent", days=SCHOOL[:2])), "tv") is Reason.UNREACHABLE


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("ok", "1"),
        ("refused", "1"),
        ("unsupported", "1"),
        ("unreachable", Reason.UNREACHABLE),
        ("deadline", Reason.UNREACHABLE),
    ],
)
def test_any_conversation_shows_that_a_device_answers(state: str, expected: str | Reason) -> None:
    """A recorder that is asked at night, a switch, a broker: whoever says no has answered."""
    readings = [told("collector.answer", "recorder:nvr", state, day, 3) for day in SCHOOL]
    assert figure(derive(campus(("recording", ("nvr",))), readings), "recording") == expected


def test_the_conversation_of_a_probe_is_no_answer_of_the_host() -> None:
    """That this server could knock, or could not, says nothing of who lives there."""
    for state, reason in (("ok", Reason.TOO_FEW_SAMPLES), ("unsupported", Reason.UNSUPPORTED)):
        readings = [told("collector.answer", "reach:a", state, day, 9) for day in SCHOOL]
        assert figure(derive(campus(("tv", ("a",))), readings), "tv") is reason


def test_a_site_is_a_system_too() -> None:
    """Pages that were served are answers, pages that were not are silence: the fault may lie anywhere."""
    for value, expected in (("1", "1"), ("0", Reason.UNREACHABLE)):
        readings = [told("platform.success", "asset:a", value, day, 9) for day in SCHOOL]
        assert figure(derive(campus(("website", ("a",))), readings), "website") == expected


def test_one_exchange_of_each_day_is_cited() -> None:
    """What decided is named, and not thousands of it."""
    readings = answers("a", "answers", hours=tuple(range(8, 17)))
    (found,) = derive(campus(("tv", ("a",))), readings).readings
    assert len(found.sources) == len(SCHOOL)
    assert set(found.sources) <= {source for reading in readings for source in reading.sources}


@pytest.mark.parametrize("method", [{"hours": "8"}, {"from_hour": "17"}, {"until_hour": "25"}, {"share": "most"}])
def test_wrong_settings_are_named(method: dict[str, str]) -> None:
    """A setting that is unknown, no number, or no hour of a day is the pack's fault."""
    with pytest.raises(ConfigError):
        derive(campus(), [], **method)
