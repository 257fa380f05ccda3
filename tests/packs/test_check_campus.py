"""What a campus file must hold beyond its shape: names that exist, things once, days and people that can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.assess.plan import plan_of
from agent.assess.samples import milliseconds
from agent.packs.check_campus import is_host
from agent.packs.load import config_directory, load_campus, parse_campus
from agent.packs.yaml_source import PackError

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLE = (config_directory() / "campus.example.yaml").read_text(encoding="utf-8")


def faults(old: str, new: str) -> list[str]:
    """Return what is wrong with the example once a piece of it is replaced."""
    assert old in EXAMPLE
    with pytest.raises(PackError) as caught:
        parse_campus(EXAMPLE.replace(old, new, 1).encode(), "c")
    return [fault.render().partition(": ")[2].partition(". ")[0] for fault in caught.value.faults]


def test_the_example_shows_every_part_of_a_school() -> None:
    """Rooms with equipment, systems, platforms, cameras, log sources, people and calendar, without a fault."""
    campus = parse_campus(EXAMPLE.encode(), "c").value
    assert campus.buildings
    assert campus.systems
    assert campus.platforms
    assert campus.calendar is not None
    assert any(len(camera.recorded) > 1 and camera.switch for camera in campus.cameras)
    assert {source.kind for source in campus.log_sources} == {"system", "user-access"}
    assert all(source.stored for source in campus.log_sources)
    assert {count.stage for count in campus.headcounts} == set(campus.school.stages)
    assert any(room.grade and room.smart and room.equipment for room in campus.rooms)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("building: teaching-1", "building: teaching-2", "there is no building 'teaching-2'"),
        ("switch: access-sw1", "switch: access-sw9", "there is no asset 'access-sw9'"),
        ("asset: control-101", "asset: control-102", "there is no asset 'control-102'"),
        ("assets: [broadcast]", "assets: [broadcasting]", "there is no asset 'broadcasting'"),
        ("assets: [national-platform]", "assets: [nation]", "there is no asset 'nation'"),
        ("- stage: senior", "- stage: junior", "headcounts[1].stage: 'junior' is given twice; first at c:"),
        ("- stage: senior", "- stage: primary", "there is no stage of this school 'primary'"),
        ("    grade: 7", "    stage: primary\n    grade: 7", "there is no stage of this school 'primary'"),
        ("    kind: data-centre", "    kind: data-centre\n    grade: 7", "rooms[0]: only a classroom is the room"),
        ("    kind: data-centre", "    kind: serverroom", "rooms[0].kind cannot be 'serverroom'"),
        ("kind: broadcast\n", "kind: broadcasts\n", "systems[0].kind cannot be 'broadcasts'"),
        ("        port: GigabitEthernet1/0/7\n", "", "rooms[1].equipment[0]: switch and port go together"),
        (
            "asset: control-101",
            "asset: control-101\n        switch: x\n        port: y",
            "rooms[1].equipment[1]: give either",
        ),
        ("    classes: 20\n", "    classes: 20\n    classes_from_grade_three: 21\n", "there cannot be more classes"),
        (
            'expires: "2027-08-31T23:59:59+08:00"',
            'expires: "2026-08-31T23:59:59+08:00"',
            "it expires before it was stated",
        ),
        ('since: "2027-02-22"', 'since: "2027-01-22"', "this term begins before the one above it ends"),
        ('"2026-10-10"', '"2026-10-12"', "a make-up day is a Saturday or Sunday; this is neither"),
        ('"2027-01-01"', '"2026-10-01"', "calendar.holidays[5]: '2026-10-01' is given twice; first at c:"),
        ("switch: access-sw1 # what powers it", "switch: x # what powers it", "there is no asset 'x'"),
        ("recorder: nvr1\n", "recorder: y\n", "there is no asset 'y'"),
        ("    area: key\n    room: server-room", "    area: key\n    room: x", "there is no room 'x'"),
        ("asset: firewall1\n", "asset: x\n", "there is no asset 'x'"),
        ("store: log-elasticsearch\n", "store: x\n", "there is no asset 'x'"),
        (
            "- id: national\n    kind",
            "- id: national\n    url: https://user@platform.example\n    kind",
            "platforms[0].url cannot be",
        ),
        ("    # playback: 2", "    rtsp_port: 8554", "this port is for playing recordings, and nothing of this asset"),
        ("systems:", "rooms_digest: sha256:" + "0" * 64 + "\nsystems:", "rooms_digest goes with rooms_file"),
    ],
)
def test_one_fault_each(old: str, new: str, says: str) -> None:
    """A slip gets one error that says what is wrong."""
    found = faults(old, new)
    assert found[0].startswith(says), found


@given(
    st.one_of(
        st.ip_addresses().map(str),
        st.lists(st.from_regex(r"[A-Za-z]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True), min_size=1, max_size=3).map(
            ".".join
        ),
    )
)
def test_whatever_can_be_an_address_is_one(text: str) -> None:
    """No address and no name by the rules is refused; behind a blank, with a scheme, a path or a comma it is."""
    assert is_host(text)
    assert not any(is_host(wrong) for wrong in (f" {text}", f"http://{text}", f"{text}/", f"{text}，1", f"{text}\n"))


def test_a_camera_and_its_recorder_are_both_checked() -> None:
    """Every name of a camera that nobody has is reported together with the others."""
    camera = "cameras:\n  - { id: a, area: key, switch: x, room: z, recorded: [{ recorder: y, channel: 1 }] }\n"
    assert len(faults("cameras: # that a standard wants, whether a recorder knows them or not\n", camera)) == 3


def test_samples_are_counted_by_the_schools_own_days(tmp_path: Path) -> None:
    """Holidays and ordinary weekends are no school days, a make-up Saturday is; by the campus's civil time."""
    path = tmp_path / "campus.yaml"
    path.write_text(EXAMPLE, encoding="utf-8")
    plan = plan_of(load_campus(path).value, {})
    noons = [
        milliseconds(f"2026-{day}T12:00:00+08:00") for day in ("09-30", "10-01", "10-09", "10-10", "10-11", "02-01")
    ]
    assert plan.school_days(noons) == 3
    assert plan.school_days([milliseconds("2026-09-30T23:00:00Z")]) == 0  # already the holiday in Shanghai


@pytest.mark.parametrize("name", ["localtime", "posixrules", "Factory", "Asia", "../etc/localtime"])
def test_a_zone_is_a_place_on_earth(name: str) -> None:
    """What a name means must not depend on the machine that reads it: a reviewer's is another than the school's."""
    with pytest.raises(PackError, match="not a time zone"):
        parse_campus(f"version: '1'\nschool: {{id: s, name: s}}\ntimezone: {name}\n".encode(), "campus.yaml")
