"""The words in which a vendor's MIB of security functions is described, as data.

A description says for each function which objects show it: that it runs, how much it examined, detected and blocked,
which signatures it has and of which date, and whether its licence holds. A new vendor is a new description.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agent.model.asset import SecurityFunction

__all__ = ["Amount", "Cell", "Duty", "Licence", "LicenceState", "Licences", "Mib", "State", "Words"]

LicenceState = Literal["valid", "trial", "expiring", "expired", "none"]
"""`none`: never bought, or taken back."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Where a value stands: an instance, or a column of which every row counts."""

    oid: str
    column: bool = False


@dataclass(frozen=True, slots=True)
class Amount:
    """A number: the sum of the cells, of the first alternative of which the device has at least one."""

    alternatives: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class State:
    """An object that tells whether the function runs. In a column, one row that runs is enough.

    Numbers are spelled as text. A spelling that stands in neither set tells nothing.
    """

    cell: Cell
    runs: frozenset[str]
    rests: frozenset[str]


@dataclass(frozen=True, slots=True)
class Words:
    """A text that holds a version, a date or both.

    Attributes:
        cell: where.
        none: what the device gives where there is no such thing installed: then it does not have the function.
        unknown: what it gives where it does not know.
    """

    cell: Cell
    none: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset({"unknown", "n/a", "-"})


@dataclass(frozen=True, slots=True)
class Licence:
    """What the licence of one function is; spellings of states in lower case, numbers as text."""

    states: Mapping[str, LicenceState] = field(default_factory=dict)
    state: Cell | None = None
    expiry: Cell | None = None


@dataclass(frozen=True, slots=True)
class Duty:
    """How one function shows itself."""

    function: SecurityFunction
    by: Literal["", "sessions", "users"] = ""
    """What of the whole device shows that the function works."""
    state: State | None = None
    examined: Amount | None = None
    detected: Amount | None = None
    blocked: Amount | None = None
    version: Words | None = None
    dated: bool = False
    """The version's text holds the date of the signatures, in brackets."""
    date: Words | None = None
    licence: Licence | None = None
    update: Cell | None = None
    """What the device says of the update of its signatures."""


@dataclass(frozen=True, slots=True)
class Licences:
    """A table of licences by name."""

    name: str
    """Column with the name of what is licensed."""
    functions: tuple[tuple[str, SecurityFunction], ...]
    """Regular expressions over the name, lower case; the first that is found says the function."""
    state: str | None = None
    states: Mapping[str, LicenceState] = field(default_factory=dict)
    expiry: str | None = None
    """Column with a text or DateAndTime."""
    days: str | None = None
    """Column with the days that are left."""

    def columns(self) -> tuple[str, ...]:
        """Return the columns to walk."""
        return tuple(oid for oid in (self.name, self.state, self.expiry, self.days) if oid is not None)


@dataclass(frozen=True, slots=True)
class Mib:
    """One vendor's MIB.

    Attributes:
        name: as it calls itself.
        anchors: instances of which a device of this kind has at least one.
        maker: prefix of sysObjectID that shows the device where everything stands in tables.
        duties: its functions.
        sessions: connections at this moment.
        capacity: how many it can hold.
        users: people whom it knows at this moment.
        licences: tables of licences.
    """

    name: str
    duties: tuple[Duty, ...]
    anchors: tuple[str, ...] = ()
    maker: str = ""
    sessions: Amount | None = None
    capacity: Amount | None = None
    users: Amount | None = None
    licences: tuple[Licences, ...] = ()

    def cells(self) -> Iterator[Cell]:
        """Yield every cell that is read, tables of licences apart."""
        amounts = [self.sessions, self.capacity, self.users]
        for duty in self.duties:
            amounts += [duty.examined, duty.detected, duty.blocked]
            yield from (part.cell for part in (duty.state, duty.version, duty.date) if part is not None)
            licence = duty.licence or Licence()
            yield from (cell for cell in (licence.state, licence.expiry, duty.update) if cell is not None)
        for amount in amounts:
            yield from (cell for cells in (amount.alternatives if amount else ()) for cell in cells)
