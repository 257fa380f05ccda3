"""Rooms and buildings of the school, and what is in them: what the clauses ask for, room by room."""

from __future__ import annotations

from typing import Final, Literal, Self, get_args

from pydantic import Field, model_validator

from agent.language import N_
from agent.model.base import Identifier, Word
from agent.model.rule import Stage

__all__ = ["EQUIPMENT", "ROOM_KINDS", "Building", "Equipment", "EquipmentKind", "Room", "RoomKind"]

RoomKind = Literal[
    "classroom",
    "subject-room",
    "laboratory",
    "computer-room",
    "innovation-room",
    "ai-room",
    "virtual-space",
    "recording-room",
    "studio",
    "library",
    "office",
    "activity",
    "hall",
    "living",
    "canteen",
    "data-centre",
    "other",
]
"""What kind of place a room is: the kinds that the clauses tell apart.

`classroom` is the room of a class; `subject-room` one of a subject (music, art, geography); `activity` a room for
activities, `hall` one for gatherings, lectures or sports; `living` a dormitory.
"""
ROOM_KINDS: Final[tuple[RoomKind, ...]] = get_args(RoomKind)

EquipmentKind = Literal[
    "display",
    "control",
    "amplifier",
    "sound",
    "casting",
    "ap",
    "recording",
    "terminal",
    "public-terminal",
    "class-board",
    "environment",
    "sensor",
    "information-display",
    "book-cabinet",
    "reading-terminal",
    "disinfection",
    "robot",
    "vr",
    "printer-3d",
    "experiment",
    "studio",
]
"""What a clause wants in a room.

`control` is the control host of the room's multimedia, `sound` its reinforcement, `casting` wireless projection,
`recording` a recording host or live point, `terminal` a computer, notebook or tablet of a seat, `environment` the
control of light and air, `experiment` a kit for experiments, `studio` a virtual studio.
"""
EQUIPMENT: Final[tuple[EquipmentKind, ...]] = get_args(EquipmentKind)


class Building(Word):
    """A building of the school."""

    id: Identifier
    name: str = ""


class Equipment(Word):
    """A thing in a room that a clause asks for, and where the network shows it: declared, until it is seen there.

    It is either an asset that is asked itself, or it hangs at a port of a switch that is asked. Neither: it is listed,
    and nothing can show it.
    """

    kind: EquipmentKind
    asset: Identifier | None = None
    """The asset that it is."""
    switch: Identifier | None = None
    """The asset at whose port it hangs."""
    port: str | None = None
    """That port: ifName, ifAlias or ifDescr."""
    count: int = Field(default=1, ge=1, le=10_000)
    """How many there are of it: terminals of a computer room behind one port."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.switch is None) != (self.port is None):
            raise ValueError(N_("switch and port go together"))
        if self.asset is not None and self.switch is not None:
            raise ValueError(N_("give either asset, or switch and port"))
        return self


class Room(Word):
    """A room of the school and what kind of place it is."""

    id: str
    kind: RoomKind
    name: str = ""
    building: Identifier | None = None
    floor: int | None = Field(default=None, ge=-9, le=200)
    stage: Stage | None = None
    """The stage that uses it; None: all of them."""
    grade: int | None = Field(default=None, ge=1, le=12)
    """It is the room of a class of this grade: 1 to 6 primary, 7 to 9 junior, 10 to 12 senior."""
    smart: bool | None = None
    """The school calls it a smart classroom. Declared: what is in it is measured apart."""
    seats: int | None = Field(default=None, ge=0, le=10_000)
    """Places for students or readers."""
    equipment: tuple[Equipment, ...] = ()

    @model_validator(mode="after")
    def _classes_have_classrooms(self) -> Self:
        if self.grade is not None and self.kind != "classroom":
            raise ValueError(N_("only a classroom is the room of a class, and has a grade"))
        return self

    def of_kind(self, kind: EquipmentKind) -> tuple[Equipment, ...]:
        """Return what is in the room of that kind."""
        return tuple(one for one in self.equipment if one.kind == kind)
