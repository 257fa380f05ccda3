"""Autonomy without mains: discharges as they were seen, the rungs below them, and what stays open."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.assess.derive import DERIVATIONS
from agent.assess.discharge import Discharge, discharges, polls
from agent.assess.samples import Readings, milliseconds, moment
from agent.errors import ConfigError, MalformedError
from agent.lab.snmp.recording import read
from agent.model.asset import Asset
from agent.model.campus import Camera, Campus, Poll, Recorded, School
from agent.model.finding import Reason, Window
from agent.model.reading import Grade, Reading
from agent.packs.load import config_directory, load_metrics
from tests.collectors.network import OURS
from tests.collectors.recorded import RecordingTransport, converse

if TYPE_CHECKING:
    from pathlib import Path

    from agent.assess.derive.derived import Derived

METRICS = load_metrics(config_directory())
START = milliseconds("2026-10-01T00:00:00Z")
WINDOW = Window(since="2026-10-01T00:00:00Z", until="2026-10-02T00:00:00Z")
MINUTE, HOUR = 60, 3600
SOURCE = "sha256:" + "0" * 64
UPS = Asset(id="ups1", family="apc", address="192.0.2.1", feeds=("nvr1",))
NVR = Asset(id="nvr1", family="f", address="192.0.2.2")


def told(metric: str, subject: str, value: object, second: int) -> Reading:
    """Return a reading so many seconds into the window."""
    return Reading(
        metric=metric,
        subject=subject,
        value=str(value),
        unit=METRICS[metric].unit,
        at=moment(START + second * 1000),
        grade=Grade.REPORTED,
        sources=(SOURCE,),
    )


def poll(second: int, *, ups: str = "ups1", **said: object) -> list[Reading]:
    """Return one poll of a UPS: `source`, `counter`, `charge`, `load`, `status`, `runtime`, `quality`, `replace`."""
    names = {
        "source": "ups.output_source",
        "counter": "ups.on_battery_time",
        "status": "ups.battery_status",
        "quality": "ups.runtime_quality",
        "replace": "ups.battery_replace",
    }
    subject = f"asset:{ups}"
    readings = [told(names.get(name, f"ups.{name}"), subject, value, second) for name, value in said.items()]
    return [*readings, told("collector.answer", f"ups:{ups}", "ok", second)]


def mains(second: int, *, ups: str = "ups1", charge: int = 100, load: int = 40, **said: object) -> list[Reading]:
    """Return a poll on mains with a full battery."""
    return poll(second, ups=ups, source="normal", charge=charge, load=load, **said)


def outage(
    since: int, seconds: int, *, step: int = 5 * MINUTE, load: int = 40, drop: int = 60, counted: bool = True
) -> list[Reading]:
    """Return the polls of an outage: on battery for so many seconds, the charge falling evenly."""
    found = []
    for passed in range(0, seconds + 1, step):
        counter: dict[str, Any] = {"counter": passed} if counted else {}
        charge = 100 - drop * passed // max(seconds, 1)
        found += poll(since + passed, source="battery", charge=charge, load=load, **counter)
    return found


def alive(since: int, until: int, *, asset: str = "nvr1", step: int = 10 * MINUTE) -> list[Reading]:
    """Return that a fed asset answered all along."""
    return [told("collector.answer", f"recorder:{asset}", "ok", second) for second in range(since, until + 1, step)]


def campus(*assets: Asset, cameras: tuple[Camera, ...] = ()) -> Campus:
    """Return a campus whose UPSs are asked every five minutes."""
    plan = (Poll(collector="ups", every_seconds=300),)
    school = School(id="s", name="s")
    return Campus(version="1", school=school, assets=assets or (UPS, NVR), cameras=cameras, plan=plan)


def derived(readings: list[Reading], school: Campus | None = None, **method: str) -> Derived:
    """Derive over the day."""
    school = school or campus()
    found = DERIVATIONS["power"](Readings(readings, WINDOW), school, WINDOW, method)
    for reading in found.readings:
        metric = METRICS[reading.metric]
        assert (metric.derivation, metric.unit, reading.at) == ("power", reading.unit, WINDOW.until)
        assert reading.sources
        assert not metric.states or reading.value in metric.states
    names = [(reading.metric, reading.subject) for reading in found.readings]
    assert len(names) == len(set(names))
    return found


def figure(found: Derived, metric: str = "power.autonomy", subject: str = "powered:nvr1") -> tuple[str, Grade] | None:
    """Return value and grade of a figure."""
    return next(((r.value, r.grade) for r in found.readings if (r.metric, r.subject) == (metric, subject)), None)


def bounds(found: Derived, subject: str = "powered:nvr1") -> tuple[Reason, str | None, str | None] | None:
    """Return why the autonomy is open, and between what."""
    known = found.open.get(("power.autonomy", subject))
    return None if known is None else (known.reason, known.low, known.high)


def harvested(readings: list[Reading]) -> list[Discharge]:
    """Return the discharges of a UPS that is asked every five minutes."""
    return discharges(Readings(readings, WINDOW), "ups1", 300_000)


# --- discharges ---------------------------------------------------------------------------------------------------


def test_a_discharge_is_as_long_as_it_was_seen() -> None:
    """From the start that the card's counter shows to the last poll on battery, not to the first on mains."""
    readings = [*mains(0), *poll(400, source="battery", counter=100, charge=99, load=38)]
    readings += [*poll(700, source="battery", counter=400, charge=90, load=42), *mains(1000)]
    (found,) = harvested(readings)
    assert found.seconds == 400
    assert found.end == "mains"
    assert found.polled
    assert [found.load, found.charge_before, found.charge_after] == [40, 100, 90]


def test_a_counter_that_only_one_poll_shows_is_not_believed() -> None:
    """A single poll proves that moment; nor does a discharge begin before the last poll on mains."""
    assert harvested([*mains(0), *poll(600, source="battery", counter=500), *mains(900)])[0].seconds == 0
    lying = [*mains(300), *poll(600, source="battery", counter=5000), *poll(900, source="battery", counter=5300)]
    assert harvested(lying)[0].since == START + 300_000


@pytest.mark.parametrize(
    ("second", "count"),
    [
        (poll(900, source="battery", counter=600), 1),
        (poll(900, source="battery", counter=30), 2),
        (poll(9000, source="battery", counter=8700), 1),
        (poll(9000, source="battery", counter=300), 2),
        (poll(900, source="battery"), 1),
        (poll(9000, source="battery"), 2),
        (poll(900, source="battery", charge=95), 2),
    ],
    ids=["grew", "began anew", "grew over hours", "anew over hours", "no counter", "no counter and a gap", "charged"],
)
def test_what_belongs_together(second: list[Reading], count: int) -> None:
    """The counter grew by what passed; without one, polls are close together and the charge did not rise."""
    assert len(harvested([*poll(600, source="battery", counter=300, charge=80), *second])) == count


def test_mains_in_between_divide() -> None:
    """A poll on mains or a notification of mains ends a discharge; one that says nothing does not."""
    first, second = poll(300, source="battery", counter=10), poll(600, source="battery", counter=310)
    assert len(harvested([*first, *poll(450, source="unknown"), *second])) == 1
    assert len(harvested([*first, *mains(450), *second])) == 2
    assert len(harvested([*first, told("ups.power", "asset:ups1", "on-mains", 450), *second])) == 2


@pytest.mark.parametrize(
    ("after", "end"),
    [
        (mains(900), "mains"),
        ([told("ups.power", "asset:ups1", "on-mains", 650)], "mains"),
        ([told("ups.battery_event", "asset:ups1", "low", 650)], "low"),
        ([*poll(900, source="battery", counter=600, status="low"), *mains(1200)], "low"),
        ([told("collector.answer", "ups:ups1", "unreachable", 900)], "silent"),
        ([], "open"),
    ],
    ids=["polled", "notified", "notified low", "polled low", "silent", "readings end"],
)
def test_how_a_discharge_ends(after: list[Reading], end: str) -> None:
    """A low battery stays the end, whatever came after; silence is not mains."""
    readings = [*poll(300, source="battery", counter=10), *poll(600, source="battery", counter=310), *after]
    assert [one.end for one in harvested(readings)] == [end]


def test_notifications_alone_are_the_word_of_the_ups() -> None:
    """What no poll saw is shown and proves nothing: a notification can be forged."""
    traps = [told("ups.power", "asset:ups1", state, at) for state, at in (("on-battery", 0), ("on-mains", 30_000))]
    (found,) = harvested(traps)
    assert not found.polled
    assert found.seconds == 30_000
    result = derived([*traps, *mains(40_000), *alive(0, 30_000)])
    assert figure(result) is None
    assert figure(result, "ups.discharge", f"discharge:ups1/{moment(START)}") == ("30000", Grade.REPORTED)


def test_a_notification_cannot_lengthen_a_discharge() -> None:
    """On battery told hours before the first poll adds no second."""
    early = told("ups.power", "asset:ups1", "on-battery", 10)
    readings = [early, *poll(7200, source="battery", counter=20), *poll(7500, source="battery", counter=320)]
    assert harvested(readings)[0].seconds == 320


def test_states_in_which_nothing_discharges() -> None:
    """Mains with a counter that runs is a contradiction, and other states leave it to the counter."""
    assert harvested(poll(300, source="normal", counter=200)) == []
    assert len(harvested([*poll(300, counter=200), *poll(600, counter=500)])) == 1
    assert len(harvested(poll(300, source="battery-test"))) == 1


EVENTS = st.lists(
    st.tuples(
        st.integers(1, 40),
        st.sampled_from(["battery", "normal", "unknown", "on-battery", "on-mains", "low", "silent"]),
        st.integers(0, 100),
    ),
    max_size=30,
)


@given(EVENTS, st.booleans())
def test_discharges_are_never_more_than_was_seen(events: list[tuple[int, str, int]], counted: bool) -> None:
    """Whatever is heard: discharges do not overlap, and none covers a poll on mains."""
    second, readings, on_mains, running = 0, [], [], 0
    for minutes, what, charge in events:
        second += minutes * MINUTE
        running = running + minutes * MINUTE if what == "battery" else 0
        if what in {"battery", "normal", "unknown"}:
            said: dict[str, Any] = {"counter": running} if counted else {}
            readings += poll(second, source=what, charge=charge, **said)
            on_mains += [START + second * 1000] if what == "normal" else []
        elif what == "silent":
            readings.append(told("collector.answer", "ups:ups1", "unreachable", second))
        else:
            metric = "ups.battery_event" if what == "low" else "ups.power"
            readings.append(told(metric, "asset:ups1", what, second))
    window = Window(since="2026-10-01T00:00:00Z", until="2026-12-01T00:00:00Z")
    found = discharges(Readings(readings, window), "ups1", 300_000)
    polled = [one for one in found if one.polled]
    assert all(one.since <= one.until for one in found)
    assert all(earlier.until <= later.since for earlier, later in pairwise(polled))
    assert not any(one.since < at < one.until for one in polled for at in on_mains)
    assert sum(one.seconds for one in polled) <= second
    assert discharges(Readings(readings[::-1], window), "ups1", 300_000) == found


# --- rung A -------------------------------------------------------------------------------------------------------

EIGHT = 8 * HOUR


def test_a_discharge_of_eight_hours_is_measured() -> None:
    """At today's load, with the recorder answering all along: at least eight hours, measured; more stays open."""
    readings = [*mains(0), *outage(300, EIGHT), *mains(EIGHT + 600), *alive(0, EIGHT + 600)]
    found = derived(readings)
    assert figure(found) == ("8", Grade.MEASURED)
    assert figure(found, "power.rung") == ("discharge", Grade.MEASURED)
    assert bounds(found) == (Reason.WINDOW_TOO_SHORT, "8", None)
    subject = f"discharge:ups1/{moment(START + 300_000)}"
    assert figure(found, "ups.discharge", subject) == (str(EIGHT), Grade.MEASURED)
    assert figure(found, "ups.discharge.load", subject) == ("40", Grade.REPORTED)
    assert figure(found, "ups.discharge.charge", subject) == ("40", Grade.REPORTED)
    assert figure(found, "ups.discharge.end", subject) == ("mains", Grade.MEASURED)


def test_a_battery_that_ran_empty_settles_it() -> None:
    """From full to low: that is how long it lasts, and nothing is open."""
    readings = [*mains(0), *outage(300, 2 * HOUR), *poll(7800, source="battery", counter=7500, charge=8, status="low")]
    readings += [*mains(9000, charge=20), *alive(0, 9000)]
    found = derived(readings)
    assert figure(found) == ("2.0833", Grade.MEASURED)
    assert bounds(found) is None


def test_an_asset_that_dies_with_the_battery() -> None:
    """Its last answer, just before the UPS shut down, is how long it was carried."""
    readings = [*mains(0), *outage(300, 2 * HOUR), told("ups.battery_event", "asset:ups1", "low", 7450)]
    readings += [told("collector.answer", "ups:ups1", "unreachable", 7800), *alive(0, 7200)]
    readings.append(told("collector.answer", "recorder:nvr1", "unreachable", 7800))
    found = derived(readings)
    assert (figure(found), bounds(found)) == (("1.9167", Grade.MEASURED), None)


def test_a_battery_that_was_not_full_settles_nothing() -> None:
    """Low after two hours from 60 % says at least two hours."""
    readings = [*mains(0, charge=60), *outage(300, 2 * HOUR)]
    readings += [told("ups.battery_event", "asset:ups1", "low", 7700), *mains(9000, charge=20), *alive(0, 9000)]
    assert bounds(derived(readings)) == (Reason.WINDOW_TOO_SHORT, "2", None)


@pytest.mark.parametrize(
    ("today", "rung"), [(44, "discharge"), (45, "extrapolated"), (10, "discharge")], ids=["10 %", "more", "less"]
)
def test_the_load_of_today(today: int, rung: str) -> None:
    """Up to a tenth more than in the discharge counts; above it the discharge is a hint. Less load lasts longer."""
    readings = [*mains(0, load=today), *outage(300, EIGHT), *alive(0, EIGHT + 600)]
    readings += [one for n in range(5) for one in mains(EIGHT + 600 + n * 300, load=today)]
    assert (figure(derived(readings), "power.rung") or ("", None))[0] == rung


def test_an_unknown_load_proves_nothing() -> None:
    """Without load there is no saying whether it was today's."""
    readings = [*poll(0, source="normal", charge=100), *alive(0, EIGHT + 600)]
    for passed in range(0, EIGHT + 1, 300):
        readings += poll(300 + passed, source="battery", counter=passed, charge=90)
    assert bounds(derived(readings)) == (Reason.UNSUPPORTED, None, None)


def test_an_asset_that_stopped_answering_was_carried_until_then() -> None:
    """The recorder died after three hours; the battery went on."""
    base = [*mains(0), *outage(300, EIGHT), *mains(EIGHT + 600)]
    dead = told("collector.answer", "recorder:nvr1", "unreachable", 3 * HOUR + 600)
    found = derived([*base, *alive(0, 3 * HOUR + 300, step=300), dead, *alive(7 * HOUR, EIGHT)])
    assert figure(found) == ("3", Grade.MEASURED)
    refused = told("collector.answer", "recorder:nvr1", "refused", 3 * HOUR + 601)
    found = derived([*base, *alive(0, EIGHT + 600), refused])
    assert figure(found) == ("8", Grade.MEASURED)


@pytest.mark.parametrize(
    ("answers", "hours"),
    [
        ([], None),
        (alive(0, 2 * HOUR), "1.9167"),
        ([*alive(0, 2 * HOUR), *alive(2 * HOUR + 1800, EIGHT + 600)], "8"),
        ([*alive(0, 2 * HOUR), *alive(2 * HOUR + 1801, EIGHT + 600)], "1.9167"),
        (alive(0, EIGHT), "7.9167"),
        (alive(3 * HOUR, EIGHT), None),
    ],
    ids=["never asked", "then nothing", "half an hour", "more than that", "nothing after the end", "only later"],
)
def test_a_silence_of_the_asset_is_no_answer(answers: list[Reading], hours: str | None) -> None:
    """Nothing is proven beyond the last answer before a silence of more than half an hour."""
    found = derived([*mains(0), *outage(300, EIGHT), *mains(EIGHT + 600), *answers])
    known = bounds(found)
    assert known is not None
    assert known[1] == hours
    assert (figure(found) or ("", Grade.REPORTED))[1] is (Grade.MEASURED if hours else Grade.REPORTED)


def test_a_battery_replaced_since_is_another() -> None:
    """What the old one did counts no more."""
    replaced = told("ups.battery_replaced", "asset:ups1", "2026-10-02", EIGHT + 700)
    readings = [*mains(0), *outage(300, EIGHT), *mains(EIGHT + 600), *alive(0, EIGHT + 600)]
    assert figure(derived([*readings, replaced])) is None
    same_day = replaced.model_copy(update={"value": "2026-10-01"})
    assert figure(derived([*readings, same_day])) == ("8", Grade.MEASURED)


# --- rungs B and C ------------------------------------------------------------------------------------------------


def test_a_shorter_discharge_is_continued() -> None:
    """Half an hour took 25 %: two hours in a straight line, of which 0.8 are believed, and nothing is proven."""
    readings = [*mains(0), *outage(300, 1800, drop=25), *mains(2400)]
    found = derived(readings)
    assert figure(found) == ("1.6", Grade.REPORTED)
    assert figure(found, "power.rung") == ("extrapolated", Grade.REPORTED)
    assert bounds(found) == (Reason.WEAK_PROOF, None, None)
    doubled = [*mains(0, load=80), *outage(300, 1800, drop=25), *mains(2400, load=80)]
    assert figure(derived(doubled)) == ("0.8", Grade.REPORTED)


@pytest.mark.parametrize(
    ("seconds", "drop", "shown"),
    [(240, 20, True), (240, 19, False), (300, 5, True), (300, 4, False), (9000, 0, False)],
)
def test_what_is_too_short_to_be_continued(seconds: int, drop: int, shown: bool) -> None:
    """A fifth of the charge, or five minutes with a drop that can be told from noise."""
    readings = [*mains(0), *outage(60, seconds, step=60, drop=drop), *mains(seconds + 600)]
    found = derived(readings)
    assert (figure(found, "power.rung") == ("extrapolated", Grade.REPORTED)) is shown
    if not shown:
        assert bounds(found) == (Reason.UNSUPPORTED, None, None)


def estimates(*pairs: tuple[int, int], **said: object) -> list[Reading]:
    """Return polls on mains with runtime and load."""
    said = {"quality": "usable", **said}
    return [
        one
        for n, (runtime, load) in enumerate(pairs)
        for one in mains(n * 300, **{"load": load, "runtime": runtime, **said})  # type: ignore[arg-type]
    ]


def test_the_estimate_of_the_card() -> None:
    """Twenty minutes by the card: reported, and eight hours are out of reach: it is not wrong by more than twice."""
    found = derived(estimates(*[(1200, 40)] * 3))
    assert figure(found) == ("0.3333", Grade.REPORTED)
    assert figure(found, "power.rung") == ("estimate", Grade.REPORTED)
    assert bounds(found) == (Reason.WEAK_PROOF, None, "0.6667")
    assert figure(found, "ups.estimate", "asset:ups1") == ("not-shown", Grade.REPORTED)


def test_of_many_estimates_a_low_one_counts() -> None:
    """The fifth percentile by nearest rank: of twenty the lowest, of twenty-one the second."""
    assert (figure(derived(estimates(*[(3600, 40)] * 19, (1800, 40)))) or ("",))[0] == "0.5"
    assert (figure(derived(estimates(*[(3600, 40)] * 20, (1800, 40)))) or ("",))[0] == "1"


@pytest.mark.parametrize(
    ("said", "usable"),
    [
        ({"charge": 95}, True),
        ({"charge": 94}, False),
        ({"load": 10}, True),
        ({"load": 9}, False),
        ({"quality": "capped"}, False),
        ({"quality": "not-known"}, False),
        ({"replace": "replace"}, False),
        ({"replace": "weak"}, True),
        ({"source": "battery"}, False),
    ],
)
def test_an_estimate_under_odd_conditions_is_none(said: dict[str, object], usable: bool) -> None:
    """A full battery that needs no replacement, on mains, under load, and a card that still counts."""
    fields = {"source": "normal", "charge": 100, "load": 40, "runtime": 1200, "quality": "usable", **said}
    found = derived(poll(0, **fields))  # type: ignore[arg-type]
    assert (figure(found) is not None) is usable
    if not usable:
        assert bounds(found) == (Reason.UNSUPPORTED, None, None)


@pytest.mark.parametrize(
    ("pairs", "state", "high"),
    [
        ([(3600, 20), (1800, 40)], "responsive", "1"),
        ([(3600, 20), (3600, 40)], "non-responsive", None),
        ([(3600, 20), (4000, 40)], "non-responsive", None),
        ([(3600, 20), (3600, 24)], "not-shown", "2"),
    ],
)
def test_an_estimate_that_ignores_the_load(pairs: list[tuple[int, int]], state: str, high: str | None) -> None:
    """It must fall when the load rises by five points; one that does not is flagged and bounds nothing."""
    found = derived(estimates(*pairs))
    assert figure(found, "ups.estimate", "asset:ups1") == (state, Grade.REPORTED)
    known = bounds(found)
    assert known is not None
    assert known[2] == high


def test_only_the_last_week_gives_the_estimate() -> None:
    """What the card said before says nothing about the battery of now."""
    window = Window(since=WINDOW.since, until="2026-10-10T00:00:00Z")
    found = DERIVATIONS["power"](Readings(estimates((1200, 40)), window), campus(), window, {})
    assert found.open["power.autonomy", "powered:nvr1"].reason is Reason.UNSUPPORTED
    found = DERIVATIONS["power"](Readings(estimates((1200, 40)), window), campus(), window, {"estimate_days": "30"})
    assert (figure(found) or ("",))[0] == "0.3333"


# --- who needs it -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "reason"),
    [("unreachable", Reason.UNREACHABLE), ("refused", Reason.REFUSED), (None, Reason.TOO_FEW_SAMPLES)],
)
def test_a_ups_that_shows_nothing(answer: str | None, reason: Reason) -> None:
    """Its silence is the reason, for the rung too."""
    readings = [told("collector.answer", "ups:ups1", answer, 60)] if answer else []
    found = derived(readings)
    assert bounds(found) == (reason, None, None)
    assert found.open["power.rung", "powered:nvr1"].reason is reason


def test_recorders_and_switches_of_cameras_that_nothing_feeds() -> None:
    """They are required, and open without a target; other assets are not asked for."""
    camera = Camera(id="gate", area="entrance", recorded=(Recorded(recorder="nvr2", channel="1"),), switch="poe1")
    others = tuple(Asset(id=name, family="f", address="192.0.2.9") for name in ("nvr2", "poe1", "sw9"))
    found = derived(estimates((1200, 40)), campus(UPS, NVR, *others, cameras=(camera,)))
    assert {subject for metric, subject in found.open if metric == "power.autonomy"} == {
        "powered:nvr1",
        "powered:nvr2",
        "powered:poe1",
        "camera:gate",
    }
    assert bounds(found, "powered:nvr2") == bounds(found, "powered:poe1") == (Reason.NO_TARGET, None, None)


def test_two_ups_for_one_asset() -> None:
    """The better one is shown, the sum is the bound; with one that tells nothing there is no bound."""
    second = UPS.model_copy(update={"id": "ups2"})
    first = estimates((1200, 40))
    other = mains(0, ups="ups2", runtime=2400, quality="usable")
    found = derived([*first, *other], campus(UPS, second, NVR))
    assert (figure(found) or ("",))[0] == "0.6667"
    assert bounds(found) == (Reason.WEAK_PROOF, None, "2")
    assert bounds(derived(first, campus(UPS, second, NVR))) == (Reason.WEAK_PROOF, None, None)


def test_a_measured_hour_and_an_estimate() -> None:
    """What was measured is the lower bound, the doubled estimate the upper one, and the bounds never cross."""
    readings = [*mains(0, runtime=5400, quality="usable"), *outage(300, HOUR, drop=60), *alive(0, HOUR + 600)]
    readings += mains(HOUR + 600, runtime=5400, quality="usable", charge=50)
    found = derived(readings)
    assert figure(found) == ("1", Grade.MEASURED)
    assert bounds(found) == (Reason.WINDOW_TOO_SHORT, "1", "3")
    assert bounds(derived(readings, doubt="0.5")) == (Reason.WINDOW_TOO_SHORT, "1", "1")


def test_damage_is_our_error() -> None:
    """An unknown setting, and values that are no number or date."""
    with pytest.raises(ConfigError):
        derived([], hours="8")
    with pytest.raises(MalformedError):
        derived([*mains(0), *poll(300, source="normal", load="much")])
    with pytest.raises(MalformedError):
        derived([told("ups.battery_replaced", "asset:ups1", "last year", 60)])


@given(
    st.integers(5, 600),
    st.integers(5, 100),
    st.integers(1, 100),
    st.integers(1, 100),
    st.integers(60, 40_000),
)
def test_the_bounds_never_cross(minutes: int, drop: int, load: int, today: int, runtime: int) -> None:
    """However a discharge and an estimate come together: what is proven is not above what is possible."""
    seconds = minutes * MINUTE
    readings = [*mains(0, load=today, runtime=runtime, quality="usable"), *outage(300, seconds, load=load, drop=drop)]
    readings += [*mains(seconds + 900, load=today), *alive(0, seconds + 900)]
    found = derived(readings)
    known = bounds(found)
    assert known is not None
    _, low, high = known
    if low is not None:
        assert Fraction(low) * HOUR <= seconds + 2  # four places of an hour
        assert today <= Fraction(11, 10) * load
        assert high is None or Fraction(low) <= Fraction(high)


@pytest.mark.parametrize("path", sorted(OURS.glob("ups-*-on-battery.snmprec")), ids=lambda path: path.stem)
def test_a_conversation_with_a_card_is_one_poll(path: Path) -> None:
    """What the collector reads of every recorded card on battery, over several answers, is one poll on battery."""
    readings, _ = converse(RecordingTransport(read(path)), ("ups",))
    (found,) = polls(Readings(readings), "sw1")
    assert found.on_battery is True
    assert found.sources
