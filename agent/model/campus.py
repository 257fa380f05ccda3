"""`Campus`: the campus file, what the school has and what it declares about itself."""

from __future__ import annotations

from pydantic import Field

from agent.model.asset import Asset
from agent.model.base import Decimal, Digest, Identifier, Timestamp, Word
from agent.model.calendar import SchoolCalendar
from agent.model.logs import LogSource
from agent.model.room import Building, Equipment, Room
from agent.model.rule import Stage
from agent.model.system import Platform, System
from agent.model.wifi import WifiRooms

__all__ = [
    "Application",
    "Building",
    "Camera",
    "Campus",
    "Declaration",
    "Equipment",
    "Headcount",
    "Link",
    "Platform",
    "Poll",
    "Recorded",
    "Room",
    "School",
    "System",
]


class Declaration(Word):
    """A value that a person states: who, when, why, and the digest of the document that shows it."""

    value: Decimal
    by: str
    at: Timestamp
    why: str
    document: str | None = None
    """`sha256:<hex>` of a contract or bill."""
    expires: Timestamp | None = None


class Headcount(Word):
    """How many people and classes a stage of the school has: declared, with who, when and why."""

    stage: Stage
    students: int = Field(ge=0)
    teachers: int = Field(ge=0)
    classes: int = Field(ge=0)
    classes_from_grade_three: int | None = Field(default=None, ge=0)
    """Classes of grade three and up; None: not stated (all of them are, above primary)."""
    by: str
    at: Timestamp
    why: str
    document: str | None = None
    """`sha256:<hex>` of the list or report that shows it."""
    expires: Timestamp | None = None


class Application(Word):
    """What the school applies for under one standard."""

    standard: Identifier
    level: str | None = None
    """A level of the standard (stars)."""
    choices: dict[str, str] = Field(default_factory=dict)
    """Section of the standard that lets choose -> the section below it that the school chose."""


class Link(Word):
    """A watched port: which asset, which port (ifName, ifAlias or ifDescr), and what it is for."""

    id: Identifier
    role: str = Field(pattern="^(egress|backbone|uplink|classroom|office|access)$")
    asset: Identifier
    port: str
    room: str | None = None
    contract_mbps: Declaration | None = None
    """Bought bandwidth in Mbit/s; declared, never shown as measured."""


class Recorded(Word):
    """A recorder and its channel that hold a camera."""

    recorder: Identifier
    channel: str
    """As the recorder counts: the number that its own page shows, or an ONVIF recording token."""


class Camera(Word):
    """A camera that a standard wants, whether a recorder knows it or not."""

    id: Identifier
    area: str = Field(pattern="^(entrance|key|gathering|kitchen|other)$")
    room: str | None = None
    recorded: tuple[Recorded, ...] = ()
    """Where its footage is; on several recorders it is still one camera, and the best copy counts."""
    switch: Identifier | None = None
    """The asset that it gets its power from (PoE)."""


class School(Word):
    """The school itself."""

    id: Identifier
    name: str
    stages: tuple[Stage, ...] = ()


class Poll(Word):
    """The sampling plan of one collector: how often, with what total time per asset."""

    collector: str
    every_seconds: int = Field(ge=1)
    deadline_seconds: int = Field(default=60, ge=1, le=3600)


_HOURLY = frozenset({"interfaces", "lag", "neighbours"})
"""Collectors that walk the ports of a whole device; those of a watched link are asked for apart, and oftener."""
_DAILY = frozenset({"canary", "census", "ipv6", "logs", "recorder"})
"""Collectors that walk whole tables, half a year of counts or three months of footage, and one canary a day."""


class Campus(Word):
    """The campus file."""

    version: str
    school: School
    timezone: str = "Asia/Shanghai"
    assets: tuple[Asset, ...] = ()
    links: tuple[Link, ...] = ()
    buildings: tuple[Building, ...] = ()
    rooms: tuple[Room, ...] = ()
    rooms_file: str = ""
    """Instead of `rooms`: a table beside this file (.csv, .xlsx) with one row per room."""
    rooms_digest: Digest | None = None
    """Written by the program when it reads the table in: the digest of that file. Its rooms then stand in `rooms`."""
    systems: tuple[System, ...] = ()
    """What the clauses ask for by what it does: several of one kind are all of that kind."""
    platforms: tuple[Platform, ...] = ()
    cameras: tuple[Camera, ...] = ()
    log_sources: tuple[LogSource, ...] = ()
    calendar: SchoolCalendar | None = None
    """When there is school; without it, Monday to Friday."""
    plan: tuple[Poll, ...] = ()
    wifi: WifiRooms | None = None
    """How access points are placed in rooms."""
    headcounts: tuple[Headcount, ...] = ()
    declarations: dict[str, Declaration] = Field(default_factory=dict)
    """What documents show that no machine can prove, by `<standard>/<criterion>`; value 1 for yes, 0 for no."""
    applications: tuple[Application, ...] = ()

    def asset(self, name: str) -> Asset | None:
        """Return the asset of that id, or None."""
        return next((asset for asset in self.assets if asset.id == name), None)

    def headcount(self, stage: Stage) -> Headcount | None:
        """Return the headcount of the stage, or None."""
        return next((count for count in self.headcounts if count.stage == stage), None)

    def application(self, standard: str) -> Application | None:
        """Return what the school applies for under the standard, or None."""
        return next((item for item in self.applications if item.standard == standard), None)

    def links_of(self, asset: str) -> tuple[Link, ...]:
        """Return the links whose near end is on the asset."""
        return tuple(link for link in self.links if link.asset == asset)

    def poll(self, collector: str) -> Poll:
        """Return the plan of a collector; where the file says nothing every five minutes.

        What walks the ports of a whole device then once an hour, and large tables once a day.
        """
        found = next((poll for poll in self.plan if poll.collector == collector), None)
        if found is None and collector in _DAILY:
            # a recorder of 64 channels is asked 6 000 times, a tenth of a second each
            return Poll(
                collector=collector, every_seconds=86_400, deadline_seconds=3600 if collector == "recorder" else 600
            )
        if found is None and collector in _HOURLY:
            return Poll(collector=collector, every_seconds=3600)
        return found or Poll(collector=collector, every_seconds=300)
