"""Retention of cameras: boundaries, copies, recorders that are silent, young footage, disks that speak against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.assess.derive.footage import DAY
from agent.assess.derive.surveillance import surveillance
from agent.assess.samples import Readings, milliseconds, moment
from agent.errors import ConfigError, MalformedError
from agent.model.asset import Asset
from agent.model.campus import Camera, Campus, Recorded, School
from agent.model.finding import Reason, Window
from agent.model.reading import Grade, Reading

if TYPE_CHECKING:
    from agent.assess.derive.derived import Derived, Open

UNTIL = "2026-11-22T02:00:00Z"
END = milliseconds(UNTIL)
WINDOW = Window(since="2026-10-22T02:00:00Z", until=UNTIL)


def said(metric: str, subject: str, value: str, unit: str = "", at: str = UNTIL) -> Reading:
    """Return what a recorder said."""
    source = f"sha256:{abs(hash((metric, subject))) % 10**12:064d}"
    return Reading(
        metric=metric, subject=subject, value=value, unit=unit, at=at, grade=Grade.REPORTED, sources=(source,)
    )


def span(since: float, until: float = 0) -> str:
    """Return a span between that many days before the end."""
    return f"{moment(END - int(since * DAY))}/{moment(END - int(until * DAY))}"


def channel(name: str, *spans: str, at: str = UNTIL, **more: str) -> list[Reading]:
    """Return the readings of a channel: complete search over 100 days, continuous, unless said otherwise."""
    first = min((text.split("/")[0] for text in spans), default="")
    values = {
        "search": "complete",
        "searched": span(100),
        "spans": " ".join(spans),
        "earliest": first,
        "schedule": "continuous",
        "recording": "yes",
        **more,
    }
    units = {"expiry": "d", "bitrate": "bit/s", "scheduled_minutes": "1"}
    subject = f"channel:{name}"
    return [said(f"channel.{key}", subject, text, units.get(key, ""), at) for key, text in values.items() if text]


def disk(recorder: str, capacity: int, free: int) -> list[Reading]:
    """Return the readings of a disk that stores."""
    subject = f"disk:{recorder}/1"
    return [
        said("disk.state", subject, "storing"),
        said("disk.capacity", subject, str(capacity), "By"),
        said("disk.free", subject, str(free), "By"),
    ]


FULL = disk("nvr1", 10**13, 0)


def derive(readings: list[Reading], *recorded: str, area: str = "entrance", **method: str) -> Derived:
    """Derive for one camera, recorded at `recorder/channel` each."""
    copies = tuple(Recorded(recorder=name.split("/")[0], channel=name.split("/")[1]) for name in recorded)
    assets = tuple(Asset(id=name, family="hikvision-isapi", address="192.0.2.1") for name in ("nvr1", "nvr2"))
    campus = Campus(
        version="1",
        school=School(id="s", name="s"),
        assets=assets,
        cameras=(Camera(id="gate", area=area, recorded=copies),),
    )
    return surveillance(Readings(readings, WINDOW), campus, WINDOW, method)


def figure(found: Derived, metric: str = "camera.retention", subject: str = "camera:gate") -> tuple[str, Open | None]:
    """Return value and what is open of a figure."""
    values = [one.value for one in found.readings if (one.metric, one.subject) == (metric, subject)]
    return (values[0] if values else ""), found.open.get((metric, subject))


@pytest.mark.parametrize("days", [29.9, 30, 89.9, 90])
def test_a_full_recorder_shows_what_it_keeps(days: float) -> None:
    """Disks that are full delete: the figure is settled, to the tenth of a day."""
    value, still = figure(derive([*channel("nvr1/3", span(days)), *FULL], "nvr1/3"))
    assert (float(value), still) == (days, None)


def test_a_day_without_footage_breaks_the_stretch() -> None:
    """The gap of a day is shown in hours, and only what follows it counts."""
    found = derive([*channel("nvr1/3", span(60, 21), span(20)), *FULL], "nvr1/3")
    assert figure(found) == ("20", None)
    assert figure(found, "camera.gap") == ("24", None)


def test_young_footage_is_measured_so_far() -> None:
    """With room on the disks and a beginning that stays, nobody knows how long footage will be kept."""
    value, still = figure(derive([*channel("nvr1/3", span(12)), *disk("nvr1", 10**13, 10**12)], "nvr1/3"))
    assert value == "12"
    assert still is not None
    assert (still.reason, still.low, still.high) == (Reason.WINDOW_TOO_SHORT, "12", None)


def test_a_beginning_that_moves_forward_settles_it() -> None:
    """Ten days ago the oldest footage was older: the recorder deletes after 12 days."""
    before = channel("nvr1/3", span(22, 10), at=moment(END - 10 * DAY))
    assert figure(derive([*before, *channel("nvr1/3", span(12))], "nvr1/3")) == ("12", None)


def test_an_expiry_bounds_young_footage() -> None:
    """A setting deletes after 15 days, whatever the disks hold."""
    young = [*channel("nvr1/3", span(12), expiry="15"), *disk("nvr1", 10**13, 10**12)]
    _, still = figure(derive(young, "nvr1/3"))
    assert still is not None
    assert (still.low, still.high) == ("12", "15")


def test_the_search_bounds_what_can_be_seen() -> None:
    """Footage that reaches to the begin of the search is at least that long."""
    _, still = figure(derive([*channel("nvr1/3", span(120)), *FULL], "nvr1/3"))
    assert still is not None
    assert (still.low, still.high) == ("100", None)


def test_an_unfinished_search_proves_only_what_it_found() -> None:
    """Pages that were not followed to the end may hold more."""
    _, still = figure(derive([*channel("nvr1/3", span(12), search="incomplete"), *FULL], "nvr1/3"))
    assert still is not None
    assert (still.reason, still.low, still.high) == (Reason.TOO_FEW_SAMPLES, "12", None)


def test_a_camera_that_no_recorder_knows_has_no_footage() -> None:
    """A recorder that lists its channels without it settles that, and its area fails."""
    listed = [
        said("recorder.channels", "asset:nvr1", "1", "1"),
        said("recorder.channels.complete", "asset:nvr1", "yes"),
    ]
    found = derive([*listed, *channel("nvr1/4", span(90)), *FULL], "nvr1/3")
    assert figure(found) == ("0", None)
    assert figure(found, "camera.live") == ("0", None)
    assert figure(found, "surveillance.area", "area:entrance") == ("0", None)


def test_a_camera_that_nobody_records_fails() -> None:
    """The campus file names no recorder: nothing can be kept."""
    _, still = figure(derive([]))
    assert still is not None
    assert (still.reason, still.low, still.high) == (Reason.NO_TARGET, "0", "0")


def test_a_silent_recorder_leaves_its_cameras_open() -> None:
    """Silence is never a breach."""
    silent = said("collector.answer", "recorder:nvr1", "unreachable")
    found = derive([silent], "nvr1/3")
    for metric in ("camera.retention", "camera.gap", "camera.live"):
        value, still = figure(found, metric)
        assert value == ""
        assert still is not None
        assert (still.reason, still.high) in {(Reason.UNREACHABLE, None), (Reason.UNREACHABLE, "1")}
    _, area = figure(found, "surveillance.area", "area:entrance")
    assert area is not None
    assert area.reason is Reason.UNREACHABLE


def test_of_two_recorders_the_better_copy_counts_once() -> None:
    """Even while the other one is silent; a worse one does not spoil it."""
    good = [*channel("nvr1/3", span(40)), *FULL]
    worse = [*good, *channel("nvr2/7", span(5)), *disk("nvr2", 10**13, 0)]
    assert figure(derive(worse, "nvr1/3", "nvr2/7")) == ("40", None)
    silent = [*good, said("collector.answer", "recorder:nvr2", "unreachable")]
    value, still = figure(derive(silent, "nvr1/3", "nvr2/7"))
    assert value == "40"
    assert still is not None
    assert (still.low, still.high) == ("40", None)


def test_events_alone_cannot_prove_a_gap() -> None:
    """A quiet weekend and a dead camera look alike."""
    events = [span(n, n - 0.01) for n in range(1, 20) if n not in {5, 6}]
    _, still = figure(derive([*channel("nvr1/3", *events, schedule="event"), *FULL], "nvr1/3"))
    assert still is not None
    assert still.reason is Reason.UNSUPPORTED
    assert still.high is not None
    assert float(still.low or 0) < 5
    assert float(still.high) > 18


def test_a_calendar_of_days_proves_no_day() -> None:
    """One minute makes a day of a calendar: it only bounds."""
    days = " ".join(f"2026-11-{day:02d}" for day in range(8, 23))
    _, still = figure(derive([*channel("nvr1/3", spans="", days=days, earliest=""), *FULL], "nvr1/3"))
    assert still is not None
    assert (still.reason, still.low, still.high) == (Reason.UNSUPPORTED, "0", "14.416667")


def test_disks_that_fit_bear_the_footage_out() -> None:
    """30 days at 4 Mbit/s are 1.3 TB: a disk of that size corroborates, one of 50 GB contradicts."""
    month = channel("nvr1/3", span(30), bitrate="4000000")
    found = derive([*month, *disk("nvr1", 1_400_000_000_000, 0)], "nvr1/3")
    assert {one.grade for one in found.readings if one.metric == "camera.retention"} == {Grade.CORROBORATED}
    _, still = figure(derive([*month, *disk("nvr1", 50_000_000_000, 0)], "nvr1/3"))
    assert still is not None
    assert (still.reason, still.low, still.high) == (Reason.CONTRADICTED, "0", None)


def test_footage_that_plays_is_measured_and_footage_that_does_not_is_contradicted() -> None:
    """The oldest hour was asked for and a picture came, or did not."""
    plays = [*channel("nvr1/3", span(30), playable="yes"), *FULL]
    found = derive(plays, "nvr1/3")
    assert {one.grade for one in found.readings if one.metric == "camera.retention"} == {Grade.MEASURED}
    _, still = figure(derive([*channel("nvr1/3", span(30), playable="no"), *FULL], "nvr1/3"))
    assert still is not None
    assert still.reason is Reason.CONTRADICTED


def test_areas_hold_when_all_their_cameras_record() -> None:
    """An area without cameras is open: the file may not list them yet."""
    found = derive([*channel("nvr1/3", span(30)), *FULL], "nvr1/3", area="kitchen")
    assert figure(found, "surveillance.area", "area:kitchen") == ("1", None)
    _, still = figure(found, "surveillance.area", "area:key")
    assert still is not None
    assert still.reason is Reason.NO_TARGET


def test_what_was_told_long_ago_says_nothing_now() -> None:
    """A recorder that was last asked ten days ago shows nothing at the end of the window."""
    old = channel("nvr1/3", span(40, 10), at=moment(END - 10 * DAY))
    value, still = figure(derive([*old, *FULL], "nvr1/3"))
    assert value == ""
    assert still is not None
    assert (still.reason, still.low) == (Reason.TOO_FEW_SAMPLES, "0")
    assert figure(derive([*old, *FULL], "nvr1/3", fresh_days="11")) == ("30", None)


def test_odd_readings_and_settings_are_errors_of_ours() -> None:
    """A list of spans that is none, a setting that nobody knows."""
    with pytest.raises(MalformedError, match="no list of spans"):
        derive(channel("nvr1/3", "yesterday", earliest=""), "nvr1/3")
    with pytest.raises(ConfigError, match="no setting"):
        derive([], "nvr1/3", colour="7")
