"""Whole judgements, compared with golden files; and the promises that hold for every judgement."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import MalformedError, UsageError
from agent.model.campus import Link
from agent.model.finding import Assessment, Outcome, Reason
from agent.model.reading import Grade, Reading
from tests.assess import scenes

if TYPE_CHECKING:
    import random

HERE = Path(__file__).parent
GOLDEN = HERE / "findings"


BOZHOU, JIANGSU = "bozhou-school-2024", "jiangsu-2018"
TELECOM, MOBILE = scenes.egress("telecom"), scenes.egress("mobile")


def a_day_with_troubles() -> Assessment:
    """Two lines, one with a contract: a restart, a port that moved, a poll that was lost, a line that went down."""
    readings = scenes.line("telecom", [1000] * 16)
    step, octets, ticks = 4_500_000_000, [10**12], [10**7]
    for poll in range(1, 16):
        restarted = poll == 5
        octets.append(3000 if restarted else octets[-1] + (0 if poll == 9 else 2 * step if poll == 10 else step))
        ticks.append(2000 if restarted else ticks[-1] + 30_000)
    lost: list[object] = [*octets[:13], None, *octets[14:]]
    readings += scenes.series("link.octets.in", "egress:telecom", lost)
    readings += scenes.series("link.octets.out", "egress:telecom", [n // 10 for n in octets])
    readings += scenes.series("link.uptime", "egress:telecom", ticks)
    readings += scenes.series("link.discontinuity", "egress:telecom", [0] * 16)
    readings += scenes.series("link.identity", "egress:telecom", ["port 1"] * 3 + ["port 2"] * 13)
    readings += scenes.series("link.speed", "egress:mobile", [200] * 7 + [10] + [200] * 8)
    readings += scenes.series("link.status", "egress:mobile", ["up"] * 7 + ["down"] + ["up"] * 8)
    school = scenes.campus(scenes.egress("telecom", "300"), MOBILE)
    return scenes.judged(BOZHOU, readings, school, scenes.window(16))


def unreachable_line() -> Assessment:
    """One of two lines is on a device that no longer answers; the other alone earns two points."""
    school = scenes.campus(TELECOM, MOBILE.model_copy(update={"asset": "edge"}))
    readings = scenes.line("telecom", [200] * 4)
    readings += scenes.series("collector.answer", "links:edge", ["ok", "deadline", "unreachable", "unreachable"])
    return scenes.judged(BOZHOU, readings, school, scenes.window(4))


def contradiction() -> Assessment:
    """The line carried 400 Mbit/s where the contract says 300."""
    readings = scenes.line("telecom", [1000] * 4, [400_000_000] * 3)
    return scenes.judged(BOZHOU, readings, scenes.campus(scenes.egress("telecom", "300")), scenes.window(4))


def classrooms() -> Assessment:
    """A gigabit egress; one classroom runs at 10 Mbit/s at best, one sleeps half of the time, one is silent."""
    rooms = [Link(id=f"class-{n}", role="classroom", asset="core", port=f"p{n}") for n in (1, 2, 3)]
    readings = scenes.line("telecom", [1000] * 4)
    readings += scenes.series("link.speed", "classroom:class-1", [10, 10, 10, 10])
    readings += scenes.series("link.speed", "classroom:class-2", [10, 1000, 10, 1000])
    readings += scenes.series("link.match", "classroom:class-3", ["not found"] * 4)
    return scenes.judged(JIANGSU, readings, scenes.campus(TELECOM, *rooms), scenes.window(4))


def nothing_at_all() -> Assessment:
    """A campus without an egress line, and a window without readings."""
    return scenes.judged(BOZHOU, [], scenes.campus(), scenes.window(12))


CASES = {
    case.__name__: case for case in (a_day_with_troubles, unreachable_line, contradiction, classrooms, nothing_at_all)
}


@pytest.mark.parametrize("name", CASES)
def test_a_judgement_is_exactly_the_golden_one(name: str) -> None:
    """Every value, bound, count, reason and source of a finding stays as it was reviewed."""
    golden = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    found = CASES[name]().to_json()
    # What else the pack holds, and its wording, is not another judgement.
    found.pop("pack")
    found.pop("version")
    for clause in found["clauses"]:
        for finding in clause["findings"]:
            for prose in ("reading", "remedy", "interpretations"):
                finding.pop(prose, None)
    assert found == golden


def reading(value: str, **fields: object) -> Reading:
    return Reading.from_json(
        {
            "metric": "link.speed",
            "subject": "egress:telecom",
            "value": value,
            "unit": "Mbit/s",
            "at": "2026-11-22T01:00:00.000Z",
            "grade": "reported",
            "sources": [],
            **fields,
        }
    )


@pytest.mark.parametrize(
    ("value", "points", "outcome"),
    [
        ("500", "8", Outcome.SATISFIED),
        ("499.999", "6", Outcome.PARTIALLY_SATISFIED),
        ("400", "6", Outcome.PARTIALLY_SATISFIED),
        ("399.999", "4", Outcome.PARTIALLY_SATISFIED),
        ("300", "4", Outcome.PARTIALLY_SATISFIED),
        ("299.999", "2", Outcome.PARTIALLY_SATISFIED),
        ("200", "2", Outcome.PARTIALLY_SATISFIED),
        ("199.999", "0", Outcome.NOT_SATISFIED),
        ("199", "0", Outcome.NOT_SATISFIED),
        ("0", "0", Outcome.NOT_SATISFIED),
    ],
)
def test_one_reading_alone_is_judged_by_its_band(value: str, points: str, outcome: Outcome) -> None:
    """A file with a single reading is enough for a judgement, exact to the last digit."""
    found = scenes.judged(BOZHOU, [reading(value)])
    assert (found.points_proven, found.points_open, found.clauses[0].outcome) == (points, "0", outcome)
    assert found.clauses[0].findings[0].grade is Grade.REPORTED


@pytest.mark.parametrize(
    ("value", "unit"), [("500000", "kbit/s"), ("0.5", "Gbit/s"), ("500000000", "bit/s"), ("62500000", "By/s")]
)
def test_compatible_units_are_converted(value: str, unit: str) -> None:
    """The same speed in another unit earns the same points."""
    assert scenes.judged(BOZHOU, [reading(value, unit=unit)]).points_proven == "8"


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"unit": "By"}, "cannot be converted"),
        ({"unit": "Mbps"}, "not a unit"),
        ({"unit": ""}, "not a unit"),
        ({"value": "fast"}, "not a plain decimal number"),
        ({"value": "5e2"}, "not a plain decimal number"),
        ({"value": "NaN"}, "not a plain decimal number"),
        ({"value": "-1"}, "below zero"),
        ({"value": "9" * 5000}, "not a plain decimal number"),
    ],
)
def test_a_reading_that_makes_no_sense_is_an_error_that_names_it(fields: dict[str, str], what: str) -> None:
    """Nothing is guessed: the reading is named by metric, subject and time."""
    bad = reading(**{"value": "500", **fields})
    with pytest.raises(MalformedError, match=what) as caught:
        scenes.judged(BOZHOU, [bad])
    assert caught.value.where == "link.speed egress:telecom 2026-11-22T01:00:00.000Z"


def test_no_reading_and_no_window_is_an_error_that_says_what_to_do() -> None:
    """An empty file is not judged as a school without Internet."""
    with pytest.raises(UsageError, match="no readings"):
        scenes.judged(BOZHOU, [])


def test_an_expired_contract_does_not_count() -> None:
    """After its end a contract neither caps nor bears out the line."""
    for expires, points in (("2026-12-31T00:00:00Z", "4"), ("2026-11-01T00:00:00Z", "8")):
        school = scenes.campus(scenes.egress("telecom", "300", expires=expires))
        found = scenes.judged(BOZHOU, scenes.line("telecom", [1000] * 4), school, scenes.window(4))
        assert found.points_proven == points


def test_lines_that_the_campus_does_not_list_do_not_count() -> None:
    """Only declared egress lines are summed; a spare one found in the readings adds nothing."""
    readings = scenes.line("telecom", [200] * 4) + scenes.line("spare", [1000] * 4)
    assert scenes.judged(BOZHOU, readings, scenes.campus(TELECOM), scenes.window(4)).points_proven == "2"


def test_readings_outside_the_window_do_not_count() -> None:
    """A better line next month does not prove this month."""
    readings = scenes.line("telecom", [200] * 4 + [1000] * 20)
    assert scenes.judged(BOZHOU, readings, scenes.campus(TELECOM), scenes.window(4)).points_proven == "2"


def test_a_burst_of_polls_does_not_stand_in_for_a_silent_day() -> None:
    """Fifty samples in one minute are one poll slot of the day, and the rest is missing."""
    readings = scenes.line("telecom", [500] * 50, every=1)
    found = scenes.judged(BOZHOU, readings, scenes.campus(TELECOM), scenes.window(289))
    finding = found.clauses[0].findings[0]
    assert (finding.outcome, finding.reason) == (Outcome.INCONCLUSIVE, Reason.TOO_FEW_SAMPLES)
    assert finding.observations[0].valid == 50
    assert finding.observations[0].coverage == "0.0035"
    assert (found.points_proven, found.points_open) == ("0", "8")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("unreachable", Reason.UNREACHABLE),
        ("deadline", Reason.UNREACHABLE),
        ("refused", Reason.REFUSED),
        ("unsupported", Reason.UNSUPPORTED),
        ("malformed", Reason.UNSUPPORTED),
        ("ok", Reason.TOO_FEW_SAMPLES),
    ],
)
def test_a_silent_device_gives_its_reason(answer: str, reason: Reason) -> None:
    """The school learns whether to look at the cable, the password or the device."""
    readings = scenes.series("collector.answer", "links:core", ["ok", answer])
    found = scenes.judged(BOZHOU, readings, scenes.campus(TELECOM), scenes.window(2))
    assert (found.clauses[0].outcome, found.clauses[0].reason) == (Outcome.INCONCLUSIVE, reason)
    assert (found.points_proven, found.points_open) == ("0", "8")


SPEEDS = st.lists(
    st.one_of(st.none(), st.sampled_from([0, 100, 199, 200, 350, 400, 500, 1000])), min_size=1, max_size=8
)


@given(SPEEDS, SPEEDS, st.randoms(use_true_random=False))
def test_the_order_of_readings_does_not_matter(
    telecom: list[int | None], mobile: list[int | None], dice: random.Random
) -> None:
    """The same readings in any order, with repetitions, give the same bytes."""
    readings = scenes.line("telecom", telecom) + scenes.line("mobile", mobile)
    school, span = scenes.campus(TELECOM, MOBILE), scenes.window(8)
    mixed = readings + readings[:3]
    dice.shuffle(mixed)
    assert scenes.judged(BOZHOU, mixed, school, span).to_bytes() == (
        scenes.judged(BOZHOU, readings, school, span).to_bytes()
    )


@given(SPEEDS, st.lists(st.sampled_from([0, 100, 199, 200, 350, 400, 500, 1000]), min_size=8, max_size=8))
def test_what_is_proven_stays_proven_when_the_missing_samples_come(seen: list[int | None], filled: list[int]) -> None:
    """Whatever the missing samples turn out to be, the points end up between proven and proven plus open."""
    polls = 8
    known = [*seen, *[None] * (polls - len(seen))]
    school, span = scenes.campus(TELECOM), scenes.window(polls)
    before = scenes.judged(BOZHOU, scenes.line("telecom", known), school, span)
    whole = [later if now is None else now for now, later in zip(known, filled, strict=True)]
    after = scenes.judged(BOZHOU, scenes.line("telecom", whole), school, span)
    proven, still_open = Fraction(before.points_proven), Fraction(before.points_open)
    assert after.points_open == "0"
    assert proven <= Fraction(after.points_proven) <= proven + still_open
