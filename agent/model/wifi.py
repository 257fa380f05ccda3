"""Where a Wi-Fi controller or a single access point keeps its inventory, as data: select, name, scale, enum, no more.

A family pack carries it as `wifi:`; the MIBs that the program knows itself are built of the same words. Whatever needs
an `if` is a decoder with a name.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from agent.model.base import Decimal, Word

__all__ = [
    "IndexKind",
    "Oid",
    "Spelling",
    "WifiAps",
    "WifiCell",
    "WifiRadios",
    "WifiRoom",
    "WifiRooms",
    "WifiSingle",
    "WifiTables",
    "WifiTotal",
]

Oid = Annotated[str, Field(pattern=r"^[0-2](\.(0|[1-9][0-9]{0,9})){2,60}$")]
"""A dotted object identifier of a column or of a scalar without instance."""

IndexKind = Literal["mac", "number", "name", "serial"]
"""A part of a row's index: six octets of a MAC address, one number, or a text after its length (RFC 2578 §7.7) that is
the name or the serial number of an access point. A text is the last part: what follows it has no fixed place."""

Spelling = Literal["up", "down", "joining", "standby", "unregistered", "error", "2.4 GHz", "5 GHz", "6 GHz"]
"""What a number or text of the device means: a state of an access point or radio, or a band."""


def _text_last(kinds: tuple[IndexKind, ...]) -> tuple[IndexKind, ...]:
    if any(kind in ("name", "serial") for kind in kinds[:-1]):
        raise ValueError("a text must be the last part of the index")
    return kinds


Index = Annotated[tuple[IndexKind, ...], Field(max_length=4), AfterValidator(_text_last)]
"""How the rows of a table are indexed."""


class WifiCell(Word):
    """One fact: which column or scalar holds it, and what its values mean."""

    oids: tuple[Oid, ...] = Field(min_length=1, max_length=4)
    """The first that has a value counts."""
    values: dict[str, Spelling] = Field(default_factory=dict, max_length=64)
    """For states and bands: the device's number or text, and what it means; others mean nothing."""
    scale: Decimal | None = None
    """A number is multiplied by this."""
    decode: Literal["plain", "low-octet", "megahertz"] = "plain"
    """Of a channel: as it stands, in the low octet beside its width, or as the frequency in MHz."""


class WifiTotal(Word):
    """A count that the device keeps: a scalar, or the sum of some columns."""

    scalars: tuple[Oid, ...] = Field(default=(), max_length=4)
    """The first that has a value counts."""
    columns: tuple[Oid, ...] = Field(default=(), max_length=4)
    """Where no scalar has one: the sum of all rows of these."""
    index: Index = ()
    """Of these columns."""


class WifiAps(Word):
    """The table of access points; columns of several tables with one index may be named."""

    index: Index = Field(min_length=1)
    name: WifiCell | None = None
    """Absent if the index holds it."""
    state: WifiCell | None = None
    clients: WifiCell | None = None
    location: WifiCell | None = None
    model: WifiCell | None = None
    serial: WifiCell | None = None
    group: WifiCell | None = None
    lost: Oid | None = None
    """Column with the names of lost access points, where they have a table of their own with the same index."""


class WifiSingle(Word):
    """A device that is itself an access point: scalars."""

    name: WifiCell | None = None
    clients: WifiCell | None = None
    location: WifiCell | None = None
    model: WifiCell | None = None
    serial: WifiCell | None = None


class WifiRadios(Word):
    """The table of radios. Its index begins with that of the access point; the rest names the radio."""

    index: Index = ()
    """How the access point stands in the index; empty for a single access point."""
    ap: WifiCell | None = None
    """Column with the name of the access point."""
    names: Oid | None = None
    """Column of another table that has the access point's name under the index of this one."""
    key: WifiCell | None = None
    """Column that tells radios apart where several rows (networks) share one."""
    channel: WifiCell | None = None
    band: WifiCell | None = None
    state: WifiCell | None = None
    clients: WifiCell | None = None
    signal: WifiCell | None = None
    """In dBm, else it is not named: a device's own measure of strength is no signal level."""


class WifiTables(Word):
    """Everything that one MIB tells about Wi-Fi."""

    mib: str = Field(min_length=1, max_length=60)
    """Its name, as readings show it."""
    joined: WifiTotal | None = None
    """Access points that are connected."""
    configured: WifiTotal | None = None
    """Access points that are known, connected or not."""
    clients: WifiTotal | None = None
    """Clients of all access points."""
    aps: WifiAps | None = None
    single: WifiSingle | None = None
    radios: WifiRadios | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> WifiTables:
        if self.aps is not None and self.single is not None:
            raise ValueError("a device has a table of access points or is a single one, not both")
        if self.aps is None and self.single is None and self.joined is None:
            raise ValueError("name at least aps, single or joined")
        if self.single is not None and self.radios is not None and self.radios.index:
            raise ValueError("the radios of a single access point have no access point in their index")
        if self.aps is not None and self.radios is not None and not self.radios.index:
            raise ValueError("radios must say how the access point stands in their index")
        return self


# --- the campus file ----------------------------------------------------------------------------------------------

MOST_REPETITIONS = 3
"""Open repetitions of a pattern: reviewers match the names of strangers with the pattern of a stranger, and each more
multiplies the time that a hostile name can cost by its length."""
_PIECE = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.", re.DOTALL)
"""An escape, a class of characters, or one character."""


def _room_pattern(text: str) -> str:
    """Let through what matches in a time that is bounded by the length of the name."""
    try:
        compiled = re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"not a regular expression: {error}") from error
    if "room" not in compiled.groupindex:
        raise ValueError("the pattern needs a group (?P<room>...)")
    pieces = _PIECE.findall(text)
    marks = {"*", "+", "{"}
    if any(before == ")" and after in marks for before, after in pairwise(pieces)):
        raise ValueError("a group may not be repeated")
    if sum(piece in marks for piece in pieces) > MOST_REPETITIONS:
        raise ValueError(f"at most {MOST_REPETITIONS} repetitions")
    if re.search(r"\\[1-9]|\(\?(?!P<|:)|\(\?P[=>]", text):
        raise ValueError("groups may only be named or (?:...), and nothing may refer back to one")
    return text


class WifiRoom(Word):
    """In which room an access point hangs, as a person states it."""

    ap: str = Field(min_length=1, max_length=128)
    """Its name on the controller."""
    room: str


class WifiRooms(Word):
    """How access points are placed: by the list where it names them, else by their names."""

    room_pattern: Annotated[str, Field(max_length=200), AfterValidator(_room_pattern)] | None = None
    """A regular expression that the whole name matches; its group `room` is the id of a room, `AP-(?P<room>[0-9]+)`."""
    aps: tuple[WifiRoom, ...] = Field(default=(), max_length=5000)
    """Those whose names do not tell."""
