"""The campus file and list of rooms that a school begins with: commented, valid, and filled with what it answered."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.language import N_

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.model.rule import Stage

__all__ = ["Egress", "People", "Start", "campus_file", "rooms_table"]


@dataclass(frozen=True, slots=True)
class People:
    """How many there are of a stage."""

    stage: Stage
    students: int
    teachers: int
    classes: int
    upper: int | None = None
    """Classes from grade three up, where the stage has lower ones."""


@dataclass(frozen=True, slots=True)
class Egress:
    """The line to the Internet."""

    address: str
    """Of the device that it ends on."""
    port: str
    contract_mbps: int | None = None


@dataclass(frozen=True, slots=True)
class Start:
    """What the school said about itself."""

    id: str
    name: str
    by: str
    """Who says it."""
    at: str
    """When, RFC 3339."""
    people: tuple[People, ...] = ()
    egress: Egress | None = None
    rooms_file: str = ""


def campus_file(start: Start, translate: Callable[[str], str] = str) -> str:
    """Return the text of a campus file, with comments in the reader's language."""
    sections = (_head(start), _assets(start), _links(start), _rooms(start), _systems(), _people(start), _calendar())
    return "\n".join(
        line if raw else f"# {translate(line)}" if line else "" for section in sections for raw, line in section
    )


def rooms_table(example: str) -> str:
    """Return the table of rooms that a school begins with: the headings of the example, and none of its rooms.

    A row that was left as it is would count as a room of the school.
    """
    return example.splitlines(keepends=True)[0]


_Line = tuple[bool, str]
"""A line of the file as it is, or a comment to translate."""


def _quoted(text: str) -> str:
    """Return a scalar that YAML reads as this text, whatever it looks like."""
    return json.dumps(text, ensure_ascii=False)


def _head(start: Start) -> Iterator[_Line]:
    yield (
        False,
        N_("The campus file: what the school has, and what it declares about itself. It is part of the evidence."),
    )
    yield False, N_("Check it after every change: campus-agent lint --campus campus.yaml")
    yield True, "version: 1.0.0"
    yield True, "school:"
    yield True, f"  id: {_quoted(start.id)}"
    yield True, f"  name: {_quoted(start.name)}"
    if start.people:
        yield True, f"  stages: [{', '.join(people.stage for people in start.people)}]"
    yield True, "timezone: Asia/Shanghai"
    yield True, ""


def _assets(start: Start) -> Iterator[_Line]:
    yield (
        False,
        N_("Devices that are asked. `campus-agent discover` finds those that speak SNMP and proposes these lines."),
    )
    yield False, N_("credentials is the name of a secret in the state directory; the secret itself never stands here.")
    yield True, "assets:"
    yield True, "  - id: agent"
    yield True, "    family: agent-host"
    yield True, "    address: localhost"
    if start.egress is not None:
        yield True, "  - id: egress-device"
        yield True, "    family: generic-snmp"
        yield True, f"    address: {_quoted(start.egress.address)}"
        yield True, "    credentials: switches"
    yield True, ""


def _links(start: Start) -> Iterator[_Line]:
    yield False, N_("Watched ports: the lines to the Internet (egress), the backbone, and ports of rooms.")
    if start.egress is None:
        yield True, "# links:"
        yield True, "#   - { id: telecom, role: egress, asset: egress-device, port: GigabitEthernet0/0/1 }"
    else:
        yield True, "links:"
        yield True, "  - id: telecom"
        yield True, "    role: egress"
        yield True, "    asset: egress-device"
        yield True, f"    port: {_quoted(start.egress.port)}"
        if start.egress.contract_mbps is not None:
            yield False, N_("The bandwidth that the contract names: declared, never shown as measured.")
            yield True, "    contract_mbps:"
            yield True, f"      value: {start.egress.contract_mbps}"
            yield from _signed(start, "      ")
    yield True, ""


def _signed(start: Start, indent: str) -> Iterator[_Line]:
    yield True, f"{indent}by: {_quoted(start.by)}"
    yield True, f"{indent}at: {_quoted(start.at)}"
    yield True, f"{indent}why: campus-agent init"


def _rooms(start: Start) -> Iterator[_Line]:
    yield False, N_("Rooms with kind, seats and equipment: here, or as a table (.csv, .xlsx) beside this file.")
    if start.rooms_file:
        yield False, N_("In the table one row is one room, as in the line below; it begins without any.")
        yield True, "#   101,教室,七年级一班,,1,,七年级,是,48,是,是"
        yield True, f"rooms_file: {_quoted(start.rooms_file)}"
    else:
        yield True, "# rooms_file: rooms.csv"
    yield True, "# rooms:"
    yield True, '#   - { id: "101", kind: classroom, grade: 7, seats: 48, smart: true,'
    yield True, "#       equipment: [{ kind: display, switch: access-sw1, port: GigabitEthernet1/0/7 }] }"
    yield True, ""


def _systems() -> Iterator[_Line]:
    yield False, N_("Systems and the assets that show that they work; platforms that must be reached.")
    yield True, "# systems:"
    yield True, "#   - { kind: broadcast, assets: [broadcast-host] }"
    yield True, "# platforms:"
    yield True, "#   - { id: national, kind: national, assets: [national-platform] }"
    yield True, ""


def _people(start: Start) -> Iterator[_Line]:
    yield False, N_("People and classes by stage: primary, junior, senior. Ratios of computers rest on them.")
    if not start.people:
        yield True, "# headcounts:"
        yield True, "#   - { stage: junior, students: 900, teachers: 80, classes: 20, by: ..., at: ..., why: ... }"
    else:
        yield True, "headcounts:"
    for people in start.people:
        yield True, f"  - stage: {people.stage}"
        yield True, f"    students: {people.students}"
        yield True, f"    teachers: {people.teachers}"
        yield True, f"    classes: {people.classes}"
        if people.upper is not None:
            yield True, f"    classes_from_grade_three: {people.upper}"
        yield from _signed(start, "    ")
    yield True, ""


def _calendar() -> Iterator[_Line]:
    yield False, N_("When there is school; without it, Monday to Friday. make_up_days are weekends with school.")
    yield True, "# calendar:"
    yield True, "#   terms:"
    yield True, '#     - { since: "2026-09-01", until: "2027-01-22" }'
    yield True, '#   holidays: ["2026-10-01", "2026-10-02"]'
    yield True, '#   make_up_days: ["2026-10-10"]'
    yield True, ""
