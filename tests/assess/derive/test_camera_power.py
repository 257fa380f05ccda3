"""How long a camera works without mains: what stops first decides, and what nobody named is not assumed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.assess.derive.camera_power import cameras
from agent.assess.derive.derived import Derived, Open
from agent.model.campus import Camera, Campus, Recorded, School
from agent.model.finding import Reason, Window
from agent.model.reading import Grade, Reading

METRIC = "power.autonomy"
WINDOW = Window(since="2026-10-01T00:00:00Z", until="2026-10-02T00:00:00Z")


def powered(hours: dict[str, str], still: dict[str, Open] | None = None, grade: Grade = Grade.MEASURED) -> Derived:
    """Return the autonomy of devices, each citing its own exchange."""
    readings = tuple(
        Reading(
            metric=METRIC,
            subject=f"powered:{asset}",
            value=value,
            unit="h",
            at=WINDOW.until,
            grade=grade,
            sources=(f"sha256:{asset.encode().hex():0>64}",),
        )
        for asset, value in hours.items()
    )
    return Derived(readings, {(METRIC, f"powered:{asset}"): one for asset, one in (still or {}).items()})


def derived(known: Derived, *recorders: str, switch: str | None = "poe") -> tuple[str | None, Open | None]:
    """Return the hours of one camera, and what keeps them open."""
    held = tuple(Recorded(recorder=name, channel="1") for name in recorders or ("nvr",))
    camera = Camera(id="gate", area="entrance", recorded=held, switch=switch)
    campus = Campus(version="1", school=School(id="s", name="s"), cameras=(camera,))
    found = cameras(METRIC, known, campus, WINDOW)
    values = [reading.value for reading in found.readings]
    return values[0] if values else None, found.open.get((METRIC, "camera:gate"))


@pytest.mark.parametrize(
    ("recorder", "switch", "hours"), [("9", "8", "8"), ("8", "9", "8"), ("7.9999", "24", "7.9999"), ("0", "8", "0")]
)
def test_what_stops_first_decides(recorder: str, switch: str, hours: str) -> None:
    """A recorder without the switch of the camera films nothing, nor the other way round."""
    assert derived(powered({"nvr": recorder, "poe": switch})) == (hours, None)


def test_a_ups_for_the_recorder_alone_proves_nothing() -> None:
    """The recorder works for ten hours, the switch hangs on no UPS: open, and at most ten hours."""
    known = powered({"nvr": "10"}, {"poe": Open(Reason.NO_TARGET)})
    assert derived(known) == ("10", Open(Reason.NO_TARGET, None, "10"))


def test_a_recorder_that_stops_early_settles_what_is_out_of_reach() -> None:
    """Three hours of the recorder are three at most, whatever the switch does."""
    known = powered({"nvr": "3"}, {"poe": Open(Reason.UNREACHABLE, "2")})
    assert derived(known) == ("3", Open(Reason.UNREACHABLE, "2", "3"))


def test_a_lower_bound_of_both_is_one_of_the_camera() -> None:
    """Discharges that ended with mains coming back: at least so long."""
    low = Open(Reason.WINDOW_TOO_SHORT, "8.5")
    known = powered({"nvr": "8.5", "poe": "9"}, {"nvr": low, "poe": Open(Reason.WINDOW_TOO_SHORT, "9")})
    assert derived(known) == ("8.5", Open(Reason.WINDOW_TOO_SHORT, "8.5", None))


def test_what_the_campus_file_does_not_name_is_open() -> None:
    """No switch, no recorder, or assets of which nothing is known."""
    assert derived(powered({"nvr": "10"}), switch=None) == ("10", Open(Reason.NO_TARGET, None, "10"))
    assert derived(powered({})) == (None, Open(Reason.NO_TARGET))
    nobody = Camera(id="gate", area="key", switch="poe")
    campus = Campus(version="1", school=School(id="s", name="s"), cameras=(nobody,))
    assert cameras(METRIC, powered({"poe": "9"}), campus, WINDOW).open[METRIC, "camera:gate"].high == "9"


def test_of_two_recorders_the_one_that_lasts_counts() -> None:
    """Footage goes on as long as one of them works."""
    known = powered({"nvr": "2", "nvr2": "12", "poe": "9"})
    assert derived(known, "nvr", "nvr2") == ("9", None)
    known = powered({"nvr": "2", "poe": "9"}, {"nvr2": Open(Reason.UNREACHABLE)})
    assert derived(known, "nvr", "nvr2") == ("2", Open(Reason.UNREACHABLE, "2", "9"))


def test_the_figure_cites_and_is_graded_by_both() -> None:
    """Exchanges of recorder and switch; the weaker word of the two."""
    known = powered({"nvr": "9"}).readings + powered({"poe": "9"}, grade=Grade.REPORTED).readings
    camera = Camera(id="gate", area="entrance", recorded=(Recorded(recorder="nvr", channel="1"),), switch="poe")
    campus = Campus(version="1", school=School(id="s", name="s"), cameras=(camera,))
    (reading,) = cameras(METRIC, Derived(known), campus, WINDOW).readings
    assert reading.grade is Grade.REPORTED
    assert len(reading.sources) == 2


@given(st.lists(st.integers(0, 100), min_size=1, max_size=4), st.integers(0, 100))
def test_settled_devices_settle_the_camera(recorders: list[int], switch: int) -> None:
    """The smaller of the switch and of the best recorder, and nothing open."""
    names = [f"nvr{n}" for n in range(len(recorders))]
    known = powered({name: str(hours) for name, hours in zip(names, recorders, strict=True)} | {"poe": str(switch)})
    assert derived(known, *names) == (str(min(max(recorders), switch)), None)
